"""Series that other families build on: a random one of the continuous families for each."""

from __future__ import annotations

import numpy as np

from gatecast._utils.typing import FloatArray, IntArray
from gatecast.data.synth.lf.arma import seasonal_arima
from gatecast.data.synth.lf.components import trend_season_rest
from gatecast.data.synth.lf.diffusions import switching_diffusions
from gatecast.data.synth.lf.innovations import exponential_smoothing

__all__ = ["base_series"]

_MAKERS = (exponential_smoothing, seasonal_arima, trend_season_rest, switching_diffusions)
_SHARES = (0.4, 0.25, 0.25, 0.1)


def base_series(rng: np.random.Generator, count: int, length: int, season: IntArray) -> FloatArray:
    """Make positive series of several continuous families; (count, length).

    >>> base_series(np.random.default_rng(0), 5, 20, np.full(5, 4)).shape
    (5, 20)
    """
    kind = rng.choice(len(_MAKERS), count, p=_SHARES)
    y = np.empty((count, length))
    for i, make in enumerate(_MAKERS):
        rows = np.flatnonzero(kind == i)
        if len(rows):
            y[rows] = make(rng, len(rows), length, season[rows])
    return y
