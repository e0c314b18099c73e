"""Time gatecast: `fit` as users call it, and one bare step. usage: gatecast_side.py THREADS."""

from __future__ import annotations

import statistics
import sys
import time

import numpy as np
from article import CASES, RATE, UNITS, median_ms, report, steps

from gatecast.kernels import native, reference, runtime
from gatecast.kernels.packing import pack, unpack
from gatecast.layers import LSTM, Dense, Dropout, Input
from gatecast.losses import MeanSquaredError
from gatecast.models import Sequential
from gatecast.nn.batching import make_batches
from gatecast.nn.gradients import Differentiator
from gatecast.nn.inputs import TrainingData
from gatecast.nn.network import TrainingPass, build, initial_weights, zeros_like
from gatecast.optim import apply_updates
from gatecast.optimizers import Adam


def hidden():
    """Return the layers before the output."""
    return [
        layer for sequences in (True, True, False) for layer in (LSTM(UNITS, return_sequences=sequences), Dropout(RATE))
    ]


def check(B, T):
    """Compare outputs and gradients of the first layer with the reference before timing."""
    rng = np.random.default_rng(0)
    params = {n: rng.normal(0, 0.2, s).astype("f") for n, s in (("Wx", (1, 200)), ("Wh", (50, 200)), ("b", (200,)))}
    x, dy = rng.normal(size=(B, T, 1)).astype("f"), rng.normal(size=(B, T, 50)).astype("f")
    y, _, cache = native.forward("lstm", params, pack(x))
    _, _, grads = native.backward(params, cache, pack(dy))
    expected, _, saved = reference.forward("lstm", params, x)
    _, _, expected_grads = reference.backward("lstm", params, saved, dy)
    np.testing.assert_allclose(unpack(y, B), expected, rtol=0, atol=1e-5)
    for name, grad in grads.items():
        bound = 1e-4 * np.abs(expected_grads[name]).max()
        np.testing.assert_allclose(grad, expected_grads[name], rtol=0, atol=bound, err_msg=name)


def step_ms(B, T):
    """Return the time of forward, backward and Adam on one packed batch."""
    rng = np.random.default_rng(0)
    samples = TrainingData(rng.normal(size=(B, T, 1)).astype("f"), rng.normal(size=(B, 1, 1)).astype("f"))
    (batch,) = make_batches(samples, np.arange(B), B)
    network = build([*hidden(), Dense(1)], (T, 1))
    weights, optimizer, loss = initial_weights(network, 0), Adam(1e-3).transformation(), MeanSquaredError()
    grads, state, count = zeros_like(weights), optimizer.init(weights.vector.size), [0]
    differentiate = Differentiator(network, weights, grads, loss)

    def step():
        count[0] += 1
        differentiate(batch, TrainingPass(0, count[0]))
        apply_updates(optimizer, grads.vector, state, weights.vector, count[0])

    time.sleep(0.2)  # Threads of BLAS, which drew the weights, spin for some hundredths of a second before they sleep.
    return median_ms(step)


def fit_ms(B, T):
    """Return the time of a step of `Sequential.fit`, in an epoch of many batches."""
    rng, count = np.random.default_rng(0), steps(B, T)
    x, y = rng.normal(size=(B * count, T, 1)).astype("f"), rng.normal(size=(B * count, 1)).astype("f")
    model = Sequential([Input((T, 1)), *hidden(), Dense(1)])
    model.compile(loss="mean_squared_error", optimizer="adam")
    model.fit(x, y, epochs=1, batch_size=B, verbose=0)
    times = []
    for _ in range(3):
        start = time.perf_counter()
        model.fit(x, y, epochs=1, batch_size=B, verbose=0)
        times.append((time.perf_counter() - start) / count * 1e3)
    return statistics.median(times)


def main():
    runtime.set_num_threads(int(sys.argv[1]))
    for B, T in CASES:
        check(B, T)
        report("gatecast", "step", B, T, step_ms(B, T), isa=runtime.isa())
        report("gatecast", "fit", B, T, fit_ms(B, T), isa=runtime.isa())


main()
