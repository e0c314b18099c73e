"""The differentiable path of a SegRNN: it ends in the forecast, and its gradient is exact."""

import pytest
from attribution_cases import check_path

from gatecast.forecasting.median import MedianOf
from gatecast.forecasting.segrnn.model import SegRNNConfig


@pytest.mark.parametrize("mixed", [False, True])
@pytest.mark.parametrize(("season", "segment_length", "level_window"), [(1, 4, 1), (7, 3, 3), (1, 4, 40)])
def test_attribution_path_ends_in_the_forecast_and_has_its_gradient(season, segment_length, level_window, mixed):
    settings = {"season_length": season, "level_window": level_window, "units": 7, "max_steps": 5}
    check_path(MedianOf((SegRNNConfig(14, segment_length, **settings),)), season, mixed=mixed)
