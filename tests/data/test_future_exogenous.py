"""Future values of the `futr_exog` columns."""

from __future__ import annotations

import numpy as np
import pandas as pd
import polars as pl
import pytest

from gatecast.data.frequency import parse
from gatecast.data.reader import read, read_future
from gatecast.errors import ConfigError, DataError

PAST = {
    "shop": ["a"] * 4 + ["b"] * 3,
    "ds": ["2024-01-01", "2024-01-02", "2024-01-03", "2024-01-04", "2024-01-01", "2024-01-02", "2024-01-03"],
    "y": [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0],
    "price": [1.0] * 7,
    "event": ["fair", "", "ball", "", "", "", "fair"],
}
NEXT = {
    "shop": ["b", "b", "a", "a"],
    "ds": ["2024-01-05", "2024-01-04", "2024-01-05", "2024-01-06"],
    "price": [2.5, 2.4, 1.5, 1.6],
    "event": ["", "fair", "ball", ""],
}


@pytest.fixture(name="panel")
def _panel():
    return read(PAST, "shop", target_col="y", futr_exog=["price", "event"])[0]


def without(row: int) -> dict:
    """The next rows but one."""
    return {name: column[:row] + column[row + 1 :] for name, column in NEXT.items()}


@pytest.mark.parametrize("make", [dict, pd.DataFrame, pl.DataFrame])
def test_read_future_in_any_order_of_rows(panel, make):
    future = read_future(make(NEXT), panel, 2)
    assert future["price"].tolist() == [[1.5, 1.6], [2.4, 2.5]]
    np.testing.assert_array_equal(future["event"], [[0, np.nan], [1, np.nan]])
    assert read_future(make(NEXT), panel, 1)["price"].tolist() == [[1.5], [2.4]]


def test_read_future_ignores_rows_of_other_times(panel):
    both = {name: PAST[name] + NEXT[name] for name in NEXT}
    assert read_future(both, panel, 2)["price"].tolist() == [[1.5, 1.6], [2.4, 2.5]]


def test_read_future_from_a_file_with_integer_ids(tmp_path):
    past = "store,week,n,promo\n" + "".join(f"{s},{k},{k * s},{k % 2}\n" for s in (7, 9) for k in range(1, 6))
    (tmp_path / "past.csv").write_text(past)
    (tmp_path / "next.csv").write_text("store,week,promo\n9,6,1\n7,6,0\n")
    panel, _ = read(tmp_path / "past.csv", "store", "week", "n", futr_exog="promo")
    assert read_future(tmp_path / "next.csv", panel, 1)["promo"].tolist() == [[0.0], [1.0]]


def test_read_future_without_id_column_holds_for_every_series():
    wide = {"ds": [1, 2, 3], "a": [1.0, 2.0, 3.0], "b": [5.0, 6.0, 7.0], "holiday": [False, True, False]}
    panel, _ = read(wide, target_col=["a", "b"], futr_exog="holiday")
    assert panel.futr_exog["holiday"].tolist() == [0.0, 1.0, 0.0] * 2
    assert read_future({"ds": [4, 5], "holiday": [True, False]}, panel, 2)["holiday"].tolist() == [[1.0, 0.0]] * 2


def test_read_future_without_futr_exog_returns_nothing():
    panel, _ = read([1.0, 2.0, 4.0])
    assert read_future(None, panel, 3) == {}


def test_read_future_without_a_table_raises(panel):
    with pytest.raises(DataError, match="Missing futr_df: expected a table with the columns 'price', 'event'"):
        read_future(None, panel, 3)


def test_read_future_with_missing_rows_raises_with_a_list(panel):
    with pytest.raises(DataError, match="Missing rows in futr_df") as error:
        read_future(without(0), panel, 2)
    assert error.value.got == "no row for series 'b', 2024-01-05"
    assert error.value.expected == "2 rows per series, 4 in total"
    with pytest.raises(DataError) as error:
        read_future(NEXT, panel, 9)
    assert "got no row for series 'a', 2024-01-07; series 'a', 2024-01-08; " in str(error.value)
    assert "2024-01-11 and 9 more, expected 9 rows per series, 18 in total" in str(error.value)


def test_read_future_of_unknown_series_is_noted(panel):
    more = {
        name: [*column, extra] for (name, column), extra in zip(NEXT.items(), ("c", "2024-01-05", 1.0, ""), strict=True)
    }
    notes = []
    assert read_future(more, panel, 2, notes)["price"].shape == (2, 2)
    assert notes == ["future table: it has series that the data do not have, which are not used: 'c'."]
    renamed = NEXT | {"shop": ["B", "B", "a", "a"]}
    with pytest.raises(DataError, match=r"no row for series 'b', 2024-01-04; .* unknown series: 'B'\."):
        read_future(renamed, panel, 2)


def test_read_future_with_duplicate_time_raises(panel):
    with pytest.raises(DataError, match="Duplicate time in futr_df") as error:
        read_future(NEXT | {"ds": ["2024-01-04", *NEXT["ds"][1:]]}, panel, 2)
    assert error.value.where == "series 'b', row index 0 and row index 1"
    assert error.value.got == "2024-01-04 in both rows (duplicates in total: 1)"


def test_read_future_with_unknown_category_raises(panel):
    with pytest.raises(DataError, match="Unknown category") as error:
        read_future(NEXT | {"event": ["", "fair", "gala", "rain"]}, panel, 2)
    assert (error.value.where, error.value.got) == (
        "future table, row index 2, column 'event'",
        "'gala', 'rain'",
    )
    assert error.value.expected.endswith("'ball', 'fair'")
    # Beyond the horizon it does no harm.
    assert read_future(NEXT | {"event": ["", "fair", "ball", "rain"]}, panel, 1)["event"].tolist() == [[0.0], [1.0]]


def test_read_future_with_missing_numbers_raises(panel):
    with pytest.raises(DataError, match="Missing values in futr_df") as error:
        read_future(NEXT | {"price": [2.5, None, 1.5, 1.6]}, panel, 2)
    assert (error.value.where, error.value.got) == ("column 'price'", "no number for series 'b', 2024-01-04")


def test_read_future_with_missing_column_or_other_times_raises(panel):
    with pytest.raises(ConfigError, match=r"Missing column in futr_df: got .*, expected a column 'price'"):
        read_future({name: NEXT[name] for name in ("shop", "ds", "event")}, panel, 2)
    with pytest.raises(ConfigError, match=r"Missing column in futr_df: got .*, expected a column 'ds'"):
        read_future({name: NEXT[name] for name in ("shop", "price", "event")}, panel, 2)
    with pytest.raises(DataError, match=r"another type .*\(column 'ds'\): got integers, expected dates"):
        read_future(NEXT | {"ds": [5, 4, 5, 6]}, panel, 2)
    with pytest.raises(ConfigError, match="Invalid h 0"):
        read_future(NEXT, panel, 0)


@pytest.mark.parametrize("past_zone", ["Europe/Berlin", None])
def test_read_future_across_a_change_of_the_utc_offset(past_zone):
    # The past runs on winter time, the future passes over to summer time: on one clock no hour is there twice.
    hours = pd.date_range("2024-03-29", periods=72, freq="h", tz="Europe/Berlin")
    frame = pd.DataFrame({"ds": hours, "y": np.arange(72.0), "x": np.arange(72.0)})
    past, later = frame[:40], frame[40:][["ds", "x"]]
    if past_zone is None:
        past = past.assign(ds=past["ds"].dt.tz_localize(None))
        later = later.assign(ds=later["ds"].dt.tz_convert("Etc/GMT-1"))
    panel, _ = read(past, target_col="y", futr_exog="x")
    assert panel.utc_offset_minutes == (60 if past_zone else None)
    assert read_future(later, panel, 32)["x"].tolist() == [list(np.arange(40.0, 72.0))]
    texts = later.assign(ds=later["ds"].map(lambda time: time.isoformat()))
    assert read_future(texts, panel, 32)["x"].tolist() == [list(np.arange(40.0, 72.0))]


@pytest.mark.parametrize("alias", ["ME", "MS", "QE", "W-MON", "B", "D", "h", "15min", "1"])
def test_read_future_of_every_frequency(alias):
    freq = parse(alias)
    start = 1 if alias == "1" else np.datetime64("2023-01-31" if "E" in alias else "2024-01-01", "us")
    times = freq.range(start, 16)
    table = {"t": times, "y": np.arange(16.0), "x": np.arange(16.0)}
    past = {name: column[:12] for name, column in table.items()}
    panel, _ = read(past, time_col="t", target_col="y", futr_exog="x", freq=alias if alias != "1" else 1)
    later = {"t": times[12:], "x": table["x"][12:]}
    assert read_future(later, panel, 4)["x"].tolist() == [[12.0, 13.0, 14.0, 15.0]]
