"""gatecast and Keras, side by side: outputs under masks, all gradients, weights, predictions, SGD and Adam.

Letters: N layers, B batch, T time, F features, H units, M outputs.
"""

from __future__ import annotations

import numpy as np
import pytest
import witness_keras
from reference_implementations import (
    assert_exchange,
    assert_network,
    assert_stack,
    assert_training,
    keras_exchange,
    native_stack,
    reference_network,
    reference_stack,
    reference_training,
    sequential_predictions,
    sequential_training,
    training_bounds,
)
from tolerances import EPS32
from witnesses import GATES, KERAS_KINDS, Record, draw, draw_inputs, draw_training, draw_weights, padding


def sizes(seed: int) -> tuple[np.random.Generator, int, int, int, int, int]:
    """Random N, F, H, T, B."""
    rng = np.random.default_rng([seed, 2])
    N, F, H, T, B = (int(rng.integers(1, high)) for high in (4, 7, 70, 20, 50))
    return rng, N, F, H, T, B


def random_mask(rng: np.random.Generator, side: str, T: int, B: int) -> np.ndarray:
    """Padding on a side, or steps missing anywhere but at the start."""
    if side != "anywhere":
        return padding(T, rng.integers(1, T + 1, B).tolist(), side)
    mask = rng.random((B, T)) < 0.7
    mask[:, 0] = True
    return mask


@pytest.mark.parametrize("side", [None, "right", "left", "anywhere"])
@pytest.mark.parametrize("cell", GATES)
@pytest.mark.parametrize("seed", range(4))
def test_outputs_and_all_gradients_are_those_of_keras(seed, cell, side):
    rng, N, F, H, T, B = sizes(seed)
    weights = draw_weights(rng, N, F, H, cell=cell)
    # Keras gives 0 as the output of a step that is skipped before any other, gatecast the given h0.
    question = weights | draw_inputs(rng, weights, T, B, stateful=side != "left" and seed % 2 == 0, cell=cell)
    if side is not None:
        question["mask"] = random_mask(rng, side, T, B)
    want = question | witness_keras.stack(question, cell)
    assert_stack(reference_stack(question, cell), want, EPS32)
    assert_stack(native_stack(question, cell), want, 2 * EPS32)


@pytest.mark.parametrize("masking", [False, True])
@pytest.mark.parametrize("seed", range(4))
def test_networks_predict_with_the_weights_of_keras_what_keras_predicts(seed, masking):
    rng, N, F, H, T, B = sizes(seed + 100)
    M = int(rng.integers(1, 5))
    question: Record = draw_weights(rng, N, F, H) | {"x": draw(rng, B, T, F)}
    question |= {f"weights.{N}.W": draw(rng, H, M, scale=H**-0.5), f"weights.{N}.b": draw(rng, M)}
    if masking:
        question["mask"] = random_mask(rng, "left" if seed % 2 else "right", T, B)
        question["x"] = np.where(question["mask"][:, :, None], question["x"], np.float32(0))
    want = question | witness_keras.predictions(question, masking=masking)
    weights = [want[name] for name in sorted(want) if name.startswith("keras.")]
    assert_network(reference_network(question), want, EPS32)
    assert_network(sequential_predictions(question, weights), want, 2 * EPS32)


@pytest.mark.parametrize(("H", "T", "B"), [(50, 24, 32), (50, 1, 32), (13, 9, 17)])
def test_the_articles_network_takes_the_steps_of_keras(H, T, B):
    question = draw_training(np.random.default_rng([H, T, B]), 3, H, T, B, epsilon=1e-7)
    want = question | witness_keras.training(question)
    answer, moved = reference_training(question, keras=True)
    bounds = training_bounds(question, moved, EPS32)
    assert_training(answer, want, bounds)
    # Both have rounding errors, and epsilon stands in different places.
    apart = {n: np.abs(a - reference_training(question)[0][n]) for n, a in answer.items()}
    assert_training(sequential_training(question, keras=True), want, {n: 2 * b + apart[n] for n, b in bounds.items()})


@pytest.mark.parametrize("name", KERAS_KINDS)
def test_a_list_of_weights_comes_in_takes_a_step_and_goes_out(name):
    rng = np.random.default_rng([5, len(name)])
    record = witness_keras.exchange(rng, KERAS_KINDS[name], int(rng.integers(1, 5)), int(rng.integers(1, 4)))
    assert_exchange(keras_exchange(record, KERAS_KINDS[name]), record, 2 * EPS32)
