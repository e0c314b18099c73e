"""`Sequential`, a network with the methods of Keras: build, compile, fit, predict, evaluate, save, load.

Shapes: N samples, T time, F features, M outputs.

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

from gatecast._utils.formatting import format_count
from gatecast._utils.typing import Float32Array
from gatecast._utils.validation import check_positive_int, check_seed
from gatecast.errors import ConfigError, NotFittedError
from gatecast.kernels.packing import Params
from gatecast.nn import checkpoint, interop, losses, optim, training
from gatecast.nn.batching import inference_batch_size
from gatecast.nn.callbacks import Callback, History, split_callbacks
from gatecast.nn.gradients import is_trained_in_block_order
from gatecast.nn.inputs import (
    validate_array,
    validate_inputs,
    validate_training_data,
    validate_validation_data,
)
from gatecast.nn.inspection.attributions import Attribution, integrated_gradients
from gatecast.nn.inspection.trace import Trace, trace
from gatecast.nn.layers import LAYERS, BaseLayer, Input, Layer, Shape
from gatecast.nn.losses import Loss
from gatecast.nn.memory_limits import check_memory, check_network_size
from gatecast.nn.model_layers import adopt, find_layer, inferred_input_shape, params_of
from gatecast.nn.network import Network, Weights, build, initial_weights
from gatecast.nn.optim import GradientTransformation
from gatecast.nn.progress_bar import show_progress, verbosity
from gatecast.nn.streaming import Stream
from gatecast.nn.summary import summary
from gatecast.nn.training import TrainingState

__all__ = ["Sequential", "load_model"]


class Sequential:
    """A stack of layers, as in Keras, with weights, loss and optimizer.

    Args:
        layers: The layers. Begin with `Input`, or pass `input_shape=` to the first layer; otherwise `fit` takes the
            shape of x.
        seed: Determines initial weights, order of samples and dropout: the same seed gives the same bits.

    Raises:
        ConfigError: An object that is not a layer, or an invalid seed.

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

    def __repr__(self) -> str:
        """Return the number of layers: `summary` shows them."""
        return f"Sequential({format_count(len(self.layers), 'layer')})"

    def add(self, layer: Layer | Input) -> None:
        """Append a layer. The other layers keep their weights.

        Raises:
            ConfigError: An object that is not a layer, or an `Input` that is not the first.
        """
        if isinstance(layer, Input):
            if self.layers or self._in_shape is not None:
                raise ConfigError("Input must come first, and only once", got=f"Input after {len(self.layers)} layers")
            self._in_shape = layer.shape
            return
        if isinstance(layer, type) or not all(hasattr(layer, m) for m in ("output_shape", "forward", "backward")):
            raise ConfigError(
                f"Invalid layer {layer!r}",
                expected=f"Input or one of {', '.join(LAYERS)} from gatecast.layers",
                fix="For example, LSTM(50).",
                argument="layers",
            )
        if getattr(layer, "return_state", False):
            fix = "Use a functional model: y, *state = layer(x)."
            raise ConfigError("A layer with return_state=True has several outputs", got=repr(layer), fix=fix)
        if not self.layers and self._in_shape is None:
            self._in_shape = getattr(layer, "input_shape", None)
        self.layers.append(layer)
        adopt(self, layer)
        self._network = self._training_state = None

    def build(self, input_shape: Sequence[int | None] | None = None) -> None:
        """Create the weights.

        Args:
            input_shape: (samples, T, F) as in Keras; the number of samples is ignored and may be None.

        Raises:
            ConfigError: No layers, or layers that do not fit together.
            NotFittedError: The input shape is unknown.
        """
        if input_shape is not None:
            self._in_shape, self._network = Input(tuple(input_shape)[1:]).shape, None
        if not self.layers:
            raise ConfigError("The model has no layers", fix="Add some: model.add(LSTM(50)); model.add(Dense(1)).")
        if self._in_shape is None:
            raise NotFittedError(
                "The input shape of the model is unknown",
                fix="Begin the model with Input((time, features)), or call fit first.",
            )
        if self._network is None:
            network = build(self._network_layers(), self._in_shape)
            check_network_size(network)
            fresh = initial_weights(network, self.seed)
            for old, new in zip(self._weights.views if self._weights else (), fresh.views, strict=False):
                for name in old.keys() & new.keys():
                    if old[name].shape == new[name].shape:
                        new[name][...] = old[name]
            self._network, self._weights = network, fresh

    def get_layer(self, name: str | None = None, index: int | None = None) -> Layer:
        """Return a layer by its name, or by its position.

        Args:
            name: The `name` of the layer; a layer without one has that of its class: "lstm", "lstm_1", ...
            index: Position among the layers.

        Raises:
            ConfigError: No such layer.
        """
        return find_layer(self.layers, name, index)

    def layer_params(self, layer: BaseLayer) -> Params:
        """Return the parameters of one of the layers, as views into the weights; `layer.get_weights` copies them."""
        return params_of(self.layers, self.weights.views, layer)

    def reset_states(self) -> None:
        """Forget the states of all stateful layers."""
        for layer in self.layers:
            if getattr(layer, "stateful", False):
                layer.reset_states()  # type: ignore[attr-defined]

    reset_state = reset_states

    @property
    def network(self) -> Network:
        """Layers and shapes; builds the model if needed."""
        return self._built()[0]

    @property
    def weights(self) -> Weights:
        """Parameters in the layout of the kernels; builds the model if needed. Writing to them changes the model."""
        return self._built()[1]

    def compile(
        self, optimizer: str | GradientTransformation = "adam", loss: str | Loss = "mean_squared_error"
    ) -> None:
        """Set loss and optimizer.

        Args:
            optimizer: "adam", "adamw", "sgd", "rmsprop", or an optimizer of `gatecast.optim`.
            loss: "mean_squared_error", "mean_absolute_error", "huber", or a loss of `gatecast.losses`.

        Raises:
            ConfigError: An unknown name.
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
        """Train the model. Another call continues the training.

        An interrupt leaves a usable model: with the best weights under `EarlyStopping`, else with the newest.

        Args:
            x: (N, T, F), or (N, F) for a network without time axis; finite numbers of any type. T may differ between
                calls if the input shape leaves it open.
            y: (N, M), (N,) if M = 1, or (N, T, M) and (N, T) if the output has a time axis; finite.
            batch_size: Samples per update.
            epochs: The maximum number of passes over the samples.
            verbose: 0 for silence; 1 or "auto" for a line on standard error if that is a terminal; 2 for a line per
                epoch.
            callbacks: One or several of `EarlyStopping` and functions of an `EpochRecord`; a function that returns
                True ends the training.
            validation_split: Fraction of the samples, from the end, to validate on.
            validation_data: (x, y), (x, y, sample_weight) or (x, y, sample_weight, mask) to validate on.
            shuffle: Whether to shuffle the samples before each epoch.
            sample_weight: (N,), or (N, T) if the output has a time axis. A target with weight 0 may be NaN.
            mask: (N, T) bool. Where it is False the step is skipped: the state is carried over and, if the output has
                a time axis, the target is ignored. x may be NaN there.

        Returns:
            The losses by epoch, also available as `model.history`.

        Raises:
            NotFittedError: The model is not compiled.
            DataError: Arrays that do not fit the model, or contain NaN or infinity.
            ConfigError: Invalid settings, or a training that diverged. In the second case the weights are those of the
                last completed epoch.
        """
        loss, optimizer = self._settings()
        if self._in_shape is None:
            # Before it is set: a failed call changes nothing.
            self._in_shape = inferred_input_shape(self.layers, x := validate_array(x, "x"))
        network, weights = self._built()
        shapes = network.shapes[0], network.shapes[-1]
        samples = validate_training_data(x, y, sample_weight, shapes, loss, mask=mask)
        samples, validation = validate_validation_data(samples, validation_split, validation_data, shapes, loss)
        as_list = callbacks if isinstance(callbacks, Sequence) else (callbacks,) if callbacks is not None else ()
        early_stopping, functions = split_callbacks(as_list, validation is not None)
        batch_size, epochs = check_positive_int(batch_size, "batch_size"), check_positive_int(epochs, "epochs")
        at_a_time = is_trained_in_block_order(network, weights, loss)
        n_samples, n_steps = min(batch_size, len(samples.x)), samples.x.shape[1]
        check_memory(network, n_samples, n_steps, training=True, in_block_order=at_a_time)
        if self._training_state is None:
            self._training_state = TrainingState(optimizer.init(weights.vector.size))
        self.history = history = History()
        training_run = training.train_epochs(
            network,
            weights,
            samples,
            loss,
            optimizer,
            training.EpochSettings(
                epochs=epochs, batch_size=batch_size, seed=self.seed, shuffle=shuffle, early_stopping=early_stopping
            ),
            validation=validation,
            state=self._training_state,
        )
        with closing(training_run), closing(show_progress(training_run, epochs, verbosity(verbose))) as records:
            for record in records:
                history.append(record)
                if any([function(record) for function in functions]):
                    break
        return history

    def predict(
        self,
        x: npt.ArrayLike,
        batch_size: int | None = None,
        verbose: int = 0,  # noqa: ARG002
        mask: npt.ArrayLike | None = None,
    ) -> Float32Array:
        """Predict outputs, with dropout off.

        Args:
            x: (N, T, F), or (N, F) for a network without time axis; finite.
            batch_size: Samples per pass; the result does not depend on it. None chooses a fast size.
            verbose: Ignored; for scripts written for Keras.
            mask: As for `fit`.

        Returns:
            (N, M) float32, or (N, T, M) if the output has a time axis.

        Raises:
            DataError: Arrays that do not fit the model, or contain NaN or infinity.
            NotFittedError: The input shape is unknown.
        """
        network, weights = self._built()
        size = None if batch_size is None else check_positive_int(batch_size, "batch_size")
        inputs, valid_mask = validate_inputs(x, network.shapes[0], mask=mask)
        n_samples, n_steps, _ = inputs.shape
        check_memory(network, min(size or inference_batch_size(n_steps), n_samples), n_steps)
        return training.predict(network, weights, inputs, valid_mask, size)

    def evaluate(
        self,
        x: npt.ArrayLike,
        y: npt.ArrayLike,
        batch_size: int | None = None,
        verbose: int = 0,  # noqa: ARG002
        sample_weight: npt.ArrayLike | None = None,
        mask: npt.ArrayLike | None = None,
    ) -> float:
        """Compute the mean of the compiled loss, with dropout off.

        Args:
            x: As for `fit`.
            y: As for `fit`.
            batch_size: Samples per pass. None chooses a fast size.
            verbose: Ignored; for scripts written for Keras.
            sample_weight: As for `fit`.
            mask: As for `fit`.

        Raises:
            NotFittedError: The model is not compiled, or the input shape is unknown.
            DataError: Arrays that do not fit the model, or contain NaN or infinity.
        """
        loss, _ = self._settings()
        network, weights = self._built()
        samples = validate_training_data(x, y, sample_weight, (network.shapes[0], network.shapes[-1]), loss, mask=mask)
        size = None if batch_size is None else check_positive_int(batch_size, "batch_size")
        n_samples, n_steps, _ = samples.x.shape
        check_memory(network, min(size or inference_batch_size(n_steps), n_samples), n_steps)
        return training.evaluate(network, weights, samples, loss, size)

    def count_params(self) -> int:
        """Return the number of parameters."""
        return self._built()[1].vector.size

    def summary(self, print_fn: Callable[[str], Any] | None = None) -> None:
        """Print layers, output shapes and numbers of parameters.

        Args:
            print_fn: Called once with the text; None prints to standard output.
        """
        text = summary(*self._built())
        (print_fn or (lambda line: sys.stdout.write(line + "\n")))(text)

    def get_weights(self) -> list[Float32Array]:
        """Return copies of all weights, ordered as in Keras: kernel, recurrent kernel, bias, ... by layer."""
        return interop.get_weights(*self._built())

    def set_weights(self, weights: Sequence[npt.ArrayLike]) -> None:
        """Set all weights, in the order and layout of `get_weights` and of Keras.

        Args:
            weights: Arrays, as `get_weights` returns them.

        Raises:
            DataError: A wrong number of arrays, a wrong shape, NaN or infinity. No weight has changed then.
        """
        interop.set_weights(*self._built(), weights)

    def load_torch(self, state_dict: Mapping[str, Any]) -> None:
        """Set all weights from a PyTorch state_dict of RNN, GRU, LSTM and Linear modules.

        Modules are matched to layers by their order; their names do not matter.

        Args:
            state_dict: Tensors or arrays by name.

        Raises:
            ConfigError: A layer without a counterpart in PyTorch.
            DataError: Other layers, a wrong shape, NaN or infinity. No weight has changed then.
        """
        interop.load_torch(*self._built(), state_dict)

    def to_torch(self, like: Mapping[str, Any] | None = None) -> dict[str, Float32Array]:
        """Return the weights as a PyTorch state_dict of arrays.

        Args:
            like: A state_dict whose names to use; None for "lstm.weight_ih_l0", ..., "linear.bias".

        Raises:
            ConfigError: A layer without a counterpart in PyTorch.
            DataError: `like` has other layers or shapes.
        """
        return interop.to_torch(*self._built(), like)

    def stream(self, batch: int = 1) -> Stream:
        """Return a stream that runs the network step by step, from the zero state.

        Args:
            batch: Number of series that run side by side.

        Raises:
            ConfigError: A layer that needs the full sequence, a network without time axis, or a batch below 1.
        """
        return Stream(*self._built(), batch)

    def trace(self, x: npt.ArrayLike, mask: npt.ArrayLike | None = None) -> Trace:
        """Record the gates and states of every recurrent layer over sequences.

        Args:
            x: As for `predict`.
            mask: As for `fit`.

        Returns:
            Gates and states by layer; `table()` has one row for each layer, unit and time.

        Raises:
            ConfigError: No recurrent layer.
            DataError: Arrays that do not fit the model, or contain NaN or infinity.
            NotFittedError: The input shape is unknown.
        """
        return trace(*self._built(), x, mask)

    def explain(
        self, x: npt.ArrayLike, output: int = 0, *, baseline: npt.ArrayLike = 0.0, points: int = 64
    ) -> Attribution:
        """Attribute one output to the inputs by integrated gradients, which add up to output minus baseline.

        Args:
            x: As for `predict`.
            output: Index of the output; a network with outputs at every step is explained at the last one.
            baseline: The input to compare with: a number, or an array that broadcasts to x.
            points: Points of the integral.

        Returns:
            `values` of the shape of x; `output` and `baseline` (N,); `completeness_error` (N,), the difference
            between the sum and output minus baseline.

        Raises:
            ConfigError: No such output.
            DataError: Arrays that do not fit the model, or contain NaN or infinity.
            NotFittedError: The input shape is unknown.

        Source: Sundararajan, Taly & Yan 2017.
        """
        return integrated_gradients(*self._built(), x, output, baseline=baseline, points=points)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Save layers, weights, loss and optimizer to a safetensors file.

        A schedule that is your own function cannot be saved: compile again after loading.

        Args:
            path: The file; an existing one is replaced.

        Raises:
            ConfigError: The file cannot be written, or a layer is not one of `gatecast.layers`.
        """
        checkpoint.write_network(path, *self._built(), self.seed, self._compiled)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Sequential:
        """Load a model that `save` has written: it predicts the same bits, and is compiled as before.

        Args:
            path: The file.

        Raises:
            FormatError: A missing, truncated, altered or foreign file, or one of a newer version.
        """
        network, weights, seed, compiled = checkpoint.read_network(path)
        model = cls([Input(network.shapes[0]), *network.layers], seed=seed)
        model._network, model._weights, model._compiled = network, weights, compiled
        return model

    def _network_layers(self) -> Sequence[Layer]:
        """Return the layers of the network, in order."""
        return self.layers

    def _settings(self) -> tuple[Loss, GradientTransformation]:
        """Return loss and optimizer."""
        if self._compiled is None:
            fix = 'Call model.compile(loss="mean_squared_error", optimizer="adam") first.'
            raise NotFittedError("The model is not compiled", fix=fix)
        return self._compiled

    def _built(self) -> tuple[Network, Weights]:
        """Return network and weights; build the model if needed."""
        if self._network is None or self._weights is None:
            self.build()
        if self._network is None or self._weights is None:
            raise NotFittedError("The model is not built")
        return self._network, self._weights


def load_model(path: str | os.PathLike[str]) -> Sequential:
    """Load a model that `Sequential.save` has written; the name in Keras of `Sequential.load`."""
    return Sequential.load(path)
