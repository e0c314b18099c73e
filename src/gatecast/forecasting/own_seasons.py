"""The season of each series, chosen by itself: the one whose seasonal naive erred least in its newest past.

Series of one clock differ: of M4's hourly series one in twenty repeats after other than 24 hours, some repeat by the
week, others by the day alone.

Shapes: n_series rows, T columns of the past, m season length, h steps, P season of a series, Q quantiles.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from gatecast._utils.arrays import history_lengths
from gatecast._utils.typing import FloatArray, IntArray
from gatecast.data.season_calendar import SeasonCalendar
from gatecast.forecasting.base import LocalModel, Task
from gatecast.forecasting.baselines import seasonal_naive

__all__ = ["DAILY_SEASONS", "Point", "by_own_season", "choose_own_seasons", "clock_seasons", "season_spread"]

DAILY_SEASONS = (24, 48, 96)
"""Steps of a day: hours, half hours, quarters of an hour."""

MIN_GAIN = 0.03
"""How much less a period that no calendar knows has to err, as a share."""

N_CYCLES = 2
"""Newest cycles of the longest season over which errors are measured."""


def clock_seasons(seasons: Sequence[int]) -> IntArray:
    """Return periods that parts of a day may have besides the day: a third to twice as long; none elsewhere.

    Example:
        >>> clock_seasons([24, 168])[:3].tolist(), clock_seasons([12]).tolist()
        ([8, 9, 10], [])
    """
    day = next((m for m in seasons if m in DAILY_SEASONS), None)
    if day is None:
        return np.empty(0, np.int64)
    return np.setdiff1d(np.arange(day // 3, 2 * day + 1), seasons)


def choose_own_seasons(values: FloatArray, seasons: Sequence[int]) -> IntArray:
    """Return the season of each series, [n_series].

    Each candidate is judged by the mean absolute change over it, of the newest two cycles of the longest season.

    Args:
        values: Series aligned at their ends, [n_series, T]; NaN is missing.
        seasons: Candidates of the calendar; the first where a series is too short to choose.

    Example:
        >>> week = np.tile([1.0, 2.0, 1.0, 2.0, 1.0, 2.0, 9.0], 5)
        >>> choose_own_seasons(np.stack([week, np.tile([1.0, 2.0], 18)[:35]]), [2, 7]).tolist()
        [7, 2]
    """
    n_values = N_CYCLES * max(seasons)
    best = np.full(len(values), np.inf)
    chosen = np.full(len(values), seasons[0], np.int64)
    candidates = [*((m, 1.0) for m in seasons), *((int(m), 1 / (1 - MIN_GAIN)) for m in clock_seasons(seasons))]
    for m, handicap in candidates if len(candidates) > 1 else ():
        if m >= values.shape[1]:
            continue
        newest = values[:, -(n_values + m) :]
        change = np.abs(newest[:, m:] - newest[:, :-m])
        known = np.isfinite(change)
        n = known.sum(axis=1)
        error = np.where(known, change, 0.0).sum(axis=1) / np.maximum(n, 1) * handicap
        # A season that is seen over less than one of its cycles is not judged.
        better = (error < best) & (n >= min(m, n_values))
        best, chosen = np.where(better, error, best), np.where(better, m, chosen)
    return chosen


Point = Callable[[FloatArray, int, int], FloatArray]
"""Maps values [n, T] of one season, the season and the steps h to forecasts [n, h]."""


def seasonal_point(values: FloatArray, P: int, h: int) -> FloatArray:
    """Return seasonal naive forecasts, [n, h]."""
    return seasonal_naive(values, h, P)


def by_own_season(
    values: FloatArray,
    task: Task,
    point: Point = seasonal_point,
    min_cycles: int = 1,
    calendar: SeasonCalendar | None = None,
) -> FloatArray:
    """Forecast series of the same season together.

    Args:
        values: Series aligned at their ends, [n_series, T]; NaN is missing.
        task: Horizon, seasons, quantiles.
        point: The forecast; where it is NaN, the seasonal naive one takes its place.
        min_cycles: Cycles below which a series has the seasonal naive forecast.
        calendar: Dates of the series, by which a yearly season is counted; None: by steps.

    Returns:
        Quantiles with normal errors of the size of past changes over the season, [n_series, h, Q].
    """
    seasons = choose_own_seasons(values, task.seasons or (task.season_length,))
    forecasts, spread = np.full((2, len(values), task.horizon), np.nan)
    n = history_lengths(values)
    for P in np.unique(seasons[n > 0]).tolist():
        rows = np.flatnonzero((seasons == P) & (n > 0))
        past = values[rows, -int(n[rows].max()) :]
        dates = None if calendar is None else calendar.take(rows).for_season(P)
        forecasts[rows] = _forecast(past, dates, P, task.horizon, seasonal_point)
        spread[rows] = season_spread(past, task.horizon, P)
        long = n[rows] >= min_cycles * P
        if long.any():
            forecast = _forecast(past[long], None if dates is None else dates.take(long), P, task.horizon, point)
            forecasts[rows[long]] = np.where(np.isfinite(forecast), forecast, forecasts[rows[long]])
    return LocalModel.normal_quantiles(forecasts, spread, task.quantiles)


def _forecast(values: FloatArray, dates: SeasonCalendar | None, P: int, h: int, point: Point) -> FloatArray:
    """Forecast series of one season; in a yearly one, steps that share a place in the year are one."""
    with np.errstate(all="ignore"):
        if dates is None:
            return point(values, P, h)
        forecasts = np.empty((len(values), h))
        for last in np.unique(dates.last):
            rows = np.flatnonzero(dates.last == last)
            places = dates.take(rows[:1]).places(np.arange(-values.shape[1], h))[0]
            is_new = np.diff(places, prepend=-1) != 0
            past, position = is_new[: values.shape[1]], np.cumsum(is_new[values.shape[1] :]) - 1
            forecast = point(values[rows][:, past], P, max(int(position[-1]) + 1, 1))
            forecasts[rows] = forecast[:, np.maximum(position, 0)]
        return forecasts


def season_spread(values: FloatArray, h: int, P: int) -> FloatArray:
    """Return the root mean square change over a season, times the root of the seasons ahead, [n_series, h]."""
    changes = values[:, P:] - values[:, :-P] if values.shape[1] > P else values[:, :0]
    known = np.isfinite(changes)
    size = np.where(known, changes, 0.0)
    deviation = np.sqrt((size * size).sum(axis=1) / np.maximum(known.sum(axis=1), 1))
    return np.asarray(deviation[:, None] * np.sqrt(np.arange(h) // P + 1))
