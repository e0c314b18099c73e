"""Run one query with DuckDB: what it may reach, how long it may take, and how much it may return.

A database that others made is attached next to an empty one. Only the query of the user is run inside it; whatever
gatecast asks is asked from the empty one, because a macro of the database goes before a function of the same name: one
that is named ``count`` would be run in place of DuckDB's own.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from gatecast.data.sources.trust import is_trusted
from gatecast.errors import DataError

__all__ = ["QueryResult", "quoted_name", "quoted_text", "run_query"]

# DuckDB must neither download extensions nor read variables of the calling code.
DUCKDB_SETTINGS: dict[str, str | bool | int | float | list[str]] = {
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "python_enable_replacements": "false",
}

LIMITED: dict[str, str | bool | int | float | list[str]] = {"memory_limit": "1GB", "temp_directory": ""}
"""Settings for sources that are not trusted: what does not fit into memory must not fill the disk."""

MAX_SECONDS = 60
"""Seconds that a query takes, at most, if it is not trusted."""

MAX_RESULT_BYTES = 1_000_000_000
"""Size of a result in Python, at most, if it is not trusted."""

EMPTY = "memory"
"""The name that DuckDB gives to the empty database."""

RESULT = "temp.main.gatecast_result"
"""The table that holds the result."""

# From this number of rows on, a column of few distinct strings is transferred as an enumeration.
MIN_ROWS_FOR_ENUM = 200_000

# Numbers and times take 8 bytes a value at most; anything else is an object of its own.
VALUE_BYTES = 8
OBJECT_BYTES = 64
CHARACTER_BYTES = 4
_FIXED = (
    *("BOOLEAN", "TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT"),
    *("UHUGEINT", "FLOAT", "DOUBLE", "DECIMAL", "DATE", "TIMESTAMP"),
)

# DuckDB 2 has times with a zone in nanoseconds too.
_ZONED = ("TIMESTAMP WITH TIME ZONE", "TIMESTAMPTZ_NS")


class QueryResult(NamedTuple):
    """Result of a query.

    Args:
        columns: Arrays as DuckDB returns them, each of shape (n_rows,).
        utc_columns: Columns of times in UTC.
        enum_columns: Columns of a type that lists their values.
    """

    columns: dict[str, Any]
    utc_columns: frozenset[str]
    enum_columns: frozenset[str] = frozenset()


def run_query(
    query: str,
    database: str,
    what: str,
    where: str,
    *,
    locked: bool = True,
    files: Sequence[str] = (),
    about_database: bool = False,
) -> QueryResult:
    """Run a query and fetch its result.

    Args:
        query: A single SELECT statement.
        database: File of the database; empty for none.
        what: What messages say if the query fails.
        where: What messages call the source.
        locked: Whether the query reaches no file but the database and `files`.
        files: Names and patterns of files that it reaches all the same.
        about_database: Whether the query asks for the tables and views of the database, and not for what they hold.

    Raises:
        DataError: The query fails, is not a single SELECT, or takes more time or memory than it may.

    >>> run_query("SELECT 1 AS one", "", "The query failed", "a query").columns["one"].tolist()
    [1]
    """
    import duckdb

    if not (query + database).isprintable() and any(
        "\ud800" <= character <= "\udfff" for character in query + database
    ):
        raise DataError(
            what, where=where, got="bytes that are no text", expected="UTF-8", fix="Rename the file or column."
        )
    if database and not os.path.isfile(database):
        raise DataError(
            "File not found",
            where=database,
            expected="a DuckDB file",
            fix=f"Check the path; the current folder is {Path.cwd()}.",
        )
    try:
        with duckdb.connect(":memory:", config=_settings(database)) as connection, _limited_time(connection):
            statements = connection.extract_statements(query)
            if len(statements) != 1 or statements[0].type != duckdb.StatementType.SELECT:
                raise DataError(
                    "Invalid query",
                    where=where,
                    got=f"{len(statements)} statements" if len(statements) > 1 else "a statement other than SELECT",
                    expected="a single SELECT statement",
                )
            inside = _attach(connection, database) if database else EMPTY
            if locked:
                _lock(connection, files)
            connection.execute("SET lock_configuration = true")
            connection.execute(f"USE {quoted_name(EMPTY if about_database else inside)}")
            # The line break ends a comment, should the query end in one.
            connection.execute(f"CREATE TEMP TABLE gatecast_result AS {statements[0].query.strip().rstrip(';')}\n")
            connection.execute(f"USE {quoted_name(EMPTY)}")
            return _fetch(connection, where)
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
    except duckdb.OutOfMemoryException:
        if is_trusted():
            raise DataError("The query needs more memory than is available", where=where) from None
        expected = f"at most {LIMITED['memory_limit']} for a source that is not trusted"
        raise DataError("The query needs too much memory", where=where, expected=expected) from None
    except duckdb.Error as error:
        lines = [line.strip() for line in str(error).splitlines()]
        raise DataError(what, where=where, got=lines[0].rstrip(". ")) from None


def quoted_text(text: str) -> str:
    """Return a text as SQL.

    >>> quoted_text("it's")
    "'it''s'"
    """
    return "'" + text.replace("'", "''") + "'"


def quoted_name(name: str) -> str:
    """Return the name of a column, a table or a database as SQL.

    >>> quoted_name("unit price")
    '"unit price"'
    """
    return '"' + name.replace('"', '""') + '"'


def _settings(database: str) -> dict[str, str | bool | int | float | list[str]]:
    """The settings of a session."""
    if not is_trusted():
        return DUCKDB_SETTINGS | LIMITED
    # What does not fit into memory lies next to the database, where DuckDB itself would put it.
    return DUCKDB_SETTINGS | ({"temp_directory": f"{database}.tmp"} if database else {})


def _attach(connection: Any, database: str) -> str:
    """Attach a database, and return the name that queries have for it: that of the file, as DuckDB chooses it."""
    stem = Path(database).stem
    name = f"{stem}_db" if stem.lower() in (EMPTY, "system", "temp") else stem
    connection.execute(f"ATTACH {quoted_text(database)} AS {quoted_name(name)} (TYPE duckdb, READ_ONLY)")
    return name


def _lock(connection: Any, files: Sequence[str]) -> None:
    """Let a session reach no file but those named; what is attached stays."""
    if files:
        connection.execute(f"SET allowed_paths = [{', '.join(map(quoted_text, files))}]")
    connection.execute("SET enable_external_access = false")


@contextmanager
def _limited_time(connection: Any) -> Iterator[None]:
    """Interrupt a query that is not trusted after a minute, and whatever follows it."""
    if is_trusted():
        yield
        return
    done = threading.Event()
    watch = threading.Thread(target=_interrupt_late, args=(connection, done, MAX_SECONDS), daemon=True)
    watch.start()
    try:
        yield
    finally:
        done.set()
        watch.join()


def _interrupt_late(connection: Any, done: threading.Event, seconds: float) -> None:
    """Interrupt again and again: an interruption between two statements is forgotten."""
    while not done.wait(seconds):
        connection.interrupt()
        seconds = 0.1


def _fetch(connection: Any, where: str) -> QueryResult:
    """The result of a query; strings that occur in many rows are transferred once."""
    types = {row[0]: row[1] for row in connection.execute(f"DESCRIBE {RESULT}").fetchall()}
    n_rows = connection.execute(f"SELECT count(*) FROM {RESULT}").fetchone()[0]
    if not is_trusted():
        _check_size(connection, types, n_rows, where)
    texts, selection = {}, []
    for k, (name, column_type) in enumerate(types.items()):
        column = quoted_name(name)
        if column_type == "JSON":
            # Cells of several kinds: texts lose the quotation marks that they have in the file.
            column = f"({column} ->> '$') AS {column}"
        elif column_type == "VARCHAR" and n_rows > MIN_ROWS_FOR_ENUM and _has_few_values(connection, column, n_rows):
            connection.execute(
                f"CREATE TEMP TYPE texts_{k} AS ENUM (SELECT DISTINCT {column} FROM {RESULT}"
                f" WHERE {column} IS NOT NULL ORDER BY 1)"
            )
            unique = connection.execute(f"SELECT unnest(enum_range(NULL::texts_{k})) AS text").fetchnumpy()["text"]
            texts[name] = np.array(["", *unique.tolist()], object)
            column = f"coalesce(enum_code({column}::texts_{k})::BIGINT + 1, 0) AS {column}"
        selection.append(column)
    arrays = connection.execute(f"SELECT {', '.join(selection)} FROM {RESULT}").fetchnumpy()
    columns = {name: texts[name][column] if name in texts else column for name, column in arrays.items()}
    utc_columns = (name for name, column_type in types.items() if column_type in _ZONED)
    enum_columns = (name for name, column_type in types.items() if column_type.startswith("ENUM"))
    return QueryResult(columns, frozenset(utc_columns), frozenset(enum_columns))


def _check_size(connection: Any, types: dict[str, str], n_rows: int, where: str) -> None:
    """Refuse a result that would be too large in Python, before any of it is there."""
    size = n_rows * VALUE_BYTES * len(types)
    objects = [name for name, kind in types.items() if kind.endswith("]") or not kind.startswith(_FIXED)]
    if objects and size <= MAX_RESULT_BYTES:
        lengths = " + ".join(f"coalesce(sum(length({quoted_name(name)}::VARCHAR)), 0)" for name in objects)
        n_characters = int(connection.execute(f"SELECT {lengths} FROM {RESULT}").fetchone()[0])
        size += n_rows * OBJECT_BYTES * len(objects) + CHARACTER_BYTES * n_characters
    if size > MAX_RESULT_BYTES:
        raise DataError(
            "The result is too large",
            where=where,
            got=f"{n_rows:,} rows of {len(types)} columns, {size / 1e9:,.1f} GB",
            expected=f"at most {MAX_RESULT_BYTES / 1e9:g} GB for a source that is not trusted",
            fix="Aggregate or filter the rows in the query.",
        )


def _has_few_values(connection: Any, column: str, n_rows: int) -> bool:
    """Whether a column has at least one string, and far fewer than rows."""
    count: int = connection.execute(f"SELECT approx_count_distinct({column}) FROM {RESULT}").fetchone()[0]
    return 0 < 4 * count < n_rows
