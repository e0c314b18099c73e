"""Sample paths: futures that could come, each whole, drawn from the calibrated quantiles of every step.

Letters: S series, h steps, N paths, G points of the grid of probabilities.

Every step has the distribution that its intervals say. From step to step a path remembers: with u the errors of past
forecasts in units of their intervals, r the correlation of u[k] and u[k + 1], a path is a Gaussian chain
``x[k + 1] = r x[k] + sqrt(1 - r^2) e``, and its value the quantile of the step at the probability of x.

Source: Nelsen 2006, An Introduction to Copulas (the Gaussian one).
"""

from __future__ import annotations

from statistics import NormalDist

import numpy as np
import numpy.typing as npt

from gatecast.evaluation.calibration import DEFAULT_AUTOCORRELATION, ConformalCalibrator, prediction_intervals

__all__ = ["error_autocorrelation", "sample_paths"]

Floats = npt.NDArray[np.float64]

LEVELS = (10.0, 25.0, 50.0, 65.0, 80.0, 90.0, 95.0, 98.0, 99.0, 99.8)
"""Intervals whose ends make the grid of probabilities."""

ENOUGH = 30
"""Pairs of errors that it is worked out from."""


def error_autocorrelation(errors: Floats) -> float:
    """Correlation of errors of neighbouring steps, in units of the spread of each step.

    Args:
        errors: (R, h) actual less median, in units of the width of the interval; NaN where unknown.

    >>> error_autocorrelation(np.repeat(np.arange(-20.0, 21.0)[:, None], 3, axis=1))
    0.99
    """
    one, two = errors[:, :-1].ravel(), errors[:, 1:].ravel()
    both = np.isfinite(one) & np.isfinite(two)
    if both.sum() < ENOUGH:
        return DEFAULT_AUTOCORRELATION
    one, two = (np.clip(x[both], -5, 5) for x in (one, two))
    size = float(np.sqrt((one**2).sum() * (two**2).sum()))
    return float(np.clip((one * two).sum() / size, 0.0, 0.99)) if size > 0 else DEFAULT_AUTOCORRELATION


def sample_paths(calibration: ConformalCalibrator, said: Floats, values: Floats, count: int, seed: int) -> Floats:
    """Paths of every series.

    Args:
        calibration: Factors, limits and memory.
        said: (S, h, Q) of the main model.
        values: (S, T) of the same series.
        count: N.
        seed: Same seed, same paths.

    Returns:
        (S, N, h); NaN for a series without a value.
    """
    S, h = said.shape[:2]
    found = prediction_intervals(calibration, said, values, LEVELS)
    grid = np.stack([*found[1::2][::-1], found[0], *found[2::2]], axis=2)
    normal = NormalDist()
    ends = [normal.inv_cdf(0.5 + level / 200) for level in LEVELS]
    at = np.array([*(-x for x in reversed(ends)), 0.0, *ends])
    rng = np.random.Generator(np.random.Philox(seed))
    r = calibration.error_autocorrelation
    paths, x = np.empty((S, count, h)), rng.standard_normal((S, count))
    for k in range(h):
        left = np.clip(np.searchsorted(at, x, side="right") - 1, 0, len(at) - 2)
        share = np.clip((x - at[left]) / (at[left + 1] - at[left]), 0.0, 1.0)
        low, high = (np.take_along_axis(grid[:, k], left + one, axis=1) for one in (0, 1))
        paths[:, :, k] = low + share * (high - low)
        x = r * x + np.sqrt(1 - r * r) * rng.standard_normal((S, count))
    return np.round(paths) if calibration.bounds.integer else paths
