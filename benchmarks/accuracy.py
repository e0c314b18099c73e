"""Measure the accuracy on single series, on validation tails or on test parts: the tables of docs/accuracy.md.

usage: accuracy.py FOLDER [--test] [--seeds N]

FOLDER holds `time,value` files with a header. Without --test, the last h values of each series, its test part, are
cut off first: use this to choose settings. With --test, they give the result for the record.
"""

from __future__ import annotations

import argparse
import statistics
import time
from pathlib import Path

import numpy as np

from gatecast import Forecaster
from gatecast.data import Panel, read

SERIES = {
    "airpassengers": 24,
    "nottem": 24,
    "co2_maunaloa_monthly": 24,
    "sunspots_monthly": 132,
    "sunspots_yearly": 22,
    "lynx": 14,
    "daily_min_temperatures_melbourne": 365,
    "household_power_daily": 28,
    "bike_sharing_daily": 28,
    "taylor_halfhourly_demand": 336,
}
"""Horizon by file name."""


def table(panel: Panel) -> dict[str, np.ndarray]:
    """Return the only series of a panel as columns, without missing values."""
    observed = np.isfinite(panel.values)
    return {"ds": panel.times(0)[observed], "y": panel.values[observed]}


def measure(path: Path, h: int, test: bool, seeds: int) -> list[object]:
    """Return the MASE of the ensemble (median over seeds) and of the baseline, coverage, and seconds."""
    panel, _ = read(str(path))
    data = table(panel if test else panel.drop_last(h))
    runs, start = [], time.perf_counter()
    for seed in range(seeds):
        evaluation = Forecaster(h, seed=seed).fit(data).evaluation_
        assert evaluation is not None
        runs.append(evaluation)
    scores = [run.scores[0] for run in runs]
    naive = next(score for score in runs[0].scores if score.model in ("SeasonalNaive", "Naive"))
    coverage = [statistics.mean(score.coverage[level] for score in scores) for level in (80, 95)]
    return [
        path.stem,
        h,
        runs[0].season_length,
        statistics.median(score.mase for score in scores),
        naive.mase,
        statistics.median(score.skill for score in scores),
        *coverage,
        (time.perf_counter() - start) / seeds,
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--test", action="store_true")
    parser.add_argument("--seeds", type=int, default=3)
    options = parser.parse_args()
    print("| series | h | m | ensemble MASE | seasonal naive MASE | skill | in 80 % | in 95 % | seconds |")
    print("|---|---|---|---|---|---|---|---|---|")
    ratios = []
    for name, h in SERIES.items():
        row = measure(options.folder / f"{name}.csv", h, options.test, options.seeds)
        ratios.append(row[3] / row[4])
        formats = ("{}", "{}", "{}", "{:.3f}", "{:.3f}", "{:+.1f} %", "{:.0f} %", "{:.0f} %", "{:.1f}")
        print("| " + " | ".join(f.format(cell) for f, cell in zip(formats, row, strict=True)) + " |", flush=True)
    print(f"\nGeometric mean of ensemble MASE / seasonal naive MASE: {np.exp(np.mean(np.log(ratios))):.3f}")


if __name__ == "__main__":
    main()
