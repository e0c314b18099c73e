"""How a function becomes a command: shared options, its example in the help, `-h` for help and for a horizon."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection, Sequence
from functools import wraps
from typing import Any

import typer

from gatecast.cli.interruption import with_checkpoint_options
from gatecast.cli.models import available_cells, available_models
from gatecast.cli.options import ForecasterOptions, declarations
from gatecast.cli.text_values import TextCommand

__all__ = ["HELP_FLAGS", "Command", "register", "with_forecaster_options"]

HELP_FLAGS = ["-h", "--help"]


class Command(TextCommand):
    """A command whose help lists the models, and where `-h N` is a horizon."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse the arguments; see `expand_horizon`."""
        names = {parameter.name for parameter in self.params}
        return list(super().parse_args(ctx, expand_horizon(args) if "horizon" in names else args))

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write the options; names of models are looked up only here, because that loads plug-ins."""
        for placeholder, names in (("{models}", available_models), ("{cells}", available_cells)):
            for parameter in self.params:
                text = getattr(parameter, "help", None) or ""
                if placeholder in text:
                    vars(parameter)["help"] = text.replace(placeholder, ", ".join(names()))
        super().format_options(ctx, formatter)


def expand_horizon(args: Sequence[str]) -> list[str]:
    """Return arguments with `-h 12` and `-h12` as `--horizon=12`; `-h` without a number stays a request for help.

    `--h` is `--horizon`, for those who know `Forecaster(h=12)`.

    >>> expand_horizon(["sales.csv", "-h", "12", "-q"]), expand_horizon(["-h"])
    (['sales.csv', '--horizon=12', '-q'], ['-h'])
    """
    expanded: list[str] = []
    for word in args:
        if expanded and expanded[-1] == "-h" and _is_number(word):
            expanded[-1] = f"--horizon={word}"
        elif word.startswith("-h") and _is_number(word[2:]):
            expanded.append(f"--horizon={word[2:]}")
        elif word == "--h" or word.startswith("--h="):
            expanded.append(f"--horizon{word[3:]}")
        else:
            expanded.append(word)
    return expanded


def _is_number(word: str) -> bool:
    """Whether a word was meant as a number."""
    try:
        float(word)
    except ValueError:
        return False
    return True


def register(app: typer.Typer, function: Callable[..., None], example: str, name: str | None = None) -> None:
    r"""Add a command.

    Args:
        app: The program.
        function: The command; its docstring is the help.
        example: Shown at the end of the help, one command a line.
        name: Name of the command; None: that of the function.
    """
    lines = "\n".join(f"  {line}" for line in example.splitlines())
    # Click wraps paragraphs, unless they begin with \b.
    app.command(name, cls=Command, epilog=f"\b\nExample:\n{lines}")(function)


def with_forecaster_options(command: Callable[..., None], without: Collection[str] = ()) -> Callable[..., None]:
    """Return a command with the fields of `ForecasterOptions` in place of its parameter `options`.

    A command that trains has the options of a checkpoint too, and goes on after an interruption.

    Args:
        command: A function with a parameter `options`.
        without: Fields to leave out.
    """
    hints, parameters = inspect.get_annotations(command, eval_str=True), inspect.signature(command).parameters
    shared = {name: kind for name, kind in declarations().items() if name not in without}

    @wraps(command)
    def run(**arguments: Any) -> None:
        """Run the command with one record of options."""
        options = ForecasterOptions(**{name: arguments.pop(name) for name in shared})
        command(**arguments, options=options)

    flags: list[inspect.Parameter] = []
    for name, parameter in parameters.items():
        if name != "options":
            flags.append(parameter.replace(annotation=hints[name], kind=inspect.Parameter.KEYWORD_ONLY))
            continue
        flags += [
            inspect.Parameter(
                field,
                inspect.Parameter.KEYWORD_ONLY,
                annotation=kind,
                default=getattr(ForecasterOptions, field),
            )
            for field, kind in shared.items()
        ]
    run.__signature__ = inspect.Signature(flags)  # type: ignore[attr-defined]
    run.__annotations__ = {flag.name: flag.annotation for flag in flags}
    return with_checkpoint_options(run) if "max_steps" in shared else run
