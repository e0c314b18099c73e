import numpy as np
import pytest

from gatecast.data.outliers import find_outliers, gaps


@pytest.mark.parametrize("at", [0, 3, 17, 57, 59])
@pytest.mark.parametrize("m", [1, 12])
def test_find_outliers_at_any_row(at, m, rng):
    values = 100 + 20 * np.sin(np.arange(60) * 2 * np.pi / m) + rng.normal(0, 1, 60)
    assert find_outliers(values, m).tolist() == []
    values[at] += 40
    assert find_outliers(values, m).tolist() == [at]


def test_find_outliers_ignores_level_shift(rng):
    values = 100 + rng.normal(0, 1, 80)
    values[40:] += 30
    assert find_outliers(values, 12).tolist() == []


def test_find_outliers_in_noise_finds_almost_none(rng):
    assert len(find_outliers(rng.normal(0, 1, 20_000), 7)) <= 4


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([5.0] * 30, []),
        ([5.0] * 15 + [9.0] + [5.0] * 14, [15]),
        ([1.0, 2.0, 50.0], []),
        ([np.nan] * 30, []),
        ([0.0, 0.0, 3.0, 0.0, 2.0, 0.0, 0.0, 3.0, 0.0, 4.0] * 4, []),
    ],
)
def test_find_outliers_without_noise(values, expected):
    assert find_outliers(np.array(values), 1).tolist() == expected


def test_gaps_at_both_ends():
    first, last = gaps(np.array([np.nan, 1.0, np.nan, np.nan]))
    assert (first.tolist(), last.tolist()) == ([0, 2], [0, 3])
