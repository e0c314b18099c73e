"""Weights and sizes from past errors equal their equations in float64, and know nothing of the future."""

from __future__ import annotations

import numpy as np

from gatecast.forecasting.pretrained.hf.clock import TOKENS
from gatecast.forecasting.pretrained.hf.past_errors import (
    MIN_ERROR,
    NEWEST_BLOCKS,
    NEWEST_SHARE,
    QUARTERS,
    TRUST,
    past_errors,
)


def made(seed=0):
    """Return three simple forecasts, what followed and whether it is known, of 40 tokens of two values."""
    rng = np.random.default_rng(seed)
    seen = rng.normal(size=(40, 16, 4)).astype(np.float32)
    simple = (seen + rng.normal(size=(3, 40, 16, 4)) * np.array([0.3, 1, 2])[:, None, None, None]).astype(np.float32)
    return simple, seen, rng.random((40, 16, 4)) < 0.8


def test_past_errors_equal_their_equations():
    simple, seen, known = made()
    past, k, n = past_errors(simple, seen, known), 33, 2
    logs = np.empty((2, 3, QUARTERS))
    for which, first in enumerate((0, k - TOKENS + 1 - NEWEST_BLOCKS)):
        part = slice(first, k - TOKENS + 1)
        for g in range(QUARTERS):
            steps = slice(4 * g, 4 * g + 4)
            error = np.abs(simple[:, part, steps, n] - seen[part, steps, n]).astype(float)
            counted = known[part, steps, n]
            logs[which, :, g] = np.log((error * counted).sum(axis=(1, 2)) / counted.sum() + MIN_ERROR)
    mixed = (1 - NEWEST_SHARE) * logs[0] + NEWEST_SHARE * logs[1]
    logits = -TRUST * mixed
    np.testing.assert_allclose(past.logits[k, :, :, n], (logits - logits.mean(axis=0)).T, rtol=1e-4)
    shares = np.exp(logits) / np.exp(logits).sum(axis=0)
    np.testing.assert_allclose(past.size[k, n], np.exp((shares * mixed).sum(axis=0)).mean(), rtol=1e-4)
    centre = logs[1].mean(axis=1).mean()
    np.testing.assert_allclose(past.inputs[4 + 1][k, n], logs[1, 1].mean() - centre, rtol=1e-4)


def test_past_errors_trust_what_erred_least():
    past = past_errors(*made())
    assert (past.logits[20:].argmax(axis=2) == 0).all()
    assert (past.size[20:] < 0.5).all()


def test_past_errors_before_the_first_block_is_over_are_neutral():
    past = past_errors(*made())
    assert not past.logits[:TOKENS].any()
    assert (past.size[:TOKENS] == 1).all()


def test_past_errors_do_not_read_blocks_that_are_not_over():
    simple, seen, known = made()
    simple_2, seen_2, known_2 = (x.copy() for x in (simple, seen, known))
    # What token 20 cannot know: all that follows its end.
    for k in range(40):
        unknown = np.arange(k, k + 8) >= 20
        later = np.repeat(unknown, 2)
        seen_2[k, later] = 99
    simple_2[:, 21:] = -50
    one, two = past_errors(simple, seen, known), past_errors(simple_2, seen_2, known_2)
    for a, b in zip([*one.inputs, *one.newest, one.size], [*two.inputs, *two.newest, two.size], strict=True):
        np.testing.assert_array_equal(a[:21], b[:21])
    np.testing.assert_array_equal(one.logits[:21], two.logits[:21])
