"""Exogenous columns and their effects as operators: `forecasting.exogenous_regression`, where all is explained.

Shapes: B series, T columns of the past, h steps; F future exogenous columns, G historic ones, E static ones, Q
quantiles.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from gatecast._utils.typing import FloatArray
from gatecast.forecasting.context import MAX_LENGTH
from gatecast.forecasting.exogenous_regression import MAX_DEVIATION, UNVARIED, ExogenousRegression
from gatecast.forecasting.onnx_files.scaling import GraphScaler
from gatecast.forecasting.onnx_files.series import Columns, SeriesInput, hold_values
from gatecast.nn.onnx_files import operations as op
from gatecast.nn.onnx_files.builder import Builder, Value

__all__ = ["GraphRegression", "add_columns"]


def add_columns(builder: Builder, regression: ExogenousRegression, horizon: int) -> Columns:
    """Add the inputs for the columns that a regression knows.

    Args:
        builder: The graph.
        regression: As it was fitted.
        horizon: Steps ahead.
    """
    n_futr, n_hist, n_stat = (part.shape[1] for part in regression[:3])
    futr = hist = stat = None
    if n_futr:
        futr = builder.input("futr_exog", np.float64, ("batch", "time_and_horizon", n_futr))
        futr = op.slice_of(futr, 1, -MAX_LENGTH - horizon)
    if n_hist:
        hist = op.slice_of(builder.input("hist_exog", np.float64, ("batch", "time", n_hist)), 1, -MAX_LENGTH)
    if n_stat:
        stat = builder.input("stat_exog", np.float64, ("batch", n_stat))
    return Columns(futr, hist, stat)


class GraphRegression:
    """The effects of exogenous columns in a graph.

    Args:
        regression: As it was fitted.
        series: The series, with columns as they come.
    """

    def __init__(self, regression: ExogenousRegression, series: SeriesInput) -> None:
        self._regression, self._series = regression, series
        futr, hist, stat = series.columns
        self._columns = Columns(
            None if futr is None else _standardized(futr, regression.futr_exog),
            None if hist is None else _standardized_by_series(hist, regression.hist_exog),
            None if stat is None else _standardized(stat, regression.stat_exog),
        )
        self._scaler = GraphScaler.fit(series.values, 1) if regression.has_effects else None

    def remove(self) -> SeriesInput:
        """Return series as models read them: without effects, with columns in standard deviations."""
        values = self._series.values
        if self._scaler is not None:
            values = _shift(values, self._scaler, -self._effects(0, self._series.n_steps), 1)
        return replace(self._series, values=values, columns=self._columns, _derived={})

    def restore(self, quantiles: Value) -> Value:
        """Return forecasts, [B, h, Q], with the effects of the forecast steps."""
        if self._scaler is None:
            return quantiles
        effects = self._effects(self._series.n_steps, None)
        return _shift(quantiles, self._scaler, op.expand_dims(effects, 2), 2)

    def _effects(self, start: Value | int, stop: Value | None) -> Value:
        """Return the effects on transformed values at some steps, [B, K]."""
        futr = self._columns.futr
        if futr is None:
            raise ValueError("a regression without future columns has no effects")
        part = op.slice_of(futr, 1, start) if stop is None else op.slice_of(futr, 1, start, stop)
        return op.total(part * self._slopes(), 2)

    def _slopes(self) -> Value | FloatArray:
        """Return the slopes of all series, [F], or of each row, [B, 1, F]."""
        deviations, rows = self._regression.slope_deviations, self._series.rows
        shared: FloatArray = self._regression.futr_exog[2]
        if not len(deviations):
            return shared
        if rows is None:
            raise ValueError("series with slopes of their own need the input series")
        builder = self._series.builder
        of_row = op.take(builder.constant(shared + deviations), op.maximum(rows, 0), 0)
        return op.expand_dims(op.where(op.expand_dims(rows >= 0, 1), of_row, builder.constant(shared[None])), 1)


def _shift(values: Value, scaler: GraphScaler, by: Value, n_axes: int) -> Value:
    """Return values whose transform is shifted: a factor where logarithms are taken, else a sum."""
    positive, unit = scaler.positive, scaler.unit
    for _ in range(n_axes):
        positive, unit = op.expand_dims(positive, -1), op.expand_dims(unit, -1)
    return op.where(positive, values * op.exp(by), values + unit * by)


def _standardized(columns: Value, moments: FloatArray) -> Value:
    """Return columns in standard deviations, clipped; 0 where missing."""
    z = (columns - moments[0]) / moments[1]
    return op.clip(op.where(op.is_finite(z), z, 0), -MAX_DEVIATION, MAX_DEVIATION)


def _standardized_by_series(columns: Value, moments: FloatArray) -> Value:
    """Return columns in standard deviations of each series, [B, T, G]; gaps hold the last value before them."""
    observed = op.is_finite(columns)
    n = op.total(op.cast(observed, np.float64), 1, keepdims=True)
    count = op.maximum(n, 1)
    mean = op.total(op.where(observed, columns, 0), 1, keepdims=True) / count
    rest = op.where(observed, columns - mean, 0)
    deviation = op.sqrt(op.total(rest * rest, 1, keepdims=True) / count)
    has_values = n > 0
    mean = op.where(has_values, mean, moments[0][None, None])
    deviation = op.where(deviation > np.where(moments[1] < UNVARIED, 0.0, np.inf), deviation, moments[1][None, None])
    filled = hold_values(columns, moments.shape[1])
    z = op.where(has_values, (filled - mean) / deviation, 0)
    return op.clip(z, -MAX_DEVIATION, MAX_DEVIATION)
