"""Fit, predict and step many times in one process, and see whether its memory grows.

usage: memory_growth.py [--fits N] [--predicts N] [--steps N]

Networks, smoothing, the pretrained network and a `Sequential`, on series of many lengths. Memory is what the process
has resident. The first tenth warms up: pools, caches and the interpreter's arenas fill. The exit code is 1 where the
rest grows by more than 16 MB.
"""

from __future__ import annotations

import argparse
import gc
import sys
import time
from collections.abc import Callable

import numpy as np

from gatecast import Forecaster
from gatecast.config import TrainingConfig
from gatecast.layers import LSTM, Dense, Input
from gatecast.models import Sequential

MODELS = ("lstm", "gru", "slstm", "es-lstm", "segrnn", "dot", "lgt", "pretrained", "naive")
QUICK = TrainingConfig(max_steps=5, n_members=1)
REPORTS = 10
LIMIT = 16.0


def resident() -> float:
    """Return the resident memory of this process in megabytes."""
    gc.collect()
    with open("/proc/self/status", encoding="ascii") as status:
        return next(int(line.split()[1]) / 1024 for line in status if line.startswith("VmRSS"))


def months(seed: int) -> dict[str, np.ndarray]:
    """Return a few monthly series of some length between 40 and 160 values."""
    rng = np.random.default_rng(seed)
    n_series, n = int(rng.integers(1, 4)), int(rng.integers(40, 160))
    t = np.arange(n)
    y = 100 + np.cumsum(rng.normal(0.2, 1, (n_series, n)), axis=1) + 10 * np.sin(t * np.pi / 6)
    times = np.datetime64("2005-01", "M") + t.astype("m8[M]")
    ids = np.repeat([f"s{k}" for k in range(n_series)], n)
    return {"unique_id": ids, "ds": np.tile(times.astype("M8[D]"), n_series), "y": y.ravel()}


def fit(number: int) -> None:
    """Fit one model on series of its own."""
    if number % (len(MODELS) + 1) == len(MODELS):
        rng = np.random.default_rng(number)
        network = Sequential([Input((12, 1)), LSTM(8), Dense(1)])
        network.compile(loss="mse", optimizer="adam")
        network.fit(rng.normal(size=(64, 12, 1)), rng.normal(size=(64, 1)), epochs=2, verbose=0)
        return
    model = MODELS[number % (len(MODELS) + 1)]
    Forecaster(6, model=model, training=QUICK).fit(months(number), evaluate=False).predict()


def predictor() -> Callable[[int], None]:
    """Return what predicts with fitted forecasters in turns, for other series each time."""
    fitted = [Forecaster(6, model=model, training=QUICK).fit(months(0), evaluate=False) for model in MODELS]

    def predict(number: int) -> None:
        fitted[number % len(fitted)].predict(months(number % 500))

    return predict


def stepper() -> Callable[[int], None]:
    """Return what takes the next value of four streams in turns, each on a copy, as the server does."""
    rng = np.random.default_rng(0)
    past = {"ds": np.arange("2012-01", "2024-01", dtype="M8[M]"), "y": 450 + rng.normal(0, 30, 144)}
    streams = [Forecaster(12, model="pretrained").stream(past) for _ in range(4)]

    def step(number: int) -> None:
        after = streams[number % 4].copy()
        _ = after.step(float(rng.uniform(300, 600))).forecast_columns
        streams[number % 4] = after

    return step


def grows(name: str, count: int, call: Callable[[int], None]) -> bool:
    """Call many times, print memory on the way; whether it grew too much after the first tenth."""
    sizes, start = [], time.perf_counter()
    for part in range(REPORTS):
        for number in range(part * count // REPORTS, (part + 1) * count // REPORTS):
            call(number)
        sizes.append(resident())
    growth = max(sizes[1:]) - sizes[0]
    seconds = time.perf_counter() - start
    print(f"{name}: {count} in {seconds:.0f} s, MB after each tenth: {' '.join(f'{size:.0f}' for size in sizes)}")
    print(f"{name}: {growth:+.1f} MB after the first tenth", flush=True)
    return growth > LIMIT


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--fits", type=int, default=1000)
    parser.add_argument("--predicts", type=int, default=10000)
    parser.add_argument("--steps", type=int, default=20000)
    options = parser.parse_args()
    failed = [
        grows("fits", options.fits, fit),
        grows("predicts", options.predicts, predictor()),
        grows("steps", options.steps, stepper()),
    ]
    return int(any(failed))


if __name__ == "__main__":
    sys.exit(main())
