"""The article's network, 3 x LSTM(50) + dropout 0.2 + Dense(1) with MSE and Adam, and the cases to time.

Shared by the three tools; needs the standard library only.
"""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Callable

UNITS, RATE = 50, 0.2
CASES = ((32, 24), (32, 1), (256, 24), (32, 96))
"""Batch size and window length."""

SECONDS = 1.0
"""Time that the calls of one median take, at least."""


def flops(B: int, T: int) -> float:
    """Return the operations of one training step, two for a multiply-add: forward, gradients of data and of weights."""
    inputs = (1, UNITS, UNITS)
    return B * T * 3 * 2 * 4 * UNITS * sum(i + UNITS for i in inputs)


def steps(B: int, T: int) -> int:
    """Return the number of steps of an epoch: fewer of the large ones."""
    return max(8, int(400 / (T * B / 32) ** 0.7))


def report(tool: str, what: str, B: int, T: int, ms: float, **more: object) -> None:
    """Print one line of JSON for benchmarks/run.py."""
    line = {"tool": tool, "what": what, "B": B, "T": T, "ms": ms, "gflops": flops(B, T) / ms / 1e6}
    print(json.dumps(line | more), flush=True)


def median_ms(step: Callable[[], object]) -> float:
    """Return the median time of a call in milliseconds: of as many as take a second, after three to warm up."""
    for _ in range(3):
        step()
    times = []
    while sum(times) < SECONDS:
        start = time.perf_counter()
        step()
        times.append(time.perf_counter() - start)
    return statistics.median(times) * 1e3
