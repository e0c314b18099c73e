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
from typing import Any

import numpy.typing as npt

from gatecast._utils.formatting import format_count
from gatecast._utils.keywords import check_keywords
from gatecast._utils.typing import Float32Array
from gatecast._utils.validation import check_flag, check_seed
from gatecast.errors import ConfigError, NotFittedError
from gatecast.kernels.packing import Params
from gatecast.nn import checkpoint, interop, model_files
from gatecast.nn.callbacks import History
from gatecast.nn.compiling import Compiled
from gatecast.nn.functional.calling import CalledModel, Symbolic
from gatecast.nn.inspection.attributions import Attribution, integrated_gradients
from gatecast.nn.inspection.trace import Trace, trace
from gatecast.nn.keras_attributes import LOAD_OPTIONS, OVERRIDES
from gatecast.nn.keras_files.refusals import refusing
from gatecast.nn.keras_files.weights import read_keras_weights
from gatecast.nn.layers import LAYERS, BaseLayer, Graph, Input, Layer, Shape
from gatecast.nn.memory_limits import check_network_size
from gatecast.nn.model_layers import check_name, find_layer, layer_names, params_of
from gatecast.nn.network import Network, Weights, build, initial_weights
from gatecast.nn.onnx_files.models import Names, write_network
from gatecast.nn.onnx_files.proto import DEFAULT_OPSET
from gatecast.nn.seeds import next_model_seed
from gatecast.nn.sharing import adopt, pull, take
from gatecast.nn.streaming import Stream
from gatecast.nn.summary import summary
from gatecast.nn.trainer import Trainer
from gatecast.nn.training import TrainingState

__all__ = ["Sequential"]


class Sequential(Trainer, CalledModel):
    """A stack of layers, as in Keras, with weights, loss and optimizer.

    Args:
        layers: The layers. Begin with `Input`, or pass `input_shape=` to the first layer; otherwise `fit` takes the
            shape of x.
        trainable: Whether training changes the weights; False freezes all layers.
        name: A name.
        seed: Determines initial weights, order of samples and dropout: the same seed gives the same bits. None: 0, or
            from `gatecast.utils.set_random_seed`. Not in Keras.

    Raises:
        ConfigError: An object that is not a layer, or an invalid seed.

    >>> from gatecast.nn.layers import LSTM, Dense, Input
    >>> Sequential([Input((24, 1)), LSTM(50), Dense(1)]).count_params()
    10451
    """

    def __init__(
        self,
        layers: Iterable[Layer | Input] | None = None,
        trainable: bool = True,
        name: str | None = None,
        *,
        seed: int | None = None,
    ) -> None:
        self.name = "sequential" if name is None else str(name)
        self.seed = next_model_seed() if seed is None else check_seed(seed)
        self._layers: list[Layer] = []
        self.history: History | None = None
        self._in_shape: Shape | None = None
        self._network: Network | None = None
        self._weights: Weights | None = None
        self._compiled: Compiled | None = None
        self._training_state: TrainingState | None = None
        self._input_names: list[str] | None = None
        self._output_keys: list[str] | None = None
        self._open_shapes: list[Shape] | None = None
        self._symbolic: Symbolic | None = None
        for layer in layers or ():
            self.add(layer)
        if not check_flag(trainable, "trainable", where="Sequential"):
            self.trainable = False

    def __init_subclass__(cls, **options: Any) -> None:
        """Refuse methods of Keras that would never be called.

        Raises:
            ConfigError: The class defines `train_step`, `call` or another of them.
        """
        super().__init_subclass__(**options)
        if overridden := next((name for name in OVERRIDES if name in vars(cls)), None):
            raise ConfigError(f"{cls.__name__} defines {overridden}, which is not called", fix=OVERRIDES[overridden])

    def __repr__(self) -> str:
        """Return the number of layers: `summary` shows them."""
        return f"Sequential({format_count(len(self._layers), 'layer')})"

    def __getstate__(self) -> dict[str, Any]:
        """Return what a copy has: not the calls that it was written with, which it makes again when it needs them."""
        if self.built:
            # Its layers may be those of other models, of which the copy knows nothing.
            self._built()
        return {**self.__dict__, "_symbolic": None, "_run": None}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Take what a copy has, and let its layers find their weights in it."""
        self.__dict__.update(state)
        for layer in self._layers:
            adopt(self, layer)

    def add(self, layer: Layer | Input | Sequential) -> None:
        """Append a layer, or all layers of another model. The other layers keep their weights.

        Raises:
            ConfigError: An object that is not a layer, or an `Input` that is not the first.
        """
        self._symbolic = None
        if isinstance(layer, Input):
            if self._layers or self._in_shape is not None:
                raise ConfigError("Input must come first, and only once", got=f"Input after {len(self._layers)} layers")
            self._in_shape = layer.sample_shape
            return
        if isinstance(layer, Sequential):
            self._add_model(layer)
            return
        methods = ("output_shape", "forward", "backward")
        if isinstance(layer, type) or not all(_has_own(layer, method) for method in methods):
            raise ConfigError(
                f"Invalid layer {layer!r}",
                expected=f"Input or one of {', '.join(LAYERS)} from gatecast.layers",
                fix="For example, LSTM(50).",
                argument="layers",
            )
        if getattr(layer, "return_state", False):
            fix = "Use a functional model: y, *state = layer(x)."
            raise ConfigError("A layer with return_state=True has several outputs", got=repr(layer), fix=fix)
        if not self._layers and self._in_shape is None:
            self._in_shape = getattr(layer, "input_shape", None)
        check_name(self._layers, layer)
        if any(layer is other for other in self._layers):
            fix = "Call it twice in a functional model: Model(inputs, layer(layer(inputs)))."
            raise ConfigError("A layer is added twice", got=repr(layer), fix=fix)
        self._layers.append(layer)
        adopt(self, layer)
        self._network = self._training_state = None

    def _add_model(self, model: Sequential) -> None:
        """Append the layers of a model.

        Raises:
            ConfigError: A model with branches.
        """
        if any(isinstance(layer, Graph) for layer in model._network_layers()):
            fix = "Call it: outputs = model(inputs), and make a Model(inputs, outputs)."
            raise ConfigError("A model with branches is no layer of a Sequential", got=repr(model), fix=fix)
        if not self._layers and self._in_shape is None:
            self._in_shape = model._in_shape
        if model._in_shape is None and self._in_shape is not None:
            shape = self._in_shape
            for layer in self._layers:
                shape = layer.output_shape(shape)
            model._in_shape = shape
        for layer in list(model._layers):
            self.add(layer)

    def build(self, input_shape: Sequence[int | None] | None = None) -> None:
        """Create the weights.

        Args:
            input_shape: (samples, T, F) as in Keras; the number of samples is ignored and may be None.

        Raises:
            ConfigError: No layers, or layers that do not fit together.
            NotFittedError: The input shape is unknown.
        """
        if input_shape is not None:
            self._in_shape, self._network = Input(tuple(input_shape)[1:]).sample_shape, None
        if not self._layers:
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
            pull(self, self._layers, self._layer_views(fresh))

    def get_layer(self, name: str | None = None, index: int | None = None) -> Layer:
        """Return a layer by its name, or by its position.

        Args:
            name: The `name` of the layer; a layer without one has that of its class: "lstm", "lstm_1", ...
            index: Position among the layers.

        Raises:
            ConfigError: No such layer.
        """
        return find_layer(self.layers, name, index)

    @property
    def layers(self) -> list[Any]:
        """The layers, without the `Input`, as in Keras."""
        return list(self._layers)

    def name_of(self, layer: BaseLayer) -> str | None:
        """Return the name of one of the layers, as `get_layer` finds it; None of another one.

        Args:
            layer: The layer.
        """
        named = zip(self._layers, layer_names(self._layers), strict=True)
        return next((name for each, name in named if each is layer), None)

    @property
    def built(self) -> bool:
        """Whether there are weights."""
        return self._network is not None and self._weights is not None

    @property
    def trainable(self) -> bool:
        """Whether training changes weights of a layer; setting it sets that of all layers."""
        return any(getattr(layer, "trainable", True) for layer in self._layers)

    @trainable.setter
    def trainable(self, value: bool) -> None:
        layers: Sequence[Any] = self._layers
        for layer in layers:
            layer.trainable = value

    def _sample_shapes(self) -> list[Shape]:
        """Return the shape of a sample of each input."""
        return [self._built()[0].shapes[0]]

    def layer_params(self, layer: BaseLayer) -> Params:
        """Return the parameters of one of the layers, as views into the weights; `layer.get_weights` copies them."""
        return params_of(self._layers, self._layer_views(self.weights), layer)

    def own_params(self, layer: BaseLayer) -> Params:
        """Return the same, without a look at other models that have the layer."""
        return params_of(self._layers, self._layer_views(self._built_alone()[1]), layer)

    @property
    def is_training(self) -> bool:
        """Whether `fit` is running."""
        return self._run is not None

    def _layer_views(self, weights: Weights) -> Sequence[Params]:
        """Return the parameters of each layer."""
        return weights.views

    def reset_states(self) -> None:
        """Forget the states of all stateful layers."""
        for layer in self._layers:
            if getattr(layer, "stateful", False):
                layer.reset_states()  # type: ignore[attr-defined]

    reset_state = reset_states

    @property
    def input_shape(self) -> tuple[int | None, ...]:
        """The shape of x with None for the samples; builds the model if needed."""
        return (None, *self._built()[0].shapes[0])

    @property
    def output_shape(self) -> tuple[int | None, ...]:
        """The shape of the predictions with None for the samples; builds the model if needed."""
        return (None, *self._built()[0].shapes[-1])

    @property
    def network(self) -> Network:
        """Layers and shapes; builds the model if needed."""
        return self._built()[0]

    @property
    def weights(self) -> Weights:
        """Parameters in the layout of the kernels; builds the model if needed. Writing to them changes the model."""
        weights = self._built()[1]
        take(self, self._layers, to_change=False)
        return weights

    def count_params(self) -> int:
        """Return the number of parameters."""
        return self._built()[1].vector.size

    @check_keywords()
    def summary(
        self,
        line_length: Any = None,
        positions: Any = None,  # noqa: ARG002
        print_fn: Callable[[str], Any] | None = None,
        expand_nested: bool = False,  # noqa: ARG002
        show_trainable: bool = False,
        layer_range: Sequence[str] | None = None,
    ) -> None:
        """Print layers, output shapes and numbers of parameters.

        Args:
            line_length: For scripts written for Keras; not used, as `positions` and `expand_nested`.
            positions: Not used.
            print_fn: Called once with the text; None prints to standard output.
            expand_nested: Not used: the layers of a model in another one are its layers.
            show_trainable: Whether to say of each layer if training changes its parameters.
            layer_range: First and last layer to list, by name; None: all.

        Raises:
            ConfigError: An unknown option, or a range of layers that the model does not have.
        """
        if callable(line_length):
            fix = "Write summary(print_fn=...)."
            raise ConfigError("Invalid line_length", got=repr(line_length), fix=fix, argument="line_length")
        text = summary(
            *self._parts(), layer_names(self._layers), show_trainable=show_trainable, layer_range=layer_range
        )
        (print_fn or (lambda line: sys.stdout.write(line + "\n")))(text)

    def _parts(self) -> tuple[Network, Weights]:
        """Return network and weights layer by layer."""
        return self._built()

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
        interop.set_weights(*self._to_change(), weights)

    def load_torch(self, state_dict: Mapping[str, Any]) -> None:
        """Set all weights from a PyTorch state_dict: of RNN, GRU, LSTM, Linear, Conv1d, Embedding and norms.

        Modules are matched to layers by their names, if the layers with weights have exactly these; else by order.

        Args:
            state_dict: Tensors or arrays by name.

        Raises:
            ConfigError: A layer without a counterpart in PyTorch.
            DataError: Other layers, a wrong shape, NaN or infinity. No weight has changed then.
        """
        interop.load_torch(*self._to_change(), state_dict)

    def to_torch(self, like: Mapping[str, Any] | None = None) -> dict[str, Float32Array]:
        """Return the weights as a PyTorch state_dict of arrays.

        Args:
            like: A state_dict whose names to use; None for "lstm.weight_ih_l0", ..., "linear.bias".

        Raises:
            ConfigError: A layer without a counterpart in PyTorch.
            DataError: `like` has other layers or shapes.
        """
        return interop.to_torch(*self._built(), like)

    def to_onnx(
        self, filepath: str | os.PathLike[str], *, opset: int = DEFAULT_OPSET, state: bool = False, mask: bool = False
    ) -> None:
        """Write the model to an ONNX file of standard operators: other runtimes predict as `predict` does.

        Inputs are float32, (batch, time, features) as for `predict`; batch is open, and so is time unless a layer
        needs a number of steps. The states of stateful layers are inputs "lstm.h" and outputs "lstm.h.next".

        Args:
            filepath: The file; an existing one is replaced.
            opset: Version of the operators, 17 or newer.
            state: Whether the states of all recurrent layers are inputs and outputs, so that a sequence may come in
                pieces as for `stream`.
            mask: Whether there is an input "mask", (batch, time) bool, as for `fit`.

        Raises:
            ConfigError: onnx is not installed, an opset below 17, a layer of your own, a layer that cannot carry its
                state, or a file that cannot be written.
            NotFittedError: The input shape is unknown.
        """
        if self._open_shapes is not None:
            fix = "Make it with a number of steps, such as Input((24, 1)), and pass get_weights() to its set_weights."
            raise ConfigError("A model with several inputs of any length has no ONNX file", fix=fix)
        network, weights = self._built()
        names = Names(self.name, self._named_inputs(), self._output_names(), layer_names(network.layers))
        write_network(filepath, network, weights, names, opset=opset, state=state, mask=mask)

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

    def save(
        self,
        filepath: str | os.PathLike[str],
        overwrite: bool = True,
        include_optimizer: bool = True,
        **options: Any,  # noqa: ARG002
    ) -> None:
        """Save the model to a safetensors file: layers, weights, loss, optimizer and its state, metrics, history.

        Training that goes on after `load` has the bits of training that never stopped. A schedule, a loss or a metric
        that is your own function cannot be saved: compile again after loading.

        Args:
            filepath: The file. Its format does not depend on the suffix; one of another format gives a warning.
            overwrite: Whether an existing file is replaced.
            include_optimizer: Whether to save how far the training has come.
            **options: For scripts written for Keras; not used.

        Raises:
            ConfigError: The file cannot be written, or a layer is not one of `gatecast.layers`.
        """
        model_files.check_target(filepath, overwrite)
        state = self._training_state if include_optimizer else None
        training, arrays = model_files.training_to_data(state, self.history)
        settings = {"compiled": model_files.compiled_to_data(self._compiled)} | training
        settings |= {"name": self.name, "input_names": self._input_names}
        if self._output_keys is not None:
            settings["output_keys"] = self._output_keys
        if self._open_shapes is not None:
            settings["open_shapes"] = self._open_shapes
        checkpoint.write_network(filepath, *self._built(), self.seed, settings, arrays)

    @classmethod
    def load(cls, filepath: str | os.PathLike[str]) -> Sequential:
        """Load a model that `save` has written: it predicts the same bits, and is compiled as before.

        Args:
            filepath: The file.

        Raises:
            FormatError: A missing, truncated, altered or foreign file, or one of a newer version.
        """
        model = cls(seed=0)
        model_files.read_model(filepath, model)
        network = model._built_alone()[0]
        model._layers, model._in_shape = list(network.layers), network.shapes[0]
        for layer in model._layers:
            adopt(model, layer)
        return model

    def _named_inputs(self) -> dict[str, Shape]:
        """Return the inputs of a file for other runtimes, with the shape of a sample of each."""
        return {"x": self._built()[0].shapes[0]}

    def _output_names(self) -> list[str]:
        """Return the outputs of such a file."""
        return ["y"]

    def _network_layers(self) -> Sequence[Layer]:
        """Return the layers of the network, in order."""
        return self._layers

    def save_weights(self, filepath: str | os.PathLike[str], overwrite: bool = True) -> None:
        """Save the weights alone.

        Args:
            filepath: The file. Its format does not depend on the suffix; one of another format gives a warning.
            overwrite: Whether an existing file is replaced.

        Raises:
            ConfigError: The file cannot be written.
        """
        model_files.check_target(filepath, overwrite)
        model_files.write_weights(filepath, self._built()[1])

    @check_keywords(**LOAD_OPTIONS)
    def load_weights(
        self, filepath: str | os.PathLike[str], by_name: bool = False, skip_mismatch: bool = False
    ) -> None:
        """Set the weights to those of a file of `save_weights` or `save`, here or in Keras.

        Args:
            filepath: The file; ``.weights.h5``, ``.h5`` and ``.keras`` files of Keras need the extra ``keras``.
            by_name: Only False: the file has weights of the layers in their order.
            skip_mismatch: Only False: all weights of the file are read.

        Raises:
            ConfigError: A file of Keras, and h5py is not installed; or another option.
            FormatError: A missing, altered or foreign file, or weights of other layers. No weight has changed then.
        """
        for name, value in (("by_name", by_name), ("skip_mismatch", skip_mismatch)):
            if value:
                fix = "Make a model of the layers of the file, load it, and pass layer.get_weights() to set_weights()."
                raise ConfigError(f"{name} is not available", got=repr(value), fix=fix, argument=name)
        if model_files.is_foreign(filepath):
            self._built()
            layers: Sequence[Any] = self._layers
            counts = [len(layer.to_keras_weights(self.layer_params(layer))) for layer in layers]
            arrays = read_keras_weights(filepath, layers, counts)
            with refusing(filepath):
                self.set_weights(arrays)
            return
        model_files.read_weights(filepath, self._to_change()[1])

    def _built(self) -> tuple[Network, Weights]:
        """Return network and weights, shared layers as other models left them; build the model if needed."""
        network, weights = self._built_alone()
        pull(self, self._layers, self._layer_views(weights))
        return network, weights

    def _to_change(self) -> tuple[Network, Weights]:
        """Return the same before the weights are changed: other models with its layers then have what they become."""
        network, weights = self._built()
        take(self, self._layers)
        return network, weights

    def _built_alone(self) -> tuple[Network, Weights]:
        """Return network and weights as this model has them; build the model if needed."""
        if self._network is None or self._weights is None:
            self.build()
        if self._network is None or self._weights is None:
            raise NotFittedError("The model is not built")
        return self._network, self._weights


def _has_own(layer: object, method: str) -> bool:
    """Return whether a layer has a method that is not the empty one of the interface."""
    return hasattr(layer, method) and getattr(type(layer), method, None) is not getattr(Layer, method)
