"""From what models say to a forecast with intervals: weights, and factors for the widths, both from past errors.

Letters: S series, T columns, h horizon, Q quantiles.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import NormalDist
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from gatecast.evaluation.conformal import half_widths
from gatecast.forecasting import ensemble
from gatecast.forecasting.context import PanelContext
from gatecast.forecasting.ensemble import COMBINED, Learned
from gatecast.forecasting.scaling import forward_fill

__all__ = [
    "DEFAULT_AUTOCORRELATION",
    "STANDARD_LEVELS",
    "Bounds",
    "ConformalCalibrator",
    "default_calibrator",
    "predict_all",
    "prediction_intervals",
    "width_factor",
]

Floats = npt.NDArray[np.float64]

STANDARD_LEVELS = (50.0, 80.0, 90.0, 95.0, 99.0)
"""Levels that intervals are calibrated at besides those asked for; others lie between them."""

DEFAULT_WIDTH_FACTOR = 1.5
"""Factor of the intervals where there was too little past to measure any error."""


DEFAULT_AUTOCORRELATION = 0.8
"""Memory of the errors where too few of them are known."""


class Bounds(NamedTuple):
    """What values can be.

    Args:
        lower: None: not known; then 0 where all past values are at or above it.
        upper: None: not known.
        integer: Whether they are whole numbers.
    """

    lower: float | None = None
    upper: float | None = None
    integer: bool = False


class ConformalCalibrator(NamedTuple):
    """What past errors said.

    Args:
        name: Of the main model: the combination, or the network alone.
        quantiles: Q levels of the models' quantiles.
        weights: Of the models; they sum to 1.
        width_factors: (h,) of the half-widths by level in percent.
        bounds: What values can be.
        error_autocorrelation: Correlation of the errors of neighbouring steps.
        measured: Whether any past error was there to measure; if not, intervals are those of a random walk at least.
    """

    name: str
    quantiles: tuple[float, ...]
    weights: dict[str, float]
    width_factors: dict[float, Floats]
    bounds: Bounds = Bounds()
    error_autocorrelation: float = DEFAULT_AUTOCORRELATION
    measured: bool = True


def default_calibrator(
    models: Sequence[str], probabilities: tuple[float, ...], levels: Sequence[float], h: int
) -> ConformalCalibrator:
    """Equal weights, and factors that allow for not knowing.

    >>> default_calibrator(["LSTM"], (0.1, 0.5, 0.9), [80], 2).factors[80].tolist()
    [1.5, 1.5]
    """
    factors = {level: np.full(h, DEFAULT_WIDTH_FACTOR) for level in sorted({*STANDARD_LEVELS, *levels})}
    name = COMBINED if len(models) > 1 else models[0]
    return ConformalCalibrator(name, probabilities, dict.fromkeys(models, 1 / len(models)), factors, measured=False)


def predict_all(
    calibration: ConformalCalibrator, learned: Learned, history: PanelContext, steps: int
) -> dict[str, Floats]:
    """What the models say of the steps ahead, their combination first.

    Args:
        calibration: Gives the weights.
        learned: Trained models.
        history: Any series.
        steps: How far.

    Returns:
        (S, steps, Q) a model.
    """
    said = ensemble.say_far(learned, history, steps)
    return with_ensemble(calibration, said)


def with_ensemble(calibration: ConformalCalibrator, said: Mapping[str, Floats]) -> dict[str, Floats]:
    """The models' answers with their combination before them, if there are several."""
    first = {COMBINED: ensemble.weighted_average(said, calibration.weights)} if len(said) > 1 else {}
    return {**first, **said}


def width_factor(calibration: ConformalCalibrator, level: float, steps: int) -> Floats:
    """(steps,) the factor of any level; beyond the steps that were learnt, that of the last.

    >>> width_factor(default_calibrator(["LSTM"], (0.1, 0.5, 0.9), [80], 2), 85, 3).tolist()
    [1.5, 1.5, 1.5]
    """
    known = sorted(calibration.width_factors)
    h = len(calibration.width_factors[known[0]])
    at = [np.interp(level, known, [calibration.width_factors[one][k] for one in known]) for k in range(h)]
    return np.asarray(at)[np.minimum(np.arange(steps), h - 1)]


def prediction_intervals(
    calibration: ConformalCalibrator, said: Floats, values: Floats, levels: Sequence[float]
) -> list[Floats]:
    """Median and bounds, inside what values can be.

    Args:
        calibration: Gives factors and limits.
        said: (S, steps, Q) of the main model.
        values: (S, T) of the same series.
        levels: In percent.

    Returns:
        (S, steps) of the median, then of the lower and the upper bound of each level.
    """
    middle = said[..., said.shape[-1] // 2]
    found = [middle]
    for level in levels:
        below, above = half_widths(said, calibration.quantiles, level)
        stretch = width_factor(calibration, level, said.shape[1])
        least = 0.0 if calibration.measured else _walk(values, said.shape[1], level)
        found += [middle - np.maximum(stretch * below, least), middle + np.maximum(stretch * above, least)]
    return [_inside(calibration.bounds, side, values, k) for k, side in enumerate(found)]


def _walk(values: Floats, steps: int, level: float) -> Floats:
    """(S, steps) half-widths of a random walk, ``z sqrt(k (1 + 1 / n) mean(change^2))`` of n changes; 0 without any."""
    change = np.diff(forward_fill(values), axis=1) ** 2
    seen = np.isfinite(values)
    n = np.maximum(seen.sum(axis=1) - 1, 1)[:, None]
    size = np.sqrt(change.sum(axis=1, keepdims=True) / n * (1 + 1 / n) * np.arange(1, steps + 1))
    return np.asarray(NormalDist().inv_cdf(0.5 + level / 200) * size)


def _inside(limits: Bounds, side: Floats, values: Floats, number: int) -> Floats:
    """Side 0 is a median, odd ones are lower bounds, even ones upper bounds."""
    if limits.integer:
        side = np.round(side) if number == 0 else np.floor(side) if number % 2 else np.ceil(side)
    with np.errstate(invalid="ignore"):
        negative = np.asarray((values < 0).any(axis=1))[:, None]
        least = np.where(negative, -np.inf, 0.0) if limits.lower is None else limits.lower
        return np.asarray(np.clip(side, least, np.inf if limits.upper is None else limits.upper))
