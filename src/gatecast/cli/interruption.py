"""Commands that go on after an interruption: their options, and the checkpoint that they keep."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import wraps
from typing import Annotated, Any

import typer

from gatecast._printable import printable
from gatecast.errors import ConfigError

__all__ = ["CHECKPOINT_OPTIONS", "with_checkpoint_options"]

CHECKPOINT_OPTIONS = {
    "checkpoint": (
        Annotated[
            str | None,
            typer.Option(
                metavar="DIR", help="Keep what is done in DIR. Default: the cache folder, for work of over a minute."
            ),
        ],
        None,
    ),
    "no_checkpoint": (
        Annotated[bool, typer.Option("--no-checkpoint", help="Keep nothing: an interrupted command begins anew.")],
        False,
    ),
}
"""Type and default of the options by parameter."""


def with_checkpoint_options(command: Callable[..., None]) -> Callable[..., None]:
    """Return a command that has the options of a checkpoint too, and goes on after an interruption."""
    hints = inspect.get_annotations(command, eval_str=True)

    @wraps(command)
    def run(**arguments: Any) -> None:
        """Run the command while a checkpoint is kept."""
        folder, is_off = (arguments.pop(name) for name in CHECKPOINT_OPTIONS)
        with _keeping_checkpoint(folder, is_off=is_off):
            command(**arguments)

    keyword = inspect.Parameter.KEYWORD_ONLY
    flags = [
        parameter.replace(annotation=hints[name], kind=keyword)
        for name, parameter in inspect.signature(command).parameters.items()
    ]
    flags += [
        inspect.Parameter(name, keyword, annotation=kind, default=default)
        for name, (kind, default) in CHECKPOINT_OPTIONS.items()
    ]
    run.__signature__ = inspect.Signature(flags)  # type: ignore[attr-defined]
    run.__annotations__ = {flag.name: flag.annotation for flag in flags}
    return run


@contextmanager
def _keeping_checkpoint(folder: str | None, *, is_off: bool) -> Iterator[None]:
    """Keep what is done until the command ends; say on standard error if it goes on from there.

    Args:
        folder: Where; None: the user's cache folder.
        is_off: Whether nothing is kept.

    Raises:
        ConfigError: An invalid folder, or a folder where nothing is to be kept.
    """
    from gatecast._utils.checkpoint import Checkpoint, default_checkpoint, keeping

    if is_off and folder is not None:
        raise ConfigError("--checkpoint and --no-checkpoint exclude each other", fix="Leave out one of them.")
    if is_off:
        yield
        return
    if folder is None:
        checkpoint = default_checkpoint(_print_note, _print_warning)
    else:
        checkpoint = Checkpoint(folder, notify=_print_note, warn=_print_warning)
        checkpoint.require_folder()
    try:
        with keeping(checkpoint):
            yield
    except KeyboardInterrupt:
        if checkpoint is not None and checkpoint.is_written:
            _print_note("the same command goes on from here.")
        raise


def _print_note(sentence: str) -> None:
    """Print a sentence on standard error."""
    with suppress(OSError):
        sys.stderr.write(f"note: {printable(sentence)}\n")
        sys.stderr.flush()


def _print_warning(sentence: str) -> None:
    """Print what did not work, on standard error."""
    with suppress(OSError):
        sys.stderr.write(f"warning: {printable(sentence)}\n")
        sys.stderr.flush()
