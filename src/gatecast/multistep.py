"""A direct multi-step quantile network over one series: how it is built, trained and asked.

Letters: n points, K predicted steps of the horizon h, Q quantiles, N crops of T origins, F inputs an origin.

At every origin the network reads a normalised window (see `data.windows`) and says Q quantiles of K of the steps that
follow. It is trained on crops of consecutive origins, with the loss at each of them, so one pass reads a point once
instead of once a window ("forking sequences": Wen et al. 2017), and it answers from its newest state, so near steps
are as easy as they are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from gatecast import optim
from gatecast.data import windows
from gatecast.data.windows import Frame, Plan
from gatecast.heads import QuantileHead
from gatecast.layers import LSTM, Dense, Dropout, Layer
from gatecast.losses import Pinball
from gatecast.network import Network, Weights, initial_weights, wire
from gatecast.samples import Samples
from gatecast.training import EarlyStopping, Record, predict, train

__all__ = ["Fitted", "Settings", "find_epochs", "fit", "quantiles"]

Floats = npt.NDArray[np.float64]


class Settings(NamedTuple):
    """Sizes and training of the network; the defaults were chosen on validation tails, see docs/accuracy.md."""

    units: int = 32
    layers: int = 1
    dropout: float = 0.1
    members: int = 3
    """Networks from different seeds whose quantiles are averaged."""
    quantiles: tuple[float, ...] = (0.025, 0.1, 0.5, 0.9, 0.975)
    crop: int = 48
    """Origins in a crop."""
    crops: int = 64
    """Crops an epoch."""
    batch: int = 16
    epochs: int = 60
    """At most."""
    patience: int = 15
    learning_rate: float = 4e-3
    average: float = 0.95
    """Decay of the running average of the weights."""


class Fitted(NamedTuple):
    """Trained members, and what is needed to ask them."""

    network: Network
    members: tuple[Weights, ...]
    plan: Plan
    frame: Frame
    settings: Settings


def fit(
    values: Floats,
    plan: Plan,
    settings: Settings,
    epochs: int,
    seed: int,
    on_record: Callable[[int, Record], None] | None = None,
) -> Fitted:
    """Train all members on a whole series for a number of epochs.

    Args:
        values: (n,) transformed and seasonally adjusted, NaN where missing.
        plan: What to read and to predict.
        settings: Sizes and training.
        epochs: As found by `find_epochs`.
        seed: Same seed, same bits.
        on_record: Called with the member and the record of each epoch.

    Returns:
        The members.
    """
    frame = windows.fit_frame(values, plan)
    samples = _crops(values, plan, frame, settings, len(values))
    network, bias = _network(settings, samples)
    members = []
    for member in range(settings.members):
        weights = _start(network, bias, seed + member)
        for record in _train(network, weights, samples, settings, seed + member, epochs):
            if on_record is not None:
                on_record(member, record)
        members.append(weights)
    return Fitted(network, tuple(members), plan, frame, settings)


def find_epochs(
    values: Floats,
    begin: int,
    plan: Plan,
    settings: Settings,
    seed: int,
    on_record: Callable[[Record], None] | None = None,
) -> tuple[Fitted, int, list[Record]]:
    """Train one member before `begin` until its loss on what follows no longer falls.

    Args:
        values: (n,); values[begin:] is the validation part.
        begin: Length of the training part: nothing from it on enters training or statistics.
        plan: What to read and to predict.
        settings: Sizes and training.
        seed: Same seed, same bits.
        on_record: Called with the record of each epoch.

    Returns:
        The member with its best weights, the number of epochs to them, and all records.
    """
    frame = windows.fit_frame(values[:begin], plan)
    samples = _crops(values, plan, frame, settings, begin)
    validation = _validation(values, plan, frame, settings, begin)
    network, bias = _network(settings, samples)
    weights = _start(network, bias, seed)
    records = []
    for record in _train(network, weights, samples, settings, seed, settings.epochs, validation):
        records.append(record)
        if on_record is not None:
            on_record(record)
    return Fitted(network, (weights,), plan, frame, settings), records[-1].best_epoch + 1, records


def quantiles(fitted: Fitted, values: Floats, origins: npt.NDArray[np.int64]) -> Floats:
    """What the members say at some origins, averaged, for every step of the horizon.

    Args:
        fitted: Trained members.
        values: (n,), of which each origin sees what lies at or before it.
        origins: (m,) indices into values.

    Returns:
        (m, h, Q) in the unit of `values`.
    """
    plan, frame = fitted.plan, fitted.frame
    length = min(fitted.settings.crop, int(origins.min()) + 1)
    at = origins[:, None] + np.arange(1 - length, 1)
    x, level = windows.inputs(values, plan, frame, at.ravel())
    x = x.reshape(*at.shape, -1)
    said = np.mean([predict(fitted.network, weights, x)[:, -1] for weights in fitted.members], axis=0)
    now = level.reshape(at.shape)[:, -1, None, None]
    at_steps = said.reshape(len(origins), len(plan.steps), -1) * frame.scale + now
    out: Floats = np.einsum("hk,mkq->mhq", _interpolation(plan), at_steps)
    return out


def _interpolation(plan: Plan) -> Floats:
    """(h, K): every step of the horizon from the steps that are predicted."""
    steps = np.arange(1, plan.horizon + 1)
    return np.stack([np.interp(steps, plan.steps, unit) for unit in np.eye(len(plan.steps))], axis=1)


def _network(settings: Settings, samples: Samples) -> tuple[Network, npt.NDArray[np.float32]]:
    """The layers, and a bias of the last one with which the untrained network says the quantiles of the targets."""
    head = QuantileHead(len(settings.quantiles))
    hidden: list[Layer] = []
    for _ in range(settings.layers):
        hidden += [LSTM(settings.units, return_sequences=True), Dropout(settings.dropout)]
    K = samples.y.shape[2]
    network = wire([*hidden, Dense(K * head.quantiles), head], (None, samples.x.shape[2]))
    start = np.zeros((K, head.quantiles))
    for k in range(K):
        seen = samples.y[:, :, k][samples.weight[:, :, k] > 0] if samples.weight is not None else samples.y[:, :, k]
        start[k] = np.quantile(seen, settings.quantiles) if seen.size else start[max(k - 1, 0)]
    return network, head.raw(start).astype(np.float32).ravel()


def _start(network: Network, bias: npt.NDArray[np.float32], seed: int) -> Weights:
    """Fresh weights whose first answer is the bias alone."""
    weights = initial_weights(network, seed)
    dense = weights.views[-2]
    dense["W"] *= 0.1
    dense["b"][:] = bias
    return weights


def _train(
    network: Network,
    weights: Weights,
    samples: Samples,
    settings: Settings,
    seed: int,
    epochs: int,
    validation: Samples | None = None,
) -> Iterator[Record]:
    """The stream of records; with validation samples, until they stop getting better."""
    optimizer = optim.chain(
        optim.clip_by_global_norm(1.0),
        optim.scale_by_adam(),
        optim.scale_by_learning_rate(optim.warmup(settings.learning_rate, 20)),
        optim.average_weights(settings.average),
    )
    stop = None if validation is None else EarlyStopping(patience=settings.patience)
    records = train(
        network, weights, samples, Pinball(settings.quantiles), optimizer, epochs=epochs,
        batch_size=settings.batch, validation=validation, seed=seed, early_stopping=stop,
    )  # fmt: skip
    with closing(records):
        yield from records


def _crops(values: Floats, plan: Plan, frame: Frame, settings: Settings, end: int) -> Samples:
    """Crops of consecutive origins over values[:end], targets inside it."""
    origins = np.arange(_first_origin(plan, end), end - 1)
    x, level = windows.inputs(values[:end], plan, frame, origins)
    y, weight = windows.targets(values[:end], plan, frame, origins, level, (0, end))
    length = min(settings.crop, len(origins))
    at = windows.crop_starts(len(origins), length, settings.crops)[:, None] + np.arange(length)
    return Samples(x[at], y[at], weight[at])


def _validation(values: Floats, plan: Plan, frame: Frame, settings: Settings, begin: int) -> Samples:
    """All origins whose next values lie in values[begin:], in crops that warm up on the origins before them."""
    judged = np.arange(begin - 1, len(values) - 1)
    warm = min(settings.crop, begin) - 1
    stride = max(settings.crop // 2, 1)
    starts = np.arange(judged[0] - warm, judged[-1] + 1, stride)
    at = np.minimum(starts[:, None] + np.arange(warm + stride), judged[-1])
    x, level = windows.inputs(values, plan, frame, at.ravel())
    y, weight = windows.targets(values, plan, frame, at.ravel(), level, (begin, len(values)))
    fresh = (starts[:, None] + np.arange(warm + stride) <= judged[-1]) & (np.arange(warm + stride) >= warm)
    shape = at.shape
    return Samples(x.reshape(*shape, -1), y.reshape(*shape, -1), weight.reshape(*shape, -1) * fresh[:, :, None])


def _first_origin(plan: Plan, end: int) -> int:
    """The first origin with a whole window, or, in a short series, with a third of its points before it."""
    return max(1, min(plan.input_size - 1, end // 3))
