"""Frames: matrices aligned on the right, seasonal indices that are shown by the data alone, and the way back."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from gatecast.data.panel_builder import build_panel
from gatecast.forecasting.scaling import SeriesScaler, forward_fill, to_matrix


def test_series_end_in_the_last_column():
    panel, _ = build_panel([1, 2, 3, 2, 3, 5], [5.0, 6.0, 7.0, 1.0, 2.0, 4.0], list("aaabbb"))
    expected = [[np.nan, 5, 6, 7], [1, 2, np.nan, 4]]
    np.testing.assert_array_equal(to_matrix(panel), expected)
    np.testing.assert_array_equal(to_matrix(panel, max_columns=2), [row[-2:] for row in expected])


@given(
    hnp.arrays(np.float64, hnp.array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=9), elements=st.floats(-9, 9)),
    st.data(),
)
def test_missing_values_are_carried_from_before_them(values, data):
    holes = data.draw(hnp.arrays(bool, values.shape))
    values[holes] = np.nan
    for row, said in zip(values, forward_fill(values), strict=True):
        last = next((v for v in row if np.isfinite(v)), 0.0)
        for value, filled in zip(row, said, strict=True):
            last = value if np.isfinite(value) else last
            assert filled == last


def seasonal(rng, m, n, additive=False):
    shape = rng.permutation(np.linspace(0.6, 1.4, m))
    t = np.arange(n)
    level = 100 + 0.2 * t
    y = level + 40 * (shape - 1)[t % m] if additive else level * shape[t % m]
    return y + rng.normal(0, 0.5, n), shape


def test_additive_indices_where_values_are_not_positive(rng):
    y, shape = seasonal(rng, 4, 80, additive=True)
    frame = SeriesScaler.fit(y[None] - 150, 4)
    assert not frame.positive[0]
    np.testing.assert_allclose(frame.seasonal[0], 40 * (shape - shape.mean()), atol=0.5)


@pytest.mark.parametrize("offset", [100.0, 0.0])
def test_there_and_back(rng, offset):
    y = np.stack([seasonal(rng, 4, 44)[0], seasonal(rng, 4, 44)[0] - 90]) + offset
    frame = SeriesScaler.fit(y[:, :40], 4)
    z = np.stack(
        [frame.transform(np.concatenate([y[:, :40], y[:, 40:]], axis=1)[:, 4 * k : 40 + 4 * k]) for k in (0, 1)]
    )
    np.testing.assert_allclose(frame.inverse_transform(z[1][:, -4:]), y[:, 40:], rtol=1e-9)


def test_what_comes_later_changes_nothing_before(rng):
    y, _ = seasonal(rng, 12, 96)
    poisoned = np.concatenate([y, [1e9] * 12])
    for a, b in zip(SeriesScaler.fit(y[None], 12), SeriesScaler.fit(poisoned[None, :-12], 12), strict=True):
        np.testing.assert_array_equal(a, b)
