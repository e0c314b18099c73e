"""Layers in Keras' words and Keras' own, side by side."""

from __future__ import annotations

import pytest
from keras_layer_cases import CASES
from test_keras_layers import assert_layer
from witness_keras_layers import layer_record


@pytest.mark.parametrize("name", CASES)
def test_layer_equals_that_of_keras(name):
    assert_layer(CASES[name], layer_record(name))
