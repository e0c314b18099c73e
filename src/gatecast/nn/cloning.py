"""Models with the layers of another one, and weights of their own."""

from __future__ import annotations

import copy
from typing import TypeVar

from gatecast._utils.validation import check_type
from gatecast.errors import ConfigError
from gatecast.nn.network import initial_weights
from gatecast.nn.sequential import Sequential

__all__ = ["clone_model"]

AnyModel = TypeVar("AnyModel", bound=Sequential)


def clone_model(
    model: AnyModel,
    input_tensors: object = None,
    clone_function: object = None,
    call_function: object = None,
    recursive: bool = False,  # noqa: ARG001
) -> AnyModel:
    """Return a model with the same layers and fresh weights, as in Keras: it is not compiled.

    Args:
        model: A `Sequential` or a functional model. `copy.deepcopy` copies its weights too.
        input_tensors: Only None.
        clone_function: Only None.
        call_function: Only None.
        recursive: For scripts written for Keras; not used.

    Raises:
        ConfigError: Something else than a model, or another argument.

    Example:
        >>> from gatecast.layers import Dense, Input
        >>> model = Sequential([Input((3,)), Dense(2)])
        >>> clone = clone_model(model)
        >>> clone.set_weights(model.get_weights())
        >>> clone.output_shape
        (None, 2)
    """
    check_type(model, "model", Sequential)
    given = {"input_tensors": input_tensors, "clone_function": clone_function, "call_function": call_function}
    for name, value in given.items():
        if value is not None:
            fix = "Make the model from its layers: Sequential(layers) or Model(inputs, outputs)."
            raise ConfigError(f"clone_model takes no {name}", got=repr(value), fix=fix, argument=name)
    clone = copy.deepcopy(model)
    clone._compiled = clone._training_state = clone.history = None
    if clone._network is not None:
        clone._weights = initial_weights(clone._network, clone.seed)
    return clone
