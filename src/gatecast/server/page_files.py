"""The web page at `/`: plain files, under an address with their digest, behind a policy that lets in nothing else.

The page is asked for anew each time (304 if it is the same); its modules and styles, whose address changes when any of
them does, are kept by browsers for a year.
"""

from __future__ import annotations

import gzip
import hashlib
from functools import cache
from importlib.resources import files
from typing import NamedTuple

from fastapi import FastAPI, Request
from fastapi.responses import Response

from gatecast.server.problems import ProblemError
from gatecast.server.security import ASSETS

__all__ = ["POLICY", "PageFile", "add_page", "page_files"]

TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
INDEX, PLACE = "index.html", b"{assets}"
SHARED = "files.js"
"""Writes CSV and XLSX files, on the report page too."""
POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self'",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    )
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Vary": "Accept-Encoding",
}


class PageFile(NamedTuple):
    """A file of the page.

    Args:
        kind: Its type of content.
        data: Its bytes.
        packed: The same, compressed by gzip.
        tag: Its ETag.
    """

    kind: str
    data: bytes
    packed: bytes
    tag: str


@cache
def page_files() -> tuple[str, dict[str, PageFile]]:
    """Return the folder under `ASSETS` that is named after the digest of all files, and the files by name.

    >>> folder, assets = page_files()
    >>> len(folder), "index.html" in assets
    (16, True)
    """
    paths = [
        *files("gatecast.server").joinpath("page").iterdir(),
        files("gatecast.reporting") / "assets" / SHARED,
    ]
    contents = {
        each.name: each.read_bytes()
        for each in sorted(paths, key=lambda each: each.name)
        if each.name[each.name.rfind(".") :] in TYPES
    }
    digest = hashlib.sha256()
    for name, data in contents.items():
        digest.update(f"{name}\0{len(data)}\0".encode() + data)
    folder = digest.hexdigest()[:16]
    # Relative, so that the page works behind a proxy that serves it in a folder.
    contents[INDEX] = contents[INDEX].replace(PLACE, f"{ASSETS.strip('/')}/{folder}".encode())
    return folder, {name: _pack(name, data) for name, data in contents.items()}


def _pack(name: str, data: bytes) -> PageFile:
    """Return a file as it is sent."""
    tag = f'"{hashlib.sha256(data).hexdigest()[:24]}"'
    return PageFile(TYPES[name[name.rfind(".") :]], data, gzip.compress(data, 9, mtime=0), tag)


def add_page(app: FastAPI) -> None:
    """Add the page and its files."""

    @app.get("/", include_in_schema=False)
    async def page(request: Request) -> Response:
        return _send(request, page_files()[1][INDEX], "no-cache")

    @app.get(ASSETS + "{folder}/{name}", include_in_schema=False)
    async def asset(folder: str, name: str, request: Request) -> Response:
        known, assets = page_files()
        if folder != known or name not in assets:
            raise ProblemError(
                404, "not-found", "No such file of the page", where="path", got=name[:100], fix="Reload the page."
            )
        return _send(request, assets[name], "public, max-age=31536000, immutable")


def _send(request: Request, file: PageFile, caching: str) -> Response:
    """Answer with a file, or say that the browser has it."""
    headers = {**HEADERS, "ETag": file.tag, "Cache-Control": caching}
    if file.tag in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    if "gzip" in request.headers.get("accept-encoding", ""):
        return Response(file.packed, headers={**headers, "Content-Encoding": "gzip"}, media_type=file.kind)
    return Response(file.data, headers=headers, media_type=file.kind)
