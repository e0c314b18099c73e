"""The server as a process: signals, graceful end."""

from __future__ import annotations

import contextlib
import signal
import socket
import sys
from collections.abc import Iterator
from types import FrameType
from typing import Any

import uvicorn

from gatecast.server.app import make_app
from gatecast.server.logs import set_up
from gatecast.server.settings import Settings

__all__ = ["serve"]

SWITCH_SECONDS = 0.0005
"""How long a thread may keep Python's lock while another waits: requests are read while a forecast is made."""

GRACE_SECONDS = 30
"""Seconds that requests have to end after a signal."""


class _Server(uvicorn.Server):
    """A server that ends in order at a signal, and does not raise the signal again."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Take the signals that end a process."""
        before = {number: signal.signal(number, self._stop) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Say where the server listens, when it does."""
        await super().startup(sockets)
        for server in self.servers if self.started else ():
            for each in server.sockets:
                host, port = each.getsockname()[:2]
                address = f"[{host}]" if ":" in host else host
                sys.stdout.write(f"gatecast serves at http://{address}:{port}\n")
                sys.stdout.flush()

    def _stop(self, number: int, frame: FrameType | None) -> None:
        """Stop: say so first, so that events end."""
        app: Any = self.config.app
        app.state.services.stop_accepting()
        self.handle_exit(number, frame)


def serve(settings: Settings, host: str, port: int) -> None:
    """Serve until a signal ends it.

    Args:
        settings: Of the server.
        host: Address to listen on.
        port: Port; 0 for any that is free.
    """
    set_up()
    sys.setswitchinterval(SWITCH_SECONDS)
    config = uvicorn.Config(
        make_app(settings),
        host=host,
        port=port,
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=GRACE_SECONDS,
        timeout_keep_alive=30,
        limit_concurrency=2000,
        h11_max_incomplete_event_size=65_536,
    )
    server = _Server(config)
    server.run()
    if not server.started:
        raise SystemExit(1)
