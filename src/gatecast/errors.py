"""Exceptions of gatecast: four kinds, whose messages state the problem and a fix."""

from __future__ import annotations

import os

from gatecast._printable import printable, quoted_briefly, shorten

__all__ = ["ConfigError", "DataError", "FormatError", "GatecastError", "NotFittedError"]


class GatecastError(Exception):
    """Base class of all errors that gatecast raises on purpose.

    The message reads ``what (where): got ..., expected .... fix``; every component after `what` is optional.

    Args:
        what: The problem, without a final full stop.
        where: The series, row, column, layer or file concerned.
        got: The value there.
        expected: The value that is required.
        fix: A way to solve the problem, as full sentences.
        argument: The argument concerned, as named in Python; the command line names the option instead.

    >>> print(DataError("x has the wrong rank", got="2 axes", expected="3", fix="Reshape x to (n, T, F)."))
    x has the wrong rank: got 2 axes, expected 3. Reshape x to (n, T, F).
    >>> print(ConfigError("Invalid epochs 0", expected="a positive integer", argument="epochs"))
    Invalid epochs 0: expected a positive integer.
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
        what, where, fix = quoted_briefly(what), printable(where), quoted_briefly(fix)
        pairs = (("got", shorten(printable(str(got)))), ("expected", printable(str(expected))))
        facts = ", ".join(f"{name} {value}" for name, value in pairs if value)
        head = what + (f" ({where})" if where else "") + (f": {facts}" if facts else "")
        # A bare message stays exactly as written; a structured one ends its first sentence.
        stop = "." if (facts or fix) and not head.endswith((".", "?", "!")) else ""
        super().__init__(head + stop + (f" {fix}" if fix else ""))

    def within(self, folder: str | os.PathLike[str]) -> GatecastError:
        """Return this error with files named as they are called within a folder, which it does not tell.

        >>> print(DataError("File not found", got="/srv/data/sales.csv").within("/srv/data"))
        File not found: got sales.csv.
        """
        root = f"{os.fspath(folder)}/"
        facts = {name: str(getattr(self, name)).replace(root, "") for name in ("where", "got", "expected", "fix")}
        return type(self)(self.what.replace(root, ""), **facts, argument=self.argument)


class DataError(GatecastError, ValueError):
    """Data that cannot be used: wrong shape or type, missing or infinite values, too few rows."""


class ConfigError(GatecastError, ValueError):
    """An invalid or unknown setting: a layer size, a rate, a name, options that exclude each other."""


class NotFittedError(GatecastError, RuntimeError):
    """A call before the step that it needs: build, compile or fit."""


class FormatError(GatecastError, ValueError):
    """An unreadable file: truncated, altered, of another kind, or written by a newer version."""
