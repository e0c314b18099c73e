"""A panel: many series of numbers, one after another, each on its own regular grid of times.

Letters: S series, N values of all series together, T values of one series, h horizon, k position on a grid.

A single series is a panel with S = 1. Values are float64 with NaN for missing, so a gap in the times is a
missing value and nothing else. `build` makes panels of long tables and checks them; past that door the code
trusts what it is given.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from gatecast.data.frequency import Freq, Positions, Times, format_times, parse
from gatecast.errors import ConfigError

__all__ = ["ColumnNames", "Panel", "check_outputs", "format_times", "from_values"]

Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class ColumnNames:
    """What the columns are called, in and out.

    Args:
        id: Column of the series' names; None if the data had none.
        time: Column of the times.
        target: Column of the values.
    """

    id: str | None = None
    time: str = "ds"
    target: str = "y"


def check_outputs(names: ColumnNames, outputs: Collection[str]) -> None:
    """Refuse a column of names, times or values that is called like a column of the forecast beside it.

    Other columns may be called as they like: they do not go out with a forecast.

    Args:
        names: What the columns are called.
        outputs: Columns of the forecast, as "LSTM" and "LSTM-lo-80".

    Raises:
        ConfigError: One of them is.

    >>> check_outputs(ColumnNames("unique_id", "ds", "y"), ["LSTM", "LSTM-lo-80"])
    """
    for argument, name in (("id_col", names.id), ("time_col", names.time), ("target_col", names.target)):
        if name in outputs:
            raise ConfigError(
                "a column of the data is called like a column of the forecast",
                where=argument,
                got=repr(name),
                expected=f"another name than {', '.join(map(repr, list(outputs)[:5]))}",
                fix="Rename the column in the data.",
            )


@dataclass(frozen=True, eq=False)
class Panel:
    """Series on regular grids.

    Args:
        values: (N,) float64, all series one after another; NaN is missing.
        indptr: (S + 1,) series s is ``values[indptr[s]:indptr[s + 1]]``.
        ids: (S,) names of the series, of whatever type they came in.
        start: (S,) time of each series' first value, datetime64[us] or int64.
        freq: The one frequency of all series.
        columns: What the columns are called.
        hist_exog: (N,) columns that are known for the past only, by name; NaN is missing.
        futr_exog: (N,) the past of columns that are known for the future too.
        stat_exog: (S,) columns of one value a series.
        categories: The words of each of these columns that holds words: a value is a position among them.
        utc_offset_minutes: Minutes by which the times are ahead of UTC; None if they are local or came without a zone.

    >>> panel = from_values([1.0, 2.0, 3.0], start="2024-01-01", freq="MS")
    >>> len(panel), panel.lengths.tolist(), panel.series(0).tolist()
    (1, [3], [1.0, 2.0, 3.0])
    >>> format_times(panel.future_times(2)[0])
    ['2024-04-01', '2024-05-01']
    """

    values: Array
    indptr: Positions
    ids: npt.NDArray[Any]
    start: Times
    freq: Freq
    columns: ColumnNames = field(default_factory=ColumnNames)
    hist_exog: Mapping[str, Array] = field(default_factory=dict)
    futr_exog: Mapping[str, Array] = field(default_factory=dict)
    stat_exog: Mapping[str, Array] = field(default_factory=dict)
    categories: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    utc_offset_minutes: int | None = None

    def __len__(self) -> int:
        return len(self.indptr) - 1

    @property
    def lengths(self) -> Positions:
        """(S,) number of values of each series, missing ones included."""
        return np.diff(self.indptr)

    @property
    def mask(self) -> npt.NDArray[np.bool_]:
        """(N,) True where a value is observed."""
        return ~np.isnan(self.values)

    def series(self, s: int) -> Array:
        """(T,) values of series s, a view."""
        return self.values[self.indptr[s] : self.indptr[s + 1]]

    def times(self, s: int) -> Times:
        """(T,) times of series s."""
        return self.freq.range(self.start[s], int(self.lengths[s]))

    def all_times(self) -> Times:
        """(N,) times of all series one after another."""
        k = np.arange(len(self.values)) - np.repeat(self.indptr[:-1], self.lengths)
        return self.freq.at(np.repeat(self.start, self.lengths), k)

    def future_times(self, h: int) -> Times:
        """(S, h) times of the h steps after the end of each series."""
        return self.freq.at(self.start[:, None], self.lengths[:, None] + np.arange(h))

    def drop_last(self, h: int) -> Panel:
        """The panel without the last h values of each series; a shorter series keeps none."""
        keep = np.maximum(self.lengths - h, 0)
        return self._slice(self.indptr[:-1], keep, self.start)

    def keep_last(self, h: int) -> Panel:
        """The last h values of each series, or all of a shorter one."""
        keep = np.minimum(self.lengths, h)
        first = self.lengths - keep
        return self._slice(self.indptr[:-1] + first, keep, self.freq.at(self.start, first))

    def take(self, which: Sequence[int] | npt.NDArray[np.int64]) -> Panel:
        """Some of the series, in the order given."""
        rows = np.asarray(which, np.int64)
        static = {name: column[rows] for name, column in self.stat_exog.items()}
        chosen = replace(self, ids=self.ids[rows], start=self.start[rows], stat_exog=static)
        return chosen._slice(self.indptr[:-1][rows], self.lengths[rows], self.start[rows])

    def categories_before(self, back: int) -> dict[str, tuple[str, ...]]:
        """Words of each column of words that come before the last `back` values of some series.

        Which words will come is not to be known at a cutoff. A static column keeps all of its words.
        """
        words = dict(self.categories)
        for name, column in {**self.hist_exog, **self.futr_exog}.items():
            if name in words:
                rows = np.arange(len(self.values)) < np.repeat(self.indptr[1:] - back, self.lengths)
                seen = column[rows & np.isfinite(column)].astype(np.int64)
                words[name] = tuple(words[name][k] for k in np.unique(seen))
        return words

    def restrict_categories(self, words: Mapping[str, tuple[str, ...]]) -> Panel:
        """The panel with fewer words: a value that is none of them is missing.

        Args:
            words: Of each column of words, some of its `categories`, in their order.
        """
        if dict(words) == dict(self.categories):
            return self
        columns = {**self.hist_exog, **self.futr_exog}
        for name in words.keys() & columns.keys():
            place = {word: float(k) for k, word in enumerate(words[name])}
            turned = np.array([place.get(word, np.nan) for word in self.categories[name]] + [np.nan])
            there = np.isfinite(columns[name])
            columns[name] = turned[np.where(there, columns[name], len(turned) - 1).astype(np.int64)]
        historic, known = ({name: columns[name] for name in old} for old in (self.hist_exog, self.futr_exog))
        return replace(self, categories=words, hist_exog=historic, futr_exog=known)

    def future_columns(self, h: int) -> dict[str, npt.NDArray[Any]]:
        """Names and times of the h steps after the end of each series, as the first columns of a long table."""
        named = {} if self.columns.id is None else {self.columns.id: np.repeat(self.ids, h)}
        return {**named, self.columns.time: self.future_times(h).ravel()}

    def to_columns(self) -> dict[str, npt.NDArray[Any]]:
        """The panel as a long table: name, time, value; without the name if the data had none."""
        columns: dict[str, npt.NDArray[Any]] = {}
        if self.columns.id is not None:
            columns[self.columns.id] = np.repeat(self.ids, self.lengths)
        return {**columns, self.columns.time: self.all_times(), self.columns.target: self.values}

    def _slice(self, first: Positions, lengths: Positions, start: Times) -> Panel:
        """One run of values of each series."""
        indptr = np.concatenate(([0], np.cumsum(lengths)))
        rows = np.arange(indptr[-1]) + np.repeat(first - indptr[:-1], lengths)
        historic, known = (
            {name: column[rows] for name, column in columns.items()} for columns in (self.hist_exog, self.futr_exog)
        )
        return replace(self, values=self.values[rows], indptr=indptr, start=start, hist_exog=historic, futr_exog=known)


def from_values(
    values: npt.ArrayLike, *, start: Any = 1, freq: str | int | Freq = 1, names: ColumnNames | None = None
) -> Panel:
    """A panel of one series whose values lie on a grid already.

    Args:
        values: (T,) numbers; NaN is missing.
        start: Time of the first value: a datetime, text such as "2024-01-01", or a whole number.
        freq: Frequency.
        names: What the columns are called.

    >>> from_values([5, 7]).times(0).tolist()
    [1, 2]
    """
    x = np.asarray(values, np.float64)
    step = parse(freq)
    first = np.asarray([start], np.int64 if step.unit == "step" else "M8[us]")
    return Panel(x, np.array([0, len(x)]), np.array([""], object), first, step, names or ColumnNames())
