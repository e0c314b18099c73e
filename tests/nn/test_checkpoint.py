"""The file: what was saved is what is loaded, and any other file is refused in words."""

from __future__ import annotations

import json

import numpy as np
import pytest
from safetensors.numpy import save

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
from gatecast.models import Sequential, load_model
from gatecast.nn import checkpoint
from gatecast.nn.network import build, initial_weights
from gatecast.optim import SGD, AdamW, chain, clip_by_global_norm, cosine, ema, warmup

ARRAYS = {"a": np.arange(6, dtype=np.float32).reshape(2, 3), "b": np.zeros(0, np.float32)}


def model(**compiled):
    """A network with one of everything, slightly trained."""
    layers = [LSTM(4, return_sequences=True, peephole="full"), Dropout(0.1), LSTM(3, peephole="diagonal")]
    made = Sequential([Input((None, 2)), *layers, Dense(3, activation="tanh")], seed=5)
    made.compile(**compiled)
    rng = np.random.default_rng(0)
    made.fit(rng.normal(size=(20, 4, 2)), rng.normal(size=(20, 3)), verbose=0)
    return made


@pytest.mark.parametrize(
    "compiled",
    [
        {},
        {"loss": "mae", "optimizer": "rmsprop"},
        {
            "loss": Huber(0.5),
            "optimizer": chain(clip_by_global_norm(1.0), AdamW(warmup(cosine(0.1, 9), 2)), ema()),
        },
    ],
    ids=["defaults", "names", "chain"],
)
def test_what_is_loaded_is_what_was_saved(compiled, tmp_path):
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
    assert loaded._compiled == saved._compiled
    loaded.fit(x, y, verbose=0)  # can go on


def test_a_file_of_an_older_version_without_the_newer_settings_can_be_read(tmp_path):
    network = build([LSTM(3, peephole="full")], (None, 2))
    weights = initial_weights(network, 1)
    old = {"LSTM": {"units": 3, "return_sequences": False, "peephole": "full", "unit_forget_bias": True}}
    arrays = {f"0.{name}": p for name, p in weights.views[0].items()}
    settings = {"input_shape": [None, 2], "seed": 1, "layers": [old], "compiled": None}
    checkpoint.write(tmp_path / "m", "network", settings, arrays)
    assert checkpoint.read_network(tmp_path / "m")[0] == network


def test_quantile_losses_come_back(tmp_path):
    saved = Sequential([Input((2, 1)), LSTM(2), Dense(2)])
    saved.compile(loss=Pinball((0.1, 0.9)))
    saved.save(tmp_path / "m")
    assert load_model(tmp_path / "m")._compiled == saved._compiled


def test_the_same_model_gives_the_same_file(tmp_path):
    for name in ("a", "b"):
        model().save(tmp_path / name)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_a_rate_of_ones_own_is_left_out_and_a_model_may_be_saved_before_it_is_compiled(tmp_path):
    saved = model(optimizer=SGD(lambda step: 0.1 / step))
    saved.save(tmp_path / "m")
    loaded = load_model(tmp_path / "m")
    with pytest.raises(Exception, match="the model is not compiled"):
        loaded.fit(np.zeros((1, 1, 2)), np.zeros((1, 3)))
    loaded.save(tmp_path / "m")
    assert load_model(tmp_path / "m")._compiled is None


def test_a_file_is_replaced_whole_and_nothing_is_left_beside_it(tmp_path):
    path = tmp_path / "m"
    for _ in range(2):
        model().save(path)
    assert [p.name for p in tmp_path.iterdir()] == ["m"]


def test_where_nothing_can_be_written_is_said_and_the_old_file_stays(tmp_path, monkeypatch):
    with pytest.raises(ConfigError, match=r"the file cannot be written \(.*\): got No such file or directory"):
        model().save(tmp_path / "nowhere" / "m")
    path = tmp_path / "m"
    checkpoint.write(path, "example", {}, ARRAYS)
    before = path.read_bytes()

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("pathlib.Path.replace", full)
    with pytest.raises(ConfigError, match="got No space left on device"):
        checkpoint.write(path, "example", {"other": 1}, ARRAYS)
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["m"]


class Mine(Dense):
    """A layer of one's own."""


@pytest.mark.parametrize("layer", [Mine(2), Residual(Mine(2)), Concatenate((Dense(1), (Dense(1), Mine(1))))], ids=repr)
def test_a_layer_of_ones_own_cannot_be_saved(layer, tmp_path):
    with pytest.raises(ConfigError, match="only gatecast's own layers and losses can be saved"):
        Sequential([Input((2,)), layer]).save(tmp_path / "m")
    assert not list(tmp_path.iterdir())


def test_layers_within_layers_are_written_by_name_and_come_back(tmp_path):
    way = (Select((0, 2)), LSTM(4, return_sequences=True, zoneout=(0.1, 0.2)))
    layers = [
        Concatenate((way, (Select((1,)), Embedding(5, 3)))),
        Bidirectional(Dilated(GRU(4, return_sequences=True), 2), "sum"),
        Residual(Bidirectional(LSTM(2, return_sequences=True))),
        BatchNormalization(0.9),
        QuantileHead(1),
    ]
    saved = Sequential([Input((None, 3)), *layers], seed=2)
    saved.save(tmp_path / "m")
    loaded = load_model(tmp_path / "m")
    assert loaded.layers == saved.layers == layers
    x = np.random.default_rng(1).integers(0, 5, (9, 6, 3)).astype(np.float32)
    np.testing.assert_array_equal(loaded.predict(x), saved.predict(x))
    described, arrays = checkpoint.read(tmp_path / "m", "network")
    assert described["layers"][1]["Bidirectional"]["layer"]["Dilated"]["layer"]["GRU"]["units"] == 4
    assert "0.0.1.Wx" in arrays


@pytest.mark.parametrize("keep", [0.0, 0.01, 0.5, 0.9, 0.9999])
def test_a_truncated_file_is_refused(keep, tmp_path):
    path = tmp_path / "m"
    model().save(path)
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * keep)])
    with pytest.raises(FormatError, match="the file cannot be read") as caught:
        Sequential.load(path)
    assert str(path) in str(caught.value)


def test_a_flipped_bit_anywhere_is_noticed(tmp_path):
    path = tmp_path / "m"
    checkpoint.write(path, "example", {"size": 3}, ARRAYS)
    data = path.read_bytes()
    for at in range(len(data)):
        changed = bytearray(data)
        changed[at] ^= 1
        path.write_bytes(changed)
        with pytest.raises(FormatError):
            checkpoint.read(path, "example")


def header(**changes):
    """A well-formed header with some entries changed."""
    return json.dumps({"schema": 1, "kind": "network", "settings": {}, "sha256": ""} | changes)


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"text, not tensors", "the file cannot be read"),
        (save(ARRAYS), "the file is not one of gatecast's"),
        (save(ARRAYS, {"format": "pt"}), "the file is not one of gatecast's"),
        (save(ARRAYS, {"gatecast": "{"}), "the file is not one of gatecast's"),
        (save(ARRAYS, {"gatecast": "[]"}), "the file is not one of gatecast's"),
        (
            save(ARRAYS, {"gatecast": header(schema=2)}),
            "saved by a newer version of gatecast (PATH): got schema 2",
        ),
        (
            save(ARRAYS, {"gatecast": header(kind="panel")}),
            "the file holds something else (PATH): got kind 'panel'",
        ),
        (save(ARRAYS, {"gatecast": header(settings=3)}), "the file's header is not complete"),
        (save(ARRAYS, {"gatecast": header()}), "the file was altered after it was saved"),
    ],
    ids=range(9),
)
def test_a_foreign_or_newer_file_is_refused(data, text, tmp_path):
    path = tmp_path / "m"
    path.write_bytes(data)
    with pytest.raises(FormatError) as caught:
        Sequential.load(path)
    assert text.replace("PATH", str(path)) in str(caught.value)


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
def test_settings_that_describe_no_network_are_refused(settings, arrays, tmp_path):
    checkpoint.write(tmp_path / "m", "network", settings, arrays)
    with pytest.raises(FormatError, match="the file describes no network"):
        Sequential.load(tmp_path / "m")


def test_a_file_that_is_not_there_and_a_folder_are_named(tmp_path):
    for path in (tmp_path / "nothing", tmp_path):
        with pytest.raises(FormatError, match="there is no such file"):
            Sequential.load(path)


def test_files_are_data_and_settings_come_back_as_they_were(tmp_path):
    settings = {"a": [1, 2.5, None, "ü"], "b": {"c": True}}
    checkpoint.write(tmp_path / "m", "example", settings, ARRAYS)
    found, arrays = checkpoint.read(tmp_path / "m", "example")
    assert found == settings
    for name, array in ARRAYS.items():
        np.testing.assert_array_equal(arrays[name], array)
        assert arrays[name].dtype == array.dtype
