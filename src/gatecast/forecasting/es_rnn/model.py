"""ES-RNN: exponential smoothing of every series and one dilated LSTM for all of them, trained together.

Every series has two smoothing weights and a first season of its own. At every origin the network reads the last
input_size values less their seasons and less the smoothed level, and forecasts quantiles of the next steps likewise:
``z[t + k] = l[t] + s[t + k] + scale q[k]``. The gradient of the loss at all origins goes back through the network into
windows and targets, and from there through the smoothing (`smoothing`) into the parameters of each series.

z is the logarithm where all values of a series are above 0, so that level and season multiply; else asinh of the values
in units of their mean size, where they add up. Level and season are smoothed as z: geometric means, where Smyl has
arithmetic ones of the values. Beyond Smyl, z is in units of the series' mean change (a network of few steps need not
learn the sizes first), and quantiles are trained instead of a point.

Shapes: n_series rows, T columns, K steps of the horizon that are trained, m = season_length, P = 2 + m smoothing
parameters of a series.

Source: Smyl 2020 (ES-RNN, winner of M4); Chang et al. 2017 (dilated RNN); Wen et al. 2017 (forking sequences).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import islice
from typing import Any, ClassVar, cast

import numpy as np

from gatecast._utils.schema import check_array
from gatecast._utils.typing import FloatArray, IntArray
from gatecast._utils.validation import check_fraction, check_positive, check_positive_int, check_quantiles
from gatecast.errors import ConfigError, DataError
from gatecast.forecasting.base import (
    Family,
    ModelState,
    NetworkView,
    Overrides,
    PanelSummary,
    StepCallback,
    Task,
    restore_config,
)
from gatecast.forecasting.context import PanelContext
from gatecast.forecasting.es_rnn.windows import (
    N_EXTRA_INPUTS,
    SegmentInputs,
    SmoothedSeries,
    cut_segment,
    scale_series,
    segment_inputs,
    segment_inputs_backward,
)
from gatecast.forecasting.median import MedianOf
from gatecast.forecasting.monitoring import ValidationMonitor
from gatecast.forecasting.network_training import run_steps
from gatecast.forecasting.registry import register
from gatecast.forecasting.steps import direct_steps, interpolation
from gatecast.forecasting.training_checkpoint import TrainingParts
from gatecast.kernels.packing import Array, pack, unpack
from gatecast.kernels.runtime import release_memory
from gatecast.nn import optim
from gatecast.nn.batching import Batch
from gatecast.nn.layers import LSTM, Dense, Dilated, QuantileHead, Residual
from gatecast.nn.layers.base import Layer
from gatecast.nn.losses import Pinball
from gatecast.nn.memory_limits import check_network_size
from gatecast.nn.network import Network, Weights, build, forward, initial_weights
from gatecast.nn.random import generator
from gatecast.nn.stored_weights import restore_weights
from gatecast.nn.training import (
    Gradients,
    StepRecord,
    TrainingState,
    ValidationErrors,
    default_optimizer,
    train_steps,
)

__all__ = ["ESRNN", "ESRNNConfig", "default_settings", "median_logits", "train"]


CROPS_PER_BATCH = 16
"""Segments in a batch where there are fewer series."""

MAX_SMALL_SEASON = 24
"""Longest season with which few series have a small network; longer ones were not measured."""

SAMPLE = 500
"""Series that the first forecast is made from."""


MAX_DILATION = 2**16
"""Largest dilation: models read no longer series."""

N_MEMBERS = 3
"""Members of the median."""

BATCH_SERIES, BATCH_SERIES_INSAMPLE = 2048, 512
"""Series at a time."""


@register
@dataclass(frozen=True)
class ESRNNConfig:
    """An ES-RNN and its training.

    Args:
        input_size: Values in a window.
        units: Units of each recurrent layer.
        dilations: Of each recurrent layer.
        dropout: Share of what enters a recurrent layer that is dropped in training.
        n_origins: Origins of a series in a batch, at most.
        max_steps: Updates.
        batch_size: Series in a batch.
        learning_rate: Peak learning rate of the network, of one cycle.
        smoothing_learning_rate: Likewise of the smoothing parameters.
        level: Smoothing weight of the level that training starts from.
        season: Likewise of the season.
        level_penalty: Weight of the level's roughness in the loss.
        clip: Largest norm of the network's gradient.
        median_quantile: Level at which the middle quantile is trained; below 0.5 against the bias of the logarithm.
        quantiles: Levels, odd in number, the middle one 0.5.

    Raises:
        ConfigError: A size below 1, a rate that is not above 0, levels that do not increase or have no middle.

    Example:
        >>> ESRNNConfig(4).dilations
        (1, 2)
    """

    name: ClassVar[str] = "es-lstm"
    column: ClassVar[str] = "ES-LSTM"
    family: ClassVar[Family] = "network"
    reads_exogenous: ClassVar[bool] = False

    input_size: int
    units: int = 40
    dilations: tuple[int, ...] = (1, 2)
    dropout: float = 0.0
    n_origins: int = 96
    max_steps: int = 300
    batch_size: int = 96
    learning_rate: float = 3e-3
    smoothing_learning_rate: float = 3e-2
    level: float = 0.6
    season: float = 0.1
    level_penalty: float = 0.0
    clip: float = 1.0
    median_quantile: float = 0.5
    quantiles: tuple[float, ...] = (0.025, 0.1, 0.5, 0.9, 0.975)

    def __post_init__(self) -> None:
        for name in ("input_size", "units", "n_origins", "max_steps", "batch_size"):
            check_positive_int(getattr(self, name), name, where="ESRNNConfig")
        for name in ("learning_rate", "smoothing_learning_rate", "clip"):
            check_positive(getattr(self, name), name, where="ESRNNConfig")
        for name in ("level", "season"):
            if not 0 < getattr(self, name) < 1:
                raise ConfigError(
                    f"Invalid {name} of ESRNNConfig",
                    got=repr(getattr(self, name)),
                    expected="a number between 0 and 1",
                )
        for dilation in self.dilations:
            check_positive_int(dilation, "dilations", where="ESRNNConfig", maximum=MAX_DILATION)
        check_fraction(self.dropout, "dropout", where="ESRNNConfig")
        if not 0 <= self.level_penalty < math.inf:
            got = repr(self.level_penalty)
            raise ConfigError("Invalid level_penalty of ESRNNConfig", got=got, expected="a number of at least 0")
        check_quantiles(self.quantiles, where="ESRNNConfig")
        levels = self.quantiles
        mid = len(levels) // 2
        Pinball((*levels[:mid], self.median_quantile, *levels[mid + 1 :]))

    @classmethod
    def default_for(cls, panel: PanelSummary, task: Task, overrides: Overrides) -> MedianOf:
        """Return three members, by season, horizon and length."""
        config = overrides.apply(default_settings(task, panel.typical_length, panel.n_series))
        if overrides.network.n_layers is not None:
            config = replace(config, dilations=tuple(2**k for k in range(overrides.network.n_layers)))
        return MedianOf((config,) * (overrides.training.n_members or N_MEMBERS), n_trial=1)

    def fit(
        self,
        context: PanelContext,
        task: Task,
        *,
        init: ESRNN | None = None,
        monitor: ValidationMonitor | None = None,
        on_step: StepCallback | None = None,
    ) -> ESRNN:
        """Train network and smoothing on a panel."""
        config = replace(self, quantiles=task.quantiles)
        measure = None if monitor is None else lambda model: monitor.errors(model.predict_quantiles)
        return train(context, task, config, init=init, measure=measure, on_step=on_step)

    @classmethod
    def from_state(cls, state: ModelState, task: Task) -> ESRNN:
        """Restore a trained network and its smoothing parameters."""
        config = restore_config(cls, state.settings, task)
        network = make_layers(task.horizon, config)
        weights = restore_weights(network, state.arrays)
        end = check_array(state.arrays, "end", np.int64, (None,))
        smoothing = check_array(state.arrays, "smoothing", np.float64, (len(end), 2 + task.season_length))
        return ESRNN(config, network, weights, task.horizon, task.season_length, smoothing, end)


@dataclass(frozen=True)
class ESRNN:
    """A trained ES-RNN.

    Args:
        config: What it was trained with.
        network: Layers.
        weights: Their parameters.
        horizon: Steps that it forecasts.
        season_length: m.
        smoothing: Logits of both smoothing weights, and the seasons of the first steps, as z, [n_series, 2 + m];
            column 2 + j is of the phase of step j + 1 after the end.
        end: Time of the end of each series, as `PanelContext` has it, [n_series].
    """

    config: ESRNNConfig
    network: Network
    weights: Weights
    horizon: int
    season_length: int
    smoothing: FloatArray
    end: IntArray

    def predict_quantiles(self, context: PanelContext) -> FloatArray:
        """Forecast the steps after the end of each series.

        A series of the panel that was trained on is smoothed with its own weights, from its own seasons; any other with
        the median weights of the panel, from seasonal indices of its own.

        Args:
            context: Any series, at any time.

        Returns:
            Quantiles in the unit of the values, [n_series, horizon, Q]; NaN for a series without a value.
        """
        parts = [self._quantiles(part) for part in context.batches(BATCH_SERIES)]
        release_memory()
        return np.concatenate(parts)

    def _quantiles(self, context: PanelContext) -> FloatArray:
        """`predict_quantiles` for one batch of series."""
        m, steps, n = self.season_length, interpolation(self.horizon), len(context)
        series, segment = self._latest_segment(context, self.config.n_origins)
        output, _ = forward(self.network, self.weights, pack(segment.x), save_for_backward=False, n_sequences=n)
        q = unpack(output[:, -1:], n).reshape(n, steps.shape[1], -1).astype(np.float64)
        smoothed = segment.smoothed
        base = smoothed.level[-1][:, None] + smoothed.season[-m:][np.arange(self.horizon) % m].T
        z = np.einsum("hk,skq->shq", steps, q) + base[..., None]
        values = context.scaler(1).inverse_transform(z * series.scale[:, None, None] + series.last[:, None, None])
        observed = np.asarray(np.isfinite(context.values).any(axis=1))
        return np.where(observed[:, None, None], values, np.nan)

    def predict_insample(self, context: PanelContext) -> FloatArray:
        """Return the median of each past value one step ahead.

        Args:
            context: Any series.

        Returns:
            [n_series, T] in the unit of the values; NaN up to the second column, and up to the first value of a series.
        """
        if context.values.shape[1] <= 2:
            return np.full(context.values.shape, np.nan)
        parts = [self._insample(part) for part in context.batches(BATCH_SERIES_INSAMPLE)]
        release_memory()
        observed = np.isfinite(context.values)
        begun = np.cumsum(observed, axis=1) - observed > 0
        return np.where(begun, np.concatenate(parts), np.nan)

    def _insample(self, context: PanelContext) -> FloatArray:
        """`predict_insample` for one batch of series."""
        middle, n, T = len(self.config.quantiles) // 2, len(context), context.values.shape[1]
        series, segment = self._latest_segment(context, T)
        output, _ = forward(self.network, self.weights, pack(segment.x), save_for_backward=False, n_sequences=n)
        n_origins, n_steps = segment.x.shape[1], len(direct_steps(self.horizon))
        first = unpack(output, n).reshape(n, n_origins, n_steps, -1)[:, :, 0, middle].astype(np.float64)
        level, season = segment.smoothed.level, segment.smoothed.season
        begin = len(level) - n_origins
        z = first + level[begin:].T + season[begin + 1 : len(level) + 1].T
        predicted = np.full(context.values.shape, np.nan)
        scaled = z * series.scale[:, None] + series.last[:, None]
        predicted[:, T - n_origins + 1 :] = context.scaler(1).inverse_transform(scaled)[:, :-1]
        return predicted

    def networks(self) -> Sequence[NetworkView]:
        """Return the network, for looking into it."""
        config = self.config

        def inputs(context: PanelContext) -> Array:
            """Return what the network reads before it forecasts."""
            return self._latest_segment(context, config.n_origins)[1].x.astype(np.float32)

        return [
            NetworkView(
                self.network,
                self.weights,
                inputs,
                1,
                config.input_size,
                config,
                n_other_parameters=self.smoothing.size,
            )
        ]

    def to_state(self) -> ModelState:
        """Return the config, the weights and the smoothing parameters."""
        arrays: dict[str, Any] = {"weights": self.weights.vector, "smoothing": self.smoothing, "end": self.end}
        return ModelState(asdict(self.config), arrays)

    def _latest_segment(self, context: PanelContext, n_origins: int) -> tuple[SmoothedSeries, SegmentInputs]:
        """Return the newest segment of each series as it is smoothed, and what the network reads of it."""
        input_size = self.config.input_size
        series = scale_series(context.values, self.season_length, input_size)
        rows, end = np.arange(len(context)), np.full(len(context), series.z.shape[1] - 1)
        segment = cut_segment(series, rows, end, self.horizon, input_size, n_origins)
        parameters = self.smoothing_parameters(context, series)
        return series, segment_inputs(segment, series, parameters, direct_steps(self.horizon))

    def smoothing_parameters(self, context: PanelContext, series: SmoothedSeries) -> FloatArray:
        """Return the smoothing parameters of each row, seasons of fitted series rolled to their end, [n_rows, P]."""
        m = self.season_length
        parameters = _first_parameters(series, self.config)
        parameters[:, :2] = median_logits(self.smoothing)
        known = np.flatnonzero(context.series >= 0)
        rows = context.series[known]
        phase = (np.arange(m) + (context.end[known] - self.end[rows])[:, None]) % m
        seasons = np.take_along_axis(self.smoothing[rows, 2:], phase, axis=1) / series.scale[known, None]
        parameters[known, :2] = self.smoothing[rows, :2]
        parameters[known, 2:] = seasons * series.seasonal[known, None]
        return parameters


def default_settings(task: Task, typical_length: int, n_series: int) -> ESRNNConfig:
    """Return the settings by season, length and number of series, as validation tails chose them.

    Dilations are Smyl's. Few series teach no more to a network of four layers than to one of two, which is trained in a
    sixth of the time.

    Args:
        task: Horizon, season length, quantiles.
        typical_length: Values of the typical series.
        n_series: Series of the panel.

    Example:
        >>> default_settings(Task(18, 12), 120, 500).dilations, default_settings(Task(18, 12), 120, 1).dilations
        ((1, 3, 6, 12), (1, 12))
    """
    h, m = task.horizon, task.season_length
    input_size = max(5, min(h, 24))
    settings: dict[str, Any]
    if m == 1 and h <= 6:
        input_size = 5
        settings = {"units": 32, "dilations": (1, 6), "n_origins": 36, "max_steps": 100, "level": 0.9}
        settings |= {"smoothing_learning_rate": 1e-2, "median_quantile": 0.45}
    elif m <= 4:
        settings = {"units": 48, "n_origins": 48, "max_steps": 200, "level": 0.9, "season": 0.05, "level_penalty": 0.1}
        settings |= {"smoothing_learning_rate": 2e-2, "median_quantile": 0.46}
    elif n_series < CROPS_PER_BATCH and m <= MAX_SMALL_SEASON:
        settings = {"units": 32, "dilations": (1, m), "n_origins": 48, "max_steps": 100, "level": 0.4, "season": 0.05}
    else:
        dilations = (1, 3, 6, 12) if m <= 12 else (1, 4, m)
        settings = {"units": 48, "dilations": dilations, "max_steps": 250, "level": 0.4, "season": 0.05}
    return ESRNNConfig(max(2, min(input_size, typical_length - 1)), quantiles=task.quantiles, **settings)


def train(
    context: PanelContext,
    task: Task,
    config: ESRNNConfig,
    *,
    init: ESRNN | None = None,
    measure: Callable[[ESRNN], ValidationErrors] | None = None,
    on_step: StepCallback | None = None,
) -> ESRNN:
    """Train network and smoothing on a panel.

    Args:
        context: The series; their numbers are those of its rows.
        task: Horizon, season length and seed.
        config: Sizes and training.
        init: What to continue from; None: fresh weights.
        measure: Measures errors, before training and ten times on the way.
        on_step: Is called after every update, and before the first one if errors are measured.

    Raises:
        DataError: A panel without a series or a column.

    Example:
        >>> y = PanelContext.from_values(10 + np.arange(40.0).reshape(2, 20))
        >>> train(y, Task(3), ESRNNConfig(4, units=3, max_steps=2)).smoothing.shape
        (2, 3)
    """
    values = context.values
    if values.ndim != 2 or 0 in values.shape:
        raise DataError("The panel has no values to train on", got=str(values.shape), expected="(series, columns)")
    series = scale_series(values, task.season_length, config.input_size)
    parameters = _first_parameters(series, config) if init is None else init.smoothing_parameters(context, series)
    middle = len(config.quantiles) // 2
    pinball = Pinball((*config.quantiles[:middle], config.median_quantile, *config.quantiles[middle + 1 :]))
    steps = direct_steps(task.horizon)
    network, weights = make_network(task.horizon, config, task.seed)
    if init is None:
        _initialize_head(network, weights, steps, pinball, series, parameters, config)
    else:
        weights.vector[:] = init.weights.vector

    def current() -> ESRNN:
        """Return the model as it stands."""
        smoothing = np.concatenate([parameters[:, :2], parameters[:, 2:] * series.scale[:, None]], axis=1)
        # Training that continues sees the newest rows: their end is the new zero.
        end = context.end if init is None else np.zeros_like(context.end)
        return ESRNN(config, network, weights, task.horizon, task.season_length, smoothing, end)

    sparse, cycle = optim.SparseAdam(parameters.shape), optim.one_cycle(1.0, config.max_steps)

    optimizer = default_optimizer(config.learning_rate, config.max_steps, clip=config.clip)
    state = TrainingState(optimizer.init(weights.vector.size))

    def batches() -> Iterator[Batch]:
        """Yield segments of series, smoothed with the newest parameters."""
        for rows, last in islice(sample_origins(series, config, task.seed), state.step, None):
            segment = cut_segment(series, rows, last, task.horizon, config.input_size, config.n_origins)
            read = segment_inputs(segment, series, parameters, steps)
            total, source = float(read.weight.sum()), (rows, segment, read)
            yield Batch(pack(read.x), pack(read.y), pack(read.weight), None, total, len(rows), source)

    def update_smoothing(gradients: Gradients, batch: Batch, number: int) -> None:
        """Carry the gradients of windows and targets into the smoothing parameters."""
        rows, segment, read = batch.source
        dx = _from_lanes(gradients.inputs, len(rows))
        nb, n_origins, _, lanes = gradients.outputs.shape
        doutput = gradients.outputs.reshape(nb, n_origins, len(steps), -1, lanes)
        dtarget = -_from_lanes(doutput.sum(axis=3), len(rows))
        gradient = segment_inputs_backward(segment, series, parameters, steps, read, dx, dtarget, config.level_penalty)
        sparse.update(parameters, rows, gradient, config.smoothing_learning_rate * cycle(number - 1))

    def records() -> Iterator[StepRecord]:
        """Train from where the state is."""
        return train_steps(
            network, weights, batches(), pinball, optimizer, seed=task.seed, state=state, on_gradient=update_smoothing
        )

    tables = {"smoothing": parameters, "m": sparse.m, "v": sparse.v, "steps": sparse.steps}
    parts = TrainingParts(weights, state, tables=tables)
    run_steps(records, config.max_steps, parts, None if measure is None else lambda: measure(current()), on_step)
    return current()


def make_network(horizon: int, config: ESRNNConfig, seed: int | None = 0) -> tuple[Network, Weights]:
    """Return the layers of an ES-RNN, and fresh weights."""
    network = make_layers(horizon, config)
    check_network_size(network)
    return network, initial_weights(network, seed)


def make_layers(horizon: int, config: ESRNNConfig) -> Network:
    """Return the layers of an ES-RNN."""
    n_steps, units, n_quantiles = len(direct_steps(horizon)), config.units, len(config.quantiles)
    hidden = [
        Residual(Dilated(LSTM(units, return_sequences=True, dropout=config.dropout), dilation))
        for dilation in config.dilations
    ]
    head: list[Layer] = [Dense(units, activation="tanh"), Dense(n_steps * n_quantiles), QuantileHead(n_quantiles)]
    return build([Dense(units, activation="tanh"), *hidden, *head], (None, config.input_size + N_EXTRA_INPUTS))


def _from_lanes(packed: Array, n_sequences: int) -> FloatArray:
    """Return the sequences of a packed array, [B, T, F], in memory as they are in the lanes."""
    nb, T, F, L = packed.shape
    return np.asarray(packed.transpose(1, 2, 0, 3).reshape(T, F, nb * L)[..., :n_sequences].transpose(2, 0, 1))


def _first_parameters(series: SmoothedSeries, config: ESRNNConfig) -> FloatArray:
    """Return what training starts from, [n_series, P]."""
    logits = [np.log(p / (1 - p)) for p in (config.level, config.season)]
    return np.concatenate([np.broadcast_to(logits, (len(series.z), 2)), series.season], axis=1)


def median_logits(smoothing: FloatArray) -> FloatArray:
    """Return median logits: of the level over all series, of the season over those that have one, [2]."""
    seasonal = (smoothing[:, 2:] != 0).any(axis=1)
    with_season = smoothing[seasonal] if seasonal.any() else smoothing
    return np.array([np.median(smoothing[:, 0]), np.median(with_season[:, 1])])


def sample_origins(series: SmoothedSeries, config: ESRNNConfig, seed: int) -> Iterator[tuple[IntArray, IntArray]]:
    """Yield the series of every update, and the columns of their last origins; all series are drawn equally often."""
    n_series, columns = series.z.shape
    T = columns - config.input_size + 1
    n_origins = min(config.n_origins, max(T - 1, 1))
    first = np.where(series.observed.any(axis=1), series.observed.argmax(axis=1) - config.input_size + 1, T)
    size = CROPS_PER_BATCH if n_series < CROPS_PER_BATCH else min(n_series, config.batch_size)
    rng = generator(seed, 2)
    queue = np.empty(0, np.int64)
    for _ in range(config.max_steps):
        passes = -(-(size - len(queue)) // n_series)
        queue = np.concatenate([queue, *(rng.permutation(n_series) for _ in range(passes))])
        rows, queue = queue[:size], queue[size:]
        # The last origin has one value after it at least; those of a long series lie anywhere.
        spare = np.maximum(T - first[rows] - n_origins - 1, 0)
        yield rows, columns - 2 - np.floor(rng.random(size) * (spare + 1)).astype(np.int64)


def _initialize_head(
    network: Network,
    weights: Weights,
    steps: IntArray,
    pinball: Pinball,
    series: SmoothedSeries,
    parameters: FloatArray,
    config: ESRNNConfig,
) -> None:
    """Let the first forecast be the same for all series: the quantiles of the targets of each step."""
    rows = np.arange(0, len(series.z), -(-len(series.z) // SAMPLE))
    last = np.full(len(rows), series.z.shape[1] - 2)
    segment = cut_segment(series, rows, last, int(steps[-1]), config.input_size, config.n_origins)
    sample = segment_inputs(segment, series, parameters, steps)
    spread = np.zeros((len(steps), len(pinball.quantiles)))
    for k in range(len(steps)):
        targets = sample.y[..., k][sample.weight[..., k] > 0]
        spread[k] = np.quantile(targets, pinball.quantiles) if targets.size > 20 else spread[max(k - 1, 0)]
    dense = weights.views[-2]
    dense["W"][:] = 0.0
    dense["b"][:] = cast(QuantileHead, network.layers[-1]).inverse(spread).ravel()
