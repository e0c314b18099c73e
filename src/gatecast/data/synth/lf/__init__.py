"""Families of low frequency: yearly, quarterly, monthly and weekly series."""

from __future__ import annotations

from collections.abc import Callable

from gatecast._utils.typing import FloatArray
from gatecast.data.synth.lf.innovations import exponential_smoothing, local_global_trend

__all__ = ["LF_FAMILIES"]

LF_FAMILIES: dict[str, dict[str, tuple[float, Callable[..., FloatArray]]]] = {
    "innovations": {
        "exponential smoothing": (0.18, exponential_smoothing),
        "local and global trend": (0.07, local_global_trend),
    },
}
"""Groups, families and their shares."""
