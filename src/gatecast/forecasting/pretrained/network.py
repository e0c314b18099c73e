"""The pretrained networks: a dense layer, recurrent layers with shortcuts, and the head's dense layer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from gatecast._utils.typing import IntArray
from gatecast.forecasting.pretrained.head import LEVELS, initialize_head
from gatecast.forecasting.pretrained.kinds import KINDS, LF, NetworkKind
from gatecast.kernels.native import Cache, State
from gatecast.nn.layers import LSTM, Dense, Residual
from gatecast.nn.layers.base import Layer
from gatecast.nn.network import Network, Weights, build, initial_weights

__all__ = ["PretrainedConfig", "make_network", "states_at"]


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


def states_at(caches: Sequence[Any], step: IntArray, lane: IntArray, L: int) -> list[State | None]:
    """Return the states of the layers at some steps of a pass, from which `forward_from` goes on.

    Args:
        caches: Of the layers before the head, as `forward` returns them.
        step: Steps, (k,).
        lane: Their series, (k,); k is a multiple of L.
        L: Lanes of a block.

    Example:
        >>> from gatecast.nn.network import forward, split_network
        >>> (body, weights), _ = split_network(*make_network(PretrainedConfig(units=4, n_layers=1)), 1)
        >>> _, caches = forward(body, weights, np.ones((1, 5, body.shapes[0][1], 1), np.float32))
        >>> none, (h, c) = states_at(caches, np.array([2]), np.array([0]), 1)
        >>> none, h.shape, np.array_equal(h[0, :, 0], caches[1][0].y[0, 2, :, 0])
        (None, (1, 4, 1), True)
    """
    block, lane = lane // L, lane % L
    states: list[State | None] = []
    for cache in caches:
        of_layer = cache[0] if isinstance(cache[0], Cache) else None
        arrays = () if of_layer is None else (of_layer.y, of_layer.saved_rows("c"))
        parts = (array[block, step, :, lane].reshape(-1, L, array.shape[2]).transpose(0, 2, 1) for array in arrays)
        states.append(None if of_layer is None else tuple(np.ascontiguousarray(part) for part in parts))
    return states
