"""Fine-tuning: a pretrained network goes on learning, from the series that it is to forecast.

The last h values of each series are held back. From what precedes them the network learns as in pretraining, at a
tenth of the rate; every few updates the mean of the weights so far is measured on the held-back values, and training
ends where that no longer gets better. The best weights are kept only if they err less than those they came from: by 2 %
at least, and by 1.645 standard errors between series, which one in twenty of useless changes would reach by chance.

With e the error of a series before and e' after, the gain is the mean of ``log((e + c) / (e' + c))`` over series, c a
hundredth of the median of e: a ratio in which no series counts for more than the others, whatever its unit, and those
without an error for nothing. Seasons and scales are those of whole series, before and after alike.

Each network has its own batches and errors (`lf.finetuning.LowSeries`, `hf.finetuning.HighSeries`); what decides is
here.

Shapes: n series.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, Protocol

import numpy as np

from gatecast._utils.typing import Float32Array, FloatArray, IntArray
from gatecast.forecasting.pretrained.batches import PackedBatch
from gatecast.forecasting.pretrained.head import HeadShape
from gatecast.forecasting.pretrained.training import OptimizerState, train_step
from gatecast.nn.network import Network, Weights, zeros_like
from gatecast.nn.training import StepRecord

__all__ = ["MAX_STEPS", "MIN_SERIES", "FineTuned", "TuningSeries", "fine_tune"]

LEARNING_RATE = 2.5e-4
"""A tenth of the rate of pretraining."""

MAX_STEPS = 240
"""Updates, at most, unless the user says another number."""

MEASURE_EVERY = 10
"""Updates from one measurement to the next."""

PATIENCE = 3
"""Measurements in a row without a better one that end the training."""

BATCH_SERIES = 32
"""Series in an update."""

MIN_SERIES = 16
"""Series that are long enough, at least: what fewer say about an error is chance."""

MIN_GAIN = 0.02
"""Share of the error by which it has to fall."""

MIN_STANDARD_ERRORS = 1.645
"""Standard errors of the mean gain that it has to exceed: the 95 % quantile of a standard normal distribution."""

FLOOR = 0.01
"""What is added to errors before their logarithm is taken, in medians of the errors before."""


class FineTuned(NamedTuple):
    """What fine-tuning came to."""

    vector: Float32Array | None
    """The tuned weights; None: those it began with stay."""
    finding: str
    """What was done, as a sentence."""


class TuningSeries(Protocol):
    """Series to learn from, and what is held back of them."""

    head: HeadShape
    max_horizon: float
    """Steps that the network learns to forecast at a time, at most."""
    h: int
    """Steps that are held back."""
    n_all: int
    """Series, short ones too."""
    n: int
    """Series that are long enough to learn from; the others are left out."""

    def batch(self, rows: IntArray, rng: np.random.Generator) -> PackedBatch:
        """Return a stretch of each of some series from before its held-back values."""

    def errors(self, network: Network, weights: Weights) -> FloatArray:
        """Return the mean quantile loss of each measured series on its held-back values."""


def fine_tune(
    network: Network,
    weights: Weights,
    series: TuningSeries,
    *,
    max_steps: int = MAX_STEPS,
    seed: int = 0,
    on_step: Callable[[StepRecord], object] | None = None,
) -> FineTuned:
    """Train further on series, if their newest values say that it helps.

    Args:
        network: As `make_network` returns it.
        weights: What to begin with; they stay as they are.
        series: To learn from; `MIN_SERIES` of them have to be long enough.
        max_steps: Updates, at most.
        seed: The same seed gives the same bits, for any number of threads.
        on_step: Is called after every update.

    Example:
        >>> from gatecast.forecasting.pretrained.lf.finetuning import LowSeries
        >>> from gatecast.forecasting.pretrained.network import PretrainedConfig, make_network
        >>> network, weights = make_network(PretrainedConfig(units=8, n_layers=1))
        >>> fine_tune(network, weights, LowSeries(np.ones((3, 40)), np.ones(3, int), 4)).finding
        'fine-tuning: 3 of 3 series are long enough, 16 are needed; the released weights are used.'
    """
    if series.h > series.max_horizon:
        learned = f"the {series.max_horizon} that the network learns at a time"
        return _unchanged(f"the horizon of {series.h} steps is longer than {learned}")
    if series.n < MIN_SERIES:
        return _unchanged(f"{series.n} of {series.n_all} series are long enough, {MIN_SERIES} are needed")
    rng = np.random.default_rng([seed, series.n])
    tuned, average = zeros_like(weights), zeros_like(weights)
    tuned.vector[:] = weights.vector
    state = OptimizerState.zeros(weights.vector.size)
    before = series.errors(network, weights)
    floor = max(FLOOR * float(np.median(before)), np.finfo(np.float64).tiny)
    start = best = np.log(before + floor)
    vector, since = None, 0
    for number, rows in enumerate(_rows_of_updates(series.n, max_steps, rng), 1):
        batch = series.batch(rows, rng)
        result = train_step(network, tuned, series.head, batch, state, number, LEARNING_RATE)
        error = np.nan
        if number % MEASURE_EVERY == 0 or number == max_steps:
            average.vector[:] = state.average
            after = np.log(series.errors(network, average) + floor)
            error, since = float(np.exp(after.mean())), since + 1
            if after.mean() < best.mean():
                best, vector, since = after, state.average.copy(), 0
        if on_step is not None:
            on_step(StepRecord(number, result.loss, error, fraction=number / max_steps))
        if since >= PATIENCE:
            break
    return _decide(start - best, vector)


def _unchanged(reason: str) -> FineTuned:
    """Return that the weights stay, and why."""
    return FineTuned(None, f"fine-tuning: {reason}; the released weights are used.")


def _rows_of_updates(n: int, max_steps: int, rng: np.random.Generator) -> list[IntArray]:
    """Return the series of every update: all of them in random order, then anew."""
    size = min(BATCH_SERIES, n)
    order = np.concatenate([rng.permutation(n) for _ in range(-(-max_steps * size // n))])
    return [order[k * size : (k + 1) * size] for k in range(max_steps)]


def _decide(gain: FloatArray, vector: Float32Array | None) -> FineTuned:
    """Return the tuned weights if errors fell by more than chance.

    Args:
        gain: By how much the logarithm of the error of each measured series fell, (n,).
        vector: The best tuned weights; None: none were better.
    """
    share = 1 - float(np.exp(-gain.mean()))
    chance = float(gain.std() / np.sqrt(len(gain)))
    measured = f"on the last values of {len(gain):,} series"
    if vector is None or share <= 0:
        return FineTuned(None, f"fine-tuning did not lower the error {measured}; the released weights are used.")
    if share < MIN_GAIN or gain.mean() <= MIN_STANDARD_ERRORS * chance:
        return FineTuned(
            None,
            f"fine-tuning lowered the error {measured} by {100 * share:.1f} %, which may be chance; the released "
            "weights are used.",
        )
    return FineTuned(
        vector, f"fine-tuning lowered the error {measured} by {100 * share:.1f} %; the tuned weights are used."
    )
