"""Prediction intervals as operators: `calibration.prediction_intervals` for medians, where all is explained.

Shapes: B series, T columns, h steps, Q quantiles.
"""

from __future__ import annotations

from collections.abc import Sequence
from statistics import NormalDist
from typing import Any

import numpy as np

from gatecast._utils.typing import FloatArray
from gatecast.evaluation.bounds import MAX_RANGES, MIN_CONSTANT_VALUES, MIN_VALUES_FOR_RANGE
from gatecast.evaluation.calibration import MIN_WIDTH_SHARE, ConformalCalibrator, margins_of
from gatecast.evaluation.conformal import level_position
from gatecast.evaluation.past_forecasts import MIN_PAIRS
from gatecast.forecasting.onnx_files.series import SeriesInput, count
from gatecast.nn.onnx_files import operations as op
from gatecast.nn.onnx_files.builder import Value

__all__ = ["add_hold_of_constants", "add_intervals"]

Sides = tuple[Value, Value]


def add_hold_of_constants(quantiles: Value, series: SeriesInput) -> Value:
    """Return the quantiles, [B, h, Q], exactly the constant where at least 12 past values are all equal."""
    low, high, n = _range(series)
    constant = low.equals(high) & (n >= MIN_CONSTANT_VALUES)
    return op.where(_with_axes(constant, 2), _with_axes(low, 2), quantiles)


def add_intervals(
    calibrator: ConformalCalibrator, quantiles: Value, series: SeriesInput, n_steps: int, levels: Sequence[float]
) -> list[Value]:
    """Return the median, then the lower and the upper bound of each level, [B, h] each, within what values can be.

    Args:
        calibrator: Provides margins and bounds; its point forecasts are medians.
        quantiles: Of the main model, [B, h, Q].
        series: The past.
        n_steps: h.
        levels: In percent.
    """
    median = op.take(quantiles, len(calibrator.quantiles) // 2, 2)
    widths = _measured if calibrator.measured else _assumed
    by_level = widths(calibrator, quantiles, series, n_steps, levels)
    low, high, n = _range(series)
    known = (n >= MIN_VALUES_FOR_RANGE) & (high > low)
    reach = op.where(known, MAX_RANGES * (high - low), np.inf)
    steps = np.arange(1.0, n_steps + 1)[None]
    growth = op.sqrt(op.maximum(1 / op.expand_dims(op.maximum(n, 1), 1) * steps, 1))
    limit = op.expand_dims(reach, 1) * growth
    sides = [side for level in levels for side in (median - by_level[level][0], median + by_level[level][1])]
    return _within_bounds(calibrator, series, [median, *(op.clip(s, median - limit, median + limit) for s in sides)])


def _within_bounds(calibrator: ConformalCalibrator, series: SeriesInput, sides: list[Value]) -> list[Value]:
    """Return the median and bounds as values can be."""
    bounds, builder = calibrator.bounds, series.builder
    if bounds.integer:
        names = ["Round", *["Floor", "Ceil"] * (len(sides) // 2)]
        sides = [builder.op(name, side) for name, side in zip(names, sides, strict=True)]
    if bounds.lower is None:
        negative = op.reduce_max(op.cast(series.values < 0, np.float64), 1, keepdims=True) > 0
        sides = [op.maximum(side, op.where(negative, -np.inf, np.zeros((1, 1)))) for side in sides]
    else:
        sides = [op.maximum(side, bounds.lower) for side in sides]
    return sides if bounds.upper is None else [op.minimum(side, bounds.upper) for side in sides]


def _measured(
    calibrator: ConformalCalibrator, quantiles: Value, series: SeriesInput, n_steps: int, levels: Sequence[float]
) -> dict[float, Sides]:
    """Return half-widths below and above with their margins, none less than that of a narrower level."""
    unit = op.expand_dims(_unit(series, calibrator.season_length), 1)
    narrower: Sides | None = None
    widths = {}
    for level in sorted({*calibrator.margins, *levels}):
        if level > max(levels, default=0.0):
            break
        margins = margins_of(calibrator, level, n_steps)
        pairs = zip(_half_widths(calibrator, quantiles, level), margins.T[:, None], strict=True)
        below, above = (op.maximum(side + unit * margin, MIN_WIDTH_SHARE * side) for side, margin in pairs)
        start: tuple[Value | float, Value | float] = narrower or (0.0, 0.0)
        narrower = (op.maximum(below, start[0]), op.maximum(above, start[1]))
        widths[level] = narrower
    return widths


def _assumed(
    calibrator: ConformalCalibrator, quantiles: Value, series: SeriesInput, n_steps: int, levels: Sequence[float]
) -> dict[float, Sides]:
    """Return half-widths where no error was measured: those of the model times a factor, at least a random walk's."""
    factor, random_walk = calibrator.assumed
    widths = {}
    for level in levels:
        below, above = (factor * side for side in _half_widths(calibrator, quantiles, level))
        if random_walk:
            walk = _random_walk_width(series, n_steps, level)
            below, above = op.maximum(below, walk), op.maximum(above, walk)
        widths[level] = (below, above)
    return widths


def _half_widths(calibrator: ConformalCalibrator, quantiles: Value, level: float) -> Sides:
    """Return the distances from the median to both bounds, [B, h] each."""
    right, share = level_position(tuple(calibrator.quantiles), level)
    middle = len(calibrator.quantiles) // 2
    median = op.take(quantiles, middle, 2)
    sides = []
    for sign in (-1, 1):
        inner, outer = (op.take(quantiles, middle + sign * k, 2) for k in (right - 1, right))
        bound = inner + share * (outer - inner)
        sides.append(op.maximum(median - bound if sign < 0 else bound - median, 0))
    return sides[0], sides[1]


def _unit(series: SeriesInput, m: int) -> Value:
    """Return the mean absolute change over a season, over a step where there is none; 0 for constants, [B]."""
    by_lag = {lag: _mean_change(series, lag) for lag in {1, m}}
    unit = op.where(by_lag[m][0] > 0, by_lag[m][0], by_lag[1][0])
    n_changes = count(op.is_finite(series.values)) - 1
    n_pairs = op.maximum(by_lag[m][1], by_lag[1][1])
    between = op.total(op.absolute(_known_changes(series)), 1) / op.maximum(n_changes, 1)
    return op.where(n_pairs < MIN_PAIRS * n_changes, between, unit)


def _mean_change(series: SeriesInput, lag: int) -> tuple[Value, Value]:
    """Return the mean absolute change over some steps, 0 without a pair, and the number of pairs, [B] each."""
    values = series.values
    change = op.absolute(op.slice_of(values, 1, lag) - op.slice_of(values, 1, 0, -lag))
    known = op.is_finite(change)
    n = count(known)
    return op.total(op.where(known, change, 0), 1) / op.maximum(n, 1), n


def _known_changes(series: SeriesInput) -> Value:
    """Return the change from each value to the next one, however many are missing between them; 0 elsewhere, [B, T]."""
    return series.derive("changes", lambda: _scan_changes(series))  # type: ignore[no-any-return]


def _scan_changes(series: SeriesInput) -> Value:
    """Compute `_known_changes` in a loop that remembers the newest value."""
    builder, values = series.builder, series.values
    with builder.body() as body:
        newest, value = builder.body_input(np.float64), builder.body_input(np.float64)
        is_known = op.is_finite(value)
        change = value - newest
        builder.body_output(op.where(is_known, value, newest))
        builder.body_output(op.where(op.is_finite(change), change, 0))
    first = op.full(values, [], np.nan)
    settings: dict[str, Any] = {"num_scan_inputs": 1, "scan_input_axes": [1], "scan_output_axes": [1]}
    return builder.ops("Scan", 2, first, values, body=body, **settings)[1]


def _random_walk_width(series: SeriesInput, n_steps: int, level: float) -> Value:
    """Return half-widths of a random walk, [B, h]."""
    change = _known_changes(series)
    n = op.maximum(op.expand_dims(count(op.is_finite(series.values)) - 1, 1), 1)
    steps: FloatArray = np.arange(1.0, n_steps + 1)[None]
    size = op.sqrt(op.total(change * change, 1, keepdims=True) / n * (1 + 1 / n) * steps)
    return NormalDist().inv_cdf(0.5 + level / 200) * size


def _range(series: SeriesInput) -> tuple[Value, Value, Value]:
    """Return the smallest and largest value of each series and the number of values, [B] each."""

    def compute() -> tuple[Value, Value, Value]:
        observed = op.is_finite(series.values)
        low = op.reduce_min(op.where(observed, series.values, np.inf), 1)
        return low, op.reduce_max(op.where(observed, series.values, -np.inf), 1), count(observed)

    return series.derive("range", compute)  # type: ignore[no-any-return]


def _with_axes(value: Value, n_axes: int) -> Value:
    """Return a value with more axes behind."""
    for _ in range(n_axes):
        value = op.expand_dims(value, -1)
    return value
