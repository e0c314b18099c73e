"""The compiled kernels of windows over time: convolution and pooling.

Shapes: arrays are packed as `packing` lays them out, float32 and C-contiguous: x [nb, T, F, L] with nb blocks of L
sequences, T steps and F features; M filters.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from gatecast.kernels import _native
from gatecast.kernels.activations import ACTIVATIONS
from gatecast.kernels.packing import Array, Params

__all__ = ["Windows", "convolution", "convolution_backward", "pooling", "pooling_backward"]


class Windows(NamedTuple):
    """Windows over time, as a convolution or a pooling layer reads them."""

    size: int
    """Steps of a window."""
    stride: int
    """Steps between the beginnings of two windows."""
    before: int = 0
    """Steps that the first window begins ahead of x."""
    outputs: int = 1
    """Number of windows; the last one begins before the end of x."""


def convolution(
    params: Mapping[str, Array], x: Array, windows: Windows, activation: str = "linear", dilation: int = 1
) -> Array:
    """Compute a convolution over time, ``y[t] = f(b + sum_k W[k] x[t stride + k dilation - before])``; x is 0 outside.

    Args:
        params: W [width, F, M] and b [M].
        x: Inputs, [nb, T, F, L].
        windows: Where the windows lie; their size is ``(width - 1) * dilation + 1``.
        activation: Name of f in `activations.ACTIVATIONS`.
        dilation: Steps between two taps of a window.

    Returns:
        The outputs, [nb, outputs, M, L].

    Example:
        >>> import numpy as np
        >>> params = {"W": np.ones((2, 1, 1), np.float32), "b": np.zeros(1, np.float32)}
        >>> x = np.arange(4, dtype=np.float32).reshape(1, 4, 1, 1)
        >>> convolution(params, x, Windows(2, 1, before=1, outputs=4)).ravel().tolist()
        [0.0, 1.0, 3.0, 5.0]
    """
    y: Array = _native.convolution(
        x, params["W"], params["b"], windows.stride, dilation, windows.before, windows.outputs,
        ACTIVATIONS[activation].number,
    )  # fmt: skip
    return y


def convolution_backward(
    params: Mapping[str, Array],
    x: Array,
    dy: Array,
    y: Array,
    windows: Windows,
    activation: str = "linear",
    dilation: int = 1,
    *,
    need_dx: bool = True,
) -> tuple[Array | None, Params]:
    """Compute the gradients of `convolution`.

    Args:
        params: As passed to `convolution`.
        x: As passed to `convolution`.
        dy: Gradient of the outputs; 0 in the lanes behind the batch.
        y: Outputs, as returned by `convolution`.
        windows: As passed to `convolution`.
        activation: As passed to `convolution`.
        dilation: As passed to `convolution`.
        need_dx: Whether to compute the gradient of x.

    Returns:
        The gradient of x [nb, T, F, L] or None, and those of W and b by name.

    Example:
        >>> import numpy as np
        >>> params = {"W": np.ones((2, 1, 1), np.float32), "b": np.zeros(1, np.float32)}
        >>> x = np.arange(4, dtype=np.float32).reshape(1, 4, 1, 1)
        >>> windows = Windows(2, 1, before=1, outputs=4)
        >>> dx, grads = convolution_backward(params, x, np.ones_like(x), convolution(params, x, windows), windows)
        >>> dx.ravel().tolist(), grads["W"].ravel().tolist()
        ([2.0, 2.0, 2.0, 1.0], [3.0, 6.0])
    """
    dx, dW, db = _native.convolution_backward(
        x, params["W"], y, dy, windows.stride, dilation, windows.before, windows.outputs,
        ACTIVATIONS[activation].number, need_dx,
    )  # fmt: skip
    return dx, {"W": dW, "b": db}


def pooling(x: Array, windows: Windows, *, maximum: bool) -> Array:
    """Compute the maximum or the mean of windows over time, feature by feature; steps outside of x do not count.

    Args:
        x: Inputs, [nb, T, F, L].
        windows: Where the windows lie.
        maximum: Whether to take the maximum instead of the mean.

    Returns:
        The outputs, [nb, outputs, F, L].

    Example:
        >>> import numpy as np
        >>> x = np.arange(4, dtype=np.float32).reshape(1, 4, 1, 1)
        >>> pooling(x, Windows(2, 2, outputs=2), maximum=False).ravel().tolist()
        [0.5, 2.5]
    """
    return _native.pooling(x, windows.size, windows.stride, windows.before, windows.outputs, maximum)


def pooling_backward(x: Array, dy: Array, windows: Windows, *, maximum: bool) -> Array:
    """Compute the gradient of `pooling`; that of a maximum goes to the first step that has it.

    Args:
        x: As passed to `pooling`.
        dy: Gradient of the outputs.
        windows: As passed to `pooling`.
        maximum: As passed to `pooling`.

    Example:
        >>> import numpy as np
        >>> x = np.arange(4, dtype=np.float32).reshape(1, 4, 1, 1)
        >>> windows = Windows(2, 2, outputs=2)
        >>> pooling_backward(x, np.ones((1, 2, 1, 1), np.float32), windows, maximum=True).ravel().tolist()
        [0.0, 1.0, 0.0, 1.0]
    """
    return _native.pooling_backward(x, dy, windows.size, windows.stride, windows.before, windows.outputs, maximum)
