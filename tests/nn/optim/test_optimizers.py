"""Optimizers follow their formulas and have the defaults of Keras."""

from __future__ import annotations

import numpy as np
import pytest
from optimizer_examples import every_optimizer, gradients, run
from tolerances import close, rounding

from gatecast.errors import ConfigError
from gatecast.optim import (
    SGD,
    Adam,
    AdamW,
    RMSprop,
    apply_updates,
    chain,
    clip,
    clip_by_global_norm,
    cosine,
    get,
)


@every_optimizer
def test_optimizers_minimize_a_badly_scaled_quadratic(optimizer):
    scales, target = np.float32([1, 3, 10]), np.float32([1, -2, 0.5])
    params, state = np.zeros(3, np.float32), optimizer.init(3)
    for step in range(1, 401):
        apply_updates(optimizer, scales * (params - target), state, params, step)
    # RMSprop with a constant rate circles the minimum at a distance of about the rate.
    close(params, target, 0.03)


def follow(formula, gs, params, **state):
    """Return parameters after updates by a float64 formula(g, params, step, state) -> step."""
    params = params.astype(float)
    for step, g in enumerate(gs, 1):
        params = params - formula(g.astype(float), params, step, state)
    return params


def adam_formula(g, params, step, s):
    s["m"], s["v"] = 0.9 * s["m"] + 0.1 * g, 0.999 * s["v"] + 0.001 * g * g
    return 0.01 * s["m"] / (1 - 0.9**step) / (np.sqrt(s["v"] / (1 - 0.999**step)) + 1e-7)


def adamw_formula(g, params, step, s):
    return adam_formula(g, params, step, s) + 0.01 * 0.1 * params


def nesterov_formula(g, params, step, s):
    s["m"] = 0.9 * s["m"] + 0.01 * g
    return 0.9 * s["m"] + 0.01 * g


def momentum_formula(g, params, step, s):
    s["m"] = 0.9 * s["m"] + 0.01 * g
    return s["m"]


def rmsprop_formula(g, params, step, s):
    s["v"] = 0.9 * s["v"] + 0.1 * g * g
    return 0.01 * g / np.sqrt(s["v"] + 1e-7)


def cosine_formula(g, _params, step, _s):
    return g * 0.01 * (1 + np.cos(np.pi * (step - 1) / 29)) / 2


@pytest.mark.parametrize(
    ("optimizer", "formula"),
    [
        (Adam(0.01), adam_formula),
        (AdamW(0.01, weight_decay=0.1), adamw_formula),
        (SGD(0.01), lambda g, *_: 0.01 * g),
        (SGD(0.01, 0.9), momentum_formula),
        (SGD(0.01, 0.9, nesterov=True), nesterov_formula),
        (RMSprop(0.01), rmsprop_formula),
        (chain(clip(0.5), SGD(0.01)), lambda g, *_: 0.01 * np.clip(g, -0.5, 0.5)),
        (
            chain(clip_by_global_norm(2.0), SGD(0.01)),
            lambda g, *_: 0.01 * g * min(1, 2 / np.sqrt((g**2).sum())),
        ),
        (SGD(cosine(0.01, 30)), cosine_formula),
    ],
    ids=lambda x: getattr(x, "__name__", None),
)
def test_optimizers_follow_their_formulas(optimizer, formula, rng):
    gs, start = gradients(rng, steps=30), rng.normal(size=37).astype(np.float32)
    expected = follow(formula, gs, start, m=np.zeros(37), v=np.zeros(37))
    close(run(optimizer, gs, start)[0], expected, rounding(30 * 4))


def test_optimizers_have_the_defaults_of_keras():
    assert get("adam") == Adam(learning_rate=0.001, beta_1=0.9, beta_2=0.999, epsilon=1e-7)
    assert get("AdamW") == AdamW(learning_rate=0.001, weight_decay=0.004)
    assert get("sgd") == SGD(learning_rate=0.01, momentum=0.0, nesterov=False)
    assert get("RMSprop") == RMSprop(learning_rate=0.001, rho=0.9, momentum=0.0, epsilon=1e-7)
    assert SGD(0.1) != SGD(0.2)


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: get("adamm"), "Unknown optimizer 'adamm': expected one of adam, adamw, sgd"),
        (lambda: get(Adam), "Invalid optimizer <function Adam"),
        (lambda: Adam(0), "Invalid learning_rate 0: expected a number above 0"),
        (lambda: Adam("0.1"), "Invalid learning_rate '0.1'"),
    ],
)
def test_invalid_settings_are_named(make, text):
    with pytest.raises(ConfigError) as caught:
        make()
    assert text in str(caught.value)
