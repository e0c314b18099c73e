"""Errors of models on a test part, next to those of simple forecasts.

Shapes: n_series series, n_rows rows of the test part of each.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from gatecast import metrics
from gatecast.metrics.scale import seasonal_naive_scale
from gatecast.results import Score

__all__ = ["fill_missing", "mean_errors", "score"]

FloatArray = npt.NDArray[np.float64]
Intervals = Mapping[float, tuple[FloatArray, FloatArray]]

MIN_SCALED_SHARE = 0.5
"""Share of the scored series that must have a scale for MASE to be the measure of a panel."""

SCALED = {"mae": "mase", "rmse": "rmsse"}
"""Measures of a single series, and what they become of several."""

MAX_RATIO = 10.0
"""Ratio of two errors of a series, at most; its inverse at least: an error of 0 must not decide."""


def score(
    actual: FloatArray,
    past: FloatArray,
    predicted: Mapping[str, FloatArray],
    intervals: Intervals,
    baseline: str,
    season_length: int,
    point: str = "median",
) -> tuple[Score, ...]:
    """Compute errors on a test part: means over series, each the mean over its rows.

    A value that a model does not forecast counts with the error of the baseline, so nothing is gained by refusing it.

    Skill compares MAE, or RMSE where the point forecast is the mean. Of several series it compares what a single one
    cannot decide: MASE or RMSSE, or where most series have no scale, the geometric mean over series of the ratio to the
    baseline's error, each between a tenth and tenfold.

    Args:
        actual: Actual values, [n_series, n_rows]; rows with NaN do not count.
        past: Values before the test part, aligned at their ends, [n_series, T].
        predicted: Forecasts of every model, the main one first, [n_series, n_rows] each.
        intervals: Lower and upper bounds of the main model by level in percent, [n_series, n_rows] each.
        baseline: The model that skill is relative to.
        season_length: Season of MASE.
        point: "median" or "mean": what the forecasts are.

    Returns:
        A score for each model, in the order of `predicted`.

    Source: Hyndman & Koehler 2006 (MASE); Davydenko & Fildes 2013 (the geometric mean of ratios).
    """
    scale = seasonal_naive_scale(past, season_length)
    filled = fill_missing(actual, predicted, baseline)
    mae_by_series, rmse_by_series = (mean_errors(actual, filled, squared=squared) for squared in (False, True))
    by_series = rmse_by_series if point == "mean" else mae_by_series
    skill_scale = seasonal_naive_scale(past, season_length, squared=True) if point == "mean" else scale
    measure = _measure(mae_by_series[baseline], scale, point)
    scores = []
    for k, (name, forecast) in enumerate(filled.items()):
        scores.append(
            Score(
                name,
                float(_mean(mae_by_series[name])),
                float(_mean(rmse_by_series[name])),
                float(_mean(mae_by_series[name] / scale)),
                _skill(measure, by_series[name], by_series[baseline], skill_scale),
                _coverage(actual, intervals) if k == 0 else {},
                int((by_series[name] > by_series[baseline]).sum()),
                float(_mean(_mean(forecast - actual))),
                int((np.isfinite(actual) & ~np.isfinite(predicted[name])).sum()),
                measure,
            )
        )
    return tuple(scores)


def fill_missing(actual: FloatArray, predicted: Mapping[str, FloatArray], baseline: str) -> dict[str, FloatArray]:
    """Return forecasts in which the baseline's stand for those that a model does not have of a known value.

    Example:
        >>> predicted = {"LSTM": np.array([1.0, np.nan]), "Naive": np.array([5.0, 5.0])}
        >>> fill_missing(np.array([2.0, 3.0]), predicted, "Naive")["LSTM"].tolist()
        [1.0, 5.0]
    """
    reference, known = predicted[baseline], np.isfinite(actual)
    return {name: np.where(known & ~np.isfinite(column), reference, column) for name, column in predicted.items()}


def mean_errors(
    actual: FloatArray, predicted: Mapping[str, FloatArray], *, squared: bool = False
) -> dict[str, FloatArray]:
    """Return the mean absolute error over the last axis by model, or the root of the mean squared error.

    Args:
        actual: Actual values, [..., n_rows]; NaN does not count.
        predicted: Forecasts by model, [..., n_rows] each.
        squared: Whether errors are squared.
    """
    if squared:
        return {name: np.sqrt(_mean((actual - forecast) ** 2)) for name, forecast in predicted.items()}
    return {name: _mean(np.abs(actual - forecast)) for name, forecast in predicted.items()}


def _measure(reference: FloatArray, scale: FloatArray, point: str) -> str:
    """Return what skill compares, a value of `Score.measure`."""
    error, scored = "rmse" if point == "mean" else "mae", np.isfinite(reference)
    if len(reference) == 1:
        return error
    has_scale = scored & np.isfinite(scale)
    scaled = has_scale.any() and has_scale.sum() >= MIN_SCALED_SHARE * scored.sum()
    return SCALED[error] if scaled else f"{error}_ratio"


def _skill(measure: str, errors: FloatArray, reference: FloatArray, scale: FloatArray) -> float:
    """Return the percentage of the reference's error that a model saves, of errors by series."""
    if not measure.endswith("ratio"):
        unit = scale if measure in SCALED.values() else np.ones(len(errors))
        return metrics.skill(float(_mean(errors / unit)), float(_mean(reference / unit)))
    with np.errstate(invalid="ignore", divide="ignore"):
        ratio = np.clip(np.where(errors == reference, 1.0, errors / reference), 1 / MAX_RATIO, MAX_RATIO)
    return 100 * (1 - float(np.exp(_mean(np.log(np.where(np.isfinite(errors + reference), ratio, np.nan))))))


def _coverage(actual: FloatArray, intervals: Intervals) -> dict[float, float]:
    """Return the share of known values inside each interval, in percent; NaN where none is known."""
    known = np.isfinite(actual)
    return {
        level: 100 * float(((low <= actual) & (actual <= high))[known].mean()) if known.any() else np.nan
        for level, (low, high) in intervals.items()
    }


def _mean(values: FloatArray) -> FloatArray:
    """Return the mean of the known values over the last axis; NaN where none is known."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        return np.asarray(np.nanmean(values, axis=-1))
