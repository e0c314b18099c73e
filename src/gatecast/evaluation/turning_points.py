"""Noisy curves of errors: smoothed without a shift, their noise, and where they turn for good.

Shapes: n points of a curve.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from gatecast._utils.typing import FloatArray

__all__ = ["TurningPoint", "find_turning_point", "noise_level", "smooth"]

MIN_RISE_DEVIATIONS = 4.0
"""Standard deviations of the noise that a rise must have."""

MAX_NOISE_RATIO = 1.5
"""Largest noise, in deviations from the closest curve that falls and rises."""

TAIL_DIVISOR = 5
"""The last fifth of a curve, at least three points, is its end."""


def smooth(curve: npt.ArrayLike, width: int | None = None) -> FloatArray:
    """Smooth a curve by straight lines of least squares through the nearest points.

    ``s[i] = mean y + b (i - mean j)`` over the `width` points j nearest to i. At the ends of the curve these lie to one
    side: nothing is extrapolated, and a straight line stays the same up to its ends.

    Args:
        curve: Values, [n]; NaN is missing and does not count.
        width: Points in a window; None: a tenth of n, at least 3.

    Returns:
        The smooth curve, [n]; NaN where a window has fewer than two points.

    Source: Cleveland 1979, without the weights.

    Example:
        >>> smooth([1.0, 2.0, 3.0, 4.0, 5.0]).round(9).tolist()
        [1.0, 2.0, 3.0, 4.0, 5.0]
        >>> smooth([1.0, 5.0, 1.0, 5.0, 1.0]).round(2).tolist()
        [2.33, 2.33, 3.67, 2.33, 2.33]
    """
    y = np.asarray(curve, np.float64)
    n = len(y)
    width = min(max(3, width or n // 10), n)
    known = np.isfinite(y)
    shift = float(y[known].mean()) if known.any() else 0.0
    at = np.arange(n, dtype=np.float64)
    filled = np.where(known, y - shift, 0.0)
    low = np.clip(np.arange(n) - width // 2, 0, n - width)

    def window_sum(x: FloatArray) -> FloatArray:
        """Return the sum over every window."""
        total = np.concatenate([[0.0], np.cumsum(x)])
        return np.asarray(total[low + width] - total[low])

    weight = known.astype(np.float64)
    n_known, sx, sy = window_sum(weight), window_sum(weight * at), window_sum(filled)
    with np.errstate(all="ignore"):
        mx, my = sx / n_known, sy / n_known
        spread = window_sum(weight * at * at) - n_known * mx * mx
        slope = (window_sum(filled * at) - n_known * mx * my) / spread
        return np.where((n_known >= 2) & (spread > 1e-9), my + slope * (at - mx) + shift, np.nan)


def noise_level(curve: npt.ArrayLike) -> float:
    """Estimate the noise of a curve, whatever its trend, from the median of second differences.

    ``median |y[i] - 2 y[i+1] + y[i+2]| / (0.6745 sqrt(6))``: straight lines have none, and up to half of the points may
    be a steep bend or spikes.

    Args:
        curve: Finite values, [n].

    Returns:
        The standard deviation if the noise is normal and independent; NaN for fewer than three points.

    Example:
        >>> noise_level([3.0, 2.0, 1.0, 0.0])
        0.0
        >>> round(noise_level(np.random.default_rng(0).normal(size=10_000)), 2)
        1.0
    """
    bends = np.abs(np.diff(np.asarray(curve, np.float64), 2))
    return float(np.median(bends) / (0.6745 * np.sqrt(6.0))) if len(bends) else float("nan")


class TurningPoint(NamedTuple):
    """Where a curve that fell has its minimum, and how far it rises after that.

    Args:
        at: Position of the minimum.
        base: Height there: the median of the point and its neighbors, as a single point is low by chance.
        rise: Height of the end of the curve above that.
        sure: Whether the rise is beyond noise, and lasts.
        noise: Standard deviation of the noise.
    """

    at: int
    base: float
    rise: float
    sure: bool
    noise: float


def find_turning_point(curve: npt.ArrayLike) -> TurningPoint:
    """Find the minimum of the closest curve that first falls and then rises.

    Among all curves that fall up to a point and rise from it on, the one of least squares; its lowest stretch contains
    the minimum. The rise is sure if at least three points follow, nine tenths of the last fifth lie above the minimum,
    and their median lies ``4 sd sqrt(3 / points)`` above it, sd that of the noise.

    Args:
        curve: Finite values, [n], n >= 1.

    Source: Robertson, Wright & Dykstra 1988, on unimodal regression.

    Example:
        >>> find_turning_point([9.0, 5.0, 3.0, 2.0, 3.0, 4.0, 5.0, 6.0])[:2]
        (3, 3.0)
        >>> curves = [9.0, 5.0, 3.0, 2.0, 3.0, 4.0, 5.0, 6.0], [9.0, 5.0, 3.0, 2.0, 1.5, 1.3]
        >>> [find_turning_point(curve).sure for curve in curves]
        [True, False]
    """
    y = np.asarray(curve, np.float64)
    n = len(y)
    falling, rising = _fit_nonincreasing(y)[1], _fit_nonincreasing(y[::-1])[1][::-1]
    last = int(np.argmin([falling[k] + (rising[k + 1] if k + 1 < n else 0.0) for k in range(n)]))
    fitted = np.concatenate([_fit_nonincreasing(y[: last + 1])[0], _fit_nonincreasing(y[last + 1 :][::-1])[0][::-1]])
    lowest = np.flatnonzero(fitted == fitted.min())
    at, near = int(lowest[np.argmin(y[lowest])]), max(1, n // 20)
    base = float(np.median(y[max(at - near, 0) : at + near + 1]))
    # A steep bend looks like noise to its second differences, and not to the closest curve, which fits noise too well.
    deviation = float(np.sqrt(np.mean((y - fitted) ** 2)))
    noise = min(noise_level(y), MAX_NOISE_RATIO * deviation) if n > 2 else 0.0
    tail = y[max(at + 1, n - max(3, n // TAIL_DIVISOR)) :]
    if len(tail) < 3:
        return TurningPoint(at, base, 0.0, sure=False, noise=noise)
    height = float(np.median(tail)) - base
    sure = height > MIN_RISE_DEVIATIONS * noise * np.sqrt(3 / len(tail)) and np.quantile(tail, 0.1) > base
    return TurningPoint(at, base, height, sure=bool(sure), noise=noise)


def _fit_nonincreasing(y: FloatArray) -> tuple[FloatArray, list[float]]:
    """Return the closest curve that never rises, and its squared distances from the first 1, 2, ..., n points.

    A point above the block before it is pooled with it, until the means of the blocks fall.
    """
    blocks: list[tuple[float, int, float, float]] = []
    distances = []
    for value in y.tolist():
        mean, size, distance = value, 1, 0.0
        while blocks and blocks[-1][0] <= mean:
            other, n_other, other_distance, _ = blocks.pop()
            distance += other_distance + (mean - other) ** 2 * size * n_other / (size + n_other)
            mean, size = (mean * size + other * n_other) / (size + n_other), size + n_other
        distances.append(distance + (blocks[-1][3] if blocks else 0.0))
        blocks.append((mean, size, distance, distances[-1]))
    return np.repeat([block[0] for block in blocks], [block[1] for block in blocks]).astype(np.float64), distances
