"""Dates that are not ISO 8601: 31/12/2024, 12/31/24 6:30 PM, 5 March 2024, Mar-24, 2024Q1, 2024M03, 2024-W10.

Letters: N cells.
"""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import numpy.typing as npt

from gatecast.data.frequency import format_times

__all__ = ["FORMS", "compose", "read_form"]

Integers = npt.NDArray[np.int64]

MONTHS = (
    *("january", "february", "march", "april", "may", "june"),
    *("july", "august", "september", "october", "november", "december"),
)
# Years of two digits up to this one are of this century: data are more often old than from a far future.
PIVOT = 40

_YEAR = r"(?P<year>\d{4}|\d\d)"
_MONTH = r"(?P<name>[A-Za-z]{3,9})\.?"
_CLOCK = (
    r"(?:[T ,]+(?P<hour>\d{1,2}):(?P<minute>\d\d)(?::(?P<second>\d\d(?:[.,]\d{1,6})?))?"
    r"(?: ?(?P<half>[AaPp])\.?[Mm]\.?)?)?"
)
FORMS: tuple[re.Pattern[str], ...] = tuple(
    re.compile(form + _CLOCK)
    for form in (
        r"(?P<year>\d{4})([-/.])(?P<month>\d{1,2})\2(?P<day>\d{1,2})",
        rf"(?P<first>\d{{1,2}})([-/.])(?P<other>\d{{1,2}})\2{_YEAR}",
        rf"(?P<day>\d{{1,2}})[-/. ]*{_MONTH}[-/, ]*{_YEAR}",
        rf"{_MONTH} (?P<day>\d{{1,2}}),? (?P<year>\d{{4}})",
        rf"{_MONTH}[-/, ]*{_YEAR}",
        rf"(?P<year>\d{{4}})[-/, ]*{_MONTH}",
        r"(?P<month>\d{1,2})[-/](?P<year>\d{4})",
        r"(?P<year>\d{4})[-/](?P<month>\d{1,2})",
        r"(?P<year>\d{4})[- ]?M(?P<month>\d{1,2})",
        r"(?P<year>\d{4})[- :/]?Q(?P<quarter>[1-4])",
        r"Q(?P<quarter>[1-4])[- /]?(?P<year>\d{4})",
        r"(?P<year>\d{4})-?W(?P<week>\d\d)",
    )
)
"""Every form that is understood; where two read a column equally well, the first is taken."""


def read_form(pattern: re.Pattern[str], texts: list[str]) -> tuple[npt.NDArray[Any], tuple[str, ...]]:
    """Read texts in one form.

    Args:
        pattern: One of `FORMS`.
        texts: N texts.

    Returns:
        (N,) datetime64[us], NaT where a text does not have the form or names a day that does not exist;
        and sentences about what was not certain.

    >>> read_form(FORMS[1], ["31/01/2024", "01/02/2024"])[0].astype("M8[D]").astype(str).tolist()
    ['2024-01-31', '2024-02-01']
    """
    matches = [pattern.fullmatch(text) for text in texts]
    found = np.array([match is not None for match in matches], bool)
    parts = [match.groupdict() for match in matches if match]
    times = np.full(len(texts), np.datetime64("NaT", "us"))
    if not parts:
        return times, ()
    columns = {name: [part[name] for part in parts] for name in parts[0]}
    year, notes = _years(columns["year"])
    if "first" in columns:
        first, other = _integers(columns["first"]), _integers(columns["other"])
        shown = next(text for text, match in zip(texts, matches, strict=True) if match)
        known, order_notes = _either_order(year, first, other, shown)
        notes += order_notes
    elif "week" in columns:
        # ISO 8601: week 1 is the one of 4 January; weeks begin on Monday.
        fourth = compose(year, np.ones_like(year), np.full_like(year, 4)).astype("M8[D]")
        known = fourth - (fourth.astype(np.int64) + 3) % 7 + 7 * (_integers(columns["week"]) - 1)
    else:
        known = compose(year, _month(columns), _integers(columns.get("day", ["1"] * len(parts))))
    times[found] = known + _clock(columns)
    return times, notes


def compose(year: Integers, month: Integers, day: Integers) -> npt.NDArray[Any]:
    """Dates from their parts; NaT for a month or day that does not exist.

    >>> year, month, day = np.array([[2024, 2023], [2, 2], [29, 29]])
    >>> compose(year, month, day).astype("M8[D]").astype(str).tolist()
    ['2024-02-29', 'NaT']
    """
    months = ((year - 1970) * 12 + month - 1).astype("M8[M]")
    last = ((months + 1).astype("M8[D]") - months.astype("M8[D]")).astype(np.int64)
    exists = (month >= 1) & (month <= 12) & (day >= 1) & (day <= last)
    dates = (months.astype("M8[D]") + (day - 1)).astype("M8[us]")
    return np.where(exists, dates, np.datetime64("NaT", "us"))


def _years(texts: list[str]) -> tuple[Integers, tuple[str, ...]]:
    """Years, those of two digits completed."""
    year = _integers(texts)
    short = np.array([len(text) == 2 for text in texts])
    year = np.where(short, year + np.where(year <= PIVOT, 2000, 1900), year)
    if not short.any():
        return year, ()
    i = int(short.argmax())
    return year, (f"Years have two digits: {texts[i]!r} is read as {year[i]}.",)


def _month(columns: dict[str, list[str]]) -> Integers:
    """Months, 0 where a name is none."""
    if "name" in columns:
        known = {name[:size]: i + 1 for i, name in enumerate(MONTHS) for size in range(3, len(name) + 1)}
        known["sept"] = 9
        return np.array([known.get(name.lower(), 0) for name in columns["name"]], np.int64)
    if "quarter" in columns:
        return 3 * _integers(columns["quarter"]) - 2
    return _integers(columns["month"])


def _either_order(
    year: Integers, first: Integers, other: Integers, shown: str
) -> tuple[npt.NDArray[Any], tuple[str, ...]]:
    """Day before month or after it: what more dates allow, then what runs more evenly, then custom."""
    orders = (
        ("day/month/year", compose(year, other, first)),
        ("month/day/year", compose(year, first, other)),
    )
    # Month first is American and comes with slashes.
    custom = 1 if "/" in shown else 0
    merits = [(int(np.isnat(dates).sum()), *_roughness(dates), k != custom) for k, (_, dates) in enumerate(orders)]
    best = int(merits[1] < merits[0])
    name, dates = orders[best]
    if merits[0][0] != merits[1][0]:
        return dates, ()
    known = format_times(dates[:1])[0]
    doubt = "If that is wrong, write them as YYYY-MM-DD."
    return dates, (f"Dates are read as {name}: {shown.split()[0]!r} is {known}. {doubt}",)


def _roughness(dates: npt.NDArray[Any]) -> tuple[int, int]:
    """How often dates step back, and how many different steps there are, in days or in months."""
    known = dates[~np.isnat(dates)]
    days = np.diff(known.astype("M8[D]")).astype(np.int64)
    months = np.diff(known.astype("M8[M]")).astype(np.int64)
    same_day = len(np.unique(known.astype("M8[D]") - known.astype("M8[M]").astype("M8[D]"))) == 1
    return int((days < 0).sum()), min(len(np.unique(days)), len(np.unique(months)) if same_day else len(days) + 1)


def _clock(columns: dict[str, list[str]]) -> npt.NDArray[Any]:
    """Time of day; NaT for hours and minutes that do not exist."""
    hour, minute = _integers(columns["hour"]), _integers(columns["minute"])
    second = np.array([float((text or "0").replace(",", ".")) for text in columns["second"]])
    half = np.array([(text or "").lower() for text in columns["half"]])
    exists = (hour < 24) & (minute < 60) & (second < 60)
    hour = np.where(half == "", hour, hour % 12 + 12 * (half == "p"))
    micros = (hour * 60 + minute) * 60_000_000 + np.rint(second * 1e6).astype(np.int64)
    return np.where(exists, micros.astype("m8[us]"), np.timedelta64("NaT", "us"))


def _integers(texts: list[str]) -> Integers:
    """Whole numbers; 0 for a part that is absent."""
    return np.array([int(text or 0) for text in texts], np.int64)
