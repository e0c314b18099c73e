"""What commands say: rows below each other, a JSON document, a page, the line that shows how far the work has come."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import typer

from gatecast.cli.output_files import REPORT_SUFFIXES, check_output, write_atomically

__all__ = ["check_report", "document", "format_table", "progress", "write_report", "written"]


def format_table(rows: Sequence[Mapping[str, Any]]) -> str:
    """Rows with the same names as lines of text, the first column flush left.

    >>> print(format_table([{"model": "LSTM", "mae": 1.25}, {"model": "Naive", "mae": 10.5}]))
    model   mae
    LSTM   1.25
    Naive  10.5
    """
    names = list(rows[0])
    lines = [names, *([written(one[name]) for name in names] for one in rows)]
    widths = [max(len(line[k]) for line in lines) for k in range(len(names))]
    texts = []
    for first, *others in lines:
        cells = (f"{cell:>{width}}" for cell, width in zip(others, widths[1:], strict=True))
        texts.append("  ".join([f"{first:<{widths[0]}}", *cells]))
    return "\n".join(texts)


def check_report(path: str, source: Path | str) -> None:
    """Refuse a page that could not be written, while nothing is lost yet.

    Raises:
        ConfigError: A file that cannot be written, or plotly is not installed.
    """
    from gatecast.reporting.html_report import require_plotly

    check_output(Path(path), "--report", REPORT_SUFFIXES, source)
    require_plotly()


def write_report(path: str, forecaster: Any, **parts: Any) -> None:
    """A page, whole or not at all; `parts` as `gatecast.report` takes them."""
    from gatecast.reporting.html_report import report

    with write_atomically([Path(path)]) as drafts:
        report(forecaster, drafts[0], **parts)


def progress(*, wanted: bool) -> Any:
    """The line that shows how far it has come."""
    from gatecast.cli.terminal import progress_line

    return progress_line(sys.stderr, wanted=wanted)


def document(told: Mapping[str, Any]) -> None:
    """Plain values as JSON."""
    from gatecast._utils.formatting import plain
    from gatecast.cli.json_output import SCHEMA_VERSION, to_json

    def clean(value: Any) -> Any:
        """A value without NaN."""
        if isinstance(value, Mapping):
            return {name: clean(one) for name, one in value.items()}
        return [clean(one) for one in value] if isinstance(value, list) else plain(value)

    typer.echo(to_json({"schema_version": SCHEMA_VERSION, **clean(told)}))


def written(value: Any) -> str:
    """A cell as text."""
    if value is None:
        return "-"
    if isinstance(value, float | np.floating):
        return f"{value:.4g}" if np.isfinite(value) else "-"
    return str(value)
