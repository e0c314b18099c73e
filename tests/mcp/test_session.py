"""Real client sessions over pipes: each tool with good and bad input, hostile arguments, progress, cancelling."""

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from mcp_cases import TABLE, fill, session
from typer.main import get_command

from gatecast.mcp.app import _report_unless_interrupted

anyio = pytest.importorskip("anyio")
exceptions = pytest.importorskip("mcp.shared.exceptions")

pytestmark = pytest.mark.slow

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "mcp.md"

GOOD = {
    "inspect_table": {"file": "shops.csv"},
    "forecast": {"file": "shops.csv", "h": 6, "out": "forecast.csv"},
    "backtest": {"file": "sales.csv", "h": 6, "n_windows": 2},
    "compare": {"file": "sales.csv", "h": 6, "models": ["pretrained", "dot"], "n_windows": 2},
    "explain": {"file": "sales.csv", "h": 2},
    "report": {"table": TABLE, "h": 3, "out": "page.html"},
}
BAD = {
    "inspect_table": ({"file": "words.csv"}, "Invalid number"),
    "forecast": ({"file": "sales.csv", "target_col": "salse"}, "salse"),
    "backtest": ({"file": "sales.csv", "h": 60}, ""),
    "compare": ({"file": "sales.csv", "models": ["oracle"]}, "Unknown model 'oracle'"),
    "explain": ({"file": "sales.csv", "model": "naive", "h": 2}, "cannot be explained"),
    "report": ({"file": "sales.csv", "out": "page.exe"}, "another suffix"),
}
HOSTILE = [
    {"file": "../secret.csv"},
    {"file": "/etc/passwd"},
    {"file": "/dev/zero"},
    {"file": "/proc/self/environ"},
    {"file": "link.csv"},
    {"file": "door/secret.csv"},
    {"file": "file:///etc/passwd"},
    {"file": "https://example.com/sales.csv"},
    {"file": "s3://bucket/sales.csv"},
    {"file": "SELECT * FROM read_csv('/etc/passwd')"},
    {"file": "from '/etc/passwd'"},
    {"file": "shop.duckdb::SELECT * FROM read_text('/etc/passwd')"},
    {"file": "sales.csv::SELECT 1"},
    {"file": "-"},
    {"file": "*.csv"},
    {"file": "sales.csv\0.png"},
    {"file": "x" * 100_000},
    {"file": {"path": "sales.csv"}},
    {"file": "bomb.csv.gz"},
    {"file": "sales.csv", "out": "../out.csv"},
    {"file": "sales.csv", "out": "/tmp/out.csv"},
    {"file": "sales.csv", "out": "sales.csv"},
    {"file": "sales.csv", "out": "stolen.csv"},
    {"file": "sales.csv", "out": ".ssh/authorized_keys"},
    {"file": "sales.csv", "futr_exog": ["promo"], "futr_df": "../secret.csv"},
    {"file": "sales.csv", "h": 10**12},
    {"file": "sales.csv", "h": -1},
    {"file": "sales.csv", "h": "1e400"},
    {"file": "sales.csv", "level": ["nan"]},
    {"file": "sales.csv", "freq": "'; DROP TABLE sales; --"},
    {"file": "sales.csv", "target_col": "\"); ATTACH '/tmp/x'; --"},
    {"file": "sales.csv", "model": "__import__('os').system('id')"},
    {"file": "sales.csv", "__class__": "x"},
    {"table": {"ds": [1, 2], "y": [{"$ref": "x"}, 1]}},
    {"table": {"y": [1] * 100_000}},
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with tables and traps, beside a file that is not in it."""
    import gzip

    outer = tmp_path_factory.mktemp("outer")
    (outer / "secret.csv").write_text("month,promo\n2021-01,424242\n", encoding="utf-8")
    inner = outer / "inner"
    inner.mkdir()
    (inner / "link.csv").symlink_to(outer / "secret.csv")
    (inner / "door").symlink_to(outer)
    (inner / "stolen.csv").symlink_to(outer / "stolen.csv")
    with gzip.open(inner / "bomb.csv.gz", "wb") as bomb:
        bomb.write(b"t,y\n" + b"".join(b"%d,1\n" % k for k in range(300_000)))
    return fill(inner)


@pytest.fixture(scope="module")
def answers(folder):
    """All calls of one session: tools, results of good and bad calls, results of hostile ones, progress."""

    async def scenario(client):
        listed = (await client.list_tools()).tools
        good, bad, progress = {}, {}, []

        async def notice(value, total, message):
            progress.append((value, total, message))

        for name, arguments in GOOD.items():
            good[name] = await client.call_tool(name, arguments, progress_callback=notice)
        for name, (arguments, _) in BAD.items():
            bad[name] = await client.call_tool(name, arguments)
        hostile = [await client.call_tool("forecast", arguments) for arguments in HOSTILE]
        with pytest.raises(exceptions.MCPError, match="Did you mean forecast") as unknown:
            await client.call_tool("forcast", {"file": "sales.csv"})
        # The client itself compares each result with the schema that the server gave.
        last = await client.call_tool("inspect_table", {"file": "sales.csv"})
        calls = {"good": good, "bad": bad, "hostile": hostile, "unknown": unknown.value, "last": last}
        return {"tools": listed, "progress": progress, **calls}

    return session(folder, scenario)


def test_session_lists_the_tools_with_schemas(answers):
    tools = {tool.name: tool for tool in answers["tools"]}
    assert set(tools) == set(GOOD)
    for tool in tools.values():
        assert tool.description
        assert tool.input_schema["properties"]["file"]["type"] == "string"
        assert {"notes", "file"} <= set(tool.output_schema["properties"])
        assert tool.annotations.destructive_hint is False
    # What a model reads before its first call.
    assert len(json.dumps([tool.input_schema for tool in tools.values()])) < 20_000


@pytest.mark.parametrize("name", GOOD)
def test_session_answers_a_good_call_briefly(answers, name):
    result = answers["good"][name]
    text = result.content[0].text
    assert not result.is_error, text
    assert len(result.content) == 1
    assert 50 < len(text) < 4000
    assert len(json.dumps(result.structured_content)) < 8000


def test_session_writes_the_files_that_were_asked_for(answers, folder):
    assert len((folder / "forecast.csv").read_text(encoding="utf-8").splitlines()) == 181
    assert (folder / "page.html").stat().st_size > 50_000
    assert answers["good"]["forecast"].structured_content["file"] == "forecast.csv"


@pytest.mark.parametrize("name", BAD)
def test_session_answers_a_bad_call_with_an_error_of_the_tool(answers, name):
    result = answers["bad"][name]
    assert result.is_error
    assert BAD[name][1] in result.content[0].text
    error = result.structured_content["error"]
    assert error["what"]
    assert set(error) <= {"what", "where", "got", "expected", "fix"}
    assert "gatecast has a defect" not in result.content[0].text


@pytest.mark.parametrize("k", range(len(HOSTILE)))
def test_session_refuses_hostile_arguments_in_a_sentence(answers, folder, k):
    result = answers["hostile"][k]
    text = result.content[0].text
    assert result.is_error, text
    assert len(text) < 2500
    assert "gatecast has a defect" not in text
    for secret in ("424242", "root:", "PATH="):
        assert secret not in text
    assert str(folder.parent) not in text


def test_session_goes_on_after_hostile_arguments_and_leaves_no_file_outside(answers, folder):
    assert not answers["last"].is_error
    assert sorted(path.name for path in folder.parent.iterdir()) == ["inner", "secret.csv"]
    assert (folder / "sales.csv").read_text(encoding="utf-8").startswith("month,sales")


def test_session_reports_growing_progress(answers):
    values = [value for value, _, _ in answers["progress"]]
    assert len(values) > len(GOOD)
    assert all(0 < value <= 1 for value in values)
    begins = [k for k, (_, _, message) in enumerate(answers["progress"]) if message.endswith(" begins")]
    for first, last in zip(begins, [*begins[1:], len(values)], strict=True):
        assert all(a < b for a, b in zip(values[first:last], values[first + 1 : last], strict=False))
    assert any("training" in message for _, _, message in answers["progress"])


def test_session_cancels_a_long_call_and_answers_the_next(folder):
    arguments = {"file": "shops.csv", "h": 12, "models": ["lstm", "gru", "slstm"], "n_windows": 3}

    async def scenario(client):
        messages = []
        with anyio.move_on_after(60) as scope:

            async def cancel(value, total, message):
                messages.append(message)
                if "cutoff" in message:
                    scope.cancel()

            await client.call_tool("compare", arguments, progress_callback=cancel)
        # The lock of the tools is free again only if the long call is no more.
        with anyio.fail_after(30):
            return messages, await client.call_tool("forecast", {"file": "sales.csv", "h": 3, "score": False})

    messages, result = session(folder, scenario)
    assert any("cutoff" in message for message in messages)
    assert result.structured_content["n_rows"] == 3


def test_session_refuses_an_unknown_tool(answers):
    assert answers["unknown"].error.code == -32602


@pytest.mark.parametrize(("error", "n_reports"), [(KeyboardInterrupt(), 0), (ValueError("x"), 1), (None, 1)])
def test_a_signal_that_ends_a_task_is_no_error_to_report(error, n_reports):
    """It arrives while a task of the SDK runs, and comes out of it in a group."""

    class Loop:
        reports = 0

        def default_exception_handler(self, _):
            self.reports += 1

    loop = Loop()
    group = None
    if error is not None:
        group = RuntimeError("tasks")  # Groups of exceptions come with Python 3.11.
        group.exceptions = [error]
    _report_unless_interrupted(loop, {"message": "unhandled exception", "exception": group})
    assert loop.reports == n_reports


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_server_ends_by_a_signal_while_its_standard_input_is_open(folder, number, code):
    hello = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}}
    command = [sys.executable, "-m", "gatecast", "mcp", "--folder", str(folder)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        process.stdin.write(json.dumps({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": hello}) + "\n")
        process.stdin.flush()
        assert json.loads(process.stdout.readline())["id"] == 1
        process.send_signal(number)
        try:
            assert process.wait(60) == code
        finally:
            process.kill()
        assert "Traceback" not in process.stderr.read()


def test_configurations_on_the_page_start_a_server_that_exists():
    from gatecast.cli.app import make_app

    flags = {flag for param in get_command(make_app()).commands["mcp"].params for flag in param.opts}
    page = PAGE.read_text(encoding="utf-8")
    blocks = [json.loads(block) for block in re.findall(r"^```json\n(.*?)^```", page, re.DOTALL | re.MULTILINE)]
    servers = [block.get("mcpServers", block.get("servers"))["gatecast"] for block in blocks]
    assert len(servers) == 2
    for server in servers:
        assert server["command"].endswith("/gatecast")
        assert server["args"][0] == "mcp"
        assert {word for word in server["args"] if word.startswith("-")} <= flags
    assert re.search(r'^args = \["mcp", "--folder", ".+"\]$', page, re.MULTILINE)
    listed = re.findall(r"^\| `(\w+)` \| (?!.*default)", page, re.MULTILINE)
    assert listed == list(GOOD)


def test_session_on_the_page_runs(tmp_path):
    (program,) = re.findall(r"^```py\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
    # The client hands on a few variables of the environment alone, which is enough for an installed gatecast.
    program = program.replace('"examples"])', '"examples"], env=dict(__import__("os").environ))')
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=PAGE.parents[2], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "Pretrained forecasts 3 steps, monthly (MS)" in done.stdout


def test_nothing_but_the_protocol_is_on_standard_output(folder):
    """By hand, line by line: a call that draws a page, one that is wrong, and one that is no JSON."""
    hello = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}}
    lines = [
        {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": hello},
        {"jsonrpc": "2.0", "method": "notifications/initialized"},
        {"jsonrpc": "2.0", "id": 2, "method": "tools/list"},
        *(
            {"jsonrpc": "2.0", "id": 3 + k, "method": "tools/call", "params": {"name": name, "arguments": arguments}}
            for k, (name, arguments) in enumerate([("explain", {"file": "sales.csv", "h": 2}), ("forecast", {})])
        ),
    ]
    environment = {**os.environ, "PYTHONWARNINGS": "always"}
    command = [sys.executable, "-m", "gatecast", "mcp", "--folder", str(folder)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=environment
    ) as process:
        process.stdin.write("this is no JSON\n" + "".join(json.dumps(line) + "\n" for line in lines))
        process.stdin.flush()
        replies = {}
        while not {1, 2, 3, 4} <= set(replies):
            reply = json.loads(process.stdout.readline())
            assert reply["jsonrpc"] == "2.0"
            replies[reply.get("id")] = reply
        process.stdin.close()
        rest = process.stdout.read()
        assert process.wait(30) == 0
    assert [json.loads(line)["jsonrpc"] for line in rest.splitlines()] == ["2.0"] * len(rest.splitlines())
    assert replies[1]["result"]["serverInfo"]["name"] == "gatecast"
    assert replies[3]["result"]["isError"] is False
    assert replies[4]["result"]["isError"] is True
