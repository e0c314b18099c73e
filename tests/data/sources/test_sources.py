"""Where tables come from beside one file: patterns of files, queries, databases; and wide tables."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

duckdb = pytest.importorskip("duckdb")

from gatecast.data.reader import read, to_frame_like, write  # noqa: E402
from gatecast.data.sources import sql  # noqa: E402
from gatecast.errors import ConfigError, DataError  # noqa: E402


def refusal(source, kind=DataError, **options) -> str:
    """The message of the error that a source raises."""
    with pytest.raises(kind) as error:
        read(source, **options)
    return str(error.value)


class TestPatterns:
    """Several files at once."""

    @pytest.fixture
    def folder(self, tmp_path):
        (tmp_path / "north.csv").write_text("ds,y\n2024-01-01,1\n2024-01-02,2\n")
        (tmp_path / "south.csv").write_text("y;ds\n5,5;2024-01-02\n6;2024-01-03\n7;2024-01-04\n")
        return tmp_path

    def test_files_without_names_are_series_named_after_them(self, folder):
        for pattern in (f"{folder}/*.csv", folder / "*th.csv"):
            panel, notes = read(pattern)
            assert panel.ids.tolist() == ["north", "south"]
            assert panel.values.tolist() == [1.0, 2.0, 5.5, 6.0, 7.0]
            assert (panel.columns.id, panel.columns.time, panel.columns.target) == ("unique_id", "ds", "y")
            assert notes[0] == (
                "one series per file, time column: 'ds', target: 'y', frequency: daily (D); "
                "2 series of 2 to 3 points from 2024-01-01 to 2024-01-04."
            )
            assert notes[1] == "2 files were read."

    def test_one_file_is_that_file(self, folder):
        panel, _ = read(f"{folder}/n*.csv")
        assert (panel.columns.id, panel.ids.tolist()) == (None, [""])

    def test_a_column_of_names_is_kept(self, folder):
        for month in (1, 2):
            rows = "".join(f"{shop},2024-0{month}-0{day},{day}\n" for shop in "ab" for day in range(1, 9))
            (folder / f"2024-{month}.csv").write_text("shop,ds,y\n" + rows)
        panel, _ = read(f"{folder}/2024*.csv", freq="D")
        assert (panel.columns.id, panel.ids.tolist()) == ("shop", ["a", "b"])
        assert panel.lengths.tolist() == [39, 39]

    def test_files_of_one_name_in_several_folders(self, folder):
        for part in ("a", "b"):
            (folder / part).mkdir()
            write({"ds": [1, 2], "y": [1.0, 2.0]}, folder / part / "x.parquet")
        assert read(f"{folder}/**/x.parquet")[0].ids.tolist() == ["a/x", "b/x"]

    def test_kinds_that_differ(self, folder):
        (folder / "t.json").write_text('[{"ds": "2024-01-01", "y": 0.1}, {"ds": "2024-01-02", "y": null}]')
        panel, _ = read(f"{folder}/[nt]*")
        np.testing.assert_array_equal(panel.values, [1.0, 2.0, 0.1, np.nan])

    def test_a_name_that_looks_like_a_pattern(self, folder):
        (folder / "a[1].csv").write_text("ds,y\n1,5\n2,6\n")
        assert read(f"{folder}/a[1].csv")[0].values.tolist() == [5.0, 6.0]

    def test_refusals_say_which_file(self, folder):
        assert refusal(f"{folder}/*.tsv").startswith(
            f"No file matches the pattern ({folder}/*.tsv): expected a pattern such as data/*.csv."
        )
        (folder / "west.csv").write_text("ds,y\n2024-01-01,1\n2024-01-02,2\n2024-01-03,2\n2024-01-04,x\n")
        assert refusal(f"{folder}/*.csv").startswith("Invalid number (row 5 of west, column 'y'): got 'x'")
        (folder / "west.csv").write_text("ds,z\n2024-01-01,1\n2024-01-02,2\n")
        assert refusal(f"{folder}/*.csv") == (
            f"Files have different columns ({folder}/west.csv): got 'ds', 'z', expected 'ds', 'y', "
            f"as in {folder}/north.csv."
        )


class TestQueries:
    """SQL through DuckDB."""

    @pytest.fixture
    def database(self, tmp_path):
        path = tmp_path / "shop.duckdb"
        with duckdb.connect(str(path)) as connection:
            connection.execute("CREATE TABLE sales AS SELECT i AS week, i * 2.5 AS n FROM range(5) AS t(i)")
        return path

    @pytest.mark.parametrize(
        "query",
        [
            "SELECT i AS t, i * 2.0 AS y FROM range(4) AS r(i) ORDER BY i; ",
            "select i as t, i * 2.0 as y from range(4) as r(i) -- a comment",
            "WITH r AS (SELECT * FROM range(4) AS r(i)) SELECT i AS t, (i * 2)::DECIMAL(9, 2) AS y FROM r",
            "\n FROM range(4) AS r(i) SELECT i AS t, i * 2.0 AS y",
        ],
    )
    def test_queries(self, query):
        panel, _ = read(query, time_col="t", target_col="y")
        assert panel.values.tolist() == [0.0, 2.0, 4.0, 6.0]
        assert to_frame_like("path", panel.to_columns())["y"].tolist() == [0.0, 2.0, 4.0, 6.0]

    def test_queries_over_files(self, tmp_path):
        path = write({"shop": ["a", "a", "b"], "ds": [1, 1, 1], "y": [1.0, 2.0, 5.0]}, tmp_path / "it.parquet")
        panel, _ = read(f"SELECT ds + d AS ds, sum(y) AS y FROM '{path}', range(2) AS r(d) GROUP BY ALL")
        assert panel.values.tolist() == [8.0, 8.0]

    def test_times_with_a_zone(self):
        query = "SELECT TIMESTAMPTZ '2024-03-31 00:00:00+01' + INTERVAL (i) HOUR AS ds, i AS y FROM range(4) AS r(i)"
        panel, notes = read(query, target_col="y")
        assert (str(panel.start[0]), panel.utc_offset_minutes) == ("2024-03-30T23:00:00.000000", 0)
        assert notes[1] == "Times are in UTC."

    def test_many_rows_of_few_texts(self, monkeypatch):
        query = (
            "SELECT CASE WHEN i < 20 THEN 'x' ELSE 'y' END AS id, i AS t, i AS y,"
            ' CASE WHEN i % 2 = 0 THEN \'p\' END AS "a ""b" FROM range(60) AS r(i) ORDER BY i'
        )
        few, _ = read(query, "id", "t", "y", futr_exog='a "b')
        monkeypatch.setattr(sql, "MIN_ROWS_FOR_ENUM", 10)
        many, _ = read(query, "id", "t", "y", futr_exog='a "b')
        assert many.ids.tolist() == few.ids.tolist() == ["x", "y"]
        assert many.categories == few.categories == {'a "b': ("p",)}
        np.testing.assert_array_equal(many.values, few.values)
        np.testing.assert_array_equal(many.futr_exog['a "b'], few.futr_exog['a "b'])

    @pytest.mark.parametrize("what", ["", "::sales", "::SELECT week, n FROM sales"])
    def test_databases(self, database, what):
        panel, _ = read(f"{database}{what}", target_col="n")
        assert panel.values.tolist() == [0.0, 2.5, 5.0, 7.5, 10.0]

    def test_refusals(self, database, tmp_path):
        assert refusal("SELECT * FROM nope").startswith(
            "The query failed (SELECT * FROM nope): got Catalog Error: Table"
        )
        assert refusal("select 1 as y; drop table x") == (
            "Invalid query (select 1 as y; drop table x): got 2 statements, expected a single SELECT statement."
        )
        assert "got a statement other than SELECT" in refusal("WITH a AS (SELECT 1 AS i) INSERT INTO b FROM a")
        assert refusal(f"{database}::sale") == (
            f"Unknown table in the database ({database}): got 'sale', expected one of 'sales'. Did you mean 'sales'?"
        )
        with duckdb.connect(str(database)) as connection:
            connection.execute("CREATE SCHEMA old; CREATE TABLE old.sales AS FROM sales")
        assert refusal(database) == (
            f"Missing table name ({database}): got a database of 2 tables, expected one of 'old.sales', 'sales'. "
            f"Append the name, as in {database}::old.sales."
        )
        assert read(f"{database}::old.sales", target_col="n")[0].values[-1] == 10.0
        assert refusal(f"{tmp_path}/none.duckdb").startswith(
            f"File not found ({tmp_path}/none.duckdb): expected a DuckDB"
        )
        (tmp_path / "bad.duckdb").write_text("x" * 5000)
        assert refusal(f"{tmp_path}/bad.duckdb::t").startswith(f"Cannot read the database ({tmp_path}/bad.duckdb)")

    def test_nothing_is_fetched_and_no_variable_is_read(self):
        frame = pd.DataFrame({"y": [1.0, 2.0]})
        assert len(frame) == 2
        assert "Table with name frame does not exist" in refusal("SELECT * FROM frame")
        assert "requires the extension httpfs" in refusal("SELECT * FROM 'https://localhost/a.parquet'")


class TestWide:
    """A column for each series."""

    WIDE = {  # noqa: RUF012
        "ds": ["2024-01-01", "2024-01-02", "2024-01-03", "2024-01-04"],
        "shop": [1.0, 2.0, 3.0, 4.0],
        "web": [None, 6.0, None, None],
        "note": ["a", "b", "c", "d"],
    }

    @pytest.mark.parametrize("targets", [["shop", "web"], ("shop", "web"), "*", pd.Index(["shop", "web"])])
    @pytest.mark.parametrize("make", [dict, pd.DataFrame])
    def test_columns_are_series_from_their_first_value_to_the_last_row(self, make, targets):
        panel, notes = read(make(self.WIDE), target_col=targets)
        assert panel.ids.tolist() == ["shop", "web"]
        np.testing.assert_array_equal(panel.values, [1, 2, 3, 4, 6, np.nan, np.nan])
        assert str(panel.start[1].astype("M8[D]")) == "2024-01-02"
        assert (panel.columns.id, panel.columns.time, panel.columns.target) == ("unique_id", "ds", "y")
        assert notes[0] == (
            "one series per column, time column: 'ds', targets: 'shop', 'web', frequency: daily (D); "
            "2 series of 3 to 4 points from 2024-01-01 to 2024-01-04."
        )
        assert list(panel.to_columns()) == ["unique_id", "ds", "y"]

    def test_text_files_and_columns_beside_the_target(self, tmp_path):
        (tmp_path / "w.csv").write_text("date,a,b,event\n2024-01,1,2,x\n2024-02,3,,\n2024-03,,4,y\n")
        panel, _ = read(tmp_path / "w.csv", target_col="*", futr_exog="event")
        np.testing.assert_array_equal(panel.values, [1, 3, np.nan, 2, np.nan, 4])
        np.testing.assert_array_equal(panel.futr_exog["event"], [0, np.nan, 1] * 2)

    def test_tables_without_times(self):
        panel, notes = read({"a": [5, 1], "b": [3, 4]}, target_col=["b", "a"])
        assert panel.ids.tolist() == ["b", "a"]
        assert panel.times(0).tolist() == [1, 2]
        assert "no time column (rows are numbered)" in notes[0]

    def test_a_series_without_values_is_named(self):
        panel, notes = read(self.WIDE | {"web": [None] * 4}, target_col=["shop", "web"])
        assert panel.lengths.tolist() == [4, 4]
        assert notes[-1] == "1 of 2 series has no values: 'web'."

    def test_refusals(self):
        wide = self.WIDE
        assert refusal(wide, ConfigError, target_col=["shop", "wep"]).endswith("Did you mean 'web'?")
        assert refusal(wide, ConfigError, target_col=["web", "web"]) == (
            "Repeated column in target_col: got 'web', expected each column at most once."
        )
        assert refusal(wide, ConfigError, target_col=[]).startswith("Invalid target_col: got []")
        assert refusal(wide, ConfigError, target_col="*", stat_exog="note").startswith(
            "A wide table has no static columns (stat_exog): got 'note'"
        )
        assert refusal(wide, ConfigError, id_col="note", target_col="*").startswith(
            "A wide table has no id column (id_col): got 'note' and several target columns"
        )
        assert refusal(wide, ConfigError, time_col="ds", target_col=["ds", "shop"]).startswith(
            "A column has two roles (column 'ds')"
        )
        assert refusal({"ds": wide["ds"], "note": wide["note"]}, target_col="*").startswith(
            "No numeric column for the targets"
        )
        assert refusal(wide, target_col=["shop", "note"]).startswith(
            "The target column is not numeric (column 'note'): got 'a', 'b', 'c', ..."
        )
        assert refusal(wide | {"web": [1, 2, np.inf, 4]}, target_col="*").startswith(
            "Infinite value (row index 2, series 'web', column 'y', time 2024-01-03): got inf"
        )


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
