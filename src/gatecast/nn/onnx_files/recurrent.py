"""Recurrent layers as operators: LSTM, GRU and RNN of ONNX where its equations are those of the layer, else a loop.

ONNX has no full peepholes, normalized or coupled gates, projection, sLSTM, minimal cells, dilation, and not all
activations; and what a masked step or zoneout keeps of the state is no matter of its operators. These are a Scan, whose
body is one step.

Shapes: B sequences, T steps, F features, H units, R outputs; time is the second axis.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from gatecast.kernels.packing import Array, Params
from gatecast.nn.layers.recurrent import Recurrent
from gatecast.nn.onnx_files import operations as op
from gatecast.nn.onnx_files.activations import RECURRENT_NAMES
from gatecast.nn.onnx_files.builder import Value
from gatecast.nn.onnx_files.cells import CELL_STEPS, Cell, input_part

__all__ = ["last_step", "run_recurrent"]

States = tuple[Value, ...]

_OPERATORS = {
    "lstm": ("LSTM", "iofg"),
    "lstm_any": ("LSTM", "iofg"),
    "gru": ("GRU", "zrg"),
    "gru_any": ("GRU", "zrg"),
    "gru_before": ("GRU", "zrg"),
    "gru_before_any": ("GRU", "zrg"),
    "rnn": ("RNN", "h"),
    "rnn_relu": ("RNN", "h"),
    "rnn_any": ("RNN", "h"),
}
"""The operator of a cell, and the order of its gates; that of gatecast is i f o g for an LSTM, z r g for a GRU."""


def run_recurrent(
    layer: Recurrent, params: Params, x: Value, mask: Value | None, initial: States | None, rate: int = 1
) -> tuple[Value, States]:
    """Run a recurrent layer over sequences.

    Args:
        layer: The layer; its flags for sequences and direction are for the caller.
        params: Its parameters.
        x: [B, T, F].
        mask: Steps to use, [B, T] bool; None: all.
        initial: The state to start from, [B, H or R] each; None: zeros.
        rate: Of the dilation: a step goes on from the state so many steps before, and the state has those of all
            phases one after the other, that of the next step first.

    Returns:
        h of every step, [B, T, R], and the state after the last one.
    """
    # A masked step may hold anything.
    x = x if mask is None else op.where(op.expand_dims(mask, 2), x, 0)
    params = layer._with_bias(params, layer._bias_shape())
    functions = _functions(layer)
    is_plain = mask is None and rate == 1 and not any(layer._zoneout_rates)
    if is_plain and _has_operator(layer, params, functions):
        return _operator(layer, params, functions, x, initial)
    cell = Cell(params, layer.units, functions)
    sizes = [rate * size for size in layer.state_sizes]
    states = initial or tuple(op.full(x, [size]) for size in sizes)
    return _scan(layer, cell, x, mask, states, rate)


def last_step(y: Value, mask: Value | None) -> Value:
    """Return the last step of [B, T, R] that is not masked; of a sequence with no step left its last, [B, R]."""
    if mask is None:
        return op.take(y, -1, 1)
    n_steps = op.size_of(y, 1)
    numbers = y.builder.op("Range", *(_scalar(v) for v in (y.builder.constant([0]), n_steps, y.builder.constant([1]))))
    place = op.where(mask, op.expand_dims(numbers, 0), -1)
    last = op.reduce_max(place, 1, keepdims=True)
    last = op.where(last < 0, n_steps - 1, last)
    is_last = op.expand_dims(op.expand_dims(numbers, 0).equals(last), 2)
    return op.total(op.where(is_last, y, 0), 1)


def _scalar(value: Value) -> Value:
    """Return a tensor of one number without its axis."""
    return op.squeeze(value, 0)


def _functions(layer: Recurrent) -> tuple[str, str]:
    """Return the names of both activations."""
    if layer._activations is not None:
        return layer._activations
    return ("relu" if layer._cell == "rnn_relu" else "tanh"), "sigmoid"


def _has_operator(layer: Recurrent, params: Params, functions: tuple[str, str]) -> bool:
    """Return whether the equations are those of an operator of ONNX."""
    extra = {"gain", "Wr"} & params.keys() or ("P" in params and params["P"].ndim == 2)
    return layer._cell in _OPERATORS and not extra and all(name in RECURRENT_NAMES for name in functions)


def _operator(
    layer: Recurrent, params: Params, functions: tuple[str, str], x: Value, initial: States | None
) -> tuple[Value, States]:
    """Run the operator of a cell; ONNX has time before the batch, and an axis of directions."""
    name, order = _OPERATORS[layer._cell]
    f, s = functions
    names = {"LSTM": (s, f, f), "GRU": (s, f), "RNN": (f,)}[name]
    Wx, Wh = (_columns_first(params[key], order) for key in ("Wx", "Wh"))
    b = params["b"]
    pair = (b[0], b[1]) if b.ndim == 2 else (b, np.zeros_like(b))
    bias = np.concatenate([_columns_first(part[None], order)[0, :, 0] for part in pair])[None]
    states: list[Any] = [None] * len(layer.states) if initial is None else [op.expand_dims(s, 0) for s in initial]
    attributes: dict[str, Any] = {
        "hidden_size": layer.units,
        "activations": [RECURRENT_NAMES[key][0] for key in names],
    }
    for k, argument in ((1, "activation_alpha"), (2, "activation_beta")):
        if numbers := [number for key in names for number in RECURRENT_NAMES[key][k]]:
            attributes[argument] = numbers
    if name == "GRU":
        attributes["linear_before_reset"] = int(b.ndim == 2)
    peephole = [_peepholes(params["P"])] if "P" in params else []
    y, *last = x.builder.ops(
        name, 1 + len(states), op.transpose(x, (1, 0, 2)), Wx, Wh, bias, None, *states, *peephole, **attributes
    )
    return op.transpose(op.squeeze(y, 1), (1, 0, 2)), tuple(op.squeeze(state, 0) for state in last)


def _columns_first(W: Array, order: str) -> Array:
    """Return weights [F, G H] as ONNX has them, [1, G H, F], in its order of gates."""
    gates = "ifog" if order == "iofg" else order
    blocks = np.split(W, len(gates), axis=1)
    return np.ascontiguousarray(np.concatenate([blocks[gates.index(gate)] for gate in order], axis=1).T)[None]


def _peepholes(P: Array) -> Array:
    """Return diagonal peepholes i f o as ONNX has them: i o f."""
    p_i, p_f, p_o = np.split(P, 3)
    return np.concatenate([p_i, p_o, p_f])[None]


def _scan(
    layer: Recurrent, cell: Cell, x: Value, mask: Value | None, initial: States, rate: int
) -> tuple[Value, States]:
    """Run the step of a cell in a loop."""
    builder, sizes = x.builder, layer.state_sizes
    a = input_part(cell, x)
    with builder.body() as body:
        before = [builder.body_input(np.float32, (rate * size,)) for size in sizes]
        part = builder.body_input(np.float32, (cell.params["Wx"].shape[1],))
        used = None if mask is None else builder.body_input(np.bool_)
        # A ring: the state of this step is the first, and what it becomes goes behind the others.
        old = [op.slice_of(s, 1, 0, size) if rate > 1 else s for s, size in zip(before, sizes, strict=True)]
        new: Sequence[Value] = CELL_STEPS[layer._cell](cell, part, tuple(old))
        rates = layer._zoneout_rates or (0.0,) * len(sizes)
        new = [z * o + (1 - z) * n if z else n for z, o, n in zip(rates, old, new, strict=True)]
        if used is not None:
            keep = op.expand_dims(used, 1)
            new = [op.where(keep, n, o) for o, n in zip(old, new, strict=True)]
        after = new
        if rate > 1:
            rings = zip(before, new, sizes, strict=True)
            after = [op.concatenate([op.slice_of(s, 1, size), n], 1) for s, n, size in rings]
        for state, size in zip(after, sizes, strict=True):
            builder.body_output(state, (rate * size,))
        builder.body_output(new[0], sizes[:1])
    inputs = [*initial, a, *([] if mask is None else [mask])]
    *last, y = builder.ops(
        "Scan",
        len(initial) + 1,
        *inputs,
        body=body,
        num_scan_inputs=len(inputs) - len(initial),
        scan_input_axes=[1] * (len(inputs) - len(initial)),
        scan_output_axes=[1],
    )
    return y, tuple(last)
