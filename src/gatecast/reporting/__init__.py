"""Reports on a forecaster as one HTML page that works offline."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gatecast.reporting.html_report import report

__all__ = ["report"]


def __getattr__(name: str) -> object:
    """Import `report` when it is first used: text tables alone need none of it."""
    if name != "report":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from gatecast.reporting.html_report import report

    return report
