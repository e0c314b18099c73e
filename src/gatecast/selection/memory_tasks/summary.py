"""Results of the memory benchmark by task and cell, over all seeds, and in sentences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy.typing as npt

from gatecast.forecasting.panel_rnn.model import CELLS
from gatecast.selection.recommendation import join_names

__all__ = ["RunSummary", "TaskFacts", "describe_runs", "summarize_runs"]


class RunSummary(NamedTuple):
    """Trainings of one cell on one task, over all seeds."""

    task: str
    length: int
    cell: str
    n_parameters: int
    n_solved: int
    n_runs: int
    mean_updates: int
    mean_loss: float
    naive_loss: float
    mean_accuracy: float
    total_seconds: float


def summarize_runs(results: Mapping[str, npt.NDArray[Any]]) -> list[RunSummary]:
    """Summarize the results of a memory benchmark.

    Args:
        results: Columns of `MemoryBenchmark.results`, a row for each task, cell and seed.

    Returns:
        A summary for each task and cell, in the order of the rows.

    Example:
        >>> import numpy as np
        >>> names = {"probe": ["order"] * 2, "cell": ["rnn"] * 2, "solved": [True, False]}
        >>> numbers = ("length", "parameters", "step", "loss", "naive", "accuracy", "seconds")
        >>> results = {name: np.array(v) for name, v in names.items()} | {name: np.ones(2) for name in numbers}
        >>> [(run.task, run.cell, run.n_solved, run.n_runs) for run in summarize_runs(results)]
        [('order', 'rnn', 1, 2)]
    """
    summaries = []
    for task, cell in dict.fromkeys(zip(results["probe"].tolist(), results["cell"].tolist(), strict=True)):
        at = (results["probe"] == task) & (results["cell"] == cell)
        run = {name: column[at] for name, column in results.items()}
        summaries.append(
            RunSummary(
                task=task,
                length=int(run["length"][0]),
                cell=cell,
                n_parameters=int(run["parameters"][0]),
                n_solved=int(run["solved"].sum()),
                n_runs=int(at.sum()),
                mean_updates=int(run["step"].mean()),
                mean_loss=float(run["loss"].mean()),
                naive_loss=float(run["naive"][0]),
                mean_accuracy=float(run["accuracy"].mean()),
                total_seconds=float(run["seconds"].sum()),
            )
        )
    return summaries


class TaskFacts(NamedTuple):
    """What a sentence states of a task."""

    title: str
    length: int
    max_updates: int


TEMPLATES = {
    "task": "{title}, {length} steps, at most {max_updates:,} updates: {outcome}.",
    "better": "The LSTM does better than an RNN with as many parameters on: {titles}.",
    "no_worse": "The RNN does no worse than the LSTM on: {titles}.",
}
"""Sentences of a benchmark."""


def describe_runs(runs: Sequence[RunSummary], tasks: Mapping[str, TaskFacts]) -> str:
    """Return who solved what, and how a plain RNN compares with the LSTM.

    Args:
        runs: As from `summarize_runs`.
        tasks: Facts of each task, by name.

    Example:
        >>> run = RunSummary("order", 20, "lstm", 100, 2, 2, 150, 0.01, 0.2, 1.0, 3.0)
        >>> describe_runs([run], {"order": TaskFacts("temporal order", 20, 200)})
        'Temporal order, 20 steps, at most 200 updates: solved by LSTM with all 2 seeds.'
    """
    sentences = []
    better: list[str] = []
    no_worse: list[str] = []
    for name, task in tasks.items():
        n_solved = {run.cell: run.n_solved for run in runs if run.task == name}
        n_runs = next(run.n_runs for run in runs if run.task == name)
        facts = {"title": task.title[0].upper() + task.title[1:], "length": task.length}
        outcome = _outcome(n_solved, n_runs)
        sentences.append(TEMPLATES["task"].format(**facts, max_updates=task.max_updates, outcome=outcome))
        if {"rnn", "lstm"} <= n_solved.keys():
            (better if n_solved["lstm"] > n_solved["rnn"] else no_worse).append(task.title)
    for kind, titles in (("better", better), ("no_worse", no_worse)):
        if titles:
            sentences.append(TEMPLATES[kind].format(titles=join_names(titles)))
    return " ".join(sentences)


def _outcome(n_solved: Mapping[str, int], n_runs: int) -> str:
    """Return which cells solved a task, and with how many seeds, the most first."""
    parts: list[str] = []
    for number in sorted(set(n_solved.values()), reverse=True):
        names = join_names([CELLS[cell].column for cell, solved in n_solved.items() if solved == number])
        if number == 0:
            parts.append(f"not by {names}" if parts else f"not solved by {names}")
            continue
        seeds = f" with all {n_runs} seeds" if number == n_runs else f" with {number} of {n_runs}"
        parts.append(f"{'' if parts else 'solved '}by {names}{'' if n_runs == 1 else seeds}")
    return ", ".join(parts)
