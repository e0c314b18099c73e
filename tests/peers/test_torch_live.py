"""gatecast and PyTorch, side by side: outputs, all gradients, one step of SGD and three of Adam.

Letters: N layers, B batch, T time, F features, H hidden.
"""

from __future__ import annotations

import numpy as np
import pytest
import torch
import witness_torch

from answers import (
    assert_lstm,
    assert_training,
    native_lstm,
    reference_lstm,
    reference_training,
    sequential_training,
    training_bounds,
)
from gatecast import recurrent
from tolerances import EPS32, EPS64
from witnesses import draw_inputs, draw_training, draw_weights

torch.set_num_threads(1)


def sizes(seed: int) -> tuple[np.random.Generator, int, int, int, int, int]:
    """Random N, F, H, T, B."""
    rng = np.random.default_rng([seed, 1])
    N, F, H, T, B = (int(rng.integers(1, high)) for high in (4, 7, 70, 30, 50))
    return rng, N, F, H, T, B


@pytest.mark.parametrize("isa", recurrent.isas())
@pytest.mark.parametrize("seed", range(16))
def test_outputs_and_all_gradients_are_those_of_pytorch(seed, isa):
    rng, N, F, H, T, B = sizes(seed)
    weights = draw_weights(rng, N, F, H)
    question = weights | draw_inputs(rng, weights, T, B, stateful=bool(seed % 2))
    want = question | witness_torch.lstm(question)
    before = recurrent.isa()
    recurrent.set_isa(isa)
    try:
        assert_lstm(native_lstm(question), want, EPS32)
    finally:
        recurrent.set_isa(before)
    assert_lstm(reference_lstm(question), want, EPS64)


@pytest.mark.parametrize("form", ["diagonal", "full"])
@pytest.mark.parametrize("seed", range(8))
def test_peepholes_are_what_autograd_makes_of_the_equations(seed, form):
    rng, _, F, H, T, B = sizes(seed)
    weights = draw_weights(rng, 1, F, H, form)
    question = weights | draw_inputs(rng, weights, T, B)
    want = question | witness_torch.peephole_lstm(question)
    assert_lstm(native_lstm(question), want, EPS32)
    assert_lstm(reference_lstm(question), want, EPS64)


@pytest.mark.parametrize(("H", "T", "B"), [(50, 24, 32), (50, 1, 32), (13, 9, 17)])
def test_the_articles_network_takes_the_steps_of_pytorch(H, T, B):
    question = draw_training(np.random.default_rng([H, T, B]), 3, H, T, B)
    want = question | witness_torch.training(question)
    answer, moved = reference_training(question)
    assert_training(answer, want, training_bounds(question, moved, EPS64))
    assert_training(sequential_training(question), want, training_bounds(question, moved, EPS32))
