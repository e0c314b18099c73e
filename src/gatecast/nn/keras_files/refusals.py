"""What is wrong with a file of Keras, as one error."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from gatecast._utils.schema import SchemaError
from gatecast.errors import FormatError, GatecastError

__all__ = ["refusing"]

MAX_REASON = 200
"""Characters of an unforeseen reason that a message quotes."""

_SAVE_AGAIN = "Save it again with Keras; if you copied the file, copy it again."


@contextmanager
def refusing(path: str | os.PathLike[str]) -> Iterator[None]:
    """Turn whatever goes wrong while a file of Keras is read into one error that names the file.

    Args:
        path: The file.

    Raises:
        FormatError: In place of any other error, with its facts and its way out.

    Example:
        >>> with refusing("a.keras"):
        ...     raise SchemaError("units is -1, expected 1 or more")
        Traceback (most recent call last):
        gatecast.errors.FormatError: The file cannot be used (a.keras): got units is -1, expected 1 or more. Save it ...
    """
    try:
        yield
    except FormatError:
        raise
    except GatecastError as error:
        where = f"{path}, {error.where}" if error.where else str(path)
        facts = {"got": error.got, "expected": error.expected, "fix": error.fix}
        raise FormatError(error.what, where=where, **facts) from error  # type: ignore[arg-type]
    except Exception as error:
        # HDF5 and zip files fail in any way when they are altered.
        reason = str(error) if isinstance(error, SchemaError) else f"{type(error).__name__}: {error}"
        what = "The file cannot be used"
        raise FormatError(what, where=str(path), got=reason[:MAX_REASON].rstrip("."), fix=_SAVE_AGAIN) from error
