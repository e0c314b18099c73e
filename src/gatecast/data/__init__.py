"""Read tables of any kind as panels of series on regular time grids."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gatecast.data.frequency import Freq
    from gatecast.data.holidays import holiday_columns
    from gatecast.data.panel import Panel
    from gatecast.data.reader import read

__all__ = ["Freq", "Panel", "holiday_columns", "read"]

_MODULES = {
    "Freq": "gatecast.data.frequency",
    "Panel": "gatecast.data.panel",
    "holiday_columns": "gatecast.data.holidays",
    "read": "gatecast.data.reader",
}


def __getattr__(name: str) -> object:
    """Import a public name on first use."""
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_MODULES[name]), name)


def __dir__() -> list[str]:
    """Return the public names."""
    return __all__
