"""Seasonal indices of many series at once, each as strong as its evidence.

Classical indices of a series of few cycles hold much noise. They are shrunk towards no season (or, for the week of a
series of hours, towards the day) by the share of their variance that noise explains (James & Stein), so that a doubtful
season counts a little instead of all or nothing.

Shapes: n_series rows, T columns of the past, m season length.

Source: Miller & Williams 2003, Shrinkage estimators of time series seasonal factors and their effect on forecasting
accuracy.
"""

from __future__ import annotations

import numpy as np

from gatecast._utils.arrays import row_medians
from gatecast._utils.batches import row_batches
from gatecast._utils.typing import BoolArray, FloatArray
from gatecast.data.season_calendar import SeasonCalendar
from gatecast.data.seasonal_strength import seasonal_strength

__all__ = ["DAYS_PER_WEEK", "classical_indices", "common_indices", "seasonal_indices"]

MIN_CYCLES = 2
"""Seasons that a series needs for indices."""

DAYS_PER_WEEK = 7

MIN_EVIDENCE = 0.5
"""Share of the limit of the autocorrelation test from which a season is looked for: validation tails chose it."""

TRIM = 0.2
"""Share of the cycles that is left out on either side of a mean: outliers do not count, little else is lost."""

MAX_DEVIATIONS = 5.0
"""Median deviations at which deviations are cut."""

TEST_WIDTH = 4.0
"""Standard deviations by which the spread of means over series has to exceed that of chance to show a season."""

MEAN_VARIANCE = np.pi / 2
"""Variance of an index relative to that of a mean; that of a median, a little more than a trimmed mean has."""


def seasonal_indices(
    values: FloatArray, m: int, multiplicative: BoolArray, calendar: SeasonCalendar | None = None
) -> FloatArray:
    """Compute seasonal indices of each series whose autocorrelation hints at a season, shrunk by their noise.

    The classical indices s are trimmed means over the cycles of value / centered moving mean, or value - centered
    moving mean. With V the variance of such a mean, from the deviations of the cycles, and A = max(0, var s - V)::

        s <- s0 + (1 - W) (s - s0),    W = (m - 3) / (m - 1) V / (V + A)

    where s0 is no season, or for the seven days of a week that of the day.

    Args:
        values: Series aligned at their ends, [n_series, T]; NaN is missing and is left out.
        m: Season length.
        multiplicative: Whether indices are factors, [n_series]; otherwise they are added.
        calendar: What the places in the season are counted by; None: by steps.

    Returns:
        [n_series, m], column j of the phase of step j + 1 after the end, or of place j of the calendar; 1 or 0 where
        there is no season.

    Source: James & Stein 1961; Miller & Williams 2003.

    Example:
        >>> y = np.tile([10.0, 20.0], 12)[None]
        >>> seasonal_indices(y, 2, np.array([True])).round(3).tolist()
        [[0.667, 1.333]]
    """
    neutral = np.where(multiplicative, 1.0, 0.0)[:, None]
    if m == 1 or MIN_CYCLES * m > values.shape[1]:
        return np.repeat(neutral, m, axis=1)
    indices = np.empty((len(values), m))
    for rows in row_batches(len(values)):
        dates = None if calendar is None else calendar.take(rows)
        indices[rows] = _batch_indices(values[rows], m, multiplicative[rows], dates)
    return indices


def _batch_indices(
    values: FloatArray, m: int, multiplicative: BoolArray, calendar: SeasonCalendar | None
) -> FloatArray:
    """Return the indices of a few series, [n_series, m]."""
    start = np.repeat(np.where(multiplicative, 1.0, 0.0)[:, None], m, axis=1)
    if m % DAYS_PER_WEEK == 0 and m > DAYS_PER_WEEK * DAYS_PER_WEEK:
        start = np.tile(seasonal_indices(values, m // DAYS_PER_WEEK, multiplicative), DAYS_PER_WEEK)
    strength, limit = seasonal_strength(values, m)
    has_cycles = np.isfinite(values).sum(axis=1) >= MIN_CYCLES * m
    rows = np.flatnonzero((strength > MIN_EVIDENCE * limit) & has_cycles)
    if len(rows):
        dates = None if calendar is None else calendar.take(rows)
        start[rows] = _shrunk_indices(values[rows], m, multiplicative[rows], start[rows], dates)
    return start


def _shrunk_indices(
    values: FloatArray, m: int, multiplicative: BoolArray, start: FloatArray, calendar: SeasonCalendar | None
) -> FloatArray:
    """Return classical indices drawn to `start` [n_series, m]; `start` where there are none."""
    indices, noise, _ = classical_indices(values, m, multiplicative, calendar)
    weight = _shrinkage(indices - start, noise)
    shrunk = start + (1 - weight) * (indices - start)
    valid = np.isfinite(shrunk).all(axis=1) & (~multiplicative | (shrunk > 0).all(axis=1))
    return np.where(valid[:, None], shrunk, start)


def classical_indices(
    values: FloatArray, m: int, multiplicative: BoolArray, calendar: SeasonCalendar | None = None
) -> tuple[FloatArray, FloatArray, BoolArray]:
    """Compute trimmed means over the cycles of value / or - centered moving mean.

    Args:
        values: Series aligned at their ends, [n_series, T]; NaN is missing and is left out.
        m: Season length.
        multiplicative: Whether indices are factors, [n_series]; otherwise they are added.
        calendar: What the places in the season are counted by; None: by steps.

    Returns:
        Indices as of `seasonal_indices`, without shrinkage, [n_series, m]; the variance of one, [n_series]; whether
        every place has a value, [n_series].

    Example:
        >>> indices, variance, is_known = classical_indices(np.tile([10.0, 20.0], 12)[None], 2, np.array([True]))
        >>> indices.round(3).tolist(), variance.tolist(), is_known.tolist()
        ([[0.667, 1.333]], [0.0], [True])
    """
    divide = multiplicative[:, None]
    detrended = _detrended(values, m, divide)
    cycles = _cycles(detrended, m) if calendar is None else _dated_cycles(detrended, m, calendar)
    neutral = np.where(divide, 1.0, 0.0)
    is_known = np.isfinite(cycles).any(axis=1)
    cycles[:, 0][~is_known] = np.broadcast_to(neutral, is_known.shape)[~is_known]
    phases = _trimmed_mean(cycles)
    mean = phases.mean(axis=1, keepdims=True)
    with np.errstate(all="ignore"):
        indices = np.where(divide, phases / mean, phases - mean)
    return np.asarray(indices), _index_variance(cycles, indices), np.asarray(np.all(is_known, axis=1))


def common_indices(indices: FloatArray) -> FloatArray:
    """Return what the indices of several series have in common: their trimmed means, shrunk towards 1 by their noise.

    Args:
        indices: Factors by place in the season, [n_series, m].

    Returns:
        [m]; 1 where the means differ no more than chance makes them.

    Example:
        >>> common_indices(np.tile([0.5, 1.5, 0.8, 1.2], (5, 1))).round(3).tolist()
        [0.5, 1.5, 0.8, 1.2]
    """
    # The series take the place of the cycles of one series.
    means = _trimmed_mean(indices[None])
    noise = _index_variance(indices[None], means)
    deviation = means - 1
    m = indices.shape[1]
    if (deviation**2).sum() <= (m - 1 + TEST_WIDTH * np.sqrt(2 * (m - 1))) * noise.item():
        return np.ones(m)
    return np.asarray((1 + (1 - _shrinkage(deviation, noise)) * deviation)[0])


def _detrended(values: FloatArray, m: int, divide: BoolArray) -> FloatArray:
    """Return value / or - centered moving mean, [n_series, T]."""
    center = _centered_mean(values, m)
    with np.errstate(all="ignore"):
        return np.where(divide, values / center, values - center)


def _cycles(values: FloatArray, m: int) -> FloatArray:
    """Return a cycle a row, aligned at the end, [n_series, n_cycles, m]."""
    pad = np.full((len(values), -values.shape[1] % m), np.nan)
    return np.concatenate([pad, values], axis=1).reshape(len(values), -1, m)


def _dated_cycles(values: FloatArray, m: int, calendar: SeasonCalendar) -> FloatArray:
    """Return values by their places in each season, [n_series, n_cycles, m]; NaN where a season has none."""
    n_series, T = values.shape
    places = calendar.places(np.arange(-T, 0))
    season, repeats = np.zeros((n_series, T), np.int64), np.zeros((n_series, T), np.int64)
    season[:, 1:] = np.cumsum(np.diff(places, axis=1) < 0, axis=1)
    # A step that shares the place of the one before it has a row of its own.
    repeats[:, 1:] = np.diff(places, axis=1) == 0
    cycles = np.full((n_series, 2 * (int(season.max(initial=0)) + 1), m), np.nan)
    cycles[np.arange(n_series)[:, None], 2 * season + repeats, places] = values
    return cycles


def _trimmed_mean(cycles: FloatArray) -> FloatArray:
    """Return means over the cycles without the largest and smallest fifth, [n_series, m]."""
    ordered, n = np.sort(cycles, axis=1), np.isfinite(cycles).sum(axis=1)
    drop, place = np.floor(TRIM * n)[:, None], np.arange(cycles.shape[1])[None, :, None]
    is_inside = (place >= drop) & (place < n[:, None] - drop)
    return np.asarray(np.where(is_inside, ordered, 0.0).sum(axis=1) / np.maximum(is_inside.sum(axis=1), 1))


def _index_variance(cycles: FloatArray, indices: FloatArray) -> FloatArray:
    """Return the variance of means over the cycles, from what the indices leave, [n_series]."""
    known = np.isfinite(cycles)
    n, m = known.sum(axis=(1, 2)), indices.shape[1]
    deviation = np.where(known, np.abs(cycles - indices[:, None]), np.nan).reshape(len(cycles), -1)
    # Outliers, which a trimmed mean does not see, must not look like noise.
    deviation = np.minimum(deviation, MAX_DEVIATIONS * row_medians(deviation)[:, None])
    squares = np.nansum(deviation**2, axis=1)
    return np.asarray(MEAN_VARIANCE * squares / np.maximum(n - m, 1) * m / np.maximum(n, 1))


def _shrinkage(deviation: FloatArray, noise: FloatArray) -> FloatArray:
    """Return the weight W of the start, [n_series, 1]; for up to 3 phases, and 4, that of the positive-part rule."""
    m = deviation.shape[1]
    signal = np.maximum((deviation**2).sum(axis=1) / (m - 1) - noise, 0.0)
    share = noise / np.maximum(noise + signal, np.finfo(np.float64).tiny)
    return np.asarray((share * max((m - 3) / (m - 1), 1 / 3))[:, None])


def _centered_mean(values: FloatArray, m: int) -> FloatArray:
    """Return moving means over a season, both ends weighted by a half if m is even; NaN where a value is missing."""
    T = values.shape[1]
    weights = np.ones(m) if m % 2 else np.concatenate([[0.5], np.ones(m - 1), [0.5]])
    half = len(weights) // 2
    means = np.full(values.shape, np.nan)
    total = np.zeros((len(values), T - 2 * half))
    for k, weight in enumerate(weights):
        total += weight * values[:, k : k + T - 2 * half]
    means[:, half : T - half] = total / m
    return means
