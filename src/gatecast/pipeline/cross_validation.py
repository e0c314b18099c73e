"""Cross-validation of a forecaster: fits at past cutoffs, and scores of a fitted one on newer rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence, Sized
from dataclasses import replace
from functools import partial
from typing import Any, cast

import numpy as np
import numpy.typing as npt

from gatecast._utils.checkpoint import Place, at_place, current_place, within, working_on
from gatecast.config import ForecasterConfig
from gatecast.data.hierarchy import add_totals, base_series
from gatecast.data.huge_values import without_outliers
from gatecast.data.messages import abridge
from gatecast.data.panel import Panel
from gatecast.errors import DataError
from gatecast.evaluation.backtest import forecast_window, score_test_part
from gatecast.evaluation.splits import Split, default_horizon
from gatecast.forecasting.base import HasNetworks
from gatecast.forecasting.context import PanelContext
from gatecast.pipeline.fit import fit
from gatecast.pipeline.progress import Progress
from gatecast.pipeline.state import FittedState
from gatecast.pipeline.units import Window, environment, window_once
from gatecast.results import Evaluation

__all__ = ["cross_validate", "cutoff_offsets", "iter_windows", "longer_than", "note_short_series", "score_new_rows"]

ColumnTable = dict[str, npt.NDArray[Any]]

MAX_LISTED = 3
"""Series that a note names."""


def cutoff_offsets(panel: Panel, h: int, n_windows: int, step_size: int | None) -> list[int]:
    """Return how many rows follow each cutoff, the earliest cutoff first.

    Args:
        panel: The series.
        h: Horizon.
        n_windows: Number of cutoffs.
        step_size: Steps from one to the next; None: h.

    Raises:
        DataError: No series is long enough.
    """
    longest, first = int(panel.lengths.max()), h + (n_windows - 1) * (step_size or h)
    # Before any list is made: somebody may ask for more windows than fit into memory.
    if longest <= first + 1:
        raise DataError(
            f"The series are too short for {n_windows} windows",
            got=f"{longest} rows at most",
            expected=f"more than {first + 1}",
            # Not everything that asks for windows has a step_size.
            fix=f"Ask for fewer windows{'' if step_size is None else ', a smaller step_size'} or a shorter horizon.",
            argument="n_windows",
        )
    return [h + k * (step_size or h) for k in reversed(range(n_windows))]


def iter_windows(
    panel: Panel,
    config: ForecasterConfig,
    n_windows: int,
    step_size: int | None,
    *,
    refit: bool,
    progress: Callable[[Progress], None] | None = None,
) -> Iterator[Window]:
    """Yield forecasts next to the actual values, of models fitted on the rows before each cutoff alone.

    Args:
        panel: The series, prepared.
        config: Settings.
        n_windows: Cutoffs, the last of them h steps before the end of each series.
        step_size: Steps from one cutoff to the next; None: h.
        refit: Whether to fit at every cutoff; otherwise at the first alone.
        progress: Called every so often during training.

    Raises:
        DataError: Series too short for so many cutoffs.
    """
    h = config.h or default_horizon(panel.freq, int(np.median(panel.lengths)))
    offsets = cutoff_offsets(panel, h, n_windows, step_size)
    facts = ("windows", panel, config, offsets, refit, environment())
    fits = _Fits(panel, replace(config, h=h), offsets[0], progress)
    for offset in offsets:
        # The place is left before the window is handed out: its reader is elsewhere.
        with working_on(*facts, total=(n_windows, "window")):
            fits.place = current_place()
            with within("window", offset):
                window = window_once(partial(fits.window, offset, refit=refit))
        # One season for all cutoffs: otherwise seasonal naive would be a column of some of them alone.
        fits.naive_season = window.season_length
        yield window


class _Fits:
    """The fits of a cross-validation.

    Args:
        panel: The series, prepared.
        config: Settings, with the horizon.
        first: Rows after the first cutoff.
        progress: Called every so often during training.
    """

    def __init__(
        self, panel: Panel, config: ForecasterConfig, first: int, progress: Callable[[Progress], None] | None
    ) -> None:
        self.panel, self.config, self.first, self.progress = panel, config, first, progress
        self.place: Place | None = None
        self.naive_season: int | None = None
        """Season of seasonal naive at all cutoffs; None: that of the first fit."""
        self._first_config, self._first_state = config, cast(FittedState | None, None)

    def window(self, offset: int, *, refit: bool) -> Window:
        """Forecast from one cutoff."""
        long_enough = longer_than(self.panel, offset)
        if refit:
            long_enough = long_enough.restrict_categories(long_enough.categories_before(offset))
            state = self._fit(long_enough, offset, self.config)
        else:
            state = self._state_of_first()
            long_enough = long_enough.restrict_categories(state.panel.categories)
        context = PanelContext.from_panel(long_enough, fitted_on=state.panel)
        levels = self.config.level
        calibrator, season_length = state.calibrator, self.naive_season or state.season_length
        table = forecast_window(calibrator, state.ensemble, long_enough, context, offset, season_length, levels)
        models = state.ensemble.models
        views = [view for model in models if isinstance(model, HasNetworks) for view in model.networks()]
        return Window(table, calibrator.name, season_length, len(views), sum(view.n_parameters for view in views))

    def _state_of_first(self) -> FittedState:
        """Return what is fitted at the first cutoff, for all windows; its trainings are kept until all are done."""
        if self._first_state is None:
            panel = longer_than(self.panel, self.first)
            panel = panel.restrict_categories(panel.categories_before(self.first))
            with at_place(self.place):
                self._first_state = self._fit(panel, self.first, self._first_config)
        return self._first_state

    def _fit(self, panel: Panel, offset: int, config: ForecasterConfig) -> FittedState:
        """Fit on the rows before a cutoff."""
        return fit(panel.drop_last(offset), config, [], self.progress, evaluate=False)


def longer_than(panel: Panel, offset: int) -> Panel:
    """Return the series that have two values or more before a cutoff; totals are then the sums of these."""
    base = base_series(panel)
    chosen = base.take(np.flatnonzero(base.lengths > offset + 1))
    return chosen if panel.hierarchy is None else add_totals(chosen, panel.hierarchy.levels, [])


def note_short_series(panel: Panel, offsets: Sequence[int]) -> tuple[str, ...]:
    """Return notes on the series that `longer_than` leaves out at some cutoffs, or at all of them.

    Args:
        panel: The series.
        offsets: From `cutoff_offsets`.

    >>> from gatecast.data.panel import from_values
    >>> one = from_values(np.arange(30.0))
    >>> both = replace(one, values=np.arange(36.0), indptr=np.array([0, 30, 36]), ids=np.array(["a", "b"], object))
    >>> note_short_series(both, [8, 4])
    ("1 of 2 series has fewer than 2 rows before the first cutoff and is forecast from later ones alone: 'b'.",)
    """
    base = base_series(panel)
    n_cutoffs = (base.lengths[:, None] > np.asarray(offsets) + 1).sum(axis=1)
    which, first = ("the cutoff", "") if len(offsets) == 1 else ("every cutoff", "the first cutoff")
    notes = []
    for chosen, where, what in (
        (n_cutoffs == 0, which, "left out"),
        ((n_cutoffs > 0) & (n_cutoffs < len(offsets)), first, "forecast from later ones alone"),
    ):
        rows = np.flatnonzero(chosen)
        if len(rows):
            has, be = ("has", "is") if len(rows) == 1 else ("have", "are")
            listed = abridge([repr(name) for name in base.ids[rows[:MAX_LISTED]].tolist()], len(rows))
            subject = f"{len(rows):,} of {len(base):,} series {has} fewer than 2 rows before {where}"
            notes.append(f"{subject} and {be} {what}: {listed}.")
    if notes and panel.hierarchy is not None:
        notes.append("At each cutoff, totals are the sums of the series that have a forecast from there.")
    return tuple(notes)


def cross_validate(
    panel: Panel,
    config: ForecasterConfig,
    n_windows: int,
    step_size: int | None,
    *,
    refit: bool,
    progress: Callable[[Progress], None] | None = None,
) -> tuple[ColumnTable, str]:
    """Fit at every cutoff on the rows before it alone, and forecast the rows after it.

    Args:
        panel: As for `iter_windows`.
        config: As for `iter_windows`.
        n_windows: As for `iter_windows`.
        step_size: As for `iter_windows`.
        refit: As for `iter_windows`.
        progress: Called every so often during training, with the share of all cutoffs that is done.

    Returns:
        The columns of all cutoffs, and the column of the main model.

    Raises:
        DataError: Series too short for so many cutoffs.
    """
    tables: list[ColumnTable] = []
    report = None if progress is None else _window_reporter(progress, tables, n_windows if refit else 1)
    for window in iter_windows(panel, config, n_windows, step_size, refit=refit, progress=report):
        name = window.name
        tables.append(window.table)
    return {column: np.concatenate([table[column] for table in tables]) for column in tables[0]}, name


def _window_reporter(progress: Callable[[Progress], None], done: Sized, n_fits: int) -> Callable[[Progress], None]:
    """Return what the fit at each cutoff reports to."""

    def report(inner: Progress) -> None:
        """Report the share of all cutoffs that is done."""
        stage = f"cutoff {len(done) + 1} of {n_fits}"
        progress(Progress(stage, (len(done) + inner.fraction) / n_fits, inner.loss))

    return report


def score_new_rows(state: FittedState, panel: Panel, n_rows: int | None, levels: tuple[float, ...]) -> Evaluation:
    """Score fitted models as they stand on the newest rows of series.

    Args:
        state: The models.
        panel: Series with the rows that were fitted, where they continue them.
        n_rows: Newest rows; None: those newer than `fit`, or h of other series.
        levels: Of the intervals, in percent.

    Raises:
        DataError: Series too short.
    """
    context = PanelContext.from_panel(panel, fitted_on=state.panel)
    known = context.series >= 0
    n_new = int(context.end[known].min()) if known.any() else state.horizon
    n_test = n_rows or (n_new if n_new > 0 else state.horizon)
    if panel.lengths.max() <= n_test:
        raise DataError(
            f"The series are too short to forecast their last {n_test} rows",
            got=f"{panel.lengths.max()} rows at most",
            expected=f"more than {n_test}",
            fix="Ask for fewer rows with n_rows.",
        )
    split = Split.of_typical(int(np.median(panel.lengths)), 0, n_test)
    evaluation = score_test_part(state.calibrator, state.ensemble, panel, context, split, state.season_length, levels)
    scored = without_outliers(panel).keep_last(n_test)
    if not scored.mask.all():
        which = f"Of these {len(scored.values):,} rows, those with a value are scored: {int(scored.mask.sum()):,}."
        evaluation = replace(evaluation, verdict=f"{evaluation.verdict} {which}")
    if n_test > n_new and known.any():
        seen = f" The models were fitted on {n_test - max(n_new, 0)} of these rows: errors to come are larger."
        evaluation = replace(evaluation, verdict=evaluation.verdict + seen)
    return evaluation
