"""Times of one ISO 8601 form, such as 2024-01-31 18:30, and the texts that they were written as."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy.typing as npt

__all__ = ["IsoForm", "find_iso_form"]

_UNITS = {10: "D", 16: "m", 19: "s"}
_ISO = re.compile(r"(\d{4}-\d\d-\d\d(?:([T ])\d\d:\d\d(?::\d\d)?)?)(Z?)")


class IsoForm(NamedTuple):
    """How all times of a column are written.

    Args:
        size: Number of characters without the suffix: 10 for days, 16 for minutes, 19 for seconds.
        separator: Character between date and clock, "T" or " "; empty for days.
        suffix: "Z" for times in UTC, empty for others.
    """

    size: int
    separator: str = ""
    suffix: str = ""

    def write(self, times: npt.NDArray[Any]) -> list[str]:
        """Return the texts of times.

        >>> import numpy as np
        >>> IsoForm(16, "T", "Z").write(np.array(["2024-01-31T18:30"], "M8[us]"))
        ['2024-01-31T18:30Z']
        """
        texts = times.astype(f"M8[{_UNITS[self.size]}]").astype(str).tolist()
        if self.separator == " ":
            texts = [text.replace("T", " ") for text in texts]
        return [text + self.suffix for text in texts] if self.suffix else texts


def find_iso_form(texts: Sequence[str]) -> IsoForm | None:
    """Return the form that all texts have, None without one.

    >>> find_iso_form(["2024-01-31 18:30", "2024-01-31 18:45"])
    IsoForm(size=16, separator=' ', suffix='')
    >>> find_iso_form(["2024-01-31", "31/01/2024"]) is None, find_iso_form(["18:30"]) is None
    (True, True)
    """
    forms: set[IsoForm | None] = set()
    for text in texts:
        match = _ISO.fullmatch(text)
        # A date with a Z is none.
        forms.add(IsoForm(len(match[1]), match[2] or "", match[3]) if match and (match[2] or not match[3]) else None)
        if len(forms) > 1 or None in forms:
            return None
    return next(iter(forms), None)
