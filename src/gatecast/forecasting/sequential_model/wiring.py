"""What a network of the user's own must look like to be a model of a panel, and how it is trained.

Letters: w values in a window, F features, h horizon, Q quantiles.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gatecast.errors import ConfigError
from gatecast.nn.layers import QuantileHead, Shape
from gatecast.nn.losses import Loss, MeanAbsoluteError, Pinball
from gatecast.nn.memory_limits import check_network_size
from gatecast.nn.network import Network, build
from gatecast.nn.optim import GradientTransformation
from gatecast.nn.sequential import Sequential
from gatecast.nn.training import default_optimizer

if TYPE_CHECKING:
    from gatecast.forecasting.sequential_model.model import SequentialConfig

__all__ = ["build_network", "check_outputs", "is_point", "training_setup"]


def build_network(model: Any, h: int, settings: SequentialConfig) -> tuple[Network, int]:
    """The layers of a user's network with the shapes that they have here, once it is clear that it can be used.

    Args:
        model: A `Sequential`; it is not changed. Its input is (w, 2), value and 1 where it is observed, or (w, 1), the
            value; a time of None, or no shape at all, leaves w to the settings. Layers without a time axis read
            the window flat: (w,) values, or, where no shape is given, those and whether they are observed.
        h: Horizon.
        settings: Gives w and the number of quantiles.

    Returns:
        Network, and the values in its window.

    Raises:
        ConfigError: Something that is no `Sequential`, has no layers, layers that do not fit together, or outputs that
            are neither h numbers nor h times Q quantiles.

    >>> from gatecast.forecasting.sequential_model.model import SequentialConfig
    >>> from gatecast.nn.layers import LSTM, Dense
    >>> build_network(Sequential([LSTM(8), Dense(6)]), 6, SequentialConfig(None, 24))[0].shapes
    ((24, 2), (8,), (6,))
    """
    if not isinstance(model, Sequential):
        raise ConfigError("this is not a network", got=repr(model), expected="a gatecast.Sequential")
    if not model.layers:
        raise ConfigError("the network has no layers", fix=f"Write, say, Sequential([LSTM(32), Dense({h})]).")
    shape, input_size = _input_shape(model), settings.input_size
    if shape is None:
        network = build(model.layers, (settings.input_size, 2))
        if len(network.shapes[-1]) == 2:
            network = _flat(network, 2 * settings.input_size)
    else:
        input_size = shape[0] or input_size
        network = build(model.layers, (input_size, *shape[1:]))
    check_outputs(network, h, settings.quantiles)
    check_network_size(network)
    return network, input_size


def check_outputs(network: Network, h: int, probabilities: tuple[float, ...]) -> None:
    """Refuse outputs that are neither h numbers nor h times Q quantiles.

    Args:
        network: Layers and shapes.
        h: Horizon.
        probabilities: Q levels.

    Raises:
        ConfigError: They are not.

    >>> from gatecast.nn.layers import Dense
    >>> check_outputs(build([Dense(15), QuantileHead(3)], (24,)), 5, (0.1, 0.5, 0.9))
    """
    found, last, Q = network.shapes[-1], network.layers[-1], len(probabilities)
    where, got = type(last).__name__, f"outputs of shape {(None, *found)}"
    if len(found) == 2:
        raise ConfigError(
            "the network answers at every step of the window",
            where=where,
            got=got,
            expected=f"{(None, h)}, once for each of the {h} steps ahead",
            fix="Leave return_sequences=True out of its last recurrent layer; Dense layers alone read a flat window: "
            f"Input(({network.shapes[0][0]},)).",
        )
    learns = isinstance(last, QuantileHead) and last.quantiles > 1
    if isinstance(last, QuantileHead) and learns and last.quantiles != Q:
        raise ConfigError(
            "QuantileHead has other quantiles than the forecaster",
            got=f"QuantileHead({last.quantiles})",
            expected=f"{Q} of them, for the probabilities {', '.join(f'{p:g}' for p in probabilities)}",
            fix=f"End the network with Dense({h * Q}), QuantileHead({Q}).",
        )
    wanted = h * Q if learns else h
    if found[-1] != wanted:
        learnt = f"Dense({h * Q}), QuantileHead({Q})"
        end = learnt if learns else f"Dense({h})" + (f", or with {learnt}" if found[-1] == h * Q else "")
        raise ConfigError(
            f"the network does not answer for {h} steps ahead",
            where=where,
            got=got,
            expected=f"{(None, wanted)}" + (f", {Q} quantiles of each step" if learns else ", a number for each step"),
            fix=f"End it with {end}.",
        )


def is_point(network: Network) -> bool:
    """Whether a network says a number for each step, rather than quantiles.

    >>> from gatecast.nn.layers import Dense
    >>> is_point(build([Dense(5)], (24,))), is_point(build([Dense(15), QuantileHead(3)], (24,)))
    (True, False)
    """
    last = network.layers[-1]
    return not (isinstance(last, QuantileHead) and last.quantiles > 1)


def training_setup(
    model: Sequential, network: Network, settings: SequentialConfig
) -> tuple[Loss, GradientTransformation]:
    """How a network is trained: as it was compiled, else with Adam over one cycle.

    Args:
        model: Gives what `compile` was told.
        network: Its layers, as `wired` gave them.
        settings: Rate and steps of the cycle, levels of the quantiles.

    Returns:
        Loss and optimiser. Under a QuantileHead the loss is that of the quantiles asked for, whatever was compiled; a
        point that was not compiled has the absolute error.

    Raises:
        ConfigError: A loss of quantiles for a point, or of other quantiles than those asked for.

    >>> from gatecast.forecasting.sequential_model.model import SequentialConfig
    >>> from gatecast.nn.layers import Dense
    >>> training_setup(Sequential(), build([Dense(5)], (24,)), SequentialConfig(None, 24))[0]
    MeanAbsoluteError()
    """
    point, pinball = is_point(network), Pinball(settings.quantiles)
    if model._compiled is None:
        optimizer = default_optimizer(settings.learning_rate, settings.max_steps, clip=settings.clip)
        return MeanAbsoluteError() if point else pinball, optimizer
    loss, optimizer = model._compiled
    if point and loss.width != 1:
        raise ConfigError(
            "the loss is not one of a number for each step",
            got=f"{loss!r}, {loss.width} outputs for a target value",
            expected='a loss such as "mae" or Huber(1.0)',
            fix="Compile it with another loss, or let it learn quantiles: "
            f"end it with Dense({(network.shapes[-1][0] or 1) * pinball.width}), QuantileHead({pinball.width}).",
        )
    if not point and isinstance(loss, Pinball) and loss != pinball:
        raise ConfigError(
            "the loss has other quantiles than the forecaster",
            got=repr(loss),
            expected=repr(pinball),
            fix="Leave compile out: a network under a QuantileHead learns the forecaster's.",
        )
    return loss if point else pinball, optimizer


def _input_shape(model: Sequential) -> Shape | None:
    """What a user's network says that it reads."""
    shape = model._in_shape
    if shape is not None and len(shape) == 2 and shape[1] not in (1, 2):
        raise ConfigError(
            "the network reads other features than a forecaster gives",
            got=f"an input of shape {shape}",
            expected="(time, 2), the value and 1 where it is observed, or (time, 1), the value",
            fix=f"Begin it with Input(({shape[0]}, 2)), or leave the shape out.",
        )
    return shape


def _flat(network: Network, size: int) -> Network:
    """A network that keeps the time axis, with a flat window instead if its layers read one."""
    try:
        flat = build(network.layers, (size,))
    except ConfigError:
        return network
    return flat if len(flat.shapes[-1]) == 1 else network
