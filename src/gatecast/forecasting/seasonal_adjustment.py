"""Series without their seasons and units, aligned at their beginnings, for models that go through them step by step.

Shapes: n_series rows, T columns, m season length, h steps, Q quantiles.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from gatecast._utils.typing import BoolArray, FloatArray, IntArray
from gatecast.data.season_calendar import SeasonCalendar
from gatecast.forecasting.scaling import SeriesScaler, forward_fill

__all__ = ["AdjustedSeries", "batches_by_length"]


class AdjustedSeries(NamedTuple):
    """Series divided by their largest absolute value, then by their seasonal indices, or less these.

    Args:
        values: Step i of every series in column i, [n_series, T]; a missing value is the one before it.
        n: Values of each, [n_series].
        positive: Whether the season is a factor, [n_series].
        scaler: Provides the seasonal indices.
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
        T, observed = values.shape[1], np.isfinite(values)
        n = np.where(observed.any(axis=1), T - observed.argmax(axis=1), 0)
        size = np.where(observed, np.abs(values), 0.0).max(axis=1, keepdims=True)
        size[size == 0] = 1.0
        scaled = values / size
        positive = np.asarray((np.where(observed, scaled, 1.0) > 0).all(axis=1))
        scaler = SeriesScaler.fit(scaled, m, calendar)
        s = scaler.season(np.arange(-T, 0))
        y = forward_fill(np.where(positive[:, None], scaled / np.where(positive[:, None], s, 1.0), scaled - s))
        aligned = np.take_along_axis(y, np.minimum(np.arange(T) + (T - n)[:, None], T - 1), axis=1)
        return cls(aligned, n, positive, scaler, size)

    def restore(self, quantiles: FloatArray) -> FloatArray:
        """Return forecasts of adjusted series, [n_series, h, Q], with their seasons and in their units."""
        future = self.scaler.season(np.arange(quantiles.shape[1]))[..., None]
        q = np.where(self.positive[:, None, None], quantiles * future, quantiles + future)
        return np.asarray(q * self.size[..., None])


def batches_by_length(values: FloatArray, size: int) -> list[tuple[IntArray, FloatArray]]:
    """Return rows of similar lengths and their values without empty columns; rows without a value are left out.

    Args:
        values: Series aligned at their ends, [n_series, T].
        size: Rows of a batch, at most.

    Example:
        >>> [(rows.tolist(), x.shape) for rows, x in batches_by_length(np.array([[1.0, 2.0], [np.nan, 1.0]]), 1)]
        [([1], (1, 1)), ([0], (1, 2))]
    """
    observed, T = np.isfinite(values), values.shape[1]
    n = np.where(observed.any(axis=1), T - observed.argmax(axis=1), 0)
    order = np.argsort(n, kind="stable")
    order = order[n[order] > 0]
    parts = [order[start : start + size] for start in range(0, len(order), size)]
    return [(rows, values[rows, T - int(n[rows].max()) :]) for rows in parts]
