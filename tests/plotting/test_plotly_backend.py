import json

import numpy as np
import pytest

from gatecast.plotting.matplotlib_backend import draw
from gatecast.plotting.plotly_backend import figure, polygon, resolve
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
    broken,
    within_calendar,
)

X, Y = np.arange(4), np.array([1.0, 2.0, np.nan, 3.0])
MARKS = {
    "line": Line(X, Y, "a < b", "model", dashed=True, dotted=True),
    "band": Band(X, Y - 1, Y + 1, "interval", "model", 0.5),
    "dots": Points(X, Y, "odd", "odd", "diamond", ("a", "b", "c", "d")),
    "spans": ShadedRanges(X[:2], X[:2] + 1, "missing"),
    "starts": VerticalLines(X[:2], ("test", "forecast")),
    "bars": Bars(
        ("first", "a name of very many letters indeed"),
        np.array([1.0, -2.0]),
        "bars",
        "model",
        np.array([0.5, -3.0]),
        np.array([2.0, -1.0]),
    ),
    "cells": HeatMapCells(X, ("u0", "u1"), np.arange(8.0).reshape(2, 4), "gate"),
}


def roles(value):
    """All roles in a figure."""
    if isinstance(value, dict):
        return set().union(*map(roles, value.values())) if value else set()
    if isinstance(value, list):
        return set().union(*map(roles, value)) if value else set()
    return {value[1:].split("/")[0]} if isinstance(value, str) and value.startswith("@") else set()


@pytest.mark.parametrize("name", MARKS)
def test_every_mark_is_drawn_by_both_libraries(name):
    chart = Chart("title", (MARKS[name],), "note")
    made = figure(chart)
    assert made["data"]
    assert roles(made) <= set(LIGHT)
    assert not roles(resolve(made))
    pytest.importorskip("matplotlib")
    (axes,) = draw(chart).axes
    assert axes.lines or axes.patches or axes.collections


@pytest.mark.parametrize("name", MARKS)
def test_plotly_takes_every_mark(name):
    graphs = pytest.importorskip("plotly.graph_objects")
    graphs.Figure(resolve(figure(Chart("title", (MARKS[name],)))))


def test_both_worlds_know_the_same_roles():
    assert set(LIGHT) == set(DARK)


def luminance(colour):
    """Of a colour, by WCAG 2."""
    parts = np.array([int(colour[k : k + 2], 16) for k in (1, 3, 5)]) / 255
    linear = np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
    return float(linear @ (0.2126, 0.7152, 0.0722))


@pytest.mark.parametrize("colours", [LIGHT, DARK])
@pytest.mark.parametrize("role", sorted(set(LIGHT) - {"paper", "grid"}))
def test_what_is_drawn_stands_out_from_the_paper(colours, role):
    pair = sorted([luminance(colours[role]), luminance(colours["paper"])])
    # WCAG 2.1: text 4.5 to 1, what a picture says 3 to 1.
    assert (pair[1] + 0.05) / (pair[0] + 0.05) >= (4.5 if role in ("ink", "faint", "model") else 3)


def test_a_band_is_closed_around_each_part():
    closed = polygon({"x": X, "low": Y - 1, "high": Y + 1, "fill": "toself"})
    assert closed["x"].tolist() == [0, 1, 1, 0, 0, 3, 3, 3]
    assert np.array_equal(closed["y"], [2, 3, 1, 0, np.nan, 4, 2, np.nan], equal_nan=True)


def test_a_band_without_values_is_empty():
    assert len(polygon({"x": X, "low": Y * np.nan, "high": Y})["x"]) == 0


def test_panes_share_one_x_axis():
    made = figure(Chart("t", (Line(X, Y, "a", "ink"), Line(X, Y, "b", "ink", pane=1)), y_names=("up", "down")))
    assert [trace["yaxis"] for trace in made["data"]] == ["y", "y2"]
    assert made["layout"]["yaxis"]["domain"][0] > made["layout"]["yaxis2"]["domain"][1]
    assert made["layout"]["xaxis"]["anchor"] == "y2"


def test_names_with_tags_are_shown_as_they_are():
    trace = figure(Chart("t", (Line(X, Y, "<b>bold</b> & co", "ink"),)))["data"][0]
    assert trace["name"] == "&lt;b>bold&lt;/b> &amp; co"


def test_long_names_of_bars_are_shortened_but_stay_apart():
    names = ("x" * 40 + "a", "x" * 40 + "b")
    made = figure(Chart("t", (Bars(names, np.ones(2), "", "model"),)))
    assert made["layout"]["yaxis"]["ticktext"] == ["x" * 22 + "…"] * 2
    assert made["data"][0]["y"].tolist() == [0, 1]
    assert made["data"][0]["hovertext"] == list(names)


def test_times_beyond_the_calendar_become_days():
    chart = Chart("t", (Line(np.array(["9999-12-31", "10000-01-01"], "M8[us]"), np.ones(2), "a", "ink"),))
    inside = within_calendar(chart)
    assert inside.marks[0].x.tolist() == [2932896.0, 2932897.0]
    assert inside.x_name == "days since 1970-01-01"


def test_times_within_it_stay():
    chart = Chart("t", (Line(np.array(["2020-01-01"], "M8[us]"), np.ones(1), "a", "ink"),))
    assert within_calendar(chart) is chart


def test_a_line_is_interrupted_after_every_part():
    x, y = broken(np.arange(5), 2, np.arange(5.0))
    assert x.tolist() == [0, 1, 1, 2, 3, 3, 4]
    assert np.array_equal(y, [0, 1, np.nan, 2, 3, np.nan, 4], equal_nan=True)


def test_the_layout_is_json():
    json.dumps(figure(Chart("t", tuple(MARKS[name] for name in ("line", "band", "starts"))))["layout"], allow_nan=False)
