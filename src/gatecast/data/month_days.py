"""Days of the month or of the year on which rows occur: the 1st and the 15th, the third Friday, the first of each term.

A day is written ``15`` (the last day of a month that is shorter), ``3FRI`` or ``LFRI`` (the third or the last Friday),
``5B`` or ``LB`` (the fifth or the last business day), ``15P`` or ``15F`` (moved from a weekend to the preceding Friday
or the following Monday, within the month). A calendar is the tuple of the days of one month, which repeats every month
or every few months, or of one year: ``JAN15`` and ``SEP1MON`` (the first Monday of September).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from types import MappingProxyType

import numpy as np
import numpy.typing as npt

from gatecast._utils.dates import later
from gatecast._utils.typing import BoolArray, IntArray

__all__ = [
    "LAST_DAYS",
    "are_month_days",
    "days_alias",
    "describe_days",
    "find_month_days",
    "find_year_days",
    "month_day_positions",
    "month_day_times",
    "parse_days_alias",
]

Dates = npt.NDArray[np.datetime64]

_WEEKDAYS = ("MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN")
_WEEKDAY_NAMES = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_ORDINALS = MappingProxyType({"1": "first", "2": "second", "3": "third", "4": "fourth", "5": "fifth", "L": "last"})
_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_MONTH_NAMES = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
_DAY = re.compile(
    rf"(?P<month>{'|'.join(_MONTHS)})?"
    r"(?:(?P<number>[1-9]|[12]\d|3[01])(?P<roll>[PF]?)|(?P<nth>[1-4L])(?P<weekday>MON|TUE|WED|THU|FRI|SAT|SUN)"
    r"|(?P<business>[1-9]|1\d|L)B)"
)
_ALIAS = re.compile(r"(SM|BM|BQ|BY|BA|B)(S|E|)|(L)?WOM")
_MONTH_START = re.compile("|".join(_MONTHS))
LAST_DAY = "31"
LAST_DAYS = (LAST_DAY, "LB")
"""Days at the end of a month."""
# Fewer rows, or fewer of them that fit, may be on these days by chance.
MIN_ROWS = 6
MIN_YEARS = 3
MIN_FITTING = 0.9
MIN_FILLED = 0.6
MAX_DAYS = 6
MIN_GAP = 4
# More rows tell no more about the calendar.
MAX_ROWS = 2_000


def month_day_times(start: npt.ArrayLike, k: npt.ArrayLike, days: tuple[str, ...], n_months: int) -> Dates:
    """Return the times of positions on a calendar.

    Args:
        start: Time of position 0, datetime64.
        k: Positions; broadcast against `start`.
        days: Days of the month on which rows occur, ascending.
        n_months: Distance of these months.

    >>> start = np.datetime64("2024-01-30")
    >>> month_day_times(start, [0, 1, 2], ("30",), 1).astype("M8[D]").astype(str).tolist()
    ['2024-01-30', '2024-02-29', '2024-03-30']
    """
    first = np.asarray(start).astype("M8[us]")
    month, phase = _origin(first, days), first - first.astype("M8[D]")
    position = _nearest_day(first, month, days) + np.asarray(k, np.int64)
    months, which = np.broadcast_arrays(month + position // len(days) * n_months, position % len(days))
    times = np.empty(months.shape, "M8[D]")
    for i, day in enumerate(days):
        times[which == i] = _dates(months[which == i], day)
    return np.asarray(times.astype("M8[us]") + phase)


def month_day_positions(times: npt.ArrayLike, start: npt.ArrayLike, days: tuple[str, ...], n_months: int) -> IntArray:
    """Return the nearest positions of times on a calendar; inverse of `month_day_times`.

    Args:
        times: datetime64, any shape.
        start: Time of position 0; broadcast against `times`.
        days: Days of the month on which rows occur, ascending.
        n_months: Distance of these months.

    >>> times = np.array(["2024-01-15", "2024-02-02", "2024-02-15"], "M8[D]")
    >>> month_day_positions(times, times[0], ("1", "15"), 1).tolist()
    [0, 1, 2]
    """
    t, first = np.asarray(times).astype("M8[D]"), np.asarray(start).astype("M8[us]")
    month = _origin(first, days)
    cycle = (t.astype("M8[M]") - month).astype(np.int64) // n_months
    best = np.zeros(np.broadcast(t, month).shape, np.int64)
    smallest = np.full(best.shape, np.iinfo(np.int64).max)
    for shift in (-1, 0, 1):
        for i, day in enumerate(days):
            distance = np.abs((t - _dates(month + (cycle + shift) * n_months, day)).astype(np.int64))
            best = np.where(distance < smallest, (cycle + shift) * len(days) + i, best)
            smallest = np.minimum(distance, smallest)
    return np.asarray(best - _nearest_day(first, month, days))


def find_month_days(day: Dates) -> tuple[tuple[str, ...], int]:
    """Return the days of the month on which rows occur, and the distance of these months; () and 1 without any.

    Args:
        day: Distinct dates, ascending, shape (n,).

    >>> months = np.arange("2020-01", "2022-01", dtype="M8[M]").astype("M8[D]")
    >>> find_month_days(np.sort(np.concatenate([months, months + 14])))
    (('1', '15'), 1)
    """
    day = day[:MAX_ROWS].astype("M8[D]")
    months, first, counts = np.unique(day.astype("M8[M]"), return_index=True, return_counts=True)
    per_month = int(np.bincount(counts).argmax())
    gaps = np.diff(day).astype(np.int64)
    if len(day) < MIN_ROWS or per_month > MAX_DAYS or np.median(gaps) < MIN_GAP or (gaps == gaps[0]).all():
        return (), 1
    full = first[counts == per_month]
    days = tuple(_find_day(day[full + i]) for i in range(per_month))
    distances = np.bincount(np.diff(months).astype(np.int64))
    n_months = int(distances.argmax()) if len(months) > 1 else 1
    # One row a month on a day that every month has needs no calendar: it is the phase of a monthly grid.
    if not are_month_days(days) or (per_month == 1 and days[0] in (*map(str, range(1, 29)), LAST_DAY)):
        return (), 1
    return (days, n_months) if _fit(day, days, n_months) >= MIN_FITTING else ((), 1)


def find_year_days(day: Dates) -> tuple[str, ...]:
    """Return the days of the year on which rows occur, in a few months that are not at even distances; () without any.

    Args:
        day: Distinct dates, ascending, shape (n,).

    >>> find_year_days(np.array([f"{year}-{day}" for year in range(2015, 2020) for day in ("01-15", "09-01")], "M8[D]"))
    ('JAN15', 'SEP1')
    """
    day = day[:MAX_ROWS].astype("M8[D]")
    months = day.astype("M8[M]")
    of_year = months.astype(np.int64) % 12
    used, counts = np.unique(of_year, return_counts=True)
    if counts.min() < MIN_YEARS or not 2 <= len(used) <= MAX_DAYS or (np.diff(months).astype(np.int64) == 0).any():
        return ()
    names = [_find_day(day[of_year == month]) for month in used]
    days = tuple(_MONTHS[month] + name for month, name in zip(used, names, strict=True))
    # One day at even distances is every few months.
    if len(set(names)) == 1 == len(np.unique(np.diff(used, append=used[0] + 12))):
        return ()
    if not all(names) or not are_month_days(days) or _fit(day, days, 12) < MIN_FITTING:
        return ()
    return days


def _fit(day: Dates, days: tuple[str, ...], n_months: int) -> float:
    """The share of dates that are on a calendar; 0 where two have one position, or where most positions have none."""
    k = month_day_positions(day, day[0], days, n_months)
    if (np.diff(k) < 1).any() or len(k) < MIN_FILLED * (int(k[-1]) + 1):
        return 0.0
    return float((month_day_times(day[0], k, days, n_months).astype("M8[D]") == day).mean())


def are_month_days(days: tuple[str, ...]) -> bool:
    """Return whether texts are days of a month that are different and in order in every month.

    >>> are_month_days(("15", "31")), are_month_days(("4FRI", "LFRI")), are_month_days(("15", "1"))
    (True, False, False)
    """
    matches = [_DAY.fullmatch(day) for day in days]
    if len({bool(match and match["month"]) for match in matches}) != 1 or not all(matches):
        return False
    # All 28-day Februaries and every weekday at the first of a month are in these years.
    months = np.arange("2001-01", "2029-01", 12 if _MONTH_START.match(days[0]) else 1, dtype="M8[M]")
    dates = np.stack([_dates(months, day) for day in days])
    return bool((np.diff(dates, axis=0) > np.timedelta64(0, "D")).all())


def days_alias(days: tuple[str, ...], unit: str) -> str:
    """Return the alias of a calendar: that of pandas, if there is one.

    >>> days_alias(("1", "15"), "MS"), days_alias(("3FRI",), "MS"), days_alias(("1", "11", "21"), "MS")
    ('SMS-15', 'WOM-3FRI', 'MS@1,11,21')
    """
    if unit == "YS":
        return f"YS@{','.join(days)}"
    if len(days) == 2 and days[0] == "1" and days[1].isdigit() and days[1] != LAST_DAY:
        return f"SMS-{days[1]}"
    if len(days) == 2 and days[1] == LAST_DAY and days[0].isdigit() and days[0] != "1":
        return f"SME-{days[0]}"
    if len(days) == 1:
        match = _match(days[0])
        if days[0] in ("1B", "LB"):
            return "BMS" if days[0] == "1B" else "BME"
        if match["weekday"]:
            return f"LWOM-{match['weekday']}" if match["nth"] == "L" else f"WOM-{days[0]}"
    return f"{unit}@{','.join(days)}"


def parse_days_alias(text: str) -> tuple[tuple[str, ...], int]:
    """Return the calendar that an alias means, and the distance of its months; () and 1 for another alias.

    >>> parse_days_alias("SME"), parse_days_alias("WOM-3FRI"), parse_days_alias("BQE"), parse_days_alias("MS@30")
    ((('15', '31'), 1), (('3FRI',), 1), (('LB',), 3), (('30',), 1))
    """
    name, at, listed = text.partition("@")
    if at:
        days = tuple(listed.upper().split(","))
        in_year = bool(_MONTH_START.match(days[0]))
        fits = name == "YS" if in_year else name in ("MS", "ME", "M")
        return (days, 12 if in_year else 1) if fits and are_month_days(days) else ((), 1)
    name, _, rest = text.partition("-")
    match = _ALIAS.fullmatch(name)
    if match is None or name in ("B", "BS", "BE"):
        return (), 1
    if name.endswith("WOM"):
        days = (f"{match[3] or ''}{rest.upper()}",)
        return (days, 1) if are_month_days(days) and _match(days[0])["weekday"] else ((), 1)
    at_start = name.endswith("S") and name != "BS"
    if name.startswith("SM"):
        number = rest or "15"
        days = ("1", number) if at_start else (number, LAST_DAY)
        return (days, 1) if number.isdigit() and are_month_days(days) else ((), 1)
    if rest and not (name[1] != "M" and re.fullmatch("[A-Z]{3}", rest)):
        return (), 1
    return (("1B" if at_start else "LB",), {"M": 1, "Q": 3}.get(name[1], 12))


def describe_days(days: tuple[str, ...]) -> str:
    """Return a calendar in English.

    >>> describe_days(("15", "31")), describe_days(("3FRI",)), describe_days(("LB",))
    ('day 15 and last day', 'third Friday', 'last business day')
    """
    *others, last = map(_describe_day, days)
    return f"{', '.join(others)} and {last}" if others else last


def _describe_day(day: str) -> str:
    """One day in English."""
    match = _match(day)
    if match["month"]:
        name, day = _MONTH_NAMES[_MONTHS.index(match["month"])], day[3:]
        return f"{name} {day}" if day.isdigit() else f"{_describe_day(day)} of {name}"
    if match["weekday"]:
        return f"{_ORDINALS[match['nth']]} {_WEEKDAY_NAMES[_WEEKDAYS.index(match['weekday'])]}"
    if match["business"]:
        nth = match["business"]
        return f"{_ORDINALS[nth]} business day" if nth in _ORDINALS else f"business day {nth}"
    moved = {"P": ", or the Friday before", "F": ", or the Monday after", "": ""}[match["roll"]]
    return ("last day" if match["number"] == LAST_DAY else f"day {match['number']}") + moved


def _match(day: str) -> re.Match[str]:
    """The parts of a day."""
    match = _DAY.fullmatch(day)
    assert match is not None, day
    return match


def _dates(months: Dates, day: str) -> Dates:
    """The date of a day in each month."""
    match = _match(day)
    if match["month"]:
        months = later(months, _MONTHS.index(match["month"]))
    first = months.astype("M8[D]")
    last = later(later(months, 1).astype("M8[D]"), -1)
    if match["weekday"]:
        target = _WEEKDAYS.index(match["weekday"])
        if match["nth"] == "L":
            return np.asarray(later(last, -((_weekday(last) - target) % 7)))
        return np.asarray(later(first, (target - _weekday(first)) % 7 + 7 * (int(match["nth"]) - 1)))
    if match["business"]:
        if match["business"] == "L":
            return np.asarray(np.busday_offset(last, 0, roll="backward"))
        return np.asarray(np.busday_offset(first, int(match["business"]) - 1, roll="forward"))
    date = np.minimum(later(first, int(match["number"]) - 1), last)
    if not match["roll"]:
        return np.asarray(date)
    return np.asarray(
        np.busday_offset(date, 0, roll="modifiedpreceding" if match["roll"] == "P" else "modifiedfollowing")
    )


def _weekday(day: Dates) -> IntArray:
    """Day of the week, 0 Monday ... 6 Sunday."""
    return np.asarray((day.astype(np.int64) + 3) % 7)


def _origin(first: Dates, days: tuple[str, ...]) -> Dates:
    """The month from which cycles are counted: that of the first time, or January of its year."""
    return first.astype("M8[Y]" if _match(days[0])["month"] else "M8[M]").astype("M8[M]")


def _nearest_day(first: Dates, month: Dates, days: tuple[str, ...]) -> IntArray:
    """Which of the days of its month a time is nearest to."""
    date = first.astype("M8[D]")
    return np.asarray(np.abs([(date - _dates(month, day)).astype(np.int64) for day in days]).argmin(axis=0))


def _find_day(dates: Dates) -> str:
    """The day of the month that dates, one a month, are on; the first in the order of `_candidates`, "" without one."""
    months = dates.astype("M8[M]")
    best, best_fit = "", MIN_FITTING - 1e-9
    for day in _candidates(dates, months):
        fits: BoolArray = _dates(months, day) == dates
        if fits.mean() > best_fit:
            best, best_fit = day, float(fits.mean())
        if best_fit == 1:
            break
    return best


def _candidates(dates: Dates, months: Dates) -> Iterator[str]:
    """Days that dates may be on: plain ones, weekdays, business days, days that are moved at weekends."""
    numbers = (dates - months.astype("M8[D]")).astype(np.int64) + 1
    weekdays = _weekday(dates)
    yield LAST_DAY
    yield str(int(np.bincount(numbers).argmax()))
    name = _WEEKDAYS[int(np.bincount(weekdays).argmax())]
    if (nth := int(np.bincount((numbers + 6) // 7).argmax())) < 5:
        yield f"{nth}{name}"
    yield f"L{name}"
    if (weekdays > 4).any():
        return
    yield "LB"
    business = np.busday_count(months.astype("M8[D]"), dates) + 1
    yield f"{min(int(np.bincount(business).argmax()), 19)}B"
    for roll in "PF":
        yield from (f"{number}{roll}" for number in range(1, 32))
