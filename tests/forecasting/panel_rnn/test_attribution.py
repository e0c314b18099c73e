"""The differentiable path of a panel RNN: it ends in the forecast, and its gradient is exact."""

import numpy as np
import pytest
from attribution_cases import check_path

from gatecast.forecasting.context import PanelContext
from gatecast.forecasting.panel_rnn.attribution import value_sources
from gatecast.forecasting.panel_rnn.windows import scale_series


@pytest.mark.parametrize("mixed", [False, True])
@pytest.mark.parametrize("season", [1, 7])
def test_attribution_path_ends_in_the_forecast_and_has_its_gradient(season, mixed):
    check_path("lstm", season, mixed=mixed)


def test_value_sources_of_a_missing_value_is_the_last_one_before_it():
    values = np.array([[np.nan, 3.0, np.nan, np.nan, 5.0]])
    scaled = scale_series(PanelContext.from_values(values), 1, 2)
    assert value_sources(scaled, 2, 0).tolist() == [1, 1, 1, 1, 1, 4]
