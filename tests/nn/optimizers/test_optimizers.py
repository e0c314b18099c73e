"""Optimizers follow their formulas and have the defaults of Keras."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest
from optimizer_examples import every_optimizer, gradients, run
from tolerances import close, rounding

from gatecast.errors import ConfigError
from gatecast.nn import optimizers
from gatecast.optim import apply_updates, chain, clip, clip_by_global_norm, cosine, ema
from gatecast.optimizers import SGD, Adagrad, Adam, AdamW, Nadam, RMSprop, get
from gatecast.optimizers.schedules import ExponentialDecay, LearningRateSchedule


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
    return 0.01 * s["m"] * np.sqrt(1 - 0.999**step) / (1 - 0.9**step) / (np.sqrt(s["v"]) + 1e-7)


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


def adagrad_formula(g, params, step, s):
    s["v"] = (0.1 if step == 1 else s["v"]) + g * g
    return 0.01 * g / np.sqrt(s["v"] + 1e-7)


def nadam_formula(g, params, step, s):
    u = [0.9 * (1 - 0.5 * 0.96**t) for t in range(1, step + 2)]
    s["m"], s["v"] = 0.9 * s["m"] + 0.1 * g, 0.999 * s["v"] + 0.001 * g * g
    m = u[-1] * s["m"] / (1 - np.prod(u)) + (1 - u[-2]) * g / (1 - np.prod(u[:-1]))
    return 0.01 * m / (np.sqrt(s["v"] / (1 - 0.999**step)) + 1e-7)


def sgd_decay_formula(g, params, step, s):
    s["m"] = 0.9 * s["m"] + 0.01 * g
    return s["m"] + 0.01 * 0.1 * params


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
        (SGD(0.01, 0.9, weight_decay=0.1), sgd_decay_formula),
        (RMSprop(0.01), rmsprop_formula),
        (Adagrad(0.01), adagrad_formula),
        (Nadam(0.01), nadam_formula),
        (SGD(0.01, clipvalue=0.5), lambda g, *_: 0.01 * np.clip(g, -0.5, 0.5)),
        (SGD(0.01, global_clipnorm=2.0), lambda g, *_: 0.01 * g * min(1, 2 / np.sqrt((g**2).sum()))),
        (SGD(0.01, clipnorm=2.0), lambda g, *_: 0.01 * g * min(1, 2 / np.sqrt((g**2).sum()))),
        (SGD(cosine(0.01, 30)), cosine_formula),
    ],
    ids=lambda x: getattr(x, "__name__", None),
)
def test_optimizers_follow_their_formulas(optimizer, formula, rng):
    gs, start = gradients(rng, steps=30), rng.normal(size=37).astype(np.float32)
    expected = follow(formula, gs, start, m=np.zeros(37), v=np.zeros(37))
    close(run(optimizer.transformation((37,)), gs, start)[0], expected, rounding(30 * 4))


def test_optimizers_have_the_defaults_of_keras():
    assert get("adam") == Adam(learning_rate=0.001, beta_1=0.9, beta_2=0.999, epsilon=1e-7)
    assert get("AdamW") == AdamW(learning_rate=0.001, weight_decay=0.004)
    assert get("sgd") == SGD(learning_rate=0.01, momentum=0.0, nesterov=False)
    assert get("RMSprop") == RMSprop(learning_rate=0.001, rho=0.9, momentum=0.0, epsilon=1e-7)
    assert SGD(0.1) != SGD(0.2)


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: get("adamm"), "Unknown optimizer 'adamm'. Did you mean adam?"),
        (lambda: get(Adam), "Invalid optimizer <class"),
        (lambda: Adam(-1), "Invalid learning_rate -1 (Adam): expected a number above 0"),
        (lambda: Adam("0.1"), "Invalid learning_rate '0.1'"),
        (lambda: Adam(beta_1=1.0), "Invalid beta_1 1.0 (Adam)"),
        (lambda: Nadam(epsilon=0), "Invalid epsilon 0"),
        (lambda: Adagrad(initial_accumulator_value=-1), "Invalid initial_accumulator_value -1"),
        (lambda: SGD(momentum=1.0), "Invalid momentum 1.0 (SGD)"),
        (lambda: Adam(lr=0.1), "lr= is not available (Adam). Write learning_rate="),
        (lambda: Adam(amsgrad=True), "amsgrad= is not available (Adam)"),
        (lambda: SGD(use_ema=True), "use_ema= is not available (SGD)"),
        (lambda: SGD(momentun=0.9), "Unknown argument 'momentun' (SGD). Did you mean momentum?"),
        (lambda: Adam(clipnorm=1, clipvalue=1), "clipnorm and clipvalue exclude each other (Adam)"),
        (lambda: AdamW(weight_decay=None), "Invalid weight_decay None (AdamW)"),
        (lambda: setattr(Adam(cosine(0.1, 9)), "learning_rate", 0.1), "follows a schedule"),
        (lambda: setattr(get(chain(clip(1.0))), "learning_rate", 0.1), "cannot be changed"),
    ],
)
def test_invalid_settings_are_named(make, text):
    with pytest.raises(ConfigError) as caught:
        make()
    assert text in str(caught.value)


def test_learning_rate_can_be_read_and_assigned_and_counts_from_the_next_update(rng):
    optimizer = SGD(0.5)
    transformation = optimizer.transformation()
    state, params = transformation.init(1), np.zeros(1, np.float32)
    apply_updates(transformation, np.ones(1, np.float32), state, params, 1)
    optimizer.learning_rate = 0.25
    apply_updates(transformation, np.ones(1, np.float32), state, params, 2)
    assert params.tolist() == [-0.75]
    assert optimizer.learning_rate == optimizer.learning_rate.numpy() == 0.25
    optimizer.learning_rate.assign(0.125)
    assert optimizer.learning_rate == 0.125


def test_learning_rate_of_a_schedule_is_that_of_the_next_update():
    class Halving(LearningRateSchedule):
        def __call__(self, step):
            return 0.5**step

    for schedule in (Halving(), ExponentialDecay(1.0, 1, 0.5)):
        optimizer = SGD(schedule)
        optimizer.iterations = 3
        assert optimizer.learning_rate == 0.125


def test_positional_arguments_are_those_of_keras():
    assert Adam(0.1, 0.8, 0.9, 1e-6, False, 0.01, None, None, 2.0).global_clipnorm == 2.0
    assert AdamW(0.1, 0.2, 0.8).beta_1 == 0.8
    assert SGD(0.1, 0.5, True, 0.01, 1.0).clipnorm == 1.0
    assert RMSprop(0.1, 0.8, 0.5, 1e-6, False, 0.01).weight_decay == 0.01


@pytest.mark.parametrize("name", ["Adam", "AdamW", "SGD", "RMSprop", "Adagrad", "Nadam"])
def test_optimizers_are_copied_and_described_by_their_settings(name):
    optimizer = getattr(optimizers, name)(0.05, clipnorm=1.0)
    assert copy.deepcopy(optimizer) == pickle.loads(pickle.dumps(optimizer)) == optimizer
    assert optimizers.from_data(optimizer.to_data()) == optimizer
    assert type(optimizer).from_config(optimizer.get_config()) == optimizer
    assert get(name) == get(name.lower()) == getattr(optimizers, name)()


def test_a_chain_is_an_optimizer_whose_learning_rate_can_be_read():
    optimizer = get(chain(clip_by_global_norm(1.0), SGD(0.5).transformation(), ema()))
    assert optimizer.learning_rate == 0.5
    assert optimizer.transformation().name == "chain"
