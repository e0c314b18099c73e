"""A server in this process, driven through its ASGI interface; each test brings its coroutine to `drive`."""

from __future__ import annotations

import asyncio

import pytest

pytest.importorskip("fastapi")
httpx = pytest.importorskip("httpx")

from gatecast.server.app import make_app  # noqa: E402
from gatecast.server.settings import Settings  # noqa: E402


@pytest.fixture
def drive(tmp_path):
    """Run a coroutine with a client of a server, which starts before and stops after it."""

    def run(scenario, **settings):
        async def main():
            given = {"store": tmp_path / "store", **settings}
            app = make_app(Settings(**given))
            transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
            async with (
                app.router.lifespan_context(app),
                httpx.AsyncClient(transport=transport, base_url="http://server", timeout=60) as client,
            ):
                client.services = app.state.services
                return await scenario(client)

        return asyncio.run(main())

    return run
