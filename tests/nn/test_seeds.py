"""Seeds of models that are built without one."""

from __future__ import annotations

import random

import numpy as np
import pytest

from gatecast.backend import clear_session
from gatecast.errors import ConfigError
from gatecast.layers import Dense, Input
from gatecast.models import Sequential
from gatecast.utils import set_random_seed


@pytest.fixture(autouse=True)
def cleared():
    """Leave no seed behind."""
    yield
    clear_session()


def weights(**arguments):
    """Return the weights of a new model."""
    return Sequential([Input((3,)), Dense(2)], **arguments).weights.vector


def test_without_a_seed_every_model_has_the_seed_0():
    np.testing.assert_array_equal(weights(), weights(seed=0))
    np.testing.assert_array_equal(weights(), weights())


def test_models_after_set_random_seed_differ_from_each_other_and_come_back():
    runs = []
    for seed in (7, 7, 8):
        set_random_seed(seed)
        runs.append([weights(), weights(), random.random(), np.random.rand()])  # noqa: NPY002
    for one, two in zip(runs[0], runs[1], strict=True):
        np.testing.assert_array_equal(one, two)
    assert (runs[0][0] != runs[0][1]).any()
    assert (runs[0][0] != runs[2][0]).any()
    np.testing.assert_array_equal(runs[0][0], weights(seed=7))


def test_clear_session_forgets_the_seed():
    set_random_seed(7)
    clear_session()
    np.testing.assert_array_equal(weights(), weights(seed=0))


def test_a_seed_is_a_number():
    with pytest.raises(ConfigError, match="Invalid seed 'a'"):
        set_random_seed("a")
