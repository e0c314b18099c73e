"""Training steps in block order: the loss of a stack of layers and all gradients, in one call of the kernels.

A few blocks of sequences go forward through all layers and the loss, and backward again, before the next ones start:
what the backward pass reads is still in the cache, and threads wait for each other once a step. The numbers are those
of the layers' own passes, up to rounding; the same call gives the same bits for any number of threads.

Shapes: as in `native`.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from gatecast.kernels import _native
from gatecast.kernels.losses import LossKernel
from gatecast.kernels.native import (
    activation_number,
    activation_numbers,
    cell_arguments,
    gru_bias,
    gru_bias_gradient,
    has_two_biases,
)
from gatecast.kernels.packing import LANES, Array, Params
from gatecast.kernels.runtime import get_num_threads

__all__ = ["TrainingStack", "samples_at_a_time"]

MIN_UNIT_STEPS = 8
"""Steps of the blocks that go through the layers together: one block, or several short ones."""

MIN_BLOCKS = 2
"""A single block has nothing to hand to a second thread; layer by layer, its products are split."""


def samples_at_a_time(n_steps: int) -> int:
    """Return how many samples are in memory at a time, on all threads together.

    Args:
        n_steps: Steps of each sample.

    >>> samples_at_a_time(24) == 16 * get_num_threads()
    True
    """
    return LANES * get_num_threads() * max(1, -(-MIN_UNIT_STEPS // n_steps))


class TrainingStack:
    """Layers that are trained together, with the arrays of their parameters and gradients.

    Args:
        n_features: Features of the inputs.
        has_time: Whether the inputs have a time axis.

    Example:
        >>> W, b = np.full((1, 1), 2, np.float32), np.zeros(1, np.float32)
        >>> gradients = {"W": np.empty_like(W), "b": np.empty_like(b)}
        >>> stack = TrainingStack(1, has_time=False)
        >>> stack.add_dense({"W": W, "b": b}, gradients, "linear")
        >>> ones = np.ones((2, 1, 1, LANES), np.float32)
        >>> stack.step(ones, None, LossKernel("squared"), ones, ones, scale=1.0, keys=[0])
        32.0
        >>> gradients["W"].item()
        64.0
    """

    def __init__(self, n_features: int, *, has_time: bool) -> None:
        self._stack = _native.TrainingStack(n_features, has_time)
        self._gru_biases: list[_GRUBias] = []
        self._layer = -1
        self.key_uses: list[tuple[int, int | None]] = []
        """For every key of a step: the layer whose key it comes from, and which of its uses; None: the key itself."""

    def begin_layer(self) -> bool:
        """Begin the next layer of the network, to which belongs what is added from now on.

        Returns:
            Whether there is room for it among the layers that the kernels train in one call; a recurrent layer with
            dropout of its inputs is two of them.
        """
        self._layer += 1
        return len(self.key_uses) + 2 <= _native.MAX_STACK_LAYERS

    def add_recurrent(
        self,
        cell: str,
        params: Params,
        grads: Params,
        *,
        return_sequences: bool,
        residual: bool = False,
        recurrent_dropout: float = 0.0,
        use: int | None = None,
        dilation: int = 1,
        activations: tuple[str, str] | None = None,
    ) -> None:
        """Add a recurrent layer.

        Args:
            cell: Name of a cell in `cells.CELLS`.
            params: Parameters by name, as `native.forward` takes them.
            grads: Receive their gradients.
            return_sequences: Whether the next layer sees the outputs of all steps.
            residual: Whether the input is added to the output.
            recurrent_dropout: Rate of zeros in h as the recurrent products see it, the same at all steps.
            use: Which use of the layer's key that is.
            dilation: Steps back to the one that a step continues; above 1 with `return_sequences` and without dropout.
            activations: As for `native.forward`.

        Raises:
            ValueError: If a shape does not fit.
        """
        number, heads = cell_arguments(cell, params)
        params, grads = dict(params), dict(grads)
        if has_two_biases(cell):
            bias = _GRUBias(params["b"], grads["b"])
            self._gru_biases.append(bias)
            params["b"], grads["b"] = bias.kernel, bias.kernel_gradient
        gradients = [grads.get(name) for name in ("Wx", "Wh", "b", "P", "gain", "Wr")]
        self._stack.add_recurrent(
            number,
            heads,
            activation_numbers(activations),
            params["Wx"],
            params.get("Wh"),
            params["b"],
            params.get("P"),
            params.get("gain"),
            params.get("Wr"),
            gradients,
            return_sequences,
            residual,
            recurrent_dropout,
            dilation,
        )
        self.key_uses.append((self._layer, use))

    def add_dense(self, params: Params, grads: Params, activation: str, *, residual: bool = False) -> None:
        """Add a dense layer.

        Args:
            params: W [K, M] and b [M].
            grads: Receive their gradients.
            activation: Name in `activations.ACTIVATIONS`, with a slope that is a function of the value.
            residual: Whether the input is added to the output.

        Raises:
            ValueError: If a shape does not fit.
        """
        self._stack.add_dense(params["W"], params["b"], grads["W"], grads["b"], activation_number(activation), residual)
        self.key_uses.append((self._layer, None))

    def add_dropout(self, rate: float, *, all_steps: bool = False, use: int | None = None) -> None:
        """Add dropout.

        Args:
            rate: Probability of a zero.
            all_steps: Whether the same features are dropped at every step of a sequence.
            use: Which use of the layer's key this is.

        Raises:
            ValueError: If the rate is outside [0, 1).
        """
        self._stack.add_dropout(rate, all_steps)
        self.key_uses.append((self._layer, use))

    def add_quantiles(self, n_quantiles: int) -> None:
        """Add a quantile head."""
        self._stack.add_quantiles(n_quantiles)
        self.key_uses.append((self._layer, None))

    @staticmethod
    def takes(x: Array, *, single_blocks: bool = False) -> bool:
        """Return whether a batch is large enough for block order, which depends on its shape alone.

        Args:
            x: Inputs, [nb, T, F, L].
            single_blocks: Whether one block is enough.
        """
        return x.shape[3] == LANES and len(x) >= (1 if single_blocks else MIN_BLOCKS)

    def step(
        self,
        x: Array,
        mask: Array | None,
        loss: LossKernel,
        target: Array,
        weight: Array,
        *,
        scale: float,
        keys: Sequence[int],
        dx: Array | None = None,
        dy: Array | None = None,
    ) -> float:
        """Compute the loss of a batch, and write the gradients.

        Args:
            x: Inputs, [nb, T, F, 16].
            mask: Steps to use, [nb, T, 16] of 0 and 1; None uses all.
            loss: The loss.
            target: Targets, [nb, T or 1, K, 16].
            weight: Weights, [nb, T or 1, K or 1, 16].
            scale: Factor of the gradients.
            keys: 64 random bits for each of `key_uses`.
            dx: Receives the gradient of x; None: not wanted.
            dy: Receives the gradient of the outputs; None: not wanted.

        Returns:
            The weighted sum of the losses, added up in float64.

        Raises:
            ValueError: If a shape does not fit.
        """
        for bias in self._gru_biases:
            bias.kernel[:] = gru_bias(bias.param)
        value = self._stack.step(
            x, mask, loss.number, loss.parameters, target, weight, scale, [key & (2**64 - 1) for key in keys], dx, dy
        )
        for bias in self._gru_biases:
            bias.gradient[...] = gru_bias_gradient(bias.kernel_gradient, bias.param.shape[1] // 3)
        return float(value)


class _GRUBias:
    """Bias of a GRU, [2, 3 H], and what the kernels have in its place, [4 H]."""

    def __init__(self, param: Array, gradient: Array) -> None:
        self.param, self.gradient = param, gradient
        self.kernel, self.kernel_gradient = np.empty((2, 4 * param.shape[1] // 3), np.float32)
