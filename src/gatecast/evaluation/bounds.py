"""What values can be, and forecasts kept within it."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

__all__ = ["Bounds", "hold_constants", "limit_widths"]

FloatArray = npt.NDArray[np.float64]

MIN_CONSTANT_VALUES = 12
"""Equal values after which a series is taken for a constant."""

MIN_VALUES_FOR_RANGE = 24
"""Values whose range tells how far a series may move."""

MAX_RANGES = 3.0
"""Half-width of an interval, at most, in ranges of the past values."""


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
            lower, upper = self.limits(values)
            return [np.asarray(np.clip(side, lower[:, None], upper)) for side in (median, *intervals)]

    def limits(self, values: FloatArray) -> tuple[FloatArray, float]:
        """Return the least value of each series, [n_series], and the largest of all.

        Args:
            values: Past values, [n_series, T].
        """
        with np.errstate(invalid="ignore"):
            negative = np.asarray((values < 0).any(axis=1))
        lower = np.where(negative, -np.inf, 0.0) if self.lower is None else np.full(len(values), self.lower)
        return lower, np.inf if self.upper is None else self.upper


def hold_constants(quantiles: FloatArray, values: FloatArray) -> FloatArray:
    """Return the quantiles, exactly the constant where at least 12 past values are all equal.

    Args:
        quantiles: [n_series, n_steps, Q].
        values: Past values, [n_series, T].

    Example:
        >>> hold_constants(np.array([[[6.9, 7.1]]]), np.full((1, 12), 7.0)).tolist()
        [[[7.0, 7.0]]]
    """
    low, high = np.fmin.reduce(values, axis=1, initial=np.inf), np.fmax.reduce(values, axis=1, initial=-np.inf)
    constant = (low == high) & (np.isfinite(values).sum(axis=1) >= MIN_CONSTANT_VALUES)
    return np.where(constant[:, None, None], low[:, None, None], quantiles) if constant.any() else quantiles


def limit_widths(median: FloatArray, intervals: list[FloatArray], values: FloatArray) -> list[FloatArray]:
    """Return the bounds of intervals, none farther from the median than the series has reason to go.

    A half-width is at most three times the range of the past values, times ``sqrt(k / n)`` at step k beyond their
    number n. Logarithms make the bounds of a series that once rose tenfold reach a hundredfold. Series of fewer than 24
    values stay as they are.

    Args:
        median: [n_series, n_steps].
        intervals: Lower and upper bound of each level in turn, [n_series, n_steps] each.
        values: Past values, [n_series, T].

    Example:
        >>> past = np.repeat([5.0, 50.0], 12)[None]
        >>> low, high = limit_widths(np.array([[50.0]]), [np.array([[40.0]]), np.array([[7000.0]])], past)
        >>> low.item(), high.item()
        (40.0, 185.0)
    """
    n = np.isfinite(values).sum(axis=1)
    low, high = np.fmin.reduce(values, axis=1, initial=np.inf), np.fmax.reduce(values, axis=1, initial=-np.inf)
    known = (n >= MIN_VALUES_FOR_RANGE) & (high > low)
    reach = np.where(known, MAX_RANGES * (high - low), np.inf)[:, None]
    steps = np.arange(1, median.shape[1] + 1)
    limit = reach * np.sqrt(np.maximum(steps / np.maximum(n, 1)[:, None], 1.0))
    return [np.asarray(np.clip(side, median - limit, median + limit)) for side in intervals]
