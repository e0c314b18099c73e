"""One step of the cells of Keras with any activations, in NumPy float64: the definition of the ``_any`` kernels.

The equations are those of `equations` with other functions: `f` of the candidate (and of an LSTM's memory), `s` of the
gates. Notation and shapes as there; ``z_k`` is saved because the slope of some functions needs it.
"""

from __future__ import annotations

from functools import partial

import numpy as np

from gatecast.kernels.activations import ACTIVATIONS, Activation
from gatecast.kernels.equations import Array, BackwardResult, Params, SavedTensors, State, Step

__all__ = ["ANY_CELLS", "any_step"]


def any_step(cell: str, activation: str = "tanh", recurrent_activation: str = "sigmoid") -> Step:
    """Return the step of a cell with two activations.

    Args:
        cell: A name in `ANY_CELLS`.
        activation: Name of f.
        recurrent_activation: Name of s.

    Example:
        >>> step = any_step("rnn_any", "relu")
        >>> p = {"Wx": np.ones((1, 1)), "Wh": np.ones((1, 1)), "b": np.zeros(1)}
        >>> step.forward(p, -np.ones((1, 1)), (np.zeros((1, 1)),), np.zeros((1, 1)))[0][0].item()
        0.0
    """
    forward, backward = ANY_CELLS[cell]
    f, s = ACTIVATIONS[activation], ACTIVATIONS[recurrent_activation]
    return Step(partial(forward, f, s), partial(backward, f, s))


def _rnn(f: Activation, _s: Activation, p: Params, x: Array, _state: State, h: Array) -> tuple[State, SavedTensors]:
    """H = f(Wx x + Wh h_old + b)."""
    z = x @ p["Wx"] + h @ p["Wh"] + p["b"]
    return (f.value(z),), {"x": x, "h_dropped": h, "z_h": z}


def _rnn_backward(f: Activation, _s: Activation, p: Params, saved: SavedTensors, dstate: State) -> BackwardResult:
    """Dz = dh f'(z)."""
    z = saved["z_h"]
    dz = dstate[0] * f.slope(z, f.value(z))
    grads = {"Wx": saved["x"].T @ dz, "Wh": saved["h_dropped"].T @ dz, "b": dz.sum(axis=0)}
    return dz @ p["Wx"].T, (np.zeros_like(z),), dz @ p["Wh"].T, grads


def _lstm(f: Activation, s: Activation, p: Params, x: Array, state: State, h: Array) -> tuple[State, SavedTensors]:
    """C = i g + f c_old, h = o f(c)."""
    c_old = state[1]
    z_i, z_f, z_o, z_g = np.split(x @ p["Wx"] + h @ p["Wh"] + p["b"], 4, axis=1)
    i, forget, o, g = s.value(z_i), s.value(z_f), s.value(z_o), f.value(z_g)
    c = forget * c_old + i * g
    saved = {"x": x, "h_dropped": h, "c_old": c_old, "c_new": c, "i": i, "f": forget, "o": o, "g": g}
    return (o * f.value(c), c), saved | {"z_i": z_i, "z_f": z_f, "z_o": z_o, "z_g": z_g}


def _lstm_backward(f: Activation, s: Activation, p: Params, saved: SavedTensors, dstate: State) -> BackwardResult:
    """As for the LSTM of `equations`, with the slopes of f and s."""
    i, forget, o, g, c, c_old = (saved[name] for name in ("i", "f", "o", "g", "c_new", "c_old"))
    dh, value = dstate[0], f.value(c)
    dc = dstate[1] + dh * o * f.slope(c, value)
    dz_i, dz_f = dc * g * s.slope(saved["z_i"], i), dc * c_old * s.slope(saved["z_f"], forget)
    dz_o, dz_g = dh * value * s.slope(saved["z_o"], o), dc * i * f.slope(saved["z_g"], g)
    dz = np.concatenate([dz_i, dz_f, dz_o, dz_g], axis=1)
    grads = {"Wx": saved["x"].T @ dz, "Wh": saved["h_dropped"].T @ dz, "b": dz.sum(axis=0)}
    return dz @ p["Wx"].T, (np.zeros_like(dh), dc * forget), dz @ p["Wh"].T, grads


def _gru(f: Activation, s: Activation, p: Params, x: Array, state: State, h: Array) -> tuple[State, SavedTensors]:
    """Reset after the product."""
    (h_old,) = state
    H = h_old.shape[1]
    a, u = x @ p["Wx"] + p["b"][0], h @ p["Wh"] + p["b"][1]
    z_z, z_r = np.split((a + u)[:, : 2 * H], 2, axis=1)
    z, r, q = s.value(z_z), s.value(z_r), u[:, 2 * H :]
    z_g = a[:, 2 * H :] + r * q
    g = f.value(z_g)
    saved = {"x": x, "h_dropped": h, "h_old": h_old, "z": z, "r": r, "g": g, "q": q}
    return (z * h_old + (1 - z) * g,), saved | {"z_z": z_z, "z_r": z_r, "z_g": z_g}


def _gru_backward(f: Activation, s: Activation, p: Params, saved: SavedTensors, dstate: State) -> BackwardResult:
    """As for the GRU of `equations`, with the slopes of f and s."""
    z, r, g, q, dh = saved["z"], saved["r"], saved["g"], saved["q"], dstate[0]
    dz_g = dh * (1 - z) * f.slope(saved["z_g"], g)
    dz_z = dh * (saved["h_old"] - g) * s.slope(saved["z_z"], z)
    dz_r = dz_g * q * s.slope(saved["z_r"], r)
    da, du = np.concatenate([dz_z, dz_r, dz_g], axis=1), np.concatenate([dz_z, dz_r, dz_g * r], axis=1)
    grads = {"Wx": saved["x"].T @ da, "Wh": saved["h_dropped"].T @ du, "b": np.stack([da.sum(axis=0), du.sum(axis=0)])}
    return da @ p["Wx"].T, (dh * z,), du @ p["Wh"].T, grads


def _gru_before(
    f: Activation, s: Activation, p: Params, x: Array, state: State, h: Array
) -> tuple[State, SavedTensors]:
    """Reset before the product."""
    (h_old,) = state
    H = h_old.shape[1]
    a, u = x @ p["Wx"] + p["b"], h @ p["Wh"][:, : 2 * H]
    z_z, z_r = np.split(a[:, : 2 * H] + u, 2, axis=1)
    z, r = s.value(z_z), s.value(z_r)
    z_g = a[:, 2 * H :] + (r * h) @ p["Wh"][:, 2 * H :]
    g = f.value(z_g)
    saved = {"x": x, "h_dropped": h, "h_old": h_old, "z": z, "r": r, "g": g, "rh": r * h}
    return (z * h_old + (1 - z) * g,), saved | {"z_z": z_z, "z_r": z_r, "z_g": z_g}


def _gru_before_backward(f: Activation, s: Activation, p: Params, saved: SavedTensors, dstate: State) -> BackwardResult:
    """The reset gate is reached through d(r h) = Wh_g dz_g."""
    z, r, g, dh, h_dropped = saved["z"], saved["r"], saved["g"], dstate[0], saved["h_dropped"]
    H = z.shape[1]
    dz_g = dh * (1 - z) * f.slope(saved["z_g"], g)
    drh = dz_g @ p["Wh"][:, 2 * H :].T
    dz_z = dh * (saved["h_old"] - g) * s.slope(saved["z_z"], z)
    dz_r = drh * h_dropped * s.slope(saved["z_r"], r)
    dz, gates = np.concatenate([dz_z, dz_r, dz_g], axis=1), np.concatenate([dz_z, dz_r], axis=1)
    dWh = np.concatenate([h_dropped.T @ gates, saved["rh"].T @ dz_g], axis=1)
    grads = {"Wx": saved["x"].T @ dz, "Wh": dWh, "b": dz.sum(axis=0)}
    return dz @ p["Wx"].T, (dh * z,), gates @ p["Wh"][:, : 2 * H].T + drh * r, grads


ANY_CELLS = {
    "rnn_any": (_rnn, _rnn_backward),
    "lstm_any": (_lstm, _lstm_backward),
    "gru_any": (_gru, _gru_backward),
    "gru_before_any": (_gru_before, _gru_before_backward),
}
"""Forward and backward function of the cells that take activations."""
