"""What has to hold after an hour of training, else there is a mistake to look for."""

from __future__ import annotations

import numpy as np

from gatecast.forecasting.pretrained.network import make_network
from gatecast.forecasting.pretrained.training import forecast_batch
from pretraining.bank import Bank
from pretraining.state import RunState
from pretraining.tables import Errors, Forecast, Losses, anchor_errors, errors
from pretraining.tails import Tail

N_BATCHES = 32
GATE_SEED = 1_000_003
"""Other series than those of training."""

MIN_GAIN = 0.08
"""Share by which the loss must lie below that of the mean of the anchors."""


def made_gates(run: RunState, bank: Bank, names: tuple[str, ...], n_batches: int = N_BATCHES) -> tuple[bool, list[str]]:
    """Return whether the gates on made series hold, and what was measured."""
    passed, lines = _made(*_measure_made(run, bank, names, n_batches), names)
    return passed, [f"made series, seed {GATE_SEED}, step {run.step}", *lines]


def tail_gate(forecast: Forecast, tail: Tail, reference: Errors, largest: float) -> tuple[bool, str]:
    """Return whether the error on a tail is small enough, relative to that of the reference, and what was measured."""
    ratio = errors(tail, forecast(tail)).mase / reference.mase
    line = f"{_word(ratio <= largest)}: {tail.name} tails, MASE / that of the reference {ratio:.3f}, at most {largest}"
    return bool(ratio <= largest), line


def _measure_made(
    run: RunState, bank: Bank, names: tuple[str, ...], n_batches: int
) -> tuple[Losses, Losses, np.ndarray]:
    """Return losses of the run and of fresh weights, and errors of median and anchors, by family."""
    weights, shape = run.averaged(), run.shape
    fresh_network, fresh = make_network(run.config, run.seed)
    other = Bank(bank.make, bank.draw, GATE_SEED, bank.sizes)
    losses, before = Losses(names, shape.groups), Losses(names, shape.groups)
    sums = np.zeros((len(names), 2 + shape.anchors))
    for step in range(1, n_batches + 1):
        batch, family = other.sample(step)
        head = forecast_batch(run.network, weights, shape, batch)
        losses.add(head, batch, family)
        before.add(forecast_batch(fresh_network, fresh, shape, batch), batch, family)
        np.add.at(sums, family[batch.order], anchor_errors(head, batch))
    return losses, before, sums


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
