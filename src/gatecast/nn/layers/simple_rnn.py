"""SimpleRNN: the plain recurrence."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from gatecast.nn.layers.base import Shape, check_choice
from gatecast.nn.layers.recurrent import Recurrent

__all__ = ["SimpleRNN"]


@dataclass(frozen=True)
class SimpleRNN(Recurrent):
    """The plain recurrence, ``h[t] = activation(Wx x[t] + Wh h[t-1] + b)``.

    Args:
        units: Size H of the output, at least 1.
        return_sequences: Whether to return h[t] of every step, (T, H), instead of the last one alone, (H,).
        activation: ``"tanh"`` or ``"relu"``.
        dropout: Fraction of the inputs dropped in training, the same ones at every step.
        recurrent_dropout: Fraction of h[t-1] dropped where it enters the products with Wh.
        zoneout: Fraction of h that keeps its old value at a step.
        input_shape: (T, F) if this is the first layer of a network without `Input`.

    Raises:
        ConfigError: If a size is below 1, a rate is outside [0, 1), or the activation is unknown.

    Example:
        >>> SimpleRNN(8).output_shape((24, 1))
        (8,)

    Source: Elman 1990; Gal & Ghahramani 2016 (dropout); Krueger et al. 2017 (zoneout).
    """

    units: int
    return_sequences: bool = False
    activation: Literal["tanh", "relu"] = "tanh"
    dropout: float = 0.0
    recurrent_dropout: float = 0.0
    zoneout: float = 0.0
    input_shape: Shape | None = None

    def __post_init__(self) -> None:
        check_choice(self.activation, ("tanh", "relu"), "SimpleRNN", "activation")
        self._configure("rnn" if self.activation == "tanh" else "rnn_relu")
