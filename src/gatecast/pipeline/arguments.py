"""Arguments of a forecaster: what they are called elsewhere, how they become checked settings, and back."""

from __future__ import annotations

from dataclasses import fields, is_dataclass, replace
from importlib.util import find_spec
from typing import Any

import numpy as np

from gatecast._utils.validation import (
    check_levels,
    check_seed,
    check_steps,
    check_type,
)
from gatecast.config import DataConfig, ForecasterConfig, NetworkConfig, TrainingConfig
from gatecast.data.hierarchy import check_hierarchy
from gatecast.errors import ConfigError
from gatecast.evaluation.point_forecasts import POINTS
from gatecast.evaluation.reconciliation import check_reconciliation
from gatecast.forecasting.presets import check_model

__all__ = [
    "EXOGENOUS",
    "OTHER_NAMES",
    "WITHOUT_EFFECT",
    "as_code",
    "check_output",
    "make_config",
    "refuse_unknown",
    "to_params",
]

OTHER_NAMES = {
    "random_state": "seed",
    "quantiles": "level",
    "horizon": "h",
    "prediction_length": "h",
    "forecast_horizon": "h",
    "output_chunk_length": "h",
    "input_chunk_length": "input_size",
    "lags": "input_size",
    "context_length": "input_size",
    "lookback": "input_size",
    "seasonal_periods": "season_length",
    "season": "season_length",
    "m": "season_length",
    "sp": "season_length",
    "levels": "level",
    "frequency": "freq",
    "models": "model",
    "known": "futr_exog",
    "historic": "hist_exog",
    "static": "stat_exog",
    "futr_exog_list": "futr_exog",
    "hist_exog_list": "hist_exog",
    "stat_exog_list": "stat_exog",
    "epochs": "training=TrainingConfig(max_steps=...)",
    "hidden_size": "network=NetworkConfig(units=...)",
    "country_holidays": "data=DataConfig(holidays=...)",
    "num_samples": "n_paths, of simulate()",
    "n_samples": "n_paths, of simulate()",
}
"""Arguments of other forecasting tools, and what they are called here."""

WITHOUT_EFFECT = {
    "device": "gatecast runs on the CPU",
    "accelerator": "gatecast runs on the CPU",
    "n_jobs": "gatecast uses all cores; set GATECAST_THREADS to change that",
    "num_workers": "gatecast uses all cores; set GATECAST_THREADS to change that",
}
"""Arguments of other forecasting tools that have no counterpart here, and why."""

RECORDS = {"network": NetworkConfig, "training": TrainingConfig, "data": DataConfig}
"""Arguments that are records of settings."""

EXOGENOUS = ("futr_exog", "hist_exog", "stat_exog")


def make_config(params: dict[str, Any]) -> ForecasterConfig:
    """Return checked settings."""
    for name in ("h", "season_length", "input_size"):
        check_steps(params[name], name)
    check_model(params["model"])
    network = check_type(params["network"], "network", NetworkConfig)
    data = check_type(params["data"], "data", DataConfig)
    exogenous = {name: params[name] for name in EXOGENOUS if _is_given(params[name])}
    for name in exogenous:
        if getattr(data, name):
            raise _given_twice(name, f"data=DataConfig({name}=...)")
    if params["input_size"] is not None:
        if network.input_size is not None:
            raise _given_twice("input_size", "network=NetworkConfig(input_size=...)")
        network = replace(network, input_size=params["input_size"])
    settings = {name: params[name] for name in ("h", "model", "season_length", "freq", "id_col", "time_col")}
    if data.integer and check_hierarchy(params["hierarchy"]):
        raise ConfigError(
            "Invalid integer=True: rounded forecasts of series do not add up to those of their totals",
            fix="Leave out integer=True.",
            argument="integer",
        )
    return ForecasterConfig(
        **settings,
        target_col=params["target_col"],
        hierarchy=check_hierarchy(params["hierarchy"]),
        reconciliation=check_reconciliation(params["reconciliation"]),
        level=check_levels(params["level"]),
        point=_check_point(params["point"]),
        seed=check_seed(params["seed"]),
        network=network,
        training=check_type(params["training"], "training", TrainingConfig),
        data=replace(data, **exogenous),
    )


def _check_point(point: Any) -> str:
    """Return what point forecasts are, if they can be that."""
    if not isinstance(point, str) or point not in POINTS:
        raise ConfigError(f"Invalid point {point!r}", expected=" or ".join(map(repr, POINTS)), argument="point")
    return point


def _given_twice(name: str, record: str) -> ConfigError:
    """Return the error for a setting that is given both directly and in a record."""
    return ConfigError(
        f"Invalid {name}: it is given twice, also in {record}", argument=name, fix="Leave one of them out."
    )


def to_params(config: ForecasterConfig) -> dict[str, Any]:
    """Return arguments that make a config, everyday settings as direct arguments."""
    params = {item.name: getattr(config, item.name) for item in fields(ForecasterConfig)}
    params |= {name: getattr(config.data, name) for name in EXOGENOUS}
    params["input_size"] = config.network.input_size
    params["data"] = replace(config.data, futr_exog=(), hist_exog=(), stat_exog=())
    params["network"] = replace(config.network, input_size=None)
    for name, kind in RECORDS.items():
        params[name] = None if params[name] == kind() else params[name]
    return params


OUTPUTS = {"pandas": "pandas", "polars": "polars", "pyarrow": "pyarrow", "arrow": "pyarrow", "dict": "dict"}


def check_output(output: str) -> str:
    """Return the kind of table for `output=`."""
    if not isinstance(output, str) or output not in OUTPUTS:
        expected = "pandas, polars, pyarrow or dict"
        raise ConfigError(f"Invalid output {output!r}", expected=expected, argument="output")
    kind = OUTPUTS[output]
    if kind != "dict" and find_spec(kind) is None:
        fix = f"Run: pip install {kind}"
        raise ConfigError(f"Invalid output {output!r}: {kind} is not installed", argument="output", fix=fix)
    return kind


def _is_given(names: Any) -> bool:
    """Return whether names of columns, or what should be some, are more than None or nothing."""
    return names is not None and not (hasattr(names, "__len__") and len(names) == 0)


def as_code(value: Any) -> str:
    """Return a setting as code, without the fields of records that are the defaults; an array or column as a list."""
    if isinstance(value, list | tuple):
        items = ", ".join(map(as_code, value))
        return f"[{items}]" if isinstance(value, list) else f"({items}{',' * (len(value) == 1)})"
    if hasattr(value, "tolist") and np.ndim(value) == 1:
        return as_code(value.tolist())
    if not is_dataclass(value) or isinstance(value, type):
        return repr(value)
    pairs = ((item, getattr(value, item.name)) for item in fields(value))
    changed = (f"{item.name}={as_code(field)}" for item, field in pairs if field != item.default)
    return f"{type(value).__name__}({', '.join(changed)})"


def refuse_unknown(unknown: dict[str, Any]) -> None:
    """Refuse unknown arguments; for those of other tools, name ours, and for fields of records, the record."""
    for name in unknown:
        records = [argument for argument, kind in RECORDS.items() if name in {item.name for item in fields(kind)}]
        if records:
            kind = RECORDS[records[0]].__name__
            fix = f"It is a field of gatecast.{kind}: Forecaster({records[0]}={kind}({name}=...))."
        elif name in OTHER_NAMES:
            fix = f"In gatecast it is {OTHER_NAMES[name]}."
        elif name in WITHOUT_EFFECT:
            fix = f"Leave it out: {WITHOUT_EFFECT[name]}."
        else:
            fix = "help(gatecast.Forecaster) lists the arguments."
        raise ConfigError(f"Unknown argument {name!r} of Forecaster", fix=fix, argument=name)
