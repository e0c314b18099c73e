"""Whether an error says that there is no more memory."""

from __future__ import annotations

import errno

__all__ = ["is_out_of_memory"]

OF_LOADER = ("failed to map segment", "cannot allocate memory")
"""What the loader of shared libraries says where it cannot have the memory of one: an ImportError."""


def is_out_of_memory(error: BaseException) -> bool:
    """Return whether an error says that there is no more memory.

    Example:
        >>> is_out_of_memory(ImportError("x.so: failed to map segment from shared object")), is_out_of_memory(OSError())
        (True, False)
    """
    if isinstance(error, OSError):
        return error.errno == errno.ENOMEM
    if isinstance(error, ImportError):
        return any(text in str(error).lower() for text in OF_LOADER)
    return isinstance(error, MemoryError)
