"""gatecast and Keras train side by side: every optimizer and loss, on data and weights that are drawn anew."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import witness_keras_training as witness
from keras_mask_cases import CASES, run
from keras_training import equal_losses, equal_outputs, equal_training
from tolerances import rounding

import gatecast


@pytest.fixture(scope="module", params=range(3))
def problem(request):
    """Return other data for the same network."""
    question = witness.problem()
    rng = np.random.default_rng(request.param)
    for name in ("x", "y"):
        question[name] = rng.permutation(np.array(question[name])).tolist()
    return question


def test_every_optimizer_trains_as_keras(problem):
    for case in witness.trainings(problem):
        equal_training(problem, case)


def test_several_outputs_train_and_are_named_as_keras(problem):
    for case in witness.outputs(problem):
        equal_outputs(problem, case)


def test_every_loss_with_weights_trains_as_keras(problem):
    for case in witness.losses(problem):
        equal_losses(problem, case)


@pytest.mark.parametrize(("name", "weights"), CASES)
@pytest.mark.parametrize("seed", range(1, 3))
def test_masked_steps_count_as_in_keras(name, weights, seed):
    expected, found = (run(module, name, weights, seed) for module in (keras, gatecast))
    for key, value in expected.items():
        assert found[key] == pytest.approx(value, rel=rounding(1000))
