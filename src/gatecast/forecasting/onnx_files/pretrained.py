"""The pretrained networks as operators: each series has the network and the seasons that it chooses.

Shapes: B series, h steps, Q levels.
"""

from __future__ import annotations

import numpy as np

from gatecast.forecasting.onnx_files.hf import Limits, hf_quantiles
from gatecast.forecasting.onnx_files.lf import lf_forecast
from gatecast.forecasting.onnx_files.network_choice import GraphChoice, choose_networks, low_seasons, season_pairs
from gatecast.forecasting.onnx_files.series import GraphForecast, SeriesInput
from gatecast.forecasting.pretrained.head import LEVELS
from gatecast.forecasting.pretrained.model import FittedPretrained, PretrainedLF, at_levels
from gatecast.nn.onnx_files import operations as op
from gatecast.nn.onnx_files.builder import Value

__all__ = ["carries_state", "pretrained_forecast"]

N_LEVELS = len(LEVELS)

MAX_SEASON = 2**20
"""Above every longer season: a pair of seasons is one number."""


def carries_state(model: FittedPretrained) -> bool:
    """Return whether all series have the network of low frequency, with one season: that which carries a state."""
    return _only_low(model) and len(low_seasons(model.task, only_low=True)) == 1


def _only_low(model: FittedPretrained) -> bool:
    """Return whether no series may have the network of high frequency."""
    return isinstance(model.config, PretrainedLF) or not season_pairs(model.task)


def pretrained_forecast(model: FittedPretrained, series: SeriesInput) -> GraphForecast:
    """Return the quantiles of the steps after the end of each series.

    Args:
        model: The networks.
        series: The series; states are inputs and outputs if `carries_state` holds for both.
    """
    only_low = _only_low(model)
    seasons = low_seasons(model.task, only_low=only_low)
    if only_low and len(seasons) == 1:
        return lf_forecast(model, series, seasons[0])
    choice = choose_networks(series, model.task, only_low=only_low)
    # What no series has chosen is not computed.
    quantiles = op.full(series.values, [model.task.horizon, len(model.task.quantiles)], np.nan)
    for m in seasons:
        quantiles = _with_low(model, series, quantiles, ~choice.is_hf & choice.season.equals(m), m)
    if not only_low:
        quantiles = _with_high(model, series, quantiles, choice)
    return GraphForecast(quantiles, series.is_empty())


def _with_low(model: FittedPretrained, series: SeriesInput, quantiles: Value, rows: Value, m: int) -> Value:
    """Return quantiles with those of the network of low frequency for the rows of one season."""
    builder, sizes = series.builder, (model.task.horizon, len(model.task.quantiles))
    with builder.body() as chosen:
        # What is computed in a branch is not seen outside.
        low = lf_forecast(model, series.with_values(series.values), m).quantiles
        is_row = op.expand_dims(op.expand_dims(rows, 1), 2)
        builder.body_output(op.where(is_row, low, quantiles), sizes)
    with builder.body() as otherwise:
        builder.body_output(quantiles, sizes)
    any_row = op.squeeze(op.reduce_max(op.cast(rows, np.float64), 0, keepdims=True) > 0, 0)
    return builder.op("If", any_row, dtype=np.float64, then_branch=chosen, else_branch=otherwise)


def _with_high(model: FittedPretrained, series: SeriesInput, quantiles: Value, choice: GraphChoice) -> Value:
    """Return quantiles with those of the network of high frequency, a pair of seasons after the other."""
    builder, task = series.builder, model.task
    limits = Limits.of(season_pairs(task), task.horizon)
    key = op.where(choice.is_hf & ~series.is_empty(), choice.season * MAX_SEASON + choice.long, -1)
    pairs = builder.op("Unique", builder.op("Compress", key, key >= 0), sorted=1)
    sizes = (task.horizon, len(task.quantiles))
    with builder.body() as body:
        place = builder.body_input(np.int64, batch=False)
        condition = builder.body_input(bool, batch=False)
        so_far = builder.body_input(np.float64, sizes)
        pair = op.expand_dims(op.take(pairs, place, 0), 0)
        rows = op.squeeze(builder.op("NonZero", key.equals(pair), dtype=np.int64), 0)
        values = op.take(series.values, rows, 0)
        season, long = pair / MAX_SEASON, builder.op("Mod", pair, MAX_SEASON)
        pair_quantiles = hf_quantiles(model.high, values, season, long, task.horizon, limits)
        pair_quantiles = pair_quantiles @ at_levels(np.eye(N_LEVELS), task.quantiles)
        builder.body_output(condition, batch=False)
        builder.body_output(builder.op("ScatterND", so_far, op.expand_dims(rows, 1), pair_quantiles), sizes)
    n_pairs = op.squeeze(op.size_of(pairs, 0), 0)
    always = builder.constant(True, bool)
    return builder.op("Loop", n_pairs, always, quantiles, dtype=np.float64, body=body)
