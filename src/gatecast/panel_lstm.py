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

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import NamedTuple, cast

import numpy as np
import numpy.typing as npt

from gatecast import optim
from gatecast.arrays import pack, unpack
from gatecast.data.frames import Frame, fit_frame, restore
from gatecast.history import History
from gatecast.layer import Layer
from gatecast.layers import GRU, LSTM, SLSTM, Dense, QuantileHead, Residual, SimpleRNN
from gatecast.losses import Pinball, weighted_mean
from gatecast.network import Network, Weights, backward, forward, initial_weights, like, wire
from gatecast.panel_windows import EXTRA, Rows, Settings, batches, inputs, make_rows
from gatecast.recurrent import release_memory

__all__ = [
    "CELLS",
    "UNSEEN",
    "Fitted",
    "Look",
    "Reading",
    "Settings",
    "Step",
    "answer",
    "fit",
    "looks_at",
    "make_network",
    "one_ahead",
    "quantiles",
    "read",
    "read_along",
    "steps_ahead",
]

Floats = npt.NDArray[np.float64]
Singles = npt.NDArray[np.float32]

CELLS: dict[str, tuple[str, Callable[..., Layer]]] = {
    "lstm": ("LSTM", LSTM),
    "gru": ("GRU", GRU),
    "rnn": ("RNN", SimpleRNN),
    "lstm-peephole": ("LSTM-peephole", partial(LSTM, peephole="diagonal")),
    "slstm": ("sLSTM", SLSTM),
}
"""By the name of the model: what its column is called, and the layer."""

LOOKS = 10
"""Looks at what is watched."""

DIRECT = 48
"""Steps that are learnt at most; between them quantiles are interpolated."""


class Step(NamedTuple):
    """How far the training of a member has come."""

    number: int
    """Updates done."""
    loss: float
    """Mean quantile loss of this update's batch, in units of the mean change."""
    validation: float = float("nan")
    """Mean error on values that are not learnt from, where it was looked at."""
    training: float = float("nan")
    """The same error on a sample of what is learnt from."""


class Look(NamedTuple):
    """One error on two sets of rows."""

    validation: float
    """Mean error on values that are not learnt from."""
    training: float
    """The same error on a sample of what is learnt from."""


UNSEEN = Look(float("nan"), float("nan"))
"""Nothing was looked at."""


class Fitted(NamedTuple):
    """A trained member."""

    network: Network
    weights: Weights
    settings: Settings
    horizon: int


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


def looks_at(steps: int) -> set[int]:
    """Updates after which what is watched is looked at.

    >>> sorted(looks_at(30))
    [3, 6, 9, 12, 15, 18, 21, 24, 27, 30]
    """
    return set(np.linspace(0, steps, LOOKS + 1)[1:].round().astype(int).tolist()) - {0}


def fit(
    history: History,
    h: int,
    m: int,
    settings: Settings,
    seed: int,
    report: Callable[[Step], object] | None = None,
    start: Fitted | None = None,
    watch: Callable[[Fitted], Look] | None = None,
) -> Fitted:
    """Train one member on a panel.

    Args:
        history: The series, and columns in standard deviations.
        h: Steps that are learnt.
        m: Season whose indices are taken out first; 1 for none.
        settings: Sizes and training.
        seed: Same seed, same bits.
        report: Called after every update, and before the first one if `watch` is given.
        start: A member to go on from; None: fresh weights.
        watch: Errors of a member, looked at before learning and ten times on the way. Where the one on values that
            it does not learn from was smaller on the way than at the end by the share of `settings.patience` or more,
            learning stops there: the weights are those of that time.

    Returns:
        The member; `steps` of its settings says how long it learnt.
    """
    settings = replace(
        settings, known=history.known.shape[2], historic=history.historic.shape[2], static=history.static.shape[1]
    )
    rows = make_rows(history, fit_frame(history.values, m), settings)
    pinball = Pinball(settings.probabilities)
    ahead = steps_ahead(h)
    network, weights = make_network(h, settings, seed)
    if start is None:
        _start(network, weights, ahead, settings, rows)
    else:
        weights.vector[:] = start.weights.vector
    grads = like(weights)
    optimizer = optim.chain(
        optim.clip_by_global_norm(1.0),
        optim.scale_by_adam(),
        optim.scale_by_learning_rate(optim.one_cycle(settings.rate, settings.steps)),
    )
    state = optimizer.init(weights.vector.size)
    best, last = (np.inf, settings.steps, weights.vector), np.inf
    looks = looks_at(settings.steps) if watch else set()
    if watch is not None and report is not None:
        report(Step(0, float("nan"), *watch(Fitted(network, weights, settings, h))))
    for number, (x, y, weight) in enumerate(batches(rows, ahead, settings, seed), 1):
        total = float(weight.sum())
        if total == 0:
            continue
        said, caches = forward(network, weights, pack(x), training=True, seed=seed, step=number, count=len(x))
        loss, dy = weighted_mean(pinball, said, pack(y), pack(weight), total)
        backward(network, weights, caches, dy, grads)
        optim.apply(optimizer, grads.vector, state, weights.vector, number)
        seen = UNSEEN
        if watch is not None and number in looks:
            seen = watch(Fitted(network, weights, settings, h))
            last = seen.validation
            if last < best[0]:
                best = last, number, weights.vector.copy()
        if report is not None:
            report(Step(number, loss, *seen))
    release_memory()
    if best[0] < (1 - settings.patience) * last:
        weights.vector[:], settings = best[2], replace(settings, steps=best[1])
    return Fitted(network, weights, settings, h)


class Reading(NamedTuple):
    """What a member reads to give R answers, whatever its weights."""

    x: Singles
    """(B, O, F) inputs."""
    at: npt.NDArray[np.int64]
    """(2, R) row of x, and origin of it, of each answer."""
    level: Singles
    """(R,) what the answers are counted from."""
    unit: Floats
    """(R,) their unit."""
    newest: Floats
    """(R,) what was taken off the series."""
    frame: Frame
    """Of the R answers."""
    empty: npt.NDArray[np.bool_]
    """(R,) whether the series has no value."""


def read(history: History, h: int, m: int, settings: Settings) -> Reading:
    """What a member reads of each series before it says the h steps behind its end.

    Args:
        history: R series, and columns in standard deviations, known h steps ahead.
        h: Horizon.
        m: Season whose indices are taken out first.
        settings: Of the member.
    """
    part = history.newest(settings.origins * settings.segment + settings.window + CONTEXT * m)
    frame = fit_frame(part.values, m)
    rows = make_rows(part, frame, settings)
    last, R = rows.z.shape[1] - settings.window, len(part)
    count = min(settings.origins, last // settings.segment + 1)
    origins = last - settings.segment * np.arange(count)[::-1]
    x, level = inputs(rows, np.arange(R)[:, None], origins[None, :], steps_ahead(h), settings)
    at = np.stack([np.arange(R), np.full(R, count - 1)])
    return Reading(x, at, level[:, -1], rows.unit, rows.newest, frame, _empty(part))


def read_along(history: History, backs: npt.NDArray[np.int64], h: int, m: int, settings: Settings) -> Reading:
    """What a member reads at cutoffs within series that it learns from, as it reads them when it learns.

    Seasonal indices and units are those of whole series: so the errors are those that learning makes smaller.

    Args:
        history: S series, and columns in standard deviations.
        backs: (C,) how many of the newest values each cutoff leaves out; they differ by multiples of a segment.
        h: Horizon.
        m: Season whose indices are taken out first.
        settings: Of the member.

    Returns:
        For C S answers, cutoff by cutoff.
    """
    (S, T), step, C = history.values.shape, settings.segment, len(backs)
    frame = fit_frame(history.values, m)
    rows = make_rows(history, frame, settings)
    ends = T - 1 - backs
    count = min(settings.origins, int(ends.max()) // step + 1)
    # A stretch begins where it does in training: at the beginning of the series, if it reaches so far.
    first, group = np.unique(np.maximum(ends - step * (count - 1), ends % step), return_inverse=True)
    origins = np.repeat(first, S)[:, None] + step * np.arange(count)
    x, level = inputs(rows, np.tile(np.arange(S), len(first))[:, None], origins, steps_ahead(h), settings)
    at = np.stack([np.repeat(group * S, S) + np.tile(np.arange(S), C), np.repeat((ends - first[group]) // step, S)])
    season = np.concatenate([np.roll(frame.season, back, axis=1) for back in backs.tolist()])
    turned = Frame(season, np.tile(frame.positive, C), np.tile(frame.unit, C))
    unit, newest = np.tile(rows.unit, C), np.tile(rows.newest, C)
    return Reading(x, at, level[at[0], at[1]], unit, newest, turned, np.tile(_empty(history), C))


def answer(fitted: Fitted, reading: Reading) -> Floats:
    """(R, h, Q) in the unit of the values, increasing along Q; NaN for a series without a value."""
    h, (row, origin) = fitted.horizon, reading.at
    ahead = steps_ahead(h)
    between = np.stack([np.interp(np.arange(1, h + 1), ahead, unit) for unit in np.eye(len(ahead))], axis=1)
    said, _ = forward(fitted.network, fitted.weights, pack(reading.x), keep=False, count=len(reading.x))
    origins, place = np.unique(origin, return_inverse=True)
    q = unpack(said[:, origins], len(reading.x))[row, place].reshape(len(row), len(ahead), -1)
    z = np.einsum("hk,skq->shq", between, q) + reading.level[:, None, None]
    values = restore(reading.frame, z * reading.unit[:, None, None] + reading.newest[:, None, None])
    values[reading.empty] = np.nan
    return values


def _empty(history: History) -> npt.NDArray[np.bool_]:
    """(R,) whether a series has no value."""
    return np.asarray(~np.isfinite(history.values).any(axis=1))


def quantiles(fitted: Fitted, history: History, m: int, batch: int = 2048) -> Floats:
    """What a member says of the h steps behind the end of each series.

    Args:
        fitted: A trained member.
        history: Any series, and columns in standard deviations, known h steps ahead.
        m: Season whose indices are taken out first.
        batch: Series at a time.

    Returns:
        (S, h, Q) in the unit of the values, increasing along Q; NaN for a series without a value.
    """
    parts = [history.rows(slice(start, start + batch)) for start in range(0, len(history), batch)]
    said = [answer(fitted, read(part, fitted.horizon, m, fitted.settings)) for part in parts]
    release_memory()
    return np.concatenate(said)


def one_ahead(fitted: Fitted, history: History, m: int, batch: int = 512) -> Floats:
    """The median that a member says of each value of the past, one step before it.

    Seasonal indices and units are those of the whole series, which the member has learnt from too.

    Args:
        fitted: A trained member.
        history: Any series, and columns in standard deviations.
        m: Season whose indices are taken out first.
        batch: Series at a time.

    Returns:
        (R, T) in the unit of the values; NaN up to the first value of a series.
    """
    settings, ahead = fitted.settings, steps_ahead(fitted.horizon)
    R, T = history.values.shape
    answer = np.full((R, T), np.nan)
    mid = len(settings.probabilities) // 2
    for start in range(0, R, batch):
        part = history.rows(slice(start, start + batch))
        frame = fit_frame(part.values, m)
        rows = make_rows(part, frame, settings)
        z = np.empty((len(part), T - 1))
        for phase in range(min(settings.segment, T - 1)):
            origins = np.arange(phase, T - 1, settings.segment)[None, :]
            x, level = inputs(rows, np.arange(len(part))[:, None], origins, ahead, settings)
            said, _ = forward(fitted.network, fitted.weights, pack(x), keep=False, count=len(part))
            first = unpack(said, len(part)).reshape(*level.shape, len(ahead), -1)[:, :, 0, mid]
            z[:, origins[0]] = (first + level) * rows.unit[:, None] + rows.newest[:, None]
        # A frame restores from the step behind the end on: here, from the second column on.
        turned = frame._replace(season=np.roll(frame.season, T - 1, axis=1))
        answer[start : start + batch, 1:] = restore(turned, z)
        answer[start : start + batch][np.arange(T) <= rows.first[:, None]] = np.nan
    release_memory()
    return answer


CONTEXT = 10
"""Seasons before the windows that seasonal indices are made from when predicting."""


def _network(K: int, settings: Settings) -> Network:
    """Dense, recurrent layers with a way around each, and a head of quantiles."""
    (_, cell), u = CELLS[settings.cell], settings.units
    hidden = [Residual(cell(u, return_sequences=True, dropout=settings.dropout)) for _ in range(settings.layers)]
    Q = len(settings.probabilities)
    inputs = settings.window + EXTRA + (K + 1) * settings.known + settings.historic + settings.static
    return wire([Dense(u, activation="tanh"), *hidden, Dense(K * Q), QuantileHead(Q)], (None, inputs))


def make_network(h: int, settings: Settings, seed: int = 0) -> tuple[Network, Weights]:
    """The layers of a member, and fresh weights.

    >>> network, weights = make_network(2, Settings(4, units=3, layers=1))
    >>> network.shapes[-1], weights.vector.size
    ((None, 10), 148)
    """
    network = _network(len(steps_ahead(h)), settings)
    return network, initial_weights(network, seed)


def _start(network: Network, weights: Weights, ahead: npt.NDArray[np.int64], settings: Settings, rows: Rows) -> None:
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
    head = cast(QuantileHead, network.layers[-1])
    dense["b"][:] = head.raw(spread).ravel()
