"""Writing columns to files."""

from __future__ import annotations

import csv
import json
import subprocess
import sys

import numpy as np
import pyarrow as pa
import pyarrow.parquet
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from gatecast.data.frequency import parse
from gatecast.data.panel import from_values
from gatecast.data.reader import read, write
from gatecast.data.sources import writers
from gatecast.errors import DataError

TARGETS = st.just(0.0) | st.floats(1e-150, 1e9) | st.floats(-1e9, -1e-150)
"""Numbers that a column may consist of."""


class TestWriting:
    """Files that are written."""

    COLUMNS = {  # noqa: RUF012
        "unique_id": np.array(["a", 'b,"', "ä"], object),
        "ds": np.array(["1700-01-01", "2300-02-01", "NaT"], "M8[us]"),
        "y": np.array([1.5, np.nan, 0.1 + 0.2]),
        "k": np.array([1, 2, 3]),
    }

    def test_csv(self, tmp_path):
        text = write(self.COLUMNS, tmp_path / "a.csv").read_text(encoding="utf-8")
        assert text == 'unique_id,ds,y,k\na,1700-01-01,1.5,1\n"b,""",2300-02-01,,2\nä,,0.30000000000000004,3\n'

    def test_json_has_no_infinite_number(self, tmp_path):
        text = write({"score": np.array([np.inf, 1.0, -np.inf])}, tmp_path / "a.json").read_text(encoding="utf-8")
        assert json.loads(text, parse_constant=pytest.fail) == [{"score": None}, {"score": 1.0}, {"score": None}]

    def test_json(self, tmp_path):
        records = json.loads(write(self.COLUMNS, tmp_path / "a.json").read_text(encoding="utf-8"))
        assert records[1] == {"unique_id": 'b,"', "ds": "2300-02-01", "y": None, "k": 2}
        lines = write(self.COLUMNS, tmp_path / "a.jsonl").read_text(encoding="utf-8").splitlines()
        assert [json.loads(line) for line in lines] == records

    def test_parquet(self, tmp_path):
        table = pa.parquet.read_table(write(self.COLUMNS, tmp_path / "it's.parquet"))
        assert table.column_names == list(self.COLUMNS)
        assert table["unique_id"].to_pylist() == self.COLUMNS["unique_id"].tolist()
        assert table["ds"].to_pylist()[1].year == 2300

    @pytest.mark.slow
    @pytest.mark.parametrize("suffix", [".csv", ".tsv", ".json", ".jsonl", ".parquet"])
    def test_what_is_written_is_read_back(self, tmp_path, suffix):
        @given(
            arrays(np.float64, st.integers(3, 30), elements=TARGETS | st.just(np.nan)).filter(
                lambda values: not np.isnan(values).all()
            ),
            st.sampled_from(["h", "D", "W-TUE", "MS", "QE", "YS"]),
        )
        def check(values, alias):
            freq = parse(alias)
            start = {"W": "1749-01-07", "Q": "2290-06-30"}.get(alias[0], "1749-01-01")
            panel = from_values(values, start=start, freq=freq)
            again, _ = read(write(panel.to_columns(), tmp_path / f"a{suffix}"), freq=freq)
            np.testing.assert_array_equal(again.values, panel.values)
            assert (again.start == panel.start).all()

        check()

    def test_half_a_file_is_never_left(self, tmp_path):
        path = write({"y": [1.0]}, tmp_path / "a.json")
        with pytest.raises(TypeError):
            write({"y": np.array([object()])}, path)
        assert json.loads(path.read_text()) == [{"y": 1.0}]
        assert [other.name for other in tmp_path.iterdir()] == ["a.json"]

    def test_targets_that_are_refused(self, tmp_path):
        for path, message in (
            (tmp_path, "The path is a directory"),
            (
                tmp_path / "a.xlsx",
                r"Unknown file format .*got the suffix '.xlsx', expected one of .csv",
            ),
            (tmp_path / "x" / "a.csv", r"The folder does not exist .* Create the folder"),
        ):
            with pytest.raises(DataError, match=message):
                write({"y": [1.0]}, path)
        assert not list(tmp_path.iterdir())


@pytest.mark.slow
def test_the_base_install_is_enough_for_parquet_and_json(tmp_path):
    code = (
        "import sys; sys.modules.update(dict.fromkeys(['pandas', 'polars', 'pyarrow']))\n"
        "from gatecast.data.reader import read, write\n"
        "import numpy as np\n"
        "columns = {'id': np.array(['a', 'a'], object), 'ds': np.array(['2024-01-01', '2024-01-02'], 'M8[us]'),"
        " 'y': np.array([1.0, np.nan])}\n"
        "for suffix in ('.parquet', '.json'):\n"
        f"    print(read(write(columns, {str(tmp_path)!r} + '/a' + suffix))[0].values.tolist())"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split("\n")[:2] == ["[1.0, nan]"] * 2


def test_write_as_safe_csv_leaves_no_formula(tmp_path):
    signs = ["=1", "+1", "-1", "@SUM", "＝1", "＋1", "－1", "＠SUM", "﹦1", "﹢1", "﹣1", "﹫SUM"]
    before = ["", " ", "\n", "\r\n", "\t", "\u00a0", "\u3000", "\ufeff", "\u200b", " \n\u200b "]
    before += ["\x00"] if sys.version_info >= (3, 11) else []
    formulas = ["=HYPERLINK(1)", *(space + sign for space in before for sign in signs), "\tx", "\nx", "\rx"]
    texts = ["shop", "a=b", " shop", "", "  ", "１", "é-1", "\u200bshop"]
    names = formulas + texts
    columns = {"=id": np.array(names, object), "y": np.array([-1.5, *range(len(names) - 1)])}
    for suffix, mark in ((".csv", ","), (".tsv", "\t")):
        write(columns, tmp_path / f"a{suffix}", safe_csv=True)
        with (tmp_path / f"a{suffix}").open(newline="", encoding="utf-8") as file:
            header, *rows = csv.reader(file, delimiter=mark)
        assert header == ["'=id", "y"]
        assert [row[0] for row in rows] == [*(f"'{name}" for name in formulas), *texts]
        assert rows[0][1] == "-1.5"
    write(columns, tmp_path / "a.csv")
    assert (tmp_path / "a.csv").read_text().startswith("=id,y\n=HYPERLINK(1),-1.5\n")
    write(columns, tmp_path / "a.json", safe_csv=True)
    assert json.loads((tmp_path / "a.json").read_text())[0]["=id"] == "=HYPERLINK(1)"


@pytest.mark.parametrize("text", ["a\rb", "\r", "a\nb", "a\r\nb", 'a"\r', ","])
def test_write_quotes_line_breaks_in_cells_of_any_kind(tmp_path, text):
    write({"id": np.array([text, "x"], object), "y": np.array([1, 2])}, tmp_path / "a.csv")
    with (tmp_path / "a.csv").open(newline="", encoding="utf-8") as file:
        assert list(csv.reader(file)) == [["id", "y"], [text, "1"], ["x", "2"]]
    assert (tmp_path / "a.csv").read_bytes().endswith(b"\nx,2\n")


@pytest.mark.parametrize("name", ["{path}", "tmp_{name}", "/elsewhere/tmp_{name}"])
def test_the_reason_of_a_refusal_names_no_draft(tmp_path, name):
    path = tmp_path / ".a.1f.part.parquet"
    error = OSError(f'IO Error: Could not write file "{name.format(path=path, name=path.name)}": File too large\nmore')
    assert writers._reason(error, path) == "Could not write file the file: File too large"
