"""A fitted forecaster as an ONNX file: raw values in, what `predict` returns out.

Inputs: values, (batch, time) float64 with NaN where missing, aligned at their ends. Outputs: the columns of `predict`,
(batch, horizon) each, and the quantiles of the model, (batch, horizon, quantiles).
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence

from gatecast._utils.suggestions import suggestion
from gatecast.data.frequency import format_times
from gatecast.data.panel import Panel
from gatecast.data.season_calendar import SeasonCalendar
from gatecast.errors import ConfigError
from gatecast.evaluation.onnx_intervals import add_hold_of_constants, add_intervals
from gatecast.forecasting.context import column_groups
from gatecast.forecasting.onnx_files.exogenous import GraphRegression, add_columns
from gatecast.forecasting.onnx_files.models import (
    EXPORTED,
    check_exported,
    members_of_model,
    model_quantiles,
    reads_fitted_series,
)
from gatecast.forecasting.onnx_files.panel_season import GraphSeason
from gatecast.forecasting.onnx_files.series import SeriesInput
from gatecast.nn.onnx_files import operations as op
from gatecast.nn.onnx_files.builder import Builder, Value
from gatecast.nn.onnx_files.proto import check_opset, write_onnx
from gatecast.pipeline.state import FittedState
from gatecast.results import column_names

__all__ = ["write_forecaster"]


def write_forecaster(
    path: str | os.PathLike[str],
    state: FittedState,
    *,
    model: str | None,
    levels: Sequence[float],
    opset: int,
    carry: bool,
) -> None:
    """Write one model of a fitted forecaster to a file.

    Args:
        path: The file; an existing one is replaced.
        state: What was fitted.
        model: The model, by its name or its column; None: the only one.
        levels: Levels of the intervals, in percent.
        opset: Version of the operators, 17 or newer.
        carry: Whether the state of the model is an input and an output.

    Raises:
        ConfigError: No onnx, an invalid opset, a forecaster that cannot be exported, or a file that cannot be written.
    """
    builder = Builder(check_opset(opset))
    position = _position(state, model)
    _check(state, position, carry=carry)
    series, quantiles = _quantiles(builder, state, position, carry=carry)
    horizon, column = state.horizon, state.ensemble.columns[position]
    is_main = column == state.calibrator.name
    names = column_names(column, tuple(levels) if is_main else ())
    sides = [op.take(quantiles, len(state.calibrator.quantiles) // 2, 2)]
    if is_main:
        sides = add_intervals(state.calibrator, quantiles, series, horizon, levels)
    for name, side in zip(names, sides, strict=True):
        builder.output(name, side, ("batch", horizon))
    builder.output("quantiles", quantiles, ("batch", horizon, len(state.calibrator.quantiles)))
    facts = _facts(state, position, levels if is_main else ()) | _column_facts(state.panel)
    if series.last_step is not None:
        facts["first_step"] = format_times(state.panel.start[:1])[0]
    if series.rows is not None:
        facts["series"] = json.dumps([str(name) for name in state.panel.ids.tolist()])
    write_onnx(path, builder, column, _description(series, names, horizon, facts), facts)


def _position(state: FittedState, model: str | None) -> int:
    """Return the position of a model among those of the forecaster."""
    ensemble = state.ensemble
    names = [config.name for config in ensemble.configs]
    if model is None:
        if len(names) == 1:
            return 0
        exported = [name for name in names if name in EXPORTED]
        choice = f'Choose one of them, as model="{exported[0]}", or fit' if exported else "Fit"
        raise ConfigError(
            "An ensemble of models cannot be exported to ONNX as one",
            got=", ".join(names),
            fix=f'{choice} Forecaster(model="{EXPORTED[0]}").',
            argument="model",
        )
    for k, name in enumerate(names):
        if model in (name, ensemble.columns[k]):
            return k
    raise ConfigError(f"This forecaster has no model {model!r}", fix=suggestion(model, names), argument="model")


def _check(state: FittedState, position: int, *, carry: bool) -> None:
    """Raise an error for what a graph cannot do."""
    config, panel = state.ensemble.configs[position], state.panel
    model = state.ensemble.models[position]
    check_exported(model, config.name, state=carry)
    if panel.hierarchy is not None:
        fix = "Fit without hierarchy=, or keep the forecaster with save."
        raise ConfigError("Totals that add up cannot be exported to ONNX", fix=fix, argument="hierarchy")
    if state.calibrator.point != "median":
        fix = 'Fit with point="median".'
        raise ConfigError("Means cannot be exported to ONNX", got='point="mean"', fix=fix, argument="point")
    if carry and [*panel.futr_exog, *panel.hist_exog]:
        raise ConfigError(
            "The state cannot be carried where exogenous columns change in time",
            fix="Leave state=True out, or fit without them.",
            argument="state",
        )
    if carry and state.ensemble.effects.season.season_length > 1:
        raise ConfigError(
            "The state cannot be carried: the season that these series share is estimated anew at every step",
            fix="Leave state=True out.",
            argument="state",
        )


def _quantiles(builder: Builder, state: FittedState, position: int, *, carry: bool) -> tuple[SeriesInput, Value]:
    """Add series and the quantiles of a model, [B, h, Q]."""
    model, shared = state.ensemble.models[position], state.ensemble.effects.season
    seasons = {getattr(member.config, "season_length", 1) for member in members_of_model(model)}
    calendar = SeasonCalendar.of(state.panel)
    if calendar is not None and calendar.season_length not in seasons | {shared.season_length}:
        calendar = None
    is_dated = calendar is not None and calendar.season_length == shared.season_length
    with_steps = shared.season_length > 1 and not is_dated
    with_ends = reads_fitted_series(model)
    columns = add_columns(builder, state.ensemble.effects.regression, state.horizon)
    series = SeriesInput.of(
        builder,
        with_steps=with_steps,
        calendar=calendar,
        carries_state=carry,
        columns=columns,
        with_rows=with_ends or len(state.ensemble.effects.regression.slope_deviations) > 0,
        with_ends=with_ends,
    )
    season = GraphSeason(shared, series) if shared.season_length > 1 else None
    regression = GraphRegression(state.ensemble.effects.regression, series if season is None else season.remove())
    quantiles = regression.restore(model_quantiles(model, regression.remove()))
    quantiles = quantiles if season is None else season.restore(quantiles, state.horizon)
    return series, add_hold_of_constants(quantiles, series)


def _facts(state: FittedState, position: int, levels: Sequence[float]) -> dict[str, str]:
    """Return the metadata of a file."""
    panel: Panel = state.panel
    return {
        "model": state.ensemble.configs[position].name,
        "horizon": str(state.horizon),
        "quantile_levels": json.dumps(list(state.calibrator.quantiles)),
        "interval_levels": json.dumps(list(levels)),
        "frequency": str(panel.freq),
        "season_length": str(state.season_length),
    }


def _column_facts(panel: Panel) -> dict[str, str]:
    """Return the names of the exogenous columns in order: "column=category" for each category of a column."""
    kinds = {"futr_exog": panel.futr_exog, "hist_exog": panel.hist_exog, "stat_exog": panel.stat_exog}
    facts = {}
    for (kind, columns), group in zip(kinds.items(), column_groups(panel), strict=True):
        names = list(columns)
        if not names:
            continue
        parts = []
        for k, name in enumerate(names):
            n = int((group == k).sum())
            categories = panel.categories.get(name)
            parts += [name] if categories is None else [f"{name}={category}" for category in categories[:n]]
        facts[kind] = json.dumps(parts)
    return facts


def _description(series: SeriesInput, names: Sequence[str], horizon: int, facts: Mapping[str, str]) -> str:
    """Return how to run a file."""
    sentences = [
        "values: raw values, (batch, time) float64, NaN where missing; rows end with the newest value, shorter ones "
        "begin with NaN.",
    ]
    if series.last_step is not None:
        sentences.append(f"last_step: steps from {facts['first_step']} to the newest value of each row, int64.")
    if series.last_date is not None:
        sentences.append("last_date: days from 1970-01-01 to the date of the newest value of each row, int64.")
    if series.rows is not None:
        sentences.append(
            "series: position of each row among the series that were fitted, which the fact series lists, int64, -1 "
            "for others."
        )
    if series.steps_since is not None:
        sentences.append(
            "end: steps from the end of that series when it was fitted to the newest value of the row, int64, 0 for "
            "others."
        )
    kinds = [kind for kind in ("futr_exog", "hist_exog", "stat_exog") if kind in facts]
    if kinds:
        sentences.append(
            f"{', '.join(kinds)}: exogenous columns as they come, in the order of the facts of these names, NaN where "
            "missing, 1 or 0 for a category."
        )
    if "futr_exog" in facts:
        sentences.append(f"futr_exog has {horizon} more steps than values.")
    if series.carries_state:
        sentences.append("Feed zeros for the state at first, then the outputs whose names end in .next.")
    sentences.append(
        f"{', '.join(names)}: the next {horizon} steps, (batch, {horizon}), as predict returns them. quantiles: those "
        f"of the model at the levels {facts['quantile_levels']}."
    )
    return " ".join(sentences)
