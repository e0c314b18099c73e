"""Small helpers of Keras for labels and for sequences of different lengths."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from gatecast.errors import ConfigError

__all__ = ["pad_sequences", "to_categorical"]


def to_categorical(x: npt.ArrayLike, num_classes: int | None = None) -> npt.NDArray[np.float32]:
    """Return numbers of classes as one-hot vectors.

    Args:
        x: Integers from 0; a last axis of length 1 is dropped.
        num_classes: Length of the vectors; None: the largest number plus 1.

    Raises:
        ConfigError: Numbers outside of the classes.

    >>> to_categorical([0, 2]).tolist()
    [[1.0, 0.0, 0.0], [0.0, 0.0, 1.0]]
    """
    labels = np.asarray(x).astype(np.int64)
    if labels.ndim > 1 and labels.shape[-1] == 1:
        labels = labels[..., 0]
    count = int(labels.max(initial=-1)) + 1 if num_classes is None else num_classes
    if labels.size and not 0 <= labels.min() <= labels.max() < count:
        got, expected = f"{labels.min()} to {labels.max()}", f"0 to {count - 1}"
        raise ConfigError("Invalid classes", where="to_categorical", got=got, expected=expected)
    return np.eye(count, dtype=np.float32)[labels]


def pad_sequences(
    sequences: Sequence[Any],
    maxlen: int | None = None,
    dtype: str = "int32",
    padding: str = "pre",
    truncating: str = "pre",
    value: float = 0.0,
) -> npt.NDArray[Any]:
    """Pad sequences to one length; tell `fit` which steps are padding with `mask=`.

    Args:
        sequences: (L, ...) arrays or lists of different lengths L.
        maxlen: Length of all; None: that of the longest.
        dtype: Type of the result.
        padding: "pre" or "post": where values are added.
        truncating: "pre" or "post": where values are cut off.
        value: The value that is added.

    Returns:
        (sequences, maxlen, ...).

    Raises:
        ConfigError: Another side than "pre" and "post".

    >>> pad_sequences([[1, 2, 3], [4]], padding="post").tolist()
    [[1, 2, 3], [4, 0, 0]]
    """
    for name, side in (("padding", padding), ("truncating", truncating)):
        if side not in ("pre", "post"):
            raise ConfigError(f"Invalid {name} {side!r}", expected='"pre" or "post"', argument=name)
    arrays = [np.asarray(sequence) for sequence in sequences]
    length = max((len(a) for a in arrays), default=0) if maxlen is None else maxlen
    inner = next((a.shape[1:] for a in arrays if len(a)), ())
    padded = np.full((len(arrays), length, *inner), value, dtype=dtype)
    for row, a in zip(padded, arrays, strict=True):
        part = (a[-length:] if truncating == "pre" else a[:length]) if length else a[:0]
        if len(part):
            row[slice(-len(part), None) if padding == "pre" else slice(0, len(part))] = part
    return padded
