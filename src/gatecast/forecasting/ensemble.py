"""Several models side by side: what they learn from a panel, what they say, and their weighted mean.

Letters: R rows, h horizon, m season, Q quantiles, K models.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any, NamedTuple, TypeVar, cast

import numpy as np
import numpy.typing as npt

from gatecast.errors import ConfigError
from gatecast.forecasting.context import PanelContext
from gatecast.forecasting.es_rnn import model as es_lstm
from gatecast.forecasting.exogenous_regression import (
    ExogenousRegression,
    fit_regression,
    remove_effects,
    restore_effects,
    restore_insample_effects,
)
from gatecast.forecasting.monitoring import MonitorData, ValidationMonitor, mean_error
from gatecast.forecasting.panel_rnn import model as panel_lstm
from gatecast.forecasting.panel_rnn.model import Fitted, PanelRNNSettings
from gatecast.forecasting.presets import Recipe
from gatecast.forecasting.sequential_model import model as own_network
from gatecast.forecasting.voices import NETWORKS, Classical, Hybrids, Networks, Own, Theta, Voice
from gatecast.nn.sequential import Sequential
from gatecast.nn.training import StepRecord, ValidationErrors

__all__ = [
    "COMBINED",
    "Learned",
    "Tell",
    "fittest",
    "inverse_error_weights",
    "learn",
    "names",
    "one_ahead",
    "say",
    "say_far",
    "weighted_average",
]

Floats = npt.NDArray[np.float64]

COMBINED = "Ensemble"
"""Name of the weighted mean."""

Tell = Callable[[int, float, StepRecord], object]
"""Is told the number of the training, the share of all trainings that is done, and the step."""

TO_EQUAL = 0.5
"""How far weights by past errors are drawn to equal ones."""

POWER = 4.0
"""Weights before that: past errors to the minus this."""

BEHIND = 1.25
"""A model whose past errors are so many times the best one's is left out: it does not suit the data."""


class Learned(NamedTuple):
    """What was learnt from a panel.

    Args:
        voices: The models.
        effects: Scales and slopes of the columns beside the series.
        recipe: What they were made by.
        h: Steps that they say.
        m: Season.
        probabilities: Q levels.
    """

    voices: tuple[Voice, ...]
    effects: ExogenousRegression
    recipe: Recipe
    h: int
    m: int
    probabilities: tuple[float, ...]


def names(recipe: Recipe) -> list[str]:
    """What the models of a recipe are called."""
    networks = [panel_lstm.CELLS[recipe.members[0].cell][0]] if recipe.members else []
    others = {"ES-LSTM": recipe.hybrids, "Network": recipe.own, "DOT": recipe.theta}
    return [*networks, *(name for name, there in others.items() if there), *recipe.classical]


def learn(
    history: PanelContext,
    h: int,
    m: int,
    recipe: Recipe,
    seed: int,
    report: Tell | None = None,
    start: Learned | None = None,
    watched: MonitorData | None = None,
) -> Learned:
    """Train what a recipe asks for.

    Args:
        history: The series.
        h: Steps to learn.
        m: Season.
        recipe: Settings.
        seed: Same seed, same bits.
        report: Called after every update.
        start: What to go on from, made by the same recipe but for rate and steps; None: fresh weights.
        watched: What errors are looked at on: the panel networks stop where that on values not learnt from is least.

    Returns:
        The models.
    """
    effects = fit_regression(history, m)
    clean = remove_effects(effects, history)
    steps = recipe.steps
    old = {voice.name: voice for voice in start.voices} if start else {}

    def tell(k: int) -> Callable[[StepRecord], object] | None:
        """What training k reports to."""
        return report and (lambda step: report(k, (sum(steps[:k]) + step.number) / sum(steps), step))

    watcher = None if watched is None else ValidationMonitor(effects, watched)

    def watch(say: Callable[[Any, PanelContext], Floats]) -> Callable[[Any], ValidationErrors] | None:
        """How the errors of a member are looked at, which says something so."""
        return None if watcher is None else lambda one: watcher.measure(say(one, watcher.past), say(one, watcher.cut))

    def watch_panel(settings: PanelRNNSettings) -> Callable[[Fitted], ValidationErrors] | None:
        """The same of a panel network, which reads what it learnt from as it did then."""
        if watcher is None:
            return None
        near = panel_lstm.make_inputs(watcher.past, h, recipe.season, settings)
        old = panel_lstm.make_training_inputs(watcher.learnt, watcher.seen.backs, h, recipe.season, settings)
        return lambda member: watcher.measure(panel_lstm.predict(member, near), panel_lstm.predict(member, old))

    def say_own(member: own_network.Fitted, past: PanelContext) -> Floats:
        """What a network of the user's own says, which reads values alone."""
        return own_network.predict_quantiles(member, past.values, recipe.season)

    voices: list[Voice] = []
    if recipe.members:
        before = _trained(old.get(panel_lstm.CELLS[recipe.members[0].cell][0]), Networks, len(recipe.members))
        members = tuple(
            panel_lstm.fit(clean, h, recipe.season, settings, seed + k, tell(k), before[k], watch_panel(settings))
            for k, settings in enumerate(recipe.members)
        )
        voices.append(Networks(members, recipe.season))
    if recipe.hybrids:
        earlier = _trained(old.get("ES-LSTM"), Hybrids, len(recipe.hybrids))
        first = len(recipe.members)
        hybrids = tuple(
            es_lstm.fit(
                clean,
                h,
                m,
                settings,
                tell(first + k),
                earlier[k],
                watch(es_lstm.predict_quantiles) if first + k == 0 else None,
            )
            for k, settings in enumerate(recipe.hybrids)
        )
        voices.append(Hybrids(hybrids))
    if recipe.own:
        earlier = _trained(old.get("Network"), Own, len(recipe.own))
        own = tuple(
            own_network.fit(
                cast(Sequential, recipe.layers),
                clean.values,
                h,
                recipe.season,
                settings,
                seed + k,
                tell(k),
                earlier[k],
                None if k else watch(say_own),
            )
            for k, settings in enumerate(recipe.own)
        )
        voices.append(Own(own, recipe.season))
    if recipe.theta:
        voices.append(Theta(h, m, recipe.probabilities))
    voices += [Classical(h, m, recipe.probabilities, name) for name in recipe.classical]
    return Learned(tuple(voices), effects, recipe, h, m, recipe.probabilities)


Voices = TypeVar("Voices", Networks, Hybrids, Own)


def _trained(voice: Voice | None, kind: type[Voices], count: int) -> tuple[Any, ...]:
    """Members of a voice to go on from; None for each where there is none."""
    return voice.members if isinstance(voice, kind) else (None,) * count


def fittest(learned: Learned, past: PanelContext, actual: Floats) -> Learned:
    """Of networks that learnt in different ways, those of the way that made the smaller errors.

    Args:
        learned: Trained models.
        past: What they may see.
        actual: (R, h) what came then; NaN where unknown.

    Returns:
        The same with these networks alone, and a recipe that has as many members as before, all of them in that way.
    """
    first = learned.voices[0]
    if not isinstance(first, Networks):
        return learned

    def off(member: Fitted) -> float:
        return mean_error(learned.effects, partial(panel_lstm.predict_quantiles, member, m=first.season), past, actual)

    best = min(first.members, key=off).settings
    chosen = Networks(tuple(member for member in first.members if member.settings == best), first.season)
    recipe = replace(learned.recipe, members=(best,) * len(learned.recipe.members))
    return learned._replace(voices=(chosen, *learned.voices[1:]), recipe=recipe)


def say(learned: Learned, history: PanelContext) -> dict[str, Floats]:
    """What every model says of the h steps behind the end of each series.

    Args:
        learned: Trained models.
        history: Any series.

    Returns:
        (R, h, Q) a model, increasing along Q; NaN for series without a value.
    """
    return say_far(learned, history, learned.h)


def say_far(learned: Learned, history: PanelContext, steps: int) -> dict[str, Floats]:
    """`say` for any number of steps: beyond those learnt the models go on from their own medians.

    The distances to the median then grow as if errors of the stretches were independent:
    ``width[j h + k]^2 = j width[h]^2 + width[k]^2``.

    Args:
        learned: Trained models.
        history: Any series.
        steps: How far.

    Returns:
        (R, steps, Q) a model.
    """
    clean, mid = remove_effects(learned.effects, history), len(learned.probabilities) // 2
    answers = {}
    for voice in learned.voices:
        longer, said = clean, [voice.say(clean)]
        for _ in range(1, -(-steps // learned.h)):
            longer = longer.append(said[-1][..., mid])
            fresh, last = voice.say(longer), said[-1][:, -1:]
            middle = fresh[..., mid : mid + 1]
            far = np.hypot(last - last[..., mid : mid + 1], fresh - middle)
            far[..., :mid] *= -1
            said.append(middle + far)
        answers[voice.name] = restore_effects(learned.effects, history, np.concatenate(said, axis=1)[:, :steps])
    return answers


def one_ahead(learned: Learned, history: PanelContext) -> tuple[str, Floats]:
    """What the networks say of each value of the past, one step before it.

    Args:
        learned: Trained models.
        history: Any series.

    Returns:
        The networks' name; (R, T), NaN where no value lies before.

    Raises:
        ConfigError: A network of the user's own.
    """
    clean = remove_effects(learned.effects, history)
    for voice in learned.voices:
        if isinstance(voice, Networks):
            said = [panel_lstm.predict_insample(member, clean, voice.season) for member in voice.members]
        elif isinstance(voice, Hybrids):
            said = [es_lstm.predict_insample(member, clean) for member in voice.members]
        else:
            continue
        return voice.name, restore_insample_effects(learned.effects, history, np.asarray(np.median(said, axis=0)))
    what = learned.voices[0].name
    raise ConfigError("this model has no forecasts of the past", got=what, expected="LSTM, GRU, RNN or ES-LSTM")


def weighted_average(answers: Mapping[str, Floats], weights: Mapping[str, float]) -> Floats:
    """The weighted mean of the models' quantiles; a model that has no answer for a series is left out there.

    >>> weighted_average({"a": np.ones((1, 1, 1)), "b": np.zeros((1, 1, 1))}, {"a": 0.75, "b": 0.25}).item()
    0.75
    """
    total = whole = np.zeros(1)
    for name, weight in weights.items():
        known = np.isfinite(answers[name])
        total = total + np.where(known, answers[name], 0.0) * weight
        whole = whole + known * weight
    with np.errstate(invalid="ignore"):
        return np.asarray(total / whole)


def inverse_error_weights(answers: Mapping[str, Floats], actual: Floats, scale: Floats) -> dict[str, float]:
    """Weights of the models by the errors that they made, drawn half way to equal ones; 0 for one that is far behind.

    ``w = a / (2 sum a) + a e^-4 / (2 sum a e^-4)``, e the mean of |actual - median| / scale, over the models with e
    within a quarter of the least; a is 1 over the number of these that are networks, or that are not: what one network
    gets wrong, the others get wrong likewise.

    Args:
        answers: (S, h, Q) a model.
        actual: (S, h) what came, NaN where unknown.
        scale: (S,) unit of each series' errors.

    Returns:
        A weight a model; they sum to 1.

    Source: Smith & Wallis 2009 on why equal weights are hard to beat.

    >>> inverse_error_weights({"a": np.ones((1, 1, 1)), "b": np.ones((1, 1, 1))}, np.zeros((1, 1)), np.ones(1))
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
    network = np.array([name in NETWORKS for name in answers])
    alike = [max(1, int(np.count_nonzero(kind & (merit > 0)))) for kind in (network, ~network)]
    equal = np.where(merit > 0, np.where(network, 1.0 / alike[0], 1.0 / alike[1]), 0.0)
    merit *= equal
    w = TO_EQUAL * equal / equal.sum() + (1 - TO_EQUAL) * merit / merit.sum()
    return dict(zip(answers, w.tolist(), strict=True))
