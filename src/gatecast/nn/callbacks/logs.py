"""Callbacks that pass the logs on, or look at them: a CSV file, functions, NaN."""

from __future__ import annotations

import csv
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, TextIO

from gatecast._utils.keywords import check_keywords
from gatecast._utils.suggestions import suggestion
from gatecast._utils.validation import check_flag
from gatecast.errors import ConfigError
from gatecast.nn.callbacks.base import Callback, Logs
from gatecast.nn.callbacks.paths import check_path

__all__ = ["CSVLogger", "LambdaCallback", "TerminateOnNaN"]


class CSVLogger(Callback):
    """Write the logs of every epoch to a CSV file, as a line each.

    Args:
        filename: The file.
        separator: Character between values.
        append: Whether to add to an existing file instead of replacing it.

    >>> CSVLogger("training.csv").separator
    ','
    """

    @check_keywords()
    def __init__(self, filename: str | os.PathLike[str], separator: str = ",", append: bool = False) -> None:
        self.filename = Path(check_path(filename, "filename", "CSVLogger"))
        if not isinstance(separator, str) or len(separator) != 1 or separator in '\r\n"':
            expected = 'one character, such as "," or ";"'
            what = f"Invalid separator {separator!r}"
            raise ConfigError(what, where="CSVLogger", expected=expected, argument="separator")
        self.separator, self.append = separator, check_flag(append, "append", where="CSVLogger")
        self._file: TextIO | None = None
        self._names: list[str] | None = None

    def on_train_begin(self, logs: Logs = None) -> None:  # noqa: ARG002
        """Open the file."""
        self._names = None
        self._has_header = self.append and self.filename.exists() and self.filename.stat().st_size > 0
        try:
            self._file = self.filename.open("a" if self.append else "w", newline="", encoding="utf-8")
        except OSError as error:
            what, got = "Cannot write the file", error.strerror or str(error)
            raise ConfigError(what, where=str(self.filename), got=got, fix="Choose another path.") from error

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Write a line."""
        if self._file is None:
            return
        logs = logs or {}
        writer = csv.writer(self._file, delimiter=self.separator)
        if self._names is None:
            self._names = sorted(logs)
            if not any(name.startswith("val_") for name in self._names):
                self._names += [f"val_{name}" for name in self._names]
            if not self._has_header:
                writer.writerow(["epoch", *self._names])
        writer.writerow([epoch, *(logs.get(name, "NA") for name in self._names)])
        self._file.flush()

    def on_train_end(self, logs: Logs = None) -> None:  # noqa: ARG002
        """Close the file."""
        if self._file is not None:
            self._file.close()
        self._file = None

    def on_interrupt(self) -> None:
        """Close the file."""
        self.on_train_end()


class LambdaCallback(Callback):
    """A callback made of functions.

    Args:
        on_epoch_begin: Function of (epoch, logs).
        on_epoch_end: Function of (epoch, logs).
        on_train_begin: Function of (logs).
        on_train_end: Function of (logs).
        on_train_batch_begin: Function of (batch, logs).
        on_train_batch_end: Function of (batch, logs).
        **kwargs: Other methods of `Callback` by name.

    >>> losses = []
    >>> callback = LambdaCallback(on_epoch_end=lambda epoch, logs: losses.append(logs["loss"]))
    >>> callback.on_epoch_end(0, {"loss": 0.5})
    >>> losses
    [0.5]
    """

    def __init__(
        self,
        on_epoch_begin: Callable[..., Any] | None = None,
        on_epoch_end: Callable[..., Any] | None = None,
        on_train_begin: Callable[..., Any] | None = None,
        on_train_end: Callable[..., Any] | None = None,
        on_train_batch_begin: Callable[..., Any] | None = None,
        on_train_batch_end: Callable[..., Any] | None = None,
        **kwargs: Any,
    ) -> None:
        functions = {
            "on_epoch_begin": on_epoch_begin,
            "on_epoch_end": on_epoch_end,
            "on_train_begin": on_train_begin,
            "on_train_end": on_train_end,
            "on_train_batch_begin": on_train_batch_begin,
            "on_train_batch_end": on_train_batch_end,
        }
        for name, function in (functions | kwargs).items():
            if not callable(getattr(Callback, name, None)):
                fix = suggestion(name, [hook for hook in dir(Callback) if hook.startswith("on_")])
                raise ConfigError(f"Unknown argument {name!r}", where="LambdaCallback", fix=fix, argument=name)
            if function is not None and not callable(function):
                expected = "a function"
                raise ConfigError(f"Invalid {name} {function!r}", where="LambdaCallback", expected=expected)
            if function is not None:
                setattr(self, name, function)


class TerminateOnNaN(Callback):
    """End training when the loss becomes NaN or infinite, instead of raising an error.

    The weights are then those of the last completed epoch.

    Args:
        raise_error: Whether to raise the error after all.

    >>> TerminateOnNaN().raise_error
    False
    """

    @check_keywords()
    def __init__(self, raise_error: bool = False) -> None:
        self.raise_error = check_flag(raise_error, "raise_error", where="TerminateOnNaN")
