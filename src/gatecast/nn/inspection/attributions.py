"""What each input of a network adds to one of its outputs: gradients, integrated gradients, occlusion.

Letters: B samples, T time, F features, M outputs, N variables in one row, P points, G cells that variables are summed
into; `d` before a name is the gradient of the output with respect to it.

Two of the functions know no network: `integrate` and `occlude` take any function of rows of variables, so whoever makes
a network's inputs of something else, or something else of its outputs, explains the whole of it. `pull` is the way of
a gradient through a network between the two.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache, partial
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from gatecast._utils.validation import check_positive_int
from gatecast.errors import ConfigError, DataError
from gatecast.kernels.native import release_memory
from gatecast.kernels.packing import pack, unpack
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

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

ValueAndGrad = Callable[[Floats], tuple[Floats, Floats]]
"""A function and its gradient: (P, N) rows -> (P,) values, (P, N)."""

POINTS = 64
"""Points on the way from the baseline to the input."""

AT_ONCE = 2**25
"""Numbers that a pass may keep for its gradient, about: 128 MiB."""

WAYS = {"step": "t", "feature": "f", "both": "tf"}
"""What may be hidden at a time: a step, a feature, or one feature at one step."""


class Attribution(NamedTuple):
    """What inputs add to an output."""

    values: Floats
    """The shape of x; or (B, T) or (B, F) where steps or features were hidden whole."""
    output: Floats
    """(B,) of x."""
    baseline: Floats
    """(B,) of the baseline."""
    completeness_error: Floats
    """(B,) by how much the values do not add up: output - baseline - their sum."""


def gradients(
    network: Network, weights: Weights, x: npt.ArrayLike, output: int = 0, *, step: int = -1, count: int | None = None
) -> Floats:
    """The exact gradient of one output with respect to every input, through all of time: ``dy[output] / dx[t, f]``.

    Args:
        network: Layers and shapes.
        weights: Their parameters.
        x: (B, T, F), or (B, F) for a network without time axis, or packed (nb, T, F, L); finite.
        output: Which of the M outputs.
        step: Which step's, of a network that answers at every one.
        count: B of a packed x; None: every lane is a sample.

    Returns:
        The shape of x, unpacked. The input of an `Embedding` is a code, and has gradient 0.

    Raises:
        ConfigError: No layers, or no such output or step.
        DataError: An array that does not fit or holds NaN or infinity.

    >>> from gatecast.nn.layers import Dense
    >>> from gatecast.nn.network import initial_weights, build
    >>> network = build([Dense(1)], (3,))
    >>> weights = initial_weights(network, 0)
    >>> weights.views[0]["W"][:, 0] = 1, 0, -2
    >>> gradients(network, weights, [[5.0, 6.0, 7.0]]).tolist()
    [[1.0, 0.0, -2.0]]
    """
    rows, shape = _read(network, x, count)
    graded = _of(network, weights, rows.shape[1:], output, step)
    flat = rows.reshape(len(rows), -1)
    size = _at_once(network, rows.shape[1])
    found = [graded(flat[start : start + size])[1] for start in range(0, len(flat), size)]
    release_memory()
    return np.concatenate(found).reshape(shape)


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
    """Integrated gradients: what every input adds to one output on the straight way from a baseline, which sums up.

    ``values[t, f] = (x - base)[t, f] integral_0^1 dy[output] / dx[t, f] at base + a (x - base) da``, so that their sum
    is ``y(x) - y(base)``; the integral is Gauss and Legendre's sum over points between 0 and 1.

    Args:
        network: As for `gradients`.
        weights: As for `gradients`.
        x: As for `gradients`.
        output: As for `gradients`.
        baseline: Where to start; a number, or anything that broadcasts to the unpacked x. Codes of an `Embedding` have
            to be the same there as in x.
        points: P.
        step: As for `gradients`.
        count: As for `gradients`.

    Returns:
        The values, the shape of x, and by how much they miss the sum.

    Raises:
        ConfigError: No layers, no such output or step, or no points.
        DataError: An array that does not fit or holds NaN or infinity.

    Source: Sundararajan, Taly & Yan 2017, "Axiomatic Attribution for Deep Networks".

    >>> from gatecast.nn.layers import Dense
    >>> from gatecast.nn.network import initial_weights, build
    >>> network = build([Dense(1)], (3,))
    >>> weights = initial_weights(network, 0)
    >>> weights.views[0]["W"][:, 0] = 1, 0, -2
    >>> found = integrated_gradients(network, weights, [[5.0, 6.0, 7.0]], baseline=[5.0, 0.0, 6.0])
    >>> found.values.round(6).tolist(), found.output.tolist(), found.baseline.tolist()
    ([[0.0, 0.0, -2.0]], [-9.0], [-7.0])
    """
    rows, base, shape = _pair(network, x, baseline, count)
    graded = _of(network, weights, rows.shape[1:], output, step)
    flat, start = rows.reshape(len(rows), -1), base.reshape(len(rows), -1)
    size = _at_once(network, rows.shape[1])
    values = integrate_path(graded, flat, start, points, at_once=size)
    return _added(partial(_say, graded, size), flat, start, values, shape)


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
    """Occlusion: by how much an output falls when a part of the input is put back to a baseline.

    ``values[part] = y(x) - y(x with that part of the baseline)``. They need not sum up: two inputs that say the same
    cover for each other.

    Args:
        network: As for `gradients`.
        weights: As for `gradients`.
        x: As for `gradients`.
        output: As for `gradients`.
        by: "step": all features of a step; "feature": a feature at all steps; "both": a feature at a step.
        baseline: As for `integrated`.
        step: As for `gradients`.
        count: As for `gradients`.

    Returns:
        The values: (B, T), (B, F) or the shape of x.

    Raises:
        ConfigError: No layers, no such output or step, or another `by`.
        DataError: An array that does not fit or holds NaN or infinity.

    Source: Zeiler & Fergus 2014.

    >>> from gatecast.nn.layers import Dense
    >>> from gatecast.nn.network import initial_weights, build
    >>> network = build([Dense(1)], (2, 3))
    >>> weights = initial_weights(network, 0)
    >>> weights.views[0]["W"][:, 0] = 1, 0, -2
    >>> occlusion(network, weights, np.ones((1, 2, 3)), by="feature").values.tolist()
    [[1.0, 0.0, -2.0]]
    """
    if by not in WAYS:
        raise ConfigError("by is unknown", got=repr(by), expected=" or ".join(map(repr, WAYS)))
    rows, base, shape = _pair(network, x, baseline, count)
    B, T, F = rows.shape
    graded = _of(network, weights, (T, F), output, step, need=False)
    cell = {"step": np.arange(T).repeat(F), "feature": np.tile(np.arange(F), T), "both": np.arange(T * F)}[by]
    flat, start = rows.reshape(B, -1), base.reshape(B, -1)
    size = _at_once(network, T)
    say = partial(_say, graded, size)
    values = occlude_path(say, flat, start, cell, at_once=size)
    return _added(say, flat, start, values, shape if by == "both" else values.shape)


def integrate_path(
    graded: ValueAndGrad, actual: Floats, baseline: Floats, points: int = POINTS, *, at_once: int = 1024
) -> Floats:
    """Integrated gradients of any function of rows.

    Args:
        graded: The function and its gradient.
        actual: (B, N) rows.
        baseline: (B, N) where each of them starts.
        points: P.
        at_once: Rows that the function is given at a time, at most.

    Returns:
        (B, N) values that sum up to the difference of the function.

    Raises:
        ConfigError: No points.

    >>> cube = lambda x: ((x**3).sum(axis=1), 3 * x**2)
    >>> integrate_path(cube, np.array([[1.0, 2.0]]), np.array([[0.0, 1.0]]), 2).round(9).tolist()
    [[1.0, 7.0]]
    """
    place, share = _rule(check_positive_int(points, "points"))
    way = actual - baseline
    total = np.zeros(actual.shape)
    for start in range(0, len(actual) * points, at_once):
        row, point = np.divmod(np.arange(start, min(start + at_once, len(actual) * points)), points)
        _, grads = graded(baseline[row] + place[point, None] * way[row])
        first = np.flatnonzero(np.diff(row, prepend=-1))
        total[row[first]] += np.add.reduceat(share[point, None] * grads, first, axis=0)
    return way * total


def occlude_path(
    say: Callable[[Floats], Floats], actual: Floats, baseline: Floats, cell: Integers, *, at_once: int = 1024
) -> Floats:
    """By how much any function of rows falls when all variables of a cell are put back to a baseline.

    Args:
        say: (P, N) rows -> (P,).
        actual: (B, N) rows.
        baseline: (B, N).
        cell: (N,) the cell of each variable, from 0 up.
        at_once: Rows that the function is given at a time, at most.

    Returns:
        (B, G), G one more than the largest cell; exactly 0 where a cell is at its baseline already.

    >>> product = lambda x: x.prod(axis=1)
    >>> occlude_path(product, np.array([[2.0, 3.0, 4.0]]), np.array([[1.0, 1.0, 1.0]]), np.array([0, 1, 1])).tolist()
    [[12.0, 22.0]]
    """
    found = np.zeros((len(actual), int(cell.max(initial=-1)) + 1))
    for b in range(len(actual)):
        moved = np.unique(cell[actual[b] != baseline[b]])
        whole = say(actual[b : b + 1])[0]
        for start in range(0, len(moved), at_once):
            some = moved[start : start + at_once]
            found[b, some] = whole - say(np.where(cell == some[:, None], baseline[b], actual[b]))
    return found


def vjp_through(
    network: Network, weights: Weights, x: npt.NDArray[Any], behind: Callable[[Floats], tuple[Floats, Floats]]
) -> tuple[Floats, Floats]:
    """A function behind a network, and the way of its gradient back to the network's input.

    Args:
        network: Layers and shapes.
        weights: Their parameters.
        x: (P, T, F) finite.
        behind: Outputs (P, T or 1, M) -> (P,) values, and their gradients with respect to the outputs, of that shape.

    Returns:
        (P,) values, and (P, T, F).

    >>> from gatecast.nn.layers import Dense
    >>> from gatecast.nn.network import initial_weights, build
    >>> network = build([Dense(1)], (2,))
    >>> weights = initial_weights(network, 0)
    >>> weights.views[0]["W"][:, 0] = 1, -2
    >>> value, dx = vjp_through(network, weights, np.ones((1, 1, 2)), lambda y: (y[:, 0, 0] ** 2, 2 * y))
    >>> value.tolist(), dx.tolist()
    ([1.0], [[[-2.0, 4.0]]])
    """
    count = len(x)
    said, caches = forward(network, weights, pack(x), n_sequences=count)
    values, dy = behind(unpack(said, count).astype(np.float64))
    dx = backward(network, weights, caches, pack(dy), zeros_like(weights), need_dx=True)
    return values, np.zeros(x.shape) if dx is None else unpack(dx, count).astype(np.float64)


@lru_cache(maxsize=8)
def _rule(points: int) -> tuple[Floats, Floats]:
    """Places between 0 and 1, and their shares."""
    place, share = np.polynomial.legendre.leggauss(points)
    return (place + 1) / 2, share / 2


def _say(graded: ValueAndGrad, size: int, rows: Floats) -> Floats:
    """The function alone, so many rows at a time."""
    return np.concatenate([graded(rows[start : start + size])[0] for start in range(0, len(rows), size)])


def _added(
    say: Callable[[Floats], Floats], actual: Floats, baseline: Floats, values: Floats, shape: tuple[int, ...]
) -> Attribution:
    """Values beside what they should sum up to."""
    there, start = say(actual), say(baseline)
    release_memory()
    return Attribution(values.reshape(shape), there, start, there - start - values.sum(axis=1))


def _of(
    network: Network, weights: Weights, shape: tuple[int, ...], output: int, step: int, *, need: bool = True
) -> ValueAndGrad:
    """One output of a network as a function of flat rows; without `need` its gradient is not worked out."""
    M = network.shapes[-1][-1] or 1
    if isinstance(output, bool) or not isinstance(output, int | np.integer) or not 0 <= output < M:
        raise ConfigError("there is no such output", got=repr(output), expected=f"a whole number from 0 to {M - 1}")
    steps = shape[0] if len(network.shapes[-1]) == 2 else 1
    if isinstance(step, bool) or not isinstance(step, int | np.integer) or not -steps <= step < steps:
        raise ConfigError("there is no such step", got=repr(step), expected=f"a number from {-steps} to {steps - 1}")

    def behind(said: Floats) -> tuple[Floats, Floats]:
        """That output, and 1 as its gradient."""
        dy = np.zeros(said.shape)
        dy[:, step, output] = 1.0
        return said[:, step, output], dy

    def graded(rows: Floats) -> tuple[Floats, Floats]:
        """Value and gradient of flat rows."""
        x = rows.reshape(len(rows), *shape)
        if not need:
            said, _ = forward(network, weights, pack(x), save_for_backward=False, n_sequences=len(x))
            return behind(unpack(said, len(x)).astype(np.float64))[0], rows
        values, dx = vjp_through(network, weights, x, behind)
        return values, dx.reshape(rows.shape)

    return graded


def _read(network: Network, x: npt.ArrayLike, count: int | None) -> tuple[Floats, tuple[int, ...]]:
    """Samples (B, T, F), and the shape in which answers go out."""
    if not network.layers:
        raise ConfigError("the network has no layers", fix="Add some: model.add(LSTM(50)); model.add(Dense(1)).")
    given = np.asarray(x)
    if given.ndim == 4:
        given = unpack(given, given.shape[0] * given.shape[3] if count is None else count)
        given = given if len(network.shapes[0]) == 2 else given[:, 0]
    rows = validate_inputs(given, network.shapes[0])[0].astype(np.float64)
    return rows, given.shape


def _pair(
    network: Network, x: npt.ArrayLike, baseline: npt.ArrayLike, count: int | None
) -> tuple[Floats, Floats, tuple[int, ...]]:
    """Samples, their baselines, and the shape in which answers go out."""
    rows, shape = _read(network, x, count)
    # Rounded as x is: what is the same in both stays the same on the way.
    start = np.asarray(baseline, np.float32).astype(np.float64)
    try:
        base = np.broadcast_to(start, shape)
    except ValueError:
        raise DataError("the baseline does not fit x", got=str(start.shape), expected=f"{shape}, or a number") from None
    if not np.isfinite(base).all():
        raise DataError("the baseline is not finite", got="NaN or infinity", expected="finite numbers")
    return rows, base.reshape(rows.shape), shape


def _at_once(network: Network, T: int) -> int:
    """Samples a pass, so that what is kept for the gradient stays small."""
    kept = sum(8 * (shape[-1] or 1) for shape in network.shapes) * T
    return int(np.clip(AT_ONCE // kept, 16, 4096))
