"""Parquet files of more series than fit into memory, read a few whole series at a time with DuckDB.

Parts are ranges of ids, so a series is never split, wherever its rows lie. Where the rows of an id lie near each other,
as the statistics of the row groups tell, a part is read from the files as they are; otherwise a copy that is sorted by
id and time is written first, by an external sort in bounded memory.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from gatecast._utils.atomic import replacing
from gatecast._utils.formatting import format_count
from gatecast._utils.typing import ColumnTable, IntArray
from gatecast.data.messages import list_columns
from gatecast.data.panel_facts import CodeCells, PartFacts, spans
from gatecast.data.parsing.missing_codes import KNOWN_CODES
from gatecast.data.sources.dataframes import to_raw_column
from gatecast.data.sources.duckdb_session import DUCKDB_SETTINGS, quoted_name, quoted_text
from gatecast.data.sources.patterns import is_pattern, match_files
from gatecast.errors import DataError

__all__ = [
    "ParquetSeries",
    "Part",
    "SeriesColumns",
    "count_rows",
    "find_parquet",
    "is_parquet",
    "plan_parts",
    "read_ends",
]

MEMORY_LIMIT = "800MB"
"""Of DuckDB: what needs more, such as a sort, goes to a temporary folder."""

MAX_READ = 2.0
"""How often the row groups of the files may be read, on average, before a sorted copy is cheaper."""

NUMBERS = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT", "HUGEINT")
TIMES = ("DATE", "TIMESTAMP", "TIMESTAMP_S", "TIMESTAMP_MS", "TIMESTAMP_NS", *NUMBERS)
VALUES = (*NUMBERS, "FLOAT", "DOUBLE", "DECIMAL", "BOOLEAN")

SORTED = "sorted.parquet"
SPILL = "spill"


class SeriesColumns(NamedTuple):
    """Names of the columns that are read.

    Args:
        ids: Columns that identify a series together.
        time: Times.
        target: Values.
        others: Exogenous columns.
    """

    ids: tuple[str, ...]
    time: str
    target: str
    others: tuple[str, ...] = ()

    @property
    def all(self) -> tuple[str, ...]:
        """All of them, each once."""
        return tuple(dict.fromkeys((*self.ids, self.time, self.target, *self.others)))


class Part(NamedTuple):
    """Series that follow each other in the order of their ids.

    Args:
        first: Position of the first one.
        stop: Position behind the last one.
        n_rows: Their rows.
    """

    first: int
    stop: int
    n_rows: int


def is_parquet(source: Any) -> bool:
    """Return whether a source is a Parquet file, a folder, or a pattern of Parquet files.

    >>> is_parquet("sales/*.parquet"), is_parquet("sales.csv"), is_parquet({"y": [1.0]})
    (True, False, False)
    """
    if not isinstance(source, (str, os.PathLike)):
        return False
    text = os.fspath(source)
    return isinstance(text, str) and (os.path.isdir(text) or text.lower().endswith((".parquet", ".pq")))


def find_parquet(source: str | os.PathLike[str]) -> tuple[Path, ...]:
    """Return the Parquet files of a file, a folder or a pattern, in the order of their names.

    In a folder, names that begin with a dot or an underscore are no data, as elsewhere.

    Raises:
        DataError: There is none.
    """
    text = os.fspath(source)
    if os.path.isdir(text):
        paths = sorted(path for end in ("parquet", "pq") for path in Path(text).rglob(f"*.{end}"))
        hidden = [any(part.startswith((".", "_")) for part in path.relative_to(text).parts) for path in paths]
        files = tuple(path for path, is_hidden in zip(paths, hidden, strict=True) if not is_hidden)
    else:
        files = match_files(text)
    if files:
        return files
    if os.path.isdir(text) or is_pattern(text):
        raise DataError(
            "No Parquet file", where=text, expected="files whose names end in .parquet", fix="Name their folder."
        )
    raise DataError("File not found", where=text, fix=f"Check the path; the current folder is {Path.cwd()}.")


def count_rows(source: str | os.PathLike[str]) -> int:
    """Return the rows of Parquet files, as their footers say.

    Raises:
        DataError: No file, or one that cannot be read.
    """
    import duckdb

    names = ", ".join(quoted_text(str(file)) for file in find_parquet(source))
    with _speaking_of(os.fspath(source)), duckdb.connect(config=DUCKDB_SETTINGS) as connection:
        row = connection.execute(f"SELECT sum(num_rows) FROM parquet_file_metadata([{names}])").fetchone()
    return int(row[0]) if row and row[0] is not None else 0


def read_ends(source: str | os.PathLike[str], n: int = 5_000) -> ColumnTable:
    """Return the first and the last n rows of Parquet files: enough to see which column is what.

    Raises:
        DataError: No file, or one that cannot be read.
    """
    import duckdb

    files, n_rows = find_parquet(source), count_rows(source)
    table = _table_of(files)
    query = f"SELECT * FROM {table} LIMIT {n}"
    if n_rows > 2 * n:
        query = f"({query}) UNION ALL (SELECT * FROM {table} LIMIT {n} OFFSET {n_rows - n})"
    with _speaking_of(os.fspath(source)), duckdb.connect(config=DUCKDB_SETTINGS) as connection:
        columns = connection.execute(query).fetchnumpy()
    return {name: to_raw_column(column) for name, column in columns.items()}


def plan_parts(n_rows: IntArray, max_series: int, max_rows: int) -> list[Part]:
    """Divide series into parts of about the same number of rows, in their order.

    Args:
        n_rows: Rows of each series, [n_series].
        max_series: Series of a part, at most.
        max_rows: Rows of a part, at most, unless one series has more.

    >>> [(part.first, part.stop) for part in plan_parts(np.array([4, 4, 4, 20, 1]), 2, 10)]
    [(0, 2), (2, 3), (3, 4), (4, 5)]
    """
    before = np.concatenate(([0], np.cumsum(n_rows)))
    parts, first, n_series = [], 0, len(n_rows)
    while first < n_series:
        by_rows = int(np.searchsorted(before, before[first] + max_rows, side="right")) - 1
        stop = min(max(by_rows, first + 1), first + max_series, n_series)
        parts.append(Part(first, stop, int(before[stop] - before[first])))
        first = stop
    return parts


class ParquetSeries:
    """Series of Parquet files, in the order of their ids. Threads may read at the same time.

    Args:
        source: A file, a folder or a pattern.
        columns: Names of the columns.
        work: A folder for a sorted copy, and for what does not fit into memory; is made when it is needed.

    Raises:
        DataError: No files, a column that is missing or of another type, files that differ, rows without an id or a
            time, or no rows.
    """

    def __init__(self, source: str | os.PathLike[str], columns: SeriesColumns, work: Path) -> None:
        import duckdb

        self.where, self.columns, self.work = os.fspath(source), columns, work
        self.files = find_parquet(source)
        settings = DUCKDB_SETTINGS | {"memory_limit": MEMORY_LIMIT, "temp_directory": str(work / SPILL)}
        self._connection = duckdb.connect(":memory:", config=settings)
        self._lock = threading.Lock()
        self._table = _table_of(self.files)
        self._types = self._check_columns()
        self._ids = ", ".join(map(quoted_name, columns.ids))
        self._count()

    def close(self) -> None:
        """Close the database, and remove what it has spilled."""
        self._connection.close()

    def __len__(self) -> int:
        return len(self.n_rows)

    def facts(self) -> PartFacts:
        """Return what is counted in all rows."""
        y, t = self._number(), quoted_name(self.columns.time)
        known = ", ".join(f"{code!r}" for code in KNOWN_CODES.tolist())
        finite, table = f"isfinite({y})", self._table
        query = (
            f"SELECT max({t}) FILTER (WHERE {finite}), min({y}) FILTER (WHERE {finite}),"
            f" max({y}) FILTER (WHERE {finite}), count(*) FILTER (WHERE {finite}) FROM {table}"
        )
        last, low, high, n = self._one(query)
        codes: tuple[CodeCells, ...] = ()
        if n and np.isin([low, high], KNOWN_CODES).any():
            counted = self._columns(
                f"SELECT {y} AS y, count(*) AS n, max({t}) AS t FROM {table} WHERE {y} IN ({known})"
                " GROUP BY 1 ORDER BY 1"
            )
            codes = tuple(
                CodeCells(float(code), int(k), time[None])
                for code, k, time in zip(counted["y"], counted["n"], _as_times(counted["t"]), strict=True)
            )
            last, low, high, n = self._one(query + f" WHERE {y} NOT IN ({known})")
        ends = self._columns("SELECT min(first) AS first, stop FROM series GROUP BY stop ORDER BY stop")
        first, stop = spans(_as_times(ends["first"]), _as_times(ends["stop"]))
        last_time = None if not n else _as_times(np.asarray([last]))
        return PartFacts(len(self), int(self.n_rows.sum()), first, stop, last_time, _nan(low), _nan(high), n, codes)

    def keys(self, part: Part) -> ColumnTable:
        """Return the id columns of the series of a part, and "n", "first" and "stop": rows, first and last time."""
        query = f"SELECT {self._ids}, n, first, stop FROM series WHERE k >= {part.first} AND k < {part.stop} ORDER BY k"
        keys = self._columns(query)
        return {name: _as_times(column) if name in ("first", "stop") else column for name, column in keys.items()}

    def gather(self, parts: Sequence[Part]) -> bool:
        """Write a sorted copy where reading the parts from the files would read them several times.

        Returns:
            Whether that was needed. A copy that an earlier run has written in the same folder is used again.
        """
        if self._times_read(parts) <= MAX_READ:
            return False
        target = self.work / SORTED
        if not target.exists():
            self.work.mkdir(parents=True, exist_ok=True)
            names = ", ".join(map(quoted_name, self.columns.all))
            with replacing([target]) as (draft,), _speaking_of(self.where):
                self._connection.execute(
                    f"COPY (SELECT {names} FROM {self._table} ORDER BY {self._ids}, {quoted_name(self.columns.time)})"
                    f" TO {quoted_text(str(draft))} (FORMAT parquet, USE_TMP_FILE false)"
                )
        self._table = _table_of((target,))
        return True

    def read(self, part: Part) -> ColumnTable:
        """Return all rows of the series of a part, sorted by id and time; ids of text share their objects."""
        keys = self.keys(part)
        ids = self.columns.ids
        wanted = ", ".join(quoted_name(name) for name in self.columns.all if name not in ids)
        bounds = self._one(
            f"SELECT min({quoted_name(ids[0])}), max({quoted_name(ids[0])}) FROM series"
            f" WHERE k >= {part.first} AND k < {part.stop}"
        )
        # The first id column alone lets DuckDB skip row groups; of several, the series are looked up as well.
        chosen = ""
        if len(ids) > 1:
            series = f"SELECT {self._ids} FROM series WHERE k >= {part.first} AND k < {part.stop}"
            chosen = f"SEMI JOIN ({series}) c USING ({self._ids})"
        query = (
            f"SELECT {wanted} FROM {self._table} t {chosen} WHERE {quoted_name(ids[0])} BETWEEN ? AND ?"
            f" ORDER BY {self._ids}, {quoted_name(self.columns.time)}"
        )
        columns = self._columns(query, bounds)
        repeated = {name: np.repeat(_as_ids(keys[name]), keys["n"].astype(np.int64)) for name in ids}
        return repeated | {name: to_raw_column(column) for name, column in columns.items()}

    def draw(self, n: int, seed: int) -> ColumnTable:
        """Return all rows of some of the series, those with the smallest hashes of id and seed, sorted by id and time.

        Args:
            n: How many series, at most.
            seed: Another one draws other series.
        """
        names = [quoted_name(name) for name in self.columns.ids]
        escaped = [f"replace(replace({name}::VARCHAR, '\\', '\\\\'), '/', '\\/')" for name in names]
        text = " || '/' || ".join(escaped) if len(names) > 1 else f"{names[0]}::VARCHAR"
        query = (
            f"SELECT t.* FROM {self._table} t SEMI JOIN (SELECT {self._ids} FROM series ORDER BY"
            f" md5({text} || '#{seed}'), k LIMIT {n}) c USING ({self._ids})"
            f" ORDER BY {self._ids}, {quoted_name(self.columns.time)}"
        )
        return {name: to_raw_column(column) for name, column in self._columns(query).items()}

    def _check_columns(self) -> dict[str, str]:
        """Return the types of the columns, which all files share."""
        types: dict[str, str] = {}
        for file in self.files:
            with _speaking_of(str(file)):
                rows = self._connection.execute(f"DESCRIBE SELECT * FROM {_table_of((file,))}").fetchall()
            types_here = {str(row[0]): str(row[1]) for row in rows}
            for name in self.columns.all:
                if name not in types_here:
                    raise DataError(
                        f"The file has no column {name!r}",
                        where=str(file),
                        got=list_columns(tuple(types_here)),
                        expected=f"the columns that the forecaster was fitted on: {list_columns(self.columns.all)}",
                        fix="Rename the column, or fit on a table with these names.",
                    )
                if types.setdefault(name, types_here[name]) != types_here[name]:
                    raise DataError(
                        "The files have different schemas",
                        where=f"{file}, column {name!r}",
                        got=types_here[name],
                        expected=f"{types[name]}, as in {self.files[0]}",
                        fix="Write all files with one schema.",
                    )
        for name, allowed in ((self.columns.time, TIMES), (self.columns.target, VALUES)):
            if types[name].partition("(")[0] not in allowed:
                raise DataError(
                    f"The column {name!r} has a type that cannot be read in parts",
                    where=self.where,
                    got=types[name],
                    expected="numbers" if allowed is VALUES else "dates, times without a zone, or integers",
                    fix="Cast the column, and write the file again.",
                )
        return types

    def _count(self) -> None:
        """Count the rows of every series."""
        t = quoted_name(self.columns.time)
        with _speaking_of(self.where):
            self._connection.execute(
                f"CREATE TABLE counted AS SELECT {self._ids}, count(*) AS n, min({t}) AS first, max({t}) AS stop,"
                f" count({t}) AS n_times FROM {self._table} GROUP BY {self._ids}"
            )
            self._connection.execute(
                f"CREATE TABLE series AS SELECT row_number() OVER (ORDER BY {self._ids}) - 1 AS k, * FROM counted"
                f" ORDER BY {self._ids}"
            )
            self._connection.execute("DROP TABLE counted")
        no_id = " OR ".join(f"{quoted_name(name)} IS NULL" for name in self.columns.ids)
        n_ids, n_times = self._one(
            f"SELECT coalesce(sum(n) FILTER (WHERE {no_id}), 0), coalesce(sum(n - n_times), 0) FROM series"
        )
        for n, names in ((n_ids, self.columns.ids), (n_times, (self.columns.time,))):
            if n:
                raise DataError(
                    f"{format_count(int(n), 'row')} without a value in {' or '.join(map(repr, names))}",
                    where=self.where,
                    expected="an id and a time in every row",
                    fix="Remove these rows, or fill them in.",
                )
        self.n_rows: IntArray = self._columns("SELECT n FROM series ORDER BY k")["n"].astype(np.int64)
        if not len(self.n_rows):
            raise DataError("The files have no rows", where=self.where, expected="a row for each series and time")

    def _times_read(self, parts: Sequence[Part]) -> float:
        """Return how often a row is read, on average, if each part is read from the files."""
        name = self.columns.ids[0]
        firsts = ", ".join(str(part.first) for part in parts)
        stops = ", ".join(str(part.stop - 1) for part in parts)
        files = f"[{', '.join(quoted_text(str(file)) for file in self.files)}]"
        kind, column = self._types[name], quoted_name(name)
        query = f"""
            WITH groups AS (
                SELECT row_group_num_rows AS n, TRY_CAST(stats_min_value AS {kind}) AS low,
                    TRY_CAST(stats_max_value AS {kind}) AS high
                FROM parquet_metadata({files}) WHERE path_in_schema = {quoted_text(name)}),
            lows AS (SELECT row_number() OVER (ORDER BY k) AS p, {column} AS low FROM series WHERE k IN ({firsts})),
            highs AS (SELECT row_number() OVER (ORDER BY k) AS p, {column} AS high FROM series WHERE k IN ({stops}))
            SELECT sum(g.n), (SELECT sum(n) FROM groups) FROM groups g, lows JOIN highs USING (p)
            WHERE g.low IS NULL OR g.high IS NULL OR (g.high >= lows.low AND g.low <= highs.high)
        """
        n_read, n_rows = self._one(query)
        return float(n_read or 0) / float(n_rows or 1)

    def _number(self) -> str:
        """The target as SQL, as a float."""
        return f"{quoted_name(self.columns.target)}::DOUBLE"

    def _one(self, query: str, given: Sequence[Any] = ()) -> tuple[Any, ...]:
        """The only row of a result."""
        with self._cursor() as cursor:
            row = cursor.execute(query, list(given)).fetchone()
        return tuple(row)

    def _columns(self, query: str, given: Sequence[Any] = ()) -> dict[str, Any]:
        """A result by column."""
        with self._cursor() as cursor:
            return dict(cursor.execute(query, list(given)).fetchnumpy())

    @contextmanager
    def _cursor(self) -> Iterator[Any]:
        """A connection for one thread, to the same tables."""
        with self._lock:
            cursor = self._connection.cursor()
        try:
            with _speaking_of(self.where):
                yield cursor
        finally:
            cursor.close()


@contextmanager
def _speaking_of(where: str) -> Iterator[None]:
    """Turn an error of DuckDB into one that names the source."""
    import duckdb

    try:
        yield
    except duckdb.Error as error:
        raise DataError("Cannot read the file", where=where, got=str(error).splitlines()[0].rstrip(". ")) from None


def _table_of(files: Sequence[Path]) -> str:
    """Files as a table of SQL."""
    names = ", ".join(quoted_text(str(file)) for file in files)
    return f"read_parquet([{names}], hive_partitioning = false)"


def _as_times(column: Any) -> Any:
    """Times as panels have them."""
    array = np.asarray(column)
    return array.astype(np.int64) if array.dtype.kind in "iu" else array.astype("M8[us]")


def _as_ids(column: Any) -> Any:
    """Ids of a part; unsigned ones keep their type also where they are small, so that all parts have one type."""
    return column if isinstance(column, np.ndarray) and column.dtype == np.uint64 else to_raw_column(column)


def _nan(number: Any) -> float:
    """A number, NaN for none."""
    return np.nan if number is None else float(number)
