"""Compare training steps in block order with the same steps layer by layer: time, memory, and a busy neighbor.

usage: block_order.py [NAME;...]; for measurements in a process of their own, it starts itself with --memory or
--neighbor. Both orders take turns, step after step. Printed are medians in milliseconds, and the ratio of the first
tenths, too: on a machine that others use, these are nearer to what a quiet one shows.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from gatecast.kernels import runtime
from gatecast.layers import LSTM, Dense, Dilated, Dropout, QuantileHead, Residual
from gatecast.losses import Loss, MeanSquaredError, Pinball
from gatecast.nn.batching import Batch
from gatecast.nn.gradients import Differentiator
from gatecast.nn.network import TrainingPass, build, initial_weights, zeros_like

SEQUENCES = {"return_sequences": True}
LEVELS = Pinball((0.025, 0.1, 0.25, 0.5, 0.75, 0.9, 0.975))
ARTICLE = [
    *(LSTM(50, **SEQUENCES), Dropout(0.2), LSTM(50, **SEQUENCES), Dropout(0.2), LSTM(50), Dropout(0.2)),
    Dense(1),
]


def panel(units: int, layers: int, outputs: int) -> list[Any]:
    """Return the layers of a forecasting network."""
    hidden = [Residual(LSTM(units, **SEQUENCES)) for _ in range(layers)]
    return [Dense(units, activation="tanh"), *hidden, Dense(outputs * len(LEVELS.quantiles)), QuantileHead(7)]


def es_rnn(units: int) -> list[Any]:
    """Return the layers of ES-RNN."""
    hidden = [Residual(Dilated(LSTM(units, **SEQUENCES), rate)) for rate in (1, 2, 4)]
    return [Dense(units, activation="tanh"), *hidden, Dense(6 * 7), QuantileHead(7)]


CASES: dict[str, tuple[list[Any], tuple[int, int], Loss, int]] = {
    "article, batch 32, window 1": (ARTICLE, (1, 1), MeanSquaredError(), 32),
    "article, batch 32, window 24": (ARTICLE, (24, 1), MeanSquaredError(), 32),
    "article, batch 32, window 96": (ARTICLE, (96, 1), MeanSquaredError(), 32),
    "article, batch 256, window 24": (ARTICLE, (24, 1), MeanSquaredError(), 256),
    "panel of months, 64 series, 96 origins": (panel(48, 2, 18), (96, 26), LEVELS, 64),
    "panel of quarters, 96 series, 48 origins": (panel(48, 2, 8), (48, 14), LEVELS, 96),
    "panel of hours, 96 series, 40 origins": (panel(64, 2, 48), (40, 56), LEVELS, 96),
    "ES-RNN, 64 series, 24 origins": (es_rnn(32), (24, 12), LEVELS, 64),
    "three LSTM(128), 256 series, 128 steps": (panel(128, 3, 18), (128, 52), LEVELS, 256),
}
"""Layers, shape of the inputs, loss, batch."""


def make(name: str) -> tuple[Callable[[], object], Callable[[], object]]:
    """Return a step in block order and one layer by layer."""
    layers, shape, loss, size = CASES[name]
    rng = np.random.default_rng(0)
    network = build(layers, shape)
    weights = initial_weights(network, 0)
    steps, nb, M = (shape[0] if len(network.shapes[-1]) == 2 else 1), size // 16, network.shapes[-1][-1] or 1
    x = rng.normal(size=(nb, *shape, 16)).astype(np.float32)
    y = rng.normal(size=(nb, steps, M // loss.width, 16)).astype(np.float32)
    batch = Batch(x, y, np.ones((nb, steps, 1, 16), np.float32), None, float(nb * steps * 16))
    differentiate = Differentiator(network, weights, zeros_like(weights), loss)
    training = TrainingPass(0, 1)
    return lambda: differentiate(batch, training), lambda: differentiate._layer_by_layer(batch, training, False)


def in_turns(runs: tuple[Callable[[], object], ...], seconds: float = 2.0) -> list[np.ndarray]:
    """Return the milliseconds of many calls, in turns."""
    for run in runs:
        run()
    times: list[list[float]] = [[] for _ in runs]
    until = time.perf_counter() + seconds
    while time.perf_counter() < until or len(times[0]) < 5:
        for run, part in zip(runs, times, strict=True):
            start = time.perf_counter()
            run()
            part.append(1e3 * (time.perf_counter() - start))
    return [np.array(part) for part in times]


def peak_memory() -> float:
    """Return the largest size of this process so far, megabytes; that of a parent process does not count."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line.split()[1] for line in lines if line.startswith("VmHWM"))) / 1024


def memory(name: str, order: int) -> float:
    """Return by how many megabytes the process grows at its peak."""
    run = make(name)[order]
    before = peak_memory()
    run()
    run()
    return peak_memory() - before


def neighbor(name: str) -> dict[str, float]:
    """Return how much longer a step takes while another process has one core half of the time, in both orders."""
    burn = "import time\nwhile True:\n t=time.perf_counter()\n while time.perf_counter()-t<.01: pass\n time.sleep(.01)"
    runs = make(name)
    quiet = [np.median(part) for part in in_turns(runs)]
    other = subprocess.Popen(["taskset", "-c", "1", sys.executable, "-c", burn])
    try:
        time.sleep(0.2)
        busy = [np.median(part) for part in in_turns(runs, 4.0)]
    finally:
        other.kill()
    return {"block order": busy[0] / quiet[0], "layer by layer": busy[1] / quiet[1]}


def ask(*arguments: str) -> Any:
    """Return what another process of this file prints."""
    done = subprocess.run([sys.executable, __file__, *arguments], check=True, capture_output=True, text=True)
    return json.loads(done.stdout)


def main() -> None:
    """Print a line a case."""
    if sys.argv[1:2] == ["--memory"]:
        return print(json.dumps(memory(sys.argv[2], int(sys.argv[3]))))
    if sys.argv[1:2] == ["--neighbor"]:
        return print(json.dumps(neighbor(sys.argv[2])))
    chosen = sys.argv[1].split(";") if len(sys.argv) > 1 else list(CASES)
    print("| network | threads | layer by layer, ms | block order, ms | ratio | of tenths | MB | MB, block order |")
    print("|---|---|---|---|---|---|---|---|")
    for name in chosen:
        grown = [ask("--memory", name, str(order)) for order in (1, 0)]
        for threads in (1, 2):
            runtime.set_num_threads(threads)
            stacked, layered = in_turns(make(name))
            medians, tenths = (
                np.median(layered) / np.median(stacked),
                np.quantile(layered, 0.1) / np.quantile(stacked, 0.1),
            )
            cells = f"{np.median(layered):.2f} | {np.median(stacked):.2f} | {medians:.2f} | {tenths:.2f}"
            print(f"| {name} | {threads} | {cells} | {grown[0]:.1f} | {grown[1]:.1f} |", flush=True)
    print()
    for name in ("article, batch 256, window 24", "panel of months, 64 series, 96 origins"):
        times = ask("--neighbor", name)
        text = ", ".join(f"{ratio:.2f} times in {order}" for order, ratio in times.items())
        print(f"{name}, another process on one core half of the time: {text}")
    return None


if __name__ == "__main__":
    main()
