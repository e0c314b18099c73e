"""Calendar tables: a row for each year and a column for each month, a row for each day and a column for each hour.

They become long tables, with one row for each time. Their columns may be months, quarters or halves of a year, days of
a month, days of a week, or hours of a day; or they are years, and their rows months or weeks.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from gatecast._utils.dates import later
from gatecast._utils.formatting import format_count
from gatecast._utils.typing import FloatArray, IntArray
from gatecast.data.frequency import Times, weekday
from gatecast.data.messages import list_columns, shorten
from gatecast.data.parsing.column_roles import is_called_id
from gatecast.data.parsing.date_words import fold, month_numbers, quarter_number, weekday_numbers
from gatecast.data.parsing.dates import iso_weeks
from gatecast.data.parsing.numbers import parse_numbers
from gatecast.data.parsing.raw_table import RawColumn, RawTable, is_missing, take_rows, to_text
from gatecast.data.parsing.time_names import NAMES, plain_name, tells
from gatecast.data.parsing.time_parts import are_fiscal, are_spans, note_fiscal
from gatecast.data.parsing.timestamps import parse_times
from gatecast.data.parsing.total_words import is_called_total
from gatecast.errors import DataError

__all__ = ["CalendarTable", "unpivot_calendar"]

# Columns next to those of the calendar that repeat what they hold, next to those that are called totals.
_SUMMARIES = frozenset(
    {"annual", "year", "yearly", "average", "avg", "mean", "ann", "all", "ytd", "fy", "year total", "full year"}
    | {"jahr", "mittel", "moyenne", "media", "djf", "mam", "jja", "son", "jd", "dn"}
)
MIN_YEARS = 2
MIN_FOLLOWING = 4
"""Steps of one year by which numbers called after things are years."""
MIN_ROWS_OF_TIMES = 0.5
MIN_EQUAL = 0.8
SAMPLE_SIZE = 200
N_HOURS = 24
N_MONTHS = 12
MINUTES_PER_DAY = 1440
_CLOCK_NAME = re.compile(r"(\d{1,2})[:.h](\d\d)(?::00)?(?: ?(?:-|–|to|bis) ?\d{1,2}[:.h]\d\d(?::00)?)?")
_HALF = re.compile(r"h[12]|[12]h", re.IGNORECASE)
_YEAR = re.compile(r"(?:1[5-9]|2[01])\d\d")
_WEEK = re.compile(r"(?:w|wk|week|kw|cw)[ _.-]*0?(\d{1,2})", re.IGNORECASE)
_NO_NAMES = frozenset({"", "row_labels", "nr", "nr.", "no", "no.", "#", "index", "m", "unnamed:_0", "column_1"})
_PARTS_OF_YEAR = (("month", 12), ("week", 53), ("week", 52))


class CalendarTable(NamedTuple):
    """A long table made of a calendar table.

    Args:
        table: The table, with a row for each time.
        time_col: Its time column.
        target_col: Its column of values.
    """

    table: RawTable
    time_col: str
    target_col: str


class _Kind(NamedTuple):
    """A kind of calendar table.

    Args:
        row: What a row is, as a word and as a unit of NumPy.
        column: What a column is.
        find: Returns the number of each name, None where it has none; None if the names are not of this kind.
        to_times: Returns the times of a column from those of the rows; NaT for one that does not exist.
    """

    row: str
    unit: str
    column: str
    find: Callable[[Sequence[str]], dict[int, int] | None]
    to_times: Callable[[Times, int], Times]


def unpivot_calendar(table: RawTable) -> CalendarTable | None:
    """Make a calendar table long; None for another table.

    >>> names = ("year", "Q1", "Q2", "Q3", "Q4", "total")
    >>> columns = tuple(np.array(pair) for pair in ([2020, 2021], [1, 5], [2, 6], [3, 7], [4, 8], [10, 26]))
    >>> long = unpivot_calendar(RawTable(names, columns))
    >>> long.table.columns[0].astype("M8[M]").astype(str).tolist()[:3], long.table.columns[1].tolist()
    (['2020-01', '2020-04', '2020-07'], [1, 2, 3, 4, 5, 6, 7, 8])
    """
    if not table.has_header or len(table.names) < 3 or len(table) == 0 or table.utc_offsets:
        return None
    for kind in _KINDS:
        numbers = kind.find(table.names)
        if numbers is None or not _hold_numbers(table, list(numbers)):
            continue
        rows = _row_times(table, [i for i in range(len(table.names)) if i not in numbers], kind)
        if rows is not None:
            return _unpivot(table, kind, numbers, *rows)
        if kind.column == "month" and not any(table.names[i].strip().isdigit() for i in numbers):
            _check_years(table, list(numbers))
    return _unpivot_years(table)


def _row_times(table: RawTable, others: Sequence[int], kind: _Kind) -> tuple[int, Times] | None:
    """The column with the years, months or days of the rows, and these; NaT in rows below the table."""
    for i in others:
        column = table.columns[i]
        parsed = parse_times(column, name=table.names[i])
        # Numbers of shops and products from 1500 to 2199 are no years.
        is_id = is_called_id(table.names[i]) and not tells("year", table.names[i])
        if parsed.number_format and is_id and not _follow_each_other(parsed.values, kind.unit):
            continue
        times, is_valid = parsed.values, parsed.is_valid
        if times.dtype.kind != "M" or is_valid.mean() < MIN_ROWS_OF_TIMES or not is_valid[0]:
            continue
        valid = times[is_valid]
        # Of rows for days, some follow each other: numbers from 1 to 96 in weekly rows are no parts of a day.
        if kind.unit == "D" and len(valid) > 1 and np.diff(np.sort(valid)).min() != np.timedelta64(1, "D"):
            continue
        n = int(np.flatnonzero(is_valid)[-1]) + 1
        if is_valid[:n].all() and _are_starts(valid, kind.unit):
            return i, times
    return None


def _check_years(table: RawTable, columns: Sequence[int]) -> None:
    """Refuse columns of months next to names and numbers of things alone: nothing says of which year they are."""
    others = [i for i in range(len(table.names)) if i not in columns]
    named = [i for i in others if is_called_id(table.names[i])]
    if not named or any(parse_times(table.columns[i]).is_valid.mean() > 1 / 2 for i in others if i not in named):
        return
    first = columns[0]
    months = f"columns {table.names[first]!r} to {table.names[columns[-1]]!r}"
    raise DataError(
        "Months without a year",
        got=f"{months} next to {list_columns([table.names[i] for i in named])}",
        expected="columns that are called after months of a year",
        fix=f"Add the year to the names of the columns, as in '{table.names[first]} 2024'.",
    )


def _follow_each_other(times: Times, unit: str) -> bool:
    """Whether times are one year, month, week or day after the other: five numbers of shops hardly are."""
    steps = np.diff(times[~np.isnat(times)].astype(f"M8[{unit}]").astype(np.int64))
    return len(steps) >= MIN_FOLLOWING and bool((steps == 1).all())


def _are_starts(times: Times, unit: str) -> bool:
    """Whether times are starts of years, months or days, or of weeks on one weekday."""
    if unit == "W":
        return _are_starts(times, "D") and len(np.unique(weekday(times))) == 1
    return bool((times == times.astype(f"M8[{unit}]")).all()) and (len(times) == 1 or len(np.unique(times)) > 1)


def _unpivot(
    table: RawTable, kind: _Kind, numbers: dict[int, int], time: int, row_times: Times
) -> CalendarTable | None:
    """The long table; None if a value stands at a time that does not exist, or if columns wrap into the next year."""
    n_rows = int(np.flatnonzero(~np.isnat(row_times))[-1]) + 1
    body, columns = take_rows(table, np.arange(n_rows)), list(numbers)
    starts = row_times[:n_rows]
    wraps = [k for k in range(1, len(columns)) if numbers[columns[k]] < numbers[columns[k - 1]]]
    wraps_year = kind.row == "year" and len(wraps) > 0
    spans = wraps_year and are_spans(body.columns[time])
    fiscal = wraps_year and not spans and are_fiscal(body.columns[time], body.names[time])
    if wraps_year and not (spans or fiscal):
        return None
    times = np.stack([kind.to_times(starts, numbers[i]) for i in columns], axis=1)
    if spans or fiscal:
        # 2019/20 begins in 2019, FY20 too.
        moved = np.arange(len(columns))[wraps[0] :] if spans else np.arange(wraps[0])
        other = later(starts.astype("M8[Y]"), 1 if spans else -1).astype("M8[us]")
        for k in moved:
            times[:, k] = kind.to_times(other, numbers[columns[k]])
    if kind.row == "week":
        # The days of a row follow each other: those that would come after the last one are before it, as where a row
        # is called after the end of its week.
        times = np.where(times > times[:, -1:], times - np.timedelta64(7, "D"), times)
    values = _stack([body.columns[i] for i in columns])
    present = ~is_missing(values)
    flat = times.ravel()
    if not present.any() or np.isnat(flat[present]).any():
        return None
    # Cells that are still empty, as of the rest of this year, are no rows.
    keep = np.flatnonzero((flat >= flat[present].min()) & (flat <= flat[present].max()))
    totals = _find_totals(body, columns, time)
    rest = [i for i in range(len(table.names)) if i not in {time, *columns, *totals}]
    names = [body.names[time], next(name for name in ("value", "values", "y_") if name not in table.names)]
    long = replace(
        take_rows(body, keep // len(columns)),
        names=(*names, *(body.names[i] for i in rest)),
        columns=(flat[keep], values[keep], *(body.columns[i][keep // len(columns)] for i in rest)),
        types={name: column_type for name, column_type in table.types.items() if name in {body.names[i] for i in rest}},
        notes=(*table.notes, *_notes(table, kind, columns, totals, n_rows), *_fiscal_notes(body, time, fiscal, times)),
    )
    return CalendarTable(long, names[0], names[1])


def _unpivot_years(table: RawTable) -> CalendarTable | None:
    """The long table of one whose rows are months or weeks and whose columns are years; None for another table."""
    years = {i: int(name) for i, name in enumerate(table.names) if _YEAR.fullmatch(name.strip())}
    if len(years) < MIN_YEARS or not _hold_numbers(table, list(years)):
        return None
    rows = _find_rows_of_year(table, [i for i in range(len(table.names)) if i not in years])
    if rows is None:
        return None
    first, unit, n = rows
    others = [i for i in range(len(table.names)) if i != first and i not in years]
    numbers = np.array(list(years.values()))
    parts = [_first_of_part(numbers, unit, part) for part in range(1, n + 1)]
    flat = np.stack(parts).ravel()
    values = _stack([table.columns[i][:n] for i in years])
    present = ~is_missing(values)
    if not present.any() or np.isnat(flat[present]).any():
        return None
    keep = np.flatnonzero((flat >= flat[present].min()) & (flat <= flat[present].max()))
    keep = keep[np.argsort(flat[keep], kind="stable")]
    long = replace(
        take_rows(table, keep // len(years)),
        names=(table.names[first], "value"),
        columns=(flat[keep], values[keep]),
        types={},
        notes=(
            *table.notes,
            f"The table has a row for each {unit} and a column for each year, {min(years.values())} to "
            f"{max(years.values())}: they are joined.",
            *([f"Left out: {list_columns([table.names[i] for i in others])}."] if others else []),
            *_note_below(table, n),
        ),
    )
    return CalendarTable(long, long.names[0], "value")


def _find_rows_of_year(table: RawTable, columns: Sequence[int]) -> tuple[int, str, int] | None:
    """The column that says which part of a year rows are, what they are, and how many; None where they are none.

    Rows that are only numbered are months or weeks where their column is called so; ranks, shops and ages are numbered
    too. Twelve of a column without a name are months, unless other texts say of what each row is.
    """
    for is_named in (True, False):
        for first in columns:
            rows = _parts_of_year(table.columns[first], table.names[first], is_named=is_named)
            others = (table.columns[i] for i in columns if i != first)
            if rows is not None and (is_named or not any(_tells_apart(other[: rows[1]]) for other in others)):
                return first, *rows
    return None


def _parts_of_year(column: RawColumn, name: str, *, is_named: bool) -> tuple[str, int] | None:
    """What rows are, "month" or "week", and how many of them; None if the first are not all of a year in order.

    What follows them is no part of a year: a total, a source.

    Args:
        column: Numbers or names of parts of a year.
        name: Of the column.
        is_named: Whether numbers count where the column is called after the part; otherwise where it has no real name.
    """
    texts = [text.strip() for text in column] if column.dtype.kind == "O" else []
    if any(month_numbers([text]) for text in texts[N_MONTHS:]):
        return None
    if all(text.isdigit() for text in texts[:N_MONTHS]):
        numbers = parse_numbers(column).values
        has_no_name = plain_name(name) in _NO_NAMES | NAMES["period"]
        units = [
            (unit, n)
            for unit, n in _PARTS_OF_YEAR
            if (tells(unit, name) if is_named else has_no_name and unit == "month")
        ]
        known = [unit_and_n for unit_and_n in units if _counts(numbers, unit_and_n[1])]
        return known[0] if known else None
    if month_numbers(texts[:N_MONTHS]) == list(range(1, N_MONTHS + 1)):
        return "month", N_MONTHS
    matches = [_WEEK.fullmatch(text) for text in texts]
    weeks = np.array([float(match[1]) if match else np.nan for match in matches])
    n = next((n for unit, n in _PARTS_OF_YEAR if unit == "week" and _counts(weeks, n)), None)
    return None if n is None else ("week", n)


def _counts(numbers: FloatArray, n: int) -> bool:
    """Whether the first n numbers are 1 to n, and none follows."""
    return np.array_equal(numbers[:n], np.arange(1.0, n + 1)) and not np.isfinite(numbers[n:]).any()


def _first_of_part(years: IntArray, unit: str, part: int) -> Times:
    """The first day of a month or a week of each year; NaT for a week that does not exist."""
    if unit == "week":
        return iso_weeks(years, np.full_like(years, part))
    return _month_of_year((years - 1970).astype("M8[Y]").astype("M8[us]"), part)


def _tells_apart(column: RawColumn) -> bool:
    """Whether a column holds different texts."""
    present = column[~is_missing(column)]
    texts = column.dtype.kind == "O" and len(present) > 0 and parse_numbers(present).is_valid.mean() <= 1 / 2
    return texts and len(set(present.tolist())) > 1


def _note_below(table: RawTable, n_rows: int) -> tuple[str, ...]:
    """That rows below the table are left out."""
    if n_rows == len(table):
        return ()
    text = shorten(" ".join(str(column[n_rows]) for column in table.columns[:2]).strip())
    count = format_count(len(table) - n_rows, "row")
    return (f"Below the table {count} left out, from {table.describe_row(n_rows)} on: {text!r}.",)


def _notes(table: RawTable, kind: _Kind, columns: Sequence[int], totals: Sequence[int], n_rows: int) -> tuple[str, ...]:
    """What was turned, and what was left out."""
    names = f"{table.names[columns[0]]!r} to {table.names[columns[-1]]!r}"
    notes = [f"The table has a row for each {kind.row} and a column for each {kind.column}, {names}: they are joined."]
    if totals:
        notes.append(f"Left out as totals of others: {list_columns([table.names[i] for i in totals])}.")
    return (*notes, *_note_below(table, n_rows))


def _fiscal_notes(table: RawTable, time: int, are_fiscal: bool, times: Times) -> tuple[str, ...]:
    """What the first month of fiscal years is."""
    if not are_fiscal:
        return ()
    return (note_fiscal(table.columns[time][0], times[0, 0]),)


def _stack(columns: Sequence[RawColumn]) -> RawColumn:
    """Columns side by side, row after row: numbers, or texts if one of them has texts."""
    if any(column.dtype.kind == "O" for column in columns):
        columns = [to_text(column) for column in columns]
    return np.asarray(np.stack(columns, axis=1).ravel())


def _find_totals(table: RawTable, columns: Sequence[int], time: int) -> list[int]:
    """Columns that are called totals, or hold the sum or the mean of those of the calendar."""
    values = np.stack([parse_numbers(table.columns[i], table.decimal_mark).values for i in columns], axis=1)
    full = np.isfinite(values).all(axis=1)
    totals = []
    for i in range(len(table.names)):
        if i == time or i in columns or not _hold_numbers(table, [i]):
            continue
        other = parse_numbers(table.columns[i], table.decimal_mark).values[full]
        sums = values[full].sum(axis=1)
        # Totals are often rounded.
        is_total = any(
            len(other) and np.isclose(other, total, rtol=2e-3, atol=0.06).mean() >= MIN_EQUAL
            for total in (sums, sums / len(columns))
        )
        name = re.sub(r"[\s_]+", " ", re.sub(r"[-.]", "", fold(table.names[i])))
        if is_total or _is_part_of_year(name) or is_called_total(name) or name in _SUMMARIES:
            totals.append(i)
    return totals


def _hold_numbers(table: RawTable, columns: Sequence[int]) -> bool:
    """Whether columns hold numbers or nothing, by their first values."""
    for i in columns:
        head = table.columns[i][:SAMPLE_SIZE]
        if head.dtype.kind == "M":
            return False
        present = head[~is_missing(head)]
        if head.dtype.kind == "O" and len(present) and parse_numbers(present).is_valid.mean() <= 1 / 2:
            return False
    return True


def _find_months(names: Sequence[str]) -> dict[int, int] | None:
    """Columns of the twelve months, by name in any language or by number."""
    numbered = _find_numbers(names, r"(?:m|month)?[ _-]?0?(\d{1,2})", range(1, 13))
    if numbered is not None:
        return numbered
    # Quarters and halves between the months are their totals.
    columns = [i for i, name in enumerate(names) if not _is_part_of_year(name.strip())]
    for start in range(len(columns) - 11):
        window = columns[start : start + 12]
        months = month_numbers([names[i] for i in window])
        if months is not None and sorted(months) == list(range(1, 13)):
            return dict(zip(window, months, strict=True))
    return None


def _is_part_of_year(name: str) -> bool:
    """Whether a name is that of a quarter or a half of a year."""
    return quarter_number(name) is not None or _HALF.fullmatch(name) is not None


def _find_quarters(names: Sequence[str]) -> dict[int, int] | None:
    """Columns of the four quarters, by name or by number."""
    quarters = {i: quarter for i, name in enumerate(names) if (quarter := quarter_number(name.strip())) is not None}
    return quarters if list(quarters.values()) == [1, 2, 3, 4] else _find_numbers(names, "([1-4])", range(1, 5))


def _find_weekdays(names: Sequence[str]) -> dict[int, int] | None:
    """Columns of seven or of five days of the week, by name in any language; 0 is the day of the first column."""
    for n_days in (7, 5):
        for start in range(len(names) - n_days + 1):
            days = weekday_numbers(names[start : start + n_days])
            if days is not None and [(day - days[0]) % 7 for day in days] == list(range(n_days)):
                return {start + k: day for k, day in enumerate(days)}
    return None


def _find_hours(names: Sequence[str]) -> dict[int, int] | None:
    """Columns of the 24 hours of a day: 0 to 23, 1 to 24, 00:00 to 23:00."""
    pattern = r"(?:h|he|hr|hour)?[ _-]?(\d{1,2})(?:[:.]?00)?(?: ?h)?"
    for first in (0, 1):
        hours = _find_numbers(names, pattern, range(first, first + N_HOURS))
        others = [] if hours is None else [name for i, name in enumerate(names) if i not in hours]
        # Between full hours there are half ones: 24 of the columns are not all.
        if hours is not None and not any(_CLOCK_NAME.fullmatch(name.strip().lower()) for name in others):
            return hours
    return None


def _find_clock_times(names: Sequence[str]) -> dict[int, int] | None:
    """Columns of times that divide a day, in minutes: 00:00, 00:15, ..., 23:45, or 00:15 to 24:00; the starts of spans.

    Periods that are only numbered, as SP1 to SP48 or 1 to 96, are half and quarter hours from midnight on. From 1 to 48
    without a name they could be anything.
    """
    for n, optional in ((48, ""), (96, "?")):
        numbered = _find_numbers(
            names, rf"(?:p|sp|hh|qh|mtu|period|interval){optional}[ _-]?(\d{{1,2}})", range(1, n + 1)
        )
        if numbered is not None:
            return {i: (k - 1) * MINUTES_PER_DAY // n for i, k in numbered.items()}
    matches = {i: _CLOCK_NAME.fullmatch(name.strip().lower()) for i, name in enumerate(names)}
    minutes = {i: 60 * int(match[1]) + int(match[2]) for i, match in matches.items() if match}
    if len(minutes) < N_HOURS:
        return None
    starts, step = np.array(list(minutes.values())), MINUTES_PER_DAY // len(minutes)
    # What is at the end of an interval ends at midnight.
    ends = np.append(starts[:-1], starts[-1] or MINUTES_PER_DAY)
    for first, times in ((0, starts), (step, ends)):
        if np.array_equal(times, first + step * np.arange(len(times))) and len(times) * step == MINUTES_PER_DAY:
            return dict(zip(minutes, times.tolist(), strict=True))
    return None


def _find_numbers(names: Sequence[str], pattern: str, numbers: range) -> dict[int, int] | None:
    """Columns whose names are all numbers of a range, in order."""
    matches = {i: re.fullmatch(pattern, name.strip().lower()) for i, name in enumerate(names)}
    numbered = {i: int(match[1]) for i, match in matches.items() if match}
    return numbered if list(numbered.values()) == list(numbers) else None


def _month_of_year(times: Times, month: int) -> Times:
    """The first of a month of each year."""
    return np.asarray(later(times.astype("M8[M]"), month - 1).astype("M8[us]"))


def _day_of_month(times: Times, day: int) -> Times:
    """A day of each month; NaT if it does not exist."""
    dates = later(times.astype("M8[D]"), day - 1)
    return np.where(dates.astype("M8[M]") == times.astype("M8[M]"), dates.astype("M8[us]"), np.datetime64("NaT", "us"))


def _day_of_week(times: Times, day: int) -> Times:
    """A day of each week that begins at the time of its row."""
    return np.asarray(later(times.astype("M8[D]"), (day - weekday(times[:1])[0]) % 7).astype("M8[us]"))


def _minute_of_day(times: Times, minute: int) -> Times:
    """A minute of each day."""
    return np.asarray(times + np.timedelta64(minute, "m"))


def _hour_of_day(times: Times, hour: int) -> Times:
    """An hour of each day."""
    return np.asarray(times + np.timedelta64(hour, "h"))


_KINDS = (
    _Kind("year", "Y", "month", _find_months, _month_of_year),
    _Kind(
        "year",
        "Y",
        "quarter",
        _find_quarters,
        lambda times, quarter: _month_of_year(times, 3 * quarter - 2),
    ),
    _Kind(
        "year",
        "Y",
        "half",
        lambda names: _find_numbers(names, r"[hs]([12])", range(1, 3)),
        lambda times, half: _month_of_year(times, 6 * half - 5),
    ),
    _Kind(
        "month",
        "M",
        "day",
        lambda names: _find_numbers(names, r"(?:d|day)?[ _-]?(\d{1,2})", range(1, 32)),
        _day_of_month,
    ),
    _Kind("day", "D", "time of day", _find_clock_times, _minute_of_day),
    _Kind("day", "D", "hour", _find_hours, _hour_of_day),
    _Kind("week", "W", "day", _find_weekdays, _day_of_week),
)
