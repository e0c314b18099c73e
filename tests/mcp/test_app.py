"""The server in this process: what a client sees, and what it does not."""

import asyncio
import json
import os
import subprocess
import sys
from itertools import pairwise

import pytest
from mcp_cases import fill

pytest.importorskip("mcp")

import anyio
from mcp.client import Client

from gatecast.errors import ConfigError
from gatecast.mcp import app, tools, worker
from gatecast.mcp.app import make_server, serve
from gatecast.mcp.catalog import TOOLS
from gatecast.mcp.folder import Folder
from gatecast.mcp.settings import Settings
from gatecast.mcp.standard_input import read_lines


class Process:
    """A process that answers as it is told, after some progress."""

    def __init__(self, reply, *progress):
        self.reply, self.progress = reply, progress

    async def call(self, _tool, _arguments, on_progress):
        """Report and answer."""
        for fraction in self.progress:
            await on_progress(fraction, "training")
        return self.reply


def drive(process, scenario):
    """Run a coroutine with a client of a server in this process."""

    async def main():
        async with Client(make_server(process)) as client:
            return await scenario(client)

    return asyncio.run(main())


def test_server_says_what_it_is_and_lists_the_tools():
    async def scenario(client):
        return client.server_info, client.instructions, (await client.list_tools()).tools

    info, instructions, listed = drive(Process({}), scenario)
    assert info.name == "gatecast"
    assert "inspect_table" in instructions
    assert [tool.name for tool in listed] == list(TOOLS)


def test_error_of_a_call_is_a_result_with_its_parts():
    error = {"message": "The file does not exist. Did you mean a?", "what": "The file does not exist", "fix": "a?"}

    async def scenario(client):
        return await client.call_tool("forecast", {"file": "b"})

    result = drive(Process({"error": error}), scenario)
    assert result.is_error
    assert result.content[0].text == error["message"]
    assert result.structured_content == {"error": {"what": error["what"], "fix": error["fix"]}}


def test_progress_grows_even_where_work_begins_anew():
    values = []

    async def notice(value, total, message):
        values.append(value)

    async def scenario(client):
        return await client.call_tool("report", {}, progress_callback=notice)

    drive(Process({"error": {"message": "x", "what": "x"}}, 0.5, 0.2, 0.9, 0.9, 1.0, 1.0), scenario)
    assert len(values) == 7
    assert all(a < b for a, b in pairwise(values) if b < 1)
    assert values[-1] <= 1


def test_serve_refuses_a_folder_that_does_not_exist(tmp_path):
    with pytest.raises(ConfigError, match="--folder"):
        serve(Settings(tmp_path / "absent"))


def answer(folder, tool, **arguments):
    """Let the process that computes answer a call, in this process."""
    call = {"tool": tool, "arguments": arguments}
    return worker._answer(call, Settings(folder), Folder(folder), print)


def test_answer_has_text_and_facts(tmp_path):
    reply = answer(fill(tmp_path), "forecast", file="sales.csv", h=2, score=False)
    assert set(reply) == {"text", "facts"}
    json.dumps(reply, allow_nan=False)


def test_answer_to_a_wrong_call_has_the_parts_of_the_error(tmp_path):
    error = answer(fill(tmp_path), "forecast", file="sale.csv")["error"]
    assert error["what"] == "The file does not exist"
    assert error["where"] == "file"
    assert error["fix"] == "Did you mean 'sales.csv'?"
    assert str(tmp_path) not in json.dumps(error)


@pytest.mark.parametrize(
    ("raised", "what"), [(KeyError("secret"), "gatecast has a defect: KeyError"), (MemoryError(), "more memory")]
)
def test_defect_and_lack_of_memory_are_errors_without_details(tmp_path, monkeypatch, capsys, raised, what):
    def fail(form, work):
        raise raised

    monkeypatch.setattr(tools, "forecast", fail)
    error = answer(fill(tmp_path), "forecast", file="sales.csv")["error"]
    assert what in error["what"]
    assert "secret" not in json.dumps(error)
    assert ("Traceback" in capsys.readouterr().err) == isinstance(raised, KeyError)


def test_process_that_computes_is_no_shell_in_which_duckdb_draws_a_progress_bar():
    query = "SELECT current_setting('enable_progress_bar')"
    asked = f'import duckdb; print(duckdb.connect().execute("{query}").fetchall()[0][0])'
    marked = f"from gatecast.mcp.worker import mark_as_program; mark_as_program(); {asked}"
    done = subprocess.run([sys.executable, "-c", marked], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_progress_is_written_seldom(tmp_path):
    from gatecast.pipeline.progress import Progress

    with (tmp_path / "out").open("w+", encoding="utf-8") as out:
        report = worker._reporter(out)
        for k in range(1000):
            report(Progress("training", k / 1000, 1.0))
        out.seek(0)
        lines = [json.loads(line) for line in out]
    assert 1 <= len(lines) < 100
    assert lines[0] == {"progress": 0.0, "stage": "training"}


def test_lines_of_a_pipe_arrive_whole_and_the_last_without_its_end():
    async def scenario():
        read, write = os.pipe()
        lines = []

        async def collect():
            async for line in read_lines(read):
                lines.append(line)  # noqa: PERF401

        task = asyncio.create_task(collect())
        for part in (b"one\ntw", b"o\n", "drei \u00fc".encode()[:-1], "\u00fc".encode()[1:], b"\n\xff\n", b"end"):
            os.write(write, part)
            await asyncio.sleep(0.01)
        os.close(write)
        await asyncio.wait_for(task, 30)
        os.close(read)
        return lines

    assert asyncio.run(scenario()) == ["one", "two", "drei \u00fc", "\ufffd", "end"]


def test_line_beyond_the_limit_is_cut_off(monkeypatch):
    monkeypatch.setattr("gatecast.mcp.standard_input.MAX_LINE", 10)

    async def scenario():
        read, write = os.pipe()
        os.write(write, b"x" * 5000 + b"\nnext\n")
        os.close(write)
        lines = [line async for line in read_lines(read)]
        os.close(read)
        return lines

    assert asyncio.run(scenario()) == ["x" * 10, "next"]


def test_signal_in_a_task_of_the_sdk_is_an_interrupt(monkeypatch, tmp_path):
    async def interrupted(_settings):
        """Serve until a signal arrives in a task of a group."""

        async def wait():
            """Receive the signal."""
            raise KeyboardInterrupt

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(wait)

    monkeypatch.setattr(app, "_serve", interrupted)
    with pytest.raises(KeyboardInterrupt):
        serve(Settings(tmp_path))
