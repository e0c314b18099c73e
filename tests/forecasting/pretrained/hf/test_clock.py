"""The clock: averages and their interpolation."""

from __future__ import annotations

import numpy as np
import pytest

from gatecast.forecasting.pretrained.hf.clock import (
    MAX_STEPS,
    TOKENS,
    average_steps,
    overlaps,
    spread_steps,
    token_length,
)


def test_token_length_fills_no_more_slots_than_there_are():
    assert max(token_length(m) for m in range(1, MAX_STEPS + 1)) * TOKENS == MAX_STEPS


@pytest.mark.parametrize(("n_parts", "n_values"), [(4, 1), (4, 3), (4, 8), (3, 7)])
def test_overlaps_average(n_parts, n_values):
    weights = overlaps(n_parts, n_values)
    np.testing.assert_allclose(weights.sum(axis=1), 1)
    np.testing.assert_allclose(weights.sum(axis=0), n_parts / n_values)


@pytest.mark.parametrize("r", [1.5, 2.0, 96 / 64, 365 / 64, 22.5])
def test_average_steps_equals_the_integral(r):
    y = np.random.default_rng(0).normal(size=(3, 200))
    bins = average_steps(y, r, 20)
    integral = np.concatenate([np.zeros((3, 1)), y.cumsum(axis=1)], axis=1)
    edges = np.maximum(200 - r * np.arange(bins.shape[1], -1, -1), 0)
    expected = np.diff([np.interp(edges, np.arange(201), row) for row in integral], axis=1) / np.diff(edges)
    np.testing.assert_allclose(bins, expected, atol=1e-9)


def test_average_steps_leaves_missing_values_out():
    y = np.array([[np.nan, np.nan, 1.0, np.nan, 3.0, 5.0]])
    np.testing.assert_array_equal(average_steps(y, 2.0, 9), [[np.nan, 1.0, 4.0]])


def test_spread_steps_keeps_a_line():
    line = np.arange(30.0)
    bins = average_steps(line[None], 3.0, 99)[:, :, None]
    np.testing.assert_allclose(spread_steps(bins, 3.0, 30)[0, 1:-1, 0], line[1:-1])


def test_spread_steps_of_one_bin_is_constant():
    np.testing.assert_array_equal(spread_steps(np.full((1, 1, 1), 4.0), 3.0, 3)[0, :, 0], [4.0, 4.0, 4.0])
