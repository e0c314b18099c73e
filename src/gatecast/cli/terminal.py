"""The report in the terminal: data, scores, a small chart, the forecast.

Rich decides about colors (none if the stream is no terminal, or NO_COLOR is set) and the characters of boxes.
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

from gatecast._printable import printable
from gatecast._utils.formatting import format_count, format_times
from gatecast.cli.forecast_view import ForecastView, forecast_table, full_table, summary_rows
from gatecast.cli.output import format_verdict
from gatecast.cli.output_files import TABLE_SUFFIXES
from gatecast.cli.terminal_chart import TerminalChart, draw
from gatecast.data.sources.stdin import STDIN, STDIN_LABEL
from gatecast.reporting.text_tables import TextTable, score_table

if TYPE_CHECKING:
    from gatecast.pipeline.progress import Progress

__all__ = ["chart", "print_forecast", "print_table", "progress_line", "shortened"]

MAX_ROWS = 14
"""Rows of a forecast; longer ones are shortened."""
MAX_WIDTH = 100
"""Columns of the chart."""
MIN_HISTORY = 24
"""Rows of the history in the chart, if the series is that long."""
STYLES = {"h": "", "f": "bold cyan", "i": "cyan", "a": "dim", " ": ""}


def print_forecast(
    view: ForecastView, files: Sequence[str], *, quiet: bool = False, stream: TextIO | None = None
) -> None:
    """Print the report of a forecast.

    Args:
        view: The forecast.
        files: Names of the files written.
        quiet: Whether to print the forecast alone, all of it and of all series.
        stream: Output; standard output if None.
    """
    with _console(stream) as console:
        if quiet:
            console.print(_table(full_table(view)))
        else:
            _report(console, view, files)


def print_table(grid: TextTable, stream: TextIO | None = None) -> None:
    """Print a table with a line below its header."""
    with _console(stream) as console:
        console.print(_table(grid))


@contextmanager
def _console(stream: TextIO | None) -> Iterator[Console]:
    """Lend a console whose lines do not end in blanks."""
    stream = stream or sys.stdout
    console = Console(file=stream, highlight=False, markup=False, emoji=False)
    with console.capture() as text:
        yield console
    # Rich fills every line up to the width, which a reader of a pipe would have to cut off.
    stream.write("".join(f"{line.rstrip()}\n" for line in text.get().splitlines()))


def _report(console: Console, view: ForecastView, files: Sequence[str]) -> None:
    """Print all sections, one below the other."""
    console.print(_text(STDIN_LABEL if view.file == STDIN else view.file, style="bold"), soft_wrap=True)
    _section(console, _summary(view))
    if view.evaluation is not None:
        _section(console, _table(score_table(view.evaluation)))
        _section(console, _text(format_verdict(view.evaluation), style="bold"))
    if view.advice:
        _section(console, Text(view.advice))
    drawing = chart(view, min(console.width - 2, MAX_WIDTH), unicode=console.encoding.startswith("utf"))
    if drawing.lines:
        _section(console, _colored(drawing))
    grid, n_left_out = shortened(forecast_table(view))
    console.print(Padding(_table(grid), (0, 0, 0, 2)))
    if n_left_out:
        table = next((name for name in files if Path(name).suffix.lower() in TABLE_SUFFIXES), None)
        where = f"all are in {table}" if table else "--out FILE writes all of them"
        console.print(Text(f"  ... {format_count(n_left_out, 'more row')}, {where}", style="dim"))
    console.print()
    for name in files:
        console.print(_text(f"  written: {name}"), soft_wrap=True)
    console.print(Text(f"  {view.seconds:.1f} s", style="dim"))


def shortened(grid: TextTable, max_rows: int = MAX_ROWS) -> tuple[TextTable, int]:
    """Return the first rows of a long table, and how many are left out.

    >>> shortened(TextTable(("n",), [("1",), ("2",), ("3",)]), max_rows=2)
    (TextTable(columns=('n',), rows=[('1',)]), 2)
    """
    if len(grid.rows) <= max_rows:
        return grid, 0
    # The line that counts the others replaces the last row.
    return TextTable(grid.columns, grid.rows[: max_rows - 1]), len(grid.rows) - max_rows + 1


def chart(view: ForecastView, width: int, *, unicode: bool = True) -> TerminalChart:
    """Return the end of the history and the forecast, drawn with characters.

    Args:
        view: The forecast.
        width: Columns available.
        unicode: Whether the stream takes characters beyond ASCII.
    """
    # The history gets three quarters of the width.
    tail = slice(max(0, len(view.values) - max(MIN_HISTORY, 3 * len(view.mean))), None)
    marks = np.concatenate([view.times[tail][:1], view.forecast_times[[0, -1]]])
    first, now, last = format_times(marks, unit=view.time_unit)
    widest = view.widest_interval
    return draw(
        view.values[tail],
        view.mean,
        None if widest is None else widest[1:],
        (first, now, last),
        width=width,
        unicode=unicode,
        label="" if widest is None else f"{widest[0]:g} % interval",
    )


def _section(console: Console, content: Table | Text) -> None:
    """Print content with a margin to the left and below."""
    console.print(Padding(content, (0, 0, 1, 2)))


def _summary(view: ForecastView) -> Table:
    """Return the facts about the data, a line each."""
    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    for name, fact in summary_rows(view):
        table.add_row(name, _text(fact))
    return table


def _table(grid: TextTable) -> Table:
    """Return a table with a line below its header."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, padding=(0, 1, 0, 0))
    for k, name in enumerate(grid.columns):
        # Times are never broken; intervals may be, in a narrow terminal.
        table.add_column(_text(name), justify="right" if k else "left", overflow="fold", no_wrap=not k)
    for row in grid.rows:
        table.add_row(*map(_text, row))
    return table


def _text(text: str, style: str = "") -> Text:
    """Return text for the console; what a terminal would obey in the names of series is escaped."""
    return Text(printable(text), style=style)


def _colored(drawing: TerminalChart) -> Text:
    """Return a chart with the styles of its roles."""
    text = Text(no_wrap=True, overflow="crop")
    for line, roles in zip(drawing.lines, drawing.roles, strict=True):
        for character, role in zip(line, roles, strict=False):
            text.append(character, style=STYLES[role])
        text.append("\n")
    text.rstrip()
    return text


@contextmanager
def progress_line(stream: TextIO, *, wanted: bool = True) -> Iterator[Callable[[Progress], None] | None]:
    """Show one line while the training runs; erase it at its end, however it ends.

    Args:
        stream: Output; nothing is written unless it is a terminal.
        wanted: Whether the user wants it.

    Yields:
        A callback for the progress of a forecaster, or None without a reader.
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
