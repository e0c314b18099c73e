"""Whether a model is better than the simple forecasts: facts from scores, and the sentences that state them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from gatecast import metrics
from gatecast.forecasting.presets import BASELINES
from gatecast.results import Score

__all__ = ["Verdict", "compare_with_baselines", "describe"]

MIN_ROWS = 12
"""Rows below which coverage is not judged."""

MAX_SHORTFALL = 20
"""Percentage points by which coverage may fall short of its level."""

MIN_DIFFERENCE = 1.0
"""Percent below which two errors are called equal."""

Kind = Literal["better", "equal", "worse", "exact_baseline", "unknown"]


@dataclass(frozen=True)
class Verdict:
    """A model compared with the best of the simple forecasts.

    Args:
        kind: "better", "equal" or "worse"; "exact_baseline" where the simple forecast makes no error; "unknown" where
            nothing could be scored.
        model: Column of the model.
        baseline: Column of the simple forecast with the smallest error, other than the model.
        mae: Mean absolute error of the model.
        difference: How much smaller the model's error is than the baseline's, in percent; negative if larger.
        n_rows: Rows of the test part of a series.
        horizon: Steps forecast at a time.
        season_length: Of seasonal naive.
        n_series: Number of series.
        n_worse: Series on which seasonal naive has a smaller error; naive where there is no season.
        narrow_level: Level of the first interval that covers far too few values; None: there is none.
        narrow_coverage: Percentage of values that it covers.
    """

    kind: Kind
    model: str
    baseline: str
    mae: float
    difference: float
    n_rows: int
    horizon: int
    season_length: int
    n_series: int = 1
    n_worse: int = 0
    narrow_level: float | None = None
    narrow_coverage: float = float("nan")


def compare_with_baselines(
    scores: Sequence[Score], n_rows: int, horizon: int, season_length: int, n_series: int = 1
) -> Verdict:
    """Compare the first score with the best of the simple forecasts.

    Args:
        scores: The main model's, then the others', as from `scores.score`.
        n_rows: Rows of the test part of a series.
        horizon: Steps forecast at a time.
        season_length: Of seasonal naive.
        n_series: Number of series.

    Example:
        >>> scores = (Score("LSTM", 1.0, 1.2, 0.5, 50.0), Score("SeasonalNaive", 2.0, 2.2, 1.0, 0.0))
        >>> verdict = compare_with_baselines(scores, 24, 24, 12)
        >>> verdict.kind, verdict.baseline, verdict.difference
        ('better', 'SeasonalNaive', 50.0)
    """
    columns = [baseline.column for baseline in BASELINES]
    main = scores[0]
    best = min((score for score in scores[1:] if score.model in columns), key=lambda score: score.mae)
    difference = metrics.skill(main.mae, best.mae)
    kind: Kind
    if best.mae == 0:
        kind = "exact_baseline"
    elif difference >= MIN_DIFFERENCE:
        kind = "better"
    elif difference <= -MIN_DIFFERENCE:
        kind = "worse"
    else:
        kind = "equal" if difference == difference else "unknown"
    narrow = [item for item in main.coverage.items() if n_rows >= MIN_ROWS and item[1] < item[0] - MAX_SHORTFALL]
    level, coverage = narrow[0] if narrow else (None, float("nan"))
    return Verdict(
        kind,
        main.model,
        best.model,
        main.mae,
        difference,
        n_rows,
        horizon,
        season_length,
        n_series,
        main.n_worse if n_series > 1 else 0,
        level,
        coverage,
    )


TEMPLATES = {
    "better": "{where} the {model}'s mean absolute error is {size:.0f} % smaller than {baseline}.",
    "equal": ("{where} the {model}'s mean absolute error is about as large as {baseline}: it does no better here."),
    "worse": (
        "{where} the {model} did not beat a simple forecast: its mean absolute error is {size:.0f} % larger than "
        '{baseline}. Prefer the simple forecast here, model="{name}", or provide more data.'
    ),
    "exact_baseline": (
        "{where} the simple forecast makes no error at all, the {model} {mae:.3g} on average: prefer the simple one, "
        'model="{name}".'
    ),
    "unknown": "{where} no errors are known: the {model} could not be scored.",
    "worse_series": "On {n_worse:,} of the {n_series:,} series {reference} was better.",
    "narrow": "Its {level:g} % interval held only {coverage:.0f} % of them: read it as too narrow.",
}
"""Sentences of a verdict."""

WORSE_BASELINE = (
    "{where} the {model}'s mean absolute error is {size:.0f} % larger than {baseline}. "
    'Prefer the latter here, model="{name}".'
)
"""Where the model is a simple forecast itself."""

POSSESSIVES = {
    "SeasonalNaive": "seasonal naive's (season {})",
    "Naive": "naive's (the last value)",
    "Drift": "drift's (the line from first to last)",
    "Mean": "the mean's",
}
"""Whose error a sentence compares with."""

TITLES = {
    "Ensemble": "ensemble",
    "SeasonalNaive": "seasonal naive forecast",
    "Naive": "naive forecast",
    "Drift": "drift forecast",
    "Mean": "mean forecast",
}
"""What models are called in a sentence, other than by their columns."""


def describe(verdict: Verdict) -> str:
    """Return a verdict as sentences.

    Example:
        >>> print(describe(Verdict("better", "LSTM", "SeasonalNaive", 1.0, 50.0, 24, 24, 12)))
        On the last 24 rows the LSTM's mean absolute error is 50 % smaller than seasonal naive's (season 12).
    """
    where = f"On the last {verdict.n_rows} rows"
    where += f" of each of {verdict.n_series:,} series" if verdict.n_series > 1 else ""
    where += f", forecast {verdict.horizon} at a time," if verdict.n_rows > verdict.horizon else ""
    model_is_baseline = verdict.model in POSSESSIVES
    template = WORSE_BASELINE if model_is_baseline and verdict.kind == "worse" else TEMPLATES[verdict.kind]
    names = {baseline.column: baseline.name for baseline in BASELINES}
    sentences = [
        template.format(
            where=where,
            model=TITLES.get(verdict.model, verdict.model),
            baseline=POSSESSIVES[verdict.baseline].format(verdict.season_length),
            name=names[verdict.baseline],
            size=abs(verdict.difference),
            mae=verdict.mae,
        )
    ]
    if verdict.n_worse:
        reference = "seasonal naive" if verdict.season_length > 1 else "naive"
        facts = {"n_worse": verdict.n_worse, "n_series": verdict.n_series, "reference": reference}
        sentences.append(TEMPLATES["worse_series"].format(**facts))
    if verdict.narrow_level is not None:
        sentences.append(TEMPLATES["narrow"].format(level=verdict.narrow_level, coverage=verdict.narrow_coverage))
    return " ".join(sentences)
