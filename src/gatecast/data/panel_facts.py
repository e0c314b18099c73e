"""What a part of a panel has to know of all series, so that its forecasts have the bits of those of the whole."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from gatecast._utils.typing import FloatArray
from gatecast.data.frequency import Freq, Times
from gatecast.data.parsing.missing_codes import KNOWN_CODES, codes_among

__all__ = ["CodeCells", "PanelFacts", "PartFacts", "count_part", "join_facts", "spans"]


class PanelFacts(NamedTuple):
    """What is known of all series.

    Args:
        last: Time of the last value of all, shape (1,): rows after it are of the future.
        length: Steps of the longest series: windows and sums of models are over as many columns.
        n_series: How many there are.
        missing_codes: Numbers of the target that were recognized as missing values.
    """

    last: Times
    length: int
    n_series: int
    missing_codes: tuple[float, ...] = ()


class CodeCells(NamedTuple):
    """The cells of a number that may stand for a missing value.

    Args:
        code: The number.
        n_cells: How many hold it.
        last: The last time of one, shape (1,).
    """

    code: float
    n_cells: int
    last: Times


class PartFacts(NamedTuple):
    """What is counted in one part of the series.

    Args:
        n_series: Series.
        n_rows: Rows.
        first: Earliest first time of the series with each last time, [n].
        stop: These last times, [n].
        last: Last time of a number that is no known code of a missing value, shape (1,); None: there is none.
        low: The smallest such number.
        high: The largest one.
        n_others: How many there are.
        codes: Known codes that occur.
    """

    n_series: int
    n_rows: int
    first: Times
    stop: Times
    last: Times | None
    low: float
    high: float
    n_others: int
    codes: tuple[CodeCells, ...] = ()


def spans(first: Times, stop: Times) -> tuple[Times, Times]:
    """Return the different last times, and the earliest first time of the series with each.

    >>> [times.tolist() for times in spans(np.array([1, 3, 2]), np.array([9, 9, 5]))]
    [[2, 1], [5, 9]]
    """
    stops, inverse = np.unique(stop, return_inverse=True)
    earliest = np.full(len(stops), first.max(), first.dtype) if len(first) else first
    np.minimum.at(earliest, inverse, first)
    return earliest, stops


def count_part(first: Times, stop: Times, times: Times, values: FloatArray) -> PartFacts:
    """Count what there is in a part that is in memory.

    Args:
        first: First time of each series, [n_series].
        stop: Last time of each, [n_series].
        times: Time of each row, [n_rows].
        values: Value of each row, [n_rows]; NaN is missing.

    >>> t = np.array([1, 2, 3])
    >>> facts = count_part(t[:1], t[-1:], t, np.array([5.0, 6.0, np.nan]))
    >>> facts.last.tolist(), facts.low, facts.n_others
    ([2], 5.0, 2)
    """
    observed = np.isfinite(values)
    low, high = (values[observed].min(), values[observed].max()) if observed.any() else (np.nan, np.nan)
    # A number within the range of others stands for itself, so most parts end here.
    is_extreme = bool(np.isin([low, high], KNOWN_CODES).any())
    known = observed & np.isin(values, KNOWN_CODES) if is_extreme else np.zeros(len(values), bool)
    others = observed & ~known
    codes = np.unique(values[known]).tolist()
    return PartFacts(
        len(first),
        len(times),
        *spans(first, stop),
        times[others].max()[None] if others.any() else None,
        float(values[others].min()) if others.any() else np.nan,
        float(values[others].max()) if others.any() else np.nan,
        int(np.count_nonzero(others)),
        tuple(_cells(code, times[values == code]) for code in codes),
    )


def _cells(code: float, times: npt.NDArray[np.generic]) -> CodeCells:
    """Return the cells of a code."""
    return CodeCells(code, len(times), times.max()[None])


def join_facts(parts: Iterable[PartFacts], freq: Freq, *, is_auto: bool) -> PanelFacts | None:
    """Return what the parts say of the whole; None where no series has a value.

    Args:
        parts: Facts of each part.
        freq: Frequency of all series.
        is_auto: Whether codes of missing values are recognized.

    >>> t = np.array([1, 2, 3])
    >>> join_facts([count_part(t[:1], t[-1:], t, np.ones(3))], Freq("step"), is_auto=False)
    PanelFacts(last=array([3]), length=3, n_series=1, missing_codes=())
    """
    parts = [part for part in parts if part.n_rows]
    n_cells: dict[float, int] = {}
    for cells in (cells for part in parts for cells in part.codes):
        n_cells[cells.code] = n_cells.get(cells.code, 0) + cells.n_cells
    low = min((part.low for part in parts if part.n_others), default=np.nan)
    high = max((part.high for part in parts if part.n_others), default=np.nan)
    codes = codes_among(n_cells, low, high, sum(part.n_others for part in parts)) if is_auto else ()
    missing = tuple(code.value for code in codes)
    lasts = [part.last for part in parts if part.last is not None]
    lasts += [cells.last for part in parts for cells in part.codes if cells.code not in missing]
    if not lasts:
        return None
    last, length = np.concatenate(lasts).max()[None], 1
    for part in parts:
        stop = np.minimum(part.stop, last)
        begun = part.first <= stop
        if begun.any():
            length = max(length, int(freq.index_of(stop[begun], part.first[begun])[0].max()) + 1)
    return PanelFacts(last, length, sum(part.n_series for part in parts), missing)
