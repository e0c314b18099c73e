"""Places of dates in a yearly season as operators: `data.season_calendar`, where all is explained.

A year begins with March here, so that a leap day is its last: day 0 is 1 March, day 305 is 31 December.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from gatecast.data.season_calendar import DAYS_PER_WEEK, WEEKS_PER_YEAR
from gatecast.nn.onnx_files import operations as op
from gatecast.nn.onnx_files.builder import Value

__all__ = ["day_of_year_places", "week_of_year_places"]

EPOCH = 719468
"""Days from 1 March of the year 0 to 1 January 1970."""

DAYS_PER_ERA = 146097
"""Days in 400 years."""

JANUARY_FIRST = 306
"""Day of a year that begins with March."""

FEBRUARY_28 = 58
"""Day of a year that begins with January."""

THURSDAY = 3


class _Date(NamedTuple):
    """A date by the year that begins with its March."""

    year: Value
    """From 0 to 399, of 400."""
    day: Value
    """From 0 to 365."""


def day_of_year_places(days: Value) -> Value:
    """Return the day of the year, 0 to 364; 29 February is the day of 28 February.

    Args:
        days: Days since 1970-01-01, int64.
    """
    day = _date(days).day
    return op.where(day < JANUARY_FIRST, day + (FEBRUARY_28 + 1), op.minimum(day - JANUARY_FIRST, FEBRUARY_28))


def week_of_year_places(days: Value) -> Value:
    """Return the ISO week that a date is in, 0 to 51; week 53 is the week 52.

    Args:
        days: Days since 1970-01-01, int64.
    """
    # A week belongs to the year that its Thursday is in; 1 January 1970 was one.
    thursday = days + (THURSDAY - days.builder.op("Mod", days + THURSDAY, DAYS_PER_WEEK))
    date = _date(thursday)
    year = days.builder.op("Mod", date.year, 100)
    is_leap = days.builder.op("Mod", date.year, 4).equals(0) & (~year.equals(0) | date.year.equals(0))
    march_first = FEBRUARY_28 + 1 + op.cast(is_leap, np.int64)
    day = op.where(date.day < JANUARY_FIRST, date.day + march_first, date.day - JANUARY_FIRST)
    return op.minimum(day / DAYS_PER_WEEK, WEEKS_PER_YEAR - 1)


def _date(days: Value) -> _Date:
    """Return year and day of dates (Hinnant 2013); all numbers are positive, so that integers divide downward."""
    day = days.builder.op("Mod", days + EPOCH, DAYS_PER_ERA)
    year = (day - day / 1460 + day / 36524 - day / (DAYS_PER_ERA - 1)) / 365
    return _Date(year, day - (365 * year + year / 4 - year / 100))
