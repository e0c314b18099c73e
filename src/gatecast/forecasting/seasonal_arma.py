"""Autoregressions with moving averages of seasonal changes, averaged over grids by how well each describes the past.

    w[t] = (1 - B)^d (1 - B^m) z[t],   w = (1 + a B) (1 + b B^m) u,   u[t] = c + f u[t - 1] + g u[t - m] + e[t]

with B z[t] = z[t - 1] and d = 0 or 1: seasonal ARIMA models, the "airline model" among them. a and b are on a grid;
given them, f, g and c, each of which a model may lack, have closed solutions, so there is nothing to search for. c, a
drift, is for d = 0 alone. The forecast is the mean over all models, weighted by ``exp(-AICc / 2)``. A moving average of
the seasonal changes forgets old seasons slowly, which an autoregression needs many seasons of lags for.

Shapes: n rows, T columns of the past, h steps, m season length, G pairs of the grid, M models of a d, K models kept.

Source: Box & Jenkins 1970, Time series analysis, for the models.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import numpy as np

from gatecast._utils.arrays import history_lengths
from gatecast._utils.typing import BoolArray, FloatArray, IntArray
from gatecast.forecasting.base import LocalModel, Task
from gatecast.forecasting.baselines import seasonal_naive
from gatecast.forecasting.batches import batches_by_length, forecast_batches
from gatecast.forecasting.own_seasons import season_spread
from gatecast.forecasting.registry import register
from gatecast.forecasting.scaling import forward_fill

__all__ = ["SeasonalArma"]

STEP, SEASON = (-0.9, -0.75, -0.6, -0.4, -0.2, 0.0, 0.25, 0.5), (-0.85, -0.65, -0.4, 0.0)
"""Moving averages of a step and of a season that are tried."""

A, B = (grid.ravel() for grid in np.meshgrid(STEP, SEASON))
"""All pairs of these."""

F, G, C = range(3)
"""Columns of the equations."""

KINDS: tuple[list[int], ...] = ([], [F], [G], [F, G])
"""Which of f and g a model has, for d = 1; for d = 0 the same again with c."""

RIDGE = 0.1
"""Weight of a prior of no autoregression, as a share of the equations."""

N_KEPT = 24
"""Models of a series that its forecast is made of: the others have next to no weight."""

MIN_CYCLES, MIN_ROWS = 3, 6
"""A series has three cycles and six values at least; else it has the seasonal naive forecast."""

MAX_LENGTH = 400
"""Newest values of a series that are used, if these are four seasons at least."""

MAX_BEYOND = 0.75
"""How far forecasts may go beyond the range of the past, as a share of it."""

MAX_RESPONSE = 10.0
"""Largest response to an error: where a model is unstable, its intervals end somewhere."""

TINY = 1e-9
"""Variance, in units of the mean change, below which it is known exactly."""

BATCH_NUMBERS = 500_000
"""Values of a batch times the pairs of the grid."""


@register
@dataclass(frozen=True)
class SeasonalArma(LocalModel):
    """Seasonal ARIMA models, averaged.

    Example:
        >>> y = np.tile([1.0, 3.0, 2.0, 5.0], 8)[None] + np.arange(32)
        >>> SeasonalArma().forecast(y, Task(4, 4, (0.5,)))[..., 0].round(1).tolist()
        [[33.0, 36.0, 36.0, 40.0]]
    """

    name: ClassVar[str] = "seasonal-arma"
    column: ClassVar[str] = "SeasonalArma"

    def forecast(self, values: FloatArray, task: Task) -> FloatArray:
        """Forecast each series from its seasonal changes; seasonal naive without a season, or with too few of them."""
        m, h = task.season_length, task.horizon
        past = values[:, -max(MAX_LENGTH, (MIN_CYCLES + 1) * m) :]
        n = history_lengths(past)
        past = np.where((n >= MIN_CYCLES * m + MIN_ROWS)[:, None] & (m > 1), past, np.nan)
        size = max(1, BATCH_NUMBERS // (past.shape[1] * len(A)))

        def of_batch(_: IntArray, batch: FloatArray) -> FloatArray:
            """Forecast series of similar lengths."""
            return _forecast(batch, m, task)

        shape = (len(values), h, len(task.quantiles))
        forecast = forecast_batches(batches_by_length(past, size), of_batch, shape)
        simple = self.normal_quantiles(seasonal_naive(values, h, m), season_spread(values, h, m), task.quantiles)
        return np.where(np.isfinite(forecast), forecast, simple)


def _forecast(values: FloatArray, m: int, task: Task) -> FloatArray:
    """Return quantiles of series of similar lengths, [n, h, Q]."""
    first = np.isfinite(values).argmax(axis=1)
    z = forward_fill(values)
    z = np.where(np.isfinite(z), z, np.take_along_axis(z, first[:, None], axis=1))
    center = z[:, -1:].copy()
    change = np.abs(np.diff(z, axis=1)).sum(axis=1, keepdims=True) / (z.shape[1] - 1 - first)[:, None]
    unit = np.where(change > 0, change, 1.0)
    z = (z - center) / unit
    parts = [_fit(z, first, d, m) for d in (0, 1)]
    point, spread = _average(z, [part for part, _ in parts], [u for _, u in parts], m, task.horizon)
    return LocalModel.normal_quantiles(point * unit + center, spread * unit, task.quantiles)


class _Models(NamedTuple):
    """Models of a d, of all kinds and pairs of the grid.

    Args:
        f: [n, M].
        g: [n, M].
        c: [n, M].
        variance: Of the errors, [n, M].
        criterion: AICc, [n, M].
    """

    f: FloatArray
    g: FloatArray
    c: FloatArray
    variance: FloatArray
    criterion: FloatArray


def _fit(z: FloatArray, first: IntArray, d: int, m: int) -> tuple[_Models, FloatArray]:
    """Return all models of a d, and u for each pair of the grid, [n, G, T]."""
    T = z.shape[1]
    u = _without_moving_average(_changes(z, first, d, m), m)
    # The same equations for both d: their errors are those of the same values one step ahead.
    counts = np.arange(T) >= (first + m + 1 + np.minimum(m, (T - first) // 6))[:, None]
    gram, count = _gram(u, counts, m), counts.sum(axis=1)[:, None]
    kinds = KINDS if d else (*KINDS, *([*columns, C] for columns in KINDS))
    fits = [_solve(gram, columns, count) for columns in kinds]
    return _Models(*(np.concatenate(items, axis=1) for items in zip(*fits, strict=True))), u


def _changes(z: FloatArray, first: IntArray, d: int, m: int) -> FloatArray:
    """Return the seasonal changes, or the changes of these, [n, T]; 0 where they are not known."""
    w = np.zeros_like(z)
    w[:, m:] = z[:, m:] - z[:, :-m]
    if d:
        w[:, 1:] -= w[:, :-1].copy()
    return np.where(np.arange(z.shape[1]) >= (first + m + d)[:, None], w, 0.0)


def _without_moving_average(w: FloatArray, m: int) -> FloatArray:
    """Return u for each pair of the grid, [n, G, T]."""
    n, T = w.shape
    u, product = np.zeros((T + m + 1, n, len(A))), A * B
    for t in range(m + 1, T + m + 1):
        u[t] = w[:, t - m - 1, None] - A * u[t - 1] - B * u[t - m] - product * u[t - m - 1]
    return np.asarray(u[m + 1 :].transpose(1, 2, 0))


def _gram(u: FloatArray, counts: BoolArray, m: int) -> FloatArray:
    """Return sums of products of u a step and a season before, 1 and u itself, [n, G, 4, 4]."""
    X = np.zeros((*u.shape[:2], 4, u.shape[2]))
    X[:, :, 0, 1:], X[:, :, 1, m:], X[:, :, 2], X[:, :, 3] = u[..., :-1], u[..., :-m], 1.0, u
    X *= counts[:, None, None]
    return np.asarray(X @ X.transpose(0, 1, 3, 2))


def _solve(gram: FloatArray, columns: list[int], count: IntArray) -> tuple[FloatArray, ...]:
    """Return f, g, c, the variance of the errors and AICc of a kind of models, [n, G] each."""
    square, moment = gram[..., 3, 3], gram[..., columns, 3]
    X = gram[:, :, columns][..., columns]
    penalty = (RIDGE * square[..., None] + TINY) * (np.array(columns) != C)
    b = np.linalg.solve(X + penalty[..., None] * np.eye(len(columns)), moment[..., None])[..., 0]
    squares = square - 2 * (b * moment).sum(axis=-1) + (b * (X @ b[..., None])[..., 0]).sum(axis=-1)
    variance = np.maximum(squares, 0.0) / count + TINY
    k = len(columns) + 2
    criterion = count * np.log(variance) + 2 * k + 2 * k * (k + 1) / np.maximum(count - k - 1, 1)
    coefficients = np.zeros((3, *square.shape))
    coefficients[columns] = np.moveaxis(b, -1, 0)
    return (*coefficients, variance, criterion)


def _average(z: FloatArray, parts: list[_Models], u: list[FloatArray], m: int, h: int) -> tuple[FloatArray, FloatArray]:
    """Return the mean of the best models and the deviation of its errors, [n, h]."""
    models = _Models(*(np.concatenate(items, axis=1) for items in zip(*parts, strict=True)))
    best = np.argpartition(models.criterion, N_KEPT, axis=1)[:, :N_KEPT]
    f, g, c, variance, criterion = (np.take_along_axis(item, best, axis=1) for item in models)
    w = np.exp(-0.5 * (criterion - criterion.min(axis=1, keepdims=True)))
    w = (w / w.sum(axis=1, keepdims=True))[..., None]
    d, pair = (best >= parts[0].f.shape[1]).astype(np.int64), best % len(A)
    past = np.stack(u)[d, np.arange(len(z))[:, None], pair, -m - 1 :]
    points = _integrate(z[:, None, -m - 1 :], _continue(past, f, g, c, h), A[pair], B[pair], d, m)
    impulse = _continue(np.zeros_like(past), f, g, np.zeros_like(c), h, error=1.0)
    response = _integrate(np.zeros((1, 1, m + 1)), impulse, A[pair], B[pair], d, m)
    response = np.clip(response, -MAX_RESPONSE, MAX_RESPONSE)
    low, high = z.min(axis=1)[:, None, None], z.max(axis=1)[:, None, None]
    points = np.clip(points, low - MAX_BEYOND * (high - low), high + MAX_BEYOND * (high - low))
    mean = (w * points).sum(axis=1)
    variances = variance[..., None] * np.cumsum(response**2, axis=2)
    return mean, np.sqrt((w * (variances + (points - mean[:, None]) ** 2)).sum(axis=1))


def _continue(past: FloatArray, f: FloatArray, g: FloatArray, c: FloatArray, h: int, error: float = 0.0) -> FloatArray:
    """Return u of the past and of h steps ahead, with an error in the first of these, [n, K, m + 1 + h]."""
    length = past.shape[2]
    path = np.concatenate([past, np.zeros((*past.shape[:2], h))], axis=2)
    for t in range(length, length + h):
        path[..., t] = c + f * path[..., t - 1] + g * path[..., t - length + 1]
        path[..., t] += error * (t == length)
    return path


def _integrate(z: FloatArray, u: FloatArray, a: FloatArray, b: FloatArray, d: IntArray, m: int) -> FloatArray:
    """Return values from the newest m + 1 of the past, [n or 1, 1, m + 1], and u of these and h more: [n, K, h]."""
    a, b = a[..., None], b[..., None]
    w = u[..., m + 1 :] + a * u[..., m:-1] + b * u[..., 1:-m] + a * b * u[..., : -m - 1]
    path = np.concatenate([np.broadcast_to(z, (*u.shape[:2], m + 1)), w], axis=2)
    for t in range(m + 1, path.shape[2]):
        path[..., t] += path[..., t - m] + d * (path[..., t - 1] - path[..., t - m - 1])
    return path[..., m + 1 :]
