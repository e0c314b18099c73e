"""Which fitted models become graphs: networks, medians of several, the pretrained ones.

Shapes: B series, h steps, Q quantiles.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from gatecast.errors import ConfigError
from gatecast.forecasting.es_rnn.model import ESRNN, ESRNNConfig
from gatecast.forecasting.median import FittedMedian
from gatecast.forecasting.onnx_files.es_rnn import es_rnn_forecast
from gatecast.forecasting.onnx_files.panel_rnn import panel_rnn_forecast
from gatecast.forecasting.onnx_files.pretrained import carries_state, pretrained_forecast
from gatecast.forecasting.onnx_files.segrnn import segrnn_forecast
from gatecast.forecasting.onnx_files.sequential import sequential_forecast
from gatecast.forecasting.onnx_files.series import GraphForecast, SeriesInput
from gatecast.forecasting.panel_rnn.model import CELLS, PanelRNN
from gatecast.forecasting.pretrained.model import FittedPretrained, Pretrained, PretrainedLF
from gatecast.forecasting.segrnn.model import SegRNN, SegRNNConfig
from gatecast.forecasting.sequential_model.model import SequentialConfig, SequentialModel
from gatecast.nn.onnx_files import operations as op
from gatecast.nn.onnx_files.builder import Value

__all__ = ["EXPORTED", "check_exported", "members_of_model", "model_quantiles", "reads_fitted_series"]

Exporter = Callable[[Any, SeriesInput], GraphForecast]

EXPORTERS: dict[type, Exporter] = {
    PanelRNN: panel_rnn_forecast,
    SegRNN: segrnn_forecast,
    ESRNN: es_rnn_forecast,
    SequentialModel: sequential_forecast,
    FittedPretrained: pretrained_forecast,
}
"""What makes a graph of a fitted model, by its class."""

EXPORTED: tuple[str, ...] = (
    *CELLS,
    SegRNNConfig.name,
    ESRNNConfig.name,
    Pretrained.name,
    PretrainedLF.name,
    SequentialConfig.name,
)
"""Names of the models that can be exported."""


def members_of_model(model: Any) -> Sequence[Any]:
    """Return the members of a median of several; any other model is its own only member."""
    return model.members if isinstance(model, FittedMedian) else (model,)


def reads_fitted_series(model: Any) -> bool:
    """Return whether a model has parameters of each series that was fitted."""
    return any(isinstance(member, ESRNN) for member in members_of_model(model))


def check_exported(model: Any, name: str, *, state: bool = False) -> None:
    """Raise an error for a model that cannot be exported.

    Args:
        model: A fitted model.
        name: Its name in `model=`.
        state: Whether its state is to be carried.

    Raises:
        ConfigError: It cannot be.
    """
    if not all(type(member) in EXPORTERS for member in members_of_model(model)):
        raise ConfigError(
            f"The model {name!r} cannot be exported to ONNX",
            expected=f"one of {', '.join(EXPORTED)}",
            fix=f'Fit a Forecaster with model="{EXPORTED[0]}", or keep this one with save.',
        )
    if state and not (isinstance(model, FittedPretrained) and carries_state(model)):
        other = isinstance(model, FittedPretrained)
        fix = "Leave state=True out" + ("." if other else f', or fit Forecaster(model="{Pretrained.name}").')
        which = " for these series" if other else ""
        raise ConfigError(f"The model {name!r} reads the past anew at every step{which}", fix=fix, argument="state")


def model_quantiles(model: Any, series: SeriesInput) -> Value:
    """Return the quantiles of a model, the median over its members, [B, h, Q] float64; NaN for an empty series."""
    forecasts = [EXPORTERS[type(member)](member, series) for member in members_of_model(model)]
    n, middle = len(forecasts), len(forecasts) // 2
    median, empty = forecasts[0].quantiles, forecasts[0].empty
    if n > 1:
        for other in forecasts[1:]:
            empty = empty | other.empty
        stacked = op.concatenate([op.expand_dims(forecast.quantiles, 0) for forecast in forecasts], 0)
        ascending = op.sort(stacked, n, 0)
        median = op.take(ascending, middle, 0)
        if n % 2 == 0:
            median = (op.take(ascending, middle - 1, 0) + median) * 0.5
    return op.where(op.expand_dims(op.expand_dims(empty, 1), 2), np.nan, median)
