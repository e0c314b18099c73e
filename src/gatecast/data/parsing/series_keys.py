"""Columns that name series: one or several of them as ids, and those that tell rows of equal times apart."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import combinations, islice
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from gatecast._utils.arrays import is_increasing
from gatecast._utils.typing import IntArray
from gatecast.data.frequency import format_times
from gatecast.data.messages import list_columns
from gatecast.data.parsing.column_roles import OWN_ID_NAMES, ColumnRoles, find_column
from gatecast.data.parsing.columns import is_missing_id, parse_ids
from gatecast.data.parsing.date_words import zone_offset
from gatecast.data.parsing.numbers import parse_numbers
from gatecast.data.parsing.raw_table import RawColumn, RawTable, factorize, is_missing
from gatecast.data.parsing.timestamps import looks_like_dates
from gatecast.errors import ConfigError, DataError

__all__ = [
    "SeriesKeys",
    "are_zones",
    "find_id_columns",
    "infer_id_columns",
    "join_ids",
    "naming_columns",
    "note_similar_ids",
    "parse_keys",
    "propose_id_columns",
    "split_names",
]

Array = npt.NDArray[Any]

MAX_CANDIDATES = 12
MAX_KEY_COLUMNS = 3
SAMPLE_SIZE = 5_000
"""Rows on which sets of columns are tried before all rows are read."""
MAX_CODE = 2**62
MAX_DUPLICATES = 0.05
"""Share of the rows that a name of series may leave with a time that the series has already: errors in the data."""
CLOCK_WORDS = frozenset({"ist", "dst", "std", "summer", "winter", "sommerzeit", "winterzeit"})
"""Words for a clock without one offset of their own: like zones, they name no series."""


class SeriesKeys(NamedTuple):
    """The series of the rows of a table.

    Args:
        ids: Id of every row, shape (n_rows,); several columns are joined, as "1/2".
        columns: Value of each of several id columns in every series, in order of appearance; empty for one column.
    """

    ids: Array
    columns: Mapping[str, Array]


def split_names(table: RawTable, names: str | Sequence[str] | None) -> tuple[str, ...]:
    """Return column names: one, several, or several in one string, separated by commas.

    A string that is the name of a column is that column, whatever characters it has.

    >>> table = RawTable(("a", "b", "c,d"), (np.ones(2), np.ones(2), np.ones(2)))
    >>> split_names(table, "a, b"), split_names(table, "c,d"), split_names(table, None)
    (('a', 'b'), ('c,d',), ())
    """
    if names is None:
        return ()
    if not isinstance(names, str) or names in table.names or "," not in names:
        return (names,) if isinstance(names, str) or not isinstance(names, Iterable) else tuple(names)
    return tuple(name.strip() for name in names.split(",") if name.strip())


def find_id_columns(table: RawTable, id_col: str | Sequence[str] | None) -> tuple[int, ...]:
    """Return the indices of the id columns that are named.

    Raises:
        ConfigError: No column has the name, a column is named twice, or none is.

    >>> find_id_columns(RawTable(("store", "item"), (np.ones(2), np.ones(2))), ["store", "item"])
    (0, 1)
    """
    columns = tuple(find_column(table, name, "id_col") for name in split_names(table, id_col))
    if len(set(columns)) < len(columns) or (id_col is not None and not columns):
        raise ConfigError(
            f"Invalid id_col {id_col!r}", expected="the name of a column, or different names", argument="id_col"
        )
    return columns


def parse_keys(table: RawTable, columns: Sequence[int]) -> SeriesKeys:
    """Parse id columns.

    Raises:
        DataError: A row without an id.

    >>> table = RawTable(("store", "item"), (np.array([1, 1, 2]), np.array(["a", "a", "b"], object)))
    >>> keys = parse_keys(table, [0, 1])
    >>> keys.ids.tolist(), keys.columns["store"].tolist()
    (['1/a', '1/a', '2/b'], [1, 2])
    """
    values = [parse_ids(table, i) for i in columns]
    if len(values) == 1:
        return SeriesKeys(values[0], {})
    first, codes = _first_rows(values)
    unique = {table.names[i]: column[first] for i, column in zip(columns, values, strict=True)}
    return SeriesKeys(join_ids(list(unique.values()))[codes], unique)


def join_ids(columns: Sequence[Array]) -> Array:
    r"""Join the values of several id columns in every row; a slash within a value is written as backslash and slash.

    >>> join_ids([np.array([1, 2]), np.array(["a", "b/c"], object)]).tolist()
    ['1/a', '2/b\\/c']
    """
    texts = [[str(value).replace("\\", "\\\\").replace("/", "\\/") for value in column.tolist()] for column in columns]
    joined = np.empty(len(texts[0]), object)
    joined[:] = ["/".join(parts) for parts in zip(*texts, strict=True)]
    return joined


def infer_id_columns(
    table: RawTable, roles: ColumnRoles, times: Array, exclude: Collection[int] = ()
) -> tuple[int, ...]:
    """Return the id columns of a table, none if it has one series.

    Where most times are on several rows, these are the smallest set of columns under which no time repeats. A single
    column of text is taken; numbers and several columns are only proposed. Where few times are, only a column of text
    whose rows come one after another names series: it is neither a comment nor a weekday.

    Args:
        table: The table.
        roles: Columns with a role; its id is one that has a usual name.
        times: Times of the rows, shape (n_rows,).
        exclude: Further columns with a role.

    Raises:
        DataError: Numbers, or several columns, tell the rows apart: the user has to name them.

    >>> table = RawTable(("shop", "t", "y"), (np.array(["a", "b"], object), np.array([1, 1]), np.ones(2)))
    >>> infer_id_columns(table, ColumnRoles(None, 1, 2), np.array([1, 1]))
    (0,)
    """
    known = () if roles.id is None else (roles.id,)
    if known and table.names[known[0]].lower() in OWN_ID_NAMES:
        return known
    time_codes = _time_codes(times)
    counts = np.bincount(time_codes)
    mostly_repeat = _mostly_repeat(counts)
    if known and (mostly_repeat or _come_one_after_another(table.columns[known[0]], time_codes)):
        left = _n_duplicates(time_codes, [factorize(table.columns[known[0]])[1]])
        if left <= MAX_DUPLICATES * len(times):
            return known
    if len(counts) == len(times):
        return ()
    taken = {roles.time, roles.target, *exclude}
    if not mostly_repeat:
        blocks = _nearly_separating(table, taken, time_codes)
        return blocks if blocks and _come_one_after_another(table.columns[blocks[0]], time_codes) else ()
    chosen = _smallest_set(table, taken, time_codes, ())
    if chosen and (len(chosen) > 1 or not _is_text(table.columns[chosen[0]])):
        raise _refuse_to_guess(table, chosen, times, counts[time_codes])
    return chosen or known or _nearly_separating(table, taken, time_codes)


def propose_id_columns(
    table: RawTable, id_columns: Sequence[int], times: Array, exclude: Collection[int], *, named: bool
) -> None:
    """Raise an error that proposes the right id columns, where times repeat under those that were used.

    Args:
        table: The table.
        id_columns: The columns that were used.
        times: Times of the rows, shape (n_rows,).
        exclude: Columns with another role.
        named: Whether the user named the columns: then they are among those proposed.

    Raises:
        DataError: A larger set tells all rows of equal times apart.
    """
    time_codes = _time_codes(times)
    counts = np.bincount(time_codes)
    required = tuple(id_columns) if named else ()
    if _mostly_repeat(counts):
        chosen = _smallest_set(table, {*exclude, *required}, time_codes, required)
        if chosen and set(chosen) != set(id_columns):
            raise _refuse_to_guess(table, chosen, times, counts[time_codes])


def note_similar_ids(columns: Iterable[Array]) -> tuple[str, ...]:
    """Return a note if different ids are equal but for their case or spaces.

    Args:
        columns: Ids of the series, or the values of several id columns.

    >>> note_similar_ids([np.array(["North", "north", "South"], object)])
    ("Ids that differ only by case or spaces are different series: 'North' and 'north'.",)
    """
    for column in columns:
        first: dict[str, str] = {}
        for text in dict.fromkeys(column.tolist()) if column.dtype.kind == "O" else ():
            other = first.setdefault(" ".join(str(text).split()).casefold(), text)
            if other != text:
                return (f"Ids that differ only by case or spaces are different series: {other!r} and {text!r}.",)
    return ()


def naming_columns(table: RawTable, candidates: Sequence[int]) -> tuple[int, ...]:
    """Return the smallest set of columns that have different values in every row, empty if there is none.

    In every row one of them has a value at least.

    >>> table = RawTable(("a", "b"), (np.array(["x", "x"], object), np.array(["p", "q"], object)))
    >>> naming_columns(table, [0, 1])
    (1,)
    """
    one_time = np.zeros(len(table), np.int64)
    codes = {i: factorize(table.columns[i])[1] for i in candidates[:MAX_CANDIDATES]}
    empty = {i: is_missing_id(table.columns[i]) for i in codes}
    for chosen in _sets(codes):
        is_nameless = np.logical_and.reduce([empty[i] for i in chosen])
        if not is_nameless.any() and _separates(one_time, [codes[i] for i in chosen]):
            return chosen
    return ()


def _first_rows(columns: Sequence[Array]) -> tuple[IntArray, IntArray]:
    """First row of every combination of values, in order of appearance, and the combination of every row."""
    codes = np.zeros(len(columns[0]), np.int64)
    for column in columns:
        unique, more = factorize(column)
        codes = factorize(codes * len(unique) + more)[1]
    first = np.full(int(codes.max(initial=-1)) + 1, len(codes), np.int64)
    np.minimum.at(first, codes, np.arange(len(codes)))
    return first, codes


def _separates(time_codes: IntArray, codes: Sequence[IntArray]) -> bool:
    """Whether no time repeats among the rows of equal codes."""
    return _n_duplicates(time_codes, codes) == 0


def _n_duplicates(time_codes: IntArray, codes: Sequence[IntArray]) -> int:
    """How many rows have a time and codes that an earlier row has."""
    joined = time_codes
    for more in codes:
        n_more = int(more.max(initial=0)) + 1
        if int(joined.max(initial=0)) * n_more > MAX_CODE:
            joined = np.unique(joined, return_inverse=True)[1]
        joined = joined * n_more + more
    # Sorting is several times faster than np.unique, which hashes.
    return int(np.count_nonzero(np.diff(np.sort(joined)) == 0))


def _sets(codes: Mapping[int, IntArray], required: Sequence[int] = ()) -> Iterator[tuple[int, ...]]:
    """Sets of columns with the required ones, the smallest first, among those of a size the one of fewest series."""
    for size in range(1, MAX_KEY_COLUMNS + 1 - len(required)):
        products = {
            chosen: int(np.prod([float(codes[i].max(initial=0)) + 1 for i in chosen]))
            for chosen in combinations([i for i in codes if i not in required], size)
        }
        for added in sorted(products, key=lambda added: products[added]):
            yield tuple(sorted((*required, *added)))


def _smallest_set(
    table: RawTable, taken: Collection[int | None], time_codes: IntArray, required: Sequence[int]
) -> tuple[int, ...]:
    """The smallest set of columns under which no time repeats; empty if there is none."""
    sample = _rows_of_some_times(time_codes)
    codes = {i: factorize(table.columns[i])[1] for i in required}

    def separate(columns: Sequence[int]) -> bool:
        """Whether no time repeats under some columns, of a sample first."""
        of_sample = [codes[i][sample] for i in columns]
        return _separates(time_codes[sample], of_sample) and _separates(time_codes, [codes[i] for i in columns])

    free = [i for i in range(len(table.names)) if i not in taken]
    # Columns of text come first: numbers that tell all rows apart may do so by chance, and are many.
    texts = [i for i in free if _is_text(table.columns[i])]
    for i in islice((i for i in texts if _may_name_series(table.columns[i], time_codes)), MAX_CANDIDATES):
        codes[i] = factorize(table.columns[i])[1]
        if separate([*required, i]):
            return tuple(sorted((*required, i)))
    for i in free:
        if len(codes) < MAX_CANDIDATES and i not in texts and _may_name_series(table.columns[i], time_codes):
            codes[i] = factorize(table.columns[i])[1]
    return next((chosen for chosen in _sets(codes, required) if separate(chosen)), ())


def _rows_of_some_times(time_codes: IntArray) -> IntArray:
    """All rows of the first times, so many that they hold the sample."""
    n_times = int(np.searchsorted(np.cumsum(np.bincount(time_codes)), SAMPLE_SIZE)) + 1
    return np.flatnonzero(time_codes < n_times)


def _nearly_separating(table: RawTable, taken: Collection[int | None], time_codes: IntArray) -> tuple[int, ...]:
    """The first column of text under which few times repeat: the message about these then names their series."""
    for i, column in enumerate(table.columns):
        if i not in taken and _is_text(column) and _may_name_series(column, time_codes):
            left = _n_duplicates(time_codes, [factorize(column)[1]])
            if left <= MAX_DUPLICATES * len(time_codes):
                return (i,)
    return ()


def _may_name_series(column: RawColumn, time_codes: IntArray) -> bool:
    """Whether a column holds texts or few integers, present in every row, that repeat over the times."""
    n_rows = len(column)
    if column.dtype.kind not in "iuO" or is_missing_id(column).any():
        return False
    unique, _ = factorize(column)
    if len(unique) < 2 or (len(unique) == n_rows and time_codes.max() > 0):
        return False
    if column.dtype.kind == "O":
        sample = unique[:100]
        if looks_like_dates(sample) or are_zones(unique):
            return False
        parsed = parse_numbers(sample)
        if parsed.is_valid.mean() <= 0.5:
            return True
        if not parsed.is_valid.all() or (parsed.values != np.rint(parsed.values)).any():
            return False
    return len(unique) <= max(2, n_rows // 4)


def are_zones(unique: RawColumn) -> bool:
    """Return whether texts are abbreviations or offsets of time zones.

    >>> are_zones(np.array(["CEST", "CET"], object)), are_zones(np.array(["a", "b"], object))
    (True, False)
    """
    return 0 < len(unique) <= 4 and all(
        zone_offset(text) is not None or text.strip().lower() in CLOCK_WORDS for text in unique.tolist()
    )


def _is_text(column: RawColumn) -> bool:
    """Whether most values of a sample are texts other than numbers."""
    if column.dtype.kind != "O":
        return False
    head = column[:1000]
    present = head[~is_missing(head)][:100]
    return bool(len(present)) and bool(parse_numbers(present).is_valid.mean() <= 0.5)


def _come_one_after_another(column: RawColumn, time_codes: IntArray) -> bool:
    """Whether the rows of each value of a column are consecutive, in the table or in time."""
    unique, codes = factorize(column)
    orders = codes, codes[np.argsort(time_codes, kind="stable")]
    return any(np.count_nonzero(np.diff(order)) == len(unique) - 1 for order in orders)


def _time_codes(times: Array) -> IntArray:
    """Times as integers from 0."""
    ticks = times.astype(np.int64)
    return np.arange(len(ticks)) if is_increasing(ticks) else np.unique(ticks, return_inverse=True)[1]


def _mostly_repeat(counts: IntArray) -> bool:
    """Whether most times are on several rows."""
    return bool(2 * np.count_nonzero(counts > 1) > len(counts))


def _refuse_to_guess(table: RawTable, columns: Sequence[int], times: Array, counts: IntArray) -> DataError:
    """The error that proposes id columns."""
    names = [table.names[i] for i in columns]
    row = int(counts.argmax())
    proposal = repr(names[0]) if len(names) == 1 else "[" + ", ".join(map(repr, names)) + "]"
    return DataError(
        "Several rows have the same time",
        got=f"{format_times(times[row : row + 1])[0]} in {int(counts[row])} rows, with different {list_columns(names)}",
        expected="one row per series and time",
        fix=f"Set id_col, for example id_col={proposal}.",
        argument="id_col",
    )
