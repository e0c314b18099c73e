"""A stream of a fitted forecaster: what is known after the newest values, and one step on.

Shapes: n series, T columns of the past, h steps, Q quantiles.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from gatecast.data.huge_values import SuddenValues
from gatecast.data.panel import Panel, check_outputs
from gatecast.errors import ConfigError
from gatecast.evaluation.anomalies import JUDGED
from gatecast.evaluation.bounds import hold_constants
from gatecast.evaluation.calibration import ConformalCalibrator, prediction_intervals, with_ensemble
from gatecast.evaluation.online_intervals import Judgement, OnlineIntervals
from gatecast.forecasting.base import CarriedState
from gatecast.forecasting.context import MAX_LENGTH, PanelContext
from gatecast.forecasting.pretrained.choice import context_steps
from gatecast.pipeline.state import FittedState
from gatecast.results import column_names

__all__ = ["StreamState", "context_length", "forecast_columns", "judged_columns", "start_stream", "step_stream"]

ColumnTable = dict[str, npt.NDArray[Any]]
FloatArray = npt.NDArray[np.float64]

MIN_CONTEXT = 2048
"""Newest values of a series that a stream keeps, at least: models that carry no state read them at each step."""

MIN_CYCLES = 4
"""Cycles of the longest season that it keeps, at least."""

MIN_WINDOWS = 2
"""Windows of the longest network that it keeps, at least."""


@dataclass(frozen=True)
class StreamState:
    """What a stream knows after its newest values.

    Args:
        fitted: The models; its panel has the series without values, which begin at the first step of the stream.
        context: The newest values, at most `context_length` of each series.
        states: What each model carries.
        intervals: Forecasts whose values are still to come, and margins.
        quantiles: Of the main model, [n, h, Q].
        n_steps: Steps so far.
        sudden: What all values so far tell of the next one, by which outliers are not read; None: all are read.
    """

    fitted: FittedState
    context: PanelContext
    states: tuple[CarriedState | None, ...]
    intervals: OnlineIntervals
    quantiles: FloatArray
    n_steps: int
    sudden: SuddenValues | None = None

    @property
    def calibrator(self) -> ConformalCalibrator:
        """The calibrator with the margins so far."""
        return self.intervals.calibrator


class Step(NamedTuple):
    """A stream after a step, and what it says of the values of the step."""

    state: StreamState
    judgement: Judgement


def context_length(state: FittedState) -> int:
    """Return how many of the newest values of a series a stream keeps.

    What is kept must not depend on how long the stream runs: memory and time of a step stay as they are.
    """
    task, networks = state.ensemble.task, state.ensemble.networks()
    longest = max((task.season_length, state.season_length, *task.seasons))
    window = max((view.input_size for _, view in networks), default=1)
    n_read = max(MIN_CYCLES * longest, MIN_WINDOWS * window, context_steps(task))
    return min(max(MIN_CONTEXT, n_read), MAX_LENGTH)


def start_stream(state: FittedState, panel: Panel) -> StreamState:
    """Return the stream after a past.

    Args:
        state: What was fitted.
        panel: Series with their past.

    Raises:
        ConfigError: Series with exogenous columns, or with totals: a stream reads values alone.
    """
    _check(panel)
    # What a stream has read, it keeps: an outlier that is the newest value would stay when it no longer is.
    panel = replace(panel, keeps_last=False)
    context = PanelContext.from_panel(panel, fitted_on=state.panel, max_length=context_length(state))
    fitted = replace(state, panel=replace(panel, known_future={}).keep_last(0), scored=None, training_history={})
    quantiles, states = _forecast(fitted, context, None)
    intervals = OnlineIntervals.start(state.calibrator, quantiles, context.values)
    sudden = SuddenValues.of(panel) if panel.skips_outliers else None
    return StreamState(fitted, context, states, intervals, quantiles, 0, sudden)


def step_stream(stream: StreamState, y: FloatArray, level: float) -> Step:
    """Judge new values, let margins follow them, and forecast from them.

    Args:
        stream: After the values before; it stays as it is.
        y: New values, [n]; NaN is missing.
        level: Level, in percent, of the intervals that values are judged by.
    """
    judgement = stream.intervals.judge(y, stream.context.values, level)
    sudden = stream.sudden
    if sudden is not None:
        is_sudden, sudden = sudden.step(y, stream.fitted.panel.freq.cycles)
        y = np.where(is_sudden, np.nan, y)
    intervals = stream.intervals.track(y, judgement)
    context = stream.context.append(y[:, None], context_length(stream.fitted))
    quantiles, states = _forecast(stream.fitted, context, stream.states)
    intervals = intervals.push(quantiles, context.values)
    n_steps = stream.n_steps + 1
    return Step(StreamState(stream.fitted, context, states, intervals, quantiles, n_steps, sudden), judgement)


def forecast_columns(stream: StreamState, levels: Sequence[float]) -> ColumnTable:
    """Return ids, times, the main model's forecast and its intervals, h rows a series, as `forecast_table` does."""
    panel, h = stream.fitted.panel, stream.fitted.horizon
    sides = prediction_intervals(stream.calibrator, stream.quantiles, stream.context.values, levels)
    names = column_names(stream.calibrator.name, tuple(levels))
    times = panel.freq.at(panel.start[:, None], stream.n_steps + np.arange(h)[None]).ravel()
    table = {**panel.id_columns(h), panel.columns.time: times}
    return table | {name: side.ravel() for name, side in zip(names, sides, strict=True)}


def judged_columns(stream: StreamState, judgement: Judgement, y: FloatArray, level: float) -> ColumnTable:
    """Return ids, times, values, forecast, bounds, "score" and "is_anomaly" of the newest step, a row a series.

    Args:
        stream: After the step.
        judgement: Of its values.
        y: The values, [n].
        level: That they were judged by.

    Raises:
        ConfigError: A column of the data is named "score" or "is_anomaly".
    """
    panel = stream.fitted.panel
    check_outputs(panel.columns, JUDGED)
    times = panel.freq.at(panel.start, np.full(len(panel), stream.n_steps - 1))
    table = {**panel.id_columns(1), panel.columns.time: times, panel.columns.target: y}
    names = column_names(stream.calibrator.name, (level,))
    table |= dict(zip(names, (judgement.median, judgement.low, judgement.high), strict=True))
    return table | dict(zip(JUDGED, (judgement.score, judgement.is_anomaly), strict=True))


def _forecast(
    fitted: FittedState, context: PanelContext, states: tuple[CarriedState | None, ...] | None
) -> tuple[FloatArray, tuple[CarriedState | None, ...]]:
    """Return the main model's quantiles, and what the models carry."""
    quantiles, after = fitted.ensemble.step_quantiles(context, states)
    held = {name: hold_constants(column, context.values) for name, column in quantiles.items()}
    main = with_ensemble(fitted.calibrator, held, context.series)[fitted.calibrator.name]
    return main, after


def _check(panel: Panel) -> None:
    """Refuse series that need more than their next values.

    Raises:
        ConfigError: Series with exogenous columns, or with totals.
    """
    columns = [*panel.futr_exog, *panel.hist_exog]
    if columns or panel.hierarchy is not None:
        raise ConfigError(
            "A stream reads values alone",
            got="totals of series" if panel.hierarchy is not None else f"columns {', '.join(map(repr, columns))}",
            expected="series without exogenous columns that change in time, and without totals",
            fix="Call predict with the newer rows, or fit without them.",
        )
