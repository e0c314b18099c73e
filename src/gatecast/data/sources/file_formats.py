"""What a file holds: its first bytes decide, and its suffix where they do not."""

from __future__ import annotations

import re
from pathlib import Path

from gatecast.errors import DataError

__all__ = [
    "COMPRESSED_SUFFIXES",
    "COMPRESSIONS",
    "SPREADSHEET_SUFFIXES",
    "TABLE_SUFFIXES",
    "detect_format",
    "inner_name",
    "table_stem",
]

JSON_SUFFIXES = (".json", ".jsonl", ".ndjson")
PARQUET_SUFFIXES = (".parquet", ".pq")
SPREADSHEET_SUFFIXES = (".xlsx", ".xlsm", ".xlsb", ".xls", ".ods")
TEXT_SUFFIXES = (".csv", ".tsv", ".tab", ".psv")
COMPRESSED_SUFFIXES = (".gz", ".gzip", ".bz2", ".xz", ".zst", ".zstd")
TABLE_SUFFIXES = (*TEXT_SUFFIXES, *PARQUET_SUFFIXES, *JSON_SUFFIXES, *SPREADSHEET_SUFFIXES)
"""Suffixes of files that hold a table and nothing else."""

COMPRESSIONS = ("gzip", "bzip2", "xz", "zstd")

_HTML = re.compile(
    rb"\s*(?:<\?xml[^>]*>\s*)?<(?:!doctype html|!--|html|head|meta|style|title|body|div|table)\b",
    re.IGNORECASE,
)
_JSON = re.compile(rb"\s*(?:\[\s*[{\[]|\{\s*\")")
_XML = re.compile(rb"\s*<\?xml\b")
_SIGNATURES = {
    "parquet": rb"PAR1",
    "gzip": rb"\x1f\x8b",
    "bzip2": rb"BZh[1-9](?:1AY&SY|\x17rE8P\x90)",
    "xz": rb"\xfd7zXZ\0",
    "zstd": rb"\x28\xb5\x2f\xfd|[\x50-\x5f]\x2a\x4d\x18",
    "zip": rb"PK(?:\x03\x04|\x05\x06)",
    "spreadsheet": rb"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
}
# What a zip archive holds if it has a member whose name begins so.
_ZIP_MEMBERS = {
    "xl/": "spreadsheet",
    "word/": "a Word document",
    "ppt/": "a presentation",
    "Index/": "an Apple iWork document",
}
# First bytes of files that are often passed instead of a table: what they are, and how to fix it.
_FOREIGN_FORMATS = (
    (rb"%PDF", "a PDF document", "Export the table as CSV."),
    (rb"7z\xbc\xaf\x27\x1c", "a 7z archive", "Unpack the archive first."),
    (rb"Rar!", "a RAR archive", "Unpack the archive first."),
    (rb".{257}ustar", "a tar archive", "Unpack the archive first."),
    (rb"SQLite format 3", "an SQLite database", "Export the table as CSV."),
    (rb".{8}DUCK", "a DuckDB database", "Give the file the suffix .duckdb."),
    (rb"ARROW1|FEA1", "an Arrow file", "Pass it from Python: fit(pyarrow.feather.read_table(path))."),
    (rb"ORC", "an ORC file", "Save the table as Parquet."),
    (rb"Obj\x01", "an Avro file", "Save the table as Parquet."),
    (rb"\x89HDF", "an HDF5 file", "Save the table as Parquet."),
    (rb"\x89PNG|\xff\xd8\xff|GIF8", "a picture", "Pass the table that it shows as CSV."),
    (rb"\x93NUMPY", "a NumPy file", "Pass it from Python: fit(numpy.load(path))."),
    (rb"\x80[\x02-\x05]", "a pickle", "Pass the table from Python."),
)


def detect_format(path: Path, head: bytes, file_name: str, label: str) -> str:
    """Return what a file holds.

    Args:
        path: The file.
        head: Its first bytes.
        file_name: A name whose suffix is that of the format; empty if none is known.
        label: What messages call the file.

    Returns:
        "text", "html", "json", "parquet", "spreadsheet", "zip", "gzip", "bzip2", "xz" or "zstd".

    Raises:
        DataError: A file of a kind that holds no table, or none that can be read.

    >>> detect_format(Path("a.csv"), b"PAR1", "a.csv", "a.csv"), detect_format(Path("a"), b"ds,y", "a.txt", "a.txt")
    ('parquet', 'text')
    """
    for pattern, what, fix in _FOREIGN_FORMATS:
        # A text may begin with letters such as ORC.
        if re.match(pattern, head, re.DOTALL) and (b"\0" in head or pattern == rb"%PDF"):
            raise _not_a_table(what, label, fix)
    # In Unicode of any width.
    text = re.sub(rb"^(?:\xef\xbb\xbf|\xff\xfe|\xfe\xff)|\0", b"", head)
    kind = next((name for name, pattern in _SIGNATURES.items() if re.match(pattern, head)), "")
    if kind == "zip":
        return _open_zip(path, label)
    if _JSON.match(text) and not kind:
        return "json"
    if _HTML.match(text):
        return "html"
    if _XML.match(text):
        raise _not_a_table("an XML document", label, "Open it in a spreadsheet program and save it as .xlsx or CSV.")
    suffix = Path(file_name).suffix.lower()
    by_suffix = "parquet" if suffix in PARQUET_SUFFIXES else "json" if suffix in JSON_SUFFIXES else "text"
    return kind or by_suffix


def inner_name(file_name: str) -> str:
    """Return the name of a file without the suffix of its compression.

    >>> inner_name("sales.parquet.gz"), inner_name("sales.csv")
    ('sales.parquet', 'sales.csv')
    """
    path = Path(file_name)
    return path.stem if path.suffix.lower() in COMPRESSED_SUFFIXES else path.name


def table_stem(path: Path) -> str:
    """Return the name of the series that a file without a column of ids holds.

    >>> table_stem(Path("data/north.csv.gz"))
    'north'
    """
    return Path(inner_name(path.name)).stem


def _open_zip(path: Path, label: str) -> str:
    """What a zip archive is: a spreadsheet, or an archive of other files."""
    import zipfile

    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
            mimetype = archive.read("mimetype")[:80] if names[:1] == ["mimetype"] else b""
    except (OSError, zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError):
        raise DataError(
            "Cannot read the file",
            where=label,
            got="a zip archive or a spreadsheet that is damaged or incomplete",
            fix="Download or copy the file again.",
        ) from None
    if mimetype.startswith(b"application/vnd.oasis.opendocument"):
        if b"spreadsheet" not in mimetype:
            raise _not_a_table("an OpenDocument text", label, "Export the table as CSV.")
        return "spreadsheet"
    kind = next((what for start, what in _ZIP_MEMBERS.items() if any(name.startswith(start) for name in names)), "zip")
    if kind not in ("spreadsheet", "zip"):
        raise _not_a_table(kind, label, "Export the table as CSV.")
    return kind


def _not_a_table(what: str, label: str, fix: str) -> DataError:
    """The refusal of a file of another kind."""
    return DataError("Not a text file", where=label, got=what, expected="CSV, Parquet, JSON or a spreadsheet", fix=fix)
