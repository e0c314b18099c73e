"""Series of the high-frequency network: their mix, and how windows of them become a batch."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from gatecast.data.synth import SynthBatch, draw
from gatecast.data.synth.augment import augment
from gatecast.forecasting.pretrained.hf.batches import Windows, make_batch
from gatecast.forecasting.pretrained.hf.clock import MAX_STEPS, TOKENS, average_steps, token_length
from pretraining.bank import Pool, Sample, choose_long, hidden_runs

SHARES = {
    "profiles": 0.45,
    "gaussian processes": 0.08,
    "arma": 0.08,
    "diffusions": 0.08,
    "waves": 0.05,
    "counts": 0.08,
    "machines": 0.05,
    "spikes": 0.03,
    "unpredictable": 0.08,
    "chaos": 0.02,
}
"""Shares of the groups: days that differ by the day of the week are most of what real series of hours show."""

LENGTH = 3072
"""Values of a made series: 128 tokens of eight, and four longer cycles of 448 before them."""

SHORTEST = 1024
"""Values that a shorter history keeps."""

SHORT, LONG = (24, 56), (56, 128)
"""Tokens of a batch: half of the batches have few."""

MAX_HIDDEN = 40
"""Longest run of tokens that the network must do without: five cycles."""

DAYS_PER_WEEK = 7

P_FALSE_WEEK, P_NO_WEEK = 0.5, 0.1
"""Probability that a series without a longer season is given one, and that one with is given none."""

N_PAIRS = 5
"""Pairs of seasons in a batch, at most: each is computed by itself."""

P_WHOLE_HISTORY = 0.6
"""Probability that the copies may reach back to the beginning of a series, not to a random step."""


def make_series(count: int, seed: int) -> SynthBatch:
    """Make series in a form that is not seen again, on the clock of the network."""
    made = augment("hf", draw("hf", count, LENGTH, seed, shares=SHARES), seed + 1, horizon=SHORTEST)
    values, season, long = made.values, made.season.copy(), made.long_season.copy()
    for m in np.unique(season[season > MAX_STEPS]).tolist():
        rows, r = np.flatnonzero(season == m), m / MAX_STEPS
        coarse = average_steps(values[rows].astype(np.float64), r, LENGTH)
        values[rows] = np.nan
        values[rows, LENGTH - coarse.shape[1] :] = coarse
        season[rows], long[rows] = MAX_STEPS, np.rint(long[rows] / r)
    chance = np.random.default_rng(seed + 2).random(count)
    false = np.where(chance < P_FALSE_WEEK, DAYS_PER_WEEK * season, 0)
    long = np.where(long == 0, false, np.where(chance < P_NO_WEEK, 0, long))
    return replace(made, values=values, season=season, long_season=long)


def draw_sample(rng: np.random.Generator, pool: Pool, n: int) -> Sample:
    """Draw a batch of windows of as many tokens."""
    bounds = SHORT if rng.random() < 0.5 else LONG
    n_tokens = TOKENS * int(rng.integers(bounds[0] // TOKENS, bounds[1] // TOKENS + 1))
    T = pool.values.shape[1]
    p = np.array([token_length(m) for m in range(MAX_STEPS + 1)])[pool.season]
    pair = pool.season * LENGTH + pool.long_season
    in_batch = np.isin(pair, pair[rng.integers(0, len(pair), N_PAIRS)])
    length = np.where(in_batch, T - pool.first, -T)
    chosen = choose_long(rng, length, (n_tokens + TOKENS) * p, n)
    first = pool.first[chosen]
    spare = np.maximum(T - first - (n_tokens + TOKENS) * p[chosen], 0)
    start = first + rng.integers(0, spare + 1)
    since = np.where(rng.random(n) < P_WHOLE_HISTORY, first, first + rng.integers(0, start - first + 1))
    windows = Windows(pool.values[chosen], pool.season[chosen], pool.long_season[chosen], start, since)
    hidden = hidden_runs(rng, n, n_tokens, MAX_HIDDEN)
    return Sample(make_batch(windows, n_tokens, hidden), pool.family[chosen])
