"""`gatecast tune`, as a person types it."""

import json
from functools import partial

import numpy as np
import pytest

from gatecast.cli.main import main
from gatecast.config import TrainingConfig
from gatecast.forecaster import Forecaster
from gatecast.selection import study, tune

pytest.importorskip("optuna")


@pytest.fixture
def file(tmp_path, monkeypatch):
    """A short series, and a search that takes no time."""
    y = 20 + 5 * np.sin(np.arange(60) * np.pi / 6) + np.random.default_rng(0).normal(0, 0.5, 60)
    path = tmp_path / "a.csv"
    path.write_text("t,y\n" + "".join(f"{k},{value:.3f}\n" for k, value in enumerate(y)))
    monkeypatch.setattr(tune, "tune", partial(tune.tune, training=TrainingConfig(max_steps=2, n_members=1)))
    return path


def test_a_search(file, tmp_path, capsys):
    pytest.importorskip("matplotlib")
    pytest.importorskip("plotly")
    out, plot, page = (tmp_path / name for name in ("a.gatecast", "a.png", "a.html"))
    words = ["tune", str(file), "-h", "4", "--trials", "2", "--folds", "1", "--study", str(tmp_path / "a.db")]
    assert main([*words, "--out", str(out), "--plot", str(plot), "--report", str(page)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == [
        "trial",
        "MASE",
        "cell",
        "units",
        "n_layers",
        "input_size",
        "dropout",
        "learning_rate",
        "n_members",
        "seconds",
    ]
    assert {line.split()[0] for line in lines[1:3]} == {"0", "1"}
    assert float(lines[1].split()[1]) <= float(lines[2].split()[1])
    assert lines[3] == "trials: 2, 0 of them cut short; trial 0 is the default setting"
    assert lines[4].startswith(("The best of 2 trials, ", "None of 2 trials is better on 1 fold than"))
    assert lines[5].startswith("On the newest rows, which no trial saw, it")
    assert lines[6:] == [f"written: {path}" for path in (out, plot, page)]
    assert len(Forecaster.load(out).predict().table["t"]) == 4
    assert plot.read_bytes().startswith(b"\x89PNG")
    assert 'id="trials"' in page.read_text("utf-8")
    assert {path.name for path in tmp_path.iterdir()} == {"a.csv", "a.db", "a.gatecast", "a.png", "a.html"}
    # The study is there: no trial is made again.
    assert main([*words, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert [row["number"] for row in told["trials"]] == [0, 1]
    assert f"{told['trials'][0]['seconds']:.4g}" in [line.split()[-1] for line in lines[1:3]]
    assert set(told["best"]) == set(lines[0].split()[2:-1])
    assert (told["files"], told["measure"], told["importance"]) == ([], "MASE", {})
    assert told["validation"]["tuned"] == min(row["value"] for row in told["trials"])


def test_a_cell_is_named(file, capsys):
    assert main(["tune", str(file), "-h", "4", "--trials", "2", "--folds", "1", "--model", "gru", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert [row["cell"] for row in told["trials"]] == ["lstm", "gru"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--trials", "0"], "--trials makes no sense: got '0', expected a whole number of at least 1"),
        (["--folds", "x"], "--folds makes no sense: got 'x'"),
        (["--timeout", "0"], "--timeout makes no sense: got '0'"),
        (["--model", "es-lstm"], "--model cannot be tuned: got 'es-lstm', expected lstm, gru, rnn, lstm-peephole,"),
        (["--out", "a.csv"], "--out has an unknown file type (a.csv)"),
        (["--plot", "a.html"], "--plot draws a picture (a.html)"),
        (["--report", "a.png"], "--report has an unknown file type (a.png)"),
        (
            ["--report", "a.html", "--known", "p"],
            "--report needs the known columns for the steps ahead. Write --future",
        ),
        (["--study", "a.csv"], "--study would overwrite FILE (a.csv)"),
        (["--study", "none/a.db"], "the study lies in a folder that does not exist (none/a.db)"),
    ],
)
def test_what_cannot_be(file, tmp_path, monkeypatch, capsys, words, said):
    monkeypatch.chdir(tmp_path)
    assert main(["tune", "a.csv", "-h", "4", *words]) == 2
    assert said in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == [file]


def test_a_series_that_is_too_short_is_a_finding_about_the_data(file, capsys):
    assert main(["tune", str(file), "-h", "20"]) == 1
    assert "the series is too short to tune: got 60 rows for 20 steps ahead and 2 folds" in capsys.readouterr().err


def test_without_optuna(file, monkeypatch, capsys):
    monkeypatch.setattr(study, "find_spec", lambda _: None)
    assert main(["tune", str(file)]) == 2
    assert 'Install it: pip install "gatecast[tune]"' in capsys.readouterr().err
