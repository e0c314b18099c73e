"""Layers and functional models in Keras' words and Keras' own, side by side."""

from __future__ import annotations

import pytest
from keras_checks import assert_layer, assert_model
from keras_layer_cases import CASES
from keras_model_cases import MODELS
from witness_keras_layers import layer_record
from witness_keras_models import model_record


@pytest.mark.parametrize("name", CASES)
def test_layer_equals_that_of_keras(name):
    assert_layer(CASES[name], layer_record(name))


@pytest.mark.parametrize("name", MODELS)
def test_model_equals_that_of_keras(name):
    assert_model(name, model_record(name))
