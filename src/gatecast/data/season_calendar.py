"""Places of times in a yearly season of days or weeks, from the calendar instead of from a count of steps.

A year is neither 365 days nor 52 weeks: counted in steps, a yearly pattern moves by a day at every 29 February, and by
a week at every week 53. Here 29 February has the place of 28 February, and week 53 that of week 52 (ISO 8601).

Shapes: n_series rows, K steps.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from gatecast._utils.dates import later
from gatecast._utils.typing import IntArray
from gatecast.data.frequency import Freq, weekday
from gatecast.data.panel import Panel

__all__ = ["SeasonCalendar", "day_of_year", "week_of_year"]

DAYS_PER_YEAR = 365
WEEKS_PER_YEAR = 52
DAYS_PER_WEEK = 7
THURSDAY = 3
# Day of a leap year, from 0.
FEBRUARY_29 = 59


@dataclass(frozen=True, eq=False)
class SeasonCalendar:
    """Dates of daily or weekly series, by which the places in a yearly season are counted.

    Args:
        last: Date of the newest step of each series, datetime64[D], [n_series].
        days: Days in a step: 1 or 7.

    >>> calendar = SeasonCalendar(np.array(["2024-02-27"], "M8[D]"), 1)
    >>> calendar.places(np.arange(-1, 4)).tolist()
    [[57, 58, 58, 59, 60]]
    """

    last: npt.NDArray[np.datetime64]
    days: int

    @classmethod
    def of(cls, panel: Panel) -> SeasonCalendar | None:
        """Return the calendar of the ends of series; None unless they have one row a day, or a week."""
        days = {Freq("D"): 1}.get(panel.freq, DAYS_PER_WEEK if _is_weekly(panel.freq) else 0)
        if not days:
            return None
        return cls(panel.freq.at(panel.start, panel.lengths - 1).astype("M8[D]"), days)

    def for_season(self, m: int) -> SeasonCalendar | None:
        """Return this calendar if m steps are about a year; None otherwise, where steps are counted."""
        return self if m == self.season_length else None

    @property
    def season_length(self) -> int:
        """Places in a year: 365 or 52."""
        return DAYS_PER_YEAR if self.days == 1 else WEEKS_PER_YEAR

    def take(self, rows: Any) -> SeasonCalendar:
        """Return the calendar of some of the series: a slice, positions or a mask."""
        return SeasonCalendar(self.last[rows], self.days)

    def shift(self, steps: int | IntArray) -> SeasonCalendar:
        """Return the calendar of series that end some steps later.

        Args:
            steps: How many, or several times how many, [n, 1]: then the series follow each other n times.
        """
        return SeasonCalendar((self.last + np.asarray(steps) * self.days).ravel(), self.days)

    def places(self, steps: IntArray) -> IntArray:
        """Return the places of steps in the season, from 0.

        Args:
            steps: Steps from the end of each series: 0 is the first one after it, -1 the newest, [K].

        Returns:
            [n_series, K].
        """
        dates = later(self.last[:, None], self.days * (np.asarray(steps) + 1))
        return day_of_year(dates) if self.days == 1 else week_of_year(dates)


def day_of_year(dates: npt.ArrayLike) -> IntArray:
    """Return the day of the year, 0 to 364; 29 February is the day of 28 February.

    >>> day_of_year(np.array(["2024-02-28", "2024-02-29", "2024-03-01", "2023-12-31", "2024-12-31"], "M8[D]")).tolist()
    [58, 58, 59, 364, 364]
    """
    days = np.asarray(dates).astype("M8[D]")
    first = days.astype("M8[Y]").astype("M8[D]")
    day = (days - first).astype(np.int64)
    is_leap = later(first, FEBRUARY_29).astype("M8[M]") == later(first.astype("M8[M]"), 1)
    return np.asarray(day - (is_leap & (day >= FEBRUARY_29)))


def week_of_year(dates: npt.ArrayLike) -> IntArray:
    """Return the ISO week that a date is in, 0 to 51; week 53 is the week 52.

    >>> week_of_year(np.array(["2020-12-27", "2021-01-03", "2021-01-04", "2024-12-30"], "M8[D]")).tolist()
    [51, 51, 0, 0]
    """
    days = np.asarray(dates).astype("M8[D]")
    # A week belongs to the year that its Thursday is in.
    thursday = later(days, THURSDAY - weekday(days))
    day = (thursday - thursday.astype("M8[Y]").astype("M8[D]")).astype(np.int64)
    return np.asarray(np.minimum(day // DAYS_PER_WEEK, WEEKS_PER_YEAR - 1))


def _is_weekly(freq: Freq) -> bool:
    """Whether a frequency has one step a week, on whatever day."""
    return freq.unit == "W" and freq.multiple == 1
