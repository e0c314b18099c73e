"""Documents of `--json` are what `schema.json` says; the schema cannot change without this file."""

import json
from importlib.resources import files

import json_schema
import pytest
from typer.main import get_command

import gatecast.selection.memory_tasks.benchmark
from gatecast.cli.app import make_app
from gatecast.cli.main import main
from gatecast.selection.memory_tasks.tasks import TASKS

SCHEMA = json.loads(files("gatecast.cli").joinpath("schema.json").read_text("utf-8"))

COMMANDS = {
    "inspect": "inspect shops.csv",
    "forecast": "forecast sales.csv -n 3 QUICK",
    "forecast several": "forecast shops.csv -n 3 QUICK",
    "train": "train sales.csv -n 3 --out new.gatecast QUICK",
    "predict": "predict shops.gatecast",
    "simulate": "simulate sales.gatecast --n-paths 2",
    "evaluate": "evaluate old.gatecast shops.csv",
    "update": "update old.gatecast shops.csv",
    "export": "export sales.gatecast --out sales.onnx",
    "backtest": "backtest sales.csv -n 3 --n-windows 1 QUICK",
    "anomalies": "anomalies sales.csv -n 3 --model dot",
    "compare": "compare sales.csv -n 3 --models rnn --n-windows 1 --max-steps 2 --n-members 1",
    "tune": "tune sales.csv -n 3 --n-trials 1 --n-windows 1 --max-steps 2 --n-members 1",
    "explain": "explain sales.gatecast",
    "memory-benchmark": "memory-benchmark --cells rnn --n-seeds 1",
    "synth": "synth --count 3 --length 5",
    "doctor": "doctor",
    "error": "forecast absent.csv",
    "error of an option": "forecast sales.csv -n 0",
}
FROZEN = {
    "inspect": "schema_version command time_col target_col id_cols exogenous frequency season horizon scored series "
    "constant empty problem files findings",
    "forecast": "schema_version command data model evaluation learning forecast files settings seconds findings",
    "train": "schema_version command file series horizon season weights verdict learning findings seconds",
    "predict": "schema_version command forecast file findings",
    "export": "schema_version command file horizon findings",
    "backtest": "schema_version command cutoffs scores file report files findings",
    "anomalies": "schema_version command level values anomalies files findings",
    "compare": "schema_version command best recommendation note horizon season cutoffs units scores files findings",
    "tune": "schema_version command measure trials importance best validation test gain kept study files seconds "
    "findings",
    "explain": "schema_version command id step quantile method forecast baseline gap sentence attributions memory "
    "learning files findings",
    "memory-benchmark": "schema_version command sentence probes files",
    "error": "schema_version error",
}
"""Keys that programs rely on."""


def document(words, quick, capsys):
    args = [part for word in words.split() for part in (quick if word == "QUICK" else [word])]
    main([*args, "--json"])
    return json.loads(capsys.readouterr().out, parse_constant=pytest.fail)


@pytest.mark.slow
@pytest.mark.parametrize("case", COMMANDS)
def test_document_of_every_command_fits_the_schema(case, workdir, quick, capsys, monkeypatch):
    name = case.split()[0]
    if name == "tune":
        pytest.importorskip("optuna")
    tasks = {"order": TASKS["order"]._replace(length=10, steps=4)}
    monkeypatch.setattr(gatecast.selection.memory_tasks.benchmark, "TASKS", tasks)
    produced = document(COMMANDS[case], quick, capsys)
    assert list(json_schema.errors(produced, SCHEMA["$defs"][name], SCHEMA)) == []
    assert list(json_schema.errors(produced, SCHEMA, SCHEMA)) == []
    assert produced.get("command", "error") == name
    # A key that the schema does not know is a key that nobody promised.
    assert set(produced) <= set(SCHEMA["$defs"][name]["properties"])


def test_every_command_with_json_has_a_schema():
    commands = get_command(make_app()).commands
    with_json = {name for name, command in commands.items() if any("--json" in p.opts for p in command.params)}
    assert with_json == set(SCHEMA["$defs"]) & set(commands)
    assert {name.split()[0] for name in COMMANDS} == with_json | {"error"}


@pytest.mark.parametrize("name", FROZEN)
def test_keys_of_version_2_stay(name):
    assert set(FROZEN[name].split()) <= set(SCHEMA["$defs"][name]["required"])


def test_validator_finds_what_is_wrong():
    wrong = {"schema_version": 1, "error": {"kind": 3, "exit_code": True, "colour": "red"}}
    messages = list(json_schema.errors(wrong, SCHEMA["$defs"]["error"], SCHEMA))
    for text in ("1 is not 2", "3 is no string", "True is no integer", "no 'message'", "unknown 'colour'"):
        assert any(text in error for error in messages)
    assert list(json_schema.errors({}, SCHEMA, SCHEMA)) == ["document: fits 0 of 17 schemas"]
