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

__all__ = ["score"]

FloatArray = npt.NDArray[np.float64]
Intervals = Mapping[float, tuple[FloatArray, FloatArray]]


def score(
    actual: FloatArray,
    past: FloatArray,
    predicted: Mapping[str, FloatArray],
    intervals: Intervals,
    baseline: str,
    season_length: int,
) -> tuple[Score, ...]:
    """Compute errors on a test part: means over series, each the mean over its rows.

    Args:
        actual: Actual values, [n_series, n_rows]; rows with NaN do not count.
        past: Values before the test part, aligned at their ends, [n_series, T].
        predicted: Forecasts of every model, the main one first, [n_series, n_rows] each.
        intervals: Lower and upper bounds of the main model by level in percent, [n_series, n_rows] each.
        baseline: The model that skill is relative to.
        season_length: Season of MASE.

    Returns:
        A score for each model, in the order of `predicted`.
    """
    scale = seasonal_naive_scale(past, season_length)
    mae_by_series = {name: _mean(np.abs(actual - forecast)) for name, forecast in predicted.items()}
    reference = mae_by_series[baseline]
    reference_mae = float(_mean(reference))
    scores = []
    for k, (name, forecast) in enumerate(predicted.items()):
        mae = float(_mean(mae_by_series[name]))
        scores.append(
            Score(
                name,
                mae,
                float(_mean(np.sqrt(_mean((actual - forecast) ** 2)))),
                float(_mean(mae_by_series[name] / scale)),
                metrics.skill(mae, reference_mae),
                _coverage(actual, intervals) if k == 0 else {},
                int((mae_by_series[name] > reference).sum()),
            )
        )
    return tuple(scores)


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
