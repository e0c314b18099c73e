"""Settings of networks, training and data as frozen records, and all settings of a forecaster."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from gatecast._utils.validation import check_flag, check_fraction, check_positive, check_positive_int
from gatecast.errors import ConfigError

__all__ = ["DataConfig", "ForecasterConfig", "NetworkConfig", "TrainingConfig"]

MAX_LAYERS = 1000
"""Recurrent layers of a network, at most."""

MAX_MEMBERS = 1000
"""Networks with different seeds, at most."""

MAX_NUMBER = 10**9
"""Updates of a network, and series in one, at most; a saved file may have no more either."""


@dataclass(frozen=True)
class NetworkConfig:
    """Size of the networks; None: chosen by the data.

    Args:
        units: Units of each recurrent layer.
        n_layers: Number of recurrent layers.
        input_size: Values that a network reads at every origin; `Forecaster(input_size=)` is the short form.
        dropout: Share of the inputs of a recurrent layer that is dropped in training; against overfitting.

    Raises:
        ConfigError: A number below 1, more than 1,000 layers, or a dropout that is not from 0 to less than 1.
    """

    units: int | None = None
    n_layers: int | None = None
    input_size: int | None = None
    dropout: float | None = None

    def __post_init__(self) -> None:
        for name, maximum in (("units", None), ("n_layers", MAX_LAYERS), ("input_size", None)):
            if getattr(self, name) is not None:
                check_positive_int(getattr(self, name), f"NetworkConfig's {name}", maximum=maximum)
        if self.dropout is not None:
            check_fraction(self.dropout, "NetworkConfig's dropout")


@dataclass(frozen=True)
class TrainingConfig:
    """How networks are trained; None: chosen by the data.

    Args:
        n_members: Networks with different seeds, whose median is the forecast.
        max_steps: Updates of each network; training then does not stop early. Of fine-tuning: updates at most.
        batch_size: Series in an update.
        learning_rate: Largest learning rate.
        finetune: Whether the pretrained network is trained further on the series; `fit(finetune=True)` is the short
            form.

    Raises:
        ConfigError: A number below 1, more than 1,000 networks or 10^9 updates or series, a learning rate that is not
            above 0, or a finetune that is not True or False.
    """

    n_members: int | None = None
    max_steps: int | None = None
    batch_size: int | None = None
    learning_rate: float | None = None
    finetune: bool = False

    def __post_init__(self) -> None:
        for name, maximum in (("n_members", MAX_MEMBERS), ("max_steps", MAX_NUMBER), ("batch_size", MAX_NUMBER)):
            if getattr(self, name) is not None:
                check_positive_int(getattr(self, name), f"TrainingConfig's {name}", maximum=maximum)
        if self.learning_rate is not None:
            check_positive(self.learning_rate, "TrainingConfig's learning_rate")
        if not isinstance(self.finetune, bool):
            raise ConfigError(f"Invalid finetune {self.finetune!r}", expected="True or False", argument="finetune")


@dataclass(frozen=True)
class DataConfig:
    """Exogenous columns, and bounds of the values.

    Args:
        futr_exog: Columns known for the steps ahead too, such as prices and holidays; `predict` needs them.
        hist_exog: Columns known for the past only.
        stat_exog: Columns constant within a series.
        lower_bound: Smallest possible value and forecast. Without it forecasts are not negative where no value is.
        upper_bound: Largest possible value and forecast.
        integer: Whether values are integers, such as counts: medians and bounds of intervals then are. A mean, as of
            `point="mean"`, is not: that of 0 and 1 is 0.5.
        missing_codes: Numbers that stand for missing values, such as -999: "auto" recognizes and notes those that are
            impossible for the rest of the target, False keeps all, a list names them.
        keep_last: Whether the newest value is used even where it is unlike all that came before; otherwise it is noted
            and left out, as when a last period is incomplete.
        keep_outliers: Whether models read values that are more than ten times as large as every value before them, as a
            wrong decimal mark or unit makes them; otherwise they are noted and read as missing, unless they come again.
            With `keep_last`, a newest value is read while it is the newest.
        holidays: Countries, or parts of them such as "DE-BY", whose public holidays become columns that are known for
            the steps ahead without a table: the day, the day after and the day before. Needs the extra `holidays`.

    Raises:
        ConfigError: A bound that is not a number, a lower bound that is not below the upper bound, codes that are not
            numbers, or countries that are not text.

    Example:
        >>> DataConfig(futr_exog="price").futr_exog
        ('price',)
    """

    futr_exog: Sequence[str] | str = ()
    hist_exog: Sequence[str] | str = ()
    stat_exog: Sequence[str] | str = ()
    lower_bound: float | None = None
    upper_bound: float | None = None
    integer: bool = False
    missing_codes: str | bool | Sequence[float] = "auto"
    keep_last: bool = False
    keep_outliers: bool = False
    holidays: Sequence[str] | str = ()

    def __post_init__(self) -> None:
        for name in ("futr_exog", "hist_exog", "stat_exog"):
            value = getattr(self, name)
            names = (value,) if isinstance(value, str) else value.tolist() if hasattr(value, "tolist") else value
            if not isinstance(names, Sequence) or not all(isinstance(column, str) for column in names):
                expected = "the name of a column, or a list of names"
                raise ConfigError(f"Invalid {name} {value!r}", expected=expected, argument=name)
            object.__setattr__(self, name, tuple(names))
        object.__setattr__(self, "holidays", _split_countries(self.holidays))
        for name in ("lower_bound", "upper_bound"):
            bound = getattr(self, name)
            if bound is not None and not (isinstance(bound, int | float | np.number) and np.isfinite(bound)):
                raise ConfigError(f"Invalid {name} {bound!r}", expected="a finite number or None", argument=name)
        for name in ("integer", "keep_last", "keep_outliers"):
            object.__setattr__(self, name, check_flag(getattr(self, name), name, where="DataConfig"))
        object.__setattr__(self, "missing_codes", _check_codes(self.missing_codes))
        if self.lower_bound is not None and self.upper_bound is not None and self.lower_bound >= self.upper_bound:
            raise ConfigError(
                f"Invalid lower_bound {self.lower_bound}: it is not below upper_bound {self.upper_bound}",
                fix="Swap the two.",
                argument="lower_bound",
            )


def _split_countries(holidays: Any) -> tuple[str, ...]:
    """Return codes of countries as a tuple, in capitals, each once; of one string those between commas."""
    codes = holidays.split(",") if isinstance(holidays, str) else holidays
    if isinstance(codes, Sequence) and all(isinstance(code, str) and (code.strip() or codes == [""]) for code in codes):
        return tuple(dict.fromkeys(code.strip().upper() for code in codes if code.strip()))
    expected = "the code of a country, such as 'DE' or 'DE-BY', or a list of them"
    raise ConfigError(f"Invalid holidays {holidays!r}", expected=expected, argument="holidays")


def _check_codes(codes: Any) -> str | bool | tuple[float, ...]:
    """Return codes for missing values, a single one as a tuple."""
    if codes is False or (isinstance(codes, str) and codes == "auto"):
        return codes
    numbers = (codes,) if isinstance(codes, int | float) and not isinstance(codes, bool) else codes
    if isinstance(numbers, Sequence) and all(isinstance(number, int | float | np.number) for number in numbers):
        return tuple(numbers)
    raise ConfigError(
        f"Invalid missing_codes {codes!r}", expected="'auto', False or a list of numbers", argument="missing_codes"
    )


@dataclass(frozen=True)
class ForecasterConfig:
    """All settings of a forecaster.

    Args:
        h: Steps to forecast; None: chosen by the frequency.
        model: A name, a model config, a `Sequential`, or a list of these.
        level: Levels of the prediction intervals, in percent.
        point: "median" or "mean": what point forecasts are.
        season_length: Steps in the shortest season, 1 for none; None: inferred.
        freq: Frequency; None: inferred.
        seed: Same seed, same bits.
        network: Size of the networks.
        training: Their training.
        data: Exogenous columns, and bounds of the values.
        id_col: Column with the ids of the series, or several.
        time_col: Column with the times.
        target_col: Column with the values; several, or "*", of a wide table.
        hierarchy: Levels of sums of the series: True, or the id columns of each level; False: there are none.
        reconciliation: How forecasts of all levels are made to add up.
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
    id_col: str | Sequence[str] | None = None
    time_col: str | None = None
    target_col: str | Sequence[str] | None = None
    point: str = "median"
    hierarchy: bool | tuple[tuple[str, ...], ...] = False
    reconciliation: Literal["mint", "wls-struct", "bottom-up"] = "mint"
