"""Networks in the words of Keras: build, compile, fit, predict, evaluate, save, load.

Letters: N samples, T time, F features, M outputs. Arrays are unpacked here: x (N, T, F), predictions (N, M).

>>> import numpy as np
>>> from gatecast.nn.layers import LSTM, Dense, Input
>>> x = np.sin(np.arange(400.0)[:, None] / 4 + np.arange(12))[..., None]      # windows of a sine
>>> model = Sequential([Input((11, 1)), LSTM(8), Dense(1)])
>>> model.compile(loss="mean_squared_error", optimizer="adam")
>>> history = model.fit(x[:, :-1], x[:, -1], epochs=3)
>>> history.history["loss"][0] > history.history["loss"][-1]
True
>>> model.predict(x[:5, :-1]).shape
(5, 1)
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import closing
from typing import Any, Literal

import numpy.typing as npt

from gatecast._utils.validation import check_positive_int, check_seed
from gatecast.errors import ConfigError, NotFittedError
from gatecast.kernels.packing import Array
from gatecast.nn import checkpoint, interop, losses, optim, training
from gatecast.nn.batching import inference_batch_size
from gatecast.nn.callbacks import Callback, History, split_callbacks
from gatecast.nn.inputs import (
    sample_shape,
    validate_array,
    validate_inputs,
    validate_training_data,
    validate_validation_data,
)
from gatecast.nn.inspection.attributions import Attribution, integrated_gradients
from gatecast.nn.inspection.trace import Trace, trace
from gatecast.nn.layers import LAYERS, Input, Layer, Shape
from gatecast.nn.losses import Loss
from gatecast.nn.memory_limits import check_memory, check_network_size
from gatecast.nn.network import Network, Weights, build, initial_weights
from gatecast.nn.optim import GradientTransformation
from gatecast.nn.progress_bar import shown, verbosity
from gatecast.nn.streaming import Stream
from gatecast.nn.summary import summary
from gatecast.nn.training import TrainingState

__all__ = ["Sequential", "load_model"]


class Sequential:
    """Layers one after the other, with their weights and the way to train them.

    Args:
        layers: `Input` first, or `input_shape=` in the first one; without either, `fit` looks at x.
        seed: What initial weights, order of samples and dropout depend on: same seed, same bits.

    >>> from gatecast.nn.layers import LSTM, Dense, Input
    >>> Sequential([Input((24, 1)), LSTM(50), Dense(1)]).count_params()
    10451
    """

    def __init__(self, layers: Iterable[Layer | Input] | None = None, seed: int = 0) -> None:
        self.seed = check_seed(seed)
        self.layers: list[Layer] = []
        self.history: History | None = None
        self._in_shape: Shape | None = None
        self._network: Network | None = None
        self._weights: Weights | None = None
        self._compiled: tuple[Loss, GradientTransformation] | None = None
        self._training_state: TrainingState | None = None
        for layer in layers or ():
            self.add(layer)

    def add(self, layer: Layer | Input) -> None:
        """Put a layer at the end. Layers that are there keep their weights.

        Raises:
            ConfigError: Something that is no layer, or an `Input` that is not the first.
        """
        if isinstance(layer, Input):
            if self.layers or self._in_shape is not None:
                raise ConfigError("Input must come first, and once", got=f"it behind {len(self.layers)} layers")
            self._in_shape = layer.shape
            return
        if isinstance(layer, type) or not all(hasattr(layer, m) for m in ("output_shape", "forward", "backward")):
            raise ConfigError(
                "this is not a layer",
                got=repr(layer),
                expected=f"Input or one of {', '.join(LAYERS)} from gatecast.nn.layers",
                fix="Write a layer with its settings: LSTM(50).",
            )
        if not self.layers and self._in_shape is None:
            self._in_shape = getattr(layer, "input_shape", None)
        self.layers.append(layer)
        self._network = self._training_state = None

    def build(self, input_shape: Sequence[int | None] | None = None) -> None:
        """Make the weights.

        Args:
            input_shape: (samples, T, F) as in Keras; the number of samples may be None and is not looked at.

        Raises:
            ConfigError: No layers, or layers that do not fit together.
            NotFittedError: The shape of the input is not known.
        """
        if input_shape is not None:
            self._in_shape, self._network = Input(tuple(input_shape)[1:]).shape, None
        if not self.layers:
            raise ConfigError("the network has no layers", fix="Add some: model.add(LSTM(50)); model.add(Dense(1)).")
        if self._in_shape is None:
            raise NotFittedError(
                "the network does not know the shape of its input",
                fix="Begin it with Input((time, features)), or call fit first.",
            )
        if self._network is None:
            network = build(self.layers, self._in_shape)
            check_network_size(network)
            fresh = initial_weights(network, self.seed)
            for old, new in zip(self._weights.views if self._weights else (), fresh.views, strict=False):
                for name in old.keys() & new.keys():
                    if old[name].shape == new[name].shape:
                        new[name][...] = old[name]
            self._network, self._weights = network, fresh

    @property
    def network(self) -> Network:
        """Layers and shapes; built if need be."""
        return self._built()[0]

    @property
    def weights(self) -> Weights:
        """Parameters in the engine's own layout; built if need be. Writing them changes the model."""
        return self._built()[1]

    def compile(
        self, optimizer: str | GradientTransformation = "adam", loss: str | Loss = "mean_squared_error"
    ) -> None:
        """Say how to train.

        Args:
            optimizer: "adam", "adamw", "sgd", "rmsprop", or a chain of `gatecast.nn.optim`.
            loss: "mean_squared_error", "mean_absolute_error", "huber", or one of `gatecast.nn.losses`.

        Raises:
            ConfigError: A name that is not known.
        """
        self._compiled = losses.get(loss), optim.get(optimizer)
        self._training_state = None

    def fit(
        self,
        x: npt.ArrayLike,
        y: npt.ArrayLike,
        batch_size: int = 32,
        epochs: int = 1,
        verbose: int | Literal["auto"] = 1,
        callbacks: Callback | Sequence[Callback] | None = None,
        validation_split: float = 0.0,
        validation_data: tuple[Any, ...] | None = None,
        shuffle: bool = True,
        sample_weight: npt.ArrayLike | None = None,
        mask: npt.ArrayLike | None = None,
    ) -> History:
        """Train; called again, it goes on from where it was.

        An interrupt leaves a model that can be used: the best weights with `EarlyStopping`, else the newest.

        Args:
            x: (N, T, F), or (N, F) for a network without time axis; finite numbers of any type. The samples of a
                call share T; another call may have another, if the network is for any.
            y: (N, M), (N,) if M = 1, or (N, T, M) and (N, T) if the output has a time axis; finite.
            batch_size: Samples an update.
            epochs: Passes over the samples, at most.
            verbose: 0 nothing; 1 or "auto" one line on standard error if that is a terminal; 2 a line an epoch.
            callbacks: One or several of `EarlyStopping` and functions of a `Record`; a true answer stops the
                training.
            validation_split: Share of the samples, taken from the end, to judge by.
            validation_data: (x, y), (x, y, sample_weight) or (x, y, sample_weight, mask) to judge by.
            shuffle: Whether each epoch has its own order.
            sample_weight: (N,), or (N, T) if the output has a time axis; a target with weight 0 may be NaN.
            mask: (N, T) bool; where False the step is skipped, the state carried and, if the output has a time
                axis, the target not looked at. x may be NaN there.

        Returns:
            The losses by epoch; also kept as `model.history`.

        Raises:
            NotFittedError: `compile` was not called.
            DataError: Arrays that do not fit or hold NaN or infinity.
            ConfigError: Impossible settings, or a loss that ran away.
        """
        loss, optimizer = self._settings()
        if self._in_shape is None:
            in_shape = Input(sample_shape(x := validate_array(x, "x"))).shape
            build(self.layers, in_shape)  # a failed attempt leaves no trace
            self._in_shape = in_shape
        network, weights = self._built()
        shapes = network.shapes[0], network.shapes[-1]
        samples = validate_training_data(x, y, sample_weight, shapes, loss, mask=mask)
        samples, validation = validate_validation_data(samples, validation_split, validation_data, shapes, loss)
        several = callbacks if isinstance(callbacks, Sequence) else (callbacks,) if callbacks is not None else ()
        stopping, calls = split_callbacks(several, validation is not None)
        batch_size, epochs = check_positive_int(batch_size, "batch_size"), check_positive_int(epochs, "epochs")
        check_memory(network, min(batch_size, len(samples.x)), samples.x.shape[1], training=True)
        if self._training_state is None:
            self._training_state = TrainingState(optimizer.init(weights.vector.size))
        self.history = history = History()
        stream = training.train_epochs(
            network,
            weights,
            samples,
            loss,
            optimizer,
            epochs=epochs,
            batch_size=batch_size,
            validation=validation,
            seed=self.seed,
            shuffle=shuffle,
            early_stopping=stopping,
            state=self._training_state,
        )
        with closing(stream), closing(shown(stream, epochs, verbosity(verbose))) as records:
            for record in records:
                history.append(record)
                if any([call(record) for call in calls]):
                    break
        return history

    def predict(
        self,
        x: npt.ArrayLike,
        batch_size: int | None = None,
        verbose: int = 0,  # noqa: ARG002
        mask: npt.ArrayLike | None = None,
    ) -> Array:
        """Outputs for any number of samples; dropout is off.

        Args:
            x: (N, T, F), or (N, F) for a network without time axis; finite.
            batch_size: Samples a pass; the result does not depend on it. None: what is fast.
            verbose: As in Keras; predicting shows nothing.
            mask: As for `fit`.

        Returns:
            (N, M) float32, or (N, T, M) if the output has a time axis.

        Raises:
            DataError: An array that does not fit or holds NaN or infinity.
            NotFittedError: The shape of the input is not known.
        """
        network, weights = self._built()
        size = None if batch_size is None else check_positive_int(batch_size, "batch_size")
        rows, read = validate_inputs(x, network.shapes[0], mask=mask)
        check_memory(network, min(size or inference_batch_size(rows.shape[1]), len(rows)), rows.shape[1])
        return training.predict(network, weights, rows, read, size)

    def evaluate(
        self,
        x: npt.ArrayLike,
        y: npt.ArrayLike,
        batch_size: int | None = None,
        verbose: int = 0,  # noqa: ARG002
        sample_weight: npt.ArrayLike | None = None,
        mask: npt.ArrayLike | None = None,
    ) -> float:
        """Mean of the compiled loss; dropout is off.

        Args:
            x: As for `fit`.
            y: As for `fit`.
            batch_size: Samples a pass. None: what is fast.
            verbose: As in Keras; evaluating shows nothing.
            sample_weight: As for `fit`.
            mask: As for `fit`.

        Raises:
            NotFittedError: `compile` was not called, or the shape of the input is not known.
            DataError: Arrays that do not fit or hold NaN or infinity.
        """
        loss, _ = self._settings()
        network, weights = self._built()
        samples = validate_training_data(x, y, sample_weight, (network.shapes[0], network.shapes[-1]), loss, mask=mask)
        size = None if batch_size is None else check_positive_int(batch_size, "batch_size")
        check_memory(network, min(size or inference_batch_size(samples.x.shape[1]), len(samples.x)), samples.x.shape[1])
        return training.evaluate(network, weights, samples, loss, size)

    def count_params(self) -> int:
        """Number of parameters."""
        return self._built()[1].vector.size

    def summary(self, print_fn: Callable[[str], Any] | None = None) -> None:
        """Show layers, output shapes and numbers of parameters.

        Args:
            print_fn: Called once with the text; None: it goes to standard output.
        """
        text = summary(*self._built())
        (print_fn or (lambda line: sys.stdout.write(line + "\n")))(text)

    def get_weights(self) -> list[Array]:
        """Copies of all weights in Keras' order and layout: kernel, recurrent kernel, bias, ... by layer."""
        return interop.get_weights(*self._built())

    def set_weights(self, weights: Sequence[npt.ArrayLike]) -> None:
        """Take over weights in the order and layout of `get_weights`, Keras' own.

        Raises:
            DataError: Another number of arrays, another shape, or values that are not finite.
        """
        interop.set_weights(*self._built(), weights)

    def load_torch(self, state_dict: Mapping[str, Any]) -> None:
        """Take over a PyTorch state_dict of RNN, GRU, LSTM and Linear modules, whatever their names, in its order.

        Args:
            state_dict: Tensors or arrays by name; see `gatecast.nn.interop`.

        Raises:
            ConfigError: A layer that PyTorch has no module for.
            DataError: Other layers, another shape, or values that are not finite; nothing is then changed.
        """
        interop.load_torch(*self._built(), state_dict)

    def to_torch(self, like: Mapping[str, Any] | None = None) -> dict[str, Array]:
        """The weights as a PyTorch state_dict of arrays.

        Args:
            like: A state_dict with the names wanted; None: "lstm.weight_ih_l0", ..., "linear.bias".

        Raises:
            ConfigError: A layer that PyTorch has no module for.
            DataError: `like` is of other layers or shapes.
        """
        return interop.to_torch(*self._built(), like)

    def stream(self, batch: int = 1) -> Stream:
        """The network going along with its series, a step at a time, from the zero state.

        Args:
            batch: Number of series side by side.

        Raises:
            ConfigError: A layer that must see the whole sequence, a network without time axis, or a batch below 1.
        """
        return Stream(*self._built(), batch)

    def trace(self, x: npt.ArrayLike, mask: npt.ArrayLike | None = None) -> Trace:
        """What the gates of every recurrent layer did over sequences.

        Args:
            x: As for `predict`.
            mask: As for `fit`.

        Returns:
            Gates and states by layer; `table()` makes one row for each layer, unit and time of them.

        Raises:
            ConfigError: No recurrent layer.
            DataError: An array that does not fit or holds NaN or infinity.
            NotFittedError: The shape of the input is not known.
        """
        return trace(*self._built(), x, mask)

    def explain(
        self, x: npt.ArrayLike, output: int = 0, *, baseline: npt.ArrayLike = 0.0, points: int = 64
    ) -> Attribution:
        """What every input adds to one output, by integrated gradients: the parts sum up to output less baseline.

        Args:
            x: As for `predict`.
            output: Which of the outputs; of a network that gives every step, at the last one.
            baseline: What x is compared with: a number, or anything that broadcasts to x.
            points: Of the integral.

        Returns:
            `values` of the shape of x, `output` and `baseline` (N,), and `gap` (N,), by which the sum is missed.

        Raises:
            ConfigError: No such output.
            DataError: An array that does not fit or holds NaN or infinity.
            NotFittedError: The shape of the input is not known.

        Source: Sundararajan, Taly & Yan 2017. More ways: `gatecast.nn.inspection.attributions`.
        """
        return integrated_gradients(*self._built(), x, output, baseline=baseline, points=points)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write layers, weights, loss and optimiser to one safetensors file.

        A learning rate that is a function of your own is not stored: compile again after loading.

        Args:
            path: Where; an existing file is replaced.

        Raises:
            ConfigError: The file cannot be written, or a layer or loss is not one of gatecast's.
        """
        checkpoint.write_network(path, *self._built(), self.seed, self._compiled)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Sequential:
        """Read what `save` wrote: the same predictions, bit by bit, and the same settings of `compile`.

        Args:
            path: The file.

        Raises:
            FormatError: No such file, or one that is truncated, altered, foreign, or newer than this version.
        """
        network, weights, seed, compiled = checkpoint.read_network(path)
        model = cls([Input(network.shapes[0]), *network.layers], seed=seed)
        model._network, model._weights, model._compiled = network, weights, compiled
        return model

    def _settings(self) -> tuple[Loss, GradientTransformation]:
        """Loss and optimiser."""
        if self._compiled is None:
            fix = 'Call model.compile(loss="mean_squared_error", optimizer="adam") first.'
            raise NotFittedError("the model is not compiled", fix=fix)
        return self._compiled

    def _built(self) -> tuple[Network, Weights]:
        """Network and weights, made if need be."""
        if self._network is None or self._weights is None:
            self.build()
        if self._network is None or self._weights is None:
            raise NotFittedError("the network is not built")
        return self._network, self._weights


def load_model(path: str | os.PathLike[str]) -> Sequential:
    """Keras' word for `Sequential.load`."""
    return Sequential.load(path)
