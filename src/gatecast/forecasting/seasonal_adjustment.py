"""Series without their seasons and units, aligned at their beginnings, for models that go through them step by step.

Shapes: n_series rows, T columns, m season length, h steps, Q quantiles.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from gatecast._utils.arrays import history_lengths
from gatecast._utils.typing import BoolArray, FloatArray, IntArray
from gatecast.data.season_calendar import SeasonCalendar
from gatecast.forecasting.batches import batches_by_length, forecast_batches
from gatecast.forecasting.scaling import SeriesScaler, forward_fill, has_logarithm, without_zeros
from gatecast.forecasting.seasonal_indices import seasonal_indices

__all__ = ["AdjustedSeries", "forecast_adjusted"]


MAX_ROUGHNESS = 0.6
"""Roughness with added indices, relative to that with factors, below which they are added."""


class AdjustedSeries(NamedTuple):
    """Series divided by their largest absolute value, then by their seasonal indices, or less these.

    Args:
        values: Step i of every series in column i, [n_series, T]; a missing value is the one before it.
        n: Values of each, [n_series].
        positive: Whether all adjusted values are above 0, [n_series].
        scaler: Provides the seasonal indices, and whether they are factors.
        size: Largest absolute value, [n_series, 1].
    """

    values: FloatArray
    n: IntArray
    positive: BoolArray
    scaler: SeriesScaler
    size: FloatArray

    @classmethod
    def of(cls, values: FloatArray, m: int, calendar: SeasonCalendar | None = None) -> AdjustedSeries:
        """Adjust series.

        Args:
            values: Series aligned at their ends, [n_series, T]; NaN before the beginning.
            m: Season length.
            calendar: What the places in the season are counted by; None: by steps.

        Example:
            >>> AdjustedSeries.of(np.array([[np.nan, 2.0, 4.0]]), 1).values.tolist()
            [[0.5, 1.0, 1.0]]
        """
        T, observed, n = values.shape[1], np.isfinite(values), history_lengths(values)
        size = np.where(observed, np.abs(values), 0.0).max(axis=1, keepdims=True)
        size[size == 0] = 1.0
        scaled = values / size
        positive = has_logarithm(scaled)
        scaled = without_zeros(scaled, positive)
        scaler = _fit_scaler(scaled, m, positive, calendar)
        factor, s = scaler.positive[:, None], scaler.season(np.arange(-T, 0))
        y = forward_fill(np.where(factor, scaled / np.where(factor, s, 1.0), scaled - s))
        aligned = np.take_along_axis(y, np.minimum(np.arange(T) + (T - n)[:, None], T - 1), axis=1)
        positive &= np.asarray(y > 0).all(axis=1)
        return cls(aligned, n, positive, scaler, size)

    def restore(self, quantiles: FloatArray) -> FloatArray:
        """Return forecasts of adjusted series, [n_series, h, Q], with their seasons and in their units."""
        future = self.scaler.season(np.arange(quantiles.shape[1]))[..., None]
        q = np.where(self.scaler.positive[:, None, None], quantiles * future, quantiles + future)
        return np.asarray(q * self.size[..., None])


def forecast_adjusted(
    values: FloatArray,
    h: int,
    m: int,
    quantiles: Sequence[float],
    calendar: SeasonCalendar | None,
    forecast: Callable[[AdjustedSeries, int, Sequence[float]], FloatArray],
    size: int,
) -> FloatArray:
    """Forecast series of similar lengths together, each without its season and unit.

    Args:
        values: Series aligned at their ends, [n_series, T]; NaN before the beginning.
        h: Steps.
        m: Season length; 1 for none.
        quantiles: Levels, increasing.
        calendar: What the places in the season are counted by; None: by steps.
        forecast: Returns the quantiles of adjusted series, [n, h, Q], in their units and with their seasons.
        size: Series at a time.

    Returns:
        [n_series, h, Q]; NaN for a series without a value.
    """

    def of_batch(rows: IntArray, batch: FloatArray) -> FloatArray:
        """Forecast a batch, with the dates of its rows."""
        dates = None if calendar is None else calendar.take(rows)
        return forecast(AdjustedSeries.of(batch, m, dates), h, quantiles)

    return forecast_batches(batches_by_length(values, size), of_batch, (len(values), h, len(quantiles)))


def _fit_scaler(values: FloatArray, m: int, positive: BoolArray, calendar: SeasonCalendar | None) -> SeriesScaler:
    """Return seasonal indices that are factors, or are added where that leaves a series much smoother.

    Where a season stays as large while the level grows, factors would make it grow too.
    """
    factors = SeriesScaler.fit(values, m, calendar)
    if m == 1 or not positive.any():
        return factors
    added = seasonal_indices(values, m, np.zeros(len(values), np.bool_), calendar)
    sums = factors._replace(seasonal=added, positive=np.zeros(len(values), np.bool_))
    steps = np.arange(-values.shape[1], 0)
    with np.errstate(all="ignore"):
        roughness = [_roughness(values / factors.season(steps)), _roughness(values - sums.season(steps))]
    is_added = positive & (roughness[1] < MAX_ROUGHNESS * roughness[0])
    return factors._replace(
        seasonal=np.where(is_added[:, None], added, factors.seasonal), positive=factors.positive & ~is_added
    )


def _roughness(values: FloatArray) -> FloatArray:
    """Return the mean square change of changes, [n_series]: of what a line and a season explain little is left."""
    changes = np.diff(values, n=2, axis=1)
    known = np.isfinite(changes)
    return np.asarray((np.where(known, changes, 0.0) ** 2).sum(axis=1) / np.maximum(known.sum(axis=1), 1))
