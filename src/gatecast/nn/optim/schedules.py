"""Learning rate schedules: functions of the number of updates done, as in optax and Keras.

A schedule is a frozen dataclass that is called with the step, 0 for the first update, and returns the learning rate.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from gatecast._utils.validation import check_fraction, check_positive, check_positive_int

__all__ = ["SCHEDULES", "Schedule", "constant", "cosine", "one_cycle", "warmup"]

Schedule = Callable[[int], float]
"""A learning rate schedule: updates done -> learning rate of the next one."""


@dataclass(frozen=True)
class Constant:
    """``learning_rate`` at every step."""

    learning_rate: float

    def __call__(self, step: int) -> float:  # noqa: ARG002
        """Return the learning rate."""
        return self.learning_rate


@dataclass(frozen=True)
class Cosine:
    """``final + (learning_rate - final) (1 + cos(pi s)) / 2`` with s from 0 at the first step to 1 at the last."""

    learning_rate: float
    steps: int
    final: float = 0.0

    def __call__(self, step: int) -> float:
        """Return the learning rate at a step; `final` from step ``steps - 1`` on."""
        return _half_cosine(self.learning_rate, self.final, step / max(1, self.steps - 1))


@dataclass(frozen=True)
class OneCycle:
    """Half a cosine up to the peak, then half a cosine down."""

    peak: float
    steps: int
    warmup_fraction: float
    start: float
    final: float

    def __call__(self, step: int) -> float:
        """Return the learning rate at a step; `final` from step ``steps - 1`` on."""
        top, update = max(1.0, self.warmup_fraction * self.steps), step + 1
        if update <= top:
            return _half_cosine(self.start, self.peak, step / max(1.0, top - 1))
        return _half_cosine(self.peak, self.final, (update - top) / max(1.0, self.steps - top))


@dataclass(frozen=True)
class Warmup:
    """``schedule(step) (step + 1) / steps`` for the first steps, then ``schedule(step)``."""

    schedule: Schedule
    steps: int

    def __call__(self, step: int) -> float:
        """Return the learning rate at a step."""
        return self.schedule(step) * min(1.0, (step + 1) / self.steps)


def constant(learning_rate: float) -> Constant:
    """Return a schedule with the same learning rate at every step.

    Args:
        learning_rate: Above 0.

    Raises:
        ConfigError: A learning rate that is not above 0.

    >>> constant(0.001)(7)
    0.001
    """
    return Constant(check_positive(learning_rate, "learning_rate"))


def cosine(learning_rate: float, steps: int, final: float = 0.0) -> Cosine:
    """Return half a cosine from `learning_rate` at the first update down to `final` at update `steps`.

    ``final + (learning_rate - final) (1 + cos(pi s)) / 2``, s from 0 to 1

    Args:
        learning_rate: Learning rate of the first step, above 0.
        steps: Updates in total: epochs * ceil(samples / batch_size).
        final: Learning rate of the last step.

    Raises:
        ConfigError: A learning rate that is not above 0, or less than one step.

    Source: Loshchilov & Hutter 2017.

    >>> schedule = cosine(1.0, steps=3)
    >>> [round(schedule(step), 3) for step in (0, 1, 2, 3)]
    [1.0, 0.5, 0.0, 0.0]
    """
    return Cosine(check_positive(learning_rate, "learning_rate"), check_positive_int(steps, "steps"), float(final))


def one_cycle(
    peak: float, steps: int, warmup_fraction: float = 0.3, start_divisor: float = 25.0, final_divisor: float = 1e4
) -> OneCycle:
    """Return one cycle: from ``peak / start_divisor`` up to `peak`, down to ``peak / start_divisor / final_divisor``.

    Args:
        peak: Highest learning rate, above 0.
        steps: Updates in total: epochs * ceil(samples / batch_size).
        warmup_fraction: Fraction of the steps before the peak, in [0, 1).
        start_divisor: Ratio of the peak to the first learning rate.
        final_divisor: Ratio of the first learning rate to the last.

    Raises:
        ConfigError: A learning rate or divisor that is not above 0, a fraction outside [0, 1), or less than one step.

    Source: Smith & Topin 2018.

    >>> schedule = one_cycle(1.0, steps=10)
    >>> [round(schedule(step), 3) for step in (0, 2, 9)]
    [0.04, 1.0, 0.0]
    """
    warmup_fraction = check_fraction(warmup_fraction, "warmup_fraction", where="one_cycle")
    start = check_positive(peak, "peak") / check_positive(start_divisor, "start_divisor")
    final = start / check_positive(final_divisor, "final_divisor")
    return OneCycle(float(peak), check_positive_int(steps, "steps"), warmup_fraction, start, final)


def warmup(schedule: float | Schedule, steps: int) -> Warmup:
    """Return a schedule that rises linearly over its first steps to a learning rate or another schedule.

    Args:
        schedule: The learning rate or schedule to reach.
        steps: Updates until it is reached.

    Raises:
        ConfigError: A learning rate that is not above 0, or less than one step.

    >>> schedule = warmup(0.1, steps=2)
    >>> [schedule(step) for step in (0, 1, 2)]
    [0.05, 0.1, 0.1]
    """
    return Warmup(schedule if callable(schedule) else constant(schedule), check_positive_int(steps, "steps"))


SCHEDULES: Mapping[str, type[Constant] | type[Cosine] | type[OneCycle] | type[Warmup]] = {
    schedule.__name__: schedule for schedule in (Constant, Cosine, OneCycle, Warmup)
}
"""All schedules by name."""


def _half_cosine(start: float, end: float, fraction: float) -> float:
    """Return half a cosine from `start` at fraction 0 to `end` at fraction 1."""
    return end + (start - end) * 0.5 * (1.0 + math.cos(math.pi * min(1.0, fraction)))
