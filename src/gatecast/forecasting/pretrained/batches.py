"""Batches for training: inputs, simple forecasts and targets of series, packed into lanes.

Shapes: n series, T origins, K tokens of S slots in a block, A simple forecasts, nb blocks of L lanes.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from gatecast._utils.typing import Float32Array, IntArray
from gatecast.forecasting.pretrained.head import Anchors
from gatecast.kernels.packing import LANES

__all__ = ["PackedBatch", "pack_time_major"]


class PackedBatch(NamedTuple):
    """Series as a network reads them in training."""

    x: Float32Array
    """[nb, T, n_inputs, L]."""
    anchors: Anchors
    """Simple forecasts."""
    y: Float32Array
    """[nb, T, K S, L]."""
    weight: Float32Array
    """[nb, T, K S, L]: how much a target counts, 0 where it is not known."""
    order: IntArray
    """(n,): which series is in which lane."""


def pack_time_major(x: npt.NDArray[Any], L: int = LANES) -> Float32Array:
    """Pack an array (T, F, n), with n a multiple of the lanes L, as [nb, T, F, L].

    >>> pack_time_major(np.zeros((5, 2, 32))).shape
    (2, 5, 2, 16)
    """
    T, F, n = x.shape
    return np.ascontiguousarray(x.reshape(T, F, n // L, L).transpose(2, 0, 1, 3), np.float32)
