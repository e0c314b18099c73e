"""Times as people write them.

ISO 8601 with or without a time zone, days and months in any order, month names, quarters, weeks, years, decimal years,
20240131, seconds since 1970, time steps.

One format is chosen for a column, the one that parses most of a sample. Results are datetime64[us] without a time zone,
or int64 where numbers are time steps.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable
from functools import lru_cache, partial
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt

from gatecast._utils.arrays import sorted_unique
from gatecast._utils.dates import later
from gatecast._utils.typing import BoolArray, IntArray
from gatecast.data.frequency import format_times
from gatecast.data.messages import shorten
from gatecast.data.parsing.date_words import rewrite_dates, zone_offset
from gatecast.data.parsing.dates import DATE_PATTERNS, NUMBERED_QUARTERS, parse_dates
from gatecast.data.parsing.decimal_times import is_of_years
from gatecast.data.parsing.digit_dates import serial_dates
from gatecast.data.parsing.known_notation import INFER_OFFSET, UNKNOWN_NOTATION, KnownNotation, UtcOffsetChoice
from gatecast.data.parsing.mixed_notations import merge_notations
from gatecast.data.parsing.number_times import DECIMAL, parse_number_times, parse_numeric_texts, parse_step_texts
from gatecast.data.parsing.parsed_times import ParsedTimes, fill_invalid, no_times
from gatecast.data.parsing.raw_table import RawColumn, factorize, is_missing, is_mostly_distinct
from gatecast.data.parsing.regularity import CLEARLY_BETTER, regularity
from gatecast.data.parsing.time_marks import without_mark
from gatecast.data.parsing.time_names import tells
from gatecast.data.parsing.time_zones import find_zone, offsets_of_utc, same_time_of_day

__all__ = [
    "LocalOrUtc",
    "choose_local_or_utc",
    "looks_like_dates",
    "parse_times",
]

SAMPLE_SIZE = 50
MAX_CACHED_CHARACTERS = 2_000
"""Size of the samples whose notation is remembered: a column is judged by several questions in turn."""
# Parsing each distinct time once pays off only in a table of at least this many rows.
MIN_ROWS_TO_FACTORIZE = 10_000
NEARLY_ALL = 0.9
"""Share of the texts of the most general notation that a more regular one has to read: the others are mistakes."""
MIN_SPANS = 3
"""Distinct texts from which years such as 2019/20 differ from months and weeks."""
MIDNIGHTS_NOTE = (
    "Times in UTC are an hour earlier in one half of the year: they are midnights of a clock with summer time, and are "
    "read as dates."
)


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
    known: KnownNotation = UNKNOWN_NOTATION,
    name: str = "",
) -> ParsedTimes:
    """Parse a column as times.

    Args:
        column: datetime64, numbers or strings, shape (n_rows,).
        as_integers: Read numbers as time steps even where they look like dates.
        utc_offsets: Minutes by which each value, a local time, is ahead of UTC, shape (n_rows,); None if the column
            has no time zone.
        known: What rows that were read before tell.
        name: Name of the column: "week" or "date" tells what numbers are.

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
        return _apply_offsets(column, is_valid, utc_offsets, known.utc_offset)
    if kind in "fiu":
        return parse_number_times(column, as_integers, name, known)
    if kind != "O":
        return no_times(len(column))
    notation = _find_notation(_sample(column), name, known.decimal_format)
    if notation is None:
        return no_times(len(column))
    has_repeats = len(column) > MIN_ROWS_TO_FACTORIZE and not is_mostly_distinct(column)
    unique, codes = factorize(column) if has_repeats else (column, None)
    texts = [text.strip() for text in unique]

    def parse(texts: list[str]) -> ParsedTimes:
        """Parse texts in the notation of the column."""
        if notation.parser is parse_numeric_texts:
            return parse_numeric_texts(texts, as_integers, name, known)
        if notation.parser is parse_step_texts:
            return parse_step_texts(texts, known.decimal_format)
        return _parse_texts(texts, notation, known)

    parsed = parse(texts)
    if not parsed.is_valid.all() and not as_integers:
        texts, parsed = _ignore_marks(texts, parsed, parse)
    if not parsed.is_valid.all() and not as_integers and not notation.is_aware:
        first = _serials_among(parsed, name)
        mixed = merge_notations(texts, first, parsed.is_valid, lambda rest: _parse_others(rest, name))
        if mixed is not None:
            parsed = ParsedTimes(mixed.values, mixed.is_valid, (*parsed.notes, mixed.note))
    return parsed if codes is None else parsed._replace(values=parsed.values[codes], is_valid=parsed.is_valid[codes])


def _ignore_marks(
    texts: list[str], parsed: ParsedTimes, parse: Callable[[list[str]], ParsedTimes]
) -> tuple[list[str], ParsedTimes]:
    """Read texts that are no times without the marks behind them; the texts as they are read, and their times."""
    marked = [i for i in np.flatnonzero(~parsed.is_valid).tolist() if without_mark(texts[i]) != texts[i]]
    if not marked:
        return texts, parsed
    bare = [*texts]
    for i in marked:
        bare[i] = without_mark(texts[i])
    times = parse(bare)
    rows = [i for i in marked if times.is_valid[i]]
    # Marks are behind days or longer periods: numbers, and times of the day, are followed by units.
    if not rows or times.values.dtype.kind != "M" or not _are_days(times.values[rows]):
        return texts, parsed
    # A forecast of a month next to its actual value is no second row of it.
    of_others = times.values[np.setdiff1d(np.flatnonzero(times.is_valid), rows)]
    if len(np.unique(of_others)) == len(of_others) and np.isin(times.values[rows], of_others).any():
        return texts, parsed
    note = f"Marks behind times are ignored: {texts[rows[0]]!r} is {format_times(times.values[rows[:1]])[0]}."
    return bare, times._replace(notes=(*times.notes, note))


def _are_days(times: npt.NDArray[Any]) -> bool:
    """Whether times are midnights."""
    return bool((times == times.astype("M8[D]")).all())


def _parse_others(texts: list[str], name: str) -> npt.NDArray[Any] | None:
    """Times of texts that are all in one notation; None for others."""
    notation = _best_parser(texts[:SAMPLE_SIZE], name, None)
    if notation.n_valid < min(len(texts), SAMPLE_SIZE) or notation.is_aware:
        return None
    if notation.parser is parse_numeric_texts:
        parsed = parse_numeric_texts(texts, name=name)
        return _serials_among(parsed, name) if parsed.is_valid.all() else None
    parsed = notation.parser(texts)
    return parsed.values if parsed.is_valid.all() else None


def _serials_among(parsed: ParsedTimes, name: str) -> npt.NDArray[Any]:
    """Times, or the spreadsheet dates that integers next to dates are."""
    if parsed.values.dtype.kind == "M":
        return parsed.values
    dates = serial_dates(parsed.values[parsed.is_valid].astype(np.float64), name)
    return parsed.values if dates is None else fill_invalid(dates, parsed.is_valid)


class _Notation(NamedTuple):
    """How the texts of a column are parsed.

    Args:
        parser: Parses texts.
        is_aware: Whether they end in an offset from UTC, which is cut off first.
        sample: Texts by which words are rewritten; None if none is.
        n_valid: How many texts of the sample are times.
        is_span: Whether they are two times, the first of which is read.
    """

    parser: Callable[[list[str]], ParsedTimes]
    is_aware: bool = False
    sample: tuple[str, ...] | None = None
    n_valid: int = 0
    is_span: bool = False


def _find_notation(sample: list[str], name: str, decimal_format: str = "") -> _Notation | None:
    """The notation in which most texts are times, with or without the marks behind them; None without any."""
    notation = _find_bare_notation(sample, name, decimal_format)
    if notation is not None and notation.n_valid == len(sample):
        return notation
    bare = [without_mark(text) for text in sample]
    of_bare = None if bare == sample else _find_bare_notation(bare, name, decimal_format)
    return max(notation, of_bare, key=lambda one: 0 if one is None else one.n_valid)


def _find_bare_notation(sample: list[str], name: str, decimal_format: str) -> _Notation | None:
    """The notation in which most texts are times as they are; None without any."""
    if decimal_format and all(map(DECIMAL.fullmatch, sample)):
        parser = parse_numeric_texts if is_of_years(decimal_format) else parse_step_texts
        return _Notation(parser, n_valid=len(sample))
    find = _find_notation_once if sum(map(len, sample)) <= MAX_CACHED_CHARACTERS else _find_notation_of
    return find(tuple(sample), name)


def _find_notation_of(sample: tuple[str, ...], name: str) -> _Notation | None:
    """The notation in which most texts are times: as they are, or with their words rewritten; None without any."""
    best = _best_parser(list(sample), name, None)
    if best.n_valid < len(sample) and any(_MAY_HAVE_WORDS.search(text) for text in sample):
        texts, _ = rewrite_dates(sample)
        rewritten = _best_parser(texts, name, sample)
        best = rewritten if rewritten.n_valid > best.n_valid else best
    spans = [_begin_of_span(text) for text in sample]
    if best.n_valid < len(sample) and all(map(operator.ne, spans, sample)):
        begins = _find_notation_of(tuple(spans), name)
        best = begins._replace(is_span=True) if begins is not None and begins.n_valid == len(sample) else best
    return best if best.n_valid else None


def _begin_of_span(text: str) -> str:
    """The first of two times; a text that is no span stays."""
    parts = next((text.partition(mark) for mark in _SPAN_MARKS if mark in text), ("", "", ""))
    is_span = all(any(map(str.isdigit, part)) for part in (parts[0], parts[2]))
    return parts[0].rstrip() if is_span else text


_find_notation_once = lru_cache(maxsize=256)(_find_notation_of)


def _best_parser(texts: list[str], name: str, rewritten: tuple[str, ...] | None) -> _Notation:
    """The parser that reads most texts; of several, the first unless another is called for or more regular."""
    wanted = next((part for part in _NAMED_PARSERS if tells(part, name)), "")
    # Years such as 2003-04, 2004-05, 2005-06 are no months a year and a month apart.
    if len(set(texts)) >= MIN_SPANS and all(_SPAN.fullmatch(text) for text in texts):
        for parser in _SPANS:
            if parser(texts).is_valid.all():
                return _Notation(parser, False, rewritten, len(texts))
    # Nearly all columns are numbers or ISO 8601: the other formats need not be tried, nor what integers mean.
    if not wanted and all(map(_WHOLE.fullmatch, texts)):
        return _Notation(parse_numeric_texts, False, rewritten, len(texts))
    for parser in () if wanted else _PARSERS[:2]:
        if _parse_sample(parser, texts, name).is_valid.all():
            return _Notation(parser, False, rewritten, len(texts))
    is_aware = 2 * sum(_OFFSET.fullmatch(text) is not None for text in texts) > len(texts)
    local = _cut_offsets(texts)[0] if is_aware else texts
    parsed = [(parser, _parse_sample(parser, local, name)) for parser in (_PARSERS[1:] if is_aware else _PARSERS)]
    max_valid = max((int(times.is_valid.sum()) for _, times in parsed), default=0)
    if not max_valid:
        # 10.2024, 11.2024 and 12.2024 are months before they are numbers at equal distances.
        steps = parse_step_texts(texts)
        return _Notation(parse_step_texts, False, rewritten, int(steps.is_valid.sum()))
    # 2021-13 among months is a mistake, not a sign of weeks 1 to 13.
    candidates = [(parser, times) for parser, times in parsed if times.is_valid.sum() >= NEARLY_ALL * max_valid]
    chosen, times = next((parser, times) for parser, times in candidates if times.is_valid.sum() == max_valid)
    if chosen is not parse_numeric_texts:
        for parser, others in candidates:
            better = regularity(others.values) - regularity(times.values)
            reads_all = bool(others.is_valid.sum() == max_valid)
            is_wanted = better >= 0 and reads_all and parser in _NAMED_PARSERS.get(wanted, ())
            is_possible = parser is not chosen and (wanted == "quarter" or parser is not _BY_PATTERN[NUMBERED_QUARTERS])
            if is_possible and (better > CLEARLY_BETTER or is_wanted):
                chosen, times = parser, others
    return _Notation(chosen, is_aware, rewritten, int(times.is_valid.sum()))


def _parse_sample(parser: Callable[[list[str]], ParsedTimes], texts: list[str], name: str) -> ParsedTimes:
    """Parse texts with a parser; the name of their column may tell what numbers are."""
    return parse_numeric_texts(texts, name=name) if parser is parse_numeric_texts else parser(texts)


def _parse_texts(texts: list[str], notation: _Notation, known: KnownNotation) -> ParsedTimes:
    """Parse texts in a notation."""
    if notation.is_span:
        parsed = _parse_texts([_begin_of_span(text) for text in texts], notation._replace(is_span=False), known)
        note = f"Spans of time are read as their begin: {shorten(texts[0])!r} is {_begin_of_span(texts[0])!r}."
        return parsed._replace(notes=(*parsed.notes, note))
    pattern = _PATTERNS.get(notation.parser)
    parse = notation.parser if pattern is None else partial(_parse_pattern, pattern, date_order=known.date_order)
    if notation.sample is not None:
        texts, _ = rewrite_dates(texts, notation.sample)
    if not notation.is_aware:
        return parse(texts)
    local_texts, offsets = _cut_offsets(texts)
    local = parse(local_texts)
    aware = _apply_offsets(local.values, local.is_valid, offsets, known.utc_offset)
    return aware._replace(notes=(*local.notes, *aware.notes), date_order=local.date_order)


def _cut_offsets(texts: list[str]) -> tuple[list[str], IntArray]:
    """Texts without their offset from UTC, and the offsets in minutes; a text without one is no time."""
    matches = [_OFFSET.fullmatch(text) for text in texts]
    offsets = np.array([zone_offset(match[2]) or 0 if match else 0 for match in matches], np.int64)
    return [match[1] if match else "" for match in matches], offsets


def looks_like_dates(column: RawColumn) -> bool:
    """Return whether most of a sample of values are dates rather than numbers.

    >>> from gatecast.data.parsing.raw_table import to_text
    >>> looks_like_dates(to_text(["2024-01"])), looks_like_dates(to_text(["17", "a"]))
    (True, False)
    """
    if column.dtype.kind != "O":
        return column.dtype.kind == "M"
    texts = _sample(column)
    notation = _find_notation(texts, "")
    return notation is not None and notation.parser not in _NUMERIC_PARSERS and 2 * notation.n_valid > len(texts)


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
    same = same_time_of_day(local, utc_offsets)
    if same is not None:
        note = f"{change}. All share the same local time of day and are treated as local times."
        return LocalOrUtc(same, None, False, note)
    return LocalOrUtc(local - utc_offsets.astype("m8[m]"), 0, True, f"{change}, so they are converted to UTC.")


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
        dates = _midnights_in_utc(times) if not offsets.any() else None
        if dates is not None:
            return ParsedTimes(fill_invalid(dates, is_valid), is_valid, (MIDNIGHTS_NOTE,))
        inferred = choose_local_or_utc(times, offsets)
        notes = (inferred.note,) if len(offsets) else ()
        values = fill_invalid(inferred.values, is_valid)
        zone = find_zone(times, offsets)
        return ParsedTimes(values, is_valid, notes, inferred.utc_offset_minutes, inferred.is_utc, time_zone=zone)
    if choice is None:
        return ParsedTimes(fill_invalid(times, is_valid), is_valid)
    utc, zone = times - offsets.astype("m8[m]"), find_zone(times, offsets)
    if isinstance(choice, str):
        minutes = offsets_of_utc(utc, ZoneInfo(choice))
        local = utc + minutes.astype("m8[m]")
        same = same_time_of_day(local, minutes, choice) if len(local) else None
        local = local if same is None else same
        return ParsedTimes(fill_invalid(local, is_valid), is_valid, time_zone=zone)
    is_utc = choice == 0 and bool(offsets.any())
    shifted = fill_invalid(utc + np.timedelta64(choice, "m"), is_valid)
    return ParsedTimes(shifted, is_valid, utc_offset_minutes=choice, is_utc=is_utc, time_zone=zone)


def _midnights_in_utc(times: npt.NDArray[Any]) -> npt.NDArray[Any] | None:
    """Dates of midnights on a clock with summer time that are written in UTC; None for other times.

    They are a day or more apart, at two times of day that differ by an hour: 07:00 and 08:00, or 22:00 and 23:00.
    """
    days = times.astype("M8[D]")
    seconds = sorted_unique((times - days).astype("m8[s]").astype(np.int64))
    if len(seconds) != 2 or seconds[1] - seconds[0] != 3_600 or len(sorted_unique(days)) < len(sorted_unique(times)):
        return None
    # East of Greenwich midnight is late on the day before.
    return np.asarray(later(days, 1 if seconds[0] >= 12 * 3_600 else 0).astype("M8[us]"))


def _to_microseconds(times: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Times as datetime64[us], without a copy where they already are."""
    return times.astype("M8[us]", copy=False)


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


def _parser(pattern: str) -> Callable[[list[str]], ParsedTimes]:
    """Return the parser of one date format."""

    def parse(texts: list[str]) -> ParsedTimes:
        """Parse strings in this format."""
        return _parse_pattern(pattern, texts)

    return parse


def _parse_pattern(pattern: str, texts: list[str], date_order: str = "") -> ParsedTimes:
    """Parse strings in one date format."""
    parsed = parse_dates(pattern, texts, date_order=date_order)
    return ParsedTimes(parsed.values, ~np.isnat(parsed.values), parsed.notes, date_order=parsed.order)


_WHOLE = re.compile(r"[+-]?1?\d{1,18}(?:\.0*)?")
_MAY_HAVE_WORDS = re.compile(r"[^\W\d_]|[^\x00-\x7f]")
_ISO = re.compile(r"\d{4}-\d\d(-\d\d([T ]\d\d:\d\d(:\d\d([.]\d{1,9})?)?)?)?")
_SPAN_MARKS = (" - ", " – ", " to ", " bis ")
_OFFSET = re.compile(
    r"(.*\d(?:[:.]\d\d)+(?:[.,]\d{1,9})?|\d{8}T\d{4,6}|.*\d ?[AaPp]\.?[Mm]\.?) ?(Z|UTC|GMT|[+-]\d\d(?::?\d\d)?)"
)
_BY_PATTERN = {pattern: _parser(pattern) for pattern in DATE_PATTERNS}
_PATTERNS = {parser: pattern for pattern, parser in _BY_PATTERN.items()}
_SPAN = re.compile(r"\d{4}[-/–](?:\d{4}|\d\d?)")
_SPANS = tuple(parser for pattern, parser in _BY_PATTERN.items() if "(?P<next_year>" in pattern)
# Numbers come first: where two formats parse as many strings of the sample, the first wins.
_PARSERS: tuple[Callable[[list[str]], ParsedTimes], ...] = (parse_numeric_texts, _parse_iso, *_BY_PATTERN.values())
_NUMERIC_PARSERS = (parse_numeric_texts, parse_step_texts)
# Parts of times that the name of a column tells, and the parsers of these.
_NAMED_PARSERS = {
    part: tuple(parser for pattern, parser in _BY_PATTERN.items() if f"(?P<{part}>" in pattern)
    for part in ("quarter", "week")
}
