"""Compare the pretrained network, without any fitting, with AutoETS, seasonal naive and other small pretrained models.

usage: zero_shot.py FOLDER PEER_PYTHON [--only SET,...] [--series N] [--models NAME,...]

FOLDER holds the data sets; of each, at most N series (default 100, evenly spaced) are forecast from the end of their
training parts. PEER_PYTHON is the interpreter of an environment with statsforecast, fracast, flaircast, duckdb and
pandas. Prints for each set MASE, and the weighted quantile loss WQL over the levels .1 to .9:

    WQL = 2 sum_t,q (q - [y < f]) (y - f) / (number of levels x sum_t |y|)

and geometric means of both relative to seasonal naive.
"""

from __future__ import annotations

import argparse
import subprocess
import tempfile
import time
from pathlib import Path
from statistics import NormalDist
from typing import NamedTuple

import numpy as np

LEVELS = (20, 40, 60, 80)
"""Central intervals that the quantiles are the bounds of, with the median."""

QUANTILES = tuple(sorted({0.5, *(0.5 + s * level / 200 for level in LEVELS for s in (-1, 1))}))

PEERS = ("AutoETS", "fracast", "flaircast")

MAX_CONTEXT = 3000
"""Newest values that every model is given."""

MIN_FRACAST = 8
"""Values that fracast needs."""

MAX_ETS_SEASON = 24
"""Longest season of AutoETS."""


class DataSet(NamedTuple):
    """A collection: file, horizon, season of seasonal naive and MASE, and the frequency's alias."""

    file: str
    h: int
    m: int
    freq: str


SETS = {
    "M3 yearly": DataSet("m3/yearly", 6, 1, "Y"),
    "M3 quarterly": DataSet("m3/quarterly", 8, 4, "Q"),
    "M3 monthly": DataSet("m3/monthly", 18, 12, "M"),
    "M3 other": DataSet("m3/other", 8, 1, "D"),
    "M4 yearly": DataSet("m4/yearly", 6, 1, "Y"),
    "M4 monthly, part": DataSet("m4/monthly_other", 18, 12, "M"),
    "M4 weekly": DataSet("m4/weekly", 13, 1, "W"),
    "M4 hourly": DataSet("m4/hourly", 48, 24, "H"),
    "NN3": DataSet("nn3/nn3", 18, 12, "M"),
    "car parts": DataSet("carparts/carparts", 12, 12, "M"),
    "exchange rates": DataSet("exchange_rate/exchange_rate", 30, 5, "D"),
    "ETTh1": DataSet("ett_h1/ETTh1", 96, 24, "H"),
    "ETTm1": DataSet("ett_m1/ETTm1", 96, 96, "15T"),
    "vic_elec": DataSet("vic_elec/vic_elec", 336, 48, "30T"),
}


def load(folder: Path, data: DataSet, n_series: int) -> tuple[list[np.ndarray], np.ndarray]:
    """Return the newest values of the training parts, and what followed, (n_series, h)."""
    import duckdb

    query = f"select unique_id, y, split from read_parquet('{folder / data.file}.parquet') order by unique_id, ds"
    table = duckdb.sql(query).fetchnumpy()
    ids, y, split = (np.asarray(table[name]) for name in ("unique_id", "y", "split"))
    names = np.unique(ids.astype(str))
    chosen = names[np.unique(np.linspace(0, len(names) - 1, min(n_series, len(names))).astype(int))]
    past, actual = [], []
    for name in chosen:
        is_member = ids.astype(str) == name
        values, first = y[is_member].astype(float), int((split[is_member] == "test").argmax())
        past.append(values[:first][-MAX_CONTEXT:])
        actual.append(values[first : first + data.h])
    return past, np.stack(actual)


def pretrained(past: list[np.ndarray], data: DataSet) -> np.ndarray:
    """Return quantiles of the pretrained network, (n_series, h, Q)."""
    from gatecast import Forecaster

    lengths = [len(values) for values in past]
    table = {
        "unique_id": np.repeat(np.arange(len(past)), lengths),
        "ds": np.concatenate([np.arange(n) for n in lengths]),
        "y": np.concatenate(past),
    }
    forecaster = Forecaster(data.h, model="pretrained", level=LEVELS, season_length=data.m)
    forecast = forecaster.predict(table)
    point = next(name for name in forecast if f"{name}-lo-80" in forecast)
    columns = [f"{point}-lo-{level}" for level in LEVELS[::-1]] + [point] + [f"{point}-hi-{level}" for level in LEVELS]
    return np.stack([np.asarray(forecast[name]).reshape(-1, data.h) for name in columns], axis=2)


def seasonal_naive(past: list[np.ndarray], data: DataSet) -> np.ndarray:
    """Return quantiles of seasonal naive with normal errors, (n_series, h, Q)."""
    k, m = np.arange(data.h), data.m
    z = np.array([NormalDist().inv_cdf(q) for q in QUANTILES])
    out = []
    for values in past:
        season = m if len(values) > m else 1
        spread = np.sqrt(np.nanmean((values[season:] - values[:-season]) ** 2)) * np.sqrt(k // season + 1)
        out.append(values[len(values) - season + k % season][:, None] + spread[:, None] * z)
    return np.stack(out)


def auto_ets(past: list[np.ndarray], data: DataSet) -> np.ndarray:
    """Return quantiles of AutoETS, (n_series, h, Q)."""
    from statsforecast.models import AutoETS

    model = AutoETS(season_length=data.m if data.m <= MAX_ETS_SEASON else 1)
    out = []
    for values in past:
        result = model.forecast(y=values[np.isfinite(values)], h=data.h, level=list(LEVELS))
        sides = [result[f"lo-{level}"] for level in LEVELS[::-1]]
        out.append(np.stack([*sides, result["mean"], *(result[f"hi-{level}"] for level in LEVELS)], axis=1))
    return np.stack(out)


def fracast(past: list[np.ndarray], data: DataSet) -> np.ndarray:
    """Return quantiles of fracast, (n_series, h, Q); seasonal naive's for series of fewer than 8 values."""
    from fracast import FracastModel

    model = FracastModel.from_pretrained()
    out, instead = [], seasonal_naive(past, data)
    for values, simple in zip(past, instead, strict=True):
        if np.isfinite(values).sum() < MIN_FRACAST:
            out.append(simple)
            continue
        predicted = np.asarray(model.forecast(values, horizon=data.h))
        out.append(np.stack([np.interp(QUANTILES, model.quantiles, row) for row in predicted]))
    return np.stack(out)


def flaircast(past: list[np.ndarray], data: DataSet) -> np.ndarray:
    """Return quantiles of flaircast's samples, (n_series, h, Q)."""
    from flaircast import forecast

    paths = [forecast(values[np.isfinite(values)], data.h, data.freq, n_samples=500, seed=0) for values in past]
    return np.stack([np.quantile(samples, QUANTILES, axis=0).T for samples in paths])


MODELS = {
    "Pretrained": pretrained,
    "SeasonalNaive": seasonal_naive,
    "AutoETS": auto_ets,
    "fracast": fracast,
    "flaircast": flaircast,
}


def scores(quantiles: np.ndarray, past: list[np.ndarray], actual: np.ndarray, m: int) -> tuple[float, float, float]:
    """Return MASE, WQL and the share of values in the 80 % interval."""
    known = np.isfinite(actual)
    scale = np.array([np.nanmean(np.abs(v[m:] - v[:-m])) if len(v) > m else np.nan for v in past])
    scale = np.where(scale > 0, scale, np.nan)
    median = quantiles[..., len(QUANTILES) // 2]
    mase = float(np.nanmean(np.nanmean(np.abs(actual - median), axis=1) / scale))
    q, error = np.array(QUANTILES), actual[..., None] - quantiles
    loss = np.where(known[..., None], np.maximum(q * error, (q - 1) * error), 0.0)
    wql = float(2 * loss.sum() / len(QUANTILES) / np.abs(actual[known]).sum())
    inside = (actual >= quantiles[..., 0]) & (actual <= quantiles[..., -1])
    return mase, wql, float(inside[known].mean() * 100)


def forecast_with_peer(python: str, model: str, folder: Path, name: str, n_series: int) -> np.ndarray:
    """Return the quantiles that another environment computes."""
    with tempfile.TemporaryDirectory() as directory:
        out = Path(directory) / "quantiles.npy"
        command = [python, __file__, str(folder), python, "--only", name, "--series", str(n_series)]
        subprocess.run([*command, "--models", model, "--write", str(out)], check=True)
        return np.asarray(np.load(out))


def main() -> None:
    """Print a row for each set and model."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("peer_python")
    parser.add_argument("--only", default=";".join(SETS), help="sets, separated by ;")
    parser.add_argument("--series", type=int, default=100)
    parser.add_argument("--models", default=",".join(MODELS))
    parser.add_argument("--write", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    names, models = options.only.split(";"), options.models.split(",")
    if options.write:
        past, _ = load(options.folder, SETS[names[0]], options.series)
        np.save(options.write, MODELS[models[0]](past, SETS[names[0]]))
        return
    print("| set | series | model | MASE | WQL | in 80 % | seconds |\n|---|---|---|---|---|---|---|")
    relative: dict[str, list[tuple[float, float]]] = {model: [] for model in models}
    for name in names:
        past, actual = load(options.folder, SETS[name], options.series)
        base = scores(seasonal_naive(past, SETS[name]), past, actual, SETS[name].m)
        for model in models:
            began = time.perf_counter()
            if model in PEERS:
                quantiles = forecast_with_peer(options.peer_python, model, options.folder, name, options.series)
            else:
                quantiles = MODELS[model](past, SETS[name])
            seconds = time.perf_counter() - began
            mase, wql, inside = scores(quantiles, past, actual, SETS[name].m)
            relative[model].append((mase / base[0], wql / base[1]))
            cells = f"{mase:.3f} | {wql:.4f} | {inside:.1f} | {seconds:.1f}"
            print(f"| {name} | {len(past)} | {model} | {cells} |", flush=True)
    for model, ratios in relative.items():
        mase, wql = np.exp(np.log(ratios).mean(axis=0))
        print(f"| geometric mean to seasonal naive | {len(ratios)} sets | {model} | {mase:.3f} | {wql:.3f} | | |")


if __name__ == "__main__":
    main()
