"""Stateful layers go on where the batch before has ended; layers with go_backwards read from the end."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
from layer_examples import F, T, normal

from gatecast.errors import ConfigError
from gatecast.kernels.packing import pack, unpack
from gatecast.layers import (
    GRU,
    LSTM,
    Bidirectional,
    CallContext,
    Dense,
    Dilated,
    Input,
    Residual,
    SimpleRNN,
    TimeDistributed,
)
from gatecast.models import Sequential

KINDS = {"LSTM": LSTM, "GRU": GRU, "SimpleRNN": SimpleRNN}


@pytest.mark.parametrize("count", [2, 19])
@pytest.mark.parametrize("kind", KINDS)
def test_pieces_through_a_stateful_layer_are_one_run_to_the_bit(kind, count, rng):
    layer = KINDS[kind](4, return_sequences=True, stateful=True)
    plain = KINDS[kind](4, return_sequences=True)
    params, x = plain.init(rng, (T, F)), pack(normal(rng, count, T, F))
    expected, _, _ = plain.forward(params, x, CallContext())
    for _ in range(2):
        pieces = [
            layer.forward(params, np.ascontiguousarray(x[:, s]), CallContext())[0] for s in (slice(2), slice(2, T))
        ]
        np.testing.assert_array_equal(np.concatenate(pieces, axis=1), expected)
        layer.reset_states()


def test_a_model_with_stateful_layers_carries_states_from_predict_to_predict(rng):
    x = normal(rng, 4, 6, 1)
    model = Sequential(
        [Input((None, 1)), LSTM(3, stateful=True, return_sequences=True), GRU(3, stateful=True), Dense(1)]
    )
    whole = model.predict(x, batch_size=4)
    model.reset_states()
    model.predict(x[:, :2], batch_size=4)
    np.testing.assert_array_equal(model.predict(x[:, 2:], batch_size=4), whole)
    assert (model.predict(x, batch_size=4) != whole).any()
    model.reset_state()
    np.testing.assert_array_equal(model.predict(x, batch_size=4), whole)


def test_a_stateful_model_learns_what_only_the_batch_before_tells(rng):
    """The target is a sum of the values of this batch and of the one before."""
    values = normal(rng, 256, 1, 1)
    target = (values + np.concatenate([np.zeros((8, 1, 1), np.float32), values[:-8]]))[:, 0]
    losses = {}
    for stateful in (True, False):
        model = Sequential([Input((1, 1)), SimpleRNN(8, stateful=stateful), Dense(1)])
        model.compile(optimizer="adam", loss="mean_squared_error")
        for _ in range(40):
            history = model.fit(values, target, batch_size=8, epochs=1, shuffle=False, verbose=0)
            model.reset_states()
        losses[stateful] = history.history["loss"][-1]
    assert losses[True] < 0.6 * losses[False]


def test_batches_of_another_size_raise_config_error(rng):
    model = Sequential([Input((None, 1)), LSTM(3, stateful=True), Dense(1)])
    model.predict(normal(rng, 6, 5, 1), batch_size=6)
    with pytest.raises(ConfigError, match=r"batches of one size.*got 40 samples after 6"):
        model.predict(normal(rng, 40, 5, 1), batch_size=40)


def test_states_are_set_and_reset(rng):
    layer, plain = LSTM(3, stateful=True), LSTM(3)
    params, x = plain.init(rng, (T, F)), pack(normal(rng, 5, T, F))
    h, c = normal(rng, 5, 3), normal(rng, 5, 3)
    layer.reset_states([h, c])
    y, _, _ = layer.forward(params, x, CallContext(n_sequences=5))
    expected, _, _ = plain.forward(params, x, CallContext(), state=tuple(pack(s[:, None])[:, 0] for s in (h, c)))
    np.testing.assert_array_equal(y, expected)
    with pytest.raises(ConfigError, match="stateful=True"):
        plain.reset_states()


@pytest.mark.parametrize("kind", KINDS)
def test_go_backwards_is_the_backward_copy_of_a_bidirectional_layer(kind, rng):
    inner = KINDS[kind](4, return_sequences=True)
    both = Bidirectional(inner)
    params, x = both.init(rng, (T, F)), pack(normal(rng, 5, T, F))
    y, _, _ = both.forward(params, x, CallContext())
    own = {name.removeprefix("backward."): p for name, p in params.items() if name.startswith("backward.")}
    reverse, _, _ = KINDS[kind](4, return_sequences=True, go_backwards=True).forward(own, x, CallContext())
    np.testing.assert_array_equal(unpack(reverse, 5)[:, ::-1], unpack(y, 5)[:, :, 4:])


@pytest.mark.parametrize("option", ["stateful", "go_backwards", "return_state"])
def test_wrappers_refuse_what_they_cannot_pass_on(option):
    inner = LSTM(3, return_sequences=True, **{option: True})
    for make in (
        Bidirectional,
        Residual,
        TimeDistributed,
        partial(Dilated, rate=2),
    ):
        with pytest.raises(ConfigError, match=f"takes no layer with {option}"):
            make(inner)


def stateful(size):
    model = Sequential([Input(batch_shape=(size, T, F)), LSTM(3, stateful=True), Dense(1)], seed=1)
    model.compile("sgd", "mse")
    return model


@pytest.mark.parametrize("size", [1, 4, 8])
def test_validation_of_a_stateful_model_has_the_batch_size_of_fit(size, rng):
    x, y = normal(rng, 16, T, F), normal(rng, 16, 1)
    options = {"batch_size": size, "epochs": 2, "shuffle": False, "validation_data": (x, y)}
    losses = stateful(size).fit(x, y, **options).history["val_loss"]
    assert losses == stateful(size).fit(x, y, **options, validation_batch_size=size).history["val_loss"]
    model = stateful(size)
    model.train_on_batch(x[:size], y[:size])
    first = model.test_on_batch(x[:size], y[:size])
    assert first != model.test_on_batch(x[:size], y[:size])
    assert model.predict_on_batch(x[:size]).shape == (size, 1)


def test_a_stateful_model_predicts_and_is_evaluated_in_batches_of_32(rng):
    x, y = normal(rng, 64, T, F), normal(rng, 64, 1)
    np.testing.assert_array_equal(stateful(32).predict(x), stateful(32).predict(x, batch_size=32))
    assert stateful(32).evaluate(x, y) == stateful(32).evaluate(x, y, batch_size=32)
    whole = Sequential([Input((T, F)), LSTM(3, stateful=True), Dense(1)], seed=1)
    assert (whole.predict(x, batch_size=64)[32:] != stateful(32).predict(x)[32:]).any()


def test_a_stateful_model_predicts_any_number_of_samples_and_goes_on_with_its_size(rng):
    model = Sequential([Input((T, F)), LSTM(3, stateful=True), Dense(1)], seed=1)
    assert model.predict(normal(rng, 40, T, F)).shape == (40, 1)
    model.reset_states()
    model.compile("sgd", "mse")
    x, y = normal(rng, 48, T, F), normal(rng, 48, 1)
    model.fit(x, y, batch_size=16, shuffle=False)
    assert model.predict(x).shape == (48, 1)
