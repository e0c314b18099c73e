"""What a forecaster holds between calls, and what its methods share: to read, to prepare, to forecast as a record.

`Forecaster` is the interface; reports, commands and servers, which need records instead of tables, work with this.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from gatecast._utils.validation import check_levels, check_positive_int, check_steps
from gatecast.config import ForecasterConfig
from gatecast.data.hierarchy import base_series, with_siblings
from gatecast.data.panel import Panel
from gatecast.data.panel_update import prepend_history
from gatecast.data.reader import add_offsets, attach_findings, kind_of, label_times, read_numbers, to_frame_like
from gatecast.data.sources.dataframes import installed_kind
from gatecast.errors import NotFittedError
from gatecast.evaluation.splits import default_horizon
from gatecast.forecasting.baselines import reference_baseline
from gatecast.forecasting.context import PanelContext
from gatecast.forecasting.presets import needs_training
from gatecast.pipeline import predict as tables
from gatecast.pipeline.arguments import check_output
from gatecast.pipeline.data_checks import trim_unobserved
from gatecast.pipeline.fit import prepare_panel
from gatecast.pipeline.progress import Progress
from gatecast.pipeline.read import read_source
from gatecast.pipeline.state import FittedState
from gatecast.results import Forecast, HistoryData, row_ids

if TYPE_CHECKING:
    from gatecast.evaluation.totals import Totals

__all__ = ["Session", "panel_of"]

ColumnTable = dict[str, npt.NDArray[Any]]


class Session:
    """Settings, what was fitted with them, and what was noticed about the newest data.

    Args:
        config: The settings.

    Attributes:
        config: The settings.
        state: What was fitted; None before.
        kind: Kind of the table that was fitted.
        is_fitted_by_predict: Whether a `predict` without `fit` fitted it, for itself alone.
        findings: Notes on the data of the newest result, as sentences.
        newest: Series of the newest result; None before.
    """

    def __init__(self, config: ForecasterConfig) -> None:
        self.config = config
        self.state: FittedState | None = None
        self.kind = "dict"
        self.is_fitted_by_predict = False
        self.findings: tuple[str, ...] = ()
        self.newest: Panel | None = None

    def keep(self, state: FittedState, kind: str, *, by_predict: bool = False) -> None:
        """Keep what was fitted.

        Args:
            state: What was fitted.
            kind: Kind of the table.
            by_predict: Whether a `predict` without `fit` did it.
        """
        self.state, self.kind, self.is_fitted_by_predict = state, kind, by_predict
        self.findings = state.notes

    def needs_fit(self, source: Any) -> bool:
        """Return whether a forecast has to fit models first that need no training."""
        is_fitted = self.state is not None and not self.is_fitted_by_predict
        needs_fit = self.config.training.finetune or needs_training(self.config.model)
        return not (is_fitted or source is None or needs_fit)

    def fitted(self) -> FittedState:
        """Return what was fitted."""
        if self.state is None:
            raise NotFittedError("This Forecaster is not fitted yet", fix="Call fit(source) first.")
        return self.state

    def read(self, source: Any, like: Panel | None = None) -> tuple[Panel, tuple[str, ...]]:
        """Read a panel, with the columns, the frequency and the categories of one that was read before."""
        return read_source(source, self.config, like)

    def prepare(self, panel: Panel, notes: Sequence[str], *, keep_last: bool = False) -> Panel:
        """Return a panel as models read it; what was noticed about it becomes `findings_`."""
        findings, config = list(notes), self.config
        if keep_last:
            config = replace(config, data=replace(config.data, keep_last=True))
        prepared = prepare_panel(panel, findings, config)
        self.findings, self.newest = tuple(findings), prepared
        return prepared

    def knows_future(self, source: Any) -> bool:
        """Return whether a source has the future exogenous columns for times after the last value of its target."""
        return bool(prepare_panel(self.read(source)[0], [], self.config).known_future)

    def series(self, source: Any, *, keep_last: bool = False) -> Panel:
        """Return the series to forecast."""
        fitted_on = self.fitted().panel
        if source is None:
            self.findings, self.newest = self.fitted().notes, fitted_on
            return fitted_on
        rows, notes = self.read(source, like=fitted_on)
        findings = list(notes)
        base = base_series(fitted_on)
        joined = prepend_history(trim_unobserved(rows, findings), base)
        return self.prepare(self.complete(joined, base), findings, keep_last=keep_last)

    def complete(self, panel: Panel, fitted_on: Panel) -> Panel:
        """Return series with those that totals need besides."""
        return with_siblings(panel, fitted_on) if self.config.hierarchy else panel

    def table_kind(self, source: Any = None, output: str | None = None) -> str:
        """Return the kind of table that goes out: that of the source; for files, that of an installed library."""
        if output is not None:
            return check_output(output)
        kind = self.kind if source is None else kind_of(source)
        return installed_kind() if kind == "path" else kind

    def to_table(self, columns: ColumnTable, panel: Panel, source: Any = None, output: str | None = None) -> Any:
        """Return columns as a table of the kind of results, with ids and times in the types of the source."""
        return attach_findings(to_frame_like(self.table_kind(source, output), columns, panel), self.findings)

    def with_offsets(self, columns: ColumnTable) -> ColumnTable:
        """Return columns of the newest result with their times as text with UTC offsets, if the source has a zone."""
        return add_offsets(columns, self.newest or self.fitted().panel)

    def labels(self, times: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Return times of the newest result as people read them: with UTC offsets if the source has a zone."""
        return label_times(times, self.newest or self.fitted().panel)

    def n_steps(self, h: int | None) -> int:
        """Return how many steps to forecast."""
        check_steps(h, "h")
        return h or self.fitted().horizon

    def levels(self, level: Sequence[float] | float | None) -> tuple[float, ...]:
        """Return the levels of the intervals, in percent: those of the settings if none are given."""
        return self.config.level if level is None else check_levels(level)

    def context(self, source: Any, futr_df: Any, n_steps: int | None = None) -> tuple[Panel, PanelContext]:
        """Return series, and the same as models read them, with what is known for the steps ahead."""
        panel, state = self.series(source), self.fitted()
        findings = list(self.findings)
        context = tables.forecast_context(state, panel, n_steps or state.horizon, futr_df, findings)
        self.findings = tuple(findings)
        return panel, context

    def past(self, source: Any) -> tuple[Panel, PanelContext]:
        """Return series, and the same as models read them, without what is known for the steps ahead."""
        panel = self.series(source)
        return panel, PanelContext.from_panel(panel, fitted_on=self.fitted().panel)

    def forecast(
        self,
        source: Any = None,
        *,
        h: int | None = None,
        level: Sequence[float] | float | None = None,
        futr_df: Any = None,
    ) -> Forecast:
        """Forecast, as a record with a chart."""
        state, n_steps = self.fitted(), self.n_steps(h)
        levels = self.levels(level)
        panel, context = self.context(source, futr_df, n_steps)
        table = tables.forecast_table(state, panel, context, n_steps, levels)
        baseline = _reference(context, n_steps, state.season_length)
        return self._record(panel, table, levels, state.calibrator.name, baseline)

    def totals(self, predicted: Forecast, source: Any = None, futr_df: Any = None) -> Totals | None:
        """Return the totals of a forecast of `forecast`; None for too many steps."""
        from gatecast.pipeline.totals import forecast_totals

        panel, context = self.context(source, futr_df)
        return forecast_totals(
            self.fitted(), panel, context, predicted, self.fitted().evaluation if source is None else None
        )

    def cross_validation(
        self,
        source: Any,
        n_windows: int,
        step_size: int | None,
        *,
        refit: bool = True,
        progress: Callable[[Progress], None] | None = None,
    ) -> Forecast:
        """Cross-validate, as a record with a chart."""
        from gatecast.pipeline.cross_validation import cross_validate, cutoff_offsets, note_short_series

        check_positive_int(n_windows, "n_windows")
        check_steps(step_size, "step_size")
        panel = self.prepare(*self.read(source))
        h = self.config.h or default_horizon(panel.freq, int(np.median(panel.lengths)))
        self.findings += note_short_series(panel, cutoff_offsets(panel, h, n_windows, step_size))
        columns, name = cross_validate(panel, self.config, n_windows, step_size, refit=refit, progress=progress)
        return self._record(panel, columns, self.config.level, name)

    def as_forecast(self, table: Any) -> Forecast:
        """Return a table that this forecaster made as a record with a chart."""
        from gatecast.metrics.tables import cross_validation_columns, to_columns

        if isinstance(table, Forecast):
            return table
        columns = to_columns(table)
        if self.state is not None:
            columns = read_numbers(columns, self.state.panel)
        if "cutoff" in columns:
            roles = cross_validation_columns(columns)
            return Forecast.from_table(columns, roles.id_col, str(roles.time_col), roles.target_col, roles.models[0])
        state = self.fitted()
        names = state.panel.columns
        record = Forecast.from_table(columns, names.id, names.time, names.target, state.calibrator.name)
        history = self._history(columns)
        return record if history is None else replace(record, past=history)

    def _record(
        self,
        panel: Panel,
        table: ColumnTable,
        levels: tuple[float, ...],
        model: str,
        baseline: ColumnTable | None = None,
    ) -> Forecast:
        """Return a table with the history that its chart shows."""
        names, state, history = panel.columns, self.state, HistoryData(panel)
        if state is not None:
            scored = state.scored if panel is state.panel else None
            history = HistoryData(panel, state.season_length, scored, baseline or {})
        findings = self.findings
        return Forecast(table, names.id, names.time, names.target, model, levels, table, history, findings)

    def _history(self, columns: ColumnTable) -> HistoryData | None:
        """Return the history of a forecast table for its chart; None if its series are not those of `fit`."""
        state, names = self.fitted(), self.fitted().panel.columns
        ids = [str(name) for name in self.fitted().panel.ids.tolist()]
        has_ids = names.id is not None and set(names.ids) <= set(columns)
        if has_ids and not set(map(str, np.asarray(row_ids(columns, names.id)).tolist())) <= set(ids):
            return None
        baseline: ColumnTable = {}
        n_steps = len(columns[names.time]) // len(ids)
        if "path" not in columns.keys() - {*names.ids, names.time} and n_steps * len(ids) == len(columns[names.time]):
            context = PanelContext.from_panel(state.panel, fitted_on=state.panel)
            baseline = dict(_reference(context, n_steps, state.season_length))
        return HistoryData(state.panel, state.season_length, state.scored, baseline)


def _reference(context: PanelContext, n_steps: int, season_length: int) -> ColumnTable:
    """Return the baseline that skill refers to, and its forecasts."""
    calendar = context.season_calendar(season_length)
    return dict(reference_baseline(context.values, n_steps, season_length, calendar))


def panel_of(record: Forecast) -> Panel:
    """Return the series of a forecast that a forecaster made."""
    if record.past is None:
        raise ValueError("a forecast without its series")
    return record.past.panel
