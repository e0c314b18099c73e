"""Attribution of a forecast: how much each past value and each column adds to what the networks forecast.

The mean over the members of the networks' own forecast is explained, in the unit of the series, against their forecast
of a series that stayed at its newest level (as naive has it), with all columns at their mean. The newest value has no
attribution then: the others are compared with it. Past values are read without the effects of future columns, which
have rows of their own.

Shapes: T columns of the past, horizon steps, n_bins bins, n_variables variables of a network.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from gatecast._utils.typing import BoolArray, ColumnTable, FloatArray, IntArray
from gatecast.data.panel import Panel
from gatecast.data.reader import attach_findings, to_frame_like
from gatecast.errors import ConfigError, DataError
from gatecast.evaluation.model_weights import ModelWeights
from gatecast.explain.describe import describe_explanation
from gatecast.forecasting.attribution import AttributionBins, AttributionTarget, DifferentiablePath, make_bins
from gatecast.forecasting.base import IsDifferentiable
from gatecast.forecasting.context import PanelContext, column_groups
from gatecast.forecasting.ensemble import FittedEnsemble
from gatecast.kernels.runtime import release_memory
from gatecast.nn.inspection.attributions import POINTS, integrate_path, occlude_path
from gatecast.pipeline.state import FittedState

__all__ = ["METHODS", "Explanation", "explain"]

METHODS = ("integrated", "gradient", "occlusion")
"""Integrated gradients, the gradient times the distance from the baseline, hiding one variable at a time."""


@dataclass(frozen=True, eq=False)
class Explanation:
    """Attributions of one number of a forecast.

    Args:
        id: Id of the series.
        method: One of `METHODS`.
        step: Step of the horizon, from 1.
        quantile: Level of the quantile.
        time: Time of the forecast.
        forecast: What the networks forecast, the mean over them.
        baseline: What they would forecast for a flat series.
        completeness_error: forecast - baseline - sum of the attributions, in the unit of the series.
        error: Its size, relative to the sizes of the attributions together.
        table: `time`, `feature` (the target's name, or a column's), `lag` (1: the newest value, 0: the first step of
            the horizon), `role` ("value", "known", "historic", "static", at the newest time; "effect": what the
            regression adds for a future column), `value` as it was read from the source (of categories the position
            among them), `attribution` in the unit of the series.
        model: Column of the model that is explained.
        weight: Weight of this model in the forecast.
        kind: Kind of table that `to_frame` returns.
        findings: What was noticed about the data, as sentences.
    """

    id: Any
    method: str
    step: int
    quantile: float
    time: Any
    forecast: float
    baseline: float
    completeness_error: float
    error: float
    table: ColumnTable
    model: str
    weight: float = 1.0
    kind: str = "dict"
    findings: tuple[str, ...] = ()

    @property
    def sentence(self) -> str:
        """The facts in words."""
        return describe_explanation(self)

    def to_frame(self) -> Any:
        """Return `table` as a table of the kind that was passed in."""
        return attach_findings(to_frame_like(self.kind, self.table), self.findings)


def explain(
    fitted: FittedState,
    panel: Panel,
    context: PanelContext,
    series: int,
    step: int = 1,
    quantile: float = 0.5,
    method: str = "integrated",
    *,
    points: int = POINTS,
    kind: str = "dict",
) -> Explanation:
    """Attribute one number of a forecast to what it was made from.

    With "integrated" the attributions sum to forecast - baseline but for `error`; with the others they need not.

    Args:
        fitted: Fitted models, one of them differentiable.
        panel: The series that are forecast.
        context: The same series as models read them, with the future columns of the horizon.
        series: Position of the series in the panel.
        step: From 1 to the horizon of the models.
        quantile: A level of the models.
        method: One of `METHODS`.
        points: Points of the integral.
        kind: Kind of table that `to_frame` returns.

    Raises:
        ConfigError: No differentiable model, or an invalid series, step, quantile or method.
        DataError: A series without values.

    Source: Sundararajan, Taly & Yan 2017 (integrated gradients); Zeiler & Fergus 2014 (occlusion).

    Example:
        >>> from gatecast.config import TrainingConfig
        >>> from gatecast.forecaster import Forecaster
        >>> from gatecast.forecasting.context import PanelContext
        >>> forecaster = Forecaster(h=2, model="lstm", training=TrainingConfig(n_members=1, max_steps=5))
        >>> table = {"ds": np.arange(60), "y": np.sin(np.arange(60.0))}
        >>> panel = forecaster.fit(table, evaluate=False).panel_
        >>> explanation = explain(forecaster.state_, panel, PanelContext.from_panel(panel), series=0, step=2)
        >>> list(explanation.table)
        ['time', 'feature', 'lag', 'role', 'value', 'attribution']
        >>> difference = explanation.forecast - explanation.baseline
        >>> bool(abs(explanation.table["attribution"].sum() - difference) < 1e-5)
        True
    """
    ensemble = fitted.ensemble
    column, members = _differentiable(ensemble)
    position = _check_arguments(ensemble, panel, context, series, step, quantile, method)
    raw = context.take([series])
    clean, target = _target(ensemble, raw, step, position)
    # Only what networks read, so that the bins of a long series are few.
    n_read = max(member.attribution_columns() for member in members)
    n_beyond = raw.futr_exog.shape[1] - raw.values.shape[1]
    n_columns = len(panel.futr_exog), len(panel.hist_exog), len(panel.stat_exog)
    clean, raw = clean.keep_last(n_read), raw.keep_last(n_read)
    bins = make_bins(clean.values.shape[1], n_beyond, column_groups(panel), n_columns)
    results = [_attribute(member.attribution_path(clean, target, bins), bins, method, points) for member in members]
    release_memory()
    forecast, baseline = np.mean([result[:2] for result in results], axis=0)
    attributions = np.mean([result[2] for result in results], axis=0)
    is_read = np.mean([result[3] for result in results], axis=0) > 0
    gap, size = float(forecast - baseline - attributions.sum()), float(np.abs(attributions).sum())
    return Explanation(
        panel.ids[series],
        method,
        step,
        quantile,
        panel.freq.at(panel.start[series], panel.lengths[series] + step - 1)[()],
        float(forecast),
        float(baseline),
        gap,
        abs(gap) / size if size else 0.0,
        _table(panel, raw, series, step, bins, attributions, is_read),
        column,
        _weight(fitted.calibrator.weights, column, clean.series),
        kind,
    )


def _weight(weights: ModelWeights, column: str, series: IntArray) -> float:
    """Return the weight of a model for one series; 1 of the only model."""
    return float(weights.of(series).get(column, np.ones(1))[0])


def _differentiable(ensemble: FittedEnsemble) -> tuple[str, Sequence[IsDifferentiable]]:
    """Return the column and the members of the first model whose forecast can be explained."""
    model = ensemble.differentiable()
    if model is None:
        raise ConfigError(
            "This model cannot be explained",
            got=", ".join(ensemble.columns),
            expected="lstm, gru, rnn, lstm-peephole, slstm, segrnn or a network of your own, alone or in an ensemble",
            fix='Fit a Forecaster with model="lstm".',
        )
    return model


def _target(
    ensemble: FittedEnsemble, raw: PanelContext, step: int, quantile: int
) -> tuple[PanelContext, AttributionTarget]:
    """Return the series without the effects of future columns, and the number of its forecast."""
    clean, T, shares = ensemble.effects.remove(raw), raw.values.shape[1], np.empty(0)
    if raw.futr_exog.shape[2]:
        shares = clean.futr_exog[0, T + step - 1] * ensemble.effects.regression.slopes(clean)[0]
    scaler = raw.scaler(1)
    season = ensemble.effects.season.restore(raw, np.ones((1, step, 1)))[0, -1, 0]
    target = AttributionTarget(
        step - 1, quantile, shares, bool(scaler.positive[0]), float(scaler.unit[0]), float(season)
    )
    return clean, target


def _check_arguments(
    ensemble: FittedEnsemble, panel: Panel, context: PanelContext, series: int, step: int, quantile: float, method: str
) -> int:
    """Refuse invalid arguments; return the position of the quantile."""
    task = ensemble.task
    if method not in METHODS:
        expected = " or ".join(map(repr, METHODS))
        raise ConfigError(f"Unknown method {method!r}", expected=expected, argument="method")
    if not 0 <= series < len(context):
        raise ConfigError(f"Invalid series {series}", expected=f"0 to {len(context) - 1}", argument="series")
    if isinstance(step, bool) or not isinstance(step, int | np.integer) or not 1 <= step <= task.horizon:
        expected = f"an integer from 1 to the horizon, {task.horizon}"
        raise ConfigError(f"Invalid step {step!r}", expected=expected, argument="step")
    is_number = isinstance(quantile, int | float | np.floating)
    positions = [k for k, level in enumerate(task.quantiles) if is_number and abs(level - quantile) < 1e-9]
    if not positions:
        known = ", ".join(f"{level:g}" for level in task.quantiles)
        raise ConfigError(f"Invalid quantile {quantile!r}", expected=f"one of {known}", argument="quantile")
    if not np.isfinite(context.values[series]).any():
        raise DataError("The series has no values", where=f"series {panel.ids[series]}", expected="at least one")
    n_beyond = context.futr_exog.shape[1] - context.values.shape[1]
    if context.futr_exog.shape[2] and n_beyond < task.horizon:
        raise ConfigError(
            "Missing future columns",
            got=f"{n_beyond} steps",
            expected=f"{', '.join(map(repr, panel.futr_exog))} for {task.horizon} steps",
            fix="Pass them as futr_df.",
            argument="futr_df",
        )
    return positions[0]


def _attribute(
    path: DifferentiablePath, bins: AttributionBins, method: str, points: int
) -> tuple[float, float, FloatArray, IntArray]:
    """Return forecast, baseline, attributions [n_bins] and number of variables [n_bins] of one member."""
    flat = np.zeros(path.actual.shape)
    values, gradients = path.value_and_grad(np.concatenate([path.actual, flat]))
    if method == "occlusion":
        by_bin = occlude_path(path.value, path.actual, flat, path.bins)[0]
        attributions = np.pad(by_bin, (0, bins.total - len(by_bin)))
    else:
        by_variable = (
            integrate_path(path.value_and_grad, path.actual, flat, points)
            if method == "integrated"
            else gradients[:1] * path.actual
        )
        attributions = np.bincount(path.bins, by_variable[0], bins.total)
    return float(values[0]), float(values[1]), attributions, np.bincount(path.bins, minlength=bins.total)


def _table(
    panel: Panel,
    raw: PanelContext,
    series: int,
    step: int,
    bins: AttributionBins,
    attributions: FloatArray,
    is_read: BoolArray,
) -> ColumnTable:
    """Return attributions by time and feature, the oldest first."""
    T, length = raw.values.shape[1], int(panel.lengths[series])
    blocks: list[tuple[str, str, IntArray, FloatArray, IntArray]] = []

    def add(name: str, role: str, lag: IntArray, value: FloatArray, bin_numbers: IntArray) -> None:
        """Add the rows of a feature that are read and within the series."""
        keep = is_read[bin_numbers] & (lag <= length) & (np.isfinite(value) | (role != "value"))
        blocks.append((name, role, lag[keep], value[keep], bin_numbers[keep]))

    lag = T - np.arange(raw.futr_exog.shape[1])
    add(panel.columns.target, "value", T - np.arange(T), raw.values[0], bins.past)
    futr_exog = _panel_columns(panel, raw.futr_exog[0], bins.groups[0], panel.futr_exog)
    for c, name in enumerate(panel.futr_exog):
        add(name, "known", lag, futr_exog[:, c], bins.futr_exog[:, c])
    hist_exog = _panel_columns(panel, raw.hist_exog[0], bins.groups[1], panel.hist_exog)
    for c, name in enumerate(panel.hist_exog):
        add(name, "historic", lag[:T], hist_exog[:, c], bins.hist_exog[:, c])
    stat_exog = _panel_columns(panel, raw.stat_exog, bins.groups[2], panel.stat_exog)
    for c, name in enumerate(panel.stat_exog):
        add(name, "static", np.ones(1, np.int64), stat_exog[:, c], bins.stat_exog[[c]])
    for c, name in enumerate(panel.futr_exog):
        if attributions[bins.effects[c]] != 0:
            add(name, "effect", np.array([1 - step]), futr_exog[[T + step - 1], c], bins.effects[[c]])
    names, roles, lags, values, numbers = zip(*blocks, strict=True)
    sizes, all_lags = [len(part) for part in lags], np.concatenate(lags)
    return {
        "time": panel.freq.at(panel.start[series], length - all_lags),
        "feature": np.repeat(np.array(names, object), sizes),
        "lag": all_lags,
        "role": np.repeat(np.array(roles, object), sizes),
        "value": np.concatenate(values),
        "attribution": attributions[np.concatenate(numbers)],
    }


def _panel_columns(panel: Panel, columns: FloatArray, groups: IntArray, names: Mapping[str, Any]) -> FloatArray:
    """Return columns as the panel has them, categories as their positions, [n_rows, n_columns]; NaN where unknown."""
    result = np.full((len(columns), len(names)), np.nan)
    for c, name in enumerate(names):
        group = columns[:, groups == c]
        if name not in panel.categories:
            result[:, c] = group[:, 0]
        elif group.size:
            result[:, c] = np.where((group == 1).any(axis=1), group.argmax(axis=1), np.nan)
    return result
