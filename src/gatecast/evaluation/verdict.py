"""Whether a model is better than the simple forecasts: facts from scores, and the sentences that state them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from gatecast import metrics
from gatecast.evaluation.scored_forecasts import NOT_INTERMITTENT, Intermittency, ScoredForecasts
from gatecast.forecasting.ensemble import COMBINED
from gatecast.forecasting.presets import BASELINES
from gatecast.results import Score

__all__ = ["Verdict", "compare_with_baselines", "describe"]

MIN_ROWS = 12
"""Rows below which coverage is not judged."""

MAX_SHORTFALL = 20
"""Percentage points by which coverage may fall short of its level."""

MIN_DIFFERENCE = 1.0
"""Percent below which two errors are called equal."""

MIN_GAIN = 5.0
"""Percent by which a model of the ensemble must be better than all together to be named."""

MIN_INTERMITTENT = 0.1
"""Share of the series with intermittent demand from which it is mentioned."""

Kind = Literal["better", "equal", "worse", "exact", "exact_baseline", "unknown"]


@dataclass(frozen=True)
class Verdict:
    """A model compared with the best of the simple forecasts.

    Args:
        kind: "better", "equal" or "worse"; "exact_baseline" where the simple forecast makes no error, "exact" where the
            model makes none either, up to rounding; "unknown" where nothing could be scored.
        model: Column of the model.
        baseline: Column of the simple forecast with the smallest error, other than the model.
        mae: Mean absolute error of the model.
        difference: How much smaller the model's error is than the baseline's, in percent; negative if larger.
        n_rows: Rows of the test part of a series.
        horizon: Steps forecast at a time.
        season_length: Of seasonal naive.
        n_series: Number of series.
        measure: Error that is compared, as `Score.measure`.
        n_better: Series on which the model's error is smaller than the baseline's; horizons of a single series.
        n_parts: Number of these series or horizons.
        narrow_level: Level of the first interval that covers far too few values; None: there is none.
        narrow_coverage: Percentage of values that it covers.
        better_model: Column of a model of the ensemble with a clearly smaller error; "": there is none.
        better_model_gain: How much smaller, in percent.
        intermittency: RMSE and bias where demand is intermittent.
        n_missing: Known values that the model does not forecast.
        n_unscored: Those of them that have no forecast of the baseline either, and do not count.
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
    measure: str = "mae"
    n_better: int = 0
    n_parts: int = 1
    narrow_level: float | None = None
    narrow_coverage: float = float("nan")
    better_model: str = ""
    better_model_gain: float = 0.0
    intermittency: Intermittency = NOT_INTERMITTENT
    n_missing: int = 0
    n_unscored: int = 0


def compare_with_baselines(
    scores: Sequence[Score],
    n_rows: int,
    horizon: int,
    season_length: int,
    n_series: int = 1,
    forecasts: ScoredForecasts | None = None,
) -> Verdict:
    """Compare the first score with the best of the simple forecasts, by the error that the scores name.

    Args:
        scores: The main model's, then the others', as from `scores.score`.
        n_rows: Rows of the test part of a series.
        horizon: Steps forecast at a time.
        season_length: Of seasonal naive.
        n_series: Number of series.
        forecasts: What was scored; None: nothing is said about single series, horizons and intermittent demand.

    Example:
        >>> scores = (Score("LSTM", 1.0, 1.2, 0.5, 50.0), Score("SeasonalNaive", 2.0, 2.2, 1.0, 0.0))
        >>> verdict = compare_with_baselines(scores, 24, 24, 12)
        >>> verdict.kind, verdict.baseline, verdict.difference
        ('better', 'SeasonalNaive', 50.0)
    """
    columns = [baseline.column for baseline in BASELINES]
    main = scores[0]
    best = min((score for score in scores[1:] if score.model in columns), key=_error)
    difference = metrics.skill(_error(main), _error(best))
    narrow = [item for item in main.coverage.items() if n_rows >= MIN_ROWS and item[1] < item[0] - MAX_SHORTFALL]
    level, coverage = narrow[0] if narrow else (None, float("nan"))
    n_better, n_parts = (0, 1) if forecasts is None else forecasts.count_better(main.model, best.model)
    better_model, gain = _better_model(main, [score for score in scores[1:] if score.model not in columns], best)
    kind = _kind(difference, best)
    if kind == "exact_baseline" and forecasts is not None and forecasts.is_exact(main.model):
        kind = "exact"
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
        main.measure,
        n_better,
        n_parts,
        level,
        coverage,
        better_model,
        gain,
        NOT_INTERMITTENT if forecasts is None else forecasts.intermittency(main.model, best.model),
        main.n_missing,
        0 if forecasts is None else forecasts.count_unscored(main.model),
    )


def _error(score: Score) -> float:
    """Return the error that a score's skill compares, or its ratio to that of the first baseline."""
    named = {"mae": score.mae, "mase": score.mase, "rmse": score.rmse}
    return named.get(score.measure, 1 - score.skill / 100)


def _kind(difference: float, best: Score) -> Kind:
    """Return what a difference in percent from the best simple forecast is called."""
    # An error of rounding is none: nobody reads that another one is 10^18 % larger.
    if best.mae == 0 or difference < EXACT:
        return "exact_baseline"
    if abs(difference) >= MIN_DIFFERENCE:
        return "better" if difference > 0 else "worse"
    return "equal" if difference == difference else "unknown"


def _better_model(main: Score, others: Sequence[Score], baseline: Score) -> tuple[str, float]:
    """Return the model of an ensemble that is clearly better than it and than the simple forecasts, and by how much."""
    best = min(others, key=_error, default=None)
    if main.model != COMBINED or best is None:
        return "", 0.0
    gain = metrics.skill(_error(best), _error(main))
    return (best.model, gain) if gain > MIN_GAIN and _error(best) < _error(baseline) else ("", 0.0)


EXACT = -1e9
"""Difference in percent below which the simple forecast counts as exact."""

MEASURES = {
    "mae": "mean absolute error",
    "mase": "mean absolute scaled error",
    "mae_ratio": "mean absolute error (geometric mean over series)",
    "rmse": "root mean squared error",
    "rmsse": "root mean squared scaled error",
    "rmse_ratio": "root mean squared error (geometric mean over series)",
}
"""What the errors of `Score.measure` are called in a sentence."""

TEMPLATES = {
    "better": "{where} the {model}'s {measure} is {size:.0f} % smaller than {baseline}.",
    "equal": ("{where} the {model}'s {measure} is about as large as {baseline}: it does no better here."),
    "worse": (
        "{where} the {model} did not beat a simple forecast: its {measure} is {size:.0f} % larger than "
        '{baseline}. Prefer the simple forecast here, model="{name}", or provide more data.'
    ),
    "exact": "{where} both the {model} and the simple forecast {name} are exact up to rounding.",
    "exact_baseline": (
        "{where} the simple forecast makes no error at all, the {model} {mae:.3g} on average: prefer the simple one, "
        'model="{name}".'
    ),
    "unknown": "{where} no errors are known: the {model} could not be scored.",
    "series": "The {model} was better on {share} series{scored}.",
    "horizons": "The {model} was better in {share} horizons.",
    "missing": "It does not forecast {n_replaced:,} of the values: there the forecasts of {reference} count.",
    "unscored": "Not scored: {n_unscored:,} of the values, which no value of their series precedes.",
    "better_model": (
        "{better_model} alone would have erred {gain:.0f} % less here; which model errs least changes from part to "
        "part, so models are weighted by their past errors."
    ),
    "narrow": "Its {level:g} % interval held only {coverage:.0f} % of them: read it as too narrow.",
}
"""Sentences of a verdict."""

WORSE_BASELINE = (
    '{where} the {model}\'s {measure} is {size:.0f} % larger than {baseline}. Prefer the latter here, model="{name}".'
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
    "Pretrained": "pretrained network",
    "PretrainedLF": "pretrained low-frequency network",
}
"""What models are called in a sentence, other than by their columns."""


def describe(verdict: Verdict) -> str:
    """Return a verdict as sentences.

    Example:
        >>> print(describe(Verdict("better", "LSTM", "SeasonalNaive", 1.0, 50.0, 24, 24, 12)))
        On the last 24 rows the LSTM's mean absolute error is 50 % smaller than seasonal naive's (season 12).
    """
    where = "On the last row" if verdict.n_rows == 1 else f"On the last {verdict.n_rows} rows"
    where += f" of each of {verdict.n_series:,} series" if verdict.n_series > 1 else ""
    where += f", forecast {verdict.horizon} at a time," if verdict.n_rows > verdict.horizon else ""
    model_is_baseline = verdict.model in POSSESSIVES
    template = WORSE_BASELINE if model_is_baseline and verdict.kind == "worse" else TEMPLATES[verdict.kind]
    names = {baseline.column: baseline.name for baseline in BASELINES}
    all_or_some = "all" if verdict.n_better == verdict.n_parts else f"{verdict.n_better:,} of the"
    facts = {
        "where": where,
        "model": TITLES.get(verdict.model, verdict.model),
        "measure": MEASURES[verdict.measure],
        "baseline": POSSESSIVES[verdict.baseline].format(verdict.season_length),
        "name": names[verdict.baseline],
        "size": abs(verdict.difference),
        "mae": verdict.mae,
        "share": f"{all_or_some} {verdict.n_parts:,}",
        "scored": " that were scored" if verdict.n_parts < verdict.n_series else "",
        "n_replaced": verdict.n_missing - verdict.n_unscored,
        "n_unscored": verdict.n_unscored,
        "reference": "seasonal naive" if verdict.season_length > 1 else "naive",
        "better_model": verdict.better_model,
        "gain": verdict.better_model_gain,
        "level": verdict.narrow_level,
        "coverage": verdict.narrow_coverage,
    }
    intermittency = _describe_intermittency(verdict)
    details = {
        "narrow": verdict.narrow_level is not None,
        "series": verdict.n_parts > 1 and verdict.n_series > 1 and verdict.kind != "exact",
        "horizons": verdict.n_parts > 1 and verdict.n_series == 1 and verdict.kind != "exact",
        "missing": verdict.n_missing > verdict.n_unscored,
        "unscored": verdict.n_unscored > 0,
        "better_model": verdict.better_model != "" and not intermittency,
    }
    sentences = [template, *(TEMPLATES[name] for name, applies in details.items() if applies)]
    return " ".join([*(sentence.format(**facts) for sentence in sentences), *intermittency])


def _describe_intermittency(verdict: Verdict) -> list[str]:
    """Return sentences on what the absolute error does not show where many values are zero."""
    facts = verdict.intermittency
    if facts.n_series == 0 or facts.n_series < MIN_INTERMITTENT * verdict.n_series:
        return []
    which = f"of {facts.n_series:,} of the {verdict.n_series:,} series " if verdict.n_series > 1 else ""
    bias = _describe_percent(facts.bias, "{size} % too high", "{size} % too low", "right")
    forecasts = f"forecasts are {bias} on average" if bias else ""
    if verdict.measure.startswith(("rmse", "rmsse")):
        return [f"Many values {which}are zero" + (f"; the {forecasts}." if bias else ".")]
    model, baseline = TITLES.get(verdict.model, verdict.model), POSSESSIVES[verdict.baseline].partition(" (")[0]
    error = _describe_percent(
        facts.rmse_difference, "{size} % smaller than", "{size} % larger than", "about as large as"
    )
    parts = [f"the {model}'s root mean squared error is {error} {baseline}"] if error else []
    parts += [f"{'its' if parts else 'the'} {forecasts}"] if bias else []
    known = f": {', and '.join(parts)}." if parts else "."
    sentence = f"Many values {which}are zero, and the absolute error favors forecasts near zero{known}"
    return [sentence, 'Take point="mean" for the expected demand.']


def _describe_percent(percent: float, positive: str, negative: str, small: str) -> str:
    """Return a percentage in words; "" where it is not known."""
    if percent != percent:
        return ""
    if abs(percent) < MIN_DIFFERENCE:
        return small
    return (positive if percent > 0 else negative).format(size=f"{abs(percent):.0f}")
