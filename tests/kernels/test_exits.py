"""The process ends in order while daemon threads are inside kernels."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

CODE = """
import os, sys, threading, time
import numpy as np
import gatecast as gc
from gatecast.layers import LSTM, Dense

model = gc.Sequential([gc.layers.Input((60, 4)), LSTM(32), Dense(1)])
x = np.random.default_rng(0).random((64, 60, 4))
first = model.predict(x)

def work():
    while True:
        model.predict(x)

for _ in range(3):
    threading.Thread(target=work, daemon=True).start()
time.sleep(0.05 * {k})
if {forked} and os.fork() == 0:
    assert np.array_equal(model.predict(x), first)
    sys.exit(0)
if {forked}:
    assert os.wait()[1] == 0
"""


@pytest.mark.native
@pytest.mark.parametrize(
    "forked", [False, pytest.param(True, marks=pytest.mark.skipif(os.name != "posix", reason="fork"))]
)
def test_daemon_threads_inside_kernels_do_not_abort_the_process(forked):
    for k in range(4):
        code = CODE.format(k=k, forked=forked)
        # Python 3.12 warns of a fork of a process with threads: that is what is tested here.
        arguments = [sys.executable, "-W", "ignore::DeprecationWarning", "-c", code]
        done = subprocess.run(arguments, capture_output=True, text=True, check=False, timeout=120)
        assert (done.returncode, done.stderr) == (0, ""), done.stderr


@pytest.mark.native
@pytest.mark.slow
def test_kernels_run_in_functions_that_are_called_at_the_end():
    code = """
import atexit
import numpy as np

def last():
    print(model.predict(np.ones((2, 3, 1))).shape)

# Registered before the kernels are loaded, so called after theirs.
atexit.register(last)
import gatecast as gc
from gatecast.layers import LSTM, Dense
model = gc.Sequential([gc.layers.Input((3, 1)), LSTM(4), Dense(1)])
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=120)
    assert (done.stdout, done.stderr, done.returncode) == ("(2, 1)\n", "", 0)
