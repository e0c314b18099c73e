"""What the low-frequency network reads at every step, and what it is to forecast from there.

A forecast from the middle of a series has the same bits as one from its end: all statistics are running ones.
Differences are in units of the series: its mean absolute change so far.

Shapes: T steps, n series, K steps of a block, m season length. Time comes first, and a series begins at step 0; what
lies behind its end is missing.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from gatecast._utils.arrays import accumulate, sum_rows
from gatecast._utils.typing import BoolArray, Float32Array, FloatArray, IntArray
from gatecast.forecasting.pretrained.head import HeadShape
from gatecast.forecasting.pretrained.lf.autoregression import HORIZONS, forecast_autoregression
from gatecast.forecasting.pretrained.lf.scaling import ScaledValues, Support
from gatecast.forecasting.pretrained.lf.seasons import SeasonalIndices, seasonal_indices
from gatecast.forecasting.pretrained.lf.statistics import (
    MIN_TOLD_UNIT,
    N_ANCHORS,
    SLOPES,
    Observed,
    Statistics,
    damped_steps,
    statistics_from,
)
from gatecast.forecasting.pretrained.soft_limit import soft_limit

__all__ = [
    "ANCHOR_NAMES",
    "BLOCK",
    "HEAD",
    "INPUT_NAMES",
    "MAX_TARGET",
    "N_INPUTS",
    "WINDOW",
    "Features",
    "anchors",
    "make_features",
    "targets",
]

WINDOW = 24
"""Newest values that the network reads at a step."""

ANCHOR_NAMES = ("level", "drift", "damped trend", "recent mean", "mean", "line", "last cycle", "autoregression")
"""Simple forecasts, in the order of the network's weights; the season is added to each."""

BLOCK = 24
"""Steps K that are forecast from an origin."""

HEAD = HeadShape(tokens=BLOCK, slots=1, groups=3, anchors=N_ANCHORS, first_spread=0.8)

MAX_TARGET = 30.0
"""Targets are clipped at so many units."""

MAX_SIDE_BY_SIDE = 64
"""Columns up to which the blocks of seasonal indices are computed at once."""

TYPICAL_UNITS = {1: 0.08, 4: 0.04, 12: 0.06, 52: 0.1}
"""Mean absolute change of the logarithm by season length, before a series has shown its own."""

OTHER_TYPICAL_UNIT = 0.06

INPUT_NAMES = (
    *(f"value[-{lag}]" for lag in range(WINDOW - 1, 0, -1)),
    "value",
    *(f"slope {k}" for k in SLOPES),
    "drift",
    "change over a cycle",
    *(f"error of {name}" for name in ANCHOR_NAMES),
    *(f"error of {name} over a cycle" for name in ANCHOR_NAMES),
    "log values",
    "log season length",
    "share observed",
    "season strength",
    "log unit",
    "sin",
    "cos",
    "sin 2",
    "cos 2",
    "log gap",
    "newest unit",
    "autocorrelation",
    "share of zeros",
    "season size",
    "error of a cycle ago",
    "distance of the mean",
    "distance of the line",
    "slope of the line",
    *(f"autoregression after {h}" for h in HORIZONS),
)
"""Inputs in order; weights belong to these."""

N_INPUTS = len(INPUT_NAMES)


class Features(NamedTuple):
    """Inputs of the network, and what turns its outputs into forecasts; T steps from the first that was asked for."""

    inputs: Float32Array
    """(T, N_INPUTS, n)."""
    level: FloatArray
    """(T, n), seasonally adjusted."""
    unit: FloatArray
    """(T, n)."""
    drift: FloatArray
    """(T, n), in units."""
    slope: FloatArray
    """(T, n), of the newest changes, in units."""
    recent: FloatArray
    """(T, n): mean of the last two cycles less the level, in units."""
    mean: FloatArray
    """(T, n): mean so far less the level, in units."""
    line: FloatArray
    """(T, n): what the line through the values so far is at the newest one, less the level, in units."""
    line_slope: FloatArray
    """(T, n): its slope, in units."""
    autoregression: FloatArray
    """(S, T, n): what the autoregression goes on from, in units, relative to a level."""
    offset: FloatArray
    """(T, n): that level less `level`, in units."""
    z: FloatArray
    """(steps, n): the series from its beginning on, with each missing value as the one before it."""
    last: IntArray
    """(steps, n): step of the newest value, from its beginning on; 0 before the first."""
    support: Support
    """(T, n) each: the values that the series may take."""
    indices: SeasonalIndices
    """Seasonal indices."""


def make_features(series: ScaledValues, m: int, first: int = 0) -> Features:
    """Compute the features of series with one season length at all steps, or at the last ones.

    Args:
        series: On the scale of the network.
        m: Season length; 1 for none.
        first: First step of the results, which are the same bits as those of all steps.

    Example:
        >>> from gatecast.forecasting.pretrained.lf.scaling import SeriesScale
        >>> y = np.exp(np.linspace(0, 1, 30))[:, None]
        >>> features = make_features(SeriesScale.of(y).transform(y), 4)
        >>> features.inputs.shape, features.drift[-1].round(2).tolist()
        ((30, 66, 1), [0.99])
    """
    observed = Observed.of(series.observed)
    indices = seasonal_indices(series.z, observed, m, first)
    typical = TYPICAL_UNITS.get(m, OTHER_TYPICAL_UNIT)
    statistics = _adjusted_statistics(series.z, observed, indices, typical, first)
    offset = np.zeros_like(statistics.level)
    if series.at_floor.any():
        level = _level_of_zeros(series, indices, statistics.level)
        offset = (statistics.level - level) / statistics.unit
        statistics = statistics._replace(level=level, autoregression_points=statistics.autoregression_points + offset)
    return Features(
        _inputs(series, observed, indices, statistics, typical, first),
        statistics.level,
        statistics.unit,
        statistics.drift / statistics.unit,
        statistics.slopes[0] / statistics.unit,
        (statistics.recent - statistics.level) / statistics.unit,
        (statistics.mean - statistics.level) / statistics.unit,
        (statistics.line - statistics.level) / statistics.unit,
        statistics.line_slope / statistics.unit,
        statistics.autoregression,
        offset,
        series.z,
        observed.newest(),
        series.support.at(slice(first, None)),
        indices,
    )


def anchors(features: Features, step: IntArray, series: IntArray, n_steps: int) -> FloatArray:
    """Return the simple forecasts less the level, in units, (N_ANCHORS, n_steps, *origins).

    Args:
        features: Of the series.
        step: Steps of the origins, counted from the first of the features.
        series: Their series; of a shape that goes with that of the steps.
        n_steps: Steps to forecast.
    """
    at = (step, series)
    origin = step + len(features.z) - len(features.level)
    gap = origin - features.last[origin, series]
    j = np.arange(1.0, n_steps + 1).reshape(-1, *[1] * gap.ndim) + gap
    out = np.zeros((N_ANCHORS, *j.shape))
    out[1] = features.drift[at] * j
    out[2] = features.slope[at] * damped_steps(j)
    out[3] = features.recent[at]
    out[4] = features.mean[at]
    out[5] = features.line[at] + features.line_slope[at] * j
    out[6] = _last_cycle(features, origin, series, j)
    out[6] = np.where(np.isfinite(out[6]), (out[6] - features.level[at]) / features.unit[at], 0.0)
    out[7] = forecast_autoregression(features.autoregression[:, step, series], gap, n_steps) + features.offset[at]
    return out


def _last_cycle(features: Features, origin: IntArray, series: IntArray, j: FloatArray) -> FloatArray:
    """Return the seasonally adjusted values of the newest cycle; NaN where it began before the series.

    Args:
        features: Of the series.
        origin: Steps, counted from the beginning of the series.
        series: As for `anchors`.
        j: Steps from the newest value on, (n_steps, *origins).
    """
    m = features.indices.values.shape[1]
    cycles = -(-j // m)
    source = features.last[origin, series] + (j - m * cycles).astype(np.int64)
    holder = features.last[np.maximum(source, 0), series]
    index = features.indices.values[features.indices.block(origin), holder % m, series]
    return np.where(source < 0, np.nan, features.z[holder, series] - index)


def targets(
    series: ScaledValues, features: Features, n_steps: int, n_origins: int | None = None
) -> tuple[Float32Array, BoolArray]:
    """Return what follows each step less its level, in units, clipped; and whether it is known.

    Args:
        series: As for `make_features`; more steps may follow.
        features: Of the series.
        n_steps: Steps K of a block.
        n_origins: First steps that are origins; None: all steps of the features.

    Returns:
        (n_origins, K, n), 0 where it is not known, and a mask of the same shape.
    """
    (T, n), origins = series.z.shape, np.arange(n_origins or len(features.level))
    out, known = np.zeros((len(origins), n_steps, n), np.float32), np.zeros((len(origins), n_steps, n), bool)
    for j in range(1, n_steps + 1):
        steps = origins[: max(T - j, 0)]
        adjusted = series.z[steps + j] - features.indices.at(steps, steps + j)
        value = (adjusted - features.level[steps]) / features.unit[steps]
        out[: len(steps), j - 1] = np.clip(value, -MAX_TARGET, MAX_TARGET)
        known[: len(steps), j - 1] = series.observed[steps + j]
    out[~known] = 0.0
    return out, known


def _adjusted_statistics(
    z: FloatArray, observed: Observed, indices: SeasonalIndices, typical_unit: float, first: int
) -> Statistics:
    """Return the statistics at every step from `first` on, of series without the season that is known at the step."""
    m = indices.values.shape[1]
    if first >= indices.starts[-1] and (indices.strength[-1] > 0).all():
        index = indices.values[-1][np.arange(len(z)) % m]
        return statistics_from(z - index, observed, m, typical_unit, first)
    stops = [*indices.starts.tolist()[1:], len(z)]
    blocks = [g for g in range(1, len(stops)) if stops[g] > first and (indices.strength[g] > 0).any()]
    if len(blocks) * z.shape[1] <= MAX_SIDE_BY_SIDE:
        return _side_by_side(z, observed, indices, blocks, typical_unit, first)
    statistics = statistics_from(z, observed, m, typical_unit, first)
    for g in blocks:
        seasonal = np.flatnonzero(indices.strength[g] > 0)
        start, stop = max(indices.starts[g], first), stops[g]
        index = indices.values[g][:, seasonal][np.arange(stop) % m]
        part = observed.columns(stop, seasonal)
        adjusted = statistics_from(z[:stop, seasonal] - index, part, m, typical_unit, start)
        for every, block in zip(statistics, adjusted, strict=True):
            every[..., start - first : stop - first, seasonal] = block
    return statistics


def _side_by_side(
    z: FloatArray, observed: Observed, indices: SeasonalIndices, blocks: list[int], typical_unit: float, first: int
) -> Statistics:
    """Return the statistics of few series: without season and with the indices of each block, computed as columns.

    They are the same bits as those of one block after the other. A call has a cost that does not depend on its columns,
    which is most of that of a single series.
    """
    (T, n), m = z.shape, indices.values.shape[1]
    columns = np.concatenate([z, *(z - indices.values[g][np.arange(T) % m] for g in blocks)], axis=1)
    of_columns = observed.columns(T, np.tile(np.arange(n), 1 + len(blocks)))
    every = statistics_from(columns, of_columns, m, typical_unit, first)
    # Which of the columns a series has at a step: 0 is the one without season.
    of_block = np.zeros(len(indices.values), np.int64)
    of_block[blocks] = 1 + np.arange(len(blocks))
    block = indices.block(np.arange(first, T))
    chosen = np.where(indices.strength[block] > 0, of_block[block][:, None], 0) * n + np.arange(n)
    return Statistics(*(each[..., np.arange(T - first)[:, None], chosen] for each in every))


def _level_of_zeros(series: ScaledValues, indices: SeasonalIndices, level: FloatArray) -> FloatArray:
    """Return the level: the place of zeros where most values so far are zeros and no season shows, else as it is.

    Their quantiles are 0 up to the share of zeros: the level is then where these are, whatever the newest values. Zeros
    before the first positive value do not count.
    """
    steps = np.arange(len(series.z) - len(level), len(series.z))
    n_zeros, n = (accumulate(np.add, each, np.float64) for each in (series.at_floor, series.observed))
    at_floor = (2 * n_zeros > n)[steps] & (indices.strength[indices.block(steps)] == 0)
    return np.where(at_floor, np.log(np.where(at_floor, series.support.floor[steps], 1.0)), level)


def _inputs(
    series: ScaledValues,
    observed: Observed,
    indices: SeasonalIndices,
    statistics: Statistics,
    typical_unit: float,
    first: int,
) -> Float32Array:
    """Return what the network reads, (T - first, N_INPUTS, n)."""
    T, n = series.z.shape
    x = np.zeros((T - first, N_INPUTS, n), np.float32)
    level, unit, steps = statistics.level, statistics.unit, np.arange(T)
    per_unit = 1 / unit
    if T - first < WINDOW:
        for row, step in enumerate(range(first, T)):
            at = steps[max(step - WINDOW + 1, 0) : step + 1]
            value = series.z[at] - indices.at(np.full(len(at), step), at) - level[row]
            x[row, WINDOW - len(at) : WINDOW] = soft_limit(value * per_unit[row]) * series.observed[at]
    for lag in range(min(WINDOW, T) if T - first >= WINDOW else 0):
        start = max(lag, first)
        at, lagged = steps[start:], slice(start - lag, T - lag)
        value = series.z[lagged] - indices.at(at, at - lag) - level[start - first :]
        x[start - first :, WINDOW - 1 - lag] = soft_limit(value * per_unit[start - first :]) * series.observed[lagged]
    rest = iter(range(WINDOW, N_INPUTS))
    for values in _other_inputs(observed, indices, statistics, series.at_floor, typical_unit):
        x[:, next(rest)] = values
    return x


def _other_inputs(
    observed: Observed, indices: SeasonalIndices, s: Statistics, at_floor: BoolArray, typical_unit: float
) -> list[FloatArray]:
    """Return the inputs behind the window, (T, n) or (T, 1) each, at the steps of the statistics."""
    T, m = len(s.unit), indices.values.shape[1]
    first = len(at_floor) - T
    steps, per_unit, so_far = np.arange(first, first + T), 1 / s.unit, observed.so_far[first:]
    count = np.maximum(so_far, 1.0)
    block = indices.block(steps)
    # A slope of independent changes has a standard deviation of 1 / sqrt(steps).
    slopes = [slope * per_unit * k**0.5 for slope, k in zip(s.slopes, SLOPES, strict=True)]
    errors = [soft_limit(error * per_unit) for error in (*s.errors[0], *s.errors[1])]
    season_size = (sum_rows(np.abs(indices.values).swapaxes(0, 1)) / m)[block]
    return [
        *slopes,
        s.drift * per_unit * 4,
        soft_limit(s.cycle_change * per_unit),
        *errors,
        np.log(count) / 3,
        np.full((T, 1), np.log2(m) / 6),
        so_far / (steps[:, None] + 1),
        indices.strength[block],
        0.5 * np.log(np.maximum(s.unit, MIN_TOLD_UNIT) / typical_unit),
        *_waves(steps, m),
        np.log1p(observed.gap()[first:]) / 3,
        s.newest_unit * per_unit,
        s.autocorrelation,
        accumulate(np.add, at_floor, np.float64)[first:] / count,
        soft_limit(season_size * per_unit),
        soft_limit(s.cycle_error * per_unit),
        soft_limit((s.mean - s.level) * per_unit),
        soft_limit((s.line - s.level) * per_unit),
        s.line_slope * per_unit * 4,
        *(soft_limit(forecast) for forecast in s.autoregression_points),
    ]


def _waves(steps: IntArray, m: int) -> list[FloatArray]:
    """Return sine and cosine of the phase and of twice the phase, (T, 1) each; 0 without season."""
    if m == 1:
        return [np.zeros((len(steps), 1))] * 4
    angle = 2 * np.pi * (steps % m)[:, None] / m
    return [wave(k * angle) for k in (1, 2) for wave in (np.sin, np.cos)]
