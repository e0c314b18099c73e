"""Metrics of point forecasts of one series, and ratios of them. For missing values see `gatecast.metrics`.

Arrays of any shape are accepted: all their elements are points.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from gatecast._utils.typing import FloatArray
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


def mae(y_true: npt.ArrayLike, y_pred: npt.ArrayLike) -> float:
    """Compute the mean absolute error, ``mean |y_true - y_pred|``, in the unit of the values.

    Args:
        y_true: Actual values; NaN is left out.
        y_pred: Forecasts, in the shape of y_true.

    Raises:
        DataError: The shapes differ.

    Source: Hyndman & Koehler 2006, 2.1.

    >>> mae([1.0, 2.0, float("nan")], [2.0, 4.0, 9.0])
    1.5
    """
    return mean_or_nan(np.abs(_errors(y_true, y_pred)))


def rmse(y_true: npt.ArrayLike, y_pred: npt.ArrayLike) -> float:
    """Compute the root mean squared error, ``sqrt(mean (y_true - y_pred)^2)``, in the unit of the values.

    Args:
        y_true: Actual values; NaN is left out.
        y_pred: Forecasts, in the shape of y_true.

    Raises:
        DataError: The shapes differ.

    Source: Hyndman & Koehler 2006, 2.1.

    >>> rmse([1.0, 2.0], [2.0, 9.0])
    5.0
    """
    return float(np.sqrt(mean_or_nan(_errors(y_true, y_pred) ** 2)))


def mape(y_true: npt.ArrayLike, y_pred: npt.ArrayLike) -> float:
    """Compute the mean absolute percentage error, ``100 mean |y_true - y_pred| / |y_true|``.

    Args:
        y_true: Actual values; NaN is left out, and so is 0, for which the error is undefined.
        y_pred: Forecasts, in the shape of y_true.

    Returns:
        A percentage; NaN if all actual values are 0.

    Raises:
        DataError: The shapes differ.

    Source: Hyndman & Koehler 2006, 2.2.

    >>> mape([100.0, 50.0, 0.0], [125.0, 25.0, 3.0])
    37.5
    """
    actual, forecast = known_pairs(y_true, y_pred)
    nonzero = actual != 0
    return 100 * mean_or_nan(np.abs(actual[nonzero] - forecast[nonzero]) / np.abs(actual[nonzero]))


def smape(y_true: npt.ArrayLike, y_pred: npt.ArrayLike) -> float:
    """Compute the symmetric MAPE, ``200 mean |y_true - y_pred| / (|y_true| + |y_pred|)``, from 0 to 200.

    Args:
        y_true: Actual values; NaN is left out.
        y_pred: Forecasts, in the shape of y_true. Where both are 0 the term is 0.

    Raises:
        DataError: The shapes differ.

    Source: Makridakis & Hibon 2000 (M3); Makridakis, Spiliotis & Assimakopoulos 2020 (M4).

    >>> smape([100.0, 0.0], [300.0, 0.0])
    50.0
    """
    actual, forecast = known_pairs(y_true, y_pred)
    size = np.abs(actual) + np.abs(forecast)
    return 200 * mean_or_nan(np.abs(actual - forecast) / np.where(size == 0, 1.0, size))


def mase(y_true: npt.ArrayLike, y_pred: npt.ArrayLike, y_train: npt.ArrayLike, season_length: int = 1) -> float:
    """Compute the mean absolute scaled error, ``mean |y_true - y_pred| / mean |y_train[t] - y_train[t - m]|``.

    1 is the error of the in-sample seasonal naive forecast.

    Args:
        y_true: Actual values; NaN is left out.
        y_pred: Forecasts, in the shape of y_true.
        y_train: (T,) values before the forecast; pairs with NaN are left out.
        season_length: m.

    Returns:
        The ratio; NaN if the values before have no pair m steps apart, or do not change over m steps.

    Raises:
        DataError: The shapes differ, or season_length is below 1.

    Source: Hyndman & Koehler 2006.

    >>> mase([5.0, 6.0], [5.0, 5.0], y_train=[1.0, 2.0, 3.0, 4.0])
    0.5
    """
    return ratio_or_nan(mae(y_true, y_pred), mean_or_nan(np.abs(seasonal_changes(y_train, season_length))))


def rmsse(y_true: npt.ArrayLike, y_pred: npt.ArrayLike, y_train: npt.ArrayLike, season_length: int = 1) -> float:
    """Compute the root mean squared scaled error.

    ``sqrt(mean (y_true - y_pred)^2 / mean (y_train[t] - y_train[t - m])^2)``

    Args:
        y_true: Actual values; NaN is left out.
        y_pred: Forecasts, in the shape of y_true.
        y_train: (T,) values before the forecast; pairs with NaN are left out.
        season_length: m.

    Returns:
        The ratio; NaN if the values before have no pair m steps apart, or do not change over m steps.

    Raises:
        DataError: The shapes differ, or season_length is below 1.

    Source: Makridakis, Spiliotis & Assimakopoulos 2022 (M5), with m = 1.

    >>> rmsse([5.0, 7.0], [5.0, 5.0], y_train=[1.0, 2.0, 1.0])
    1.4142135623730951
    """
    scale = float(np.sqrt(mean_or_nan(seasonal_changes(y_train, season_length) ** 2)))
    return ratio_or_nan(rmse(y_true, y_pred), scale)


def owa(smape_model: float, mase_model: float, smape_naive2: float, mase_naive2: float) -> float:
    """Compute the overall weighted average, ``(sMAPE / sMAPE_naive2 + MASE / MASE_naive2) / 2``; below 1 beats Naive2.

    Args:
        smape_model: Mean sMAPE of the model over all series.
        mase_model: Mean MASE of the model over all series.
        smape_naive2: Mean sMAPE of Naive2, the naive forecast of seasonally adjusted values.
        mase_naive2: Mean MASE of Naive2.

    Returns:
        The average; NaN if Naive2 makes no error, or a number is NaN.

    Source: Makridakis, Spiliotis & Assimakopoulos 2020 (M4), where the means over series come first.

    >>> owa(10.0, 1.0, 20.0, 2.0)
    0.5
    """
    return (ratio_or_nan(smape_model, smape_naive2) + ratio_or_nan(mase_model, mase_naive2)) / 2


def skill(error: float, baseline: float) -> float:
    """Compute the skill score, ``100 (1 - error / baseline)`` percent; negative is worse than the baseline.

    Args:
        error: An error of the model; smaller is better.
        baseline: The same error of the baseline.

    Returns:
        A percentage; NaN if the baseline makes no error.

    Source: Murphy 1988, for squared errors.

    >>> skill(6.0, 8.0)
    25.0
    """
    return 100 * (1 - ratio_or_nan(error, baseline)) if baseline else float("nan")


def known_pairs(y_true: npt.ArrayLike, values: npt.ArrayLike) -> tuple[FloatArray, FloatArray]:
    """Return the actual values that are known, and the forecasts or bounds for them.

    Args:
        y_true: Actual values; NaN is left out.
        values: Forecasts or bounds, in the shape of y_true.

    Raises:
        DataError: The shapes differ.

    >>> [array.tolist() for array in known_pairs([1.0, float("nan")], [3.0, 4.0])]
    [[1.0], [3.0]]
    """
    actual, paired = np.asarray(y_true, np.float64), np.asarray(values, np.float64)
    if actual.shape != paired.shape:
        got = f"{actual.shape} and {paired.shape}"
        raise DataError("Actual values and forecasts differ in shape", got=got, expected="equal shapes")
    known = ~np.isnan(actual)
    return actual[known], paired[known]


def seasonal_changes(y_train: npt.ArrayLike, season_length: int) -> FloatArray:
    """Return ``y_train[t] - y_train[t - m]``, the errors of the in-sample seasonal naive forecast.

    Args:
        y_train: (T,) values; pairs with NaN are left out.
        season_length: m.

    Raises:
        DataError: season_length is below 1.

    >>> seasonal_changes([1.0, 2.0, 4.0, float("nan")], 1).tolist()
    [1.0, 2.0]
    """
    if season_length < 1:
        what = f"Invalid season_length {season_length}"
        raise DataError(what, expected="a positive integer", argument="season_length")
    values = np.asarray(y_train, np.float64)
    changes = values[season_length:] - values[:-season_length]
    return changes[~np.isnan(changes)]


def mean_or_nan(values: FloatArray) -> float:
    """Return the mean, or NaN without values.

    >>> mean_or_nan(np.array([1.0, 2.0])), mean_or_nan(np.empty(0))
    (1.5, nan)
    """
    return float(values.mean()) if values.size else float("nan")


def ratio_or_nan(numerator: float, denominator: float) -> float:
    """Return the ratio, or NaN if the denominator is 0.

    >>> ratio_or_nan(1.0, 2.0), ratio_or_nan(1.0, 0.0)
    (0.5, nan)
    """
    return numerator / denominator if denominator else float("nan")


def _errors(y_true: npt.ArrayLike, y_pred: npt.ArrayLike) -> FloatArray:
    """Return actual minus forecast where the actual value is known."""
    actual, forecast = known_pairs(y_true, y_pred)
    return actual - forecast
