"""`gatecast inspect`."""

import json
from pathlib import Path

import numpy as np
import pytest

from gatecast.cli.main import main

SHOPS = "shop,day,sales,promo,price\na,2024-01-01,3,0,1\na,2024-01-02,4,1,1\na,2024-01-05,5,0,2\n" + "".join(
    f"b,2024-01-0{day},7,0,1\n" for day in range(1, 7)
)


@pytest.fixture
def shops(tmp_path, monkeypatch):
    """A file of two series: one with a gap, one that does not vary."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "shops.csv").write_text(SHOPS, encoding="utf-8")
    return "shops.csv"


def test_inspect_prints_columns_frequency_gaps_and_notes(shops, capsys):
    assert main(["inspect", shops, "--futr-exog", "promo,price", "--target-col", "sales"]) == 0
    printed = capsys.readouterr().out
    facts = dict(line.split("  ", 1) for line in printed.split("\n\n")[1].splitlines())
    assert {name: fact.strip() for name, fact in facts.items()} == {
        "time": "day",
        "target": "sales",
        "ids": "shop",
        "futr-exog": "promo, price",
        "frequency": "D",
        "season": "none",
        "horizon": "1 by default",
    }
    rows = [line.split() for line in printed.splitlines() if line.startswith(("a ", "b "))]
    assert rows[0][:6] == ["a", "2024-01-01", "2024-01-05", "5", "2", "2"]
    assert rows[1][3:] == ["6", "0", "0", "7.000", "7.000", "7.000"]
    assert "'b' does not vary" in printed


def test_inspect_as_json_says_what_the_text_says(shops, capsys):
    assert main(["inspect", shops, "--target-col", "sales", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert (document["frequency"], document["constant"], document["empty"], document["problem"]) == ("D", 1, 0, None)
    assert [row["longest_gap"] for row in document["series"]] == [2, 0]
    # Python's names of arguments are those of the options here.
    assert "--futr-exog promo" in " ".join(document["findings"])


def test_inspect_writes_a_row_for_each_of_many_series(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    lines = [f"s{k:02},{step},{k + step}" for k in range(20) for step in range(1, 9)]
    (tmp_path / "many.csv").write_text("id,t,y\n" + "\n".join(lines), encoding="utf-8")
    assert main(["inspect", "many.csv", "--out", "series.csv"]) == 0
    printed = capsys.readouterr().out
    assert "... 8 more series; --out FILE writes all of them" in printed
    assert "s12" not in printed
    table = np.genfromtxt("series.csv", delimiter=",", names=True, dtype=None, encoding="utf-8")
    assert table["id"].tolist() == [f"s{k:02}" for k in range(20)]
    assert table["mean"].tolist() == [k + 4.5 for k in range(20)]


def test_inspect_says_why_a_forecast_would_be_refused(shops, capsys):
    assert main(["inspect", shops, "--target-col", "sales", "-n", "12"]) == 0
    assert "A forecast would be refused" not in capsys.readouterr().out
    Path("short.csv").write_text("t,y\n1,5\n2,\n3,\n", encoding="utf-8")
    assert main(["inspect", "short.csv", "--target-col", "y", "--freq", "1", "--time-col", "t"]) == 0
    printed = capsys.readouterr().out
    assert "A forecast would be refused: Too few values" in printed
    assert "horizon    unknown" in printed


def test_inspect_refuses_a_file_that_is_no_table(tmp_path, capsys):
    (tmp_path / "words.csv").write_text("hello\nworld\n", encoding="utf-8")
    assert main(["inspect", str(tmp_path / "words.csv")]) == 1
    assert "error:" in capsys.readouterr().err


def test_inspect_has_no_options_of_models_and_keeps_nothing(capsys):
    assert main(["inspect", "--help"]) == 0
    printed = capsys.readouterr().out
    assert "--model" not in printed
    assert "--checkpoint" not in printed
    assert "--freq" in printed
