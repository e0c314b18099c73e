"""The panel: the record of series that all models read.

A single series is a panel with one series. Values are float64 with NaN for missing, so a gap in the times is a missing
value and nothing else. `read` and `build_panel` make panels and check them; all other code trusts them.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from gatecast._utils.typing import BoolArray, ColumnTable, FloatArray, IntArray
from gatecast.data.categories import order_categories
from gatecast.data.frequency import WITHIN_A_DAY, Freq, Times, format_times, parse
from gatecast.data.key_types import KeyTypes
from gatecast.data.parsing.known_notation import INFER_OFFSET, KnownNotation
from gatecast.data.parsing.time_zones import is_named
from gatecast.errors import ConfigError

__all__ = ["ColumnNames", "Hierarchy", "KeyTypes", "Panel", "check_outputs", "format_times", "from_values"]


@dataclass(frozen=True)
class ColumnNames:
    """Names of the key and target columns, in the source and in tables of results.

    Args:
        id: Column of the series ids, or several columns that identify a series together; None if the source had none.
        time: Column of the times.
        target: Column of the values.

    >>> ColumnNames(("store", "item")).ids, ColumnNames("shop").ids, ColumnNames().ids
    (('store', 'item'), ('shop',), ())
    """

    id: str | tuple[str, ...] | None = None
    time: str = "ds"
    target: str = "y"

    @property
    def ids(self) -> tuple[str, ...]:
        """The id columns: none, one or several."""
        return () if self.id is None else (self.id,) if isinstance(self.id, str) else self.id


def check_outputs(names: ColumnNames, outputs: Collection[str]) -> None:
    """Check that no id, time or target column has the name of a forecast column.

    Exogenous columns may have any name, because tables of forecasts do not contain them.

    Args:
        names: Names of the columns of the data.
        outputs: Columns of the forecast, such as "LSTM" and "LSTM-lo-80".

    Raises:
        ConfigError: Two columns would have one name.

    >>> check_outputs(ColumnNames("unique_id", "ds", "y"), ["LSTM", "LSTM-lo-80"])
    """
    ids = (("id_col", name) for name in names.ids)
    for argument, name in (*ids, ("time_col", names.time), ("target_col", names.target)):
        if name in outputs:
            raise ConfigError(
                "A column of the data has the name of a forecast column",
                where=argument,
                got=repr(name),
                expected=f"a name other than {', '.join(map(repr, list(outputs)[:5]))}",
                fix="Rename the column in the data.",
                argument=argument,
            )


@dataclass(frozen=True, eq=False)
class Hierarchy:
    """Which series of a panel are sums of others: its first ones, the sums, then the series that they are made of.

    Args:
        levels: Id columns of the sums of each level, () for the sum of all series.
        parents: The sum that each base series is part of in each level, [n_levels, n_base]; 0 is the first series.

    >>> hierarchy = Hierarchy(((), ("shop",)), np.array([[0, 0, 0], [1, 1, 2]]))
    >>> hierarchy.sum(np.array([1.0, 2.0, 4.0])).tolist(), hierarchy.sizes.tolist()
    ([7.0, 3.0, 4.0], [3, 2, 1])
    """

    levels: tuple[tuple[str, ...], ...]
    parents: IntArray

    @property
    def n_totals(self) -> int:
        """Number of sums."""
        return int(self.parents.max()) + 1

    @property
    def n_base(self) -> int:
        """Number of series that are no sums."""
        return int(self.parents.shape[1])

    @property
    def sizes(self) -> IntArray:
        """Number of base series of each sum, [n_totals]."""
        return np.bincount(self.parents.ravel(), minlength=self.n_totals)

    def sum(self, x: FloatArray) -> FloatArray:
        """Return the sums of values of the base series, [n_base, ...] to [n_totals, ...]."""
        totals = np.zeros((self.n_totals, *x.shape[1:]))
        for parents in self.parents:
            order = np.argsort(parents, kind="stable")
            groups, first = np.unique(parents[order], return_index=True)
            totals[groups] = np.add.reduceat(x[order], first, axis=0)
        return totals

    def spread(self, x: FloatArray) -> FloatArray:
        """Return for each base series the sum of the values of its sums, [n_totals, ...] to [n_base, ...]."""
        return np.asarray(x[self.parents].sum(axis=0))


@dataclass(frozen=True, eq=False)
class Panel:
    """Time series on regular grids of one frequency, stored one after another (ragged arrays in CSR layout).

    Args:
        values: Values of all series, float64, shape (n_values,); NaN is missing.
        indptr: Offsets of the series, shape (n_series + 1,): series s is ``values[indptr[s]:indptr[s + 1]]``.
        ids: Ids of the series, shape (n_series,): int64, uint64 where one is 2**63 or above, or strings; strings like
            "1/2" if there are several id columns.
        start: Time of the first value of each series, datetime64[us] or int64, shape (n_series,).
        freq: Frequency of all series.
        columns: Names of the id, time and target columns.
        hist_exog: Columns known only for the past, by name, each of shape (n_values,); NaN is missing.
        futr_exog: Past of the columns known for the future too, each of shape (n_values,).
        stat_exog: Columns with one value per series, each of shape (n_series,).
        categories: Categories of each categorical column; its values are indices into them.
        utc_offset_minutes: Minutes by which the times are ahead of UTC; None if they are local or have no time zone.
        key_types: Types of the id and time columns in the source table.
        keys: Values of several id columns, by name, each of shape (n_series,); empty if there are fewer than two.
        known_future: Values of the `futr_exog` columns after the end of each series, where the source had rows of these
            times without a target; each of shape (n_series, n_steps), or empty.
        holidays: Names of the `futr_exog` columns that are computed from the calendar, by country.
        hierarchy: Which series are sums of others; None: none.
        skips_outliers: Whether models read values that are far larger than all before them as missing: see
            `huge_values.find_sudden`.
        keeps_last: Whether they read the newest value of each series all the same.

    >>> panel = from_values([1.0, 2.0, 3.0], start="2024-01-01", freq="MS")
    >>> len(panel), panel.lengths.tolist(), panel.series(0).tolist()
    (1, [3], [1.0, 2.0, 3.0])
    >>> format_times(panel.future_times(2)[0])
    ['2024-04-01', '2024-05-01']
    """

    values: FloatArray
    indptr: IntArray
    ids: npt.NDArray[Any]
    start: Times
    freq: Freq
    columns: ColumnNames = field(default_factory=ColumnNames)
    hist_exog: Mapping[str, FloatArray] = field(default_factory=dict)
    futr_exog: Mapping[str, FloatArray] = field(default_factory=dict)
    stat_exog: Mapping[str, FloatArray] = field(default_factory=dict)
    categories: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    utc_offset_minutes: int | None = None
    key_types: KeyTypes = field(default_factory=KeyTypes)
    keys: Mapping[str, npt.NDArray[Any]] = field(default_factory=dict)
    known_future: Mapping[str, FloatArray] = field(default_factory=dict)
    holidays: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    hierarchy: Hierarchy | None = None
    skips_outliers: bool = False
    keeps_last: bool = False

    def __len__(self) -> int:
        return len(self.indptr) - 1

    @property
    def known_notation(self) -> KnownNotation:
        """Which columns the source has and how its times are written, by which further rows are read."""
        types, names = self.key_types, self.columns
        known = KnownNotation(
            INFER_OFFSET,
            types.date_order,
            types.decimal_mark,
            names.time,
            types.decimal_format,
            types.number_format,
            names.ids,
            names.target,
            types.fiscal_month,
        )
        if types.is_utc:
            return known._replace(utc_offset=0)
        if self.utc_offset_minutes is not None and self.freq.unit in WITHIN_A_DAY:
            return known._replace(utc_offset=self.utc_offset_minutes)
        # Days begin at midnight of the clocks, whose offset may change.
        return known._replace(utc_offset=types.time_zone) if is_named(types.time_zone) else known

    @property
    def lengths(self) -> IntArray:
        """Number of values of each series, missing ones included, shape (n_series,)."""
        return np.diff(self.indptr)

    @property
    def given_futr_exog(self) -> tuple[str, ...]:
        """The future exogenous columns of the source: those that a table of the future has to hold."""
        computed = {name for names in self.holidays.values() for name in names}
        return tuple(name for name in self.futr_exog if name not in computed)

    @property
    def mask(self) -> BoolArray:
        """Whether each value is observed, shape (n_values,)."""
        return ~np.isnan(self.values)

    def series(self, s: int) -> FloatArray:
        """Return a view of the values of series s."""
        return self.values[self.indptr[s] : self.indptr[s + 1]]

    def times(self, s: int) -> Times:
        """Return the times of series s."""
        return self.freq.range(self.start[s], int(self.lengths[s]))

    def all_times(self) -> Times:
        """Return the times of all series one after another, shape (n_values,)."""
        k = np.arange(len(self.values)) - np.repeat(self.indptr[:-1], self.lengths)
        return self.freq.at(np.repeat(self.start, self.lengths), k)

    def future_times(self, h: int) -> Times:
        """Return the h times after the end of each series, shape (n_series, h)."""
        return self.freq.at(self.start[:, None], self.lengths[:, None] + np.arange(h))

    def drop_last(self, h: int) -> Panel:
        """Return the panel without the last h values of each series; a shorter series becomes empty."""
        return self.keep_first(self.lengths - h)

    def keep_first(self, n: IntArray) -> Panel:
        """Return the first n[s] values of each series s, at least none; `known_future` no longer follows them."""
        keep = np.clip(n, 0, self.lengths)
        panel = self if (keep == self.lengths).all() else replace(self, known_future={})
        return panel._slice(self.indptr[:-1], keep, self.start)

    def keep_last(self, h: int) -> Panel:
        """Return the last h values of each series, or all of a shorter one."""
        keep = np.minimum(self.lengths, h)
        first = self.lengths - keep
        return self._slice(self.indptr[:-1] + first, keep, self.freq.at(self.start, first))

    def take(self, indices: Sequence[int] | IntArray) -> Panel:
        """Return the series at the given indices, in that order; without the others sums are series like any."""
        rows = np.asarray(indices, np.int64)
        stat_exog = {name: column[rows] for name, column in self.stat_exog.items()}
        keys = {name: column[rows] for name, column in self.keys.items()}
        known_future = {name: values[rows] for name, values in self.known_future.items()}
        selected = replace(
            self,
            ids=self.ids[rows],
            start=self.start[rows],
            stat_exog=stat_exog,
            keys=keys,
            known_future=known_future,
            hierarchy=None,
        )
        return selected._slice(self.indptr[:-1][rows], self.lengths[rows], self.start[rows])

    def categories_before(self, n_last: int) -> dict[str, tuple[str, ...]]:
        """Return the categories that occur before the last `n_last` values of some series.

        A model must not know at a cutoff which categories will occur later, nor how often. A static column keeps all of
        its categories.
        """
        categories = dict(self.categories)
        for name, column in {**self.hist_exog, **self.futr_exog}.items():
            if name in categories:
                is_past = np.arange(len(self.values)) < np.repeat(self.indptr[1:] - n_last, self.lengths)
                codes, counts = np.unique(column[is_past & np.isfinite(column)], return_counts=True)
                names = [categories[name][int(code)] for code in codes]
                categories[name] = order_categories(dict(zip(names, counts.tolist(), strict=True)))
        return categories

    def restrict_categories(self, categories: Mapping[str, tuple[str, ...]]) -> Panel:
        """Return the panel with fewer categories; cells of the other categories become empty.

        Args:
            categories: For each categorical column, a subset of its `categories`.
        """
        if dict(categories) == dict(self.categories):
            return self
        columns = {**self.hist_exog, **self.futr_exog}
        for name in categories.keys() & columns.keys():
            new_code = {category: float(k) for k, category in enumerate(categories[name])}
            recoded = np.array([new_code.get(category, np.nan) for category in self.categories[name]] + [np.nan])
            codes = np.where(np.isfinite(columns[name]), columns[name], len(recoded) - 1).astype(np.int64)
            columns[name] = recoded[codes]
        hist_exog, futr_exog = ({name: columns[name] for name in names} for names in (self.hist_exog, self.futr_exog))
        return replace(self, categories=categories, hist_exog=hist_exog, futr_exog=futr_exog, known_future={})

    def future_columns(self, h: int) -> ColumnTable:
        """Return ids and times of the h steps after the end of each series: the first columns of a long table."""
        return {**self.id_columns(h), self.columns.time: self.future_times(h).ravel()}

    def to_columns(self) -> ColumnTable:
        """Return the panel as a long table of ids, times and values, without ids if the source had none."""
        ids = self.id_columns(self.lengths)
        return {**ids, self.columns.time: self.all_times(), self.columns.target: self.values}

    def id_columns(self, repeats: int | IntArray = 1) -> ColumnTable:
        """Return the id columns of a table with some rows per series, without ids if the source had none."""
        if isinstance(self.columns.id, tuple):
            return {name: np.repeat(self.keys[name], repeats) for name in self.columns.id}
        return {} if self.columns.id is None else {self.columns.id: np.repeat(self.ids, repeats)}

    def _slice(self, first: IntArray, lengths: IntArray, start: Times) -> Panel:
        """The panel with one contiguous run of values of each series."""
        indptr = np.concatenate(([0], np.cumsum(lengths)))
        rows = np.arange(indptr[-1]) + np.repeat(first - indptr[:-1], lengths)
        hist_exog, futr_exog = (
            {name: column[rows] for name, column in columns.items()} for columns in (self.hist_exog, self.futr_exog)
        )
        return replace(
            self, values=self.values[rows], indptr=indptr, start=start, hist_exog=hist_exog, futr_exog=futr_exog
        )


def from_values(
    values: npt.ArrayLike, *, start: Any = 1, freq: str | int | Freq = 1, columns: ColumnNames | None = None
) -> Panel:
    """Make a panel of one series whose values are already regular.

    Args:
        values: Values, shape (n_values,); NaN is missing.
        start: Time of the first value: a datetime, a string such as "2024-01-01", or an integer.
        freq: Frequency.
        columns: Names of the columns.

    >>> from_values([5, 7]).times(0).tolist()
    [1, 2]
    """
    x = np.asarray(values, np.float64)
    step = parse(freq)
    first = np.asarray([start], np.int64 if step.unit == "step" else "M8[us]")
    return Panel(x, np.array([0, len(x)]), np.array([""], object), first, step, columns or ColumnNames())
