"""What commands print: tables, a JSON document, the line that shows the progress."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from gatecast._printable import printable

if TYPE_CHECKING:
    from gatecast.results import Evaluation

__all__ = [
    "echo",
    "format_findings",
    "format_table",
    "print_document",
    "print_parts",
    "print_prediction",
    "print_table",
    "progress",
    "written_lines",
]

TAKE_MODEL = ("predict", "simulate", "evaluate", "update", "report", "export")
"""Commands that take a fitted forecaster, without the options of its training."""
_ADVICE = re.compile(r"--[a-z][a-z-]*(?![a-z-]| column)")
"""An option to set, not one that tells the role of a column."""
_SENTENCE_END = re.compile(r"(?<=[.?!]) (?=[A-Z])")
MAX_ROWS = 12
"""Rows of a table on the screen."""


def echo(text: str = "") -> None:
    r"""Print text; what a terminal would obey in the names of series is escaped.

    >>> echo("\x1b[31mred")
    \x1b[31mred
    """
    typer.echo(printable(text))


def format_table(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return rows with the same names as lines of text under a header, the first column flush left.

    >>> print(format_table([{"model": "LSTM", "mae": 1.25}, {"model": "Naive", "mae": 10.5}]))
    model    mae
    LSTM    1.25
    Naive  10.50
    """
    names = list(rows[0])
    columns = [_cells([row[name] for row in rows]) for name in names]
    lines = [names, *map(list, zip(*columns, strict=True))]
    widths = [max(len(line[k]) for line in lines) for k in range(len(names))]
    texts = []
    for first, *others in lines:
        cells = (f"{cell:>{width}}" for cell, width in zip(others, widths[1:], strict=True))
        texts.append("  ".join([f"{first:<{widths[0]}}", *cells]))
    return "\n".join(text.rstrip() for text in texts)


def _cells(values: Sequence[Any]) -> list[str]:
    """Return a column as texts: numbers with the decimals that the largest needs, "-" for none."""
    import numpy as np

    from gatecast._utils.formatting import number_formatter

    numbers = [isinstance(value, float | np.floating) for value in values]
    write = number_formatter(
        np.array([value for value, number in zip(values, numbers, strict=True) if number], dtype=float)
    )
    texts = ["-" if value is None else str(value) for value in values]
    return [write(float(v)) if number else text for v, number, text in zip(values, numbers, texts, strict=True)]


def print_table(columns: Mapping[str, Any]) -> None:
    """Print the header and the first rows of a table, and how many rows follow."""
    from gatecast.cli.json_output import rows

    n_rows = len(next(iter(columns.values())))
    echo(format_table(rows({name: column[:MAX_ROWS] for name, column in columns.items()})))
    if n_rows > MAX_ROWS:
        typer.echo(f"... {n_rows - MAX_ROWS:,} more rows; --out FILE writes all of them")


def print_document(command: str, facts: Mapping[str, Any], findings: Sequence[str] | None = None) -> None:
    """Print the JSON document of a command; findings get options in place of Python arguments."""
    from gatecast.cli.json_output import to_json, versioned

    noted = {} if findings is None else {"findings": _with_options(findings, command)}
    typer.echo(to_json(versioned(command, {**facts, **noted})))


def _with_options(findings: Sequence[str], command: str) -> list[str]:
    """Return sentences about the data with options in place of Python arguments.

    Where a command takes a fitted forecaster, these are options of its training, and that is said.
    """
    from gatecast.cli.option_names import with_options
    from gatecast.cli.options import OPTION_OF_ARGUMENT

    texts = [with_options(finding, OPTION_OF_ARGUMENT) for finding in findings]
    if command not in TAKE_MODEL:
        return texts
    return [
        f"{text.removesuffix('.')} (with gatecast train)." if text != finding and _ADVICE.search(text) else text
        for text, finding in zip(texts, findings, strict=True)
    ]


def format_verdict(evaluation: Evaluation, command: str = "") -> str:
    """Return the verdict of an evaluation, with options in place of Python arguments."""
    return " ".join(_with_options(_SENTENCE_END.split(evaluation.verdict), command))


def format_findings(findings: Sequence[str], command: str = "") -> str:
    r"""Return a line for each sentence about the data, with options in place of Python arguments.

    >>> format_findings(["target: 'y'.", "Column 'a' is not used; futr_exog=['a'] would use it."])
    "data: target: 'y'.\nnote: Column 'a' is not used; --futr-exog a would use it."
    """
    texts = _with_options(findings, command)
    return "\n".join(f"{'note' if k else 'data'}: {text}" for k, text in enumerate(texts))


def print_parts(*parts: str | None, files: Sequence[str] = ()) -> None:
    """Print paragraphs with a line between them, and the files written; empty ones are left out."""
    echo("\n\n".join(part for part in (*parts, written_lines(files)) if part))


def written_lines(files: Sequence[str]) -> str:
    r"""Return a line a file.

    >>> written_lines(["a.csv", "b.png"])
    'written: a.csv\nwritten: b.png'
    """
    return "\n".join(f"written: {name}" for name in files)


def progress(*, wanted: bool) -> Any:
    """Return a context with a progress line on standard error, if that is a terminal."""
    from gatecast.cli.terminal import progress_line

    return progress_line(sys.stderr, wanted=wanted)


def print_prediction(
    command: str,
    columns: Mapping[str, Any],
    targets: Mapping[str, Path],
    findings: Sequence[str],
    *,
    json: bool = False,
    safe_csv: bool = False,
) -> None:
    """Write a table of forecasts to its file, and print it as a document, or its first rows without a file."""
    from gatecast.cli.json_output import rows
    from gatecast.cli.output_files import write_outputs
    from gatecast.data.sources.writers import write

    files = write_outputs(targets, {"--out": lambda path: write(columns, path, safe_csv=safe_csv)})
    if json:
        print_document(command, {"forecast": rows(columns), "file": next(iter(files), None)}, findings)
        return
    if findings:
        echo(f"{format_findings(findings, command)}\n")
    if files:
        echo(written_lines(files))
    else:
        print_table(columns)
