"""Scores of every model in a table of forecasts and actual values, such as cross-validation returns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from gatecast import metrics
from gatecast.evaluation.scores import fill_missing

__all__ = ["ForecastScore", "score_forecasts"]


@dataclass(frozen=True)
class ForecastScore:
    """Errors of one model over all rows of a table.

    Args:
        model: Column of the model.
        mae: Mean absolute error, in the unit of the target.
        rmse: Root mean squared error, in the unit of the target.
        smape: Symmetric mean absolute percentage error, in percent.
        skill: ``100 (1 - mae / mae of the baseline)``, in percent; of RMSE where the point forecast is the mean.
        coverage: Percentage of the actual values inside the interval, by level; NaN for a model without intervals.
        n_missing: Actual values that the model does not forecast; they count with the error of the baseline,
            and where that has no forecast either, they do not count.
    """

    model: str
    mae: float
    rmse: float
    smape: float
    skill: float
    coverage: dict[float, float]
    n_missing: int = 0


def score_forecasts(
    table: Mapping[str, npt.NDArray[np.generic]], target_col: str, levels: Sequence[float] = (), point: str = "median"
) -> list[ForecastScore]:
    """Score every model of a table against the actual values.

    Args:
        table: Columns of equal length; those after `target_col` are forecasts and bounds of intervals, which are called
            ``<model>-lo-<level>`` and ``<model>-hi-<level>``. Rows without an actual value do not count.
        target_col: Column of the actual values.
        levels: Levels of the intervals, in percent.
        point: "median" or "mean": what the forecasts are.

    Returns:
        A score for each model, in the order of the columns. Skill compares with "SeasonalNaive" or
        "Naive", whichever comes first.

    Example:
        >>> table = {"y": np.array([2.0, 4.0]), "LSTM": np.array([3.0, 4.0]), "Naive": np.array([1.0, 5.0])}
        >>> [(score.model, score.mae, score.skill) for score in score_forecasts(table, "y")]
        [('LSTM', 0.5, 50.0), ('Naive', 1.0, 0.0)]
    """
    actual = np.asarray(table[target_col], np.float64)
    reference = next((name for name in table if name in ("SeasonalNaive", "Naive")), "Naive")
    models = _models(list(table), target_col, levels)
    given = {model: np.asarray(table[model], np.float64) for model in dict.fromkeys([*models, reference])}
    predicted = fill_missing(actual, given, reference)
    compared = metrics.rmse if point == "mean" else metrics.mae
    baseline = compared(actual, predicted[reference])
    return [
        ForecastScore(
            model,
            metrics.mae(actual, predicted[model]),
            metrics.rmse(actual, predicted[model]),
            metrics.smape(actual, predicted[model]),
            metrics.skill(compared(actual, predicted[model]), baseline),
            {level: _coverage(table, actual, model, level) for level in levels},
            int((np.isfinite(actual) & ~np.isfinite(given[model])).sum()),
        )
        for model in models
    ]


def _models(columns: list[str], target_col: str, levels: Sequence[float]) -> list[str]:
    """Return the columns after the target that are no bounds."""
    bounds = tuple(f"-{side}-{level:g}" for level in levels for side in ("lo", "hi"))
    return [name for name in columns[columns.index(target_col) + 1 :] if not (bounds and name.endswith(bounds))]


def _coverage(
    table: Mapping[str, npt.NDArray[np.generic]], actual: npt.NDArray[np.generic], model: str, level: float
) -> float:
    """Return the percentage of actual values inside an interval; NaN without one."""
    low, high = f"{model}-lo-{level:g}", f"{model}-hi-{level:g}"
    return metrics.coverage(actual, table[low], table[high]) if low in table else float("nan")
