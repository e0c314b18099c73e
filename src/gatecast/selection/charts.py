"""Charts of choices: the errors of models side by side, and how cells learn the tasks that need a memory."""

from __future__ import annotations

import numpy as np

from gatecast.forecasting.panel_rnn.model import CELLS
from gatecast.plotting.charts import BASELINES
from gatecast.plotting.spec import Bars, Chart, Line, Mark
from gatecast.selection.compare import Comparison
from gatecast.selection.memory_tasks.benchmark import MemoryBenchmark
from gatecast.selection.memory_tasks.tasks import TASKS

__all__ = ["comparison_chart", "probe_chart", "probe_charts"]

ROLES = ("model", "third", "fourth", "fifth", "sixth")
"""Of the cells in turn; "naive" is the answer that remembers nothing."""


def comparison_chart(comparison: Comparison) -> Chart:
    """The error of every model, the smallest on top.

    Args:
        comparison: What `compare` gave.
    """
    scores = comparison.scores
    measure = "mase" if np.isfinite(scores["mase"]).all() else "mae"
    names = tuple(BASELINES.get(name, name) for name in scores["model"].tolist())
    says = "; ".join(f"{name} {value:.3g}" for name, value in zip(names, scores[measure], strict=True))
    title = f"{measure.upper()} of each model, {comparison.h} steps ahead"
    bars = Bars(names, scores[measure], "", "model")
    return Chart(title, (bars,), comparison.recommendation, f"{title}: {says}.", "smaller is better")


def probe_chart(probe: MemoryBenchmark) -> Chart:
    """All tasks, a pane each: the loss of every training, beside that of the answer that remembers nothing.

    Args:
        probe: What `probe` gave.
    """
    labels = list(dict.fromkeys(probe.table["probe"].tolist()))
    marks = tuple(mark for pane, label in enumerate(labels) for mark in _marks(probe, label, pane))
    names = tuple(_name(probe, label) for label in labels)
    return Chart(
        "Long memory: loss while learning", marks, probe.sentence, probe.sentence, "updates", names, log_x=True
    )


def probe_charts(probe: MemoryBenchmark) -> list[Chart]:
    """The same, a chart for each task.

    Args:
        probe: What `probe` gave.
    """
    charts = []
    for label in dict.fromkeys(probe.table["probe"].tolist()):
        title = f"{_name(probe, label)}: loss while learning"
        charts.append(Chart(title, _marks(probe, label, 0), x_label="updates", y_labels=("loss",), log_x=True))
    return charts


def _name(probe: MemoryBenchmark, label: str) -> str:
    """What a pane is called."""
    length = int(probe.table["length"][probe.table["probe"] == label][0])
    return f"{label}, {length} steps" if label in TASKS else label


def _marks(probe: MemoryBenchmark, label: str, pane: int) -> tuple[Mark, ...]:
    """A line a cell, interrupted between seeds, and the naive answer's; only the first pane has names."""
    table = probe.table
    here = table["probe"] == label
    steps, naive = table["step"][here], float(table["naive"][here][0])
    ends = np.array([steps.min(), steps.max()], float)
    named = pane == 0
    marks: list[Mark] = [
        Line(ends, np.full(2, naive), "naive answer" if named else "", "naive", 1.2, dashed=True, pane=pane)
    ]
    for cell, role in zip(dict.fromkeys(table["cell"][here].tolist()), ROLES, strict=False):
        own = here & (table["cell"] == cell)
        x, y, seed = table["step"][own].astype(float), table["loss"][own], table["seed"][own]
        cuts = np.flatnonzero(np.diff(seed)) + 1
        name = CELLS[cell][0] if named else ""
        marks.append(Line(np.insert(x, cuts, x[cuts]), np.insert(y, cuts, np.nan), name, role, 1.4, pane=pane))
    return tuple(marks)
