"""Sections about the networks: learning curves, gates and states, memory of the units, attributions, importance.

`gate_blocks`, `memory_blocks` and `attribution_blocks` describe one series; on the page of a panel their content
follows the selected series.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from gatecast._utils.formatting import format_count
from gatecast.evaluation.learning_curves import Diagnosis
from gatecast.explain.forecast_attribution import Explanation
from gatecast.explain.gates import Gates
from gatecast.explain.permutation_importance import Importance
from gatecast.nn.inspection.trace import LayerTrace
from gatecast.nn.inspection.unit_memory import UnitMemory, heat_map
from gatecast.plotting.charts import HistorySeries
from gatecast.plotting.spec import SERIES_ROLES, Bars, Chart, HeatMapCells, Line, Mark, VerticalLines
from gatecast.reporting.blocks import Choice, ContentBlock, Figure, Paragraph, Section, table_from_columns

__all__ = [
    "GATES_NOTE",
    "MAX_STEPS",
    "attribution_blocks",
    "gate_blocks",
    "importance_section",
    "learning_section",
    "memory_blocks",
]

Floats = npt.NDArray[np.float64]

MAX_STEPS = 400
"""Steps of a heat map: the newest ones are shown."""

SMOOTHING_WINDOW = 25
"""Updates over which the training loss is averaged at most: the loss of a single batch is noise."""

MAX_BARS = 20
BAR_HEIGHT = 30
"""Height that a bar adds to a chart, in pixels."""

GATE_NAMES = {
    "f": "forget gate",
    "i": "input gate",
    "o": "output gate",
    "g": "candidate",
    "z": "update gate",
    "r": "reset gate",
    "h": "output h",
    "c": "memory cell c",
}
"""Display names of gates and states."""

SIGNED_GATES = ("g", "n")
"""Gates between -1 and 1; the others are between 0 and 1."""

GATES_NOTE = (
    "Each row is a unit, the longest memory at the top; each column is a step of the series above. A forget gate near "
    "1 keeps the memory of a unit, a forget gate near 0 erases it."
)


def learning_section(diagnosis: Diagnosis) -> Section | None:
    """Build the section on the learning curves of the first network; None without curves."""
    curves = {name: np.asarray(curve, float) for name, curve in diagnosis.curves.items()}
    step, loss, validation_step = curves["step"], curves["loss"], curves.get("validation_step", np.empty(0))
    marks: list[Mark] = []
    labels = ["error"]
    if len(validation_step) > 1:
        marks += [
            Line(validation_step, curves[name], label, role, 2.0, markers=True)
            for name, label, role in (
                ("training", "training error", "model"),
                ("validation", "validation error", "naive"),
            )
            if name in curves
        ]
    if diagnosis.onset_step is not None and marks:
        label = "overfitting begins" if diagnosis.overfits else "overfitting would begin"
        marks.append(VerticalLines(np.array([float(diagnosis.onset_step)]), (label,)))
    if len(step) > 1:
        # The loss of a batch has another unit than the errors, so it has its own pane.
        pane = 1 if marks else 0
        width = max(1, min(SMOOTHING_WINDOW, len(loss) // 8))
        label = f"loss, mean of {format_count(width, 'update')}"
        marks.append(Line(step, loss, "", "grid", 1.0, pane=pane))
        marks.append(Line(step, _trailing_mean(loss, width), label, "ink", 1.6, pane=pane))
        labels = ["error", "training loss"] if pane else ["training loss"]
    if not marks:
        return None
    chart = Chart("Learning curves", tuple(marks), x_label="updates", y_labels=tuple(labels))
    figure = Figure(chart, height=150 + 150 * len(labels))
    return Section("learning", "Learning curves", (Paragraph(diagnosis.sentence), figure))


def gate_blocks(gates: Gates, history: HistorySeries, max_steps: int = MAX_STEPS) -> tuple[ContentBlock, ...]:
    """Chart gates and states over time, below the series that the network reads.

    Args:
        gates: Gates of the first network while it reads the series.
        history: The series.
        max_steps: Steps to show, the newest ones.
    """
    charts = {
        f"{layer.name}: {GATE_NAMES.get(name, name)}": _gate_chart(layer, name, history, max_steps)
        for layer in gates.layers
        for name in (*layer.gates, *layer.states)
    }
    first = next((name for name in charts if "forget" in name or "update" in name), next(iter(charts)))
    ordered = {first: charts.pop(first)} | charts
    return (Choice("Layer and gate", {name: Figure(chart, height=460) for name, chart in ordered.items()}),)


def memory_blocks(memory: UnitMemory) -> tuple[ContentBlock, ...]:
    """Chart the half-lives of the units, and list all units."""
    layers, half_life = np.asarray(memory.table["layer"], object), np.asarray(memory.table["half_life"], float)
    figures = {}
    for layer in dict.fromkeys(layers.tolist()):
        values = np.sort(half_life[(layers == layer) & np.isfinite(half_life)])[::-1]
        if not len(values):
            continue
        chart = Chart(
            f"Half-lives of the units of {layer}",
            (Line(np.arange(1, len(values) + 1), values, "", "model", 1.6, markers=True),),
            x_label="units, the longest memory first",
            y_labels=("half-life in steps",),
            description=(
                f"Half-lives of {layer}: from {values[-1]:.3g} to {values[0]:.3g} steps, "
                f"median {np.median(values):.3g}."
            ),
        )
        figures[str(layer)] = Figure(chart, height=300)
    choice = (Choice("Layer", figures),) if figures else ()
    return (Paragraph(memory.sentence), *choice, table_from_columns(memory.table, "All units", collapsed=True))


def attribution_blocks(explanation: Explanation) -> tuple[ContentBlock, ...]:
    """Chart the attributions of a forecast by lag and by column, and list all of them."""
    table = explanation.table
    feature = np.asarray(table["feature"], object)
    attribution, lag = np.asarray(table["attribution"], float), np.asarray(table["lag"], float)
    names = list(dict.fromkeys(feature.tolist()))
    blocks: list[ContentBlock] = [Paragraph(explanation.sentence)]
    lines: list[Mark] = []
    for name, role in zip(names, SERIES_ROLES, strict=False):
        rows = (feature == name) & np.isfinite(lag)
        # A known column has two attributions at one lag: as input of the network, and in the regression.
        steps, group = np.unique(-lag[rows], return_inverse=True)
        if len(steps) > 1:
            by_lag = np.bincount(group, attribution[rows])
            lines.append(Line(steps, by_lag, str(name), role, 1.6, markers=True))
    if lines:
        zero = Line(np.array([-np.nanmax(lag), -np.nanmin(lag)]), np.zeros(2), "", "faint", 1.0, dashed=True)
        chart = Chart(
            "Attribution by lag",
            (zero, *lines),
            x_label="steps relative to the first step ahead",
            y_labels=("added to the forecast",),
        )
        blocks.append(Figure(chart, height=340))
    if len(names) > 1:
        sums = np.array([np.nansum(attribution[feature == name]) for name in names])
        order = np.argsort(-np.abs(sums))[:MAX_BARS]
        bars = Bars(tuple(str(names[k]) for k in order), sums[order], "", "model")
        chart = Chart("Attribution by column", (bars,), x_label="added to the forecast")
        blocks.append(Figure(chart, height=90 + BAR_HEIGHT * len(order)))
    return (*blocks, table_from_columns(table, "All attributions", collapsed=True))


def importance_section(importance: Importance) -> Section:
    """Build the section on the permutation importance of the columns."""
    table = importance.table
    increase = np.asarray(table["increase"], float)
    order = np.argsort(-increase)[:MAX_BARS]
    low, high = (np.asarray(table[name], float)[order] for name in ("low", "high"))
    bars = Bars(tuple(str(table["column"][k]) for k in order), increase[order], "", "model", low, high)
    chart = Chart("Increase of the error when a column is permuted", (bars,), x_label="percent")
    figure = Figure(chart, height=90 + BAR_HEIGHT * len(order))
    table_block = table_from_columns(table, "All columns", collapsed=True)
    return Section("importance", "Permutation importance", (Paragraph(importance.sentence), figure, table_block))


def _gate_chart(layer: LayerTrace, name: str, history: HistorySeries, max_steps: int) -> Chart:
    """Chart a gate or state as a heat map below the series."""
    heat = heat_map(layer, name)
    times, cells = heat.times[-max_steps:], heat.values[-max_steps:].T.astype(float)
    # Gates are between 0 and 1, candidates and outputs between -1 and 1; memory cells have no bound.
    is_state = name in layer.states
    largest = float(np.nanmax(np.abs(cells), initial=0.0)) or 1.0
    vmax = max(largest, 1.0) if is_state or largest > 1 else 1.0
    vmin = -vmax if is_state or name in SIGNED_GATES else 0.0
    title, labels = GATE_NAMES.get(name, name), tuple(f"unit {k}" for k in heat.units[::-1])
    visible = history.times >= times[0]
    return Chart(
        f"{layer.name}, {title}",
        (
            Line(history.times[visible], history.values[visible], "", "ink", 1.2),
            HeatMapCells(times, labels, cells[::-1], title, vmin, vmax, 1),
        ),
        y_labels=("series", "units by half-life"),
        description=f"{title} of {len(cells)} units of {layer.name} over {len(times)} steps, below the series.",
    )


def _trailing_mean(values: Floats, width: int) -> Floats:
    """Return the mean of the last `width` values at every position."""
    total = np.concatenate([[0.0], np.cumsum(np.nan_to_num(values))])
    stop = np.arange(1, len(values) + 1)
    start = np.maximum(stop - width, 0)
    return np.asarray((total[stop] - total[start]) / (stop - start))
