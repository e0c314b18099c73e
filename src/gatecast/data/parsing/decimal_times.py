"""Times written as decimal numbers: parts of a year, 1949.083, or steps of an instrument, 0.25.

R writes the times of its series as decimal years, 12, 52, 365 or 365.25 periods of equal length to a year; instruments
write seconds since their start.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from gatecast._utils.arrays import sorted_unique
from gatecast._utils.typing import FloatArray, IntArray
from gatecast.data.frequency import Times, format_times
from gatecast.data.parsing.dates import iso_weeks, make_dates
from gatecast.data.parsing.digit_dates import YEAR_RANGE
from gatecast.data.parsing.time_names import tells

__all__ = ["DecimalTimes", "decimal_steps", "decimal_years", "is_of_years", "numbers_to_steps", "steps_to_numbers"]

MONTH_SHIFT = 0.07
"""What is added to months before they are rounded down: two decimals of a year are off by up to .06 of a month."""
SHORTEST_MONTH = 0.8
"""Times that are closer than so many months are weeks or days."""
DAYS_PER_YEAR = 365.25
MIN_STEPS = 3
"""Distinct numbers from which their distance shows."""
MAX_DEVIATION = 0.2
"""How far from a whole period a number may be, in periods: three decimals of a year are off by up to .18 of a day."""
MIN_ADJACENT = 0.5
"""Share of the distances of steps that are one step; the others are gaps."""
SIGNIFICANT = 12
"""Significant digits of numbers that are made from steps."""


class DecimalTimes(NamedTuple):
    """Decimal numbers read as times.

    Args:
        values: datetime64[us] with NaT where a period does not exist, or int64 steps, shape (n,).
        number_format: How numbers are read: a name of `YEARS`, with a phase behind an @ where it has one, or the number
            of step 0 and the distance of steps, as in "0.05+0.1".
        note: How they were read.
    """

    values: npt.NDArray[np.datetime64] | IntArray
    number_format: str
    note: str


def decimal_years(numbers: FloatArray, number_format: str = "", name: str = "") -> DecimalTimes | None:
    """Read decimal numbers as years; None if they are none, or no known periods of a year.

    Years have months, or weeks or days where the numbers are closer. A year of 52 weeks has the ISO weeks 1 to 52, one
    of 365 days lacks the last day of a leap year.

    Args:
        numbers: Finite numbers of any order, with repeats, shape (n,), n at least 1.
        number_format: That of numbers that were read before; empty: it is inferred.
        name: Name of the column, which may tell that digits behind the year are weeks or quarters.

    >>> weekly = decimal_years(np.array([1980, 1980.01923, 1980.03846]))
    >>> weekly.values.astype("M8[D]").astype(str).tolist(), weekly.number_format
    (['1979-12-31', '1980-01-07', '1980-01-14'], 'years of 52 weeks')
    >>> decimal_years(np.array([0.25, 0.5])) is None
    True
    """
    if number_format:
        return _years(numbers, number_format) if is_of_years(number_format) else None
    unique = sorted_unique(numbers)
    if unique[0] < YEAR_RANGE[0] or unique[-1] > YEAR_RANGE[1] + 1:
        return None
    fitting = _fitting_years(unique, name)
    return _years(numbers, fitting) if fitting else None


def is_of_years(number_format: str) -> bool:
    """Return whether a format is one of decimal years.

    >>> is_of_years("years of 52 weeks"), is_of_years("years of 365.25 days@0.5"), is_of_years("0.05+0.1")
    (True, True, False)
    """
    return number_format.partition("@")[0] in YEARS


def decimal_steps(numbers: FloatArray, number_format: str = "") -> DecimalTimes | None:
    """Read numbers at equal distances, but for gaps and rounding, as steps; None if they are none.

    Args:
        numbers: Finite numbers of any order, with repeats, shape (n,), n at least 1.
        number_format: That of numbers that were read before; empty: it is inferred.

    >>> steps = decimal_steps(np.array([0.0, 0.1, 0.2, 0.4]))
    >>> steps.values.tolist(), steps.number_format
    ([0, 1, 2, 4], '0.0+0.1')
    >>> decimal_steps(np.array([0.3, 1.7, 2.2, 9.1])) is None
    True
    """
    spacing = _spacing(number_format or _find_steps(sorted_unique(numbers)))
    if spacing is None:
        return None
    number_format = f"{spacing.first!r}+{spacing.step!r}"
    steps = np.asarray(np.rint((numbers - spacing.first) / spacing.step), np.int64)
    note = f"Times are read as steps of {spacing.step:.6g}: {numbers[0]:.12g} is step {steps[0]}."
    return DecimalTimes(steps, number_format, note)


def steps_to_numbers(steps: IntArray, number_format: str) -> FloatArray | None:
    """Write steps as the numbers that they stand for; None in a format of other times.

    Args:
        steps: Steps, any shape.
        number_format: `DecimalTimes.number_format`, or that of other numbers.

    >>> steps_to_numbers(np.array([0, 3]), "0.05+0.1").tolist(), steps_to_numbers(np.array([1]), "YYYY")
    ([0.05, 0.35], None)
    """
    spacing = _spacing(number_format)
    if spacing is None:
        return None
    numbers = spacing.first + spacing.step * steps
    return np.array([float(f"{number:.{SIGNIFICANT}g}") for number in numbers.ravel().tolist()]).reshape(steps.shape)


def numbers_to_steps(numbers: npt.NDArray[np.float64 | np.int64], number_format: str) -> IntArray | None:
    """Read the numbers that `steps_to_numbers` has written; None in a format of other times.

    Args:
        numbers: Numbers, any shape.
        number_format: `DecimalTimes.number_format`, or that of other numbers.

    >>> numbers_to_steps(np.array([0.05, 0.35]), "0.05+0.1").tolist()
    [0, 3]
    """
    spacing = _spacing(number_format)
    return None if spacing is None else np.asarray(np.rint((numbers - spacing.first) / spacing.step), np.int64)


class _Spacing(NamedTuple):
    """Numbers at equal distances: step k is first + k * step."""

    first: float
    step: float


def _spacing(number_format: str) -> _Spacing | None:
    """The steps of a format, such as "0.05+0.1"; None of other times."""
    first, plus, step = number_format.partition("+")
    return _Spacing(float(first), float(step)) if plus else None


def _years(numbers: FloatArray, number_format: str) -> DecimalTimes:
    """Decimal years with periods of a kind, from a phase that is behind an @ where their numbers share one."""
    name, _, phase = number_format.partition("@")
    times = YEARS[name](numbers - float(phase or 0))
    known = ~np.isnat(times)
    first = format_times(times[known][:1])
    text = first[0][:7] if name in (MONTHS, *DIGITS) and name != WEEK_DIGITS and first else "".join(first)
    kind = name if name in DIGITS else f"decimal {name}".removesuffix(" of months")
    example = f": {numbers[known][0]:.12g} is {text}" if first else ""
    return DecimalTimes(times, number_format, f"Times are read as {kind}{example}.")


def _digits_after_years(unique: FloatArray, name: str) -> str:
    """What digits after a year number, as 2021.01 to 2021.12 or 1947.1 to 1947.4; empty for fractions of years."""
    hundredths = (unique - np.floor(unique)) * 100
    numbers = np.rint(hundredths).astype(np.int64)
    is_week = tells("week", name)
    if len(unique) < MIN_STEPS or np.abs(hundredths - numbers).max() > 1e-6 or numbers.min() < 1:
        return ""
    if numbers.max() > (53 if is_week else 40):
        return ""
    if is_week or (numbers.max() <= 4 and tells("quarter", name)):
        return WEEK_DIGITS if is_week else NUMBERED_QUARTER_DIGITS
    shown = set(numbers.tolist())
    if shown <= {10, 20, 30, 40}:
        return QUARTER_DIGITS if shown & {30, 40} else HALF_DIGITS
    return MONTH_DIGITS if numbers.max() <= 12 else ""


def _fitting_years(unique: FloatArray, name: str) -> str:
    """The periods that decimal years have; empty if none fits."""
    digits = _digits_after_years(unique, name)
    if digits:
        return digits
    distances = np.diff(unique)
    if not distances.size or distances.min() * 12 >= SHORTEST_MONTH:
        return MONTHS
    fits, phases = {}, {}
    for name, years in FINER.items():
        phase = _phase(years.to_periods(unique)) / RUNNING[name] if name in RUNNING else 0.0
        periods = years.to_periods(unique - phase)
        # Different numbers are different periods, and most periods are there.
        counts = np.diff(np.rint(periods))
        if counts.min() >= 1 and (counts == counts.min()).mean() >= MIN_ADJACENT:
            deviation = np.abs(periods - np.rint(periods))
            if deviation.max() <= MAX_DEVIATION:
                phases[name] = f"@{phase:.9g}" if name in RUNNING else ""
                fits[name] = float(deviation.mean()) / float(counts.min())
    best = min(fits, key=lambda name: (round(fits[name], 3), list(FINER).index(name)), default="")
    return best + phases.get(best, "")


def _find_steps(unique: FloatArray) -> str:
    """The first number and the distance of steps, as text; empty if distances are not those of steps."""
    if len(unique) < MIN_STEPS:
        return ""
    distances = np.diff(unique)
    # Of two distances in the middle the shorter one: a mean would be none of them.
    step = float(np.sort(distances)[(len(distances) - 1) // 2])
    counts = np.rint(distances / step)
    # Over a long run a step off by little would be off by periods, so it is measured from end to end.
    if (
        counts.min() < 1
        or (counts == 1).mean() < MIN_ADJACENT
        or np.abs(distances / step - counts).max() > MAX_DEVIATION
    ):
        return ""
    positions = np.concatenate([np.zeros(1), np.cumsum(counts)])
    measured = float((unique[-1] - unique[0]) / positions[-1])

    def deviation_of(spacing: float) -> float:
        """How far numbers are from multiples of a distance, in periods, at most."""
        return float(np.abs((unique - unique[0]) / spacing - positions).max())

    # Numbers are rounded, so that the measured distance does not fit better than the one that is meant.
    limit = min(1.5 * deviation_of(measured) + 1e-6, MAX_DEVIATION)
    spacing = next((spacing for spacing in _round_steps(measured) if deviation_of(spacing) <= limit), measured)
    deviation, first = deviation_of(spacing), float(unique[0]) % spacing
    if deviation > MAX_DEVIATION or _may_be_year(first, spacing):
        return ""
    # 0.3 is no multiple of 0.1 in binary, and 1.429 is one of 1/7.
    is_multiple = min(first, spacing - first) <= max(deviation, 1e-6) * spacing
    return f"{0.0 if is_multiple else float(f'{first:.{SIGNIFICANT}g}')!r}+{spacing!r}"


def _may_be_year(first: float, spacing: float) -> bool:
    """Whether numbers such as 10.2024 and 11.2024 are months of a year."""
    year = first * 10_000
    return spacing == 1 and abs(year - round(year)) < 1e-3 and YEAR_RANGE[0] <= round(year) <= YEAR_RANGE[1]


def _round_steps(step: float) -> list[float]:
    """Distances that may be meant, the simplest first: few digits, a part of 1."""
    digits = [float(f"{step:.{n}g}") for n in (1, 2, 3, 4)]
    return [*digits[:2], *([1 / round(1 / step)] if step < 1 else []), *digits[2:]]


class _Years(NamedTuple):
    """Periods of decimal years that are shorter than months.

    Args:
        to_periods: Numbers as periods, whole ones where they fit.
        to_times: Numbers as the times at which their periods begin.
    """

    to_periods: Callable[[FloatArray], FloatArray]
    to_times: Callable[[FloatArray], Times]


def _month_times(numbers: FloatArray) -> Times:
    """First days of months."""
    months = np.floor(numbers * 12 + MONTH_SHIFT).astype(np.int64) - 1970 * 12
    return np.asarray(months.astype("M8[M]").astype("M8[us]"))


def _year_starts(year: IntArray) -> IntArray:
    """Days from 1970 to the first ones of years."""
    return np.asarray((year - 1970).astype("M8[Y]").astype("M8[D]").astype(np.int64))


def _numbered_times(n_months: int, size: int) -> Callable[[FloatArray], Times]:
    """Return the function that reads digits behind a year as the number of a part of it, so many months long."""

    def to_times(numbers: FloatArray) -> Times:
        """First days of months."""
        year = np.floor(numbers + 1e-9)
        months = (year - 1970) * 12 + n_months * (np.rint((numbers - year) * size) - 1)
        return np.asarray(months.astype(np.int64).astype("M8[M]").astype("M8[us]"))

    return to_times


def _numbered_weeks(numbers: FloatArray) -> Times:
    """Mondays of ISO weeks that two digits behind a year number."""
    year = np.floor(numbers + 1e-9)
    return iso_weeks(year.astype(np.int64), np.rint((numbers - year) * 100).astype(np.int64))


def _calendar_days(numbers: FloatArray) -> FloatArray:
    """Days since 1970 in years of 365 or 366 days, in fractions of a day."""
    year = np.floor(numbers).astype(np.int64)
    start, end = _year_starts(year), _year_starts(year + 1)
    return np.asarray(start + (numbers - year) * (end - start))


def _calendar_times(numbers: FloatArray) -> Times:
    """Days."""
    return np.asarray(np.rint(_calendar_days(numbers)).astype("M8[D]").astype("M8[us]"))


def _calendar_hours(numbers: FloatArray) -> FloatArray:
    """Hours since 1970 in years of 365 or 366 days."""
    return _calendar_days(numbers) * 24


def _calendar_hour_times(numbers: FloatArray) -> Times:
    """Hours."""
    return np.asarray(np.rint(_calendar_hours(numbers)).astype("M8[h]").astype("M8[us]"))


def _equal_periods(per_year: float) -> Callable[[FloatArray], FloatArray]:
    """Return the function that counts periods, so many to each year."""

    def to_periods(numbers: FloatArray) -> FloatArray:
        """Count periods from year 0."""
        return np.asarray(numbers * per_year)

    return to_periods


def _week_times(numbers: FloatArray) -> Times:
    """Mondays of weeks 1 to 52 of their ISO years."""
    weeks = np.rint(numbers * 52).astype(np.int64)
    return iso_weeks(weeks // 52, weeks % 52 + 1)


def _day_times(numbers: FloatArray) -> Times:
    """Days 1 to 365 of years."""
    days = np.rint(numbers * 365).astype(np.int64)
    first = np.ones_like(days)
    return np.asarray(make_dates(days // 365, first, first) + (days % 365).astype("m8[D]"))


def _phase(periods: FloatArray) -> float:
    """The fraction that periods have in common, in [0, 1): the angle of the mean on a circle.

    New rows have that of the first ones: of few rounded numbers it would be another, on the other side of a period.
    """
    mean = complex(np.exp(2j * math.pi * periods).mean())
    fraction = math.atan2(mean.imag, mean.real) / (2 * math.pi) % 1
    # A fraction of nearly 1 is one of nearly 0, whose period is the next.
    return 0.0 if min(fraction, 1 - fraction) < 1e-3 else fraction


def _running_times(days: int) -> Callable[[FloatArray], Times]:
    """Return the function that reads periods of days as times: days, or weeks that begin on a Monday."""

    def to_times(numbers: FloatArray) -> Times:
        """Days that are as many periods from the first of 1970."""
        per_year = DAYS_PER_YEAR / days
        periods = np.rint(numbers * per_year).astype(np.int64) - math.floor(1970 * per_year)
        # 5 January 1970 is a Monday.
        since = periods * days + (4 if days == 7 else 0)
        return np.asarray(since.astype("M8[D]").astype("M8[us]"))

    return to_times


MONTHS = "years of months"
FINER = {
    "years of 52 weeks": _Years(_equal_periods(52), _week_times),
    "years of 365 days": _Years(_equal_periods(365), _day_times),
    "years of 365 or 366 days": _Years(_calendar_days, _calendar_times),
    "years of 52.18 weeks": _Years(_equal_periods(DAYS_PER_YEAR / 7), _running_times(7)),
    "years of 365.25 days": _Years(_equal_periods(DAYS_PER_YEAR), _running_times(1)),
    "years of hours": _Years(_calendar_hours, _calendar_hour_times),
}
"""Periods shorter than months that decimal years may have, the likeliest first."""
RUNNING = {"years of 52.18 weeks": DAYS_PER_YEAR / 7, "years of 365.25 days": DAYS_PER_YEAR}
"""Periods of equal length that begin anywhere in a year, and their number in a year."""
MONTH_DIGITS, QUARTER_DIGITS, HALF_DIGITS = "years and months", "years and quarters", "years and halves"
WEEK_DIGITS, NUMBERED_QUARTER_DIGITS = "years and weeks", "years and quarters of two digits"
DIGITS = {
    WEEK_DIGITS: _numbered_weeks,
    NUMBERED_QUARTER_DIGITS: _numbered_times(3, 100),
    MONTH_DIGITS: _numbered_times(1, 100),
    QUARTER_DIGITS: _numbered_times(3, 10),
    HALF_DIGITS: _numbered_times(6, 10),
}
"""Parts of years that digits behind the year number, and how they are read."""
YEARS = {MONTHS: _month_times, **{name: years.to_times for name, years in FINER.items()}, **DIGITS}
"""Formats of years, and how their numbers are read as the times at which periods begin."""
