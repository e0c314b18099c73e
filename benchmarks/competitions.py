"""Accuracy on competitions: M3 (all series) and M4 (Yearly, Weekly, Hourly), by their own rules.

usage: competitions.py FOLDER [--seeds N] [--only GROUP,...] [--out FILE.json]

FOLDER holds m3/*.parquet and m4/*.parquet: unique_id, ds, y, split ("train" or "test"). The networks see the training
part alone; the test part is looked at to record the result. Results are appended to the file as they come, and what is
in it is not computed again.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from itertools import pairwise
from pathlib import Path

import numpy as np

GROUPS = {
    "M3 yearly": ("m3/yearly", 6, 1, 1),
    "M3 quarterly": ("m3/quarterly", 8, 4, 4),
    "M3 monthly": ("m3/monthly", 18, 12, 12),
    "M3 other": ("m3/other", 8, 1, 1),
    "M4 yearly": ("m4/yearly", 6, 1, 1),
    "M4 weekly": ("m4/weekly", 13, 1, 52),
    "M4 hourly": ("m4/hourly", 48, 24, 24),
}
"""File, horizon, season of MASE, season that the forecaster is told (the files have no dates)."""

MODELS = ("Ensemble", "LSTM", "ES-LSTM", "DOT")

NAIVE2 = {"M4 yearly": (16.342, 3.974), "M4 weekly": (9.161, 2.777), "M4 hourly": (18.383, 2.395)}
"""sMAPE and MASE of the organisers' Naive2, which OWA is relative to."""


def load(path: Path, h: int) -> tuple[dict[str, np.ndarray], list[np.ndarray], np.ndarray]:
    """The training part as a table, as a list of series, and the test part (S, h)."""
    import duckdb

    query = f"select unique_id, y, split from read_parquet('{path}') order by unique_id, ds"
    rows = duckdb.sql(query).fetchnumpy()
    ids, y = np.asarray(rows["unique_id"], dtype=object), np.asarray(rows["y"], float)
    test = np.asarray(rows["split"], dtype=object) == "test"
    train = {"unique_id": ids[~test], "y": y[~test]}
    bounds = np.flatnonzero(np.r_[True, train["unique_id"][1:] != train["unique_id"][:-1], True])
    series = [train["y"][a:b] for a, b in pairwise(bounds)]
    train["ds"] = np.concatenate([np.arange(1, len(one) + 1) for one in series])
    return train, series, y[test].reshape(-1, h)


def scaled(series: list[np.ndarray], m: int) -> np.ndarray:
    """In-sample error of seasonal naive, the unit of MASE and MSIS; NaN where it is 0."""
    unit = np.array([np.abs(one[m:] - one[:-m]).mean() if len(one) > m else np.nan for one in series])
    return np.where(unit > 0, unit, np.nan)


def measure(folder: Path, group: str, seed: int) -> dict:
    """One run: sMAPE, MASE and OWA of every model, coverage and MSIS of the intervals, seconds."""
    from gatecast.forecaster import Forecaster  # here, so that peers without gatecast can import the rest

    file, h, m, season = GROUPS[group]
    table, series, actual = load(folder / f"{file}.parquet", h)
    unit = scaled(series, m)
    began = time.perf_counter()
    forecaster = Forecaster(h, season_length=season, seed=seed).fit(table, evaluate=False)
    fitted = time.perf_counter()
    said = forecaster.predict().columns
    done = time.perf_counter()
    whole = {name: column.reshape(-1, h) for name, column in said.items() if name.startswith("Ensemble")}
    apart = forecaster.predict_components()
    points = {"Ensemble": whole["Ensemble"], **{name: part.reshape(-1, h) for name, part in apart.items()}}
    found: dict = {"group": group, "seed": seed, "fit": fitted - began, "predict": done - fitted}
    found["weights"] = forecaster.model_weights_
    for name, f in points.items():
        size = np.abs(f) + np.abs(actual)
        smape = float((200 * np.abs(f - actual) / np.where(size > 0, size, 1)).mean())
        mase = float(np.nanmean(np.abs(f - actual).mean(axis=1) / unit))
        found[name] = {"smape": smape, "mase": mase}
        if group in NAIVE2:
            found[name]["owa"] = (smape / NAIVE2[group][0] + mase / NAIVE2[group][1]) / 2
    for level in (80, 95):
        low, high = whole[f"Ensemble-lo-{level}"], whole[f"Ensemble-hi-{level}"]
        found[f"in {level}"] = float(((actual >= low) & (actual <= high)).mean() * 100)
    outside = np.maximum(low - actual, 0) + np.maximum(actual - high, 0)
    found["msis"] = float(np.nanmean((high - low + 40 * outside).mean(axis=1) / unit))
    return found


def show(runs: list[dict]) -> None:
    """A row a group and model: medians over seeds."""
    print("| group | model | sMAPE | MASE | OWA | in 80 % | in 95 % | MSIS | fit, s | predict, s | seeds |")
    print("|---|---|---|---|---|---|---|---|---|---|---|")
    middle = {}
    for group in GROUPS:
        own = [run for run in runs if run["group"] == group]
        for name in MODELS if own else ():
            if name not in own[0]:
                continue
            score = {k: statistics.median(run[name][k] for run in own) for k in own[0][name]}
            middle[group, name] = score["smape"]
            cells = [f"{score['smape']:.3f}", f"{score['mase']:.3f}", f"{score['owa']:.3f}" if "owa" in score else ""]
            more = [statistics.median(run[key] for run in own) for key in ("in 80", "in 95", "msis", "fit", "predict")]
            cells += [f"{value:.1f}" if name == "Ensemble" else "" for value in more]
            print(f"| {group} | {name} | {' | '.join(cells)} | {len(own)} |")
    weights = {"M3 yearly": 645 * 6, "M3 quarterly": 756 * 8, "M3 monthly": 1428 * 18, "M3 other": 174 * 8}
    for name in MODELS:
        if all((group, name) in middle for group in weights):
            mean = sum(middle[group, name] * w for group, w in weights.items()) / sum(weights.values())
            print(f"\nM3, all points, {name}: sMAPE {mean:.3f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--only", default=",".join(GROUPS))
    parser.add_argument("--out", type=Path, default=Path("competitions.jsonl"))
    options = parser.parse_args()
    lines = options.out.read_text().splitlines() if options.out.exists() else []
    runs = [json.loads(line) for line in lines]
    for seed in range(options.seeds):
        for group in options.only.split(","):
            if not any(run["group"] == group and run["seed"] == seed for run in runs):
                runs.append(measure(options.folder, group, seed))
                with options.out.open("a") as file:
                    file.write(json.dumps(runs[-1]) + "\n")
    show(runs)


if __name__ == "__main__":
    main()
