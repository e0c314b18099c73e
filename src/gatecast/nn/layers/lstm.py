"""LSTM: long short-term memory, with peepholes, normalized or coupled gates, and a projection."""

from __future__ import annotations

import math
from dataclasses import KW_ONLY, dataclass
from numbers import Real
from typing import Literal

import numpy as np

from gatecast._utils.validation import check_positive_int
from gatecast.errors import ConfigError
from gatecast.kernels.cells import CELLS
from gatecast.kernels.packing import Params
from gatecast.nn.constraints import Constraint
from gatecast.nn.initializers import Initializer, glorot_uniform
from gatecast.nn.layers.checks import check_choice
from gatecast.nn.layers.recurrent import Recurrent, canonical_activations
from gatecast.nn.layers.shapes import Shape
from gatecast.nn.regularizers import Regularizer

__all__ = ["LSTM"]


@dataclass(frozen=True, repr=False)
class LSTM(Recurrent):
    """Long short-term memory, ``c[t] = f * c[t-1] + i * g``, ``h[t] = o * tanh(c[t])``.

    Args:
        units: Size H of the cell state, and of the output without projection; at least 1.
        activation: Function f of the candidate and of the memory, ``h = o * f(c)``: ``"tanh"``, ``"relu"``, or another
            name in `gatecast.activations` but softmax.
        recurrent_activation: Function of the gates.
        use_bias: Whether there is a bias b.
        kernel_initializer: Initial values of Wx: a name or an object of `gatecast.initializers`.
        recurrent_initializer: Initial values of Wh.
        bias_initializer: Initial values of b.
        unit_forget_bias: Initial bias of the forget gate: True is 1 (Jozefowicz et al. 2015), False that of
            `bias_initializer`; or a number.
        kernel_regularizer: Penalty on Wx that is added to the loss: a name or an object of `gatecast.regularizers`.
        recurrent_regularizer: Penalty on Wh.
        bias_regularizer: Penalty on b.
        activity_regularizer: Not available; None.
        kernel_constraint: Projection of Wx after every update: a name or an object of `gatecast.constraints`.
        recurrent_constraint: Projection of Wh.
        bias_constraint: Projection of b.
        dropout: Fraction of the inputs dropped in training, the same ones at every step (Gal & Ghahramani 2016).
        recurrent_dropout: Fraction of h[t-1] dropped where it enters the products with Wh.
        seed: Ignored: the seed of the model determines dropout.
        return_sequences: Whether to return h[t] of every step, (T, R), instead of the last one alone, (R,).
        return_state: Whether the layer, called in a functional model, returns its last state besides: [y, h, c].
        go_backwards: Whether to read the sequence from its end; outputs then stand in the order of reading, while a
            mask stays as it came, as in Keras.
        stateful: Whether a batch continues from the state after the batch before, sample by sample; see `reset_states`.
        unroll: Ignored: no graph is built.
        peephole: None; ``"diagonal"``: P is a vector and the output gate reads c[t]; ``"full"``: P is a matrix and
            the output gate reads c[t-1].
        layer_norm: Whether to normalize each gate over its H units, with a gain (Ba, Kiros & Hinton 2016).
        coupled: Whether the input gate is one minus the forget gate (Greff et al. 2017).
        projection: Size R of the output, ``h = u Wr`` with u the plain output (Sak et al. 2014); None: H.
        zoneout: Fraction of h and c that keeps its old value at a step (Krueger et al. 2017); or a pair of fractions.

    Raises:
        ConfigError: If a size is below 1, a rate is outside [0, 1), the form of peephole is unknown, or two options
            exclude each other.

    Example:
        >>> layer = LSTM(50, return_sequences=True)
        >>> layer.output_shape((24, 1))
        (24, 50)
        >>> {name: p.shape for name, p in layer.init(np.random.default_rng(0), (24, 1)).items()}
        {'Wx': (1, 200), 'Wh': (50, 200), 'b': (200,)}

    Source: Hochreiter & Schmidhuber 1997; Gers & Schmidhuber 2000 (peepholes).
    """

    units: int
    activation: str | None = "tanh"
    recurrent_activation: str | None = "sigmoid"
    use_bias: bool = True
    kernel_initializer: str | Initializer = "glorot_uniform"
    recurrent_initializer: str | Initializer = "orthogonal"
    bias_initializer: str | Initializer = "zeros"
    unit_forget_bias: bool | float = True
    kernel_regularizer: str | Regularizer | None = None
    recurrent_regularizer: str | Regularizer | None = None
    bias_regularizer: str | Regularizer | None = None
    activity_regularizer: None = None
    kernel_constraint: str | Constraint | None = None
    recurrent_constraint: str | Constraint | None = None
    bias_constraint: str | Constraint | None = None
    dropout: float = 0.0
    recurrent_dropout: float = 0.0
    seed: int | None = None
    return_sequences: bool = False
    return_state: bool = False
    go_backwards: bool = False
    stateful: bool = False
    unroll: bool = False
    _: KW_ONLY
    peephole: Literal["diagonal", "full"] | None = None
    layer_norm: bool = False
    coupled: bool = False
    projection: int | None = None
    zoneout: float | tuple[float, float] = 0.0

    def __post_init__(self) -> None:
        functions = canonical_activations(self)
        usual = functions == ("tanh", "sigmoid")
        cell = "lstm_coupled" if self.coupled else "lstm" if usual else "lstm_any"
        self._configure(cell, None if usual else functions)
        check_choice(self.peephole, (None, "diagonal", "full"), "LSTM", "peephole")
        object.__setattr__(self, "unit_forget_bias", _validate_forget_bias(self.unit_forget_bias))
        if self.projection is not None:
            object.__setattr__(self, "projection", check_positive_int(self.projection, "projection", where="LSTM"))
        self._check_combinations()

    @property
    def output_size(self) -> int:
        """Number of output features R."""
        return self.units if self.projection is None else self.projection

    @property
    def param_names(self) -> tuple[str, ...]:
        """Names of the parameters: Wx, Wh and b in Keras' order, then those that Keras does not have."""
        optional = {"P": self.peephole is not None, "gain": self.layer_norm, "Wr": self.projection is not None}
        return (*super().param_names, *(name for name, used in optional.items() if used))

    def init(self, rng: np.random.Generator, in_shape: Shape) -> Params:
        """Draw Wx, Wh and b as Keras does; peepholes are zero, gains one, the projection Glorot uniform."""
        params, H, gates = super().init(rng, in_shape), self.units, CELLS[self._cell].gates
        forget = gates.index("f") * H
        if self.use_bias and self.unit_forget_bias is not False:
            params["b"][forget : forget + H] = self.unit_forget_bias
        if self.peephole is not None:
            params["P"] = np.zeros((3 * H,) if self.peephole == "diagonal" else (H, 3 * H), np.float32)
        if self.layer_norm:
            params["gain"] = np.ones(len(gates) * H, np.float32)
        if self.projection is not None:
            params["Wr"] = glorot_uniform(rng, H, self.projection)
        return params

    def _check_combinations(self) -> None:
        """Raise an error for options that exclude each other."""
        options: dict[str, object] = {"peephole": self.peephole, "layer_norm": self.layer_norm, "coupled": self.coupled}
        options |= {"projection": self.projection}
        if self._activations is not None and any(options.values()):
            names = ", ".join(name for name, value in options.items() if value)
            raise ConfigError(
                f"Invalid combination of activations and {names}",
                where="LSTM",
                got=f"activation={self.activation!r}, recurrent_activation={self.recurrent_activation!r}",
                expected="tanh and sigmoid with these options",
                fix="Leave one of them out.",
            )
        if self.coupled and self.peephole is not None:
            raise ConfigError(
                "Invalid combination of coupled and peephole",
                where="LSTM",
                got=f"coupled=True, peephole={self.peephole!r}",
                expected="coupled gates without peepholes",
                fix="Leave one of them out.",
            )
        if self.layer_norm and self.peephole == "full":
            raise ConfigError(
                "Invalid combination of layer_norm and peephole",
                where="LSTM",
                got='layer_norm=True, peephole="full"',
                expected="normalized gates without full peepholes",
                fix='Leave one of them out, or use peephole="diagonal".',
            )
        if self.layer_norm and self.units == 1:
            raise ConfigError(
                "Invalid units",
                where="LSTM with layer_norm=True",
                got="1 unit",
                expected="2 units or more to normalize",
            )


def _validate_forget_bias(value: object) -> bool | float:
    """Return the initial forget bias as a plain bool or float, so that a layer fits into a file."""
    if not (isinstance(value, Real | np.bool_) and math.isfinite(value)):
        expected = "True, False or a finite number"
        raise ConfigError("Invalid unit_forget_bias", where="LSTM", got=repr(value), expected=expected)
    return bool(value) if isinstance(value, bool | np.bool_) else float(value)
