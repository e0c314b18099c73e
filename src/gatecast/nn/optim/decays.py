"""Learning rate schedules under their names in Keras.

Notation: s the number of updates done, 0 for the first.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from gatecast._utils.keywords import CheckedKeywords
from gatecast._utils.validation import check_non_negative, check_positive
from gatecast.errors import ConfigError

__all__ = [
    "DECAYS",
    "CosineDecay",
    "ExponentialDecay",
    "InverseTimeDecay",
    "LearningRateSchedule",
    "PiecewiseConstantDecay",
    "PolynomialDecay",
]


class LearningRateSchedule(metaclass=CheckedKeywords):
    """A learning rate schedule; derive from it and define `__call__(step)`, where the step is 0 for the first update.

    >>> class Halving(LearningRateSchedule):
    ...     def __call__(self, step):
    ...         return 0.1 * 0.5**step
    >>> Halving()(2)
    0.025
    """

    def __call__(self, step: int) -> float:
        """Return the learning rate after `step` updates."""
        raise NotImplementedError(f"{type(self).__name__} must define __call__(self, step)")

    def get_config(self) -> dict[str, Any]:
        """Return the settings, as in Keras."""
        return dict(vars(self))

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> LearningRateSchedule:
        """Return a schedule from `get_config`."""
        return cls(**config)


@dataclass(frozen=True)
class ExponentialDecay(LearningRateSchedule):
    """``initial_learning_rate decay_rate^(s / decay_steps)``.

    Args:
        initial_learning_rate: Learning rate of the first update.
        decay_steps: Updates after which the rate has been multiplied by `decay_rate` once; above 0.
        decay_rate: The factor.
        staircase: Whether the exponent is rounded down, so that the rate falls in steps.
        name: For scripts written for Keras; not used.

    >>> schedule = ExponentialDecay(0.1, decay_steps=10, decay_rate=0.5)
    >>> [round(schedule(step), 4) for step in (0, 10, 20)]
    [0.1, 0.05, 0.025]
    """

    initial_learning_rate: float
    decay_steps: int
    decay_rate: float
    staircase: bool = False
    name: str = "ExponentialDecay"

    def __post_init__(self) -> None:
        _check_numbers(self, initial_learning_rate=check_non_negative, decay_rate=check_positive)
        _check_numbers(self, decay_steps=check_positive)

    def __call__(self, step: int) -> float:
        """Return the learning rate after `step` updates."""
        return float(self.initial_learning_rate * self.decay_rate ** _share(step, self.decay_steps, self.staircase))


@dataclass(frozen=True)
class InverseTimeDecay(LearningRateSchedule):
    """``initial_learning_rate / (1 + decay_rate s / decay_steps)``.

    Args:
        initial_learning_rate: Learning rate of the first update.
        decay_steps: The unit of s; above 0.
        decay_rate: How fast the rate falls.
        staircase: Whether ``s / decay_steps`` is rounded down.
        name: For scripts written for Keras; not used.

    >>> InverseTimeDecay(0.1, decay_steps=10, decay_rate=1.0)(10)
    0.05
    """

    initial_learning_rate: float
    decay_steps: int
    decay_rate: float
    staircase: bool = False
    name: str = "InverseTimeDecay"

    def __post_init__(self) -> None:
        _check_numbers(self, initial_learning_rate=check_non_negative, decay_rate=check_non_negative)
        _check_numbers(self, decay_steps=check_positive)

    def __call__(self, step: int) -> float:
        """Return the learning rate after `step` updates."""
        share = _share(step, self.decay_steps, self.staircase)
        return float(self.initial_learning_rate / (1 + self.decay_rate * share))


@dataclass(frozen=True)
class PolynomialDecay(LearningRateSchedule):
    """``(initial_learning_rate - end_learning_rate) (1 - s / decay_steps)^power + end_learning_rate``.

    Args:
        initial_learning_rate: Learning rate of the first update.
        decay_steps: Updates until `end_learning_rate` is reached; above 0.
        end_learning_rate: The last learning rate.
        power: The exponent.
        cycle: Whether, beyond `decay_steps`, the decay begins again over the next multiple of them.
        name: For scripts written for Keras; not used.

    >>> schedule = PolynomialDecay(0.1, decay_steps=10, end_learning_rate=0.0)
    >>> [schedule(step) for step in (0, 5, 10, 99)]
    [0.1, 0.05, 0.0, 0.0]
    """

    initial_learning_rate: float
    decay_steps: int
    end_learning_rate: float = 0.0001
    power: float = 1.0
    cycle: bool = False
    name: str = "PolynomialDecay"

    def __post_init__(self) -> None:
        _check_numbers(self, initial_learning_rate=check_non_negative, end_learning_rate=check_non_negative)
        _check_numbers(self, decay_steps=check_positive, power=check_non_negative)

    def __call__(self, step: int) -> float:
        """Return the learning rate after `step` updates."""
        steps = self.decay_steps * max(1, math.ceil(step / self.decay_steps)) if self.cycle else self.decay_steps
        share = min(step, steps) / steps
        fall = (self.initial_learning_rate - self.end_learning_rate) * (1 - share) ** self.power
        return float(fall + self.end_learning_rate)


@dataclass(frozen=True)
class PiecewiseConstantDecay(LearningRateSchedule):
    """``values[0]`` up to s = ``boundaries[0]``, then ``values[1]`` up to ``boundaries[1]``, and so on.

    Args:
        boundaries: Increasing numbers of updates.
        values: One learning rate more than there are boundaries.
        name: For scripts written for Keras; not used.

    >>> schedule = PiecewiseConstantDecay([100, 200], [0.1, 0.01, 0.001])
    >>> [schedule(step) for step in (0, 100, 101, 201)]
    [0.1, 0.1, 0.01, 0.001]
    """

    boundaries: tuple[int, ...]
    values: tuple[float, ...]
    name: str = "PiecewiseConstant"

    def __post_init__(self) -> None:
        for name in ("boundaries", "values"):
            numbers = getattr(self, name)
            if isinstance(numbers, str) or not isinstance(numbers, Iterable):
                expected = "a list of numbers"
                what = f"Invalid {name} {numbers!r}"
                raise ConfigError(what, where="PiecewiseConstantDecay", expected=expected, argument=name)
            object.__setattr__(self, name, tuple(numbers))
            for number in numbers:
                check_non_negative(number, name, where="PiecewiseConstantDecay")
        if len(self.values) != len(self.boundaries) + 1 or list(self.boundaries) != sorted(self.boundaries):
            raise ConfigError(
                "Invalid boundaries and values",
                where="PiecewiseConstantDecay",
                got=f"{len(self.boundaries)} boundaries and {len(self.values)} values",
                expected="increasing boundaries, and one value more",
                argument="values",
            )

    def __call__(self, step: int) -> float:
        """Return the learning rate after `step` updates."""
        return float(self.values[int(np.searchsorted(self.boundaries, step, side="left"))])


@dataclass(frozen=True)
class CosineDecay(LearningRateSchedule):
    """Half a cosine, after a linear rise if there is one.

    ``initial_learning_rate ((1 - alpha) (1 + cos(pi s / decay_steps)) / 2 + alpha)``; with `warmup_target`, the rate
    rises from `initial_learning_rate` to it over `warmup_steps`, and the cosine begins there.

    Args:
        initial_learning_rate: Learning rate of the first update.
        decay_steps: Updates of the cosine; above 0.
        alpha: The last learning rate, as a fraction of the first of the cosine.
        name: For scripts written for Keras; not used.
        warmup_target: Learning rate at the end of the rise; None: no rise.
        warmup_steps: Updates of the rise.

    Source: Loshchilov & Hutter 2017.

    >>> schedule = CosineDecay(0.1, decay_steps=10)
    >>> [round(schedule(step), 4) for step in (0, 5, 10)]
    [0.1, 0.05, 0.0]
    """

    initial_learning_rate: float
    decay_steps: int
    alpha: float = 0.0
    name: str = "CosineDecay"
    warmup_target: float | None = None
    warmup_steps: int = 0

    def __post_init__(self) -> None:
        _check_numbers(self, initial_learning_rate=check_non_negative, decay_steps=check_positive)
        _check_numbers(self, alpha=check_non_negative, warmup_steps=check_non_negative)
        if self.warmup_target is not None:
            _check_numbers(self, warmup_target=check_non_negative)

    def __call__(self, step: int) -> float:
        """Return the learning rate after `step` updates."""
        first, target = self.initial_learning_rate, self.warmup_target
        if target is not None and step < self.warmup_steps:
            return float(first + (target - first) * step / self.warmup_steps)
        if target is not None:
            first, step = target, step - self.warmup_steps
        cosine = 0.5 * (1 + math.cos(math.pi * min(step, self.decay_steps) / self.decay_steps))
        return float(first * ((1 - self.alpha) * cosine + self.alpha))


DECAYS: Mapping[str, type[LearningRateSchedule]] = {
    schedule.__name__: schedule
    for schedule in (ExponentialDecay, InverseTimeDecay, PolynomialDecay, PiecewiseConstantDecay, CosineDecay)
}
"""The schedules of Keras by name: those that a file may contain."""


def _check_numbers(schedule: LearningRateSchedule, **checks: Callable[..., float]) -> None:
    """Raise an error unless settings of a schedule pass their checks."""
    for name, check in checks.items():
        check(getattr(schedule, name), name, where=type(schedule).__name__)


def _share(step: int, steps: int, staircase: bool) -> float:
    """Return the fraction of the decay that is done, rounded down on a staircase."""
    return step // steps if staircase else step / steps
