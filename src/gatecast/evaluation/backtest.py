"""Forecasts of what is known already: each made of nothing that came later, beside what came and the simple forecasts.

Letters: S series, T columns, C cutoffs, h horizon, t rows of a test part.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from gatecast.data.panel import Panel
from gatecast.evaluation import scores
from gatecast.evaluation.calibration import Calibration, answers, sides
from gatecast.forecasting.context import History
from gatecast.forecasting.ensemble import Learned
from gatecast.results import Evaluation, column_names

__all__ = ["fold", "held_back", "score_tail"]

Floats = npt.NDArray[np.float64]
Table = dict[str, npt.NDArray[Any]]


def score_tail(
    calibration: Calibration,
    learned: Learned,
    panel: Panel,
    history: History,
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
    past, _ = history.rolling(backs, h)
    S = len(history)

    def whole(column: Floats) -> Floats:
        """(C S, h), cutoff by cutoff, as (S, test)."""
        return np.asarray(column.reshape(len(backs), S, h).transpose(1, 0, 2).reshape(S, -1)[:, :test])

    told = answers(calibration, learned, past, h)
    found = [whole(side) for side in sides(calibration, told[calibration.name], past.values, levels)]
    said = {calibration.name: found[0]} | {
        name: whole(answer[..., answer.shape[-1] // 2]) for name, answer in told.items() if name != calibration.name
    }
    simple = {name: whole(one) for name, one in scores.simple(past.values, h, season).items()}
    actual, before = history.values[:, -test:], history.hide(test).values
    intervals = {level: (found[1 + 2 * k], found[2 + 2 * k]) for k, level in enumerate(levels)}
    rated = scores.score(actual, before, said | simple, intervals, next(iter(simple)), season)
    inside = np.arange(-test, 0) >= -panel.lengths[:, None]
    columns = dict(zip(column_names(calibration.name, levels), found, strict=True)) | said | simple
    cutoff, table = held_back(panel, test)
    table |= {name: column[inside] for name, column in columns.items()}
    text = scores.verdict(rated, test, h, season, S)
    return Evaluation(cutoff, sizes, season, h, rated, table, text)


def held_back(panel: Panel, test: int) -> tuple[Any, Table]:
    """The last time before the newest rows of series, and the columns of these rows.

    Args:
        panel: The series.
        test: Rows of each.
    """
    table = panel.tail(test).to_columns()
    if len(panel) == 1 and panel.names.id is not None:
        del table[panel.names.id]
    return panel.freq.at(panel.start, np.maximum(panel.lengths - test - 1, 0)).max(), table


def fold(
    calibration: Calibration,
    learned: Learned,
    panel: Panel,
    history: History,
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
    h, cutoff = learned.h, panel.head(back)
    past, came = history.rolling(np.array([back]), h)
    told = answers(calibration, learned, past, h)
    found = sides(calibration, told[calibration.name], past.values, levels)
    columns = dict(zip(column_names(calibration.name, levels), found, strict=True))
    columns |= {n: said[..., said.shape[-1] // 2] for n, said in told.items() if n != calibration.name}
    columns |= scores.simple(past.values, h, season)
    table = cutoff.future_columns(h)
    table["cutoff"] = np.repeat(panel.freq.at(panel.start, cutoff.lengths - 1), h)
    table[panel.names.target] = came.ravel()
    return table | {name: column.ravel() for name, column in columns.items()}
