"""Which season the models and the seasonal naive get."""

import numpy as np

from gatecast.data.panel import from_values
from gatecast.data.panel_builder import build_panel
from gatecast.forecasting.season_selection import choose_season, naive_season


def test_choose_season_takes_what_the_user_fixed():
    panel = from_values(np.tile([1.0, 5.0, 9.0, 5.0], 9), start="2020-01-01", freq="QS")
    assert choose_season(panel.values[None], panel, 4, 7) == (7, 7)


def test_choose_season_of_one_series_needs_a_season_that_repeats():
    panel = from_values(np.random.default_rng(0).normal(size=60), start="2020-01-01", freq="MS")
    assert choose_season(panel.values[None], panel, 6) == (1, 1)


def test_choose_season_of_a_panel_of_hours_holds_the_week():
    hours = np.arange(24 * 7 * 5)
    times = np.tile(np.datetime64("2024-01-01T00", "h") + hours, 2)
    values = np.tile(np.sin(hours * np.pi / 12), 2)
    panel, _ = build_panel(times, values, np.repeat(["a", "b"], len(hours)))
    assert choose_season(values.reshape(2, -1), panel, 24) == (168, 24)


def test_naive_season_without_seasons_is_1_and_of_one_is_that_one():
    assert naive_season(np.arange(20.0), 4, []) == 1
    assert naive_season(np.arange(20.0), 4, [12]) == 12


def test_naive_season_of_a_short_series_is_the_longest():
    assert naive_season(np.arange(5.0), 4, [3, 4]) == 4
