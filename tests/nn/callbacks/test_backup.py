"""A training that is killed and called again ends with the bits of one that was never disturbed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import numpy as np
import pytest

from gatecast.callbacks import (
    BackupAndRestore,
    Callback,
    EarlyStopping,
    LearningRateScheduler,
    ModelCheckpoint,
    ReduceLROnPlateau,
)
from gatecast.errors import ConfigError, FormatError
from gatecast.layers import LSTM, Dense, Dropout, Input
from gatecast.models import Sequential
from gatecast.optim import chain, ema, scale_by_adam, scale_by_learning_rate
from gatecast.optimizers import SGD, AdamW, Nadam
from gatecast.optimizers.schedules import ExponentialDecay

OPTIMIZERS = {
    "adam": lambda: "adam",
    "momentum": lambda: SGD(0.1, 0.9),
    "nadam": lambda: Nadam(0.01, clipnorm=0.1),
    "schedule": lambda: AdamW(ExponentialDecay(0.1, 5, 0.5)),
    "averaged": lambda: chain(scale_by_adam(), scale_by_learning_rate(0.01), ema(0.9)),
}


class Kill(Callback):
    """Raises an interrupt in an epoch, before or after one of its updates."""

    def __init__(self, epoch=None, batch=None):
        self.at, self.epoch = (epoch, batch), None

    def on_epoch_begin(self, epoch, logs=None):  # noqa: ARG002
        self.epoch = epoch

    def on_train_batch_end(self, batch, logs=None):  # noqa: ARG002
        if (self.epoch, batch) == self.at:
            raise KeyboardInterrupt


def make(optimizer="adam"):
    """A compiled model with dropout and metrics."""
    model = Sequential([Input((4, 1)), LSTM(5), Dropout(0.2), Dense(1)], seed=3)
    model.compile(optimizer, "mse", metrics=["mae", "r2_score"])
    return model


def fit(model, rng, *callbacks, epochs=6):
    """Train, with callbacks that have a memory."""
    rng = np.random.default_rng(5)
    x, y = rng.normal(size=(100, 4, 1)), rng.normal(size=100)
    stopping = EarlyStopping(patience=3, restore_best_weights=True)
    return model.fit(x, y, epochs=epochs, validation_split=0.2, callbacks=[stopping, *callbacks])


@pytest.mark.parametrize("save_freq", ["epoch", 1, 4])
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_killed_and_called_again_equals_undisturbed_to_the_bit(name, save_freq, rng, tmp_path):
    more = () if name in ("schedule", "averaged") else (ReduceLROnPlateau(patience=1, factor=0.5),)
    whole = make(OPTIMIZERS[name]())
    expected = fit(whole, rng, *more, Kill())
    for at in ((1, 1), (2, 0)):
        with pytest.raises(KeyboardInterrupt):
            fit(make(OPTIMIZERS[name]()), rng, *more, BackupAndRestore(tmp_path / "b", save_freq), Kill(*at))
    again = make(OPTIMIZERS[name]())
    history = fit(again, rng, *more, BackupAndRestore(tmp_path / "b", save_freq), Kill())
    np.testing.assert_array_equal(again.weights.vector, whole.weights.vector)
    assert history.history == expected.history
    assert history.epoch == expected.epoch
    assert not (tmp_path / "b").exists()


def test_batches_that_come_in_the_same_order_go_on_too(tmp_path):
    def train(*callbacks):
        rng, model = np.random.default_rng(1), make()
        batches = [(rng.normal(size=(8, 4, 1)), rng.normal(size=8)) for _ in range(5)]
        history = model.fit(batches, epochs=4, callbacks=list(callbacks))
        return model.weights.vector, history.history

    expected, losses = train(Kill())
    for at in ((1, 3), (2, 0)):
        with pytest.raises(KeyboardInterrupt):
            train(BackupAndRestore(tmp_path, 2), Kill(*at))
    weights, again = train(BackupAndRestore(tmp_path, 2), Kill())
    np.testing.assert_array_equal(weights, expected)
    assert again == losses


def test_checkpoint_and_schedule_go_on_too(rng, tmp_path):
    def callbacks(folder):
        best = ModelCheckpoint(tmp_path / folder, save_best_only=True)
        return best, LearningRateScheduler(lambda _epoch, rate: rate * 0.9)

    whole = make()
    fit(whole, rng, *callbacks("a"), Kill())
    with pytest.raises(KeyboardInterrupt):
        fit(make(), rng, *callbacks("b"), BackupAndRestore(tmp_path / "c"), Kill(3, 0))
    fit(make(), rng, *callbacks("b"), BackupAndRestore(tmp_path / "c"), Kill())
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_a_backup_of_a_complete_training_is_kept_if_asked(rng, tmp_path):
    backup = BackupAndRestore(tmp_path, delete_checkpoint=False)
    model = make()
    fit(model, rng, backup, epochs=2)
    assert backup.path.exists()
    again = make()
    assert fit(again, rng, backup, epochs=2).epoch == [0, 1]  # nothing is left to do
    np.testing.assert_array_equal(again.weights.vector, model.weights.vector)


def test_a_backup_of_another_training_is_refused(rng, tmp_path):
    backup = BackupAndRestore(tmp_path, delete_checkpoint=False)
    fit(make(), rng, backup, epochs=1)
    other = Sequential([Input((4, 1)), LSTM(6), Dense(1)])
    other.compile("adam", "mse", metrics=["mae", "r2_score"])
    for model in (other, make("sgd")):
        with pytest.raises(ConfigError, match="The backup belongs to another training"):
            fit(model, rng, backup, epochs=1)
    with pytest.raises(ConfigError, match="The backup belongs to another training"):
        fit(make(), rng, backup, Kill(), epochs=1)
    backup.path.write_bytes(backup.path.read_bytes()[:-50])
    with pytest.raises(FormatError, match="Cannot read the file"):
        fit(make(), rng, backup, epochs=1)


def test_a_folder_is_needed():
    with pytest.raises(ConfigError, match="Invalid backup_dir ''"):
        BackupAndRestore("")


SCRIPT = """
import sys
import numpy as np
from gatecast.callbacks import BackupAndRestore, Callback
from gatecast.layers import LSTM, Dense, Input
from gatecast.models import Sequential

class Tell(Callback):
    def on_train_batch_end(self, batch, logs=None):
        if self.model.optimizer.iterations == 40:
            print("now", flush=True)

rng = np.random.default_rng(0)
x, y = rng.normal(size=(300, 8, 1)), rng.normal(size=300)
model = Sequential([Input((8, 1)), LSTM(20), Dense(1)])
model.compile("adam", "mse")
model.fit(x, y, epochs=int(sys.argv[2]), callbacks=[BackupAndRestore(sys.argv[1], save_freq=7), Tell()])
print(model.weights.vector.tobytes().hex())
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="there is no such signal")
def test_kill_9_and_called_again_equals_undisturbed(tmp_path):
    def command(folder):
        return [sys.executable, "-c", SCRIPT, str(tmp_path / folder), "40"]

    with subprocess.Popen(command("a"), stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "now\n"
        os.kill(process.pid, signal.SIGKILL)
    assert (tmp_path / "a" / "latest.gatecast").exists()
    results = [subprocess.run(command(f), capture_output=True, text=True, check=True).stdout for f in ("a", "b")]
    assert results[0].splitlines()[-1] == results[1].splitlines()[-1]
