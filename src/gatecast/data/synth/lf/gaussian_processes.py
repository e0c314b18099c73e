"""Gaussian processes whose kernels are put together at random."""

from __future__ import annotations

from functools import partial

import numpy as np

from gatecast._utils.typing import FloatArray, IntArray
from gatecast.data.synth.lf.levels import scaled_levels
from gatecast.data.synth.noise import log_uniform

__all__ = ["kernel_synthesis", "random_kernel", "sample_kernels"]

DRAWS = 32
"""Series that share a kernel, and so one Cholesky factor."""


def kernel_synthesis(rng: np.random.Generator, count: int, length: int, season: IntArray) -> FloatArray:
    """Make draws from Gaussian processes with one to five random kernels that + or x joins.

    ``z ~ N(0, K)``, K from periodic (m, m / 2, 2 m), squared exponential, rational quadratic, Matern 1/2 and 3/2,
    linear, white and constant kernels. Up to 32 series of a season share a kernel.

    Source: Ansari et al. 2024, Chronos: Learning the Language of Time Series (KernelSynth).
    """
    z = np.empty((length, count))
    for m in np.unique(season):
        columns = np.flatnonzero(season == m)
        for start in range(0, len(columns), DRAWS):
            part = columns[start : start + DRAWS]
            z[:, part] = sample_kernels(rng, random_kernel(rng, length, int(m)), len(part))
    return scaled_levels(rng, z, season)


def sample_kernels(rng: np.random.Generator, kernel: FloatArray, count: int) -> FloatArray:
    """Draw from a Gaussian process with a covariance, each of unit mean variance: (length, count).

    >>> sample_kernels(np.random.default_rng(0), np.eye(3), 2).shape
    (3, 2)
    """
    size = np.trace(kernel) / len(kernel)
    factor = np.linalg.cholesky(kernel / size + 1e-6 * np.eye(len(kernel)))
    return np.asarray(factor @ rng.standard_normal((len(kernel), count)))


def random_kernel(rng: np.random.Generator, length: int, m: int) -> FloatArray:
    """Put a covariance together from one to five kernels; (length, length).

    >>> k = random_kernel(np.random.default_rng(0), 5, 4)
    >>> bool(np.allclose(k, k.T))
    True
    """
    t = np.arange(length, dtype=np.float64)
    distance = np.abs(t[:, None] - t)
    kernel = _one_kernel(rng, t, distance, m)
    for _ in range(rng.integers(0, 5)):
        other = _one_kernel(rng, t, distance, m)
        kernel = kernel + other if rng.random() < 0.6 else kernel * other
    return kernel


def _one_kernel(rng: np.random.Generator, t: FloatArray, distance: FloatArray, m: int) -> FloatArray:
    """One kernel of a random kind and scale; a season makes periodic ones more frequent."""
    scale = float(log_uniform(rng, 2, max(3.0, 1.5 * len(t)), 1)[0])
    kind = rng.choice(8, p=_PERIODIC if m > 1 else _APERIODIC)
    makers = (
        partial(_periodic, float(rng.choice([1, 1, 1, 0.5, 2])) * m, float(rng.uniform(0.4, 2))),
        lambda d: np.exp(-0.5 * (d / scale) ** 2),
        lambda d: 1 / (1 + 0.5 * (d / scale) ** 2),
        lambda d: np.exp(-d / scale),
        lambda d: (1 + np.sqrt(3) * d / scale) * np.exp(-np.sqrt(3) * d / scale),
        lambda d: 0.3 + np.outer(t, t) / max(1, len(d) - 1) ** 2,
        lambda d: rng.uniform(0.02, 0.5) * np.eye(len(d)),
        lambda d: np.ones_like(d),
    )
    return np.asarray(makers[kind](distance))


def _periodic(period: float, width: float, distance: FloatArray) -> FloatArray:
    """The exponentiated squared sine."""
    return np.asarray(np.exp(-2 * np.sin(np.pi * distance / period) ** 2 / width**2))


_PERIODIC = [0.25, 0.11, 0.11, 0.22, 0.09, 0.08, 0.1, 0.04]
_APERIODIC = [0.0, 0.14, 0.14, 0.32, 0.14, 0.12, 0.1, 0.04]
