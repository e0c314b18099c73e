"""The door of the command line: runs a command, turns what goes wrong into one message and an exit code.

Exit codes: 0 done; 1 a finding about the data; 2 wrong use (an option, a file that is not there); 70 a defect
of gatecast; 130 interrupted. Messages go to standard error as `error: ...`, with --json also to standard
output. The version is printed without loading anything else.
"""

from __future__ import annotations

import errno
import os
import re
import signal
import sys
from collections.abc import Sequence
from contextlib import suppress

from gatecast import __version__
from gatecast.errors import DataError, FormatError, GatecastError

__all__ = ["main"]

FULL = (errno.ENOSPC, errno.EFBIG, errno.EIO, errno.EBADF)
"""What the system says of an output that takes no more; such errors carry no name of a file."""
DONE, DATA, USE, DEFECT, INTERRUPTED = 0, 1, 2, 70, 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command.

    Args:
        arguments: Words after the name of the program; those of the process if None.

    Returns:
        The exit code.

    >>> main(["--version"]) == DONE
    gatecast ...
    True
    """
    words = list(sys.argv[1:] if arguments is None else arguments)
    _survive_any_letter()
    try:
        if words == ["--version"]:
            sys.stdout.write(f"gatecast {__version__}\n")
            code = DONE
        else:
            code = _run(words)
        sys.stdout.flush()
    except (BrokenPipeError, SystemExit):
        # Typer turns a closed pipe, and here nothing else, into SystemExit.
        _close_quietly()
        return DONE
    except KeyboardInterrupt:
        code = INTERRUPTED
    except Exception as error:
        # Some libraries turn an interruption into an error of their own.
        interrupted = _was_interrupted(error)
        code = INTERRUPTED if interrupted else _report(error, as_json="--json" in words)
        if not interrupted:
            return code
    finally:
        if arguments is None:
            # A second Ctrl-C, while Python ends, would only print a traceback.
            signal.signal(signal.SIGINT, signal.SIG_IGN)
    if code == INTERRUPTED:
        _say("interrupted")
    return code


def _run(words: list[str]) -> int:
    """Parse the words and do what they say."""
    from typer.main import get_command

    from gatecast.cli.commands.forecast import app

    code = get_command(app).main(words, prog_name="gatecast", standalone_mode=False)
    return code if isinstance(code, int) else DONE


def _was_interrupted(error: BaseException | None) -> bool:
    """Whether Ctrl-C is what lies behind an error."""
    while error is not None:
        if isinstance(error, KeyboardInterrupt) or type(error).__name__ in ("Abort", "InterruptException"):
            return True
        error = error.__cause__ or error.__context__
    return False


def _report(error: Exception, *, as_json: bool) -> int:
    """Say what went wrong, and return the exit code that belongs to it."""
    code, kind, message = _judge(error)
    if os.environ.get("GATECAST_DEBUG"):
        import traceback

        traceback.print_exception(error)
    if as_json:
        from gatecast.cli.json_output import error_document, to_json

        with suppress(OSError):
            sys.stdout.write(to_json(error_document(error, kind, code, message)) + "\n")
    try:
        sys.stdout.flush()
    except OSError:
        # What is left in the buffer would be tried again at the end of Python, with a traceback.
        _close_quietly()
    _say(message)
    return code


def _judge(error: Exception) -> tuple[int, str, str]:
    """Exit code, kind and message of an error."""
    if isinstance(error, GatecastError):
        code = DATA if isinstance(error, (DataError, FormatError)) else USE
        return code, type(error).__name__, _in_options(str(error))
    # Errors of the parser are known by their method: their classes moved between versions.
    if hasattr(error, "format_message"):
        message = str(error.format_message())
        stop = "" if message.endswith((".", "?", ")")) else "."
        return USE, "ConfigError", f"{message}{stop} gatecast forecast --help lists the options."
    if isinstance(error, OSError) and error.filename:
        return USE, "ConfigError", f"{error.filename}: {error.strerror}."
    if isinstance(error, OSError) and error.errno in FULL:
        return USE, "ConfigError", f"the output cannot be written: {error.strerror}."
    if isinstance(error, MemoryError):
        return DATA, "DataError", "the data need more memory than there is. Forecast from fewer rows."
    what = f"{type(error).__name__}: {error}".strip().rstrip(".:")
    ask = "Please report it together with the traceback that GATECAST_DEBUG=1 adds to the same command."
    return DEFECT, "InternalError", f"gatecast has a defect ({what}). {ask}"


def _in_options(message: str) -> str:
    """The words of Python's arguments as those of the command line.

    >>> _in_options("Name it with id_col, or say freq='MS'. There is no column 'freq'.")
    "Name it with --id-col, or say --freq 'MS'. There is no column 'freq'."
    """
    message = re.sub(r"(?<![-\w'\"])(id|time|target)_col\b", r"--\1-col", message)
    message = re.sub(r"(?<![-\w'\"])freq\b", "--freq", message)
    return re.sub(r"(--(?:id-col|time-col|target-col|freq))=", r"\1 ", message)


def _say(message: str) -> None:
    """One message on standard error."""
    with suppress(OSError):
        sys.stderr.write(f"error: {message}\n")


def _survive_any_letter() -> None:
    """A column's name may hold letters that the terminal's encoding has not: question marks, not a defect."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")


def _close_quietly() -> None:
    """The reader has seen enough, `| head` for example; Python would complain again at the end."""
    sink = os.open(os.devnull, os.O_WRONLY)
    os.dup2(sink, sys.stdout.fileno())
    os.close(sink)
