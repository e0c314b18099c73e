"""Standard input as a source of tables."""

from __future__ import annotations

import gzip
import io
from pathlib import Path

import pytest

from gatecast.data.reader import is_text_source, list_files, read, read_future, write
from gatecast.errors import ConfigError, DataError

ROWS = "ds,y\n2024-01-01,1\n2024-01-02,2\n2024-01-03,4\n"


class Stream:
    """A standard input of given bytes."""

    def __init__(self, content: bytes, terminal: bool = False) -> None:
        self.buffer, self.terminal, self.closed = io.BytesIO(content), terminal, False

    def isatty(self) -> bool:
        return self.terminal


@pytest.fixture
def stdin(monkeypatch):
    """Replace standard input."""

    def make(content: bytes | str, terminal: bool = False) -> None:
        raw = content.encode() if isinstance(content, str) else content
        monkeypatch.setattr("sys.stdin", Stream(raw, terminal))

    return make


@pytest.mark.parametrize("name", ["a.csv", "a.parquet", "a.json"])
def test_read_standard_input_knows_the_format_by_its_first_bytes(stdin, tmp_path, name):
    write({"ds": ["2024-01-01", "2024-01-02", "2024-01-03"], "y": [1.0, 2.0, 4.0]}, tmp_path / name)
    for pack in (bytes, gzip.compress):
        stdin(pack((tmp_path / name).read_bytes()))
        panel, notes = read("-")
        assert panel.values.tolist() == [1.0, 2.0, 4.0]
        assert notes[0].startswith("time column: 'ds', target: 'y', frequency: daily (D)")


@pytest.mark.parametrize("text", ["[\n {", '{"', "[["])
def test_read_standard_input_of_json_says_what_is_wrong_with_it(stdin, text):
    stdin(text)
    with pytest.raises(DataError, match=r"^Cannot read the file \(standard input\)") as error:
        read("-")
    assert "/tmp" not in str(error.value)


def test_read_standard_input_twice_gives_the_same_table(stdin):
    stdin(ROWS)
    assert read("-")[0].values.tolist() == read("-")[0].values.tolist() == [1.0, 2.0, 4.0]
    stdin(ROWS.replace("4", "5"))
    assert read("-")[0].values[-1] == 5.0


def test_read_future_takes_standard_input(stdin):
    stdin("ds,promo\n4,1\n5,0\n")
    panel, _ = read({"ds": [1, 2, 3], "y": [4.0, 5.0, 7.0], "promo": [0, 1, 0]}, target_col="y", futr_exog="promo")
    assert read_future("-", panel, 2)["promo"].tolist() == [[1.0, 0.0]]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", r"^The file is empty \(standard input\): expected a column"),
        ("\n\n", r"^The file is empty \(standard input\)"),
        ("ds,y\n", r"^The file has a header but no rows \(standard input\)"),
        (b"%PDF-1.7", r"^Not a text file \(standard input\): got a PDF document"),
        (gzip.compress(b"%PDF-1.7", mtime=0), r"^Not a text file \(standard input\): got a PDF document"),
        (gzip.compress(ROWS.encode(), mtime=0)[:30], r"^Cannot decompress the file \(standard input\): got gzip data"),
        (b"PAR1 and no more", r"^Cannot read the file \(standard input\)"),
    ],
)
def test_read_standard_input_without_a_table_raises(stdin, content, message):
    stdin(content)
    with pytest.raises(DataError, match=message) as error:
        read("-")
    assert "/tmp" not in str(error.value)


def test_read_standard_input_of_a_terminal_raises_with_an_example(stdin):
    stdin("", terminal=True)
    with pytest.raises(ConfigError, match=r"got a terminal.* Write gatecast forecast - < sales\.csv\.$"):
        read("-")


def test_read_closed_standard_input_raises(monkeypatch):
    monkeypatch.setattr("sys.stdin", None)
    with pytest.raises(ConfigError, match=r"^Cannot read standard input: got a closed stream"):
        read("-")


def test_path_to_a_file_named_like_standard_input_is_that_file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("-").write_text(ROWS)
    assert read(Path("-"))[0].values.tolist() == [1.0, 2.0, 4.0]
    assert read("./-")[0].values.tolist() == [1.0, 2.0, 4.0]
    assert is_text_source("-")
    assert list_files(Path("-")) == (Path("-"),)
