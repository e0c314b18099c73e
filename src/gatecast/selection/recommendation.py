"""What to take, in words that say no more than the errors do.

Letters: K models, n pairs of errors.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from gatecast._utils.formatting import format_count
from gatecast.evaluation.significance import ALPHA, pairs_needed
from gatecast.plotting.charts import BASELINES
from gatecast.selection.ranking import FEW_SERIES

__all__ = ["recommend"]

ALSO = ", of more cutoffs or series"
"""Where more pairs come from if a cutoff is one."""


def recommend(scores: Mapping[str, Any], series: int, cutoffs: int) -> str:
    """Which model to take, beside the best simple forecast, and how sure that is.

    Args:
        scores: As `rating.rate` gives them.
        series: How many there are.
        cutoffs: How many there are.

    >>> one = {"model": np.array(["lstm", "Naive"]), "mae": np.array([1.0, 2.0]), "mase": np.array([0.4, 0.8])}
    >>> one |= {"p_value": np.array([0.01, np.nan]), "p_best": np.array([np.nan, 0.01]), "seconds": np.ones(2)}
    >>> recommend(one, series=20, cutoffs=3)
    'Take lstm: its MASE, 0.400, is 50 % below that of the last value (0.800), the best simple forecast (p = 0.01).'
    """
    names = scores["model"].tolist()
    simple = next(k for k, name in enumerate(names) if name in BASELINES)
    model = next(k for k, name in enumerate(names) if name not in BASELINES)
    measure = "mase" if np.isfinite(scores["mase"]).all() else "mae"
    write, other, p = _writer(measure), _name(names[simple]), float(scores["p_value"][model])
    mine, its = (float(scores[measure][k]) for k in (model, simple))
    if its <= mine:
        return (
            f"Take {other}: no model has a smaller error. Its {write(its)}; that of {names[model]}, the best of the "
            f"models, {write(mine, bare=True)}."
        )
    gain = f"{100 * (1 - mine / its):.0f} % below that of {other} ({write(its, bare=True)})"
    if p < ALPHA:
        said = f"Take {names[model]}: its {write(mine, verb=False)}, is {gain}, the best simple forecast ({_p(p)})."
        return " ".join([said, *_ties(scores, names, model), *_caution(series)])
    said = (
        f"{names[model]} has the smallest error: its {write(mine, verb=False)}, is {gain}. But such a difference may "
        f"be chance ({_p(p)}): nothing here beats {other} beyond doubt."
    )
    return " ".join([said, *_too_few(scores, series, cutoffs)])


def _ties(scores: Mapping[str, Any], names: Sequence[str], model: int) -> list[str]:
    """Models that are not significantly worse, and the fastest of them if it saves half the time."""
    seconds = scores["seconds"]
    level = [k for k, p in enumerate(scores["p_best"]) if p >= ALPHA and names[k] not in BASELINES]
    if not level:
        return []
    told = _listed([names[k] for k in level])
    said = [f"{told} {'is' if len(level) == 1 else 'are'} not significantly worse."]
    fast = min(level, key=lambda k: seconds[k])
    if 2 * seconds[fast] < seconds[model]:
        which = "It" if len(level) == 1 else f"{names[fast]}, the fastest of them,"
        said.append(f"{which} takes {_time(seconds[fast])}, {names[model]} {_time(seconds[model])}.")
    return said


def _caution(series: int) -> list[str]:
    """What the test takes for granted where a pair is a cutoff."""
    if series >= FEW_SERIES:
        return []
    return ["Errors of one series at several cutoffs are alike, so this is less sure than the test says."]


def _too_few(scores: Mapping[str, Any], series: int, cutoffs: int) -> list[str]:
    """Whether any difference could have been significant."""
    pairs = series if series >= FEW_SERIES else series * cutoffs
    needed = pairs_needed(int(np.isfinite(scores["p_value"]).sum()))
    if pairs >= needed:
        return []
    what, more = (f"{pairs} series", "") if series >= FEW_SERIES else (f"{format_count(pairs, 'pair')} of errors", ALSO)
    return [f"With {what} no difference can be significant, however clear it is: {needed} are needed{more}."]


def _writer(measure: str) -> Any:
    """How an error is written: "MASE is 0.81", "MASE, 0.81" or "0.81"."""

    def write(value: float, *, bare: bool = False, verb: bool = True) -> str:
        """One error."""
        number = f"{value:.3f}" if measure == "mase" else f"{value:.4g}"
        return number if bare else f"{measure.upper()}{' is' if verb else ','} {number}"

    return write


def _name(baseline: str) -> str:
    """What people call a simple forecast."""
    return {"Naive": "the last value", "Mean": "the mean"}.get(baseline, BASELINES[baseline])


def _p(p: float) -> str:
    """A value p."""
    return "p < 0.001" if p < 0.001 else f"p = {p:.2g}"


def _time(seconds: float) -> str:
    """A duration."""
    return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:,.0f} s"


def _listed(names: Sequence[str]) -> str:
    """Names in a row."""
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
