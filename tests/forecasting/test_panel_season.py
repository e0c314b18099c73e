"""Short series get the season that long ones share, as strongly as their own changes say, and nothing of the future."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gatecast.forecasting.context import PanelContext
from gatecast.forecasting.panel_season import MAX_CYCLES, PanelSeason

M = 12
SHAPE = 0.3 * np.sin(2 * np.pi * np.arange(M) / M) + 0.2 * (np.arange(M) == 11)


def shops(rng, lengths, strengths=None, noise=0.02, ends=None):
    """Positive series with the season SHAPE by place; rows may end at different times."""
    n, T = len(lengths), max(lengths)
    ends = np.zeros(n, np.int64) if ends is None else np.asarray(ends)
    strengths = np.ones(n) if strengths is None else np.asarray(strengths)
    steps = ends[:, None] + np.arange(-T + 1, 1)
    level = 4 + np.cumsum(rng.normal(0, 0.01, (n, T)), axis=1) + rng.normal(size=(n, 1))
    z = level + strengths[:, None] * SHAPE[steps % M] + rng.normal(0, noise, (n, T))
    y = np.where(np.arange(T) >= T - np.asarray(lengths)[:, None], np.exp(z), np.nan)
    return replace(PanelContext.from_values(y), last_step=ends)


def centered(factors):
    return np.log(factors) - np.log(factors).mean()


def test_the_factors_are_those_of_the_series_by_place_whenever_they_end(rng):
    context = shops(rng, [72] * 12, ends=rng.integers(0, 50, 12))
    season = PanelSeason.fit(context, M)
    np.testing.assert_allclose(centered(season.factors), SHAPE - SHAPE.mean(), atol=0.03)
    assert season.factors.mean() == pytest.approx(1)


def test_a_short_series_follows_and_a_long_one_is_left_alone(rng):
    context = shops(rng, [72] * 12 + [7, MAX_CYCLES * M - 1, MAX_CYCLES * M])
    season = PanelSeason.fit(context, M)
    assert season.strengths(context).round(1).tolist() == [0.0] * 12 + [1.0, 1.0, 0.0]
    clean = season.remove(context).values
    np.testing.assert_array_equal(clean[:12], context.values[:12])
    assert np.nanstd(np.diff(np.log(clean[12]))) < 0.5 * np.nanstd(np.diff(np.log(context.values[12])))


def test_the_strength_is_that_of_the_own_changes_where_they_are_many(rng):
    strengths = [*rng.uniform(0.3, 1.7, 30), 0.0, 2.0]
    context = shops(rng, [72] * 30 + [30, 30], strengths)
    season = PanelSeason.fit(context, M)
    ratio = season.strengths(context)[-2:] * np.ptp(np.log(season.factors)) / np.ptp(SHAPE)
    np.testing.assert_allclose(ratio, [0.0, 2.0], atol=0.15)
    few = context.take([30, 31]).keep_last(2)
    assert np.ptp(season.strengths(few)) < np.ptp(season.strengths(context)[-2:])


def test_removing_and_restoring_is_nothing(rng):
    context = shops(rng, [72] * 8 + [5, 20])
    season = PanelSeason.fit(context, M)
    clean = season.remove(context).values
    np.testing.assert_allclose(season.restore_insample(context, clean), context.values, rtol=1e-12)
    past = context.drop_last(6)
    ahead = season.restore(past, np.ones((10, 6, 3)))
    assert ahead[:8].tolist() == np.ones((8, 6, 3)).tolist()
    places = (np.arange(-5, 1)) % M
    expected = season.factors[places] ** season.strengths(past)[9]
    np.testing.assert_allclose(ahead[9, :, 1], expected, rtol=1e-12)


def test_later_values_do_not_matter(rng):
    context = shops(rng, [72] * 8 + [20])
    changed = context.with_values(np.where(np.arange(72) >= 66, 3 * context.values, context.values))
    before, after = (PanelSeason.fit(c.drop_last(6), M) for c in (context, changed))
    for a, b in zip(before, after, strict=True):
        np.testing.assert_array_equal(a, b)
    for c in (context, changed):
        np.testing.assert_array_equal(before.strengths(c.drop_last(6)), before.strengths(context.drop_last(6)))


@pytest.mark.parametrize(
    "values",
    [
        np.full((6, 60), 5.0),
        np.full((6, 60), np.nan),
        np.zeros((6, 60)),
        -np.ones((6, 60)),
        np.ones((3, 60)),
        np.ones((6, 20)),
        np.empty((0, 60)),
    ],
    ids=["constant", "empty", "zero", "negative", "few", "short", "none"],
)
def test_without_a_season_in_common_nothing_changes(values):
    context = PanelContext.from_values(values)
    season = PanelSeason.fit(context, M)
    assert season.season_length == 1
    assert season.remove(context) is context
    np.testing.assert_array_equal(season.restore(context, np.ones((len(values), 3, 1))), 1)


def test_walks_share_no_season():
    found = [
        PanelSeason.fit(PanelContext.from_values(np.exp(0.1 * np.cumsum(rng.normal(size=(30, 60)), axis=1))), M)
        for rng in map(np.random.default_rng, range(40))
    ]
    assert np.mean([season.season_length > 1 for season in found]) <= 0.05


def test_series_of_opposite_seasons_share_none(rng):
    context = shops(rng, [72] * 20, np.tile([3.0, -2.6], 10))
    assert PanelSeason.fit(context, M).season_length == 1


def test_series_with_negative_values_or_zeros_are_left_alone(rng):
    context = shops(rng, [72] * 8 + [20, 20])
    values = context.values.copy()
    values[8, -3], values[9, -4:] = -1.0, 0.0
    mixed = context.with_values(values)
    assert PanelSeason.fit(mixed, M).strengths(mixed)[8:].tolist() == [0.0, 0.0]


def test_where_models_know_no_season_long_series_need_it_too(rng):
    context = shops(rng, [72] * 8)
    season = PanelSeason.fit(context, M, for_all=True)
    np.testing.assert_allclose(season.strengths(context), 1.0, atol=0.2)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6), st.floats(1e-6, 1e6), st.integers(0, 60))
def test_the_unit_and_the_first_month_do_not_matter(seed, unit, later):
    context = shops(np.random.default_rng(seed), [60] * 6 + [9])
    season = PanelSeason.fit(context, M)
    scaled = PanelSeason.fit(context.with_values(unit * context.values), M)
    np.testing.assert_allclose(scaled.factors, season.factors, rtol=1e-9)
    np.testing.assert_allclose(scaled.strength, season.strength, rtol=1e-6)
    shifted = replace(context, last_step=context.last_step + later)
    turned = PanelSeason.fit(shifted, M)
    np.testing.assert_allclose(np.roll(season.factors, later), turned.factors, rtol=1e-9)
    np.testing.assert_allclose(
        turned.restore(shifted, np.ones((7, 5, 1))), season.restore(context, np.ones((7, 5, 1))), rtol=1e-9
    )
