"""Truth values in their many spellings: true and false, yes and no, 1 and 0, as later tables may have them.

What a column was first read as stays: true and false are categories, 1 and 0 are numbers. A later table may use another
spelling of them.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from gatecast._utils.typing import FloatArray
from gatecast.data.parsing.raw_table import MISSING_MARKERS, RawColumn, factorize

__all__ = ["are_truth_values", "parse_truth_values", "truth_of"]

# What programs write, and spreadsheets in their languages.
_TRUE = "true t yes y on wahr ja j vrai oui verdadero sí si vero sì verdadeiro sim waar prawda tak da да истина 是 真"
_FALSE = "false f no n off falsch nein faux non falso não onwaar nee fałsz nie ne нет ложь 否 假"
_TRUTH = {**dict.fromkeys(_TRUE.split(), 1.0), **dict.fromkeys(_FALSE.split(), 0.0)}


def truth_of(text: str) -> float | None:
    """Return 1 for a text that says true, 0 for one that says false, None for other text.

    >>> truth_of("Yes"), truth_of(" 0.0"), truth_of("2"), truth_of("fair")
    (1.0, 0.0, None, None)
    """
    plain = text.strip().lower()
    if plain in _TRUTH:
        return _TRUTH[plain]
    try:
        number = float(plain)
    except ValueError:
        return None
    return number if number in (0.0, 1.0) else None


def are_truth_values(categories: Sequence[str] | None) -> bool:
    """Return whether categories are spellings of true and of false, and nothing else.

    >>> are_truth_values(("False", "True")), are_truth_values(("N", "Y")), are_truth_values(("no", "yes", "maybe"))
    (True, True, False)
    """
    return {truth_of(category) for category in categories or ()} == {0.0, 1.0}


def parse_truth_values(column: RawColumn) -> FloatArray | None:
    """Parse a column as truth values: 1, 0 and NaN for missing, shape (n_rows,); None if anything else occurs.

    >>> parse_truth_values(np.array(["yes", "", "0"], object)).tolist(), parse_truth_values(np.array([1.0, 2.0]))
    ([1.0, nan, 0.0], None)
    """
    if column.dtype.kind == "b":
        return column.astype(np.float64)
    if column.dtype.kind in "fiu":
        numbers = column.astype(np.float64)
        return numbers if np.isin(numbers[~np.isnan(numbers)], (0.0, 1.0)).all() else None
    if column.dtype.kind != "O":
        return None
    unique, codes = factorize(column)
    values = np.full(len(unique), np.nan)
    for k, text in enumerate(unique.tolist()):
        truth = truth_of(text)
        if truth is None and text.strip().lower() not in MISSING_MARKERS:
            return None
        values[k] = np.nan if truth is None else truth
    return values[codes]
