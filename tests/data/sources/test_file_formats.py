"""What a file holds."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from gatecast.data.sources.file_formats import detect_format, table_stem
from gatecast.errors import DataError


@pytest.mark.parametrize(
    ("head", "name", "expected"),
    [
        (b"ds,y\n", "a.csv", "text"),
        (b"ds,y\n", "a", "text"),
        (b"ORC,ARROW1,Rar!\n", "a.csv", "text"),
        (b"[2024]\n1\n", "a.txt", "text"),
        (b'[\n  {"ds": 1}]', "a.txt", "json"),
        (b'\xef\xbb\xbf{"ds": [1]}', "", "json"),
        (b"ds,y\n", "a.json", "json"),
        (b"ds,y\n", "a.PARQUET", "parquet"),
        (b"PAR1", "a.json", "parquet"),
        (b"\x1f\x8b\x08\0", "a.parquet", "gzip"),
        (b"BZh91AY&SY", "", "bzip2"),
        (b"\n<!DOCTYPE html><html>", "a.xls", "html"),
        (b"<table border=1>", "a.xls", "html"),
        (b'<?xml version="1.0"?>\n<html>', "", "html"),
        (b"<tables>,y\n", "a.csv", "text"),
        (b"BZhotel,1\n", "a.csv", "text"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "a.csv", "spreadsheet"),
    ],
)
def test_detect_format_by_first_bytes_then_by_suffix(head, name, expected):
    assert detect_format(Path(name), head, name, name) == expected


@pytest.mark.parametrize(
    ("head", "what"),
    [
        (b"%PDF-1.7", "a PDF document"),
        (b"SQLite format 3\0", "an SQLite database"),
        (b"\0" * 8 + b"DUCK", "a DuckDB database"),
        (b"a.csv" + bytes(252) + b"ustar\0", "a tar archive"),
        (b'<?xml version="1.0"?><Workbook/>', "an XML document"),
        (b"\x89PNG\r\n\x1a\n\0\0", "a picture"),
        (b"\x93NUMPY\x01\0", "a NumPy file"),
    ],
)
def test_detect_format_refuses_other_kinds_with_advice(head, what):
    with pytest.raises(DataError, match=rf"^Not a text file \(a\): got {what}, expected CSV, Parquet.*\. \w+.*\.$"):
        detect_format(Path("a"), head, "a", "a")


@pytest.mark.parametrize(
    ("member", "content", "expected"),
    [
        ("xl/workbook.xml", b"", "spreadsheet"),
        ("mimetype", b"application/vnd.oasis.opendocument.spreadsheet", "spreadsheet"),
        ("a.csv", b"", "zip"),
    ],
)
def test_detect_format_tells_zip_archives_apart(tmp_path, member, content, expected):
    with zipfile.ZipFile(tmp_path / "a", "w") as file:
        file.writestr(member, content)
    assert detect_format(tmp_path / "a", (tmp_path / "a").read_bytes(), "a", "a") == expected


@pytest.mark.parametrize(
    ("member", "content", "what"),
    [
        ("word/document.xml", b"", "a Word document"),
        ("mimetype", b"application/vnd.oasis.opendocument.text", "an OpenDocument text"),
        ("Index/Document.iwa", b"", "an Apple iWork document"),
    ],
)
def test_detect_format_refuses_other_documents(tmp_path, member, content, what):
    with zipfile.ZipFile(tmp_path / "a", "w") as file:
        file.writestr(member, content)
    with pytest.raises(DataError, match=f"got {what}.* Export the table as CSV"):
        detect_format(tmp_path / "a", (tmp_path / "a").read_bytes(), "a", "a")


@pytest.mark.parametrize("name", ["north.csv", "north", "north.gz", "x/north.parquet.zst"])
def test_table_stem_leaves_out_all_suffixes(name):
    assert table_stem(Path(name)) == "north"
