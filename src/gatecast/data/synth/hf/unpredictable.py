"""Series that nobody can forecast: the right answer is flat and wide."""

from __future__ import annotations

import numpy as np

from gatecast._utils.typing import FloatArray, IntArray
from gatecast.data.synth.hf.gaussian_processes import sample_spectra
from gatecast.data.synth.hf.levels import any_scale, standardise
from gatecast.data.synth.noise import chance, log_uniform, shocks
from gatecast.data.synth.shapes import to_positive

__all__ = ["fractional_noises", "garch_returns", "random_walks"]


def random_walks(
    rng: np.random.Generator, count: int, length: int, season: IntArray, long_season: IntArray
) -> FloatArray:
    """Make random walks, without a season: ``y[t] = y[t-1] + e[t]``, relative to a level or in the logarithm.

    Source: Pearson 1905, The problem of the random walk.
    """
    del season, long_season
    walk = np.cumsum(shocks(rng, length, count, correlated=0.0), axis=0)
    return to_positive(rng, walk * log_uniform(rng, 0.001, 0.03, count))


def garch_returns(
    rng: np.random.Generator, count: int, length: int, season: IntArray, long_season: IntArray
) -> FloatArray:
    """Make GARCH(1, 1) returns, or prices of them.

    ``r[t] = sqrt(v[t]) e[t]``, ``v[t] = w + a r[t-1]^2 + b v[t-1]``, a U(0.02, 0.2), a + b U(0.8, 0.995); half are
    prices, ``exp(sum r)``.

    Source: Bollerslev 1986, Generalized autoregressive conditional heteroskedasticity.
    """
    del season, long_season
    a = rng.uniform(0.02, 0.2, count)
    b = rng.uniform(0.8, 0.995, count) - a
    variance = np.ones(count)
    r = rng.standard_normal((length, count))
    for t in range(length):
        r[t] *= np.sqrt(variance)
        variance = np.minimum(1 - a - b + a * r[t] ** 2 + b * variance, 1e4)
    prices = to_positive(rng, np.cumsum(r, axis=0) * log_uniform(rng, 0.002, 0.02, count))
    return np.where(chance(rng, 0.5, (count, 1)), prices, any_scale(rng, r))


def fractional_noises(
    rng: np.random.Generator, count: int, length: int, season: IntArray, long_season: IntArray
) -> FloatArray:
    """Make fractional Gaussian noise with a Hurst exponent of U(0.1, 0.95), and sums of it for a third.

    Spectral density ``f^(1 - 2 H)``.

    Source: Mandelbrot & Van Ness 1968, Fractional Brownian motions, fractional noises and applications.
    """
    del season, long_season
    n = 1 << int(np.ceil(np.log2(2 * length + 4)))
    f = np.fft.rfftfreq(n)
    f[0] = f[1]
    noise = sample_spectra(rng, f ** (1 - 2 * rng.uniform(0.1, 0.95, (count, 1))), length)
    walk = chance(rng, 1 / 3, count)
    return any_scale(rng, standardise(np.where(walk, np.cumsum(noise, axis=0), noise)))
