"""How long errors last: the correlation of those of neighboring steps."""

from __future__ import annotations

import numpy as np

from gatecast._utils.typing import FloatArray

__all__ = ["DEFAULT_AUTOCORRELATION", "error_autocorrelation"]

DEFAULT_AUTOCORRELATION = 0.8
"""Autocorrelation of the errors where too few of them are known."""

MIN_PAIRS = 30
"""Pairs of errors below which their correlation is not estimated."""

MAX_SCALED_ERROR = 5.0
"""Scaled errors are clipped here, so that a single outlier does not decide."""


def error_autocorrelation(errors: FloatArray) -> float:
    """Estimate the correlation of the errors of neighboring steps, from 0 to 0.99.

    Args:
        errors: Actual value less median, in units of the width of the interval, [n_rows, horizon]; NaN where unknown.

    Example:
        >>> error_autocorrelation(np.repeat(np.arange(-20.0, 21.0)[:, None], 3, axis=1))
        0.99
    """
    first, second = errors[:, :-1].ravel(), errors[:, 1:].ravel()
    known = np.isfinite(first) & np.isfinite(second)
    if known.sum() < MIN_PAIRS:
        return DEFAULT_AUTOCORRELATION
    first, second = (np.clip(x[known], -MAX_SCALED_ERROR, MAX_SCALED_ERROR) for x in (first, second))
    size = float(np.sqrt((first**2).sum() * (second**2).sum()))
    return float(np.clip((first * second).sum() / size, 0.0, 0.99)) if size > 0 else DEFAULT_AUTOCORRELATION
