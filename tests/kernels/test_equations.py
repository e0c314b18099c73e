"""The definition of every cell is right: its gradients are those of its values, its values those of the equations.

Shapes: B sequences, T steps, F features, H units.
"""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from cell_cases import VARIANTS, every_variant, make_case, named
from tolerances import EPS64, close, difference, rounding, step

from gatecast.kernels import reference
from gatecast.kernels.activations import sigmoid
from gatecast.kernels.cells import CELLS, StateNoise
from gatecast.kernels.native import has_two_biases
from gatecast.kernels.reference import ALL_STEPS as STEPS


def in_float64(case):
    """Return a case of `make_case` in float64, as difference quotients need it."""
    cell, params, x, state, mask, noise, dy, dstate = case
    wide = {name: p.astype(np.float64) for name, p in params.items()}
    states = None if state is None else [s.astype(np.float64) for s in state]
    return cell, wide, x.astype(np.float64), states, mask, noise, dy, dstate


def run(cell, params, x, state=None, mask=None, noise=None):
    """Return outputs and last state."""
    y, last, _ = reference.forward(cell, params, x, state, mask, noise)
    return y, last


def test_every_cell_has_its_equations():
    assert STEPS.keys() == CELLS.keys()


@pytest.mark.parametrize("cell", CELLS)
def test_table_of_cells_says_what_the_equations_do(cell):
    """The lines of native/cells.def: gates, columns of Wh, states and saved rows are those of the equations."""
    row, (B, F, H) = CELLS[cell], (2, 3, 4)
    _, params, x, *_ = make_case(cell, H, B, 1, F)
    states = tuple(np.ones((B, H)) for _ in row.states)
    new, saved = STEPS[cell].forward(params, x[:, 0], states, states[0])
    _, old, _, grads = STEPS[cell].backward(params, saved, new)
    assert (len(new), len(old)) == (len(row.states), len(row.states))
    assert {name for name in row.saved if name not in saved} == {name for name in row.saved if f"{name}_new" in saved}
    assert grads["Wx"].shape == (F, len(row.gates) * H)
    assert ("Wh" in grads) is row.recurrent
    assert len(row.gradients) * H == (4 * H if has_two_biases(cell) else grads["b"].size)  # b_z, b_r are two, as one
    assert row.gradients[: len(row.gates)] == row.gates


@pytest.mark.slow
@every_variant
def test_every_gradient_is_a_difference_quotient(variant):
    for extras, seed in product(("", "m", "s", "n", "msn"), (0, 1)):
        with named(f"extras={extras!r}, seed={seed}"):
            assert_gradients_are_difference_quotients(variant, extras, seed)


def assert_gradients_are_difference_quotients(variant, extras, seed):
    """Assert it for the gradients of inputs, states and parameters, along random directions."""
    cell, params, x, state, mask, noise, dy, dstate = in_float64(make_case(variant, 6, 4, 5, 2, extras, seed))
    _, _, cache = reference.forward(cell, params, x, state, mask, noise)
    dx, dfirst, grads = reference.backward(cell, params, cache, dy, dstate)
    assert grads.keys() == params.keys()
    arrays, gradients = params | {"x": x}, grads | {"x": dx}
    states = {f"state {name}": s for name, s in zip(CELLS[cell].states, state or (), strict=False)}
    if cell == "slstm":
        states.pop("state m", None)  # it cancels out, see docs/equations.md
    arrays |= states
    gradients |= {f"state {name}": d for name, d in zip(CELLS[cell].states, dfirst, strict=True)}
    size = float(np.abs(dy).sum() + sum(np.abs(d).sum() for d in dstate if d is not None))
    rng = np.random.default_rng(seed)

    def loss(name, moved):
        values = arrays | {name: moved}
        start = (
            [values.get(f"state {s}", array) for s, array in zip(CELLS[cell].states, state, strict=True)]
            if state
            else None
        )
        y, last = run(cell, {n: values[n] for n in params}, values["x"], start, mask, noise)
        return (y * dy).sum() + sum((s * d).sum() for s, d in zip(last, dstate, strict=True) if d is not None)

    for name, array in arrays.items():
        for _ in range(3):
            direction = rng.normal(size=array.shape) / np.sqrt(array.size)
            if cell == "rnn_relu":
                direction *= 1e-3  # stay on this side of the kinks
            quotient = (loss(name, array + step() * direction) - loss(name, array - step() * direction)) / (2 * step())
            close((gradients[name] * direction).sum(), quotient, difference(), scale=size)


def ones(cell, F=1, H=1, **more):
    """Return weights of 1 and biases of 0."""
    G = len(CELLS[cell].gates)
    params = {"Wx": np.ones((F, G * H)), "b": np.zeros((2, 3 * H) if has_two_biases(cell) else G * H)}
    return params | ({"Wh": np.ones((H, G * H))} if CELLS[cell].recurrent else {}) | more


@pytest.mark.parametrize(
    ("cell", "more", "state", "expected"),
    [
        ("rnn", {}, (0.5,), (np.tanh(1.5),)),
        ("rnn_relu", {}, (0.5,), (1.5,)),
        ("gru", {}, (0.5,), (sigmoid(1.5) * 0.5 + (1 - sigmoid(1.5)) * np.tanh(1 + sigmoid(1.5) * 0.5),)),
        ("gru_before", {}, (0.5,), (sigmoid(1.5) * 0.5 + (1 - sigmoid(1.5)) * np.tanh(1 + sigmoid(1.5) * 0.5),)),
        ("min_gru", {}, (0.5,), ((1 - sigmoid(1.0)) * 0.5 + sigmoid(1.0),)),
        ("min_lstm", {}, (0.5,), (0.75,)),
    ],
)
def test_one_step_by_hand(cell, more, state, expected):
    _, last = run(cell, ones(cell, **more), np.ones((1, 1, 1)), [np.full((1, 1), s) for s in state])
    close([s.item() for s in last], list(expected), 8 * EPS64)


def test_one_step_of_an_lstm_by_hand():
    u, c_old, h_old = sigmoid(1.5), 2.0, 0.5
    state = [np.full((1, 1), h_old), np.full((1, 1), c_old)]
    x = np.ones((1, 1, 1))
    c = u * c_old + u * np.tanh(1.5)
    close([s.item() for s in run("lstm", ones("lstm"), x, state)[1]], [u * np.tanh(c), c], 8 * EPS64)
    P = np.array([0.1, 0.2, 0.3])
    c = sigmoid(1.5 + 0.2 * c_old) * c_old + sigmoid(1.5 + 0.1 * c_old) * np.tanh(1.5)
    diagonal, full = (run("lstm", ones("lstm", P=p), x, state)[1] for p in (P, P[None]))
    close([s.item() for s in diagonal], [sigmoid(1.5 + 0.3 * c) * np.tanh(c), c], 8 * EPS64)
    close([s.item() for s in full], [sigmoid(1.5 + 0.3 * c_old) * np.tanh(c), c], 8 * EPS64)
    c = u * c_old + (1 - u) * np.tanh(1.5)
    close([s.item() for s in run("lstm_coupled", ones("lstm_coupled"), x, state)[1]], [u * np.tanh(c), c], 8 * EPS64)


def test_one_step_of_an_slstm_is_that_of_the_paper_without_its_stabilizer():
    """c = e^z_i g + sigmoid(z_f) c', n likewise, in numbers that need no stabilizer."""
    h, c, n, z = 0.5, 0.3, 0.8, 1.5
    state = [np.full((1, 1), s) for s in (h, c, n, 0.0)]
    y, (_, c_new, n_new, m) = run("slstm", ones("slstm"), np.ones((1, 1, 1)), state)
    plain_c, plain_n = sigmoid(z) * c + np.exp(z) * np.tanh(z), sigmoid(z) * n + np.exp(z)
    close(y.item(), sigmoid(z) * plain_c / plain_n, 8 * EPS64)
    close([(c_new * np.exp(m)).item(), (n_new * np.exp(m)).item()], [plain_c, plain_n], 16 * EPS64)


def test_the_stabilizer_cancels_out(rng):
    """Scaling c and n and moving m accordingly changes nothing but those three."""
    cell, params, x, state, *_ = in_float64(make_case("heads", 6, 3, 5, 2, "s"))
    h, c, n, m = state
    y, _ = run(cell, params, x, state)
    for shift in (-3.0, 0.5, 40.0):
        moved, _ = run(cell, params, x, [h, c * np.exp(-shift), n * np.exp(-shift), m + shift])
        close(moved, y, rounding(5 * 20, EPS64))


def test_large_exponents_do_not_overflow():
    params = ones("slstm")
    params["Wx"] = params["Wx"] * 500
    y, _ = run("slstm", params, np.array([1.0, -1.0, 1.0, -1.0, 2.0]).reshape(1, 5, 1))
    assert np.isfinite(y).all()


def test_heads_are_independent_cells():
    """With inputs that reach one head only, an sLSTM of two heads is two sLSTM."""
    rng = np.random.default_rng(0)
    D, x = 2, rng.normal(size=(3, 6, 2))
    one, two = (
        {"Wx": rng.normal(size=(1, 4 * D)), "Wh": rng.normal(size=(D, 4 * D)), "b": rng.normal(size=4 * D)}
        for _ in "12"
    )
    split = [np.split(p[n], 4, axis=-1) for p in (one, two) for n in ("Wx", "Wh", "b")]
    zero = np.zeros((1, D))
    Wx = np.concatenate([np.block([[a, zero], [zero, b]]) for a, b in zip(split[0], split[3], strict=True)], axis=1)
    Wh = np.concatenate([np.concatenate(pair, axis=1) for pair in zip(split[1], split[4], strict=True)], axis=1)
    b = np.concatenate([np.concatenate(pair) for pair in zip(split[2], split[5], strict=True)])
    y, _ = run("slstm", {"Wx": Wx, "Wh": Wh, "b": b}, x)
    close(y[..., :D], run("slstm", one, x[..., :1])[0], rounding(60, EPS64))
    close(y[..., D:], run("slstm", two, x[..., 1:])[0], rounding(60, EPS64))


def test_normalized_gates_have_the_mean_and_spread_of_bias_and_gain():
    cell, params, x, *_ = in_float64(make_case("normalized", 50, 4, 1, 3))
    params["gain"][:], params["b"][:] = 2.0, 0.5
    _, _, cache = reference.forward(cell, params, x)
    z = np.log(cache["f"] / (1 - cache["f"]))  # argument of the forget gate
    close(z.mean(axis=2), np.full((4, 1), 0.5), rounding(200, EPS64))
    close(z.std(axis=2), np.full((4, 1), 2.0), 1e-4)


def test_identities_between_cells():
    cell, params, x, *_ = in_float64(make_case("lstm", 5, 4, 6, 2))
    y, _ = run(cell, params, x)
    tight = rounding(300, EPS64)
    close(run(cell, params | {"Wr": np.eye(5)}, x)[0], y, tight)
    close(run(cell, params | {"P": np.zeros(15)}, x)[0], y, tight)
    close(run(cell, params | {"P": np.zeros((5, 15))}, x)[0], y, tight)
    tied = dict(params)  # i = 1 - f wherever z_i = -z_f
    for name in ("Wx", "Wh", "b"):
        _, f, o, g = np.split(params[name], 4, axis=-1)
        tied[name] = np.concatenate([-f, f, o, g], axis=-1)
    coupled = {name: tied[name][..., 5:] for name in ("Wx", "Wh", "b")}
    close(run("lstm_coupled", coupled, x)[0], run("lstm", tied, x)[0], tight)
    _, params, x, *_ = in_float64(make_case("gru", 5, 4, 6, 2))
    params["b"][1, 10:] = 0  # without a bias of q and with the reset gate open the two forms agree
    params["b"][0, 5:10] = 1e3
    one = {"Wx": params["Wx"], "Wh": params["Wh"], "b": params["b"].sum(axis=0)}
    close(run("gru", params, x)[0], run("gru_before", one, x)[0], tight)


@every_variant
def test_a_sequence_may_be_cut_anywhere_if_the_state_is_carried(variant):
    cell, params, x, state, mask, noise, _, _ = in_float64(make_case(variant, 4, 3, 6, 2, "ms"))
    whole, end = run(cell, params, x, state, mask, noise)
    for cut in (1, 3, 5):
        first, between = run(cell, params, x[:, :cut], state, mask[:, :cut], noise)
        last, also_end = run(cell, params, x[:, cut:], between, mask[:, cut:], noise)
        np.testing.assert_array_equal(np.concatenate([first, last], axis=1), whole)
        for a, b in zip(end, also_end, strict=True):
            np.testing.assert_array_equal(a, b)


@every_variant
def test_masked_steps_equal_a_shorter_sequence(variant):
    cell, params, x, state, *_ = in_float64(make_case(variant, 3, 2, 5, 2, "s"))
    mask = np.ones((2, 5), bool)
    mask[:, [1, 2]] = False
    poisoned = np.where(mask[:, :, None], x, np.nan)
    y, last, cache = reference.forward(cell, params, poisoned, state, mask)
    short, short_last, short_cache = reference.forward(cell, params, x[:, [0, 3, 4]], state)
    np.testing.assert_array_equal(y[:, [0, 3, 4]], short)
    np.testing.assert_array_equal(y[:, 1], y[:, 0])
    for a, b in zip(last, short_last, strict=True):
        np.testing.assert_array_equal(a, b)
    dy = np.random.default_rng(0).normal(size=y.shape) * mask[:, :, None]
    dx, _, grads = reference.backward(cell, params, cache, dy)
    dx_short, _, grads_short = reference.backward(cell, params, short_cache, dy[:, [0, 3, 4]])
    close(dx[:, [0, 3, 4]], dx_short, rounding(100, EPS64))
    assert not dx[:, [1, 2]].any()
    for name, grad in grads.items():
        close(grad, grads_short[name], rounding(100, EPS64))


@pytest.mark.parametrize("variant", ["rnn", "gru", "gru_before", "lstm", "lstm_coupled", "projected"])
def test_zoneout_of_one_freezes_the_state_and_of_zero_changes_nothing(variant):
    cell, params, x, state, *_ = in_float64(make_case(variant, 4, 3, 6, 2, "s"))
    sizes = len(CELLS[cell].states)
    y, last = run(cell, params, x, state, noise=StateNoise(None, (1.0,) * sizes))
    np.testing.assert_array_equal(y[:, -1], state[0])
    for a, b in zip(last, state, strict=True):
        np.testing.assert_array_equal(a, b)
    np.testing.assert_array_equal(
        run(cell, params, x, state, noise=StateNoise(None, (0.0,) * sizes))[0], run(cell, params, x, state)[0]
    )


@pytest.mark.parametrize(
    "variant", [v for v in VARIANTS if CELLS[VARIANTS[v][0]].recurrent and v not in ("slstm", "heads")]
)
def test_dropping_all_of_h_equals_no_recurrent_weights(variant):
    cell, params, x, *_ = in_float64(make_case(variant, 4, 3, 6, 2))
    R = params["Wr"].shape[1] if "Wr" in params else 4
    dropped, _ = run(cell, params, x, noise=StateNoise(np.zeros((3, R))))
    close(dropped, run(cell, params | {"Wh": np.zeros_like(params["Wh"])}, x)[0], rounding(100, EPS64))


def test_reference_computes_in_float64_from_float32_and_lists():
    cell, params, x, *_ = make_case("lstm", 2, 2, 3, 2)
    y, _, _ = reference.forward(cell, params, x.tolist())
    assert y.dtype == np.float64
