"""Load of the HTTP server on this machine: latency, throughput, streams; and mixed load with kills of the worker.

usage: serve.py [--seconds 20] [--streams 5000] [--soak SECONDS] [--kill-every 60]

It starts `gatecast serve` on a free port of 127.0.0.1, sends a bounded number of requests, and stops it. Clients write
HTTP/1.1 to sockets that stay open: a client library would take as much of the processor as the server. Next to the
clock on the wall there is the time of the processor, of the server and of the clients, which says more where others use
the machine too. With --soak every answer is checked instead: forecasts against the first one, streams against a twin,
trainings until all that were accepted are done.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import httpx
import numpy as np

import gatecast as gc

CLIENTS = 64


class Server:
    """A server in a process of its own."""

    def __init__(self, store: Path) -> None:
        command = [sys.executable, "-m", "gatecast", "serve", "--store", str(store), "--port", "0"]
        self.process = subprocess.Popen(
            [*command, "--max-streams", "20000"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        self.address = self.process.stdout.readline().split()[-1]

    def megabytes(self) -> float:
        """Return the resident memory of the server."""
        with open(f"/proc/{self.process.pid}/statm") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6

    def processor(self) -> float:
        """Return the seconds of the processor that the server has used."""
        with open(f"/proc/{self.process.pid}/stat") as file:
            ticks = file.read().rpartition(")")[2].split()[11:13]
        return sum(map(int, ticks)) / os.sysconf("SC_CLK_TCK")

    def workers(self) -> list[int]:
        """Return its worker processes."""
        with open(f"/proc/{self.process.pid}/task/{self.process.pid}/children") as file:
            return [int(word) for word in file.read().split()]

    def stop(self) -> int:
        """End it in order."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(60)


def series() -> dict[str, list]:
    """The monthly passengers, 144 values."""
    table = gc.datasets.air_passengers(output="dict")
    return {"ds": table["ds"].astype("M8[D]").astype(str).tolist(), "y": np.asarray(table["y"], float).tolist()}


def show(name: str, seconds: list[float]) -> None:
    """Print the median and the 99th percentile."""
    p50, p99 = np.quantile(np.array(seconds) * 1e3, [0.5, 0.99])
    print(f"{name:<44} p50 {p50:8.1f} ms   p99 {p99:8.1f} ms   n {len(seconds):,}")


class Connection:
    """A connection that stays open, and sends one request after the other."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    @classmethod
    async def open(cls, server: Server) -> Connection:
        """Connect to a server."""
        host, _, port = server.address.removeprefix("http://").rpartition(":")
        return cls(*await asyncio.open_connection(host, int(port)))

    async def post(self, path: str, body: bytes) -> tuple[float, int, bytes]:
        """Return how long a request took, the status and the body of the answer."""
        began = time.perf_counter()
        head = f"POST {path} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n"
        self.writer.write(f"{head}content-length: {len(body)}\r\n\r\n".encode() + body)
        answer = (await self.reader.readuntil(b"\r\n\r\n")).lower()
        length = int(answer.split(b"content-length:")[1].split(b"\r\n")[0])
        content = await self.reader.readexactly(length)
        return time.perf_counter() - began, int(answer.split()[1]), content


def bodies() -> list[bytes]:
    """Return requests of different series at the same times."""
    table, rng = series(), np.random.default_rng(0)
    noisy = [(np.array(table["y"]) * rng.normal(1, 0.02, 144)).round(1).tolist() for _ in range(256)]
    return [json.dumps({"series": {**table, "y": y}, "h": 12}).encode() for y in noisy]


async def load(server: Server, seconds: float, n_streams: int) -> None:
    """Measure latency, throughput and the time of the processor."""
    requests, clients = bodies(), [await Connection.open(server) for _ in range(CLIENTS)]
    client = clients[0]
    show("one forecast, 144 points", [(await client.post("/v1/forecast", body))[0] for body in requests[:100]][5:])
    taken, errors, until = [], 0, time.perf_counter() + seconds

    async def ask(k: int) -> None:
        nonlocal errors
        while time.perf_counter() < until:
            duration, status, _ = await clients[k].post("/v1/forecast", requests[len(taken) % len(requests)])
            taken.append(duration)
            errors += status != 200

    began, processor, of_clients = time.perf_counter(), server.processor(), time.process_time()
    await asyncio.gather(*(ask(k) for k in range(CLIENTS)))
    show(f"the same, {CLIENTS} clients", taken)
    print(f"{'':<44} {len(taken) / (time.perf_counter() - began):,.0f} forecasts a second, {errors} errors")
    each = [1e3 * spent / len(taken) for spent in (server.processor() - processor, time.process_time() - of_clients)]
    print(f"{'':<44} processor: server {each[0]:.2f} ms, clients {each[1]:.2f} ms a forecast")
    before, names, left = server.megabytes(), [], iter(range(n_streams))

    async def begin(each: Connection) -> None:
        for _ in left:
            _, _, content = await each.post("/v1/streams", requests[0])
            names.append(json.loads(content)["id"])

    await asyncio.gather(*map(begin, clients))
    client = await Connection.open(server)
    print(f"{len(names):,} streams: {before:.0f} MB before, {server.megabytes():.0f} MB after")
    value = json.dumps({"value": 400.0}).encode()
    kinds = {"a step of a stream": names[-1:] * 400, "the same, of one that is a file alone": names[:100]}
    for name, chosen in kinds.items():
        processor = server.processor()
        steps = [(await client.post(f"/v1/streams/{each}/step", value))[0] for each in chosen]
        show(name, steps[5:])
        print(f"{'':<44} processor: server {1e3 * (server.processor() - processor) / len(steps):.2f} ms a step")


async def soak(server: Server, seconds: float, kill_every: float) -> int:
    """Return how many answers were wrong or lost, under mixed load while workers are killed."""
    table, until, faults, counts = series(), time.perf_counter() + seconds, [], {"forecast": 0, "step": 0, "job": 0}
    rng, followed, n_kills = random.Random(0), [], 0
    stream_values = [rng.uniform(300, 600) for _ in range(1_000_000)]
    limits = httpx.Limits(max_connections=40)
    async with httpx.AsyncClient(base_url=server.address, timeout=120, limits=limits) as client:
        body = {"series": table, "h": 12}
        expected = (await client.post("/v1/forecast", json=body)).json()

        async def forecasts() -> None:
            while time.perf_counter() < until:
                answer = await client.post("/v1/forecast", json=body)
                counts["forecast"] += 1
                if answer.status_code != 200 or answer.json() != expected:
                    faults.append(f"forecast: {answer.status_code} {answer.text[:200]}")
                await asyncio.sleep(0.02)

        async def steps() -> None:
            name = (await client.post("/v1/streams", json=body)).json()["id"]
            twin = (await client.post("/v1/streams", json=body)).json()["id"]
            for k, value in enumerate(stream_values, 1):
                if time.perf_counter() > until:
                    return
                sent = [{"value": value, "step": k}] * 2
                pair = [
                    await client.post(f"/v1/streams/{each}/step", json=json)
                    for each, json in zip((name, twin), sent, strict=True)
                ]
                counts["step"] += 2
                if any(each.status_code != 200 for each in pair) or pair[0].json() != pair[1].json():
                    faults.append(f"step {k}: {pair[0].text[:200]}")
                await asyncio.sleep(0.05)

        async def trainings() -> None:
            k = 0
            while time.perf_counter() < until:
                k += 1
                training = {"series": table, "h": 6, "model": "lstm", "max_steps": 100, "n_members": 1}
                answer = await client.post("/v1/models", json={**training, "name": f"m{k}"})
                if answer.status_code == 202:
                    # Followed from here on: of jobs that have ended the server remembers only the newest.
                    followed.append(asyncio.create_task(follow(answer.json()["id"])))
                await asyncio.sleep(5)

        async def follow(job: str) -> dict:
            state, deadline = {"status": "queued"}, time.perf_counter() + 600
            while state.get("status") in ("queued", "running") and time.perf_counter() < deadline:
                await asyncio.sleep(1)
                state = (await client.get(f"/v1/jobs/{job}")).json()
            return state

        async def kills() -> None:
            nonlocal n_kills
            while time.perf_counter() < until:
                await asyncio.sleep(kill_every)
                for worker in server.workers():
                    os.kill(worker, signal.SIGKILL)
                    n_kills += 1

        async def memory() -> None:
            while time.perf_counter() < until:
                await asyncio.sleep(max(seconds / 10, 1) if seconds < 300 else 60)
                print(f"{server.megabytes():.0f} MB, {counts}, {len(followed)} jobs, {n_kills} kills", flush=True)

        await asyncio.gather(forecasts(), forecasts(), steps(), steps(), trainings(), kills(), memory())
        answers = set()
        for state in await asyncio.gather(*followed):
            if state["status"] != "done":
                faults.append(f"job: {state}")
                continue
            counts["job"] += 1
            answers.add((await client.post(f"/v1/models/{state['name']}/forecast", json={})).text)
        if len(answers) > 1:
            faults.append(f"{len(answers)} different forecasts of equal trainings")
    print(f"{len(followed)} jobs accepted, {counts['job']} done, {n_kills} workers killed, {len(faults)} faults")
    print(f"{counts}, {server.megabytes():.0f} MB")
    print(*faults[:10], sep="\n")
    return len(faults)


def main() -> int:
    """Run what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--streams", type=int, default=5000)
    parser.add_argument("--soak", type=float, default=0)
    parser.add_argument("--kill-every", type=float, default=60)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        server = Server(Path(folder))
        try:
            if options.soak:
                return min(asyncio.run(soak(server, options.soak, options.kill_every)), 1)
            asyncio.run(load(server, options.seconds, options.streams))
            return 0
        finally:
            print(f"exit code of the server: {server.stop()}")


if __name__ == "__main__":
    sys.exit(main())
