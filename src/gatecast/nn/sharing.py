"""Layers that several models have: their weights are the same in all of them, as in Keras.

Each model keeps its weights in one vector, as training needs them. Of a layer in several models one is the owner: the
first that the layer was put into, then the one that changed the weights last. The others copy them from there before
they are used.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from gatecast.errors import ConfigError
from gatecast.kernels.packing import Params

__all__ = ["LayerOwner", "adopt", "owner_of", "pull", "take"]


class LayerOwner(Protocol):
    """A model, as the layers in it see it."""

    def own_params(self, layer: Any, /) -> Params:
        """Return the parameters of one of its layers as they are, as views into its weights."""

    def layer_value(self, layer: Any, what: str, /) -> Any:
        """Return the input or output of one of its layers."""

    def name_of(self, layer: Any, /) -> str | None:
        """Return the name that it makes for one of its layers."""

    @property
    def built(self) -> bool:
        """Whether there are weights."""

    @property
    def is_training(self) -> bool:
        """Whether `fit` is running, which writes to the weights."""


def owner_of(layer: Any) -> LayerOwner | None:
    """Return the model that has the weights of a layer; None if it is in no model.

    >>> from gatecast.nn.layers import Dense
    >>> owner_of(Dense(2)) is None
    True
    """
    owner: LayerOwner | None = vars(layer).get("_owner")
    return owner


def adopt(model: Any, layer: Any) -> None:
    """Let a layer find its weights, its input and its output in a model, unless it is in another one already.

    >>> from gatecast.nn.layers import Dense
    >>> layer = Dense(2)
    >>> adopt("the model", layer)
    >>> adopt("another model", layer)
    >>> owner_of(layer)
    'the model'
    """
    if owner_of(layer) is None:
        object.__setattr__(layer, "_owner", model)
        object.__setattr__(layer, "_first_model", model)


def take(model: Any, layers: Sequence[Any], *, to_change: bool = True) -> None:
    """Make a model the owner of its layers, before it changes their weights.

    Args:
        model: The model, which has just pulled.
        layers: Its layers.
        to_change: Whether the weights will be changed; else they may be, and what a model in training owns stays there.

    Raises:
        ConfigError: `fit` of another model is running, which changes the weights of a layer.
    """
    for layer in layers:
        owner = owner_of(layer)
        if owner is model:
            continue
        if owner is None or not owner.is_training:
            object.__setattr__(layer, "_owner", model)
        elif to_change:
            fix = "Change them after fit, or by layer.set_weights."
            raise ConfigError("Another model is training the weights", where=repr(layer), fix=fix)


def pull(model: Any, layers: Sequence[Any], views: Sequence[Params]) -> None:
    """Copy the weights of layers that another model owns.

    A layer that has no weights there yet, or weights of another shape because it reads other inputs, has its own here.

    Args:
        model: The model that is about to use its weights.
        layers: Its layers.
        views: Their parameters, which are overwritten.
    """
    for layer, params in zip(layers, views, strict=True):
        owner = owner_of(layer)
        if owner is None or owner is model or not params:
            continue
        source = owner.own_params(layer) if owner.built else {}
        if {name: value.shape for name, value in source.items()} != {name: p.shape for name, p in params.items()}:
            object.__setattr__(layer, "_owner", model)
            continue
        for name, value in source.items():
            params[name][...] = value
