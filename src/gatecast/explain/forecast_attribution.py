"""Why a forecast is what it is: how much each past value and each column adds to what the networks say.

Letters: M members, T columns of time, n of them beyond the end, h horizon, F known, G historic, E static columns.

What is explained is the mean over the members of the networks' own forecast, in the unit of the series, against what
they would say of a series that stayed at its newest level (which naive would say), with all columns at their mean. The
newest value has nothing of its own then: it is what the others are compared with. Past values are read without the
effects of known columns, and these stand beside them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from gatecast.data.panel import Panel, format_times
from gatecast.errors import ConfigError, DataError
from gatecast.forecasting.attribution import AttributionBins, AttributionTarget, DifferentiablePath, make_bins
from gatecast.forecasting.base import IsDifferentiable
from gatecast.forecasting.context import PanelContext, column_groups
from gatecast.forecasting.ensemble import FittedEnsemble
from gatecast.forecasting.exogenous_regression import remove_effects
from gatecast.forecasting.median import FittedMedian
from gatecast.kernels.native import release_memory
from gatecast.nn.inspection.attributions import POINTS, integrate_path, occlude_path
from gatecast.pipeline.state import FittedState

__all__ = ["METHODS", "Explanation", "explain"]

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Table = dict[str, npt.NDArray[Any]]

METHODS = ("integrated", "gradient", "occlusion")
"""Integrated gradients, the gradient times the distance from the baseline, hiding one at a time."""

TOLD = 3
"""Past values and columns that the sentence names, at most."""


@dataclass(frozen=True, eq=False)
class Explanation:
    """What a forecast is made of.

    Args:
        id: Name of the series.
        method: One of `METHODS`.
        step: Which step ahead, from 1.
        quantile: Which quantile.
        time: Of the forecast.
        forecast: What the networks say, the mean over them.
        baseline: What they would say of a flat series.
        completeness_error: forecast - baseline - sum of the attributions, in the unit of the series.
        error: Size of the gap, relative to the sizes of the attributions together.
        table: `time`, `feature` (the target's name, or a column's), `lag` (1: the newest value, 0: the first step
            ahead), `role` ("value", "known", "historic", "static", at the newest time; "effect": what the regression
            adds for a known column), `value` as it came (of a column of words the position among them), `attribution`
            in the unit of the series.
        sentence: The same in words.
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
    table: Table
    sentence: str


def explain(
    trained: FittedState,
    panel: Panel,
    history: PanelContext,
    series: int,
    step: int = 1,
    quantile: float = 0.5,
    method: str = "integrated",
    *,
    points: int = POINTS,
) -> Explanation:
    """Attribute one number of a forecast to what it was made from.

    With "integrated" the attributions sum to forecast - baseline but for `error`; with the others they need not.

    Args:
        trained: Models, the panel networks or the user's own network among them.
        panel: The series that are forecast.
        history: The same, as models read them, with the known columns of the h steps ahead.
        series: Which of them.
        step: From 1 to the horizon that was learnt.
        quantile: One that was learnt.
        method: One of `METHODS`.
        points: Of the integral.

    Raises:
        ConfigError: Models without such a network, or a series, step, quantile or method that there is not.
        DataError: A series without values.

    Source: Sundararajan, Taly & Yan 2017 (integrated gradients); Zeiler & Fergus 2014 (occlusion).

    >>> from gatecast.config import TrainingConfig
    >>> from gatecast.forecaster import Forecaster
    >>> from gatecast.forecasting.context import PanelContext
    >>> forecaster = Forecaster(h=2, model="lstm", training=TrainingConfig(n_members=1, max_steps=5))
    >>> fitted = forecaster.fit({"ds": np.arange(60), "y": np.sin(np.arange(60.0))}, evaluate=False)
    >>> found = explain(fitted.state_, fitted.panel_, PanelContext.from_panel(fitted.panel_), series=0, step=2)
    >>> list(found.table)
    ['time', 'feature', 'lag', 'role', 'value', 'attribution']
    >>> bool(abs(found.table["attribution"].sum() - (found.forecast - found.baseline)) < 1e-5)
    True
    """
    ensemble = trained.ensemble
    column, members = _differentiable(ensemble)
    which = _checked(ensemble, panel, history, series, step, quantile, method)
    raw = history.take([series])
    clean, T, shares = remove_effects(ensemble.regression, raw), raw.values.shape[1], np.empty(0)
    if raw.futr_exog.shape[2]:
        shares = clean.futr_exog[0, T + step - 1] * ensemble.regression.futr_exog[2]
    scaler = raw.scaler(1)
    target = AttributionTarget(step - 1, which, shares, bool(scaler.positive[0]), float(scaler.unit[0]))
    # Only what networks read, so that the bins of a long series are few.
    columns = max(member.attribution_columns() for member in members)
    beyond, counts = raw.futr_exog.shape[1] - T, (len(panel.futr_exog), len(panel.hist_exog), len(panel.stat_exog))
    clean, raw = clean.keep_last(columns), raw.keep_last(columns)
    bins = make_bins(clean.values.shape[1], beyond, column_groups(panel), counts)
    found = [_one(member.attribution_path(clean, target, bins), bins, method, points) for member in members]
    release_memory()
    forecast, baseline = np.mean([part[:2] for part in found], axis=0)
    values, read = (np.mean(part, axis=0) for part in ([one[2] for one in found], [one[3] for one in found]))
    table = _table(panel, raw, series, step, bins, values, read > 0)
    gap, size = float(forecast - baseline - values.sum()), float(np.abs(values).sum())
    time = panel.freq.at(panel.start[series], panel.lengths[series] + step - 1)
    said = Explanation(
        panel.ids[series],
        method,
        step,
        quantile,
        time[()],
        float(forecast),
        float(baseline),
        gap,
        abs(gap) / size if size else 0.0,
        table,
        "",
    )
    return replace(said, sentence=_sentence(said, column, trained.calibrator.weights.get(column, 1.0)))


def _differentiable(ensemble: FittedEnsemble) -> tuple[str, Sequence[IsDifferentiable]]:
    """Return the column and the members of the first model whose forecast can be explained."""
    for column, model in zip(ensemble.columns, ensemble.models, strict=True):
        members = model.members if isinstance(model, FittedMedian) else (model,)
        if all(isinstance(member, IsDifferentiable) for member in members):
            return column, members
    raise ConfigError(
        "This model cannot be explained",
        got=", ".join(ensemble.columns),
        expected="lstm, gru, rnn, lstm-peephole, slstm or a network of your own, alone or in an ensemble",
        fix='Fit a Forecaster with model="lstm".',
    )


def _checked(
    ensemble: FittedEnsemble, panel: Panel, history: PanelContext, series: int, step: int, quantile: float, method: str
) -> int:
    """Refuse what there is not; the place of the quantile."""
    if method not in METHODS:
        raise ConfigError("there is no such method", got=repr(method), expected=" or ".join(map(repr, METHODS)))
    if not 0 <= series < len(history):
        raise ConfigError("there is no such series", got=str(series), expected=f"0 to {len(history) - 1}")
    if isinstance(step, bool) or not isinstance(step, int | np.integer) or not 1 <= step <= ensemble.task.horizon:
        raise ConfigError(
            "there is no such step",
            got=repr(step),
            expected=f"a whole number from 1 to {ensemble.task.horizon}, the horizon that was learnt",
        )
    number = isinstance(quantile, int | float | np.floating)
    found = [k for k, p in enumerate(ensemble.task.quantiles) if number and abs(p - quantile) < 1e-9]
    if not found:
        known = ", ".join(f"{p:g}" for p in ensemble.task.quantiles)
        raise ConfigError("this quantile was not learnt", got=repr(quantile), expected=f"one of {known}")
    if not np.isfinite(history.values[series]).any():
        raise DataError("a series has no values", where=f"series {panel.ids[series]}", expected="at least one")
    beyond = history.futr_exog.shape[1] - history.values.shape[1]
    if history.futr_exog.shape[2] and beyond < ensemble.task.horizon:
        raise ConfigError(
            "the known columns are needed for the steps ahead",
            got=f"{beyond} steps",
            expected=f"{', '.join(map(repr, panel.futr_exog))} for {ensemble.task.horizon} steps",
            fix="Give them as futr_df.",
        )
    return found[0]


def _one(
    way: DifferentiablePath, cells: AttributionBins, method: str, points: int
) -> tuple[float, float, Floats, Integers]:
    """Forecast, baseline, attributions of the cells and how many variables of each there are, of a member."""
    flat, total = np.zeros(way.actual.shape), cells.total
    values, slopes = way.value_and_grad(np.concatenate([way.actual, flat]))
    if method == "occlusion":
        found = occlude_path(way.value, way.actual, flat, way.bins)[0]
        found = np.pad(found, (0, total - len(found)))
    else:
        parts = (
            integrate_path(way.value_and_grad, way.actual, flat, points)
            if method == "integrated"
            else slopes[:1] * way.actual
        )
        found = np.bincount(way.bins, parts[0], total)
    return float(values[0]), float(values[1]), found, np.bincount(way.bins, minlength=total)


def _table(
    panel: Panel,
    raw: PanelContext,
    series: int,
    step: int,
    cells: AttributionBins,
    found: Floats,
    read: npt.NDArray[np.bool_],
) -> Table:
    """Attributions by time and feature, the oldest first."""
    T, length = raw.values.shape[1], int(panel.lengths[series])
    blocks: list[tuple[str, str, Integers, Floats, Integers]] = []

    def add(name: str, role: str, lag: Integers, value: Floats, cell: Integers) -> None:
        """Rows of a feature, those that are read and within the series."""
        keep = read[cell] & (lag <= length) & (np.isfinite(value) | (role != "value"))
        blocks.append((name, role, lag[keep], value[keep], cell[keep]))

    lag = T - np.arange(raw.futr_exog.shape[1])
    add(panel.columns.target, "value", T - np.arange(T), raw.values[0], cells.past)
    known = _unspread(panel, raw.futr_exog[0], cells.groups[0], panel.futr_exog)
    for c, name in enumerate(panel.futr_exog):
        add(name, "known", lag, known[:, c], cells.futr_exog[:, c])
    historic = _unspread(panel, raw.hist_exog[0], cells.groups[1], panel.hist_exog)
    for c, name in enumerate(panel.hist_exog):
        add(name, "historic", lag[:T], historic[:, c], cells.hist_exog[:, c])
    static = _unspread(panel, raw.stat_exog, cells.groups[2], panel.stat_exog)
    for c, name in enumerate(panel.stat_exog):
        add(name, "static", np.ones(1, np.int64), static[:, c], cells.stat_exog[[c]])
    for c, name in enumerate(panel.futr_exog):
        if found[cells.effects[c]] != 0:
            add(name, "effect", np.array([1 - step]), known[[T + step - 1], c], cells.effects[[c]])
    lags = np.concatenate([block[2] for block in blocks])
    return {
        "time": panel.freq.at(panel.start[series], length - lags),
        "feature": np.concatenate([np.full(len(block[2]), block[0], object) for block in blocks]),
        "lag": lags,
        "role": np.concatenate([np.full(len(block[2]), block[1], object) for block in blocks]),
        "value": np.concatenate([block[3] for block in blocks]),
        "attribution": found[np.concatenate([block[4] for block in blocks])],
    }


def _unspread(panel: Panel, columns: Floats, owner: Integers, names: Mapping[str, Any]) -> Floats:
    """(., columns of the panel) as they came, words as their positions; NaN where unknown."""
    found = np.full((len(columns), len(names)), np.nan)
    for c, name in enumerate(names):
        own = columns[:, owner == c]
        there = (own == 1).any(axis=1)
        if name not in panel.categories:
            found[:, c] = own[:, 0]
        elif own.size:
            found[:, c] = np.where(there, own.argmax(axis=1), np.nan)
    return found


def _sentence(said: Explanation, name: str, weight: float) -> str:
    """The forecast, the largest parts, and how well they add up."""
    table, parts = said.table, {}
    of_series = table["role"] == "value"
    for lag, share in zip(table["lag"][of_series], table["attribution"][of_series], strict=True):
        parts[f"lag {lag}"] = float(share)
    for column in dict.fromkeys(table["feature"][~of_series].tolist()):
        share = table["attribution"][~of_series & (table["feature"] == column)].sum()
        parts[f"column {column}"] = float(share)
    total, whole = sum(parts.values()), said.forecast - said.baseline
    largest = sorted(parts, key=lambda part: -abs(parts[part]))[:TOLD]
    told = ", ".join(f"{part} ({parts[part]:+.3g})" for part in largest if parts[part])
    number = "median" if said.quantile == 0.5 else f"{said.quantile:g} quantile"
    when = format_times(np.array([said.time]))[0]
    networks = "networks of your own" if name == "Sequential" else f"{name} networks"
    text = (
        f"For {when}, step {said.step}, the {networks} say {said.forecast:.4g} ({number}); of a series that "
        f"stayed at its newest level they would say {said.baseline:.4g}, a difference of {whole:+.3g}. "
    )
    text += f"The largest parts: {told}. " if told else "Nothing that they read matters. "
    if said.method == "integrated":
        text += f"All parts add up to the difference, within {max(100 * said.error, 0.001):.1g} % of their size."
    else:
        text += f"All parts together are {total:+.3g}: by this method they need not add up."
    if weight < 1:
        text += f" These networks have a weight of {weight:.0%} in the forecast; the other models are not explained."
    return text
