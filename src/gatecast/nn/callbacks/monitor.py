"""Callbacks that watch a loss or metric: early stopping, and what they share."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np

from gatecast._utils.keywords import check_keywords
from gatecast._utils.validation import check_finite, check_flag, check_non_negative_int
from gatecast.errors import ConfigError
from gatecast.nn.callbacks.base import Callback, Logs

__all__ = ["EarlyStopping", "MonitorCallback"]


class MonitorCallback(Callback):
    """The base of callbacks that compare a loss or metric with its best value.

    Args:
        monitor: Its name in the logs, such as "val_loss".
        mode: "min" if less is better, "max" if more is; "auto" asks the metric.
        baseline: The value to begin with.
        min_delta: The smallest change that counts as an improvement.
    """

    def __init__(
        self, monitor: Any = "val_loss", mode: str = "auto", baseline: float | None = None, min_delta: float = 0.0
    ) -> None:
        if mode not in ("auto", "min", "max"):
            where, expected = type(self).__name__, '"auto", "min" or "max"'
            raise ConfigError(f"Invalid mode {mode!r}", where=where, expected=expected, argument="mode")
        where = type(self).__name__
        if not isinstance(monitor, str):
            expected = 'the name of a loss or metric, such as "val_loss"'
            raise ConfigError(f"Invalid monitor {monitor!r}", where=where, expected=expected, argument="monitor")
        self.monitor: str = monitor
        self.mode = mode
        self.best = None if baseline is None else check_finite(baseline, "baseline", where=where)
        self.min_delta = abs(check_finite(min_delta, "min_delta", where=where))
        self._missing_reported = False

    def monitored(self, logs: Logs) -> float | None:
        """Return the value in the logs; warn once if there is none."""
        value: Any = (logs or {}).get(self.monitor)
        if value is None and not self._missing_reported:
            self._missing_reported = True
            hint = " Pass validation_data or validation_split to fit." if self.monitor.startswith("val_") else ""
            warnings.warn(
                f"{type(self).__name__} monitors {self.monitor}, which is not available. "
                f"Available: {', '.join(logs or {})}.{hint}",
                stacklevel=2,
            )
        if value is not None and np.ndim(value) > 0:
            fix = "Monitor a metric with a single value, or average it: R2Score() instead of R2Score(None)."
            raise ConfigError(f"{self.monitor} has several values", where=type(self).__name__, fix=fix)
        return None if value is None else float(value)

    def is_improvement(self, value: float, reference: float | None) -> bool:
        """Return whether a value is better than another one by more than `min_delta`."""
        more_is_better = self._more_is_better()
        if reference is None:
            return True
        return value - self.min_delta > reference if more_is_better else value + self.min_delta < reference

    def _more_is_better(self) -> bool:
        """Return the direction of the monitored value."""
        if self.mode != "auto":
            return self.mode == "max"
        name = self.monitor.removeprefix("val_")
        directions: dict[str, str | None] = getattr(self.model, "_metric_directions", dict)()
        direction = "down" if name == "loss" else directions.get(name)
        if direction is None:
            raise ConfigError(
                f"Whether more or less of {self.monitor} is better is unknown",
                where=type(self).__name__,
                fix="Pass mode='min' or mode='max'.",
                argument="mode",
            )
        return direction == "up"

    def report(self, text: str, verbose: int) -> None:
        """Print a message if `verbose` is above 0."""
        if verbose > 0:
            print(text, flush=True)  # noqa: T201 - as Keras does, next to its progress


class EarlyStopping(MonitorCallback):
    """End training when a loss or metric has stopped improving.

    Args:
        monitor: Its name in the logs.
        min_delta: The smallest change that counts as an improvement.
        patience: Epochs without improvement after which training ends.
        verbose: 1 prints when it stops.
        mode: "min", "max" or "auto".
        baseline: The value to improve on: training also ends if it is not reached within the patience.
        restore_best_weights: Whether to end with the weights of the best epoch.
        start_from_epoch: Epochs to wait before watching.

    `best`, `best_epoch` and `stopped_epoch` can be read afterwards. An interrupt restores the best weights too.

    Source: Prechelt 1998.

    >>> EarlyStopping("val_loss", 0.01, 5).patience
    5
    """

    @check_keywords()
    def __init__(
        self,
        monitor: str = "val_loss",
        min_delta: float = 0.0,
        patience: int = 0,
        verbose: int = 0,
        mode: str = "auto",
        baseline: float | None = None,
        restore_best_weights: bool = False,
        start_from_epoch: int = 0,
    ) -> None:
        # The best value begins with none: the baseline is what an epoch must beat to restart the patience.
        super().__init__(monitor, mode, baseline, min_delta)
        self.baseline, self.best = self.best, None
        self.patience = check_non_negative_int(patience, "patience", where="EarlyStopping")
        self.start_from_epoch = check_non_negative_int(start_from_epoch, "start_from_epoch", where="EarlyStopping")
        self.restore_best_weights = check_flag(restore_best_weights, "restore_best_weights", where="EarlyStopping")
        self.verbose = check_non_negative_int(verbose, "verbose", where="EarlyStopping")
        self.wait = self.stopped_epoch = self.best_epoch = 0
        self.best_weights: Any = None

    def on_train_begin(self, logs: Logs = None) -> None:  # noqa: ARG002
        """Begin anew."""
        self.wait = self.stopped_epoch = self.best_epoch = 0
        self.best, self.best_weights = None, None

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Compare the epoch with the best one, and stop the training if the patience is over."""
        value = self.monitored(logs)
        if value is None or epoch < self.start_from_epoch:
            return
        if self.restore_best_weights and self.best_weights is None:
            self._keep(epoch)
        self.wait += 1
        if self.is_improvement(value, self.best):
            self.best, self.best_epoch = value, epoch
            if self.restore_best_weights:
                self._keep(epoch)
            if self.baseline is None or self.is_improvement(value, self.baseline):
                self.wait = 0
        elif self.wait >= self.patience and epoch > 0:
            self.stopped_epoch = epoch
            self.model.stop_training = True

    def on_train_end(self, logs: Logs = None) -> None:  # noqa: ARG002
        """Restore the best weights if they are wanted."""
        if self.stopped_epoch > 0:
            self.report(f"Epoch {self.stopped_epoch + 1}: early stopping", self.verbose)
        if self.restore_best_weights and self.best_weights is not None:
            epoch = self.best_epoch + 1
            self.report(f"Restoring model weights from the end of the best epoch: {epoch}.", self.verbose)
            self.model.weights.vector[:] = self.best_weights

    def on_interrupt(self) -> None:
        """Restore the best weights if they are wanted."""
        self.on_train_end()

    def get_state(self) -> dict[str, Any]:
        """Return the best value and its weights, and how long ago it was."""
        state = {"wait": self.wait, "best": self.best, "best_epoch": self.best_epoch}
        return state | ({} if self.best_weights is None else {"best_weights": self.best_weights.copy()})

    def set_state(self, state: Mapping[str, Any]) -> None:
        """Go on from `get_state`."""
        self.wait, self.best, self.best_epoch = state["wait"], state["best"], state["best_epoch"]
        self.best_weights = state.get("best_weights")

    def _keep(self, epoch: int) -> None:
        """Keep a copy of the weights."""
        self.best_epoch, self.best_weights = epoch, self.model.weights.vector.copy()
