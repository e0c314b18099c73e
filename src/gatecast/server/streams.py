"""Streams that are kept: a file of the stream, and a journal of the values since. Together they are its state.

A value is in the journal before it is answered. After a kill the stream is read, and takes the values of the journal
again: the same bits. Streams in memory are the most recently used ones; the others are files alone.

The file is written anew now and then, in a thread of its own, so that no step waits for the disk. Its journal until
then is set aside first: whenever the process ends, the file with what is set aside and the journal since is the stream.
"""

from __future__ import annotations

import json
import math
import os
import re
import shutil
import time
from collections import OrderedDict
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

from gatecast.data.reader import add_offsets
from gatecast.errors import DataError
from gatecast.server.logs import log
from gatecast.server.metrics import Metrics
from gatecast.server.problems import ProblemError
from gatecast.server.settings import Settings
from gatecast.server.store import Store, new_id, read_json, write_json
from gatecast.server.tables import to_lists
from gatecast.stream import ForecastStream, StreamStep

__all__ = ["Streams"]

MAX_IN_MEMORY = 1000
SNAPSHOT_EVERY = 50
"""Steps after which the file is written anew, so that the journals stay short."""
EXPIRE_EVERY = 60.0
"""Seconds between two looks for streams that have expired."""
ID = re.compile(r"[0-9a-f]{24}")
FILE, JOURNAL, ASIDE, ABOUT, LAST = "stream.gatecast", "values.jsonl", "aside.jsonl", "about.json", "last.json"

Value = float | dict[str, float | None] | None


@dataclass(frozen=True)
class _Last:
    """The last step of a stream: the value that came, and what was answered."""

    value: Value
    answer: dict[str, Any]


@dataclass
class _Open:
    """A stream in memory, and its last step."""

    stream: ForecastStream
    last: _Last | None = None
    n_journal: int = 0


class Streams:
    """Streams of a server. All methods run in the thread of forecasts, one at a time."""

    def __init__(self, store: Store, settings: Settings, metrics: Metrics) -> None:
        self._writer = ThreadPoolExecutor(1, "gatecast-streams")
        self._writing: dict[str, Future[None]] = {}
        self._folder, self._settings = store.streams, settings
        self._open: OrderedDict[str, _Open] = OrderedDict()
        self._used: OrderedDict[str, float] = OrderedDict()
        self._looked = time.time()
        entries = [(path.stat().st_mtime, path.name) for path in self._folder.iterdir() if ID.fullmatch(path.name)]
        for when, name in sorted(entries):
            if (self._folder / name / FILE).exists():
                self._used[name] = when
            else:
                shutil.rmtree(self._folder / name, ignore_errors=True)
        metrics.gauge("gatecast_streams", lambda: len(self._used))
        metrics.gauge("gatecast_streams_in_memory", lambda: len(self._open))

    def start(self, stream: ForecastStream) -> dict[str, Any]:
        """Keep a stream, and return its id with its first forecast."""
        self._expire(n_new=1)
        name = new_id()
        folder = self._folder / name
        folder.mkdir()
        about = {"id": name, "created": time.time(), "level": stream.level, "h": stream.h, "ids": stream.ids}
        write_json(folder / ABOUT, about)
        stream.save(folder / FILE)
        self._keep(name, _Open(stream))
        return {**about, "n_steps": 0, "forecast": _forecast(stream, None)}

    def step(self, name: str, value: Value, number: int | None) -> dict[str, Any]:
        """Take the next value of a stream; a step that was taken already is answered as before.

        Raises:
            ProblemError: No such stream, another step is the next one, or the last step had another value.
            DataError: An invalid value.
        """
        entry = self._get(name)
        n_steps = entry.stream.n_steps
        if number == n_steps and entry.last is not None:
            return _repeated(entry.last, value, number)
        if number is not None and number != n_steps + 1:
            raise ProblemError(
                409,
                "order",
                "Another step is the next one",
                where="step",
                got=number,
                expected=n_steps + 1,
                fix="Send the steps in order; the last one may be repeated.",
            )
        # On a copy: if the journal cannot be written, the stream is as it was.
        after = entry.stream.copy()
        step = _step(after, value)
        _append(self._folder / name / JOURNAL, {"step": after.n_steps, "value": value})
        entry.stream, entry.last, entry.n_journal = after, _Last(value, _answer(after, step)), entry.n_journal + 1
        self._keep(name, entry)
        if entry.n_journal >= SNAPSHOT_EVERY:
            self._write_soon(name, entry)
        return entry.last.answer

    def forecast(self, name: str) -> dict[str, Any]:
        """Return the forecast from the newest value of a stream."""
        stream = self._get(name).stream
        about = read_json(self._folder / name / ABOUT) or {"id": name}
        return {**about, "n_steps": stream.n_steps, "forecast": _forecast(stream, None)}

    def names(self) -> list[str]:
        """Return the ids of all streams, the least recently used first."""
        self._expire()
        return list(self._used)

    def delete(self, name: str) -> None:
        """Delete a stream.

        Raises:
            ProblemError: No such stream.
        """
        self._check(name)
        self._remove(name)

    def close(self) -> None:
        """Write what is in memory."""
        self._writer.shutdown()
        for name, entry in self._open.items():
            if entry.n_journal:
                _write(self._folder / name, entry.stream, entry.last, (ASIDE, JOURNAL))

    def _check(self, name: str) -> None:
        """Refuse a stream that is not there."""
        self._expire()
        if name not in self._used:
            raise ProblemError(
                404,
                "not-found",
                "No such stream",
                where="stream",
                fix="It may have expired: begin another one with POST /v1/streams.",
            )

    def _get(self, name: str) -> _Open:
        """Return a stream, from its files if it is not in memory."""
        self._check(name)
        entry = self._open.get(name)
        if entry is None:
            entry = self._read(self._folder / name)
            self._keep(name, entry, is_used=False)
        return entry

    def _read(self, folder: Path) -> _Open:
        """Return a stream from its files: it takes the values of its journal again."""
        # Before the file: when it is written anew meanwhile, what was set aside goes.
        lines = [*_read_lines(folder / ASIDE), *_read_lines(folder / JOURNAL)]
        entry = _Open(ForecastStream.load(folder / FILE))
        last = read_json(folder / LAST)
        if (
            last is not None
            and last.keys() == {"value", "answer"}
            and last["answer"]["n_steps"] == entry.stream.n_steps
        ):
            entry.last = _Last(**last)
        for line in lines:
            # The file may have steps that what was set aside has too.
            if line["step"] > entry.stream.n_steps:
                step = _step(entry.stream, line["value"])
                entry.last = _Last(line["value"], _answer(entry.stream, step))
        entry.n_journal = len(lines)
        return entry

    def _write_soon(self, name: str, entry: _Open) -> None:
        """Begin another journal, and let the file of a stream be written anew."""
        folder, before = self._folder / name, self._writing.get(name)
        if before is not None and not before.done():
            return
        _set_aside(folder)
        entry.n_journal = 0
        # A stream that goes on is another object: the copy stays as it is.
        task = self._writer.submit(_write, folder, entry.stream.copy(), entry.last, (ASIDE,))
        self._writing[name] = task
        task.add_done_callback(partial(self._written, name))

    def _written(self, name: str, task: Future[None]) -> None:
        """Say what went wrong when a file was written; its values are in the journals still."""
        if self._writing.get(name) is task:
            self._writing.pop(name, None)
        error = task.exception()
        if name not in self._used:
            shutil.rmtree(self._folder / name, ignore_errors=True)
        elif error is not None:
            log("a stream is not written", error=error, stream=name)

    def _keep(self, name: str, entry: _Open, *, is_used: bool = True) -> None:
        """Keep a stream in memory; the one that was used least recently goes to its file."""
        self._open[name] = entry
        self._open.move_to_end(name)
        if is_used:
            self._used[name] = time.time()
            self._used.move_to_end(name)
            with suppress(OSError):
                os.utime(self._folder / name)
        while len(self._open) > MAX_IN_MEMORY:
            old, idle = self._open.popitem(last=False)
            if idle.n_journal:
                self._write_soon(old, idle)

    def _expire(self, n_new: int = 0) -> None:
        """Remove streams that were idle for too long, and the oldest ones where there are too many."""
        now = time.time()
        if n_new or now - self._looked > min(EXPIRE_EVERY, self._settings.stream_seconds):
            self._looked = now
            for name, when in list(self._used.items()):
                if now - when <= self._settings.stream_seconds:
                    break
                self._remove(name)
        while len(self._used) + n_new > self._settings.max_streams:
            self._remove(next(iter(self._used)))

    def _remove(self, name: str) -> None:
        """Remove a stream."""
        self._used.pop(name, None)
        self._open.pop(name, None)
        shutil.rmtree(self._folder / name, ignore_errors=True)


def _write(folder: Path, stream: ForecastStream, last: _Last | None, done: Sequence[str]) -> None:
    """Write the file of a stream anew, then remove the journals whose values it has."""
    if last is not None:
        write_json(folder / LAST, asdict(last))
    stream.save(folder / FILE)
    for name in done:
        (folder / name).unlink(missing_ok=True)


def _set_aside(folder: Path) -> None:
    """Put the journal of a stream aside, behind what is there already, if its file could not be written."""
    journal, aside = folder / JOURNAL, folder / ASIDE
    if not aside.exists():
        with suppress(FileNotFoundError):
            journal.replace(aside)
        return
    lines = journal.read_bytes() if journal.exists() else b""
    with aside.open("ab") as file:
        file.write(lines)
    # Killed before this, values are in both: each is taken once, by its number.
    journal.unlink(missing_ok=True)


def _read_lines(journal: Path) -> list[dict[str, Any]]:
    """Return the lines of a journal; one that was not finished was not answered either, and is cut off."""
    data = journal.read_bytes() if journal.exists() else b""
    complete = data[: data.rfind(b"\n") + 1]
    if len(complete) < len(data):
        os.truncate(journal, len(complete))
    return [json.loads(line) for line in complete.splitlines()]


def _append(journal: Path, line: dict[str, Any]) -> None:
    """Add a line to a journal, whole or not at all."""
    before = journal.stat().st_size if journal.exists() else 0
    try:
        with journal.open("ab") as file:
            file.write(json.dumps(line).encode() + b"\n")
    except OSError:
        with suppress(OSError):
            os.truncate(journal, before)
        raise


def _step(stream: ForecastStream, value: Value) -> StreamStep:
    """Take a value; null is a missing one."""
    if isinstance(value, dict):
        if not stream.ids:
            raise DataError("The stream has one series", where="value", got="values by id", expected="a number or null")
        return stream.step({name: math.nan if each is None else each for name, each in value.items()})
    return stream.step(math.nan if value is None else value)


def _repeated(last: _Last, value: Value, number: int) -> dict[str, Any]:
    """Return the answer to the last step again, if the value is the same."""
    if value != last.value:
        raise ProblemError(
            409,
            "order",
            "The step was taken with another value",
            where="value",
            got=json.dumps(value)[:200],
            expected=json.dumps(last.value)[:200],
            fix=f"Send the next value as step {number + 1}; a step that was taken is not changed.",
        )
    return last.answer


def _answer(stream: ForecastStream, step: StreamStep) -> dict[str, Any]:
    """Return what is said of a step."""
    flag, judged = step.is_anomaly, to_lists(step.judged_columns)
    flags = {str(name): each for name, each in flag.items()} if isinstance(flag, dict) else flag
    return {"n_steps": stream.n_steps, "is_anomaly": flags, "judged": judged, "forecast": _forecast(stream, step)}


def _forecast(stream: ForecastStream, step: StreamStep | None) -> dict[str, list[Any]]:
    """Return the forecast of a stream as lists."""
    if step is not None:
        columns = step.forecast_columns
    else:
        from gatecast.pipeline.stream import forecast_columns

        columns = forecast_columns(stream._state, stream._config.level)
    return to_lists(add_offsets(columns, stream._state.fitted.panel))
