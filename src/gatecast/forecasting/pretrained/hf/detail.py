"""What averages leave out: the mean course of values within the averaged steps of a cycle, and their scatter.

With e the difference between values and the line through the middles of the averages, a forecast of averages becomes
one of values by adding the mean of e over the newest cycles at the same phase, drawn to 0 as James and Stein do; what
then remains of e widens the quantiles.

Shapes: n series, T steps, B averages of r steps, m season in steps, h steps ahead, Q levels.
"""

from __future__ import annotations

from statistics import NormalDist
from typing import NamedTuple

import numpy as np

from gatecast._utils.typing import FloatArray
from gatecast.forecasting.pretrained.head import LEVELS
from gatecast.forecasting.pretrained.hf.clock import spread_steps
from gatecast.forecasting.pretrained.hf.copies import N_CYCLES

__all__ = ["Detail", "measure_detail"]

MIDDLE = len(LEVELS) // 2


class Detail(NamedTuple):
    """Within averages.

    Args:
        course: (n, m): mean difference by phase; the first is that of the step after the end of the series.
        scatter: (n,): standard deviation of what remains.
    """

    course: FloatArray
    scatter: FloatArray

    def add_to(self, quantiles: FloatArray) -> FloatArray:
        """Return the quantiles of values from those of averages, (n, h, Q).

        Example:
            >>> detail = Detail(np.array([[1.0, -1.0]]), np.zeros(1))
            >>> detail.add_to(np.zeros((1, 3, 13)))[0, :, 6].tolist()
            [1.0, -1.0, 1.0]
        """
        z = np.array([NormalDist().inv_cdf(level) for level in LEVELS])
        middle = quantiles[:, :, MIDDLE : MIDDLE + 1]
        size = np.hypot(quantiles - middle, z * self.scatter[:, None, None])
        course = self.course[:, np.arange(quantiles.shape[1]) % self.course.shape[1]]
        return np.asarray(middle + course[:, :, None] + np.sign(z) * size)


def measure_detail(values: FloatArray, averages: FloatArray, r: float, m: int) -> Detail:
    """Measure what averages leave out of the newest cycles.

    Args:
        values: Aligned at their ends, (n, T); NaN is missing.
        averages: Of them, (n, B).
        r: Steps of an average.
        m: Season, in steps.

    Example:
        >>> from gatecast.forecasting.pretrained.hf.clock import average_steps
        >>> y = np.tile([0.0, 2.0, 0.0, 2.0], 6)[None]
        >>> detail = measure_detail(y, average_steps(y, 2.0, 12), 2.0, 4)
        >>> detail.course.tolist(), detail.scatter.tolist()
        ([[-1.0, 1.0, -1.0, 1.0]], [0.0])
    """
    # Steps before the table are missing values: how wide it is makes no difference.
    n_steps = N_CYCLES * m
    newest, bins = _padded(values, n_steps), _padded(averages, int(np.ceil(n_steps / r)) + 1)
    line = spread_steps(bins[:, ::-1, None], r, n_steps)[:, ::-1, 0]
    error = (newest - line).reshape(len(values), N_CYCLES, m)
    known = np.isfinite(error)
    count, error = known.sum(axis=1), np.where(known, error, 0.0)
    course = error.sum(axis=1) / np.maximum(count, 1)
    rest = (error - course[:, None]) * known
    degrees = np.maximum((np.maximum(count - 1, 0)).sum(axis=1), 1)
    variance = (rest**2).sum(axis=(1, 2)) / degrees
    chance = variance / np.maximum(count.mean(axis=1), 1)
    spread = (course**2).mean(axis=1)
    # A single cycle does not tell its course from chance.
    is_repeated = (count > 1).any(axis=1)
    keep = is_repeated * np.maximum(spread - chance, 0.0) / np.where(spread > 0, spread, 1.0)
    return Detail(course * keep[:, None], np.sqrt(variance))


def _padded(x: FloatArray, n_columns: int) -> FloatArray:
    """Return the newest columns of x, NaN where it has no more."""
    newest = x[:, -n_columns:]
    return np.pad(newest, ((0, 0), (n_columns - newest.shape[1], 0)), constant_values=np.nan)
