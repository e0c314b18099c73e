"""The registry of forecasting models: what is built in, and what installed packages add.

A package adds a model through the entry-point group "gatecast.models"; the name of the entry point is the name of the
model, its value a `ModelConfig` class::

    [project.entry-points."gatecast.models"]
    croston = "my_package.croston:Croston"

A plug-in that cannot be imported, is not a model, or takes a name that is taken is refused by name when it is asked
for. It never hides a built-in model.

The names and columns of the built-in models stand here, so that help, completion and checks of names import no model.
"""

from __future__ import annotations

from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any, TypeVar

from gatecast._utils.suggestions import nearest
from gatecast.errors import ConfigError

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

    from gatecast.forecasting.base import ModelConfig

__all__ = [
    "AUTO",
    "BUILT_IN_COLUMNS",
    "CELL_MODELS",
    "GROUP",
    "available_models",
    "broken_models",
    "get_model",
    "refresh",
    "register",
]

GROUP = "gatecast.models"
"""Entry points that add models."""

AUTO = "auto"
"""Name of the choice by the data, which is no model."""

CELL_MODELS = ("lstm", "gru", "rnn", "lstm-peephole", "slstm")
"""Models that differ in their recurrent cell alone."""

BUILT_IN = {
    "gatecast.forecasting.panel_rnn.model": {
        "lstm": "LSTM",
        "gru": "GRU",
        "rnn": "RNN",
        "lstm-peephole": "LSTM-peephole",
        "slstm": "sLSTM",
    },
    "gatecast.forecasting.es_rnn.model": {"es-lstm": "ES-LSTM"},
    "gatecast.forecasting.segrnn.model": {"segrnn": "SegRNN"},
    "gatecast.forecasting.sequential_model.model": {"sequential": "Sequential"},
    "gatecast.forecasting.pretrained.model": {"pretrained": "Pretrained", "pretrained-lf": "PretrainedLF"},
    "gatecast.forecasting.theta": {"dot": "DynamicOptimizedTheta"},
    "gatecast.forecasting.local_global_trend": {"lgt": "LocalGlobalTrend"},
    "gatecast.forecasting.autoregression": {"ar": "Autoregression"},
    "gatecast.forecasting.seasonal_average": {"seasonal-copy": "SeasonalCopy", "seasonal-average": "SeasonalAverage"},
    "gatecast.forecasting.level_shape": {"level-shape": "LevelShape"},
    "gatecast.forecasting.seasonal_ridge": {"seasonal-ridge": "SeasonalRidge"},
    "gatecast.forecasting.double_seasonal": {"double-seasonal": "DoubleSeasonal"},
    "gatecast.forecasting.seasonal_arma": {"seasonal-arma": "SeasonalArma"},
    "gatecast.forecasting.statsforecast_models": {"ets": "AutoETS", "ces": "AutoCES"},
    "gatecast.forecasting.baselines": {
        "naive": "Naive",
        "seasonal-naive": "SeasonalNaive",
        "drift": "Drift",
        "mean": "Mean",
    },
}
"""Modules and the models that they register when they are imported, with their columns, in the order of lists."""

MODULE_OF = {name: module for module, names in BUILT_IN.items() for name in names}
"""The module of each built-in model."""

BUILT_IN_COLUMNS = tuple(column for names in BUILT_IN.values() for column in names.values())
"""The columns of all built-in models."""

UNLISTED = ("sequential",)
"""Models for files: users write the network itself."""

Config = TypeVar("Config", bound=type[Any])

_REGISTERED: dict[str, type[Any]] = {}

REQUIRED = ("name", "column", "family", "default_for", "fit", "from_state")
"""What a class must have to be a model config."""


def register(config: Config) -> Config:
    """Add a model config class to the registry, as a decorator; its `name` is the key.

    Raises:
        ConfigError: The class misses something, or the name is taken.
    """
    _check(config, config.name if hasattr(config, "name") else config.__name__)
    is_taken = config.name == AUTO or MODULE_OF.get(config.name, config.__module__) != config.__module__
    if is_taken or _REGISTERED.get(config.name, config) is not config:
        raise ConfigError(f"Invalid model name {config.name!r}: it is taken", fix="Choose another name.")
    _REGISTERED[config.name] = config
    return config


def _names() -> tuple[str, ...]:
    """Return the names of all registered models, the built-in ones first, whatever was imported first."""
    return (*MODULE_OF, *(name for name in _REGISTERED if name not in MODULE_OF))


def available_models() -> tuple[str, ...]:
    """Return the names of all models that can be used: networks, statistical models, then those of other packages.

    Example:
        >>> available_models()[:3]
        ('lstm', 'gru', 'rnn')
    """
    plug_ins = [name for name, config in _plug_ins().items() if not isinstance(config, str)]
    # A plug-in may have registered itself as well when it was imported.
    names = dict.fromkeys((*_names(), *plug_ins))
    return tuple(name for name in names if name not in UNLISTED)


def broken_models() -> dict[str, str]:
    """Return what is wrong with each installed plug-in that cannot be used."""
    return {name: error for name, error in _plug_ins().items() if isinstance(error, str)}


def get_model(name: str) -> type[ModelConfig]:
    """Return the config class of a model.

    Raises:
        ConfigError: Unknown name, or a plug-in that cannot be used.

    Example:
        >>> get_model("lstm").column
        'LSTM'
    """
    if name in MODULE_OF:
        import_module(MODULE_OF[name])
    if name in _REGISTERED:
        return _REGISTERED[name]
    plug_in = _plug_ins().get(name)
    if isinstance(plug_in, str):
        raise ConfigError(
            f"Model {name!r} cannot be used: {plug_in}", argument="model", fix="Repair or uninstall its package."
        )
    if plug_in is None:
        known = ", ".join((AUTO, *available_models()))
        raise ConfigError(
            f"Unknown model {name!r}", argument="model", expected=f"one of {known}", fix=_suggestion(name)
        )
    return plug_in


def _suggestion(name: str) -> str:
    """Return a sentence that suggests the model of the nearest name or column; "" if none is similar."""
    from gatecast.forecasting.ensemble import COMBINED

    columns = {column: model for models in BUILT_IN.values() for model, column in models.items()}
    names = {COMBINED: AUTO, **columns, **{known: known for known in (AUTO, *available_models())}}
    close = nearest(name.replace("_", "-"), [known for known, model in names.items() if model not in UNLISTED])
    return f"Did you mean {names[close]!r}?" if close else ""


def refresh() -> None:
    """Look for installed plug-ins again."""
    _plug_ins.cache_clear()


@cache
def _plug_ins() -> dict[str, type[Any] | str]:
    """Return config classes of installed packages; for one that cannot be used, a sentence that says why."""
    from importlib.metadata import entry_points

    models: dict[str, type[Any] | str] = {}
    for entry in entry_points(group=GROUP):
        taken = entry.name in (AUTO, *_names(), *models)
        key = f"{entry.name} ({entry.value})" if taken else entry.name
        models[key] = _loaded(entry, taken=taken)
    return models


def _loaded(entry: EntryPoint, *, taken: bool) -> type[Any] | str:
    """Import a plug-in; return its class, or why it cannot be used."""
    if taken:
        return f"its name {entry.name!r} is taken by another model"
    try:
        config = entry.load()
    except (Exception, SystemExit) as error:  # a plug-in may raise anything, and must not break the others
        return f"{entry.value} cannot be imported ({type(error).__name__}: {error})"
    try:
        _check(config, entry.name)
    except ConfigError as error:
        return str(error)
    if config.name != entry.name:
        return f"its entry point is called {entry.name!r}, but its name is {config.name!r}"
    return config  # type: ignore[no-any-return]


def _check(config: Any, name: str) -> None:
    """Refuse a class that misses part of the protocol."""
    missing = [part for part in REQUIRED if not hasattr(config, part)]
    if missing or not isinstance(config, type):
        raise ConfigError(
            f"Invalid model {name!r}: {config!r} is not a model config class",
            expected=f"a class with {', '.join(missing or REQUIRED)}",
        )
