"""Sections about the networks: how they learnt, what their gates did, how long they remember, what a forecast rests on.

Letters: T steps, H units, B sequences.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from gatecast._utils.formatting import format_count
from gatecast.nn.inspection.trace import LayerTrace
from gatecast.nn.inspection.unit_memory import heat_map
from gatecast.plotting.spec import MODELS, Bars, Chart, Column, HeatMapCells, Line, Mark, VerticalLines
from gatecast.reporting.blocks import Choice, Figure, Paragraph, Part, Section, table_of

__all__ = ["attribution_section", "gates_section", "importance_section", "learning_section", "memory_section"]

Floats = npt.NDArray[np.float64]

STEPS = 400
"""Newest steps of a heat map."""

SMOOTH = 25
"""Updates at most over which the loss of training is averaged: a batch alone says little."""

MOST = 20
"""Bars of a chart."""

BAR = 30
"""Pixels of a bar."""

GATES = {
    "f": "forget gate",
    "i": "input gate",
    "o": "output gate",
    "g": "candidate",
    "z": "update gate",
    "r": "reset gate",
    "h": "output h",
    "c": "memory c",
}
"""What gates and states are called by people."""


def learning_section(advice: Any) -> Section | None:
    """The errors while the first network learnt, and what follows from them.

    Args:
        advice: With `curves` (`step`, `loss`; `validation_step`, `validation`, `training`), `sentence` and `onset_step`.
    """
    curves = {name: np.asarray(curve, float) for name, curve in advice.curves.items()}
    step, loss, at = curves["step"], curves["loss"], curves.get("validation_step", np.empty(0))
    marks: list[Mark] = []
    names = ["error"]
    if len(at) > 1:
        marks += [
            Line(at, curves[name], told, role, 2.0, dotted=True)
            for name, told, role in (("training", "learnt values", "model"), ("validation", "new values", "naive"))
            if name in curves
        ]
    called = "overfitting begins" if advice.overfits else "it would overfit from here"
    if advice.onset_step is not None and marks:
        marks.append(VerticalLines(np.array([float(advice.onset_step)]), (called,)))
    if len(step) > 1:
        # The loss of a batch has a unit of its own, so it has a pane of its own.
        pane = 1 if marks else 0
        width = max(1, min(SMOOTH, len(loss) // 8))
        marks += [
            Line(step, loss, "", "grid", 1.0, pane=pane),
            Line(step, _smooth(loss, width), f"loss, mean of {format_count(width, 'update')}", "ink", 1.6, pane=pane),
        ]
        names = ["error", "loss in training"] if pane else ["loss in training"]
    if not marks:
        return None
    chart = Chart("Learning curve", tuple(marks), x_name="updates", y_names=tuple(names))
    return Section(
        "learning", "How it learnt", (Paragraph(advice.sentence), Figure(chart, height=150 + 150 * len(names)))
    )


def gates_section(layers: Sequence[LayerTrace], times: Column, values: Floats) -> Section | None:
    """Gates and states over time, under the series that they read.

    Args:
        layers: `LayerTrace`s: name, cell, times, and by gate and state (B, T, H), of which the first sequence is shown.
        times: (T',) of the series.
        values: (T',) its values.
    """
    figures: dict[str, Figure] = {}
    for layer in layers:
        for kind, name in ((k, one) for k, part in enumerate((layer.gates, layer.states)) for one in part):
            shown = heat_map(layer, name)
            read, cells = shown.times[-STEPS:], shown.values[-STEPS:].T.astype(float)
            # Gates are between 0 and 1, candidates and outputs between -1 and 1, a memory is as large as it gets.
            signed = kind == 1 or name in ("g", "n")
            size = float(np.nanmax(np.abs(cells), initial=0.0)) or 1.0
            most = max(size, 1.0) if kind == 1 or size > 1 else 1.0
            called, labels = GATES.get(name, name), tuple(f"unit {k}" for k in shown.units[::-1])
            marks = (
                Line(times[times >= read[0]], values[times >= read[0]], "", "ink", 1.2),
                HeatMapCells(read, labels, cells[::-1], called, -most if signed else 0.0, most, 1),
            )
            chart = Chart(
                f"{layer.name}, {called}",
                marks,
                y_names=("series", "units, the longest memory on top"),
                says=f"{called} of {len(cells)} units of {layer.name} over {len(read)} steps, under the series.",
            )
            figures[f"{layer.name}: {called}"] = Figure(chart, height=460)
    if not figures:
        return None
    first = next((name for name in figures if "forget" in name or "update" in name), next(iter(figures)))
    ordered = {first: figures.pop(first)} | figures
    words = (
        "Each row is a unit, each column a step of the series above it. A forget gate near 1 keeps what the unit "
        "remembers, near 0 lets go of it."
    )
    return Section("gates", "Inside the network", (Paragraph(words), Choice("Layer and gate", ordered)))


def memory_section(memory: Any) -> Section | None:
    """How long units remember, and which do nothing.

    Args:
        memory: With `table`, a row a unit, and `sentence`.
    """
    table = memory.table
    if not len(table["unit"]):
        return None
    figures = {}
    layers = np.asarray(table["layer"], object)
    lives = np.asarray(table["half_life"], float)
    for layer in dict.fromkeys(layers.tolist()):
        mine = np.sort(lives[(layers == layer) & np.isfinite(lives)])[::-1]
        if not len(mine):
            continue
        place = np.arange(1, len(mine) + 1)
        chart = Chart(
            f"Half-lives of the units of {layer}",
            (Line(place, mine, "", "model", 1.6, dotted=True),),
            x_name="units, the longest memory first",
            y_names=("steps until half is forgotten",),
            says=f"Half-lives of {layer}: from {mine[-1]:.3g} to {mine[0]:.3g} steps, median {np.median(mine):.3g}.",
        )
        figures[str(layer)] = Figure(chart, height=300)
    parts: list[Part] = [Paragraph(memory.sentence)]
    if figures:
        parts.append(Choice("Layer", figures))
    return Section("memory", "How long it remembers", (*parts, table_of(table, "Every unit", folded=True)))


def attribution_section(explanation: Any) -> Section:
    """What a forecast rests on: shares by column and by step, which add up to it.

    Args:
        explanation: An `Explanation`.
    """
    table = explanation.table
    feature = np.asarray(table["feature"], object)
    share, lag = np.asarray(table["attribution"], float), np.asarray(table["lag"], float)
    parts: list[Part] = [Paragraph(explanation.sentence)]
    marks: list[Mark] = []
    names = list(dict.fromkeys(feature.tolist()))
    for name, role in zip(names, MODELS, strict=False):
        mine = (feature == name) & np.isfinite(lag)
        order = np.argsort(-lag[mine])
        if mine.sum() > 1:
            marks.append(Line(-lag[mine][order], share[mine][order], str(name), role, 1.6, dotted=True))
    if marks:
        flat = Line(np.array([-np.nanmax(lag), -np.nanmin(lag)]), np.zeros(2), "", "faint", 1.0, dashed=True)
        chart = Chart(
            "What each step adds to the forecast",
            (flat, *marks),
            x_name="steps before the forecast begins",
            y_names=("added to the forecast",),
        )
        parts.append(Figure(chart, height=340))
    if len(names) > 1:
        sums = np.array([np.nansum(share[feature == name]) for name in names])
        order = np.argsort(-np.abs(sums))[:MOST]
        labels = tuple(str(names[k]) for k in order)
        chart = Chart(
            "What each column adds", (Bars(labels, sums[order], "", "model"),), x_name="added to the forecast"
        )
        parts.append(Figure(chart, height=90 + BAR * len(order)))
    return Section("attributions", "What the forecast rests on", (*parts, table_of(table, "Every value", folded=True)))


def importance_section(importance: Any) -> Section:
    """How much worse forecasts get when a column is shuffled.

    Args:
        importance: An `Importance`.
    """
    table = importance.table
    rise = np.asarray(table["increase"], float)
    order = np.argsort(-rise)[:MOST]
    low, high = (np.asarray(table[name], float)[order] for name in ("low", "high"))
    labels = tuple(str(table["column"][k]) for k in order)
    title = "Error added when a column is shuffled"
    chart = Chart(title, (Bars(labels, rise[order], "", "model", low, high),), x_name="percent")
    parts = (
        Paragraph(importance.sentence),
        Figure(chart, height=90 + BAR * len(order)),
        table_of(table, "Every column", folded=True),
    )
    return Section("importance", "Which columns matter", parts)


def _smooth(loss: Floats, width: int) -> Floats:
    """The mean of the last updates."""
    total = np.concatenate([[0.0], np.cumsum(np.nan_to_num(loss))])
    stop = np.arange(1, len(loss) + 1)
    begin = np.maximum(stop - width, 0)
    return np.asarray((total[stop] - total[begin]) / (stop - begin))
