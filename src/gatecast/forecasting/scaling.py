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
from gatecast.forecasting.seasonal_indices import seasonal_indices

__all__ = ["SeriesScaler", "forward_fill", "has_logarithm", "to_matrix", "without_zeros"]

MAX_RARE = 0.02
"""Share of values of 0 or less that a series with a logarithm may have."""

MAX_EXPONENT = 700.0
"""Largest argument of exp and sinh: beyond it float64 overflows."""


class SeriesScaler(NamedTuple):
    """Transform of the values of each series: ``z = log(y / s)`` or ``z = asinh((y - s) / unit)``, s the season.

    The logarithm is taken where all values of a series are above 0, but for rare ones, which become NaN.

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
        positive = has_logarithm(values)
        seasonal = seasonal_indices(without_zeros(values, positive), m, positive, calendar)
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
        positive = self.positive
        with np.errstate(all="ignore"):
            ratio = np.where(values > 0, values / s, np.nan)
            if positive.all():
                return np.log(ratio, out=ratio)
            z = np.empty_like(ratio)
            z[positive] = np.log(ratio[positive])
            z[~positive] = np.arcsinh((values - s)[~positive] / self.unit[~positive, None])
            return z

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


def has_logarithm(values: FloatArray) -> BoolArray:
    """Return whether the logarithm of each series is taken, [n_series]: if its values are above 0, but for rare ones.

    Up to one value in 50 may be 0 or less: one such value must not change what becomes of all others. It is missing for
    the logarithm.

    Example:
        >>> has_logarithm(np.array([[1.0, 2.0], [0.0, 2.0], [np.nan, np.nan]])).tolist()
        [True, False, False]
    """
    observed = np.isfinite(values)
    n_others = (observed & (values <= 0)).sum(axis=1)
    return np.asarray(observed.any(axis=1) & (n_others <= MAX_RARE * observed.sum(axis=1)))


def without_zeros(values: FloatArray, positive: BoolArray) -> FloatArray:
    """Return values with NaN for those of 0 or less, in the rows whose logarithm is taken.

    Example:
        >>> without_zeros(np.array([[0.0, 2.0], [0.0, 2.0]]), np.array([True, False])).tolist()
        [[nan, 2.0], [0.0, 2.0]]
    """
    return np.where(positive[:, None] & (values <= 0), np.nan, values)


def to_matrix(panel: Panel, n_columns: int | None = None) -> FloatArray:
    """Return the values of a panel as a matrix, aligned at the ends of the series.

    Args:
        panel: Series of any lengths.
        n_columns: T, the newest values of each series; None: as many as the longest has.

    Returns:
        [n_series, T]; NaN is missing, or before a series began.

    Example:
        >>> from gatecast.data.panel_builder import build_panel
        >>> panel, _ = build_panel([1, 2, 3, 1], [5.0, 6.0, 7.0, 9.0], ["a", "a", "a", "b"])
        >>> to_matrix(panel).tolist()
        [[5.0, 6.0, 7.0], [nan, nan, 9.0]]
    """
    T = int(panel.lengths.max(initial=0)) if n_columns is None else n_columns
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
