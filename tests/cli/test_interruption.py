"""Commands go on after an interruption: options, sentences, and a process that is killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import pytest

from gatecast.cli.main import main

QUICK = ("-h", "3", "--model", "lstm", "--units", "4", "--n-layers", "1", "--n-members", "1")


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """Return the folder of checkpoints, in which units are written at once."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("LOCALAPPDATA", str(tmp_path / "cache"))
    monkeypatch.setenv("GATECAST_CHECKPOINT_DELAY", "0")
    monkeypatch.setenv("GATECAST_CHECKPOINT_EVERY", "0")
    return tmp_path / "cache" / "gatecast" / "checkpoints"


@pytest.fixture
def interrupted(monkeypatch):
    """Return what runs a command that Ctrl-C ends after so many updates."""

    def run(*arguments, after=8):
        from gatecast.pipeline.progress import ProgressTracker

        count, on_step = [0], ProgressTracker.on_step

        def stop(self, *step):
            count[0] += 1
            if count[0] > after:
                raise KeyboardInterrupt
            on_step(self, *step)

        with monkeypatch.context() as patch:
            patch.setattr(ProgressTracker, "on_step", stop)
            return main(arguments)

    return run


def names(folder):
    return sorted(os.listdir(folder)) if folder.exists() else []


@pytest.mark.slow
def test_interrupted_command_says_that_it_can_go_on_and_then_goes_on(workdir, cache, interrupted, capsys):
    command = ("forecast", "sales.csv", *QUICK, "--max-steps", "12", "--out", "o.csv")
    assert main((*command, "--no-checkpoint")) == 0
    expected = (workdir / "o.csv").read_bytes()
    capsys.readouterr()
    assert interrupted(*command) == 130
    assert capsys.readouterr().err == "note: the same command goes on from here.\nerror: interrupted\n"
    assert len(names(cache)) == 1
    assert main(command) == 0
    note = capsys.readouterr().err
    assert note.startswith("note: goes on from a checkpoint of ")
    assert note.endswith(": 0 of 3 trainings done, 1 begun.\n")
    assert (workdir / "o.csv").read_bytes() == expected
    assert not cache.parent.exists()


def test_short_command_writes_no_checkpoint(workdir, cache, interrupted, monkeypatch, capsys):
    monkeypatch.delenv("GATECAST_CHECKPOINT_DELAY")
    assert interrupted("forecast", "sales.csv", *QUICK, "--max-steps", "12") == 130
    assert capsys.readouterr().err == "error: interrupted\n"
    assert not cache.exists()


@pytest.mark.slow
def test_checkpoint_option_names_the_folder(workdir, cache, interrupted, capsys):
    command = ("backtest", "sales.csv", *QUICK, "--max-steps", "12", "--n-windows", "2", "--checkpoint", "units")
    assert interrupted(*command, after=30) == 130
    assert {name.split(".")[1] for name in names(workdir / "units")} == {"begun", "window"}
    assert not cache.exists()
    # Another command does not use it, and says so.
    assert main((*command, "--seed", "1")) == 0
    assert "note: units holds a checkpoint of other data, other settings or another version" in capsys.readouterr().err
    assert main(command) == 0
    assert ": 1 of 2 windows done, in the next one 0 trainings done, 1 begun.\n" in capsys.readouterr().err
    assert names(workdir / "units") == []


def test_no_checkpoint_keeps_nothing(workdir, cache, interrupted, capsys):
    assert interrupted("forecast", "sales.csv", *QUICK, "--max-steps", "12", "--no-checkpoint") == 130
    assert not cache.exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--checkpoint", "sales.csv"), "invalid --checkpoint 'sales.csv': got a file, expected a folder"),
        (("--checkpoint", "units", "--no-checkpoint"), "--checkpoint and --no-checkpoint exclude each other"),
    ],
)
def test_checkpoint_that_cannot_be_is_refused(workdir, cache, options, message, capsys):
    assert main(("forecast", "sales.csv", *QUICK, *options)) == 2
    assert message in capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
def test_killed_command_ends_with_the_bits_of_an_undisturbed_one(workdir, cache, monkeypatch):
    monkeypatch.setenv("GATECAST_CHECKPOINT_EVERY", "0.1")
    arguments = ("forecast", "sales.csv", *QUICK, "--max-steps", "300", "--out", "o.csv", "--quiet")
    command = [sys.executable, "-m", "gatecast", *arguments]

    def finish():
        subprocess.run(command, check=True, capture_output=True, cwd=workdir, timeout=120)
        return (workdir / "o.csv").read_bytes()

    expected = finish()
    (workdir / "o.csv").unlink()
    process = subprocess.Popen(command, cwd=workdir, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    end = time.monotonic() + 60
    while not names(cache) and time.monotonic() < end:
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    assert process.wait(60) == -signal.SIGKILL
    assert names(cache)
    assert finish() == expected
    assert names(cache) == []
