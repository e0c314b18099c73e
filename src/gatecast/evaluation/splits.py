"""How a series is cut, in time order, into a training, a validation and a test part.

Letters: n points, h horizon.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from gatecast.data.frequency import Freq
from gatecast.errors import DataError

__all__ = ["SMALLEST_TRAINING", "Split", "check_split", "default_horizon", "split_panel", "split_series"]

SMALLEST_TRAINING = 12
"""Points below which a network has nothing to learn from."""

SHARE = 10
"""Validation and test part are a tenth of the points each, unless the horizon is longer."""


ENOUGH_SERIES = 32
"""Series times validation horizons that are aimed at."""


class Split(NamedTuple):
    """Lengths of the parts; they sum to n."""

    train: int
    validation: int
    test: int


def split_series(n: int, h: int) -> Split:
    """Cut a series: validation and test part are whole horizons, one at least, about a tenth of the points each.

    Args:
        n: Points of the series, missing ones included.
        h: Horizon.

    Raises:
        DataError: Too few points for this horizon.

    >>> split_series(144, 24)
    Split(train=96, validation=24, test=24)
    >>> split_series(3652, 14)
    Split(train=2924, validation=364, test=364)
    """
    size = h * max(1, n // SHARE // h)
    if n - 2 * size < SMALLEST_TRAINING:
        longest = (n - SMALLEST_TRAINING) // 2
        fix = f"Ask for at most {longest} steps, or give more rows." if longest > 0 else "Give more rows."
        raise DataError(
            "the series is too short for this horizon",
            got=f"{n} rows for {h} steps ahead",
            expected=f"at least {2 * h + SMALLEST_TRAINING}: {h} to test, {h} to validate, "
            f"{SMALLEST_TRAINING} to learn",
            fix=fix,
        )
    return Split(n - 2 * size, size, size)


def split_panel(lengths: npt.NDArray[np.int64], h: int) -> Split | None:
    """Validation and test part of a panel, counted from the end of each series; the first number is the typical rest.

    One series is cut by `cut`. Of several, the test part is a horizon, and the validation part as many as give some
    errors to learn from.

    Args:
        lengths: (S,) points of each series.
        h: Horizon.

    Returns:
        The parts; None where too few series are long enough to hold anything back.

    >>> split_panel(np.array([144]), 24), split_panel(np.full(1000, 60), 12), split_panel(np.array([9]), 6)
    (Split(train=96, validation=24, test=24), Split(train=36, validation=12, test=12), None)
    """
    typical = int(np.median(lengths))
    if len(lengths) == 1:
        return split_series(typical, h) if typical >= 2 * h + SMALLEST_TRAINING else None
    if np.count_nonzero(lengths >= 3 * h) < max(1, len(lengths) // 4):
        return None
    folds = int(np.clip(-(-ENOUGH_SERIES // len(lengths)), 1, max(1, typical // SHARE // h)))
    return Split(typical - (folds + 1) * h, folds * h, h)


def check_split(values: npt.NDArray[np.float64], parts: Split) -> None:
    """See that every part holds values.

    Args:
        values: (n,), NaN where missing.
        parts: As given by `cut`.

    Raises:
        DataError: A part is all but empty.

    >>> check_split(np.arange(36.0), split_series(36, 12))
    """
    begin = 0
    for name, length, least in zip(Split._fields, parts, (SMALLEST_TRAINING - 4, 1, 1), strict=True):
        seen = int(np.isfinite(values[begin : begin + length]).sum())
        if seen < least:
            raise DataError(
                f"the {'training' if name == 'train' else name} part has next to no values",
                where=f"rows {begin + 1} to {begin + length} of the series",
                got=f"{seen} observed of {length}",
                expected=f"at least {least}",
                fix="Ask for another horizon, which cuts the series elsewhere, or fill the gap.",
            )
        begin += length


def default_horizon(freq: Freq, n: int) -> int:
    """Two of the shortest seasons that the calendar knows for a frequency, at least 6, at most a fifth of the points.

    >>> from gatecast.data.frequency import parse
    >>> default_horizon(parse("MS"), 144), default_horizon(parse("D"), 3650), default_horizon(parse("YS"), 20)
    (24, 14, 4)
    """
    wanted = 2 * min(freq.cycles, default=3)
    return max(1, min(max(wanted, 6), n // 5))
