"""Times as people write them.

ISO 8601 with or without a time zone, days and months in any order, month names, quarters, weeks, years, decimal years,
20240131, seconds since 1970, plain numbers.

One format is chosen for a column, the one that parses most of a sample. Results are datetime64[us] without a time zone,
or int64 where numbers are time steps.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from gatecast._utils.typing import BoolArray, FloatArray, IntArray
from gatecast.data.frequency import format_times
from gatecast.data.parsing.dates import DATE_PATTERNS, make_dates, parse_dates
from gatecast.data.parsing.raw_table import RawColumn, factorize, is_missing

__all__ = [
    "INFER_OFFSET",
    "LocalOrUtc",
    "ParsedTimes",
    "UtcOffsetChoice",
    "choose_local_or_utc",
    "looks_like_dates",
    "parse_times",
    "times_to_numbers",
]

SAMPLE_SIZE = 50
# Parsing each distinct time once pays off only in a table of at least this many rows.
MIN_ROWS_TO_FACTORIZE = 10_000
YEAR_RANGE = (1500, 2200)
# Ranges of integers that are read as time since 1970: 1973 to 2128, never mistaken for 20240131.
EPOCH_UNITS = (
    (10**8, "s", "seconds"),
    (10**11, "ms", "milliseconds"),
    (10**14, "us", "microseconds"),
    (10**17, "ns", "nanoseconds"),
)

INFER_OFFSET = "infer"
UtcOffsetChoice = int | str | None
"""How to express times with a UTC offset: at this offset in minutes, as local times (None), or `INFER_OFFSET`."""


class ParsedTimes(NamedTuple):
    """Times parsed from a column.

    Args:
        values: datetime64[us], NaT where invalid, or int64; shape (n_rows,).
        is_valid: Whether a value is a time, shape (n_rows,); a missing value is not.
        notes: How the times were read, where that is not obvious, one sentence each.
        utc_offset_minutes: Minutes by which the times are ahead of UTC; None if they are local or have no time zone.
        is_utc: Whether local times were converted to UTC.
        number_format: How numbers stand for dates: "YYYY", "YYYYMM", "YYYYMMDD", or "s", "ms", "us", "ns" since
            1970; empty otherwise.
    """

    values: npt.NDArray[Any]
    is_valid: BoolArray
    notes: tuple[str, ...] = ()
    utc_offset_minutes: int | None = None
    is_utc: bool = False
    number_format: str = ""


class LocalOrUtc(NamedTuple):
    """Times with UTC offsets, as local times or as UTC.

    Args:
        values: Times, shape (n_rows,).
        utc_offset_minutes: Minutes by which these are ahead of UTC; None if their offsets differ.
        is_utc: Whether they were converted to UTC.
        note: A sentence about the choice.
    """

    values: npt.NDArray[Any]
    utc_offset_minutes: int | None
    is_utc: bool
    note: str


def parse_times(
    column: RawColumn,
    *,
    as_integers: bool = False,
    utc_offsets: IntArray | None = None,
    utc_offset: UtcOffsetChoice = INFER_OFFSET,
) -> ParsedTimes:
    """Parse a column as times.

    Args:
        column: datetime64, numbers or strings, shape (n_rows,).
        as_integers: Read numbers as time steps even where they look like dates.
        utc_offsets: Minutes by which each value, a local time, is ahead of UTC, shape (n_rows,); None if the column
            has no time zone.
        utc_offset: How to express times with a UTC offset.

    Returns:
        The times, which values are valid, and notes.

    >>> from gatecast.data.parsing.raw_table import to_text
    >>> parse_times(to_text(["Jan 2024", "Feb 2024"])).values.astype("M8[D]").astype(str).tolist()
    ['2024-01-01', '2024-02-01']
    >>> parse_times(np.array([1, 2, 3])).values.tolist()
    [1, 2, 3]
    >>> parse_times(np.array([1949, 1950])).notes
    ('Times are read as years. To read them as integer time steps, set freq=1.',)
    """
    kind = column.dtype.kind
    if kind == "M":
        is_valid = ~np.isnat(column)
        if utc_offsets is None:
            return ParsedTimes(_to_microseconds(column), is_valid)
        return _apply_offsets(column, is_valid, utc_offsets, utc_offset)
    if kind in "fiu":
        return _numbers_to_times(column.astype(np.float64), column, as_integers)
    if kind != "O":
        return _invalid(len(column))
    sample = _sample(column)
    counts = [int(parse(sample).is_valid.sum()) for parse in _PARSERS]
    best = int(np.argmax(counts)) if sample else 0
    if not sample or not counts[best]:
        return _invalid(len(column))
    unique, codes = factorize(column) if len(column) > MIN_ROWS_TO_FACTORIZE else (column, None)
    texts = [text.strip() for text in unique]
    if best == 0:
        parsed = _parse_numeric_texts(texts, as_integers)
    else:
        parsed = _parse_aware(texts, utc_offset) if best == AWARE_ISO else _PARSERS[best](texts)
    return parsed if codes is None else parsed._replace(values=parsed.values[codes], is_valid=parsed.is_valid[codes])


def looks_like_dates(column: RawColumn) -> bool:
    """Return whether most of a sample of values are dates rather than numbers.

    >>> from gatecast.data.parsing.raw_table import to_text
    >>> looks_like_dates(to_text(["2024-01"])), looks_like_dates(to_text(["17", "a"]))
    (True, False)
    """
    if column.dtype.kind != "O":
        return column.dtype.kind == "M"
    texts = _sample(column)
    return bool(texts) and max(int(parse(texts).is_valid.sum()) for parse in _PARSERS[1:]) > len(texts) / 2


def choose_local_or_utc(local: npt.NDArray[Any], utc_offsets: IntArray) -> LocalOrUtc:
    """Express aware times as local times where these are regular, and otherwise in UTC, where no hour repeats.

    Args:
        local: Local times, shape (n_rows,).
        utc_offsets: Minutes by which each is ahead of UTC, shape (n_rows,).

    >>> local = np.array(["2024-03-31T00:00", "2024-04-01T00:00"], "M8[us]")
    >>> choose_local_or_utc(local, np.array([60, 120])).utc_offset_minutes is None
    True
    >>> choose_local_or_utc(local, np.array([330, 330])).note
    'Times are in UTC+05:30 and are treated as local times.'
    """
    if len(utc_offsets) == 0 or (utc_offsets == utc_offsets[0]).all():
        minutes = int(utc_offsets[0]) if len(utc_offsets) else 0
        note = "Times are in UTC."
        if minutes:
            sign, size = "-" if minutes < 0 else "+", abs(minutes)
            note = f"Times are in UTC{sign}{size // 60:02d}:{size % 60:02d} and are treated as local times."
        return LocalOrUtc(local, minutes, False, note)
    change = "The UTC offset of the times changes (daylight saving time)"
    time_of_day = local - local.astype("M8[D]")
    if (time_of_day == time_of_day[0]).all():
        note = f"{change}. All share the same local time of day and are treated as local times."
        return LocalOrUtc(local, None, False, note)
    return LocalOrUtc(local - utc_offsets.astype("m8[m]"), 0, True, f"{change}, so they are converted to UTC.")


def times_to_numbers(times: npt.NDArray[Any], number_format: str) -> IntArray | None:
    """Write times as the numbers that `parse_times` reads in a format.

    Args:
        times: datetime64 without NaT, any shape.
        number_format: `ParsedTimes.number_format`.

    Returns:
        Numbers of the same shape; None if some time cannot be written in this format.

    >>> times_to_numbers(np.array(["2024-02-01"], "M8[us]"), "YYYYMM").tolist()
    [202402]
    >>> times_to_numbers(np.array(["2024-02-01"], "M8[us]"), "YYYY") is None
    True
    """
    unit = {"YYYY": "Y", "YYYYMM": "M", "YYYYMMDD": "D"}.get(number_format, number_format)
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


def _sample(column: RawColumn) -> list[str]:
    """The first strings that are not missing."""
    for rows in (column[: 4 * SAMPLE_SIZE], column):
        texts = [text.strip() for text in rows[~is_missing(rows)][:SAMPLE_SIZE]]
        if texts:
            return texts
    return []


def _apply_offsets(
    local: npt.NDArray[Any], is_valid: BoolArray, utc_offsets: IntArray, choice: UtcOffsetChoice
) -> ParsedTimes:
    """Express local times with UTC offsets as chosen."""
    times, offsets = _to_microseconds(local[is_valid]), utc_offsets[is_valid]
    if choice == INFER_OFFSET:
        inferred = choose_local_or_utc(times, offsets)
        notes = (inferred.note,) if len(offsets) else ()
        values = _fill_invalid(inferred.values, is_valid)
        return ParsedTimes(values, is_valid, notes, inferred.utc_offset_minutes, inferred.is_utc)
    if choice is None:
        return ParsedTimes(_fill_invalid(times, is_valid), is_valid)
    shifted = times - offsets.astype("m8[m]") + np.timedelta64(int(choice), "m")
    return ParsedTimes(_fill_invalid(shifted, is_valid), is_valid, utc_offset_minutes=int(choice))


def _to_microseconds(times: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Times as datetime64[us], without a copy where they already are."""
    return times.astype("M8[us]", copy=False)


def _parse_numeric_texts(texts: list[str], as_integers: bool = False) -> ParsedTimes:
    """Parse strings that are integers or decimal numbers."""
    values = np.full(len(texts), np.nan)
    for i, text in enumerate(texts):
        if re.fullmatch(r"[+-]?1?\d{1,18}(\.\d*)?", text):
            values[i] = float(text)
    exact = np.array([int(text) if re.fullmatch(r"[+-]?1?\d{1,18}", text) else 0 for text in texts], np.int64)
    is_integer = np.isnan(values) | (values == exact)
    return _numbers_to_times(values, exact if is_integer.all() else values, as_integers)


def _numbers_to_times(values: FloatArray, exact: npt.NDArray[Any], as_integers: bool) -> ParsedTimes:
    """Read numbers as time steps, years, YYYYMM, YYYYMMDD, time since 1970 or decimal years."""
    is_valid = np.isfinite(values)
    valid = values[is_valid]
    if not len(valid):
        return _invalid(len(values))
    if (valid != np.rint(valid)).any():
        return _parse_decimal_years(values, is_valid)
    numbers = np.where(is_valid, exact, 0).astype(np.int64)
    if as_integers:
        return ParsedTimes(numbers, is_valid)
    if valid.min() >= YEAR_RANGE[0] and valid.max() <= YEAR_RANGE[1]:
        years = (numbers - 1970).astype("M8[Y]").astype("M8[us]")
        return ParsedTimes(years, is_valid, (_number_note("years"),), number_format="YYYY")
    return _parse_digits(numbers, is_valid) or _parse_epochs(numbers, is_valid) or ParsedTimes(numbers, is_valid)


def _parse_digits(numbers: IntArray, is_valid: BoolArray) -> ParsedTimes | None:
    """Read 202401 as a month and 20240131 as a day, if every number is one."""
    valid = numbers[is_valid]
    for divisor, number_format in ((1, "YYYYMM"), (100, "YYYYMMDD")):
        year, month = valid // (100 * divisor), valid // divisor % 100
        if year.min() < YEAR_RANGE[0] or year.max() > YEAR_RANGE[1]:
            continue
        day = valid % 100 if divisor > 1 else np.ones_like(valid)
        times = make_dates(year, month, day)
        if not np.isnat(times).any():
            notes = (_number_note(number_format),)
            return ParsedTimes(_fill_invalid(times, is_valid), is_valid, notes, number_format=number_format)
    return None


def _parse_epochs(numbers: IntArray, is_valid: BoolArray) -> ParsedTimes | None:
    """Read time since 1970, if every number is within 1973 to 2128 in one unit."""
    valid = numbers[is_valid]
    for smallest, unit, name in EPOCH_UNITS:
        if valid.min() >= smallest and valid.max() < 50 * smallest:
            times = _fill_invalid(valid.astype(f"M8[{unit}]").astype("M8[us]"), is_valid)
            return ParsedTimes(times, is_valid, (_number_note(f"{name} since 1970 (UTC)"),), number_format=unit)
    return None


def _number_note(meaning: str) -> str:
    """Note on numbers that are read as dates."""
    return f"Times are read as {meaning}. To read them as integer time steps, set freq=1."


def _parse_decimal_years(values: FloatArray, is_valid: BoolArray) -> ParsedTimes:
    """Read 1949.083 as February 1949, if the numbers are a month or more apart."""
    # Two decimals are off by up to 0.06 of a month.
    months = np.floor(values[is_valid] * 12 + 0.07).astype(np.int64)
    steps = np.diff(np.unique(values[is_valid])) * 12
    if months.min() < YEAR_RANGE[0] * 12 or months.max() > YEAR_RANGE[1] * 12 or (steps.size and steps.min() < 0.8):
        return _invalid(len(values))
    times = (months - 1970 * 12).astype("M8[M]").astype("M8[us]")
    note = f"Times are read as decimal years: {values[is_valid][0]:.12g} is {format_times(times[:1])[0][:7]}."
    return ParsedTimes(_fill_invalid(times, is_valid), is_valid, (note,))


def _parse_iso(texts: list[str]) -> ParsedTimes:
    """Parse ISO 8601 without a time zone, with NumPy's own parser where every string conforms."""
    if all(_ISO.fullmatch(text) for text in texts[:SAMPLE_SIZE]) and all(text[:4].isdigit() for text in texts):
        try:
            values = np.array(texts, "M8[us]")
        except ValueError:
            pass
        else:
            return ParsedTimes(values, ~np.isnat(values))
    values = np.array([_parse_iso_text(text) for text in texts], "M8[us]")
    return ParsedTimes(values, ~np.isnat(values))


def _parse_iso_text(text: str) -> np.datetime64:
    """One ISO time; NaT for anything else."""
    try:
        return np.datetime64(text if _ISO.fullmatch(text) else "NaT", "us")
    except ValueError:
        return np.datetime64("NaT", "us")


def _parse_aware(texts: list[str], choice: UtcOffsetChoice = INFER_OFFSET) -> ParsedTimes:
    """Parse ISO 8601 with a UTC offset."""
    matches = [_AWARE_ISO.fullmatch(text) for text in texts]
    local = np.array(
        [_parse_iso_text(match[1]) if match else np.datetime64("NaT", "us") for match in matches], "M8[us]"
    )
    utc_offsets = np.array([_parse_offset(match[2]) if match else 0 for match in matches], np.int64)
    return _apply_offsets(local, ~np.isnat(local), utc_offsets, choice)


def _parse_offset(text: str) -> int:
    """UTC offset in minutes."""
    if not text[-1].isdigit():
        return 0
    digits = text[1:].replace(":", "").ljust(4, "0")
    return (int(digits[:2]) * 60 + int(digits[2:])) * (-1 if text[0] == "-" else 1)


def _fill_invalid(valid_times: npt.NDArray[Any], is_valid: BoolArray) -> npt.NDArray[Any]:
    """Spread the valid times over all rows, NaT for the others."""
    times = np.full(len(is_valid), np.datetime64("NaT", "us"))
    times[is_valid] = valid_times
    return times


def _invalid(n: int) -> ParsedTimes:
    """A column without any valid time."""
    return ParsedTimes(np.full(n, np.datetime64("NaT", "us")), np.zeros(n, bool))


def _parser(pattern: re.Pattern[str]) -> Callable[[list[str]], ParsedTimes]:
    """Return the parser of one date format."""

    def parse(texts: list[str]) -> ParsedTimes:
        """Parse strings in this format."""
        values, notes = parse_dates(pattern, texts)
        return ParsedTimes(values, ~np.isnat(values), notes)

    return parse


_ISO = re.compile(r"\d{4}-\d\d(-\d\d([T ]\d\d:\d\d(:\d\d([.]\d{1,9})?)?)?)?")
_AWARE_ISO = re.compile(r"(.*\d:\d\d(?::\d\d(?:[.]\d{1,9})?)?) ?(Z|UTC|GMT|[+-]\d\d(?::?\d\d)?)")
# Numbers come first: where two formats parse as many strings of the sample, the first wins.
AWARE_ISO = 2
_PARSERS: tuple[Callable[[list[str]], ParsedTimes], ...] = (
    _parse_numeric_texts,
    _parse_iso,
    _parse_aware,
    *map(_parser, DATE_PATTERNS),
)
