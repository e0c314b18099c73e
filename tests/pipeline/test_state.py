"""The fitted state: a record of all that predict and save read."""

import dataclasses

import pytest


def test_fitted_state_horizon_is_that_of_the_models(fitted_panel):
    state = fitted_panel.state_
    assert state.horizon == state.ensemble.task.horizon == 4
    assert state.season_length == 12
    assert state.calibrator.weights.shared.keys() == set(state.ensemble.columns)
    with pytest.raises(dataclasses.FrozenInstanceError):
        state.seconds = 0.0
