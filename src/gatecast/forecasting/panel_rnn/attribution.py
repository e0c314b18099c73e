"""The forecast of a panel RNN as a differentiable function of what it reads."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from gatecast._utils.typing import FloatArray
from gatecast.forecasting.attribution import (
    AttributionBins,
    AttributionTarget,
    DifferentiablePath,
    InputGradient,
    Inputs,
    Readout,
    differentiable_path,
    unit_of_series,
)
from gatecast.forecasting.context import PanelContext
from gatecast.forecasting.panel_rnn.windows import ScaledSeries, inputs, inputs_backward, scale_series
from gatecast.forecasting.steps import direct_steps
from gatecast.kernels.packing import Array

if TYPE_CHECKING:
    from gatecast.forecasting.panel_rnn.model import PanelRNN, PanelRNNConfig

__all__ = ["attribution_path"]


def attribution_path(
    model: PanelRNN, context: PanelContext, skipped: int, target: AttributionTarget, bins: AttributionBins
) -> DifferentiablePath:
    """Return one number of a forecast of one series as a function of what the network reads.

    Args:
        model: A trained network.
        context: One series, with standardized columns, as many of the newest values as the network reads.
        skipped: Older columns that `bins` number as well.
        target: Which number.
        bins: Of the context.
    """
    config, T = model.config, context.values.shape[1]
    scaler = context.scaler(config.season_length)
    scaled = scale_series(context, config.season_length, config.input_size)
    first = T - 1 - config.stride * (min(config.n_origins, (T - 1) // config.stride + 1) - 1)
    source = value_sources(scaled, config.input_size, first)
    read = replace(
        context,
        values=context.values[:, first:],
        futr_exog=context.futr_exog[:, first:],
        hist_exog=context.hist_exog[:, first:],
    )
    scaled = scaled._replace(z=scaled.z[:, first:], observed=scaled.observed[:, first:], context=read)
    since, (futr, hist, stat) = skipped + first, bins.groups
    variables = [
        (scaled.z[0].astype(np.float64), bins.past[skipped + source]),
        (read.futr_exog.ravel(), bins.futr_exog[since:, futr].ravel()),
        (read.hist_exog.ravel(), bins.hist_exog[since:, hist].ravel()),
        (read.stat_exog.ravel(), bins.stat_exog[stat]),
        (target.shares, bins.effects[futr]),
    ]
    unit = unit_of_series(float(scaled.scale[0]), float(scaled.last[0]), scaler, target)
    network_inputs = _inputs(config, model.horizon, scaled)
    return differentiable_path(model.network, model.weights, network_inputs, _readout(model, target), unit, variables)


def value_sources(scaled: ScaledSeries, input_size: int, first: int) -> npt.NDArray[np.int64]:
    """Return which value each column from `first` - input_size + 1 on is read from.

    A missing value is read as the last one before it, steps before the series as its first value.
    """
    T = scaled.z.shape[1] - input_size + 1
    observed = scaled.observed[0, input_size - 1 :] > 0
    source = np.maximum.accumulate(np.where(observed, np.arange(T), scaled.first[0]))
    return np.asarray(source[np.maximum(np.arange(first - input_size + 1, T), 0)])


def _readout(model: PanelRNN, target: AttributionTarget) -> Readout:
    """Return the number as a sum over the steps that the network was trained on."""
    steps = direct_steps(model.horizon)
    share = np.zeros((len(steps), len(model.config.quantiles)))
    share[:, target.quantile] = [np.interp(target.step + 1, steps, unit) for unit in np.eye(len(steps))]
    return Readout(share.ravel())


def _inputs(config: PanelRNNConfig, horizon: int, scaled: ScaledSeries) -> Inputs:
    """Return what the network reads; the scaled series begin at its first origin."""
    steps, read = direct_steps(horizon), scaled.context
    origins = np.arange(0, read.values.shape[1], config.stride)

    def network_inputs(variables: list[FloatArray]) -> tuple[Array, FloatArray, InputGradient]:
        """Windows and columns at every origin."""
        z, futr_exog, hist_exog, stat_exog = variables
        n_points, rows = len(z), np.arange(len(z))[:, None]
        context = replace(
            read,
            futr_exog=futr_exog.reshape(n_points, *read.futr_exog.shape[1:]),
            hist_exog=hist_exog.reshape(n_points, *read.hist_exog.shape[1:]),
            stat_exog=stat_exog,
        )
        fixed = {
            name: np.repeat(getattr(scaled, name), n_points, axis=0)
            for name in ("observed", "log_scale", "center", "spread")
        }
        points = scaled._replace(z=z.astype(np.float32), context=context, **fixed)
        x, level = inputs(points, rows, origins[None], steps, config)

        def gradient(dx: FloatArray, dlevel: FloatArray) -> list[FloatArray]:
            """Return the gradients of the variables."""
            dlevels = np.zeros(level.shape)
            dlevels[:, -1] = dlevel
            return [part.reshape(n_points, -1) for part in inputs_backward(points, origins, steps, config, dx, dlevels)]

        return x, level[:, -1].astype(np.float64), gradient

    return network_inputs
