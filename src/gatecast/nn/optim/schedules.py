"""Learning rates as functions of the step; the first update is step 1.

A schedule is a frozen description that is called with the step and returns the rate. `optim` re-exports them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from gatecast._utils.validation import check_fraction, check_positive, check_positive_int

__all__ = ["SCHEDULES", "Rate", "constant", "cosine", "one_cycle", "warmup"]

Rate = Callable[[int], float]


@dataclass(frozen=True)
class Constant:
    """``rate``."""

    rate: float

    def __call__(self, step: int) -> float:  # noqa: ARG002
        """The rate, whatever the step."""
        return self.rate


@dataclass(frozen=True)
class Cosine:
    """``final + (rate - final) (1 + cos(pi s)) / 2`` with s from 0 at the first step to 1 at the last."""

    rate: float
    steps: int
    final: float = 0.0

    def __call__(self, step: int) -> float:
        """The rate at a step; `final` from step `steps` on."""
        return _cosine(self.rate, self.final, (step - 1) / max(1, self.steps - 1))


@dataclass(frozen=True)
class OneCycle:
    """Half a cosine up to the peak, half a cosine down to almost nothing."""

    peak: float
    steps: int
    warm: float
    start: float
    final: float

    def __call__(self, step: int) -> float:
        """The rate at a step; `final` from step `steps` on."""
        top = max(1.0, self.warm * self.steps)
        if step <= top:
            return _cosine(self.start, self.peak, (step - 1) / max(1.0, top - 1))
        return _cosine(self.peak, self.final, (step - top) / max(1.0, self.steps - top))


@dataclass(frozen=True)
class Warmup:
    """``then(step) * step / steps`` for the first steps, ``then(step)`` afterwards."""

    then: Rate
    steps: int

    def __call__(self, step: int) -> float:
        """The rate at a step."""
        return self.then(step) * min(1.0, step / self.steps)


def constant(rate: float) -> Constant:
    """The same rate at every step.

    Args:
        rate: Above 0.

    Raises:
        ConfigError: A rate that is not above 0.

    >>> constant(0.001)(7)
    0.001
    """
    return Constant(check_positive(rate, "the learning rate"))


def cosine(rate: float, steps: int, final: float = 0.0) -> Cosine:
    """Half a cosine from `rate` at step 1 down to `final` at step `steps`.

    ``final + (rate - final) (1 + cos(pi s)) / 2``, s from 0 to 1

    Args:
        rate: First rate, above 0.
        steps: Updates in all: epochs * ceil(samples / batch_size).
        final: Last rate.

    Raises:
        ConfigError: A rate that is not above 0, or less than one step.

    Source: Loshchilov & Hutter 2017.

    >>> schedule = cosine(1.0, steps=3)
    >>> [round(schedule(step), 3) for step in (1, 2, 3, 4)]
    [1.0, 0.5, 0.0, 0.0]
    """
    return Cosine(check_positive(rate, "the learning rate"), check_positive_int(steps, "steps"), float(final))


def one_cycle(
    peak: float, steps: int, warm: float = 0.3, start_divisor: float = 25.0, final_divisor: float = 1e4
) -> OneCycle:
    """From ``peak / start_divisor`` up to `peak`, then down to ``peak / start_divisor / final_divisor``.

    Args:
        peak: Highest rate, above 0.
        steps: Updates in all: epochs * ceil(samples / batch_size).
        warm: Share of the steps on the way up.
        start_divisor: How far below the peak it starts.
        final_divisor: How far below its start it ends.

    Raises:
        ConfigError: A rate or divisor that is not above 0, a share outside [0, 1), or less than one step.

    Source: Smith & Topin 2018.

    >>> schedule = one_cycle(1.0, steps=10)
    >>> [round(schedule(step), 3) for step in (1, 3, 10)]
    [0.04, 1.0, 0.0]
    """
    warm = check_fraction(warm, "one_cycle's warm")
    start = check_positive(peak, "the peak rate") / check_positive(start_divisor, "start_divisor")
    return OneCycle(
        float(peak),
        check_positive_int(steps, "steps"),
        warm,
        start,
        start / check_positive(final_divisor, "final_divisor"),
    )


def warmup(then: float | Rate, steps: int) -> Warmup:
    """A straight line up to a rate, or to another schedule, over the first steps.

    Args:
        then: The rate or schedule to arrive at.
        steps: Updates on the way.

    Raises:
        ConfigError: A rate that is not above 0, or less than one step.

    >>> schedule = warmup(0.1, steps=2)
    >>> [schedule(step) for step in (1, 2, 3)]
    [0.05, 0.1, 0.1]
    """
    return Warmup(then if callable(then) else constant(then), check_positive_int(steps, "steps"))


SCHEDULES: Mapping[str, type[Constant] | type[Cosine] | type[OneCycle] | type[Warmup]] = {
    schedule.__name__: schedule for schedule in (Constant, Cosine, OneCycle, Warmup)
}
"""Every schedule by its name."""


def _cosine(begin: float, end: float, share: float) -> float:
    """Half a cosine from `begin` at share 0 to `end` at share 1."""
    return end + (begin - end) * 0.5 * (1.0 + math.cos(math.pi * min(1.0, share)))
