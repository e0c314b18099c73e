"""Tasks that only a memory solves, and what cells make of them."""

import numpy as np
import pytest

from gatecast.errors import ConfigError
from gatecast.forecasting.panel_rnn.model import CELLS
from gatecast.layers import Dense
from gatecast.nn.network import build, initial_weights
from gatecast.plotting.spec import Line
from gatecast.selection.charts import memory_chart, memory_charts
from gatecast.selection.memory_tasks.benchmark import CELL_NAMES, MEMORY_GATE_BIAS, equal_units, memory_benchmark
from gatecast.selection.memory_tasks.tasks import TASKS, accuracy, adding, copying, order, recall
from gatecast.selection.parameter_matching import nearest_units

SHORT = {"order": TASKS["order"]._replace(length=20, steps=50)}


@pytest.fixture(scope="module")
def memory():
    """An RNN and an LSTM on temporal order, eighty steps long."""
    return memory_benchmark({"order": TASKS["order"]._replace(length=80, steps=450)}, ["rnn", "lstm"], seeds=1)


def test_the_sum_is_that_of_the_marked_numbers(rng):
    x, y, weight, mask = adding(rng, 50, 30)
    assert x.shape == (50, 30, 2)
    assert (weight, mask) == (None, None)
    at = x[..., 1].astype(bool)
    assert (at[:, :15].sum(axis=1) == 1).all()
    assert (at[:, 15:].sum(axis=1) == 1).all()
    assert y[:, 0, 0] == pytest.approx((x[..., 0] * at).sum(axis=1))


def test_the_class_is_the_order_of_the_two_symbols(rng):
    x, y, *_ = order(rng, 60, 40)
    assert (x.sum(axis=2) == 1).all()
    for symbols, answer in zip(x.argmax(axis=2), y[:, 0].argmax(axis=1), strict=True):
        first, second = np.flatnonzero(symbols < 2)
        assert 4 <= first < 8
        assert 20 <= second < 24
        assert answer == 2 * symbols[first] + symbols[second]


@pytest.mark.parametrize(("make", "delays"), [(copying, {20}), (recall, set(range(10, 21)))])
def test_the_word_comes_again_after_the_signal(make, delays, rng):
    x, y, weight, _ = make(rng, 200, 20)
    symbols = x.argmax(axis=2)
    signal = (symbols == 5).argmax(axis=1)
    assert ((symbols == 5).sum(axis=1) == 1).all()
    assert set((signal - 2).tolist()) == delays
    for k, start in enumerate(signal + 1):
        assert weight[k].nonzero()[0].tolist() == [start, start + 1, start + 2]
        assert y[k, start : start + 3].argmax(axis=1).tolist() == symbols[k, :3].tolist()
        # Between word and signal there is nothing to read.
        assert (symbols[k, 3 : start - 1] == 4).all()


@pytest.mark.parametrize("name", TASKS)
def test_the_naive_loss_is_that_of_the_best_constant(name, rng):
    task = TASKS[name]
    samples = task.make(rng, 20_000, 20)
    counted = samples.y[:, 0] if samples.weight is None else samples.y[samples.weight > 0]
    best = counted.mean(axis=0)
    assert ((counted - best) ** 2).mean() == pytest.approx(task.naive, rel=0.03)
    said = np.broadcast_to(best, samples.y.shape)
    assert accuracy(task, samples.y, samples) == 1.0
    assert accuracy(task, said, samples) == pytest.approx(0.19 if name == "adding" else 0.25, abs=0.02)


@pytest.mark.parametrize("task", TASKS.values(), ids=TASKS)
@pytest.mark.parametrize("cell", CELL_NAMES)
def test_cells_have_the_same_number_of_parameters(cell, task):
    def size(name, units):
        network = build(
            [CELLS[name].layer(units, **CELLS[name].layer_options), Dense(task.outputs)], (None, task.features)
        )
        return initial_weights(network, 0).vector.size

    wanted = size("lstm", task.units)
    assert size(cell, equal_units(cell, task)) == pytest.approx(wanted, rel=0.04)


def test_the_nearest_number_of_units():
    assert [nearest_units(lambda n: 10 * n, wanted, 5) for wanted in (1, 25, 26, 1000)] == [1, 2, 3, 5]


def test_every_cell_of_a_panel_is_probed():
    assert set(CELL_NAMES) == set(CELLS)


@pytest.mark.slow
def test_an_lstm_remembers_what_an_rnn_of_its_size_forgets(memory):
    results = memory.results
    assert results["cell"].tolist() == ["rnn", "lstm"]
    assert results["solved"].tolist() == [False, True]
    rnn, lstm = results["loss"] / results["naive"]
    assert rnn > 0.9
    assert lstm < 0.05
    assert results["accuracy"][0] < 0.35
    assert results["accuracy"][1] > 0.99
    assert memory.sentence == (
        "Temporal order, 80 steps, at most 450 updates: solved by LSTM, not by RNN. "
        "The LSTM does better than an RNN with as many parameters on: temporal order."
    )


@pytest.mark.slow
def test_losses_are_kept_until_the_task_is_solved(memory):
    table, results = memory.table, memory.results
    for k, cell in enumerate(("rnn", "lstm")):
        own = table["cell"] == cell
        assert table["step"][own].tolist() == list(range(25, results["step"][k] + 1, 25))
        assert set(table["length"][own]) == {80}
    assert results["step"][0] == 450
    assert results["step"][1] < 450
    assert table["loss"][-1] < 0.02 * table["naive"][-1] <= table["loss"][-2]


@pytest.mark.slow
def test_the_same_call_gives_the_same_numbers():
    first, second = (memory_benchmark(SHORT, ["gru", "slstm"], seeds=2) for _ in range(2))
    for name in ("loss", "step", "cell", "seed"):
        assert first.table[name].tolist() == second.table[name].tolist()
    losses = first.results["loss"]
    assert len(set(losses.tolist())) == 4
    assert first.results["seed"].tolist() == [0, 1, 0, 1]


def test_the_sentence_says_who_failed():
    hopeless = {"order": SHORT["order"]._replace(steps=2)}
    found = memory_benchmark(hopeless, ["rnn", "lstm"], seeds=2)
    assert found.sentence == (
        "Temporal order, 20 steps, at most 2 updates: not solved by RNN and LSTM. "
        "The RNN does no worse than the LSTM on: temporal order."
    )
    assert (
        memory_benchmark(hopeless, ["gru"], seeds=1).sentence
        == "Temporal order, 20 steps, at most 2 updates: not solved by GRU."
    )
    several = memory_benchmark({"order": SHORT["order"]._replace(steps=200)}, ["lstm"], seeds=2)
    assert several.sentence == "Temporal order, 20 steps, at most 200 updates: solved by LSTM with all 2 seeds."


def test_the_gates_that_keep_start_open():
    from gatecast.selection.memory_tasks.benchmark import _network

    task = TASKS["adding"]
    forget = _network("lstm", 3, task, 0)[1].views[0]["b"].reshape(4, 3)
    assert forget.tolist() == [[0.0] * 3, [MEMORY_GATE_BIAS] * 3, [0.0] * 3, [0.0] * 3]
    update = _network("gru", 3, task, 0)[1].views[0]["b"]
    assert update.tolist() == [[MEMORY_GATE_BIAS] * 3 + [0.0] * 6, [0.0] * 9]


def test_progress_reaches_its_end():
    told = []
    memory_benchmark(SHORT, ["lstm", "gru"], seeds=2, progress=told.append)
    assert [one.fraction for one in told] == [0.25, 0.5, 0.75, 1.0]
    assert [one.stage for one in told] == ["order, LSTM", "order, LSTM", "order, GRU", "order, GRU"]


def test_the_chart_shows_every_loss_beside_the_naive_answers(memory):
    chart = memory_chart(memory)
    assert chart.y_labels == ("order, 80 steps",)
    naive, rnn, lstm = chart.marks
    assert (naive.name, naive.role, naive.dashed) == ("naive answer", "naive", True)
    assert naive.y.tolist() == [3 / 16, 3 / 16]
    assert naive.x.tolist() == [25, 450]
    assert (rnn.name, lstm.name) == ("RNN", "LSTM")
    assert lstm.y.tolist() == memory.table["loss"][memory.table["cell"] == "lstm"].tolist()
    (single,) = memory_charts(memory)
    assert single.title == "order, 80 steps: loss during training"
    assert [mark.y.tolist() for mark in single.marks] == [mark.y.tolist() for mark in chart.marks]


def test_seeds_are_apart_in_the_chart_and_only_the_first_pane_names_cells():
    found = memory_benchmark({"a": SHORT["order"], "b": SHORT["order"]}, ["rnn"], seeds=2)
    lines = [mark for mark in memory_chart(found).marks if isinstance(mark, Line)]
    assert [(line.name, line.pane) for line in lines] == [("naive answer", 0), ("RNN", 0), ("", 1), ("", 1)]
    assert np.isnan(lines[1].y).sum() == 1
    assert len(lines[1].y) == (found.table["probe"] == "a").sum() + 1


@pytest.mark.parametrize(
    ("settings", "facts"),
    [
        ({"tasks": ["parity"]}, ["'parity'", "tasks", "adding, order, copy, recall"]),
        ({"cells": ["rnn", "auto"]}, ["'auto'", "cells", "rnn, gru, lstm, lstm-peephole, slstm"]),
        ({"cells": []}, ["cells", "[]", "at least one"]),
        ({"seeds": 0}, ["seeds", "0"]),
    ],
)
def test_memory_benchmark_invalid_argument_raises(settings, facts):
    with pytest.raises(ConfigError) as caught:
        memory_benchmark(**settings)
    for fact in facts:
        assert fact in str(caught.value)


def test_memory_benchmark_repr_is_short_and_html_is_a_table(memory):
    assert repr(memory) == "MemoryBenchmark(1 of 2 runs solved their task)"
    assert memory._repr_html_().count("<tr>") == 3
