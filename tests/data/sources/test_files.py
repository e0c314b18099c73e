"""Files and patterns of files."""

from __future__ import annotations

import json

import numpy as np
import pytest

from gatecast.data.reader import read, read_raw, write
from gatecast.errors import DataError


def refusal(source, kind=DataError, **options) -> str:
    """The message of the error that a source raises."""
    with pytest.raises(kind) as error:
        read(source, **options)
    return str(error.value)


class TestPatterns:
    """Several files at once."""

    @pytest.fixture
    def folder(self, tmp_path):
        (tmp_path / "north.csv").write_text("ds,y\n2024-01-01,1\n2024-01-02,2\n")
        (tmp_path / "south.csv").write_text("y;ds\n5,5;2024-01-02\n6;2024-01-03\n7;2024-01-04\n")
        return tmp_path

    def test_files_without_names_are_series_named_after_them(self, folder):
        for pattern in (f"{folder}/*.csv", folder / "*th.csv"):
            panel, notes = read(pattern)
            assert panel.ids.tolist() == ["north", "south"]
            assert panel.values.tolist() == [1.0, 2.0, 5.5, 6.0, 7.0]
            assert (panel.columns.id, panel.columns.time, panel.columns.target) == ("unique_id", "ds", "y")
            assert notes[0] == (
                "one series per file, time column: 'ds', target: 'y', frequency: daily (D); "
                "2 series of 2 to 3 points from 2024-01-01 to 2024-01-04."
            )
            assert notes[1] == "2 files were read."

    def test_one_file_is_that_file(self, folder):
        panel, _ = read(f"{folder}/n*.csv")
        assert (panel.columns.id, panel.ids.tolist()) == (None, [""])

    def test_a_column_of_names_is_kept(self, folder):
        for month in (1, 2):
            rows = "".join(f"{shop},2024-0{month}-0{day},{day}\n" for shop in "ab" for day in range(1, 9))
            (folder / f"2024-{month}.csv").write_text("shop,ds,y\n" + rows)
        panel, _ = read(f"{folder}/2024*.csv", freq="D")
        assert (panel.columns.id, panel.ids.tolist()) == ("shop", ["a", "b"])
        assert panel.lengths.tolist() == [39, 39]

    def test_files_of_one_name_in_several_folders(self, folder):
        for part in ("a", "b"):
            (folder / part).mkdir()
            write({"ds": [1, 2], "y": [1.0, 2.0]}, folder / part / "x.parquet")
        assert read(f"{folder}/**/x.parquet")[0].ids.tolist() == ["a/x", "b/x"]

    def test_kinds_that_differ(self, folder):
        (folder / "t.json").write_text('[{"ds": "2024-01-01", "y": 0.1}, {"ds": "2024-01-02", "y": null}]')
        panel, _ = read(f"{folder}/[nt]*")
        np.testing.assert_array_equal(panel.values, [1.0, 2.0, 0.1, np.nan])

    def test_a_name_that_looks_like_a_pattern(self, folder):
        (folder / "a[1].csv").write_text("ds,y\n1,5\n2,6\n")
        assert read(f"{folder}/a[1].csv")[0].values.tolist() == [5.0, 6.0]

    def test_refusals_say_which_file(self, folder):
        assert refusal(f"{folder}/*.tsv").startswith(
            f"No file matches the pattern ({folder}/*.tsv): expected a pattern such as data/*.csv."
        )
        (folder / "west.csv").write_text("ds,y\n2024-01-01,1\n2024-01-02,2\n2024-01-03,2\n2024-01-04,x\n")
        assert refusal(f"{folder}/*.csv").startswith("Invalid number (row 5 of west, column 'y'): got 'x'")
        (folder / "west.csv").write_text("ds,z\n2024-01-01,1\n2024-01-02,2\n")
        assert refusal(f"{folder}/*.csv") == (
            f"Files have different columns ({folder}/west.csv): got 'ds', 'z', expected 'ds', 'y', "
            f"as in {folder}/north.csv."
        )


@pytest.mark.parametrize(
    "content",
    [
        '{"month": {"0": "2020-01", "1": "2020-02"}, "sales": {"0": 1, "1": 2}}',
        '{"data": [{"month": "2020-01", "sales": 1}, {"month": "2020-02", "sales": 2}]}',
        '{"ok": true, "meta": {"n": 2}, "rows": [{"month": "2020-01", "sales": 1}, {"month": "2020-02", "sales": 2}]}',
        '{"month": ["2020-01", "2020-02"], "sales": [1, 2]}',
        '[{"month": "2020-01", "sales": 1}, {"month": "2020-02", "sales": 2}]',
        '{"month": "2020-01", "sales": 1}\n{"month": "2020-02", "sales": 2}\n',
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_json_of_many_layouts_is_one_table(tmp_path, content, encoding):
    path = tmp_path / "sales.json"
    path.write_text(content, encoding=encoding)
    panel, _ = read(path)
    assert panel.values.tolist() == [1, 2]
    assert str(panel.freq) == "MS"


@pytest.mark.parametrize(
    "content", ['{"a": {"0": 1}, "b": {"1": 2}}', '{"a": 1}', "{", '{"a": ' * 5000, '{"a": [1, [2]]}']
)
def test_json_that_is_no_table_is_refused(tmp_path, content):
    path = tmp_path / "sales.json"
    path.write_text(content)
    with pytest.raises(DataError):
        read(path)


def test_json_columns_of_texts_and_numbers_are_texts_without_quotation_marks(tmp_path):
    path = tmp_path / "a.json"
    rows = [{"ds": f"2024-01-{k:02d}", "sku": sku, "y": k} for k in range(1, 5) for sku in ("A1", 7)]
    path.write_text(json.dumps(rows))
    assert read_raw(path).columns[1].tolist() == ["A1", "7"] * 4
