"""Every gradient transformation keeps the contract, and each follows its formula."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from optimizer_examples import TRANSFORM_EXAMPLES, every_transform, gradients, run
from tolerances import close, rounding

from gatecast.errors import ConfigError
from gatecast.optim import (
    TRANSFORMS,
    apply_updates,
    chain,
    clip,
    clip_by_global_norm,
    clip_by_norm,
    ema,
    ema_params,
    scale_by_adam,
    scale_by_learning_rate,
    scale_by_momentum,
)


def test_every_transform_has_an_example():
    assert TRANSFORM_EXAMPLES.keys() == TRANSFORMS.keys()


@every_transform
def test_transformations_resume_from_their_state(transform, rng):
    gs, start = gradients(rng), rng.normal(size=37).astype(np.float32)
    whole, _ = run(transform, gs, start)
    half, state = run(transform, gs[:15], start)
    rest, _ = run(transform, gs[15:], half, copy.deepcopy(state), first=16)
    np.testing.assert_array_equal(rest, whole)


@every_transform
def test_transformations_of_zero_parameters_and_gradients_are_zero(transform):
    params = np.zeros(5, np.float32)
    moved, _ = run(transform, [np.zeros(5, np.float32)] * 3, params)
    assert not moved.any()


@every_transform
def test_transformations_treat_parameters_independently_unless_they_share_a_norm(transform, rng):
    gs, start = gradients(rng), rng.normal(size=37).astype(np.float32)
    if "norm" in repr(transform):
        return
    whole, _ = run(transform, gs, start)
    part, _ = run(transform, [g[5:20] for g in gs], start[5:20])
    np.testing.assert_array_equal(part, whole[5:20])


@given(st.floats(0.1, 10), st.integers(0, 5))
def test_clip_by_global_norm_shortens_and_keeps_the_direction(limit, seed):
    g = np.random.default_rng(seed).normal(size=50).astype(np.float32)
    clipped = clip_by_global_norm(limit).update(g.copy(), {}, g, 1)
    length = np.linalg.norm(g.astype(float))
    close(np.linalg.norm(clipped.astype(float)), min(length, limit), rounding(50))
    close(clipped * (length / min(length, limit)), g, rounding(50))


def test_clip_by_global_norm_with_overflowing_squares():
    g = np.full(4, 1e30, np.float32)
    with np.errstate(over="ignore"):
        close(clip_by_global_norm(1.0).update(g, {}, g, 1), np.full(4, 0.5), rounding(4))


def test_ema_is_a_plain_mean_first_and_exponential_later(rng):
    optimizer = chain(scale_by_learning_rate(1.0), ema(0.75))
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
    assert ema_params(scale_by_adam(), scale_by_adam().init(3)) is None


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: scale_by_adam(beta_1=1.0), "Invalid beta_1 1.0 (scale_by_adam)"),
        (lambda: scale_by_adam(epsilon=0), "Invalid epsilon 0 (scale_by_adam)"),
        (lambda: scale_by_momentum(-0.1), "Invalid momentum -0.1 (scale_by_momentum)"),
        (lambda: clip_by_global_norm(0), "Invalid max_norm 0 (clip_by_global_norm)"),
        (lambda: clip(-1), "Invalid max_delta -1 (clip)"),
        (lambda: chain(), "Invalid transformation None (chain)"),
        (lambda: chain("adam"), "Invalid transformation 'adam' (chain)"),
    ],
)
def test_invalid_settings_are_named(make, text):
    with pytest.raises(ConfigError) as caught:
        make()
    assert text in str(caught.value)


@every_transform
def test_transformations_can_be_copied_and_pickled(transform, rng):
    gs, start = gradients(rng), rng.normal(size=37).astype(np.float32)
    for again in (copy.deepcopy(transform), pickle.loads(pickle.dumps(transform))):
        np.testing.assert_array_equal(run(again, gs, start)[0], run(transform, gs, start)[0])


def test_clip_by_norm_shortens_each_variable():
    g = np.array([3.0, 4.0, 0.5, 6.0, 8.0], np.float32)
    clipped = clip_by_norm(1.0, (2, 1, 2)).update(g.copy(), {}, g, 1)
    close(clipped, [0.6, 0.8, 0.5, 0.6, 0.8], rounding(5))
