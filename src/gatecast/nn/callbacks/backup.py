"""A callback that backs a training run up, and goes on from the backup after a crash."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from gatecast._utils import safefile
from gatecast._utils.keywords import check_keywords
from gatecast._utils.validation import check_flag
from gatecast.errors import ConfigError
from gatecast.nn.callbacks.base import Callback, Logs
from gatecast.nn.callbacks.checkpoints import check_frequency
from gatecast.nn.callbacks.paths import check_path, make_folder
from gatecast.nn.resume import join_arrays, split_arrays, state_from_data, state_to_data

__all__ = ["BackupAndRestore"]

KIND = "training"
"""What a backup calls itself."""


class BackupAndRestore(Callback):
    """Back the training up, and go on after a crash: the same call of `fit` then ends with the same bits.

    A backup has weights, optimizer, learning rate, history and the state of the other callbacks. The model must be
    built and compiled as before, and its data must be arrays, or batches that come in the same order again.

    Args:
        backup_dir: The folder of the backup.
        save_freq: "epoch", or a number of updates.
        double_checkpoint: For scripts written for Keras: a backup replaces the one before in one step anyway.
        delete_checkpoint: Whether to delete the backup when the training is complete.

    >>> BackupAndRestore("backup").save_freq
    'epoch'
    """

    @check_keywords()
    def __init__(
        self,
        backup_dir: str | os.PathLike[str],
        save_freq: str | int = "epoch",
        double_checkpoint: bool = False,
        delete_checkpoint: bool = True,
    ) -> None:
        where = "BackupAndRestore"
        self.backup_dir = Path(check_path(backup_dir, "backup_dir", where))
        self.save_freq = check_frequency(save_freq, where)
        self.double_checkpoint = check_flag(double_checkpoint, "double_checkpoint", where=where)
        self.delete_checkpoint = check_flag(delete_checkpoint, "delete_checkpoint", where=where)
        self.needs_batches = self.save_freq != "epoch"
        self._others: list[Callback] = []
        self._epoch = 0

    @property
    def path(self) -> Path:
        """The file of the backup."""
        return self.backup_dir / "latest.gatecast"

    def set_callbacks(self, callbacks: Sequence[Callback]) -> None:
        """Keep the other callbacks, whose state a backup has."""
        self._others = [callback for callback in callbacks if callback is not self and hasattr(callback, "get_state")]

    def on_train_begin(self, logs: Logs = None) -> None:  # noqa: ARG002
        """Go on from the backup, if there is one."""
        make_folder(self.backup_dir)  # a folder that cannot be made is said before the training
        if self.path.exists():
            self._restore()

    def on_epoch_begin(self, epoch: int, logs: Logs = None) -> None:  # noqa: ARG002
        """Note the epoch."""
        self._epoch = epoch

    def on_train_batch_end(self, batch: int, logs: Logs = None) -> None:  # noqa: ARG002
        """Back up after a number of updates, if that is wanted."""
        if isinstance(self.save_freq, int) and self.model._run.state.step % self.save_freq == 0:
            self._write(self._epoch)

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:  # noqa: ARG002
        """Back up after an epoch."""
        self._write(epoch + 1)

    def on_train_end(self, logs: Logs = None) -> None:  # noqa: ARG002
        """Delete the backup of a complete training."""
        if self.delete_checkpoint and self.path.exists():
            self.path.unlink()
            if not any(self.backup_dir.iterdir()):
                self.backup_dir.rmdir()

    def _write(self, epoch: int) -> None:
        """Write the backup of a training that goes on with an epoch."""
        run = self.model._run
        counts, optimizer = state_to_data(run.state)
        weights = run.weights.vector if run.state.training_vector is None else run.state.training_vector
        sums, arrays = split_arrays(run.tracker.get_state(), "tracker.")
        arrays |= {"weights": weights} | {f"optimizer.{name}": array for name, array in optimizer.items()}
        states = []
        for k, callback in enumerate(self._others):
            state, state_arrays = split_arrays(callback.get_state(), f"callbacks.{k}.")
            states.append({"name": type(callback).__name__, "state": state})
            arrays |= state_arrays
        settings = {"epoch": epoch, "training": counts, "tracker": sums, "callbacks": states}
        settings |= {"loss": run.loss.name, "metrics": run.tracker.description()}
        make_folder(self.backup_dir)
        safefile.write(self.path, KIND, settings | {"learning_rate": run.optimizer.fixed_rate}, arrays)

    def _restore(self) -> None:
        """Set model and callbacks to the state of the backup."""
        run = self.model._run
        settings, arrays = safefile.read(self.path, KIND)
        names = [type(callback).__name__ for callback in self._others]
        if arrays["weights"].shape != run.weights.vector.shape or names != [c["name"] for c in settings["callbacks"]]:
            raise self._foreign()
        # Older backups do not say what they were compiled with.
        compiled = {"loss": run.loss.name, "metrics": run.tracker.description()}
        if any(settings.get(name, value) != value for name, value in compiled.items()):
            raise self._foreign()
        try:
            state_from_data(settings["training"], join_arrays({}, arrays, "optimizer."), run.state)
        except ValueError as error:
            raise self._foreign() from error
        run.weights.vector[:] = arrays["weights"]
        run.tracker.set_state(join_arrays(settings["tracker"], arrays, "tracker."))
        run.optimizer.iterations = run.state.step
        if settings["learning_rate"] is not None:
            run.optimizer.learning_rate = settings["learning_rate"]
        for k, (callback, stored) in enumerate(zip(self._others, settings["callbacks"], strict=True)):
            callback.set_state(join_arrays(stored["state"], arrays, f"callbacks.{k}."))
        self.model._initial_epoch = int(settings["epoch"])

    def _foreign(self) -> ConfigError:
        """Return the error for a backup of another training."""
        return ConfigError(
            "The backup belongs to another training",
            where=str(self.path),
            expected="the layers, the optimizer, the loss, the metrics and the callbacks of this call of fit",
            fix="Delete the folder, or pass another backup_dir.",
        )
