"""What gatecast says in a worker, without the traceback that an engine wraps it in."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

from gatecast import errors
from gatecast.errors import ConfigError, GatecastError

__all__ = ["plain_errors"]

_MESSAGE = re.compile(r"gatecast\.errors\.(?P<kind>[A-Za-z]+Error): (?P<text>[^\n]+)")
_MISSING = re.compile(r"ModuleNotFoundError: No module named '(?P<name>gatecast|numpy|duckdb|pyarrow)")


@contextmanager
def plain_errors(fix: str) -> Iterator[None]:
    """Raise errors of gatecast from workers as they are.

    Args:
        fix: How gatecast is installed on the workers of the engine.

    Raises:
        GatecastError: What a worker has raised, or that a library is missing there.

    >>> with plain_errors(""):
    ...     raise RuntimeError("in a worker: gatecast.errors.DataError: Too few values.")
    Traceback (most recent call last):
    gatecast.errors.DataError: Too few values.
    """
    try:
        yield
    except Exception as error:
        # Ray raises an error whose class is of its own and of the cause, with the text of a traceback.
        if type(error).__module__ == errors.__name__:
            raise
        text = str(error)
        message, missing = _MESSAGE.search(text), _MISSING.search(text)
        if message is not None and message["kind"] in errors.__all__:
            kind: type[GatecastError] = getattr(errors, message["kind"])
            raise kind(message["text"].strip()) from None
        if missing is not None:
            raise ConfigError(f"{missing['name']} is not installed on the workers", fix=fix) from None
        raise
