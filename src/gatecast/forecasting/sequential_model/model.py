"""A network of the user's own, a `Sequential`, as a model of a panel: one network for all series, plain windows.

Letters: S series, T columns, B windows of a batch, w values in a window, F features, h horizon, m season, Q quantiles,
e errors, k step ahead.

At an origin it reads the last w values less their level, in units of the series' mean change, and says the next h
values: ``z[t + k] = level[t] + unit y[k]``. A network of h outputs is a point; its quantiles come from errors on values
that it had not learnt from. One of h Q outputs under a `QuantileHead` learns them itself.

The layers are taken from the user's network, its weights are not: they may have seen what is to be forecast.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from statistics import NormalDist
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from gatecast.errors import ConfigError, DataError, FormatError, check_positive_int
from gatecast.forecasting import scaling
from gatecast.forecasting.panel_rnn.model import (
    CONTEXT_SEASONS,
    NOT_MEASURED,
    StepRecord,
    ValidationErrors,
    validation_steps,
)
from gatecast.forecasting.panel_rnn.windows import ScaledSeries
from gatecast.forecasting.sequential_model.windows import (
    holdout_length,
    observed_length,
    sample_origins,
    scale_values,
    targets_at,
    windows_at,
)
from gatecast.forecasting.sequential_model.wiring import (
    SequentialSettings,
    build_network,
    check_outputs,
    default_settings,
    is_point,
    training_setup,
)
from gatecast.kernels.native import relax
from gatecast.kernels.packing import Array, pack
from gatecast.nn import optim, training
from gatecast.nn.checkpoint import layer_from_config, layer_to_config
from gatecast.nn.layers import LAYERS, Input
from gatecast.nn.losses import Loss, weighted_mean
from gatecast.nn.memory_limits import check_memory, check_network_size
from gatecast.nn.network import (
    Network,
    Weights,
    backward,
    build,
    forward,
    initial_weights,
    update_buffers,
    zeros_like,
)
from gatecast.nn.optim import GradientTransformation
from gatecast.nn.random import generator
from gatecast.nn.sequential import Sequential

__all__ = [
    "Fitted",
    "SequentialSettings",
    "build_network",
    "default_settings",
    "fit",
    "from_state",
    "predict_quantiles",
    "to_sequential",
    "to_state",
]

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

FINISH = 5
"""One of so many updates, the last ones, learns from the newest values too."""

SAMPLE = 8192
"""Origins whose errors are looked at."""

APART = 20
"""Errors of a step below which its quantiles are those of the step before, wider."""

UNKNOWN = 1.5
"""Factor on errors on what was learnt from, where none on other values are known."""

LARGEST = 100.0
"""Of that factor where they are known: a network that learns by heart reaches far."""

LEAST = 1e-3
"""Least distance of neighbouring quantiles, in mean changes."""

MARGIN = 256
"""Columns that the unit is taken from when predicting, at least, besides the window."""


class Fitted(NamedTuple):
    """A trained network."""

    network: Network
    weights: Weights
    settings: SequentialSettings
    horizon: int
    trained_steps: int
    """Steps that there was something to learn of; those beyond are told as the last one."""
    quantile_offsets: Floats | None
    """(h, Q) from the point to the quantiles, in units of the mean change; None: the network says quantiles."""


def fit(
    model: Sequential,
    values: Floats,
    h: int,
    m: int,
    settings: SequentialSettings,
    seed: int,
    report: Callable[[StepRecord], object] | None = None,
    start: Fitted | None = None,
    watch: Callable[[Fitted], ValidationErrors] | None = None,
) -> Fitted:
    """Train a network of the user's own on a panel.

    A network that was compiled is trained with its optimiser and, if it is a point, its loss; any other with Adam over
    one cycle, and the absolute error or the quantile loss. Of a point network the newest tenth of each series is held
    out until its errors there are measured, four fifths on the way.

    Args:
        model: The network; it is not changed, and its weights are not looked at.
        values: (S, T) aligned on the right; NaN is missing, or before a series began.
        h: Steps that are learnt.
        m: Season whose indices are taken out first; 1 for none.
        settings: Sizes and training.
        seed: Same seed, same bits.
        report: Called after every update, and before the first one if `watch` is given.
        start: What to go on from; None: fresh weights.
        watch: Errors of a network, looked at before learning and ten times on the way.

    Returns:
        A network of its own.

    Raises:
        ConfigError: As `wired`, a loss that does not fit, or a training that ran away.
        DataError: No series with two values.

    >>> from gatecast.nn.layers import Dense
    >>> fit(Sequential([Dense(3)]), np.arange(20.0)[None], 3, 1, Settings(4, steps=2), seed=0).horizon
    3
    """
    network, settings = build_network(model, h, settings)
    learner = _Learner(network, initial_weights(network, seed), *training_setup(model, network, settings), seed)
    check_memory(network, settings.batch_size, settings.input_size, training=True)
    if values.ndim != 2 or 0 in values.shape:
        raise DataError("there is nothing to learn from", got=str(values.shape), expected="(series, columns)")
    rows = scale_values(values, scaling.fit_scaler(values, m), settings.input_size)
    length = observed_length(rows)
    if length.max(initial=0) < 2:
        raise DataError("there is nothing to learn from", got="no series of two values", expected="one at least")
    if start is not None:
        learner.weights.vector[:] = start.weights.vector
    learnt, spread = min(h, int(length.max()) - 1), None
    held = holdout_length(length, h) * is_point(network)
    rng, number, early = generator(seed, 2), 0, settings.max_steps - settings.max_steps // FINISH
    looks = validation_steps(settings.max_steps) if watch else set()
    flat = np.zeros((h, len(settings.quantiles))) if is_point(network) else None
    if watch is not None and report is not None:
        report(StepRecord(0, float("nan"), *watch(Fitted(network, learner.newest(), settings, h, learnt, flat))))
    for hidden, steps in ((held, early), (0 * held, settings.max_steps - early)):
        count = np.maximum(length - 1 - hidden, 0)
        for which, origins in sample_origins(rows.first, count, settings.batch_size, steps, rng):
            number += 1
            y, weight = targets_at(rows, which, origins, values.shape[1] - hidden[which], h, settings.input_size)
            loss = learner.update(_windows(rows, which, origins, network, settings), y, weight, number)
            if report is not None and np.isfinite(loss):
                seen = NOT_MEASURED
                if watch is not None and number in looks:
                    seen = watch(Fitted(network, learner.newest(), settings, h, learnt, flat))
                report(StepRecord(number, loss, *seen))
        if spread is None and is_point(network):
            spread = _spread(network, learner.newest(), rows, held, h, settings, rng)
    relax()
    return Fitted(network, learner.newest(), settings, h, learnt, spread)


def predict_quantiles(fitted: Fitted, values: Floats, m: int, batch: int = 2048) -> Floats:
    """What a network says of the h steps behind the end of each series.

    Args:
        fitted: A trained network.
        values: (S, T) aligned on the right, any series; NaN is missing.
        m: Season whose indices are taken out first.
        batch: Series at a time.

    Returns:
        (S, h, Q) in the unit of the values, increasing along Q; NaN for a series without a value.

    >>> from gatecast.nn.layers import Dense
    >>> y = np.arange(20.0)[None]
    >>> predict_quantiles(fit(Sequential([Dense(3)]), y, 3, 1, Settings(4, steps=2), seed=0), y, 1).shape
    (1, 3, 5)
    """
    settings, h = fitted.settings, fitted.horizon
    answer = np.full((len(values), h, len(settings.quantiles)), np.nan)
    for start in range(0, len(values) if values.shape[1] else 0, batch):
        part = values[start : start + batch]
        frame, rows, x = latest_inputs(fitted, part, m)
        said = _told(fitted, training.predict(fitted.network, fitted.weights, x))
        z = scaling.inverse_transform(frame, said * rows.scale[:, None, None] + rows.last[:, None, None])
        there = np.isfinite(part).any(axis=1)
        answer[start : start + batch][there] = z[there]
    return answer


def latest_inputs(fitted: Fitted, values: Floats, m: int) -> tuple[scaling.SeriesScaler, ScaledSeries, Array]:
    """What a network reads before it forecasts series (S, T): their frame, the series in it, the newest windows."""
    settings = fitted.settings
    part = values[:, -(settings.input_size + max(CONTEXT_SEASONS * m, MARGIN)) :]
    frame = scaling.fit_scaler(part, m)
    rows = scale_values(part, frame, settings.input_size)
    end = np.full(len(part), part.shape[1] - 1)
    return frame, rows, _windows(rows, np.arange(len(part)), end, fitted.network, settings)


def to_state(fitted: Fitted) -> dict[str, Any]:
    """All of a network but its weights, in words of JSON.

    Raises:
        ConfigError: A layer that is not one of gatecast's.

    >>> from gatecast.nn.layers import Dense
    >>> y = np.arange(20.0)[None]
    >>> to_state(fit(Sequential([Dense(3)]), y, 3, 1, Settings(4, steps=2), seed=0))["input_shape"]
    [8]
    """
    return {
        "input_shape": list(fitted.network.shapes[0]),
        "layers": [layer_to_config(layer, LAYERS) for layer in fitted.network.layers],
        "settings": {**asdict(fitted.settings), "quantiles": list(fitted.settings.quantiles)},
        "horizon": fitted.horizon,
        "learnt": fitted.trained_steps,
        "spread": None if fitted.quantile_offsets is None else fitted.quantile_offsets.tolist(),
    }


def to_sequential(fitted: Fitted) -> Sequential:
    """The layers of a trained network as a fresh `Sequential`, with the shape that they read."""
    return Sequential([Input(fitted.network.shapes[0]), *fitted.network.layers])


def from_state(description: Mapping[str, Any], vector: Array) -> Fitted:
    """The inverse of `describe`: nothing in the description is executed.

    Args:
        description: As `describe` gave it, or as JSON gave it back.
        vector: (n,) the weights, `fitted.weights.vector`.

    Raises:
        FormatError: Something that describes no network, or one with other weights.

    >>> from gatecast.nn.layers import Dense
    >>> fitted = fit(Sequential([Dense(3)]), np.arange(20.0)[None], 3, 1, Settings(4, steps=2), seed=0)
    >>> from_state(to_state(fitted), fitted.weights.vector).network == fitted.network
    True
    """
    try:
        layers = [layer_from_config(one, LAYERS) for one in description["layers"]]
        if not layers:
            raise ValueError("no layers")
        network = build(layers, Input(tuple(description["input_shape"])).shape)
        told = description["settings"]
        settings = SequentialSettings(**{**told, "quantiles": tuple(told["quantiles"])})
        h, learnt = (
            check_positive_int(description["horizon"], "horizon"),
            check_positive_int(description["learnt"], "learnt"),
        )
        check_outputs(network, h, settings.quantiles)
        check_network_size(network)
        spread = None if description["spread"] is None else np.array(description["spread"], np.float64)
        shape = None if spread is None else spread.shape
        if shape != ((h, len(settings.quantiles)) if is_point(network) else None):
            raise ValueError(f"a spread of shape {shape}")
        weights = initial_weights(network, 0)
        if weights.vector.shape != vector.shape:
            raise ValueError(f"{vector.size} weights for a network of {weights.vector.size}")
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        got = f"{type(error).__name__}: {error}"
        raise FormatError("this does not describe a network", got=got, fix="Save the forecaster again.") from error
    weights.vector[:] = vector
    return Fitted(network, weights, settings, h, learnt, spread)


@dataclass
class _Learner:
    """Weights on their way."""

    network: Network
    weights: Weights
    loss: Loss
    optimizer: GradientTransformation
    seed: int
    grads: Weights = field(init=False)
    state: Any = field(init=False)

    def __post_init__(self) -> None:
        self.grads, self.state = zeros_like(self.weights), self.optimizer.init(self.weights.vector.size)

    def update(self, x: Array, y: Array, weight: Array, number: int) -> float:
        """One update by windows, targets (B, h) and their weights; the mean loss, NaN if there was no target."""
        total = float(weight.sum())
        if total == 0:
            return float("nan")
        network, weights = self.network, self.weights
        with np.errstate(over="ignore", invalid="ignore"):
            said, caches = forward(
                network, weights, pack(x), training=True, seed=self.seed, step=number, n_sequences=len(x)
            )
            loss, dy = weighted_mean(self.loss, said, pack(y[:, None]), pack(weight[:, None]), total)
            backward(network, weights, caches, dy, self.grads)
            optim.apply_updates(self.optimizer, self.grads.vector, self.state, weights.vector, number)
            update_buffers(network, weights, caches)
        if not (np.isfinite(loss) and np.isfinite(weights.vector).all()):
            raise ConfigError(
                "the training ran away",
                where=f"update {number}",
                got=f"a loss of {loss}" if not np.isfinite(loss) else "weights that are not finite",
                expected="finite numbers",
                fix="Lower the learning rate, or clip the gradient: optimizer=chain(clip_by_global_norm(1.0), Adam()).",
            )
        return loss

    def newest(self) -> Weights:
        """The weights, or their average if the optimiser keeps one."""
        average = optim.ema_params(self.optimizer, self.state)
        if average is None:
            return self.weights
        weights = zeros_like(self.weights)
        weights.vector[:] = average
        return weights


def _windows(
    rows: ScaledSeries, which: Integers, origins: Integers, network: Network, settings: SequentialSettings
) -> Array:
    """Windows at origins as a network reads them."""
    w, shape = settings.input_size, network.shapes[0]
    flat = len(shape) == 1
    features = (shape[0] or w) // w if flat else shape[1]
    return windows_at(rows, which, origins, w, features or 1, flat=flat)


def _told(fitted: Fitted, said: Array) -> Floats:
    """(S, h, Q) in units of the mean change, from what a network says; steps that nothing was learnt of as the last."""
    h, mid = fitted.horizon, len(fitted.settings.quantiles) // 2
    steps = np.minimum(np.arange(h), fitted.trained_steps - 1)
    q = said.astype(np.float64).reshape(len(said), h, -1)[:, steps]
    if fitted.quantile_offsets is not None:
        return np.asarray(q + fitted.quantile_offsets)
    middle, wider = q[..., mid : mid + 1], np.sqrt((np.arange(h) + 1) / (steps + 1))[:, None]
    return np.asarray(middle + wider * (q - middle))


def _spread(
    network: Network,
    weights: Weights,
    rows: ScaledSeries,
    held: Integers,
    h: int,
    settings: SequentialSettings,
    rng: np.random.Generator,
) -> Floats:
    """(h, Q) from the point to the quantiles: errors on what was learnt, as much larger as those on what was not.

    What is held out is too little for quantiles of every step, but enough for one factor.
    """
    length, T = observed_length(rows), rows.context.values.shape[1]

    def errors(first: Integers, count: Integers, stop: Integers) -> Floats:
        """(n, h) errors at origins, NaN where unknown."""
        which, origins = next(sample_origins(first, count, SAMPLE, 1, rng))
        y, weight = targets_at(rows, which, origins, stop[which], h, settings.input_size)
        x = _windows(rows, which, origins, network, settings)
        return np.where(weight > 0, y - training.predict(network, weights, x), np.nan)

    stop = T - held
    near = errors(rows.first, np.maximum(length - 1 - held, 0), stop)
    factor = _factor(near, errors(stop - 1, held, np.full_like(held, T))) if held.any() else UNKNOWN
    p = settings.quantiles
    normal = np.array([NormalDist(0, 1.25).inv_cdf(one) for one in p])  # its mean change is 1
    spread = np.empty((h, len(p)))
    for k in range(h):
        e = near[:, k][np.isfinite(near[:, k])]
        if len(e) >= APART:
            spread[k] = np.quantile(e, p) - np.median(e)
        else:
            spread[k] = spread[k - 1] * np.sqrt((k + 1) / k) if k else normal
    return factor * spread + LEAST * (np.arange(len(p)) - len(p) // 2)


def _factor(near: Floats, new: Floats) -> float:
    """How many times larger errors are on what was held out, each step counting as often as it was held out."""
    sizes, counts = [], np.isfinite(new).sum(axis=0)
    for e in (near, new):
        known = np.isfinite(e)
        sizes.append(np.where(known, np.abs(e), 0.0).sum(axis=0) / np.maximum(known.sum(axis=0), 1))
    small, large = ((size * counts).sum() for size in sizes)
    return float(np.clip(large / small, 1.0, LARGEST)) if small > 0 else UNKNOWN
