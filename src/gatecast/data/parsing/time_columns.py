"""Times that are spread over several columns: date and clock, date and hour, year and month, ..., joined into one.

The columns are found by their names and by what they hold. Dates are joined as values, not as text, so that each keeps
its notation.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from gatecast._utils.typing import IntArray
from gatecast.data.frequency import Times
from gatecast.data.messages import list_columns
from gatecast.data.parsing.date_words import zone_offset
from gatecast.data.parsing.dates import MAX_TWO_DIGIT_YEAR, iso_weeks, make_dates
from gatecast.data.parsing.known_notation import UNKNOWN_NOTATION, KnownNotation
from gatecast.data.parsing.numbers import parse_numbers
from gatecast.data.parsing.outlines import drop_subtotals, fill_merged_cells, find_outline
from gatecast.data.parsing.parsed_times import ParsedTimes
from gatecast.data.parsing.raw_table import RawColumn, RawTable, factorize, is_missing, take_rows, to_text
from gatecast.data.parsing.regularity import regularity
from gatecast.data.parsing.time_names import NAMES, is_called, plain_name
from gatecast.data.parsing.time_parts import (
    are_fiscal,
    are_spans,
    find_fiscal_month,
    find_named_months,
    note_fiscal,
    read_clock,
    read_counted_hours,
    read_integers,
    read_months,
    read_numbered,
    read_parts,
    read_periods,
    read_years,
)
from gatecast.data.parsing.timestamps import looks_like_dates, parse_times

__all__ = ["join_time_columns"]

_PLAIN_CLOCK = re.compile(r"\d{1,2}:\d\d(?::\d\d(?:[.,]\d+)?)?")
_MICROSECONDS = {"hour": 3_600_000_000, "minute": 60_000_000, "second": 1_000_000}
_PARTS_OF_YEAR = ("half", "period", "month", "week", "day_of_year", "hour")
"""Next to these no column is searched for names of months."""
_LETTERS = {"year": "y", "quarter": "q", "month": "m", "week": "w", "day": "d", "hour": "h"}
"""Names of parts that only mean them together: y alone is what is forecast."""
N_HALVES, N_QUARTERS, N_MONTHS, N_WEEKS, N_HOURS = 2, 4, 12, 53, 24
LAST_PERIOD = 16
"""SAP has four special periods behind the months of a fiscal year; 13 periods are those of four weeks."""
SAMPLE_SIZE = 200
MIN_REGULARITY = 0.5
MIN_CLOCKS = 3
MAX_ORDERED = 2_000
"""Rows by which the order of day and month is decided."""
NO_ZONES = ("Z", "WEST", "WET")
"""Abbreviations that are grades, regions and the like where a column is not called after zones."""
MAX_FIRST = 3
"""Columns among which that of the dates is expected."""
MAX_COLUMNS = 20
"""Columns in which times are looked for, and cells by which a column of zones is recognized."""


class _Joined(NamedTuple):
    """Times joined from columns of a table.

    Args:
        columns: Indices of the columns, in order.
        values: datetime64[us], NaT where a part is none, shape (n_rows,).
        notes: What was assumed.
        utc_offsets: Minutes ahead of UTC of every row, None without a zone.
        date_order: Order of day and month of the dates, as in `ParsedTimes`.
        rows: Rows of the table that have a time; None for all.
        fiscal_month: Month in which fiscal years begin, as in `KnownNotation`.
    """

    columns: tuple[int, ...]
    values: Times
    notes: tuple[str, ...] = ()
    utc_offsets: IntArray | None = None
    date_order: str = ""
    rows: IntArray | None = None
    fiscal_month: int = 0


def join_time_columns(
    table: RawTable,
    time_col: str | None = None,
    keep: Collection[str] = (),
    known: KnownNotation = UNKNOWN_NOTATION,
) -> RawTable:
    """Join columns that together hold the times into a first column; a zone next to a time becomes its UTC offset.

    Args:
        table: The table; unchanged if one column holds the times.
        time_col: Time column, if it is named: then nothing is joined.
        keep: Columns with another role: they stay even if they are joined, and are no zones.
        known: What rows that were read before tell.

    >>> table = RawTable(("Year", "Month", "y"), (np.array([2024, 2024]), np.array([1, 2]), np.ones(2)))
    >>> joined = join_time_columns(table)
    >>> joined.names, joined.columns[0].astype("M8[M]").astype(str).tolist()
    (('Year-Month', 'y'), ['2024-01', '2024-02'])
    """
    if len(table) == 0:
        return table
    table = drop_subtotals(table)
    if time_col is not None:
        return fill_merged_cells(table)
    outline = find_outline(table)
    if outline is not None and any(
        _is_date(c) for i, c in enumerate(table.columns[:MAX_COLUMNS]) if i != outline.column
    ):
        outline = None
    if outline is not None:
        joined: _Joined | None = _Joined((outline.column,), outline.values, (outline.note,), rows=outline.rows)
    else:
        parts = _find_parts(table, keep)
        joined = None if _has_dates(table, parts) else _join_year(table, parts, known)
        joined = joined or _join_date(table, parts, known) or _join_zone(table, parts, keep)
    return fill_merged_cells(table if joined is None else _replace_columns(table, joined, keep))


def _has_dates(table: RawTable, parts: dict[str, int]) -> bool:
    """Whether a column of dates, called so or one of the first, makes parts of dates next to it needless.

    A date of publication does not: there are fewer of them.
    """
    columns = {parts["date"]} if "date" in parts else set(range(min(MAX_FIRST, len(table.names))))
    dates = [i for i in sorted(columns - {parts.get("year"), parts.get("day")}) if _is_date(table.columns[i])]
    used = [
        table.columns[parts[part]].tolist() for part in ("year", "month", "quarter", "week", "period") if part in parts
    ]
    n_parts = len(set(zip(*used, strict=True))) if dates and used else 0
    return any(len(set(table.columns[i].tolist())) >= n_parts for i in dates)


def _find_parts(table: RawTable, keep: Collection[str]) -> dict[str, int]:
    """The first column of each part, by name."""
    parts: dict[str, int] = {}
    for i, name in enumerate(table.names):
        for part in NAMES:
            if part not in parts and is_called(part, name):
                parts[part] = i
    # YY MM DD hh mm: what follows the hours are minutes.
    after_hour = parts.get("hour", len(table.names)) + 1
    if (
        "minute" not in parts
        and after_hour not in parts.values()
        and "mm" in map(plain_name, table.names[after_hour:][:1])
    ):
        parts["minute"] = after_hour
    if not {"clock", "span", "half_hour", "hour"} & set(parts):
        unnamed = next((i for i, column in enumerate(table.columns[:MAX_COLUMNS]) if _holds_clocks(column)), None)
        parts |= {} if unnamed is None else {"unnamed_clock": unnamed}
    return parts | _find_letters(table, keep) | _find_named_parts(table, parts, keep)


def _find_letters(table: RawTable, keep: Collection[str]) -> dict[str, int]:
    """Columns called Y and M (Q, W), with D and H if there are, that are regular times next to other columns."""
    places = {plain_name(name): i for i, name in reversed([*enumerate(table.names)]) if name not in keep}
    letters = {part: places[letter] for part, letter in _LETTERS.items() if letter in places}
    year = read_years(table, letters.get("year"))
    limits = {"month": 12, "quarter": 4, "week": 53}
    # Of two columns, y is what is forecast.
    if year is None or len(table.names) == 2:
        return {}
    # Next to others Q may be a quantity, and W a weight.
    read = ((n, read_integers(table, letters.get(part), 1, n)) for part, n in limits.items())
    steps = next((np.unique(year * n + part) for n, part in read if part is not None), None)
    return letters if steps is not None and regularity(steps) >= MIN_REGULARITY else {}


def _find_named_parts(table: RawTable, parts: dict[str, int], keep: Collection[str]) -> dict[str, int]:
    """A column whose cells name months, and the year: by its name, or next to it, if that is all."""
    candidates = [parts[part] for part in ("year", "clock", "whole", "date") if part in parts]
    if any(i not in candidates for part, i in parts.items() if part in _PARTS_OF_YEAR):
        return {}
    named = None if any(map(_is_date, table.columns[:MAX_COLUMNS])) else find_named_months(table)
    if named is None or table.names[named] in keep:
        return {}
    # Without a name the years stand next to the months.
    neighbors = [i for i in (named - 1, named + 1) if 0 <= i < len(table.names)]
    year = next((i for i in (*candidates, *neighbors) if read_years(table, i) is not None), parts.get("year"))
    return {} if year is None else {"year": year, "month": named}


def _holds_clocks(column: RawColumn) -> bool:
    """Whether a column of another name is one of clock times: texts such as 05:30 or 18:00:00, several in a day.

    One or two are when a shop opens, or closes.
    """
    texts = {text.strip() for text in _sample(column)} if column.dtype.kind == "O" else set()
    return len(texts) >= MIN_CLOCKS and all(map(_PLAIN_CLOCK.fullmatch, texts))


def _join_year(table: RawTable, parts: dict[str, int], known: KnownNotation) -> _Joined | None:
    """Year and month, with day and clock if there are; year and quarter, half, week or day of the year."""
    year = read_years(table, parts.get("year"))
    if year is not None:
        joined = _join_full_year(table, parts, year, known)
        column = table.columns[parts["year"]]
        if joined is None or joined.fiscal_month or column.dtype.kind != "O":
            return joined
        if are_spans(column):
            meaning = "Years that end in the next calendar year are read as the year in which they begin"
        elif str(column[0]).strip()[0].isdigit():
            return joined
        else:
            meaning = "Fiscal years are read as the calendar year of the same number"
        return joined._replace(notes=(f"{meaning}: {column[0]!r} is {year[0]}.", *joined.notes))
    if (year := _filled_down(table, parts)) is not None:
        joined = _join_full_year(table, parts, year, known)
        note = "Empty years are those of the rows above."
        return None if joined is None else joined._replace(notes=(*joined.notes, note))
    short = read_integers(table, parts.get("year"), 0, 99) if "month" in parts else None
    if short is None:
        return None
    year = np.where(short <= MAX_TWO_DIGIT_YEAR, 2000, 1900) + short
    joined = _join_full_year(table, parts, year, known)
    note = f"Two-digit years: {short[0]:02d} is read as {year[0]}."
    return None if joined is None else joined._replace(notes=(*joined.notes, note))


def _filled_down(table: RawTable, parts: dict[str, int]) -> IntArray | None:
    """Years that are written in the first month of each alone; None for others."""
    column = None if "year" not in parts else table.columns[parts["year"]]
    months = None if column is None else read_months(table, parts.get("month"))
    if column is None or months is None:
        return None
    is_given = ~is_missing(column)
    # Months go up until the next year is given.
    if not is_given[0] or (np.diff(months)[~is_given[1:]] <= 0).any():
        return None
    given = parse_numbers(column[is_given]).values
    if not (given == np.rint(given)).all() or given.min() < 1500 or given.max() > 2200:
        return None
    return np.asarray(given.astype(np.int64)[np.cumsum(is_given) - 1])


def _join_full_year(table: RawTable, parts: dict[str, int], year: IntArray, known: KnownNotation) -> _Joined | None:
    """The same, given the years."""
    one = np.ones_like(year)
    if (month := read_months(table, parts.get("month"))) is not None:
        begin = 0
        fiscal_notes: tuple[str, ...] = ()
        years, has_spans = table.columns[parts["year"]], are_spans(table.columns[parts["year"]])
        if has_spans or are_fiscal(years, table.names[parts["year"]]):
            begin = known.fiscal_month if known.time else find_fiscal_month(year, month)
        if begin:
            # 2019/20 begins in 2019, FY20 too.
            first = make_dates(year[:1] - (not has_spans), np.array([begin]), one[:1])
            fiscal_notes = (note_fiscal(years[0], first[0]),)
            year = year + (month < begin) if has_spans else year - (month >= begin)
        day = read_integers(table, parts.get("day"), 1, 31)
        columns = [parts["year"], parts["month"], *([] if day is None else [parts["day"]])]
        dates = make_dates(year, month, one if day is None else day)
        joined = _add_clock(table, parts, columns, dates) if day is not None else _Joined(tuple(columns), dates)
        return joined._replace(notes=(*fiscal_notes, *joined.notes), fiscal_month=begin)
    if (quarter := read_parts(table, parts.get("quarter"), N_QUARTERS)) is not None:
        return _Joined((parts["year"], parts["quarter"]), make_dates(year, 3 * quarter - 2, one))
    if (half := read_parts(table, parts.get("half"), N_HALVES)) is not None:
        return _Joined((parts["year"], parts["half"]), make_dates(year, 6 * half - 5, one))
    if (periods := None if "period" not in parts else read_periods(table.columns[parts["period"]])) is not None:
        dates = make_dates(year, periods.months, one)
        listed = ", ".join(map(repr, periods.others))
        notes = (f"Rows of other periods of a year are left out: {listed}.",) if listed else ()
        return _Joined((parts["year"], parts["period"]), dates, notes, rows=np.flatnonzero(periods.is_period))
    month = read_numbered(table, parts.get("period"), r"[mp]?(0?0?[1-9]|0?1[0-2])")
    if "period" in parts and month is None and (named := read_months(table, parts["period"])) is not None:
        return _Joined((parts["year"], parts["period"]), make_dates(year, named, one))
    # Four periods could be quarters.
    name = "-".join(table.names[parts[part]] for part in ("year", "period") if part in parts)
    if month is not None and (month.max() == N_MONTHS or name == known.time):
        return _Joined((parts["year"], parts["period"]), make_dates(year, month, one))
    number = read_numbered(table, parts.get("period"), r"[mp]?0{0,2}(\d{1,2})")
    if number is not None and number.min() >= 1 and N_MONTHS + 1 < number.max() <= LAST_PERIOD:
        dates = make_dates(year, np.minimum(number, N_MONTHS), one)
        note = f"Rows of the special periods 13 to {number.max()} at the ends of fiscal years are left out."
        return _Joined((parts["year"], parts["period"]), dates, (note,), rows=np.flatnonzero(number <= N_MONTHS))
    if (week := read_parts(table, parts.get("week"), N_WEEKS)) is not None:
        return _Joined((parts["year"], parts["week"]), iso_weeks(year, week))
    column = parts.get("day_of_year", parts.get("day"))
    if (day := read_integers(table, column, 1, 366)) is not None and column is not None and day.max() > 31:
        dates = make_dates(year, one, one) + (day - 1).astype("m8[D]")
        return _add_clock(table, parts, [parts["year"], column], dates)
    return None


def _join_date(table: RawTable, parts: dict[str, int], known: KnownNotation) -> _Joined | None:
    """A column of dates without a clock, and a clock or an hour next to it."""
    if not {"clock", "span", "half_hour", "hour", "unnamed_clock"} & set(parts):
        return None
    named = [parts[part] for part in ("date", "day") if part in parts]
    others = [i for i in range(len(table.names)) if i not in named]
    date = next((i for i in (*named, *others[:MAX_COLUMNS]) if _is_date(table.columns[i])), None)
    if date is None:
        return None
    of_order = KnownNotation(date_order=known.date_order)
    parsed = parse_times(table.columns[date], known=of_order, name=table.names[date])
    if _has_clock(parsed):
        return None
    joined = _add_clock(table, parts, [date], parsed.values)
    if len(joined.columns) == 1:
        return None
    is_text = not known.date_order and table.columns[date].dtype.kind == "O"
    if is_text and _reads_otherwise(table.columns[date], parsed.values, joined.values):
        parsed = parse_times(_with_clock(table.columns[date], joined.values - parsed.values), name=table.names[date])
        joined = joined._replace(values=parsed.values)
    return joined._replace(notes=(*parsed.notes, *joined.notes), date_order=parsed.date_order)


def _reads_otherwise(dates: RawColumn, days: Times, times: Times) -> bool:
    """Whether dates are read otherwise with the clock: it tells 1 February, each hour of it, from 2 January."""
    head = slice(0, MAX_ORDERED)
    parsed = parse_times(_with_clock(dates[head], times[head] - days[head]))
    return bool(parsed.is_valid.all()) and not np.array_equal(parsed.values, times[head])


def _with_clock(dates: RawColumn, clock: Times) -> RawColumn:
    """Dates as texts with the clock behind them."""
    seconds = clock.astype("m8[s]").astype(np.int64)
    hours, minutes, seconds = seconds // 3600, seconds // 60 % 60, seconds % 60
    rows = zip(dates.tolist(), hours.tolist(), minutes.tolist(), seconds.tolist(), strict=True)
    return to_text(f"{date.strip()} {hour:02d}:{minute:02d}:{second:02d}" for date, hour, minute, second in rows)


def _join_zone(table: RawTable, parts: dict[str, int], others: Collection[str]) -> _Joined | None:
    """A column of times without a zone, and a zone or an offset from UTC next to it, which has no other role."""
    zone = next(
        (
            i
            for i, column in enumerate(table.columns)
            if table.names[i] not in others and _is_zone(column, is_named=i == parts.get("zone"))
        ),
        None,
    )
    if zone is None:
        return None
    times = next((i for i, column in enumerate(table.columns[:MAX_COLUMNS]) if i != zone and _is_date(column)), None)
    if times is None or table.names[times] in table.utc_offsets:
        return None
    parsed = parse_times(table.columns[times], name=table.names[times])
    if parsed.values.dtype.kind != "M" or parsed.utc_offset_minutes is not None or parsed.is_utc:
        return None
    # Days have no zone: a column of theirs that is not called so is something else, as a region.
    if zone != parts.get("zone") and (parsed.values == parsed.values.astype("M8[D]")).all():
        return None
    return _Joined((times, zone), parsed.values, parsed.notes, _offsets(table.columns[zone]))


def _add_clock(table: RawTable, parts: dict[str, int], columns: Sequence[int], dates: Times) -> _Joined:
    """Dates with the clock next to them: one column, or hour, minute and second."""
    half_hour = read_integers(table, parts.get("half_hour"), 1, 2 * N_HOURS)
    if half_hour is not None:
        start = ((half_hour - 1) * 30).astype("m8[m]").astype("m8[us]")
        return _Joined((*columns, parts["half_hour"]), dates + start)
    for part in ("clock", "span", "hour", "unnamed_clock"):
        column = parts.get(part)
        if column is None or column in columns:
            continue
        counted = read_counted_hours(table.columns[column], dates) if part == "hour" else None
        clock = read_clock(table.columns[column]) if counted is None else counted
        if clock is None:
            continue
        # Where a number of hours, or when something began, stands next to a date, that is no part of the time.
        is_number = table.columns[column].dtype.kind != "O"
        is_doubtful = part in ("span", "unnamed_clock") or is_number or plain_name(table.names[column]) == "hours"
        if is_doubtful and not _are_hours(dates, clock):
            continue
        used = [*columns, column]
        for finer in ("minute", "second"):
            number = read_integers(table, parts.get(finer), 0, 59)
            if number is None:
                break
            used.append(parts[finer])
            clock = clock + (number * _MICROSECONDS[finer]).astype("m8[us]")
        notes: tuple[str, ...] = ()
        hours = clock.astype("m8[h]").astype(np.int64)
        if counted is not None:
            notes = (
                "Hours are counted from 1 to 25 where clocks are set back: hour 1 is read as 01:00, and hours 3 and 4 "
                "of these days as 03:00.",
            )
        elif hours.max() == 24 and hours.min() == 1:
            notes = ("Hours run from 1 to 24: hour 1 is read as 01:00, and hour 24 as midnight of the next day.",)
        zone = parts.get("zone")
        offsets = None if zone is None else _offsets(table.columns[zone])
        return _Joined((*used, *([] if offsets is None or zone is None else [zone])), dates + clock, notes, offsets)
    return _Joined(tuple(columns), dates)


def _are_hours(dates: Times, clock: Times) -> bool:
    """Whether numbers next to dates are hours: dates repeat, and the hours make the times regular."""
    return 3 * len(np.unique(dates)) <= 2 * len(dates) and regularity(dates + clock) >= MIN_REGULARITY


def _replace_columns(table: RawTable, joined: _Joined, keep: Collection[str]) -> RawTable:
    """The table with the joined column first; texts, so that an error can show them, where a time does not exist."""
    if joined.rows is not None:
        table, joined = take_rows(table, joined.rows), joined._replace(values=joined.values[joined.rows], rows=None)
    used = [table.names[i] for i in joined.columns]
    name = used[0] if joined.utc_offsets is not None and len(used) == 2 else "-".join(used)
    rest = [i for i in range(len(table.names)) if i not in joined.columns or table.names[i] in keep]
    values: RawColumn = joined.values
    if np.isnat(joined.values).any():
        rows = zip(*(to_text(table.columns[i]) for i in joined.columns), strict=True)
        values = to_text(
            text if np.isnat(time) else str(time) for text, time in zip(map(" ".join, rows), joined.values, strict=True)
        )
    offsets = {other: minutes for other, minutes in table.utc_offsets.items() if other in table.names}
    if joined.utc_offsets is not None:
        offsets[name] = joined.utc_offsets
    return replace(
        table,
        names=(name, *(table.names[i] for i in rest)),
        columns=(values, *(table.columns[i] for i in rest)),
        notes=(*table.notes, *_note_columns(used), *joined.notes),
        utc_offsets=offsets,
        date_order=joined.date_order,
        fiscal_month=joined.fiscal_month,
    )


def _note_columns(names: Sequence[str]) -> list[str]:
    """Which columns are joined, if there are several."""
    return [f"Times are joined from the columns {list_columns(names)}."] if len(names) > 1 else []


def _is_date(column: RawColumn) -> bool:
    """Whether a column holds dates; numbers must be YYYYMMDD, since those of four or six digits may be anything."""
    present = _sample(column)
    return len(present) > 0 and (looks_like_dates(present) or parse_times(present).number_format == "YYYYMMDD")


def _sample(column: RawColumn) -> RawColumn:
    """The first values that are not missing."""
    head = column[:SAMPLE_SIZE]
    return head[~is_missing(head)]


def _has_clock(parsed: ParsedTimes) -> bool:
    """Whether times are no dates alone; True for integer steps, to which no clock can be added."""
    valid = parsed.values[parsed.is_valid]
    return valid.dtype.kind != "M" or not (valid == valid.astype("M8[D]")).all()


def _is_zone(column: RawColumn, *, is_named: bool) -> bool:
    """Whether a column holds zones; one that is not called so, at most two of them an hour apart."""
    # The first values rule out nearly all columns.
    if column.dtype.kind != "O" or any(zone_offset(text) is None for text in column[:MAX_COLUMNS]):
        return False
    if not is_named and any(text.strip() in NO_ZONES or text != text.upper() for text in column[:MAX_COLUMNS]):
        return False
    offsets = _offsets(column)
    return offsets is not None and (is_named or int(offsets.max() - offsets.min()) in (0, 60))


def _offsets(column: RawColumn) -> IntArray | None:
    """A column of zones or offsets from UTC in minutes; None for another one."""
    if column.dtype.kind != "O":
        return None
    unique, codes = factorize(column)
    minutes = [zone_offset(text) for text in unique] if len(unique) <= 40 else [None]
    return None if any(minute is None for minute in minutes) else np.array(minutes, np.int64)[codes]
