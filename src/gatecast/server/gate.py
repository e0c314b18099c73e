"""What every request passes: an id, the API key, the limit of the body, metrics, the log, and problems for errors."""

from __future__ import annotations

import asyncio
import itertools
import secrets
import time
from typing import Any

from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gatecast.server.logs import log
from gatecast.server.metrics import Metrics
from gatecast.server.problems import ProblemError, problem_of, respond
from gatecast.server.security import Keys

__all__ = ["Gate"]

READ_SECONDS = 30.0
"""Seconds that a body may take to arrive."""
BODIES = 16
"""Largest bodies that are in memory at a time: the next one is refused."""


class Gate:
    """Middleware around all endpoints.

    Args:
        app: The endpoints.
        keys: Of the API.
        max_body: Bytes of a body, at most.
        metrics: What is counted.
    """

    def __init__(self, app: ASGIApp, keys: Keys, max_body: int, metrics: Metrics) -> None:
        self._app, self._keys, self._max_body, self._metrics = app, keys, max_body, metrics
        self._held = 0
        # Ids of requests tell them apart in the log; they are no secret, so that each asks the system for no bytes.
        self._process, self._numbers = secrets.token_hex(4), itertools.count()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began, request, status = time.perf_counter(), f"{self._process}{next(self._numbers):08x}", 0
        held = [0]

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                more = [(b"x-request-id", request.encode()), (b"x-content-type-options", b"nosniff")]
                message = {**message, "headers": [*message.get("headers", []), *more]}
            await send(message)

        failure: BaseException | None = None
        try:
            headers = dict(scope["headers"])
            self._keys.check(scope["path"], headers)
            body = await asyncio.wait_for(self._read(headers, receive, held), READ_SECONDS)
            await self._app(scope, _replay(body, receive), send_with_id)
        except ClientDisconnect:
            status = status or 499
        except Exception as error:
            problem = _slow() if isinstance(error, asyncio.TimeoutError) else problem_of(error)
            failure = error if problem.status >= 500 else None
            if not status:
                await respond(problem, scope["path"])(scope, receive, send_with_id)
        finally:
            self._held -= held[0]
        self._record(scope, request, status, time.perf_counter() - began, failure)

    async def _read(self, headers: dict[bytes, bytes], receive: Receive, held: list[int]) -> bytes:
        """Return the body; its bytes are added to those that are held.

        Raises:
            ProblemError: It is larger than the limit, or encoded, or all bodies together are too large.
            ClientDisconnect: The caller has left.
        """
        if headers.get(b"content-encoding", b"identity").lower() != b"identity":
            raise ProblemError(
                415,
                "encoding",
                "The body is encoded",
                where="header Content-Encoding",
                got=headers[b"content-encoding"].decode("latin-1"),
                expected="a body as it is",
                fix="Send it without compression.",
            )
        announced = headers.get(b"content-length", b"0")
        if announced.isdigit() and int(announced) > self._max_body:
            raise self._too_large(f"{int(announced):,} bytes")
        parts, size = [], 0
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise ClientDisconnect
            parts.append(message.get("body", b""))
            size += len(parts[-1])
            held[0] += len(parts[-1])
            self._held += len(parts[-1])
            if size > self._max_body:
                raise self._too_large(f"more than {self._max_body:,} bytes")
            if self._held > BODIES * self._max_body:
                raise ProblemError(
                    429,
                    "busy",
                    "Too many large bodies at a time",
                    where="body",
                    fix="Try again in a second.",
                    headers={"Retry-After": "1", "Connection": "close"},
                )
            if not message.get("more_body", False):
                return b"".join(parts)

    def _too_large(self, got: str) -> ProblemError:
        """Return the problem of a body beyond the limit; the connection ends, for the rest is not read."""
        return ProblemError(
            413,
            "too-large",
            "The body is too large",
            where="body",
            got=got,
            expected=f"at most {self._max_body:,} bytes",
            fix="Send less, or start the server with a larger --max-body.",
            headers={"Connection": "close"},
        )

    def _record(self, scope: Scope, request: str, status: int, seconds: float, failure: BaseException | None) -> None:
        """Count a request, and write a line about it."""
        # The pattern, not the path: others may ask for any number of paths.
        route = getattr(scope.get("route"), "path", "none")
        self._metrics.count("gatecast_requests_total", endpoint=route, method=_method(scope), status=str(status))
        self._metrics.observe("gatecast_request_seconds", seconds, endpoint=route)
        facts: dict[str, Any] = {"request": request, "method": _method(scope), "path": scope["path"][:200]}
        log("request", error=failure, **facts, status=status, ms=round(seconds * 1e3, 2))


def _slow() -> ProblemError:
    """Return the problem of a body that does not arrive."""
    return ProblemError(
        408,
        "too-long",
        "The body does not arrive",
        where="body",
        expected=f"within {READ_SECONDS:g} s",
        fix="Send it at once.",
        headers={"Connection": "close"},
    )


def _method(scope: Scope) -> str:
    """Return the method, if it is one that is known."""
    method = str(scope["method"])
    return method if method in ("GET", "POST", "DELETE", "HEAD", "OPTIONS", "PUT", "PATCH") else "other"


def _replay(body: bytes, receive: Receive) -> Receive:
    """Return what gives a body that was read, then whatever follows."""
    is_given = False

    async def give() -> Message:
        nonlocal is_given
        if is_given:
            return await receive()
        is_given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return give
