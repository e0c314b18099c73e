"""Files that appear whole or not at all: written under another name, forced to disk, renamed.

A link keeps pointing where it did, and the file behind it is replaced. A file keeps its mode. What is no regular file,
such as a pipe, is written to. Drafts that a killed process left behind are removed by the next one. What the system
refuses is an `OSError`, links in a circle and names that are too long included.
"""

from __future__ import annotations

import errno
import glob
import os
import secrets
import shutil
import stat
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

from gatecast.errors import ConfigError

__all__ = ["draft_of", "replacing", "resolve", "writing"]

OLD_SECONDS = 3600
"""Seconds after which a draft belongs to nobody: a file is written in far less."""


MAX_NAME_BYTES = 255
"""Bytes of a file name, at most, on usual file systems."""

MAX_STEM_BYTES = 200
"""Bytes of its stem that the name of a draft begins with: its suffix and 22 characters follow."""


class _Place(NamedTuple):
    """Where a file is written, and what becomes of it."""

    target: Path
    draft: Path
    folder: str | None
    """A folder of its own, for what is copied into a pipe."""


@contextmanager
def replacing(targets: Sequence[Path]) -> Iterator[list[Path]]:
    r"""Lend names to write to: they become `targets` at the end, or vanish if anything fails.

    Args:
        targets: The final files. Each draft lies in the folder of its target, so that renaming is one step.

    Yields:
        A free name with the same suffix for each target.

    Raises:
        OSError: The system refuses a file.

    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with replacing([Path(folder) / "a.csv"]) as (draft,):
    ...         _ = draft.write_text("t,y\n")
    ...     os.listdir(folder)
    ['a.csv']
    """
    places: list[_Place] = []
    try:
        for target in targets:
            with _naming(target):
                places.append(_place(target))
        yield [place.draft for place in places]
        # All are on disk before the first one is seen, with the mode that they will have.
        for target, place in zip(targets, places, strict=True):
            with _naming(target):
                _force_to_disk(place.draft, _mode_of(place))
        for target, place in zip(targets, places, strict=True):
            with _naming(target):
                _put(place)
    finally:
        for place in places:
            place.draft.unlink(missing_ok=True)
            if place.folder is not None:
                shutil.rmtree(place.folder, ignore_errors=True)


@contextmanager
def writing(target: Path) -> Iterator[Path]:
    """Lend a name to write one file to, as `replacing`.

    Raises:
        ConfigError: The system refuses the file.
    """
    try:
        with replacing([target]) as (draft,):
            yield draft
    except OSError as error:
        raise ConfigError(
            "Cannot write the file",
            where=str(target),
            got=error.strerror or str(error),
            fix="Choose a path in an existing folder that you may write to.",
        ) from error


def draft_of(target: Path) -> Path:
    """Return a name under which a file is written; each call returns another one, in threads as in processes.

    >>> draft_of(Path("a.csv")).suffix
    '.csv'
    """
    return target.with_name(f"{_stem_of_draft(target)}.{secrets.token_hex(8)}.part{target.suffix.lower()}")


def resolve(path: Path) -> Path:
    """Return the file behind links.

    Raises:
        OSError: The links lead in a circle, or a name is too long.

    >>> resolve(Path("a.csv")).name
    'a.csv'
    """
    try:
        resolved = path.resolve()
    except RuntimeError:
        # What Python before 3.13 says of a circle.
        raise _refusal(errno.ELOOP, path) from None
    if resolved.is_symlink():
        raise _refusal(errno.ELOOP, path)
    return resolved


def _stem_of_draft(target: Path) -> str:
    """The beginning of the names of drafts: short enough for a file system wherever the target's is."""
    encoded = f".{target.stem}".encode()[: MAX_STEM_BYTES if len(target.name.encode()) <= MAX_NAME_BYTES else None]
    return encoded.decode(errors="ignore")


def _refusal(number: int, path: Path) -> OSError:
    """What the system would say of a path."""
    return OSError(number, os.strerror(number), str(path))


@contextmanager
def _naming(target: Path) -> Iterator[None]:
    """Let a refusal of the system name the file that was asked for, and not its draft."""
    try:
        yield
    except OSError as error:
        if error.errno is not None:
            error.filename, error.filename2 = str(target), None
        raise


def _place(target: Path) -> _Place:
    """Return where a file is written: next to its target, or apart if that is a pipe."""
    # The file that a link points to is replaced, and the link survives.
    resolved = resolve(target)
    if resolved.exists() and not stat.S_ISREG(resolved.stat().st_mode):
        folder = tempfile.mkdtemp(prefix="gatecast-")
        return _Place(resolved, Path(folder) / resolved.name, folder)
    _remove_old_drafts(resolved)
    place = _Place(resolved, draft_of(resolved), None)
    mode = _mode_of(place)
    if mode is not None:
        # What only its owner may read is not to be read by others while it is written.
        os.close(os.open(place.draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY, mode | stat.S_IRUSR | stat.S_IWUSR))
    return place


def _remove_old_drafts(target: Path) -> None:
    """Remove what killed processes have left of the same file."""
    names = f"{glob.escape(_stem_of_draft(target))}.*.part{glob.escape(target.suffix.lower())}"
    for draft in target.parent.glob(names):
        with suppress(OSError):
            if time.time() - draft.stat().st_mtime > OLD_SECONDS:
                draft.unlink()


def _mode_of(place: _Place) -> int | None:
    """The permissions of the file that is replaced; None if there is none."""
    if place.folder is not None or not place.target.exists():
        return None
    return stat.S_IMODE(place.target.stat().st_mode)


def _put(place: _Place) -> None:
    """Give a file its name, or its bytes to a pipe."""
    if place.folder is not None:
        with place.draft.open("rb") as source, place.target.open("wb", buffering=0) as sink:
            shutil.copyfileobj(source, sink)
        return
    os.replace(place.draft, place.target)
    # Without it, a loss of power could undo the renaming; not every system lets folders be opened.
    with suppress(OSError):
        _force_to_disk(place.target.parent)


def _force_to_disk(path: Path, mode: int | None = None) -> None:
    """Wait until a file, or the list of a folder, is on disk, with a mode if there is one."""
    descriptor = os.open(path, os.O_RDONLY if path.is_dir() or os.name == "posix" else os.O_RDWR)
    try:
        if mode is not None:
            # After it is open, for it may be a mode that forbids reading; not every file system has modes.
            with suppress(OSError):
                path.chmod(mode)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
