"""Masked steps do not exist, for networks in Keras' words; and every call may have a length of its own.

Letters: N samples, T time, F features.
"""

from __future__ import annotations

import numpy as np
from tolerances import close, rounding

from gatecast.layers import GRU, LSTM, Dense, Input
from gatecast.models import Sequential


def small(*layers, F=2):
    """A compiled network for sequences of any length."""
    model = Sequential([Input((None, F)), *layers])
    model.compile(loss="mse", optimizer="adam")
    return model


def padded(rng, count=40, T=6, F=2):
    """Sequences of 1 to T steps padded on the right with NaN, their masks, and the means of what is there."""
    lengths = rng.integers(1, T + 1, count)
    mask = np.arange(T) < lengths[:, None]
    x = np.where(mask[:, :, None], rng.normal(size=(count, T, F)), np.nan)
    return x, mask, np.nanmean(x, axis=(1, 2))


def test_what_is_masked_does_not_exist(rng):
    x, mask, y = padded(rng)
    model = small(LSTM(6, return_sequences=True), GRU(4), Dense(1))
    model.fit(x, y, mask=mask, epochs=3, validation_data=(x[:5], y[:5], None, mask[:5]))
    whole = model.predict(x, mask=mask)
    losses = []
    for k in range(40):
        alone = x[k : k + 1, : mask[k].sum()]
        close(model.predict(alone), whole[k : k + 1], rounding(60))
        losses.append(model.evaluate(alone, y[k : k + 1]))
    close(model.evaluate(x, y, mask=mask), np.mean(losses), rounding(100))
    close(model.history.history["val_loss"][-1], np.mean(losses[:5]), rounding(100))
    as_numbers = model.predict(x, mask=mask.astype(int).tolist())
    np.testing.assert_array_equal(as_numbers, whole)


def test_training_under_a_mask_is_training_on_what_is_left(rng):
    x = rng.normal(size=(20, 6, 2))
    y = x.mean(axis=(1, 2))
    mask = np.tile(np.arange(6) < 4, (20, 1))
    one, two = (small(LSTM(5, return_sequences=True), LSTM(3), Dense(1)) for _ in range(2))
    histories = [one.fit(x, y, mask=mask, epochs=3), two.fit(x[:, :4], y, epochs=3)]
    close(one.weights.vector, two.weights.vector, rounding(2000))
    close(histories[0].history["loss"], histories[1].history["loss"], rounding(200))


def test_targets_of_masked_steps_are_not_looked_at(rng):
    x, mask, _ = padded(rng)
    y = np.where(mask, 1.0, np.nan)
    model = small(LSTM(4, return_sequences=True), Dense(1))
    model.fit(x, y, mask=mask, epochs=2)
    squares = ((model.predict(x, mask=mask)[..., 0] - 1) ** 2)[mask]
    close(model.evaluate(x, y, mask=mask), squares.mean(), rounding(200))
    weight = rng.random(mask.shape)
    expected = np.average(squares, weights=weight[mask])
    close(model.evaluate(x, y, mask=mask, sample_weight=weight), expected, rounding(200))


def test_a_mask_is_split_with_the_samples(rng):
    x, mask, y = padded(rng)
    one, two = (small(LSTM(4), Dense(1)) for _ in range(2))
    history = one.fit(x, y, mask=mask, validation_split=0.25, epochs=2)
    judges = x[30:], y[30:], None, mask[30:]
    assert two.fit(x[:30], y[:30], mask=mask[:30], validation_data=judges, epochs=2).history == history.history


def test_calls_may_have_lengths_of_their_own(rng):
    model = small(LSTM(4), Dense(1))
    for steps in (3, 7, 1):
        x = rng.normal(size=(20, steps, 2))
        y = x.mean(axis=(1, 2))
        model.fit(x, y, validation_data=(x[:, :1], y))
        assert np.isfinite(model.evaluate(x, y))
        assert model.predict(x).shape == (20, 1)
