"""How the kernels run: threads, instruction-set level, memory that is held for reuse.

Two environment variables are read at import: GATECAST_THREADS (default: the processors that this process may use) and
GATECAST_ISA (default: the highest instruction-set level of this machine).
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from gatecast.errors import ConfigError
from gatecast.kernels import _native
from gatecast.kernels.packing import LANES

__all__ = [
    "available_isas",
    "get_num_threads",
    "isa",
    "release_memory",
    "set_isa",
    "set_num_threads",
    "sharing_threads",
]


def get_num_threads() -> int:
    """Number of threads that the kernels may use.

    >>> get_num_threads() >= 1
    True
    """
    return _native.num_threads()


def set_num_threads(n: int) -> None:
    """Let the kernels use `n` threads. Results do not depend on it, to the bit.

    Raises:
        ConfigError: n is not in 1..256.

    >>> before = get_num_threads()
    >>> set_num_threads(1)
    >>> set_num_threads(before)
    """
    if isinstance(n, bool) or not isinstance(n, int) or not 1 <= n <= 256:
        raise ConfigError("Impossible number of threads", got=repr(n), expected="a whole number from 1 to 256")
    _native.set_num_threads(n)


@contextmanager
def sharing_threads() -> Iterator[None]:
    """Let computations that run at the same time, each in a thread and a block of its own, share the threads.

    With as many of them as there are threads, each computes on one; a last one has all of them again. Results do not
    depend on it, to the bit.

    >>> import numpy as np
    >>> from gatecast.kernels import native
    >>> with sharing_threads():
    ...     x = native.dropout(np.ones((1, 1, 1, 16), np.float32), 0.0, key=1)
    """
    _native.share_threads(1)
    try:
        yield
    finally:
        _native.share_threads(-1)


def release_memory() -> None:
    """The end of a run: memory that is held for reuse beyond 256 MB goes back to the system.

    >>> release_memory()
    """
    _native.release_memory()


def available_isas() -> list[str]:
    """Instruction-set levels that this machine can run, lowest first.

    >>> isa() in available_isas()
    True
    """
    return _native.available_isas()


def isa() -> str:
    """The instruction-set level in use."""
    return _native.isa()


def set_isa(name: str) -> None:
    """Use the kernels of another instruction-set level: for tests and measurements.

    Raises:
        ConfigError: This machine has no such level.

    >>> set_isa(isa())
    """
    if not _native.set_isa(name):
        raise ConfigError("Unknown instruction-set level", got=repr(name), expected=f"one of {available_isas()}")


def _from_environment() -> None:
    """Set threads and instruction-set level as the environment says."""
    if _native.LANES != LANES:
        raise ImportError("the compiled part of gatecast belongs to another version: reinstall gatecast")
    text = os.environ.get("GATECAST_THREADS", "").strip()
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    if text and not (text.isdecimal() and 1 <= int(text) <= 256):
        raise ConfigError(
            "Impossible number of threads",
            where="environment variable GATECAST_THREADS",
            got=repr(text),
            expected="a whole number from 1 to 256",
        )
    set_num_threads(int(text) if text else min(usable, 256))
    if level := os.environ.get("GATECAST_ISA", "").strip():
        set_isa(level)


_from_environment()
