"""`gatecast update`."""

import json

import pytest

from gatecast.cli.main import main
from gatecast.forecaster import Forecaster


def test_update_writes_into_the_file_of_the_model(workdir, capsys):
    assert main(["update", "old.gatecast", "shops.csv"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("data: id column: 'shop', time column: 'month', target: 'sold', ")
    assert lines[1] == "12 new values, 0 new series; now 120 values of 2 series"
    assert lines[2].startswith("written: old.gatecast (")
    assert len(Forecaster.load("old.gatecast").panel_.values) == 120


def test_update_writes_into_another_file(workdir, capsys):
    before = (workdir / "old.gatecast").read_bytes()
    assert main(["update", "old.gatecast", "shops.csv", "--out", "new.gatecast", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert (document["file"], document["new_rows"], document["new_series"]) == ("new.gatecast", 12, 0)
    assert (workdir / "old.gatecast").read_bytes() == before


def test_update_counts_values_and_notes_gaps_and_replaced_values(workdir, capsys):
    (workdir / "far.csv").write_text("shop,month,sold\nnorth,2029-07-01,1\nsouth,2019-06-01,9\nsouth,2019-07-01,9\n")
    assert main(["update", "old.gatecast", "far.csv"]) == 0
    out = capsys.readouterr().out
    assert "120 times between the known rows and the new ones have no value." in out
    assert "1 known value is replaced by a new one." in out
    assert "\n2 new values, 0 new series; now 110 values of 2 series\n" in out


@pytest.mark.parametrize(
    ("args", "code", "text"),
    [
        (["shops.csv", "--out", "new.csv"], 2, "invalid --out (new.csv)"),
        (["absent.csv"], 2, "FILE not found (absent.csv)"),
        (["bad.csv"], 1, ""),
    ],
)
def test_update_refuses_what_cannot_be_and_leaves_the_model(workdir, capsys, args, code, text):
    (workdir / "bad.csv").write_text("shop,month,sold\nnorth,2020-01-01,many\n")
    before = (workdir / "old.gatecast").read_bytes()
    assert main(["update", "old.gatecast", *args]) == code
    assert capsys.readouterr().err.startswith(f"error: {text}")
    assert (workdir / "old.gatecast").read_bytes() == before
