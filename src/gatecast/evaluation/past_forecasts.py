"""Forecasts from past origins next to what followed: the evidence for weights and intervals.

Models that were fitted once, such as networks, are asked at origins after the rows they were fitted on. Models that are
fitted anew to each series wherever they forecast are asked at earlier origins too, without any leak.

Shapes: n_rows rows, each a series at an origin; horizon steps; Q quantiles.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from gatecast._utils.typing import BoolArray, FloatArray, IntArray
from gatecast.evaluation.bounds import hold_constants
from gatecast.forecasting.context import PanelContext
from gatecast.forecasting.ensemble import FittedEnsemble
from gatecast.forecasting.scaling import forward_fill
from gatecast.metrics.scale import seasonal_naive_scale

__all__ = [
    "PastForecasts",
    "count_horizons",
    "forecast_past",
    "older_origins",
    "select_origins",
    "series_unit",
    "short_origins",
]

MIN_PAIRS = 0.25
"""Share of the values, at least, that have one a step or a season before them; else most are missing."""

MAX_ORIGINS = 4
"""Origins of a panel before which closed-form models are asked, a horizon apart."""

MAX_SERIES_ORIGINS = 48
"""The same of a single series, where they may overlap."""

MAX_VALUES = 6_000_000
"""Values of all series and origins: of large panels one origin tells enough."""

MIN_PAST = 8
"""Values before an origin, at least."""


class PastForecasts(NamedTuple):
    """Forecasts from past origins, and what followed.

    Args:
        quantiles: By model, [n_rows, horizon, Q]; NaN where a model has no forecast.
        actual: [n_rows, horizon]; NaN where unknown.
        series: The series of each row, [n_rows].
        length: Values before the origin, [n_rows].
        unit: Mean absolute change over a season before the origin, [n_rows]; NaN without any.
        horizons: Horizons that each row counts for, [n_rows]: less than 1 where forecasts overlap.
    """

    quantiles: dict[str, FloatArray]
    actual: FloatArray
    series: IntArray
    length: IntArray
    unit: FloatArray
    horizons: FloatArray

    def errors(self) -> dict[str, FloatArray]:
        """Return the mean absolute error of the medians over the horizon by model, in units, [n_rows]."""
        return {name: self._mean_error(q[..., q.shape[-1] // 2]) for name, q in self.quantiles.items()}

    def _mean_error(self, median: FloatArray) -> FloatArray:
        """Return the mean absolute error of each row; NaN where nothing is known."""
        error = np.abs(self.actual - median) / self.unit[:, None]
        known = np.isfinite(error)
        n = known.sum(axis=1)
        return np.where(n > 0, np.where(known, error, 0.0).sum(axis=1) / np.maximum(n, 1), np.nan)

    def join(self, other: PastForecasts) -> PastForecasts:
        """Return the rows of both; a model that is in one alone has no forecast in the rows of the other."""
        names = dict.fromkeys((*self.quantiles, *other.quantiles))
        quantiles = {
            name: np.concatenate([_of(part.quantiles, name, len(part.actual)) for part in (self, other)])
            for name in names
        }
        rest = (np.concatenate(pair) for pair in zip(self[1:], other[1:], strict=True))
        return PastForecasts(quantiles, *rest)


def _of(quantiles: Mapping[str, FloatArray], name: str, n_rows: int) -> FloatArray:
    """Return the forecasts of a model; NaN if there are none."""
    shape = next(iter(quantiles.values())).shape[1:]
    return quantiles[name] if name in quantiles else np.full((n_rows, *shape), np.nan)


def forecast_past(
    ensemble: FittedEnsemble, context: PanelContext, offsets: IntArray, season_length: int
) -> PastForecasts:
    """Forecast from past origins with every model.

    Args:
        ensemble: Models that were fitted on what precedes the origins, or that are fitted anew at each.
        context: The series.
        offsets: Values after each origin, [n_origins], the largest first.
        season_length: Of the unit.
    """
    horizon = ensemble.task.horizon
    past, actual = context.rolling_origins(offsets, horizon)
    quantiles = {name: hold_constants(q, past.values) for name, q in ensemble.predict_quantiles(past).items()}
    observed = np.isfinite(past.values)
    length = observed.sum(axis=1)
    actual = np.where((length >= min(MIN_PAST, int(length.max(initial=0))))[:, None], actual, np.nan)
    unit = series_unit(past.values, season_length)
    horizons = np.full(len(actual), count_horizons(offsets, horizon))
    return PastForecasts(quantiles, actual, past.series, length, unit, horizons)


def select_origins(past: PastForecasts, offsets: IntArray, wanted: IntArray, horizon: int) -> PastForecasts:
    """Return the forecasts from some of the origins.

    Args:
        past: Forecasts of the same series from all origins, ordered by origin.
        offsets: Values after each origin, [n_origins].
        wanted: Those of the origins that are wanted.
        horizon: Steps of a forecast.

    Example:
        >>> q, zeros = {"Naive": np.arange(3.0).reshape(3, 1, 1)}, np.zeros(3)
        >>> past = PastForecasts(q, np.zeros((3, 1)), zeros.astype(int), zeros.astype(int), zeros, zeros)
        >>> some = select_origins(past, np.array([6, 4, 2]), np.array([6, 2]), 8)
        >>> some.quantiles["Naive"].ravel().tolist(), some.horizons.tolist()
        ([0.0, 2.0], [0.5, 0.5])
    """
    n_series = len(past.series) // len(offsets)
    place = {offset: k for k, offset in enumerate(offsets.tolist())}
    first = n_series * np.array([place[offset] for offset in wanted.tolist()])
    rows = (first[:, None] + np.arange(n_series)).ravel()
    return PastForecasts(
        {name: q[rows] for name, q in past.quantiles.items()},
        past.actual[rows],
        past.series[rows],
        past.length[rows],
        past.unit[rows],
        np.full(len(rows), count_horizons(wanted, horizon)),
    )


def count_horizons(offsets: IntArray, horizon: int) -> float:
    """Return how many horizons a forecast counts for: less than 1 where the next origin comes before its end."""
    apart = float(np.abs(np.diff(offsets)).mean()) if len(offsets) > 1 else float(horizon)
    return min(1.0, apart / horizon)


def series_unit(values: FloatArray, season_length: int) -> FloatArray:
    """Return the mean absolute change over a season, over a step where there is none, [n_series]; NaN for constants.

    Where most values are missing, hardly any two are a season or a step apart: then it is that from a value to the
    next one, however many are missing between them.

    Example:
        >>> series_unit(np.array([[1.0, 2.0, 1.0], [1.0, 2.0, 4.0]]), 2).tolist()
        [1.0, 3.0]
        >>> series_unit(np.array([[1.0, np.nan, 3.0, np.nan, np.nan, 2.0]]), 1).tolist()
        [1.5]
    """
    unit = seasonal_naive_scale(values, season_length)
    if not np.isfinite(unit).all():
        unit = np.where(np.isfinite(unit), unit, seasonal_naive_scale(values, 1))
    known = np.isfinite(values)
    n_changes = known.sum(axis=1) - 1
    n_pairs = [(known[:, m:] & known[:, :-m]).sum(axis=1) for m in {1, season_length}]
    sparse = np.max(n_pairs, axis=0) < MIN_PAIRS * n_changes
    return np.where(sparse, _mean_change(values[sparse], sparse), unit) if sparse.any() else unit


def _mean_change(values: FloatArray, rows: BoolArray) -> FloatArray:
    """Return the mean absolute change from each value to the next one, for some rows of all; NaN for constants."""
    scale = np.full(len(rows), np.nan)
    total = np.abs(np.diff(forward_fill(values), axis=1)).sum(axis=1)
    n = np.maximum(np.isfinite(values).sum(axis=1) - 1, 1)
    scale[rows] = np.where(total > 0, total / n, np.nan)
    return scale


def older_origins(context: PanelContext, newest: int, horizon: int, season_length: int) -> IntArray:
    """Return the offsets of origins before the newest one, for models that are fitted anew at each.

    Of a panel they are a horizon apart; of a single series they divide its newer half, which may make them overlap.

    Args:
        context: The series.
        newest: Offset of the newest origin, which is not among them.
        horizon: Steps of a forecast.
        season_length: Two seasons have to precede an origin.

    Example:
        >>> older_origins(PanelContext.from_values(np.ones((9, 40))), 6, 6, 1).tolist()
        [24, 18, 12]
    """
    n_series, lengths = len(context), np.isfinite(context.values).sum(axis=1)
    typical, total = int(np.median(lengths)), int(lengths.sum())
    oldest = typical - max(2 * season_length, MIN_PAST)
    if n_series == 1:
        oldest = min(oldest, max(typical // 2, newest + 2 * horizon))
        n = min(MAX_SERIES_ORIGINS, max(MAX_VALUES // (64 * total), 1), max(oldest - newest, 0))
        return (
            np.unique(np.linspace(oldest, newest + 1, n).round().astype(np.int64))[::-1] if n else np.empty(0, np.int64)
        )
    n = min(MAX_ORIGINS - 1, MAX_VALUES // max(total, 1) - 1)
    offsets = newest + horizon * np.arange(max(n, 0), 0, -1)
    return offsets[offsets <= oldest]


def short_origins(context: PanelContext, season_length: int) -> IntArray:
    """Return the offsets of origins in series too short to hold a horizon back, which less than a horizon may follow.

    They divide the newer half of the series; two seasons precede each where possible.

    Args:
        context: The series.
        season_length: Longest season.

    Example:
        >>> short_origins(PanelContext.from_values(np.ones((1, 14))), 1).tolist()
        [6, 5, 4, 3, 2, 1]
        >>> short_origins(PanelContext.from_values(np.ones((9, 40))), 1).tolist()
        [20, 14, 7, 1]
    """
    lengths = np.isfinite(context.values).sum(axis=1)
    typical, total = int(np.median(lengths)), int(lengths.sum())
    oldest = min(typical - max(2 * season_length, MIN_PAST), typical // 2)
    n = min(MAX_SERIES_ORIGINS if len(context) == 1 else MAX_ORIGINS, MAX_VALUES // max(total, 1))
    if oldest < 1 or n < 1:
        return np.empty(0, np.int64)
    return np.unique(np.linspace(oldest, 1, n).round().astype(np.int64))[::-1]
