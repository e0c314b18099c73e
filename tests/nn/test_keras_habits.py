"""What scripts for Keras do besides building and training: names, aliases, options and checks of types."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

from gatecast import initializers
from gatecast.errors import ConfigError
from gatecast.layers import (
    GRU,
    LSTM,
    BatchNormalization,
    Bidirectional,
    Conv1D,
    Dense,
    Embedding,
    GlobalAveragePooling1D,
    Input,
    LayerNormalization,
    LeakyReLU,
    MaxPooling1D,
    SimpleRNN,
    SpatialDropout1D,
    TimeDistributed,
    add,
    concatenate,
)
from gatecast.models import Model, Sequential, clone_model, load_model


def stacked():
    return Sequential([Input((6, 2)), LSTM(3, return_sequences=True), LSTM(3), Dense(1, name="out")])


@pytest.mark.parametrize(
    ("layer", "name"),
    [
        (Conv1D(2, 3), "conv1d"),
        (MaxPooling1D(), "max_pooling1d"),
        (GlobalAveragePooling1D(), "global_average_pooling1d"),
        (SpatialDropout1D(0.1), "spatial_dropout1d"),
        (SimpleRNN(2), "simple_rnn"),
        (LSTM(2), "lstm"),
        (TimeDistributed(Dense(2)), "time_distributed"),
        (BatchNormalization(), "batch_normalization"),
    ],
)
def test_layers_have_the_names_of_keras(layer, name):
    assert layer.name is None
    model = Sequential([Input((6, 2)), layer])
    assert layer.name == name
    assert model.get_layer(name) is layer


def test_names_are_those_of_the_first_model_and_no_part_of_the_layer(tmp_path):
    model = stacked()
    assert [layer.name for layer in model.layers] == ["lstm", "lstm_1", "out"]
    assert model.layers[1] == LSTM(3)
    assert repr(model.layers[1]) == "LSTM(3)"
    # Layers of two models that have the same names are joined: those of the first keep them.
    joined = Sequential([Input((3,)), Dense(2), Dense(6)])
    first = [layer.name for layer in joined.layers]
    both = Sequential([Input((3,)), joined.layers[0], Dense(4), joined.layers[1]])
    assert [layer.name for layer in joined.layers] == first == ["dense", "dense_1"]
    assert both.get_layer("dense_1") is both.layers[1]
    model.save(tmp_path / "m.gatecast")
    for again in (load_model(tmp_path / "m.gatecast"), pickle.loads(pickle.dumps(model)), clone_model(model)):
        assert [layer.name for layer in again.layers] == ["lstm", "lstm_1", "out"]
        assert repr(again.layers[0]) == repr(model.layers[0])


@pytest.mark.parametrize(
    ("name", "kind"), [("normal", "RandomNormal"), ("uniform", "RandomUniform"), ("zero", "Zeros"), ("one", "Ones")]
)
def test_short_names_of_initializers(name, kind):
    assert type(initializers.get(name)).__name__ == kind
    weights = [
        Sequential([Input((3,)), Dense(2, kernel_initializer=each)], seed=0).get_weights()[0] for each in (name, kind)
    ]
    np.testing.assert_array_equal(*weights)


def test_functions_that_merge_take_the_name():
    a = Input((3,))
    merged = concatenate([a, Dense(2)(a)], name="merge")
    model = Model(a, Dense(1)(add([Dense(5)(a), merged], name="sum")))
    assert model.get_layer("merge").name == "merge"
    assert model.get_layer("sum").name == "sum"


@pytest.mark.parametrize("cls", [Sequential, Model])
def test_sequential_models_are_models(cls):
    assert isinstance(stacked(), Model)
    assert issubclass(cls, Model)
    assert not isinstance(LSTM(3), Model)

    class Own(Model):
        """A model with a method more."""

    assert not isinstance(stacked(), Own)
    assert not issubclass(Sequential, Own)


@pytest.mark.parametrize("method", ["train_step", "test_step", "predict_step", "compute_loss", "call"])
@pytest.mark.parametrize("base", [Sequential, Model])
def test_methods_that_would_not_be_called_are_refused(method, base):
    with pytest.raises(ConfigError, match=f"Own defines {method}, which is not called"):
        type("Own", (base,), {method: stacked})


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda model: model.load_weights("a", by_name=True), "by_name is not available"),
        (lambda model: model.load_weights("a", skip_mismatch=True), "skip_mismatch is not available"),
        (lambda model: model.load_weights("a", by_nam=True), "Did you mean by_name"),
        (lambda model: model.add(Embedding(5, 2, mask_zero=True)), "Pass mask="),
        (lambda model: model.add(Embedding(5, 2, embeddings_initializer="uniform")), r"layer.set_weights\(\[table\]\)"),
        (lambda _: Dense(2, activation=LeakyReLU(0.1)), r"Put the layer behind this one: Dense\(...\), LeakyReLU"),
        (lambda _: Bidirectional(LSTM(2, return_state=True)), "two layers, one of them with go_backwards=True"),
        (lambda _: Sequential([Input((3, 4, 4)), Dense(2)]).build(), r"Write TimeDistributed\(Dense\(2\)\)"),
        (lambda _: Sequential([Input((3, 4, 4)), LayerNormalization()]).build(), "Write TimeDistributed"),
        (lambda _: Input((None,), dtype="int32"), r"Write Input\(\(None, 1\)\)"),
    ],
)
def test_what_is_not_available_says_what_to_write(call, text):
    with pytest.raises(ConfigError, match=text):
        call(stacked())


@pytest.mark.parametrize("name", ["trainable_weights", "trainable_variables", "non_trainable_weights", "variables"])
def test_weights_of_layers_have_advice(name):
    with pytest.raises(AttributeError, match="get_weights"):
        getattr(stacked().layers[0], name)


def test_arguments_of_older_scripts_are_read():
    assert LeakyReLU(alpha=0.2) == LeakyReLU(0.2)
    assert Embedding(5, 2, input_length=30) == Embedding(5, 2)


@pytest.mark.parametrize(("units", "shape"), [(4, (20, 4, 1)), (1, (20, 1, 1))])
def test_targets_may_have_an_axis_of_one_behind_the_last(units, shape):
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(20, 6, 2)), rng.normal(size=shape)
    losses = []
    for targets in (y, y[..., 0]):
        model = Sequential([Input((6, 2)), GRU(3), Dense(units)], seed=0)
        model.compile("sgd", "mse")
        losses.append(model.fit(x, targets, epochs=2, verbose=0).history["loss"])
    assert losses[0] == losses[1]


def test_models_whose_input_is_unknown_take_it_from_the_data():
    x = np.random.default_rng(0).normal(size=(4, 6, 2)).astype(np.float32)
    trained = stacked()
    features = Sequential(trained.layers[:-1]).predict(x)
    np.testing.assert_array_equal(features, Model(trained.inputs, trained.layers[1].output).predict(x))
    model = Sequential([LSTM(3), Dense(1)])
    model.compile("sgd", "mse")
    assert np.isfinite(model.evaluate(x, x[:, 0, :1]))
    assert model(x).numpy().shape == (4, 1)


def test_a_class_of_layers_may_have_a_name():
    class Mine(Dense):
        name = "mine"

    layer = Mine(2)
    model = Sequential([Input((3,)), layer])
    assert layer.name == "mine"
    assert model.get_layer("mine") is layer
