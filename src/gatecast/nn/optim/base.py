"""Gradient transformations, in the names of optax: what one is, how several chain, and how an update is made.

A transformation is a pair of functions: ``init(n)`` returns a state, and ``update(g, state, params, step)`` returns
the new gradient. The state is a dict of arrays, which `update` changes in place. The result of the last transformation
is subtracted from the parameters. The first update is step 1. A transformation keeps its name and settings, so that it
can be shown, compared, pickled and saved. To add one, write its function and list it in `TRANSFORMS`.

Notation: n parameters, g gradient.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any, ParamSpec, TypeAlias

import numpy as np

from gatecast._utils.typing import Float32Array
from gatecast.errors import ConfigError

__all__ = ["GradientTransformation", "State", "apply_updates", "chain", "stateless", "transformation", "zeros"]

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
    maker: tuple[str, str] = field(default=("", ""), repr=False, compare=False)
    """Module and name of the function that made it."""

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle and copy the settings: the functions are made again from them."""
        return _make, (self.maker, self.config)


def transformation(build: Callable[P, tuple[Init, Update]]) -> Callable[P, GradientTransformation]:
    """Make a function that returns (init, update) return a `GradientTransformation`.

    >>> @transformation
    ... def negate():
    ...     return stateless, lambda g, state, params, step: -g
    >>> negate().update(np.ones(1), {}, np.zeros(1), 1).tolist()
    [-1.0]
    """
    signature = inspect.signature(build)

    @functools.wraps(build)
    def make(*args: P.args, **kwargs: P.kwargs) -> GradientTransformation:
        bound = signature.bind(*args, **kwargs)
        bound.apply_defaults()
        maker = (build.__module__, build.__qualname__)
        return GradientTransformation(build.__name__, dict(bound.arguments), *build(*args, **kwargs), maker)

    return make


def chain(*transforms: GradientTransformation) -> GradientTransformation:
    """Apply gradient transformations one after the other.

    Args:
        transforms: At least one.

    Raises:
        ConfigError: No transformation, or another object.

    >>> from gatecast.nn.optim import clip, scale_by_adam
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

    return GradientTransformation("chain", {"transforms": transforms}, init, update, (__name__, "chain"))


def apply_updates(
    optimizer: GradientTransformation, g: Float32Array, state: Any, params: Float32Array, step: int
) -> None:
    """Update the parameters in place: ``params -= update(g)``. The gradient is overwritten.

    >>> from gatecast.nn.optim import scale_by_learning_rate
    >>> params = np.array([1.0], np.float32)
    >>> apply_updates(scale_by_learning_rate(0.5), np.array([1.0], np.float32), {}, params, step=1)
    >>> params.tolist()
    [0.5]
    """
    params -= optimizer.update(g, state, params, step)


def stateless(n: int) -> State:  # noqa: ARG001
    """Return the state of a transformation that keeps none.

    >>> stateless(3)
    {}
    """
    return {}


def zeros(*names: str) -> Init:
    """Return an `init` whose state is arrays of zeros.

    >>> zeros("m")(2)["m"].tolist()
    [0.0, 0.0]
    """
    return lambda n: {name: np.zeros(n, np.float32) for name in names}


def _make(maker: tuple[str, str], config: Mapping[str, Any]) -> GradientTransformation:
    """Return a transformation again, from its settings."""
    module, name = maker
    make: Callable[..., GradientTransformation] = getattr(import_module(module), name)
    return make(*config["transforms"]) if name == "chain" else make(**config)
