"""The first lines of the program: from here on, Ctrl-C ends it without a traceback.

Python turns the signal into an exception, which would be printed with all that was being imported. Until the command
line is there to say a word, the signal ends the process as it ends any other.
"""

from __future__ import annotations

import signal

__all__ = ["main"]


def end_quietly() -> None:
    """Let Ctrl-C end the process; a signal that the caller ignores, as nohup does, stays ignored."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)


def main() -> int:
    """Run the command of the process.

    Returns:
        The exit code.
    """
    end_quietly()
    from gatecast.cli.main import main as run

    return run()
