"""Forecasts of a stream: a new value is one step of the network from the state that it carries.

What the network reads at a step depends on the values up to it alone, so that one step from the carried state gives
what a pass over the whole past gives. It is run over the newest values anew where that does not hold: at first, where
another season repeats better, every `MAX_CARRIED` steps beyond the `MAX_LENGTH` values that it was trained on (each
series at its own step, so that no step is slower than others), and at every step of series with negative values, whose
scale is that of the whole past, or whose past has changed: what is removed from series before they are read, such as a
season of the panel, may be estimated anew.

Shapes: n series, T columns, h steps, Q levels, K steps of a block.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from gatecast._utils.arrays import history_lengths
from gatecast._utils.schema import SchemaError, check_array
from gatecast._utils.typing import BoolArray, Float32Array, FloatArray, IntArray
from gatecast.forecasting.pretrained.batches import pack_time_major
from gatecast.forecasting.pretrained.head import LEVELS
from gatecast.forecasting.pretrained.lf.features import BLOCK, Features, make_features
from gatecast.forecasting.pretrained.lf.predict import (
    BATCH_SERIES,
    MAX_LENGTH,
    Origins,
    adjusted_block,
    blocks_read,
    join_blocks,
    to_lanes,
)
from gatecast.forecasting.pretrained.lf.scaling import SeriesScale
from gatecast.kernels.packing import length_mask, pack_mask, pack_state, padded_lanes, unpack_state
from gatecast.nn.layers.base import State
from gatecast.nn.network import (
    Network,
    Weights,
    flatten_states,
    forward,
    forward_from,
    initial_weights,
    split_network,
    unflatten_states,
)

__all__ = ["MAX_CARRIED", "NetworkState", "check_carried", "forecast_step", "from_arrays", "to_arrays"]

MAX_CARRIED = 16
"""Steps beyond `MAX_LENGTH` values after which the network is run over the newest `MAX_LENGTH` values anew."""


class NetworkState(NamedTuple):
    """What a stream carries from step to step."""

    length: IntArray
    """(n,): values that the network has read; 0 before the first value."""
    season: IntArray
    """(n,): the season that it read them with."""
    limit: IntArray
    """(n,): values that it may have read before it reads the newest `MAX_LENGTH` anew."""
    values: FloatArray
    """(n, T): the newest values, as they were read."""
    states: tuple[Float32Array, ...]
    """(n, units) each: arrays of the recurrent states."""


def to_arrays(state: NetworkState) -> dict[str, npt.NDArray[Any]]:
    """Return a state as arrays by name.

    >>> one = np.ones(1, int)
    >>> sorted(to_arrays(NetworkState(one, one, one, np.ones((1, 3)), (np.zeros((1, 2), np.float32),))))
    ['length', 'limit', 'season', 'state.0', 'values']
    """
    fields = {name: array for name, array in state._asdict().items() if name != "states"}
    return fields | {f"state.{k}": array for k, array in enumerate(state.states)}


def check_carried(network: Network, arrays: Mapping[str, npt.NDArray[Any]], n_series: int) -> None:
    """Check arrays from a file: names, types, shapes, finite numbers.

    Args:
        network: As `make_network` returns it.
        arrays: By name, as `to_arrays` returns them.
        n_series: Number of series.

    Raises:
        SchemaError: They are no state of this network.
    """
    for name in ("length", "season", "limit"):
        if (check_array(arrays, name, np.int64, (n_series,)) < 0).any():
            raise SchemaError(f"array {name!r} has numbers below 0")
    check_array(arrays, "values", np.float64, (n_series, None), finite=False)
    sizes = [array.shape[1] for array in flatten_states(_state_template(network))]
    for k, size in enumerate(sizes):
        check_array(arrays, f"state.{k}", np.float32, (n_series, size))
    if unknown := arrays.keys() - set(NetworkState._fields) - {f"state.{k}" for k in range(len(sizes))}:
        raise SchemaError(f"array {min(unknown)[:40]!r} belongs to no state")


def from_arrays(arrays: Mapping[str, npt.NDArray[Any]]) -> NetworkState:
    """Return a state from arrays by name: the inverse of `to_arrays`."""
    n = sum(name.startswith("state.") for name in arrays)
    states = tuple(arrays[f"state.{k}"] for k in range(n))
    return NetworkState(**{name: arrays[name] for name in NetworkState._fields if name != "states"}, states=states)


def forecast_step(
    network: Network, weights: Weights, values: FloatArray, h: int, seasons: IntArray, before: NetworkState | None
) -> tuple[FloatArray, NetworkState]:
    """Forecast the steps after the end of each series, one step later than the last time.

    Args:
        network: As `make_network` returns it.
        weights: Its parameters.
        values: Series aligned at their ends, (n, T), T >= `MAX_LENGTH` + `MAX_CARRIED` or all values; NaN is missing.
        h: Steps.
        seasons: (n,): season length of each series; 1 for none.
        before: As this function returned it when all but the newest column was known; None: nothing is carried.

    Returns:
        Quantiles of `LEVELS`, (n, h, Q), NaN before the first value of a series; and what the next step carries.

    Example:
        >>> from gatecast.forecasting.pretrained.network import PretrainedConfig, make_network
        >>> network, weights = make_network(PretrainedConfig(units=8, n_layers=1))
        >>> y, season = np.full((1, 20), 5.0), np.ones(1, int)
        >>> _, state = forecast_step(network, weights, y[:, :-1], 3, season, None)
        >>> quantiles, state = forecast_step(network, weights, y, 3, season, state)
        >>> quantiles[0, :, 6].round(2).tolist(), state.length.tolist()
        ([5.0, 5.0, 5.0], [20])
    """
    n = len(values)
    length, is_carried = _lengths(values, seasons, before)
    template = _state_template(network)
    arrays = [np.zeros((n, array.shape[1]), np.float32) for array in flatten_states(template)]
    out = np.full((n, h, len(LEVELS)), np.nan)
    for m in np.unique(seasons[length > 0]).tolist():
        for from_state in (False, True):
            rows = np.flatnonzero((seasons == m) & (length > 0) & (is_carried == from_state))
            rows = rows[np.argsort(length[rows], kind="stable")]
            for start in range(0, len(rows), BATCH_SERIES):
                batch = rows[start : start + BATCH_SERIES]
                states = None
                if before is not None and from_state:
                    states = unflatten_states([pack_state(array[batch]) for array in before.states], template)
                out[batch], after = _run(network, weights, values[batch], length[batch], h, m, states)
                for array, new in zip(arrays, flatten_states(after), strict=True):
                    array[batch] = unpack_state(new, len(batch))
    first = MAX_LENGTH + 1 + np.arange(n) % MAX_CARRIED
    limit = first if before is None else np.where(is_carried, before.limit, MAX_LENGTH + MAX_CARRIED)
    newest = values[:, -MAX_LENGTH - MAX_CARRIED :].copy()
    return out, NetworkState(length, seasons, limit, newest, tuple(arrays))


def _lengths(values: FloatArray, seasons: IntArray, before: NetworkState | None) -> tuple[IntArray, BoolArray]:
    """Return the values that the network reads of each series, and whether it goes on from the carried state."""
    anew = history_lengths(values[:, -MAX_LENGTH:])
    if before is None:
        return anew, np.zeros(len(values), bool)
    length = before.length + 1
    newest = values[:, -MAX_LENGTH - MAX_CARRIED :]
    is_read = np.arange(newest.shape[1]) >= newest.shape[1] - length[:, None]
    k = min(before.values.shape[1], newest.shape[1] - 1)
    past, known = newest[:, -1 - k : -1], before.values[:, before.values.shape[1] - k :]
    is_other = (past != known) & (np.isfinite(past) | np.isfinite(known)) & is_read[:, -1 - k : -1]
    is_carried = (before.length > 0) & (before.season == seasons) & (length <= before.limit)
    is_carried &= ~((is_read & (newest < 0)).any(axis=1) | is_other.any(axis=1))
    return np.where(is_carried, length, anew), is_carried


@cache
def _state_template(network: Network) -> list[State | None]:
    """Return states of one series, for their nesting and sizes."""
    body, _ = split_network(network, initial_weights(network, None), 1)
    return forward_from(*body, np.zeros((1, 1, network.shapes[0][-1] or 1, 1), np.float32))[1]


def _run(
    network: Network,
    weights: Weights,
    values: FloatArray,
    length: IntArray,
    h: int,
    m: int,
    states: list[State | None] | None,
) -> tuple[FloatArray, list[State | None]]:
    """Run the network over series of one season, or one step from states; return quantiles and the states after it."""
    n, n_blocks = len(values), blocks_read(h)
    n_more = (n_blocks - 1) * BLOCK
    y = to_lanes(values, length, n_more)
    L, end = padded_lanes(n), np.zeros(y.shape[1], np.int64)
    end[:n] = length - 1
    first = 0 if states is None else int(length.min()) - 1
    end[n:] = end[0]
    scale = SeriesScale.of(y)
    features = make_features(scale.transform(y), m, first)
    body, head = split_network(network, weights, 1)
    if states is None:
        T = len(y) - n_more
        mask = pack_mask(length_mask(end + 1, T), L)
        every, states = forward_from(*body, pack_time_major(features.inputs[:T], L), None, mask)
        outputs = _at(every, end)
    else:
        outputs, states = forward_from(*body, _inputs_at(features, end[None] - first, L), states)
    if n_more:
        steps = end + np.arange(1, n_more + 1)[:, None] - first
        following, _ = forward_from(*body, _inputs_at(features, steps, L), states)
        outputs = np.concatenate([outputs, following], axis=1)
    parts, series = [], np.arange(len(end))
    for k in range(n_blocks):
        at = Origins(end + k * BLOCK, series)
        forecast, _ = forward(*head, np.ascontiguousarray(outputs[:, k * BLOCK, None]), save_for_backward=False)
        parts.append(adjusted_block(forecast, features, at, first))
    support = features.support.at((end - first, series))
    out = support.nearest(scale.inverse(join_blocks(parts, features, Origins(end, series), h)))[..., :n]
    return np.asarray(out.transpose(2, 0, 1)), states


def _inputs_at(features: Features, steps: IntArray, L: int) -> Float32Array:
    """Return what the network reads at some steps of each series, (k, n) counted from the first of the features."""
    return pack_time_major(features.inputs[steps, :, np.arange(steps.shape[1])].transpose(0, 2, 1), L)


def _at(outputs: Float32Array, step: IntArray) -> Float32Array:
    """Return the outputs of each series at its own step, [nb, 1, F, L]."""
    L = outputs.shape[3]
    series = np.arange(len(step))
    part = outputs[series // L, step, :, series % L]
    return np.ascontiguousarray(part.reshape(-1, L, part.shape[1]).transpose(0, 2, 1)[:, None])
