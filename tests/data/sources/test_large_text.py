"""Large text files: read alike by DuckDB and by the reader of small files."""

from __future__ import annotations

import numpy as np
import pytest

from gatecast.data.parsing.columns import parse_ids, parse_time_column
from gatecast.data.parsing.exogenous import encode_column
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


CLOCKS = [f"{k // 60:02d}:{k % 60:02d}" for k in range(300)]
NUMBERS = ["5", "1.5", "1e3", "1.0", " 7", "1_000", "9" * 20, "1,5", "true", "NULL", "+5", "-0", "1e-3", "5.", "007"]
LATE_TIMES = ["", "2024-01-02", "2024-01-02T00:00", "02/01/2024 00:00", "2024-02-30 00:00", "2024-01-02 24:00", "x"]


def read_both(path, lines, monkeypatch):
    """The table as a large and as a small file."""
    path.write_text("\n".join(lines) + "\n")
    monkeypatch.setattr(files, "LARGE_FILE_BYTES", 0)
    large = from_file(path)
    monkeypatch.setattr(files, "LARGE_FILE_BYTES", 1 << 30)
    return large, from_file(path)


@pytest.mark.parametrize("late", NUMBERS)
@pytest.mark.parametrize("usual", ["5", "5.5"])
def test_read_large_text_of_a_number_below_the_first_rows_is_read_alike(path, monkeypatch, usual, late):
    lines = ["ds;y", *(f"{clock};{usual}" for clock in CLOCKS), f"06:00;{late}", f"06:01;{usual}"]
    monkeypatch.setattr(large_text, "EDGE_BYTES", 1000)
    large, small = read_both(path, lines, monkeypatch)
    expected, parsed = parse_numbers(small.columns[1]), parse_numbers(large.columns[1])
    np.testing.assert_array_equal(parsed.is_valid, expected.is_valid)
    # Integers have no negative zero.
    assert (parsed.values + 0.0).tobytes() == (expected.values + 0.0).tobytes()


@pytest.mark.parametrize("late", LATE_TIMES)
def test_read_large_text_of_a_time_below_the_first_rows_is_read_alike(path, monkeypatch, late):
    lines = ["ds,y", *(f"2024-01-01 {clock},{k}.5" for k, clock in enumerate(CLOCKS)), f"{late},1.5"]
    monkeypatch.setattr(large_text, "EDGE_BYTES", 1000)
    large, small = read_both(path, lines, monkeypatch)
    assert large.iso_forms == {}
    assert large.columns[0].tolist() == small.columns[0].tolist()


@pytest.mark.parametrize("form", ["{d}", "{d} {c}", "{d}T{c}", "{d} {c}:00", "{d}T{c}:00Z", '"{d}T{c}Z"'])
def test_read_large_text_of_iso_times_gives_times_and_their_texts(path, monkeypatch, form):
    texts = [form.format(d=f"{2000 + k // 28}-02-{k % 28 + 1:02d}", c=clock) for k, clock in enumerate(CLOCKS)]
    lines = ["ds,day,y", *(f"{text},{text},{k}.5" for k, text in enumerate(texts))]
    large, small = read_both(path, lines, monkeypatch)
    assert large.columns[0].dtype == "M8[us]"
    assert large.source_column(0).tolist() == small.columns[0].tolist()
    times, expected = parse_time_column(large, 0), parse_time_column(small, 0)
    np.testing.assert_array_equal(times.values, expected.values)
    assert times[2:] == expected[2:]
    assert parse_ids(large, 1).tolist() == parse_ids(small, 1).tolist()
    encoded, categories = encode_column(large, 1, "hist_exog")
    expected_codes, expected_categories = encode_column(small, 1, "hist_exog")
    assert categories == expected_categories
    assert encoded.values.tolist() == expected_codes.values.tolist()


@pytest.mark.parametrize("first", [0, 290], ids=["from the first row on", "below the first rows"])
def test_read_large_text_keeps_integers_that_begin_with_a_zero(path, monkeypatch, first):
    codes = [f"0{k % 7}" if k >= first else str(10 + k % 7) for k in range(300)]
    lines = ["id,ds,y,kind", *(f"{code},{row},{code}" for code, row in zip(codes, ROWS, strict=True))]
    monkeypatch.setattr(large_text, "EDGE_BYTES", 1000)
    large, small = read_both(path, lines, monkeypatch)
    assert read_large_text(path) is not None
    for i in (0, 3):
        assert large.columns[i].tolist() == small.columns[i].tolist() == codes
    assert (
        encode_column(large, 3, "futr_exog")[1] == encode_column(small, 3, "futr_exog")[1] == tuple(sorted(set(codes)))
    )


@pytest.mark.parametrize("usual", ["A1", "ZA"])
def test_read_large_text_keeps_na_among_names(path, monkeypatch, usual):
    names = [("NA", usual)[k // 150] for k in range(300)]
    rows = [row.replace(",1.5", ",NA") for row in ROWS]
    lines = ["id,ds,y,n", *(f"{name},{row},{k}" for k, (name, row) in enumerate(zip(names, rows, strict=True)))]
    large, small = read_both(path, lines, monkeypatch)
    assert read_large_text(path) is not None
    assert large.columns[0].tolist() == small.columns[0].tolist() == names
    assert [column.dtype.kind for column in large.columns[2:]] == ["f", "i"]
    np.testing.assert_array_equal(large.columns[2], parse_numbers(small.columns[2]).values)


@pytest.mark.parametrize("first", [0, 290])
def test_read_large_text_keeps_codes_of_many_digits_apart(path, monkeypatch, first):
    codes = [str(10**19 + k % 2) if k >= first else str(k % 2) for k in range(300)]
    monkeypatch.setattr(large_text, "EDGE_BYTES", 1000)
    large, small = read_both(
        path, ["id,ds,y", *(f"{c},{row}" for c, row in zip(codes, ROWS, strict=True))], monkeypatch
    )
    assert large.columns[0].tolist() == small.columns[0].tolist() == codes
