"""Adjusting and restoring are inverse, choose by the past alone, and keep positive series positive."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatecast.data import synth
from gatecast.data.adjust import Adjustment, adjust, fit_adjustment, restore

STATES = [
    Adjustment("log", ((0.1, -0.1),), 0.0, 1.0),
    Adjustment("sqrt", (), 0.0, 0.0),
    Adjustment("none", ((1.0, 2.0, -3.0), (0.5, -0.5)), -np.inf, -5.0),
]


@pytest.mark.parametrize("state", STATES, ids=lambda s: s.transform)
@given(start=st.integers(0, 30), seed=st.integers(0, 5))
def test_restore_is_the_inverse_of_adjust(state, start, seed):
    values = np.random.default_rng(seed).uniform(3, 9, 40)
    back = restore(state, adjust(state, values)[start:], start)
    np.testing.assert_allclose(back, values[start:], rtol=1e-12)


def test_growing_swings_are_put_on_a_logarithm_and_steady_ones_left_alone(rng):
    grows = synth.trend_season(rng, 144)
    assert fit_adjustment(grows, [12]).transform == "log"
    steady = 100 + 10 * np.sin(np.arange(144) * np.pi / 6) + rng.normal(size=144) + np.arange(144)
    assert fit_adjustment(steady, [12]).transform == "none"
    assert fit_adjustment(steady - 200, [12]).transform == "none"


def test_counts_with_zeros_are_never_put_on_a_logarithm(rng):
    counts = rng.poisson(2.0, 200).astype(float)
    state = fit_adjustment(counts)
    assert state.transform in ("sqrt", "none")
    assert state.floor == 0.0
    assert (restore(state, np.full((5, 2), -10.0), 200) >= 0).all()


def test_a_season_that_is_there_is_taken_off(rng):
    season = np.resize([0.0, 5.0, -5.0, 2.0, -2.0, 1.0, -1.0], 210)
    state = fit_adjustment(season + rng.normal(0, 0.5, 210), [7])
    assert [len(profile) for profile in state.profiles] == [7]
    left = adjust(state, season)
    assert np.std(left) < 0.1 * np.std(season)


def test_a_season_that_is_not_there_is_dropped(rng):
    assert fit_adjustment(rng.normal(size=300), [7, 30]).profiles == ()


def test_two_seasons_are_taken_off_one_after_the_other(rng):
    t = np.arange(365 * 4)
    values = 3 * np.sin(2 * np.pi * t / 7) + 8 * np.cos(2 * np.pi * t / 365) + rng.normal(0, 1, len(t))
    state = fit_adjustment(values, [365, 7])
    assert [len(profile) for profile in state.profiles] == [7, 365]
    assert np.std(adjust(state, values)) < 1.2


def test_a_long_noisy_season_is_smoothed(rng):
    t = np.arange(365 * 5)
    truth = 8 * np.cos(2 * np.pi * np.arange(365) / 365)
    state = fit_adjustment(truth[t % 365] + rng.normal(0, 3, len(t)), [365])
    plain = (truth[t % 365] + rng.normal(0, 3, len(t))).reshape(5, 365).mean(axis=0)
    assert np.std(np.array(state.profiles[0]) - truth) < 0.5 * np.std(plain - truth)


def test_missing_values_stay_missing_and_do_not_move_the_rest(rng):
    values = synth.trend_season(rng, 96)
    holes = values.copy()
    holes[[5, 40, 41]] = np.nan
    state = fit_adjustment(holes, [12])
    z = adjust(state, holes)
    assert np.flatnonzero(np.isnan(z)).tolist() == [5, 40, 41]
    assert len(state.profiles) == 1


def test_a_zero_after_a_positive_past_is_no_catastrophe_on_a_logarithm(rng):
    values = synth.trend_season(rng, 132)
    state = fit_adjustment(values, [12])
    assert state.transform == "log"
    z = adjust(state, np.append(values, 0.0))
    assert z[-1] > z[:-1].min() - 3
    assert adjust(state, np.append(values, values.min() / 5))[-1] < z[:-1].min() - 1


def test_only_the_part_given_decides(rng):
    values = synth.trend_season(rng, 144)
    poisoned = values.copy()
    poisoned[120:] = -1e6
    assert fit_adjustment(values[:120], [12]) == fit_adjustment(poisoned[:120], [12])
