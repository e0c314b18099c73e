"""Counts at high frequency: around a profile, in bursts, none at night."""

from __future__ import annotations

import numpy as np

from gatecast._utils.typing import FloatArray, IntArray
from gatecast.data.synth.hf.levels import daily_levels
from gatecast.data.synth.hf.profiles import kinds_of_day, plateaus, seasonal_signal
from gatecast.data.synth.noise import chance, log_uniform

__all__ = ["bursts", "profile_counts"]


def profile_counts(
    rng: np.random.Generator, count: int, length: int, season: IntArray, long_season: IntArray
) -> FloatArray:
    """Make Poisson and negative binomial counts around a daily profile; none at night for a third.

    ``y[t] ~ Poisson(g[t] exp(level[day] + a s_kind[phase] + U(-1, 5)))``, g 1 or gamma of mean 1.

    Source: Weinberg, Brown & Stroud 2007, Bayesian forecasting of an inhomogeneous Poisson process (calls).
    """
    rate = _rates(rng, length, season, long_season)
    mixed = np.flatnonzero(chance(rng, 0.5, count))
    shape = log_uniform(rng, 0.5, 30, len(mixed))
    rate[:, mixed] *= rng.standard_gamma(shape, (length, len(mixed))) / shape
    return np.ascontiguousarray(rng.poisson(rate).T, dtype=np.float64)


def _rates(rng: np.random.Generator, length: int, season: IntArray, long_season: IntArray) -> FloatArray:
    """Positive rates with a daily profile: (length, count)."""
    count = len(season)
    signal = rng.uniform(0.2, 1.5, count) * seasonal_signal(rng, length, season, long_season)
    rate = np.exp(np.clip(daily_levels(rng, length, season) + signal + rng.uniform(-1, 5, count), -6, 8))
    night = np.flatnonzero(chance(rng, 1 / 3, count) & (season > 3))
    if len(night):
        open_ = plateaus(rng, season[night]) > 0.5
        rate[:, night] *= open_[np.arange(length)[:, None] % season[night], np.arange(len(night))]
    closed = chance(rng, 0.2, count) & (kinds_of_day(rng, length, season, long_season) > 0)
    return np.asarray(np.where(closed, 0, rate))


def bursts(rng: np.random.Generator, count: int, length: int, season: IntArray, long_season: IntArray) -> FloatArray:
    """Make counts that raise their own rate: a Hawkes process in steps of the clock.

    ``y[t] ~ Poisson(r[phase] + h[t])``, ``h[t] = d h[t-1] + n (1 - d) y[t-1]``, branching n U(0.3, 0.9), memory d
    U(0.2, 0.95).

    Source: Hawkes 1971, Spectra of some self-exciting and mutually exciting point processes.
    """
    rate = np.minimum(_rates(rng, length, season, long_season), 60) * 0.2
    branching, memory = rng.uniform(0.3, 0.9, count), rng.uniform(0.2, 0.95, count)
    excited = np.zeros(count)
    for t in range(length):
        rate[t] = rng.poisson(np.minimum(rate[t] + excited, 1e5))
        excited = memory * excited + branching * (1 - memory) * rate[t]
    return np.ascontiguousarray(rate.T)
