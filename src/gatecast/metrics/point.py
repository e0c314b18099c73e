"""How far point forecasts lie from what came: errors of one series, and ratios of them.

Letters: N points (any shape of arrays counts as its points), T values of a past, m period.

What is missing is treated as `metrics` says.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from gatecast.errors import DataError

__all__ = [
    "known_pairs",
    "mae",
    "mape",
    "mase",
    "mean_or_nan",
    "owa",
    "ratio_or_nan",
    "rmse",
    "rmsse",
    "seasonal_changes",
    "skill",
    "smape",
]

Array = npt.NDArray[np.float64]


def mae(y: npt.ArrayLike, f: npt.ArrayLike) -> float:
    """Mean absolute error, ``mean |y - f|``, in the unit of the values.

    Args:
        y: Targets; NaN is left out.
        f: Forecasts, of the shape of y.

    Raises:
        DataError: The shapes differ.

    Source: Hyndman & Koehler 2006, 2.1.

    >>> mae([1.0, 2.0, float("nan")], [2.0, 4.0, 9.0])
    1.5
    """
    return mean_or_nan(np.abs(_errors(y, f)))


def rmse(y: npt.ArrayLike, f: npt.ArrayLike) -> float:
    """Root mean squared error, ``sqrt(mean (y - f)^2)``, in the unit of the values.

    Args:
        y: Targets; NaN is left out.
        f: Forecasts, of the shape of y.

    Raises:
        DataError: The shapes differ.

    Source: Hyndman & Koehler 2006, 2.1.

    >>> rmse([1.0, 2.0], [2.0, 9.0])
    5.0
    """
    return float(np.sqrt(mean_or_nan(_errors(y, f) ** 2)))


def mape(y: npt.ArrayLike, f: npt.ArrayLike) -> float:
    """Mean absolute percentage error, ``100 mean |y - f| / |y|``.

    Args:
        y: Targets; NaN is left out, and so is 0, for which it is not defined.
        f: Forecasts, of the shape of y.

    Returns:
        Per cent; NaN if all targets are 0.

    Raises:
        DataError: The shapes differ.

    Source: Hyndman & Koehler 2006, 2.2.

    >>> mape([100.0, 50.0, 0.0], [125.0, 25.0, 3.0])
    37.5
    """
    target, forecast = known_pairs(y, f)
    used = target != 0
    return 100 * mean_or_nan(np.abs(target[used] - forecast[used]) / np.abs(target[used]))


def smape(y: npt.ArrayLike, f: npt.ArrayLike) -> float:
    """Symmetric mean absolute percentage error, ``200 mean |y - f| / (|y| + |f|)``, from 0 to 200.

    Args:
        y: Targets; NaN is left out.
        f: Forecasts, of the shape of y. Where both are 0 the term is 0.

    Raises:
        DataError: The shapes differ.

    Source: Makridakis & Hibon 2000 (M3); Makridakis, Spiliotis & Assimakopoulos 2020 (M4).

    >>> smape([100.0, 0.0], [300.0, 0.0])
    50.0
    """
    target, forecast = known_pairs(y, f)
    size = np.abs(target) + np.abs(forecast)
    return 200 * mean_or_nan(np.abs(target - forecast) / np.where(size == 0, 1.0, size))


def mase(y: npt.ArrayLike, f: npt.ArrayLike, past: npt.ArrayLike, m: int = 1) -> float:
    """Mean absolute scaled error, ``mean |y - f| / mean |past[t] - past[t-m]|``: 1 is naive in sample.

    Args:
        y: Targets; NaN is left out.
        f: Forecasts, of the shape of y.
        past: (T,) values before the forecast; pairs with NaN are left out.
        m: Period.

    Returns:
        The ratio; NaN if the past has no pair m steps apart, or does not change over m steps.

    Raises:
        DataError: The shapes differ, or m is below 1.

    Source: Hyndman & Koehler 2006.

    >>> mase([5.0, 6.0], [5.0, 5.0], past=[1.0, 2.0, 3.0, 4.0])
    0.5
    """
    return ratio_or_nan(mae(y, f), mean_or_nan(np.abs(seasonal_changes(past, m))))


def rmsse(y: npt.ArrayLike, f: npt.ArrayLike, past: npt.ArrayLike, m: int = 1) -> float:
    """Root mean squared scaled error, ``sqrt(mean (y - f)^2 / mean (past[t] - past[t-m])^2)``.

    Args:
        y: Targets; NaN is left out.
        f: Forecasts, of the shape of y.
        past: (T,) values before the forecast; pairs with NaN are left out.
        m: Period.

    Returns:
        The ratio; NaN if the past has no pair m steps apart, or does not change over m steps.

    Raises:
        DataError: The shapes differ, or m is below 1.

    Source: Makridakis, Spiliotis & Assimakopoulos 2022 (M5), there with m = 1.

    >>> rmsse([5.0, 7.0], [5.0, 5.0], past=[1.0, 2.0, 1.0])
    1.4142135623730951
    """
    return ratio_or_nan(rmse(y, f), float(np.sqrt(mean_or_nan(seasonal_changes(past, m) ** 2))))


def owa(smape_model: float, mase_model: float, smape_naive2: float, mase_naive2: float) -> float:
    """Overall weighted average, ``(sMAPE / sMAPE_naive2 + MASE / MASE_naive2) / 2``: below 1 beats Naive2.

    Args:
        smape_model: Mean sMAPE of the model over all series.
        mase_model: Mean MASE of the model over all series.
        smape_naive2: The same of Naive2: naive on seasonally adjusted values.
        mase_naive2: The same of Naive2.

    Returns:
        The average; NaN if Naive2 makes no error, or a number is NaN.

    Source: Makridakis, Spiliotis & Assimakopoulos 2020 (M4): the averages over series come first.

    >>> owa(10.0, 1.0, 20.0, 2.0)
    0.5
    """
    return (ratio_or_nan(smape_model, smape_naive2) + ratio_or_nan(mase_model, mase_naive2)) / 2


def skill(error: float, baseline: float) -> float:
    """How much of the baseline's error is gone, ``100 (1 - error / baseline)`` per cent; negative is worse.

    Args:
        error: Any error of the model, where less is better.
        baseline: The same error of the baseline.

    Returns:
        Per cent; NaN if the baseline makes no error.

    Source: Murphy 1988, there of squared errors.

    >>> skill(6.0, 8.0)
    25.0
    """
    return 100 * (1 - ratio_or_nan(error, baseline)) if baseline else float("nan")


def known_pairs(y: npt.ArrayLike, f: npt.ArrayLike) -> tuple[Array, Array]:
    """Targets that are known, and what belongs to them.

    Args:
        y: Targets of any shape; NaN is left out.
        f: Anything that belongs to them, of the shape of y.

    Raises:
        DataError: The shapes differ.

    >>> [kept.tolist() for kept in known_pairs([1.0, float("nan")], [3.0, 4.0])]
    [[1.0], [3.0]]
    """
    target, forecast = np.asarray(y, np.float64), np.asarray(f, np.float64)
    if target.shape != forecast.shape:
        raise DataError(
            "targets and forecasts differ in shape",
            got=f"{target.shape} and {forecast.shape}",
            expected="one shape",
        )
    known = ~np.isnan(target)
    return target[known], forecast[known]


def seasonal_changes(past: npt.ArrayLike, m: int) -> Array:
    """``past[t] - past[t-m]`` where both are known: what seasonal naive gets wrong in sample.

    Args:
        past: (T,) values; pairs with NaN are left out.
        m: Period.

    Raises:
        DataError: m is below 1.

    >>> seasonal_changes([1.0, 2.0, 4.0, float("nan")], 1).tolist()
    [1.0, 2.0]
    """
    if m < 1:
        raise DataError("the period is wrong", got=str(m), expected="at least 1")
    x = np.asarray(past, np.float64)
    changes = x[m:] - x[:-m]
    return changes[~np.isnan(changes)]


def mean_or_nan(values: Array) -> float:
    """Mean; NaN without values.

    >>> mean_or_nan(np.array([1.0, 2.0])), mean_or_nan(np.empty(0))
    (1.5, nan)
    """
    return float(values.mean()) if values.size else float("nan")


def ratio_or_nan(above: float, below: float) -> float:
    """Quotient; NaN where nothing is below.

    >>> ratio_or_nan(1.0, 2.0), ratio_or_nan(1.0, 0.0)
    (0.5, nan)
    """
    return above / below if below else float("nan")


def _errors(y: npt.ArrayLike, f: npt.ArrayLike) -> Array:
    """Target less forecast where the target is known."""
    target, forecast = known_pairs(y, f)
    return target - forecast
