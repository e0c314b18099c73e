"""Series as the input of a graph, and what is computed of them row by row.

Series are aligned at their ends, as in a `PanelContext`. A graph pads them with missing values in front to a number of
columns that is known when it is written: nothing that is computed of a series depends on missing values before it.

Shapes: B series, T columns as they come, C columns as the graph reads them.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import numpy as np

from gatecast._utils.typing import IntArray
from gatecast.data.season_calendar import SeasonCalendar
from gatecast.forecasting.context import MAX_LENGTH
from gatecast.forecasting.onnx_files.dates import day_of_year_places, week_of_year_places
from gatecast.nn.onnx_files import operations as op
from gatecast.nn.onnx_files.builder import Builder, Value

__all__ = [
    "Columns",
    "GraphForecast",
    "SeriesInput",
    "count",
    "fill_forward",
    "hold_values",
    "numbers_along",
    "observed_total",
    "row_median",
    "running_max",
]


class GraphForecast(NamedTuple):
    """What a model forecasts."""

    quantiles: Value
    """[B, h, Q] float64."""
    empty: Value
    """Series that have no value to forecast from, [B] bool: their quantiles are NaN."""


class Columns(NamedTuple):
    """Exogenous columns; None where there are none."""

    futr: Value | None = None
    """Known for the steps ahead too, [B, T + h, F]."""
    hist: Value | None = None
    """Known for the past alone, [B, T, G]."""
    stat: Value | None = None
    """Constant in time, [B, E]."""


NO_COLUMNS = Columns()


@dataclass(frozen=True)
class SeriesInput:
    """The series of a graph.

    Args:
        builder: The graph.
        values: [B, T] float64; NaN is missing.
        n_steps: T, a tensor of one number.
        last_step: Time of the newest value in steps from a time that all series share, [B]; None: no model needs it.
        last_date: Date of the newest value, days since 1970-01-01, [B]; None: no model needs it.
        calendar: Of the series that were fitted; None: no season is counted by dates.
        carries_state: Whether states of models are inputs and outputs.
        columns: Exogenous columns.
        rows: Position of each row among the series that were fitted, [B]; -1 for others. None: no model needs it.
        steps_since: Steps from the end of that series, as it was fitted, to the newest value, [B]; 0 for others.
    """

    builder: Builder
    values: Value
    n_steps: Value
    last_step: Value | None = None
    last_date: Value | None = None
    calendar: SeasonCalendar | None = None
    carries_state: bool = False
    columns: Columns = NO_COLUMNS
    rows: Value | None = None
    steps_since: Value | None = None
    _derived: dict[Any, Any] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        builder: Builder,
        *,
        with_steps: bool = False,
        calendar: SeasonCalendar | None = None,
        carries_state: bool = False,
        columns: Columns = NO_COLUMNS,
        with_rows: bool = False,
        with_ends: bool = False,
    ) -> SeriesInput:
        """Add the inputs to a graph.

        Args:
            builder: The graph.
            with_steps: Whether there is an input `last_step`.
            calendar: Of the series that were fitted, for an input `last_date`; None: there is none.
            carries_state: Whether states of models are inputs and outputs.
            columns: Exogenous columns, whose inputs are there already.
            with_rows: Whether there is an input `series`, as `PanelContext` has it.
            with_ends: Whether there is an input `end`, as `PanelContext` has it.
        """
        values = op.slice_of(builder.input("values", np.float64, ("batch", "time")), 1, -MAX_LENGTH)
        last_step = builder.input("last_step", np.int64, ("batch",)) if with_steps else None
        last_date = builder.input("last_date", np.int64, ("batch",)) if calendar is not None else None
        rows = builder.input("series", np.int64, ("batch",)) if with_rows else None
        since = builder.input("end", np.int64, ("batch",)) if with_ends else None
        n_steps = op.size_of(values, 1)
        return cls(builder, values, n_steps, last_step, last_date, calendar, carries_state, columns, rows, since)

    def with_values(self, values: Value) -> SeriesInput:
        """Return other values at the same times."""
        return replace(self, values=values, _derived={})

    def newest(self, n: int) -> Value:
        """Return exactly n columns, the newest ones, with missing values in front, [B, n]."""
        key = ("newest", n)
        if key not in self._derived:
            padded = op.pad(self.values, 2, 1, n, 0, np.nan)
            self._derived[key] = op.slice_of(padded, 1, -n)
        result: Value = self._derived[key]
        return result

    def derive(self, key: Any, compute: Any) -> Any:
        """Return what is computed of these series; it is added to the graph once."""
        if key not in self._derived:
            self._derived[key] = compute()
        return self._derived[key]

    def is_empty(self) -> Value:
        """Return which series have no value, [B] bool."""
        empty: Value = self.derive("empty", lambda: count(op.is_finite(self.values)).equals(0))
        return empty

    def season_places(self, m: int, steps: IntArray | Value) -> Value:
        """Return the places of steps in a season that all series share, [B, K]; 0 is the first step after the end."""
        dated = self.dated_places(m, steps)
        if dated is not None:
            return dated
        if self.last_step is None:
            raise ValueError("the graph has no input last_step")
        place = op.expand_dims(self.last_step, 1) + (steps + 1)
        return self.builder.op("Mod", place, m)

    def dated_places(self, m: int, steps: IntArray | Value) -> Value | None:
        """Return the places of steps in a yearly season by their dates, [B, K]; None for any other season."""
        if self.last_date is None or self.calendar is None or m != self.calendar.season_length:
            return None
        dates = op.expand_dims(self.last_date, 1) + (steps + 1) * self.calendar.days
        return day_of_year_places(dates) if self.calendar.days == 1 else week_of_year_places(dates)


def count(observed: Value) -> Value:
    """Return how many flags of each row are set, [B] float64."""
    return op.total(op.cast(observed, np.float64), 1)


def observed_total(observed: Value, values: Value) -> Value:
    """Return the sums of the observed values of each row, [B]."""
    return op.total(op.where(observed, values, 0), 1)


def numbers_along(x: Value, axis: int) -> Value:
    """Return the numbers from 0 on along an axis, int64."""
    zero, one = (x.builder.constant(np.array(number, np.int64)) for number in (0, 1))
    return x.builder.op("Range", zero, op.squeeze(op.size_of(x, axis), 0), one)


def running_max(x: Value, longest: int) -> Value:
    """Return the largest number so far in each row, [B, T], by doubling: a power of two steps back at a time.

    Args:
        x: [B, T] float64.
        longest: T, at most.
    """
    n_steps, shift = op.size_of(x, 1), 1
    while shift < longest:
        x = op.maximum(x, op.slice_of(op.pad(x, 2, 1, shift, 0, -np.inf), 1, 0, n_steps))
        shift *= 2
    return x


def fill_forward(values: Value, longest: int) -> Value:
    """Return values with missing ones replaced by the last one before; before the first by that one; 0 in empty rows.

    Args:
        values: [B, T].
        longest: T, at most.
    """
    observed = op.is_finite(values)
    columns = op.cast(numbers_along(values, 1), np.float64)
    last = running_max(op.where(observed, columns, -1), longest)
    first = op.reduce_min(op.where(observed, columns, np.inf), 1, keepdims=True)
    place = op.where(last < 0, op.where(first < np.inf, first, 0), last)
    filled = op.take_along_axis(values, op.cast(place, np.int64), 1)
    return op.where(op.is_finite(filled), filled, 0)


def row_median(values: Value) -> Value:
    """Return the median of each row without its NaN, [B, 1]; 0 for a row without a number.

    Args:
        values: [B, T].
    """
    known, n_columns = op.is_finite(values), op.size_of(values, 1)
    n = op.cast(op.expand_dims(count(known), 1), np.int64)
    ascending = op.sort(op.where(known, values, np.inf), n_columns, 1)
    low, high = op.maximum(n - 1, 0) / 2, op.minimum(n / 2, n_columns - 1)
    a, b = (op.take_along_axis(ascending, place, 1) for place in (low, high))
    median = op.where(values.builder.op("Mod", n, 2).equals(1), a, (a + b) * 0.5)
    return op.where(n > 0, median, 0)


def hold_values(columns: Value, n_columns: int) -> Value:
    """Return columns with missing values replaced by the last one before; before the first by that one, [B, T, G].

    Args:
        columns: Of any number of steps, [B, T, G]; one without a value stays missing.
        n_columns: G.
    """
    held = _held(columns, n_columns)
    return op.where(op.is_finite(held), held, op.flip(_held(op.flip(columns, 1), n_columns), 1))


def _held(columns: Value, n_columns: int) -> Value:
    """Return columns with missing values replaced by the last one before, [B, T, G]; NaN before the first."""
    builder = columns.builder
    with builder.body() as body:
        newest, value = (builder.body_input(np.float64, (n_columns,)) for _ in range(2))
        held = op.where(op.is_finite(value), value, newest)
        builder.body_output(held, (n_columns,))
        builder.body_output(held, (n_columns,))
    first = op.take(columns, 0, 1) * np.nan
    _, every = builder.ops(
        "Scan", 2, first, columns, body=body, num_scan_inputs=1, scan_input_axes=[1], scan_output_axes=[1]
    )
    return every
