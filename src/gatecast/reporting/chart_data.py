"""Charts as data for `charts.js`: one dict a mark, whose arrays `chart_json` encodes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from gatecast.plotting.spec import (
    Band,
    Bars,
    Chart,
    HeatMapCells,
    Line,
    Points,
    ShadedRanges,
    VerticalLines,
    within_calendar,
)

__all__ = ["to_data"]


def to_data(chart: Chart) -> dict[str, Any]:
    """Convert a chart to a dict of "data" (marks), "panes" and what the x axis is.

    Example:
        >>> chart = to_data(Chart("sales", (Line(np.arange(2), np.ones(2), "history", "ink"),), x_label="step"))
        >>> chart["data"][0]["kind"], chart["panes"], chart["x"], chart["whole"]
        ('line', [{'label': '', 'height': 1.0}], 'step', True)
    """
    chart = within_calendar(chart)
    x = [mark.x for mark in chart.marks if isinstance(mark, (Line, Band, Points, HeatMapCells))]
    heights = chart.pane_heights or (1.0,) * len(chart.y_labels)
    return {
        "data": [_MARKS[type(mark)](mark) for mark in chart.marks],
        "panes": [{"label": label, "height": height} for label, height in zip(chart.y_labels, heights, strict=True)],
        "x": chart.x_label,
        "time": any(column.dtype.kind == "M" for column in x),
        "whole": bool(x) and all(column.dtype.kind in "iu" for column in x),
        "log": chart.log_x,
    }


def _line(mark: Line) -> dict[str, Any]:
    """Return a line."""
    return {
        "kind": "line",
        "x": mark.x,
        "y": mark.y,
        "name": mark.name,
        "role": mark.role,
        "width": mark.width,
        "dashed": mark.dashed,
        "markers": mark.markers or len(mark.y) == 1,
        "pane": mark.pane,
    }


def _band(mark: Band) -> dict[str, Any]:
    """Return a shaded area."""
    return {
        "kind": "band",
        "x": mark.x,
        "low": mark.low,
        "high": mark.high,
        "name": mark.name,
        "role": mark.role,
        "opacity": round(mark.opacity, 2),
    }


def _points(mark: Points) -> dict[str, Any]:
    """Return points."""
    return {
        "kind": "points",
        "x": mark.x,
        "y": mark.y,
        "name": mark.name,
        "role": mark.role,
        "shape": mark.shape,
        "text": list(mark.hover_texts),
    }


def _ranges(mark: ShadedRanges) -> dict[str, Any]:
    """Return shaded ranges."""
    return {"kind": "ranges", "x": mark.start, "end": mark.end, "name": mark.name, "role": mark.role}


def _vertical_lines(mark: VerticalLines) -> dict[str, Any]:
    """Return vertical lines."""
    return {"kind": "vlines", "x": mark.x, "text": list(mark.names)}


def _bars(mark: Bars) -> dict[str, Any]:
    """Return bars."""
    bars = {"kind": "bars", "text": list(mark.labels), "y": mark.values, "name": mark.name, "role": mark.role}
    return bars if mark.low is None or mark.high is None else bars | {"low": mark.low, "high": mark.high}


def _heat_map(mark: HeatMapCells) -> dict[str, Any]:
    """Return a heat map."""
    return {
        "kind": "heat",
        "x": mark.x,
        "labels": list(mark.labels),
        "z": np.asarray(mark.values, float),
        "zmin": float(mark.vmin),
        "zmax": float(mark.vmax),
        "name": mark.name,
        "pane": mark.pane,
    }


_MARKS: Mapping[type, Callable[[Any], dict[str, Any]]] = {
    Line: _line,
    Band: _band,
    Points: _points,
    ShadedRanges: _ranges,
    VerticalLines: _vertical_lines,
    Bars: _bars,
    HeatMapCells: _heat_map,
}
