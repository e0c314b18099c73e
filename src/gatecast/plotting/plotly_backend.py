"""Charts as plotly figures: dicts of traces and layout whose colors are still roles ("@model", "@model/0.2").

A page resolves the roles when it draws, in the reader's color scheme; `resolve_roles` resolves them for plotly itself.
The trace of a band keeps its edges `low` and `high`; `polygon` turns them into one closed line.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from gatecast._utils.html import with_security_policy
from gatecast.plotting.spec import (
    FONTS,
    LIGHT,
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

__all__ = ["FONT_FAMILY", "css_variables", "polygon", "resolve_roles", "save", "to_plotly"]

Column = npt.NDArray[Any]
Trace = dict[str, Any]

MARGINS = {"l": 8, "r": 12, "t": 22, "b": 36, "pad": 4}
"""Margins of a chart in pixels; plotly adds the space that labels need."""

MAX_LABEL_LENGTH = 22
"""Characters of a bar's label: a longer one leaves no space for the bar on a phone."""

MAX_INTEGER_TICKS = 12
"""Range of integers below which each of them has a tick."""

OVERLAY = "y9"
"""Axis from 0 to 1 over the first pane, for marks of full height."""

FONT_FAMILY = ", ".join(
    [
        "system-ui",
        "-apple-system",
        '"Segoe UI"',
        "Roboto",
        '"Helvetica Neue"',
        '"Noto Sans"',
        *(f'"{font}"' for font in FONTS),
        "sans-serif",
    ]
)
"""CSS font family: the fonts of the reader's system, Chinese ones included."""

CIVIDIS = (
    (0.0, "#00224e"),
    (0.125, "#123570"),
    (0.25, "#3b496c"),
    (0.375, "#575d6d"),
    (0.5, "#707173"),
    (0.625, "#8a8678"),
    (0.75, "#a59c74"),
    (0.875, "#c3b369"),
    (1.0, "#fee838"),
)
"""Color scale of heat maps: equal for any kind of color vision, gray in print (Nunez, Anderton & Renslow 2018)."""


def to_plotly(chart: Chart) -> dict[str, Any]:
    """Convert a chart to a plotly figure, a dict.

    Args:
        chart: Chart to convert.

    Returns:
        "data" (traces) and "layout".

    Example:
        >>> figure = to_plotly(Chart("sales", (Line(np.arange(2), np.ones(2), "history", "ink"),)))
        >>> figure["data"][0]["line"]["color"], list(figure)
        ('@ink', ['data', 'layout'])
    """
    chart = within_calendar(chart)
    traces = [trace for mark in chart.marks for trace in _TRACES[type(mark)](mark)]
    return {"data": traces, "layout": _layout(chart, traces)}


def resolve_roles(value: Any, colors: Mapping[str, str] = LIGHT, key: str = "") -> Any:
    """Replace roles by colors, and edges of bands by polygons.

    Args:
        value: A figure, or any value inside one.
        colors: Colors by role.
        key: Key of the value; only values of keys that end with "color" are roles, other texts may begin with "@", too.

    Example:
        >>> resolve_roles({"color": "@paper", "fillcolor": "@paper/0.5", "name": "@paper"})
        {'color': '#ffffff', 'fillcolor': 'rgba(255,255,255,0.5)', 'name': '@paper'}
    """
    if isinstance(value, dict):
        if "low" in value:
            value = polygon(value)
        return {name: resolve_roles(item, colors, name) for name, item in value.items()}
    if isinstance(value, list):
        return [resolve_roles(item, colors) for item in value]
    if not (isinstance(value, str) and key.endswith("color") and value.startswith("@")):
        return value
    role, _, opacity = value[1:].partition("/")
    code = colors[role]
    if not opacity:
        return code
    return "rgba({},{},{},{})".format(*(int(code[k : k + 2], 16) for k in (1, 3, 5)), opacity)


def polygon(trace: Trace) -> Trace:
    """Close a band: replace `low` and `high` by a closed line around each run of finite values.

    Args:
        trace: Trace with x, low and high, each [N].

    Returns:
        The trace with x and y, NaN between two closed lines.

    Example:
        >>> closed = polygon({"x": np.arange(2), "low": np.zeros(2), "high": np.ones(2)})
        >>> closed["x"].tolist(), closed["y"].tolist()
        ([0, 1, 1, 0, 0], [1.0, 1.0, 0.0, 0.0, nan])
    """
    low, high = np.asarray(trace["low"], float), np.asarray(trace["high"], float)
    finite = np.isfinite(low) & np.isfinite(high)
    edges = np.flatnonzero(np.diff(np.concatenate([[False], finite, [False]]).astype(int)))
    xs, ys = [np.asarray(trace["x"])[:0]], [np.zeros(0)]
    for first, stop in zip(edges[::2], edges[1::2], strict=True):
        x = np.asarray(trace["x"])[first:stop]
        xs += [x, x[::-1], x[:1]]
        ys += [high[first:stop], low[first:stop][::-1], np.array([np.nan])]
    other = {name: value for name, value in trace.items() if name not in ("low", "high")}
    return other | {"x": np.concatenate(xs), "y": np.concatenate(ys)}


def css_variables(colors: Mapping[str, str]) -> str:
    """Return colors as CSS declarations, one variable per role.

    Example:
        >>> css_variables({"ink": "#000000"})
        '--ink: #000000;'
    """
    return " ".join(f"--{role}: {color};" for role, color in colors.items())


def save(chart: Chart, path: Path | None, size: tuple[int, int]) -> Any:
    """Draw a chart with plotly.

    Args:
        chart: Chart to draw.
        path: Target file: .html, or .png or .svg, which need kaleido. None returns the figure.
        size: Width and height in pixels.
    """
    from plotly.graph_objects import Figure  # type: ignore[import-untyped]

    figure = Figure(resolve_roles(to_plotly(chart)), skip_invalid=False)
    figure.update_layout(
        title={"text": _plain(chart.title), "subtitle": {"text": _plain(chart.note)}},
        paper_bgcolor=LIGHT["paper"],
        margin={"t": 96},
    )
    if path is None:
        return figure
    if path.suffix.lower() == ".html":
        page = figure.to_html(include_plotlyjs=True, config={"displaylogo": False})
        path.write_text(with_security_policy(page), encoding="utf-8")
    else:
        figure.write_image(path, width=size[0], height=size[1], scale=1.6)
    return None


def _plain(text: str) -> str:
    """Escape text, because plotly interprets tags."""
    return text.replace("&", "&amp;").replace("<", "&lt;")


def _shorten(label: str) -> str:
    """Shorten the label of a bar."""
    return label if len(label) <= MAX_LABEL_LENGTH else label[:MAX_LABEL_LENGTH] + "…"


def _legend_entry(name: str) -> Trace:
    """Return name and legend settings of a trace."""
    return {"name": _plain(name), "showlegend": bool(name), **({} if name else {"hoverinfo": "skip"})}


def _axis(pane: int) -> str:
    """Return the name of a pane's y axis."""
    return "y" if pane == 0 else f"y{pane + 1}"


def _line(mark: Line) -> list[Trace]:
    """Draw a line; a single point is invisible without a marker."""
    markers = mark.markers or len(mark.y) == 1
    line = {"color": f"@{mark.role}", "width": mark.width, "dash": "5px,3px" if mark.dashed else "solid"}
    return [
        {
            "type": "scatter",
            "mode": "lines+markers" if markers else "lines",
            "x": mark.x,
            "y": mark.y,
            "line": line,
            "marker": {"size": 6, "color": f"@{mark.role}"},
            "yaxis": _axis(mark.pane),
            **_legend_entry(mark.name),
        }
    ]


def _band(mark: Band) -> list[Trace]:
    """Draw an area without an outline."""
    return [
        {
            "type": "scatter",
            "mode": "lines",
            "x": mark.x,
            "low": mark.low,
            "high": mark.high,
            "fill": "toself",
            "line": {"width": 0, "color": f"@{mark.role}"},
            "fillcolor": f"@{mark.role}/{mark.opacity:.2f}",
            **_legend_entry(mark.name),
            "hoverinfo": "skip",
        }
    ]


def _points(mark: Points) -> list[Trace]:
    """Draw points."""
    trace: Trace = {
        "type": "scatter",
        "mode": "markers",
        "x": mark.x,
        "y": mark.y,
        "marker": {"symbol": mark.shape, "size": 8, "color": f"@{mark.role}"},
        **_legend_entry(mark.name),
    }
    if mark.hover_texts:
        trace |= {"text": [_plain(text) for text in mark.hover_texts], "hoverinfo": "text"}
    return [trace]


def _shaded_ranges(mark: ShadedRanges) -> list[Trace]:
    """Draw rectangles of full height."""
    x = np.stack([mark.start, mark.start, mark.end, mark.end, mark.end], axis=1).ravel()
    y = np.tile([0.0, 1.0, 1.0, 0.0, np.nan], len(mark.start))
    return [
        {
            "type": "scatter",
            "mode": "lines",
            "x": x,
            "y": y,
            "yaxis": OVERLAY,
            "fill": "toself",
            "line": {"width": 0, "color": f"@{mark.role}"},
            "fillcolor": f"@{mark.role}/0.25",
            **_legend_entry(mark.name),
            "hoverinfo": "skip",
        }
    ]


def _vertical_lines(mark: VerticalLines) -> list[Trace]:
    """Draw dotted lines and the labels above them."""
    x, y = np.repeat(mark.x, 3), np.tile([0.0, 1.0, np.nan], len(mark.x))
    line = {"width": 1, "dash": "dot", "color": "@faint"}
    common = {"type": "scatter", "yaxis": OVERLAY, "cliponaxis": False, **_legend_entry("")}
    return [
        {**common, "mode": "lines", "x": x, "y": y, "line": line},
        {
            **common,
            "mode": "text",
            "x": mark.x,
            "y": np.ones(len(mark.x)),
            "text": list(mark.names),
            "textposition": "top right",
            "textfont": {"size": 11, "color": "@faint"},
        },
    ]


def _bars(mark: Bars) -> list[Trace]:
    """Draw horizontal bars at integer positions: the axis writes the labels, shortened if need be."""
    trace: Trace = {
        "type": "bar",
        "orientation": "h",
        "y": np.arange(len(mark.labels)),
        "x": mark.values,
        "hovertext": [_plain(label) for label in mark.labels],
        "marker": {"color": f"@{mark.role}"},
        **_legend_entry(mark.name),
    }
    trace["hoverinfo"] = "text+x"  # also for bars without a legend entry
    if mark.low is not None and mark.high is not None:
        trace["error_x"] = {
            "type": "data",
            "symmetric": False,
            "array": np.maximum(mark.high - mark.values, 0),
            "arrayminus": np.maximum(mark.values - mark.low, 0),
            "color": "@ink",
            "thickness": 1,
            "width": 3,
        }
    return [trace]


def _heat_map(mark: HeatMapCells) -> list[Trace]:
    """Draw a heat map with its color scale below."""
    return [
        {
            "type": "heatmap",
            "x": mark.x,
            "y": list(mark.labels),
            "z": mark.values,
            "zmin": mark.vmin,
            "zmax": mark.vmax,
            "colorscale": [list(pair) for pair in CIVIDIS],
            "yaxis": _axis(mark.pane),
            "name": mark.name,
            "colorbar": {
                "orientation": "h",
                "thickness": 8,
                "len": 0.5,
                "x": 0,
                "xanchor": "left",
                "y": -0.12,
                "yanchor": "top",
                "outlinewidth": 0,
            },
        }
    ]


_TRACES: Mapping[type, Callable[[Any], list[Trace]]] = {
    Line: _line,
    Band: _band,
    Points: _points,
    ShadedRanges: _shaded_ranges,
    VerticalLines: _vertical_lines,
    Bars: _bars,
    HeatMapCells: _heat_map,
}


def _layout(chart: Chart, traces: list[Trace]) -> dict[str, Any]:
    """Lay out axes, and a legend below the chart if it has several entries."""
    has_heat_map = any(isinstance(mark, HeatMapCells) for mark in chart.marks)
    layout: dict[str, Any] = {
        "autosize": True,
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "font": {"family": FONT_FAMILY, "size": 12, "color": "@faint"},
        "hovermode": "closest" if chart.bar_labels or has_heat_map else "x unified",
        "hoverlabel": {"bgcolor": "@paper", "bordercolor": "@faint", "font": {"color": "@ink", "size": 12}},
        "margin": dict(MARGINS),
        "xaxis": _x_axis(chart, traces),
        "legend": {
            "orientation": "h",
            "x": 0,
            "xanchor": "left",
            "y": -0.16,
            "yanchor": "top",
            "font": {"color": "@ink"},
            "itemsizing": "constant",
            "itemwidth": 36,
        },
        "showlegend": sum(bool(trace.get("showlegend")) for trace in traces) > 1,
        "barmode": "group",
        "bargap": 0.35,
    }
    for pane in range(len(chart.y_labels)):
        layout[f"yaxis{'' if pane == 0 else pane + 1}"] = _y_axis(chart, pane, has_heat_map=has_heat_map)
    if any(trace.get("yaxis") == OVERLAY for trace in traces):
        layout["yaxis9"] = {"overlaying": "y", "range": [0, 1], "visible": False, "fixedrange": True}
    return layout


def _x_axis(chart: Chart, traces: list[Trace]) -> dict[str, Any]:
    """Lay out the x axis."""
    axis: dict[str, Any] = {
        "title": {"text": _plain(chart.x_label), "standoff": 8},
        "automargin": True,
        "linecolor": "@faint",
        "showgrid": bool(chart.bar_labels),
        "gridcolor": "@grid",
        "zeroline": bool(chart.bar_labels),
        "zerolinecolor": "@faint",
        "tickcolor": "@faint",
        "ticks": "outside",
        "tickangle": 0,
        "nticks": 8,
    }
    times = [trace["x"] for trace in traces if isinstance(trace["x"], np.ndarray)]
    if chart.log_x:
        axis["type"] = "log"
    elif times and times[0].dtype.kind == "M":
        axis["type"] = "date"
    elif times and all(x.dtype.kind in "iu" and np.ptp(x) < MAX_INTEGER_TICKS for x in times if len(x)):
        axis["dtick"] = 1
    if len(chart.y_labels) > 1:
        axis["anchor"] = _axis(len(chart.y_labels) - 1)
    return axis


def _y_axis(chart: Chart, pane: int, *, has_heat_map: bool) -> dict[str, Any]:
    """Lay out the y axis of a pane; the first pane is at the top."""
    n_panes = len(chart.y_labels)
    heights = np.asarray(chart.pane_heights or (1.0,) * n_panes)
    ends = 1 - np.concatenate([[0.0], np.cumsum(heights) / heights.sum()])
    low, high = float(ends[pane + 1]) + (0.04 if pane < n_panes - 1 else 0), float(ends[pane])
    axis: dict[str, Any] = {
        "title": {"text": _plain(chart.y_labels[pane])},
        "automargin": True,
        "gridcolor": "@grid",
        "zeroline": False,
        "nticks": 7,
        "domain": [round(low, 3), round(high, 3)],
        "showgrid": not (chart.bar_labels or (has_heat_map and pane == n_panes - 1)),
    }
    if chart.bar_labels:
        labels = [_plain(_shorten(label)) for label in chart.bar_labels]
        axis |= {"tickmode": "array", "tickvals": list(range(len(labels))), "ticktext": labels, "autorange": "reversed"}
    return axis
