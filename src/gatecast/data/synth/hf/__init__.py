"""Families of high frequency: daily, hourly and finer series, with a season and often a longer one."""

from __future__ import annotations

from collections.abc import Callable

from gatecast._utils.typing import FloatArray
from gatecast.data.synth.hf.unpredictable import random_walks
from gatecast.data.synth.hf.waves import modulated_waves

__all__ = ["HF_FAMILIES"]

HF_FAMILIES: dict[str, dict[str, tuple[float, Callable[..., FloatArray]]]] = {
    "waves": {"modulated waves": (0.08, modulated_waves)},
    "unpredictable": {"random walks": (0.03, random_walks)},
}
"""Groups, families and their shares."""
