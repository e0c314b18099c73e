"""Seasonal indices are those of the data as far as the data tell, and little of noise."""

import numpy as np
import pytest

from gatecast.data.season_calendar import SeasonCalendar
from gatecast.data.seasonal_strength import seasonal_strength
from gatecast.forecasting.seasonal_indices import classical_indices, common_indices, seasonal_indices

YES, NO = np.array([True]), np.array([False])


def seasonal(rng, m, n):
    shape = rng.permutation(np.linspace(0.6, 1.4, m))
    t = np.arange(n)
    level = 100 + 0.2 * t
    return level * shape[t % m] + rng.normal(0, 0.5, n), shape


@pytest.mark.parametrize("m", [4, 12])
@pytest.mark.parametrize("n", [60, 61, 67])
def test_indices_are_those_of_the_data_in_the_phase_of_the_steps_ahead(rng, m, n):
    y, shape = seasonal(rng, m, n)
    found = seasonal_indices(y[None], m, np.array([True]))[0]
    np.testing.assert_allclose(found, (shape / shape.mean())[(n + np.arange(m)) % m], rtol=0.02)


def test_indices_of_noise_are_small(rng):
    rows = rng.normal(100, 5, (500, 48))
    found = seasonal_indices(rows, 12, np.full(500, True))
    assert (found == 1).all(axis=1).mean() > 0.7
    assert np.sqrt(((found - 1) ** 2).mean()) < 0.25 * 0.05


def test_short_and_constant_series_have_no_indices():
    values = np.full((3, 48), np.nan)
    values[0, -20:] = np.tile([1.0, 9.0], 10)
    values[1] = 5.0
    assert (seasonal_indices(values, 12, np.full(3, True)) == 1).all()


def test_indices_are_shrunk_the_more_the_fewer_cycles_tell(rng):
    shape = 1 + 0.1 * np.sin(np.arange(12) * np.pi / 6)
    errors = {}
    for n_cycles in (3, 12):
        rows = 100 * np.tile(shape, n_cycles) + rng.normal(0, 15, (300, 12 * n_cycles))
        found = seasonal_indices(rows, 12, np.full(300, True))
        errors[n_cycles] = (found - 1) @ (shape - 1) / ((shape - 1) @ (shape - 1))
    assert 0.2 < errors[3].mean() < errors[12].mean() < 1.0


def test_one_outlier_does_not_move_an_index(rng):
    y, _ = seasonal(rng, 12, 120)
    spoilt = y.copy()
    spoilt[60] *= 5
    clean, found = (seasonal_indices(x[None], 12, YES)[0] for x in (y, spoilt))
    np.testing.assert_allclose(found, clean, rtol=0.03)


@pytest.mark.parametrize("m", [2, 3, 4, 7])
def test_indices_turn_with_the_end_of_the_series(m, rng):
    y = np.tile(rng.permutation(np.arange(1.0, m + 1)), 20)
    first = seasonal_indices(y[None], m, NO)[0]
    second = seasonal_indices(y[None, :-1], m, NO)[0]
    np.testing.assert_allclose(np.roll(second, -1), first, atol=1e-6)


def test_of_a_week_that_does_not_show_the_day_is_left(rng):
    day = np.tile(rng.permutation(np.linspace(50, 150, 24)), 60) + rng.normal(0, 40, 1440)
    both = seasonal_indices(day[None], 24 * 7, YES)[0]
    assert np.corrcoef(both[:24], both[24:48])[0, 1] > 0.8
    np.testing.assert_allclose(both, np.tile(seasonal_indices(day[None], 24, YES)[0], 7), atol=0.01)


def test_a_week_that_shows_differs_from_the_day(rng):
    week = np.repeat([1.0, 1.0, 1.0, 1.0, 1.0, 0.5, 0.4], 24) * np.tile(np.sin(np.arange(24) * np.pi / 12) + 2, 7)
    y = np.tile(week, 8) * 100 + rng.normal(0, 5, 168 * 8)
    np.testing.assert_allclose(seasonal_indices(y[None], 168, YES)[0], week / week.mean(), atol=0.05)


@pytest.mark.parametrize(("n_missing", "has_indices"), [(0, True), (1, False)])
def test_indices_need_two_seasons_of_values(n_missing, has_indices):
    year = 100 + 10 * np.random.default_rng(0).permutation(12)
    for before in (0, 12):
        y = np.r_[np.full(before, np.nan), np.tile(year, 2)]
        y[before : before + n_missing] = np.nan
        strength, limit = seasonal_strength(y[None], 12)
        assert strength[0] > limit[0]
        assert (seasonal_indices(y[None], 12, NO)[0] != 0).any() == has_indices


def test_factors_that_are_not_above_zero_are_none():
    y = np.tile([0.0, 10.0, 20.0, 30.0], 10)[None]
    assert seasonal_indices(y, 4, YES).tolist() == [[1.0] * 4]
    np.testing.assert_allclose(seasonal_indices(y + 1, 4, YES)[0], np.array([1, 11, 21, 31]) / 16)


def reference_indices(y, m, multiplicative):
    """Classical indices of one series and the variance of one, a value at a time."""
    half, T = m // 2, len(y)
    weights = np.r_[0.5, np.ones(m - 1), 0.5] if m % 2 == 0 else np.ones(m)
    by_phase = [[] for _ in range(m)]
    for t in range(half, T - half):
        center = (weights * y[t - half : t + half + 1]).sum() / m
        value = y[t] / center if multiplicative else y[t] - center
        if np.isfinite(value):
            by_phase[(t - T) % m].append(value)
    means = []
    for values in by_phase:
        drop = int(0.2 * len(values))
        means.append(np.mean(sorted(values)[drop : len(values) - drop]))
    indices = means / np.mean(means) if multiplicative else means - np.mean(means)
    deviations = np.concatenate([np.abs(np.array(v) - i) for v, i in zip(by_phase, indices, strict=True)])
    deviations = np.minimum(deviations, 5 * np.median(deviations))
    n = len(deviations)
    return indices, np.pi / 2 * (deviations**2).sum() / (n - m) * m / n


@pytest.mark.parametrize("multiplicative", [True, False])
@pytest.mark.parametrize(("m", "n"), [(2, 8), (2, 21), (4, 43), (5, 61), (12, 100)])
def test_classical_indices_are_trimmed_means_over_the_cycles(m, n, multiplicative, rng):
    y = 100 + 20 * rng.permutation(m)[np.arange(n) % m] / m + rng.normal(0, 5, n)
    y[n // 2] += 400
    y[n // 3] = np.nan
    indices, variance, is_known = classical_indices(y[None], m, np.array([multiplicative]))
    expected, noise = reference_indices(y, m, multiplicative)
    np.testing.assert_allclose(indices[0], expected, rtol=1e-9)
    np.testing.assert_allclose(variance, noise, rtol=1e-9)
    assert is_known.tolist() == [True]


@pytest.mark.parametrize("multiplicative", [True, False])
@pytest.mark.parametrize("m", [2, 4, 5, 12])
def test_indices_are_the_classical_ones_shrunk_by_their_noise(m, multiplicative, rng):
    y = 100 + 4 * rng.permutation(m)[np.arange(20 * m) % m] + rng.normal(0, 9, 20 * m)
    found = seasonal_indices(y[None], m, np.array([multiplicative]))[0]
    indices, variance = reference_indices(y, m, multiplicative)
    start = 1.0 if multiplicative else 0.0
    signal = max(((indices - start) ** 2).sum() / (m - 1) - variance, 0.0)
    weight = max((m - 3) / (m - 1), 1 / 3) * variance / (variance + signal)
    assert 0.001 < weight < 0.5
    np.testing.assert_allclose(found, start + (1 - weight) * (indices - start), rtol=1e-9)


@pytest.mark.parametrize(("m", "n"), [(1, 30), (12, 23), (168, 335)])
def test_indices_need_two_seasons(m, n):
    y = 100 + np.tile(np.arange(24.0), 14)[:n]
    found = seasonal_indices(np.stack([y, y]), m, np.array([True, False]))
    assert found.tolist() == [[1.0] * m, [0.0] * m]


@pytest.mark.parametrize("m", [2, 3, 7])
def test_common_indices_are_trimmed_means_where_they_differ_more_than_chance(m, rng):
    shape = np.r_[1.0, rng.normal(size=m - 2), 0.0]
    shape[-1] = -shape.sum()
    n_shown = 0
    for size in np.geomspace(0.003, 0.6, 120):
        rows = 1 + size * shape + rng.normal(0, 0.1, (10, m))
        ordered = np.sort(rows, axis=0)
        deviation = ordered[2:8].mean(axis=0) - 1
        rest = np.abs(rows - 1 - deviation)
        rest = np.minimum(rest, 5 * np.median(rest))
        noise = np.pi / 2 * (rest**2).sum() / (10 * m - m) * m / (10 * m)
        shown = (deviation**2).sum() > (m - 1 + 4 * np.sqrt(2 * (m - 1))) * noise
        signal = (deviation**2).sum() / (m - 1) - noise
        weight = max((m - 3) / (m - 1), 1 / 3) * noise / (noise + signal)
        np.testing.assert_allclose(common_indices(rows), 1 + shown * (1 - weight) * deviation, rtol=1e-9)
        n_shown += shown
    assert 30 < n_shown < 90


def test_indices_that_noise_explains_keep_what_is_left_of_three_phases(rng):
    """The weight of the start is (m - 3) / (m - 1) at most."""
    rows = rng.normal(100, 5, (400, 60))
    found = seasonal_indices(rows, 12, np.full(400, True))
    n_explained = 0
    for y, row in zip(rows, found, strict=True):
        if (row != 1).any():
            indices, variance = reference_indices(y, 12, True)
            signal = max(((indices - 1) ** 2).sum() / 11 - variance, 0.0)
            n_explained += signal == 0
            np.testing.assert_allclose(row - 1, (1 - 9 / 11 * variance / (variance + signal)) * (indices - 1))
    assert n_explained > 5


@pytest.mark.parametrize("days", [1, 7])
def test_classical_indices_of_dates_are_those_of_their_places(days, rng):
    m, n = (365, 1600) if days == 1 else (52, 330)
    calendar = SeasonCalendar(np.array(["2024-05-20"], "M8[D]"), days)
    y = 100 + rng.normal(0, 5, n)
    places = calendar.places(np.arange(-n, 0))[0]
    half = m // 2
    weights = np.ones(m) if m % 2 else np.r_[0.5, np.ones(m - 1), 0.5]
    by_place = [[] for _ in range(m)]
    for t in range(half, n - half):
        by_place[places[t]].append(y[t] / ((weights * y[t - half : t + half + 1]).sum() / m))
    means = []
    for values in by_place:
        drop = int(0.2 * len(values))
        means.append(np.mean(sorted(values)[drop : len(values) - drop]))
    indices, _, is_known = classical_indices(y[None], m, YES, calendar)
    assert is_known.all()
    assert max(map(len, by_place)) > min(map(len, by_place))
    np.testing.assert_allclose(indices[0], means / np.mean(means), rtol=1e-9)
