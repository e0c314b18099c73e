"""Networks ignore masked steps, and every call may have another length."""

from __future__ import annotations

import numpy as np
from tolerances import close, rounding

from gatecast.kernels.packing import pack, pack_mask
from gatecast.layers import GRU, LSTM, CallContext, Dense, Input
from gatecast.models import Sequential


def small(*layers, F=2):
    """Return a compiled network for sequences of any length."""
    model = Sequential([Input((None, F)), *layers])
    model.compile(loss="mse", optimizer="adam")
    return model


def padded(rng, count=40, T=6, F=2):
    """Return sequences of 1 to T steps padded on the right with NaN, their masks, and their means."""
    lengths = rng.integers(1, T + 1, count)
    mask = np.arange(T) < lengths[:, None]
    x = np.where(mask[:, :, None], rng.normal(size=(count, T, F)), np.nan)
    return x, mask, np.nanmean(x, axis=(1, 2))


def test_masked_steps_change_neither_predictions_nor_losses(rng):
    x, mask, y = padded(rng)
    model = small(LSTM(6, return_sequences=True), GRU(4), Dense(1))
    model.fit(x, y, mask=mask, epochs=3, validation_data=(x[:5], y[:5], None, mask[:5]))
    predictions = model.predict(x, mask=mask)
    losses = []
    for k in range(40):
        alone = x[k : k + 1, : mask[k].sum()]
        close(model.predict(alone), predictions[k : k + 1], rounding(60))
        losses.append(model.evaluate(alone, y[k : k + 1]))
    close(model.evaluate(x, y, mask=mask), np.mean(losses), rounding(100))
    close(model.history.history["val_loss"][-1], np.mean(losses[:5]), rounding(100))
    as_numbers = model.predict(x, mask=mask.astype(int).tolist())
    np.testing.assert_array_equal(as_numbers, predictions)


def test_training_under_a_mask_equals_training_on_the_shorter_sequences(rng):
    x = rng.normal(size=(20, 6, 2))
    y = x.mean(axis=(1, 2))
    mask = np.tile(np.arange(6) < 4, (20, 1))
    a, b = (small(LSTM(5, return_sequences=True), LSTM(3), Dense(1)) for _ in range(2))
    histories = [a.fit(x, y, mask=mask, epochs=3), b.fit(x[:, :4], y, epochs=3)]
    close(a.weights.vector, b.weights.vector, rounding(2000))
    close(histories[0].history["loss"], histories[1].history["loss"], rounding(200))


def test_targets_of_masked_steps_are_ignored(rng):
    x, mask, _ = padded(rng)
    y = np.where(mask, 1.0, np.nan)
    model = small(LSTM(4, return_sequences=True), Dense(1))
    model.fit(x, y, mask=mask, epochs=2)
    squares = ((model.predict(x, mask=mask)[..., 0] - 1) ** 2)[mask]
    close(model.evaluate(x, y, mask=mask), squares.mean(), rounding(200))
    weight = rng.random(mask.shape)
    expected = (squares * weight[mask]).mean()
    close(model.evaluate(x, y, mask=mask, sample_weight=weight), expected, rounding(200))


def test_validation_split_splits_the_mask_with_the_samples(rng):
    x, mask, y = padded(rng)
    a, b = (small(LSTM(4), Dense(1)) for _ in range(2))
    history = a.fit(x, y, mask=mask, validation_split=0.25, epochs=2)
    validation = x[30:], y[30:], None, mask[30:]
    assert b.fit(x[:30], y[:30], mask=mask[:30], validation_data=validation, epochs=2).history == history.history


def test_calls_may_have_different_lengths(rng):
    model = small(LSTM(4), Dense(1))
    for steps in (3, 7, 1):
        x = rng.normal(size=(20, steps, 2))
        y = x.mean(axis=(1, 2))
        model.fit(x, y, validation_data=(x[:, :1], y))
        assert np.isfinite(model.evaluate(x, y))
        assert model.predict(x).shape == (20, 1)


def test_mask_stays_in_place_after_go_backwards_as_in_keras(rng):
    """Keras reverses x and mask within the layer, and hands the mask on as it came: outputs stand in reading order."""
    layer = LSTM(2, return_sequences=True, go_backwards=True)
    x, mask = pack(rng.normal(size=(1, 4, 1))), pack_mask(np.array([[True, True, False, False]]))
    params = layer.init(rng, (4, 1))
    y, _, _ = layer.forward(params, x, CallContext(mask=mask))
    plain, _, _ = LSTM(2, return_sequences=True).forward(params, np.ascontiguousarray(x[:, 1::-1]), CallContext())
    np.testing.assert_array_equal(y[:, :2], 0)  # the masked steps, which it reads first
    np.testing.assert_array_equal(y[:, 2:], plain)
    assert layer.output_mask(x, mask) is mask
