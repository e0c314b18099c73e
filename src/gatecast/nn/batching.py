"""Samples into packed batches, many at a time, so that a training step spends no time on them.

Letters: N samples, B batch, T time, F features, M outputs, nb blocks of L lanes.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from gatecast.kernels.packing import LANES, Array, blocks, pack, pack_mask, padded_lanes
from gatecast.nn.inputs import TrainingData

__all__ = ["Batch", "inference_batch_size", "make_batches"]

CHUNK_VALUES = 2**20
"""Input values packed at once: 4 MiB, enough to make the cost of a NumPy call vanish."""

LARGE_BATCH_STEPS = 2**15
"""Samples times steps of a batch without gradients: wide enough for all threads, small in memory."""


class Batch(NamedTuple):
    """Packed samples."""

    x: Array
    """(nb, T, F, L)."""
    y: Array
    """(nb, T or 1, M, L)."""
    weight: Array
    """(nb, T or 1, 1 or M, L); 0 in padding lanes."""
    mask: Array | None
    """(nb, T, L) of 0 and 1, or None."""
    total: float
    """Sum of the weights."""
    n_sequences: int | None = None
    """Number of samples; the lanes beyond are padding. None: every lane is a sample."""
    source: Any = None
    """What the batch was made from: `train_steps` passes it to `on_gradient`, unread."""


def make_batches(samples: TrainingData, order: npt.NDArray[np.intp], batch_size: int) -> Iterator[Batch]:
    """Cut samples into batches, in a given order; the last one may be smaller.

    Args:
        samples: N of them.
        order: Indices of the samples wanted.
        batch_size: B.

    Yields:
        Batches; they are views, not to be written.

    >>> samples = TrainingData(np.ones((5, 1, 1), np.float32), np.ones((5, 1, 1), np.float32))
    >>> [batch.total for batch in make_batches(samples, np.arange(5), batch_size=2)]
    [2.0, 2.0, 1.0]
    """
    L = padded_lanes(batch_size)
    values = blocks(batch_size, L) * L * samples.x[0].size
    step = batch_size * max(1, CHUNK_VALUES // values)
    for start in range(0, len(order), step):
        yield from _chunk(samples, order[start : start + step], batch_size)


def inference_batch_size(steps: int) -> int:
    """Batch size for passes without gradients over sequences of a length.

    >>> inference_batch_size(24), inference_batch_size(10**6)
    (1360, 16)
    """
    return min(4096, max(LANES, LARGE_BATCH_STEPS // steps // LANES * LANES))


def _chunk(samples: TrainingData, part: npt.NDArray[np.intp], batch_size: int) -> Iterator[Batch]:
    """Batches of one chunk: gathered and packed in one go, then cut."""
    L = padded_lanes(batch_size)
    nb = blocks(batch_size, L)
    k = np.arange(len(part))
    # Batches start on a block; the lanes between them stay zero, and so does their weight.
    slots = k // batch_size * (nb * L) + k % batch_size
    rows = slots[-1] + 1
    x = pack(_spread(samples.x[part], slots, rows), L)
    y = pack(_spread(samples.y[part], slots, rows), L)
    weight = pack(_spread(_weights(samples, part), slots, rows), L)
    mask = None if samples.mask is None else pack_mask(_spread(samples.mask[part], slots, rows), L)
    for start in range(0, len(x), nb):
        cut = slice(start, start + nb)
        w = weight[cut]
        n_sequences = min(batch_size, len(part) - start // nb * batch_size)
        total = float(w.sum(dtype=np.float64))
        yield Batch(x[cut], y[cut], w, None if mask is None else mask[cut], total, n_sequences)


def _spread(values: npt.NDArray[np.generic], slots: npt.NDArray[np.intp], rows: int) -> npt.NDArray[np.generic]:
    """Put samples into their slots, with zeros between."""
    if rows == len(values):
        return values
    spread = np.zeros((rows, *values.shape[1:]), values.dtype)
    spread[slots] = values
    return spread


def _weights(samples: TrainingData, part: npt.NDArray[np.intp]) -> Array:
    """Weights of a chunk, (n, T, 1 or M)."""
    if samples.weight is None:
        return np.ones((len(part), samples.y.shape[1], 1), np.float32)
    weight = samples.weight[part]
    return weight if weight.ndim == 3 else weight[:, :, None]
