"""Weights of models by their past errors: for each series its own, as far as its past tells, else those of the panel.

Shapes: n_rows rows, each a series at an origin; n_series series; K models.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from gatecast._utils.typing import BoolArray, FloatArray, IntArray

__all__ = ["ModelWeights", "equal_weights", "fit_weights", "leave_out"]

POWER = 4.0
"""Weights of panels are past errors to the minus this."""

SINGLE_POWER = 6.0
"""The same of a single series: its models, up to a dozen, differ more. Tails of 164 single series chose it."""

PANEL_HORIZONS = 3.0
"""Horizons of past errors that count for a series as much as the panel's: validation tails chose it."""

EQUAL_HORIZONS = 1.0
"""Horizons of past errors of all series together that count as much as the assumption that all models err alike: on
validation tails of single series anything from 0.25 to 3 was as good."""

MIN_REMAINING = 0.01
"""Weight of the models that remain, at least, for others to be left out: less says that these are far better, and would
be multiplied until errors of rounding decide."""

MAX_RATIO = 50.0
"""Ratio of a model's errors to those of all, at most; its inverse at least."""


class ModelWeights(NamedTuple):
    """Weights of models.

    Args:
        shared: By model, for series that were not fitted; they sum to 1.
        by_series: By model, [n_series]; {} where no errors are known.
    """

    shared: dict[str, float]
    by_series: dict[str, FloatArray]

    @property
    def average(self) -> dict[str, float]:
        """The mean weights over the series."""
        if not self.by_series:
            return self.shared
        return {name: float(weights.mean()) for name, weights in self.by_series.items()}

    def of(self, series: IntArray) -> dict[str, FloatArray]:
        """Return the weights of some series, [n] each.

        Args:
            series: Positions among the fitted series, [n]; -1 for others.

        Example:
            >>> weights = ModelWeights({"a": 1.0}, {"a": np.array([0.5])})
            >>> weights.of(np.array([0, -1]))["a"].tolist()
            [0.5, 1.0]
        """
        if not self.by_series:
            return {name: np.full(len(series), weight) for name, weight in self.shared.items()}
        position = np.maximum(series, 0)
        return {name: np.where(series >= 0, w[position], self.shared[name]) for name, w in self.by_series.items()}

    def at_positions(self, series: IntArray) -> ModelWeights:
        """Return the weights of series that have moved or joined.

        Args:
            series: Positions of all series among those of before, [n_series]; -1 for new ones.
        """
        return self._replace(by_series=self.of(series)) if self.by_series else self


def equal_weights(models: Sequence[str]) -> ModelWeights:
    """Return the weights of models of which no errors are known.

    Example:
        >>> equal_weights(["a", "b"]).shared
        {'a': 0.5, 'b': 0.5}
    """
    return ModelWeights(dict.fromkeys(models, 1 / len(models)), {})


def fit_weights(
    errors: Mapping[str, FloatArray], series: IntArray, horizons: FloatArray, n_series: int
) -> ModelWeights:
    """Return weights by past errors to a negative power, of each series drawn to the panel's.

    With r the ratio of a model's errors to the median of the models that are known everywhere, of a series (from n
    horizons) and of the panel (from N)::

        log r_panel <- N log r_panel / (N + 1),    log r_series <- (n log r_series + 3 log r_panel) / (n + 3)
        w = r^-p / sum r^-p,    p = 4 for a panel, 6 for a single series

    Args:
        errors: Scaled errors by model, [n_rows]; NaN where a model has no forecast.
        series: The series of each row, [n_rows].
        horizons: Horizons that each row counts for, [n_rows]: less than 1 where forecasts overlap.
        n_series: Number of series.

    Example:
        >>> errors = {"a": np.full(9, 1.0), "b": np.full(9, 2.0)}
        >>> weights = fit_weights(errors, np.zeros(9, int), np.ones(9), 1)
        >>> {name: round(weight, 3) for name, weight in weights.shared.items()}
        {'a': 0.977, 'b': 0.023}
    """
    e = np.array(list(errors.values()))
    known = np.isfinite(e)
    reference = _typical_error(e, known)
    known &= reference > 0
    errors_sum, reference_sum = np.zeros((2, len(e), n_series))
    n = np.zeros((len(e), n_series))
    for k, is_known in enumerate(known):
        rows, count = series[is_known], horizons[is_known]
        errors_sum[k] = np.bincount(rows, count * e[k, is_known], n_series)
        reference_sum[k] = np.bincount(rows, count * reference[is_known], n_series)
        n[k] = np.bincount(rows, count, n_series)
    total = n.sum(axis=1)
    panel = total * _log_ratio(errors_sum.sum(axis=1), reference_sum.sum(axis=1)) / (total + EQUAL_HORIZONS)
    single = (n * _log_ratio(errors_sum, reference_sum) + PANEL_HORIZONS * panel[:, None]) / (n + PANEL_HORIZONS)
    power = POWER if n_series > 1 else SINGLE_POWER
    by_series = dict(zip(errors, _powers(single if n_series > 1 else panel[:, None], power), strict=True))
    return ModelWeights(dict(zip(errors, _powers(panel[:, None], power)[:, 0].tolist(), strict=True)), by_series)


def leave_out(weights: ModelWeights, models: Collection[str], where: BoolArray) -> ModelWeights:
    """Return weights without some models in some series; as they are where others have next to no weight.

    A series that was not fitted may be of either kind: the models lose as much of the shared weights as there are
    series without them.

    Args:
        weights: Of all models.
        models: Those to leave out.
        where: In which series, [n_series].

    Example:
        >>> weights = leave_out(equal_weights(["a", "b"]), ["b"], np.array([True, False]))
        >>> weights.by_series["a"].tolist(), weights.shared
        ([1.0, 0.5], {'a': 0.75, 'b': 0.25})
    """
    if not where.any() or not models:
        return weights
    by_series = weights.of(np.arange(len(where)))
    shared = {name: np.array([weight]) for name, weight in weights.shared.items()}
    without, share = _without(shared, models, np.array([True])), float(where.mean())
    return ModelWeights(
        {name: float((share * without[name] + (1 - share) * shared[name]).item()) for name in shared},
        _without(by_series, models, where),
    )


def _without(weights: Mapping[str, FloatArray], models: Collection[str], where: BoolArray) -> dict[str, FloatArray]:
    """Return weights, [n] each, without some models where it is asked for and others have weight."""
    remaining = {name: np.where(where & (name in models), 0.0, weight) for name, weight in weights.items()}
    total = sum(remaining.values(), np.zeros(len(where)))
    enough = total >= MIN_REMAINING
    return {name: np.where(enough, w / np.where(enough, total, 1.0), weights[name]) for name, w in remaining.items()}


def _typical_error(e: FloatArray, known: BoolArray) -> FloatArray:
    """Return the median error of the models that are known most often, [n_rows]; NaN where none is."""
    counts = known.sum(axis=1)
    everywhere = counts >= 0.9 * counts.max(initial=0)
    any_known = known[everywhere].any(axis=0)
    typical = np.full(e.shape[1], np.nan)
    typical[any_known] = np.nanmedian(e[everywhere][:, any_known], axis=0)
    return typical


def _log_ratio(errors: FloatArray, reference: FloatArray) -> FloatArray:
    """Return the logarithm of the ratio of errors within its limits; 0 where nothing is known."""
    known = reference > 0
    ratio = np.where(known, errors / np.where(known, reference, 1.0), 1.0)
    return np.asarray(np.log(np.clip(ratio, 1 / MAX_RATIO, MAX_RATIO)))


def _powers(log_ratio: FloatArray, power: float) -> FloatArray:
    """Return weights [K, n] that sum to 1 over the models."""
    merit = np.exp(-power * (log_ratio - log_ratio.min(axis=0)))
    return np.asarray(merit / merit.sum(axis=0))
