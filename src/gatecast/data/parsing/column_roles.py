"""Infer which column holds the times, the target and the ids of series, from names and contents."""

from __future__ import annotations

import re
from collections.abc import Collection
from difflib import get_close_matches
from typing import NamedTuple

import numpy as np

from gatecast._utils.typing import IntArray
from gatecast.data.messages import abridge, list_columns
from gatecast.data.parsing.digit_dates import integer_dates
from gatecast.data.parsing.numbers import parse_numbers
from gatecast.data.parsing.raw_table import RawColumn, RawTable, is_missing
from gatecast.data.parsing.regularity import CLEARLY_BETTER, regularity
from gatecast.data.parsing.time_names import is_called_time, is_part_of_time
from gatecast.data.parsing.timestamps import looks_like_dates, parse_times
from gatecast.errors import ConfigError, DataError

__all__ = [
    "OWN_ID_NAMES",
    "ColumnRoles",
    "find_column",
    "find_time_column",
    "infer_roles",
    "is_called_id",
    "numeric_columns",
]

MAX_JUDGED = 2_000
MORE_DISTINCT = 0.05
"""Share of the rows by which a column of dates must have more distinct ones to be taken instead of one before it."""
TIME_NAMES = (
    *("ds", "date", "datetime", "timestamp", "time", "month", "quarter", "year", "week", "day", "period"),
    *("date_time", "time_stamp", "index", "t", "step", "datum", "zeit", "fecha", "日期", "时间"),
)
TARGET_NAMES = (
    *("y", "value", "values", "obs_value", "target", "target_value", "sales", "demand", "count", "cnt", "total"),
    *("close", "price", "load", "quantity", "qty", "units", "amount", "wert", "值"),
)
"""The first name is taken."""
SOLD_NAMES = ("quantity", "qty", "units")
"""What is sold comes before its price."""
OWN_ID_NAMES = ("unique_id", "series_id", "ts_id", "item_id")
"""Names that columns have for no other reason than to name series."""

ID_NAMES = ("unique_id", "series_id", "item_id", "ts_id", "id", "series", "item", "name", "store", "sku", "key")
THING_NAMES = (
    *("shop", "branch", "product", "dept", "department", "customer", "location", "station", "sensor", "warehouse"),
    *("machine", "device", "site", "vendor", "client", "article", "filiale", "laden", "kunde", "artikel", "produkt"),
    *("standort", "abteilung", "lager", "maschine", "tienda", "sucursal", "cliente", "producto", "artículo", "almacén"),
    *("magasin", "produit", "entrepôt", "negozio", "prodotto", "magazzino", "loja", "produto", "winkel", "klant"),
    *("butik", "kund", "sklep", "klient", "店", "店铺", "门店", "产品", "商品", "客户", "站点", "部门", "设备", "仓库"),
    *("магазин", "товар", "клиент", "склад"),
)
"""What series are of: names of ids, where times repeat."""
FIRST_MONTH, LAST_MONTH, OVER_NEW_YEAR = 190001, 210012, 89
FIRST_EPOCH, MIN_EPOCHS, MIN_REGULARITY = 10**9, 10, 0.8
"""Seconds of September 2001, distinct times that a column needs, and how regular they are."""
CODE_WORDS = ("id", "nbr", "nr", "no", "number", "code")
# Row numbers that spreadsheets, R and pandas write.
ROW_NUMBER_NAMES = (
    *("", "rownames", "row", "record", "recnbr", "rownum", "index", "unnamed: 0", "id", "no", "nr", "column 1"),
)
SAMPLE_SIZE = 200
SMALLEST_DAY = 15_000_101
"""The first day that is written as YYYYMMDD."""
LARGEST_DIGITS = 1e18
"""Larger numbers are no dates, nor whole numbers of 64 bits."""
MAX_LISTED_CHARACTERS = 200
MIN_DISTANCES = 5
MAX_JITTER = 0.1
"""By what share the distances of evenly spaced numbers may differ: 1.43, 1.57, 1.71, 1.86 are sevenths."""


class ColumnRoles(NamedTuple):
    """Indices of the columns of a long table.

    Args:
        id: Column of ids; None if no column is known to hold several series.
        time: Column of times; None if rows are only in order.
        target: Column of values to forecast.
    """

    id: int | None
    time: int | None
    target: int


def infer_roles(
    table: RawTable,
    id_col: str | None = None,
    time_col: str | None = None,
    target_col: str | None = None,
    exclude: Collection[int] = (),
) -> ColumnRoles:
    """Infer the roles of the columns that are not named.

    Times: the column of dates; or a numeric column with a usual name for times; or, next to other numbers, a first
    column of increasing integers or of evenly spaced numbers; or none. Target: the only numeric column left, or the one
    with a usual name. Ids: a column with a usual name for ids whose values repeat.

    Args:
        table: The table.
        id_col: Name of the id column.
        time_col: Name of the time column.
        target_col: Name of the target column.
        exclude: Columns with another role.

    Raises:
        ConfigError: No column has the name.
        DataError: No numeric column, or several candidates for the target.

    >>> table = RawTable(("Month", "Passengers"), (np.array(["2024-01"], object), np.array([112.0])))
    >>> infer_roles(table)
    ColumnRoles(id=None, time=0, target=1)
    """
    id_column, time, target = (
        None if name is None else find_column(table, name, argument)
        for name, argument in ((id_col, "id_col"), (time_col, "time_col"), (target_col, "target_col"))
    )
    taken = {*exclude, *(column for column in (id_column, target) if column is not None)}
    kinds = {i: _kind(column) for i, column in enumerate(table.columns) if i not in taken | {time}}
    ids_of_dates = [i for i in kinds if kinds[i] == "date" and table.names[i].lower() in OWN_ID_NAMES]
    if time is None:
        others = {i: kind for i, kind in kinds.items() if i not in ids_of_dates}
        time = _guess_time(table, others if "date" in others.values() else kinds, taken)
    taken |= {time} if time is not None else set()
    if target is None:
        target = _guess_target(table, kinds, taken, time)
    if id_column is None:
        candidates = [i for i in kinds if i not in (time, target) and (kinds[i] != "date" or i in ids_of_dates)]
        named = _first_by_name(table, candidates, ID_NAMES)
        if named is None and time is not None and _has_repeats(table.columns[time]):
            things = [i for i in candidates if table.has_header and table.names[i].lower() in THING_NAMES]
            named = things[0] if len(things) == 1 else None
        id_column = named if named is not None and _has_repeats(table.columns[named]) else None
    return ColumnRoles(id_column, time, target)


def find_time_column(table: RawTable, time_col: str | None, exclude: Collection[int]) -> int | None:
    """Return the time column of a wide table, None if it has none.

    Args:
        table: The table.
        time_col: Name of the column; inferred if None.
        exclude: Columns with another role.

    Raises:
        ConfigError: No column has the name.

    >>> find_time_column(RawTable(("ds", "a", "b"), (np.arange(3), np.ones(3), np.zeros(3))), None, ())
    0
    """
    if time_col is not None:
        return find_column(table, time_col, "time_col")
    kinds = {i: _kind(column) for i, column in enumerate(table.columns) if i not in exclude}
    return _guess_time(table, kinds, set(exclude))


def numeric_columns(table: RawTable, exclude: Collection[int]) -> list[int]:
    """Return the numeric columns, except row numbers and excluded ones.

    >>> table = RawTable(("", "a", "b"), (np.array([1, 2]), np.array([5.0, 6.0]), np.array(["x", "y"], object)))
    >>> numeric_columns(table, ())
    [1]
    """
    numbers = [i for i, column in enumerate(table.columns) if i not in exclude and _kind(column) == "number"]
    return [i for i in numbers if not _is_row_number(table, i)]


def find_column(table: RawTable, name: object, argument: str) -> int:
    """Return the index of the column with a given name.

    Args:
        table: The table.
        name: The name.
        argument: The argument that names it, for the message.

    Raises:
        ConfigError: No column has the name.

    >>> find_column(RawTable(("y",), (np.zeros(2),)), "y", "target_col")
    0
    """
    # Tables of other libraries may have numbers as names; here every name is a string.
    if str(name) in table.names:
        return table.names.index(str(name))
    by_lower = {other.lower(): other for other in table.names}
    close = [by_lower[match] for match in get_close_matches(str(name).lower(), by_lower, n=1, cutoff=0.5)]
    raise ConfigError(
        "Unknown column",
        where=argument,
        got=repr(name),
        expected=f"one of {list_columns(table.names)}",
        fix=f"Did you mean {close[0]!r}?" if close else "",
        argument=argument,
    )


def is_called_id(name: str) -> bool:
    """Return whether a column has a name for ids or codes of things, as store_nbr or Dept.

    >>> is_called_id("SKU"), is_called_id("store_nbr"), is_called_id("Year")
    (True, True, False)
    """
    words = [word for word in re.split(r"[^a-z]+", name.lower()) if word]
    return name.lower() in ID_NAMES or name.lower() in THING_NAMES or (len(words) > 1 and words[-1] in CODE_WORDS)


def _kind(column: RawColumn) -> str:
    """Content of a column, judged by its first values: "date", "number", "text" or "empty"."""
    head = column[: 4 * SAMPLE_SIZE]
    present = head[~is_missing(head)][:SAMPLE_SIZE]
    if not len(present):
        present = column[~is_missing(column)][:SAMPLE_SIZE]
    if not len(present):
        return "empty"
    if looks_like_dates(present):
        return "date"
    return "number" if parse_numbers(present).is_valid.mean() > 0.5 else "text"


def _first_by_name(table: RawTable, candidates: list[int], names: tuple[str, ...]) -> int | None:
    """The candidate whose name comes first in a list of usual names."""
    rank = {name: k for k, name in enumerate(names)}
    ranked = [(rank[table.names[i].lower()], i) for i in candidates if table.names[i].lower() in rank]
    return min(ranked)[1] if ranked and table.has_header else None


def _guess_time(table: RawTable, kinds: dict[int, str], taken: set[int]) -> int | None:
    """The column of times, None if there is none."""
    free = [i for i in kinds if i not in taken]
    dates = [i for i in free if kinds[i] == "date"]
    if dates:
        named = _first_by_name(table, dates, TIME_NAMES)
        return _most_regular(table, dates) if named is None else named
    numbers = [i for i in free if kinds[i] == "number"]
    named = _first_by_name(table, [i for i in free if kinds[i] != "empty"], TIME_NAMES)
    # A single column of numbers is what is forecast, unless another one is meant, whose values are no numbers.
    others = [i for i in free if kinds[i] == "text"]
    is_meant = "empty" in kinds.values() or _first_by_name(table, others, TARGET_NAMES) is not None
    if named is not None and (numbers != [named] or taken or is_meant):
        return named
    called = [i for i in numbers if table.has_header and is_called_time(table.names[i]) and _holds_dates(table, i)]
    if called and (len(numbers) > 1 or taken):
        return called[0]
    digits = [i for i in numbers if _holds_digit_dates(table.columns[i])]
    if digits and (len(numbers) > 1 or taken):
        return digits[0]
    # Before row numbers, which evenly spaced seconds since 1970 would be too.
    epochs = [i for i in numbers if _holds_epochs(table.columns[i])]
    if epochs and (len(numbers) > 1 or taken):
        return epochs[0]
    if numbers and (len(numbers) > 1 or taken) and _counts_rows(table.columns[numbers[0]]):
        return numbers[0]
    # Unique strings next to the numbers must be meant as times; parsing them produces the precise error.
    texts = [i for i in free if kinds[i] == "text" and not _has_repeats(table.columns[i])]
    return texts[0] if texts and (numbers or taken) else None


def _most_regular(table: RawTable, dates: list[int]) -> int:
    """Of several columns of dates the first, unless another is clearly more regular or repeats fewer times."""
    if len(dates) == 1:
        return dates[0]
    fits = []
    for i in dates:
        parsed = parse_times(table.columns[i][:MAX_JUDGED], name=table.names[i])
        times = parsed.values[parsed.is_valid]
        fits.append((regularity(times), len(np.unique(times)) / max(len(parsed.values), 1)))
    best = 0
    for k, (fit, distinct) in enumerate(fits):
        better = fit - fits[best][0]
        if better > CLEARLY_BETTER or (better > -CLEARLY_BETTER and distinct > fits[best][1] + MORE_DISTINCT):
            best = k
    return dates[best]


def _holds_digit_dates(column: RawColumn) -> bool:
    """Whether numbers are dates of at least a day, such as 20240131 or 2024013118, or months of several years."""
    numbers = _whole_numbers(column)
    if not len(numbers):
        return False
    if _are_months(numbers):
        return True
    # Other numbers of fewer digits are too often something else.
    if numbers.min() < SMALLEST_DAY:
        return False
    dates = integer_dates(numbers)
    return dates is not None and dates.meaning.startswith("YYYYMMDD")


def _are_months(numbers: IntArray) -> bool:
    """Whether numbers are months of several years one after the other: 202312 is followed by 202401."""
    months = np.unique(numbers)
    if len(months) < MIN_EPOCHS or months[0] < FIRST_MONTH or months[-1] > LAST_MONTH:
        return False
    if OVER_NEW_YEAR not in np.diff(months):
        return False
    dates = integer_dates(months)
    return dates is not None and dates.number_format == "YYYYMM" and regularity(dates.values) >= MIN_REGULARITY


def _holds_epochs(column: RawColumn) -> bool:
    """Whether numbers are regular times since 1970: amounts of such a size are not evenly spaced."""
    numbers = _whole_numbers(column)
    if len(numbers) < MIN_EPOCHS or numbers.min() < FIRST_EPOCH or len(np.unique(numbers)) < MIN_EPOCHS:
        return False
    dates = integer_dates(numbers)
    if dates is None or dates.number_format not in ("s", "ms", "us", "ns"):
        return False
    return regularity(dates.values) >= MIN_REGULARITY


def _holds_dates(table: RawTable, i: int) -> bool:
    """Whether the numbers of a column that is called like times are dates: years and months too."""
    numbers = _whole_numbers(table.columns[i])
    return len(numbers) > 0 and integer_dates(numbers, table.names[i]) is not None


def _whole_numbers(column: RawColumn) -> IntArray:
    """The first numbers of a column; none if some are no integers, or too large for dates."""
    head = column[: 4 * SAMPLE_SIZE]
    numbers = parse_numbers(head[~is_missing(head)][:SAMPLE_SIZE]).values
    is_whole = len(numbers) and (np.rint(numbers) == numbers).all() and np.abs(numbers).max() <= LARGEST_DIGITS
    return numbers.astype(np.int64) if is_whole else np.empty(0, np.int64)


def _guess_target(table: RawTable, kinds: dict[int, str], taken: set[int], time: int | None) -> int:
    """The column of values."""
    free = [i for i in kinds if i not in taken]
    numbers = [i for i in free if kinds[i] == "number"]
    if len(numbers) > 1:
        row_numbers = {i for i in numbers if _is_row_number(table, i)}
        ids = {i for i in numbers if is_called_id(table.names[i]) and _has_repeats(table.columns[i])}
        times = {i for i in numbers if i != time and _holds_epochs(table.columns[i])}
        numbers = [i for i in numbers if i not in row_numbers | ids | times] or numbers
        # What never varies is nothing to forecast.
        numbers = [i for i in numbers if not _is_constant(table.columns[i])] or numbers
    elif numbers and _is_id_next_to_target(table, numbers[0], free):
        # Booleans, and texts for the error about them, are the target where the only numbers are ids.
        numbers = []
    is_sold = any(table.names[i].lower() in SOLD_NAMES for i in numbers)
    target = _first_by_name(table, numbers, tuple(name for name in TARGET_NAMES if name != "price" or not is_sold))
    if target is None and len(numbers) > 1:
        # Nor is a part of times that are in a column of their own.
        parts = {i for i in numbers if time is not None and i != time and is_part_of_time(table.names[i])}
        numbers = [i for i in numbers if i not in parts] or numbers
    if target is not None or len(numbers) == 1:
        return numbers[0] if target is None else target
    if numbers:
        raise _ambiguous_target(table, numbers, time)
    # Without numbers the likeliest column is taken, so that parsing it can report its first invalid value.
    target = _first_by_name(table, free, TARGET_NAMES)
    likely = [i for i in free if kinds[i] == "empty"] or [i for i in free if kinds[i] == "text"]
    if target is not None or likely:
        return likely[-1] if target is None else target
    raise DataError(
        "No numeric column for the target",
        got=f"the columns {list_columns(table.names)}",
        expected="a column of numbers besides the times",
        fix="In a text file, separate the cells by a comma, semicolon, tab or |.",
    )


def _is_id_next_to_target(table: RawTable, i: int, free: list[int]) -> bool:
    """Whether numbers that repeat are ids by their name, and what is forecast is in another column."""
    if not table.has_header or not is_called_id(table.names[i]) or not _has_repeats(table.columns[i]):
        return False
    others = [other for other in free if other != i]
    return table.names[i].lower() in OWN_ID_NAMES or _first_by_name(table, others, TARGET_NAMES) is not None


def _ambiguous_target(table: RawTable, numbers: list[int], time: int | None) -> DataError:
    """The error for several columns that may be the target, the likeliest first."""

    def rank(i: int) -> tuple[bool, ...]:
        """What speaks against a column: no variation, few values, no usual name, a place between others."""
        column = table.columns[i][:SAMPLE_SIZE]
        present = column[~is_missing(column)]
        words = re.split(r"[^a-z]+", table.names[i].lower())
        is_usual = any(word in TARGET_NAMES for word in words if word)
        is_constant, is_sparse = len(set(present.tolist())) < 2, 2 * len(present) < len(column)
        is_beside_time = time is not None and abs(i - time) == 1
        return is_constant, is_sparse, not is_usual, i != numbers[-1], not is_beside_time

    ranked = sorted(numbers, key=rank)
    names = [table.names[i] for i in ranked]
    listed = 1
    while listed < len(names) and len(list_columns(names[: listed + 1])) <= MAX_LISTED_CHARACTERS:
        listed += 1
    # A comma separates names, so that one with a comma is passed in a list.
    named = "" if "," in "".join(names[:2]) else f"target_col={','.join(names[:2])!r}, or "
    return DataError(
        "Ambiguous target",
        got=f"the numeric columns {abridge(list(map(repr, names[:listed])), len(names))}",
        expected="one numeric column besides the times",
        fix=f"Set target_col, for example target_col={names[0]!r}. "
        f"To forecast several, set {named}target_col='*' for all.",
        argument="target_col",
    )


def _is_constant(column: RawColumn) -> bool:
    """Whether all values are the same."""
    present = column[~is_missing(column)]
    return len(present) >= MIN_EPOCHS and len(set(present.tolist())) == 1


def _is_row_number(table: RawTable, i: int) -> bool:
    """Whether a column only numbers the rows."""
    name = table.names[i].lower()
    return (name in ROW_NUMBER_NAMES or name.endswith("_id")) and _is_increasing(table.columns[i])


def _counts_rows(column: RawColumn) -> bool:
    """Whether the values are integers that increase from row to row, or numbers at equal distances."""
    return _is_increasing(column) or _is_evenly_spaced(column)


def _is_evenly_spaced(column: RawColumn) -> bool:
    """Whether the values increase from row to row by the same, but for rounding."""
    for rows in (column[:SAMPLE_SIZE], column):
        distances = np.diff(parse_numbers(rows).values)
        if len(distances) < MIN_DISTANCES or not np.allclose(distances, np.median(distances), rtol=MAX_JITTER, atol=0):
            return False
        if not distances[0] > 0:
            return False
    return True


def _is_increasing(column: RawColumn) -> bool:
    """Whether the values are integers that increase from row to row."""
    for rows in (column[:SAMPLE_SIZE], column):
        values = parse_numbers(rows).values
        if not ((values == np.rint(values)).all() and (np.diff(values) > 0).all()):
            return False
    return True


def _has_repeats(column: RawColumn) -> bool:
    """Whether some values are equal."""
    head = column[:SAMPLE_SIZE].tolist()
    return len(set(head)) < len(head) or len(set(column.tolist())) < len(column)
