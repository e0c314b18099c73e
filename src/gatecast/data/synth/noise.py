"""Random numbers and shocks that the families share. Arrays over time are (length, count): time first."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np

from gatecast._utils.typing import BoolArray, FloatArray

__all__ = ["Shape", "autoregress", "chance", "hold", "log_uniform", "shocks", "student_t"]

NEGLIGIBLE = 1e-12
"""Powers of an autoregressive coefficient below this are left out."""

Shape: TypeAlias = int | tuple[int, ...]


def log_uniform(rng: np.random.Generator, low: float | FloatArray, high: float | FloatArray, size: Shape) -> FloatArray:
    """Draw numbers whose logarithm is uniform.

    >>> x = log_uniform(np.random.default_rng(0), 0.01, 1.0, 10_000)
    >>> bool(abs(np.median(x) - 0.1) < 0.01)
    True
    """
    return np.exp(rng.uniform(np.log(low), np.log(high), size))


def chance(rng: np.random.Generator, probability: float | FloatArray, size: Shape) -> BoolArray:
    """Draw True with a probability.

    >>> chance(np.random.default_rng(0), 1.0, 2).tolist()
    [True, True]
    """
    return np.asarray(rng.random(size) < probability)


def student_t(rng: np.random.Generator, df: FloatArray, length: int) -> FloatArray:
    """Draw Student t numbers with the quartiles of a standard normal, at most 12 in size; (length, count).

    Quartiles, because two degrees of freedom have no variance to divide by.

    >>> x = student_t(np.random.default_rng(0), np.array([2.0]), 20_000)
    >>> bool(abs(np.median(np.abs(x)) - 0.6745) < 0.02)
    True
    """
    # The upper quartile of Student t, from two degrees on, relative to that of a normal.
    scale = 1 + 0.365 / df + 0.113 / df**2
    return np.clip(rng.standard_t(df, (length, len(df))) / scale, -12, 12)


def autoregress(x: FloatArray, phi: FloatArray) -> FloatArray:
    """Apply `y[t] = phi y[t-1] + x[t]` in place, along time, for |phi| <= 1.

    ``1 / (1 - phi B) = (1 + phi B) (1 + phi^2 B^2) (1 + phi^4 B^4) ...``: a pass over all steps for each factor.

    >>> autoregress(np.ones((3, 1)), np.array([0.5])).ravel().tolist()
    [1.0, 1.5, 1.75]
    """
    lag = 1
    while lag < len(x) and np.abs(phi).max(initial=0) > NEGLIGIBLE:
        x[lag:] += phi * x[:-lag]
        lag, phi = 2 * lag, phi * phi
    return x


def hold(changes: BoolArray, values: FloatArray) -> FloatArray:
    """Keep a value until the next change, along time: (length, count) each.

    >>> hold(np.array([[True], [False], [True]]), np.array([[1.0], [2.0], [3.0]])).ravel().tolist()
    [1.0, 1.0, 3.0]
    """
    steps = np.arange(len(changes))[:, None]
    last = np.maximum.accumulate(np.where(changes, steps, 0), axis=0)
    return np.take_along_axis(values, last, axis=0)


def shocks(rng: np.random.Generator, length: int, count: int, *, correlated: float = 0.4) -> FloatArray:
    """Draw shocks of unit size: normal or Student t(4), some autocorrelated, some of changing volatility.

    `e[t] = phi e[t-1] + sqrt(1 - phi^2) v[t] n[t]`; n is t(4) for 30 % of the series, phi is U(-0.5, 0.8) for a share,
    and v = exp(0.5 N), drawn anew with hazard logU(0.005, 0.1), for 30 %.

    >>> e = shocks(np.random.default_rng(0), 400, 500)
    >>> bool(abs(np.median(e.std(axis=0)) - 1) < 0.1)
    True
    """
    e = rng.standard_normal((length, count))
    heavy = np.flatnonzero(chance(rng, 0.3, count))
    e[:, heavy] = student_t(rng, np.full(len(heavy), 4.0), length)
    restless = np.flatnonzero(chance(rng, 0.3, count))
    if len(restless):
        changes = chance(rng, log_uniform(rng, 0.005, 0.1, len(restless)), (length, len(restless)))
        e[:, restless] *= np.exp(0.5 * hold(changes, rng.standard_normal(changes.shape)))
    related = np.flatnonzero(chance(rng, correlated, count))
    if len(related):
        phi = rng.uniform(-0.5, 0.8, len(related))
        e[1:, related] *= np.sqrt(1 - phi**2)
        e[:, related] = autoregress(np.ascontiguousarray(e[:, related]), phi)
    return e
