"""The forecasts that cost nothing, and that every model must beat: naive, seasonal naive, drift, mean.

Letters: S series, T values of the past, h horizon, m period, K parameters, s standard deviation of the residuals.

All series at once, aligned on the right: ``values`` is (..., T), its last column the newest value of every series, NaN
where one is missing or before the series began. Each baseline is a pair: the points, and how far from them the future
lies if the errors in sample are independent and normal. Missing values are passed over: what was seen last counts, and
residuals need both their ends.

Source: Hyndman & Athanasopoulos, Forecasting: Principles and Practice (3rd ed.), 5.2 and 5.5.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from statistics import NormalDist
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from gatecast.errors import ConfigError, check_positive_int

__all__ = [
    "BASELINES",
    "Baseline",
    "baseline_forecasts",
    "drift",
    "interval",
    "mean",
    "naive",
    "reference_baseline",
    "seasonal_naive",
]

Array = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]


class Baseline(NamedTuple):
    """A forecast and its uncertainty, both functions of (values, h, m).

    Args:
        point: (..., h) forecasts.
        spread: (..., h) standard deviations of the forecast errors; NaN with fewer residuals than parameters + 1.
    """

    point: Callable[[npt.ArrayLike, int, int], Array]
    spread: Callable[[npt.ArrayLike, int, int], Array]


def naive(values: npt.ArrayLike, h: int, m: int = 1) -> Array:  # noqa: ARG001
    """The last value, ``f[k] = y[T]``.

    Args:
        values: (..., T) pasts; NaN is passed over.
        h: Steps, at least 1.
        m: Not used.

    Returns:
        (..., h) forecasts; NaN if nothing was ever seen.

    Raises:
        ConfigError: h is not a count.

    >>> naive([1.0, 2.0, float("nan")], 2).tolist()
    [2.0, 2.0]
    """
    last, _ = _last(_pasts(values))
    return np.repeat(last[..., None], check_positive_int(h, "the horizon"), axis=-1)


def seasonal_naive(values: npt.ArrayLike, h: int, m: int = 1) -> Array:
    """The last value of the same phase, ``f[k] = y[T + k - m (floor((k - 1) / m) + 1)]``.

    Args:
        values: (..., T) pasts; NaN is passed over: the phase is looked up one season earlier.
        h: Steps, at least 1.
        m: Period, at least 1; 1 is naive.

    Returns:
        (..., h) forecasts; those of a phase that was never seen are naive, NaN if nothing was ever seen.

    Raises:
        ConfigError: h or m is not a count.

    >>> seasonal_naive([1.0, 2.0, 3.0, float("nan"), 5.0], 4, 3).tolist()
    [3.0, 1.0, 5.0, 3.0]
    """
    steps = _steps(h)
    last, _ = _phases(_pasts(values), m)
    return last[..., (steps - 1) % m]


def drift(values: npt.ArrayLike, h: int, m: int = 1) -> Array:  # noqa: ARG001
    """The line through the first and the last value, ``f[k] = y[T] + k (y[T] - y[1]) / (T - 1)``.

    Args:
        values: (..., T) pasts; NaN is passed over, its time counts.
        h: Steps, at least 1.
        m: Not used.

    Returns:
        (..., h) forecasts; naive with one value, NaN with none.

    Raises:
        ConfigError: h is not a count.

    >>> drift([[1.0, float("nan"), 3.0], [float("nan"), 5.0, 4.0]], 2).tolist()
    [[4.0, 5.0], [3.0, 2.0]]
    """
    y = _pasts(values)
    last, trailing = _last(y)
    slope = (last - _first(y)) / _span(y)
    return last[..., None] + slope[..., None] * (trailing[..., None] + _steps(h))


def mean(values: npt.ArrayLike, h: int, m: int = 1) -> Array:  # noqa: ARG001
    """The mean of all values, ``f[k] = mean y``.

    Args:
        values: (..., T) pasts; NaN is left out.
        h: Steps, at least 1.
        m: Not used.

    Returns:
        (..., h) forecasts; NaN if nothing was ever seen.

    Raises:
        ConfigError: h is not a count.

    >>> mean([1.0, 2.0, float("nan")], 2).tolist()
    [1.5, 1.5]
    """
    return np.repeat(_means(_pasts(values))[..., None], check_positive_int(h, "the horizon"), axis=-1)


def baseline_forecasts(values: npt.ArrayLike, h: int, m: int = 1) -> dict[str, Array]:
    """What all of them say, by the names of their columns; seasonal naive only where there is a season.

    Args:
        values: (S, T) pasts; NaN is passed over.
        h: Steps, at least 1.
        m: Period, at least 1.

    Returns:
        (S, h) forecasts each, the one that skill is against first; NaN for a series without a value.

    Raises:
        ConfigError: h or m is not a count.

    >>> {name: said.tolist() for name, said in baseline_forecasts([[1.0, 4.0, 4.0]], 1, 2).items()}
    {'SeasonalNaive': [[4.0]], 'Naive': [[4.0]], 'Drift': [[5.5]], 'Mean': [[3.0]]}
    """
    seasonal = {"SeasonalNaive": seasonal_naive(values, h, m)} if check_positive_int(m, "the period") > 1 else {}
    return {**seasonal, "Naive": naive(values, h), "Drift": drift(values, h), "Mean": mean(values, h)}


def reference_baseline(values: npt.ArrayLike, h: int, m: int = 1) -> dict[str, Array]:
    """Return the baseline that skill refers to, by its column name: seasonal naive, or naive without a season.

    Args:
        values: Pasts [S, T]; NaN is passed over.
        h: Steps, at least 1.
        m: Season length, at least 1.

    Returns:
        One column of forecasts [S, h]; NaN for a series without a value.

    Example:
        >>> reference_baseline([[1.0, 4.0, 4.0]], 1)
        {'Naive': array([[4.]])}
    """
    return {"SeasonalNaive": seasonal_naive(values, h, m)} if m > 1 else {"Naive": naive(values, h)}


def interval(baseline: Baseline, values: npt.ArrayLike, h: int, m: int = 1, level: float = 95.0) -> tuple[Array, Array]:
    """The interval that holds a share of futures, ``f[k] -/+ z s[k]``, z the normal quantile.

    Args:
        baseline: One of `BASELINES`.
        values: (..., T) pasts; NaN is passed over.
        h: Steps, at least 1.
        m: Period.
        level: Share in per cent, between 0 and 100.

    Returns:
        (..., h) lower and upper limits; NaN where there are too few residuals.

    Raises:
        ConfigError: h or m is not a count, or level is not between 0 and 100.

    >>> lo, hi = interval(BASELINES["naive"], [1.0, 2.0, 1.0, 2.0], 2, level=80)
    >>> lo.round(2).tolist(), hi.round(2).tolist()
    ([0.72, 0.19], [3.28, 3.81])
    """
    if not 0 < level < 100:
        raise ConfigError("the level of an interval is wrong", got=repr(level), expected="per cent between 0 and 100")
    z = NormalDist().inv_cdf(0.5 + level / 200)
    point, half = baseline.point(values, h, m), z * baseline.spread(values, h, m)
    return point - half, point + half


def _naive_spread(values: npt.ArrayLike, h: int, m: int = 1) -> Array:  # noqa: ARG001
    """``s sqrt(k)``, k counted from the last value seen."""
    y = _pasts(values)
    _, trailing = _last(y)
    return np.asarray(_deviation(_changes(y, 1), 0)[..., None] * np.sqrt(_steps(h) + trailing[..., None]))


def _seasonal_spread(values: npt.ArrayLike, h: int, m: int = 1) -> Array:
    """``s sqrt(floor((k - 1) / m) + 1)``, seasons counted from the last value seen of the phase."""
    y, ahead = _pasts(values), _steps(h) - 1
    _, age = _phases(y, m)
    return np.asarray(_deviation(_changes(y, m), 0)[..., None] * np.sqrt(ahead // m + age[..., ahead % m]))


def _drift_spread(values: npt.ArrayLike, h: int, m: int = 1) -> Array:  # noqa: ARG001
    """``s sqrt(k (1 + k / (T - 1)))``, k counted from the last value seen, T from the first to the last."""
    y = _pasts(values)
    changes = _changes(y, 1)
    _, trailing = _last(y)
    k = _steps(h) + trailing[..., None]
    centred = changes - _means(changes)[..., None]
    return np.asarray(_deviation(centred, 1)[..., None] * np.sqrt(k * (1 + k / _span(y)[..., None])))


def _mean_spread(values: npt.ArrayLike, h: int, m: int = 1) -> Array:  # noqa: ARG001
    """``s sqrt(1 + 1 / T)``."""
    y = _pasts(values)
    seen = np.maximum((~np.isnan(y)).sum(axis=-1), 1)
    s = _deviation(y - _means(y)[..., None], 1) * np.sqrt(1 + 1 / seen)
    return np.repeat(s[..., None], check_positive_int(h, "the horizon"), axis=-1)


BASELINES: Mapping[str, Baseline] = MappingProxyType(
    {
        "naive": Baseline(naive, _naive_spread),
        "seasonal_naive": Baseline(seasonal_naive, _seasonal_spread),
        "drift": Baseline(drift, _drift_spread),
        "mean": Baseline(mean, _mean_spread),
    }
)
"""Every baseline by its name."""


def _pasts(values: npt.ArrayLike) -> Array:
    """(..., T), with a missing value where there would be none at all."""
    y = np.asarray(values, np.float64)
    return y if y.shape[-1] else np.full((*y.shape[:-1], 1), np.nan)


def _last(y: Array) -> tuple[Array, Integers]:
    """The last value seen, NaN if none was, and how many are missing behind it; (...) each."""
    trailing = np.asarray(~np.isnan(y[..., ::-1])).argmax(axis=-1)
    return np.take_along_axis(y, y.shape[-1] - 1 - trailing[..., None], axis=-1)[..., 0], trailing


def _first(y: Array) -> Array:
    """(...) first value seen; NaN if none was."""
    return np.take_along_axis(y, (~np.isnan(y)).argmax(axis=-1)[..., None], axis=-1)[..., 0]


def _span(y: Array) -> Integers:
    """(...) steps from the first value seen to the last, at least 1."""
    seen = ~np.isnan(y)
    return np.asarray(np.maximum(y.shape[-1] - 1 - seen[..., ::-1].argmax(axis=-1) - seen.argmax(axis=-1), 1))


def _phases(y: Array, m: int) -> tuple[Array, Integers]:
    """(..., m) last value seen of each phase of the coming season, and how many seasons ago that was."""
    period, T = check_positive_int(m, "the period"), y.shape[-1]
    # Filled in front, so that column 0 holds the values whole seasons before the first forecast.
    cycles = np.full((*y.shape[:-1], -(-T // period) * period), np.nan)
    cycles[..., cycles.shape[-1] - T :] = y
    newest_first = cycles.reshape(*y.shape[:-1], -1, period)[..., ::-1, :]
    row = (~np.isnan(newest_first)).argmax(axis=-2)
    found = np.take_along_axis(newest_first, row[..., None, :], axis=-2)[..., 0, :]
    last, _ = _last(y)
    return np.where(np.isnan(found), last[..., None], found), row + 1


def _changes(y: Array, m: int) -> Array:
    """Residuals of (seasonal) naive in sample: changes over m steps, NaN unless both ends were seen."""
    return y[..., m:] - y[..., :-m]


def _means(y: Array) -> Array:
    """(...) means of what is not missing; NaN where everything is."""
    seen = ~np.isnan(y)
    count = seen.sum(axis=-1)
    return np.where(count > 0, np.where(seen, y, 0.0).sum(axis=-1) / np.maximum(count, 1), np.nan)


def _deviation(residuals: Array, parameters: int) -> Array:
    """(...) ``sqrt(sum e^2 / (number of residuals - K))``; NaN without enough of them."""
    seen = ~np.isnan(residuals)
    free = seen.sum(axis=-1) - parameters
    squares = np.where(seen, residuals**2, 0.0).sum(axis=-1)
    return np.sqrt(np.where(free > 0, squares / np.maximum(free, 1), np.nan))


def _steps(h: int) -> Integers:
    """1, 2, ..., h."""
    return np.arange(1, check_positive_int(h, "the horizon") + 1)
