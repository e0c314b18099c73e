"""Whether sources are trusted: whether those who name them may read every file that this process may.

A program that reads what others name, such as a server, passes ``trusted=False`` or sets GATECAST_TRUSTED=0.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

__all__ = ["is_trusted", "trusting"]

VARIABLE = "GATECAST_TRUSTED"
"""Environment variable: 0 makes every source of the process untrusted."""

_trusted: ContextVar[bool] = ContextVar("trusted", default=True)


def is_trusted() -> bool:
    """Return whether the source that is read now is trusted."""
    return _trusted.get() and os.environ.get(VARIABLE, "1") != "0"


@contextmanager
def trusting(trusted: bool) -> Iterator[None]:
    """Read within as trusted or not; what is not trusted outside stays so.

    >>> with trusting(False), trusting(True):
    ...     is_trusted()
    False
    """
    token = _trusted.set(_trusted.get() and trusted)
    try:
        yield
    finally:
        _trusted.reset(token)
