import json

import numpy as np
import pytest

from gatecast.plotting.plotly_backend import polygon, resolve_roles, to_plotly
from gatecast.plotting.spec import (
    DARK,
    LIGHT,
    Band,
    Bars,
    Chart,
    HeatMapCells,
    Line,
    Points,
    ShadedRanges,
    VerticalLines,
    insert_gaps,
    within_calendar,
)

X, Y = np.arange(4), np.array([1.0, 2.0, np.nan, 3.0])
MARKS = {
    "line": Line(X, Y, "a < b", "model", dashed=True, markers=True),
    "band": Band(X, Y - 1, Y + 1, "interval", "model", 0.5),
    "points": Points(X, Y, "outlier", "outlier", "diamond", ("a", "b", "c", "d")),
    "shaded_ranges": ShadedRanges(X[:2], X[:2] + 1, "missing"),
    "vertical_lines": VerticalLines(X[:2], ("test", "forecast")),
    "bars": Bars(
        ("first", "a label with very many characters"),
        np.array([1.0, -2.0]),
        "bars",
        "model",
        np.array([0.5, -3.0]),
        np.array([2.0, -1.0]),
    ),
    "heat_map": HeatMapCells(X, ("u0", "u1"), np.arange(8.0).reshape(2, 4), "gate"),
}


def roles(value):
    """Return all roles in a figure."""
    if isinstance(value, dict):
        return set().union(*map(roles, value.values())) if value else set()
    if isinstance(value, list):
        return set().union(*map(roles, value)) if value else set()
    return {value[1:].split("/")[0]} if isinstance(value, str) and value.startswith("@") else set()


@pytest.mark.parametrize("name", MARKS)
def test_mark_is_drawn_by_both_libraries(name):
    chart = Chart("title", (MARKS[name],), "note")
    made = to_plotly(chart)
    assert made["data"]
    assert roles(made) <= set(LIGHT)
    assert not roles(resolve_roles(made))
    backend = pytest.importorskip("gatecast.plotting.matplotlib_backend")
    (axes,) = backend.draw(chart).axes
    assert axes.lines or axes.patches or axes.collections


@pytest.mark.parametrize("name", MARKS)
def test_mark_is_valid_in_plotly(name):
    graphs = pytest.importorskip("plotly.graph_objects")
    graphs.Figure(resolve_roles(to_plotly(Chart("title", (MARKS[name],)))))


def test_color_schemes_have_equal_roles():
    assert set(LIGHT) == set(DARK)


def luminance(color):
    """Return the luminance of a color by WCAG 2."""
    parts = np.array([int(color[k : k + 2], 16) for k in (1, 3, 5)]) / 255
    linear = np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
    return float(linear @ (0.2126, 0.7152, 0.0722))


@pytest.mark.parametrize("colors", [LIGHT, DARK])
@pytest.mark.parametrize("role", sorted(set(LIGHT) - {"paper", "grid"}))
def test_color_has_enough_contrast(colors, role):
    pair = sorted([luminance(colors[role]), luminance(colors["paper"])])
    # WCAG 2.1: 4.5 to 1 for text, 3 to 1 for graphics.
    assert (pair[1] + 0.05) / (pair[0] + 0.05) >= (4.5 if role in ("ink", "faint", "model") else 3)


def test_polygon_closes_each_run():
    closed = polygon({"x": X, "low": Y - 1, "high": Y + 1, "fill": "toself"})
    assert closed["x"].tolist() == [0, 1, 1, 0, 0, 3, 3, 3]
    assert np.array_equal(closed["y"], [2, 3, 1, 0, np.nan, 4, 2, np.nan], equal_nan=True)


def test_polygon_without_values_is_empty():
    assert len(polygon({"x": X, "low": Y * np.nan, "high": Y})["x"]) == 0


def test_panes_share_x_axis():
    made = to_plotly(Chart("t", (Line(X, Y, "a", "ink"), Line(X, Y, "b", "ink", pane=1)), y_labels=("up", "down")))
    assert [trace["yaxis"] for trace in made["data"]] == ["y", "y2"]
    assert made["layout"]["yaxis"]["domain"][0] > made["layout"]["yaxis2"]["domain"][1]
    assert made["layout"]["xaxis"]["anchor"] == "y2"


def test_name_with_tags_is_escaped():
    trace = to_plotly(Chart("t", (Line(X, Y, "<b>bold</b> & co", "ink"),)))["data"][0]
    assert trace["name"] == "&lt;b>bold&lt;/b> &amp; co"


def test_long_bar_labels_are_shortened_but_distinct():
    names = ("x" * 40 + "a", "x" * 40 + "b")
    made = to_plotly(Chart("t", (Bars(names, np.ones(2), "", "model"),)))
    assert made["layout"]["yaxis"]["ticktext"] == ["x" * 22 + "…"] * 2
    assert made["data"][0]["y"].tolist() == [0, 1]
    assert made["data"][0]["hovertext"] == list(names)


def test_within_calendar_replaces_late_times_by_days():
    chart = Chart("t", (Line(np.array(["9999-12-31", "10000-01-01"], "M8[us]"), np.ones(2), "a", "ink"),))
    inside = within_calendar(chart)
    assert inside.marks[0].x.tolist() == [2932896.0, 2932897.0]
    assert inside.x_label == "days since 1970-01-01"


def test_within_calendar_keeps_usual_times():
    chart = Chart("t", (Line(np.array(["2020-01-01"], "M8[us]"), np.ones(1), "a", "ink"),))
    assert within_calendar(chart) is chart


def test_insert_gaps_after_every_run():
    x, y = insert_gaps(np.arange(5), 2, np.arange(5.0))
    assert x.tolist() == [0, 1, 1, 2, 3, 3, 4]
    assert np.array_equal(y, [0, 1, np.nan, 2, 3, np.nan, 4], equal_nan=True)


def test_resolve_roles_leaves_names_that_look_like_roles():
    trace = resolve_roles(to_plotly(Chart("t", (Line(X, Y, "@model", "model"),))))["data"][0]
    assert (trace["name"], trace["line"]["color"]) == ("@model", LIGHT["model"])


def test_layout_is_json():
    marks = tuple(MARKS[name] for name in ("line", "band", "vertical_lines"))
    json.dumps(to_plotly(Chart("t", marks))["layout"], allow_nan=False)
