"""What surrounds a command: streams that are closed, signals that end it, the width of the terminal."""

from __future__ import annotations

import gc
import os
import signal
import sys
import threading
from types import FrameType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sys import UnraisableHookArgs

__all__ = [
    "ending",
    "open_closed_streams",
    "over",
    "search_garbage_as_usual",
    "search_garbage_rarely",
    "stop_on_signals",
    "usable_width",
]

SIGNALS = {"SIGINT": "interrupted", "SIGTERM": "terminated", "SIGHUP": "the terminal was closed"}
"""Signals that end a command, and the word for each."""

AGAIN_SECONDS = 0.01
"""After which a signal is raised again whose exception was dropped."""
NEW_OBJECTS = 200_000
"""New objects after which Python looks for garbage: what a command imports stays, and is not to be searched for any."""
USUAL = gc.get_threshold()
"""The same without gatecast, and how often older objects are searched too."""

_received: list[int] = []
_over = threading.Event()
"""Set when the command is over: signals that come later would only print a traceback."""


class Ended(KeyboardInterrupt):
    """A signal ends the command; Python would take a KeyboardInterrupt itself for the end of its process by SIGINT."""


def open_closed_streams() -> None:
    """Open the streams that the caller has closed, so that what is written to them goes nowhere.

    Without it, the next file that is opened would become standard output.
    """
    for descriptor, mode in ((0, os.O_RDONLY), (1, os.O_WRONLY), (2, os.O_WRONLY)):
        if not _is_open(descriptor):
            # The system gives the lowest number that is free: this one.
            os.open(os.devnull, mode)
    for name, descriptor in (("stdout", 1), ("stderr", 2)):
        if getattr(sys, name) is None:
            setattr(sys, name, open(descriptor, "w", encoding="utf-8", closefd=False))  # noqa: SIM115 - until the end


def _is_open(descriptor: int) -> bool:
    """Return whether a stream is open."""
    try:
        os.fstat(descriptor)
    except OSError:
        return False
    return True


def usable_width() -> None:
    """Leave out a terminal width that cannot be, such as 0: nothing would be printed."""
    if "COLUMNS" in os.environ and not (os.environ["COLUMNS"].isdecimal() and int(os.environ["COLUMNS"]) > 0):
        del os.environ["COLUMNS"]


def stop_on_signals() -> None:
    """Let signals that end a process end a command in order: drafts are removed, and a word says why."""
    for name in SIGNALS:
        number = getattr(signal, name, None)
        # A signal that the caller ignores, as nohup does, stays ignored.
        if number is not None and signal.getsignal(number) in (signal.SIG_DFL, signal.default_int_handler):
            signal.signal(number, _stop)
    sys.unraisablehook = _raise_again


def _stop(number: int, _: FrameType | None) -> None:
    """Interrupt whatever runs."""
    _received.append(number)
    if not _over.is_set():
        raise Ended


def over() -> None:
    """Let no signal interrupt what is left to do: the command is over."""
    _over.set()


def _raise_again(dropped: UnraisableHookArgs) -> None:
    """Raise a signal again that arrived in a finalizer, where Python prints what is raised and goes on without it."""
    if issubclass(dropped.exc_type, Ended):
        timer = threading.Timer(AGAIN_SECONDS, signal.raise_signal, (_received[0],))
        timer.daemon = True
        timer.start()
    else:
        sys.__unraisablehook__(dropped)


def ending() -> tuple[int, str]:
    """Return the exit code and the word of what ended the command.

    >>> ending()
    (130, 'interrupted')
    """
    number = _received[0] if _received else signal.SIGINT
    return 128 + number, SIGNALS[signal.Signals(number).name]


def search_garbage_rarely() -> None:
    """Let Python look for garbage rarely: a process that runs one command and ends."""
    gc.set_threshold(NEW_OBJECTS)


def search_garbage_as_usual() -> None:
    """Let Python look for garbage as it does without gatecast: a process that stays, to be called before it begins.

    What is imported by then is not searched.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*USUAL)
