"""Pieces of text that notes and error messages share."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy.typing as npt

__all__ = ["abridge", "agree", "format_id", "list_columns", "shorten"]

MAX_COLUMNS_LISTED = 20
MAX_LIST_LENGTH = 240
MAX_TEXT_LENGTH = 40


def abridge(first: list[str], count: int, separator: str = ", ") -> str:
    """List the first of several items, and how many more there are.

    >>> abridge(["a", "b"], 5)
    'a, b and 3 more'
    """
    n_more = count - len(first)
    return separator.join(first) + (f" and {n_more} more" if n_more else "")


def agree(number: int, singular: str, plural: str) -> str:
    """Return the form of a word or a sentence that agrees with a number.

    >>> agree(1, "ends", "end"), agree(2, "ends", "end")
    ('ends', 'end')
    """
    return singular if number == 1 else plural


def format_id(ids: npt.NDArray[Any], s: int) -> str:
    """Format the id of series s as Python writes it, integers without their NumPy type.

    >>> import numpy as np
    >>> format_id(np.array([7, 8]), 1)
    '8'
    """
    return repr(ids[s : s + 1].tolist()[0])


def list_columns(names: Iterable[str]) -> str:
    """List column names: at most 20 of them, and of long names only the first few.

    >>> list_columns(["ds", "y"])
    "'ds', 'y'"
    """
    names = list(names)
    listed = [repr(shorten(name)) for name in names[:MAX_COLUMNS_LISTED]]
    while len(listed) > 1 and sum(map(len, listed)) > MAX_LIST_LENGTH:
        listed.pop()
    return ", ".join(listed) + (", ..." if len(names) > len(listed) else "")


def shorten(text: str, length: int = MAX_TEXT_LENGTH) -> str:
    """Return a text of the user's data without the spaces around it, its end cut off if it is long.

    >>> shorten("  a total  "), shorten("a" * 99, 5)
    ('a total', 'aa...')
    """
    text = text.strip()
    return text if len(text) <= length else text[: length - 3] + "..."
