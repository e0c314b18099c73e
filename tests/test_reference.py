"""The definition is right: its gradients are those of its values, its values those of the equations.

Letters: B batch, T time, F features, H hidden.
"""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatecast import reference
from tolerances import EPS64, close, difference, rounding, step

FORMS = [None, "diagonal", "full"]


def example(seed: int, B: int, T: int, F: int, H: int, form: str | None) -> tuple[dict, dict]:
    """Random parameters, inputs and states."""
    rng = np.random.default_rng(seed)
    params = {
        "Wx": rng.normal(size=(F, 4 * H)),
        "Wh": rng.normal(size=(H, 4 * H)),
        "b": rng.normal(size=4 * H),
    }
    if form is not None:
        params["P"] = rng.normal(size=3 * H if form == "diagonal" else (H, 3 * H))
    data = {"x": rng.normal(size=(B, T, F)), "h0": rng.normal(size=(B, H)), "c0": rng.normal(size=(B, H))}
    return params, data


@given(
    st.integers(0, 9), st.integers(1, 3), st.integers(1, 4), st.integers(1, 2), st.integers(1, 3),
    st.sampled_from(FORMS), st.booleans(),
)  # fmt: skip
def test_every_gradient_of_the_lstm_is_a_difference_quotient(seed, B, T, F, H, form, masked):
    params, data = example(seed, B, T, F, H, form)
    rng = np.random.default_rng(seed + 100)
    mask = rng.random((B, T)) < 0.6 if masked else None
    dy, dhT, dcT = rng.normal(size=(B, T, H)), rng.normal(size=(B, H)), rng.normal(size=(B, H))

    def loss() -> tuple[float, dict]:
        y, (hT, cT), cache = reference.lstm_forward(params, **data, mask=mask)
        return float((y * dy).sum() + (hT * dhT).sum() + (cT * dcT).sum()), cache

    value, cache = loss()
    dx, (dh0, dc0), grads = reference.lstm_backward(params, cache, dy, dhT, dcT)
    assert grads.keys() == params.keys()
    found = grads | {"x": dx, "h0": dh0, "c0": dc0}
    size = max(1.0, abs(value), float(np.abs(dy).sum() + np.abs(dhT).sum() + np.abs(dcT).sum()))
    for name, array in (params | data).items():
        quotient = np.zeros_like(array)
        for at in np.ndindex(array.shape):
            kept = array[at]
            array[at] = kept + step()
            above = loss()[0]
            array[at] = kept - step()
            quotient[at] = (above - loss()[0]) / (2 * step())
            array[at] = kept
        close(found[name], quotient, difference(), scale=size)


def test_one_step_by_hand():
    params = {"Wx": [[1.0, 2.0, 3.0, 0.5]], "Wh": [[0.1, 0.2, 0.3, 0.4]], "b": [0.0, 1.0, 0.0, 0.0]}
    y, (hT, cT), cache = reference.lstm_forward(params, [[[1.0]]], [[0.5]], [[2.0]])
    i, f, o = (1 / (1 + np.exp(-z)) for z in (1.05, 3.1, 3.15))
    c = f * 2.0 + i * np.tanh(0.7)
    close([cT.item(), hT.item()], [c, o * np.tanh(c)], rounding(10, EPS64))
    assert y.shape == (1, 1, 1)
    close(cache["i"].item(), i, rounding(10, EPS64))


def test_the_output_gate_sees_the_new_memory_through_a_diagonal_and_the_old_one_through_a_full_peephole():
    base = {"Wx": np.ones((1, 4)), "Wh": np.zeros((1, 4)), "b": np.zeros(4)}
    gate = {}
    for form, P in (("diagonal", np.array([0.0, 0.0, 1.0])), ("full", np.array([[0.0, 0.0, 1.0]]))):
        _, (_, cT), cache = reference.lstm_forward(base | {"P": P}, [[[1.0]]], None, [[3.0]])
        gate[form] = cache["o"].item()
    new_memory = cT.item()
    close(gate["diagonal"], reference.sigmoid(np.array(1.0 + new_memory)), rounding(10, EPS64))
    close(gate["full"], reference.sigmoid(np.array(1.0 + 3.0)), rounding(10, EPS64))


@pytest.mark.parametrize("form", ["diagonal", "full"])
def test_zero_peepholes_change_nothing(form):
    params, data = example(1, 3, 4, 2, 3, None)
    P = np.zeros(9) if form == "diagonal" else np.zeros((3, 9))
    np.testing.assert_array_equal(
        reference.lstm_forward(params | {"P": P}, **data)[0], reference.lstm_forward(params, **data)[0]
    )


def test_a_full_peephole_with_a_diagonal_matrix_differs_in_the_output_gate_only():
    params, data = example(2, 2, 1, 2, 3, None)
    p = np.random.default_rng(5).normal(size=(3, 3))
    full = np.concatenate([np.diag(row) for row in p], axis=1)
    one = reference.lstm_forward(params | {"P": p.ravel()}, **data)[2]
    two = reference.lstm_forward(params | {"P": full}, **data)[2]
    for name in ("i", "f", "g", "c"):
        close(one[name], two[name], rounding(10, EPS64))
    assert np.abs(one["o"] - two["o"]).min() > 1e-6


@pytest.mark.parametrize("form", FORMS)
def test_skipped_steps_are_as_if_they_were_not_there(form):
    params, data = example(3, 2, 6, 2, 3, form)
    mask = np.ones((2, 6), bool)
    mask[:, [1, 2, 5]] = False
    poisoned = np.where(mask[..., None], data["x"], np.nan)
    y, state, cache = reference.lstm_forward(params, poisoned, data["h0"], data["c0"], mask)
    shorter = data["x"][:, [0, 3, 4]]
    y_short, state_short, cache_short = reference.lstm_forward(params, shorter, data["h0"], data["c0"])
    close(y[:, [0, 3, 4]], y_short, rounding(10, EPS64))
    close(y[:, [1, 2]], y_short[:, [0, 0]], rounding(10, EPS64))
    close(np.array(state), np.array(state_short), rounding(10, EPS64))

    dy = np.random.default_rng(0).normal(size=y.shape) * mask[..., None]
    dx, _, grads = reference.lstm_backward(params, cache, dy)
    dx_short, _, grads_short = reference.lstm_backward(params, cache_short, dy[:, [0, 3, 4]])
    close(dx[:, [0, 3, 4]], dx_short, rounding(100, EPS64))
    assert not dx[:, [1, 2, 5]].any()
    for name, grad in grads_short.items():
        close(grads[name], grad, rounding(100, EPS64))


@pytest.mark.parametrize("form", FORMS)
def test_a_sequence_may_be_cut_anywhere_if_the_state_is_carried(form):
    params, data = example(4, 2, 5, 2, 3, form)
    whole, (hT, cT), _ = reference.lstm_forward(params, **data)
    first, state, _ = reference.lstm_forward(params, data["x"][:, :2], data["h0"], data["c0"])
    last, (h_end, c_end), _ = reference.lstm_forward(params, data["x"][:, 2:], *state)
    np.testing.assert_array_equal(np.concatenate([first, last], axis=1), whole)
    np.testing.assert_array_equal((h_end, c_end), (hT, cT))


def test_float32_and_lists_are_taken_as_float64():
    params, data = example(5, 2, 3, 2, 2, None)
    params32 = {name: p.astype(np.float32) for name, p in params.items()}
    y, _, _ = reference.lstm_forward(params32, data["x"].tolist())
    assert y.dtype == np.float64


@given(st.integers(0, 9), st.integers(1, 3), st.integers(1, 3), st.integers(1, 3))
def test_gradients_of_the_dense_layer_are_difference_quotients(seed, B, K, M):
    rng = np.random.default_rng(seed)
    arrays = {"W": rng.normal(size=(K, M)), "b": rng.normal(size=M), "x": rng.normal(size=(B, 2, K))}
    dy = rng.normal(size=(B, 2, M))
    dx, grads = reference.dense_backward(arrays, arrays["x"], dy)
    found = grads | {"x": dx}
    for name, array in arrays.items():
        direction = rng.normal(size=array.shape)
        above, below = (
            (reference.dense_forward(arrays | {name: moved}, moved if name == "x" else arrays["x"]) * dy).sum()
            for moved in (array + step() * direction, array - step() * direction)
        )
        close((found[name] * direction).sum(), (above - below) / (2 * step()), difference(), scale=100.0)


@pytest.mark.parametrize("name", reference.ACTIVATIONS)
def test_slopes_of_activations_are_difference_quotients(name):
    value, slope = reference.ACTIVATIONS[name]
    z = np.linspace(-5, 5, 40)
    close(slope(value(z)), (value(z + step()) - value(z - step())) / (2 * step()), difference(), scale=5.0)


def test_sigmoid_is_exact_at_the_ends_and_symmetric():
    z = np.linspace(-40, 40, 81)
    close(reference.sigmoid(z), 1 / (1 + np.exp(-z)), 4 * EPS64)
    assert reference.sigmoid(np.array([-1e308, 1e308])).tolist() == [0.0, 1.0]
    close(reference.sigmoid(z) + reference.sigmoid(-z), np.ones(81), 4 * EPS64)


def test_adam_takes_steps_of_length_one_while_the_gradient_stays():
    m, v = np.zeros(3), np.zeros(3)
    for k in range(1, 6):
        m, v, direction = reference.adam(m, v, np.array([1e-3, -2.0, 5.0]), 0.9, 0.999, 0.0, k)
        close(direction, [1.0, -1.0, 1.0], rounding(20, EPS64))
