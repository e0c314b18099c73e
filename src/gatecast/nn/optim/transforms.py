"""Gradient transformations that clip, scale, decay and average, and the table of all of them.

Notation: n parameters, g gradient, m momentum, lr learning rate.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from gatecast._utils.typing import Float32Array
from gatecast._utils.validation import check_fraction, check_positive
from gatecast.nn.optim.base import GradientTransformation, Init, State, Update, stateless, transformation, zeros
from gatecast.nn.optim.directions import scale_by_adam, scale_by_nadam, scale_by_rms, scale_by_rss
from gatecast.nn.optim.schedules import Schedule, constant

__all__ = [
    "TRANSFORMS",
    "add_decayed_weights",
    "clip",
    "clip_by_global_norm",
    "clip_by_norm",
    "ema",
    "ema_params",
    "learning_rate_at",
    "scale_by_learning_rate",
    "scale_by_momentum",
]


@transformation
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

    return stateless, update


@transformation
def clip_by_norm(max_norm: float, sizes: tuple[int, ...]) -> tuple[Init, Update]:
    """Shorten the gradient of each variable: ``g = g min(1, max_norm / |g|)``.

    Args:
        max_norm: The largest norm, above 0.
        sizes: Number of parameters of each variable, in their order.

    >>> clip_by_norm(1.0, (2, 1)).update(np.array([3.0, 4.0, 0.5]), {}, np.zeros(3), 1).round(3).tolist()
    [0.6, 0.8, 0.5]
    """
    max_norm = check_positive(max_norm, "max_norm", where="clip_by_norm")
    stops = np.cumsum(sizes).tolist()

    def update(g: Float32Array, state: State, params: Float32Array, step: int) -> Float32Array:  # noqa: ARG001
        for start, stop in zip([0, *stops], stops, strict=False):
            part = g[start:stop]
            norm = _norm(part)
            if norm > max_norm:
                part *= np.float32(max_norm / norm)
        return g

    return stateless, update


@transformation
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

    return stateless, update


@transformation
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

    return zeros("m"), update


@transformation
def add_decayed_weights(weight_decay: float, learning_rate: float | Schedule = 1.0) -> tuple[Init, Update]:
    """Add weight decay: ``g = g + weight_decay lr(step) params``; after `scale_by_adam` this makes AdamW.

    Args:
        weight_decay: Above 0.
        learning_rate: A factor or a schedule; the learning rate if this comes after `scale_by_learning_rate`.

    Source: Loshchilov & Hutter 2019.

    >>> add_decayed_weights(0.1).update(np.zeros(1), {}, np.array([2.0]), 1).tolist()
    [0.2]
    """
    weight_decay = check_positive(weight_decay, "weight_decay", where="add_decayed_weights")
    schedule = _as_schedule(learning_rate)

    def update(g: Float32Array, state: State, params: Float32Array, step: int) -> Float32Array:  # noqa: ARG001
        g += weight_decay * schedule(step - 1) * params
        return g

    return stateless, update


@transformation
def scale_by_learning_rate(learning_rate: float | Schedule) -> tuple[Init, Update]:
    """Multiply by the learning rate: ``g = lr(step) g``.

    Args:
        learning_rate: A number above 0, or a schedule: updates done -> learning rate.

    >>> transform = scale_by_learning_rate(lambda step: 1.0 / (1 + step))
    >>> [transform.update(np.ones(1), {}, np.zeros(1), step).tolist() for step in (1, 2)]
    [[1.0], [0.5]]
    """
    schedule = _as_schedule(learning_rate)

    def update(g: Float32Array, state: State, params: Float32Array, step: int) -> Float32Array:  # noqa: ARG001
        g *= np.float32(schedule(step - 1))
        return g

    return stateless, update


@transformation
def ema(decay: float = 0.999) -> tuple[Init, Update]:
    """Keep an exponential moving average of the parameters: ``a = d a + (1 - d) (params - g)``. Must be the last.

    ``d = min(decay, 1 - 1 / step)`` makes the average a plain mean at first, so that the start does not weigh in.
    Training evaluates and returns the averaged parameters.

    Args:
        decay: In [0, 1).

    Source: Polyak & Juditsky 1992.

    >>> from gatecast.nn.optim import apply_updates, chain
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

    return zeros("average"), update


def learning_rate_at(optimizer: GradientTransformation, step: int) -> float:
    """Return the product of all learning rates in a chain for an update, 1 for the first; 1 without any.

    >>> from gatecast.nn.optim import chain
    >>> learning_rate_at(chain(scale_by_adam(), scale_by_learning_rate(lambda step: 0.1 / (1 + step))), step=2)
    0.05
    """
    if optimizer.name == "scale_by_learning_rate":
        return _as_schedule(optimizer.config["learning_rate"])(step - 1)
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
        clip_by_norm,
        clip_by_global_norm,
        scale_by_adam,
        scale_by_nadam,
        scale_by_rms,
        scale_by_rss,
        scale_by_momentum,
        add_decayed_weights,
        scale_by_learning_rate,
        ema,
    )
}
"""All transformations by name: what a chain in a file may contain."""


def _norm(g: Float32Array) -> float:
    """Return the norm of the gradient."""
    # Pairwise float32 sums are precise enough, and several times as fast as a float64 copy. NumPy's own norm
    # uses BLAS, whose threads may change the last bits.
    total = float(np.square(g).sum())
    return math.sqrt(total if math.isfinite(total) else float(np.square(g, dtype=np.float64).sum()))


def _as_schedule(learning_rate: float | Schedule) -> Schedule:
    """Return a schedule from a number or a schedule."""
    return learning_rate if callable(learning_rate) else constant(learning_rate)
