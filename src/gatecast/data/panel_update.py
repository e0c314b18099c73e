"""Combine panels: add new rows to series, and add new series."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from gatecast._utils.arrays import to_integers
from gatecast._utils.formatting import format_count
from gatecast._utils.typing import FloatArray, IntArray
from gatecast.data.frequency import format_times
from gatecast.data.panel import Panel
from gatecast.data.panel_holidays import add_holidays
from gatecast.errors import DataError

__all__ = [
    "Changes",
    "complete_history",
    "count_changes",
    "extend_panel",
    "match_series",
    "note_changes",
    "prepend_history",
]


def match_series(panel: Panel, reference: Panel) -> tuple[IntArray, IntArray]:
    """Find the series of a panel in another panel.

    Args:
        panel: The series to find.
        reference: The panel to search, of the same frequency.

    Returns:
        Index of each series in the reference, -1 if absent; and the number of steps by which it ends later than
        there, 0 if absent. Both of shape (n_series,).

    Raises:
        DataError: Times that are not on the grid of the reference.

    >>> from gatecast.data.panel import from_values
    >>> match_series(from_values([1.0, 2.0, 3.0], start=5), from_values([1.0, 2.0], start=4))
    (array([0]), array([2]))
    """
    index = {str(name): s for s, name in enumerate(reference.ids.tolist())}
    single = len(panel) == len(reference) == 1 and panel.columns.id is None
    matches = np.array([0] if single else [index.get(str(name), -1) for name in panel.ids.tolist()], np.int64)
    steps_later = np.zeros(len(panel), np.int64)
    matched = np.flatnonzero(matches >= 0)
    if len(matched):
        in_reference = matches[matched]
        first, on_grid = reference.freq.index_of(panel.start[matched], reference.start[in_reference])
        if not on_grid.all():
            s = int(matched[np.flatnonzero(~on_grid)[0]])
            raise DataError(
                "New times do not continue the series",
                where=f"series {str(panel.ids[s])!r}" if panel.columns.id is not None else "",
                got=f"a first time of {panel.start[s]}",
                expected=f"times with frequency {reference.freq} counted from {reference.start[matches[s]]}",
                fix=f"Move the times, here to {_on_grid(panel, s, reference, int(matches[s]))}.",
            )
        steps_later[matched] = first + panel.lengths[matched] - reference.lengths[in_reference]
    return matches, steps_later


def _on_grid(panel: Panel, s: int, reference: Panel, r: int) -> str:
    """Return the newest time of a series of the reference that is not after the first time of a series, as text."""
    k = int(reference.freq.index_of(panel.start[s : s + 1], reference.start[r : r + 1])[0][0])
    grid = reference.freq.at(np.repeat(reference.start[r], 3), np.arange(k - 1, k + 2))
    return format_times(grid[grid <= panel.start[s]][-1:])[0]


def extend_panel(old: Panel, new: Panel) -> Panel:
    """Add new rows to a panel; where both panels have a time, the new value replaces the old one.

    Steps between the old and the new rows are missing values. A missing value replaces nothing: it may be that of a
    time between two new rows.

    Args:
        old: The panel to extend.
        new: Rows of its series, and further series, which follow the old ones.

    Raises:
        DataError: Times that are not on the grid of the old panel, or other exogenous columns.

    >>> from gatecast.data.panel import from_values
    >>> extend_panel(from_values([1.0, 2.0], start=1), from_values([7.0, 8.0], start=2)).values.tolist()
    [1.0, 7.0, 8.0]
    """
    for role in ("futr_exog", "hist_exog", "stat_exog"):
        if set(getattr(old, role)) != set(getattr(new, role)):
            raise DataError(
                f"The new data have other {role} columns",
                got=str(sorted(getattr(new, role))),
                expected=str(sorted(getattr(old, role))),
            )
    matches, steps_later = match_series(new, old)
    added = np.flatnonzero(matches < 0)
    target = matches.copy()
    target[added] = len(old) + np.arange(len(added))
    n_series = len(old) + len(added)
    old_lengths = np.concatenate([old.lengths, np.zeros(len(added), np.int64)])
    # Positions on the grid of each series: 0 is its first old value, or the first value of an added series.
    first, stop = np.zeros(n_series, np.int64), old_lengths.copy()
    offset = np.where(matches >= 0, steps_later + old_lengths[target] - new.lengths, 0)
    first[target], stop[target] = np.minimum(0, offset), np.maximum(old_lengths[target], offset + new.lengths)
    indptr = np.concatenate([[0], np.cumsum(stop - first)])
    old_rows = _runs(indptr[: len(old)] - first[: len(old)], old.lengths)
    new_rows = _runs(indptr[target] + offset - first[target], new.lengths)

    def merge(old_column: FloatArray, new_column: FloatArray) -> FloatArray:
        """Merge a column of both panels."""
        merged = np.full(indptr[-1], np.nan)
        merged[old_rows] = old_column
        merged[new_rows] = np.where(np.isnan(new_column), merged[new_rows], new_column)
        return merged

    def merge_role(role: str) -> dict[str, FloatArray]:
        """Merge the columns of a role."""
        old_columns: Mapping[str, Any] = getattr(old, role)
        return {name: merge(column, getattr(new, role)[name]) for name, column in old_columns.items()}

    joined = replace(
        old,
        values=merge(old.values, new.values),
        indptr=indptr,
        ids=_join_ids(old.ids, new.ids[added]),
        keys={name: _join_ids(column, new.keys[name][added]) for name, column in old.keys.items()},
        known_future={},
        hierarchy=None,
        start=old.freq.at(np.concatenate([old.start, new.start[added]]), first),
        futr_exog=merge_role("futr_exog"),
        hist_exog=merge_role("hist_exog"),
        stat_exog={
            name: np.concatenate([column, new.stat_exog[name][added]]) for name, column in old.stat_exog.items()
        },
    )
    # Steps between the old and the new rows have holidays too.
    return add_holidays(joined, tuple(old.holidays))[0]


class Changes(NamedTuple):
    """What new rows change in a panel.

    Args:
        n_new: Values of times that had none.
        n_replaced: Values that differ from those known of the same times.
        n_missing: Times without a value between the known rows and the new ones of the same series.
        target: Column of the new values; the panel may have another name for it.
    """

    n_new: int
    n_replaced: int
    n_missing: int
    target: str


def count_changes(old: Panel, new: Panel) -> Changes:
    """Count what `extend_panel` changes.

    Args:
        old: The panel to extend.
        new: The new rows.

    >>> from gatecast.data.panel import from_values
    >>> count_changes(from_values([1.0, 2.0], start=1), from_values([7.0, np.nan, np.nan, 8.0], start=2))
    Changes(n_new=1, n_replaced=1, n_missing=2, target='y')
    """
    matches, steps_later = match_series(new, old)
    matched = matches >= 0
    old_lengths = np.where(matched, old.lengths[matches], 0)
    # Of each new row, its position in the old series.
    offset = np.where(matched, steps_later + old_lengths - new.lengths, 0)
    position = _runs(offset, new.lengths)
    in_old = (position >= 0) & (position < np.repeat(old_lengths, new.lengths))
    before = np.full(len(new.values), np.nan)
    before[in_old] = old.values[(np.repeat(old.indptr[matches], new.lengths) + position)[in_old]]
    has_value, had_value = ~np.isnan(new.values), ~np.isnan(before)
    between = np.maximum(0, np.maximum(offset - old_lengths, -(offset + new.lengths)))[matched]
    return Changes(
        int((has_value & ~had_value).sum()),
        int((has_value & had_value & (new.values != before)).sum()),
        int(between.sum() + (~has_value & ~in_old & np.repeat(matched, new.lengths)).sum()),
        new.columns.target,
    )


def note_changes(changes: Changes, target: str) -> tuple[str, ...]:
    """Return what a user may not expect of new rows, as sentences.

    Args:
        changes: From `count_changes`.
        target: Column of the known values.

    >>> note_changes(Changes(2, 1, 168, "y"), "y")
    ('1 known value is replaced by a new one.', '168 times between the known rows and the new ones have no value.')
    """
    notes = []
    if changes.target != target:
        notes.append(f"The new values are those of {changes.target!r}, the known ones those of {target!r}.")
    if changes.n_replaced:
        verb, new = ("is", "a new one") if changes.n_replaced == 1 else ("are", "new ones")
        notes.append(f"{format_count(changes.n_replaced, 'known value')} {verb} replaced by {new}.")
    if changes.n_missing:
        has = "has" if changes.n_missing == 1 else "have"
        notes.append(
            f"{format_count(changes.n_missing, 'time')} between the known rows and the new ones {has} no value."
        )
    return tuple(notes)


def complete_history(new: Panel, old: Panel) -> Panel:
    """Return the series of a new panel, each with the rows that an old panel has of it.

    Raises:
        DataError: Times that are not on the grid of the old panel, or other exogenous columns.

    >>> from gatecast.data.panel import from_values
    >>> complete_history(from_values([8.0], start=3), from_values([1.0, 2.0], start=1)).values.tolist()
    [1.0, 2.0, 8.0]
    """
    matches, _ = match_series(new, old)
    is_added = matches < 0
    return extend_panel(old, new).take(np.where(is_added, len(old) + np.cumsum(is_added) - 1, matches))


def prepend_history(new: Panel, old: Panel) -> Panel:
    """Return the series of a new panel, each after the rows that an old panel has of it before its first time.

    Nothing later than the new rows is added. A single series without an id is taken for the one of the old panel if it
    begins at the next step, or within it with mostly the same values.

    Raises:
        DataError: Times that are not on the grid of the old panel, or other exogenous columns.

    >>> from gatecast.data.panel import from_values
    >>> prepend_history(from_values([7.0, 8.0], start=3), from_values([1.0, 2.0], start=1)).values.tolist()
    [1.0, 2.0, 7.0, 8.0]
    """
    if new.freq != old.freq or (new.columns.id is None and len(new) == len(old) == 1 and not _continues(new, old)):
        return new
    matches, steps_later = match_series(new, old)
    known = matches >= 0
    if new.columns.id is not None and len(old) > 1:
        # Thousands of series that are not asked for need not be copied.
        old = old.take(np.unique(matches[known]) if known.any() else np.zeros(1, np.int64))
        matches, steps_later = match_series(new, old)
    n_before = old.lengths.copy()
    n_before[matches[known]] = (old.lengths[matches] + steps_later - new.lengths)[known]
    joined = complete_history(new, old.keep_first(n_before))
    return replace(joined, known_future=new.known_future)


def _continues(new: Panel, old: Panel) -> bool:
    """Whether a single series may be the same one: it begins within it or right after it, with the same values."""
    first, on_grid = old.freq.index_of(new.start, old.start)
    n = int(old.lengths[0] - first[0])
    if not on_grid.all() or first[0] <= 0 or n < 0 or new.columns.target != old.columns.target:
        return False
    pairs = np.stack([old.values[first[0] :][: new.lengths[0]], new.values[:n]])
    pairs = pairs[:, np.isfinite(pairs).all(axis=0)]
    return pairs.shape[1] == 0 or bool(np.isclose(*pairs).mean() > 0.5)


def _join_ids(old: npt.NDArray[Any], new: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Join ids: as integers if the old ones are and the new ones can be, else all of them as texts.

    A file has texts where a table of another library has integers.
    """
    if old.dtype.kind in "iu":
        try:
            return to_integers([*old.tolist(), *(int(str(name)) for name in new.tolist())])
        except (ValueError, OverflowError):
            pass
    texts = [str(name) for ids in (old, new) for name in ids.tolist()]
    return np.array(texts, object)


def _runs(first: IntArray, lengths: IntArray) -> IntArray:
    """Runs of consecutive positions, one after another."""
    before = np.cumsum(lengths) - lengths
    return np.asarray(np.arange(int(lengths.sum())) + np.repeat(first - before, lengths))
