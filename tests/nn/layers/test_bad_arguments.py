"""What users pass by mistake is named: arguments of layers, shapes, weights and states. Nothing has changed then."""

from __future__ import annotations

import numpy as np
import pytest

from gatecast.constraints import MaxNorm
from gatecast.errors import ConfigError, DataError, GatecastError
from gatecast.layers import GRU, LAYERS, LSTM, Conv1D, Dense, Input
from gatecast.models import Sequential

NAN = np.full((2, 3), np.nan)


@pytest.mark.parametrize("kind", [kind for kind in LAYERS.values()], ids=list(LAYERS))
def test_layer_without_its_arguments_names_them_or_is_made(kind):
    try:
        kind()
    except ConfigError as error:
        assert f"Write {kind.__name__}(" in str(error) or "expected" in str(error)  # noqa: PT017


def test_missing_double_and_superfluous_arguments_are_named():
    with pytest.raises(ConfigError, match=r"Conv1D lacks filters and kernel_size\. Write Conv1D\(filters=\.\.\., k"):
        Conv1D()
    with pytest.raises(ConfigError, match="LSTM has two values for units"):
        LSTM(3, units=3)
    with pytest.raises(ConfigError, match="Dense has too many positional arguments: got 40"):
        Dense(*range(40))


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: Input(batch_shape=5), "Invalid batch_shape"),
        (lambda: Input((3,), name=5), "Invalid name"),
        (lambda: Input((3,), foo=5), "Input has no argument foo"),
        (lambda: Input(shap=(3,)), "Did you mean shape?"),
        (lambda: Input((3,), sparse=True), "Inputs are dense arrays"),
    ],
)
def test_wrong_argument_of_input_is_named(make, text):
    with pytest.raises(ConfigError) as caught:
        make()
    assert text in str(caught.value)


def test_input_takes_arguments_of_keras_that_change_nothing():
    assert Input((3,), sparse=False, ragged=None, dtype="float32") == Input((3,))


@pytest.mark.parametrize(
    "shape", [None, 5, (), (None,), "abc", (None, "a", 1), (None, -1, 2), (None, 24, 1.5), (None, 24, None)]
)
@pytest.mark.parametrize("layer", [LSTM(8), Dense(8), Conv1D(2, 3)], ids=["LSTM", "Dense", "Conv1D"])
def test_shape_that_no_batch_has_is_refused(layer, shape):
    with pytest.raises(ConfigError, match="shape"):
        layer.compute_output_shape(shape)


KERNEL = np.ones((3, 2))


@pytest.mark.parametrize(
    "weights",
    ["abc", 5, None, [1], [KERNEL], [KERNEL, "a"], [KERNEL, None], [KERNEL, [1, [2]]], [KERNEL, [np.nan, 1]]],
)
def test_weights_that_do_not_fit_are_refused_by_layer_and_model(weights):
    layer = Dense(2)
    model = Sequential([Input((3,)), layer], seed=1)
    before = model.weights.vector.copy()
    for owner in (layer, model):
        with pytest.raises(DataError, match="weights"):
            owner.set_weights(weights)
    np.testing.assert_array_equal(model.weights.vector, before)


H, C = np.ones((2, 3)), np.full((2, 3), 2.0)


@pytest.mark.parametrize(
    "states",
    [
        "abc",
        5,
        [],
        [1, 2],
        [H],
        H,
        [H, np.ones((3, 3))],
        [H, np.ones((2, 4))],
        [NAN, C],
        [H, "c"],
        [H, None],
        {},
        [np.ones(3), np.ones(3)],
        [np.ones((0, 3))] * 2,
        {"h": H, "c": C},
    ],
)
def test_states_that_do_not_fit_are_refused(states):
    layer = LSTM(3, stateful=True)
    model = Sequential([Input((4, 1)), layer], seed=1)
    x = np.zeros((2, 4, 1))
    layer.reset_states([H, C])
    expected = model.predict(x)
    layer.reset_states([H, C])
    with pytest.raises(DataError, match="states"):
        layer.reset_states(states)
    np.testing.assert_array_equal(model.predict(x), expected)


def test_states_are_taken_as_a_list_or_as_one_array():
    layers = [GRU(3, stateful=True), LSTM(3, stateful=True)]
    for layer, states in ((layers[0], H), (layers[0], [H]), (layers[1], (H, C)), (layers[1], np.stack([H, C]))):
        model = Sequential([Input((4, 1)), layer], seed=1)
        layer.reset_states(states)
        assert model.predict(np.zeros((2, 4, 1))).any()


@pytest.mark.parametrize(
    ("layer", "text"),
    [
        (Dense(2, kernel_constraint=MaxNorm(2, axis=5)), "Invalid axis of kernel_constraint"),
        (Dense(2, bias_constraint=MaxNorm(2, axis=1)), "Invalid axis of bias_constraint"),
        (Dense(2, bias_initializer="orthogonal"), "does not fit bias"),  # as in Keras
        (Conv1D(2, 3, kernel_initializer="identity"), "does not fit kernel"),
    ],
)
def test_settings_that_do_not_fit_a_weight_are_named_before_training(layer, text):
    with pytest.raises(ConfigError, match=text):
        Sequential([Input((8, 3)), layer]).build()


def test_identity_is_linear():
    for layer in (lambda: Conv1D(2, 3, activation="identity"), lambda: LSTM(2, activation="identity")):
        with pytest.raises(GatecastError, match="Write 'linear', or None"):
            layer()
