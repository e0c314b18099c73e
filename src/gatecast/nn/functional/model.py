"""`Model`, a functional model with the methods of `Sequential`.

>>> import numpy as np
>>> from gatecast.layers import LSTM, Concatenate, Dense, Input
>>> past, calendar = Input((10, 1), name="past"), Input((3,), name="calendar")
>>> outputs = Dense(1)(Concatenate()([LSTM(8)(past), calendar]))
>>> model = Model([past, calendar], outputs)
>>> model.compile(loss="mean_squared_error", optimizer="adam")
>>> x = [np.zeros((40, 10, 1)), np.ones((40, 3))]
>>> history = model.fit(x, np.ones(40), epochs=2, verbose=0)
>>> model.predict(x).shape
(40, 1)
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from math import prod
from typing import Any, cast

import numpy as np

from gatecast._utils.keywords import check_keywords
from gatecast.errors import ConfigError, DataError, NotFittedError
from gatecast.kernels.packing import Params
from gatecast.nn.compiling import compile_settings
from gatecast.nn.functional.by_output import by_single_output, rows_by_output
from gatecast.nn.functional.calling import Symbolic
from gatecast.nn.functional.output_compiling import OutputsCompiled, compile_outputs
from gatecast.nn.functional.samples import fill_unused, join_parts, join_weights, split_parts, with_steps
from gatecast.nn.functional.tracing import as_list, listed_layers, output_keys, trace_model
from gatecast.nn.keras_attributes import COMPILE_ADVICE
from gatecast.nn.layers import Graph, Input, Layer, Shape
from gatecast.nn.layers.reshape import known_sizes
from gatecast.nn.model_layers import check_name, layer_names, output_names
from gatecast.nn.network import Network, Weights, build
from gatecast.nn.sequential import Sequential
from gatecast.nn.sharing import adopt

__all__ = ["Model"]

STEPS_TO_TRY = tuple(2**k for k in range(13))
"""Layers such as convolutions need some steps: so many are tried in turn where their number is open."""


class _AnyModel(type):
    """Class of `Model`, of which `Sequential` models are instances and subclasses too, as in Keras."""

    def __instancecheck__(cls, instance: Any) -> bool:
        return isinstance(instance, Sequential) if cls is Model else super().__instancecheck__(instance)

    def __subclasscheck__(cls, subclass: type) -> bool:
        return issubclass(subclass, Sequential) if cls is Model else super().__subclasscheck__(subclass)


class Model(Sequential, metaclass=_AnyModel):
    """A model of layers that are called on each other's outputs: branches, several inputs and outputs, shared layers.

    A model whose layers follow each other is the network that `Sequential` makes, at the same speed. Others run as a
    `Graph`. With several inputs or outputs, fit, predict and evaluate take and return lists of arrays, or take dicts
    by name; `sample_weight` too may be a list or dict, with weights for each output. The losses of several outputs are
    added.

    Args:
        inputs: An `Input`, or a list of them.
        outputs: An output of a layer, a list of them, or a dict: then predictions are a dict, and its keys
            are the names of targets, losses and metrics, in the order of the alphabet as in Keras.
        name: A name.
        seed: As for `Sequential`.

    Raises:
        ConfigError: Outputs that depend on other inputs, or inputs that are not used.

    >>> from gatecast.layers import LSTM, Dense
    >>> inputs = Input(shape=(24, 1))
    >>> Model(inputs, Dense(1)(LSTM(50)(inputs))).count_params()
    10451
    """

    def __init__(
        self, inputs: Any = None, outputs: Any = None, name: str | None = None, *, seed: int | None = None
    ) -> None:
        if inputs is None or outputs is None:
            fix = (
                "A subclass of Model with a call method is not available: write the calls down, Model(inputs, outputs)."
            )
            raise ConfigError("Model needs inputs and outputs", fix=fix)
        keys = output_keys(outputs)
        ins, outs = as_list(inputs), as_list(outputs) if keys is None else [outputs[key] for key in keys]
        traced = trace_model(ins, outs)
        names = [value.name or f"input_{k + 1}" for k, value in enumerate(ins)]
        self._set_up([value.sample_shape for value in ins], names, traced.stack, traced.layers, name, seed, keys)
        self._symbolic = Symbolic(ins, outs)

    def _set_up(
        self,
        in_shapes: Sequence[Shape],
        in_names: Sequence[str],
        stack: Sequence[Layer],
        layers: Sequence[Layer],
        name: str | None,
        seed: int | None,
        keys: Sequence[str] | None,
    ) -> None:
        """Set the layers, and build the network."""
        open_shapes = _open_shapes(in_shapes, stack)
        if open_shapes is not None:
            in_shapes = _short_shapes(open_shapes, cast(Graph, stack[0]))
            stack = [replace(cast(Graph, stack[0]), input_shapes=tuple(in_shapes))]
        super().__init__(
            [Input(_joined_shape(in_shapes)), *stack], name="functional" if name is None else name, seed=seed
        )
        self._in_shapes, self._open_shapes, self._input_names = list(in_shapes), open_shapes, list(in_names)
        self._output_keys = None if keys is None else list(keys)
        self._stack, self._layers = list(stack), list(layers)
        for layer in layers:
            check_name(layers, layer)
            adopt(self, layer)
        self.build()

    def add(self, layer: Layer | Input | Sequential) -> None:
        """Append a layer while the model is made; afterwards its layers are fixed.

        Raises:
            ConfigError: The model is complete.
        """
        if hasattr(self, "_stack"):
            fix = "Call the layer on the output and make a new model: Model(inputs, layer(outputs))."
            raise ConfigError("A functional model has no add", got=repr(layer), fix=fix)
        super().add(layer)

    @property
    def layers(self) -> list[Any]:
        """Inputs and layers, those farthest from an output first, as in Keras."""
        return listed_layers(*self._as_written())

    @property
    def input_shape(self) -> Any:
        """The shape of x with None for the samples; of several inputs, a list."""
        shapes = [(None, *shape) for shape in self._sample_shapes()]
        return shapes[0] if len(shapes) == 1 else shapes

    @property
    def output_shape(self) -> Any:
        """The shape of the predictions with None for the samples; of several outputs, a list."""
        shapes = [(None, *shape) for shape in self._out_shapes]
        return shapes[0] if len(shapes) == 1 else shapes

    @property
    def output_names(self) -> list[str]:
        """Names of the outputs: those of the layers that they come from."""
        graph = self._graph
        return [layer_names(self._layers)[-1]] if graph is None else output_names(graph)

    @property
    def _target_names(self) -> list[str]:
        """Names of targets, losses and metrics: the keys of outputs that were passed as a dict, else `output_names`."""
        return self.output_names if self._output_keys is None else self._output_keys

    def _sample_shapes(self) -> list[Shape]:
        """Return the shape of a sample of each input; None for a number of steps that arrays tell."""
        return self._open_shapes or self._in_shapes

    def _layer_views(self, weights: Weights) -> Sequence[Params]:
        """Return the parameters of each layer."""
        graph = self._graph
        if graph is None:
            return weights.views
        return [graph.layer_params(k, weights.views[0]) for k in range(len(graph.layers))]

    def _parts(self) -> tuple[Network, Weights]:
        """Return network and weights layer by layer, those of a graph too."""
        network, weights = self._built()
        graph = self._graph
        if graph is None:
            return network, weights
        shapes = (network.shapes[0], *graph.layer_shapes(network.shapes[0]))
        views = tuple(graph.layer_params(k, weights.views[0]) for k in range(len(graph.layers)))
        return Network(graph.layers, shapes), Weights(weights.vector, views)

    @check_keywords(**COMPILE_ADVICE)
    def compile(
        self,
        optimizer: Any = "rmsprop",
        loss: Any = None,
        loss_weights: Any = None,
        metrics: Any = None,
        weighted_metrics: Any = None,
        run_eagerly: bool = False,
        steps_per_execution: int = 1,
        jit_compile: Any = "auto",
        auto_scale_loss: bool = True,
    ) -> None:
        """Set optimizer, loss and metrics; see `Sequential.compile`.

        Args:
            optimizer: As for `Sequential.compile`.
            loss: The same; for several outputs also a list, or a dict by name. Their losses are added. An output whose
                loss is None is not trained, and needs no targets.
            loss_weights: Factors of the losses, a list or a dict by name; a number for one output.
            metrics: As for `Sequential.compile`. For several outputs a list with the metrics of each, such as
                `[["mae"], ["mae", "mse"]]`, or a dict by name, in which outputs may be missing. In the history they
                are `<output>_mae`, next to `<output>_loss`.
            weighted_metrics: The same, for metrics that use `sample_weight`.
            run_eagerly: As for `Sequential.compile`.
            steps_per_execution: The same.
            jit_compile: The same.
            auto_scale_loss: The same.

        Raises:
            ConfigError: An unknown name, or another number of losses.
        """
        options = {"run_eagerly": run_eagerly, "steps": steps_per_execution}
        options |= {"jit": jit_compile, "scale": auto_scale_loss}
        before, names = self.optimizer, self._target_names
        if len(names) > 1:
            settings = (loss, loss_weights, metrics, weighted_metrics)
            outputs = names, self._known_shapes()
            self._compiled = compile_outputs(optimizer, *settings, outputs=outputs, options=options)
        else:
            loss, metrics, weighted_metrics = (
                by_single_output(value, names[0], argument)
                for value, argument in (
                    (loss, "loss"),
                    (metrics, "metrics"),
                    (weighted_metrics, "weighted_metrics"),
                )
            )
            options["loss_weights"] = loss_weights
            self._compiled = compile_settings(optimizer, loss, metrics, weighted_metrics, options)
        self._keep_training_state(before)

    def predict(self, x: Any, *args: Any, **options: Any) -> Any:
        """Predict outputs; see `Sequential.predict`.

        Several inputs are a list or a dict. Several outputs are a list, or a dict if the model was made with one.
        """
        parts = split_parts(super().predict(x, *args, **options), self._out_shapes)
        if self._output_keys is None:
            return parts
        return dict(zip(self._output_keys, parts if isinstance(parts, list) else [parts], strict=True))

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Model:
        """Load a functional model that `save` has written.

        Args:
            path: The file.

        Raises:
            FormatError: A missing, truncated, altered or foreign file, or one of a newer version.
        """
        return cls.from_sequential(Sequential.load(path))

    @classmethod
    def from_sequential(cls, loaded: Sequential) -> Model:
        """Return a functional model with the layers and weights of a stack.

        Args:
            loaded: The stack; a `Graph` alone is taken apart.
        """
        model = cls.__new__(cls)
        network, weights = loaded.network, loaded.weights
        first: Any = network.layers[0]
        graph = first if isinstance(first, Graph) else None
        shapes = [network.shapes[0]] if graph is None else list(graph.input_shapes)
        names = loaded._input_names or [f"input_{k + 1}" for k in range(len(shapes))]
        layers = network.layers if graph is None else graph.layers
        shapes = loaded._open_shapes or shapes
        model._set_up(shapes, names, network.layers, layers, loaded.name, loaded.seed, loaded._output_keys)
        model.weights.vector[:] = weights.vector
        model._compiled, model._training_state = loaded._compiled, loaded._training_state
        model.history = loaded.history
        return model

    @property
    def _graph(self) -> Graph | None:
        """The graph, unless the layers follow each other."""
        first: Any = self._stack[0]
        return first if isinstance(first, Graph) else None

    def _named_inputs(self) -> dict[str, Shape]:
        """Return the names of the inputs, with the shape of a sample of each."""
        return dict(zip(self._input_names or (), self._in_shapes, strict=True))

    def _output_names(self) -> list[str]:
        """Return the names of the outputs, with a number where a layer has several."""
        names: list[str] = []
        for name in self.output_names:
            n = sum(known == name or known.startswith(f"{name}.") for known in names)
            names.append(f"{name}.{n}" if n else name)
        return names

    def _network_layers(self) -> Sequence[Layer]:
        """Return the layers of the network: a graph alone, or the layers themselves."""
        return self._stack

    @property
    def _out_shapes(self) -> list[Shape]:
        """Shape of every output."""
        if self._network is None:
            raise NotFittedError("The model is not built")
        graph = self._graph
        return [self._network.shapes[-1]] if graph is None else graph.output_shapes(self._network.shapes[0])

    def _take_steps(self, x: Any, *, to_change: bool = True) -> None:
        """Make the network for the numbers of steps of arrays, where these are open; its weights stay.

        Raises:
            DataError: Other numbers than those of a training or evaluation that is running.
        """
        if self._open_shapes is None or x is None:
            return
        shapes = with_steps(x, self._open_shapes, self._input_names or ())
        is_known = len(shapes) == len(self._in_shapes) and not any(None in shape for shape in shapes)
        if is_known and shapes != self._in_shapes:
            if self.is_training or not to_change:
                got, expected = (str([(None, *shape) for shape in known]) for known in (shapes, self._in_shapes))
                fix = "Make batches of sequences of one length, padded with a value that Masking leaves out."
                raise DataError("The number of steps changes within a call", got=got, expected=expected, fix=fix)
            self._in_shapes, self._in_shape = shapes, _joined_shape(shapes)
            self._stack = [replace(cast(Graph, self._stack[0]), input_shapes=tuple(shapes))]
            self._network = build(self._stack, self._in_shape)
            if isinstance(self._compiled, OutputsCompiled):
                self._compiled.take_shapes(self._known_shapes())

    def _join_x(self, x: Any) -> Any:
        """Return several inputs as one array."""
        return join_parts(x, self._in_shapes, self._input_names or (), "x")

    def _join_y(self, y: Any) -> Any:
        """Return several targets as one array."""
        compiled = self._compiled
        if isinstance(compiled, OutputsCompiled) and any(compiled.unused):
            y = fill_unused(y, compiled.unused, self._known_shapes(), self._target_names)
        return join_parts(y, self._out_shapes, self._target_names, "y")

    def _join_weight(self, weight: Any, name: str = "sample_weight") -> Any:
        """Return weights of samples of several outputs as weights of all values."""
        names = self._target_names
        if weight is None or len(names) > 1:
            return None if weight is None else join_weights(weight, self._known_shapes(), names, name)
        parts = rows_by_output(weight, names, name) if isinstance(weight, Mapping) or _holds_rows(weight) else None
        return weight if parts is None else parts[0]

    def _known_shapes(self) -> list[tuple[int, ...]]:
        """Shape of a sample of every output of several, whose numbers of steps are known."""
        return [known_sizes(shape, "Model") for shape in self._out_shapes]

    def _values(self, logs: dict[str, Any]) -> Any:
        """Return the loss, or a list of losses and metrics in the order of `metrics_names`."""
        if len(self._out_shapes) == 1 or len(logs) == 1:
            return super()._values(logs)
        return [logs[name] for name in self.metrics_names]


def _open_shapes(shapes: Sequence[Shape], stack: Sequence[Layer]) -> list[Shape] | None:
    """Return the shapes of inputs that are joined, if some number of steps is open; else None."""
    first: Any = stack[0]
    is_joined = isinstance(first, Graph) and (len(shapes) > 1 or len(first.outputs) > 1)
    return list(shapes) if is_joined and any(None in shape for shape in shapes) else None


def _short_shapes(shapes: Sequence[Shape], graph: Graph) -> list[Shape]:
    """Return shapes with as few steps as the layers need, which show what the weights are until there are arrays."""
    for steps in STEPS_TO_TRY:
        short = [tuple(steps if size is None else size for size in shape) for shape in shapes]
        with suppress(ConfigError):
            replace(graph, input_shapes=tuple(short)).output_shapes(_joined_shape(short))
            return short
    # The error says which layer needs more.
    return short


def _joined_shape(shapes: Sequence[Shape]) -> Shape:
    """Return the shape of a sample of all inputs."""
    return shapes[0] if len(shapes) == 1 else (sum(prod(known_sizes(shape, "Model")) for shape in shapes),)


def _holds_rows(weight: Any) -> bool:
    """Return whether weights are a list with one array in it, as Keras takes them of one output."""
    return isinstance(weight, list | tuple) and len(weight) == 1 and np.ndim(weight[0]) > 0
