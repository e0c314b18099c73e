"""The dynamic optimised theta method for a whole panel at once: the statistical companion of the networks.

Letters: S series, T columns, n points of a series, h horizon, m season, Q quantiles, a alpha, w = 1 - 1 / theta.

A line and exponential smoothing, mixed: with the level ``l[t] = a y[t] + (1 - a) l[t-1]`` and the line A + B t through
what was seen so far::

    mu[t+1] = l[t] + w ((1 - a)^(t+1) A[t] + (1 - (1 - a)^(t+2)) / a B[t])

Given a, the errors are linear in w and in the first level, so both have a closed least-squares solution, and only a is
searched for: no local minima, and all series side by side.

Source: Fiorucci, Pellegrini, Louzada, Petropoulos & Koehler 2016; the recursion as in their package forecTheta.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import ClassVar, NamedTuple

import numpy as np
import numpy.typing as npt

from gatecast.forecasting.base import LocalModel, Task
from gatecast.forecasting.registry import register
from gatecast.forecasting.scaling import fit_scaler, forward_fill

__all__ = ["DynamicOptimizedTheta", "dot"]

Floats = npt.NDArray[np.float64]

ALPHAS = np.linspace(0.1, 0.99, 24)
FINER = np.linspace(-0.04, 0.04, 9)
"""What is tried around the best of the first."""

SKIPPED = 3
"""First errors that do not count, where there are enough others."""

RIDGE = 1e-6
"""Share of the mean square added to the normal equations: a series of three points has no unique solution."""

BLOCK = 8192
"""Series at a time."""

MAX_LENGTH = 1024
"""Newest values of a series that are used."""


@register
@dataclass(frozen=True)
class DynamicOptimizedTheta(LocalModel):
    """The dynamic optimized theta method.

    Source: Fiorucci et al. 2016.

    Example:
        >>> from gatecast.forecasting.context import PanelContext
        >>> model = DynamicOptimizedTheta().fit(PanelContext.from_values(np.ones((1, 2))), Task(horizon=2))
        >>> model.predict_quantiles(PanelContext.from_values(np.arange(1.0, 25.0)[None]))[0, :, 2].round(1).tolist()
        [25.0, 26.0]
    """

    name: ClassVar[str] = "dot"
    column: ClassVar[str] = "DynamicOptimizedTheta"

    def forecast(self, values: Floats, task: Task) -> Floats:
        """Forecast each series from its newest 1024 values."""
        return dot(values[:, -MAX_LENGTH:], task.horizon, task.season_length, task.quantiles)


def dot(values: Floats, h: int, m: int = 1, probabilities: Sequence[float] = (0.5,)) -> Floats:
    """Quantiles of the h steps behind the end of each series.

    The median is the point forecast; the errors are taken as normal with variance ``s^2 (1 + (k - 1) a^2)``.

    Args:
        values: (S, T) aligned on the right; NaN before the beginning; a missing value is taken as the one before it.
        h: Steps.
        m: Season; classical indices are taken out where the autocorrelation shows one.
        probabilities: Q levels, increasing.

    Returns:
        (S, h, Q); NaN for a series without a value, the constant for one that does not vary.

    >>> dot(np.arange(1.0, 25.0)[None], 2)[0, :, 0].round(1).tolist()
    [25.0, 26.0]
    """
    out = np.full((len(values), h, len(probabilities)), np.nan)
    seen = np.isfinite(values)
    T = values.shape[1]
    n = np.where(seen.any(axis=1), T - seen.argmax(axis=1), 0)
    order = np.argsort(n, kind="stable")
    order = order[n[order] > 0]
    for start in range(0, len(order), BLOCK):  # series of like lengths together
        which = order[start : start + BLOCK]
        longest = int(n[which].max())
        out[which] = _block(values[which, T - longest :], n[which], h, m, probabilities)
    return out


def _block(values: Floats, n: npt.NDArray[np.int64], h: int, m: int, probabilities: Sequence[float]) -> Floats:
    """`dot` for series of like lengths."""
    seen = np.isfinite(values)
    size = np.where(seen, np.abs(values), 0.0).max(axis=1, keepdims=True)
    size[size == 0] = 1.0
    scaled = values / size
    positive = np.asarray((np.where(seen, scaled, 1.0) > 0).all(axis=1))
    season = fit_scaler(scaled, m).seasonal
    s = season[:, (np.arange(values.shape[1]) - values.shape[1]) % m]
    flat = np.where(positive[:, None], scaled / np.where(positive[:, None], s, 1.0), scaled - s)
    y = forward_fill(flat)
    # Sums of squares of small errors around a large level lose their digits; the level is no business of the method.
    centre = y[:, -1:].copy()
    spread = np.abs(y - centre).max(axis=1, keepdims=True)
    spread[spread == 0] = 1.0
    y = (y - centre) / spread
    # The beginning on the left: step i of every series side by side.
    first = values.shape[1] - n
    y = np.take_along_axis(y, np.minimum(np.arange(values.shape[1]) + first[:, None], values.shape[1] - 1), axis=1)
    line = _lines(y)
    coarse = _fit(y, n, line, np.broadcast_to(ALPHAS, (len(y), len(ALPHAS))))
    best = _fit(y, n, line, np.clip(coarse.alpha[:, None] + FINER, ALPHAS[0], ALPHAS[-1]))
    point, deviation = _forecast(y, n, best, h)
    z = np.array([NormalDist().inv_cdf(p) for p in probabilities])
    q = (point[..., None] + deviation[..., None] * z) * spread[..., None] + centre[..., None]
    ahead = season[:, np.arange(h) % m][..., None]
    q = np.where(positive[:, None, None], q * ahead, q + ahead)
    return np.asarray(q * size[..., None])


class _Lines(NamedTuple):
    """What does not depend on alpha, (S, T) each: the line through y[0 .. t]."""

    A: Floats
    B: Floats


class _Fit(NamedTuple):
    """Best parameters, (S,) each."""

    alpha: Floats
    w: Floats
    first: Floats
    variance: Floats


def _lines(y: Floats) -> _Lines:
    """Least-squares line through what was seen so far, updated a point at a time."""
    A, B = np.empty_like(y), np.empty_like(y)
    mean, slope = y[:, 0].copy(), np.zeros(len(y))
    A[:, 0], B[:, 0] = mean, 0.0
    for i in range(1, y.shape[1]):
        slope = ((i - 1) * slope + 6 * (y[:, i] - mean) / (i + 1)) / (i + 2)
        mean = (i * mean + y[:, i]) / (i + 1)
        A[:, i], B[:, i] = mean - slope * (i + 2) / 2, slope
    return _Lines(A, B)


def _fit(y: Floats, n: npt.NDArray[np.int64], line: _Lines, alphas: Floats) -> _Fit:
    """For each alpha (S, A) the best w in [0, 1] and first level; of these the best alpha."""
    keep = 1 - alphas
    level = alphas * y[:, :1]  # from a first level of 0; what that adds is linear
    power = keep.copy()
    sums = {name: np.zeros(alphas.shape) for name in ("ee", "ed", "ep", "dd", "dp", "pp")}
    skipped = np.where(n > 3 * SKIPPED, SKIPPED, 1)
    for i in range(1, y.shape[1]):
        D = power * line.A[:, i - 1 : i] + (1 - power * keep) / alphas * line.B[:, i - 1 : i]
        counts = ((i >= skipped) & (i < n))[:, None]
        e = np.where(counts, y[:, i : i + 1] - level, 0.0)
        D, P = np.where(counts, D, 0.0), np.where(counts, power, 0.0)
        for name, a, b in (("ee", e, e), ("ed", e, D), ("ep", e, P), ("dd", D, D), ("dp", D, P), ("pp", P, P)):
            sums[name] += a * b
        level = alphas * y[:, i : i + 1] + keep * level
        power = power * keep
    ee, ed, ep, dd, dp, pp = sums.values()
    ridge = RIDGE * (dd + pp) + 1e-12
    ep_own, pp_own = ep + ridge * y[:, :1], pp + ridge  # towards a first level of y[0]
    determinant = (dd + ridge) * pp_own - dp * dp
    w = np.clip((ed * pp_own - ep_own * dp) / determinant, 0.0, 1.0)
    first = (ep_own - w * dp) / pp_own
    error = ee - 2 * w * ed - 2 * first * ep + w * w * dd + 2 * w * first * dp + first * first * pp
    best = error.argmin(axis=1)[:, None]
    alpha, w, first, error = (np.take_along_axis(x, best, axis=1)[:, 0] for x in (alphas, w, first, error))
    freedom = np.maximum(n - skipped - 3, 1)
    return _Fit(alpha, w, first, np.maximum(error, 0.0) / freedom)


def _forecast(y: Floats, n: npt.NDArray[np.int64], fit: _Fit, h: int) -> tuple[Floats, Floats]:
    """(S, h) points, which go on as if they had been seen, and standard deviations."""
    S, T = y.shape
    a, keep = fit.alpha, 1 - fit.alpha
    level = a * y[:, 0] + keep * fit.first
    mean, slope, base = y[:, 0].copy(), np.zeros(S), y[:, 0].copy()
    power = keep.copy()
    point = np.zeros((S, h))
    for i in range(1, T + h):
        mu = level + fit.w * (power * base + (1 - power * keep) / a * slope)
        ahead = i - n
        now = (ahead >= 0) & (ahead < h)
        point[now, ahead[now]] = mu[now]
        value = np.where(ahead < 0, y[:, min(i, T - 1)], mu)
        level = a * value + keep * level
        slope = ((i - 1) * slope + 6 * (value - mean) / (i + 1)) / (i + 2)
        mean = (i * mean + value) / (i + 1)
        base = mean - slope * (i + 2) / 2
        power = power * keep
    k = np.arange(h)
    return point, np.sqrt(fit.variance[:, None] * (1 + k * (a**2)[:, None]))
