"""The size of inputs of the pretrained networks has a limit, which is approached smoothly."""

from __future__ import annotations

import numpy as np

from gatecast._utils.typing import FloatArray

__all__ = ["SOFT_LIMIT", "soft_limit"]

SOFT_LIMIT = 10.0
"""Size, in units, that no input exceeds."""


def soft_limit(x: FloatArray) -> FloatArray:
    """Return ``x / (1 + |x| / SOFT_LIMIT)``: small inputs as they are, large ones within the limit.

    >>> soft_limit(np.array([0.1, 10.0, -1e6])).round(2).tolist()
    [0.1, 5.0, -10.0]
    """
    return x / (1 + np.abs(x) / SOFT_LIMIT)
