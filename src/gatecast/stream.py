"""Streams of forecasts: a new value is one step, which says whether it is an anomaly and forecasts from it."""

from __future__ import annotations

import math
import numbers
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from gatecast._printable import shorten
from gatecast._utils.formatting import format_count
from gatecast._utils.typing import ColumnTable, FloatArray
from gatecast._utils.validation import check_levels
from gatecast.config import ForecasterConfig
from gatecast.data.panel import Panel, format_times
from gatecast.data.panel_checks import MAX_ABSOLUTE_VALUE
from gatecast.data.panel_update import match_series
from gatecast.data.reader import to_frame_like
from gatecast.errors import DataError
from gatecast.pipeline.data_checks import check_bounds
from gatecast.pipeline.read import read_source
from gatecast.pipeline.stream import StreamState, forecast_columns, judged_columns, step_stream
from gatecast.pipeline.stream_file import read_stream, write_stream

__all__ = ["ForecastStream", "StreamStep"]


@dataclass(frozen=True, repr=False)
class StreamStep:
    """What a stream says after a step.

    Args:
        judged_columns: Columns of `judged`, as arrays.
        _state: The stream after the step.
        _stream: The stream, for levels, kinds and types of tables.
    """

    judged_columns: ColumnTable
    _state: StreamState
    _stream: ForecastStream

    @cached_property
    def forecast_columns(self) -> ColumnTable:
        """Columns of `forecast`, as arrays."""
        return forecast_columns(self._state, self._stream._config.level)

    @property
    def forecast(self) -> Any:
        """The next steps, a table as `Forecaster.predict` returns it."""
        return self._stream._to_table(self.forecast_columns)

    @property
    def judged(self) -> Any:
        """The values of the step as a table.

        Ids, times, values, the forecast and the bounds of one step before, "score", the distance from the forecast in
        half-widths of the interval, and "is_anomaly".
        """
        return self._stream._to_table(self.judged_columns)

    @property
    def is_anomaly(self) -> Any:
        """Whether the value is outside its interval: True or False; a dict of these by id if the series have ids."""
        flags = self.judged_columns["is_anomaly"].tolist()
        return dict(zip(self._stream.ids, flags, strict=True)) if self._stream.ids else flags[0]

    def __repr__(self) -> str:
        n = int(self.judged_columns["is_anomaly"].sum())
        return f"StreamStep({len(self._stream):,} series, {n:,} outside the interval)"


class ForecastStream:
    """Forecasts that go on with each new value, from the state that they carry; `Forecaster.stream` makes one.

    Memory and time of a step do not grow: the pretrained network carries features and recurrent state, other models
    read the newest 2,048 values (more with long seasons) anew. Forecasts are those of `predict` for the same past. The
    margins of the intervals follow every new value.

    Example:
        >>> from gatecast import Forecaster
        >>> past = {"ds": np.arange("2020-01", "2023-01", dtype="M8[M]"), "y": 100.0 + np.arange(36) % 12}
        >>> stream = Forecaster(2, model="pretrained").stream(past)
        >>> stream.step(100).is_anomaly, stream.step(500).is_anomaly
        (False, True)
        >>> stream.predict()["Pretrained"].round().shape
        (2,)
    """

    def __init__(self, config: ForecasterConfig, state: StreamState, kind: str, level: float) -> None:
        self._config, self._state, self._kind = config, state, kind
        self.level = level

    def __len__(self) -> int:
        return len(self._state.context)

    def __repr__(self) -> str:
        series, steps = f"{len(self):,} series", format_count(self.n_steps, "step")
        return f"ForecastStream(h={self.h}, {series}, {steps})"

    @property
    def ids(self) -> list[Any]:
        """Ids of the series; empty if the past had none."""
        panel = self._state.fitted.panel
        return [] if panel.columns.id is None else panel.ids.tolist()

    @property
    def h(self) -> int:
        """Steps of a forecast."""
        return self._state.fitted.horizon

    @property
    def n_steps(self) -> int:
        """Steps since the past that the stream began with."""
        return self._state.n_steps

    def step(self, values: Any) -> StreamStep:
        """Take the next value of each series, and forecast from it.

        Args:
            values: A number for a single series; of several a dict of numbers by id, an array or a column in the order
                of `ids`, or a table with the rows of the next time. NaN is a missing value: time goes on without it.

        Returns:
            `forecast`, the table of the next h steps; `is_anomaly`, whether the value is outside the interval that was
            forecast one step before; `judged`, a table with both. After an event far outside, the forecast from before
            it judges what follows, as in `Forecaster.anomalies`.

        Raises:
            DataError: Values that are no numbers, of other series, of another time, or outside their bounds.
        """
        y = self._parse(values)
        state, judgement = step_stream(self._state, y, self.level)
        self._state = state
        return StreamStep(judged_columns(state, judgement, y, self.level), state, self)

    def predict(self, *, level: Sequence[float] | float | None = None) -> Any:
        """Return the forecast from the newest values, a table as `Forecaster.predict` returns it.

        Args:
            level: Levels of the intervals, in percent; None: those of the forecaster.
        """
        levels = self._config.level if level is None else check_levels(level)
        return self._to_table(forecast_columns(self._state, levels))

    def copy(self) -> ForecastStream:
        """Return an independent stream that goes on from here."""
        return ForecastStream(self._config, self._state, self._kind, self.level)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write this stream to one file, with its models: `load` goes on from there with the same bits.

        Raises:
            ConfigError: The file cannot be written there.
        """
        write_stream(path, self._config, self._state, self._kind, self.level)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> ForecastStream:
        """Read a stream from a file; nothing in it is executed.

        Raises:
            FormatError: No such file, or one that is truncated, altered, foreign, or newer than this version.
        """
        return cls(*read_stream(path))

    def _to_table(self, columns: ColumnTable) -> Any:
        """Return columns as a table of the kind of the source, with ids and times in its types."""
        return to_frame_like(self._kind, columns, self._state.fitted.panel)

    def _parse(self, values: Any) -> FloatArray:
        """Return the next value of each series, [n]."""
        if isinstance(values, np.ndarray) and values.ndim == 0:
            values = values[()]
        elif hasattr(values, "to_list") and np.ndim(values) == 1:
            values = self._of_column(values)
        if isinstance(values, Mapping) and all(np.ndim(value) == 0 for value in values.values()):
            y = self._by_id(values)
        elif isinstance(values, list | tuple | np.ndarray):
            y = self._in_order(values)
        elif _is_number(values) or isinstance(values, bool | np.bool_):
            y = self._in_order([values])
        else:
            y = self._of_table(values)
        if np.isinf(y).any():
            expected = "a number, or NaN (null in JSON) where it is missing"
            raise DataError("A value is infinite", where="step", expected=expected)
        if (np.abs(y) > MAX_ABSOLUTE_VALUE).any():
            largest = f"numbers from -{MAX_ABSOLUTE_VALUE:g} to {MAX_ABSOLUTE_VALUE:g}"
            raise DataError("A value is too large", where="step", got=f"{np.nanmax(np.abs(y)):g}", expected=largest)
        panel = self._state.fitted.panel
        check_bounds(_with_values(panel, y), self._config.data)
        return y

    def _by_id(self, values: Mapping[Any, Any]) -> FloatArray:
        """Return the values of a dict by id."""
        given = {str(name): value for name, value in values.items()}
        if len(given) < len(values):
            texts = [str(name) for name in values]
            twice = next(name for name in given if texts.count(name) > 1)
            raise DataError(
                "Two values for one series",
                where="step",
                got=f"ids that are both {twice!r} as a text",
                expected="a number for each id",
            )
        names = [str(name) for name in self.ids]
        if set(given) != set(names):
            unknown, missing = sorted(set(given) - set(names)), sorted(set(names) - set(given))
            raise DataError(
                "The values are not those of the series of the stream",
                where="step",
                got=f"unknown ids {unknown[:5]}" if unknown else f"no value of {missing[:5]}",
                expected=f"a number for each of {len(names):,} ids" if names else "a number, as the past had no ids",
                fix="Write NaN, null in JSON, for a value that is missing.",
            )
        if wrong := [name for name in names if not _is_number(given[name])]:
            raise DataError(
                "A value is no number",
                where="step",
                got=f"{shorten(repr(given[wrong[0]]))} of {wrong[0]!r}",
                expected="a number, or NaN (null in JSON) where it is missing",
            )
        return np.array([_to_float(given[name]) for name in names])

    def _of_column(self, column: Any) -> Mapping[Any, Any] | list[Any]:
        """Return the values of a column of pandas or polars: by id if its index has the ids, else in their order."""
        by_id = dict(zip(getattr(column, "index", ()), column, strict=False))
        has_ids = len(by_id) == len(self) and {str(name) for name in by_id} == {str(name) for name in self.ids}
        return by_id if has_ids else list(column.to_list())

    def _in_order(self, values: Sequence[Any] | npt.NDArray[Any]) -> FloatArray:
        """Return the values of a sequence."""
        wrong = next((k for k, value in enumerate(values) if not _is_number(value)), None)
        if len(values) != len(self) or wrong is not None:
            got = f"{type(values).__name__} of {len(values)}"
            raise DataError(
                "The values are not one number for each series",
                where="step",
                got=got if wrong is None else f"{shorten(repr(values[wrong]))} at position {wrong}",
                expected=f"{format_count(len(self), 'number')}",
                fix="One call of step takes the values of one time; write NaN, null in JSON, for one that is missing.",
            )
        return np.array([_to_float(value) for value in values])

    def _of_table(self, source: Any) -> FloatArray:
        """Return the values of a table with the rows of the next time."""
        panel = self._state.fitted.panel
        new, _ = read_source(source, self._config, panel)
        matches, later = match_series(new, panel)
        position = later - new.lengths
        if len(new) != len(self) or (matches < 0).any() or (new.lengths != 1).any() or (position != self.n_steps).any():
            expected = format_times(panel.freq.at(panel.start[:1], np.array([self.n_steps])))[0]
            got = f"{format_count(len(new.values), 'row')} of {len(new):,} series"
            raise DataError(
                "The table does not have the next row of each series",
                where="step",
                got=f"{got} from {format_times(new.start[:1])[0]}",
                expected=f"a row for each of {len(self):,} series at its next time, {expected} of the first",
                fix="Call step for each time in turn, with NaN (null in JSON) for a time without a value.",
            )
        y = np.empty(len(self))
        y[matches] = new.values
        return y


def _with_values(panel: Panel, y: FloatArray) -> Panel:
    """Return the series of a stream with one value each."""
    return replace(panel, values=y, indptr=np.arange(len(y) + 1))


def _is_number(value: Any) -> bool:
    """Return whether something is a real number, or None for a missing one."""
    is_real = isinstance(value, numbers.Real | Decimal) and not isinstance(value, bool | np.bool_)
    return value is None or is_real


def _to_float(value: Any) -> float:
    """Return a number; NaN for None."""
    return math.nan if value is None else float(value)
