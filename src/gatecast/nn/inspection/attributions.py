"""Attributions of one output of a network to its inputs: gradients, integrated gradients, occlusion.

`integrate_path` and `occlude_path` take any function of rows of variables, so that they also explain a pipeline around
a network; `vjp_through` carries a gradient through the network in it.

Shapes: B samples, T time, F features, M outputs, N variables of a row, P points, G groups of variables.
Notation: `d` before a name is the gradient of the output with respect to it.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache, partial
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from gatecast._utils.typing import FloatArray, IntArray
from gatecast._utils.validation import check_positive_int
from gatecast.errors import ConfigError, DataError
from gatecast.kernels.packing import pack, unpack
from gatecast.kernels.runtime import release_memory
from gatecast.nn.inputs import validate_inputs
from gatecast.nn.network import Network, Weights, backward, forward, zeros_like

__all__ = [
    "POINTS",
    "Attribution",
    "ValueAndGrad",
    "gradients",
    "integrate_path",
    "integrated_gradients",
    "occlude_path",
    "occlusion",
    "vjp_through",
]

ValueAndGrad = Callable[[FloatArray], tuple[FloatArray, FloatArray]]
"""A function and its gradient: rows (P, N) -> values (P,), gradients (P, N)."""

POINTS = 64
"""Default number of points between the baseline and the input."""

MAX_SAVED_VALUES = 2**25
"""Approximate number of values that a pass may save for its gradient: 128 MiB."""

GROUPINGS = ("step", "feature", "both")
"""What to occlude at a time: a step, a feature, or one feature at one step."""


class Attribution(NamedTuple):
    """Contributions of inputs to an output."""

    values: FloatArray
    """Contributions in the shape of x; (B, T) or (B, F) where full steps or features were occluded."""
    output: FloatArray
    """(B,) output for x."""
    baseline: FloatArray
    """(B,) output for the baseline."""
    completeness_error: FloatArray
    """(B,) output - baseline - sum of the values."""


def gradients(
    network: Network, weights: Weights, x: npt.ArrayLike, output: int = 0, *, step: int = -1, count: int | None = None
) -> FloatArray:
    """Compute the exact gradient of one output with respect to every input: ``dy[output] / dx[t, f]``.

    Args:
        network: Layers and shapes.
        weights: The parameters.
        x: (B, T, F), or (B, F) for a network without time axis, or packed (nb, T, F, L); finite.
        output: Index of the output.
        step: The step of the output, for a network with outputs at every step.
        count: B of a packed x; None: every lane is a sample.

    Returns:
        Gradients in the shape of x, unpacked. The input of an `Embedding` is a category, and has gradient 0.

    Raises:
        ConfigError: No layers, or no such output or step.
        DataError: Arrays that do not fit the network, or contain NaN or infinity.

    >>> from gatecast.nn.layers import Dense
    >>> from gatecast.nn.network import build, initial_weights
    >>> network = build([Dense(1)], (3,))
    >>> weights = initial_weights(network, 0)
    >>> weights.views[0]["W"][:, 0] = 1, 0, -2
    >>> gradients(network, weights, [[5.0, 6.0, 7.0]]).tolist()
    [[1.0, 0.0, -2.0]]
    """
    rows, shape = _validate_samples(network, x, count)
    value_and_grad = _output_function(network, weights, rows.shape[1:], output, step)
    flat = rows.reshape(len(rows), -1)
    size = _batch_size(network, rows.shape[1])
    grads = [value_and_grad(flat[start : start + size])[1] for start in range(0, len(flat), size)]
    release_memory()
    return np.concatenate(grads).reshape(shape)


def integrated_gradients(
    network: Network,
    weights: Weights,
    x: npt.ArrayLike,
    output: int = 0,
    *,
    baseline: npt.ArrayLike = 0.0,
    points: int = POINTS,
    step: int = -1,
    count: int | None = None,
) -> Attribution:
    """Compute integrated gradients: contributions of the inputs that add up to output minus baseline.

    ``values[t, f] = (x - base)[t, f] integral_0^1 dy[output] / dx[t, f] at base + a (x - base) da``, so that their sum
    is ``y(x) - y(base)``. The integral is computed by Gauss-Legendre quadrature.

    Args:
        network: As for `gradients`.
        weights: As for `gradients`.
        x: As for `gradients`.
        output: As for `gradients`.
        baseline: Start of the path: a number, or an array that broadcasts to the unpacked x. Categories of an
            `Embedding` must be the same as in x.
        points: P, the points of the quadrature.
        step: As for `gradients`.
        count: As for `gradients`.

    Returns:
        Contributions in the shape of x, and their completeness error.

    Raises:
        ConfigError: No layers, no such output or step, or no points.
        DataError: Arrays that do not fit the network, or contain NaN or infinity.

    Source: Sundararajan, Taly & Yan 2017, "Axiomatic Attribution for Deep Networks".

    >>> from gatecast.nn.layers import Dense
    >>> from gatecast.nn.network import build, initial_weights
    >>> network = build([Dense(1)], (3,))
    >>> weights = initial_weights(network, 0)
    >>> weights.views[0]["W"][:, 0] = 1, 0, -2
    >>> attribution = integrated_gradients(network, weights, [[5.0, 6.0, 7.0]], baseline=[5.0, 0.0, 6.0])
    >>> attribution.values.round(6).tolist(), attribution.output.tolist(), attribution.baseline.tolist()
    ([[0.0, 0.0, -2.0]], [-9.0], [-7.0])
    """
    rows, base, shape = _validate_pair(network, x, baseline, count)
    value_and_grad = _output_function(network, weights, rows.shape[1:], output, step)
    flat, start = rows.reshape(len(rows), -1), base.reshape(len(rows), -1)
    size = _batch_size(network, rows.shape[1])
    values = integrate_path(value_and_grad, flat, start, points, batch_size=size)
    return _with_outputs(partial(_values_in_batches, value_and_grad, size), flat, start, values, shape)


def occlusion(
    network: Network,
    weights: Weights,
    x: npt.ArrayLike,
    output: int = 0,
    *,
    by: str = "both",
    baseline: npt.ArrayLike = 0.0,
    step: int = -1,
    count: int | None = None,
) -> Attribution:
    """Compute by how much an output falls when a group of inputs is replaced by a baseline.

    ``values[group] = y(x) - y(x with this group from the baseline)``. They need not add up: either of two redundant
    inputs can stand in for the other.

    Args:
        network: As for `gradients`.
        weights: As for `gradients`.
        x: As for `gradients`.
        output: As for `gradients`.
        by: "step": all features of a step; "feature": a feature at all steps; "both": a feature at a step.
        baseline: As for `integrated_gradients`.
        step: As for `gradients`.
        count: As for `gradients`.

    Returns:
        The decreases: (B, T), (B, F) or the shape of x.

    Raises:
        ConfigError: No layers, no such output or step, or another `by`.
        DataError: Arrays that do not fit the network, or contain NaN or infinity.

    Source: Zeiler & Fergus 2014.

    >>> from gatecast.nn.layers import Dense
    >>> from gatecast.nn.network import build, initial_weights
    >>> network = build([Dense(1)], (2, 3))
    >>> weights = initial_weights(network, 0)
    >>> weights.views[0]["W"][:, 0] = 1, 0, -2
    >>> occlusion(network, weights, np.ones((1, 2, 3)), by="feature").values.tolist()
    [[1.0, 0.0, -2.0]]
    """
    if by not in GROUPINGS:
        raise ConfigError(f"Invalid by {by!r}", expected=" or ".join(map(repr, GROUPINGS)), argument="by")
    rows, base, shape = _validate_pair(network, x, baseline, count)
    B, T, F = rows.shape
    value_and_grad = _output_function(network, weights, (T, F), output, step, need_grad=False)
    groups = {"step": np.arange(T).repeat(F), "feature": np.tile(np.arange(F), T), "both": np.arange(T * F)}[by]
    flat, start = rows.reshape(B, -1), base.reshape(B, -1)
    size = _batch_size(network, T)
    function = partial(_values_in_batches, value_and_grad, size)
    values = occlude_path(function, flat, start, groups, batch_size=size)
    return _with_outputs(function, flat, start, values, shape if by == "both" else values.shape)


def integrate_path(
    value_and_grad: ValueAndGrad, x: FloatArray, baseline: FloatArray, points: int = POINTS, *, batch_size: int = 1024
) -> FloatArray:
    """Compute integrated gradients of any function of rows.

    Args:
        value_and_grad: The function and its gradient.
        x: (B, N) rows.
        baseline: (B, N) where the path to each row starts.
        points: P, the points of the quadrature.
        batch_size: The maximum number of rows per call of the function.

    Returns:
        Contributions (B, N), which add up to the difference of the function.

    Raises:
        ConfigError: No points.

    >>> cube = lambda x: ((x**3).sum(axis=1), 3 * x**2)
    >>> integrate_path(cube, np.array([[1.0, 2.0]]), np.array([[0.0, 1.0]]), 2).round(9).tolist()
    [[1.0, 7.0]]
    """
    nodes, node_weights = _quadrature(check_positive_int(points, "points"))
    difference = x - baseline
    total = np.zeros(x.shape)
    n_rows = len(x) * points
    for start in range(0, n_rows, batch_size):
        row, point = np.divmod(np.arange(start, min(start + batch_size, n_rows)), points)
        _, grads = value_and_grad(baseline[row] + nodes[point, None] * difference[row])
        first = np.flatnonzero(np.diff(row, prepend=-1))
        total[row[first]] += np.add.reduceat(node_weights[point, None] * grads, first, axis=0)
    return difference * total


def occlude_path(
    function: Callable[[FloatArray], FloatArray],
    x: FloatArray,
    baseline: FloatArray,
    groups: IntArray,
    *,
    batch_size: int = 1024,
) -> FloatArray:
    """Compute by how much any function of rows falls when a group of variables is replaced by a baseline.

    Args:
        function: Rows (P, N) -> values (P,).
        x: (B, N) rows.
        baseline: (B, N).
        groups: (N,) the group of each variable, from 0.
        batch_size: The maximum number of rows per call of the function.

    Returns:
        Decreases (B, G), with G - 1 the largest group; exactly 0 for a group that equals its baseline.

    >>> product = lambda x: x.prod(axis=1)
    >>> occlude_path(product, np.array([[2.0, 3.0, 4.0]]), np.array([[1.0, 1.0, 1.0]]), np.array([0, 1, 1])).tolist()
    [[12.0, 22.0]]
    """
    decreases = np.zeros((len(x), int(groups.max(initial=-1)) + 1))
    for b in range(len(x)):
        changed = np.unique(groups[x[b] != baseline[b]])
        value = function(x[b : b + 1])[0]
        for start in range(0, len(changed), batch_size):
            batch = changed[start : start + batch_size]
            decreases[b, batch] = value - function(np.where(groups == batch[:, None], baseline[b], x[b]))
    return decreases


def vjp_through(
    network: Network, weights: Weights, x: npt.NDArray[Any], head: Callable[[FloatArray], tuple[FloatArray, FloatArray]]
) -> tuple[FloatArray, FloatArray]:
    """Apply a function to the outputs of a network, and carry its gradient back to the inputs.

    Args:
        network: Layers and shapes.
        weights: The parameters.
        x: (P, T, F) finite.
        head: Outputs (P, T or 1, M) -> values (P,), and their gradients with respect to the outputs, in the shape of
            the outputs.

    Returns:
        Values (P,), and their gradients with respect to x (P, T, F).

    >>> from gatecast.nn.layers import Dense
    >>> from gatecast.nn.network import build, initial_weights
    >>> network = build([Dense(1)], (2,))
    >>> weights = initial_weights(network, 0)
    >>> weights.views[0]["W"][:, 0] = 1, -2
    >>> value, dx = vjp_through(network, weights, np.ones((1, 1, 2)), lambda y: (y[:, 0, 0] ** 2, 2 * y))
    >>> value.tolist(), dx.tolist()
    ([1.0], [[[-2.0, 4.0]]])
    """
    n_samples = len(x)
    y, caches = forward(network, weights, pack(x), n_sequences=n_samples)
    values, dy = head(unpack(y, n_samples).astype(np.float64))
    dx = backward(network, weights, caches, pack(dy), zeros_like(weights), need_dx=True)
    return values, np.zeros(x.shape) if dx is None else unpack(dx, n_samples).astype(np.float64)


@lru_cache(maxsize=8)
def _quadrature(points: int) -> tuple[FloatArray, FloatArray]:
    """Return nodes and weights of Gauss-Legendre quadrature on [0, 1]."""
    nodes, node_weights = np.polynomial.legendre.leggauss(points)
    return (nodes + 1) / 2, node_weights / 2


def _values_in_batches(value_and_grad: ValueAndGrad, size: int, rows: FloatArray) -> FloatArray:
    """Return the values of a function, computed in batches."""
    return np.concatenate([value_and_grad(rows[start : start + size])[0] for start in range(0, len(rows), size)])


def _with_outputs(
    function: Callable[[FloatArray], FloatArray],
    x: FloatArray,
    baseline: FloatArray,
    values: FloatArray,
    shape: tuple[int, ...],
) -> Attribution:
    """Return contributions with the outputs that they should explain."""
    output, start = function(x), function(baseline)
    release_memory()
    return Attribution(values.reshape(shape), output, start, output - start - values.sum(axis=1))


def _output_function(
    network: Network, weights: Weights, shape: tuple[int, ...], output: int, step: int, *, need_grad: bool = True
) -> ValueAndGrad:
    """Return one output of a network as a function of flat rows; without `need_grad` its gradient is meaningless."""
    M = network.shapes[-1][-1] or 1
    _check_index(output, "output", 0, M)
    n_steps = shape[0] if len(network.shapes[-1]) == 2 else 1
    _check_index(step, "step", -n_steps, n_steps)

    def head(y: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return the output, and 1 as its gradient."""
        dy = np.zeros(y.shape)
        dy[:, step, output] = 1.0
        return y[:, step, output], dy

    def value_and_grad(rows: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return value and gradient for flat rows."""
        x = rows.reshape(len(rows), *shape)
        if not need_grad:
            y, _ = forward(network, weights, pack(x), save_for_backward=False, n_sequences=len(x))
            return head(unpack(y, len(x)).astype(np.float64))[0], rows
        values, dx = vjp_through(network, weights, x, head)
        return values, dx.reshape(rows.shape)

    return value_and_grad


def _check_index(value: object, name: str, start: int, stop: int) -> None:
    """Raise an error if a value is not an integer from start to stop - 1."""
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or not start <= value < stop:
        raise ConfigError(f"Invalid {name} {value!r}", expected=f"an integer from {start} to {stop - 1}", argument=name)


def _validate_samples(network: Network, x: npt.ArrayLike, count: int | None) -> tuple[FloatArray, tuple[int, ...]]:
    """Return samples as (B, T, F), and the shape of the result."""
    if not network.layers:
        raise ConfigError("The model has no layers", fix="Add some: model.add(LSTM(50)); model.add(Dense(1)).")
    samples = np.asarray(x)
    if samples.ndim == 4:
        samples = unpack(samples, samples.shape[0] * samples.shape[3] if count is None else count)
        samples = samples if len(network.shapes[0]) == 2 else samples[:, 0]
    rows = validate_inputs(samples, network.shapes[0])[0].astype(np.float64)
    return rows, samples.shape


def _validate_pair(
    network: Network, x: npt.ArrayLike, baseline: npt.ArrayLike, count: int | None
) -> tuple[FloatArray, FloatArray, tuple[int, ...]]:
    """Return samples and baselines as (B, T, F), and the shape of the result."""
    rows, shape = _validate_samples(network, x, count)
    # Rounded like x, so that values that are equal in both stay equal.
    start = np.asarray(baseline, np.float32).astype(np.float64)
    try:
        base = np.broadcast_to(start, shape)
    except ValueError:
        expected = f"{shape}, or a number"
        raise DataError("The baseline does not fit x", got=str(start.shape), expected=expected) from None
    if not np.isfinite(base).all():
        raise DataError("The baseline is not finite", got="NaN or infinity", expected="finite numbers")
    return rows, base.reshape(rows.shape), shape


def _batch_size(network: Network, n_steps: int) -> int:
    """Return the number of samples per pass, so that what is saved for the gradient stays small."""
    per_sample = sum(8 * (shape[-1] or 1) for shape in network.shapes) * n_steps
    return int(np.clip(MAX_SAVED_VALUES // per_sample, 16, 4096))
