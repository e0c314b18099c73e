"""The scale on which the pretrained networks read: logarithms of series without negative values, else asinh.

The logarithm is causal: z[t] depends on y[0 .. t] alone. Zeros are put at half of the smallest positive value so far,
and count as values once there has been a positive one; zeros before that are taken for a series that has not begun.
Back from the logarithm, what lies near to the place of zeros is 0 again, and counts with zeros are whole numbers: a
quantile of a count is a count.

Shapes: T steps, n series; time comes first, and a series begins at step 0.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from gatecast._utils.arrays import accumulate
from gatecast._utils.typing import BoolArray, FloatArray

__all__ = ["ScaledValues", "SeriesScale", "Support"]

MAX_EXPONENT = 700.0
"""Forecasts are at most exp of it: finite."""

MAX_ASINH = 99.0
"""The same for sinh."""

MAX_RATIO = 1e42
"""Values of series with negative ones are read as at most so many typical sizes, nearly sinh of `MAX_ASINH`."""

MIN_FLOOR = 1e-300
"""The smallest place of zeros: half of the smallest number is 0, which has no logarithm."""

MIN_SHARE = 1e-3
"""Zeros are put no lower than this share of the mean absolute value so far."""

ZERO_SHARE, MOSTLY_ZERO_SHARE = 0.5, 0.75
"""Share of the way, on the logarithm, from the place of zeros to twice it, the smallest positive value as a rule, up to
which a forecast is 0; the second where most values are: synthetic series and tails of car parts chose them."""


class Support(NamedTuple):
    """Which values a series with zeros may take, as far as a step shows.

    Example:
        >>> counts = Support(np.array([0.5, 0.0]), np.array([True, False]), np.array([True, False]))
        >>> counts.nearest(np.array([[0.8, 0.8], [1.2, 1.2]])).tolist()
        [[0.0, 0.8], [1.0, 1.2]]
    """

    floor: FloatArray
    """(..., n): the place of zeros; infinite where all values are zeros, 0 where none is."""
    is_mostly_zero: BoolArray
    """(..., n): more than half of the values are zeros."""
    is_count: BoolArray
    """(..., n): there are zeros, and all values are whole numbers."""

    def at(self, place: Any) -> Support:
        """Return a part, by an index of its arrays."""
        return Support(self.floor[place], self.is_mostly_zero[place], self.is_count[place])

    def nearest(self, values: FloatArray) -> FloatArray:
        """Return values that the series may take: 0 where they are near to it, else whole numbers if those are counts.

        Args:
            values: (..., n).
        """
        limit = self.floor * 2.0 ** np.where(self.is_mostly_zero, MOSTLY_ZERO_SHARE, ZERO_SHARE)
        # Without zeros there is no place of theirs: values below 0 are those of a series that has some.
        values = np.where((values < limit) & (self.floor > 0), 0.0, values)
        return np.where(self.is_count, np.rint(values), values)


class ScaledValues(NamedTuple):
    """Series on the scale of the networks."""

    z: FloatArray
    """(T, n); at a missing value the one before it, before the first value that one, 0 without values."""
    observed: BoolArray
    """(T, n)."""
    at_floor: BoolArray
    """(T, n): zeros that were moved to a small positive value."""
    support: Support
    """(T, n) each."""


class SeriesScale(NamedTuple):
    """How values of each series become numbers of the network, and back.

    Example:
        >>> y = np.array([[1.0, -2.0], [np.e, 2.0]])
        >>> scale = SeriesScale.of(y)
        >>> scale.negative.tolist(), scale.transform(y).z.round(2).tolist()
        ([False, True], [[0.0, -0.88], [1.0, 0.88]])
        >>> scale.inverse(scale.transform(y).z).round(6).tolist()
        [[1.0, -2.0], [2.718282, 2.0]]
    """

    negative: BoolArray
    """(n,): has negative values, so that asinh takes the place of the logarithm."""
    size: FloatArray
    """(n,): median absolute value."""

    @classmethod
    def of(cls, values: FloatArray) -> SeriesScale:
        """Return the scale of series.

        Args:
            values: (T, n), NaN where missing.
        """
        size = np.ones(values.shape[1])
        negative = np.asarray((values < 0).any(axis=0))
        for k in np.flatnonzero(negative):
            magnitude = np.abs(values[:, k])
            size[k] = np.median(magnitude[magnitude > 0])
        return cls(negative, size)

    def transform(self, values: FloatArray) -> ScaledValues:
        """Return series on the scale of the networks.

        Args:
            values: (T, n), NaN where missing.
        """
        observed = np.isfinite(values)
        y = np.where(observed, values, 0.0)
        positive = y > 0
        smallest = accumulate(np.minimum, np.where(positive, y, np.inf))
        at_floor = observed & ~positive & ~self.negative
        support = Support(np.zeros_like(y), np.zeros_like(at_floor), np.zeros_like(at_floor))
        if at_floor.any():
            count = np.maximum(accumulate(np.add, observed, np.float64), 1.0)
            mean = accumulate(np.add, y) / count
            floor = np.maximum(np.maximum(0.5 * smallest, MIN_SHARE * mean), MIN_FLOOR)
            support = _support(y, observed, at_floor, floor)
            y = np.where(at_floor, floor, y)
        observed &= np.isfinite(smallest) | self.negative
        z = np.log(np.where(observed & ~self.negative, y, 1.0))
        if self.negative.any():
            with np.errstate(over="ignore"):
                ratio = np.clip(y / self.size, -MAX_RATIO, MAX_RATIO)
            z = np.where(self.negative, np.arcsinh(ratio), z)
        return ScaledValues(_fill_forward(z, observed), observed, at_floor & observed, support)

    def inverse(self, z: FloatArray) -> FloatArray:
        """Return values in the unit of the series.

        Args:
            z: (..., n).
        """
        exponent = np.clip(z, -MAX_EXPONENT, MAX_EXPONENT)
        return np.where(self.negative, np.sinh(np.clip(z, -MAX_ASINH, MAX_ASINH)) * self.size, np.exp(exponent))


def _support(y: FloatArray, observed: BoolArray, is_zero: BoolArray, floor: FloatArray) -> Support:
    """Return the values that series may take, by the values up to each step; y is 0 where missing."""
    has_zeros = np.logical_or.accumulate(is_zero, axis=0)
    is_count = has_zeros & np.logical_and.accumulate(y == np.rint(y), axis=0)
    n_zeros, n = (accumulate(np.add, each, np.float64) for each in (is_zero, observed))
    return Support(np.where(has_zeros, floor, 0.0), 2 * n_zeros > n, is_count)


def _fill_forward(z: FloatArray, observed: BoolArray) -> FloatArray:
    """Return z with missing values replaced by the one before; before the first by that one."""
    if observed.all():
        return z
    last = accumulate(np.maximum, np.where(observed, np.arange(len(z))[:, None], -1))
    first = np.where(observed.any(axis=0), observed.argmax(axis=0), 0)
    filled = np.take_along_axis(z, np.where(last >= 0, last, first), axis=0)
    return np.asarray(filled * observed.any(axis=0))
