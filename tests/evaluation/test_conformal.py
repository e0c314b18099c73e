"""Half-widths follow the quantiles they are made from, and calibration gives the coverage it promises."""

from itertools import pairwise
from statistics import NormalDist

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatecast.evaluation.conformal import NARROWEST, WIDEST, fit_width_factors, half_widths

PROBABILITIES = (0.025, 0.1, 0.5, 0.9, 0.975)
NORMAL = np.array([NormalDist().inv_cdf(p) for p in PROBABILITIES])


@given(level=st.floats(1, 99.9), scale=st.floats(0.1, 10))
def test_normal_quantiles_give_normal_intervals_at_any_level(level, scale):
    below, above = half_widths(scale * NORMAL + 3, PROBABILITIES, level)
    expected = scale * NormalDist().inv_cdf(0.5 + level / 200)
    assert float(below) == pytest.approx(expected, rel=1e-9)
    assert float(above) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize(("level", "below", "above"), [(80, 1.0, 2.0), (95, 4.0, 6.0)])
def test_the_levels_of_the_network_come_out_as_they_are(level, below, above):
    said = np.array([-4.0, -1.0, 0.0, 2.0, 6.0])
    assert [float(side) for side in half_widths(said, PROBABILITIES, level)] == pytest.approx([below, above])


@given(seed=st.integers(0, 20))
def test_wider_levels_are_wider(seed):
    said = np.sort(np.random.default_rng(seed).normal(size=(7, 5)))
    widths = [half_widths(said, PROBABILITIES, level) for level in (10, 50, 80, 90, 95, 99)]
    for narrow, wide in pairwise(widths):
        assert (wide[0] >= narrow[0] - 1e-12).all()
        assert (wide[1] >= narrow[1] - 1e-12).all()


@pytest.mark.parametrize("truth", [0.6, 1.0, 3.0])
def test_calibrated_intervals_cover_what_they_say(truth, rng):
    said = np.tile(NORMAL, (4000, 1))
    factors = fit_width_factors(
        said[:2000, None], PROBABILITIES, truth * rng.normal(size=(2000, 1)), [80, 95], rows=2000
    )
    fresh = truth * rng.normal(size=2000)
    for level, factor in factors.items():
        below, above = half_widths(said[2000:], PROBABILITIES, level)
        covered = np.mean((fresh > -factor * below) & (fresh < factor * above))
        # Two samples of 2000 contribute a binomial error each.
        assert covered == pytest.approx(level / 100, abs=4 * np.sqrt(0.8 * 0.2 * 2 / 2000))


def test_missing_values_do_not_calibrate(rng):
    actual = rng.normal(size=(100, 1))
    holes = np.append(actual, np.full((50, 1), np.nan), axis=0)
    said = np.tile(NORMAL, (150, 1, 1))
    with_holes = fit_width_factors(said, PROBABILITIES, holes, [80], rows=100)
    assert with_holes == fit_width_factors(said[:100], PROBABILITIES, actual, [80], rows=100)
    assert fit_width_factors(said, PROBABILITIES, np.full((150, 1), np.nan), [80], rows=150) == {80: 1.0}


def test_a_wider_level_never_has_a_smaller_factor(rng):
    said = np.tile(NORMAL, (400, 1, 1))
    actual = np.clip(rng.normal(size=(400, 1)), -1.3, 1.3) * 1.5  # no tails: alone, the 95 % interval would shrink
    factors = fit_width_factors(said, PROBABILITIES, actual, [95, 80], rows=400)
    assert factors[95][0] >= factors[80][0] > 1


def test_factors_stay_within_their_limits():
    said = np.tile(NORMAL, (20, 4, 1))
    assert fit_width_factors(said, PROBABILITIES, np.zeros((20, 4)), [80], rows=80)[80].tolist() == [NARROWEST] * 4
    assert fit_width_factors(said, PROBABILITIES, np.full((20, 4), 1e6), [80], rows=80)[80].tolist() == [WIDEST] * 4


def test_one_horizon_of_errors_is_no_ground_for_narrowing():
    said = np.tile(NORMAL, (4, 4, 1))
    assert fit_width_factors(said, PROBABILITIES, np.zeros((4, 4)), [80], rows=4)[80].tolist() == [1.0] * 4
    assert fit_width_factors(said, PROBABILITIES, np.zeros((4, 4)), [80], rows=20)[80] == pytest.approx(
        np.full(4, 0.75)
    )
