"""Forecasts, intervals and sample paths; those of a hierarchy add up.

The paths of all series of a hierarchy are drawn together, with the correlations of their past errors, and each path is
reconciled by itself. Intervals are quantiles of these paths around the reconciled forecast.

Shapes: n_series rows of a hierarchy, n_steps steps, Q quantiles.

Source: Panagiotelis, Gamakumara, Athanasopoulos & Hyndman 2023, Probabilistic forecast reconciliation.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from gatecast._utils.typing import FloatArray
from gatecast.data.panel import Hierarchy
from gatecast.evaluation.bounds import Bounds
from gatecast.evaluation.calibration import ConformalCalibrator, prediction_intervals, with_ensemble
from gatecast.evaluation.past_forecasts import PastForecasts
from gatecast.evaluation.reconciliation import ErrorCovariance, Reconciler, add_up, reconcile, structural_covariance
from gatecast.evaluation.sample_paths import Draw, independent_normal, sample_paths
from gatecast.forecasting.context import PanelContext
from gatecast.forecasting.scaling import forward_fill

__all__ = ["fit_reconciler", "forecast_intervals", "forecast_paths", "without_later_series"]

MAX_ERRORS = 256
"""Past errors of a series, at most, that the covariance is estimated from."""

MAX_VALUES = 20_000_000
"""Values of all paths that intervals are read from, at most."""

N_PATHS = (200, 2000)
"""Paths that intervals are read from, at least and at most."""

SEED = 0
"""Of these paths: the same forecast has the same intervals."""


def without_later_series(past: PastForecasts, values: FloatArray, hierarchy: Hierarchy) -> PastForecasts:
    """Return past forecasts whose actual totals are those of the series that had begun at their origin.

    A series counts as 0 in totals before its first value. What it adds to them later is no error of a model, and
    would make the intervals of all series wide.

    Args:
        past: Forecasts of all series from each origin, one origin after another.
        values: Values of the series, [n_series, T]; NaN is missing.
        hierarchy: Which series are sums of others.

    Example:
        >>> values = np.array([[1.0, 6.0, 7.0], [1.0, 1.0, 1.0], [np.nan, 5.0, 6.0]])
        >>> series, length, ones = np.arange(3), np.array([1, 1, 0]), np.ones(3)
        >>> past = PastForecasts({}, values[:, 1:], series, length, ones, ones)
        >>> without_later_series(past, values, Hierarchy(((),), np.array([[0, 0]]))).actual[0].tolist()
        [1.0, 1.0]
    """
    n_totals, n_series, T = hierarchy.n_totals, *values.shape
    known = np.isfinite(values)
    # As many values are known before an origin as all series have in its rows.
    lengths = past.length.reshape(-1, n_series).sum(axis=1)
    origins = np.searchsorted(np.concatenate([[0], known.sum(axis=0).cumsum()]), lengths)
    has_value = known[n_totals:].any(axis=1)
    begin = np.where(has_value, known[n_totals:].argmax(axis=1), T)
    counted = np.where(np.arange(T) >= begin[:, None], forward_fill(values[n_totals:]), 0.0)
    actual = past.actual.reshape(len(origins), n_series, -1).copy()
    for k, origin in enumerate(origins.tolist()):
        is_later = has_value & (begin >= origin)
        if is_later.any():
            following = counted[:, origin : origin + actual.shape[2]]
            actual[k, :n_totals, : following.shape[1]] -= hierarchy.sum(np.where(is_later[:, None], following, 0.0))
    return past._replace(actual=actual.reshape(past.actual.shape))


def fit_reconciler(calibrator: ConformalCalibrator, past: PastForecasts, n_series: int) -> Reconciler | None:
    """Return the reconciler with the past errors of the main model.

    All steps from all origins count, each in units of the typical error of that step. Simulated hierarchies chose this;
    docs/accuracy.md has the figures of others.

    Args:
        calibrator: With the weights of the models, and a reconciler without errors.
        past: Forecasts from past origins, of all series from each.
        n_series: Number of series.
    """
    if calibrator.reconciler is None:
        return None
    median = with_ensemble(calibrator, past.quantiles, past.series)[calibrator.name]
    error = (past.actual - median[..., median.shape[-1] // 2]).reshape(-1, n_series, past.actual.shape[1])
    known = np.isfinite(error)
    square = np.where(known, error, 0.0) ** 2
    mean = square.sum(axis=(0, 2)) / np.maximum(known.sum(axis=(0, 2)), 1)
    relative = square / np.where(mean > 0, mean, np.inf)[:, None]
    by_step = np.sqrt(relative.sum(axis=(0, 1)) / np.maximum((known & (mean > 0)[:, None]).sum(axis=(0, 1)), 1))
    scaled = error / np.where(by_step > 0, by_step, 1.0)
    rows = scaled.transpose(0, 2, 1).reshape(-1, n_series)
    rows = rows[np.isfinite(rows).any(axis=1)]
    thinned = rows[:: -(-len(rows) // MAX_ERRORS)] if len(rows) else rows
    return calibrator.reconciler._replace(errors=thinned)


def forecast_intervals(
    calibrator: ConformalCalibrator,
    quantiles: FloatArray,
    context: PanelContext,
    levels: Sequence[float],
    hierarchy: Hierarchy | None = None,
) -> list[FloatArray]:
    """Return point forecasts and interval bounds, which add up where series are sums of others.

    Args:
        calibrator: As for `prediction_intervals`, with a reconciler if there is a hierarchy.
        quantiles: Of the main model, [n_rows, n_steps, Q].
        context: The series, or the same at several origins, one after another.
        levels: In percent.
        hierarchy: Which series are sums of others.

    Returns:
        As `prediction_intervals`. Forecasts of sums are the sums of forecasts; bounds are quantiles of the sums.
    """
    if hierarchy is None or calibrator.reconciler is None:
        return prediction_intervals(calibrator, quantiles, context.values, levels)
    n_series = hierarchy.n_totals + hierarchy.n_base
    origins = [slice(start, start + n_series) for start in range(0, len(quantiles), n_series)]
    parts = [_Coherent(calibrator, quantiles[o], context.take(o), hierarchy).intervals(levels) for o in origins]
    return [np.concatenate(side) for side in zip(*parts, strict=True)]


def forecast_paths(
    calibrator: ConformalCalibrator,
    quantiles: FloatArray,
    context: PanelContext,
    n_paths: int,
    seed: int,
    hierarchy: Hierarchy | None = None,
) -> FloatArray:
    """Draw sample paths of every series, each of which adds up where series are sums of others.

    Args:
        calibrator: As for `forecast_intervals`.
        quantiles: Of the main model, [n_series, n_steps, Q].
        context: The series.
        n_paths: Paths of each series.
        seed: Same seed, same paths.
        hierarchy: Which series are sums of others.

    Returns:
        Paths, [n_series, n_paths, n_steps]; NaN for a series without a value.
    """
    if hierarchy is None or calibrator.reconciler is None:
        return sample_paths(calibrator, quantiles, context.values, n_paths, seed)
    return _Coherent(calibrator, quantiles, context, hierarchy).paths(n_paths, seed)


class _Coherent:
    """Forecasts of a hierarchy from one origin.

    Args:
        calibrator: With a reconciler.
        quantiles: Of the main model, [n_series, n_steps, Q].
        context: The series.
        hierarchy: Which of them are sums of others.
    """

    def __init__(
        self, calibrator: ConformalCalibrator, quantiles: FloatArray, context: PanelContext, hierarchy: Hierarchy
    ) -> None:
        reconciler = calibrator.reconciler
        if reconciler is None:
            raise ValueError("a calibrator without a reconciler")
        # Bounds hold for single series: those of a sum follow from them.
        self.calibrator = calibrator._replace(bounds=Bounds())
        self.quantiles, self.values, self.hierarchy = quantiles, context.values, hierarchy
        self.errors = reconciler.covariance(hierarchy, context.series)
        self.weights = {"mint": self.errors, "wls-struct": structural_covariance(hierarchy)}.get(reconciler.method)
        lower, self.upper = calibrator.bounds.limits(context.values)
        self.lower = lower[hierarchy.n_totals :]

    def reconcile(self, base: FloatArray) -> FloatArray:
        """Return forecasts [n_series, K] that add up, with parts within their bounds."""
        parts = reconcile(base, self.hierarchy, self.weights)[self.hierarchy.n_totals :]
        return add_up(np.clip(parts, self.lower[:, None], self.upper), self.hierarchy)

    def intervals(self, levels: Sequence[float]) -> list[FloatArray]:
        """Return point forecasts and interval bounds, [n_series, n_steps] each."""
        point = self.reconcile(prediction_intervals(self.calibrator, self.quantiles, self.values, ())[0])
        if not len(levels):
            return [point]
        n_paths = int(np.clip(MAX_VALUES // max(point.size, 1), *N_PATHS))
        paths = self.paths(n_paths, SEED, _mirrored)
        shares = [0.5 + side * level / 200 for level in levels for side in (-1, 1)]
        bounds = np.quantile(paths, shares, axis=1)
        if self.calibrator.point == "mean":
            return [point, *bounds]
        limits = [np.minimum, np.maximum] * len(levels)
        return [point, *(limit(bound, point) for limit, bound in zip(limits, bounds, strict=True))]

    def paths(self, n_paths: int, seed: int, normal: Draw = independent_normal) -> FloatArray:
        """Return paths that add up, [n_series, n_paths, n_steps]."""
        draw = _correlated(self.errors, normal)
        paths = sample_paths(self.calibrator, self.quantiles, self.values, n_paths, seed, draw)
        return self.reconcile(paths.reshape(len(paths), -1)).reshape(paths.shape)


def _correlated(errors: ErrorCovariance, normal: Draw) -> Draw:
    """Return what draws standard normal numbers of all series with the correlations of their errors."""
    deviation = np.sqrt(errors.noise + (errors.factors**2).sum(axis=1))
    alone, shared = np.sqrt(errors.noise) / deviation, errors.factors / deviation[:, None]

    def draw(rng: np.random.Generator, shape: tuple[int, int]) -> FloatArray:
        """Draw numbers [n_series, n_paths]."""
        return np.asarray(alone[:, None] * normal(rng, shape) + shared @ normal(rng, (shared.shape[1], shape[1])))

    return draw


def _mirrored(rng: np.random.Generator, shape: tuple[int, int]) -> FloatArray:
    """Draw standard normal numbers, half of them the negatives of the others: quantiles then vary less."""
    half = rng.standard_normal((shape[0], -(-shape[1] // 2)))
    return np.concatenate([half, -half], axis=1)[:, : shape[1]]
