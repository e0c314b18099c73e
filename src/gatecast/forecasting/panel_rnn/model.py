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

from gatecast.forecasting.context import PanelContext
from gatecast.forecasting.panel_rnn.windows import (
    N_EXTRA_INPUTS,
    PanelRNNSettings,
    ScaledSeries,
    batches,
    inputs,
    scale_series,
)
from gatecast.forecasting.scaling import SeriesScaler, fit_scaler, inverse_transform
from gatecast.kernels.native import relax
from gatecast.kernels.packing import pack, unpack
from gatecast.nn import optim
from gatecast.nn.layers import GRU, LSTM, SLSTM, Dense, QuantileHead, Residual, SimpleRNN
from gatecast.nn.layers.base import Layer
from gatecast.nn.losses import Pinball, weighted_mean
from gatecast.nn.network import Network, Weights, backward, build, forward, initial_weights, zeros_like

__all__ = [
    "CELLS",
    "NOT_MEASURED",
    "Fitted",
    "ModelInputs",
    "PanelRNNSettings",
    "StepRecord",
    "ValidationErrors",
    "fit",
    "make_inputs",
    "make_network",
    "make_training_inputs",
    "predict",
    "predict_insample",
    "predict_quantiles",
    "steps_ahead",
    "validation_steps",
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

N_VALIDATIONS = 10
"""Looks at what is watched."""

MAX_DIRECT_STEPS = 48
"""Steps that are learnt at most; between them quantiles are interpolated."""


class StepRecord(NamedTuple):
    """How far the training of a member has come."""

    number: int
    """Updates done."""
    loss: float
    """Mean quantile loss of this update's batch, in units of the mean change."""
    validation: float = float("nan")
    """Mean error on values that are not learnt from, where it was looked at."""
    training: float = float("nan")
    """The same error on a sample of what is learnt from."""


class ValidationErrors(NamedTuple):
    """One error on two sets of rows."""

    validation: float
    """Mean error on values that are not learnt from."""
    training: float
    """The same error on a sample of what is learnt from."""


NOT_MEASURED = ValidationErrors(float("nan"), float("nan"))
"""Nothing was looked at."""


class Fitted(NamedTuple):
    """A trained member."""

    network: Network
    weights: Weights
    settings: PanelRNNSettings
    horizon: int


def steps_ahead(h: int, count: int = MAX_DIRECT_STEPS) -> npt.NDArray[np.int64]:
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


def validation_steps(steps: int) -> set[int]:
    """Updates after which what is watched is looked at.

    >>> sorted(validation_steps(30))
    [3, 6, 9, 12, 15, 18, 21, 24, 27, 30]
    """
    return set(np.linspace(0, steps, N_VALIDATIONS + 1)[1:].round().astype(int).tolist()) - {0}


def fit(
    history: PanelContext,
    h: int,
    m: int,
    settings: PanelRNNSettings,
    seed: int,
    report: Callable[[StepRecord], object] | None = None,
    start: Fitted | None = None,
    watch: Callable[[Fitted], ValidationErrors] | None = None,
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
        settings,
        n_futr_exog=history.futr_exog.shape[2],
        n_hist_exog=history.hist_exog.shape[2],
        n_stat_exog=history.stat_exog.shape[1],
    )
    rows = scale_series(history, fit_scaler(history.values, m), settings)
    pinball = Pinball(settings.quantiles)
    ahead = steps_ahead(h)
    network, weights = make_network(h, settings, seed)
    if start is None:
        initialize_head(network, weights, ahead, settings, rows)
    else:
        weights.vector[:] = start.weights.vector
    grads = zeros_like(weights)
    optimizer = optim.chain(
        optim.clip_by_global_norm(1.0),
        optim.scale_by_adam(),
        optim.scale_by_learning_rate(optim.one_cycle(settings.learning_rate, settings.max_steps)),
    )
    state = optimizer.init(weights.vector.size)
    best, last = (np.inf, settings.max_steps, weights.vector), np.inf
    looks = validation_steps(settings.max_steps) if watch else set()
    if watch is not None and report is not None:
        report(StepRecord(0, float("nan"), *watch(Fitted(network, weights, settings, h))))
    for number, (x, y, weight) in enumerate(batches(rows, ahead, settings, seed), 1):
        total = float(weight.sum())
        if total == 0:
            continue
        said, caches = forward(network, weights, pack(x), training=True, seed=seed, step=number, n_sequences=len(x))
        loss, dy = weighted_mean(pinball, said, pack(y), pack(weight), total)
        backward(network, weights, caches, dy, grads)
        optim.apply_updates(optimizer, grads.vector, state, weights.vector, number)
        seen = NOT_MEASURED
        if watch is not None and number in looks:
            seen = watch(Fitted(network, weights, settings, h))
            last = seen.validation
            if last < best[0]:
                best = last, number, weights.vector.copy()
        if report is not None:
            report(StepRecord(number, loss, *seen))
    relax()
    if best[0] < (1 - settings.min_improvement) * last:
        weights.vector[:], settings = best[2], replace(settings, max_steps=best[1])
    return Fitted(network, weights, settings, h)


class ModelInputs(NamedTuple):
    """What a member reads to give R answers, whatever its weights."""

    x: Singles
    """(B, O, F) inputs."""
    position: npt.NDArray[np.int64]
    """(2, R) row of x, and origin of it, of each answer."""
    level: Singles
    """(R,) what the answers are counted from."""
    scale: Floats
    """(R,) their unit."""
    last: Floats
    """(R,) what was taken off the series."""
    scaler: SeriesScaler
    """Of the R answers."""
    empty: npt.NDArray[np.bool_]
    """(R,) whether the series has no value."""


def make_inputs(history: PanelContext, h: int, m: int, settings: PanelRNNSettings) -> ModelInputs:
    """What a member reads of each series before it says the h steps behind its end.

    Args:
        history: R series, and columns in standard deviations, known h steps ahead.
        h: Horizon.
        m: Season whose indices are taken out first.
        settings: Of the member.
    """
    part = history.keep_last(settings.n_origins * settings.stride + settings.input_size + CONTEXT_SEASONS * m)
    frame = fit_scaler(part.values, m)
    rows = scale_series(part, frame, settings)
    last, R = rows.z.shape[1] - settings.input_size, len(part)
    count = min(settings.n_origins, last // settings.stride + 1)
    origins = last - settings.stride * np.arange(count)[::-1]
    x, level = inputs(rows, np.arange(R)[:, None], origins[None, :], steps_ahead(h), settings)
    at = np.stack([np.arange(R), np.full(R, count - 1)])
    return ModelInputs(x, at, level[:, -1], rows.scale, rows.last, frame, _empty(part))


def make_training_inputs(
    history: PanelContext, backs: npt.NDArray[np.int64], h: int, m: int, settings: PanelRNNSettings
) -> ModelInputs:
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
    (S, T), step, C = history.values.shape, settings.stride, len(backs)
    frame = fit_scaler(history.values, m)
    rows = scale_series(history, frame, settings)
    ends = T - 1 - backs
    count = min(settings.n_origins, int(ends.max()) // step + 1)
    # A stretch begins where it does in training: at the beginning of the series, if it reaches so far.
    first, group = np.unique(np.maximum(ends - step * (count - 1), ends % step), return_inverse=True)
    origins = np.repeat(first, S)[:, None] + step * np.arange(count)
    x, level = inputs(rows, np.tile(np.arange(S), len(first))[:, None], origins, steps_ahead(h), settings)
    at = np.stack([np.repeat(group * S, S) + np.tile(np.arange(S), C), np.repeat((ends - first[group]) // step, S)])
    season = np.concatenate([np.roll(frame.seasonal, back, axis=1) for back in backs.tolist()])
    turned = SeriesScaler(season, np.tile(frame.positive, C), np.tile(frame.unit, C))
    unit, newest = np.tile(rows.scale, C), np.tile(rows.last, C)
    return ModelInputs(x, at, level[at[0], at[1]], unit, newest, turned, np.tile(_empty(history), C))


def predict(fitted: Fitted, reading: ModelInputs) -> Floats:
    """(R, h, Q) in the unit of the values, increasing along Q; NaN for a series without a value."""
    h, (row, origin) = fitted.horizon, reading.position
    ahead = steps_ahead(h)
    between = np.stack([np.interp(np.arange(1, h + 1), ahead, unit) for unit in np.eye(len(ahead))], axis=1)
    said, _ = forward(
        fitted.network, fitted.weights, pack(reading.x), save_for_backward=False, n_sequences=len(reading.x)
    )
    origins, place = np.unique(origin, return_inverse=True)
    q = unpack(said[:, origins], len(reading.x))[row, place].reshape(len(row), len(ahead), -1)
    z = np.einsum("hk,skq->shq", between, q) + reading.level[:, None, None]
    values = inverse_transform(reading.scaler, z * reading.scale[:, None, None] + reading.last[:, None, None])
    values[reading.empty] = np.nan
    return values


def _empty(history: PanelContext) -> npt.NDArray[np.bool_]:
    """(R,) whether a series has no value."""
    return np.asarray(~np.isfinite(history.values).any(axis=1))


def predict_quantiles(fitted: Fitted, history: PanelContext, m: int, batch: int = 2048) -> Floats:
    """What a member says of the h steps behind the end of each series.

    Args:
        fitted: A trained member.
        history: Any series, and columns in standard deviations, known h steps ahead.
        m: Season whose indices are taken out first.
        batch: Series at a time.

    Returns:
        (S, h, Q) in the unit of the values, increasing along Q; NaN for a series without a value.
    """
    parts = [history.take(slice(start, start + batch)) for start in range(0, len(history), batch)]
    said = [predict(fitted, make_inputs(part, fitted.horizon, m, fitted.settings)) for part in parts]
    relax()
    return np.concatenate(said)


def predict_insample(fitted: Fitted, history: PanelContext, m: int, batch: int = 512) -> Floats:
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
    mid = len(settings.quantiles) // 2
    for start in range(0, R, batch):
        part = history.take(slice(start, start + batch))
        frame = fit_scaler(part.values, m)
        rows = scale_series(part, frame, settings)
        z = np.empty((len(part), T - 1))
        for phase in range(min(settings.stride, T - 1)):
            origins = np.arange(phase, T - 1, settings.stride)[None, :]
            x, level = inputs(rows, np.arange(len(part))[:, None], origins, ahead, settings)
            said, _ = forward(fitted.network, fitted.weights, pack(x), save_for_backward=False, n_sequences=len(part))
            first = unpack(said, len(part)).reshape(*level.shape, len(ahead), -1)[:, :, 0, mid]
            z[:, origins[0]] = (first + level) * rows.scale[:, None] + rows.last[:, None]
        # A frame restores from the step behind the end on: here, from the second column on.
        turned = frame._replace(seasonal=np.roll(frame.seasonal, T - 1, axis=1))
        answer[start : start + batch, 1:] = inverse_transform(turned, z)
        answer[start : start + batch][np.arange(T) <= rows.first[:, None]] = np.nan
    relax()
    return answer


CONTEXT_SEASONS = 10
"""Seasons before the windows that seasonal indices are made from when predicting."""


def _network(K: int, settings: PanelRNNSettings) -> Network:
    """Dense, recurrent layers with a way around each, and a head of quantiles."""
    (_, cell), u = CELLS[settings.cell], settings.units
    hidden = [Residual(cell(u, return_sequences=True, dropout=settings.dropout)) for _ in range(settings.n_layers)]
    Q = len(settings.quantiles)
    inputs = (
        settings.input_size
        + N_EXTRA_INPUTS
        + (K + 1) * settings.n_futr_exog
        + settings.n_hist_exog
        + settings.n_stat_exog
    )
    return build([Dense(u, activation="tanh"), *hidden, Dense(K * Q), QuantileHead(Q)], (None, inputs))


def make_network(h: int, settings: PanelRNNSettings, seed: int = 0) -> tuple[Network, Weights]:
    """The layers of a member, and fresh weights.

    >>> network, weights = make_network(2, Settings(4, units=3, layers=1))
    >>> network.shapes[-1], weights.vector.size
    ((None, 10), 148)
    """
    network = _network(len(steps_ahead(h)), settings)
    return network, initial_weights(network, seed)


def initialize_head(
    network: Network, weights: Weights, ahead: npt.NDArray[np.int64], settings: PanelRNNSettings, rows: ScaledSeries
) -> None:
    """Let the first answer be the same for all: the quantiles of what came at each step."""
    dense = weights.views[-2]
    dense["W"][:] = 0.0
    spread = np.zeros((len(ahead), len(settings.quantiles)))
    z = rows.z[:: max(1, len(rows.z) // 500), settings.input_size - 1 :]
    seen = rows.observed[:: max(1, len(rows.z) // 500), settings.input_size - 1 :]
    for k, step in enumerate(ahead.tolist()):
        both = (seen[:, step:] * seen[:, :-step]) > 0
        change = (z[:, step:] - z[:, :-step])[both]
        spread[k] = np.quantile(change, settings.quantiles) if change.size > 20 else spread[max(k - 1, 0)]
    head = cast(QuantileHead, network.layers[-1])
    dense["b"][:] = head.inverse(spread).ravel()
