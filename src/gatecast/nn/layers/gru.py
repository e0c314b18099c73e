"""GRU: the gated recurrent unit."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gatecast.kernels.packing import Params
from gatecast.nn.layers.base import Shape
from gatecast.nn.layers.recurrent import Recurrent

__all__ = ["GRU"]


@dataclass(frozen=True)
class GRU(Recurrent):
    """Gated recurrent unit, ``h[t] = z * h[t-1] + (1 - z) * g``.

    Args:
        units: Size H of the output, at least 1.
        return_sequences: Whether to return h[t] of every step, (T, H), instead of the last one alone, (H,).
        reset_after: Whether the reset gate acts after the product with Wh, which then has a bias of its own: b is
            (2, 3H), as in Keras and PyTorch. Otherwise it acts before, and b is (3H,), as in the article.
        dropout: Fraction of the inputs dropped in training, the same ones at every step.
        recurrent_dropout: Fraction of h[t-1] dropped where it enters the products with Wh.
        zoneout: Fraction of h that keeps its old value at a step.
        input_shape: (T, F) if this is the first layer of a network without `Input`.

    Raises:
        ConfigError: If a size is below 1 or a rate is outside [0, 1).

    Example:
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
        self._configure("gru" if self.reset_after else "gru_before")

    def init(self, rng: np.random.Generator, in_shape: Shape) -> Params:
        """Draw Wx from a Glorot uniform distribution and an orthogonal Wh, as Keras does; the bias is zero."""
        params = super().init(rng, in_shape)
        return params | ({"b": np.zeros((2, 3 * self.units), np.float32)} if self.reset_after else {})
