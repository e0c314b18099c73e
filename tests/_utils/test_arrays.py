"""Operations on long arrays."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from gatecast._utils.arrays import accumulate, is_increasing, row_medians, run_heads, sorted_unique


@given(arrays(np.int64, st.integers(0, 30), elements=st.integers(-5, 5)))
def test_sorted_unique_equals_numpy(values):
    assert sorted_unique(values).tolist() == np.unique(values).tolist()


@pytest.mark.parametrize("dtype", ["M8[us]", "M8[D]", "float64"])
def test_sorted_unique_keeps_the_type(dtype):
    values = np.array([3, 1, 1, 2]).astype(dtype)
    assert sorted_unique(values).dtype == values.dtype
    assert sorted_unique(values).tolist() == np.unique(values).tolist()


def test_is_increasing_of_short_arrays_holds():
    assert is_increasing(np.array([], int))
    assert is_increasing(np.array([7]))


def test_run_heads_of_an_empty_array_is_empty():
    assert run_heads(np.array([], int)).tolist() == []


@pytest.mark.parametrize("ufunc", [np.add, np.maximum, np.minimum, np.logical_or, np.logical_and])
@pytest.mark.parametrize("shape", [(0, 5), (1, 200), (40, 3), (40, 200), (7, 2, 100), (9,)])
@pytest.mark.parametrize("kind", [np.float64, np.float32, np.int64, np.bool_])
@pytest.mark.parametrize("dtype", [None, np.float64])
def test_accumulate_has_the_bits_and_the_type_of_numpy(ufunc, shape, kind, dtype, rng):
    if dtype is not None and ufunc in (np.logical_or, np.logical_and):
        dtype = None
    x = (rng.normal(size=shape) * 3).astype(kind)
    if kind in (np.float64, np.float32) and x.size > 50:
        x.ravel()[50] = np.nan
    expected = ufunc.accumulate(x, axis=0, dtype=dtype)
    got = accumulate(ufunc, x, dtype)
    assert got.dtype == expected.dtype
    np.testing.assert_array_equal(got, expected)


@pytest.mark.filterwarnings("ignore:All-NaN")
@given(
    arrays(
        np.float64,
        st.tuples(st.integers(0, 5), st.integers(0, 9)),
        elements=st.sampled_from([np.nan, -np.inf, -2.5, 0.0, 1.0, 3.25, np.inf]),
    )
)
def test_row_medians_equal_numpy(x):
    with np.errstate(all="ignore"):
        medians = row_medians(x)
        expected = np.array([np.nanmedian(row) if row.size else np.nan for row in x])
    np.testing.assert_array_equal(medians, expected)
