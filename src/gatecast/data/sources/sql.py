"""What DuckDB reads: files of Parquet, JSON and much text, queries, and databases. Nothing is fetched or installed.

Letters: N rows.

DuckDB streams, sorts and spills to disk by itself, so a query may aggregate files that are larger than memory; only
what it answers has to fit.
"""

from __future__ import annotations

import re
from dataclasses import replace
from difflib import get_close_matches
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from gatecast.data.parsing.raw_table import RawTable
from gatecast.data.sources.dataframes import cells, from_columns
from gatecast.errors import DataError

__all__ = ["from_database", "from_query", "is_database", "is_query", "query_file"]

# No look-ups on the net for parts of DuckDB that are not there, nor in the variables of whoever calls.
SETTINGS: dict[str, str | bool | int | float | list[str]] = {
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "python_enable_replacements": "false",
}
# So many rows are worth a dictionary for their texts.
MANY = 200_000


class QueryResult(NamedTuple):
    """What came of a query.

    Args:
        columns: (N,) arrays as DuckDB gives them.
        zoned: Which of them are times in UTC.
    """

    columns: dict[str, Any]
    zoned: frozenset[str]


def is_query(source: str) -> bool:
    """Whether a text is a query.

    >>> is_query("SELECT * FROM 'sales.parquet'"), is_query("select.csv")
    (True, False)
    """
    return re.match(r"\s*(select|with|from)\s", source, re.IGNORECASE) is not None


def is_database(source: str) -> bool:
    """Whether a text names a DuckDB file, with or without a table or query in it.

    >>> is_database("shop.duckdb::sales"), is_database("sales.csv")
    (True, False)
    """
    return Path(source.partition("::")[0]).suffix.lower() in (".duckdb", ".ddb")


def query_file(function: str, path: Path, options: str = "") -> RawTable:
    """A file as a table.

    Args:
        function: DuckDB's name of the reader, as "read_parquet".
        path: The file.
        options: What else the reader is told, as SQL.

    Raises:
        DataError: The file is broken.
    """
    quoted = str(path).replace("'", "''")
    answer = _run(f"SELECT * FROM {function}('{quoted}'{options})", "", "the file cannot be read", str(path))
    # JSON of the form {"ds": [...], "y": [...]} is one row of lists.
    lists = {name: column[0] for name, column in answer.columns.items() if len(column) == 1}
    if lists and len(lists) == len(answer.columns) and all(isinstance(one, np.ndarray) for one in lists.values()):
        return from_columns({name: cells(column) for name, column in lists.items()})
    return _table(answer)


def from_query(query: str) -> RawTable:
    """What a query answers.

    Raises:
        DataError: The query fails, or is not one SELECT.

    >>> from_query("SELECT i AS ds, i * i AS y FROM range(3) AS t(i)").columns[1].tolist()
    [0, 1, 4]
    """
    return _table(_run(query, "", "the query fails", _shown(query)))


def from_database(source: str) -> RawTable:
    """A table or query of a DuckDB file: ``file.duckdb``, ``file.duckdb::table``, ``file.duckdb::SELECT ...``.

    Raises:
        DataError: No such file or table, several tables and none named, a query that fails.
    """
    name, _, what = source.partition("::")
    if is_query(what):
        return _table(_run(what, name, "the query fails", f"{name}, {_shown(what)}"))
    known = _tables(name)
    wanted = what.strip() or (known[0] if len(known) == 1 else "")
    if wanted not in known:
        close = get_close_matches(wanted, known, n=1)
        raise DataError(
            "the database has no such table" if wanted else "which table of the database?",
            where=name,
            got=repr(wanted) if wanted else f"{len(known)} tables",
            expected=f"one of {', '.join(map(repr, known[:20]))}" if known else "a table",
            fix=f"Did you mean {close[0]!r}?" if close else f"Name it, as in {name}::TABLE.",
        )
    parts = ".".join('"' + part.replace('"', '""') + '"' for part in wanted.split("."))
    where = f"{name}, table {wanted!r}"
    return _table(_run(f"SELECT * FROM {parts}", name, "the table cannot be read", where))


def _tables(database: str) -> list[str]:
    """Tables and views of a DuckDB file; those outside the usual schema with its name."""
    query = (
        "SELECT CASE table_schema WHEN 'main' THEN '' ELSE table_schema || '.' END || table_name AS name"
        " FROM information_schema.tables WHERE table_catalog <> 'temp' ORDER BY name"
    )
    answer = _run(query, database, "the database cannot be read", database)
    return [str(name) for name in answer.columns["name"].tolist()]


def _run(query: str, database: str, what: str, where: str) -> QueryResult:
    """Run one query in a database, "" for one in memory, and take its whole answer."""
    import duckdb

    if database and not Path(database).is_file():
        raise DataError("there is no such file", where=database, expected="a DuckDB file")
    try:
        with duckdb.connect(database or ":memory:", read_only=bool(database), config=SETTINGS) as connection:
            statements = connection.extract_statements(query)
            if len(statements) != 1 or statements[0].type != duckdb.StatementType.SELECT:
                raise DataError(
                    "this is not a query",
                    where=where,
                    got=f"{len(statements)} statements" if len(statements) > 1 else "a statement that changes things",
                    expected="one SELECT",
                )
            return _take(connection, statements[0].query.strip().rstrip(";"))
    except duckdb.Error as error:
        lines = [line.strip() for line in str(error).splitlines()]
        raise DataError(what, where=where, got=lines[0].rstrip(". ")) from None


def _take(connection: Any, query: str) -> QueryResult:
    """The answer of a query; texts that stand in many of its rows are sent once."""
    # The line break ends a comment, should the query end in one.
    connection.execute(f"CREATE TEMP TABLE gatecast_answer AS {query}\n")
    kinds = {row[0]: row[1] for row in connection.execute("DESCRIBE gatecast_answer").fetchall()}
    rows = connection.execute("SELECT count(*) FROM gatecast_answer").fetchone()[0]
    texts, picks = {}, []
    for k, (name, kind) in enumerate(kinds.items()):
        column = '"' + name.replace('"', '""') + '"'
        if kind == "VARCHAR" and rows > MANY and _few(connection, column, rows):
            connection.execute(
                f"CREATE TYPE texts_{k} AS ENUM (SELECT DISTINCT {column} FROM gatecast_answer"
                f" WHERE {column} IS NOT NULL ORDER BY 1)"
            )
            known = connection.execute(f"SELECT unnest(enum_range(NULL::texts_{k})) AS text").fetchnumpy()["text"]
            texts[name] = np.array(["", *known.tolist()], object)
            column = f"coalesce(enum_code({column}::texts_{k})::BIGINT + 1, 0) AS {column}"
        picks.append(column)
    found = connection.execute(f"SELECT {', '.join(picks)} FROM gatecast_answer").fetchnumpy()
    columns = {name: texts[name][column] if name in texts else column for name, column in found.items()}
    return QueryResult(columns, frozenset(name for name, kind in kinds.items() if kind == "TIMESTAMP WITH TIME ZONE"))


def _few(connection: Any, column: str, rows: int) -> bool:
    """Whether a column has far fewer texts than rows, but one at least."""
    count: int = connection.execute(f"SELECT approx_count_distinct({column}) FROM gatecast_answer").fetchone()[0]
    return 0 < 4 * count < rows


def _table(answer: QueryResult) -> RawTable:
    """An answer as a table; its zoned times are in UTC."""
    table = from_columns({name: cells(column) for name, column in answer.columns.items()})
    offsets = {name: np.zeros(len(table), np.int64) for name in table.names if name in answer.zoned}
    return replace(table, offsets=offsets)


def _shown(query: str) -> str:
    """The beginning of a query, on one line."""
    line = " ".join(query.split())
    return line if len(line) <= 60 else line[:57] + "..."
