"""A sample of each fuzzer, always the same one: `make fuzz` goes on for an hour each."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).parent.parent / "scripts"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(os.name != "posix", reason="the fuzzers stop a case by a signal of POSIX"),
]


@pytest.mark.parametrize(
    ("script", "arguments", "least"),
    [
        ("fuzz_files.py", ["--cases", "60"], 300),
        ("fuzz_commands.py", ["--cases", "250"], 250),
        ("fuzz_tables.py", ["--cases", "3"], 100),
    ],
)
def test_fuzz_finds_no_defect(tmp_path, script, arguments, least):
    command = [sys.executable, str(SCRIPTS / script), *arguments, "--seed", "5"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    counts = re.findall(r": (\d+)", done.stdout.splitlines()[-1])
    assert sum(map(int, counts)) >= least


@pytest.mark.parametrize("defect", ["raise ValueError", "while True: pass"])
def test_fuzz_of_commands_finds_a_defect(tmp_path, defect):
    """A command that fails, or never ends, is counted."""
    code = f"""
import sys
sys.path.insert(0, {str(SCRIPTS)!r})
import fuzz_commands as fuzz
def broken(arguments):
    {defect}
fuzz.gatecast, fuzz.SECONDS_EACH = broken, 1
counts, bad = fuzz.fuzz(3, 60, 0)
print(len(bad))
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout == "3\n"


@pytest.mark.parametrize(
    ("defect", "kind"),
    [
        ("raise ValueError", "raw error"),
        ("while True: pass", "hang"),
        ("return right(path)[0].drop_last(1), ()", "wrong"),
    ],
)
def test_fuzz_of_tables_finds_a_defect(tmp_path, defect, kind):
    """A reader that fails, never ends, or loses a row is counted."""
    code = f"""
import signal, sys
from pathlib import Path
sys.path.insert(0, {str(SCRIPTS)!r})
import fuzz_tables as fuzz
right = fuzz.read
def broken(path, **_):
    {defect}
fuzz.read, fuzz.SECONDS_EACH = broken, 1
signal.signal(signal.SIGALRM, fuzz.stop)
print(fuzz.outcome("months", 0, Path("table.csv"))[0])
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout == f"{kind}\n"
