"""From the models' quantiles to a forecast with intervals: weights and width factors, both from past errors.

Shapes: n_series rows, n_steps steps, Q quantiles.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import NormalDist
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from gatecast.evaluation.bounds import Bounds, hold_constants, limit_widths
from gatecast.evaluation.conformal import half_widths
from gatecast.forecasting.context import PanelContext
from gatecast.forecasting.ensemble import COMBINED, FittedEnsemble, weighted_average
from gatecast.forecasting.scaling import forward_fill

__all__ = [
    "DEFAULT_AUTOCORRELATION",
    "STANDARD_LEVELS",
    "ConformalCalibrator",
    "default_calibrator",
    "predict_all",
    "prediction_intervals",
    "width_factor",
    "with_ensemble",
]

FloatArray = npt.NDArray[np.float64]

STANDARD_LEVELS = (50.0, 80.0, 90.0, 95.0, 99.0)
"""Levels that intervals are calibrated at besides the user's; others are interpolated."""

DEFAULT_WIDTH_FACTOR = 1.5
"""Factor of the widths where there was too little past to measure any error."""

DEFAULT_AUTOCORRELATION = 0.8
"""Autocorrelation of the errors where too few of them are known."""


class ConformalCalibrator(NamedTuple):
    """Weights and widths from past errors.

    Args:
        name: Column of the main model: the ensemble, or the only model.
        quantiles: Levels of the models' quantiles.
        weights: By model; they sum to 1.
        width_factors: Factors of the half-widths by level in percent, [horizon].
        bounds: What values can be.
        error_autocorrelation: Correlation of the errors of neighboring steps.
        measured: Whether any past error was measured; if not, intervals are at least those of a random walk.
    """

    name: str
    quantiles: tuple[float, ...]
    weights: dict[str, float]
    width_factors: dict[float, FloatArray]
    bounds: Bounds = Bounds()
    error_autocorrelation: float = DEFAULT_AUTOCORRELATION
    measured: bool = True


def default_calibrator(
    models: Sequence[str], quantiles: tuple[float, ...], levels: Sequence[float], horizon: int
) -> ConformalCalibrator:
    """Return equal weights, and width factors that allow for unknown errors.

    Example:
        >>> default_calibrator(["LSTM"], (0.1, 0.5, 0.9), [80], 2).width_factors[80].tolist()
        [1.5, 1.5]
    """
    factors = {level: np.full(horizon, DEFAULT_WIDTH_FACTOR) for level in sorted({*STANDARD_LEVELS, *levels})}
    name = COMBINED if len(models) > 1 else models[0]
    return ConformalCalibrator(name, quantiles, dict.fromkeys(models, 1 / len(models)), factors, measured=False)


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
    return with_ensemble(calibrator, held)


def with_ensemble(calibrator: ConformalCalibrator, quantiles: Mapping[str, FloatArray]) -> dict[str, FloatArray]:
    """Return the models' quantiles with their weighted mean before them, if there are several."""
    combined = {COMBINED: weighted_average(quantiles, calibrator.weights)} if len(quantiles) > 1 else {}
    return {**combined, **quantiles}


def width_factor(calibrator: ConformalCalibrator, level: float, n_steps: int) -> FloatArray:
    """Return the factor of any level, [n_steps]; beyond the horizon, that of its last step.

    Example:
        >>> width_factor(default_calibrator(["LSTM"], (0.1, 0.5, 0.9), [80], 2), 85, 3).tolist()
        [1.5, 1.5, 1.5]
    """
    levels = sorted(calibrator.width_factors)
    horizon = len(calibrator.width_factors[levels[0]])
    by_level = [calibrator.width_factors[known] for known in levels]
    factors = [np.interp(level, levels, [factor[k] for factor in by_level]) for k in range(horizon)]
    return np.asarray(factors)[np.minimum(np.arange(n_steps), horizon - 1)]


def prediction_intervals(
    calibrator: ConformalCalibrator, quantiles: FloatArray, values: FloatArray, levels: Sequence[float]
) -> list[FloatArray]:
    """Return median and interval bounds, within what values can be.

    Args:
        calibrator: Provides width factors and bounds.
        quantiles: Of the main model, [n_series, n_steps, Q].
        values: Past values of the same series, [n_series, T].
        levels: In percent.

    Returns:
        The median, then the lower and the upper bound of each level, [n_series, n_steps] each.
    """
    n_steps, median = quantiles.shape[1], quantiles[..., quantiles.shape[-1] // 2]
    intervals = []
    for level in levels:
        below, above = half_widths(quantiles, calibrator.quantiles, level)
        factor = width_factor(calibrator, level, n_steps)
        min_width = 0.0 if calibrator.measured else _random_walk_width(values, n_steps, level)
        intervals += [median - np.maximum(factor * below, min_width), median + np.maximum(factor * above, min_width)]
    return calibrator.bounds.apply(median, limit_widths(median, intervals, values), values)


def _random_walk_width(values: FloatArray, n_steps: int, level: float) -> FloatArray:
    """Return half-widths of a random walk, ``z sqrt(k (1 + 1 / n) mean(change^2))`` of n changes; 0 without any."""
    change = np.diff(forward_fill(values), axis=1) ** 2
    n = np.maximum(np.isfinite(values).sum(axis=1) - 1, 1)[:, None]
    size = np.sqrt(change.sum(axis=1, keepdims=True) / n * (1 + 1 / n) * np.arange(1, n_steps + 1))
    return np.asarray(NormalDist().inv_cdf(0.5 + level / 200) * size)
