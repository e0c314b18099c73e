"""What surrounds a command: closed streams, signals, widths that are none, names that would command a terminal."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from textwrap import dedent

import numpy as np
import pytest

import gatecast
from gatecast.cli.main import main
from gatecast.data.sources.writers import write

posix = pytest.mark.skipif(os.name != "posix", reason="streams and signals of POSIX")


def start(arguments, folder, *, closed=(), **environment):
    """Start the program with some streams closed."""
    script = f"import os, sys\nfor k in {tuple(closed)}: os.close(k)\nos.execv(sys.executable, {arguments!r})"
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "stdin": subprocess.DEVNULL}
    environment = {**os.environ, "GATECAST_THREADS": "1", **environment}
    return subprocess.Popen([sys.executable, "-c", script], cwd=folder, env=environment, text=True, **streams)


def program(*arguments):
    """Return a command line of the program."""
    return [sys.executable, "-m", "gatecast", *arguments]


@posix
@pytest.mark.parametrize("closed", [(1,), (2,), (1, 2), (0, 1, 2)])
@pytest.mark.parametrize("works", [True, False])
def test_closed_streams_change_neither_the_work_nor_the_exit_code(workdir, closed, works):
    source = "sales.csv" if works else "nowhere.csv"
    process = start(
        program("forecast", source, "-h", "3", "--model", "naive", "--out", "o.csv"), workdir, closed=closed
    )
    out, error = process.communicate(timeout=120)
    assert process.returncode == (0 if works else 2)
    assert (workdir / "o.csv").exists() == works
    if works:
        assert (workdir / "o.csv").read_text().startswith("month,Naive")
    assert "Traceback" not in error
    assert bool(out) == (works and 1 not in closed)
    assert bool(error) == (not works and 2 not in closed)


@pytest.mark.parametrize("width", ["0", "-5", "wide", ""])
def test_a_width_that_is_none_prints_as_usual(workdir, width):
    process = start(program("forecast", "sales.csv", "-h", "3", "--model", "naive"), workdir, COLUMNS=width)
    out, _ = process.communicate(timeout=120)
    assert "Naive" in out
    assert process.returncode == 0


@posix
@pytest.mark.slow
@pytest.mark.parametrize(("name", "code", "word"), [("SIGTERM", 143, "terminated"), ("SIGINT", 130, "interrupted")])
def test_a_signal_leaves_a_word_and_no_drafts(workdir, name, code, word):
    before = sorted(os.listdir(workdir))
    arguments = ("forecast", "sales.csv", "-h", "3", "--model", "lstm", "--max-steps", "100000", "--out", "o.parquet")
    process = start(program(*arguments), workdir)
    time.sleep(4)
    process.send_signal(getattr(signal, name))
    _, error = process.communicate(timeout=120)
    assert (process.returncode, error) == (code, f"error: {word}\n")
    assert sorted(os.listdir(workdir)) == before


def test_names_of_series_do_not_command_the_terminal(workdir, capsys):
    months = np.datetime64("2020-01") + np.arange(24)
    ids = np.repeat(["\x1b[31mno\x9brth\u202e", "south"], 24).astype(object)
    write({"shop": ids, "month": np.tile(months, 2).astype("M8[us]"), "sold": np.arange(48.0)}, "odd.parquet")
    naive = ["odd.parquet", "-h", "3", "--model", "naive"]
    for arguments in (["train", *naive, "--out", "m.gatecast"], ["predict", "m.gatecast"], ["forecast", *naive]):
        assert main(arguments) == 0
        printed = capsys.readouterr()
        assert not set(printed.out + printed.err) & {"\x1b", "\x9b", "\u202e"}
        assert ("\\x1b[31mno" in printed.out) == (arguments[0] != "train")


def interrupted_at_import(module, how):
    """Run the program with Ctrl-C at the moment when it begins to import a module."""
    code = f"""
import os, signal, sys

class Interrupt:
    def find_spec(self, name, path=None, target=None):
        if name == {module!r}:
            sys.meta_path.remove(self)
            os.kill(os.getpid(), signal.SIGINT)

sys.meta_path.insert(0, Interrupt())
sys.argv = ["gatecast", "forecast", "sales.csv", "-h", "3", "--model", "naive", "--out", "o.csv"]
{how}
"""
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)


PROGRAM = "from gatecast.cli.start import main; sys.exit(main())"
MODULE = "import runpy; runpy.run_module('gatecast', run_name='__main__')"


@posix
@pytest.mark.slow
@pytest.mark.parametrize("how", [PROGRAM, MODULE])
@pytest.mark.parametrize(
    "module",
    ["gatecast.cli.main", "gatecast.errors", "typer", "gatecast.cli.app", "numpy", "gatecast.forecaster"],
)
def test_ctrl_c_while_the_program_is_imported_shows_no_traceback(workdir, module, how):
    before = sorted(os.listdir(workdir))
    done = interrupted_at_import(module, how)
    assert done.returncode in (-signal.SIGINT, 130)
    assert done.stderr in ("", "error: interrupted\n")
    assert sorted(os.listdir(workdir)) == before


def test_the_first_lines_of_the_program_leave_an_ignored_signal_ignored():
    code = (
        "import signal; signal.signal(signal.SIGINT, signal.SIG_IGN); from gatecast.cli.start import end_quietly; "
        "end_quietly(); print(signal.getsignal(signal.SIGINT) is signal.SIG_IGN)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "True\n"


def test_the_first_lines_of_the_program_import_next_to_nothing():
    """What is imported before them is where Ctrl-C still shows a traceback."""
    code = "import sys, signal; before = set(sys.modules); import gatecast.cli.start; print(*set(sys.modules) - before)"
    # Without site-packages the package is found by its folder alone.
    environment = os.environ | {"PYTHONPATH": str(Path(gatecast.__file__).parents[1])}
    program = [sys.executable, "-S", "-c", code]
    done = subprocess.run(program, capture_output=True, text=True, check=True, env=environment)
    loaded = set(done.stdout.split())
    assert not loaded & {"typing", "re", "contextlib", "pathlib", "importlib.metadata"}
    assert {name for name in loaded if name.startswith("gatecast")} <= {
        *("gatecast", "gatecast._utils", "gatecast._utils.versions", "gatecast.cli", "gatecast.cli.start")
    }


@posix
@pytest.mark.parametrize(("name", "code"), [("SIGTERM", 143), ("SIGINT", 130)])
def test_a_signal_in_a_finalizer_ends_the_command_all_the_same(name, code):
    script = f"""
        import os, signal, sys, time
        from gatecast.cli.process import Ended, ending, stop_on_signals

        class Finalized:
            def __del__(self):
                os.kill(os.getpid(), signal.{name})
                time.sleep(0)  # The handler runs before the next line, and Python drops what it raises.

        stop_on_signals()
        try:
            Finalized()
            for _ in range(600):
                time.sleep(0.05)
        except Ended:
            sys.exit(ending()[0])
    """
    done = subprocess.run(
        [sys.executable, "-c", dedent(script)], capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stderr) == (code, "")


def test_other_errors_of_finalizers_are_printed():
    script = """
        from gatecast.cli.process import stop_on_signals

        class Finalized:
            def __del__(self):
                raise ValueError("of a finalizer")

        stop_on_signals()
        Finalized()
    """
    done = subprocess.run(
        [sys.executable, "-c", dedent(script)], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0
    assert "ValueError: of a finalizer" in done.stderr
