"""The one test of a season finds seasons next to trends and outliers, and little else."""

import numpy as np
import pytest

from gatecast.data.seasonal_strength import centered_deviations, remove_lines, seasonal_strength
from gatecast.data.seasonality import moving_average

N = 200


def found(rows, m=12):
    """Return the share of series that show a season."""
    strength, limit = seasonal_strength(rows, m)
    return np.mean(strength > limit)


@pytest.mark.parametrize("kind", ["slope", "three cycles", "growth", "outlier"])
def test_seasonal_strength_finds_a_season_next_to_other_movements(kind, rng):
    n = 36 if kind == "three cycles" else 60
    t = np.arange(n)
    season, noise = 10 * np.sin(np.pi * t / 6), rng.normal(size=(N, n))
    rows = {
        "slope": 3 * t + season + noise,
        "three cycles": season + noise,
        "growth": 100 * 1.02**t * (1 + season / 100) + noise,
        "outlier": 30 + season + noise + 120.0 * (t == 31),
    }[kind]
    assert found(rows) >= 0.99


@pytest.mark.parametrize(("kind", "most"), [("noise", 0.06), ("walk", 0.12), ("trend", 0.06)])
def test_seasonal_strength_rarely_finds_what_is_not_there(kind, most, rng):
    noise = rng.normal(size=(1000, 96))
    rows = {"noise": noise, "walk": noise.cumsum(axis=1), "trend": 0.5 * np.arange(96) + noise}[kind]
    assert found(rows) <= most


def test_seasonal_strength_of_one_series_is_that_in_a_panel(rng):
    rows = rng.normal(size=(5, 80))
    rows[1, :30] = np.nan
    rows[3, [40, 41, 60]] = np.nan
    together = seasonal_strength(rows, 7)
    for k, row in enumerate(rows):
        first = np.isfinite(row).argmax()
        alone = seasonal_strength(row[None, first:], 7)
        assert alone[0][0] == pytest.approx(together[0][k])
        assert alone[1][0] == pytest.approx(together[1][k])


@pytest.mark.parametrize("size", [1e-200, 1e200])
def test_seasonal_strength_does_not_depend_on_the_unit(size):
    wave = np.sin(np.arange(60) * np.pi / 6) + 2
    assert seasonal_strength(size * wave[None], 12)[0] == pytest.approx(seasonal_strength(wave[None], 12)[0])


@pytest.mark.parametrize("m", [2, 3, 4, 7, 12])
def test_centered_deviations_are_those_of_the_moving_average(m, rng):
    y = rng.normal(size=40)
    y[[5, 17, 18]] = np.nan
    np.testing.assert_allclose(centered_deviations(y[None], m)[0], y - moving_average(y, m, edges=True))


def test_remove_lines_of_short_and_constant_series_are_zeros_or_nan():
    rows = np.array([[np.nan, np.nan, 5.0], [2.0, 2.0, 2.0], [np.nan] * 3])
    result = remove_lines(rows)
    assert result[1].tolist() == [0, 0, 0]
    assert np.isnan(result[2]).all()
    assert result[0, 2] == 0
