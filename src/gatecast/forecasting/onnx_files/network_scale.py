"""The scale on which forecasting networks read, as operators: `forecasting.panel_rnn.windows`, where all is explained.

Shapes: B series, C columns, h steps, Q quantiles.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from gatecast._utils.typing import IntArray
from gatecast.forecasting.onnx_files.scaling import GraphScaler
from gatecast.forecasting.onnx_files.series import SeriesInput, count, fill_forward, row_median
from gatecast.forecasting.panel_rnn.windows import MIN_SCALE
from gatecast.nn.onnx_files import operations as op
from gatecast.nn.onnx_files.builder import Value

__all__ = ["NetworkScale"]


class NetworkScale(NamedTuple):
    """Series as a network reads them."""

    scaler: GraphScaler
    z: Value
    """Values less the newest one, in units of the mean change, without gaps, [B, C] float32."""
    observed: Value
    """1 where a value is observed, else 0, [B, C] float64."""
    scale: Value
    """Mean change, [B, 1]."""
    last: Value
    """Newest value, which is subtracted, [B, 1]."""
    center: Value
    """Median of z, [B, 1]."""
    spread: Value
    """Standard deviation of z, [B, 1]."""

    @classmethod
    def of(cls, series: SeriesInput, n_columns: int, m: int) -> NetworkScale:
        """Scale the newest columns; members of a median share it.

        Args:
            series: The series.
            n_columns: C.
            m: Season length; 1 for none.
        """
        scale: NetworkScale = series.derive(("scale", n_columns, m), lambda: cls._of(series, n_columns, m))
        return scale

    @classmethod
    def _of(cls, series: SeriesInput, n_columns: int, m: int) -> NetworkScale:
        """Scale the newest columns."""
        is_dated = series.calendar is not None and series.calendar.season_length == m

        def places(steps: IntArray | Value) -> Value:
            """Return the places of steps in the season."""
            return series.season_places(m, steps)

        values = series.newest(n_columns)
        scaler = GraphScaler.fit(values, m, places if is_dated else None)
        z = scaler.transform(values)
        observed = op.is_finite(z)
        flags = op.cast(observed, np.float64)
        filled = fill_forward(z, n_columns)
        change = op.absolute(op.slice_of(filled, 1, 1) - op.slice_of(filled, 1, 0, -1))
        pairs = op.total(op.slice_of(flags, 1, 1) * op.slice_of(flags, 1, 0, -1), 1)
        n = count(observed)
        mean_change = op.total(change, 1) / op.maximum(n - 1, 1)
        scale = op.expand_dims(op.where(pairs > 0, mean_change, 0) + MIN_SCALE, 1)
        last = op.slice_of(filled, 1, -1)
        scaled = (filled - last) / scale
        center = row_median(op.where(observed, scaled, np.nan))
        deviation = op.where(observed, scaled - center, 0)
        spread = op.sqrt(op.total(deviation * deviation, 1, keepdims=True) / op.maximum(op.expand_dims(n, 1), 1))
        return cls(scaler, op.cast(scaled, np.float32), flags, scale, last, center, spread)

    def restore(self, q: Value, n_steps: int) -> Value:
        """Return values of the steps after the end from quantiles in units of the mean change, [B, h, Q]."""
        scale, last = op.expand_dims(self.scale, 2), op.expand_dims(self.last, 2)
        return self.scaler.inverse_transform(q * scale + last, n_steps)
