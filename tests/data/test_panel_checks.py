"""Unusual panels: invalid ones raise errors that say where, the others are read."""

from __future__ import annotations

import re
import time
from decimal import Decimal

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from gatecast.data.frequency import format_times, parse
from gatecast.data.panel_builder import build_panel
from gatecast.data.reader import read
from gatecast.errors import DataError


def refusal(source, **options) -> str:
    """The message of the error that a source raises."""
    with pytest.raises(DataError) as error:
        read(source, **options)
    return str(error.value)


def panel_of(**series) -> dict:
    """A long table of series by name, each an alias, a start and a number of rows."""
    parts = [parse(alias).range(np.datetime64(start, "us"), n) for alias, start, n in series.values()]
    ids = np.repeat(np.array(list(series), object), [len(part) for part in parts])
    return {"id": ids, "ds": np.concatenate(parts), "y": np.arange(float(len(ids)))}


@pytest.mark.parametrize(
    ("longest", "other", "got", "expected"),
    [
        (("MS", "2020-01-01", 36), ("QS", "2020-01-01", 12), "quarterly (QS)", "monthly (MS)"),
        (("D", "2024-01-01", 60), ("W", "2024-01-01", 8), "weekly (W-MON)", "daily (D)"),
        (("D", "2024-01-01", 60), ("h", "2024-01-01", 50), "hourly (h)", "daily (D)"),
        (("h", "2024-01-01", 200), ("D", "2024-01-01", 8), "daily (D)", "hourly (h)"),
        (("MS", "2020-01-01", 36), ("ME", "2020-01-31", 12), "monthly (ME)", "monthly (MS)"),
        (("B", "2024-01-01", 60), ("W", "2024-01-01", 8), "weekly (W-MON)", "business days (B)"),
    ],
)
def test_mixed_frequencies(longest, other, got, expected):
    assert refusal(panel_of(a=longest, b=other)) == (
        f"Series have different frequencies (series 'b'): got {got}, expected {expected} in every series. "
        "Aggregate the series to one frequency, or forecast the series of each frequency separately."
    )


@pytest.mark.parametrize("ids", [("a",), ("a", "b")])
@pytest.mark.parametrize(
    ("own", "given", "label"),
    [("MS", "QS", "monthly (MS)"), ("D", "W", "daily (D)"), ("D", "MS", "daily (D)"), ("h", "D", "hourly (h)")],
)
def test_a_given_frequency_below_that_of_the_times_is_at_fault(ids, own, given, label):
    """Neither the other series nor irregular times are blamed; without it, the series are read."""
    table = panel_of(**dict.fromkeys(ids, (own, "2024-01-01", 40)))
    with pytest.raises(DataError) as caught:
        read(table, freq=given)
    assert caught.value.what == "Irregular times"
    assert caught.value.argument == "freq"
    assert caught.value.fix == f"Leave freq out, since the times are {label}, or aggregate the rows before."
    assert str(read(table)[0].freq) == own


@pytest.mark.parametrize("ids", [("a",), ("a", "b")])
def test_a_given_frequency_far_above_that_of_the_times_is_at_fault(ids):
    with pytest.raises(DataError, match="Nearly all times have no row") as caught:
        read(panel_of(**dict.fromkeys(ids, ("MS", "2020-01-01", 100))), freq="h")
    assert caught.value.fix == "Correct the date if it is wrong, or set freq to a lower frequency."


def test_sparse_and_short_series_are_no_mixture():
    panel, _ = read(panel_of(a=("D", "2024-01-01", 60), b=("2D", "2024-01-01", 4)))
    assert panel.lengths.tolist() == [60, 7]


def test_weeks_that_begin_on_different_days_and_fiscal_quarters():
    panel, _ = read(panel_of(a=("W", "2024-01-01", 20), b=("W", "2024-01-03", 9)))
    assert format_times(panel.future_times(1)[1]) == ["2024-03-06"]
    panel, _ = read(panel_of(a=("QE", "2020-03-31", 20), b=("QE-NOV", "2020-02-29", 9)))
    assert format_times(panel.future_times(1)[1]) == ["2022-05-31"]


@pytest.mark.parametrize("name", ["b", 7])
def test_duplicates_are_refused_by_name(name):
    table = panel_of(a=("D", "2024-01-01", 5), b=("D", "2024-01-01", 5))
    ids = [3 if name == 7 else "a"] * 5 + [name] * 5
    table = table | {"id": ids, "ds": table["ds"][[0, 1, 2, 3, 4, 5, 6, 7, 7, 8]]}
    assert refusal(table).startswith(
        f"Duplicate time (series {name!r}, row index 7 and row index 8): got 2024-01-03 in both rows "
        "(duplicates in total: 1), expected one row per series and time."
    )


@pytest.mark.parametrize("make", [dict, pd.DataFrame, pl.DataFrame])
def test_targets_of_decimals_and_of_text_are_numbers(make):
    for cells in ([Decimal("1.50"), None, Decimal("3")], ["1.50", "NA", "3"]):
        panel, notes = read(make({"ds": [1, 2, 3], "y": cells}), target_col="y")
        np.testing.assert_array_equal(panel.values, [1.5, np.nan, 3.0])
        assert len(notes) == 2
    panel, _ = read(pa.table({"ds": [1, 2], "y": pa.array([Decimal("1.50"), Decimal(2)], pa.decimal128(9, 2))}))
    assert panel.values.tolist() == [1.5, 2.0]


@pytest.mark.parametrize("make", [dict, pd.DataFrame, pl.DataFrame])
def test_targets_of_text_are_refused(make):
    assert refusal(make({"ds": [1, 2, 3], "y": ["low", "high", "low"]}), target_col="y").startswith(
        "The target column is not numeric (column 'y'): got 'low', 'high', 'low', ..., expected numbers."
    )


@pytest.mark.parametrize("cells", [[True, False, True], ["true", "FALSE", "True"]])
def test_targets_of_truth_values_are_0_and_1(cells):
    panel, notes = read({"ds": [1, 2, 3], "y": cells}, target_col="y")
    assert panel.values.tolist() == [1.0, 0.0, 1.0]
    assert notes[1] == "Booleans in the target column 'y' are read as 1 (true) and 0 (false)."
    panel, _ = read(pl.DataFrame({"ds": [1, 2, 3], "y": [True, None, False]}), target_col="y")
    np.testing.assert_array_equal(panel.values, [1.0, np.nan, 0.0])


@pytest.mark.parametrize(("start", "ahead"), [("1749-01-31", "1750-01-31"), ("2300-01-31", "2301-01-31")])
def test_times_before_1970_and_after_2262(start, ahead):
    times = parse("ME").range(np.datetime64(start, "us"), 12)
    for ds in (times, format_times(times), [moment.date() for moment in times.astype("M8[us]").tolist()]):
        panel, _ = read({"ds": ds, "y": np.arange(12.0)})
        assert (str(panel.freq), format_times(panel.future_times(1)[0])) == ("ME", [ahead])
    panel, _ = read(pl.DataFrame({"ds": times, "y": np.arange(12.0)}))
    assert format_times(panel.future_times(1)[0]) == [ahead]


@pytest.mark.parametrize(
    "ids",
    [
        pd.Series([2, 2, 1, 1], dtype="Int64"),
        pd.Series(["2", "2", "1", "1"], dtype="category"),
        pd.Series([2, 2, 1, 1], dtype="category"),
        pd.Series(["2", "2", "1", "1"], dtype="string"),
        np.array(["2", "2", "1", "1"]),
        pl.Series([2, 2, 1, 1], dtype=pl.UInt8),
        pl.Series(["2", "2", "1", "1"], dtype=pl.Categorical),
        pl.Series(["2", "2", "1", "1"], dtype=pl.Enum(["1", "2"])),
    ],
)
def test_ids_of_every_type(ids):
    make = pl.DataFrame if isinstance(ids, pl.Series) else pd.DataFrame
    panel, _ = read(make({"unique_id": ids, "ds": [1, 2, 1, 2], "y": [1.0, 2.0, 3.0, 4.0]}))
    assert [str(name) for name in panel.ids.tolist()] == ["2", "1"]
    assert panel.series(1).tolist() == [3.0, 4.0]


def test_hours_over_both_changes_of_the_clock():
    for day in ("2024-03-31", "2024-10-27"):
        local = pd.date_range(day, periods=48, freq="h", tz="Europe/Berlin")
        texts = [stamp.isoformat() for stamp in local]
        for ds in (local, texts):
            panel, notes = read(pd.DataFrame({"id": ["a"] * 48, "ds": ds, "y": np.arange(48.0)}))
            assert (panel.utc_offset_minutes, str(panel.freq), panel.mask.all()) == (0, "h", True)
            assert notes[1].endswith("so they are converted to UTC.")
        days = pd.date_range(day, periods=5, freq="D", tz="Europe/Berlin")
        panel, notes = read(pd.DataFrame({"ds": days, "y": np.arange(5.0)}))
        assert (panel.utc_offset_minutes, str(panel.freq)) == (None, "D")
        assert notes[1].endswith("All share the same local time of day and are treated as local times.")


NANOSECONDS = pd.DataFrame({"ds": pd.date_range("2024-01-01", periods=30, freq="ns"), "y": np.arange(30.0)})


@pytest.mark.parametrize(
    "make",
    [
        pd.DataFrame,
        lambda frame: frame.set_index("ds"),
        lambda frame: frame.assign(ds=frame["ds"].dt.tz_localize("Europe/Berlin")),
        lambda frame: frame.assign(ds=[time.isoformat() for time in frame["ds"]]),
        lambda frame: frame.assign(ds=frame["ds"].astype("int64")),
        lambda frame: pd.concat([frame.assign(id="a"), frame.assign(id="b")]),
        pl.from_pandas,
        pa.Table.from_pandas,
        lambda frame: {name: frame[name].to_numpy() for name in frame},
    ],
)
def test_times_finer_than_microseconds_are_no_duplicates(make):
    assert refusal(make(NANOSECONDS)) == (
        "Times finer than microseconds are not supported (column 'ds'): got times that differ by less, expected a "
        "microsecond or more between times. Give the rows of each series numbers (1, 2, 3, ...) as times instead."
    )
    panel, _ = read(NANOSECONDS.assign(ds=np.arange(1, 31)))
    assert (panel.start.tolist(), str(panel.freq)) == ([1], "1")


@pytest.mark.parametrize("columns", ["*", None])
def test_times_finer_than_microseconds_in_a_file(tmp_path, columns):
    NANOSECONDS.to_parquet(tmp_path / "a.parquet")
    message = refusal(str(tmp_path / "a.parquet"), target_col=columns)
    assert message.startswith("Times finer than microseconds are not supported (column 'ds')")


def test_times_in_nanoseconds_that_are_farther_apart_are_read_and_their_duplicates_named():
    times = NANOSECONDS["ds"] + np.arange(30) * np.timedelta64(1, "h")
    panel, _ = read(NANOSECONDS.assign(ds=times))
    assert (str(panel.freq), panel.mask.all()) == ("h", True)
    assert refusal(pd.concat([NANOSECONDS.assign(ds=times)] * 2)).startswith("Duplicate time (row index 0 and row")


def test_one_offset_stays_local():
    local = pd.date_range("2024-01-01", periods=30, freq="h", tz="Asia/Kolkata")
    panel, notes = read(pd.DataFrame({"ds": local, "y": np.arange(30.0)}))
    assert (panel.utc_offset_minutes, str(panel.start[0])) == (330, "2024-01-01T00:00:00.000000")
    assert notes[1] == "Times are in UTC+05:30 and are treated as local times."


@pytest.mark.parametrize(
    ("alias", "start", "ahead"),
    [
        ("B", "2024-01-01", "2024-01-22"),
        ("ME", "2023-01-31", "2024-04-30"),
        ("W-SUN", "2024-01-07", "2024-04-21"),
        ("W-TUE", "2024-01-02", "2024-04-16"),
        ("QE", "2020-02-29", "2023-11-30"),
    ],
)
def test_calendars(alias, start, ahead):
    panel, _ = read(panel_of(a=(alias, start, 15), b=(alias, start, 12)))
    assert format_times(panel.future_times(1)[0]) == [ahead]


def test_a_series_runs_from_its_first_row_to_its_last():
    table = {
        "id": ["a"] * 4 + ["b"] * 3,
        "ds": [1, 2, 3, 4, 3, 4, 6],
        "y": [np.nan, 2.0, 3.0, np.nan, np.nan, 5.0, np.nan],
    }
    panel, notes = read(table)
    assert panel.start.tolist() == [1, 3]
    np.testing.assert_array_equal(panel.values, [np.nan, 2, 3, np.nan, np.nan, 5, np.nan, np.nan])
    assert notes[1:3] == ("1 of 8 times has no row and is treated as missing: 5.", "4 of 7 rows have no value.")


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["dict", "pandas", "csv"])
def test_a_million_columns_are_refused_quickly(kind, tmp_path):
    n = 300_000
    names = [f"s{i}" for i in range(n)]
    if kind == "dict":
        source = {name: [1.0, 2.0] for name in names}
    elif kind == "pandas":
        source = pd.DataFrame(np.ones((2, n)), columns=names)
    else:
        source = tmp_path / "a.csv"
        source.write_text("\n".join((",".join(names), *[",".join(["1"] * n)] * 2)) + "\n")
    # Processor time, because the machine may be busy.
    began = time.process_time()
    message = refusal(source, target_col="*")
    assert time.process_time() - began < 3
    assert message.startswith("Too many columns")
    assert f"got {n} columns, expected at most 250000. Reshape the table to long format" in message


@pytest.mark.slow
def test_a_large_panel_is_read_quickly():
    S, T = 20_000, 50
    ids = np.repeat(np.array([f"series {s}" for s in range(S)], object), T)
    ds = np.tile(parse("MS").range(np.datetime64("2020-01-01"), T), S)
    y = np.arange(float(S * T))
    began = time.process_time()
    panel, _ = read({"unique_id": ids, "ds": ds, "y": y})
    # A tenth of the largest panel, in a tenth of its ten seconds.
    assert time.process_time() - began < 1
    assert len(panel) == S
    np.testing.assert_array_equal(panel.values, y)
    order = np.random.default_rng(0).permutation(S * T)
    mixed, _ = read({"unique_id": ids[order], "ds": ds[order], "y": y[order]})
    place = {name: s for s, name in enumerate(mixed.ids.tolist())}
    np.testing.assert_array_equal(mixed.take([place[name] for name in panel.ids.tolist()]).values, y)


def write_days(path, days, header="day,y", prefix=""):
    path.write_text(header + "\n" + "".join(f"{prefix}{day},{k % 5}\n" for k, day in enumerate(days)))


RETAIL = np.datetime64("2020-02-01") + 7 * np.cumsum([4, 4, 5] * 12)
RANDOM = np.datetime64("2020-02-01") + np.cumsum(np.random.default_rng(0).integers(5, 30, 60))


@pytest.mark.parametrize(
    ("days", "is_dense"),
    [(RETAIL, False), (RANDOM, True), (np.datetime64("2000-01-01") + 9 * (RANDOM - RANDOM[0]), False)],
)
@pytest.mark.parametrize("has_ids", [False, True])
def test_read_of_irregular_times_gives_advice_that_works(days, is_dense, has_ids, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    if has_ids:
        write_days(tmp_path / "file.csv", days, "shop,day,y", "a,")
        with (tmp_path / "file.csv").open("a") as file:
            file.writelines(f"b,{day},{k % 4}\n" for k, day in enumerate(days))
    else:
        write_days(tmp_path / "file.csv", days)
    with pytest.raises(DataError, match="Irregular times") as error:
        read("file.csv")
    message = str(error.value)
    query = re.search(r'To number them without their dates, call fit\("(SELECT .*?)"\)', message)[1]
    panel, _ = read(query)
    assert (panel.lengths.tolist(), str(panel.freq)) == ([len(days)] * (1 + has_ids), "1")
    assert ("Set freq='D'" in message) == is_dense or days is RETAIL
    if "Set freq='D'" in message:
        assert str(read("file.csv", freq="D")[0].freq) == "D"


@pytest.mark.parametrize("times", [np.int64(2**63 - 3) + np.arange(3), np.int64(-(2**63)) + np.arange(3)])
def test_build_panel_times_at_the_edge_of_64_bits_are_refused(times):
    with pytest.raises(DataError, match=r"Time too far away .*expected times from -2305843009213693952"):
        build_panel(times, [1.0, 2.0, 3.0])


def test_build_panel_years_at_the_edge_of_64_bits_are_refused():
    years = np.array(["290000", "290001", "290002"], "M8[Y]")
    with pytest.raises(DataError, match=r"Time too far away .*got 290000-01-01, expected times from -71100"):
        build_panel(years, [1.0, 2.0, 3.0])
