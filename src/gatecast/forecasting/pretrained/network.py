"""The pretrained networks: a dense layer, recurrent layers with shortcuts, and the head's dense layer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from gatecast._utils.typing import Float32Array, IntArray
from gatecast.forecasting.pretrained.head import LEVELS, initialize_head
from gatecast.forecasting.pretrained.kinds import KINDS, LF, NetworkKind
from gatecast.kernels.native import Cache, State
from gatecast.nn.layers import LSTM, Dense, Residual
from gatecast.nn.layers.base import CallContext, Layer
from gatecast.nn.network import Network, Weights, build, initial_weights

__all__ = ["PretrainedConfig", "forward_with_states", "make_network", "states_at"]


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


def forward_with_states(network: Network, weights: Weights, x: Float32Array) -> tuple[Float32Array, list[State | None]]:
    """Compute the outputs of layers, and their states at every step.

    Args:
        network: The layers before the head.
        weights: Their parameters.
        x: [nb, N, F, L].

    Returns:
        The outputs [nb, N, H, L], and h and c [nb, N, H, L] of each layer; None for one without states.
    """
    states: list[State | None] = []
    for layer, params in zip(network.layers, weights.views, strict=True):
        # What a backward pass needs has c, and is many times as large: none outlives its layer.
        x, _, cache = layer.forward(params, x, CallContext())
        of_cell = cache[0] if isinstance(cache[0], Cache) else None
        states.append(None if of_cell is None else (of_cell.y, of_cell.saved_rows("c").copy()))
        del cache, of_cell
    return x, states


def states_at(states: Sequence[State | None], step: IntArray, lane: IntArray, L: int) -> list[State | None]:
    """Return the states of layers at some steps of a pass, from which `forward_from` goes on.

    Args:
        states: At every step, as `forward_with_states` returns them.
        step: Steps, (k,).
        lane: Their series, (k,); k is a multiple of L.
        L: Lanes of a block.

    Example:
        >>> from gatecast.nn.network import forward_from, split_network
        >>> body, _ = split_network(*make_network(PretrainedConfig(units=4, n_layers=1)), 1)
        >>> x = np.random.default_rng(0).normal(size=(1, 5, body[0].shapes[0][1], 1)).astype(np.float32)
        >>> y, states = forward_with_states(*body, x)
        >>> later, _ = forward_from(*body, x[:, 3:], states_at(states, np.array([2]), np.array([0]), 1))
        >>> np.array_equal(later, y[:, 3:])
        True
    """
    block, lane = lane // L, lane % L

    def at(array: Float32Array) -> Float32Array:
        """Return the part of an array at these places, [nb, H, L]."""
        part = array[block, step, :, lane].reshape(-1, L, array.shape[2])
        return np.ascontiguousarray(part.transpose(0, 2, 1))

    return [None if arrays is None else tuple(map(at, arrays)) for arrays in states]
