"""Weights from files: a network is measured before it is made, so that a false size costs nothing.

Shapes: n parameters.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from gatecast._utils.schema import SchemaError, check_array
from gatecast.nn.memory_limits import count_params
from gatecast.nn.network import Network, Weights, initial_weights, load_weights

__all__ = ["check_stored_size", "restore_weights"]


def check_stored_size(network: Network, n_stored: int) -> None:
    """Refuse layers that have more parameters than a file.

    Args:
        network: Layers and shapes.
        n_stored: Numbers in the file.

    Raises:
        SchemaError: They cannot be the weights of these layers.

    Example:
        >>> from gatecast.nn.layers import Dense
        >>> from gatecast.nn.network import build
        >>> check_stored_size(build([Dense(10**9)], (None, 1)), 2)
        Traceback (most recent call last):
        gatecast._utils.schema.SchemaError: the layers have at least 1,000,000,000 weights, the file has 2
    """
    total = 0
    for layer, shape in zip(network.layers, network.shapes, strict=False):
        total += count_params(layer, shape)
        if total > n_stored:
            raise SchemaError(f"the layers have at least {total:,} weights, the file has {n_stored:,}")


def restore_weights(network: Network, arrays: Mapping[str, npt.NDArray[Any]], name: str = "weights") -> Weights:
    """Return the weights of a network from one vector of a file.

    Args:
        network: Layers and shapes.
        arrays: Arrays of the file by name.
        name: The vector, [n].

    Raises:
        SchemaError: No such vector, one of another network, or numbers that are not finite.

    Example:
        >>> from gatecast.nn.layers import Dense
        >>> from gatecast.nn.network import build
        >>> network = build([Dense(1)], (1,))
        >>> restore_weights(network, {"weights": np.array([2, 3], np.float32)}).views[0]["W"].item()
        2.0
    """
    vector = check_array(arrays, name, np.float32, (None,))
    check_stored_size(network, vector.size)
    weights = initial_weights(network, None)
    load_weights(weights, vector)
    return weights
