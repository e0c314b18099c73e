"""The differentiable path of a user's network: it ends in the forecast, and its gradient is exact."""

import pytest
from attribution_cases import H, check_path

from gatecast.layers import LSTM, Dense, Input, QuantileHead
from gatecast.models import Sequential

NETWORKS = {
    "point": [Input((8, 2)), LSTM(5), Dense(H)],
    "quantiles of a flat window": [Dense(9, activation="tanh"), Dense(5 * H), QuantileHead(5)],
}


@pytest.mark.parametrize("mixed", [False, True])
@pytest.mark.parametrize("name", NETWORKS)
def test_attribution_path_ends_in_the_forecast_and_has_its_gradient(name, mixed):
    check_path(Sequential(NETWORKS[name]), mixed=mixed)
