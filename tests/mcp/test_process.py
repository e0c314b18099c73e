"""The process that computes: ended when a call is cancelled or late, started again for the next call."""

import asyncio
import json
import os
import signal
import sys

import pytest
from mcp_cases import fill

pytest.importorskip("mcp")

from gatecast.mcp.process import MAX_WAITING, ToolProcess
from gatecast.mcp.settings import Settings

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX"),
]

LONG = {"file": "shops.csv", "h": 12, "models": ["lstm", "gru", "slstm"], "n_windows": 3}
"""Arguments of `compare` that take minutes."""
QUICK = {"file": "sales.csv", "h": 3, "score": False}


def drive(folder, scenario, **limits):
    """Run a coroutine with a process of the tools."""

    async def main():
        process = ToolProcess(Settings(fill(folder), **limits))
        try:
            return await scenario(process)
        finally:
            await process.stop()

    return asyncio.run(main())


def is_running(pid):
    """Whether a process exists, and is no zombie."""
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii") as file:
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


async def ignore(fraction, stage):
    """Take no notice of progress."""


@pytest.mark.skipif(sys.platform != "linux", reason="processes of Linux")
def test_cancelled_call_ends_its_process_and_the_next_call_works(tmp_path):
    async def scenario(process):
        begun = asyncio.Event()

        async def notice(fraction, stage):
            begun.set()

        call = asyncio.create_task(process.call("compare", LONG, notice))
        await asyncio.wait_for(begun.wait(), 60)
        pid = process._process.pid
        assert is_running(pid)
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        for _ in range(100):
            if not is_running(pid):
                break
            await asyncio.sleep(0.05)
        assert not is_running(pid)
        reply = await process.call("forecast", QUICK, ignore)
        assert reply["facts"]["n_rows"] == 3

    drive(tmp_path, scenario)


def test_late_call_ends_with_an_error_and_the_next_call_works(tmp_path):
    async def scenario(process):
        await process.call("inspect_table", {"file": "sales.csv"}, ignore)
        process._settings = Settings(process._settings.folder, max_seconds=0.5)
        late = await process.call("compare", LONG, ignore)
        process._settings = Settings(process._settings.folder)
        return late, await process.call("forecast", QUICK, ignore)

    late, reply = drive(tmp_path, scenario)
    assert late["error"]["what"] == "The call takes longer than it may"
    assert "at most 0.5 s" in late["error"]["message"]
    assert "facts" in reply


def test_killed_process_is_an_error_and_the_next_call_works(tmp_path):
    async def scenario(process):
        async def kill(fraction, stage):
            os.kill(process._process.pid, signal.SIGKILL)

        dead = await process.call("compare", LONG, kill)
        return dead, await process.call("forecast", QUICK, ignore)

    dead, reply = drive(tmp_path, scenario)
    assert dead["error"]["what"] == "The process that computes has ended"
    assert "facts" in reply


@pytest.mark.skipif(sys.platform != "linux", reason="limits of Linux")
def test_call_beyond_the_limit_of_memory_is_an_error(tmp_path):
    async def scenario(process):
        return await process.call("forecast", QUICK, ignore)

    reply = drive(tmp_path, scenario, max_memory=100_000_000)
    assert "memory" in reply["error"]["message"]


def test_calls_at_a_time_are_answered_one_after_another_and_too_many_are_refused(tmp_path):
    async def scenario(process):
        calls = [process.call("forecast", {**QUICK, "h": 1 + k % 3}, ignore) for k in range(MAX_WAITING + 2)]
        return await asyncio.gather(*calls)

    replies = drive(tmp_path, scenario)
    answered = [reply["facts"]["h"] for reply in replies if "facts" in reply]
    assert answered == [1 + k % 3 for k in range(MAX_WAITING)]
    assert [reply["error"]["what"] for reply in replies if "error" in reply] == ["Too many calls wait"] * 2


def test_process_imports_no_module_of_the_folder(tmp_path, monkeypatch):
    for name in ("json", "numpy", "duckdb", "gatecast"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit('imported from the folder')", encoding="utf-8")
    monkeypatch.chdir(tmp_path)

    async def scenario(process):
        return await process.call("forecast", QUICK, ignore)

    assert "facts" in drive(tmp_path, scenario)


def test_answers_are_json_without_nan(tmp_path):
    async def scenario(process):
        table = {"ds": list(range(40)), "y": [1.0] * 40}
        return await process.call("forecast", {"table": table, "h": 1}, ignore)

    reply = drive(tmp_path, scenario)
    json.dumps(reply, allow_nan=False)
    assert reply["facts"]["scores"][0]["mae"] == 0
    assert reply["facts"]["scores"][0]["mase"] is None
