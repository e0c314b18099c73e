"""Exponential smoothing with two seasons, such as the day and the week, averaged over a grid of models.

With a level l, indices of a short season s and of a long one w, of m and M steps, added to the logarithm of a positive
series::

    r[t] = z[t] - l[t-1] - s[t-m] - w[t-M]
    l[t] = l[t-1] + alpha r[t],    s[t] = s[t-m] + gamma r[t],    w[t] = w[t-M] + delta r[t]
    f[t+k] = l[t] + s[t+k-m] + w[t+k-M] + phi^k r[t]

The last term corrects forecasts for what the newest value was off, as Taylor does. Models are judged by their absolute
errors over the whole horizon, from an origin a short season in the newest two long ones, and averaged by these errors
to the minus 16: the best parameters of one step forecast a week worse, and the single best model varies by chance.

Shapes: n rows, T columns of the past, h steps, K models by alpha, gamma and delta, F values of phi, Q quantiles.

Source: Taylor 2003, Short-term electricity demand forecasting using double seasonal exponential smoothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from typing import ClassVar

import numpy as np

from gatecast._utils.arrays import history_lengths
from gatecast._utils.typing import BoolArray, FloatArray, IntArray
from gatecast.forecasting.base import LocalModel, Task
from gatecast.forecasting.own_seasons import by_own_season
from gatecast.forecasting.registry import register
from gatecast.forecasting.scaling import has_logarithm, without_zeros

__all__ = ["DoubleSeasonal", "season_pair"]

ALPHAS, GAMMAS, DELTAS = (0.0, 0.01, 0.05), (0.05, 0.2), (0.1, 0.25, 0.4)
"""Weights of the newest residual in the level, the short and the long season."""

PHIS = np.array([0.0, 0.5, 0.8, 0.9, 0.95, 0.98, 0.99])
"""Autocorrelation of the residuals."""

POWER = 16.0
"""Weights of the models are their past errors to the minus this."""

MAX_CYCLES = 10
"""Newest long seasons that are used."""

FIRST_CYCLES = 2
"""Long seasons whose means are the first indices."""

JUDGED_CYCLES = 2
"""Newest long seasons in which the models are judged."""

MIN_CYCLES = 3
"""Long seasons below which a series has the seasonal naive forecast."""

BATCH_NUMBERS = 4_000_000
"""Numbers in the indices and in the judged errors of a batch."""


@register
@dataclass(frozen=True)
class DoubleSeasonal(LocalModel):
    """Exponential smoothing with two seasons.

    Source: Taylor 2003.

    Example:
        >>> y = np.tile([1.0, 3.0, 1.0, 3.0, 1.0, 5.0], 4)[None]
        >>> DoubleSeasonal().forecast(y, Task(6, 6, (0.5,), seasons=(2, 6)))[..., 0].round(2).tolist()
        [[1.0, 3.0, 1.0, 3.0, 1.0, 5.0]]
    """

    name: ClassVar[str] = "double-seasonal"
    column: ClassVar[str] = "DoubleSeasonal"

    def forecast(self, values: FloatArray, task: Task) -> FloatArray:
        """Forecast each series from its newest ten long seasons; seasonal naive without two seasons or three cycles."""
        forecasts = by_own_season(values, task)
        pair = season_pair(task.seasons)
        if pair is None:
            return forecasts
        past = values[:, -MAX_CYCLES * pair[1] :]
        n = history_lengths(past)
        long = np.flatnonzero(n >= MIN_CYCLES * pair[1])
        numbers = len(ALPHAS) * len(GAMMAS) * len(DELTAS) * (pair[1] + len(PHIS) * task.horizon)
        size = max(1, BATCH_NUMBERS // numbers)
        for rows in (long[start : start + size] for start in range(0, len(long), size)):
            forecasts[rows] = _forecast(past[rows, -int(n[rows].max()) :], n[rows], pair, task)
        return forecasts


def season_pair(seasons: Sequence[int]) -> tuple[int, int] | None:
    """Return the shortest season, and the next that holds it a whole number of times; None without such a pair.

    Example:
        >>> season_pair((24, 168)), season_pair((12,)), season_pair((7, 365))
        ((24, 168), None, None)
    """
    first = min(seasons, default=1)
    multiples = [m for m in sorted(seasons) if m > first and m % first == 0]
    return (first, multiples[0]) if first > 1 and multiples else None


def _forecast(values: FloatArray, n: IntArray, pair: tuple[int, int], task: Task) -> FloatArray:
    """Return quantiles of series with three long seasons each, [n, h, Q]."""
    positive = has_logarithm(values)
    values = without_zeros(values, positive)
    with np.errstate(all="ignore"):
        z = np.where(positive[:, None], np.log(values), values)
    smoothing = _Smoothing(z, n, pair)
    errors = _PastErrors(z, pair, task.horizon)
    for t in range(z.shape[1]):
        errors.add(smoothing, t)
        smoothing.step(z[:, t], t - z.shape[1])
    weights = errors.weights()
    points = smoothing.points(0, task.horizon) + smoothing.corrections(task.horizon)
    mean, deviation = ((weights * x).sum(axis=(0, 3)).T for x in (points, errors.deviations()))
    q = LocalModel.normal_quantiles(mean, deviation, task.quantiles)
    return np.where(positive[:, None, None], np.exp(np.minimum(q, 700.0)), q)


class _Smoothing:
    """Levels and indices of all models of all series, which follow the values a step at a time.

    Args:
        z: Series aligned at their ends, [n, T]; NaN is missing.
        n: Values of each.
        pair: Steps of the short and the long season.
    """

    def __init__(self, z: FloatArray, n: IntArray, pair: tuple[int, int]) -> None:
        self.alpha, self.gamma, self.delta = np.array(list(product(ALPHAS, GAMMAS, DELTAS))).T
        m, M = self.pair = pair
        first = z.shape[1] - n
        columns = first[:, None] + np.arange(FIRST_CYCLES * M)
        base = np.take_along_axis(z, columns, axis=1)
        level = _mean(base, 1)
        long = _mean((base - level).reshape(len(z), FIRST_CYCLES, M), 1)[:, 0]
        short = long.reshape(len(z), -1, m).mean(axis=1)
        rest = long - np.tile(short, M // m)
        K = len(self.alpha)
        self.level = np.repeat(level, K, axis=1)
        self.short, self.long = (np.repeat(_by_place(index, n).T[:, :, None], K, axis=2) for index in (short, rest))
        self.residual = np.zeros_like(self.level)

    def step(self, z: FloatArray, t: int) -> None:
        """Follow the values [n] of column t, which is negative; where one is missing, nothing changes."""
        m, M = self.pair
        i, j = t % m, t % M
        r = np.where(np.isfinite(z)[:, None], z[:, None] - self.level - self.short[i] - self.long[j], 0.0)
        self.level += self.alpha * r
        self.short[i] += self.gamma * r
        self.long[j] += self.delta * r
        self.residual = r

    def points(self, t: int, h: int) -> FloatArray:
        """Return forecasts of the columns t, ..., t + h - 1 without the correction, [h, n, K]."""
        m, M = self.pair
        steps = t + np.arange(h)
        return np.asarray(self.level + self.short[steps % m] + self.long[steps % M])

    def corrections(self, h: int) -> FloatArray:
        """Return what the newest residual adds, [F, h, n, K]."""
        decay = PHIS[:, None] ** np.arange(1, h + 1)
        return np.asarray(decay[:, :, None, None] * self.residual)


class _PastErrors:
    """Absolute errors of all models by step ahead, from an origin a short season.

    Args:
        z: Series aligned at their ends, [n, T]; NaN is missing.
        pair: Steps of the short and the long season.
        h: Steps ahead.
    """

    def __init__(self, z: FloatArray, pair: tuple[int, int], h: int) -> None:
        self.z, self.pair, self.h = z, pair, h
        K = len(ALPHAS) * len(GAMMAS) * len(DELTAS)
        self.errors = np.zeros((len(PHIS), h, len(z), K))
        self.counts = np.zeros((h, len(z), 1))

    def add(self, smoothing: _Smoothing, t: int) -> None:
        """Add the errors of the forecasts from before column t, where that is an origin."""
        to_end, (m, M) = self.z.shape[1] - t, self.pair
        if to_end > JUDGED_CYCLES * M or to_end % m:
            return
        h = min(self.h, to_end)
        error = self.z[:, t : t + h].T[:, :, None] - smoothing.points(-to_end, h)
        known = np.isfinite(error)
        self.errors[:, :h] += np.abs(np.where(known, error - smoothing.corrections(h), 0.0))
        self.counts[:h] += known[..., :1]

    def weights(self) -> FloatArray:
        """Return the weights of the models, [F, 1, n, K], which sum to 1 over F and K."""
        total = self.errors.sum(axis=1, keepdims=True)
        ratio = (total + _TINY) / (total.min(axis=(0, 3), keepdims=True) + _TINY)
        merit = ratio**-POWER
        return np.asarray(merit / merit.sum(axis=(0, 3), keepdims=True))

    def deviations(self) -> FloatArray:
        """Return standard deviations of the errors by step, [F, h, n, K]: the mean over a short season around it.

        Steps that are further ahead than those of any origin go on from the last of these with the square root of time.
        """
        m = min(self.pair[0], self.h)
        judged = np.flatnonzero(self.counts.any(axis=(1, 2)))
        n_judged = int(judged[-1]) + 1 if len(judged) else 0
        if n_judged == 0:
            return np.zeros_like(self.errors)
        sums, counts = (_moving_sum(x[:, :n_judged], min(m, n_judged)) for x in (self.errors, self.counts[None]))
        deviations = sums / np.maximum(counts, 1) * np.sqrt(np.pi / 2)
        growth = np.sqrt(np.arange(n_judged + 1, self.h + 1) / n_judged)[:, None, None]
        return np.concatenate([deviations, deviations[:, -1:] * growth], axis=1)


_TINY = 1e-300


def _mean(values: FloatArray, axis: int) -> FloatArray:
    """Return means of what is known, 0 where nothing is; the axis stays."""
    known: BoolArray = np.isfinite(values)
    total = np.where(known, values, 0.0).sum(axis=axis, keepdims=True)
    return np.asarray(total / np.maximum(known.sum(axis=axis, keepdims=True), 1))


def _by_place(index: FloatArray, n: IntArray) -> FloatArray:
    """Return indices that begin with the first value of each series so that those of its end come last, [n, season]."""
    m = index.shape[1]
    return np.take_along_axis(index, (np.arange(m) + n[:, None]) % m, axis=1)


def _moving_sum(values: FloatArray, m: int) -> FloatArray:
    """Return sums of m neighbors along the second axis, fewer at its ends."""
    h = values.shape[1]
    total = np.concatenate([np.zeros_like(values[:, :1]), np.cumsum(values, axis=1)], axis=1)
    start = np.clip(np.arange(h) - m // 2, 0, h - m)
    return np.asarray(total[:, start + m] - total[:, start])
