"""The endpoints: each reads its form, lets a service work, and answers."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, cast

from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response, StreamingResponse
from starlette.exceptions import HTTPException

from gatecast._utils.versions import __version__
from gatecast.server import schemas
from gatecast.server.bodies import read_body
from gatecast.server.gate import Gate
from gatecast.server.inspection_endpoints import add_inspection
from gatecast.server.jobs import OPEN
from gatecast.server.openapi import PROBLEMS, body_of
from gatecast.server.page_files import add_page
from gatecast.server.problems import ProblemError, problem_of, respond
from gatecast.server.security import Keys
from gatecast.server.services import Services
from gatecast.server.settings import Settings
from gatecast.server.tables import ARROW, CSV, encode

__all__ = ["make_app"]

KEEP_ALIVE = 5.0
"""Seconds after which a comment is sent where nothing happens."""


class Json(JSONResponse):
    """Compact JSON without NaN."""

    def render(self, content: Any) -> bytes:
        """Return the bytes."""
        return json.dumps(content, allow_nan=False, separators=(",", ":")).encode()


def make_app(settings: Settings) -> Any:
    """Return the server as an ASGI application; `services` of its state is there while it runs.

    Args:
        settings: Of the server.
    """
    services = Services(settings)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        await services.start()
        try:
            yield
        finally:
            await services.stop()

    app = FastAPI(
        title="gatecast",
        version=__version__,
        description="Forecasts of time series with honest intervals.",
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        responses=cast(dict[int | str, dict[str, Any]], PROBLEMS),
    )
    app.state.services = services
    app.add_middleware(Gate, keys=Keys(settings.api_keys), max_body=settings.max_body, metrics=services.metrics)
    app.add_exception_handler(HTTPException, _on_http)
    for kind in (ProblemError, ValueError, MemoryError, RecursionError, RuntimeError):
        app.add_exception_handler(kind, _on_problem)
    _add_watching(app, services)
    _add_forecasts(app, services)
    _add_models(app, services)
    _add_jobs(app, services)
    _add_streams(app, services)
    add_inspection(app, services)
    add_page(app)
    return app


async def _on_problem(request: Request, error: Exception) -> Response:
    """Answer what is an error of the request; the rest is for the gate, which writes it to the log."""
    problem = problem_of(error)
    if problem.status >= 500:
        raise error
    return respond(problem, request.url.path)


async def _on_http(request: Request, error: Exception) -> Response:
    """Answer unknown paths and methods."""
    status = getattr(error, "status_code", 400)
    what = {404: "No such endpoint", 405: "The endpoint has no such method"}.get(status, "The request is refused")
    got, fix = f"{request.method} {request.url.path[:200]}", "GET /openapi.json lists the endpoints."
    problem = ProblemError(status, "not-found" if status == 404 else "request", what, got=got, fix=fix)
    problem.headers.update(getattr(error, "headers", None) or {})
    return respond(problem, request.url.path)


def _add_watching(app: FastAPI, services: Services) -> None:
    """Add what those who run a server look at."""

    @app.get("/healthz", tags=["server"], summary="Whether the process lives")
    async def healthz() -> dict[str, str]:
        return {"status": "ok", "version": __version__}

    @app.get("/readyz", tags=["server"], summary="Whether requests are accepted")
    async def readyz() -> Response:
        ready = services.is_ready
        return Json({"status": "ready" if ready else "not ready"}, 200 if ready else 503)

    @app.get("/metrics", tags=["server"], summary="Metrics in the text format of Prometheus")
    async def metrics() -> Response:
        return PlainTextResponse(services.metrics.text(), media_type="text/plain; version=0.0.4")


def _add_forecasts(app: FastAPI, services: Services) -> None:
    """Add forecasts without training."""

    @app.post(
        "/v1/forecast",
        tags=["forecasts"],
        summary="Forecast series by a model that needs no training",
        openapi_extra=body_of(schemas.Forecast, tables=True),
    )
    async def forecast(request: Request) -> Response:
        answer = await services.forecast(await read_body(request))
        return _table(request, answer)


def _add_models(app: FastAPI, services: Services) -> None:
    """Add stored models, and what they do."""

    @app.post(
        "/v1/models",
        tags=["models"],
        summary="Train a model, in a process of its own",
        status_code=202,
        openapi_extra=body_of(schemas.Train, tables=True),
    )
    async def train(request: Request) -> Response:
        job = await services.train(await read_body(request))
        return Json(job.describe(), 202, {"Location": f"/v1/jobs/{job.id}"})

    @app.get("/v1/models", tags=["models"], summary="List the models")
    async def list_models() -> Response:
        return Json({"models": await asyncio.to_thread(services.list_models)})

    @app.get("/v1/models/{name}", tags=["models"], summary="Describe a model")
    async def get_model(name: str) -> Response:
        return Json(await asyncio.to_thread(services.store.about, name))

    @app.delete("/v1/models/{name}", tags=["models"], summary="Delete a model", status_code=204)
    async def delete_model(name: str) -> Response:
        await asyncio.to_thread(services.store.delete_model, name)
        return Response(status_code=204)

    @app.post(
        "/v1/models/{name}/forecast",
        tags=["models"],
        summary="Forecast by a model",
        openapi_extra=body_of(schemas.ModelForecast, tables=True),
    )
    async def model_forecast(name: str, request: Request) -> Response:
        return _table(request, await services.forecast_by_model(name, await read_body(request)))

    def add(op: str, form: type[schemas.Form], summary: str) -> None:
        @app.post(
            f"/v1/models/{{name}}/{op}", tags=["models"], summary=summary, openapi_extra=body_of(form, True), name=op
        )
        async def work(name: str, request: Request) -> Response:
            result, page = await services.work_on_model(op, name, await read_body(request))
            return HTMLResponse(page) if op == "report" else Json(result)

    add("backtest", schemas.Backtest, "Score forecasts from past cutoffs")
    add("explain", schemas.Explain, "Say what adds to one number of a forecast")
    add("report", schemas.Report, "Write the HTML page about a model")


def _add_jobs(app: FastAPI, services: Services) -> None:
    """Add trainings."""

    @app.get("/v1/jobs", tags=["jobs"], summary="List the trainings")
    async def list_jobs() -> Response:
        return Json({"jobs": [job.describe() for job in services.jobs.all.values()]})

    @app.get("/v1/jobs/{job}", tags=["jobs"], summary="Describe a training")
    async def get_job(job: str) -> Response:
        return Json(services.jobs.get(job).describe())

    @app.delete("/v1/jobs/{job}", tags=["jobs"], summary="Cancel a training")
    async def cancel_job(job: str) -> Response:
        return Json((await services.jobs.cancel(job)).describe())

    @app.get("/v1/jobs/{job}/events", tags=["jobs"], summary="Follow a training by server-sent events")
    async def events(job: str) -> Response:
        services.jobs.get(job)
        return StreamingResponse(_events(services, job), media_type="text/event-stream")


async def _events(services: Services, job_id: str) -> AsyncIterator[bytes]:
    """Yield the state of a job whenever it changes, until it ends or the server stops."""
    job, last = services.jobs.get(job_id), ""
    while True:
        state = json.dumps(job.describe())
        if state != last:
            last = state
            yield f"event: {job.status}\ndata: {state}\n\n".encode()
        if job.status not in OPEN or not services.is_ready:
            return
        await services.jobs.changes(KEEP_ALIVE)
        yield b": waiting\n\n"


def _add_streams(app: FastAPI, services: Services) -> None:
    """Add streams."""

    @app.post(
        "/v1/streams",
        tags=["streams"],
        summary="Begin a stream after a past",
        status_code=201,
        openapi_extra=body_of(schemas.StreamStart, tables=True),
    )
    async def start(request: Request) -> Response:
        stream = await services.start_stream(await read_body(request))
        return Json(stream, 201, {"Location": f"/v1/streams/{stream['id']}"})

    @app.get("/v1/streams", tags=["streams"], summary="List the streams")
    async def list_streams() -> Response:
        return Json({"streams": await services.in_thread(services.streams.names)})

    @app.get("/v1/streams/{stream}", tags=["streams"], summary="Forecast from the newest value of a stream")
    async def get_stream(stream: str) -> Response:
        return Json(await services.in_thread(services.streams.forecast, stream))

    @app.post(
        "/v1/streams/{stream}/step",
        tags=["streams"],
        summary="Take the next value: judge it, and forecast from it",
        openapi_extra=body_of(schemas.StreamStep, tables=False),
    )
    async def step(stream: str, request: Request) -> Response:
        return Json(await services.step(stream, await read_body(request)))

    @app.delete("/v1/streams/{stream}", tags=["streams"], summary="Delete a stream", status_code=204)
    async def delete_stream(stream: str) -> Response:
        await services.in_thread(services.streams.delete, stream)
        return Response(status_code=204)


def _table(request: Request, answer: dict[str, Any]) -> Response:
    """Return an answer as the caller accepts it: JSON, or its table alone as CSV or Arrow."""
    accepted = request.headers.get("accept", "")
    for kind in (CSV, ARROW):
        if kind in accepted:
            return Response(encode(answer["forecast"], kind), media_type=kind)
    return Json(answer)
