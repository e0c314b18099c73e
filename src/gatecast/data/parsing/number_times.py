"""Times that are numbers: time steps, dates in digits, time since 1970, decimal years, evenly spaced numbers."""

from __future__ import annotations

import math
import re

import numpy as np

from gatecast._utils.typing import BoolArray, FloatArray, IntArray
from gatecast.data.parsing.decimal_times import decimal_steps, decimal_years
from gatecast.data.parsing.digit_dates import NumberDates, fractional_dates, integer_dates
from gatecast.data.parsing.known_notation import UNKNOWN_NOTATION, KnownNotation
from gatecast.data.parsing.parsed_times import ParsedTimes, fill_invalid, no_times
from gatecast.data.parsing.raw_table import RawColumn

__all__ = ["DECIMAL", "parse_number_times", "parse_numeric_texts", "parse_step_texts"]

DECIMAL = re.compile(r"[+-]?1?\d{1,18}(?:[.,]\d*)?")
LARGEST_INTEGER = 2.0**63
"""Numbers from here on are no time steps."""


def parse_numeric_texts(
    texts: list[str], as_integers: bool = False, name: str = "", known: KnownNotation = UNKNOWN_NOTATION
) -> ParsedTimes:
    """Return the times of strings that are integers, or decimal numbers of dates.

    Args:
        texts: Strings, shape (n_rows,).
        as_integers: Read numbers as time steps even where they look like dates.
        name: Name of the column, which may tell what numbers are.
        known: What rows that were read before tell.

    >>> parse_numeric_texts(["202401", "202402"]).values.astype("M8[D]").astype(str).tolist()
    ['2024-01-01', '2024-02-01']
    >>> parse_numeric_texts(["1949", "1949.083"], as_integers=True).is_valid.tolist()
    [False, False]
    """
    values = np.full(len(texts), np.nan)
    for i, text in enumerate(texts):
        if re.fullmatch(r"[+-]?1?\d{1,18}(\.\d*)?", text):
            values[i] = float(text)
    is_number = ~np.isnan(values)
    if (values[is_number] == np.rint(values[is_number])).all() and not known.decimal_format:
        # Integers of more than 15 digits are no exact floats.
        exact = [int(text.partition(".")[0]) if fits else 0 for text, fits in zip(texts, is_number, strict=True)]
        dates = _find_dates(np.array(exact, np.int64)[is_number], as_integers, name, known)
        return _integers_to_times(np.array(exact, np.int64), is_number, dates)
    if as_integers:
        return _steps_to_times(values, known.decimal_format)
    return _decimals_to_times(values, name, known.decimal_format)


def parse_step_texts(texts: list[str], decimal_format: str = "") -> ParsedTimes:
    """Return the time steps of strings that are evenly spaced numbers, with a point or a comma.

    Args:
        texts: Strings, shape (n_rows,).
        decimal_format: `KnownNotation.decimal_format`.

    >>> parse_step_texts(["0,5", "0,6", "0,8"]).values.tolist()
    [5, 6, 8]
    """
    values = [float(text.replace(",", ".")) if DECIMAL.fullmatch(text) else math.nan for text in texts]
    return _steps_to_times(np.array(values), decimal_format)


def parse_number_times(column: RawColumn, as_integers: bool, name: str, known: KnownNotation) -> ParsedTimes:
    """Return the times of a column of numbers.

    Args:
        column: Numbers, shape (n_rows,); NaN is missing.
        as_integers: As for `parse_numeric_texts`.
        name: The same.
        known: The same.

    >>> parse_number_times(np.array([0.5, 0.6, 0.8]), False, "", UNKNOWN_NOTATION).values.tolist()
    [5, 6, 8]
    """
    values = column.astype(np.float64)
    is_valid = np.abs(values) < LARGEST_INTEGER  # NaN is not
    if (values[is_valid] == np.rint(values[is_valid])).all() and not known.decimal_format:
        numbers = np.where(is_valid, column, 0).astype(np.int64)
        return _integers_to_times(numbers, is_valid, _find_dates(numbers[is_valid], as_integers, name, known))
    dates = no_times(len(values)) if as_integers else _decimals_to_times(values, name, known.decimal_format)
    return dates if dates.is_valid.any() else _steps_to_times(values, known.decimal_format)


def _find_dates(numbers: IntArray, as_integers: bool, name: str, known: KnownNotation) -> NumberDates | None:
    """The dates that valid integers stand for; None if they are time steps."""
    return None if as_integers or not len(numbers) else integer_dates(numbers, name, known.number_format)


def _integers_to_times(numbers: IntArray, is_valid: BoolArray, dates: NumberDates | None) -> ParsedTimes:
    """Integers as the dates that they stand for, or as time steps."""
    if not is_valid.any():
        return no_times(len(numbers))
    return ParsedTimes(numbers, is_valid) if dates is None else _number_dates(dates, is_valid)


def _decimals_to_times(values: FloatArray, name: str, decimal_format: str) -> ParsedTimes:
    """Read decimal numbers as time since 1970, as spreadsheet dates or as decimal years."""
    is_valid = np.abs(values) < LARGEST_INTEGER
    if not is_valid.any():
        return no_times(len(values))
    dates = None if decimal_format else fractional_dates(values[is_valid], name)
    if dates is not None:
        return _number_dates(dates, is_valid)
    years = decimal_years(values[is_valid], decimal_format, name)
    if years is None:
        return no_times(len(values))
    times = fill_invalid(years.values, is_valid)
    return ParsedTimes(times, ~np.isnat(times), (years.note,), decimal_format=years.number_format)


def _steps_to_times(values: FloatArray, decimal_format: str) -> ParsedTimes:
    """Read evenly spaced numbers as time steps."""
    is_valid = np.abs(values) < LARGEST_INTEGER
    decimals = decimal_steps(values[is_valid], decimal_format) if is_valid.any() else None
    if decimals is None:
        return no_times(len(values))
    steps = np.zeros(len(values), np.int64)
    steps[is_valid] = decimals.values
    return ParsedTimes(steps, is_valid, (decimals.note,), decimal_format=decimals.number_format)


def _number_dates(dates: NumberDates, is_valid: BoolArray) -> ParsedTimes:
    """Numbers that are read as dates, with a note that says so."""
    values = fill_invalid(dates.values, is_valid)
    return ParsedTimes(values, ~np.isnat(values), (_number_note(dates.meaning),), number_format=dates.number_format)


def _number_note(meaning: str) -> str:
    """Note on numbers that are read as dates."""
    return f"Times are read as {meaning}. To read them as integer time steps, set freq=1."
