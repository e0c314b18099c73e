"""The forecast of a user's network as a differentiable function of what it reads."""

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
from gatecast.forecasting.panel_rnn.attribution import value_sources
from gatecast.forecasting.panel_rnn.windows import ScaledSeries
from gatecast.forecasting.sequential_model.windows import CLIP, windows_at
from gatecast.kernels.packing import Array

if TYPE_CHECKING:
    from gatecast.forecasting.sequential_model.model import SequentialModel

__all__ = ["attribution_path"]


def attribution_path(
    model: SequentialModel, context: PanelContext, skipped: int, target: AttributionTarget, bins: AttributionBins
) -> DifferentiablePath:
    """Return one number of a forecast of one series as a function of the window that the network reads.

    Args:
        model: A trained network.
        context: One series, as many of the newest values as the network reads.
        skipped: Older columns that `bins` number as well.
        target: Which number.
        bins: Of the context.
    """
    scaler, scaled, _ = model.latest_inputs(context)
    first = context.values.shape[1] - 1
    source = value_sources(scaled, model.config.input_size, first)
    scaled = scaled._replace(z=scaled.z[:, first:], observed=scaled.observed[:, first:])
    variables = [
        (scaled.z[0].astype(np.float64), bins.past[skipped + source]),
        (target.shares, bins.effects[bins.groups[0]]),
    ]
    unit = unit_of_series(float(scaled.scale[0]), float(scaled.last[0]), scaler, target)
    inputs, readout = _inputs(model, scaled), _readout(model, target)
    return differentiable_path(model.network, model.weights, inputs, readout, unit, variables)


def _readout(model: SequentialModel, target: AttributionTarget) -> Readout:
    """Return the number as a sum over the outputs, and what is added to a point."""
    n_quantiles, h = len(model.config.quantiles), model.horizon
    step = min(target.step, model.trained_steps - 1)
    if model.quantile_offsets is not None:
        return Readout(np.eye(h)[step], float(model.quantile_offsets[target.step, target.quantile]))
    share, factor = np.zeros((h, n_quantiles)), np.sqrt((target.step + 1) / (step + 1))
    share[step, n_quantiles // 2] = 1 - factor
    share[step, target.quantile] += factor
    return Readout(share.ravel())


def _inputs(model: SequentialModel, scaled: ScaledSeries) -> Inputs:
    """Return what the network reads: one window, less its last value; it starts from the newest value."""
    input_size, shape = model.config.input_size, model.network.shapes[0]
    flat = len(shape) == 1
    features = ((shape[0] or input_size) // input_size if flat else shape[1]) or 1

    def network_inputs(variables: list[FloatArray]) -> tuple[Array, FloatArray, InputGradient]:
        """The window."""
        z = variables[0]
        n_points = len(z)
        points = scaled._replace(z=z.astype(np.float32), observed=np.repeat(scaled.observed, n_points, axis=0))
        x = windows_at(points, np.arange(n_points), np.zeros(n_points, np.int64), input_size, features, flat=flat)

        def gradient(dx: FloatArray, dlevel: FloatArray) -> list[FloatArray]:
            """Return the gradient of the window."""
            dwindow = (dx[:, 0, :input_size] if flat else dx[..., 0]) * (np.abs(z - z[:, -1:]) < CLIP)
            dwindow[:, -1] += dlevel - dwindow.sum(axis=1)
            return [dwindow]

        return x, z[:, -1], gradient

    return network_inputs
