"""Seasonal indices that are estimated as cycles go by."""

from __future__ import annotations

import numpy as np
import pytest

from gatecast.forecasting.pretrained.lf.seasons import seasonal_indices
from gatecast.forecasting.pretrained.lf.statistics import Observed


def indices_of(z, m):
    """Return the indices of series without gaps."""
    return seasonal_indices(z, Observed.of(np.ones(z.shape, bool)), m)


@pytest.mark.parametrize("m", [2, 3, 4, 7, 12])
def test_seasonal_indices_of_a_pure_season_are_the_season(m):
    season = np.random.default_rng(m).normal(size=m)
    season -= season.mean()
    trend = 0.05 * np.arange(10 * m)
    indices = indices_of((np.tile(season, 10) + trend)[:, None], m)
    steps = np.full(m, 10 * m - 1)
    assert indices.at(steps, np.arange(m))[:, 0] == pytest.approx(season, abs=0.02)
    assert indices.strength[-1, 0] > 0.99


def test_seasonal_indices_of_random_walks_are_mostly_zero():
    z = np.random.default_rng(0).normal(size=(96, 2000)).cumsum(axis=0)
    shown = indices_of(z, 12).strength > 0
    assert (shown.mean(axis=1) < 0.06).all()


def test_seasonal_indices_begin_after_two_cycles():
    indices = indices_of(np.tile([0.0, 1.0, 0.0, -1.0], 8)[:, None], 4)
    assert indices.starts[:4].tolist() == [0, 8, 12, 16]
    assert indices.strength[:, 0] == pytest.approx([0] + [1] * (len(indices.starts) - 1), abs=0.01)


@pytest.mark.parametrize("stop", [7, 8, 9, 30, 59])
def test_seasonal_indices_of_a_prefix_have_the_same_bits(stop):
    z = np.random.default_rng(0).normal(size=(60, 32)).cumsum(axis=0)
    all_, part = indices_of(z, 4), indices_of(z[:stop], 4)
    n = len(part.starts)
    assert part.values.tobytes() == all_.values[:n].tobytes()
    assert part.strength.tobytes() == all_.strength[:n].tobytes()


def test_seasonal_indices_without_season_are_zero():
    indices = indices_of(np.ones((5, 3)), 1)
    assert indices.values.shape == (1, 1, 3)
    assert not indices.values.any()


def test_seasonal_indices_stay_as_they_are_behind_the_end():
    season = np.tile([0.0, 1.0, 0.0, -1.0], 20)[:, None] + 0.01 * np.random.default_rng(0).normal(size=(80, 8))
    observed = np.repeat(np.arange(80)[:, None] < 40, 8, axis=1)
    filled = np.where(observed, season, season[39])
    indices = seasonal_indices(filled, Observed.of(observed), 4)
    last = indices.block(np.array([40]))[0]
    assert (indices.strength[last] > 0.9).all()
    assert np.abs(indices.values[last + 1 :] - indices.values[last]).max() < 0.01


def test_seasonal_indices_of_series_with_long_gaps_are_finite():
    rng = np.random.default_rng(0)
    observed = rng.random((40, 64)) < rng.uniform(0, 0.6, 64)
    observed[0] = True
    o = Observed.of(observed)
    indices = seasonal_indices(o.hold(rng.normal(size=(40, 64)).cumsum(axis=0)), o, 4)
    assert np.isfinite(indices.values).all()
    assert ((indices.strength >= 0) & (indices.strength <= 1)).all()


@pytest.mark.parametrize("is_walk", [False, True])
def test_seasonal_indices_of_series_that_begin_late_are_mostly_zero(is_walk):
    """Demand that begins with zeros has no values there: what is filled in does not vary, and shows no season."""
    rng = np.random.default_rng(0)
    z = rng.normal(size=(40, 2000))
    z = z.cumsum(axis=0) if is_walk else z
    first = rng.integers(12, 24, 2000)
    observed = np.arange(40)[:, None] >= first
    filled = np.where(observed, z, z[first, np.arange(2000)])
    shown = seasonal_indices(filled, Observed.of(observed), 12).strength > 0
    assert (shown.mean(axis=1) < 0.06).all()
