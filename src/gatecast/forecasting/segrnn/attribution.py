"""The forecast of a SegRNN as a differentiable function of what it reads: the values of the look-back."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

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
from gatecast.forecasting.segrnn.windows import CLIP, decoded_shape, n_read, scale_series, window_inputs
from gatecast.kernels.packing import Array

if TYPE_CHECKING:
    from gatecast.forecasting.segrnn.model import SegRNN, SegRNNConfig

__all__ = ["attribution_path"]


def attribution_path(
    model: SegRNN, context: PanelContext, target: AttributionTarget, bins: AttributionBins
) -> DifferentiablePath:
    """Return one number of a forecast of one series as a function of the look-back.

    Args:
        model: A trained network.
        context: One series, in full: its scale is held fixed.
        target: Which number.
        bins: Of the context.
    """
    config, T = model.config, context.values.shape[1]
    scaled = scale_series(context, config)
    columns = np.maximum(np.arange(T - n_read(config), T), 0)
    # A missing value is read as the last one before it, steps before the series as its first value.
    source = np.maximum.accumulate(np.where(scaled.observed[0] > 0, np.arange(T), scaled.first[0]))
    variables = [
        (scaled.z[0, columns].astype(np.float64), bins.past[source[columns]]),
        (target.shares, bins.effects[bins.groups[0]]),
    ]
    length, n_quantiles = decoded_shape(model.horizon, config.segment_length)[1], len(config.quantiles)
    segment, step = divmod(target.step, length)
    network, weights = model.one_segment(segment)
    share = np.zeros((length, n_quantiles))
    share[step, target.quantile] = 1.0
    unit = unit_of_series(float(scaled.scale[0]), float(scaled.last[0]), scaled.scaler, target)
    return differentiable_path(network, weights, _inputs(config), Readout(share.ravel()), unit, variables)


def _inputs(config: SegRNNConfig) -> Inputs:
    """Return what the network reads: one look-back, less its level."""
    n_level = min(config.level_window, n_read(config))

    def network_inputs(variables: list[FloatArray]) -> tuple[Array, FloatArray, InputGradient]:
        """The look-back in segments."""
        window = variables[0]
        x, level = window_inputs(window.astype(np.float32), config)
        inside = np.abs(window - level[:, None]) < CLIP

        def gradient(dx: FloatArray, dlevel: FloatArray) -> list[FloatArray]:
            """Return the gradient of the look-back."""
            dwindow = dx.reshape(len(window), -1) * inside
            dwindow[:, -n_level:] += ((dlevel - dwindow.sum(axis=1)) / n_level)[:, None]
            return [dwindow]

        return x, level.astype(np.float64), gradient

    return network_inputs
