"""Weights by past errors, their mean of forecasts, and forecasts beyond the horizon."""

import numpy as np
import pytest
from panel_cases import QUICK, ragged_panel

from gatecast.forecaster import Forecaster
from gatecast.forecasting.context import PanelContext
from gatecast.forecasting.ensemble import inverse_error_weights, weighted_average

ACTUAL = np.zeros((3, 2))
NETWORKS = {"good": "network", "near": "network", "bad": "network"}


def constant(value):
    """Quantiles that are one value."""
    return np.full((3, 2, 1), value)


def test_inverse_error_weights_follow_errors_half_way():
    quantiles = {"good": constant(1.0), "near": constant(1.1)}
    weights = inverse_error_weights(quantiles, ACTUAL, np.ones(3), NETWORKS)
    assert weights["good"] == pytest.approx(0.25 + 0.5 / (1 + 1.1**-4))
    assert sum(weights.values()) == pytest.approx(1)


def test_inverse_error_weights_leave_a_much_worse_model_out():
    quantiles = {"good": constant(1.0), "near": constant(1.2), "bad": constant(1.5)}
    weights = inverse_error_weights(quantiles, ACTUAL, np.ones(3), NETWORKS)
    assert weights["bad"] == 0
    assert weights["good"] > weights["near"] > 0.25


def test_inverse_error_weights_are_shared_between_families_first():
    families = {"LSTM": "network", "ES-LSTM": "network", "Theta": "statistical", "AutoETS": "statistical"}
    for names, expected in (
        (("LSTM", "ES-LSTM", "Theta"), {"LSTM": 0.25, "ES-LSTM": 0.25, "Theta": 0.5}),
        (("LSTM", "Theta", "AutoETS"), {"LSTM": 0.5, "Theta": 0.25, "AutoETS": 0.25}),
    ):
        quantiles = {name: constant(1.0) for name in names}
        assert inverse_error_weights(quantiles, ACTUAL, np.ones(3), families) == expected


def test_weighted_average_leaves_out_a_model_without_a_forecast():
    quantiles = {"a": np.array([[[1.0]], [[np.nan]]]), "b": np.array([[[3.0]], [[5.0]]])}
    assert weighted_average(quantiles, {"a": 0.5, "b": 0.5}).ravel().tolist() == [2.0, 5.0]


def test_predict_quantiles_beyond_the_horizon_continues_from_the_medians():
    ensemble = Forecaster(4, **QUICK).fit(ragged_panel([60] * 6), evaluate=False).state_.ensemble
    values = 200 + np.cumsum(np.random.default_rng(1).normal(size=(2, 50)), axis=1)
    near = ensemble.predict_quantiles(PanelContext.from_values(values), 4)
    far = ensemble.predict_quantiles(PanelContext.from_values(values), 9)
    for name, quantiles in far.items():
        assert quantiles.shape == (2, 9, 5)
        np.testing.assert_array_equal(quantiles[:, :4], near[name])
        assert (np.diff(quantiles, axis=2) >= 0).all()
