"""Measure time and memory of panels: synthetic series of 100 values with a season of 12, fit and predict.

usage: panel.py [--sizes 100,1000,10000,100000] [--members N] [--rounds N]

Each size runs in a process of its own, because the peak of memory belongs to a process. By default one member; no
test part, as in a competition.
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import subprocess
import sys
import time

import numpy as np

LENGTH, H = 100, 12


def measure(n_series: int, members: int) -> dict[str, float]:
    """Return the seconds of fit and predict, and the peak of memory in GB, with the table itself."""
    from gatecast import Forecaster, TrainingConfig

    rng = np.random.default_rng(0)
    season = 10 * np.sin(np.arange(LENGTH) * np.pi / 6)
    y = 100 + np.cumsum(rng.normal(size=(n_series, LENGTH)), axis=1) + season
    months = (np.datetime64("2010-01", "M") + np.arange(LENGTH).astype("m8[M]")).astype("M8[D]")
    table = {"unique_id": np.repeat(np.arange(n_series), LENGTH), "ds": np.tile(months, n_series), "y": y.ravel()}
    start = time.perf_counter()
    forecaster = Forecaster(H, training=TrainingConfig(n_members=members)).fit(table, evaluate=False)
    fitted = time.perf_counter()
    forecaster.predict()
    end = time.perf_counter()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    return {"fit": fitted - start, "predict": end - fitted, "peak": peak}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", default="100,1000,10000,100000")
    parser.add_argument("--members", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--one", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        print(json.dumps(measure(options.one, options.members)))
        return
    print("| series | fit, s | predict, s | peak, GB |")
    print("|---|---|---|---|")
    for size in map(int, options.sizes.split(",")):
        command = [sys.executable, __file__, "--one", str(size), "--members", str(options.members)]
        runs = [
            json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
            for _ in range(options.rounds)
        ]
        medians = {name: statistics.median(run[name] for run in runs) for name in runs[0]}
        print(f"| {size:,} | {medians['fit']:.1f} | {medians['predict']:.2f} | {medians['peak']:.2f} |", flush=True)


if __name__ == "__main__":
    main()
