"""Shapes of samples as users write them."""

from __future__ import annotations

import numpy as np
import pytest

from gatecast.errors import ConfigError
from gatecast.layers import LSTM, Dense, Input
from gatecast.nn.layers.shapes import feature_count


def test_shapes_given_as_numbers_or_lists_become_tuples():
    assert Input([None, 3]).shape == (None, None, 3)
    assert Input(3).sample_shape == (3,)
    assert Dense(1, input_shape=[5]).input_shape == (5,)
    assert LSTM(np.int64(5)).units == 5


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: Input((24, 0)), r"shape \(Input\): got \(24, 0\)"),
        (lambda: Input((None, 24, 1, 1)), r"batch is not part of the shape"),
        (lambda: Input((24, None)), r"shape \(Input\): got \(24, None\)"),
        (lambda: LSTM(3, input_shape=(1, 2, 3, 4)), r"shape \(LSTM\): got \(1, 2, 3, 4\)"),
    ],
)
def test_impossible_shape_raises_config_error(make, text):
    with pytest.raises(ConfigError, match=text):
        make()


def test_feature_count_of_an_open_shape_raises_config_error():
    with pytest.raises(ConfigError, match=r"number of features: got \(5, None\)"):
        feature_count((5, None))
