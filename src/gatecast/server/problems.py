"""Errors as problem+json (RFC 9457): what, where, got, expected and a fix."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from pydantic import ValidationError
from starlette.responses import Response

from gatecast._utils.memory import is_out_of_memory
from gatecast.errors import FormatError, GatecastError, NotFittedError

__all__ = ["MEDIA_TYPE", "ProblemError", "describe", "problem_of", "respond"]

MEDIA_TYPE = "application/problem+json"
PAGE = "https://gatecast.github.io/gatecast/api/server/#"
"""Where the types of problems are described."""

FACTS = ("what", "where", "got", "expected", "fix")


class ProblemError(Exception):
    """A request that is refused.

    Args:
        status: Code of HTTP.
        kind: Name of the problem, part of its type.
        what: The problem.
        where: Part of the request.
        got: What is there.
        expected: What is required.
        fix: A fix.
        headers: Further headers of the answer.
        members: Further members of the document.
    """

    def __init__(
        self,
        status: int,
        kind: str,
        what: str,
        *,
        where: str = "",
        got: object = "",
        expected: object = "",
        fix: str = "",
        headers: Mapping[str, str] | None = None,
        members: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(what)
        self.status, self.kind, self.headers = status, kind, dict(headers or {})
        self.members = dict(members or {})
        # The same words as on the command line: shortened, without characters that command a terminal.
        self.error = GatecastError(what, where=where, got=got, expected=expected, fix=fix)


def problem_of(error: BaseException) -> ProblemError:
    """Return any error as a problem; what is no error of the request has status 500 and says nothing of itself.

    >>> problem_of(GatecastError("No series", fix="Send one.")).status
    422
    """
    if isinstance(error, ProblemError):
        return error
    if isinstance(error, ValidationError):
        return _of_schema(error)
    if isinstance(error, GatecastError):
        status = HTTPStatus.CONFLICT if isinstance(error, NotFittedError | FormatError) else 422
        facts = {name: getattr(error, name) for name in FACTS}
        where = facts.pop("where") or error.argument or ""
        name = type(error).__name__.removesuffix("Error").lower() or "data"
        return ProblemError(status, name, where=where, **facts)
    if isinstance(error, RecursionError) or is_out_of_memory(error):
        return ProblemError(
            413, "too-large", "The request needs more than it may have", fix="Send fewer rows, or ask for fewer steps."
        )
    return ProblemError(500, "defect", "The server has a defect", fix="The log has the details of this request.")


def _of_schema(error: ValidationError) -> ProblemError:
    """Return the first fault of a body that does not have the form that is asked for."""
    faults = error.errors(include_url=False, include_context=False)
    first = faults[0]
    where = ".".join(map(str, first["loc"])) or "body"
    if first["type"] == "json_invalid":
        got = first["msg"].removeprefix("Invalid JSON: ")
        fix = "Send JSON, or say in Content-Type what the body is."
        return ProblemError(422, "schema", "The body is not JSON", where=where, got=got, expected="JSON", fix=fix)
    got = "nothing" if first["type"] == "missing" else repr(first["input"])[:200]
    rest = f"{len(faults) - 1} more faults follow it. " if len(faults) > 1 else ""
    return ProblemError(
        422,
        "schema",
        "The body does not have the form of this endpoint",
        where=where,
        got=got,
        expected=_expected(first["msg"]),
        fix=f"{rest}GET /openapi.json has the form and examples.",
    )


def _expected(message: str) -> str:
    """Return what a message of pydantic asks for, as it follows the word "expected".

    >>> _expected("Input should be a valid integer"), _expected("Input should be greater than or equal to 1")
    ('a valid integer', 'a number greater than or equal to 1')
    >>> _expected("List should have at most 9 items after validation, not 12"), _expected("Field required")
    ('a list with at most 9 items after validation, not 12', 'a value')
    """
    if message == "Field required":
        return "a value"
    text = re.sub(r"^Input should be ((?:greater|less) than)", r"a number \1", message).removeprefix("Input should be ")
    text = re.sub(r"^(\w+) should have ", lambda match: f"a {match[1].lower()} with ", text)
    return text[:1].lower() + text[1:]


def describe(problem: ProblemError, instance: str = "") -> dict[str, Any]:
    """Return a problem as the members of its document."""
    error = problem.error
    facts = {name: str(getattr(error, name))[:500] for name in FACTS}
    return {
        "type": PAGE + problem.kind,
        "title": HTTPStatus(problem.status).phrase,
        "status": problem.status,
        "detail": str(error)[:2000],
        "instance": instance,
        **facts,
        **problem.members,
    }


def respond(problem: ProblemError, instance: str = "") -> Response:
    """Return the answer that states a problem."""
    content = json.dumps(describe(problem, instance)).encode()
    return Response(content, problem.status, problem.headers, MEDIA_TYPE)


def choices(names: Sequence[str], limit: int = 20) -> str:
    """Return names as a text of limited length."""
    return ", ".join(names[:limit]) + (", ..." if len(names) > limit else "")
