"""A fitted forecaster as one file: safetensors with a header of JSON. Loading never executes anything.

The panel goes along, so that a forecaster that was loaded can predict. Models write their own state.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Any, cast

import numpy as np
import numpy.typing as npt

from gatecast._utils import safefile
from gatecast._utils.arrays import to_integers
from gatecast._utils.deferred import Deferred
from gatecast._utils.schema import SchemaError, from_json
from gatecast.config import DataConfig, ForecasterConfig, NetworkConfig, TrainingConfig
from gatecast.data.frequency import parse
from gatecast.data.panel import Hierarchy, KeyTypes, Panel
from gatecast.errors import ConfigError
from gatecast.evaluation.backtest import evaluation_columns, test_table
from gatecast.evaluation.bounds import Bounds
from gatecast.evaluation.calibration import AssumedWidths, ConformalCalibrator
from gatecast.evaluation.model_weights import ModelWeights
from gatecast.evaluation.reconciliation import Reconciler
from gatecast.evaluation.splits import Split
from gatecast.forecasting.base import ForecastModel, ModelState, Task
from gatecast.forecasting.ensemble import FittedEnsemble
from gatecast.forecasting.exogenous_regression import ExogenousRegression
from gatecast.forecasting.median import FittedMedian, MedianOf, members_of
from gatecast.forecasting.panel_effects import PanelEffects
from gatecast.forecasting.panel_season import PanelSeason
from gatecast.forecasting.presets import model_name
from gatecast.forecasting.registry import get_model
from gatecast.pipeline.data_checks import check_bounds
from gatecast.pipeline.file_schema import check_config, check_forecaster
from gatecast.pipeline.state import FittedState
from gatecast.results import Evaluation, Score

__all__ = ["from_file", "read", "to_file", "write"]

KIND = "forecaster"
ROLES = ("futr_exog", "hist_exog", "stat_exog")

Arrays = dict[str, Any]


def write(
    path: str | os.PathLike[str],
    config: ForecasterConfig,
    state: FittedState,
    kind: str = "dict",
    *,
    by_predict: bool = False,
) -> None:
    """Write a file, in full or not at all.

    Args:
        path: Where.
        config: The settings.
        state: What was fitted, with the series.
        kind: Kind of the source table, and of results.
        by_predict: Whether a `predict` without `fit` fitted it, for itself alone.

    Raises:
        ConfigError: The file cannot be written there, or ids that JSON cannot hold.
    """
    header, arrays = to_file(config, state, kind)
    safefile.write(path, KIND, header | ({"fitted_by_predict": True} if by_predict else {}), arrays)


def to_file(config: ForecasterConfig, state: FittedState, kind: str) -> tuple[dict[str, Any], Arrays]:
    """Return a forecaster as settings for JSON and arrays.

    Args:
        config: The settings.
        state: What was fitted, with the series.
        kind: Kind of the source table.

    Raises:
        ConfigError: Ids that JSON cannot hold.
    """
    panel, arrays = _panel_out(state.panel)
    calibrator = state.calibrator
    header: dict[str, Any] = {
        "config": _config_out(config),
        "table": kind,
        "panel": panel,
        "calibrator": {
            "name": calibrator.name,
            "weights": calibrator.weights.shared,
            "levels": list(calibrator.margins),
            "season_length": calibrator.season_length,
            "bounds": calibrator.bounds._asdict(),
            "error_autocorrelation": calibrator.error_autocorrelation,
            "point": calibrator.point,
            "mean_factor": calibrator.mean_factor,
            "assumed": calibrator.assumed._asdict(),
        },
        "reconciliation": None if calibrator.reconciler is None else calibrator.reconciler.method,
        "state": {
            "season_length": state.season_length,
            "notes": list(state.notes),
            "training_history": state.training_history,
            "seconds": state.seconds,
        },
    }
    header["ensemble"], models = _ensemble_out(state.ensemble)
    if state.evaluation is not None:
        header["evaluation"], columns = _evaluation_out(state.evaluation, state.panel)
        arrays |= columns
    arrays |= {f"weights.{name}": weights for name, weights in calibrator.weights.by_series.items()}
    arrays |= {f"margins.{k}": margins for k, margins in enumerate(calibrator.margins.values())}
    if calibrator.reconciler is not None:
        arrays["reconciliation.errors"] = calibrator.reconciler.errors
    return header, arrays | models


def read(path: str | os.PathLike[str]) -> tuple[ForecasterConfig, FittedState, str, bool]:
    """Read a file.

    Returns:
        The settings, what was fitted, the kind of the source table, and whether a `predict` without `fit` fitted it.

    Raises:
        FormatError: No such file, or one that is truncated, altered, foreign, or newer than this version.
        ConfigError: A model of a package that is not installed.
    """
    header, arrays = safefile.read(path, KIND)
    return *from_file(path, header, dict(arrays)), bool(header.get("fitted_by_predict", False))


def from_file(
    path: str | os.PathLike[str], header: Mapping[str, Any], arrays: Arrays
) -> tuple[ForecasterConfig, FittedState, str]:
    """Return a forecaster from what `to_file` returned.

    Args:
        path: The file that it was read from, for errors.
        header: The settings.
        arrays: The arrays.

    Raises:
        FormatError: They do not describe a forecaster.
        ConfigError: A model of a package that is not installed.
    """
    with safefile.describing("a forecaster", path):
        header = check_forecaster(header, arrays)
        ensemble, panel = _ensemble_in(header["ensemble"], arrays), _panel_in(header["panel"], arrays)
        settings, about = header["calibrator"], header["state"]
        calibrator = ConformalCalibrator(
            settings["name"],
            ensemble.task.quantiles,
            _weights_in(settings["weights"], arrays),
            {level: arrays[f"margins.{k}"] for k, level in enumerate(settings["levels"])},
            settings["season_length"],
            settings["bounds"],
            settings["error_autocorrelation"],
            settings.get("point", "median"),
            settings.get("mean_factor", 1.0),
            _reconciler_in(header.get("reconciliation"), arrays),
            AssumedWidths(**settings.get("assumed", {})),
        )
        scored = None
        if "evaluation" in header:
            evaluation = _evaluation_in(header["evaluation"], arrays, panel)
            scored = Deferred.known(replace(evaluation, findings=tuple(about["notes"])))
        state = FittedState(
            panel,
            about["season_length"],
            tuple(about["notes"]),
            ensemble,
            calibrator,
            scored,
            about["training_history"],
            about["seconds"],
        )
        config = _config_in(header["config"], ensemble)
        if calibrator.bounds != Bounds(config.data.lower_bound, config.data.upper_bound, config.data.integer):
            raise SchemaError("calibrator.bounds are not those of config.data")
        check_bounds(panel, config.data)
        return config, state, header["table"]


CONFIGS = {"network": NetworkConfig, "training": TrainingConfig, "data": DataConfig}


def _config_out(config: ForecasterConfig) -> dict[str, Any]:
    """Return the settings as JSON; of models that are not names, the models themselves are in the file."""
    settings = {name: getattr(config, name) for name in ForecasterConfig.__dataclass_fields__ if name not in CONFIGS}
    # An integer, or a Freq, is a frequency too.
    settings["freq"] = None if config.freq is None else str(config.freq)
    model = config.model
    names = model if isinstance(model, list | tuple) else [model]
    settings["model"] = model if all(isinstance(name, str) for name in names) else None
    settings["models"] = model_name(model)
    return settings | {name: asdict(getattr(config, name)) for name in CONFIGS}


def _config_in(settings: Mapping[str, Any], ensemble: FittedEnsemble) -> ForecasterConfig:
    """Return the settings from JSON."""
    config: ForecasterConfig = from_json(
        ForecasterConfig, {name: value for name, value in settings.items() if name != "models"}, "config"
    )
    if config.model is None:
        models = [_model_out_of(config) for config in ensemble.configs]
        config = replace(config, model=models[0] if len(models) == 1 else models)
    return check_config(config)


def _model_out_of(config: Any) -> Any:
    """Return what a user would write in `model=` for a config: a user's network itself, else the config."""
    member = members_of(config)[0]
    return getattr(member, "model", None) or config


def _panel_out(panel: Panel) -> tuple[dict[str, Any], Arrays]:
    """A panel as JSON and arrays."""
    ids = [name.item() if isinstance(name, np.generic) else name for name in panel.ids.tolist()]
    if not all(isinstance(name, str | int | float) for name in ids):
        raise ConfigError("Series of these names cannot be saved", got=repr(ids[0]), expected="text or numbers")
    about = {
        "ids": ids,
        "keys": {name: column.tolist() for name, column in panel.keys.items()},
        "freq": str(panel.freq),
        "names": asdict(panel.columns),
        "dated": panel.start.dtype.kind == "M",
        "clock": panel.utc_offset_minutes,
        "key_types": panel.key_types.to_json(),
        "categories": {name: list(words) for name, words in panel.categories.items()},
        "columns": {role: list(getattr(panel, role)) for role in ROLES},
        "known_future": list(panel.known_future),
        "holidays": {country: list(names) for country, names in panel.holidays.items()},
        "levels": None if panel.hierarchy is None else list(map(list, panel.hierarchy.levels)),
    }
    about |= {name: True for name in ("skips_outliers", "keeps_last") if getattr(panel, name)}
    arrays = {"values": panel.values, "indptr": panel.indptr, "start": panel.start.astype(np.int64)}
    columns = {f"{role}.{k}": column for role in ROLES for k, column in enumerate(getattr(panel, role).values())}
    known = {f"known_future.{k}": values for k, values in enumerate(panel.known_future.values())}
    if panel.hierarchy is not None:
        arrays["parents"] = panel.hierarchy.parents
    return about, arrays | columns | known


def _panel_in(about: Mapping[str, Any], arrays: Arrays) -> Panel:
    """A panel from JSON and arrays."""
    start = arrays["start"].astype("M8[us]") if about["dated"] else arrays["start"]
    columns: dict[str, Any] = {
        role: {name: arrays[f"{role}.{k}"] for k, name in enumerate(about["columns"][role])} for role in ROLES
    }
    return Panel(
        arrays["values"],
        arrays["indptr"],
        _ids_in(about["ids"]),
        start,
        parse(about["freq"]),
        about["names"],
        **columns,
        utc_offset_minutes=about["clock"],
        categories={name: tuple(words) for name, words in about["categories"].items()},
        skips_outliers=about.get("skips_outliers", False),
        keeps_last=about.get("keeps_last", False),
        key_types=KeyTypes.from_json(about["key_types"]),
        keys={name: _ids_in(column) for name, column in about.get("keys", {}).items()},
        known_future={name: arrays[f"known_future.{k}"] for k, name in enumerate(about.get("known_future", ()))},
        holidays={country: tuple(names) for country, names in about.get("holidays", {}).items()},
        hierarchy=_hierarchy_in(about.get("levels"), arrays),
    )


def _hierarchy_in(levels: list[list[str]] | None, arrays: Arrays) -> Hierarchy | None:
    """Which series of a panel are sums, from JSON and arrays."""
    return None if levels is None else Hierarchy(tuple(map(tuple, levels)), arrays["parents"])


def _reconciler_in(method: Any, arrays: Arrays) -> Reconciler | None:
    """How forecasts are made to add up, from JSON and arrays."""
    return None if method is None else Reconciler(method, arrays["reconciliation.errors"])


def _ids_in(values: list[Any]) -> npt.NDArray[Any]:
    """Ids from JSON: integers as such, everything else as objects."""
    are_integers = all(type(value) is int for value in values)
    return to_integers(values) if are_integers else np.asarray(values).astype(object)


def _weights_in(shared: dict[str, float], arrays: Arrays) -> ModelWeights:
    """Return the weights of models from JSON and arrays."""
    names = [f"weights.{name}" for name in shared]
    return ModelWeights(shared, {key.partition(".")[2]: arrays[key] for key in names if key in arrays})


def _evaluation_out(evaluation: Evaluation, panel: Panel) -> tuple[dict[str, Any], Arrays]:
    """Scores and the models' columns of the test part; the others are those of the panel."""
    model_columns = [name for name in evaluation.table if name not in test_table(panel, evaluation.split_sizes[2])[1]]
    scores = [asdict(score) | {"coverage": list(score.coverage.items())} for score in evaluation.scores]
    about = {
        "sizes": evaluation.split_sizes,
        "season": evaluation.season_length,
        "horizon": evaluation.horizon,
        "scores": scores,
        "verdict": evaluation.verdict,
        "columns": model_columns,
    }
    return about, {f"evaluation.{k}": evaluation.table[name] for k, name in enumerate(model_columns)}


def _evaluation_in(about: Mapping[str, Any], arrays: Arrays, panel: Panel) -> Evaluation:
    """Scores and test part."""
    cutoff, table = test_table(panel, about["sizes"][2])
    table |= {name: arrays[f"evaluation.{k}"] for k, name in enumerate(about["columns"])}
    scores = tuple(Score(**{**item, "coverage": dict(item["coverage"])}) for item in about["scores"])
    return Evaluation(
        cutoff,
        Split(*about["sizes"]),
        about["season"],
        about["horizon"],
        scores,
        table,
        about["verdict"],
        evaluation_columns(panel),
    )


def _ensemble_out(ensemble: FittedEnsemble) -> tuple[dict[str, Any], Arrays]:
    """Return models as JSON and arrays."""
    parts: dict[str, Any] = {"regression": ensemble.effects.regression, "season": ensemble.effects.season}
    arrays: Arrays = {
        f"{part}.{name}": array for part, value in parts.items() for name, array in value._asdict().items()
    }
    if not len(ensemble.effects.regression.slope_deviations):
        del arrays["regression.slope_deviations"]
    models = []
    for k, model in enumerate(ensemble.models):
        state = model.to_state()
        models.append(
            {
                "name": model.config.name,
                "column": ensemble.columns[k],
                "median": isinstance(model, FittedMedian),
                "settings": dict(state.settings),
            }
        )
        arrays |= {f"model.{k}.{name}": array for name, array in state.arrays.items()}
    return {"task": ensemble.task._asdict(), "models": models}, arrays


def _ensemble_in(settings: Mapping[str, Any], arrays: Arrays) -> FittedEnsemble:
    """Return models from JSON and arrays."""
    task: Task = settings["task"]
    models: list[ForecastModel] = []
    for k, item in enumerate(settings["models"]):
        prefix = f"model.{k}."
        model_arrays = {name.removeprefix(prefix): array for name, array in arrays.items() if name.startswith(prefix)}
        config: Any = MedianOf if item["median"] else get_model(item["name"])
        models.append(cast(ForecastModel, config.from_state(ModelState(item["settings"], model_arrays), task)))
    columns = tuple(item["column"] for item in settings["models"])
    arrays = {"regression.slope_deviations": np.empty((0, arrays["regression.futr_exog"].shape[1])), **arrays}
    regression = ExogenousRegression(*(arrays[f"regression.{name}"] for name in ExogenousRegression._fields))
    season = PanelSeason(*(arrays[f"season.{name}"] for name in PanelSeason._fields))
    effects = PanelEffects(season, regression)
    return FittedEnsemble(tuple(models), tuple(model.config for model in models), columns, effects, task)
