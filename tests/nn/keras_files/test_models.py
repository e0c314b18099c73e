"""Models of Keras 3 and 2: predictions are those of Keras, and what the models were compiled with."""

from __future__ import annotations

import sys

import numpy as np
import pytest
from keras_file_cases import GOLDEN, KERAS_2, NAMES, altered_archive, numbers, write_keras_2

from gatecast.errors import ConfigError, FormatError
from gatecast.layers import GRU, LSTM, Bidirectional, Concatenate, Dense, Dropout, Input
from gatecast.losses import LogCosh
from gatecast.models import Model, Sequential, load_model
from gatecast.optimizers import SGD, Adam
from gatecast.optimizers.schedules import ExponentialDecay


def close(actual, expected):
    """Equal to 1e-6 of the largest value."""
    np.testing.assert_allclose(actual, expected, rtol=1e-6, atol=1e-6 * np.abs(expected).max())


def test_without_h5py_an_error_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "h5py", None)
    text = "Files of Keras need the library h5py, which is not installed. Install it: pip install 'gatecast[keras]'"
    for name in ("gru.keras", "gru.h5"):
        with pytest.raises(ConfigError) as caught:
            load_model(GOLDEN / name)
        assert str(caught.value) == text
    with pytest.raises(ConfigError, match="pip install"):
        Sequential([Input((6, 2)), LSTM(4)]).load_weights(GOLDEN / "lstm_stack.weights.h5")


@pytest.mark.parametrize("suffix", [".keras", ".h5"])
@pytest.mark.parametrize("name", NAMES)
def test_predictions_are_those_of_keras(name, suffix):
    pytest.importorskip("h5py")
    x, expected = numbers(name)
    model = load_model(GOLDEN / f"{name}{suffix}")
    close(model.predict(x), expected)
    assert (type(model) is Model) == (name == "two_inputs")
    assert isinstance(model, Model)


@pytest.mark.parametrize(
    "path", sorted(path for path in KERAS_2.iterdir() if path.stem != "predictions"), ids=lambda path: path.name
)
def test_predictions_are_those_of_keras_2(path):
    pytest.importorskip("h5py")
    x, expected = numbers(path.stem, KERAS_2)
    model = load_model(path)
    close(model.predict(x), expected)
    if path.stem == "lstm_stack":
        rate = ExponentialDecay(0.01, 100, 0.9, name=None)
        assert model.optimizer == Adam(rate, clipnorm=1.0, name="Adam")
        assert model.metrics_names == ["loss", "mae"]


@pytest.mark.parametrize("suffix", [".keras", ".h5"])
def test_a_compiled_model_is_compiled_again(suffix):
    pytest.importorskip("h5py")
    model = load_model(GOLDEN / f"lstm_stack{suffix}")
    assert model.optimizer == Adam(ExponentialDecay(0.01, 100, 0.9), clipnorm=1.0, name="adam")
    assert isinstance(model._compiled.loss, LogCosh)
    assert model.metrics_names == ["loss", "mae"]
    x, y = numbers("lstm_stack")
    history = model.fit(x, y + 1, epochs=5)
    assert history.history["loss"][-1] < history.history["loss"][0]
    assert load_model(GOLDEN / f"lstm_stack{suffix}", compile=False)._compiled is None
    assert load_model(GOLDEN / f"gru{suffix}")._compiled is None


@pytest.mark.parametrize(
    ("part", "value", "text"),
    [
        ("optimizer", {"class_name": "Lion", "module": "keras.optimizers", "config": {}}, "optimizer Lion"),
        ("loss", "my_loss", "my_loss"),
        ("loss", {"class_name": "Mine", "module": "mine", "registered_name": "mine>Mine", "config": {}}, "mine>Mine"),
        ("metrics", ["my_metric"], "my_metric"),
        ("metrics", [{"class_name": "AUC", "config": {"name": "auc"}}], "AUC"),
    ],
)
def test_what_does_not_exist_here_leaves_the_model_uncompiled(part, value, text, tmp_path):
    pytest.importorskip("h5py")
    path = altered_archive(
        tmp_path / "a.keras", "lstm_stack", lambda config: config["compile_config"].update({part: value})
    )
    with pytest.warns(UserWarning, match="The model is not compiled") as caught:
        model = load_model(path)
    assert text in str(caught[0].message)
    assert model._compiled is None
    close(model.predict(numbers("lstm_stack")[0]), numbers("lstm_stack")[1])


def test_a_loaded_model_is_saved_and_loaded_in_the_format_of_gatecast(tmp_path):
    pytest.importorskip("h5py")
    for name in ("lstm_stack", "two_inputs"):
        model = load_model(GOLDEN / f"{name}.keras")
        model.save(tmp_path / "m.gatecast")
        x, _ = numbers(name)
        np.testing.assert_array_equal(load_model(tmp_path / "m.gatecast").predict(x), model.predict(x))


def keras_2_layer(kind, /, **config):
    """A layer as Keras 2 describes it."""
    return {"class_name": kind, "config": config}


def test_a_sequential_model_of_keras_2(tmp_path):
    pytest.importorskip("h5py")
    model = Sequential([Input((6, 2)), LSTM(3, return_sequences=True), Dropout(0.2), Bidirectional(GRU(2)), Dense(1)])
    arrays = model.get_weights()
    names = ["kernel", "recurrent_kernel", "bias"]
    initializer = {"class_name": "GlorotUniform", "config": {"seed": None}}
    lstm = keras_2_layer(
        "LSTM", name="lstm", trainable=True, batch_input_shape=[None, 6, 2], dtype="float32", units=3, unroll=False,
        activation="tanh", recurrent_activation="sigmoid", return_sequences=True, implementation=2, time_major=False,
        kernel_initializer=initializer, kernel_regularizer={"class_name": "L1L2", "config": {"l1": 0.0, "l2": 0.1}},
    )  # fmt: skip
    gru = keras_2_layer("GRU", name="gru", units=2, reset_after=True, implementation=1, dropout=0.0)
    layers = [
        lstm,
        keras_2_layer("Dropout", name="dropout", rate=0.2, noise_shape=None, seed=None),
        keras_2_layer("Bidirectional", name="bidirectional", merge_mode="concat", layer=gru),
        keras_2_layer("Dense", name="dense", units=1, activation="linear"),
    ]
    weights = {
        "lstm": dict(zip(names, arrays[:3], strict=True)),
        "dropout": {},
        "bidirectional": {f"{way}/{n}": a for (way, n), a in zip(
            [(way, n) for way in ("forward_gru", "backward_gru") for n in names], arrays[3:9], strict=True)},
        "dense": {"kernel": arrays[9], "bias": arrays[10]},
    }  # fmt: skip
    training = {
        "loss": {"class_name": "MeanSquaredError", "config": {"reduction": "auto", "name": "mean_squared_error"}},
        "metrics": [[{"class_name": "MeanMetricWrapper", "config": {"name": "error", "fn": "mean_absolute_error"}}]],
        "weighted_metrics": None,
        "loss_weights": None,
        "optimizer_config": {"class_name": "SGD", "config": {"learning_rate": 0.1, "decay": 0.0, "momentum": 0.5}},
    }
    x = np.random.default_rng(0).normal(size=(3, 6, 2))
    config = {"name": "mine", "layers": layers}
    path = write_keras_2(tmp_path / "a.h5", keras_2_layer("Sequential", **config), weights, training)
    loaded = load_model(path)
    np.testing.assert_array_equal(loaded.predict(x), model.predict(x))
    assert (loaded.name, loaded.optimizer, loaded.metrics_names) == ("mine", SGD(0.1, 0.5), ["loss", "error"])
    assert loaded.layers[0].kernel_regularizer.l2 == 0.1
    path = write_keras_2(tmp_path / "b.h5", {"class_name": "Sequential", "config": layers}, weights)
    np.testing.assert_array_equal(load_model(path).predict(x), model.predict(x))


def test_a_functional_model_of_keras_2(tmp_path):
    pytest.importorskip("h5py")
    a, b = Input((6, 2), name="a"), Input((3,), name="b")
    model = Model([a, b], Dense(1)(Concatenate()([LSTM(3)(a), b])))
    arrays = model.get_weights()
    config = {
        "layers": [
            keras_2_layer("InputLayer", batch_input_shape=[None, 6, 2], name="a") | {"inbound_nodes": []},
            keras_2_layer("InputLayer", batch_input_shape=[None, 3], name="b") | {"inbound_nodes": []},
            keras_2_layer("LSTM", units=3, name="c") | {"inbound_nodes": [[["a", 0, 0, {}]]]},
            keras_2_layer("Concatenate", axis=-1, name="d") | {"inbound_nodes": [[["c", 0, 0, {}], ["b", 0, 0, {}]]]},
            keras_2_layer("Dense", units=1, name="e") | {"inbound_nodes": [[["d", 0, 0, {}]]]},
        ],
        "input_layers": [["a", 0, 0], ["b", 0, 0]],
        "output_layers": [["e", 0, 0]],
    }
    names = ["kernel", "recurrent_kernel", "bias"]
    weights = {"c": dict(zip(names, arrays[:3], strict=True)), "e": {"kernel": arrays[3], "bias": arrays[4]}}
    path = write_keras_2(tmp_path / "a.h5", {"class_name": "Model", "config": config}, weights)
    rng = np.random.default_rng(0)
    x = [rng.normal(size=(2, 6, 2)), rng.normal(size=(2, 3))]
    np.testing.assert_array_equal(load_model(path).predict(x), model.predict(x))
    config["layers"][4]["inbound_nodes"] = [[["e", 0, 0, {}]]]
    write_keras_2(path, {"class_name": "Model", "config": config}, weights)
    with pytest.raises(FormatError, match="the layer 'e' reads an output that is not there"):
        load_model(path)


@pytest.mark.parametrize("keys", [None, ("z", "a")], ids=["list", "dict"])
def test_a_model_with_several_outputs_is_compiled_as_stored(keys, tmp_path):
    pytest.importorskip("h5py")
    x = Input((6, 2), name="x")
    h = LSTM(3)(x)
    model = Model(x, [Dense(2, name="mean")(h), Dense(1, name="spread")(h)])
    kernels = {name: model.get_layer(name).get_weights() for name in ("lstm", "mean", "spread")}
    first, second = keys or ("mean", "spread")
    ends = [["mean", 0, 0], ["spread", 0, 0]]
    config = {
        "layers": [
            keras_2_layer("InputLayer", batch_input_shape=[None, 6, 2], name="x") | {"inbound_nodes": []},
            keras_2_layer("LSTM", units=3, name="lstm") | {"inbound_nodes": [[["x", 0, 0, {}]]]},
            keras_2_layer("Dense", units=2, name="mean") | {"inbound_nodes": [[["lstm", 0, 0, {}]]]},
            keras_2_layer("Dense", units=1, name="spread") | {"inbound_nodes": [[["lstm", 0, 0, {}]]]},
        ],
        "input_layers": [["x", 0, 0]],
        "output_layers": ends if keys is None else dict(zip(keys, ends, strict=True)),
    }
    training = {
        "loss": {first: "mse", second: {"class_name": "MeanAbsoluteError", "config": {"name": "any"}}},
        "metrics": {second: [{"class_name": "MeanMetricWrapper", "config": {"name": "error", "fn": "mae"}}, "mse"]},
        "weighted_metrics": None,
        "loss_weights": {first: 1.0, second: 0.5},
        "optimizer_config": {"class_name": "SGD", "config": {"learning_rate": 0.1}},
    }
    names = ["kernel", "recurrent_kernel", "bias"]
    weights = {"lstm": dict(zip(names, kernels.pop("lstm"), strict=True))}
    weights |= {name: {"kernel": arrays[0], "bias": arrays[1]} for name, arrays in kernels.items()}
    loaded = load_model(write_keras_2(tmp_path / "a.h5", {"class_name": "Model", "config": config}, weights, training))
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(4, 6, 2)), [rng.normal(size=(4, 2)), rng.normal(size=(4, 1))]
    mean, spread = model.predict(x)
    predicted = loaded.predict(x)
    np.testing.assert_array_equal(predicted[1 if keys is None else second], spread)
    values = loaded.evaluate(x, {first: y[0], second: y[1]}, return_dict=True)
    losses = np.square(mean - y[0]).mean(), np.abs(spread - y[1]).mean()
    expected = {"loss": losses[0] + 0.5 * losses[1], f"{first}_loss": losses[0], f"{second}_loss": losses[1]}
    expected |= {f"{second}_error": losses[1], f"{second}_mse": np.square(spread - y[1]).mean()}
    assert list(values) == sorted(expected)
    close(list(values.values()), np.array([expected[name] for name in values]))
