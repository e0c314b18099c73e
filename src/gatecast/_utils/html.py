"""Small HTML tables, as notebooks show records."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

__all__ = ["html_table"]


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
