"""Networks in Keras' words: the article's script, what is learnt, and what must not change a prediction.

Letters: N samples, T time, F features, M outputs.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from tolerances import close, rounding

from gatecast.callbacks import Callback, EarlyStopping, LambdaCallback
from gatecast.errors import ConfigError, DataError
from gatecast.layers import LSTM, RNN, BatchNormalization, Conv1D, Dense, Dropout, Input, LSTMCell, TimeDistributed
from gatecast.losses import Pinball
from gatecast.models import Model, Sequential
from gatecast.optimizers import SGD, Adam


def small(*layers, loss="mse", optimizer="adam", seed=0, T=4, F=1):
    """A compiled network for (T, F); by default one LSTM and one output."""
    model = Sequential([Input((T, F)), *(layers or (LSTM(5), Dense(1)))], seed=seed)
    model.compile(loss=loss, optimizer=optimizer)
    return model


def data(rng, count=40, T=4, F=1):
    """Sequences and their means."""
    x = rng.normal(size=(count, T, F))
    return x, x.mean(axis=(1, 2))


def sine(count=400, T=16):
    """Windows of a sine, and the value after each."""
    wave = np.sin(np.arange(count + T) / 3)
    x = np.stack([wave[k : k + T] for k in range(count)])[..., None]
    return x, wave[T:]


# What the words do


def test_a_sine_is_learnt():
    x, y = sine()
    model = small(LSTM(16), Dense(1), T=16, optimizer=Adam(0.01))
    history = model.fit(x[:300], y[:300], epochs=30, batch_size=32, validation_data=(x[300:], y[300:]))
    # A sine has variance 1/2; the last value repeated would be off by 0.05 on average.
    assert history.history["val_loss"][-1] < 1e-3
    assert model.evaluate(x[300:], y[300:]) == history.history["val_loss"][-1]


@pytest.mark.parametrize("form", ["diagonal", "full"])
def test_peepholes_learn_too(form):
    x, y = sine()
    model = small(LSTM(8, peephole=form), Dense(1), T=16, optimizer=Adam(0.02))
    model.fit(x, y, epochs=20)
    assert model.evaluate(x, y) < 1e-2
    assert np.abs(model.weights.views[0]["P"]).max() > 0.01


def test_quantiles_are_learnt(rng):
    x = np.zeros((2000, 1, 1))
    y = rng.exponential(size=2000)
    model = small(LSTM(1), Dense(3), T=1, loss=Pinball((0.1, 0.5, 0.9)), optimizer=Adam(0.02))
    model.fit(x, y, epochs=30, batch_size=200)
    share = (y[:, None] <= model.predict(x)).mean(axis=0)
    # Three standard deviations of a share of 2000 draws.
    close(share, [0.1, 0.5, 0.9], 3 * 0.5 / np.sqrt(2000))


def test_predictions_have_the_shape_of_the_output(rng):
    x, _ = data(rng, 33)
    for layers, shape in [
        ((LSTM(5), Dense(1)), (33, 1)),
        ((LSTM(5), Dense(3)), (33, 3)),
        ((LSTM(5, return_sequences=True), Dense(2)), (33, 4, 2)),
        ((LSTM(5),), (33, 5)),
    ]:
        predictions = small(*layers).predict(x)
        assert predictions.shape == shape
        assert predictions.dtype == np.float32


def test_targets_may_come_in_any_of_the_usual_forms(rng):
    x, y = data(rng)
    forms = [
        y,
        y[:, None],
        y.tolist(),
        pd.Series(y, index=range(100, 140)),
        y.astype(np.float32),
        pd.DataFrame(y),
    ]
    results = []
    for form in forms:
        model = small()
        model.fit(x, form, epochs=2)
        results.append(model.predict(x))
    for result in results[1:]:
        np.testing.assert_array_equal(result, results[0])


def test_whole_numbers_and_nested_lists_are_numbers():
    model = small(T=2)
    model.fit([[[1], [2]], [[3], [4]]], [1, 2])
    close(model.predict(np.array([[[1], [2]]])), model.predict([[[1.0], [2.0]]]), 0.0)


def test_a_network_without_recurrence_takes_rows(rng):
    x = rng.normal(size=(200, 3))
    model = Sequential([Input((3,)), Dense(1)])
    model.compile(loss="mse", optimizer=SGD(0.1))
    model.fit(x, x @ [1.0, -2.0, 0.5] + 3, epochs=50)
    kernel, bias = model.get_weights()
    close(kernel[:, 0], [1.0, -2.0, 0.5], 1e-3)
    close(bias, [3.0], 1e-3)
    assert model.predict(x).shape == (200, 1)


def test_without_a_shape_fit_takes_that_of_x_and_any_length_later(rng):
    model = Sequential([LSTM(5), Dense(1)])
    model.compile(loss="mse", optimizer="adam")
    x, y = data(rng, F=2)
    model.fit(x, y)
    assert model.network.shapes[0] == (None, 2)
    assert model.predict(x[:, :2]).shape == (40, 1)


# Metamorphic promises


def trained(rng):
    """A network after two epochs, and inputs that fill blocks unevenly."""
    x, y = data(rng, 70, F=2)
    model = small(LSTM(6, return_sequences=True), Dropout(0.3), LSTM(4), Dense(2, "tanh"), F=2)
    model.fit(x, np.stack([y, -y], axis=1), epochs=2)
    return model, x


def test_predictions_do_not_depend_on_how_samples_are_batched_or_placed(rng):
    model, x = trained(rng)
    whole = model.predict(x)
    order = rng.permutation(70)
    np.testing.assert_array_equal(model.predict(x[order]), whole[order])
    for size in (1, 5, 16, 64):
        close(model.predict(x, batch_size=size), whole, rounding(20))
    for k in (0, 17, 69):
        close(model.predict(x[k : k + 1]), whole[k : k + 1], rounding(20))


def test_predicting_changes_nothing(rng):
    model, x = trained(rng)
    before = model.weights.vector.copy()
    one, two = model.predict(x), model.predict(x)
    np.testing.assert_array_equal(one, two)
    np.testing.assert_array_equal(model.weights.vector, before)


def test_a_feature_may_move_if_its_weights_move_with_it(rng):
    model, x = trained(rng)
    expected = model.predict(x)
    kernel, *others = model.get_weights()
    model.set_weights([kernel[::-1], *others])
    close(model.predict(x[:, :, ::-1]), expected, rounding(20))


def test_the_seed_decides_everything(rng):
    x, y = data(rng)
    runs = []
    for seed in (1, 1, 2):
        model = small(LSTM(5), Dropout(0.2), Dense(1), seed=seed)
        history = model.fit(x, y, epochs=3)
        runs.append((model.get_weights(), history.history["loss"]))
    for one, two in zip(runs[0][0], runs[1][0], strict=True):
        np.testing.assert_array_equal(one, two)
    assert runs[0][1] == runs[1][1] != runs[2][1]


def test_fit_goes_on_where_it_stopped(rng):
    x, y = data(rng)
    whole, parts = small(), small()
    whole.fit(x, y, epochs=5)
    parts.fit(x, y, epochs=2)
    assert parts.fit(x, y, epochs=3).epoch == [0, 1, 2]
    np.testing.assert_array_equal(parts.weights.vector, whole.weights.vector)
    other = small()
    other.fit(x, y, epochs=2)
    assert other.fit(x, y, initial_epoch=2, epochs=5).epoch == [2, 3, 4]
    np.testing.assert_array_equal(other.weights.vector, whole.weights.vector)


# Fitting


def test_early_stopping_keeps_the_best_weights_if_asked(rng):
    x, y = rng.normal(size=(40, 4, 1)), rng.normal(size=40)
    judges = x[20:], y[20:]
    for restore in (True, False):
        model = small(LSTM(20), Dense(1), optimizer=Adam(0.05))
        stopping = EarlyStopping(patience=5, restore_best_weights=restore)
        history = model.fit(x[:20], y[:20], epochs=300, validation_data=judges, callbacks=[stopping])
        losses = history.history["val_loss"]
        assert len(losses) == stopping.best_epoch + 6 < 300
        assert stopping.best == min(losses) == losses[stopping.best_epoch]
        assert model.evaluate(*judges) == (min(losses) if restore else losses[-1])


class StopAfter(Callback):
    """Interrupts the training some epochs after the best one."""

    def __init__(self, epochs):
        self.losses, self.epochs = [], epochs

    def on_epoch_end(self, epoch, logs=None):
        self.losses.append(logs.get("val_loss", -epoch))
        if epoch == int(np.argmin(self.losses)) + self.epochs:
            raise KeyboardInterrupt


def test_an_interrupted_model_can_be_used(rng):
    x, y = data(rng)
    model = small()

    def stop(epoch, logs):
        if epoch == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        model.fit(x, y, epochs=9, callbacks=[LambdaCallback(on_epoch_begin=stop)])
    assert model.history.epoch == [0, 1]
    other = small()
    other.fit(x, y, epochs=2)
    np.testing.assert_array_equal(model.predict(x), other.predict(x))


def test_an_interrupt_with_early_stopping_leaves_the_best_weights_at_once(rng):
    x, y = rng.normal(size=(40, 4, 1)), rng.normal(size=40)
    model = small(LSTM(20), Dense(1), optimizer=Adam(0.05))
    stopping = EarlyStopping(patience=9, restore_best_weights=True)
    settings = {"validation_data": (x[20:], y[20:]), "callbacks": [stopping, StopAfter(3)]}
    with pytest.raises(KeyboardInterrupt) as caught:  # holds the frames, as an interactive session does
        model.fit(x[:20], y[:20], epochs=99, **settings)
    assert caught.tb is not None
    assert model.evaluate(x[20:], y[20:]) == stopping.best < min(settings["callbacks"][1].losses[-3:])


def test_a_split_takes_the_end_for_validation(rng):
    x, y = data(rng)
    one, two = small(), small()
    history = one.fit(x, y, validation_split=0.25, epochs=2)
    expected = two.fit(x[:30], y[:30], validation_data=(x[30:], y[30:]), epochs=2)
    assert history.history == expected.history


def test_weights_of_samples_and_of_steps(rng):
    x, y = data(rng)
    weight = np.ones(40)
    weight[10:] = 0
    y_broken = np.where(weight > 0, y, np.nan)
    one, two = (small(optimizer=SGD(rate)) for rate in (0.4, 0.1))
    one.fit(x, y_broken, sample_weight=weight, batch_size=40, shuffle=False)
    two.fit(x[:10], y[:10], batch_size=40, shuffle=False)
    # As in Keras, the sum of weighted losses is divided by the number of samples, 40 here and 10 there.
    close(one.weights.vector, two.weights.vector, rounding(200))
    assert one.evaluate(x, y_broken, sample_weight=weight) == pytest.approx(two.evaluate(x[:10], y[:10]) / 4)

    model = small(LSTM(3, return_sequences=True), Dense(1))
    steps = np.tile([1.0, 0.0, 1.0, 1.0], (40, 1))
    targets = np.where(steps > 0, 0.0, np.nan)
    model.fit(x, targets, sample_weight=steps)
    squares = (model.predict(x)[..., 0] ** 2)[steps > 0]
    close(model.evaluate(x, targets, sample_weight=steps), 0.75 * squares.mean(), rounding(100))
    by_sample, zeros = rng.random(40), np.zeros((40, 4))
    by_step = np.repeat(by_sample[:, None], 4, axis=1)
    assert model.evaluate(x, zeros, sample_weight=by_sample) == model.evaluate(x, zeros, sample_weight=by_step)


# Weights, layers, summary


def test_weights_are_keras_lists():
    model = Sequential([Input((24, 1)), LSTM(50, return_sequences=True), Dropout(0.2), LSTM(50), Dense(1)])
    shapes = [w.shape for w in model.get_weights()]
    assert shapes == [(1, 200), (50, 200), (200,), (50, 200), (50, 200), (200,), (50, 1), (1,)]
    other = Sequential(model.layers, seed=9)
    other.build((None, 24, 1))
    other.set_weights(model.get_weights())
    np.testing.assert_array_equal(other.weights.vector, model.weights.vector)
    assert model.count_params() == 4 * 50 * (1 + 50 + 1) + 4 * 50 * (50 + 50 + 1) + 51


def test_a_layer_added_later_leaves_the_others_as_they_are(rng):
    x, y = data(rng)
    model = small(LSTM(5))
    model.compile(loss="mse", optimizer="adam")
    model.fit(x, rng.normal(size=(40, 5)))
    kept = model.get_weights()
    model.add(Dense(1))
    for one, two in zip(model.get_weights(), kept, strict=False):
        np.testing.assert_array_equal(one, two)
    model.fit(x, y)
    assert model.predict(x).shape == (40, 1)


def test_the_summary_shows_layers_shapes_and_numbers(capsys):
    model = Sequential([Input((None, 1)), LSTM(50, return_sequences=True), Dropout(0.2), LSTM(50), Dense(1)])
    model.summary()
    assert capsys.readouterr().out.splitlines() == [
        "layer             output shape      parameters",
        "input             (any, 1)",
        "lstm (LSTM)       (any, 50)             10,400",
        "dropout (Dropout) (any, 50)                  0",
        "lstm_1 (LSTM)     (50)                  20,200",
        "dense (Dense)     (1)                       51",
        "total                                   30,651",
    ]
    lines = []
    Sequential([Input((3,)), BatchNormalization(), Dense(1)]).summary(print_fn=lines.append)
    assert lines.pop().splitlines()[2:] == [
        "batch_normalization (BatchNormalization) (3)                       12",
        "dense (Dense)                            (1)                        4",
        "total                                                              16",
    ]
    model.layers[0].trainable = False
    model.summary(print_fn=lines.append, show_trainable=True, layer_range=["lstm", "dropout"])
    assert lines.pop().splitlines() == [
        "layer             output shape      parameters  trainable",
        "input             (any, 1)",
        "lstm (LSTM)       (any, 50)             10,400  no",
        "dropout (Dropout) (any, 50)                  0",
        "total                                   30,651",
        "trainable                               20,251",
        "not trainable                           10,400",
    ]
    with pytest.raises(ConfigError, match=r"layer_range.*lstm, dropout, lstm_1, dense"):
        model.summary(layer_range=["lstm", "gru"])
    with pytest.raises(ConfigError, match="print_function"):
        model.summary(print_function=print)
    model.summary(print_fn=lines.append)
    assert lines[0].startswith("layer")


def test_one_callback_and_automatic_verbosity_are_understood():
    model, x, y = Sequential([Input((3, 1)), LSTM(2), Dense(1)]), np.zeros((4, 3, 1)), np.ones(4)
    model.compile(loss="mse", optimizer="adam")
    history = model.fit(x, y, epochs=9, verbose="auto", callbacks=EarlyStopping("loss", min_delta=1e9))
    assert len(history.epoch) == 2
    with pytest.raises(ConfigError, match="Invalid verbose 'loud': expected 0, 1, 2 or \"auto\""):
        model.fit(x, y, verbose="loud")


def test_ragged_weights_are_refused():
    model = Sequential([Input((3, 1)), Dense(1)])
    with pytest.raises(DataError, match="The weights are not arrays of numbers"):
        model.set_weights([[[1], [1, 2]]])


def test_outputs_whose_steps_are_sequences_keep_their_axes(rng):
    x, y = rng.normal(size=(5, 4, 6, 2)).astype(np.float32), rng.normal(size=(5, 4, 4, 3)).astype(np.float32)
    conv = Conv1D(3, 3)
    model = Sequential([Input((4, 6, 2)), TimeDistributed(conv)], seed=1)
    inner = Sequential([Input((6, 2)), Conv1D(3, 3)])
    inner.set_weights(model.get_weights())
    want = np.stack([inner.predict(x[:, t]) for t in range(4)], axis=1)
    np.testing.assert_array_equal(model.predict(x), want)
    inputs = Input((4, 6, 2))
    functional = Model(inputs, TimeDistributed(Conv1D(3, 3))(inputs))
    functional.set_weights(model.get_weights())
    np.testing.assert_array_equal(functional.predict(x), want)
    model.compile("sgd", "mse", metrics=["mae"])
    loss, mae = model.evaluate(x, y, verbose=0)
    close(loss, np.square(want - y).mean(), rounding(100))
    close(mae, np.abs(want - y).mean(), rounding(100))
    before = model.get_weights()
    history = model.fit(x, y, epochs=3, batch_size=5, validation_data=(x, y), verbose=0).history
    assert history["loss"][2] < history["loss"][0]
    assert not np.array_equal(before[0], model.get_weights()[0])
    with pytest.raises(DataError, match=r"expected \(5, 4, 4, 3\)"):
        model.fit(x, y[:, :, :3], verbose=0)


def test_layers_of_one_name_are_refused():
    with pytest.raises(ConfigError, match="Two layers of a model have the same name"):
        Sequential([Input((4,)), Dense(2, name="a"), Dense(1, name="a")])
    inputs = Input((4,))
    with pytest.raises(ConfigError, match="Two layers of a model have the same name"):
        Model(inputs, [Dense(1, name="o")(inputs), Dense(1, name="o")(inputs)])
    shared = Dense(4, name="shared")
    assert Model(inputs, shared(shared(inputs))).predict(np.zeros((1, 4))).shape == (1, 4)


def test_masked_outputs_are_not_set_to_zero_in_silence():
    with pytest.raises(ConfigError, match="RNN has no zero_output_for_mask"):
        RNN(LSTMCell(2), return_sequences=True, zero_output_for_mask=True)
    assert RNN(LSTMCell(2), zero_output_for_mask=False) == LSTM(2)
