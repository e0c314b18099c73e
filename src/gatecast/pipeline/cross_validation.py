"""Backtests of a whole forecaster: training at past cutoffs, and scores of a trained one on rows that came since.

Letters: S series, T columns, h horizon.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from gatecast.data.panel import Panel
from gatecast.errors import DataError
from gatecast.evaluation.backtest import forecast_window, score_test_part
from gatecast.evaluation.splits import default_horizon
from gatecast.forecasting.context import PanelContext
from gatecast.pipeline.fit import FitSettings, FittedState, fit
from gatecast.pipeline.progress import Progress
from gatecast.results import Evaluation

__all__ = ["cross_validate", "cutoff_offsets", "iter_windows", "longer_than", "score_new_rows"]

Table = dict[str, npt.NDArray[Any]]


def cutoff_offsets(panel: Panel, h: int, n_windows: int, step_size: int | None) -> list[int]:
    """Rows behind each cutoff, the earliest cutoff first.

    Args:
        panel: The series.
        h: Horizon.
        n_windows: How many.
        step_size: Steps from one to the next; None: h.

    Raises:
        DataError: No series is so long.
    """
    backs = [h + k * (step_size or h) for k in reversed(range(n_windows))]
    if (panel.lengths > backs[0] + 1).sum() == 0:
        raise DataError(
            "the series are too short for so many cutoffs",
            got=f"{panel.lengths.max()} rows at most",
            expected=f"more than {backs[0] + 1}",
            fix="Ask for fewer windows, smaller steps or a shorter horizon.",
        )
    return backs


def iter_windows(
    panel: Panel,
    asked: FitSettings,
    n_windows: int,
    step_size: int | None,
    *,
    refit: bool,
    progress: Callable[[Progress], None] | None = None,
) -> Iterator[tuple[FittedState, Table]]:
    """At every cutoff, what was learnt of what came before it alone, and the forecasts beside what came then.

    Args:
        panel: The series, prepared.
        asked: Settings.
        n_windows: Cutoffs, the last of them h steps before the end of each series.
        step_size: Steps from one cutoff to the next; None: h.
        refit: Whether to train anew at every cutoff; otherwise at the first alone.
        progress: Called now and then while training.

    Raises:
        DataError: Series too short for so many cutoffs.
    """
    h = asked.h or default_horizon(panel.freq, int(np.median(panel.lengths)))
    trained: FittedState | None = None
    for back in cutoff_offsets(panel, h, n_windows, step_size):
        there = longer_than(panel, back)
        learns = trained is None or refit
        there = there.restrict_categories(
            trained.panel.categories if trained and not learns else there.categories_before(back)
        )
        if trained is None or learns:
            trained = fit(there.drop_last(back), replace(asked, h=h), [], progress, evaluate=False)
            # One season for all cutoffs: otherwise seasonal naive would be there at some of them alone.
            asked = replace(asked, season=trained.season_length)
        history = PanelContext.from_panel(there, learnt=trained.panel)
        yield (
            trained,
            forecast_window(
                trained.calibrator, trained.learned, there, history, back, trained.season_length, asked.level
            ),
        )


def longer_than(panel: Panel, back: int) -> Panel:
    """The series that have two values or more before a cutoff."""
    return panel.take(np.flatnonzero(panel.lengths > back + 1))


def cross_validate(
    panel: Panel, asked: FitSettings, n_windows: int, step_size: int | None, *, refit: bool
) -> tuple[Table, str]:
    """Train at every cutoff on what came before it alone, and forecast what came then.

    Args:
        panel: As for `each`.
        asked: As for `each`.
        n_windows: As for `each`.
        step_size: As for `each`.
        refit: As for `each`.

    Returns:
        The columns of all cutoffs, and the name of the main model.

    Raises:
        DataError: Series too short for so many cutoffs.
    """
    found = list(iter_windows(panel, asked, n_windows, step_size, refit=refit))
    tables = [table for _, table in found]
    whole = {column: np.concatenate([part[column] for part in tables]) for column in tables[0]}
    return whole, found[-1][0].calibrator.name


def score_new_rows(trained: FittedState, panel: Panel, rows: int | None, levels: tuple[float, ...]) -> Evaluation:
    """Score models as they stand on the newest rows of series.

    Args:
        trained: The models.
        panel: Series with the rows that were learnt, where they go on from them.
        rows: How many of the newest; None: those that came since, or h of other series.
        levels: Of the intervals, in percent.

    Raises:
        DataError: Series too short.
    """
    history = PanelContext.from_panel(panel, learnt=trained.panel)
    known = history.series >= 0
    fresh = int(history.end[known].min()) if known.any() else trained.h
    test = rows or (fresh if fresh > 0 else trained.h)
    if panel.lengths.max() <= test:
        raise DataError(
            "the series are too short",
            got=f"{panel.lengths.max()} rows at most",
            expected=f"more than the {test} that are to be forecast",
            fix="Ask for fewer rows.",
        )
    sizes = (int(np.median(panel.lengths)) - test, 0, test)
    found = score_test_part(trained.calibrator, trained.learned, panel, history, sizes, trained.season_length, levels)
    if test > fresh and known.any():
        seen = f" {test - max(fresh, 0)} of these rows were learnt from: the errors are smaller than those to come."
        found = replace(found, verdict=found.verdict + seen)
    return found
