"""Metrics of forecast quantiles and prediction intervals of one series. For missing values see `gatecast.metrics`.

Shapes: N points, Q quantiles. Arrays of any shape are accepted as y_true: all its elements are points.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from gatecast._utils.typing import FloatArray
from gatecast.errors import DataError
from gatecast.metrics.point import known_pairs, mean_or_nan, ratio_or_nan, seasonal_changes

__all__ = ["coverage", "crps", "msis", "pinball", "wql"]


def pinball(y_true: npt.ArrayLike, quantile_preds: npt.ArrayLike, quantiles: npt.ArrayLike) -> float:
    """Compute the quantile loss, ``mean max(q (y - f_q), (q - 1) (y - f_q))`` over points and quantiles.

    Args:
        y_true: (N,) actual values y; NaN is left out.
        quantile_preds: (N, Q) forecasts f_q of the quantiles.
        quantiles: (Q,) levels q, between 0 and 1.

    Raises:
        DataError: The shapes do not fit, or a level is not between 0 and 1.

    Source: Koenker & Bassett 1978.

    >>> pinball([7.0], [[5.0, 8.0]], [0.1, 0.9])
    0.15
    """
    loss, _ = _quantile_losses(y_true, quantile_preds, quantiles)
    return mean_or_nan(loss)


def crps(y_true: npt.ArrayLike, quantile_preds: npt.ArrayLike, quantiles: npt.ArrayLike) -> float:
    """Compute the continuous ranked probability score from quantiles, ``2 mean pinball``, in the unit of the values.

    The score is ``integral of (F(x) - [x >= y])^2 dx = integral of 2 pinball over all levels``, here the mean over the
    levels passed, which should lie evenly between 0 and 1. If all quantiles are one value, and the levels symmetric
    about 1/2, the score is the absolute error.

    Args:
        y_true: (N,) actual values y; NaN is left out.
        quantile_preds: (N, Q) forecasts of the quantiles.
        quantiles: (Q,) levels, between 0 and 1.

    Returns:
        The score, 0 at best; NaN without a known actual value, or where a quantile of one is NaN.

    Raises:
        DataError: The shapes do not fit, or a level is not between 0 and 1.

    Source: Matheson & Winkler 1976; Gneiting & Raftery 2007, 4.2; from quantiles: Gneiting & Ranjan 2011.

    >>> crps([7.0], [[5.0, 8.0]], [0.1, 0.9])
    0.3
    """
    return 2 * pinball(y_true, quantile_preds, quantiles)


def wql(y_true: npt.ArrayLike, quantile_preds: npt.ArrayLike, quantiles: npt.ArrayLike) -> float:
    """Compute the weighted quantile loss, ``2 sum pinball / (Q sum |y|)``.

    Args:
        y_true: (N,) actual values y; NaN is left out.
        quantile_preds: (N, Q) forecasts of the quantiles.
        quantiles: (Q,) levels, between 0 and 1.

    Returns:
        The ratio; NaN if all actual values are 0.

    Raises:
        DataError: The shapes do not fit, or a level is not between 0 and 1.

    Source: Ansari et al. 2024, "Chronos"; the mean of the weighted losses of GluonTS.

    >>> round(wql([7.0], [[5.0, 8.0]], [0.1, 0.9]), 6)
    0.042857
    """
    loss, actual = _quantile_losses(y_true, quantile_preds, quantiles)
    return ratio_or_nan(2 * float(loss.sum()), loss.shape[1] * float(np.abs(actual).sum()))


def coverage(y_true: npt.ArrayLike, lower: npt.ArrayLike, upper: npt.ArrayLike) -> float:
    """Compute the coverage of an interval, ``100 mean [lower <= y_true <= upper]`` percent.

    Args:
        y_true: Actual values; NaN is left out.
        lower: Lower bounds, in the shape of y_true.
        upper: Upper bounds, in the shape of y_true.

    Raises:
        DataError: The shapes differ.

    Source: Christoffersen 1998.

    >>> coverage([1.0, 5.0], [0.0, 0.0], [2.0, 2.0])
    50.0
    """
    actual, low = known_pairs(y_true, lower)
    _, high = known_pairs(y_true, upper)
    inside = np.where(np.isnan(low) | np.isnan(high), np.nan, (low <= actual) & (actual <= high))
    return 100 * mean_or_nan(inside)


def msis(
    y_true: npt.ArrayLike,
    lower: npt.ArrayLike,
    upper: npt.ArrayLike,
    y_train: npt.ArrayLike,
    season_length: int = 1,
    level: float = 95.0,
) -> float:
    """Compute the mean scaled interval score: width plus misses, in units of the in-sample seasonal naive error.

    ``mean (u - l + 2/a (l - y) [y < l] + 2/a (y - u) [y > u]) / mean |y_train[t] - y_train[t - m]|``, with
    a = 1 - level / 100.

    Args:
        y_true: Actual values y; NaN is left out.
        lower: Lower bounds l, in the shape of y_true.
        upper: Upper bounds u, in the shape of y_true.
        y_train: (T,) values before the forecast; pairs with NaN are left out.
        season_length: m.
        level: Nominal coverage of the interval, a percentage.

    Returns:
        The score; NaN if the values before have no pair m steps apart, or do not change over m steps.

    Raises:
        DataError: The shapes differ, season_length is below 1, or level is not between 0 and 100.

    Source: Gneiting & Raftery 2007; Makridakis, Spiliotis & Assimakopoulos 2020 (M4).

    >>> msis([5.0, 9.0], [4.0, 4.0], [6.0, 6.0], y_train=[1.0, 2.0, 3.0], level=50.0)
    8.0
    """
    if not 0 < level < 100:
        raise DataError(f"Invalid level {level}", expected="a percentage between 0 and 100", argument="level")
    actual, low = known_pairs(y_true, lower)
    _, high = known_pairs(y_true, upper)
    misses = np.maximum(low - actual, 0) + np.maximum(actual - high, 0)
    score = high - low + 2 / (1 - level / 100) * misses
    return ratio_or_nan(mean_or_nan(score), mean_or_nan(np.abs(seasonal_changes(y_train, season_length))))


def _quantile_losses(
    y_true: npt.ArrayLike, quantile_preds: npt.ArrayLike, quantiles: npt.ArrayLike
) -> tuple[FloatArray, FloatArray]:
    """Return the quantile losses (known points, Q), and the known actual values."""
    actual, forecast, levels = (np.asarray(array, np.float64) for array in (y_true, quantile_preds, quantiles))
    if forecast.shape != (*actual.shape, *levels.shape) or levels.ndim != 1:
        raise DataError(
            "The forecasts of quantiles do not fit",
            got=f"shape {forecast.shape}",
            expected=f"{(*actual.shape, levels.size)}, one column per quantile",
        )
    if not ((levels > 0) & (levels < 1)).all():
        what = f"Invalid quantiles {levels.tolist()}"
        raise DataError(what, expected="numbers between 0 and 1", argument="quantiles")
    known = ~np.isnan(actual)
    error = actual[known][:, None] - forecast[known]
    return np.maximum(levels * error, (levels - 1) * error), actual[known]
