"""What others name or hold reaches no file: queries, views and macros of databases, messages."""

from __future__ import annotations

import pytest

from gatecast.data import read
from gatecast.data.sources import sql
from gatecast.data.sources.trust import is_trusted, trusting
from gatecast.errors import DataError

duckdb = pytest.importorskip("duckdb")

SECRET = "the secret of another file"

MONTHS = "SELECT DATE '2024-01-01' + INTERVAL (i) MONTH AS ds, i * 1.5 AS y FROM range(9) AS r(i)"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder with a file, and a database that was received from someone."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "secret.csv").write_text("ds,y,text\n" + "".join(f"2024-0{m}-01,{m},{SECRET}\n" for m in range(1, 10)))
    with duckdb.connect("shop.duckdb") as connection:
        connection.execute(f"CREATE TABLE sales AS {MONTHS}")
        connection.execute("CREATE VIEW plain AS SELECT * FROM sales")
        connection.execute("CREATE VIEW csv AS SELECT * FROM 'secret.csv'")
        connection.execute("CREATE VIEW text AS SELECT * FROM read_text('secret.csv')")
        connection.execute("CREATE VIEW names AS SELECT * FROM glob('*')")
        connection.execute("CREATE MACRO macro() AS TABLE SELECT * FROM read_csv('secret.csv')")
    return tmp_path


@pytest.mark.parametrize("trusted", [True, False])
@pytest.mark.parametrize(
    "source",
    ["csv", "text", "names", "SELECT * FROM csv", "SELECT * FROM text", "FROM macro()", "SELECT * FROM names"],
)
def test_what_a_database_holds_reaches_no_file(folder, source, trusted):
    with pytest.raises(DataError, match="reads files, and may not") as caught:
        read(f"shop.duckdb::{source}", trusted=trusted)
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize("trusted", [True, False])
@pytest.mark.parametrize("source", ["sales", "plain", "SELECT ds, y + 1 AS y FROM plain"])
def test_tables_of_a_database_are_read(folder, source, trusted):
    panel, _ = read(f"shop.duckdb::{source}", trusted=trusted)
    assert panel.lengths.tolist() == [9]


@pytest.mark.parametrize(
    "source",
    [
        "SELECT * FROM 'secret.csv'",
        "SELECT * FROM read_text('secret.csv')",
        "SELECT * FROM glob('/*')",
        "shop.duckdb::SELECT * FROM 'secret.csv'",
        "shop.duckdb::SELECT * FROM read_csv($$secret.csv$$)",
        "shop.duckdb::SELECT * FROM query('FROM read_text(''secret.csv'')')",
        "shop.duckdb::ATTACH 'other.duckdb'",
        "shop.duckdb::SELECT 1; SELECT 2",
    ],
)
def test_a_query_that_is_not_trusted_reads_no_file(folder, source):
    with pytest.raises(DataError) as caught:
        read(source, trusted=False)
    assert SECRET not in str(caught.value)
    assert not (folder / "other.duckdb").exists()


def test_a_trusted_query_reads_the_files_that_it_names(folder):
    joined = "shop.duckdb::SELECT ds, sales.y FROM 'secret.csv' JOIN sales USING (ds)"
    for source in ("SELECT ds, y FROM 'secret.csv'", joined):
        assert read(source)[0].lengths.tolist() == [9]


def test_the_environment_makes_every_source_untrusted(folder, monkeypatch):
    monkeypatch.setenv("GATECAST_TRUSTED", "0")
    assert not is_trusted()
    with pytest.raises(DataError, match="only if it is trusted"):
        read("SELECT * FROM 'secret.csv'")
    assert read(folder / "secret.csv")[0].lengths.tolist() == [9]


def test_trust_ends_with_the_call(folder):
    with pytest.raises(DataError):
        read("SELECT * FROM 'secret.csv'", trusted=False)
    assert is_trusted()
    with trusting(False):
        assert not is_trusted()


def test_a_query_that_is_not_trusted_ends(folder, monkeypatch):
    monkeypatch.setattr(sql, "MAX_SECONDS", 0.3)
    endless = "SELECT count(*) AS ds, 1 AS y FROM range(1000000000000)"
    with pytest.raises(DataError, match="takes too long"):
        read(f"shop.duckdb::{endless}", trusted=False)


def test_messages_quote_the_beginning_of_the_data(folder):
    (folder / "long.txt").write_text("word " * 5000)
    for source in ("SELECT * FROM read_text('long.txt')", "SELECT content::INT AS y FROM read_text('long.txt')"):
        with pytest.raises(DataError) as caught:
            read(source)
        assert len(str(caught.value)) < 1000
