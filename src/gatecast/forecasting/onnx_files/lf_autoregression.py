"""Autoregressions at every step as operators: `pretrained.lf.autoregression`, where all is explained.

Matrices are lists of their numbers: tensors of them would need a hundred times the memory of a series.

Shapes: B series, G blocks of steps that share their seasonal indices, T steps, P lags, R = P + 1 regressors of which
the constant is the last.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from gatecast.forecasting.onnx_files.running import largest_so_far, shifted, so_far
from gatecast.forecasting.pretrained.lf.autoregression import HORIZONS, MARGIN, MAX_STEPS, RIDGE
from gatecast.kernels.autoregression import LAGS
from gatecast.nn.onnx_files import operations as op
from gatecast.nn.onnx_files.builder import Value

__all__ = ["GraphAutoregression", "graph_autoregression"]

RANK, REGRESSORS = 3, LAGS + 1


class GraphAutoregression(NamedTuple):
    """What forecasts go on from, of any shape."""

    coefficients: list[Value]
    constant: Value
    lags: list[Value]
    low: Value
    high: Value

    def flat(self) -> list[Value]:
        """Return all of them in a list."""
        return [*self.coefficients, self.constant, *self.lags, self.low, self.high]

    @classmethod
    def from_flat(cls, parts: list[Value]) -> GraphAutoregression:
        """Return an autoregression from such a list."""
        return cls(parts[:LAGS], parts[LAGS], parts[LAGS + 1 : 2 * LAGS + 1], *parts[2 * LAGS + 1 :])

    def forecast(self, n_steps: int) -> list[Value]:
        """Return the forecasts of n steps."""
        lags, points = self.lags, []
        for _ in range(n_steps):
            value = self.constant
            for coefficient, lag in zip(self.coefficients, lags, strict=True):
                value = value + coefficient * lag
            value = op.minimum(op.maximum(value, self.low), self.high)
            lags = [value, *lags[:-1]]
            points.append(value)
        return points

    def horizons(self) -> list[Value]:
        """Return the forecasts that the network reads."""
        points = self.forecast(HORIZONS[-1])
        return [points[h - 1] for h in HORIZONS]

    def forecast_behind(self, gap: Value, n_steps: int) -> Value:
        """Return the forecasts of steps behind origins, [B, n_steps], of parts [B, 1].

        Args:
            gap: Steps from the newest value to each origin, [B, 1] float64.
            n_steps: Steps to forecast.
        """
        every = op.concatenate(self.forecast(MAX_STEPS), 1)
        steps = op.minimum(op.cast(gap, np.int64) + np.arange(n_steps), MAX_STEPS - 1)
        return op.take_along_axis(every, steps, 1)


def graph_autoregression(
    x: Value, observed: Value, hold: Callable[[Value], Value], unit: Value, level: Value, cycle: int, T: int
) -> tuple[GraphAutoregression, list[Value]]:
    """Fit an autoregression at every step.

    Args:
        x: [B, G, T], without gaps.
        observed: 0 and 1, [B, 1, T].
        hold: Returns a statistic with that of the newest value at missing ones.
        unit: Size of changes so far.
        level: What forecasts are relative to.
        cycle: Steps ahead of the longer past errors.
        T: Steps.

    Returns:
        The fits, in units and relative to the level; and past errors one step and a cycle ahead; [B, G, T] each.
    """
    start = op.slice_of(x, 2, 0, 1)
    z, base = x - start, level - start
    lags = [shifted(z, RANK, k, T) for k in range(1, LAGS + 1)]
    change, *rest = _ridge_regression(z, lags, observed * (np.arange(T) > 0).astype(np.float64), unit)
    coefficients, constant = [change + 1, *rest[:-1]], rest[-1]
    newest = [z, *(hold(lag) for lag in lags[:-1])]
    low, high = -largest_so_far(-z, RANK, T), largest_so_far(z, RANK, T)
    margin = MARGIN * (high - low)
    fitted = GraphAutoregression(coefficients, constant, newest, low - margin, high + margin)
    points, errors = fitted.forecast(cycle), []
    for k in (1, cycle):
        o = observed * (np.arange(T) >= k).astype(np.float64)
        miss = op.absolute(z - shifted(points[k - 1], RANK, k, T)) * o
        errors.append(so_far(miss) / op.maximum(so_far(o), 1))
    per_unit = 1 / unit
    moved = constant - base
    for coefficient in coefficients:
        moved = moved + coefficient * base
    lags, limits = ([(part - base) * per_unit for part in parts] for parts in (newest, (fitted.low, fitted.high)))
    return GraphAutoregression(coefficients, moved * per_unit, lags, *limits), errors


def _ridge_regression(z: Value, lags: list[Value], weight: Value, unit: Value) -> list[Value]:
    """Return the coefficients of the lags, less those of a random walk, and the constant; by an LDL' decomposition."""
    rows, change = [*lags, None], z - lags[0]  # None is the constant
    weighted = [weight * lag for lag in lags] + [weight]

    def sum_of(i: int, other: Value | None) -> Value:
        """Return the running sum of a regressor times another number."""
        return so_far(weighted[i] if other is None else weighted[i] * other)

    squared = unit * unit
    penalty = [*(float(ridge) * squared for ridge in RIDGE[:-1]), float(RIDGE[-1])]
    solution = [sum_of(i, change) for i in range(REGRESSORS)]
    factor: list[list[Value]] = []
    pivots: list[Value] = []
    for i in range(REGRESSORS):
        row: list[Value] = []
        for j in range(i):
            number = sum_of(i, rows[j])
            for k in range(j):
                number = number - row[k] * pivots[k] * factor[j][k]
            row.append(number / pivots[j])
        pivot = sum_of(i, rows[i]) + penalty[i]
        for k in range(i):
            pivot = pivot - row[k] * row[k] * pivots[k]
        factor.append(row)
        pivots.append(pivot)
    for i in range(REGRESSORS):
        for j in range(i):
            solution[i] = solution[i] - factor[i][j] * solution[j]
    for i in reversed(range(REGRESSORS)):
        solution[i] = solution[i] / pivots[i]
        for j in range(i + 1, REGRESSORS):
            solution[i] = solution[i] - factor[j][i] * solution[j]
    return solution
