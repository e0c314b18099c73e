"""How good forecasts are: each metric with its formula, its source and what it does with missing values.

Letters: N points (any shape of arrays counts as its points), T values of a past, Q quantiles, m period.

Missing values, in every metric: a point whose target y is NaN is left out; a forecast that is NaN where the
target is known makes the result NaN, so that whoever refuses to answer gains nothing; without any point the
result is NaN. Metrics take one series; a table of series is the mean over series, as in the M competitions.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from gatecast.errors import DataError

__all__ = [
    "METRICS",
    "Metric",
    "coverage",
    "mae",
    "mape",
    "mase",
    "msis",
    "owa",
    "pinball",
    "rmse",
    "rmsse",
    "skill",
    "smape",
    "wql",
]

Array = npt.NDArray[np.float64]


class Metric(NamedTuple):
    """A metric and what it needs.

    Args:
        name: Name of the function.
        function: The metric.
        inputs: Names of its arguments in order: y targets, f forecasts, past, m, q levels of quantiles,
            fq forecasts of quantiles, lo and hi limits of an interval, level of the interval.
        perfect: Its value for a perfect forecast.
        scale_free: Whether changing the unit of all values leaves it as it is.
    """

    name: str
    function: Callable[..., float]
    inputs: tuple[str, ...]
    perfect: float
    scale_free: bool


def mae(y: npt.ArrayLike, f: npt.ArrayLike) -> float:
    """Mean absolute error, ``mean |y - f|``, in the unit of the values.

    Args:
        y: Targets; NaN is left out.
        f: Forecasts, of the shape of y.

    Raises:
        DataError: The shapes differ.

    >>> mae([1.0, 2.0, float("nan")], [2.0, 4.0, 9.0])
    1.5
    """
    return _mean(np.abs(_errors(y, f)))


def rmse(y: npt.ArrayLike, f: npt.ArrayLike) -> float:
    """Root mean squared error, ``sqrt(mean (y - f)^2)``, in the unit of the values.

    Args:
        y: Targets; NaN is left out.
        f: Forecasts, of the shape of y.

    Raises:
        DataError: The shapes differ.

    >>> rmse([1.0, 2.0], [2.0, 9.0])
    5.0
    """
    return float(np.sqrt(_mean(_errors(y, f) ** 2)))


def mape(y: npt.ArrayLike, f: npt.ArrayLike) -> float:
    """Mean absolute percentage error, ``100 mean |y - f| / |y|``.

    Args:
        y: Targets; NaN is left out, and so is 0, for which it is not defined.
        f: Forecasts, of the shape of y.

    Raises:
        DataError: The shapes differ.

    >>> mape([100.0, 50.0, 0.0], [125.0, 25.0, 3.0])
    37.5
    """
    target, forecast = _pair(y, f)
    used = target != 0
    return 100 * _mean(np.abs(target[used] - forecast[used]) / np.abs(target[used]))


def smape(y: npt.ArrayLike, f: npt.ArrayLike) -> float:
    """Symmetric mean absolute percentage error, ``200 mean |y - f| / (|y| + |f|)``, from 0 to 200.

    Args:
        y: Targets; NaN is left out.
        f: Forecasts, of the shape of y. Where both are 0 the term is 0.

    Raises:
        DataError: The shapes differ.

    Source: Makridakis & Hibon 2000 (M3); Makridakis, Spiliotis & Assimakopoulos 2020 (M4).

    >>> smape([100.0, 0.0], [300.0, 0.0])
    50.0
    """
    target, forecast = _pair(y, f)
    size = np.abs(target) + np.abs(forecast)
    return 200 * _mean(np.abs(target - forecast) / np.where(size == 0, 1.0, size))


def mase(y: npt.ArrayLike, f: npt.ArrayLike, past: npt.ArrayLike, m: int = 1) -> float:
    """Mean absolute scaled error, ``mean |y - f| / mean |past[t] - past[t-m]|``: 1 is naive in sample.

    Args:
        y: Targets; NaN is left out.
        f: Forecasts, of the shape of y.
        past: (T,) values before the forecast; pairs with NaN are left out.
        m: Period.

    Returns:
        The ratio; NaN if the past has no pair m steps apart, or does not change over m steps.

    Raises:
        DataError: The shapes differ, or m is below 1.

    Source: Hyndman & Koehler 2006.

    >>> mase([5.0, 6.0], [5.0, 5.0], past=[1.0, 2.0, 3.0, 4.0])
    0.5
    """
    return _ratio(mae(y, f), _mean(np.abs(_changes(past, m))))


def rmsse(y: npt.ArrayLike, f: npt.ArrayLike, past: npt.ArrayLike, m: int = 1) -> float:
    """Root mean squared scaled error, ``sqrt(mean (y - f)^2 / mean (past[t] - past[t-m])^2)``.

    Args:
        y: Targets; NaN is left out.
        f: Forecasts, of the shape of y.
        past: (T,) values before the forecast; pairs with NaN are left out.
        m: Period.

    Returns:
        The ratio; NaN if the past has no pair m steps apart, or does not change over m steps.

    Raises:
        DataError: The shapes differ, or m is below 1.

    Source: Makridakis, Spiliotis & Assimakopoulos 2022 (M5), there with m = 1.

    >>> rmsse([5.0, 7.0], [5.0, 5.0], past=[1.0, 2.0, 1.0])
    1.4142135623730951
    """
    return _ratio(rmse(y, f), float(np.sqrt(_mean(_changes(past, m) ** 2))))


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
    return _mean(loss)


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
    return _ratio(2 * float(loss.sum()), loss.shape[1] * float(np.abs(target).sum()))


def coverage(y: npt.ArrayLike, lo: npt.ArrayLike, hi: npt.ArrayLike) -> float:
    """Share of targets within an interval, ``100 mean [lo <= y <= hi]``, in per cent.

    Args:
        y: Targets; NaN is left out.
        lo: Lower limits, of the shape of y.
        hi: Upper limits, of the shape of y.

    Raises:
        DataError: The shapes differ.

    >>> coverage([1.0, 5.0], [0.0, 0.0], [2.0, 2.0])
    50.0
    """
    target, low = _pair(y, lo)
    _, high = _pair(y, hi)
    inside = np.where(np.isnan(low) | np.isnan(high), np.nan, (low <= target) & (target <= high))
    return 100 * _mean(inside)


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
    target, low = _pair(y, lo)
    _, high = _pair(y, hi)
    outside = np.maximum(low - target, 0) + np.maximum(target - high, 0)
    score = high - low + 2 / (1 - level / 100) * outside
    return _ratio(_mean(score), _mean(np.abs(_changes(past, m))))


def owa(smape_model: float, mase_model: float, smape_naive2: float, mase_naive2: float) -> float:
    """Overall weighted average, ``(sMAPE / sMAPE_naive2 + MASE / MASE_naive2) / 2``: below 1 beats Naive2.

    Args:
        smape_model: Mean sMAPE of the model over all series.
        mase_model: Mean MASE of the model over all series.
        smape_naive2: The same of Naive2: naive on seasonally adjusted values.
        mase_naive2: The same of Naive2.

    Returns:
        The average; NaN if Naive2 makes no error.

    Source: Makridakis, Spiliotis & Assimakopoulos 2020 (M4): the averages over series come first.

    >>> owa(10.0, 1.0, 20.0, 2.0)
    0.5
    """
    return (_ratio(smape_model, smape_naive2) + _ratio(mase_model, mase_naive2)) / 2


def skill(error: float, baseline: float) -> float:
    """How much of the baseline's error is gone, ``100 (1 - error / baseline)`` per cent; negative is worse.

    Args:
        error: Any error of the model, where less is better.
        baseline: The same error of the baseline.

    Returns:
        Per cent; NaN if the baseline makes no error.

    >>> skill(6.0, 8.0)
    25.0
    """
    return 100 * (1 - _ratio(error, baseline)) if baseline else float("nan")


METRICS: tuple[Metric, ...] = (
    Metric("mae", mae, ("y", "f"), 0.0, scale_free=False),
    Metric("rmse", rmse, ("y", "f"), 0.0, scale_free=False),
    Metric("mape", mape, ("y", "f"), 0.0, scale_free=True),
    Metric("smape", smape, ("y", "f"), 0.0, scale_free=True),
    Metric("mase", mase, ("y", "f", "past", "m"), 0.0, scale_free=True),
    Metric("rmsse", rmsse, ("y", "f", "past", "m"), 0.0, scale_free=True),
    Metric("pinball", pinball, ("y", "fq", "q"), 0.0, scale_free=False),
    Metric("wql", wql, ("y", "fq", "q"), 0.0, scale_free=True),
    Metric("coverage", coverage, ("y", "lo", "hi"), 100.0, scale_free=True),
    Metric("msis", msis, ("y", "lo", "hi", "past", "m", "level"), 0.0, scale_free=True),
)
"""Every metric of one series. `owa` and `skill` compare numbers that are metrics already."""


def _pair(y: npt.ArrayLike, f: npt.ArrayLike) -> tuple[Array, Array]:
    """Targets that are known, and what belongs to them."""
    target, forecast = np.asarray(y, np.float64), np.asarray(f, np.float64)
    if target.shape != forecast.shape:
        raise DataError(
            "targets and forecasts differ in shape",
            got=f"{target.shape} and {forecast.shape}",
            expected="one shape",
        )
    known = ~np.isnan(target)
    return target[known], forecast[known]


def _errors(y: npt.ArrayLike, f: npt.ArrayLike) -> Array:
    """Target less forecast where the target is known."""
    target, forecast = _pair(y, f)
    return target - forecast


def _changes(past: npt.ArrayLike, m: int) -> Array:
    """Changes over m steps, where both ends are known."""
    if m < 1:
        raise DataError("the period is wrong", got=str(m), expected="at least 1")
    x = np.asarray(past, np.float64)
    changes = x[m:] - x[:-m]
    return changes[~np.isnan(changes)]


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


def _mean(values: Array) -> float:
    """Mean; NaN without values."""
    return float(values.mean()) if values.size else float("nan")


def _ratio(above: float, below: float) -> float:
    """Quotient; NaN where nothing is below."""
    return above / below if below else float("nan")
