"""The hybrid of exponential smoothing and a dilated LSTM: smoothing of every series and one network, trained together.

Letters: S series, T columns, B series of a batch, C columns of a stretch, O origins, w values in a window, h horizon,
K steps of it that are learnt, Q quantiles, m season, u units, P = 2 + m smoothing parameters of a series.

Every series has two smoothing weights and m first seasons of its own. At every origin the network reads the last w
values less their seasons and less the smoothed level, and says quantiles of the next h likewise: ``z[t + k] = l[t] +
s[t + k] + unit q[k]``. The loss at all origins is carried back through the network into windows and targets, and from
there through the smoothing (`smoothing`) into the parameters of each series.

z is the logarithm where all values of a series are above 0, so that level and season multiply; else asinh of the values
in units of their mean size, where they add up. Level and season are smoothed as z: geometric means, where Smyl has
arithmetic ones of the values. Beyond Smyl, z is in units of the series' mean change (a network of few steps need not
learn the sizes first), and quantiles are learnt instead of a point.

Source: Smyl 2020 (ES-RNN, winner of M4); Chang et al. 2017 (dilated RNN); Wen et al. 2017 (forking sequences).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import NamedTuple, cast

import numpy as np
import numpy.typing as npt

from gatecast import optim
from gatecast.arrays import Array, pack, unpack
from gatecast.data.frames import fit_frame, restore
from gatecast.errors import ConfigError, DataError, require_count, require_positive
from gatecast.es_windows import EXTRA, Read, Rows, make_rows, read, read_backward, stretch
from gatecast.history import History
from gatecast.layers import LSTM, Dense, Dilated, QuantileHead, Residual
from gatecast.losses import Pinball, weighted_mean
from gatecast.network import Network, Weights, backward, forward, initial_weights, like, stream, wire
from gatecast.panel_lstm import UNSEEN, Look, Step, looks_at, steps_ahead
from gatecast.recurrent import release_memory
from gatecast.smoothing import SparseAdam

__all__ = ["Fitted", "Settings", "fit", "make_network", "make_settings", "newest", "one_ahead", "quantiles"]

Floats = npt.NDArray[np.float64]
Singles = npt.NDArray[np.float32]
Integers = npt.NDArray[np.int64]

CROPS = 16
"""Stretches in a batch where there are fewer series."""

SAMPLE = 500
"""Series that the first answer is made from."""


@dataclass(frozen=True)
class Settings:
    """What the hybrid is, and how it is trained.

    Args:
        window: w.
        units: u of each recurrent layer.
        dilations: Of each recurrent layer.
        dropout: Share of what enters a recurrent layer that is dropped in training.
        origins: O of a series in a batch, at most.
        steps: Updates.
        batch: B.
        rate: Highest learning rate of the network, of one cycle.
        series_rate: Likewise of the smoothing parameters.
        level: Smoothing weight of the level that training starts from.
        season: Likewise of the season.
        penalty: Weight of the level's roughness in the loss.
        clip: Largest norm of the network's gradient.
        tau: Level at which the middle quantile is learnt; below 0.5 against the bias of the logarithm.
        probabilities: Q levels, an odd number, the middle one 0.5.
        seed: Same seed, same bits.

    Raises:
        ConfigError: A size below 1, a rate that is not above 0, levels that do not increase or have no middle.

    >>> Settings(4).dilations
    (1, 2)
    """

    window: int
    units: int = 40
    dilations: tuple[int, ...] = (1, 2)
    dropout: float = 0.0
    origins: int = 96
    steps: int = 300
    batch: int = 96
    rate: float = 3e-3
    series_rate: float = 3e-2
    level: float = 0.6
    season: float = 0.1
    penalty: float = 0.0
    clip: float = 1.0
    tau: float = 0.5
    probabilities: tuple[float, ...] = (0.025, 0.1, 0.5, 0.9, 0.975)
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("window", "units", "origins", "steps", "batch"):
            require_count(getattr(self, name), f"Settings' {name}")
        for name in ("rate", "series_rate", "clip"):
            require_positive(getattr(self, name), f"Settings' {name}")
        for name in ("level", "season"):
            if not 0 < getattr(self, name) < 1:
                raise ConfigError(
                    f"Settings' {name} is no weight to start from",
                    got=repr(getattr(self, name)),
                    expected="a number between 0 and 1",
                )
        levels = Pinball(self.probabilities).quantiles
        mid = len(levels) // 2
        if len(levels) % 2 == 0 or levels[mid] != 0.5:
            raise ConfigError(
                "Settings' probabilities have no middle", got=str(list(levels)), expected="an odd number around 0.5"
            )
        Pinball((*levels[:mid], self.tau, *levels[mid + 1 :]))


class Fitted(NamedTuple):
    """Network and smoothing, trained."""

    network: Network
    weights: Weights
    settings: Settings
    horizon: int
    period: int
    """m."""
    parameters: Floats
    """(S, 2 + m): logits of both smoothing weights, and the seasons of the first steps, as z; column 2 + j is of the
    phase of step j + 1 behind the end."""
    end: Integers
    """(S,) time of the end of each series, as a `History` has it."""


def make_settings(h: int, m: int, typical: int, seed: int = 0) -> Settings:
    """Settings by season and length, as validation tails chose them; dilations are Smyl's.

    Args:
        h: Horizon.
        m: Season; 1 for none.
        typical: Values of the typical series.
        seed: Same seed, same bits.

    >>> make_settings(18, 12, 120).dilations
    (1, 3, 6, 12)
    """
    if m == 1 and h <= 6:
        yearly = Settings(5, units=32, dilations=(1, 6), origins=36, steps=100, series_rate=1e-2, level=0.9, tau=0.45)
        return _shortened(yearly, typical, seed)
    if m <= 4:
        window = max(5, min(h, 24))
        low = Settings(window, units=48, origins=48, steps=200, series_rate=2e-2, level=0.9, season=0.05, tau=0.46)
        return _shortened(replace(low, penalty=0.1), typical, seed)
    dilations = (1, 3, 6, 12) if m <= 12 else (1, 4, m)
    high = Settings(max(5, min(h, 24)), units=48, dilations=dilations, steps=250, level=0.4, season=0.05)
    return _shortened(high, typical, seed)


def fit(
    history: History,
    h: int,
    m: int,
    settings: Settings,
    report: Callable[[Step], object] | None = None,
    start: Fitted | None = None,
    watch: Callable[[Fitted], Look] | None = None,
) -> Fitted:
    """Train network and smoothing on a panel.

    Args:
        history: The series; their numbers are those of its rows.
        h: Steps that are learnt.
        m: Season; 1 for none.
        settings: Sizes and training.
        report: Called after every update, and before the first one if `watch` is given.
        start: What to go on from; None: fresh weights.
        watch: Errors of a hybrid, looked at before learning and ten times on the way.

    Returns:
        Network and smoothing.

    Raises:
        DataError: A panel without a series or a column.

    >>> from gatecast.history import plain
    >>> y = plain(10 + np.arange(40.0).reshape(2, 20))
    >>> fit(y, 3, 1, Settings(4, units=3, steps=2)).parameters.shape
    (2, 3)
    """
    values = history.values
    if values.ndim != 2 or 0 in values.shape:
        raise DataError("there is nothing to learn from", got=str(values.shape), expected="(series, columns)")
    rows = make_rows(values, m, settings.window)
    parameters = _first_parameters(rows, settings) if start is None else _parameters_of(start, history, rows)
    mid = len(settings.probabilities) // 2
    pinball = Pinball((*settings.probabilities[:mid], settings.tau, *settings.probabilities[mid + 1 :]))
    ahead = steps_ahead(h)
    network, weights = make_network(h, settings)
    if start is None:
        _start(network, weights, ahead, pinball, rows, parameters, settings)
    else:
        weights.vector[:] = start.weights.vector
    grads, sparse = like(weights), SparseAdam(parameters.shape)
    one_cycle = optim.one_cycle(1.0, settings.steps)
    rate = optim.one_cycle(settings.rate, settings.steps)
    links = optim.clip_by_global_norm(settings.clip), optim.scale_by_adam(), optim.scale_by_learning_rate(rate)
    optimizer = optim.chain(*links)
    state = optimizer.init(weights.vector.size)

    def now() -> Fitted:
        """The hybrid as it stands."""
        found = np.concatenate([parameters[:, :2], parameters[:, 2:] * rows.unit[:, None]], axis=1)
        # Whoever goes on learns from the newest rows: their end is the new zero.
        end = history.end if start is None else np.zeros_like(history.end)
        return Fitted(network, weights, settings, h, m, found, end)

    looks = looks_at(settings.steps) if watch else set()
    if watch is not None and report is not None:
        report(Step(0, float("nan"), *watch(now())))
    for number, (which, last) in enumerate(_draws(rows, settings), 1):
        piece = stretch(rows, which, last, h, settings.window, settings.origins)
        given = read(piece, rows, parameters, ahead)
        total = float(given.weight.sum())
        if total == 0:
            continue
        x, y, weight = pack(given.x), pack(given.y), pack(given.weight)
        said, caches = forward(network, weights, x, training=True, seed=settings.seed, step=number, count=len(which))
        loss, dy = weighted_mean(pinball, said, y, weight, total)
        dx = unpack(cast(Array, backward(network, weights, caches, dy, grads, need_dx=True)), len(which))
        dtarget = -unpack(dy, len(which)).reshape(*given.y.shape, -1).sum(axis=-1)
        gradient = read_backward(piece, rows, parameters, ahead, given, dx, dtarget, settings.penalty)
        optim.apply(optimizer, grads.vector, state, weights.vector, number)
        sparse.update(parameters, which, gradient, settings.series_rate * one_cycle(number))
        if report is not None:
            report(Step(number, loss, *(watch(now()) if watch is not None and number in looks else UNSEEN)))
    release_memory()
    return now()


def quantiles(fitted: Fitted, history: History, batch: int = 2048) -> Floats:
    """What the hybrid says of the h steps behind the end of each series.

    A series that was learnt from is smoothed with its own weights, from its own seasons; any other with the median
    weights of the panel, from seasonal indices of its own.

    Args:
        fitted: Network and smoothing, trained.
        history: Any series, at any time.
        batch: Series at a time.

    Returns:
        (R, h, Q) in the unit of the values, increasing along Q; NaN for a series without a value.
    """
    settings, h, m = fitted.settings, fitted.horizon, fitted.period
    ahead = steps_ahead(h)
    between = np.stack([np.interp(np.arange(1, h + 1), ahead, one) for one in np.eye(len(ahead))], axis=1)
    answer = np.full((len(history), h, len(settings.probabilities)), np.nan)
    for start in range(0, len(history), batch):
        part = history.rows(slice(start, start + batch))
        frame, (rows, given) = fit_frame(part.values, 1), newest(fitted, part, settings.origins)
        said, _ = forward(fitted.network, fitted.weights, pack(given.x), keep=False, count=len(part))
        q = unpack(said[:, -1:], len(part)).reshape(len(part), len(ahead), -1).astype(np.float64)
        base = given.found.level[-1][:, None] + given.found.season[-m:][np.arange(h) % m].T
        z = np.einsum("hk,skq->shq", between, q) + base[..., None]
        said_values = restore(frame, z * rows.unit[:, None, None] + rows.newest[:, None, None])
        there = np.isfinite(part.values).any(axis=1)
        answer[start : start + batch][there] = said_values[there]
    release_memory()
    return answer


def one_ahead(fitted: Fitted, history: History, batch: int = 512) -> Floats:
    """The median that the hybrid says of each value of the past, one step before it.

    Args:
        fitted: Network and smoothing, trained.
        history: Any series.
        batch: Series at a time.

    Returns:
        (R, T) in the unit of the values; NaN up to the second column, and up to the first value of a series.
    """
    mid = len(fitted.settings.probabilities) // 2
    ahead, T = steps_ahead(fitted.horizon), history.values.shape[1]
    answer = np.full(history.values.shape, np.nan)
    for start in range(0, len(history) if T > 2 else 0, batch):
        part = history.rows(slice(start, start + batch))
        frame, (rows, given) = fit_frame(part.values, 1), newest(fitted, part, T)
        said, _ = forward(fitted.network, fitted.weights, pack(given.x), keep=False, count=len(part))
        O = given.x.shape[1]  # noqa: E741
        first = unpack(said, len(part)).reshape(len(part), O, len(ahead), -1)[:, :, 0, mid].astype(np.float64)
        C = len(given.found.level)
        z = first + given.found.level[C - O :].T + given.found.season[C - O + 1 : C + 1].T
        told = restore(frame, z * rows.unit[:, None] + rows.newest[:, None])[:, :-1]
        answer[start : start + batch, T - O + 1 :] = told
    begun = np.cumsum(np.isfinite(history.values), axis=1) - np.isfinite(history.values) > 0
    release_memory()
    return np.where(begun, answer, np.nan)


def newest(fitted: Fitted, history: History, origins: int) -> tuple[Rows, Read]:
    """What a hybrid reads at the newest origins of series, so many at most: these as they are smoothed, its inputs."""
    rows = make_rows(history.values, fitted.period, fitted.settings.window)
    which, end = np.arange(len(history)), np.full(len(history), rows.z.shape[1] - 1)
    piece = stretch(rows, which, end, fitted.horizon, fitted.settings.window, origins)
    return rows, read(piece, rows, _parameters_of(fitted, history, rows), steps_ahead(fitted.horizon))


def make_network(h: int, settings: Settings) -> tuple[Network, Weights]:
    """The layers of the hybrid, and fresh weights."""
    network = _network(len(steps_ahead(h)), settings)
    return network, initial_weights(network, settings.seed)


def _parameters_of(fitted: Fitted, history: History, rows: Rows) -> Floats:
    """(R, P) smoothing parameters: of a series that was learnt its own, its seasons turned to where its end is now."""
    found = _first_parameters(rows, fitted.settings)
    found[:, :2] = _typical(fitted.parameters)
    there = np.flatnonzero(history.series >= 0)
    series = history.series[there]
    turned = (np.arange(fitted.period) + (history.end[there] - fitted.end[series])[:, None]) % fitted.period
    seasons = np.take_along_axis(fitted.parameters[series, 2:], turned, axis=1) / rows.unit[there, None]
    found[there, :2] = fitted.parameters[series, :2]
    found[there, 2:] = seasons * rows.seasonal[there, None]
    return found


def _shortened(settings: Settings, typical: int, seed: int) -> Settings:
    """Settings whose window the typical series fills."""
    return replace(settings, window=max(2, min(settings.window, typical - 1)), seed=seed)


def _network(K: int, settings: Settings) -> Network:
    """Dilated recurrent layers with a way around each, a dense layer, and a head of quantiles."""
    u, Q = settings.units, len(settings.probabilities)
    hidden = [
        Residual(Dilated(LSTM(u, return_sequences=True, dropout=settings.dropout), d)) for d in settings.dilations
    ]
    return wire(
        [Dense(u, activation="tanh"), *hidden, Dense(u, activation="tanh"), Dense(K * Q), QuantileHead(Q)],
        (None, settings.window + EXTRA),
    )


def _first_parameters(rows: Rows, settings: Settings) -> Floats:
    """(S, P) what training starts from."""
    logits = [np.log(p / (1 - p)) for p in (settings.level, settings.season)]
    return np.concatenate([np.broadcast_to(logits, (len(rows.z), 2)), rows.season], axis=1)


def _typical(parameters: Floats) -> Floats:
    """(2,) median logits: of the level over all series, of the season over those that have one."""
    seasonal = (parameters[:, 2:] != 0).any(axis=1)
    own = parameters[seasonal] if seasonal.any() else parameters
    return np.array([np.median(parameters[:, 0]), np.median(own[:, 1])])


def _draws(rows: Rows, settings: Settings) -> Iterator[tuple[Integers, Integers]]:
    """Series (B,) of every update, and the columns (B,) of their last origins; all series come equally often."""
    S, columns = rows.z.shape
    T = columns - settings.window + 1
    O = min(settings.origins, max(T - 1, 1))  # noqa: E741
    first = np.where(rows.seen.any(axis=1), rows.seen.argmax(axis=1) - settings.window + 1, T)
    size = CROPS if S < CROPS else min(S, settings.batch)
    rng = stream(settings.seed, 2)
    queue = np.empty(0, np.int64)
    for _ in range(settings.steps):
        while len(queue) < size:
            queue = np.concatenate([queue, rng.permutation(S)])
        which, queue = queue[:size], queue[size:]
        # The last origin has one value behind it at least; those of a long series lie anywhere.
        spare = np.maximum(T - first[which] - O - 1, 0)
        yield which, columns - 2 - np.floor(rng.random(size) * (spare + 1)).astype(np.int64)


def _start(
    network: Network,
    weights: Weights,
    ahead: Integers,
    pinball: Pinball,
    rows: Rows,
    parameters: Floats,
    settings: Settings,
) -> None:
    """Let the first answer be the same for all: the quantiles of the targets of each step."""
    which = np.arange(0, len(rows.z), -(-len(rows.z) // SAMPLE))
    last = np.full(len(which), rows.z.shape[1] - 2)
    piece = stretch(rows, which, last, int(ahead[-1]), settings.window, settings.origins)
    given = read(piece, rows, parameters, ahead)
    spread = np.zeros((len(ahead), len(pinball.quantiles)))
    for k in range(len(ahead)):
        there = given.y[..., k][given.weight[..., k] > 0]
        spread[k] = np.quantile(there, pinball.quantiles) if there.size > 20 else spread[max(k - 1, 0)]
    dense = weights.views[-2]
    dense["W"][:] = 0.0
    dense["b"][:] = cast(QuantileHead, network.layers[-1]).raw(spread).ravel()
