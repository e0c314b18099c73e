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
from gatecast.data.panel_update import match_series
from gatecast.forecasting.scaling import to_matrix

__all__ = ["MAX_CATEGORIES", "PanelContext", "column_groups"]

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

MAX_CATEGORIES = 20
"""Words of a column that become a column of 0 and 1 each; rarer ones are all 0."""


@dataclass(frozen=True, eq=False)
class PanelContext:
    """Series up to a cutoff.

    Args:
        values: (R, T); NaN is missing, or before a series began.
        series: (R,) which series of the panel that was learnt from; -1: none of them.
        end: (R,) time of the last column, in steps from the end of that series in the panel.
        futr_exog: (R, T + n, F) columns that are known ahead.
        hist_exog: (R, T, G) columns that are known for the past.
        stat_exog: (R, E) columns of one value a series.

    >>> past = from_values(np.array([[1.0, 2.0, 3.0]]))
    >>> past.drop_last(1).values.tolist(), past.drop_last(1).end.tolist()
    ([[1.0, 2.0]], [-1])
    """

    values: Floats
    series: Integers
    end: Integers
    futr_exog: Floats
    hist_exog: Floats
    stat_exog: Floats

    def __len__(self) -> int:
        return len(self.values)

    def take(self, which: Any) -> PanelContext:
        """Some of the rows: a slice, positions or a mask."""
        return PanelContext(*(getattr(self, name)[which] for name in _FIELDS))

    def drop_last(self, back: int) -> PanelContext:
        """What was known `back` steps ago."""
        keep = max(self.values.shape[1] - back, 0)
        return replace(self, values=self.values[:, :keep], hist_exog=self.hist_exog[:, :keep], end=self.end - back)

    def keep_last(self, columns: int) -> PanelContext:
        """The newest columns alone."""
        spare = max(self.values.shape[1] - columns, 0)
        return replace(
            self,
            values=self.values[:, spare:],
            hist_exog=self.hist_exog[:, spare:],
            futr_exog=self.futr_exog[:, spare:],
        )

    def append(self, values: Floats) -> PanelContext:
        """The same some steps later, as if `values` (R, k) had come; as many columns as before."""
        k = values.shape[1]
        unknown = np.full((len(self), k, self.hist_exog.shape[2]), np.nan)
        return replace(
            self,
            values=np.concatenate([self.values[:, k:], values[:, -self.values.shape[1] :]], axis=1),
            hist_exog=np.concatenate([self.hist_exog[:, k:], unknown[:, -self.hist_exog.shape[1] :]], axis=1),
            futr_exog=self.futr_exog[:, k:],
            end=self.end + k,
        )

    def rolling_origins(self, offsets: Integers, horizon: int) -> tuple[PanelContext, Floats]:
        """The series as they were at several cutoffs, and what came then.

        Args:
            offsets: (C,) how many of the newest values each cutoff leaves out.
            horizon: Steps.

        Returns:
            C R rows, cutoff by cutoff; (C R, h) what came, NaN where unknown.

        >>> past, came = from_values(np.array([[1.0, 2.0, 3.0]])).rolling_origins(np.array([2, 1]), 2)
        >>> past.values.tolist(), came.tolist()
        ([[nan, nan, 1.0], [nan, 1.0, 2.0]], [[2.0, 3.0], [3.0, nan]])
        """
        R, T = self.values.shape
        C, ahead = len(offsets), self.futr_exog.shape[1]
        values = np.full((C, R, T), np.nan)
        historic = np.full((C, *self.hist_exog.shape), np.nan)
        known = np.full((C, R, T + horizon, self.futr_exog.shape[2]), np.nan)
        came = np.full((C, R, horizon), np.nan)
        for c, back in enumerate(offsets.tolist()):
            values[c, :, back:] = self.values[:, : T - back]
            historic[c, :, back:] = self.hist_exog[:, : T - back]
            stop = min(T - back + horizon, ahead)
            known[c, :, back : back + stop] = self.futr_exog[:, :stop]
            actual = self.values[:, T - back : T - back + horizon]
            came[c, :, : actual.shape[1]] = actual
        whole = PanelContext(
            values.reshape(C * R, T),
            np.tile(self.series, C),
            (self.end - offsets[:, None]).ravel(),
            known.reshape(C * R, *known.shape[2:]),
            historic.reshape(C * R, *historic.shape[2:]),
            np.tile(self.stat_exog, (C, 1)),
        )
        return whole, came.reshape(C * R, horizon)

    @classmethod
    def from_values(cls, values: Floats) -> PanelContext:
        """Series without further columns, numbered as they stand.

        Args:
            values: (R, T) aligned on the right; NaN is missing.
        """
        R, T = values.shape
        numbers = np.arange(R)
        none = np.empty((R, T, 0))
        return cls(values, numbers, np.zeros(R, np.int64), none, none, np.empty((R, 0)))

    @classmethod
    def from_panel(
        cls, panel: Panel, future: Mapping[str, Floats] | None = None, learnt: Panel | None = None
    ) -> PanelContext:
        """A panel as it stands at its end.

        A column of words becomes columns of 0 and 1, one for each of its first 20 words.

        Args:
            panel: The series.
            future: (S, n) values of the known columns after the end, by name.
            learnt: The panel that was learnt from; None: this one.

        >>> from gatecast.data.panel import from_values
        >>> from dataclasses import replace
        >>> panel = replace(from_values([5.0, 6.0]), futr_exog={"price": np.array([1.0, 2.0])})
        >>> PanelContext.from_panel(panel, {"price": np.array([[3.0]])}).futr_exog[0, :, 0].tolist()
        [1.0, 2.0, 3.0]
        """
        values = to_matrix(panel)
        S, T = values.shape
        future = future or {}

        def over_time(columns: Mapping[str, Floats], later: Mapping[str, Floats]) -> Floats:
            """The columns, (S, T + n, .)."""
            found = []
            for name, column in columns.items():
                past = to_matrix(replace(panel, values=column, hist_exog={}, futr_exog={}))
                whole = np.concatenate([past, later[name]], axis=1) if name in later else past
                found += one_hot(whole, panel.categories.get(name))
            return np.stack(found, axis=2) if found else np.empty((S, T, 0))

        static = [
            one for name, column in panel.stat_exog.items() for one in one_hot(column, panel.categories.get(name))
        ]
        own = cls.from_values(values)
        if learnt is not None:
            series, end = match_series(panel, learnt)
            own = replace(own, series=series, end=end)
        return replace(
            own,
            futr_exog=over_time(panel.futr_exog, future),
            hist_exog=over_time(panel.hist_exog, {}),
            stat_exog=np.stack(static, axis=1) if static else np.empty((S, 0)),
        )


_FIELDS = ("values", "series", "end", "futr_exog", "hist_exog", "stat_exog")


def column_groups(panel: Panel) -> tuple[Integers, Integers, Integers]:
    """Which column of the panel each known, historic and static one that models read belongs to: (F,), (G,), (E,).

    >>> from gatecast.data.panel import from_values
    >>> from dataclasses import replace
    >>> known = {"price": np.ones(2), "day": np.ones(2)}
    >>> column_groups(replace(from_values([5.0, 6.0]), futr_exog=known, categories={"day": ("Mo", "Tu", "We")}))[0].tolist()
    [0, 1, 1, 1]
    """

    def owner(columns: Mapping[str, Floats]) -> Integers:
        """A column of words is several."""
        widths = [
            min(len(panel.categories[name]), MAX_CATEGORIES) if name in panel.categories else 1 for name in columns
        ]
        return np.arange(len(widths)).repeat(widths)

    return owner(panel.futr_exog), owner(panel.hist_exog), owner(panel.stat_exog)


def one_hot(column: Floats, words: tuple[str, ...] | None) -> list[Floats]:
    """A column of numbers as it is, one of words as one of 0 and 1 for each."""
    if words is None:
        return [column]
    seen = np.isfinite(column)
    return [
        np.where(seen, np.equal(column, k), np.nan).astype(np.float64) for k in range(min(len(words), MAX_CATEGORIES))
    ]
