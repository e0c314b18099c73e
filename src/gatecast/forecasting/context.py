"""What is known of series at a forecast origin: their past values, and exogenous columns.

Shapes: n_series rows, T columns of the past, n steps known beyond the end; F future exogenous columns, G historic ones,
E static ones.

A row is a series as it was at some time, aligned at the end: the last column is its newest value. A model that is
given a context knows nothing of the future but the columns that are known for it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

import numpy as np

from gatecast._utils.typing import BoolArray, FloatArray, IntArray
from gatecast.data.categories import MAX_CATEGORIES
from gatecast.data.huge_values import without_outliers
from gatecast.data.panel import Panel
from gatecast.data.panel_update import match_series
from gatecast.data.season_calendar import SeasonCalendar
from gatecast.forecasting.scaling import SeriesScaler, to_matrix

__all__ = ["MAX_LENGTH", "PanelContext", "column_groups"]

Derived = TypeVar("Derived")

MAX_LENGTH = 65_536
"""Newest values of a series that models read: a million rows cost as much as these."""

_DERIVING = threading.RLock()
"""Held while something is derived, of any context: what derives from one may derive from another."""

FIELDS = ("values", "series", "end", "last_step", "futr_exog", "hist_exog", "stat_exog")


@dataclass(frozen=True, eq=False)
class PanelContext:
    """Series up to a forecast origin. Its arrays are never written to.

    Args:
        values: Past values, [n_series, T]; NaN is missing, or before a series began.
        series: Position of each row in the panel that models were fitted on, [n_series]; -1 for other series.
        end: Time of the last column, in steps from the end of that series in the panel, [n_series].
        last_step: Time of the last column, in steps from a time that all series share, [n_series].
        futr_exog: Columns known ahead, [n_series, T + n, F].
        hist_exog: Columns known for the past, [n_series, T, G].
        stat_exog: Columns constant in time, [n_series, E].
        calendar: Dates of daily and weekly series; None: none.

    Example:
        >>> past = PanelContext.from_values(np.array([[1.0, 2.0, 3.0]]))
        >>> past.drop_last(1).values.tolist(), past.drop_last(1).end.tolist()
        ([[1.0, 2.0]], [-1])
    """

    values: FloatArray
    series: IntArray
    end: IntArray
    last_step: IntArray
    futr_exog: FloatArray
    hist_exog: FloatArray
    stat_exog: FloatArray
    calendar: SeasonCalendar | None = None
    _derived: dict[Hashable, Any] = field(default_factory=dict, init=False, repr=False)

    def __len__(self) -> int:
        return len(self.values)

    def derive(self, key: Hashable, compute: Callable[[], Derived]) -> Derived:
        """Return what is computed from this context alone; it is computed once and kept, for all threads."""
        if key not in self._derived:
            with _DERIVING:
                if key not in self._derived:
                    self._derived[key] = compute()
        return self._derived[key]  # type: ignore[no-any-return]

    def scaler(self, season_length: int) -> SeriesScaler:
        """Return the scaler of every series, fitted once."""
        calendar = self.season_calendar(season_length)
        return self.derive(("scaler", season_length), lambda: SeriesScaler.fit(self.values, season_length, calendar))

    def season_calendar(self, season_length: int) -> SeasonCalendar | None:
        """Return what the places in a season are counted by; None: by steps."""
        return None if self.calendar is None else self.calendar.for_season(season_length)

    def season_places(self, m: int, steps: IntArray) -> IntArray:
        """Return the places of steps in a season of all series: the same place at the same time.

        Args:
            m: Season length.
            steps: Steps from the end of each series: 0 is the first one after it, -1 the newest, [K].

        Returns:
            [n_series, K], from 0.
        """
        calendar = self.season_calendar(m)
        if calendar is not None:
            return calendar.places(steps)
        return np.asarray((self.last_step[:, None] + 1 + steps) % m)

    def with_values(self, values: FloatArray) -> PanelContext:
        """Return other values at the same times, [n_series, T]."""
        return replace(self, values=values)

    def take(self, rows: Any) -> PanelContext:
        """Return some of the rows: a slice, positions or a mask."""
        calendar = None if self.calendar is None else self.calendar.take(rows)
        return PanelContext(**{name: getattr(self, name)[rows] for name in FIELDS}, calendar=calendar)

    def batches(self, size: int) -> list[PanelContext]:
        """Return consecutive rows, at most `size` at a time."""
        if len(self) <= size:
            return [self]
        return [self.take(slice(start, start + size)) for start in range(0, len(self), size)]

    def drop_last(self, n: int) -> PanelContext:
        """Return what was known `n` steps earlier."""
        keep = max(self.values.shape[1] - n, 0)
        return replace(
            self,
            values=self.values[:, :keep],
            hist_exog=self.hist_exog[:, :keep],
            end=self.end - n,
            last_step=self.last_step - n,
            calendar=self._later(-n),
        )

    def _later(self, n: int) -> SeasonCalendar | None:
        """Return the calendar some steps later."""
        return None if self.calendar is None else self.calendar.shift(n)

    def keep_last(self, n: int) -> PanelContext:
        """Return the newest `n` columns; itself if it has no more."""
        drop = max(self.values.shape[1] - n, 0)
        if drop == 0:
            return self
        return self.derive(("keep_last", n), lambda: self._from_column(drop))

    def _from_column(self, first: int) -> PanelContext:
        """Return the columns from `first` on."""
        return replace(
            self,
            values=self.values[:, first:],
            hist_exog=self.hist_exog[:, first:],
            futr_exog=self.futr_exog[:, first:],
        )

    def append(self, values: FloatArray, max_length: int | None = None) -> PanelContext:
        """Return the context some steps later, as if `values` had followed.

        Args:
            values: Of the steps that follow, [n_series, k].
            max_length: Columns that it has at most, the newest ones; None: as many as before.

        Example:
            >>> context = PanelContext.from_values(np.array([[1.0, 2.0]]))
            >>> context.append(np.array([[3.0]])).values.tolist(), context.append(np.array([[3.0]]), 9).values.tolist()
            ([[2.0, 3.0]], [[1.0, 2.0, 3.0]])
        """
        T, k = self.values.shape[1], values.shape[1]
        drop = k if max_length is None else max(T + k - max_length, 0)
        unknown = np.full((len(self), k, self.hist_exog.shape[2]), np.nan)
        return replace(
            self,
            values=np.concatenate([self.values, values], axis=1)[:, drop:],
            hist_exog=np.concatenate([self.hist_exog, unknown], axis=1)[:, drop:],
            futr_exog=self.futr_exog[:, drop:],
            end=self.end + k,
            last_step=self.last_step + k,
            calendar=self._later(k),
        )

    def rolling_origins(self, offsets: IntArray, horizon: int) -> tuple[PanelContext, FloatArray]:
        """Cut the series at several forecast origins.

        Args:
            offsets: Values to drop from the end of every series, one offset per origin, [n_origins].
            horizon: Steps to forecast from each origin.

        Returns:
            The context at every origin, with n_origins * n_series rows ordered by origin, and the actual values that
            follow, [n_origins * n_series, horizon]. Actual values beyond the end of a series are NaN.

        Example:
            >>> context = PanelContext.from_values(np.array([[1.0, 2.0, 3.0]]))
            >>> past, actual = context.rolling_origins(np.array([2, 1]), horizon=2)
            >>> actual.tolist()
            [[2.0, 3.0], [3.0, nan]]
            >>> past.values.tolist()
            [[nan, nan, 1.0], [nan, 1.0, 2.0]]
        """
        n_series, T = self.values.shape
        n_origins, known_until = len(offsets), self.futr_exog.shape[1]
        values = np.full((n_origins, n_series, T), np.nan)
        hist_exog = np.full((n_origins, *self.hist_exog.shape), np.nan)
        futr_exog = np.full((n_origins, n_series, T + horizon, self.futr_exog.shape[2]), np.nan)
        actual = np.full((n_origins, n_series, horizon), np.nan)
        for k, offset in enumerate(offsets.tolist()):
            values[k, :, offset:] = self.values[:, : T - offset]
            hist_exog[k, :, offset:] = self.hist_exog[:, : T - offset]
            stop = min(T - offset + horizon, known_until)
            futr_exog[k, :, offset : offset + stop] = self.futr_exog[:, :stop]
            following = self.values[:, T - offset : T - offset + horizon]
            actual[k, :, : following.shape[1]] = following
        past = PanelContext(
            values.reshape(-1, T),
            np.tile(self.series, n_origins),
            (self.end - offsets[:, None]).ravel(),
            (self.last_step - offsets[:, None]).ravel(),
            futr_exog.reshape(n_origins * n_series, *futr_exog.shape[2:]),
            hist_exog.reshape(n_origins * n_series, *hist_exog.shape[2:]),
            np.tile(self.stat_exog, (n_origins, 1)),
            None if self.calendar is None else self.calendar.shift(-offsets[:, None]),
        )
        return past, actual.reshape(-1, horizon)

    @classmethod
    def from_values(cls, values: FloatArray) -> PanelContext:
        """Return series without exogenous columns, numbered by row.

        Args:
            values: [n_series, T], aligned at the end; NaN is missing.
        """
        n_series, T = values.shape
        none = np.empty((n_series, T, 0))
        zero = np.zeros(n_series, np.int64)
        return cls(values, np.arange(n_series), zero, zero, none, none, np.empty((n_series, 0)))

    @classmethod
    def from_panel(
        cls,
        panel: Panel,
        future: Mapping[str, FloatArray] | None = None,
        fitted_on: Panel | None = None,
        max_length: int | None = None,
        n_columns: int | None = None,
    ) -> PanelContext:
        """Return a panel as it stands at its end.

        A column of categories becomes columns of 0 and 1, one for each of its first `MAX_CATEGORIES` categories. Where
        a cell is empty, all of them are 0; of totals, which are of no category alone, they are NaN.

        Args:
            panel: The series.
            future: Values of the future exogenous columns after the end, by name, [n_series, n].
            fitted_on: The panel that models were fitted on; None: this one.
            max_length: Newest values of a series that are read, at most; None: all.
            n_columns: T, at least as long as the longest series; None: that. A part of a panel has the columns of the
                whole, because sums and windows depend on them in their last bits.

        Example:
            >>> from dataclasses import replace
            >>> from gatecast.data.panel import from_values
            >>> panel = replace(from_values([5.0, 6.0]), futr_exog={"price": np.array([1.0, 2.0])})
            >>> PanelContext.from_panel(panel, {"price": np.array([[3.0]])}).futr_exog[0, :, 0].tolist()
            [1.0, 2.0, 3.0]
        """
        values = to_matrix(without_outliers(panel), n_columns)
        n_series, T = values.shape
        static = [
            column
            for name, values_by_series in panel.stat_exog.items()
            for column in _one_hot(values_by_series, panel.categories.get(name), _is_base(panel))
        ]
        context = cls.from_values(values)
        if fitted_on is not None:
            series, end = match_series(panel, fitted_on)
            context = replace(context, series=series, end=end)
        context = replace(context, calendar=SeasonCalendar.of(panel), last_step=_last_steps(panel, fitted_on or panel))
        context = replace(
            context,
            futr_exog=_over_time(panel, panel.futr_exog, future or {}, T),
            hist_exog=_over_time(panel, panel.hist_exog, {}, T),
            stat_exog=np.stack(static, axis=1) if static else np.empty((n_series, 0)),
        )
        return context if max_length is None else context.keep_last(max_length)


def _last_steps(panel: Panel, reference: Panel) -> IntArray:
    """Return the times of the last values in steps from the first value of a reference, [n_series]."""
    return panel.freq.index_of(panel.freq.at(panel.start, panel.lengths - 1), reference.start[:1])[0]


def _over_time(panel: Panel, columns: Mapping[str, FloatArray], future: Mapping[str, FloatArray], T: int) -> FloatArray:
    """Return columns that change in time, one-hot where they are categories, [n_series, T + n, n_columns]."""
    parts = []
    is_base, has_begun = _is_base(panel)[:, None], np.arange(T) >= T - panel.lengths[:, None]
    for name, column in columns.items():
        past = to_matrix(replace(panel, values=column, hist_exog={}, futr_exog={}), T)
        full = np.concatenate([past, future[name]], axis=1) if name in future else past
        has_cells = np.pad(has_begun, ((0, 0), (0, full.shape[1] - T)), constant_values=True)
        parts += _one_hot(full, panel.categories.get(name), is_base & has_cells)
    return np.stack(parts, axis=2) if parts else np.empty((len(panel), T, 0))


def _is_base(panel: Panel) -> BoolArray:
    """Return which series are no sums of others, [n_series]."""
    return np.arange(len(panel)) >= (0 if panel.hierarchy is None else panel.hierarchy.n_totals)


def column_groups(panel: Panel) -> tuple[IntArray, IntArray, IntArray]:
    """Return which column of the panel each future, historic and static column of a context belongs to.

    Returns:
        Positions among the panel's columns of that kind, [F], [G] and [E].

    Example:
        >>> from dataclasses import replace
        >>> from gatecast.data.panel import from_values
        >>> columns = {"price": np.ones(2), "day": np.ones(2)}
        >>> panel = replace(from_values([5.0, 6.0]), futr_exog=columns, categories={"day": ("Mo", "Tu", "We")})
        >>> column_groups(panel)[0].tolist()
        [0, 1, 1, 1]
    """

    def groups(columns: Mapping[str, FloatArray]) -> IntArray:
        """Repeat the position of a column of categories."""
        widths = [
            min(len(panel.categories[name]), MAX_CATEGORIES) if name in panel.categories else 1 for name in columns
        ]
        return np.arange(len(widths)).repeat(widths)

    return groups(panel.futr_exog), groups(panel.hist_exog), groups(panel.stat_exog)


def _one_hot(column: FloatArray, categories: tuple[str, ...] | None, has_cells: BoolArray) -> list[FloatArray]:
    """Return a column of numbers as it is, one of categories as an indicator of each.

    An empty cell is no category: 0 in all indicators. Where there are no cells, as before a series began, they are NaN.
    """
    if categories is None:
        return [column]
    return [np.where(has_cells, column == k, np.nan) for k in range(min(len(categories), MAX_CATEGORIES))]
