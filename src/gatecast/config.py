"""What can be fixed about networks, training and data: three frozen records behind a forecaster's few arguments."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from gatecast.errors import ConfigError, require_count, require_positive, require_share

__all__ = ["DataConfig", "NetworkConfig", "TrainingConfig"]


@dataclass(frozen=True)
class NetworkConfig:
    """Size of the networks; None: chosen by the data.

    Args:
        units: Of each recurrent layer.
        layers: Recurrent layers.
        window: Values that are read at every origin, `input_size` of the Forecaster.
        dropout: Share of what enters a recurrent layer that is dropped in training; against overfitting.

    Raises:
        ConfigError: A number below 1, or a share that is none.
    """

    units: int | None = None
    layers: int | None = None
    window: int | None = None
    dropout: float | None = None

    def __post_init__(self) -> None:
        for name in ("units", "layers", "window"):
            if getattr(self, name) is not None:
                require_count(getattr(self, name), f"NetworkConfig's {name}")
        if self.dropout is not None:
            require_share(self.dropout, "NetworkConfig's dropout")


@dataclass(frozen=True)
class TrainingConfig:
    """How networks are trained; None: chosen by the data.

    Args:
        members: Networks with seeds of their own, whose median is the forecast.
        steps: Updates of each, without stopping early.
        batch: Series in an update.
        rate: Highest learning rate.

    Raises:
        ConfigError: A number below 1, or a rate that is not above 0.
    """

    members: int | None = None
    steps: int | None = None
    batch: int | None = None
    rate: float | None = None

    def __post_init__(self) -> None:
        for name in ("members", "steps", "batch"):
            if getattr(self, name) is not None:
                require_count(getattr(self, name), f"TrainingConfig's {name}")
        if self.rate is not None:
            require_positive(self.rate, "TrainingConfig's rate")


@dataclass(frozen=True)
class DataConfig:
    """What the columns beside the values are, and what the values can be.

    Args:
        known: Columns that are known for the steps ahead too, as a price or a holiday: `predict` is given them.
        historic: Columns that are known for the past only.
        static: Columns of one value a series.
        lower: No value is below it, and no forecast. Where all values are at or above 0, neither is a forecast.
        upper: No value is above it, and no forecast.
        whole: Whether the values are whole numbers, as counts: forecasts are then, and intervals reach to whole ones.

    Raises:
        ConfigError: A bound that is no number, or bounds the wrong way round.

    >>> DataConfig(known="price").known
    ('price',)
    """

    known: Sequence[str] | str = ()
    historic: Sequence[str] | str = ()
    static: Sequence[str] | str = ()
    lower: float | None = None
    upper: float | None = None
    whole: bool = False

    def __post_init__(self) -> None:
        for name in ("known", "historic", "static"):
            given = getattr(self, name)
            names = (given,) if isinstance(given, str) else given
            if not isinstance(names, Sequence) or not all(isinstance(one, str) for one in names):
                raise ConfigError(
                    f"DataConfig's {name} names no columns", got=repr(given), expected="a name, or a list of names"
                )
            object.__setattr__(self, name, tuple(names))
        for name in ("lower", "upper"):
            bound = getattr(self, name)
            if bound is not None and not (isinstance(bound, int | float | np.number) and np.isfinite(bound)):
                raise ConfigError(f"DataConfig's {name} is no bound", got=repr(bound), expected="a number or None")
        if self.lower is not None and self.upper is not None and self.lower >= self.upper:
            raise ConfigError(
                "DataConfig's bounds are the wrong way round", got=f"lower={self.lower}, upper={self.upper}",
                expected="lower below upper",
            )  # fmt: skip
