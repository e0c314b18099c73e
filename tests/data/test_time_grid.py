"""Inference of frequencies, and series laid on their grids."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatecast.data.frequency import parse
from gatecast.data.time_grid import align_to_grid, infer_freq
from gatecast.errors import DataError


def days(*texts: str) -> np.ndarray:
    """Times from texts."""
    return np.array(texts, "M8[us]")


@pytest.mark.parametrize(
    ("alias", "start"),
    [
        *(
            ("h", "2024-03-30"),
            ("30min", "2000-06-05"),
            ("D", "1981-01-01"),
            ("B", "2024-01-01"),
            ("W-WED", "2024-01-03"),
        ),
        *(("MS", "1749-01-01"), ("ME", "2024-01-31"), ("QS", "2024-01-01"), ("QE", "1999-12-31"), ("YS", "1700-01-01")),
        *(("YE-JUN", "2250-06-30"), ("15min", "2024-01-01"), ("10s", "2024-01-01")),
    ],
)
@given(st.data())
def test_gaps_do_no_harm(alias, start, data):
    times = parse(alias).range(np.datetime64(start), 60)
    gone = data.draw(st.sets(st.integers(1, 58), max_size=18))
    assert infer_freq(np.delete(times, sorted(gone))) == parse(alias)


def test_order_and_repetition_do_not_matter(rng):
    times = parse("MS").range(np.datetime64("1949-01-01"), 24)
    assert str(infer_freq(rng.permutation(np.tile(times, 2)))) == "MS"


def test_melbourne_lacks_the_last_day_of_two_years():
    times = parse("D").range(np.datetime64("1981-01-01"), 3652)
    absent = np.isin(times, days("1984-12-31", "1988-12-31"))
    assert str(infer_freq(times[~absent])) == "D"
    grid = align_to_grid(times[~absent], parse("D"))
    assert grid.on_grid.all()
    assert sorted(set(range(3652)) - set(grid.positions.tolist())) == [1460, 2921]


@pytest.mark.parametrize(
    ("times", "alias"),
    [
        (("2024-01-01", "2024-02-01"), "MS"),
        (("2024-01-31", "2024-02-29"), "ME"),
        (("2023-02-28", "2023-03-31", "2023-04-30"), "ME"),
        (("2024-01-15", "2024-02-15", "2024-03-15"), "MS"),
        (("2024-01-01", "2024-04-01"), "QS"),
        (("2024-02-01", "2024-05-01"), "QS-FEB"),
        (("2024-01-01", "2025-01-01"), "YS"),
        (("2020-06-30", "2021-06-30"), "YE-JUN"),
        (("2024-01-01", "2024-01-02"), "D"),
        (("2024-01-31", "2024-02-01"), "D"),
        (("2024-01-05", "2024-01-12"), "W-FRI"),
        (("2024-01-05", "2024-01-19", "2024-02-02"), "2W-FRI"),
        (("2024-01-01T00:00", "2024-01-01T00:05"), "5min"),
        (("2024-01-01T00:00", "2024-01-02T12:00", "2024-01-04T00:00"), "36h"),
        (("2024-01-01T00:00:00", "2024-01-01T00:00:00.010"), "10ms"),
    ],
)
def test_short_series(times, alias):
    assert str(infer_freq(days(*times))) == alias


def test_integers():
    assert str(infer_freq([1, 2, 3, 7])) == "1"
    assert str(infer_freq([0, 10, 20, 40])) == "10"
    assert str(infer_freq([0, 4, 10, 14, 20])) == "2"


def test_business_days_need_a_weekend_to_be_told_from_days():
    week = parse("D").range(np.datetime64("2024-01-01"), 5)
    assert str(infer_freq(week)) == "D"
    holidays = np.delete(parse("B").range(np.datetime64("2024-01-01"), 40), [3, 17, 18])
    assert str(infer_freq(holidays)) == "B"


def test_the_last_business_day_of_a_month_is_a_calendar():
    times = days("2024-01-31", "2024-02-29", "2024-03-29", "2024-04-30", "2024-05-31", "2024-06-28")
    assert str(infer_freq(times)) == "BME"
    assert str(infer_freq(times, with_days=False)) == "ME"
    grid = align_to_grid(times, parse("ME"))
    assert grid.positions.tolist() == list(range(6))
    assert grid.on_grid.tolist() == [True, True, False, True, True, False]


def test_varying_days_of_a_quarter():
    times = days("2023-01-17", "2023-04-20", "2023-07-18", "2023-10-19", "2024-01-18")
    assert infer_freq(times).unit == "QE"


def test_a_holiday_moves_a_weekly_date():
    times = days("2024-01-02", "2024-01-08", "2024-01-15", "2024-01-22", "2024-01-30", "2024-02-05")
    assert str(infer_freq(times)) == "W-MON"
    grid = align_to_grid(times, parse("W-MON"))
    assert str(grid.start.astype("M8[D]")) == "2024-01-01"
    assert grid.positions.tolist() == [0, 1, 2, 3, 4, 5]
    assert grid.on_grid.tolist() == [False, True, True, True, False, True]


def test_one_time_has_no_frequency():
    with pytest.raises(DataError, match=r"Cannot infer the frequency: got 2024-01-01, expected at least two"):
        infer_freq(days("2024-01-01", "2024-01-01"))


@pytest.mark.parametrize(
    ("step", "jitter", "freq"),
    [
        (600, 0.02, "10min"),
        (3_600, 10, "h"),
        (900, 60, "15min"),
        (300, 0.5, "5min"),
        (86_400, 300, "D"),
        (1, 0.01, "s"),
    ],
)
@pytest.mark.parametrize("gaps", [False, True])
def test_times_of_a_logger_scatter_around_round_ones(step, jitter, freq, gaps):
    rng = np.random.default_rng(step)
    k = np.delete(np.arange(300), [5, 6, 100, 101] if gaps else [])
    seconds = 4 * 86_400 * 365 + k * step + rng.uniform(-jitter, jitter, len(k))
    times = (seconds * 1e6).astype("M8[us]")
    assert str(infer_freq(times)) == freq
    grid = align_to_grid(times, infer_freq(times))
    assert grid.positions.tolist() == k.tolist()
    assert grid.start == np.datetime64(4 * 86_400 * 365, "s")


@pytest.mark.parametrize(("step", "late"), [(3600, 1), (600, 5), (60, 0.5)])
def test_times_that_are_late_by_up_to_something_begin_at_round_ones(step, late):
    seconds = 4 * 86_400 * 365 + np.arange(300) * step + np.random.default_rng(0).uniform(0, late, 300)
    times = (seconds * 1e6).astype("M8[us]")
    assert align_to_grid(times, infer_freq(times)).start == np.datetime64(4 * 86_400 * 365, "s")


def test_times_that_scatter_widely_have_no_round_step():
    rng = np.random.default_rng(0)
    times = np.cumsum(rng.exponential(600e6, 300)).astype("M8[us]")
    assert infer_freq(times).unit in ("us", "ms", "s")
