"""Metrics of forecasts, each with its formula, its source and its rule for missing values, and those of Keras.

Rule for NaN in every metric: a point whose target is NaN is left out; a forecast that is NaN where the target is known
makes the result NaN, so that a model gains nothing by not forecasting; without any point the result is NaN. A metric
takes one series; the value for a panel is the mean over series, as in the M competitions.

The classes and the functions with long names are those of Keras, for `Sequential.compile(metrics=...)`: they take
batches of targets and predictions, and NaN stays NaN.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from gatecast._utils.keras_names import missing_name
from gatecast.metrics.accumulators import (
    Accuracy,
    BinaryAccuracy,
    BinaryCrossentropy,
    CategoricalAccuracy,
    CategoricalCrossentropy,
    CosineSimilarity,
    LogCoshError,
    Mean,
    MeanAbsoluteError,
    MeanAbsolutePercentageError,
    MeanMetricWrapper,
    MeanSquaredError,
    MeanSquaredLogarithmicError,
    Metric,
    R2Score,
    RootMeanSquaredError,
    SparseCategoricalAccuracy,
    Sum,
)
from gatecast.metrics.by_name import get
from gatecast.metrics.functions import (
    binary_crossentropy,
    categorical_crossentropy,
    cosine_similarity,
    log_cosh,
    mean_absolute_error,
    mean_absolute_percentage_error,
    mean_squared_error,
    mean_squared_logarithmic_error,
)
from gatecast.metrics.point import mae, mape, mase, owa, rmse, rmsse, skill, smape
from gatecast.metrics.probabilistic import coverage, crps, msis, pinball, wql
from gatecast.metrics.scale import seasonal_naive_scale
from gatecast.metrics.tables import evaluate, leaderboard

__all__ = [
    "METRICS",
    "Accuracy",
    "BinaryAccuracy",
    "BinaryCrossentropy",
    "CategoricalAccuracy",
    "CategoricalCrossentropy",
    "CosineSimilarity",
    "ForecastMetric",
    "LogCoshError",
    "Mean",
    "MeanAbsoluteError",
    "MeanAbsolutePercentageError",
    "MeanMetricWrapper",
    "MeanSquaredError",
    "MeanSquaredLogarithmicError",
    "Metric",
    "R2Score",
    "RootMeanSquaredError",
    "SparseCategoricalAccuracy",
    "Sum",
    "binary_crossentropy",
    "categorical_crossentropy",
    "cosine_similarity",
    "coverage",
    "crps",
    "evaluate",
    "get",
    "leaderboard",
    "log_cosh",
    "mae",
    "mape",
    "mase",
    "mean_absolute_error",
    "mean_absolute_percentage_error",
    "mean_squared_error",
    "mean_squared_logarithmic_error",
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


class ForecastMetric(NamedTuple):
    """A metric of forecasts and its properties.

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

METRICS: tuple[ForecastMetric, ...] = (
    ForecastMetric("mae", mae, _POINT, 0.0, scale_free=False),
    ForecastMetric("rmse", rmse, _POINT, 0.0, scale_free=False),
    ForecastMetric("mape", mape, _POINT, 0.0, scale_free=True),
    ForecastMetric("smape", smape, _POINT, 0.0, scale_free=True),
    ForecastMetric("mase", mase, _SCALED, 0.0, scale_free=True),
    ForecastMetric("rmsse", rmsse, _SCALED, 0.0, scale_free=True),
    ForecastMetric("pinball", pinball, _QUANTILES, 0.0, scale_free=False),
    ForecastMetric("crps", crps, _QUANTILES, 0.0, scale_free=False),
    ForecastMetric("wql", wql, _QUANTILES, 0.0, scale_free=True),
    ForecastMetric("coverage", coverage, _INTERVAL, 100.0, scale_free=True),
    ForecastMetric("msis", msis, (*_INTERVAL, "y_train", "season_length", "level"), 0.0, scale_free=True),
)
"""All metrics of one series. `owa` and `skill` compare values of metrics; `seasonal_naive_scale` scales them."""


def __getattr__(name: str) -> object:
    """Raise an error that says what to write instead of an unknown name."""
    raise missing_name(__name__, name, __all__)
