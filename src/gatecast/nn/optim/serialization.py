"""Optimizers and schedules as data, for files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from numbers import Real
from typing import Any

from gatecast.errors import ConfigError
from gatecast.nn.optim.schedules import SCHEDULES
from gatecast.nn.optim.transforms import TRANSFORMS, GradientTransformation, chain

__all__ = ["from_config", "to_config"]


def to_config(value: Any) -> Any:
    """Return an optimizer or a schedule as data for JSON.

    Raises:
        ConfigError: A schedule that is a function of the user.

    >>> from gatecast.nn.optim.optimizers import SGD
    >>> to_config(SGD(0.1))
    {'chain': [{'scale_by_learning_rate': {'learning_rate': 0.1}}]}
    """
    if isinstance(value, GradientTransformation) and value.name == "chain":
        return {"chain": [to_config(transform) for transform in value.config["transforms"]]}
    if isinstance(value, GradientTransformation):
        return {value.name: {name: to_config(setting) for name, setting in value.config.items()}}
    if type(value) in SCHEDULES.values():
        return {type(value).__name__: {field.name: to_config(getattr(value, field.name)) for field in fields(value)}}
    if isinstance(value, bool | int):
        return value
    if isinstance(value, Real):
        return float(value)
    raise ConfigError(f"Cannot save the learning rate {value!r}", expected="a number or a schedule of gatecast.optim")


def from_config(config: Any) -> Any:
    """Return the optimizer or schedule that `to_config` has described.

    Raises:
        ConfigError: An unknown name, or invalid settings.

    >>> from gatecast.nn.optim.optimizers import SGD
    >>> from gatecast.nn.optim.schedules import cosine
    >>> from_config(to_config(SGD(cosine(0.1, 100)))) == SGD(cosine(0.1, 100))
    True
    """
    if not isinstance(config, Mapping):
        return config
    (name, settings), *more = config.items() or [("", None)]
    if name == "chain" and isinstance(settings, Sequence) and not more:
        return chain(*(from_config(transform) for transform in settings))
    make = TRANSFORMS.get(name) or SCHEDULES.get(name)
    if make is None or more or not isinstance(settings, Mapping):
        raise ConfigError("Invalid description of an optimizer", got=repr(config))
    try:
        return make(**{key: from_config(value) for key, value in settings.items()})
    except TypeError as error:
        raise ConfigError(f"Invalid settings of {name}", got=repr(dict(settings))) from error
