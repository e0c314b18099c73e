"""The loss of a batch and its gradients: in block order where the layers allow it, else layer by layer.

Shapes: as in `network`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from gatecast._utils.typing import Float32Array
from gatecast.kernels.losses import LossKernel
from gatecast.kernels.packing import LANES
from gatecast.kernels.training_stack import TrainingStack
from gatecast.nn.batching import Batch
from gatecast.nn.layers.base import add_to_stack
from gatecast.nn.losses import Loss, kernel_of, mean_count, weighted_mean
from gatecast.nn.network import (
    Network,
    TrainingPass,
    Weights,
    add_penalty_gradients,
    backward,
    forward,
    frozen_slices,
    layer_key,
    penalties,
    penalty,
    zeros_like,
)
from gatecast.nn.random import fold_in

__all__ = ["BatchGradient", "Differentiator", "is_trained_in_block_order", "training_stack"]


class BatchGradient(NamedTuple):
    """The loss of a batch, and its gradients other than those of the weights."""

    loss: float
    dx: Float32Array | None
    """Gradient of the inputs, (nb, T, F, L), if it was wanted."""
    dy: Float32Array | None
    """Gradient of the outputs, (nb, T or 1, M, L), if that of the inputs was wanted."""
    caches: Sequence[Any]
    """What the layers saved, for `update_buffers`; empty in block order, where no layer has buffers."""
    outputs: Float32Array | None = None
    """The outputs of the pass, (nb, T or 1, M, L), if they were wanted."""


class Differentiator:
    """Computes the loss of batches, and its gradients with respect to weights.

    Args:
        network: Layers and shapes.
        weights: The parameters, which may change between calls.
        grads: Receives the gradients; made by `zeros_like`.
        loss: Elementwise loss.
        single_blocks: Whether batches of a single block go through in block order too: a call of the kernels instead of
            several, on one thread. It pays where other trainings run on the other threads.

    >>> from gatecast.nn.layers import Dense
    >>> from gatecast.nn.losses import MeanSquaredError
    >>> from gatecast.nn.network import build, initial_weights, zeros_like
    >>> network = build([Dense(1)], (1,))
    >>> weights = initial_weights(network, seed=0)
    >>> weights.vector[:] = 0
    >>> grads, ones = zeros_like(weights), np.ones((2, 1, 1, 16), np.float32)
    >>> differentiate = Differentiator(network, weights, grads, MeanSquaredError())
    >>> differentiate(Batch(ones, 3 * ones, ones, None, total=32.0), TrainingPass(seed=0, step=1)).loss
    9.0
    >>> grads.vector.tolist()
    [-6.0, -6.0]
    """

    def __init__(
        self, network: Network, weights: Weights, grads: Weights, loss: Loss, *, single_blocks: bool = False
    ) -> None:
        self._network, self._weights, self._grads, self._loss = network, weights, grads, loss
        self._single_blocks = single_blocks
        kernel = kernel_of(loss)
        stack = None if kernel is None else training_stack(network, weights, grads)
        self._in_one_call = None if kernel is None or stack is None else (stack, kernel)
        self._penalties = penalties(network)
        self._frozen = frozen_slices(network, weights)

    def __call__(
        self, batch: Batch, training: TrainingPass, *, need_dx: bool = False, need_outputs: bool = False
    ) -> BatchGradient:
        """Compute the loss of a batch, and write the gradients of the weights.

        Args:
            batch: Packed samples.
            training: The update that this pass is for.
            need_dx: Whether the gradients of inputs and outputs are wanted.
            need_outputs: Whether the outputs are wanted. In block order they are not stored; those of a squared error
                follow from its gradient, and any other loss goes layer by layer.
        """
        if self._in_one_call is not None and TrainingStack.takes(batch.x, single_blocks=self._single_blocks):
            stack, kernel = self._in_one_call
            if not need_outputs:
                return self._with_penalties(self._in_block_order(stack, kernel, batch, training, need_dx, need_dx))
            if kernel.name == "squared" and _all_count(batch):
                result = self._in_block_order(stack, kernel, batch, training, need_dx, True)
                return self._with_penalties(result._replace(outputs=_outputs_of_squared_error(result, batch)))
        return self._with_penalties(self._layer_by_layer(batch, training, need_dx))

    def _with_penalties(self, result: BatchGradient) -> BatchGradient:
        """Add the regularizers to loss and gradients, and clear the gradients of what is not trained."""
        if self._penalties:
            add_penalty_gradients(self._weights, self._grads, self._penalties)
            result = result._replace(loss=result.loss + penalty(self._weights, self._penalties))
        for where in self._frozen:
            self._grads.vector[where] = 0
        return result

    def _in_block_order(
        self,
        stack: TrainingStack,
        kernel: LossKernel,
        batch: Batch,
        training: TrainingPass,
        need_dx: bool,
        need_dy: bool,
    ) -> BatchGradient:
        """Compute it in one call of the kernels."""
        network = self._network
        nb, T = batch.x.shape[:2]
        steps, M = (T if len(network.shapes[-1]) == 2 else 1), int(network.shapes[-1][-1] or 0)
        dx = np.empty_like(batch.x) if need_dx else None
        dy = np.empty((nb, steps, M, LANES), np.float32) if need_dy else None
        count = mean_count(batch.total, M, batch.weight)
        layer_keys = [layer_key(training, k) for k in range(len(network.layers))]
        keys = [layer_keys[k] if use is None else fold_in(layer_keys[k], use) for k, use in stack.key_uses]
        value = stack.step(batch.x, batch.mask, kernel, batch.y, batch.weight, scale=1 / count, keys=keys, dx=dx, dy=dy)
        return BatchGradient(value / count, dx, dy, ())

    def _layer_by_layer(self, batch: Batch, training: TrainingPass, need_dx: bool) -> BatchGradient:
        """Compute it by the layers' own passes."""
        network, weights = self._network, self._weights
        y, caches = forward(network, weights, batch.x, batch.mask, training=training, n_sequences=batch.n_sequences)
        value, dy = weighted_mean(self._loss, y, batch.y, batch.weight, batch.total)
        dx = backward(network, weights, caches, dy, self._grads, need_dx=need_dx)
        return BatchGradient(value, dx, dy, caches, y)


def is_trained_in_block_order(network: Network, weights: Weights, loss: Loss) -> bool:
    """Return whether batches of more than one block are trained so.

    >>> from gatecast.nn.layers import Dense
    >>> from gatecast.nn.losses import MeanSquaredError
    >>> from gatecast.nn.network import build, initial_weights
    >>> network = build([Dense(1)], (1,))
    >>> is_trained_in_block_order(network, initial_weights(network, seed=0), MeanSquaredError())
    True
    """
    return kernel_of(loss) is not None and training_stack(network, weights, zeros_like(weights)) is not None


def training_stack(network: Network, weights: Weights, grads: Weights) -> TrainingStack | None:
    """Return a network as a stack that is trained in block order, or None if a layer has a pass of its own.

    Args:
        network: Layers and shapes.
        weights: The parameters; the stack reads them at every step.
        grads: Receives the gradients.

    >>> from gatecast.nn.layers import LSTM, Bidirectional, Dense
    >>> from gatecast.nn.network import build, initial_weights, zeros_like
    >>> def is_stack(layers):
    ...     network = build(layers, (24, 1))
    ...     weights = initial_weights(network, seed=0)
    ...     return training_stack(network, weights, zeros_like(weights)) is not None
    >>> is_stack([LSTM(8), Dense(1)]), is_stack([Bidirectional(LSTM(8)), Dense(1)])
    (True, False)
    """
    if any(len(shape) > 2 for shape in network.shapes):
        return None
    shape = network.shapes[0]
    stack = TrainingStack(int(shape[-1] or 0), has_time=len(shape) == 2)
    for layer, params, gradients in zip(network.layers, weights.views, grads.views, strict=True):
        if not stack.begin_layer() or not add_to_stack(layer, stack, params, gradients):
            return None
    return stack


def _all_count(batch: Batch) -> bool:
    """Return whether every target of a batch has a weight above 0."""
    n_sequences = batch.n_sequences if batch.n_sequences is not None else batch.x.shape[0] * LANES
    n_targets: int = n_sequences * batch.weight.shape[1] * batch.weight.shape[2]
    return int(np.count_nonzero(batch.weight)) == n_targets


def _outputs_of_squared_error(result: BatchGradient, batch: Batch) -> Float32Array:
    """Return the outputs p of a pass from the gradient of its loss, ``2 w (p - y) / count``; y in padding lanes."""
    dy = result.dy
    if dy is None:
        raise ValueError("the gradient of the outputs is needed")
    count = mean_count(batch.total, dy.shape[2], batch.weight)
    factor = np.divide(0.5 * count, batch.weight, out=np.zeros_like(batch.weight), where=batch.weight != 0)
    outputs: Float32Array = batch.y + dy * factor
    return outputs
