"""Optimizers as data."""

from __future__ import annotations

import numpy as np
import pytest
from optimizer_examples import every_config, gradients, run

from gatecast.errors import ConfigError
from gatecast.optim import from_config, scale_by_learning_rate, to_config


@every_config
def test_from_config_inverts_to_config(transform, rng):
    again = from_config(to_config(transform))
    assert again == transform
    gs, start = gradients(rng), rng.normal(size=37).astype(np.float32)
    np.testing.assert_array_equal(run(again, gs, start)[0], run(transform, gs, start)[0])


def test_to_config_of_a_function_of_the_user_raises():
    with pytest.raises(ConfigError, match="Cannot save the learning rate <function"):
        to_config(scale_by_learning_rate(lambda step: 1.0 / (step + 1)))


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: from_config({"exec": {}}), "Invalid description of an optimizer: got {'exec': {}}"),
        (lambda: from_config({}), "Invalid description of an optimizer"),
        (lambda: from_config({"clip": {"x": 1}}), "Invalid settings of clip: got {'x': 1}"),
    ],
)
def test_invalid_settings_are_named(make, text):
    with pytest.raises(ConfigError) as caught:
        make()
    assert text in str(caught.value)
