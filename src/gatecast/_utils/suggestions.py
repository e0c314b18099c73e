"""Suggestions for misspelt names."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

__all__ = ["nearest", "suggestion"]


def nearest(name: str, known: Iterable[str]) -> str | None:
    """Return the known name that is most similar, whatever its case; None if none is similar.

    >>> nearest("erlystopping", ["EarlyStopping", "History"])
    'EarlyStopping'
    """
    by_lower = {item.lower(): item for item in known}
    close = get_close_matches(name.lower(), by_lower, n=1, cutoff=0.6)
    return by_lower[close[0]] if close else None


def suggestion(name: str, known: Iterable[str]) -> str:
    """Return a sentence that suggests the nearest name, or all of them.

    >>> suggestion("momentun", ["momentum", "nesterov"]), suggestion("x", ["momentum", "nesterov"])
    ('Did you mean momentum?', 'Available: momentum, nesterov.')
    """
    known = list(known)
    close = nearest(name, known)
    return f"Did you mean {close}?" if close else f"Available: {', '.join(known)}."
