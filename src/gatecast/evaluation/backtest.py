"""Forecasts of what is known already, each from nothing later, next to the actual values and baselines.

Shapes: n_series series, T columns, horizon steps.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from gatecast._utils.typing import FloatArray
from gatecast.data.panel import ColumnNames, Panel
from gatecast.evaluation.calibration import (
    ConformalCalibrator,
    point_forecasts,
    predict_all,
    with_ensemble,
)
from gatecast.evaluation.coherent_forecasts import forecast_intervals
from gatecast.evaluation.scored_forecasts import ScoredForecasts
from gatecast.evaluation.scores import fill_missing, score
from gatecast.evaluation.splits import Split
from gatecast.evaluation.verdict import compare_with_baselines, describe
from gatecast.forecasting.baselines import baseline_forecasts
from gatecast.forecasting.context import PanelContext
from gatecast.forecasting.ensemble import FittedEnsemble
from gatecast.forecasting.season_selection import shown_season
from gatecast.results import Evaluation, column_names

__all__ = ["MAX_PAST_VALUES", "evaluation_columns", "forecast_window", "score_test_part", "test_table"]

ColumnTable = dict[str, npt.NDArray[Any]]

MAX_PAST_VALUES = 4_000_000
"""Past values of all origins that are forecast at a time."""


def score_test_part(
    calibrator: ConformalCalibrator,
    ensemble: FittedEnsemble,
    panel: Panel,
    context: PanelContext,
    split: Split,
    season_length: int,
    levels: tuple[float, ...],
    known: Mapping[str, FloatArray] | None = None,
) -> Evaluation:
    """Forecast the last rows of each series, one horizon at a time, each from all rows before it, and score.

    Args:
        calibrator: Weights and width factors.
        ensemble: Models that have not seen these rows.
        panel: The series.
        context: The same, as models read them.
        split: Rows in the training, validation and test part; the last are forecast.
        season_length: Of seasonal naive and of MASE.
        levels: Of the intervals, in percent.
        known: Quantiles of every model from these origins, ordered by origin, if they have been forecast before.
    """
    horizon, n_test = ensemble.task.horizon, split.test
    shown = shown_season(panel.freq, int(np.median(panel.lengths)) - n_test, season_length)
    offsets = np.arange(n_test, 0, -horizon)
    n_series = len(context)

    def by_row(column: FloatArray) -> FloatArray:
        """Turn forecasts ordered by origin into [n_series, n_test]."""
        return np.asarray(
            column.reshape(len(offsets), n_series, horizon).transpose(1, 0, 2).reshape(n_series, -1)[:, :n_test]
        )

    def forecast(first: int, last: int) -> list[dict[Any, FloatArray]]:
        """Return the sides of the intervals, the forecasts of the models and the baselines from some origins."""
        past, _ = context.rolling_origins(offsets[first:last], horizon)
        if known is None:
            quantiles = predict_all(calibrator, ensemble, past)
        else:
            rows = slice(first * n_series, last * n_series)
            quantiles = with_ensemble(calibrator, {name: q[rows] for name, q in known.items()}, past.series)
        main = forecast_intervals(calibrator, quantiles[calibrator.name], past, levels, panel.hierarchy)
        members = _members(calibrator, quantiles, past)
        return [dict(enumerate(main)), members, _baselines(past, horizon, season_length, shown)]

    # The past of every origin is as long as the series: of a long one, a few origins at a time.
    n_origins = max(1, MAX_PAST_VALUES // max(context.values.size, 1))
    parts = [forecast(first, first + n_origins) for first in range(0, len(offsets), n_origins)]
    main, members, baselines = (
        {name: by_row(np.concatenate([part[k][name] for part in parts])) for name in parts[0][k]} for k in range(3)
    )
    sides = list(main.values())
    predicted = {calibrator.name: sides[0]} | members
    actual, before = context.values[:, -n_test:], context.drop_last(n_test).values
    intervals = {level: (sides[1 + 2 * k], sides[2 + 2 * k]) for k, level in enumerate(levels)}
    everything, reference = predicted | baselines | predicted, next(iter(baselines))
    scores = score(actual, before, everything, intervals, reference, season_length, calibrator.point)
    filled = fill_missing(actual, everything, reference)
    scored = ScoredForecasts(actual, before, filled, horizon, calibrator.point == "mean")
    inside = np.arange(-n_test, 0) >= -panel.lengths[:, None]
    columns = (
        dict(zip(column_names(calibrator.name, levels), sides, strict=True))
        | predicted
        | {name: column for name, column in baselines.items() if name not in predicted}
    )
    cutoff, table = test_table(panel, n_test)
    table |= {name: column[inside] for name, column in columns.items()}
    verdict = describe(compare_with_baselines(scores, n_test, horizon, shown, n_series, scored))
    return Evaluation(cutoff, split, season_length, horizon, scores, table, verdict, evaluation_columns(panel))


def test_table(panel: Panel, n_test: int) -> tuple[Any, ColumnTable]:
    """Return the last time before the newest rows of the series, and the columns of these rows.

    Args:
        panel: The series.
        n_test: Rows of each.
    """
    table = replace(panel.keep_last(n_test), columns=evaluation_columns(panel)).to_columns()
    # A series that is no longer than its newest rows has no time before them, where others have.
    has_past = panel.lengths > min(n_test, panel.lengths.max() - 1)
    return panel.freq.at(panel.start[has_past], np.maximum(panel.lengths[has_past] - n_test - 1, 0)).max(), table


def evaluation_columns(panel: Panel) -> ColumnNames:
    """Return the names of the key columns of a test part: the table of a single series has no id column."""
    return replace(panel.columns, id=None) if len(panel) == 1 else panel.columns


def forecast_window(
    calibrator: ConformalCalibrator,
    ensemble: FittedEnsemble,
    panel: Panel,
    context: PanelContext,
    offset: int,
    season_length: int,
    levels: tuple[float, ...],
) -> ColumnTable:
    """Forecast from one cutoff, next to the actual values and baselines.

    Args:
        calibrator: Weights and width factors.
        ensemble: Models that have seen nothing after the cutoff.
        panel: The series in full.
        context: The same, as models read them.
        offset: Rows of each series after the cutoff.
        season_length: Of seasonal naive.
        levels: Of the intervals, in percent.
    """
    horizon, before = ensemble.task.horizon, panel.drop_last(offset)
    past, _ = context.rolling_origins(np.array([offset]), horizon)
    quantiles = predict_all(calibrator, ensemble, past)
    sides = forecast_intervals(calibrator, quantiles[calibrator.name], past, levels, panel.hierarchy)
    columns = dict(zip(column_names(calibrator.name, levels), sides, strict=True))
    columns |= _members(calibrator, quantiles, past)
    # The columns of all cutoffs are the same.
    shown = shown_season(panel.freq, int(np.median(panel.lengths)), season_length)
    baselines = _baselines(past, horizon, season_length, shown)
    columns |= {name: column for name, column in baselines.items() if name not in columns}
    table = before.future_columns(horizon)
    table["cutoff"] = np.repeat(panel.freq.at(panel.start, before.lengths - 1), horizon)
    # The values as they are: models may not read all of them.
    rows = panel.indptr[1:, None] - offset + np.arange(horizon)
    is_known = rows < panel.indptr[1:, None]
    table[panel.columns.target] = np.where(is_known, panel.values[np.where(is_known, rows, 0)], np.nan).ravel()
    return table | {name: column.ravel() for name, column in columns.items()}


def _members(
    calibrator: ConformalCalibrator, quantiles: dict[str, FloatArray], past: PanelContext
) -> dict[str, FloatArray]:
    """Return the point forecasts of the models that the main one is made of, [n_rows, horizon] each."""
    others = {name: column for name, column in quantiles.items() if name != calibrator.name}
    return {name: point_forecasts(calibrator, column, past.values) for name, column in others.items()}


def _baselines(past: PanelContext, horizon: int, season_length: int, shown: int) -> dict[str, FloatArray]:
    """Return the forecasts of the baselines, [n_rows, horizon] each, the reference of skill first."""
    forecasts = baseline_forecasts(past.values, horizon, shown, past.season_calendar(shown))
    if season_length == 1:
        # No season was found: the value of a cycle ago is one more simple forecast, and naive the reference.
        forecasts = {"Naive": forecasts.pop("Naive"), **forecasts}
    return forecasts
