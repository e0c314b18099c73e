"""Entry point of the command line: runs a command, and turns errors into one message and an exit code.

Exit codes: 0 done; 1 a problem of the data; 2 wrong use (an option, a missing file); 70 a defect of gatecast; 130
interrupted by Ctrl-C, 143 by SIGTERM, 129 by a terminal that was closed. Messages go to standard error as `error: ...`,
with --json also to standard output as a document.
The version is printed without loading anything else.
"""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress

from gatecast import __version__
from gatecast._utils.memory import is_out_of_memory
from gatecast.cli.option_names import with_options
from gatecast.cli.process import (
    ending,
    open_closed_streams,
    over,
    search_garbage_rarely,
    stop_on_signals,
    usable_width,
)
from gatecast.errors import DataError, FormatError, GatecastError

__all__ = ["main"]

OUTPUT_FULL = (errno.ENOSPC, errno.EFBIG, errno.EIO, errno.EBADF)
"""System errors of an output that takes no more; they carry no file name."""
DONE, DATA, USE, DEFECT, INTERRUPTED = 0, 1, 2, 70, 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command.

    Args:
        arguments: Arguments after the name of the program; those of the process if None.

    Returns:
        The exit code.

    >>> main(["--version"]) == DONE
    gatecast ...
    True
    """
    if arguments is not None:
        return _main(list(arguments))
    stop_on_signals()
    open_closed_streams()
    usable_width()
    _prepare_process()
    try:
        code = _main(sys.argv[1:])
        over()
    except KeyboardInterrupt:
        # A signal came between the end of the work and this line.
        return _interrupted()
    return code


def _main(args: list[str]) -> int:
    """Run a command, and tell how it ended."""
    _replace_unencodable_characters()
    try:
        if args == ["--version"]:
            sys.stdout.write(f"gatecast {__version__}\n")
            code = DONE
        else:
            code = _run(args)
        sys.stdout.flush()
        # The parser returns this code where a command was interrupted.
        return _interrupted() if code == INTERRUPTED else code
    except BrokenPipeError:
        _close_quietly()
        return DONE
    except SystemExit as stop:
        return _stopped(stop)
    except KeyboardInterrupt:
        return _interrupted()
    except Exception as error:
        # Some libraries turn an interruption into an error of their own.
        return _interrupted() if _was_interrupted(error) else _report(error, args)


def _interrupted() -> int:
    """Say what ended the command, and return its exit code; a second signal interrupts nothing."""
    over()
    code, word = ending()
    _print_error(word)
    return code


def _run(args: list[str]) -> int:
    """Parse the arguments and run their command."""
    from typer.main import get_command

    from gatecast.cli.app import COMMANDS, make_app

    # To declare the options of all commands takes longer than to run the parser.
    app = make_app(args[:1] if args and args[0] in COMMANDS else COMMANDS)
    code = get_command(app).main(args, prog_name="gatecast", standalone_mode=False)
    return code if isinstance(code, int) else DONE


def _prepare_process() -> None:
    """Set what belongs to a process that runs one command and ends, before NumPy is imported."""
    # The products are small, and the kernels have threads of their own: more of BLAS would only wait for processors.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    search_garbage_rarely()


def _stopped(stop: SystemExit) -> int:
    """Return the exit code of a program that the parser ended: a closed pipe, or shell completion."""
    cause = stop.__context__
    # Other errors of the system, such as a port that is taken, are none of a reader who has gone.
    if isinstance(cause, OSError) and cause.errno in (errno.EPIPE, errno.EINVAL):
        _close_quietly()
        return DONE
    return stop.code if isinstance(stop.code, int) else DONE


def _was_interrupted(error: BaseException | None) -> bool:
    """Whether Ctrl-C caused an error."""
    while error is not None:
        if isinstance(error, KeyboardInterrupt) or type(error).__name__ in ("Abort", "InterruptException"):
            return True
        error = error.__cause__ or error.__context__
    return False


def _report(error: Exception, args: Sequence[str]) -> int:
    """Print an error, and return its exit code."""
    options = _options_of_command(args) if isinstance(error, GatecastError) else {}
    code, kind, message = _classify(error, options, args)
    if os.environ.get("GATECAST_DEBUG"):
        import traceback

        traceback.print_exception(error)
    if "--json" in args:
        from gatecast.cli.json_output import error_document, to_json

        parts = _parts(error, options) if isinstance(error, GatecastError) else {}
        with suppress(OSError):
            sys.stdout.write(to_json(error_document(error, kind, code, message, parts)) + "\n")
    try:
        sys.stdout.flush()
    except OSError:
        # Python would try to write the rest of the buffer at its end, with a traceback.
        _close_quietly()
    _print_error(message)
    return code


def _classify(error: Exception, options: Mapping[str, str], args: Sequence[str]) -> tuple[int, str, str]:
    """Return exit code, kind and message of an error."""
    if isinstance(error, GatecastError):
        code = DATA if isinstance(error, (DataError, FormatError)) else USE
        return code, type(error).__name__, _lower_first(with_options(str(error), options, error.argument))
    # Errors of the parser are known by their method: their classes moved between versions.
    if hasattr(error, "format_message"):
        return USE, "ConfigError", _usage_message(error, args)
    if isinstance(error, OSError) and error.filename:
        return USE, "ConfigError", f"{error.filename}: {error.strerror}."
    if isinstance(error, OSError) and error.errno in OUTPUT_FULL:
        return USE, "ConfigError", f"cannot write the output: {error.strerror}."
    if is_out_of_memory(error):
        return DATA, "DataError", "the data need more memory than is available. Forecast from fewer rows."
    what = f"{type(error).__name__}: {error}".strip().rstrip(".:")
    request = "Please report it together with the traceback that GATECAST_DEBUG=1 adds to the same command."
    return DEFECT, "InternalError", f"gatecast has a defect ({what}). {request}"


def _usage_message(error: Exception, args: Sequence[str]) -> str:
    """Return the message of the parser, and the command whose help goes further."""
    message = str(error.format_message())  # type: ignore[attr-defined]
    stop = "" if message.endswith((".", "?", ")")) else "."
    # Only the parser of a command, whose name comes first, raises errors without a context.
    context = getattr(error, "ctx", None)
    command = f"gatecast {args[0]}" if context is None else context.command_path
    return f"{message}{stop} See {command} --help."


def _options_of_command(args: Sequence[str]) -> Mapping[str, str]:
    """Return the options by Python argument that the command has: advice to use another one could not be followed."""
    from typer.main import get_command

    from gatecast.cli.app import COMMANDS, make_app
    from gatecast.cli.options import OPTION_OF_ARGUMENT

    if not args or args[0] not in COMMANDS:
        return {}
    command = getattr(get_command(make_app(args[:1])), "commands", {})[args[0]]
    flags = {flag for parameter in command.params for flag in (*parameter.opts, parameter.metavar)}
    return {name: option for name, option in OPTION_OF_ARGUMENT.items() if option in flags}


def _parts(error: GatecastError, options: Mapping[str, str]) -> dict[str, str]:
    """Return the parts of an error, with options in place of Python arguments."""
    names = ("what", "where", "got", "expected", "fix")
    parts = {name: with_options(str(getattr(error, name)), options, error.argument) for name in names}
    return {**parts, "option": options.get(error.argument or "", "")}


def _lower_first(message: str) -> str:
    """Return a message as it stands after "error: "; names such as LSTM keep their capitals.

    >>> _lower_first("Invalid --seed -1"), _lower_first("LSTM needs units")
    ('invalid --seed -1', 'LSTM needs units')
    """
    first = message.partition(" ")[0]
    return message[:1].lower() + message[1:] if first.isalpha() and first.istitle() else message


def _print_error(message: str) -> None:
    """Print one message on standard error."""
    with suppress(OSError):
        sys.stderr.write(f"error: {message}\n")


def _replace_unencodable_characters() -> None:
    """Print question marks for characters that the encoding of the terminal lacks, instead of failing."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")


def _close_quietly() -> None:
    """Send further output nowhere: the reader has left, as `| head` does, and Python would complain at its end."""
    sink = os.open(os.devnull, os.O_WRONLY)
    os.dup2(sink, sys.stdout.fileno())
    os.close(sink)
