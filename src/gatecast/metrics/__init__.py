"""How good forecasts are: each metric with its formula, its source and what it does with missing values.

Letters: N points (any shape of arrays counts as its points), T values of a past, Q quantiles, m period.

Missing values, in every metric: a point whose target y is NaN is left out; a forecast that is NaN where the
target is known makes the result NaN, so that whoever refuses to answer gains nothing; without any point the
result is NaN. Metrics take one series; a table of series is the mean over series, as in the M competitions.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from gatecast.metrics.point import mae, mape, mase, owa, rmse, rmsse, skill, smape
from gatecast.metrics.probabilistic import coverage, crps, msis, pinball, wql
from gatecast.metrics.tables import evaluate, leaderboard

__all__ = [
    "METRICS",
    "Metric",
    "coverage",
    "crps",
    "evaluate",
    "leaderboard",
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


METRICS: tuple[Metric, ...] = (
    Metric("mae", mae, ("y", "f"), 0.0, scale_free=False),
    Metric("rmse", rmse, ("y", "f"), 0.0, scale_free=False),
    Metric("mape", mape, ("y", "f"), 0.0, scale_free=True),
    Metric("smape", smape, ("y", "f"), 0.0, scale_free=True),
    Metric("mase", mase, ("y", "f", "past", "m"), 0.0, scale_free=True),
    Metric("rmsse", rmsse, ("y", "f", "past", "m"), 0.0, scale_free=True),
    Metric("pinball", pinball, ("y", "fq", "q"), 0.0, scale_free=False),
    Metric("crps", crps, ("y", "fq", "q"), 0.0, scale_free=False),
    Metric("wql", wql, ("y", "fq", "q"), 0.0, scale_free=True),
    Metric("coverage", coverage, ("y", "lo", "hi"), 100.0, scale_free=True),
    Metric("msis", msis, ("y", "lo", "hi", "past", "m", "level"), 0.0, scale_free=True),
)
"""Every metric of one series. `owa` and `skill` compare numbers that are metrics already."""
