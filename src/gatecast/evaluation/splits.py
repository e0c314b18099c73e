"""How series are cut, in time order, into training, validation and test part."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from gatecast.data.frequency import Freq
from gatecast.errors import DataError

__all__ = ["MIN_TRAINING_ROWS", "Split", "check_split", "default_horizon", "split_panel", "split_series"]

MIN_TRAINING_ROWS = 12
"""Rows below which a network has nothing to learn from."""

PART_DIVISOR = 10
"""Validation and test part are a tenth of the rows each, unless the horizon is longer."""

MAX_HORIZONS = 256
"""Horizons in the validation or test part of a single series, at most: more of them cost time and tell little more."""

MIN_VALIDATION_HORIZONS = 32
"""Horizons of all series together that the validation part aims at."""

MAX_MISSING_TRAINING = 4
"""Missing values that the smallest training part may have."""


class Split(NamedTuple):
    """Rows of each part, in time order."""

    train: int
    validation: int
    test: int

    @classmethod
    def of_typical(cls, length: int, validation: int, test: int) -> Split:
        """Return the parts of a series of typical length, which may be shorter than what is held back.

        Args:
            length: Its rows.
            validation: Rows of the validation part.
            test: Rows of the test part.

        Example:
            >>> Split.of_typical(20, 6, 6), Split.of_typical(10, 6, 6)
            (Split(train=8, validation=6, test=6), Split(train=0, validation=6, test=6))
        """
        return cls(max(length - validation - test, 0), validation, test)


def split_series(n: int, h: int) -> Split:
    """Split a series: validation and test part are 1 to 256 full horizons, about a tenth of the rows each.

    Args:
        n: Rows of the series, missing ones included.
        h: Horizon.

    Raises:
        DataError: Too few rows for this horizon.

    Example:
        >>> split_series(144, 24)
        Split(train=96, validation=24, test=24)
        >>> split_series(3652, 14)
        Split(train=2924, validation=364, test=364)
    """
    size = h * min(max(1, n // PART_DIVISOR // h), MAX_HORIZONS)
    if n - 2 * size < MIN_TRAINING_ROWS:
        longest = (n - MIN_TRAINING_ROWS) // 2
        fix = f"Use a horizon of at most {longest}, or provide more rows." if longest > 0 else "Provide more rows."
        raise DataError(
            f"The series is too short for a horizon of {h}",
            got=f"{n} rows",
            expected=f"at least {2 * h + MIN_TRAINING_ROWS}: "
            f"{h} to test, {h} to validate, {MIN_TRAINING_ROWS} to train",
            fix=fix,
            argument="h",
        )
    return Split(n - 2 * size, size, size)


def split_panel(lengths: npt.NDArray[np.int64], h: int) -> Split | None:
    """Split a panel: validation and test part are counted from the end of each series, `train` is a typical rest.

    One series is split by `split_series`. Of several, the test part is a horizon, and the validation part as many
    horizons as give enough errors to learn from. Where half of them are no longer than these parts, the typical rest is
    0 rows: the others are trained on.

    Args:
        lengths: Rows of each series, [n_series].
        h: Horizon.

    Returns:
        The split; None where too few series are long enough to hold anything back.

    Example:
        >>> split_panel(np.array([144]), 24)
        Split(train=96, validation=24, test=24)
        >>> split_panel(np.full(1000, 60), 12), split_panel(np.array([9]), 6)
        (Split(train=36, validation=12, test=12), None)
        >>> split_panel(np.array([20, 1, 2, 3]), 6)
        Split(train=0, validation=6, test=6)
    """
    typical = int(np.median(lengths))
    if len(lengths) == 1:
        return split_series(typical, h) if typical >= 2 * h + MIN_TRAINING_ROWS else None
    if np.count_nonzero(lengths >= 3 * h) < max(1, len(lengths) // 4):
        return None
    n_horizons = int(np.clip(-(-MIN_VALIDATION_HORIZONS // len(lengths)), 1, max(1, typical // PART_DIVISOR // h)))
    return Split.of_typical(typical, n_horizons * h, h)


def check_split(values: npt.NDArray[np.float64], split: Split) -> None:
    """Check that every part has values.

    Args:
        values: The series, [n]; NaN where missing.
        split: As from `split_series`.

    Raises:
        DataError: A part is nearly empty.

    Example:
        >>> check_split(np.arange(36.0), split_series(36, 12))
    """
    begin = 0
    for name, length, needed in zip(
        Split._fields, split, (MIN_TRAINING_ROWS - MAX_MISSING_TRAINING, 1, 1), strict=True
    ):
        n_observed = int(np.isfinite(values[begin : begin + length]).sum())
        if n_observed < needed:
            raise DataError(
                f"The {'training' if name == 'train' else name} part has too few values",
                where=f"rows {begin + 1} to {begin + length} of the series",
                got=f"{n_observed} observed of {length}",
                expected=f"at least {needed}",
                fix="Use another horizon, which splits the series elsewhere, or fill the gap.",
                argument="h",
            )
        begin += length


def default_horizon(freq: Freq, n: int) -> int:
    """Return two of the shortest seasons of a frequency, at least 6 steps, but never more than a fifth of the rows.

    Args:
        freq: Frequency.
        n: Rows of a series.

    Example:
        >>> from gatecast.data.frequency import parse
        >>> default_horizon(parse("MS"), 144), default_horizon(parse("D"), 3650), default_horizon(parse("YS"), 20)
        (24, 14, 4)
    """
    two_seasons = 2 * min(freq.cycles, default=3)
    return max(1, min(max(two_seasons, 6), n // 5))
