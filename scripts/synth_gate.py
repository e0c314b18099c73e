"""Compare what real and synthetic series teach: coefficients of a regression, class by class.

usage: synth_gate.py FOLDER [--count N] [--seed N]

FOLDER holds m3/ and m4/ with Parquet files of the columns unique_id, y and split; only rows of the training parts are
read. For each class (yearly, quarterly, monthly, weekly) the script takes up to 20 origins of every series and
regresses the change of the logarithm over the horizon on

- drift: the mean change so far, times the horizon,
- momentum: the mean change of the last season (of 4 steps without a season), times the horizon,
- distance: the mean of the last two seasons (8 steps) less the newest value,
- copy: the value one season before the step that is forecast (or two, ...) less the newest value,

all in units of the mean absolute change so far. The last column has the median and the 80 % quantile of the seasonal
autocorrelation of changes less that of half a season off. Synthetic series have the lengths of the real ones. What
agrees in these numbers, a network can take from synthetic series to real ones.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

import duckdb
import numpy as np

from gatecast.data.synth import draw

FILES = {
    "yearly": (["m3/yearly.parquet", "m4/yearly.parquet"], 1, 6),
    "quarterly": (["m3/quarterly.parquet"], 4, 8),
    "monthly": (["m3/monthly.parquet", "m4/monthly_other.parquet"], 12, 18),
    "weekly": (["m4/weekly.parquet"], 52, 13),
}
"""Files, season length and horizon of each class."""

FEATURES = ("drift", "momentum", "distance", "copy")
LONGEST = 208
ORIGINS = 20
LIMIT = 40.0


@dataclass(frozen=True)
class Fit:
    """What the regression of a class finds.

    Args:
        coefficients: One for each feature.
        spread: From the 10 % to the 90 % quantile of the residuals, in units.
        explained: Share of the mean square of the changes.
        rows: Origins.
        unit: Median unit: mean absolute change so far, of the logarithm.
        upward: Share of the changes that are positive.
    """

    coefficients: np.ndarray
    spread: float
    explained: float
    rows: int
    unit: float
    upward: float


def training_parts(folder: Path, files: list[str]) -> list[np.ndarray]:
    """Return the training part of every series, its newest values only, where all are positive."""
    series = []
    for file in files:
        table = duckdb.sql(
            f"SELECT unique_id, list(y ORDER BY ds) FROM '{folder / file}' WHERE split = 'train' "
            "GROUP BY unique_id ORDER BY unique_id"
        ).fetchall()
        series += [np.array(values[-LONGEST:], dtype=np.float64) for _, values in table]
    return [y for y in series if (y > 0).all() and np.ptp(y) > 0]


def rows_of(y: np.ndarray, m: int, h: int) -> np.ndarray:
    """Return features, target, unit and values seen of the origins of a series: (origins, 7)."""
    z = np.log(y)
    first, last = max(8, m + 4), len(z) - h
    if last <= first:
        return np.empty((0, 7))
    origins = np.unique(np.linspace(first, last, min(ORIGINS, last - first), dtype=int, endpoint=False))
    short, wide = (m if m > 1 else 4), (2 * m if m > 1 else 8)
    result = []
    for n in origins:
        past, now = z[:n], z[n - 1]
        unit = max(np.abs(np.diff(past)).mean(), 1e-3)
        cycles = -(-h // m)
        copy = z[n - 1 + h - cycles * m] - now if m > 1 and n - 1 + h - cycles * m >= 0 else 0.0
        drift, momentum = h * (now - z[0]) / (n - 1), h * (now - z[n - 1 - min(short, n - 1)]) / short
        distance = past[-wide:].mean() - now
        changes = np.array([drift, momentum, distance, copy, z[n - 1 + h] - now]) / unit
        result.append([*np.clip(changes, -LIMIT, LIMIT), unit, n])
    return np.array(result)


def regress(table: np.ndarray, m: int) -> Fit:
    """Fit by least squares, without an intercept; a class without a season has no copy."""
    x, y = table[:, : 4 if m > 1 else 3], table[:, 4]
    coefficients = np.linalg.lstsq(x, y, rcond=None)[0]
    rest = y - x @ coefficients
    low, high = np.quantile(rest, [0.1, 0.9])
    explained = 1 - (rest**2).mean() / (y**2).mean()
    return Fit(coefficients, high - low, explained, len(y), float(np.median(table[:, 5])), float((y > 0).mean()))


def seasonality(series: list[np.ndarray], m: int) -> str:
    """Return the median and the 80 % quantile of the seasonal autocorrelation of changes, where three seasons exist."""
    values = []
    for y in series if m > 1 else ():
        z = np.diff(np.log(y))[-max(3 * m, 39) :]
        if len(z) >= 3 * m - 1:
            z = z - z.mean()
            at = [(z[lag:] * z[:-lag]).sum() / max((z**2).sum(), 1e-12) for lag in (m, m // 2, m + m // 2)]
            values.append(at[0] - (at[1] + at[2]) / 2)
    return " / ".join(f"{value:.2f}" for value in np.quantile(values, [0.5, 0.8])) if values else ""


def synthetic(lengths: np.ndarray, m: int, count: int, seed: int) -> list[np.ndarray]:
    """Return positive synthetic series with the lengths of real ones."""
    batch = draw("lf", count, LONGEST, (seed, m), season=m)
    wanted = np.random.default_rng(seed).choice(lengths, count)
    series = [row[-n:].astype(np.float64) for row, n in zip(batch.values, wanted, strict=True)]
    return [y for y in series if (y > 0).all() and np.ptp(y) > 0]


def report(name: str, kind: str, series: list[np.ndarray], m: int, h: int) -> None:
    """Print the rows of a class: all origins, and those with short and with longer histories."""
    table = np.concatenate([rows_of(y, m, h) for y in series])
    for label, low, high in (("all", 0, 9999), ("below 20", 0, 20), ("20 to 59", 20, 60), ("from 60", 60, 9999)):
        part = table[(table[:, 6] >= low) & (table[:, 6] < high)]
        if len(part) >= 300:
            fit = regress(part, m)
            numbers = [f"{value:.2f}" for value in fit.coefficients] + [""] * (4 - len(fit.coefficients))
            season = seasonality(series, m) if label == "all" else ""
            cells = [name, label, kind, f"{fit.rows:,}", *numbers, f"{fit.spread:.1f}"]
            print(
                "|", " | ".join([*cells, f"{fit.explained:.2f}", f"{fit.upward:.2f}", f"{fit.unit:.3f}", season]), "|"
            )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--count", type=int, default=4000)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    heads = ["class", "history", "series", "origins", *FEATURES, "spread", "R²", "upward", "unit", "season"]
    print("|", " | ".join(heads), "|")
    print("|" + "---|" * len(heads))
    for name, (files, m, h) in FILES.items():
        real = training_parts(options.folder, files)
        report(name, "real", real[:: max(1, len(real) // options.count)], m, h)
        lengths = np.array([len(y) for y in real])
        report(name, "synthetic", synthetic(lengths, m, options.count, options.seed), m, h)


if __name__ == "__main__":
    main()
