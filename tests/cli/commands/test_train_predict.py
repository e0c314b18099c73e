"""`gatecast train`, `predict` and `backtest`, as a person types them."""

import csv
import json

import numpy as np
import pytest

from gatecast.cli.main import main


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("shops")
    rng = np.random.default_rng(0)
    with (folder / "sales.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["shop", "month", "sold"])
        for shop in ("north", "south", "west"):
            level = 100 + np.cumsum(rng.normal(0, 2, 48))
            for k, value in enumerate(level + 10 * np.sin(np.arange(48) * np.pi / 6)):
                writer.writerow([shop, f"{2020 + k // 12}-{k % 12 + 1:02d}-01", round(value, 2)])
    assert main(["train", str(folder / "sales.csv"), "--out", str(folder / "m.gatecast"), "-h", "3"]) == 0
    return folder


def test_training_says_how_good_it_is(folder, capsys):
    assert main(["train", str(folder / "sales.csv"), "--out", str(folder / "n.gatecast"), "-h", "3", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["series"], told["horizon"], told["season"]) == (3, 3, 12)
    assert "of each of 3 series" in told["verdict"]
    assert (folder / "n.gatecast").read_bytes()[8:].startswith(b"{")


def test_predicting_from_the_file(folder, capsys):
    assert (
        main(["predict", str(folder / "m.gatecast"), "--out", str(folder / "f.csv"), "-h", "5", "--level", "90"]) == 0
    )
    assert capsys.readouterr().out == f"written: {folder / 'f.csv'}\n"
    with (folder / "f.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == ["shop", "month", "Ensemble", "Ensemble-lo-90", "Ensemble-hi-90"]
    assert [row["month"] for row in rows[:5]] == [f"2024-0{k}-01" for k in range(1, 6)]
    assert len(rows) == 15
    assert main(["predict", str(folder / "m.gatecast"), str(folder / "sales.csv"), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)["forecast"]
    assert [row["shop"] for row in told[::3]] == ["north", "south", "west"]
    assert told[0]["Ensemble"] == pytest.approx(float(rows[0]["Ensemble"]))


def test_a_backtest_stands_beside_seasonal_naive(folder, capsys):
    words = ["backtest", str(folder / "sales.csv"), "-h", "3", "--windows", "2", "--no-refit"]
    assert main([*words, "--out", str(folder / "folds.csv")]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split()[:5] == ["model", "mae", "rmse", "smape", "skill"]
    assert [line.split()[0] for line in lines[1:6]] == ["Ensemble", "LSTM", "DOT", "SeasonalNaive", "Naive"]
    with (folder / "folds.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 2 * 3 * 3
    assert {row["cutoff"] for row in rows} == {"2023-06-01", "2023-09-01"}
    assert main([*words, "--json"]) == 0
    scores = json.loads(capsys.readouterr().out)["scores"]
    assert scores[3]["skill"] == 0
    assert scores[1]["in 80 %"] is None


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["predict", "sales.csv"], 1, "Cannot read the file (sales.csv): got a file that is truncated or not"),
        (["predict", "absent.gatecast"], 2, "there is no such file (absent.gatecast)"),
        (
            ["train", "sales.csv", "--out", "m.pkl"],
            2,
            "--out has an unknown file type (m.pkl): got '.pkl', expected .gatecast",
        ),
        (["train", "sales.csv", "--out", "x.gatecast", "--model", "arima"], 2, "there is no such model: got 'arima'"),
        (["backtest", "sales.csv", "--windows", "0"], 2, "--windows makes no sense: got '0'"),
        (["backtest", "sales.csv", "--windows", "60"], 1, "the series are too short for so many cutoffs: got 48 rows"),
        (["predict", "m.gatecast", "-h", "-1"], 2, "--horizon makes no sense: got '-1'"),
    ],
)
def test_what_cannot_be_done_is_said(folder, capsys, monkeypatch, words, code, said):
    monkeypatch.chdir(folder)
    assert main(words) == code
    out, err = capsys.readouterr()
    assert err.startswith(f"error: {said}")
    assert err.count("\n") == 1
    assert out == ""
    assert not (folder / "x.gatecast").exists()


@pytest.fixture(scope="module")
def offers(tmp_path_factory):
    """Sales with offers, the days ahead, and two files for a pattern."""
    folder = tmp_path_factory.mktemp("offers")
    rng = np.random.default_rng(1)
    days = [str(day) for day in np.arange("2024-01-01", "2024-04-01", dtype="M8[D]")]
    offer = (rng.random(len(days)) < 0.3) * 1
    sold = np.round(20 + 10 * offer + rng.normal(0, 1, len(days)), 1)
    for name, rows in (
        ("past", slice(0, 84)),
        ("ahead", slice(84, None)),
        ("one", slice(0, 40)),
        ("two", slice(0, 40)),
    ):
        with (folder / f"{name}.csv").open("w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(["day", "sold", "offer"])
            writer.writerows(zip(days[rows], sold[rows], offer[rows], strict=True))
    return folder


def test_known_columns_go_through_every_command(offers, capsys):
    past, ahead, kept = (str(offers / name) for name in ("past.csv", "ahead.csv", "m.gatecast"))
    columns = ["--target-col", "sold", "--known", "offer", "-h", "7"]
    assert main(["train", past, "--out", kept, *columns]) == 0
    assert main(["predict", kept, "--future", ahead, "--out", str(offers / "f.csv")]) == 0
    assert main(["forecast", past, *columns, "--future", ahead, "--out", str(offers / "g.csv"), "-q"]) == 0
    assert (offers / "f.csv").read_text() == (offers / "g.csv").read_text()
    capsys.readouterr()
    assert main(["backtest", past, *columns, "--windows", "1", "--json"]) == 0
    names = [score["model"] for score in json.loads(capsys.readouterr().out)["scores"]]
    assert names == ["Ensemble", "LSTM", "DOT", "Naive", "Drift", "Mean"]


def test_known_columns_without_the_steps_ahead_are_asked_for(offers, capsys):
    past = str(offers / "past.csv")
    assert main(["forecast", past, "--target-col", "sold", "--known", "offer", "-h", "7"]) == 2
    assert "--known needs --future: got offer, expected a file with these columns" in capsys.readouterr().err
    kept = str(offers / "k.gatecast")
    assert main(["train", past, "--target-col", "sold", "--known", "offer", "-h", "7", "--out", kept]) == 0
    assert main(["predict", kept]) == 2
    assert "the known columns are needed for the steps ahead" in capsys.readouterr().err
    assert main(["forecast", past, "--target-col", "sold", "--known", "price", "-h", "7", "--future", past]) == 2
    assert "'price'" in capsys.readouterr().err
    assert main(["forecast", past, "--known", "offer", "--future", str(offers / "no.csv")]) == 2
    assert "there is no such file" in capsys.readouterr().err


def test_patterns_and_queries_are_files_too(offers, capsys):
    assert main(["forecast", str(offers / "[ot][nw][eo].csv"), "--target-col", "sold", "-h", "3", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["data"]["series"] == 2
    query = f"SELECT day, sold FROM '{offers / 'past.csv'}'"
    assert main(["forecast", query, "-h", "3", "--json", "--model", "rnn"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["data"]["rows"] == 84
    assert told["model"]["name"] == "RNN"
    assert main(["forecast", query, "--model", "oracle"]) == 2
    assert "there is no such model: got 'oracle'" in capsys.readouterr().err
