"""One step of every cell, forward and backward, one line an equation, in NumPy float64: the definition of the kernels.

Letters: B batch, F features, H units, R outputs; i, f, o, g the gates of an LSTM, z, r, g those of a GRU, c memory,
h output; ``_old`` is a value before the step, z_k a gate's argument before its activation; `d` before a name is the
gradient of the loss with respect to it. Weights multiply from the right, ``z = x Wx + h_old Wh + b``, columns by
gate. docs/equations.md derives every backward function.

Forward takes the parameters, x (B, F), the states (B, H or R) and `seen`, what the products with Wh see of h_old (it
differs under recurrent dropout). Backward takes the gradients of the new states and gives those of x, of the old
states as far as they do not come through the products, of `seen`, and of the parameters. Time, masks and noise are
the business of the loop in `reference`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

__all__ = ["STEPS", "Array", "Params", "SavedTensors", "State", "Step", "sigmoid"]

Array = npt.NDArray[Any]
Params = Mapping[str, Array]
SavedTensors = dict[str, Array]
State = tuple[Array, ...]
Back = tuple[Array, State, Array, dict[str, Array]]

EPSILON = 1e-5
"""Added to the variance of layer-normalised gates."""


class Step(NamedTuple):
    """One step of a cell, and its gradient."""

    forward: Callable[[Params, Array, State, Array], tuple[State, SavedTensors]]
    backward: Callable[[Params, SavedTensors, State], Back]


def sigmoid(z: Array) -> Array:
    """Logistic function, ``1 / (1 + exp(-z))``, in the form that cannot overflow.

    >>> sigmoid(np.array([-1000.0, 0.0, 1000.0])).tolist()
    [0.0, 0.5, 1.0]
    """
    return 0.5 * (1.0 + np.tanh(0.5 * z))


# ---- simple recurrent network --------------------------------------------------------------------------------------


def rnn_forward(p: Params, x: Array, state: State, seen: Array) -> tuple[State, SavedTensors]:
    """Elman 1990: h = tanh(Wx x + Wh h_old + b)."""
    h = np.tanh(x @ p["Wx"] + seen @ p["Wh"] + p["b"])
    return (h,), {"x": x, "seen": seen, "out": h}


def rnn_backward(p: Params, saved: SavedTensors, dstate: State) -> Back:
    """dz = dh (1 - h^2)."""
    return _simple(p, saved, dstate[0] * (1 - saved["out"] ** 2))


def rnn_relu_forward(p: Params, x: Array, state: State, seen: Array) -> tuple[State, SavedTensors]:
    """h = max(0, Wx x + Wh h_old + b)."""
    h = np.maximum(x @ p["Wx"] + seen @ p["Wh"] + p["b"], 0)
    return (h,), {"x": x, "seen": seen, "out": h}


def rnn_relu_backward(p: Params, saved: SavedTensors, dstate: State) -> Back:
    """dz = dh where h > 0."""
    return _simple(p, saved, dstate[0] * (saved["out"] > 0))


def _simple(p: Params, saved: SavedTensors, dz: Array) -> Back:
    """Gradients of a cell whose only path is one product."""
    grads = {"Wx": saved["x"].T @ dz, "Wh": saved["seen"].T @ dz, "b": dz.sum(axis=0)}
    return dz @ p["Wx"].T, (np.zeros_like(saved["out"]),), dz @ p["Wh"].T, grads


# ---- gated recurrent unit ------------------------------------------------------------------------------------------


def gru_forward(p: Params, x: Array, state: State, seen: Array) -> tuple[State, SavedTensors]:
    """Reset after the product (Keras 3, cuDNN, PyTorch); b (2, 3H): row 0 with x, row 1 with h_old."""
    (h_old,) = state
    H = h_old.shape[1]
    a, u = x @ p["Wx"] + p["b"][0], seen @ p["Wh"] + p["b"][1]
    z = sigmoid(a[:, :H] + u[:, :H])  # update gate
    r = sigmoid(a[:, H : 2 * H] + u[:, H : 2 * H])  # reset gate
    q = u[:, 2 * H :]
    g = np.tanh(a[:, 2 * H :] + r * q)  # candidate
    h = z * h_old + (1 - z) * g
    return (h,), {"x": x, "seen": seen, "h_old": h_old, "z": z, "r": r, "g": g, "q": q}


def gru_backward(p: Params, saved: SavedTensors, dstate: State) -> Back:
    """The gradient of a and that of u differ in the candidate: dz_g and dq = r dz_g."""
    z, r, g, q, dh = saved["z"], saved["r"], saved["g"], saved["q"], dstate[0]
    dz_g = dh * (1 - z) * (1 - g * g)
    dz_z = dh * (saved["h_old"] - g) * z * (1 - z)
    dz_r = dz_g * q * r * (1 - r)
    da, du = np.concatenate([dz_z, dz_r, dz_g], axis=1), np.concatenate([dz_z, dz_r, dz_g * r], axis=1)
    grads = {"Wx": saved["x"].T @ da, "Wh": saved["seen"].T @ du, "b": np.stack([da.sum(axis=0), du.sum(axis=0)])}
    return da @ p["Wx"].T, (dh * z,), du @ p["Wh"].T, grads


def gru_before_forward(p: Params, x: Array, state: State, seen: Array) -> tuple[State, SavedTensors]:
    """Reset before the product (Cho et al. 2014; Keras' reset_after=False)."""
    (h_old,) = state
    H = h_old.shape[1]
    a = x @ p["Wx"] + p["b"]
    u = seen @ p["Wh"][:, : 2 * H]
    z = sigmoid(a[:, :H] + u[:, :H])  # update gate
    r = sigmoid(a[:, H : 2 * H] + u[:, H:])  # reset gate
    g = np.tanh(a[:, 2 * H :] + (r * seen) @ p["Wh"][:, 2 * H :])  # candidate
    h = z * h_old + (1 - z) * g
    return (h,), {"x": x, "seen": seen, "h_old": h_old, "z": z, "r": r, "g": g, "rh": r * seen}


def gru_before_backward(p: Params, saved: SavedTensors, dstate: State) -> Back:
    """The reset gate is reached through d(r h) = Wh_g dz_g."""
    z, r, g, dh, seen = saved["z"], saved["r"], saved["g"], dstate[0], saved["seen"]
    H = z.shape[1]
    dz_g = dh * (1 - z) * (1 - g * g)
    drh = dz_g @ p["Wh"][:, 2 * H :].T
    dz_z = dh * (saved["h_old"] - g) * z * (1 - z)
    dz_r = drh * seen * r * (1 - r)
    dz, gates = np.concatenate([dz_z, dz_r, dz_g], axis=1), np.concatenate([dz_z, dz_r], axis=1)
    dWh = np.concatenate([seen.T @ gates, saved["rh"].T @ dz_g], axis=1)
    grads = {"Wx": saved["x"].T @ dz, "Wh": dWh, "b": dz.sum(axis=0)}
    return dz @ p["Wx"].T, (dh * z,), gates @ p["Wh"][:, : 2 * H].T + drh * r, grads


# ---- long short-term memory ----------------------------------------------------------------------------------------


def lstm_forward(p: Params, x: Array, state: State, seen: Array) -> tuple[State, SavedTensors]:
    """Hochreiter & Schmidhuber 1997 with forget gate and, if P is there, peepholes.

    P (3H) diagonal: the output gate sees c; P (H, 3H) full: it sees c_old. gain: layer-normalised gates. Wr:
    projection.
    """
    c_old, P = state[1], _peepholes(p, state[1].shape[1])
    (z_i, z_f, z_o, z_g), norm = _gates(p, x, seen, 4)
    i = sigmoid(z_i + _peep(P[0], c_old))  # input gate
    f = sigmoid(z_f + _peep(P[1], c_old))  # forget gate
    g = np.tanh(z_g)  # candidate
    c = f * c_old + i * g  # memory
    o = sigmoid(z_o + _peep(P[2], c if P[2].ndim == 1 else c_old))  # output gate
    u = o * np.tanh(c)
    saved = {"x": x, "seen": seen, "c_old": c_old, "i": i, "f": f, "o": o, "g": g, "c_new": c, "u": u}
    return (u @ p["Wr"] if "Wr" in p else u, c), saved | norm


def lstm_backward(p: Params, saved: SavedTensors, dstate: State) -> Back:
    """With u (1 - u) the slope of a sigmoid whose value is u."""
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
        saw = (c_old, c_old, c if P[2].ndim == 1 else c_old)
        parts = [_peep_grad(P[0].ndim, s, dz) for s, dz in zip(saw, (dz_i, dz_f, dz_o), strict=True)]
        grads["P"] = np.concatenate(parts, axis=-1)
    dz = np.concatenate([dz_i, dz_f, dz_o, dz_g], axis=1)
    return _gates_back(p, saved, dz, (np.zeros_like(dstate[0]), dc_old), grads)


def lstm_coupled_forward(p: Params, x: Array, state: State, seen: Array) -> tuple[State, SavedTensors]:
    """What is forgotten is what is written, i = 1 - f (Greff et al. 2017)."""
    c_old = state[1]
    (z_f, z_o, z_g), norm = _gates(p, x, seen, 3)
    f = sigmoid(z_f)  # forget gate
    g = np.tanh(z_g)  # candidate
    c = f * c_old + (1 - f) * g  # memory
    o = sigmoid(z_o)  # output gate
    u = o * np.tanh(c)
    saved = {"x": x, "seen": seen, "c_old": c_old, "f": f, "o": o, "g": g, "c_new": c, "u": u}
    return (u @ p["Wr"] if "Wr" in p else u, c), saved | norm


def lstm_coupled_backward(p: Params, saved: SavedTensors, dstate: State) -> Back:
    """As the LSTM's, with dz_i and dz_f in one."""
    f, o, g, c, c_old = (saved[name] for name in ("f", "o", "g", "c_new", "c_old"))
    du, grads = _unproject(p, saved, dstate[0])
    dz_o = du * np.tanh(c) * o * (1 - o)
    dc = dstate[1] + du * o * (1 - np.tanh(c) ** 2)
    dz_f = dc * (c_old - g) * f * (1 - f)
    dz_g = dc * (1 - f) * (1 - g * g)
    dz = np.concatenate([dz_f, dz_o, dz_g], axis=1)
    return _gates_back(p, saved, dz, (np.zeros_like(dstate[0]), dc * f), grads)


def _gates(p: Params, x: Array, seen: Array, count: int) -> tuple[list[Array], SavedTensors]:
    """Arguments of the gates, layer-normalised if there is a gain (Ba, Kiros & Hinton 2016)."""
    a = x @ p["Wx"] + seen @ p["Wh"]
    if "gain" not in p:
        return np.split(a + p["b"], count, axis=1), {}
    a = a.reshape(len(a), count, -1)
    rate = 1 / np.sqrt(a.var(axis=2, keepdims=True) + EPSILON)
    norm = (a - a.mean(axis=2, keepdims=True)) * rate
    z = p["gain"] * norm.reshape(len(a), -1) + p["b"]
    return np.split(z, count, axis=1), {"norm": norm, "rate": rate}


def _gates_back(p: Params, saved: SavedTensors, dz: Array, d_old: State, grads: dict[str, Array]) -> Back:
    """From dz down to x, what the products saw of h, and the weights."""
    grads["b"] = dz.sum(axis=0)
    if "gain" in p:
        norm = saved["norm"]
        grads["gain"] = (dz * norm.reshape(dz.shape)).sum(axis=0)
        dn = (dz * p["gain"]).reshape(norm.shape)
        da = dn - dn.mean(axis=2, keepdims=True) - norm * (dn * norm).mean(axis=2, keepdims=True)
        dz = (saved["rate"] * da).reshape(dz.shape)
    grads |= {"Wx": saved["x"].T @ dz, "Wh": saved["seen"].T @ dz}
    return dz @ p["Wx"].T, d_old, dz @ p["Wh"].T, grads


def _unproject(p: Params, saved: SavedTensors, dh: Array) -> tuple[Array, dict[str, Array]]:
    """du, and the gradient of the projection if there is one (Sak, Senior & Beaufays 2014)."""
    return (dh @ p["Wr"].T, {"Wr": saved["u"].T @ dh}) if "Wr" in p else (dh, {})


def _peepholes(p: Params, H: int) -> list[Array]:
    """P_i, P_f, P_o; none are diagonal zeros."""
    return np.split(p["P"] if "P" in p else np.zeros(3 * H), 3, axis=-1)


def _peep(P: Array, c: Array) -> Array:
    """What one gate sees of the memory: P * c (diagonal) or c P (full)."""
    return c * P if P.ndim == 1 else c @ P


def _peep_back(P: Array, dz: Array) -> Array:
    """Gradient of the memory through one gate's peephole."""
    return dz * P if P.ndim == 1 else dz @ P.T


def _peep_grad(ndim: int, c: Array, dz: Array) -> Array:
    """Gradient of P: the gate's dz times the memory that it saw."""
    grad: Array = (c * dz).sum(axis=0) if ndim == 1 else c.T @ dz
    return grad


# ---- sLSTM ---------------------------------------------------------------------------------------------------------


def slstm_forward(p: Params, x: Array, state: State, seen: Array) -> tuple[State, SavedTensors]:
    """Exponential gates, a normaliser n and a stabiliser m (Beck et al. 2024); Wh (H / heads, 4H) by heads."""
    _, c_old, n_old, m_old = state
    z_i, z_f, z_o, z_g = np.split(x @ p["Wx"] + seen @ _by_heads(p["Wh"]) + p["b"], 4, axis=1)
    log_f = -np.logaddexp(0, -z_f)
    m = np.where(n_old == 0, z_i, np.maximum(log_f + m_old, z_i))  # stabiliser
    i = np.exp(z_i - m)  # input gate
    f = np.where(n_old == 0, 0, np.exp(np.minimum(log_f + m_old - m, 0)))  # forget gate
    g = np.tanh(z_g)  # candidate
    o = sigmoid(z_o)  # output gate
    c = f * c_old + i * g  # memory
    n = f * n_old + i  # normaliser
    saved = {"x": x, "seen": seen, "c_old": c_old, "n_old": n_old, "i": i, "f": f, "o": o, "g": g}
    return (o * c / n, c, n, m), saved | {"c_new": c, "n_new": n, "s": sigmoid(-z_f)}


def slstm_backward(p: Params, saved: SavedTensors, dstate: State) -> Back:
    """At fixed m, which cancels out of h = o c / n; d(log f) / dz_f = 1 - sigmoid(z_f) = s."""
    i, f, o, g, c, n, s = (saved[name] for name in ("i", "f", "o", "g", "c_new", "n_new", "s"))
    dh, dc, dn, _ = dstate
    dc, dn = dc + dh * o / n, dn - dh * o * c / n**2
    dz_o = dh * c / n * o * (1 - o)
    dz_i = (dc * g + dn) * i
    dz_f = (dc * saved["c_old"] + dn * saved["n_old"]) * f * s
    dz_g = dc * i * (1 - g * g)
    dz, D = np.concatenate([dz_i, dz_f, dz_o, dz_g], axis=1), len(p["Wh"])
    full = saved["seen"].T @ dz
    grads = {"Wx": saved["x"].T @ dz, "Wh": _heads_of(full, D), "b": dz.sum(axis=0)}
    d_old = (np.zeros_like(dh), dc * f, dn * f, np.zeros_like(dh))
    return dz @ p["Wx"].T, d_old, dz @ _by_heads(p["Wh"]).T, grads


def _by_heads(Wh: Array) -> Array:
    """(D, 4H) of the heads' own weights as the block-diagonal (H, 4H)."""
    D, H = len(Wh), Wh.shape[1] // 4
    inside = np.arange(H)[:, None] // D == np.tile(np.arange(H), 4) // D
    return np.where(inside, np.tile(Wh, (H // D, 1)), 0.0)


def _heads_of(full: Array, D: int) -> Array:
    """The inverse of `_by_heads`: the diagonal blocks of (H, 4H), as (D, 4H)."""
    H = len(full)
    rows = np.tile(np.arange(H), 4) // D * D + np.arange(D)[:, None]
    blocks: Array = full[rows, np.arange(4 * H)]
    return blocks


# ---- minimal cells -------------------------------------------------------------------------------------------------


def min_gru_forward(p: Params, x: Array, state: State, seen: Array) -> tuple[State, SavedTensors]:
    """Feng et al. 2024: gates that see x alone; h = (1 - z) h_old + z g."""
    (h_old,) = state
    z_z, g = np.split(x @ p["Wx"] + p["b"], 2, axis=1)
    z = sigmoid(z_z)
    return ((1 - z) * h_old + z * g,), {"x": x, "h_old": h_old, "z": z, "g": g}


def min_gru_backward(p: Params, saved: SavedTensors, dstate: State) -> Back:
    """The candidate is linear."""
    (dh,), z = dstate, saved["z"]
    dz = np.concatenate([dh * (saved["g"] - saved["h_old"]) * z * (1 - z), dh * z], axis=1)
    grads = {"Wx": saved["x"].T @ dz, "b": dz.sum(axis=0)}
    return dz @ p["Wx"].T, (dh * (1 - z),), np.zeros_like(dh), grads


def min_lstm_forward(p: Params, x: Array, state: State, seen: Array) -> tuple[State, SavedTensors]:
    """Feng et al. 2024: h = (f h_old + i g) / (f + i)."""
    (h_old,) = state
    z_f, z_i, g = np.split(x @ p["Wx"] + p["b"], 3, axis=1)
    f, i = sigmoid(z_f), sigmoid(z_i)
    return ((f * h_old + i * g) / (f + i),), {"x": x, "h_old": h_old, "f": f, "i": i, "g": g}


def min_lstm_backward(p: Params, saved: SavedTensors, dstate: State) -> Back:
    """dh/df = i (h_old - g) / (f + i)^2, dh/di = f (g - h_old) / (f + i)^2."""
    (dh,), f, i, g, h_old = dstate, saved["f"], saved["i"], saved["g"], saved["h_old"]
    change = dh * (h_old - g) * f * i / (f + i) ** 2
    dz = np.concatenate([change * (1 - f), -change * (1 - i), dh * i / (f + i)], axis=1)
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
"""Every cell by its name in `cells.CELLS`."""
