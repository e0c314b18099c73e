"""What has to hold after an hour of training, else there is a mistake to look for."""

from __future__ import annotations

import numpy as np

from gatecast.forecasting.pretrained.network import make_network
from gatecast.forecasting.pretrained.training import forecast_batch
from pretraining.bank import LENGTH, Bank
from pretraining.state import RunState
from pretraining.tables import Errors, Losses, Tail, anchor_errors, measure, tail_table

N_BATCHES = 32
GATE_SEED = 1_000_003
"""Other series than those of training."""

MIN_GAIN = 0.08
"""Share by which the loss must lie below that of the mean of the anchors."""

MAX_MONTHLY = 1.03
"""MASE on the monthly tails, as a multiple of that of DOT."""


def gate_lines(
    run: RunState,
    bank: Bank,
    names: tuple[str, ...],
    tails: list[Tail],
    reference: dict[str, Errors],
    n_batches: int = N_BATCHES,
) -> tuple[bool, list[str]]:
    """Return whether all gates hold, and what was measured."""
    passed, lines = _made(*_measure_made(run, bank, names, n_batches), names)
    lines += tail_table(run.network, run.averaged(), tails, reference)
    monthly = next((tail for tail in tails if tail.name == "monthly"), None)
    if monthly is not None:
        ratio = measure(run.network, run.averaged(), monthly).mase / reference["monthly"].mase
        holds = ratio <= MAX_MONTHLY
        passed &= holds
        lines.append(f"{_word(holds)}: monthly tails, MASE / that of DOT {ratio:.3f}, at most {MAX_MONTHLY}")
    return passed, [f"made series of {LENGTH} values, seed {GATE_SEED}, step {run.step}", *lines]


def _measure_made(
    run: RunState, bank: Bank, names: tuple[str, ...], n_batches: int
) -> tuple[Losses, Losses, np.ndarray]:
    """Return losses of the run and of fresh weights, and errors of median and anchors, by family."""
    weights = run.averaged()
    fresh_network, fresh = make_network(run.config, run.seed)
    other = Bank(bank.make, GATE_SEED, bank.sizes)
    losses, before, errors = Losses(names), Losses(names), np.zeros((len(names), 6))
    for step in range(1, n_batches + 1):
        batch, family = other.sample(step)
        head = forecast_batch(run.network, weights, batch)
        losses.add(head, batch, family)
        before.add(forecast_batch(fresh_network, fresh, batch), batch, family)
        np.add.at(errors, family[batch.order], anchor_errors(head, batch))
    return losses, before, errors


def _made(losses: Losses, before: Losses, errors: np.ndarray, names: tuple[str, ...]) -> tuple[bool, list[str]]:
    """Return the gates on made series."""
    gain = 1 - losses.total.sum() / losses.weight.sum() / (before.total.sum() / before.weight.sum())
    passed = gain >= MIN_GAIN
    limit = f"at least {100 * MIN_GAIN:.0f} %"
    lines = [f"{_word(passed)}: loss {100 * gain:.1f} % below that of the mean of the anchors, {limit}"]
    for name, row in zip(names, errors, strict=True):
        if row.any():
            ratio = row[0] / row[2:].min()
            passed &= ratio < 1
            lines.append(f"{_word(ratio < 1)}: {name}, absolute error / that of its best anchor {ratio:.3f}")
    return bool(passed), lines


def _word(holds: bool) -> str:
    """Return how a gate is reported."""
    return "holds" if holds else "FAILS"
