"""What can be fixed about networks, training and data: three frozen records behind a forecaster's few arguments."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from gatecast._utils.validation import check_fraction, check_positive, check_positive_int
from gatecast.errors import ConfigError

__all__ = ["DataConfig", "ForecasterConfig", "NetworkConfig", "TrainingConfig"]


@dataclass(frozen=True)
class NetworkConfig:
    """Size of the networks; None: chosen by the data.

    Args:
        units: Of each recurrent layer.
        n_layers: Recurrent layers.
        input_size: Values that are read at every origin, `input_size` of the Forecaster.
        dropout: Share of what enters a recurrent layer that is dropped in training; against overfitting.

    Raises:
        ConfigError: A number below 1, or a share that is none.
    """

    units: int | None = None
    n_layers: int | None = None
    input_size: int | None = None
    dropout: float | None = None

    def __post_init__(self) -> None:
        for name in ("units", "n_layers", "input_size"):
            if getattr(self, name) is not None:
                check_positive_int(getattr(self, name), f"NetworkConfig's {name}")
        if self.dropout is not None:
            check_fraction(self.dropout, "NetworkConfig's dropout")


@dataclass(frozen=True)
class TrainingConfig:
    """How networks are trained; None: chosen by the data.

    Args:
        n_members: Networks with seeds of their own, whose median is the forecast.
        max_steps: Updates of each, without stopping early.
        batch_size: Series in an update.
        learning_rate: Highest learning rate.

    Raises:
        ConfigError: A number below 1, or a rate that is not above 0.
    """

    n_members: int | None = None
    max_steps: int | None = None
    batch_size: int | None = None
    learning_rate: float | None = None

    def __post_init__(self) -> None:
        for name in ("n_members", "max_steps", "batch_size"):
            if getattr(self, name) is not None:
                check_positive_int(getattr(self, name), f"TrainingConfig's {name}")
        if self.learning_rate is not None:
            check_positive(self.learning_rate, "TrainingConfig's rate")


@dataclass(frozen=True)
class DataConfig:
    """What the columns beside the values are, and what the values can be.

    Args:
        futr_exog: Columns that are known for the steps ahead too, as a price or a holiday: `predict` is given them.
        hist_exog: Columns that are known for the past only.
        stat_exog: Columns of one value a series.
        lower_bound: No value is below it, and no forecast. Where all values are at or above 0, neither is a forecast.
        upper_bound: No value is above it, and no forecast.
        integer: Whether the values are whole numbers, as counts: forecasts are then, and intervals reach to whole ones.

    Raises:
        ConfigError: A bound that is no number, or bounds the wrong way round.

    >>> DataConfig(futr_exog="price").futr_exog
    ('price',)
    """

    futr_exog: Sequence[str] | str = ()
    hist_exog: Sequence[str] | str = ()
    stat_exog: Sequence[str] | str = ()
    lower_bound: float | None = None
    upper_bound: float | None = None
    integer: bool = False

    def __post_init__(self) -> None:
        for name in ("futr_exog", "hist_exog", "stat_exog"):
            given = getattr(self, name)
            names = (given,) if isinstance(given, str) else given
            if not isinstance(names, Sequence) or not all(isinstance(one, str) for one in names):
                raise ConfigError(
                    f"DataConfig's {name} names no columns", got=repr(given), expected="a name, or a list of names"
                )
            object.__setattr__(self, name, tuple(names))
        for name in ("lower_bound", "upper_bound"):
            bound = getattr(self, name)
            if bound is not None and not (isinstance(bound, int | float | np.number) and np.isfinite(bound)):
                raise ConfigError(f"DataConfig's {name} is not a number", got=repr(bound), expected="a number or None")
        if self.lower_bound is not None and self.upper_bound is not None and self.lower_bound >= self.upper_bound:
            raise ConfigError(
                "DataConfig's bounds are the wrong way round",
                got=f"lower_bound={self.lower_bound}, upper_bound={self.upper_bound}",
                expected="lower_bound below upper_bound",
            )


@dataclass(frozen=True)
class ForecasterConfig:
    """All settings of a forecaster.

    Args:
        h: Steps to forecast; None: chosen by the frequency.
        model: A name, a model config, a `Sequential`, or a list of these.
        level: Levels of the prediction intervals, in percent.
        season_length: Steps in a season; None: inferred.
        freq: Frequency; None: inferred.
        seed: Same seed, same bits.
        network: Size of the networks.
        training: Their training.
        data: Exogenous columns, and bounds of the values.
        id_col: Column with the ids of the series.
        time_col: Column with the times.
        target_col: Column with the values; several, or "*", of a wide table.
    """

    h: int | None = None
    model: Any = "auto"
    level: tuple[float, ...] = (80, 95)
    season_length: int | None = None
    freq: str | None = None
    seed: int = 0
    network: NetworkConfig = field(default_factory=NetworkConfig)
    training: TrainingConfig = field(default_factory=TrainingConfig)
    data: DataConfig = field(default_factory=DataConfig)
    id_col: str | None = None
    time_col: str | None = None
    target_col: str | Sequence[str] | None = None
