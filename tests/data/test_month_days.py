"""Days of the month on which rows occur."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatecast.data.frequency import Freq, parse
from gatecast.data.month_days import are_month_days
from gatecast.data.reader import read
from gatecast.data.time_grid import infer_freq
from gatecast.errors import ConfigError

DAY = "M8[D]"
ALIASES = (
    *("SMS-15", "SME-15", "BME", "BMS", "WOM-3FRI", "LWOM-FRI", "WOM-1MON", "MS@30", "MS@29", "MS@1,11,21"),
    *("ME@10,20,31", "ME@15P,LB", "MS@5B", "MS@1MON,3MON", "MS@8,22", "3BME", "3WOM-3FRI", "12WOM-4THU", "MS@10F"),
    *("MS@1,6,11,16,21,26", "YS@JAN15,AUG25", "YS@JAN15,MAY20,SEP1", "YS@JAN2MON,SEP1TUE", "YS@FEB1,OCT1"),
)
aliases = st.sampled_from(ALIASES)
months = st.integers(-600, 1200).map(lambda k: np.datetime64("1970-01", "M") + k)


def first_day(freq: Freq, month: np.datetime64) -> np.datetime64:
    """The first day of a calendar in a month."""
    start = month.astype("M8[us]")
    return freq.at(start, freq.index_of(freq.at(start, [0, 1]), start)[0][:1])[0]


@given(aliases, months, st.integers(-300, 300), st.integers(0, 1439))
def test_freq_with_days_index_of_is_the_inverse_of_at(alias, month, k, minutes):
    freq = parse(alias)
    start = first_day(freq, month) + np.timedelta64(minutes, "m")
    times = freq.at(start, [0, k, k + 1])
    assert times[0] == start
    assert times[2] > times[1]
    positions, on_grid = freq.index_of(times, start)
    assert positions.tolist() == [0, k, k + 1]
    assert on_grid.all()


@pytest.mark.parametrize("alias", ALIASES)
def test_freq_with_days_alias_round_trips(alias):
    assert str(parse(alias)) == alias
    assert parse(str(parse(alias))) == parse(alias)


@pytest.mark.parametrize("alias", ALIASES)
def test_infer_freq_of_days_of_the_month_with_gaps_is_their_calendar(alias):
    freq = parse(alias)
    times = freq.range(first_day(freq, np.datetime64("2020-03", "M")), 60)
    assert infer_freq(times) == freq
    assert infer_freq(np.delete(times, [7, 20, 21])) == freq


@pytest.mark.parametrize(
    ("alias", "expected"),
    [
        *(("SM", "SME-15"), ("SMS", "SMS-15"), ("SME-20", "SME-20"), ("BM", "BME"), ("BQE", "3BME"), ("BQS", "3BMS")),
        *(("2BME", "2BME"), ("BYE", "12BME"), ("BQE-NOV", "3BME"), ("WOM-2TUE", "WOM-2TUE"), ("MS@31P", "ME@31P")),
    ],
)
def test_parse_takes_the_aliases_of_pandas(alias, expected):
    assert str(parse(alias)) == expected if "31P" not in alias else parse(alias).days == ("31P",)


@pytest.mark.parametrize(
    "alias", ["WOM", "WOM-5FRI", "WOM-3XYZ", "SMS-1", "MS@0", "MS@15,1", "MS@32", "MS@", "W@15P", "MS@JAN15", "YS@15"]
)
def test_parse_refuses_days_that_are_not_in_order_in_every_month(alias):
    with pytest.raises(ConfigError):
        parse(alias)


def test_freq_refuses_days_of_another_unit():
    with pytest.raises(ConfigError, match=r"Invalid days of a month.*15 for W"):
        Freq("W", days=("15",))


@pytest.mark.parametrize(
    ("days", "valid"),
    [(("1", "15"), True), (("15",), True), (("28", "31"), False), (("4FRI", "LFRI"), False), ((), False)],
)
def test_are_month_days_needs_order_in_every_month(days, valid):
    assert are_month_days(days) is valid


@pytest.mark.parametrize("alias", ["D", "2D", "W-SUN", "2W-SUN", "4W-SUN", "B", "MS", "ME", "QS-FEB", "10D", "5D"])
def test_infer_freq_of_even_steps_has_no_days(alias):
    freq = parse(alias)
    times = freq.range(freq.at(np.datetime64("2020-03-01", "us"), 0), 80)
    assert not infer_freq(times).days
    assert not infer_freq(np.delete(times, [5, 6, 30])).days


@given(st.sets(st.integers(0, 400), min_size=6, max_size=60))
def test_infer_freq_of_random_days_fits_them(numbers):
    times = np.datetime64("2021-01-01") + np.array(sorted(numbers))
    freq = infer_freq(times)
    if freq.days:
        assert freq.index_of(times, times[0])[1].mean() >= 0.85


def test_read_keeps_the_1st_and_the_15th():
    freq = parse("SMS-15")
    panel, notes = read(
        {"day": freq.range(np.datetime64("2020-01-01"), 60).astype(DAY).astype(str).tolist(), "y": list(range(60))}
    )
    assert (str(panel.freq), panel.lengths.tolist()) == ("SMS-15", [60])
    assert panel.freq.at(panel.start, 60).astype(DAY).astype(str).tolist() == ["2022-07-01"]
    assert "monthly on day 1 and day 15 (SMS-15)" in notes[0]


def test_read_moves_a_last_business_day_that_is_a_holiday():
    times = parse("BME").range(np.datetime64("2020-01-31"), 40).astype(DAY)
    times[16] -= 3  # Memorial Day.
    panel, notes = read({"day": times.astype(str).tolist(), "y": list(range(40))})
    assert str(panel.freq) == "BME"
    assert any("1 of 40 times does not fit the frequency" in note for note in notes)


def test_read_of_series_on_other_days_of_the_month_takes_months():
    last, first = (
        parse("BME").range(np.datetime64("2020-01-31"), 40),
        parse("ME").range(np.datetime64("2020-01-31"), 39),
    )
    table = {
        "id": ["a"] * 40 + ["b"] * 39,
        "day": [*last.astype(DAY).astype(str), *first.astype(DAY).astype(str)],
        "y": list(range(79)),
    }
    panel, _ = read(table)
    assert (str(panel.freq), panel.lengths.tolist()) == ("ME", [40, 39])


def test_read_takes_a_calendar_from_freq():
    panel, _ = read({"day": ["2024-01-03", "2024-01-15", "2024-02-01"], "y": [1, 2, 3]}, freq="SMS")
    assert panel.freq.at(panel.start, np.arange(4)).astype(DAY).astype(str).tolist() == [
        "2024-01-01",
        "2024-01-15",
        "2024-02-01",
        "2024-02-15",
    ]
