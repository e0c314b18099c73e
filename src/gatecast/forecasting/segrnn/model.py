"""SegRNN: a recurrent network that reads a long look-back in segments, for horizons of hundreds of steps.

The newest input_size values, less their level, are cut into segments. Each is a step of the recurrent layer, which so
reads a month of hours in 30 steps; then it takes one step from its last state for every segment of the horizon, all at
once (`ParallelDecoder`)::

    z[t + k] = level[t] + scale q[k],    q = Dense(h),    h = step(positions, LSTM(relu(segments W + b)))

Series are channels: each is forecast from its own values, with the same weights. A series is scaled by its own
deviation within a look-back.

Shapes: n_series rows, T columns of the past, N segments of the look-back and K of the horizon, P steps in a segment, Q
quantiles.

Source: Lin et al. 2023 (SegRNN: Segment Recurrent Neural Network for Long-Term Time Series Forecasting).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from itertools import islice
from typing import Any, ClassVar, Literal, NamedTuple, cast

import numpy as np

from gatecast._utils.typing import BoolArray, Float32Array, FloatArray
from gatecast._utils.validation import check_fraction, check_positive, check_positive_int, check_quantiles
from gatecast.errors import ConfigError
from gatecast.forecasting.attribution import AttributionBins, AttributionTarget, DifferentiablePath
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
from gatecast.forecasting.context import MAX_LENGTH, PanelContext
from gatecast.forecasting.median import MedianOf
from gatecast.forecasting.monitoring import ValidationMonitor
from gatecast.forecasting.network_training import train_to_best
from gatecast.forecasting.registry import register
from gatecast.forecasting.scaling import SeriesScaler
from gatecast.forecasting.segrnn import presets
from gatecast.forecasting.segrnn.attribution import attribution_path
from gatecast.forecasting.segrnn.decoder import ParallelDecoder
from gatecast.forecasting.segrnn.windows import (
    ScaledSeries,
    decoded_shape,
    n_read,
    read_windows,
    scale_series,
    training_windows,
)
from gatecast.kernels.packing import pack, unpack
from gatecast.kernels.runtime import release_memory
from gatecast.nn.batching import Batch
from gatecast.nn.layers import GRU, LSTM, Dense, Dropout, QuantileHead
from gatecast.nn.memory_limits import check_network_size
from gatecast.nn.network import Network, Weights, build, forward, initial_weights
from gatecast.nn.stored_weights import restore_weights
from gatecast.nn.training import (
    ValidationErrors,
)

__all__ = ["CELLS", "DECODER", "SegRNN", "SegRNNConfig", "make_network", "train"]

CELLS: dict[str, Callable[..., Any]] = {"lstm": LSTM, "gru": GRU}
"""Recurrent layers by the name of their cell."""

DECODER = 1
"""Position of the decoder in the network, after the projection of segments."""

BATCH_WINDOWS = 512
"""Windows at a time when forecasting."""

SAMPLE_BATCHES = 4
"""Batches of targets that the first forecast is made from."""


@register
@dataclass(frozen=True)
class SegRNNConfig:
    """A SegRNN and its training.

    Args:
        input_size: Newest values that are read, the look-back; rounded up to full segments.
        segment_length: Steps in a segment, such as those of a day.
        season_length: Season whose indices are removed before the network reads; 1 for none.
        cell: "lstm" or "gru".
        units: Size of a projected segment, and units of the recurrent layer.
        dropout: Share of the decoded states that is dropped in training.
        level_window: Newest values whose mean is the level of a look-back.
        max_steps: Updates.
        batch_size: Look-backs in an update, from random origins of random series.
        learning_rate: Peak learning rate, of one cycle.
        min_improvement: Share by which the weights of an earlier step have to be better on the validation part to be
            taken instead of the last ones; 1: never.
        quantiles: Levels, symmetric about the middle one.

    Raises:
        ConfigError: A size below 1, more than 65,536 values, an unknown cell, a dropout that is not from 0 to less than
            1, a rate that is not above 0, levels that do not increase or have no middle.

    Example:
        >>> SegRNNConfig(input_size=720, segment_length=24).column
        'SegRNN'
    """

    name: ClassVar[str] = "segrnn"
    column: ClassVar[str] = "SegRNN"
    family: ClassVar[Family] = "network"
    reads_exogenous: ClassVar[bool] = False

    input_size: int
    segment_length: int = 24
    season_length: int = 1
    cell: Literal["lstm", "gru"] = "lstm"
    units: int = 64
    dropout: float = 0.1
    level_window: int = 1
    max_steps: int = 500
    batch_size: int = 64
    learning_rate: float = 1e-2
    min_improvement: float = 0.1
    quantiles: tuple[float, ...] = (0.025, 0.1, 0.5, 0.9, 0.975)

    def __post_init__(self) -> None:
        for name in (
            "input_size",
            "segment_length",
            "season_length",
            "units",
            "level_window",
            "max_steps",
            "batch_size",
        ):
            check_positive_int(getattr(self, name), name, where="SegRNNConfig")
        check_positive_int(self.input_size, "input_size", where="SegRNNConfig", maximum=MAX_LENGTH)
        check_fraction(self.dropout, "dropout", where="SegRNNConfig")
        check_positive(self.learning_rate, "learning_rate", where="SegRNNConfig")
        check_quantiles(self.quantiles, where="SegRNNConfig")
        if self.cell not in CELLS:
            expected = " or ".join(repr(name) for name in CELLS)
            raise ConfigError("Unknown cell", where="SegRNNConfig", got=repr(self.cell), expected=expected)

    @classmethod
    def default_for(cls, panel: PanelSummary, task: Task, overrides: Overrides) -> MedianOf:
        """Return several members, by season, horizon and length."""
        members = presets.members(panel, task, overrides)
        return MedianOf(tuple(overrides.apply(cls(**settings)) for settings in members))

    def fit(
        self,
        context: PanelContext,
        task: Task,
        *,
        init: SegRNN | None = None,
        monitor: ValidationMonitor | None = None,
        on_step: StepCallback | None = None,
    ) -> SegRNN:
        """Train the network; with a monitor, stop where the validation error was clearly smaller."""
        config = replace(self, quantiles=task.quantiles)
        measure = None if monitor is None else _measure(config, monitor)
        return train(context, task, config, init=init, measure=measure, on_step=on_step)

    @classmethod
    def from_state(cls, state: ModelState, task: Task) -> SegRNN:
        """Restore a trained network."""
        config = restore_config(cls, state.settings, task)
        network = make_layers(task.horizon, config)
        return SegRNN(config, network, restore_weights(network, state.arrays), task.horizon)


class WindowInputs(NamedTuple):
    """What a network reads to forecast rows, whatever its weights."""

    x: Float32Array
    """Segments, [n_rows, N, P]."""
    level: Float32Array
    """Level that forecasts are counted from, [n_rows]."""
    scale: FloatArray
    """Unit of the forecasts, [n_rows]."""
    last: FloatArray
    """What was subtracted from the series, [n_rows]."""
    empty: BoolArray
    """Whether a series has no value, [n_rows]."""
    scaler: SeriesScaler
    """Transform of the rows."""


@dataclass(frozen=True)
class SegRNN:
    """A trained SegRNN.

    Args:
        config: What it was trained with; `max_steps` is how long it was.
        network: Layers.
        weights: Their parameters.
        horizon: Steps that it forecasts.
    """

    config: SegRNNConfig
    network: Network
    weights: Weights
    horizon: int

    def predict_quantiles(self, context: PanelContext) -> FloatArray:
        """Forecast the steps after the end of each series.

        Args:
            context: Any series. Missing values are replaced by the last one before them.

        Returns:
            Quantiles in the unit of the values, [n_series, horizon, Q]; NaN for a series without a value.
        """
        parts = [self.predict(make_inputs(part, self.config)) for part in context.batches(BATCH_WINDOWS)]
        return np.concatenate(parts)

    def predict(self, inputs: WindowInputs) -> FloatArray:
        """Return the quantiles for inputs that are made already, [n_rows, horizon, Q]."""
        z = _decode(self.network, self.weights, inputs.x, len(self.config.quantiles))[:, : self.horizon]
        z = z + inputs.level[:, None, None].astype(np.float64)
        values = inputs.scaler.inverse_transform(z * inputs.scale[:, None, None] + inputs.last[:, None, None])
        values[inputs.empty] = np.nan
        return values

    def predict_insample(self, context: PanelContext) -> FloatArray:
        """Return the median of each past value one step ahead.

        The scale is that of the full series, which the network was trained on.

        Args:
            context: Any series.

        Returns:
            [n_series, T] in the unit of the values; NaN up to the first value of a series.
        """
        (n_series, T), middle = context.values.shape, len(self.config.quantiles) // 2
        network, weights = self.one_segment(0)
        scaled = scale_series(context, self.config)
        z = np.empty((n_series, T - 1))
        for row in range(n_series):
            for start in range(1, T, BATCH_WINDOWS):
                ends = np.arange(start, min(start + BATCH_WINDOWS, T))
                x, level = read_windows(scaled, np.full(len(ends), row), ends, self.config)
                z[row, ends - 1] = _decode(network, weights, x, len(self.config.quantiles))[:, 0, middle] + level
        release_memory()
        predicted = np.full((n_series, T), np.nan)
        # A scaler restores the steps after the end: here, from the second column on.
        scaler = scaled.scaler.earlier(T - 1)
        predicted[:, 1:] = scaler.inverse_transform(z * scaled.scale[:, None] + scaled.last[:, None])
        predicted[np.arange(T) <= scaled.first[:, None]] = np.nan
        return predicted

    def one_segment(self, k: int) -> tuple[Network, Weights]:
        """Return the network that decodes one segment of the horizon alone, segment k from 0."""
        layers, views = list(self.network.layers), list(self.weights.views)
        decoder = cast(ParallelDecoder, layers[DECODER])
        layers[DECODER], views[DECODER] = decoder.one_step(views[DECODER], k)
        return build(layers, self.network.shapes[0]), Weights(self.weights.vector, tuple(views))

    def attribution_columns(self) -> int:
        """Return how many of the newest values a forecast can depend on: the scale is of all that models read."""
        return MAX_LENGTH

    def attribution_path(
        self, context: PanelContext, target: AttributionTarget, bins: AttributionBins
    ) -> DifferentiablePath:
        """Return one number of a forecast as a function of what the network reads."""
        return attribution_path(self, context, target, bins)

    def networks(self) -> Sequence[NetworkView]:
        """Return the network up to where the horizon begins, for looking into it: a step of it is a segment."""
        config, (projection, decoder) = self.config, self.weights.views[: DECODER + 1]
        layer = cast(ParallelDecoder, self.network.layers[DECODER])
        encoder = build([self.network.layers[0], layer.layer], self.network.shapes[0])
        views = (projection, layer.layer_params(decoder))
        return [
            NetworkView(
                encoder,
                Weights(self.weights.vector, views),
                lambda context: make_inputs(context, config).x,
                config.segment_length,
                config.segment_length,
                config,
            )
        ]

    def to_state(self) -> ModelState:
        """Return the config and the weights."""
        return ModelState(asdict(self.config), {"weights": self.weights.vector})


def make_inputs(context: PanelContext, config: SegRNNConfig) -> WindowInputs:
    """Return what a network reads of each series before it forecasts the steps after its end."""
    n_series, T = context.values.shape
    scaled = scale_series(context, config)
    x, level = read_windows(scaled, np.arange(n_series), np.full(n_series, T), config)
    empty = np.asarray(~np.isfinite(context.values).any(axis=1))
    return WindowInputs(x, level, scaled.scale, scaled.last, empty, scaled.scaler)


def _decode(network: Network, weights: Weights, x: Float32Array, n_quantiles: int) -> FloatArray:
    """Return the quantiles that a network puts out, segment after segment, [n_rows, K P', Q]."""
    parts = []
    for start in range(0, len(x), BATCH_WINDOWS):
        part = x[start : start + BATCH_WINDOWS]
        output, _ = forward(network, weights, pack(part), save_for_backward=False, n_sequences=len(part))
        parts.append(unpack(output, len(part)).reshape(len(part), -1, n_quantiles))
    return np.concatenate(parts).astype(np.float64)


def train(
    context: PanelContext,
    task: Task,
    config: SegRNNConfig,
    *,
    init: SegRNN | None = None,
    measure: Callable[[SegRNN], ValidationErrors] | None = None,
    on_step: StepCallback | None = None,
) -> SegRNN:
    """Train a SegRNN.

    Args:
        context: The series.
        task: Horizon and seed.
        config: Sizes and training.
        init: A network to continue from; None: fresh weights.
        measure: Measures the errors of a network, before training and ten times on the way. Where the validation error
            was smaller on the way than at the end by `min_improvement` or more, the weights are those of that step.
        on_step: Is called after every update, and before the first one if errors are measured.

    Returns:
        The network; `max_steps` of its config says how long it was trained.

    Example:
        >>> y = PanelContext.from_values(10 + np.sin(np.arange(60.0))[None])
        >>> model = train(y, Task(8), SegRNNConfig(12, segment_length=6, units=3, max_steps=2))
        >>> model.predict_quantiles(y).shape
        (1, 8, 5)
    """
    seed, scaled = task.seed, scale_series(context, config)
    network, weights = make_network(task.horizon, config, seed)
    if init is None:
        _initialize_head(network, weights, scaled, task, config)
    else:
        weights.vector[:] = init.weights.vector
    model = SegRNN(config, network, weights, task.horizon)
    batches = partial(_batches, scaled, task, config)
    errors = None if measure is None else partial(measure, model)
    n_steps = train_to_best(network, weights, batches, config, seed=seed, measure=errors, on_step=on_step)
    return replace(model, config=replace(config, max_steps=n_steps))


def make_network(horizon: int, config: SegRNNConfig, seed: int | None = 0) -> tuple[Network, Weights]:
    """Return the layers of a SegRNN, and fresh weights."""
    network = make_layers(horizon, config)
    check_network_size(network)
    return network, initial_weights(network, seed)


def make_layers(horizon: int, config: SegRNNConfig) -> Network:
    """Return the layers of a SegRNN.

    Example:
        >>> make_layers(60, SegRNNConfig(96, segment_length=24, units=8)).shapes
        ((4, 24), (4, 8), (3, 8), (3, 8), (3, 120), (3, 120))
    """
    (n_segments, length), n_quantiles = decoded_shape(horizon, config.segment_length), len(config.quantiles)
    layers = [
        Dense(config.units, activation="relu"),
        ParallelDecoder(CELLS[config.cell](config.units), n_segments),
        Dropout(config.dropout),
        Dense(length * n_quantiles),
        QuantileHead(n_quantiles),
    ]
    return build(layers, (n_read(config) // config.segment_length, config.segment_length))


def _batches(scaled: ScaledSeries, task: Task, config: SegRNNConfig, first: int = 0) -> Iterator[Batch]:
    """Yield a packed batch for every update but so many first ones."""
    for x, y, weight in islice(training_windows(scaled, task.horizon, config, task.seed), first, None):
        yield Batch(pack(x), pack(y), pack(weight), None, float(weight.sum()), len(x))


def _measure(config: SegRNNConfig, monitor: ValidationMonitor) -> Callable[[SegRNN], ValidationErrors]:
    """Return how the errors of a network are measured; what it reads is prepared once."""
    validation, training = make_inputs(monitor.validation, config), make_inputs(monitor.training_origins, config)
    return lambda model: monitor.measure(model.predict(validation), model.predict(training))


def _initialize_head(
    network: Network, weights: Weights, scaled: ScaledSeries, task: Task, config: SegRNNConfig
) -> None:
    """Let the first forecast be the same for all windows: the quantiles of the targets of each step of a segment."""
    sample = replace(config, max_steps=SAMPLE_BATCHES)
    windows = list(training_windows(scaled, task.horizon, sample, task.seed + 1))
    y, known = (np.concatenate([getattr(part, name) for part in windows]) for name in ("y", "weight"))
    spread = np.zeros((y.shape[2], len(config.quantiles)))
    for k in range(y.shape[2]):
        targets = y[..., k][known[..., k] > 0]
        spread[k] = np.quantile(targets, config.quantiles) if targets.size > 20 else spread[max(k - 1, 0)]
    dense = weights.views[-2]
    dense["W"][:] = 0.0
    dense["b"][:] = cast(QuantileHead, network.layers[-1]).inverse(spread).ravel()
