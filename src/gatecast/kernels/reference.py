"""Reference implementation of the kernels: every cell through time, dense layers and Adam, in NumPy float64.

Shapes: B sequences, T steps, F features, H units, R outputs (H without projection). `d` before a name is the gradient
of the loss with respect to it. `equations` has one step of each cell; the loop around it is::

    h_dropped = h[t-1] * dropout                               recurrent dropout, for the products with Wh
    new       = step(x[t], states[t-1], h_dropped)             equations.STEPS
    s[t]      = zoneout * s[t-1] + (1 - zoneout) * new         zoneout, for h and for an LSTM's c
    s[t]      = s[t] where mask[t], else s[t-1]                a masked step carries the states over
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from gatecast.kernels.activation_equations import ANY_CELLS, any_step
from gatecast.kernels.cells import CELLS, StateNoise
from gatecast.kernels.equations import STEPS, Step

__all__ = [
    "ALL_STEPS",
    "adam",
    "backward",
    "dense_backward",
    "dense_forward",
    "forward",
]

Array = npt.NDArray[Any]
State = tuple[Array, ...]
Cache = dict[str, Any]

ALL_STEPS: Mapping[str, Step] = {**STEPS, **{cell: any_step(cell) for cell in ANY_CELLS}}
"""The step of every cell, by its name in `cells.CELLS`; cells that take activations with the usual ones."""


def forward(
    cell: str,
    params: Mapping[str, npt.ArrayLike],
    x: npt.ArrayLike,
    state: Sequence[npt.ArrayLike] | None = None,
    mask: npt.ArrayLike | None = None,
    noise: StateNoise | None = None,
    *,
    activations: tuple[str, str] | None = None,
) -> tuple[Array, State, Cache]:
    """Run a recurrent layer over a batch of sequences.

    `equations` defines a step; the head of this module defines the loop around it.

    Args:
        cell: Name of a cell in `cells.CELLS`, with G gates.
        params: Wx [F, G H] and b [G H] (a GRU's b is [2, 3 H]); except for the minimal cells Wh [R, G H], which is
            [H / heads, 4 H] for an sLSTM. An LSTM may have P [3 H] or [H, 3 H], gain [G H] and Wr [H, R].
        x: Inputs, [B, T, F]; NaN only where `mask` is False.
        state: Initial states, one array for each state of the cell, h [B, R] and others [B, H]; None stands for zeros.
        mask: Steps to use, [B, T] bool; None uses all. A masked step carries the states over and ignores x.
        noise: Recurrent dropout [B, R], and zoneout with a number or an array [B, T, size] for each state.
        activations: Names of the activation and of that of the gates, for a cell that takes them; None: the usual ones.

    Returns:
        The outputs [B, T, R], the state after the last step, and the cache: gates and states by name, [B, T, size].

    Example:
        >>> params = {"Wx": np.zeros((1, 8)), "Wh": np.zeros((2, 8)), "b": np.ones(8)}
        >>> y, (h, c), cache = forward("lstm", params, np.zeros((3, 4, 1)))
        >>> y.shape, h.shape, cache["f"].shape
        ((3, 4, 2), (3, 2), (3, 4, 2))
    """
    p = {name: np.asarray(value, np.float64) for name, value in params.items()}
    values = np.asarray(x, np.float64)
    B, T, _ = values.shape
    used = np.ones((B, T), bool) if mask is None else np.asarray(mask, bool)
    values = np.where(used[:, :, None], values, 0.0)
    initial = _zero_state(cell, p, B) if state is None else tuple(np.asarray(s, np.float64) for s in state)
    dropout, zoneout = _noise_by_step(noise, cell, T)
    step = ALL_STEPS[cell] if activations is None else any_step(cell, *activations)
    states, steps, path = initial, [], []
    for t in range(T):
        new, saved = step.forward(p, values[:, t], states, states[0] * dropout)
        mixed = tuple(z[t] * old + (1 - z[t]) * s for z, old, s in zip(zoneout, states, new, strict=True))
        states = tuple(np.where(used[:, t, None], s, old) for s, old in zip(mixed, states, strict=True))
        steps.append(saved)
        path.append(states)
    names = [name for name in steps[0] if name in CELLS[cell].saved]
    cache: Cache = {name: np.stack([saved[name] for saved in steps], axis=1) for name in names}
    for name, values_by_step in zip(CELLS[cell].states, zip(*path, strict=True), strict=True):
        cache[name] = np.stack(values_by_step, axis=1)
    cache |= {"steps": steps, "mask": used, "dropout": dropout, "zoneout": zoneout, "initial": initial}
    return cache["h"].copy(), states, cache


def backward(
    cell: str,
    params: Mapping[str, npt.ArrayLike],
    cache: Cache,
    dy: npt.ArrayLike | None = None,
    dstate: Sequence[npt.ArrayLike | None] | None = None,
    *,
    activations: tuple[str, str] | None = None,
) -> tuple[Array, State, dict[str, Array]]:
    """Compute the gradients of a recurrent layer, by the chain rule from the last step to the first.

    Args:
        cell: Name of the cell, as passed to `forward`.
        params: Parameters, as passed to `forward`.
        cache: Cache, as returned by `forward`.
        dy: Gradient of the outputs, [B, T, R]; None stands for zeros.
        dstate: Gradients of the state after the last step, each an array, or None for zeros.
        activations: As passed to `forward`.

    Returns:
        The gradients of x [B, T, F], of the initial states, and of the parameters by name.

    Example:
        >>> params = {"Wx": np.ones((1, 4)), "Wh": np.ones((1, 4)), "b": np.zeros(4), "P": np.ones(3)}
        >>> y, state, cache = forward("lstm", params, np.ones((2, 3, 1)))
        >>> dx, (dh0, dc0), grads = backward("lstm", params, cache, dy=np.ones((2, 3, 1)))
        >>> dx.shape, sorted(grads)
        ((2, 3, 1), ['P', 'Wh', 'Wx', 'b'])
    """
    p = {name: np.asarray(value, np.float64) for name, value in params.items()}
    step = ALL_STEPS[cell] if activations is None else any_step(cell, *activations)
    T = cache["mask"].shape[1]
    dlast = dstate or [None] * len(cache["initial"])
    d = [
        np.zeros_like(s) if g is None else np.asarray(g, np.float64)
        for s, g in zip(cache["initial"], dlast, strict=True)
    ]
    grads = {name: np.zeros_like(value) for name, value in p.items()}
    dx: list[Array] = [np.empty(0)] * T
    for t in reversed(range(T)):
        if dy is not None:
            d[0] = d[0] + np.asarray(dy, np.float64)[:, t]
        used = cache["mask"][:, t, None]
        d_masked, d_used = [~used * g for g in d], [used * g for g in d]
        d_zoned = [z[t] * g for z, g in zip(cache["zoneout"], d_used, strict=True)]
        d_new = tuple((1 - z[t]) * g for z, g in zip(cache["zoneout"], d_used, strict=True))
        dx[t], d_old, dh_dropped, step_grads = step.backward(p, cache["steps"][t], d_new)
        d = [a + b + c for a, b, c in zip(d_old, d_zoned, d_masked, strict=True)]
        d[0] = d[0] + dh_dropped * cache["dropout"]
        for name, grad in step_grads.items():
            grads[name] += grad
    return np.stack(dx, axis=1), tuple(d), grads


def _zero_state(cell: str, p: Mapping[str, Array], B: int) -> State:
    """Return the zero state of a layer."""
    H = p["Wx"].shape[1] // len(CELLS[cell].gates)
    R = p["Wr"].shape[1] if "Wr" in p else H
    return tuple(np.zeros((B, H if k else R)) for k in range(len(CELLS[cell].states)))


def _noise_by_step(noise: StateNoise | None, cell: str, T: int) -> tuple[Any, list[list[Any]]]:
    """Return the mask of h, and for every state the weight of the old value at each step."""
    noise = noise or StateNoise()
    dropout = 1.0 if noise.dropout is None else np.asarray(noise.dropout, np.float64)
    zoneout: list[list[Any]] = []
    for k in range(len(CELLS[cell].states)):
        weight = np.asarray(noise.zoneout[k] if k < len(noise.zoneout) else 0.0, np.float64)
        zoneout.append([weight] * T if weight.ndim == 0 else [weight[:, t] for t in range(T)])
    return dropout, zoneout


def dense_forward(params: Mapping[str, npt.ArrayLike], x: npt.ArrayLike) -> Array:
    """Compute an affine map of the last axis, ``y = x W + b``.

    Args:
        params: W [K, M] and b [M].
        x: Inputs, [..., K].

    Returns:
        The outputs, [..., M].

    Example:
        >>> dense_forward({"W": [[2.0]], "b": [1.0]}, [[3.0]]).tolist()
        [[7.0]]
    """
    x, W, b = (np.asarray(a, np.float64) for a in (x, params["W"], params["b"]))
    y: Array = x @ W + b
    return y


def dense_backward(
    params: Mapping[str, npt.ArrayLike], x: npt.ArrayLike, dy: npt.ArrayLike
) -> tuple[Array, dict[str, Array]]:
    """Compute the gradients of `dense_forward`: ``dx = dy W^T``, ``dW = x^T dy``, ``db = sum dy``.

    Args:
        params: W [K, M] and b [M].
        x: Inputs, [..., K], as passed to `dense_forward`.
        dy: Gradient of the outputs, [..., M].

    Returns:
        The gradients of x [..., K], and of W and b by name.

    Example:
        >>> dx, grads = dense_backward({"W": [[2.0]], "b": [1.0]}, [[3.0]], [[1.0]])
        >>> dx.tolist(), grads["W"].tolist(), grads["b"].tolist()
        ([[2.0]], [[3.0]], [1.0])
    """
    x, dy, W = (np.asarray(a, np.float64) for a in (x, dy, params["W"]))
    rows_x, rows_dy = x.reshape(-1, x.shape[-1]), dy.reshape(-1, dy.shape[-1])
    return dy @ W.T, {"W": rows_x.T @ rows_dy, "b": rows_dy.sum(axis=0)}


def adam(m: Array, v: Array, g: Array, beta1: float, beta2: float, eps: float, step: int) -> tuple[Array, Array, Array]:
    """Update the moments of Adam.

    ``m = b1 m + (1 - b1) g``, ``v = b2 v + (1 - b2) g^2``,
    ``u = m / (1 - b1^step) / (sqrt(v / (1 - b2^step)) + eps)``

    Args:
        m: First moment before the step, [n].
        v: Second moment before the step, [n].
        g: Gradient, [n].
        beta1: Decay of m.
        beta2: Decay of v.
        eps: Number added to the root.
        step: Number of the step; 1 for the first.

    Returns:
        m and v after the step, and the direction u.

    Example:
        >>> zero = np.zeros(1)
        >>> m, v, u = adam(zero, zero, np.array([4.0]), 0.9, 0.999, 0.0, step=1)
        >>> round(float(u[0]), 12)
        1.0

    Source: Kingma & Ba 2015, algorithm 1.
    """
    m = beta1 * m + (1 - beta1) * g
    v = beta2 * v + (1 - beta2) * g * g
    return m, v, m / (1 - beta1**step) / (np.sqrt(v / (1 - beta2**step)) + eps)
