"""How good distributions are that are given as quantiles or intervals, and the share of what came within them.

Letters: N points (any shape of arrays counts as its points), T values of a past, Q quantiles, m period.

What is missing is treated as `metrics` says.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from gatecast.errors import DataError
from gatecast.metrics.point import known_pairs, mean_or_nan, ratio_or_nan, seasonal_changes

__all__ = ["coverage", "crps", "msis", "pinball", "wql"]

Array = npt.NDArray[np.float64]


def pinball(y: npt.ArrayLike, fq: npt.ArrayLike, q: npt.ArrayLike) -> float:
    """Quantile loss, ``mean max(q (y - f_q), (q - 1) (y - f_q))`` over points and quantiles.

    Args:
        y: (N,) targets; NaN is left out.
        fq: (N, Q) forecasts of the quantiles.
        q: (Q,) levels, between 0 and 1.

    Raises:
        DataError: The shapes do not fit, or a level is not between 0 and 1.

    Source: Koenker & Bassett 1978.

    >>> pinball([7.0], [[5.0, 8.0]], [0.1, 0.9])
    0.15
    """
    loss, _ = _quantile_losses(y, fq, q)
    return mean_or_nan(loss)


def crps(y: npt.ArrayLike, fq: npt.ArrayLike, q: npt.ArrayLike) -> float:
    """Continuous ranked probability score from quantiles, ``2 mean pinball``, in the unit of the values.

    The score is ``integral of (F(x) - [x >= y])^2 dx = integral of 2 pinball over all levels``, here a mean over the
    levels given, which are to lie evenly between 0 and 1. Of a forecast that is sure, all quantiles one value, it is
    the absolute error, as long as the levels lie symmetrically about 1/2.

    Args:
        y: (N,) targets; NaN is left out.
        fq: (N, Q) forecasts of the quantiles.
        q: (Q,) levels, between 0 and 1.

    Returns:
        The score, 0 at best; NaN without a known target, or where a quantile of one is NaN.

    Raises:
        DataError: The shapes do not fit, or a level is not between 0 and 1.

    Source: Matheson & Winkler 1976; Gneiting & Raftery 2007, 4.2; from quantiles: Gneiting & Ranjan 2011.

    >>> crps([7.0], [[5.0, 8.0]], [0.1, 0.9])
    0.3
    """
    return 2 * pinball(y, fq, q)


def wql(y: npt.ArrayLike, fq: npt.ArrayLike, q: npt.ArrayLike) -> float:
    """Weighted quantile loss, ``2 sum pinball / (Q sum |y|)``.

    Args:
        y: (N,) targets; NaN is left out.
        fq: (N, Q) forecasts of the quantiles.
        q: (Q,) levels, between 0 and 1.

    Returns:
        The ratio; NaN if all targets are 0.

    Raises:
        DataError: The shapes do not fit, or a level is not between 0 and 1.

    Source: Ansari et al. 2024, "Chronos"; the mean of the weighted losses of GluonTS.

    >>> round(wql([7.0], [[5.0, 8.0]], [0.1, 0.9]), 6)
    0.042857
    """
    loss, target = _quantile_losses(y, fq, q)
    return ratio_or_nan(2 * float(loss.sum()), loss.shape[1] * float(np.abs(target).sum()))


def coverage(y: npt.ArrayLike, lo: npt.ArrayLike, hi: npt.ArrayLike) -> float:
    """Share of targets within an interval, ``100 mean [lo <= y <= hi]``, in per cent.

    Args:
        y: Targets; NaN is left out.
        lo: Lower limits, of the shape of y.
        hi: Upper limits, of the shape of y.

    Raises:
        DataError: The shapes differ.

    Source: Christoffersen 1998.

    >>> coverage([1.0, 5.0], [0.0, 0.0], [2.0, 2.0])
    50.0
    """
    target, low = known_pairs(y, lo)
    _, high = known_pairs(y, hi)
    inside = np.where(np.isnan(low) | np.isnan(high), np.nan, (low <= target) & (target <= high))
    return 100 * mean_or_nan(inside)


def msis(
    y: npt.ArrayLike,
    lo: npt.ArrayLike,
    hi: npt.ArrayLike,
    past: npt.ArrayLike,
    m: int = 1,
    level: float = 95.0,
) -> float:
    """Mean scaled interval score: width, and what lies outside, in the unit of naive's error in sample.

    ``mean (hi - lo + 2/a (lo - y) [y < lo] + 2/a (y - hi) [y > hi]) / mean |past[t] - past[t-m]|``, with
    a = 1 - level / 100.

    Args:
        y: Targets; NaN is left out.
        lo: Lower limits, of the shape of y.
        hi: Upper limits, of the shape of y.
        past: (T,) values before the forecast; pairs with NaN are left out.
        m: Period.
        level: Nominal coverage of the interval in per cent.

    Returns:
        The score; NaN if the past has no pair m steps apart, or does not change over m steps.

    Raises:
        DataError: The shapes differ, m is below 1, or level is not between 0 and 100.

    Source: Gneiting & Raftery 2007; Makridakis, Spiliotis & Assimakopoulos 2020 (M4).

    >>> msis([5.0, 9.0], [4.0, 4.0], [6.0, 6.0], past=[1.0, 2.0, 3.0], level=50.0)
    8.0
    """
    if not 0 < level < 100:
        raise DataError("the level of an interval is wrong", got=str(level), expected="per cent, 0 to 100")
    target, low = known_pairs(y, lo)
    _, high = known_pairs(y, hi)
    outside = np.maximum(low - target, 0) + np.maximum(target - high, 0)
    score = high - low + 2 / (1 - level / 100) * outside
    return ratio_or_nan(mean_or_nan(score), mean_or_nan(np.abs(seasonal_changes(past, m))))


def _quantile_losses(y: npt.ArrayLike, fq: npt.ArrayLike, q: npt.ArrayLike) -> tuple[Array, Array]:
    """Pinball loss, (known points, Q), and the known targets."""
    target, forecast, levels = (np.asarray(a, np.float64) for a in (y, fq, q))
    if forecast.shape != (*target.shape, *levels.shape) or levels.ndim != 1:
        raise DataError(
            "the forecasts of quantiles do not fit",
            got=f"the shape {forecast.shape}",
            expected=f"{(*target.shape, levels.size)}: a column for each of the levels",
        )
    if not ((levels > 0) & (levels < 1)).all():
        raise DataError("these are not levels", got=str(levels.tolist()), expected="numbers between 0 and 1")
    known = ~np.isnan(target)
    e = target[known][:, None] - forecast[known]
    return np.maximum(levels * e, (levels - 1) * e), target[known]
