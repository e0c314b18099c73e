"""Files that appear whole or not at all: checked before the work, written under another name, renamed."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from gatecast.errors import ConfigError

__all__ = [
    "MODEL_SUFFIX",
    "PLOT_SUFFIXES",
    "REPORT_SUFFIXES",
    "TABLE_SUFFIXES",
    "check_output",
    "unwritable",
    "write_atomically",
]

MODEL_SUFFIX = ".gatecast"
TABLE_SUFFIXES = (".csv", ".parquet", ".json")
PLOT_SUFFIXES = (".png", ".svg")
REPORT_SUFFIXES = (".html",)


def check_output(path: Path, option: str, suffixes: Sequence[str], source: Path | str) -> None:
    """Refuse a file that could not be written, while nothing is lost yet.

    Args:
        path: What is to be written.
        option: Which option said so.
        suffixes: The formats on offer.
        source: The file that is read; it must survive. A pattern or query is text, and is not looked into.

    Raises:
        ConfigError: Unknown suffix, a folder missing or not writable, a directory, or the input itself.
    """
    where, folder = str(path), path.resolve().parent
    if path.is_dir():
        raise ConfigError(f"{option} is a directory", where=where, expected="the name of a file")
    if path.suffix.lower() not in suffixes:
        raise ConfigError(
            f"{option} has an unknown file type",
            where=where,
            got=repr(path.suffix) if path.suffix else "no suffix",
            expected=" or ".join(filter(None, [", ".join(suffixes[:-1]), suffixes[-1]])),
            fix=f"Write {option} {path.with_suffix(suffixes[0])}.",
        )
    if not folder.is_dir():
        fix = f"Make the folder first: mkdir -p {folder}" if not folder.exists() else ""
        raise ConfigError(f"{option} lies in a folder that does not exist", where=where, fix=fix)
    if path.exists() and isinstance(source, Path) and path.samefile(source):
        raise ConfigError(f"{option} would overwrite FILE", where=where, fix="Choose another name.")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise ConfigError(f"{option} lies in a folder that may not be written to", where=where)
    if path.exists() and not os.access(path, os.W_OK):
        raise ConfigError(f"{option} is write-protected", where=where, fix="Choose another name.")
    _try(path, option)


def _try(path: Path, option: str) -> None:
    """Begin a file and take it away again: permissions alone do not say what a file system takes."""
    draft = _draft(path.resolve())
    try:
        draft.open("xb").close()
        draft.unlink()
    except OSError as error:
        raise unwritable(path, option, error) from None


def unwritable(path: Path, option: str, error: OSError) -> ConfigError:
    """What the system said, about the name that the user gave."""
    return ConfigError(f"{option} cannot be written", where=str(path), got=error.strerror or str(error))


def _draft(end: Path) -> Path:
    """A free name in the same folder."""
    return end.with_name(f".{end.stem}.{os.getpid()}{end.suffix.lower()}")


@contextmanager
def write_atomically(targets: Sequence[Path]) -> Iterator[list[Path]]:
    """Names to write to; they become `targets` at the end, or vanish if anything goes wrong.

    Args:
        targets: The files to come; each is written in its own folder, so that renaming is one step.

    Yields:
        A free name with the same suffix for each target.
    """
    # A symbolic link stays one: what it points to is replaced.
    ends = [target.resolve() for target in targets]
    drafts = [_draft(end) for end in ends]
    try:
        yield drafts
        for draft, end in zip(drafts, ends, strict=True):
            os.replace(draft, end)
    finally:
        for draft in drafts:
            draft.unlink(missing_ok=True)
