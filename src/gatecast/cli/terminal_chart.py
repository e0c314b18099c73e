"""A line chart made of characters: the end of the history, the forecast, and the widest interval around it.

Notation: n points of the history, h steps of the forecast. A cell is a character: 2 x 4 dots of Braille, or ASCII.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from gatecast._utils.formatting import number_formatter

__all__ = ["MIN_WIDTH", "TerminalChart", "draw"]

MIN_WIDTH = 40
"""Columns below which no chart is drawn: it would show nothing."""

Values = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

# Bits of the Braille characters: row by row from the top, left and right dot.
BRAILLE = np.array([[0x01, 0x08], [0x02, 0x10], [0x04, 0x20], [0x40, 0x80]])


class TerminalChart(NamedTuple):
    """Lines of a chart, and the role of each character: h history, f forecast, i interval, a axis, or blank."""

    lines: list[str]
    roles: list[str]


class Glyphs(NamedTuple):
    """The characters of one alphabet."""

    shade: str
    now: str
    tick: str
    side: str
    corner: str
    floor: str
    history: str
    forecast: str


UNICODE = Glyphs("░", "┊", "┤", "│", "└", "─", "⠤", "⠤")
ASCII = Glyphs(":", "|", "|", "|", "+", "-", "*", "o")


def draw(
    history: npt.ArrayLike,
    forecast: npt.ArrayLike,
    interval: tuple[npt.ArrayLike, npt.ArrayLike] | None,
    dates: tuple[str, str, str],
    *,
    width: int,
    height: int = 10,
    unicode: bool = True,
    label: str = "",
) -> TerminalChart:
    """Draw history and forecast on one scale.

    Args:
        history: Values [n]; NaN leaves a gap.
        forecast: Finite values [h].
        interval: Lower and upper bounds [h] each; None for no interval.
        dates: Dates of the first row of the history, the first and the last row of the forecast.
        width: Columns of the chart with its labels; below `MIN_WIDTH` there is no chart.
        height: Lines of the chart without its axis.
        unicode: Whether to draw in Braille; otherwise in ASCII.
        label: Name of the interval in the legend.

    Returns:
        Lines and roles; empty without values, or below `MIN_WIDTH`.

    >>> draw([0, 1, 0, 1], [0, 1], None, ("1", "5", "6"), width=40, unicode=False).lines[-1].strip()
    '* history | o forecast'
    """
    past, future = np.asarray(history, float), np.asarray(forecast, float)
    bounds = None if interval is None else (np.asarray(interval[0], float), np.asarray(interval[1], float))
    if width < MIN_WIDTH or not np.isfinite(past).any():
        return TerminalChart([], [])
    glyphs, dots = (UNICODE, (4, 2)) if unicode else (ASCII, (1, 1))
    low, high = _limits(past, future, *(bounds or ()))
    labels = _labels(low, high, height)
    margin = max(map(len, labels)) + 2
    shape = (height, width - margin)
    x = np.linspace(0, 1, len(past) + len(future))
    # The forecast's line starts where the history's ends.
    joined = slice(len(past) - 1, None)
    history_dots = _raster(x[: len(past)], _unit(past, low, high), shape, dots)
    forecast_dots = _raster(x[joined], _unit(np.append(past[-1:], future), low, high), shape, dots)
    characters, roles = _blank(shape)
    if bounds is not None:
        band = (_unit(bounds[0], low, high), _unit(bounds[1], low, high))
        _fill(characters, roles, _shade(x[len(past) :], *band, shape), glyphs.shade, "i")
    now = round(float(x[len(past) - 1] + x[len(past)]) / 2 * (shape[1] - 1))
    blank = roles[:, now] == " "
    characters[blank, now], roles[blank, now] = glyphs.now, "a"
    _draw_lines(characters, roles, history_dots, forecast_dots, glyphs)
    frame = _frame(characters, roles, labels, margin, glyphs)
    return TerminalChart(
        [*frame.lines, *_footer(dates, now, margin, shape[1], glyphs, label if bounds else "")],
        [*frame.roles, "a" * width, "a" * width, "a" * width],
    )


def _limits(*values: Values) -> tuple[float, float]:
    """Return the smallest and the largest value, never the same."""
    finite = np.concatenate([array[np.isfinite(array)] for array in values])
    low, high = float(finite.min()), float(finite.max())
    if low == high:
        margin = abs(low) * 0.1 or 1.0
        return low - margin, high + margin
    return low, high


def _unit(values: Values, low: float, high: float) -> Values:
    """Return values as heights from 0 at the top to 1 at the bottom."""
    return np.asarray((high - values) / (high - low))


def _labels(low: float, high: float, height: int) -> list[str]:
    """Return the numbers at the top, in the middle and at the bottom of the scale."""
    write = number_formatter(np.array([low, high]))
    texts = [""] * height
    for row in {0, height // 2, height - 1}:
        texts[row] = write(high - (high - low) * row / max(1, height - 1))
    return texts


def _blank(shape: tuple[int, int]) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    """Return empty characters and roles."""
    return np.full(shape, " ", dtype="<U1"), np.full(shape, " ", dtype="<U1")


def _raster(x: Values, y: Values, shape: tuple[int, int], dots: tuple[int, int]) -> Mask:
    """Return the dots that a line through points touches [height x dots down, width x dots across]."""
    rows, columns = shape[0] * dots[0], shape[1] * dots[1]
    # Dense samples, and the points themselves: a lone one between two gaps is on no segment.
    position = np.union1d(np.linspace(x[0], x[-1], 8 * columns), x)
    level = np.interp(position, x, y)
    finite = np.isfinite(level)
    column = np.rint(position[finite] * (columns - 1)).astype(int)
    row = level[finite] * (rows - 1)
    top, bottom = np.full(columns, np.inf), np.full(columns, -np.inf)
    np.minimum.at(top, column, row)
    np.maximum.at(bottom, column, row)
    grid = np.arange(rows)[:, None]
    return np.asarray((grid >= np.round(top)) & (grid <= np.round(bottom)))


def _shade(x: Values, low: Values, high: Values, shape: tuple[int, int]) -> Mask:
    """Return the cells between two bounds, from the first point on."""
    columns = np.arange(shape[1])
    position = np.clip(columns / max(1, shape[1] - 1), x[0], x[-1])
    inside = columns >= round(float(x[0]) * (shape[1] - 1))
    top, bottom = (np.interp(position, x, bound) * (shape[0] - 1) for bound in (high, low))
    grid = np.arange(shape[0])[:, None]
    return np.asarray((grid >= np.round(top)) & (grid <= np.round(bottom)) & inside)


def _fill(characters: npt.NDArray[Any], roles: npt.NDArray[Any], where: Mask, character: str, role: str) -> None:
    """Write one character into the cells of a mask."""
    characters[where], roles[where] = character, role


def _draw_lines(
    characters: npt.NDArray[Any], roles: npt.NDArray[Any], history: Mask, forecast: Mask, glyphs: Glyphs
) -> None:
    """Draw both lines over the canvas; a cell with both belongs to the forecast."""
    height, width = characters.shape
    if history.shape == (height, width):
        _fill(characters, roles, history, glyphs.history, "h")
        _fill(characters, roles, forecast & ~history, glyphs.forecast, "f")
        return
    cells = (history | forecast).reshape(height, 4, width, 2)
    codes = np.einsum("hdwa,da->hw", cells, BRAILLE)
    for dots, role in ((history, "h"), (forecast & ~history, "f")):
        touched = dots.reshape(height, 4, width, 2).any(axis=(1, 3))
        roles[touched] = role
    drawn = codes > 0
    characters[drawn] = [chr(0x2800 + code) for code in codes[drawn].tolist()]


def _frame(
    characters: npt.NDArray[Any], roles: npt.NDArray[Any], labels: list[str], margin: int, glyphs: Glyphs
) -> TerminalChart:
    """Return rows with their labels to the left."""
    lines, kinds = [], []
    for text, row, role in zip(labels, characters, roles, strict=True):
        tick = glyphs.tick if text else glyphs.side
        lines.append((f"{text:>{margin - 2}} {tick}" + "".join(row)).rstrip())
        kinds.append("a" * margin + "".join(role))
    return TerminalChart(lines, kinds)


def _footer(dates: tuple[str, str, str], now: int, margin: int, width: int, glyphs: Glyphs, label: str) -> list[str]:
    """Return the axis, the dates that fit below it, and the legend."""
    axis = " " * (margin - 1) + glyphs.corner + glyphs.floor * width
    first, start, end = dates
    line = first.ljust(width - len(end)) + end if len(first) + len(end) < width else end
    # The start of the forecast stands below its mark, if it touches neither neighbor.
    left = now - len(start) // 2
    if len(first) < left and left + len(start) < width - len(end):
        line = line[:left] + start + line[left + len(start) :]
    lines = f"{glyphs.history} history {glyphs.now} {glyphs.forecast} forecast"
    band = f"   {glyphs.shade} {label}"
    if label and len(lines + band) <= width:
        lines += band
    return [axis, " " * margin + line, " " * margin + lines]
