"""HDF5 files, by the library h5py: attributes and arrays that lie in the file itself, as Keras writes them.

Links to other places and files, filters and arrays that take less room than they claim are refused: nothing outside of
the file is opened, and a small file stays small in memory.
"""

from __future__ import annotations

import io
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from gatecast._utils.schema import SchemaError
from gatecast._utils.typing import Float32Array
from gatecast.errors import ConfigError
from gatecast.nn.keras_files.heaps import check_heaps

__all__ = ["Hdf5File", "open_hdf5", "require_h5py"]

MAX_FILE = 2**32
"""Bytes of a file, at most."""

MAX_ATTRIBUTE = 2**26
"""Bytes of an attribute, at most."""

MAX_PARTS = 10_000
"""Parts that a long list of names is split into, at most."""


def require_h5py() -> Any:
    """Return the library h5py.

    Raises:
        ConfigError: It is not installed.
    """
    try:
        import h5py  # type: ignore[import-untyped,import-not-found,unused-ignore]
    except ImportError:
        what = "Files of Keras need the library h5py, which is not installed"
        raise ConfigError(what, fix="Install it: pip install 'gatecast[keras]'") from None
    return h5py


@contextmanager
def open_hdf5(source: str | os.PathLike[str] | bytes) -> Iterator[Hdf5File]:
    """Open an HDF5 file to read.

    Args:
        source: The file, or its bytes.

    Raises:
        ConfigError: h5py is not installed.
        OSError: It is no HDF5 file.
        SchemaError: It is too large, or its texts have been altered.
    """
    h5py = require_h5py()
    # In memory it cannot change between the check and the reading.
    data = source if isinstance(source, bytes) else _read(source)
    check_heaps(data)
    with h5py.File(io.BytesIO(data), "r") as file:
        yield Hdf5File(h5py, file, len(data))


def _read(path: str | os.PathLike[str]) -> bytes:
    """Return the bytes of a file that is not too large."""
    size = os.stat(path).st_size
    if size > MAX_FILE:
        raise SchemaError(f"the file has {size:,} bytes, expected at most {MAX_FILE:,}")
    return Path(path).read_bytes()


class Hdf5File:
    """An open file. Groups are objects of h5py that only the methods look into.

    Args:
        h5py: The library.
        root: The file.
        size: Its size in bytes: more than that is never read.
    """

    def __init__(self, h5py: Any, root: Any, size: int) -> None:
        self._h5py, self.root, self.size, self._left = h5py, root, size, size

    def child(self, group: Any, path: str) -> Any:
        """Return a group or an array inside of a group; None if there is none.

        Args:
            group: The group.
            path: Names with slashes.

        Raises:
            SchemaError: A link to another place or file.
        """
        for name in filter(None, path.split("/")):
            links = group.id.links if isinstance(group, self._h5py.Group) else None
            if links is None or name in (".", "..") or not links.exists(name.encode()):
                return None
            if links.get_info(name.encode()).type != self._h5py.h5l.TYPE_HARD:
                raise SchemaError(f"{name[:60]!r} is a link to another place, expected the data itself")
            group = group[name]
        return group

    def names(self, group: Any) -> list[str]:
        """Return the names inside of a group."""
        return [str(name) for name in group] if isinstance(group, self._h5py.Group) else []

    def array(self, group: Any, path: str) -> Float32Array:
        """Return an array of numbers as float32.

        Raises:
            SchemaError: No such array, other values, or one that is stored in another way than Keras stores it.
        """
        item = self.child(group, path)
        if not isinstance(item, self._h5py.Dataset):
            raise SchemaError(f"the array {path[-60:]!r} is missing")
        if item.dtype.kind not in "fiu" or item.dtype.itemsize > 8:
            raise SchemaError(f"the array {path[-60:]!r} holds {item.dtype}, expected numbers")
        plist = item.id.get_create_plist()
        plain = plist.get_layout() in (self._h5py.h5d.CONTIGUOUS, self._h5py.h5d.COMPACT)
        if not plain or plist.get_external_count() or item.id.get_storage_size() < item.nbytes:
            raise SchemaError(f"the array {path[-60:]!r} is compressed or not in the file, expected plain numbers")
        self._left -= item.nbytes
        if self._left < 0:
            raise SchemaError(f"the array {path[-60:]!r} of shape {item.shape} is larger than the file")
        with np.errstate(over="ignore"):
            return np.asarray(item[()]).astype(np.float32)

    def text(self, group: Any, name: str) -> str | None:
        """Return an attribute that is text; None if there is none."""
        value = self._attribute(group, name)
        return None if value is None else _as_text(value)

    def data(self, name: str) -> Any:
        """Return an attribute of the file that is JSON; None if there is none."""
        text = self.text(self.root, name)
        return None if text is None else json.loads(text)

    def texts(self, group: Any, name: str) -> list[str] | None:
        """Return an attribute that is a list of names, which Keras splits if it is long; None if there is none."""
        value = self._attribute(group, name)
        if value is not None:
            return [_as_text(item) for item in np.ravel(value)]
        parts: list[str] = []
        for k in range(MAX_PARTS):
            part = self._attribute(group, f"{name}{k}")
            if part is None:
                break
            parts += [_as_text(item) for item in np.ravel(part)]
        return parts or None

    def _attribute(self, group: Any, name: str) -> Any:
        """Return an attribute that is not too large."""
        if name not in group.attrs:
            return None
        attribute = group.attrs.get_id(name)
        size = prod(attribute.shape or ()) * attribute.dtype.itemsize
        if size > min(MAX_ATTRIBUTE, self.size):
            raise SchemaError(f"the attribute {name!r} has {size:,} bytes, expected at most {MAX_ATTRIBUTE:,}")
        return group.attrs[name]


def _as_text(value: Any) -> str:
    """Return bytes or text as text."""
    if isinstance(value, bytes):
        return value.decode()
    if not isinstance(value, str):
        raise SchemaError(f"an attribute holds {type(value).__name__}, expected text")
    return str(value)
