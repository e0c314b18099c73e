"""Margins that follow new values: intervals that missed more often than they state get wider, others narrower.

With s the score of a new value on one side of the interval of a level (`conformal.fit_margins`) and m the margin::

    m <- m + 0.1 B (share(s > m) - (1 - level) / 2)

over the series of a panel, step by step and in the order of time, where B is the mean half-width.

Shapes: n_series series, horizon steps.

Source: Gibbs & Candes 2021, Adaptive conformal inference under distribution shift; Angelopoulos, Candes & Tibshirani
2023, Conformal PID control (quantile tracking).
"""

from __future__ import annotations

import numpy as np

from gatecast._utils.typing import BoolArray, FloatArray, IntArray
from gatecast.evaluation.calibration import ConformalCalibrator, with_ensemble
from gatecast.evaluation.conformal import half_widths
from gatecast.evaluation.past_forecasts import PastForecasts, forecast_past
from gatecast.forecasting.context import PanelContext
from gatecast.forecasting.ensemble import FittedEnsemble

__all__ = ["track_margins", "update_margins"]

RATE = 0.1
"""Share of a half-width that a margin moves by, at most, for each new value: the rate of Angelopoulos et al."""

MAX_VALUES = 6_000_000
"""Values of all series and origins; of larger panels, forecasts a horizon apart count alone."""


def update_margins(
    calibrator: ConformalCalibrator, ensemble: FittedEnsemble, context: PanelContext, n_new: IntArray
) -> ConformalCalibrator:
    """Return the calibrator with margins that follow the newest values.

    Args:
        calibrator: As it was fitted; without measured errors it stays as it is.
        ensemble: Models that were not fitted on the new values.
        context: The series with the new values.
        n_new: New values at the end of each series, [n_series].
    """
    longest = int(n_new.max(initial=0))
    if not calibrator.measured or longest == 0:
        return calibrator
    horizon = ensemble.task.horizon
    offsets = np.arange(longest + horizon - 1, 0, -1)
    if context.values.size * len(offsets) > MAX_VALUES:
        offsets = np.arange(longest, 0, -horizon)
    offsets = offsets[offsets < context.values.shape[1]]
    if not len(offsets):
        return calibrator
    past = forecast_past(ensemble, context, offsets, calibrator.season_length)
    # Values that the models were fitted on say nothing about their errors.
    distance = np.repeat(offsets, len(context))[:, None] - np.arange(1, horizon + 1)
    is_new = distance < np.tile(n_new, len(offsets))[:, None]
    return track_margins(calibrator, past._replace(actual=np.where(is_new, past.actual, np.nan)), distance)


def track_margins(calibrator: ConformalCalibrator, past: PastForecasts, distance: IntArray) -> ConformalCalibrator:
    """Return the calibrator after forecasts whose values have come, the oldest values first.

    Args:
        calibrator: With measured margins.
        past: Forecasts and actual values; NaN where they do not count.
        distance: Steps from each value to the newest, [n_rows, horizon].
    """
    main = with_ensemble(calibrator, past.quantiles, past.series)[calibrator.name]
    median, unit = main[..., main.shape[-1] // 2], past.unit[:, None]
    known = np.isfinite(past.actual) & np.isfinite(median) & np.isfinite(unit)
    if not (known.any() and calibrator.margins):
        return calibrator
    unit = np.where(known.any(axis=1, keepdims=True), unit, 1.0)
    # All levels at once: for a stream, a call of NumPy costs more than what it computes.
    levels = list(calibrator.margins)
    widths = np.stack([np.stack(half_widths(main, calibrator.quantiles, level)) for level in levels])
    outside = np.stack([median - past.actual, past.actual - median]) - widths
    start = np.stack([margins.T for margins in calibrator.margins.values()])
    tracked = _track(start, outside / unit, widths / unit, known, distance, np.array(levels))
    return calibrator._replace(margins={level: tracked[k].T for k, level in enumerate(levels)})


def _track(
    margin: FloatArray,
    score: FloatArray,
    size: FloatArray,
    known: BoolArray,
    distance: IntArray,
    levels: FloatArray,
) -> FloatArray:
    """Return the margins of both sides after all values.

    Args:
        margin: Before them, [n_levels, 2, horizon].
        score: How far outside its interval each value lay, in units, [n_levels, 2, n_rows, horizon].
        size: Half-widths, in units, [n_levels, 2, n_rows, horizon].
        known: Which values count, [n_rows, horizon].
        distance: Steps from each value to the newest, [n_rows, horizon].
        levels: In percent, [n_levels].
    """
    margin = margin.copy()
    allowed = ((1 - levels / 100) / 2)[:, None, None]
    for d in np.unique(distance[known])[::-1].tolist():
        chosen = known & (distance == d)
        n = chosen.sum(axis=0)
        missed = (chosen & (score > margin[:, :, None])).sum(axis=2) / np.maximum(n, 1)
        typical = np.where(chosen, size, 0.0).sum(axis=2) / np.maximum(n, 1)
        step = RATE * np.maximum(typical + margin, 0.0) * (missed - allowed)
        margin += np.where(n > 0, step, 0.0)
    return margin
