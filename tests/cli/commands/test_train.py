"""`gatecast train`."""

import json

import pytest

from gatecast.cli.main import main
from gatecast.forecaster import Forecaster


def test_train_reports_what_was_fitted(workdir, quick, capsys):
    assert main(["train", "shops.csv", "--out", "new.gatecast", "-h", "3", *quick, "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert (document["series"], document["horizon"], document["season"]) == (2, 3, 12)
    assert "of each of 2 series" in document["verdict"]
    assert Forecaster.load("new.gatecast").h_ == 3


def test_train_prints_notes_verdict_and_file(workdir, quick, capsys):
    assert main(["train", "sales.csv", "--out", "new.gatecast", "-n", "3", *quick]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert "monthly" in lines[0]
    assert any(line.startswith("On the last") for line in lines)
    assert lines[-1].startswith("written: new.gatecast (")


@pytest.mark.parametrize(
    ("args", "code", "text"),
    [
        (["--out", "m.pkl"], 2, "invalid --out (m.pkl): got '.pkl', expected .gatecast"),
        (["--out", "x.gatecast", "--model", "arima"], 2, "'arima'"),
        (["--out", "x.gatecast", "--units", "0"], 2, "invalid --units '0'"),
        (["--out", "x.gatecast", "--lower-bound", "1e9"], 1, "lower bound"),
    ],
)
def test_train_refuses_what_cannot_be(workdir, quick, capsys, args, code, text):
    assert main(["train", "sales.csv", *quick, *args]) == code
    out, err = capsys.readouterr()
    assert err.startswith("error: ")
    assert text in err
    assert err.count("\n") == 1
    assert out == ""
    assert not (workdir / "x.gatecast").exists()
