"""From a fitted forecaster to tables: forecasts with intervals, sample paths, in-sample forecasts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from gatecast.data.hierarchy import base_series, mean_of_members
from gatecast.data.panel import Panel, check_outputs
from gatecast.data.panel_holidays import future_holidays
from gatecast.data.parsing.truth_values import are_truth_values
from gatecast.data.reader import read_future
from gatecast.errors import ConfigError
from gatecast.evaluation.calibration import point_forecasts, predict_all
from gatecast.evaluation.coherent_forecasts import forecast_intervals, forecast_paths
from gatecast.forecasting.base import MixesSimpleForecasts, SimpleForecastWeights
from gatecast.forecasting.context import MAX_LENGTH, PanelContext
from gatecast.pipeline.data_checks import note_outside
from gatecast.pipeline.state import FittedState
from gatecast.results import column_names

__all__ = [
    "components",
    "forecast_context",
    "forecast_table",
    "insample_table",
    "paths_table",
    "simple_forecast_weights_table",
]

ColumnTable = dict[str, npt.NDArray[Any]]

MIN_WEIGHT = 0.05
"""Weights below are not named in a sentence."""

UNUSED_FUTURE = "futr_df is not used, because futr_exog names no column: name those of the table, and fit again."
"""Note on a table of the steps ahead that nothing reads."""


def forecast_context(
    state: FittedState,
    panel: Panel,
    n_steps: int,
    futr_df: Any,
    notes: list[str] | None = None,
    n_columns: int | None = None,
) -> PanelContext:
    """Return series as models read them, with the columns that are known for the steps ahead.

    Adds to `notes` what is worth knowing about futr_df. A part of many series has as many columns as all of them.

    Raises:
        ConfigError: There are such columns, and no futr_df.
        DataError: Rows that futr_df misses.
    """
    future: dict[str, npt.NDArray[np.float64]] = {}
    # Networks read columns at all steps of a horizon, also where fewer are asked for; a table may end before.
    n_known = n_steps if panel.given_futr_exog else -(-n_steps // state.horizon) * state.horizon
    if panel.given_futr_exog:
        base = base_series(panel)
        known = _known_future(base, n_steps) if futr_df is None else read_future(futr_df, base, n_steps, notes)
        if notes is not None:
            note_outside(base, known, notes)
        future = mean_of_members(known, panel)
    elif futr_df is not None and notes is not None:
        notes.append(UNUSED_FUTURE)
    return PanelContext.from_panel(panel, future | future_holidays(panel, n_known), state.panel, MAX_LENGTH, n_columns)


def _known_future(panel: Panel, n_steps: int) -> dict[str, npt.NDArray[np.float64]]:
    """Return the future exogenous columns that the series came with, each [n_series, n_steps].

    Raises:
        ConfigError: There are none, or too few steps or values.
    """
    known = {name: values[:, :n_steps] for name, values in panel.known_future.items()}
    n_known = min((values.shape[1] for values in known.values()), default=0)
    # The empty cell of a category is no event; a number or a truth value is missing.
    categories = {name: panel.categories.get(name, ()) for name in known}
    required = [name for name in known if not categories[name] or are_truth_values(categories[name])]
    missing = [name for name in required if np.isnan(known[name]).any()]
    if n_known == n_steps and not missing:
        return known
    got = f"rows for {n_known} steps" if n_known < n_steps else f"no value of {missing[0]!r} in some of them"
    raise ConfigError(
        "Missing futr_df: the future exogenous columns are needed for the steps ahead",
        got=got if panel.known_future else "",
        expected=f"a table with {', '.join(map(repr, panel.given_futr_exog))} for {n_steps} steps of each series",
        fix="Call predict(futr_df=...)." if not n_known else "Pass futr_df, or forecast fewer steps.",
        argument="futr_df",
    )


def forecast_table(
    state: FittedState, panel: Panel, context: PanelContext, n_steps: int, levels: Sequence[float]
) -> ColumnTable:
    """Return ids, times, the main model's forecast and its intervals, n_steps rows a series."""
    quantiles = _main_quantiles(state, context, n_steps)
    sides = forecast_intervals(state.calibrator, quantiles, context, levels, panel.hierarchy)
    columns = dict(zip(column_names(state.calibrator.name, tuple(levels)), sides, strict=True))
    return panel.future_columns(n_steps) | {name: column.ravel() for name, column in columns.items()}


def paths_table(
    state: FittedState, panel: Panel, context: PanelContext, n_steps: int, n_paths: int, seed: int
) -> ColumnTable:
    """Return ids, times, "path" from 1 on, and the values of sample paths, n_paths * n_steps rows a series.

    Raises:
        ConfigError: A column of the data is named "path".
    """
    check_outputs(panel.columns, ["path"])
    quantiles = _main_quantiles(state, context, n_steps)
    paths = forecast_paths(state.calibrator, quantiles, context, n_paths, seed, panel.hierarchy)
    n_series = len(paths)
    rows = np.arange(n_series * n_steps).reshape(n_series, 1, n_steps).repeat(n_paths, axis=1).ravel()
    table = {name: column[rows] for name, column in panel.future_columns(n_steps).items()}
    number = np.tile(np.repeat(np.arange(1, n_paths + 1), n_steps), n_series)
    return table | {"path": number, state.calibrator.name: paths.ravel()}


def components(state: FittedState, panel: Panel, context: PanelContext, n_steps: int) -> ColumnTable:
    """Return ids, times, and the point forecast of every model that the main forecast is made of."""
    quantiles = predict_all(state.calibrator, state.ensemble, context, n_steps)
    columns = {name: point_forecasts(state.calibrator, q, context.values).ravel() for name, q in quantiles.items()}
    return panel.future_columns(n_steps) | columns


def simple_forecast_weights_table(state: FittedState, panel: Panel, context: PanelContext) -> tuple[ColumnTable, str]:
    """Return how much each simple forecast counts in the first model that starts from them, and a sentence.

    Raises:
        ConfigError: No model does, or a column of the data has the name of a simple forecast or of a step.
    """
    model = next((model for model in state.ensemble.models if isinstance(model, MixesSimpleForecasts)), None)
    if model is None:
        raise ConfigError(
            "No model of this forecaster starts from simple forecasts",
            got=", ".join(config.name for config in state.ensemble.configs),
            fix='Write model="pretrained".',
            argument="model",
        )
    simple = model.simple_forecast_weights(context)
    n_ranges = len(simple.first)
    columns: dict[str, npt.NDArray[Any]]
    columns = {"first_step": np.tile(simple.first, len(panel)), "last_step": np.tile(simple.last, len(panel))}
    columns |= {name: simple.weights[..., k].ravel() for k, name in enumerate(simple.names)}
    check_outputs(panel.columns, columns)
    return panel.id_columns(n_ranges) | columns, _describe_weights(simple)


def _describe_weights(simple: SimpleForecastWeights) -> str:
    """Return the mean weights of the first and the last range in a sentence, the largest first."""
    mean = simple.weights.mean(axis=0)

    def parts(k: int) -> str:
        """Return the weights of a range that are at least 5 %."""
        by_size = sorted(zip(mean[k].tolist(), simple.names, strict=True), reverse=True)
        return ", ".join(f"{100 * weight:.0f} % {name}" for weight, name in by_size if weight >= MIN_WEIGHT)

    first, last = (f"{simple.first[k]} to {simple.last[k]}" for k in (0, -1))
    return f"Steps {first} start from {parts(0)}; steps {last} from {parts(-1)}."


def insample_table(state: FittedState) -> ColumnTable:
    """Return ids, times, values, and the forecast of each value one step ahead by the first model that has it."""
    panel = state.panel
    column, predicted = state.ensemble.predict_insample(PanelContext.from_panel(panel))
    inside = np.arange(-predicted.shape[1], 0) >= -panel.lengths[:, None]
    return panel.to_columns() | {column: predicted[inside]}


def _main_quantiles(state: FittedState, context: PanelContext, n_steps: int) -> npt.NDArray[np.float64]:
    """Return the quantiles of the main model, [n_series, n_steps, Q]."""
    return predict_all(state.calibrator, state.ensemble, context, n_steps)[state.calibrator.name]
