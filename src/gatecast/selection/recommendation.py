"""Which model to choose: facts from ranked scores, and sentences that state no more than the errors show."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from gatecast._utils.formatting import format_count
from gatecast.evaluation.significance import ALPHA, pairs_needed
from gatecast.plotting.charts import BASELINES
from gatecast.selection.ranking import MIN_SERIES

__all__ = ["Recommendation", "describe", "recommend"]

Kind = Literal["model", "baseline", "uncertain", "baselines_only"]


@dataclass(frozen=True)
class Recommendation:
    """The best model next to the best simple forecast.

    Args:
        kind: "model": significantly better than every simple forecast; "baseline": a simple forecast has the smallest
            error; "uncertain": the model's smaller error may be chance; "baselines_only": only simple forecasts were
            compared.
        model: The best model; "" if there is none.
        baseline: Column of the best simple forecast.
        measure: "mase", or "mae" where some error cannot be scaled.
        model_error: Error of the model.
        baseline_error: Error of the simple forecast.
        p_value: How often chance alone makes such a difference.
        equivalent: Models that are not significantly worse, the best first.
        fastest: The fastest of them, if it saves half the time.
        seconds: Seconds of the model and of the fastest.
        n_series: Number of series.
        n_pairs: Pairs of errors that a test compares.
        n_pairs_needed: Pairs below which no difference can be significant.
    """

    kind: Kind
    model: str
    baseline: str
    measure: str
    model_error: float
    baseline_error: float
    p_value: float = float("nan")
    equivalent: tuple[str, ...] = ()
    fastest: str | None = None
    seconds: tuple[float, float] = (0.0, 0.0)
    n_series: int = 1
    n_pairs: int = 1
    n_pairs_needed: int = 0


def recommend(scores: Mapping[str, Any], n_series: int, n_cutoffs: int) -> Recommendation:
    """Compare the best model with the best simple forecast.

    Args:
        scores: As from `ranking.rank_models`.
        n_series: Number of series.
        n_cutoffs: Number of cutoffs.

    Example:
        >>> scores = {"model": np.array(["lstm", "Naive"]), "mae": np.array([1.0, 2.0]), "mase": np.array([0.4, 0.8])}
        >>> scores |= {"p_value": np.array([0.01, np.nan]), "p_best": np.array([np.nan, 0.01]), "seconds": np.ones(2)}
        >>> recommend(scores, n_series=20, n_cutoffs=3).kind
        'model'
    """
    names = scores["model"].tolist()
    baseline = next(k for k, name in enumerate(names) if name in BASELINES)
    model = next((k for k, name in enumerate(names) if name not in BASELINES), None)
    measure = "mase" if np.isfinite(scores["mase"]).all() else "mae"
    baseline_error = float(scores[measure][baseline])
    if model is None:
        return Recommendation("baselines_only", "", names[baseline], measure, float("nan"), baseline_error)
    error, p_value = float(scores[measure][model]), float(scores["p_value"][model])
    kind: Kind = "baseline" if baseline_error <= error else "model" if p_value < ALPHA else "uncertain"
    equivalent = [k for k, p in enumerate(scores["p_best"]) if p >= ALPHA and names[k] not in BASELINES]
    seconds = scores["seconds"]
    fastest = min(equivalent, key=lambda k: seconds[k], default=model)
    saves_time = 2 * seconds[fastest] < seconds[model]
    n_pairs = n_series if n_series >= MIN_SERIES else n_series * n_cutoffs
    return Recommendation(
        kind,
        names[model],
        names[baseline],
        measure,
        error,
        baseline_error,
        p_value,
        tuple(names[k] for k in equivalent),
        names[fastest] if saves_time else None,
        (float(seconds[model]), float(seconds[fastest])),
        n_series,
        n_pairs,
        pairs_needed(),
    )


TEMPLATES = {
    "model": (
        "Take {model}: its {measure}, {error}, is {gain:.0f} % below that of {baseline} ({baseline_error}), the best "
        "simple forecast ({p})."
    ),
    "baseline": (
        "Take {baseline}: no model has a smaller error. Its {measure} is {baseline_error}; that of {model}, the best "
        "of the models, {error}."
    ),
    "uncertain": (
        "{model} has the smallest error: its {measure}, {error}, is {gain:.0f} % below that of {baseline} "
        "({baseline_error}). But such a difference may be chance ({p}): nothing here beats {baseline} beyond doubt."
    ),
    "baselines_only": (
        "Take {baseline}: of the simple forecasts it has the smallest error, a {measure} of {baseline_error}."
    ),
    "equivalent": "{names} {verb} not significantly worse.",
    "fastest": "{name} takes {fastest_time}, {model} {time}.",
    "correlated": "Errors of one series at several cutoffs are alike, so this is less sure than the test says.",
    "too_few": "With {pairs} no difference can be significant, however clear it is: {needed} are needed{source}.",
}
"""Sentences of a recommendation."""


def describe(recommendation: Recommendation) -> str:
    """Return a recommendation as sentences.

    Example:
        >>> describe(Recommendation("baselines_only", "", "Naive", "mae", float("nan"), 2.0))
        'Take the last value: of the simple forecasts it has the smallest error, a MAE of 2.'
    """
    r = recommendation
    sentences = [
        TEMPLATES[r.kind].format(
            model=r.model,
            baseline=_title(r.baseline),
            measure=r.measure.upper(),
            error=_error(r.measure, r.model_error),
            baseline_error=_error(r.measure, r.baseline_error),
            gain=100 * (1 - r.model_error / r.baseline_error) if r.baseline_error else 0.0,
            p="p < 0.001" if r.p_value < 0.001 else f"p = {r.p_value:.2g}",
        )
    ]
    if r.kind == "model":
        sentences += _describe_equivalent(r)
        sentences += [TEMPLATES["correlated"]] if r.n_series < MIN_SERIES else []
    if r.kind == "uncertain" and r.n_pairs < r.n_pairs_needed:
        few_series = r.n_series < MIN_SERIES
        pairs = f"{format_count(r.n_pairs, 'pair')} of errors" if few_series else f"{r.n_pairs} series"
        source = ", of more cutoffs or series" if few_series else ""
        sentences.append(TEMPLATES["too_few"].format(pairs=pairs, needed=r.n_pairs_needed, source=source))
    return " ".join(sentences)


def _describe_equivalent(r: Recommendation) -> list[str]:
    """Return sentences on models that are not significantly worse."""
    if not r.equivalent:
        return []
    single = len(r.equivalent) == 1
    sentences = [TEMPLATES["equivalent"].format(names=join_names(r.equivalent), verb="is" if single else "are")]
    if r.fastest is not None:
        name = "It" if single else f"{r.fastest}, the fastest of them,"
        time, fastest_time = (_duration(seconds) for seconds in r.seconds)
        sentences.append(TEMPLATES["fastest"].format(name=name, fastest_time=fastest_time, model=r.model, time=time))
    return sentences


def join_names(names: Sequence[str]) -> str:
    """Return names in a sentence.

    Example:
        >>> join_names(["lstm", "gru", "rnn"])
        'lstm, gru and rnn'
    """
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _title(column: str) -> str:
    """Return what a simple forecast is called in a sentence."""
    return {"Naive": "the last value", "Mean": "the mean"}.get(column, BASELINES[column])


def _error(measure: str, value: float) -> str:
    """Return an error as text."""
    return f"{value:.3f}" if measure == "mase" else f"{value:.4g}"


def _duration(seconds: float) -> str:
    """Return a duration as text."""
    return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:,.0f} s"
