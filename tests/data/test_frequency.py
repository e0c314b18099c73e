"""Frequencies: names, grids, positions."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatecast.data.frequency import MONTHS, Freq, format_times, parse
from gatecast.data.time_grid import infer_freq
from gatecast.errors import ConfigError, DataError

DAY = "M8[D]"


@st.composite
def grids(draw):
    """A frequency in its largest unit, and a time at which it may begin."""
    unit = draw(st.sampled_from(("s", "min", "h", "D", "B", "W", "MS", "ME", "QS", "QE", "YS", "YE", "step")))
    multiples = {
        "s": (1, 7, 30),
        "min": (1, 15, 30),
        "h": (1, 6),
        "D": (1, 3),
        "MS": (1, 2, 4),
        "ME": (1, 5),
        "step": (1, 5),
    }
    multiple = draw(st.sampled_from(multiples.get(unit, (1,))))
    if unit == "step":
        return Freq(unit, multiple), draw(st.integers(-(10**6), 10**6))
    # From 1700 to 2400, so that nanoseconds would overflow on either side.
    day = np.datetime64("1700-01-01") + draw(st.integers(0, 255_000))
    if unit == "B":
        day = np.busday_offset(day, 0, roll="forward")
    if unit in MONTHS:
        month = day.astype("M8[M]")
        day = month.astype(DAY) if unit.endswith("S") else (month + 1).astype(DAY) - 1
    return Freq(unit, multiple).anchored(day), day.astype("M8[us]")


@pytest.mark.slow
@given(grids(), st.integers(15, 60))
def test_inferring_a_range_gives_its_frequency_back(grid, n):
    freq, start = grid
    assert infer_freq(freq.range(start, n)) == freq


@given(grids(), st.lists(st.integers(0, 400), min_size=1, max_size=20))
def test_index_of_is_the_inverse_of_at(grid, k):
    freq, start = grid
    positions, on_grid = freq.index_of(freq.at(start, k), start)
    assert positions.tolist() == k
    assert on_grid.all()


@given(grids())
def test_names_are_read_back(grid):
    freq, _ = grid
    assert parse(str(freq)) == freq
    assert str(freq) in freq.label or freq.unit == "step"


@given(grids(), st.integers(2, 40))
def test_ranges_increase(grid, n):
    freq, start = grid
    times = freq.range(start, n)
    assert (times[1:] > times[:-1]).all()
    assert times[0] == start


@pytest.mark.parametrize(
    ("alias", "name"),
    [
        *((unit, unit) for unit in ("YS", "YE", "QS", "QE", "MS", "ME", "D", "B", "h", "min", "s", "ms", "us")),
        *((unit, unit) for unit in ("W-MON", "W-SUN", "YS-APR", "YE-JUN", "QS-FEB", "QE-NOV")),
        *(("15min", "15min"), ("2W-WED", "2W-WED"), ("3MS", "3MS"), ("1", "1"), ("7", "7"), (12, "12")),
        *(("A", "YE"), ("AS-JUL", "YS-JUL"), ("Y", "YE"), ("Q", "QE"), ("M", "ME"), ("H", "h"), ("15T", "15min")),
        *(("1mo", "MS"), ("1d", "D"), ("1q", "QS"), ("1y", "YS"), ("w", "W-SUN"), ("monthly", "MS"), ("Hourly", "h")),
        *(("QS-OCT", "QS"), ("QE-MAR", "QE"), ("YS-JAN", "YS"), ("YE-DEC", "YE"), ("qs-feb", None), (" h ", "h")),
    ],
)
def test_aliases(alias, name):
    if name is None:
        with pytest.raises(ConfigError, match="Invalid freq "):
            parse(alias)
    else:
        assert str(parse(alias)) == name


@pytest.mark.parametrize("alias", ["", "X", "W-XXX", "D-MON", "MS-JAN", "1.5h", "-1", "m", "h2", "minn"])
def test_what_is_no_frequency_is_refused(alias):
    with pytest.raises(ConfigError, match=f"Invalid freq '{alias}': expected YS YE QS QE MS ME"):
        parse(alias)


def test_a_near_miss_gets_a_hint():
    with pytest.raises(ConfigError, match=r"MS ME W-SUN B D h min s, .* For example, freq='MS' means"):
        parse("banana")
    with pytest.raises(ConfigError, match=r"Did you mean 'month'\?"):
        parse("months")


@pytest.mark.parametrize("multiple", [0, -1, 1.5])
def test_multiples_are_counts(multiple):
    with pytest.raises(ConfigError, match="multiple"):
        Freq("D", multiple)


def test_anchors_are_checked():
    with pytest.raises(ConfigError, match=r"Invalid anchor of W: got 7, expected an integer from 0 to 6"):
        Freq("W", anchor=7)
    with pytest.raises(ConfigError, match="The unit D has no anchor"):
        Freq("D", anchor=3)
    with pytest.raises(ConfigError, match=r"Unknown unit of time: got 'fortnight'"):
        Freq("fortnight")


def test_quarters_with_the_same_months_are_the_same():
    assert {Freq("QE", anchor=month) for month in (2, 5, 8, 11)} == {Freq("QE", anchor=11)}
    assert {Freq("QS", anchor=month) for month in (1, 4, 7, 10)} == {Freq("QS")}


@pytest.mark.parametrize(
    ("alias", "period"),
    [
        *(("h", 24), ("30min", 48), ("15min", 96), ("min", 1440), ("s", 3600), ("D", 7), ("B", 5), ("W-MON", 52)),
        *(("MS", 12), ("ME", 12), ("QS", 4), ("QE-NOV", 4), ("YS", 1), ("YE", 1), ("1", 1), ("7", 1)),
        *(("2h", 12), ("5h", 1), ("2W", 26), ("3MS", 4), ("2D", 1), ("us", 1)),
    ],
)
def test_usual_seasons(alias, period):
    assert parse(alias).season_length == period


def test_cycles_that_the_calendar_suggests():
    assert parse("h").cycles == (24, 168)
    assert parse("15min").cycles == (96, 672)
    assert parse("D").cycles == (7, 365)
    assert parse("1").cycles == ()


def test_months_end_where_they_end():
    ends = parse("ME").range(np.datetime64("2023-11-30"), 5).astype(DAY).astype(str).tolist()
    assert ends == ["2023-11-30", "2023-12-31", "2024-01-31", "2024-02-29", "2024-03-31"]
    ends = parse("QE-NOV").range(np.datetime64("2023-11-30"), 3).astype(DAY).astype(str).tolist()
    assert ends == ["2023-11-30", "2024-02-29", "2024-05-31"]


def test_the_phase_is_in_the_first_time():
    noon = parse("MS").range(np.datetime64("2024-01-15T12:00"), 2)
    assert format_times(noon) == ["2024-01-15 12:00:00", "2024-02-15 12:00:00"]
    quarter_past = parse("h").range(np.datetime64("2024-01-01T00:15"), 2)
    assert format_times(quarter_past) == ["2024-01-01 00:15:00", "2024-01-01 01:15:00"]


def test_business_days_pass_over_weekends():
    days = parse("B").range(np.datetime64("2024-03-01"), 4).astype(DAY).astype(str).tolist()
    assert days == ["2024-03-01", "2024-03-04", "2024-03-05", "2024-03-06"]


def test_times_beside_the_grid_are_reported():
    times = np.array(["2024-01-01", "2024-02-03", "2024-04-01"], "M8[us]")
    k, on_grid = parse("MS").index_of(times, times[0])
    assert k.tolist() == [0, 1, 3]
    assert on_grid.tolist() == [True, False, True]
    k, on_grid = parse("B").index_of(np.array(["2024-03-01", "2024-03-02"], DAY), np.datetime64("2024-03-01"))
    assert on_grid.tolist() == [True, False]


def test_starts_broadcast_over_series():
    starts = np.array(["2024-01-01", "1821-01-01"], "M8[us]")
    times = parse("YS").at(starts[:, None], np.arange(2))
    assert times.astype(DAY).astype(str).tolist() == [["2024-01-01", "2025-01-01"], ["1821-01-01", "1822-01-01"]]


def test_times_as_text():
    assert format_times(np.array([3, -1])) == ["3", "-1"]
    assert format_times(np.array(["2024-01-01", "NaT"], "M8[us]")) == ["2024-01-01", "NaT"]
    assert format_times(np.array(["2024-01-01T00:00:00.5"], "M8[us]")) == ["2024-01-01 00:00:00.500"]
    assert format_times(np.array([], "M8[us]")) == []


@pytest.mark.parametrize("alias", ["", "us", "s", "D", "B", "W", "MS", "QE", "YS", "SMS-15", "WOM-3FRI"])
def test_parse_of_a_step_that_no_time_can_follow_is_refused(alias):
    with pytest.raises(ConfigError, match="multiple of a frequency"):
        parse(f"{10**30}{alias}")


@pytest.mark.parametrize(
    "alias", ["1", "us", "D", "B", "W", "MS", "QE", "YS", "SMS-15", "YS@JAN15,SEP1", "D@0-5", "1000YS"]
)
def test_at_positions_whose_times_would_wrap_around_are_refused(alias):
    """The farthest positions that are allowed are after the start, and the next are refused, not before it."""
    freq = parse(alias)
    start = np.int64(2**61) if alias == "1" else np.datetime64("2024-01-15", "us")
    with pytest.raises(DataError, match="Times beyond what 64 bits hold") as caught:
        freq.at(start, [0, 3 * 2**61])
    most = int(str(caught.value).split("at most ")[1].split(". ")[0].replace(",", ""))
    first, last = freq.at(start, [0, most])
    assert last > first
    with pytest.raises(DataError, match="finer frequency"):
        freq.at(start, most + 1)
