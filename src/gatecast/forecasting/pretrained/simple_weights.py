"""How much each simple forecast counts at the ends of series, in ranges of steps that all series share.

Shapes: n series, G groups of a block's steps, A simple forecasts.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from gatecast._utils.typing import FloatArray, IntArray
from gatecast.forecasting.base import SimpleWeights
from gatecast.forecasting.pretrained.choice import Choice
from gatecast.forecasting.pretrained.hf import predict as hf
from gatecast.forecasting.pretrained.kinds import HF, LF, NetworkKind
from gatecast.forecasting.pretrained.lf import predict as lf
from gatecast.forecasting.pretrained.released import WEIGHTS, load_released
from gatecast.nn.network import Network, Weights

__all__ = ["simple_weights"]


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


def simple_weights(values: FloatArray, choice: Choice, low: tuple[Network, Weights]) -> SimpleWeights:
    """Return the weights; ranges of steps are those of the network and season that most series have.

    Args:
        values: Series aligned at their ends, (n, T), each with a value.
        choice: Network and seasons of each.
        low: The network of low frequency, as it is used.
    """
    parts = [_part(values[rows], rows, (m, long), None if is_hf else low) for rows, is_hf, m, long in choice.groups()]
    largest = max(parts, key=lambda part: len(part.rows))
    ranges = [largest.range_of(k) for k in range(largest.kind.head.groups)]
    names = tuple(dict.fromkeys(name for part in [largest, *parts] for name in part.kind.anchors))
    weights = np.zeros((len(values), len(ranges), len(names)))
    for part in parts:
        columns = [names.index(name) for name in part.kind.anchors]
        for k, (first, last) in enumerate(ranges):
            weights[part.rows[:, None], k, columns] = part.at((first + last) / 2)
    first, last = np.array(ranges).T
    return SimpleWeights(names, first, last, weights)


def _part(values: FloatArray, rows: IntArray, seasons: tuple[int, int], low: tuple[Network, Weights] | None) -> _Part:
    """Return the weights of series of one network and season; of high frequency without `low`."""
    m, long = seasons
    if low is not None:
        return _Part(rows, LF, lf.predict_anchor_weights(*low, values, m), LF.head.block)
    high = load_released(WEIGHTS["hf"])
    weights = hf.predict_anchor_weights(high.network, high.weights, values, m, long)
    return _Part(rows, HF, weights, hf.block_steps(m))
