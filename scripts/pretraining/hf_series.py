"""Series of the high-frequency network: their mix, and how windows of them become a batch."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from gatecast._utils.typing import BoolArray, Float32Array
from gatecast.data.synth import FAMILIES, SynthBatch, draw
from gatecast.data.synth.augment import augment
from gatecast.data.synth.noise import log_uniform
from gatecast.forecasting.pretrained.hf.batches import Windows, make_batch
from gatecast.forecasting.pretrained.hf.clock import MAX_STEPS, TOKENS, average_steps, token_length
from pretraining import lf_series
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

NAMES = (*FAMILIES["hf"], "days of low frequency")
"""Families in the order of their numbers."""

LENGTH = 3072
"""Values of a made series: 128 tokens of eight, and four longer cycles of 448 before them."""

SHORTEST = 1024
"""Values that a shorter history keeps."""

SHORT, LONG = (24, 56), (56, 128)
"""Tokens of a batch: half of the batches have few."""

MAX_HIDDEN = 40
"""Longest run of tokens that the network must do without: five cycles."""

DAYS_PER_WEEK, WORKING_DAYS = 7, 5

P_WORKING_DAYS = 0.3
"""Probability that a daily series has weeks of five days."""

P_LOW_FREQUENCY = 0.5
"""Probability that a daily series is one of the families of low frequency: levels that drift and break, counts, shocks
that stay. Families of high frequency are smooth within a day, and so are days of them from one to the next."""

DAYS_LENGTH = 1536
"""Values of such a series; four years, of which a window takes 128 days."""

P_YEAR, DAYS_PER_YEAR = 0.25, 365
"""Probability that such a series of seven-day weeks has a year, which then is its longer season."""

YEAR_SIZES = (0.3, 6.0)
"""Sizes of the year, in mean changes from day to day."""

MAX_YEAR = 1.5
"""The largest size of the year, of the logarithm."""

P_FALSE_WEEK, P_NO_WEEK = 0.5, 0.1
"""Probability that a series without a longer season is given one, and that one with is given none."""

N_PAIRS = 5
"""Pairs of seasons in a batch, at most: each is computed by itself."""

P_WHOLE_HISTORY = 0.6
"""Probability that the copies may reach back to the beginning of a series, not to a random step."""


def make_series(count: int, seed: int) -> SynthBatch:
    """Make series in a form that is not seen again, on the clock of the network."""
    made = augment("hf", draw("hf", count, LENGTH, seed, shares=SHARES), seed + 1, horizon=SHORTEST)
    made = _with_days(made, np.random.default_rng(seed + 3))
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


def _with_days(made: SynthBatch, rng: np.random.Generator) -> SynthBatch:
    """Return the series with days of the families of low frequency instead of half of those with weeks."""
    days = np.flatnonzero(made.season == DAYS_PER_WEEK)
    chosen = days[rng.random(len(days)) < P_LOW_FREQUENCY]
    values, season, long = made.values.copy(), made.season.copy(), made.long_season.copy()
    family = made.family.copy()
    five = rng.random(len(chosen)) < P_WORKING_DAYS
    for m, rows in ((WORKING_DAYS, chosen[five]), (DAYS_PER_WEEK, chosen[~five])):
        if len(rows):
            seeds = rng.integers(0, 2**31, 2).tolist()
            drawn = draw("lf", len(rows), DAYS_LENGTH, seeds[0], season=m, shares=lf_series.SHARES)
            renewed = augment("lf", drawn, seeds[1], horizon=DAYS_LENGTH // 2)
            same = renewed.season == m
            rows = rows[same]
            values[rows] = np.nan
            has_year = (rng.random(len(rows)) < P_YEAR) & (m == DAYS_PER_WEEK)
            values[rows, LENGTH - DAYS_LENGTH :] = _with_year(renewed.values[same], has_year, rng)
            season[rows], long[rows], family[rows] = m, np.where(has_year, DAYS_PER_YEAR, 0), len(FAMILIES["hf"])
    return replace(made, values=values, season=season, long_season=long, family=family)


def _with_year(values: Float32Array, has_year: BoolArray, rng: np.random.Generator) -> Float32Array:
    """Return series, (n, T), some of them times a wave of a year and of half a year; counts stay whole numbers."""
    n, T = values.shape
    angle = 2 * np.pi * np.arange(T) / 365.25
    wave = sum(
        weight * np.sin(k * angle + rng.uniform(0, 2 * np.pi, (n, 1)))
        for k, weight in ((1, 1.0), (2, 0.4 * rng.random((n, 1))))
    )
    with np.errstate(divide="ignore", invalid="ignore"):
        change = np.abs(np.diff(np.log(np.where(values > 0, values, np.nan)), axis=1))
    known = np.isfinite(change)
    usual = np.where(known, change, 0.0).sum(axis=1) / np.maximum(known.sum(axis=1), 1)
    size = np.minimum(log_uniform(rng, *YEAR_SIZES, n) * usual, MAX_YEAR) * has_year
    out = values * np.exp(size[:, None] * wave)
    are_counts = (values == np.rint(values)) | ~np.isfinite(values)
    return np.where(are_counts.all(axis=1)[:, None], np.rint(out), out).astype(np.float32)


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
