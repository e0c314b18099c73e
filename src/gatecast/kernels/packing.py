"""Memory layout of the kernels: sequences side by side in lanes, and parameters in one flat vector.

Shapes: a batch of B sequences is [B, T, F] with T steps and F features. Packed it is float32, C-contiguous,
[nb, T, F, L]: sequence s sits in block ``s // L``, lane ``s % L``, and zeros fill the last of the nb blocks. Every
pointwise operation then vectorizes over lanes whatever F is, and no block depends on another one. L is LANES, or 1 for
up to SINGLE_SEQUENCE sequences: a block of 16 lanes of which 15 are padding would cost as much as a full one. The
outputs of a sequence have the same bits in both.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from math import prod
from typing import Any

import numpy as np
import numpy.typing as npt

from gatecast.errors import DataError

__all__ = [
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
    "unpack",
    "unpack_mask",
    "unpack_state",
]

Array = npt.NDArray[np.float32]
Params = dict[str, Array]

LANES = 16
"""Number of sequences in a block: one 512-bit vector, or two of 256 bits."""

SINGLE_SEQUENCE = 4
"""Largest batch whose sequences have a block each."""


def padded_lanes(n_sequences: int) -> int:
    """Return the number of lanes L for a batch.

    Args:
        n_sequences: Size of the batch B.

    Example:
        >>> padded_lanes(1), padded_lanes(5)
        (1, 16)
    """
    return 1 if n_sequences <= SINGLE_SEQUENCE else LANES


def blocks(n_sequences: int, L: int = LANES) -> int:
    """Return the number of blocks that hold a batch.

    Args:
        n_sequences: Size of the batch B.
        L: Number of lanes.

    Example:
        >>> blocks(1), blocks(16), blocks(17), blocks(3, 1)
        (1, 1, 2, 3)
    """
    return -(-n_sequences // L)


def pack(x: npt.ArrayLike, L: int | None = None) -> Array:
    """Pack sequences side by side into lanes, ``packed[s // L, t, f, s % L] = x[s, t, f]``.

    Args:
        x: Numbers, [B, T, F]; converted to float32. NaN stays NaN.
        L: Number of lanes, 1 or 16; None: `padded_lanes` of the batch.

    Returns:
        A float32 array, [nb, T, F, L], zero in the lanes behind the batch.

    Example:
        >>> packed = pack(np.arange(17.0).reshape(17, 1, 1))
        >>> packed.shape, packed[1, 0, 0, 0].item()
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


def unpack(packed: npt.NDArray[Any], n_sequences: int) -> npt.NDArray[Any]:
    """Unpack the first sequences from the lanes: the inverse of `pack`.

    Args:
        packed: Packed array, [nb, T, F, L].
        n_sequences: Size of the batch B, at most nb L.

    Returns:
        A C-contiguous array of the same type, [B, T, F].

    Example:
        >>> x = np.arange(6, dtype=np.float32).reshape(3, 2, 1)
        >>> bool((unpack(pack(x), 3) == x).all())
        True
    """
    nb, T, F, L = packed.shape
    rows = packed.transpose(0, 3, 1, 2).reshape(nb * L, T, F)
    return np.ascontiguousarray(rows[:n_sequences])


def pack_state(state: npt.ArrayLike, L: int | None = None) -> Array:
    """Pack a state, which has no time axis.

    Args:
        state: Numbers, [B, H].
        L: Number of lanes, 1 or 16; None: `padded_lanes` of the batch.

    Returns:
        A float32 array, [nb, H, L], zero in the lanes behind the batch.

    Example:
        >>> pack_state(np.ones((7, 5))).shape
        (1, 5, 16)
    """
    return pack(np.asarray(state)[:, None, :], L)[:, 0]


def unpack_state(packed: npt.NDArray[Any], n_sequences: int) -> npt.NDArray[Any]:
    """Unpack a state, which has no time axis: the inverse of `pack_state`.

    Args:
        packed: Packed state, [nb, H, L].
        n_sequences: Size of the batch B.

    Returns:
        The state, [B, H].

    Example:
        >>> unpack_state(pack_state(np.ones((3, 5))), 3).shape
        (3, 5)
    """
    state: npt.NDArray[Any] = unpack(packed[:, None], n_sequences)[:, 0]
    return state


def pack_mask(mask: npt.ArrayLike, L: int | None = None) -> Array:
    """Pack a mask.

    Args:
        mask: Steps to use, [B, T] bool.
        L: Number of lanes, 1 or 16; None: `padded_lanes` of the batch.

    Returns:
        A float32 array of 0 and 1, [nb, T, L], zero in the lanes behind the batch.

    Example:
        >>> pack_mask([[True, False]])[0, :, 0].tolist()
        [1.0, 0.0]
    """
    return pack(np.asarray(mask, dtype=bool)[:, :, None], L)[:, :, 0]


def length_mask(lengths: npt.ArrayLike, n_steps: int) -> npt.NDArray[np.bool_]:
    """Return the mask of sequences that are padded on the right.

    Args:
        lengths: Number of steps of each sequence, [B], integers from 0 to `n_steps`.
        n_steps: Number of steps T, padding included.

    Returns:
        A bool array for `pack_mask`, [B, T]: True for the first ``lengths[s]`` steps of sequence s.

    Raises:
        DataError: If a length is not an integer from 0 to `n_steps`.

    Example:
        >>> length_mask([1, 3], 3).tolist()
        [[True, False, False], [True, True, True]]
    """
    sizes = np.asarray(lengths)
    integers = sizes.ndim == 1 and sizes.dtype.kind in "iu"
    if not integers or (sizes.size and not 0 <= sizes.min() <= sizes.max() <= n_steps):
        raise DataError("Invalid lengths", got=str(lengths), expected=f"integers from 0 to {n_steps}")
    return np.arange(n_steps) < sizes[:, None]


def unpack_mask(packed: npt.NDArray[Any], n_sequences: int) -> npt.NDArray[np.bool_]:
    """Unpack a mask: the inverse of `pack_mask`.

    Args:
        packed: Packed mask, [nb, T, L].
        n_sequences: Size of the batch B.

    Returns:
        A bool array, [B, T].

    Example:
        >>> unpack_mask(pack_mask([[True, False]]), 1).tolist()
        [[True, False]]
    """
    mask: npt.NDArray[np.bool_] = unpack(packed[:, :, None], n_sequences)[:, :, 0] != 0
    return mask


def flat_views(
    shapes: Iterable[Mapping[str, tuple[int, ...]]],
) -> tuple[Array, tuple[dict[str, Array], ...]]:
    """Allocate one flat vector of zeros for all parameters, with named views into it for each layer.

    Writing to a view writes to the vector, so that an optimizer updates one array whatever the network is.

    Args:
        shapes: For each layer, the shape of each parameter by name.

    Returns:
        The float32 vector, and for each layer a dict of views.

    Example:
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
        layer_views: dict[str, Array] = {}
        for name, shape in layer.items():
            stop = start + prod(shape)
            layer_views[name] = vector[start:stop].reshape(shape)
            start = stop
        views.append(layer_views)
    return vector, tuple(views)
