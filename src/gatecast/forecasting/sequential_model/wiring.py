"""Wiring of a user's network: the shapes that it needs to forecast a panel, and how it is trained.

Shapes: input_size values in a window, F features, horizon steps, Q quantiles.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gatecast.errors import ConfigError
from gatecast.nn.fitting import variable_sizes
from gatecast.nn.layers import QuantileHead, Shape
from gatecast.nn.losses import Loss, MeanAbsoluteError, Pinball
from gatecast.nn.memory_limits import check_network_size
from gatecast.nn.network import Network, build, initial_weights
from gatecast.nn.optim import GradientTransformation
from gatecast.nn.sequential import Sequential
from gatecast.nn.training import default_optimizer

if TYPE_CHECKING:
    from gatecast.forecasting.sequential_model.model import SequentialConfig

__all__ = ["build_network", "check_outputs", "is_point", "training_setup"]


def build_network(model: Any, horizon: int, config: SequentialConfig) -> tuple[Network, int]:
    """Build the layers of a user's network with the shapes that they have here, after checking that they fit.

    Args:
        model: A `Sequential`; it is not changed. Its input is (input_size, 2), value and 1 where it is observed, or
            (input_size, 1), the value; a time of None, or no shape at all, leaves input_size to the config. Layers
            without a time axis read the window flat: (input_size,) values, or, without a shape, those and whether they
            are observed.
        horizon: Steps ahead.
        config: Provides input_size and the quantiles.

    Returns:
        The network, and the values in its window.

    Raises:
        ConfigError: Not a `Sequential`, no layers, layers that do not fit together, or outputs that are neither horizon
            numbers nor horizon times Q quantiles.

    Example:
        >>> from gatecast.forecasting.sequential_model.model import SequentialConfig
        >>> from gatecast.nn.layers import LSTM, Dense
        >>> build_network(Sequential([LSTM(8), Dense(6)]), 6, SequentialConfig(None, 24))[0].shapes
        ((24, 2), (8,), (6,))
    """
    if not isinstance(model, Sequential):
        raise ConfigError(f"Invalid network {model!r}", expected="a gatecast.Sequential", argument="model")
    if not model._layers:
        raise ConfigError("The network has no layers", fix=f"Write Sequential([LSTM(32), Dense({horizon})]).")
    shape, input_size = _input_shape(model), config.input_size
    if shape is None:
        network = build(model._layers, (input_size, 2))
        if len(network.shapes[-1]) == 2:
            network = _flat(network, 2 * input_size)
    else:
        input_size = shape[0] or input_size
        network = build(model._layers, (input_size, *shape[1:]))
    check_outputs(network, horizon, config.quantiles)
    check_network_size(network)
    return network, input_size


def check_outputs(network: Network, horizon: int, quantiles: tuple[float, ...]) -> None:
    """Refuse outputs that are neither horizon numbers nor horizon times Q quantiles.

    Args:
        network: Layers and shapes.
        horizon: Steps ahead.
        quantiles: Levels.

    Raises:
        ConfigError: Other outputs.

    Example:
        >>> from gatecast.nn.layers import Dense
        >>> check_outputs(build([Dense(15), QuantileHead(3)], (24,)), 5, (0.1, 0.5, 0.9))
    """
    shape, last, n_quantiles = network.shapes[-1], network.layers[-1], len(quantiles)
    where, got = type(last).__name__, f"outputs of shape {(None, *shape)}"
    if len(shape) == 2:
        raise ConfigError(
            "The network has an output for every step of the window",
            where=where,
            got=got,
            expected=f"{(None, horizon)}, one for each of the {horizon} forecast steps",
            fix="Leave return_sequences=True out of its last recurrent layer; Dense layers alone read a flat window: "
            f"Input(({network.shapes[0][0]},)).",
        )
    has_quantiles = not is_point(network)
    quantile_end = f"Dense({horizon * n_quantiles}), QuantileHead({n_quantiles})"
    if isinstance(last, QuantileHead) and has_quantiles and last.quantiles != n_quantiles:
        raise ConfigError(
            "QuantileHead has other quantiles than the forecaster",
            got=f"QuantileHead({last.quantiles})",
            expected=f"{n_quantiles} of them, for the levels {', '.join(f'{level:g}' for level in quantiles)}",
            fix=f"End the network with {quantile_end}.",
        )
    n_outputs = horizon * n_quantiles if has_quantiles else horizon
    if shape[-1] != n_outputs:
        outputs = f"{n_quantiles} quantiles of each step" if has_quantiles else "a number for each step"
        could_be_quantiles = shape[-1] == horizon * n_quantiles
        point_end = f"Dense({horizon})" + (f", or with {quantile_end}" if could_be_quantiles else "")
        raise ConfigError(
            f"The network does not forecast {horizon} steps",
            where=where,
            got=got,
            expected=f"{(None, n_outputs)}, {outputs}",
            fix=f"End it with {quantile_end if has_quantiles else point_end}.",
        )


def is_point(network: Network) -> bool:
    """Return whether a network forecasts a number for each step, instead of quantiles.

    Example:
        >>> from gatecast.nn.layers import Dense
        >>> is_point(build([Dense(5)], (24,))), is_point(build([Dense(15), QuantileHead(3)], (24,)))
        (True, False)
    """
    last = network.layers[-1]
    return not (isinstance(last, QuantileHead) and last.quantiles > 1)


def training_setup(
    model: Sequential, network: Network, config: SequentialConfig
) -> tuple[Loss, GradientTransformation]:
    """Return loss and optimizer of a network: those that it was compiled with, else Adam over one cycle.

    Args:
        model: The user's network, compiled or not.
        network: Its layers, as `build_network` returns them.
        config: Learning rate and steps of the cycle, levels of the quantiles.

    Returns:
        Loss and optimizer. Under a QuantileHead the loss is that of the forecaster's quantiles, whatever was compiled;
        a point forecaster that was not compiled has the absolute error.

    Raises:
        ConfigError: A loss of quantiles for a point forecaster, or of other quantiles than the forecaster's.

    Example:
        >>> from gatecast.forecasting.sequential_model.model import SequentialConfig
        >>> from gatecast.nn.layers import Dense
        >>> training_setup(Sequential(), build([Dense(5)], (24,)), SequentialConfig(None, 24))[0]
        MeanAbsoluteError()
    """
    point, pinball = is_point(network), Pinball(config.quantiles)
    if model.optimizer is None:
        optimizer = default_optimizer(config.learning_rate, config.max_steps, clip=config.clip)
        return MeanAbsoluteError() if point else pinball, optimizer
    optimizer = model.optimizer.transformation(variable_sizes(initial_weights(network, 0)))
    loss = model.loss or MeanAbsoluteError()
    if point and loss.width != 1:
        n_outputs = (network.shapes[-1][0] or 1) * pinball.width
        raise ConfigError(
            "The loss does not fit a number for each step",
            got=f"{loss!r}, {loss.width} outputs for a target value",
            expected='a loss such as "mae" or Huber(1.0)',
            fix="Compile the network with another loss, or train quantiles: "
            f"end it with Dense({n_outputs}), QuantileHead({pinball.width}).",
        )
    if not point and isinstance(loss, Pinball) and loss != pinball:
        raise ConfigError(
            "The loss has other quantiles than the forecaster",
            got=repr(loss),
            expected=repr(pinball),
            fix="Leave compile out: a network under a QuantileHead is trained for the forecaster's quantiles.",
        )
    return loss if point else pinball, optimizer


def _input_shape(model: Sequential) -> Shape | None:
    """Return the input shape that a user's network states, if any."""
    shape = model._in_shape
    if shape is not None and len(shape) == 2 and shape[1] not in (1, 2):
        raise ConfigError(
            "The network reads other features than a forecaster has",
            got=f"an input of shape {shape}",
            expected="(time, 2), the value and 1 where it is observed, or (time, 1), the value",
            fix=f"Begin it with Input(({shape[0]}, 2)), or leave the shape out.",
        )
    return shape


def _flat(network: Network, size: int) -> Network:
    """Return the network with a flat window, if its layers read one; otherwise as it is."""
    try:
        flat = build(network.layers, (size,))
    except ConfigError:
        return network
    return flat if len(flat.shapes[-1]) == 1 else network
