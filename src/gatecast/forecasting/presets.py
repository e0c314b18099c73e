"""Which models "auto" consists of, and configs from what users write in `model=`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import is_dataclass
from typing import Any

from gatecast.errors import ConfigError
from gatecast.forecasting import baselines
from gatecast.forecasting.base import ModelConfig, Overrides, PanelSummary, Task
from gatecast.forecasting.own_seasons import DAILY_SEASONS
from gatecast.forecasting.panel_rnn.presets import FEW_SERIES, WEEKS
from gatecast.forecasting.registry import AUTO, REQUIRED, get_model
from gatecast.forecasting.segrnn.presets import segment_length

__all__ = ["auto_models", "check_model", "model_columns", "model_configs", "model_name", "needs_training"]

MAX_STATSFORECAST_SERIES = {"ets": 200, "ces": 2000}
"""Models of the `stats` extra, and the most series that "auto" fits them to: 0.1 and 0.01 seconds a series."""

MAX_TREND_VALUES = 2_000_000
"""Values of all series, at most, that "auto" fits local and global trends to: 10 microseconds each."""

MAX_TREND_SEASON = 85
"""Longest season with which "auto" fits them to few series: of longer ones their 512 values hold too few."""

MAX_PANEL_TREND_SEASON = 4
"""The same for panels: on validation tails of monthly and weekly panels they gained nothing to the other models."""

MONTHS = 12
"""Season of months."""

MAX_SHORT_SEASON = 60
"""Longest season of which autoregressions know all that averages of seasons do; hours and days have longer ones."""

MAX_ARMA_SEASON = 4
"""Longest season with which few series have seasonal ARIMA models: with months single series gained nothing on
validation tails, and panels of few lost."""

SHORT_HORIZON = 6
"""Horizon up to which, without a season, ES-RNN alone joins theta, as validation tails of M3 yearly chose."""

MAX_SMOOTHED_SEASON = 1
"""Season up to which ES-RNN joins: with longer ones it gained nothing on validation tails."""

LONG_HORIZON, MIN_SEGMENTS = 48, 56
"""Horizon and segments of a series from which SegRNN replaces the LSTM of few series of parts of a day, as their
validation tails chose: eight weeks of half hours are the shortest that were measured."""

BASELINES = (baselines.SeasonalNaive, baselines.Naive, baselines.Drift, baselines.Mean)
"""The simple forecasts, in the order in which scores show them."""


def auto_models(panel: PanelSummary, task: Task, overrides: Overrides) -> list[ModelConfig]:
    """Return the models of "auto": a trained and the pretrained network, the theta method, and what else tails chose.

    Example:
        >>> import numpy as np
        >>> [config.name for config in auto_models(PanelSummary(np.full(100, 50)), Task(8, 4), Overrides())]
        ['lstm', 'pretrained', 'dot', 'lgt', 'ar', 'seasonal-ridge']
    """
    return [get_model(name).default_for(panel, task, overrides) for name in auto_names(panel, task)]


def auto_names(panel: PanelSummary, task: Task) -> list[str]:
    """Return the names of the models of "auto"; only their modules are imported.

    Example:
        >>> import numpy as np
        >>> auto_names(PanelSummary(np.array([144])), Task(24, 12))[:3]
        ['lstm', 'pretrained', 'dot']
    """
    from gatecast.forecasting.pretrained.choice import has_high_frequency
    from gatecast.forecasting.pretrained.released import is_available
    from gatecast.forecasting.statsforecast_models import available

    has_few_series, m = panel.n_series < FEW_SERIES, task.season_length
    names: list[str] = []
    if has_few_series and reads_segments(panel, task):
        names.append("segrnn")
    elif has_few_series or m > 1 or task.horizon > SHORT_HORIZON:
        names.append("lstm")
    if m <= MAX_SMOOTHED_SEASON and not has_few_series:
        names.append("es-lstm")
    if is_available():
        names.append("pretrained")
        # Where levels drift, the other network errs less: on tails of hourly series both together err least.
        if has_high_frequency(task):
            names.append("pretrained-lf")
    names += closed_form_models(panel, task)
    if available():
        names += [name for name, limit in MAX_STATSFORECAST_SERIES.items() if panel.n_series <= limit]
    return names


def reads_segments(panel: PanelSummary, task: Task) -> bool:
    """Return whether the network of few series is to read a long look-back in segments: parts of a day, days ahead.

    Example:
        >>> import numpy as np
        >>> panel = PanelSummary(np.array([3000]))
        >>> reads_segments(panel, Task(48, 168, seasons=(24, 168))), reads_segments(panel, Task(100, 7))
        (True, False)
    """
    has_days = not {task.season_length, *task.seasons}.isdisjoint((*DAILY_SEASONS, *WEEKS))
    is_long = panel.typical_length >= MIN_SEGMENTS * segment_length(task)
    return has_days and is_long and task.horizon >= LONG_HORIZON


def closed_form_models(panel: PanelSummary, task: Task) -> list[str]:
    """Return the names of the models of "auto" that are no networks: smoothing, autoregressions, and models of seasons.

    Panels without a season have no autoregressions, which gained on yearly series of M3 and lost on those of M4; nor
    have panels of months, where they gained nothing.

    Example:
        >>> import numpy as np
        >>> closed_form_models(PanelSummary(np.full(100, 50)), Task(8, 1))
        ['dot', 'lgt']
    """
    has_few_series, longest = panel.n_series < FEW_SERIES, max(task.seasons, default=task.season_length)
    max_season = MAX_TREND_SEASON if has_few_series else MAX_PANEL_TREND_SEASON
    names: list[str] = []
    if has_few_series or longest <= MAX_SHORT_SEASON:
        names.append("dot")
    if panel.lengths.sum() <= MAX_TREND_VALUES and task.season_length <= max_season:
        names.append("lgt")
    if has_few_series or longest not in (1, MONTHS):
        names.append("ar")
    return names + _seasonal_models(task.seasons, longest, has_few_series=has_few_series)


def _seasonal_models(seasons: Sequence[int], longest: int, *, has_few_series: bool) -> list[str]:
    """Return the names of those that repeat seasons: what tails chose next to the autoregressions."""
    if longest == 1:
        return []
    from gatecast.forecasting.double_seasonal import season_pair

    is_long = longest > MAX_SHORT_SEASON
    names: list[str] = []
    if has_few_series or is_long:
        names.append("seasonal-copy")
    if has_few_series:
        names.append("seasonal-average")
    if has_few_series and longest <= MAX_ARMA_SEASON:
        names.append("seasonal-arma")
    if is_long:
        names.append("level-shape")
    if is_long or not has_few_series:
        names.append("seasonal-ridge")
    if is_long and season_pair(seasons):
        names.append("double-seasonal")
    return names


def check_model(model: Any) -> None:
    """Refuse what `model=` cannot be, before any data is read.

    Raises:
        ConfigError: An unknown name, or something that is neither a name, a config, a `Sequential` nor a list of these.
    """
    models = model if isinstance(model, list | tuple) else [model]
    if not models:
        raise ConfigError("model=[] names no model", argument="model", fix='Write model="auto".')
    for item in models:
        if isinstance(item, str):
            if item != AUTO:
                get_model(item)
        elif not _is_config(item) and not _is_network(item):
            raise ConfigError(
                f"Invalid model {item!r}",
                argument="model",
                expected="a name, a model config, a Sequential, or a list of these",
            )


def needs_training(model: Any) -> bool:
    """Return whether any model of what a user wrote in `model=` has to be trained before it forecasts.

    Example:
        >>> needs_training("pretrained"), needs_training(["dot", "lstm"]), needs_training("auto")
        (False, True, True)
    """
    items = model if isinstance(model, list | tuple) else [model]
    configs = [get_model(item) if isinstance(item, str) and item != AUTO else item for item in items]
    return any(getattr(config, "needs_training", True) for config in configs)


def model_configs(model: Any, panel: PanelSummary, task: Task, overrides: Overrides) -> list[ModelConfig]:
    """Return the configs of what a user wrote in `model=`; columns are made unique.

    Args:
        model: A name, a config, a `Sequential`, or a list of these.
        panel: What defaults may depend on.
        task: Horizon, season length, quantiles, seed.
        overrides: Settings that the user fixed.
    """
    check_model(model)
    configs: list[ModelConfig] = []
    for item in model if isinstance(model, list | tuple) else [model]:
        if item == AUTO:
            configs += auto_models(panel, task, overrides)
        elif isinstance(item, str):
            configs.append(get_model(item).default_for(panel, task, overrides))
        elif _is_config(item):
            configs.append(item)
        else:
            from gatecast.forecasting.sequential_model.model import SequentialConfig

            configs.append(SequentialConfig.for_network(item, panel, task, overrides))
    return configs


def unique_columns(configs: Sequence[ModelConfig]) -> list[str]:
    """Return the column of each config; a second one of the same name gets a number.

    Example:
        >>> unique_columns([baselines.Naive(), baselines.Naive()])
        ['Naive', 'Naive-2']
    """
    columns: list[str] = []
    for config in configs:
        n = sum(column.rpartition("-")[0] == config.column or column == config.column for column in columns)
        columns.append(config.column if n == 0 else f"{config.column}-{n + 1}")
    return columns


def model_name(model: Any) -> str:
    """Return how a model is called in a text or a file: its name, or that of its config."""
    if isinstance(model, str):
        return model
    if isinstance(model, list | tuple):
        return ", ".join(map(model_name, model))
    return str(model.name) if _is_config(model) else "sequential"


def model_columns(model: Any) -> list[str]:
    """Return the columns of the models that a user wrote in `model=`, other than those of "auto" and of networks.

    Example:
        >>> model_columns(["auto", "dot", baselines.Naive()])
        ['DynamicOptimizedTheta', 'Naive']
    """
    items = model if isinstance(model, list | tuple) else [model]
    configs = [get_model(item) if isinstance(item, str) else item for item in items if item != AUTO]
    return [str(config.column) for config in configs if hasattr(config, "column")]


def _is_config(item: Any) -> bool:
    """Return whether something is an unfitted model."""
    return is_dataclass(item) and not isinstance(item, type) and all(hasattr(item, part) for part in REQUIRED)


def _is_network(item: Any) -> bool:
    """Return whether something is a `Sequential`, whose module takes a moment to import."""
    from gatecast.nn.sequential import Sequential

    return isinstance(item, Sequential)
