"""Which networks a panel gets: windows, sizes and steps by season, horizon and length, as validation tails chose them.

Letters: S series, w window, m season, h horizon.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from gatecast.errors import ConfigError, require_count, require_positive
from gatecast.panel_lstm import Settings

__all__ = ["FEW", "MODELS", "NetworkConfig", "Recipe", "TrainingConfig", "make_recipe"]

MODELS = ("auto", "lstm", "gru", "rnn")
"""Names of models; "auto" is LSTM members beside DOT."""

WEEKS = (168, 336, 672)
"""Steps of a week in parts of a day."""

SHORT_SEASON = 12
"""Seasons up to this one are taken out by indices where a series shows them; the window is to hold longer ones."""

LOW_SEASON = 7
"""Above it series are long enough to pay for more steps at a higher rate."""

SOME = 200
"""Series below which three members do."""

VARIED = (1.0, 0.75, 1.33)
"""Windows of the members in turn, where seasons are long: networks that read otherwise err otherwise."""

THOROUGH = 3
"""Of few series every other member learns so many halves longer, at so many times the rate; validation chooses."""

FEW = 16
"""Series below which a network has little to learn from: smaller ones, fewer members."""


@dataclass(frozen=True)
class NetworkConfig:
    """Size of the networks; None: chosen by the data.

    Args:
        units: Of each recurrent layer.
        layers: Recurrent layers.
        window: Values that are read at every origin, `input_size` of the Forecaster.
    """

    units: int | None = None
    layers: int | None = None
    window: int | None = None

    def __post_init__(self) -> None:
        for name in ("units", "layers", "window"):
            if getattr(self, name) is not None:
                require_count(getattr(self, name), f"NetworkConfig's {name}")


@dataclass(frozen=True)
class TrainingConfig:
    """How networks are trained; None: chosen by the data.

    Args:
        members: Networks with seeds of their own, whose median is the forecast.
        steps: Updates of each.
        batch: Series in an update.
        rate: Highest learning rate.
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
class Recipe:
    """Members, and the season that is taken out before they read.

    Args:
        members: Settings of each; member k has seed + k.
        season: m of the indices; 1: none.
    """

    members: tuple[Settings, ...]
    season: int


def make_recipe(
    h: int,
    m: int,
    lengths: npt.NDArray[np.int64],
    model: str = "auto",
    network: NetworkConfig | None = None,
    training: TrainingConfig | None = None,
) -> Recipe:
    """Settings for a panel.

    Args:
        h: Horizon.
        m: Season; 1 for none.
        lengths: (S,) values of each series.
        model: One of `MODELS`.
        network: What is fixed about the networks.
        training: What is fixed about their training.

    Raises:
        ConfigError: An unknown model.

    >>> recipe = make_recipe(18, 12, np.full(1000, 100))
    >>> len(recipe.members), recipe.members[0].window, recipe.season
    (5, 18, 12)
    """
    if model not in MODELS:
        raise ConfigError("there is no such model", got=repr(model), expected=" or ".join(map(repr, MODELS)))
    network, training = network or NetworkConfig(), training or TrainingConfig()
    S, typical = len(lengths), int(np.median(lengths))
    few = S < FEW
    count = training.members or (2 if few else 3 if S < SOME else 5)
    members = []
    for k in range(count):
        base = _base(h, m, S, typical)
        if few and k % 2:
            base = replace(base, steps=THOROUGH * base.steps // 2, rate=THOROUGH * base.rate)
        if m > LOW_SEASON and not few:
            base = replace(base, window=round(base.window * VARIED[k % len(VARIED)]))
        given: dict[str, Any] = {
            "window": network.window, "units": network.units, "layers": network.layers, "steps": training.steps,
            "batch": training.batch, "rate": training.rate, "cell": "lstm" if model == "auto" else model,
        }  # fmt: skip
        members.append(replace(base, **{name: value for name, value in given.items() if value is not None}))
    return Recipe(tuple(members), m if few or m <= SHORT_SEASON or m in WEEKS else 1)


def _base(h: int, m: int, S: int, typical: int) -> Settings:
    """Settings where nothing is fixed."""
    if S < FEW:
        window = max(2, min(m if 12 < m <= 24 else 12, typical // 3, typical - 1))
        return Settings(
            window, units=32, level=min(3, window), place=2.0, origins=max(8, min(48, typical // 3)), steps=100
        )
    rate, batch = 3e-3, 96
    if m == 1:
        window, level = max(5, min(h, 24)), 1 if h <= 6 else 3
        units, origins, steps = 32, max(36, min(8 * h, 96)), 150 if h <= 6 else 300
    elif m <= SHORT_SEASON:
        window, level = max(5, min(h, 24)), 3
        units, origins, steps = 48, max(36, min(12 * m, 96)), 300
        if m > LOW_SEASON:
            rate, batch, steps = 5e-3, 64, 400
    elif m in WEEKS:  # a week in parts of a day: its indices are taken out, the window holds two days
        window, level, units, origins, steps, rate, batch = 2 * m // 7, m // 7, 48, 72, 400, 5e-3, 48
    else:
        window, level, units, origins, steps, rate, batch = min(m + 1, 336), 1, 40, 96, 500, 5e-3, 48
    window = max(2, min(window, typical - 1))
    return Settings(window, units=units, level=min(level, window), origins=origins, steps=steps, batch=batch, rate=rate)
