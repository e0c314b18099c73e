"""API keys: read from a file or the environment, compared in constant time, kept as digests alone."""

from __future__ import annotations

import hashlib
import hmac
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from gatecast.errors import ConfigError
from gatecast.server.problems import ProblemError

__all__ = ["ASSETS", "VARIABLE", "Keys", "read_keys"]

VARIABLE = "GATECAST_API_KEYS"
"""Environment variable with keys, separated by commas."""

MIN_LENGTH = 16
"""Characters of a key, at least."""

OPEN = ("/", "/healthz", "/readyz")
"""Paths that need no key: those who watch a server have none, and the page asks for it."""
ASSETS = "/page/"
"""Where the files of the page are, which need none either."""


def read_keys(path: str | None, environment: Mapping[str, str] = os.environ) -> tuple[str, ...]:
    """Return the keys of a file, one a line, and of the environment.

    Raises:
        ConfigError: A file that cannot be read, a key that is too short, or none where some were promised.

    >>> read_keys(None, {VARIABLE: "an-example-of-a-key"})
    ('an-example-of-a-key',)
    """
    keys = [key.strip() for key in environment.get(VARIABLE, "").split(",")]
    if path is not None:
        try:
            lines = Path(path).read_text(encoding="utf-8").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            reason = getattr(error, "strerror", None) or "no UTF-8"
            raise ConfigError("Cannot read the file of API keys", where=path, got=reason) from None
        keys += [line.strip() for line in lines if not line.lstrip().startswith("#")]
    keys = [key for key in keys if key]
    if path is not None and not keys:
        raise ConfigError("The file of API keys has none", where=path, fix="Write one key a line.")
    for number, key in enumerate(keys, 1):
        if len(key) < MIN_LENGTH or not key.isascii():
            raise ConfigError(
                "An API key can be guessed",
                where=f"key {number}",
                got=f"{len(key)} characters",
                expected=f"at least {MIN_LENGTH} ASCII characters",
                fix="Make one with: python -c 'import secrets; print(secrets.token_urlsafe(32))'",
            )
    return tuple(keys)


class Keys:
    """Checks requests for a key.

    >>> keys = Keys(["an-example-of-a-key"])
    >>> keys.check("/v1/models", {b"authorization": b"Bearer an-example-of-a-key"})
    >>> keys.check("/healthz", {})
    """

    def __init__(self, keys: Sequence[str]) -> None:
        self._digests = [hashlib.sha256(key.encode()).digest() for key in keys]

    def check(self, path: str, headers: Mapping[bytes, bytes]) -> None:
        """Refuse a request without a valid key.

        Raises:
            ProblemError: No key, or another one.
        """
        if not self._digests or path in OPEN or path.startswith(ASSETS):
            return
        scheme, _, bearer = headers.get(b"authorization", b"").partition(b" ")
        given = headers.get(b"x-api-key") or (bearer.strip() if scheme.lower() == b"bearer" else b"")
        digest = hashlib.sha256(given).digest()
        # All are compared, so that the time does not tell which one was near.
        known = [hmac.compare_digest(digest, each) for each in self._digests]
        if not any(known):
            raise ProblemError(
                401,
                "key",
                "No valid API key" if given else "No API key",
                where="header Authorization",
                expected="Authorization: Bearer KEY, or X-API-Key: KEY",
                fix="Send a key that the server was started with.",
                headers={"WWW-Authenticate": "Bearer"},
            )
