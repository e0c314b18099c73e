"""Select picks features, and the last step that is not masked."""

from __future__ import annotations

import numpy as np
import pytest
from layer_examples import F, T, normal

from gatecast.errors import ConfigError
from gatecast.kernels.packing import pack, pack_mask, unpack
from gatecast.layers import CallContext, Select
from gatecast.nn.layers.select import last_step, last_step_backward


@pytest.mark.parametrize("count", [2, 19])
def test_select_picks_features_and_the_last_step_that_is_not_masked(count, rng):
    x, lengths = normal(rng, count, T, F), rng.integers(1, T + 1, count)
    mask = np.arange(T) < lengths[:, None]
    every, _, _ = Select((2, 0)).forward({}, pack(x), CallContext())
    np.testing.assert_array_equal(unpack(every, count), x[:, :, [2, 0]])
    plain, _, _ = Select((1,), last=True).forward({}, pack(x), CallContext())
    np.testing.assert_array_equal(unpack(plain, count), x[:, -1:, 1:2])
    masked = CallContext(mask=pack_mask(mask))
    last, _, cache = Select((1,), last=True).forward({}, pack(x), masked)
    np.testing.assert_array_equal(unpack(last, count)[:, 0, 0], x[np.arange(count), lengths - 1, 1])
    dx, _, _ = Select((1,), last=True).backward({}, cache, pack(np.ones((count, 1, 1))), True)
    expected = np.zeros_like(x)
    expected[np.arange(count), lengths - 1, 1] = 1
    np.testing.assert_array_equal(unpack(dx, count), expected)


def test_last_step_of_a_fully_masked_sequence_is_its_end(rng):
    x = pack(normal(rng, 2, T, F))
    last, steps = last_step(x, np.zeros((2, T, 1), np.float32))
    np.testing.assert_array_equal(last, x[:, -1:])
    assert not last_step_backward(last, steps, T)[:, :-1].any()


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: Select(()), r"features \(Select\): got \(\), expected a tuple of different indices from 0"),
        (lambda: Select(3), r"features \(Select\): got 3"),
        (lambda: Select((1, 1)), r"features \(Select\): got \(1, 1\)"),
        (lambda: Select((-1,)), r"features \(Select\): got \(-1,\)"),
        (lambda: Select((3,)).output_shape((24, 3)), r"features \(Select\): got index 3 for an input of 3 features"),
        (lambda: Select((0,), last=True).output_shape((3,)), r"\(Select.*got \(3,\), expected \(time, features\)"),
    ],
)
def test_select_with_impossible_settings_raises_config_error(make, text):
    with pytest.raises(ConfigError, match=text):
        make()
