"""The season that long series of a panel show, for those too short to show their own.

A shop that opened ten months ago sells more in December as its sisters do. The factors of the season are those that
the long series have in common; how strongly a short series follows them is estimated from its own changes, drawn to
what is usual in the panel. The season is removed before any model reads the series and restored in its forecasts: what
a series has beyond it is left to the models.

Shapes: n_series rows, T columns of the past, m season length, horizon steps, Q quantiles.

Source: Miller & Williams 2003 (indices of a group of series); Efron & Morris 1975 (estimates drawn to their common
mean).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from gatecast._utils.arrays import history_lengths
from gatecast._utils.typing import BoolArray, FloatArray, IntArray
from gatecast.forecasting.context import PanelContext
from gatecast.forecasting.scaling import has_logarithm
from gatecast.forecasting.seasonal_indices import classical_indices, common_indices

__all__ = ["MAX_CYCLES", "MIN_SERIES", "PanelSeason"]

MIN_SERIES = 4
"""Series of two cycles that a season in common needs, at least."""

MIN_CYCLES = 2
"""Cycles of a series that shows a season."""

MAX_CYCLES = 5
"""Cycles from which a series is left to its own season: validation tails of M3 chose it."""

MAX_SERIES = 2000
"""Series that the season is estimated from, at most."""

MAX_SPREAD = 1.0
"""Standard deviation of the strengths, in units of their median, beyond which series have no season in common."""

MIN_VARIANCE = 1e-4
"""Least variance of the strengths."""

PRIOR_CHANGES = 3.0
"""Changes that the noise of the panel counts for in that of a series."""

NORMAL_MAD = 1.4826
"""Standard deviation of normal numbers in median absolute deviations."""


class PanelSeason(NamedTuple):
    """Factors of a season, and how strongly series follow them.

    Args:
        factors: By place in the season, with mean 1, [m]; all 1 where the series have no season in common.
        strength: Usual strength, its variance over the series, and the noise variance of a change, [3].
        max_length: Values from which a series is left to its own season, [1].

    Example:
        >>> month = np.arange(60) % 12
        >>> y = np.exp(0.3 * np.sin(np.pi * month / 6)) * np.array([[1.0], [2.0], [3.0], [4.0], [5.0]])
        >>> y[4, :53] = np.nan
        >>> panel = PanelContext.from_values(y)
        >>> season = PanelSeason.fit(panel, 12)
        >>> season.strengths(panel).round(2).tolist()
        [0.0, 0.0, 0.0, 0.0, 1.0]
        >>> [float(part.values[4, 53:].std().round(1)) for part in (panel, season.remove(panel))]
        [0.7, 0.0]
    """

    factors: FloatArray
    strength: FloatArray
    max_length: IntArray

    @classmethod
    def none(cls) -> PanelSeason:
        """Return no season."""
        return cls(np.ones(1), np.array([0.0, MIN_VARIANCE, 1.0]), np.zeros(1, np.int64))

    @classmethod
    def fit(cls, context: PanelContext, m: int, *, for_all: bool = False) -> PanelSeason:
        """Estimate the season of a panel from the past alone.

        With f the trimmed mean of the series' classical indices, shrunk by its noise, the strength of a series is the
        slope b of its changes ``log y[t] - log y[t-1]`` on those of ``log f``. Over the long series b has the
        median b0 and the variance v beyond its noise; the usual strength is ``b0 b0^2 / (b0^2 + v)``.

        Args:
            context: Series; those of two cycles and more, without values of 0 or less but for rare ones, count.
            m: Season length; 1 for none.
            for_all: Whether long series need it too: the models know of no season.
        """
        can_show = np.isfinite(context.values).sum(axis=1) >= MIN_CYCLES * m
        rows = np.flatnonzero(can_show & has_logarithm(context.values))
        if m == 1 or len(rows) < MIN_SERIES:
            return cls.none()
        sample = context.take(rows[:: -(-len(rows) // MAX_SERIES)])
        factors = _common_factors(sample, m)
        if factors is None:
            return cls.none()
        slope, precision, noise = _slopes(sample, np.log(factors))
        usual = float(np.median(slope))
        variance = max((NORMAL_MAD * float(np.median(np.abs(slope - usual)))) ** 2, MIN_VARIANCE)
        variance = max(variance - float(np.median(noise / precision)), MIN_VARIANCE)
        if usual <= 0 or variance > (MAX_SPREAD * usual) ** 2:
            return cls.none()
        strength = np.array([usual**3 / (usual**2 + variance), variance, float(np.median(noise))])
        longest = np.iinfo(np.int64).max if for_all else MAX_CYCLES * m
        return cls(factors, strength, np.array([longest]))

    @property
    def season_length(self) -> int:
        """Steps m; 1 where there is no season."""
        return len(self.factors)

    def strengths(self, context: PanelContext) -> FloatArray:
        """Return how strongly each series follows the season, 0 for those that are left to their own, [n_series].

        With s the noise variance of the changes of a series, and S the sum of the squared changes of ``log f``::

            strength = (b0 / v + b S / s) / (1 / v + S / s)
        """
        strengths = np.zeros(len(context))
        rows = np.flatnonzero(self._is_short(context)) if self.season_length > 1 else ()
        if len(rows):
            usual, variance, panel_noise = self.strength
            slope, precision, noise = _slopes(context.take(rows), np.log(self.factors), PRIOR_CHANGES, panel_noise)
            weight = precision / np.maximum(noise, np.finfo(np.float64).tiny)
            strengths[rows] = (usual / variance + weight * slope) / (1 / variance + weight)
        return strengths

    def remove(self, context: PanelContext) -> PanelContext:
        """Return series without the season."""
        factors = self._factors(context, -context.values.shape[1], 0)
        return context if factors is None else context.with_values(context.values / factors)

    def restore(self, context: PanelContext, quantiles: FloatArray) -> FloatArray:
        """Return forecasts with the season.

        Args:
            context: As it was before `remove`.
            quantiles: Forecasts of the series without it, [n_series, horizon, Q].
        """
        factors = self._factors(context, 0, quantiles.shape[1])
        return quantiles if factors is None else quantiles * factors[..., None]

    def restore_insample(self, context: PanelContext, medians: FloatArray) -> FloatArray:
        """Return forecasts of past values, [n_series, T], with the season."""
        factors = self._factors(context, -medians.shape[1], 0)
        return medians if factors is None else medians * factors

    def _factors(self, context: PanelContext, first: int, stop: int) -> FloatArray | None:
        """Return the factors of steps, 0 the first one after the end, [n_series, stop - first]; None: all are 1."""
        strengths = self.strengths(context)
        rows = np.flatnonzero(strengths)
        if not len(rows):
            return None
        factors = np.ones((len(context), stop - first))
        places = context.take(rows).season_places(self.season_length, np.arange(first, stop))
        factors[rows] = self.factors[places] ** strengths[rows, None]
        return factors

    def _is_short(self, context: PanelContext) -> BoolArray:
        """Return which series are not left to their own season, [n_series]."""
        is_short = history_lengths(context.values) < self.max_length[0]
        return np.asarray(is_short & has_logarithm(context.values))


def _common_factors(context: PanelContext, m: int) -> FloatArray | None:
    """Return the factors that series of two cycles share, by place, [m]; None where there are none."""
    every = np.ones(len(context), np.bool_)
    calendar = context.season_calendar(m)
    indices, _, is_known = classical_indices(context.values, m, every, calendar)
    if calendar is None:
        # Column j belongs to step j + 1 after the end.
        indices = np.take_along_axis(indices, (np.arange(m) - context.last_step[:, None] - 1) % m, axis=1)
    is_known &= np.asarray(np.isfinite(indices).all(axis=1) & (indices > 0).all(axis=1))
    if is_known.sum() < MIN_SERIES:
        return None
    factors = common_indices(indices[is_known])
    return factors / factors.mean() if (factors > 0).all() and np.ptp(factors) > 0 else None


def _slopes(
    context: PanelContext, log_factors: FloatArray, prior_changes: float = 0.0, prior_noise: float = 0.0
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return slopes of the changes of logarithms on those of the season, [n_series] each.

    Returns:
        Slopes; sums S of the squared changes of the season; variances s of what the slopes leave.
    """
    values = context.values
    z = np.log(np.where(values > 0, values, np.nan))
    season = log_factors[context.season_places(len(log_factors), np.arange(-values.shape[1], 0))]
    y, x = np.diff(z, axis=1), np.diff(season, axis=1)
    known = np.isfinite(y)
    y, x, n = np.where(known, y, 0.0), np.where(known, x, 0.0), known.sum(axis=1)
    S = np.maximum((x * x).sum(axis=1), np.finfo(np.float64).tiny)
    slope = (x * y).sum(axis=1) / S
    rest = ((y - slope[:, None] * x) ** 2).sum(axis=1)
    degrees = np.maximum(n - 1, 0) + prior_changes
    return slope, S, (rest + prior_changes * prior_noise) / np.maximum(degrees, 1.0)
