"""A network as a table for people: layers, shapes of their outputs, numbers of parameters."""

from __future__ import annotations

from math import prod

from gatecast.nn.layers import Shape
from gatecast.nn.network import Network, Weights

__all__ = ["summary"]


def summary(network: Network, weights: Weights) -> str:
    """The table.

    Args:
        network: Layers and shapes.
        weights: Their parameters.

    >>> from gatecast.nn.layers import Dense
    >>> from gatecast.nn.network import initial_weights, build
    >>> network = build([Dense(2)], (3,))
    >>> print(summary(network, initial_weights(network, 0)))
    layer       output shape      parameters
    input       (3)
    Dense       (2)                        8
    total                                  8
    """
    rows = [("layer", "output shape", "parameters"), ("input", _named(network.shapes[0]), "")]
    for layer, shape, views in zip(network.layers, network.shapes[1:], weights.views, strict=True):
        count = sum(prod(p.shape) for p in views.values())
        rows.append((type(layer).__name__, _named(shape), f"{count:,}"))
    rows.append(("total", "", f"{weights.vector.size:,}"))
    # The longest name of a layer has 18 letters; most tables need only 11.
    wide = max(12, *(len(row[0]) + 1 for row in rows))
    return "\n".join(f"{a:<{wide}}{b:<16}{c:>12}".rstrip() for a, b, c in rows)


def _named(shape: Shape) -> str:
    """A shape for people."""
    return "(" + ", ".join("any" if size is None else str(size) for size in shape) + ")"
