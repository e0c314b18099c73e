"""New rows of series that are there already, and series that are new.

Letters: S series, T values of one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from gatecast.data.frequency import Positions
from gatecast.data.panel import Panel
from gatecast.errors import DataError

__all__ = ["complete_history", "extend_panel", "match_series"]

Array = npt.NDArray[np.float64]


def match_series(panel: Panel, among: Panel) -> tuple[Positions, Positions]:
    """Where the series of a panel are in another.

    Args:
        panel: The series.
        among: The other panel, of the same frequency.

    Returns:
        (S,) number of each series there, -1 if it is not there; (S,) steps by which it ends later, else 0.

    Raises:
        DataError: Times that do not lie on the same grid.

    >>> from gatecast.data.panel import from_values
    >>> match_series(from_values([1.0, 2.0, 3.0], start=5), from_values([1.0, 2.0], start=4))
    (array([0]), array([2]))
    """
    place = {str(name): s for s, name in enumerate(among.ids.tolist())}
    alone = len(panel) == len(among) == 1 and panel.columns.id is None
    series = np.array([0] if alone else [place.get(str(name), -1) for name in panel.ids.tolist()], np.int64)
    later = np.zeros(len(panel), np.int64)
    there = np.flatnonzero(series >= 0)
    if len(there):
        of = series[there]
        first, exact = among.freq.index_of(panel.start[there], among.start[of])
        if not exact.all():
            s = int(there[np.flatnonzero(~exact)[0]])
            raise DataError(
                "the times do not go on where the others stopped",
                where=f"series {str(panel.ids[s])!r}" if panel.columns.id is not None else "",
                got=f"a first time of {panel.start[s]}",
                expected=f"times of frequency {among.freq} from {among.start[series[s]]} on",
            )
        later[there] = first + panel.lengths[there] - among.lengths[of]
    return series, later


def extend_panel(old: Panel, new: Panel) -> Panel:
    """The old series with new rows; where both have a time, the new row counts. Steps between them are missing.

    Args:
        old: Series.
        new: Rows of some of them, and other series, which come behind them.

    Raises:
        DataError: Times that do not lie on the same grid, or other columns.

    >>> from gatecast.data.panel import from_values
    >>> extend_panel(from_values([1.0, 2.0], start=1), from_values([7.0, 8.0], start=2)).values.tolist()
    [1.0, 7.0, 8.0]
    """
    for role in ("futr_exog", "hist_exog", "stat_exog"):
        if set(getattr(old, role)) != set(getattr(new, role)):
            raise DataError(
                f"the {role} columns are others",
                got=str(sorted(getattr(new, role))),
                expected=str(sorted(getattr(old, role))),
            )
    series, later = match_series(new, old)
    fresh = np.flatnonzero(series < 0)
    at = series.copy()
    at[fresh] = len(old) + np.arange(len(fresh))
    S = len(old) + len(fresh)
    old_length = np.concatenate([old.lengths, np.zeros(len(fresh), np.int64)])
    # Positions on each series' own grid, 0 its first old value (of a fresh one its first value).
    begin, stop = np.zeros(S, np.int64), old_length.copy()
    offset = np.where(series >= 0, later + old_length[at] - new.lengths, 0)
    begin[at], stop[at] = np.minimum(0, offset), np.maximum(old_length[at], offset + new.lengths)
    start = np.concatenate([old.start, new.start[fresh]])
    moved = old.freq.at(start, begin)
    indptr = np.concatenate([[0], np.cumsum(stop - begin)])
    old_rows = _rows(indptr[: len(old)] - begin[: len(old)], old.lengths)
    new_rows = _rows(indptr[at] + offset - begin[at], new.lengths)

    def both(before: Array, after: Array) -> Array:
        """A column of both."""
        found = np.full(indptr[-1], np.nan)
        found[old_rows] = before
        found[new_rows] = after
        return found

    def columns(role: str) -> dict[str, Array]:
        """The columns of a role."""
        mine: Mapping[str, Any] = getattr(old, role)
        return {name: both(column, getattr(new, role)[name]) for name, column in mine.items()}

    return replace(
        old,
        values=both(old.values, new.values),
        indptr=indptr,
        ids=np.concatenate([old.ids, new.ids[fresh].astype(old.ids.dtype)]),
        start=moved,
        futr_exog=columns("futr_exog"),
        hist_exog=columns("hist_exog"),
        stat_exog={
            name: np.concatenate([column, new.stat_exog[name][fresh]]) for name, column in old.stat_exog.items()
        },
    )


def complete_history(new: Panel, old: Panel) -> Panel:
    """The series of one panel, each with the rows that another has of it.

    Raises:
        DataError: Times that do not lie on the same grid, or other columns.

    >>> from gatecast.data.panel import from_values
    >>> complete_history(from_values([8.0], start=3), from_values([1.0, 2.0], start=1)).values.tolist()
    [1.0, 2.0, 8.0]
    """
    series, _ = match_series(new, old)
    fresh = series < 0
    return extend_panel(old, new).take(np.where(fresh, len(old) + np.cumsum(fresh) - 1, series))


def _rows(first: Positions, lengths: Positions) -> Positions:
    """Runs of positions, one after another."""
    before = np.cumsum(lengths) - lengths
    return np.asarray(np.arange(int(lengths.sum())) + np.repeat(first - before, lengths))
