"""Trainings over HTTP: done in a process, followed, cancelled, done again after a kill; what models then do."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import signal

import numpy as np
import pytest
from server_cases import SERIES

import gatecast as gc
from gatecast.server import jobs, logs
from gatecast.server.store import read_json

pytestmark = pytest.mark.slow

QUICK = {"name": "sales", "series": SERIES, "h": 3, "model": "lstm", "max_steps": 20, "n_members": 1}
LONG = {**QUICK, "max_steps": 100_000}


async def train(client, body=QUICK):
    answer = await client.post("/v1/models", json=body)
    assert answer.status_code == 202, answer.text
    return answer.json()["id"]


async def follow(client, job):
    """Return the states that the events tell."""
    lines = (await client.get(f"/v1/jobs/{job}/events")).text.splitlines()
    return [json.loads(line.removeprefix("data: ")) for line in lines if line.startswith("data: ")]


async def worker_of(client, job):
    """Wait for the worker of a job, and return its process id."""
    for _ in range(600):
        for name in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open(f"/proc/{name}/cmdline", "rb") as file:
                    words = file.read().split(b"\0")
            except OSError:
                continue
            if b"gatecast.server.worker" in words and words[-2].endswith(job.encode()):
                return int(name)
        await asyncio.sleep(0.05)
    raise AssertionError("no worker")


def test_trained_model_forecasts_explains_and_is_scored(drive):
    async def scenario(client):
        states = await follow(client, await train(client))
        url = "/v1/models/sales"
        about, listed = (await client.get(url)).json(), (await client.get("/v1/models")).json()["models"]
        forecast = (await client.post(f"{url}/forecast", json={"level": [90]})).json()["forecast"]
        backtest = await client.post(f"{url}/backtest", json={"n_windows": 1})
        explain = await client.post(f"{url}/explain", json={"step": 2})
        page = await client.post(f"{url}/report", json={"language": "zh"})
        other = await client.post(f"{url}/report", json={"language": "xx"})
        assert (page.status_code, '<html lang="zh-CN">' in page.text, other.status_code) == (200, True, 422)
        stream = await client.post("/v1/streams", json={"name": "sales"})
        again = await client.post("/v1/models", json=QUICK)
        path = client.services.store.model("sales")
        expected = gc.load(path).predict(level=90, output="dict")
        gone = [(await client.delete(url)).status_code, (await client.get(url)).status_code]
        return states, about, listed, forecast, backtest, explain, stream, again, expected, gone

    states, about, listed, forecast, backtest, explain, stream, again, expected, gone = drive(scenario)
    assert states[0]["status"] in ("queued", "running")
    assert states[-1]["status"] == "done"
    fractions = [state["progress"]["fraction"] for state in states if state["progress"]]
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1
    assert (about["h"], about["n_series"], [each["name"] for each in listed]) == (3, 1, ["sales"])
    assert forecast["LSTM-lo-90"] == expected["LSTM-lo-90"].tolist()
    assert {score["model"] for score in backtest.json()["scores"]} >= {"LSTM", "SeasonalNaive"}
    explained = explain.json()
    total = sum(explained["attributions"]["attribution"])
    np.testing.assert_allclose(total, explained["forecast"] - explained["baseline"], rtol=0.05)
    assert stream.status_code == 201
    assert again.status_code == 409
    assert gone == [204, 404]


def test_cancelled_training_ends_its_process_and_leaves_no_model(drive):
    async def scenario(client):
        job = await train(client, LONG)
        process = await worker_of(client, job)
        cancelled = (await client.delete(f"/v1/jobs/{job}")).json()["status"]
        again = (await client.delete(f"/v1/jobs/{job}")).status_code
        alive = os.path.exists(f"/proc/{process}")
        return cancelled, again, alive, (await client.get("/v1/models")).json()["models"]

    assert drive(scenario) == ("cancelled", 409, False, [])


def test_training_whose_worker_is_killed_is_done_all_the_same(drive):
    async def scenario(client):
        job = await train(client)
        os.kill(await worker_of(client, job), signal.SIGKILL)
        return (await follow(client, job))[-1]

    state = drive(scenario)
    assert (state["status"], state["attempts"]) == ("done", 2)


def test_training_that_always_ends_its_process_fails_in_the_end(drive, monkeypatch):
    monkeypatch.setattr(jobs, "MAX_ATTEMPTS", 2)

    async def scenario(client):
        return (await follow(client, await train(client)))[-1]

    async def nothing(*_):
        pass

    monkeypatch.setattr(jobs, "run_worker", nothing)
    state = drive(scenario)
    assert (state["status"], state["attempts"]) == ("failed", 2)
    assert state["problem"]["what"] == "The work ended its process"


def test_training_of_bad_data_fails_with_the_problem(drive):
    async def scenario(client):
        job = await train(client, {**QUICK, "series": {"ds": ["2020-01", "2020-01"], "y": [1, 2]}})
        return (await follow(client, job))[-1]

    state = drive(scenario)
    assert state["status"] == "failed"
    assert state["problem"]["status"] == 422
    assert state["problem"]["fix"]


def test_defect_of_a_worker_is_in_the_log(drive, monkeypatch, caplog):
    async def fail(folder, *_):
        jobs.write_json(folder / "error.json", {"status": 500, "kind": "defect", "what": "x", "traceback": "line 7"})

    monkeypatch.setattr(jobs, "run_worker", fail)

    async def scenario(client):
        return (await follow(client, await train(client)))[-1]

    with caplog.at_level(logging.INFO, logs.LOGGER.name):
        state = drive(scenario)
    assert (state["status"], state["problem"]["status"]) == ("failed", 500)
    assert "line 7" not in json.dumps(state)
    assert any(record.facts.get("traceback") == "line 7" for record in caplog.records if hasattr(record, "facts"))


def test_jobs_that_come_together_forget_the_oldest_once(drive, monkeypatch):
    monkeypatch.setattr(jobs, "run_worker", lambda *_: asyncio.sleep(3600))

    async def scenario(client):
        known = client.services.jobs
        for k in range(20):
            known.all[f"old{k}"] = jobs.Job(f"old{k}", f"old{k}", created=float(k), status="done")
        answers = await asyncio.gather(
            *(client.post("/v1/models", json={**QUICK, "name": f"new{k}"}) for k in range(4))
        )
        return [answer.status_code for answer in answers], sum(job.status == "done" for job in known.all.values())

    assert drive(scenario, max_jobs=5) == ([202] * 4, 5)


def test_training_beyond_its_time_fails(drive):
    async def scenario(client):
        return (await follow(client, await train(client, LONG)))[-1]

    state = drive(scenario, max_train_seconds=2.5)
    assert (state["status"], state["problem"]["what"]) == ("failed", "The work takes longer than it may")


def test_work_that_needs_too_much_memory_is_refused(drive):
    async def scenario(client):
        answer = await client.post("/v1/forecast", json={"series": {"y": [1.5] * 150_000}, "h": 3})
        return answer.status_code, answer.headers["content-type"]

    assert drive(scenario, max_memory=60_000_000) == (413, "application/problem+json")


def test_training_of_a_stopped_server_goes_on_in_the_next(drive, tmp_path):
    async def before(client):
        job = await train(client, {**QUICK, "max_steps": 60})
        await worker_of(client, job)
        return job

    job = drive(before)
    record = read_json(tmp_path / "store" / "jobs" / job / "record.json")
    assert record["status"] == "running"

    async def after(client):
        return (await follow(client, job))[-1]["status"]

    assert drive(after) == "done"
