"""Exponential smoothing of many series at once, with exact gradients: the statistical half of the ES-RNN.

Time is the first axis, so that a step of all series is one piece of memory; the only loop is over time. `d` before a
name is the gradient of the loss with respect to it. Everything is additive: of logarithms, this is the multiplicative
smoothing of Holt and Winters with geometric means instead of arithmetic ones.

Shapes: T steps, B series, m season length.
Notation: z values, l levels, s seasons, alpha and gamma the smoothing weights of level and season.

Source: Winters 1960; Smyl 2020 (smoothing trained together with a network).
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from gatecast._utils.typing import BoolArray

__all__ = ["AnyFloatArray", "Smoothed", "gate", "roughness", "smooth", "smooth_backward"]

AnyFloatArray = npt.NDArray[np.floating[Any]]
"""Numbers of any precision: smoothing keeps that of its input."""


class Smoothed(NamedTuple):
    """Levels and seasons of every step."""

    level: AnyFloatArray
    """l[t], 0 before the first value, [T, B]."""
    season: AnyFloatArray
    """s[t] as known before z[t], [T + m, B]; rows up to t + m are known at t."""
    gain: AnyFloatArray
    """Weight of z[t] in the level, [T, B]: alpha where it is observed, 1 at the first value, else 0."""


def gate(x: AnyFloatArray) -> AnyFloatArray:
    """Return ``1 / (1 + exp(-x))``: a weight between 0 and 1 from a number without limits.

    Example:
        >>> gate(np.array([0.0, 800.0])).tolist()
        [0.5, 1.0]
    """
    weight: AnyFloatArray = 0.5 * (1.0 + np.tanh(0.5 * x))
    return weight


def smooth(
    z: AnyFloatArray, observed: BoolArray, alpha: AnyFloatArray, gamma: AnyFloatArray, start: AnyFloatArray
) -> Smoothed:
    """Compute levels and seasons of every step.

    ``l[t] = l[t-1] + alpha (z[t] - s[t] - l[t-1])``, ``s[t+m] = s[t] + gamma (z[t] - l[t] - s[t])``; a missing value
    changes neither, and the first observed value is the first level.

    Args:
        z: Values, finite; ignored where missing, [T, B].
        observed: Whether a value is observed, [T, B].
        alpha: Weight of the newest value in the level, from 0 to 1, [B].
        gamma: Weight of the newest value in the season, [B].
        start: Seasons of the first m steps, [m, B]; zeros [1, B] with gamma = 0 where there is no season.

    Returns:
        Levels and seasons, in the precision of z.

    Example:
        >>> z = np.array([[1.0], [3.0]])
        >>> smooth(z, z > 0, np.array([0.5]), np.zeros(1), np.zeros((1, 1))).level.ravel().tolist()
        [1.0, 2.0]
    """
    T, m = len(z), len(start)
    first = observed & (np.cumsum(observed, axis=0) == 1)
    gain = np.where(first, z.dtype.type(1), alpha * observed)
    season_gain = gamma * observed
    level = np.empty_like(z)
    season = np.empty((T + m, z.shape[1]), z.dtype)
    season[:m] = start
    last = np.zeros_like(alpha)
    for t in range(T):
        s = season[t]
        adjusted = z[t] - s
        last = last + gain[t] * (adjusted - last)
        level[t] = last
        season[t + m] = s + season_gain[t] * (adjusted - last)
    return Smoothed(level, season, gain)


def smooth_backward(
    z: AnyFloatArray,
    observed: BoolArray,
    gamma: AnyFloatArray,
    smoothed: Smoothed,
    dlevel: AnyFloatArray,
    dseason: AnyFloatArray,
) -> tuple[AnyFloatArray, AnyFloatArray, AnyFloatArray]:
    """Backpropagate through `smooth` to the weights and the first seasons.

    With e and r the corrections of level and season, backwards in time::

        ds[t] += (1 - gamma) ds[t+m] - alpha dl[t]        dgamma += r[t] ds[t+m]
        dl[t] -= gamma ds[t+m]                            dalpha += e[t] dl[t]
        dl[t-1] += (1 - alpha) dl[t]

    Args:
        z: As for `smooth`.
        observed: As for `smooth`.
        gamma: As for `smooth`.
        smoothed: The result of `smooth`.
        dlevel: Gradient of the levels, [T, B].
        dseason: Gradient of the seasons, [T + m, B].

    Returns:
        dalpha [B], dgamma [B], dstart [m, B].

    Example:
        >>> z = np.array([[1.0], [3.0]])
        >>> smoothed = smooth(z, z > 0, np.array([0.5]), np.zeros(1), np.zeros((1, 1)))
        >>> smooth_backward(z, z > 0, np.zeros(1), smoothed, np.array([[0.0], [1.0]]), np.zeros((3, 1)))[0].tolist()
        [2.0]
    """
    T, m = len(z), len(dseason) - len(z)
    dl, ds = dlevel.copy(), dseason.copy()
    season_gain, keep, season_keep = gamma * observed, 1 - smoothed.gain, 1 - gamma * observed
    for t in range(T - 1, -1, -1):
        dnext = ds[t + m]
        dl_t = dl[t]
        dl_t -= season_gain[t] * dnext
        if t:
            dl[t - 1] += keep[t] * dl_t
        ds[t] += season_keep[t] * dnext - smoothed.gain[t] * dl_t
    before = np.concatenate([np.zeros_like(z[:1]), smoothed.level[:-1]])
    adjusted = z - smoothed.season[:T]
    # At the first value the level is that value, whatever alpha is.
    later = observed & (np.cumsum(observed, axis=0) > 1)
    dalpha = (later * (adjusted - before) * dl).sum(axis=0)
    dgamma = (observed * (adjusted - smoothed.level) * ds[m:]).sum(axis=0)
    return dalpha, dgamma, ds[:m]


def roughness(level: AnyFloatArray, counts: AnyFloatArray) -> tuple[float, AnyFloatArray]:
    """Compute the mean of ``(l[t] - 2 l[t-1] + l[t-2])^2`` and its gradient: how much levels change their course.

    Args:
        level: Levels, [T, B].
        counts: 1 where a level and the two before it count, else 0, [T, B].

    Returns:
        The mean, and the gradient of the levels, [T, B].

    Source: Smyl 2020 (level variability penalty).

    Example:
        >>> value, gradient = roughness(np.array([[0.0], [1.0], [0.0]]), np.array([[0.0], [0.0], [1.0]]))
        >>> value, gradient.ravel().tolist()
        (4.0, [-4.0, 8.0, -4.0])
    """
    gradient = np.zeros_like(level)
    if len(level) < 3:
        return 0.0, gradient
    curvature = (level[2:] - 2 * level[1:-1] + level[:-2]) * counts[2:]
    total = float(max(counts[2:].sum(), 1))
    dcurvature = curvature * level.dtype.type(2 / total)
    gradient[2:] += dcurvature
    gradient[1:-1] -= 2 * dcurvature
    gradient[:-2] += dcurvature
    return float((curvature * curvature).sum()) / total, gradient
