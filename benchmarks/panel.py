"""Time and memory of a panel: made series of 100 points with a season of 12, fitted and predicted.

usage: panel.py [--sizes 100,1000,10000,100000] [--members N] [--rounds N]

Every size is measured in a process of its own, because the peak of memory belongs to a process. One member unless said;
nothing is held back for scores, as in a competition.
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


def measure(S: int, members: int) -> dict[str, float]:
    """Seconds of fit and predict, and the peak of memory in GB, with the table itself."""
    from gatecast.config import TrainingConfig
    from gatecast.forecaster import Forecaster

    rng = np.random.default_rng(0)
    season = 10 * np.sin(np.arange(LENGTH) * np.pi / 6)
    y = 100 + np.cumsum(rng.normal(size=(S, LENGTH)), axis=1) + season
    months = (np.datetime64("2010-01", "M") + np.arange(LENGTH)).astype("M8[D]")
    table = {"unique_id": np.repeat(np.arange(S), LENGTH), "ds": np.tile(months, S), "y": y.ravel()}
    began = time.perf_counter()
    forecaster = Forecaster(H, training=TrainingConfig(n_members=members)).fit(table, evaluate=False)
    fitted = time.perf_counter()
    forecaster.predict()
    done = time.perf_counter()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    return {"fit": fitted - began, "predict": done - fitted, "peak": peak}


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
        found = {name: statistics.median(run[name] for run in runs) for name in runs[0]}
        print(f"| {size:,} | {found['fit']:.1f} | {found['predict']:.2f} | {found['peak']:.2f} |", flush=True)


if __name__ == "__main__":
    main()
