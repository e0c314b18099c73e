"""Noisy curves of errors: smoothed without shifting them, their noise, and where they turn for good.

Letters: n points.

All of it turns with the scale of a curve: errors of any unit are judged alike.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

__all__ = ["TurningPoint", "find_turning_point", "noise", "smooth"]

Floats = npt.NDArray[np.float64]

SURE = 4.0
"""Standard deviations of the noise that a rise has to have."""

FIT = 1.5
"""Noise over the distance from the closest curve that falls and rises."""

TAIL = 5
"""The last one of so many parts of a curve, three points at least, says where it has come to."""


def smooth(curve: npt.ArrayLike, width: int | None = None) -> Floats:
    """Straight lines by least squares through the points nearest to every point, each read off at its own point.

    ``s[i] = mean y + b (i - mean j)`` over the `width` points j nearest to i. At the ends of the curve these lie to one
    side: nothing is made up, and a straight curve stays what it is up to its ends.

    Args:
        curve: (n,) NaN is missing, and is not looked at.
        width: Points in a window; None: a tenth of n, 3 at least.

    Returns:
        (n,) NaN where a window has no two points.

    Source: Cleveland 1979, without the weights.

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

    def window(x: Floats) -> Floats:
        """Sums over every window."""
        total = np.concatenate([[0.0], np.cumsum(x)])
        return np.asarray(total[low + width] - total[low])

    weight = known.astype(np.float64)
    count, sx, sy = window(weight), window(weight * at), window(filled)
    with np.errstate(all="ignore"):
        mx, my = sx / count, sy / count
        spread = window(weight * at * at) - count * mx * mx
        slope = (window(filled * at) - count * mx * my) / spread
        return np.where((count >= 2) & (spread > 1e-9), my + slope * (at - mx) + shift, np.nan)


def noise(curve: npt.ArrayLike) -> float:
    """Standard deviation of what jumps from point to point, whatever the trend: median of second differences.

    ``median |y[i] - 2 y[i+1] + y[i+2]| / (0.6745 sqrt(6))``: straight lines have none, and half of the points may be
    a steep bend or spikes.

    Args:
        curve: (n,) finite.

    Returns:
        The standard deviation if the noise is normal and independent; NaN of less than three points.

    >>> noise([3.0, 2.0, 1.0, 0.0])
    0.0
    >>> round(noise(np.random.default_rng(0).normal(size=10_000)), 2)
    1.0
    """
    bends = np.abs(np.diff(np.asarray(curve, np.float64), 2))
    return float(np.median(bends) / (0.6745 * np.sqrt(6.0))) if len(bends) else float("nan")


class TurningPoint(NamedTuple):
    """Where a curve that fell is at its least, and how far it rises after that.

    Args:
        at: Point of the minimum.
        base: Height there: the median of the point and its neighbours, as one point alone is low by chance.
        rise: Height of the curve's end above that.
        sure: Whether the rise is beyond noise, and stays.
        noise: Standard deviation of the noise.
    """

    at: int
    base: float
    rise: float
    sure: bool
    noise: float


def find_turning_point(curve: npt.ArrayLike) -> TurningPoint:
    """The minimum of the curve that falls first and rises then which comes closest to the points.

    Among all curves that fall up to a point and rise from it on, the one of least squares; its lowest stretch holds the
    minimum. The rise is sure if three points or more follow, nine tenths of the last part of them lie above the
    minimum, and their median lies ``4 sd sqrt(3 / points of the part)`` above it, sd that of the noise.

    Args:
        curve: (n,) finite, n >= 1.

    Source: Robertson, Wright & Dykstra 1988, on unimodal regression.

    >>> find_turning_point([9.0, 5.0, 3.0, 2.0, 3.0, 4.0, 5.0, 6.0])[:2]
    (3, 3.0)
    >>> find_turning_point([9.0, 5.0, 3.0, 2.0, 3.0, 4.0, 5.0, 6.0]).sure, find_turning_point([9.0, 5.0, 3.0, 2.0, 1.5, 1.3]).sure
    (True, False)
    """
    y = np.asarray(curve, np.float64)
    n = len(y)
    fall, rise = _pool(y)[1], _pool(y[::-1])[1][::-1]
    last = int(np.argmin([fall[k] + (rise[k + 1] if k + 1 < n else 0.0) for k in range(n)]))
    fitted = np.concatenate([_pool(y[: last + 1])[0], _pool(y[last + 1 :][::-1])[0][::-1]])
    lowest = np.flatnonzero(fitted == fitted.min())
    at, near = int(lowest[np.argmin(y[lowest])]), max(1, n // 20)
    base = float(np.median(y[max(at - near, 0) : at + near + 1]))
    # A steep bend looks like noise to its second differences, and not to the closest curve, which fits noise too well.
    off = float(np.sqrt(np.mean((y - fitted) ** 2)))
    shake = min(noise(y), FIT * off) if n > 2 else 0.0
    tail = y[max(at + 1, n - max(3, n // TAIL)) :]
    if len(tail) < 3:
        return TurningPoint(at, base, 0.0, sure=False, noise=shake)
    height = float(np.median(tail)) - base
    beyond = height > SURE * shake * np.sqrt(3 / len(tail)) and np.quantile(tail, 0.1) > base
    return TurningPoint(at, base, height, sure=bool(beyond), noise=shake)


def _pool(y: Floats) -> tuple[Floats, list[float]]:
    """The closest curve that never rises, and its squared distance from the first 1, 2, ..., n points.

    A point above the block before it is pooled with it, until the means of the blocks fall.
    """
    blocks: list[tuple[float, int, float, float]] = []
    distances = []
    for value in y.tolist():
        mean, count, off = value, 1, 0.0
        while blocks and blocks[-1][0] <= mean:
            other, more, its, _ = blocks.pop()
            off += its + (mean - other) ** 2 * count * more / (count + more)
            mean, count = (mean * count + other * more) / (count + more), count + more
        distances.append(off + (blocks[-1][3] if blocks else 0.0))
        blocks.append((mean, count, off, distances[-1]))
    return np.repeat([block[0] for block in blocks], [block[1] for block in blocks]).astype(np.float64), distances
