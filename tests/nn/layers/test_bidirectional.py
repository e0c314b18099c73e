"""Bidirectional runs one copy of its layer on the sequence and one on its mirror image."""

from __future__ import annotations

import numpy as np
import pytest
from layer_examples import F, T, normal, parameters

from gatecast.errors import ConfigError
from gatecast.kernels.packing import pack, pack_mask, unpack
from gatecast.layers import GRU, LSTM, Bidirectional, CallContext, Concatenate, Dense, Residual, StatefulLayer
from gatecast.nn.layers.wrapper import strip_prefix

B = 19
every_count = pytest.mark.parametrize("count", [3, B])


def run(layer, params, x, mask=None):
    """Return unpacked outputs."""
    context = CallContext(mask=None if mask is None else pack_mask(mask))
    return unpack(layer.forward(params, pack(x), context)[0], len(x))


@every_count
@pytest.mark.parametrize("sequences", [False, True])
@pytest.mark.parametrize("merge", ["concat", "sum", "mul", "ave"])
def test_bidirectional_merges_a_layer_on_the_sequence_and_one_on_its_mirror_image(merge, sequences, count, rng):
    inner = GRU(3, return_sequences=sequences)
    layer, x = Bidirectional(inner, merge), normal(rng, count, T, F)
    params = parameters(layer, rng)
    lengths = rng.integers(1, T + 1, count)
    y = run(layer, params, x, np.arange(T) < lengths[:, None])
    for s, n in enumerate(lengths):
        a = run(inner, strip_prefix(params, "forward."), x[s : s + 1, :n])
        b = run(inner, strip_prefix(params, "backward."), x[s : s + 1, :n][:, ::-1])[:, ::-1]
        expected = {"concat": np.concatenate([a, b], axis=2), "sum": a + b, "mul": a * b, "ave": (a + b) / 2}[merge]
        np.testing.assert_array_equal(y[s : s + 1, : expected.shape[1]], expected)


def test_both_copies_start_differently_and_are_listed_one_after_the_other(rng):
    layer = Bidirectional(LSTM(3))
    params = layer.init(rng, (T, F))
    assert (params["forward.Wx"] != params["backward.Wx"]).any()
    weights = layer.to_keras_weights(params)
    np.testing.assert_array_equal(weights[3], LSTM(3).to_keras_weights(strip_prefix(params, "backward."))[0])


def test_bidirectional_takes_no_state_and_does_not_stream(rng):
    layer, x = Bidirectional(LSTM(3)), pack(normal(rng, B, T, F))
    state = (pack(normal(rng, B, 1, 3))[:, 0],) * 2
    assert not isinstance(layer, StatefulLayer)
    with pytest.raises(TypeError):
        layer.forward(layer.init(rng, (T, F)), x, CallContext(), state=state)
    assert not layer.supports_streaming
    assert not Residual(Bidirectional(LSTM(3, return_sequences=True))).supports_streaming
    assert not Concatenate((Bidirectional(LSTM(3)), LSTM(3))).supports_streaming


@every_count
def test_both_copies_drop_different_values(count, rng):
    layer, x = Bidirectional(LSTM(3, dropout=0.5), "sum"), normal(rng, count, T, F)
    params = parameters(layer, rng)
    same = {**params, **{"backward." + n: p for n, p in strip_prefix(params, "forward.").items()}}
    mirrored = np.concatenate([x, x[:, ::-1]], axis=1)
    y, _, (a, b, *_) = layer.forward(same, pack(mirrored), CallContext(True, 5))
    assert np.isfinite(y).all()
    assert (a[1] != b[1]).any()


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: Bidirectional(LSTM(3), "max"), r"merge_mode \(Bidirectional\): got 'max'"),
        (lambda: Bidirectional(LSTM), r"layer \(Bidirectional\): got <class"),
        (lambda: Bidirectional(Residual(LSTM(3))), r"expected a recurrent layer, such as LSTM\(50\)"),
        (lambda: Bidirectional(Dense(3)), r"layer \(Bidirectional\): got Dense\(3"),
    ],
)
def test_bidirectional_with_impossible_settings_raises_config_error(make, text):
    with pytest.raises(ConfigError, match=text):
        make()
