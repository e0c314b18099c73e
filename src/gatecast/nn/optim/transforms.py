"""Gradient transformations, which chain into optimizers, in the names of optax.

A transformation is a pair of functions: ``init(n)`` returns a state, and ``update(g, state, params, step)`` returns
the new gradient. The state is a dict of arrays of shape (n,), which `update` changes in place. The result of the last
transformation is subtracted from the parameters. The first update is step 1. A transformation keeps its name and
settings, so that it can be shown, compared and saved. To add one, write its function and list it in `TRANSFORMS`.

Notation: n parameters, g gradient, m and v moments, lr learning rate.
"""

from __future__ import annotations

import functools
import inspect
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, ParamSpec, TypeAlias

import numpy as np

from gatecast._utils.typing import Float32Array
from gatecast._utils.validation import check_fraction, check_positive
from gatecast.errors import ConfigError
from gatecast.kernels import native
from gatecast.nn.optim.schedules import Schedule, constant

__all__ = [
    "TRANSFORMS",
    "GradientTransformation",
    "add_decayed_weights",
    "apply_updates",
    "chain",
    "clip",
    "clip_by_global_norm",
    "ema",
    "ema_params",
    "learning_rate_at",
    "scale_by_adam",
    "scale_by_learning_rate",
    "scale_by_momentum",
    "scale_by_rms",
]

State: TypeAlias = "dict[str, Float32Array] | tuple[State, ...]"
Init = Callable[[int], Any]
Update = Callable[[Float32Array, Any, Float32Array, int], Float32Array]
P = ParamSpec("P")


@dataclass(frozen=True)
class GradientTransformation:
    """A gradient transformation: its functions, and the name and settings that they were made from."""

    name: str
    config: Mapping[str, Any]
    init: Init = field(repr=False, compare=False)
    update: Update = field(repr=False, compare=False)


def _transformation(build: Callable[P, tuple[Init, Update]]) -> Callable[P, GradientTransformation]:
    """Make a function that returns (init, update) return a `GradientTransformation`."""
    signature = inspect.signature(build)

    @functools.wraps(build)
    def make(*args: P.args, **kwargs: P.kwargs) -> GradientTransformation:
        bound = signature.bind(*args, **kwargs)
        bound.apply_defaults()
        return GradientTransformation(build.__name__, dict(bound.arguments), *build(*args, **kwargs))

    return make


@_transformation
def clip(max_delta: float) -> tuple[Init, Update]:
    """Clip every component: ``g = min(max(g, -max_delta), max_delta)``.

    Args:
        max_delta: The largest absolute value, above 0.

    >>> clip(1.0).update(np.array([5.0, -0.5]), {}, np.zeros(2), 1).tolist()
    [1.0, -0.5]
    """
    max_delta = check_positive(max_delta, "max_delta", where="clip")

    def update(g: Float32Array, state: State, params: Float32Array, step: int) -> Float32Array:  # noqa: ARG001
        return np.clip(g, -max_delta, max_delta, out=g)

    return _stateless, update


@_transformation
def clip_by_global_norm(max_norm: float) -> tuple[Init, Update]:
    """Shorten the gradient of all parameters: ``g = g min(1, max_norm / |g|)``.

    Args:
        max_norm: The largest norm, above 0.

    Source: Pascanu, Mikolov & Bengio 2013.

    >>> clip_by_global_norm(1.0).update(np.array([3.0, 4.0]), {}, np.zeros(2), 1).round(3).tolist()
    [0.6, 0.8]
    """
    max_norm = check_positive(max_norm, "max_norm", where="clip_by_global_norm")

    def update(g: Float32Array, state: State, params: Float32Array, step: int) -> Float32Array:  # noqa: ARG001
        norm = _norm(g)
        if norm > max_norm:
            g *= np.float32(max_norm / norm)
        return g

    return _stateless, update


@_transformation
def scale_by_adam(beta_1: float = 0.9, beta_2: float = 0.999, epsilon: float = 1e-7) -> tuple[Init, Update]:
    """Return the direction of Adam: ``g = m' / (sqrt(v') + epsilon)``.

    ``m = beta_1 m + (1 - beta_1) g`` and ``v = beta_2 v + (1 - beta_2) g^2``; ``m' = m / (1 - beta_1^step)`` and
    ``v' = v / (1 - beta_2^step)`` correct the start at zero.

    Args:
        beta_1: Decay of m, in [0, 1).
        beta_2: Decay of v, in [0, 1).
        epsilon: Added to the root, above 0.

    Source: Kingma & Ba 2015, algorithm 1.

    >>> state = scale_by_adam().init(1)
    >>> g = np.array([4.0], np.float32)
    >>> scale_by_adam().update(g, state, np.zeros(1, np.float32), 1).round(4).tolist()
    [1.0]
    """
    beta_1 = check_fraction(beta_1, "beta_1", where="scale_by_adam")
    beta_2 = check_fraction(beta_2, "beta_2", where="scale_by_adam")
    epsilon = check_positive(epsilon, "epsilon", where="scale_by_adam")

    def update(
        g: Float32Array,
        state: dict[str, Float32Array],
        params: Float32Array,  # noqa: ARG001
        step: int,
    ) -> Float32Array:
        native.adam(state["m"], state["v"], g, beta_1, beta_2, epsilon, step)
        return g

    return _zeros("m", "v"), update


@_transformation
def scale_by_rms(rho: float = 0.9, epsilon: float = 1e-7) -> tuple[Init, Update]:
    """Divide by a moving root mean square: ``v = rho v + (1 - rho) g^2``, ``g = g / sqrt(v + epsilon)``.

    Args:
        rho: Decay of v, in [0, 1).
        epsilon: Added under the root, as in Keras; above 0.

    Source: Tieleman & Hinton 2012.

    >>> transform = scale_by_rms(rho=0.75, epsilon=1e-12)
    >>> transform.update(np.array([4.0], np.float32), transform.init(1), np.zeros(1), 1).round(3).tolist()
    [2.0]
    """
    rho = check_fraction(rho, "rho", where="scale_by_rms")
    epsilon = check_positive(epsilon, "epsilon", where="scale_by_rms")

    def update(
        g: Float32Array,
        state: dict[str, Float32Array],
        params: Float32Array,  # noqa: ARG001
        step: int,  # noqa: ARG001
    ) -> Float32Array:
        v = state["v"]
        v *= rho
        v += (1 - rho) * g * g
        g /= np.sqrt(v + np.float32(epsilon))
        return g

    return _zeros("v"), update


@_transformation
def scale_by_momentum(momentum: float = 0.9, nesterov: bool = False) -> tuple[Init, Update]:
    """Add momentum: ``m = momentum m + g``, then ``g = m``, or ``g = momentum m + g`` with `nesterov`.

    Args:
        momentum: Decay of m, in [0, 1).
        nesterov: Whether to use Nesterov's variant.

    Source: Polyak 1964; Sutskever et al. 2013.

    >>> transform = scale_by_momentum(0.5)
    >>> state = transform.init(1)
    >>> [transform.update(np.ones(1, np.float32), state, np.zeros(1), step).tolist() for step in (1, 2)]
    [[1.0], [1.5]]
    """
    momentum = check_fraction(momentum, "momentum", where="scale_by_momentum")

    def update(
        g: Float32Array,
        state: dict[str, Float32Array],
        params: Float32Array,  # noqa: ARG001
        step: int,  # noqa: ARG001
    ) -> Float32Array:
        m = state["m"]
        m *= momentum
        m += g
        if nesterov:
            g += momentum * m
        else:
            g[:] = m
        return g

    return _zeros("m"), update


@_transformation
def add_decayed_weights(weight_decay: float) -> tuple[Init, Update]:
    """Add weight decay: ``g = g + weight_decay params``; after `scale_by_adam` this makes AdamW.

    Args:
        weight_decay: Above 0.

    Source: Loshchilov & Hutter 2019.

    >>> add_decayed_weights(0.1).update(np.zeros(1), {}, np.array([2.0]), 1).tolist()
    [0.2]
    """
    weight_decay = check_positive(weight_decay, "weight_decay", where="add_decayed_weights")

    def update(g: Float32Array, state: State, params: Float32Array, step: int) -> Float32Array:  # noqa: ARG001
        g += weight_decay * params
        return g

    return _stateless, update


@_transformation
def scale_by_learning_rate(learning_rate: float | Schedule) -> tuple[Init, Update]:
    """Multiply by the learning rate: ``g = lr(step) g``.

    Args:
        learning_rate: A number above 0, or a schedule: step -> learning rate.

    >>> transform = scale_by_learning_rate(lambda step: 1.0 / step)
    >>> [transform.update(np.ones(1), {}, np.zeros(1), step).tolist() for step in (1, 2)]
    [[1.0], [0.5]]
    """
    schedule = _as_schedule(learning_rate)

    def update(g: Float32Array, state: State, params: Float32Array, step: int) -> Float32Array:  # noqa: ARG001
        g *= np.float32(schedule(step))
        return g

    return _stateless, update


@_transformation
def ema(decay: float = 0.999) -> tuple[Init, Update]:
    """Keep an exponential moving average of the parameters: ``a = d a + (1 - d) (params - g)``. Must be the last.

    ``d = min(decay, 1 - 1 / step)`` makes the average a plain mean at first, so that the start does not weigh in.
    Training evaluates and returns the averaged parameters.

    Args:
        decay: In [0, 1).

    Source: Polyak & Juditsky 1992.

    >>> optimizer = chain(scale_by_learning_rate(1.0), ema(0.999))
    >>> params, state = np.zeros(1, np.float32), optimizer.init(1)
    >>> for step in (1, 2, 3):
    ...     apply_updates(optimizer, -np.ones(1, np.float32), state, params, step)
    >>> params.tolist(), ema_params(optimizer, state).tolist()
    ([3.0], [2.0])
    """
    decay = check_fraction(decay, "decay", where="ema")

    def update(g: Float32Array, state: dict[str, Float32Array], params: Float32Array, step: int) -> Float32Array:
        d = min(decay, 1.0 - 1.0 / step)
        average = state["average"]
        average *= d
        average += (1.0 - d) * (params - g)
        return g

    return _zeros("average"), update


def chain(*transforms: GradientTransformation) -> GradientTransformation:
    """Apply gradient transformations one after the other.

    Args:
        transforms: At least one.

    Raises:
        ConfigError: No transformation, or another object.

    >>> [transform.name for transform in chain(clip(1.0), scale_by_adam()).config["transforms"]]
    ['clip', 'scale_by_adam']
    """
    for transform in transforms or (None,):
        if not isinstance(transform, GradientTransformation):
            raise ConfigError(
                f"Invalid transformation {transform!r}",
                where="chain",
                expected="one or more, such as clip_by_global_norm(1.0), Adam()",
            )

    def init(n: int) -> State:
        return tuple(transform.init(n) for transform in transforms)

    def update(g: Float32Array, state: tuple[State, ...], params: Float32Array, step: int) -> Float32Array:
        for transform, transform_state in zip(transforms, state, strict=True):
            g = transform.update(g, transform_state, params, step)
        return g

    return GradientTransformation("chain", {"transforms": transforms}, init, update)


def apply_updates(
    optimizer: GradientTransformation, g: Float32Array, state: Any, params: Float32Array, step: int
) -> None:
    """Update the parameters in place: ``params -= update(g)``. The gradient is overwritten.

    >>> params = np.array([1.0], np.float32)
    >>> apply_updates(scale_by_learning_rate(0.5), np.array([1.0], np.float32), {}, params, step=1)
    >>> params.tolist()
    [0.5]
    """
    params -= optimizer.update(g, state, params, step)


def learning_rate_at(optimizer: GradientTransformation, step: int) -> float:
    """Return the product of all learning rates in a chain at a step; 1 without any.

    >>> learning_rate_at(chain(scale_by_adam(), scale_by_learning_rate(lambda step: 0.1 / step)), step=2)
    0.05
    """
    if optimizer.name == "scale_by_learning_rate":
        return _as_schedule(optimizer.config["learning_rate"])(step)
    return math.prod(learning_rate_at(transform, step) for transform in optimizer.config.get("transforms", ()))


def ema_params(optimizer: GradientTransformation, state: Any) -> Float32Array | None:
    """Return the averaged parameters of an optimizer, or None if it contains no `ema`.

    >>> ema_params(scale_by_adam(), scale_by_adam().init(3)) is None
    True
    """
    if optimizer.name == "ema":
        return state["average"]  # type: ignore[no-any-return]
    pairs = zip(optimizer.config.get("transforms", ()), state, strict=False)
    averages = (ema_params(transform, transform_state) for transform, transform_state in pairs)
    return next((average for average in averages if average is not None), None)


TRANSFORMS: Mapping[str, Callable[..., GradientTransformation]] = {
    make.__name__: make
    for make in (
        clip,
        clip_by_global_norm,
        scale_by_adam,
        scale_by_rms,
        scale_by_momentum,
        add_decayed_weights,
        scale_by_learning_rate,
        ema,
    )
}
"""All transformations by name: what a chain in a file may contain."""


def _stateless(n: int) -> State:  # noqa: ARG001
    """Return the state of a transformation that keeps none."""
    return {}


def _zeros(*names: str) -> Init:
    """Return an `init` whose state is arrays of zeros."""
    return lambda n: {name: np.zeros(n, np.float32) for name in names}


def _norm(g: Float32Array) -> float:
    """Return the norm of the gradient."""
    # Pairwise float32 sums are precise enough, and several times as fast as a float64 copy. NumPy's own norm
    # uses BLAS, whose threads may change the last bits.
    total = float(np.square(g).sum())
    return math.sqrt(total if math.isfinite(total) else float(np.square(g, dtype=np.float64).sum()))


def _as_schedule(learning_rate: float | Schedule) -> Schedule:
    """Return a schedule from a number or a schedule."""
    return learning_rate if callable(learning_rate) else constant(learning_rate)
