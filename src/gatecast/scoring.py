"""A forecast beside seasonal naive: errors, skill, and a sentence that tells the truth about it.

Letters: n points, h horizon, m season.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from gatecast import baselines, metrics
from gatecast.data.frequency import Freq
from gatecast.forecast import Score

__all__ = ["naive_season", "score", "seasonal_naive_from", "verdict"]

Floats = npt.NDArray[np.float64]

ORIGINS = 8
"""Rolling origins over which the season of the seasonal naive is chosen."""


def seasonal_naive_from(values: Floats, origins: npt.NDArray[np.int64], h: int, m: int) -> Floats:
    """Seasonal naive after each origin, from what lies at or before it, one after another.

    >>> seasonal_naive_from(np.array([1.0, 2.0, 3.0, 4.0]), np.array([1, 3]), h=2, m=2).tolist()
    [1.0, 2.0, 3.0, 4.0]
    """
    return np.concatenate([baselines.seasonal_naive(values[: int(o) + 1], h, m) for o in origins])


def naive_season(train: Floats, h: int, seasons: Sequence[int]) -> int:
    """The season with which seasonal naive does best over the end of the training part; 1 is the naive forecast.

    The baseline is to be beaten at its best, and only the training part may choose it.

    >>> naive_season(np.tile([1.0, 5.0, 9.0, 5.0], 6), h=4, seasons=[4])
    4
    """
    longest = max(seasons, default=1)
    origins = np.unique(np.linspace(max(longest, len(train) // 2) - 1, len(train) - h - 1, ORIGINS).astype(np.int64))
    origins = origins[(origins >= longest - 1) & (origins >= 0)]
    if not len(origins):
        return longest
    actual = np.concatenate([train[o + 1 : o + 1 + h] for o in origins])

    def error(m: int) -> float:
        return metrics.mae(actual, seasonal_naive_from(train, origins, h, m))

    return min([*seasons, 1], key=error)


def score(
    values: Floats,
    end: int,
    columns: Mapping[str, Floats],
    naive: Floats,
    m: int,
    levels: Sequence[float],
    model: str = "LSTM",
) -> tuple[Score, Score]:
    """Errors of a model and of seasonal naive on values[end:].

    Args:
        values: (n,) the whole series, NaN where missing: such rows do not count.
        end: Where the test part begins.
        columns: Forecast and bounds of the model, each (n - end,).
        naive: (n - end,) seasonal naive.
        m: Season of MASE.
        levels: Of the intervals.
        model: Name of the model.

    Returns:
        Both scores.
    """
    actual, past = values[end:], values[:end]
    of_naive = metrics.mae(actual, naive)
    scores = []
    for name, said in ((model, columns[model]), ("SeasonalNaive", naive)):
        mae = metrics.mae(actual, said)
        skill = 100 * (1 - mae / of_naive) if of_naive > 0 else 0.0
        inside = {
            level: 100 * metrics.coverage(actual, columns[f"{model}-lo-{level:g}"], columns[f"{model}-hi-{level:g}"])
            for level in (levels if name == model else ())
        }
        scores.append(
            Score(name, mae, metrics.rmse(actual, said), metrics.mase(actual, said, past, m), skill, inside)
        )
    return scores[0], scores[1]


def verdict(scores: tuple[Score, Score], rows: int, h: int, m: int, freq: Freq) -> str:
    """The comparison in a sentence.

    >>> from gatecast.data.frequency import parse
    >>> pair = (Score("LSTM", 1.0, 1.2, 0.5, 50.0), Score("SeasonalNaive", 2.0, 2.2, 1.0, 0.0))
    >>> verdict(pair, 24, 24, 12, parse("MS"))
    "On the last 24 rows the LSTM's mean absolute error is 50 % smaller than seasonal naive's (season 12)."
    """
    naive = f"seasonal naive's (season {m})" if m > 1 else "that of repeating the last value"
    where = f"On the last {rows} rows" + (f", forecast {h} at a time," if rows > h else "")
    skill = scores[0].skill
    if skill >= 1:
        return f"{where} the LSTM's mean absolute error is {skill:.0f} % smaller than {naive}."
    if skill > -1:
        return f"{where} the LSTM's mean absolute error is about as large as {naive}: it does no better here."
    return (
        f"{where} the LSTM did not beat the simplest forecast: its mean absolute error is {-skill:.0f} % larger "
        f"than {naive}. Prefer the simple forecast here, or give the network more data."
    )
