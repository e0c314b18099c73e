"""Layers that end in an activation: what the kernels compute with the products, and what comes after them."""

from __future__ import annotations

from gatecast.kernels.activations import ACTIVATIONS
from gatecast.nn.layers.arguments import canonical_activation
from gatecast.nn.layers.base import BaseLayer
from gatecast.nn.layers.weight_settings import WeightSettings

__all__ = ["ActivatedLayer"]


class ActivatedLayer(WeightSettings, BaseLayer):
    """A layer with weights and an activation, which may be softmax."""

    activation: str | None
    _activation: str = "linear"
    """Name of the activation; "linear" for None."""
    _fused: str = "linear"
    """The activation that the kernels compute with the products: those whose slope is a function of the value."""
    _is_fused: bool = True

    def _set_activation(self) -> None:
        """Replace the activation by its name, and note who computes it."""
        name = canonical_activation(self.activation, type(self).__name__, softmax=True)
        is_fused = name in ACTIVATIONS and ACTIVATIONS[name].from_value
        object.__setattr__(self, "activation", None if self.activation is None else name)
        object.__setattr__(self, "_activation", name)
        object.__setattr__(self, "_is_fused", is_fused)
        object.__setattr__(self, "_fused", name if is_fused else "linear")
