"""GRU: the gated recurrent unit."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass

from gatecast.nn.constraints import Constraint
from gatecast.nn.initializers import Initializer
from gatecast.nn.layers.recurrent import Recurrent, canonical_activations
from gatecast.nn.regularizers import Regularizer

__all__ = ["GRU"]


@dataclass(frozen=True, repr=False)
class GRU(Recurrent):
    """Gated recurrent unit, ``h[t] = z * h[t-1] + (1 - z) * g``.

    Args:
        units: Size H of the output, at least 1.
        activation: Function of the candidate: ``"tanh"``, ``"relu"``, or another name in
            `gatecast.activations` but softmax.
        recurrent_activation: Function of the gates.
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
        seed: Ignored: the seed of the model determines dropout.
        return_sequences: Whether to return h[t] of every step, (T, R), instead of the last one alone, (R,).
        return_state: Whether the layer, called in a functional model, returns its last state besides: [y, h].
        go_backwards: Whether to read the sequence from its end.
        stateful: Whether a batch continues from the state after the batch before, sample by sample; see `reset_states`.
        unroll: Ignored: no graph is built.
        reset_after: Whether the reset gate acts after the product with Wh, which then has a bias of its own: b is
            (2, 3H), as in Keras and PyTorch. Otherwise it acts before, and b is (3H,), as in the article.
        zoneout: Fraction of h that keeps its old value at a step.

    Raises:
        ConfigError: If a size is below 1 or a rate is outside [0, 1).

    Example:
        >>> import numpy as np
        >>> {n: p.shape for n, p in GRU(4).init(np.random.default_rng(0), (None, 2)).items()}
        {'Wx': (2, 12), 'Wh': (4, 12), 'b': (2, 12)}

    Source: Cho et al. 2014.
    """

    units: int
    activation: str | None = "tanh"
    recurrent_activation: str | None = "sigmoid"
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
    seed: int | None = None
    return_sequences: bool = False
    return_state: bool = False
    go_backwards: bool = False
    stateful: bool = False
    unroll: bool = False
    reset_after: bool = True
    _: KW_ONLY
    zoneout: float = 0.0

    def __post_init__(self) -> None:
        functions = canonical_activations(self)
        usual = functions == ("tanh", "sigmoid")
        cell = ("gru" if self.reset_after else "gru_before") + ("" if usual else "_any")
        self._configure(cell, None if usual else functions)
