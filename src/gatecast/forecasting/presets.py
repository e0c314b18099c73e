"""Which networks a panel gets: windows, sizes and steps by season, horizon and length, as validation tails chose them.

Letters: S series, w window, m season, h horizon.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from gatecast.config import NetworkConfig, TrainingConfig
from gatecast.errors import ConfigError
from gatecast.forecasting import statsforecast_models
from gatecast.forecasting.es_rnn import model as es_lstm
from gatecast.forecasting.panel_rnn.model import CELLS, PanelRNNSettings
from gatecast.forecasting.sequential_model import model as own_network
from gatecast.nn.sequential import Sequential

__all__ = ["FEW_SERIES", "MODELS", "Recipe", "make_recipe"]

MODELS = ("auto", *CELLS, "es-lstm")
"""Names of models; "auto" is several of them beside DOT."""

WEEKS = (168, 336, 672)
"""Steps of a week in parts of a day."""

SHORT_SEASON = 12
"""Seasons up to this one are taken out by indices where a series shows them; the window is to hold longer ones."""

LOW_SEASON = 7
"""Above it series are long enough to pay for more steps at a higher rate."""

SMALL_PANEL_SERIES = 200
"""Series below which three members do, and, with seasons, fewer steps err less."""

INPUT_SIZE_FACTORS = (1.0, 0.75, 1.33)
"""Windows of the members in turn, where seasons are long: networks that read otherwise err otherwise."""

SLOWER_TRAINING = 3
"""Of few series every other member learns so many halves longer, at so many times the rate; validation chooses."""

SHORT = 6
"""Horizon up to which, without a season, hybrids alone stand beside DOT, as validation tails of M3 yearly chose."""

HYBRIDS = 3
"""Hybrids of smoothing and LSTM."""

MOST_SMOOTHED = 4
"""Season up to which hybrids stand beside the networks: with longer ones they gained nothing on validation tails."""

CLASSICAL = {"ETS": 200, "CES": 2000}
"""Models of the `stats` extra, and the most series that they are fitted to: they take 0.1 and 0.01 seconds a series."""

FEW_SERIES = 16
"""Series below which a network has little to learn from: smaller ones, fewer members."""


class _Trained(Protocol):
    """What all settings have."""

    @property
    def max_steps(self) -> int:
        """Updates."""

    @property
    def quantiles(self) -> tuple[float, ...]:
        """Q levels."""


@dataclass(frozen=True)
class Recipe:
    """What is trained.

    Args:
        members: Settings of the panel networks; member k has seed + k.
        season: m of the indices that are taken out before they read; 1: none.
        hybrids: Settings of the hybrids of smoothing and LSTM.
        theta: Whether the theta method stands beside them.
        classical: Names of the models of the `stats` extra beside them.
        own: Settings of networks of the user's own layers.
        layers: That network, which is not changed.
    """

    members: tuple[PanelRNNSettings, ...]
    season: int
    hybrids: tuple[es_lstm.ESRNNSettings, ...] = ()
    theta: bool = False
    classical: tuple[str, ...] = ()
    own: tuple[own_network.SequentialSettings, ...] = ()
    layers: Sequential | None = None

    @property
    def steps(self) -> tuple[int, ...]:
        """Updates of every training."""
        kinds: tuple[tuple[_Trained, ...], ...] = (self.members, self.hybrids, self.own)
        return tuple(one.max_steps for kind in kinds for one in kind)

    @property
    def probabilities(self) -> tuple[float, ...]:
        """Q levels, the same for all."""
        kinds: tuple[tuple[_Trained, ...], ...] = (self.members, self.hybrids, self.own)
        return next(one.quantiles for kind in kinds for one in kind)


def make_recipe(
    h: int,
    m: int,
    lengths: npt.NDArray[np.int64],
    model: str | Sequential = "auto",
    network: NetworkConfig | None = None,
    training: TrainingConfig | None = None,
    seed: int = 0,
) -> Recipe:
    """Settings for a panel.

    Args:
        h: Horizon.
        m: Season; 1 for none.
        lengths: (S,) values of each series.
        model: One of `MODELS`, or a network.
        network: What is fixed about the networks.
        training: What is fixed about their training.
        seed: Of the first hybrid.

    Raises:
        ConfigError: An unknown model, or a network that does not say h numbers.

    >>> recipe = make_recipe(18, 12, np.full(1000, 100))
    >>> len(recipe.members), recipe.members[0].window, recipe.season_length
    (5, 18, 12)
    """
    network, training = network or NetworkConfig(), training or TrainingConfig()
    S, typical = len(lengths), int(np.median(lengths))
    few = S < FEW_SERIES
    season = m if few or m <= SHORT_SEASON or m in WEEKS else 1
    if isinstance(model, Sequential):
        chosen = _given(own_network.default_settings(h, m, typical, S), network, training)
        chosen = own_network.build_network(model, h, chosen)[1]
        return Recipe((), season, own=(chosen,) * (training.n_members or 1), layers=model)
    if model not in MODELS:
        raise ConfigError("there is no such model", got=repr(model), expected=" or ".join(map(repr, MODELS)))
    members = []
    for k in range(training.n_members or (2 if few else 3 if S < SMALL_PANEL_SERIES else 5)):
        base = _base(h, m, S, typical)
        if few and k % 2:
            base = replace(
                base,
                max_steps=SLOWER_TRAINING * base.max_steps // 2,
                learning_rate=SLOWER_TRAINING * base.learning_rate,
            )
        if m > LOW_SEASON and not few:
            base = replace(base, input_size=round(base.input_size * INPUT_SIZE_FACTORS[k % len(INPUT_SIZE_FACTORS)]))
        members.append(_given(base, network, training, cell="lstm" if model == "auto" else model))
    count = training.n_members or HYBRIDS
    hybrids = tuple(_given(es_lstm.default_settings(h, m, typical, seed + k), network, training) for k in range(count))
    if model == "es-lstm":
        return Recipe((), season, hybrids)
    if model == "auto":
        if m == 1 and h <= SHORT and not few:
            members = []
        beside = (
            tuple(name for name, most in CLASSICAL.items() if most >= S) if statsforecast_models.available() else ()
        )
        return Recipe(
            tuple(members), season, hybrids if m <= MOST_SMOOTHED and not few else (), theta=True, classical=beside
        )
    return Recipe(tuple(members), season)


def _given(base: Any, network: NetworkConfig, training: TrainingConfig, **own: Any) -> Any:
    """Settings with what is fixed in place of what was chosen."""
    fixed = {
        "input_size": network.input_size,
        "units": network.units,
        "n_layers": network.n_layers,
        "max_steps": training.max_steps,
        "batch_size": training.batch_size,
        "learning_rate": training.learning_rate,
        "dropout": network.dropout,
        **own,
        "min_improvement": None if training.max_steps is None else 1.0,  # who says how long, means it
    }
    if hasattr(base, "dilations") and network.n_layers is not None:
        fixed["dilations"] = tuple(2**k for k in range(network.n_layers))
    return replace(base, **{name: value for name, value in fixed.items() if value is not None and hasattr(base, name)})


def _base(h: int, m: int, S: int, typical: int) -> PanelRNNSettings:
    """Settings where nothing is fixed."""
    if S < FEW_SERIES:
        window = max(2, min(m if 12 < m <= 24 else 12, typical // 3, typical - 1))
        return PanelRNNSettings(
            window,
            units=32,
            level_window=min(3, window),
            level_position_weight=2.0,
            n_origins=max(8, min(48, typical // 3)),
            max_steps=100,
            min_improvement=0.03,
        )
    rate, batch, segment = 3e-3, 96, 1
    if m == 1:
        window, level = max(5, min(h, 24)), 1 if h <= 6 else 3
        units, origins, steps = 32, max(36, min(8 * h, 96)), 150 if h <= 6 else 300
    elif m <= SHORT_SEASON:
        window, level = max(5, min(h, 24)), 3
        units, origins, steps = 48, max(36, min(12 * m, 96)), 300
        if m > LOW_SEASON:
            rate, batch, steps = 5e-3, 64, 400
        if S < SMALL_PANEL_SERIES:
            steps = 100 if m <= LOW_SEASON else 150
    elif m in WEEKS:
        # A week in parts of a day: its indices are taken out, the window holds two days, a segment is a third of one.
        day = m // 7
        window, level, units, origins, steps, rate, batch = 2 * day, day, 64, 40, 600, 5e-3, 96
        segment = day // 3
    else:
        window, level, units, origins, steps, rate, batch = min(m + 1, 336), 1, 40, 96, 500, 5e-3, 48
    window = max(2, min(window, typical - 1))
    return PanelRNNSettings(
        window,
        units=units,
        level_window=min(level, window),
        n_origins=origins,
        max_steps=steps,
        batch_size=batch,
        learning_rate=rate,
        stride=segment,
    )
