"""Sample paths: possible futures as a whole, drawn from the calibrated quantiles of every step.

Every step has the distribution that its intervals state. Errors last from step to step: with u the errors of past
forecasts in units of their intervals and r the correlation of u[k] and u[k + 1], a path is a Gaussian chain
``x[k + 1] = r x[k] + sqrt(1 - r^2) e``, and its value the quantile of the step at the probability of x.

Source: Nelsen 2006, An Introduction to Copulas (the Gaussian one).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from gatecast.evaluation.calibration import ConformalCalibrator, quantile_grid
from gatecast.evaluation.point_forecasts import grid_scores

__all__ = ["MAX_PATHS", "Draw", "independent_normal", "sample_paths"]

MAX_PATHS = 1_000_000
"""Paths of a series at most: more fit into no memory."""

FloatArray = npt.NDArray[np.float64]
Draw = Callable[[np.random.Generator, tuple[int, int]], FloatArray]


def independent_normal(rng: np.random.Generator, shape: tuple[int, int]) -> FloatArray:
    """Draw independent standard normal numbers."""
    return rng.standard_normal(shape)


def sample_paths(
    calibrator: ConformalCalibrator,
    quantiles: FloatArray,
    values: FloatArray,
    n_paths: int,
    seed: int,
    draw: Draw | None = None,
) -> FloatArray:
    """Draw paths of every series.

    Args:
        calibrator: Margins, bounds and autocorrelation of the errors.
        quantiles: Of the main model, [n_series, n_steps, Q].
        values: Past values of the same series, [n_series, T].
        n_paths: Paths of each series.
        seed: Same seed, same paths.
        draw: Draws standard normal numbers [n_series, n_paths], which may be correlated; None: independent ones.

    Returns:
        Paths, [n_series, n_paths, n_steps]; NaN for a series without a value.
    """
    n_series, n_steps = quantiles.shape[:2]
    grid, scores = quantile_grid(calibrator, quantiles, values), grid_scores()
    rng = np.random.Generator(np.random.Philox(seed))
    r = calibrator.error_autocorrelation
    normal: Draw = draw or independent_normal
    paths, x = np.empty((n_series, n_paths, n_steps)), normal(rng, (n_series, n_paths))
    for k in range(n_steps):
        left = np.clip(np.searchsorted(scores, x, side="right") - 1, 0, len(scores) - 2)
        share = np.clip((x - scores[left]) / (scores[left + 1] - scores[left]), 0.0, 1.0)
        low, high = (np.take_along_axis(grid[:, k], left + offset, axis=1) for offset in (0, 1))
        paths[:, :, k] = low + share * (high - low)
        x = r * x + np.sqrt(1 - r * r) * normal(rng, (n_series, n_paths))
    return np.round(paths) if calibrator.bounds.integer else paths
