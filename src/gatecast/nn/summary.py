"""A network as a text table: layers, output shapes and numbers of parameters."""

from __future__ import annotations

from math import prod

from gatecast.nn.layers import Shape
from gatecast.nn.network import Network, Weights

__all__ = ["summary"]


def summary(network: Network, weights: Weights) -> str:
    """Return a network as a text table.

    Args:
        network: Layers and shapes.
        weights: The parameters.

    >>> from gatecast.nn.layers import Dense
    >>> from gatecast.nn.network import build, initial_weights
    >>> network = build([Dense(2)], (3,))
    >>> print(summary(network, initial_weights(network, 0)))
    layer       output shape      parameters
    input       (3)
    Dense       (2)                        8
    total                                  8
    """
    rows = [("layer", "output shape", "parameters"), ("input", _format_shape(network.shapes[0]), "")]
    for layer, shape, views in zip(network.layers, network.shapes[1:], weights.views, strict=True):
        n_params = sum(prod(view.shape) for view in views.values())
        rows.append((type(layer).__name__, _format_shape(shape), f"{n_params:,}"))
    rows.append(("total", "", f"{weights.vector.size:,}"))
    # The longest name of a layer has 18 characters; most tables need only 11.
    width = max(12, *(len(row[0]) + 1 for row in rows))
    return "\n".join(f"{name:<{width}}{shape:<16}{n:>12}".rstrip() for name, shape, n in rows)


def _format_shape(shape: Shape) -> str:
    """Return a shape as text."""
    return "(" + ", ".join("any" if size is None else str(size) for size in shape) + ")"
