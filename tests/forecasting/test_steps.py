"""Steps that networks are trained on, and the interpolation between them."""

import numpy as np
import pytest

from gatecast.forecasting.steps import MAX_DIRECT_STEPS, direct_steps, interpolation


@pytest.mark.parametrize("horizon", [1, 2, 47, 48, 49, 168, 1000])
def test_direct_steps_reach_the_horizon_and_increase(horizon):
    steps = direct_steps(horizon)
    assert (steps[0], steps[-1]) == (1, horizon)
    assert (np.diff(steps) > 0).all()
    assert len(steps) == horizon if horizon <= MAX_DIRECT_STEPS else len(steps) <= MAX_DIRECT_STEPS


@pytest.mark.parametrize("horizon", [1, 48, 100])
def test_interpolation_keeps_trained_steps_and_straight_lines(horizon):
    steps, matrix = direct_steps(horizon), interpolation(horizon)
    np.testing.assert_array_equal(matrix[steps - 1], np.eye(len(steps)))
    np.testing.assert_allclose(matrix @ (3.0 * steps + 1), 3.0 * np.arange(1, horizon + 1) + 1)
