"""Sizes that no machine has are refused before anything is made."""

from __future__ import annotations

import numpy as np
import pytest

from gatecast.errors import ConfigError, DataError
from gatecast.kernels import runtime
from gatecast.layers import GRU, LSTM, SLSTM, Bidirectional, Concatenate, Dense, Embedding, Input, MinGRU, Residual
from gatecast.models import Sequential
from gatecast.nn import memory_limits
from gatecast.nn.network import build

GOOD_Y = np.zeros(6)


@pytest.mark.parametrize(
    ("layers", "text"),
    [
        (
            (LSTM(10**6),),
            "The layer is too large (LSTM): got about 4,000,004,000,000 parameters for 1 features, expected",
        ),
        (
            (LSTM(12_000),),
            "The layer is too large (LSTM): got about 576,048,000 parameters for 1 features, expected less",
        ),
        ((Dense(10**10),), "The layer is too large (Dense): got about 10,000,000,000 parameters"),
        (
            (Dense(10**6), GRU(1000)),
            "The layer is too large (GRU): got about 3,003,000,000 parameters for 1,000,000 feat",
        ),
        ((SLSTM(10**5, heads=2),), "The layer is too large (SLSTM): got about 20,000,400,000 parameters"),
        ((MinGRU(10**9),), "The layer is too large (MinGRU): got about 2,000,000,000 parameters"),
        ((LSTM(10**5, projection=10**4),), "The layer is too large (LSTM): got about 4,000,400,000 parameters"),
        ((Bidirectional(LSTM(10**5)),), "The layer is too large (Bidirectional)"),
        ((Residual(Dense(10**6)),), "(Residual(Dense))"),
        ((Concatenate((Dense(3), (Dense(2), LSTM(10**5)))),), "branches (Concatenate)"),
        ((Concatenate((LSTM(3), (Dense(2), LSTM(10**5)))),), "The layer is too large (Concatenate)"),
        ((Embedding(10**9, 100),), "The layer is too large (Embedding): got about 100,000,000,000 parameters"),
    ],
)
def test_absurd_units_are_refused_before_there_are_weights(layers, text):
    model = Sequential([Input((4, 1)), *layers])
    model.compile(loss="mse", optimizer="adam")
    x, y = np.zeros((2, 4, 1)), np.zeros(2)
    for call in (model.build, model.count_params, model.get_weights, model.stream, lambda: model.predict(x)):
        with pytest.raises(ConfigError) as caught:
            call()
        assert text in str(caught.value)
    with pytest.raises(ConfigError) as caught:
        model.fit(x, y)
    assert text in str(caught.value)


@pytest.mark.parametrize(
    "call",
    [
        lambda model, x: model.predict(x),
        lambda model, x: model.predict(np.zeros((1, 2, 1)), mask=x[..., 0]),
        lambda model, x: model.fit(x, GOOD_Y),
        lambda model, x: model.fit(np.zeros((1, 2, 1)), x),
        lambda model, x: model.evaluate(x, GOOD_Y),
        lambda model, x: model.stream().warm(x),
    ],
)
@pytest.mark.parametrize("shape", [(10**12, 4, 1), (1, 10**14, 1), (2**20, 2**31, 1)])
def test_arrays_larger_than_the_machine_are_refused_before_they_are_copied(call, shape):
    model = Sequential([Input((None, 1)), LSTM(5), Dense(1)])
    model.compile(loss="mse", optimizer="adam")
    with pytest.raises(
        DataError, match=r"(x|y|mask) of shape \(.* does not fit into memory: got .* GB, expected at most"
    ):
        call(model, np.broadcast_to(np.float32(0), shape))


@pytest.mark.slow
def test_a_pass_that_would_not_fit_is_refused(monkeypatch, threads):
    runtime.set_num_threads(1)
    monkeypatch.setattr(memory_limits.os, "sysconf", lambda _: 2**14)  # a machine of 256 MiB
    monkeypatch.setattr(memory_limits, "UNCHECKED_BYTES", 2**20)
    y = np.zeros(100)
    for last in (LSTM(2), Bidirectional(LSTM(2))):  # in block order, and layer by layer
        model = Sequential([Input((None, 1)), LSTM(500, return_sequences=True), last, Dense(1)])
        model.compile(loss="mse", optimizer="adam")
        count, steps, advice = (16, "8,000", "fewer threads") if isinstance(last, LSTM) else (100, "700", "a smaller")
        x = np.broadcast_to(np.float32(0), (100, int(steps.replace(",", "")), 1))
        text = rf"A pass over {count} samples of {steps} steps does not fit .* Use shorter windows, or {advice}"
        with pytest.raises(DataError, match=text):
            model.fit(x, y, batch_size=100)
    model = Sequential([Input((None, 1)), LSTM(500, return_sequences=True), LSTM(2), Dense(1)])
    model.compile(loss="mse", optimizer="adam")
    text = r"A pass over 100 samples of 4,000 steps does not fit into memory: got 1 GB, expected at most 0 GB"
    x = np.broadcast_to(np.float32(0), (100, 4000, 1))
    for call in (lambda: model.predict(x, batch_size=100), lambda: model.evaluate(x, y, batch_size=10**12)):
        with pytest.raises(DataError, match=text):
            call()
    assert model.predict(x[:2, :300], batch_size=10**12).shape == (2, 1)


def test_block_order_fits_where_all_samples_at_once_would_not(monkeypatch):
    monkeypatch.setattr(memory_limits.os, "sysconf", lambda _: 2**12)  # a machine of 16 MiB
    monkeypatch.setattr(memory_limits, "UNCHECKED_BYTES", 2**20)
    network = build([LSTM(50, return_sequences=True), Dense(1)], (None, 1))
    with pytest.raises(DataError, match="does not fit into memory"):
        memory_limits.check_memory(network, 1000, 90, training=True)
    memory_limits.check_memory(network, 1000, 90, training=True, in_block_order=True)
