"""The HTTP server of forecasts: `gatecast serve`, and `make_app` for a server of your own. Needs the extra `serve`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gatecast.server.settings import Settings

if TYPE_CHECKING:
    from gatecast.server.app import make_app

__all__ = ["Settings", "make_app"]


def __getattr__(name: str) -> Any:
    """Load the endpoints when they are first used: a worker process has none."""
    if name == "make_app":
        from gatecast.server.app import make_app

        return make_app
    raise AttributeError(f"module 'gatecast.server' has no attribute {name!r}")
