"""Endpoints that change nothing: what the server offers, what a table is, the file and the gates of a model."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI, Request
from fastapi.responses import FileResponse, JSONResponse, Response

from gatecast._utils.versions import __version__
from gatecast.forecasting.presets import needs_training
from gatecast.forecasting.registry import AUTO, available_models
from gatecast.server import schemas
from gatecast.server.bodies import read_body
from gatecast.server.inspection import inspect
from gatecast.server.jobs import Work, compute_apart
from gatecast.server.openapi import body_of
from gatecast.server.services import Services, is_large
from gatecast.server.settings import Settings
from gatecast.server.tables import Body, parse, source_of

__all__ = ["add_inspection"]

LIMITS = ("max_body", "max_rows", "max_columns", "max_horizon", "max_seconds", "max_train_seconds")


def add_inspection(app: FastAPI, services: Services) -> None:
    """Add the endpoints."""

    @app.get("/v1/about", tags=["server"], summary="Say what the server offers: version, limits, models")
    async def about() -> Response:
        return JSONResponse(_about(services.settings))

    @app.post(
        "/v1/inspect",
        tags=["forecasts"],
        summary="Say what a table is understood to be, before anything is forecast",
        openapi_extra=body_of(schemas.Inspect, tables=True),
    )
    async def inspect_table(request: Request) -> Response:
        return JSONResponse(await _inspect(services, await read_body(request)))

    @app.post(
        "/v1/models/{name}/gates",
        tags=["models"],
        summary="Say what the gates of a network do while it reads a series",
        openapi_extra=body_of(schemas.Gates, tables=True),
    )
    async def gates(name: str, request: Request) -> Response:
        result, _ = await services.work_on_model("gates", name, await read_body(request))
        return JSONResponse(result)

    @app.get("/v1/models/{name}/file", tags=["models"], summary="Download a model, for Forecaster.load")
    async def model_file(name: str) -> Response:
        path = services.store.model(name)
        return FileResponse(path, media_type="application/octet-stream", filename=path.name)


def _about(settings: Settings) -> dict[str, Any]:
    """Return what the server offers."""
    names = [AUTO, *available_models()]
    models = [{"name": name, "needs_training": name == AUTO or needs_training(name)} for name in names]
    limits = {name: getattr(settings, name) for name in LIMITS}
    return {"version": __version__, "limits": limits, "models": models}


async def _inspect(services: Services, body: Body) -> dict[str, Any]:
    """Inspect a table: in the thread of forecasts, or a large one in a process of its own."""
    if is_large(body):
        work = Work("inspect", body)
        result, _ = await compute_apart(services.store, services.settings, work, services.gate)
        return result

    def answer() -> dict[str, Any]:
        form = parse(body, schemas.Inspect)
        with source_of(body, form, services.settings) as source:
            return inspect(form, source, services.settings)

    return await services.in_thread(answer)
