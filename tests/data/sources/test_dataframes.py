"""Tables of other libraries, in and out."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet
import pytest

from gatecast.data.frequency import format_times
from gatecast.data.reader import kind_of, read, to_frame_like


class TestTables:
    """Tables of other libraries."""

    FRAME = pd.DataFrame({"ds": pd.date_range("2024-01-01", periods=5, freq="MS"), "y": [1.0, 2.0, 3.0, None, 5.0]})

    @pytest.mark.parametrize(
        "change",
        [
            lambda frame: frame,
            lambda frame: frame.set_index("ds"),
            lambda frame: frame.set_index("ds")["y"],
            lambda frame: frame.assign(ds=frame["ds"].dt.to_period("M")),
            lambda frame: frame.assign(ds=frame["ds"].dt.strftime("%b %Y")),
            lambda frame: frame.assign(ds=frame["ds"].dt.date),
            lambda frame: frame.assign(y=frame["y"].astype("Int64")),
            lambda frame: frame.assign(y=frame["y"].astype(object)),
            lambda frame: frame.assign(ds=frame["ds"].dt.tz_localize("Europe/Berlin")),
            pl.from_pandas,
            lambda frame: pl.from_pandas(frame).lazy(),
            lambda frame: pl.from_pandas(frame).with_columns(pl.col("ds").cast(pl.Date)),
            lambda frame: pl.from_pandas(frame).with_columns(pl.col("ds").dt.replace_time_zone("Europe/Berlin")),
            lambda frame: pl.from_pandas(frame).with_columns(pl.col("y").cast(pl.Decimal(10, 2))),
            pa.Table.from_pandas,
            pa.RecordBatch.from_pandas,
            lambda frame: {name: frame[name].to_numpy() for name in frame},
            lambda frame: {name: frame[name].tolist() for name in frame},
            lambda frame: frame.to_dict("records"),
        ],
    )
    def test_kinds(self, change):
        panel, _ = read(change(self.FRAME))
        np.testing.assert_array_equal(panel.values, [1.0, 2.0, 3.0, np.nan, 5.0])
        assert format_times(panel.times(0)) == [f"2024-0{month}-01" for month in range(1, 6)]
        assert str(panel.freq) == "MS"

    def test_summer_time(self):
        hours = pd.date_range("2024-03-30", periods=72, freq="h", tz="Europe/Berlin")
        panel, notes = read(pd.DataFrame({"ds": hours, "y": np.arange(72.0)}))
        assert (str(panel.freq), len(panel.values)) == ("h", 72)
        assert notes[1].endswith("so they are converted to UTC.")

    def test_sequences_of_values(self):
        assert read([1, 2, 4])[0].values.tolist() == [1.0, 2.0, 4.0]
        assert read(np.array([1.0, np.nan, 4.0]))[0].mask.tolist() == [True, False, True]

    @pytest.mark.parametrize("make", [dict, pd.DataFrame, pl.DataFrame, pa.table])
    def test_values_of_2_63_and_above_are_those_of_the_table(self, make):
        values = np.array([2**63 + 2**40, 5, 2**64 - 2**40], np.uint64)
        assert read(make({"ds": [1, 2, 3], "y": values}))[0].values.tolist() == values.astype(np.float64).tolist()

    @pytest.mark.parametrize("dtype", [pl.Int128, pl.Float32, pl.Decimal(38, 0)])
    @pytest.mark.parametrize("values", [[1, 2, 4], [None, 2, 4]])
    def test_numbers_that_numpy_lacks(self, dtype, values):
        frame = pl.DataFrame({"ds": [1, 2, 3], "y": pl.Series(values, dtype=pl.Int64).cast(dtype)})
        np.testing.assert_array_equal(read(frame)[0].values, np.array(values, float))

    def test_integers_of_more_than_64_bits(self):
        frame = pl.DataFrame({"ds": [1, 2], "y": pl.Series([2**100, 5], dtype=pl.Int128)})
        assert read(frame)[0].values.tolist() == [2.0**100, 5.0]

    @pytest.mark.parametrize("order", [["unique_id", "ds", "y"], ["ds", "unique_id", "y"]])
    def test_dates_in_a_column_whose_name_says_that_it_has_ids(self, order):
        days = [date(2024, 1, 1), date(2024, 1, 2), date(2024, 1, 3)] * 2
        ids = [date(2020, 5, 1)] * 3 + [date(2021, 5, 1)] * 3
        panel, notes = read(pd.DataFrame({"unique_id": ids, "ds": days, "y": range(6)})[order])
        assert panel.ids.tolist() == ["2020-05-01", "2021-05-01"]
        assert notes[0].startswith("id column: 'unique_id', time column: 'ds'")
        assert read(pd.DataFrame({"unique_id": days[:3], "y": range(3)}))[0].columns.time == "unique_id"

    def test_whole_numbers_as_names_of_series(self):
        panel, _ = read({"unique_id": [7, 7, 3, 3], "ds": [1, 2, 1, 2], "y": [1, 2, 3, 4]})
        assert panel.ids.tolist() == [7, 3]

    @pytest.mark.parametrize("make", [pd.DataFrame, pl.DataFrame, pa.table, dict])
    def test_tables_go_out_as_they_came(self, make):
        columns = {"unique_id": ["a", "a"], "ds": ["2024-01-01", "2024-01-02"], "y": [1.0, 2.0]}
        source = make(columns)
        panel, _ = read(source)
        back = to_frame_like(kind_of(source), panel.to_columns())
        assert type(back) is type(source)
        again, _ = read(back)
        assert again.values.tolist() == [1.0, 2.0]
        assert (again.all_times() == panel.all_times()).all()

    @pytest.mark.parametrize("options", [{}, {"time_col": "0", "target_col": "1"}, {"time_col": 0, "target_col": 1}])
    def test_columns_that_pandas_numbers(self, options):
        frame = self.FRAME.set_axis([0, 1], axis=1)
        panel, notes = read(frame, **options)
        np.testing.assert_array_equal(panel.values, [1.0, 2.0, 3.0, np.nan, 5.0])
        assert (panel.columns.time, panel.columns.target) == ("0", "1")
        assert notes[0].startswith("time column: '0', target: '1', frequency: monthly (MS); 5 points")

    def test_record_batches_go_out_as_arrow_tables(self):
        batch = pa.record_batch({"y": [1.0, 2.0]})
        assert kind_of(batch) == "pyarrow"
        assert isinstance(to_frame_like(kind_of(batch), {"y": [1.0]}), pa.Table)

    def test_lazy_tables_and_files(self):
        assert isinstance(to_frame_like(kind_of(pl.LazyFrame({"y": [1]})), {"y": [1.0]}), pl.DataFrame)
        assert to_frame_like(kind_of("a.csv"), {"y": [1.0]})["y"].tolist() == [1.0]
        assert kind_of(Path("a.csv")) == "path"


def test_an_index_that_numbers_rows_is_left_behind_however_tables_were_joined():
    days = pd.date_range("2024-01-01", periods=6)
    one = pd.DataFrame({"ds": days, "y": np.arange(6.0)})
    joined = pd.concat([one.assign(shop="a"), one.assign(shop="b")])
    assert read(joined)[0].lengths.tolist() == [6, 6]
    assert read(one.drop(index=2))[0].series(0).tolist()[:2] == [0.0, 1.0]
    assert read(one.iloc[::-1])[0].series(0).tolist() == one["y"].tolist()
    numbered = pd.DataFrame({"t": [3, 1, 2], "y": [3.0, 1.0, 2.0]}, index=[7, 7, 9])
    assert read(numbered)[0].series(0).tolist() == [1.0, 2.0, 3.0]


def test_an_index_of_years_is_the_time():
    years = pd.DataFrame({"y": [1.0, 2.0, 3.0]}, index=[2001, 2002, 2003])
    assert str(read(years)[0].freq) != "1"
    assert read(pd.Series([1.0, 2.0, 3.0], index=[2001, 2002, 2003], name="y"))[0].lengths.tolist() == [3]
