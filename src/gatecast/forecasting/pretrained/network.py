"""The low-frequency network: a dense layer, recurrent layers with shortcuts, and the head's dense layer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from gatecast.forecasting.pretrained.features import INPUT_NAMES, N_INPUTS
from gatecast.forecasting.pretrained.head import BLOCK, LEVELS, N_OUTPUTS, initialize_head
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

    Example:
        >>> PretrainedConfig().to_settings()["units"]
        128
    """

    units: int = 128
    n_layers: int = 3
    layer_norm: bool = False

    def to_settings(self) -> dict[str, Any]:
        """Return what a file needs to say: sizes, inputs by name, outputs."""
        return asdict(self) | {"inputs": list(INPUT_NAMES), "block": BLOCK, "levels": list(LEVELS)}

    @classmethod
    def from_settings(cls, settings: Mapping[str, Any]) -> PretrainedConfig:
        """Return the config of a file."""
        return cls(settings["units"], settings["n_layers"], settings["layer_norm"])


def make_network(config: PretrainedConfig, seed: int = 0) -> tuple[Network, Weights]:
    """Return the layers, and fresh weights that forecast the mean of the simple forecasts.

    Args:
        config: Sizes.
        seed: The same seed gives the same bits.

    Example:
        >>> network, weights = make_network(PretrainedConfig())
        >>> network.shapes[-1], weights.vector.size
        ((None, 324), 443332)
    """
    recurrent = [
        Residual(LSTM(config.units, return_sequences=True, layer_norm=config.layer_norm))
        for _ in range(config.n_layers)
    ]
    layers: list[Layer] = [Dense(config.units, activation="tanh"), *recurrent, Dense(N_OUTPUTS)]
    network = build(layers, (None, N_INPUTS))
    weights = initial_weights(network, seed)
    initialize_head(weights.views[-1])
    return network, weights
