"""What the endpoints call: forecasts in one thread, made together; models, jobs and streams; work in processes."""

from __future__ import annotations

import asyncio
import shutil
from collections import OrderedDict
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from typing import Any, TypeVar

import numpy as np

from gatecast.data.sources.trust import trusting
from gatecast.errors import GatecastError
from gatecast.forecaster import Forecaster
from gatecast.pipeline.prepare_together import Preparations, Request
from gatecast.pipeline.together import Prepared, forecast_together, prepare
from gatecast.server import compute, schemas
from gatecast.server.batching import Batcher
from gatecast.server.jobs import Job, Jobs, Work, compute_apart
from gatecast.server.logs import log
from gatecast.server.metrics import Metrics
from gatecast.server.problems import ProblemError
from gatecast.server.settings import Settings
from gatecast.server.store import Store
from gatecast.server.streams import Streams
from gatecast.server.tables import FILES, JSON, Body, parse, source_of
from gatecast.server.worker import FORMS

__all__ = ["Services", "is_large"]

Result = TypeVar("Result")
Answer = dict[str, Any]

INLINE_BYTES = 500_000
"""Bytes of a body whose forecast is made in the thread of forecasts; that of a larger one has a process of its own."""
MEASURED_BYTES, MEASURED_HORIZON = 20_000, 200
"""The same of forecasts that measure past errors, which take three passes and more, and their steps."""
MEASURED_BYTES_OF_ONE = 100_000
"""Bytes of a single series whose errors are measured there: some 3,000 values, a tenth of a second."""
STREAM_BYTES = 100_000
"""Bytes of the past of a stream, at most."""
MAX_LOADED = 8
"""Models in memory, at most."""


class _Pending:
    """A forecast that was asked for, and how far it is.

    Args:
        body: Of the request.
    """

    __slots__ = ("body", "form", "result")

    def __init__(self, body: Body) -> None:
        self.body = body
        self.form: Any = None
        self.result: Any = None

    def do(self, step: Callable[[_Pending], Any]) -> None:
        """Take a step; what goes wrong is the result."""
        try:
            self.result = step(self)
        except Exception as error:
            self.result = error


class Services:
    """The services of a server.

    Args:
        settings: Of the server.

    Raises:
        ConfigError: A store that cannot be used.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings, self.metrics, self.is_ready = settings, Metrics(), False
        self.store = Store(settings.store)
        self._loaded: OrderedDict[tuple[str, int], Forecaster] = OrderedDict()

    async def start(self) -> None:
        """Take the store, go on with accepted work, and warm up."""
        settings, metrics = self.settings, self.metrics
        shutil.rmtree(self.store.root / "tmp", ignore_errors=True)
        # One thread: forecasters are no further apart than a call, and the kernels use all cores by themselves.
        self._executor = ThreadPoolExecutor(1, "gatecast-forecasts")
        self.gate = asyncio.Semaphore(settings.workers)
        self._preparations = Preparations()
        self.batcher: Batcher[Body, Answer | None] = Batcher(
            self._forecast_all, self._executor, settings.max_queue, partial(metrics.observe, "gatecast_batch_size")
        )
        self.streams = Streams(self.store, settings, metrics)
        self.jobs = Jobs(self.store, settings, metrics)
        metrics.gauge("gatecast_forecasts_waiting", lambda: self.batcher.n_waiting)
        metrics.gauge("gatecast_jobs_waiting", lambda: self.jobs.n_open)
        await self.in_thread(_warm_up)
        self.jobs.start()
        self.is_ready = True
        log("ready", store=str(settings.store), keys=len(settings.api_keys))

    def stop_accepting(self) -> None:
        """Say that the server is about to stop: /readyz says so, and events end."""
        self.is_ready = False

    async def stop(self) -> None:
        """Finish what was accepted, or leave it on disk."""
        self.stop_accepting()
        await self.jobs.notify()
        await self.batcher.drain()
        await self.jobs.stop()
        await self.in_thread(self.streams.close)
        self._executor.shutdown()
        self.store.close()
        log("stopped")

    async def in_thread(self, function: Callable[..., Result], *args: Any) -> Result:
        """Return what a function returns in the thread of forecasts."""
        return await asyncio.get_running_loop().run_in_executor(self._executor, function, *args)

    async def forecast(self, body: Body) -> Answer:
        """Forecast series without training: with others in one pass, or a large table in a process of its own."""
        answer = await self.batcher.submit(body) if not is_large(body) else None
        if answer is None:
            answer, _ = await compute_apart(self.store, self.settings, Work("forecast", body), self.gate)
        return answer

    def _forecast_all(self, bodies: Sequence[Body]) -> list[Answer | Exception | None]:
        """Return the answers to several requests; those of equal settings and length share a pass.

        None where an answer takes so long that it has to be made in another process.
        """
        waiting = [_Pending(body) for body in bodies]
        for each in waiting:
            each.do(self._begin)
        shared = [each for each in waiting if isinstance(each.result, Request)]
        with trusting(False):
            prepared = self._preparations.prepare([each.result for each in shared], self._on_fault)
        for each, result in zip(shared, prepared, strict=True):
            each.result = result
        for each in waiting:
            if isinstance(each.result, Prepared):
                each.do(self._check)
        ready = [each for each in waiting if isinstance(each.result, Prepared)]
        for each, table in zip(ready, forecast_together([each.result for each in ready], self._on_fault), strict=True):
            each.result = table if isinstance(table, Exception) else compute.answer_of(each.result, table)
        return [each.result for each in waiting]

    def _begin(self, pending: _Pending) -> Request | Prepared | Answer | None:
        """Return what is to be prepared with others, a forecast up to its pass, or the answer if it is made alone."""
        body, settings = pending.body, self.settings
        form = pending.form = parse(body, schemas.Forecast)
        if compute.is_measured(form) and len(body.data) > MEASURED_BYTES:
            return None
        with source_of(body, form, settings) as source:
            if compute.is_measured(form):
                compute.check_steps(form.h, MEASURED_HORIZON)
                return compute.forecast(form, source, settings)
            request = compute.request_of(form, source, settings)
            # An upload is a file until it is read.
            return request if body.kind == JSON else prepare(*request)

    def _check(self, pending: _Pending) -> Prepared | Answer | None:
        """Return a forecast that was prepared, if it is within the limits; the answer if it has to be measured."""
        prepared, form = compute.checked(pending.result, self.settings), pending.form
        if not compute.has_to_be_measured(form, prepared):
            return prepared
        max_bytes = MEASURED_BYTES if len(prepared.state.panel) > 1 else MEASURED_BYTES_OF_ONE
        if len(pending.body.data) > max_bytes or prepared.state.horizon > MEASURED_HORIZON:
            return None
        with source_of(pending.body, form, self.settings) as source:
            return compute.forecast(form, source, self.settings)

    def _on_fault(self, error: Exception, n: int) -> None:
        """Write to the log that something failed for several forecasts together, which are then made one by one."""
        self.metrics.count("gatecast_shared_faults_total", error=type(error).__name__)
        log("forecasts are made one by one", error=error, forecasts=n)

    async def train(self, body: Body) -> Job:
        """Accept a training."""
        form = await asyncio.to_thread(parse, body, schemas.Train)
        compute.check_horizon(form.h, self.settings)
        return await self.jobs.submit(form.name, Work("train", body))

    def list_models(self) -> list[Answer]:
        """Return what is known of all models."""
        models = []
        for name in self.store.models():
            # A model that is deleted meanwhile is none of them.
            with suppress(ProblemError):
                models.append(self.store.about(name))
        return models

    async def forecast_by_model(self, name: str, body: Body) -> Answer:
        """Forecast by a stored model."""
        path = self.store.model(name)
        if len(body.data) > MEASURED_BYTES or body.kind in FILES:
            work = Work("model-forecast", body, str(path.resolve()))
            result, _ = await compute_apart(self.store, self.settings, work, self.gate)
            return result

        def answer() -> Answer:
            form = parse(body, schemas.ModelForecast)
            with source_of(body, form, self.settings) as source:
                return compute.forecast_with(self._load(name), form, source, self.settings)

        return await self.in_thread(answer)

    def _load(self, name: str) -> Forecaster:
        """Return a stored model, from memory if its file is the same."""
        path = self.store.model(name)
        key = (name, path.stat().st_mtime_ns)
        if key not in self._loaded:
            self._loaded[key] = Forecaster.load(path)
        self._loaded.move_to_end(key)
        while len(self._loaded) > MAX_LOADED:
            self._loaded.popitem(last=False)
        return self._loaded[key]

    async def work_on_model(self, op: str, name: str, body: Body) -> tuple[Answer, str]:
        """Return the result of work on a stored model in a process of its own, and the page that it wrote."""
        path = self.store.model(name)
        await asyncio.to_thread(parse, body, FORMS[op])
        return await compute_apart(self.store, self.settings, Work(op, body, str(path.resolve())), self.gate)

    async def start_stream(self, body: Body) -> Answer:
        """Begin a stream after a past.

        Raises:
            ProblemError: A past that is too long.
        """
        if body.kind in FILES:
            raise ProblemError(415, "content", "The past of a stream is no file", got=body.kind, fix="Send it as CSV.")
        if len(body.data) > STREAM_BYTES:
            raise ProblemError(
                413,
                "too-large",
                "The past of the stream is too long",
                where="body",
                got=f"{len(body.data):,} bytes",
                expected=f"at most {STREAM_BYTES:,}",
                fix="Send the newest values: 2,048 of a series are read. Of a long past, train a model first.",
            )

        def start() -> Answer:
            form = parse(body, schemas.StreamStart)
            with source_of(body, form, self.settings) as source:
                if form.name is None:
                    forecaster = compute.start_forecaster(form, source, self.settings)
                    return self.streams.start(forecaster.stream(level=form.anomaly_level))
                forecaster = self._load(form.name)
                panel = (
                    forecaster.panel_ if source is None else forecaster._session.read(source, like=forecaster.panel_)[0]
                )
                compute.check_answer(len(panel), forecaster.h_, compute.MAX_STREAM_ROWS)
                return self.streams.start(forecaster.stream(source, level=form.anomaly_level))

        return await self.in_thread(start)

    async def step(self, stream: str, body: Body) -> Answer:
        """Take the next value of a stream."""
        if body.kind != JSON:
            raise GatecastError("A step is JSON", got=body.kind, expected='{"value": 1.5}')
        form = parse(body, schemas.StreamStep)
        return await self.in_thread(self.streams.step, stream, form.value, form.step)


def is_large(body: Body) -> bool:
    """Return whether a body is read in a process of its own."""
    return len(body.data) > INLINE_BYTES or body.kind in FILES


def _warm_up() -> None:
    """Import and load what the first request needs."""
    form = schemas.Forecast.model_validate({"series": {"y": list(range(30))}, "h": 2})
    prepared = compute.prepare_forecast(form, {"y": np.arange(30.0)}, Settings(store=None))  # type: ignore[arg-type]
    forecast_together([prepared])
