"""Exponential smoothing of many series at once, with exact gradients: the statistical half of the ES-RNN.

Time is the first axis, so that a step of all series is one piece of memory: the kernels go through it with a vector of
series at a time. `d` before a name is the gradient of the loss with respect to it. Everything is additive: of
logarithms, this is the multiplicative smoothing of Holt and Winters with geometric means instead of arithmetic ones.

Shapes: T steps, B series, m season length.
Notation: z values, l levels, s seasons, alpha and gamma the smoothing weights of level and season.

Source: Winters 1960; Smyl 2020 (smoothing trained together with a network).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from gatecast._utils.typing import BoolArray, FloatArray
from gatecast.kernels.smoothing import seasonal_smoothing, seasonal_smoothing_backward

__all__ = ["Smoothed", "gate", "roughness", "smooth", "smooth_backward"]


class Smoothed(NamedTuple):
    """Levels and seasons of every step."""

    level: FloatArray
    """l[t], 0 before the first value, [T, B]."""
    season: FloatArray
    """s[t] as known before z[t], [T + m, B]; rows up to t + m are known at t."""
    gain: FloatArray
    """Weight of z[t] in the level, [T, B]: alpha where it is observed, 1 at the first value, else 0."""


def gate(x: FloatArray) -> FloatArray:
    """Return ``1 / (1 + exp(-x))``: a weight between 0 and 1 from a number without limits.

    Example:
        >>> gate(np.array([0.0, 800.0])).tolist()
        [0.5, 1.0]
    """
    weight: FloatArray = 0.5 * (1.0 + np.tanh(0.5 * x))
    return weight


def smooth(z: FloatArray, observed: BoolArray, alpha: FloatArray, gamma: FloatArray, start: FloatArray) -> Smoothed:
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
        Levels, seasons and gains.

    Example:
        >>> z = np.array([[1.0], [3.0]])
        >>> smooth(z, z > 0, np.array([0.5]), np.zeros(1), np.zeros((1, 1))).level.ravel().tolist()
        [1.0, 2.0]
    """
    return Smoothed(*seasonal_smoothing(z, observed, alpha, gamma, start))


def smooth_backward(
    z: FloatArray,
    observed: BoolArray,
    gamma: FloatArray,
    smoothed: Smoothed,
    dlevel: FloatArray,
    dseason: FloatArray,
) -> tuple[FloatArray, FloatArray, FloatArray]:
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
    return seasonal_smoothing_backward(z, observed, gamma, smoothed, dlevel, dseason)


def roughness(level: FloatArray, counts: FloatArray) -> tuple[float, FloatArray]:
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
