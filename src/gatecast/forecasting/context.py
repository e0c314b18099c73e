"""What is known of series at a cutoff: their past values, and the columns beside them.

Letters: R rows, T columns, n columns known beyond the end, C cutoffs, h horizon; F known, G historic, E static columns.

A row is a series as it was at some time, aligned on the right: the last column is its newest value. Whoever is given a
`History` has nothing of the future but the columns that are known for it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from gatecast.data.panel import Panel
from gatecast.data.panel_update import locate
from gatecast.forecasting.scaling import matrix

__all__ = ["History", "from_panel", "owners", "plain"]

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

WORDS = 20
"""Words of a column that become a column of 0 and 1 each; rarer ones are all 0."""


@dataclass(frozen=True, eq=False)
class History:
    """Series up to a cutoff.

    Args:
        values: (R, T); NaN is missing, or before a series began.
        series: (R,) which series of the panel that was learnt from; -1: none of them.
        end: (R,) time of the last column, in steps from the end of that series in the panel.
        known: (R, T + n, F) columns that are known ahead.
        historic: (R, T, G) columns that are known for the past.
        static: (R, E) columns of one value a series.

    >>> past = plain(np.array([[1.0, 2.0, 3.0]]))
    >>> past.hide(1).values.tolist(), past.hide(1).end.tolist()
    ([[1.0, 2.0]], [-1])
    """

    values: Floats
    series: Integers
    end: Integers
    known: Floats
    historic: Floats
    static: Floats

    def __len__(self) -> int:
        return len(self.values)

    def rows(self, which: Any) -> History:
        """Some of the rows: a slice, positions or a mask."""
        return History(*(getattr(self, name)[which] for name in _FIELDS))

    def hide(self, back: int) -> History:
        """What was known `back` steps ago."""
        keep = max(self.values.shape[1] - back, 0)
        return replace(self, values=self.values[:, :keep], historic=self.historic[:, :keep], end=self.end - back)

    def newest(self, columns: int) -> History:
        """The newest columns alone."""
        spare = max(self.values.shape[1] - columns, 0)
        return replace(
            self, values=self.values[:, spare:], historic=self.historic[:, spare:], known=self.known[:, spare:]
        )

    def longer(self, values: Floats) -> History:
        """The same some steps later, as if `values` (R, k) had come; as many columns as before."""
        k = values.shape[1]
        unknown = np.full((len(self), k, self.historic.shape[2]), np.nan)
        return replace(
            self,
            values=np.concatenate([self.values[:, k:], values[:, -self.values.shape[1] :]], axis=1),
            historic=np.concatenate([self.historic[:, k:], unknown[:, -self.historic.shape[1] :]], axis=1),
            known=self.known[:, k:],
            end=self.end + k,
        )

    def rolling(self, backs: Integers, h: int) -> tuple[History, Floats]:
        """The series as they were at several cutoffs, and what came then.

        Args:
            backs: (C,) how many of the newest values each cutoff leaves out.
            h: Steps.

        Returns:
            C R rows, cutoff by cutoff; (C R, h) what came, NaN where unknown.

        >>> past, came = plain(np.array([[1.0, 2.0, 3.0]])).rolling(np.array([2, 1]), 2)
        >>> past.values.tolist(), came.tolist()
        ([[nan, nan, 1.0], [nan, 1.0, 2.0]], [[2.0, 3.0], [3.0, nan]])
        """
        R, T = self.values.shape
        C, ahead = len(backs), self.known.shape[1]
        values = np.full((C, R, T), np.nan)
        historic = np.full((C, *self.historic.shape), np.nan)
        known = np.full((C, R, T + h, self.known.shape[2]), np.nan)
        came = np.full((C, R, h), np.nan)
        for c, back in enumerate(backs.tolist()):
            values[c, :, back:] = self.values[:, : T - back]
            historic[c, :, back:] = self.historic[:, : T - back]
            stop = min(T - back + h, ahead)
            known[c, :, back : back + stop] = self.known[:, :stop]
            actual = self.values[:, T - back : T - back + h]
            came[c, :, : actual.shape[1]] = actual
        whole = History(
            values.reshape(C * R, T),
            np.tile(self.series, C),
            (self.end - backs[:, None]).ravel(),
            known.reshape(C * R, *known.shape[2:]),
            historic.reshape(C * R, *historic.shape[2:]),
            np.tile(self.static, (C, 1)),
        )
        return whole, came.reshape(C * R, h)


_FIELDS = ("values", "series", "end", "known", "historic", "static")


def plain(values: Floats) -> History:
    """Series without further columns, numbered as they stand.

    Args:
        values: (R, T) aligned on the right; NaN is missing.
    """
    R, T = values.shape
    numbers = np.arange(R)
    none = np.empty((R, T, 0))
    return History(values, numbers, np.zeros(R, np.int64), none, none, np.empty((R, 0)))


def from_panel(panel: Panel, future: Mapping[str, Floats] | None = None, learnt: Panel | None = None) -> History:
    """A panel as it stands at its end.

    A column of words becomes columns of 0 and 1, one for each of its first 20 words.

    Args:
        panel: The series.
        future: (S, n) values of the known columns after the end, by name.
        learnt: The panel that was learnt from; None: this one.

    >>> from gatecast.data.panel import from_values
    >>> from dataclasses import replace
    >>> panel = replace(from_values([5.0, 6.0]), known={"price": np.array([1.0, 2.0])})
    >>> from_panel(panel, {"price": np.array([[3.0]])}).known[0, :, 0].tolist()
    [1.0, 2.0, 3.0]
    """
    values = matrix(panel)
    S, T = values.shape
    future = future or {}

    def over_time(columns: Mapping[str, Floats], later: Mapping[str, Floats]) -> Floats:
        """The columns, (S, T + n, .)."""
        found = []
        for name, column in columns.items():
            past = matrix(replace(panel, values=column, historic={}, known={}))
            whole = np.concatenate([past, later[name]], axis=1) if name in later else past
            found += _spread(whole, panel.categories.get(name))
        return np.stack(found, axis=2) if found else np.empty((S, T, 0))

    static = [one for name, column in panel.static.items() for one in _spread(column, panel.categories.get(name))]
    own = plain(values)
    if learnt is not None:
        series, end = locate(panel, learnt)
        own = replace(own, series=series, end=end)
    return replace(
        own,
        known=over_time(panel.known, future),
        historic=over_time(panel.historic, {}),
        static=np.stack(static, axis=1) if static else np.empty((S, 0)),
    )


def owners(panel: Panel) -> tuple[Integers, Integers, Integers]:
    """Which column of the panel each known, historic and static one that models read belongs to: (F,), (G,), (E,).

    >>> from gatecast.data.panel import from_values
    >>> from dataclasses import replace
    >>> known = {"price": np.ones(2), "day": np.ones(2)}
    >>> owners(replace(from_values([5.0, 6.0]), known=known, categories={"day": ("Mo", "Tu", "We")}))[0].tolist()
    [0, 1, 1, 1]
    """

    def owner(columns: Mapping[str, Floats]) -> Integers:
        """A column of words is several."""
        widths = [min(len(panel.categories[name]), WORDS) if name in panel.categories else 1 for name in columns]
        return np.arange(len(widths)).repeat(widths)

    return owner(panel.known), owner(panel.historic), owner(panel.static)


def _spread(column: Floats, words: tuple[str, ...] | None) -> list[Floats]:
    """A column of numbers as it is, one of words as one of 0 and 1 for each."""
    if words is None:
        return [column]
    seen = np.isfinite(column)
    return [np.where(seen, np.equal(column, k), np.nan).astype(np.float64) for k in range(min(len(words), WORDS))]
