"""Requests as bodies: JSON, a table with settings in the query, or a form with a file."""

from __future__ import annotations

from fastapi import Request
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException

from gatecast.server.problems import ProblemError
from gatecast.server.tables import ARROW, CSV, FILES, JSON, Body

__all__ = ["read_body"]

FORM = "multipart/form-data"
MAX_FIELDS = 30
MAX_FIELD_BYTES = 10_000


async def read_body(request: Request) -> Body:
    """Return what a request brings.

    Raises:
        ProblemError: Another kind of content, an invalid form, or settings that are given twice.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    fields = dict(request.query_params)
    if len(fields) < len(request.query_params.multi_items()):
        raise ProblemError(422, "schema", "A setting is given twice", where="query", fix="Leave one of them out.")
    if kind == FORM:
        return await _read_form(request, fields)
    data = await request.body()
    if kind in (CSV, ARROW, *FILES):
        return Body(kind, data, fields)
    if kind not in (JSON, ""):
        raise ProblemError(
            415,
            "content",
            "The body has another type of content",
            where="header Content-Type",
            got=kind,
            expected=", ".join((JSON, CSV, ARROW, *FILES, FORM)),
            fix=f"Say in Content-Type what the body is, for example curl -H 'Content-Type: {CSV}'.",
        )
    if fields:
        raise ProblemError(
            422,
            "schema",
            "The query has settings, and the body is JSON",
            where="query",
            got=kind or "no Content-Type",
            expected="settings in the JSON",
            fix=f"Move them into the body; if it is a table, say so in Content-Type, for example {CSV}.",
        )
    return Body(JSON, data, {})


async def _read_form(request: Request, fields: dict[str, str]) -> Body:
    """Return the file of a form, and its fields as settings."""
    try:
        form = await request.form(max_files=1, max_fields=MAX_FIELDS, max_part_size=MAX_FIELD_BYTES)
    except HTTPException as error:
        raise ProblemError(422, "schema", "The form cannot be read", where="body", got=error.detail) from None
    data, kind = None, CSV
    for name, value in form.multi_items():
        if isinstance(value, UploadFile):
            data = await value.read()
            kind = value.content_type if value.content_type in (ARROW, *FILES) else CSV
        elif name in fields:
            raise ProblemError(422, "schema", "A setting is given twice", where=name, fix="Leave one of them out.")
        else:
            fields[name] = value
    await form.close()
    if data is None:
        raise ProblemError(422, "schema", "The form has no file", where="body", expected="a part with a file of CSV")
    return Body(kind, data, fields)
