"""Compressed files and archives: unpacked into a temporary folder, up to a limit, so that every format can be read."""

from __future__ import annotations

import bz2
import gzip
import lzma
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from difflib import get_close_matches
from fnmatch import fnmatch
from importlib import import_module
from pathlib import Path, PurePosixPath
from typing import IO, Any

from gatecast.data.messages import list_columns
from gatecast.data.sources.file_formats import TABLE_SUFFIXES, inner_name
from gatecast.errors import ConfigError, DataError, GatecastError

__all__ = ["decompress", "extract", "select_members"]

MAX_BYTES = 8 << 30
"""Largest size of an unpacked file: a small archive may hold a file that fills every disk."""
CHUNK_BYTES = 1 << 20
# What systems add to archives.
_HIDDEN_NAMES = ("__MACOSX/", "Thumbs.db", "desktop.ini")


def decompress(path: Path, compression: str, target: Path, label: str) -> None:
    """Decompress a file.

    Args:
        path: The compressed file.
        compression: "gzip", "bzip2", "xz" or "zstd".
        target: File to write.
        label: What messages call the compressed file.

    Raises:
        DataError: The file is damaged or incomplete, or too large when decompressed.
        ConfigError: Zstandard, and the library is not installed.
    """
    openers: dict[str, Callable[[Path], Any]] = {"gzip": gzip.open, "bzip2": bz2.open, "xz": lzma.open}
    opener = openers.get(compression) or _zstandard().open
    with _refuse_damage(label, f"{compression} data"), opener(path) as source:
        _copy(source, target, label)


def select_members(path: Path, selection: str, label: str, argument: str) -> tuple[list[str], str, tuple[str, ...]]:
    """Return the members of a zip archive to read.

    Args:
        path: The archive.
        selection: Name or pattern of members, perhaps followed by "::" and what to read in them; "": the only table.
        label: What messages call the archive.
        argument: What a user types to name the archive.

    Returns:
        The names; what to read in each of them; and a note on those that are left out.

    Raises:
        DataError: No member, an unknown one, or several of which none is selected.
    """
    with _refuse_damage(label, "a zip archive"), zipfile.ZipFile(path) as archive:
        names = [info.filename for info in archive.infolist() if not info.is_dir() and not _is_hidden(info.filename)]
    if not names:
        raise DataError("The archive is empty", where=label, expected="a file with a table")
    wanted, _, inner = selection.partition("::")
    if wanted:
        return _match_members(names, wanted, label, argument), inner, ()
    tables = [name for name in names if Path(inner_name(name)).suffix.lower() in TABLE_SUFFIXES] or names
    if len(tables) > 1:
        raise DataError(
            "The archive holds several files",
            where=label,
            got=list_columns(tables),
            fix=f"Append the name of one, as in {argument}::{tables[0]}, or a pattern for all, as in {argument}::*.",
            argument="source",
        )
    others = [name for name in names if name not in tables]
    notes = (f"The archive holds {tables[0]!r}, which is read, and {list_columns(others)}.",) if others else ()
    return tables, "", notes


def extract(path: Path, member: str, target: Path, label: str) -> None:
    """Unpack one member of a zip archive.

    Raises:
        DataError: The archive is damaged, encrypted, or compressed by an unknown method; or the member is too large.
    """
    with _refuse_damage(label, "a zip archive"), zipfile.ZipFile(path) as archive:
        info = archive.getinfo(member)
        if info.flag_bits & 1:
            raise DataError("The archive is encrypted", where=label, fix="Unpack it with its password first.")
        if info.file_size > MAX_BYTES:
            raise _too_large(label)
        with archive.open(info) as source:
            _copy(source, target, label)


def _is_hidden(name: str) -> bool:
    """Whether a member is not the user's."""
    return name.startswith(_HIDDEN_NAMES) or PurePosixPath(name).name.startswith((".", "~$", *_HIDDEN_NAMES))


def _match_members(names: Sequence[str], wanted: str, label: str, argument: str) -> list[str]:
    """The members with a name, which may leave out the folders, or those that match a pattern."""
    by_file_name = [name for name in names if PurePosixPath(name).name == wanted]
    exact = [wanted] if wanted in names else by_file_name if len(by_file_name) == 1 else []
    matches = exact or sorted(name for name in names if fnmatch(name, wanted))
    if matches:
        return matches
    close = get_close_matches(wanted, names, n=1)
    raise DataError(
        "Unknown file in the archive",
        where=label,
        got=repr(wanted),
        expected=f"one of {list_columns(names)}",
        fix=f"Did you mean {argument}::{close[0]}?" if close else "",
    )


def _copy(source: IO[bytes], target: Path, label: str) -> None:
    """Write a stream to a file, up to the limit."""
    size = 0
    with target.open("wb") as file:
        while chunk := source.read(CHUNK_BYTES):
            size += len(chunk)
            if size > MAX_BYTES:
                raise _too_large(label)
            file.write(chunk)


def _too_large(label: str) -> DataError:
    """The refusal of a file that might fill the disk."""
    return DataError(
        "The file is too large when decompressed",
        where=label,
        got=f"more than {MAX_BYTES >> 30} GiB",
        fix="Decompress it, and select rows with a query: gatecast forecast \"SELECT ... FROM 'file.csv'\".",
    )


@contextmanager
def _refuse_damage(label: str, what: str) -> Iterator[None]:
    """Turn errors of the libraries into one."""
    try:
        yield
    except GatecastError:
        raise
    except (OSError, EOFError, RuntimeError, ValueError, zipfile.BadZipFile, zlib.error, lzma.LZMAError) as error:
        raise _damaged(error, label, what) from None
    except Exception as error:
        # Zstandard has an error of its own in each of its libraries.
        if type(error).__name__ != "ZstdError":
            raise
        raise _damaged(error, label, what) from None


def _damaged(error: Exception, label: str, what: str) -> DataError:
    """The refusal of a file that cannot be decompressed."""
    if isinstance(error, OSError) and error.errno is not None:
        return DataError("Cannot decompress the file", where=label, got=error.strerror or str(error))
    if isinstance(error, NotImplementedError):
        return DataError("Cannot decompress the file", where=label, got="an unknown method", fix="Unpack it first.")
    return DataError(
        "Cannot decompress the file",
        where=label,
        got=f"{what} that is damaged or incomplete",
        fix="Download or copy the file again.",
    )


def _zstandard() -> Any:
    """The library for Zstandard: a part of Python from 3.14, otherwise its backport."""
    for name in ("compression.zstd", "backports.zstd"):
        with suppress(ImportError):
            return import_module(name)
    raise ConfigError(
        "Reading .zst files needs backports.zstd, which is not installed",
        fix='Install it: pip install "gatecast[zstd]"',
    )
