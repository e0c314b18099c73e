"""Results of the memory benchmark by task and cell, over all seeds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy.typing as npt

__all__ = ["RunSummary", "summarize_runs"]


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
