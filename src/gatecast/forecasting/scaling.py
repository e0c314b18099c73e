"""Scaling of series: a transform that turns the values of many series into numbers that one network can read, and back.

A panel is a matrix here, [n_series, T], aligned at the ends of the series: the last column is the newest value of every
series; NaN is missing, or before a series began. Everything is computed from the values that are passed in: a caller
that passes the past alone lets nothing of the future in.

Shapes: n_series rows, T columns of the past, m season length, horizon steps, Q quantiles.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from gatecast._utils.typing import BoolArray, FloatArray, IntArray
from gatecast.data.panel import Panel
from gatecast.data.season_calendar import SeasonCalendar

__all__ = ["SeriesScaler", "forward_fill", "seasonal_indices", "to_matrix"]

MIN_CYCLES = 3
"""Seasons that a series needs for indices."""

DAYS_PER_WEEK = 7

CRITICAL_VALUE = 1.645
"""Critical value of the autocorrelation test: a level of 10 %, two-sided."""

MAX_EXPONENT = 700.0
"""Largest argument of exp and sinh: beyond it float64 overflows."""


class SeriesScaler(NamedTuple):
    """Transform of the values of each series: ``z = log(y / s)`` or ``z = asinh((y - s) / unit)``, s the season.

    The logarithm is taken where all values of a series are above 0.

    Args:
        seasonal: Seasonal indices, [n_series, m]; column j belongs to step j + 1 after the end; 1 or 0: no season.
        positive: Whether the logarithm is taken, and the season divided by, [n_series].
        unit: Unit of the asinh, [n_series]; 1 where the logarithm is taken.
        calendar: Gives the column of `seasonal` that a step has; None: columns are counted from the end, as above.

    Example:
        >>> y = np.array([[1.0, np.e, np.e**2]])
        >>> scaler = SeriesScaler.fit(y, 1)
        >>> scaler.transform(y).round(3).tolist()
        [[0.0, 1.0, 2.0]]
        >>> scaler.inverse_transform(np.array([[0.0]])).tolist()
        [[1.0]]
    """

    seasonal: FloatArray
    positive: BoolArray
    unit: FloatArray
    calendar: SeasonCalendar | None = None

    @classmethod
    def fit(cls, values: FloatArray, m: int, calendar: SeasonCalendar | None = None) -> SeriesScaler:
        """Fit the scaler of every series.

        Args:
            values: Series aligned at their ends, [n_series, T]; NaN is missing.
            m: Season whose indices are removed; 1 for none.
            calendar: What the places in this season are counted by; None: by steps.
        """
        observed = np.isfinite(values)
        positive = np.asarray(observed.any(axis=1) & (np.where(observed, values, 1.0) > 0).all(axis=1))
        seasonal = seasonal_indices(values, m, positive, calendar)
        # Parts of a day: where the week does not show, the day may.
        if m % DAYS_PER_WEEK == 0 and m > DAYS_PER_WEEK * DAYS_PER_WEEK:
            flat = (seasonal == seasonal[:, :1]).all(axis=1)
            day = seasonal_indices(values[flat], m // DAYS_PER_WEEK, positive[flat])
            seasonal[flat] = np.tile(day, DAYS_PER_WEEK)
        size = np.where(observed, np.abs(values), 0.0).sum(axis=1) / np.maximum(observed.sum(axis=1), 1)
        unit = np.where(positive | (size == 0), 1.0, size)
        return cls(seasonal, positive, unit, calendar)

    def season(self, steps: IntArray) -> FloatArray:
        """Return the seasonal indices of steps, [n_series, K]; 0 is the first step after the end, -1 the newest."""
        if self.calendar is None:
            return self.seasonal[:, steps % self.seasonal.shape[1]]
        return np.take_along_axis(self.seasonal, self.calendar.places(steps), axis=1)

    def earlier(self, n: int) -> SeriesScaler:
        """Return the scaler for values that end n steps earlier."""
        if self.calendar is None:
            return self._replace(seasonal=np.roll(self.seasonal, n, axis=1))
        return self._replace(calendar=self.calendar.shift(-n))

    def at_step(self, step: int) -> SeriesScaler:
        """Return the scaler for one step alone, 0 for the first one after the end."""
        return self._replace(seasonal=self.season(np.array([step])), calendar=None)

    @classmethod
    def at_offsets(cls, scaler: SeriesScaler, offsets: IntArray) -> SeriesScaler:
        """Return a scaler for the same series at several origins, one after another.

        Args:
            scaler: Of the series at their ends.
            offsets: Steps by which each origin is earlier, [n_origins].
        """
        n = len(offsets)
        seasonal = np.concatenate([scaler.earlier(offset).seasonal for offset in offsets.tolist()])
        calendar = None if scaler.calendar is None else scaler.calendar.shift(-offsets[:, None])
        return cls(seasonal, np.tile(scaler.positive, n), np.tile(scaler.unit, n), calendar)

    def transform(self, values: FloatArray) -> FloatArray:
        """Transform the values of the same series, aligned at the same end, [n_series, T]; NaN stays NaN."""
        T = values.shape[1]
        s = self.season(np.arange(-T, 0))
        positive = self.positive[:, None]
        with np.errstate(all="ignore"):
            return np.where(positive, np.log(values / s), np.arcsinh((values - s) / self.unit[:, None]))

    def inverse_transform(self, z: FloatArray) -> FloatArray:
        """Return values of the steps after the end.

        Args:
            z: Transformed values from the first step after the end on, [n_series, horizon] or [n_series, horizon, Q].

        Returns:
            The shape of z, increasing with it.
        """
        expand = (...,) + (None,) * (z.ndim - 2)
        s = self.season(np.arange(z.shape[1]))[expand]
        positive = self.positive[:, None][expand]
        unit = self.unit[:, None][expand]
        with np.errstate(over="ignore"):
            factor = np.exp(np.minimum(z, MAX_EXPONENT)) * s
            return np.where(positive, factor, np.sinh(np.clip(z, -MAX_EXPONENT, MAX_EXPONENT)) * unit + s)


def to_matrix(panel: Panel, max_columns: int | None = None) -> FloatArray:
    """Return the values of a panel as a matrix, aligned at the ends of the series.

    Args:
        panel: Series of any lengths.
        max_columns: Newest columns to keep; None: all.

    Returns:
        [n_series, T]; NaN is missing, or before a series began.

    Example:
        >>> from gatecast.data.panel_builder import build_panel
        >>> panel, _ = build_panel([1, 2, 3, 1], [5.0, 6.0, 7.0, 9.0], ["a", "a", "a", "b"])
        >>> to_matrix(panel).tolist()
        [[5.0, 6.0, 7.0], [nan, nan, 9.0]]
    """
    T = int(panel.lengths.max(initial=0))
    T = T if max_columns is None else min(T, max_columns)
    index = panel.indptr[1:, None] - T + np.arange(T)
    inside = index >= panel.indptr[:-1, None]
    return np.where(inside, panel.values[np.maximum(index, 0)], np.nan)


def forward_fill(values: FloatArray) -> FloatArray:
    """Replace missing values by the last one before them; before the first value by the first; in empty rows by 0.

    Example:
        >>> forward_fill(np.array([[np.nan, 2.0, np.nan, 3.0]])).tolist()
        [[2.0, 2.0, 2.0, 3.0]]
    """
    observed = np.isfinite(values)
    last = np.maximum.accumulate(np.where(observed, np.arange(values.shape[1]), -1), axis=1)
    last = np.where(last < 0, observed.argmax(axis=1)[:, None], last)
    return np.nan_to_num(np.take_along_axis(values, last, axis=1))


def seasonal_indices(
    values: FloatArray, m: int, multiplicative: BoolArray, calendar: SeasonCalendar | None = None
) -> FloatArray:
    """Compute classical seasonal indices of each series whose autocorrelation shows a season.

    ``|r[m]| > 1.645 sqrt((1 + 2 sum_{k < m} r[k]^2) / n)`` decides; indices are the medians over the seasons of
    value / centered moving mean, or value - centered moving mean, scaled to a mean of 1, or shifted to one of 0.

    Args:
        values: Series aligned at their ends, [n_series, T]; NaN is missing and is left out.
        m: Season length.
        multiplicative: Whether indices are factors, [n_series]; otherwise they are added.
        calendar: What the places in the season are counted by; None: by steps.

    Returns:
        [n_series, m], column j of the phase of step j + 1 after the end, or of place j of the calendar; 1 or 0 where
        there is no season.

    Source: Makridakis, Spiliotis & Assimakopoulos 2020 (M4's Naive2), with medians for means.

    Example:
        >>> y = np.tile([10.0, 20.0], 12)[None]
        >>> seasonal_indices(y, 2, np.array([True])).round(3).tolist()
        [[0.667, 1.333]]
    """
    T = values.shape[1]
    neutral = np.where(multiplicative, 1.0, 0.0)[:, None]
    indices = np.repeat(neutral, m, axis=1)
    if m == 1 or MIN_CYCLES * m > T:
        return indices
    rows = np.flatnonzero(_is_seasonal(values, m))
    if not len(rows):
        return indices
    y, divide = values[rows], multiplicative[rows, None]
    center = _centered_mean(y, m)
    with np.errstate(all="ignore"):
        detrended = np.where(divide, y / center, y - center)
    if calendar is None:
        pad = np.full((len(rows), -T % m), np.nan)
        cycles = np.concatenate([pad, detrended], axis=1).reshape(len(rows), -1, m)
    else:
        cycles = _cycles(detrended, calendar.take(rows).places(np.arange(-T, 0)), m)
    is_known = np.isfinite(cycles).any(axis=1)
    cycles[:, 0][~is_known] = np.broadcast_to(neutral[rows], is_known.shape)[~is_known]
    medians = np.nanmedian(cycles, axis=1)
    mean = medians.mean(axis=1, keepdims=True)
    with np.errstate(all="ignore"):
        scaled = np.where(divide, medians / mean, medians - mean)
    valid = np.isfinite(scaled).all(axis=1) & (~divide[:, 0] | (scaled > 0).all(axis=1))
    indices[rows[valid]] = scaled[valid]
    return indices


def _cycles(values: FloatArray, places: IntArray, m: int) -> FloatArray:
    """Return values by their places in each season, [n_series, n_cycles, m]; NaN where a season has none."""
    n_series, T = values.shape
    season, repeats = np.zeros((n_series, T), np.int64), np.zeros((n_series, T), np.int64)
    season[:, 1:] = np.cumsum(np.diff(places, axis=1) < 0, axis=1)
    # A step that shares the place of the one before it has a row of its own.
    repeats[:, 1:] = np.diff(places, axis=1) == 0
    cycles = np.full((n_series, 2 * (int(season.max(initial=0)) + 1), m), np.nan)
    cycles[np.arange(n_series)[:, None], 2 * season + repeats, places] = values
    return cycles


def _is_seasonal(values: FloatArray, m: int) -> BoolArray:
    """Return whether the autocorrelation at lag m is beyond chance, [n_series]."""
    observed = np.isfinite(values)
    n = observed.sum(axis=1)
    x = np.where(observed, values, 0.0)
    size = np.abs(x).max(axis=1, keepdims=True)
    x /= np.where(size > 0, size, 1.0)
    x = np.where(observed, x - (x.sum(axis=1) / np.maximum(n, 1))[:, None], 0.0)
    energy = (x * x).sum(axis=1)
    divisor = np.where(energy > 0, energy, 1.0)
    r = np.stack([(x[:, k:] * x[:, :-k]).sum(axis=1) / divisor for k in range(1, m + 1)])
    limit = CRITICAL_VALUE * np.sqrt((1 + 2 * (r[:-1] ** 2).sum(axis=0)) / np.maximum(n, 1))
    return np.asarray((np.abs(r[-1]) > limit) & (n >= MIN_CYCLES * m))


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
