"""`gatecast doctor`."""

import json
import re
from pathlib import Path

import pytest

from gatecast import __version__
from gatecast.cli.commands.doctor import EXTRAS
from gatecast.cli.main import main


def test_doctor_prints_versions_machine_and_kernels(capsys):
    assert main(["doctor"]) == 0
    lines = dict(line.split("  ", 1) for line in capsys.readouterr().out.splitlines())
    facts = {name: fact.strip() for name, fact in lines.items()}
    assert facts["gatecast"] == __version__
    assert "GATECAST_ISA chooses" in facts["instruction set"]
    assert "GATECAST_THREADS chooses" in facts["threads"]
    assert facts["kernels"].startswith("equal to the reference within ")
    assert "matplotlib" in facts["extra plot"]


def test_doctor_as_json(capsys):
    assert main(["doctor", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["healthy"] is True
    assert document["difference"] < 1e-5
    assert document["isa"] in document["isas"]
    assert document["versions"]["gatecast"] == __version__
    assert document["extras"].keys() == EXTRAS.keys()


def test_doctor_finds_broken_kernels(capsys, monkeypatch):
    monkeypatch.setattr("gatecast.cli.commands.doctor._difference", lambda: float("nan"))
    assert main(["doctor"]) == 1
    assert re.search("^kernels +the kernels differ from the reference by nan", capsys.readouterr().out, re.MULTILINE)


def test_doctor_knows_every_extra():
    tomllib = pytest.importorskip("tomllib")  # from Python 3.11 on
    project = tomllib.loads((Path(__file__).parents[3] / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert {*EXTRAS, "all", "zstd"} == set(project["optional-dependencies"])
