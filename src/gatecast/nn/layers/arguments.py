"""Arguments of layers as scripts for Keras write them: other names, arguments without a meaning here, and mistakes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import MISSING, Field, FrozenInstanceError, fields
from typing import Any

from gatecast._utils.keras_names import advice_for
from gatecast._utils.validation import check_flag
from gatecast.errors import ConfigError
from gatecast.kernels.activations import ACTIVATIONS, ALIASES
from gatecast.nn.named import nearest, snake_case

__all__ = ["LayerType", "canonical_activation"]

IGNORED = {
    "autocast": None,
    "batch_size": None,
    "dtype": ("float32", None),
    "implementation": None,
    "input_length": None,
    "ragged": (None, False),
    "seed": None,
    "sparse": (None, False),
    "time_major": (False,),
    "use_cudnn": None,
}
"""Arguments that change nothing here, with the values that are accepted; None: any."""

OLD_NAMES = {("LeakyReLU", "alpha"): "negative_slope"}
"""Arguments of layers of Keras 2 that Keras 3 still reads, and their names."""

ABSENT = {
    "activity_regularizer": "Use kernel_regularizer= or recurrent_regularizer=, which penalize weights.",
    "backward_layer": "Both directions have the same settings here.",
    "data_format": "Time comes before features: (samples, time, features).",
    "dtype": "Everything is computed in float32.",
    "embeddings_initializer": "Build the model and pass the table to layer.set_weights([table]).",
    "embeddings_regularizer": "Set weight_decay in the optimizer, AdamW.",
    "embeddings_constraint": "Leave it out: vectors are not limited.",
    "mask_zero": "Pass mask=(x != 0) to fit, predict and evaluate.",
    "groups": "Use one Conv1D for each group of features and Concatenate.",
    "lora_rank": "Freeze layers with trainable=False instead.",
    "quantization_config": "Everything is computed in float32.",
    "time_major": "Pass x as (samples, time, features).",
    "noise_shape": "Use SpatialDropout1D, or Dropout(rate, variational=True): the same features at every step.",
    "ragged": "Pad the sequences and pass mask= to fit and predict.",
    "sparse": "Inputs are dense arrays.",
    "weights": "Build the model and pass them to model.set_weights or layer.set_weights.",
    "virtual_batch_size": "Set batch_size in fit.",
    "synchronized": "A batch is never split here: BatchNormalization always sees all of it.",
}
"""Arguments that Keras has, and a way without them."""


class LayerType(type):
    """Class of the layer classes: reads the arguments that scripts for Keras pass."""

    def __call__(cls, *args: Any, **kwargs: Any) -> Any:
        """Create a layer."""
        settings = [field for field in fields(cls) if field.init]  # type: ignore[arg-type]
        names = [field.name for field in settings]
        if not kwargs.keys() <= set(names):
            kwargs = _known_arguments(cls.__name__, names, kwargs)
        _check_given(cls.__name__, settings, args, kwargs)
        return super().__call__(*args, **kwargs)

    def __setattr__(cls, name: str, value: Any) -> None:
        """Let instances set `trainable`, as scripts for Keras do; all else of a layer stays as it was written."""
        super().__setattr__(name, _with_trainable(value) if name == "__setattr__" else value)


def _with_trainable(refuse: Callable[[Any, str, Any], None]) -> Callable[[Any, str, Any], None]:
    """Return a `__setattr__` of a frozen class that sets `trainable`, and says what to do instead of the rest."""

    def set_attribute(layer: Any, name: str, value: Any) -> None:
        """Set an attribute."""
        if name == "trainable":
            object.__setattr__(layer, name, check_flag(value, name, where=type(layer).__name__))
            return
        try:
            refuse(layer, name, value)
        except FrozenInstanceError:
            fix = f"Make another layer, {type(layer).__name__}(..., {name}=...); `trainable` alone can be set."
            raise FrozenInstanceError(f"{name} of {layer!r} cannot be changed. {fix}") from None

    return set_attribute


def canonical_activation(value: Any, layer: str, argument: str = "activation", *, softmax: bool = False) -> str:
    """Return the name of an activation.

    Args:
        value: A name, None for ``"linear"``, or a function with such a name, as in `gatecast.activations`.
        layer: Layer that errors name.
        argument: Argument that errors name.
        softmax: Whether ``"softmax"`` is allowed.

    Raises:
        ConfigError: An unknown activation.

    >>> canonical_activation("ReLU", "LSTM"), canonical_activation(None, "Dense")
    ('relu', 'linear')
    """
    if value is None:
        return "linear"
    name = value if isinstance(value, str) else getattr(value, "__name__", "")
    lower = ALIASES.get(name.lower(), name.lower())
    for candidate in (lower, snake_case(name)):
        if candidate in ACTIVATIONS or (softmax and candidate == "softmax"):
            return candidate
    known = [*ACTIVATIONS, *(["softmax"] if softmax else [])]
    fix = advice_for(name, "activations") or nearest(lower, known)
    if lower == "identity":
        fix = "Write 'linear', or None."
    elif lower == "softmax":
        fix = "Softmax couples the units: put it into Dense or Activation."
    elif hasattr(value, "output_shape"):
        fix = f"Put the layer behind this one: {layer}(...), {value!r}."
    elif not isinstance(value, str):
        fix = "A function of your own cannot be used: its slope is not known."
    expected = f"one of {', '.join(repr(known_name) for known_name in known)}, or None"
    raise ConfigError(f"Unknown {argument}", where=layer, got=repr(value), expected=expected, fix=fix)


def _check_given(layer: str, settings: list[Field[Any]], args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> None:
    """Raise an error unless every argument that a layer needs is given, and none of them twice."""
    positional = [field.name for field in settings if not field.kw_only]
    if len(args) > len(positional):
        expected = f"{len(positional)} at most: {', '.join(positional)}" if positional else "none"
        raise ConfigError(f"{layer} has too many positional arguments", got=str(len(args)), expected=expected)
    first = positional[: len(args)]
    if twice := [name for name in first if name in kwargs]:
        fix = "Pass it once, by its name."
        raise ConfigError(f"{layer} has two values for {twice[0]}", fix=fix, argument=twice[0])
    needed = [field.name for field in settings if field.default is MISSING and field.default_factory is MISSING]
    if missing := [name for name in needed if name not in first and name not in kwargs]:
        fix = f"Write {layer}({', '.join(f'{name}=...' for name in needed)})."
        raise ConfigError(f"{layer} lacks {' and '.join(missing)}", fix=fix, argument=missing[0])


def _known_arguments(layer: str, names: list[str], given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments by the names that the layer has."""
    known = {name: value for name, value in given.items() if name in names}
    rest = {name: value for name, value in given.items() if name not in names}
    for name in ("batch_input_shape", "batch_shape"):
        if name in rest:
            known["input_shape"] = tuple(rest.pop(name))[1:]
    if "input_dim" in rest:
        features, length = rest.pop("input_dim"), rest.pop("input_length", None)
        known["input_shape"] = (length, features) if "return_sequences" in names or length else (features,)
    for name, value in rest.items():
        accepted = IGNORED.get(name, ())
        if name == "activity_regularizer" and value is None:
            continue
        if (layer, name) in OLD_NAMES:
            known[OLD_NAMES[layer, name]] = value
            continue
        if accepted is not None and (getattr(value, "__name__", value) not in accepted):
            raise _unknown(layer, name, names)
    return known


def _unknown(layer: str, name: str, names: list[str]) -> ConfigError:
    """Return the error for an argument that a layer does not have."""
    if name in ABSENT:
        return ConfigError(f"{layer} has no argument {name} here, as it has in Keras", fix=ABSENT[name], argument=name)
    expected = f"one of {', '.join(names)}"
    return ConfigError(f"{layer} has no argument {name}", expected=expected, fix=nearest(name, names), argument=name)
