"""Learning rate schedules."""

from __future__ import annotations

import numpy as np
import pytest
from tolerances import EPS64, close, rounding

from gatecast.errors import ConfigError
from gatecast.optim import (
    chain,
    clip,
    constant,
    cosine,
    learning_rate_at,
    one_cycle,
    scale_by_adam,
    scale_by_learning_rate,
    warmup,
)


@pytest.mark.parametrize(
    ("schedule", "values"),
    [
        (constant(0.5), {0: 0.5, 10**6: 0.5}),
        (cosine(1.0, 11, final=0.2), {0: 1.0, 5: 0.6, 10: 0.2, 99: 0.2}),
        (cosine(1.0, 1), {0: 1.0}),
        (one_cycle(1.0, 100), {0: 1 / 25, 29: 1.0, 64: 0.5 * (1 + 4e-6), 99: 4e-6, 500: 4e-6}),
        (one_cycle(1.0, 1), {0: 1 / 25}),
        (warmup(0.5, 5), {0: 0.1, 4: 0.5, 5: 0.5}),
        (warmup(cosine(1.0, 11), 2), {0: 0.5, 5: 0.5, 10: 0.0}),
    ],
    ids=repr,
)
def test_schedules_pass_through_known_points(schedule, values):
    for step, value in values.items():
        close(schedule(step), value, rounding(10, EPS64))
    optimizer = chain(clip(1.0), scale_by_adam(), scale_by_learning_rate(schedule))
    assert [learning_rate_at(optimizer, step + 1) for step in values] == [schedule(step) for step in values]


def test_one_cycle_rises_then_falls():
    rates = [one_cycle(0.1, 50)(step) for step in range(50)]
    top = int(np.argmax(rates))
    assert 0 < top < 20
    assert (np.diff(rates[: top + 1]) > 0).all()
    assert (np.diff(rates[top:]) < 0).all()


def test_learning_rate_at_takes_any_function_as_schedule():
    assert learning_rate_at(scale_by_learning_rate(lambda step: 1.0 / (step + 1)), 4) == 0.25


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: cosine(0.1, 0), "Invalid steps 0"),
        (lambda: one_cycle(0.1, 10, warmup_fraction=1.0), "Invalid warmup_fraction 1.0 (one_cycle)"),
        (lambda: one_cycle(0, 10), "Invalid peak 0"),
        (lambda: warmup(0, 10), "Invalid learning_rate 0"),
    ],
)
def test_invalid_settings_are_named(make, text):
    with pytest.raises(ConfigError) as caught:
        make()
    assert text in str(caught.value)
