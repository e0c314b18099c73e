"""Seasonal indices that are estimated as cycles go by."""

from __future__ import annotations

import numpy as np
import pytest

from gatecast.forecasting.pretrained.lf.seasons import seasonal_indices


@pytest.mark.parametrize("m", [2, 3, 4, 7, 12])
def test_seasonal_indices_of_a_pure_season_are_the_season(m):
    season = np.random.default_rng(m).normal(size=m)
    season -= season.mean()
    trend = 0.05 * np.arange(10 * m)
    indices = seasonal_indices((np.tile(season, 10) + trend)[:, None], m)
    steps = np.full(m, 10 * m - 1)
    assert indices.at(steps, np.arange(m))[:, 0] == pytest.approx(season, abs=0.02)
    assert indices.strength[-1, 0] > 0.99


def test_seasonal_indices_of_random_walks_are_mostly_zero():
    z = np.random.default_rng(0).normal(size=(96, 2000)).cumsum(axis=0)
    shown = seasonal_indices(z, 12).strength > 0
    assert (shown.mean(axis=1) < 0.06).all()


def test_seasonal_indices_begin_after_two_cycles():
    indices = seasonal_indices(np.tile([0.0, 1.0, 0.0, -1.0], 8)[:, None], 4)
    assert indices.starts[:4].tolist() == [0, 8, 12, 16]
    assert indices.strength[:, 0] == pytest.approx([0] + [1] * (len(indices.starts) - 1), abs=0.01)


@pytest.mark.parametrize("stop", [7, 8, 9, 30, 59])
def test_seasonal_indices_of_a_prefix_have_the_same_bits(stop):
    z = np.random.default_rng(0).normal(size=(60, 32)).cumsum(axis=0)
    all_, part = seasonal_indices(z, 4), seasonal_indices(z[:stop], 4)
    n = len(part.starts)
    assert part.values.tobytes() == all_.values[:n].tobytes()
    assert part.strength.tobytes() == all_.strength[:n].tobytes()


def test_seasonal_indices_without_season_are_zero():
    indices = seasonal_indices(np.ones((5, 3)), 1)
    assert indices.values.shape == (1, 1, 3)
    assert not indices.values.any()
