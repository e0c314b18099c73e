"""Frames: matrices aligned on the right, seasonal indices that are shown by the data alone, and the way back."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from gatecast.data.panel_builder import build_panel
from gatecast.data.season_calendar import SeasonCalendar
from gatecast.forecasting.scaling import SeriesScaler, forward_fill, has_logarithm, to_matrix, without_zeros


def test_series_end_in_the_last_column():
    panel, _ = build_panel([1, 2, 3, 2, 3, 5], [5.0, 6.0, 7.0, 1.0, 2.0, 4.0], list("aaabbb"))
    expected = [[np.nan, 5, 6, 7], [1, 2, np.nan, 4]]
    np.testing.assert_array_equal(to_matrix(panel), expected)
    np.testing.assert_array_equal(to_matrix(panel, n_columns=2), [row[-2:] for row in expected])
    assert to_matrix(panel.take([])).shape == (0, 0)


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


def yearly(last, n, days=1):
    """Values that are the place in the year, and the calendar of the series."""
    calendar = SeasonCalendar(np.array([last], "M8[D]"), days)
    places = calendar.places(np.arange(-n, 0))
    return 100.0 + 10.0 * (places % 50 < 5), calendar


@pytest.mark.parametrize(("last", "n", "days", "m"), [("2024-03-20", 1500, 1, 365), ("2021-01-10", 420, 7, 52)])
def test_yearly_indices_are_those_of_the_dates(last, n, days, m):
    values, calendar = yearly(last, n, days)
    scaler = SeriesScaler.fit(values, m, calendar)
    future = calendar.places(np.arange(40))
    shape = np.where(future % 50 < 5, 110.0, 100.0)
    indices = scaler.season(np.arange(40))
    np.testing.assert_allclose(indices / indices.min(), shape / 100, rtol=0.02)
    np.testing.assert_allclose(np.ptp(scaler.transform(values)), 0, atol=0.03)
    counted = SeriesScaler.fit(values, m).season(np.arange(40))
    assert np.abs(counted / counted.min() - shape / 100).max() > 0.05


def test_yearly_scaler_restores_what_it_transforms_at_any_origin():
    values, calendar = yearly("2024-03-20", 1500)
    scaler = SeriesScaler.fit(values, 365, calendar)
    z = scaler.transform(values)
    np.testing.assert_allclose(scaler.earlier(1500).inverse_transform(z), values)
    offsets = np.array([30, 10])
    both = SeriesScaler.at_offsets(scaler, offsets)
    steps = np.concatenate([z[:, -offset : -offset + 10 or None] for offset in offsets.tolist()])
    expected = np.concatenate([values[:, -offset : -offset + 10 or None] for offset in offsets.tolist()])
    np.testing.assert_allclose(both.inverse_transform(steps), expected)
    step = scaler.at_step(3)
    np.testing.assert_allclose(step.inverse_transform(np.zeros((1, 1)))[0], scaler.season(np.array([3]))[0])


@given(st.integers(2, 6), st.integers(12, 40), st.integers(0, 12), st.integers(0, 5))
def test_scaler_without_a_calendar_counts_steps_from_the_end(m, T, offset, step):
    rng = np.random.default_rng(0)
    scaler = SeriesScaler.fit(100 + np.tile(rng.normal(0, 9, m), T)[None, -T:], m)
    k = np.arange(-T, T)
    assert (scaler.season(k) == scaler.seasonal[:, k % m]).all()
    assert (scaler.earlier(offset).season(k) == scaler.season(k - offset)).all()
    assert scaler.at_step(step).seasonal.tolist() == [[scaler.seasonal[0, step % m]]]


def test_scaler_of_values_of_both_signs_is_the_asinh_in_units_of_their_mean_size():
    y = np.array([[-3.0, np.nan, 4.0, 0.5], [0.0, 0.0, 0.0, 0.0], [np.nan] * 4, [np.nan, np.nan, -5.0, np.nan]])
    scaler = SeriesScaler.fit(y, 1)
    assert scaler.unit.tolist() == [2.5, 1.0, 1.0, 5.0]
    np.testing.assert_allclose(scaler.transform(y), np.arcsinh(y / scaler.unit[:, None]))
    np.testing.assert_allclose(scaler.inverse_transform(np.arcsinh([[2.0]] * 4)), [[5.0], [2.0], [2.0], [10.0]])


def test_scaler_restores_up_to_the_largest_exponent_and_stays_finite_beyond():
    y = np.array([[1.0, 2.0], [-1.0, 1.0]])
    restored = SeriesScaler.fit(y, 1).inverse_transform(np.array([[699.75, 1e6], [699.75, -1e6]]))
    np.testing.assert_allclose(restored[:, 0], [np.exp(699.75), np.exp(699.75) / 2], rtol=1e-12)
    assert np.isfinite(restored).all()
    assert restored[0, 1] > restored[0, 0]
    assert restored[1, 1] < -restored[1, 0]


def test_scaler_takes_quantiles_of_each_step_by_the_season_of_the_step():
    y = np.stack([np.tile([10.0, 20.0, 30.0], 12), np.tile([-10.0, 0.0, 10.0], 12)])
    scaler = SeriesScaler.fit(y, 3)
    z = scaler.transform(y)[:, -3:]
    quantiles = scaler.inverse_transform(np.stack([z - 0.5, z, z + 0.5], axis=-1))
    np.testing.assert_allclose(quantiles[..., 1], y[:, :3], atol=1e-9)
    for k in (0, 2):
        np.testing.assert_allclose(quantiles[..., k], scaler.inverse_transform(z + (k - 1) / 2))


@pytest.mark.parametrize(("n_others", "expected"), [(0, True), (2, True), (3, False)])
def test_has_logarithm_allows_one_value_in_fifty(n_others, expected):
    y = np.r_[np.full(100 - n_others, 3.0), np.full(n_others, -0.5), np.full(40, np.nan)]
    assert has_logarithm(y[None]).tolist() == [expected]


def test_without_zeros_keeps_what_has_a_logarithm():
    y = np.array([[0.5, -1.0, 0.0, np.nan]])
    np.testing.assert_array_equal(without_zeros(y, np.array([True])), [[0.5, np.nan, np.nan, np.nan]])
    np.testing.assert_array_equal(without_zeros(y, np.array([False])), y)
