"""Which season the models and the seasonal naive of a panel have.

Letters: S series, T columns, h horizon, m season.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from gatecast import metrics
from gatecast.data.panel import Panel
from gatecast.data.seasonality import find_seasons, is_repeating
from gatecast.forecasting.baselines import seasonal_naive
from gatecast.forecasting.scaling import CYCLES, DAYS

__all__ = ["choose_season"]

FloatArray = npt.NDArray[np.float64]

DAILY = (24, 48, 96)
"""Steps of a day: hours, half hours, quarters."""


ORIGINS = 8
"""Rolling origins over which the season of the seasonal naive is chosen."""


def choose_season(past: npt.NDArray[np.float64], panel: Panel, h: int, given: int | None = None) -> tuple[int, int]:
    """The season of the models, and the one of seasonal naive.

    Of a single series the calendar proposes and the data decide; of several, each is tested on its own later, so the
    shortest season that the typical series holds three times is proposed. Series of parts of a day that are long enough
    are looked at for the season of a week, which holds that of the day.

    Args:
        past: (S, T) aligned on the right, without what is to be forecast.
        panel: Gives frequency and lengths.
        h: Horizon.
        given: What the user says.

    >>> from gatecast.data.panel import from_values
    >>> y = np.tile([1.0, 5.0, 9.0, 5.0], 9)
    >>> choose_season(y[None], from_values(y, start="2020-01-01", freq="QS"), 4)
    (4, 4)
    """
    typical = int(np.median(panel.lengths))
    if given is None and len(past) == 1:
        likely = [one.period for one in find_seasons(past[0], panel.freq) if one.kind == "calendar"]
        m = naive_season(past[0], h, sorted(m for m in likely if is_repeating(past[0], m)))
        return m, m
    m = given or next((cycle for cycle in sorted(panel.freq.cycles) if CYCLES * cycle <= typical), 1)
    week = m in DAILY and typical >= (CYCLES + 1) * DAYS * m and len(past) > 1
    return DAYS * m if week else m, m


def naive_season(train: FloatArray, h: int, seasons: Sequence[int]) -> int:
    """Of several seasons, the one with which seasonal naive does best over the end of the past.

    The baseline is to be beaten at its best, and only what lies before the test part may choose it.

    Args:
        train: (n,) what lies before the test part.
        h: Horizon.
        seasons: Periods; with none of them the season is 1 and seasonal naive is naive.

    >>> naive_season(np.tile([1.0, 5.0, 9.0, 5.0], 6), h=4, seasons=[3, 4])
    4
    """
    if len(seasons) < 2:
        return max(seasons, default=1)
    longest = max(seasons, default=1)
    origins = np.unique(np.linspace(max(longest, len(train) // 2) - 1, len(train) - h - 1, ORIGINS).astype(np.int64))
    origins = origins[(origins >= longest - 1) & (origins < len(train) - h)]
    if not len(origins):
        return longest
    actual = np.concatenate([train[o + 1 : o + 1 + h] for o in origins])

    def error(m: int) -> float:
        said = [seasonal_naive(train[: int(o) + 1], h, m) for o in origins]
        return metrics.mae(actual, np.concatenate(said))

    return min(seasons, key=error)
