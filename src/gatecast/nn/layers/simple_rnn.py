"""SimpleRNN: the plain recurrence."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass

from gatecast.nn.constraints import Constraint
from gatecast.nn.initializers import Initializer
from gatecast.nn.layers.recurrent import Recurrent, canonical_activations
from gatecast.nn.regularizers import Regularizer

__all__ = ["SimpleRNN"]


@dataclass(frozen=True, repr=False)
class SimpleRNN(Recurrent):
    """The plain recurrence, ``h[t] = activation(Wx x[t] + Wh h[t-1] + b)``.

    Args:
        units: Size H of the output, at least 1.
        activation: ``"tanh"``, ``"relu"``, or another name in `gatecast.activations` but softmax.
        use_bias: Whether there is a bias b.
        kernel_initializer: Initial values of Wx: a name or an object of `gatecast.initializers`.
        recurrent_initializer: Initial values of Wh.
        bias_initializer: Initial values of b.
        kernel_regularizer: Penalty on Wx that is added to the loss: a name or an object of `gatecast.regularizers`.
        recurrent_regularizer: Penalty on Wh.
        bias_regularizer: Penalty on b.
        activity_regularizer: Not available; None.
        kernel_constraint: Projection of Wx after every update: a name or an object of `gatecast.constraints`.
        recurrent_constraint: Projection of Wh.
        bias_constraint: Projection of b.
        dropout: Fraction of the inputs dropped in training, the same ones at every step (Gal & Ghahramani 2016).
        recurrent_dropout: Fraction of h[t-1] dropped where it enters the products with Wh.
        return_sequences: Whether to return h[t] of every step, (T, R), instead of the last one alone, (R,).
        return_state: Whether the layer, called in a functional model, returns its last state besides: [y, h].
        go_backwards: Whether to read the sequence from its end.
        stateful: Whether a batch continues from the state after the batch before, sample by sample; see `reset_states`.
        unroll: Ignored: no graph is built.
        seed: Ignored: the seed of the model determines dropout.
        zoneout: Fraction of h that keeps its old value at a step.

    Raises:
        ConfigError: If a size is below 1, a rate is outside [0, 1), or the activation is unknown.

    Example:
        >>> SimpleRNN(8).output_shape((24, 1))
        (8,)

    Source: Elman 1990; Gal & Ghahramani 2016 (dropout); Krueger et al. 2017 (zoneout).
    """

    units: int
    activation: str | None = "tanh"
    use_bias: bool = True
    kernel_initializer: str | Initializer = "glorot_uniform"
    recurrent_initializer: str | Initializer = "orthogonal"
    bias_initializer: str | Initializer = "zeros"
    kernel_regularizer: str | Regularizer | None = None
    recurrent_regularizer: str | Regularizer | None = None
    bias_regularizer: str | Regularizer | None = None
    activity_regularizer: None = None
    kernel_constraint: str | Constraint | None = None
    recurrent_constraint: str | Constraint | None = None
    bias_constraint: str | Constraint | None = None
    dropout: float = 0.0
    recurrent_dropout: float = 0.0
    return_sequences: bool = False
    return_state: bool = False
    go_backwards: bool = False
    stateful: bool = False
    unroll: bool = False
    seed: int | None = None
    _: KW_ONLY
    zoneout: float = 0.0

    def __post_init__(self) -> None:
        function, _ = canonical_activations(self)
        cell = {"tanh": "rnn", "relu": "rnn_relu"}.get(function, "rnn_any")
        self._configure(cell, (function, "sigmoid") if cell == "rnn_any" else None)
