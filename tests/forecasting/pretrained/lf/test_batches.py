"""Batches: hidden values stay hidden, and what counts."""

from __future__ import annotations

import numpy as np

from gatecast.forecasting.pretrained.lf.batches import FIRST_ORIGIN, make_batch


def made(n=20, T=60, seed=0):
    """Return series and seasons."""
    rng = np.random.default_rng(seed)
    return np.exp(rng.normal(0, 0.1, (n, T)).cumsum(axis=1) + 3), rng.choice([1, 4, 12], n)


def test_make_batch_hides_values_but_not_targets():
    values, seasons = made()
    hidden = np.zeros((20, 36), bool)
    hidden[:, 20:30] = True
    other = values.copy()
    other[:, 20:30] *= 7
    one, two = (make_batch(v, seasons, 36, hidden) for v in (values, other))
    assert one.x.tobytes() == two.x.tobytes()
    assert (one.y[:, 15] != two.y[:, 15]).any()
    assert one.weight[:, 25].any()


def test_make_batch_weighs_known_targets_of_lanes_with_enough_values():
    values, seasons = made(n=18)
    values[0, :5] = np.nan
    batch = make_batch(values, seasons, 60)
    weight = batch.weight.transpose(0, 3, 1, 2).reshape(32, 60, 24)
    lane = batch.order.tolist().index(0)
    assert weight[18:].sum() == 0
    assert weight[lane].any(axis=1).argmax() == 5 + FIRST_ORIGIN
    assert np.delete(weight[:18], lane, axis=0)[:, FIRST_ORIGIN].all()
    assert weight[0, 58].tolist() == [1] + [0] * 23


def test_make_batch_begins_with_the_first_positive_value():
    values, seasons = made(n=16)
    values[:, :9] = 0
    weight = make_batch(values, seasons, 60).weight
    assert not weight[:, :9].any()
    assert weight[:, 9].all()
