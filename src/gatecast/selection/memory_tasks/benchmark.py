"""Why an LSTM remembers: recurrent cells of equal size on tasks that only a memory solves.

Every batch of the training is drawn afresh, so each loss is one on new samples, and nothing can be memorized. A run
solves a task when its loss on held-out samples is below a twentieth of the naive answer's.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from gatecast._utils.html import html_table
from gatecast._utils.validation import check_positive_int
from gatecast.errors import ConfigError
from gatecast.forecasting.panel_rnn.model import CELLS
from gatecast.kernels import cells
from gatecast.nn import optim, training
from gatecast.nn.batching import make_batches
from gatecast.nn.layers import Dense
from gatecast.nn.losses import MeanSquaredError
from gatecast.nn.network import Network, Weights, build, initial_weights
from gatecast.nn.random import generator
from gatecast.pipeline.progress import Progress
from gatecast.selection.memory_tasks.summary import TaskFacts, describe_runs, summarize_runs
from gatecast.selection.memory_tasks.tasks import TASKS, Task, accuracy
from gatecast.selection.parameter_matching import nearest_units

__all__ = ["CELL_NAMES", "MemoryBenchmark", "equal_units", "memory_benchmark"]

ColumnTable = dict[str, npt.NDArray[Any]]

MAX_SEEDS = 1000
"""Trainings of a cell on a task, at most."""

CELL_NAMES = ("rnn", "gru", "lstm", "lstm-peephole", "slstm")
"""The cells, by the names of models."""

LEARNING_RATES = (0.01, 0.003)
"""Learning rates that a cell tries, one after the other, until it solves the task: it fails if it fails at each.

The RNN's failures do not depend on the rate: with 0.03, 0.001 and 0.0003 it solves none of the three tasks either
within their updates. With four times as many, at 0.001, it does learn `recall`; but not `adding` and `order`.
"""

MEMORY_GATE_BIAS = 3.0
"""Initial bias of the gate that keeps the state, so that a fresh memory fades over some 20 steps: sigmoid(3) = 0.95.

With 1, the usual start, the LSTM learns nothing of `order` at length 100 within its updates; with 5 it misses `adding`
with some seeds. Source: Gers, Schmidhuber & Cummins 2000; Jozefowicz, Zaremba & Sutskever 2015.
"""

MEMORY_GATES = {"gru": "z", "lstm": "f", "lstm-peephole": "f"}
"""That gate. The sLSTM starts at 3 to 6 by itself; a plain RNN has no gate."""

MAX_GRADIENT_NORM = 1.0
BATCH_SIZE = 32
UPDATES_PER_RECORD = 25
N_HELD_OUT = 1024

SOLVED_SHARE = 0.05
"""Share of the naive loss below which a task is solved."""

STOP_SHARE = 0.02
"""Share of the naive loss below which training stops."""


class _Run(NamedTuple):
    """One training."""

    rate: float
    steps: list[int]
    losses: list[float]
    loss: float
    accuracy: float
    seconds: float


@dataclass(frozen=True, eq=False, repr=False)
class MemoryBenchmark:
    """Results of recurrent cells on memory tasks.

    Args:
        results: Columns, a row for each task, cell and seed: probe (the task), cell, units, parameters, length, seed,
            rate, step (updates), loss (mean squared error on held-out samples), naive (that of the answer that
            remembers nothing), accuracy (share of right answers), solved, seconds.
        table: Columns probe, cell, length, seed, step, loss, naive: the learning curves, a row every 25 updates, at the
            learning rate in `results`.
        sentence: Who solved what.
    """

    results: ColumnTable
    table: ColumnTable
    sentence: str

    def __repr__(self) -> str:
        n_solved, n_runs = int(self.results["solved"].sum()), len(self.results["solved"])
        return f"MemoryBenchmark({n_solved} of {n_runs} runs solved their task)"

    def _repr_html_(self) -> str:
        """Return who solved what as a table for notebooks."""
        rows = [
            (run.task, CELLS[run.cell].column, f"{run.n_solved} of {run.n_runs}", f"{run.mean_loss:.3g}")
            for run in summarize_runs(self.results)
        ]
        return html_table(("task", "cell", "solved", "loss"), rows, self.sentence)


def memory_benchmark(
    tasks: Sequence[str] | Mapping[str, Task] | None = None,
    cells: Sequence[str] | None = None,
    *,
    seeds: int = 3,
    progress: Callable[[Progress], object] | None = None,
) -> MemoryBenchmark:
    """Train every cell on every task, with the same number of parameters, from several seeds.

    Args:
        tasks: Names of `tasks.TASKS`, or tasks by name; None: all.
        cells: Names of `CELL_NAMES`; None: all.
        seeds: Number of trainings of each, with seeds 0, 1, ...
        progress: Is called after every training.

    Returns:
        Results, learning curves and a sentence. The same call gives the same numbers, except for times.

    Raises:
        ConfigError: An unknown name, or no seed.

    Source: Hochreiter & Schmidhuber 1997; Arjovsky, Shah & Bengio 2016; Henaff, Szlam & LeCun 2016.

    Example:
        >>> short = TASKS["order"]._replace(length=20, steps=200)
        >>> benchmark = memory_benchmark({"order": short}, ["lstm"], seeds=1)
        >>> benchmark
        MemoryBenchmark(1 of 1 runs solved their task)
    """
    chosen = dict(tasks) if isinstance(tasks, Mapping) else _named_tasks(tasks)
    names = _check_names(cells, CELL_NAMES, "cells")
    seeds = check_positive_int(seeds, "seeds", maximum=MAX_SEEDS)
    results: list[dict[str, Any]] = []
    curves: list[dict[str, Any]] = []
    runs = [(label, cell, seed) for label in chosen for cell in names for seed in range(seeds)]
    for k, (label, cell, seed) in enumerate(runs):
        task = chosen[label]
        result, curve = _result(label, cell, task, seed)
        results.append(result)
        curves += curve
        if progress is not None:
            progress(Progress(f"{label}, {CELLS[cell].column}", (k + 1) / len(runs), result["loss"]))
    table = _columns(results)
    facts = {label: TaskFacts(task.title, task.length, task.steps) for label, task in chosen.items()}
    return MemoryBenchmark(table, _columns(curves), describe_runs(summarize_runs(table), facts))


def _result(label: str, cell: str, task: Task, seed: int) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Train one cell on one task; return its row of results and its learning curve."""
    units = equal_units(cell, task)
    best, seconds = _best_run(cell, units, task, seed)
    keys = {"probe": label, "cell": cell, "length": task.length, "seed": seed}
    result = {
        "probe": label,
        "cell": cell,
        "units": units,
        "parameters": _n_parameters(cell, units, task),
        "length": task.length,
        "seed": seed,
        "rate": best.rate,
        "step": best.steps[-1],
        "loss": best.loss,
        "naive": task.naive,
        "accuracy": best.accuracy,
        "solved": _is_solved(best, task),
        "seconds": seconds,
    }
    pairs = zip(best.steps, best.losses, strict=True)
    return result, [keys | {"step": step, "loss": loss, "naive": task.naive} for step, loss in pairs]


def equal_units(cell: str, task: Task) -> int:
    """Return the units with which a network of a cell has about the LSTM's number of parameters.

    Args:
        cell: Name of a cell.
        task: Defines the units of the LSTM.

    Example:
        >>> [equal_units(name, TASKS["adding"]) for name in ("lstm", "gru", "rnn")]
        [24, 27, 49]
    """
    target = _n_parameters("lstm", task.units, task)
    # An RNN has a quarter of an LSTM's columns, so about twice the units have as many parameters.
    return nearest_units(lambda units: _n_parameters(cell, units, task), target, 3 * task.units + 1)


def _named_tasks(names: Sequence[str] | None) -> dict[str, Task]:
    """Return tasks by name."""
    return {name: TASKS[name] for name in _check_names(names, tuple(TASKS), "tasks")}


def _check_names(names: Sequence[str] | None, known: tuple[str, ...], argument: str) -> list[str]:
    """Return known names, each once; None: all."""
    chosen = known if names is None else (names,) if isinstance(names, str) else tuple(names)
    expected = f"one of {', '.join(known)}"
    for name in chosen:
        if name not in known:
            raise ConfigError(f"Unknown name {name!r} in {argument}", expected=expected, argument=argument)
    if not chosen:
        raise ConfigError(
            f"Invalid {argument} {names!r}: there must be at least one", expected=expected, argument=argument
        )
    return list(dict.fromkeys(chosen))


def _network(cell: str, units: int, task: Task, seed: int) -> tuple[Network, Weights]:
    """Return the cell and an output layer, with fresh weights."""
    config = CELLS[cell]
    layer = config.layer(units, return_sequences=task.sequences, **config.layer_options)
    network = build([layer, Dense(task.outputs)], (None, task.features))
    weights = initial_weights(network, seed)
    if cell in MEMORY_GATES:
        start = cells.CELLS["gru" if cell == "gru" else "lstm"].gates.index(MEMORY_GATES[cell]) * units
        # A GRU has a second bias, after the product with Wh.
        np.atleast_2d(weights.views[0]["b"])[0, start : start + units] = MEMORY_GATE_BIAS
    return network, weights


def _n_parameters(cell: str, units: int, task: Task) -> int:
    """Return the number of parameters."""
    return _network(cell, units, task, 0)[1].vector.size


def _best_run(cell: str, units: int, task: Task, seed: int) -> tuple[_Run, float]:
    """Return the run at the first rate that solves the task, else that of the smallest loss; the seconds of all."""
    runs: list[_Run] = []
    for rate in LEARNING_RATES:
        runs.append(_train(cell, units, task, rate, seed))
        if _is_solved(runs[-1], task):
            break
    return min(runs, key=lambda run: run.loss), sum(run.seconds for run in runs)


def _is_solved(run: _Run, task: Task) -> bool:
    """Return whether a run found what the naive answer does not know."""
    return run.loss < SOLVED_SHARE * task.naive


def _train(cell: str, units: int, task: Task, rate: float, seed: int) -> _Run:
    """Train on samples that are drawn afresh for every record of the curve."""
    began = time.perf_counter()
    network, weights = _network(cell, units, task, seed)
    clipping = optim.clip_by_global_norm(MAX_GRADIENT_NORM)
    optimizer = optim.chain(clipping, optim.scale_by_adam(), optim.scale_by_learning_rate(rate))
    state = training.TrainingState(optimizer.init(weights.vector.size))
    loss = MeanSquaredError()
    losses: list[float] = []
    steps: list[int] = []
    while state.step < task.steps and not (losses and losses[-1] < STOP_SHARE * task.naive):
        n_updates = min(UPDATES_PER_RECORD, task.steps - state.step)
        samples = task.make(generator(seed, 2, state.step), BATCH_SIZE * n_updates, task.length)
        batches = make_batches(samples, np.arange(len(samples.x)), BATCH_SIZE)
        records = list(training.train_steps(network, weights, batches, loss, optimizer, seed=seed, state=state))
        losses.append(float(np.average([r.loss for r in records], weights=[r.weight for r in records])))
        steps.append(state.step)
    held_out = task.make(generator(seed, 3), N_HELD_OUT, task.length)
    final = training.evaluate(network, weights, held_out, loss)
    share_right = accuracy(task, training.predict(network, weights, held_out.x), held_out)
    return _Run(rate, steps, losses, final, share_right, time.perf_counter() - began)


def _columns(rows: Sequence[Mapping[str, Any]]) -> ColumnTable:
    """Return rows as columns."""
    return {name: np.array([row[name] for row in rows]) for name in rows[0]}
