"""The packed layout: unpacking inverts packing, and padding is zero."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatecast.errors import DataError
from gatecast.kernels.packing import (
    LANES,
    blocks,
    flat_views,
    length_mask,
    pack,
    pack_mask,
    pack_state,
    padded_lanes,
    unpack,
    unpack_mask,
    unpack_state,
)

sizes = st.tuples(st.integers(1, 40), st.integers(1, 4), st.integers(1, 4))


def numbered(*shape: int) -> np.ndarray:
    """Return an array whose entries are all different."""
    return np.arange(1, np.prod(shape) + 1, dtype=np.float32).reshape(shape)


@given(sizes)
def test_unpack_inverts_pack(shape):
    x = numbered(*shape)
    packed = pack(x)
    L = padded_lanes(shape[0])
    assert packed.shape == (blocks(shape[0], L), *shape[1:], L)
    assert packed.dtype == np.float32
    assert packed.flags.c_contiguous
    np.testing.assert_array_equal(unpack(packed, shape[0]), x)


@given(sizes)
def test_pack_puts_each_sequence_into_its_block_and_lane(shape):
    x = numbered(*shape)
    packed = pack(x)
    for s in range(shape[0]):
        L = packed.shape[-1]
        np.testing.assert_array_equal(packed[s // L, :, :, s % L], x[s])


@given(sizes)
def test_pack_fills_lanes_behind_the_batch_with_zeros(shape):
    packed = pack(numbered(*shape))
    everything = unpack(packed, packed.shape[0] * packed.shape[-1])
    assert not everything[shape[0] :].any()


@given(st.integers(1, 40), st.integers(1, 5))
def test_states_and_masks_round_trip(count, width):
    state = numbered(count, width)
    mask = numbered(count, width) % 3 != 0
    np.testing.assert_array_equal(unpack_state(pack_state(state), count), state)
    np.testing.assert_array_equal(unpack_mask(pack_mask(mask), count), mask)
    for L in (1, LANES):
        assert pack_state(state, L).shape == (blocks(count, L), width, L)
    assert set(np.unique(pack_mask(mask))) <= {0.0, 1.0}


def test_pack_converts_lists_and_strided_arrays():
    np.testing.assert_array_equal(pack([[[1], [2]]]), pack(np.array([[[1.0], [2.0]]])))
    strided = numbered(20, 6, 4)[::2, ::3, ::-1]
    np.testing.assert_array_equal(unpack(pack(strided), 10), strided)


def test_pack_leaves_nan_at_its_position():
    x = numbered(3, 2, 1)
    x[1, 1, 0] = np.nan
    assert np.argwhere(np.isnan(unpack(pack(x), 3))).tolist() == [[1, 1, 0]]


def test_flat_views_cover_the_vector_without_overlap():
    vector, views = flat_views([{"W": (2, 3), "b": (3,)}, {}, {"W": (3, 1)}])
    for k, array in enumerate(a for layer in views for a in layer.values()):
        array += k + 1
    assert vector.tolist() == [1.0] * 6 + [2.0] * 3 + [3.0] * 3
    assert all(np.shares_memory(a, vector) and a.flags.c_contiguous for layer in views for a in layer.values())


@pytest.mark.parametrize("lengths", [[6], [-1], [1.5], [[1]]])
def test_length_mask_of_impossible_lengths_raises_data_error(lengths):
    with pytest.raises(DataError, match=r"lengths: got .*, expected integers from 0 to 5"):
        length_mask(lengths, 5)
