"""Time a step of a forecast stream, and the forecast of the same past anew.

usage: stream.py [--steps N]

Prints the median and the 99 % quantile of a step in milliseconds, wall clock and processor time, and the size of a
saved stream. Each step reads a value, judges it, moves the margins and makes the columns of the next forecast.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

import numpy as np

CASES = (
    ("pretrained", 1, 12),
    ("pretrained, negative values", 1, 12),
    ("pretrained", 100, 12),
    ("pretrained", 1000, 12),
    ("dot", 1, 12),
    ("lstm", 1, 12),
    ("auto", 1, 12),
)
"""Model, series, horizon."""


def table(n: int, T: int, *, negative: bool) -> tuple[dict, np.ndarray]:
    """Return monthly series as a table, and the values that follow, (n, 400)."""
    rng = np.random.default_rng(0)
    steps = np.arange(T + 400)
    y = np.exp(rng.normal(0, 0.03, (n, len(steps))).cumsum(axis=1)) * (100 + 20 * np.sin(steps * np.pi / 6))
    y = y - 100 if negative else y
    months = np.datetime64("1990-01") + np.arange(T).astype("m8[M]")
    ids = [f"s{k}" for k in range(n)]
    return {"unique_id": np.repeat(ids, T), "ds": np.tile(months, n), "y": y[:, :T].ravel()}, y[:, T:]


def measure(model: str, n: int, h: int, n_steps: int) -> None:
    """Print the times of one case."""
    from gatecast import Forecaster

    past, following = table(n, 144, negative="negative" in model)
    forecaster = Forecaster(h, model=model.partition(",")[0]).fit(past)
    stream = forecaster.stream()
    wall, processor = [], []
    for k in range(min(n_steps, following.shape[1])):
        began, began_cpu = time.perf_counter(), time.process_time()
        columns = stream.step(following[:, k]).forecast_columns
        wall.append(1e3 * (time.perf_counter() - began))
        processor.append(1e3 * (time.process_time() - began_cpu))
        assert len(columns) > 1
    anew = []
    for _ in range(5):
        began_cpu = time.process_time()
        forecaster.predict()
        anew.append(1e3 * (time.process_time() - began_cpu))
    with tempfile.TemporaryDirectory() as folder:
        stream.save(Path(folder) / "stream")
        size = (Path(folder) / "stream").stat().st_size
    cells = [f"{np.median(wall):.1f}", f"{np.quantile(wall, 0.99):.1f}", f"{np.median(processor):.1f}"]
    cells += [f"{np.quantile(processor, 0.1):.1f}", f"{np.median(anew):.1f}", f"{size / 1e3:.0f}"]
    print(f"| {model} | {n} | {' | '.join(cells)} |", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=200)
    options = parser.parse_args()
    print("| model | series | median | 99 % | processor | its 10 % | predict anew | file, kB |")
    print("|---|---|---|---|---|---|---|---|")
    for model, n, h in CASES:
        measure(model, n, h, options.steps if n == 1 and model.startswith("pretrained") else min(options.steps, 40))


if __name__ == "__main__":
    main()
