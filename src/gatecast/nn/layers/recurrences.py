"""The recurrent layers: descriptions of the cells in `cells.CELLS`, with Keras' words for their options.

Letters: T time, F features, H units, R outputs (H without projection). What the cells compute heads
`gatecast.kernels.equations`; what their layers have in common is `recurrent_layer`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from numbers import Real
from typing import Literal

import numpy as np

from gatecast._utils.validation import check_positive_int
from gatecast.errors import ConfigError
from gatecast.kernels.cells import CELLS
from gatecast.kernels.packing import Params
from gatecast.nn.layers.base import Shape, check_choice, glorot_uniform
from gatecast.nn.layers.recurrent import Recurrent

__all__ = ["GRU", "LSTM", "SLSTM", "MinGRU", "MinLSTM", "SimpleRNN"]


@dataclass(frozen=True)
class SimpleRNN(Recurrent):
    """The plain recurrence, ``h[t] = activation(Wx x[t] + Wh h[t-1] + b)``.

    Args:
        units: H, the size of the output.
        return_sequences: Give h[t] of every step, (T, H), instead of the last one alone, (H,).
        activation: "tanh" or "relu".
        dropout: Share of the inputs dropped in training, the same ones at every step.
        recurrent_dropout: Likewise of h[t-1] where it enters the products with Wh.
        zoneout: Share of h that keeps its old value at a step.
        input_shape: (T, F) if this is the first layer of a network without `Input`.

    Raises:
        ConfigError: A size below 1, a rate outside [0, 1) or an unknown activation.

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
        self._prepare("rnn" if self.activation == "tanh" else "rnn_relu")


@dataclass(frozen=True)
class GRU(Recurrent):
    """Gated recurrent unit, ``h[t] = z * h[t-1] + (1 - z) * g``.

    Args:
        units: H, the size of the output.
        return_sequences: Give h[t] of every step, (T, H), instead of the last one alone, (H,).
        reset_after: The reset gate acts behind the product with Wh, which has a bias of its own: b is (2, 3H), as in
            Keras and PyTorch. Otherwise before it, and b is (3H,), as in the article.
        dropout: Share of the inputs dropped in training, the same ones at every step.
        recurrent_dropout: Likewise of h[t-1] where it enters the products with Wh.
        zoneout: Share of h that keeps its old value at a step.
        input_shape: (T, F) if this is the first layer of a network without `Input`.

    Raises:
        ConfigError: A size below 1 or a rate outside [0, 1).

    >>> {n: p.shape for n, p in GRU(4).init(np.random.default_rng(0), (None, 2)).items()}
    {'Wx': (2, 12), 'Wh': (4, 12), 'b': (2, 12)}

    Source: Cho et al. 2014.
    """

    units: int
    return_sequences: bool = False
    reset_after: bool = True
    dropout: float = 0.0
    recurrent_dropout: float = 0.0
    zoneout: float = 0.0
    input_shape: Shape | None = None

    def __post_init__(self) -> None:
        self._prepare("gru" if self.reset_after else "gru_before")

    def init(self, rng: np.random.Generator, in_shape: Shape) -> Params:
        """Keras' initialisers: Glorot uniform, orthogonal, zeros."""
        params = super().init(rng, in_shape)
        return params | ({"b": np.zeros((2, 3 * self.units), np.float32)} if self.reset_after else {})


@dataclass(frozen=True)
class LSTM(Recurrent):
    """Long short-term memory: ``c[t] = f * c[t-1] + i * g``, ``h[t] = o * tanh(c[t])``.

    Args:
        units: H, the size of the memory, and of the output without projection.
        return_sequences: Give h[t] of every step, (T, R), instead of the last one alone, (R,).
        peephole: None; "diagonal": P a vector, the output gate sees c[t]; "full": P a matrix, it sees c[t-1].
        unit_forget_bias: Where the bias of the forget gate starts: True is 1 (Jozefowicz et al. 2015), False 0.
        layer_norm: Normalise each gate over its H units, with a gain (Ba, Kiros & Hinton 2016).
        coupled: The input gate is one minus the forget gate (Greff et al. 2017).
        projection: R, the size of the output, ``h = u Wr`` with u the plain output (Sak et al. 2014); None: H.
        dropout: Share of the inputs dropped in training, the same ones at every step (Gal & Ghahramani 2016).
        recurrent_dropout: Likewise of h[t-1] where it enters the products with Wh.
        zoneout: Share of h and c that keep their old values at a step (Krueger et al. 2017); or a pair of shares.
        input_shape: (T, F) if this is the first layer of a network without `Input`.

    Raises:
        ConfigError: A size below 1, a rate outside [0, 1), an unknown form of peephole, or options that exclude
            each other.

    >>> layer = LSTM(50, return_sequences=True)
    >>> layer.output_shape((24, 1))
    (24, 50)
    >>> {name: p.shape for name, p in layer.init(np.random.default_rng(0), (24, 1)).items()}
    {'Wx': (1, 200), 'Wh': (50, 200), 'b': (200,)}

    Source: Hochreiter & Schmidhuber 1997; Gers & Schmidhuber 2000 (peepholes).
    """

    units: int
    return_sequences: bool = False
    peephole: Literal["diagonal", "full"] | None = None
    unit_forget_bias: bool | float = True
    layer_norm: bool = False
    coupled: bool = False
    projection: int | None = None
    dropout: float = 0.0
    recurrent_dropout: float = 0.0
    zoneout: float | tuple[float, float] = 0.0
    input_shape: Shape | None = None

    def __post_init__(self) -> None:
        self._prepare("lstm_coupled" if self.coupled else "lstm")
        check_choice(self.peephole, (None, "diagonal", "full"), "LSTM", "peephole")
        bias: object = self.unit_forget_bias
        if not (isinstance(bias, Real | np.bool_) and math.isfinite(bias)):
            expected = "True, False or a finite number"
            raise ConfigError("LSTM's unit_forget_bias is not a number", got=repr(bias), expected=expected)
        # Plain bool and float: a description must fit into a file.
        start = bool(bias) if isinstance(bias, bool | np.bool_) else float(bias)
        object.__setattr__(self, "unit_forget_bias", start)
        if self.projection is not None:
            object.__setattr__(self, "projection", check_positive_int(self.projection, "LSTM's projection"))
        if self.coupled and self.peephole is not None:
            raise ConfigError(
                "a coupled LSTM has no peepholes", got=f"coupled=True, peephole={self.peephole!r}", fix="Leave one out."
            )
        if self.layer_norm and self.peephole == "full":
            raise ConfigError(
                "layer-normalised gates have no full peepholes",
                got='layer_norm=True, peephole="full"',
                fix='Leave one out, or take peephole="diagonal".',
            )
        if self.layer_norm and self.units == 1:
            raise ConfigError(
                "a single unit cannot be normalised", got="LSTM(1, layer_norm=True)", expected="two units or more"
            )

    @property
    def output_size(self) -> int:
        """R, the number of output features."""
        return self.units if self.projection is None else self.projection

    @property
    def param_names(self) -> tuple[str, ...]:
        """Names of the parameters, in Keras' order, and then those that Keras does not know."""
        extra = {"P": self.peephole is not None, "gain": self.layer_norm, "Wr": self.projection is not None}
        return (*super().param_names, *(name for name, there in extra.items() if there))

    def init(self, rng: np.random.Generator, in_shape: Shape) -> Params:
        """Keras' initialisers; peepholes start at zero, gains at one, the projection is Glorot uniform."""
        params, H, gates = super().init(rng, in_shape), self.units, CELLS[self._cell].gates
        at = gates.index("f") * H
        params["b"][at : at + H] = self.unit_forget_bias
        if self.peephole is not None:
            params["P"] = np.zeros((3 * H,) if self.peephole == "diagonal" else (H, 3 * H), np.float32)
        if self.layer_norm:
            params["gain"] = np.ones(len(gates) * H, np.float32)
        if self.projection is not None:
            params["Wr"] = glorot_uniform(rng, H, self.projection)
        return params


@dataclass(frozen=True)
class SLSTM(Recurrent):
    """LSTM with exponential gates and a normaliser, ``c = f * c + i * g``, ``n = f * n + i``, ``h = o * c / n``.

    Args:
        units: H, the size of output, memory and normaliser.
        heads: Wh is block-diagonal with so many blocks: a unit hears those of its own head alone.
        return_sequences: Give h[t] of every step, (T, H), instead of the last one alone, (H,).
        dropout: Share of the inputs dropped in training, the same ones at every step.
        input_shape: (T, F) if this is the first layer of a network without `Input`.

    Raises:
        ConfigError: A size below 1, or units that the heads do not divide.

    >>> {n: p.shape for n, p in SLSTM(8, heads=2).init(np.random.default_rng(0), (None, 1)).items()}
    {'Wx': (1, 32), 'Wh': (4, 32), 'b': (32,)}

    Source: Beck et al. 2024 (xLSTM, arXiv 2405.04517).
    """

    units: int
    heads: int = 1
    return_sequences: bool = False
    dropout: float = 0.0
    input_shape: Shape | None = None

    def __post_init__(self) -> None:
        self._prepare("slstm")
        object.__setattr__(self, "heads", check_positive_int(self.heads, "SLSTM's heads"))
        if self.units % self.heads:
            got = f"{self.units} units and {self.heads} heads"
            raise ConfigError(
                "SLSTM's heads do not divide its units", got=got, expected="units = heads * a whole number"
            )

    def init(self, rng: np.random.Generator, in_shape: Shape) -> Params:
        """Glorot uniform and orthogonal; the forget biases of a head go from 3 to 6, so that memories differ."""
        params, H = super().init(rng, in_shape), self.units
        params["b"][H : 2 * H] = np.tile(np.linspace(3, 6, H // self.heads), self.heads)
        return params

    def _inner(self) -> int:
        """Rows of Wh: the units of one head."""
        return self.units // self.heads


@dataclass(frozen=True)
class MinLSTM(Recurrent):
    """The smallest LSTM, whose gates see x alone: ``h[t] = (f * h[t-1] + i * g) / (f + i)``.

    Args:
        units: H, the size of the output.
        return_sequences: Give h[t] of every step, (T, H), instead of the last one alone, (H,).
        dropout: Share of the inputs dropped in training, the same ones at every step.
        input_shape: (T, F) if this is the first layer of a network without `Input`.

    Raises:
        ConfigError: A size below 1 or a rate outside [0, 1).

    >>> {n: p.shape for n, p in MinLSTM(4).init(np.random.default_rng(0), (None, 2)).items()}
    {'Wx': (2, 12), 'b': (12,)}

    Source: Feng et al. 2024 (arXiv 2410.01201).
    """

    units: int
    return_sequences: bool = False
    dropout: float = 0.0
    input_shape: Shape | None = None

    def __post_init__(self) -> None:
        self._prepare("min_lstm")


@dataclass(frozen=True)
class MinGRU(Recurrent):
    """The smallest GRU, whose gate sees x alone: ``h[t] = (1 - z) * h[t-1] + z * g``.

    Args:
        units: H, the size of the output.
        return_sequences: Give h[t] of every step, (T, H), instead of the last one alone, (H,).
        dropout: Share of the inputs dropped in training, the same ones at every step.
        input_shape: (T, F) if this is the first layer of a network without `Input`.

    Raises:
        ConfigError: A size below 1 or a rate outside [0, 1).

    >>> {n: p.shape for n, p in MinGRU(4).init(np.random.default_rng(0), (None, 2)).items()}
    {'Wx': (2, 8), 'b': (8,)}

    Source: Feng et al. 2024 (arXiv 2410.01201).
    """

    units: int
    return_sequences: bool = False
    dropout: float = 0.0
    input_shape: Shape | None = None

    def __post_init__(self) -> None:
        self._prepare("min_gru")
