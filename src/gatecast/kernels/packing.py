"""The one memory layout of the engine: sequences side by side in lanes, and parameters in one flat vector.

Letters: B batch (sequences), T time, F features, H hidden, G gates, nb blocks of L sequences.

A packed array is float32, C-contiguous, ``[block, time, feature, lane]``: sequence s sits in block ``s // L``,
lane ``s % L``. The last block is padded with zeros. Every pointwise operation then vectorises over lanes whatever
F is, and a block never touches another block. L is LANES, or 1 for up to ALONE sequences: a block of 16 lanes of
which 15 are padding would cost as much as a full one. The outputs of a sequence have the same bits in both.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from math import prod
from typing import Any

import numpy as np
import numpy.typing as npt

from gatecast.errors import DataError

__all__ = [
    "GATES",
    "LANES",
    "SINGLE_SEQUENCE",
    "Array",
    "Params",
    "blocks",
    "flat_views",
    "length_mask",
    "pack",
    "pack_mask",
    "pack_state",
    "padded_lanes",
    "reorder_gates",
    "unpack",
    "unpack_mask",
    "unpack_state",
]

Array = npt.NDArray[np.float32]
Params = dict[str, Array]

LANES = 16
"""Sequences in a block: one 512-bit vector, or two of 256 bits."""

SINGLE_SEQUENCE = 4
"""Up to so many sequences lie in blocks of their own."""

GATES = ("i", "f", "o", "g")
"""Order of the gate columns everywhere: input, forget, output, candidate."""


def padded_lanes(count: int) -> int:
    """L for a batch of `count` sequences.

    >>> padded_lanes(1), padded_lanes(5)
    (1, 16)
    """
    return 1 if count <= SINGLE_SEQUENCE else LANES


def blocks(count: int, L: int = LANES) -> int:
    """Number of blocks of L lanes that hold `count` sequences.

    >>> blocks(1), blocks(16), blocks(17), blocks(3, 1)
    (1, 1, 2, 3)
    """
    return -(-count // L)


def pack(x: npt.ArrayLike, L: int | None = None) -> Array:
    """Lay sequences side by side in lanes.

    ``packed[s // L, t, f, s % L] = x[s, t, f]``

    Args:
        x: (B, T, F) numbers; converted to float32. NaN is kept.
        L: 1 or 16; None: what suits the batch, `lanes`.

    Returns:
        (nb, T, F, L) float32, zero in the lanes beyond B.

    >>> packed = pack(np.arange(17.0).reshape(17, 1, 1))
    >>> packed.shape, float(packed[1, 0, 0, 0])
    ((2, 1, 1, 16), 16.0)
    """
    rows = np.asarray(x)
    B, T, F = rows.shape
    L = L or padded_lanes(B)
    if L == 1:
        return rows.astype(np.float32, order="C")[..., None]
    full = B // L
    packed = np.empty((blocks(B, L), T, F, L), np.float32)
    packed[:full] = rows[: full * L].reshape(full, L, T, F).transpose(0, 2, 3, 1)
    if full < len(packed):
        packed[full] = 0.0
        packed[full, :, :, : B - full * L] = rows[full * L :].transpose(1, 2, 0)
    return packed


def unpack(packed: npt.NDArray[Any], count: int) -> npt.NDArray[Any]:
    """Take the first `count` sequences out of the lanes: the inverse of `pack`.

    Args:
        packed: (nb, T, F, L).
        count: B, at most L * nb.

    Returns:
        (B, T, F), C-contiguous, of the same type.

    >>> x = np.arange(6, dtype=np.float32).reshape(3, 2, 1)
    >>> bool((unpack(pack(x), 3) == x).all())
    True
    """
    nb, T, F, L = packed.shape
    rows = packed.transpose(0, 3, 1, 2).reshape(nb * L, T, F)
    return np.ascontiguousarray(rows[:count])


def pack_state(state: npt.ArrayLike, L: int | None = None) -> Array:
    """Pack a state without time axis: (B, H) -> (nb, H, L), zero in the lanes beyond B.

    >>> pack_state(np.ones((7, 5))).shape
    (1, 5, 16)
    """
    return pack(np.asarray(state)[:, None, :], L)[:, 0]


def unpack_state(packed: npt.NDArray[Any], count: int) -> npt.NDArray[Any]:
    """Unpack a state without time axis: (nb, H, L) -> (B, H).

    >>> unpack_state(pack_state(np.ones((3, 5))), 3).shape
    (3, 5)
    """
    state: npt.NDArray[Any] = unpack(packed[:, None], count)[:, 0]
    return state


def pack_mask(mask: npt.ArrayLike, L: int | None = None) -> Array:
    """Pack a mask: (B, T) bool -> (nb, T, L) float32 of 0 and 1, zero in the lanes beyond B.

    >>> pack_mask([[True, False]])[0, :, 0].tolist()
    [1.0, 0.0]
    """
    return pack(np.asarray(mask, dtype=bool)[:, :, None], L)[:, :, 0]


def length_mask(lengths: npt.ArrayLike, T: int) -> npt.NDArray[np.bool_]:
    """Mask of sequences that are padded on the right: True for the first `lengths[s]` steps of sequence s.

    Args:
        lengths: (B,) whole numbers from 0 to T.
        T: Steps, padding included.

    Returns:
        (B, T) bool, as `pack_mask` takes it.

    Raises:
        DataError: A length that is not a whole number from 0 to T.

    >>> length_mask([1, 3], 3).tolist()
    [[True, False, False], [True, True, True]]
    """
    steps = np.asarray(lengths)
    if steps.ndim != 1 or steps.dtype.kind not in "iu" or (steps.size and not 0 <= steps.min() <= steps.max() <= T):
        raise DataError("these are not lengths", got=str(lengths), expected=f"whole numbers from 0 to {T}")
    return np.arange(T) < steps[:, None]


def unpack_mask(packed: npt.NDArray[Any], count: int) -> npt.NDArray[np.bool_]:
    """Unpack a mask: (nb, T, L) -> (B, T) bool.

    >>> unpack_mask(pack_mask([[True, False]]), 1).tolist()
    [[True, False]]
    """
    mask: npt.NDArray[np.bool_] = unpack(packed[:, :, None], count)[:, :, 0] != 0
    return mask


def reorder_gates(
    array: npt.NDArray[Any], source: Sequence[str], target: Sequence[str], axis: int = -1
) -> npt.NDArray[Any]:
    """Bring the gate columns of a weight from one convention into another.

    gatecast: i f o g; Keras: i f g o; PyTorch: i f g o along axis 0. The only place where gates change order.

    Args:
        array: len(source) * H entries along `axis`.
        source: Gates in the order in which they stand.
        target: The same gates in the order wanted.
        axis: The axis along which gates are laid out.

    Returns:
        A contiguous copy with the gates in the order of `target`.

    >>> reorder_gates(np.array([1, 2, 3, 4]), GATES, "ifgo").tolist()
    [1, 2, 4, 3]
    """
    parts = np.split(array, len(source), axis=axis)
    return np.concatenate([parts[list(source).index(gate)] for gate in target], axis=axis)


def flat_views(
    shapes: Iterable[Mapping[str, tuple[int, ...]]],
) -> tuple[Array, tuple[dict[str, Array], ...]]:
    """One flat vector of zeros and, for each layer, named views into it.

    Whoever writes through a view writes the vector, so an optimiser sees one array whatever the network is.

    Args:
        shapes: For each layer, the shape of each of its parameters.

    Returns:
        The float32 vector, and a dict of views for each layer, in the order given.

    >>> vector, (layer,) = flat_views([{"W": (2, 3), "b": (3,)}])
    >>> layer["b"][:] = 7.0
    >>> vector.tolist()
    [0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 7.0, 7.0, 7.0]
    """
    layout = [dict(layer) for layer in shapes]
    vector = np.zeros(sum(prod(shape) for layer in layout for shape in layer.values()), np.float32)
    views: list[dict[str, Array]] = []
    start = 0
    for layer in layout:
        named: dict[str, Array] = {}
        for name, shape in layer.items():
            stop = start + prod(shape)
            named[name] = vector[start:stop].reshape(shape)
            start = stop
        views.append(named)
    return vector, tuple(views)
