"""Marks behind single times, as of estimates: 2024E, Nov 2021 (est.), Dec-21 F, 2024*."""

from __future__ import annotations

import re

__all__ = ["without_mark"]

_WORDS = (
    r"est(?:imated?)?|prelim(?:inary)?|prov(?:isional)?|proj(?:ected|ection)?|forecast|fcst|rev(?:ised)?|act(?:uals?)?"
)
MAX_LENGTH = 60
"""Longer texts are no times."""
# Letters behind a single digit are parts of a code more often.
_MARK = re.compile(
    rf"(?:(?<=\d\d) ?[abefpr]| ?\((?:[abefpr]|(?:{_WORDS})\.?)\)|[*†‡]{{1,3}}| (?:{_WORDS})\.?)$", re.IGNORECASE
)


def without_mark(text: str) -> str:
    """Return a text without the mark behind it; one without a mark, or with a clock, as it is.

    Behind a clock A and P are halves of the day, and EST is a zone.

    >>> without_mark("2024E"), without_mark("Nov 2021 (est.)"), without_mark("Dec-21 F"), without_mark("10:30 P")
    ('2024', 'Nov 2021', 'Dec-21', '10:30 P')
    """
    match = None if ":" in text or len(text) > MAX_LENGTH else _MARK.search(text)
    bare = text if match is None else text[: match.start()].rstrip()
    return bare if any(map(str.isdecimal, bare)) else text
