"""Every forecasting model keeps the contract: all of the registry, a user's network, and the median of several."""

import pytest

from gatecast import Sequential
from gatecast.forecasting import statsforecast_models
from gatecast.forecasting.es_rnn.model import ESRNNConfig
from gatecast.forecasting.median import MedianOf
from gatecast.forecasting.panel_rnn.model import CELLS
from gatecast.forecasting.registry import available_models, get_model
from gatecast.forecasting.segrnn.model import SegRNNConfig
from gatecast.forecasting.sequential_model.model import SequentialConfig
from gatecast.layers import GRU, LSTM, Dense, Dropout, Input, QuantileHead
from gatecast.testing import check_model

TINY = {"units": 4, "n_origins": 12, "max_steps": 3, "batch_size": 8}
NEEDS_EXTRA = ("ets", "ces")


def tiny(name):
    """A config of a registered model that is fitted in a moment."""
    if name in CELLS:
        return CELLS[name](5, n_layers=1, level_window=2, **TINY)
    if name == "segrnn":
        return SegRNNConfig(8, segment_length=4, units=4, max_steps=3, batch_size=8)
    return ESRNNConfig(5, **TINY) if name == "es-lstm" else get_model(name)()


@pytest.mark.slow
@pytest.mark.parametrize("name", available_models())
def test_registered_models_keep_the_contract(name):
    if name in NEEDS_EXTRA:
        if not statsforecast_models.available():
            pytest.skip("needs statsforecast")
        check_model(tiny(name), min_values=statsforecast_models.MIN_VALUES)
    else:
        check_model(tiny(name))


@pytest.mark.parametrize("name", ["lstm", "gru"])
def test_seasons_strides_and_dropout_keep_the_contract(name):
    config = CELLS[name](6, season_length=4, stride=2, dropout=0.2, level_position_weight=2.0, n_layers=2, **TINY)
    check_model(config, horizons=(5,), quantiles=(0.1, 0.5, 0.9))


@pytest.mark.parametrize(("cell", "season_length"), [("lstm", 4), ("gru", 1)])
def test_seasons_cells_and_levels_of_a_segrnn_keep_the_contract(cell, season_length):
    config = SegRNNConfig(10, 4, season_length, cell, units=4, level_window=4, max_steps=3, batch_size=8)
    check_model(config, horizons=(5,), quantiles=(0.1, 0.5, 0.9))


@pytest.mark.parametrize(
    ("layers", "h"),
    [
        ([LSTM(4), Dense(6)], 6),
        ([Input((None, 1)), GRU(4), Dropout(0.1), Dense(1)], 1),
        ([Dense(8), Dense(4 * 5), QuantileHead(5)], 4),
    ],
)
def test_networks_of_a_user_keep_the_contract(layers, h):
    check_model(SequentialConfig(Sequential(layers), 6, max_steps=4, batch_size=16), horizons=(h,))


@pytest.mark.parametrize("name", ["lstm", "es-lstm", "segrnn", "naive"])
def test_medians_keep_the_contract(name):
    check_model(MedianOf((tiny(name),) * 2), horizons=(6,))
