"""Charts as plotly reads them: traces and a layout, plain dicts whose colours are still roles ("@model", "@model/0.2").

A page resolves the roles when it draws, by the reader's choice of light or dark; `resolve` does so for `plotly` itself.
A band keeps its two sides, `low` and `high`, as they are; `polygon` closes them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from gatecast.plotting.spec import (
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

__all__ = ["figure", "polygon", "resolve", "save", "scale"]

Column = npt.NDArray[Any]
Trace = dict[str, Any]

LEFT, RIGHT, ABOVE, BELOW = 8, 12, 22, 36
"""Pixels around a chart; plotly adds what the labels need."""

LONGEST_LABEL = 22
"""Letters of a bar's name: more would leave no room for the bar on a phone."""

FEW = 12
"""Whole numbers below which each has its tick."""

OVER = "y9"
"""Axis from 0 to 1 over the first pane, on which what reaches from bottom to top is drawn."""

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
"""Of heat maps: the same for every colour vision, and grey when printed (Nunez, Anderton & Renslow 2018)."""


def figure(chart: Chart) -> dict[str, Any]:
    """A chart as plotly's dict.

    Args:
        chart: What to show.

    >>> from gatecast.plotting.spec import Line
    >>> made = figure(Chart("sales", (Line(np.arange(2), np.ones(2), "history", "ink"),)))
    >>> made["data"][0]["line"]["color"], list(made)
    ('@ink', ['data', 'layout'])
    """
    chart = within_calendar(chart)
    traces = [trace for mark in chart.marks for trace in _TRACES[type(mark)](mark)]
    return {"data": traces, "layout": _layout(chart, traces)}


def resolve(value: Any, colours: Mapping[str, str] = LIGHT) -> Any:
    """A figure with colours in place of roles, and closed bands.

    Args:
        value: A figure, or a part of one.
        colours: Colours by role.

    >>> resolve({"color": "@paper", "fillcolor": "@paper/0.5"})
    {'color': '#ffffff', 'fillcolor': 'rgba(255,255,255,0.5)'}
    """
    if isinstance(value, dict):
        if "low" in value:
            value = polygon(value)
        return {name: resolve(one, colours) for name, one in value.items()}
    if isinstance(value, list):
        return [resolve(one, colours) for one in value]
    if not (isinstance(value, str) and value.startswith("@")):
        return value
    role, _, strength = value[1:].partition("/")
    hexed = colours[role]
    if not strength:
        return hexed
    return "rgba({},{},{},{})".format(*(int(hexed[k : k + 2], 16) for k in (1, 3, 5)), strength)


def polygon(trace: Trace) -> Trace:
    """A band's trace with a closed line around each of its parts in place of two sides.

    >>> closed = polygon({"x": np.arange(2), "low": np.zeros(2), "high": np.ones(2)})
    >>> closed["x"].tolist(), closed["y"].tolist()
    ([0, 1, 1, 0, 0], [1.0, 1.0, 0.0, 0.0, nan])
    """
    low, high = np.asarray(trace["low"], float), np.asarray(trace["high"], float)
    seen = np.isfinite(low) & np.isfinite(high)
    edges = np.flatnonzero(np.diff(np.concatenate([[False], seen, [False]]).astype(int)))
    xs, ys = [np.asarray(trace["x"])[:0]], [np.zeros(0)]
    for first, stop in zip(edges[::2], edges[1::2], strict=True):
        part = np.asarray(trace["x"])[first:stop]
        xs += [part, part[::-1], part[:1]]
        ys += [high[first:stop], low[first:stop][::-1], np.array([np.nan])]
    rest = {name: value for name, value in trace.items() if name not in ("low", "high")}
    return rest | {"x": np.concatenate(xs), "y": np.concatenate(ys)}


def scale(colours: Mapping[str, str]) -> str:
    """Colours as declarations of a style sheet, a variable a role.

    >>> scale({"ink": "#000000"})
    '--ink: #000000;'
    """
    return " ".join(f"--{role}: {colour};" for role, colour in colours.items())


def save(chart: Chart, path: Path | None, size: tuple[int, int]) -> Any:
    """A chart through plotly: as a figure, or into a file.

    Args:
        chart: What to show.
        path: Ends in .html, .png or .svg, where the last two need plotly's browser; None: the figure comes back.
        size: Width and height in pixels.
    """
    from plotly.graph_objects import Figure  # type: ignore[import-untyped]

    made = Figure(resolve(figure(chart)), skip_invalid=False)
    made.update_layout(
        title={"text": _plain(chart.title), "subtitle": {"text": _plain(chart.note)}},
        paper_bgcolor=LIGHT["paper"],
        margin={"t": 96},
    )
    if path is None:
        return made
    if path.suffix.lower() == ".html":
        made.write_html(path, include_plotlyjs=True, config={"displaylogo": False})
    else:
        made.write_image(path, width=size[0], height=size[1], scale=1.6)
    return None


def _plain(text: str) -> str:
    """Text that plotly, which reads tags, shows as it is."""
    return text.replace("&", "&amp;").replace("<", "&lt;")


def _named(name: str) -> Trace:
    """Name and place in the legend."""
    return {"name": _plain(name), "showlegend": bool(name), **({} if name else {"hoverinfo": "skip"})}


def _axis(pane: int) -> str:
    """The y axis of a pane."""
    return "y" if pane == 0 else f"y{pane + 1}"


def _line(mark: Line) -> list[Trace]:
    """A line; a point alone would not be seen without a dot."""
    dotted = mark.dotted or len(mark.y) == 1
    line = {"color": f"@{mark.role}", "width": mark.width, "dash": "5px,3px" if mark.dashed else "solid"}
    return [
        {
            "type": "scatter",
            "mode": "lines+markers" if dotted else "lines",
            "x": mark.x,
            "y": mark.y,
            "line": line,
            "marker": {"size": 6, "color": f"@{mark.role}"},
            "yaxis": _axis(mark.pane),
            **_named(mark.name),
        }
    ]


def _band(mark: Band) -> list[Trace]:
    """A polygon without an outline."""
    return [
        {
            "type": "scatter",
            "mode": "lines",
            "x": mark.x,
            "low": mark.low,
            "high": mark.high,
            "fill": "toself",
            "line": {"width": 0, "color": f"@{mark.role}"},
            "fillcolor": f"@{mark.role}/{mark.strength:.2f}",
            **_named(mark.name),
            "hoverinfo": "skip",
        }
    ]


def _dots(mark: Points) -> list[Trace]:
    """Points."""
    marker = {"symbol": mark.shape, "size": 8, "color": f"@{mark.role}"}
    texts = {"text": [_plain(text) for text in mark.texts], "hoverinfo": "text"} if mark.texts else {}
    return [
        {"type": "scatter", "mode": "markers", "x": mark.x, "y": mark.y, "marker": marker, **_named(mark.name)} | texts
    ]


def _spans(mark: ShadedRanges) -> list[Trace]:
    """Rectangles from bottom to top."""
    x = np.stack([mark.begin, mark.begin, mark.end, mark.end, mark.end], axis=1).ravel()
    y = np.tile([0.0, 1.0, 1.0, 0.0, np.nan], len(mark.begin))
    return [
        {
            "type": "scatter",
            "mode": "lines",
            "x": x,
            "y": y,
            "yaxis": OVER,
            "fill": "toself",
            "line": {"width": 0, "color": f"@{mark.role}"},
            "fillcolor": f"@{mark.role}/0.25",
            **_named(mark.name),
            "hoverinfo": "skip",
        }
    ]


def _starts(mark: VerticalLines) -> list[Trace]:
    """Dotted lines, and names above them."""
    x, y = np.repeat(mark.x, 3), np.tile([0.0, 1.0, np.nan], len(mark.x))
    line = {"width": 1, "dash": "dot", "color": "@faint"}
    own = {"type": "scatter", "yaxis": OVER, "cliponaxis": False, **_named("")}
    return [
        {**own, "mode": "lines", "x": x, "y": y, "line": line},
        {
            **own,
            "mode": "text",
            "x": mark.x,
            "y": np.ones(len(mark.x)),
            "text": list(mark.names),
            "textposition": "top right",
            "textfont": {"size": 11, "color": "@faint"},
        },
    ]


def _bars(mark: Bars) -> list[Trace]:
    """Lying bars, by number: labels are written by the axis, which may shorten them."""
    trace: Trace = {
        "type": "bar",
        "orientation": "h",
        "y": np.arange(len(mark.labels)),
        "x": mark.values,
        "hovertext": [_plain(label) for label in mark.labels],
        "marker": {"color": f"@{mark.role}"},
        **_named(mark.name),
    }
    trace["hoverinfo"] = "text+x"  # a bar without a name can be pointed at as well
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


def _cells(mark: HeatMapCells) -> list[Trace]:
    """A heat map."""
    return [
        {
            "type": "heatmap",
            "x": mark.x,
            "y": list(mark.labels),
            "z": mark.values,
            "zmin": mark.least,
            "zmax": mark.most,
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
    Points: _dots,
    ShadedRanges: _spans,
    VerticalLines: _starts,
    Bars: _bars,
    HeatMapCells: _cells,
}


def _layout(chart: Chart, traces: list[Trace]) -> dict[str, Any]:
    """Quiet axes, a legend below where there is more than one name, and room for nothing else."""
    mapped = any(isinstance(mark, HeatMapCells) for mark in chart.marks)
    layout: dict[str, Any] = {
        "autosize": True,
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "font": {"size": 12, "color": "@faint"},
        "hovermode": "closest" if chart.bars or mapped else "x unified",
        "hoverlabel": {"bgcolor": "@paper", "bordercolor": "@faint", "font": {"color": "@ink", "size": 12}},
        "margin": {"l": LEFT, "r": RIGHT, "t": ABOVE, "b": BELOW, "pad": 4},
        "xaxis": _along(chart, traces),
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
    for pane in range(len(chart.y_names)):
        layout[f"yaxis{'' if pane == 0 else pane + 1}"] = _up(chart, pane, mapped=mapped)
    if any(trace.get("yaxis") == OVER for trace in traces):
        layout["yaxis9"] = {"overlaying": "y", "range": [0, 1], "visible": False, "fixedrange": True}
    return layout


def _along(chart: Chart, traces: list[Trace]) -> dict[str, Any]:
    """The x axis."""
    axis: dict[str, Any] = {
        "title": {"text": _plain(chart.x_name), "standoff": 8},
        "automargin": True,
        "linecolor": "@faint",
        "showgrid": bool(chart.bars),
        "gridcolor": "@grid",
        "zeroline": bool(chart.bars),
        "zerolinecolor": "@faint",
        "tickcolor": "@faint",
        "ticks": "outside",
        "tickangle": 0,
        "nticks": 8,
    }
    times = [trace["x"] for trace in traces if isinstance(trace["x"], np.ndarray)]
    if chart.log:
        axis["type"] = "log"
    elif times and times[0].dtype.kind == "M":
        axis["type"] = "date"
    elif times and all(x.dtype.kind in "iu" and np.ptp(x) < FEW for x in times if len(x)):
        axis["dtick"] = 1
    if len(chart.y_names) > 1:
        axis["anchor"] = _axis(len(chart.y_names) - 1)
    return axis


def _up(chart: Chart, pane: int, *, mapped: bool) -> dict[str, Any]:
    """The y axis of a pane; the first is on top."""
    panes = len(chart.y_names)
    low, high = 1 - (pane + 1) / panes + (0.04 if pane < panes - 1 else 0), 1 - pane / panes
    axis: dict[str, Any] = {
        "title": {"text": _plain(chart.y_names[pane])},
        "automargin": True,
        "gridcolor": "@grid",
        "zeroline": False,
        "nticks": 7,
        "domain": [round(low, 3), round(high, 3)],
        "showgrid": not (chart.bars or (mapped and pane == panes - 1)),
    }
    if chart.bars:
        labels = [_plain(label if len(label) <= LONGEST_LABEL else label[:LONGEST_LABEL] + "…") for label in chart.bars]
        axis |= {"tickmode": "array", "tickvals": list(range(len(labels))), "ticktext": labels, "autorange": "reversed"}
    return axis
