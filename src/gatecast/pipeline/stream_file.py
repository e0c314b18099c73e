"""A stream as one file: its forecaster without the series, and what it knows after the newest values."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from gatecast._utils import safefile
from gatecast.config import ForecasterConfig
from gatecast.data.huge_values import SuddenValues
from gatecast.data.panel import Panel
from gatecast.data.season_calendar import SeasonCalendar
from gatecast.evaluation.online_intervals import OnlineIntervals
from gatecast.forecasting.base import ChecksCarriedState
from gatecast.forecasting.context import PanelContext
from gatecast.pipeline.file_schema import check_stream
from gatecast.pipeline.serialization import from_file, to_file
from gatecast.pipeline.stream import StreamState

__all__ = ["read_stream", "write_stream"]

KIND = "forecast stream"

PREFIX = "stream."

Arrays = dict[str, Any]


def write_stream(
    path: str | os.PathLike[str], config: ForecasterConfig, stream: StreamState, table: str, level: float
) -> None:
    """Write a file, in full or not at all.

    Args:
        path: Where.
        config: Settings of the forecaster.
        stream: What the stream knows.
        table: Kind of the tables that it returns.
        level: Level of the intervals outside which a value is an anomaly.

    Raises:
        ConfigError: The file cannot be written there, or ids that JSON cannot hold.
    """
    header, arrays = to_file(config, stream.fitted, table)
    context, intervals = stream.context, stream.intervals
    parts: Arrays = {name: getattr(context, name) for name in ("values", "series", "end", "last_step", "stat_exog")}
    if context.calendar is not None:
        parts["calendar"] = context.calendar.last.astype(np.int64)
    parts |= {name: getattr(intervals, name) for name in ("quantiles", "unit", "run")}
    parts |= {f"margins.{k}": margins for k, margins in enumerate(intervals.calibrator.margins.values())}
    if stream.sudden is not None:
        parts |= {f"sudden.{name}": array for name, array in stream.sudden._asdict().items()}
    for k, state in enumerate(stream.states):
        parts |= {f"state.{k}.{name}": array for name, array in (state or {}).items()}
    header["stream"] = {
        "n_steps": stream.n_steps,
        "level": level,
        "levels": list(intervals.calibrator.margins),
        "days": None if context.calendar is None else context.calendar.days,
    }
    safefile.write(path, KIND, header, arrays | {PREFIX + name: array for name, array in parts.items()})


def read_stream(path: str | os.PathLike[str]) -> tuple[ForecasterConfig, StreamState, str, float]:
    """Read a file.

    Returns:
        The settings of the forecaster, what the stream knows, the kind of its tables, and the level of anomalies.

    Raises:
        FormatError: No such file, or one that is truncated, altered, foreign, or newer than this version.
        ConfigError: A model of a package that is not installed.
    """
    header, arrays = safefile.read(path, KIND)
    config, fitted, table = from_file(path, header, dict(arrays))
    parts: Arrays = {name.removeprefix(PREFIX): array for name, array in arrays.items() if name.startswith(PREFIX)}
    with safefile.describing("a stream", path):
        about = check_stream(header.get("stream"), parts, fitted.ensemble.task, len(fitted.panel))
        margins = {level: parts[f"margins.{k}"] for k, level in enumerate(about["levels"])}
        calibrator = fitted.calibrator._replace(margins=margins)
        intervals = OnlineIntervals(calibrator, parts["quantiles"], parts["unit"], parts["run"])
        states = tuple(_state_in(parts, k) for k in range(len(fitted.ensemble.models)))
        context = _context_in(parts, about)
        sudden = _sudden_in(parts, fitted.panel, context)
        stream = StreamState(fitted, context, states, intervals, parts["quantiles"][0], about["n_steps"], sudden)
        for model, state in zip(fitted.ensemble.models, states, strict=True):
            if state is not None and isinstance(model, ChecksCarriedState):
                model.check_state(state, len(context))
        return config, stream, table, float(about["level"])


def _state_in(parts: Arrays, k: int) -> Mapping[str, Any] | None:
    """Return what a model carries; None if it carries nothing."""
    prefix = f"state.{k}."
    return {name.removeprefix(prefix): array for name, array in parts.items() if name.startswith(prefix)} or None


def _sudden_in(parts: Arrays, panel: Panel, context: PanelContext) -> SuddenValues | None:
    """Return what the values so far tell of the next one; in a file of an older version, those that it has."""
    if not panel.skips_outliers:
        return None
    if "sudden.largest" in parts:
        return SuddenValues(**{name: parts[f"sudden.{name}"] for name in SuddenValues._fields})
    n, T = context.values.shape
    return SuddenValues.of(replace(panel, values=context.values.ravel(), indptr=np.arange(n + 1) * T))


def _context_in(parts: Arrays, about: Mapping[str, Any]) -> PanelContext:
    """Return the newest values."""
    n, T = parts["values"].shape
    none = np.empty((n, T, 0))
    days = about["days"]
    calendar = None if days is None else SeasonCalendar(parts["calendar"].astype("M8[D]"), days)
    series, end, last_step = (parts[name] for name in ("series", "end", "last_step"))
    return PanelContext(parts["values"], series, end, last_step, none, none, parts["stat_exog"], calendar)
