"""Half-widths follow the quantiles, and calibration gives the stated coverage."""

from itertools import pairwise
from statistics import NormalDist

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatecast.evaluation.conformal import MAX_FACTOR, MIN_FACTOR, fit_width_factors, half_widths

PROBABILITIES = (0.025, 0.1, 0.5, 0.9, 0.975)
NORMAL = np.array([NormalDist().inv_cdf(p) for p in PROBABILITIES])


@given(level=st.floats(1, 99.9), scale=st.floats(0.1, 10))
def test_half_widths_of_normal_quantiles_are_normal_at_any_level(level, scale):
    below, above = half_widths(scale * NORMAL + 3, PROBABILITIES, level)
    expected = scale * NormalDist().inv_cdf(0.5 + level / 200)
    assert float(below) == pytest.approx(expected, rel=1e-9)
    assert float(above) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize(("level", "below", "above"), [(80, 1.0, 2.0), (95, 4.0, 6.0)])
def test_half_widths_at_known_levels_are_the_quantiles(level, below, above):
    quantiles = np.array([-4.0, -1.0, 0.0, 2.0, 6.0])
    assert [float(side) for side in half_widths(quantiles, PROBABILITIES, level)] == pytest.approx([below, above])


@given(seed=st.integers(0, 20))
def test_half_widths_grow_with_the_level(seed):
    quantiles = np.sort(np.random.default_rng(seed).normal(size=(7, 5)))
    widths = [half_widths(quantiles, PROBABILITIES, level) for level in (10, 50, 80, 90, 95, 99)]
    for narrow, wide in pairwise(widths):
        assert (wide[0] >= narrow[0] - 1e-12).all()
        assert (wide[1] >= narrow[1] - 1e-12).all()


@pytest.mark.parametrize("truth", [0.6, 1.0, 3.0])
def test_fit_width_factors_give_the_stated_coverage(truth, rng):
    quantiles = np.tile(NORMAL, (4000, 1))
    factors = fit_width_factors(
        quantiles[:2000, None], PROBABILITIES, truth * rng.normal(size=(2000, 1)), [80, 95], rows=2000
    )
    fresh = truth * rng.normal(size=2000)
    for level, factor in factors.items():
        below, above = half_widths(quantiles[2000:], PROBABILITIES, level)
        covered = np.mean((fresh > -factor * below) & (fresh < factor * above))
        # Two samples of 2000 contribute a binomial error each.
        assert covered == pytest.approx(level / 100, abs=4 * np.sqrt(0.8 * 0.2 * 2 / 2000))


def test_fit_width_factors_ignore_missing_values(rng):
    actual = rng.normal(size=(100, 1))
    holes = np.append(actual, np.full((50, 1), np.nan), axis=0)
    quantiles = np.tile(NORMAL, (150, 1, 1))
    with_holes = fit_width_factors(quantiles, PROBABILITIES, holes, [80], rows=100)
    assert with_holes == fit_width_factors(quantiles[:100], PROBABILITIES, actual, [80], rows=100)
    assert fit_width_factors(quantiles, PROBABILITIES, np.full((150, 1), np.nan), [80], rows=150) == {80: 1.0}


def test_fit_width_factors_do_not_shrink_with_the_level(rng):
    quantiles = np.tile(NORMAL, (400, 1, 1))
    actual = np.clip(rng.normal(size=(400, 1)), -1.3, 1.3) * 1.5  # no tails: alone, the 95 % interval would shrink
    factors = fit_width_factors(quantiles, PROBABILITIES, actual, [95, 80], rows=400)
    assert factors[95][0] >= factors[80][0] > 1


def test_fit_width_factors_stay_within_their_limits():
    quantiles = np.tile(NORMAL, (20, 4, 1))
    assert (
        fit_width_factors(quantiles, PROBABILITIES, np.zeros((20, 4)), [80], rows=80)[80].tolist() == [MIN_FACTOR] * 4
    )
    assert (
        fit_width_factors(quantiles, PROBABILITIES, np.full((20, 4), 1e6), [80], rows=80)[80].tolist()
        == [MAX_FACTOR] * 4
    )


def test_fit_width_factors_of_one_horizon_do_not_narrow():
    quantiles = np.tile(NORMAL, (4, 4, 1))
    assert fit_width_factors(quantiles, PROBABILITIES, np.zeros((4, 4)), [80], rows=4)[80].tolist() == [1.0] * 4
    assert fit_width_factors(quantiles, PROBABILITIES, np.zeros((4, 4)), [80], rows=20)[80] == pytest.approx(
        np.full(4, 0.75)
    )
