"""The real server as a process: used, stopped in the middle of accepted work, killed, and started again."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time

import pytest
from server_cases import SERIES

pytest.importorskip("fastapi")
httpx = pytest.importorskip("httpx")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX"),
]

KEY = "an-example-of-a-long-key"
TRAINING = {"series": SERIES, "h": 3, "model": "lstm", "max_steps": 150, "n_members": 1}
VALUES = [171.5, 180.25, None, 500.0, 215.0]


class Server:
    """A process of `gatecast serve` on a port that is free."""

    def __init__(self, store, tmp_path):
        keys = tmp_path / "keys"
        keys.write_text(KEY + "\n")
        self.log = (tmp_path / "log").open("ab")
        ports = tmp_path / "port"
        ports.unlink(missing_ok=True)
        command = [sys.executable, "-m", "gatecast", "serve", "--store", store, "--port", "0", "--api-key-file", keys]
        self.process = subprocess.Popen([*map(str, command)], stdout=subprocess.PIPE, stderr=self.log, text=True)
        address = self.process.stdout.readline().split()[-1]
        self.client = httpx.Client(base_url=address, headers={"authorization": f"Bearer {KEY}"}, timeout=60)

    def end(self, number):
        """Send a signal, and return the exit code."""
        self.process.send_signal(number)
        return self.wait()

    def wait(self):
        """Wait for the end, and return the exit code."""
        try:
            return self.process.wait(60)
        finally:
            self.client.close()
            self.process.stdout.close()
            self.log.close()


@pytest.fixture
def start(tmp_path):
    """Start servers of one store; they are ended after the test."""
    servers = []

    def run():
        servers.append(Server(tmp_path / "store", tmp_path))
        return servers[-1]

    yield run
    for server in servers:
        if server.process.poll() is None:
            server.end(signal.SIGKILL)


def wait_for(client, job):
    """Return a job when it has ended."""
    for _ in range(1200):
        state = client.get(f"/v1/jobs/{job}").json()
        if state["status"] not in ("queued", "running"):
            return state
        time.sleep(0.05)
    raise AssertionError(state)


def test_stopped_and_killed_server_loses_no_accepted_work(start, tmp_path):
    server = start()
    client = server.client
    assert client.get("/readyz").json() == {"status": "ready"}
    accepted = [client.post("/v1/models", json={**TRAINING, "name": name}).json()["id"] for name in ("a", "b")]
    stream = client.post("/v1/streams", json={"series": SERIES, "h": 3}).json()["id"]
    twin = client.post("/v1/streams", json={"series": SERIES, "h": 3}).json()["id"]
    expected = [client.post(f"/v1/streams/{twin}/step", json={"value": value}).json() for value in VALUES]
    steps = [client.post(f"/v1/streams/{stream}/step", json={"value": value}).json() for value in VALUES[:2]]

    # Forecasts that are under way when SIGTERM comes are answered.
    codes = []
    body = {"series": SERIES, "h": 6, "intervals": "measured"}

    sent = threading.Semaphore(0)

    def trace(event, info):
        if event == "http11.send_request_body.complete":
            sent.release()

    def ask():
        with httpx.Client(base_url=client.base_url, headers=client.headers, timeout=60) as own:
            codes.append(own.post("/v1/forecast", json=body, extensions={"trace": trace}).status_code)

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for _ in threads:
        assert sent.acquire(timeout=60)
    time.sleep(0.2)
    assert server.end(signal.SIGTERM) == 0
    for thread in threads:
        thread.join()
    assert codes == [200] * 8

    server = start()
    steps.append(server.client.post(f"/v1/streams/{stream}/step", json={"value": VALUES[2]}).json())
    steps.append(server.client.post(f"/v1/streams/{stream}/step", json={"value": VALUES[3]}).json())
    server.end(signal.SIGKILL)

    server = start()
    # An answer that was lost on the way may be asked for again.
    again = server.client.post(f"/v1/streams/{stream}/step", json={"value": VALUES[3], "step": 4}).json()
    assert again == steps[-1]
    steps.append(server.client.post(f"/v1/streams/{stream}/step", json={"value": VALUES[4]}).json())
    assert steps == expected
    assert [wait_for(server.client, job)["status"] for job in accepted] == ["done", "done"]
    forecasts = [server.client.post(f"/v1/models/{name}/forecast", json={}).json() for name in ("a", "b")]
    assert forecasts[0]["forecast"] == forecasts[1]["forecast"]
    assert server.end(signal.SIGTERM) == 0
    log = (tmp_path / "log").read_text()
    assert "Traceback" not in log
    assert KEY not in log


def test_worker_ends_with_a_server_that_is_killed(start):
    server = start()
    body = {**TRAINING, "name": "a", "max_steps": 100_000}
    job = server.client.post("/v1/models", json=body).json()["id"]
    while server.client.get(f"/v1/jobs/{job}").json()["progress"] == {}:
        time.sleep(0.05)
    children = f"/proc/{server.process.pid}/task/{server.process.pid}/children"
    if not os.path.exists(children):
        pytest.skip("no list of children here")
    with open(children) as file:
        workers = file.read().split()
    server.end(signal.SIGKILL)
    for _ in range(200):
        if not any(os.path.exists(f"/proc/{worker}/fd/0") for worker in workers):
            return
        time.sleep(0.05)
    raise AssertionError("a worker outlives its server")


def test_events_end_when_the_server_stops(start, tmp_path):
    server = start()
    body = {**TRAINING, "name": "a", "max_steps": 100_000}
    job = server.client.post("/v1/models", json=body).json()["id"]
    with server.client.stream("GET", f"/v1/jobs/{job}/events") as events:
        lines = events.iter_lines()
        while "running" not in next(lines):
            pass
        server.process.send_signal(signal.SIGTERM)
        # The events end by themselves: the server would break them off after its grace, with an error in the log.
        for _ in lines:
            pass
    assert server.wait() == 0
    assert "Cancel" not in (tmp_path / "log").read_text()
