"""What a witness (PyTorch, Keras, plain autograd) is asked. Nothing of gatecast is used here.

Letters: N layers, B batch, T time, F features, H hidden, M outputs; `d` before a name is a gradient.

A record is a flat dict of arrays, questions and answers. Questions hold float32 numbers that are multiples of
2^-12, so that float32 and float64 start from the very same numbers and sums of two of them are exact.

| record   | question                                             | answer                              |
|----------|------------------------------------------------------|-------------------------------------|
| lstm     | weights.k.{Wx,Wh,b,P}, x (B,T,F), h0 c0 (N,B,H),     | y, hT, cT, dx, dh0, dc0,            |
|          | gy (B,T,H), gh gc (N,B,H), mask (B,T); h0 and c0,    | grads.k.{Wx,Wh,b,P}                 |
|          | and mask, may be left out                            |                                     |
| network  | weights.k.{Wx,Wh,b}, weights.N.{W,b}, x, mask        | predictions (B,M), keras.00, ...    |
| training | weights as of a network, x, y (B,M), sgd_rate,       | {sgd,adam}.k.{Wx,Wh,b or W,b} after |
|          | adam_rate, epsilon                                   | 1 and 3 steps; {sgd,adam}_loss      |

The loss of an lstm record is sum(y gy) + sum(hT gh) + sum(cT gc); that of training the mean squared error.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
Record = dict[str, Array]

GRID = 2.0**-12
BETAS = (0.9, 0.999)
ADAM_STEPS = 3


def draw(rng: np.random.Generator, *shape: int, scale: float = 1.0) -> Array:
    """Normal numbers on the grid, float32."""
    return (np.round(rng.normal(0, scale, shape) / GRID) * GRID).astype(np.float32)


def draw_layer(rng: np.random.Generator, F: int, H: int, peephole: str | None = None) -> Record:
    """Parameters of one LSTM layer."""
    params = {"Wx": draw(rng, F, 4 * H, scale=0.5), "Wh": draw(rng, H, 4 * H, scale=0.8 * H**-0.5)}
    params["b"] = draw(rng, 4 * H, scale=0.5)
    if peephole == "diagonal":
        params["P"] = draw(rng, 3 * H, scale=0.5)
    if peephole == "full":
        params["P"] = draw(rng, H, 3 * H, scale=0.5 * H**-0.5)
    return params


def draw_weights(rng: np.random.Generator, N: int, F: int, H: int, peephole: str | None = None) -> Record:
    """Parameters of a stack of LSTM layers."""
    stack = [draw_layer(rng, H if k else F, H, peephole) for k in range(N)]
    return join("weights", stack)


def draw_inputs(rng: np.random.Generator, weights: Record, T: int, B: int, *, stateful: bool = True) -> Record:
    """The rest of the question of an lstm record."""
    stack = split(weights, "weights")
    N, F, H = len(stack), len(stack[0]["Wx"]), len(stack[0]["Wh"])
    inputs = {
        "x": draw(rng, B, T, F),
        "gy": draw(rng, B, T, H),
        "gh": draw(rng, N, B, H),
        "gc": draw(rng, N, B, H),
    }
    if stateful:
        inputs |= {"h0": draw(rng, N, B, H, scale=0.5), "c0": draw(rng, N, B, H)}
    return inputs


def draw_training(rng: np.random.Generator, N: int, H: int, T: int, B: int, epsilon: float = 2.0**-12) -> Record:
    """The question of a training record: the article's network without dropout, one feature, one output.

    The default epsilon is as large as many gradients, so that its place in the equation matters.
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
    """Mask (B, T) of sequences padded on one side to T steps."""
    right = np.arange(T)[None, :] < np.asarray(lengths)[:, None]
    return right if side == "right" else right[:, ::-1].copy()


def join(name: str, layers: Sequence[Mapping[str, Array]]) -> Record:
    """Layers under flat names: ``name.k.parameter``."""
    return {f"{name}.{k}.{key}": value for k, layer in enumerate(layers) for key, value in layer.items()}


def split(record: Mapping[str, Array], name: str) -> list[Record]:
    """The inverse of `join`."""
    layers: dict[int, Record] = {}
    for key, value in record.items():
        head, *rest = key.split(".")
        if head == name and len(rest) == 2:
            layers.setdefault(int(rest[0]), {})[rest[1]] = value
    return [layers[k] for k in sorted(layers)]


def from_keras(weights: Sequence[Array]) -> list[Record]:
    """Layers of LSTM, ..., LSTM, Dense from the list that Keras gives."""
    *own, W, b = weights
    named = [dict(zip(("Wx", "Wh", "b"), own[k : k + 3], strict=True)) for k in range(0, len(own), 3)]
    return [*({n: _swap(w) for n, w in layer.items()} for layer in named), {"W": W, "b": b}]


def to_keras(layers: Sequence[Mapping[str, Array]]) -> list[Array]:
    """The inverse of `from_keras`."""
    *stack, dense = layers
    return [*(_swap(layer[n]) for layer in stack for n in ("Wx", "Wh", "b")), dense["W"], dense["b"]]


def _swap(w: Array) -> Array:
    """Columns i, f, o, g as i, f, g, o, or back: on purpose without gatecast's own code."""
    i, f, third, fourth = np.split(w, 4, axis=-1)
    return np.concatenate([i, f, fourth, third], axis=-1)
