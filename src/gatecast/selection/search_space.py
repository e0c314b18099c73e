"""What a search may choose from: a range or a list for each setting of the networks, and what is chosen by default.

Letters: S series, h horizon, m season.
"""

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

NETWORK = {"units": "units", "n_layers": "n_layers", "input_size": "input_size", "dropout": "dropout"}
TRAINING = {"learning_rate": "learning_rate", "n_members": "n_members"}
"""Names in a space, and what they are called in the records behind a Forecaster."""

NAMES = ("cell", *NETWORK, *TRAINING)
"""What can be searched."""

WHOLE = ("units", "n_layers", "input_size", "n_members")
LOG = ("units", "learning_rate")
"""Where twice as much is a step as large anywhere."""

MOST_DROPOUT = 0.4
"""Beyond it the small networks of few series learn next to nothing."""

RATES = 5.0
"""The learning rate goes up and down by this factor."""


class Range(NamedTuple):
    """Numbers from `low` to `high`, both included."""

    low: float
    high: float
    whole: bool
    log: bool


class Choice(NamedTuple):
    """One of several."""

    options: tuple[Any, ...]


Axis = Range | Choice
Space = dict[str, Axis]


def contains(axis: Axis, value: Any) -> bool:
    """Whether a value can be chosen.

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
    default: Mapping[str, Any], longest: int, network: NetworkConfig, training: TrainingConfig, given: Any = None
) -> Space:
    """Ranges around the default, without what is fixed, narrowed or moved as the user says.

    Args:
        default: As from `defaults`.
        longest: Input size at most: less than the shortest training part.
        network: What is fixed about the networks is not searched.
        training: What is fixed about their training is not searched.
        given: By name: (low, high), or a list to choose from, or one value; None: nothing.

    Raises:
        ConfigError: A name that there is not, or that is fixed; a range that is impossible.

    >>> default = defaults(PanelSummary(np.array([144])), Task(12, 12), Overrides())
    >>> space = make_space(default, 60, NetworkConfig(n_layers=1), TrainingConfig(), {"units": (16, 64)})
    >>> space["units"], "n_layers" in space
    (Range(low=16, high=64, whole=True, log=True), False)
    """
    fixed = _fixed(network, training)
    space = {name: axis for name, axis in _usual(default, longest).items() if name not in fixed}
    if given is None:
        return space
    if not isinstance(given, Mapping):
        raise ConfigError("the space is no dict", got=repr(given), expected='names and ranges, as {"units": (16, 64)}')
    for name, said in given.items():
        if name not in NAMES:
            raise ConfigError("the space has no such setting", got=repr(name), expected=" or ".join(map(repr, NAMES)))
        if name in fixed:
            raise ConfigError(
                f"{name} is fixed and searched at once",
                got=f"{fixed[name]!r} and {said!r}",
                fix=f"Leave {name} out of the space, or out of the network's and training's settings.",
            )
        space[name] = _axis(name, said, longest)
    return space


def apply_choice(
    chosen: Mapping[str, Any], network: NetworkConfig, training: TrainingConfig
) -> tuple[str, NetworkConfig, TrainingConfig]:
    """The model and the two records for what was chosen; for nothing, the default.

    >>> apply_choice({"cell": "gru", "units": 8}, NetworkConfig(n_layers=1), TrainingConfig())[:2]
    ('gru', NetworkConfig(units=8, n_layers=1, input_size=None, dropout=None))
    """
    return (
        str(chosen.get("cell", "lstm")),
        replace(network, **{own: chosen[name] for name, own in NETWORK.items() if name in chosen}),
        replace(training, **{own: chosen[name] for name, own in TRAINING.items() if name in chosen}),
    )


def _fixed(network: NetworkConfig, training: TrainingConfig) -> dict[str, Any]:
    """What the user has fixed, by its name in a space."""
    found = {name: getattr(network, own) for name, own in NETWORK.items()}
    found |= {name: getattr(training, own) for name, own in TRAINING.items()}
    return {name: value for name, value in found.items() if value is not None}


def _usual(default: Mapping[str, Any], longest: int) -> Space:
    """Ranges around the default, which lies inside wherever the series are long enough."""
    units, window, rate = default["units"], default["input_size"], default["learning_rate"]
    widest = min(longest, max(2 * window, 24))
    return {
        "cell": Choice(tuple(CELLS)),
        "units": Range(max(2, units // 4), 2 * units, whole=True, log=True),
        "n_layers": Range(1, max(3, default["n_layers"]), whole=True, log=False),
        "input_size": Range(min(max(3, window // 3), widest), widest, whole=True, log=False),
        "dropout": Range(0.0, MOST_DROPOUT, whole=False, log=False),
        "learning_rate": Range(rate / RATES, rate * RATES, whole=False, log=True),
        "n_members": Range(1, max(4, default["n_members"]), whole=True, log=False),
    }


def _axis(name: str, said: Any, longest: int) -> Axis:
    """What the user says of one setting, checked."""
    single = isinstance(said, str) or not isinstance(said, list | tuple | set | frozenset | range)
    options = (said,) if single else tuple(sorted(said) if isinstance(said, set | frozenset) else said)
    if not options:
        raise ConfigError(f"the space of {name} is empty", expected="(low, high), or a list to choose from")
    options = tuple(one.item() if isinstance(one, np.generic) else one for one in options)
    for one in options:
        _check(name, one, longest)
    if name != "cell" and isinstance(said, tuple):
        if len(options) != 2 or options[0] > options[1]:
            raise ConfigError(
                f"the range of {name} is none",
                got=repr(said),
                expected="(low, high)",
                fix=f"Write a list to choose from: {list(said)}." if len(options) != 2 else "Swap the two.",
            )
        return Range(options[0], options[1], name in WHOLE, name in LOG)
    return Choice(tuple(dict.fromkeys(options)))


def _check(name: str, value: Any, longest: int) -> None:
    """Refuse a value that a setting cannot have."""
    if name == "cell":
        good, expected = isinstance(value, str) and value in CELLS, " or ".join(map(repr, CELLS))
    elif name in WHOLE:
        most = longest if name == "input_size" else np.inf
        good = isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= most
        expected = "a whole number from 1 up"
        if name == "input_size":
            expected = f"a whole number from 1 to {longest}, one less than the shortest training part has rows"
    else:
        number = isinstance(value, int | float) and not isinstance(value, bool)
        good = number and (0 <= value < 1 if name == "dropout" else 0 < value < np.inf)
        expected = "numbers from 0 up to, not including, 1" if name == "dropout" else "numbers above 0"
    if not good:
        raise ConfigError(f"the space of {name} holds what {name} cannot be", got=repr(value), expected=expected)
