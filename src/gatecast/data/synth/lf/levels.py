"""Sizes that depend on the frequency: shocks, seasons and growth of series of low frequency.

The numbers of the table are those at which `scripts/synth_gate.py` finds about the same regression in synthetic
series as in the training parts of real ones. docs/pretraining.md has the comparison.
"""

from __future__ import annotations

import numpy as np

from gatecast._utils.typing import BoolArray, FloatArray, IntArray
from gatecast.data.synth.noise import chance, log_uniform
from gatecast.data.synth.shapes import breaking_slopes, to_positive

__all__ = ["grow", "scaled_levels", "season_sizes", "sigmas", "slopes", "smoothing_rates"]

_BOUNDS = np.array([1, 6, 24])
"""Longest season of yearly, quarterly and monthly sizes; the next column is for weekly series."""

_WEEKS, _DAYS = (5, 7), 4
"""Seasons of days, and their column."""

# Yearly, quarterly, monthly, weekly, days: the range of the shocks relative to the level, ...
_SIGMA_LOW = np.array([0.04, 0.02, 0.012, 0.005, 0.003])
_SIGMA_HIGH = np.array([0.80, 0.35, 0.50, 0.10, 0.50])
# ... the share of series with a season, ...
_SEASONAL = np.array([0.0, 0.45, 0.55, 0.4, 0.6])
# ... mean and standard deviation of the growth a step in mean absolute changes: less than that with which the
# regression agrees, for with all of it a trained network promises too much on the yearly series of M3, with none too
# little on those of M4, ...
_GROWTH = np.array([0.26, 0.16, 0.02, 0.02, 0.0])
_GROWTH_SPREAD = np.array([0.2, 0.13, 0.05, 0.05, 0.01])
# ... the share of the series that grow at all, and of those whose slope breaks: the others keep to a level, ...
_GROWING = np.array([0.87, 0.8, 0.7, 0.7, 0.5])
_SLOPING = np.array([0.92, 0.88, 0.8, 0.8, 0.5])
# ... the size of breaking slopes in shocks, and the beta distribution of what stays of a shock.
_SLOPE = np.array([1.0, 0.8, 0.35, 0.45, 0.2])
_ALPHA = np.array([[2.0, 1.5], [3.0, 1.2], [1.2, 3.0], [1.5, 2.0], [1.2, 2.0]])


def _of(table: FloatArray, season: IntArray) -> FloatArray:
    """The number of each series in a row of the table."""
    return np.asarray(table[np.where(np.isin(season, _WEEKS), _DAYS, np.searchsorted(_BOUNDS, season))])


def sigmas(rng: np.random.Generator, season: IntArray) -> FloatArray:
    """Draw the size of shocks relative to the level, from 4 % in yearly series; (count,).

    >>> bool(sigmas(np.random.default_rng(0), np.array([1] * 99)).min() > 0.03)
    True
    """
    return log_uniform(rng, _of(_SIGMA_LOW, season), _of(_SIGMA_HIGH, season), len(season))


def smoothing_rates(rng: np.random.Generator, season: IntArray) -> FloatArray:
    """Draw how much of a shock stays in the level: exactly 1 for 15 %, near 0 for 15 %, else a beta number; (count,).

    >>> alpha = smoothing_rates(np.random.default_rng(0), np.ones(9999, np.int64))
    >>> bool(abs((alpha == 1).mean() - 0.15) < 0.01)
    True
    """
    count = len(season)
    alpha = rng.beta(*_of(_ALPHA, season).T)
    kind = rng.random(count)
    return np.where(kind < 0.15, 1.0, np.where(kind < 0.3, rng.uniform(0, 0.04, count), alpha))


def slopes(
    rng: np.random.Generator, length: int, season: IntArray, highest: float = 0.6
) -> tuple[BoolArray, FloatArray]:
    """Draw breaks with hazard logU(0.01, highest) and slopes in units of the shocks, smaller in monthly series.

    Some series have none: 8 % of yearly ones, 20 % of monthly and weekly ones.

    >>> breaks, values = slopes(np.random.default_rng(0), 9, np.ones(3, np.int64))
    >>> breaks.shape == values.shape == (9, 3)
    True
    """
    breaks, values = breaking_slopes(rng, length, log_uniform(rng, 0.01, highest, len(season)))
    return breaks, values * _of(_SLOPE, season) * chance(rng, _of(_SLOPING, season), len(season))


def season_sizes(rng: np.random.Generator, season: IntArray) -> FloatArray:
    """Draw the standard deviation of the season in units of the shocks, 0 where there is no season; (count,).

    >>> season_sizes(np.random.default_rng(0), np.array([1, 1])).tolist()
    [0.0, 0.0]
    """
    return log_uniform(rng, 0.15, 6, len(season)) * chance(rng, _of(_SEASONAL, season), len(season))


def grow(rng: np.random.Generator, z: FloatArray, season: IntArray) -> FloatArray:
    """Add a steady growth to deviations z and turn them positive: (length, count) in, (count, length) out.

    The growth a step is N(mu, sd) times the mean absolute change, and 0 for a share of the series.

    >>> y = grow(np.random.default_rng(0), np.tile([[0.0], [0.1]], (20, 500)), np.full(500, 12))
    >>> bool(0.4 < (y[:, -2] > y[:, 0]).mean() < 0.6)
    True
    """
    count = len(season)
    size = np.abs(np.diff(z, axis=0)).mean(axis=0) if len(z) > 1 else np.zeros(count)
    growing = _of(_GROWING, season)
    growth = _of(_GROWTH, season) / growing + _of(_GROWTH_SPREAD, season) * rng.standard_normal(count)
    growth *= chance(rng, growing, count)
    return to_positive(rng, z + np.arange(len(z))[:, None] * (growth * size))


def scaled_levels(rng: np.random.Generator, x: FloatArray, season: IntArray) -> FloatArray:
    """Scale processes of any size so that they change by sigma a step on average, add growth, and turn them positive.

    >>> y = scaled_levels(np.random.default_rng(0), np.array([[0.0], [5.0], [0.0]]), np.array([12]))
    >>> bool((y > 0).all())
    True
    """
    size = np.abs(np.diff(x, axis=0)).mean(axis=0) if len(x) > 1 else np.ones(x.shape[1])
    return grow(rng, (x - x[0]) * (sigmas(rng, season) / np.maximum(size, 1e-9)), season)
