"""The folder of a server: models, streams and jobs. Names are checked, so that none leaves it; files appear whole."""

from __future__ import annotations

import json
import os
import re
import secrets
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from gatecast._utils.atomic import replacing
from gatecast.errors import ConfigError
from gatecast.server.problems import ProblemError

try:
    import fcntl
except ImportError:  # no such locks there
    fcntl = None  # type: ignore[assignment]

__all__ = ["Store", "new_id", "read_json", "write_json"]

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
FOLDERS = ("models", "streams", "jobs")


def new_id() -> str:
    """Return an id that nobody guesses."""
    return secrets.token_hex(12)


def write_json(path: Path, value: Mapping[str, Any]) -> None:
    """Write an object to a file, whole or not at all, and force it to disk."""
    with replacing([path]) as (draft,):
        draft.write_text(json.dumps(value), encoding="utf-8")


def read_json(path: Path) -> dict[str, Any] | None:
    """Return the object of a file; None if there is none, or no object that can be read."""
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return value if isinstance(value, dict) else None


class Store:
    """Files of a server.

    Args:
        root: The folder; it is made if it is missing.

    Raises:
        ConfigError: It cannot be written to, or another server has it.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        try:
            for name in FOLDERS:
                (root / name).mkdir(parents=True, exist_ok=True)
            self._lock = os.open(root / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise ConfigError(
                "Cannot use the store", where=str(root), got=error.strerror or "", fix="Choose a folder to write to."
            ) from None
        if fcntl is not None:
            try:
                fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                os.close(self._lock)
                raise ConfigError(
                    "Another server uses the store", where=str(root), fix="Stop it, or choose another --store."
                ) from None

    def close(self) -> None:
        """Leave the folder to others."""
        with suppress(OSError):
            os.close(self._lock)

    @property
    def streams(self) -> Path:
        """Folder of streams."""
        return self.root / "streams"

    @property
    def jobs(self) -> Path:
        """Folder of jobs."""
        return self.root / "jobs"

    def model(self, name: str, *, must_exist: bool = True) -> Path:
        """Return the file of a model.

        Raises:
            ProblemError: An invalid name, or no such model.
        """
        if NAME.fullmatch(name) is None:
            raise ProblemError(
                422,
                "name",
                "Invalid name of a model",
                where="name",
                got=name[:100],
                expected="1 to 64 letters, digits, - and _, of which the first is a letter or a digit",
            )
        path = self.root / "models" / f"{name}.gatecast"
        if must_exist and not path.is_file():
            raise ProblemError(
                404, "not-found", "No such model", where=f"model {name}", fix="GET /v1/models lists the models."
            )
        return path

    def models(self) -> list[str]:
        """Return the names of the models."""
        return sorted(path.stem for path in (self.root / "models").glob("*.gatecast") if NAME.fullmatch(path.stem))

    def about(self, name: str) -> dict[str, Any]:
        """Return what is known of a model."""
        path = self.model(name)
        return {"name": name, **(read_json(path.with_suffix(".json")) or {}), "bytes": path.stat().st_size}

    def delete_model(self, name: str) -> None:
        """Delete a model.

        Raises:
            ProblemError: No such model.
        """
        path = self.model(name)
        path.unlink(missing_ok=True)
        path.with_suffix(".json").unlink(missing_ok=True)
