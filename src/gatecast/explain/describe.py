"""Sentences for what is found about a fitted forecaster: templates that are filled with the facts of a result."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from gatecast.data.panel import format_times

if TYPE_CHECKING:
    from gatecast.explain.forecast_attribution import Explanation
    from gatecast.explain.permutation_importance import Importance

__all__ = ["describe_explanation", "describe_importance"]

N_NAMED = 3
"""Contributions, and columns, that a sentence names, at most."""

EXPLANATION = {
    "forecast": (
        "For {time}, step {step}, {networks} forecast {forecast:.4g} ({number}); for a series that stayed at its "
        "newest level they would forecast {baseline:.4g}, a difference of {difference:+.3g}."
    ),
    "largest": "The largest contributions: {contributions}.",
    "none": "None of their inputs matters.",
    "complete": "All contributions add up to the difference, within {error:.1g} % of their size.",
    "incomplete": "All contributions together are {total:+.3g}: with this method they need not add up.",
    "weight": "These networks have a weight of {weight:.0%} in the forecast; the other models are not explained.",
    "networks": "the {model} networks",
    "Sequential": "your own networks",
    "lag": "lag {lag}",
    "column": "column {column}",
    "contribution": "{name} ({size:+.3g})",
    "median": "median",
    "quantile": "{quantile:g} quantile",
}
"""Sentences about an attribution, and what they are put together from."""

IMPORTANCE = {
    "measured": (
        "Over {n_windows} past cutoffs, with models that were fitted before the first, each column shuffled "
        "{n_repeats} times:"
    ),
    "needed": "the mean absolute error grows without {columns}.",
    "column": "{column} by {increase:.3g} % ({low:.3g} to {high:.3g} %)",
    "not_needed": "no column is needed.",
    "unclear": "No clear difference: {columns}.",
}
"""Sentences about the importance of columns."""


def describe_explanation(explanation: Explanation) -> str:
    """Return an attribution as sentences: the forecast, its largest contributions, and how well they add up."""
    texts, contributions = EXPLANATION, _contributions(explanation)
    largest = sorted(contributions, key=lambda name: -abs(contributions[name]))[:N_NAMED]
    named = [
        texts["contribution"].format(name=name, size=contributions[name]) for name in largest if contributions[name]
    ]
    sentences = [
        texts["forecast"].format(
            time=format_times(np.array([explanation.time]))[0],
            step=explanation.step,
            networks=texts.get(explanation.model, texts["networks"]).format(model=explanation.model),
            forecast=explanation.forecast,
            number=texts["median" if explanation.quantile == 0.5 else "quantile"].format(quantile=explanation.quantile),
            baseline=explanation.baseline,
            difference=explanation.forecast - explanation.baseline,
        ),
        texts["largest"].format(contributions=", ".join(named)) if named else texts["none"],
    ]
    if explanation.method == "integrated":
        # An error below a thousandth of a percent is rounding.
        sentences.append(texts["complete"].format(error=max(100 * explanation.error, 0.001)))
    else:
        sentences.append(texts["incomplete"].format(total=sum(contributions.values())))
    if explanation.weight < 1:
        sentences.append(texts["weight"].format(weight=explanation.weight))
    return " ".join(sentences)


def _contributions(explanation: Explanation) -> dict[str, float]:
    """Return what each past value adds, and each column over all its times, by name."""
    table = explanation.table
    of_series = table["role"] == "value"
    lags = zip(table["lag"][of_series], table["attribution"][of_series], strict=True)
    contributions = {EXPLANATION["lag"].format(lag=lag): float(size) for lag, size in lags}
    for column in dict.fromkeys(table["feature"][~of_series].tolist()):
        rows = ~of_series & (table["feature"] == column)
        contributions[EXPLANATION["column"].format(column=column)] = float(table["attribution"][rows].sum())
    return contributions


def describe_importance(importance: Importance) -> str:
    """Return the importance of columns as sentences: which matter, by how much, and which make no difference."""
    texts, table = IMPORTANCE, importance.table
    rows = [dict(zip(table, row, strict=True)) for row in zip(*table.values(), strict=True)]
    needed = [texts["column"].format(**row) for row in rows if row["low"] > 0][:N_NAMED]
    unclear = [str(row["column"]) for row in rows if row["low"] <= 0]
    sentences = [
        texts["measured"].format(n_windows=importance.n_windows, n_repeats=importance.n_repeats),
        texts["needed"].format(columns="; ".join(needed)) if needed else texts["not_needed"],
    ]
    if needed and unclear:
        sentences.append(texts["unclear"].format(columns=", ".join(unclear)))
    return " ".join(sentences)
