"""The pretrained networks: a dense layer, recurrent layers with shortcuts, and the head's dense layer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gatecast.forecasting.pretrained.head import LEVELS, initialize_head
from gatecast.forecasting.pretrained.kinds import KINDS, LF, NetworkKind
from gatecast.nn.layers import LSTM, Dense, Residual
from gatecast.nn.layers.base import Layer
from gatecast.nn.network import Network, Weights, build, initial_weights

__all__ = ["PretrainedConfig", "make_network"]


@dataclass(frozen=True)
class PretrainedConfig:
    """Sizes of a pretrained network.

    Args:
        units: Units of each layer.
        n_layers: Recurrent layers.
        layer_norm: Whether to normalize the gates.
        kind: What it reads and forecasts.

    Example:
        >>> PretrainedConfig().to_settings()["units"]
        128
    """

    units: int = 128
    n_layers: int = 3
    layer_norm: bool = True
    kind: NetworkKind = LF

    def to_settings(self) -> dict[str, Any]:
        """Return what a file needs to say: sizes, inputs by name, which tell the kind, and outputs."""
        sizes = {"units": self.units, "n_layers": self.n_layers, "layer_norm": self.layer_norm}
        return sizes | {"inputs": list(self.kind.inputs), "block": self.kind.head.block, "levels": list(LEVELS)}

    @classmethod
    def from_settings(cls, settings: Mapping[str, Any]) -> PretrainedConfig:
        """Return the config of a file.

        Raises:
            ValueError: Inputs of no kind of network.
        """
        kind = next((kind for kind in KINDS.values() if list(kind.inputs) == settings["inputs"]), None)
        if kind is None:
            raise ValueError("inputs of no pretrained network")
        return cls(settings["units"], settings["n_layers"], settings["layer_norm"], kind)


def make_network(config: PretrainedConfig, seed: int | None = 0) -> tuple[Network, Weights]:
    """Return the layers, and fresh weights that forecast the mean of the simple forecasts.

    Args:
        config: Sizes.
        seed: The same seed gives the same bits; None: no weights are drawn, because they will be loaded.

    Example:
        >>> network, weights = make_network(PretrainedConfig())
        >>> network.shapes[-1], weights.vector.size
        ((None, 336), 448208)
    """
    recurrent = [
        Residual(LSTM(config.units, return_sequences=True, layer_norm=config.layer_norm))
        for _ in range(config.n_layers)
    ]
    layers: list[Layer] = [Dense(config.units, activation="tanh"), *recurrent, Dense(config.kind.head.n_outputs)]
    network = build(layers, (None, len(config.kind.inputs)))
    weights = initial_weights(network, seed)
    initialize_head(weights.views[-1], config.kind.head)
    return network, weights
