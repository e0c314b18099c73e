"""The season of each series, chosen by itself: the one whose seasonal naive erred least in its newest past.

Series of one clock differ: of M4's hourly series one in twenty repeats after other than 24 hours, some repeat by the
week, others by the day alone.

Shapes: n_series rows, T columns of the past, m season length.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from gatecast._utils.typing import FloatArray, IntArray

__all__ = ["DAILY_SEASONS", "choose_own_seasons", "clock_seasons"]

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
    for m, handicap in candidates:
        if m >= values.shape[1]:
            continue
        change = np.abs(values[:, m:] - values[:, :-m])[:, -n_values:]
        known = np.isfinite(change)
        n = known.sum(axis=1)
        error = np.where(known, change, 0.0).sum(axis=1) / np.maximum(n, 1) * handicap
        # A season that is seen over less than one of its cycles is not judged.
        better = (error < best) & (n >= min(m, n_values))
        best, chosen = np.where(better, error, best), np.where(better, m, chosen)
    return chosen
