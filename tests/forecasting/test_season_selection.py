"""Which season the models and the seasonal naive get."""

import numpy as np
import pytest

from gatecast.data.panel import from_values
from gatecast.data.panel_builder import build_panel
from gatecast.forecasting.context import PanelContext
from gatecast.forecasting.season_selection import Seasons, choose_season, choose_seasons_alone, naive_season


def test_choose_season_takes_what_the_user_fixed():
    panel = from_values(np.tile([1.0, 5.0, 9.0, 5.0], 9), start="2020-01-01", freq="QS")
    assert choose_season(panel.values[None], panel, 4, 7)[:3] == (7, 7, (7,))


def test_choose_season_of_one_series_needs_a_season_that_repeats():
    panel = from_values(np.random.default_rng(0).normal(size=60), start="2020-01-01", freq="MS")
    assert choose_season(panel.values[None], panel, 6)[:3] == (1, 1, (1,))


def test_choose_season_of_a_panel_of_hours_holds_the_week():
    hours = np.arange(24 * 7 * 5)
    times = np.tile(np.datetime64("2024-01-01T00", "h") + hours, 2)
    values = np.tile(np.sin(hours * np.pi / 12), 2)
    panel, _ = build_panel(times, values, np.repeat(["a", "b"], len(hours)))
    assert choose_season(values.reshape(2, -1), panel, 24)[:3] == (168, 24, (24, 168))


def test_naive_season_without_seasons_is_1_and_of_one_is_that_one():
    assert naive_season(np.arange(20.0), 4, []) == 1
    assert naive_season(np.arange(20.0), 4, [12]) == 12


def test_naive_season_of_a_short_series_is_the_longest():
    assert naive_season(np.arange(5.0), 4, [3, 4]) == 4


def test_choose_season_of_whole_numbers_is_what_the_data_show():
    k = np.arange(96)
    y = 0.5 * k + 12 * np.sin(k * np.pi / 6) + np.random.default_rng(0).normal(0, 2, 96)
    assert choose_season(y[None], from_values(y), 12)[:3] == (12, 12, (12,))
    noise = np.random.default_rng(1).normal(size=96)
    assert choose_season(noise[None], from_values(noise), 12)[:3] == (1, 1, (1,))


def test_choose_season_of_a_panel_of_whole_numbers_is_the_cycle_of_most_series():
    k, rng = np.arange(70), np.random.default_rng(2)
    rows = [20 + 5 * (k % 7 > 4) + rng.normal(0, 1, 70) for _ in range(6)] + [rng.normal(0, 1, 70) for _ in range(2)]
    panel, _ = build_panel(np.tile(k, 8), np.concatenate(rows), np.repeat([f"s{i}" for i in range(8)], 70))
    assert choose_season(np.stack(rows), panel, 7)[:3] == (7, 7, (7,))
    flat, _ = build_panel(np.tile(k, 2), np.concatenate(rows[-2:]), np.repeat(["a", "b"], 70))
    assert choose_season(np.stack(rows[-2:]), flat, 7)[:3] == (1, 1, (1,))


def test_choose_season_of_a_single_series_of_two_and_a_half_years_is_the_year():
    y = 100 + 20 * np.sin(np.arange(30) * np.pi / 6) + np.random.default_rng(0).normal(0, 3, 30)
    panel = from_values(y, start="2020-01-01", freq="MS")
    assert choose_season(y[None], panel, 6) == Seasons(12, 12, (12,), calendar=12)


@pytest.mark.parametrize("lengths", [[144, 30, 35], [60, 1], [144, *[5] * 9]])
def test_short_series_of_a_panel_do_not_hide_the_season_of_long_ones(lengths):
    times = np.concatenate([np.datetime64("2024-12", "M") - np.arange(n)[::-1] for n in lengths])
    ids = np.repeat([f"s{i}" for i in range(len(lengths))], lengths)
    panel, _ = build_panel(times.astype("M8[D]"), np.arange(len(times)) % 12.0, ids)
    seasons = choose_season(PanelContext.from_panel(panel).values, panel, 6)
    assert (seasons.models, seasons.naive, seasons.panel) == (12, 12, 12)


def test_the_season_of_a_panel_of_mostly_short_series_is_what_some_hold_twice():
    """Four series of two years show the year to twenty of a few months, for which models have no season."""
    lengths = [36] * 4 + [7] * 20
    times = np.concatenate([np.datetime64("2024-12", "M") - np.arange(n)[::-1] for n in lengths])
    panel, _ = build_panel(times.astype("M8[D]"), np.ones(len(times)), np.repeat([f"s{i}" for i in range(24)], lengths))
    past = PanelContext.from_panel(panel).values
    assert choose_season(past, panel, 6) == Seasons(1, 1, (1,), panel=12, calendar=12)
    assert choose_season(past, panel, 6, 4).panel == 4
    few = panel.take(np.arange(1, 24))
    assert choose_season(PanelContext.from_panel(few).values, few, 6).panel == 1


@pytest.mark.parametrize("freq", ["MS", "QS", "YS", "W", "D", "h", 1])
@pytest.mark.parametrize("season_length", [None, 6])
def test_seasons_chosen_for_many_are_those_of_each_alone(freq, season_length, rng):
    t = np.arange(130)
    periods = np.array([4, 7, 12, 24, 52])
    values = 9 * np.sin(2 * np.pi * t / periods[:, None]) + rng.normal(size=(5, len(t)))
    values = np.concatenate([values, rng.normal(size=(3, len(t))).cumsum(axis=1), np.zeros((1, len(t)))])
    start = 1 if freq == 1 else "2020-01-01"
    panels = [from_values(row, start=start, freq=freq) for row in values]
    alone = [choose_season(row[None], panel, 6, season_length) for row, panel in zip(values, panels, strict=True)]
    assert choose_seasons_alone(values, panels[0], 6, season_length) == alone


def test_a_season_of_1_is_none():
    panel = from_values(np.tile(np.arange(12.0), 9), start="2020-01-01", freq="MS")
    assert choose_season(panel.values[None], panel, 4, 1)[:3] == (1, 1, (1,))
    several, _ = build_panel(np.tile(panel.times(0), 2), np.tile(panel.values, 2), np.repeat(["a", "b"], 108))
    assert choose_season(several.values.reshape(2, -1), several, 4, 1) == Seasons(1, 1, (1,), 1)


def test_days_that_show_no_week_have_that_of_the_calendar(rng):
    y = rng.normal(size=90).cumsum()
    days = from_values(y, start="2024-01-01", freq="D")
    assert choose_season(y[None], days, 7) == Seasons(1, 1, (1,), calendar=7)
    assert choose_season(y[None], days, 7, 1).calendar == 1
    assert choose_season(y[None], days, 7, 12).calendar == 1
    assert choose_season(y[None], from_values(y, start="1930-01-01", freq="YS"), 7).calendar == 1
