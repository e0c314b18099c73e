"""Layers made of layers: what is said of the inner layers' parameters is said once, here."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy.typing as npt

from gatecast.kernels.packing import Array, Params
from gatecast.nn.constraints import Constraint
from gatecast.nn.layers.base import BaseLayer, Layer
from gatecast.nn.layers.shapes import Shape, validate_shape
from gatecast.nn.regularizers import Regularizer

__all__ = ["WrapperLayer", "add_prefix", "freeze", "has_buffers", "strip_prefix", "wrapper_input_shape"]


class WrapperLayer(BaseLayer):
    """Base class of layers made of layers: parameters, penalties, constraints and what is frozen are the inner ones'.

    A class on top of it with other inner layers than `layer` overrides `inner_layers`.
    """

    layer: Any

    def inner_layers(self) -> Sequence[tuple[str, Layer]]:
        """Return the inner layers, each with the prefix of its parameters, in the order of the weights."""
        return (("", self.layer),)

    def _check_base(self) -> None:
        """Check the arguments that all layers have; a frozen wrapper has a frozen layer, as in Keras."""
        super()._check_base()
        if not self.trainable and isinstance(getattr(self, "layer", None), BaseLayer):
            object.__setattr__(self, "layer", freeze(self.layer))

    @property
    def param_names(self) -> tuple[str, ...]:
        """Names of the parameters of all inner layers."""
        return tuple(prefix + name for prefix, layer in self.inner_layers() for name in layer.param_names)

    @property
    def frozen_params(self) -> tuple[str, ...]:
        """Names of the parameters that training does not change: all of them, or those of frozen inner layers."""
        if not self.trainable:
            return self.param_names
        return tuple(prefix + name for prefix, layer in self.inner_layers() for name in layer.frozen_params)

    @property
    def regularizers(self) -> Mapping[str, Regularizer]:
        """Penalties of the inner layers."""
        return dict(self._settings("regularizers"))

    @property
    def constraints(self) -> Mapping[str, Constraint]:
        """Constraints of the inner layers."""
        return dict(self._settings("constraints"))

    def to_keras_weights(self, params: Params) -> list[Array]:
        """Return the weights of all inner layers, one after the other."""
        layers = self.inner_layers()
        return [w for prefix, layer in layers for w in layer.to_keras_weights(strip_prefix(params, prefix))]

    def from_keras_weights(self, weights: Sequence[npt.NDArray[Any]]) -> Params:
        """Return the parameters for a list of weights as `to_keras_weights` returns it."""
        params: Params = {}
        for prefix, layer in self.inner_layers():
            n_weights = len(layer.param_names)
            params |= add_prefix(layer.from_keras_weights(weights[:n_weights]), prefix)
            weights = weights[n_weights:]
        return params

    def _settings(self, kind: str) -> Iterator[tuple[str, Any]]:
        """Yield the settings of one kind by the name of the parameter."""
        for prefix, layer in self.inner_layers():
            yield from ((prefix + name, value) for name, value in getattr(layer, kind).items())


def freeze(layer: Any) -> Any:
    """Return a layer that is not trained, with the same settings.

    >>> from gatecast.layers import Dense
    >>> freeze(Dense(2))
    Dense(2, trainable=False)
    """
    return replace(layer, trainable=False) if layer.trainable else layer


def has_buffers(layer: Layer) -> bool:
    """Return whether a layer, or one within it, has parameters that an update sets without a gradient.

    >>> from gatecast.layers import BatchNormalization, Dense, Residual
    >>> has_buffers(Residual(BatchNormalization())), has_buffers(Residual(Dense(2)))
    (True, False)
    """
    if isinstance(layer, WrapperLayer):
        return any(has_buffers(inner) for _, inner in layer.inner_layers())
    return type(layer).update_buffers is not BaseLayer.update_buffers


def wrapper_input_shape(wrapper: BaseLayer, layer: Layer) -> Shape | None:
    """Return the `input_shape` of a layer made of layers, by default that of its first layer.

    Args:
        wrapper: Layer made of layers.
        layer: First layer within it.

    Example:
        >>> from gatecast.layers import LSTM, Bidirectional
        >>> Bidirectional(LSTM(5, input_shape=(24, 1))).input_shape
        (24, 1)
    """
    shape = validate_shape(wrapper, wrapper.input_shape)
    return layer.input_shape if shape is None else shape


def add_prefix(params: Params, prefix: str) -> Params:
    """Prefix the names of an inner layer's parameters.

    Args:
        params: Parameters by name.
        prefix: Prefix of the inner layer, such as ``"forward."``.

    Example:
        >>> import numpy as np
        >>> sorted(add_prefix({"W": np.zeros((1, 1), np.float32)}, "0.1."))
        ['0.1.W']
    """
    return {prefix + name: p for name, p in params.items()}


def strip_prefix(params: Params, prefix: str) -> Params:
    """Select the parameters under a prefix, without the prefix: the inverse of `add_prefix`.

    Args:
        params: Parameters of the outer layer.
        prefix: Prefix of the inner layer.

    Example:
        >>> import numpy as np
        >>> sorted(strip_prefix({"0.1.W": np.zeros((1, 1), np.float32)}, "0.1."))
        ['W']
    """
    return {name[len(prefix) :]: p for name, p in params.items() if name.startswith(prefix)}
