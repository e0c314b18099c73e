"""Dates that are not ISO 8601: 31/12/2024, 12/31/24 6:30 PM, 5 March 2024, Mar-24, 2024Q1, 2024-W10, 2019/20."""

from __future__ import annotations

import re
from functools import cache
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from gatecast._utils.arrays import sorted_unique
from gatecast._utils.dates import later
from gatecast._utils.typing import IntArray
from gatecast.data.frequency import format_times
from gatecast.data.parsing.date_fields import FieldTexts, match_fields
from gatecast.data.parsing.date_words import QUARTER_WORD

__all__ = [
    "DATE_PATTERNS",
    "MAX_TWO_DIGIT_YEAR",
    "NUMBERED_QUARTERS",
    "ParsedDates",
    "iso_weeks",
    "make_dates",
    "parse_dates",
]

MONTHS = (
    *("january", "february", "march", "april", "may", "june"),
    *("july", "august", "september", "october", "november", "december"),
)
# Two-digit years up to this one are of this century: data are more often old than from a far future.
MAX_TWO_DIGIT_YEAR = 40

BUDDHIST_ERA, BUDDHIST_YEARS = 543, (2443, 2643)
"""Years by which it is ahead, and those of it that are 1900 to 2100: no data are from then otherwise."""

_ROMAN = ("I", "II", "III", "IV")
_GROUP_NOTES = {
    "next_year": "Years that end in the next calendar year are read as the year in which they begin",
    "fiscal": "Fiscal years are read as the calendar year of the same number",
    "last": "Ranges of dates are read as their first day",
}
_YEAR = r"(?P<year>\d{4}|\d\d)"
_FULL_YEAR = r"(?P<year>\d{4})"
# Where two numbers alone are a date, the year must look like one: 27-1234 is a code.
_SHORT_YEAR = r"(?P<year>(?:19|20)?\d\d)"
_THIS_YEAR = r"(?P<year>(?:19|20)\d\d)"
_MONTH = r"(?P<name>[A-Za-z]{3,9})\.?"
_HALF = r"(?: ?(?P<half>[AaPp])\.?[Mm]\.?)?"
_SECONDS = r"(?:[:.](?P<second>\d\d(?:[.,]\d{1,9})?))?"
_HALF_WORD = r"(?:half|halbjahr|semestre|semester)"
_CLOCK = rf"(?:[T ,:]+(?P<hour>\d{{1,2}})[:.](?P<minute>\d\d){_SECONDS}{_HALF})?"
# After a day an hour may stand alone.
_HOUR = rf"(?:(?:[T ,]+|-(?=\d\d\.\d\d\.))(?P<hour>\d{{1,2}})(?:[:.]?(?P<minute>\d\d){_SECONDS})?{_HALF})?"
NUMBERED_QUARTERS = rf"{_THIS_YEAR}[-/:]0(?P<quarter>[1-4])"
"""Quarters that are months unless their column is called after quarters."""
DATE_PATTERNS: tuple[str, ...] = (
    rf"{_FULL_YEAR}([-/.])(?P<month>\d{{1,2}})\2(?P<day>\d{{1,2}}){_HOUR}",
    rf"(?P<first>\d{{1,2}})([-/.])(?P<second_number>\d{{1,2}})\2{_YEAR}{_HOUR}",
    # After days and months in front of the year, which are more usual: 24-01-31 only where it makes regular times.
    rf"(?P<year>\d\d)([-/.])(?P<month>\d\d)\2(?P<day>\d\d){_HOUR}",
    rf"(?P<day>\d{{1,2}})[-/. ]*{_MONTH}[-/, ]*{_YEAR}{_CLOCK}",
    rf"{_MONTH} (?P<day>\d{{1,2}}),? {_FULL_YEAR}{_CLOCK}",
    rf"{_MONTH} (?P<day>\d{{1,2}}) (?P<hour>\d{{1,2}}):(?P<minute>\d\d){_SECONDS} {_FULL_YEAR}",
    rf"{_FULL_YEAR}[-/, ]*{_MONTH}[-/, ]*(?P<day>\d{{1,2}}){_CLOCK}",
    rf"{_MONTH}[-/,' ]*{_YEAR}{_CLOCK}",
    rf"{_FULL_YEAR}[-/, ]*{_MONTH}{_CLOCK}",
    rf"(?P<month>\d{{1,2}})[-/]{_FULL_YEAR}{_CLOCK}",
    # With a dot only where it cannot be a decimal number.
    r"(?P<month>0[1-9]|1[0-2])\.(?P<year>(?:19|20)\d\d)",
    rf"{_FULL_YEAR}[-/](?P<month>\d{{1,2}}){_CLOCK}",
    rf"{_FULL_YEAR}[- ]?MM?(?P<month>\d{{1,2}})",
    rf"M(?P<month>\d{{1,2}})[-/ ]?{_THIS_YEAR}",
    rf"{_THIS_YEAR}:(?P<month>\d{{1,2}})",
    rf"{_FULL_YEAR}(?P<month>\d\d)(?P<day>\d\d)[T ](?P<hour>\d\d)(?::?(?P<minute>\d\d)(?::?(?P<second>\d\d))?)?",
    rf"{_THIS_YEAR}[- :/]?[QTK](?P<quarter>[1-4])",
    rf"Q(?P<quarter>[1-4])[-' /.]*{_SHORT_YEAR}",
    rf"(?P<quarter>[1-4])Q[-' /.]*{_SHORT_YEAR}",
    rf"Q(?P<quarter>[1-4])[-' /.]*(?P<fiscal>FY)[-' ]?{_SHORT_YEAR}",
    rf"(?P<fiscal>FY)[-' ]?{_SHORT_YEAR}[-/ ]?Q(?P<quarter>[1-4])",
    rf"(?P<quarter>[1-4])(?:st|nd|rd|th)?[. ]*{QUARTER_WORD}[,/ -]*{_THIS_YEAR}",
    rf"{QUARTER_WORD} ?(?P<quarter>[1-4])[,/ -]*{_THIS_YEAR}",
    rf"{_THIS_YEAR}[,/ -]*{QUARTER_WORD} ?(?P<quarter>[1-4])",
    rf"(?P<roman>IV|I{{1,3}})[-/. ]+{_THIS_YEAR}",
    rf"{_THIS_YEAR}[-/. ]+(?P<roman>IV|I{{1,3}})",
    # Before weeks, which are written with an S in French: only half years end at 2.
    rf"{_THIS_YEAR}[-/ ]?[HS](?P<half_year>[12])",
    rf"[HS](?P<half_year>[12])[-/' ]*{_SHORT_YEAR}",
    rf"(?P<half_year>[12])[HS][-/' ]*{_SHORT_YEAR}",
    rf"(?P<half_year>[12])(?:st|nd)?[. ]*{_HALF_WORD}[,/ -]*{_THIS_YEAR}",
    rf"[TK](?P<quarter>[1-4])[-' /.]*{_THIS_YEAR}",
    rf"(?P<quarter>[1-4])[TK][-' /.]*{_THIS_YEAR}",
    rf"(?P<quarter>[1-4])[-/ ]{_THIS_YEAR}",
    rf"{_THIS_YEAR}[-/: ](?P<quarter>[1-4])",
    NUMBERED_QUARTERS,
    rf"{_THIS_YEAR}[- /]?(?:W|S|KW|WK|WEEK) ?(?P<week>\d\d?)(?:-?(?P<weekday>[1-7]))?",
    rf"(?:W|KW|WK|WEEK)[- ]?(?P<week>\d\d?)[-,/ ]*{_THIS_YEAR}",
    r"(?:W|KW|WK|WEEK)[- ]?(?P<week>\d\d?)[-,/' ]+(?P<year>\d\d)",
    rf"(?P<week>\d\d?)\.? ?(?:KW|WK|WEEK|WOCHE)[-,/ ]*{_THIS_YEAR}",
    rf"(?P<week>\d\d?)[-/]{_THIS_YEAR}",
    rf"{_THIS_YEAR}[-/](?P<week>\d\d?)",
    rf"{_THIS_YEAR}[-/](?P<day_of_year>\d{{3}}){_CLOCK}",
    # Periods of SAP have three digits.
    rf"0(?P<month>0[1-9]|1[0-2])[./]{_THIS_YEAR}",
    rf"{_THIS_YEAR}/0(?P<month>0[1-9]|1[0-2])",
    rf"{_THIS_YEAR}s",
    rf"(?P<fiscal>FY)[-' ]?{_SHORT_YEAR}",
    rf"{_FULL_YEAR}-(?P<month>\d\d)-(?P<day>\d\d)(?: ?[-–/] ?| to )(?P<last>\d{{4}}-\d\d-\d\d)",
    rf"(?:FY ?)?{_THIS_YEAR}[-/–](?P<next_year>\d{{4}}|\d\d?)",
)
"""Supported date formats, upper or lower case. Where several parse a column, the first wins unless another is clearly
more regular."""

_OF_ANY_DIGITS = DATE_PATTERNS[:10]
"""Formats that accept any digit where they accept one."""


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    """Compile a format when it is first tried: most files need none."""
    return re.compile(pattern, re.IGNORECASE)


class ParsedDates(NamedTuple):
    """Dates in one format.

    Args:
        values: datetime64[us], shape (n_texts,), NaT where a string does not match or names a day that does not exist.
        notes: A note on each assumption.
        order: "day/month/year" or "month/day/year" behind the mark between them, where both are numbers; else empty.
    """

    values: npt.NDArray[Any]
    notes: tuple[str, ...] = ()
    order: str = ""


def parse_dates(
    pattern: str, texts: list[str], today: np.datetime64 | None = None, date_order: str = ""
) -> ParsedDates:
    """Parse strings in one date format.

    Args:
        pattern: One of `DATE_PATTERNS`.
        texts: Strings to parse.
        today: The present day, by default that of the clock: of two orders of day and month, the one with fewer
            dates after it is more likely.
        date_order: The order of rows that were read before, which is kept as far as it fits; empty: none.

    >>> parse_dates(DATE_PATTERNS[1], ["31/01/2024", "01/02/2024"])[0].astype("M8[D]").astype(str).tolist()
    ['2024-01-31', '2024-02-01']
    """
    is_match, fields = match_fields(_compiled(pattern), texts, by_shape=pattern in _OF_ANY_DIGITS)
    times = np.full(len(texts), np.datetime64("NaT", "us"))
    if not is_match.any():
        return ParsedDates(times)
    year, notes = _parse_years(fields["year"])
    clock, order = _parse_time_of_day(fields) if "hour" in fields else np.zeros(len(year), "m8[us]"), ""
    if "first" in fields:
        first, second = _to_integers(fields["first"]), _to_integers(fields["second_number"])
        example = texts[int(is_match.argmax())]
        today = np.datetime64("today") if today is None else today
        dates, order_notes, order = _infer_day_month_order(year, first, second, clock, example, today, date_order)
        notes += order_notes
    elif "week" in fields:
        weekday = _to_integers(fields["weekday"]) if "weekday" in fields else np.zeros_like(year)
        dates = iso_weeks(year, _to_integers(fields["week"])) + np.maximum(weekday - 1, 0).astype("m8[D]")
    elif "day_of_year" in fields:
        first = make_dates(year, np.ones_like(year), np.ones_like(year))
        dates = first + (_to_integers(fields["day_of_year"]) - 1).astype("m8[D]")
    else:
        month = _parse_months(fields, len(year))
        if "next_year" in fields:
            month *= _follow(year, fields["next_year"])
        day = _to_integers(fields["day"]) if "day" in fields else np.ones_like(year)
        dates = make_dates(year, month, day)
    times[is_match] = dates + clock
    matching = [text for text, matches in zip(texts, is_match.tolist(), strict=True) if matches]
    return ParsedDates(times, (*notes, *_note_groups(fields, matching, dates)), order)


def iso_weeks(year: IntArray, week: IntArray) -> npt.NDArray[Any]:
    """Return the Mondays of ISO 8601 weeks, in which week 1 contains 4 January; NaT for a week that does not exist.

    >>> iso_weeks(np.array([2024, 2024]), np.array([1, 53])).astype("M8[D]").astype(str).tolist()
    ['2024-01-01', 'NaT']
    """
    fourth, next_fourth = (
        make_dates(y, np.ones_like(year), np.full_like(year, 4)).astype("M8[D]") for y in (year, year + 1)
    )
    monday, next_monday = (later(day, -((day.astype(np.int64) + 3) % 7)) for day in (fourth, next_fourth))
    dates = later(monday, 7 * (week - 1))
    return np.where((week >= 1) & (dates < next_monday), dates.astype("M8[us]"), np.datetime64("NaT", "us"))


def make_dates(year: IntArray, month: IntArray, day: IntArray) -> npt.NDArray[Any]:
    """Build dates from years, months and days; NaT for a month or day that does not exist.

    >>> year, month, day = np.array([[2024, 2023], [2, 2], [29, 29]])
    >>> make_dates(year, month, day).astype("M8[D]").astype(str).tolist()
    ['2024-02-29', 'NaT']
    """
    months = ((year - 1970) * 12 + month - 1).astype("M8[M]")
    last_day = (later(months, 1).astype("M8[D]") - months.astype("M8[D]")).astype(np.int64)
    exists = (month >= 1) & (month <= 12) & (day >= 1) & (day <= last_day)
    dates = later(months.astype("M8[D]"), day - 1).astype("M8[us]")
    return np.where(exists, dates, np.datetime64("NaT", "us"))


def _parse_years(field: FieldTexts) -> tuple[IntArray, tuple[str, ...]]:
    """Years, and a note if some have two digits."""
    year = _to_integers(field)
    has_two_digits = field.spread(np.array([len(text) == 2 for text in field.texts]))
    if not has_two_digits.any():
        if not len(year) or year.min() < BUDDHIST_YEARS[0] or year.max() > BUDDHIST_YEARS[1]:
            return year, ()
        note = f"Years of the Buddhist Era: {field.at(0)!r} is read as {year[0] - BUDDHIST_ERA}."
        return year - BUDDHIST_ERA, (note,)
    year = np.where(has_two_digits, year + np.where(year <= MAX_TWO_DIGIT_YEAR, 2000, 1900), year)
    i = int(has_two_digits.argmax())
    return year, (f"Two-digit years: {field.at(i)!r} is read as {year[i]}.",)


def _parse_months(fields: dict[str, FieldTexts], n_rows: int) -> IntArray:
    """Months from 1 to 12; 0 for an unknown name, 1 where there are only years."""
    if "name" in fields:
        number = {name[:size]: i + 1 for i, name in enumerate(MONTHS) for size in range(3, len(name) + 1)}
        number["sept"] = 9
        names = fields["name"]
        return names.spread(np.array([number.get(name.lower(), 0) for name in names.texts], np.int64))
    if "quarter" in fields:
        return 3 * _to_integers(fields["quarter"]) - 2
    if "roman" in fields:
        roman = fields["roman"]
        return roman.spread(np.array([3 * _ROMAN.index(text.upper()) + 1 for text in roman.texts]))
    if "half_year" in fields:
        return 6 * _to_integers(fields["half_year"]) - 5
    return _to_integers(fields["month"]) if "month" in fields else np.ones(n_rows, np.int64)


def _follow(year: IntArray, next_years: FieldTexts) -> IntArray:
    """1 where the second year of a span follows the first, 0 elsewhere."""
    modulus = next_years.spread(np.array([10 ** len(text) for text in next_years.texts]))
    return np.asarray((year + 1) % modulus == _to_integers(next_years)).astype(np.int64)


def _note_groups(fields: dict[str, FieldTexts], texts: list[str], dates: npt.NDArray[Any]) -> tuple[str, ...]:
    """What the times of spans stand for."""
    for name, meaning in _GROUP_NOTES.items():
        marked = [] if name not in fields else [k for k in range(len(texts)) if fields[name].at(k)]
        if marked:
            return (f"{meaning}: {texts[marked[0]]!r} is {format_times(dates[marked[:1]])[0]}.",)
    return ()


def _infer_day_month_order(
    year: IntArray,
    first: IntArray,
    second: IntArray,
    clock: npt.NDArray[Any],
    example: str,
    today: np.datetime64,
    known: str,
) -> ParsedDates:
    """Day first or month first: the order with more valid dates, more even steps, a known one, fewer dates to come.

    What is left is decided by convention.
    """
    mark = re.sub(r"[0-9]+", "", example)[:1]
    orders = (
        ("day/month/year", make_dates(year, second, first)),
        ("month/day/year", make_dates(year, first, second)),
    )
    # Month first is American and comes with slashes.
    conventional = 1 if "/" in example else 0
    costs = [
        (
            np.isnat(dates).sum(),
            *_unevenness(dates + clock),
            mark + name != known,
            (dates > today).sum(),
            k != conventional,
        )
        for k, (name, dates) in enumerate(orders)
    ]
    chosen = int(costs[1] < costs[0])
    name, dates = orders[chosen]
    order = mark + name
    if costs[0][0] != costs[1][0] or order == known:
        return ParsedDates(dates, (), order)
    first_date = format_times(dates[:1])[0]
    advice = "If the order is wrong, write dates as YYYY-MM-DD."
    reason = ""
    if costs[0][:4] == costs[1][:4] and costs[0][4] != costs[1][4]:
        reason = f" (as {orders[1 - chosen][0]}, {costs[1 - chosen][4]} of {len(dates)} would be after {today})"
    note = f"Dates are read as {name}: {example.split()[0]!r} is {first_date}{reason}. {advice}"
    return ParsedDates(dates, (note,), order)


def _unevenness(times: npt.NDArray[Any]) -> tuple[int, int]:
    """Number of steps back, and number of distinct steps, in days and hours or in months."""
    valid = times[~np.isnat(times)]
    steps = np.diff(valid).astype(np.int64)
    months = np.diff(valid.astype("M8[M]")).astype(np.int64)
    in_month = valid - valid.astype("M8[M]").astype("M8[us]")
    same_day = len(valid) > 0 and bool((in_month == in_month[0]).all())
    return int((steps < 0).sum()), min(
        len(sorted_unique(steps)), len(sorted_unique(months)) if same_day else len(steps) + 1
    )


def _parse_time_of_day(fields: dict[str, FieldTexts]) -> npt.NDArray[Any]:
    """Time since midnight; NaT for an hour, minute or second that does not exist."""
    hour, minute = _to_integers(fields["hour"]), _to_integers(fields["minute"])
    absent = FieldTexts([""], np.zeros_like(hour))
    seconds, halves = fields.get("second", absent), fields.get("half", absent)
    second = seconds.spread(np.array([float((text or "0").replace(",", ".")) for text in seconds.texts]))
    half = halves.spread(np.array([text.lower() for text in halves.texts]))
    # 24:00 is midnight at the end of a day.
    exists = ((hour < 24) | ((hour == 24) & (minute == 0) & (second == 0))) & (minute < 60) & (second < 60)
    hour = np.where(half == "", hour, hour % 12 + 12 * (half == "p"))
    microseconds = (hour * 60 + minute) * 60_000_000 + np.rint(second * 1e6).astype(np.int64)
    return np.where(exists, microseconds.astype("m8[us]"), np.timedelta64("NaT", "us"))


def _to_integers(field: FieldTexts) -> IntArray:
    """Integers; 0 for a group that did not match."""
    return field.spread(np.array([int(text or 0) for text in field.texts], np.int64))
