"""One step of every cell as operators: the equations of `kernels.equations`, for the body of a loop.

Notation as there. What a step reads of x is computed for all steps before the loop: ``a = x Wx + b``, without b where
the gates are normalized.

Shapes: B sequences, H units, R outputs, G gates.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np

from gatecast.kernels.equations import EPSILON
from gatecast.kernels.packing import Params
from gatecast.nn.onnx_files import operations as op
from gatecast.nn.onnx_files.activations import activation
from gatecast.nn.onnx_files.builder import Value

__all__ = ["CELL_STEPS", "Cell", "input_part"]

States = tuple[Value, ...]


class Cell(NamedTuple):
    """What a step needs besides its inputs."""

    params: Params
    """With a bias."""
    units: int
    functions: tuple[str, str]
    """Names of the activation and of that of the gates."""


def input_part(cell: Cell, x: Value) -> Value:
    """Return what all steps read of x, [B, T, G H]."""
    a = x @ cell.params["Wx"]
    if "gain" in cell.params:
        return a
    b = cell.params["b"]
    return a + (b[0] if b.ndim == 2 else b)


def _rnn(cell: Cell, a: Value, states: States) -> States:
    """Compute h = f(a + h_old Wh)."""
    return (activation(a + states[0] @ cell.params["Wh"], cell.functions[0]),)


def _gru(cell: Cell, a: Value, states: States) -> States:
    """Reset after the product."""
    (h_old,) = states
    H, (f, s) = cell.units, cell.functions
    u = h_old @ cell.params["Wh"] + cell.params["b"][1]
    gates = activation(op.slice_of(a + u, 1, 0, 2 * H), s)
    z, r = op.split(gates, 2, 1, H)
    g = activation(op.slice_of(a, 1, 2 * H) + r * op.slice_of(u, 1, 2 * H), f)
    return (z * h_old + (1 - z) * g,)


def _gru_before(cell: Cell, a: Value, states: States) -> States:
    """Reset before the product."""
    (h_old,) = states
    H, (f, s), Wh = cell.units, cell.functions, cell.params["Wh"]
    gates = activation(op.slice_of(a, 1, 0, 2 * H) + h_old @ Wh[:, : 2 * H], s)
    z, r = op.split(gates, 2, 1, H)
    g = activation(op.slice_of(a, 1, 2 * H) + (r * h_old) @ Wh[:, 2 * H :], f)
    return (z * h_old + (1 - z) * g,)


def _lstm(cell: Cell, a: Value, states: States) -> States:
    """With peepholes, normalized gates or a projection, if there are such parameters."""
    h_old, c_old = states
    f_name, s_name = cell.functions
    z_i, z_f, z_o, z_g = op.split(_gates(cell, a, h_old, 4), 4, 1, cell.units)
    P = np.split(cell.params["P"], 3, axis=-1) if "P" in cell.params else None
    full = P is not None and P[0].ndim == 2
    if P is not None:
        z_i, z_f = z_i + _peep(P[0], c_old), z_f + _peep(P[1], c_old)
    c = activation(z_f, s_name) * c_old + activation(z_i, s_name) * activation(z_g, f_name)
    if P is not None:
        z_o = z_o + _peep(P[2], c_old if full else c)
    return _projected(cell, activation(z_o, s_name) * activation(c, f_name)), c


def _lstm_coupled(cell: Cell, a: Value, states: States) -> States:
    """Compute the input gate as 1 - f."""
    h_old, c_old = states
    z_f, z_o, z_g = op.split(_gates(cell, a, h_old, 3), 3, 1, cell.units)
    f = op.sigmoid(z_f)
    c = f * c_old + (1 - f) * op.tanh(z_g)
    return _projected(cell, op.sigmoid(z_o) * op.tanh(c)), c


def _gates(cell: Cell, a: Value, h_old: Value, n_gates: int) -> Value:
    """Return the arguments of the gates, normalized if there is a gain."""
    a = a + h_old @ cell.params["Wh"]
    if "gain" not in cell.params:
        return a
    by_gate = op.reshape(a, (0, n_gates, cell.units))
    centered = by_gate - op.reduce_mean(by_gate, 2, keepdims=True)
    norm = centered / op.sqrt(op.reduce_mean(centered * centered, 2, keepdims=True) + EPSILON)
    return op.reshape(norm, (0, n_gates * cell.units)) * cell.params["gain"] + cell.params["b"]


def _peep(P: np.ndarray, c: Value) -> Value:
    """Return the contribution of the cell state to a gate."""
    return c * P if P.ndim == 1 else c @ P


def _projected(cell: Cell, u: Value) -> Value:
    """Return the output of an LSTM."""
    return u @ cell.params["Wr"] if "Wr" in cell.params else u


def _slstm(cell: Cell, a: Value, states: States) -> States:
    """Exponential gates with a normalizer n and a stabilizer m."""
    h_old, c_old, n_old, m_old = states
    z = a + h_old @ _by_heads(cell.params["Wh"])
    z_i, z_f, z_o, z_g = op.split(z, 4, 1, cell.units)
    log_f = -activation(-z_f, "softplus")
    begins = n_old.equals(0)
    m = op.where(begins, z_i, op.maximum(log_f + m_old, z_i))
    i = op.exp(z_i - m)
    f = op.where(begins, 0, op.exp(op.minimum(log_f + m_old - m, 0)))
    c = f * c_old + i * op.tanh(z_g)
    n = f * n_old + i
    return op.sigmoid(z_o) * c / n, c, n, m


def _by_heads(Wh: np.ndarray) -> np.ndarray:
    """Return the weights of the heads, [D, 4H], as the block-diagonal [H, 4H]."""
    D, H = len(Wh), Wh.shape[1] // 4
    inside = np.arange(H)[:, None] // D == np.tile(np.arange(H), 4) // D
    return np.where(inside, np.tile(Wh, (H // D, 1)), np.float32(0))


def _min_gru(cell: Cell, a: Value, states: States) -> States:
    """Gates read x alone."""
    z_z, g = op.split(a, 2, 1, cell.units)
    z = op.sigmoid(z_z)
    return ((1 - z) * states[0] + z * g,)


def _min_lstm(cell: Cell, a: Value, states: States) -> States:
    """Gates read x alone."""
    z_f, z_i, g = op.split(a, 3, 1, cell.units)
    f, i = op.sigmoid(z_f), op.sigmoid(z_i)
    return ((f * states[0] + i * g) / (f + i),)


CELL_STEPS: Mapping[str, Callable[[Cell, Value, States], States]] = {
    "rnn": _rnn,
    "rnn_relu": _rnn,
    "rnn_any": _rnn,
    "gru": _gru,
    "gru_any": _gru,
    "gru_before": _gru_before,
    "gru_before_any": _gru_before,
    "lstm": _lstm,
    "lstm_any": _lstm,
    "lstm_coupled": _lstm_coupled,
    "slstm": _slstm,
    "min_gru": _min_gru,
    "min_lstm": _min_lstm,
}
"""The step of every cell, by its name in `kernels.cells.CELLS`."""
