"""Dates written as one number: 20240131, 2024013118, 31012024, weeks, spreadsheet dates, time since 1970."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from gatecast._utils.typing import FloatArray, IntArray
from gatecast.data.frequency import Times
from gatecast.data.parsing.dates import MAX_TWO_DIGIT_YEAR, iso_weeks, make_dates
from gatecast.data.parsing.regularity import CLEARLY_BETTER, regularity
from gatecast.data.parsing.time_names import tells

__all__ = [
    "YEAR_RANGE",
    "NumberDates",
    "fractional_dates",
    "integer_dates",
    "numbers_to_times",
    "serial_dates",
    "times_to_numbers",
]

YEAR_RANGE = (1500, 2200)
# Ranges of integers that are read as time since 1970: 1973 to 2128.
EPOCH_UNITS = (
    (10**8, "s", "seconds"),
    (10**11, "ms", "milliseconds"),
    (10**14, "us", "microseconds"),
    (10**17, "ns", "nanoseconds"),
)
# Days since 1899-12-30, from 1927 to 2119: what a spreadsheet stores for a date.
SERIAL_RANGE = (10_000, 80_000)
SERIAL_ORIGIN = np.datetime64("1899-12-30", "us")
MICROSECONDS_PER_DAY = 86_400_000_000

# A column of numbers that is not called like a date holds dates only where no other reading is likely.
DATE_NAMES = (
    "date",
    "datum",
    "fecha",
    "data",
    "dia",
    "day",
    "tag",
    "jour",
    "giorno",
    "日期",
    "日",
    "дата",
    "timestamp",
)
MIN_REGULARITY = 0.8
N_MONTHS, LARGEST_SHORT_MONTH = 12, 9912
# Among so many numbers, of which this share are dates, the others are mistakes.
MIN_NEARLY, NEARLY_ALL = 10, 0.9
_WRITTEN_UNITS = {"YYYY": "Y", "YYYYMM": "M", "YYYYMMDD": "D", "s": "s", "ms": "ms", "us": "us", "ns": "ns"}
"""Units of the formats in which times of results are written again."""


class NumberDates(NamedTuple):
    """Numbers read as dates.

    Args:
        values: datetime64[us], shape (n,).
        number_format: How numbers stand for dates, as "YYYYMM" or "s" since 1970; empty for dates of spreadsheets.
        meaning: What the numbers are, for a note.
    """

    values: Times
    number_format: str
    meaning: str


class _Digits(NamedTuple):
    """A notation: letters of its fields from left to right, and how the fields become times."""

    layout: str
    to_times: Callable[[dict[str, IntArray]], Times]


def _years_of(fields: dict[str, IntArray]) -> IntArray:
    """Years of four digits or of two."""
    if "Y" in fields:
        return fields["Y"]
    return np.asarray(np.where(fields["y"] <= MAX_TWO_DIGIT_YEAR, 2000, 1900) + fields["y"])


def _from_date(fields: dict[str, IntArray]) -> Times:
    """Times of year, month, day, hour, minute and second."""
    year = _years_of(fields)
    one = np.ones_like(year)
    days = make_dates(year, fields.get("m", one), fields.get("d", one))
    hour, minute, second = (fields.get(letter, 0 * one) for letter in "HMS")
    exists = ((hour < 24) | ((hour == 24) & (minute == 0) & (second == 0))) & (minute < 60) & (second < 60)
    seconds = ((hour * 60 + minute) * 60 + second).astype("m8[s]")
    return np.where(exists, days + seconds, np.datetime64("NaT", "us"))


def _from_week(fields: dict[str, IntArray]) -> Times:
    """Mondays of ISO weeks."""
    return iso_weeks(_years_of(fields), fields["W"])


def _from_day_of_year(fields: dict[str, IntArray]) -> Times:
    """Times of year and day of the year, 1 to 365 or 366."""
    first = make_dates(fields["Y"], np.ones_like(fields["Y"]), np.ones_like(fields["Y"]))
    next_first = make_dates(fields["Y"] + 1, np.ones_like(fields["Y"]), np.ones_like(fields["Y"]))
    times = first + (fields["j"] - 1).astype("m8[D]")
    return np.where((fields["j"] >= 1) & (times < next_first), times, np.datetime64("NaT", "us"))


def _from_quarter(fields: dict[str, IntArray]) -> Times:
    """First days of quarters."""
    exists = (fields["Q"] >= 1) & (fields["Q"] <= 4)
    return make_dates(fields["Y"], np.where(exists, 3 * fields["Q"] - 2, 0), np.ones_like(fields["Y"]))


def _from_period(fields: dict[str, IntArray]) -> Times:
    """First days of months that are written as periods of three digits."""
    return make_dates(fields["Y"], fields["P"], np.ones_like(fields["Y"]))


# Usual notations: numbers that are valid in one of them are dates.
_USUAL = (
    _Digits("YYYYmm", _from_date),
    _Digits("YYYYmmdd", _from_date),
    _Digits("YYYYmmddHH", _from_date),
    _Digits("YYYYmmddHHMM", _from_date),
    _Digits("YYYYmmddHHMMSS", _from_date),
)
# These only where their times are far more regular than the numbers, or where the column is called like a date.
_RARE = (
    _Digits("YYYYWW", _from_week),
    _Digits("ddmmYYYY", _from_date),
    _Digits("mmddYYYY", _from_date),
    _Digits("YYYYjjj", _from_day_of_year),
    _Digits("yymmdd", _from_date),
    _Digits("YYYYQ", _from_quarter),
    _Digits("YYYYPPP", _from_period),
)
_SHORT_MONTHS = _Digits("yymm", _from_date)
_QUARTERS = _Digits("YYYYQQ", _from_quarter)
# Without a century these are read where the column is called so, and where they are gaps as numbers.
_SHORT = {
    "month": (_Digits("mmyy", _from_date), _SHORT_MONTHS),
    "week": (_Digits("yyWW", _from_week),),
    "year": (_Digits("yy", _from_date),),
}
_NOTATIONS = (*_USUAL, *_RARE, _SHORT_MONTHS, _QUARTERS, *(digits for short in _SHORT.values() for digits in short))


def integer_dates(numbers: IntArray, name: str = "", number_format: str = "") -> NumberDates | None:
    """Read integers as dates; None if they are more likely time steps.

    Of months and days in which nearly all numbers are dates, the others are none, NaT: 202113 among months is an error
    of the table, not a step.

    Args:
        numbers: Valid integers, shape (n,), n at least 1.
        name: Name of the column, which may tell what the numbers are.
        number_format: How numbers of rows that were read before stand for dates; empty: unknown.

    >>> integer_dates(np.array([2024010122, 2024010123, 2024010200])).values[-1].item().isoformat()
    '2024-01-02T00:00:00'
    >>> integer_dates(np.array([1, 2, 3])) is None
    True
    """
    known = next((digits for digits in _NOTATIONS if _format_name(digits) == number_format), None)
    if known is not None and (readings := _readings(numbers, [known])):
        return readings[0]
    if _are_short_months(numbers):
        return _dates(_SHORT_MONTHS, _read(numbers, _SHORT_MONTHS))
    if numbers.min() >= YEAR_RANGE[0] and numbers.max() <= YEAR_RANGE[1]:
        return NumberDates(_years(numbers), "YYYY", "years")
    usual = _readings(numbers, _USUAL) + _epochs(numbers)
    is_week, is_quarter = tells("week", name), tells("quarter", name)
    if usual and is_quarter:
        quarters = _readings(numbers, [_QUARTERS])
        return _most_regular(quarters if quarters and not _are_months_of_quarters(usual[0].values) else usual)
    if usual and not is_week:
        return _most_regular(usual)
    rare = _readings(numbers, [*_RARE, *([_QUARTERS] if is_quarter else [])])
    rare += _serials(numbers.astype(np.float64), name)
    short = _readings(numbers, [digits for part in _SHORT if tells(part, name) for digits in _SHORT[part]])
    called_date = is_week or is_quarter or _is_called(name, DATE_NAMES)
    likely = _likely(rare, 0.0 if called_date else regularity(numbers) + CLEARLY_BETTER)
    likely += _likely(short, regularity(numbers) + CLEARLY_BETTER)
    if likely:
        return _most_regular(likely)
    return _most_regular(usual) if usual else _nearly_dates(numbers)


def _are_months_of_quarters(times: Times) -> bool:
    """Whether months are whole quarters apart: 202303, 202306."""
    months = np.unique(times.astype("M8[M]").astype(np.int64))
    return len(months) > 1 and bool((np.diff(months) % 3 == 0).all())


def fractional_dates(numbers: FloatArray, name: str = "") -> NumberDates | None:
    """Read numbers with fractions as time since 1970 or as spreadsheet dates with a time of day; None if neither.

    >>> fractional_dates(np.array([1.7e9, 1.7e9 + 0.5])).values[1].item().isoformat()
    '2023-11-14T22:13:20.500000'
    """
    for smallest, unit, label in EPOCH_UNITS[:3]:
        if numbers.min() >= smallest and numbers.max() < 50 * smallest:
            per_unit = {"s": 1_000_000, "ms": 1_000, "us": 1}[unit]
            return NumberDates(np.rint(numbers * per_unit).astype("M8[us]"), "", f"{label} since 1970 (UTC)")
    serials = _serials(numbers, name)
    return serials[0] if serials else None


def times_to_numbers(times: Times, number_format: str) -> IntArray | None:
    """Write times as the numbers that `integer_dates` reads in a format.

    Args:
        times: datetime64 without NaT, any shape.
        number_format: `NumberDates.number_format`.

    Returns:
        Numbers of the same shape; None if some time cannot be written in this format, or if results have dates instead,
        as of weeks and of hours in digits.

    >>> times_to_numbers(np.array(["2024-02-01"], "M8[us]"), "YYYYMM").tolist()
    [202402]
    >>> times_to_numbers(np.array(["2024-02-01"], "M8[us]"), "YYYY") is None
    True
    """
    unit = _WRITTEN_UNITS.get(number_format)
    if unit is None:
        return None
    truncated = times.astype(f"M8[{unit}]")
    if not np.array_equal(truncated.astype("M8[us]"), times.astype("M8[us]")):
        return None
    if unit not in ("Y", "M", "D"):
        return truncated.astype(np.int64)
    year = times.astype("M8[Y]").astype(np.int64) + 1970
    month = times.astype("M8[M]").astype(np.int64) % 12 + 1
    if unit == "D":
        day = (times.astype("M8[D]") - times.astype("M8[M]").astype("M8[D]")).astype(np.int64) + 1
        return np.asarray((year * 100 + month) * 100 + day)
    return year if unit == "Y" else np.asarray(year * 100 + month)


def numbers_to_times(numbers: IntArray, number_format: str) -> Times:
    """Read the numbers that `times_to_numbers` has written.

    Args:
        numbers: In the format, any shape.
        number_format: `NumberDates.number_format`, not empty.

    Returns:
        datetime64 of the same shape, NaT where a number is no date.

    >>> numbers_to_times(np.array([202402]), "YYYYMM").astype("M8[D]").astype(str).tolist()
    ['2024-02-01']
    """
    if number_format == "YYYY":
        return _years(numbers)
    digits = next((digits for digits in _NOTATIONS if _format_name(digits) == number_format), None)
    return numbers.astype(f"M8[{number_format}]").astype("M8[us]") if digits is None else _read(numbers, digits)


def _years(numbers: IntArray) -> Times:
    """First days of years."""
    return (numbers - 1970).astype("M8[Y]").astype("M8[us]")


def _are_short_months(numbers: IntArray) -> bool:
    """Whether numbers of four digits are months of two-digit years, 2312 followed by 2401: all twelve of several years.

    Years from 1501 to 1512 and from 1601 to 1612 would look the same, and nobody has those alone.
    """
    if numbers.min() < 1 or numbers.max() > LARGEST_SHORT_MONTH or len(np.unique(numbers % 100)) != N_MONTHS:
        return False
    times = _read(numbers, _SHORT_MONTHS)
    return not np.isnat(times).any() and len(np.unique(numbers // 100)) > 1 and regularity(times) >= MIN_REGULARITY


def _read(numbers: IntArray, digits: _Digits) -> Times:
    """Numbers in one notation, NaT where one is none."""
    fields: dict[str, IntArray] = {}
    rest = numbers
    for letter in reversed(dict.fromkeys(digits.layout)):
        size = 10 ** digits.layout.count(letter)
        fields[letter] = rest % size
        rest = rest // size
    times = digits.to_times(fields)
    valid_year = (fields["Y"] >= YEAR_RANGE[0]) & (fields["Y"] <= YEAR_RANGE[1]) if "Y" in fields else rest == 0
    return np.where((rest == 0) & valid_year & (numbers >= 0), times, np.datetime64("NaT", "us"))


def _readings(numbers: IntArray, notations: Sequence[_Digits]) -> list[NumberDates]:
    """The notations in which every number is a date."""
    readings = []
    for digits in notations:
        # A few numbers rule most notations out.
        if np.isnat(_read(numbers[:50], digits)).any():
            continue
        times = _read(numbers, digits)
        if not np.isnat(times).any():
            readings.append(_dates(digits, times))
    return readings


def _nearly_dates(numbers: IntArray) -> NumberDates | None:
    """Months or days with a few impossible numbers; None if these are many, or the others of one year or month."""
    for digits, unit in zip(_USUAL, "YM", strict=False) if len(numbers) >= MIN_NEARLY else ():
        times = _read(numbers, digits)
        # Steps can be 202001 to 202013, or 20200101 to 20200132.
        larger = times[~np.isnat(times)].astype(f"M8[{unit}]")
        if len(larger) >= NEARLY_ALL * len(numbers) and (larger != larger[0]).any():
            return NumberDates(times, _format_name(digits), _format_name(digits))
    return None


def _epochs(numbers: IntArray) -> list[NumberDates]:
    """Time since 1970, if every number is within 1973 to 2128 in one unit."""
    for smallest, unit, label in EPOCH_UNITS:
        if numbers.min() >= smallest and numbers.max() < 50 * smallest:
            times = numbers.astype(f"M8[{unit}]").astype("M8[us]")
            return [NumberDates(times, unit, f"{label} since 1970 (UTC)")]
    return []


def serial_dates(numbers: FloatArray, name: str) -> Times | None:
    """Read numbers as spreadsheet dates, next to dates in the same column; None if it is not called like a date.

    >>> serial_dates(np.array([45292.0]), "Date").astype("M8[D]").astype(str).tolist()
    ['2024-01-01']
    """
    readings = _serials(numbers, name) if len(numbers) else []
    return readings[0].values if readings else None


def _serials(numbers: FloatArray, name: str) -> list[NumberDates]:
    """Spreadsheet dates, if the column is called like a date."""
    if not _is_called(name, DATE_NAMES) or numbers.min() < SERIAL_RANGE[0] or numbers.max() > SERIAL_RANGE[1]:
        return []
    # Times of day are stored to the second, as fractions with a rounding error.
    times = SERIAL_ORIGIN + np.rint(numbers * 86_400).astype("m8[s]")
    return [NumberDates(times, "", "spreadsheet serial dates (days since 1899-12-30)")]


def _likely(readings: Sequence[NumberDates], floor: float) -> list[NumberDates]:
    """Readings that are regular, and more so than a floor."""
    fits = [(regularity(reading.values), reading) for reading in readings]
    return [reading for fit, reading in fits if fit >= MIN_REGULARITY and fit > floor]


def _most_regular(readings: Sequence[NumberDates]) -> NumberDates:
    """The first reading, unless another one is clearly more regular."""
    best = readings[0]
    for reading in readings[1:]:
        if regularity(reading.values) > regularity(best.values) + CLEARLY_BETTER:
            best = reading
    return best


def _is_called(name: str, words: tuple[str, ...]) -> bool:
    """Whether the name of a column contains one of some words."""
    lower = name.lower()
    return any(word in lower for word in words)


def _dates(digits: _Digits, times: Times) -> NumberDates:
    """Numbers read in a notation, which is also what a note calls them."""
    name = _format_name(digits)
    return NumberDates(times, name, name)


def _format_name(digits: _Digits) -> str:
    """A notation in capitals, as notes and files call it: YYYYMMDDHHMM."""
    return digits.layout.replace("jjj", "DDD").upper()
