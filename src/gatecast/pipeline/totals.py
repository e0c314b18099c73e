"""Totals of a forecaster's forecasts: over the horizon, over the panel, and compared with the year before."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from gatecast._utils.typing import FloatArray
from gatecast.data.frequency import MONTHS, Freq
from gatecast.data.panel import Panel
from gatecast.evaluation.calibration import predict_all
from gatecast.evaluation.coherent_forecasts import forecast_paths
from gatecast.evaluation.error_correlation import error_correlation, seasonal_changes
from gatecast.evaluation.sample_paths import sample_paths
from gatecast.evaluation.totals import Totals, correlated_draw, few_errors, stretch, sum_paths, typical, widen
from gatecast.forecasting.context import PanelContext
from gatecast.forecasting.scaling import to_matrix
from gatecast.pipeline.state import FittedState
from gatecast.results import Evaluation, Forecast

__all__ = ["forecast_totals", "steps_of_a_year"]

N_PATHS = (200, 2000)
"""Paths that intervals are read from, at least and at most."""

MAX_VALUES = 20_000_000
"""Values of all paths, as far as there are more than the least number of paths."""

MAX_STEPS = 500_000
"""Steps of all series, at most, of which paths are drawn while a page is made."""

PART = 2_000_000
"""Values of the paths that are drawn at once."""

MAX_PAST = 400
"""Newest steps whose changes tell how much different series have in common."""

SEED = 0
"""Of the paths: the same forecast has the same intervals."""

DAYS_OF_52_WEEKS = 364

STEPS_PER_DAY = {"D": 1, "h": 24, "min": 1440}


def forecast_totals(
    state: FittedState, panel: Panel, context: PanelContext, predicted: Forecast, evaluation: Evaluation | None
) -> Totals | None:
    """Return the totals of a forecast; None for more steps than paths are drawn of.

    Args:
        state: The fitted forecaster.
        panel: The series.
        context: The same as models read them.
        predicted: Their forecast.
        evaluation: Scores of these series: their errors tell how much different series err alike.
    """
    n_base = 0 if panel.hierarchy is None else panel.hierarchy.n_totals
    point = np.asarray(predicted.columns[predicted.model], float).reshape(len(panel), -1)
    h = point.shape[1]
    if point.size > MAX_STEPS:
        return None
    quantiles = predict_all(state.calibrator, state.ensemble, context, h)[state.calibrator.name]
    lag = steps_of_a_year(panel.freq, state.season_length)
    past = np.full((len(panel), 0), np.nan) if lag is None else _last(panel, lag)
    times = panel.future_times(h)
    aligned = bool((times == times[:1]).all())
    n_paths = int(np.clip(MAX_VALUES // max(point.size, 1), *N_PATHS))
    if panel.hierarchy is not None:
        paths = forecast_paths(state.calibrator, quantiles, context, n_paths, SEED, panel.hierarchy)[n_base:]
        parts = [(slice(0, len(paths)), paths)]
        return sum_paths(point[n_base:], parts, predicted.levels, past[n_base:], lag, aligned=aligned)
    errors = _test_errors(panel, context, evaluation)
    r, measured = (float("nan"), True) if len(panel) == 1 else _correlation(state, context, errors)

    def draw_parts() -> Iterator[tuple[slice, FloatArray]]:
        """Draw the paths of some series after another."""
        size = max(1, PART // (n_paths * h))
        for start in range(0, len(panel), size):
            rows = slice(start, start + size)
            draw = correlated_draw(0.0 if np.isnan(r) else r, SEED)
            seed = SEED + 1 + start
            yield rows, sample_paths(state.calibrator, quantiles[rows], context.values[rows], n_paths, seed, draw)

    totals = sum_paths(point, draw_parts(), predicted.levels, past, lag, aligned=aligned)
    lower, _ = state.calibrator.bounds.limits(context.values)
    non_negative = bool((lower >= 0).all())
    if evaluation is not None and evaluation.horizon == h and len(errors) >= h:
        sums = errors[len(errors) % h :].reshape(-1, h, len(panel)).sum(axis=1)
        factor = stretch(sums, totals, 0.0 if np.isnan(r) else r)
        totals = widen(totals, factor, non_negative=non_negative)._replace(stretch=factor)
    if predicted.levels and not np.isnan(r):
        n_windows = 1 if evaluation is None else max(evaluation.split_sizes[1] // h, 1)
        factors = few_errors(predicted.levels, totals.n_series, n_windows, r)
        totals = widen(totals, factors, steps=True, non_negative=non_negative)
        totals = totals._replace(shared=float(factors[typical(predicted.levels)]))
    return totals._replace(correlation=r, measured=measured)


def steps_of_a_year(freq: Freq, season_length: int) -> int | None:
    """Return how many steps before a time the comparable one of the last year is.

    Months, quarters and years are counted by the calendar; weeks, days and hours are those 52 weeks before, so that
    weekdays stay together; integer times have their season instead. None where a year has no whole number of steps.

    Example:
        >>> from gatecast.data.frequency import parse
        >>> [steps_of_a_year(parse(alias), 1) for alias in ("MS", "QE", "YS", "W", "D", "B", "h", "15min", "5MS", "s")]
        [12, 4, 1, 52, 364, 260, 8736, 34944, None, None]
        >>> steps_of_a_year(parse(1), 7), steps_of_a_year(parse(1), 1)
        (7, None)
    """
    if freq.unit == "step":
        return season_length if season_length > 1 else None
    if freq.unit in MONTHS:
        months = MONTHS[freq.unit] * freq.multiple
        return 12 // months * max(len(freq.days), 1) if 12 % months == 0 else None
    if freq.slots:
        return 52 * len(freq.slots)
    per_year = {"W": 52, "B": 260}.get(freq.unit, DAYS_OF_52_WEEKS * STEPS_PER_DAY.get(freq.unit, 0))
    return per_year // freq.multiple if per_year and per_year % freq.multiple == 0 else None


def _last(panel: Panel, n: int) -> FloatArray:
    """Return the last n values of every series, [S, n]; NaN before it begins."""
    values = to_matrix(panel)
    missing = max(n - values.shape[1], 0)
    return np.concatenate([np.full((len(values), missing), np.nan), values[:, -n:]], axis=1)


def _test_errors(panel: Panel, context: PanelContext, evaluation: Evaluation | None) -> FloatArray:
    """Return the errors of the test part, [n_test, S]; none where the series end at different times."""
    if evaluation is None or (context.last_step != context.last_step.max()).any():
        return np.empty((0, len(panel)))
    rows, n_test = evaluation.series(), evaluation.split_sizes[2]
    error = np.asarray(rows.table[rows.target_col], float) - np.asarray(rows.table[rows.model], float)
    errors = np.full((len(panel), n_test), np.nan)
    errors[np.arange(n_test) >= n_test - np.minimum(panel.lengths, n_test)[:, None]] = error
    return np.asarray(errors.T)


def _correlation(state: FittedState, context: PanelContext, errors: FloatArray) -> tuple[float, bool]:
    """Return the correlation of the errors of two series, and whether past errors had a say."""
    shift = (context.last_step.max() - context.last_step).astype(float)
    changes = seasonal_changes(context.values[:, -MAX_PAST:], shift, state.season_length)
    several = bool((np.isfinite(errors).sum(axis=1) > 1).any())
    return error_correlation(errors, changes, state.calibrator.error_autocorrelation), several
