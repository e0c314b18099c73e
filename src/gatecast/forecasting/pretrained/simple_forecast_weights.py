"""How much each simple forecast counts at the ends of series, in ranges of steps that all series share.

Shapes: n series, G groups of a block's steps, A simple forecasts.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from gatecast._utils.typing import FloatArray, IntArray
from gatecast.forecasting.base import SimpleForecastWeights
from gatecast.forecasting.pretrained.choice import Choice
from gatecast.forecasting.pretrained.hf import predict as hf
from gatecast.forecasting.pretrained.kinds import HF, LF, NetworkKind
from gatecast.forecasting.pretrained.lf import predict as lf
from gatecast.nn.network import Network, Weights

__all__ = ["simple_forecast_weights"]


class _Part(NamedTuple):
    """Weights of series of one network and season."""

    rows: IntArray
    kind: NetworkKind
    weights: FloatArray
    """(n, G, A)."""
    block: int
    """Steps of a block."""

    def range_of(self, k: int) -> tuple[int, int]:
        """Return the first and the last step of a group."""
        size = self.block / self.kind.head.groups
        return 1 + round(size * k), max(round(size * (k + 1)), 1 + round(size * k))

    def at(self, step: float) -> FloatArray:
        """Return the weights at a step, (n, A)."""
        groups = self.kind.head.groups
        return self.weights[:, min(int((step - 1) * groups / self.block), groups - 1)]


def simple_forecast_weights(
    values: FloatArray, choice: Choice, low: tuple[Network, Weights], high: tuple[Network, Weights]
) -> SimpleForecastWeights:
    """Return the weights; ranges of steps are those of the network and season that most series have.

    Args:
        values: Series aligned at their ends, (n, T), each with a value.
        choice: Network and seasons of each.
        low: The network of low frequency, as it is used.
        high: That of high frequency.
    """
    parts = [
        _high_part(high, values[rows], rows, m, long) if is_hf else _low_part(low, values[rows], rows, m)
        for rows, is_hf, m, long in choice.groups()
    ]
    largest = max(parts, key=lambda part: len(part.rows))
    ranges = [largest.range_of(k) for k in range(largest.kind.head.groups)]
    names = tuple(dict.fromkeys(name for part in [largest, *parts] for name in part.kind.anchors))
    weights = np.zeros((len(values), len(ranges), len(names)))
    for part in parts:
        columns = [names.index(name) for name in part.kind.anchors]
        for k, (first, last) in enumerate(ranges):
            weights[part.rows[:, None], k, columns] = part.at((first + last) / 2)
    first, last = np.array(ranges).T
    return SimpleForecastWeights(names, first, last, weights)


def _low_part(network: tuple[Network, Weights], values: FloatArray, rows: IntArray, m: int) -> _Part:
    """Return the weights of series of low frequency and one season."""
    return _Part(rows, LF, lf.predict_anchor_weights(*network, values, m), LF.head.block)


def _high_part(network: tuple[Network, Weights], values: FloatArray, rows: IntArray, m: int, long: int) -> _Part:
    """Return the weights of series of high frequency and one pair of seasons."""
    return _Part(rows, HF, hf.predict_anchor_weights(*network, values, m, long), hf.block_steps(m))
