"""Interrupted work goes on: finished units of work as files in a folder, and the place that a unit has in the work.

A unit is the name of its place: a digest for every level, of everything that the level depends on. `working_on` and
`within` go one level deeper, so a unit has the same name in every run of the same work, and another one where anything
differs. What a unit holds was computed from nothing else, so it is loaded instead of computed again.

The place is handed down in a context variable, into threads too. Without a checkpoint all of this does nothing.
"""

from __future__ import annotations

import hashlib
import os
import re
import threading
import time
import warnings
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy.typing as npt

from gatecast._utils import safefile
from gatecast._utils.cache_folder import cache_folder
from gatecast._utils.digests import digest_of
from gatecast._utils.formatting import format_count
from gatecast.errors import ConfigError, FormatError

__all__ = [
    "BEGUN",
    "Checkpoint",
    "Place",
    "at_place",
    "current_place",
    "default_checkpoint",
    "keeping",
    "start_clock",
    "within",
    "working_on",
]

KIND = "checkpoint"
"""What a file calls itself."""

SUFFIX = ".gatecast"
BEGUN = "begun"
"""Label of a snapshot: a training that is not finished."""

DELAY_SECONDS = 60.0
"""Nothing is written to the cache folder before: short work leaves nothing, and costs nothing."""

SNAPSHOT_SECONDS = 30.0
"""From one snapshot of a training to the next."""

OLD_SECONDS = 30 * 24 * 3600
"""Files in the cache folder that are older belong to work that nobody went on with."""

MAX_BYTES = 2 * 1024**3
"""Size of all files of a work, at most; further units are computed again after an interruption."""

DIGITS = 12
"""Digits of each level in a name; the file has the digest of all levels in full."""

_NAME = re.compile(rf"[0-9a-f]{{{DIGITS}}}(-[0-9a-f]{{{DIGITS}}})*\.[a-z]+{re.escape(SUFFIX)}")

Arrays = Mapping[str, npt.NDArray[Any]]
Notify = Callable[[str], object]


class Checkpoint:
    """A folder of units. Any number of works and processes may share it: a file appears whole or not at all.

    Args:
        folder: Is made when the first unit is written.
        delay: Seconds during which units are kept in memory alone.
        is_cache: Whether the folder is the program's own: files of other works are then no surprise, old ones are
            removed, and so is the folder when it is empty.
        notify: Is called with a sentence: that the work goes on from units, or that files are not used.
        warn: Is called with a sentence: that something could not be written or read.
    """

    def __init__(
        self,
        folder: str | os.PathLike[str],
        *,
        delay: float = 0.0,
        is_cache: bool = False,
        notify: Notify | None = None,
        warn: Notify | None = None,
    ) -> None:
        self.folder, self.is_cache = Path(folder), is_cache
        self.notify, self.warn = _ignore if notify is None else notify, _warn if warn is None else warn
        self.snapshot_seconds = _seconds("GATECAST_CHECKPOINT_EVERY", SNAPSHOT_SECONDS)
        self._due = time.monotonic() + delay
        self._lock = threading.RLock()
        self._waiting: dict[str, tuple[dict[str, Any], dict[str, npt.NDArray[Any]]]] = {}
        self._sizes: dict[str, int] = {}
        self._roots: set[str] = set()
        self._warned: set[str] = set()
        self._clocks: dict[str, float] = {}
        self._made_folder = self._removed_old = False

    @property
    def is_written(self) -> bool:
        """Whether there are units in the folder."""
        return bool(self._sizes)

    def require_folder(self) -> None:
        """Make the folder.

        Raises:
            ConfigError: That is not possible.
        """
        try:
            self._make_folder()
        except OSError as error:
            is_file = self.folder.exists() and not self.folder.is_dir()
            raise ConfigError(
                f"Invalid checkpoint {str(self.folder)!r}",
                got="a file" if is_file else error.strerror or str(error),
                expected="a folder that you may write to",
                fix="Name a new folder.",
                argument="checkpoint",
            ) from None

    def begin(self, root: str, total: tuple[int, str] | None) -> None:
        """Say what there is of a work.

        Args:
            root: First level of its units.
            total: How many units of a label the work has.
        """
        with self._lock:
            if root in self._roots:
                return
            self._roots.add(root)
            files, others = self._files(root), self._others(root)
            self._sizes |= {path.name: size for path, size, _ in files}
        if files:
            counts = Counter(path.name.split(".")[-2] for path, _, _ in files)
            newest = max(changed for _, _, changed in files)
            self.notify(f"goes on from a checkpoint of {_time_of_day(newest)}: {_describe(counts, total)}.")
        elif others and not self.is_cache:
            self.notify(
                f"{self.folder} holds a checkpoint of other data, other settings or another version, "
                "which is not used: the work begins anew."
            )

    def read(self, name: str, check: str) -> tuple[dict[str, Any], dict[str, npt.NDArray[Any]]] | None:
        """Return a unit; None if there is none that can be read.

        Args:
            name: Of the file.
            check: Digest of its place in full.
        """
        path = self.folder / name
        if not os.path.lexists(path):
            return None
        try:
            settings, arrays = safefile.read(path, KIND)
            if settings.pop("place", None) != check:
                raise FormatError("The file belongs to another unit", where=str(path))
            settings.pop("spent", None)
        except FormatError as error:
            self.discard(name, error)
            return None
        return settings, arrays

    def discard(self, name: str, error: Exception) -> None:
        """Say that a file is of no use; it is replaced when its unit is done."""
        self._warn_once("read", f"{name} in {self.folder} is not used, and its part is done again: {error}")

    def write(self, name: str, check: str, settings: Mapping[str, Any], arrays: Arrays) -> None:
        """Write a unit, or keep it in memory until it is time. What cannot be written is said once, and left out.

        Args:
            name: Of the file.
            check: Digest of its place in full.
            settings: Data for JSON.
            arrays: Arrays by name; they are copied if they have to wait.
        """
        content = dict(settings) | {"place": check, "spent": self._spent(name)}
        if time.monotonic() < self._due:
            with self._lock:
                self._waiting[name] = content, {key: array.copy() for key, array in arrays.items()}
            return
        with self._lock:
            waiting, self._waiting = self._waiting, {}
        for waiting_name, unit in waiting.items():
            self._put(waiting_name, *unit)
        self._put(name, content, arrays)

    def start_clock(self, name: str) -> None:
        """Start to measure the time of a unit; what interrupted runs had spent on it is in the newest of its parts."""
        parts = self._files(f"{name}-")
        before = 0.0
        if parts:
            path, _, _ = max(parts, key=lambda part: part[2])
            with suppress(FormatError, TypeError, ValueError):
                before = float(safefile.read(path, KIND)[0].get("spent", {}).get(name, 0.0))
        self._clocks[name] = time.perf_counter() - before

    def stop_clock(self, name: str) -> float:
        """Return the seconds that were spent on a unit."""
        return time.perf_counter() - self._clocks.pop(name)

    def _spent(self, name: str) -> dict[str, float]:
        """Return the seconds that were spent so far on each unit that another one is part of."""
        now = time.perf_counter()
        return {unit: now - began for unit, began in list(self._clocks.items()) if name.startswith(f"{unit}-")}

    def remove(self, prefix: str) -> None:
        """Remove all units whose names begin so."""
        with self._lock:
            self._waiting = {name: unit for name, unit in self._waiting.items() if not name.startswith(prefix)}
            written = [name for name in self._sizes if name.startswith(prefix)]
            for name in written:
                del self._sizes[name]
        for name in written:
            with suppress(OSError):
                (self.folder / name).unlink()

    def end(self) -> None:
        """Remove the units of all works that were begun, drafts that killed processes left, and an empty folder."""
        with self._lock:
            self._waiting = {}
        with suppress(OSError):
            for path in sorted(self.folder.iterdir()):
                if path.name.removeprefix(".").split("-")[0].split(".")[0] in self._roots:
                    with suppress(OSError):
                        path.unlink()
            if self.is_cache or self._made_folder:
                self.folder.rmdir()
            if self.is_cache:
                self.folder.parent.rmdir()

    def _put(self, name: str, settings: Mapping[str, Any], arrays: Arrays) -> None:
        """Write a file."""
        size = sum(array.nbytes for array in arrays.values())
        with self._lock:
            total = sum(self._sizes.values()) - self._sizes.get(name, 0) + size
            if total <= MAX_BYTES:
                self._sizes[name] = size
        if total > MAX_BYTES:
            self._warn_once(
                "size", f"the checkpoint in {self.folder} is full ({MAX_BYTES >> 30} GiB): it stays as it is."
            )
            return
        try:
            self._make_folder()
            if self.is_cache and not self._removed_old:
                self._removed_old = True
                self._remove_old()
            safefile.write(self.folder / name, KIND, settings, arrays)
        except (ConfigError, OSError, TypeError, ValueError) as error:
            with self._lock:
                self._sizes.pop(name, None)
            reason = getattr(error, "got", "") or getattr(error, "strerror", None) or str(error)
            self._warn_once(
                "write",
                f"a checkpoint cannot be written to {self.folder} ({reason}): the work goes on, and what is not "
                "written is done again after an interruption.",
            )

    def _make_folder(self) -> None:
        """Make the folder, for the user alone."""
        if not self.folder.is_dir():
            self.folder.parent.mkdir(parents=True, exist_ok=True)
            with suppress(FileExistsError):
                self.folder.mkdir(mode=0o700)
                self._made_folder = True
            if not self.folder.is_dir():
                raise NotADirectoryError(20, "Not a directory", str(self.folder))

    def _files(self, root: str) -> list[tuple[Path, int, float]]:
        """Return the files of a work, with their sizes and times."""
        return [item for item in self._units() if item[0].name.startswith(root)]

    def _others(self, root: str) -> bool:
        """Return whether there are files of other works."""
        return any(not path.name.startswith(root) for path, _, _ in self._units())

    def _units(self) -> list[tuple[Path, int, float]]:
        """Return all files that have the name of a unit."""
        units = []
        with suppress(OSError):
            for path in self.folder.iterdir():
                if _NAME.fullmatch(path.name):
                    with suppress(OSError):
                        about = path.stat()
                        units.append((path, about.st_size, about.st_mtime))
        return units

    def _remove_old(self) -> None:
        """Remove files that nobody went on with, and drafts of killed processes."""
        with suppress(OSError):
            for path in list(self.folder.iterdir()):
                with suppress(OSError):
                    if path.name.endswith(SUFFIX) and time.time() - path.stat().st_mtime > OLD_SECONDS:
                        path.unlink()

    def _warn_once(self, about: str, sentence: str) -> None:
        """Warn, once about each kind of trouble."""
        with self._lock:
            is_new = about not in self._warned
            self._warned.add(about)
        if is_new:
            self.warn(sentence)


@dataclass(frozen=True)
class Place:
    """The place of a unit in the work.

    Args:
        checkpoint: Where units are stored.
        levels: A digest for each level.
    """

    checkpoint: Checkpoint
    levels: tuple[str, ...]

    @property
    def name(self) -> str:
        """First part of the names of its files."""
        return "-".join(level[:DIGITS] for level in self.levels)

    @property
    def _check(self) -> str:
        """Digest of all levels."""
        return hashlib.sha256("-".join(self.levels).encode()).hexdigest()

    def deeper(self, *facts: Any) -> Place:
        """Return the place of a part."""
        return Place(self.checkpoint, (*self.levels, digest_of(*facts)))

    def read(self, label: str) -> tuple[dict[str, Any], dict[str, npt.NDArray[Any]]] | None:
        """Return settings and arrays of the unit with a label; None if there is none."""
        return self.checkpoint.read(f"{self.name}.{label}{SUFFIX}", self._check)

    def discard(self, label: str, error: Exception) -> None:
        """Say that the unit with a label does not hold what it should."""
        self.checkpoint.discard(f"{self.name}.{label}{SUFFIX}", error)

    def finish(self, label: str, settings: Mapping[str, Any], arrays: Arrays) -> None:
        """Write a finished unit; its parts, and a snapshot of it, are needed no more."""
        self.checkpoint.write(f"{self.name}.{label}{SUFFIX}", self._check, settings, arrays)
        self.checkpoint.remove(f"{self.name}-")
        self.checkpoint.remove(f"{self.name}.{BEGUN}")

    def snapshot(self, settings: Mapping[str, Any], arrays: Arrays) -> None:
        """Write how far a unit is."""
        self.checkpoint.write(f"{self.name}.{BEGUN}{SUFFIX}", self._check, settings, arrays)


_checkpoint: ContextVar[Checkpoint | None] = ContextVar("checkpoint", default=None)
_place: ContextVar[Place | None] = ContextVar("place", default=None)


def current_place() -> Place | None:
    """Return the place of what runs; None without a checkpoint."""
    return _place.get()


def start_clock() -> Callable[[], float]:
    """Start to measure the time of what runs here; return what returns the seconds, those of interrupted runs included.

    >>> seconds = start_clock()
    >>> 0 <= seconds() < 60
    True
    """
    place, began = _place.get(), time.perf_counter()
    if place is None:
        return lambda: time.perf_counter() - began
    place.checkpoint.start_clock(place.name)
    return lambda: place.checkpoint.stop_clock(place.name)


@contextmanager
def keeping(checkpoint: Checkpoint | str | os.PathLike[str] | None, notify: Notify | None = None) -> Iterator[None]:
    """Keep the units of all work inside in a checkpoint, and remove them at the end, but not after an error.

    Args:
        checkpoint: The checkpoint, or its folder; None: what is around stays.
        notify: Is called with a sentence if the work goes on from units.

    Raises:
        ConfigError: The folder cannot be made.
    """
    if checkpoint is None:
        yield
        return
    if not isinstance(checkpoint, Checkpoint):
        checkpoint = Checkpoint(_check_folder(checkpoint), notify=notify)
        checkpoint.require_folder()
    tokens = _checkpoint.set(checkpoint), _place.set(None)
    try:
        yield
        checkpoint.end()
    finally:
        _checkpoint.reset(tokens[0])
        _place.reset(tokens[1])


@contextmanager
def working_on(work: str, *facts: Any, total: tuple[int, str] | None = None) -> Iterator[None]:
    """Enter a work: inside of another one it is a part of that.

    Args:
        work: Its name.
        facts: Everything that its results depend on.
        total: How many units of a label it has.
    """
    checkpoint = _checkpoint.get()
    if checkpoint is None or _place.get() is not None:
        with within(work, *facts):
            yield
        return
    place = Place(checkpoint, (digest_of(work, *facts),))
    checkpoint.begin(place.name, total)
    with at_place(place):
        yield


@contextmanager
def within(*facts: Any) -> Iterator[None]:
    """Enter a part of a work; nothing without a work.

    Args:
        facts: What distinguishes the part from the other ones.
    """
    place = _place.get()
    if place is None:
        yield
        return
    with at_place(place.deeper(*facts)):
        yield


@contextmanager
def at_place(place: Place | None) -> Iterator[None]:
    """Go to a place of the same work: what several parts need is a part of none of them."""
    token = _place.set(place)
    try:
        yield
    finally:
        _place.reset(token)


def default_checkpoint(notify: Notify, warn: Notify) -> Checkpoint | None:
    """Return the checkpoint in the user's cache folder; None if there is no such folder.

    Args:
        notify: As for `Checkpoint`.
        warn: As for `Checkpoint`.
    """
    folder = cache_folder("checkpoints")
    delay = _seconds("GATECAST_CHECKPOINT_DELAY", DELAY_SECONDS)
    return None if folder is None else Checkpoint(folder, delay=delay, is_cache=True, notify=notify, warn=warn)


def _check_folder(folder: Any) -> str | os.PathLike[str]:
    """Return the name of a folder."""
    if not isinstance(folder, str | os.PathLike) or not os.fspath(folder):
        raise ConfigError(f"Invalid checkpoint {folder!r}", expected="a folder, or None", argument="checkpoint")
    return folder


def _seconds(variable: str, default: float) -> float:
    """Return seconds, which tests set by a variable of the environment."""
    try:
        return float(os.environ[variable])
    except (KeyError, ValueError):
        return default


def _time_of_day(seconds: float) -> str:
    """Return when a file was written; with the date, if that was not today."""
    then, today = time.localtime(seconds), time.localtime()
    return time.strftime("%H:%M" if then[:3] == today[:3] else "%Y-%m-%d %H:%M", then)


def _describe(counts: Mapping[str, int], total: tuple[int, str] | None) -> str:
    """Return how much is done.

    >>> _describe({"window": 2, "training": 3, "begun": 1}, (5, "window"))
    '2 of 5 windows done, in the next one 3 trainings done, 1 begun'
    >>> _describe({"begun": 2}, (6, "training"))
    '0 of 6 trainings done, 2 begun'
    """
    n_total, main = total or (0, "training")
    n_main, n_trainings, n_begun = (counts.get(label, 0) for label in (main, "training", BEGUN))
    parts = [f"{n_main:,} of {format_count(n_total, main)} done" if n_total else f"{format_count(n_main, main)} done"]
    if main != "training" and n_trainings + n_begun:
        parts.append(f"in the next one {format_count(n_trainings, 'training')} done")
    if n_begun:
        parts.append(f"{n_begun:,} begun")
    return ", ".join(parts)


def _ignore(_: str) -> None:
    """Show nothing."""


def _warn(sentence: str) -> None:
    """Warn as Python does."""
    warnings.warn(sentence[0].upper() + sentence[1:], stacklevel=2)
