"""Sections about choices: models side by side, and the trials of a search."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from gatecast.plotting.spec import MODELS, Bars, Chart, Line, Points
from gatecast.reporting.blocks import FactList, Figure, Paragraph, Part, Section, table_of
from gatecast.selection.charts import probe_charts
from gatecast.selection.memory_tasks.benchmark import MemoryBenchmark

__all__ = ["comparison_section", "probe_section", "trials_section"]

BAR = 30
"""Pixels of a bar."""


def comparison_section(comparison: Any) -> Section:
    """Models on the same folds: errors, time, significance, and which to take.

    Args:
        comparison: A `Comparison`.
    """
    scores = comparison.scores
    names = tuple(str(name) for name in scores["model"])
    measure = "mase" if np.isfinite(np.asarray(scores["mase"], float)).any() else "mae"
    error = np.asarray(scores[measure], float)
    order = np.argsort(np.nan_to_num(error, nan=np.inf), kind="stable")
    labels = tuple(names[k] for k in order)
    bars = Bars(labels, error[order], "", "model")
    says = "; ".join(f"{name} {value:.3g}" for name, value in zip(labels, error[order], strict=True))
    parts: list[Part] = [
        Paragraph(comparison.recommendation, loud=True),
        Figure(
            Chart(
                f"{measure.upper()} of each model", (bars,), x_name=f"{measure.upper()}, smaller is better", says=says
            ),
            height=100 + BAR * len(names),
        ),
        table_of(scores, "Scores over all folds and series"),
    ]
    seconds = np.asarray(scores.get("seconds", ()), float)
    known = np.isfinite(seconds) & np.isfinite(error) if len(seconds) else np.zeros(0, bool)
    if known.sum() > 1 and (seconds[known] > 0).all():
        mine = np.flatnonzero(known)
        marks = tuple(
            Points(
                seconds[[k]],
                error[[k]],
                names[k],
                MODELS[n % len(MODELS)],
                ("circle", "diamond", "x")[n // len(MODELS) % 3],
            )
            for n, k in enumerate(mine)
        )
        chart = Chart("Error and time", marks, x_name="seconds", y_names=(measure.upper(),), log=True)
        parts.append(Figure(chart, "Lower is better, further left is faster."))
    return Section("comparison", "Models side by side", tuple(parts))


def probe_section(probe: MemoryBenchmark) -> Section:
    """Tasks that need a long memory, and which cell learns them.

    Args:
        probe: Results of the probes.
    """
    parts: list[Part] = [Paragraph(probe.sentence), *(Figure(chart) for chart in probe_charts(probe))]
    return Section("probes", "Long memory", tuple(parts))


def trials_section(tuned: Any) -> Section:
    """The trials of a search: how it went, which settings matter, the best.

    Args:
        tuned: A `Tuned`.
    """
    trials: Mapping[str, Any] = tuned.trials
    value = np.asarray(trials["value"], float)
    place = np.arange(1, len(value) + 1)
    whole = np.isfinite(value)
    best = np.minimum.accumulate(np.where(whole, value, np.inf))
    marks = (
        Points(place[whole], value[whole], "trial", "model"),
        Line(place, np.where(np.isfinite(best), best, np.nan), "best so far", "naive", 1.6),
    )
    parts: list[Part] = [
        Paragraph(tuned.sentence, loud=True),
        FactList([(str(name), _text(one)) for name, one in tuned.best.items()]),
        Figure(Chart("Trials", marks, x_name="trial", y_names=("error in validation",))),
    ]
    if tuned.importance:
        names = sorted(tuned.importance, key=lambda name: -tuned.importance[name])
        shares = np.array([100 * float(tuned.importance[name]) for name in names])
        chart = Chart("Which settings matter", (Bars(tuple(map(str, names)), shares, "", "model"),), x_name="percent")
        parts.append(Figure(chart, height=90 + BAR * len(names)))
    parts.append(table_of(trials, "Every trial", folded=True))
    return Section("trials", "Search", tuple(parts))


def _text(value: Any) -> str:
    """A setting."""
    return f"{value:.4g}" if isinstance(value, float) else str(value)
