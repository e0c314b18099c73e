"""The loss of a model with several outputs: the sum of the losses of its outputs, as in Keras."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import Annotated, Any

import numpy as np

from gatecast._utils.schema import Range
from gatecast._utils.typing import BoolArray, Float32Array
from gatecast._utils.validation import check_non_negative
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
        shapes: Shape of a sample of each output.
        weights: Weight of each output.

    Raises:
        ConfigError: Another number of losses or weights than of outputs.
    """

    losses: tuple[Any, ...]
    shapes: tuple[tuple[Annotated[int, Range(1, 10**9)], ...], ...]
    weights: tuple[Annotated[float, Range(0)], ...]

    def __post_init__(self) -> None:
        super().__post_init__()
        if not len(self.losses) == len(self.shapes) == len(self.weights):
            raise ConfigError("There must be a loss and a weight for each output", got=f"{len(self.losses)} losses")
        if not all(isinstance(loss, Loss) and loss.width == 1 for loss in self.losses):
            fix = "Use a model with one output, or a model for each."
            raise ConfigError(
                "Losses of several outputs take one prediction per target value", fix=fix, argument="loss"
            )

    @property
    def size(self) -> int:
        """Values of all outputs together."""
        return sum(map(prod, self.shapes))

    def elementwise(self, prediction: Float32Array, target: Float32Array) -> tuple[Float32Array, Float32Array]:
        """Return value and gradient, elementwise; features are the second to last axis."""
        return self._of_parts(prediction, target, lambda loss, p, y: loss.elementwise(p, y))

    def of_lanes(
        self, prediction: Float32Array, target: Float32Array, used: BoolArray
    ) -> tuple[Float32Array, Float32Array]:
        """Return value and gradient of a packed batch, (nb, 1, M, L); see `Loss.of_lanes`."""
        parts = self._of_parts(prediction[:, 0], target[:, 0], lambda loss, p, y: loss.of_lanes(p, y, used))
        value, gradient = (part[:, None] for part in parts)
        return value, gradient

    def _of_parts(
        self, prediction: Float32Array, target: Float32Array, apply: Callable[..., Any]
    ) -> tuple[Float32Array, Float32Array]:
        """Return value and gradient of the outputs, each in its own shape: (..., T, F, L), or (..., 1, F, L)."""
        sizes = [prod(shape) for shape in self.shapes]
        cuts, total = np.cumsum(sizes)[:-1], sum(sizes)
        pairs = zip(np.split(prediction, cuts, axis=-2), np.split(target, cuts, axis=-2), strict=True)
        values, gradients = [], []
        for loss, shape, weight, (p, y) in zip(self.losses, self.shapes, self.weights, pairs, strict=True):
            inner = (*p.shape[:-2], prod(shape[:-1]), shape[-1], p.shape[-1])
            value, gradient = apply(loss.for_outputs(shape), p.reshape(inner), y.reshape(inner))
            factor = np.float32(weight * total / prod(shape))
            values.append(factor * value.reshape(p.shape))
            gradients.append(factor * gradient.reshape(p.shape))
        return np.concatenate(values, axis=-2), np.concatenate(gradients, axis=-2)


def output_losses(
    loss: Any, loss_weights: Any, names: Sequence[str], shapes: Sequence[tuple[int, ...]]
) -> OutputLosses:
    """Return the losses of several outputs.

    Args:
        loss: One for all outputs, a list, or a dict by the name of the output.
        loss_weights: A list or dict of numbers; None: 1 each.
        names: Names of the outputs.
        shapes: Shape of a sample of each output.

    Raises:
        ConfigError: Another number of losses, unknown names, or a loss with several predictions per target.

    >>> output_losses(["mse", "mae"], None, ["a", "b"], [(2,), (1,)]).weights
    (1.0, 1.0)
    """
    chosen = [losses.get(item) for item in _listed(loss, names, "loss")]
    factors = _listed(1.0 if loss_weights is None else loss_weights, names, "loss_weights")
    weights = [check_non_negative(item, "loss_weights", where="compile") for item in factors]
    return OutputLosses(tuple(chosen), tuple(map(tuple, shapes)), tuple(weights))


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
