"""A forecast beside seasonal naive: errors, skill, and a sentence that tells the truth about it.

Letters: S series, n points of one, t rows of a test part, h horizon, m season.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from gatecast import metrics
from gatecast.metrics.scale import seasonal_naive_scale
from gatecast.results import Score

__all__ = ["describe_scores", "score"]

Floats = npt.NDArray[np.float64]

FEW_ROWS, FAR_OFF = 12, 20
"""Coverage is spoken of from so many rows on, and where it falls short by more than so many percentage points."""

NAMES = {
    "SeasonalNaive": "seasonal naive's (season {})",
    "Naive": "naive's (the last value)",
    "Drift": "drift's (the line from first to last)",
    "Mean": "the mean's",
}
"""What the errors of the simple forecasts are called in a sentence."""


def score(
    actual: Floats,
    past: Floats,
    said: Mapping[str, Floats],
    intervals: Mapping[float, tuple[Floats, Floats]],
    baseline: str,
    m: int,
) -> tuple[Score, ...]:
    """Errors of models and baselines on a test part: means over series, each the mean over its rows.

    Args:
        actual: (S, t) what came; NaN where missing: such rows do not count.
        past: (S, T) what lay before, aligned on the right.
        said: (S, t) of every model, the main one first.
        intervals: Bounds (S, t) of the main model by level.
        baseline: The one that skill is against.
        m: Season of MASE.

    Returns:
        A score each, in the order of `said`.
    """
    scale = seasonal_naive_scale(past, m)
    errors = {name: _mean(np.abs(actual - f)) for name, f in said.items()}
    reference = errors[baseline]
    of_naive = _mean(reference[None])[0]
    known = np.isfinite(actual)
    scores = []
    for k, (name, f) in enumerate(said.items()):
        mae = _mean(errors[name][None])[0]
        inside = {
            level: 100 * float(((lo <= actual) & (actual <= hi))[known].mean()) if known.any() else np.nan
            for level, (lo, hi) in (intervals.items() if k == 0 else ())
        }
        scores.append(
            Score(
                name,
                float(mae),
                float(_mean(np.sqrt(_mean((actual - f) ** 2))[None])[0]),
                float(_mean((errors[name] / scale)[None])[0]),
                metrics.skill(float(mae), float(of_naive)),
                inside,
                int((errors[name] > reference).sum()),
            )
        )
    return tuple(scores)


def describe_scores(scores: Sequence[Score], rows: int, h: int, m: int, series: int = 1) -> str:
    """The model beside the best of the simple forecasts, in a sentence, and its intervals, where they fail, in another.

    Args:
        scores: As given by `score`.
        rows: Length of the test part of a series.
        h: Horizon.
        m: Season of seasonal naive.
        series: S.

    >>> pair = (Score("LSTM", 1.0, 1.2, 0.5, 50.0), Score("SeasonalNaive", 2.0, 2.2, 1.0, 0.0))
    >>> describe_scores(pair, 24, 24, 12)
    "On the last 24 rows the LSTM's mean absolute error is 50 % smaller than seasonal naive's (season 12)."
    """
    where = f"On the last {rows} rows" + (f" of each of {series:,} series" if series > 1 else "")
    where += f", forecast {h} at a time," if rows > h else ""
    best = min((one for one in scores[1:] if one.model in NAMES), key=lambda one: one.mae)
    said = f"{where} {_comparison(scores[0], best, m)}"
    if series > 1 and scores[0].n_worse:
        said += f" On {scores[0].n_worse:,} of the {series:,} series seasonal naive was better."
    for level, covered in scores[0].coverage.items():
        if rows >= FEW_ROWS and covered < level - FAR_OFF:
            return f"{said} Its {level:g} % interval held only {covered:.0f} % of them: read it as too narrow."
    return said


def _comparison(model: Score, best: Score, m: int) -> str:
    """How the errors of a model and of the best simple forecast compare."""
    other = NAMES[best.model].format(m)
    name = model.model if model.model.isupper() else model.model.lower()
    if best.mae == 0:
        return (
            f"the simple forecast makes no error at all, the {name} {model.mae:.3g} on average: prefer the simple one."
        )
    skill = metrics.skill(model.mae, best.mae)
    if skill >= 1:
        return f"the {name}'s mean absolute error is {skill:.0f} % smaller than {other}."
    if skill > -1:
        return f"the {name}'s mean absolute error is about as large as {other}: it does no better here."
    return (
        f"the {name} did not beat a simple forecast: its mean absolute error is {-skill:.0f} % larger "
        f"than {other}. Prefer the simple forecast here, or give the network more data."
    )


def _mean(x: Floats) -> Floats:
    """Mean over the last axis of what is not NaN; NaN where nothing is."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        return np.asarray(np.nanmean(x, axis=-1))
