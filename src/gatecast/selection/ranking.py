"""Models ranked by their errors: scores, coverage, and whether differences are more than chance.

Shapes: n_rows rows (a series at a cutoff), horizon steps, n_models models.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from gatecast.evaluation.scores import fill_missing, score
from gatecast.evaluation.significance import compare_all
from gatecast.metrics.scale import seasonal_naive_scale

__all__ = ["MIN_SERIES", "ModelFolds", "rank_models", "row_errors"]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
ColumnTable = dict[str, npt.NDArray[Any]]

MIN_SERIES = 6
"""Series from which the mean error of a series is one pair of a test; below, each series at each cutoff is one."""


class ModelFolds(NamedTuple):
    """Forecasts of one model at every cutoff.

    Args:
        name: Name of the model.
        predicted: Its forecasts, [n_rows, horizon].
        baselines: Forecasts of the simple forecasts by column, [n_rows, horizon] each.
        intervals: Lower and upper bounds of the model by level, [n_rows, horizon] each.
        actual: Actual values, [n_rows, horizon]; NaN where missing.
        cutoffs: Last known time of each row, [n_rows].
        seconds: Time of fitting and forecasting.
        parameters: Parameters of all its networks.
        networks: Number of networks.
    """

    name: str
    predicted: FloatArray
    baselines: dict[str, FloatArray]
    intervals: dict[float, tuple[FloatArray, FloatArray]]
    actual: FloatArray
    cutoffs: npt.NDArray[Any]
    seconds: float
    parameters: int
    networks: int


def rank_models(
    results: Sequence[ModelFolds], past: FloatArray, series: IntArray, season_length: int, seed: int = 0
) -> ColumnTable:
    """Score and rank models and the simple forecasts.

    Args:
        results: Models at the same cutoffs; a simple forecast among them has the name of its column.
        past: Values before each cutoff, aligned at their ends, [n_rows, T].
        series: Position of the series of each row, [n_rows].
        season_length: Season of MASE.
        seed: Seed of the random signs of the tests.

    Returns:
        Columns, a row for each model, the smallest MASE first, or MAE where some error cannot be scaled; see
        `compare.Comparison`.
    """
    first = results[0]
    reference = next(iter(first.baselines))
    named = {result.name: result for result in results}
    for name, predicted in first.baselines.items():
        free = ModelFolds(name, predicted, first.baselines, {}, first.actual, first.cutoffs, np.nan, 0, 0)
        named.setdefault(name, free)
    scores = {}
    for name, folds in named.items():
        pair = {name: folds.predicted, reference: folds.baselines[reference]}
        scores[name] = score(folds.actual, past, pair, folds.intervals, reference, season_length)[0]
    scaled = all(np.isfinite(item.mase) for item in scores.values())
    names = sorted(named, key=lambda name: scores[name].mase if scaled else scores[name].mae)
    p_values = compare_all(_pairs(row_errors(results, past, names, season_length), series), seed)
    best_baseline = next(k for k, name in enumerate(names) if name in first.baselines)
    is_model = [name not in first.baselines for name in names]
    columns: dict[str, list[Any]] = {"model": names, "rank": list(range(1, len(names) + 1))}
    for measure in ("mae", "rmse", "mase", "skill"):
        columns[measure] = [getattr(scores[name], measure) for name in names]
    for level in first.intervals:
        columns[f"coverage_{level:g}"] = [scores[name].coverage.get(level, np.nan) for name in names]
    columns["p_value"] = np.where(is_model, p_values[:, best_baseline], np.nan).tolist()
    columns["p_best"] = p_values[:, 0].tolist()
    missing = [scores[name].n_missing for name in names]
    columns |= {"missing": missing} if any(missing) else {}
    for fact in ("seconds", "parameters", "networks"):
        columns[fact] = [getattr(named[name], fact) for name in names]
    return {name: np.array(column) for name, column in columns.items()}


def row_errors(
    results: Sequence[ModelFolds], past: FloatArray, names: Sequence[str], season_length: int, *, scaled: bool = True
) -> FloatArray:
    """Compute the mean absolute error of every row.

    Args:
        results: Models at the same cutoffs.
        past: Values before each cutoff, aligned at their ends, [n_rows, T].
        names: Models and simple forecasts.
        season_length: Season of MASE.
        scaled: Whether in units of the mean change over a season, if any series has one: then errors of different
            series can be compared.

    Returns:
        Errors, [n_models, n_rows].
    """
    predicted = results[0].baselines | {result.name: result.predicted for result in results}
    predicted = fill_missing(results[0].actual, predicted, next(iter(results[0].baselines)))
    errors = np.stack([_mean(np.abs(results[0].actual - predicted[name])) for name in names])
    scale = seasonal_naive_scale(past, season_length)
    return errors / scale if scaled and np.isfinite(scale).any() else errors


def _pairs(errors: FloatArray, series: IntArray) -> FloatArray:
    """Return the errors to compare: the mean of each series if there are enough, else each row, [n_models, n_pairs]."""
    ids, position = np.unique(series, return_inverse=True)
    if len(ids) < MIN_SERIES:
        return errors
    known = np.isfinite(errors)
    total = [np.bincount(position[rows], row[rows], len(ids)) for row, rows in zip(errors, known, strict=True)]
    n_known = [np.bincount(position[rows], minlength=len(ids)) for rows in known]
    with np.errstate(invalid="ignore"):
        return np.stack(total) / np.stack(n_known)


def _mean(values: FloatArray) -> FloatArray:
    """Return the mean of the known values over the last axis; NaN where none is known."""
    known = np.isfinite(values)
    with np.errstate(invalid="ignore"):
        return np.asarray(np.where(known, values, 0.0).sum(axis=-1) / known.sum(axis=-1))
