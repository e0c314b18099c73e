"""`gatecast compare`, as a person types it."""

import csv
import json

import numpy as np
import pytest

import gatecast.selection.memory_tasks.benchmark
from gatecast.cli.main import main
from gatecast.selection.memory_tasks.tasks import TASKS


@pytest.fixture(scope="module")
def sales(tmp_path_factory):
    rng = np.random.default_rng(0)
    path = tmp_path_factory.mktemp("compare") / "sales.csv"
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["month", "sold"])
        for k, noise in enumerate(rng.normal(0, 2, 40)):
            value = 100 + 10 * np.sin(k * np.pi / 6) + noise
            writer.writerow([f"{2020 + k // 12}-{k % 12 + 1:02d}-01", round(value, 2)])
    return path


@pytest.fixture
def short(monkeypatch):
    """One task, of 20 steps."""
    task = TASKS["order"]._replace(length=20, steps=26)
    monkeypatch.setattr(gatecast.selection.memory_tasks.benchmark, "TASKS", {"order": task})


def test_models_stand_beside_each_other(sales, tmp_path, capsys):
    files = {"--out": tmp_path / "folds.csv", "--plot": tmp_path / "chart.svg"}
    words = ["compare", str(sales), "-h", "3", "--windows", "2", "--models", "rnn, gru", "--season", "12"]
    assert main([*words, *(str(word) for pair in files.items() for word in pair)]) == 0
    table, recommendation, note, written = capsys.readouterr().out.split("\n\n")
    head, *lines = table.splitlines()
    assert head.split() == [
        "model",
        "mae",
        "rmse",
        "mase",
        "skill",
        "p_value",
        "p_best",
        "seconds",
        "parameters",
    ]
    assert sorted(line.split()[0] for line in lines) == ["Drift", "Mean", "Naive", "SeasonalNaive", "gru", "rnn"]
    assert "MASE" in recommendation
    assert note.startswith("Each cell has as many units as make about")
    assert written == f"written: {files['--out']}\nwritten: {files['--plot']}\n"
    with files["--out"].open() as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == ["id", "cutoff", "model", "mae", "mase"]
    assert len(rows) == 6 * 2
    assert {row["cutoff"] for row in rows} == {"2022-10-01", "2023-01-01"}
    assert files["--plot"].read_text().startswith("<?xml")


def test_a_document(sales, capsys):
    assert main(["compare", str(sales), "-h", "3", "--windows", "1", "--models", "rnn", "--level", "90", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert list(told) == [
        "schema_version",
        "best",
        "recommendation",
        "note",
        "horizon",
        "season",
        "cutoffs",
        "units",
        "scores",
        "files",
    ]
    assert (told["horizon"], told["cutoffs"], told["files"]) == (3, 1, [])
    assert told["best"] == told["scores"][0]["model"]
    assert told["units"]["rnn"] > 1
    rnn = next(row for row in told["scores"] if row["model"] == "rnn")
    assert 0 <= rnn["coverage_90"] <= 100
    assert told["scores"][0]["p_best"] is None


def test_probes(short, tmp_path, capsys):
    out, plot = tmp_path / "losses.csv", tmp_path / "losses.png"
    words = ["compare", "--probe", "--quick", "--models", "rnn,lstm", "--out", str(out), "--plot", str(plot)]
    assert main(words) == 0
    table, sentence, written = capsys.readouterr().out.split("\n\n")
    head, *lines = table.splitlines()
    assert head.split() == [
        "probe",
        "cell",
        "parameters",
        "solved",
        "updates",
        "loss",
        "naive",
        "right",
        "seconds",
    ]
    assert [line.split()[:3] for line in lines] == [["order", "20", "rnn"], ["order", "20", "lstm"]]
    assert [line.split()[4] for line in lines] == ["0/1", "0/1"]
    assert sentence.startswith("Temporal order, 20 steps, at most 26 updates: not solved by RNN and LSTM.")
    assert written == f"written: {out}\nwritten: {plot}\n"
    with out.open() as file:
        rows = list(csv.DictReader(file))
    assert [(row["cell"], row["step"]) for row in rows] == [
        ("rnn", "25"),
        ("rnn", "26"),
        ("lstm", "25"),
        ("lstm", "26"),
    ]
    assert plot.read_bytes()[1:4] == b"PNG"


def test_probes_as_a_document(short, capsys):
    assert main(["compare", "--probe", "--models", "gru", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert list(told) == ["schema_version", "sentence", "probes", "files"]
    assert [row["seed"] for row in told["probes"]] == [0, 1, 2]
    assert told["probes"][0]["solved"] in (True, False)
    assert told["probes"][0]["naive"] == 3 / 16


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (
            [],
            2,
            "there is nothing to compare on: expected FILE or --probe. Write gatecast compare sales.csv, or gatecast "
            "compare --probe.",
        ),
        (["FILE", "--probe"], 2, "--probe makes its own data: got FILE 'sales.csv' as well. Leave one of them out."),
        (
            ["FILE", "--quick"],
            2,
            "--quick belongs to --probe: got FILE. Leave it out; fewer --models or --windows take less time.",
        ),
        (
            ["--probe", "-h", "3", "--windows", "2", "--time-col", "t"],
            2,
            "--probe makes its own data: got --horizon, --time-col, --windows. Leave that out: it belongs to FILE.",
        ),
        (["absent.csv"], 2, "there is no such file (absent.csv)"),
        (["FILE", "--models", "lstm,arima"], 2, "there is no such model: got 'arima', expected 'auto' or 'lstm'"),
        (["FILE", "--models", ","], 2, "there is no model to compare: got (), expected one or several of auto, lstm"),
        (["--probe", "--models", "auto"], 2, "there is no such cell: got 'auto', expected 'rnn' or 'gru'"),
        (["FILE", "--windows", "0"], 2, "--windows makes no sense: got '0', expected a whole number of at least 1."),
        (
            ["FILE", "--windows", "40", "-h", "3"],
            1,
            "the series are too short for so many cutoffs: got 40 rows at most, expected more than 121.",
        ),
        (["FILE", "--out", "folds.xlsx"], 2, "--out has an unknown file type (folds.xlsx): got '.xlsx'"),
        (["FILE", "--plot", "chart.bmp"], 2, "--plot has an unknown file type (chart.bmp): got '.bmp'"),
        (["FILE", "--out", "FILE"], 2, "--out would overwrite FILE (sales.csv). Choose another name."),
        (["FILE", "--model", "lstm"], 2, "No such option: --model"),
    ],
)
def test_wrong_words_are_refused_before_any_work(words, code, said, sales, monkeypatch, capsys):
    monkeypatch.chdir(sales.parent)
    assert main(["compare", *("sales.csv" if word == "FILE" else word for word in words)]) == code
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith(f"error: {said}")
    assert [path.name for path in sales.parent.iterdir()] == ["sales.csv"]
