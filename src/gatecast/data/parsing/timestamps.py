"""Times as people write them.

ISO 8601 with or without zone, days and months in any order, names, quarters, weeks, years, decimal years,
20240131, seconds since 1970, plain numbers.

Letters: N cells.

One form is chosen for a whole column, the one that reads most of a sample. Results are datetime64[us]
without a zone, or int64 where numbers are only positions.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from gatecast.data.frequency import format_times
from gatecast.data.parsing.dates import FORMS, compose, read_form
from gatecast.data.parsing.raw_table import Cells, factorise, missing

__all__ = ["UNDECIDED", "ParsedTimes", "UtcOffset", "local_or_universal", "looks_like_dates", "read_times"]

SAMPLE = 50
# A table that repeats its times must be this long before it pays to read each of them once.
REPEATS = 10_000
YEARS = (1500, 2200)
# Ranges of integers that are read as time since 1970: 1973 to 2128, never mistaken for 20240131.
EPOCHS = (
    (10**8, "s", "seconds"),
    (10**11, "ms", "milliseconds"),
    (10**14, "us", "microseconds"),
    (10**17, "ns", "nanoseconds"),
)


UNDECIDED = "undecided"
UtcOffset = int | str | None
"""What zoned times are read on: minutes ahead of UTC; None, the local clock; or `UNDECIDED`, what suits them."""


class ParsedTimes(NamedTuple):
    """Times read from a column.

    Args:
        values: (N,) datetime64[us], NaT where unreadable; or int64.
        readable: (N,) whether a cell holds a time; a missing cell does not.
        notes: How they were read, in sentences, if that needs saying.
        clock: Minutes by which the times are ahead of UTC; None if they are local, or came without a zone.
    """

    values: npt.NDArray[Any]
    readable: npt.NDArray[np.bool_]
    notes: tuple[str, ...] = ()
    clock: int | None = None


def read_times(
    cells: Cells, *, plain: bool = False, offsets: npt.NDArray[np.int64] | None = None, clock: UtcOffset = UNDECIDED
) -> ParsedTimes:
    """Read a column of cells as times.

    Args:
        cells: (N,) datetime64, numbers or text.
        plain: Whether numbers are positions, whatever they look like.
        offsets: (N,) minutes by which the cells, local times, are ahead of UTC; None if they have no zone.
        clock: The clock of other times that these are to be compared with, if they have a zone.

    Returns:
        Times, which cells are readable, and notes.

    >>> from gatecast.data.parsing.raw_table import text_cells
    >>> read_times(text_cells(["Jan 2024", "Feb 2024"])).values.astype("M8[D]").astype(str).tolist()
    ['2024-01-01', '2024-02-01']
    >>> read_times(np.array([1, 2, 3])).values.tolist()
    [1, 2, 3]
    >>> read_times(np.array([1949, 1950])).notes
    ('The times are read as years; freq=1 reads them as plain numbers.',)
    """
    kind = cells.dtype.kind
    if kind == "M":
        known = ~np.isnat(cells)
        return _on_clock(cells, known, offsets, clock) if offsets is not None else ParsedTimes(_fine(cells), known)
    if kind in "fiu":
        return _numeric(cells.astype(np.float64), cells, plain)
    if kind != "O":
        return _unreadable(len(cells))
    sample = _sample(cells)
    counts = [int(read(sample).readable.sum()) for read in _READERS]
    best = int(np.argmax(counts)) if sample else 0
    if not sample or not counts[best]:
        return _unreadable(len(cells))
    different, codes = factorise(cells) if len(cells) > REPEATS else (cells, None)
    texts = [cell.strip() for cell in different]
    if best == 0:
        read = _plain_numbers(texts, plain)
    else:
        read = _zoned(texts, clock) if best == ZONED else _READERS[best](texts)
    return read if codes is None else read._replace(values=read.values[codes], readable=read.readable[codes])


def looks_like_dates(cells: Cells) -> bool:
    """Whether most of a sample of cells are dates, not mere numbers.

    >>> from gatecast.data.parsing.raw_table import text_cells
    >>> looks_like_dates(text_cells(["2024-01"])), looks_like_dates(text_cells(["17", "a"]))
    (True, False)
    """
    if cells.dtype.kind != "O":
        return cells.dtype.kind == "M"
    texts = _sample(cells)
    return bool(texts) and max(int(read(texts).readable.sum()) for read in _READERS[1:]) > len(texts) / 2


def local_or_universal(wall: npt.NDArray[Any], offset: npt.NDArray[np.int64]) -> tuple[npt.NDArray[Any], str]:
    """Zoned times on one clock: the local one where that is regular, else UTC, whose hours never repeat.

    Args:
        wall: (N,) local times.
        offset: (N,) minutes by which local time is ahead of UTC.

    Returns:
        The times, and a sentence about the choice.

    >>> wall = np.array(["2024-03-31T00:00", "2024-04-01T00:00"], "M8[us]")
    >>> local_or_universal(wall, np.array([60, 120]))[1]
    'Time zone offsets change (summer time); the times share a local hour and stay local.'
    """
    if len(offset) == 0 or (offset == offset[0]).all():
        ahead = int(offset[0]) if len(offset) else 0
        zone = f"UTC{'-' if ahead < 0 else '+'}{abs(ahead) // 60:02d}:{abs(ahead) % 60:02d}" if ahead else "UTC"
        return wall, f"Times are in {zone}; the zone is left out."
    clock = wall - wall.astype("M8[D]")
    if (clock == clock[0]).all():
        return wall, "Time zone offsets change (summer time); the times share a local hour and stay local."
    return wall - offset.astype("m8[m]"), "Time zone offsets change (summer time); times are brought to UTC."


def _sample(cells: Cells) -> list[str]:
    """The first texts that are not missing."""
    for rows in (cells[: 4 * SAMPLE], cells):
        texts = [cell.strip() for cell in rows[~missing(rows)][:SAMPLE]]
        if texts:
            return texts
    return []


def _on_clock(
    wall: npt.NDArray[Any], known: npt.NDArray[np.bool_], offsets: npt.NDArray[np.int64], clock: UtcOffset
) -> ParsedTimes:
    """Local times with their distance from UTC, on the clock wanted or on the one that suits them."""
    local, ahead, notes = _fine(wall[known]), offsets[known], ()
    if clock == UNDECIDED:
        values, note = local_or_universal(local, ahead)
        same = len(ahead) == 0 or bool((ahead == ahead[0]).all())
        kept = same or np.array_equal(values, local)
        found = (int(ahead[0]) if len(ahead) else 0) if same else None if kept else 0
        return ParsedTimes(_spread(values, known), known, (note,) if len(ahead) else (), found)
    if clock is None:
        return ParsedTimes(_spread(local, known), known, notes)
    universal = local - ahead.astype("m8[m]")
    return ParsedTimes(_spread(universal + np.timedelta64(int(clock), "m"), known), known, notes, int(clock))


def _fine(times: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Times in microseconds, not copied if they are."""
    return times.astype("M8[us]", copy=False)


def _plain_numbers(texts: list[str], plain: bool = False) -> ParsedTimes:
    """Cells that are whole or decimal numbers."""
    values = np.full(len(texts), np.nan)
    for i, text in enumerate(texts):
        if re.fullmatch(r"[+-]?1?\d{1,18}(\.\d*)?", text):
            values[i] = float(text)
    exact = np.array([int(text) if re.fullmatch(r"[+-]?1?\d{1,18}", text) else 0 for text in texts], np.int64)
    whole = np.isnan(values) | (values == exact)
    return _numeric(values, exact if whole.all() else values, plain)


def _numeric(values: npt.NDArray[np.float64], exact: npt.NDArray[Any], plain: bool) -> ParsedTimes:
    """Numbers as times: positions, years, months or days in digits, time since 1970, decimal years."""
    readable = np.isfinite(values)
    known = values[readable]
    if not len(known):
        return _unreadable(len(values))
    if (known != np.rint(known)).any():
        return _decimal_years(values, readable)
    number = np.where(readable, exact, 0).astype(np.int64)
    if plain:
        return ParsedTimes(number, readable)
    if known.min() >= YEARS[0] and known.max() <= YEARS[1]:
        years = (number - 1970).astype("M8[Y]").astype("M8[us]")
        note = "The times are read as years; freq=1 reads them as plain numbers."
        return ParsedTimes(years, readable, (note,))
    return _digits(number, readable) or _epoch(number, readable) or ParsedTimes(number, readable)


def _digits(number: npt.NDArray[np.int64], readable: npt.NDArray[np.bool_]) -> ParsedTimes | None:
    """202401 as a month and 20240131 as a day, if every number is one."""
    known = number[readable]
    for divisor, form in ((1, "YYYYMM"), (100, "YYYYMMDD")):
        year, month = known // (100 * divisor), known // divisor % 100
        if year.min() < YEARS[0] or year.max() > YEARS[1]:
            continue
        day = known % 100 if divisor > 1 else np.ones_like(known)
        times = compose(year, month, day)
        if not np.isnat(times).any():
            note = f"The times are read as {form}; freq=1 reads them as plain numbers."
            return ParsedTimes(_spread(times, readable), readable, (note,))
    return None


def _epoch(number: npt.NDArray[np.int64], readable: npt.NDArray[np.bool_]) -> ParsedTimes | None:
    """Time since 1970, if every number is within 1973 to 2128 in one unit."""
    known = number[readable]
    for least, unit, name in EPOCHS:
        if known.min() >= least and known.max() < 50 * least:
            note = f"The times are read as {name} since 1970 (UTC); freq=1 reads them as plain numbers."
            return ParsedTimes(_spread(known.astype(f"M8[{unit}]").astype("M8[us]"), readable), readable, (note,))
    return None


def _decimal_years(values: npt.NDArray[np.float64], readable: npt.NDArray[np.bool_]) -> ParsedTimes:
    """1949.083 as February 1949, if the numbers are a month or more apart."""
    # Two decimals are off by up to 0.06 of a month.
    months = np.floor(values[readable] * 12 + 0.07).astype(np.int64)
    steps = np.diff(np.unique(values[readable])) * 12
    if months.min() < YEARS[0] * 12 or months.max() > YEARS[1] * 12 or (steps.size and steps.min() < 0.8):
        return _unreadable(len(values))
    times = (months - 1970 * 12).astype("M8[M]").astype("M8[us]")
    shown = f"{values[readable][0]:.12g} is {format_times(times[:1])[0][:7]}"
    return ParsedTimes(_spread(times, readable), readable, (f"The times are read as decimal years: {shown}.",))


def _iso(texts: list[str]) -> ParsedTimes:
    """ISO 8601 without a zone, by NumPy's own reader where every cell is one."""
    if all(_ISO.fullmatch(text) for text in texts[:SAMPLE]) and all(text[:4].isdigit() for text in texts):
        try:
            values = np.array(texts, "M8[us]")
        except ValueError:
            pass
        else:
            return ParsedTimes(values, ~np.isnat(values))
    values = np.array([_iso_cell(text) for text in texts], "M8[us]")
    return ParsedTimes(values, ~np.isnat(values))


def _iso_cell(text: str) -> np.datetime64:
    """One cell, NaT if it is no ISO time."""
    try:
        return np.datetime64(text if _ISO.fullmatch(text) else "NaT", "us")
    except ValueError:
        return np.datetime64("NaT", "us")


def _zoned(texts: list[str], clock: UtcOffset = UNDECIDED) -> ParsedTimes:
    """ISO 8601 with a zone."""
    parts = [_ZONE.fullmatch(text) for text in texts]
    wall = np.array([_iso_cell(part[1]) if part else np.datetime64("NaT", "us") for part in parts], "M8[us]")
    offset = np.array([_offset(part[2]) if part else 0 for part in parts], np.int64)
    return _on_clock(wall, ~np.isnat(wall), offset, clock)


def _offset(zone: str) -> int:
    """Minutes ahead of UTC."""
    if not zone[-1].isdigit():
        return 0
    digits = zone[1:].replace(":", "").ljust(4, "0")
    return (int(digits[:2]) * 60 + int(digits[2:])) * (-1 if zone[0] == "-" else 1)


def _spread(known: npt.NDArray[Any], readable: npt.NDArray[np.bool_]) -> npt.NDArray[Any]:
    """Times of the readable cells among NaT for the others."""
    times = np.full(len(readable), np.datetime64("NaT", "us"))
    times[readable] = known
    return times


def _unreadable(n: int) -> ParsedTimes:
    """Nothing that could be read."""
    return ParsedTimes(np.full(n, np.datetime64("NaT", "us")), np.zeros(n, bool))


def _form(pattern: re.Pattern[str]) -> Callable[[list[str]], ParsedTimes]:
    """The reader of one form of dates."""

    def read(texts: list[str]) -> ParsedTimes:
        """Read the cells in this form."""
        values, notes = read_form(pattern, texts)
        return ParsedTimes(values, ~np.isnat(values), notes)

    return read


_ISO = re.compile(r"\d{4}-\d\d(-\d\d([T ]\d\d:\d\d(:\d\d([.]\d{1,9})?)?)?)?")
_ZONE = re.compile(r"(.*\d:\d\d(?::\d\d(?:[.]\d{1,9})?)?) ?(Z|UTC|GMT|[+-]\d\d(?::?\d\d)?)")
# Numbers come first: where two forms read as many cells of the sample, the first is taken.
ZONED = 2
_READERS: tuple[Callable[[list[str]], ParsedTimes], ...] = (_plain_numbers, _iso, _zoned, *map(_form, FORMS))
