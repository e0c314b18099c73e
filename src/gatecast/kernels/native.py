"""The compiled kernels of layers and of Adam, under the names of `reference`.

The compiled module is imported here, in `convolution`, `training_stack`, `smoothing`, `losses`, `runtime` and `cells`
alone.

Shapes: arrays are packed as `packing` lays them out, float32 and C-contiguous, with nb blocks of L sequences (L = 16,
or 1 for a small batch): x [nb, T, F, L], y [nb, T, R, L], states [nb, H or R, L], masks [nb, T, L], with T steps,
F features, H units and R outputs (H without projection). `reference` defines what the kernels compute; the same call
gives the same bits for any number of threads.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from gatecast.errors import ConfigError
from gatecast.kernels import _native, runtime  # noqa: F401  runtime reads threads and level from the environment
from gatecast.kernels.activations import ACTIVATIONS
from gatecast.kernels.cells import CELLS, StateNoise
from gatecast.kernels.packing import Array, Params

__all__ = [
    "Cache",
    "activation_backward",
    "activation_forward",
    "activation_number",
    "activation_numbers",
    "adam",
    "backward",
    "cell_arguments",
    "dense_backward",
    "dense_forward",
    "dropout",
    "forward",
    "gru_bias",
    "gru_bias_gradient",
    "has_two_biases",
    "quantiles_backward",
    "quantiles_forward",
]

State = tuple[Array, ...]

_NUMBER = {name: number for number, name in enumerate(CELLS)}
_NO_NOISE = StateNoise()
_NO_ACTIVATIONS: list[int] = []
_WEIGHTS = ("Wx", "Wh", "b", "P", "gain", "Wr")


class Cache(NamedTuple):
    """Arrays that the backward pass of a recurrent layer needs; it may be used more than once."""

    cell: str
    units: int
    """Number of units H."""
    x: Array
    state: State | None
    mask: Array | None
    noise: StateNoise | None
    y: Array
    saved: Array | None
    """Saved tensors, [nb, T, rows, L]: those of `CELLS[cell].saved`, H rows each, then those that options need."""
    activations: tuple[str, str] | None = None
    """Names of the activations, for a cell that takes them."""

    def saved_rows(self, name: str) -> Array:
        """Return a saved tensor of every step by its name in `CELLS`, as a view, [nb, T, H, L].

        Args:
            name: Name of the tensor, such as ``"f"`` for the forget gate.

        Raises:
            ConfigError: If the cell saves no such tensor.
        """
        names, H = CELLS[self.cell].saved, self.units
        if self.saved is None or name not in names:
            expected = f"one of {', '.join(names)}" if names else "no name: the cell saves its outputs alone"
            raise ConfigError("Unknown saved tensor", where=self.cell, got=repr(name), expected=expected)
        return self.saved[:, :, names.index(name) * H : (names.index(name) + 1) * H]


def forward(
    cell: str,
    params: Mapping[str, Array],
    x: Array,
    state: State | None = None,
    mask: Array | None = None,
    noise: StateNoise | None = None,
    *,
    save_for_backward: bool = True,
    return_sequences: bool = True,
    activations: tuple[str, str] | None = None,
) -> tuple[Array | None, State, Cache | None]:
    """Run a recurrent layer.

    `reference.forward` has the equations and the shapes of the parameters.

    Args:
        cell: Name of a cell in `cells.CELLS`.
        params: Wx, b, and Wh, P, gain and Wr if the cell and its options have them.
        x: Inputs, [nb, T, F, L]. NaN passes through; where `mask` is 0, x must be finite.
        state: Initial states, one array for each state of the cell, h [nb, R, L] and others [nb, H, L]; None stands
            for zeros.
        mask: Steps to use, [nb, T, L] of 0 and 1; None uses all. A masked step carries the states over.
        noise: Recurrent dropout and zoneout.
        save_for_backward: Whether a backward pass follows; without it there is no cache.
        return_sequences: Whether to return the outputs of all steps; `save_for_backward` returns them always.
        activations: Names of the activation and of that of the gates, for a cell that takes them (``"lstm_any"``);
            None: tanh and sigmoid.

    Returns:
        The outputs [nb, T, R, L] or None, the state after the last step, and the cache or None.

    Raises:
        ConfigError: If the cell is unknown.
        ValueError: If a shape does not fit.
        TypeError: If an array is not float32 and C-contiguous.

    Example:
        >>> params = {n: np.zeros(s, np.float32) for n, s in {"Wx": (1, 8), "Wh": (2, 8), "b": (8,)}.items()}
        >>> y, (h, c), cache = forward("lstm", params, np.ones((1, 4, 1, 16), np.float32))
        >>> y.shape, c.shape, cache.saved_rows("f")[0, 0, 0, 0].item()
        ((1, 4, 2, 16), (1, 2, 16), 0.5)
    """
    bias, call = _arguments(cell, params, x, state, mask, noise, activations)
    y, saved, last = _native.forward(*(*call, save_for_backward, return_sequences))
    units = len(bias) // len(CELLS[cell].gradients)
    if not save_for_backward or y is None:
        return y, tuple(last), None
    return y, tuple(last), Cache(cell, units, x, state, mask, noise, y, saved, activations)


def backward(
    params: Mapping[str, Array],
    cache: Cache,
    dy: Array | None = None,
    dstate: Sequence[Array | None] | None = None,
    *,
    need_dx: bool = True,
) -> tuple[Array | None, State | None, Params]:
    """Compute the gradients of a recurrent layer.

    Args:
        params: Parameters, as passed to `forward`.
        cache: Cache, as returned by `forward`.
        dy: Gradient of the outputs, [nb, T, R, L]; None stands for zeros.
        dstate: Gradient of the state after the last step, an array or None for each state; None stands for zeros.
        need_dx: Whether to compute the gradient of x.

    Returns:
        The gradient of x or None; that of the initial state, or None if the pass began from the zero state; and those
        of the parameters by name.

    Raises:
        ValueError: If a shape does not fit.
        TypeError: If an array is not float32 and C-contiguous.

    Example:
        >>> params = {n: np.ones(s, np.float32) for n, s in {"Wx": (1, 4), "Wh": (1, 4), "b": (4,)}.items()}
        >>> y, state, cache = forward("lstm", params, np.ones((1, 2, 1, 16), np.float32))
        >>> dx, dstate, grads = backward(params, cache, dy=np.ones_like(y))
        >>> dx.shape, dstate, sorted(grads)
        ((1, 2, 1, 16), None, ['Wh', 'Wx', 'b'])
    """
    _, call = _arguments(cache.cell, params, cache.x, cache.state, cache.mask, cache.noise, cache.activations)
    need_dinitial = cache.state is not None
    more = (cache.y, cache.saved, dy, list(dstate or ()), need_dx, need_dinitial)
    dx, dinitial, dweights = _native.backward(*(*call, *more))
    grads = {name: grad for name, grad in zip(_WEIGHTS, dweights, strict=True) if grad is not None}
    if has_two_biases(cache.cell):
        grads["b"] = gru_bias_gradient(grads["b"], cache.units)
    return dx, tuple(dinitial) if need_dinitial else None, grads


def dense_forward(params: Mapping[str, Array], x: Array, activation: str = "linear") -> Array:
    """Compute an affine map of the features and a function of it, ``y = f(x W + b)``.

    Args:
        params: W [K, M] and b [M].
        x: Inputs, [nb, T, K, L].
        activation: Name of f in `activations.ACTIVATIONS`.

    Returns:
        The outputs, [nb, T, M, L].

    Example:
        >>> params = {"W": np.full((1, 1), 2, np.float32), "b": np.ones(1, np.float32)}
        >>> dense_forward(params, np.full((1, 1, 1, 16), 3, np.float32))[0, 0, 0, 0].item()
        7.0
    """
    y: Array = _native.dense_forward(x, params["W"], params["b"], ACTIVATIONS[activation].number)
    return y


def dense_backward(
    params: Mapping[str, Array],
    x: Array,
    dy: Array,
    y: Array | None = None,
    activation: str = "linear",
    *,
    need_dx: bool = True,
) -> tuple[Array | None, Params]:
    """Compute the gradients of `dense_forward`: ``dz = dy f'``, ``dx = dz W^T``, ``dW = x^T dz``, ``db = sum dz``.

    Args:
        params: W [K, M] and b [M].
        x: Inputs, [nb, T, K, L], as passed to `dense_forward`.
        dy: Gradient of the outputs, [nb, T, M, L]; 0 in the lanes behind the batch.
        y: Outputs, as returned by `dense_forward`; not needed without an activation.
        activation: As passed to `dense_forward`.
        need_dx: Whether to compute the gradient of x.

    Returns:
        The gradient of x [nb, T, K, L] or None, and those of W and b by name.

    Example:
        >>> params = {"W": np.full((1, 1), 2, np.float32), "b": np.ones(1, np.float32)}
        >>> x = np.full((1, 1, 1, 16), 3, np.float32)
        >>> dx, grads = dense_backward(params, x, np.ones_like(x))
        >>> dx[0, 0, 0, 0].item(), grads["W"].tolist(), grads["b"].tolist()
        (2.0, [[48.0]], [16.0])
    """
    dx, dW, db = _native.dense_backward(x, params["W"], y, dy, ACTIVATIONS[activation].number, need_dx)
    return dx, {"W": dW, "b": db}


def activation_forward(x: Array, name: str) -> Array:
    """Compute an activation of every number.

    Args:
        x: Packed array with four axes.
        name: Name in `activations.ACTIVATIONS`.

    Example:
        >>> activation_forward(np.full((1, 1, 1, 1), -1, np.float32), "relu").item()
        0.0
    """
    return _native.activation(x, ACTIVATIONS[name].number)


def activation_backward(x: Array, dy: Array, name: str) -> Array:
    """Compute the gradient of `activation_forward`, ``dx = dy f'(x)``.

    Args:
        x: As passed to `activation_forward`.
        dy: Gradient of the values.
        name: As passed to `activation_forward`.

    Example:
        >>> x = np.full((1, 1, 1, 1), 2, np.float32)
        >>> activation_backward(x, x, "relu").item()
        2.0
    """
    return _native.activation_backward(x, dy, ACTIVATIONS[name].number)


def dropout(x: Array, rate: float, key: int) -> Array:
    """Set each entry to zero with probability `rate` and scale the others, ``y = x * mask / (1 - rate)``.

    The mask is a pure function of the key and the position. It is not stored: the same call on dy is the backward pass.

    Args:
        x: Packed array with four axes.
        rate: Probability of a zero, 0 <= rate < 1.
        key: 64 random bits.

    Returns:
        An array shaped like x.

    Example:
        >>> y = dropout(np.ones((8, 8, 8, 16), np.float32), 0.25, key=1)
        >>> bool(abs(y.mean() - 1) < 0.03), float(y.max())
        (True, 1.3333333730697632)

    Source: Srivastava et al. 2014 ("inverted" form).
    """
    y: Array = _native.dropout(x, rate, key & 0xFFFFFFFFFFFFFFFF)
    return y


def quantiles_forward(x: Array, n_quantiles: int) -> Array:
    """Compute quantiles that cannot cross, as `QuantileHead` defines them.

    Args:
        x: Inputs, [nb, T, K Q, L], with K target values; NaN stays within its target value.
        n_quantiles: Number of quantiles Q.

    Returns:
        The quantiles, shaped like x.

    Example:
        >>> quantiles_forward(np.zeros((1, 1, 3, 1), np.float32), 3).ravel().tolist()
        [-1.0, 0.0, 1.0]
    """
    return _native.quantiles_forward(x, n_quantiles)


def quantiles_backward(x: Array, dy: Array, n_quantiles: int) -> Array:
    """Compute the gradient of `quantiles_forward`.

    Args:
        x: Inputs, [nb, T, K Q, L], as passed to `quantiles_forward`.
        dy: Gradient of the quantiles, shaped like x.
        n_quantiles: Number of quantiles Q.

    Returns:
        The gradient of x.

    Example:
        >>> ones = np.ones((1, 1, 3, 1), np.float32)
        >>> quantiles_backward(0 * ones, ones, 3).ravel().tolist()
        [-1.0, 3.0, 1.0]
    """
    return _native.quantiles_backward(x, dy, n_quantiles)


def adam(m: Array, v: Array, g: Array, beta1: float, beta2: float, eps: float, step: int) -> None:
    """Update the moments of Adam in place, and replace the gradient by the direction of the step.

    `reference.adam` has the equations.

    Args:
        m: First moment, [n]; updated.
        v: Second moment, [n]; updated.
        g: Gradient, [n]; overwritten by ``m_hat / (sqrt(v_hat) + eps)``.
        beta1: Decay of m.
        beta2: Decay of v.
        eps: Number added to the root.
        step: Number of the step; 1 for the first.

    Example:
        >>> m, v, g = np.zeros(1, np.float32), np.zeros(1, np.float32), np.full(1, 4, np.float32)
        >>> adam(m, v, g, 0.9, 0.999, 1e-7, step=1)
        >>> round(float(g[0]), 4)
        1.0
    """
    _native.adam(m, v, g, beta1, beta2, eps, 1 / (1 - beta1**step), 1 / (1 - beta2**step))


def activation_number(name: str) -> int:
    """Return the number of an activation in the compiled module.

    >>> activation_number("linear")
    0
    """
    return ACTIVATIONS[name].number


def activation_numbers(names: tuple[str, str] | None) -> list[int]:
    """Return the numbers of a cell's activations; an empty list for None.

    >>> activation_numbers(("relu", "sigmoid"))
    [1, 2]
    """
    return [ACTIVATIONS[name].number for name in names or ()]


def has_two_biases(cell: str) -> bool:
    """Return whether a cell has a bias of the input and one of the recurrent products: a GRU that resets after them.

    >>> has_two_biases("gru"), has_two_biases("lstm")
    (True, False)
    """
    return "q" in CELLS[cell].gradients


def cell_arguments(cell: str, params: Mapping[str, Array]) -> tuple[int, int]:
    """Return the number of a cell in the compiled module, and how many heads its recurrent weights have.

    Raises:
        ConfigError: If the cell is unknown.

    >>> number, heads = cell_arguments("slstm", {"b": np.zeros(16), "Wh": np.zeros((2, 16))})
    >>> heads
    2
    """
    number = _NUMBER.get(cell)
    if number is None:
        raise ConfigError("Unknown cell", got=repr(cell), expected=f"one of {', '.join(CELLS)}")
    Wh = params.get("Wh")
    return number, len(params["b"]) // (4 * len(Wh)) if cell == "slstm" and Wh is not None else 1


def _arguments(
    cell: str,
    params: Mapping[str, Array],
    x: Array,
    state: State | None,
    mask: Array | None,
    noise: StateNoise | None,
    activations: tuple[str, str] | None,
) -> tuple[Array, Any]:
    """Return the bias in the layout of the kernels, and the arguments that both passes share."""
    number, heads = cell_arguments(cell, params)
    bias, Wh = params["b"], params.get("Wh")
    if has_two_biases(cell):
        bias = gru_bias(bias)
    dropout_mask, zoneout = noise or _NO_NOISE
    zoneout_weights = [weight if isinstance(weight, float | int) else 0.0 for weight in zoneout]
    zoneout_arrays = [None if isinstance(weight, float | int) else weight for weight in zoneout]
    return bias, (
        number,
        heads,
        _NO_ACTIVATIONS if activations is None else activation_numbers(activations),
        x,
        params["Wx"],
        Wh,
        bias,
        params.get("P"),
        params.get("gain"),
        params.get("Wr"),
        list(state or ()),
        mask,
        dropout_mask,
        zoneout_arrays,
        zoneout_weights,
    )


def gru_bias(b: Array) -> Array:
    """Return the kernels' bias of z, r, g, q for rows (input, recurrent) of z, r, g: z and r add both rows.

    >>> gru_bias(np.array([[1, 2, 3], [10, 20, 30]])).tolist()
    [11, 22, 3, 30]
    """
    H = b.shape[1] // 3
    total = b[0] + b[1]
    return np.concatenate([total[: 2 * H], b[0, 2 * H :], b[1, 2 * H :]])


def gru_bias_gradient(db: Array, H: int) -> Array:
    """Return the gradient of b through `gru_bias`.

    >>> gru_bias_gradient(np.array([1, 2, 3, 4]), 1).tolist()
    [[1, 2, 3], [1, 2, 4]]
    """
    return np.stack([db[: 3 * H], np.concatenate([db[: 2 * H], db[3 * H :]])])
