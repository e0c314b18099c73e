"""Packed batches of samples. Many are packed at a time, so that a training step does not wait for them.

Shapes: N samples, B batch, T time, F features, M outputs, nb blocks of L lanes.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from gatecast._utils.typing import Float32Array
from gatecast.kernels.packing import LANES, blocks, pack, pack_mask, padded_lanes
from gatecast.nn.inputs import TrainingData

__all__ = ["Batch", "count_targets", "default_batch_size", "inference_batch_size", "make_batches"]

CHUNK_VALUES = 2**20
"""Input values to pack at a time: 4 MiB, enough to make the cost of a NumPy call negligible."""

INFERENCE_BATCH_STEPS = 2**15
"""Samples times steps of a batch without gradients: enough for all threads, small in memory."""


class Batch(NamedTuple):
    """A batch of packed samples."""

    x: Float32Array
    """(nb, T, F, L)."""
    y: Float32Array
    """(nb, T or 1, M, L)."""
    weight: Float32Array
    """(nb, T or 1, 1 or M, L); 0 in padding lanes."""
    mask: Float32Array | None
    """(nb, T, L) of 0 and 1, or None."""
    total: float
    """What the sum of the weighted losses is divided by: the sum of the weights, or the number of targets."""
    n_sequences: int | None = None
    """Number of samples; the lanes beyond are padding. None: every lane is a sample."""
    source: Any = None
    """What the batch was made from: `train_steps` passes it to `on_gradient`, unread."""
    valid: Float32Array | None = None
    """(nb, T or 1, 1 or M, L) of 0 and 1: targets whose steps the layers do not mask; None: all."""
    plain_weight: Float32Array | None = None
    """What `weight` was before steps were masked, for metrics; None: `weight`."""
    loss_count: float | None = None
    """What the mean loss counts among those of other batches; None: `total`."""


def make_batches(samples: TrainingData, order: npt.NDArray[np.intp], batch_size: int) -> Iterator[Batch]:
    """Yield batches of samples; the last one may be smaller.

    Args:
        samples: N samples.
        order: Indices of the samples to use, in order.
        batch_size: B, samples per batch.

    Yields:
        Batches, which are read-only views.

    >>> samples = TrainingData(np.ones((5, 1, 1), np.float32), np.ones((5, 1, 1), np.float32))
    >>> [batch.total for batch in make_batches(samples, np.arange(5), batch_size=2)]
    [2.0, 2.0, 1.0]
    """
    L = padded_lanes(batch_size)
    values = blocks(batch_size, L) * L * samples.x[0].size
    step = batch_size * max(1, CHUNK_VALUES // values)
    for start in range(0, len(order), step):
        yield from _chunk(samples, order[start : start + step], batch_size)


def count_targets(batch: Batch) -> Batch:
    """Return a batch whose loss is the mean over its targets, as in Keras: a weight scales a loss.

    With a mask, the targets of skipped steps do not count.

    >>> x, weight = np.ones((3, 1, 1), np.float32), np.float32([[0], [1], [5]])
    >>> (batch,) = make_batches(TrainingData(x, x, weight), np.arange(3), batch_size=3)
    >>> batch.total, count_targets(batch).total
    (6.0, 3.0)
    """
    n_steps = batch.y.shape[1]
    n_sequences = batch.n_sequences if batch.n_sequences is not None else batch.x.shape[0] * batch.x.shape[3]
    if batch.mask is None or n_steps != batch.x.shape[1] or n_steps == 1:
        return batch._replace(total=float(n_sequences * n_steps * batch.weight.shape[2]))
    return batch._replace(total=float(batch.mask.sum(dtype=np.float64)) * batch.weight.shape[2])


def default_batch_size(n_samples: int, n_batches: int | None = None) -> int:
    """Return the batch size of Keras where none is given: 32, or what divides the samples into so many batches.

    Args:
        n_samples: Number of samples.
        n_batches: Batches of an epoch; None: as many as there are.

    >>> default_batch_size(60), default_batch_size(60, 4)
    (32, 15)
    """
    return 32 if n_batches is None else max(1, -(-n_samples // n_batches))


def inference_batch_size(n_steps: int) -> int:
    """Return the batch size for passes without gradients.

    Args:
        n_steps: Steps of each sequence.

    >>> inference_batch_size(24), inference_batch_size(10**6)
    (1360, 16)
    """
    return min(4096, max(LANES, INFERENCE_BATCH_STEPS // n_steps // LANES * LANES))


def _chunk(samples: TrainingData, indices: npt.NDArray[np.intp], batch_size: int) -> Iterator[Batch]:
    """Yield the batches of a chunk, which is gathered and packed at once."""
    L = padded_lanes(batch_size)
    nb = blocks(batch_size, L)
    k = np.arange(len(indices))
    # A batch starts on a block. The lanes between batches stay zero, and so does their weight.
    slots = k // batch_size * (nb * L) + k % batch_size
    n_slots = slots[-1] + 1
    x = pack(_scatter(samples.x[indices], slots, n_slots), L)
    y = pack(_scatter(samples.y[indices], slots, n_slots), L)
    weight = pack(_scatter(_weights(samples, indices), slots, n_slots), L)
    mask = None if samples.mask is None else pack_mask(_scatter(samples.mask[indices], slots, n_slots), L)
    for start in range(0, len(x), nb):
        rows = slice(start, start + nb)
        w = weight[rows]
        n_sequences = min(batch_size, len(indices) - start // nb * batch_size)
        total = float(w.sum(dtype=np.float64))
        yield Batch(x[rows], y[rows], w, None if mask is None else mask[rows], total, n_sequences)


def _scatter(values: npt.NDArray[np.generic], slots: npt.NDArray[np.intp], n_slots: int) -> npt.NDArray[np.generic]:
    """Put samples into their slots, with zeros between them."""
    if n_slots == len(values):
        return values
    scattered = np.zeros((n_slots, *values.shape[1:]), values.dtype)
    scattered[slots] = values
    return scattered


def _weights(samples: TrainingData, indices: npt.NDArray[np.intp]) -> Float32Array:
    """Return the weights of samples, (n, T, 1 or M)."""
    if samples.weight is None:
        return np.ones((len(indices), samples.y.shape[1], 1), np.float32)
    weight = samples.weight[indices]
    return weight if weight.ndim == 3 else weight[:, :, None]
