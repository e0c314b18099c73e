"""Every optimiser and every link keeps the same promises, and each follows its formula.

Letters: n parameters, g gradient, m and v moments, lr learning rate.
"""

from __future__ import annotations

import copy

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tolerances import EPS64, close, rounding

from gatecast import optim
from gatecast.errors import ConfigError
from gatecast.optim import (
    OPTIMIZERS,
    SGD,
    TRANSFORMS,
    Adam,
    AdamW,
    RMSprop,
    add_decayed_weights,
    apply_updates,
    chain,
    clip,
    clip_by_global_norm,
    constant,
    cosine,
    ema,
    ema_params,
    from_config,
    get,
    learning_rate,
    one_cycle,
    scale_by_adam,
    scale_by_learning_rate,
    scale_by_momentum,
    scale_by_rms,
    to_config,
    warmup,
)

OPTIMISERS = {
    "adam": Adam(0.05),
    "adamw": AdamW(0.05, weight_decay=1e-4),
    "sgd": SGD(0.1),
    "sgd with momentum": SGD(0.05, momentum=0.8),
    "sgd with nesterov": SGD(0.05, momentum=0.8, nesterov=True),
    "rmsprop": RMSprop(0.02),
    "rmsprop with momentum": RMSprop(0.01, momentum=0.5),
    "clipped, warmed up, averaged": chain(
        clip_by_global_norm(1.0), clip(0.9), Adam(warmup(cosine(0.1, 400), 10)), ema(0.9)
    ),
}
EACH_LINK = {
    "clip": clip(0.5),
    "clip_by_global_norm": clip_by_global_norm(0.5),
    "scale_by_adam": scale_by_adam(),
    "scale_by_rms": scale_by_rms(),
    "scale_by_momentum": scale_by_momentum(0.5, nesterov=True),
    "add_decayed_weights": add_decayed_weights(0.1),
    "scale_by_learning_rate": scale_by_learning_rate(one_cycle(0.1, 20)),
    "ema": ema(0.5),
}
every_optimiser = pytest.mark.parametrize("optimizer", OPTIMISERS.values(), ids=OPTIMISERS)
every_link = pytest.mark.parametrize("link", (OPTIMISERS | EACH_LINK).values(), ids=OPTIMISERS | EACH_LINK)


def gradients(rng, steps=30, n=37):
    """Some float32 gradients."""
    return [rng.normal(size=n).astype(np.float32) for _ in range(steps)]


def run(optimizer, gs, params, state=None, first=1):
    """Parameters after updates with given gradients."""
    params, state = params.copy(), optimizer.init(params.size) if state is None else state
    for step, g in enumerate(gs, first):
        apply_updates(optimizer, g.copy(), state, params, step)
    return params, state


def test_every_link_and_every_name_has_an_example():
    assert EACH_LINK.keys() == TRANSFORMS.keys()
    assert OPTIMIZERS.keys() <= OPTIMISERS.keys()


@every_optimiser
def test_a_badly_scaled_quadratic_is_minimised(optimizer):
    scales, target = np.float32([1, 3, 10]), np.float32([1, -2, 0.5])
    params, state = np.zeros(3, np.float32), optimizer.init(3)
    for step in range(1, 401):
        apply_updates(optimizer, scales * (params - target), state, params, step)
    # RMSprop with a constant rate circles the minimum at a distance of about the rate.
    close(params, target, 0.03)


@every_link
def test_the_state_is_all_there_is_to_remember(link, rng):
    gs, start = gradients(rng), rng.normal(size=37).astype(np.float32)
    whole, _ = run(link, gs, start)
    half, state = run(link, gs[:15], start)
    rest, _ = run(link, gs[15:], half, copy.deepcopy(state), first=16)
    np.testing.assert_array_equal(rest, whole)


@every_link
def test_no_gradient_no_move(link):
    params = np.zeros(5, np.float32)
    moved, _ = run(link, [np.zeros(5, np.float32)] * 3, params)
    assert not moved.any()


@every_link
def test_parameters_do_not_disturb_each_other_unless_the_norm_is_shared(link, rng):
    gs, start = gradients(rng), rng.normal(size=37).astype(np.float32)
    if "norm" in repr(link):
        return
    whole, _ = run(link, gs, start)
    part, _ = run(link, [g[5:20] for g in gs], start[5:20])
    np.testing.assert_array_equal(part, whole[5:20])


@every_link
def test_a_link_is_data_that_can_be_written_down(link, rng):
    again = from_config(to_config(link))
    assert again == link
    gs, start = gradients(rng), rng.normal(size=37).astype(np.float32)
    np.testing.assert_array_equal(run(again, gs, start)[0], run(link, gs, start)[0])


def follow(formula, gs, params, **state):
    """The same updates by a formula in float64: formula(g, params, step, state) -> step length."""
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
def test_an_optimiser_follows_its_formula(optimizer, formula, rng):
    gs, start = gradients(rng, steps=30), rng.normal(size=37).astype(np.float32)
    expected = follow(formula, gs, start, m=np.zeros(37), v=np.zeros(37))
    close(run(optimizer, gs, start)[0], expected, rounding(30 * 4))


def test_defaults_are_those_of_keras():
    assert get("adam") == Adam(learning_rate=0.001, beta_1=0.9, beta_2=0.999, epsilon=1e-7)
    assert get("AdamW") == AdamW(learning_rate=0.001, weight_decay=0.004)
    assert get("sgd") == SGD(learning_rate=0.01, momentum=0.0, nesterov=False)
    assert get("RMSprop") == RMSprop(learning_rate=0.001, rho=0.9, momentum=0.0, epsilon=1e-7)
    assert SGD(0.1) != SGD(0.2)


@given(st.floats(0.1, 10), st.integers(0, 5))
def test_clipping_shortens_and_never_turns(limit, seed):
    g = np.random.default_rng(seed).normal(size=50).astype(np.float32)
    clipped = clip_by_global_norm(limit).update(g.copy(), {}, g, 1)
    length = np.linalg.norm(g.astype(float))
    close(np.linalg.norm(clipped.astype(float)), min(length, limit), rounding(50))
    close(clipped * (length / min(length, limit)), g, rounding(50))


def test_clipping_copes_with_gradients_whose_squares_overflow():
    g = np.full(4, 1e30, np.float32)
    with np.errstate(over="ignore"):
        close(clip_by_global_norm(1.0).update(g, {}, g, 1), np.full(4, 0.5), rounding(4))


def test_the_average_is_a_plain_mean_first_and_forgets_later(rng):
    optimizer = chain(SGD(1.0), ema(0.75))
    gs, params = gradients(rng, steps=20), np.zeros(37, np.float32)
    state, expected, path = optimizer.init(37), np.zeros(37), []
    for step, g in enumerate(gs, 1):
        apply_updates(optimizer, g.copy(), state, params, step)
        path.append(params.astype(float))
        keep = min(0.75, 1 - 1 / step)
        expected = keep * expected + (1 - keep) * path[-1]
        if step == 4:
            close(ema_params(optimizer, state), np.mean(path, axis=0), rounding(8))
    close(ema_params(optimizer, state), expected, rounding(40))
    assert ema_params(SGD(1.0), SGD(1.0).init(3)) is None


@pytest.mark.parametrize(
    ("schedule", "values"),
    [
        (constant(0.5), {1: 0.5, 10**6: 0.5}),
        (cosine(1.0, 11, final=0.2), {1: 1.0, 6: 0.6, 11: 0.2, 99: 0.2}),
        (cosine(1.0, 1), {1: 1.0}),
        (one_cycle(1.0, 100), {1: 1 / 25, 30: 1.0, 65: 0.5 * (1 + 4e-6), 100: 4e-6, 500: 4e-6}),
        (one_cycle(1.0, 1), {1: 1 / 25}),
        (warmup(0.5, 5), {1: 0.1, 5: 0.5, 6: 0.5}),
        (warmup(cosine(1.0, 11), 2), {1: 0.5, 6: 0.5, 11: 0.0}),
    ],
    ids=repr,
)
def test_schedules_pass_through_their_points(schedule, values):
    for step, value in values.items():
        close(schedule(step), value, rounding(10, EPS64))
    optimizer = chain(clip(1.0), Adam(schedule))
    assert [learning_rate(optimizer, step) for step in values] == [schedule(step) for step in values]


def test_one_cycle_rises_then_falls():
    rates = [one_cycle(0.1, 50)(step) for step in range(1, 51)]
    top = int(np.argmax(rates))
    assert 0 < top < 20
    assert (np.diff(rates[: top + 1]) > 0).all()
    assert (np.diff(rates[top:]) < 0).all()


def test_a_rate_may_be_any_function_but_then_it_stays_out_of_files():
    optimizer = SGD(lambda step: 1.0 / step)
    assert learning_rate(optimizer, 4) == 0.25
    with pytest.raises(ConfigError, match="a function of your own cannot be written to a file"):
        to_config(optimizer)


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (
            lambda: get("adamm"),
            "there is no optimizer of this name: got 'adamm', expected one of adam, adamw, sgd",
        ),
        (lambda: get(Adam), "this is not an optimizer: got <function Adam"),
        (lambda: Adam(0), "Invalid the learning rate 0"),
        (lambda: Adam("0.1"), "Invalid the learning rate '0.1'"),
        (lambda: Adam(beta_1=1.0), "Invalid scale_by_adam's beta_1 1.0"),
        (lambda: Adam(epsilon=0), "Invalid scale_by_adam's epsilon 0"),
        (lambda: SGD(momentum=-0.1), "Invalid scale_by_momentum's momentum -0.1"),
        (lambda: clip_by_global_norm(0), "Invalid clip_by_global_norm's limit 0"),
        (lambda: chain(), "a chain is made of links: got None"),
        (lambda: chain("adam"), "a chain is made of links: got 'adam'"),
        (lambda: cosine(0.1, 0), "Invalid steps 0"),
        (lambda: one_cycle(0.1, 10, warm=1.0), "Invalid one_cycle's warm 1.0"),
        (lambda: from_config({"exec": {}}), "this is not the description of an optimizer: got {'exec': {}}"),
        (lambda: from_config({}), "this is not the description of an optimizer"),
        (
            lambda: from_config({"clip": {"x": 1}}),
            "clip cannot be made from these settings",
        ),
    ],
)
def test_impossible_settings_are_named(make, text):
    with pytest.raises(ConfigError) as caught:
        make()
    assert text in str(caught.value)


def test_everything_public_is_there():
    assert all(hasattr(optim, name) for name in optim.__all__)
