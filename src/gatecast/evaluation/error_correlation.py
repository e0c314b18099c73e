"""How much the errors of different series have in common: the mean correlation of what happens to them at one time.

With u[t, s] values of unit size, the mean correlation over all pairs of series is::

    r = sum_t ((sum_s u)^2 - sum_s u^2) / sum_t ((n_t - 1) sum_s u^2)

Two things tell it. The changes of the series from step to step, less their seasonal means, are many, but not what
models err by. Past errors are, but few: errors of neighboring steps are alike, so that T of them tell as much as
``T (1 - a) / (1 + a)`` independent ones, a their autocorrelation. The changes count as much as 4 independent errors.
"""

from __future__ import annotations

import numpy as np

from gatecast._utils.typing import FloatArray

__all__ = ["ASSUMED_CORRELATION", "error_correlation", "seasonal_changes"]

ASSUMED_CORRELATION = 0.5
"""Correlation of two series of which neither changes nor errors are known at the same times."""

CHANGES_WEIGHT = 4.0
"""Independent errors that the changes count for."""

MAX_SCALED = 5.0
"""Values are clipped here, in their units, so that a single outlier does not decide."""

MIN_TIMES = 8
"""Times, at least, at which changes of several series are known."""


def error_correlation(errors: FloatArray, changes: FloatArray, autocorrelation: float) -> float:
    """Estimate the correlation of the errors of two series, from 0 to 1.

    Args:
        errors: Past errors, [n_times, n_series]; NaN where unknown.
        changes: Changes of the series, [n_times, n_series]; NaN where unknown.
        autocorrelation: Of the errors of neighboring times.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> common, own = rng.standard_normal((500, 1)), rng.standard_normal((500, 8))
        >>> none = np.empty((0, 8))
        >>> [round(error_correlation(none, changes, 0.8), 1) for changes in (common + own, own)]
        [0.5, 0.0]
        >>> error_correlation(none, none, 0.8)
        0.5
    """
    assumed, n_changes = _mean_correlation(changes)
    if n_changes < MIN_TIMES:
        assumed = ASSUMED_CORRELATION
    measured, n_errors = _mean_correlation(errors)
    independent = n_errors * (1 - autocorrelation) / (1 + autocorrelation)
    return (independent * measured + CHANGES_WEIGHT * assumed) / (independent + CHANGES_WEIGHT)


def seasonal_changes(values: FloatArray, shift: FloatArray, season_length: int) -> FloatArray:
    """Return the changes from step to step less their means at each place in the season.

    Args:
        values: Series aligned at their ends, [S, T]; NaN is missing.
        shift: Steps by which each series ends before the last one, [S].
        season_length: Steps a season; 1 for none.

    Returns:
        Changes at the same times, [T - 1, S]; NaN where unknown.

    Example:
        >>> seasonal_changes(np.array([[1.0, 3.0, 2.0, 4.0, 3.0]]), np.zeros(1), 2).ravel().tolist()
        [0.0, 0.0, 0.0, 0.0]
    """
    changes = np.diff(values, axis=1)
    m = season_length if changes.shape[1] >= 2 * season_length else 1
    for place in range(m):
        part = changes[:, place::m]
        known = np.isfinite(part)
        part -= (np.where(known, part, 0.0).sum(axis=1) / np.maximum(known.sum(axis=1), 1))[:, None]
    n_steps = changes.shape[1]
    rows = np.full((n_steps, len(changes)), np.nan)
    for s, late in enumerate(shift.astype(int).tolist()):
        rows[: max(n_steps - late, 0), s] = changes[s, late:]
    return rows


def _mean_correlation(values: FloatArray) -> tuple[float, int]:
    """Return the mean correlation of all pairs of series, at least 0, and at how many times several are known."""
    known = np.isfinite(values)
    size = np.sqrt((np.where(known, values, 0.0) ** 2).sum(axis=0) / np.maximum(known.sum(axis=0), 1))
    known &= size > 0
    u = np.where(known, np.clip(values / np.where(size > 0, size, 1.0), -MAX_SCALED, MAX_SCALED), 0.0)
    n, square = known.sum(axis=1), (u**2).sum(axis=1)
    several = n > 1
    pairs = float(((n - 1) * square)[several].sum())
    if pairs <= 0:
        return 0.0, 0
    return float(np.clip((u.sum(axis=1) ** 2 - square)[several].sum() / pairs, 0.0, 1.0)), int(several.sum())
