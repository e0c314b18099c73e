"""Text of others as it may be printed: without what a terminal obeys, and not at length."""

from __future__ import annotations

import re

__all__ = ["MAX_QUOTED", "printable", "quoted_briefly", "shorten"]

MAX_QUOTED = 200
"""Characters of data that a message quotes, at most."""

# Control characters but tabs and line ends, and marks that change the direction of writing.
_OBEYED = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")

_QUOTED = re.compile(rf"""(?P<mark>['"])(?P<text>(?:(?!(?P=mark)).){{{MAX_QUOTED + 1},}})(?P=mark)""", re.DOTALL)


def printable(text: str) -> str:
    r"""Return text with escapes for characters that a terminal obeys; tabs and line ends stay.

    >>> printable("red \x1b[31m\n")
    'red \\x1b[31m\n'
    """
    return _OBEYED.sub(lambda match: repr(match[0])[1:-1], text)


def shorten(text: str) -> str:
    """Return the beginning of a long text.

    >>> len(shorten("x" * 1000))
    203
    """
    return text if len(text) <= MAX_QUOTED else f"{text[:MAX_QUOTED]}..."


def quoted_briefly(text: str) -> str:
    """Return a printable sentence whose quotations are short.

    >>> len(quoted_briefly("Unknown model '" + "x" * 1000 + "'"))
    219
    """
    text = printable(text)
    if len(text) <= MAX_QUOTED:
        return text
    return _QUOTED.sub(lambda match: f"{match['mark']}{shorten(match['text'])}{match['mark']}", text)
