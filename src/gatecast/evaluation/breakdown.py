"""Errors and coverage of forecasts, broken down by series, by forecast window and by step ahead."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from gatecast.data.panel import Panel
from gatecast.forecasting.scaling import to_matrix
from gatecast.metrics.scale import seasonal_naive_scale
from gatecast.plotting.charts import ForecastSeries
from gatecast.results import Evaluation

__all__ = ["SeriesErrors", "coverage_by_step", "errors_by_series", "mae_by_group", "mae_by_window", "rows_of_series"]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class SeriesErrors:
    """Errors on the test part, one value per series; NaN where unknown.

    Args:
        mae: Mean absolute error of the model [S].
        baseline_mae: Mean absolute error of the baseline [S].
        mase: Mean absolute scaled error of the model [S].
        skill: ``100 (1 - mae / baseline_mae)``, in percent [S].
    """

    mae: FloatArray
    baseline_mae: FloatArray
    mase: FloatArray
    skill: FloatArray


def errors_by_series(panel: Panel, evaluation: Evaluation) -> SeriesErrors:
    """Compute the errors of every series on its test part.

    Args:
        panel: The series, test part included.
        evaluation: Evaluation of all of them.
    """
    n_test, rows = evaluation.split_sizes[2], evaluation.series()
    series = np.repeat(np.arange(len(panel)), np.minimum(panel.lengths, n_test))
    mae, baseline_mae = (mae_by_group(rows, name, series, len(panel)) for name in (rows.model, rows.baseline()))
    scale = seasonal_naive_scale(to_matrix(panel)[:, :-n_test], evaluation.season_length)
    with np.errstate(invalid="ignore", divide="ignore"):
        return SeriesErrors(mae, baseline_mae, mae / scale, 100 * (1 - mae / baseline_mae))


def mae_by_window(evaluation: Evaluation) -> dict[str, FloatArray]:
    """Compute the mean absolute error of each forecast of the test part, the oldest first.

    Returns:
        Errors of the model and of the baseline by column name, each [n_windows]; NaN where unknown.
    """
    rows = evaluation.series()
    window = _test_positions(rows, evaluation) // evaluation.horizon
    names = [name for name in (rows.model, rows.baseline()) if name]
    return {name: mae_by_group(rows, name, window, int(window.max()) + 1) for name in names}


def coverage_by_step(evaluation: Evaluation) -> dict[float, FloatArray]:
    """Compute the percentage of test values inside each interval, by step ahead.

    Returns:
        Coverage by level, each [horizon]; NaN for a step without a known value.
    """
    rows, h = evaluation.series(), evaluation.horizon
    actual = np.asarray(rows.table[rows.target_col], float)
    known = np.isfinite(actual)
    step = (_test_positions(rows, evaluation) % h)[known]
    n_known = np.bincount(step, minlength=h)
    coverage = {}
    for level in rows.levels:
        low, high = (rows.table[f"{rows.model}-{side}-{level:g}"] for side in ("lo", "hi"))
        inside = ((low <= actual) & (actual <= high))[known].astype(float)
        with np.errstate(invalid="ignore"):
            coverage[level] = 100 * np.bincount(step, inside, h) / n_known
    return coverage


def mae_by_group(rows: ForecastSeries, column: str, group: IntArray, n_groups: int) -> FloatArray:
    """Compute the mean absolute error of each group of rows.

    Args:
        rows: Forecasts with actual values [N].
        column: Column of the forecasts.
        group: Group of each row, from 0 [N].
        n_groups: Number of groups.

    Returns:
        Errors [n_groups]; NaN for a group without a known error.
    """
    error = np.abs(np.asarray(rows.table[rows.target_col], float) - rows.table[column])
    known = np.isfinite(error)
    with np.errstate(invalid="ignore"):
        return np.bincount(group[known], error[known], n_groups) / np.bincount(group[known], minlength=n_groups)


def rows_of_series(panel: Panel, evaluation: Evaluation, s: int) -> slice:
    """Return the rows of series s in the table of an evaluation of the panel."""
    lengths = np.minimum(panel.lengths, evaluation.split_sizes[2])
    end = int(lengths[: s + 1].sum())
    return slice(end - int(lengths[s]), end)


def _test_positions(rows: ForecastSeries, evaluation: Evaluation) -> IntArray:
    """Return the position of each row in the test part of its series; a short series lacks the first ones."""
    times, n_test = rows.times, evaluation.split_sizes[2]
    # The rows of a series are consecutive, and their times increase.
    new = np.ones(len(times), bool)
    new[1:] = times[1:] <= times[:-1]
    for name in evaluation.columns.ids:
        new[1:] |= rows.table[name][1:] != rows.table[name][:-1]
    start = np.flatnonzero(new)
    length = np.diff([*start, len(times)])
    return np.asarray(np.arange(len(times)) - np.repeat(start, length) + np.repeat(n_test - length, length))
