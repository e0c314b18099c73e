"""Stationary Gaussian processes, drawn from their spectral density."""

from __future__ import annotations

import numpy as np

from gatecast._utils.typing import FloatArray, IntArray
from gatecast.data.synth.hf.levels import any_scale, standardise
from gatecast.data.synth.noise import chance, log_uniform

__all__ = ["sample_spectra", "spectral_synthesis"]

HARMONICS = 5


def spectral_synthesis(
    rng: np.random.Generator, count: int, length: int, season: IntArray, long_season: IntArray
) -> FloatArray:
    """Make Gaussian processes with quasi-periodic, smooth and white parts.

    ``z ~ GP`` of the spectral density ``sum_j a_j L(f - j / m) + sum_j b_j L(f - j / m2) + smooth(f) + white``: L are
    narrow Gaussian lines at the harmonics of the seasons, smooth is squared exponential or Matern 1/2.

    Source: Rasmussen & Williams 2006, Gaussian Processes for Machine Learning; Wilson & Adams 2013 (spectral mixtures).
    """
    f = np.asarray(np.fft.rfftfreq(_size(length)), dtype=np.float64)
    density = _lines(rng, f, season, length) * chance(rng, 0.9, count)[:, None]
    weekly = np.flatnonzero(long_season)
    density[weekly] += rng.uniform(0, 1, (len(weekly), 1)) * _lines(rng, f, long_season[weekly], length)
    scale = log_uniform(rng, 2, length / 2 + 3, (count, 1))
    rough = chance(rng, 0.5, (count, 1))
    angle = 2 * np.pi * f * scale
    smooth = np.where(rough, 1 / (1 + angle**2), np.exp(-0.5 * np.minimum(angle, 20) ** 2))
    density += log_uniform(rng, 0.05, 2, (count, 1)) * smooth / smooth.sum(axis=1, keepdims=True)
    density += log_uniform(rng, 1e-3, 0.5, (count, 1)) / len(f)
    return any_scale(rng, standardise(sample_spectra(rng, density, length)))


def _size(length: int) -> int:
    """A power of two that is a quarter longer, so that the end does not meet the start."""
    return 1 << int(np.ceil(np.log2(1.25 * length + 4)))


def _lines(rng: np.random.Generator, f: FloatArray, period: IntArray, length: int) -> FloatArray:
    """Lines at the harmonics of the periods, of total power 1: (count, frequencies)."""
    count = len(period)
    width = log_uniform(rng, 0.1, 2, (count, 1)) / length
    decay = rng.uniform(0.5, 2.5, count)
    density = np.zeros((count, len(f)))
    for j in range(1, HARMONICS + 1):
        power = rng.standard_gamma(1.0, count) / j**decay * (2 * j <= period)
        density += power[:, None] * np.exp(-0.5 * np.minimum(np.abs(f - (j / period)[:, None]) / width, 9) ** 2)
    total = density.sum(axis=1, keepdims=True)
    return density / np.where(total > 1e-12, total, np.inf)


def sample_spectra(rng: np.random.Generator, density: FloatArray, length: int) -> FloatArray:
    """Draw Gaussian processes with spectral densities (count, frequencies): (length, count).

    >>> x = sample_spectra(np.random.default_rng(0), np.ones((2, 513)), 1000)
    >>> bool(abs(np.corrcoef(x[1:, 0], x[:-1, 0])[0, 1]) < 0.1)
    True
    """
    n = density.shape[1]
    amplitude = np.sqrt(density)
    numbers = rng.standard_normal((*density.shape, 2)).view(np.complex128)[..., 0]
    return np.asarray(np.fft.irfft(amplitude * numbers, 2 * (n - 1), axis=1)[:, :length].T * np.sqrt(n))
