"""`gatecast synth`."""

import csv
import json

import pytest

from gatecast.cli.main import main
from gatecast.data.reader import read
from gatecast.data.synth import draw

COLUMNS = ["unique_id", "ds", "y", "season_length", "family"]


def test_synth_writes_a_row_for_each_series_and_step(workdir, capsys):
    assert main(["synth", "--count", "3", "--length", "20", "--season-length", "4", "--out", "made.csv"]) == 0
    assert capsys.readouterr().out == "written: made.csv\n"
    with open("made.csv") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == COLUMNS
    assert [row["unique_id"] for row in rows[::20]] == ["1", "2", "3"]
    assert [row["ds"] for row in rows[:3]] == ["1", "2", "3"]
    assert {row["season_length"] for row in rows} == {"4"}
    values = draw("lf", 3, 20, 0, season=4).values.ravel()
    assert [float(row["y"]) for row in rows] == pytest.approx(values.tolist())


@pytest.mark.parametrize("kind", ["lf", "hf"])
def test_synth_table_is_read_back(workdir, kind):
    assert main(["synth", "--kind", kind, "--count", "4", "--length", "40", "--out", "made.parquet"]) == 0
    panel, _ = read("made.parquet", id_col="unique_id", time_col="ds", target_col="y")
    assert len(panel) == 4
    assert panel.values.size == 160


def test_synth_without_a_file_shows_the_first_rows(workdir, capsys):
    assert main(["synth", "--count", "2", "--length", "30"]) == 0
    out = capsys.readouterr().out
    assert all(name in out for name in COLUMNS)
    assert "--out FILE writes all of them" in out


def test_synth_document_counts_the_series_of_each_family(workdir, capsys):
    for seed in (["--seed", "7"], []):
        assert main(["synth", "--kind", "hf", "--count", "50", "--length", "30", "--json", *seed]) == 0
        document = json.loads(capsys.readouterr().out)
        assert document["seed"] == (7 if seed else 0)
        assert sum(row["series"] for row in document["families"]) == 50
        assert all(row["source"] for row in document["families"])
        assert document["files"] == []


@pytest.mark.parametrize(
    ("args", "text"),
    [
        (["--kind", "mf"], "invalid --kind 'mf': expected lf or hf. Write --kind lf."),
        (["--count", "0"], "invalid --count '0'"),
        (["--length", "1.5"], "invalid --length '1.5'"),
        (["--season-length", "0"], "invalid --season-length '0'"),
        (["--seed", "-1"], "invalid --seed '-1'"),
        (["--out", "made.txt"], "invalid --out (made.txt)"),
    ],
)
def test_synth_refuses_what_cannot_be(workdir, capsys, args, text):
    assert main(["synth", *args]) == 2
    assert capsys.readouterr().err.startswith(f"error: {text}")
