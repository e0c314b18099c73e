"""Why does an LSTM remember? Recurrent cells of equal size on tasks that only a memory solves.

Letters: H units, F features, M outputs, N samples of a piece of the training.

Every piece of the training is drawn anew, so each loss is one on samples not seen before, and nothing can be learnt by
heart. A run is solved when the loss on samples of their own is below a twentieth of the naive answer's.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from gatecast._utils.validation import check_positive_int
from gatecast.errors import ConfigError
from gatecast.forecasting.panel_rnn.model import CELLS
from gatecast.kernels import cells
from gatecast.nn import optim, training
from gatecast.nn.layers import Dense
from gatecast.nn.losses import MeanSquaredError
from gatecast.nn.network import Network, Weights, build, initial_weights
from gatecast.nn.random import generator
from gatecast.pipeline.progress import Progress
from gatecast.selection.memory_tasks.tasks import TASKS, Task, accuracy
from gatecast.selection.parameter_matching import nearest_units

__all__ = ["NAMES", "MemoryBenchmark", "equal_units", "memory_benchmark"]

Table = dict[str, npt.NDArray[Any]]

NAMES = ("rnn", "gru", "lstm", "lstm-peephole", "slstm")
"""The cells, by the names of models."""

RATES = (0.01, 0.003)
"""Learning rates that a cell may try, one after the other, until it has solved the task: a failure is one at each.

The RNN's failures are not a matter of the rate: with 0.03, 0.001 and 0.0003 it solves none of the three tasks either
within their updates. With four times as many, at 0.001, it does learn `recall`; but not `adding` and `order`.
"""

KEEP = 3.0
"""Where the bias of the gate that keeps starts, so that a fresh memory fades over some 20 steps: sigmoid(3) = 0.95.

With 1, the usual start, the LSTM learns nothing of `order` at length 100 within its updates; with 5 it misses `adding`
with some seeds. Source: Gers, Schmidhuber & Cummins 2000; Jozefowicz, Zaremba & Sutskever 2015.
"""

KEEPS = {"gru": "z", "lstm": "f", "lstm-peephole": "f"}
"""That gate. The sLSTM has a start of its own, from 3 to 6; a plain RNN has no gate."""

CLIP, BATCH, PIECE, HELD_OUT = 1.0, 32, 25, 1024
"""Norm of a gradient at most, samples an update, updates a piece, samples to judge by."""

SOLVED, ENOUGH = 0.05, 0.02
"""Shares of the naive loss: below the first a task is solved, below the second a training stops."""


class _Run(NamedTuple):
    """One training."""

    rate: float
    steps: list[int]
    losses: list[float]
    loss: float
    accuracy: float
    seconds: float


@dataclass(frozen=True)
class MemoryBenchmark:
    """What came of the probes.

    Args:
        results: Columns, a row a probe, cell and seed: probe, cell, units, parameters, length, seed, rate, step
            (updates done), loss (mean squared error on samples not learnt from), naive (that of the answer that
            remembers nothing), accuracy (share of right answers), solved, seconds.
        table: Columns probe, cell, length, seed, step, loss, naive: the way there, a row every 25 updates, of the rate
            that is in `results`.
        sentence: What happened, in words.
    """

    results: Table
    table: Table
    sentence: str


def memory_benchmark(
    tasks: Sequence[str] | Mapping[str, Task] | None = None,
    cells: Sequence[str] | None = None,
    *,
    seeds: int = 3,
    progress: Callable[[Progress], object] | None = None,
) -> MemoryBenchmark:
    """Train every cell on every task, with the same number of parameters, from several seeds.

    Args:
        tasks: Names in `probe_tasks.TASKS`, or tasks of other lengths by name; None: all.
        cells: Names of `NAMES`; None: all.
        seeds: Trainings of each, with seeds 0, 1, ...
        progress: Called after every training.

    Returns:
        Results, curves and a sentence. The same call gives the same numbers, times apart.

    Raises:
        ConfigError: A name that is not known, or no seed.

    Source: Hochreiter & Schmidhuber 1997; Arjovsky, Shah & Bengio 2016; Henaff, Szlam & LeCun 2016.

    >>> short = TASKS["order"]._replace(length=20, steps=200)
    >>> found = memory_benchmark({"order": short}, ["lstm"], seeds=1)
    >>> found.results["solved"].tolist(), found.sentence.split(":")[0]
    ([True], 'Temporal order, 20 steps, at most 200 updates')
    """
    chosen = _tasks(tasks)
    names = _checked(cells, NAMES, "cell")
    seeds = check_positive_int(seeds, "the number of seeds")
    results: list[dict[str, Any]] = []
    curves: list[dict[str, Any]] = []
    rounds = [(label, name) for label in chosen for name in names]
    for label, name in rounds:
        task = chosen[label]
        size = equal_units(name, task)
        for seed in range(seeds):
            best, seconds = _best(name, size, task, seed)
            own = {"probe": label, "cell": name, "length": task.length, "seed": seed}
            results.append(
                {
                    "probe": label,
                    "cell": name,
                    "units": size,
                    "parameters": _parameters(name, size, task),
                    "length": task.length,
                    "seed": seed,
                    "rate": best.rate,
                    "step": best.steps[-1],
                    "loss": best.loss,
                    "naive": task.naive,
                    "accuracy": best.accuracy,
                    "solved": _solved(best, task),
                    "seconds": seconds,
                }
            )
            pairs = zip(best.steps, best.losses, strict=True)
            curves += [own | {"step": step, "loss": loss, "naive": task.naive} for step, loss in pairs]
            if progress is not None:
                progress(Progress(f"{label}, {CELLS[name].column}", len(results) / len(rounds) / seeds, best.loss))
    table = _columns(results)
    return MemoryBenchmark(table, _columns(curves), _sentence(table, chosen))


def equal_units(cell: str, task: Task) -> int:
    """Units with which a network of a cell has as many parameters as one of the LSTM, as nearly as may be.

    Args:
        cell: Name of a cell.
        task: Says how many units the LSTM has.

    >>> [equal_units(name, TASKS["adding"]) for name in ("lstm", "gru", "rnn")]
    [24, 27, 49]
    """
    wanted = _parameters("lstm", task.units, task)
    # An RNN has a quarter of an LSTM's columns, so about twice the units have as many parameters.
    return nearest_units(lambda units: _parameters(cell, units, task), wanted, 3 * task.units + 1)


def _tasks(tasks: Sequence[str] | Mapping[str, Task] | None) -> dict[str, Task]:
    """Tasks by name."""
    if isinstance(tasks, Mapping):
        return dict(tasks)
    return {name: TASKS[name] for name in _checked(tasks, tuple(TASKS), "probe")}


def _checked(names: Sequence[str] | None, known: tuple[str, ...], what: str) -> list[str]:
    """Names that are known, each once; None: all."""
    asked = known if names is None else (names,) if isinstance(names, str) else tuple(names)
    for name in asked:
        if name not in known:
            raise ConfigError(f"there is no such {what}", got=repr(name), expected=" or ".join(map(repr, known)))
    if not asked:
        raise ConfigError(f"there is no {what} to look at", got=repr(names), expected=f"one of {', '.join(known)}")
    return list(dict.fromkeys(asked))


def _network(cell: str, units: int, task: Task, seed: int) -> tuple[Network, Weights]:
    """The cell and an output layer, with fresh weights."""
    config = CELLS[cell]
    layer = config.layer(units, return_sequences=task.sequences, **config.layer_options)
    network = build([layer, Dense(task.outputs)], (None, task.features))
    weights = initial_weights(network, seed)
    if cell in KEEPS:
        at = cells.CELLS["gru" if cell == "gru" else "lstm"].gates.index(KEEPS[cell]) * units
        # A GRU has a second bias, behind the product with Wh.
        np.atleast_2d(weights.views[0]["b"])[0, at : at + units] = KEEP
    return network, weights


def _parameters(cell: str, units: int, task: Task) -> int:
    """How many there are."""
    return _network(cell, units, task, 0)[1].vector.size


def _best(cell: str, units: int, task: Task, seed: int) -> tuple[_Run, float]:
    """The run at the first rate that solves the task, else the one with the smallest loss; and the seconds of all."""
    runs: list[_Run] = []
    for rate in RATES:
        runs.append(_train(cell, units, task, rate, seed))
        if _solved(runs[-1], task):
            break
    return min(runs, key=lambda run: run.loss), sum(run.seconds for run in runs)


def _solved(run: _Run, task: Task) -> bool:
    """Whether a run found what the naive answer does not know."""
    return run.loss < SOLVED * task.naive


def _train(cell: str, units: int, task: Task, rate: float, seed: int) -> _Run:
    """One training, on samples that are drawn anew for every piece of it."""
    began = time.perf_counter()
    network, weights = _network(cell, units, task, seed)
    optimizer = optim.chain(optim.clip_by_global_norm(CLIP), optim.Adam(rate))
    way = training.TrainingState(optimizer.init(weights.vector.size))
    loss = MeanSquaredError()
    losses: list[float] = []
    steps: list[int] = []
    while way.step < task.steps and not (losses and losses[-1] < ENOUGH * task.naive):
        pieces = min(PIECE, task.steps - way.step)
        samples = task.make(generator(seed, 2, way.step), BATCH * pieces, task.length)
        *_, record = training.train_epochs(
            network,
            weights,
            samples,
            loss,
            optimizer,
            training.EpochSettings(epochs=1, batch_size=BATCH, seed=seed, shuffle=False),
            state=way,
        )
        losses.append(record.loss)
        steps.append(record.step)
    held = task.make(generator(seed, 3), HELD_OUT, task.length)
    final = training.evaluate(network, weights, held, loss)
    right = accuracy(task, training.predict(network, weights, held.x), held)
    return _Run(rate, steps, losses, final, right, time.perf_counter() - began)


def _columns(rows: Sequence[Mapping[str, Any]]) -> Table:
    """Rows as columns."""
    return {name: np.array([row[name] for row in rows]) for name in rows[0]}


def _sentence(table: Table, tasks: Mapping[str, Task]) -> str:
    """What happened, task by task, and what it says of the plain RNN beside the LSTM."""
    said = []
    better: list[str] = []
    level: list[str] = []
    for label, task in tasks.items():
        here = table["probe"] == label
        solved = table["solved"][here]
        count = {name: int(solved[table["cell"][here] == name].sum()) for name in dict.fromkeys(table["cell"][here])}
        title = task.title[0].upper() + task.title[1:]
        told = _counts(count, len(solved) // len(count))
        said.append(f"{title}, {task.length} steps, at most {task.steps:,} updates: {told}.")
        if {"rnn", "lstm"} <= count.keys():
            (better if count["lstm"] > count["rnn"] else level).append(task.title)
    if better:
        said.append(f"The LSTM does better than an RNN with as many parameters on: {_listed(better)}.")
    if level:
        said.append(f"The RNN does no worse than the LSTM on: {_listed(level)}.")
    return " ".join(said)


def _counts(count: Mapping[str, int], seeds: int) -> str:
    """Who solved a task, and with how many seeds, the most first."""
    parts: list[str] = []
    for number in sorted(set(count.values()), reverse=True):
        names = _listed([CELLS[name].column for name, solved in count.items() if solved == number])
        if number == 0:
            parts.append(f"not by {names}" if parts else f"not solved by {names}")
        else:
            share = (
                "" if seeds == 1 else f" with all {seeds} seeds" if number == seeds else f" with {number} of {seeds}"
            )
            parts.append(f"{'' if parts else 'solved '}by {names}{share}")
    return ", ".join(parts)


def _listed(names: Sequence[str]) -> str:
    """Names in a row."""
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
