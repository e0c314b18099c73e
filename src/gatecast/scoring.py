"""A forecast beside seasonal naive: errors, skill, and a sentence that tells the truth about it.

Letters: n points, h horizon, m season.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from gatecast import baselines, metrics
from gatecast.forecast import Score

__all__ = ["baseline_columns", "naive_season", "score", "verdict"]

Floats = npt.NDArray[np.float64]

FEW_ROWS, FAR_OFF = 12, 20
"""Coverage is spoken of from so many rows on, and where it falls short by more than so many percentage points."""

ORIGINS = 8
"""Rolling origins over which the season of the seasonal naive is chosen."""


def baseline_columns(values: Floats, origins: npt.NDArray[np.int64], h: int, m: int) -> dict[str, Floats]:
    """Seasonal naive, if there is a season, and naive, after each origin, one after another.

    >>> baseline_columns(np.array([1.0, 2.0, 3.0, 4.0]), np.array([1, 3]), h=2, m=2)["Naive"].tolist()
    [2.0, 2.0, 4.0, 4.0]
    """
    periods = ({"SeasonalNaive": m} if m > 1 else {}) | {"Naive": 1}
    return {name: _rolled(values, origins, h, period) for name, period in periods.items()}


def _rolled(values: Floats, origins: npt.NDArray[np.int64], h: int, m: int) -> Floats:
    """Seasonal naive after each origin, from what lies at or before it."""
    return np.concatenate([baselines.seasonal_naive(values[: int(o) + 1], h, m) for o in origins])


def naive_season(train: Floats, h: int, seasons: Sequence[int]) -> int:
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
    origins = origins[(origins >= longest - 1) & (origins >= 0)]
    if not len(origins):
        return longest
    actual = np.concatenate([train[o + 1 : o + 1 + h] for o in origins])

    def error(m: int) -> float:
        return metrics.mae(actual, _rolled(train, origins, h, m))

    return min(seasons, key=error)


def score(
    values: Floats,
    end: int,
    columns: Mapping[str, Floats],
    simple: Mapping[str, Floats],
    m: int,
    levels: Sequence[float],
    model: str = "LSTM",
) -> tuple[Score, ...]:
    """Errors of a model and of the baselines on values[end:].

    Args:
        values: (n,) the whole series, NaN where missing: such rows do not count.
        end: Where the test part begins.
        columns: Forecast and bounds of the model, each (n - end,).
        simple: Forecasts of the baselines, each (n - end,); skill is against the first.
        m: Season of MASE.
        levels: Of the intervals.
        model: Name of the model.

    Returns:
        The model's score, then the baselines'.
    """
    actual, past = values[end:], values[:end]
    of_naive = metrics.mae(actual, next(iter(simple.values())))
    scores = []
    for name, said in {model: columns[model], **simple}.items():
        mae = metrics.mae(actual, said)
        inside = {
            level: metrics.coverage(actual, columns[f"{model}-lo-{level:g}"], columns[f"{model}-hi-{level:g}"])
            for level in (levels if name == model else ())
        }
        scores.append(
            Score(
                name,
                mae,
                metrics.rmse(actual, said),
                metrics.mase(actual, said, past, m),
                metrics.skill(mae, of_naive),
                inside,
            )
        )
    return tuple(scores)


def verdict(scores: Sequence[Score], rows: int, h: int, m: int) -> str:
    """The model beside the best of the baselines, in a sentence, and its intervals, where they fail, in another.

    Args:
        scores: As given by `score`.
        rows: Length of the test part.
        h: Horizon.
        m: Season of seasonal naive.

    >>> pair = (Score("LSTM", 1.0, 1.2, 0.5, 50.0), Score("SeasonalNaive", 2.0, 2.2, 1.0, 0.0))
    >>> verdict(pair, 24, 24, 12)
    "On the last 24 rows the LSTM's mean absolute error is 50 % smaller than seasonal naive's (season 12)."
    """
    where = f"On the last {rows} rows" + (f", forecast {h} at a time," if rows > h else "")
    said = f"{where} {_comparison(scores[0], min(scores[1:], key=lambda one: one.mae), m)}"
    for level, covered in scores[0].coverage.items():
        if rows >= FEW_ROWS and covered < level - FAR_OFF:
            return f"{said} Its {level:g} % interval held only {covered:.0f} % of them: read it as too narrow."
    return said


def _comparison(model: Score, best: Score, m: int) -> str:
    """How the errors of a model and of the best baseline compare."""
    other = f"seasonal naive's (season {m})" if best.model == "SeasonalNaive" else "naive's (the last value)"
    if best.mae == 0:
        return f"the simple forecast makes no error at all, the LSTM {model.mae:.3g} on average: prefer the simple one."
    skill = metrics.skill(model.mae, best.mae)
    if skill >= 1:
        return f"the LSTM's mean absolute error is {skill:.0f} % smaller than {other}."
    if skill > -1:
        return f"the LSTM's mean absolute error is about as large as {other}: it does no better here."
    return (
        f"the LSTM did not beat the simplest forecast: its mean absolute error is {-skill:.0f} % larger "
        f"than {other}. Prefer the simple forecast here, or give the network more data."
    )
