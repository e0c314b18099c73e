"""Targets of steps that layers mask: they count neither in the loss nor in metrics, as in Keras.

A mask begins at a `Masking` layer and goes through the layers behind it, up to an output with a time axis. The loss of
that output is the mean over its unmasked steps; other outputs of the model keep theirs.

Shapes: nb blocks of L lanes, T steps, M values of all outputs side by side.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import prod
from typing import Any

import numpy as np

from gatecast._utils.typing import Float32Array
from gatecast.kernels.packing import Array
from gatecast.nn.batching import Batch
from gatecast.nn.layers import Graph
from gatecast.nn.layers.base import CallContext
from gatecast.nn.network import Network, Weights

__all__ = ["mask_targets", "masks_steps"]


def masks_steps(network: Network) -> bool:
    """Return whether a layer of a network masks steps.

    >>> from gatecast.layers import LSTM, Masking
    >>> from gatecast.nn.network import build
    >>> masks_steps(build([Masking(), LSTM(2)], (3, 1))), masks_steps(build([LSTM(2)], (3, 1)))
    (True, False)
    """
    return any(layer.makes_masks for layer in _all_layers(network))


def _all_layers(network: Network) -> list[Any]:
    """Return the layers, those of a graph included."""
    return [inner for layer in network.layers for inner in (layer.layers if isinstance(layer, Graph) else (layer,))]


def mask_targets(network: Network, weights: Weights, batches: Iterable[Batch]) -> Iterable[Batch]:
    """Return batches whose targets count where the outputs of a network are not masked.

    Args:
        network: Layers and shapes.
        weights: The parameters as they are when a batch is read: masks may depend on them.
        batches: Batches whose loss is the mean over their targets.
    """
    if not masks_steps(network):
        return batches
    return (_masked(batch, output_masks(network, weights, batch), network) for batch in batches)


def output_masks(network: Network, weights: Weights, batch: Batch) -> list[Array | None]:
    """Return the mask of each output, (nb, T, L); None where nothing masks its steps, or it has none."""
    x, mask = batch.x, batch.mask
    context = CallContext(mask=mask, save_for_backward=False, n_sequences=batch.n_sequences)
    rest = list(zip(network.layers, weights.views, network.shapes[1:], strict=True))
    for k, (layer, params, shape) in enumerate(rest):
        if isinstance(layer, Graph):
            return layer.output_masks(params, x, context)
        after = layer.output_mask(x, context.mask) if layer.passes_masks and len(shape) > 1 else None
        if any(later.makes_masks for later, _, _ in rest[k + 1 :]):
            x, _, _ = layer.forward(params, x, context)
        context = context._replace(mask=after)
    return [context.mask]


def _masked(batch: Batch, masks: Sequence[Array | None], network: Network) -> Batch:
    """Return a batch with the weights of its targets, and what its metrics need."""
    if all(mask is None for mask in masks):
        return batch
    nb, _, _, L = batch.x.shape
    n = batch.n_sequences if batch.n_sequences is not None else nb * L
    used = (np.arange(nb * L) < n).reshape(nb, 1, L).astype(np.float32)
    if len(masks) == 1:
        (mask,) = masks
        if mask is None or mask.shape[1] != batch.y.shape[1]:
            return batch
        valid = (mask * used)[:, :, None]
        total = float(valid.sum(dtype=np.float64)) * batch.weight.shape[2]
        return batch._replace(
            weight=batch.weight * valid, total=total, valid=valid, plain_weight=batch.weight, loss_count=batch.total
        )
    shapes = _output_shapes(network)
    parts, factors = [], []
    for each, shape in zip(masks, shapes, strict=True):
        n_steps, width = shape[0], prod(shape[1:])
        steps = used if each is None else each * used
        values = np.repeat(np.broadcast_to(steps, (nb, n_steps, L)), width, axis=1)
        parts.append(values)
        # The sum of an output is divided by all of its targets: its mean is over those that are not masked.
        share = 1.0 if each is None else n * n_steps / max(float(steps.sum(dtype=np.float64)), 1.0)
        factors.append(np.float32(share) * values)
    valid, factor = (np.concatenate(each, axis=1)[:, None] for each in (parts, factors))
    weight: Float32Array = batch.weight * factor
    total = float(n * weight.shape[2])
    return batch._replace(weight=weight, total=total, valid=valid, plain_weight=batch.weight, loss_count=batch.total)


def _output_shapes(network: Network) -> list[tuple[int, ...]]:
    """Return the shapes of the outputs of a graph."""
    graph: Any = network.layers[0]
    return [tuple(size or 0 for size in shape) for shape in graph.output_shapes(network.shapes[0])]
