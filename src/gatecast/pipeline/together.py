"""Forecasts of several callers in one pass of the kernels, each as if it had been asked for alone.

Series of different callers share nothing: seasons are chosen, scaled and bounded for each alone. Only the pass of the
network is common to those of equal task and length, in which a sequence has the same bits with one or many others.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from gatecast._utils.typing import ColumnTable
from gatecast.config import ForecasterConfig
from gatecast.data.panel import Panel
from gatecast.data.season_calendar import SeasonCalendar
from gatecast.errors import GatecastError
from gatecast.forecasting.context import MAX_LENGTH, PanelContext
from gatecast.pipeline.fit import fit_unmeasured
from gatecast.pipeline.predict import forecast_context, forecast_table
from gatecast.pipeline.read import read_source
from gatecast.pipeline.state import FittedState

__all__ = ["OnFault", "Prepared", "forecast_together", "prepare"]

OnFault = Callable[[Exception, int], None]
"""Gets what failed for how many forecasts together; each of them is then made alone."""


@dataclass(frozen=True)
class Prepared:
    """A forecast that was asked for, up to the pass of the network.

    Args:
        state: The models and their task, fitted to these series alone.
        context: The series as models read them.
        levels: Of the intervals, in percent.
    """

    state: FittedState
    context: PanelContext
    levels: tuple[float, ...]

    @property
    def key(self) -> Hashable:
        """What forecasts of one pass have in common; None for those that are made alone.

        Rows are summed along their length: of another length the same series would have other last bits.
        """
        context, ensemble = self.context, self.state.ensemble
        columns = context.futr_exog.shape[2] + context.hist_exog.shape[2] + context.stat_exog.shape[1]
        if len(context) != 1 or columns or len(ensemble.models) != 1 or self.state.panel.hierarchy is not None:
            return None
        days = None if context.calendar is None else context.calendar.days
        calibrator = self.state.calibrator
        settings = (calibrator.bounds, calibrator.point, calibrator.season_length, self.levels)
        return (ensemble.configs, ensemble.task, context.values.shape[1], days, settings)

    def forecast(self) -> ColumnTable:
        """Return the table of the forecast, made alone."""
        return forecast_table(self.state, self.state.panel, self.context, self.state.horizon, self.levels)


def prepare(source: Any, config: ForecasterConfig, futr_df: Any = None) -> Prepared:
    """Read series, and prepare their forecast by a model that needs no training; nothing is measured.

    Args:
        source: As `gatecast.data.reader.read` takes it.
        config: Settings.
        futr_df: Future exogenous columns.

    Raises:
        ConfigError: Settings that do not fit.
        DataError: Data that cannot be used.
    """
    panel, remarks = read_source(source, config)
    notes = list(remarks)
    state = fit_unmeasured(panel, config, notes)
    if state.panel.given_futr_exog:
        context = forecast_context(state, state.panel, state.horizon, futr_df, notes)
    else:
        context = PanelContext.from_panel(state.panel, fitted_on=state.panel, max_length=MAX_LENGTH)
    return Prepared(replace(state, notes=tuple(notes)), context, tuple(config.level))


def forecast_together(prepared: Sequence[Prepared], on_fault: OnFault | None = None) -> list[ColumnTable | Exception]:
    """Return the table of each forecast, or what went wrong with it; equal tasks share a pass.

    Args:
        prepared: As `prepare` returns them.
        on_fault: Gets the error of a pass that fails, before its forecasts are made alone. None: the error is raised.

    Raises:
        Exception: What made a pass of several forecasts fail, without `on_fault`.

    Example:
        >>> config = ForecasterConfig(h=2, model="pretrained", level=(80,))
        >>> past = [{"y": level + np.arange(30.0) % 3} for level in (5, 50)]
        >>> both = forecast_together([prepare(series, config) for series in past])
        >>> alone = [forecast_together([prepare(series, config)])[0] for series in past]
        >>> [bool((a["Pretrained"] == b["Pretrained"]).all()) for a, b in zip(both, alone)]
        [True, True]
    """
    groups: dict[Hashable, list[int]] = {}
    for k, each in enumerate(prepared):
        key = each.key
        groups.setdefault(("alone", k) if key is None else key, []).append(k)
    tables: list[ColumnTable | Exception] = [GatecastError("no forecast")] * len(prepared)
    for places in groups.values():
        for k, table in zip(places, _of_group([prepared[k] for k in places], on_fault), strict=True):
            tables[k] = table
    return tables


def _of_group(prepared: Sequence[Prepared], on_fault: OnFault | None) -> list[ColumnTable | Exception]:
    """Return the tables of forecasts of one task; if their pass fails, each is made alone."""
    if prepared[0].key is None:
        return [_alone(each) for each in prepared]
    # NumPy sums an axis of one series in another order than the same axis of several: none is alone in a pass.
    company = prepared if len(prepared) > 1 else [*prepared, *prepared]
    try:
        return list(_in_one_pass(company)[: len(prepared)])
    except Exception as error:
        if on_fault is None:
            raise
        # Alone each gets its own answer or error; what failed is not passed over.
        on_fault(error, len(prepared))
    return [_alone(each) for each in prepared]


def _alone(prepared: Prepared) -> ColumnTable | Exception:
    """Return a table, or the error."""
    try:
        return prepared.forecast()
    except Exception as error:
        return error


def _in_one_pass(prepared: Sequence[Prepared]) -> list[ColumnTable]:
    """Return the tables of single series of equal length from one pass."""
    contexts, first = [each.context for each in prepared], prepared[0]
    calendars = [context.calendar for context in contexts if context.calendar is not None]
    joined = {name: np.concatenate([getattr(each, name) for each in contexts]) for name in _JOINED}
    calendar = None
    if calendars:
        calendar = SeasonCalendar(np.concatenate([each.last for each in calendars]), calendars[0].days)
    context = PanelContext(series=np.arange(len(contexts)), calendar=calendar, **joined)
    h = first.state.horizon
    # Ids and times are those of each panel, not of the first one.
    keys = _future_columns([each.state.panel for each in prepared], h)
    table = forecast_table(first.state, first.state.panel, context, h, first.levels)
    values = {name: column for name, column in table.items() if name not in keys[0]}
    return [
        keys[k] | {name: column[k * h : (k + 1) * h] for name, column in values.items()} for k in range(len(prepared))
    ]


def _future_columns(panels: Sequence[Panel], h: int) -> list[ColumnTable]:
    """Return ids and times of the next h steps of panels of one series; those of the same end are made once."""
    made: dict[Hashable, ColumnTable] = {}
    columns = []
    for panel in panels:
        # A panel without ids has nothing of its own but its end.
        key = (panel.freq, panel.start[0], len(panel.values), panel.columns) if panel.columns.id is None else id(panel)
        if key not in made:
            made[key] = panel.future_columns(h)
        columns.append(made[key])
    return columns


_JOINED = ("values", "end", "last_step", "futr_exog", "hist_exog", "stat_exog")
