"""Charts of comparisons: errors of models, and losses of cells on memory tasks."""

from __future__ import annotations

import numpy as np

from gatecast.forecasting.panel_rnn.model import CELLS
from gatecast.plotting.charts import BASELINES
from gatecast.plotting.spec import Bars, Chart, Line, Mark
from gatecast.selection.compare import Comparison
from gatecast.selection.memory_tasks.benchmark import MemoryBenchmark
from gatecast.selection.memory_tasks.tasks import TASKS

__all__ = ["comparison_chart", "memory_chart", "memory_charts"]

ROLES = ("model", "third", "fourth", "fifth", "sixth")
"""Colors of the cells in turn; "naive" is the answer that remembers nothing."""


def comparison_chart(comparison: Comparison) -> Chart:
    """Return a chart with the error of every model, the smallest on top.

    Args:
        comparison: What `compare` returned.
    """
    scores = comparison.scores
    measure = "mase" if np.isfinite(scores["mase"]).all() else "mae"
    names = tuple(BASELINES.get(name, name) for name in scores["model"].tolist())
    text = "; ".join(f"{name} {value:.3g}" for name, value in zip(names, scores[measure], strict=True))
    title = f"{measure.upper()} of each model, {comparison.h} steps ahead"
    bars = Bars(names, scores[measure], "", "model")
    return Chart(title, (bars,), comparison.recommendation, f"{title}: {text}.", "smaller is better")


def memory_chart(benchmark: MemoryBenchmark) -> Chart:
    """Return a chart with a pane for each task: the loss of every training, and that of the naive answer.

    Args:
        benchmark: What `memory_benchmark` returned.
    """
    labels = list(dict.fromkeys(benchmark.table["probe"].tolist()))
    marks = tuple(mark for pane, label in enumerate(labels) for mark in _marks(benchmark, label, pane))
    names = tuple(_name(benchmark, label) for label in labels)
    return Chart(
        "Long memory: loss during training", marks, benchmark.sentence, benchmark.sentence, "updates", names, log_x=True
    )


def memory_charts(benchmark: MemoryBenchmark) -> list[Chart]:
    """Return a chart for each task; see `memory_chart`.

    Args:
        benchmark: What `memory_benchmark` returned.
    """
    charts = []
    for label in dict.fromkeys(benchmark.table["probe"].tolist()):
        title = f"{_name(benchmark, label)}: loss during training"
        charts.append(Chart(title, _marks(benchmark, label, 0), x_label="updates", y_labels=("loss",), log_x=True))
    return charts


def _name(benchmark: MemoryBenchmark, label: str) -> str:
    """Return the title of a pane."""
    length = int(benchmark.table["length"][benchmark.table["probe"] == label][0])
    return f"{label}, {length} steps" if label in TASKS else label


def _marks(benchmark: MemoryBenchmark, label: str, pane: int) -> tuple[Mark, ...]:
    """Return a line for each cell, broken between seeds, and the naive answer's; the first pane has the names."""
    table = benchmark.table
    rows = table["probe"] == label
    steps, naive = table["step"][rows], float(table["naive"][rows][0])
    ends = np.array([steps.min(), steps.max()], float)
    named = pane == 0
    marks: list[Mark] = [
        Line(ends, np.full(2, naive), "naive answer" if named else "", "naive", 1.2, dashed=True, pane=pane)
    ]
    for cell, role in zip(dict.fromkeys(table["cell"][rows].tolist()), ROLES, strict=False):
        selected = rows & (table["cell"] == cell)
        x, y, seed = table["step"][selected].astype(float), table["loss"][selected], table["seed"][selected]
        cuts = np.flatnonzero(np.diff(seed)) + 1
        name = CELLS[cell].column if named else ""
        marks.append(Line(np.insert(x, cuts, x[cuts]), np.insert(y, cuts, np.nan), name, role, 1.4, pane=pane))
    return tuple(marks)
