"""The panel RNN: one recurrent network for all series, trained at every origin of every series in one pass.

At every origin the network reads the last input_size values less their level, in units of the series' mean change, and
forecasts quantiles of the next steps: ``z[t + k] = level[t] + scale q[k]``. Its state is carried from origin to origin,
so values before the window are remembered rather than read again. The head reads the newest state, so near steps are as
easy as they are.

Shapes: n_series rows, T columns, K steps of the horizon that are trained, Q quantiles.

Source: Smyl 2020 (ES-RNN); Wen et al. 2017 (forking sequences); Hewamalage, Bergmeir & Bandara 2021.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, cast

import numpy as np

from gatecast._utils.typing import BoolArray, Float32Array, FloatArray, IntArray
from gatecast._utils.validation import check_fraction, check_positive, check_positive_int, check_quantiles
from gatecast.config import MAX_LAYERS
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
from gatecast.forecasting.median import MedianOf
from gatecast.forecasting.monitoring import ValidationMonitor
from gatecast.forecasting.network_training import train_to_best
from gatecast.forecasting.panel_rnn import presets
from gatecast.forecasting.panel_rnn.training_batches import training_batches
from gatecast.forecasting.panel_rnn.windows import (
    N_EXTRA_INPUTS,
    ScaledSeries,
    inputs,
    scale_series,
)
from gatecast.forecasting.registry import register
from gatecast.forecasting.scaling import SeriesScaler
from gatecast.forecasting.steps import direct_steps, interpolation
from gatecast.kernels.packing import pack, unpack
from gatecast.kernels.runtime import release_memory
from gatecast.nn.layers import GRU, LSTM, SLSTM, Dense, QuantileHead, Residual, SimpleRNN
from gatecast.nn.layers.base import Layer
from gatecast.nn.memory_limits import check_network_size
from gatecast.nn.network import Network, Weights, build, forward, initial_weights, split_network
from gatecast.nn.stored_weights import restore_weights
from gatecast.nn.training import (
    ValidationErrors,
)

if TYPE_CHECKING:
    from gatecast.forecasting.attribution import AttributionBins, AttributionTarget, DifferentiablePath

__all__ = [
    "CELLS",
    "CONTEXT_SEASONS",
    "GRUConfig",
    "LSTMConfig",
    "LSTMPeepholeConfig",
    "ModelInputs",
    "PanelRNN",
    "PanelRNNConfig",
    "RNNConfig",
    "SLSTMConfig",
    "context_length",
    "make_inputs",
    "make_training_inputs",
    "train",
]


CONTEXT_SEASONS = 10
"""Seasons before the windows that seasonal indices are made from when forecasting."""

HEAD_LAYERS = 2
"""Last layers of the network, which know no other time step: Dense and QuantileHead."""

BATCH_SERIES = 512
"""Series at a time."""


@dataclass(frozen=True)
class PanelRNNConfig:
    """A panel RNN and its training. The cell is that of the subclass, without further fields: `LSTMConfig`, ...

    Args:
        input_size: Values in a window.
        season_length: Season whose indices are removed before the network reads; 1 for none.
        units: Units of each recurrent layer.
        n_layers: Recurrent layers, each with a residual connection.
        dropout: Share of what enters a recurrent layer that is dropped in training, the same at every origin.
        level_window: Newest values whose mean is the level of a window.
        level_position_weight: Weight of the input that says where the level lies in the range of the series; 0: none.
        stride: Steps from an origin to the next: above 1 the network takes one step per stride, and looks back as many
            times farther.
        n_origins: Origins of a series in a batch, at most; of longer series a random segment is taken each time.
        max_steps: Updates.
        batch_size: Series in a batch.
        learning_rate: Peak learning rate, of one cycle.
        min_improvement: Share by which the weights of an earlier step have to be better on the validation part to be
            taken instead of the last ones; 1: never.
        quantiles: Levels, symmetric about the middle one.
        n_futr_exog: Columns known for the steps ahead.
        n_hist_exog: Columns known for the past.
        n_stat_exog: Columns constant in time.

    Raises:
        ConfigError: A size below 1, more than 1,000 layers, a dropout that is not from 0 to less than 1, a rate that is
            not above 0, levels that do not increase or have no middle.

    Example:
        >>> LSTMConfig(input_size=24).column
        'LSTM'
    """

    name: ClassVar[str]
    column: ClassVar[str]
    family: ClassVar[Family] = "network"
    layer: ClassVar[Callable[..., Any]]
    layer_options: ClassVar[dict[str, Any]] = {}

    input_size: int
    season_length: int = 1
    units: int = 48
    n_layers: int = 2
    dropout: float = 0.0
    level_window: int = 1
    level_position_weight: float = 0.0
    stride: int = 1
    n_origins: int = 96
    max_steps: int = 300
    batch_size: int = 96
    learning_rate: float = 3e-3
    min_improvement: float = 0.2
    quantiles: tuple[float, ...] = (0.025, 0.1, 0.5, 0.9, 0.975)
    n_futr_exog: int = 0
    n_hist_exog: int = 0
    n_stat_exog: int = 0

    def __post_init__(self) -> None:
        where = type(self).__name__
        for name in ("input_size", "season_length", "units", "level_window", "stride", "n_origins", "max_steps"):
            check_positive_int(getattr(self, name), name, where=where)
        check_positive_int(self.n_layers, "n_layers", where=where, maximum=MAX_LAYERS)
        check_positive_int(self.batch_size, "batch_size", where=where)
        check_fraction(self.dropout, "dropout", where=where)
        check_positive(self.learning_rate, "learning_rate", where=where)
        check_quantiles(self.quantiles, where=where)

    @classmethod
    def default_for(cls, panel: PanelSummary, task: Task, overrides: Overrides) -> MedianOf:
        """Return several members, by season, horizon and number of series; of few series, alternatives."""
        configs = tuple(overrides.apply(cls(**settings)) for settings in presets.members(panel, task, overrides))
        return MedianOf(configs, n_trial=2, alternatives=panel.n_series < presets.FEW_SERIES)

    def fit(
        self,
        context: PanelContext,
        task: Task,
        *,
        init: PanelRNN | None = None,
        monitor: ValidationMonitor | None = None,
        on_step: StepCallback | None = None,
    ) -> PanelRNN:
        """Train the network; with a monitor, stop where the validation error was clearly smaller."""
        config = replace(self, quantiles=task.quantiles)
        measure = None if monitor is None else _measure(config, task.horizon, monitor)
        return train(context, task, config, init=init, measure=measure, on_step=on_step)

    @classmethod
    def from_state(cls, state: ModelState, task: Task) -> PanelRNN:
        """Restore a trained network."""
        config = restore_config(cls, state.settings, task)
        network = make_layers(task.horizon, config)
        return PanelRNN(config, network, restore_weights(network, state.arrays), task.horizon)


@register
class LSTMConfig(PanelRNNConfig):
    """Long short-term memory."""

    name: ClassVar[str] = "lstm"
    column: ClassVar[str] = "LSTM"
    layer: ClassVar[Callable[..., Any]] = LSTM


@register
class GRUConfig(PanelRNNConfig):
    """Gated recurrent unit."""

    name: ClassVar[str] = "gru"
    column: ClassVar[str] = "GRU"
    layer: ClassVar[Callable[..., Any]] = GRU


@register
class RNNConfig(PanelRNNConfig):
    """Simple recurrent network."""

    name: ClassVar[str] = "rnn"
    column: ClassVar[str] = "RNN"
    layer: ClassVar[Callable[..., Any]] = SimpleRNN


@register
class LSTMPeepholeConfig(PanelRNNConfig):
    """LSTM whose gates see the cell state."""

    name: ClassVar[str] = "lstm-peephole"
    column: ClassVar[str] = "LSTM-peephole"
    layer: ClassVar[Callable[..., Any]] = LSTM
    layer_options: ClassVar[dict[str, Any]] = {"peephole": "diagonal"}


@register
class SLSTMConfig(PanelRNNConfig):
    """LSTM with exponential gates."""

    name: ClassVar[str] = "slstm"
    column: ClassVar[str] = "sLSTM"
    layer: ClassVar[Callable[..., Any]] = SLSTM


CELLS: dict[str, type[PanelRNNConfig]] = {
    config.name: config for config in (LSTMConfig, GRUConfig, RNNConfig, LSTMPeepholeConfig, SLSTMConfig)
}
"""Configs by the name of their cell."""


@dataclass(frozen=True)
class PanelRNN:
    """A trained panel RNN.

    Args:
        config: What it was trained with; `max_steps` is how long it was.
        network: Layers.
        weights: Their parameters.
        horizon: Steps that it forecasts.
    """

    config: PanelRNNConfig
    network: Network
    weights: Weights
    horizon: int

    def predict_quantiles(self, context: PanelContext) -> FloatArray:
        """Forecast the steps after the end of each series.

        Args:
            context: Any series, with standardized columns, the future ones known for the horizon.

        Returns:
            Quantiles in the unit of the values, [n_series, horizon, Q]; NaN for a series without a value.
        """
        parts = [self.predict(make_inputs(part, self.horizon, self.config)) for part in context.batches(BATCH_SERIES)]
        return np.concatenate(parts)

    def predict(self, x: ModelInputs) -> FloatArray:
        """Return the quantiles for inputs that are made already, [n_rows, horizon, Q]."""
        row, origin = x.position
        n = len(x.x)
        # The head is a function of each origin by itself: it is computed where a forecast is made.
        origins, column = np.unique(origin, return_inverse=True)
        body, head = split_network(self.network, self.weights, HEAD_LAYERS)
        hidden, _ = forward(*body, pack(x.x), save_for_backward=False, n_sequences=n)
        output, _ = forward(*head, np.ascontiguousarray(hidden[:, origins]), save_for_backward=False, n_sequences=n)
        steps = interpolation(self.horizon)
        q = unpack(output, n)[row, column].reshape(len(row), steps.shape[1], -1)
        z = np.einsum("hk,skq->shq", steps, q) + x.level[:, None, None]
        values = x.scaler.inverse_transform(z * x.scale[:, None, None] + x.last[:, None, None])
        values[x.empty] = np.nan
        return values

    def predict_insample(self, context: PanelContext) -> FloatArray:
        """Return the median of each past value one step ahead.

        Seasonal indices and scales are those of the full series, which the network was trained on.

        Args:
            context: Any series, with standardized columns.

        Returns:
            [n_series, T] in the unit of the values; NaN up to the first value of a series.
        """
        parts = [self._insample(part) for part in context.batches(BATCH_SERIES)]
        release_memory()
        return np.concatenate(parts)

    def _insample(self, context: PanelContext) -> FloatArray:
        """`predict_insample` for one batch of series."""
        config, steps = self.config, direct_steps(self.horizon)
        n_series, T = context.values.shape
        middle = len(config.quantiles) // 2
        predicted = np.full((n_series, T), np.nan)
        scaler = context.scaler(config.season_length)
        scaled = scale_series(context, config.season_length, config.input_size)
        z = np.empty((n_series, T - 1))
        for phase in range(min(config.stride, T - 1)):
            origins = np.arange(phase, T - 1, config.stride)[None, :]
            x, level = inputs(scaled, np.arange(n_series)[:, None], origins, steps, config)
            output, _ = forward(self.network, self.weights, pack(x), save_for_backward=False, n_sequences=n_series)
            first = unpack(output, n_series).reshape(*level.shape, len(steps), -1)[:, :, 0, middle]
            z[:, origins[0]] = (first + level) * scaled.scale[:, None] + scaled.last[:, None]
        # A scaler restores the steps after the end: here, from the second column on.
        predicted[:, 1:] = scaler.earlier(T - 1).inverse_transform(z)
        predicted[np.arange(T) <= scaled.first[:, None]] = np.nan
        return predicted

    def networks(self) -> Sequence[NetworkView]:
        """Return the network, for looking into it."""
        config = self.config
        return [
            NetworkView(
                self.network,
                self.weights,
                lambda context: make_inputs(context, self.horizon, config).x,
                config.stride,
                config.input_size,
                config,
            )
        ]

    def attribution_columns(self) -> int:
        """Return how many of the newest values a forecast can depend on."""
        return context_length(self.config)

    def attribution_path(
        self, context: PanelContext, target: AttributionTarget, bins: AttributionBins
    ) -> DifferentiablePath:
        """Return one number of a forecast as a function of what the network reads."""
        from gatecast.forecasting.panel_rnn.attribution import attribution_path

        part = context.keep_last(self.attribution_columns())
        return attribution_path(self, part, context.values.shape[1] - part.values.shape[1], target, bins)

    def to_state(self) -> ModelState:
        """Return the config and the weights."""
        return ModelState(asdict(self.config), {"weights": self.weights.vector})


def train(
    context: PanelContext,
    task: Task,
    config: PanelRNNConfig,
    *,
    init: PanelRNN | None = None,
    measure: Callable[[PanelRNN], ValidationErrors] | None = None,
    on_step: StepCallback | None = None,
) -> PanelRNN:
    """Train a panel RNN.

    Args:
        context: The series, with standardized columns.
        task: Horizon and seed.
        config: Sizes and training.
        init: A network to continue from; None: fresh weights.
        measure: Measures the errors of a network, before training and ten times on the way. Where the validation error
            was smaller on the way than at the end by `min_improvement` or more, the weights are those of that step.
        on_step: Is called after every update, and before the first one if errors are measured.

    Returns:
        The network; `max_steps` of its config says how long it was trained.
    """
    config = replace(
        config,
        n_futr_exog=context.futr_exog.shape[2],
        n_hist_exog=context.hist_exog.shape[2],
        n_stat_exog=context.stat_exog.shape[1],
    )
    scaled = scale_series(context, config.season_length, config.input_size)
    steps, seed = direct_steps(task.horizon), task.seed
    network, weights = make_network(task.horizon, config, seed)
    if init is None:
        _initialize_head(network, weights, steps, config, scaled)
    else:
        weights.vector[:] = init.weights.vector
    model = PanelRNN(config, network, weights, task.horizon)
    batches = partial(training_batches, scaled, steps, config, seed)
    errors = None if measure is None else partial(measure, model)
    n_steps = train_to_best(network, weights, batches, config, seed=seed, measure=errors, on_step=on_step)
    return replace(model, config=replace(config, max_steps=n_steps))


def _measure(
    config: PanelRNNConfig, horizon: int, monitor: ValidationMonitor
) -> Callable[[PanelRNN], ValidationErrors]:
    """Return how the errors of a network are measured; what it reads is prepared once."""
    validation = make_inputs(monitor.validation, horizon, config)
    training = make_training_inputs(monitor.training, monitor.offsets, horizon, config)
    return lambda model: monitor.measure(model.predict(validation), model.predict(training))


class ModelInputs(NamedTuple):
    """What a network reads to forecast n_rows rows, whatever its weights."""

    x: Float32Array
    """Inputs, [n_series, n_origins, n_features]."""
    position: IntArray
    """Row of x and origin in it of each forecast, [2, n_rows]."""
    level: Float32Array
    """Level that forecasts are counted from, [n_rows]."""
    scale: FloatArray
    """Unit of the forecasts, [n_rows]."""
    last: FloatArray
    """What was subtracted from the series, [n_rows]."""
    scaler: SeriesScaler
    """Scaler of the rows."""
    empty: BoolArray
    """Whether a series has no value, [n_rows]."""


def context_length(config: PanelRNNConfig) -> int:
    """Return how many of the newest values are read, those that seasonal indices are made from included."""
    return config.n_origins * config.stride + config.input_size + CONTEXT_SEASONS * config.season_length


def make_inputs(context: PanelContext, horizon: int, config: PanelRNNConfig) -> ModelInputs:
    """Return what a network reads of each series before it forecasts the steps after its end.

    Args:
        context: Series, with standardized columns, the future ones known for the horizon.
        horizon: Steps ahead.
        config: Of the network.
    """
    part = context.keep_last(context_length(config))
    scaled = scale_series(part, config.season_length, config.input_size)
    end, n_series = scaled.z.shape[1] - config.input_size, len(part)
    n_origins = min(config.n_origins, end // config.stride + 1)
    origins = end - config.stride * np.arange(n_origins)[::-1]
    x, level = inputs(scaled, np.arange(n_series)[:, None], origins[None, :], direct_steps(horizon), config)
    position = np.stack([np.arange(n_series), np.full(n_series, n_origins - 1)])
    scaler = part.scaler(config.season_length)
    return ModelInputs(x, position, level[:, -1], scaled.scale, scaled.last, scaler, _is_empty(part))


def make_training_inputs(context: PanelContext, offsets: IntArray, horizon: int, config: PanelRNNConfig) -> ModelInputs:
    """Return what a network reads at origins within series that it is trained on, as it reads them in training.

    Seasonal indices and scales are those of the full series: so the errors are those that training makes smaller.

    Args:
        context: Series, with standardized columns.
        offsets: Values to drop from the end, one offset per origin, multiples of the stride apart, [n_offsets].
        horizon: Steps ahead.
        config: Of the network.

    Returns:
        Inputs of n_offsets * n_series forecasts, ordered by origin.
    """
    (n_series, T), stride, n_offsets = context.values.shape, config.stride, len(offsets)
    scaler = context.scaler(config.season_length)
    scaled = scale_series(context, config.season_length, config.input_size)
    ends = T - 1 - offsets
    n_origins = min(config.n_origins, int(ends.max()) // stride + 1)
    # A segment begins where it does in training: at the beginning of the series, if it is short enough.
    first, group = np.unique(np.maximum(ends - stride * (n_origins - 1), ends % stride), return_inverse=True)
    origins = np.repeat(first, n_series)[:, None] + stride * np.arange(n_origins)
    rows = np.tile(np.arange(n_series), len(first))[:, None]
    x, level = inputs(scaled, rows, origins, direct_steps(horizon), config)
    row = np.repeat(group * n_series, n_series) + np.tile(np.arange(n_series), n_offsets)
    position = np.stack([row, np.repeat((ends - first[group]) // stride, n_series)])
    rolled = SeriesScaler.at_offsets(scaler, offsets)
    scale, last = np.tile(scaled.scale, n_offsets), np.tile(scaled.last, n_offsets)
    empty = np.tile(_is_empty(context), n_offsets)
    return ModelInputs(x, position, level[position[0], position[1]], scale, last, rolled, empty)


def _is_empty(context: PanelContext) -> BoolArray:
    """Return whether a series has no value, [n_series]."""
    return np.asarray(~np.isfinite(context.values).any(axis=1))


def make_network(horizon: int, config: PanelRNNConfig, seed: int | None = 0) -> tuple[Network, Weights]:
    """Return the layers of a panel RNN, and fresh weights.

    Example:
        >>> network, weights = make_network(2, LSTMConfig(4, units=3, n_layers=1))
        >>> network.shapes[-1], weights.vector.size
        ((None, 10), 148)
    """
    network = make_layers(horizon, config)
    check_network_size(network)
    return network, initial_weights(network, seed)


def make_layers(horizon: int, config: PanelRNNConfig) -> Network:
    """Return the layers of a panel RNN.

    Example:
        >>> make_layers(2, GRUConfig(4, units=3, n_layers=1)).shapes[-1]
        (None, 10)
    """
    n_steps, units, n_quantiles = len(direct_steps(horizon)), config.units, len(config.quantiles)
    hidden = [
        Residual(type(config).layer(units, return_sequences=True, dropout=config.dropout, **config.layer_options))
        for _ in range(config.n_layers)
    ]
    n_inputs = config.input_size + N_EXTRA_INPUTS + (n_steps + 1) * config.n_futr_exog
    n_inputs += config.n_hist_exog + config.n_stat_exog
    layers: list[Layer] = [
        Dense(units, activation="tanh"),
        *hidden,
        Dense(n_steps * n_quantiles),
        QuantileHead(n_quantiles),
    ]
    return build(layers, (None, n_inputs))


def _initialize_head(
    network: Network, weights: Weights, steps: IntArray, config: PanelRNNConfig, scaled: ScaledSeries
) -> None:
    """Let the first forecast be the same for all series: the quantiles of the changes over each step."""
    key = ("change quantiles", config.season_length, config.quantiles, *steps.tolist())
    spread = scaled.context.derive(key, lambda: _change_quantiles(scaled, steps, config))
    dense, head = weights.views[-2], cast(QuantileHead, network.layers[-1])
    dense["W"][:] = 0.0
    dense["b"][:] = head.inverse(spread).ravel()


def _change_quantiles(scaled: ScaledSeries, steps: IntArray, config: PanelRNNConfig) -> FloatArray:
    """Return the quantiles of the changes over each step, of some series, [K, Q]; the same for all members."""
    spread = np.zeros((len(steps), len(config.quantiles)))
    every = max(1, len(scaled.z) // 500)
    z, observed = scaled.z[::every, config.input_size - 1 :], scaled.observed[::every, config.input_size - 1 :]
    for k, step in enumerate(steps.tolist()):
        both = (observed[:, step:] * observed[:, :-step]) > 0
        change = (z[:, step:] - z[:, :-step])[both]
        spread[k] = np.quantile(change, config.quantiles) if change.size > 20 else spread[max(k - 1, 0)]
    return spread
