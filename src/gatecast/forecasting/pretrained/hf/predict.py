"""Forecasts of the high-frequency network from the ends of series, without fitting.

Shapes: n series, T columns, h steps, Q levels, J = 8 p steps of a block.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from gatecast._utils.arrays import history_lengths
from gatecast._utils.typing import FloatArray, IntArray
from gatecast.forecasting.pretrained.head import LEVELS
from gatecast.forecasting.pretrained.hf.clock import TOKENS, Clock, history_length, spread_steps
from gatecast.forecasting.pretrained.hf.detail import measure_detail
from gatecast.forecasting.pretrained.hf.features import HEAD
from gatecast.forecasting.pretrained.hf.passes import Origins, Pass, count_tokens, run_pass, size_exponents
from gatecast.kernels.packing import LANES
from gatecast.nn.network import Network, Weights

__all__ = ["block_steps", "context_steps", "predict_anchor_weights", "predict_quantiles"]

BATCH_SERIES = 64
"""Series at a time."""


def predict_quantiles(
    network: Network,
    weights: Weights,
    values: FloatArray,
    h: int,
    m: int,
    long: int,
    origins: IntArray | None = None,
    *,
    n_together: int = 1,
) -> FloatArray:
    """Forecast the steps after the end of each series.

    Beyond a block of a cycle the network goes on without values, as it has learned to. Series without negative values
    have no negative forecasts, and those without positive ones no positive forecasts. Rows that are one series as it
    was at several times share passes, which changes no bit.

    Args:
        network: As `make_network` returns it.
        weights: Its parameters.
        values: Series aligned at their ends, (n, T); NaN is missing, or before the series began.
        h: Steps.
        m: Season length; above 64 steps a cycle is averaged to 64.
        long: Longer season; 0 for none.
        origins: For each row a number of the series that it is the beginning of, and how many values of that follow,
            (n, 2), as of `shared_origins`; None: each row is another series.
        n_together: Series that are forecast together, at least: sums over a matrix of one column are in another order,
            and a series is to have the same bits whichever others are with it.

    Returns:
        Quantiles of `LEVELS`, increasing, (n, h, Q); NaN where there is no value.

    Example:
        >>> from gatecast.forecasting.pretrained.kinds import HF
        >>> from gatecast.forecasting.pretrained.network import PretrainedConfig, make_network
        >>> network, weights = make_network(PretrainedConfig(units=8, n_layers=1, kind=HF))
        >>> y = np.tile([1.0, 5.0, 3.0, 5.0, 1.0, 1.0, 1.0], 12)[None]
        >>> predict_quantiles(network, weights, y, 3, 7, 0)[0, :, 6].round(1).tolist()
        [1.0, 5.0, 3.0]
    """
    clock = Clock.of(m, long)
    n_steps, n_blocks = clock.n_averaged(h), clock.n_blocks(h)
    out = np.full((len(values), n_steps, len(LEVELS)), np.nan)
    newest = clock.newest(values)
    averages = clock.averages(newest)
    L = 1 if max(len(values), n_together) == 1 else LANES
    for rows, run, at in _passes((network, weights), averages, clock, origins, L, n_blocks):
        out[rows] = run.forecast(at, n_blocks)[:, :n_steps]
    if clock.r > 1:
        out = measure_detail(newest, averages, clock.r, m).add_to(spread_steps(out, clock.r, h))
    known = np.isfinite(values)
    low, high = np.where(known, values, np.inf).min(axis=1), np.where(known, values, -np.inf).max(axis=1)
    out = np.where((low >= 0)[:, None, None], np.maximum(out, 0.0), out)
    return np.where((high <= 0)[:, None, None], np.minimum(out, 0.0), out)


def predict_anchor_weights(network: Network, weights: Weights, values: FloatArray, m: int, long: int) -> FloatArray:
    """Return the weights of the simple forecasts at the ends of series, for each quarter of the next block.

    Args:
        network: As for `predict_quantiles`.
        weights: Its parameters.
        values: As for `predict_quantiles`, each with a value.
        m: Season length.
        long: Longer season; 0 for none.

    Returns:
        (n, 4, A), which sum to 1 over the last axis.
    """
    clock = Clock.of(m, long)
    out = np.empty((len(values), HEAD.groups, HEAD.anchors))
    L = 1 if len(values) == 1 else LANES
    for rows, run, at in _passes((network, weights), clock.averages(clock.newest(values)), clock, None, L):
        out[rows] = run.weights(at)
    return out


def block_steps(m: int) -> int:
    """Return the steps that are forecast from an origin: about a cycle.

    >>> [block_steps(m) for m in (7, 24, 48, 96, 1440)]
    [8, 24, 48, 96, 1440]
    """
    clock = Clock.of(m, 0)
    return round(clock.block * clock.r)


def context_steps(m: int, long: int) -> int:
    """Return the newest steps of a series that are read.

    >>> context_steps(24, 168), context_steps(48, 336), context_steps(7, 365)
    (1056, 2112, 1588)
    """
    clock = Clock.of(m, long)
    return int(np.ceil(clock.n_averages * clock.r))


def _passes(
    network: tuple[Network, Weights],
    values: FloatArray,
    clock: Clock,
    origins: IntArray | None,
    L: int,
    n_blocks: int = 1,
) -> Iterator[tuple[IntArray, Pass, Origins]]:
    """Run the network over series of similar length, a few at a time; yield rows, their pass, and where they end.

    Args:
        network: Layers and parameters.
        values: Averages, aligned at their ends.
        clock: Theirs.
        origins: As for `predict_quantiles`.
        L: Lanes of a block.
        n_blocks: Blocks to forecast.
    """
    length, n_tokens = history_lengths(values), count_tokens(values, clock.p)
    reader = np.arange(len(values)) if origins is None else _readers(values, n_tokens, clock, origins)
    is_reader = (reader == np.arange(len(values))) & (length > 0)
    by_length = np.lexsort((n_tokens, length))
    by_length = by_length[is_reader[by_length]]
    for start in range(0, len(by_length), BATCH_SERIES):
        read = by_length[start : start + BATCH_SERIES]
        lane = np.full(len(values), -1)
        lane[read] = np.arange(len(read))
        every = np.flatnonzero((lane[reader] >= 0) & (length > 0))
        run = run_pass(
            network,
            values[read],
            n_tokens[read],
            clock,
            L,
            n_more=(n_blocks - 1) * TOKENS,
            keeps_states=n_blocks > 1 and len(every) > len(read),
        )
        for rows in (every[first : first + BATCH_SERIES] for first in range(0, len(every), BATCH_SERIES)):
            yield rows, run, Origins(n_tokens[rows] - 1, lane[reader[rows]])


def _readers(values: FloatArray, n_tokens: IntArray, clock: Clock, origins: IntArray) -> IntArray:
    """Return for each row the one whose pass it ends in.

    That is the newest of its series that begins to read where it does, and is divided by the same power of two: else
    values that follow the row would have an effect on it.
    """
    series, later = origins.T
    # Steps of an average are a number of 64ths, so this is exact.
    begin = later + n_tokens * (clock.p * clock.r)
    exponents = np.empty(len(values), np.int64)
    for rows in (slice(first, first + BATCH_SERIES) for first in range(0, len(values), BATCH_SERIES)):
        oldest = values.shape[1] - n_tokens[rows] * clock.p - history_length(clock.m, clock.long)
        is_read = np.arange(values.shape[1])[:, None] >= oldest
        exponents[rows] = size_exponents(np.where(is_read, values[rows].T, np.nan))
    alike = np.stack([exponents, begin, series])
    order = np.lexsort((later, *alike))
    is_first = np.r_[True, (np.diff(alike[:, order]) != 0).any(axis=0)]
    reader = np.empty(len(values), np.int64)
    reader[order] = order[np.flatnonzero(is_first)[np.cumsum(is_first) - 1]]
    return reader
