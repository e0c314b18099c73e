"""Sections about model selection: comparison of models, the memory benchmark, the trials of a search."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from gatecast.plotting.charts import BASELINES
from gatecast.plotting.spec import SERIES_ROLES, Bars, Chart, Line, Points
from gatecast.reporting.blocks import Block, FactList, Figure, Paragraph, Section, table_from_columns
from gatecast.selection.charts import memory_charts
from gatecast.selection.compare import Comparison
from gatecast.selection.memory_tasks.benchmark import MemoryBenchmark
from gatecast.selection.tune import TuneResult

__all__ = ["comparison_section", "memory_benchmark_section", "search_section"]

Floats = npt.NDArray[np.float64]

BAR_HEIGHT = 30
"""Height that a bar adds to a chart, in pixels."""

SHAPES = ("circle", "diamond", "x")
"""Shapes of points, which tell models of equal color apart."""


def comparison_section(comparison: Comparison) -> Section:
    """Build the comparison of models on the same windows: errors, time, significance, recommendation."""
    scores = comparison.scores
    names = tuple(BASELINES.get(str(name), str(name)) for name in scores["model"])
    metric = "mase" if np.isfinite(np.asarray(scores["mase"], float)).any() else "mae"
    error = np.asarray(scores[metric], float)
    order = np.argsort(np.nan_to_num(error, nan=np.inf), kind="stable")
    labels = tuple(names[k] for k in order)
    texts = (f"{name} {value:.3g}" for name, value in zip(labels, error[order], strict=True))
    chart = Chart(
        f"{metric.upper()} of each model",
        (Bars(labels, error[order], "", "model"),),
        x_label=f"{metric.upper()}, smaller is better",
        description="; ".join(texts),
    )
    blocks: list[Block] = [
        Paragraph(comparison.recommendation, large=True),
        Figure(chart, height=100 + BAR_HEIGHT * len(names)),
        table_from_columns(scores, "Scores over all windows and series"),
    ]
    seconds = np.asarray(scores.get("seconds", np.full(len(names), np.nan)), float)
    timed = np.flatnonzero(np.isfinite(seconds) & np.isfinite(error))
    if len(timed) > 1 and (seconds[timed] > 0).all():
        points = tuple(_point(seconds[[k]], error[[k]], names[k], n) for n, k in enumerate(timed))
        chart = Chart("Error and time", points, x_label="seconds", y_labels=(metric.upper(),), log_x=True)
        blocks.append(Figure(chart, "Lower is more accurate, further left is faster."))
    return Section("comparison", "Model comparison", tuple(blocks))


def memory_benchmark_section(benchmark: MemoryBenchmark) -> Section:
    """Build the section on tasks that need a long memory, and the cells that learn them."""
    figures = (Figure(chart) for chart in memory_charts(benchmark))
    return Section("memory-benchmark", "Memory benchmark", (Paragraph(benchmark.sentence), *figures))


def search_section(result: TuneResult) -> Section:
    """Build the section on a search: its course, the importance of the settings, the best trial."""
    trials = result.trials
    value = np.asarray(trials["value"], float)
    number, finished = np.arange(1, len(value) + 1), np.isfinite(value)
    best = np.minimum.accumulate(np.where(finished, value, np.inf))
    marks = (
        Points(number[finished], value[finished], "trial", "model"),
        Line(number, np.where(np.isfinite(best), best, np.nan), "best so far", "naive", 1.6),
    )
    best_settings = [
        (str(name), f"{setting:.4g}" if isinstance(setting, float) else str(setting))
        for name, setting in result.best.items()
    ]
    blocks: list[Block] = [
        Paragraph(result.sentence, large=True),
        FactList(best_settings),
        Figure(Chart("Trials", marks, x_label="trial", y_labels=("validation error",))),
    ]
    if result.importance:
        names = sorted(result.importance, key=lambda name: -result.importance[name])
        shares = np.array([100 * float(result.importance[name]) for name in names])
        bars = Bars(tuple(map(str, names)), shares, "", "model")
        chart = Chart("Importance of the settings", (bars,), x_label="percent")
        blocks.append(Figure(chart, height=90 + BAR_HEIGHT * len(names)))
    blocks.append(table_from_columns(trials, "All trials", collapsed=True))
    return Section("search", "Hyperparameter search", tuple(blocks))


def _point(x: Floats, y: Floats, name: str, n: int) -> Points:
    """Draw the n-th model as a point whose color and shape differ from those of the others."""
    role, shape = SERIES_ROLES[n % len(SERIES_ROLES)], SHAPES[n // len(SERIES_ROLES) % len(SHAPES)]
    return Points(x, y, name, role, shape)
