"""What the network of `es_lstm` reads and is asked, as functions of the smoothing parameters, and the way back.

Letters: S series, T columns, B series of a batch, C columns of a stretch, O origins, w values in a window, h horizon,
K steps of it that are learnt, m season, P = 2 + m parameters of a series: logits of both smoothing weights, and the
first seasons, in units of the mean change, the one in column 2 + j of the phase of step j + 1 behind the end.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from gatecast.forecasting.es_rnn.smoothing import Smoothed, gate, roughness, smooth, smooth_backward
from gatecast.forecasting.panel_rnn.windows import MIN_SCALE
from gatecast.forecasting.scaling import SeriesScaler, forward_fill, seasonal_indices

__all__ = [
    "CONTEXT_SEASONS",
    "N_EXTRA_INPUTS",
    "Segment",
    "SegmentInputs",
    "SmoothedSeries",
    "cut_segment",
    "scale_series",
    "segment_inputs",
    "segment_inputs_backward",
]

Floats = npt.NDArray[np.float64]
Reals = npt.NDArray[np.floating[Any]]
Integers = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

CONTEXT_SEASONS = 10
"""Seasons before the first origin of a stretch that are smoothed at least, if there are as many."""

N_EXTRA_INPUTS = 2
"""Inputs besides the window: share observed, logarithm of the unit."""

CLIP = 50.0
"""Limit of what is read, in mean changes; targets have twice as much."""


class SmoothedSeries(NamedTuple):
    """Series as they are smoothed, w - 1 columns of padding in front."""

    z: Floats
    """(S, w - 1 + T) transformed values less the newest, in units of the mean change, without gaps."""
    observed: Bools
    """(S, w - 1 + T) whether a value is observed."""
    scale: Floats
    """(S,) mean change, seasons taken out."""
    last: Floats
    """(S,) what was subtracted."""
    season: Floats
    """(S, m) classical indices, in units of the mean change; 0 where no season shows."""
    seasonal: Floats
    """(S,) 1 where a season shows, else 0: no season is smoothed there."""


class Segment(NamedTuple):
    """A piece of each of some series, time first; the last of its O origins is row C - 1."""

    z: Floats
    """(C + h, B)"""
    observed: Bools
    """(C + h, B)"""
    phase: Integers
    """(B, m) parameters' columns, less 2, of the seasons of the first m rows."""
    series: Integers
    """(B,) series."""
    n_origins: int
    """O."""
    input_size: int
    """w."""


class SegmentInputs(NamedTuple):
    """What network and loss are given."""

    x: Reals
    """(B, O, w + 2) windows less seasons and level, and what else the network reads."""
    y: Reals
    """(B, O, K) targets likewise."""
    weight: Reals
    """(B, O, K) 1 where both origin and target are observed, else 0."""
    smoothed: Smoothed
    """Of the first C rows."""


def scale_series(values: Floats, m: int, window: int) -> SmoothedSeries:
    """Series made ready for smoothing.

    Args:
        values: (S, T) aligned on the right; NaN is missing.
        m: Season; 1 for none.
        window: w.

    >>> scale_series(np.array([[1.0, np.e, np.e**3]]), 1, 2).z.round(2).tolist()
    [[0.0, -2.0, -1.33, 0.0]]
    """
    z = SeriesScaler.fit(values, 1).transform(values)
    seen, T = np.isfinite(z), z.shape[1]
    frame = SeriesScaler.fit(values, m)
    index = np.log(np.where(frame.positive[:, None], frame.seasonal, 1.0))
    mixed = ~frame.positive
    index[mixed] = seasonal_indices(z[mixed], m, np.zeros(int(mixed.sum()), np.bool_))
    free, filled = forward_fill(z - index[:, (np.arange(T) - T) % m]), forward_fill(z)
    unit = np.abs(np.diff(free, axis=1)).sum(axis=1) / np.maximum(seen.sum(axis=1) - 1, 1) + MIN_SCALE
    newest = filled[:, -1]
    pad = ((0, 0), (window - 1, 0))
    scaled = (filled - newest[:, None]) / unit[:, None]
    seasonal = (index != 0).any(axis=1).astype(np.float64)
    return SmoothedSeries(np.pad(scaled, pad), np.pad(seen, pad), unit, newest, index / unit[:, None], seasonal)


def cut_segment(rows: SmoothedSeries, which: Integers, last: Integers, h: int, window: int, origins: int) -> Segment:
    """The columns that lead to some origins, and h behind them.

    Args:
        rows: Of all series.
        which: (B,) of them.
        last: (B,) columns of the last origins.
        h: Horizon.
        window: w.
        origins: O, at most what there is.
    """
    columns, m = rows.z.shape[1], rows.season.shape[1]
    O = max(1, min(origins, columns - window))  # noqa: E741
    C = max(O + window - 1, min(columns, O + window - 1 + CONTEXT_SEASONS * m))
    at = last + np.arange(1 - C, h + 1)[:, None]
    inside = (at >= 0) & (at < columns)
    at = at.clip(0, columns - 1)
    phase = (last[:, None] + 1 - C + np.arange(m) - columns) % m
    return Segment(np.where(inside, rows.z[which, at], 0.0), inside & rows.observed[which, at], phase, which, O, window)


def segment_inputs(piece: Segment, rows: SmoothedSeries, parameters: Reals, ahead: Integers) -> SegmentInputs:
    """Windows and targets of every origin.

    ``x = z[t-w+1..t] - s - l[t]`` where observed, else 0; ``y = z[t+k] - s[t+k] - l[t]``, with the seasons that are
    known at t.

    Args:
        piece: (C + h, B).
        rows: Of all series.
        parameters: (S, P).
        ahead: (K,) steps that are learnt.
    """
    which, O, w = piece.series, piece.n_origins, piece.input_size  # noqa: E741
    B, m = piece.phase.shape
    C = len(piece.z) - int(ahead[-1])
    a, g = _weights(parameters[which], rows.seasonal[which])
    start = np.take_along_axis(parameters[which, 2:], piece.phase, axis=1).T
    found = smooth(piece.z[:C], piece.observed[:C], a, g, start)
    level = found.level[C - O :].T
    free = np.ascontiguousarray((piece.z[:C] - found.season[:C])[C - O - w + 1 :].T)
    seen = np.ascontiguousarray(piece.observed[:C][C - O - w + 1 :].T)
    x = np.empty((B, O, w + N_EXTRA_INPUTS))
    views = np.lib.stride_tricks.sliding_window_view
    watched = views(seen, w, axis=1)
    np.subtract(views(free, w, axis=1), level[..., None], out=x[..., :w])
    x[..., :w] *= watched
    np.clip(x[..., :w], -CLIP, CLIP, out=x[..., :w])
    x[..., w] = watched.mean(axis=-1)
    x[..., w + 1] = np.log(rows.scale[which])[:, None]
    at = np.arange(C - O, C)[:, None]
    known = at + 1 + (ahead - 1) % m
    y = (piece.z[at + ahead] - found.season[known] - found.level[at]).transpose(2, 0, 1)
    weight = (piece.observed[at + ahead] & piece.observed[at]).transpose(2, 0, 1)
    return SegmentInputs(x, np.clip(y, -2 * CLIP, 2 * CLIP), weight.astype(np.float64), found)


def segment_inputs_backward(
    piece: Segment,
    rows: SmoothedSeries,
    parameters: Reals,
    ahead: Integers,
    given: SegmentInputs,
    dx: Reals,
    dy: Reals,
    penalty: float,
) -> Reals:
    """Gradient of the parameters, (B, P).

    Args:
        piece: As given to `read`.
        rows: As given to `read`.
        parameters: As given to `read`.
        ahead: As given to `read`.
        given: What it returned.
        dx: (B, O, w + 2) gradient of x.
        dy: (B, O, K) gradient of y.
        penalty: Weight of the roughness of the levels.
    """
    which, O, w, found = piece.series, piece.n_origins, piece.input_size, given.smoothed  # noqa: E741
    B, m = piece.phase.shape
    C = len(found.level)
    x, y = given.x[..., :w], given.y
    seen = np.ascontiguousarray(piece.observed[:C][C - O - w + 1 :].T)
    watched = np.lib.stride_tricks.sliding_window_view(seen, w, axis=1)
    back = (dx[..., :w] * (watched & (np.abs(x) < CLIP))).transpose(2, 1, 0).astype(np.float64)
    ask = (dy * (np.abs(y) < 2 * CLIP)).transpose(2, 1, 0).astype(np.float64)
    begun = np.cumsum(piece.observed[:C], axis=0) > 0
    counts = np.zeros((C, B))
    counts[2:] = begun[:-2]
    dlevel = penalty * roughness(found.level, counts)[1] if penalty else np.zeros((C, B))
    dlevel[C - O :] -= back.sum(axis=0) + ask.sum(axis=0)
    dseason = np.zeros((C + m, B))
    first = C - O - w + 1
    for j, own in enumerate(back):
        dseason[first + j : first + j + O] -= own
    for k, own in zip(ahead.tolist(), ask, strict=True):
        known = C - O + 1 + (k - 1) % m
        dseason[known : known + O] -= own
    a, g = _weights(parameters[which], rows.seasonal[which])
    da, dg, dstart = smooth_backward(piece.z[:C], piece.observed[:C], g, found, dlevel, dseason)
    gradient = np.zeros((B, 2 + m))
    gradient[:, 0] = da * a * (1 - a)
    gradient[:, 1] = dg * g * (1 - g)
    np.put_along_axis(gradient[:, 2:], piece.phase, dstart.T * rows.seasonal[which, None], axis=1)
    return gradient


def _weights(parameters: Reals, seasonal: Floats) -> tuple[Reals, Reals]:
    """(B,) weights of the newest value in level and season."""
    return gate(parameters[:, 0]), gate(parameters[:, 1]) * seasonal
