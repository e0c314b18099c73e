"""A callback that saves the model on the way."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from gatecast._utils.keywords import check_keywords
from gatecast._utils.validation import check_finite, check_flag, check_non_negative_int, check_positive_int
from gatecast.errors import ConfigError
from gatecast.nn.callbacks.base import Logs
from gatecast.nn.callbacks.monitor import MonitorCallback
from gatecast.nn.callbacks.paths import check_path, make_folder

__all__ = ["ModelCheckpoint", "check_frequency"]


class ModelCheckpoint(MonitorCallback):
    """Save the model after every epoch, or after the best ones.

    Args:
        filepath: The file; names in braces are replaced, as in "model-{epoch:02d}-{val_loss:.2f}.gatecast". The format
            is that of `Sequential.save`, or `save_weights`.
        monitor: Name of a loss or metric in the logs.
        verbose: 1 prints what is saved.
        save_best_only: Whether to save only when the monitored value is the best so far.
        save_weights_only: Whether to save the weights alone.
        mode: "min", "max" or "auto".
        save_freq: "epoch", or a number of updates.
        initial_value_threshold: The value to begin with.

    >>> ModelCheckpoint("best.gatecast", save_best_only=True).monitor
    'val_loss'
    """

    @check_keywords(period='Write save_freq=, a number of updates, or "epoch".')
    def __init__(
        self,
        filepath: str | os.PathLike[str],
        monitor: str = "val_loss",
        verbose: int = 0,
        save_best_only: bool = False,
        save_weights_only: bool = False,
        mode: str = "auto",
        save_freq: str | int = "epoch",
        initial_value_threshold: float | None = None,
    ) -> None:
        if initial_value_threshold is not None:
            check_finite(initial_value_threshold, "initial_value_threshold", where="ModelCheckpoint")
        super().__init__(monitor, mode, initial_value_threshold)
        self.filepath = check_path(filepath, "filepath", "ModelCheckpoint")
        self.verbose = check_non_negative_int(verbose, "verbose", where="ModelCheckpoint")
        self.save_best_only = check_flag(save_best_only, "save_best_only", where="ModelCheckpoint")
        self.save_weights_only = check_flag(save_weights_only, "save_weights_only", where="ModelCheckpoint")
        self.save_freq = check_frequency(save_freq, "ModelCheckpoint")
        self.needs_batches = self.save_freq != "epoch"
        self._epoch = self._updates = 0

    def on_epoch_begin(self, epoch: int, logs: Logs = None) -> None:  # noqa: ARG002
        """Note the epoch."""
        self._epoch = epoch

    def on_train_batch_end(self, batch: int, logs: Logs = None) -> None:
        """Save after a number of updates, if that is wanted."""
        self._updates += 1
        if isinstance(self.save_freq, int) and self._updates >= self.save_freq:
            self._updates = 0
            self._save(self._epoch, {"batch": batch + 1, **(logs or {})})

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Save after an epoch, if that is wanted."""
        if self.save_freq == "epoch":
            self._save(epoch, logs or {})

    def get_state(self) -> dict[str, Any]:
        """Return the best value."""
        return {"best": self.best, "updates": self._updates}

    def set_state(self, state: Any) -> None:
        """Go on from `get_state`."""
        self.best, self._updates = state["best"], state["updates"]

    def _save(self, epoch: int, logs: dict[str, Any]) -> None:
        """Save the model, if it is the best or any will do."""
        path = self._path(epoch, logs)
        if self.save_best_only and not self._is_best(epoch, logs, path):
            return
        if not self.save_best_only:
            self.report(f"\nEpoch {epoch + 1}: saving model to {path}", self.verbose)
        make_folder(Path(path).parent)
        if self.save_weights_only:
            self.model.save_weights(path)
        else:
            self.model.save(path)

    def _is_best(self, epoch: int, logs: dict[str, Any], path: str) -> bool:
        """Return whether the monitored value is the best so far; without one, True, as in Keras."""
        value = self.monitored(logs)
        if value is None:
            return True
        head = f"\nEpoch {epoch + 1}: {self.monitor}"
        if not self.is_improvement(value, self.best):
            self.report(f"{head} did not improve from {self.best:.5f}", self.verbose)
            return False
        before = "None" if self.best is None else f"{self.best:.5f}"
        self.report(f"{head} improved from {before} to {value:.5f}, saving model to {path}", self.verbose)
        self.best = value
        return True

    def _path(self, epoch: int, logs: dict[str, Any]) -> str:
        """Return the path with its placeholders filled in."""
        try:
            return self.filepath.format(epoch=epoch + 1, **logs)
        except (KeyError, IndexError, ValueError) as error:
            raise ConfigError(
                f"Cannot fill in the filepath {self.filepath!r}",
                where="ModelCheckpoint",
                got=str(error),
                expected=f"names among epoch, {', '.join(logs)}",
                argument="filepath",
            ) from error


def check_frequency(save_freq: Any, where: str) -> str | int:
    """Return "epoch" or a positive integer.

    Args:
        save_freq: What the user passed.
        where: Name of the callback.

    Raises:
        ConfigError: Anything else.

    >>> check_frequency("epoch", "ModelCheckpoint"), check_frequency(10, "ModelCheckpoint")
    ('epoch', 10)
    """
    if save_freq == "epoch":
        return "epoch"
    if isinstance(save_freq, str):
        expected = '"epoch" or a number of updates'
        raise ConfigError(f"Invalid save_freq {save_freq!r}", where=where, expected=expected, argument="save_freq")
    return check_positive_int(save_freq, "save_freq", where=where)
