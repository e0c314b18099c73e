"""The loss of a model with several outputs: the sum of the losses of its outputs, as in Keras."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from math import prod
from typing import Annotated, Any

import numpy as np
import numpy.typing as npt

from gatecast._utils.schema import Range
from gatecast._utils.typing import BoolArray, Float32Array
from gatecast._utils.validation import check_finite
from gatecast.errors import ConfigError
from gatecast.nn import losses
from gatecast.nn.functional.by_output import each_output
from gatecast.nn.losses.base import Loss

__all__ = ["OutputLosses", "output_losses"]


@dataclass(frozen=True)
class OutputLosses(Loss):
    """Losses of outputs that lie side by side.

    The mean over all values is the weighted sum of the outputs' means: a value of an output of size S out of M counts
    ``weight M / S`` times.

    Args:
        losses: Loss of each output; None: it is not trained.
        shapes: Shape of a sample of each output.
        weights: Weight of each output.

    Raises:
        ConfigError: Another number of losses or weights than of outputs.
    """

    losses: tuple[Any, ...]
    shapes: tuple[tuple[Annotated[int, Range(1, 10**9)], ...], ...]
    weights: tuple[float, ...]

    def __post_init__(self) -> None:
        super().__post_init__()
        if not len(self.losses) == len(self.shapes) == len(self.weights):
            raise ConfigError("There must be a loss and a weight for each output", got=f"{len(self.losses)} losses")
        if not any(self.losses):
            fix = 'For example, loss="mse" for all outputs.'
            raise ConfigError("No output has a loss", fix=fix, argument="loss")
        if not all(loss is None or (isinstance(loss, Loss) and loss.width == 1) for loss in self.losses):
            fix = "Use a model with one output, or a model for each."
            raise ConfigError(
                "Losses of several outputs take one prediction per target value", fix=fix, argument="loss"
            )

    def take_shapes(self, shapes: Sequence[tuple[int, ...]]) -> None:
        """Take the shapes of outputs whose numbers of steps were open when the model was compiled."""
        object.__setattr__(self, "shapes", tuple(map(tuple, shapes)))

    @property
    def size(self) -> int:
        """Values of all outputs together."""
        return sum(map(prod, self.shapes))

    def sums(self, prediction: Float32Array, target: Float32Array, weight: Float32Array) -> npt.NDArray[np.float64]:
        """Return the sum over the samples of each output's loss, without its factor; 0 of one without loss.

        Args:
            prediction: (nb, 1, M, L).
            target: The same.
            weight: (nb, 1, 1 or M, L), 0 in padding lanes.
        """
        lanes = np.asarray(weight.any(axis=(1, 2)))
        weight = np.broadcast_to(weight[:, 0], prediction[:, 0].shape)
        parts = self._parts(prediction[:, 0], target[:, 0], lambda loss, p, y: loss.of_lanes(p, y, lanes))
        sums = []
        for (value, _), w, shape in zip(parts, self._split(weight), self.shapes, strict=True):
            # Padding may be outside of the domain of a loss.
            total = np.where(w != 0, value * w, 0.0).sum(dtype=np.float64)
            sums.append(total / prod(shape))
        return np.array(sums)

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
        values, gradients = [], []
        parts = self._parts(prediction, target, apply)
        for (value, gradient), shape, weight in zip(parts, self.shapes, self.weights, strict=True):
            factor = np.float32(weight * self.size / prod(shape))
            values.append(factor * value)
            gradients.append(factor * gradient)
        return np.concatenate(values, axis=-2), np.concatenate(gradients, axis=-2)

    def _parts(
        self, prediction: Float32Array, target: Float32Array, apply: Callable[..., Any]
    ) -> Iterator[tuple[Float32Array, Float32Array]]:
        """Yield value and gradient of each output, in the order of its values."""
        pairs = zip(self._split(prediction), self._split(target), strict=True)
        for loss, shape, (p, y) in zip(self.losses, self.shapes, pairs, strict=True):
            if loss is None:
                yield np.zeros_like(p), np.zeros_like(p)
                continue
            inner = (*p.shape[:-2], prod(shape[:-1]), shape[-1], p.shape[-1])
            value, gradient = apply(loss.for_outputs(shape), p.reshape(inner), y.reshape(inner))
            yield value.reshape(p.shape), gradient.reshape(p.shape)

    def _split(self, values: Float32Array) -> list[Float32Array]:
        """Return the values of each output; features are the second to last axis."""
        return np.split(values, np.cumsum([prod(shape) for shape in self.shapes])[:-1], axis=-2)


def output_losses(
    loss: Any, loss_weights: Any, names: Sequence[str], shapes: Sequence[tuple[int, ...]]
) -> OutputLosses:
    """Return the losses of several outputs.

    Args:
        loss: One for all outputs, a list, or a dict by the name of the output; None in them: no loss of that output.
        loss_weights: A list or dict of numbers; None: 1 each.
        names: Names of the outputs.
        shapes: Shape of a sample of each output.

    Raises:
        ConfigError: Another number of losses, unknown names, or a loss with several predictions per target.

    >>> output_losses(["mse", "mae"], None, ["a", "b"], [(2,), (1,)]).weights
    (1.0, 1.0)
    """
    chosen = [None if item is None else losses.get(item) for item in each_output(loss, names, "loss")]
    factors = each_output(1.0 if loss_weights is None else loss_weights, names, "loss_weights")
    weights = [1.0 if item is None else check_finite(item, "loss_weights", where="compile") for item in factors]
    return OutputLosses(tuple(chosen), tuple(map(tuple, shapes)), tuple(weights))
