"""The parts of dates in one notation: year, month, day, hour, ..., as the groups of its pattern."""

from __future__ import annotations

import re
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from gatecast._utils.typing import BoolArray, IntArray
from gatecast.data.parsing.text_codes import CodeMatrix, character_codes, find_shapes, is_digit

__all__ = ["FieldTexts", "MatchedFields", "match_fields"]

MIN_TEXTS = 1_000
"""From this number of texts on, one text of each shape is matched for all others of the shape."""
MAX_DIGITS = 4


class FieldTexts(NamedTuple):
    """The texts of one field.

    Args:
        texts: Texts, empty where the field is absent.
        codes: Text of each row, shape (n_rows,); None if there is a text for each row.
    """

    texts: list[str]
    codes: IntArray | None = None

    def spread(self, values: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Return the value of every row, given that of each text.

        >>> FieldTexts(["05", "06"], np.array([0, 1, 0])).spread(np.array([5, 6])).tolist()
        [5, 6, 5]
        """
        return values if self.codes is None else values[self.codes]

    def at(self, row: int) -> str:
        """Return the text of a row.

        >>> FieldTexts(["05", "06"], np.array([0, 1, 0])).at(1)
        '06'
        """
        return self.texts[row if self.codes is None else int(self.codes[row])]


class MatchedFields(NamedTuple):
    """Texts that match a pattern, and their fields.

    Args:
        is_match: Whether a text matches, shape (n_texts,).
        fields: Fields of the texts that match, by the name of the group.
    """

    is_match: BoolArray
    fields: dict[str, FieldTexts]


def match_fields(pattern: re.Pattern[str], texts: list[str], *, by_shape: bool) -> MatchedFields:
    r"""Match texts with a pattern.

    Args:
        pattern: The pattern; its named groups are the fields.
        texts: Texts to match.
        by_shape: Whether the pattern accepts any digit where it accepts one, so that texts which are equal but for
            their digits match alike.

    >>> matched = match_fields(re.compile(r"(?P<hour>\d\d)h"), ["18h", "x"], by_shape=True)
    >>> matched.is_match.tolist(), matched.fields["hour"].at(0)
    ([True, False], '18')
    """
    matched = _match_shapes(pattern, texts) if by_shape and len(texts) >= MIN_TEXTS else None
    if matched is not None:
        return matched
    matches = [pattern.fullmatch(text) for text in texts]
    groups = [match.groupdict("") for match in matches if match]
    is_match = np.array([match is not None for match in matches], bool)
    return MatchedFields(is_match, {name: FieldTexts([group[name] for group in groups]) for name in pattern.groupindex})


def _match_shapes(pattern: re.Pattern[str], texts: list[str]) -> MatchedFields | None:
    """Match one text of each shape; None if there are too many shapes, or characters that are not ASCII."""
    codes = character_codes(texts)
    shapes = None if codes is None else find_shapes(codes)
    if codes is None or shapes is None:
        return None
    is_match = np.zeros(len(texts), bool)
    known: dict[str, dict[str, int]] = {name: {"": 0} for name in pattern.groupindex}
    field_codes = {name: np.zeros(len(texts), np.int64) for name in known}
    for first, rows in zip(shapes.first.tolist(), shapes.members, strict=True):
        match = pattern.fullmatch(texts[first])
        if match is None:
            continue
        is_match[rows] = True
        for name, field_code in field_codes.items():
            start, end = match.span(name)
            if start < end:
                field_code[rows] = _encode(codes[rows, start:end], known[name])
    return MatchedFields(
        is_match, {name: FieldTexts(list(known[name]), field_codes[name][is_match]) for name in pattern.groupindex}
    )


def _encode(cells: CodeMatrix, known: dict[str, int]) -> IntArray:
    """Codes of the texts of a field; those that are new join the known ones."""
    width = cells.shape[1]
    if (cells == cells[0]).all():
        texts, local = [cells[0].tobytes().decode("ascii")], np.zeros(len(cells), np.int64)
    elif width <= MAX_DIGITS and is_digit(cells).all():
        numbers = cells.astype(np.int64) @ 10 ** np.arange(width)[::-1] - 48 * int("1" * width)
        is_present = np.zeros(10**width, bool)
        is_present[numbers] = True
        texts = [f"{number:0{width}d}" for number in np.flatnonzero(is_present).tolist()]
        local = (np.cumsum(is_present) - 1)[numbers]
    else:
        fixed = np.ascontiguousarray(cells).view(f"S{width}").ravel()
        unique, local = np.unique(fixed, return_inverse=True)
        texts = [text.decode("ascii") for text in unique.tolist()]
    return np.array([known.setdefault(text, len(known)) for text in texts], np.int64)[local]
