"""What no panel can be made of: each kind of bad data is refused by one function, in words that say where it is.

Letters: N rows of the table, S series, k position on a grid.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from gatecast.data.frequency import Freq, Positions, Times, format_times
from gatecast.data.panel import ColumnNames
from gatecast.data.parsing.exogenous import shown
from gatecast.data.time_grid import infer_freq
from gatecast.errors import DataError

__all__ = [
    "check_constant",
    "check_filled",
    "check_finite",
    "check_mixed",
    "check_unique",
    "check_values",
    "refuse_irregular",
    "refuse_mixed",
]

Array = npt.NDArray[np.float64]

# Larger numbers are refused, so that no square, nor a sum of squares, leaves the range of float64.
LARGEST = 1e150
# A grid that is emptier than this is a wrong date or a wrong frequency, and could fill the memory.
EMPTIEST = 20
# With fewer rows, distances may all be even by chance.
TELLING = 6


def check_values(t: Times, x: Array, names: ColumnNames, where: Callable[[int], str]) -> None:
    """Refuse what no panel can be made of."""
    if len(x) < 2:
        raise DataError(
            "there is too little data",
            got="one row" if len(x) else "no rows",
            expected="at least two times with a value each",
            fix="A forecast needs a past: give more rows.",
        )
    check_finite(t, x, names.target, where)
    if np.isnan(x).all():
        raise DataError(
            "every value is missing",
            where=f"column {names.target!r}",
            got=f"{len(x)} rows without a number",
            expected="numbers",
            fix="Is this the right column? Name another one with target_col.",
        )


def check_finite(t: Times, x: Array, name: str, where: Callable[[int], str]) -> None:
    """Refuse numbers that cannot be computed with."""
    infinite = np.flatnonzero(np.isinf(x))
    if len(infinite):
        i = int(infinite[0])
        raise DataError(
            "a value is infinite",
            where=f"{where(i)}, column {name!r}, time {format_times(t[i : i + 1])[0]}",
            got=str(x[i]),
            expected="a finite number, or nothing where it is missing",
            fix=f"Correct or empty it; infinite values in all: {len(infinite)}.",
        )
    huge = np.flatnonzero(np.abs(x) > LARGEST)
    if len(huge):
        i = int(huge[0])
        raise DataError(
            "a value is too large to compute with",
            where=f"{where(i)}, column {name!r}, time {format_times(t[i : i + 1])[0]}",
            got=str(x[i]),
            expected=f"numbers from -{LARGEST:g} to {LARGEST:g}",
            fix=f"Correct it, or write the values in a larger unit; such values in all: {len(huge)}.",
        )


def check_constant(
    column: Array, bounds: Positions, name: str, labels: npt.NDArray[Any], categories: Sequence[str] | None
) -> Array:
    """One value of each series, NaN if all are missing; two different ones are refused."""
    low, high = np.fmin.reduceat(column, bounds[:-1]), np.fmax.reduceat(column, bounds[:-1])
    differ = np.flatnonzero(low < high)
    if len(differ):
        s = int(differ[0])
        own = column[bounds[s] : bounds[s + 1]]
        own = own[~np.isnan(own)]
        second = own[own != own[0]][0]
        raise DataError(
            "a static column changes within a series",
            where=f"series {_label(labels, s)}, column {name!r}",
            got=f"{shown(own[0], categories)} and {shown(second, categories)}",
            expected="one value for each series",
            fix=f"Correct it, or name the column in historic or known; such series in all: {len(differ)}.",
        )
    return np.asarray(low)


def check_mixed(t: Times, k: Positions, bounds: Positions, freq: Freq, labels: npt.NDArray[Any]) -> None:
    """Refuse a series that has rows at every other time of the grid, or fewer, and never between them."""
    if len(labels) < 2:
        return
    steps = np.diff(k, prepend=0)
    steps[bounds[:-1]] = 0
    rows, common = np.diff(bounds), np.gcd.reduceat(steps, bounds[:-1])
    coarse = np.flatnonzero((common > 1) & (rows >= TELLING))
    if len(coarse) and common[rows.argmax()] == 1:
        s = int(coarse[0])
        refuse_mixed(t[bounds[s] : bounds[s + 1]], freq, labels, s)


def check_unique(
    t: Times,
    codes: Positions,
    labels: npt.NDArray[Any],
    order: Positions | None,
    names: ColumnNames,
    where: Callable[[int], str],
) -> None:
    """Refuse two rows for one time of one series."""
    twice = np.flatnonzero((np.diff(codes) == 0) & (t[1:] == t[:-1]))
    if not len(twice):
        return
    i = int(twice[0])
    pair = (i, i + 1) if order is None else (int(order[i]), int(order[i + 1]))
    series = f"series {_label(labels, int(codes[i]))}, " if names.id is not None else ""
    fix = "Remove or add up the rows of one time"
    fix += "." if names.id is not None else "; if they are several series, name their column with id_col."
    raise DataError(
        "a time occurs twice",
        where=f"{series}{where(pair[0])} and {where(pair[1])}",
        got=f"{format_times(t[i : i + 1])[0]} in both (repeated times in all: {len(twice)})",
        expected="one row for each time",
        fix=fix,
    )


def refuse_mixed(t: Times, freq: Freq, labels: npt.NDArray[Any], s: int) -> None:
    """A series that does not follow the frequency of the others follows one of its own."""
    own = infer_freq(t) if len(labels) > 1 and len(t) > 1 else freq
    if own != freq:
        raise DataError(
            "the series differ in frequency",
            where=f"series {_label(labels, s)}",
            got=own.label,
            expected=f"{freq.label}, as the longest series",
            fix="Forecast series of one frequency at a time.",
        )


def refuse_irregular(t: Times, k: Positions, freq: Freq, labels: npt.NDArray[Any], s: int, names: ColumnNames) -> None:
    """Two times fall on one place of the grid."""
    i = int(np.flatnonzero(np.diff(k) == 0)[0])
    pair = " and ".join(format_times(t[i : i + 2]))
    raise DataError(
        "the times are irregular",
        where=f"series {_label(labels, s)}" if names.id is not None else f"column {names.time!r}",
        got=f"{pair}, which are closer than one step",
        expected=f"times that are {freq.label}",
        fix="Aggregate the rows to a regular frequency, or name a finer one with freq.",
    )


def check_filled(
    t: Times, k: Positions, lengths: Positions, bounds: Positions, freq: Freq, labels: npt.NDArray[Any]
) -> None:
    """Refuse a grid that is nearly empty."""
    rows = np.diff(bounds)
    sparse = np.flatnonzero(lengths > EMPTIEST * rows + 1000)
    if not len(sparse):
        return
    s = int(sparse[0])
    own = slice(bounds[s], bounds[s + 1])
    i = int(np.diff(k[own]).argmax())
    before, after = format_times(t[own][i : i + 2])
    refuse_mixed(t[own], freq, labels, s)
    raise DataError(
        "nearly all times are absent",
        where=f"series {_label(labels, s)}" if len(labels) > 1 else f"between {before} and {after}",
        got=f"{rows[s]} rows for {lengths[s]} times; the widest gap is from {before} to {after}",
        expected=f"times that are {freq.label}",
        fix="Is a date wrong? Else name a coarser frequency with freq.",
    )


def _label(labels: npt.NDArray[Any], s: int) -> str:
    """The name of a series as Python writes it, whole numbers without their type."""
    return repr(labels[s : s + 1].tolist()[0])
