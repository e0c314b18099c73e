"""How simple forecasts have fared, as operators: `pretrained.hf.past_errors`, where all is explained.

Shapes: n series, A simple forecasts, N tokens, J steps of a block, G quarters of it.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from gatecast.forecasting.pretrained.hf.clock import TOKENS
from gatecast.forecasting.pretrained.hf.past_errors import (
    MIN_ERROR,
    N_COMPARED,
    NEWEST_BLOCKS,
    NEWEST_SHARE,
    QUARTERS,
    TRUST,
)
from gatecast.nn.onnx_files import operations as op
from gatecast.nn.onnx_files.builder import Value

__all__ = ["GraphPastErrors", "graph_past_errors"]


class GraphPastErrors(NamedTuple):
    """What past blocks say about the next one."""

    inputs: list[Value]
    """Logarithms of errors less the mean of the first ones, and it; of all, of the newest, [n, N, k] each."""
    logits: Value
    """[n, N, G, A] float32."""
    size: Value
    """[n, N]."""
    newest: Value
    """Newest errors: of a token ahead, a cycle ahead, of a whole block, [n, N, 3]."""


def graph_past_errors(simple: Value, seen: Value, known: Value) -> GraphPastErrors:
    """Measure simple forecasts against what followed.

    Args:
        simple: [n, A, N, J] float32, in units.
        seen: What followed, in the same units, [n, N, J] float32.
        known: 1 where it was observed, else 0, [n, N, J] float32.
    """
    quarters = op.reshape(simple, (0, 0, 0, QUARTERS, -1))
    counted, followed = (op.reshape(part, (0, 0, QUARTERS, -1)) for part in (known, seen))
    miss = op.absolute(op.expand_dims(followed, 1) - quarters) * op.expand_dims(counted, 1)
    error = op.cast(op.total(miss, 4), np.float64)
    weight = op.expand_dims(op.total(op.cast(counted, np.float64), 3), 1)
    total, count = (_delayed(op.cumsum(part, 2), 4, 2, TOKENS) for part in (error, weight))
    newest, newest_count = (part - _delayed(part, 4, 2, NEWEST_BLOCKS) for part in (total, count))
    of_all, of_newest = _log_mean(total, count), _log_mean(newest, newest_count)
    mixed = (1 - NEWEST_SHARE) * of_all + NEWEST_SHARE * of_newest
    logits = -TRUST * mixed
    shares = op.exp(logits - op.reduce_max(logits, 1, keepdims=True))
    shares = shares / op.total(shares, 1, keepdims=True)
    size = op.reduce_mean(op.exp(op.total(shares * mixed, 1)), 2)
    prior = op.cast(logits - op.reduce_mean(logits, 1, keepdims=True), np.float32)
    mean = op.total(quarters * op.expand_dims(op.cast(shares, np.float32), 4), 1)
    signed = _signed((followed - mean) * counted)
    inputs = [*_relative(of_all), *_relative(of_newest)]
    return GraphPastErrors(inputs, op.transpose(prior, (0, 2, 3, 1)), op.maximum(size, MIN_ERROR), signed)


def _delayed(x: Value, rank: int, axis: int, k: int) -> Value:
    """Return what stood k places before along an axis, 0 in front."""
    return op.slice_of(op.pad(x, rank, axis, k, 0), axis, 0, op.size_of(x, axis))


def _log_mean(total: Value, count: Value) -> Value:
    """Return the logarithm of means; 0 where nothing is counted."""
    known = count > 0.5
    return op.log(op.maximum(total, 0) / op.where(known, count, 1) + MIN_ERROR) * op.cast(known, np.float64)


def _relative(error: Value) -> list[Value]:
    """Return logarithms of errors less the mean of the first ones, [n, N, A], and this mean, [n, N, 1]."""
    of_block = op.transpose(op.reduce_mean(error, 3), (0, 2, 1))
    centre = op.reduce_mean(op.slice_of(of_block, 2, 0, N_COMPARED), 2, keepdims=True)
    return [of_block - centre, centre]


def _signed(error: Value) -> Value:
    """Return newest errors of the weighted mean of simple forecasts, [n, N, 3]; 0 where not known."""
    of_token = op.reduce_mean(op.reshape(error, (0, 0, TOKENS, -1)), 3)
    of_block = op.reduce_mean(of_token, 2, keepdims=True)
    parts = ((op.slice_of(of_token, 2, 0, 1), 1), (op.slice_of(of_token, 2, -1), TOKENS), (of_block, TOKENS))
    return op.cast(op.concatenate([_delayed(part, 3, 1, k) for part, k in parts], 2), np.float64)
