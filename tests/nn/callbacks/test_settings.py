"""Callbacks say before a training what they cannot do, and leave nothing of another training behind."""

from __future__ import annotations

import numpy as np
import pytest

from gatecast.callbacks import (
    BackupAndRestore,
    Callback,
    CSVLogger,
    EarlyStopping,
    LambdaCallback,
    LearningRateScheduler,
    ModelCheckpoint,
    ReduceLROnPlateau,
    TerminateOnNaN,
)
from gatecast.errors import ConfigError
from gatecast.layers import Dense, Input
from gatecast.metrics import R2Score
from gatecast.models import Sequential

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(20, 3)).astype(np.float32), RNG.normal(size=(20, 2)).astype(np.float32)


def make(units=2, **compiled):
    """A compiled model."""
    model = Sequential([Input((3,)), Dense(units)], seed=1)
    model.compile(compiled.pop("optimizer", "sgd"), compiled.pop("loss", "mse"), **compiled)
    return model


class Stop(Callback):
    """Raises an interrupt before the training, or after an epoch."""

    def __init__(self, epoch=None):
        self.epoch = epoch

    def on_train_begin(self, logs=None):  # noqa: ARG002
        if self.epoch is None:
            raise KeyboardInterrupt

    def on_epoch_end(self, epoch, logs=None):  # noqa: ARG002
        if epoch == self.epoch:
            raise KeyboardInterrupt


@pytest.mark.parametrize("units", [2, 1])
def test_an_interrupt_before_the_training_restores_no_weights_of_another_one(units):
    stopping = EarlyStopping("loss", patience=5, restore_best_weights=True)
    make().fit(X, Y, epochs=2, callbacks=[stopping])
    model = make(units)
    before = model.weights.vector.copy()
    with pytest.raises(KeyboardInterrupt):
        model.fit(X, Y[:, :units], callbacks=[Stop(), stopping])
    np.testing.assert_array_equal(model.weights.vector, before)


def test_an_interrupt_restores_the_best_weights_of_its_own_training():
    stopping = EarlyStopping("loss", mode="max", restore_best_weights=True, patience=9)
    model, first = make(), make()
    first.fit(X, Y, epochs=1)
    with pytest.raises(KeyboardInterrupt):
        model.fit(X, Y, epochs=4, callbacks=[stopping, Stop(2)])
    np.testing.assert_array_equal(model.weights.vector, first.weights.vector)


def test_an_error_within_a_schedule_is_that_of_the_user():
    calls = []

    def schedule(epoch, rate):
        calls.append(epoch)
        return rate + None

    with pytest.raises(TypeError, match="unsupported operand"):
        make().fit(X, Y, callbacks=[LearningRateScheduler(schedule)])
    assert calls == [0]


@pytest.mark.parametrize(
    "schedule",
    [lambda epoch: 0.5, lambda epoch, rate: 0.5, lambda epoch, rate=1.0, *rest: 0.5, lambda *both: np.array(0.5)],  # noqa: ARG005
)
def test_a_schedule_may_take_the_epoch_alone_or_the_rate_too(schedule):
    assert make().fit(X, Y, callbacks=[LearningRateScheduler(schedule)]).history["learning_rate"] == [0.5]


@pytest.mark.parametrize("rate", ["0.1", None, np.nan, -0.1, np.inf, np.ones(2)], ids=str)
def test_a_schedule_that_returns_no_rate_is_named(rate):
    with pytest.raises(ConfigError, match=r"The schedule returned .* for epoch 0 .*expected a number of at least 0"):
        make().fit(X, Y, callbacks=[LearningRateScheduler(lambda _epoch, _rate: rate)])


@pytest.mark.parametrize(
    "other",
    [{"metrics": ["mse"]}, {"metrics": []}, {"metrics": ["mae", "mse"]}, {"metrics": ["mae"], "loss": "mae"}],
    ids=str,
)
def test_a_backup_of_a_model_that_was_compiled_otherwise_is_refused(other, tmp_path):
    with pytest.raises(KeyboardInterrupt):
        make(metrics=["mae"]).fit(X, Y, epochs=3, callbacks=[BackupAndRestore(tmp_path / "b"), Stop(1)])
    model = make(**other)
    before = model.weights.vector.copy()
    with pytest.raises(ConfigError, match=r"The backup belongs to another training .* the loss, the metrics"):
        model.fit(X, Y, epochs=3, callbacks=[BackupAndRestore(tmp_path / "b")])
    np.testing.assert_array_equal(model.weights.vector, before)


@pytest.mark.parametrize(
    ("make_callback", "text"),
    [
        (lambda: EarlyStopping(min_delta="a"), "Invalid min_delta 'a' (EarlyStopping): expected a number"),
        (lambda: EarlyStopping(patience=2.5), "Invalid patience 2.5 (EarlyStopping): expected an integer of at least"),
        (lambda: EarlyStopping(patience=True), "Invalid patience True (EarlyStopping)"),
        (lambda: EarlyStopping(baseline="a"), "Invalid baseline 'a' (EarlyStopping)"),
        (lambda: EarlyStopping(start_from_epoch="a"), "Invalid start_from_epoch 'a' (EarlyStopping)"),
        (lambda: EarlyStopping(monitor=3), "Invalid monitor 3 (EarlyStopping): expected the name of a loss or metric"),
        (lambda: EarlyStopping(restore_best_weights="yes"), "Invalid restore_best_weights 'yes' (EarlyStopping)"),
        (lambda: ReduceLROnPlateau(factor="a"), "Invalid factor 'a' (ReduceLROnPlateau)"),
        (lambda: ReduceLROnPlateau(patience="a"), "Invalid patience 'a' (ReduceLROnPlateau)"),
        (lambda: ReduceLROnPlateau(cooldown=-1), "Invalid cooldown -1 (ReduceLROnPlateau)"),
        (lambda: ReduceLROnPlateau(min_lr="a"), "Invalid min_lr 'a' (ReduceLROnPlateau)"),
        (lambda: ReduceLROnPlateau(min_delta=None), "Invalid min_delta None (ReduceLROnPlateau)"),
        (lambda: CSVLogger(3), "Invalid filename 3 (CSVLogger): expected a path"),
        (lambda: CSVLogger("a.csv", separator="; "), "Invalid separator '; ' (CSVLogger): expected one character"),
        (lambda: CSVLogger("a.csv", separator=None), "Invalid separator None (CSVLogger)"),
        (lambda: CSVLogger("a.csv", append="yes"), "Invalid append 'yes' (CSVLogger)"),
        (lambda: BackupAndRestore(None), "Invalid backup_dir None (BackupAndRestore): expected a path"),
        (lambda: BackupAndRestore(""), "Invalid backup_dir '' (BackupAndRestore)"),
        (lambda: BackupAndRestore("b", save_freq=0), "Invalid save_freq 0 (BackupAndRestore)"),
        (lambda: BackupAndRestore("b", delete_checkpoint="no"), "Invalid delete_checkpoint 'no' (BackupAndRestore)"),
        (lambda: ModelCheckpoint(""), "Invalid filepath '' (ModelCheckpoint)"),
        (lambda: ModelCheckpoint(b"m"), "Invalid filepath b'm' (ModelCheckpoint)"),
        (lambda: ModelCheckpoint("m", initial_value_threshold="a"), "Invalid initial_value_threshold 'a'"),
        (lambda: ModelCheckpoint("m", save_best_only="yes"), "Invalid save_best_only 'yes' (ModelCheckpoint)"),
        (lambda: LearningRateScheduler(lambda e: 0.1, verbose="a"), "Invalid verbose 'a'"),  # noqa: ARG005
        (lambda: TerminateOnNaN("a"), "Invalid raise_error 'a' (TerminateOnNaN)"),
        (lambda: LambdaCallback(on_epoch_ends=print), "Unknown argument 'on_epoch_ends' (LambdaCallback). Did you"),
        (lambda: LambdaCallback(on_epoch_end="print"), "Invalid on_epoch_end 'print' (LambdaCallback)"),
    ],
)
def test_impossible_settings_are_named_before_the_training(make_callback, text):
    with pytest.raises(ConfigError) as caught:
        make_callback()
    assert text in str(caught.value)


def test_numbers_of_numpy_are_numbers():
    stopping = EarlyStopping(patience=np.int64(2), min_delta=np.float32(0.5), baseline=np.float64(1))
    assert (stopping.patience, stopping.min_delta, stopping.baseline) == (2, 0.5, 1.0)
    assert ReduceLROnPlateau(factor=np.float32(0.5), patience=np.int32(1)).factor == 0.5


def test_a_metric_of_several_values_cannot_be_monitored():
    with pytest.raises(ConfigError, match=r"r2_score has several values .*EarlyStopping.* average it"):
        make(metrics=[R2Score(None)]).fit(X, Y, epochs=2, callbacks=[EarlyStopping("r2_score")])


def test_checkpoints_make_the_folders_that_are_missing(tmp_path):
    make().fit(X, Y, callbacks=[ModelCheckpoint(tmp_path / "a" / "b" / "m")])
    assert (tmp_path / "a" / "b" / "m").exists()


@pytest.mark.parametrize(
    "make_callback",
    [
        lambda path: ModelCheckpoint(path / "m"),
        lambda path: BackupAndRestore(path),
        lambda path: BackupAndRestore(path / "b"),
        lambda path: CSVLogger(path / "a.csv"),
    ],
    ids=["checkpoint", "backup", "backup in it", "csv"],
)
def test_a_file_where_a_folder_should_be_is_named(make_callback, tmp_path):
    (tmp_path / "taken").write_text("")
    with pytest.raises(ConfigError, match=r"Cannot (make the folder|write the file) .*taken"):
        make().fit(X, Y, callbacks=[make_callback(tmp_path / "taken")])


def test_every_function_of_a_lambda_callback_gets_logs_as_in_keras():
    hooks = [f"on_{what}_{when}" for what in ("train", "test", "predict") for when in ("begin", "end")]
    seen = []
    callback = LambdaCallback(**{hook: lambda logs, hook=hook: seen.append(hook) for hook in hooks})  # noqa: ARG005
    model = make()
    model.fit(X, Y, callbacks=[callback])
    model.evaluate(X, Y, callbacks=[callback])
    model.predict(X, callbacks=[callback])
    assert seen == hooks
