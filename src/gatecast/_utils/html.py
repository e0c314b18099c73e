"""Small HTML tables, as notebooks show records, and what a page is allowed to do."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Sequence
from html import escape

__all__ = ["html_table", "with_security_policy"]

_SCRIPT = re.compile(r"<script(?P<attributes>[^>]*)>(?P<code>.*?)</script>", re.DOTALL)


def with_security_policy(page: str) -> str:
    """Return a page with a Content-Security-Policy: its own scripts run, by their digests, and nothing else.

    It loads nothing and sends nothing, whatever names of series and columns may have smuggled in.

    Args:
        page: A page whose scripts are in it.

    Example:
        >>> page = with_security_policy("<html><head></head><body><script>f()</script></body></html>")
        >>> "script-src 'sha256-" in page, page.count("<meta")
        (True, 1)
    """
    digests = dict.fromkeys(
        _digest(match["code"]) for match in _SCRIPT.finditer(page) if "application/json" not in match["attributes"]
    )
    policy = (
        f"default-src 'none'; script-src {' '.join(digests) or chr(39) + 'none' + chr(39)}; "
        "style-src 'unsafe-inline'; img-src data: blob:; font-src data:; base-uri 'none'; form-action 'none'"
    )
    meta = f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
    return re.sub(r"<head[^>]*>", lambda match: f"{match[0]}\n{meta}", page, count=1)


def _digest(code: str) -> str:
    """Return the digest of a script as a browser computes it, which reads every line end as one."""
    read = code.replace("\r\n", "\n").replace("\r", "\n").encode()
    return f"'sha256-{base64.b64encode(hashlib.sha256(read).digest()).decode()}'"


def html_table(header: Sequence[str], rows: Sequence[Sequence[str]], caption: str = "") -> str:
    """Return a table as HTML; all texts are escaped.

    Args:
        header: Names of the columns.
        rows: Texts of the cells; the first cell of a row is its header.
        caption: Text above the table.

    Example:
        >>> html_table(("model", "MAE"), [("a<b", "1.0")])
        '<table><thead><tr><th>model</th><th>MAE</th></tr></thead><tbody><tr><th>a&lt;b</th><td>1.0</td></tr></tbody></table>'
    """
    head = "".join(f"<th>{escape(name)}</th>" for name in header)
    body = "".join(
        f"<tr><th>{escape(first)}</th>{''.join(f'<td>{escape(cell)}</td>' for cell in cells)}</tr>"
        for first, *cells in rows
    )
    title = f'<caption style="text-align:left">{escape(caption)}</caption>' if caption else ""
    return f"<table>{title}<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
