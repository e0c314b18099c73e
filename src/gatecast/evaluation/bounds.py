"""What values can be, and forecasts kept within it."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

__all__ = ["Bounds"]

FloatArray = npt.NDArray[np.float64]


class Bounds(NamedTuple):
    """What values can be.

    Args:
        lower: None: unknown; then 0 where all past values are at or above it.
        upper: None: unknown.
        integer: Whether they are whole numbers.
    """

    lower: float | None = None
    upper: float | None = None
    integer: bool = False

    def apply(self, median: FloatArray, intervals: list[FloatArray], values: FloatArray) -> list[FloatArray]:
        """Return the median, then lower and upper bounds in turn, within what values can be.

        Args:
            median: [n_series, n_steps].
            intervals: Lower and upper bound of each level in turn, [n_series, n_steps] each.
            values: Past values, [n_series, T].
        """
        if self.integer:
            rounding = [np.floor, np.ceil] * (len(intervals) // 2)
            median = np.round(median)
            intervals = [outward(side) for outward, side in zip(rounding, intervals, strict=True)]
        with np.errstate(invalid="ignore"):
            negative = np.asarray((values < 0).any(axis=1))[:, None]
            lower = np.where(negative, -np.inf, 0.0) if self.lower is None else self.lower
            upper = np.inf if self.upper is None else self.upper
            return [np.asarray(np.clip(side, lower, upper)) for side in (median, *intervals)]
