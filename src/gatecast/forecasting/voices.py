"""Models of different kinds under one face: given what is known at a cutoff, each says quantiles of the steps ahead.

Letters: R rows, h horizon, Q quantiles.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from gatecast.forecasting import statsforecast_models, theta
from gatecast.forecasting.context import PanelContext
from gatecast.forecasting.es_rnn import model as es_lstm
from gatecast.forecasting.panel_rnn import model as panel_lstm
from gatecast.forecasting.sequential_model import model as own_network

__all__ = ["NETWORKS", "Classical", "Hybrids", "Networks", "Own", "Theta", "Voice"]

Floats = npt.NDArray[np.float64]

NETWORKS = (*(name for name, _ in panel_lstm.CELLS.values()), "ES-LSTM", "Network")
"""Names of networks."""

LONGEST = 1024
"""Newest values of a series that the theta method looks at."""


class Voice(Protocol):
    """A model that has learnt what it learns."""

    @property
    def name(self) -> str:
        """What its column is called."""

    def say(self, history: PanelContext) -> Floats:
        """(R, h, Q) of the steps behind the end of each series, increasing along Q; NaN where there is no value."""


@dataclass(frozen=True)
class Networks:
    """The median of panel networks.

    Args:
        members: Trained networks, of one cell.
        season: m of the indices that are taken out before they read.
    """

    members: tuple[panel_lstm.Fitted, ...]
    season: int

    @property
    def name(self) -> str:
        """After the cell."""
        return panel_lstm.CELLS[self.members[0].settings.cell][0]

    def say(self, history: PanelContext) -> Floats:
        """Quantiles, each the median over the members."""
        return _median([panel_lstm.predict_quantiles(member, history, self.season) for member in self.members])


@dataclass(frozen=True)
class Hybrids:
    """The median of hybrids of smoothing and LSTM.

    Args:
        members: Trained hybrids.
    """

    members: tuple[es_lstm.Fitted, ...]
    name: str = "ES-LSTM"

    def say(self, history: PanelContext) -> Floats:
        """Quantiles, each the median over the members."""
        return _median([es_lstm.predict_quantiles(member, history) for member in self.members])


@dataclass(frozen=True)
class Own:
    """The median of networks of the user's own layers; columns beside the series are not read.

    Args:
        members: Trained networks.
        season: m of the indices that are taken out before they read.
    """

    members: tuple[own_network.Fitted, ...]
    season: int
    name: str = "Network"

    def say(self, history: PanelContext) -> Floats:
        """Quantiles, each the median over the members."""
        return _median([own_network.predict_quantiles(member, history.values, self.season) for member in self.members])


@dataclass(frozen=True)
class Theta:
    """The dynamic optimised theta method, which learns from a series when it is asked about it.

    Args:
        h: Horizon.
        m: Season; 1 for none.
        probabilities: Q levels.
    """

    h: int
    m: int
    probabilities: tuple[float, ...]
    name: str = "DOT"

    def say(self, history: PanelContext) -> Floats:
        """Quantiles by its own, normal errors."""
        return theta.dot(history.values[:, -LONGEST:], self.h, self.m, self.probabilities)


@dataclass(frozen=True)
class Classical:
    """ETS or CES of the `stats` extra, fitted to a series when it is asked about it.

    Args:
        h: Horizon.
        m: Season; 1 for none.
        probabilities: Q levels.
        name: "ETS" or "CES".
    """

    h: int
    m: int
    probabilities: tuple[float, ...]
    name: str

    def say(self, history: PanelContext) -> Floats:
        """Quantiles by its own, normal errors; NaN where it cannot be fitted."""
        return statsforecast_models.say(history.values, self.h, self.m, self.probabilities, (self.name,))[self.name]


def _median(said: list[Floats]) -> Floats:
    """Of one, itself."""
    return np.asarray(np.median(said, axis=0)) if len(said) > 1 else said[0]
