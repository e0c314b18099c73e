"""The forecasts that cost nothing, and that every model must beat: naive, seasonal naive, drift, mean.

Letters: T values of the past, h horizon, m period, K parameters, s standard deviation of the residuals.

Each is a pair: the points, and how far from them the future lies if the errors in sample are independent and
normal. Missing values are passed over: what was seen last counts, and residuals need both their ends.

Source: Hyndman & Athanasopoulos, Forecasting: Principles and Practice (3rd ed.), 5.2 and 5.5.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from statistics import NormalDist
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from gatecast.errors import ConfigError, require_count

__all__ = ["BASELINES", "Baseline", "drift", "interval", "mean", "naive", "seasonal_naive"]

Array = npt.NDArray[np.float64]


class Baseline(NamedTuple):
    """A forecast and its uncertainty, both functions of (past, h, m).

    Args:
        point: (h,) forecasts.
        spread: (h,) standard deviations of the forecast errors; NaN with fewer residuals than parameters + 1.
    """

    point: Callable[[npt.ArrayLike, int, int], Array]
    spread: Callable[[npt.ArrayLike, int, int], Array]


def naive(past: npt.ArrayLike, h: int, m: int = 1) -> Array:  # noqa: ARG001
    """The last value, ``f[k] = y[T]``.

    Args:
        past: (T,) values; NaN is passed over.
        h: Steps, at least 1.
        m: Not used.

    Returns:
        (h,) forecasts; NaN if nothing was ever seen.

    Raises:
        ConfigError: h is not a count.

    >>> naive([1.0, 2.0, float("nan")], 2).tolist()
    [2.0, 2.0]
    """
    y = _seen(past)
    return np.full(require_count(h, "the horizon"), y[-1] if len(y) else np.nan)


def seasonal_naive(past: npt.ArrayLike, h: int, m: int = 1) -> Array:
    """The last value of the same phase, ``f[k] = y[T + k - m (floor((k - 1) / m) + 1)]``.

    Args:
        past: (T,) values; NaN is passed over: the phase is looked up one season earlier.
        h: Steps, at least 1.
        m: Period, at least 1.

    Returns:
        (h,) forecasts; those of a phase that was never seen are naive.

    Raises:
        ConfigError: h or m is not a count.

    >>> seasonal_naive([1.0, 2.0, 3.0, float("nan"), 5.0], 4, 3).tolist()
    [3.0, 1.0, 5.0, 3.0]
    """
    steps = require_count(h, "the horizon")
    last, _ = _phases(past, m)
    return np.asarray(np.resize(last, steps))


def drift(past: npt.ArrayLike, h: int, m: int = 1) -> Array:  # noqa: ARG001
    """The line through the first and the last value, ``f[k] = y[T] + k (y[T] - y[1]) / (T - 1)``.

    Args:
        past: (T,) values; NaN is passed over, its time counts.
        h: Steps, at least 1.
        m: Not used.

    Returns:
        (h,) forecasts; naive with one value, NaN with none.

    Raises:
        ConfigError: h is not a count.

    >>> drift([1.0, float("nan"), 3.0], 2).tolist()
    [4.0, 5.0]
    """
    y = np.asarray(past, np.float64)
    steps = require_count(h, "the horizon")
    where = np.flatnonzero(~np.isnan(y))
    if len(where) < 2:
        return naive(y, steps)
    first, last = where[0], where[-1]
    slope = (y[last] - y[first]) / (last - first)
    return np.asarray(y[last] + slope * (len(y) - 1 - last + np.arange(1, steps + 1)))


def mean(past: npt.ArrayLike, h: int, m: int = 1) -> Array:  # noqa: ARG001
    """The mean of all values, ``f[k] = mean y``.

    Args:
        past: (T,) values; NaN is left out.
        h: Steps, at least 1.
        m: Not used.

    Returns:
        (h,) forecasts; NaN if nothing was ever seen.

    Raises:
        ConfigError: h is not a count.

    >>> mean([1.0, 2.0, float("nan")], 2).tolist()
    [1.5, 1.5]
    """
    y = _seen(past)
    return np.full(require_count(h, "the horizon"), y.mean() if len(y) else np.nan)


def interval(baseline: Baseline, past: npt.ArrayLike, h: int, m: int = 1, level: float = 95.0) -> tuple[Array, Array]:
    """The interval that holds a share of futures, ``f[k] -/+ z s[k]``, z the normal quantile.

    Args:
        baseline: One of `BASELINES`.
        past: (T,) values; NaN is passed over.
        h: Steps, at least 1.
        m: Period.
        level: Share in per cent, between 0 and 100.

    Returns:
        (h,) lower and (h,) upper limits; NaN where there are too few residuals.

    Raises:
        ConfigError: h or m is not a count, or level is not between 0 and 100.

    >>> lo, hi = interval(BASELINES["naive"], [1.0, 2.0, 1.0, 2.0], 2, level=80)
    >>> lo.round(2).tolist(), hi.round(2).tolist()
    ([0.72, 0.19], [3.28, 3.81])
    """
    if not 0 < level < 100:
        raise ConfigError("the level of an interval is wrong", got=repr(level), expected="per cent between 0 and 100")
    z = NormalDist().inv_cdf(0.5 + level / 200)
    point, half = baseline.point(past, h, m), z * baseline.spread(past, h, m)
    return point - half, point + half


def _naive_spread(past: npt.ArrayLike, h: int, m: int = 1) -> Array:  # noqa: ARG001
    """``s sqrt(k)``, k counted from the last value seen."""
    return _deviation(_changes(past, 1), 0) * np.sqrt(_steps(h) + _trailing(past))


def _seasonal_spread(past: npt.ArrayLike, h: int, m: int = 1) -> Array:
    """``s sqrt(floor((k - 1) / m) + 1)``, seasons counted from the last value seen of the phase."""
    steps = _steps(h)
    _, age = _phases(past, m)
    return _deviation(_changes(past, m), 0) * np.sqrt((steps - 1) // m + np.resize(age, len(steps)))


def _drift_spread(past: npt.ArrayLike, h: int, m: int = 1) -> Array:  # noqa: ARG001
    """``s sqrt(k (1 + k / (T - 1)))``, k counted from the last value seen, T from the first to the last."""
    changes = _changes(past, 1)
    centred = changes - changes.mean() if len(changes) else changes
    where = np.flatnonzero(~np.isnan(np.asarray(past, np.float64)))
    span = int(where[-1] - where[0]) if len(where) > 1 else 1
    k = _steps(h) + _trailing(past)
    return _deviation(centred, 1) * np.sqrt(k * (1 + k / span))


def _mean_spread(past: npt.ArrayLike, h: int, m: int = 1) -> Array:  # noqa: ARG001
    """``s sqrt(1 + 1 / T)``."""
    y = _seen(past)
    residuals = y - y.mean() if len(y) else y
    return np.full(len(_steps(h)), _deviation(residuals, 1) * np.sqrt(1 + 1 / max(len(y), 1)))


BASELINES: Mapping[str, Baseline] = MappingProxyType(
    {
        "naive": Baseline(naive, _naive_spread),
        "seasonal_naive": Baseline(seasonal_naive, _seasonal_spread),
        "drift": Baseline(drift, _drift_spread),
        "mean": Baseline(mean, _mean_spread),
    }
)
"""Every baseline by its name."""


def _seen(past: npt.ArrayLike) -> Array:
    """The values that are not missing."""
    y = np.asarray(past, np.float64)
    return y[~np.isnan(y)]


def _trailing(past: npt.ArrayLike) -> int:
    """How many values are missing at the end."""
    seen = np.flatnonzero(~np.isnan(np.asarray(past, np.float64)))
    return int(np.asarray(past).size - 1 - seen[-1]) if len(seen) else 0


def _phases(past: npt.ArrayLike, m: int) -> tuple[Array, npt.NDArray[np.int64]]:
    """(m,) last value seen of each phase of the coming season, and how many seasons ago that was."""
    y = np.asarray(past, np.float64)
    period = require_count(m, "the period")
    # Filled in front, so that column 0 holds the values whole seasons before the first forecast.
    cycles = np.full(max(1, -(-len(y) // period)) * period, np.nan)
    cycles[len(cycles) - len(y) :] = y
    newest_first = cycles.reshape(-1, period)[::-1]
    seen = ~np.isnan(newest_first)
    row = seen.argmax(axis=0)
    last = np.where(seen.any(axis=0), newest_first[row, np.arange(period)], naive(y, period))
    return last, row + 1


def _changes(past: npt.ArrayLike, m: int) -> Array:
    """Residuals of (seasonal) naive in sample: changes over m steps with both ends seen."""
    y = np.asarray(past, np.float64)
    changes = y[m:] - y[:-m]
    return changes[~np.isnan(changes)]


def _deviation(residuals: Array, parameters: int) -> float:
    """``sqrt(sum e^2 / (number of residuals - K))``; NaN without enough of them."""
    free = len(residuals) - parameters
    return float(np.sqrt((residuals**2).sum() / free)) if free > 0 else float("nan")


def _steps(h: int) -> npt.NDArray[np.int64]:
    """1, 2, ..., h."""
    return np.arange(1, require_count(h, "the horizon") + 1)
