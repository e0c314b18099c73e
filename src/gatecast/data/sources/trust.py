"""Whether sources are trusted: whether those who name them may read every file that this process may.

A program that reads what others name, such as a server, passes ``trusted=False`` or sets GATECAST_TRUSTED=0. A value
that says neither yes nor no is refused, so that a slip does not open what was to be closed.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from gatecast._utils.validation import check_flag
from gatecast.errors import ConfigError

__all__ = ["is_trusted", "trusting"]

VARIABLE = "GATECAST_TRUSTED"
"""Environment variable: 0 makes every source of the process untrusted."""

YES = ("1", "true", "yes", "on")
NO = ("0", "false", "no", "off")

_trusted: ContextVar[bool] = ContextVar("trusted", default=True)


def is_trusted() -> bool:
    """Return whether the source that is read now is trusted.

    Raises:
        ConfigError: GATECAST_TRUSTED says neither yes nor no.
    """
    return _process_is_trusted() and _trusted.get()


def _process_is_trusted() -> bool:
    """Whether the environment leaves sources trusted."""
    text = os.environ.get(VARIABLE)
    if text is None:
        return True
    word = text.strip().lower()
    if word not in (*YES, *NO):
        raise ConfigError(
            f"Invalid environment variable {VARIABLE}",
            got=repr(text),
            expected=f"one of {', '.join((*NO, *YES))}",
            fix=f"Set {VARIABLE}=0 if others name the sources, and unset it if you do.",
        )
    return word in YES


@contextmanager
def trusting(trusted: bool) -> Iterator[None]:
    """Read within as trusted or not; what is not trusted outside stays so.

    Raises:
        ConfigError: `trusted` is neither True nor False.

    >>> with trusting(False), trusting(True):
    ...     is_trusted()
    False
    """
    _process_is_trusted()
    # The text "false" would count as true.
    token = _trusted.set(check_flag(trusted, "trusted") and _trusted.get())
    try:
        yield
    finally:
        _trusted.reset(token)
