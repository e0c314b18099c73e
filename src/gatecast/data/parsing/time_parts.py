"""Columns that hold a part of a time: years, months, quarters, periods, hours, clock times."""

from __future__ import annotations

import re
from typing import NamedTuple

import numpy as np

from gatecast._utils.typing import BoolArray, FloatArray, IntArray
from gatecast.data.frequency import Times
from gatecast.data.parsing.date_words import month_numbers
from gatecast.data.parsing.dates import MAX_TWO_DIGIT_YEAR
from gatecast.data.parsing.numbers import parse_numbers
from gatecast.data.parsing.raw_table import RawColumn, RawTable, factorize, to_text

__all__ = [
    "PeriodsOfYear",
    "are_fiscal",
    "are_spans",
    "find_fiscal_month",
    "find_named_months",
    "note_fiscal",
    "read_clock",
    "read_counted_hours",
    "read_integers",
    "read_months",
    "read_numbered",
    "read_parts",
    "read_periods",
    "read_years",
]

_CLOCK = re.compile(r"(\d{1,2})(?:[:.h](\d\d))?(?:[:.m](\d\d(?:[.,]\d+)?))?s? ?(?:([ap])\.?m\.?)?", re.IGNORECASE)
_FISCAL = re.compile(r"(?:fy|fiscal year|ay) ?'?(\d{4}|\d\d)", re.IGNORECASE)
_SPAN = re.compile(r"(?:fy ?)?(\d{4})[-/–](\d{4}|\d\d?)", re.IGNORECASE)
_NAMED_MONTH = re.compile(r"(?:monat|month|mes|mois|mese|m)[ _-]?(0?[1-9]|1[0-2])", re.IGNORECASE)
_PART = re.compile(r"\D{0,10}(\d{1,2})\D{0,10}")
_PERIOD = re.compile(r"([amqs])(\d\d)", re.IGNORECASE)
_NAMED = re.compile(r"\s*[^\W\d]{3}")
N_MONTHS = 12
PER_YEAR = {"m": 12, "q": 4, "s": 2}
MAX_PARTS = 40
"""Distinct texts up to which a column may hold parts of a year."""
HOURS_OF_LONG_DAY, HOURS_OF_SHORT_DAY, CHANGE_HOUR = 25, 23, 3
FIRST_YEAR, LAST_YEAR = 1500, 2200
_SPAN_END = re.compile(r"(?<=[\dm])\s*(?:-|–|to|bis)\s*\d{1,2}(?:[:.]\d\d){0,2}(?: ?(?:[ap]\.?m\.?|h|uhr))?$")


class PeriodsOfYear(NamedTuple):
    """Periods of a year, and rows of other ones: M13 is the mean of a year, and S01 to S03 are halves and their mean.

    Args:
        months: The first month of each period; 1 in rows of others.
        is_period: Whether a row holds a period.
        others: What the periods of the other rows are called.
    """

    months: IntArray
    is_period: BoolArray
    others: tuple[str, ...]


def read_integers(table: RawTable, column: int | None, low: int, high: int) -> IntArray | None:
    """A column of integers within limits; None for another one."""
    if column is None:
        return None
    numbers = parse_numbers(table.columns[column])
    values = numbers.values
    if not numbers.is_valid.all() or not (values == np.rint(values)).all() or values.min() < low or values.max() > high:
        return None
    return values.astype(np.int64)


def read_years(table: RawTable, column: int | None) -> IntArray | None:
    """A column of years, 2024, FY2024, FY24, or the first ones of 2024/25; None for another one."""
    years = read_integers(table, column, FIRST_YEAR, LAST_YEAR)
    if years is not None or column is None or table.columns[column].dtype.kind != "O":
        return years
    unique, codes = factorize(table.columns[column])
    if are_spans(unique):
        return np.array([int(re.sub(r"\D", "", text)[:4]) for text in unique])[codes]
    matches = [_FISCAL.fullmatch(text.strip()) for text in unique]
    if not all(matches):
        return None
    short = np.array([int(match[1]) for match in matches if match])
    full = np.where(short > 99, short, np.where(short <= MAX_TWO_DIGIT_YEAR, 2000, 1900) + short)
    return np.asarray(full[codes])


def are_spans(column: RawColumn) -> bool:
    """Return whether years are written as two, of which the second follows the first.

    >>> are_spans(to_text(["2019/20", "2020/21"])), are_spans(to_text(["2019-10", "2019-11"]))
    (True, False)
    """
    if column.dtype.kind != "O":
        return False
    matches = (_SPAN.fullmatch(text.strip()) for text in set(column.tolist()))
    return all(match and (int(match[1]) + 1) % 10 ** len(match[2]) == int(match[2]) for match in matches)


def are_fiscal(column: RawColumn, name: str) -> bool:
    """Return whether years are fiscal ones, by the name of their column or by their own.

    Args:
        column: Years.
        name: Of the column.

    >>> are_fiscal(np.array([2020]), "fiscal_year"), are_fiscal(to_text(["FY20"]), "Year")
    (True, True)
    """
    is_called = re.search(r"\b(?:fy|fiscal|financial)\b", re.sub(r"[_\W]+", " ", name.lower())) is not None
    if is_called or column.dtype.kind != "O":
        return is_called
    return all(text.strip().lower().startswith("fy") for text in set(column.tolist()))


def find_fiscal_month(years: IntArray, months: IntArray) -> int:
    """Return the month in which fiscal years begin, by the order of the rows; 0 where they are in that of the calendar.

    Args:
        years: Fiscal year of each row, shape (n_rows,).
        months: Month of each row, shape (n_rows,).

    >>> find_fiscal_month(np.array([2021] * 12 + [2022]), np.array([4, 5, 6, 7, 8, 9, 10, 11, 12, 1, 2, 3, 4]))
    4
    >>> find_fiscal_month(np.array([2021] * 12 + [2022]), np.array([*range(1, 13), 1]))
    0
    """
    if years[0] > years[-1]:
        years, months = years[::-1], months[::-1]
    same_year = years[1:] == years[:-1]
    first_months = months[1:][~same_year]
    # The first year of a table may lack its first months.
    first = int(np.bincount(first_months if len(first_months) else months[:1]).argmax())
    is_ordered = [not (np.diff((months - begin) % N_MONTHS)[same_year] < 0).any() for begin in (1, first)]
    return first if is_ordered == [False, True] else 0


def note_fiscal(year: object, begin: np.datetime64) -> str:
    """Return the note on years that do not begin in January.

    Args:
        year: One of them.
        begin: When it begins.

    >>> note_fiscal("FY2021", np.datetime64("2020-04"))
    'Fiscal years are called after the year in which they end: FY2021 begins in 2020-04.'
    """
    meaning = "Fiscal years are called after the year in which they end"
    if are_spans(to_text([year])):
        meaning = "Years end in the next calendar year"
    return f"{meaning}: {year!s} begins in {begin.astype('M8[M]')!s}."


def read_periods(column: RawColumn) -> PeriodsOfYear | None:
    """A column of periods as the Bureau of Labor Statistics writes them, M01 to M13, Q01 to Q05; None for another one.

    >>> read_periods(to_text(["M01", "M12", "M13"]))
    PeriodsOfYear(months=array([ 1, 12,  1]), is_period=array([ True,  True, False]), others=('M13',))
    """
    unique, codes = factorize(to_text(column.tolist()))
    matches = [_PERIOD.fullmatch(text.strip()) for text in unique] if len(unique) <= MAX_PARTS else [None]
    periods = [(match[1].lower(), int(match[2])) for match in matches if match]
    letter = next((letter for letter in PER_YEAR if any(other == letter for other, _ in periods)), None)
    if letter is None or len(periods) < len(unique):
        return None
    n = PER_YEAR[letter]
    fits = np.array([other == letter and 1 <= number <= n for other, number in periods])
    if any(other == letter and not 1 <= number <= n + 1 for other, number in periods) or not fits.any():
        return None
    months = np.array(
        [1 + (number - 1) * N_MONTHS // n if fit else 1 for (_, number), fit in zip(periods, fits, strict=True)]
    )
    others = tuple(text.strip() for text, fit in zip(unique, fits, strict=True) if not fit)
    return PeriodsOfYear(months[codes], fits[codes], others)


def find_named_months(table: RawTable) -> int | None:
    """The first column of all months of a year, by what it holds: MONAT01, January; None without one.

    >>> find_named_months(RawTable(("Merkmal",), (to_text([f"MONAT{k:02d}" for k in range(1, 13)]),)))
    0
    """
    for i, column in enumerate(table.columns[:MAX_PARTS]):
        if column.dtype.kind != "O" or not all(map(_NAMED.match, column[:MAX_PARTS])):
            continue
        numbers = read_months(table, i)
        if numbers is not None and len(np.unique(numbers)) == N_MONTHS:
            return i
    return None


def read_months(table: RawTable, column: int | None) -> IntArray | None:
    """A column of months as numbers, as names in any language or as MONAT01; None for another one."""
    numbers = read_integers(table, column, 1, 12)
    if numbers is not None or column is None or table.columns[column].dtype.kind != "O":
        return numbers
    unique, codes = factorize(table.columns[column])
    named = [_NAMED_MONTH.fullmatch(text.strip()) for text in unique]
    months = [int(match[1]) for match in named if match] if all(named) else month_numbers(unique.tolist())
    return None if months is None else np.array(months)[codes]


def read_parts(table: RawTable, column: int | None, last: int) -> IntArray | None:
    """A column of parts of a year, numbered from 1, as 3, Q3, Week 3 or 3. KW; None for another one.

    Args:
        table: The table.
        column: Index of the column; None if there is none.
        last: Number of the last part of a year.

    >>> read_parts(RawTable(("Week",), (to_text(["KW 01", "KW 53"]),)), 0, 53).tolist()
    [1, 53]
    """
    numbers = read_integers(table, column, 1, last)
    if numbers is not None or column is None or table.columns[column].dtype.kind != "O":
        return numbers
    unique, codes = factorize(table.columns[column])
    matches = [_PART.fullmatch(text) for text in unique]
    parts = np.array([int(match[1]) for match in matches if match])
    is_part = len(parts) == len(unique) and parts.min() >= 1 and parts.max() <= last
    return parts[codes] if is_part else None


def read_numbered(table: RawTable, column: int | None, pattern: str) -> IntArray | None:
    """A column of numbered parts of a year, as H1 or P01; None for another one."""
    if column is None:
        return None
    unique, codes = factorize(to_text(table.columns[column].tolist()))
    matches = [re.fullmatch(pattern, text.strip().lower()) for text in unique]
    return np.array([int(match[1]) for match in matches if match])[codes] if all(matches) else None


def read_clock(column: RawColumn) -> Times | None:
    """A column of clock times, of hours or of numbers such as 1830, since midnight; None for another one."""
    if column.dtype.kind in "fiu":
        return _number_clock(column.astype(np.float64))
    if column.dtype.kind != "O":
        return None
    unique, codes = factorize(column)
    texts = [_SPAN_END.sub("", re.sub(r"^(?:he|h) ?(?=\d)", "", text.strip().lower())) for text in unique]
    if all(text.isdigit() for text in texts):
        clock = _number_clock(np.array([float(text) for text in texts]))
        return None if clock is None else clock[codes]
    times = [_clock_of(text) for text in texts]
    return None if any(time is None for time in times) else np.array(times, "m8[us]")[codes]


def read_counted_hours(column: RawColumn, dates: Times) -> Times | None:
    """Hours counted from 1 to 25 where clocks are set back, to 23 where they are set forward, as times of the clock.

    Args:
        column: Numbers of the hours, shape (n_rows,).
        dates: Day of each row, shape (n_rows,).

    Returns:
        The end of each hour since midnight: the third and fourth of 25 both end at 3; None where no day has 25 hours.

    >>> hours, days = np.array([1, 3, 4, 25]), np.full(4, np.datetime64("2023-10-29", "us"))
    >>> read_counted_hours(hours, days).astype("m8[h]").astype(int).tolist()
    [1, 3, 3, 24]
    """
    numbers = parse_numbers(column).values
    if not len(numbers) or np.isnan(numbers).any() or (numbers != np.rint(numbers)).any():
        return None
    if numbers.min() != 1 or numbers.max() != HOURS_OF_LONG_DAY:
        return None
    _, day = np.unique(dates, return_inverse=True)
    n_hours = np.zeros(day.max() + 1)
    np.maximum.at(n_hours, day, numbers)
    is_long = n_hours[day] == HOURS_OF_LONG_DAY
    is_short = (n_hours[day] == HOURS_OF_SHORT_DAY) & (day > 0) & (day < day.max())
    hours = numbers - (is_long & (numbers > CHANGE_HOUR)) + (is_short & (numbers >= CHANGE_HOUR))
    return np.asarray(hours.astype("m8[h]").astype("m8[us]"))


def _number_clock(numbers: FloatArray) -> Times | None:
    """Hours from 0 to 24, hours and minutes as 0 to 2400, or with seconds as 0 to 240000."""
    if not np.isfinite(numbers).all() or (numbers != np.rint(numbers)).any() or numbers.min() < 0:
        return None
    if numbers.max() <= 24:
        return (numbers * 3600).astype("m8[s]").astype("m8[us]")
    second = numbers % 100 if numbers.max() > 2400 else np.zeros_like(numbers)
    numbers = numbers // 100 if numbers.max() > 2400 else numbers
    hour, minute = numbers // 100, numbers % 100
    exists: BoolArray = (minute < 60) & (second < 60) & (hour * 60 + minute <= 1440)
    seconds = (hour * 60 + minute) * 60 + second
    return seconds.astype("m8[s]").astype("m8[us]") if exists.all() else None


def _clock_of(text: str) -> np.timedelta64 | None:
    """One clock time; None for anything else."""
    match = _CLOCK.fullmatch(text)
    if match is None or not (match[2] or match[4]):
        return None
    hour, minute, second = int(match[1]), int(match[2] or 0), float((match[3] or "0").replace(",", "."))
    if minute > 59 or second >= 60 or hour * 60 + minute > 1440 or (match[4] and not 1 <= hour <= 12):
        return None
    hour = hour % 12 + 12 * (match[4].lower() == "p") if match[4] else hour
    return np.timedelta64(round((hour * 3600 + minute * 60 + second) * 1e6), "us")
