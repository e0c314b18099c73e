"""Autoregression of many orders, of values and of changes, averaged by how well each describes the past.

    z[t] = c + sum_j d[j] x[t, j] + sum_k b[k] z[t - k],   z[t] - z[t-1] = sum_k b[k] (z[t - k] - z[t - k - 1])

with k = 1, ..., p. z is the series, standardized. The first kind returns to a mean, to a line or to a season that stays
as it is, of which x has the line and the first pairs of waves, and knows cycles of any length; the second stays where
the series is. Coefficients are found by ridge regression, those of values towards a random walk; orders go up to a
fourth of the length, and to two seasons. The forecast is the mean over all models, weighted by ``exp(-AICc / 2)``: what
a short series cannot tell is averaged instead of guessed. There is no logarithm: the other models have one, and their
mean gains more by a model that errs otherwise.

Shapes: n rows, T columns of the past, h steps, K models, p order, P largest order, R functions of time.

Source: Burnham & Anderson 2002, Model selection and multimodel inference, for the weights.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import numpy as np

from gatecast._utils.arrays import history_lengths
from gatecast._utils.typing import FloatArray, IntArray
from gatecast.forecasting.base import LocalModel, Task
from gatecast.forecasting.batches import batches_by_length, forecast_batches
from gatecast.forecasting.registry import register
from gatecast.forecasting.scaling import forward_fill

__all__ = ["Autoregression"]

ORDERS = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32)
"""Orders of any series; its season m adds m, m + 1 and 2 m + 1."""

MAX_SEASON = 60
"""Longest season that adds orders."""

WAVES = (1, 2, 3, 6)
"""Pairs of waves of a season that stays as it is: six are all that twelve months can have."""

LINE_EVIDENCE = 14.0
"""By how much the AICc of a line has to be better. Real series seldom go on along a line: validation tails of single
series gain nothing from one with less evidence, and lose nothing with this."""

MIN_ROWS_PER_ORDER = 4
"""Values of a series for each lag, at least."""

MIN_VALUES = 12
"""Values below which nothing is fitted: the forecast is a random walk's."""

RIDGE = 1e-4
"""Weight of the prior, as a share of the equations."""

MAX_BEYOND = 0.5
"""How far forecasts may go beyond the range of the past, as a share of it."""

MAX_LENGTH = 2048
"""Newest values of a series that are used."""

MAX_RESPONSE = 10.0
"""Largest response to an error: where a model is unstable, its intervals end somewhere."""

TINY = 1e-9
"""Variance, in units of the series, below which it is known exactly."""

BATCH_NUMBERS = 4_000_000
"""Numbers in the equations of a batch."""


@register
@dataclass(frozen=True)
class Autoregression(LocalModel):
    """Autoregressive models, averaged over their orders.

    Example:
        >>> y = np.sin(np.arange(80) * 2 * np.pi / 11)[None]
        >>> Autoregression().forecast(y, Task(3, quantiles=(0.5,)))[..., 0].round(1).tolist()
        [[1.0, 0.8, 0.3]]
    """

    name: ClassVar[str] = "ar"
    column: ClassVar[str] = "Autoregression"

    def forecast(self, values: FloatArray, task: Task) -> FloatArray:
        """Forecast each series from its own lags; from its last value for fewer than 12 values."""
        past = values[:, -MAX_LENGTH:]
        m = min(task.seasons or (task.season_length,))
        size = max(1, BATCH_NUMBERS // (past.shape[1] * (max(ORDERS) + 2 * min(m, MAX_SEASON))))

        def of_batch(_: IntArray, batch: FloatArray) -> FloatArray:
            """Forecast series of similar lengths."""
            return _forecast(batch, _orders(batch.shape[1], m), m, task)

        shape = (len(values), task.horizon, len(task.quantiles))
        return forecast_batches(batches_by_length(past, size), of_batch, shape)


def _orders(n: int, m: int) -> list[int]:
    """Return the orders that n values allow."""
    seasonal = [m, m + 1, 2 * m + 1] if 1 < m <= MAX_SEASON else []
    return sorted({p for p in (*ORDERS, *seasonal) if p < n // MIN_ROWS_PER_ORDER}) or [1]


def _forecast(values: FloatArray, orders: list[int], m: int, task: Task) -> FloatArray:
    """Return quantiles of series of similar lengths, [n, h, Q]."""
    n = history_lengths(values)
    size = np.where(np.isfinite(values), np.abs(values), 0.0).max(axis=1, keepdims=True)
    size[size == 0] = 1.0
    z = forward_fill(values / size)
    inside = np.arange(z.shape[1]) >= z.shape[1] - n[:, None]
    mean = np.where(inside, z, 0.0).sum(axis=1, keepdims=True) / n[:, None]
    deviation = np.sqrt((np.where(inside, z - mean, 0.0) ** 2).sum(axis=1, keepdims=True) / n[:, None])
    unit = np.where(deviation > 0, deviation, 1.0)
    z = (z - mean) / unit
    point, spread = _continue(z, _fit(z, n, orders, m), _functions(np.arange(1, task.horizon + 1), n, m))
    q = LocalModel.normal_quantiles(point * unit + mean, spread * unit, task.quantiles)
    return np.asarray(q * size[..., None])


def _functions(steps: IntArray, n: IntArray, m: int) -> FloatArray:
    """Return a line of unit variance over the past of each series, and waves of its season, [n, len(steps), R].

    Args:
        steps: After the last value; 0 is the last value itself.
        n: Values of each series.
        m: Season length.
    """
    line = np.sqrt(12.0) * steps / n[:, None]
    waves = [
        wave(2 * np.pi * k * steps / m)
        for k in range(1, max(_waves(m), default=0) + 1)
        for wave in ((np.cos, np.sin) if 2 * k < m else (np.cos,))
    ]
    return np.stack([line, *(np.broadcast_to(wave, line.shape) for wave in waves)], axis=2)


def _waves(m: int) -> list[int]:
    """Return how many pairs of waves models of a season have."""
    return [k for k in WAVES if 2 * k <= m] if m <= MAX_SEASON else []


class _Models(NamedTuple):
    """Fitted models.

    Args:
        lags: Coefficients of the values 1, ..., P + 1 steps before, [n, K, P + 1].
        constant: [n, K].
        time: Coefficients of the functions of time, [n, K, R].
        variance: Of the errors, [n, K].
        weights: They sum to 1, [n, K].
    """

    lags: FloatArray
    constant: FloatArray
    time: FloatArray
    variance: FloatArray
    weights: FloatArray


class _Equations(NamedTuple):
    """Sums of products of an autoregression of the largest order, of which lower orders are a part.

    Args:
        gram: Of the lags, the functions of time and the constant, [n, P + R + 1, P + R + 1].
        moment: Of the same with the value itself, [n, P + R + 1].
        square: Of the value itself, [n].
        n_equations: [n].
    """

    gram: FloatArray
    moment: FloatArray
    square: FloatArray
    n_equations: FloatArray

    @classmethod
    def of(cls, x: FloatArray, first: IntArray, P: int, functions: FloatArray) -> _Equations:
        """Return the sums over the columns from the first one of each series [n] on; functions of time [n, T, R]."""
        T = x.shape[1]
        counts = (np.arange(P + 1, T) >= first[:, None]).astype(np.float64)
        # [n, P + R + 1, T - P - 1]: a lag is a piece of the series, so that filling it is copying.
        X = np.empty((len(x), P + functions.shape[2] + 1, counts.shape[1]))
        for k in range(1, P + 1):
            X[:, k - 1] = x[:, P + 1 - k : T - k]
        X[:, P:-1] = functions[:, P + 1 :].transpose(0, 2, 1)
        X[:, -1] = 1.0
        if not counts.all():
            X *= counts[:, None]
        y = x[:, P + 1 :] * counts
        moment = (X @ y[:, :, None])[..., 0]
        return cls(X @ X.transpose(0, 2, 1), moment, (y * y).sum(axis=1), counts.sum(axis=1))


def _fit(z: FloatArray, n: IntArray, orders: Sequence[int], m: int) -> _Models:
    """Fit all orders, of values and of changes, to the same equations of each series."""
    P, T = max(orders), z.shape[1]
    allowed = np.array([[p < max(length // MIN_ROWS_PER_ORDER, 2) for p in orders] for length in n])
    first = np.where(n < MIN_VALUES, T, T - n + np.where(allowed, orders, 0).max(axis=1) + 1)
    functions = _functions(np.arange(1 - T, 1), n, m)
    values = _Equations.of(z, first, P, functions)
    changes = _Equations.of(np.diff(z, axis=1, prepend=z[:, :1]), first, P, functions[:, :, :0])
    kinds = _kinds(m)
    parts = [_level_model(values, p, P, kind) for kind in kinds for p in orders]
    parts += [_change_model(changes, p, functions.shape[2]) for p in orders]
    lags, constant, time, variance, criterion = (np.stack(items, axis=1) for items in zip(*parts, strict=True))
    criterion = np.where(np.tile(allowed, len(kinds) + 1), criterion, np.inf)
    merit = np.exp(-0.5 * (criterion - criterion.min(axis=1, keepdims=True)))
    walk = (np.diff(z, axis=1) ** 2).sum(axis=1) / np.maximum(n - 1, 1)
    variance = np.where((n < MIN_VALUES)[:, None], walk[:, None], variance)
    return _Models(lags, constant, time, variance, merit / merit.sum(axis=1, keepdims=True))


def _kinds(m: int) -> list[list[int]]:
    """Return the functions of time, by position, of each kind of model of values: none, a line, waves, or both."""
    waves: list[list[int]] = [[], *(list(range(1, 1 + min(2 * k, m - 1))) for k in _waves(m))]
    return [[*line, *part] for part in waves for line in ([], [0])]


_Model = tuple[FloatArray, FloatArray, FloatArray, FloatArray, FloatArray]
"""Lags [n, P + 1], constant [n], coefficients of time [n, R], variance of the errors and criterion [n]."""


def _level_model(equations: _Equations, p: int, P: int, kind: list[int]) -> _Model:
    """Fit an autoregression of values with functions of time, drawn to a random walk."""
    n, last = equations.moment.shape
    prior = np.zeros(p + len(kind) + 1)
    prior[0] = 1.0
    b, variance, criterion = _solve(equations, [*range(p), *(P + j for j in kind), last - 1], prior)
    lags, time = np.zeros((n, P + 1)), np.zeros((n, last - 1 - P))
    lags[:, :p], time[:, kind] = b[:, :p], b[:, p:-1]
    return lags, b[:, -1], time, variance, criterion + LINE_EVIDENCE * (0 in kind)


def _change_model(equations: _Equations, p: int, n_functions: int) -> _Model:
    """Fit an autoregression of changes, drawn to a random walk, and write it as one of values."""
    P = equations.moment.shape[1] - 1
    b, variance, criterion = _solve(equations, list(range(p)), np.zeros(p))
    lags = np.zeros((len(b), P + 1))
    lags[:, 0] = 1.0
    lags[:, :p] += b
    lags[:, 1 : p + 1] -= b
    return lags, np.zeros(len(b)), np.zeros((len(b), n_functions)), variance, criterion


def _solve(equations: _Equations, columns: list[int], prior: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return the coefficients of some columns, the variance of the errors and AICc."""
    gram, moment = equations.gram[:, columns][:, :, columns], equations.moment[:, columns]
    count = np.maximum(equations.n_equations, 1.0)
    penalty = (RIDGE * equations.square + TINY)[:, None, None] * np.eye(len(columns))
    target = moment - gram @ prior
    b = prior + np.linalg.solve(gram + penalty, target[..., None])[..., 0]
    squares = equations.square - 2 * (b * moment).sum(axis=1) + (b * (gram @ b[..., None])[..., 0]).sum(axis=1)
    variance = np.maximum(squares, 0.0) / count + TINY
    k = len(columns) + 1
    correction = 2 * k * (k + 1) / np.maximum(count - k - 1, 1.0)
    return b, variance, count * np.log(variance) + 2 * k + correction


def _continue(z: FloatArray, models: _Models, functions: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return the mean of all models and the deviation of its errors, [n, h], with the functions of time [n, h, R]."""
    K, length, h = *models.lags.shape[1:], functions.shape[1]
    given = models.constant[:, :, None] + models.time @ functions.transpose(0, 2, 1)
    past = z[:, -length:]
    path = np.zeros((len(z), K, length + h))
    path[:, :, :length] = np.pad(past, ((0, 0), (length - past.shape[1], 0)), mode="edge")[:, None]
    impulse = np.zeros((len(z), K, length + h))
    impulse[:, :, length] = 1.0
    low, high = z.min(axis=1), z.max(axis=1)
    beyond = MAX_BEYOND * (high - low)
    low, high, reverse = (low - beyond)[:, None], (high + beyond)[:, None], models.lags[:, :, ::-1]
    for i in range(length, length + h):
        path[:, :, i] = np.clip((path[:, :, i - length : i] * reverse).sum(axis=2) + given[:, :, i - length], low, high)
        if i > length:
            response = (impulse[:, :, i - length : i] * reverse).sum(axis=2)
            impulse[:, :, i] = np.clip(response, -MAX_RESPONSE, MAX_RESPONSE)
    points, w = path[:, :, length:], models.weights[:, :, None]
    mean = (w * points).sum(axis=1)
    variances = models.variance[:, :, None] * np.cumsum(impulse[:, :, length:] ** 2, axis=2)
    return mean, np.sqrt((w * (variances + (points - mean[:, None]) ** 2)).sum(axis=1))
