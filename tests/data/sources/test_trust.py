"""What others name or hold reaches no file: queries, views and macros of databases, messages."""

from __future__ import annotations

import pytest

from gatecast.data import read
from gatecast.data.reader import list_files
from gatecast.data.sources import duckdb_session
from gatecast.data.sources.trust import is_trusted, trusting
from gatecast.errors import ConfigError, DataError

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
    monkeypatch.setattr(duckdb_session, "MAX_SECONDS", 0.3)
    endless = "SELECT count(*) AS ds, 1 AS y FROM range(1000000000000)"
    with pytest.raises(DataError, match="takes too long"):
        read(f"shop.duckdb::{endless}", trusted=False)


def test_messages_quote_the_beginning_of_the_data(folder):
    (folder / "long.txt").write_text("word " * 5000)
    for source in ("SELECT * FROM read_text('long.txt')", "SELECT content::INT AS y FROM read_text('long.txt')"):
        with pytest.raises(DataError) as caught:
            read(source)
        assert len(str(caught.value)) < 1000


FUNCTIONS = ("count", "approx_count_distinct", "coalesce", "enum_code", "enum_range", "unnest", "sum", "length")
TABLE_FUNCTIONS = ("duckdb_views", "duckdb_tables", "duckdb_schemas", "duckdb_columns", "duckdb_databases")


@pytest.fixture
def hostile(folder):
    """A database whose macros have the names of all functions that gatecast itself asks."""
    with duckdb.connect("hostile.duckdb") as connection:
        connection.execute(f"CREATE TABLE sales AS SELECT *, 'one shop' AS shop FROM ({MONTHS})")
        connection.execute("CREATE VIEW plain AS SELECT * FROM sales")
        connection.execute("CREATE VIEW elsewhere AS SELECT * FROM 'secret.csv'")
        connection.execute("CREATE TABLE gatecast_result AS SELECT 'not this' AS ds, -1 AS y")
        connection.execute("CREATE SCHEMA temp")
        secret = "SELECT content FROM read_text('secret.csv')"
        for name in FUNCTIONS:
            connection.execute(f"CREATE MACRO {name}(x) AS ({secret}), (x, y) AS ({secret})")
        for name in TABLE_FUNCTIONS:
            connection.execute(
                f"CREATE MACRO {name}() AS TABLE SELECT content AS sql, false AS internal, 7 AS a FROM ({secret})"
            )
    return folder


@pytest.mark.parametrize("trusted", [True, False])
@pytest.mark.parametrize("source", ["sales", "plain", "SELECT * FROM sales"])
def test_macros_with_the_names_of_functions_change_nothing_of_what_is_read(hostile, monkeypatch, source, trusted):
    monkeypatch.setattr(duckdb_session, "MIN_ROWS_FOR_ENUM", 2)
    panel, _ = read(f"hostile.duckdb::{source}", trusted=trusted)
    assert panel.series(0).tolist() == [i * 1.5 for i in range(9)]


def test_list_files_of_a_database_asks_duckdb_and_not_its_macros(hostile, monkeypatch):
    results = []
    run = duckdb_session.run_query
    monkeypatch.setattr(
        "gatecast.data.sources.sql.run_query", lambda *a, **k: results.append(run(*a, **k)) or results[-1]
    )
    assert [path.name for path in list_files("hostile.duckdb::plain")] == ["hostile.duckdb", "secret.csv"]
    assert SECRET not in str(results)


def test_a_database_is_never_asked_with_access_to_files(hostile, monkeypatch):
    """Whatever else gatecast may ask one day: what the database holds is out of reach of files."""
    with pytest.raises(DataError, match="reads files, and may not"):
        duckdb_session.run_query("SELECT count(y) FROM sales", "hostile.duckdb", "no", "here")


def test_tables_of_a_hostile_database_are_listed(hostile):
    with pytest.raises(DataError, match="one of 'elsewhere', 'gatecast_result', 'plain', 'sales'"):
        read("hostile.duckdb::salse")


@pytest.mark.parametrize("pattern", ["secret.csv", "sec*.csv", "./secret.csv"])
def test_a_trusted_query_that_names_a_file_opens_no_other_to_the_database(folder, pattern):
    (folder / "other.txt").write_text(SECRET)
    with duckdb.connect("shop.duckdb") as connection:
        connection.execute("CREATE VIEW other AS SELECT content FROM read_text('other.txt')")
    assert read(f"shop.duckdb::SELECT ds, sales.y FROM '{pattern}' JOIN sales USING (ds)")[0].lengths.tolist() == [9]
    with pytest.raises(DataError, match="reads files, and may not"):
        read(f"shop.duckdb::SELECT f.ds, f.y, content FROM '{pattern}' AS f, other")


@pytest.mark.parametrize("name", ["memory", "temp", "system", "it's-1"])
def test_databases_of_any_name_are_read(folder, name):
    (folder / "shop.duckdb").rename(f"{name}.duckdb")
    assert read(f"{name}.duckdb::sales", trusted=False)[0].lengths.tolist() == [9]


@pytest.mark.parametrize(
    "source",
    [
        "SELECT i AS ds, i AS y FROM range(3000) AS t(i)",
        "SELECT i AS ds, repeat('long', 2000) AS y FROM range(3) AS t(i)",
        "SELECT i AS ds, range(9000) AS y FROM range(3) AS t(i)",
        "SELECT i AS ds, {'a': repeat('long', 9000)} AS y FROM range(3) AS t(i)",
    ],
)
def test_a_result_that_is_not_trusted_is_refused_by_size_before_it_is_fetched(folder, monkeypatch, source):
    monkeypatch.setattr(duckdb_session, "MAX_RESULT_BYTES", 40_000)
    with pytest.raises(DataError, match="The result is too large"):
        read(f"shop.duckdb::{source}", trusted=False)
    assert len(duckdb_session.run_query(source, "shop.duckdb", "no", "here").columns["y"]) in (3, 3000)


@pytest.mark.slow
def test_a_query_that_is_not_trusted_writes_no_temporary_files(folder, monkeypatch):
    monkeypatch.setattr(duckdb_session, "LIMITED", duckdb_session.LIMITED | {"memory_limit": "60MB"})
    before = sorted(folder.iterdir())
    large = "SELECT md5(i::VARCHAR) AS ds, i AS y FROM range(4000000) AS t(i) ORDER BY ds"
    with pytest.raises(DataError, match="needs too much memory"):
        read(f"shop.duckdb::{large}", trusted=False)
    assert sorted(folder.iterdir()) == before


def test_an_interruption_between_two_statements_is_repeated(folder):
    """DuckDB forgets an interruption that finds nothing to interrupt."""
    import threading

    interrupted, done = [], threading.Event()

    class Connection:
        def interrupt(self):
            interrupted.append(1)
            if len(interrupted) == 2:
                done.set()

    duckdb_session._interrupt_late(Connection(), done, 0.0)
    assert len(interrupted) == 2


def test_advice_of_queries_does_not_need_trust(folder, monkeypatch):
    from gatecast.data.sources.sql import reserved_words

    reserved_words.cache_clear()
    monkeypatch.setenv("GATECAST_TRUSTED", "0")
    assert "group" in reserved_words()


@pytest.mark.parametrize("value", ["0", "false", "False", "no", "NO", "off", " 0", "0 ", "\t0\n"])
def test_every_way_to_say_no_in_the_environment_is_a_no(folder, monkeypatch, value):
    monkeypatch.setenv("GATECAST_TRUSTED", value)
    assert not is_trusted()
    with pytest.raises(DataError, match="only if it is trusted"):
        read("SELECT * FROM 'secret.csv'")


@pytest.mark.parametrize("value", ["1", "true", "YES", "on", " 1"])
def test_every_way_to_say_yes_in_the_environment_is_a_yes(monkeypatch, value):
    monkeypatch.setenv("GATECAST_TRUSTED", value)
    assert is_trusted()


@pytest.mark.parametrize("value", ["", "maybe", "2", "none", "00", "-1", "untrusted"])
@pytest.mark.parametrize("source", ["secret.csv", "SELECT ds, y FROM 'secret.csv'", "shop.duckdb::sales"])
def test_a_word_in_the_environment_that_says_neither_refuses_to_read(folder, monkeypatch, value, source):
    monkeypatch.setenv("GATECAST_TRUSTED", value)
    with pytest.raises(ConfigError, match="Invalid environment variable GATECAST_TRUSTED"):
        read(source)


@pytest.mark.parametrize("value", ["false", "no", "yes", 2])
def test_trusted_takes_no_text_for_a_yes(folder, value):
    with pytest.raises(ConfigError, match="Invalid trusted"):
        read("secret.csv", trusted=value)
