"""A network as a text table: layers, output shapes and numbers of parameters."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

from gatecast.errors import ConfigError
from gatecast.nn.layers import Shape
from gatecast.nn.network import Network, Weights

__all__ = ["summary"]


def summary(
    network: Network,
    weights: Weights,
    names: Sequence[str],
    *,
    show_trainable: bool = False,
    layer_range: Sequence[str] | None = None,
) -> str:
    """Return a network as a text table.

    Args:
        network: Layers and shapes.
        weights: The parameters.
        names: Name of each layer.
        show_trainable: Whether to say of each layer if training changes its parameters.
        layer_range: First and last layer to list, by name; None: all.

    Raises:
        ConfigError: A range of other layers.

    >>> from gatecast.nn.layers import Dense
    >>> from gatecast.nn.network import build, initial_weights
    >>> network = build([Dense(2)], (3,))
    >>> print(summary(network, initial_weights(network, 0), ["dense"]))
    layer         output shape      parameters
    input         (3)
    dense (Dense) (2)                        8
    total                                    8
    """
    first, last = _positions(names, layer_range)
    rows = [("layer", "output shape", "parameters", "trainable")]
    if first == 0:
        rows.append(("input", _format_shape(network.shapes[0]), "", ""))
    n_frozen = 0
    for k, (layer, views) in enumerate(zip(network.layers, weights.views, strict=True)):
        sizes = {name: prod(view.shape) for name, view in views.items()}
        n_frozen += sum(size for name, size in sizes.items() if name in layer.frozen_params)
        if first <= k <= last:
            trainable = "" if not sizes else "yes" if getattr(layer, "trainable", True) else "no"
            name, count = f"{names[k]} ({type(layer).__name__})", f"{sum(sizes.values()):,}"
            rows.append((name, _format_shape(network.shapes[k + 1]), count, trainable))
    n_all = weights.vector.size
    totals = [("total", n_all), ("trainable", n_all - n_frozen), ("not trainable", n_frozen)]
    rows += [(name, "", f"{n:,}", "") for name, n in (totals if n_frozen else totals[:1])]
    width = max(len(row[0]) for row in rows) + 1
    lines = [f"{name:<{width}}{shape:<16}{n:>12}" + f"  {text}" * show_trainable for name, shape, n, text in rows]
    return "\n".join(line.rstrip() for line in lines)


def _positions(names: Sequence[str], layer_range: Sequence[str] | None) -> tuple[int, int]:
    """Return the positions of the first and the last layer to list."""
    if layer_range is None:
        return 0, len(names)
    ends = list(layer_range)
    if len(ends) != 2 or not set(ends) <= set(names):
        expected = f"the names of two layers, of {', '.join(names)}"
        raise ConfigError("Invalid layer_range", got=repr(layer_range), expected=expected, argument="layer_range")
    return names.index(ends[0]), names.index(ends[1])


def _format_shape(shape: Shape) -> str:
    """Return a shape as text."""
    return "(" + ", ".join("any" if size is None else str(size) for size in shape) + ")"
