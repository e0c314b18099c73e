"""Which network forecasts which series."""

from __future__ import annotations

import numpy as np
import pytest

from gatecast.forecasting.base import Task
from gatecast.forecasting.pretrained.choice import _is_better, choose_networks


def waves(m, n, n_series=2):
    """Return waves with a period."""
    rng = np.random.default_rng(0)
    return np.sin(2 * np.pi * np.arange(n) / m) + rng.normal(0, 0.05, (n_series, n))


@pytest.mark.parametrize(
    ("task", "expected"),
    [
        (Task(6, 12), (False, 12, 0)),
        (Task(6, 1), (False, 1, 0)),
        (Task(6, 52), (False, 52, 0)),
        (Task(6, 7), (True, 7, 365)),
        (Task(6, 5), (True, 5, 0)),
        (Task(6, 60, seasons=(60, 1440)), (True, 60, 1440)),
        (Task(6, 7, seasons=(7, 365)), (True, 7, 365)),
        (Task(6, 24), (True, 24, 168)),
        (Task(6, 168, seasons=(24, 168)), (True, 24, 168)),
        (Task(6, 168), (True, 24, 168)),
        (Task(6, 96, seasons=(96, 672)), (True, 96, 672)),
        (Task(6, 365), (True, 365, 0)),
        (Task(6, calendar_season=7), (True, 7, 365)),
        (Task(6, calendar_season=24), (True, 24, 168)),
        (Task(6, calendar_season=12), (False, 1, 0)),
        (Task(6, 12, calendar_season=7), (True, 7, 365)),
    ],
)
def test_choose_networks_by_season(task, expected):
    m = expected[1]
    choice = choose_networks(waves(max(m, 4), 20 * m + 900), task)
    for part, value in zip(choice, expected, strict=True):
        assert part.tolist() == [value, value]


def test_choose_networks_takes_low_frequency_for_series_of_fewer_than_two_cycles():
    y = waves(24, 200)
    y[0, :160] = np.nan
    choice = choose_networks(y, Task(24, 24, seasons=(24, 168)))
    assert choice.is_hf.tolist() == [False, True]
    assert choice.long.tolist() == [0, 168]


def test_choose_networks_sees_a_year_of_days_where_there_are_two():
    y = waves(7, 800)
    y[0, :200] = np.nan
    assert choose_networks(y, Task(14, 7)).long.tolist() == [0, 365]


def test_choose_networks_gives_each_series_its_own_season():
    y = np.stack([waves(24, 900)[0], waves(30, 900)[0]])
    assert choose_networks(y, Task(24, 24, seasons=(24, 168))).season.tolist() == [24, 30]


def test_groups_hold_every_row_once():
    y = np.concatenate([waves(24, 900, 3), waves(30, 900, 2), np.full((1, 900), np.nan)])
    groups = list(choose_networks(y, Task(24, 24, seasons=(24, 168))).groups())
    assert sorted(np.concatenate([rows for rows, *_ in groups]).tolist()) == list(range(6))
    assert len(groups) == 3


def test_a_season_of_which_nothing_is_known_is_not_better():
    """Every second value is there, so that no two are an odd number of steps apart."""
    values = np.full((1, 400), np.nan)
    values[0, ::2] = np.random.default_rng(0).normal(size=200)
    assert not _is_better(values, np.array([25]), 24, 168).any()
