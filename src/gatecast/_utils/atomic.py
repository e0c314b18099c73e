"""Files that appear whole or not at all: written under another name, forced to disk, renamed.

A link keeps pointing where it did, and the file behind it is replaced. A file keeps its mode. What is no regular file,
such as a pipe, is written to. Drafts that a killed process left behind are removed by the next one.
"""

from __future__ import annotations

import glob
import os
import shutil
import stat
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

__all__ = ["draft_of", "replacing"]

OLD_SECONDS = 3600
"""Seconds after which a draft belongs to nobody: a file is written in far less."""


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
    places = [_place(target) for target in targets]
    try:
        yield [place.draft for place in places]
        # All are on disk before the first one is seen.
        for place in places:
            _keep_mode(place)
            _force_to_disk(place.draft)
        for place in places:
            _put(place)
    finally:
        for place in places:
            place.draft.unlink(missing_ok=True)
            if place.folder is not None:
                shutil.rmtree(place.folder, ignore_errors=True)


def draft_of(target: Path) -> Path:
    """Return the name under which this process writes a file.

    >>> draft_of(Path("a.csv")).suffix
    '.csv'
    """
    return target.with_name(f".{target.stem}.{os.getpid()}.part{target.suffix.lower()}")


def _place(target: Path) -> _Place:
    """Return where a file is written: next to its target, or apart if that is a pipe."""
    # The file that a link points to is replaced, and the link survives.
    resolved = target.resolve()
    if resolved.exists() and not stat.S_ISREG(resolved.stat().st_mode):
        folder = tempfile.mkdtemp(prefix="gatecast-")
        return _Place(resolved, Path(folder) / resolved.name, folder)
    _remove_old_drafts(resolved)
    return _Place(resolved, draft_of(resolved), None)


def _remove_old_drafts(target: Path) -> None:
    """Remove what killed processes have left of the same file."""
    names = f".{glob.escape(target.stem)}.*.part{glob.escape(target.suffix.lower())}"
    for draft in target.parent.glob(names):
        with suppress(OSError):
            if time.time() - draft.stat().st_mtime > OLD_SECONDS:
                draft.unlink()


def _keep_mode(place: _Place) -> None:
    """Give a file the permissions of the one that it replaces."""
    with suppress(OSError):
        if place.folder is None:
            place.draft.chmod(stat.S_IMODE(place.target.stat().st_mode))


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


def _force_to_disk(path: Path) -> None:
    """Wait until a file, or the list of a folder, is on disk."""
    descriptor = os.open(path, os.O_RDONLY if path.is_dir() or os.name == "posix" else os.O_RDWR)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
