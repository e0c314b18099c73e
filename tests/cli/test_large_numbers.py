"""Numbers that no computer can hold are refused in a sentence, or do no harm: every option of every command."""

from __future__ import annotations

import numpy as np
import pytest
from typer.main import get_command

import gatecast as gc
from gatecast.cli.app import COMMANDS, make_app
from gatecast.cli.main import main
from gatecast.config import TrainingConfig

LARGE = ("9223372036854775807", "9" * 30)
"""The largest integer of 64 bits, and one that is larger."""

NETWORKS = ["--model", "lstm", "--max-steps", "2"]

ARGUMENTS = {
    "forecast": ["sales.csv", "--model", "naive"],
    "train": ["sales.csv", "--model", "naive", "--out", "new.gatecast"],
    "predict": ["naive.gatecast"],
    "simulate": ["naive.gatecast"],
    "evaluate": ["naive.gatecast", "sales.csv"],
    "backtest": ["sales.csv", "--model", "naive", "-n", "3"],
    "compare": ["sales.csv", "--models", "naive,drift", "-n", "3"],
    "tune": ["sales.csv", "-n", "3", "--n-trials", "1", "--n-windows", "1", *NETWORKS],
    "explain": ["lstm.gatecast"],
    "anomalies": ["sales.csv", "--model", "naive"],
    "export": ["lstm.gatecast", "--out", "new.onnx"],
    "memory-benchmark": ["--cells", "rnn", "--tasks", "adding"],
    "synth": ["--count", "2"],
    "inspect": ["sales.csv"],
}
"""A quick use of each command that takes numbers, but for the servers."""


def options_of(command):
    """Options of a command that take a whole number or a frequency."""
    parameters = get_command(make_app([command])).commands[command].params
    return [max(p.opts, key=len) for p in parameters if p.metavar == "N" or "--freq" in p.opts]


CASES = [(command, option, []) for command in ARGUMENTS for option in options_of(command)]
# Models without a network take no notice of its settings.
CASES += [("forecast", option, NETWORKS) for option in options_of("forecast")]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with a table, and two forecasters of it."""
    path = tmp_path_factory.mktemp("large")
    months, y = np.arange("2019-01", "2023-01", dtype="M8[M]"), 50 + np.sin(np.arange(48.0))
    rows = (f"{month},{value:.2f}\n" for month, value in zip(months, y, strict=True))
    (path / "sales.csv").write_text("month,sold\n" + "".join(rows))
    quick = TrainingConfig(max_steps=2, n_members=1)
    for model in ("naive", "lstm"):
        forecaster = gc.Forecaster(3, model=model, training=quick)
        forecaster.fit(path / "sales.csv", evaluate=False, progress=False).save(path / f"{model}.gatecast")
    return path


def test_cases_are_those_of_every_command_that_takes_numbers():
    assert set(ARGUMENTS) == {command for command in COMMANDS if options_of(command)} - {"serve", "mcp"}
    assert len(CASES) > 25


@pytest.mark.slow
@pytest.mark.parametrize(("command", "option", "more"), CASES)
def test_command_with_a_number_that_is_too_large_ends_in_order(command, option, more, folder, monkeypatch, capsys):
    monkeypatch.chdir(folder)
    for number in LARGE:
        code = main([command, *ARGUMENTS[command], *more, option, number])
        message = capsys.readouterr().err
        assert code in (0, 1, 2), message
        # A seed, or what a model does not have, may be any number.
        assert code == 0 or "error: " in message
