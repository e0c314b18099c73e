"""Callbacks decide and write what those of Keras do."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest

from gatecast.callbacks import (
    Callback,
    CSVLogger,
    EarlyStopping,
    History,
    LambdaCallback,
    LearningRateScheduler,
    ModelCheckpoint,
    ReduceLROnPlateau,
    TerminateOnNaN,
)
from gatecast.errors import ConfigError
from gatecast.layers import Dense, Input
from gatecast.models import Sequential, load_model
from gatecast.nn.callbacks import as_callbacks
from gatecast.optimizers import SGD, Adam

GOLDEN = json.loads((Path(__file__).parents[1] / "golden" / "keras_training.json").read_text())


class Model:
    """What a callback sees of a model, with one weight."""

    class Weights:
        vector = np.zeros(1, np.float32)

    def __init__(self):
        self.stop_training, self.weights, self.optimizer, self.metrics = False, self.Weights(), Adam(0.1), []


def play(callback, curve, monitor="val_loss"):
    """Return the epoch at which a callback stops the training, and the learning rates after the epochs."""
    model, rates = Model(), []
    callback.set_model(model)
    callback.on_train_begin()
    for epoch, value in enumerate(curve):
        callback.on_epoch_begin(epoch)
        callback.on_epoch_end(epoch, {monitor: value})
        rates.append(float(model.optimizer.learning_rate))
        if model.stop_training:
            break
    callback.on_train_end()
    return epoch, rates


@pytest.mark.parametrize("case", GOLDEN["early_stopping"], ids=lambda case: json.dumps(case["settings"]))
def test_early_stopping_decides_as_keras(case):
    stopping = EarlyStopping(**case["settings"])
    last, _ = play(stopping, case["curve"])
    assert (last, stopping.stopped_epoch, stopping.best_epoch, stopping.wait) == tuple(case["answer"])


@pytest.mark.parametrize("case", GOLDEN["reduce_lr"], ids=lambda case: json.dumps(case["settings"]))
def test_reduce_lr_on_plateau_decides_as_keras(case):
    _, rates = play(ReduceLROnPlateau(**case["settings"]), case["curve"])
    np.testing.assert_allclose(rates, case["answer"], rtol=1e-6)


def data(rng, count=40):
    """Rows and their sums."""
    x = rng.normal(size=(count, 3))
    return x, x.sum(axis=1)


def small(optimizer="sgd", **compiled):
    """A compiled linear model."""
    model = Sequential([Input((3,)), Dense(1)])
    model.compile(optimizer, "mse", **compiled)
    return model


def test_every_method_is_called_in_order(rng):
    calls = []

    class Recorder(Callback):
        def __getattribute__(self, name):
            if name.startswith("on_") and name not in ("on_batch_begin", "on_batch_end"):
                calls.append(name)
            return super().__getattribute__(name)

        def on_train_batch_end(self, _batch, logs=None):
            assert set(logs) == {"loss", "mae"}

    recorder = Recorder()
    model = small(metrics=["mae"])
    model.fit(*data(rng), batch_size=20, epochs=1, validation_split=0.5, callbacks=[recorder])
    assert calls[calls.index("on_train_begin") :] == [
        "on_train_begin",
        "on_epoch_begin",
        "on_train_batch_begin",
        "on_train_batch_end",
        "on_test_begin",
        "on_test_end",
        "on_epoch_end",
        "on_train_end",
    ]
    assert recorder.model is model
    assert recorder.params == {"verbose": 1, "epochs": 1, "steps": 1}


def test_a_callback_that_overrides_on_batch_end_sees_batches(rng):
    seen = []

    class Old(Callback):
        def on_batch_end(self, batch, logs=None):
            seen.append((batch, list(logs)))

    small().fit(*data(rng), batch_size=20, callbacks=Old())
    assert seen == [(0, ["loss"]), (1, ["loss"])]


def test_logs_of_the_last_batch_are_those_of_the_epoch(rng):
    logs = {}
    last = LambdaCallback(
        on_train_batch_end=lambda batch, logs_: logs.update(batch=logs_ | {"number": batch}),
        on_epoch_end=lambda epoch, logs_: logs.update(epoch=logs_ | {"number": epoch}),
    )
    small(metrics=["mae"]).fit(*data(rng), batch_size=16, callbacks=[last])
    assert logs["batch"] == logs["epoch"] | {"number": 2}


def test_a_history_that_is_passed_is_the_one_that_fit_returns(rng):
    history, x, y = History(), *data(rng)
    model = small()
    assert model.fit(x, y, callbacks=[history]) is model.history is history
    assert len(history.history["loss"]) == 1


# Learning rates


def test_the_scheduler_sets_the_rate_and_history_has_it(rng):
    x, y = data(rng)
    model = small(SGD(0.1))
    history = model.fit(x, y, epochs=3, callbacks=[LearningRateScheduler(lambda epoch, rate: rate / (1 + epoch))])
    np.testing.assert_allclose(history.history["learning_rate"], [0.1, 0.05, 0.1 / 6])
    by_hand = small(SGD(0.1))
    for epoch, rate in enumerate([0.1, 0.05, 0.05 / 3]):
        by_hand.optimizer.learning_rate = rate
        by_hand.fit(x, y, initial_epoch=epoch, epochs=epoch + 1)
    np.testing.assert_array_equal(model.weights.vector, by_hand.weights.vector)


def test_the_scheduler_takes_a_function_of_the_epoch_alone(rng, capsys):
    model = small(SGD(0.1))
    model.fit(*data(rng), epochs=2, callbacks=[LearningRateScheduler(lambda epoch: 0.5 - epoch / 4, verbose=1)])
    assert model.optimizer.learning_rate == 0.25
    assert "Epoch 2: LearningRateScheduler setting learning rate to 0.25." in capsys.readouterr().out


def test_the_plateau_of_a_metric_needs_no_mode(rng):
    model = small(SGD(0.0), metrics=["mae", "r2_score"])
    callbacks = [ReduceLROnPlateau("mae", patience=1), EarlyStopping("r2_score", patience=3)]
    history = model.fit(*data(rng), epochs=9, callbacks=callbacks)
    assert len(history.epoch) == 4


# Files


def test_checkpoints_have_names_from_the_logs_and_load(rng, tmp_path):
    x, y = data(rng)
    model = small(Adam(0.1), metrics=["mae"])
    path = tmp_path / "deep" / "{epoch:02d}-{val_loss:.2f}.gatecast"
    history = model.fit(x, y, epochs=3, validation_split=0.25, callbacks=[ModelCheckpoint(str(path))])
    names = sorted(file.name for file in path.parent.iterdir())
    losses = history.history["val_loss"]
    assert names == [f"{k + 1:02d}-{loss:.2f}.gatecast" for k, loss in enumerate(losses)]
    assert load_model(path.parent / names[1]).evaluate(x[30:], y[30:])[0] == losses[1]


def test_checkpoints_of_the_best_epoch_alone(rng, tmp_path, capsys):
    x, y = data(rng)
    held_out = x[30:], rng.normal(size=10)
    model = small(Adam(0.1))
    best = ModelCheckpoint(tmp_path / "best", save_best_only=True, verbose=1)
    history = model.fit(x[:30], y[:30], epochs=30, validation_data=held_out, callbacks=[best])
    losses = history.history["val_loss"]
    assert load_model(tmp_path / "best").evaluate(*held_out) == min(losses) < losses[-1]
    assert f"val_loss improved from None to {losses[0]:.5f}, saving model to" in capsys.readouterr().out


def test_checkpoints_of_weights_after_a_number_of_updates(rng, tmp_path):
    x, y = data(rng)
    model = small()
    path = tmp_path / "{epoch}-{batch}"
    model.fit(x, y, batch_size=10, epochs=2, callbacks=[ModelCheckpoint(path, save_weights_only=True, save_freq=3)])
    assert sorted(file.name for file in tmp_path.iterdir()) == ["1-3", "2-2"]
    other = small()
    other.load_weights(tmp_path / "2-2")
    again = small()
    again.fit(x, y, batch_size=10)
    again.fit(x, y, batch_size=10, steps_per_epoch=2)
    np.testing.assert_array_equal(other.weights.vector, again.weights.vector)


def test_csv_logger_writes_the_lines_of_keras(rng, tmp_path):
    path = tmp_path / "log.csv"
    model = small(metrics=["mae"])
    history = model.fit(*data(rng), epochs=2, validation_split=0.25, callbacks=[CSVLogger(path)])
    model.fit(*data(rng), initial_epoch=2, epochs=3, validation_split=0.25, callbacks=[CSVLogger(path, append=True)])
    with path.open() as file:
        head, *rows = csv.reader(file)
    assert head == ["epoch", "loss", "mae", "val_loss", "val_mae"]
    assert [row[0] for row in rows] == ["0", "1", "2"]
    assert [float(row[4]) for row in rows[:2]] == history.history["val_mae"]


def test_csv_logger_without_validation_has_columns_for_it(rng, tmp_path):
    small().fit(*data(rng), callbacks=[CSVLogger(tmp_path / "log.csv", separator=";")])
    assert (tmp_path / "log.csv").read_text().splitlines()[0] == "epoch;loss;val_loss"


# Divergence, and what cannot be


def test_terminate_on_nan_ends_the_training_without_an_error(rng):
    x, y = data(rng)
    model = small(SGD(1e30))
    history = model.fit(x, y, epochs=9, callbacks=[TerminateOnNaN()])
    assert np.isnan(history.history["loss"][-1])
    assert len(history.epoch) < 9
    assert np.isfinite(model.weights.vector).all()
    with pytest.raises(ConfigError, match="Training diverged"):
        small(SGD(1e30)).fit(x, y, epochs=9, callbacks=[TerminateOnNaN(raise_error=True)])


def test_a_missing_value_to_monitor_is_a_warning_as_in_keras(rng):
    with pytest.warns(UserWarning, match=r"EarlyStopping monitors val_loss, .* Available: loss. Pass validation_data"):
        small().fit(*data(rng), epochs=2, callbacks=[EarlyStopping()])


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: EarlyStopping(patience=-1), "Invalid patience -1 (EarlyStopping)"),
        (lambda: EarlyStopping(monitors="loss"), "Unknown argument 'monitors' (EarlyStopping). Did you mean monitor?"),
        (lambda: ModelCheckpoint("m", period=2), "period= is not available (ModelCheckpoint). Write save_freq="),
        (lambda: ModelCheckpoint(None), "Invalid filepath None (ModelCheckpoint): expected a path"),
        (lambda: LearningRateScheduler(0.1), "Invalid schedule 0.1 (LearningRateScheduler)"),
        (lambda: EarlyStopping(mode="least"), "Invalid mode 'least' (EarlyStopping)"),
        (lambda: ReduceLROnPlateau(factor=1.0), "Invalid factor 1.0 (ReduceLROnPlateau)"),
        (lambda: ModelCheckpoint("m", save_freq="batch"), "Invalid save_freq 'batch' (ModelCheckpoint)"),
        (lambda: as_callbacks([EarlyStopping]), "Write EarlyStopping()."),
        (lambda: as_callbacks([len]), "Write LambdaCallback("),
        (lambda: as_callbacks("stop"), "Invalid callback 'stop'"),
        (lambda: small().fit([[1, 2, 3]], [1], callbacks=ModelCheckpoint("{x}")), "Cannot fill in the filepath '{x}'"),
        (
            lambda: small(metrics=[lambda t, p: abs(t - p)]).fit([[1, 2, 3]], [1], callbacks=EarlyStopping("<lambda>")),
            "Pass mode='min' or mode='max'",
        ),
        (
            lambda: small().fit([[1, 2, 3]], [1], callbacks=LearningRateScheduler(lambda _epoch, _rate: None)),
            "The schedule returned None for epoch 0",
        ),
    ],
)
def test_impossible_callbacks_are_named(make, text):
    with pytest.raises(ConfigError) as caught:
        make()
    assert text in str(caught.value)
