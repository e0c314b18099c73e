"""Augmentations keep what they must and change what they say."""

from __future__ import annotations

import numpy as np
import pytest

from gatecast.data.synth import SynthBatch, augment, draw
from gatecast.data.synth.augment import add_spikes, censor, convolve, mix, modulate, round_digits, shift_level, warp
from gatecast.data.synth.masking import aggregate, shorten
from gatecast.errors import ConfigError


def rows(kind="lf", count=300, length=100):
    """Series of a kind."""
    return draw(kind, count, length, 8)


@pytest.mark.parametrize("kind", ["lf", "hf"])
def test_augment_same_seed_gives_same_bits(kind):
    batch = rows(kind)
    before = batch.values.copy()
    one, two, other = (augment(kind, batch, seed) for seed in ((1, 2), (1, 2), 3))
    assert one.values.tobytes() == two.values.tobytes()
    assert one.values.tobytes() != other.values.tobytes()
    assert (batch.values == before).all()


def test_augment_low_frequency_stays_without_negative_values():
    batch = rows()
    values = augment("lf", batch, 1).values
    assert np.nanmin(values) >= 0
    assert not np.isinf(values).any()


def test_augment_high_frequency_turns_signs_of_a_third():
    batch = SynthBatch(np.full((2000, 30), 5, np.float32), np.full(2000, 7), np.zeros(2000, int), np.zeros(2000, int))
    values = augment("hf", batch, 1).values
    assert abs((np.nanmean(values, axis=1) < 0).mean() - 0.27) < 0.06


def test_augment_counts_stay_whole():
    batch = draw("lf", 300, 80, 2, season=5, shares={"counts": 1})
    values = augment("lf", batch, 3).values
    finite = np.where(np.isfinite(values), values, 0)
    # A quarter is mixed with others, and means of several steps are not whole.
    assert (finite == np.rint(finite)).all(axis=1).mean() > 0.6


@pytest.mark.slow
def test_augment_half_of_the_histories_are_short():
    values = augment("lf", rows(count=2000, length=208), 1, horizon=48).values
    finite = np.isfinite(values)
    assert (finite[:, :160].sum(axis=1) >= 4).all()
    history = 160 - finite.argmax(axis=1)
    # Half by choice, and those of the others that are aggregated.
    assert 0.5 < (history < 60).mean() < 0.7


def test_augment_negative_seed_is_refused():
    with pytest.raises(ConfigError, match="Invalid seed"):
        augment("lf", rows(count=2), -1)


def test_mix_takes_partners_of_the_same_season(rng):
    season = np.array([1, 4] * 50)
    values = np.where(season[:, None] == 1, 1.0, 5.0) * np.ones((100, 3))
    values[:, 0] *= season
    mixed = mix(rng, values.astype(np.float32), season, np.arange(100), positive=True)
    # Mixed within a season, all rows of a season are equal.
    assert np.ptp(mixed[season == 1], axis=0).max() < 1e-6
    assert np.ptp(mixed[season == 4], axis=0).max() < 1e-6
    assert abs(mixed[0] - mixed[1]).max() > 0.1


@pytest.mark.parametrize("change", [modulate, shift_level, add_spikes, censor, convolve, warp])
def test_augmentations_scale_with_the_series(change):
    values = rows(count=80).values
    one, two = (change(np.random.default_rng(1), scale * values) for scale in (np.float32(1), np.float32(4)))
    assert np.allclose(4 * one, two, rtol=1e-4)
    assert one.shape == values.shape
    assert np.isfinite(one).all()


def test_censor_gives_ties_at_the_limit(rng):
    values = censor(rng, rng.standard_normal((200, 100)).astype(np.float32))
    top = (values == values.max(axis=1, keepdims=True)).sum(axis=1)
    bottom = (values == values.min(axis=1, keepdims=True)).sum(axis=1)
    assert (np.maximum(top, bottom) >= 2).all()
    assert abs((bottom > top).mean() - 1 / 3) < 0.1


def test_round_digits_leaves_at_most_three(rng):
    values = round_digits(rng, np.array([[98765.4321, 0.0]], np.float32))
    assert values[0, 0] in (98800.0, 99000.0)


def test_round_digits_ignores_missing_values(rng):
    assert np.isnan(round_digits(rng, np.array([[np.nan, 3.0]], np.float32))).tolist() == [[True, False]]


@pytest.mark.parametrize(("m", "steps"), [(12, {1, 3, 4, 6}), (7, {7}), (1, {1})])
def test_aggregate_divides_the_season(rng, m, steps):
    values, seasons = np.ones((500, 48), np.float32), np.tile([m, 0], (500, 1))
    aggregate(rng, values, seasons, np.ones(500, bool), 0)
    assert set(seasons[:, 0].tolist()) == steps
    assert (seasons[:, 1] == 0).all()
    kept = np.isfinite(values).sum(axis=1)
    assert set(kept.tolist()) <= {4, 12, 16, 24, 48}
    assert set(np.unique(values[np.isfinite(values)]).tolist()) <= {1.0, 2.0, 3.0, 4.0, 12.0}


def test_aggregate_sums_the_newest_steps():
    values = np.arange(7, dtype=np.float32)[None].repeat(200, axis=0)
    seasons = np.tile([2, 0], (200, 1))
    aggregate(np.random.default_rng(0), values, seasons, np.ones(200, bool), 0)
    halves = values[seasons[:, 0] == 1]
    assert {tuple(row[-3:]) for row in halves if np.isfinite(row).sum() == 3} == {(3, 7, 11), (1.5, 3.5, 5.5)}


def test_aggregate_few_values_end_within_the_horizon(rng):
    values, seasons = np.ones((500, 48), np.float32), np.tile([1, 0], (500, 1))
    aggregate(rng, values, seasons, np.ones(500, bool), 12)
    finite = np.isfinite(values)
    shortest = finite[finite.sum(axis=1) == 4]
    assert (finite[:, 36:].any(axis=1)).all()
    # Three of four values are history: the horizon starts at column 36.
    assert {tuple(np.flatnonzero(row)) for row in shortest} == {(33, 34, 35, 36)}


def test_shorten_keeps_the_newest_values(rng):
    values = np.ones((400, 50), np.float32)
    shorten(rng, values, np.full(400, 5), 10, short=False)
    assert np.isfinite(values[:, -15:]).all()
    assert np.isfinite(values).sum(axis=1).min() < 20
