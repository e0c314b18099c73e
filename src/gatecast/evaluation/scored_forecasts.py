"""What a verdict says beyond mean errors: on how many series or horizons a model is better, and intermittent demand.

Shapes: n_series series, n_rows rows of the test part of each.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from gatecast.evaluation.scores import mean_errors

__all__ = ["NOT_INTERMITTENT", "Intermittency", "ScoredForecasts", "is_intermittent"]

FloatArray = npt.NDArray[np.float64]

ZERO_SHARE = 0.5
"""Share of zeros from which demand is called intermittent."""

ROUNDING = 1e-12
"""Largest error of rounding, as a share of the values: thousands of operations in float64."""


class Intermittency(NamedTuple):
    """What the absolute error does not show of intermittent demand.

    Args:
        n_series: Series of intermittent demand.
        rmse_difference: How much smaller the model's RMSE is than the baseline's, in percent, in the geometric mean
            over these series; NaN where one of them makes no error.
        bias: By how much the forecasts of a series are above the demand, in percent of the demand, in the median over
            these series; NaN without demand.
    """

    n_series: int = 0
    rmse_difference: float = float("nan")
    bias: float = float("nan")


NOT_INTERMITTENT = Intermittency()
"""Where no series is."""


class ScoredForecasts(NamedTuple):
    """Forecasts of a test part next to the actual values.

    Args:
        actual: Actual values, [n_series, n_rows]; NaN where missing.
        past: Values before the test part, [n_series, T].
        predicted: Forecasts by model, as from `scores.fill_missing`, [n_series, n_rows] each.
        horizon: Steps forecast at a time.
        squared: Whether errors are squared, as where the point forecast is the mean.
    """

    actual: FloatArray
    past: FloatArray
    predicted: Mapping[str, FloatArray]
    horizon: int
    squared: bool = False

    def count_better(self, model: str, baseline: str) -> tuple[int, int]:
        """Return on how many series the model's error is smaller than the baseline's, and the number of series.

        Of a single series, horizons are counted.

        Example:
            >>> predicted = {"LSTM": np.array([[1.0, 2.0, 9.0]]), "Naive": np.array([[0.0, 0.0, 3.0]])}
            >>> past = np.zeros((1, 5))
            >>> ScoredForecasts(np.array([[1.0, 2.0, 3.0]]), past, predicted, 1).count_better("LSTM", "Naive")
            (2, 3)
        """
        pair = {model: self.predicted[model], baseline: self.predicted[baseline]}
        actual = self.actual
        if len(actual) == 1:
            actual, pair = self._by_horizon(actual), {name: self._by_horizon(column) for name, column in pair.items()}
        errors = mean_errors(actual, pair, squared=self.squared)
        known = np.isfinite(errors[model] + errors[baseline])
        return int((errors[model] < errors[baseline])[known].sum()), int(known.sum())

    def count_unscored(self, model: str) -> int:
        """Return how many known values have no forecast, neither of the model nor of the baseline in its place.

        Example:
            >>> predicted = {"LSTM": np.array([[np.nan], [1.0]]), "Naive": np.array([[np.nan], [1.0]])}
            >>> scored = ScoredForecasts(np.array([[1.0], [2.0]]), np.array([[np.nan], [1.0]]), predicted, 1)
            >>> scored.count_unscored("LSTM")
            1
        """
        return int((np.isfinite(self.actual) & ~np.isfinite(self.predicted[model])).sum())

    def is_exact(self, model: str) -> bool:
        """Return whether no error of a model is larger than rounding makes it, by the size of the values.

        Example:
            >>> predicted = {"Drift": np.array([[1.0, 2.0 + 1e-15]]), "LSTM": np.array([[1.0, 2.001]])}
            >>> scored = ScoredForecasts(np.array([[1.0, 2.0]]), np.zeros((1, 5)), predicted, 1)
            >>> scored.is_exact("Drift"), scored.is_exact("LSTM")
            (True, False)
        """
        errors = np.abs(self.predicted[model] - self.actual)
        size = np.nanmax(np.abs(self.actual), initial=0.0)
        return not bool((errors > ROUNDING * size).any())

    def intermittency(self, model: str, baseline: str) -> Intermittency:
        """Return the RMSE and the bias of a model on the series of intermittent demand."""
        rows = is_intermittent(self.past, self.actual)
        if not rows.any():
            return NOT_INTERMITTENT
        actual, pair = self.actual[rows], {name: self.predicted[name][rows] for name in (model, baseline)}
        rmse = mean_errors(actual, pair, squared=True)
        with np.errstate(divide="ignore", invalid="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)
            ratio = np.log(rmse[model] / rmse[baseline])
            excess = np.nanmean(pair[model] - actual, axis=1) / np.abs(np.nanmean(actual, axis=1))
            bias = 100 * float(np.nanmedian(excess[np.isfinite(excess)]))
            difference = 100 * (1 - float(np.exp(np.mean(ratio[np.isfinite(ratio)]))))
        return Intermittency(int(rows.sum()), difference, bias)

    def _by_horizon(self, column: FloatArray) -> FloatArray:
        """Return the rows of a single series as [n_horizons, horizon]; NaN after its end."""
        n_missing = -column.shape[1] % self.horizon
        return np.pad(column[0], (0, n_missing), constant_values=np.nan).reshape(-1, self.horizon)


def is_intermittent(past: FloatArray, actual: FloatArray) -> npt.NDArray[np.bool_]:
    """Return which series have intermittent demand: half of the values or more are zero, but not all.

    A series whose newest values have a median of 0 and another mean counts too.

    Args:
        past: Values before the test part, [n_series, T].
        actual: Values of the test part, [n_series, n_rows].

    Returns:
        [n_series].

    Example:
        >>> is_intermittent(np.array([[0.0, 0.0, 3.0], [1.0, 2.0, 3.0]]), np.array([[0.0], [1.0]])).tolist()
        [True, False]
    """
    values = np.concatenate([past, actual], axis=1)
    n_zero, n_known = (values == 0).sum(axis=1), np.isfinite(values).sum(axis=1)
    n_newest = np.isfinite(actual).sum(axis=1)
    with np.errstate(invalid="ignore"):
        newest = ((actual == 0).sum(axis=1) > ZERO_SHARE * n_newest) & (np.nansum(actual, axis=1) != 0)
    return np.asarray(newest | ((n_zero >= ZERO_SHARE * n_known) & (n_zero < n_known)))
