"""The native kernels under the names of `reference`; beside `cells`, the only file that imports the compiled module.

Letters: B batch, T time, F features, H units, R outputs (H without projection), K and M inputs and outputs of a
dense layer, nb blocks of L sequences (L = 16, or 1 where there are only a few). Arrays are packed (see `arrays`):
x (nb, T, F, L), y (nb, T, R, L), states (nb, H or R, L), masks (nb, T, L), all float32 and C-contiguous. What these
functions compute is defined by `reference`; the same call gives the same bits for any number of threads.

Two environment variables are read at import: GATECAST_THREADS (default: the processors that this process may
use) and GATECAST_ISA (default: the highest instruction-set level of this machine).
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from gatecast.errors import ConfigError
from gatecast.kernels import _native
from gatecast.kernels.cells import CELLS, StateNoise
from gatecast.kernels.packing import LANES, Array, Params

__all__ = [
    "Cache",
    "adam",
    "available_isas",
    "backward",
    "dense_backward",
    "dense_forward",
    "dropout",
    "forward",
    "get_num_threads",
    "isa",
    "pinball",
    "quantiles_backward",
    "quantiles_forward",
    "release_memory",
    "set_isa",
    "set_num_threads",
]

State = tuple[Array, ...]

_NUMBER = {name: number for number, name in enumerate(CELLS)}
_QUIET = StateNoise()
_WEIGHTS = ("Wx", "Wh", "b", "P", "gain", "Wr")


class Cache(NamedTuple):
    """What the backward pass of a recurrent layer needs; it may be used more than once."""

    cell: str
    units: int
    """H."""
    x: Array
    state: State | None
    mask: Array | None
    noise: StateNoise | None
    y: Array
    saved: Array | None
    """(nb, T, rows, L): those of `CELLS[cell].saved`, H each, then what options need."""

    def rows(self, name: str) -> Array:
        """Gates or memory of every step by name, as a view: (nb, T, H, L)."""
        names, H = CELLS[self.cell].saved, self.units
        if self.saved is None or name not in names:
            expected = ", ".join(names) or "nothing: y says it all"
            raise ConfigError(f"{self.cell} saves no such rows", got=repr(name), expected=expected)
        return self.saved[:, :, names.index(name) * H : (names.index(name) + 1) * H]


def forward(
    cell: str,
    params: Mapping[str, Array],
    x: Array,
    state: State | None = None,
    mask: Array | None = None,
    noise: StateNoise | None = None,
    *,
    keep: bool = True,
    sequences: bool = True,
) -> tuple[Array | None, State, Cache | None]:
    """Run a recurrent layer.

    The equations are those of `reference.forward`; shapes of the parameters stand there too.

    Args:
        cell: A name of `cells.CELLS`.
        params: Wx, b, and as the cell and its options have them Wh, P, gain, Wr.
        x: (nb, T, F, L). NaN passes through; where `mask` is 0, x must be finite.
        state: One array for each state of the cell, (nb, R, L) for h and (nb, H, L) for others; zeros if None.
        mask: (nb, T, L) of 0 and 1. Where 0 the step is skipped and the state carried.
        noise: Recurrent dropout and zoneout.
        keep: Whether a backward pass will follow; without it there is no cache.
        sequences: Whether the outputs of all steps are wanted; with `keep` they are there anyway.

    Returns:
        y (nb, T, R, L) or None, the state after the last step, and the cache or None.

    Raises:
        ConfigError: No such cell.
        ValueError: A shape does not fit.
        TypeError: An array that is not float32 and C-contiguous.

    >>> params = {n: np.zeros(s, np.float32) for n, s in {"Wx": (1, 8), "Wh": (2, 8), "b": (8,)}.items()}
    >>> y, (h, c), cache = forward("lstm", params, np.ones((1, 4, 1, 16), np.float32))
    >>> y.shape, c.shape, float(cache.rows("f")[0, 0, 0, 0])
    ((1, 4, 2, 16), (1, 2, 16), 0.5)
    """
    bias, call = _arguments(cell, params, x, state, mask, noise)
    y, saved, last = _native.forward(*(*call, keep, sequences))
    units = len(bias) // len(CELLS[cell].gradients)
    cache = Cache(cell, units, x, state, mask, noise, y, saved) if keep and y is not None else None
    return y, tuple(last), cache


def backward(
    params: Mapping[str, Array],
    cache: Cache,
    dy: Array | None = None,
    dstate: Sequence[Array | None] | None = None,
    *,
    need_dx: bool = True,
) -> tuple[Array | None, State | None, Params]:
    """Gradients of a recurrent layer.

    Args:
        params: As given to `forward`.
        cache: As returned by `forward`.
        dy: (nb, T, R, L) gradient of the outputs; zeros if None.
        dstate: Gradient of the state after the last step, one array or None for each state; zeros if None.
        need_dx: Whether the gradient of x is wanted.

    Returns:
        dx or None; the gradient of the initial state, or None where the pass began from the zero state; the
        parameters' gradients.

    Raises:
        ValueError: A shape does not fit.
        TypeError: An array that is not float32 and C-contiguous.

    >>> params = {n: np.ones(s, np.float32) for n, s in {"Wx": (1, 4), "Wh": (1, 4), "b": (4,)}.items()}
    >>> y, state, cache = forward("lstm", params, np.ones((1, 2, 1, 16), np.float32))
    >>> dx, dstate, grads = backward(params, cache, dy=np.ones_like(y))
    >>> dx.shape, dstate, sorted(grads)
    ((1, 2, 1, 16), None, ['Wh', 'Wx', 'b'])
    """
    _, call = _arguments(cache.cell, params, cache.x, cache.state, cache.mask, cache.noise)
    more = (cache.y, cache.saved, dy, list(dstate or ()), need_dx, cache.state is not None)
    dx, first, found = _native.backward(*(*call, *more))
    grads = {name: grad for name, grad in zip(_WEIGHTS, found, strict=True) if grad is not None}
    if cache.cell == "gru":
        grads["b"] = _gru_bias_gradient(grads["b"], cache.units)
    return dx, tuple(first) if cache.state is not None else None, grads


def dense_forward(params: Mapping[str, Array], x: Array) -> Array:
    """Affine map of the features, ``y = x W + b``.

    Args:
        params: W (K, M), b (M,).
        x: (nb, T, K, L).

    Returns:
        y (nb, T, M, L).

    >>> params = {"W": np.full((1, 1), 2, np.float32), "b": np.ones(1, np.float32)}
    >>> float(dense_forward(params, np.full((1, 1, 1, 16), 3, np.float32))[0, 0, 0, 0])
    7.0
    """
    y: Array = _native.dense_forward(x, params["W"], params["b"])
    return y


def dense_backward(
    params: Mapping[str, Array], x: Array, dy: Array, *, need_dx: bool = True
) -> tuple[Array | None, Params]:
    """Gradients of `dense_forward`: ``dx = dy W^T``, ``dW = x^T dy``, ``db = sum dy``.

    Args:
        params: W (K, M), b (M,).
        x: (nb, T, K, L), as given to `dense_forward`.
        dy: (nb, T, M, L); 0 in the lanes beyond the batch.
        need_dx: Whether the gradient of x is wanted.

    Returns:
        dx (nb, T, K, L) or None, and the gradients of W and b.

    >>> params = {"W": np.full((1, 1), 2, np.float32), "b": np.ones(1, np.float32)}
    >>> x = np.full((1, 1, 1, 16), 3, np.float32)
    >>> dx, grads = dense_backward(params, x, np.ones_like(x))
    >>> float(dx[0, 0, 0, 0]), grads["W"].tolist(), grads["b"].tolist()
    (2.0, [[48.0]], [16.0])
    """
    dx, dW, db = _native.dense_backward(x, params["W"], dy, need_dx)
    return dx, {"W": dW, "b": db}


def dropout(x: Array, rate: float, key: int) -> Array:
    """Zero each entry with probability `rate` and scale the others: ``y = x * keep / (1 - rate)``.

    `keep` is a pure function of the key and the position, so no mask is stored, and the same call on dy is the
    backward pass.

    Args:
        x: Packed array, four axes.
        rate: Probability of a zero, 0 <= rate < 1.
        key: 64 random bits.

    Returns:
        An array like x.

    Source: Srivastava et al. 2014 ("inverted" form).

    >>> y = dropout(np.ones((8, 8, 8, 16), np.float32), 0.25, key=1)
    >>> bool(abs(y.mean() - 1) < 0.03), float(y.max())
    (True, 1.3333333730697632)
    """
    y: Array = _native.dropout(x, rate, key & 0xFFFFFFFFFFFFFFFF)
    return y


def quantiles_forward(x: Array, count: int) -> Array:
    """Quantiles that cannot cross, as `heads.QuantileHead` defines them.

    Args:
        x: (nb, T, K Q, L); NaN stays in its target value.
        count: Q.

    >>> quantiles_forward(np.zeros((1, 1, 3, 1), np.float32), 3).ravel().tolist()
    [-1.0, 0.0, 1.0]
    """
    return _native.quantiles_forward(x, count)


def quantiles_backward(x: Array, dy: Array, count: int) -> Array:
    """Gradient of `quantiles_forward` with respect to x, all shapes as there.

    >>> one = np.ones((1, 1, 3, 1), np.float32)
    >>> quantiles_backward(0 * one, one, 3).ravel().tolist()
    [-1.0, 3.0, 1.0]
    """
    return _native.quantiles_backward(x, dy, count)


def pinball(p: Array, y: Array, weight: Array, levels: Sequence[float], scale: float) -> tuple[float, Array]:
    """Weighted sum of quantile losses, in float64, and `scale` times its gradient, as `losses.Pinball` defines them.

    Args:
        p: (nb, T, K Q, L) predictions; NaN makes the sum NaN.
        y: (nb, T, K, L) targets.
        weight: (nb, T, K, L), or (nb, T, 1, L), one for all targets of a step.
        levels: Q.
        scale: What the gradient is multiplied by.

    >>> total, gradient = pinball(*(np.full((1, 1, 1, 1), a, np.float32) for a in (3, 1, 2)), (0.5,), 10.0)
    >>> total, gradient.item()
    (2.0, 10.0)
    """
    return _native.pinball(p, y, weight, levels, scale)


def adam(m: Array, v: Array, g: Array, beta1: float, beta2: float, eps: float, step: int) -> None:
    """One step of Adam's moments, in place: m and v are updated, g becomes the direction.

    The equations are those of `reference.adam`.

    Args:
        m: (n,) first moment.
        v: (n,) second moment.
        g: (n,) gradient; overwritten by ``m_hat / (sqrt(v_hat) + eps)``.
        beta1: Decay of m.
        beta2: Decay of v.
        eps: Added to the root.
        step: 1 for the first step.

    >>> m, v, g = np.zeros(1, np.float32), np.zeros(1, np.float32), np.full(1, 4, np.float32)
    >>> adam(m, v, g, 0.9, 0.999, 1e-7, step=1)
    >>> round(float(g[0]), 4)
    1.0
    """
    _native.adam(m, v, g, beta1, beta2, eps, 1 / (1 - beta1**step), 1 / (1 - beta2**step))


def get_num_threads() -> int:
    """Number of threads that the kernels may use.

    >>> get_num_threads() >= 1
    True
    """
    return _native.num_threads()


def set_num_threads(n: int) -> None:
    """Let the kernels use `n` threads. Results do not depend on it, to the bit.

    Raises:
        ConfigError: n is not in 1..256.

    >>> before = get_num_threads()
    >>> set_num_threads(1)
    >>> set_num_threads(before)
    """
    if isinstance(n, bool) or not isinstance(n, int) or not 1 <= n <= 256:
        raise ConfigError("impossible number of threads", got=repr(n), expected="a whole number from 1 to 256")
    _native.set_num_threads(n)


def release_memory() -> None:
    """The end of a run: memory that is held for reuse beyond 256 MB goes back to the system.

    >>> release_memory()
    """
    _native.release_memory()


def available_isas() -> list[str]:
    """Instruction-set levels that this machine can run, lowest first.

    >>> isa() in available_isas()
    True
    """
    return _native.available_isas()


def isa() -> str:
    """The instruction-set level in use."""
    return _native.isa()


def set_isa(name: str) -> None:
    """Use the kernels of another instruction-set level: for tests and measurements.

    Raises:
        ConfigError: This machine has no such level.

    >>> set_isa(isa())
    """
    if not _native.set_isa(name):
        raise ConfigError("unknown instruction-set level", got=repr(name), expected=f"one of {available_isas()}")


def _arguments(
    cell: str, params: Mapping[str, Array], x: Array, state: State | None, mask: Array | None, noise: StateNoise | None
) -> tuple[Array, Any]:
    """The bias as the kernels take it, and all arguments that both passes have in common."""
    number = _NUMBER.get(cell)
    if number is None:
        raise ConfigError("there is no such cell", got=repr(cell), expected=f"one of {', '.join(CELLS)}")
    bias, Wh = params["b"], params.get("Wh")
    if cell == "gru":
        bias = _gru_bias(bias)
    heads = len(bias) // (4 * len(Wh)) if cell == "slstm" and Wh is not None else 1
    drop, zone = noise or _QUIET
    shares = [share if isinstance(share, float | int) else 0.0 for share in zone]
    arrays = [None if isinstance(share, float | int) else share for share in zone]
    return bias, (
        number,
        heads,
        x,
        params["Wx"],
        Wh,
        bias,
        params.get("P"),
        params.get("gain"),
        params.get("Wr"),
        list(state or ()),
        mask,
        drop,
        arrays,
        shares,
    )


def _gru_bias(b: Array) -> Array:
    """Rows (input, recurrent) of z, r, g to the kernels' z, r, g, q: z and r see the sum, g and q one each."""
    H = b.shape[1] // 3
    both = b[0] + b[1]
    return np.concatenate([both[: 2 * H], b[0, 2 * H :], b[1, 2 * H :]])


def _gru_bias_gradient(db: Array, H: int) -> Array:
    """The gradient of `_gru_bias`."""
    return np.stack([db[: 3 * H], np.concatenate([db[: 2 * H], db[3 * H :]])])


def _from_environment() -> None:
    """Set threads and instruction-set level as the environment says."""
    if _native.LANES != LANES:
        raise ImportError("the compiled part of gatecast belongs to another version: reinstall gatecast")
    text = os.environ.get("GATECAST_THREADS", "").strip()
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    if text and not (text.isdecimal() and 1 <= int(text) <= 256):
        raise ConfigError(
            "impossible number of threads",
            where="environment variable GATECAST_THREADS",
            got=repr(text),
            expected="a whole number from 1 to 256",
        )
    set_num_threads(int(text) if text else min(usable, 256))
    if level := os.environ.get("GATECAST_ISA", "").strip():
        set_isa(level)


_from_environment()
