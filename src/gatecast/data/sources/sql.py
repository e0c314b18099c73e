"""Read with DuckDB: Parquet, JSON and large text files, queries, and databases. Nothing is downloaded.

DuckDB streams, sorts and spills to disk by itself, so a query may aggregate files that are larger than memory; only its
result has to fit.
"""

from __future__ import annotations

import re
from dataclasses import replace
from difflib import get_close_matches
from functools import cache
from pathlib import Path

import numpy as np

from gatecast.data.messages import list_columns
from gatecast.data.parsing.raw_table import ColumnType, RawTable
from gatecast.data.sources.dataframes import make_table, to_raw_column, too_fine_columns
from gatecast.data.sources.duckdb_session import QueryResult, quoted_name, quoted_text, run_query
from gatecast.data.sources.patterns import match_files
from gatecast.data.sources.trust import is_trusted
from gatecast.errors import DataError

__all__ = [
    "files_in_query",
    "files_in_views",
    "from_database",
    "from_query",
    "is_database",
    "is_query",
    "query_file",
    "reserved_words",
]

_QUOTED = re.compile(r"'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"")


_DOLLAR_QUOTED = re.compile(r"\$(?P<tag>\w*)\$(?P<text>.*?)\$(?P=tag)\$", re.DOTALL)


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
    result = run_query(words, "", "The query failed", "keywords of DuckDB")
    return frozenset(result.columns["keyword_name"].tolist())


def files_in_query(query: str) -> tuple[Path, ...]:
    """Return the existing files that a query names in quotation marks; a pattern names all that it matches.

    >>> files_in_query("SELECT 'no' FROM 'no.csv'")
    ()
    """
    return tuple(path for name in _quoted_texts(query) for path in match_files(name))


def _quoted_texts(query: str) -> list[str]:
    """All that stands in quotation marks."""
    quoted = (text[1:-1].replace(text[0] * 2, text[0]) for text in _QUOTED.findall(query))
    return [*quoted, *(match["text"] for match in _DOLLAR_QUOTED.finditer(query))]


def files_in_views(database: str) -> tuple[Path, ...]:
    """Return the existing files that the views of a database read; none where it cannot be opened.

    >>> files_in_views("no.duckdb")
    ()
    """
    query = "SELECT sql FROM duckdb_views() WHERE NOT internal"
    try:
        views = run_query(query, database, "Cannot read the database", database, about_database=True)
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
    query = f"SELECT * FROM {function}({quoted_text(str(path))}{options})"
    result = run_query(query, "", "Cannot read the file", str(path), files=[str(path)])
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
    return _to_table(run_query(query, "", "The query failed", _abbreviate(query), locked=False))


def from_database(source: str) -> RawTable:
    """Read a table or query of a DuckDB file: ``file.duckdb``, ``file.duckdb::table``, ``file.duckdb::SELECT ...``.

    What the database holds reaches no file: its views and macros may have been written by others. A query that names
    files itself reads them and no others, if it is trusted.

    Raises:
        DataError: An unknown file or table, several tables of which none is named, or a query that fails.
    """
    database, _, selection = source.partition("::")
    if is_query(selection):
        where = f"{database}, {_abbreviate(selection)}"
        files = _readable(selection) if is_trusted() else []
        return _to_table(run_query(selection, database, "The query failed", where, files=files))
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
    quoted = ".".join(map(quoted_name, name.split(".")))
    where = f"{database}, table {name!r}"
    return _to_table(run_query(f"SELECT * FROM {quoted}", database, "Cannot read the table", where))


def _readable(query: str) -> list[str]:
    """The files that a query names, and the patterns as it writes them: DuckDB compares both."""
    named = [text for text in _quoted_texts(query) if match_files(text)]
    return [*named, *(str(path) for text in named for path in match_files(text))]


def _list_tables(database: str) -> list[str]:
    """Tables and views of a DuckDB file; those outside the main schema with the name of theirs."""
    query = (
        "SELECT CASE table_schema WHEN 'main' THEN '' ELSE table_schema || '.' END || table_name AS name"
        " FROM information_schema.tables WHERE table_catalog NOT IN ('temp', 'memory') ORDER BY name"
    )
    result = run_query(query, database, "Cannot read the database", database, about_database=True)
    return [str(name) for name in result.columns["name"].tolist()]


def _to_table(result: QueryResult) -> RawTable:
    """A result as a table; its times with a time zone are in UTC."""
    columns = {name: to_raw_column(column) for name, column in result.columns.items()}
    table = make_table(columns, categorical=result.enum_columns)
    return replace(
        table,
        utc_offsets={name: np.zeros(len(table), np.int64) for name in result.utc_columns},
        types={name: ColumnType(time_zone="UTC") for name in result.utc_columns},
        too_fine=too_fine_columns(result.columns),
    )


def _abbreviate(query: str) -> str:
    """The beginning of a query, on one line."""
    line = " ".join(query.split())
    return line if len(line) <= 60 else line[:57] + "..."
