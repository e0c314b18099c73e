"""Times that were parsed from a column."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from gatecast._utils.typing import BoolArray

__all__ = ["ParsedTimes", "fill_invalid", "no_times"]


class ParsedTimes(NamedTuple):
    """Times parsed from a column.

    Args:
        values: datetime64[us], NaT where invalid, or int64; shape (n_rows,).
        is_valid: Whether a value is a time, shape (n_rows,); a missing value is not.
        notes: How the times were read, where that is not obvious, one sentence each.
        utc_offset_minutes: Minutes by which the times are ahead of UTC; None if they are local or have no time zone.
        is_utc: Whether local times were converted to UTC.
        number_format: How integers stand for dates: "YYYY", "YYYYMM" or another notation in digits, or "s", "ms", "us",
            "ns" since 1970; empty otherwise.
        decimal_format: How decimal numbers stand for times (`DecimalTimes.number_format`); empty otherwise.
        time_zone: Zone of the offsets: "UTC", an offset such as "+05:30", or a place; empty if there are none.
        date_order: "day/month/year" or "month/day/year" where dates are numbers in one of these orders; else empty.
    """

    values: npt.NDArray[Any]
    is_valid: BoolArray
    notes: tuple[str, ...] = ()
    utc_offset_minutes: int | None = None
    is_utc: bool = False
    number_format: str = ""
    time_zone: str = ""
    date_order: str = ""
    decimal_format: str = ""


def fill_invalid(valid_times: npt.NDArray[Any], is_valid: BoolArray) -> npt.NDArray[Any]:
    """Return the valid times spread over all rows, NaT for the others.

    Args:
        valid_times: Times, shape (n_valid,).
        is_valid: Which rows they are of, shape (n_rows,).

    >>> fill_invalid(np.array(["2024-01-01"], "M8[us]"), np.array([False, True])).astype("M8[D]").astype(str).tolist()
    ['NaT', '2024-01-01']
    """
    times = np.full(len(is_valid), np.datetime64("NaT", "us"))
    times[is_valid] = valid_times
    return times


def no_times(n: int) -> ParsedTimes:
    """Return a column without any valid time.

    >>> no_times(2).is_valid.tolist()
    [False, False]
    """
    return ParsedTimes(np.full(n, np.datetime64("NaT", "us")), np.zeros(n, bool))
