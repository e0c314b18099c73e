"""Metrics of forecasts, each with its formula, its source and its rule for missing values.

Rule for NaN in every metric: a point whose target is NaN is left out; a forecast that is NaN where the target is known
makes the result NaN, so that a model gains nothing by not forecasting; without any point the result is NaN. A metric
takes one series; the value for a panel is the mean over series, as in the M competitions.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from gatecast.metrics.point import mae, mape, mase, owa, rmse, rmsse, skill, smape
from gatecast.metrics.probabilistic import coverage, crps, msis, pinball, wql
from gatecast.metrics.scale import seasonal_naive_scale
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
    "seasonal_naive_scale",
    "skill",
    "smape",
    "wql",
]


class Metric(NamedTuple):
    """A metric and its properties.

    Args:
        name: Name of the function.
        function: The metric.
        inputs: Names of its arguments, in order.
        perfect: Its value for a perfect forecast.
        scale_free: Whether it is independent of the unit of the values.
    """

    name: str
    function: Callable[..., float]
    inputs: tuple[str, ...]
    perfect: float
    scale_free: bool


_POINT = ("y_true", "y_pred")
_SCALED = (*_POINT, "y_train", "season_length")
_QUANTILES = ("y_true", "quantile_preds", "quantiles")
_INTERVAL = ("y_true", "lower", "upper")

METRICS: tuple[Metric, ...] = (
    Metric("mae", mae, _POINT, 0.0, scale_free=False),
    Metric("rmse", rmse, _POINT, 0.0, scale_free=False),
    Metric("mape", mape, _POINT, 0.0, scale_free=True),
    Metric("smape", smape, _POINT, 0.0, scale_free=True),
    Metric("mase", mase, _SCALED, 0.0, scale_free=True),
    Metric("rmsse", rmsse, _SCALED, 0.0, scale_free=True),
    Metric("pinball", pinball, _QUANTILES, 0.0, scale_free=False),
    Metric("crps", crps, _QUANTILES, 0.0, scale_free=False),
    Metric("wql", wql, _QUANTILES, 0.0, scale_free=True),
    Metric("coverage", coverage, _INTERVAL, 100.0, scale_free=True),
    Metric("msis", msis, (*_INTERVAL, "y_train", "season_length", "level"), 0.0, scale_free=True),
)
"""All metrics of one series. `owa` and `skill` compare values of metrics; `seasonal_naive_scale` scales them."""
