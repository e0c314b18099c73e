"""Optimizers and schedules as data, for files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from numbers import Real
from typing import Any

from gatecast.errors import ConfigError
from gatecast.nn.optim.base import GradientTransformation, chain
from gatecast.nn.optim.decays import DECAYS
from gatecast.nn.optim.schedules import SCHEDULES
from gatecast.nn.optim.transforms import TRANSFORMS

__all__ = ["from_config", "to_config"]

_SCHEDULES: Mapping[str, Any] = SCHEDULES | DECAYS  # type: ignore[operator]


def to_config(value: Any) -> Any:
    """Return an optimizer or a schedule as data for JSON.

    Raises:
        ConfigError: A schedule that is a function of the user.

    >>> from gatecast.nn.optim import scale_by_learning_rate
    >>> to_config(chain(scale_by_learning_rate(0.1)))
    {'chain': [{'scale_by_learning_rate': {'learning_rate': 0.1}}]}
    """
    if isinstance(value, GradientTransformation) and value.name == "chain":
        return {"chain": [to_config(transform) for transform in value.config["transforms"]]}
    if isinstance(value, GradientTransformation):
        return {value.name: {name: to_config(setting) for name, setting in value.config.items()}}
    if type(value) in _SCHEDULES.values():
        return {type(value).__name__: {field.name: to_config(getattr(value, field.name)) for field in fields(value)}}
    if isinstance(value, tuple):
        return [to_config(item) for item in value]
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, Real):
        return float(value)
    raise ConfigError(f"Cannot save the learning rate {value!r}", expected="a number or a schedule of gatecast.optim")


def from_config(config: Any) -> Any:
    """Return the optimizer or schedule that `to_config` has described.

    Raises:
        ConfigError: An unknown name, or invalid settings.

    >>> from gatecast.nn.optim import cosine, scale_by_learning_rate
    >>> optimizer = scale_by_learning_rate(cosine(0.1, 100))
    >>> from_config(to_config(optimizer)) == optimizer
    True
    """
    if isinstance(config, list):
        return tuple(from_config(item) for item in config)
    if not isinstance(config, Mapping):
        return config
    (name, settings), *more = config.items() or [("", None)]
    if name == "chain" and isinstance(settings, Sequence) and not more:
        return chain(*(from_config(transform) for transform in settings))
    make = TRANSFORMS.get(name) or _SCHEDULES.get(name)
    if make is None or more or not isinstance(settings, Mapping):
        raise ConfigError("Invalid description of an optimizer", got=repr(config))
    try:
        return make(**{key: from_config(value) for key, value in settings.items()})
    except TypeError as error:
        raise ConfigError(f"Invalid settings of {name}", got=repr(dict(settings))) from error
