"""Series of the low-frequency network: their mix, and how windows of them become a batch."""

from __future__ import annotations

import numpy as np

from gatecast.data.synth import SynthBatch, draw
from gatecast.data.synth.augment import augment
from gatecast.forecasting.pretrained.lf.batches import make_batch
from gatecast.forecasting.pretrained.lf.features import BLOCK
from pretraining.bank import Pool, Sample, choose_long, hidden_runs

SHARES = {
    "exponential smoothing": 0.16,
    "local and global trend": 0.20,
    "arma": 0.14,
    "components": 0.16,
    "gaussian processes": 0.05,
    "diffusions": 0.04,
    "counts": 0.14,
    "events": 0.06,
    "cycles": 0.03,
    "cointegrated": 0.02,
}
"""Shares of the groups and families: trends that break teach most of what carries over to yearly series, stationary
and deterministic series what carries over to those of sciences."""

SHORT, LONG = (20, 60), (60, 160)
"""Origins of a batch: half of the batches have few."""

LENGTH = LONG[1] + 2 * BLOCK
"""Values of a made series."""

MAX_HIDDEN = 48
"""Longest run of values that the network must do without."""


def make_series(count: int, seed: int) -> SynthBatch:
    """Make series in a form that is not seen again."""
    return augment("lf", draw("lf", count, LENGTH, seed, shares=SHARES), seed + 1, horizon=BLOCK)


def draw_sample(rng: np.random.Generator, pool: Pool, n: int) -> Sample:
    """Draw a batch of windows of the same length."""
    bounds = SHORT if rng.random() < 0.5 else LONG
    n_origins = 4 * int(rng.integers(bounds[0] // 4, bounds[1] // 4 + 1))
    T = pool.values.shape[1]
    chosen = choose_long(rng, T - pool.first, np.full(len(pool.first), n_origins), n)
    first = pool.first[chosen]
    spare = np.maximum(T - first - n_origins - BLOCK, 0)
    columns = (first + rng.integers(0, spare + 1))[:, None] + np.arange(n_origins + BLOCK)
    rows = pool.values[chosen[:, None], np.minimum(columns, T - 1)]
    rows = np.where(columns < T, rows, np.float32(np.nan))
    hidden = hidden_runs(rng, n, n_origins, MAX_HIDDEN)
    return Sample(make_batch(rows, pool.season[chosen], n_origins, hidden), pool.family[chosen])
