"""Measure the accuracy on single series from several origins, on validation tails or on test parts: docs/accuracy.md.

usage: accuracy.py FOLDER [--test] [--origins N] [--seeds N] [--model auto|pretrained|untrained]

FOLDER holds `time,value` files with a header. Origins lie a horizon apart, backwards from the end. Without --test, the
last N horizons of each series, its test parts, are cut off first: use this to choose settings. With --test, they give
the result for the record. At each origin `Forecaster(h)` sees what precedes it, and nothing else is passed. --model
untrained takes the pretrained networks and the closed-form models that "auto" has for such a series.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from gatecast import Forecaster
from gatecast.data import Panel, read
from gatecast.forecasting.base import ModelConfig, PanelSummary, Task
from gatecast.forecasting.baselines import drift, mean, naive, seasonal_naive
from gatecast.forecasting.presets import closed_form_models
from gatecast.forecasting.pretrained.choice import has_high_frequency
from gatecast.metrics.scale import seasonal_naive_scale

FloatArray = npt.NDArray[np.float64]

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

MIN_HORIZONS = 2
"""Horizons that precede an origin, at least."""

COLUMNS = ("series", "h", "origins", "MASE", "to seasonal naive", "each", "to best simple", "80 %", "95 %", "seconds")


class Result(NamedTuple):
    """A forecast from one origin.

    Args:
        mae: Mean absolute error.
        mase: The same in units of the mean change over a season before the origin.
        naive: Mean absolute error of seasonal naive, with the season that the forecaster found.
        simple: That of the simple forecast that was the best: known in hindsight alone.
        covered: Shares of values in the 80 and 95 % intervals.
        seconds: For the fit and the forecast.
    """

    mae: float
    mase: float
    naive: float
    simple: float
    covered: tuple[float, float]
    seconds: float


def table(panel: Panel) -> dict[str, np.ndarray]:
    """Return the only series of a panel as columns, without missing values."""
    observed = np.isfinite(panel.values)
    return {"ds": panel.times(0)[observed], "y": panel.values[observed]}


def origins(panel: Panel, h: int, n: int, test: bool) -> Iterator[tuple[Panel, FloatArray]]:
    """Yield the past at each origin and what followed, the newest origin first."""
    for back in range(1, n + 1) if test else range(n + 1, 2 * n + 1):
        if len(panel.values) - back * h >= MIN_HORIZONS * h:
            first = len(panel.values) - back * h
            yield panel.drop_last(back * h), panel.values[first : first + h]


def error(actual: FloatArray, forecast: npt.ArrayLike) -> float:
    """Return the mean absolute error of the values that are known."""
    return float(np.nanmean(np.abs(actual - np.asarray(forecast))))


def untrained(past: Panel, h: int) -> list[str | ModelConfig]:
    """Return the models of "auto" without those that are trained on the series."""
    seasons = tuple(cycle for cycle in past.freq.cycles if MIN_HORIZONS * cycle <= len(past.values)) or (1,)
    task = Task(h, seasons[0], seasons=seasons)
    networks = ["pretrained", "pretrained-lf"] if has_high_frequency(task) else ["pretrained"]
    return [*networks, *closed_form_models(PanelSummary.of(past), task)]


def measure(past: Panel, actual: FloatArray, h: int, seed: int, model: str) -> Result:
    """Fit and forecast at one origin."""
    start, data = time.perf_counter(), table(past)
    models = untrained(past, h) if model == "untrained" else model
    forecaster = Forecaster(h, model=models, level=[80, 95], seed=seed).fit(data)
    forecast = forecaster.predict()
    seconds = time.perf_counter() - start
    y, m = past.values, forecaster.season_length_
    seasons = {m, *(cycle for cycle in past.freq.cycles if cycle <= len(y))} - {1}
    simple = [naive(y, h), drift(y, h), mean(y, h), *(seasonal_naive(y, h, cycle) for cycle in seasons)]
    known = np.isfinite(actual)
    main = next(name for name in ("Ensemble", *forecast) if f"{name}-lo-80" in forecast)
    point = np.asarray(forecast[main])
    covered = [
        np.mean(
            (actual >= np.asarray(forecast[f"{main}-lo-{level}"]))[known]
            & (actual <= np.asarray(forecast[f"{main}-hi-{level}"]))[known]
        )
        for level in (80, 95)
    ]
    mae = error(actual, point)
    return Result(
        mae,
        mae / float(seasonal_naive_scale(y[None], m)[0]),
        error(actual, seasonal_naive(y, h, m)),
        min(error(actual, f) for f in simple),
        (float(covered[0]), float(covered[1])),
        seconds,
    )


def geometric_mean(ratios: list[float]) -> float:
    """Return the geometric mean."""
    return float(np.exp(np.mean(np.log(ratios))))


def summary(results: list[Result]) -> tuple[float, list[float], float]:
    """Return the errors of all origins relative to seasonal naive's, together and each, and to the best simple's."""
    mae = sum(r.mae for r in results)
    each = [r.mae / r.naive for r in results]
    return mae / sum(r.naive for r in results), each, mae / sum(r.simple for r in results)


def row(name: str, h: int, results: list[Result]) -> str:
    """Return a row of the table."""
    ratio, each, to_simple = summary(results)
    covered = [f"{100 * statistics.mean(r.covered[k] for r in results):.0f} %" for k in (0, 1)]
    cells = [
        name,
        str(h),
        str(len(results)),
        f"{statistics.mean(r.mase for r in results):.3f}",
        f"{ratio:.3f}",
        " ".join(f"{x:.2f}" for x in each),
        f"{to_simple:.3f}",
        *covered,
        f"{statistics.mean(r.seconds for r in results):.1f}",
    ]
    return "| " + " | ".join(cells) + " |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--test", action="store_true")
    parser.add_argument("--origins", type=int, default=4)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--model", default="auto", choices=["auto", "pretrained", "untrained"])
    options = parser.parse_args()
    print("| " + " | ".join(COLUMNS) + " |\n" + "|---" * len(COLUMNS) + "|")
    to_naive, to_simple, every = [], [], []
    for name, h in SERIES.items():
        panel, _ = read(str(options.folder / f"{name}.csv"))
        cuts = list(origins(panel, h, options.origins, options.test))
        results = [measure(*cut, h, seed, options.model) for cut in cuts for seed in range(options.seeds)]
        if not results:
            continue
        print(row(name, h, results), flush=True)
        ratio, each, simple = summary(results)
        to_naive.append(ratio)
        to_simple.append(simple)
        every += each
    print(
        f"\nGeometric means over series: {geometric_mean(to_naive):.3f} of seasonal naive, "
        f"{geometric_mean(to_simple):.3f} of the best simple forecast in hindsight; "
        f"over origins {geometric_mean(every):.3f}. "
        f"The worst series {max(to_naive):.3f}, the worst origin {max(every):.3f}."
    )


if __name__ == "__main__":
    main()
