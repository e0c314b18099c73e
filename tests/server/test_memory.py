"""Memory of a server that stays: steps of streams leave nothing behind, and Python looks for garbage as usual."""

from __future__ import annotations

import gc
import subprocess
import sys

import numpy as np
import pytest

from gatecast import Forecaster
from gatecast.nn.network import flatten_states, unflatten_states

N_STEPS = 50

SCRIPT = """
import gc, sys
usual = gc.get_threshold()
from gatecast.cli.main import main
import {module} as module
module.serve = lambda *args: print(gc.get_threshold() == usual, gc.get_freeze_count() > 0)
sys.argv = ["gatecast", *{arguments}]
sys.exit(main())
"""


@pytest.fixture
def no_collection():
    """Let Python look for no garbage by itself."""
    # What is collected may leave garbage in its turn: that of other tests is not of this one.
    while gc.collect():
        pass
    gc.disable()
    yield
    gc.enable()


def test_unflatten_states_leaves_no_garbage(no_collection):
    states = [None, (np.ones(1), (np.zeros(1),))]
    for _ in range(N_STEPS):
        unflatten_states(flatten_states(states), states)
    assert gc.collect() == 0


def test_stream_after_many_steps_leaves_no_garbage(no_collection):
    past = {"ds": np.arange("2015-01", "2020-01", dtype="M8[M]"), "y": 100.0 + np.arange(60) % 12}
    stream = Forecaster(2, model="pretrained").stream(past)
    stream.step(100.0)
    gc.collect()
    for k in range(N_STEPS):
        # As the server does: a step on a copy, then its columns.
        after = stream.copy()
        assert after.step(100.0 + k % 12).forecast_columns
        stream = after
    # What remains in circles is at most a few objects of imports, not some for each step.
    assert gc.collect() < N_STEPS


@pytest.mark.slow
@pytest.mark.parametrize("command", ["serve", "mcp"])
def test_command_that_stays_looks_for_garbage_as_usual(command, tmp_path):
    module = {"serve": "gatecast.server.run", "mcp": "gatecast.mcp.app"}[command]
    pytest.importorskip({"serve": "fastapi", "mcp": "mcp"}[command])
    script = SCRIPT.format(module=module, arguments=[command])
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=120, cwd=tmp_path)
    assert done.stdout.split() == ["True", "True"], done.stderr
