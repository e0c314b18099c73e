"""One step of every cell, forward and backward, one line an equation, in NumPy float64: the definition of the kernels.

Notation: i, f, o, g are the gates of an LSTM, z, r, g those of a GRU, c is the cell state, h the output; ``_old`` marks
a value before the step, z_k the argument of gate k before its activation; `d` before a name is the gradient of the loss
with respect to it. Weights multiply from the right, ``z = x Wx + h_old Wh + b``, with their columns ordered by gate.
Shapes: B sequences, F features, H units, R outputs. docs/equations.md derives every backward function.

A forward function takes the parameters, x [B, F], the states [B, H or R] and `h_dropped`, the output before the step as
the products with Wh read it: it differs from h_old under recurrent dropout. It returns the new states and the tensors
that its backward function needs. A backward function takes the gradients of the new states and returns those of x, of
the old states as far as they do not pass through the products, of `h_dropped`, and of the parameters. Time, masks and
noise are handled by the loop in `reference`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from gatecast.kernels.activations import sigmoid

__all__ = ["STEPS", "Array", "Params", "SavedTensors", "State", "Step", "sigmoid"]

Array = npt.NDArray[Any]
Params = Mapping[str, Array]
SavedTensors = dict[str, Array]
State = tuple[Array, ...]
BackwardResult = tuple[Array, State, Array, dict[str, Array]]

EPSILON = 1e-5
"""Number added to the variance of layer-normalized gates."""


class Step(NamedTuple):
    """Forward and backward function of one step of a cell."""

    forward: Callable[[Params, Array, State, Array], tuple[State, SavedTensors]]
    backward: Callable[[Params, SavedTensors, State], BackwardResult]


# ---- simple recurrent network --------------------------------------------------------------------------------------


def rnn_forward(p: Params, x: Array, state: State, h_dropped: Array) -> tuple[State, SavedTensors]:
    """Elman 1990: h = tanh(Wx x + Wh h_old + b)."""
    h = np.tanh(x @ p["Wx"] + h_dropped @ p["Wh"] + p["b"])
    return (h,), {"x": x, "h_dropped": h_dropped, "out": h}


def rnn_backward(p: Params, saved: SavedTensors, dstate: State) -> BackwardResult:
    """dz = dh (1 - h^2)."""
    return _simple(p, saved, dstate[0] * (1 - saved["out"] ** 2))


def rnn_relu_forward(p: Params, x: Array, state: State, h_dropped: Array) -> tuple[State, SavedTensors]:
    """h = max(0, Wx x + Wh h_old + b)."""
    h = np.maximum(x @ p["Wx"] + h_dropped @ p["Wh"] + p["b"], 0)
    return (h,), {"x": x, "h_dropped": h_dropped, "out": h}


def rnn_relu_backward(p: Params, saved: SavedTensors, dstate: State) -> BackwardResult:
    """dz = dh where h > 0."""
    return _simple(p, saved, dstate[0] * (saved["out"] > 0))


def _simple(p: Params, saved: SavedTensors, dz: Array) -> BackwardResult:
    """Compute the gradients of a cell whose only path is a single product."""
    grads = {"Wx": saved["x"].T @ dz, "Wh": saved["h_dropped"].T @ dz, "b": dz.sum(axis=0)}
    return dz @ p["Wx"].T, (np.zeros_like(saved["out"]),), dz @ p["Wh"].T, grads


# ---- gated recurrent unit ------------------------------------------------------------------------------------------


def gru_forward(p: Params, x: Array, state: State, h_dropped: Array) -> tuple[State, SavedTensors]:
    """Reset after the product (Keras 3, cuDNN, PyTorch); b (2, 3H): row 0 with x, row 1 with h_old."""
    (h_old,) = state
    H = h_old.shape[1]
    a, u = x @ p["Wx"] + p["b"][0], h_dropped @ p["Wh"] + p["b"][1]
    z = sigmoid(a[:, :H] + u[:, :H])  # update gate
    r = sigmoid(a[:, H : 2 * H] + u[:, H : 2 * H])  # reset gate
    q = u[:, 2 * H :]
    g = np.tanh(a[:, 2 * H :] + r * q)  # candidate
    h = z * h_old + (1 - z) * g
    return (h,), {"x": x, "h_dropped": h_dropped, "h_old": h_old, "z": z, "r": r, "g": g, "q": q}


def gru_backward(p: Params, saved: SavedTensors, dstate: State) -> BackwardResult:
    """The gradient of a and that of u differ in the candidate: dz_g and dq = r dz_g."""
    z, r, g, q, dh = saved["z"], saved["r"], saved["g"], saved["q"], dstate[0]
    dz_g = dh * (1 - z) * (1 - g * g)
    dz_z = dh * (saved["h_old"] - g) * z * (1 - z)
    dz_r = dz_g * q * r * (1 - r)
    da, du = np.concatenate([dz_z, dz_r, dz_g], axis=1), np.concatenate([dz_z, dz_r, dz_g * r], axis=1)
    grads = {"Wx": saved["x"].T @ da, "Wh": saved["h_dropped"].T @ du, "b": np.stack([da.sum(axis=0), du.sum(axis=0)])}
    return da @ p["Wx"].T, (dh * z,), du @ p["Wh"].T, grads


def gru_before_forward(p: Params, x: Array, state: State, h_dropped: Array) -> tuple[State, SavedTensors]:
    """Reset before the product (Cho et al. 2014; Keras' reset_after=False)."""
    (h_old,) = state
    H = h_old.shape[1]
    a = x @ p["Wx"] + p["b"]
    u = h_dropped @ p["Wh"][:, : 2 * H]
    z = sigmoid(a[:, :H] + u[:, :H])  # update gate
    r = sigmoid(a[:, H : 2 * H] + u[:, H:])  # reset gate
    g = np.tanh(a[:, 2 * H :] + (r * h_dropped) @ p["Wh"][:, 2 * H :])  # candidate
    h = z * h_old + (1 - z) * g
    return (h,), {"x": x, "h_dropped": h_dropped, "h_old": h_old, "z": z, "r": r, "g": g, "rh": r * h_dropped}


def gru_before_backward(p: Params, saved: SavedTensors, dstate: State) -> BackwardResult:
    """The reset gate is reached through d(r h) = Wh_g dz_g."""
    z, r, g, dh, h_dropped = saved["z"], saved["r"], saved["g"], dstate[0], saved["h_dropped"]
    H = z.shape[1]
    dz_g = dh * (1 - z) * (1 - g * g)
    drh = dz_g @ p["Wh"][:, 2 * H :].T
    dz_z = dh * (saved["h_old"] - g) * z * (1 - z)
    dz_r = drh * h_dropped * r * (1 - r)
    dz, gates = np.concatenate([dz_z, dz_r, dz_g], axis=1), np.concatenate([dz_z, dz_r], axis=1)
    dWh = np.concatenate([h_dropped.T @ gates, saved["rh"].T @ dz_g], axis=1)
    grads = {"Wx": saved["x"].T @ dz, "Wh": dWh, "b": dz.sum(axis=0)}
    return dz @ p["Wx"].T, (dh * z,), gates @ p["Wh"][:, : 2 * H].T + drh * r, grads


# ---- long short-term memory ----------------------------------------------------------------------------------------


def lstm_forward(p: Params, x: Array, state: State, h_dropped: Array) -> tuple[State, SavedTensors]:
    """Hochreiter & Schmidhuber 1997 with forget gate, and with peepholes if there is a P.

    P [3H] is diagonal: the output gate reads c. P [H, 3H] is full: it reads c_old. gain: layer-normalized gates. Wr:
    projection.
    """
    c_old, P = state[1], _peepholes(p, state[1].shape[1])
    (z_i, z_f, z_o, z_g), norm = _gates(p, x, h_dropped, 4)
    i = sigmoid(z_i + _peep(P[0], c_old))  # input gate
    f = sigmoid(z_f + _peep(P[1], c_old))  # forget gate
    g = np.tanh(z_g)  # candidate
    c = f * c_old + i * g  # cell state
    o = sigmoid(z_o + _peep(P[2], c if P[2].ndim == 1 else c_old))  # output gate
    u = o * np.tanh(c)
    saved = {"x": x, "h_dropped": h_dropped, "c_old": c_old, "i": i, "f": f, "o": o, "g": g, "c_new": c, "u": u}
    return (u @ p["Wr"] if "Wr" in p else u, c), saved | norm


def lstm_backward(p: Params, saved: SavedTensors, dstate: State) -> BackwardResult:
    """The slope of a sigmoid with value u is u (1 - u)."""
    i, f, o, g, c, c_old = (saved[name] for name in ("i", "f", "o", "g", "c_new", "c_old"))
    P = _peepholes(p, c.shape[1])
    du, grads = _unproject(p, saved, dstate[0])
    dz_o = du * np.tanh(c) * o * (1 - o)
    dc = dstate[1] + du * o * (1 - np.tanh(c) ** 2) + (_peep_back(P[2], dz_o) if P[2].ndim == 1 else 0)
    dz_i = dc * g * i * (1 - i)
    dz_f = dc * c_old * f * (1 - f)
    dz_g = dc * i * (1 - g * g)
    dc_old = dc * f + _peep_back(P[0], dz_i) + _peep_back(P[1], dz_f)
    dc_old = dc_old + (_peep_back(P[2], dz_o) if P[2].ndim == 2 else 0)
    if "P" in p:
        read = (c_old, c_old, c if P[2].ndim == 1 else c_old)
        dP = [_peep_grad(P[0].ndim, c_read, dz) for c_read, dz in zip(read, (dz_i, dz_f, dz_o), strict=True)]
        grads["P"] = np.concatenate(dP, axis=-1)
    dz = np.concatenate([dz_i, dz_f, dz_o, dz_g], axis=1)
    return _gates_back(p, saved, dz, (np.zeros_like(dstate[0]), dc_old), grads)


def lstm_coupled_forward(p: Params, x: Array, state: State, h_dropped: Array) -> tuple[State, SavedTensors]:
    """Coupled gates: the input gate is i = 1 - f (Greff et al. 2017)."""
    c_old = state[1]
    (z_f, z_o, z_g), norm = _gates(p, x, h_dropped, 3)
    f = sigmoid(z_f)  # forget gate
    g = np.tanh(z_g)  # candidate
    c = f * c_old + (1 - f) * g  # cell state
    o = sigmoid(z_o)  # output gate
    u = o * np.tanh(c)
    saved = {"x": x, "h_dropped": h_dropped, "c_old": c_old, "f": f, "o": o, "g": g, "c_new": c, "u": u}
    return (u @ p["Wr"] if "Wr" in p else u, c), saved | norm


def lstm_coupled_backward(p: Params, saved: SavedTensors, dstate: State) -> BackwardResult:
    """As for the LSTM, with dz_i and dz_f in one."""
    f, o, g, c, c_old = (saved[name] for name in ("f", "o", "g", "c_new", "c_old"))
    du, grads = _unproject(p, saved, dstate[0])
    dz_o = du * np.tanh(c) * o * (1 - o)
    dc = dstate[1] + du * o * (1 - np.tanh(c) ** 2)
    dz_f = dc * (c_old - g) * f * (1 - f)
    dz_g = dc * (1 - f) * (1 - g * g)
    dz = np.concatenate([dz_f, dz_o, dz_g], axis=1)
    return _gates_back(p, saved, dz, (np.zeros_like(dstate[0]), dc * f), grads)


def _gates(p: Params, x: Array, h_dropped: Array, n_gates: int) -> tuple[list[Array], SavedTensors]:
    """Compute the arguments of the gates, layer-normalized if there is a gain (Ba, Kiros & Hinton 2016)."""
    a = x @ p["Wx"] + h_dropped @ p["Wh"]
    if "gain" not in p:
        return np.split(a + p["b"], n_gates, axis=1), {}
    a = a.reshape(len(a), n_gates, -1)
    inv_std = 1 / np.sqrt(a.var(axis=2, keepdims=True) + EPSILON)
    norm = (a - a.mean(axis=2, keepdims=True)) * inv_std
    z = p["gain"] * norm.reshape(len(a), -1) + p["b"]
    return np.split(z, n_gates, axis=1), {"norm": norm, "inv_std": inv_std}


def _gates_back(p: Params, saved: SavedTensors, dz: Array, d_old: State, grads: dict[str, Array]) -> BackwardResult:
    """Compute the gradients of x, h_dropped and the weights from dz."""
    grads["b"] = dz.sum(axis=0)
    if "gain" in p:
        norm = saved["norm"]
        grads["gain"] = (dz * norm.reshape(dz.shape)).sum(axis=0)
        dn = (dz * p["gain"]).reshape(norm.shape)
        da = dn - dn.mean(axis=2, keepdims=True) - norm * (dn * norm).mean(axis=2, keepdims=True)
        dz = (saved["inv_std"] * da).reshape(dz.shape)
    grads |= {"Wx": saved["x"].T @ dz, "Wh": saved["h_dropped"].T @ dz}
    return dz @ p["Wx"].T, d_old, dz @ p["Wh"].T, grads


def _unproject(p: Params, saved: SavedTensors, dh: Array) -> tuple[Array, dict[str, Array]]:
    """Compute du, and the gradient of the projection if there is one (Sak, Senior & Beaufays 2014)."""
    return (dh @ p["Wr"].T, {"Wr": saved["u"].T @ dh}) if "Wr" in p else (dh, {})


def _peepholes(p: Params, H: int) -> list[Array]:
    """Return P_i, P_f and P_o; without peepholes they are diagonal zeros."""
    return np.split(p["P"] if "P" in p else np.zeros(3 * H), 3, axis=-1)


def _peep(P: Array, c: Array) -> Array:
    """Compute the contribution of the cell state to a gate: P * c (diagonal) or c P (full)."""
    return c * P if P.ndim == 1 else c @ P


def _peep_back(P: Array, dz: Array) -> Array:
    """Compute the gradient of the cell state through the peephole of one gate."""
    return dz * P if P.ndim == 1 else dz @ P.T


def _peep_grad(ndim: int, c: Array, dz: Array) -> Array:
    """Compute the gradient of P: the gate's dz times the cell state that it read."""
    grad: Array = (c * dz).sum(axis=0) if ndim == 1 else c.T @ dz
    return grad


# ---- sLSTM ---------------------------------------------------------------------------------------------------------


def slstm_forward(p: Params, x: Array, state: State, h_dropped: Array) -> tuple[State, SavedTensors]:
    """Exponential gates, a normalizer n and a stabilizer m (Beck et al. 2024); Wh [H / heads, 4H] by heads."""
    _, c_old, n_old, m_old = state
    z_i, z_f, z_o, z_g = np.split(x @ p["Wx"] + h_dropped @ _by_heads(p["Wh"]) + p["b"], 4, axis=1)
    log_f = -np.logaddexp(0, -z_f)
    m = np.where(n_old == 0, z_i, np.maximum(log_f + m_old, z_i))  # stabilizer
    i = np.exp(z_i - m)  # input gate
    f = np.where(n_old == 0, 0, np.exp(np.minimum(log_f + m_old - m, 0)))  # forget gate
    g = np.tanh(z_g)  # candidate
    o = sigmoid(z_o)  # output gate
    c = f * c_old + i * g  # cell state
    n = f * n_old + i  # normalizer
    saved = {"x": x, "h_dropped": h_dropped, "c_old": c_old, "n_old": n_old, "i": i, "f": f, "o": o, "g": g}
    return (o * c / n, c, n, m), saved | {"c_new": c, "n_new": n, "s": sigmoid(-z_f)}


def slstm_backward(p: Params, saved: SavedTensors, dstate: State) -> BackwardResult:
    """At fixed m, which cancels out of h = o c / n; d(log f) / dz_f = 1 - sigmoid(z_f) = s."""
    i, f, o, g, c, n, s = (saved[name] for name in ("i", "f", "o", "g", "c_new", "n_new", "s"))
    dh, dc, dn, _ = dstate
    dc, dn = dc + dh * o / n, dn - dh * o * c / n**2
    dz_o = dh * c / n * o * (1 - o)
    dz_i = (dc * g + dn) * i
    dz_f = (dc * saved["c_old"] + dn * saved["n_old"]) * f * s
    dz_g = dc * i * (1 - g * g)
    dz, D = np.concatenate([dz_i, dz_f, dz_o, dz_g], axis=1), len(p["Wh"])
    full = saved["h_dropped"].T @ dz
    grads = {"Wx": saved["x"].T @ dz, "Wh": _heads_of(full, D), "b": dz.sum(axis=0)}
    d_old = (np.zeros_like(dh), dc * f, dn * f, np.zeros_like(dh))
    return dz @ p["Wx"].T, d_old, dz @ _by_heads(p["Wh"]).T, grads


def _by_heads(Wh: Array) -> Array:
    """Return the weights of the heads, [D, 4H], as the block-diagonal [H, 4H]."""
    D, H = len(Wh), Wh.shape[1] // 4
    inside = np.arange(H)[:, None] // D == np.tile(np.arange(H), 4) // D
    return np.where(inside, np.tile(Wh, (H // D, 1)), 0.0)


def _heads_of(full: Array, D: int) -> Array:
    """Return the diagonal blocks of [H, 4H] as [D, 4H]: the inverse of `_by_heads`."""
    H = len(full)
    rows = np.tile(np.arange(H), 4) // D * D + np.arange(D)[:, None]
    blocks: Array = full[rows, np.arange(4 * H)]
    return blocks


# ---- minimal cells -------------------------------------------------------------------------------------------------


def min_gru_forward(p: Params, x: Array, state: State, h_dropped: Array) -> tuple[State, SavedTensors]:
    """Feng et al. 2024: gates read x alone; h = (1 - z) h_old + z g."""
    (h_old,) = state
    z_z, g = np.split(x @ p["Wx"] + p["b"], 2, axis=1)
    z = sigmoid(z_z)  # update gate
    return ((1 - z) * h_old + z * g,), {"x": x, "h_old": h_old, "z": z, "g": g}


def min_gru_backward(p: Params, saved: SavedTensors, dstate: State) -> BackwardResult:
    """The candidate is linear."""
    (dh,), z = dstate, saved["z"]
    dz = np.concatenate([dh * (saved["g"] - saved["h_old"]) * z * (1 - z), dh * z], axis=1)
    grads = {"Wx": saved["x"].T @ dz, "b": dz.sum(axis=0)}
    return dz @ p["Wx"].T, (dh * (1 - z),), np.zeros_like(dh), grads


def min_lstm_forward(p: Params, x: Array, state: State, h_dropped: Array) -> tuple[State, SavedTensors]:
    """Feng et al. 2024: h = (f h_old + i g) / (f + i)."""
    (h_old,) = state
    z_f, z_i, g = np.split(x @ p["Wx"] + p["b"], 3, axis=1)
    f = sigmoid(z_f)  # forget gate
    i = sigmoid(z_i)  # input gate
    return ((f * h_old + i * g) / (f + i),), {"x": x, "h_old": h_old, "f": f, "i": i, "g": g}


def min_lstm_backward(p: Params, saved: SavedTensors, dstate: State) -> BackwardResult:
    """dh/df = i (h_old - g) / (f + i)^2, dh/di = f (g - h_old) / (f + i)^2."""
    (dh,), f, i, g, h_old = dstate, saved["f"], saved["i"], saved["g"], saved["h_old"]
    e = dh * (h_old - g) * f * i / (f + i) ** 2
    dz = np.concatenate([e * (1 - f), -e * (1 - i), dh * i / (f + i)], axis=1)
    grads = {"Wx": saved["x"].T @ dz, "b": dz.sum(axis=0)}
    return dz @ p["Wx"].T, (dh * f / (f + i),), np.zeros_like(dh), grads


STEPS: Mapping[str, Step] = {
    "rnn": Step(rnn_forward, rnn_backward),
    "rnn_relu": Step(rnn_relu_forward, rnn_relu_backward),
    "gru": Step(gru_forward, gru_backward),
    "gru_before": Step(gru_before_forward, gru_before_backward),
    "lstm": Step(lstm_forward, lstm_backward),
    "lstm_coupled": Step(lstm_coupled_forward, lstm_coupled_backward),
    "slstm": Step(slstm_forward, slstm_backward),
    "min_gru": Step(min_gru_forward, min_gru_backward),
    "min_lstm": Step(min_lstm_forward, min_lstm_backward),
}
"""The step of every cell, by its name in `cells.CELLS`."""
