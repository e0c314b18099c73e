"""Links of an optimiser: each takes the gradient, changes it, and hands it on.

Letters: n parameters in all, g gradient on its way through the chain, m and v running moments, lr rate.

A link is ``(init(n) -> state, update(g, state, params, step) -> g)``; its state is a dict of (n,) arrays that
it writes in place. What leaves the last link is subtracted from the parameters. ``step`` is 1 for the first
update. A link remembers its name and settings, so that a chain can be shown, compared and saved. A new one is
one more function and one more entry in `LINKS`. `optim` re-exports them.
"""

from __future__ import annotations

import functools
import inspect
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, ParamSpec, TypeAlias

import numpy as np

from gatecast._utils.validation import check_fraction, check_positive
from gatecast.errors import ConfigError
from gatecast.kernels import native
from gatecast.kernels.packing import Array
from gatecast.nn.optim.schedules import Rate, constant

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
    "learning_rate",
    "scale_by_adam",
    "scale_by_learning_rate",
    "scale_by_momentum",
    "scale_by_rms",
]

State: TypeAlias = "dict[str, Array] | tuple[State, ...]"
Init = Callable[[int], Any]
Update = Callable[[Array, Any, Array, int], Array]
P = ParamSpec("P")


@dataclass(frozen=True)
class GradientTransformation:
    """A step of an optimiser, or a chain of them: two functions, and the settings that made them."""

    name: str
    config: Mapping[str, Any]
    init: Init = field(repr=False, compare=False)
    update: Update = field(repr=False, compare=False)


def _link(build: Callable[P, tuple[Init, Update]]) -> Callable[P, GradientTransformation]:
    """Make a function that returns (init, update) return a `Link` that remembers name and settings."""
    signature = inspect.signature(build)

    @functools.wraps(build)
    def make(*args: P.args, **kwargs: P.kwargs) -> GradientTransformation:
        bound = signature.bind(*args, **kwargs)
        bound.apply_defaults()
        return GradientTransformation(build.__name__, dict(bound.arguments), *build(*args, **kwargs))

    return make


@_link
def clip(limit: float) -> tuple[Init, Update]:
    """Cut every component: ``g = min(max(g, -limit), limit)``.

    Args:
        limit: Above 0.

    >>> clip(1.0).update(np.array([5.0, -0.5]), {}, np.zeros(2), 1).tolist()
    [1.0, -0.5]
    """
    limit = check_positive(limit, "clip's limit")

    def update(g: Array, state: State, params: Array, step: int) -> Array:  # noqa: ARG001
        return np.clip(g, -limit, limit, out=g)

    return _stateless, update


@_link
def clip_by_global_norm(limit: float) -> tuple[Init, Update]:
    """Shorten the whole gradient: ``g = g min(1, limit / |g|)``.

    Args:
        limit: Longest length, above 0.

    Source: Pascanu, Mikolov & Bengio 2013.

    >>> clip_by_global_norm(1.0).update(np.array([3.0, 4.0]), {}, np.zeros(2), 1).round(3).tolist()
    [0.6, 0.8]
    """
    limit = check_positive(limit, "clip_by_global_norm's limit")

    def update(g: Array, state: State, params: Array, step: int) -> Array:  # noqa: ARG001
        norm = _norm(g)
        if norm > limit:
            g *= np.float32(limit / norm)
        return g

    return _stateless, update


@_link
def scale_by_adam(beta_1: float = 0.9, beta_2: float = 0.999, epsilon: float = 1e-7) -> tuple[Init, Update]:
    """Adam's direction, ``g = m' / (sqrt(v') + eps)``.

    ``m = b1 m + (1 - b1) g`` and ``v = b2 v + (1 - b2) g^2``; ``m' = m / (1 - b1^step)`` and
    ``v' = v / (1 - b2^step)`` undo the start from zero.

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
    beta_1, beta_2 = (
        check_fraction(beta_1, "scale_by_adam's beta_1"),
        check_fraction(beta_2, "scale_by_adam's beta_2"),
    )
    epsilon = check_positive(epsilon, "scale_by_adam's epsilon")

    def update(g: Array, state: dict[str, Array], params: Array, step: int) -> Array:  # noqa: ARG001
        native.adam(state["m"], state["v"], g, beta_1, beta_2, epsilon, step)
        return g

    return _zeros("m", "v"), update


@_link
def scale_by_rms(rho: float = 0.9, epsilon: float = 1e-7) -> tuple[Init, Update]:
    """Divide by a running root mean square: ``v = rho v + (1 - rho) g^2``, ``g = g / sqrt(v + eps)``.

    Args:
        rho: Decay of v, in [0, 1).
        epsilon: Added under the root, as Keras does; above 0.

    Source: Tieleman & Hinton 2012.

    >>> link = scale_by_rms(rho=0.75, epsilon=1e-12)
    >>> link.update(np.array([4.0], np.float32), link.init(1), np.zeros(1), 1).round(3).tolist()
    [2.0]
    """
    rho, epsilon = (
        check_fraction(rho, "scale_by_rms's rho"),
        check_positive(epsilon, "scale_by_rms's epsilon"),
    )

    def update(g: Array, state: dict[str, Array], params: Array, step: int) -> Array:  # noqa: ARG001
        v = state["v"]
        v *= rho
        v += (1 - rho) * g * g
        g /= np.sqrt(v + np.float32(epsilon))
        return g

    return _zeros("v"), update


@_link
def scale_by_momentum(momentum: float = 0.9, nesterov: bool = False) -> tuple[Init, Update]:
    """Heavy ball: ``m = momentum m + g``, ``g = m``, or ``g = momentum m + g`` with `nesterov`.

    Args:
        momentum: In [0, 1).
        nesterov: Look one step ahead.

    Source: Polyak 1964; Sutskever et al. 2013.

    >>> link = scale_by_momentum(0.5)
    >>> state = link.init(1)
    >>> [link.update(np.ones(1, np.float32), state, np.zeros(1), step).tolist() for step in (1, 2)]
    [[1.0], [1.5]]
    """
    momentum = check_fraction(momentum, "scale_by_momentum's momentum")

    def update(g: Array, state: dict[str, Array], params: Array, step: int) -> Array:  # noqa: ARG001
        m = state["m"]
        m *= momentum
        m += g
        if nesterov:
            g += momentum * m
        else:
            g[:] = m
        return g

    return _zeros("m"), update


@_link
def add_decayed_weights(decay: float) -> tuple[Init, Update]:
    """Pull the parameters towards zero: ``g = g + decay params``; after `scale_by_adam` this makes AdamW.

    Args:
        decay: Above 0.

    Source: Loshchilov & Hutter 2019.

    >>> add_decayed_weights(0.1).update(np.zeros(1), {}, np.array([2.0]), 1).tolist()
    [0.2]
    """
    decay = check_positive(decay, "add_decayed_weights's decay")

    def update(g: Array, state: State, params: Array, step: int) -> Array:  # noqa: ARG001
        g += decay * params
        return g

    return _stateless, update


@_link
def scale_by_learning_rate(rate: float | Rate) -> tuple[Init, Update]:
    """The length of the step: ``g = lr(step) g``.

    Args:
        rate: A number above 0, or a schedule: step (1 for the first update) -> rate.

    >>> link = scale_by_learning_rate(lambda step: 1.0 / step)
    >>> [link.update(np.ones(1), {}, np.zeros(1), step).tolist() for step in (1, 2)]
    [[1.0], [0.5]]
    """
    schedule = _rate(rate)

    def update(g: Array, state: State, params: Array, step: int) -> Array:  # noqa: ARG001
        g *= np.float32(schedule(step))
        return g

    return _stateless, update


@_link
def ema(decay: float = 0.999) -> tuple[Init, Update]:
    """Keep a running average of the parameters: ``a = d a + (1 - d) (params - g)``; the last link of a chain.

    ``d = min(decay, 1 - 1 / step)``: a plain mean at first, so that the start does not weigh. Training judges
    and returns the averaged parameters.

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
    decay = check_fraction(decay, "ema's decay")

    def update(g: Array, state: dict[str, Array], params: Array, step: int) -> Array:
        keep = min(decay, 1.0 - 1.0 / step)
        average = state["average"]
        average *= keep
        average += (1.0 - keep) * (params - g)
        return g

    return _zeros("average"), update


def chain(*links: GradientTransformation) -> GradientTransformation:
    """Links one after the other, as one link.

    Args:
        links: At least one.

    Raises:
        ConfigError: No link, or something that is no link.

    >>> [link.name for link in chain(clip(1.0), scale_by_adam()).config["links"]]
    ['clip', 'scale_by_adam']
    """
    for link in links or (None,):
        if not isinstance(link, GradientTransformation):
            raise ConfigError(
                "a chain is made of links",
                got=repr(link),
                expected="links such as clip_by_global_norm(1.0), Adam()",
            )

    def init(n: int) -> State:
        return tuple(link.init(n) for link in links)

    def update(g: Array, state: tuple[State, ...], params: Array, step: int) -> Array:
        for link, own in zip(links, state, strict=True):
            g = link.update(g, own, params, step)
        return g

    return GradientTransformation("chain", {"links": links}, init, update)


def apply_updates(optimizer: GradientTransformation, g: Array, state: Any, params: Array, step: int) -> None:
    """One update in place, ``params -= update(g)``; g is used up.

    >>> params = np.array([1.0], np.float32)
    >>> apply_updates(scale_by_learning_rate(0.5), np.array([1.0], np.float32), {}, params, step=1)
    >>> params.tolist()
    [0.5]
    """
    params -= optimizer.update(g, state, params, step)


def learning_rate(optimizer: GradientTransformation, step: int) -> float:
    """The product of all learning rates in a chain at a step; 1 if there is none.

    >>> learning_rate(chain(scale_by_adam(), scale_by_learning_rate(lambda step: 0.1 / step)), step=2)
    0.05
    """
    if optimizer.name == "scale_by_learning_rate":
        return _rate(optimizer.config["rate"])(step)
    return math.prod(learning_rate(link, step) for link in optimizer.config.get("links", ()))


def ema_params(optimizer: GradientTransformation, state: Any) -> Array | None:
    """The averaged parameters that an optimiser keeps, or None if it keeps none.

    >>> ema_params(scale_by_adam(), scale_by_adam().init(3)) is None
    True
    """
    if optimizer.name == "ema":
        return state["average"]  # type: ignore[no-any-return]
    pairs = zip(optimizer.config.get("links", ()), state, strict=False)
    return next((a for a in (ema_params(link, own) for link, own in pairs) if a is not None), None)


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
"""Every link by its name: what a chain in a file may be made of."""


def _stateless(n: int) -> State:  # noqa: ARG001
    """The state of a link that remembers nothing."""
    return {}


def _zeros(*names: str) -> Init:
    """The state of a link that starts from zeros."""
    return lambda n: {name: np.zeros(n, np.float32) for name in names}


def _norm(g: Array) -> float:
    """Length of the gradient."""
    # Pairwise float32 sums are precise enough, and several times as fast as a float64 copy; numpy's own norm
    # goes through BLAS, whose threads may change the last bits.
    total = float(np.square(g).sum())
    return math.sqrt(total if math.isfinite(total) else float(np.square(g, dtype=np.float64).sum()))


def _rate(rate: float | Rate) -> Rate:
    """A schedule from a number or a schedule."""
    return rate if callable(rate) else constant(rate)
