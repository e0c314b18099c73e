"""Which network forecasts a series, and with which seasons.

High frequency takes series of days, hours and minutes of which two cycles are there; low frequency takes the others.
Frequency shows in the seasons: 5 and 7 (days), 24, 48 and 96 (parts of a day), and everything above 52. Series that
show no season have that of the calendar: days without weeks are still days, and no years.

Shapes: n series, T columns.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from gatecast._utils.arrays import history_lengths
from gatecast._utils.typing import BoolArray, FloatArray, IntArray
from gatecast.forecasting.base import Task
from gatecast.forecasting.own_seasons import DAILY_SEASONS, choose_own_seasons
from gatecast.forecasting.pretrained.hf.predict import context_steps as steps_read

__all__ = [
    "MAX_LF_SEASON",
    "Choice",
    "choose_networks",
    "context_steps",
    "day_and_week",
    "has_high_frequency",
    "high_seasons",
    "is_high",
    "low_frequency",
]

MAX_LF_SEASON = 52
"""Longest season of the low-frequency network: weeks of a year."""

DAYS_PER_WEEK = 7

DAYS_IN_WEEK = (5, DAYS_PER_WEEK)
"""Days of a week that daily series have: working days, or all."""

DAYS_PER_YEAR = 365

MIN_CYCLES = 2
"""Cycles of a series, at least, for the high-frequency network."""


MAX_ERROR = 0.7
"""Error of a season that no calendar knows, relative to that of the calendar, up to which a series takes it."""


class Choice(NamedTuple):
    """For each series, the network and its seasons."""

    is_hf: BoolArray
    """(n,): whether the high-frequency network forecasts it."""
    season: IntArray
    """(n,): 1 for none."""
    long: IntArray
    """(n,): a longer season for the high-frequency network; 0 for none."""

    def groups(self) -> Iterator[tuple[IntArray, bool, int, int]]:
        """Yield the rows of each network and pair of seasons, whether it is that of high frequency, and the seasons."""
        if len(self.season) == 1:
            yield np.zeros(1, np.int64), bool(self.is_hf[0]), int(self.season[0]), int(self.long[0])
            return
        keys, group = np.unique(np.stack(self, axis=1), axis=0, return_inverse=True)
        for k, (is_hf, m, long) in enumerate(keys.tolist()):
            yield np.flatnonzero(group.ravel() == k), bool(is_hf), m, long


def choose_networks(values: FloatArray, task: Task) -> Choice:
    """Choose for each series.

    Args:
        values: Series aligned at their ends, (n, T); NaN is missing.
        task: Its seasons are candidates; each series takes the one that repeats best in its past.

    Example:
        >>> hours = np.tile(np.sin(np.arange(24) / 4), 20)
        >>> choose_networks(hours[None], Task(24, 24, seasons=(24, 168)))
        Choice(is_hf=array([ True]), season=array([24]), long=array([168]))
        >>> choose_networks(hours[None, :30], Task(24, 24)).is_hf.tolist()
        [False]
        >>> choose_networks(hours[None], Task(7, calendar_season=7)).season.tolist()
        [7]
    """
    hf, low = high_seasons(task), low_frequency(values, task)
    if not hf:
        return low
    base, longest = day_and_week(hf)
    season = _own_seasons(values, sorted({base, *hf}))
    # What repeats after several days repeats after a day: the longer season is read as well.
    season = np.where((season % base == 0) | ~_is_better(values, season, base, longest), base, season)
    length = history_lengths(values)
    is_hf = length >= MIN_CYCLES * np.maximum(season, base)
    year = np.where((season == DAYS_PER_WEEK) & (length >= MIN_CYCLES * DAYS_PER_YEAR), DAYS_PER_YEAR, 0)
    long = np.where(is_hf, np.where(longest > season, longest, year), 0)
    return Choice(is_hf, np.where(is_hf, season, low.season), long)


def context_steps(task: Task) -> int:
    """Return the newest steps of a series that the high-frequency network reads at most; 0 where it reads none.

    >>> context_steps(Task(6, 12)), context_steps(Task(24, 24))
    (0, 1440)
    """
    seasons = high_seasons(task)
    if not seasons:
        return 0
    base, longest = day_and_week(seasons)
    # A series of hours may have any season up to two days; one of days may see its year.
    season = 2 * base if base in DAILY_SEASONS else base
    return steps_read(season, max(longest, DAYS_PER_YEAR if base == DAYS_PER_WEEK else 0))


def low_frequency(values: FloatArray, task: Task) -> Choice:
    """Choose the low-frequency network for each series, with the season up to 52 steps that repeats best.

    >>> low_frequency(np.ones((2, 30)), Task(6, 365)).season.tolist()
    [1, 1]
    """
    candidates = [m for m in task.seasons or (task.season_length,) if m <= MAX_LF_SEASON] or [1]
    season = _own_seasons(values, candidates)
    season = np.where(season <= MAX_LF_SEASON, season, 1)
    return Choice(np.zeros(len(values), bool), season, np.zeros_like(season))


def has_high_frequency(task: Task) -> bool:
    """Return whether seasons are those of days, hours or minutes.

    >>> has_high_frequency(Task(6, 24)), has_high_frequency(Task(6, 12))
    (True, False)
    """
    return bool(high_seasons(task))


def high_seasons(task: Task) -> list[int]:
    """Return the seasons of days, hours and minutes that series may have; that of the calendar where they show none.

    >>> high_seasons(Task(24, 168, seasons=(24, 168))), high_seasons(Task(6, 12))
    ([24, 168], [])
    >>> high_seasons(Task(7, calendar_season=7))
    [7]
    """
    shown = [m for m in task.seasons or (task.season_length,) if is_high(m)]
    return shown or [m for m in (task.calendar_season,) if is_high(m)]


def is_high(m: int) -> bool:
    """Return whether a season is one of days, hours or minutes."""
    return m in DAYS_IN_WEEK or m in DAILY_SEASONS or m > MAX_LF_SEASON


def day_and_week(seasons: list[int]) -> tuple[int, int]:
    """Return the shortest season, and the longest one if it is another, else 0; parts of a day have a week."""
    base, longest = min(seasons), max(seasons)
    day = next((m for m in DAILY_SEASONS if base in (m, DAYS_PER_WEEK * m)), 0)
    if day:
        return day, max(longest, DAYS_PER_WEEK * day)
    return base, longest if longest > base else 0


def _is_better(values: FloatArray, season: IntArray, base: int, longest: int) -> BoolArray:
    """Return whether changes over the season of each series are clearly smaller than over that of the calendar."""
    n_values = MIN_CYCLES * max(base, longest)
    error = np.full((2, len(values)), np.inf)
    for m in np.unique(np.append(season, base)).tolist():
        if m < values.shape[1]:
            change = np.abs(values[:, m:] - values[:, :-m])[:, -n_values:]
            known = np.isfinite(change)
            mean = np.where(known, change, 0.0).sum(axis=1) / np.maximum(known.sum(axis=1), 1)
            mean = np.where(known.any(axis=1), mean, np.inf)
            error[0] = np.where(season == m, mean, error[0])
            error[1] = mean if m == base else error[1]
    return np.asarray(error[0] < MAX_ERROR * error[1])


def _own_seasons(values: FloatArray, candidates: list[int]) -> IntArray:
    """Return the candidate that repeats best in the past of each series."""
    if max(candidates) == 1:
        return np.ones(len(values), np.int64)
    return choose_own_seasons(values, candidates)
