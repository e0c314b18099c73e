"""Measure intervals of totals of simulated panels: over the horizon, over the panel, and over both.

usage: totals.py [--n N] [--length N] [--series N,...] [--only PROCESS,...] [--correlation R,...] [--model NAME]
                 [--seed N]

N panels of monthly series, of which the innovations of any two have the given correlation; sizes of the series differ
by a factor of 10. Printed are the shares of sums in the 80 % and 95 % intervals with the standard error over panels of
the first, and the mean interval score of 80 % relative to the mean absolute error of the sums.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any

import numpy as np

from gatecast import Forecaster

H, M = 12, 12
LEVELS = (80, 95)
Innovations = np.ndarray
"""Standard normal numbers [S, T], which have a correlation between series."""


def walk(e: Innovations) -> np.ndarray:
    """A random walk: errors of level last."""
    return np.asarray(np.cumsum(e, axis=1))


def noisy_walk(e: Innovations) -> np.ndarray:
    """A walk of small steps under noise, both with the correlation."""
    half = e.shape[1] // 2
    return np.asarray(0.3 * np.cumsum(e[:, :half], axis=1) + e[:, half:])


def noise(e: Innovations) -> np.ndarray:
    """A constant with noise: errors are those of the estimated level, and noise."""
    return e


def autoregression(e: Innovations) -> np.ndarray:
    """A first-order autoregression, which returns to its mean."""
    x = e / np.sqrt(1 - 0.8**2)
    for t in range(1, e.shape[1]):
        x[:, t] = 0.8 * x[:, t - 1] + e[:, t]
    return np.asarray(x)


def trend(e: Innovations) -> np.ndarray:
    """A line under a walk."""
    return np.asarray(np.cumsum(e + 0.5, axis=1))


PROCESSES: dict[str, Callable[[Innovations], np.ndarray]] = {
    "random walk": walk,
    "noisy walk": noisy_walk,
    "noise": noise,
    "autoregression": autoregression,
    "trend": trend,
}


def panel(name: str, n_series: int, n: int, correlation: float, rng: np.random.Generator) -> np.ndarray:
    """Return series with their futures, [S, n + H]."""
    n_innovations = (n + H) * (2 if name == "noisy walk" else 1)
    common, rest = rng.standard_normal((1, n_innovations)), rng.standard_normal((n_series, n_innovations))
    e = np.sqrt(correlation) * common + np.sqrt(1 - correlation) * rest
    size = 10 ** rng.uniform(0, 1, (n_series, 1))
    return np.asarray(size * (100 + PROCESSES[name](e)))


def measure(y: np.ndarray, n: int, model: str) -> dict[str, float]:
    """Forecast one panel; return coverage, interval scores and absolute errors of its sums."""
    n_series = len(y)
    times = (np.datetime64("2000-01", "M") + np.arange(n)).astype("M8[us]")
    ids = np.repeat([f"s{k}" for k in range(n_series)], n)
    table: dict[str, Any] = {"unique_id": ids, "ds": np.tile(times, n_series), "y": y[:, :n].ravel()}
    forecaster = Forecaster(H, model=model, level=LEVELS).fit(table)
    totals = forecaster._session.totals(forecaster._session.forecast())
    assert totals is not None
    assert totals.by_step is not None
    future, out = y[:, n:], {"correlation": totals.correlation, "stretch": totals.stretch}
    for part, total, truth in (
        ("series", totals.by_series, future.sum(axis=1)),
        ("step", totals.by_step, future.sum(axis=0)),
        ("both", totals.total, future.sum()),
    ):
        out[f"{part} error"] = float(np.abs(truth - total.point).mean())
        for k, level in enumerate(LEVELS):
            low, high = total.low[..., k], total.high[..., k]
            out[f"{part} {level}"] = 100 * float(((low <= truth) & (truth <= high)).mean())
            outside = np.maximum(low - truth, 0) + np.maximum(truth - high, 0)
            out[f"{part} score {level}"] = float((high - low + 2 / (1 - level / 100) * outside).mean())
    return out


def main() -> None:
    """Print a line a process, number of series and correlation."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--n", type=int, default=200)
    parser.add_argument("--length", type=int, default=60)
    parser.add_argument("--series", default="3,10,50")
    parser.add_argument("--only", default=",".join(PROCESSES))
    parser.add_argument("--correlation", default="0,0.3,0.9")
    parser.add_argument("--model", default="dot")
    parser.add_argument("--seed", type=int, default=0, help="panels from this seed on")
    options = parser.parse_args()
    print(
        "| process | series | correlation | found | stretch | over the horizon | over the panel | over both | score |"
    )
    print("|---|---|---|---|---|---|---|---|---|")
    for name in options.only.split(","):
        for n_series in map(int, options.series.split(",")):
            for r in map(float, options.correlation.split(",")):
                rows = []
                for k in range(options.n):
                    y = panel(name, n_series, options.length, r, np.random.default_rng([options.seed + k, n_series]))
                    rows.append(measure(y, options.length, options.model))
                mean = {key: float(np.mean([row[key] for row in rows])) for key in rows[0]}
                cells, scores = [], []
                for part in ("series", "step", "both"):
                    deviation = np.std([row[f"{part} 80"] for row in rows]) / np.sqrt(len(rows))
                    cells.append(f"{mean[f'{part} 80']:.0f} ± {deviation:.0f}, {mean[f'{part} 95']:.0f}")
                    scores.append(f"{mean[f'{part} score 80'] / mean[f'{part} error']:.1f}")
                line = f"| {name} | {n_series} | {r:g} | {mean['correlation']:.2f} | {mean['stretch']:.2f} | "
                print(line + " | ".join(cells) + f" | {', '.join(scores)} |", flush=True)


if __name__ == "__main__":
    main()
