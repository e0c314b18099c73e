"""The definition that the fast path must equal: every cell through time, dense layers and Adam, in NumPy float64.

Letters: B batch, T time, F features, H units, R outputs (H without projection); `d` before a name is the gradient of
the loss with respect to it. One step of each cell stands in `equations`; here is what happens around it::

    seen   = h[t-1] * drop                                     recurrent dropout: what the products see of h
    new    = step(x[t], states[t-1], seen)                     equations.STEPS
    s[t]   = zone * s[t-1] + (1 - zone) * new                  zoneout, for h and for an LSTM's c
    s[t]   = s[t] where mask[t], else s[t-1]                   a skipped step carries the states
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from gatecast.kernels.cells import CELLS, StateNoise
from gatecast.kernels.equations import STEPS, sigmoid

__all__ = [
    "ACTIVATIONS",
    "adam",
    "backward",
    "dense_backward",
    "dense_forward",
    "forward",
    "sigmoid",
]

Array = npt.NDArray[Any]
State = tuple[Array, ...]
Cache = dict[str, Any]

ACTIVATIONS: Mapping[str, tuple[Callable[[Array], Array], Callable[[Array], Array]]] = {
    "linear": (lambda z: z, np.ones_like),
    "relu": (lambda z: np.maximum(z, 0), lambda y: (y > 0).astype(y.dtype)),
    "tanh": (np.tanh, lambda y: 1 - y * y),
    "sigmoid": (sigmoid, lambda y: y * (1 - y)),
}
"""Name -> (y = activation(z), dy/dz as a function of y)."""


def forward(
    cell: str,
    params: Mapping[str, npt.ArrayLike],
    x: npt.ArrayLike,
    state: Sequence[npt.ArrayLike] | None = None,
    mask: npt.ArrayLike | None = None,
    noise: StateNoise | None = None,
) -> tuple[Array, State, Cache]:
    """Run a recurrent layer over a batch of sequences.

    The equations of a step stand in `equations`, what surrounds it at the head of this module.

    Args:
        cell: A name of `cells.CELLS`; G gates.
        params: Wx (F, G H), b (G H); but for the minimal cells Wh (R, G H), (H / heads, 4 H) for an sLSTM. A GRU's b is
            (2, 3 H). An LSTM may have P (3 H) or (H, 3 H), gain (G H), Wr (H, R).
        x: (B, T, F). NaN only where `mask` is False.
        state: One array for each state of the cell, h (B, R), others (B, H); zeros if None.
        mask: (B, T) bool. Where False the step is skipped: states are carried over, x is not looked at.
        noise: Recurrent dropout (B, R) and zoneout, each share a number or (B, T, size).

    Returns:
        y (B, T, R), the state after the last step, and the cache: gates and states by name, each (B, T, size).

    >>> params = {"Wx": np.zeros((1, 8)), "Wh": np.zeros((2, 8)), "b": np.ones(8)}
    >>> y, (h, c), cache = forward("lstm", params, np.zeros((3, 4, 1)))
    >>> y.shape, h.shape, cache["f"].shape
    ((3, 4, 2), (3, 2), (3, 4, 2))
    """
    p = {name: np.asarray(value, np.float64) for name, value in params.items()}
    values = np.asarray(x, np.float64)
    B, T, _ = values.shape
    here = np.ones((B, T), bool) if mask is None else np.asarray(mask, bool)
    values = np.where(here[:, :, None], values, 0.0)
    start = _start(cell, p, B) if state is None else tuple(np.asarray(s, np.float64) for s in state)
    drop, zones = _noise(noise, cell, T)
    states, steps, path = start, [], []
    for t in range(T):
        new, saved = STEPS[cell].forward(p, values[:, t], states, states[0] * drop)
        mixed = tuple(z[t] * old + (1 - z[t]) * s for z, old, s in zip(zones, states, new, strict=True))
        states = tuple(np.where(here[:, t, None], s, old) for s, old in zip(mixed, states, strict=True))
        steps.append(saved)
        path.append(states)
    named = {name: np.stack([saved[name] for saved in steps], axis=1) for name in steps[0] if name in CELLS[cell].saved}
    named |= {
        name: np.stack(track, axis=1) for name, track in zip(CELLS[cell].states, zip(*path, strict=True), strict=True)
    }
    cache = named | {"steps": steps, "mask": here, "drop": drop, "zones": zones, "start": start, "cell": cell}
    return cache["h"].copy(), states, cache


def backward(
    cell: str,
    params: Mapping[str, npt.ArrayLike],
    cache: Cache,
    dy: npt.ArrayLike | None = None,
    dstate: Sequence[npt.ArrayLike | None] | None = None,
) -> tuple[Array, State, dict[str, Array]]:
    """Gradients of a recurrent layer, by the chain rule from the last step to the first.

    Args:
        cell: As given to `forward`.
        params: As given to `forward`.
        cache: As returned by `forward`.
        dy: (B, T, R) gradient of the outputs; zeros if None.
        dstate: Gradients of the state after the last step, each an array or None for zeros.

    Returns:
        dx (B, T, F), the gradients of the initial states, and those of the parameters under their names.

    >>> params = {"Wx": np.ones((1, 4)), "Wh": np.ones((1, 4)), "b": np.zeros(4), "P": np.ones(3)}
    >>> y, state, cache = forward("lstm", params, np.ones((2, 3, 1)))
    >>> dx, (dh0, dc0), grads = backward("lstm", params, cache, dy=np.ones((2, 3, 1)))
    >>> dx.shape, sorted(grads)
    ((2, 3, 1), ['P', 'Wh', 'Wx', 'b'])
    """
    p = {name: np.asarray(value, np.float64) for name, value in params.items()}
    T = cache["mask"].shape[1]
    given = dstate or [None] * len(cache["start"])
    d = [
        np.zeros_like(s) if g is None else np.asarray(g, np.float64) for s, g in zip(cache["start"], given, strict=True)
    ]
    grads = {name: np.zeros_like(value) for name, value in p.items()}
    dx: list[Array] = [np.empty(0)] * T
    for t in reversed(range(T)):
        if dy is not None:
            d[0] = d[0] + np.asarray(dy, np.float64)[:, t]
        here = cache["mask"][:, t, None]
        skipped, inside = [~here * g for g in d], [here * g for g in d]
        past = [z[t] * g for z, g in zip(cache["zones"], inside, strict=True)]
        new = tuple((1 - z[t]) * g for z, g in zip(cache["zones"], inside, strict=True))
        dx[t], old, seen, own = STEPS[cell].backward(p, cache["steps"][t], new)
        d = [a + b + c for a, b, c in zip(old, past, skipped, strict=True)]
        d[0] = d[0] + seen * cache["drop"]
        for name, grad in own.items():
            grads[name] += grad
    return np.stack(dx, axis=1), tuple(d), grads


def _start(cell: str, p: Mapping[str, Array], B: int) -> State:
    """The zero states."""
    H = p["Wx"].shape[1] // len(CELLS[cell].gates)
    R = p["Wr"].shape[1] if "Wr" in p else H
    return tuple(np.zeros((B, H if k else R)) for k in range(len(CELLS[cell].states)))


def _noise(noise: StateNoise | None, cell: str, T: int) -> tuple[Any, list[list[Any]]]:
    """The mask on h, and for every state the share of the old value at each step."""
    noise = noise or StateNoise()
    drop = 1.0 if noise.dropout is None else np.asarray(noise.dropout, np.float64)
    zones: list[list[Any]] = []
    for k in range(len(CELLS[cell].states)):
        zone = np.asarray(noise.zoneout[k] if k < len(noise.zoneout) else 0.0, np.float64)
        zones.append([zone] * T if zone.ndim == 0 else [zone[:, t] for t in range(T)])
    return drop, zones


def dense_forward(params: Mapping[str, npt.ArrayLike], x: npt.ArrayLike) -> Array:
    """Affine map of the last axis, ``y = x W + b``.

    Args:
        params: W (K, M), b (M,).
        x: (..., K).

    Returns:
        y (..., M).

    >>> dense_forward({"W": [[2.0]], "b": [1.0]}, [[3.0]]).tolist()
    [[7.0]]
    """
    x, W, b = (np.asarray(a, np.float64) for a in (x, params["W"], params["b"]))
    y: Array = x @ W + b
    return y


def dense_backward(
    params: Mapping[str, npt.ArrayLike], x: npt.ArrayLike, dy: npt.ArrayLike
) -> tuple[Array, dict[str, Array]]:
    """Gradients of `dense_forward`: ``dx = dy W^T``, ``dW = x^T dy``, ``db = sum dy``.

    Args:
        params: W (K, M), b (M,).
        x: (..., K), as given to `dense_forward`.
        dy: (..., M).

    Returns:
        dx (..., K) and the gradients of W and b.

    >>> dx, grads = dense_backward({"W": [[2.0]], "b": [1.0]}, [[3.0]], [[1.0]])
    >>> dx.tolist(), grads["W"].tolist(), grads["b"].tolist()
    ([[2.0]], [[3.0]], [1.0])
    """
    x, dy, W = (np.asarray(a, np.float64) for a in (x, dy, params["W"]))
    rows_x, rows_dy = x.reshape(-1, x.shape[-1]), dy.reshape(-1, dy.shape[-1])
    return dy @ W.T, {"W": rows_x.T @ rows_dy, "b": rows_dy.sum(axis=0)}


def adam(m: Array, v: Array, g: Array, beta1: float, beta2: float, eps: float, step: int) -> tuple[Array, Array, Array]:
    """One step of Adam's moments.

    ``m = b1 m + (1 - b1) g``, ``v = b2 v + (1 - b2) g^2``,
    ``u = m / (1 - b1^step) / (sqrt(v / (1 - b2^step)) + eps)``

    Args:
        m: (n,) first moment before the step.
        v: (n,) second moment before the step.
        g: (n,) gradient.
        beta1: Decay of m.
        beta2: Decay of v.
        eps: Added to the root.
        step: 1 for the first step.

    Returns:
        m and v after the step, and the direction u.

    Source: Kingma & Ba 2015, algorithm 1.

    >>> zero = np.zeros(1)
    >>> m, v, u = adam(zero, zero, np.array([4.0]), 0.9, 0.999, 0.0, step=1)
    >>> round(float(u[0]), 12)
    1.0
    """
    m = beta1 * m + (1 - beta1) * g
    v = beta2 * v + (1 - beta2) * g * g
    return m, v, m / (1 - beta1**step) / (np.sqrt(v / (1 - beta2**step)) + eps)
