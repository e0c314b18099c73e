"""Times of a week that never occur."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatecast.data.frequency import Freq, parse
from gatecast.data.reader import read
from gatecast.data.time_grid import infer_freq
from gatecast.data.week_slots import format_slots, parse_slots
from gatecast.errors import ConfigError

HOUR = np.timedelta64(1, "h")
DAYS = np.arange("2022-01-03", "2023-06-01", dtype="M8[D]")
HOURS = np.arange("2024-01-01T00", "2024-03-11T00", dtype="M8[h]").astype("M8[us]")


def weekday(times: np.ndarray) -> np.ndarray:
    return (times.astype("M8[D]").astype(int) + 3) % 7


def hour(times: np.ndarray) -> np.ndarray:
    return (times - times.astype("M8[D]")).astype("m8[h]").astype(int)


def office_hours(times: np.ndarray) -> np.ndarray:
    """Monday to Friday, 9 to 17."""
    return times[(weekday(times) < 5) & (hour(times) >= 9) & (hour(times) < 17)]


calendars = st.sets(st.integers(0, 167), min_size=1, max_size=167).map(lambda slots: tuple(sorted(slots)))


@given(calendars, st.integers(0, 166), st.integers(0, 59), st.integers(-400, 400))
def test_freq_with_slots_index_of_is_the_inverse_of_at(slots, which, minutes, k):
    freq = Freq("h", slots=slots)
    monday = np.datetime64("2024-01-01T00:00", "us")
    start = monday + slots[which % len(slots)] * HOUR + np.timedelta64(minutes, "m")
    times = freq.at(start, np.array([0, k, k + 1]))
    assert times[0] == start
    assert times[2] > times[1]
    positions, on_grid = freq.index_of(times, start)
    assert positions.tolist() == [0, k, k + 1]
    assert on_grid.all()


@given(calendars)
def test_freq_with_slots_alias_round_trips(slots):
    freq = Freq("h", slots=slots)
    assert parse(str(freq)) == freq
    assert parse_slots(format_slots(slots)) == slots


@pytest.mark.parametrize("closed", [(6,), (0,), (0, 6), (2,)])
def test_infer_freq_days_that_never_occur_are_closed(closed):
    days = DAYS[~np.isin(weekday(DAYS), closed)]
    freq = infer_freq(days)
    assert freq.slots == tuple(day for day in range(7) if day not in closed)
    assert (freq.range(days[0], len(days)).astype("M8[D]") == days).all()


def test_infer_freq_weekends_that_never_occur_are_business_days():
    assert infer_freq(DAYS[weekday(DAYS) < 5]) == Freq("B")


def test_infer_freq_office_hours_are_a_calendar_with_seasons_of_day_and_week():
    times = office_hours(HOURS)
    freq = infer_freq(times)
    assert (freq.unit, len(freq.slots), freq.season_length, freq.cycles) == ("h", 40, 8, (8, 40))
    assert (freq.range(times[0], len(times)) == times).all()


def test_infer_freq_a_holiday_is_a_gap_not_a_closed_day():
    days = DAYS[(weekday(DAYS) != 6) & (np.datetime64("2022-04-18") != DAYS)]
    freq = infer_freq(days)
    assert freq.slots == (0, 1, 2, 3, 4, 5)
    positions, on_grid = freq.index_of(days, days[0])
    assert on_grid.all()
    assert positions[-1] == len(days)


@pytest.mark.parametrize("seed", range(5))
def test_infer_freq_gaps_by_chance_close_nothing(seed):
    keep = np.random.default_rng(seed).random(len(HOURS)) > 0.3
    assert infer_freq(HOURS[keep]).slots == ()


def test_infer_freq_few_weeks_close_nothing():
    days = DAYS[:20]
    assert infer_freq(days[weekday(days) != 6]).slots == ()


def test_read_series_with_other_days_open_has_all_days():
    closed = DAYS[weekday(DAYS) != 6]
    table = {
        "id": ["a"] * len(closed) + ["b"] * 300,
        "ds": np.concatenate([closed, DAYS[:300]]),
        "y": np.arange(len(closed) + 300.0),
    }
    panel, notes = read(table)
    assert panel.freq == Freq("D")
    assert not any("never occur" in note for note in notes)


def test_read_declared_freq_forecasts_every_day():
    closed = DAYS[weekday(DAYS) != 6]
    table = {"ds": closed, "y": np.arange(float(len(closed)))}
    panel, notes = read(table)
    assert panel.freq.label == "daily except Sundays (D@0-5)"
    assert any("To forecast all, set freq='D'." in note for note in notes)
    assert read(table, freq="D")[0].freq == Freq("D")
    assert read(table, freq="D@0-5")[0].freq == panel.freq


@pytest.mark.parametrize(
    ("unit", "slots"), [("D", (0, 7)), ("D", (3, 1)), ("W", (0,)), ("MS", (0,)), ("h", (-1, 2)), ("step", (1,))]
)
def test_freq_slots_that_are_not_in_a_week_are_refused(unit, slots):
    with pytest.raises(ConfigError, match="Invalid slots of a week"):
        Freq(unit, slots=slots)


@pytest.mark.parametrize("alias", ["D@", "D@a", "D@9", "D@3-1"])
def test_parse_broken_slots_are_refused(alias):
    with pytest.raises(ConfigError):
        parse(alias)
