"""Generated series have what they say they have."""

from __future__ import annotations

import numpy as np
import pytest

from gatecast.data import synthetic

MAKERS = (
    synthetic.trend_season,
    synthetic.random_walk,
    synthetic.autoregression,
    synthetic.annual,
    synthetic.known_lag,
    synthetic.daily_example,
)


@pytest.mark.parametrize("make", MAKERS)
def test_the_same_random_numbers_make_the_same_series(make):
    one, two = (make(np.random.default_rng(3), 50) for _ in range(2))
    assert one.tolist() == two.tolist()
    assert one.shape == (50,)
    assert np.isfinite(one).all()
    assert make(np.random.default_rng(4), 50).tolist() != one.tolist()


def test_a_random_walk_has_independent_steps(rng):
    steps = np.diff(synthetic.random_walk(rng, 4001, step=2.0))
    # Standard errors for 4,000 steps: 2 / sqrt(4000) = 0.03 and 0.02.
    assert abs(steps.mean()) < 0.15
    assert abs(steps.std() - 2) < 0.1
    assert abs(np.corrcoef(steps[1:], steps[:-1])[0, 1]) < 0.08


def test_autoregression_is_stationary_from_the_start(rng):
    first = [synthetic.autoregression(rng, 1, phi=0.95, sd=3.0)[0] for _ in range(2000)]
    assert abs(np.std(first) - 3) < 0.25


def test_only_the_lag_tells_the_future(rng):
    y = synthetic.known_lag(rng, 5000, lag=7, weight=0.95)
    assert abs(np.corrcoef(y[7:], y[:-7])[0, 1] - 0.95) < 0.02
    assert abs(np.corrcoef(y[1:], y[:-1])[0, 1]) < 0.2


def test_an_annual_wave_has_its_amplitude(rng):
    y = synthetic.annual(rng, 3653, amplitude=4.0)
    wave = np.cos(2 * np.pi * np.arange(3653) / 365.25)
    assert abs(2 * (wave * y).mean() - 4.0) < 0.5
