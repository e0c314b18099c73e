"""Many short texts as one matrix of character codes, in which their shapes are found without a loop over them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from gatecast._utils.typing import BoolArray, IntArray

__all__ = ["CodeMatrix", "Shapes", "character_codes", "find_shapes", "is_digit"]

MAX_WIDTH = 40
MAX_SHAPES = 200

CodeMatrix = npt.NDArray[np.uint8]
"""Codes of ASCII characters, shape (n_texts, width); 0 after the end of a text."""


class Shapes(NamedTuple):
    """Texts grouped by shape: they are equal but for their digits.

    Args:
        first: First text of each shape, shape (n_shapes,).
        members: Texts of each shape, in order.
    """

    first: IntArray
    members: tuple[IntArray, ...]


def character_codes(texts: Sequence[str]) -> CodeMatrix | None:
    """Return the characters of texts as a matrix; None if one is not ASCII, has a NUL, or is long, or there is none.

    >>> character_codes(["12", "a"]).tolist(), character_codes(["ä"])
    ([[49, 50], [97, 0]], None)
    """
    sizes = list(map(len, texts))
    if not sizes or not 0 < max(sizes) <= MAX_WIDTH:
        return None
    try:
        fixed = np.array(texts, f"S{max(sizes)}")
    except UnicodeEncodeError:
        return None
    codes: npt.NDArray[Any] = fixed.view(np.uint8).reshape(len(texts), -1)
    return codes if np.count_nonzero(codes) == sum(sizes) else None


def is_digit(codes: CodeMatrix) -> BoolArray:
    """Return which characters are digits.

    >>> is_digit(character_codes(["1a"])).tolist()
    [[True, False]]
    """
    # Smaller codes wrap around to large ones.
    return np.asarray(codes - np.uint8(48) < 10)


def find_shapes(codes: CodeMatrix) -> Shapes | None:
    """Group texts that are equal but for their digits; None if there are too many groups.

    >>> [rows.tolist() for rows in find_shapes(character_codes(["1/2", "a", "3/4"])).members]
    [[0, 2], [1]]
    """
    shapes = np.where(is_digit(codes), np.uint8(48), codes)
    if (shapes == shapes[0]).all():
        return Shapes(np.zeros(1, np.int64), (np.arange(len(codes)),))
    # A hash finds groups, which are then compared: equal hashes of different shapes do no harm.
    weights = np.random.default_rng(0).integers(0, 2**63, size=(codes.shape[1],), dtype=np.uint64)
    hashes = np.zeros(len(codes), np.uint64)
    for k in range(codes.shape[1]):
        hashes += shapes[:, k] * weights[k]
    _, first, group = np.unique(hashes, return_index=True, return_inverse=True)
    if len(first) > MAX_SHAPES or not (shapes == shapes[first][group]).all():
        return None
    return Shapes(first, tuple(np.flatnonzero(group == k) for k in range(len(first))))
