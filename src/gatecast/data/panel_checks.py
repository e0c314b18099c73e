"""Checks of the rows of a long table: every kind of invalid data has one function, which reports where it is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from gatecast._utils.typing import FloatArray, IntArray
from gatecast.data.frequency import MAX_TICKS, MICROSECONDS, Freq, Times, format_times
from gatecast.data.messages import format_id
from gatecast.data.panel import ColumnNames
from gatecast.data.parsing.exogenous import format_value
from gatecast.data.time_grid import align_to_grid, infer_freq
from gatecast.errors import DataError

__all__ = [
    "DUPLICATE_TIME",
    "IRREGULAR_TIMES",
    "OTHER_FREQUENCY",
    "SPARSE_TIMES",
    "check_density",
    "check_duplicates",
    "check_finite",
    "check_moved",
    "check_same_frequency",
    "check_values",
    "constant_per_series",
    "raise_if_other_frequency",
    "raise_irregular",
]

# Larger numbers are refused, so that neither a square nor a sum of squares overflows float64.
MAX_ABSOLUTE_VALUE = 1e150
# Columns that have only smaller numbers are refused, so that their squares do not all become 0.
MIN_LARGEST_VALUE = 1e-150
# A sparser grid means a wrong date or a wrong frequency, and could exhaust the memory.
MAX_STEPS_PER_ROW = 20
# Times that are moved farther, in steps, are not those of the grid.
MAX_MOVE = 0.1
# With fewer rows, distances may all be even by chance.
MIN_ROWS_TO_INFER = 6

DUPLICATE_TIME = "Duplicate time"
"""What the error about two rows of one time says."""
IRREGULAR_TIMES = "Irregular times"
"""What the errors about times that no frequency fits say."""
OTHER_FREQUENCY = "Series have different frequencies"
SPARSE_TIMES = "Nearly all times have no row"
"""What the error about series of several frequencies says."""


def check_values(
    t: Times, x: FloatArray, names: ColumnNames, describe_row: Callable[[int], str], min_rows: int = 2
) -> None:
    """Check that there are rows, at times that can be computed with, and that some have a finite value.

    Raises:
        DataError: Fewer than `min_rows` rows, an infinite or huge value, a time farther than 73,000 years from 1970 or
            an integer beyond 2^61, or no value at all.
    """
    if len(x) < min_rows:
        raise DataError(
            "Too few rows",
            got="one row" if len(x) else "no rows",
            expected="at least two times with a value each",
            fix="Provide more history.",
        )
    _check_times(t, names.time, describe_row)
    check_finite(t, x, names.target, describe_row)
    if np.isnan(x).all():
        raise DataError(
            "All values are missing",
            where=f"column {names.target!r}",
            got=f"{len(x)} rows without a number",
            expected="numbers",
            fix="If this is the wrong column, set target_col to the right one.",
            argument="target_col",
        )


def _check_times(t: Times, name: str, describe_row: Callable[[int], str]) -> None:
    """Check that differences and steps of times fit into 64 bits."""
    ticks = t.astype(np.int64)
    if not len(ticks) or -MAX_TICKS <= ticks.min() <= ticks.max() <= MAX_TICKS:
        return
    i = int(np.flatnonzero((ticks < -MAX_TICKS) | (ticks > MAX_TICKS))[0])
    edges = np.array([-MAX_TICKS, MAX_TICKS]).astype(t.dtype)
    low, high = format_times(edges.astype("M8[D]") if t.dtype.kind == "M" else edges)
    raise DataError(
        "Time too far away",
        where=f"{describe_row(i)}, column {name!r}",
        got=format_times(t[i : i + 1])[0],
        expected=f"times from {low} to {high}",
        fix="Correct the cell, or count from another time.",
        argument="time_col",
    )


def check_finite(t: Times, x: FloatArray, name: str, describe_row: Callable[[int], str]) -> None:
    """Check that the values of a column are not infinite, and neither too large nor all too small to compute with.

    Raises:
        DataError: A value that is infinite or too large, or a column whose values are all too small.
    """
    for invalid, what, expected, fix in (
        (
            np.isinf(x),
            "Infinite value",
            "a finite number, or an empty cell for a missing value",
            "Correct or empty the cell",
        ),
        (
            np.abs(x) > MAX_ABSOLUTE_VALUE,
            "Value too large",
            f"numbers from -{MAX_ABSOLUTE_VALUE:g} to {MAX_ABSOLUTE_VALUE:g}",
            "Correct the value, or express the column in a larger unit",
        ),
    ):
        rows = np.flatnonzero(invalid)
        if len(rows):
            i = int(rows[0])
            raise DataError(
                what,
                where=f"{describe_row(i)}, column {name!r}, time {format_times(t[i : i + 1])[0]}",
                got=str(x[i]),
                expected=expected,
                fix=f"{fix} (such values in total: {len(rows)}).",
            )
    largest = float(np.nanmax(np.abs(x), initial=0.0))
    if 0 < largest < MIN_LARGEST_VALUE:
        raise DataError(
            "Values too small",
            where=f"column {name!r}",
            got=f"{largest:g} as the largest",
            expected=f"0, or a largest value of {MIN_LARGEST_VALUE:g} at least",
            fix="Express the column in a smaller unit.",
        )


def constant_per_series(
    column: FloatArray, bounds: IntArray, name: str, ids: npt.NDArray[Any], categories: Sequence[str] | None
) -> FloatArray:
    """Return the constant value of a static column in every series.

    Args:
        column: Values sorted by series, shape (n_rows,).
        bounds: Row offsets of the series, shape (n_series + 1,).
        name: Name of the column.
        ids: Ids of the series, shape (n_series,).
        categories: Categories of the column; None if it is numeric.

    Returns:
        One value per series, shape (n_series,); NaN where all are missing.

    Raises:
        DataError: Different values within a series.
    """
    low, high = np.fmin.reduceat(column, bounds[:-1]), np.fmax.reduceat(column, bounds[:-1])
    varying = np.flatnonzero(low < high)
    if len(varying):
        s = int(varying[0])
        values = column[bounds[s] : bounds[s + 1]]
        values = values[~np.isnan(values)]
        other = values[values != values[0]][0]
        raise DataError(
            "A static column varies within a series",
            where=f"series {format_id(ids, s)}, column {name!r}",
            got=f"{format_value(values[0], categories)} and {format_value(other, categories)}",
            expected="one value per series",
            fix="Correct the values, or move the column from stat_exog to hist_exog or futr_exog "
            f"(series affected: {len(varying)}).",
        )
    return np.asarray(low)


def check_same_frequency(t: Times, k: IntArray, bounds: IntArray, freq: Freq, ids: npt.NDArray[Any]) -> None:
    """Check that no series has rows only at every second time of the grid, or at even fewer.

    Raises:
        DataError: A series of a lower frequency.
    """
    if len(ids) < 2:
        return
    steps = np.empty_like(k)
    np.subtract(k[1:], k[:-1], out=steps[1:])
    steps[bounds[:-1]] = 0
    n_rows, divisor = np.diff(bounds), np.gcd.reduceat(steps, bounds[:-1])
    coarse = np.flatnonzero((divisor > 1) & (n_rows >= MIN_ROWS_TO_INFER))
    if len(coarse) and divisor[n_rows.argmax()] == 1:
        s = int(coarse[0])
        raise_if_other_frequency(t[bounds[s] : bounds[s + 1]], freq, ids, s)


def check_duplicates(
    t: Times,
    codes: IntArray,
    ids: npt.NDArray[Any],
    order: IntArray | None,
    names: ColumnNames,
    describe_row: Callable[[int], str],
) -> None:
    """Check that no series has two rows of one time.

    Args:
        t: Times sorted by series and time, shape (n_rows,).
        codes: Series of each row, shape (n_rows,).
        ids: Ids of the series, shape (n_series,).
        order: Row of the table of each sorted row; None if the table was sorted.
        names: Names of the columns.
        describe_row: Returns how messages refer to a row of the table.

    Raises:
        DataError: Two rows of a series with one time.
    """
    duplicates = np.flatnonzero((codes[1:] == codes[:-1]) & (t[1:] == t[:-1]))
    if not len(duplicates):
        return
    i = int(duplicates[0])
    first, second = (i, i + 1) if order is None else (int(order[i]), int(order[i + 1]))
    has_ids = names.id is not None
    series = f"series {format_id(ids, int(codes[i]))}, " if has_ids else ""
    several = "" if has_ids else "; if they belong to several series, set id_col to the column with their ids"
    raise DataError(
        DUPLICATE_TIME,
        where=f"{series}{describe_row(first)} and {describe_row(second)}",
        got=f"{format_times(t[i : i + 1])[0]} in both rows (duplicates in total: {len(duplicates)})",
        expected="one row per series and time" if has_ids else "one row per time",
        fix=f"Remove or aggregate the duplicate rows{several}.",
    )


def raise_if_other_frequency(t: Times, freq: Freq, ids: npt.NDArray[Any], s: int) -> None:
    """Raise an error if the times of a series follow another frequency than the panel.

    Raises:
        DataError: They do.
    """
    inferred = infer_freq(t) if len(ids) > 1 and len(t) > 1 else freq
    if inferred != freq:
        raise DataError(
            OTHER_FREQUENCY,
            where=f"series {format_id(ids, s)}",
            got=inferred.label,
            expected=f"{freq.label} in every series",
            fix="Aggregate the series to one frequency, or forecast the series of each frequency separately.",
        )


def raise_irregular(t: Times, k: IntArray, freq: Freq, ids: npt.NDArray[Any], s: int, names: ColumnNames) -> None:
    """Raise the error of two times at one position of the grid.

    Raises:
        DataError: Always.
    """
    i = int(np.flatnonzero(np.diff(k) == 0)[0])
    raise DataError(
        IRREGULAR_TIMES,
        where=f"series {format_id(ids, s)}" if names.id is not None else f"column {names.time!r}",
        got=f"{' and '.join(format_times(t[i : i + 2]))}, less than one step apart",
        expected=f"at most one time per step, {freq.label}",
        fix=_advise(t, freq),
        argument="freq",
    )


def check_density(
    t: Times, k: IntArray, lengths: IntArray, bounds: IntArray, freq: Freq, ids: npt.NDArray[Any]
) -> None:
    """Check that the grid of no series is nearly empty.

    Args:
        t: Times sorted by series and time, shape (n_rows,).
        k: Grid position of each row within its series, shape (n_rows,).
        lengths: Number of steps of each series, shape (n_series,).
        bounds: Row offsets of the series, shape (n_series + 1,).
        freq: Frequency of the grid.
        ids: Ids of the series, shape (n_series,).

    Raises:
        DataError: A series with far more steps than rows.
    """
    n_rows = np.diff(bounds)
    sparse = np.flatnonzero(lengths > MAX_STEPS_PER_ROW * n_rows + 1000)
    if not len(sparse):
        return
    s = int(sparse[0])
    rows = slice(bounds[s], bounds[s + 1])
    i = int(np.diff(k[rows]).argmax())
    before, after = format_times(t[rows][i : i + 2])
    raise_if_other_frequency(t[rows], freq, ids, s)
    raise DataError(
        SPARSE_TIMES,
        where=f"series {format_id(ids, s)}" if len(ids) > 1 else f"between {before} and {after}",
        got=f"{n_rows[s]} rows for {lengths[s]} steps; the longest gap is from {before} to {after}",
        expected=f"rows at most steps, {freq.label}",
        fix="Correct the date if it is wrong, or set freq to a lower frequency.",
        argument="freq",
    )


def check_moved(t: Times, grid: Times, freq: Freq, names: ColumnNames) -> None:
    """Check that the grid of an inferred frequency is that of the times, not one that moves most of them.

    Args:
        t: Times, shape (n_rows,).
        grid: The time of the grid that each was moved to, shape (n_rows,).
        freq: The inferred frequency. One row a month, quarter or year on varying days is a label of its period.
        names: Names of the columns.

    Raises:
        DataError: More than half of the times are moved by more than a tenth of a step.
    """
    if freq.unit not in MICROSECONDS:
        return
    step = MICROSECONDS[freq.unit] * freq.multiple
    far = np.flatnonzero(np.abs((t - grid).astype(np.int64)) > MAX_MOVE * step)
    if 2 * len(far) <= len(t):
        return
    i = int(far[0])
    raise DataError(
        IRREGULAR_TIMES,
        where=f"column {names.time!r}",
        got=f"{len(far)} of {len(t)} times off the nearest frequency, {freq.label}; the first is "
        f"{format_times(t[i : i + 1])[0]}",
        expected="times at equal distances, or one a month, quarter or year",
        fix=_advise(t, freq),
        argument="freq",
    )


def _advise(t: Times, freq: Freq) -> str:
    """What to do with times that do not fit a frequency.

    Their own frequency, if they have one; else a daily grid, where it is not nearly empty, or steps without dates.
    """
    inferred = infer_freq(t)
    if inferred != freq and (np.diff(align_to_grid(t, inferred).positions) > 0).all():
        return f"Leave freq out, since the times are {inferred.label}, or aggregate the rows before."
    days = t.astype("M8[D]").astype(np.int64) if t.dtype.kind == "M" else np.zeros(len(t), np.int64)
    is_dense = days.max() - days.min() < MAX_STEPS_PER_ROW * len(t)
    if is_dense and len(np.unique(days)) == len(days):
        return "Set freq='D' to have times between them treated as missing."
    return "Aggregate the rows by week or month, or number them without their dates."
