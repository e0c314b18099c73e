"""Series of many kinds, of which graphs of ONNX are to forecast what `predict` does."""

from __future__ import annotations

import numpy as np

N_SERIES, T = 20, 150


def panel(m, seed=5):
    """Return series of many kinds: short, with gaps, negative, constant, empty, with a season of m steps."""
    rng = np.random.default_rng(seed)
    values = 100 + np.cumsum(rng.normal(0.2, 1, (N_SERIES, T)), axis=1)
    values *= np.exp(0.3 * np.sin(np.arange(T) * 2 * np.pi / max(m, 2)))
    values[3:6] -= values[3:6].mean(axis=1, keepdims=True)
    for row in values[8:]:
        row[: rng.integers(0, T - 3)] = np.nan
    values[rng.random(values.shape) < 0.05] = np.nan
    values[5], values[6] = np.nan, 7.0
    values[7, 40] = 0.0  # one value that has no logarithm
    return values
