"""What a panel network reads: windows at every origin of every series, targets, and the columns beside the series.

Letters: S series, T columns, B series of a batch, O origins, w values in a window, K steps that are learnt, F known, G
historic, E static columns.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt

from gatecast.forecasting.context import PanelContext
from gatecast.forecasting.scaling import forward_fill
from gatecast.kernels.packing import Array
from gatecast.nn.random import generator

if TYPE_CHECKING:
    from gatecast.forecasting.panel_rnn.model import PanelRNNConfig

__all__ = [
    "MIN_SCALE",
    "N_EXTRA_INPUTS",
    "InputGradients",
    "ScaledSeries",
    "batches",
    "inputs",
    "inputs_backward",
    "scale_series",
]

Floats = npt.NDArray[np.float64]
Singles = npt.NDArray[np.float32]
Integers = npt.NDArray[np.int64]

windows_of = np.lib.stride_tricks.sliding_window_view

N_EXTRA_INPUTS = 3
"""Inputs besides the window: share observed, unit of the changes, place of the level in the series' range."""

CLIP = 50.0
"""Mean changes from the level at which what is read is cut."""

MIN_SCALE = 1e-3
"""Least unit of a series' changes in what the network reads, so that a constant is no division by zero."""


class ScaledSeries(NamedTuple):
    """Series as the network reads them, w - 1 columns of padding in front."""

    z: Singles
    """(S, w - 1 + T) values less the series' newest, in units of its mean change, without gaps."""
    observed: Singles
    """(S, w - 1 + T) 1 where a value is observed."""
    size: Singles
    """(S,) logarithm of the unit."""
    scale: Floats
    """(S,) mean change."""
    last: Floats
    """(S,) what was subtracted."""
    centre: Singles
    """(S,) median of z."""
    spread: Singles
    """(S,) standard deviation of z."""
    first: Integers
    """(S,) column of T at which the series begins."""
    context: PanelContext
    """Where the columns beside the series are."""


def scale_series(context: PanelContext, season_length: int, input_size: int) -> ScaledSeries:
    """Scale series for a network: remove the season, count from the last value in units of the mean change.

    Args:
        context: Series.
        season_length: Season whose indices are removed; 1 for none.
        input_size: Values in a window: input_size - 1 columns of padding come first.
    """
    scaled = context.derive(("scaled", season_length), lambda: _scale(context, season_length))
    pad = ((0, 0), (input_size - 1, 0))
    return scaled._replace(z=np.pad(scaled.z, pad, mode="edge"), observed=np.pad(scaled.observed, pad))


def _scale(context: PanelContext, season_length: int) -> ScaledSeries:
    """`scale_series` without padding."""
    scaler = context.scaler(season_length)
    z = scaler.transform(context.values)
    observed = np.isfinite(z)
    filled = forward_fill(z)
    n_changes = (observed[:, 1:] & observed[:, :-1]).sum(axis=1)
    change = np.abs(np.diff(filled, axis=1)).sum(axis=1) / np.maximum(observed.sum(axis=1) - 1, 1)
    scale = np.where(n_changes > 0, change, 0.0) + MIN_SCALE
    last = filled[:, -1]
    scaled = (filled - last[:, None]) / scale[:, None]
    center = _median(np.where(observed, scaled, np.nan))
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


def _median(x: Floats) -> Floats:
    """(S,) median of what is not NaN; 0 where nothing is."""
    order = np.sort(x, axis=1)
    count = np.isfinite(x).sum(axis=1)
    low = np.take_along_axis(order, np.maximum((count - 1) // 2, 0)[:, None], axis=1)[:, 0]
    high = np.take_along_axis(order, (count // 2).clip(0, order.shape[1] - 1)[:, None], axis=1)[:, 0]
    return np.where(count > 0, np.where(count % 2 == 1, low, (low + high) / 2), 0.0)


def inputs(
    rows: ScaledSeries,
    which: Integers,
    origins: Integers,
    ahead: Integers,
    settings: PanelRNNConfig,
) -> tuple[Array, Singles]:
    """Inputs (B, O, w + 3 + columns) and levels (B, O) at origins, in each row a segment of T apart."""
    w, step = settings.input_size, settings.stride
    at = origins[:, :1] + np.arange((origins.shape[1] - 1) * step + w)
    windows, seen = (windows_of(part[which, at], w, axis=1)[:, ::step] for part in (rows.z, rows.observed))
    level = windows[..., -min(settings.level_window, w) :].mean(axis=-1)
    beside = _columns(rows.context, which, origins, ahead)
    x = np.empty((*windows.shape[:-1], w + N_EXTRA_INPUTS + sum(part.shape[-1] for part in beside)), np.float32)
    window = x[..., :w]
    np.subtract(windows, level[..., None], out=window)
    window *= seen
    np.clip(window, -CLIP, CLIP, out=window)
    x[..., w] = seen.mean(axis=-1)
    x[..., w + 1] = rows.size[which]
    x[..., w + 2] = settings.level_position_weight * np.tanh((level - rows.centre[which]) / (1.5 * rows.spread[which]))
    if beside:
        np.concatenate(beside, axis=-1, out=x[..., w + N_EXTRA_INPUTS :])
    return x, level


def _columns(history: PanelContext, which: Integers, origins: Integers, ahead: Integers) -> list[Floats]:
    """What is read beside a series, each (B, O, .): known columns at and after an origin, past and constant ones."""
    found, shape = [], np.broadcast_shapes(which.shape, origins.shape)
    if history.futr_exog.shape[2]:
        at = np.minimum(origins[..., None] + np.concatenate([[0], ahead]), history.futr_exog.shape[1] - 1)
        found.append(history.futr_exog[which[..., None], at].reshape(*shape, -1))
    if history.hist_exog.shape[2]:
        found.append(history.hist_exog[which, origins])
    if history.stat_exog.shape[1]:
        found.append(np.broadcast_to(history.stat_exog[which], (*shape, history.stat_exog.shape[1])))
    return found


class InputGradients(NamedTuple):
    """Gradients of what a row is read from, B rows."""

    z: Floats
    """(B, w - 1 + T) of `Rows.z`."""
    futr_exog: Floats
    """(B, T + n, F)."""
    hist_exog: Floats
    """(B, T, G)."""
    stat_exog: Floats
    """(B, E)."""


def inputs_backward(
    rows: ScaledSeries, origins: Integers, ahead: Integers, settings: PanelRNNConfig, dx: Floats, dlevel: Floats
) -> InputGradients:
    """The way of a gradient back through `inputs` of all rows at the same origins.

    Unit, newest value, centre and spread are held fixed. What `inputs` reads several times collects as many gradients.
    With x[j] = clip(seen[j] (z[j] - level)) and level the mean of the last n of them::

        dz[j]  += seen[j] [not clipped] dx[j]
        dlevel -= sum_j of the same, and += place (1 - tanh^2) / (1.5 spread) dx[w + 2]
        dz[j]  += dlevel / n        for the last n

    Args:
        rows: B of them, as for `inputs`.
        origins: (O,) a segment apart.
        ahead: As for `inputs`.
        settings: As for `inputs`.
        dx: (B, O, w + 3 + columns) gradient of the inputs.
        dlevel: (B, O) gradient of the levels.
    """
    w, step, n = settings.input_size, settings.stride, min(settings.level_window, settings.input_size)
    stretch = slice(int(origins[0]), int(origins[-1]) + w)
    windows, seen = (windows_of(part[:, stretch], w, axis=1)[:, ::step] for part in (rows.z, rows.observed))
    level = windows[..., -n:].mean(axis=-1)
    dwindow = dx[..., :w] * (seen * (np.abs(windows - level[..., None]) < CLIP))
    reach = 1.5 * rows.spread[:, None]
    bend = settings.level_position_weight * (1 - np.tanh((level - rows.centre[:, None]) / reach) ** 2) / reach
    dwindow[..., -n:] += ((dlevel - dwindow.sum(axis=-1) + bend * dx[..., w + 2]) / n)[..., None]
    z = np.zeros(rows.z.shape)
    for j in range(w):
        z[:, _moved(origins, j, step)] += dwindow[..., j]
    return InputGradients(z, *_columns_backward(rows.context, origins, ahead, step, dx[..., w + N_EXTRA_INPUTS :]))


def _moved(origins: Integers, far: int, step: int) -> slice:
    """Columns so many steps behind origins that are evenly apart."""
    return slice(int(origins[0]) + far, int(origins[-1]) + far + 1, step)


def _columns_backward(
    history: PanelContext, origins: Integers, ahead: Integers, step: int, dx: Floats
) -> tuple[Floats, Floats, Floats]:
    """The way back through `_columns`."""
    (B, until, F), G = history.futr_exog.shape, history.hist_exog.shape[2]
    # Room for steps beyond what is known: there the last column is read.
    known = np.zeros((B, max(until, int(origins[-1]) + int(ahead[-1]) + 1), F))
    if F:
        parts = dx[..., : (len(ahead) + 1) * F].reshape(B, len(origins), -1, F)
        for k, far in enumerate([0, *ahead.tolist()]):
            known[:, _moved(origins, far, step)] += parts[:, :, k]
        known[:, until - 1] += known[:, until:].sum(axis=1)
    historic = np.zeros(history.hist_exog.shape)
    beside = dx[..., (len(ahead) + 1) * F :]
    historic[:, _moved(origins, 0, step)] = beside[..., :G]
    return known[:, :until], historic, beside[..., G:].sum(axis=1)


CROPS_PER_BATCH = 16
"""Stretches in a batch where there are fewer series."""


def batches(
    rows: ScaledSeries, ahead: Integers, settings: PanelRNNConfig, seed: int
) -> Iterator[tuple[Array, Array, Array]]:
    """Inputs, targets (B, O, K) and weights of every update."""
    S = len(rows.z)
    T = rows.z.shape[1] - settings.input_size + 1
    O = min(settings.n_origins, (T - 2) // settings.stride + 1)  # noqa: E741
    span = (O - 1) * settings.stride + 1
    rng = generator(seed, 2)
    # Steps without gaps are a slice, which need not be copied.
    steps = slice(ahead[0], ahead[-1] + 1) if len(ahead) == ahead[-1] else ahead
    for _ in range(settings.max_steps):
        # Of few series several stretches each.
        which = (
            rng.integers(0, S, CROPS_PER_BATCH)
            if S < CROPS_PER_BATCH
            else rng.choice(S, min(S, settings.batch_size), replace=False)
        )
        # The last origin of a stretch has one value behind it at least; those of a long series lie anywhere.
        spare = np.maximum(T - rows.first[which] - span - 1, 0)
        last = T - 2 - np.floor(rng.random(len(which)) * (spare + 1)).astype(np.int64)
        origins = last[:, None] + settings.stride * np.arange(1 - O, 1)
        which = which[:, None]
        x, level = inputs(rows, which, origins, ahead, settings)
        at = origins[:, :1] + np.arange(span + ahead[-1])
        column = np.minimum(at, T - 1) + settings.input_size - 1
        seen = rows.observed[which, column] * (at < T)
        values, there = (
            windows_of(part, ahead[-1] + 1, axis=1)[:, :: settings.stride, steps]
            for part in (rows.z[which, column], seen)
        )
        y = values - level[..., None]
        np.clip(y, -100, 100, out=y)
        yield x, y, there * seen[:, : span : settings.stride, None]
