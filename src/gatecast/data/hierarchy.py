"""Hierarchies: sums of series, such as those of each store and of all, as further series of a panel.

Shapes: n_base series of the source, n_totals sums of them, T times from the first of all series to the last.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from gatecast._utils.typing import BoolArray, FloatArray, IntArray
from gatecast.data.key_types import KeyTypes
from gatecast.data.messages import abridge, agree
from gatecast.data.panel import Hierarchy, Panel
from gatecast.data.parsing.raw_table import ColumnType
from gatecast.data.parsing.series_keys import join_ids
from gatecast.errors import ConfigError, DataError

__all__ = ["TOTAL", "HierarchySpec", "add_totals", "base_series", "check_hierarchy", "mean_of_members", "with_siblings"]

TOTAL = "total"
"""Value of an id column that a sum runs over."""

MAX_TOTALS = 4000
"""Sums at most: reconciliation solves as many equations."""

MIN_KNOWN_SHARE = 0.5
"""Share of the series of a sum that have a value at a time, at least: otherwise the sum is missing there."""

HierarchySpec = bool | tuple[tuple[str, ...], ...]
"""False: no sums; True: the total and every prefix of the id columns; or those of each level, () for the total."""

NOTES: dict[str, Any] = {
    "levels": "totals: {levels}; forecasts and sample paths of all levels add up.",
    "same": "the level {level} has the same series as another one and is left out.",
    "missing": (
        "{n} missing value of {series} counts in totals as the last value before; a total of which more than half is "
        "missing is missing.",
        "{n:,} missing values of {series} count in totals as the last value before; a total of which more than half is "
        "missing is missing.",
    ),
    "late": (
        "{series} begins later than others and counts as 0 in totals before.",
        "{series} begin later than others and count as 0 in totals before.",
    ),
    "ended": (
        "{series} ends before the others: its missing values up to {time} are forecast from its last values.",
        "{series} end before the others: their missing values up to {time} are forecast from their last values.",
    ),
    "empty": ("{series} without a value counts as 0 in totals.", "{series} without a value count as 0 in totals."),
}
"""Sentences of notes, for a single series, or missing value, and for several."""


def check_hierarchy(value: Any) -> HierarchySpec:
    """Return the levels of `hierarchy=` as tuples of column names; False where there are none.

    Args:
        value: None or False; True; the name of a column, "total", names joined by "/", a sequence of names, or a
            sequence of these, each of them a level.

    Raises:
        ConfigError: Anything else.

    >>> check_hierarchy(["total", "store", ("store", "item")]), check_hierarchy("region/store"), check_hierarchy(True)
    (((), ('store',), ('store', 'item')), (('region', 'store'),), True)
    """
    if value is None or isinstance(value, bool):
        return bool(value)
    levels = [value] if isinstance(value, str) else value
    if isinstance(levels, Sequence) and levels:
        parts = [tuple(level.split("/")) if isinstance(level, str) else level for level in levels]
        if all(isinstance(part, Sequence) and all(isinstance(name, str) for name in part) for part in parts):
            return tuple(() if tuple(part) == (TOTAL,) else tuple(part) for part in parts)
    raise ConfigError(
        f"Invalid hierarchy {str(value)[:100]!r}",
        expected="True, or levels as 'total', names of id columns, or several names together",
        fix="Write for example hierarchy=['total', 'store', ('store', 'item')].",
        argument="hierarchy",
    )


def base_series(panel: Panel) -> Panel:
    """Return the series of a panel that are no sums of others."""
    return panel if panel.hierarchy is None else panel.take(np.arange(panel.hierarchy.n_totals, len(panel)))


def add_totals(panel: Panel, spec: HierarchySpec, notes: list[str], unsummed: Sequence[str] = ()) -> Panel:
    """Return a panel with the sums of its series before them.

    All series then end at the last time of any. A missing value counts in a sum as the last value before; before its
    first value a series counts as 0. Numeric exogenous columns of a sum are the means over its series; columns of
    categories are missing. An id column that a sum runs over holds "total", as text.

    Args:
        panel: Series without sums.
        spec: The levels.
        notes: Sentences are added to it.
        unsummed: Id columns that no sum runs over, such as the one that says which of several targets a series is.

    Raises:
        ConfigError: Levels of columns that are no id columns, or that hold no sums.
        DataError: An id that says "total" already; times that no grid is common to; too many sums.

    >>> from gatecast.data.reader import read
    >>> table = {"shop": ["a", "a", "b", "b"], "ds": [1, 2, 1, 2], "y": [1.0, 2.0, 5.0, 7.0]}
    >>> panel = add_totals(read(table, id_col="shop")[0], True, [])
    >>> panel.ids.tolist(), panel.series(0).tolist()
    (['total', 'a', 'b'], [6.0, 9.0])
    """
    keys = _text_keys(panel)
    levels, codes = _levels(keys, spec, notes, unsummed)
    hierarchy = _number_totals(levels, codes)
    if hierarchy.n_totals > MAX_TOTALS:
        raise DataError(
            f"The levels have {hierarchy.n_totals:,} totals",
            expected=f"at most {MAX_TOTALS:,}",
            fix="Name fewer levels with hierarchy.",
            argument="hierarchy",
        )
    first, n_times = _shared_grid(panel)
    matrix = _to_matrix(panel, panel.values, first, n_times)
    totals, begun = _sum(matrix, hierarchy)
    _note_parts(panel, hierarchy, matrix, first, notes)
    return _join(panel, keys, hierarchy, totals, begun, first, n_times)


def with_siblings(joined: Panel, old: Panel) -> Panel:
    """Return series with all others of an old panel, if any of them is in it, in its order, the new ones last.

    Sums of some series alone would not be those that were fitted. The others end where the given series end at the
    latest: nothing later is added.

    Args:
        joined: Some series, with their history.
        old: The series that were fitted.
    """
    position = {str(name): s for s, name in enumerate(joined.ids.tolist())}
    rows = [position.get(str(name), -1) for name in old.ids.tolist()]
    if all(row < 0 for row in rows) or all(row >= 0 for row in rows):
        return joined
    absent = np.array([s for s, row in enumerate(rows) if row < 0])
    ends = joined.freq.index_of(joined.start, np.full(len(joined), old.start[0]))[0] + joined.lengths
    first = old.freq.index_of(old.start, np.full(len(old), old.start[0]))[0]
    others = old.keep_first(int(ends.max()) - first).take(absent)
    merged = _stack(joined, others)
    positions = iter(range(len(joined), len(merged)))
    order = [row if row >= 0 else next(positions) for row in rows]
    chosen = set(order)
    return merged.take([*order, *(s for s in range(len(joined)) if s not in chosen)])


def _stack(panel: Panel, other: Panel) -> Panel:
    """Return the series of two panels with the same columns."""

    def both(one: Mapping[str, Any], two: Mapping[str, Any]) -> dict[str, Any]:
        """Join columns."""
        return {name: np.concatenate([column, two[name]]) for name, column in one.items()}

    return replace(
        panel,
        values=np.concatenate([panel.values, other.values]),
        indptr=np.concatenate([panel.indptr, panel.indptr[-1] + other.indptr[1:]]),
        ids=np.concatenate([_as_text(panel.ids), _as_text(other.ids)]),
        start=np.concatenate([panel.start, other.start]),
        keys={name: np.concatenate([_as_text(x), _as_text(other.keys[name])]) for name, x in panel.keys.items()},
        known_future={},
        futr_exog=both(panel.futr_exog, other.futr_exog),
        hist_exog=both(panel.hist_exog, other.hist_exog),
        stat_exog=both(panel.stat_exog, other.stat_exog),
    )


def mean_of_members(columns: Mapping[str, FloatArray], panel: Panel) -> dict[str, FloatArray]:
    """Return columns of the base series [n_base, n] with the means over the series of each sum before them.

    Args:
        columns: By name; of categories, the sums have none.
        panel: With sums.
    """
    hierarchy = panel.hierarchy
    if hierarchy is None:
        return dict(columns)
    means = {
        name: np.full((hierarchy.n_totals, *x.shape[1:]), np.nan) if name in panel.categories else _means(x, hierarchy)
        for name, x in columns.items()
    }
    return {name: np.concatenate([means[name], x]) for name, x in columns.items()}


def _means(x: FloatArray, hierarchy: Hierarchy) -> FloatArray:
    """Return the mean of what is known over the series of each sum; NaN where nothing is."""
    known = np.isfinite(x)
    n = hierarchy.sum(known.astype(np.float64))
    return np.where(n > 0, hierarchy.sum(np.where(known, x, 0.0)) / np.maximum(n, 1), np.nan)


def _as_text(column: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return ids as text."""
    return np.array([str(value) for value in column.tolist()] or [], object)


def _text_keys(panel: Panel) -> dict[str, npt.NDArray[Any]]:
    """Return the id columns of the series as text.

    Raises:
        ConfigError: A single series.
        DataError: A value that is "total".
    """
    if len(panel) < 2:
        raise ConfigError(
            "Invalid hierarchy: there is a single series",
            expected="several series, named by one or more id columns",
            fix="Name the columns with id_col, or leave hierarchy out.",
            argument="hierarchy",
        )
    keys = {name: _as_text(column) for name, column in panel.id_columns().items()}
    for name, column in keys.items():
        taken = next((text for text in dict.fromkeys(column.tolist()) if text.strip().lower() == TOTAL), None)
        if taken is not None:
            raise DataError(
                "The data hold totals already",
                where=f"column {name!r}",
                got=repr(taken),
                expected="series that are no sums of others",
                fix=f"Leave out the rows of {taken!r}, or rename it if it is no sum.",
                argument="hierarchy",
            )
    return keys


def _levels(
    keys: Mapping[str, npt.NDArray[Any]], spec: HierarchySpec, notes: list[str], unsummed: Sequence[str]
) -> tuple[list[tuple[str, ...]], list[IntArray]]:
    """Return the levels, and the group of each series in each, without those that repeat another or the series."""
    names = tuple(keys)
    free = [name for name in names if name not in unsummed]
    requested = [tuple(free[:k]) for k in range(len(free))] if isinstance(spec, bool) else list(spec)
    levels: list[tuple[str, ...]] = []
    codes: list[IntArray] = []
    seen = {np.arange(len(keys[names[0]])).tobytes(): ""}
    for level in requested:
        unknown = next((name for name in level if name not in names), None)
        if unknown is not None:
            raise ConfigError(
                f"Unknown column {unknown!r} in hierarchy",
                expected=f"id columns: {', '.join(map(repr, names))}",
                fix="Name the id columns with id_col, and the levels by them.",
                argument="hierarchy",
            )
        columns = tuple(name for name in names if name in level or name in unsummed)
        group = _group(keys, columns)
        if columns == names:
            continue
        if group.tobytes() in seen:
            notes.append(NOTES["same"].format(level=_level_name(columns)))
            continue
        seen[group.tobytes()] = ""
        levels.append(columns)
        codes.append(group)
    if not levels:
        raise ConfigError(
            "Invalid hierarchy: no level has sums of several series",
            got=", ".join(_level_name(level) for level in requested),
            expected=f"fewer id columns than {', '.join(map(repr, names))}, whose values several series share",
            fix="Write hierarchy='total' for the sum of all series.",
            argument="hierarchy",
        )
    return levels, codes


def _level_name(level: tuple[str, ...]) -> str:
    """Return the name of a level for sentences."""
    return "/".join(level) or TOTAL


def _group(keys: Mapping[str, npt.NDArray[Any]], columns: Sequence[str]) -> IntArray:
    """Return the number of each combination of values, in order of appearance."""
    rows = list(zip(*(keys[name].tolist() for name in columns), strict=True)) if columns else []
    if not columns:
        return np.zeros(len(next(iter(keys.values()))), np.int64)
    number = {row: k for k, row in enumerate(dict.fromkeys(rows))}
    return np.array([number[row] for row in rows], np.int64)


def _number_totals(levels: list[tuple[str, ...]], codes: list[IntArray]) -> Hierarchy:
    """Number the sums of all levels one after another."""
    first = np.concatenate([[0], np.cumsum([group.max() + 1 for group in codes])])[:-1]
    return Hierarchy(tuple(levels), np.stack(codes) + first[:, None])


def _shared_grid(panel: Panel) -> tuple[IntArray, int]:
    """Return the position of the first time of each series on the grid of all, and how many times that has."""
    first, on_grid = panel.freq.index_of(panel.start, np.full(len(panel), panel.start.min()))
    if not on_grid.all():
        s = int(np.flatnonzero(~on_grid)[0])
        raise DataError(
            "The times of the series do not coincide, so they have no totals",
            where=f"series {str(panel.ids[s])!r}",
            got=f"a first time of {panel.start[s]}",
            expected=f"times with frequency {panel.freq} counted from {panel.start.min()}",
            fix="Bring the series to common times, or leave hierarchy out.",
            argument="hierarchy",
        )
    return np.asarray(first), int((first + panel.lengths).max())


def _to_matrix(panel: Panel, column: FloatArray, first: IntArray, n_times: int) -> FloatArray:
    """Return a column of all series on the shared grid, [n_base, T]; NaN where a series has no row."""
    matrix = np.full((len(panel), n_times), np.nan)
    position = np.arange(len(column)) - np.repeat(panel.indptr[:-1] - first, panel.lengths)
    matrix[np.repeat(np.arange(len(panel)), panel.lengths), position] = column
    return matrix


def _sum(matrix: FloatArray, hierarchy: Hierarchy) -> tuple[FloatArray, BoolArray]:
    """Return the sums [n_totals, T], NaN where too little of one is known, and where each has begun."""
    known = np.isfinite(matrix)
    newest = np.maximum.accumulate(np.where(known, np.arange(matrix.shape[1]), -1), axis=1)
    begun = newest >= 0
    filled = np.where(begun, np.take_along_axis(matrix, np.maximum(newest, 0), axis=1), 0.0)
    n_begun = hierarchy.sum(begun.astype(np.float64))
    n_known = hierarchy.sum(known.astype(np.float64))
    enough = (n_begun > 0) & (n_known >= MIN_KNOWN_SHARE * n_begun)
    return np.where(enough, hierarchy.sum(filled), np.nan), n_begun > 0


def _note_parts(panel: Panel, hierarchy: Hierarchy, matrix: FloatArray, first: IntArray, notes: list[str]) -> None:
    """Add notes on the levels, and on what counts as 0 or as an earlier value."""
    sizes = [int(row.max() - row.min() + 1) for row in hierarchy.parents]
    levels = [f"{_level_name(level)} ({n:,})" for level, n in zip(hierarchy.levels, sizes, strict=True)]
    notes.append(NOTES["levels"].format(levels=", ".join(levels)))
    known = np.isfinite(matrix)
    empty = ~known.any(axis=1)
    begin = np.where(empty, 0, known.argmax(axis=1))
    n_gaps = np.where(empty, 0, matrix.shape[1] - begin - known.sum(axis=1))
    ended = first + panel.lengths < matrix.shape[1]
    for kind, chosen in (
        ("missing", n_gaps > 0),
        ("late", ~empty & (begin > begin[~empty].min(initial=matrix.shape[1]))),
        ("ended", ended & ~empty),
        ("empty", empty),
    ):
        if chosen.any():
            names = [repr(str(name))[:60] for name in panel.ids[chosen][:3]]
            series = "series " + abridge(names, int(chosen.sum()))
            time = str(panel.freq.at(panel.start.min(), np.array([matrix.shape[1] - 1]))[0])[:10]
            n = int(n_gaps.sum())
            sentence = agree(n if kind == "missing" else int(chosen.sum()), *NOTES[kind])
            notes.append(sentence.format(series=series, n=n, time=time))


def _join(
    panel: Panel,
    keys: Mapping[str, npt.NDArray[Any]],
    hierarchy: Hierarchy,
    totals: FloatArray,
    begun: BoolArray,
    first: IntArray,
    n_times: int,
) -> Panel:
    """Return the panel of sums and series, all of which end at the last time."""
    n_totals = hierarchy.n_totals
    start = np.concatenate([np.where(begun.any(axis=1), begun.argmax(axis=1), n_times - 1), first])
    inside = np.arange(n_times) >= start[:, None]
    members = _to_matrix(panel, panel.values, first, n_times)

    def rows(column: FloatArray, name: str) -> FloatArray:
        """Return an exogenous column of all series, one after another."""
        return mean_of_members({name: _to_matrix(panel, column, first, n_times)}, marked)[name][inside]

    marked = replace(panel, hierarchy=hierarchy)
    names = panel.columns.ids
    all_keys = {name: _with_totals(keys[name], name, hierarchy) for name in names}
    ids = join_ids([*all_keys.values()]) if len(names) > 1 else next(iter(all_keys.values()))
    aligned = bool((first + panel.lengths == n_times).all())
    return replace(
        panel,
        values=np.concatenate([totals, members])[inside],
        indptr=np.concatenate([[0], np.cumsum(n_times - start)]),
        ids=ids,
        start=panel.freq.at(np.full(n_totals + len(panel), panel.start.min()), start),
        hist_exog={name: rows(column, name) for name, column in panel.hist_exog.items()},
        futr_exog={name: rows(column, name) for name, column in panel.futr_exog.items()},
        stat_exog=mean_of_members(panel.stat_exog, marked),
        known_future=mean_of_members(panel.known_future, marked) if aligned else {},
        keys=all_keys if panel.keys else {},
        key_types=_text_types(panel.key_types, all_keys),
        hierarchy=hierarchy,
    )


def _with_totals(column: npt.NDArray[Any], name: str, hierarchy: Hierarchy) -> npt.NDArray[Any]:
    """Return an id column of sums and series."""
    totals = np.full(hierarchy.n_totals, TOTAL, object)
    for level, parents in zip(hierarchy.levels, hierarchy.parents, strict=True):
        if name in level:
            totals[parents] = column
    return np.concatenate([totals, column])


def _text_types(types: KeyTypes, keys: Mapping[str, npt.NDArray[Any]]) -> KeyTypes:
    """Return the types of the key columns; those of ids are text."""
    several = (ColumnType(),) * len(keys) if types.keys else ()
    return replace(types, id="", categories=(), ordered=False, keys=several)
