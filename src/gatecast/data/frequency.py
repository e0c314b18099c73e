"""Frequencies: the distance between times, their anchor, and their aliases.

Times are datetime64[us] without a time zone (292,000 years each way, so neither 1749 nor 2300 overflows), or int64
where there are no dates. Aliases are those of pandas: ``YS QS MS`` for the start and ``YE QE ME`` for the end of year,
quarter and month, ``W-SUN`` ... ``W-SAT``, ``B``, ``D``, ``h``, ``min``, ``s``, ``ms``, ``us``, each with a multiple
(``15min``); ``SMS-15``, ``SME-15``, ``BMS``, ``BME``, ``WOM-3FRI`` and others for days of the month; integer steps are
written as a number (``1``).

The phase of a grid is in its first time, never in the frequency: hourly data at a quarter past, daily data at nine
o'clock and monthly data on the 15th are regular grids.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from difflib import get_close_matches
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt

from gatecast._utils.dates import later
from gatecast._utils.typing import BoolArray, IntArray
from gatecast._utils.validation import check_positive_int
from gatecast.data.month_days import (
    LAST_DAYS,
    are_month_days,
    days_alias,
    describe_days,
    month_day_positions,
    month_day_times,
    parse_days_alias,
)
from gatecast.data.week_slots import MICROSECONDS_PER_WEEK, format_slots, parse_slots, slot_positions, slot_times
from gatecast.errors import ConfigError, DataError

__all__ = ["MAX_TICKS", "Freq", "Times", "format_times", "parse", "weekday"]

Times = npt.NDArray[Any]
"""datetime64[us] or int64."""

MICROSECONDS = MappingProxyType(
    {
        "us": 1,
        "ms": 1_000,
        "s": 1_000_000,
        "min": 60_000_000,
        "h": 3_600_000_000,
        "D": 86_400_000_000,
        "W": 7 * 86_400_000_000,
    }
)
"""Length of each unit of fixed length."""

MAX_TICKS = 2**61
"""Microseconds from 1970, 73,000 years, or integer steps from 0, that a time of a table and a step may have at most.

Sums and differences of two of them, and what is rounded to steps, fit into 64 bits."""

MONTHS = MappingProxyType({"MS": 1, "QS": 3, "YS": 12, "ME": 1, "QE": 3, "YE": 12})
"""Length in months of each calendar unit, at the start or the end of the period."""

WITHIN_A_DAY = ("us", "ms", "s", "min", "h")
"""Units shorter than a day."""

WEEKDAYS = ("MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN")
DAY_NAMES = ("Mondays", "Tuesdays", "Wednesdays", "Thursdays", "Fridays", "Saturdays", "Sundays")
MONTH_NAMES = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")

# Seasonal periods that the calendar suggests, in units, the usual one first: the defaults of GluonTS, except 7 days.
CYCLES = MappingProxyType(
    {
        "ms": (1_000,),
        "s": (3_600, 60, 86_400),
        "min": (1_440, 10_080),
        "h": (24, 168),
        "D": (7, 365),
        "B": (5, 261),
        "W": (52,),
        **{unit: (12 // months,) for unit, months in MONTHS.items() if months < 12},
    }
)

UNIT_NAMES = MappingProxyType(
    {
        "step": ("integer steps", "steps"),
        "us": ("every microsecond", "microseconds"),
        "ms": ("every millisecond", "milliseconds"),
        "s": ("every second", "seconds"),
        "min": ("every minute", "minutes"),
        "h": ("hourly", "hours"),
        "D": ("daily", "days"),
        "B": ("business days", "business days"),
        "W": ("weekly", "weeks"),
        **{unit: ("monthly", "months") for unit in ("MS", "ME")},
        **{unit: ("quarterly", "quarters") for unit in ("QS", "QE")},
        **{unit: ("yearly", "years") for unit in ("YS", "YE")},
    }
)

# Other spellings: pandas before 2.2, polars, English words.
ALIASES = MappingProxyType(
    {
        **{"A": "YE", "Y": "YE", "AS": "YS", "Q": "QE", "M": "ME", "H": "h", "T": "min", "S": "s", "L": "ms"},
        **{"y": "YS", "q": "QS", "mo": "MS", "w": "W", "d": "D", "b": "B"},
        **{"yearly": "YS", "annual": "YS", "year": "YS", "quarterly": "QS", "quarter": "QS", "monthly": "MS"},
        **{"month": "MS", "weekly": "W", "week": "W", "daily": "D", "day": "D", "hourly": "h", "hour": "h"},
        **{"minute": "min", "second": "s", "step": "step", "integer": "step"},
    }
)


@dataclass(frozen=True)
class Freq:
    """A fixed distance between times: a multiple of a unit, with an anchor for weeks, quarters and years.

    Args:
        unit: "step", "us", "ms", "s", "min", "h", "D", "B", "W", "MS", "ME", "QS", "QE", "YS" or "YE".
        multiple: Number of units, at least 1.
        anchor: Weekday of a week (0 Monday ... 6 Sunday), month of a year (1-12), month of a quarter (any of the
            four); None for the default: Sunday, January for starts, December for ends.
        slots: Steps of a week that occur, from 0 at midnight of Monday, where some never do: a shop that is closed on
            Sundays has the days 0 to 5. () for all.
        days: Days of the month on which rows occur, such as ("1", "15"), ("30",), ("3FRI",) or ("LB",), of the units
            MS and ME; or of the year, such as ("JAN15", "SEP1"), of the unit YS. () for the first or the last day.

    Raises:
        ConfigError: Another unit, multiple or anchor, slots that are not in a week, or days that are not in a month.

    >>> str(Freq("D", slots=(0, 1, 2, 3, 4, 5))), Freq("D", slots=(0, 1, 2, 3, 4, 5)).label
    ('D@0-5', 'daily except Sundays (D@0-5)')
    >>> str(Freq("min", 15)), Freq("MS").label, Freq("QE", anchor=2)
    ('15min', 'monthly (MS)', Freq(unit='QE', multiple=1, anchor=11, slots=(), days=()))
    >>> str(Freq("MS", days=("3FRI",))), Freq("ME", days=("15", "31")).label
    ('WOM-3FRI', 'monthly on day 15 and last day (SME-15)')
    """

    unit: str
    multiple: int = 1
    anchor: int | None = None
    slots: tuple[int, ...] = ()
    days: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.unit not in UNIT_NAMES:
            raise ConfigError("Unknown unit of time", got=repr(self.unit), expected="one of " + " ".join(UNIT_NAMES))
        maximum = MAX_TICKS // _ticks_of(self.unit)
        multiple = check_positive_int(self.multiple, "multiple of a frequency", where=self.unit, maximum=maximum)
        object.__setattr__(self, "multiple", multiple)
        object.__setattr__(self, "anchor", _normalize_anchor(self.unit, self.anchor))
        if self.slots:
            _check_slots(self)
        if self.days:
            _check_days(self)

    def __str__(self) -> str:
        if self.unit == "step":
            return str(self.multiple)
        times = str(self.multiple) if self.multiple > 1 else ""
        if self.slots:
            return f"{times}{self.unit}@{format_slots(self.slots)}"
        if self.days:
            return times + days_alias(self.days, self.unit)
        if self.anchor is None or (self.unit != "W" and self == Freq(self.unit, self.multiple)):
            return times + self.unit
        names = WEEKDAYS if self.unit == "W" else ("", *MONTH_NAMES)
        return f"{times}{self.unit}-{names[self.anchor]}"

    @property
    def label(self) -> str:
        """The frequency in English, with its alias."""
        single, plural = UNIT_NAMES[self.unit]
        if self.unit == "step":
            return "integer steps" if self.multiple == 1 else f"integer steps of {self.multiple}"
        if self.slots:
            return _label_slots(self)
        if self.days:
            every = single if self.multiple == 1 else f"every {self.multiple} {plural}"
            return f"{every} on {describe_days(self.days)} ({self})"
        return f"{single if self.multiple == 1 else f'every {self.multiple} {plural}'} ({self})"

    @property
    def season_length(self) -> int:
        """The usual seasonal period in steps, 1 if there is none; MASE and the seasonal naive forecast use it.

        >>> [parse(alias).season_length for alias in ("h", "30min", "15min", "D", "B", "W", "MS", "QE", "YS", "5h")]
        [24, 48, 96, 7, 5, 52, 12, 4, 1, 1]
        """
        if self.slots:
            return self._slot_cycles()[0]
        if self.days:
            n_months = MONTHS[self.unit] * self.multiple
            return 12 // n_months * len(self.days) if 12 % n_months == 0 else 1
        usual = CYCLES.get(self.unit, (1,))[0]
        return usual // self.multiple if usual % self.multiple == 0 else 1

    @property
    def cycles(self) -> tuple[int, ...]:
        """Seasonal periods of at least 4 steps that the calendar suggests, shortest first.

        >>> parse("30min").cycles, parse("D").cycles, parse("YS").cycles
        ((48, 336), (7, 365), ())
        """
        if self.slots:
            return tuple(period for period in self._slot_cycles() if period >= 4)
        if self.days:
            return (self.season_length,) if self.season_length >= 4 else ()
        cycles = CYCLES.get(self.unit, ())
        periods = (cycle // self.multiple for cycle in cycles if cycle % self.multiple == 0)
        return tuple(sorted(period for period in periods if period >= 4))

    def at(self, start: npt.ArrayLike, k: npt.ArrayLike) -> Times:
        """Return the times of grid positions.

        Args:
            start: Time of position 0.
            k: Positions; broadcast against `start`.

        Returns:
            Times as datetime64[us] or int64, in the broadcast shape.

        Raises:
            DataError: Positions that are too far away for times of 64 bits.

        >>> Freq("ME").at(np.datetime64("2024-01-31"), [0, 1, 2]).astype("M8[D]").astype(str).tolist()
        ['2024-01-31', '2024-02-29', '2024-03-31']
        """
        self._check_reach(np.asarray(k, np.int64))
        steps = np.asarray(k, np.int64) * self.multiple
        first = np.asarray(start)
        if self.unit == "step":
            return np.asarray(first + steps)
        first = first.astype("M8[us]")
        if self.days:
            return month_day_times(first, k, self.days, MONTHS[self.unit] * self.multiple)
        if self.slots:
            return slot_times(first, k, self.slots, self.step_microseconds)
        if self.unit in MICROSECONDS:
            return np.asarray(first + (steps * MICROSECONDS[self.unit]).astype("m8[us]"))
        base = self._base(first)
        phase = first - base.astype("M8[us]")
        if self.unit == "B":
            return np.asarray(np.busday_offset(base, steps, roll="forward").astype("M8[us]") + phase)
        month = later(first.astype("M8[M]"), steps * MONTHS[self.unit])
        return np.asarray(self._edge(month).astype("M8[us]") + phase)

    def range(self, start: npt.ArrayLike, n: int) -> Times:
        """Return the first n times of the grid that begins at `start`.

        >>> Freq("W", anchor=0).range(np.datetime64("2024-01-01"), 3).astype("M8[D]").astype(str).tolist()
        ['2024-01-01', '2024-01-08', '2024-01-15']
        >>> Freq("step", 5).range(10, 3).tolist()
        [10, 15, 20]
        """
        return self.at(start, np.arange(n))

    def index_of(self, times: npt.ArrayLike, start: npt.ArrayLike) -> tuple[IntArray, BoolArray]:
        """Return the positions of times on the grid that begins at `start`; the inverse of `at`.

        Args:
            times: Times, shape (n_times,).
            start: First time of the grid, or one per time.

        Returns:
            Positions, shape (n_times,), the nearest one where a time is off the grid; and whether each time is
            exactly on the grid.

        >>> days = np.array(["2024-02-28", "2024-03-01T06:00"], "M8[us]")
        >>> k, on_grid = Freq("D").index_of(days, np.datetime64("2024-02-28"))
        >>> k.tolist(), on_grid.tolist()
        ([0, 2], [True, False])
        """
        t, first = np.broadcast_arrays(np.asarray(times), np.asarray(start))
        if self.unit == "step":
            k = _nearest(t.astype(np.int64) - first.astype(np.int64), self.multiple)
        else:
            t, first = t.astype("M8[us]"), first.astype("M8[us]")
            if self.days:
                k = month_day_positions(t, first, self.days, MONTHS[self.unit] * self.multiple)
            elif self.slots:
                k = slot_positions(t, first, self.slots, self.step_microseconds)
            elif self.unit in MICROSECONDS:
                size = MICROSECONDS[self.unit] * self.multiple
                k = _nearest((t - first).astype(np.int64), size)
            elif self.unit == "B":
                days = np.busday_count(self._base(first), t.astype("M8[D]")).astype(np.int64)
                k = _nearest(days, self.multiple)
            else:
                months = (t.astype("M8[M]") - first.astype("M8[M]")).astype(np.int64)
                k = _nearest(months, MONTHS[self.unit] * self.multiple)
        return k, np.asarray(self.at(first, k) == t)

    def anchored(self, first: npt.ArrayLike) -> Freq:
        """Return this frequency with the anchor, and the start or end of month, that a first time implies.

        >>> monday = np.datetime64("2024-01-01")
        >>> str(Freq("W").anchored(monday)), str(Freq("ME").anchored(monday))
        ('W-MON', 'MS')
        """
        if self.days or (self.unit not in MONTHS and self.unit != "W"):
            return self
        day = np.asarray(first).astype("M8[D]")
        if self.unit == "W":
            return replace(self, anchor=int(weekday(day)))
        month = day.astype("M8[M]")
        # Only the last day of the month anchors at the end: the 28th of a long month is a phase of the start.
        at_end = bool(day == _last_day(month)) and bool(day != month.astype("M8[D]"))
        unit = self.unit[0] + ("E" if at_end else "S")
        anchor = None if unit[0] == "M" else int(month.astype(np.int64)) % 12 + 1
        return Freq(unit, self.multiple, anchor)

    @property
    def step_microseconds(self) -> int:
        """Length of a step; units of the calendar have none.

        >>> parse("15min").step_microseconds
        900000000
        """
        return MICROSECONDS[self.unit] * self.multiple

    def _check_reach(self, k: IntArray) -> None:
        """Check that no position is so far from the start that its time would wrap around."""
        if not k.size:
            return
        farthest = max(int(k.max()), -int(k.min()))
        # Of a week or of a month only some steps may occur.
        per_cycle = len(self.days) or 1
        size = MICROSECONDS["W"] // len(self.slots) if self.slots else _ticks_of(self.unit) * self.multiple // per_cycle
        limit = (MAX_TICKS * 3 - 1) // max(size, 1)
        if farthest > limit:
            raise DataError(
                "Times beyond what 64 bits hold",
                got=f"{farthest:,} steps from the start of a series, {self.label}",
                expected=f"at most {limit:,}",
                fix="Ask for fewer steps, or give the series a finer frequency.",
                argument="h",
            )

    def _slot_cycles(self) -> tuple[int, ...]:
        """Steps of a day, where all open days have as many, of a week, and of a year."""
        per_day = MICROSECONDS["D"] // self.step_microseconds
        counts = np.bincount(np.array(self.slots) // max(per_day, 1))
        counts = counts[counts > 0]
        n = len(self.slots)
        day = (int(counts[0]),) if counts[0] > 1 and (counts == counts[0]).all() and counts[0] < n else ()
        return (*day, n, *((round(n * 365.25 / 7),) if per_day == 1 else ()))

    def _base(self, first: Times) -> Times:
        """The day from which steps are counted; the rest of `first` is the phase."""
        return first.astype("M8[D]") if self.unit == "B" else self._edge(first.astype("M8[M]"))

    def _edge(self, month: Times) -> Times:
        """First or last day of each month."""
        return _last_day(month) if self.unit.endswith("E") else month.astype("M8[D]")


def parse(freq: str | int | Freq) -> Freq:
    """Parse a frequency from an alias or from an integer, for integer steps.

    Args:
        freq: Alias such as "MS", "QE-NOV", "W-MON", "15min", "monthly" or "1mo", in pandas or polars spelling; an
            integer; or a `Freq`, which is returned.

    Raises:
        ConfigError: Not a frequency.

    >>> [str(parse(alias)) for alias in ("M", "1mo", "15T", "W", "QS-OCT", "A-JUN", "weekly", 2)]
    ['ME', 'MS', '15min', 'W-SUN', 'QS', 'YE-JUN', 'W-SUN', '2']
    """
    if isinstance(freq, Freq):
        return freq
    text = str(freq).strip()
    if with_days := _parse_days(text):
        return with_days
    text, at, slots = text.partition("@")
    match = re.fullmatch(r"(\d*)\s*([A-Za-z]*)(?:-([A-Za-z]{3}))?", text)
    if match and any(match.group(1, 2)):
        multiple, name, anchor = match.groups()
        unit = name if name in UNIT_NAMES else ALIASES.get(name or "step", ALIASES.get(name.lower(), ""))
        anchors = WEEKDAYS if unit == "W" else MONTH_NAMES if unit in MONTHS and unit[0] != "M" else ()
        week = parse_slots(slots) if re.fullmatch(r"\d+(-\d+)?(,\d+(-\d+)?)*", slots) else ()
        if unit and (anchor is None or anchor.upper() in anchors) and bool(week) == bool(at):
            number = None if anchor is None else anchors.index(anchor.upper()) + (unit != "W")
            return Freq(unit, int(multiple or 1), number, week)
    # Only near misses: a suggestion that is far off misleads more than it helps.
    close = get_close_matches(text, [*UNIT_NAMES, *ALIASES], n=1, cutoff=0.75)
    raise ConfigError(
        f"Invalid freq {freq!r}",
        expected="YS YE QS QE MS ME W-SUN B D h min s, with a multiple such as 15min, or an integer for integer steps",
        fix=f"Did you mean {close[0]!r}?" if close else "For example, freq='MS' means the first of every month.",
        argument="freq",
    )


def _parse_days(text: str) -> Freq | None:
    """A frequency with days of the month; None for another one."""
    multiple = re.match(r"\d*", text)[0]  # type: ignore[index]  # Matches every text.
    days, n_months = parse_days_alias(text[len(multiple) :].strip())
    if not days:
        return None
    count = int(multiple or 1)
    if days[0].startswith(MONTH_NAMES):
        return Freq("YS", count, days=days)
    return Freq("ME" if days[-1] in LAST_DAYS else "MS", n_months * count, days=days)


def weekday(days: npt.ArrayLike) -> IntArray:
    """Return the day of the week, 0 Monday ... 6 Sunday.

    >>> weekday(np.array(["2024-01-01", "1969-12-28"], "M8[D]")).tolist()
    [0, 6]
    """
    # Day 0, 1 January 1970, was a Thursday.
    return np.asarray((np.asarray(days).astype("M8[D]").astype(np.int64) + 3) % 7)


def format_times(times: npt.ArrayLike) -> list[str]:
    """Format times as strings: only dates if all are at midnight, with the time of day otherwise; integers as such.

    >>> format_times(np.array(["1749-01-01", "2300-12-31"], "M8[us]"))
    ['1749-01-01', '2300-12-31']
    >>> format_times(np.array(["2024-01-01T00:00", "2024-01-01T00:30"], "M8[us]"))
    ['2024-01-01 00:00:00', '2024-01-01 00:30:00']
    """
    t = np.asarray(times)
    if t.dtype.kind != "M":
        return [str(time) for time in t.tolist()]
    valid = t[~np.isnat(t)]
    for unit in ("D", "s", "ms", "us"):
        if np.array_equal(valid.astype(f"M8[{unit}]").astype("M8[us]"), valid.astype("M8[us]")):
            break
    texts = np.datetime_as_string(t, unit=unit).tolist()
    return [text if text == "NaT" else text.replace("T", " ") for text in texts]


def _ticks_of(unit: str) -> int:
    """Microseconds of a unit, of the longest one where they differ; 1 for integer steps.

    >>> _ticks_of("D"), _ticks_of("MS") // _ticks_of("D")
    (86400000000, 31)
    """
    if unit == "B":
        return 3 * MICROSECONDS["D"]
    days = {1: 31, 3: 92, 12: 366}
    return days[MONTHS[unit]] * MICROSECONDS["D"] if unit in MONTHS else MICROSECONDS.get(unit, 1)


def _check_slots(freq: Freq) -> None:
    """Check that the slots of a frequency are in a week."""
    step = freq.step_microseconds if freq.unit in MICROSECONDS and freq.unit != "W" else MICROSECONDS_PER_WEEK
    n_slots, slots = MICROSECONDS_PER_WEEK // step, freq.slots
    if (
        MICROSECONDS_PER_WEEK % step
        or slots != tuple(sorted(set(slots)))
        or slots[0] < 0
        or not slots[-1] < n_slots > 1
    ):
        raise ConfigError(
            "Invalid slots of a week",
            got=f"{format_slots(slots)} for {freq.multiple}{freq.unit}",
            expected="ascending numbers of steps in a week, from 0 at midnight of Monday, of a unit such as D or h",
        )


def _check_days(freq: Freq) -> None:
    """Check that the days of a frequency are days of a month or of a year."""
    in_year = are_month_days(freq.days) and freq.days[0].startswith(MONTH_NAMES)
    if not are_month_days(freq.days) or freq.unit not in (("YS",) if in_year else ("MS", "ME")):
        raise ConfigError(
            "Invalid days of a month",
            got=f"{','.join(freq.days)} for {freq.unit}",
            expected="days such as 15, 3FRI (third Friday) or LB (last business day) in order, of the unit MS or ME, "
            "or days such as JAN15 of the unit YS",
        )


def _label_slots(freq: Freq) -> str:
    """A frequency with slots in English: the closed days, or how many steps of the week occur."""
    single, plural = UNIT_NAMES[freq.unit]
    name = single if freq.multiple == 1 else f"every {freq.multiple} {plural}"
    n_slots = MICROSECONDS_PER_WEEK // freq.step_microseconds
    if n_slots == 7:
        closed = [DAY_NAMES[day] for day in range(7) if day not in freq.slots]
        return f"{name} except {' and '.join(filter(None, [', '.join(closed[:-1]), closed[-1]]))} ({freq})"
    return f"{name}, {len(freq.slots)} of the {n_slots} steps of a week"


def _normalize_anchor(unit: str, anchor: int | None) -> int | None:
    """The canonical anchor: None for units without one; for quarters the first or the last month."""
    if unit == "W":
        return _check_anchor(unit, 6 if anchor is None else anchor, 0, 6)
    if unit not in MONTHS or unit[0] == "M":
        if anchor not in (None, 0):
            raise ConfigError(f"The unit {unit} has no anchor", got=repr(anchor), expected="None")
        return None
    at_end = unit[1] == "E"
    month = _check_anchor(unit, (12 if at_end else 1) if anchor is None else anchor, 1, 12)
    if unit[0] == "Y":
        return month
    return (month - 1) % 3 + (10 if at_end else 1)


def _check_anchor(unit: str, anchor: int, low: int, high: int) -> int:
    """The anchor, if it is in its range."""
    if not (isinstance(anchor, int) and low <= anchor <= high):
        raise ConfigError(f"Invalid anchor of {unit}", got=repr(anchor), expected=f"an integer from {low} to {high}")
    return anchor


def _last_day(month: Times) -> Times:
    """Last day of each month."""
    return np.asarray(later(later(month.astype("M8[M]"), 1).astype("M8[D]"), -1))


def _nearest(distance: IntArray, size: int) -> IntArray:
    """Distance in steps, rounded to the nearest."""
    return np.asarray((distance + size // 2) // size)
