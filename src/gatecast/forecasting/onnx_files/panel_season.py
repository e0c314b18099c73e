"""The season that series of a panel share as operators: `forecasting.panel_season`, where all is explained.

Shapes: B series, T columns, m season length, h steps.
"""

from __future__ import annotations

import numpy as np

from gatecast.forecasting.context import MAX_LENGTH
from gatecast.forecasting.onnx_files.scaling import has_logarithm
from gatecast.forecasting.onnx_files.series import SeriesInput, count, numbers_along
from gatecast.forecasting.panel_season import PRIOR_CHANGES, PanelSeason
from gatecast.nn.onnx_files import operations as op
from gatecast.nn.onnx_files.builder import Value

__all__ = ["GraphSeason"]

TINY = float(np.finfo(np.float64).tiny)


class GraphSeason:
    """The season of a panel in a graph.

    Args:
        season: As it was fitted.
        series: The series, with the time of their newest values.
    """

    def __init__(self, season: PanelSeason, series: SeriesInput) -> None:
        self._season, self._series = season, series
        self._path = self._logarithms(numbers_along(series.values, 1) - series.n_steps)
        self._strength = self._strengths()

    def remove(self) -> SeriesInput:
        """Return series without the season."""
        return self._series.with_values(self._series.values / op.exp(self._path * self._strength))

    def restore(self, quantiles: Value, n_steps: int) -> Value:
        """Return forecasts, [B, h, Q], with the season."""
        path = self._logarithms(np.arange(n_steps))
        return quantiles * op.expand_dims(op.exp(path * self._strength), 2)

    def _logarithms(self, steps: Value | np.ndarray) -> Value:
        """Return the logarithms of the factors of steps, 0 the first one after the end, [B, K]."""
        places = self._series.season_places(self._season.season_length, steps)
        return op.take(self._series.builder.constant(np.log(self._season.factors)), places, 0)

    def _strengths(self) -> Value:
        """Return how strongly each series follows the season, [B, 1]."""
        values = self._series.values
        usual, variance, panel_noise = self._season.strength.tolist()
        z = op.log(op.where(values > 0, values, np.nan))
        y, x = (op.slice_of(part, 1, 1) - op.slice_of(part, 1, 0, -1) for part in (z, self._path))
        known = op.is_finite(y)
        y, x, n_changes = op.where(known, y, 0), op.where(known, x, 0), count(known)
        S = op.maximum(op.total(x * x, 1), TINY)
        slope = op.total(x * y, 1) / S
        rest = y - op.expand_dims(slope, 1) * x
        degrees = op.maximum(n_changes - 1, 0) + PRIOR_CHANGES
        noise = (op.total(rest * rest, 1) + PRIOR_CHANGES * panel_noise) / op.maximum(degrees, 1)
        weight = S / op.maximum(noise, TINY)
        strength = (usual / variance + weight * slope) / (1 / variance + weight)
        return op.expand_dims(op.where(self._is_short(), strength, 0), 1)

    def _is_short(self) -> Value:
        """Return which series are not left to their own season, [B] bool: those that begin in the newest columns."""
        values, longest = self._series.values, int(self._season.max_length[0])
        positive = has_logarithm(values)
        if longest > MAX_LENGTH:
            return positive
        return positive & count(op.is_finite(op.slice_of(values, 1, 0, 1 - longest))).equals(0)
