"""Read with DuckDB: Parquet, JSON and large text files, queries, and databases. Nothing is downloaded.

DuckDB streams, sorts and spills to disk by itself, so a query may aggregate files that are larger than memory; only its
result has to fit.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from gatecast.data.messages import list_columns
from gatecast.data.parsing.raw_table import ColumnType, RawTable
from gatecast.data.sources.dataframes import make_table, to_raw_column
from gatecast.data.sources.patterns import match_files
from gatecast.data.sources.trust import is_trusted
from gatecast.errors import DataError

__all__ = [
    "QueryResult",
    "files_in_query",
    "files_in_views",
    "from_database",
    "from_query",
    "is_database",
    "is_query",
    "query_file",
    "reserved_words",
    "run_query",
]

# DuckDB must neither download extensions nor read variables of the calling code.
DUCKDB_SETTINGS: dict[str, str | bool | int | float | list[str]] = {
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "python_enable_replacements": "false",
}
LOCKED: dict[str, str | bool | int | float | list[str]] = {
    "enable_external_access": "false",
    "lock_configuration": "true",
}
"""Settings under which a query reads no file but the database."""

LIMITED: dict[str, str | bool | int | float | list[str]] = {"memory_limit": "1GB"}
"""Settings for sources that are not trusted."""

MAX_SECONDS = 60
"""Seconds that a query takes, at most, if it is not trusted."""

# From this number of rows on, a column of few distinct strings is transferred as an enumeration.
MIN_ROWS_FOR_ENUM = 200_000

_QUOTED = re.compile(r"'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"")


_DOLLAR_QUOTED = re.compile(r"\$(?P<tag>\w*)\$(?P<text>.*?)\$(?P=tag)\$", re.DOTALL)


class QueryResult(NamedTuple):
    """Result of a query.

    Args:
        columns: Arrays as DuckDB returns them, each of shape (n_rows,).
        utc_columns: Columns of times in UTC.
    """

    columns: dict[str, Any]
    utc_columns: frozenset[str]


def is_query(source: str) -> bool:
    """Return whether a string is a query.

    >>> is_query("SELECT * FROM 'sales.parquet'"), is_query("select.csv")
    (True, False)
    """
    return re.match(r"\s*(select|with|from)\s", source, re.IGNORECASE) is not None


@cache
def reserved_words() -> frozenset[str]:
    """Return the words that a query must quote to use them as names of columns.

    >>> "group" in reserved_words(), "day" in reserved_words()
    (True, False)
    """
    words = "SELECT keyword_name FROM duckdb_keywords() WHERE keyword_category IN ('reserved', 'type_function')"
    return frozenset(from_query(words).columns[0].tolist())


def files_in_query(query: str) -> tuple[Path, ...]:
    """Return the existing files that a query names in quotation marks; a pattern names all that it matches.

    >>> files_in_query("SELECT 'no' FROM 'no.csv'")
    ()
    """
    quoted = (text[1:-1].replace(text[0] * 2, text[0]) for text in _QUOTED.findall(query))
    dollars = (match["text"] for match in _DOLLAR_QUOTED.finditer(query))
    return tuple(path for name in (*quoted, *dollars) for path in match_files(name))


def files_in_views(database: str) -> tuple[Path, ...]:
    """Return the existing files that the views of a database read; none where it cannot be opened.

    >>> files_in_views("no.duckdb")
    ()
    """
    try:
        views = run_query("SELECT sql FROM duckdb_views() WHERE NOT internal", database, "", database)
    except DataError:
        return ()
    return tuple(path for text in views.columns["sql"].tolist() for path in files_in_query(str(text)))


def is_database(source: str) -> bool:
    """Return whether a string names a DuckDB file, with or without a table or query in it.

    >>> is_database("shop.duckdb::sales"), is_database("sales.csv")
    (True, False)
    """
    return Path(source.partition("::")[0]).suffix.lower() in (".duckdb", ".ddb")


def query_file(function: str, path: Path, options: str = "") -> RawTable:
    """Read a file as a table.

    Args:
        function: DuckDB function that reads it, such as "read_parquet".
        path: The file.
        options: Further arguments of the function, as SQL.

    Raises:
        DataError: The file cannot be read.
    """
    quoted = str(path).replace("'", "''")
    result = run_query(f"SELECT * FROM {function}('{quoted}'{options})", "", "Cannot read the file", str(path))
    # JSON of the form {"ds": [...], "y": [...]} is one row of lists.
    lists = {name: column[0] for name, column in result.columns.items() if len(column) == 1}
    if lists and len(lists) == len(result.columns) and all(isinstance(cell, np.ndarray) for cell in lists.values()):
        return make_table({name: to_raw_column(column) for name, column in lists.items()})
    return _to_table(result)


def from_query(query: str) -> RawTable:
    """Run a query and return its result as a table.

    Raises:
        DataError: The query fails, is not a single SELECT, or is not trusted.

    >>> from_query("SELECT i AS ds, i * i AS y FROM range(3) AS t(i)").columns[1].tolist()
    [0, 1, 4]
    """
    if not is_trusted():
        raise DataError(
            "A query may read any file, so it is run only if it is trusted",
            where=_abbreviate(query),
            expected="a file, or a table of a database",
            fix="Load what the query needs into a DuckDB file, and write shop.duckdb::SELECT ... instead.",
        )
    return _to_table(run_query(query, "", "The query failed", _abbreviate(query)))


def from_database(source: str) -> RawTable:
    """Read a table or query of a DuckDB file: ``file.duckdb``, ``file.duckdb::table``, ``file.duckdb::SELECT ...``.

    What the database holds reaches no file: its views and macros may have been written by others. A query that names
    files itself reads them, if it is trusted.

    Raises:
        DataError: An unknown file or table, several tables of which none is named, or a query that fails.
    """
    database, _, selection = source.partition("::")
    if is_query(selection):
        where = f"{database}, {_abbreviate(selection)}"
        locked = not (is_trusted() and files_in_query(selection))
        return _to_table(run_query(selection, database, "The query failed", where, locked=locked))
    names = _list_tables(database)
    name = selection.strip() or (names[0] if len(names) == 1 else "")
    if name not in names:
        close = get_close_matches(name, names, n=1)
        example = f"Append the name, as in {database}::{names[0]}." if names else ""
        raise DataError(
            "Unknown table in the database" if name else "Missing table name",
            where=database,
            got=repr(name) if name else f"a database of {len(names)} tables",
            expected=f"one of {list_columns(names)}" if names else "a table",
            fix=f"Did you mean {close[0]!r}?" if close else example,
        )
    quoted = ".".join('"' + part.replace('"', '""') + '"' for part in name.split("."))
    where = f"{database}, table {name!r}"
    return _to_table(run_query(f"SELECT * FROM {quoted}", database, "Cannot read the table", where, locked=True))


def _list_tables(database: str) -> list[str]:
    """Tables and views of a DuckDB file; those outside the main schema with the name of theirs."""
    query = (
        "SELECT CASE table_schema WHEN 'main' THEN '' ELSE table_schema || '.' END || table_name AS name"
        " FROM information_schema.tables WHERE table_catalog <> 'temp' ORDER BY name"
    )
    result = run_query(query, database, "Cannot read the database", database, locked=True)
    return [str(name) for name in result.columns["name"].tolist()]


def run_query(query: str, database: str, what: str, where: str, *, locked: bool = False) -> QueryResult:
    """Run a query and fetch its result.

    Args:
        query: A single SELECT statement.
        database: File of the database; empty for one in memory.
        what: What messages say if the query fails.
        where: What messages call the source.
        locked: Whether the query reaches no file but the database.

    Raises:
        DataError: The query fails, is not a single SELECT, or takes more time or memory than it may.

    >>> run_query("SELECT 1 AS one", "", "The query failed", "a query").columns["one"].tolist()
    [1]
    """
    import duckdb

    if database and not Path(database).is_file():
        raise DataError(
            "File not found",
            where=database,
            expected="a DuckDB file",
            fix=f"Check the path; the current folder is {Path.cwd()}.",
        )
    try:
        settings = DUCKDB_SETTINGS | (LOCKED if locked else {}) | ({} if is_trusted() else LIMITED)
        with (
            duckdb.connect(database or ":memory:", read_only=bool(database), config=settings) as connection,
            _limited_time(connection),
        ):
            statements = connection.extract_statements(query)
            if len(statements) != 1 or statements[0].type != duckdb.StatementType.SELECT:
                raise DataError(
                    "Invalid query",
                    where=where,
                    got=f"{len(statements)} statements" if len(statements) > 1 else "a statement other than SELECT",
                    expected="a single SELECT statement",
                )
            return _fetch(connection, statements[0].query.strip().rstrip(";"))
    except duckdb.PermissionException:
        raise DataError(
            "The database, or a query of it, reads files, and may not",
            where=where,
            expected="tables of the database",
            fix="Copy the data into a table; or, if you trust the query, write it out: SELECT ... FROM 'file.csv'.",
        ) from None
    except duckdb.InterruptException:
        if is_trusted():
            raise
        expected = f"at most {MAX_SECONDS} s for a source that is not trusted"
        raise DataError("The query takes too long", where=where, expected=expected) from None
    except duckdb.Error as error:
        lines = [line.strip() for line in str(error).splitlines()]
        raise DataError(what, where=where, got=lines[0].rstrip(". ")) from None


@contextmanager
def _limited_time(connection: Any) -> Iterator[None]:
    """Interrupt a query that is not trusted after a minute."""
    if is_trusted():
        yield
        return
    timer = threading.Timer(MAX_SECONDS, connection.interrupt)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _fetch(connection: Any, query: str) -> QueryResult:
    """The result of a query; strings that occur in many rows are transferred once."""
    # The line break ends a comment, should the query end in one.
    connection.execute(f"CREATE TEMP TABLE gatecast_result AS {query}\n")
    types = {row[0]: row[1] for row in connection.execute("DESCRIBE gatecast_result").fetchall()}
    n_rows = connection.execute("SELECT count(*) FROM gatecast_result").fetchone()[0]
    texts, selection = {}, []
    for k, (name, column_type) in enumerate(types.items()):
        column = '"' + name.replace('"', '""') + '"'
        if column_type == "VARCHAR" and n_rows > MIN_ROWS_FOR_ENUM and _has_few_values(connection, column, n_rows):
            connection.execute(
                f"CREATE TYPE texts_{k} AS ENUM (SELECT DISTINCT {column} FROM gatecast_result"
                f" WHERE {column} IS NOT NULL ORDER BY 1)"
            )
            unique = connection.execute(f"SELECT unnest(enum_range(NULL::texts_{k})) AS text").fetchnumpy()["text"]
            texts[name] = np.array(["", *unique.tolist()], object)
            column = f"coalesce(enum_code({column}::texts_{k})::BIGINT + 1, 0) AS {column}"
        selection.append(column)
    arrays = connection.execute(f"SELECT {', '.join(selection)} FROM gatecast_result").fetchnumpy()
    columns = {name: texts[name][column] if name in texts else column for name, column in arrays.items()}
    utc_columns = (name for name, column_type in types.items() if column_type == "TIMESTAMP WITH TIME ZONE")
    return QueryResult(columns, frozenset(utc_columns))


def _has_few_values(connection: Any, column: str, n_rows: int) -> bool:
    """Whether a column has at least one string, and far fewer than rows."""
    count: int = connection.execute(f"SELECT approx_count_distinct({column}) FROM gatecast_result").fetchone()[0]
    return 0 < 4 * count < n_rows


def _to_table(result: QueryResult) -> RawTable:
    """A result as a table; its times with a time zone are in UTC."""
    table = make_table({name: to_raw_column(column) for name, column in result.columns.items()})
    return replace(
        table,
        utc_offsets={name: np.zeros(len(table), np.int64) for name in result.utc_columns},
        types={name: ColumnType(time_zone="UTC") for name in result.utc_columns},
    )


def _abbreviate(query: str) -> str:
    """The beginning of a query, on one line."""
    line = " ".join(query.split())
    return line if len(line) <= 60 else line[:57] + "..."
