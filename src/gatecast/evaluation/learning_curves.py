"""Learning curves: whether a network overfits, from which step on, and what to change.

A gap between validation and training error means something only if both are one error on two sets of values; see
`forecasting.monitoring`. All judgments are relative: errors in any unit are judged alike.

Shapes: n updates or epochs, k measurements of the validation error.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from gatecast._utils.formatting import format_count
from gatecast.errors import ConfigError, DataError
from gatecast.evaluation.turning_points import find_turning_point, smooth

__all__ = ["Diagnosis", "describe", "diagnose"]

FloatArray = npt.NDArray[np.float64]
Kind = Literal["overfitting", "underfitting", "good_fit", "inconclusive"]

MIN_MEASUREMENTS = 3
"""Measurements of the validation error below which nothing is concluded."""

MIN_FOR_MEDIAN = 8
"""Measurements from which the end of a curve is a median of three."""

MIN_FOR_SMOOTHING = 20
"""Measurements from which curves are smoothed."""

MIN_FALL_DEVIATIONS = 2.0
"""Standard deviations of the noise that a fall must have."""

MIN_CHANGE = 0.05
"""Share of an error below which a rise or a gain is negligible."""

MIN_GAP = 0.10
"""Generalization gap below which memorization is ruled out."""

WIDE_GAP = 0.33
"""Generalization gap from which narrowing it is suggested."""

MIN_SPEED = 0.6
"""An error still falls if the last quarter of the work did this share of what the best quarter did, or ..."""

MIN_RECENT_FALL = 0.025
"""... took this share of the error away; and ..."""

MIN_CARRY_OVER = 0.65
"""... if the validation error fell by this share of the fall of the training error."""

UNITS_DIVISOR = 2
"""What units are divided by against overfitting."""

SLOW_STEPS_FACTOR = 2
"""What steps are multiplied by where the error still falls slowly."""

FAST_STEPS_FACTOR = 4
"""What steps are multiplied by where it falls as fast as before, and divided by where nothing generalizes."""

SUGGESTED_DROPOUT = 0.2
"""Dropout that is suggested, unless half of it is used already."""

MIN_UNITS = 4
"""Units that are not reduced further."""


@dataclass(frozen=True)
class Diagnosis:
    """What learning curves show.

    Args:
        kind: "overfitting", "underfitting", "good_fit" or "inconclusive".
        reason: Why: a key of `TEMPLATES`.
        onset_step: Step or epoch of the smallest validation error, after which it rises for good; None: no rise.
        generalization_gap: Share of the final validation error that the training error does not have; NaN where
            unknown.
        suggestions: Settings to try, the most promising first: "max_steps" or "epochs", "units", "dropout".
        curves: "step" and "loss", [n]; "validation_step", "validation" and "training", [k], the last two one error on
            two sets of values; "loss_smooth", [n]; "validation_smooth", [k]. NaN where unknown.
        facts: Numbers of the sentence, by name.
    """

    kind: Kind
    reason: str
    onset_step: int | None
    generalization_gap: float
    suggestions: dict[str, int | float]
    curves: dict[str, FloatArray]
    facts: dict[str, Any] = field(default_factory=dict)

    @property
    def overfits(self) -> bool:
        """Whether the network as it stands memorized what does not generalize."""
        return self.kind == "overfitting"

    @property
    def sentence(self) -> str:
        """What to change, and why."""
        return describe(self)

    def __repr__(self) -> str:
        return f"Diagnosis({self.kind!r}, onset_step={self.onset_step}, suggestions={self.suggestions})"


TEMPLATES = {
    "rises": (
        "It overfits from {unit} {onset} of {last} on, as the validation error rises by {rise:.0%} from there while "
        "the training error falls: stop there, or {remedy}."
    ),
    "unstable": (
        "Training is unstable, as the validation error rises by {rise:.0%} from {unit} {onset} of {last} on, and the "
        "training error rises too: lower the learning rate."
    ),
    "stopped": (
        "Training stopped in time, at {unit} {stopped}, as the validation error rises by {rise:.0%} from {unit} "
        "{onset} of {last} on: no change is needed."
    ),
    "memorizes": (
        "It memorizes, as the validation error never fell much below its start while the training error fell by "
        "{fall:.0%}: prefer a simple forecast, or take fewer {unit}s, for example {steps}, or {remedy}."
    ),
    "falls_fast": (
        "It underfits, as the validation error was still falling at the end, as fast as before: train for more "
        "{unit}s, for example {steps}."
    ),
    "falls": (
        "It underfits, as the validation error was still falling at the end, by {fall:.0%} in the last quarter: train "
        "for more {unit}s, for example {steps}."
    ),
    "learns_nothing": (
        "Next to nothing was learned, as neither the validation nor the training error fell: train for more {unit}s, "
        "for example {steps}; if that changes nothing, the series has no pattern that it can learn."
    ),
    "gap": (
        "The fit is good, as the validation error does not rise, but {gap:.0%} of it is missing from the training "
        "error: to narrow this gap, {remedy}."
    ),
    "level": (
        "The fit is good, as the validation error has leveled off and is not much larger than the training error: no "
        "change is needed."
    ),
    "no_validation": "Inconclusive: no validation error was measured. Provide more rows, or validation data.",
    "not_finite": (
        "Inconclusive: the validation error is not a number at the last {unit}. Check the data, or lower the learning "
        "rate."
    ),
    "too_few": "Inconclusive: the validation error was measured {times} only. Train for more {unit}s.",
    "no_training": "Inconclusive: the training error is unknown. Provide more rows.",
    "zero": "Inconclusive: the validation error is 0. No change is needed.",
    "constant": "Inconclusive: no series varies.",
}
"""Sentences, by reason."""

REMEDIES = {
    "units": "use fewer units, as {weights:,} weights are trained on {values:,} values",
    "dropout": "use dropout",
    "data": "provide more data",
}
"""What else a sentence suggests."""


def describe(diagnosis: Diagnosis) -> str:
    """Return what to change, and why, as a sentence.

    Example:
        >>> describe(Diagnosis("inconclusive", "constant", None, float("nan"), {}, {}))
        'Inconclusive: no series varies.'
    """
    facts = diagnosis.facts
    remedy = REMEDIES[facts["remedy"]].format(**facts) if "remedy" in facts else ""
    text = TEMPLATES[diagnosis.reason].format(**{**facts, "remedy": remedy, "gap": diagnosis.generalization_gap})
    return text.replace("%", " %")


class _Training(NamedTuple):
    """What is known of a network besides its curves."""

    unit: str
    """"step" or "epoch"."""
    units: int | None
    dropout: float
    weights: int | None
    values: int | None
    stopped: int | None
    rate: Callable[[int], float] | None

    @property
    def setting(self) -> str:
        """Name of the setting that limits training."""
        return "max_steps" if self.unit == "step" else "epochs"


class _Errors(NamedTuple):
    """Errors at the steps at which they were measured, the first from before training if that is known, [k] each."""

    step: FloatArray
    validation: FloatArray
    training: FloatArray

    @property
    def last(self) -> int:
        """Step of the last measurement."""
        return int(self.step[-1])

    @property
    def training_fall(self) -> float:
        """Share by which the training error fell."""
        return float(1 - self.training[-1] / self.training[0]) if self.training[0] > 0 else 0.0


class _Finding(NamedTuple):
    """A diagnosis without curves."""

    kind: Kind
    reason: str
    onset_step: int | None = None
    suggestions: dict[str, int | float] = {}  # noqa: RUF012  # never changed
    facts: dict[str, Any] = {}  # noqa: RUF012


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
    """Diagnose overfitting and underfitting from learning curves.

    A network overfits if its validation error has a minimum after which it rises for good, by 5 % and beyond noise
    (`find_turning_point`), or if it never fell while the training error did. It underfits if the validation error was
    still falling at the end: the last quarter, counted in learning rate, took 2.5 % of it away, or 0.6 of what the best
    quarter did, and not much less than of the training error. The gap is ``1 - r training / validation``; the ratio r
    of both errors before training, or else at the first measurement, removes that one set of values may be harder than
    the other.

    Args:
        history: `Forecaster.training_history_`, or `history` of what `Sequential.fit` returns. The loss of the latter
            is a mean over an epoch, so the mean of two epochs is taken as the loss between them. With dropout it is
            too large, and the gap too small: "training", training errors after every epoch, may be added.
        units: Units of the recurrent layers.
        dropout: Dropout in use.
        weights: Number of weights.
        values: Number of values they are trained on.
        stopped: Step or epoch whose weights were kept; None: the last one.
        rate: Learning rate by updates done, from 0; None: it is about constant.

    Raises:
        ConfigError: A history without losses.
        DataError: Lists of different lengths.

    Source: Prechelt 1998 on when to stop.

    Example:
        >>> step = np.arange(1, 41)
        >>> diagnosis = diagnose({"loss": list(1 / step), "val_loss": list(1 / step + 0.004 * step)}, units=64)
        >>> diagnosis
        Diagnosis('overfitting', onset_step=16, suggestions={'epochs': 16, 'dropout': 0.2})
        >>> print(diagnosis.sentence)
        It overfits from epoch 16 of 40 on, as the validation error rises by 37 % from there while the training error \
falls: stop there, or use dropout.
    """
    curves, unit, untrained = _curves(history)
    network = _Training(unit, units, dropout, weights, values, stopped, rate)
    known = np.isfinite(curves["validation"])
    step, validation, training = (curves[name][known] for name in ("validation_step", "validation", "training"))
    gap = _generalization_gap(validation, training, untrained)
    finding = _inconclusive(curves, known, unit)
    if finding is None:
        if np.isfinite(untrained[0]):
            step = np.r_[0.0, step]
            validation, training = np.r_[untrained[0], validation], np.r_[untrained[1], training]
        finding = _judge(network, _Errors(step, validation, training), gap)
    return Diagnosis(finding.kind, finding.reason, finding.onset_step, gap, finding.suggestions, curves, finding.facts)


def _generalization_gap(validation: FloatArray, training: FloatArray, untrained: FloatArray) -> float:
    """Return the share of the final validation error that the training error does not have; NaN where unknown."""
    first = untrained if np.isfinite(untrained).all() else np.array([*validation[:1], *training[:1]])
    ratio = first[0] / first[1] if len(first) == 2 and first[1] > 0 else 1.0
    if not len(validation) or not validation[-1] > 0:
        return float("nan")
    return float(1 - ratio * training[-1] / validation[-1])


def _judge(network: _Training, errors: _Errors, gap: float) -> _Finding:
    """Judge errors; the validation error may rise, or not."""
    low, unit = find_turning_point(errors.validation), network.unit
    rise = low.rise / low.base if low.sure and low.base > 0 else 0.0
    if rise <= MIN_CHANGE:
        return _judge_without_rise(network, errors, gap)
    onset = max(int(errors.step[low.at]), 1)
    facts = {"unit": unit, "onset": onset, "last": errors.last, "rise": rise}
    training = find_turning_point(errors.training)
    if training.sure and training.rise > MIN_CHANGE * training.base:
        return _Finding("inconclusive", "unstable", facts=facts)
    stopped = network.stopped
    if stopped is not None:
        error = float(np.interp(stopped, errors.step, errors.validation))
        if error < (1 + MIN_CHANGE) * low.base:
            return _Finding("good_fit", "stopped", onset, facts=facts | {"stopped": stopped})
    if not _fell(errors.validation):
        return _memorizes(network, errors, onset, float(1 - errors.training[-1] / errors.training[0]))
    suggestions, remedy = _remedies(network)
    return _Finding("overfitting", "rises", onset, {network.setting: onset} | suggestions, facts | remedy)


def _judge_without_rise(network: _Training, errors: _Errors, gap: float) -> _Finding:
    """Judge a validation error that falls, has leveled off, or never changed."""
    fall, fell = errors.training_fall, _fell(errors.validation)
    if not fell and fall > MIN_CHANGE and gap > MIN_GAP:
        return _memorizes(network, errors, None, fall)
    recent, fast = _recent_fall(errors, network.rate)
    steps = (FAST_STEPS_FACTOR if fast else SLOW_STEPS_FACTOR) * errors.last
    suggestions: dict[str, int | float] = {network.setting: steps}
    facts: dict[str, Any] = {"unit": network.unit, "steps": steps, "fall": recent}
    if recent > 0:
        return _Finding("underfitting", "falls_fast" if fast else "falls", None, suggestions, facts)
    if not fell and fall < MIN_CHANGE:
        return _Finding("inconclusive", "learns_nothing", None, suggestions, facts)
    if gap > WIDE_GAP:
        suggestions, remedy = _remedies(network)
        return _Finding("good_fit", "gap", None, suggestions, remedy)
    return _Finding("good_fit", "level")


def _fell(validation: FloatArray) -> bool:
    """Return whether the validation error was ever much smaller than at the start."""
    low = find_turning_point(validation)
    return bool(low.at > 0 and low.base < (1 - MIN_CHANGE) * validation[0])


def _memorizes(network: _Training, errors: _Errors, onset: int | None, fall: float) -> _Finding:
    """Return the finding for a network that learned only what does not generalize."""
    steps = max(1, errors.last // FAST_STEPS_FACTOR)
    suggestions, remedy = _remedies(network)
    facts = {"unit": network.unit, "fall": fall, "steps": steps}
    return _Finding("overfitting", "memorizes", onset, {network.setting: steps} | suggestions, facts | remedy)


def _remedies(network: _Training) -> tuple[dict[str, int | float], dict[str, Any]]:
    """Return further settings against overfitting, and the facts for the first of them."""
    suggestions: dict[str, int | float] = {}
    units, weights, values = network.units, network.weights or 0, network.values or np.inf
    if units is not None and units > MIN_UNITS and weights > values:
        suggestions["units"] = max(MIN_UNITS, units // UNITS_DIVISOR)
    if network.dropout < SUGGESTED_DROPOUT / 2:
        suggestions["dropout"] = SUGGESTED_DROPOUT
    return suggestions, {"remedy": next(iter(suggestions), "data"), "weights": weights, "values": values}


def _recent_fall(errors: _Errors, rate: Callable[[int], float] | None) -> tuple[float, bool]:
    """Return the share of the error that the last quarter took away, 0 if it no longer falls; whether it was fast."""
    step, validation, training = errors
    rates = np.ones(errors.last) if rate is None else np.array([rate(k) for k in range(errors.last)])
    work = np.concatenate([[0.0], np.cumsum(rates)])[step.astype(np.int64)]
    work = (work - work[0]) / (work[-1] - work[0])
    level, fitted = (smooth(curve) if len(curve) >= MIN_FOR_SMOOTHING else curve for curve in (validation, training))
    n_end = 1 if len(validation) < MIN_FOR_MEDIAN else 3
    quarters, end = np.interp([0.0, 0.25, 0.5, 0.75], work, level), float(np.median(level[-n_end:]))
    training_before, training_end = float(np.interp(0.75, work, fitted)), float(np.median(fitted[-n_end:]))
    before, first = float(quarters[-1]), int(np.searchsorted(work, 0.75))
    recent = before - end
    sure = MIN_FALL_DEVIATIONS * find_turning_point(validation).noise * np.sqrt(3 / max(3, len(validation) // 10))
    share = (float(np.median(work[-n_end:])) - 0.75) / 0.25
    fast = recent > MIN_SPEED * share * float(-np.diff(quarters).min()) and quarters[0] - end > 3 * sure
    # A steep bend at the beginning of the quarter, and memorization, promise nothing.
    continues = level[first] - end > 2 * recent * (1 - work[first]) or first == len(work) - 1
    carries_over = recent / before > MIN_CARRY_OVER * (training_before - training_end) / training_before
    falls = recent > sure and (fast or recent > MIN_RECENT_FALL * end) and continues and carries_over
    return (1 - float(level[-1]) / before if falls else 0.0), bool(fast)


def _inconclusive(curves: Mapping[str, FloatArray], known: npt.NDArray[np.bool_], unit: str) -> _Finding | None:
    """Return why nothing can be concluded; None if something can."""
    validation, training = curves["validation"][known], curves["training"][known]
    if not len(known):
        reason = "no_validation"
    elif not known[-1]:
        reason = "not_finite"
    elif len(validation) < MIN_MEASUREMENTS:
        reason = "too_few"
    elif not np.isfinite(training).all():
        reason = "no_training"
    elif not validation.max() > 0:
        reason = "zero"
    else:
        return None
    return _Finding("inconclusive", reason, facts={"unit": unit, "times": format_count(len(validation), "time")})


def _curves(history: Mapping[str, Sequence[float]]) -> tuple[dict[str, FloatArray], str, FloatArray]:
    """Return the curves of either kind of history, "step" or "epoch", and both errors before training."""
    arrays = {name: np.asarray(values, np.float64) for name, values in history.items()}
    if "loss" not in arrays:
        raise ConfigError(
            "Invalid history: it has no losses",
            got=", ".join(map(repr, history)) or "nothing",
            expected='"loss"',
            fix="Pass training_history_ of a Forecaster, or history.history of what Sequential.fit returns.",
            argument="history",
        )
    loss, unit = arrays["loss"], "step" if "validation_step" in arrays else "epoch"
    step = arrays.get("step", np.arange(1.0, len(loss) + 1))
    validation = arrays.get("val_loss" if unit == "epoch" else "validation", np.empty(0))
    validation_step = arrays.get("validation_step", np.arange(1.0, len(validation) + 1))
    # The loss of an epoch is a mean over it: that of its end lies between it and the next one.
    ends = (
        np.append((loss[1:] + loss[:-1]) / 2, loss[-1:]) if unit == "epoch" else np.full(len(validation_step), np.nan)
    )
    training = arrays.get("training", ends[: len(validation_step)])
    pairs = (("loss", loss, step), ("validation", validation, validation_step), ("training", training, validation_step))
    for name, curve, expected in pairs:
        if curve.shape != expected.shape or curve.ndim != 1:
            what = "Invalid history: its lists differ in length"
            raise DataError(what, where=name, got=f"{curve.shape}", expected=f"{expected.shape}", argument="history")
    validation = np.where(np.isfinite(validation), validation, np.nan)
    curves = {
        "step": step,
        "loss": loss,
        "validation_step": validation_step,
        "validation": validation,
        "training": training,
        "loss_smooth": smooth(loss),
        "validation_smooth": smooth(validation) if len(validation) >= MIN_FOR_SMOOTHING else validation,
    }
    untrained = arrays.get("untrained", np.empty(0))
    return curves, unit, untrained if untrained.shape == (2,) else np.full(2, np.nan)
