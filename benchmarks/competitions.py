"""Measure the accuracy on competitions: M3 (all series) and M4 (yearly, weekly, hourly), by their rules.

usage: competitions.py FOLDER [--seeds N] [--only GROUP,...] [--tails] [--model NAME,...] [--finetune]
                       [--out FILE.json]

FOLDER holds m3/*.parquet and m4/*.parquet: unique_id, ds, y, split ("train" or "test"). The models see the training
part only; the test part is for the record. Results are appended to the file, and results that are in it are not
computed again. --tails forecasts the last values of the training parts, from what precedes them: settings are chosen
there. --model takes the place of the automatic choice; --finetune trains the pretrained network further.
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
"""File, horizon, season length of MASE, season length for the forecaster (the files have no dates)."""

MODELS = (
    "Ensemble",
    "LSTM",
    "ES-LSTM",
    "DynamicOptimizedTheta",
    "LocalGlobalTrend",
    "Pretrained",
    "SeasonalCopy",
    "SeasonalAverage",
    "LevelShape",
    "SeasonalRidge",
    "DoubleSeasonal",
    "SeasonalArma",
    "Autoregression",
)

NAIVE2 = {"M4 yearly": (16.342, 3.974), "M4 weekly": (9.161, 2.777), "M4 hourly": (18.383, 2.395)}
"""sMAPE and MASE of the organizers' Naive2, which OWA is relative to."""


def load(path: Path, h: int) -> tuple[dict[str, np.ndarray], list[np.ndarray], np.ndarray]:
    """Return the training part as a table and as a list of series, and the test part (n_series, h)."""
    import duckdb

    query = f"select unique_id, y, split from read_parquet('{path}') order by unique_id, ds"
    rows = duckdb.sql(query).fetchnumpy()
    ids, y = np.asarray(rows["unique_id"], dtype=object), np.asarray(rows["y"], float)
    test = np.asarray(rows["split"], dtype=object) == "test"
    train = {"unique_id": ids[~test], "y": y[~test]}
    bounds = np.flatnonzero(np.r_[True, train["unique_id"][1:] != train["unique_id"][:-1], True])
    series = [train["y"][a:b] for a, b in pairwise(bounds)]
    train["ds"] = np.concatenate([np.arange(1, len(values) + 1) for values in series])
    return train, series, y[test].reshape(-1, h)


def seasonal_naive_scale(series: list[np.ndarray], m: int) -> np.ndarray:
    """Return the in-sample error of seasonal naive, the unit of MASE and MSIS; NaN where it is 0."""
    scale = np.array([np.abs(y[m:] - y[:-m]).mean() if len(y) > m else np.nan for y in series])
    return np.where(scale > 0, scale, np.nan)


def cut_tails(series: list[np.ndarray], h: int) -> tuple[dict[str, np.ndarray], list[np.ndarray], np.ndarray]:
    """Return series without their last h values, as `load` returns them, and these values; short ones are dropped."""
    long = [y for y in series if len(y) >= 2 * h + 4]
    past = [y[:-h] for y in long]
    lengths = [len(y) for y in past]
    train = {"unique_id": np.repeat(np.arange(len(past)), lengths), "y": np.concatenate(past)}
    train["ds"] = np.concatenate([np.arange(1, n + 1) for n in lengths])
    return train, past, np.stack([y[-h:] for y in long])


def measure(
    folder: Path, group: str, seed: int, model: str | list[str], *, tails: bool, finetune: bool = False
) -> dict:
    """Return sMAPE, MASE and OWA of every model, coverage and MSIS of the intervals, and seconds."""
    from gatecast import Forecaster  # here, because the environment of the peers has no gatecast

    file, h, m, season = GROUPS[group]
    table, series, actual = load(folder / f"{file}.parquet", h)
    if tails:
        table, series, actual = cut_tails(series, h)
    scale = seasonal_naive_scale(series, m)
    start = time.perf_counter()
    forecaster = Forecaster(h, model=model, season_length=season, seed=seed).fit(table, finetune=finetune)
    fitted = time.perf_counter()
    forecast = forecaster.predict()
    end = time.perf_counter()
    main = forecaster.model_name_
    columns = {name: column.reshape(-1, h) for name, column in forecast.items() if name.startswith(main)}
    components = forecaster.predict_components()
    result: dict = {"group": group, "seed": seed, "model": model, "tails": tails}
    points = {name: components[name].reshape(-1, h) for name in MODELS if name in components}
    result["findings"] = [finding for finding in forecaster.findings_ if finding.startswith("fine-tuning")]
    result |= {"fit": fitted - start, "predict": end - fitted, "weights": forecaster.model_weights_}
    for name, f in points.items():
        size = np.abs(f) + np.abs(actual)
        smape = float((200 * np.abs(f - actual) / np.where(size > 0, size, 1)).mean())
        mase = float(np.nanmean(np.abs(f - actual).mean(axis=1) / scale))
        result[name] = {"smape": smape, "mase": mase}
        if group in NAIVE2:
            result[name]["owa"] = (smape / NAIVE2[group][0] + mase / NAIVE2[group][1]) / 2
    for level in (80, 95):
        low, high = columns[f"{main}-lo-{level}"], columns[f"{main}-hi-{level}"]
        result[f"in {level}"] = float(((actual >= low) & (actual <= high)).mean() * 100)
    outside = np.maximum(low - actual, 0) + np.maximum(actual - high, 0)
    result["msis"] = float(np.nanmean((high - low + 40 * outside).mean(axis=1) / scale))
    return result


def show(runs: list[dict]) -> None:
    """Print a row for each group and model: medians over seeds."""
    print("| group | model | sMAPE | MASE | OWA | in 80 % | in 95 % | MSIS | fit, s | predict, s | seeds |")
    print("|---|---|---|---|---|---|---|---|---|---|---|")
    smape = {}
    for group in GROUPS:
        of_group = [run for run in runs if run["group"] == group]
        for name in MODELS if of_group else ():
            if name not in of_group[0]:
                continue
            score = {k: statistics.median(run[name][k] for run in of_group) for k in of_group[0][name]}
            smape[group, name] = score["smape"]
            cells = [f"{score['smape']:.3f}", f"{score['mase']:.3f}", f"{score['owa']:.3f}" if "owa" in score else ""]
            more = [
                statistics.median(run[key] for run in of_group) for key in ("in 80", "in 95", "msis", "fit", "predict")
            ]
            is_main = name == next(model for model in MODELS if model in of_group[0])
            cells += [f"{value:.1f}" if is_main else "" for value in more]
            print(f"| {group} | {name} | {' | '.join(cells)} | {len(of_group)} |")
    weights = {"M3 yearly": 645 * 6, "M3 quarterly": 756 * 8, "M3 monthly": 1428 * 18, "M3 other": 174 * 8}
    for name in MODELS:
        if all((group, name) in smape for group in weights):
            mean = sum(smape[group, name] * w for group, w in weights.items()) / sum(weights.values())
            print(f"\nM3, all points, {name}: sMAPE {mean:.3f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--only", default=",".join(GROUPS))
    parser.add_argument("--tails", action="store_true")
    parser.add_argument("--model", default="auto")
    parser.add_argument("--finetune", action="store_true")
    parser.add_argument("--out", type=Path, default=Path("competitions.jsonl"))
    options = parser.parse_args()
    lines = options.out.read_text().splitlines() if options.out.exists() else []
    runs = [json.loads(line) for line in lines]
    model = options.model.split(",") if "," in options.model else options.model
    for seed in range(options.seeds):
        for group in options.only.split(","):
            if not any(run["group"] == group and run["seed"] == seed for run in runs):
                settings = {"tails": options.tails, "finetune": options.finetune}
                runs.append(measure(options.folder, group, seed, model, **settings))
                print(*runs[-1]["findings"], sep="\n", flush=True)
                with options.out.open("a") as file:
                    file.write(json.dumps(runs[-1]) + "\n")
    show(runs)


if __name__ == "__main__":
    main()
