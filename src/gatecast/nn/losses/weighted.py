"""A loss times a factor: what `compile(loss_weights=)` makes of the loss of the only output, as in Keras."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gatecast._utils.typing import BoolArray, Float32Array
from gatecast._utils.validation import check_finite
from gatecast.errors import ConfigError
from gatecast.nn.losses.base import Loss

__all__ = ["WeightedLoss", "single_weight"]


@dataclass(frozen=True)
class WeightedLoss(Loss):
    """``weight loss(prediction, target)``.

    Args:
        loss: The loss.
        weight: The factor.

    Raises:
        ConfigError: No loss, or a factor that is not finite.

    Example:
        >>> from gatecast.losses import MeanSquaredError
        >>> float(WeightedLoss(MeanSquaredError(), 0.5)([[3.0]], [[1.0]]))
        2.0
    """

    loss: Any
    weight: float

    def __post_init__(self) -> None:
        super().__post_init__()
        if not isinstance(self.loss, Loss):
            raise ConfigError("A weight needs a loss", got=repr(self.loss))
        object.__setattr__(self, "weight", check_finite(self.weight, "loss_weights", where="compile"))
        object.__setattr__(self, "name", self.loss.name)

    @property
    def width(self) -> int:  # type: ignore[override]
        """Number of predictions per target value."""
        return self.loss.width  # type: ignore[no-any-return]

    def elementwise(self, prediction: Float32Array, target: Float32Array) -> tuple[Float32Array, Float32Array]:
        """Return value and gradient in the shape of the prediction."""
        return self._scaled(self.loss.elementwise(prediction, target))

    def of_lanes(
        self, prediction: Float32Array, target: Float32Array, used: BoolArray
    ) -> tuple[Float32Array, Float32Array]:
        """Return value and gradient of a packed batch; see `Loss.of_lanes`."""
        return self._scaled(self.loss.of_lanes(prediction, target, used))

    def for_outputs(self, shape: Sequence[int | None]) -> Loss:
        """Return the loss for outputs of samples of a shape."""
        return WeightedLoss(self.loss.for_outputs(shape), self.weight)

    def _scaled(self, pair: tuple[Float32Array, Float32Array]) -> tuple[Float32Array, Float32Array]:
        """Return value and gradient times the weight."""
        value, gradient = pair
        factor = value.dtype.type(self.weight)
        return factor * value, factor * gradient


def single_weight(loss_weights: Any) -> float:
    """Return the factor of the loss of the only output.

    Args:
        loss_weights: A number, a list or dict with one, or None for 1.

    Raises:
        ConfigError: More than one number, or something else.

    >>> single_weight([0.5]), single_weight({"out": 2}), single_weight(None)
    (0.5, 2.0, 1.0)
    """
    value = loss_weights
    if isinstance(value, Mapping | list | tuple):
        items = list(value.values() if isinstance(value, Mapping) else value)
        if len(items) != 1:
            what = "loss_weights has the wrong length"
            fix = "The model has one output: loss_weights=[0.5]."
            raise ConfigError(what, got=f"{len(items)}", expected="1", fix=fix, argument="loss_weights")
        value = items[0]
    return 1.0 if value is None else check_finite(value, "loss_weights", where="compile")
