"""Where a model gets its batches from: the arguments of `fit` and `evaluate` as valid batches for its layers.

Shapes: N samples, T time, F features.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any, Literal, NamedTuple

import numpy as np

from gatecast._utils.validation import check_optional_positive_int
from gatecast.errors import ConfigError, DataError
from gatecast.nn.batching import default_batch_size, inference_batch_size
from gatecast.nn.gradients import is_trained_in_block_order
from gatecast.nn.inputs import (
    TrainingData,
    validate_array,
    validate_training_data,
    validate_validation_data,
    weighted,
)
from gatecast.nn.layers import Layer, Shape
from gatecast.nn.losses import Loss
from gatecast.nn.memory_limits import check_memory
from gatecast.nn.model_layers import inferred_input_shape
from gatecast.nn.network import Network, Weights
from gatecast.nn.sources import ArraySource, BatchSource, class_weights, is_batches

__all__ = ["HeldOut", "ModelData", "Order", "Source", "exclude_with_batches"]

Source = ArraySource | BatchSource
"""Where batches come from."""


class Order(NamedTuple):
    """How an epoch goes through its samples."""

    batch_size: int | None
    shuffle: bool | Literal["batch"]
    steps: int | None


class HeldOut(NamedTuple):
    """What `fit` validates on, as it was passed."""

    split: float
    data: Any
    steps: int | None
    batch_size: int | None
    fit_batch_size: int | None


class ModelData:
    """Makes valid batches for a model, which has `layers`, `seed`, `_in_shape` and `_built`."""

    layers: Any
    seed: int
    _in_shape: Shape | None

    def _built(self) -> tuple[Network, Weights]:
        """Return network and weights; build the model if needed."""
        raise NotImplementedError

    def _network_layers(self) -> Sequence[Layer]:
        """Return the layers of the network, in order."""
        raise NotImplementedError

    def _take_shape(self, x: Any) -> None:
        """Take the input shape from x if it is unknown."""
        if self._in_shape is None:
            # Before it is set: a failed call changes nothing.
            self._in_shape = inferred_input_shape(self._network_layers(), validate_array(self._join_x(x), "x"))

    def _take_steps(self, x: Any, *, to_change: bool = True) -> None:
        """Take open numbers of steps from x, or check them; the network of a `Sequential` takes any."""

    def _join_x(self, x: Any) -> Any:
        """Return inputs as the network takes them; models with several inputs join them."""
        return _only_array(x, self._in_shape)

    def _join_y(self, y: Any) -> Any:
        """Return targets as the loss takes them; models with several outputs join them."""
        return y[0] if isinstance(y, list) and len(y) == 1 and np.ndim(y[0]) > 1 else y

    def _join_weight(self, weight: Any, name: str = "sample_weight") -> Any:  # noqa: ARG002
        """Return weights of samples as the loss takes them; models with several outputs join them."""
        return weight

    def _valid(self, x: Any, y: Any, weight: Any, loss: Loss, mask: Any = None) -> TrainingData:
        """Return valid samples."""
        self._take_steps(x)
        network, _ = self._built()
        if y is None:
            raise DataError("y is missing", fix="Pass the targets: fit(x, y), or batches (x, y).")
        shapes = network.shapes[0], network.shapes[-1]
        joined = self._join_x(x), self._join_y(y), self._join_weight(weight)
        return validate_training_data(*joined, shapes, loss, mask=mask)

    def _array_sources(
        self, data: tuple[Any, ...], held_out: HeldOut, order: Order, loss: Loss
    ) -> tuple[Source, Source | None]:
        """Return batches for training and validation from arrays (x, y, sample_weight, mask) and weights of classes."""
        x, y, weight, mask, class_weight = data
        by_class = None if class_weight is None else class_weights(class_weight, y)
        self._take_shape(x)
        samples = self._valid(x, y, weight, loss, mask)
        if _comes_in_batches(held_out.data):
            if held_out.split:
                raise ConfigError("validation_split and validation_data exclude each other", fix="Pass one of them.")
            validation = self._validation_source(held_out, loss)
        else:
            shapes = self._shapes()
            samples, part = validate_validation_data(samples, held_out.split, self._joined(held_out.data), shapes, loss)
            validation = None if part is None else self._held_out_source(part, held_out)
        if by_class is not None:
            samples = weighted(samples, by_class[: len(samples.x)])
        size = order.batch_size or default_batch_size(len(samples.x), order.steps)
        self._check_memory(samples, size, loss)
        source = ArraySource(samples, size, seed=self.seed, shuffle=order.shuffle, steps=order.steps)
        return source, validation

    def _validation_source(self, held_out: HeldOut, loss: Loss) -> Source | None:
        """Return batches for validation that are independent of those for training."""
        if _comes_in_batches(held_out.data):
            exclude_with_batches(held_out.batch_size, size_name="validation_batch_size", data="validation_data")
            return self._batch_source(held_out.data, loss, held_out.steps, shuffle=False, name="validation_data")
        nothing = TrainingData(*np.zeros((2, 1, 1, 1), np.float32))
        _, part = validate_validation_data(nothing, 0.0, self._joined(held_out.data), self._shapes(), loss)
        return None if part is None else self._held_out_source(part, held_out)

    def _held_out_source(self, samples: TrainingData, held_out: HeldOut) -> ArraySource:
        """Return batches to validate on, of the batch size of `fit` where the size makes a difference."""
        size = held_out.batch_size
        if size is None and self._depends_on_batches(held_out.steps):
            size = held_out.fit_batch_size
        return self._evaluation_source(samples, size, held_out.steps)

    def _depends_on_batches(self, steps: int | None) -> bool:
        """Whether outputs or scores depend on the batch size: some batches are left out, or states go on."""
        return steps is not None or any(getattr(layer, "stateful", False) for layer in self._network_layers())

    def _default_batch_size(self, n_samples: int, steps: int | None) -> int:
        """Return the size of batches where none is given: that of the states that go on, or that of Keras."""
        layers: Sequence[Any] = self._network_layers()
        size_before = next(
            (n for layer in layers if getattr(layer, "stateful", False) and (n := layer.n_carried)), None
        )
        if size_before is not None and n_samples % size_before == 0 and steps is None:
            return int(size_before)
        size = default_batch_size(n_samples, steps)
        return size if steps is not None or n_samples % size == 0 else n_samples

    def _joined(self, data: Any) -> Any:
        """Return validation data (x, y, ...) with their inputs and targets joined; anything else as it is."""
        if not isinstance(data, tuple | list) or len(data) < 2:
            return data
        x, y, *rest = data
        weights = [self._join_weight(weight, "validation sample_weight") for weight in rest[:1]]
        return (self._join_x(x), self._join_y(y), *weights, *rest[1:])

    def _batch_source(
        self,
        x: Any,
        loss: Loss,
        steps: int | None,
        *,
        shuffle: bool,
        class_weight: Any = None,
        name: str = "x",
    ) -> BatchSource:
        """Return batches that come ready-made."""
        source = BatchSource(x, steps=steps, seed=self.seed, shuffle=shuffle, name=name)
        first = source.first()[0]
        self._take_shape(first)
        self._take_steps(first)

        def validate(x: Any, y: Any, weight: Any) -> TrainingData:
            self._take_steps(x, to_change=False)
            if class_weight is not None and weight is not None:
                fix = "Leave class_weight out, and multiply the weights in the batches."
                raise ConfigError("class_weight and weights in the batches exclude each other", fix=fix)
            return self._valid(x, y, weight if class_weight is None else class_weights(class_weight, y), loss)

        source.validate = validate
        return source

    def _evaluation_source(
        self, samples: TrainingData, batch_size: int | None, steps: int | None = None
    ) -> ArraySource:
        """Return batches to evaluate: all, or as many steps as Keras takes, of its size."""
        size, steps = (
            check_optional_positive_int(value, name) for value, name in ((batch_size, "batch_size"), (steps, "steps"))
        )
        n_samples, n_steps, _ = samples.x.shape
        if size is None and self._depends_on_batches(steps):
            size = self._default_batch_size(n_samples, steps)
        size = size or inference_batch_size(n_steps)
        check_memory(self._built()[0], min(size, n_samples), n_steps)
        return ArraySource(samples, size, steps=steps)

    def _check_memory(self, samples: TrainingData, batch_size: int, loss: Loss) -> None:
        """Raise an error if a batch does not fit into memory."""
        network, weights = self._built()
        at_a_time = is_trained_in_block_order(network, weights, loss)
        n_samples, n_steps = min(batch_size, len(samples.x)), samples.x.shape[1]
        check_memory(network, n_samples, n_steps, training=True, in_block_order=at_a_time)

    def _shapes(self) -> tuple[Shape, Shape]:
        """Return the shapes of input and output."""
        network, _ = self._built()
        return network.shapes[0], network.shapes[-1]


def _only_array(x: Any, in_shape: Shape | None) -> Any:
    """Return the array of a list with one, as Keras takes the inputs of a model with one input.

    >>> _only_array([np.zeros((5, 4, 1))], (4, 1)).shape, len(_only_array([np.zeros((4, 1))], (4, 1)))
    ((5, 4, 1), 1)
    """
    n_axes = 3 if in_shape is None else len(in_shape) + 1
    return x[0] if isinstance(x, list | tuple) and len(x) == 1 and np.ndim(x[0]) == n_axes else x


def exclude_with_batches(
    batch_size: int | None = None, *, size_name: str = "batch_size", data: str = "x", **arguments: Any
) -> None:
    """Raise an error if data come in batches, and something is passed that must be in them.

    Args:
        batch_size: Samples per batch: a warning says that the batches have their own size, which Keras leaves out.
        size_name: The name of that argument.
        data: The name of the data.
        **arguments: Arguments that are None unless they were passed.

    Raises:
        ConfigError: An argument that is not None.

    >>> exclude_with_batches(y=None)
    """
    for name, value in arguments.items():
        if value is not None:
            raise ConfigError(f"{data} comes in batches, which excludes {name}=", fix=_INSTEAD[name], argument=name)
    if batch_size is not None:
        warnings.warn(
            f"{data} comes in batches: {size_name}={batch_size} is not used. Make batches of that size.", stacklevel=5
        )


_INSTEAD = {
    "y": "Put it into the batches: (x, y).",
    "sample_weight": "Put it into the batches: (x, y, sample_weight).",
    "mask": "Pass arrays, or begin the model with Masking and mark skipped steps by its mask_value.",
    "validation_split": "Pass validation_data= instead.",
}
"""What to write instead of an argument, if the data come in batches."""


def _comes_in_batches(data: Any) -> bool:
    """Return whether validation data are an iterable of batches, and not (x, y)."""
    return is_batches(data) and not (isinstance(data, tuple) and len(data) in (2, 3, 4))
