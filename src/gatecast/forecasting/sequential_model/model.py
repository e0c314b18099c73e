"""A user's own network, a `Sequential`, as a forecasting model: one network for all series, plain windows.

At an origin it reads the last input_size values less their level, in units of the series' mean change, and forecasts
the next values: ``z[t + k] = level[t] + scale y[k]``. A network with one output per step is a point forecaster; its
quantiles come from errors on values that it was not trained on. One with a `QuantileHead` learns them itself.

The layers are taken from the user's network, its weights are not: they may have seen what is to be forecast.

Shapes: n_series rows, T columns, B windows of a batch, F features, Q quantiles.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, ClassVar

import numpy as np

from gatecast._utils.schema import Count, check_array, from_json
from gatecast._utils.typing import FloatArray
from gatecast._utils.validation import check_positive, check_positive_int, check_quantiles
from gatecast.errors import ConfigError, DataError
from gatecast.forecasting.attribution import AttributionBins, AttributionTarget, DifferentiablePath
from gatecast.forecasting.base import (
    QUANTILES,
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
from gatecast.forecasting.network_training import run_steps
from gatecast.forecasting.panel_rnn.model import CONTEXT_SEASONS
from gatecast.forecasting.panel_rnn.presets import removed_season
from gatecast.forecasting.panel_rnn.windows import ScaledSeries, scale_series
from gatecast.forecasting.registry import register
from gatecast.forecasting.scaling import SeriesScaler
from gatecast.forecasting.sequential_model.attribution import attribution_path
from gatecast.forecasting.sequential_model.training_run import TrainingRun
from gatecast.forecasting.sequential_model.windows import (
    holdout_length,
    network_windows,
    observed_length,
)
from gatecast.forecasting.sequential_model.wiring import build_network, check_outputs, is_point, training_setup
from gatecast.forecasting.training_checkpoint import TrainingParts
from gatecast.kernels.packing import Array
from gatecast.nn import training
from gatecast.nn.checkpoint import layer_from_config, layer_to_config
from gatecast.nn.gradients import is_trained_in_block_order
from gatecast.nn.layers import LAYERS, Input, QuantileHead
from gatecast.nn.losses import MeanAbsoluteError
from gatecast.nn.memory_limits import check_memory, check_network_size
from gatecast.nn.network import Network, Weights, build, initial_weights
from gatecast.nn.sequential import Sequential
from gatecast.nn.stored_weights import restore_weights
from gatecast.nn.training import ValidationErrors

__all__ = ["SequentialConfig", "SequentialModel", "default_settings", "train"]


MIN_CONTEXT = 256
"""Columns that the scale is taken from when forecasting, at least, besides the window."""

FEW_VALUES = 2000
"""Values of a panel below which a network would memorize them."""

BATCH_SERIES = 2048
"""Series at a time."""


@register
@dataclass(frozen=True)
class SequentialConfig:
    """A user's network, and how it reads and trains.

    Args:
        model: Its layers, and optimizer and loss if it was compiled; it is not changed. None: not known.
        input_size: Values in a window; a network that states how many steps it reads has its own.
        season_length: Season whose indices are removed before the network reads; 1 for none.
        max_steps: Updates.
        batch_size: Windows in a batch.
        learning_rate: Peak learning rate, of one cycle; ignored if the network was compiled.
        clip: Largest norm of the gradient; likewise.
        quantiles: Levels, odd in number, the middle one 0.5.

    Raises:
        ConfigError: A size below 1, a rate that is not above 0, levels that do not increase or have no middle.

    Example:
        >>> SequentialConfig(Sequential(), 24).batch_size
        256
    """

    name: ClassVar[str] = "sequential"
    column: ClassVar[str] = "Sequential"
    family: ClassVar[Family] = "network"
    reads_exogenous: ClassVar[bool] = False

    model: Sequential | None
    input_size: int
    season_length: int = 1
    max_steps: int = 400
    batch_size: int = 256
    learning_rate: float = 3e-3
    clip: float = 1.0
    quantiles: tuple[float, ...] = QUANTILES

    def __post_init__(self) -> None:
        for name in ("input_size", "season_length", "max_steps", "batch_size"):
            check_positive_int(getattr(self, name), name, where="SequentialConfig")
        for name in ("learning_rate", "clip"):
            check_positive(getattr(self, name), name, where="SequentialConfig")
        check_quantiles(self.quantiles, where="SequentialConfig")

    @property
    def forecasts_medians(self) -> bool:
        """Whether its point forecasts are medians: not where the user chose another loss than the absolute error."""
        if self.model is None or self.model.optimizer is None or not self.model._layers:
            return True
        last = self.model._layers[-1]
        # Under a QuantileHead the loss is that of quantiles, whatever was compiled.
        learns_quantiles = isinstance(last, QuantileHead) and last.quantiles > 1
        return learns_quantiles or self.model.loss is None or isinstance(self.model.loss, MeanAbsoluteError)

    @classmethod
    def default_for(cls, panel: PanelSummary, task: Task, overrides: Overrides) -> MedianOf:
        """A network cannot be guessed: pass one."""
        raise ConfigError("model='sequential' needs a network", fix="Pass the Sequential itself: model=network.")

    @classmethod
    def for_network(cls, model: Sequential, panel: PanelSummary, task: Task, overrides: Overrides) -> MedianOf:
        """Return the defaults for a user's network.

        Raises:
            ConfigError: A network that does not forecast the horizon.
        """
        config = overrides.apply(default_settings(model, panel, task))
        _, input_size = build_network(model, task.horizon, config)
        config = replace(config, input_size=input_size)
        return MedianOf((config,) * (overrides.training.n_members or 1))

    def fit(
        self,
        context: PanelContext,
        task: Task,
        *,
        init: SequentialModel | None = None,
        monitor: ValidationMonitor | None = None,
        on_step: StepCallback | None = None,
    ) -> SequentialModel:
        """Train a fresh network of these layers on a panel."""
        config = replace(self, quantiles=task.quantiles)
        measure = None if monitor is None else lambda model: monitor.errors(model.predict_quantiles)
        return train(context.values, task, config, init=init, measure=measure, on_step=on_step)

    @classmethod
    def from_state(cls, state: ModelState, task: Task) -> SequentialModel:
        """Restore a trained network; nothing in its description is executed.

        Raises:
            FormatError: Something that describes no network, or one with other weights.
        """
        settings = dict(state.settings)
        layers = [layer_from_config(item, LAYERS) for item in settings.pop("layers")]
        if not layers:
            raise ValueError("no layers")
        network = build(layers, Input(tuple(settings.pop("input_shape"))).sample_shape)
        trained_steps = from_json(Count, settings.pop("trained_steps"), "trained_steps")
        config = restore_config(cls, settings | {"model": None}, task)
        config = replace(config, model=Sequential([Input(network.shapes[0]), *layers]))
        check_outputs(network, task.horizon, config.quantiles)
        check_network_size(network)
        weights = restore_weights(network, state.arrays)
        offsets = None
        if is_point(network):
            shape = (task.horizon, len(config.quantiles))
            offsets = check_array(state.arrays, "quantile_offsets", np.float64, shape)
        return SequentialModel(config, network, weights, task.horizon, trained_steps, offsets)


def default_settings(model: Sequential | None, panel: PanelSummary, task: Task) -> SequentialConfig:
    """Return the settings by season, horizon, length and number of series, as the validation tails of M3 chose them.

    Example:
        >>> default_settings(None, PanelSummary(np.array([120])), Task(12, 12)).input_size
        24
    """
    h, m, typical = task.horizon, task.season_length, panel.typical_length
    input_size = max(8, min(h, 24)) if m == 1 else max(16, m + 1, min(2 * m, 48))
    max_steps = 300 if panel.n_series * typical < FEW_VALUES else 600 if m == 1 else 1000
    return SequentialConfig(
        model,
        max(2, min(input_size, typical - 1)),
        season_length=removed_season(m, panel.n_series),
        max_steps=max_steps,
        quantiles=task.quantiles,
    )


@dataclass(frozen=True)
class SequentialModel:
    """A trained network of a user's layers.

    Args:
        config: What it was trained with.
        network: Layers and shapes.
        weights: Their parameters.
        horizon: Steps that it forecasts.
        trained_steps: Steps that there were targets for; those beyond are forecast as the last one.
        quantile_offsets: From the point to the quantiles, in units of the mean change, [horizon, Q]; None: the network
            forecasts quantiles.
    """

    config: SequentialConfig
    network: Network
    weights: Weights
    horizon: int
    trained_steps: int
    quantile_offsets: FloatArray | None

    def predict_quantiles(self, context: PanelContext) -> FloatArray:
        """Forecast the steps after the end of each series; exogenous columns are not read.

        Returns:
            Quantiles in the unit of the values, [n_series, horizon, Q]; NaN for a series without a value.

        Example:
            >>> from gatecast.nn.layers import Dense
            >>> y = np.arange(20.0)[None]
            >>> model = train(y, Task(3), SequentialConfig(Sequential([Dense(3)]), 4, max_steps=2))
            >>> model.predict_quantiles(PanelContext.from_values(y)).shape
            (1, 3, 5)
        """
        values = context.values
        if not values.size:
            return np.full((len(values), self.horizon, len(self.config.quantiles)), np.nan)
        return np.concatenate([self._quantiles(part) for part in context.batches(BATCH_SERIES)])

    def _quantiles(self, context: PanelContext) -> FloatArray:
        """`predict_quantiles` for one batch of series."""
        scaler, scaled, x = self.latest_inputs(context)
        q = self._with_offsets(training.predict(self.network, self.weights, x))
        z = scaler.inverse_transform(q * scaled.scale[:, None, None] + scaled.last[:, None, None])
        observed = np.asarray(np.isfinite(context.values).any(axis=1))
        return np.where(observed[:, None, None], z, np.nan)

    def attribution_columns(self) -> int:
        """Return how many of the newest values a forecast can depend on."""
        return self.config.input_size + max(CONTEXT_SEASONS * self.config.season_length, MIN_CONTEXT)

    def latest_inputs(self, context: PanelContext) -> tuple[SeriesScaler, ScaledSeries, Array]:
        """Return what a network reads before it forecasts: the scaler, the scaled series, the newest windows."""
        part = context.keep_last(self.attribution_columns())
        scaled = scale_series(part, self.config.season_length, self.config.input_size)
        end = np.full(len(part), part.values.shape[1] - 1)
        x = network_windows(scaled, np.arange(len(part)), end, self.network, self.config.input_size)
        return part.scaler(self.config.season_length), scaled, x

    def _with_offsets(self, output: Array) -> FloatArray:
        """Return quantiles in units of the mean change from what the network puts out, [n_series, horizon, Q]."""
        h, middle = self.horizon, len(self.config.quantiles) // 2
        steps = np.minimum(np.arange(h), self.trained_steps - 1)
        q = output.astype(np.float64).reshape(len(output), h, -1)[:, steps]
        if self.quantile_offsets is not None:
            return np.asarray(q + self.quantile_offsets)
        median, factor = q[..., middle : middle + 1], np.sqrt((np.arange(h) + 1) / (steps + 1))[:, None]
        return np.asarray(median + factor * (q - median))

    def networks(self) -> Sequence[NetworkView]:
        """Return the network, for looking into it."""

        def inputs(context: PanelContext) -> Array:
            """Return what the network reads before it forecasts."""
            return self.latest_inputs(context)[2]

        return [
            NetworkView(self.network, self.weights, inputs, 1, self.config.input_size, self.config, one_cycle=False)
        ]

    def attribution_path(
        self, context: PanelContext, target: AttributionTarget, bins: AttributionBins
    ) -> DifferentiablePath:
        """Return one number of a forecast as a function of what the network reads."""
        part = context.keep_last(self.attribution_columns())
        return attribution_path(self, part, context.values.shape[1] - part.values.shape[1], target, bins)

    def to_state(self) -> ModelState:
        """Return layers, config and weights.

        Raises:
            ConfigError: A layer that is not one of gatecast's.
        """
        settings = {item.name: getattr(self.config, item.name) for item in fields(self.config) if item.name != "model"}
        settings |= {
            "input_shape": list(self.network.shapes[0]),
            "layers": [layer_to_config(layer, LAYERS) for layer in self.network.layers],
            "trained_steps": self.trained_steps,
        }
        arrays: dict[str, Any] = {"weights": self.weights.vector}
        if self.quantile_offsets is not None:
            arrays["quantile_offsets"] = self.quantile_offsets
        return ModelState(settings, arrays)


def train(
    values: FloatArray,
    task: Task,
    config: SequentialConfig,
    *,
    init: SequentialModel | None = None,
    measure: Callable[[SequentialModel], ValidationErrors] | None = None,
    on_step: StepCallback | None = None,
) -> SequentialModel:
    """Train a user's network on a panel.

    A network that was compiled is trained with its optimizer and, if it forecasts points, its loss; any other with Adam
    over one cycle, and the absolute error or the quantile loss. Of a point network the newest tenth of each series is
    held out until its errors there are measured, four fifths on the way.

    Args:
        values: Series aligned at their ends, [n_series, T]; NaN is missing, or before a series began.
        task: Horizon and seed.
        config: The network, its sizes and training.
        init: What to continue from; None: fresh weights.
        measure: Measures errors, before training and ten times on the way.
        on_step: Is called after every update, and before the first one if errors are measured.

    Raises:
        ConfigError: As `build_network`, a loss that does not fit, or a training that diverged.
        DataError: No series with two values.

    Example:
        >>> from gatecast.nn.layers import Dense
        >>> train(np.arange(20.0)[None], Task(3), SequentialConfig(Sequential([Dense(3)]), 4, max_steps=2)).horizon
        3
    """
    h, seed = task.horizon, task.seed
    model = config.model
    if model is None:
        raise ConfigError("SequentialConfig has no network", fix="Pass the Sequential itself: model=network.")
    network, input_size = build_network(model, h, config)
    config = replace(config, input_size=input_size)
    weights, (loss, optimizer) = initial_weights(network, seed), training_setup(model, network, config)
    at_a_time = is_trained_in_block_order(network, weights, loss)
    check_memory(network, config.batch_size, config.input_size, training=True, in_block_order=at_a_time)
    if values.ndim != 2 or 0 in values.shape:
        raise DataError("The panel has no values to train on", got=str(values.shape), expected="(series, columns)")
    scaled = scale_series(PanelContext.from_values(values), config.season_length, config.input_size)
    length = observed_length(scaled)
    if length.max(initial=0) < 2:
        raise DataError("The panel has no values to train on", got="no series of two values", expected="at least one")
    if init is not None:
        weights.vector[:] = init.weights.vector
    point, trained_steps = is_point(network), min(h, int(length.max()) - 1)
    holdout = holdout_length(length, h) * point
    run = TrainingRun(config, network, weights, loss, optimizer, scaled, length, holdout, h, seed)

    def current(offsets: FloatArray | None) -> SequentialModel:
        """Return the model as it stands."""
        return SequentialModel(config, network, run.averaged_weights(), h, trained_steps, offsets)

    # While training goes on, the quantiles are not yet measured.
    no_offsets = np.zeros((h, len(config.quantiles))) if point else None
    parts = TrainingParts(weights, run.state, get_rest=run.get_rest, set_rest=run.set_rest)
    validate = None if measure is None else lambda: measure(current(no_offsets))
    run_steps(run.steps, config.max_steps, parts, validate, on_step)
    return current(run.offsets)
