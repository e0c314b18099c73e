"""Seasons, slopes and levels that the families share."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from gatecast.data.synth.lf.levels import grow, scaled_levels
from gatecast.data.synth.shapes import random_profiles, tile, to_positive


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(1, 60), min_size=1, max_size=20), st.integers(0, 99))
def test_random_profiles_have_mean_0_and_unit_size(seasons, seed):
    season = np.array(seasons)
    profile = random_profiles(np.random.default_rng(seed), season)
    for column, m in zip(profile.T, season, strict=True):
        assert abs(column[:m].sum()) < 1e-6
        assert (column[m:] == 0).all()
        assert m == 1 or np.isclose(column[:m].std(), 1) or (column == 0).all()


def test_tile_repeats_each_column_at_its_season(rng):
    y = tile(rng.standard_normal((5, 2)), np.array([2, 5]), 20)
    assert (y[2:, 0] == y[:-2, 0]).all()
    assert (y[5:, 1] == y[:-5, 1]).all()


@settings(max_examples=25, deadline=None)
@given(st.floats(0, 1e6), st.integers(0, 99))
def test_to_positive_is_positive_and_finite_in_float32(size, seed):
    rng = np.random.default_rng(seed)
    y = to_positive(rng, size * rng.standard_normal((50, 8))).astype(np.float32)
    assert np.isfinite(y).all()
    assert (y > 0).all()


def test_grow_moves_yearly_series_more_than_monthly_ones(rng):
    z = 0.05 * np.cumsum(rng.standard_normal((30, 400)), axis=0)
    up = [(np.diff(np.log(grow(rng, z, np.full(400, m)))).mean(axis=1) > 0).mean() for m in (1, 12)]
    assert up[0] > 0.75
    assert 0.4 < up[1] < 0.65


def test_scaled_levels_do_not_depend_on_the_scale(rng):
    x = rng.standard_normal((40, 30))
    one, two = (scaled_levels(np.random.default_rng(1), scale * x, np.full(30, 4)) for scale in (1, 1024))
    assert np.allclose(one, two)
