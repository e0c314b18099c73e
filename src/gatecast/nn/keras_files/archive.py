"""``.keras`` archives: three members of a zip file, read into memory and never unpacked."""

from __future__ import annotations

import json
import os
import zipfile
from typing import Any, NamedTuple

from gatecast._utils.schema import SchemaError

__all__ = ["Archive", "read_archive", "read_stored_weights"]

CONFIG, METADATA, WEIGHTS = "config.json", "metadata.json", "model.weights.h5"

LIMITS = {CONFIG: 2**26, METADATA: 2**16, WEIGHTS: 2**32}
"""Bytes of each member, at most."""

MAX_RATIO = 50
"""How much larger than its compressed bytes a member may be, beyond the first megabyte."""

MAX_MEMBERS = 1000
"""Members of an archive, at most."""


class Archive(NamedTuple):
    """What a ``.keras`` file holds."""

    config: dict[str, Any]
    """The description of the model."""
    version: str
    """The version of Keras."""
    weights: bytes
    """An HDF5 file."""


def read_archive(path: str | os.PathLike[str]) -> Archive:
    """Read a ``.keras`` file.

    Args:
        path: The file.

    Raises:
        SchemaError: Another archive, members that are too large, or names that lead out of it.
        zipfile.BadZipFile: A file that is truncated or altered.
    """
    with zipfile.ZipFile(path) as file:
        _check_members(file)
        config, metadata = (json.loads(_read(file, name)) for name in (CONFIG, METADATA))
        if not (isinstance(config, dict) and isinstance(metadata, dict)):
            raise SchemaError(f"{CONFIG} does not describe a model")
        return Archive(config, str(metadata.get("keras_version", "")), _read(file, WEIGHTS))


def read_stored_weights(path: str | os.PathLike[str]) -> bytes:
    """Return the HDF5 file with the weights of a ``.keras`` file; errors as `read_archive`."""
    with zipfile.ZipFile(path) as file:
        _check_members(file)
        return _read(file, WEIGHTS)


def _check_members(file: zipfile.ZipFile) -> None:
    """Refuse names that lead out of the archive, or that stand in it twice."""
    names = file.namelist()
    if len(names) > MAX_MEMBERS or len(set(names)) < len(names):
        raise SchemaError(f"the archive has {len(names)} members, expected at most {MAX_MEMBERS}, each once")
    for name in names:
        if name.startswith(("/", "\\")) or ".." in name.replace("\\", "/").split("/") or ":" in name:
            raise SchemaError(f"the archive has a member {name[:60]!r}, whose name leads out of it")


def _read(file: zipfile.ZipFile, name: str) -> bytes:
    """Return the bytes of a member, whose size is checked first."""
    try:
        info = file.getinfo(name)
    except KeyError:
        raise SchemaError(f"the archive has no {name}, as those of Keras 3 have") from None
    if info.file_size > LIMITS[name]:
        raise SchemaError(f"{name} has {info.file_size:,} bytes, expected at most {LIMITS[name]:,}")
    if info.file_size > 2**20 + MAX_RATIO * info.compress_size:
        raise SchemaError(f"{name} has {info.file_size:,} bytes in {info.compress_size:,} compressed ones")
    with file.open(info) as member:
        return member.read(info.file_size)
