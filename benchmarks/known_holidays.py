"""Whether public holidays as known columns help, on validation tails of daily and sub-daily series.

FOLDER holds vic_elec/vic_elec.parquet and classics/classics_dated.parquet, with the columns unique_id, ds and y. The
test part of each series, its last values, is cut off first. Needs pandas, pyarrow and the extra `holidays`.

    python benchmarks/known_holidays.py FOLDER [--seeds 3]
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import pandas as pd

import gatecast as gc
from gatecast.config import DataConfig
from gatecast.data import holiday_columns


def load(folder: Path) -> dict[str, tuple[pd.DataFrame, str, int, int]]:
    """Return tables with their country, horizon and number of cutoffs, test parts cut off."""
    demand = pd.read_parquet(folder / "vic_elec" / "vic_elec.parquet")[["ds", "y"]]
    demand["ds"] = demand["ds"].dt.tz_localize("UTC").dt.tz_convert("Australia/Melbourne").dt.tz_localize(None)
    hourly = demand.groupby(demand["ds"].dt.floor("h"))["y"].mean().reset_index()
    daily = demand.groupby(demand["ds"].dt.floor("D"))["y"].mean().reset_index()
    classics = pd.read_parquet(folder / "classics" / "classics_dated.parquet")
    single = {name: table[["ds", "y"]] for name, table in classics.groupby("unique_id")}
    return {
        "vic_elec, daily": (daily[:-14], "AU-VIC", 14, 26),
        "vic_elec, hourly": (hourly[:-168], "AU-VIC", 168, 26),
        "bike_sharing_daily": (single["bike_sharing_daily"][:-28], "US-DC", 14, 13),
        "household_power_daily": (single["household_power_daily"][:-28], "FR", 14, 26),
    }


def errors(table: pd.DataFrame, country: str, h: int, n_windows: int, seed: int, data: DataConfig) -> dict[str, float]:
    """Return the mean absolute error of each model: everywhere, and on holidays and the days next to them."""
    forecaster = gc.Forecaster(h, seed=seed, data=data)
    forecasts = forecaster.cross_validation(table, n_windows=n_windows, refit=False, progress=False, output="pandas")
    freq = "h" if h > 100 else "D"
    near = np.maximum.reduce(list(holiday_columns(forecasts["ds"].to_numpy(), freq, country).values())) > 0
    result = {}
    for model in ("Ensemble", "LSTM", "DynamicOptimizedTheta", "SeasonalNaive"):
        if model in forecasts:
            error = (forecasts[model] - forecasts["y"]).abs()
            result[model], result[f"{model} near holidays"] = error.mean(), error[near].mean()
    return result


def main() -> None:
    """Print the errors without and with holidays, means over seeds."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seeds", type=int, default=3)
    args = parser.parse_args()
    for name, (table, country, h, n_windows) in load(args.folder).items():
        without, with_holidays = (
            pd.DataFrame([errors(table, country, h, n_windows, seed, data) for seed in range(args.seeds)]).mean()
            for data in (DataConfig(), DataConfig(holidays=country))
        )
        print(f"{name}: {country}, h = {h}, {n_windows} cutoffs", flush=True)
        for model in without.index:
            before, after = without[model], with_holidays[model]
            print(f"  {model:40}{before:10.4g}{after:10.4g}{after / before - 1:+9.1%}", flush=True)


if __name__ == "__main__":
    main()
