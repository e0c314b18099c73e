"""Questions for witnesses (PyTorch, Keras, plain autograd), without any of gatecast's code.

Shapes: N layers, B sequences, T steps, F features, H units, R outputs, M outputs of Dense. `d` before a name is a
gradient.

A record is a flat dict of arrays, questions and answers. Questions hold float32 numbers that are multiples of
2^-12, so that float32 and float64 start from the same numbers and sums of two of them are exact.

| record   | question                                             | answer                              |
|----------|------------------------------------------------------|-------------------------------------|
| stack    | weights.k.{Wx,Wh,b,P,Wr}, x (B,T,F), h0 (N,B,R) and  | y, hT, cT, dx, dh0, dc0,            |
|          | c0 (N,B,H), gy (B,T,R), gh, gc, mask (B,T); h0 and   | grads.k.{Wx,Wh,b,P,Wr}              |
|          | c0, and mask, may be left out; c is for LSTM only    |                                     |
| network  | weights.k.{Wx,Wh,b}, weights.N.{W,b}, x, mask        | predictions (B,M), keras.00, ...    |
| training | weights as of a network, x, y (B,M), sgd_rate,       | {sgd,adam}.k.{Wx,Wh,b or W,b} after |
|          | adam_rate, epsilon                                   | 1 and 3 steps; {sgd,adam}_loss      |
| exchange | before.<name> as the peer names them, x, y (B,M),    | predictions (B,M), loss, and        |
|          | rate                                                 | after.<name> after one step of SGD  |

The loss of a stack record is sum(y gy) + sum(hT gh) + sum(cT gc); that of the others the mean squared error.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
Record = dict[str, Array]

GRID = 2.0**-12
BETAS = (0.9, 0.999)
ADAM_STEPS = 3

GATES = {"rnn": 1, "rnn_relu": 1, "gru": 3, "gru_before": 3, "lstm": 4}
"""Number of gates of the cells that the peers have."""

UNITS = 3
"""Number of units H in exchange records."""


class Kind(NamedTuple):
    """A network of an exchange record: two recurrent layers and a dense one on the last output."""

    cell: str
    bidirectional: bool = False
    projection: int | None = None


TORCH_KINDS = {
    **{cell: Kind(cell) for cell in ("rnn", "rnn_relu", "gru", "lstm")},
    **{f"{cell}_bidirectional": Kind(cell, True) for cell in ("rnn", "gru", "lstm")},
    "projection": Kind("lstm", projection=2),
    "projection_bidirectional": Kind("lstm", True, 2),
}
KERAS_KINDS = {
    **{cell: Kind(cell) for cell in GATES},
    **{f"{cell}_bidirectional": Kind(cell, True) for cell in GATES},
}


def draw(rng: np.random.Generator, *shape: int, scale: float = 1.0) -> Array:
    """Draw normal numbers on the grid, float32."""
    return (np.round(rng.normal(0, scale, shape) / GRID) * GRID).astype(np.float32)


def draw_layer(
    rng: np.random.Generator,
    F: int,
    H: int,
    peephole: str | None = None,
    cell: str = "lstm",
    projection: int | None = None,
) -> Record:
    """Draw the parameters of a recurrent layer."""
    G, R = GATES[cell] * H, projection or H
    params = {"Wx": draw(rng, F, G, scale=0.5), "Wh": draw(rng, R, G, scale=0.8 * R**-0.5)}
    params["b"] = draw(rng, *((2, G) if cell == "gru" else (G,)), scale=0.5)
    if peephole == "diagonal":
        params["P"] = draw(rng, 3 * H, scale=0.5)
    if peephole == "full":
        params["P"] = draw(rng, H, 3 * H, scale=0.5 * H**-0.5)
    if projection is not None:
        params["Wr"] = draw(rng, H, R, scale=H**-0.5)
    return params


def draw_weights(
    rng: np.random.Generator,
    N: int,
    F: int,
    H: int,
    peephole: str | None = None,
    cell: str = "lstm",
    projection: int | None = None,
) -> Record:
    """Draw the parameters of a stack of recurrent layers."""
    R = projection or H
    stack = [draw_layer(rng, R if k else F, H, peephole, cell, projection) for k in range(N)]
    return join("weights", stack)


def draw_inputs(
    rng: np.random.Generator, weights: Record, T: int, B: int, *, stateful: bool = True, cell: str = "lstm"
) -> Record:
    """Draw the inputs of a stack record for its weights."""
    stack = split(weights, "weights")
    N, F, R = len(stack), len(stack[0]["Wx"]), len(stack[0]["Wh"])
    H = stack[0]["Wx"].shape[1] // GATES[cell]
    inputs = {"x": draw(rng, B, T, F), "gy": draw(rng, B, T, R), "gh": draw(rng, N, B, R)}
    if cell == "lstm":
        inputs["gc"] = draw(rng, N, B, H)
    if stateful:
        inputs["h0"] = draw(rng, N, B, R, scale=0.5)
    if stateful and cell == "lstm":
        inputs["c0"] = draw(rng, N, B, H)
    return inputs


def draw_exchange(rng: np.random.Generator, shapes: Mapping[str, tuple[int, ...]], F: int, M: int) -> Record:
    """Draw the question of an exchange record, for weights of these names and shapes."""
    T, B = 6, 5
    record = {f"before.{name}": draw(rng, *shape, scale=shape[-1] ** -0.5) for name, shape in shapes.items()}
    return record | {"x": draw(rng, B, T, F), "y": draw(rng, B, M), "rate": np.array(2.0**-4)}


def draw_training(rng: np.random.Generator, N: int, H: int, T: int, B: int, epsilon: float = 2.0**-12) -> Record:
    """Draw the question of a training record: the network of the article without dropout, one feature, one output.

    The default epsilon is as large as many gradients, so that its position in the equation matters.
    """
    record = draw_weights(rng, N, 1, H) | {"x": draw(rng, B, T, 1), "y": draw(rng, B, 1)}
    record |= {f"weights.{N}.W": draw(rng, H, 1, scale=H**-0.5), f"weights.{N}.b": draw(rng, 1)}
    # Powers of two are the same number in float32.
    return record | {
        "sgd_rate": np.array(2.0**-4),
        "adam_rate": np.array(2.0**-7),
        "epsilon": np.array(epsilon),
    }


def padding(T: int, lengths: Sequence[int], side: str) -> npt.NDArray[np.bool_]:
    """Return the mask [B, T] of sequences padded on one side to T steps."""
    right = np.arange(T)[None, :] < np.asarray(lengths)[:, None]
    return right if side == "right" else right[:, ::-1].copy()


def join(name: str, layers: Sequence[Mapping[str, Array]]) -> Record:
    """Flatten the names of layers: ``name.k.parameter``."""
    return {f"{name}.{k}.{key}": value for k, layer in enumerate(layers) for key, value in layer.items()}


def split(record: Mapping[str, Array], name: str) -> list[Record]:
    """Invert `join`."""
    layers: dict[int, Record] = {}
    for key, value in record.items():
        head, *rest = key.split(".")
        if head == name and len(rest) == 2:
            layers.setdefault(int(rest[0]), {})[rest[1]] = value
    return [layers[k] for k in sorted(layers)]


def part(record: Mapping[str, Array], name: str) -> Record:
    """Return the entries under a name, without it, in their order."""
    return {key.removeprefix(f"{name}."): value for key, value in record.items() if key.startswith(f"{name}.")}


def from_keras(weights: Sequence[Array]) -> list[Record]:
    """Return the layers of LSTM, ..., LSTM, Dense from Keras' list of weights."""
    *recurrent, W, b = weights
    named = [dict(zip(("Wx", "Wh", "b"), recurrent[k : k + 3], strict=True)) for k in range(0, len(recurrent), 3)]
    return [*({n: swap(w) for n, w in layer.items()} for layer in named), {"W": W, "b": b}]


def to_keras(layers: Sequence[Mapping[str, Array]]) -> list[Array]:
    """Invert `from_keras`."""
    *stack, dense = layers
    return [*(swap(layer[n]) for layer in stack for n in ("Wx", "Wh", "b")), dense["W"], dense["b"]]


def swap(w: Array, cell: str = "lstm") -> Array:
    """Swap an LSTM's columns i, f, o, g and i, f, g, o; leave other cells alone. Independent of gatecast on purpose."""
    if cell != "lstm":
        return w
    i, f, third, fourth = np.split(w, 4, axis=-1)
    return np.concatenate([i, f, fourth, third], axis=-1)
