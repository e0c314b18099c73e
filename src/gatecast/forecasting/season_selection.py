"""Choice of a season: for the models, and for the seasonal naive of a panel."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from gatecast import metrics
from gatecast._utils.typing import FloatArray
from gatecast.data.frequency import Freq
from gatecast.data.panel import Panel
from gatecast.data.seasonality import find_seasons, is_repeating, rows_with_season
from gatecast.forecasting.baselines import seasonal_naive
from gatecast.forecasting.own_seasons import DAILY_SEASONS
from gatecast.forecasting.panel_season import MIN_SERIES
from gatecast.forecasting.seasonal_indices import DAYS_PER_WEEK

__all__ = ["Seasons", "choose_season", "choose_seasons_alone", "naive_season", "shown_season"]

MIN_CYCLES = 3
"""Cycles of the typical series of a panel, at least: with two, networks and seasonal models lost on short panels."""

MAX_SERIES = 40
"""Series of a panel, at most, that are searched for a cycle."""

MAX_ORIGINS = 8
"""Rolling origins over which the season of the seasonal naive is chosen."""


class Seasons(NamedTuple):
    """Seasons of a panel.

    Args:
        models: That of models which have one.
        naive: That of the seasonal naive forecast and of MASE.
        all: All that series may have, the shortest first.
        panel: That which long series show to short ones.
        calendar: The shortest one of the calendar, whether the series show it or not; 1 where the user fixed one.
    """

    models: int
    naive: int
    all: tuple[int, ...]
    panel: int = 1
    calendar: int = 1

    def of_task(self) -> dict[str, Any]:
        """Return the fields of a task that they fill."""
        return {
            "season_length": self.models,
            "seasons": self.all,
            "panel_season": self.panel,
            "calendar_season": self.calendar,
        }


def choose_season(past: FloatArray, panel: Panel, h: int, season_length: int | None = None) -> Seasons:
    """Return the seasons of a panel.

    For a single series the calendar proposes and the data decide; of several, each is tested later by itself, so the
    shortest season is proposed that series with two thirds of the values hold three times. For parts of a day, series
    that are long enough get the season of a week, which holds that of the day.

    Args:
        past: Series aligned at their ends, without the rows to forecast, [n_series, T].
        panel: Provides frequency and lengths.
        h: Horizon.
        season_length: Season that the user fixed, next to which longer ones of the calendar are proposed; 1: there is
            none; None: the user fixed none.

    Example:
        >>> from gatecast.data.panel import from_values
        >>> y = np.tile([1.0, 5.0, 9.0, 5.0], 9)
        >>> choose_season(y[None], from_values(y, start="2020-01-01", freq="QS"), 4)
        Seasons(models=4, naive=4, all=(4,), panel=1, calendar=4)
    """
    if season_length == 1:
        return Seasons(1, 1, (1,))
    typical_length = int(np.median(panel.lengths))
    calendar = min(panel.freq.cycles, default=1) if season_length is None else 1
    if season_length is None and len(past) == 1:
        # Whole numbers have no calendar: what the data show is all that is known of their seasons.
        seasons = find_seasons(past[0], panel.freq, with_cycle=panel.freq.unit == "step")
        periods = [season.period for season in seasons]
        repeating = sorted(m for m in periods if is_repeating(past[0], m))
        m = naive_season(past[0], h, repeating)
        return Seasons(m, m, tuple(repeating) or (m,), calendar=calendar)
    cycles = sorted(panel.freq.cycles) or _common_cycle(past, panel)
    # A few short series among longer ones are no reason to take the season from these.
    length = max(typical_length, _length_of_most_values(panel))
    m = season_length or next((cycle for cycle in cycles if MIN_CYCLES * cycle <= length), 1)
    # Hours have a week, whether the calendar is known or not.
    weeks = [DAYS_PER_WEEK * m] if m in DAILY_SEASONS else []
    long_cycles = [cycle for cycle in {*cycles, *weeks} if cycle > m]
    others = [cycle for cycle in sorted(long_cycles) if MIN_CYCLES * cycle <= typical_length]
    has_weeks = bool(weeks) and typical_length >= (MIN_CYCLES + 1) * DAYS_PER_WEEK * m and len(past) > 1
    models = DAYS_PER_WEEK * m if has_weeks else m
    shared = models if models > 1 else _panel_season(panel, season_length)
    return Seasons(models, m, (m, *others), shared, calendar)


def _length_of_most_values(panel: Panel) -> int:
    """Return the length that series with two thirds of the values have at least."""
    lengths = np.sort(panel.lengths)
    total = lengths.cumsum()
    return int(lengths[np.searchsorted(3 * total, total[-1])])


def choose_seasons_alone(past: FloatArray, panel: Panel, h: int, season_length: int | None = None) -> list[Seasons]:
    """Return the seasons of several series, each as `choose_season` chooses them for it alone.

    Args:
        past: Series of equal length without missing values, [n_series, T].
        panel: One of them: provides frequency and length.
        h: Horizon.
        season_length: Season that the user fixed; None: none.

    Example:
        >>> from gatecast.data.panel import from_values
        >>> y = np.stack([np.tile([1.0, 5.0, 9.0, 5.0], 9), np.arange(36.0) ** 2])
        >>> quarters = from_values(y[0], start="2020-01-01", freq="QS")
        >>> [seasons.models for seasons in choose_seasons_alone(y, quarters, 4)]
        [4, 1]
    """
    cycles = panel.freq.cycles
    if season_length is not None or panel.freq.unit == "step" or len(cycles) > 1:
        # Longer seasons are tested without the shorter ones, which differ from series to series.
        return [choose_season(row[None], panel, h, season_length) for row in past]
    if not cycles:
        return [Seasons(1, 1, (1,))] * len(past)
    (m,) = cycles
    return [Seasons(k, k, (k,), calendar=m) for k in np.where(rows_with_season(past, m), m, 1).tolist()]


def _panel_season(panel: Panel, season_length: int | None) -> int:
    """Return the shortest cycle of the calendar that some series of a panel hold twice, where the typical one is short.

    A season that the user fixed is the only one.
    """
    enough = np.sort(panel.lengths)[-MIN_SERIES:]
    cycles = sorted(panel.freq.cycles) if season_length is None and len(enough) == MIN_SERIES else []
    return next((cycle for cycle in cycles if 2 * cycle <= enough[0]), 1)


def _common_cycle(past: FloatArray, panel: Panel) -> list[int]:
    """Return the cycle that half of a sample of series show, where times are whole numbers; [] without one."""
    if panel.freq.unit != "step":
        return []
    sample = past[:: max(1, -(-len(past) // MAX_SERIES))]
    cycles = [season.period for row in sample for season in find_seasons(row[np.isfinite(row).argmax() :], panel.freq)]
    periods, counts = np.unique(np.array(cycles, np.int64), return_counts=True)
    common = periods[2 * counts >= len(sample)]
    return [int(common[0])] if len(common) else []


def naive_season(train: FloatArray, h: int, seasons: Sequence[int]) -> int:
    """Return the season with which the seasonal naive errs least over the end of the past.

    The baseline is to be beaten at its best, and only what precedes the test part may choose it.

    Args:
        train: Values before the test part, [n].
        h: Horizon.
        seasons: Season lengths; none of them: 1, where seasonal naive is naive.

    Example:
        >>> naive_season(np.tile([1.0, 5.0, 9.0, 5.0], 6), h=4, seasons=[3, 4])
        4
    """
    if len(seasons) < 2:
        return max(seasons, default=1)
    longest, last = max(seasons), len(train) - h - 1
    origins = np.unique(np.linspace(max(longest, len(train) // 2) - 1, last, MAX_ORIGINS).astype(np.int64))
    origins = origins[(origins >= longest - 1) & (origins <= last)]
    if not len(origins):
        return longest
    actual = np.concatenate([train[origin + 1 : origin + 1 + h] for origin in origins])

    def error(m: int) -> float:
        """Return the error with one season."""
        forecasts = [seasonal_naive(train[: int(origin) + 1], h, m) for origin in origins]
        return metrics.mae(actual, np.concatenate(forecasts))

    return min(seasons, key=error)


def shown_season(freq: Freq, n: int, season_length: int = 1) -> int:
    """Return the season of the seasonal naive forecast that is shown: where none was found, the calendar's first.

    Series of little more than a cycle show no season, but what was a cycle ago is what their owners compare with.

    Args:
        freq: Of the series.
        n: Values before the first forecast.
        season_length: Season that was found; 1 for none.

    Returns:
        1 where there is no cycle, or the series are shorter than one.

    Example:
        >>> from gatecast.data.frequency import Freq
        >>> shown_season(Freq("MS"), 20), shown_season(Freq("MS"), 11), shown_season(Freq("YS"), 20)
        (12, 1, 1)
    """
    if season_length > 1:
        return season_length
    return next((cycle for cycle in sorted(freq.cycles) if cycle <= n), 1)
