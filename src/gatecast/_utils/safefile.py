"""A file of named arrays and settings: safetensors with a JSON header that has a schema version and a digest.

Reading executes nothing. Writing replaces a file in one step, so that a complete file is always there. Truncated,
altered and foreign files, and files of a newer schema, are refused.
"""

from __future__ import annotations

import hashlib
import json
import os
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from gatecast._utils.atomic import writing
from gatecast._utils.schema import SchemaError
from gatecast._utils.typing import Float32Array
from gatecast.errors import ConfigError, FormatError, GatecastError

__all__ = ["SCHEMA", "describing", "read", "write"]

SCHEMA = 1
"""Version of the layout. A change that older versions cannot read increases it by 1."""

MAX_DEPTH = 64
"""Objects and lists inside one another, at most."""

_KEY = "gatecast"
MAX_REASON = 300
"""Characters of what was found in a file that a message quotes, at most."""

_SAVE_AGAIN = "Save the model again; if you copied the file, copy it again."


def write(
    path: str | os.PathLike[str], kind: str, settings: Mapping[str, Any], arrays: Mapping[str, Float32Array]
) -> None:
    """Write arrays and settings to a file.

    Args:
        path: The file; an existing one is replaced.
        kind: What the file holds, such as "network"; `read` compares it.
        settings: Data for JSON; NumPy's numbers and arrays become those of Python.
        arrays: Arrays by name.

    Raises:
        ConfigError: The file cannot be written.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write(Path(folder) / "a", "example", {"size": 3}, {"W": np.zeros(3, np.float32)})
    ...     settings, arrays = read(Path(folder) / "a", "example")
    >>> settings, arrays["W"].tolist()
    ({'size': 3}, [0.0, 0.0, 0.0])
    """
    from safetensors.numpy import save

    target = Path(path)
    header = {"schema": SCHEMA, "kind": kind, "settings": json.loads(json.dumps(settings, default=_plain))}
    header["sha256"] = _digest(header, arrays)
    data = save({name: np.ascontiguousarray(array) for name, array in arrays.items()}, {_KEY: json.dumps(header)})
    with writing(target) as draft:
        draft.write_bytes(data)


def read(path: str | os.PathLike[str], kind: str) -> tuple[dict[str, Any], dict[str, Float32Array]]:
    """Read a file that `write` has written.

    Args:
        path: The file.
        kind: What it must hold.

    Returns:
        The settings, and the arrays by name.

    Raises:
        FormatError: A missing, truncated, altered or foreign file, or one of a newer schema.
    """
    from safetensors import SafetensorError, safe_open

    where = str(path)
    _check_file(Path(path))
    try:
        with safe_open(where, framework="np") as file:
            metadata = file.metadata() or {}
            arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a dict
    except (SafetensorError, OSError, TypeError, ValueError) as error:
        got = f"a file that is truncated or not in the safetensors format ({str(error)[:MAX_REASON]})"
        raise FormatError("Cannot read the file", where=where, got=got, fix=_SAVE_AGAIN) from error
    header = _parse_header(metadata, kind, where)
    if header.pop("sha256") != _digest(header, arrays):
        raise FormatError("The file has been altered since it was saved", where=where, fix=_SAVE_AGAIN)
    return header["settings"], arrays


@contextmanager
def describing(what: str, path: str | os.PathLike[str]) -> Iterator[None]:
    """Turn whatever goes wrong while something is made of a file into the error that the file does not describe it.

    Args:
        what: What the file should describe, such as "a network".
        path: The file.

    Raises:
        FormatError: In place of any other error; but a model that is not installed stays what it is.

    Example:
        >>> with describing("a network", "a.gatecast"):
        ...     [][0]
        Traceback (most recent call last):
        gatecast.errors.FormatError: The file does not describe a network (a.gatecast): got IndexError: list index ...
    """
    try:
        yield
    except Exception as error:
        # Models of other packages make themselves from files, and may fail in any way.
        if isinstance(error, ConfigError) and error.argument == "model":
            raise
        is_clear = isinstance(error, SchemaError | GatecastError)
        reason = str(error).rstrip(".") if is_clear else f"{type(error).__name__}: {error}"
        raise FormatError(
            f"The file does not describe {what}",
            where=str(path),
            got=reason[:MAX_REASON],
            fix=error.fix if isinstance(error, SchemaError) else "Save it again.",
        ) from error


def _check_file(path: Path) -> None:
    """Refuse what is no readable file: opening a pipe would wait for its other end, maybe for ever."""
    expected = "a file saved by gatecast"
    try:
        mode = path.stat().st_mode
    except OSError as error:
        reason = "a link to a file that does not exist" if os.path.islink(path) else ""
        what = "No such file" if isinstance(error, FileNotFoundError | NotADirectoryError) else "Cannot read the file"
        got = reason or ("" if what == "No such file" else error.strerror or str(error))
        raise FormatError(what, where=str(path), got=got, expected=expected) from None
    except ValueError as error:
        raise FormatError("No such file", where=str(path), got=str(error), expected=expected) from None
    if not stat.S_ISREG(mode):
        got = "a directory" if stat.S_ISDIR(mode) else "a pipe" if stat.S_ISFIFO(mode) else "a device"
        raise FormatError("Cannot read the file", where=str(path), got=got, expected=expected)
    if not os.access(path, os.R_OK):
        fix = f"Let yourself read it: chmod u+r {path.name}."
        raise FormatError("Cannot read the file", where=str(path), got="a file without read permission", fix=fix)


def _parse_header(metadata: Mapping[str, str], kind: str, where: str) -> dict[str, Any]:
    """Return the header of a file that this version can read."""
    expected = f"a file of kind {kind!r}, saved by gatecast"
    try:
        header = json.loads(metadata[_KEY])
        schema, stored_kind = header["schema"], header["kind"]
        if type(schema) is not int or schema < 1 or not isinstance(stored_kind, str) or _is_deep(header):
            raise ValueError
    except (KeyError, ValueError, TypeError, RecursionError):
        raise FormatError("The file was not saved by gatecast", where=where, expected=expected) from None
    if schema > SCHEMA:
        raise FormatError(
            "The file was saved by a newer version of gatecast",
            where=where,
            got=f"schema {schema}",
            expected=f"at most {SCHEMA}",
            fix="Update gatecast: pip install -U gatecast.",
        )
    if stored_kind != kind:
        raise FormatError("The file is of another kind", where=where, got=repr(stored_kind[:40]), expected=expected)
    if not (isinstance(header.get("settings"), dict) and isinstance(header.get("sha256"), str)):
        raise FormatError("The header of the file is incomplete", where=where, fix=_SAVE_AGAIN)
    return dict(header)


def _is_deep(value: Any) -> bool:
    """Return whether objects and lists stand more than `MAX_DEPTH` deep in one another."""
    level = [value]
    for _ in range(MAX_DEPTH):
        inner = [item.values() if isinstance(item, dict) else item for item in level if isinstance(item, dict | list)]
        level = [item for items in inner for item in items]
    return bool(level)


def _plain(value: Any) -> Any:
    """Return a number or an array of NumPy as JSON has it: people take sizes and horizons from arrays."""
    if isinstance(value, np.generic | np.ndarray):
        return value.tolist()
    raise TypeError(f"{type(value).__name__} is no data for JSON")


def _digest(header: Mapping[str, Any], arrays: Mapping[str, Float32Array]) -> str:
    """Return the SHA-256 digest of the rest of the file."""
    digest = hashlib.sha256(json.dumps(header, sort_keys=True).encode())
    for name in sorted(arrays):
        array = np.ascontiguousarray(arrays[name])
        digest.update(f"{name} {array.dtype.str} {array.shape}".encode())
        digest.update(array.data)
    return digest.hexdigest()
