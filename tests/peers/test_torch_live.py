"""gatecast and PyTorch, side by side: outputs, all gradients, weights in and out, one step of SGD and three of Adam.

Letters: N layers, B batch, T time, F features, H units, R outputs of a projection, M outputs of Dense.
"""

from __future__ import annotations

import numpy as np
import pytest
import torch
import witness_torch
from reference_implementations import (
    assert_exchange,
    assert_stack,
    assert_training,
    exchanged,
    native_stack,
    reference_stack,
    reference_training,
    sequential_training,
    torch_exchange,
    training_bounds,
)
from tolerances import EPS32, EPS64
from witnesses import TORCH_KINDS, draw_inputs, draw_training, draw_weights, part

from gatecast.kernels import runtime

torch.set_num_threads(1)


def sizes(seed: int) -> tuple[np.random.Generator, int, int, int, int, int]:
    """Random N, F, H, T, B."""
    rng = np.random.default_rng([seed, 1])
    N, F, H, T, B = (int(rng.integers(1, high)) for high in (4, 7, 70, 30, 50))
    return rng, N, F, H, T, B


@pytest.mark.parametrize("isa", runtime.available_isas())
@pytest.mark.parametrize("cell", ["lstm", "projection", "gru", "rnn", "rnn_relu"])
@pytest.mark.parametrize("seed", range(10))
def test_outputs_and_all_gradients_are_those_of_pytorch(seed, cell, isa):
    rng, N, F, H, T, B = sizes(seed)
    # PyTorch's projection must be smaller than H.
    H, projection = (max(H, 2), int(rng.integers(1, max(H, 2)))) if cell == "projection" else (H, None)
    cell = "lstm" if cell == "projection" else cell
    weights = draw_weights(rng, N, F, H, None, cell, projection)
    question = weights | draw_inputs(rng, weights, T, B, stateful=bool(seed % 2), cell=cell)
    want = question | witness_torch.stack(question, cell)
    before = runtime.isa()
    runtime.set_isa(isa)
    try:
        assert_stack(native_stack(question, cell), want, EPS32)
    finally:
        runtime.set_isa(before)
    assert_stack(reference_stack(question, cell), want, EPS64)


@pytest.mark.parametrize("form", ["diagonal", "full"])
@pytest.mark.parametrize("seed", range(8))
def test_peepholes_are_what_autograd_makes_of_the_equations(seed, form):
    rng, _, F, H, T, B = sizes(seed)
    weights = draw_weights(rng, 1, F, H, form)
    question = weights | draw_inputs(rng, weights, T, B)
    want = question | witness_torch.peephole_lstm(question)
    assert_stack(native_stack(question), want, EPS32)
    assert_stack(reference_stack(question), want, EPS64)


@pytest.mark.parametrize(("H", "T", "B"), [(50, 24, 32), (50, 1, 32), (13, 9, 17)])
def test_the_articles_network_takes_the_steps_of_pytorch(H, T, B):
    question = draw_training(np.random.default_rng([H, T, B]), 3, H, T, B)
    want = question | witness_torch.training(question)
    answer, moved = reference_training(question)
    assert_training(answer, want, training_bounds(question, moved, EPS64))
    assert_training(sequential_training(question), want, training_bounds(question, moved, EPS32))


@pytest.mark.parametrize("name", TORCH_KINDS)
@pytest.mark.parametrize("seed", range(3))
def test_a_state_dict_comes_in_takes_a_step_and_goes_out(name, seed):
    rng = np.random.default_rng([seed, 3])
    record = witness_torch.exchange(rng, TORCH_KINDS[name], int(rng.integers(1, 5)), int(rng.integers(1, 4)))
    # PyTorch keeps two biases of an RNN and an LSTM, and each takes the step; of a GRU they are two for gatecast too.
    assert_exchange(torch_exchange(record, TORCH_KINDS[name]), record, EPS32, two_biases="gru" not in name)


@pytest.mark.parametrize("name", TORCH_KINDS)
def test_tensors_go_in_and_what_comes_out_is_a_state_dict(name):
    kind, F, M = TORCH_KINDS[name], 3, 2
    net, other = witness_torch.TwoLayers(kind, F, M), witness_torch.TwoLayers(kind, F, M)
    model, x = exchanged(kind, F, M), np.random.default_rng(4).normal(size=(7, 5, F)).astype(np.float32)
    state = dict(net.named_parameters())  # tensors that want gradients
    model.load_torch(state)
    want = net(torch.tensor(x, dtype=torch.float64)).detach().numpy()
    np.testing.assert_allclose(model.predict(x), want, rtol=0, atol=1e-5)
    out = model.to_torch()
    words = {"lstm": "lstm", "gru": "gru", "rnn": "rnn", "rnn_relu": "rnn"}
    assert {entry.partition(".")[0] for entry in out} == {words[kind.cell], "linear"}
    named = {
        entry.replace(f"{words[kind.cell]}.", "first.").replace("linear.", "second."): a for entry, a in out.items()
    }
    assert list(named) == list(net.state_dict())
    other.load_state_dict({entry: torch.from_numpy(array) for entry, array in named.items()})
    np.testing.assert_allclose(other(torch.tensor(x, dtype=torch.float64)).detach().numpy(), want, rtol=0, atol=1e-5)


@pytest.mark.parametrize("half", [torch.float16, torch.bfloat16])
def test_half_precision_comes_in(half):
    net = witness_torch.TwoLayers(TORCH_KINDS["lstm"], 3, 2).to(half)
    model = exchanged(TORCH_KINDS["lstm"], 3, 2)
    model.load_torch(net.state_dict())
    back = part({f"a.{n}": w for n, w in model.to_torch(net.state_dict()).items()}, "a")
    np.testing.assert_array_equal(back["first.weight_ih_l0"], net.first.weight_ih_l0.detach().float().numpy())
