"""Metrics by their names in Keras."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from gatecast._utils.keras_names import advice_for
from gatecast._utils.suggestions import suggestion
from gatecast.errors import ConfigError
from gatecast.metrics import accumulators, functions
from gatecast.metrics.accumulators import (
    BinaryAccuracy,
    CategoricalAccuracy,
    MeanMetricWrapper,
    Metric,
    SparseCategoricalAccuracy,
)

__all__ = ["CLASSES", "get"]

ALIASES: Mapping[str, str] = {
    "mse": "MeanSquaredError",
    "mae": "MeanAbsoluteError",
    "mape": "MeanAbsolutePercentageError",
    "msle": "MeanSquaredLogarithmicError",
    "bce": "BinaryCrossentropy",
    "log_cosh": "LogCoshError",
    "logcosh": "LogCoshError",
    "rmse": "RootMeanSquaredError",
}
"""Short names of metrics."""

CLASSES: Mapping[str, type[Metric]] = {
    name: getattr(accumulators, name)
    for name in accumulators.__all__
    if name not in ("Metric", "Mean", "Sum", "MeanMetricWrapper")
}
"""Metrics of targets and predictions by the names of their classes: those that a file may contain."""

# "accuracy" depends on the outputs of the network.
_BY_NAME = {re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower(): name for name in CLASSES if name != "Accuracy"}


def get(identifier: Any, n_outputs: int | None = None, target_width: int | None = None) -> Metric:
    """Return a metric: by its name, a function as a metric, or the one passed.

    Args:
        identifier: "mae", "mse", "root_mean_squared_error", ..., a metric, its class, or a function of
            (y_true, y_pred).
        n_outputs: Outputs of the network, which "accuracy" depends on.
        target_width: Values of a target, which "accuracy" depends on.

    Raises:
        ConfigError: An unknown name, or another object.

    >>> get("mae").name, get("root_mean_squared_error")([0.0], [2.0])
    ('mae', 2.0)
    """
    if isinstance(identifier, Metric):
        return identifier
    if isinstance(identifier, type) and issubclass(identifier, Metric):
        return identifier()
    if isinstance(identifier, str):
        return _by_name(identifier, n_outputs, target_width)
    if callable(identifier) and not isinstance(identifier, type):
        # Only a function of gatecast is one of its metrics: that of a user may have the same name.
        name = getattr(identifier, "__name__", "")
        known = _BY_NAME.get(name) or ALIASES.get(name)
        is_own = known is not None and getattr(functions, name, None) is identifier
        return CLASSES[known](name) if known and is_own else MeanMetricWrapper(identifier)
    raise ConfigError(
        f"Invalid metric {identifier!r}",
        expected='a name such as "mae", a metric of gatecast.metrics, or a function of (y_true, y_pred)',
        argument="metrics",
    )


def _by_name(name: str, n_outputs: int | None, target_width: int | None) -> Metric:
    """Return the metric of a name, which it keeps."""
    if name.lower() in ("accuracy", "acc"):
        if n_outputs is None or n_outputs == 1:
            return BinaryAccuracy(name)
        return SparseCategoricalAccuracy(name) if target_width == 1 else CategoricalAccuracy(name)
    key = name if name in CLASSES else _BY_NAME.get(name.lower()) or ALIASES.get(name.lower())
    if key is None:
        fix = advice_for(name, "metrics") or suggestion(name, [*ALIASES, *_BY_NAME])
        raise ConfigError(f"Unknown metric {name!r}", fix=fix, argument="metrics")
    return CLASSES[key](name=name)
