"""Search space: a range or a list of options for each setting of the networks, and the default settings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from gatecast.config import NetworkConfig, TrainingConfig
from gatecast.errors import ConfigError
from gatecast.forecasting.base import Overrides, PanelSummary, Task
from gatecast.forecasting.panel_rnn.model import CELLS, LSTMConfig

__all__ = ["NAMES", "Axis", "Choice", "Range", "Space", "apply_choice", "contains", "defaults", "make_space"]

NETWORK = ("units", "n_layers", "input_size", "dropout")
"""Fields of NetworkConfig that can be searched."""

TRAINING = ("learning_rate", "n_members")
"""Fields of TrainingConfig that can be searched."""

NAMES = ("cell", *NETWORK, *TRAINING)
"""Settings that can be searched."""

INTEGERS = ("units", "n_layers", "input_size", "n_members")
LOGARITHMIC = ("units", "learning_rate")
"""Settings whose doubling is an equal step anywhere."""

MAX_DROPOUT = 0.4
"""Beyond it the small networks of few series learn next to nothing."""

LEARNING_RATE_FACTOR = 5.0
"""The learning rate ranges up and down by this factor."""


class Range(NamedTuple):
    """Numbers from `low` to `high`, both included."""

    low: float
    high: float
    integer: bool
    log: bool


class Choice(NamedTuple):
    """One of several options."""

    options: tuple[Any, ...]


Axis = Range | Choice
Space = dict[str, Axis]


def contains(axis: Axis, value: Any) -> bool:
    """Return whether a value can be chosen.

    Example:
        >>> contains(Range(16, 64, True, True), 32), contains(Choice(("lstm", "gru")), "rnn")
        (True, False)
    """
    return value in axis.options if isinstance(axis, Choice) else axis.low <= value <= axis.high


def defaults(panel: PanelSummary, task: Task, fixed: Overrides) -> dict[str, Any]:
    """Return what `Forecaster(model="lstm")` takes for such series; of members that differ, the first one's.

    Args:
        panel: Number and lengths of the series.
        task: Horizon and season.
        fixed: What the user fixed.

    Example:
        >>> settings = defaults(PanelSummary(np.array([144])), Task(12, 12), Overrides())
        >>> settings["cell"], settings["units"], settings["n_members"]
        ('lstm', 32, 2)
    """
    members = LSTMConfig.default_for(panel, task, fixed).configs
    first = members[0]
    return {
        "cell": first.name,
        "units": int(first.units),
        "n_layers": int(first.n_layers),
        "input_size": int(first.input_size),
        "dropout": float(first.dropout),
        "learning_rate": float(first.learning_rate),
        "n_members": len(members),
    }


def make_space(
    default: Mapping[str, Any],
    max_input_size: int,
    network: NetworkConfig,
    training: TrainingConfig,
    ranges: Any = None,
) -> Space:
    """Return ranges around the default, without fixed settings, with the ranges that the user set.

    Args:
        default: As from `defaults`.
        max_input_size: Largest input size: less than the shortest training part.
        network: What is fixed about the networks is not searched.
        training: What is fixed about their training is not searched.
        ranges: By name: (low, high), a list of options, or a value.

    Raises:
        ConfigError: An unknown or fixed setting; an impossible range.

    Example:
        >>> default = defaults(PanelSummary(np.array([144])), Task(12, 12), Overrides())
        >>> space = make_space(default, 60, NetworkConfig(n_layers=1), TrainingConfig(), {"units": (16, 64)})
        >>> space["units"], "n_layers" in space
        (Range(low=16, high=64, integer=True, log=True), False)
    """
    fixed = _fixed(network, training)
    space = {name: axis for name, axis in _default_space(default, max_input_size).items() if name not in fixed}
    if ranges is None:
        return space
    if not isinstance(ranges, Mapping):
        expected = 'a dict of names and ranges, such as {"units": (16, 64)}'
        raise ConfigError(f"Invalid search_space {ranges!r}", expected=expected, argument="search_space")
    for name, options in ranges.items():
        if name not in NAMES:
            expected = f"one of {', '.join(NAMES)}"
            raise ConfigError(f"Unknown setting {name!r} in search_space", expected=expected, argument="search_space")
        if name in fixed:
            raise ConfigError(
                f"Invalid search_space: {name} is fixed to {fixed[name]!r}",
                got=f"{name}: {options!r}",
                fix=f"Leave {name} out of the search space, or out of network= and training=.",
                argument="search_space",
            )
        space[name] = _axis(name, options, max_input_size)
    return space


def apply_choice(
    chosen: Mapping[str, Any], network: NetworkConfig, training: TrainingConfig
) -> tuple[str, NetworkConfig, TrainingConfig]:
    """Return the model and both records with the chosen settings; for none, the default.

    Example:
        >>> apply_choice({"cell": "gru", "units": 8}, NetworkConfig(n_layers=1), TrainingConfig())[:2]
        ('gru', NetworkConfig(units=8, n_layers=1, input_size=None, dropout=None))
    """
    return (
        str(chosen.get("cell", "lstm")),
        replace(network, **{name: chosen[name] for name in NETWORK if name in chosen}),
        replace(training, **{name: chosen[name] for name in TRAINING if name in chosen}),
    )


def _fixed(network: NetworkConfig, training: TrainingConfig) -> dict[str, Any]:
    """Return what the user fixed, by name."""
    values = {name: getattr(network, name) for name in NETWORK} | {name: getattr(training, name) for name in TRAINING}
    return {name: value for name, value in values.items() if value is not None}


def _default_space(default: Mapping[str, Any], max_input_size: int) -> Space:
    """Return ranges around the default, which lies inside wherever the series are long enough."""
    units, input_size, rate = default["units"], default["input_size"], default["learning_rate"]
    largest = min(max_input_size, max(2 * input_size, 24))
    return {
        "cell": Choice(tuple(CELLS)),
        "units": Range(max(2, units // 4), 2 * units, integer=True, log=True),
        "n_layers": Range(1, max(3, default["n_layers"]), integer=True, log=False),
        "input_size": Range(min(max(3, input_size // 3), largest), largest, integer=True, log=False),
        "dropout": Range(0.0, MAX_DROPOUT, integer=False, log=False),
        "learning_rate": Range(rate / LEARNING_RATE_FACTOR, rate * LEARNING_RATE_FACTOR, integer=False, log=True),
        "n_members": Range(1, max(4, default["n_members"]), integer=True, log=False),
    }


def _axis(name: str, value: Any, max_input_size: int) -> Axis:
    """Return the checked range or options of one setting."""
    is_single = isinstance(value, str) or not isinstance(value, list | tuple | set | frozenset | range)
    options = (value,) if is_single else tuple(sorted(value) if isinstance(value, set | frozenset) else value)
    if not options:
        raise _invalid(name, value, "(low, high), or a list of options")
    options = tuple(option.item() if isinstance(option, np.generic) else option for option in options)
    for option in options:
        _check_option(name, option, max_input_size)
    if name != "cell" and isinstance(value, tuple):
        if len(options) != 2:
            raise _invalid(name, value, "(low, high)", f"Write a list of options: {list(value)}.")
        if options[0] > options[1]:
            raise _invalid(name, value, "(low, high)", f"Write {options[::-1]}.")
        return Range(options[0], options[1], name in INTEGERS, name in LOGARITHMIC)
    return Choice(tuple(dict.fromkeys(options)))


def _check_option(name: str, value: Any, max_input_size: int) -> None:
    """Refuse a value that a setting cannot have."""
    if name == "cell":
        is_valid, expected = isinstance(value, str) and value in CELLS, f"one of {', '.join(CELLS)}"
    elif name in INTEGERS:
        largest = max_input_size if name == "input_size" else np.inf
        is_valid = isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= largest
        expected = "a positive integer"
        if name == "input_size":
            expected = f"an integer from 1 to {max_input_size}, less than the shortest training part"
    else:
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        is_valid = is_number and (0 <= value < 1 if name == "dropout" else 0 < value < np.inf)
        expected = "a number from 0 to less than 1" if name == "dropout" else "a number above 0"
    if not is_valid:
        raise _invalid(name, value, expected)


def _invalid(name: str, value: Any, expected: str, fix: str = "") -> ConfigError:
    """Return the error for an invalid range or option."""
    what = f"Invalid search_space: {name} cannot be {value!r}"
    return ConfigError(what, expected=expected, fix=fix, argument="search_space")
