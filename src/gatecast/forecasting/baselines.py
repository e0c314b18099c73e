"""Baselines: simple forecasts that cost nothing, and that every model must beat: naive, seasonal naive, drift, mean.

All series at once, aligned at their ends: ``values`` is [..., T], its last column the newest value of every series, NaN
where one is missing or before the series began. Each baseline is a pair: point forecasts, and standard deviations of
their errors if in-sample errors are independent and normal. Missing values are skipped: the last observed value counts,
and a residual needs both its ends.

Shapes: n_series rows, T columns of the past, h steps, m season length.

Source: Hyndman & Athanasopoulos, Forecasting: Principles and Practice (3rd ed.), 5.2 and 5.5.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from statistics import NormalDist
from types import MappingProxyType
from typing import ClassVar, NamedTuple

import numpy as np
import numpy.typing as npt

from gatecast._utils.typing import FloatArray, IntArray
from gatecast._utils.validation import check_positive_int
from gatecast.data.season_calendar import SeasonCalendar
from gatecast.errors import ConfigError
from gatecast.forecasting.base import Family, LocalModel, Task
from gatecast.forecasting.context import PanelContext
from gatecast.forecasting.registry import register

__all__ = [
    "BASELINES",
    "Baseline",
    "Drift",
    "Mean",
    "Naive",
    "SeasonalNaive",
    "baseline_forecasts",
    "drift",
    "interval",
    "mean",
    "naive",
    "reference_baseline",
    "seasonal_naive",
]


class Baseline(NamedTuple):
    """A forecast and its uncertainty, both functions of (values, h, m).

    Args:
        point: Point forecasts, [..., h].
        spread: Standard deviations of the forecast errors, [..., h]; NaN with too few residuals.
    """

    point: Callable[[npt.ArrayLike, int, int], FloatArray]
    spread: Callable[[npt.ArrayLike, int, int], FloatArray]


def naive(values: npt.ArrayLike, h: int, m: int = 1) -> FloatArray:  # noqa: ARG001
    """Forecast the last value, ``f[k] = y[T]``.

    Args:
        values: Past values, [..., T]; NaN is skipped.
        h: Steps, at least 1.
        m: Not used.

    Returns:
        Forecasts, [..., h]; NaN for a series without a value.

    Raises:
        ConfigError: h is not a positive integer.

    Example:
        >>> naive([1.0, 2.0, float("nan")], 2).tolist()
        [2.0, 2.0]
    """
    last, _ = _last(_as_array(values))
    return np.repeat(last[..., None], check_positive_int(h, "h"), axis=-1)


def seasonal_naive(values: npt.ArrayLike, h: int, m: int = 1, calendar: SeasonCalendar | None = None) -> FloatArray:
    """Forecast the last value of the same season, ``f[k] = y[T + k - m (floor((k - 1) / m) + 1)]``.

    Args:
        values: Past values, [..., T]; of a missing value, the one a season earlier is taken.
        h: Steps, at least 1.
        m: Season length, at least 1; 1 is naive.
        calendar: What the places in the season are counted by, for values [n_series, T]; None: by steps.

    Returns:
        Forecasts, [..., h]; naive for a phase without a value, NaN for a series without one.

    Raises:
        ConfigError: h or m is not a positive integer.

    Example:
        >>> seasonal_naive([1.0, 2.0, 3.0, float("nan"), 5.0], 4, 3).tolist()
        [3.0, 1.0, 5.0, 3.0]
    """
    steps = _steps(h)
    if calendar is not None:
        by_place = _last_by_place(_as_array(values), m, calendar)
        return np.take_along_axis(by_place, calendar.places(steps - 1), axis=1)
    last, _ = _last_by_phase(_as_array(values), m)
    return last[..., (steps - 1) % m]


def drift(values: npt.ArrayLike, h: int, m: int = 1) -> FloatArray:  # noqa: ARG001
    """Forecast the line through the first and the last value, ``f[k] = y[T] + k (y[T] - y[1]) / (T - 1)``.

    Args:
        values: Past values, [..., T]; NaN is skipped, its time counts.
        h: Steps, at least 1.
        m: Not used.

    Returns:
        Forecasts, [..., h]; naive with one value, NaN for a series without one.

    Raises:
        ConfigError: h is not a positive integer.

    Example:
        >>> drift([[1.0, float("nan"), 3.0], [float("nan"), 5.0, 4.0]], 2).tolist()
        [[4.0, 5.0], [3.0, 2.0]]
    """
    y = _as_array(values)
    last, n_missing = _last(y)
    slope = (last - _first(y)) / _span(y)
    return last[..., None] + slope[..., None] * (n_missing[..., None] + _steps(h))


def mean(values: npt.ArrayLike, h: int, m: int = 1) -> FloatArray:  # noqa: ARG001
    """Forecast the mean of all values, ``f[k] = mean y``.

    Args:
        values: Past values, [..., T]; NaN is left out.
        h: Steps, at least 1.
        m: Not used.

    Returns:
        Forecasts, [..., h]; NaN for a series without a value.

    Raises:
        ConfigError: h is not a positive integer.

    Example:
        >>> mean([1.0, 2.0, float("nan")], 2).tolist()
        [1.5, 1.5]
    """
    return np.repeat(_means(_as_array(values))[..., None], check_positive_int(h, "h"), axis=-1)


def baseline_forecasts(
    values: npt.ArrayLike, h: int, m: int = 1, calendar: SeasonCalendar | None = None
) -> dict[str, FloatArray]:
    """Forecast with every baseline; with seasonal naive only where there is a season.

    Args:
        values: Past values, [n_series, T]; NaN is skipped.
        h: Steps, at least 1.
        m: Season length, at least 1.
        calendar: What the places in the season are counted by; None: by steps.

    Returns:
        Forecasts by column, [n_series, h], the reference of skill first; NaN for a series without a value.

    Raises:
        ConfigError: h or m is not a positive integer.

    Example:
        >>> forecasts = baseline_forecasts([[1.0, 4.0, 4.0]], 1, 2)
        >>> {column: forecast.tolist() for column, forecast in forecasts.items()}
        {'SeasonalNaive': [[4.0]], 'Naive': [[4.0]], 'Drift': [[5.5]], 'Mean': [[3.0]]}
    """
    seasonal = {"SeasonalNaive": seasonal_naive(values, h, m, calendar)} if check_positive_int(m, "m") > 1 else {}
    return {**seasonal, "Naive": naive(values, h), "Drift": drift(values, h), "Mean": mean(values, h)}


def reference_baseline(
    values: npt.ArrayLike, h: int, m: int = 1, calendar: SeasonCalendar | None = None
) -> dict[str, FloatArray]:
    """Forecast with the baseline that skill refers to: seasonal naive, or naive without a season.

    Args:
        values: Past values, [n_series, T]; NaN is skipped.
        h: Steps, at least 1.
        m: Season length, at least 1.
        calendar: What the places in the season are counted by; None: by steps.

    Returns:
        Its column, and forecasts [n_series, h]; NaN for a series without a value.

    Example:
        >>> reference_baseline([[1.0, 4.0, 4.0]], 1)
        {'Naive': array([[4.]])}
    """
    return {"SeasonalNaive": seasonal_naive(values, h, m, calendar)} if m > 1 else {"Naive": naive(values, h)}


def interval(
    baseline: Baseline, values: npt.ArrayLike, h: int, m: int = 1, level: float = 95.0
) -> tuple[FloatArray, FloatArray]:
    """Compute the prediction interval of a baseline, ``f[k] -/+ z s[k]``, z the normal quantile.

    Args:
        baseline: One of `BASELINES`.
        values: Past values, [..., T]; NaN is skipped.
        h: Steps, at least 1.
        m: Season length.
        level: Level in percent, between 0 and 100.

    Returns:
        Lower and upper bounds, [..., h]; NaN with too few residuals.

    Raises:
        ConfigError: h or m is not a positive integer, or the level is not between 0 and 100.

    Example:
        >>> lower, upper = interval(BASELINES["naive"], [1.0, 2.0, 1.0, 2.0], 2, level=80)
        >>> lower.round(2).tolist(), upper.round(2).tolist()
        ([0.72, 0.19], [3.28, 3.81])
    """
    if not 0 < level < 100:
        raise ConfigError(f"Invalid level {level!r}", expected="a percentage between 0 and 100", argument="level")
    z = NormalDist().inv_cdf(0.5 + level / 200)
    point, half = baseline.point(values, h, m), z * baseline.spread(values, h, m)
    return point - half, point + half


def _naive_spread(values: npt.ArrayLike, h: int, m: int = 1) -> FloatArray:  # noqa: ARG001
    """Return ``s sqrt(k)``, k counted from the last value."""
    y = _as_array(values)
    _, n_missing = _last(y)
    return np.asarray(_deviation(_changes(y, 1), 0)[..., None] * np.sqrt(_steps(h) + n_missing[..., None]))


def _seasonal_naive_spread(values: npt.ArrayLike, h: int, m: int = 1) -> FloatArray:
    """Return ``s sqrt(floor((k - 1) / m) + 1)``, seasons counted from the last value of the phase."""
    y, k = _as_array(values), _steps(h) - 1
    _, age = _last_by_phase(y, m)
    return np.asarray(_deviation(_changes(y, m), 0)[..., None] * np.sqrt(k // m + age[..., k % m]))


def _drift_spread(values: npt.ArrayLike, h: int, m: int = 1) -> FloatArray:  # noqa: ARG001
    """Return ``s sqrt(k (1 + k / (T - 1)))``, k counted from the last value, T from the first to the last."""
    y = _as_array(values)
    changes = _changes(y, 1)
    _, n_missing = _last(y)
    k = _steps(h) + n_missing[..., None]
    centered = changes - _means(changes)[..., None]
    return np.asarray(_deviation(centered, 1)[..., None] * np.sqrt(k * (1 + k / _span(y)[..., None])))


def _mean_spread(values: npt.ArrayLike, h: int, m: int = 1) -> FloatArray:  # noqa: ARG001
    """Return ``s sqrt(1 + 1 / T)``."""
    y = _as_array(values)
    n_observed = np.maximum((~np.isnan(y)).sum(axis=-1), 1)
    s = _deviation(y - _means(y)[..., None], 1) * np.sqrt(1 + 1 / n_observed)
    return np.repeat(s[..., None], check_positive_int(h, "h"), axis=-1)


BASELINES: Mapping[str, Baseline] = MappingProxyType(
    {
        "naive": Baseline(naive, _naive_spread),
        "seasonal_naive": Baseline(seasonal_naive, _seasonal_naive_spread),
        "drift": Baseline(drift, _drift_spread),
        "mean": Baseline(mean, _mean_spread),
    }
)
"""Every baseline by its name."""


def _as_array(values: npt.ArrayLike) -> FloatArray:
    """Return values as an array, [..., T], with a missing value where there would be no column."""
    y = np.asarray(values, np.float64)
    return y if y.shape[-1] else np.full((*y.shape[:-1], 1), np.nan)


def _last(y: FloatArray) -> tuple[FloatArray, IntArray]:
    """Return the last observed value, NaN without one, and the number of missing values after it; [...] each."""
    n_missing = np.asarray(~np.isnan(y[..., ::-1])).argmax(axis=-1)
    return np.take_along_axis(y, y.shape[-1] - 1 - n_missing[..., None], axis=-1)[..., 0], n_missing


def _first(y: FloatArray) -> FloatArray:
    """Return the first observed value, [...]; NaN without one."""
    return np.take_along_axis(y, (~np.isnan(y)).argmax(axis=-1)[..., None], axis=-1)[..., 0]


def _span(y: FloatArray) -> IntArray:
    """Return the steps from the first observed value to the last, at least 1, [...]."""
    observed = ~np.isnan(y)
    last = y.shape[-1] - 1 - observed[..., ::-1].argmax(axis=-1)
    return np.asarray(np.maximum(last - observed.argmax(axis=-1), 1))


def _last_by_phase(y: FloatArray, m: int) -> tuple[FloatArray, IntArray]:
    """Return the last observed value of each phase of the coming season, [..., m], and how many seasons ago it was."""
    period, T = check_positive_int(m, "m"), y.shape[-1]
    # Filled in front, so that column 0 holds the values whole seasons before the first forecast.
    cycles = np.full((*y.shape[:-1], -(-T // period) * period), np.nan)
    cycles[..., cycles.shape[-1] - T :] = y
    newest_first = cycles.reshape(*y.shape[:-1], -1, period)[..., ::-1, :]
    row = (~np.isnan(newest_first)).argmax(axis=-2)
    values = np.take_along_axis(newest_first, row[..., None, :], axis=-2)[..., 0, :]
    last, _ = _last(y)
    return np.where(np.isnan(values), last[..., None], values), row + 1


def _last_by_place(y: FloatArray, m: int, calendar: SeasonCalendar) -> FloatArray:
    """Return the last observed value at each place of the season, [n_series, m]; naive for a place without one."""
    (n_series, T), rows = y.shape, np.arange(len(y))[:, None]
    newest = np.full((n_series, m), -1)
    np.maximum.at(newest, (rows, calendar.places(np.arange(-T, 0))), np.where(np.isnan(y), -1, np.arange(T)))
    last, _ = _last(y)
    return np.where(newest < 0, last[:, None], y[rows, np.maximum(newest, 0)])


def _changes(y: FloatArray, m: int) -> FloatArray:
    """Return in-sample residuals of (seasonal) naive: changes over m steps, NaN unless both ends are observed."""
    return y[..., m:] - y[..., :-m]


def _means(y: FloatArray) -> FloatArray:
    """Return means of the observed values, [...]; NaN without any."""
    observed = ~np.isnan(y)
    count = observed.sum(axis=-1)
    return np.where(count > 0, np.where(observed, y, 0.0).sum(axis=-1) / np.maximum(count, 1), np.nan)


def _deviation(residuals: FloatArray, n_parameters: int) -> FloatArray:
    """Return ``sqrt(sum e^2 / (number of residuals - n_parameters))``, [...]; NaN with too few of them."""
    observed = ~np.isnan(residuals)
    degrees = observed.sum(axis=-1) - n_parameters
    squares = np.where(observed, residuals**2, 0.0).sum(axis=-1)
    return np.sqrt(np.where(degrees > 0, squares / np.maximum(degrees, 1), np.nan))


def _steps(h: int) -> IntArray:
    """Return 1, 2, ..., h."""
    return np.arange(1, check_positive_int(h, "h") + 1)


class _BaselineModel(LocalModel):
    """A simple forecast as a model, with the intervals of normal, independent errors."""

    family: ClassVar[Family] = "baseline"

    def forecast(self, values: FloatArray, task: Task) -> FloatArray:
        """Forecast each series by the formula of the baseline."""
        baseline = BASELINES[self.name.replace("-", "_")]
        return self._around(values, task, baseline.point(values, task.horizon, task.season_length))

    def _around(self, values: FloatArray, task: Task, point: FloatArray) -> FloatArray:
        """Return quantiles around point forecasts."""
        baseline = BASELINES[self.name.replace("-", "_")]
        spread = np.nan_to_num(baseline.spread(values, task.horizon, task.season_length))
        return self.normal_quantiles(point, spread, task.quantiles)


@register
@dataclass(frozen=True)
class Naive(_BaselineModel):
    """The last value."""

    name: ClassVar[str] = "naive"
    column: ClassVar[str] = "Naive"


@register
@dataclass(frozen=True)
class SeasonalNaive(_BaselineModel):
    """The last value of the same season."""

    name: ClassVar[str] = "seasonal-naive"
    column: ClassVar[str] = "SeasonalNaive"

    def forecast_rows(self, context: PanelContext, task: Task) -> FloatArray:
        """Forecast each series, with a yearly season counted by its dates."""
        h, m = task.horizon, task.season_length
        return self._around(context.values, task, seasonal_naive(context.values, h, m, context.season_calendar(m)))


@register
@dataclass(frozen=True)
class Drift(_BaselineModel):
    """The line through the first and the last value."""

    name: ClassVar[str] = "drift"
    column: ClassVar[str] = "Drift"


@register
@dataclass(frozen=True)
class Mean(_BaselineModel):
    """The mean of all values."""

    name: ClassVar[str] = "mean"
    column: ClassVar[str] = "Mean"
