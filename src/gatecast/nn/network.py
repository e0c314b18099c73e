"""A network as data: layers, the shapes between them, and all parameters in one vector.

Letters: B batch, T time, F features, M outputs, nb blocks of L lanes, n parameters in all; `d` before a name
is the gradient of the loss with respect to it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from gatecast.kernels.packing import Array, Params, flat_views
from gatecast.nn.layers.base import CallContext, Layer, Shape
from gatecast.nn.random import generator, hash64

__all__ = [
    "Network",
    "Weights",
    "backward",
    "build",
    "forward",
    "initial_weights",
    "split_network",
    "update_buffers",
    "zeros_like",
]


class Network(NamedTuple):
    """Layers one after the other."""

    layers: tuple[Layer, ...]
    shapes: tuple[Shape, ...]
    """The shape of the input, then of every layer's output; one more than there are layers."""


class Weights(NamedTuple):
    """Parameters, or gradients, of a network: one vector, and views into it by layer and name."""

    vector: Array
    views: tuple[Params, ...]


def build(layers: Sequence[Layer], in_shape: Shape) -> Network:
    """Work out the shapes between layers.

    Args:
        layers: At least one.
        in_shape: (T, F) or (F,); T may be None.

    Raises:
        ConfigError: A layer that cannot take what the one before it gives.

    >>> from gatecast.nn.layers import LSTM, Dense
    >>> build([LSTM(50), Dense(1)], (24, 1)).shapes
    ((24, 1), (50,), (1,))
    """
    shapes = [in_shape]
    for layer in layers:
        shapes.append(layer.output_shape(shapes[-1]))
    return Network(tuple(layers), tuple(shapes))


def initial_weights(network: Network, seed: int) -> Weights:
    """Fresh parameters; those of a layer depend on the seed, its place and its shapes alone.

    >>> from gatecast.nn.layers import Dense
    >>> weights = initial_weights(build([Dense(2)], (3,)), seed=0)
    >>> weights.vector.size, weights.views[0]["W"].shape
    (8, (3, 2))
    """
    pairs = enumerate(zip(network.layers, network.shapes, strict=False))
    fresh = [layer.init(generator(seed, 0, k), in_shape) for k, (layer, in_shape) in pairs]
    weights = Weights(*flat_views({name: p.shape for name, p in params.items()} for params in fresh))
    for views, params in zip(weights.views, fresh, strict=True):
        for name, value in params.items():
            views[name][...] = value
    return weights


def zeros_like(weights: Weights) -> Weights:
    """Zeros of the same layout: room for gradients.

    >>> from gatecast.nn.layers import Dense
    >>> float(zeros_like(initial_weights(build([Dense(2)], (3,)), seed=0)).vector.sum())
    0.0
    """
    return Weights(*flat_views({name: p.shape for name, p in views.items()} for views in weights.views))


def split_network(
    network: Network, weights: Weights, n_last: int
) -> tuple[tuple[Network, Weights], tuple[Network, Weights]]:
    """Return the first layers and the last `n_last` layers as networks of their own, which share the parameters.

    >>> from gatecast.nn.layers import Dense
    >>> network = build([Dense(4), Dense(2)], (None, 3))
    >>> body, head = split_network(network, initial_weights(network, 0), 1)
    >>> body[0].shapes[-1], head[0].shapes
    ((None, 4), ((None, 4), (None, 2)))
    """
    cut = len(network.layers) - n_last
    body = Network(network.layers[:cut], network.shapes[: cut + 1])
    head = Network(network.layers[cut:], network.shapes[cut:])
    return (body, Weights(weights.vector, weights.views[:cut])), (head, Weights(weights.vector, weights.views[cut:]))


def forward(
    network: Network,
    weights: Weights,
    x: Array,
    mask: Array | None = None,
    *,
    training: bool = False,
    seed: int = 0,
    step: int = 0,
    save_for_backward: bool = True,
    n_sequences: int | None = None,
) -> tuple[Array, list[Any]]:
    """Outputs of a network, and the caches that `backward` needs.

    Args:
        network: Layers and shapes.
        weights: Their parameters.
        x: (nb, T, F, L), packed, finite.
        mask: (nb, T, L) of 0 and 1, or None: every step counts.
        training: Whether dropout is on.
        seed: With `step`, what the random numbers of this pass depend on.
        step: The update that this pass is for.
        save_for_backward: Whether a backward pass will follow; without it the caches are empty.
        n_sequences: Number of sequences; the lanes beyond are padding. None: every lane is a sequence.

    Returns:
        y (nb, T or 1, M, L), and one cache a layer.

    >>> import numpy as np
    >>> from gatecast.nn.layers import Dense
    >>> network = build([Dense(2)], (3,))
    >>> forward(network, initial_weights(network, 0), np.zeros((1, 1, 3, 16), np.float32))[0].shape
    (1, 1, 2, 16)
    """
    caches: list[Any] = []
    for k, layer in enumerate(network.layers):
        # Behind a layer that drops the time axis there are no steps left to skip.
        mask = mask if len(network.shapes[k]) == 2 else None
        context = CallContext(training, hash64(seed, step, k) if training else 0, mask, save_for_backward, n_sequences)
        x, _, cache = layer.forward(weights.views[k], x, context)
        caches.append(cache)
    return x, caches


def backward(
    network: Network,
    weights: Weights,
    caches: Sequence[Any],
    dy: Array,
    grads: Weights,
    *,
    need_dx: bool = False,
) -> Array | None:
    """Gradients of a network, written into `grads`.

    Args:
        network: Layers and shapes.
        weights: Their parameters, as given to `forward`.
        caches: As returned by `forward`.
        dy: (nb, T or 1, M, L) gradient of the outputs.
        grads: Room for the gradients, as made by `like`.
        need_dx: Whether the gradient of the input is wanted.

    Returns:
        dx (nb, T, F, L), or None.

    >>> import numpy as np
    >>> from gatecast.nn.layers import Dense
    >>> network = build([Dense(2)], (3,))
    >>> weights = initial_weights(network, 0)
    >>> y, caches = forward(network, weights, np.ones((1, 1, 3, 16), np.float32))
    >>> grads = zeros_like(weights)
    >>> backward(network, weights, caches, np.ones_like(y), grads)
    >>> grads.views[0]["b"].tolist()
    [16.0, 16.0]
    """
    dx: Array | None = dy
    for k in reversed(range(len(network.layers))):
        dx, _, own = network.layers[k].backward(weights.views[k], caches[k], dx, need_dx or k > 0)
        views = grads.views[k]
        for name, value in own.items():
            views[name][...] = value
    return dx if need_dx else None


def update_buffers(network: Network, weights: Weights, caches: Sequence[Any]) -> None:
    """Set what gradients do not train, such as moving means, after the update that followed a pass.

    Args:
        network: Layers and shapes.
        weights: Their parameters, changed in place.
        caches: As returned by `forward` in training.

    >>> import numpy as np
    >>> from gatecast.nn.layers import BatchNormalization
    >>> network = build([BatchNormalization(momentum=0.5)], (1,))
    >>> weights = initial_weights(network, 0)
    >>> y, caches = forward(network, weights, np.ones((1, 1, 1, 16), np.float32), training=True)
    >>> update_buffers(network, weights, caches)
    >>> float(weights.views[0]["moving_mean"][0])
    0.5
    """
    for layer, views, cache in zip(network.layers, weights.views, caches, strict=True):
        for name, value in layer.update_buffers(views, cache).items():
            views[name][...] = value
