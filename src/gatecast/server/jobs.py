"""Jobs: accepted work that is on disk before it is confirmed, and is done even if a worker or the server is killed."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import sys
import time
from asyncio.subprocess import DEVNULL, PIPE
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gatecast.server.logs import log
from gatecast.server.metrics import Metrics
from gatecast.server.problems import ProblemError, describe
from gatecast.server.settings import Settings
from gatecast.server.store import Store, new_id, read_json, write_json
from gatecast.server.tables import Body
from gatecast.server.worker import MODEL

__all__ = ["Job", "Jobs", "Work", "compute_apart", "run_worker"]

MAX_ATTEMPTS = 20
"""Times that a job is begun, at most: one that ends its process each time would never be done."""
OPEN = ("queued", "running")
LIMITS = ("max_rows", "max_columns", "max_horizon", "max_memory")


@dataclass(frozen=True)
class Work:
    """What a worker is to do.

    Args:
        op: One of `worker.FORMS`.
        body: What the request brought.
        model: File of a stored model, if it takes one.
    """

    op: str
    body: Body
    model: str | None = None

    def write(self, folder: Path, settings: Settings) -> None:
        """Write the files that a worker reads; job.json is the last one."""
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "body").write_bytes(self.body.data)
        with (folder / "body").open("rb") as file:
            os.fsync(file.fileno())
        limits = {name: getattr(settings, name) for name in LIMITS}
        job = {"op": self.op, "kind": self.body.kind, "fields": self.body.fields, "model": self.model}
        write_json(folder / "job.json", {**job, "settings": limits})


@dataclass
class Job:
    """A training.

    Args:
        id: Its id.
        name: Of the model.
        status: "queued", "running", "done", "failed" or "cancelled".
        created: When it was accepted, in seconds since 1970.
        attempts: Times that it was begun.
        progress: Stage, fraction and loss.
        problem: What went wrong.
    """

    id: str
    name: str
    status: str = "queued"
    created: float = 0.0
    attempts: int = 0
    progress: dict[str, Any] = field(default_factory=dict)
    problem: dict[str, Any] | None = None

    def describe(self) -> dict[str, Any]:
        """Return what callers see of it."""
        links = {"self": f"/v1/jobs/{self.id}", "events": f"/v1/jobs/{self.id}/events"}
        if self.status == "done":
            links["model"] = f"/v1/models/{self.name}"
        return {**self.record(), "progress": self.progress, "links": links}

    def record(self) -> dict[str, Any]:
        """Return what is kept on disk."""
        names = ("id", "name", "status", "created", "attempts", "problem")
        return {name: getattr(self, name) for name in names}


class Jobs:
    """Trainings that wait, run, or are done."""

    def __init__(self, store: Store, settings: Settings, metrics: Metrics) -> None:
        self._store, self._settings, self._metrics = store, settings, metrics
        self.all: dict[str, Job] = {}
        self._queue: asyncio.Queue[str] = asyncio.Queue()
        self._changed = asyncio.Condition()
        self._running: dict[str, asyncio.Task[None]] = {}
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Read the jobs of an earlier server, and begin to work."""
        records = [read_json(path) for path in self._store.jobs.glob("*/record.json")]
        for record in sorted((each for each in records if each), key=lambda each: float(each["created"])):
            job = Job(**record)
            self.all[job.id] = job
            if job.status in OPEN:
                job.status = "queued"
                self._queue.put_nowait(job.id)
        self._tasks = [asyncio.create_task(self._work()) for _ in range(self._settings.workers)]

    async def stop(self) -> None:
        """End the workers; what they were at waits on disk for the next server."""
        for task in (*self._tasks, *self._running.values()):
            task.cancel()
        await asyncio.gather(*self._tasks, *self._running.values(), return_exceptions=True)

    @property
    def n_open(self) -> int:
        """Jobs that wait or run."""
        return sum(job.status in OPEN for job in self.all.values())

    def get(self, job_id: str) -> Job:
        """Return a job.

        Raises:
            ProblemError: No such job.
        """
        if job_id not in self.all:
            raise ProblemError(404, "not-found", "No such job", where="job", fix="GET /v1/jobs lists the jobs.")
        return self.all[job_id]

    async def submit(self, name: str, work: Work) -> Job:
        """Accept a training: it is on disk when this returns.

        Raises:
            ProblemError: Too many jobs, or one of the same name.
        """
        if self.n_open >= self._settings.max_jobs:
            raise ProblemError(
                429,
                "busy",
                "Too many trainings wait",
                expected=f"at most {self._settings.max_jobs:,}",
                fix="Try again when one is done.",
                headers={"Retry-After": "60"},
            )
        is_trained = any(job.name == name and job.status in OPEN for job in self.all.values())
        if is_trained or self._store.model(name, must_exist=False).exists():
            raise ProblemError(
                409,
                "exists",
                "There is a model of this name",
                where="name",
                got=name,
                fix=f"DELETE /v1/models/{name} first, or choose another name.",
            )
        job = Job(new_id(), name, created=time.time())
        # Before anything is waited for: a second request of the same name finds it.
        self.all[job.id] = job
        folder = self._store.jobs / job.id
        try:
            await asyncio.to_thread(self._accept, job, folder, work)
        except BaseException:
            del self.all[job.id]
            shutil.rmtree(folder, ignore_errors=True)
            raise
        self._queue.put_nowait(job.id)
        await self._forget_oldest()
        return job

    async def _forget_oldest(self) -> None:
        """Delete the oldest of the jobs that have ended, if there are too many."""
        ended = [job.id for job in self.all.values() if job.status not in OPEN]
        oldest = ended[: max(len(ended) - self._settings.max_jobs, 0)]
        # Before anything is waited for: another request counts what is left.
        for job_id in oldest:
            del self.all[job_id]
        for job_id in oldest:
            await asyncio.to_thread(shutil.rmtree, self._store.jobs / job_id, True)

    def _accept(self, job: Job, folder: Path, work: Work) -> None:
        """Write a job; its record is the last file."""
        work.write(folder, self._settings)
        write_json(folder / "record.json", job.record())

    async def cancel(self, job_id: str) -> Job:
        """Cancel a job that waits or runs; its worker ends at once.

        Raises:
            ProblemError: No such job, or one that has ended.
        """
        job = self.get(job_id)
        if job.status not in OPEN:
            raise ProblemError(409, "ended", "The job has ended", where="job", got=job.status)
        task = self._running.get(job.id)
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        await self._end(job, "cancelled")
        return job

    async def changes(self, timeout: float) -> None:
        """Wait until something changes in any job, or for some seconds."""
        with suppress(asyncio.TimeoutError):
            async with self._changed:
                await asyncio.wait_for(self._changed.wait(), timeout)

    async def notify(self) -> None:
        """Wake those who wait for changes."""
        async with self._changed:
            self._changed.notify_all()

    async def _work(self) -> None:
        """Do jobs, one after another."""
        while True:
            job = self.all.get(await self._queue.get())
            if job is None or job.status not in OPEN:
                continue
            task = self._running[job.id] = asyncio.create_task(self._do(job))
            try:
                await asyncio.wait([task])
                if not task.cancelled() and (error := task.exception()) is not None:
                    log("job failed", error=error, job=job.id)
                    await self._end(job, "failed", describe(ProblemError(500, "defect", "The server has a defect")))
            finally:
                self._running.pop(job.id, None)

    async def _do(self, job: Job) -> None:
        """Do a job: as often as its worker is killed it is begun again."""
        folder = self._store.jobs / job.id
        while True:
            if not (folder / "result.json").exists() and not (folder / "error.json").exists():
                job.attempts, job.status = job.attempts + 1, "running"
                await asyncio.to_thread(write_json, folder / "record.json", job.record())
                await self.notify()

                async def on_progress(progress: dict[str, Any]) -> None:
                    job.progress = progress
                    await self.notify()

                try:
                    await run_worker(folder, self._settings.max_train_seconds, on_progress)
                except ProblemError as problem:
                    await self._end(job, "failed", describe(problem))
                    return
            if (folder / "error.json").exists():
                await self._end(job, "failed", describe(_read_problem(folder)))
                return
            if (folder / "result.json").exists():
                await self._take_model(job, folder)
                return
            self._metrics.count("gatecast_worker_exits_total")
            log("worker ended early", job=job.id, attempt=job.attempts)
            if job.attempts >= MAX_ATTEMPTS:
                await self._end(job, "failed", describe(_killed(job.attempts)))
                return
            await asyncio.sleep(min(0.1 * 2**job.attempts, 5.0))

    async def _take_model(self, job: Job, folder: Path) -> None:
        """Give the model its name; done twice, it is the same."""
        target = self._store.model(job.name, must_exist=False)
        result = read_json(folder / "result.json") or {}

        def take() -> None:
            write_json(target.with_suffix(".json"), {**result, "created": time.time(), "job": job.id})
            if (folder / MODEL).exists():
                os.replace(folder / MODEL, target)

        await asyncio.to_thread(take)
        job.progress = {"stage": "done", "fraction": 1.0, "loss": None}
        await self._end(job, "done")

    async def _end(self, job: Job, status: str, problem: dict[str, Any] | None = None) -> None:
        """Record how a job ended."""
        job.status, job.problem = status, problem
        folder = self._store.jobs / job.id
        await asyncio.to_thread(write_json, folder / "record.json", job.record())
        for name in ("body", "result.json", MODEL):
            (folder / name).unlink(missing_ok=True)
        self._metrics.count("gatecast_jobs_total", kind="train", end=status)
        log("job ended", job=job.id, status=status, attempts=job.attempts)
        await self.notify()


def _killed(attempts: int) -> ProblemError:
    """Return the problem of work whose process was ended again and again."""
    return ProblemError(
        413,
        "too-large",
        "The work ended its process",
        got=f"{attempts} attempts" if attempts > 1 else "no result",
        fix="Send fewer rows, or start the server with a larger --max-memory.",
    )


def _read_problem(folder: Path) -> ProblemError:
    """Return the problem that a worker has written; what is a defect goes to the log."""
    facts = read_json(folder / "error.json") or {"status": 500, "kind": "defect", "what": "The worker has failed"}
    traceback = facts.pop("traceback", "")
    if int(facts["status"]) >= 500:
        log("the worker has failed", job=folder.name, traceback=traceback)
    status, kind, what = int(facts.pop("status")), str(facts.pop("kind")), str(facts.pop("what"))
    return ProblemError(status, kind, what, **facts)


async def run_worker(folder: Path, seconds: float, on_progress: Any = None) -> None:
    """Let a process do the work of a folder, and wait for its end; it ends with the caller.

    Raises:
        ProblemError: It took longer than it may.
    """
    environment = {**os.environ, "GATECAST_TRUSTED": "0", "OPENBLAS_NUM_THREADS": "1"}
    environment.pop("GATECAST_API_KEYS", None)
    command = (sys.executable, "-m", "gatecast.server.worker", str(folder))
    process = await asyncio.create_subprocess_exec(*command, stdin=PIPE, stdout=PIPE, stderr=DEVNULL, env=environment)
    try:
        await asyncio.wait_for(_follow(process, on_progress), seconds)
    except asyncio.TimeoutError:
        raise ProblemError(
            413,
            "too-long",
            "The work takes longer than it may",
            expected=f"at most {seconds:g} s",
            fix="Send fewer rows, or start the server with a larger --max-seconds or --max-train-seconds.",
        ) from None
    finally:
        if process.returncode is None:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()
        # Closes the pipe now, not when garbage is collected.
        process._transport.close()  # type: ignore[attr-defined]


async def _follow(process: asyncio.subprocess.Process, on_progress: Any) -> None:
    """Pass on what a worker reports, until its end."""
    if process.stdout is not None:
        async for line in process.stdout:
            with suppress(ValueError):
                progress = json.loads(line)
                if on_progress is not None:
                    await on_progress(progress)
    await process.wait()


async def compute_apart(
    store: Store, settings: Settings, work: Work, gate: asyncio.Semaphore
) -> tuple[dict[str, Any], str]:
    """Return the result of work in a process of its own, and the page that it wrote, if any.

    A worker that is killed from outside is replaced once.

    Raises:
        ProblemError: It failed, or took too long, or too much memory.
    """
    folder = store.root / "tmp" / new_id()
    try:
        async with gate:
            await asyncio.to_thread(work.write, folder, settings)
            for _ in range(2):
                await run_worker(folder, settings.max_seconds)
                if (folder / "error.json").exists():
                    raise _read_problem(folder)
                result = read_json(folder / "result.json")
                if result is not None:
                    break
            else:
                raise _killed(1)
            page = folder / str(result.get("page", ""))
            return result, page.read_text(encoding="utf-8") if page.is_file() else ""
    finally:
        await asyncio.to_thread(shutil.rmtree, folder, True)
