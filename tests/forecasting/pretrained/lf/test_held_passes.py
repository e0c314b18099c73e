"""Passes over whole series answer for their beginnings alone."""

from __future__ import annotations

import numpy as np
import pytest

from gatecast.forecasting.pretrained.lf.held_passes import HeldPasses
from gatecast.forecasting.pretrained.lf.predict import predict_quantiles, read_ahead
from gatecast.forecasting.pretrained.network import PretrainedConfig, make_network


def made(n=5, T=40):
    """Return positive series aligned at their ends, of different lengths, with a gap."""
    rng = np.random.default_rng(0)
    y = np.exp(rng.normal(0, 0.1, (n, T)).cumsum(axis=1) + 3)
    y[np.arange(T) < 3 * np.arange(n)[:, None]] = np.nan
    y[:, 25] = np.nan
    return y


@pytest.fixture
def passes():
    """Return passes of a small network over series, the network and the series."""
    network, weights = make_network(PretrainedConfig(units=8, n_layers=1))
    weights.vector[:] += np.random.default_rng(0).normal(0, 0.05, weights.vector.size)
    held, y = HeldPasses(), made()
    read_ahead(network, weights, y, 4, held)
    return held, (network, weights), y


@pytest.mark.parametrize("n_last", [0, 1, 14, 15, 24])
def test_predict_quantiles_from_held_passes_have_the_bits_of_new_ones(passes, n_last):
    held, network, y = passes
    past = y[:, : y.shape[1] - n_last]
    wanted = predict_quantiles(*network, past, 6, 4)
    assert predict_quantiles(*network, past, 6, 4, passes=held).tobytes() == wanted.tobytes()


def test_find_of_all_beginnings_needs_one_pass(passes):
    held, _, y = passes
    (match,) = held.find(y[:, :-8], 32 - 3 * np.arange(5), 4)
    assert match.rows.tolist() == [0, 1, 2, 3, 4]
    assert sorted(match.columns.tolist()) == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("m", [1, 12])
def test_find_of_another_season_is_empty(passes, m):
    held, _, y = passes
    assert held.find(y, 40 - 3 * np.arange(5), m) == []


def test_find_of_series_that_were_changed_is_empty(passes):
    held, _, y = passes
    changed = y.copy()
    changed[:, 30] *= 1 + 1e-12
    assert held.find(changed, 40 - 3 * np.arange(5), 4) == []


def test_find_of_series_that_begin_later_is_empty(passes):
    held, _, y = passes
    assert held.find(y[:, 20:], np.full(5, 20), 4) == []


def test_find_of_series_with_negative_values_is_empty(passes):
    _, network, y = passes
    held = HeldPasses()
    read_ahead(*network, y - 1000, 4, held)
    assert held.find(y - 1000, 40 - 3 * np.arange(5), 4) == []
