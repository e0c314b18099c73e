"""The scaler of series as operators: `forecasting.scaling.SeriesScaler`, where all is explained."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from gatecast._utils.typing import IntArray
from gatecast.forecasting.onnx_files.seasonal_indices import Places, seasonal_indices
from gatecast.forecasting.onnx_files.series import count, numbers_along, observed_total
from gatecast.forecasting.scaling import MAX_EXPONENT, MAX_RARE
from gatecast.nn.onnx_files import operations as op
from gatecast.nn.onnx_files.builder import Value

__all__ = ["GraphScaler", "has_logarithm"]


class GraphScaler(NamedTuple):
    """Transform of the values of each series, and back."""

    seasonal: Value
    """Indices, [B, m]."""
    positive: Value
    """Whether the logarithm is taken, [B] bool."""
    unit: Value
    """Of the asinh, [B]."""
    m: int
    places: Places | None = None
    """Gives the column of `seasonal` that a step has; None: columns are counted from the end."""

    @classmethod
    def fit(cls, values: Value, m: int, places: Places | None = None) -> GraphScaler:
        """Fit the scaler of every series.

        Args:
            values: [B, C]; NaN is missing.
            m: Season length.
            places: Of steps in a season that is counted by dates; None: by steps.
        """
        observed = op.is_finite(values)
        positive = has_logarithm(values)
        known = op.where(op.expand_dims(positive, 1) & (values <= 0), np.nan, values)
        size = observed_total(observed, op.absolute(values)) / op.maximum(count(observed), 1)
        unit = op.where(positive | size.equals(0), 1, size)
        return cls(seasonal_indices(known, m, positive, places), positive, unit, m, places)

    def season(self, steps: IntArray | Value) -> Value:
        """Return the seasonal indices of steps, [B, K]; 0 is the first step after the end."""
        if self.places is not None:
            return op.take_along_axis(self.seasonal, self.places(steps), 1)
        if isinstance(steps, Value):
            return op.take(self.seasonal, steps.builder.op("Mod", steps, self.m), 1)
        return op.take(self.seasonal, steps % self.m, 1)

    def transform(self, values: Value) -> Value:
        """Transform values of the same series, [B, C]; NaN stays NaN."""
        s = self.season(numbers_along(values, 1) - op.size_of(values, 1))
        logarithm = op.log(op.where(values > 0, values / s, np.nan))
        return op.where(
            self._by_row(self.positive, 1), logarithm, op.arcsinh((values - s) / self._by_row(self.unit, 1))
        )

    def inverse_transform(self, z: Value, n_steps: int) -> Value:
        """Return values of the steps after the end, [B, horizon, Q] as z."""
        s = op.expand_dims(self.season(np.arange(n_steps)), 2)
        factor = op.exp(op.minimum(z, MAX_EXPONENT)) * s
        hyperbolic = op.sinh(op.clip(z, -MAX_EXPONENT, MAX_EXPONENT)) * self._by_row(self.unit, 2) + s
        return op.where(self._by_row(self.positive, 2), factor, hyperbolic)

    @staticmethod
    def _by_row(value: Value, n_axes: int) -> Value:
        """Return a value of each series with more axes behind."""
        for _ in range(n_axes):
            value = op.expand_dims(value, -1)
        return value


def has_logarithm(values: Value) -> Value:
    """Return whether the logarithm of each series is taken, [B] bool."""
    observed = op.is_finite(values)
    n = count(observed)
    n_others = count(observed & (values <= 0))
    return (n > 0) & (n_others <= MAX_RARE * n)
