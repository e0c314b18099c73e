"""From the models' quantiles to a forecast with intervals: weights and margins, both from past errors.

Shapes: n_series rows, n_steps steps, Q quantiles.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Collection, Mapping, Sequence
from statistics import NormalDist
from typing import NamedTuple

import numpy as np

from gatecast._utils.typing import BoolArray, FloatArray, IntArray
from gatecast.evaluation.bounds import Bounds, hold_constants, limit_widths
from gatecast.evaluation.conformal import fit_margins, half_widths, redundancy
from gatecast.evaluation.error_autocorrelation import DEFAULT_AUTOCORRELATION, error_autocorrelation
from gatecast.evaluation.model_weights import ModelWeights, equal_weights, fit_weights, leave_out
from gatecast.evaluation.past_forecasts import PastForecasts, series_unit
from gatecast.evaluation.point_forecasts import GRID_LEVELS, fit_mean_factor, mean_of_grid, sort_grid
from gatecast.evaluation.reconciliation import Reconciler
from gatecast.forecasting.context import PanelContext
from gatecast.forecasting.ensemble import COMBINED, FittedEnsemble, weighted_average
from gatecast.forecasting.scaling import forward_fill

__all__ = [
    "STANDARD_LEVELS",
    "AssumedWidths",
    "ConformalCalibrator",
    "calibrate",
    "default_calibrator",
    "is_mostly_zero",
    "margins_of",
    "point_forecasts",
    "predict_all",
    "prediction_intervals",
    "quantile_grid",
    "with_ensemble",
]

STANDARD_LEVELS = (50.0, 80.0, 90.0, 95.0, 99.0)
"""Levels that intervals are calibrated at besides the user's; others are interpolated."""

MAX_MEAN_ROWS = 4096
"""Rows, at most, that tell how far means are from medians."""

AGE_POWER = 2.0
"""Of the share of its present length that a series had at an origin: tails of yearly series chose it."""

EARLY_STOPPING_BIAS = 1.7
"""How much larger errors are than those that chose where to stop: tails of 164 single series chose it."""

PANEL_EARLY_STOPPING_BIAS = 1.2
"""The same where many series chose it together."""


class AssumedWidths(NamedTuple):
    """How wide intervals are where there was too little past to measure any error.

    Tails of short series chose it: the pretrained network's own quantiles hold 74 to 89 % of what follows in their 80 %
    intervals, those of a mean of models fitted to a dozen values 60 to 87 %.

    Args:
        factor: Of the models' widths.
        random_walk: Whether they are at least those of a random walk.
    """

    factor: float = 1.5
    random_walk: bool = True

    @classmethod
    def of(cls, calibrated: Sequence[bool]) -> AssumedWidths:
        """Return what is assumed of models, which know or do not know without past errors how much they err.

        Example:
            >>> AssumedWidths.of([True, False])
            AssumedWidths(factor=1.5, random_walk=False)
        """
        return cls(1.0 if all(calibrated) else 1.5, not any(calibrated))


class ConformalCalibrator(NamedTuple):
    """Weights and widths from past errors.

    Args:
        name: Column of the main model: the ensemble, or the only model.
        quantiles: Levels of the models' quantiles.
        weights: Of the models.
        margins: By level in percent, [horizon, 2]: by how much the bounds move outward, in units of a series; {} where
            no past error was measured: intervals are then as `assumed` says.
        season_length: A unit is the mean absolute change over a season.
        bounds: What values can be.
        error_autocorrelation: Correlation of the errors of neighboring steps.
        point: "median" or "mean": what point forecasts are.
        mean_factor: Of the distance of means from medians.
        reconciler: How the forecasts of a hierarchy are made to add up; None: there is none.
        assumed: Widths where no past error was measured.
    """

    name: str
    quantiles: tuple[float, ...]
    weights: ModelWeights
    margins: dict[float, FloatArray]
    season_length: int = 1
    bounds: Bounds = Bounds()
    error_autocorrelation: float = DEFAULT_AUTOCORRELATION
    point: str = "median"
    mean_factor: float = 1.0
    reconciler: Reconciler | None = None
    assumed: AssumedWidths = AssumedWidths()

    @property
    def measured(self) -> bool:
        """Whether any past error was measured."""
        return bool(self.margins)

    def at_positions(self, series: IntArray) -> ConformalCalibrator:
        """Return what is known of each series where these have moved or joined.

        Args:
            series: Positions of all series among those of before, [n_series]; -1 for new ones.
        """
        reconciler = None if self.reconciler is None else self.reconciler.at_positions(series)
        return self._replace(weights=self.weights.at_positions(series), reconciler=reconciler)


def default_calibrator(
    models: Sequence[str], quantiles: tuple[float, ...], season_length: int = 1
) -> ConformalCalibrator:
    """Return equal weights, and intervals that allow for unknown errors.

    Example:
        >>> default_calibrator(["LSTM"], (0.1, 0.5, 0.9)).weights.shared
        {'LSTM': 1.0}
    """
    name = COMBINED if len(models) > 1 else models[0]
    return ConformalCalibrator(name, quantiles, equal_weights(models), {}, season_length)


def calibrate(
    start: ConformalCalibrator,
    past: PastForecasts,
    context: PanelContext,
    levels: Sequence[float],
    stopped_early: Collection[str] = (),
    of_means: Collection[str] = (),
) -> ConformalCalibrator:
    """Return weights, margins and the autocorrelation of the errors, from forecasts of the past.

    A row whose past was shorter than the series is now counts ``(n / n_now)^2``: short series err more.

    Args:
        start: What stays: names, quantiles, bounds.
        past: Forecasts from past origins.
        context: The series as they are now.
        levels: Of the intervals, in percent, besides the standard ones.
        stopped_early: Models whose training ended where the errors of these very forecasts were least: for the weights
            they count for more.
        of_means: Models that forecast means, which are left out where most values are zeros.
    """
    n_now = np.isfinite(context.values).sum(axis=1)
    bias = EARLY_STOPPING_BIAS if len(context) == 1 else PANEL_EARLY_STOPPING_BIAS
    errors = {name: e * (bias if name in stopped_early else 1) for name, e in past.errors().items()}
    weights = fit_weights(errors, past.series, past.horizons, len(context))
    weights = leave_out(weights, of_means, is_mostly_zero(context.values))
    weighted = start._replace(weights=weights)
    main = with_ensemble(weighted, past.quantiles, past.series)[start.name]
    share = np.minimum(past.length / np.maximum(n_now[past.series], 1), 1.0) ** AGE_POWER * past.horizons
    error = past.actual - main[..., main.shape[-1] // 2]
    redundant = redundancy(error / past.unit[:, None], past.series, past.length)
    all_levels = sorted({*STANDARD_LEVELS, *levels})
    margins = fit_margins(main, start.quantiles, past.actual, past.unit, share, all_levels, redundant)
    below, above = half_widths(main, start.quantiles, 80.0)
    # Widths of 0, as of a constant past, make errors infinite, which the correlation clips.
    with np.errstate(over="ignore"):
        scaled = error / np.maximum(np.where(error < 0, below, above), 1e-300)
    measured = weighted._replace(margins=margins, error_autocorrelation=error_autocorrelation(scaled))
    return measured if start.point == "median" else _with_mean_factor(measured, main, past, context, share)


def is_mostly_zero(values: FloatArray) -> BoolArray:
    """Return where most values are zeros, but not all, [n_series]: their median is 0, their mean is not.

    Zeros before the first other value are no demand that was rare, but a product that was not yet sold.

    Args:
        values: Past values, [n_series, T]; NaN is missing.

    Example:
        >>> is_mostly_zero(np.array([[3.0, 0.0, 0.0], [0.0, 2.0, 3.0], [0.0, 0.0, 0.0], [0.0, 0.0, 3.0]])).tolist()
        [True, False, False, False]
    """
    started = np.logical_or.accumulate(np.isfinite(values) & (values != 0), axis=1)
    n_zero, n = ((values == 0) & started).sum(axis=1), (np.isfinite(values) & started).sum(axis=1)
    return np.asarray((2 * n_zero > n) & (n_zero < n))


def _with_mean_factor(
    calibrator: ConformalCalibrator,
    quantiles: FloatArray,
    past: PastForecasts,
    context: PanelContext,
    weight: FloatArray,
) -> ConformalCalibrator:
    """Return the calibrator with the distance of means from medians that past errors tell."""
    rows = np.arange(0, len(quantiles), -(-len(quantiles) // MAX_MEAN_ROWS))
    grid = quantile_grid(_exact(calibrator), quantiles[rows], context.values[past.series[rows]])
    median, unit = grid[..., grid.shape[-1] // 2], past.unit[rows, None]
    error, distance = (past.actual[rows] - median) / unit, (mean_of_grid(grid) - median) / unit
    return calibrator._replace(mean_factor=fit_mean_factor(error, distance, weight[rows]))


def predict_all(
    calibrator: ConformalCalibrator, ensemble: FittedEnsemble, context: PanelContext, n_steps: int | None = None
) -> dict[str, FloatArray]:
    """Forecast with the ensemble, if there are several models, and with every model.

    Args:
        calibrator: Provides the weights.
        ensemble: Fitted models.
        context: Any series.
        n_steps: Steps ahead; None: the horizon.

    Returns:
        Quantiles by column, [n_series, n_steps, Q].
    """
    quantiles = ensemble.predict_quantiles(context, n_steps)
    held = {name: hold_constants(column, context.values) for name, column in quantiles.items()}
    return with_ensemble(calibrator, held, context.series)


def with_ensemble(
    calibrator: ConformalCalibrator, quantiles: Mapping[str, FloatArray], series: IntArray
) -> dict[str, FloatArray]:
    """Return the models' quantiles with their weighted mean before them, if there are several.

    Args:
        calibrator: Provides the weights.
        quantiles: By model, [n_rows, horizon, Q].
        series: Positions of the rows among the fitted series, [n_rows]; -1 for others.
    """
    if len(quantiles) == 1:
        return dict(quantiles)
    return {COMBINED: weighted_average(quantiles, calibrator.weights.of(series)), **quantiles}


def margins_of(calibrator: ConformalCalibrator, level: float, n_steps: int) -> FloatArray:
    """Return the margins of any level, [n_steps, 2]; beyond the horizon, the last grows with the root of the steps.

    Between the calibrated levels margins are linear in the level. Below the first they shrink to 0 as the half-widths
    of a normal distribution do, ``z(level) / z(first)`` with ``z(p)`` its quantile at ``1/2 + p/200``; above the last
    they are those of the last.

    Example:
        >>> calibrator = default_calibrator(["LSTM"], (0.1, 0.5, 0.9))
        >>> calibrator = calibrator._replace(margins={80.0: np.ones((1, 2)), 90.0: np.full((1, 2), 2.0)})
        >>> margins_of(calibrator, 85.0, 4)[:, 0].round(3).tolist()
        [1.5, 2.121, 2.598, 3.0]
        >>> margins_of(calibrator, 1.0, 1)[:, 0].round(3).tolist()
        [0.01]
    """
    levels = sorted(calibrator.margins)
    if level < levels[0]:
        margins = calibrator.margins[levels[0]] * (_normal_half_width(level) / _normal_half_width(levels[0]))
    else:
        right = min(max(bisect_left(levels, level), 1), max(len(levels) - 1, 1))
        low, high = levels[right - 1], levels[min(right, len(levels) - 1)]
        share = min((level - low) / (high - low), 1.0) if high > low else 0.0
        margins = (1 - share) * calibrator.margins[low] + share * calibrator.margins[high]
    if n_steps <= len(margins):
        return np.asarray(margins[:n_steps])
    steps, horizon = np.arange(n_steps), len(margins)
    growth = np.sqrt(np.maximum((steps + 1) / horizon, 1.0))
    return np.asarray(margins[np.minimum(steps, horizon - 1)] * growth[:, None])


def _normal_half_width(level: float) -> float:
    """Return half the width of an interval of a standard normal distribution, by its level in percent."""
    return NormalDist().inv_cdf(0.5 + level / 200)


def prediction_intervals(
    calibrator: ConformalCalibrator, quantiles: FloatArray, values: FloatArray, levels: Sequence[float]
) -> list[FloatArray]:
    """Return point forecasts and interval bounds, within what values can be.

    Args:
        calibrator: Provides margins and bounds.
        quantiles: Of the main model, [n_series, n_steps, Q].
        values: Past values of the same series, [n_series, T].
        levels: In percent.

    Returns:
        The point forecast, then the lower and the upper bound of each level, [n_series, n_steps] each.
    """
    median, *intervals = _median_and_bounds(calibrator, quantiles, values, levels)
    if calibrator.point == "median":
        return [median, *intervals]
    return [point_forecasts(calibrator, quantiles, values), *intervals]


def point_forecasts(calibrator: ConformalCalibrator, quantiles: FloatArray, values: FloatArray) -> FloatArray:
    """Return the medians as they are, or the means of the calibrated distributions, [n_series, n_steps].

    A mean of whole numbers is no whole number, so means are not rounded.

    Args:
        calibrator: Provides margins and bounds.
        quantiles: Of a model, [n_series, n_steps, Q].
        values: Past values of the same series, [n_series, T].
    """
    if calibrator.point == "median":
        return np.asarray(quantiles[..., quantiles.shape[-1] // 2])
    exact = _exact(calibrator)
    grid = quantile_grid(exact, quantiles, values)
    median = grid[..., grid.shape[-1] // 2]
    mean = median + calibrator.mean_factor * (mean_of_grid(grid) - median)
    return exact.bounds.apply(mean, [], values)[0]


def _exact(calibrator: ConformalCalibrator) -> ConformalCalibrator:
    """Return the calibrator without rounding to whole numbers, and without the widths that doubt adds.

    Where no error was measured intervals are wider than the models', to be safe. A mean is not safer for being larger.
    """
    exact = calibrator.bounds._replace(integer=False)
    return calibrator._replace(bounds=exact, assumed=AssumedWidths(1.0, random_walk=False))


def quantile_grid(calibrator: ConformalCalibrator, quantiles: FloatArray, values: FloatArray) -> FloatArray:
    """Return the calibrated quantiles at the scores of `point_forecasts.grid_scores`, [n_series, n_steps, n_grid].

    Args:
        calibrator: Provides margins and bounds.
        quantiles: Of a model, [n_series, n_steps, Q].
        values: Past values of the same series, [n_series, T].
    """
    return sort_grid(_median_and_bounds(calibrator, quantiles, values, GRID_LEVELS))


def _median_and_bounds(
    calibrator: ConformalCalibrator, quantiles: FloatArray, values: FloatArray, levels: Sequence[float]
) -> list[FloatArray]:
    """Return the median, then the lower and the upper bound of each level."""
    n_steps, median = quantiles.shape[1], quantiles[..., quantiles.shape[-1] // 2]
    widths = _measured_widths if calibrator.measured else _assumed_widths
    by_level = widths(calibrator, quantiles, values, n_steps, levels)
    intervals = [side for level in levels for side in (median - by_level[level][0], median + by_level[level][1])]
    return calibrator.bounds.apply(median, limit_widths(median, intervals, values), values)


MIN_WIDTH_SHARE = 0.1
"""What margins leave of the half-width that the model itself gives, at least."""

Widths = dict[float, tuple[FloatArray, FloatArray]]


def _measured_widths(
    calibrator: ConformalCalibrator, quantiles: FloatArray, values: FloatArray, n_steps: int, levels: Sequence[float]
) -> Widths:
    """Return half-widths below and above with their margins, none less than that of a narrower level.

    Margins are in units of a series, widths are what the model says now: a few past errors in wide intervals could take
    all of a narrower one.
    """
    unit = np.nan_to_num(series_unit(values, calibrator.season_length))[:, None]
    widths: Widths = {}
    narrower = (np.zeros(quantiles.shape[:2]),) * 2
    for level in sorted({*calibrator.margins, *levels}):
        if level > max(levels, default=0.0):
            break
        margins = margins_of(calibrator, level, n_steps)
        sides = half_widths(quantiles, calibrator.quantiles, level)
        moved = [np.maximum(sides[k] + margins[:, k] * unit, MIN_WIDTH_SHARE * sides[k]) for k in (0, 1)]
        narrower = (np.maximum(moved[0], narrower[0]), np.maximum(moved[1], narrower[1]))
        widths[level] = narrower
    return widths


def _assumed_widths(
    calibrator: ConformalCalibrator, quantiles: FloatArray, values: FloatArray, n_steps: int, levels: Sequence[float]
) -> Widths:
    """Return half-widths where no error was measured: those of the models times a factor, at least a random walk's."""
    factor, random_walk = calibrator.assumed
    widths: Widths = {}
    for level in levels:
        sides = half_widths(quantiles, calibrator.quantiles, level)
        min_width = _random_walk_width(values, n_steps, level) if random_walk else np.zeros((1, 1))
        widths[level] = (np.maximum(factor * sides[0], min_width), np.maximum(factor * sides[1], min_width))
    return widths


def _random_walk_width(values: FloatArray, n_steps: int, level: float) -> FloatArray:
    """Return half-widths of a random walk, ``z sqrt(k (1 + 1 / n) mean(change^2))`` of n changes; 0 without any."""
    change = np.diff(forward_fill(values), axis=1) ** 2
    n = np.maximum(np.isfinite(values).sum(axis=1) - 1, 1)[:, None]
    size = np.sqrt(change.sum(axis=1, keepdims=True) / n * (1 + 1 / n) * np.arange(1, n_steps + 1))
    return np.asarray(NormalDist().inv_cdf(0.5 + level / 200) * size)
