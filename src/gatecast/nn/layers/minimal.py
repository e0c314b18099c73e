"""MinLSTM and MinGRU: cells whose gates read the input alone."""

from __future__ import annotations

from dataclasses import dataclass

from gatecast.nn.layers.recurrent import Recurrent

__all__ = ["MinGRU", "MinLSTM"]


@dataclass(frozen=True, repr=False)
class MinLSTM(Recurrent):
    """Minimal LSTM, whose gates read x alone, ``h[t] = (f * h[t-1] + i * g) / (f + i)``.

    Args:
        units: Size H of the output, at least 1.
        return_sequences: Whether to return h[t] of every step, (T, H), instead of the last one alone, (H,).
        dropout: Fraction of the inputs dropped in training, the same ones at every step.

    Raises:
        ConfigError: If `units` is below 1 or the rate is outside [0, 1).

    Example:
        >>> import numpy as np
        >>> {n: p.shape for n, p in MinLSTM(4).init(np.random.default_rng(0), (None, 2)).items()}
        {'Wx': (2, 12), 'b': (12,)}

    Source: Feng et al. 2024 (arXiv 2410.01201).
    """

    units: int
    return_sequences: bool = False
    dropout: float = 0.0

    def __post_init__(self) -> None:
        self._configure("min_lstm")


@dataclass(frozen=True, repr=False)
class MinGRU(Recurrent):
    """Minimal GRU, whose gate reads x alone, ``h[t] = (1 - z) * h[t-1] + z * g``.

    Args:
        units: Size H of the output, at least 1.
        return_sequences: Whether to return h[t] of every step, (T, H), instead of the last one alone, (H,).
        dropout: Fraction of the inputs dropped in training, the same ones at every step.

    Raises:
        ConfigError: If `units` is below 1 or the rate is outside [0, 1).

    Example:
        >>> import numpy as np
        >>> {n: p.shape for n, p in MinGRU(4).init(np.random.default_rng(0), (None, 2)).items()}
        {'Wx': (2, 8), 'b': (8,)}

    Source: Feng et al. 2024 (arXiv 2410.01201).
    """

    units: int
    return_sequences: bool = False
    dropout: float = 0.0

    def __post_init__(self) -> None:
        self._configure("min_gru")
