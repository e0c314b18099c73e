"""The panel LSTM: one network for all series, trained at every origin of every series in one pass.

Letters: S series, T columns, B series of a batch, O origins, w values in a window, h horizon, K steps of it that are
learnt, Q quantiles, u units.

At every origin the network reads the last w values less their level, in units of the series' mean change, and says
quantiles of the next h: ``z[t + k] = level[t] + scale q[k]``. Its state is carried from origin to origin, so what lies
before the window is remembered rather than read again. The head reads the newest state, so near steps are as easy as
they are.

Source: Smyl 2020 (ES-RNN); Wen et al. 2017 (forking sequences); Hewamalage, Bergmeir & Bandara 2021.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from gatecast import optim
from gatecast.arrays import Array, pack, unpack
from gatecast.data.frames import carried, fit_frame, restore, transform
from gatecast.layers import GRU, LSTM, Dense, QuantileHead, Residual, SimpleRNN
from gatecast.losses import Pinball, weighted_mean
from gatecast.network import Network, Weights, backward, forward, initial_weights, like, stream, wire
from gatecast.recurrent import relax

__all__ = ["Fitted", "Settings", "Step", "fit", "make_network", "quantiles", "steps_ahead"]

Floats = npt.NDArray[np.float64]
Singles = npt.NDArray[np.float32]

CELLS = {"lstm": LSTM, "gru": GRU, "rnn": SimpleRNN}
DIRECT = 48
"""Steps that are learnt at most; between them quantiles are interpolated."""

SMALLEST = 1e-3
"""Least unit of a series' changes in what the network reads, so that a constant is no division by zero."""


@dataclass(frozen=True)
class Settings:
    """What a member is, and how it is trained.

    Args:
        window: w.
        units: u of each recurrent layer.
        layers: Recurrent layers, each with a way around it.
        cell: "lstm", "gru" or "rnn".
        level: Newest values whose mean is the level of a window.
        place: Weight of the input that says where the level lies in the series' range; 0: none.
        origins: O of a series in a batch, at most; longer series give a stretch of theirs each time.
        steps: Updates.
        batch: B.
        rate: Highest learning rate, of one cycle.
        probabilities: Q levels, symmetric about the middle one.
    """

    window: int
    units: int = 48
    layers: int = 2
    cell: str = "lstm"
    level: int = 1
    place: float = 0.0
    origins: int = 96
    steps: int = 300
    batch: int = 96
    rate: float = 3e-3
    probabilities: tuple[float, ...] = (0.025, 0.1, 0.5, 0.9, 0.975)


class Step(NamedTuple):
    """How far the training of a member has come."""

    number: int
    """Updates done."""
    loss: float
    """Mean quantile loss of this update's batch, in units of the mean change."""


class Fitted(NamedTuple):
    """A trained member."""

    network: Network
    weights: Weights
    settings: Settings
    horizon: int


class _Rows(NamedTuple):
    """Series as the network reads them, w - 1 columns of padding in front."""

    z: Singles
    """(S, w - 1 + T) values less the series' newest, in units of its mean change, without gaps."""
    seen: Singles
    """(S, w - 1 + T) 1 where a value is observed."""
    size: Singles
    """(S,) logarithm of the unit."""
    unit: Floats
    """(S,) mean change."""
    newest: Floats
    """(S,) what was subtracted."""
    centre: Singles
    """(S,) median of z."""
    spread: Singles
    """(S,) standard deviation of z."""
    first: npt.NDArray[np.int64]
    """(S,) column of T at which the series begins."""


def steps_ahead(h: int, count: int = DIRECT) -> npt.NDArray[np.int64]:
    """The steps that a network learns: all of a short horizon; of a long one, near steps densely, far ones less.

    >>> steps_ahead(4).tolist()
    [1, 2, 3, 4]
    >>> steps_ahead(336, count=10).tolist()
    [1, 2, 3, 4, 8, 18, 37, 77, 161, 336]
    """
    if h <= count:
        return np.arange(1, h + 1)
    dense = count // 4 + 1
    far = np.geomspace(dense + 1, h, count - dense)
    return np.unique(np.concatenate([np.arange(1, dense + 1), np.round(far).astype(np.int64)]))


def fit(
    values: Floats, h: int, m: int, settings: Settings, seed: int, report: Callable[[Step], object] | None = None
) -> Fitted:
    """Train one member on a panel.

    Args:
        values: (S, T) aligned on the right; NaN is missing.
        h: Steps that are learnt.
        m: Season whose indices are taken out first; 1 for none.
        settings: Sizes and training.
        seed: Same seed, same bits.
        report: Called after every update.

    Returns:
        The member.
    """
    rows = _rows(transform(fit_frame(values, m), values), settings)
    pinball = Pinball(settings.probabilities)
    ahead = steps_ahead(h)
    network, weights = make_network(h, settings, seed)
    _start(network, weights, ahead, settings, rows)
    grads = like(weights)
    optimizer = optim.chain(
        optim.clip_by_global_norm(1.0),
        optim.scale_by_adam(),
        optim.scale_by_learning_rate(optim.one_cycle(settings.rate, settings.steps)),
    )
    state = optimizer.init(weights.vector.size)
    for number, (x, y, weight) in enumerate(_batches(rows, ahead, settings, seed), 1):
        total = float(weight.sum())
        if total == 0:
            continue
        said, caches = forward(network, weights, pack(x), training=True, seed=seed, step=number, count=len(x))
        loss, dy = weighted_mean(pinball, said, pack(y), pack(weight), total)
        backward(network, weights, caches, dy, grads)
        optim.apply(optimizer, grads.vector, state, weights.vector, number)
        if report is not None:
            report(Step(number, loss))
    relax()
    return Fitted(network, weights, settings, h)


def quantiles(fitted: Fitted, values: Floats, m: int, batch: int = 2048) -> Floats:
    """What a member says of the h steps behind the end of each series.

    Args:
        fitted: A trained member.
        values: (S, T) aligned on the right, of any series; NaN is missing.
        m: Season whose indices are taken out first.
        batch: Series at a time.

    Returns:
        (S, h, Q) in the unit of the values, increasing along Q; NaN for a series without a value.
    """
    settings, h = fitted.settings, fitted.horizon
    ahead = steps_ahead(h)
    between = np.stack([np.interp(np.arange(1, h + 1), ahead, unit) for unit in np.eye(len(ahead))], axis=1)
    parts = []
    for start in range(0, len(values), batch):
        part = values[start : start + batch]
        part = part[:, -(settings.origins + settings.window + CONTEXT * m) :]
        frame = fit_frame(part, m)
        rows = _rows(transform(frame, part), settings)
        last = rows.z.shape[1] - settings.window
        origins = np.arange(max(0, last + 1 - settings.origins), last + 1)
        x, level = _inputs(rows, np.arange(len(part))[:, None], origins[None, :], settings)
        said, _ = forward(fitted.network, fitted.weights, pack(x), keep=False, count=len(x))
        q = np.einsum("hk,skq->shq", between, unpack(said[:, -1:], len(x)).reshape(len(x), len(ahead), -1))
        z = (q + level[:, -1, None, None]) * rows.unit[:, None, None] + rows.newest[:, None, None]
        answer = restore(frame, z)
        answer[~np.isfinite(part).any(axis=1)] = np.nan
        parts.append(answer)
    relax()
    return np.concatenate(parts)


CONTEXT = 10
"""Seasons before the windows that seasonal indices are made from when predicting."""


EXTRA = 3
"""Inputs besides the window: share observed, unit of the changes, place of the level in the series' range."""


def _network(K: int, settings: Settings) -> Network:
    """Dense, recurrent layers with a way around each, and a head of quantiles."""
    cell, u = CELLS[settings.cell], settings.units
    hidden = [Residual(cell(u, return_sequences=True)) for _ in range(settings.layers)]
    Q = len(settings.probabilities)
    return wire([Dense(u, activation="tanh"), *hidden, Dense(K * Q), QuantileHead(Q)], (None, settings.window + EXTRA))


def make_network(h: int, settings: Settings, seed: int = 0) -> tuple[Network, Weights]:
    """The layers of a member, and fresh weights.

    >>> network, weights = make_network(2, Settings(4, units=3, layers=1))
    >>> network.shapes[-1], weights.vector.size
    ((None, 10), 148)
    """
    network = _network(len(steps_ahead(h)), settings)
    return network, initial_weights(network, seed)


def _start(network: Network, weights: Weights, ahead: npt.NDArray[np.int64], settings: Settings, rows: _Rows) -> None:
    """Let the first answer be the same for all: the quantiles of what came at each step."""
    dense = weights.views[-2]
    dense["W"][:] = 0.0
    spread = np.zeros((len(ahead), len(settings.probabilities)))
    z = rows.z[:: max(1, len(rows.z) // 500), settings.window - 1 :]
    seen = rows.seen[:: max(1, len(rows.z) // 500), settings.window - 1 :]
    for k, step in enumerate(ahead.tolist()):
        both = (seen[:, step:] * seen[:, :-step]) > 0
        change = (z[:, step:] - z[:, :-step])[both]
        spread[k] = np.quantile(change, settings.probabilities) if change.size > 20 else spread[max(k - 1, 0)]
    head = network.layers[-1]
    assert isinstance(head, QuantileHead)
    dense["b"][:] = head.raw(spread).ravel()


def _rows(z: Floats, settings: Settings) -> _Rows:
    """Series made ready for reading."""
    seen = np.isfinite(z)
    filled = carried(z)
    count = (seen[:, 1:] & seen[:, :-1]).sum(axis=1)
    change = np.abs(np.diff(filled, axis=1)).sum(axis=1) / np.maximum(seen.sum(axis=1) - 1, 1)
    unit = np.where(count > 0, change, 0.0) + SMALLEST
    newest = filled[:, -1]
    scaled = (filled - newest[:, None]) / unit[:, None]
    centre = _median(np.where(seen, scaled, np.nan))
    spread = np.sqrt(np.where(seen, (scaled - centre[:, None]) ** 2, 0.0).sum(axis=1) / np.maximum(seen.sum(axis=1), 1))
    pad = ((0, 0), (settings.window - 1, 0))
    return _Rows(
        np.pad(scaled, pad, mode="edge").astype(np.float32),
        np.pad(seen, pad).astype(np.float32),
        np.log(unit).astype(np.float32),
        unit,
        newest,
        centre.astype(np.float32),
        (spread + SMALLEST).astype(np.float32),
        seen.argmax(axis=1),
    )


def _median(x: Floats) -> Floats:
    """(S,) median of what is not NaN; 0 where nothing is."""
    order = np.sort(x, axis=1)
    count = np.isfinite(x).sum(axis=1)
    low = np.take_along_axis(order, np.maximum((count - 1) // 2, 0)[:, None], axis=1)[:, 0]
    high = np.take_along_axis(order, (count // 2).clip(0, order.shape[1] - 1)[:, None], axis=1)[:, 0]
    return np.where(count > 0, np.where(count % 2 == 1, low, (low + high) / 2), 0.0)


def _inputs(
    rows: _Rows, which: npt.NDArray[np.int64], origins: npt.NDArray[np.int64], settings: Settings
) -> tuple[Array, Singles]:
    """Inputs (B, O, w + 3) at origins, columns of T that go with `which` (B, 1), and the levels (B, O)."""
    w = settings.window
    at = origins[..., None] + np.arange(w)
    window, seen = rows.z[which[..., None], at], rows.seen[which[..., None], at]
    level = window[..., -min(settings.level, w) :].mean(axis=-1)
    x = np.empty((*window.shape[:-1], w + EXTRA), np.float32)
    np.multiply(window - level[..., None], seen, out=x[..., :w])
    np.clip(x[..., :w], -50, 50, out=x[..., :w])
    x[..., w] = seen.mean(axis=-1)
    x[..., w + 1] = rows.size[which]
    x[..., w + 2] = settings.place * np.tanh((level - rows.centre[which]) / (1.5 * rows.spread[which]))
    return x, level


CROPS = 16
"""Stretches in a batch where there are fewer series."""


def _batches(
    rows: _Rows, ahead: npt.NDArray[np.int64], settings: Settings, seed: int
) -> Iterator[tuple[Array, Array, Array]]:
    """Inputs, targets (B, O, K) and weights of every update."""
    S = len(rows.z)
    T = rows.z.shape[1] - settings.window + 1
    O = min(settings.origins, T - 1)  # noqa: E741
    rng = stream(seed, 2)
    for _ in range(settings.steps):
        # Of few series several stretches each.
        which = rng.integers(0, S, CROPS) if S < CROPS else rng.choice(S, min(S, settings.batch), replace=False)
        # The last origin of a stretch has one value behind it at least; those of a long series lie anywhere.
        spare = np.maximum(T - rows.first[which] - O - 1, 0)
        last = T - 2 - np.floor(rng.random(len(which)) * (spare + 1)).astype(np.int64)
        origins = last[:, None] + np.arange(1 - O, 1)
        x, level = _inputs(rows, which[:, None], origins, settings)
        at = origins[..., None] + ahead
        inside = at < T
        at = np.minimum(at, T - 1) + settings.window - 1
        y = rows.z[which[:, None, None], at] - level[..., None]
        weight = rows.seen[which[:, None, None], at] * inside
        weight *= rows.seen[which[:, None], origins + settings.window - 1][..., None]
        yield x, np.clip(y, -100, 100), weight
