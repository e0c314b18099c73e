"""Types of id and time columns: tables of results have those of the source, also after a round trip through JSON."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import replace

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from gatecast.data.panel import KeyTypes
from gatecast.data.reader import add_offsets, kind_of, label_times, read, to_frame_like

IDS = ["b", "b", "b", "a", "a", "a"]
DAYS = ["2024-03-29", "2024-03-30", "2024-03-31"]
MONTHS = [202311, 202312, 202401]
HASHES = [2**63 + 1] * 3 + [2**64 - 1] * 3
"""Integers that neither int64 nor float64 holds."""


def result_of(source, steps=0, kind=None, **options):
    """The history, or the future times, of a source, as a table of its kind; the types go through JSON."""
    panel, _ = read(source, **options)
    key_types = KeyTypes.from_json(json.loads(json.dumps(panel.key_types.to_json())))
    panel = replace(panel, key_types=key_types)
    columns = panel.future_columns(steps) if steps else panel.to_columns()
    return to_frame_like(kind or kind_of(source), columns, panel)


PANDAS_IDS = {
    "object": pd.Series(IDS, dtype=object),
    "str": pd.Series(IDS, dtype="str"),
    "string": pd.Series(IDS, dtype="string"),
    "category": pd.Series(pd.Categorical(IDS, ["b", "unused", "a"])),
    "ordered category": pd.Series(pd.Categorical(IDS, ["b", "a"], ordered=True)),
    "category of integers": pd.Series([7, 7, 7, 5, 5, 5], dtype="category"),
    "int64": pd.Series([7, 7, 7, 5, 5, 5]),
    "uint8": pd.Series([7, 7, 7, 5, 5, 5], dtype="uint8"),
    "Int32": pd.Series([7, 7, 7, 5, 5, 5], dtype="Int32"),
    "uint64": pd.Series(HASHES, dtype="uint64"),
    "UInt64": pd.Series(HASHES, dtype="UInt64"),
    "dates": pd.Series([dt.date(2024, 3, 1)] * 3 + [dt.date(2023, 1, 9)] * 3, dtype=object),
    "datetimes": pd.Series(pd.to_datetime(["2024-03-01"] * 3 + ["2023-01-09 12:00"] * 3, format="ISO8601")),
    "category of uint64": pd.Series(np.array(HASHES, np.uint64)).astype("category"),
    "int64[pyarrow]": pd.Series([7, 7, 7, 5, 5, 5], dtype="int64[pyarrow]"),
    "object of integers": pd.Series([7, 7, 7, 5, 5, 5], dtype=object),
    "float64": pd.Series([7.0, 7.0, 7.0, 5.0, 5.0, 5.0]),
}
PANDAS_TIMES = {
    "ns": pd.Series(pd.to_datetime(DAYS)).astype("datetime64[ns]"),
    "s": pd.Series(pd.to_datetime(DAYS)).astype("datetime64[s]"),
    "Berlin": pd.Series(pd.date_range(DAYS[0], periods=3, tz="Europe/Berlin")),
    "Berlin, ns": pd.Series(pd.date_range(DAYS[0], periods=3, tz="Europe/Berlin")).dt.as_unit("ns"),
    "UTC": pd.Series(pd.date_range(DAYS[0], periods=3, tz="UTC")),
    "fixed offset": pd.Series(pd.date_range(DAYS[0], periods=3, tz=dt.timezone(dt.timedelta(hours=5, minutes=30)))),
    "months": pd.Series(pd.period_range("2024-01", periods=3, freq="M")),
    "dates": pd.Series([dt.date.fromisoformat(day) for day in DAYS], dtype=object),
    "years": pd.Series([2001, 2002, 2003]),
    "small years": pd.Series([2001, 2002, 2003], dtype="int16"),
    "YYYYMM": pd.Series(MONTHS),
    "YYYYMMDD": pd.Series([20240229, 20240301, 20240302]),
    "seconds": pd.Series([1704067200, 1704070800, 1704074400]),
    "steps": pd.Series([3, 4, 5], dtype="int32"),
    "nullable steps": pd.Series([3, 4, 5], dtype="Int64"),
}
POLARS_IDS = {
    "String": pl.Series(IDS),
    "Categorical": pl.Series(IDS, dtype=pl.Categorical),
    "Enum": pl.Series(IDS, dtype=pl.Enum(["unused", "a", "b"])),
    "UInt8": pl.Series([7, 7, 7, 5, 5, 5], dtype=pl.UInt8),
    "Int64": pl.Series([7, 7, 7, 5, 5, 5]),
    "UInt64": pl.Series(HASHES, dtype=pl.UInt64),
    "Int128": pl.Series([7, 7, 7, 5, 5, 5], dtype=pl.Int128),
    "Date": pl.Series([dt.date(2024, 3, 1)] * 3 + [dt.date(2023, 1, 9)] * 3),
    "Datetime": pl.Series([dt.datetime(2024, 3, 1)] * 3 + [dt.datetime(2023, 1, 9, 12)] * 3).cast(pl.Datetime("ms")),
}
POLARS_DAYS = pl.Series(DAYS).str.to_datetime()
POLARS_TIMES = {
    "Date": pl.Series(DAYS).str.to_date(),
    "us": POLARS_DAYS,
    "ns": POLARS_DAYS.cast(pl.Datetime("ns")),
    "Berlin": POLARS_DAYS.dt.replace_time_zone("Europe/Berlin"),
    "Berlin, ms": POLARS_DAYS.cast(pl.Datetime("ms")).dt.replace_time_zone("Europe/Berlin"),
    "years": pl.Series([2001, 2002, 2003], dtype=pl.Int32),
    "steps": pl.Series([3, 4, 5], dtype=pl.UInt16),
}
ARROW_IDS = {
    "string": pa.array(IDS),
    "large_string": pa.array(IDS, pa.large_string()),
    "dictionary": pa.array(IDS).dictionary_encode(),
    "int16": pa.array([7, 7, 7, 5, 5, 5], pa.int16()),
    "uint64": pa.array(HASHES, pa.uint64()),
    "date32": pa.array([dt.date(2024, 3, 1)] * 3 + [dt.date(2023, 1, 9)] * 3),
}
ARROW_DAYS = pa.array(pd.to_datetime(DAYS)).cast(pa.timestamp("us"))
ARROW_TIMES = {
    "date32": ARROW_DAYS.cast(pa.date32()),
    "ns": ARROW_DAYS.cast(pa.timestamp("ns")),
    "s": ARROW_DAYS.cast(pa.timestamp("s")),
    "Berlin": pa.array(pd.date_range(DAYS[0], periods=3, tz="Europe/Berlin")),
    "fixed offset": ARROW_DAYS.cast(pa.timestamp("us", "+05:30")),
    "years": pa.array([2001, 2002, 2003], pa.int32()),
}
ARRAYS = {
    "text": np.array(["2024-03-29", "2024-03-30", "2024-03-31"]).astype("M8[us]"),
    "days": np.array(DAYS, "M8[D]"),
    "ns": np.array(DAYS, "M8[ns]"),
    "years": np.array([2001, 2002, 2003], np.int32),
    "steps": np.array([3, 4, 5], np.uint8),
}


@pytest.mark.parametrize("name", PANDAS_IDS)
def test_pandas_ids_keep_their_type(name):
    frame = pd.DataFrame({"id": PANDAS_IDS[name], "t": [1, 2, 3] * 2, "y": np.arange(6.0)})
    restored = result_of(frame, id_col="id", time_col="t", target_col="y")
    pd.testing.assert_series_equal(restored["id"], frame["id"])


@pytest.mark.parametrize("name", PANDAS_TIMES)
def test_pandas_times_keep_their_type(name):
    frame = pd.DataFrame({"t": PANDAS_TIMES[name], "y": np.arange(3.0)})
    restored = result_of(frame, time_col="t", target_col="y")
    pd.testing.assert_frame_equal(restored, frame)
    future = result_of(frame, steps=2, time_col="t", target_col="y")["t"]
    assert future.dtype == frame["t"].dtype
    # The types compare: the future comes after the past.
    assert (future > frame["t"].iloc[-1]).all()


@pytest.mark.parametrize("name", POLARS_IDS)
def test_polars_ids_keep_their_type(name):
    frame = pl.DataFrame({"id": POLARS_IDS[name], "t": [1, 2, 3] * 2, "y": np.arange(6.0)})
    restored = result_of(frame, id_col="id", time_col="t", target_col="y")
    assert restored["id"].dtype == frame["id"].dtype
    assert restored["id"].equals(frame["id"])


@pytest.mark.parametrize("name", POLARS_TIMES)
def test_polars_times_keep_their_type(name):
    frame = pl.DataFrame({"t": POLARS_TIMES[name], "y": np.arange(3.0)})
    assert result_of(frame, time_col="t", target_col="y").equals(frame)
    assert result_of(frame, steps=2, time_col="t", target_col="y")["t"].dtype == frame["t"].dtype


@pytest.mark.parametrize("name", ARROW_IDS)
def test_arrow_ids_keep_their_type(name):
    table = pa.table({"id": ARROW_IDS[name], "t": [1, 2, 3] * 2, "y": np.arange(6.0)})
    restored = result_of(table, id_col="id", time_col="t", target_col="y")
    assert restored.schema.field("id").type == table.schema.field("id").type
    assert restored["id"].to_pylist() == table["id"].to_pylist()


@pytest.mark.parametrize("name", ARROW_TIMES)
def test_arrow_times_keep_their_type(name):
    table = pa.table({"t": ARROW_TIMES[name], "y": np.arange(3.0)})
    restored = result_of(table, time_col="t", target_col="y")
    assert restored.schema == table.schema
    assert restored["t"].to_pylist() == table["t"].to_pylist()


@pytest.mark.parametrize("name", ARRAYS)
def test_arrays_keep_their_type(name):
    columns = {"t": ARRAYS[name], "y": np.arange(3.0)}
    restored = result_of(columns, time_col="t", target_col="y")["t"]
    assert restored.dtype == ARRAYS[name].dtype
    assert (restored == ARRAYS[name]).all()


def test_array_ids_keep_their_type():
    numbers = np.array([7, 7, 7, 5, 5, 5], np.int32), np.array(HASHES, np.uint64)
    days = np.array(["2024-03-01"] * 3 + ["2023-01-09"] * 3, "M8[D]")
    for ids in (np.array(IDS), days, *numbers, np.array(IDS, object)):
        restored = result_of({"id": ids, "t": [1, 2, 3] * 2, "y": np.arange(6.0)}, id_col="id", target_col="y")["id"]
        assert restored.dtype == ids.dtype
        assert restored.tolist() == ids.tolist()


@pytest.mark.parametrize("make", [pd.DataFrame, pl.DataFrame, pa.table, dict])
def test_text_times_become_datetimes(make):
    restored = result_of(make({"ds": DAYS, "y": [1.0, 2.0, 3.0]}))["ds"]
    assert np.asarray(restored).astype("M8[D]").astype(str).tolist() == DAYS


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_integer_times_of_a_file_stay_integers(tmp_path, suffix):
    frame = pd.DataFrame({"month": MONTHS, "y": [1.0, 2.0, 3.0]})
    getattr(frame, f"to_{suffix}")(tmp_path / f"a.{suffix}", index=False)
    for kind in ("path", "pandas"):
        assert result_of(str(tmp_path / f"a.{suffix}"), 2, kind)["month"].tolist() == [202402, 202403]


def test_cutoffs_have_the_type_of_the_times():
    frame = pl.DataFrame({"t": POLARS_TIMES["Date"], "y": np.arange(3.0)})
    panel, _ = read(frame)
    columns = panel.future_columns(1) | {"cutoff": panel.times(0)[-1:], "path": np.array([1])}
    assert to_frame_like("polars", columns, panel).schema == {"t": pl.Date, "cutoff": pl.Date, "path": pl.Int64}


def test_daily_future_across_a_change_to_summer_time_stays_at_local_midnight():
    # All rows are in winter time, the next day is in summer time.
    frame = pd.DataFrame({"ds": pd.date_range("2024-03-26", periods=6, tz="Europe/Berlin"), "y": np.arange(6.0)})
    future = result_of(frame, 2)["ds"]
    assert future.tolist() == list(pd.date_range("2024-04-01", periods=2, tz="Europe/Berlin"))


@pytest.mark.parametrize(("zone", "skipped"), [("Pacific/Apia", "2011-12-30"), ("Pacific/Kwajalein", "1993-08-21")])
@pytest.mark.parametrize("make", [pd.DataFrame, pl.from_pandas, pa.Table.from_pandas])
def test_daily_future_over_a_date_that_a_zone_skipped_has_dates_without_a_zone(zone, skipped, make):
    last = pd.Timestamp(skipped) - pd.Timedelta("2D")
    days = pd.date_range(last - pd.Timedelta("9D"), last)
    source = make(pd.DataFrame({"ds": days.tz_localize(zone), "y": np.arange(10.0)}))
    assert (
        pd.to_datetime(np.asarray(result_of(source, 4)["ds"])).tolist() == list(pd.date_range(days[-1], periods=5))[1:]
    )
    panel, _ = read(source)
    assert add_offsets(panel.future_columns(4), panel)["ds"].dtype.kind == "M"
    # Before it there is a zone.
    assert str(add_offsets(panel.future_columns(1), panel)["ds"][0]).endswith(("-10:00", "-12:00"))


def test_daily_future_begins_at_the_first_hour_of_a_day_without_midnight():
    days = pd.date_range("2024-02-20", periods=17, freq="D", tz="America/Havana")
    future = result_of(pd.DataFrame({"ds": days, "y": np.arange(17.0)}), 4)["ds"]
    assert [str(time) for time in future[1:3]] == ["2024-03-09 00:00:00-05:00", "2024-03-10 01:00:00-04:00"]


@pytest.mark.parametrize(
    ("start", "freq", "zone", "labels"),
    [
        ("2024-10-27 01:00", "h", "Europe/Berlin", ["2024-10-27 02:00+02:00", "2024-10-27 02:00+01:00"]),
        ("2024-03-31 00:30", "30min", "Europe/Berlin", ["2024-03-31 01:00+01:00", "2024-03-31 01:30+01:00"]),
        ("2024-01-01 05:00", "h", "Asia/Kolkata", ["2024-01-01 06:00+05:30", "2024-01-01 07:00+05:30"]),
        ("2024-01-01 05:00", "h", "UTC", ["2024-01-01 06:00Z", "2024-01-01 07:00Z"]),
        ("2024-01-01 05:00", "h", None, None),
        ("2024-03-30", "D", "Europe/Berlin", ["2024-03-31", "2024-04-01"]),
        ("2024-03-30", "D", "UTC", ["2024-03-31", "2024-04-01"]),
    ],
)
def test_labels_are_times_of_the_clock_with_offsets_and_dates_without(start, freq, zone, labels):
    past = pd.date_range(end=start, periods=20, freq=freq).tz_localize(zone)
    panel, notes = read(pd.DataFrame({"ds": past, "y": np.arange(20.0)}))
    future = panel.future_times(2)[0]
    assert label_times(future, panel).tolist() == (future.tolist() if labels is None else labels)
    if labels is not None:
        assert notes[0].endswith(f" to {label_times(panel.times(0)[-1:], panel)[0]}.")


@pytest.mark.parametrize("n", [20, 40])
def test_hourly_future_across_a_change_to_summer_time_goes_on_by_hours(n):
    # With 20 rows the change is in the future, with 40 in the past.
    hours = pd.date_range("2024-03-30 06:00", periods=n + 5, freq="h", tz="Europe/Berlin")
    frame = pd.DataFrame({"ds": hours[:n], "y": np.arange(float(n))})
    assert result_of(frame)["ds"].tolist() == hours[:n].tolist()
    assert result_of(frame, 5)["ds"].tolist() == hours[n:].tolist()


def test_daily_times_at_utc_midnight_in_a_local_zone_stay_at_utc_midnight():
    days = pd.date_range("2024-03-29", periods=8, tz="UTC").tz_convert("Europe/London")
    frame = pd.DataFrame({"ds": days[:5], "y": np.arange(5.0)})
    assert result_of(frame)["ds"].tolist() == days[:5].tolist()
    assert result_of(frame, 3)["ds"].tolist() == days[5:].tolist()


def test_results_that_do_not_fit_a_type_keep_the_default_type():
    small = pd.DataFrame({"t": np.array([125, 126, 127], np.int8), "y": np.arange(3.0)})
    assert result_of(small, 2, time_col="t")["t"].tolist() == [128, 129]
    hours = pl.DataFrame({"t": POLARS_TIMES["Date"], "y": np.arange(3.0)})
    assert result_of(hours, 2, freq="h")["t"].dtype == pl.Datetime("us")
    old = pd.DataFrame({"t": pd.date_range("2261-12-01", periods=3, freq="MS", unit="ns"), "y": np.arange(3.0)})
    assert str(result_of(old, 2)["t"].iloc[-1].date()) == "2262-04-01"


def test_new_ids_extend_the_categories():
    frame = pd.DataFrame({"id": PANDAS_IDS["category"], "t": [1, 2, 3] * 2, "y": np.arange(6.0)})
    panel, _ = read(frame, id_col="id")
    panel = replace(panel, ids=np.array(["b", "new"], object))
    restored = to_frame_like("pandas", panel.future_columns(1), panel)["id"]
    assert restored.tolist() == ["b", "new"]
    assert restored.dtype.categories.tolist() == ["b", "unused", "a", "new"]


@pytest.mark.parametrize("kind", ["pandas", "polars", "pyarrow", "dict"])
@pytest.mark.parametrize("zone", ["Europe/Berlin", None])
def test_another_library_has_default_types_and_the_time_zone(kind, zone):
    frame = pd.DataFrame({"id": PANDAS_IDS["category"], "ds": list(pd.date_range(DAYS[0], periods=3)) * 2})
    frame = frame.assign(ds=frame["ds"].dt.tz_localize(zone), y=np.arange(6.0))
    panel, _ = read(frame)
    restored = to_frame_like(kind, panel.to_columns(), panel)
    assert kind_of(restored) == kind
    if kind in ("polars", "pyarrow"):
        assert pl.DataFrame(restored)["ds"].dtype == pl.Datetime("us", zone)
    assert [str(name) for name in list(restored["id"])] == IDS


def test_default_types_change_nothing():
    columns = {"unique_id": np.array(["a"], object), "ds": np.array(["2024-01-01"], "M8[us]"), "y": np.array([1.0])}
    panel, _ = read([1.0, 2.0])
    panel = replace(panel, key_types=KeyTypes())
    assert to_frame_like("pandas", columns, panel).equals(to_frame_like("pandas", columns))


@pytest.mark.parametrize("library", ["pandas", "polars", "pyarrow"])
def test_types_of_several_id_columns_are_restored(library):
    pandas = pd.DataFrame(
        {
            "store": pd.Series([7, 7, 7, 7, 8, 8], dtype="int16"),
            "item": pd.Series(pd.Categorical(list("bbaabb"), ["b", "a"])),
            "day": pd.Series(pd.to_datetime(DAYS[:2] * 3)),
            "y": np.arange(6.0),
        }
    )
    source = {"pandas": pandas, "polars": pl.from_pandas(pandas), "pyarrow": pa.Table.from_pandas(pandas)}[library]
    result = result_of(source, id_col=["store", "item"])
    columns = ["store", "item"]
    if library == "pandas":
        pd.testing.assert_frame_equal(result[columns], source[columns])
    elif library == "polars":
        assert result.select(columns).equals(source.select(columns))
        assert result.select(columns).schema == source.select(columns).schema
    else:
        assert result.select(columns).to_pylist() == source.select(columns).to_pylist()
        assert pa.types.is_int16(result.schema.field("store").type)
        assert pa.types.is_dictionary(result.schema.field("item").type)


def test_floats_as_ids_stay_floats_in_a_dict():
    source = {"shop": np.array([1.0, 1.0, 2.0, 2.0]), "t": np.array([1, 2, 1, 2]), "y": np.arange(4.0)}
    assert result_of(source, id_col="shop")["shop"].tolist() == [1.0, 1.0, 2.0, 2.0]
