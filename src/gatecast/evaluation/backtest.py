"""Forecasts of what is known already: each made of nothing that came later, beside what came and the simple forecasts.

Letters: S series, T columns, C cutoffs, h horizon, t rows of a test part.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from gatecast.data.panel import ColumnNames, Panel
from gatecast.evaluation import scores
from gatecast.evaluation.calibration import ConformalCalibrator, predict_all, prediction_intervals
from gatecast.forecasting.context import PanelContext
from gatecast.forecasting.ensemble import Learned
from gatecast.results import Evaluation, column_names

__all__ = ["evaluation_columns", "forecast_window", "score_test_part", "test_table"]

Floats = npt.NDArray[np.float64]
Table = dict[str, npt.NDArray[Any]]


def score_test_part(
    calibration: ConformalCalibrator,
    learned: Learned,
    panel: Panel,
    history: PanelContext,
    sizes: tuple[int, int, int],
    season: int,
    levels: tuple[float, ...],
) -> Evaluation:
    """Forecast the last rows of each series, h steps at a time, each time from all that came before.

    Args:
        calibration: Weights and factors.
        learned: Models that have not seen these rows.
        panel: The series.
        history: The same, as models read them.
        sizes: Rows in training, validation and test part; the last are forecast.
        season: Of seasonal naive and of MASE.
        levels: Of the intervals, in percent.
    """
    h, test = learned.h, sizes[2]
    backs = np.arange(test, 0, -h)
    past, _ = history.rolling_origins(backs, h)
    S = len(history)

    def whole(column: Floats) -> Floats:
        """(C S, h), cutoff by cutoff, as (S, test)."""
        return np.asarray(column.reshape(len(backs), S, h).transpose(1, 0, 2).reshape(S, -1)[:, :test])

    told = predict_all(calibration, learned, past, h)
    found = [whole(side) for side in prediction_intervals(calibration, told[calibration.name], past.values, levels)]
    said = {calibration.name: found[0]} | {
        name: whole(answer[..., answer.shape[-1] // 2]) for name, answer in told.items() if name != calibration.name
    }
    simple = {name: whole(one) for name, one in scores.baseline_forecasts(past.values, h, season).items()}
    actual, before = history.values[:, -test:], history.drop_last(test).values
    intervals = {level: (found[1 + 2 * k], found[2 + 2 * k]) for k, level in enumerate(levels)}
    rated = scores.score(actual, before, said | simple, intervals, next(iter(simple)), season)
    inside = np.arange(-test, 0) >= -panel.lengths[:, None]
    columns = dict(zip(column_names(calibration.name, levels), found, strict=True)) | said | simple
    cutoff, table = test_table(panel, test)
    table |= {name: column[inside] for name, column in columns.items()}
    text = scores.describe_scores(rated, test, h, season, S)
    return Evaluation(cutoff, sizes, season, h, rated, table, text, evaluation_columns(panel))


def test_table(panel: Panel, test: int) -> tuple[Any, Table]:
    """The last time before the newest rows of series, and the columns of these rows.

    Args:
        panel: The series.
        test: Rows of each.
    """
    newest = panel.keep_last(test)
    table = replace(newest, columns=evaluation_columns(panel)).to_columns()
    return panel.freq.at(panel.start, np.maximum(panel.lengths - test - 1, 0)).max(), table


def evaluation_columns(panel: Panel) -> ColumnNames:
    """Return the names of the key columns of a test part: the table of a single series has no id column."""
    return replace(panel.columns, id=None) if len(panel) == 1 else panel.columns


def forecast_window(
    calibration: ConformalCalibrator,
    learned: Learned,
    panel: Panel,
    history: PanelContext,
    back: int,
    season: int,
    levels: tuple[float, ...],
) -> Table:
    """What is said at one cutoff, beside what came.

    Args:
        calibration: Weights and factors.
        learned: Models that have seen nothing after the cutoff.
        panel: The series, whole.
        history: The same, as models read them.
        back: Rows of each series after the cutoff.
        season: Of seasonal naive.
        levels: Of the intervals, in percent.
    """
    h, cutoff = learned.h, panel.drop_last(back)
    past, came = history.rolling_origins(np.array([back]), h)
    told = predict_all(calibration, learned, past, h)
    found = prediction_intervals(calibration, told[calibration.name], past.values, levels)
    columns = dict(zip(column_names(calibration.name, levels), found, strict=True))
    columns |= {n: said[..., said.shape[-1] // 2] for n, said in told.items() if n != calibration.name}
    columns |= scores.baseline_forecasts(past.values, h, season)
    table = cutoff.future_columns(h)
    table["cutoff"] = np.repeat(panel.freq.at(panel.start, cutoff.lengths - 1), h)
    table[panel.columns.target] = came.ravel()
    return table | {name: column.ravel() for name, column in columns.items()}
