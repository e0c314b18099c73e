"""Batches that a panel RNN is trained on: random segments of series, packed; small batches several at a time.

Shapes: as in `windows`; a batch has B segments of n_origins origins.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from gatecast._utils.typing import IntArray
from gatecast.forecasting.panel_rnn.windows import (
    CLIP,
    OriginInputs,
    ScaledSeries,
    center_windows,
    exogenous_inputs,
    origin_inputs,
)
from gatecast.kernels.packing import LANES, Array, blocks, pack, padded_lanes
from gatecast.nn.batching import Batch
from gatecast.nn.random import generator

if TYPE_CHECKING:
    from gatecast.forecasting.panel_rnn.model import PanelRNNConfig

__all__ = ["CROPS_PER_BATCH", "Segments", "TrainingWindows", "draw_segments", "read_segments", "training_batches"]

sliding_window_view = np.lib.stride_tricks.sliding_window_view

CROPS_PER_BATCH = 16
"""Segments in a batch where there are fewer series."""

ROWS_TOGETHER = 512
"""Segments that are read at a time: of small batches those of several updates, whose NumPy calls cost the same."""


class Segments(NamedTuple):
    """Segments of series, each with as many origins."""

    rows: IntArray
    """Series of each segment, [B]."""
    last: IntArray
    """Column of its last origin, [B]."""


class TrainingWindows(NamedTuple):
    """What a network reads at the origins of segments, and what it is to forecast there, packed."""

    x: Array
    """Inputs, [nb, n_origins, F, L]."""
    y: Array
    """Targets, [nb, n_origins, K, L]."""
    weight: Array
    """1 where the target and the newest value are known, else 0, [nb, n_origins, K, L]."""


def training_batches(
    scaled: ScaledSeries, steps: IntArray, config: PanelRNNConfig, seed: int, first: int = 0
) -> Iterator[Batch]:
    """Yield a packed batch for every update.

    Args:
        scaled: All series.
        steps: Steps of the horizon that are trained, [K].
        config: Of the network.
        seed: The same seed gives the same batches.
        first: Updates that were made before: their batches are left out.
    """
    drawn, at_origins = islice(draw_segments(scaled, config, seed), first, None), origin_inputs(scaled, config)
    size = _batch_size(len(scaled.z), config)
    # Batches of full blocks are read together: each is a slice of the blocks.
    n_together = max(1, ROWS_TOGETHER // size) if size % LANES == 0 else 1
    n_blocks = blocks(size, padded_lanes(size))
    while together := list(islice(drawn, n_together)):
        segments = Segments(*(np.concatenate(part) for part in zip(*together, strict=True)))
        x, y, weight = read_segments(scaled, segments, steps, config, at_origins)
        totals = weight.reshape(len(together), -1).sum(axis=1).tolist()
        for k, total in enumerate(totals):
            part = slice(k * n_blocks, (k + 1) * n_blocks)
            yield Batch(x[part], y[part], weight[part], None, total, size)


def draw_segments(scaled: ScaledSeries, config: PanelRNNConfig, seed: int) -> Iterator[Segments]:
    """Draw the segments of every update.

    A series takes part with one segment: all its origins, or a random segment of a longer one. Where there are few
    series, each has several.
    """
    n_series, size = len(scaled.z), _batch_size(len(scaled.z), config)
    T = scaled.z.shape[1] - config.input_size + 1
    span = _span(T, config)
    rng = generator(seed, 2)
    for _ in range(config.max_steps):
        rows = (
            rng.integers(0, n_series, size) if n_series < CROPS_PER_BATCH else rng.choice(n_series, size, replace=False)
        )
        # The last origin has at least one value after it; those of a long series lie anywhere.
        spare = np.maximum(T - scaled.first[rows] - span - 1, 0)
        yield Segments(rows, T - 2 - np.floor(rng.random(size) * (spare + 1)).astype(np.int64))


def read_segments(
    scaled: ScaledSeries, segments: Segments, steps: IntArray, config: PanelRNNConfig, at_origins: OriginInputs
) -> TrainingWindows:
    """Return what a network reads in segments, as `inputs` defines it, and what it is to forecast.

    The columns of 16 segments are laid side by side first: windows of them are views, which need no packing.

    Args:
        scaled: All series.
        segments: B of them.
        steps: Steps of the horizon that are trained, [K].
        config: Of the network.
        at_origins: `origin_inputs` of all series.
    """
    n, horizon, stride = config.input_size, int(steps[-1]), config.stride
    end = scaled.z.shape[1]
    span, (rows, last) = _span(end - n + 1, config), _in_blocks(segments)
    columns = last[:, None] + np.arange(1 - span, n + horizon)[:, None]
    inside = np.minimum(columns, end - 1)
    z, observed = scaled.z[rows[:, None], inside], scaled.observed[rows[:, None], inside] * (columns < end)
    origins = columns[:, :span:stride]
    level = at_origins.level[rows[:, None], origins][:, :, None]
    extra = at_origins.extra[rows[:, None], origins].swapaxes(2, 3)
    exogenous = _packed_exogenous(scaled, segments, span, steps, config)

    n_extra = n + extra.shape[2]
    x = np.empty((*origins.shape[:2], n_extra + sum(part.shape[2] for part in exogenous), rows.shape[1]), np.float32)
    past = slice(n + span - 1)
    center_windows(_windows(z[:, past], n, stride), level, _windows(observed[:, past], n, stride), out=x[:, :, :n])
    x[:, :, n:n_extra] = extra
    if exogenous:
        np.concatenate(exogenous, axis=2, out=x[:, :, n_extra:])

    # Steps without gaps are a slice, which need not be copied.
    selected = slice(steps[0], horizon + 1) if len(steps) == horizon else steps
    values, is_known = (_windows(part[:, n - 1 :], horizon + 1, stride)[:, :, selected] for part in (z, observed))
    y, weight = (np.empty(values.shape, np.float32) for _ in range(2))
    np.clip(np.subtract(values, level, out=y), -2 * CLIP, 2 * CLIP, out=y)
    np.multiply(is_known, observed[:, n - 1 : n - 1 + span : stride, None], out=weight)
    n_lanes = (len(segments.rows) - 1) % rows.shape[1] + 1
    for part in (x, y, weight):
        part[-1, ..., n_lanes:] = 0
    return TrainingWindows(x, y, weight)


def _windows(columns: Array, n: int, stride: int) -> Array:
    """Return windows of n columns, a stride apart, as a view: [nb, C, L] to [nb, n_windows, n, L]."""
    windows: Array = sliding_window_view(columns, n, axis=1)[:, ::stride].swapaxes(2, 3)
    return windows


def _in_blocks(segments: Segments) -> Segments:
    """Return segments by block and lane, [nb, L]; the lanes behind the batch repeat its first segment."""
    n, L = len(segments.rows), padded_lanes(len(segments.rows))
    which = np.arange(blocks(n, L) * L)
    which[n:] = 0
    return Segments(*(part[which].reshape(-1, L) for part in segments))


def _packed_exogenous(
    scaled: ScaledSeries, segments: Segments, span: int, steps: IntArray, config: PanelRNNConfig
) -> list[Array]:
    """Return the exogenous columns at the origins of segments, each [nb, n_origins, n_inputs, L]."""
    origins = segments.last[:, None] + np.arange(1 - span, 1, config.stride)
    return [pack(part) for part in exogenous_inputs(scaled.context, segments.rows[:, None], origins, steps)]


def _batch_size(n_series: int, config: PanelRNNConfig) -> int:
    """Return the segments in a batch."""
    return CROPS_PER_BATCH if n_series < CROPS_PER_BATCH else min(n_series, config.batch_size)


def _span(T: int, config: PanelRNNConfig) -> int:
    """Return the columns from the first origin of a segment to its last one, both included."""
    return (min(config.n_origins, (T - 2) // config.stride + 1) - 1) * config.stride + 1
