"""Numbers as people write them: decimal comma or point, thousands separators, currencies, units, scales and bounds.

One number format is chosen for a column, the one that parses most of its values: a single value cannot show whether
1,234 is a little more than one or a little more than a thousand.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

import numpy as np

from gatecast._utils.formatting import format_count
from gatecast._utils.typing import BoolArray, FloatArray, IntArray
from gatecast.data.messages import abridge, shorten
from gatecast.data.parsing.decimal_commas import parse_decimal_commas
from gatecast.data.parsing.number_affixes import AMBIGUOUS_SCALES, NumberText, is_flag, split_number
from gatecast.data.parsing.raw_table import RawColumn, factorize, is_missing, is_mostly_distinct

__all__ = ["LIKELY_COMMA", "ParsedNumbers", "parse_numbers"]

LIKELY_COMMA = "(,)"
"""Mark of tables in which commas mark decimals, if there are any; points that could mark either are not thousands."""


class ParsedNumbers(NamedTuple):
    """Numbers parsed from a column.

    Args:
        values: Numbers, shape (n_rows,); NaN where a value is missing or not a number.
        is_valid: Whether a value is missing or a number, shape (n_rows,).
        notes: How the numbers were read, where that is not obvious, one sentence each.
    """

    values: FloatArray
    is_valid: BoolArray
    notes: tuple[str, ...] = ()


# Thousands are grouped by threes, or by twos before the last three, and never begin with 0: 0,123 has a decimal comma.
# Numbers with an exponent have no groups.
_EXPONENT = r"(?:[eE][+-]?\d+)?"
_DECIMAL_POINT = re.compile(
    rf"(?:\d+(?:\.\d*)?|\.\d+){_EXPONENT}"
    r"|[1-9]\d{0,2}(?:[, '_]\d{3})+(?:\.\d*)?|[1-9]\d?(?:,\d\d)+,\d{3}(?:\.\d*)?"
)
_DECIMAL_COMMA = re.compile(rf"(?:\d+(?:,\d*)?|,\d+){_EXPONENT}|[1-9]\d{{0,2}}(?:[. '_]\d{{3}})+(?:,\d*)?")
_GROUPED_BY_POINTS = re.compile(r"[1-9]\d{0,2}(?:\.\d{3})+")
_REMOVE_SPACES = str.maketrans("", "", " '_")
# Of fewer cells, a text after the number is no unit of the column. Cells without unit are in it too; zeros often are.
MIN_UNIT_FRACTION = 0.5
MAX_FLAGGED = 0.5
"""Share of the cells up to which letters behind numbers are flags of single values, and no unit."""
MAX_LISTED = 3
SAMPLE_SIZE = 1000
NEGATIVE_MARKS = {
    "()": "Parentheses mark negative numbers",
    "-": "A minus sign after a number makes it negative",
    "0": "A currency with a dash is zero",
}
_NO_AFFIXES = NumberText("")[2:]


class _UniqueTexts(NamedTuple):
    """The unique strings of a column.

    Args:
        texts: The strings, shape (n_unique,).
        counts: Number of cells of each, shape (n_unique,).
        parts: Digits and affixes of each, None for other text.
    """

    texts: Sequence[str]
    counts: IntArray
    parts: Sequence[NumberText | None]


class _ParsedCell(NamedTuple):
    """A string that is a number.

    Args:
        text: The string.
        n_cells: Number of its cells.
        number: The number.
        part: Its digits and affixes.
    """

    text: str
    n_cells: int
    number: float
    part: NumberText


def parse_numbers(column: RawColumn, decimal_mark: str = "") -> ParsedNumbers:
    """Parse a column as numbers.

    Args:
        column: Numbers or strings, shape (n_rows,). Booleans and times are not numbers.
        decimal_mark: "," or "." as the table shows (`find_decimal_mark`), for numbers that could have either;
            `LIKELY_COMMA` for those with commas; else empty.

    Returns:
        The numbers, which values are valid, and notes.

    >>> from gatecast.data.parsing.raw_table import to_text
    >>> parse_numbers(to_text(["1.234,5", "12,25", "NA"]))[:2]
    (array([1234.5 ,   12.25,     nan]), array([ True,  True,  True]))
    >>> parse_numbers(to_text(["$1,234", "12 %", "abc"])).is_valid.tolist()
    [True, True, False]
    >>> parse_numbers(to_text(["<1", "(2.50)", "1.2k"])).values.tolist()
    [1.0, -2.5, 1200.0]
    """
    n = len(column)
    if column.dtype.kind in "fiu":
        return ParsedNumbers(column.astype(np.float64), np.ones(n, bool))
    if column.dtype.kind != "O":
        return ParsedNumbers(np.full(n, np.nan), is_missing(column))
    missing = is_missing(column)
    values = np.full(n, np.nan)
    present = np.flatnonzero(~missing)
    texts = column[present].tolist()
    if decimal_mark == "," and any("." in text for text in texts):
        return _parse_formatted(column, values, missing, decimal_mark)
    try:
        values[present] = np.array(texts, np.float64)
    except ValueError:
        return _parse_formatted(column, values, missing, decimal_mark)
    notes = () if decimal_mark == "." else _note_ambiguous_points(texts[:SAMPLE_SIZE])
    return ParsedNumbers(values, np.ones(n, bool), notes)


def _note_ambiguous_points(texts: Sequence[str]) -> tuple[str, ...]:
    """A note if points may group thousands: each has three digits after it, whether others have a point or not."""
    with_point = [text.strip() for text in texts if "." in text]
    if len(with_point) < 2 or not all(map(_GROUPED_BY_POINTS.fullmatch, with_point)):
        return ()
    advice = "If they are thousands separators, remove them."
    return (f"Points are read as decimal separators: {with_point[0]!r} is {float(with_point[0]):.12g}. {advice}",)


def _parse_formatted(column: RawColumn, values: FloatArray, missing: BoolArray, decimal_mark: str) -> ParsedNumbers:
    """Parse numbers in the format that fits most of them; fills `values`."""
    present = column[~missing]
    unique, codes = (present, np.arange(len(present))) if is_mostly_distinct(present) else factorize(present)
    plain = parse_decimal_commas(unique.tolist())
    if plain is not None:
        values[~missing] = plain.values[codes]
        example = f"{shorten(unique[plain.first])!r} is {plain.values[plain.first]:.12g}"
        note = f"Commas are read as decimal separators: {example}."
        return ParsedNumbers(values, np.ones(len(column), bool), (note,))
    unique, codes = factorize(present) if unique is present else (unique, codes)
    texts = unique.tolist()
    cells = _UniqueTexts(texts, np.bincount(codes, minlength=len(texts)), [split_number(text) for text in texts])
    fits_point = _matches(cells.parts, _DECIMAL_POINT)
    fits_comma = _matches(cells.parts, _DECIMAL_COMMA)
    n_point, n_comma = cells.counts[fits_point].sum(), cells.counts[fits_comma].sum()
    is_tied = n_comma == n_point
    is_likely = decimal_mark == LIKELY_COMMA and any(part is not None and "," in part.digits for part in cells.parts)
    decimal_comma = bool(n_comma > n_point or (is_tied and (decimal_mark == "," or is_likely)))
    cells, is_number = _resolve_units(cells, fits_comma if decimal_comma else fits_point)
    numbers = _to_numbers(cells, is_number, decimal_comma)
    is_valid = missing.copy()
    is_valid[~missing] = is_number[codes]
    values[~missing] = numbers[codes]
    is_ambiguous = bool(is_tied and decimal_mark in ("", LIKELY_COMMA))
    notes = _format_notes(cells, numbers, decimal_comma, is_ambiguous=is_ambiguous)
    return ParsedNumbers(values, is_valid, notes + _affix_notes(cells, numbers))


def _matches(parts: Sequence[NumberText | None], pattern: re.Pattern[str]) -> BoolArray:
    """Which digits have a format."""
    return np.array([part is not None and pattern.fullmatch(part.digits) is not None for part in parts], bool)


def _resolve_units(cells: _UniqueTexts, is_number: BoolArray) -> tuple[_UniqueTexts, BoolArray]:
    """Read ambiguous units as scales next to other scales, and refuse numbers of another unit than nearly all."""
    parts = list(cells.parts)
    used = [(i, part) for i, part in enumerate(parts) if part is not None and is_number[i]]
    if any(part.scale for _, part in used):
        for i, part in used:
            if part.unit in AMBIGUOUS_SCALES and not part.scale:
                parts[i] = part._replace(unit="", scale=AMBIGUOUS_SCALES[part.unit], scale_word=part.unit)
    counts: Counter[str] = Counter()
    for i, _ in used:
        counts[getattr(parts[i], "unit", "")] += int(cells.counts[i])
    unit, count = max(((unit, n) for unit, n in counts.items() if unit), key=lambda item: item[1], default=("", 0))
    accepted = {"", unit} if count > 1 and count >= MIN_UNIT_FRACTION * sum(counts.values()) else {""}
    if accepted == {""}:
        parts = [part._replace(unit="", flag=part.unit) if part and is_flag(part.unit) else part for part in parts]
    n_flagged = sum(int(cells.counts[i]) for i, _ in used if getattr(parts[i], "flag", ""))
    has_flags = n_flagged <= MAX_FLAGGED * sum(counts.values())
    fits = [part is not None and part.unit in accepted and (has_flags or not part.flag) for part in parts]
    return cells._replace(parts=parts), is_number & np.array(fits, bool)


def _to_numbers(cells: _UniqueTexts, is_number: BoolArray, decimal_comma: bool) -> FloatArray:
    """The numbers that the texts stand for, NaN for other texts; below a bound is half of it, above is the bound."""
    numbers = np.array([
        _to_number(part, decimal_comma) if part is not None and fits else np.nan
        for part, fits in zip(cells.parts, is_number, strict=True)
    ])  # fmt: skip
    if not (numbers < 0).any():
        is_below = [part is not None and part.bound == "<" for part in cells.parts]
        numbers[is_below] /= 2
    return numbers


def _to_number(part: NumberText, decimal_comma: bool) -> float:
    """The number, with its sign and its scale."""
    literal = part.digits.translate(_REMOVE_SPACES)
    literal = literal.replace(".", "").replace(",", ".") if decimal_comma else literal.replace(",", "")
    # Appending the power of ten is exact where multiplying would round.
    is_plain = "e" not in literal and "E" not in literal
    number = float(f"{literal}e{part.scale}") if is_plain else float(literal) * 10.0**part.scale
    return -number if part.is_negative else number


def _parsed_cells(cells: _UniqueTexts, numbers: FloatArray, *, with_affixes: bool) -> list[_ParsedCell]:
    """The numbers among the unique strings, with affixes other than a leading sign or all of them."""
    rows = zip(cells.texts, cells.counts.tolist(), numbers.tolist(), cells.parts, strict=True)
    return [
        _ParsedCell(text, count, number, part)
        for text, count, number, part in rows
        if part is not None and number == number and (not with_affixes or part[2:] != _NO_AFFIXES)
    ]


def _example(cells: Iterable[_ParsedCell], test: Callable[[NumberText], object]) -> str:
    """The first number that passes a test, and what it is read as; empty if there is none."""
    cell = next((cell for cell in cells if test(cell.part)), None)
    return "" if cell is None else f"{shorten(cell.text)!r} is {cell.number:.12g}"


def _format_notes(cells: _UniqueTexts, numbers: FloatArray, decimal_comma: bool, is_ambiguous: bool) -> tuple[str, ...]:
    """Describe the separators for the reader to check."""
    parsed = _parsed_cells(cells, numbers, with_affixes=False)
    if comma := _example(parsed, lambda part: "," in part.digits):
        meaning = "decimal separators" if decimal_comma else "thousands separators"
        other = "If they are thousands separators, remove them."
        advice = other if decimal_comma else "If they are decimal separators, replace them with points."
        advice = f" {advice}" if is_ambiguous else ""
        return (f"Commas are read as {meaning}: {comma}.{advice}",)
    with_point = [cell for cell in parsed if "." in cell.part.digits]
    grouped = [cell for cell in with_point if _GROUPED_BY_POINTS.fullmatch(cell.part.digits)]
    if decimal_comma and grouped:
        return (f"Points are read as thousands separators: {_example(grouped, bool)}.",)
    if is_ambiguous and len(grouped) == len(with_point) > 1:
        advice = "If they are thousands separators, remove them."
        return (f"Points are read as decimal separators: {_example(grouped, bool)}. {advice}",)
    return ()


def _affix_notes(cells: _UniqueTexts, numbers: FloatArray) -> tuple[str, ...]:
    """Describe what was ignored, scaled or replaced around the digits."""
    parsed = _parsed_cells(cells, numbers, with_affixes=True)
    notes = [*_symbol_notes(parsed), *_percent_notes(_parsed_cells(cells, numbers, with_affixes=False))]
    if flagged := [cell for cell in parsed if cell.part.flag]:
        flags = [repr(flag) for flag in dict.fromkeys(cell.part.flag for cell in flagged)]
        listed = abridge(flags[:MAX_LISTED], len(flags))
        count = format_count(sum(cell.n_cells for cell in flagged), "number")
        notes.append(f"Flags behind {count} are ignored ({listed}): {_example(flagged, bool)}.")
    units = dict.fromkeys(cell.part.unit for cell in parsed if cell.part.unit)
    notes += [f"The unit {unit!r} is ignored: {_example(parsed, lambda part: part.unit)}." for unit in units]
    scales = dict.fromkeys((cell.part.scale_word, cell.part.scale) for cell in parsed if cell.part.scale)
    for word, scale in list(scales)[:MAX_LISTED]:
        example = _example((cell for cell in parsed if cell.part.scale_word == word), bool)
        notes.append(f"{word!r} is read as a factor of {10**scale}: {example}.")
    for mark, meaning in NEGATIVE_MARKS.items():
        example = _example((cell for cell in parsed if cell.part.negative_mark == mark), bool)
        if example:
            notes.append(f"{meaning}: {example}.")
    return (*notes, *_bound_notes([cell for cell in parsed if cell.part.bound], bool((numbers < 0).any())))


def _symbol_notes(parsed: list[_ParsedCell]) -> list[str]:
    """Say that currency and percent signs are ignored, and which there are if they differ."""
    symbols = list(dict.fromkeys(symbol for cell in parsed for symbol in cell.part.symbols))
    if not symbols:
        return []
    example = _example(parsed, lambda part: part.symbols)
    mixed = f" The column has several: {abridge(symbols[:MAX_LISTED], len(symbols))}." if len(symbols) > 1 else ""
    return [f"Currency and percent signs are ignored: {example}.{mixed}"]


def _percent_notes(parsed: list[_ParsedCell]) -> list[str]:
    """Say that some numbers have a percent sign and others none: 9.76% may stand next to 0.0956."""
    bare = [cell for cell in parsed if "%" not in cell.part.symbols and cell.number != 0]
    if not bare or not any("%" in cell.part.symbols for cell in parsed):
        return []
    count = format_count(sum(cell.n_cells for cell in bare), "number")
    advice = "If these are fractions of 1, multiply them by 100."
    return [f"Percent signs are missing behind {count}: {_example(bare, lambda _: True)}. {advice}"]


def _bound_notes(parsed: list[_ParsedCell], has_negative: bool) -> tuple[str, ...]:
    """Say what each bound is read as, and in how many cells."""
    if not parsed:
        return ()
    bounds = [
        f"{shorten(cell.text)!r} in {cell.n_cells} cell{'s' * (cell.n_cells > 1)} is read as {cell.number:.12g}"
        for cell in parsed
    ]
    below = not has_negative and any(cell.part.bound == "<" for cell in parsed)
    meaning = "Values below a bound are half of it" if below else "Bounds are read as the bound itself"
    return (f"{meaning}: {abridge(bounds[:MAX_LISTED], len(bounds))}.",)
