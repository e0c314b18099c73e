"""Inputs and targets of a panel RNN: windows at every origin of every series, and the exogenous columns.

Shapes: n_series rows, T columns of the past, n steps known beyond the end, B series of a batch, K steps of the horizon
that are trained; F future exogenous columns, G historic ones, E static ones. Padded arrays have input_size - 1 columns
in front of the T.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from gatecast._utils.arrays import row_medians
from gatecast._utils.batches import ROWS
from gatecast._utils.typing import Float32Array, FloatArray, IntArray
from gatecast.forecasting.context import PanelContext
from gatecast.forecasting.scaling import forward_fill
from gatecast.kernels.packing import Array

if TYPE_CHECKING:
    from gatecast.forecasting.panel_rnn.model import PanelRNNConfig

__all__ = [
    "CLIP",
    "MIN_SCALE",
    "N_EXTRA_INPUTS",
    "InputGradients",
    "OriginInputs",
    "ScaledSeries",
    "center_windows",
    "exogenous_inputs",
    "inputs",
    "inputs_backward",
    "origin_inputs",
    "scale_series",
]

sliding_window_view = np.lib.stride_tricks.sliding_window_view

N_EXTRA_INPUTS = 3
"""Inputs besides the window: share observed, log of the scale, position of the level in the range of the series."""

CLIP = 50.0
"""Mean changes from the level at which inputs are clipped; targets at twice as many."""

MIN_SCALE = 1e-3
"""Smallest scale of a series' changes, so that a constant is no division by zero."""

POSITION_WIDTH = 1.5
"""Standard deviations of a series within which the position of its level changes most."""


class ScaledSeries(NamedTuple):
    """Series as a network reads them, padded in front."""

    z: Float32Array
    """Values less the newest one, in units of the mean change, without gaps, [n_series, input_size - 1 + T]."""
    observed: Float32Array
    """1 where a value is observed, else 0, [n_series, input_size - 1 + T]."""
    log_scale: Float32Array
    """Logarithm of the scale, [n_series]."""
    scale: FloatArray
    """Mean change, [n_series]."""
    last: FloatArray
    """Newest value, which is subtracted, [n_series]."""
    center: Float32Array
    """Median of z, [n_series]."""
    spread: Float32Array
    """Standard deviation of z, [n_series]."""
    first: IntArray
    """Column of T at which a series begins, [n_series]."""
    context: PanelContext
    """Source of the exogenous columns."""


def scale_series(context: PanelContext, season_length: int, input_size: int) -> ScaledSeries:
    """Scale series for a network: remove the season, count from the last value in units of the mean change.

    Args:
        context: Series.
        season_length: Season whose indices are removed; 1 for none.
        input_size: Values in a window: input_size - 1 columns of padding come first.
    """
    # What a context keeps must not refer to it: both would stay until Python looks for cycles.
    arrays = context.derive(("scaled", season_length), lambda: _scale(context, season_length))
    pad = ((0, 0), (input_size - 1, 0))
    padded = {"z": np.pad(arrays["z"], pad, mode="edge"), "observed": np.pad(arrays["observed"], pad)}
    return ScaledSeries(**{**arrays, **padded}, context=context)


def _scale(context: PanelContext, season_length: int) -> dict[str, Any]:
    """Return the arrays of `scale_series` without padding, a few series at a time."""
    parts = [_scale_batch(part, season_length) for part in context.batches(ROWS)]
    return {name: np.concatenate([getattr(part, name) for part in parts]) for name in ScaledSeries._fields[:-1]}


def _scale_batch(context: PanelContext, season_length: int) -> ScaledSeries:
    """Scale a few series."""
    z = context.scaler(season_length).transform(context.values)
    observed = np.isfinite(z)
    filled = forward_fill(z)
    n_changes = (observed[:, 1:] & observed[:, :-1]).sum(axis=1)
    change = np.abs(np.diff(filled, axis=1)).sum(axis=1) / np.maximum(observed.sum(axis=1) - 1, 1)
    scale = np.where(n_changes > 0, change, 0.0) + MIN_SCALE
    last = filled[:, -1]
    scaled = (filled - last[:, None]) / scale[:, None]
    center = np.nan_to_num(row_medians(np.where(observed, scaled, np.nan)))
    squares = np.where(observed, (scaled - center[:, None]) ** 2, 0.0).sum(axis=1)
    spread = np.sqrt(squares / np.maximum(observed.sum(axis=1), 1))
    return ScaledSeries(
        scaled.astype(np.float32),
        observed.astype(np.float32),
        np.log(scale).astype(np.float32),
        scale,
        last,
        center.astype(np.float32),
        (spread + MIN_SCALE).astype(np.float32),
        observed.argmax(axis=1),
        context,
    )


class OriginInputs(NamedTuple):
    """What a network reads at each origin besides windows and exogenous columns."""

    level: Float32Array
    """Mean of the newest values, which windows are counted from, [n_series, T]."""
    extra: Float32Array
    """Share observed, log of the scale, position of the level, [n_series, T, 3]."""


def origin_inputs(scaled: ScaledSeries, config: PanelRNNConfig) -> OriginInputs:
    """Return what a network reads at all origins besides windows: the same in every update.

    Args:
        scaled: All series.
        config: Of the network.
    """
    n, n_level = config.input_size, min(config.level_window, config.input_size)
    level = sliding_window_view(scaled.z[:, n - n_level :], n_level, axis=1).mean(axis=-1)
    extra = np.empty((*level.shape, N_EXTRA_INPUTS), np.float32)
    n_observed = np.cumsum(scaled.observed, axis=1)
    n_observed[:, n:] -= n_observed[:, :-n].copy()
    extra[..., 0] = n_observed[:, n - 1 :] / np.float32(n)
    extra[..., 1] = scaled.log_scale[:, None]
    position = np.tanh((level - scaled.center[:, None]) / (POSITION_WIDTH * scaled.spread[:, None]))
    extra[..., 2] = config.level_position_weight * position
    return OriginInputs(level, extra)


def center_windows(windows: Array, level: Array, observed: Array, *, out: Array) -> None:
    """Write ``clip(observed (windows - level), -50, 50)``, in any layout."""
    np.subtract(windows, level, out=out)
    out *= observed
    np.clip(out, -CLIP, CLIP, out=out)


def inputs(
    scaled: ScaledSeries, rows: IntArray, origins: IntArray, steps: IntArray, config: PanelRNNConfig
) -> tuple[Array, Float32Array]:
    """Return what a network reads at origins, and the levels that its forecasts are counted from.

    Args:
        scaled: All series.
        rows: Series of each row of the batch, [B, 1].
        origins: Columns of T, a stride apart in each row, [B or 1, n_origins].
        steps: Steps of the horizon that are trained, [K].
        config: Of the network.

    Returns:
        Inputs, [B, n_origins, input_size + 3 + number of exogenous inputs], and levels, [B, n_origins].
    """
    input_size, stride = config.input_size, config.stride
    levels, extra = origin_inputs(scaled, config)
    columns = origins[:, :1] + np.arange((origins.shape[1] - 1) * stride + input_size)
    windows, observed = (
        sliding_window_view(part[rows, columns], input_size, axis=1)[:, ::stride]
        for part in (scaled.z, scaled.observed)
    )
    level = levels[rows, origins]
    exogenous = exogenous_inputs(scaled.context, rows, origins, steps)
    n_inputs = input_size + N_EXTRA_INPUTS + sum(part.shape[-1] for part in exogenous)
    x = np.empty((*windows.shape[:-1], n_inputs), np.float32)
    center_windows(windows, level[..., None], observed, out=x[..., :input_size])
    x[..., input_size : input_size + N_EXTRA_INPUTS] = extra[rows, origins]
    if exogenous:
        np.concatenate(exogenous, axis=-1, out=x[..., input_size + N_EXTRA_INPUTS :])
    return x, level


def exogenous_inputs(context: PanelContext, rows: IntArray, origins: IntArray, steps: IntArray) -> list[FloatArray]:
    """Return future columns at and after each origin, historic and static ones, each [B, n_origins, n_inputs]."""
    parts, shape = [], np.broadcast_shapes(rows.shape, origins.shape)
    if context.futr_exog.shape[2]:
        columns = np.minimum(origins[..., None] + np.concatenate([[0], steps]), context.futr_exog.shape[1] - 1)
        parts.append(context.futr_exog[rows[..., None], columns].reshape(*shape, -1))
    if context.hist_exog.shape[2]:
        parts.append(context.hist_exog[rows, origins])
    if context.stat_exog.shape[1]:
        parts.append(np.broadcast_to(context.stat_exog[rows], (*shape, context.stat_exog.shape[1])))
    return parts


class InputGradients(NamedTuple):
    """Gradients of what a batch is read from."""

    z: FloatArray
    """[B, input_size - 1 + T]."""
    futr_exog: FloatArray
    """[B, T + n, F]."""
    hist_exog: FloatArray
    """[B, T, G]."""
    stat_exog: FloatArray
    """[B, E]."""


def inputs_backward(
    scaled: ScaledSeries, origins: IntArray, steps: IntArray, config: PanelRNNConfig, dx: FloatArray, dlevel: FloatArray
) -> InputGradients:
    """Backpropagate through `inputs` of all series at the same origins.

    Scale, newest value, center and spread are held fixed. A value that is read several times collects as many
    gradients. With x[j] = clip(observed[j] (z[j] - level)), level the mean of the last n of them, and
    position = tanh((level - center) / width), width = 1.5 spread::

        dz[j]  += observed[j] [not clipped] dx[j]
        dlevel -= sum_j of these, and += level_position_weight (1 - position^2) / width dx[input_size + 2]
        dz[j]  += dlevel / n        for the last n

    Args:
        scaled: B series.
        origins: Columns of T, a stride apart, [n_origins].
        steps: As for `inputs`.
        config: As for `inputs`.
        dx: Gradient of the inputs, [B, n_origins, n_inputs].
        dlevel: Gradient of the levels, [B, n_origins].
    """
    input_size, stride, n = config.input_size, config.stride, min(config.level_window, config.input_size)
    segment = slice(int(origins[0]), int(origins[-1]) + input_size)
    windows, observed = (
        sliding_window_view(part[:, segment], input_size, axis=1)[:, ::stride] for part in (scaled.z, scaled.observed)
    )
    level = windows[..., -n:].mean(axis=-1)
    dwindow = dx[..., :input_size] * (observed * (np.abs(windows - level[..., None]) < CLIP))
    width = POSITION_WIDTH * scaled.spread[:, None]
    slope = config.level_position_weight * (1 - np.tanh((level - scaled.center[:, None]) / width) ** 2) / width
    dwindow[..., -n:] += ((dlevel - dwindow.sum(axis=-1) + slope * dx[..., input_size + 2]) / n)[..., None]
    dz = np.zeros(scaled.z.shape)
    for j in range(input_size):
        dz[:, _shifted(origins, j, stride)] += dwindow[..., j]
    dexogenous = dx[..., input_size + N_EXTRA_INPUTS :]
    return InputGradients(dz, *_exogenous_backward(scaled.context, origins, steps, stride, dexogenous))


def _shifted(origins: IntArray, n_steps: int, stride: int) -> slice:
    """Return the columns n_steps after origins that are a stride apart."""
    return slice(int(origins[0]) + n_steps, int(origins[-1]) + n_steps + 1, stride)


def _exogenous_backward(
    context: PanelContext, origins: IntArray, steps: IntArray, stride: int, dx: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Backpropagate through `exogenous_inputs`."""
    (B, n_known, F), G = context.futr_exog.shape, context.hist_exog.shape[2]
    # Beyond what is known the last column is read: its gradients are collected there first.
    dfutr_exog = np.zeros((B, max(n_known, int(origins[-1]) + int(steps[-1]) + 1), F))
    if F:
        parts = dx[..., : (len(steps) + 1) * F].reshape(B, len(origins), -1, F)
        for k, step in enumerate([0, *steps.tolist()]):
            dfutr_exog[:, _shifted(origins, step, stride)] += parts[:, :, k]
        dfutr_exog[:, n_known - 1] += dfutr_exog[:, n_known:].sum(axis=1)
    dhist_exog = np.zeros(context.hist_exog.shape)
    dpast = dx[..., (len(steps) + 1) * F :]
    dhist_exog[:, _shifted(origins, 0, stride)] = dpast[..., :G]
    return dfutr_exog[:, :n_known], dhist_exog, dpast[..., G:].sum(axis=1)
