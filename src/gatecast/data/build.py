"""From a long table to a panel: sort, fill, refuse, and say in plain sentences what was found.

Letters: S series, N rows of the table, k position on a grid.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from gatecast.data.calendar import infer, place
from gatecast.data.frequency import Freq, Positions, Times, format_times, parse
from gatecast.data.panel import Names, Panel
from gatecast.errors import ConfigError, DataError

__all__ = ["build"]

Array = npt.NDArray[np.float64]

# Larger numbers are refused, so that no square, nor a sum of squares, leaves the range of float64.
LARGEST = 1e150
# A grid that is emptier than this is a wrong date or a wrong frequency, and could fill the memory.
EMPTIEST = 20


def build(
    times: npt.ArrayLike,
    values: npt.ArrayLike,
    ids: npt.ArrayLike | None = None,
    *,
    freq: str | int | Freq | None = None,
    names: Names | None = None,
    where: Callable[[int], str] = "position {}".format,
) -> tuple[Panel, tuple[str, ...]]:
    """A panel from the three columns of a long table, and what was found on the way.

    Rows may be in any order. Times that are absent from a series' grid become missing values; times beside
    the grid are moved to the nearest free place on it.

    Args:
        times: (N,) datetime64 without NaT, or integers.
        values: (N,) numbers up to 1e150 either way; NaN is missing, infinities are refused.
        ids: (N,) name of the series of each row; None if there is one series.
        freq: Frequency; worked out from the longest series if None.
        names: What the columns are called, for messages and for tables that go out.
        where: Says where row i of the table stands, as "row 17".

    Returns:
        The panel, series in the order in which they appear, and findings, one sentence each.

    Raises:
        DataError: Fewer than two rows, an infinite or huge value, no value at all, two rows of one time in a series,
            times that follow no frequency.

    >>> panel, findings = build(np.array(["2024-01-03", "2024-01-01"], "M8[D]"), [3, 1], freq="D")
    >>> panel.values.tolist(), findings
    ([1.0, nan, 3.0], ('The rows were not in time order and have been sorted.', '1 of 3 times is absent and \
counts as missing: 2024-01-02.'))
    """
    called = names or Names()
    t, x = _times(times), np.asarray(values, np.float64)
    _check_values(t, x, called, where)
    labels, codes = _factorise(ids, len(t))
    order = np.lexsort((t, codes))
    findings = []
    if (order != np.argsort(codes, kind="stable")).any():
        findings.append("The rows were not in time order and have been sorted.")
    t, codes, x = t[order], codes[order], x[order]
    _check_unique(t, codes, labels, order, called, where)
    bounds = np.searchsorted(codes, np.arange(len(labels) + 1))
    step = _frequency(t, bounds, freq, findings)
    start, k, moved = _lay(t, bounds, step, labels, called)
    findings += moved
    lengths = k[bounds[1:] - 1] + 1
    _check_filled(t, k, lengths, bounds, step, labels)
    indptr = np.concatenate(([0], np.cumsum(lengths)))
    grid = np.full(int(indptr[-1]), np.nan)
    grid[np.repeat(indptr[:-1], np.diff(bounds)) + k] = x
    panel = Panel(grid, indptr, labels, start, step, called)
    return panel, (*findings, *_gaps(panel, np.repeat(indptr[:-1], np.diff(bounds)) + k), *_remarks(panel, x))


def _times(times: npt.ArrayLike) -> Times:
    """Times as datetime64[us] or int64."""
    t = np.asarray(times)
    return t.astype("M8[us]") if t.dtype.kind == "M" else t.astype(np.int64)


def _factorise(ids: npt.ArrayLike | None, n: int) -> tuple[npt.NDArray[Any], Positions]:
    """Names in order of appearance, and the number of each row's name."""
    if ids is None:
        return np.array([""], object), np.zeros(n, np.int64)
    column = np.asarray(ids)
    number: dict[Any, int] = {}
    codes = np.fromiter((number.setdefault(name, len(number)) for name in column.tolist()), np.int64, n)
    labels = np.empty(len(number), column.dtype if column.dtype.kind in "iu" else object)
    labels[:] = list(number)
    return labels, codes


def _check_values(t: Times, x: Array, names: Names, where: Callable[[int], str]) -> None:
    """Refuse what no panel can be made of."""
    if len(x) < 2:
        raise DataError(
            "there is too little data",
            got="one row" if len(x) else "no rows",
            expected="at least two times with a value each",
            fix="A forecast needs a past: give more rows.",
        )
    infinite = np.flatnonzero(np.isinf(x))
    if len(infinite):
        i = int(infinite[0])
        raise DataError(
            "a value is infinite",
            where=f"{where(i)}, column {names.target!r}, time {format_times(t[i : i + 1])[0]}",
            got=str(x[i]),
            expected="a finite number, or nothing where it is missing",
            fix=f"Correct or empty it; infinite values in all: {len(infinite)}.",
        )
    huge = np.flatnonzero(np.abs(x) > LARGEST)
    if len(huge):
        i = int(huge[0])
        raise DataError(
            "a value is too large to compute with",
            where=f"{where(i)}, column {names.target!r}, time {format_times(t[i : i + 1])[0]}",
            got=str(x[i]),
            expected=f"numbers from -{LARGEST:g} to {LARGEST:g}",
            fix=f"Correct it, or write the values in a larger unit; such values in all: {len(huge)}.",
        )
    if np.isnan(x).all():
        raise DataError(
            "every value is missing",
            where=f"column {names.target!r}",
            got=f"{len(x)} rows without a number",
            expected="numbers",
            fix="Is this the right column? Name another one with target_col.",
        )


def _check_unique(
    t: Times,
    codes: Positions,
    labels: npt.NDArray[Any],
    order: Positions,
    names: Names,
    where: Callable[[int], str],
) -> None:
    """Refuse two rows for one time of one series."""
    twice = np.flatnonzero((np.diff(codes) == 0) & (t[1:] == t[:-1]))
    if not len(twice):
        return
    i = int(twice[0])
    series = f"series {labels[codes[i]]!r}, " if names.id is not None else ""
    fix = "Remove or add up the rows of one time"
    fix += "." if names.id is not None else "; if they are several series, name their column with id_col."
    raise DataError(
        "a time occurs twice",
        where=f"{series}{where(int(order[i]))} and {where(int(order[i + 1]))}",
        got=f"{format_times(t[i : i + 1])[0]} in both (repeated times in all: {len(twice)})",
        expected="one row for each time",
        fix=fix,
    )


def _frequency(t: Times, bounds: Positions, freq: str | int | Freq | None, findings: list[str]) -> Freq:
    """The frequency given, anchored as the times are, or the one that the longest series shows."""
    longest = int(np.diff(bounds).argmax())
    own = t[bounds[longest] : bounds[longest + 1]]
    if freq is None:
        return infer(own)
    step = parse(freq)
    if (step.unit == "step") != (t.dtype.kind != "M"):
        raise ConfigError(
            "the frequency does not go with the times",
            got=f"freq={str(step)!r} and times such as {format_times(own[:1])[0]}",
            expected="a whole number for integer times, an alias such as 'MS' for dates",
            fix="Leave freq out to have it worked out.",
        )
    anchored = step.anchored(own[0])
    if anchored != step:
        findings.append(f"The times lie as {anchored} says, not as {step}: {anchored} is used.")
    return anchored


def _lay(
    t: Times, bounds: Positions, freq: Freq, labels: npt.NDArray[Any], names: Names
) -> tuple[Times, Positions, list[str]]:
    """Start of every series, position of every row, and a finding if rows had to be moved to the grid."""
    counts = np.diff(bounds)
    start = t[bounds[:-1]].copy()
    k, on_grid = freq.index_of(t, np.repeat(start, counts))
    stray = np.unique(np.searchsorted(bounds, np.flatnonzero(~on_grid), side="right") - 1)
    for s in stray.tolist():
        rows = slice(bounds[s], bounds[s + 1])
        grid = place(t[rows], freq)
        start[s], k[rows], on_grid[rows] = grid
        if (np.diff(grid.k) == 0).any():
            _refuse_mixed(t[rows], freq, labels, s)
            _refuse_irregular(t[rows], grid.k, freq, labels[s], names)
    moved = np.flatnonzero(~on_grid)
    if not len(moved):
        return start, k, []
    first = format_times(t[moved[:1]])[0]
    share = f"{len(moved)} of {len(t)} times lay beside that grid and were moved to it"
    return start, k, [f"The times are {freq.label}; {share}, first {first}."]


def _refuse_mixed(t: Times, freq: Freq, labels: npt.NDArray[Any], s: int) -> None:
    """A series that does not follow the frequency of the others follows one of its own."""
    own = infer(t) if len(labels) > 1 and len(t) > 1 else freq
    if own != freq:
        raise DataError(
            "the series differ in frequency",
            where=f"series {labels[s]!r}",
            got=own.label,
            expected=f"{freq.label}, as the longest series",
            fix="Forecast series of one frequency at a time.",
        )


def _refuse_irregular(t: Times, k: Positions, freq: Freq, label: object, names: Names) -> None:
    """Two times fall on one place of the grid."""
    i = int(np.flatnonzero(np.diff(k) == 0)[0])
    pair = " and ".join(format_times(t[i : i + 2]))
    raise DataError(
        "the times are irregular",
        where=f"series {label!r}" if names.id is not None else f"column {names.time!r}",
        got=f"{pair}, which are closer than one step",
        expected=f"times that are {freq.label}",
        fix="Aggregate the rows to a regular frequency, or name a finer one with freq.",
    )


def _check_filled(
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
    _refuse_mixed(t[own], freq, labels, s)
    raise DataError(
        "nearly all times are absent",
        where=f"series {labels[s]!r}" if len(labels) > 1 else f"between {before} and {after}",
        got=f"{rows[s]} rows for {lengths[s]} times; the widest gap is from {before} to {after}",
        expected=f"times that are {freq.label}",
        fix="Is a date wrong? Else name a coarser frequency with freq.",
    )


def _gaps(panel: Panel, filled: Positions) -> list[str]:
    """How many times had no row, and the first of them."""
    absent = np.ones(len(panel.values), bool)
    absent[filled] = False
    places = np.flatnonzero(absent)
    if not len(places):
        return []
    listed = _listed(format_times(panel.all_times()[places[:3]]), len(places))
    verbs = "is absent and counts" if len(places) == 1 else "are absent and count"
    return [f"{len(places)} of {len(absent)} times {verbs} as missing: {listed}."]


def _remarks(panel: Panel, given: Array) -> list[str]:
    """Missing values among the rows, series without variation, series without values."""
    remarks = []
    missing = int(np.isnan(given).sum())
    if missing:
        remarks.append(f"{missing} of {len(given)} rows {'has' if missing == 1 else 'have'} no value.")
    low = np.fmin.reduceat(panel.values, panel.indptr[:-1])
    high = np.fmax.reduceat(panel.values, panel.indptr[:-1])
    seen = np.add.reduceat(panel.mask, panel.indptr[:-1], dtype=np.int64)
    for found, what in ((seen == 0, "no value at all"), ((low == high) & (seen > 1), "one constant value")):
        which = np.flatnonzero(found)
        if len(which) and len(panel) == 1:
            remarks.append(f"The series is constant: every value is {low[0]:g}.")
        elif len(which):
            listed = _listed([repr(label) for label in panel.ids[which[:3]].tolist()], len(which))
            verb = "has" if len(which) == 1 else "have"
            remarks.append(f"{len(which)} of {len(panel)} series {verb} {what}: {listed}.")
    return remarks


def _listed(first: list[str], count: int) -> str:
    """The first of several things, and how many more there are."""
    more = count - len(first)
    return ", ".join(first) + (f" and {more} more" if more else "")
