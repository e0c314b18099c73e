"""Batches: windows, hidden tokens, what counts."""

from __future__ import annotations

import numpy as np

from gatecast.forecasting.pretrained.hf.batches import FIRST_CYCLES, Windows, make_batch, places


def made(n=20, T=900, seed=0):
    """Return windows of series of three clocks."""
    rng = np.random.default_rng(seed)
    season = np.array([7, 24, 48])[np.arange(n) % 3]
    y = rng.normal(size=(n, T)) + 5 * np.sin(2 * np.pi * np.arange(T) / season[:, None])
    long = np.where(np.arange(n) % 2 == 0, 7 * season, 0)
    return Windows(y, season, long, np.full(n, 400), np.zeros(n, int))


def test_make_batch_hides_values_but_not_targets():
    windows = made()
    hidden = np.zeros((20, 40), bool)
    hidden[:, 20:30] = True
    other = windows.values.copy()
    for row, m in enumerate(windows.season):
        p = max(1, round(m / 8))
        other[row, 400 + 20 * p : 400 + 30 * p] *= 7
    one, two = (make_batch(windows._replace(values=v), 40, hidden) for v in (windows.values, other))
    assert one.x.tobytes() == two.x.tobytes()
    assert (one.y[:, 15] != two.y[:, 15]).any()
    assert one.weight[:, 25].any()


def test_make_batch_weighs_tokens_of_all_clocks_alike():
    batch = make_batch(made(), 40)
    filled = (batch.weight[:, 30] > 0).reshape(2, 8, 8, 16).sum(axis=2).transpose(0, 2, 1).reshape(32, 8)[:20]
    assert sorted(set(filled[:, 0].tolist())) == [1, 3, 6]
    size = np.nan_to_num(batch.weight[:, 30].reshape(2, 8, 8, 16))
    per_token = size.sum(axis=2).transpose(0, 2, 1).reshape(32, 8)[:20]
    np.testing.assert_allclose(per_token, np.repeat(per_token[:, :1], 8, axis=1), rtol=1e-5)
    assert not batch.weight[1, :, :, 4:].any()


def test_make_batch_begins_where_the_copies_have_seen_enough():
    windows = made()._replace(since=np.full(20, 400))
    batch = make_batch(windows, 40)
    weight = batch.weight.transpose(0, 3, 1, 2).reshape(32, 40, 64).any(axis=2)[:20]
    tokens = np.array([{7: 7, 24: 8, 48: 8}[m] for m in windows.season[batch.order]])
    assert (weight.argmax(axis=1) == FIRST_CYCLES * tokens - 1).all()


def test_make_batch_reads_nothing_before_since():
    windows = made()._replace(since=np.full(20, 350))
    changed = windows.values.copy()
    changed[:, :350] = 1e5
    one, two = (make_batch(windows._replace(values=v), 40) for v in (windows.values, changed))
    assert one.x.tobytes() == two.x.tobytes()
    assert one.anchors.values.tobytes() == two.anchors.values.tobytes()


def test_places_lie_in_the_middle_of_their_parts():
    assert places(1).tolist() == [0.0] * 8
    np.testing.assert_allclose(places(8), np.linspace(-0.875, 0.875, 8))
