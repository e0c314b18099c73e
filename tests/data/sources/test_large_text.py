"""Large text files: read alike by DuckDB and by the reader of small files."""

from __future__ import annotations

import numpy as np
import pytest

from gatecast.data.parsing.numbers import parse_numbers
from gatecast.data.sources import files, large_text
from gatecast.data.sources.files import from_file
from gatecast.data.sources.large_text import read_large_text

ROWS = [f"{2000 + k // 12}-{k % 12 + 1:02d},{k % 17}.5" for k in range(300)]

PLAIN = {
    "plain": ["ds,y", *ROWS],
    "no header": ROWS,
    "titles": ["Export", "Branch: north", "ds,y", *ROWS],
    "padded titles": ["Export,", "Branch: north,", "ds,y", *ROWS],
    "blank lines above": ["", "", "Export", "", "ds,y", "", *ROWS],
    "units": ["ds,y", ",MWh", *ROWS],
    "comments above": ["# made by hand", "// twice", "ds,y", *ROWS],
    "blank lines inside": ["ds,y", *ROWS[:150], "", *ROWS[150:]],
    "quoted": ["ds,y", *(f'"{row[:7]}","{row[8:]}"' for row in ROWS)],
}
OTHERS = {
    "footer": ["ds,y", *ROWS, "Total,99"],
    "long footer": ["ds,y", *ROWS, "Source: a, b, c"],
    "comments inside": ["ds,y", *ROWS[:150], "# a remark, with a comma", *ROWS[150:]],
    "repeated header": ["ds,y", *ROWS[:150], "ds,y", *ROWS[150:]],
    "short rows": ["ds,y,note", *(f"{row},a" for row in ROWS), "2025-01"],
    "quoted line break": ["ds,y,note", *(f'{row},"a\nb"' for row in ROWS)],
}


@pytest.fixture
def path(tmp_path, monkeypatch):
    """A file name, whose file counts as large."""
    monkeypatch.setattr(files, "LARGE_FILE_BYTES", 0)
    return tmp_path / "a.csv"


def assert_alike(path, lines, monkeypatch):
    path.write_text("\n".join(lines) + "\n")
    large = from_file(path)
    monkeypatch.setattr(files, "LARGE_FILE_BYTES", 1 << 30)
    small = from_file(path)
    assert (large.names, large.has_header, large.notes) == (small.names, small.has_header, small.notes)
    assert large.columns[0].tolist() == small.columns[0].tolist()
    np.testing.assert_array_equal(parse_numbers(large.columns[1]).values, parse_numbers(small.columns[1]).values)


@pytest.mark.parametrize("case", PLAIN)
def test_read_large_text_of_a_plain_table_is_read_alike(path, monkeypatch, case):
    assert_alike(path, PLAIN[case], monkeypatch)
    assert read_large_text(path) is not None


@pytest.mark.parametrize("case", OTHERS)
def test_read_large_text_of_more_than_a_table_returns_none(path, monkeypatch, case):
    assert_alike(path, OTHERS[case], monkeypatch)
    assert read_large_text(path) is None


def test_read_large_text_finds_a_comment_where_chunks_meet(path, monkeypatch):
    monkeypatch.setattr(large_text, "CHUNK_BYTES", 1)
    for k in (0, 1, 150, 299):
        path.write_text("\n".join(["ds,y", *ROWS[:k], "# 2024,5", *ROWS[k:]]) + "\n")
        table = read_large_text(path)
        assert table is None or (k == 0 and len(table) == 300)


@pytest.mark.parametrize("raw", ["ds,März\n".encode("latin-1"), "ds,y\n".encode("utf-16")])
def test_read_large_text_of_other_encodings_returns_none(path, raw):
    path.write_bytes(raw + "\n".join(ROWS).encode("utf-16" if raw[:1] == b"\xff" else "latin-1"))
    assert read_large_text(path) is None
