"""Which networks can forecast a panel, how they are trained, and what is refused."""

from dataclasses import replace

import pytest

from gatecast import Sequential
from gatecast.errors import ConfigError
from gatecast.forecasting.sequential_model.model import SequentialConfig
from gatecast.forecasting.sequential_model.wiring import build_network, training_setup
from gatecast.layers import GRU, LSTM, Dense, Input, QuantileHead
from gatecast.losses import Pinball

H, Q = 4, 5
SMALL = SequentialConfig(None, 6, max_steps=30, batch_size=64)


def test_build_network_reads_the_window_of_the_network_or_that_of_the_config():
    networks = {
        9: [GRU(8, input_shape=(9, 2)), Dense(H)],
        7: [Input((7,)), Dense(16, activation="tanh"), Dense(H)],
        6: [Input((None, 1)), GRU(8), Dense(H)],
    }
    for input_size, layers in networks.items():
        assert build_network(Sequential(layers), H, SMALL)[1] == input_size
    dense, lstm = [Dense(16, activation="relu"), Dense(H)], [LSTM(8), Dense(H)]
    assert build_network(Sequential(dense), H, SMALL)[0].shapes[0] == (12,)
    assert build_network(Sequential(lstm), H, SMALL)[0].shapes[0] == (6, 2)


REFUSED = {
    "a layer": (
        LSTM(4),
        r"^Invalid network LSTM\(.*\): expected a gatecast.Sequential\.$",
    ),
    "no layers": ([], r"^The network has no layers\. Write Sequential\(\[LSTM\(32\), Dense\(4\)\]\)\.$"),
    "one output": (
        [LSTM(4), Dense(1)],
        r"^The network does not forecast 4 steps \(Dense\): got outputs of shape \(None, 1\), "
        r"expected \(None, 4\), a number for each step\. End it with Dense\(4\)\.$",
    ),
    "quantiles without a head": (
        [LSTM(4), Dense(20)],
        r"^The network does not forecast 4 steps \(Dense\): got outputs of shape \(None, 20\), "
        r"expected \(None, 4\), a number for each step\. End it with Dense\(4\), or with Dense\(20\), "
        r"QuantileHead\(5\)\.$",
    ),
    "too few quantiles": (
        [LSTM(4), Dense(15), QuantileHead(5)],
        r"^The network does not forecast 4 steps \(QuantileHead\): got outputs of shape \(None, 15\), "
        r"expected \(None, 20\), 5 quantiles of each step\. End it with Dense\(20\), QuantileHead\(5\)\.$",
    ),
    "other quantiles": (
        [LSTM(4), Dense(12), QuantileHead(3)],
        r"^QuantileHead has other quantiles than the forecaster: got QuantileHead\(3\), expected 5 of them, for the "
        r"levels 0.025, 0.1, 0.5, 0.9, 0.975\. End the network with Dense\(20\), QuantileHead\(5\)\.$",
    ),
    "a time axis": (
        [LSTM(4, return_sequences=True), Dense(4)],
        r"^The network has an output for every step of the window \(Dense\): got outputs of shape \(None, 6, 4\), "
        r"expected \(None, 4\), one for each of the 4 forecast steps\. Leave return_sequences=True out of its "
        r"last recurrent layer; Dense layers alone read a flat window: Input\(\(6,\)\)\.$",
    ),
    "three features": (
        [LSTM(4, input_shape=(24, 3)), Dense(4)],
        r"^The network reads other features than a forecaster has: got an input of shape \(24, 3\), expected "
        r"\(time, 2\), the value and 1 where it is observed, or \(time, 1\), the value\. Begin it with "
        r"Input\(\(24, 2\)\), or leave the shape out\.$",
    ),
    "layers that do not fit": (
        [LSTM(4), LSTM(4), Dense(4)],
        r"^Invalid input shape \(LSTM\): got \(4,\)",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_build_network_refuses(name):
    layers, message = REFUSED[name]
    model = Sequential(layers) if isinstance(layers, list) else layers
    with pytest.raises(ConfigError, match=message):
        build_network(model, H, SMALL)


def setup(model):
    """Loss and optimizer of a network."""
    config = replace(SMALL, model=model)
    return training_setup(model, build_network(model, H, config)[0], config)


def test_training_setup_refuses_losses_that_do_not_fit():
    point, learns = Sequential([Dense(H)]), Sequential([Dense(H * Q), QuantileHead(Q)])
    for model in (point, learns):
        model.compile("adam", Pinball((0.1, 0.5, 0.9)))
    with pytest.raises(
        ConfigError,
        match=r"^The loss does not fit a number for each step: got Pinball\(quantiles=\(0.1, 0.5, 0.9\)\), 3 outputs "
        r'for a target value, expected a loss such as "mae" or Huber\(1.0\)\. Compile the network with another loss, '
        r"or train quantiles: end it with Dense\(20\), QuantileHead\(5\)\.$",
    ):
        setup(point)
    with pytest.raises(
        ConfigError,
        match=r"^The loss has other quantiles than the forecaster: got Pinball\(quantiles=\(0.1, 0.5, 0.9\)\), "
        r"expected Pinball\(quantiles=\(0.025, 0.1, 0.5, 0.9, 0.975\)\)\. Leave compile out: a network under a "
        r"QuantileHead is trained for the forecaster's quantiles\.$",
    ):
        setup(learns)
