"""Callbacks that change the learning rate between epochs."""

from __future__ import annotations

import inspect
import math
from collections.abc import Mapping
from numbers import Real
from typing import Any

import numpy as np

from gatecast._utils.keywords import check_keywords
from gatecast._utils.validation import check_non_negative, check_non_negative_int
from gatecast.errors import ConfigError
from gatecast.nn.callbacks.base import Callback, Logs
from gatecast.nn.callbacks.monitor import MonitorCallback

__all__ = ["LearningRateScheduler", "ReduceLROnPlateau"]


class LearningRateScheduler(Callback):
    """Set the learning rate before every epoch; the history has it as "learning_rate".

    Args:
        schedule: Function of the epoch, from 0, and the present learning rate, or of the epoch alone; returns the
            learning rate.
        verbose: 1 prints it.

    >>> LearningRateScheduler(lambda epoch, rate: rate if epoch < 10 else 0.9 * rate).verbose
    0
    """

    @check_keywords()
    def __init__(self, schedule: Any, verbose: int = 0) -> None:
        if not callable(schedule):
            expected = "a function of the epoch and the present learning rate"
            raise ConfigError(f"Invalid schedule {schedule!r}", where="LearningRateScheduler", expected=expected)
        self.schedule = schedule
        self.verbose = check_non_negative_int(verbose, "verbose", where="LearningRateScheduler")

    def on_epoch_begin(self, epoch: int, logs: Logs = None) -> None:  # noqa: ARG002
        """Set the learning rate."""
        optimizer = self.model.optimizer
        present = float(optimizer.learning_rate)
        # The signature decides, not an attempt: an error within the function is that of the user.
        rate: Any = self.schedule(epoch, present) if _takes_rate(self.schedule) else self.schedule(epoch)
        if isinstance(rate, np.ndarray) and rate.ndim == 0:
            rate = rate.item()
        if not isinstance(rate, Real) or not 0 <= float(rate) < math.inf:
            raise ConfigError(
                f"The schedule returned {rate!r} for epoch {epoch}",
                where="LearningRateScheduler",
                expected="a number of at least 0",
            )
        optimizer.learning_rate = float(rate)
        if self.verbose > 0:
            text = f"\nEpoch {epoch + 1}: LearningRateScheduler setting learning rate to {rate}."
            print(text, flush=True)  # noqa: T201 - as Keras does

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:  # noqa: ARG002
        """Add the learning rate to the logs."""
        if logs is not None:
            logs["learning_rate"] = float(self.model.optimizer.learning_rate)


class ReduceLROnPlateau(MonitorCallback):
    """Lower the learning rate when a loss or metric has stopped improving; the history has it as "learning_rate".

    Args:
        monitor: Its name in the logs.
        factor: What the learning rate is multiplied by; below 1.
        patience: Epochs without improvement after which this is done.
        verbose: 1 prints when this is done.
        mode: "min", "max" or "auto".
        min_delta: The smallest change that counts as an improvement.
        cooldown: Epochs to wait afterwards.
        min_lr: The lowest learning rate.

    >>> ReduceLROnPlateau(factor=0.2, patience=5).min_delta
    0.0001
    """

    @check_keywords(epsilon="Write min_delta=.")
    def __init__(
        self,
        monitor: str = "val_loss",
        factor: Any = 0.1,
        patience: int = 10,
        verbose: int = 0,
        mode: str = "auto",
        min_delta: float = 1e-4,
        cooldown: int = 0,
        min_lr: float = 0.0,
    ) -> None:
        super().__init__(monitor, mode, min_delta=min_delta)
        where = "ReduceLROnPlateau"
        if not (isinstance(factor, Real) and 0 < float(factor) < 1):
            expected = "a number between 0 and 1"
            raise ConfigError(f"Invalid factor {factor!r}", where=where, expected=expected, argument="factor")
        self.factor, self.min_lr = float(factor), check_non_negative(min_lr, "min_lr", where=where)
        self.patience = check_non_negative_int(patience, "patience", where=where)
        self.cooldown = check_non_negative_int(cooldown, "cooldown", where=where)
        self.verbose = check_non_negative_int(verbose, "verbose", where=where)
        self.wait = self.cooldown_counter = 0

    def on_train_begin(self, logs: Logs = None) -> None:  # noqa: ARG002
        """Begin anew."""
        self.best, self.wait, self.cooldown_counter = None, 0, 0

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Compare the epoch with the best one, and lower the learning rate if the patience is over."""
        logs = {} if logs is None else logs
        logs["learning_rate"] = float(self.model.optimizer.learning_rate)
        value = self.monitored(logs)
        if value is None:
            return
        if self.in_cooldown():
            self.cooldown_counter -= 1
            self.wait = 0
        if self.is_improvement(value, self.best):
            self.best, self.wait = value, 0
        elif not self.in_cooldown():
            self.wait += 1
            if self.wait >= self.patience and self._reduce(epoch):
                self.cooldown_counter, self.wait = self.cooldown, 0

    def in_cooldown(self) -> bool:
        """Return whether the learning rate was lowered a short while ago."""
        return self.cooldown_counter > 0

    def get_state(self) -> dict[str, Any]:
        """Return the best value, and how long ago it was."""
        return {"best": self.best, "wait": self.wait, "cooldown_counter": self.cooldown_counter}

    def set_state(self, state: Mapping[str, Any]) -> None:
        """Go on from `get_state`."""
        self.best, self.wait, self.cooldown_counter = state["best"], state["wait"], state["cooldown_counter"]

    def _reduce(self, epoch: int) -> bool:
        """Lower the learning rate, and return whether it was above the lowest."""
        rate = float(self.model.optimizer.learning_rate)
        if rate <= self.min_lr:
            return False
        lower = max(rate * self.factor, self.min_lr)
        self.model.optimizer.learning_rate = lower
        self.report(f"\nEpoch {epoch + 1}: ReduceLROnPlateau reducing learning rate to {lower}.", self.verbose)
        return True


def _takes_rate(schedule: Any) -> bool:
    """Return whether a function takes the epoch and the present learning rate; else it takes the epoch alone."""
    try:
        signature = inspect.signature(schedule)
    except (TypeError, ValueError):
        return True  # some functions in C do not say what they take
    try:
        signature.bind(0, 0.1)
    except TypeError:
        return False
    return True
