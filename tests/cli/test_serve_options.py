"""Options of `gatecast serve`: their defaults are those of the server, here and on the page about commands."""

from __future__ import annotations

import inspect
import re
from dataclasses import fields
from pathlib import Path

import pytest

from gatecast.cli.commands import serve
from gatecast.cli.options import parse_option
from gatecast.server.settings import Settings

DEFAULTS = {item.name: item.default for item in fields(Settings)}
OPTIONS = {
    name: each for name, each in inspect.signature(serve.serve).parameters.items() if name not in ("host", "port")
}
LIMITS = {name: name for name in OPTIONS if name in DEFAULTS and name != "store"} | {"stream_hours": "stream_seconds"}
PAGE = Path(__file__).parents[2] / "docs" / "api" / "commands.md"


@pytest.mark.parametrize("name", LIMITS)
def test_default_of_an_option_is_that_of_the_server(name):
    text = OPTIONS[name].default
    value = parse_option("--x", text, inspect.signature(serve.serve, eval_str=True).parameters[name].annotation)
    assert value * (3600 if name == "stream_hours" else 1) == DEFAULTS[LIMITS[name]]


def test_page_about_commands_has_the_defaults_of_the_options():
    section = PAGE.read_text(encoding="utf-8").split("## `gatecast serve`")[1].split("\n## ")[0]
    rows = re.findall(r"^\| `--([a-z-]+)[^`]*` \| .* \| (.*?) ?\|$", section, re.MULTILINE)
    on_page = {name.replace("-", "_"): default for name, default in rows}
    assert {name: on_page[name] for name in LIMITS} == {name: OPTIONS[name].default for name in LIMITS}


def test_every_limit_of_the_server_is_an_option_or_has_no_need_of_one():
    # A server of one's own sets these: waiting forecasts and jobs are bounded by what clients send at a time.
    assert set(DEFAULTS) - set(LIMITS.values()) == {"store", "api_keys", "max_queue", "max_jobs"}
