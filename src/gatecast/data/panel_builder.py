"""From a long table to a panel: sort, fill, refuse, and say in plain sentences what was found.

Letters: S series, N rows of the table, k position on a grid.

Panels have up to a hundred thousand series and ten million rows, so nothing here loops over series, but over those
few whose times lie beside their grid, and tables that come sorted are not sorted again.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from gatecast.data.frequency import MONTHS, Freq, Positions, Times, format_times, parse
from gatecast.data.panel import ColumnNames, Panel
from gatecast.data.panel_checks import (
    check_constant,
    check_filled,
    check_finite,
    check_mixed,
    check_unique,
    check_values,
    refuse_irregular,
    refuse_mixed,
)
from gatecast.data.parsing.exogenous import ExogenousColumns
from gatecast.data.parsing.raw_table import factorise
from gatecast.data.time_grid import TimeGrid, infer_freq, place_on_grid
from gatecast.errors import ConfigError

__all__ = ["build_panel"]

Array = npt.NDArray[np.float64]


def build_panel(
    times: npt.ArrayLike,
    values: npt.ArrayLike,
    ids: npt.ArrayLike | None = None,
    *,
    freq: str | int | Freq | None = None,
    names: ColumnNames | None = None,
    where: Callable[[int], str] = "position {}".format,
    extras: ExogenousColumns | None = None,
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
        extras: Columns beside the target; those of a series' absent times become missing values, too.

    Returns:
        The panel, series in the order in which they appear, and findings, one sentence each.

    Raises:
        DataError: Fewer than two rows, an infinite or huge value, no value at all, two rows of one time in a series,
            times that follow no frequency, series that follow different ones, a static column that changes.

    >>> panel, findings = build_panel(np.array(["2024-01-03", "2024-01-01"], "M8[D]"), [3, 1], freq="D")
    >>> panel.values.tolist(), findings
    ([1.0, nan, 3.0], ('The rows were not in time order and have been sorted.', '1 of 3 times is absent and \
counts as missing: 2024-01-02.'))
    """
    called = names or ColumnNames()
    t, x = _times(times), np.asarray(values, np.float64)
    beside = extras or ExogenousColumns({}, {}, {}, {})
    check_values(t, x, called, where)
    for name, column in beside.columns.items():
        check_finite(t, column, name, where)
    labels, codes = _factorise(ids, len(t))
    order, findings = _order(t, codes)
    if order is not None:
        t, codes, x = t[order], codes[order], x[order]
    check_unique(t, codes, labels, order, called, where)
    bounds = np.searchsorted(codes, np.arange(len(labels) + 1))
    step = _frequency(t, bounds, freq, findings)
    start, k, moved = _lay(t, bounds, step, labels, called)
    findings += moved
    lengths = k[bounds[1:] - 1] + 1
    check_filled(t, k, lengths, bounds, step, labels)
    check_mixed(t, k, bounds, step, labels)
    indptr = np.concatenate(([0], np.cumsum(lengths)))
    k += np.repeat(indptr[:-1], np.diff(bounds))

    def gridded(column: Array, *, sorted: bool = False) -> Array:
        """A column of the table on the grids of all series."""
        grid = np.full(int(indptr[-1]), np.nan)
        grid[k] = column if sorted or order is None else column[order]
        return grid

    static = {
        name: check_constant(
            column if order is None else column[order], bounds, name, labels, beside.categories.get(name)
        )
        for name, column in beside.static.items()
    }
    panel = Panel(
        gridded(x, sorted=True),
        indptr,
        labels,
        start,
        step,
        called,
        hist_exog={name: gridded(column) for name, column in beside.historic.items()},
        futr_exog={name: gridded(column) for name, column in beside.known.items()},
        stat_exog=static,
        categories=beside.categories,
    )
    return panel, (*findings, *_gaps(panel, k), *_remarks(panel, x))


def _times(times: npt.ArrayLike) -> Times:
    """Times as datetime64[us] or int64."""
    t = np.asarray(times)
    return t.astype("M8[us]", copy=False) if t.dtype.kind == "M" else t.astype(np.int64, copy=False)


def _factorise(ids: npt.ArrayLike | None, n: int) -> tuple[npt.NDArray[Any], Positions]:
    """Names in order of appearance, and the number of each row's name."""
    if ids is None:
        return np.array([""], object), np.zeros(n, np.int64)
    return factorise(np.asarray(ids))


def _order(t: Times, codes: Positions) -> tuple[Positions | None, list[str]]:
    """How to sort rows by series and time, None if they are, and a finding if those of a series were not in order."""
    same = codes[1:] == codes[:-1]
    if (codes[1:] >= codes[:-1]).all() and (~same | (t[1:] >= t[:-1])).all():
        return None, []
    ticks = t.astype(np.int64)
    first, last, series = int(ticks.min()), int(ticks.max()), int(codes.max()) + 1
    # One number for series and time, where it fits, is sorted in half the time.
    if (last - first + 1) * series < 2**63:
        order = np.argsort(codes * (last - first + 1) + (ticks - first), kind="stable")
    else:
        order = np.lexsort((t, codes))
    codes = codes[order]
    moved = ((codes[1:] == codes[:-1]) & (order[1:] < order[:-1])).any()
    return order, ["The rows were not in time order and have been sorted."] if moved else []


def _frequency(t: Times, bounds: Positions, freq: str | int | Freq | None, findings: list[str]) -> Freq:
    """The frequency given, anchored as the times are, or the one that the longest series shows."""
    longest = int(np.diff(bounds).argmax())
    own = t[bounds[longest] : bounds[longest + 1]]
    if freq is None:
        return infer_freq(own)
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
    t: Times, bounds: Positions, freq: Freq, labels: npt.NDArray[Any], names: ColumnNames
) -> tuple[Times, Positions, list[str]]:
    """Start of every series, position of every row, and a finding if rows had to be moved to the grid."""
    counts = np.diff(bounds)
    start = t[bounds[:-1]].copy()
    n = int(counts[0])
    if (counts == n).all() and (t.reshape(-1, n) == t[:n]).all():
        # Months are dear to count: series that share all their times are placed as one.
        one, exact = freq.index_of(t[:n], start[0])
        k, on_grid = np.tile(one, len(counts)), np.tile(exact, len(counts))
    else:
        k, on_grid = freq.index_of(t, np.repeat(start, counts))
    stray = np.unique(np.searchsorted(bounds, np.flatnonzero(~on_grid), side="right") - 1)
    # Series of one panel mostly share their calendar, so most of them are placed by those before them.
    placed: dict[bytes, TimeGrid] = {}
    for s in stray.tolist():
        rows = slice(bounds[s], bounds[s + 1])
        key = t[rows].tobytes()
        if key not in placed:
            placed[key] = grid = place_on_grid(t[rows], freq)
            if (np.diff(grid.k) == 0).any():
                refuse_mixed(t[rows], freq, labels, s)
                refuse_irregular(t[rows], grid.k, freq, labels, s, names)
            if _follows_its_own(t[rows], grid, freq, labels):
                refuse_mixed(t[rows], freq, labels, s)
        start[s], k[rows], on_grid[rows] = placed[key]
    moved = np.flatnonzero(~on_grid)
    if not len(moved):
        return start, k, []
    first = format_times(t[moved[:1]])[0]
    share = f"{len(moved)} of {len(t)} times lay beside that grid and were moved to it"
    return start, k, [f"The times are {freq.label}; {share}, first {first}."]


def _follows_its_own(t: Times, grid: TimeGrid, freq: Freq, labels: npt.NDArray[Any]) -> bool:
    """Whether the times of a series, most of them beside the grid, all lie on that of another frequency."""
    if len(labels) < 2 or len(t) < 3:
        return False
    own = infer_freq(t)
    # Most months end on the 31st, so that starts and ends of months meet on most of them.
    edges = own.unit in MONTHS and freq.unit in MONTHS and own.unit[1] != freq.unit[1]
    beside = 2 * np.count_nonzero(grid.on_grid) < len(t)
    return (edges or beside) and bool(own.index_of(t, t[0])[1].all())


def _gaps(panel: Panel, filled: Positions) -> list[str]:
    """How many times had no row, and the first of them."""
    absent = np.ones(len(panel.values), bool)
    absent[filled] = False
    places = np.flatnonzero(absent)
    if not len(places):
        return []
    s = np.searchsorted(panel.indptr, places[:3], side="right") - 1
    listed = _listed(format_times(panel.freq.at(panel.start[s], places[:3] - panel.indptr[s])), len(places))
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
