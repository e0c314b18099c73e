"""What rows that were read before tell about the columns, times and numbers of new rows."""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["INFER_OFFSET", "UNKNOWN_NOTATION", "KnownNotation", "UtcOffsetChoice"]

INFER_OFFSET = "infer"
UtcOffsetChoice = int | str | None
"""How to express times with a UTC offset: at this offset in minutes, on the clock of a zone such as "Europe/Berlin", as
local times (None), or `INFER_OFFSET`."""


class KnownNotation(NamedTuple):
    """What is known of the columns, times and numbers of a table from rows that were read before.

    Args:
        utc_offset: How to express times with a UTC offset.
        date_order: "day/month/year" or "month/day/year", as far as it fits; empty: it is inferred.
        decimal_mark: "," or "." where new rows do not show it; empty: unknown.
        time: Name of the time column, which may be joined from several; empty: unknown.
        decimal_format: How decimal numbers stand for times (`DecimalTimes.number_format`); empty: unknown.
        number_format: How integers stand for dates (`ParsedTimes.number_format`); empty: unknown.
        ids: Names of the id columns; none: unknown.
        target: Name of the target column; empty: unknown.
        fiscal_month: Month in which fiscal years begin, of the year before the one they are called after; 0: they are
            read as calendar years.
    """

    utc_offset: UtcOffsetChoice = INFER_OFFSET
    date_order: str = ""
    decimal_mark: str = ""
    time: str = ""
    decimal_format: str = ""
    number_format: str = ""
    ids: tuple[str, ...] = ()
    target: str = ""
    fiscal_month: int = 0


UNKNOWN_NOTATION = KnownNotation()
"""That of the first rows."""
