"""The report in the terminal: what was understood, the scores, the forecast, a small chart.

Rich decides about colours (none if the stream is no terminal or NO_COLOR is set) and the letters of boxes.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from shutil import get_terminal_size
from typing import TYPE_CHECKING, TextIO

import numpy as np
from rich import box
from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from gatecast._utils.formatting import count, time_texts
from gatecast.cli.facts import TextTable, forecast_grid, score_table, summary_rows
from gatecast.cli.forecast_view import Result, bounds
from gatecast.cli.output_files import TABLE_SUFFIXES
from gatecast.cli.terminal_chart import TerminalChart, sketch

if TYPE_CHECKING:
    from gatecast.pipeline.progress import Progress

__all__ = ["chart", "progress_line", "shortened", "show"]

LONGEST = 14
"""A forecast with more rows is shortened."""
WIDEST = 100
"""Columns of the chart at most."""
STYLES = {"h": "", "f": "bold cyan", "i": "cyan", "a": "dim", " ": ""}


def show(result: Result, written: Sequence[Path], *, quiet: bool = False, stream: TextIO | None = None) -> None:
    """Print the report.

    Args:
        result: What to say.
        written: Files that were written.
        quiet: The forecast alone, all of it.
        stream: Where to; standard output if None.
    """
    stream = stream or sys.stdout
    console = Console(file=stream, highlight=False, markup=False, emoji=False)
    with console.capture() as text:
        if quiet:
            console.print(_table(forecast_grid(result)))
        else:
            _report(console, result, written)
    # Rich fills every line up to the width; whoever reads the text through a pipe would have to cut that off.
    stream.write("".join(f"{line.rstrip()}\n" for line in text.get().splitlines()))


def _report(console: Console, result: Result, written: Sequence[Path]) -> None:
    """All sections, one below the other."""
    console.print(Text(result.file, style="bold"), soft_wrap=True)
    _section(console, _summary(result))
    if result.evaluation is not None:
        _section(console, _table(score_table(result.evaluation)))
        _section(console, Text(result.evaluation.verdict, style="bold"))
    if result.learning:
        _section(console, Text(result.learning))
    drawing = chart(result, min(console.width - 2, WIDEST), unicode=console.encoding.startswith("utf"))
    if drawing.lines:
        _section(console, _coloured(drawing))
    grid, left = shortened(forecast_grid(result))
    console.print(Padding(_table(grid), (0, 0, 0, 2)))
    if left:
        out = next((path for path in written if path.suffix.lower() in TABLE_SUFFIXES), None)
        where = f"all are in {out}" if out else "--out writes all"
        console.print(Text(f"  ... {count(left, 'more row')}, {where}", style="dim"))
    console.print()
    for path in written:
        console.print(Text(f"  written: {path}"), soft_wrap=True)
    console.print(Text(f"  {result.seconds:.1f} s", style="dim"))


def shortened(grid: TextTable, longest: int = LONGEST) -> tuple[TextTable, int]:
    """The first rows of a long grid, and how many are left out.

    >>> shortened(Grid(("n",), [("1",), ("2",), ("3",)]), longest=2)
    (Grid(header=('n',), rows=[('1',)]), 2)
    """
    if len(grid.rows) <= longest:
        return grid, 0
    # The line that counts the others takes the place of the last one.
    return TextTable(grid.columns, grid.rows[: longest - 1]), len(grid.rows) - longest + 1


def chart(result: Result, width: int, *, unicode: bool = True) -> TerminalChart:
    """The end of the history and the forecast, drawn with letters.

    Args:
        result: What to draw.
        width: Columns at hand.
        unicode: Whether the stream takes letters beyond ASCII.
    """
    # The history gets three quarters of the room, and never less than two dozen rows.
    tail = slice(max(0, len(result.values) - max(24, 3 * len(result.mean))), None)
    marks = np.concatenate([result.times[tail][:1], result.ahead[[0, -1]]])
    first, now, last = time_texts(marks, unit=result.time_unit)
    levels = result.forecast.levels
    widest = max(levels) if levels else None
    interval = None if widest is None else bounds(result.forecast.table, result.forecast.model, widest)
    label = "" if widest is None else f"{widest:g} % interval"
    dates = (first, now, last)
    values = result.values[tail]
    return sketch(values, result.mean, interval, dates, width=width, unicode=unicode, label=label)


def _section(console: Console, content: Table | Text) -> None:
    """Something with a margin to the left and below."""
    console.print(Padding(content, (0, 0, 1, 2)))


def _summary(result: Result) -> Table:
    """What was understood, a line a fact."""
    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    for name, fact in summary_rows(result):
        table.add_row(name, Text(fact))
    return table


def _table(grid: TextTable) -> Table:
    """A grid with a line below its header."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for place, name in enumerate(grid.columns):
        # Times are never broken; intervals may be, in a narrow terminal.
        table.add_column(Text(name), justify="right" if place else "left", overflow="fold", no_wrap=not place)
    for row in grid.rows:
        table.add_row(*map(Text, row))
    return table


def _coloured(drawing: TerminalChart) -> Text:
    """A chart with the styles of its roles."""
    text = Text(no_wrap=True, overflow="crop")
    for line, roles in zip(drawing.lines, drawing.roles, strict=True):
        for letter, role in zip(line, roles, strict=False):
            text.append(letter, style=STYLES[role])
        text.append("\n")
    text.rstrip()
    return text


@contextmanager
def progress_line(stream: TextIO, *, wanted: bool = True) -> Iterator[Callable[[Progress], None] | None]:
    """One line that is rewritten while the training runs, and erased at its end however it ends.

    Args:
        stream: Where to; nothing is written unless it is a terminal.
        wanted: Whether the user wants it.

    Yields:
        What a forecaster calls with its progress, or None if there is nobody to see it.
    """
    if not (wanted and stream.isatty()):
        yield None
        return
    width = 0

    def write(progress: Progress) -> None:
        nonlocal width
        text = f"{progress.stage} {progress.fraction:4.0%}  loss {progress.loss:.4g}"
        # Spaces instead of control sequences: they work on every terminal.
        text = text[: get_terminal_size().columns - 1]
        stream.write(f"\r{text:<{width}}")
        stream.flush()
        width = len(text)

    try:
        yield write
    finally:
        if width:
            stream.write(f"\r{'':<{width}}\r")
            stream.flush()
