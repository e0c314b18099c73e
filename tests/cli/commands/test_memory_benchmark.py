"""`gatecast memory-benchmark`."""

import csv
import json

import pytest

import gatecast.selection.memory_tasks.benchmark
from gatecast.cli.main import main
from gatecast.selection.memory_tasks.tasks import TASKS


@pytest.fixture(autouse=True)
def _short_task(monkeypatch, tmp_path):
    """One task, of 20 steps."""
    monkeypatch.chdir(tmp_path)
    task = TASKS["order"]._replace(length=20, steps=26)
    monkeypatch.setattr(gatecast.selection.memory_tasks.benchmark, "TASKS", {"order": task})


@pytest.mark.slow
def test_memory_benchmark_prints_a_row_for_each_task_and_cell(capsys):
    args = ["memory-benchmark", "--n-seeds", "1", "--cells", "rnn,lstm", "--out", "losses.csv", "--plot", "losses.png"]
    assert main(args) == 0
    table, sentence, written = capsys.readouterr().out.split("\n\n")
    header, *lines = table.splitlines()
    assert header.split() == ["task", "cell", "parameters", "solved", "updates", "loss", "naive", "right", "seconds"]
    assert [line.split()[:3] for line in lines] == [["order", "20", "rnn"], ["order", "20", "lstm"]]
    assert [line.split()[4] for line in lines] == ["0/1", "0/1"]
    assert "not solved by RNN and LSTM" in sentence
    assert written == "written: losses.csv\nwritten: losses.png\n"
    with open("losses.csv") as file:
        rows = list(csv.DictReader(file))
    assert [(row["cell"], row["step"]) for row in rows] == [
        ("rnn", "25"),
        ("rnn", "26"),
        ("lstm", "25"),
        ("lstm", "26"),
    ]
    with open("losses.png", "rb") as file:
        assert file.read()[1:4] == b"PNG"


def test_memory_benchmark_as_json_has_a_row_for_each_seed(capsys):
    assert main(["memory-benchmark", "--tasks", "order", "--cells", "gru", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert [row["seed"] for row in document["probes"]] == [0, 1, 2]
    assert document["probes"][0]["solved"] in (True, False)
    assert document["probes"][0]["naive"] == 3 / 16


@pytest.mark.parametrize(
    ("args", "text"),
    [
        (["--cells", "auto"], "'auto'"),
        (["--tasks", "chess"], "'chess'"),
        (["--n-seeds", "0"], "invalid --n-seeds '0'"),
        (["--out", "a.txt"], "invalid --out (a.txt)"),
        (["-n", "3"], "No such option"),
    ],
)
def test_memory_benchmark_refuses_what_cannot_be(args, text, capsys):
    assert main(["memory-benchmark", *args]) == 2
    assert text in capsys.readouterr().err
