"""The native kernels under the names of `reference`: the only file that imports the compiled module.

Letters: B batch, T time, F features, H hidden, K and M inputs and outputs of a dense layer, nb blocks of LANES
sequences. Arrays are packed (see `arrays`): x and y (nb, T, F, 16), states (nb, H, 16), masks (nb, T, 16), all
float32 and C-contiguous. What these functions compute is defined by `reference`; the same call gives the same
bits for any number of threads.

Two environment variables are read at import: GATECAST_THREADS (default: the processors that this process may
use) and GATECAST_ISA (default: the highest instruction-set level of this machine).
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import NamedTuple

from gatecast import _native
from gatecast.arrays import LANES, Array, Params
from gatecast.errors import ConfigError, GatecastError

__all__ = [
    "LstmCache",
    "adam",
    "dense_backward",
    "dense_forward",
    "dropout",
    "get_threads",
    "isa",
    "isas",
    "lstm_backward",
    "lstm_forward",
    "lstm_predict",
    "set_isa",
    "set_threads",
]


class LstmCache(NamedTuple):
    """What the backward pass of an LSTM needs. `gates` holds i, f, o, g (nb, T, 4H, 16) until it is used up."""

    x: Array
    h0: Array | None
    c0: Array | None
    mask: Array | None
    y: Array
    c: Array
    gates: Array
    spent: list[bool]


def lstm_forward(
    params: Mapping[str, Array],
    x: Array,
    h0: Array | None = None,
    c0: Array | None = None,
    mask: Array | None = None,
) -> tuple[Array, tuple[Array, Array], LstmCache]:
    """Run an LSTM and keep what its backward pass needs.

    The equations are those of `reference.lstm_forward`.

    Args:
        params: Wx (F, 4H), Wh (H, 4H), b (4H,), and P (3H,) or (H, 3H) if there are peepholes.
        x: (nb, T, F, 16). NaN passes through, except where `mask` is 0: x must be finite there.
        h0: (nb, H, 16) output before the first step; zeros if None.
        c0: (nb, H, 16) memory before the first step; zeros if None.
        mask: (nb, T, 16) of 0 and 1. Where 0 the step is skipped and the state carried.

    Returns:
        y (nb, T, H, 16), the final state (hT, cT), and the cache.

    Raises:
        ValueError: A shape does not fit.

    >>> import numpy as np
    >>> params = {n: np.zeros(s, np.float32) for n, s in {"Wx": (1, 8), "Wh": (2, 8), "b": (8,)}.items()}
    >>> y, (hT, cT), cache = lstm_forward(params, np.ones((1, 4, 1, 16), np.float32))
    >>> y.shape, cache.gates.shape, float(cache.gates[0, 0, 0, 0])
    ((1, 4, 2, 16), (1, 4, 8, 16), 0.5)
    """
    y, c, gates, hT, cT = _native.lstm_forward(
        x, params["Wx"], params["Wh"], params["b"], params.get("P"), h0, c0, mask, True, True
    )
    return y, (hT, cT), LstmCache(x, h0, c0, mask, y, c, gates, [])


def lstm_predict(
    params: Mapping[str, Array],
    x: Array,
    h0: Array | None = None,
    c0: Array | None = None,
    mask: Array | None = None,
    *,
    sequences: bool = True,
) -> tuple[Array | None, tuple[Array, Array]]:
    """Run an LSTM without keeping anything for a backward pass.

    Args:
        params: As for `lstm_forward`.
        x: (nb, T, F, 16).
        h0: (nb, H, 16) or None.
        c0: (nb, H, 16) or None.
        mask: (nb, T, 16) or None.
        sequences: Whether the outputs of all steps are wanted.

    Returns:
        y (nb, T, H, 16), or None without `sequences`, and the final state.

    >>> import numpy as np
    >>> params = {n: np.zeros(s, np.float32) for n, s in {"Wx": (1, 8), "Wh": (2, 8), "b": (8,)}.items()}
    >>> y, (hT, cT) = lstm_predict(params, np.ones((1, 4, 1, 16), np.float32), sequences=False)
    >>> y is None, hT.shape
    (True, (1, 2, 16))
    """
    y, _, _, hT, cT = _native.lstm_forward(
        x, params["Wx"], params["Wh"], params["b"], params.get("P"), h0, c0, mask, False, sequences
    )
    return y, (hT, cT)


def lstm_backward(
    params: Mapping[str, Array],
    cache: LstmCache,
    dy: Array | None = None,
    dhT: Array | None = None,
    dcT: Array | None = None,
    *,
    need_dx: bool = True,
) -> tuple[Array | None, tuple[Array, Array] | None, Params]:
    """Gradients of an LSTM; the gates in the cache are overwritten, so a cache serves once.

    Args:
        params: As given to `lstm_forward`.
        cache: As returned by `lstm_forward`.
        dy: (nb, T, H, 16) gradient of the outputs; zeros if None.
        dhT: (nb, H, 16) gradient of the final output; zeros if None.
        dcT: (nb, H, 16) gradient of the final memory; zeros if None.
        need_dx: Whether the gradient of x is wanted.

    Returns:
        dx or None; (dh0, dc0), or None where the pass began from the zero state; the parameters' gradients.

    Raises:
        GatecastError: The cache was used before.
        ValueError: A shape does not fit.

    >>> import numpy as np
    >>> params = {n: np.ones(s, np.float32) for n, s in {"Wx": (1, 4), "Wh": (1, 4), "b": (4,)}.items()}
    >>> y, state, cache = lstm_forward(params, np.ones((1, 2, 1, 16), np.float32))
    >>> dx, state, grads = lstm_backward(params, cache, dy=np.ones_like(y))
    >>> dx.shape, sorted(grads)
    ((1, 2, 1, 16), ['Wh', 'Wx', 'b'])
    """
    if cache.spent:
        raise GatecastError(
            "the cache of an LSTM was used twice", fix="Run lstm_forward again before another lstm_backward."
        )
    cache.spent.append(True)
    need_state = cache.h0 is not None or cache.c0 is not None
    dx, dh0, dc0, dWx, dWh, db, dP = _native.lstm_backward(
        cache.x, params["Wx"], params["Wh"], params["b"], params.get("P"), cache.h0, cache.c0, cache.mask,
        cache.y, cache.c, cache.gates, dy, dhT, dcT, need_dx, need_state,
    )  # fmt: skip
    grads = {"Wx": dWx, "Wh": dWh, "b": db}
    if dP is not None:
        grads["P"] = dP
    return dx, (dh0, dc0) if need_state else None, grads


def dense_forward(params: Mapping[str, Array], x: Array) -> Array:
    """Affine map of the features, ``y = x W + b``.

    Args:
        params: W (K, M), b (M,).
        x: (nb, T, K, 16).

    Returns:
        y (nb, T, M, 16).

    >>> import numpy as np
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
        x: (nb, T, K, 16), as given to `dense_forward`.
        dy: (nb, T, M, 16); 0 in the lanes beyond the batch.
        need_dx: Whether the gradient of x is wanted.

    Returns:
        dx (nb, T, K, 16) or None, and the gradients of W and b.

    >>> import numpy as np
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

    >>> import numpy as np
    >>> y = dropout(np.ones((8, 8, 8, 16), np.float32), 0.25, key=1)
    >>> bool(abs(y.mean() - 1) < 0.03), float(y.max())
    (True, 1.3333333730697632)
    """
    y: Array = _native.dropout(x, rate, key & 0xFFFFFFFFFFFFFFFF)
    return y


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

    >>> import numpy as np
    >>> m, v, g = np.zeros(1, np.float32), np.zeros(1, np.float32), np.full(1, 4, np.float32)
    >>> adam(m, v, g, 0.9, 0.999, 1e-7, step=1)
    >>> round(float(g[0]), 4)
    1.0
    """
    _native.adam(m, v, g, beta1, beta2, eps, 1 / (1 - beta1**step), 1 / (1 - beta2**step))


def get_threads() -> int:
    """Number of threads that the kernels may use.

    >>> get_threads() >= 1
    True
    """
    return _native.threads()


def set_threads(n: int) -> None:
    """Let the kernels use `n` threads. Results do not depend on it, to the bit.

    Raises:
        ConfigError: n is not in 1..256.

    >>> before = get_threads()
    >>> set_threads(1)
    >>> set_threads(before)
    """
    if isinstance(n, bool) or not isinstance(n, int) or not 1 <= n <= 256:
        raise ConfigError("impossible number of threads", got=repr(n), expected="a whole number from 1 to 256")
    _native.set_threads(n)


def isas() -> list[str]:
    """Instruction-set levels that this machine can run, lowest first.

    >>> isa() in isas()
    True
    """
    return _native.levels()


def isa() -> str:
    """The instruction-set level in use."""
    return _native.level()


def set_isa(name: str) -> None:
    """Use the kernels of another instruction-set level: for tests and measurements.

    Raises:
        ConfigError: This machine has no such level.

    >>> set_isa(isa())
    """
    if not _native.use_level(name):
        raise ConfigError("unknown instruction-set level", got=repr(name), expected=f"one of {isas()}")


def _from_environment() -> None:
    """Set threads and instruction-set level as the environment says."""
    if _native.LANES != LANES:
        raise ImportError("the compiled part of gatecast belongs to another version: reinstall gatecast")
    text = os.environ.get("GATECAST_THREADS", "").strip()
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    if text and not (text.isdecimal() and 1 <= int(text) <= 256):
        raise ConfigError(
            "impossible number of threads", where="environment variable GATECAST_THREADS", got=repr(text),
            expected="a whole number from 1 to 256",
        )  # fmt: skip
    set_threads(int(text) if text else min(usable, 256))
    if level := os.environ.get("GATECAST_ISA", "").strip():
        set_isa(level)


_from_environment()
