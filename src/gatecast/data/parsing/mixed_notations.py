"""Columns of times in two notations: dates and spreadsheet serial numbers, or dates and texts that are dates too.

A spreadsheet that expects month/day reads 03/04/2024 as a date and leaves 25/04/2024 as text: the days and months of
what it read are swapped then.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from gatecast._utils.arrays import sorted_unique
from gatecast._utils.typing import BoolArray
from gatecast.data.frequency import Times, format_times
from gatecast.data.messages import shorten
from gatecast.data.parsing.dates import make_dates
from gatecast.data.parsing.raw_table import is_missing, to_text
from gatecast.data.parsing.regularity import CLEARLY_BETTER, regularity
from gatecast.data.time_grid import align_to_grid, infer_freq

__all__ = ["MixedTimes", "merge_notations"]

MIN_OTHERS = 3
"""Times in a second notation: fewer are typing errors."""
MIN_REGULARITY = 0.8
MAX_SHOWN = 40


class MixedTimes(NamedTuple):
    """Times in two notations.

    Args:
        values: datetime64[us], shape (n_texts,).
        is_valid: Whether a text is a time, shape (n_texts,).
        note: What was assumed.
    """

    values: Times
    is_valid: BoolArray
    note: str


def merge_notations(
    texts: list[str], values: npt.NDArray[np.generic], is_valid: BoolArray, parse: Callable[[list[str]], Times | None]
) -> MixedTimes | None:
    """Read the texts that do not fit the notation of the others in a second one; None if that makes no regular times.

    Args:
        texts: All texts of a column.
        values: Their times in the notation of most, shape (n_texts,).
        is_valid: Which of them are in this notation, shape (n_texts,).
        parse: Reads texts in one notation; None if that does not fit all of them.

    >>> texts = ["2024-01-11", "2024-01-12", "2024-01-13", "14 Jan 2024", "15 Jan 2024", "16 Jan 2024"]
    >>> first = np.array([*texts[:3], *["NaT"] * 3], "M8[us]")
    >>> others = np.array(["2024-01-14", "2024-01-15", "2024-01-16"], "M8[us]")
    >>> merge_notations(texts, first, ~np.isnat(first), lambda rest: others).values[-1].item().isoformat()
    '2024-01-16T00:00:00'
    """
    rows = np.flatnonzero(~is_valid & ~is_missing(to_text(texts)))
    if values.dtype.kind != "M" or not MIN_OTHERS <= len(rows) <= np.count_nonzero(is_valid):
        return None
    others = parse([texts[i] for i in rows])
    if others is None or others.dtype.kind != "M":
        return None
    readings = []
    for is_swapped, first in _orders(values[is_valid]):
        for is_second_swapped, second in _orders(others):
            merged = values.copy()
            merged[is_valid], merged[rows] = first, second
            complete = is_valid.copy()
            complete[rows] = True
            fit = regularity(merged[complete])
            swapped = (*(np.flatnonzero(is_valid) if is_swapped else ()), *(rows if is_second_swapped else ()))
            readings.append((fit, -is_swapped - is_second_swapped, swapped, merged, complete))
    readings.sort(key=lambda reading: reading[:2], reverse=True)
    best = readings[0]
    if best[0] < MIN_REGULARITY or (len(readings) > 1 and readings[1][0] > best[0] - CLEARLY_BETTER):
        return None
    _, _, swapped, merged, complete = best
    if _share_steps(merged[complete]):
        return None
    return MixedTimes(merged, complete, _note(texts, merged, rows, swapped))


def _share_steps(times: Times) -> bool:
    """Whether different times are in one step, as months of a year below other years."""
    unique = sorted_unique(times)
    positions = align_to_grid(unique, infer_freq(unique, with_days=False)).positions
    return bool((np.diff(positions) == 0).any())


def _orders(times: Times) -> Iterator[tuple[int, Times]]:
    """Times as they are, and with days and months swapped if all of them can be."""
    yield 0, times
    months = times.astype("M8[M]")
    day = (times.astype("M8[D]") - months.astype("M8[D]")).astype(np.int64) + 1
    if day.max() <= 12 and not np.array_equal(day, np.ones_like(day)):
        number = months.astype(np.int64)
        clock = times - times.astype("M8[D]")
        yield 1, make_dates(number // 12 + 1970, day, number % 12 + 1) + clock


def _note(texts: list[str], times: Times, rows: npt.NDArray[np.intp], swapped: Sequence[int]) -> str:
    """How the times of the second notation are read, and which are swapped."""
    written = f"{len(rows)} of {len(texts)} times are written in another way than the others"
    example = int(rows[0])
    if swapped:
        written = f"{written}, and days and months of {len(swapped)} times are swapped back"
        example = next((i for i in swapped if str(times[i])[:10] not in texts[i]), int(swapped[0]))
    return f"{written}: {shorten(texts[example], MAX_SHOWN)!r} is read as {format_times(times[[example]])[0]}."
