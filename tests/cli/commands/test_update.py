"""`gatecast update`."""

import json

import pytest

from gatecast.cli.main import main
from gatecast.forecaster import Forecaster


def test_update_writes_into_the_file_of_the_model(workdir, capsys):
    assert main(["update", "old.gatecast", "shops.csv"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("data: id column: 'shop', time column: 'month', target: 'sold', ")
    assert lines[1] == "12 new rows, 0 new series; now 120 rows of 2 series"
    assert lines[2].startswith("written: old.gatecast (")
    assert len(Forecaster.load("old.gatecast").panel_.values) == 120


def test_update_writes_into_another_file(workdir, capsys):
    before = (workdir / "old.gatecast").read_bytes()
    assert main(["update", "old.gatecast", "shops.csv", "--out", "new.gatecast", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert (document["file"], document["new_rows"], document["new_series"]) == ("new.gatecast", 12, 0)
    assert (workdir / "old.gatecast").read_bytes() == before


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
