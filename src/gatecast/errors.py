"""What can go wrong, as four kinds of exception whose message always says how to put it right."""

from __future__ import annotations

import math
import operator
from numbers import Real
from typing import Any

__all__ = [
    "ConfigError",
    "DataError",
    "FormatError",
    "GatecastError",
    "NotFittedError",
    "check_fraction",
    "check_positive",
    "check_positive_int",
]


class GatecastError(Exception):
    """Base of every error that gatecast raises on purpose.

    The message reads ``what (where): got ..., expected .... fix``; each part after `what` may be left out.

    Args:
        what: What is wrong, without a final full stop.
        where: Series, row, column, layer or file that it concerns.
        got: What was found there.
        expected: What should have been there.
        fix: One way to put it right, a whole sentence.
        argument: Python argument that it is about; the command line names its option instead.

    >>> print(DataError("x has the wrong rank", got="2 axes", expected="3", fix="Reshape x to (n, T, F)."))
    x has the wrong rank: got 2 axes, expected 3. Reshape x to (n, T, F).
    """

    def __init__(
        self,
        what: str,
        *,
        where: str = "",
        got: object = "",
        expected: object = "",
        fix: str = "",
        argument: str | None = None,
    ) -> None:
        self.what, self.where, self.got, self.expected, self.fix = what, where, got, expected, fix
        self.argument = argument
        place = f" ({where})" if where else ""
        pairs = (("got", str(got)), ("expected", str(expected)))
        facts = ", ".join(f"{name} {value}" for name, value in pairs if value)
        head = what + place + (f": {facts}" if facts else "")
        # A bare message is left exactly as it was written; a structured one ends its first sentence.
        stop = "." if (facts or fix) and not head.endswith((".", "?", "!")) else ""
        super().__init__(head + stop + (f" {fix}" if fix else ""))


class DataError(GatecastError, ValueError):
    """The data cannot be used as they are: shape, type, missing or infinite values, too few rows."""


class ConfigError(GatecastError, ValueError):
    """A setting is impossible or unknown: a layer size, a rate, a name, options that exclude each other."""


class NotFittedError(GatecastError, RuntimeError):
    """Something was asked that needs a step before it: build, compile or fit."""


class FormatError(GatecastError, ValueError):
    """A file is not what it should be: truncated, altered, foreign, or written by a newer version."""


def check_positive(value: Any, name: str) -> float:
    """A setting that is a finite number above 0.

    Raises:
        ConfigError: Anything else.

    >>> check_positive(2, "Huber's delta")
    2.0
    """
    if not (isinstance(value, Real) and 0 < float(value) < math.inf):
        raise ConfigError(f"{name} is not a positive number", got=repr(value), expected="a number above 0")
    return float(value)


def check_fraction(value: Any, name: str) -> float:
    """A setting that is a number from 0 up to, not including, 1.

    Raises:
        ConfigError: Anything else.

    >>> check_fraction(0.2, "Dropout's rate")
    0.2
    """
    if not (isinstance(value, Real) and 0 <= float(value) < 1):
        expected = "a number from 0 up to, not including, 1"
        raise ConfigError(f"{name} is not a share", got=repr(value), expected=expected)
    return float(value)


def check_positive_int(value: Any, name: str) -> int:
    """A setting that is a whole number of at least 1.

    Raises:
        ConfigError: Anything else.

    >>> check_positive_int(50, "LSTM's units")
    50
    """
    whole = hasattr(value, "__index__") and not isinstance(value, bool)
    if not whole or operator.index(value) < 1:
        expected = "a whole number of at least 1"
        raise ConfigError(f"{name} is not a count", got=repr(value), expected=expected)
    return operator.index(value)
