"""Exponential smoothing of many series at once, with exact gradients: the statistical half of `es_lstm`.

Letters: T steps, B series, m season, P = 2 + m parameters of a series; z values, l levels, s seasons, a and g the
smoothing weights. Time is the first axis, so that a step of all series is one piece of memory; the only loop is over
time. `d` before a name is the gradient of the loss with respect to it. Everything is additive: of logarithms, this is
the multiplicative smoothing of Holt and Winters with geometric means for arithmetic ones.

Source: Winters 1960; Smyl 2020 (smoothing trained together with a network).
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

__all__ = ["Smoothed", "gate", "roughness", "smooth", "smooth_backward"]

Reals = npt.NDArray[np.floating[Any]]
Bools = npt.NDArray[np.bool_]
Integers = npt.NDArray[np.int64]


class Smoothed(NamedTuple):
    """What smoothing found."""

    level: Reals
    """(T, B) l[t], 0 before the first value."""
    season: Reals
    """(T + m, B) s[t] as known when z[t] comes; rows up to t + m are known at t."""
    gain: Reals
    """(T, B) weight of z[t] in the level: a where it is seen, 1 at the first value, else 0."""


def gate(x: Reals) -> Reals:
    """``1 / (1 + exp(-x))``, a weight between 0 and 1 from a number without limits.

    >>> gate(np.array([0.0, 800.0])).tolist()
    [0.5, 1.0]
    """
    answer: Reals = 0.5 * (1.0 + np.tanh(0.5 * x))
    return answer


def smooth(z: Reals, seen: Bools, a: Reals, g: Reals, start: Reals) -> Smoothed:
    """Levels and seasons of every step.

    ``l[t] = l[t-1] + a (z[t] - s[t] - l[t-1])``, ``s[t+m] = s[t] + g (z[t] - l[t] - s[t])``; a step that is not seen
    changes neither, and the first value seen is the first level.

    Args:
        z: (T, B), finite; where not seen, of no account.
        seen: (T, B) whether a value is there.
        a: (B,) weight of the newest value in the level, from 0 to 1.
        g: (B,) likewise in the season.
        start: (m, B) seasons of the first m steps; (1, B) zeros with g = 0 where there is no season.

    Returns:
        Levels and seasons, in the type of z.

    >>> z = np.array([[1.0], [3.0]])
    >>> smooth(z, z > 0, np.array([0.5]), np.zeros(1), np.zeros((1, 1))).level.ravel().tolist()
    [1.0, 2.0]
    """
    T, m = len(z), len(start)
    first = seen & (np.cumsum(seen, axis=0) == 1)
    gain = np.where(first, z.dtype.type(1), a * seen)
    weight = g * seen
    level = np.empty_like(z)
    season = np.empty((T + m, z.shape[1]), z.dtype)
    season[:m] = start
    last = np.zeros_like(a)
    for t in range(T):
        s = season[t]
        free = z[t] - s
        last = last + gain[t] * (free - last)
        level[t] = last
        season[t + m] = s + weight[t] * (free - last)
    return Smoothed(level, season, gain)


def smooth_backward(
    z: Reals, seen: Bools, g: Reals, found: Smoothed, dlevel: Reals, dseason: Reals
) -> tuple[Reals, Reals, Reals]:
    """Gradients of the weights and of the first seasons.

    With e and r what the level and the season were corrected by, backwards in time::

        ds[t] += (1 - g) ds[t+m] - a dl[t]        dg += r[t] ds[t+m]
        dl[t] -= g ds[t+m]                        da += e[t] dl[t]
        dl[t-1] += (1 - a) dl[t]

    Args:
        z: As given to `smooth`.
        seen: As given to `smooth`.
        g: As given to `smooth`.
        found: What it returned.
        dlevel: (T, B) gradient of the levels.
        dseason: (T + m, B) gradient of the seasons.

    Returns:
        da (B,), dg (B,), dstart (m, B).

    >>> z = np.array([[1.0], [3.0]])
    >>> found = smooth(z, z > 0, np.array([0.5]), np.zeros(1), np.zeros((1, 1)))
    >>> smooth_backward(z, z > 0, np.zeros(1), found, np.array([[0.0], [1.0]]), np.zeros((3, 1)))[0].tolist()
    [2.0]
    """
    T, m = len(z), len(dseason) - len(z)
    dl, ds = dlevel.copy(), dseason.copy()
    weight, keep, less = g * seen, 1 - found.gain, 1 - g * seen
    for t in range(T - 1, -1, -1):
        new = ds[t + m]
        own = dl[t]
        own -= weight[t] * new
        if t:
            dl[t - 1] += keep[t] * own
        ds[t] += less[t] * new - found.gain[t] * own
    before = np.concatenate([np.zeros_like(z[:1]), found.level[:-1]])
    free = z - found.season[:T]
    # At the first value the level is that value, whatever a is.
    later = seen & (np.cumsum(seen, axis=0) > 1)
    da = (later * (free - before) * dl).sum(axis=0)
    dg = (seen * (free - found.level) * ds[m:]).sum(axis=0)
    return da, dg, ds[:m]


def roughness(level: Reals, counts: Reals) -> tuple[float, Reals]:
    """How much the levels change their course: mean of ``(l[t] - 2 l[t-1] + l[t-2])^2``, and its gradient.

    Args:
        level: (T, B).
        counts: (T, B) 1 where a level and the two before it are to count, else 0.

    Returns:
        The mean, and the gradient of the levels (T, B).

    Source: Smyl 2020 (level variability penalty).

    >>> value, gradient = roughness(np.array([[0.0], [1.0], [0.0]]), np.array([[0.0], [0.0], [1.0]]))
    >>> value, gradient.ravel().tolist()
    (4.0, [-4.0, 8.0, -4.0])
    """
    gradient = np.zeros_like(level)
    if len(level) < 3:
        return 0.0, gradient
    bend = (level[2:] - 2 * level[1:-1] + level[:-2]) * counts[2:]
    total = float(max(counts[2:].sum(), 1))
    bend2 = bend * level.dtype.type(2 / total)
    gradient[2:] += bend2
    gradient[1:-1] -= 2 * bend2
    gradient[:-2] += bend2
    return float((bend * bend).sum()) / total, gradient
