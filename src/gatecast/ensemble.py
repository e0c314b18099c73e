"""Several models side by side: the median of the networks, the theta method, and their weighted mean.

Letters: S series, T columns, C cutoffs, h horizon, m season, Q quantiles, K models.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from gatecast import panel_lstm, theta
from gatecast.panel_lstm import Fitted, Step
from gatecast.recipes import Recipe

__all__ = ["COMBINED", "Learned", "combine", "fittest", "hide", "learn", "rolling", "say", "say_far", "weigh"]

Floats = npt.NDArray[np.float64]

COMBINED = "Ensemble"
"""Name of the weighted mean."""

LONGEST = 1024
"""Newest values of a series that the theta method looks at."""

TO_EQUAL = 0.5
"""How far weights by past errors are drawn to equal ones."""

POWER = 4.0
"""Weights before that: past errors to the minus this."""

BEHIND = 1.25
"""A model whose past errors are so many times the best one's is left out: it does not suit the data."""


class Learned(NamedTuple):
    """What was learnt from a panel.

    Args:
        members: Trained networks.
        name: What their median is called: "LSTM", "GRU", "RNN".
        recipe: What they were made by.
        h: Steps that they say.
        m: Season of the theta method.
        probabilities: Q levels.
        with_theta: Whether the theta method stands beside them.
    """

    members: tuple[Fitted, ...]
    name: str
    recipe: Recipe
    h: int
    m: int
    probabilities: tuple[float, ...]
    with_theta: bool


def learn(
    values: Floats,
    h: int,
    m: int,
    recipe: Recipe,
    seed: int,
    *,
    count: int | None = None,
    with_theta: bool = True,
    report: Callable[[int, Step], object] | None = None,
) -> Learned:
    """Train the networks of a recipe.

    Args:
        values: (S, T) aligned on the right; NaN is missing.
        h: Steps to learn.
        m: Season.
        recipe: Settings.
        seed: Same seed, same bits.
        count: Members that are trained, the first ones; None: all.
        with_theta: Whether the theta method is to stand beside them.
        report: Called with the member and its step.

    Returns:
        The networks.
    """
    members = []
    for k, settings in enumerate(recipe.members[:count]):
        told = None if report is None else (lambda step, k=k: report(k, step))
        members.append(panel_lstm.fit(values, h, recipe.season, settings, seed + k, told))
    first = recipe.members[0]
    return Learned(tuple(members), first.cell.upper(), recipe, h, m, first.probabilities, with_theta)


def fittest(learned: Learned, past: Floats, actual: Floats) -> Learned:
    """Of members that learnt in different ways, those of the way that made the smaller errors.

    Args:
        learned: Trained networks.
        past: (S, T) what they may see.
        actual: (S, h) what came then; NaN where unknown.

    Returns:
        The same with these members alone, and a recipe that has as many members as before, all of them in that way.
    """

    def error(member: Fitted) -> float:
        said = panel_lstm.quantiles(member, past, learned.recipe.season)
        off = np.abs(actual - said[..., said.shape[-1] // 2])
        return float(off[np.isfinite(off)].mean()) if np.isfinite(off).any() else np.inf

    best = min(learned.members, key=error).settings
    members = tuple(member for member in learned.members if member.settings == best)
    recipe = replace(learned.recipe, members=(best,) * len(learned.recipe.members))
    return learned._replace(members=members, recipe=recipe)


def say(learned: Learned, values: Floats) -> dict[str, Floats]:
    """What every model says of the h steps behind the end of each series.

    Args:
        learned: Trained networks.
        values: (S, T) of any series, aligned on the right.

    Returns:
        (S, h, Q) a model, increasing along Q; NaN for series without a value.
    """
    said = [panel_lstm.quantiles(member, values, learned.recipe.season) for member in learned.members]
    answers = {learned.name: np.median(said, axis=0) if len(said) > 1 else said[0]}
    if learned.with_theta:
        answers["DOT"] = theta.dot(values[:, -LONGEST:], learned.h, learned.m, learned.probabilities)
    return answers


def say_far(learned: Learned, values: Floats, steps: int) -> dict[str, Floats]:
    """`say` for any number of steps: beyond those learnt the models go on from their own medians.

    The distances to the median then grow as if errors of the stretches were independent:
    ``width[j h + k]^2 = j width[h]^2 + width[k]^2``.

    Args:
        learned: Trained networks.
        values: (S, T) of any series, aligned on the right.
        steps: How far.

    Returns:
        (S, steps, Q) a model.
    """
    answers = say(learned, values)
    parts = {name: [said] for name, said in answers.items()}
    mid = len(learned.probabilities) // 2
    for _ in range(1, -(-steps // learned.h)):
        for name, said in parts.items():
            longer = np.concatenate([values, *(part[..., mid] for part in said)], axis=1)[:, -values.shape[1] :]
            fresh = say(learned, longer)[name]
            middle, last = fresh[..., mid : mid + 1], said[-1][:, -1:]
            far = np.hypot(last - last[..., mid : mid + 1], fresh - middle)
            far[..., :mid] *= -1
            said.append(middle + far)
    return {name: np.concatenate(said, axis=1)[:, :steps] for name, said in parts.items()}


def rolling(values: Floats, backs: npt.NDArray[np.int64], h: int) -> tuple[Floats, Floats]:
    """The panel as it was at several cutoffs, and what came then.

    Args:
        values: (S, T) aligned on the right.
        backs: (C,) how many of the newest values each cutoff leaves out.
        h: Steps.

    Returns:
        (C S, T) what lay at or before each cutoff, aligned on the right; (C S, h) what came, NaN where unknown.

    >>> past, actual = rolling(np.array([[1.0, 2.0, 3.0]]), np.array([2, 1]), 2)
    >>> past.tolist(), actual.tolist()
    ([[nan, nan, 1.0], [nan, 1.0, 2.0]], [[2.0, 3.0], [3.0, nan]])
    """
    S, T = values.shape
    past = np.full((len(backs), S, T), np.nan)
    actual = np.full((len(backs), S, h), np.nan)
    for c, back in enumerate(backs.tolist()):
        past[c, :, back:] = hide(values, back)
        came = values[:, T - back : T - back + h]
        actual[c, :, : came.shape[1]] = came
    return past.reshape(-1, T), actual.reshape(-1, h)


def combine(answers: Mapping[str, Floats], weights: Mapping[str, float]) -> Floats:
    """The weighted mean of the models' quantiles; a model that has no answer for a series is left out there.

    >>> combine({"a": np.ones((1, 1, 1)), "b": np.zeros((1, 1, 1))}, {"a": 0.75, "b": 0.25}).item()
    0.75
    """
    total = whole = np.zeros(1)
    for name, weight in weights.items():
        known = np.isfinite(answers[name])
        total = total + np.where(known, answers[name], 0.0) * weight
        whole = whole + known * weight
    with np.errstate(invalid="ignore"):
        return np.asarray(total / whole)


def weigh(answers: Mapping[str, Floats], actual: Floats, scale: Floats) -> dict[str, float]:
    """Weights of the models by the errors that they made, drawn half way to equal ones; 0 for one that is far behind.

    ``w = 1 / 2 K + e^-4 / (2 sum e^-4)``, e the mean of |actual - median| / scale, K the models with e within a quarter
    of the least.

    Args:
        answers: (S, h, Q) a model.
        actual: (S, h) what came, NaN where unknown.
        scale: (S,) unit of each series' errors.

    Returns:
        A weight a model; they sum to 1.

    Source: Smith & Wallis 2009 on why equal weights are hard to beat.

    >>> weigh({"a": np.ones((1, 1, 1)), "b": np.ones((1, 1, 1))}, np.zeros((1, 1)), np.ones(1))
    {'a': 0.5, 'b': 0.5}
    """
    errors = []
    for said in answers.values():
        off = np.abs(actual - said[..., said.shape[-1] // 2]) / scale[:, None]
        known = np.isfinite(off)
        errors.append(float(off[known].mean()) if known.any() else np.nan)
    e = np.array(errors)
    known = np.isfinite(e).all() and e.min() > 0
    merit = (e.min() / e) ** POWER if known else np.ones(len(e))
    merit[merit < BEHIND**-POWER] = 0.0
    w = TO_EQUAL * (merit > 0) / np.count_nonzero(merit) + (1 - TO_EQUAL) * merit / merit.sum()
    return dict(zip(answers, w.tolist(), strict=True))


def hide(values: Floats, back: int) -> Floats:
    """The panel as it was `back` steps ago, aligned on the right again.

    >>> hide(np.array([[1.0, 2.0, 3.0]]), 1).tolist()
    [[1.0, 2.0]]
    """
    return values[:, : values.shape[1] - back] if back else values
