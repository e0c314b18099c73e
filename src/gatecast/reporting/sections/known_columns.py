"""Known columns under the chart of a forecast: what promotions and holidays are ahead explains its peaks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from gatecast._utils.typing import FloatArray, IntArray
from gatecast.data.panel import Panel
from gatecast.forecasting.context import PanelContext, column_groups
from gatecast.plotting.spec import SERIES_ROLES, Chart, Column, Line
from gatecast.reporting.language import Raw

__all__ = ["known_ahead", "with_known_columns"]

MAX_DRAWN = 3
"""Known columns under a chart, at most: those that vary."""

TWO = 2
"""Categories of a column that is drawn as 0 and 1."""


def known_ahead(panel: Panel, context: PanelContext, h: int) -> dict[str, FloatArray]:
    """Return the future values of the known columns that are numbers, truth values or one of two categories, [S, h].

    Args:
        panel: The series.
        context: The same as models read them, with what is known for the h steps ahead.
        h: Steps.
    """
    groups: IntArray = column_groups(panel)[0]
    future = context.futr_exog[:, context.values.shape[1] :][:, :h]
    if future.shape[1] < h:
        return {}
    known = {}
    for k, name in enumerate(panel.futr_exog):
        places = np.flatnonzero(groups == k)
        categories = panel.categories.get(name)
        if categories is None and len(places) == 1:
            known[name] = future[:, :, places[0]]
        elif categories is not None and len(categories) == TWO:
            known[name] = future[:, :, places[-1]]
    return known


def with_known_columns(
    chart: Chart, past: Column, future: Column, known: Mapping[str, FloatArray]
) -> tuple[Chart, int]:
    """Return a chart of a forecast with the known columns that vary under it, and how many these are.

    Args:
        chart: Chart of one pane.
        past: Times of the history [T].
        future: Times of the forecast [h].
        known: Values at both, [T + h] each.
    """
    first = min((mark.x[0] for mark in chart.marks if isinstance(mark, Line) and len(mark.x)), default=None)
    times = np.concatenate([past, future])
    visible = times >= first if first is not None else np.ones(len(times), bool)
    drawn: list[tuple[str, FloatArray]] = []
    for name, values in known.items():
        shown = values[visible]
        finite = shown[np.isfinite(shown)]
        if len(finite) and np.ptp(finite) > 0:
            drawn.append((name, shown))
    # Those that vary ahead explain the forecast; others explain its past.
    drawn = sorted(drawn, key=lambda item: np.ptp(item[1][-len(future) :]) == 0)[:MAX_DRAWN]
    if not drawn:
        return chart, 0
    roles: Sequence[str] = SERIES_ROLES[2:]
    lines = [
        Line(times[visible], values, Raw(name), roles[k], 1.4, pane=k + 1) for k, (name, values) in enumerate(drawn)
    ]
    labels = (chart.y_labels[0], *(Raw(name) for name, _ in drawn))
    heights = (1.0, *(0.25 for _ in drawn))
    marks = (*chart.marks, *lines)
    text = f"{chart.alt_text} Known columns below: {', '.join(name for name, _ in drawn)}."
    return replace(chart, marks=marks, y_labels=labels, pane_heights=heights, description=text), len(drawn)
