"""The contract of a layer: a frozen description, a dict of parameters, and functions from one to the other.

Shapes: tensors are packed as `gatecast.kernels.packing` lays them out, float32 [nb, T, F, L] with nb blocks, T time
steps, F features and L lanes; T is 1 where a shape has no time axis. Shapes of samples leave the batch out, (T, F) or
(F,); a T of None stands for any length. `d` before a name is the gradient of the loss with respect to it.

To add a layer, derive a frozen dataclass from `BaseLayer`, or from `StatefulLayer` if it carries a state, and add the
class to `LAYERS`: saving, parameter counts, training and `gatecast.testing.check_layer` then cover it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import MISSING, dataclass, field, fields
from typing import Any, NamedTuple, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from gatecast._utils.validation import check_flag
from gatecast.errors import ConfigError, NotFittedError
from gatecast.kernels.packing import Array, Params
from gatecast.kernels.training_stack import TrainingStack
from gatecast.nn.constraints import Constraint
from gatecast.nn.keras_attributes import LAYER_ATTRIBUTES
from gatecast.nn.layers.arguments import LayerType
from gatecast.nn.layers.checks import check_weights
from gatecast.nn.layers.data_format import DataFormat
from gatecast.nn.layers.shapes import Shape, sample_shape_of, validate_shape
from gatecast.nn.layers.symbolic import call_layer
from gatecast.nn.regularizers import Regularizer

__all__ = [
    "BackwardResult",
    "BaseLayer",
    "CallContext",
    "ForwardResult",
    "Layer",
    "State",
    "StatefulLayer",
    "add_to_stack",
    "backward_from",
    "forward_from",
]

State = tuple[Any, ...]
"""State that a layer carries from step to step: arrays [nb, size, L], the output h first; nested as layers nest."""

ForwardResult = tuple[Array, State | None, Any]
"""Output, state after the last step (None without one), and cache for the backward pass."""

BackwardResult = tuple[Array | None, State | None, Params]
"""Gradients of the input, of the initial state and of the parameters."""


class CallContext(NamedTuple):
    """Settings of one pass through a layer."""

    training: bool = False
    key: int = 0
    """Key of this layer's random numbers in this pass."""
    mask: Array | None = None
    """Steps to use, [nb, T, L] of 0 and 1; None uses every step. x must be finite where the mask is 0."""
    save_for_backward: bool = True
    """Whether a backward pass follows."""
    n_sequences: int | None = None
    """Number of sequences; the lanes behind them are padding. None: every lane holds a sequence."""
    in_shape: Shape | None = None
    """Shape of the input where the packed array does not show it: (T, S, F) is packed as (T, S F)."""


@runtime_checkable
class Layer(Protocol):
    """Interface of every layer."""

    @property
    def input_shape(self) -> Shape | None:
        """Shape of the input if the user gave it, as for the first layer of a network."""

    @property
    def param_names(self) -> tuple[str, ...]:
        """Names of the parameters, in the order of `to_keras_weights`."""

    @property
    def supports_streaming(self) -> bool:
        """Whether a sequence may come in pieces, with the state handed from piece to piece."""

    def output_shape(self, in_shape: Shape, /) -> Shape:
        """Return the shape of the output for a shape of the input."""

    def init(self, rng: np.random.Generator, in_shape: Shape, /) -> Params:
        """Draw initial parameters, float32."""

    def forward(self, params: Params, x: Array, context: CallContext, /) -> ForwardResult:
        """Compute the output.

        Args:
            params: Parameters by name.
            x: Packed input, [nb, T, F, L].
            context: Settings of the pass.

        Returns:
            The output; the state after the last step, or None for a layer without state; the cache that `backward`
            takes, or None without `context.save_for_backward`.
        """

    def backward(self, params: Params, cache: Any, dy: Array | None, need_dx: bool, /) -> BackwardResult:
        """Compute the gradients.

        Args:
            params: Parameters, as passed to `forward`.
            cache: Cache, as returned by `forward`; it may be used more than once.
            dy: Gradient of the output, 0 in padding lanes; None stands for zeros.
            need_dx: Whether to compute the gradient of the input.

        Returns:
            The gradient of the input, or None if not needed; that of the initial state, or None if the pass began
            from the zero state; and those of the parameters by name.
        """

    def update_buffers(self, params: Params, cache: Any, /) -> Params:
        """Return new values of the parameters that no gradient trains, to be set after the update."""

    def add_to_stack(self, stack: TrainingStack, params: Params, grads: Params, /, *, residual: bool = False) -> bool:
        """Add the layer to a stack that is trained in block order.

        Args:
            stack: Has the layers before this one.
            params: Parameters by name; the stack reads these arrays at every step.
            grads: Receive their gradients.
            residual: Whether the layer has a shortcut around it.

        Returns:
            Whether the layer could be added; otherwise the stack is of no use.
        """

    def to_keras_weights(self, params: Params, /) -> list[Array]:
        """Return copies of the parameters in Keras' order and layout."""

    def from_keras_weights(self, weights: Sequence[npt.NDArray[Any]], /) -> Params:
        """Return the parameters for a list of weights in Keras' order and layout."""

    def output_mask(self, x: Array, mask: Array | None, /) -> Array | None:
        """Return the mask of the outputs, which the next layer gets."""

    @property
    def frozen_params(self) -> tuple[str, ...]:
        """Names of the parameters that training does not change."""

    @property
    def is_merge(self) -> bool:
        """Whether the layer joins several inputs."""

    @property
    def makes_masks(self) -> bool:
        """Whether the layer masks steps by itself."""

    @property
    def passes_masks(self) -> bool:
        """Whether a mask behind the layer leaves steps out of the loss, as in Keras."""

    @property
    def regularizers(self) -> Mapping[str, Regularizer]:
        """Penalties on parameters, by their name, that are added to the loss."""

    @property
    def constraints(self) -> Mapping[str, Constraint]:
        """Projections of parameters, by their name, after every update."""


def given_name(layer: object) -> str | None:
    """Return the name that a user has given to a layer; None if there is none, or the model has made one.

    >>> given_name(BaseLayer(name="a")), given_name(BaseLayer())
    ('a', None)
    """
    namespaces = [getattr(layer, "__dict__", {}), *map(vars, type(layer).__mro__)]
    return next((name for each in namespaces if isinstance(name := each.get("name"), str)), None)


@dataclass(frozen=True, repr=False)
class BaseLayer(metaclass=LayerType):
    """Defaults for a layer: it keeps the shape and has no parameters and no state.

    Args:
        input_shape: (T, F) or (F,) if this is the first layer of a network without `Input`.
        name: Name for `get_layer` and for outputs; None: one that a model makes from the class, the first of several
            models.
        trainable: Whether training changes the parameters.
    """

    input_shape: Shape | None = field(default=None, kw_only=True)
    name: str | None = field(default_factory=lambda: None, kw_only=True, compare=False)
    trainable: bool = field(default=True, kw_only=True)

    def __post_init__(self) -> None:
        self._check_base()

    def __getattr__(self, name: str) -> Any:
        """Return the name that a model makes; raise an error that says what to write instead of attributes of Keras."""
        if name == "name":
            first = vars(self).get("_first_model")
            return None if first is None else first.name_of(self)
        text = f"{type(self).__name__!r} object has no attribute {name!r}"
        advice = f". {LAYER_ATTRIBUTES[name]}" if name in LAYER_ATTRIBUTES else ""
        raise AttributeError(text + advice, name=name, obj=self)

    def _check_base(self) -> None:
        """Check the arguments that all layers have; every `__post_init__` calls it."""
        object.__setattr__(self, "input_shape", validate_shape(self, self.input_shape))
        object.__setattr__(self, "trainable", check_flag(self.trainable, "trainable", where=type(self).__name__))
        if isinstance(self, DataFormat):
            self._check_data_format()
        if self.name is not None and not isinstance(self.name, str):
            raise ConfigError("Invalid name", where=type(self).__name__, got=repr(self.name), expected="text")
        if self.name is None:
            # Found by __getattr__ from now on.
            vars(self).pop("name", None)

    def __repr__(self) -> str:
        """Return the layer as it is written, without arguments that have their default."""
        settings = []
        for item in sorted(fields(self), key=lambda item: bool(item.kw_only)):
            value = given_name(self) if item.name == "name" else getattr(self, item.name)
            if item.name == "name" and value is None:
                continue
            if item.default is MISSING and not item.kw_only:
                settings.append(repr(value))
            elif value != item.default:
                settings.append(f"{item.name}={value!r}")
        return f"{type(self).__name__}({', '.join(settings)})"

    def __getstate__(self) -> dict[str, Any]:
        """Return what a copy has: its models let it find its weights again when they are copied."""
        return {name: value for name, value in self.__dict__.items() if name not in ("_owner", "_first_model")}

    def __call__(self, inputs: Any, initial_state: Any = None, **options: Any) -> Any:
        """Return the output for an `Input` or the output of another layer, to make a functional model.

        Args:
            inputs: An `Input` or output; several, in a list, for a layer that joins them.
            initial_state: Outputs that a recurrent layer starts from.
            **options: `mask` and `training`, which are None here: they belong to fit and predict.

        Returns:
            The output; with `return_state` a list of output and states.

        Raises:
            ConfigError: Inputs that are numbers, or do not fit the layer.

        >>> from gatecast.layers import LSTM, Input
        >>> LSTM(8)(Input((24, 1))).shape
        (None, 8)
        """
        given = [name for name, value in options.items() if value not in (None, False)]
        if given:
            fix = "Pass mask= to fit and predict; layers such as Dropout train in fit alone."
            raise ConfigError(f"A layer is called with {', '.join(given)}", where=repr(self), fix=fix)
        return call_layer(self, inputs, initial_state)

    @property
    def input(self) -> Any:
        """What the layer reads in its model, an `Input` or the output of another layer; of a merge layer, a list."""
        return self._in_model("input")

    @property
    def output(self) -> Any:
        """What the layer returns in its model: `Model(model.inputs, layer.output)` has its output.

        Raises:
            AttributeError: The layer is in no model.
            NotFittedError: The model's input shape is unknown.

        >>> from gatecast.layers import LSTM, Dense, Input
        >>> from gatecast.models import Model, Sequential
        >>> model = Sequential([Input((24, 1)), LSTM(8), Dense(1)])
        >>> Model(model.inputs, model.layers[0].output).output_shape
        (None, 8)
        """
        return self._in_model("output")

    def _in_model(self, what: str) -> Any:
        """Return the input or output of the layer in its model."""
        first, owner = (vars(self).get(name) for name in ("_first_model", "_owner"))
        if first is None or owner is None:
            raise AttributeError(f"{self!r} is in no model", name=what, obj=self)
        return (first if first.built else owner).layer_value(self, what)

    @property
    def frozen_params(self) -> tuple[str, ...]:
        """Names of the parameters that training does not change: all of them, or none."""
        return () if self.trainable else self.param_names

    @property
    def is_merge(self) -> bool:
        """Whether the layer joins several inputs: no."""
        return False

    @property
    def makes_masks(self) -> bool:
        """Whether the layer masks steps by itself: no."""
        return False

    @property
    def passes_masks(self) -> bool:
        """Whether a mask behind the layer leaves steps out of the loss: yes."""
        return True

    def get_weights(self) -> list[Array]:
        """Return copies of the weights that a model has for this layer, ordered as in Keras.

        Raises:
            NotFittedError: The layer is in no model, or the model's input shape is unknown.

        >>> from gatecast.layers import Dense, Input
        >>> from gatecast.models import Sequential
        >>> layer = Dense(2)
        >>> model = Sequential([Input((3,)), layer])
        >>> [w.shape for w in layer.get_weights()]
        [(3, 2), (2,)]
        """
        return self.to_keras_weights(self._owner_params())

    def set_weights(self, weights: Sequence[npt.ArrayLike]) -> None:
        """Set the weights that a model has for this layer, in the order and layout of `get_weights`.

        Raises:
            NotFittedError: The layer is in no model, or the model's input shape is unknown.
            DataError: A wrong number of arrays, a wrong shape, NaN or infinity. No weight has changed then.
        """
        params = self._owner_params()
        arrays = check_weights(weights, [w.shape for w in self.to_keras_weights(params)], "layer", repr(self))
        for name, value in self.from_keras_weights(arrays).items():
            params[name][...] = value

    def count_params(self) -> int:
        """Return the number of weights that a model has for this layer."""
        return sum(w.size for w in self.get_weights())

    def compute_output_shape(self, input_shape: Sequence[int | None]) -> tuple[int | None, ...]:
        """Return the shape of the outputs with the samples in front, as Keras does.

        Args:
            input_shape: Shape of the inputs with the samples in front, such as (None, 24, 1).

        Raises:
            ConfigError: A shape that no batch has, or that does not fit the layer.

        >>> from gatecast.layers import LSTM
        >>> LSTM(8).compute_output_shape((None, 24, 1))
        (None, 8)
        """
        shape = sample_shape_of(input_shape, type(self).__name__)
        return (input_shape[0], *self.output_shape(shape))

    def _owner_params(self) -> Params:
        """Return the parameters that a model has for this layer."""
        owner = vars(self).get("_owner")
        if owner is None:
            fix = "Put it into a model, such as Sequential([Input((24, 1)), layer])."
            raise NotFittedError(f"{self!r} has no weights: it is in no model", fix=fix)
        params: Params = owner.own_params(self)
        return params

    @property
    def regularizers(self) -> Mapping[str, Regularizer]:
        """Penalties on parameters, by their name; none."""
        return {}

    @property
    def constraints(self) -> Mapping[str, Constraint]:
        """Projections of parameters, by their name; none."""
        return {}

    def output_mask(self, _x: Array, mask: Array | None, /) -> Array | None:
        """Return the mask of the inputs."""
        return mask

    @property
    def param_names(self) -> tuple[str, ...]:
        """Names of the parameters, in the order of `to_keras_weights`."""
        return ()

    @property
    def supports_streaming(self) -> bool:
        """Whether a sequence may come in pieces, with the state handed from piece to piece."""
        return True

    def output_shape(self, in_shape: Shape) -> Shape:
        """Return the shape of the input."""
        return in_shape

    def init(self, _rng: np.random.Generator, _in_shape: Shape, /) -> Params:
        """Return no parameters."""
        return {}

    def forward(self, params: Params, x: Array, context: CallContext, /) -> ForwardResult:
        """Compute the output, as `Layer.forward` specifies."""
        raise NotImplementedError

    def backward(self, params: Params, cache: Any, dy: Array | None, need_dx: bool, /) -> BackwardResult:
        """Compute the gradients, as `Layer.backward` specifies."""
        raise NotImplementedError

    def update_buffers(self, _params: Params, _cache: Any, /) -> Params:
        """Return no values: gradients train all parameters."""
        return {}

    def add_to_stack(
        self,
        _stack: TrainingStack,
        _params: Params,
        _grads: Params,
        /,
        *,
        residual: bool = False,  # noqa: ARG002
    ) -> bool:
        """Return False: the layer is trained by its own passes."""
        return False

    def to_keras_weights(self, params: Params) -> list[Array]:
        """Return copies of the parameters in Keras' order."""
        return [params[name].copy() for name in self.param_names]

    def from_keras_weights(self, weights: Sequence[npt.NDArray[Any]]) -> Params:
        """Return the parameters for a list of weights in Keras' order."""
        return dict(zip(self.param_names, weights, strict=True))


class StatefulLayer(BaseLayer):
    """A layer with a state: both passes take one more argument, which continues an earlier pass."""

    def forward(
        self, params: Params, x: Array, context: CallContext, /, *, state: State | None = None
    ) -> ForwardResult:
        """Compute the output from an initial state; None stands for the zero state."""
        raise NotImplementedError

    def backward(
        self, params: Params, cache: Any, dy: Array | None, need_dx: bool, /, *, dstate: State | None = None
    ) -> BackwardResult:
        """Compute the gradients; `dstate` is the gradient of the state after the last step, zeros if None."""
        raise NotImplementedError


def forward_from(layer: Layer, params: Params, x: Array, context: CallContext, state: State | None) -> ForwardResult:
    """Run a layer from a state, which a layer without state ignores.

    Args:
        layer: Any layer.
        params: Parameters by name.
        x: Packed input, [nb, T, F, L].
        context: Settings of the pass.
        state: State to start from; None stands for the zero state.

    Returns:
        As `Layer.forward`.

    Example:
        >>> from gatecast.layers import Dropout
        >>> forward_from(Dropout(0.5), {}, np.ones((1, 1, 1, 1), np.float32), CallContext(), None)[0].item()
        1.0
    """
    if isinstance(layer, StatefulLayer):
        return layer.forward(params, x, context, state=state)
    return layer.forward(params, x, context)


def backward_from(
    layer: Layer, params: Params, cache: Any, dy: Array | None, need_dx: bool, dstate: State | None
) -> BackwardResult:
    """Compute the gradients of a layer that ran by `forward_from`.

    Args:
        layer: Layer, as passed to `forward_from`.
        params: Parameters, as passed to `forward_from`.
        cache: Cache, as returned by `forward_from`.
        dy: Gradient of the output; None stands for zeros.
        need_dx: Whether to compute the gradient of the input.
        dstate: Gradient of the state after the last step; None stands for zeros.

    Returns:
        As `Layer.backward`.

    Example:
        >>> from gatecast.layers import Dropout
        >>> backward_from(Dropout(0.5), {}, None, np.ones((1, 1, 1, 1), np.float32), True, None)[0].item()
        1.0
    """
    if isinstance(layer, StatefulLayer):
        return layer.backward(params, cache, dy, need_dx, dstate=dstate)
    return layer.backward(params, cache, dy, need_dx)


def add_to_stack(layer: Layer, stack: TrainingStack, params: Params, grads: Params, **options: Any) -> bool:
    """Add a layer to a stack that is trained in block order, unless it has a pass of its own.

    A class on top of another one that computes something else, but inherits how the other one is added, is not added.

    Args:
        layer: Any layer.
        stack: Has the layers before this one.
        params: Parameters by name.
        grads: Receive their gradients.
        **options: Of the layer's `add_to_stack`.

    Returns:
        Whether the layer could be added.

    Example:
        >>> from gatecast.layers import Dropout
        >>> add_to_stack(Dropout(0.5), TrainingStack(3, has_time=True), {}, {})
        True
        >>> class Doubled(Dropout):
        ...     def forward(self, params, x, context):
        ...         y, state, cache = super().forward(params, x, context)
        ...         return 2 * y, state, cache
        >>> add_to_stack(Doubled(0.5), TrainingStack(3, has_time=True), {}, {})
        False
    """
    added = _defining_class(layer, "add_to_stack")
    passes = [_defining_class(layer, method) for method in ("forward", "backward", "update_buffers")]
    if added is None or not all(issubclass(added, cls) for cls in passes):
        return False
    return layer.add_to_stack(stack, params, grads, **options)


def _defining_class(layer: object, method: str) -> Any:
    """Return the class that defines a method of a layer, or None."""
    return next((cls for cls in type(layer).__mro__ if method in vars(cls)), None)
