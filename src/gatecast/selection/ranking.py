"""Models beside each other in numbers: errors, skill, coverage, rank, and whether differences are more than chance.

Letters: R rows (a series at a cutoff), h horizon, T columns of the past, m season, K models, L levels.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from gatecast.evaluation.scores import score as score_models
from gatecast.evaluation.significance import holm, sign_flip
from gatecast.metrics.scale import seasonal_naive_scale

__all__ = ["FEW_SERIES", "ModelFolds", "rank_models", "row_errors"]

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Table = dict[str, npt.NDArray[Any]]

FEW_SERIES = 6
"""Series from which on a series is one pair of errors; below, every cutoff of every series is one."""


class ModelFolds(NamedTuple):
    """What one model said at every cutoff.

    Args:
        name: Of the model.
        said: (R, h) of the model, under its name, then of the simple forecasts.
        intervals: (R, h) bounds of the model by level.
        actual: (R, h) what came; NaN where missing.
        cutoffs: (R,) last times that were known.
        seconds: Time of training and forecasting.
        parameters: Of all its networks.
        networks: How many there are.
    """

    name: str
    said: dict[str, Floats]
    intervals: dict[float, tuple[Floats, Floats]]
    actual: Floats
    cutoffs: npt.NDArray[Any]
    seconds: float
    parameters: int
    networks: int


def rank_models(results: Sequence[ModelFolds], past: Floats, series: Integers, m: int, seed: int = 0) -> Table:
    """Scores of models and of the simple forecasts beside them.

    Args:
        results: Of models at the same cutoffs.
        past: (R, T) what was known, aligned on the right.
        series: (R,) number of each row's series.
        m: Season of MASE.
        seed: Of the tests' random signs.

    Returns:
        Columns, a row a model, the one with the smallest MASE first, or MAE where one cannot be scaled: see
        `comparison.Comparison`.
    """
    first = results[0]
    simple = [name for name in first.said if name != first.name]
    base = simple[0]
    free = [ModelFolds(name, first.said, {}, first.actual, first.cutoffs, np.nan, 0, 0) for name in simple]
    scores = {}
    for one in (*results, *free):
        said = {one.name: one.said[one.name], base: one.said[base]}
        scores[one.name] = score_models(one.actual, past, said, one.intervals, base, m)[0]
    measured = all(np.isfinite(score.mase) for score in scores.values())
    models = sorted((*results, *free), key=lambda one: scores[one.name].mase if measured else scores[one.name].mae)
    names = [one.name for one in models]
    pairs = dict(zip(names, _pairs(row_errors(results, past, names, m), series), strict=True))
    best = next(name for name in names if name in simple)
    against_simple = _tests(pairs, [name for name in names if name not in simple], best, seed)
    against_first = _tests(pairs, names[1:], names[0], seed)
    columns: dict[str, list[Any]] = {"model": names, "rank": list(range(1, len(names) + 1))}
    for what in ("mae", "rmse", "mase", "skill"):
        columns[what] = [getattr(scores[name], what) for name in names]
    for level in first.intervals:
        columns[f"coverage_{level:g}"] = [scores[name].coverage.get(level, np.nan) for name in names]
    columns["p_value"] = [against_simple.get(name, np.nan) for name in names]
    columns["p_best"] = [against_first.get(name, np.nan) for name in names]
    for what in ("seconds", "parameters", "networks"):
        columns[what] = [getattr(one, what) for one in models]
    return {name: np.array(column) for name, column in columns.items()}


def row_errors(
    results: Sequence[ModelFolds], past: Floats, names: Sequence[str], m: int, *, scaled: bool = True
) -> Floats:
    """(K, R) mean absolute errors of every row.

    Args:
        results: Of models at the same cutoffs.
        past: (R, T) what was known, aligned on the right.
        names: K of models and simple forecasts.
        m: Season of MASE.
        scaled: Whether in units of the past's mean change over a season, if any series has one: then they can be
            compared between series.
    """
    said = results[0].said | {one.name: one.said[one.name] for one in results}
    off = np.stack([_mean(np.abs(results[0].actual - said[name])) for name in names])
    unit = seasonal_naive_scale(past, m)
    return off / unit if scaled and np.isfinite(unit).any() else off


def _pairs(off: Floats, series: Integers) -> Floats:
    """(K, n) errors that are compared: means of each series where there are enough, else those of every row."""
    ids, place = np.unique(series, return_inverse=True)
    if len(ids) < FEW_SERIES:
        return off
    known = np.isfinite(off)
    total = [np.bincount(place[seen], one[seen], len(ids)) for one, seen in zip(off, known, strict=True)]
    count = [np.bincount(place[seen], minlength=len(ids)) for seen in known]
    with np.errstate(invalid="ignore"):
        return np.stack(total) / np.stack(count)


def _mean(x: Floats) -> Floats:
    """Mean over the last axis of what is not NaN; NaN where nothing is."""
    known = np.isfinite(x)
    with np.errstate(invalid="ignore"):
        return np.asarray(np.where(known, x, 0.0).sum(axis=-1) / known.sum(axis=-1))


def _tests(pairs: dict[str, Floats], names: Sequence[str], other: str, seed: int) -> dict[str, float]:
    """Values p of models against another one, corrected for their number."""
    found = holm([sign_flip(pairs[name] - pairs[other], seed) for name in names])
    return dict(zip(names, found.tolist(), strict=True))
