"""Tails of public series: the last h values of their *training* parts, and what precedes them. No test part is read."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]

MAX_SEASON, MAX_VALUES, MAX_SERIES = 13, 520, 2000


class Tail(NamedTuple):
    """Series of one season length and horizon, cut before their tails."""

    name: str
    past: Array
    """(n, T), aligned at the ends."""
    future: Array
    """(n, h)."""
    m: int
    long: int = 0
    """A longer season; 0 for none."""


LF_PANELS = {
    "yearly": ("m3/yearly.parquet", 6, 1),
    "quarterly": ("m3/quarterly.parquet", 8, 4),
    "monthly": ("m3/monthly.parquet", 18, 12),
    "other": ("m3/other.parquet", 8, 1),
    "M4 yearly": ("m4/yearly.parquet", 6, 1),
    "M4 monthly": ("m4/monthly_other.parquet", 18, 12),
    "M4 weekly": ("m4/weekly.parquet", 13, 52),
}
"""File, horizon and season length."""

CLASSICS = "classics/classics_dated.parquet"
"""Single series; index.csv next to it has their horizons and seasons."""


class Origins(NamedTuple):
    """Where the series of a set are cut."""

    path: str
    """File."""
    ids: str
    """What the name of a series begins with."""
    h: int
    m: int
    long: int
    count: int
    """Origins of each series."""
    every: int
    """Steps between them, no multiple of the season."""


HF_SETS = {
    "M4 hourly": Origins("m4/hourly.parquet", "", 48, 24, 168, 1, 1),
    "transformers hourly": Origins("ett_h1/ETTh1.parquet", "", 48, 24, 168, 12, 167),
    "transformers quarter-hourly": Origins("ett_m1/ETTm1.parquet", "", 96, 96, 672, 8, 677),
    "demand half-hourly": Origins("vic_elec/vic_elec.parquet", "", 48, 48, 336, 60, 345),
    "demand half-hourly, a week": Origins("vic_elec/vic_elec.parquet", "", 336, 48, 336, 30, 345),
    "taylor half-hourly": Origins(CLASSICS, "taylor", 48, 48, 336, 24, 55),
    "bikes hourly": Origins(CLASSICS, "bike_sharing_hourly", 48, 24, 168, 60, 173),
    "bikes daily": Origins(CLASSICS, "bike_sharing_daily", 14, 7, 0, 30, 9),
    "household daily": Origins(CLASSICS, "household", 14, 7, 0, 60, 9),
    "exchange rates daily": Origins("exchange_rate/exchange_rate.parquet", "", 10, 5, 0, 12, 131),
    "temperatures daily": Origins(CLASSICS, "daily_min", 28, 365, 0, 24, 51),
}

HF_VALUES = 2400
"""Newest values of a series that are read."""


def load_lf_tails(folder: Path) -> list[Tail]:
    """Read the tails of yearly to weekly sets that a folder has."""
    tails: list[Tail] = []
    for name, (path, h, m) in LF_PANELS.items():
        if exists(folder / path):
            series = list(read(folder / path).values())
            tails += cut(name, series[:: -(-len(series) // MAX_SERIES)], h, m)
    return [*tails, *_classics(folder / CLASSICS)] if exists(folder / CLASSICS) else tails


def load_hf_tails(folder: Path) -> list[Tail]:
    """Read the tails of daily to minute sets that a folder has; single series are cut at several origins."""
    tails: list[Tail] = []
    for name, o in HF_SETS.items():
        if exists(folder / o.path):
            chosen = [y for key, y in read(folder / o.path).items() if key.startswith(o.ids)]
            series = [y[: len(y) - k * o.every] for y in chosen for k in range(o.count)]
            known = [y for y in series if np.isfinite(y[-o.h :]).all()]
            longest = max(HF_VALUES, 5 * o.m, 5 * o.long)
            tails += [tail._replace(long=o.long) for tail in cut(name, known, o.h, o.m, longest)]
    return tails


def exists(path: Path) -> bool:
    """Return whether there is a file; say so if not."""
    if not path.is_file():
        print(f"held-out table: no {'/'.join(path.parts[-2:])} in the folder of data, left out", flush=True)
    return path.is_file()


def read(path: Path) -> dict[str, Array]:
    """Return the training parts of a file's series by name."""
    import duckdb

    query = "select unique_id, y from read_parquet(?) where split = 'train' order by unique_id, ds"
    columns = duckdb.connect().execute(query, [str(path)]).fetchnumpy()
    names, y = np.asarray(columns["unique_id"]).astype(str), np.ma.filled(columns["y"].astype(np.float64), np.nan)
    unique, first = np.unique(names, return_index=True)
    return dict(zip(unique.tolist(), np.split(y, np.sort(first)[1:]), strict=True))


def cut(name: str, series: list[Array], h: int, m: int, longest: int = MAX_VALUES) -> list[Tail]:
    """Return the series cut before their tails; those that are too short are left out."""
    enough = [y[-longest - h :] for y in series if len(y) > h + max(m, 4)]
    if not enough:
        return []
    past = np.full((len(enough), max(map(len, enough)) - h), np.nan)
    for row, y in zip(past, enough, strict=True):
        row[len(row) - len(y) + h :] = y[:-h]
    return [Tail(name, past, np.array([y[-h:] for y in enough]), m)]


def _classics(path: Path) -> Iterator[Tail]:
    """Yield the tails of single series whose seasons are short enough."""
    with (path.parent / "index.csv").open() as file:
        index = {row["name"]: (int(row["h"]), int(row["m"])) for row in csv.DictReader(file)}
    for name, y in read(path).items():
        h, m = index.get(name, (0, 0))
        if 1 <= m <= MAX_SEASON and h:
            yield from cut(f"classics {name}", [y], min(h, 48), m)
