"""SLSTM: an LSTM with exponential gates."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gatecast._utils.validation import check_positive_int
from gatecast.errors import ConfigError
from gatecast.kernels.packing import Params
from gatecast.nn.layers.recurrent import Recurrent
from gatecast.nn.layers.shapes import Shape

__all__ = ["SLSTM"]


@dataclass(frozen=True, repr=False)
class SLSTM(Recurrent):
    """LSTM with exponential gates and a normalizer, ``c = f * c + i * g``, ``n = f * n + i``, ``h = o * c / n``.

    Args:
        units: Size H of output, cell state and normalizer, at least 1.
        heads: Number of diagonal blocks of Wh: a unit reads h of its own head alone.
        return_sequences: Whether to return h[t] of every step, (T, H), instead of the last one alone, (H,).
        dropout: Fraction of the inputs dropped in training, the same ones at every step.

    Raises:
        ConfigError: If a size is below 1, or `heads` does not divide `units`.

    Example:
        >>> {n: p.shape for n, p in SLSTM(8, heads=2).init(np.random.default_rng(0), (None, 1)).items()}
        {'Wx': (1, 32), 'Wh': (4, 32), 'b': (32,)}

    Source: Beck et al. 2024 (xLSTM, arXiv 2405.04517).
    """

    units: int
    heads: int = 1
    return_sequences: bool = False
    dropout: float = 0.0

    def __post_init__(self) -> None:
        self._configure("slstm")
        object.__setattr__(self, "heads", check_positive_int(self.heads, "heads", where="SLSTM"))
        if self.units % self.heads:
            raise ConfigError(
                "Invalid heads",
                where="SLSTM",
                got=f"{self.heads} heads for {self.units} units",
                expected="a divisor of units",
            )

    def init(self, rng: np.random.Generator, in_shape: Shape) -> Params:
        """Draw Wx and Wh as usual; the forget biases of a head run from 3 to 6, so that time scales differ."""
        params, H = super().init(rng, in_shape), self.units
        params["b"][H : 2 * H] = np.tile(np.linspace(3, 6, H // self.heads), self.heads)
        return params

    def _recurrent_rows(self) -> int:
        """Return the number of rows of Wh: the units of one head."""
        return self.units // self.heads
