"""`gatecast explain`, and pages of `backtest`: in words, as JSON, as files, with kind refusals."""

import json

import numpy as np
import pytest

from gatecast.cli.main import main


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    path = tmp_path_factory.mktemp("explain") / "sales.csv"
    rng = np.random.default_rng(0)
    rows = ["month,shop,sold"]
    for shop in ("north", "south"):
        y = 30 + 8 * np.sin(np.arange(72) * np.pi / 6) + rng.normal(0, 1, 72)
        months = np.datetime64("2015-01") + np.arange(72)
        rows += [f"{month},{shop},{value:.3f}" for month, value in zip(months, y, strict=True)]
    path.write_text("\n".join(rows) + "\n")
    return path


@pytest.fixture(scope="module")
def kept(file, tmp_path_factory):
    path = tmp_path_factory.mktemp("kept") / "sales.gatecast"
    assert main(["train", str(file), "-h", "6", "--model", "lstm", "--out", str(path)]) == 0
    return path


def test_it_says_what_the_forecast_rests_on_and_how_long_units_remember(kept, capsys):
    assert main(["explain", str(kept), "--id", "south", "--step", "6"]) == 0
    told = capsys.readouterr().out
    assert "step 6" in told
    assert "All parts add up to the difference" in told
    assert "longest memory has a half-life of" in told
    assert "half-life  longest  dead" in told


def test_the_document_has_parts_that_add_up(kept, capsys):
    assert main(["explain", str(kept), "--json", "--quantile", "0.9"]) == 0
    told = json.loads(capsys.readouterr().out)
    total = sum(row["attribution"] for row in told["attributions"])
    assert total + told["gap"] == pytest.approx(told["forecast"] - told["baseline"], abs=1e-6)
    assert (told["id"], told["quantile"], told["method"]) == ("north", 0.9, "integrated")
    assert {row["layer"] for row in told["memory"]["units"]} == {"lstm_1", "lstm_2"}


def test_a_table_is_learnt_first_and_gates_and_page_are_written(file, tmp_path, capsys):
    gates, page = tmp_path / "gates.csv", tmp_path / "page.html"
    words = ["explain", str(file), "-h", "6", "--model", "gru", "--gates", str(gates), "--report", str(page)]
    assert main(words) == 0
    assert gates.read_text().splitlines()[0] == "shop,month,value,layer,unit,i,f,o,g,c,h,z,r"
    assert ">Attributions<" in page.read_text()
    assert f"written: {gates}" in capsys.readouterr().out


def test_a_backtest_has_a_page(file, tmp_path):
    page = tmp_path / "folds.html"
    assert main(["backtest", str(file), "-h", "6", "--windows", "2", "--model", "rnn", "--report", str(page)]) == 0
    assert "backtest" in page.read_text()


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["--step", "7"], "there is no such step: got 7, expected a whole number from 1 to 6"),
        (["--step", "two"], "--step makes no sense: got 'two', expected a whole number"),
        (["--quantile", "0.4"], "this quantile was not learnt: got 0.4, expected one of 0.025, 0.1, 0.5, 0.9, 0.975"),
        (["--method", "guess"], "there is no such method: got 'guess'"),
        (["--id", "west"], "unknown series: got 'west', expected one of 2 names"),
        (["--gates", "gates.xls"], "--gates has an unknown file type"),
        (["--report", "page.pdf"], "--report has an unknown file type"),
    ],
)
def test_bad_words_are_refused_kindly(kept, words, text, capsys):
    assert main(["explain", str(kept), *words]) == 2
    assert text in capsys.readouterr().err


def test_a_model_without_networks_says_what_can_be_explained(tmp_path, capsys):
    path = tmp_path / "short.csv"
    path.write_text("t,y\n" + "".join(f"{k},{k % 4}\n" for k in range(60)))
    assert main(["explain", str(path), "-h", "2", "--model", "es-lstm"]) == 2
    assert "this model cannot be explained: got ES-LSTM, expected LSTM" in capsys.readouterr().err
