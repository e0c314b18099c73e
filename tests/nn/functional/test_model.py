"""Functional models: what they are made of, their files, and mistakes."""

from __future__ import annotations

import numpy as np
import pytest

from gatecast.errors import ConfigError, DataError
from gatecast.layers import (
    GRU,
    LSTM,
    Add,
    Concatenate,
    Conv1D,
    Dense,
    Dropout,
    Flatten,
    GlobalAveragePooling1D,
    Graph,
    Input,
    MaxPooling1D,
    RepeatVector,
    TimeDistributed,
    concatenate,
)
from gatecast.models import Model, Sequential, load_model


def two_inputs():
    """Return a model with two inputs and two outputs."""
    past, calendar = Input((10, 1), name="past"), Input((3,), name="calendar")
    x = Concatenate()([LSTM(4)(past), Dropout(0.1)(calendar)])
    return Model([past, calendar], [Dense(2, name="mean")(x), Dense(1, name="spread")(x)])


def samples(rng, n=40):
    """Return inputs and targets of `two_inputs`."""
    x = [rng.normal(size=(n, 10, 1)).astype(np.float32), rng.normal(size=(n, 3)).astype(np.float32)]
    return x, [rng.normal(size=(n, 2)).astype(np.float32), rng.normal(size=(n, 1)).astype(np.float32)]


def test_a_chain_of_calls_is_the_network_of_sequential_to_the_bit(rng):
    x, y = rng.normal(size=(40, 10, 1)), rng.normal(size=40)
    inputs = Input((10, 1))
    chain = Model(inputs, Dense(1)(LSTM(4)(LSTM(4, return_sequences=True)(inputs))))
    stack = Sequential([Input((10, 1)), LSTM(4, return_sequences=True), LSTM(4), Dense(1)])
    assert chain.network == stack.network
    for model in (chain, stack):
        model.compile(optimizer="adam", loss="mean_squared_error")
        model.fit(x, y, epochs=2, verbose=0)
    np.testing.assert_array_equal(chain.predict(x), stack.predict(x))


def test_lists_and_dicts_of_arrays_are_the_same(rng):
    x, y = samples(rng)
    named_x, named_y = {"past": x[0], "calendar": x[1]}, {"mean": y[0], "spread": y[1]}
    losses = []
    for inputs, targets in ((x, y), (named_x, named_y)):
        model = two_inputs()
        model.compile(optimizer="adam", loss="mean_squared_error")
        history = model.fit(inputs, targets, epochs=2, verbose=0, validation_data=(inputs, targets))
        losses.append((history.history["loss"], history.history["val_loss"]))
        assert [p.shape for p in model.predict(inputs)] == [(40, 2), (40, 1)]
    assert losses[0] == losses[1]


def test_losses_of_outputs_are_added_with_their_weights(rng):
    x, y = samples(rng)
    model = two_inputs()
    model.compile(optimizer="adam", loss={"mean": "mse", "spread": "mae"}, loss_weights=[1.0, 0.5])
    mean, spread = model.predict(x)
    expected = np.square(mean - y[0]).mean() + 0.5 * np.abs(spread - y[1]).mean()
    loss = model.evaluate(x, y, verbose=0)[0]
    assert abs(loss - expected) < 1e-5 * expected


def test_a_saved_model_predicts_the_same_bits(rng, tmp_path):
    x, y = samples(rng)
    model = two_inputs()
    model.compile(optimizer="adam", loss="mean_squared_error")
    model.fit(x, y, epochs=1, verbose=0)
    model.save(tmp_path / "model")
    again = load_model(tmp_path / "model")
    assert isinstance(again, Model)
    for a, b in zip(model.predict(x), again.predict(x), strict=True):
        np.testing.assert_array_equal(a, b)


def test_layers_of_a_graph_have_names_and_weights():
    model = two_inputs()
    assert isinstance(model.network.layers[0], Graph)
    assert model.get_layer(index=0) is model.layers[0]
    assert model.output_names == ["mean", "spread"]
    layer = model.get_layer("lstm")
    assert [w.shape for w in layer.get_weights()] == [(1, 16), (4, 16), (16,)]
    layer.set_weights([w + 1 for w in layer.get_weights()])
    assert (model.get_layer("lstm").get_weights()[2][4:8] == 2).all()


def test_a_shared_layer_has_its_weights_once():
    first, second = Input((10, 1)), Input((10, 1))
    encoder = LSTM(4)
    model = Model([first, second], Dense(1)(Add()([encoder(first), encoder(second)])))
    assert model.count_params() == 4 * 4 * (1 + 4 + 1) + 5


def test_states_go_from_encoder_to_decoder_and_sequences_keep_their_bits(rng):
    inputs = Input((10, 1))
    encoded, *states = LSTM(4, return_state=True)(inputs)
    decoded = LSTM(4, return_sequences=True)(RepeatVector(5)(encoded), initial_state=states)
    model = Model(inputs, TimeDistributed(Dense(1))(decoded))
    x = rng.normal(size=(19, 10, 1)).astype(np.float32)
    np.testing.assert_array_equal(model.predict(x)[3:4], model.predict(x[3:4]))


def test_operators_are_merge_layers():
    a, b = Dense(3)(Input((3,))), Dense(3)(Input((3,)))
    assert (a + b).call.layer == Add()
    assert concatenate([a, b]).shape == (None, 6)
    assert (a * b).shape == (a - b).shape == (None, 3)


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda x: Model(x, x), "Invalid output of a model"),
        (lambda x: Model(Input((3,)), Dense(1)(x)), "Input that the model does not have"),
        (lambda x: Model([x, Input((3,))], Dense(1)(x)), "No output depends on an input"),
        (lambda x: Model(Dense(1)(x), Dense(1)(x)), "expected an Input"),
        (lambda _: Model(), "subclass of Model"),
        (lambda _: LSTM(3)(np.zeros((5, 10, 1))), "call predict for numbers"),
        (lambda x: LSTM(3)(x)[:, 0], "cannot be sliced"),
        (lambda x: LSTM(3)(x) * 2, "arithmetic is between outputs"),
        (lambda x: np.exp(LSTM(3)(x)), "no numbers before the model runs"),
        (lambda x: Add()([LSTM(3)(x), LSTM(4)(x)]), "different shapes"),
        (lambda x: Concatenate()([LSTM(3)(x), x]), "different shapes"),
        (lambda x: LSTM(3)(x, initial_state=[GRU(3, return_state=True)(x)[1]]), "initial state does not fit"),
        (lambda x: LSTM(3)(LSTM(3)(x)), "no time axis"),
        (lambda x: LSTM(3)(x, training=True), "called with training"),
        (lambda x: Model(x, Dense(1)(x)).add(Dense(1)), "make a new model"),
        (lambda x: Sequential([x, Concatenate()]).network, "Call it on a list of outputs"),
    ],
)
def test_mistakes_say_what_to_write(make, text):
    with pytest.raises(ConfigError, match=text):
        make(Input((10, 1)))


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (lambda x: x[:1], "wrong number of arrays"),
        (lambda x: {"past": x[0], "future": x[1]}, "wrong names"),
        (lambda x: [x[0][:, :5], x[1]], "x 'past' has the wrong shape"),
        (lambda x: [x[0], x[1][:7]], "different numbers of samples"),
        (lambda x: x[0], "single array"),
    ],
)
def test_inputs_that_do_not_fit_raise_data_error(change, text, rng):
    x, _ = samples(rng)
    with pytest.raises(DataError, match=text):
        two_inputs().predict(change(x))


def test_an_input_of_any_length_among_several_takes_the_steps_of_the_arrays(rng, tmp_path):
    def made(T):
        past, calendar = Input((T, 1), name="past"), Input((3,), name="calendar")
        outputs = Dense(1)(Concatenate()([LSTM(4)(past), calendar]))
        return Model([past, calendar], outputs, seed=1)

    x = [rng.normal(size=(9, 7, 1)), rng.normal(size=(9, 3))]
    y = rng.normal(size=9)
    open_model, fixed = made(None), made(7)
    assert open_model.input_shape == [(None, None, 1), (None, 3)]
    for model in (open_model, fixed):
        model.compile("adam", "mse")
        model.fit(x, y, epochs=2, verbose=0)
    np.testing.assert_array_equal(open_model.predict(x), fixed.predict(x))
    other = made(4)
    other.set_weights(fixed.get_weights())
    short = [x[0][:, -4:], x[1]]
    np.testing.assert_array_equal(open_model.predict({"calendar": short[1], "past": short[0]}), other.predict(short))
    assert open_model.evaluate(short, y) == pytest.approx(np.mean((other.predict(short)[:, 0] - y) ** 2), rel=1e-5)
    open_model.save(tmp_path / "model")
    loaded = load_model(tmp_path / "model")
    np.testing.assert_array_equal(loaded.predict(x), fixed.predict(x))
    np.testing.assert_array_equal(loaded.predict(short), other.predict(short))
    with pytest.raises(DataError, match="x 'past' has the wrong shape"):
        open_model.predict([x[0][..., 0, :], x[1]])


def test_outputs_of_any_length_take_the_steps_of_the_arrays(rng):
    inputs = Input((None, 2))
    h = LSTM(4, return_sequences=True)(inputs)
    model = Model(inputs, [Dense(1, name="steps")(h), Dense(1, name="end")(LSTM(3)(h))])
    model.compile("adam", "mse")
    x = rng.normal(size=(6, 5, 2))
    model.fit(x, [x[..., :1], x[:, -1, :1]], verbose=0)
    assert [part.shape for part in model.predict(x[:, :3])] == [(6, 3, 1), (6, 1)]


def test_summary_lists_the_layers_of_a_graph():
    lines = []
    two_inputs().summary(print_fn=lines.append)
    assert [line.partition("(")[0].split()[0] for line in lines[0].splitlines()[2:]] == [
        "lstm",
        "dropout",
        "concatenate",
        "mean",
        "spread",
        "total",
    ]


def open_model(T=None):
    past, calendar = Input((T, 1)), Input((3,))
    model = Model([past, calendar], Dense(1)(Concatenate()([LSTM(4)(past), calendar])), seed=1)
    model.compile("adam", "mse")
    return model


def test_batches_of_open_steps_train_as_those_of_fixed_ones(rng):
    batches = [([rng.normal(size=(4, 7, 1)), rng.normal(size=(4, 3))], rng.normal(size=4)) for _ in range(3)]
    models = [open_model(), open_model(7)]
    for model in models:
        model.fit(iter(batches), steps_per_epoch=3, verbose=0)
    assert all(np.array_equal(a, b) for a, b in zip(*(model.get_weights() for model in models), strict=True))
    assert models[0].evaluate(iter(batches), steps=3) == models[1].evaluate(iter(batches), steps=3)


def test_steps_that_change_within_a_call_are_refused(rng):
    from gatecast.callbacks import LambdaCallback

    def batch(T):
        return [rng.normal(size=(4, T, 1)), rng.normal(size=(4, 3))], rng.normal(size=4)

    model = open_model()
    with pytest.raises(DataError, match="number of steps changes within a call"):
        model.fit(iter([batch(5), batch(6)]), steps_per_epoch=2, verbose=0)
    other = LambdaCallback(on_epoch_end=lambda *_: model.predict(batch(9)[0]))
    with pytest.raises(DataError, match="number of steps changes within a call"):
        model.fit(*batch(5), verbose=0, callbacks=[other])
    with pytest.raises(ConfigError, match="has no ONNX file"):
        model.to_onnx("model.onnx")


def test_layers_that_need_some_steps_are_built(rng):
    past, calendar = Input((None, 1)), Input((3,))
    h = GlobalAveragePooling1D()(MaxPooling1D(2)(Conv1D(2, 5)(past)))
    model = Model([past, calendar], Dense(1)(Concatenate()([h, calendar])))
    assert model.predict([rng.normal(size=(2, 9, 1)), rng.normal(size=(2, 3))]).shape == (2, 1)
    with pytest.raises(ConfigError, match="number of steps must be known"):
        Flatten()(past)
