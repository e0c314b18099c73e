"""Text of options reaches a command as it was typed; typer converts all else, with the same results and errors."""

from enum import Enum
from typing import Annotated

import pytest
import typer
from typer.core import TyperCommand
from typer.main import get_command

from gatecast.cli.text_values import TextCommand


class Color(Enum):
    """A choice."""

    RED = "red"


def upper(value):
    """A callback."""
    return value and value.upper()


def outcome(command_class, words):
    """Return what a command received, or the message of its refusal."""
    app, received = typer.Typer(add_completion=False), []

    @app.command(cls=command_class)
    def command(
        file: str,
        n: int = 3,
        share: Annotated[float | None, typer.Option(max=1)] = None,
        color: Color | None = None,
        tags: Annotated[list[str] | None, typer.Option("--tag")] = None,
        pair: tuple[str, int] = ("a", 1),
        name: Annotated[str | None, typer.Option(callback=upper)] = None,
        flag: bool = False,
        text: Annotated[str, typer.Option(envvar="TEXT_OF_TEST")] = "as it is ",
    ) -> None:
        received.append((file, n, share, color, tags, pair, name, flag, text))

    try:
        get_command(app).main(words, standalone_mode=False)
    except Exception as error:  # the classes of the parser moved between versions
        return error.format_message()
    return received


@pytest.mark.parametrize(
    "words",
    [
        ["a b.csv"],
        ["-", "--n", "7", "--share", "0.5", "--color", "red", "--flag"],
        ["", "--text", "", "--name", "x"],
        ["a", "--tag", "1", "--tag", "2", "--pair", "b", "2"],
        ["a", "--n", "x"],
        ["a", "--share", "2"],
        ["a", "--color", "blue"],
        ["a", "--pair", "b", "c"],
        ["a", "b"],
        [],
    ],
)
def test_text_command_receives_what_a_plain_one_does(words, monkeypatch):
    monkeypatch.setenv("TEXT_OF_TEST", "of the environment")
    expected = outcome(TyperCommand, words)
    assert outcome(TextCommand, words) == expected
    assert expected
