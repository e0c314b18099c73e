"""A headless browser, and a real server whose page it opens."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture(scope="module")
def chromium():
    """Return a headless browser."""
    path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if path is None:
        pytest.skip("Chromium is not installed")
    sync_api = pytest.importorskip("playwright.sync_api")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        browser.close()


class Server:
    """A process of `gatecast serve` that can be killed and started again at the same address."""

    def __init__(self, folder: Path, **environment: str):
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        self.url, self.store = f"http://127.0.0.1:{self.port}/", folder / "store"
        self._log, self._environment = folder / "log", environment
        self.start()

    def start(self):
        """Start the server, and wait until it listens."""
        command = [sys.executable, "-m", "gatecast", "serve", "--store", self.store, "--port", self.port]
        with self._log.open("ab") as log:
            self.process = subprocess.Popen(
                [*map(str, command)],
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                env={**os.environ, **self._environment},
            )
        assert self.url.rstrip("/") in self.process.stdout.readline(), self._log.read_text()

    def stop(self, number=signal.SIGTERM):
        """End the server by a signal."""
        if self.process.poll() is None:
            self.process.send_signal(number)
            self.process.wait(60)
        self.process.stdout.close()


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """A server for all tests of a module."""
    server = Server(tmp_path_factory.mktemp("server"))
    yield server
    server.stop()


@pytest.fixture
def own_server(tmp_path):
    """Start a server of this test alone."""
    servers = []

    def start(**environment):
        servers.append(Server(tmp_path, **environment))
        return servers[-1]

    yield start
    for each in servers:
        each.stop(signal.SIGKILL)
