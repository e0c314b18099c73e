"""Newest values that are unlike all before them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatecast.data.last_values import find_unlike_last
from gatecast.data.panel import from_values
from gatecast.data.panel_builder import build_panel

K = np.arange(60)


def sales(seed: int = 0) -> np.ndarray:
    """Growing monthly sales with a season."""
    noise = np.exp(np.random.default_rng(seed).normal(0, 0.02, len(K)))
    return 200 * np.exp(0.01 * K) * (1 + 0.2 * np.sin(K * np.pi / 6)) * noise


def is_unlike(values: np.ndarray, freq: str = "MS") -> bool:
    return bool(len(find_unlike_last(from_values(values, start="2019-01-01", freq=freq))))


@pytest.mark.parametrize("factor", [0.0, 0.5, 2.0, 10.0])
@pytest.mark.parametrize("seed", range(3))
def test_find_unlike_last_broken_month_is_found(factor, seed):
    y = sales(seed)
    y[-1] *= factor
    assert is_unlike(y)


@pytest.mark.parametrize("seed", range(20))
def test_find_unlike_last_usual_months_are_kept(seed):
    assert not is_unlike(sales(seed))


def test_find_unlike_last_level_that_has_shifted_before_is_kept():
    y = sales()
    y[-3:] *= 0.5
    assert not is_unlike(y)


def test_find_unlike_last_spikes_that_occurred_before_are_kept():
    y = sales()
    y[[20, 35, -1]] *= 3
    assert not is_unlike(y)


@given(st.integers(0, 10_000))
def test_find_unlike_last_heavy_tails_and_rare_demand_are_kept(seed):
    rng = np.random.default_rng(seed)
    demand = rng.poisson(0.4, 120).astype(float)
    assert not is_unlike(demand, "D")
    assert not is_unlike(np.full(60, 5.0))


def test_find_unlike_last_false_alarms_on_random_walks_are_rare():
    walks = np.random.default_rng(0).standard_t(3, (400, 120)).cumsum(axis=1)
    assert sum(is_unlike(walk, "D") for walk in walks) <= 4


def test_find_unlike_last_series_without_a_season_are_not_judged():
    y = 100 + np.random.default_rng(0).normal(0, 1, 60)
    assert not is_unlike([*y, 900.0], "YS")
    assert not len(find_unlike_last(from_values([*y, 900.0])))


def test_find_unlike_last_names_the_series_of_a_panel():
    good, bad = sales(1), sales(2)
    bad[-1] /= 4
    times = np.tile(np.arange("2019-01", "2024-01", dtype="M8[M]").astype("M8[D]"), 3)
    values = np.concatenate([good, bad, sales(3)])
    panel, _ = build_panel(times, values, np.repeat(["a", "b", "c"], 60))
    assert find_unlike_last(panel).tolist() == [1]
    short, _ = build_panel([1, 2, 1, 2], [1.0, 2.0, 3.0, 400.0], ["a", "a", "b", "b"])
    assert find_unlike_last(short).tolist() == []
