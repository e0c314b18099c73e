"""The loss of a model with several outputs: the sum of the losses of its outputs, as in Keras."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from gatecast._utils.typing import Float32Array
from gatecast.errors import ConfigError
from gatecast.nn import losses
from gatecast.nn.losses.base import Loss

__all__ = ["OutputLosses", "output_losses"]


@dataclass(frozen=True)
class OutputLosses(Loss):
    """Losses of outputs that lie side by side.

    The mean over all values is the weighted sum of the outputs' means: a value of an output of size S out of M counts
    ``weight M / S`` times.

    Args:
        losses: Loss of each output.
        sizes: Values of each output.
        weights: Weight of each output.
    """

    losses: tuple[Any, ...]
    sizes: tuple[int, ...]
    weights: tuple[float, ...]

    def elementwise(self, prediction: Float32Array, target: Float32Array) -> tuple[Float32Array, Float32Array]:
        """Return value and gradient, elementwise; features are the second to last axis."""
        cuts, total = np.cumsum(self.sizes)[:-1], sum(self.sizes)
        pairs = zip(np.split(prediction, cuts, axis=-2), np.split(target, cuts, axis=-2), strict=True)
        values, gradients = [], []
        for loss, size, weight, (p, y) in zip(self.losses, self.sizes, self.weights, pairs, strict=True):
            value, gradient = loss.elementwise(p, y)
            factor = np.float32(weight * total / size)
            values.append(factor * value)
            gradients.append(factor * gradient)
        return np.concatenate(values, axis=-2), np.concatenate(gradients, axis=-2)


def output_losses(loss: Any, loss_weights: Any, names: Sequence[str], sizes: Sequence[int]) -> OutputLosses:
    """Return the losses of several outputs.

    Args:
        loss: One for all outputs, a list, or a dict by the name of the output.
        loss_weights: A list or dict of numbers; None: 1 each.
        names: Names of the outputs.
        sizes: Values of each output.

    Raises:
        ConfigError: Another number of losses, unknown names, or a loss with several predictions per target.

    >>> output_losses(["mse", "mae"], None, ["a", "b"], [2, 1]).weights
    (1.0, 1.0)
    """
    chosen = [losses.get(item) for item in _listed(loss, names, "loss")]
    weights = [float(item) for item in _listed(1.0 if loss_weights is None else loss_weights, names, "loss_weights")]
    if any(item.width != 1 for item in chosen):
        fix = "Use a model with one output, or a model for each."
        raise ConfigError("Losses of several outputs take one prediction per target value", fix=fix, argument="loss")
    return OutputLosses(tuple(chosen), tuple(sizes), tuple(weights))


def _listed(value: Any, names: Sequence[str], argument: str) -> list[Any]:
    """Return a setting of each output."""
    if isinstance(value, Mapping):
        if set(value) != set(names):
            got, expected = ", ".join(map(str, value)), ", ".join(names)
            raise ConfigError(f"{argument} has the wrong names", got=got, expected=expected, argument=argument)
        return [value[name] for name in names]
    if isinstance(value, list | tuple):
        if len(value) != len(names):
            got, expected = str(len(value)), f"{len(names)}: {', '.join(names)}"
            raise ConfigError(f"{argument} has the wrong length", got=got, expected=expected, argument=argument)
        return list(value)
    return [value] * len(names)
