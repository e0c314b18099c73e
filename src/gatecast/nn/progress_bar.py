"""Progress of a training run: a line on standard error that is rewritten, or a line per epoch, as Keras writes it."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from typing import Any, TextIO

from gatecast.errors import ConfigError
from gatecast.nn.callbacks import Callback
from gatecast.nn.callbacks.base import Logs

__all__ = ["ProgbarLogger", "format_epoch", "verbosity"]

INTERVAL = 0.1
"""Seconds between two versions of the line."""


class ProgbarLogger(Callback):
    """Show the progress of `fit`, which adds it.

    Args:
        out: Where to write; None: one line that is rewritten on standard error if that is a terminal, or, with
            verbose=2, a line per epoch on standard output.
        is_asked: Whether to write a line per epoch where there is no terminal, too: in a log file or a pipe.
    """

    def __init__(self, out: TextIO | None = None, *, is_asked: bool = False) -> None:
        self._out, self._is_asked = out, is_asked
        self._width, self._shown, self._started, self._epoch = 0, 0.0, 0.0, 0

    def set_params(self, params: Mapping[str, Any]) -> None:
        """Keep the settings of the call."""
        self.params = params
        is_terminal = (self._out or sys.stderr).isatty()
        self._per_epoch = params["verbose"] == 2 or (self._is_asked and not is_terminal)
        out = self._out or (sys.stdout if self._per_epoch else sys.stderr)
        self._stream = out if self._per_epoch or out.isatty() else None
        self.needs_batches = self._stream is not None and not self._per_epoch

    def on_epoch_begin(self, epoch: int, logs: Logs = None) -> None:  # noqa: ARG002
        """Note the time."""
        self._epoch, self._started = epoch, time.perf_counter()
        if self._per_epoch and self._stream is not None:
            self._stream.write(f"Epoch {epoch + 1}/{self._settings()['epochs']}\n")

    def on_train_batch_end(self, batch: int, logs: Logs = None) -> None:
        """Rewrite the line, if it is old."""
        if not self._per_epoch and time.perf_counter() - self._shown >= INTERVAL:
            self._rewrite(batch + 1, logs or {})

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:  # noqa: ARG002
        """Write the epoch."""
        steps = self._settings()["steps"]
        if self._per_epoch and self._stream is not None:
            seconds = time.perf_counter() - self._started
            self._stream.write(format_epoch(logs or {}, steps, seconds) + "\n")
            self._stream.flush()
        elif self._stream is not None:
            self._rewrite(steps, logs or {})

    def on_train_end(self, logs: Logs = None) -> None:  # noqa: ARG002
        """End the line."""
        if self._width and self._stream is not None:
            self._stream.write("\n")
            self._stream.flush()
        self._width = 0

    def on_interrupt(self) -> None:
        """End the line."""
        self.on_train_end()

    def _rewrite(self, step: int | None, logs: Mapping[str, Any]) -> None:
        """Write the line over the one before."""
        if self._stream is None:
            return
        self._shown = time.perf_counter()
        seconds = self._shown - self._started
        text = f"Epoch {self._epoch + 1}/{self._settings()['epochs']} - {format_epoch(logs, step, seconds)}"
        self._stream.write(f"\r{text:<{self._width}}")
        self._stream.flush()
        self._width = len(text)

    def _settings(self) -> Mapping[str, Any]:
        """Return the settings of the call."""
        return self.params or {"epochs": 1, "steps": None}


def format_epoch(logs: Mapping[str, Any], steps: int | None, seconds: float) -> str:
    """Return an epoch as Keras writes it.

    Args:
        logs: Loss and metrics.
        steps: Updates of the epoch, if known.
        seconds: Its duration.

    >>> format_epoch({"loss": 0.5, "val_loss": 0.25}, 13, 1.3)
    '13/13 - 1s - 100ms/step - loss: 0.5000 - val_loss: 0.2500'
    """
    head = "" if not steps else f"{steps}/{steps} - "
    parts = [f"{seconds:.0f}s"]
    if steps:
        each = seconds / steps
        parts.append(f"{each:.0f}s/step" if each >= 1 else f"{1e3 * each:.0f}ms/step")
    return head + " - ".join([*parts, *(f"{name}: {_format_value(value)}" for name, value in logs.items())])


def verbosity(verbose: object) -> int:
    """Return how much to show: 0, 1 or 2.

    Raises:
        ConfigError: Another value than 0, 1, 2 and "auto".

    >>> verbosity("auto")
    1
    """
    if verbose == "auto":
        return 1
    if verbose not in (0, 1, 2):
        raise ConfigError(f"Invalid verbose {verbose!r}", expected='0, 1, 2 or "auto"', argument="verbose")
    return int(verbose)


def _format_value(value: Any) -> str:
    """Return a number with four decimals, or in scientific notation if it is small."""
    if not isinstance(value, int | float):
        return str(value)
    return f"{value:.4f}" if abs(value) > 1e-3 or value == 0 else f"{value:.4e}"
