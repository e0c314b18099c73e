"""Dropout drops its fraction of the values, as a function of its key."""

from __future__ import annotations

import numpy as np
import pytest
from layer_examples import F, T, normal
from tolerances import EPS64, close

from gatecast.errors import ConfigError
from gatecast.kernels.packing import pack
from gatecast.layers import CallContext, Dropout

B = 19
every_form = pytest.mark.parametrize("variational", [False, True])


@every_form
def test_dropout_in_training_drops_its_fraction_and_preserves_the_mean(variational):
    shape = (80, 10, 50, 16)
    n = 80 * 50 * 16 * (1 if variational else 10)
    y, _, _ = Dropout(0.2, variational=variational).forward(
        {}, np.ones(shape, np.float32), CallContext(training=True, key=7)
    )
    assert set(np.unique(y)) == {np.float32(0), np.float32(1) / np.float32(0.8)}
    # Four standard deviations of the fraction of n draws.
    assert abs((y == 0).mean() - 0.2) < 4 * np.sqrt(0.2 * 0.8 / n)
    assert (y == y[:, :1]).all() == variational


@every_form
def test_dropout_depends_on_its_key_and_drops_the_same_values_backward(variational, rng):
    layer, x = Dropout(0.5, variational=variational), pack(normal(rng, B, T, F)) + 10
    y, _, cache = layer.forward({}, x, CallContext(True, key=1))
    other, _, _ = layer.forward({}, x, CallContext(True, key=2))
    dx, _, _ = layer.backward({}, cache, np.ones_like(x), True)
    assert ((y == 0) != (other == 0)).any()
    np.testing.assert_array_equal(dx == 0, y == 0)
    close(dx[dx != 0], np.full((dx != 0).sum(), 2.0), 4 * EPS64)


def test_dropout_outside_training_does_nothing(rng):
    x = pack(normal(rng, B, T, F))
    y, _, cache = Dropout(0.5).forward({}, x, CallContext())
    np.testing.assert_array_equal(y, x)
    np.testing.assert_array_equal(Dropout(0.5).backward({}, cache, x, True)[0], x)


@pytest.mark.parametrize("rate", [1, "a"])
def test_dropout_with_an_impossible_rate_raises_config_error(rate):
    with pytest.raises(ConfigError, match=rf"rate {rate!r} \(Dropout\)"):
        Dropout(rate)


def test_dropout_takes_no_second_argument_by_position():
    # In Keras it is noise_shape.
    with pytest.raises(ConfigError, match="too many positional arguments"):
        Dropout(0.5, (None, 8, 1))
