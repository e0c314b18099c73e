"""Layers made of layers do what their parts do, put together by hand.

Letters: B batch, T time, F features, d rate of a dilation.
"""

from __future__ import annotations

import numpy as np
import pytest
from layer_examples import F, T, normal, parameters

from gatecast.errors import ConfigError
from gatecast.kernels.packing import pack, pack_mask, unpack
from gatecast.layers import (
    GRU,
    LSTM,
    BatchNormalization,
    Bidirectional,
    CallContext,
    Concatenate,
    Dense,
    Dilated,
    Dropout,
    Embedding,
    Input,
    Residual,
    Select,
)
from gatecast.nn.network import build, initial_weights

B = 19
every_count = pytest.mark.parametrize("count", [3, B])
SEQUENCE = {"return_sequences": True}


def run(layer, params, x, mask=None, state=None):
    """Unpacked outputs."""
    told = CallContext(mask=None if mask is None else pack_mask(mask))
    return unpack(layer.forward(params, pack(x), told, state)[0], len(x))


def inside(params, prefix):
    """Parameters of one part."""
    return {name[len(prefix) :]: p for name, p in params.items() if name.startswith(prefix)}


@every_count
@pytest.mark.parametrize("sequences", [False, True])
@pytest.mark.parametrize("merge", ["concat", "sum", "mul", "ave"])
def test_bidirectional_is_one_layer_on_the_sequence_and_one_on_its_mirror_image(merge, sequences, count, rng):
    inner = GRU(3, return_sequences=sequences)
    layer, x = Bidirectional(inner, merge), normal(rng, count, T, F)
    params = parameters(layer, rng)
    lengths = rng.integers(1, T + 1, count)
    y = run(layer, params, x, np.arange(T) < lengths[:, None])
    for s, n in enumerate(lengths):
        a = run(inner, inside(params, "forward."), x[s : s + 1, :n])
        b = run(inner, inside(params, "backward."), x[s : s + 1, n - 1 :: -1] if n < T else x[s : s + 1, ::-1])[:, ::-1]
        expected = {"concat": np.concatenate([a, b], axis=2), "sum": a + b, "mul": a * b, "ave": (a + b) / 2}[merge]
        np.testing.assert_array_equal(y[s : s + 1, : expected.shape[1]], expected)


def test_both_directions_start_apart_and_are_listed_one_after_the_other(rng):
    layer = Bidirectional(LSTM(3))
    params = layer.init(rng, (T, F))
    assert (params["forward.Wx"] != params["backward.Wx"]).any()
    weights = layer.get_weights(params)
    np.testing.assert_array_equal(weights[3], LSTM(3).get_weights(inside(params, "backward."))[0])
    state = (pack(normal(rng, B, 1, 3))[:, 0],) * 2
    with pytest.raises(ConfigError, match="a Bidirectional layer cannot go on from a state"):
        layer.forward(params, pack(normal(rng, B, T, F)), CallContext(), state)
    assert not layer.supports_streaming
    assert not Residual(Bidirectional(LSTM(3, **SEQUENCE))).supports_streaming
    assert not Concatenate((Bidirectional(LSTM(3)), LSTM(3))).supports_streaming


@every_count
def test_both_directions_drop_other_values(count, rng):
    layer, x = Bidirectional(LSTM(3, dropout=0.5), "sum"), normal(rng, count, T, F)
    params = parameters(layer, rng)
    same = {**params, **{"backward." + n: p for n, p in inside(params, "forward.").items()}}
    mirrored = np.concatenate([x, x[:, ::-1]], axis=1)
    y, _, (a, b, _) = layer.forward(same, pack(mirrored), CallContext(True, 5))
    assert np.isfinite(y).all()
    assert (a[1] != b[1]).any()


@every_count
def test_a_residual_layer_adds_its_input(count, rng):
    inner, x = LSTM(F, **SEQUENCE), normal(rng, count, T, F)
    params = parameters(inner, rng)
    np.testing.assert_array_equal(run(Residual(inner), params, x), x + run(inner, params, x))


@every_count
@pytest.mark.parametrize("d", [1, 2, 3, 9])
@pytest.mark.parametrize("sequences", [False, True])
def test_a_dilated_layer_sees_every_dth_step(d, sequences, count, rng):
    inner, every = GRU(4, return_sequences=sequences), GRU(4, **SEQUENCE)
    layer, x = Dilated(inner, d), normal(rng, count, 7, F)
    params = parameters(layer, rng)
    expected = np.empty((count, 7, 4), np.float32)
    for phase in range(min(d, 7)):
        expected[:, phase::d] = run(every, params, x[:, phase::d])
    np.testing.assert_array_equal(run(layer, params, x), expected if sequences else expected[:, -1:])


@pytest.mark.parametrize("d", [2, 3])
def test_the_last_output_of_a_dilated_layer_is_that_of_the_last_step_that_counts(d, rng):
    layer, x = Dilated(LSTM(4), d), normal(rng, B, 7, F)
    params, lengths = parameters(layer, rng), rng.integers(1, 8, B)
    y = run(layer, params, x, np.arange(7) < lengths[:, None])
    for s, n in enumerate(lengths):
        np.testing.assert_array_equal(y[s : s + 1], run(layer, params, x[s : s + 1, :n]))


@pytest.mark.parametrize("count", [1, B])
@pytest.mark.parametrize("d", [2, 3, 5])
def test_a_dilated_state_has_the_size_of_all_phases_and_goes_on_after_any_cut(d, count, rng):
    layer, x = Dilated(LSTM(4, **SEQUENCE), d), normal(rng, count, 11, F)
    params = parameters(layer, rng)
    y, end, _ = layer.forward(params, pack(x), CallContext())
    assert [s.shape for s in end] == [(len(y), 4 * d, y.shape[3])] * 2
    for cut in range(1, 11):
        one, state, _ = layer.forward(params, pack(x[:, :cut]), CallContext())
        two, last, _ = layer.forward(params, pack(x[:, cut:]), CallContext(), state)
        np.testing.assert_array_equal(np.concatenate([one, two], axis=1), y)
        np.testing.assert_array_equal(last, end)


@pytest.mark.parametrize("cut", [1, 2, 4, 5])
def test_gradients_of_a_dilated_layer_go_over_a_cut(cut, rng):
    layer, x, dy = Dilated(LSTM(4, **SEQUENCE), 3), pack(normal(rng, B, 7, F)), pack(normal(rng, B, 7, 4))
    params = parameters(layer, rng)
    _, end, cache = layer.forward(params, x, CallContext())
    dend = tuple(pack(normal(rng, B, 1, 12))[:, 0] for _ in end)
    dx, first, _ = layer.backward(params, cache, dy, True, dend)
    assert first is None
    _, state, one = layer.forward(params, x[:, :cut].copy(), CallContext())
    _, _, two = layer.forward(params, x[:, cut:].copy(), CallContext(), state)
    dx_two, dstate, _ = layer.backward(params, two, dy[:, cut:].copy(), True, dend)
    dx_one, _, _ = layer.backward(params, one, dy[:, :cut].copy(), True, dstate)
    np.testing.assert_array_equal(np.concatenate([dx_one, dx_two], axis=1), dx)


@every_count
def test_branches_side_by_side(count, rng):
    lstm, gru = LSTM(3, **SEQUENCE), GRU(2)
    layer, x = Concatenate(((lstm, gru), Select((1,), last=True))), normal(rng, count, T, F)
    params = parameters(layer, rng)
    assert set(params) == {"0.0.Wx", "0.0.Wh", "0.0.b", "0.1.Wx", "0.1.Wh", "0.1.b"}
    a = run(gru, inside(params, "0.1."), run(lstm, inside(params, "0.0."), x))
    np.testing.assert_array_equal(run(layer, params, x), np.concatenate([a, x[:, -1:, 1:2]], axis=2))


def test_a_code_at_every_step_becomes_a_vector_beside_the_values(rng):
    layer = Concatenate((Select((0,)), (Select((1,)), Embedding(7, 3))))
    x = np.stack([rng.normal(size=(B, T)), rng.integers(0, 7, (B, T))], axis=2).astype(np.float32)
    params = parameters(layer, rng, (T, 2))
    expected = np.concatenate([x[:, :, :1], params["1.1.E"][x[:, :, 1].astype(int)]], axis=2)
    np.testing.assert_array_equal(run(layer, params, x), expected)


def test_a_mask_ends_where_the_time_axis_ends(rng):
    layer = Concatenate(
        ((LSTM(3), BatchNormalization()), (Select((0,), last=True), Embedding(4, 2), Select((0,), last=True)))
    )
    x = rng.integers(0, 4, (B, 1, F)).astype(np.float32)
    params = parameters(layer, rng, (1, F))
    mask = np.zeros((2, 1, 16), np.float32)
    _, _, cache = layer.forward(params, pack(x), CallContext(True, n_sequences=B, mask=mask))
    assert set(layer.update_buffers(params, cache)) == {"0.1.moving_mean", "0.1.moving_variance"}


def test_layers_of_layers_settle_what_is_inside(rng):
    layer = Concatenate((Residual(BatchNormalization(0.5)), (Dense(2), BatchNormalization())))
    params = parameters(layer, rng)
    _, _, cache = layer.forward(params, pack(normal(rng, B, T, F)), CallContext(True, n_sequences=B))
    settled = layer.update_buffers(params, cache)
    assert set(settled) == {f"{at}.moving_{what}" for at in ("0.0", "1.1") for what in ("mean", "variance")}


def test_a_shape_given_to_the_layer_inside_is_that_of_the_whole():
    for make in (Bidirectional, Residual, lambda layer: Dilated(layer, 2), lambda layer: Concatenate((layer,))):
        assert make(LSTM(2, **SEQUENCE, input_shape=(T, 2))).input_shape == (T, 2)
    assert Residual(Dense(2, input_shape=(3,)), input_shape=(2,)).input_shape == (2,)
    assert Input((T, 2)).shape == (T, 2)


def test_branches_are_the_same_however_they_are_written():
    assert Concatenate([LSTM(3), [Dropout(0.1), LSTM(2)]]) == Concatenate(((LSTM(3),), (Dropout(0.1), LSTM(2))))


def test_a_network_of_everything_can_be_built_and_counts_its_parameters():
    layers = [
        Concatenate((Select((0,)), (Select((1,)), Embedding(7, 2)))),
        Bidirectional(GRU(4, **SEQUENCE)),
        Residual(Dilated(LSTM(8, **SEQUENCE), 4)),
        Dilated(LSTM(5), 2),
        BatchNormalization(),
        Dense(1),
    ]
    network = build(layers, (None, 2))
    assert network.shapes[1:] == ((None, 3), (None, 8), (None, 8), (5,), (5,), (1,))
    sizes = 14, 2 * (3 * 12 + 4 * 12 + 24), 8 * 32 + 8 * 32 + 32, 8 * 20 + 5 * 20 + 20, 20, 6
    assert initial_weights(network, 0).vector.size == sum(sizes)


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: Bidirectional(LSTM(3), "max"), "Bidirectional does not know this merge: got 'max'"),
        (lambda: Bidirectional(LSTM), "Bidirectional is made of other things than this: got <class"),
        (lambda: Bidirectional(Residual(LSTM(3))), "expected a recurrent layer, such as LSTM(50)"),
        (lambda: Residual(5), "Residual is made of other things than this: got 5"),
        (
            lambda: Residual(LSTM(3)).output_shape((T, 3)),
            "Residual cannot add what has another shape (LSTM): got (3,) from (5, 3), expected the shape of the input.",
        ),
        (lambda: Dilated(Dense(3), 2), "Dilated is made of other things than this: got Dense(units=3"),
        (lambda: Dilated(Dilated(LSTM(3), 2), 2), "Dilated is made of other things than this"),
        (lambda: Dilated(LSTM(3), 0), "Invalid Dilated's rate 0"),
        (lambda: Concatenate(()), "Concatenate needs layers in every branch: got ()"),
        (lambda: Concatenate((LSTM(3), ())), "Select takes features past the other branches as they are."),
        (lambda: Concatenate(LSTM(3)), "Concatenate needs layers in every branch: got LSTM("),
        (lambda: Concatenate((LSTM(3), 5)), "Concatenate is made of other things than this: got 5"),
        (
            lambda: Concatenate((LSTM(3), Select((0,)))).output_shape((T, 3)),
            "the branches of a Concatenate do not fit together: got outputs of shape (3,), (5, 1)",
        ),
    ],
)
def test_impossible_settings_are_named(make, text):
    with pytest.raises(ConfigError) as caught:
        make()
    assert text in str(caught.value)
