"""The equations, one line each, in NumPy float64: the definition that the fast path must equal.

Letters: B batch, T time, F features, H hidden; i, f, o, g the gates, c the memory, h the output, z a gate's
argument before its activation; `d` before a name is the gradient of the loss with respect to it.

::

    i[t] = sigmoid(Wx_i x[t] + Wh_i h[t-1] + P_i c[t-1] + b_i)      input gate
    f[t] = sigmoid(Wx_f x[t] + Wh_f h[t-1] + P_f c[t-1] + b_f)      forget gate
    g[t] = tanh   (Wx_g x[t] + Wh_g h[t-1]              + b_g)      candidate
    c[t] = f[t] * c[t-1] + i[t] * g[t]                              memory
    o[t] = sigmoid(Wx_o x[t] + Wh_o h[t-1] + P_o c[?]   + b_o)      output gate
    h[t] = o[t] * tanh(c[t])                                        output

A peephole P is absent, diagonal (a vector; the output gate sees c[t]) or full (a matrix; the output gate
sees c[t-1]). Columns of Wx, Wh and b stand in the order i, f, o, g; those of P in the order i, f, o.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = [
    "ACTIVATIONS",
    "adam",
    "dense_backward",
    "dense_forward",
    "lstm_backward",
    "lstm_forward",
    "sigmoid",
]

Array = npt.NDArray[Any]
Cache = dict[str, Array]


def sigmoid(z: Array) -> Array:
    """Logistic function, ``1 / (1 + exp(-z))``, in the form that cannot overflow.

    >>> sigmoid(np.array([-1000.0, 0.0, 1000.0])).tolist()
    [0.0, 0.5, 1.0]
    """
    return 0.5 * (1.0 + np.tanh(0.5 * z))


ACTIVATIONS: Mapping[str, tuple[Callable[[Array], Array], Callable[[Array], Array]]] = {
    "linear": (lambda z: z, np.ones_like),
    "relu": (lambda z: np.maximum(z, 0), lambda y: (y > 0).astype(y.dtype)),
    "tanh": (np.tanh, lambda y: 1 - y * y),
    "sigmoid": (sigmoid, lambda y: y * (1 - y)),
}
"""Name -> (y = activation(z), dy/dz as a function of y)."""


def lstm_forward(
    params: Mapping[str, npt.ArrayLike],
    x: npt.ArrayLike,
    h0: npt.ArrayLike | None = None,
    c0: npt.ArrayLike | None = None,
    mask: npt.ArrayLike | None = None,
) -> tuple[Array, tuple[Array, Array], Cache]:
    """Run an LSTM over a batch of sequences.

    The equations stand at the head of this module.

    Args:
        params: Wx (F, 4H), Wh (H, 4H), b (4H,), and P (3H,) or (H, 3H) if there are peepholes.
        x: (B, T, F). NaN only where `mask` is False.
        h0: (B, H) output before the first step; zeros if None.
        c0: (B, H) memory before the first step; zeros if None.
        mask: (B, T) bool. Where False the step is skipped: h and c are carried over, x is not looked at.

    Returns:
        y (B, T, H), the final state (hT, cT), and the cache: i, f, o, g, c, h, each (B, T, H), and inputs.

    Source: Hochreiter & Schmidhuber 1997; Gers, Schmidhuber & Cummins 2000 (forget gate); Gers &
    Schmidhuber 2000 (peepholes).

    >>> params = {"Wx": np.zeros((1, 8)), "Wh": np.zeros((2, 8)), "b": np.ones(8)}
    >>> y, (hT, cT), cache = lstm_forward(params, np.zeros((3, 4, 1)))
    >>> y.shape, hT.shape, cache["f"].shape
    ((3, 4, 2), (3, 2), (3, 4, 2))
    """
    Wx, Wh, b, (P_i, P_f, P_o) = _weights(params)
    x, h, c, mask = _inputs(x, h0, c0, mask, len(Wh))
    cache: Cache = {"x": x, "h0": h, "c0": c, "mask": mask}
    cache |= {name: np.zeros((*mask.shape, len(Wh))) for name in ("i", "f", "o", "g", "c", "h")}
    for t in range(mask.shape[1]):
        z_i, z_f, z_o, z_g = np.split(x[:, t] @ Wx + h @ Wh + b, 4, axis=1)
        i = sigmoid(z_i + _peep(P_i, c))
        f = sigmoid(z_f + _peep(P_f, c))
        g = np.tanh(z_g)
        c_new = f * c + i * g
        o = sigmoid(z_o + _peep(P_o, c_new if P_o.ndim == 1 else c))
        h_new = o * np.tanh(c_new)
        here = mask[:, t, None]
        h, c = np.where(here, h_new, h), np.where(here, c_new, c)
        for name, value in zip(("i", "f", "o", "g", "c", "h"), (i, f, o, g, c, h), strict=True):
            cache[name][:, t] = value
    return cache["h"].copy(), (h, c), cache


def lstm_backward(
    params: Mapping[str, npt.ArrayLike],
    cache: Cache,
    dy: npt.ArrayLike | None = None,
    dhT: npt.ArrayLike | None = None,
    dcT: npt.ArrayLike | None = None,
) -> tuple[Array, tuple[Array, Array], dict[str, Array]]:
    """Gradients of an LSTM, by the chain rule from the last step to the first.

    With dh, dc the gradients of h[t], c[t] and u * (1 - u) the slope of a sigmoid whose value is u::

        dz_o = dh * tanh(c[t])     * o * (1 - o)
        dc  += dh * o * (1 - tanh(c[t])^2)  (+ P_o dz_o if diagonal)
        dz_i = dc * g              * i * (1 - i)
        dz_f = dc * c[t-1]         * f * (1 - f)
        dz_g = dc * i              * (1 - g^2)

    Args:
        params: As given to `lstm_forward`.
        cache: As returned by `lstm_forward`.
        dy: (B, T, H) gradient of the outputs; zeros if None.
        dhT: (B, H) gradient of the final output; zeros if None.
        dcT: (B, H) gradient of the final memory; zeros if None.

    Returns:
        dx (B, T, F), (dh0, dc0), and the gradients of the parameters under their names.

    >>> params = {"Wx": np.ones((1, 4)), "Wh": np.ones((1, 4)), "b": np.zeros(4), "P": np.ones(3)}
    >>> y, state, cache = lstm_forward(params, np.ones((2, 3, 1)))
    >>> dx, (dh0, dc0), grads = lstm_backward(params, cache, dy=np.ones((2, 3, 1)))
    >>> dx.shape, sorted(grads)
    ((2, 3, 1), ['P', 'Wh', 'Wx', 'b'])
    """
    Wx, Wh, _, (P_i, P_f, P_o) = _weights(params)
    h_old, c_old = (_one_step_back(cache[name], cache[name + "0"]) for name in ("h", "c"))
    dy = np.zeros_like(h_old) if dy is None else np.asarray(dy, np.float64)
    dh, dc = (np.zeros_like(cache["h0"]) if d is None else np.asarray(d, np.float64) for d in (dhT, dcT))
    dz = np.zeros((*cache["mask"].shape, Wh.shape[1]))
    for t in reversed(range(dz.shape[1])):
        i, f, o, g, c = (cache[name][:, t] for name in ("i", "f", "o", "g", "c"))
        dh = dh + dy[:, t]
        # A skipped step hands its gradients straight back; the cell sees those of the other steps.
        here = cache["mask"][:, t, None]
        (dh, dh_skipped), (dc, dc_skipped) = ((here * d, ~here * d) for d in (dh, dc))
        dz_o = dh * np.tanh(c) * o * (1 - o)
        dc = dc + dh * o * (1 - np.tanh(c) ** 2) + (_peep_back(P_o, dz_o) if P_o.ndim == 1 else 0)
        dz_i = dc * g * i * (1 - i)
        dz_f = dc * c_old[:, t] * f * (1 - f)
        dz_g = dc * i * (1 - g * g)
        dz[:, t] = np.concatenate([dz_i, dz_f, dz_o, dz_g], axis=1)
        dh = dh_skipped + dz[:, t] @ Wh.T
        dc = dc_skipped + dc * f + _peep_back(P_i, dz_i) + _peep_back(P_f, dz_f)
        dc = dc + (_peep_back(P_o, dz_o) if P_o.ndim == 2 else 0)
    grads = {"Wx": _outer(cache["x"], dz), "Wh": _outer(h_old, dz), "b": dz.sum(axis=(0, 1))}
    if "P" in params:
        grads["P"] = _peep_grad(P_o.ndim, c_old, cache["c"], dz)
    return dz @ Wx.T, (dh, dc), grads


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


def _weights(params: Mapping[str, npt.ArrayLike]) -> tuple[Array, Array, Array, list[Array]]:
    """Wx, Wh, b and the peepholes (P_i, P_f, P_o) in float64; no peepholes are diagonal zeros."""
    Wx, Wh, b = (np.asarray(params[name], np.float64) for name in ("Wx", "Wh", "b"))
    P = np.asarray(params.get("P", np.zeros(3 * len(Wh))), np.float64)
    return Wx, Wh, b, np.split(P, 3, axis=-1)


def _inputs(
    x: npt.ArrayLike, h0: npt.ArrayLike | None, c0: npt.ArrayLike | None, mask: npt.ArrayLike | None, H: int
) -> tuple[Array, Array, Array, Array]:
    """x, h0, c0 and mask in full; x is zero where it is not to be looked at."""
    x = np.asarray(x, np.float64)
    B, T, _ = x.shape
    here = np.ones((B, T), bool) if mask is None else np.asarray(mask, bool)
    h, c = (np.zeros((B, H)) if s is None else np.asarray(s, np.float64) for s in (h0, c0))
    return np.where(here[:, :, None], x, 0.0), h, c, here


def _one_step_back(s: Array, s0: Array) -> Array:
    """s[t-1] for every t: (B, T, H) from s (B, T, H) and s[-1] = s0 (B, H)."""
    return np.concatenate([s0[:, None], s[:, :-1]], axis=1)


def _outer(a: Array, dz: Array) -> Array:
    """Gradient of W in z = a W: a^T dz summed over batch and time."""
    return np.tensordot(a, dz, axes=((0, 1), (0, 1)))


def _peep(P: Array, c: Array) -> Array:
    """What one gate sees of the memory: P * c (diagonal) or c P (full)."""
    return c * P if P.ndim == 1 else c @ P


def _peep_back(P: Array, dz: Array) -> Array:
    """Gradient of the memory through one gate's peephole."""
    return dz * P if P.ndim == 1 else dz @ P.T


def _peep_grad(ndim: int, c_old: Array, c: Array, dz: Array) -> Array:
    """Gradient of P: each gate's dz times the memory that it saw."""
    dz_i, dz_f, dz_o, _ = np.split(dz, 4, axis=-1)
    if ndim == 2:
        return _outer(c_old, np.concatenate([dz_i, dz_f, dz_o], axis=-1))
    dP: Array = np.concatenate([dz_i * c_old, dz_f * c_old, dz_o * c], axis=-1).sum(axis=(0, 1))
    return dP
