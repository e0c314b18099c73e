"""Queries and databases."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from gatecast.data.reader import read, to_frame_like, write
from gatecast.data.sources import duckdb_session
from gatecast.errors import DataError

duckdb = pytest.importorskip("duckdb")


def refusal(source, kind=DataError, **options) -> str:
    """The message of the error that a source raises."""
    with pytest.raises(kind) as error:
        read(source, **options)
    return str(error.value)


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
        monkeypatch.setattr(duckdb_session, "MIN_ROWS_FOR_ENUM", 10)
        many, _ = read(query, "id", "t", "y", futr_exog='a "b')
        assert many.ids.tolist() == few.ids.tolist() == ["x", "y"]
        assert many.categories == few.categories == {'a "b': ("p",)}
        np.testing.assert_array_equal(many.values, few.values)
        np.testing.assert_array_equal(many.futr_exog['a "b'], few.futr_exog['a "b'])

    @pytest.mark.parametrize("what", ["", "::sales", "::SELECT week, n FROM sales"])
    def test_databases(self, database, what):
        panel, _ = read(f"{database}{what}", target_col="n")
        assert panel.values.tolist() == [0.0, 2.5, 5.0, 7.5, 10.0]

    @pytest.mark.slow
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


@pytest.mark.parametrize("source", ["SELECT '\udcff' AS y", "{}.duckdb::SELECT '\udcff' AS y", "{}.duckdb::\udcff"])
def test_a_query_of_bytes_that_are_no_text_is_refused(tmp_path, source):
    with duckdb.connect(str(tmp_path / "a.duckdb")) as connection:
        connection.execute("CREATE TABLE t AS SELECT 1 AS y")
    refusal(source.format(tmp_path / "a"))
