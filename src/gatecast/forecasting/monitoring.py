"""The error of a network during training: on rows that it is not trained on, and on a sample of those that it is.

A gap between the two errors means something only if both are the same error: medians of all steps of the horizon, from
origins in the past, each in units of its series' mean change.

Shapes: n_rows rows, horizon steps, Q quantiles.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from gatecast._utils.typing import FloatArray, IntArray
from gatecast.forecasting.context import PanelContext
from gatecast.forecasting.panel_effects import PanelEffects
from gatecast.metrics.scale import seasonal_naive_scale
from gatecast.nn.training import ValidationErrors

__all__ = ["MonitorData", "ValidationMonitor", "make_monitor_data", "mean_error"]


MAX_SERIES, MAX_ORIGINS, MAX_ROWS = 64, 16, 256
"""Size of the sample of the rows that are trained on: series, origins, and rows in all."""


class MonitorData(NamedTuple):
    """What errors are measured on.

    Args:
        past: Rows at origins of the validation part.
        actual: What followed, [n_rows, horizon]; NaN where unknown.
        training: Series that are trained on.
        offsets: Values to drop from their end, one offset per origin, [n_origins].
    """

    past: PanelContext
    actual: FloatArray
    training: PanelContext
    offsets: IntArray


def make_monitor_data(
    past: PanelContext, actual: FloatArray, training: PanelContext, typical_length: int, stride: int
) -> MonitorData:
    """Choose what errors are measured on: validation rows, and origins in the newer half of some training series.

    Args:
        past: Rows at origins of the validation part.
        actual: What followed, [n_rows, horizon].
        training: The training parts.
        typical_length: Values in the typical one.
        stride: Origins are multiples of it apart.

    Example:
        >>> training = PanelContext.from_values(np.arange(40.0)[None])
        >>> past, actual = training.rolling_origins(np.array([4]), 4)
        >>> make_monitor_data(past, actual, training, 40, 1).offsets.tolist()
        [20, 19, 18, 17, 16, 15, 14, 13, 11, 10, 9, 8, 7, 6, 5, 4]
    """
    sample = training.take(np.arange(0, len(training), max(1, -(-len(training) // MAX_SERIES))))
    half = max(1, typical_length // 2)
    first, n_origins = min(actual.shape[1], half), min(MAX_ORIGINS, MAX_ROWS // max(len(sample), 1))
    steps = np.unique(np.linspace((half - first) // stride, 0, n_origins).round().astype(np.int64))[::-1]
    return MonitorData(past, actual, sample, first + stride * steps)


class ValidationMonitor:
    """Measures the errors of networks again and again; what they read is prepared once.

    Args:
        effects: What the series share, which networks do not see.
        data: What errors are measured on.
    """

    def __init__(self, effects: PanelEffects, data: MonitorData) -> None:
        self.effects, self.offsets = effects, data.offsets
        origins, training_actual = data.training.rolling_origins(data.offsets, data.actual.shape[1])
        self._validation = data.past, data.actual, _unit(data.past)
        self._training = origins, training_actual, _unit(origins)
        self.validation = effects.remove(data.past)
        """Rows that are not trained on."""
        self.training_origins = effects.remove(origins)
        """Training rows as they were known at their origins."""
        self.training = effects.remove(data.training)
        """Training series in full."""

    def measure(self, validation: FloatArray, training: FloatArray) -> ValidationErrors:
        """Return both errors.

        Args:
            validation: Quantiles for `validation`, [n_rows, horizon, Q].
            training: Quantiles for `training_origins`, or for `training` at `offsets`, ordered by origin.
        """
        return ValidationErrors(self._error(validation, *self._validation), self._error(training, *self._training))

    def errors(self, predict: Callable[[PanelContext], FloatArray]) -> ValidationErrors:
        """Return both errors of a model that predicts any rows."""
        return self.measure(predict(self.validation), predict(self.training_origins))

    def _error(self, quantiles: FloatArray, past: PanelContext, actual: FloatArray, unit: FloatArray) -> float:
        """Return the error after what the series share is restored."""
        return _mean_error(self.effects.restore(past, quantiles), actual, unit)


def mean_error(
    effects: PanelEffects,
    predict: Callable[[PanelContext], FloatArray],
    past: PanelContext,
    actual: FloatArray,
) -> float:
    """Return the mean error of a model's medians in units of each series' mean change; infinite if nothing is known.

    Args:
        effects: What the series share.
        predict: From a context without it to quantiles [n_rows, horizon, Q].
        past: Rows.
        actual: What followed, [n_rows, horizon]; NaN where unknown.
    """
    quantiles = predict(effects.remove(past))
    return _mean_error(effects.restore(past, quantiles), actual, _unit(past))


def _unit(past: PanelContext) -> FloatArray:
    """Return the mean change of each row, 1 where there is none, [n_rows]."""
    return np.nan_to_num(seasonal_naive_scale(past.values, 1), nan=1.0)


def _mean_error(quantiles: FloatArray, actual: FloatArray, unit: FloatArray) -> float:
    """Return the mean error of medians."""
    error = np.abs(actual - quantiles[..., quantiles.shape[-1] // 2]) / unit[:, None]
    known = np.isfinite(error)
    return float(error[known].mean()) if known.any() else np.inf
