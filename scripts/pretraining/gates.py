"""What has to hold after an hour of training, else there is a mistake to look for."""

from __future__ import annotations

import numpy as np

from gatecast.forecasting.pretrained.network import make_network
from gatecast.forecasting.pretrained.training import forecast_batch
from pretraining.bank import LENGTH, Bank, BankSizes
from pretraining.state import RunState
from pretraining.tables import Errors, Losses, Tail, anchor_errors, measure, tail_table

N_BATCHES = 16
GATE_SEED = 1_000_003
"""Other series than those of training."""

MIN_GAIN = 0.08
"""Share by which the loss must lie below that of the mean of the anchors."""

MAX_MONTHLY = 1.03
"""MASE on the monthly tails, as a multiple of that of DOT."""


def gate_lines(
    run: RunState, bank: Bank, names: tuple[str, ...], tails: list[Tail], reference: dict[str, Errors]
) -> tuple[bool, list[str]]:
    """Return whether all gates hold, and what was measured."""
    weights = run.averaged()
    fresh_network, fresh = make_network(run.config, run.seed)
    sizes = BankSizes(batch=256, piece=512, alive=4, steps_per_piece=1)
    other = Bank(bank.make, GATE_SEED, sizes)
    losses, before = Losses(names), Losses(names)
    errors = np.zeros((len(names), 6))
    for step in range(1, N_BATCHES + 1):
        sample = other.sample(step)
        head = forecast_batch(run.network, weights, sample.batch)
        losses.add(head, sample.batch, sample.family)
        before.add(forecast_batch(fresh_network, fresh, sample.batch), sample.batch, sample.family)
        np.add.at(errors, sample.family[sample.batch.order], anchor_errors(head, sample.batch))
    passed, lines = _made(losses, before, errors, names)
    lines += tail_table(run.network, weights, tails, reference)
    monthly = next((tail for tail in tails if tail.name == "monthly"), None)
    if monthly is not None:
        ratio = measure(run.network, weights, monthly).mase / reference["monthly"].mase
        passed &= ratio <= MAX_MONTHLY
        lines.append(
            f"{_word(ratio <= MAX_MONTHLY)}: monthly tails, MASE / that of DOT {ratio:.3f}, at most {MAX_MONTHLY}"
        )
    return passed, [f"made series of {LENGTH} values, seed {GATE_SEED}, step {run.step}", *lines]


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
