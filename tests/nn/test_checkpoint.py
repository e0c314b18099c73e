"""Files of networks: what is saved is what is loaded, and files that describe no network are refused."""

from __future__ import annotations

import numpy as np
import pytest

from gatecast._utils import safefile
from gatecast.errors import ConfigError, FormatError
from gatecast.layers import (
    GRU,
    LSTM,
    BatchNormalization,
    Bidirectional,
    Concatenate,
    Dense,
    Dilated,
    Dropout,
    Embedding,
    Input,
    QuantileHead,
    Residual,
    Select,
)
from gatecast.losses import Huber, Pinball
from gatecast.metrics import RootMeanSquaredError
from gatecast.models import Sequential, load_model
from gatecast.nn import checkpoint
from gatecast.nn.network import build, initial_weights
from gatecast.optim import chain, clip_by_global_norm, cosine, ema, scale_by_adam, scale_by_learning_rate, warmup
from gatecast.optimizers import SGD, Nadam
from gatecast.optimizers.schedules import PiecewiseConstantDecay

ARRAYS = {"a": np.zeros(1, np.float32)}


def model(**compiled):
    """Return a trained network."""
    layers = [LSTM(4, return_sequences=True, peephole="full"), Dropout(0.1), LSTM(3, peephole="diagonal")]
    made = Sequential([Input((None, 2)), *layers, Dense(3, activation="tanh")], seed=5)
    made.compile(**compiled)
    rng = np.random.default_rng(0)
    made.fit(rng.normal(size=(20, 4, 2)), rng.normal(size=(20, 3)), verbose=0)
    return made


@pytest.mark.parametrize(
    "compiled",
    [
        {"loss": "mse", "optimizer": "adam"},
        {"loss": "mae", "optimizer": "rmsprop", "metrics": ["mse", RootMeanSquaredError("r")]},
        {"loss": "mape", "optimizer": Nadam(PiecewiseConstantDecay([3], [0.1, 0.01]), clipnorm=1.0)},
        {
            "loss": Huber(0.5),
            "optimizer": chain(
                clip_by_global_norm(1.0), scale_by_adam(), scale_by_learning_rate(warmup(cosine(0.1, 9), 2)), ema()
            ),
        },
    ],
    ids=["adam", "names", "settings", "chain"],
)
def test_load_returns_what_was_saved(compiled, tmp_path):
    saved = model(**compiled)
    saved.save(tmp_path / "m.safetensors")
    loaded = Sequential.load(tmp_path / "m.safetensors")
    x, y = np.random.default_rng(1).normal(size=(33, 7, 2)), np.zeros((33, 3))
    np.testing.assert_array_equal(loaded.predict(x), saved.predict(x))
    for one, two in zip(loaded.get_weights(), saved.get_weights(), strict=True):
        np.testing.assert_array_equal(one, two)
    assert loaded.evaluate(x, y) == saved.evaluate(x, y)
    assert loaded.layers == saved.layers
    assert loaded.seed == saved.seed
    assert (loaded.loss, loaded.optimizer) == (saved.loss, saved.optimizer)
    assert loaded.metrics_names == saved.metrics_names
    assert loaded.history.history == saved.history.history
    loaded.fit(x, y, verbose=0)
    saved.fit(x, y, verbose=0)
    np.testing.assert_array_equal(loaded.weights.vector, saved.weights.vector)


def test_read_network_uses_defaults_for_settings_missing_in_an_older_file(tmp_path):
    network = build([LSTM(3, peephole="full")], (None, 2))
    weights = initial_weights(network, 1)
    old = {"LSTM": {"units": 3, "return_sequences": False, "peephole": "full", "unit_forget_bias": True}}
    arrays = {f"0.{name}": p for name, p in weights.views[0].items()}
    settings = {"input_shape": [None, 2], "seed": 1, "layers": [old], "compiled": None}
    safefile.write(tmp_path / "m", "network", settings, arrays)
    assert checkpoint.read_network(tmp_path / "m")[0] == network


def test_load_returns_quantile_losses(tmp_path):
    saved = Sequential([Input((2, 1)), LSTM(2), Dense(2)])
    saved.compile(loss=Pinball((0.1, 0.9)))
    saved.save(tmp_path / "m")
    assert load_model(tmp_path / "m").loss == saved.loss


def test_save_of_equal_models_writes_equal_files(tmp_path):
    for name in ("a", "b"):
        model(loss="mse", optimizer="adam").save(tmp_path / name)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_save_leaves_out_a_schedule_of_the_user_and_takes_an_uncompiled_model(tmp_path):
    saved = model(loss="mse", optimizer=SGD(lambda step: 0.1 / (1 + step)))
    saved.save(tmp_path / "m")
    loaded = load_model(tmp_path / "m")
    with pytest.raises(Exception, match="not compiled"):
        loaded.fit(np.zeros((1, 1, 2)), np.zeros((1, 3)))
    loaded.save(tmp_path / "m")
    assert load_model(tmp_path / "m")._compiled is None


def test_save_replaces_the_file_and_leaves_no_other(tmp_path):
    path = tmp_path / "m"
    for _ in range(2):
        model(loss="mse", optimizer="adam").save(path)
    assert [p.name for p in tmp_path.iterdir()] == ["m"]


class Mine(Dense):
    """A layer of the user."""


@pytest.mark.parametrize("layer", [Mine(2), Residual(Mine(2)), Concatenate((Dense(1), (Dense(1), Mine(1))))], ids=repr)
def test_save_of_a_layer_of_the_user_raises(layer, tmp_path):
    with pytest.raises(ConfigError, match=r"Cannot save Mine.*LAYERS\[.Mine.\] = Mine"):
        Sequential([Input((2,)), layer]).save(tmp_path / "m")
    assert not list(tmp_path.iterdir())


def test_save_writes_nested_layers_by_name(tmp_path):
    way = (Select((0, 2)), LSTM(4, return_sequences=True, zoneout=(0.1, 0.2)))
    layers = [
        Concatenate((way, (Select((1,)), Embedding(5, 3)))),
        Bidirectional(Dilated(GRU(4, return_sequences=True), 2), "sum"),
        Residual(Bidirectional(LSTM(2, return_sequences=True))),
        BatchNormalization(momentum=0.9),
        QuantileHead(1),
    ]
    saved = Sequential([Input((None, 3)), *layers], seed=2)
    saved.save(tmp_path / "m")
    loaded = load_model(tmp_path / "m")
    assert loaded.layers == saved.layers == layers
    x = np.random.default_rng(1).integers(0, 5, (9, 6, 3)).astype(np.float32)
    np.testing.assert_array_equal(loaded.predict(x), saved.predict(x))
    described, arrays = safefile.read(tmp_path / "m", "network")
    assert described["layers"][1]["Bidirectional"]["layer"]["Dilated"]["layer"]["GRU"]["units"] == 4
    assert "0.0.1.Wx" in arrays


@pytest.mark.parametrize("keep", [0.0, 0.01, 0.5, 0.9, 0.9999])
def test_load_refuses_a_truncated_file(keep, tmp_path):
    path = tmp_path / "m"
    model(loss="mse", optimizer="adam").save(path)
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * keep)])
    with pytest.raises(FormatError, match="Cannot read the file") as caught:
        Sequential.load(path)
    assert str(path) in str(caught.value)


LAYERS = [{"Dense": {"units": 1}}]
GOOD = {"input_shape": [2], "seed": 0, "layers": LAYERS, "compiled": None}


@pytest.mark.parametrize(
    ("settings", "arrays"),
    [
        ({}, ARRAYS),
        (GOOD, ARRAYS),
        (GOOD | {"layers": [{"os.system": {}}]}, ARRAYS),
        (GOOD | {"layers": [{"Dense": {"units": 0}}]}, ARRAYS),
        (GOOD | {"layers": [{"Dense": {"units": 1, "x": 1}}]}, ARRAYS),
        (GOOD | {"layers": [{"Dense": 1}]}, ARRAYS),
        (GOOD | {"layers": [1]}, ARRAYS),
        (GOOD | {"layers": [{"Residual": {"layer": {"Dense": {"units": 0}}}}]}, ARRAYS),
        (GOOD | {"layers": [{"Residual": {"layer": {}}}]}, ARRAYS),
        (GOOD | {"layers": [{"Concatenate": {"branches": [[{"Huber": {}}]]}}]}, ARRAYS),
        (GOOD | {"input_shape": 3}, ARRAYS),
        (GOOD | {"compiled": {"loss": {"Huber": {"delta": -1}}, "optimizer": {"chain": []}}}, ARRAYS),
        (GOOD | {"compiled": {"loss": {"Huber": {}}, "optimizer": 5}}, ARRAYS),
        (GOOD, {"0.W": np.zeros((2, 2), np.float32), "0.b": np.zeros(1, np.float32)}),
    ],
    ids=range(14),
)
def test_load_refuses_settings_of_no_network(settings, arrays, tmp_path):
    safefile.write(tmp_path / "m", "network", settings, arrays)
    with pytest.raises(FormatError, match="The file does not describe a network"):
        Sequential.load(tmp_path / "m")
