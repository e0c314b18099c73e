"""Learning curves: whether a network overfits, from when on, and what to do about it, in a sentence with its reason.

Letters: n updates or epochs, k looks at the error on values that are not learnt from ("new values").

A gap between two errors means something only if they are one error on two sets of values: see `looks`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from gatecast.errors import ConfigError, DataError
from gatecast.evaluation.trends import find_turning_point, smooth

__all__ = ["Diagnosis", "diagnose"]

Floats = npt.NDArray[np.float64]
Changes = dict[str, int | float]
Kind = Literal["overfits", "underfits", "sound", "unknown"]

LEAST, SHORT, LONG = 3, 8, 20
"""Looks below which nothing can be said, below which the last of them is the end, and from which they are smoothed."""

SURE = 2.0
"""Standard deviations of the noise that a fall has to have."""

RISE = 0.05
"""Rises and gains of a smaller share are of no account."""

GAP, WIDE = 0.10, 0.33
"""Gaps from which one is spoken of, and from which it is worth narrowing."""

SPEED, RECENT, CARRIES = 0.6, 0.025, 0.65
"""An error still falls if its last quarter did so much of what its best one did, or took so much of it away, and its
share in this so much of that of the error on learnt values."""

HALF, MORE, DROPOUT = 2, 4, 0.2
"""What units are divided by and steps multiplied by, steps of what does not carry over divided by, and the dropout."""

SMALL = 4
"""Units that are not made fewer."""


@dataclass(frozen=True)
class Diagnosis:
    """What learning curves say.

    Args:
        kind: "overfits", "underfits", "sound" or "unknown".
        sentence: What to do, and why.
        overfits: Whether the network as it stands has learnt by heart what does not carry over.
        onset_step: Step or epoch at which the error on new values is least, and after which it rises for good; None: it does
            not.
        generalization_gap: Share of the error on new values that is not there on learnt ones, at the end; NaN where unknown.
        suggestions: Settings to try, the surest first: "steps" or "epochs", "units", "dropout".
        curves: "step" and "loss" (n); "validation_step", "validation" and "training" (k), the last two the same error;
            "loss_smooth" (n) and "validation_smooth" (k). NaN where unknown.
    """

    kind: Kind
    sentence: str
    overfits: bool
    onset_step: int | None
    generalization_gap: float
    suggestions: Changes
    curves: dict[str, Floats]


class _Facts(NamedTuple):
    """What is known of a network besides its curves."""

    word: str
    """"step" or "epoch"."""
    units: int | None
    dropout: float
    weights: int | None
    values: int | None
    stopped: int | None


def diagnose(
    history: Mapping[str, Sequence[float]],
    *,
    units: int | None = None,
    dropout: float = 0.0,
    weights: int | None = None,
    values: int | None = None,
    stopped: int | None = None,
    rate: Callable[[int], float] | None = None,
) -> Diagnosis:
    """Whether a network overfits, underfits or is sound, by its learning curves.

    It overfits if the error on new values has a minimum after which it rises for good, by 5 % and beyond noise
    (`trends.turn`), or if it never fell while the one on learnt values did. It underfits if the error on new values was
    still falling at the end: the last quarter, counted in learning rate, took 2.5 % of it away, or 0.6 of what the best
    quarter did, and not much less than of the error on learnt values. The gap is ``1 - r training / validation``; the
    ratio r of both errors before anything was learnt, or else at the first look, takes out that one set of values may
    be harder than the other.

    Args:
        history: `Forecaster.training_history_`, or `history` of what `Sequential.fit` gives. Of the latter, whose loss is the
            mean over an epoch, the loss of two epochs is taken as that between them; with dropout it is too large, and
            the gap too small: "training", errors on learnt values after every epoch, may be given beside it.
        units: Of the recurrent layers.
        dropout: That is there already.
        weights: Numbers that are learnt.
        values: Numbers that they are learnt from.
        stopped: Step or epoch whose weights were taken in the end; None: the last one.
        rate: Learning rate by step, from 1; None: it is about the same throughout.

    Raises:
        ConfigError: A history without losses.
        DataError: Lists of different lengths.

    Source: Prechelt 1998 on when to stop.

    >>> step = np.arange(1, 41)
    >>> advice = diagnose({"loss": list(1 / step), "val_loss": list(1 / step + 0.004 * step)}, units=64)
    >>> advice.kind, advice.onset_step, advice.suggestions
    ('overfits', 16, {'epochs': 16, 'dropout': 0.2})
    >>> print(advice.sentence)
    It overfits from epoch 16 of 40 on, as the error on new values rises by 37 % from there while that on learnt \
values falls: stop there, or use dropout.
    """
    curves, word, untrained = _curves(history)
    facts = _Facts(word, units, dropout, weights, values, stopped)
    known = np.isfinite(curves["validation"])
    at, new, old = (curves[name][known] for name in ("validation_step", "validation", "training"))
    first = untrained if np.isfinite(untrained).all() else np.array([*new[:1], *old[:1]])
    ratio = first[0] / first[1] if len(first) == 2 and first[1] > 0 else 1.0
    gap = float(1 - ratio * old[-1] / new[-1]) if len(new) and new[-1] > 0 else float("nan")
    if reason := _unclear(curves, known, word):
        return Diagnosis("unknown", reason, False, None, gap, {}, curves)
    if np.isfinite(untrained[0]):
        at, new, old = np.r_[0.0, at], np.r_[untrained[0], new], np.r_[untrained[1], old]
    kind, began, changes, sentence = _judged(facts, at, new, old, gap, rate)
    return Diagnosis(kind, sentence, kind == "overfits", began, gap, changes, curves)


class _Judged(NamedTuple):
    """What is to be said."""

    kind: Kind
    began: int | None
    changes: Changes
    sentence: str


def _judged(
    facts: _Facts, at: Floats, new: Floats, old: Floats, gap: float, rate: Callable[[int], float] | None
) -> _Judged:
    """By errors on new and on learnt values, the first of them from before learning if that is known."""
    low, apart, word, last = find_turning_point(new), find_turning_point(old), facts.word, int(at[-1])
    rise = low.rise / low.base if low.sure and low.base > 0 else 0.0
    if rise <= RISE:
        return _without_a_rise(facts, at, new, old, gap, rate)
    began, rises = max(int(at[low.at]), 1), f"as the error on new values rises by {_percent(rise)}"
    where = f"from {word} {began} of {last} on"
    if apart.sure and apart.rise > RISE * apart.base:
        say = f"It is not stable, {rises} {where}, and that on learnt values too: lower the learning rate."
        return _Judged("unknown", None, {}, say)
    if facts.stopped is not None and float(np.interp(facts.stopped, at, new)) < (1 + RISE) * low.base:
        say = f"It was stopped in time, at {word} {facts.stopped}, {rises} {where}: there is nothing to do."
        return _Judged("sound", began, {}, say)
    if not _gained(new):
        return _by_heart(facts, began, last, 1 - old[-1] / old[0])
    changes, also = _remedies(facts, {f"{word}s": began})
    say = f"It overfits {where}, {rises} from there while that on learnt values falls: stop there, or {also}."
    return _Judged("overfits", began, changes, say)


def _without_a_rise(
    facts: _Facts, at: Floats, new: Floats, old: Floats, gap: float, rate: Callable[[int], float] | None
) -> _Judged:
    """The error on new values falls, or has levelled off, or never moved."""
    word, last, fell = facts.word, int(at[-1]), 1 - old[-1] / old[0] if old[0] > 0 else 0.0
    if not _gained(new) and fell > RISE and gap > GAP:
        return _by_heart(facts, None, last, fell)
    recent, fast = _falls(at, new, old, rate)
    more = (MORE if fast else HALF) * last
    if recent > 0:
        how = "as fast as before" if fast else f"by {_percent(recent)} in the last quarter"
        say = f"It underfits, as the error on new values was still falling at the end, {how}: give it more {word}s, "
        return _Judged("underfits", None, {f"{word}s": more}, f"{say}say {more}.")
    if not _gained(new) and fell < RISE:
        say = (
            "Next to nothing was learnt, as neither the error on new values nor that on learnt ones fell: give it more "
        )
        say += f"{word}s, say {more}, and if that changes nothing, there is nothing to be learnt."
        return _Judged("unknown", None, {f"{word}s": more}, say)
    if gap > WIDE:
        changes, also = _remedies(facts, {})
        say = (
            f"It is sound, as the error on new values does not rise, but {_percent(gap)} of it is not there on learnt "
        )
        return _Judged("sound", None, changes, f"{say}values: to narrow this gap, {also}.")
    say = "It is sound, as the error on new values has levelled off and is not much larger than that on learnt ones: "
    return _Judged("sound", None, {}, f"{say}there is nothing to do.")


def _gained(new: Floats) -> bool:
    """Whether the error on new values was ever much smaller than at the beginning."""
    low = find_turning_point(new)
    return bool(low.at > 0 and low.base < (1 - RISE) * new[0])


def _by_heart(facts: _Facts, began: int | None, last: int, fell: float) -> _Judged:
    """All that was learnt was learnt by heart."""
    fewer = max(1, last // MORE)
    changes, also = _remedies(facts, {f"{facts.word}s": fewer})
    say = "What it learns does not carry over, as the error on new values never got much smaller than at first, while "
    say += f"that on learnt ones fell by {_percent(fell)}: prefer a simple forecast, or take fewer {facts.word}s, say "
    return _Judged("overfits", began, changes, f"{say}{fewer}, or {also}.")


def _percent(share: float) -> str:
    """A share in words."""
    return f"{100 * share:.0f} %"


def _remedies(facts: _Facts, changes: Changes) -> tuple[Changes, str]:
    """Further settings against overfitting, and the first of them in words."""
    words, found = [], dict(changes)
    if facts.units is not None and facts.units > SMALL and (facts.weights or 0) > (facts.values or np.inf):
        found["units"] = max(SMALL, facts.units // HALF)
        words.append(f"use fewer units, as {facts.weights:,} weights learn from {facts.values:,} values")
    if facts.dropout < DROPOUT / 2:
        found["dropout"] = DROPOUT
        words.append("use dropout")
    return found, words[0] if words else "give it more data"


def _falls(at: Floats, new: Floats, old: Floats, rate: Callable[[int], float] | None) -> tuple[float, bool]:
    """What share of the error the last quarter of learning took away, if it still falls; whether as much as before."""
    rates = np.ones(int(at[-1])) if rate is None else np.array([rate(k) for k in range(1, int(at[-1]) + 1)])
    work = np.concatenate([[0.0], np.cumsum(rates)])[at.astype(np.int64)]
    work = (work - work[0]) / (work[-1] - work[0])
    level, learnt = (smooth(one) if len(one) >= LONG else one for one in (new, old))
    few = 1 if len(new) < SHORT else 3
    quarters, end = np.interp([0.0, 0.25, 0.5, 0.75], work, level), float(np.median(level[-few:]))
    other, its = float(np.interp(0.75, work, learnt)), float(np.median(learnt[-few:]))
    before, look = float(quarters[-1]), int(np.searchsorted(work, 0.75))
    recent, sure = before - end, SURE * find_turning_point(new).noise * np.sqrt(3 / max(3, len(new) // 10))
    share = (float(np.median(work[-few:])) - 0.75) / 0.25
    fast = recent > SPEED * share * float(-np.diff(quarters).min()) and quarters[0] - end > 3 * sure
    # A steep bend at the beginning of the quarter, and what is learnt by heart, promise nothing.
    goes_on = level[look] - end > 2 * recent * (1 - work[look]) or look == len(work) - 1
    carries = recent / before > CARRIES * (other - its) / other
    falls = recent > sure and (fast or recent > RECENT * end) and goes_on and carries
    return (1 - float(level[-1]) / before if falls else 0.0), bool(fast)


def _unclear(curves: Mapping[str, Floats], known: npt.NDArray[np.bool_], word: str) -> str:
    """Why nothing can be said, as a sentence; empty if something can."""
    new, old = curves["validation"][known], curves["training"][known]
    if not len(known):
        why = "no error on new values was looked at: give it more rows, or validation data"
    elif not known[-1]:
        why = f"the error on new values is not a number at the last {word}: check the data, or lower the learning rate"
    elif len(new) < LEAST:
        why = f"the error on new values was looked at {len(new)} time{'s' * (len(new) > 1)} only: give it more {word}s"
    elif not np.isfinite(old).all():
        why = "the error on learnt values is not known: give it more rows"
    elif not new.max() > 0:
        why = "the error on new values is 0: there is nothing to do"
    else:
        return ""
    return f"Nothing can be said, as {why}."


def _curves(history: Mapping[str, Sequence[float]]) -> tuple[dict[str, Floats], str, Floats]:
    """Curves of either kind of history as arrays, the word for a step, and the errors before anything was learnt."""
    given = {name: np.asarray(values, np.float64) for name, values in history.items()}
    if "loss" not in given:
        raise ConfigError(
            "this is no history of a training",
            got=", ".join(map(repr, history)) or "nothing",
            expected='"loss"',
            fix="Give training_history_ of a Forecaster, or history.history of what Sequential.fit returns.",
        )
    loss, word = given["loss"], "step" if "validation_step" in given else "epoch"
    step = given.get("step", np.arange(1.0, len(loss) + 1))
    new = given.get("val_loss" if word == "epoch" else "validation", np.empty(0))
    at = given.get("validation_step", np.arange(1.0, len(new) + 1))
    # An epoch's loss is a mean over the epoch: that of its end lies between it and the next one.
    ends = np.append((loss[1:] + loss[:-1]) / 2, loss[-1:]) if word == "epoch" else np.full(len(at), np.nan)
    old = given.get("training", ends[: len(at)])
    for name, one, other in (("loss", loss, step), ("validation", new, at), ("training", old, at)):
        if one.shape != other.shape or one.ndim != 1:
            raise DataError(
                "the lists of a history are of different lengths",
                where=name,
                got=f"{one.shape}",
                expected=f"{other.shape}",
            )
    new = np.where(np.isfinite(new), new, np.nan)
    found = {
        "step": step,
        "loss": loss,
        "validation_step": at,
        "validation": new,
        "training": old,
        "loss_smooth": smooth(loss),
        "validation_smooth": smooth(new) if len(new) >= LONG else new,
    }
    before = given.get("untrained", np.empty(0))
    return found, word, before if before.shape == (2,) else np.full(2, np.nan)
