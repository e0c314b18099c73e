"""`gatecast mcp`: its options; what it serves: tests/mcp."""

from pathlib import Path

import pytest

from gatecast.cli.commands import mcp as command
from gatecast.cli.main import main


def test_options_reach_the_settings(monkeypatch):
    app = pytest.importorskip("gatecast.mcp.app")
    served = []
    monkeypatch.setattr(app, "serve", served.append)
    limits = {"--max-file": "1M", "--max-rows": 10, "--max-horizon": 20, "--max-seconds": 1.5, "--max-memory": "2G"}
    options = [str(part) for pair in limits.items() for part in pair]
    assert main(["mcp", "--folder", "sales", *options]) == 0
    (settings,) = served
    assert (settings.folder, settings.max_file, settings.max_rows) == (Path("sales"), 10**6, 10)
    assert (settings.max_horizon, settings.max_seconds, settings.max_memory) == (20, 1.5, 2 * 10**9)


@pytest.mark.parametrize(
    ("option", "value"), [("--max-rows", "0"), ("--max-file", "much"), ("--max-seconds", "-1"), ("--max-memory", "1T")]
)
def test_option_that_is_no_limit_is_refused(capsys, option, value):
    assert main(["mcp", option, value]) == 2
    assert f"invalid {option} {value!r}" in capsys.readouterr().err


def test_command_without_the_package_says_how_to_install_it(monkeypatch, capsys):
    monkeypatch.setattr(command, "find_spec", lambda _: None)
    assert main(["mcp"]) == 2
    assert "pip install 'gatecast[mcp]'" in capsys.readouterr().err
