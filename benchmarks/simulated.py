"""Measure forecasts and intervals of simulated series, for which the best possible forecast is known.

usage: simulated.py [--n N] [--length N] [--only PROCESS,...]

Every process gives N single series of 120 values (default 200), forecast 12 steps ahead by plain `Forecaster(12)`.
Printed are the mean absolute error relative to that of the best forecast, which knows the process, and to naive's; the
share of values in the 80 % and 95 % intervals; and the median width relative to that of the best intervals.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from functools import partial
from statistics import NormalDist
from typing import Any, NamedTuple

import numpy as np

from gatecast import Forecaster

H, M = 12, 12
LEVELS = (80, 95)


class Process(NamedTuple):
    """A value as it is drawn, and its mean and standard deviation as they are known at the origin."""

    y: np.ndarray
    mean: np.ndarray
    deviation: np.ndarray


def walk(rng: np.random.Generator, n: int) -> Process:
    """A random walk."""
    y = 100 + np.cumsum(rng.normal(size=n + H))
    return Process(y, np.full(H, y[n - 1]), np.sqrt(np.arange(1.0, H + 1)))


def constant(rng: np.random.Generator, n: int) -> Process:
    """A constant with noise."""
    return Process(100 + rng.normal(size=n + H), np.full(H, 100.0), np.ones(H))


def trend(rng: np.random.Generator, n: int) -> Process:
    """A line with noise."""
    line = 100 + 0.5 * np.arange(n + H)
    return Process(line + 3 * rng.normal(size=n + H), line[n:], np.full(H, 3.0))


def season(rng: np.random.Generator, n: int) -> Process:
    """A yearly wave with noise, in months."""
    wave = 100 + 10 * np.sin(2 * np.pi * np.arange(n + H) / M)
    return Process(wave + 3 * rng.normal(size=n + H), wave[n:], np.full(H, 3.0))


def autoregression(rng: np.random.Generator, n: int, r: float = 0.8) -> Process:
    """A first-order autoregression around a constant."""
    x = np.zeros(n + H)
    x[0] = rng.normal() / np.sqrt(1 - r * r)
    for t in range(1, n + H):
        x[t] = r * x[t - 1] + rng.normal()
    k = np.arange(1.0, H + 1)
    return Process(100 + x, 100 + x[n - 1] * r**k, np.sqrt((1 - r ** (2 * k)) / (1 - r * r)))


PROCESSES: dict[str, Callable[[np.random.Generator, int], Process]] = {
    "random walk": walk,
    "constant + noise": constant,
    "trend + noise": trend,
    "season + noise": season,
    "autoregression": autoregression,
}


def measure(process: Callable[[np.random.Generator, int], Process], seed: int, n: int) -> dict[str, Any]:
    """Forecast one series; return errors, whether values are inside, and widths."""
    drawn = process(np.random.default_rng(seed), n)
    table: dict[str, Any] = {"y": drawn.y[:n]}
    if process is season:
        table["ds"] = (np.datetime64("2010-01", "M") + np.arange(n).astype("m8[M]")).astype("M8[D]")
    forecast = Forecaster(H, level=LEVELS).fit(table, evaluate=False).predict()
    point = next(name for name in forecast if f"{name}-lo-80" in forecast)
    actual = drawn.y[n:]
    out: dict[str, Any] = {
        "error": np.abs(np.asarray(forecast[point]) - actual).mean(),
        "best": np.abs(drawn.mean - actual).mean(),
        "naive": np.abs(drawn.y[n - 1] - actual).mean(),
    }
    for level in LEVELS:
        low, high = (np.asarray(forecast[f"{point}-{side}-{level}"]) for side in ("lo", "hi"))
        out[f"inside {level}"] = ((actual >= low) & (actual <= high)).mean()
        best = 2 * NormalDist().inv_cdf(0.5 + level / 200) * drawn.deviation
        out[f"width {level}"] = ((high - low) / best).mean()
    return out


def main() -> None:
    """Print a line a process."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--n", type=int, default=200)
    parser.add_argument("--length", type=int, default=120)
    parser.add_argument("--only", default=",".join(PROCESSES))
    options = parser.parse_args()
    print("| process | of the best error | of naive's | in 80 % | in 95 % | width 80 | width 95 | seconds a series |")
    print("|---|---|---|---|---|---|---|---|")
    for name in options.only.split(","):
        began = time.perf_counter()
        rows = list(map(partial(measure, PROCESSES[name], n=options.length), range(options.n)))
        seconds = (time.perf_counter() - began) / options.n
        mean = {key: float(np.mean([row[key] for row in rows])) for key in rows[0]}
        width = {level: float(np.median([row[f"width {level}"] for row in rows])) for level in LEVELS}
        inside = " | ".join(f"{100 * mean[f'inside {level}']:.1f}" for level in LEVELS)
        errors = f"{mean['error'] / mean['best']:.3f} | {mean['error'] / mean['naive']:.3f}"
        print(f"| {name} | {errors} | {inside} | {width[80]:.2f} | {width[95]:.2f} | {seconds:.1f} |", flush=True)


if __name__ == "__main__":
    main()
