"""Tables of a run: losses by family and third of the horizon, errors on tails before test parts, gates.

Tails are the last h values of the training parts of public series: no test part is read.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from gatecast import metrics
from gatecast.forecasting.pretrained.batches import PackedBatch
from gatecast.forecasting.pretrained.head import LEVELS, THIRDS, Head
from gatecast.forecasting.pretrained.predict import predict_quantiles
from gatecast.forecasting.theta import dot
from gatecast.kernels.packing import LANES
from gatecast.nn.network import Network, Weights

Array = npt.NDArray[np.float64]

PANELS = {
    "yearly": ("m3/yearly.parquet", 6, 1),
    "quarterly": ("m3/quarterly.parquet", 8, 4),
    "monthly": ("m3/monthly.parquet", 18, 12),
    "other": ("m3/other.parquet", 8, 1),
    "M4 yearly": ("m4/yearly.parquet", 6, 1),
    "M4 monthly": ("m4/monthly_other.parquet", 18, 12),
    "M4 weekly": ("m4/weekly.parquet", 13, 52),
    "classics": ("classics/classics_dated.parquet", 0, 0),
}
"""File, horizon and season length; 0: by series, in index.csv."""

MAX_SEASON, MAX_VALUES, MAX_SERIES = 13, 520, 2000
MEDIAN = LEVELS.index(0.5)


class Tail(NamedTuple):
    """Series of one season length and horizon, cut before their tails."""

    name: str
    past: Array
    """(n, T), aligned at the ends."""
    future: Array
    """(n, h)."""
    m: int


class Errors(NamedTuple):
    """Mean errors of forecasts."""

    smape: float
    mase: float
    coverage: float
    """Share within the 80 % band."""


@dataclass
class Losses:
    """Sums of quantile losses by family and third of the horizon."""

    names: tuple[str, ...]
    total: Array = field(init=False)
    weight: Array = field(init=False)

    def __post_init__(self) -> None:
        self.total, self.weight = (np.zeros((len(self.names), THIRDS)) for _ in range(2))

    def add(self, head: Head, batch: PackedBatch, family: npt.NDArray[np.int64]) -> None:
        """Add a batch."""
        loss, weight = lane_losses(head, batch)
        np.add.at(self.total, family[batch.order], loss)
        np.add.at(self.weight, family[batch.order], weight)

    def line(self) -> str:
        """Return means by family and by third."""
        thirds = self.total.sum(axis=0) / np.maximum(self.weight.sum(axis=0), 1)
        families = self.total.sum(axis=1) / np.maximum(self.weight.sum(axis=1), 1)
        parts = [f"{name} {loss:.3f}" for name, loss in zip(self.names, families, strict=True) if loss > 0]
        return "thirds " + " ".join(f"{loss:.3f}" for loss in thirds) + "; " + ", ".join(parts)


def lane_losses(head: Head, batch: PackedBatch) -> tuple[Array, Array]:
    """Return sums of losses, and of weights, by series in the order of the lanes and third of the horizon."""
    nb, T, K, L = batch.y.shape
    q = head.quantiles.reshape(nb, T, K, len(LEVELS), L)
    target = batch.y - head.center
    loss = np.zeros_like(target)
    for k, level in enumerate(LEVELS):
        error = target - q[:, :, :, k]
        loss += np.maximum(level * error, (level - 1) * error)
    return tuple(_by_lane(x)[: len(batch.order)] for x in (loss * batch.weight / len(LEVELS), batch.weight))  # type: ignore[return-value]


def anchor_errors(head: Head, batch: PackedBatch) -> Array:
    """Return sums of absolute errors by series: of the median, of the mean of the anchors, of each anchor, (n, 6)."""
    nb, T, K, L = batch.y.shape
    median = head.center + head.quantiles.reshape(nb, T, K, len(LEVELS), L)[:, :, :, MEDIAN]
    anchors = [np.zeros_like(median), *batch.anchors]
    forecasts = [median, sum(anchors) / len(anchors), *anchors]
    errors = [_by_lane(np.abs(batch.y - f) * batch.weight).sum(axis=1)[: len(batch.order)] for f in forecasts]
    return np.stack(errors, axis=1)


def _by_lane(x: npt.NDArray[np.float32]) -> Array:
    """Return sums over origins and the steps of each third, (nb L, 3)."""
    nb, _, K, L = x.shape
    total = x.sum(axis=1, dtype=np.float64).reshape(nb, THIRDS, K // THIRDS, L).sum(axis=2)
    return total.transpose(0, 2, 1).reshape(nb * LANES, THIRDS)


def load_tails(folder: Path) -> list[Tail]:
    """Read the tails of the sets that a folder has."""
    tails: list[Tail] = []
    for name, (path, h, m) in PANELS.items():
        if not (folder / path).is_file():
            print(f"held-out table: no {path} in the folder of data, left out", flush=True)
        elif h:
            series = list(_read(folder / path).values())
            tails += _cut(name, series[:: -(-len(series) // MAX_SERIES)], h, m)
        else:
            tails += _classics(folder / path)
    return tails


def measure(network: Network, weights: Weights, tail: Tail) -> Errors:
    """Return the errors of a network on a tail."""
    return errors(tail, predict_quantiles(network, weights, tail.past, tail.future.shape[1], tail.m))


def measure_dot(tail: Tail) -> Errors:
    """Return the errors of dynamic optimized theta on a tail."""
    q = dot(tail.past, tail.future.shape[1], tail.m, (0.1, 0.5, 0.9))
    wide = np.repeat(q[..., 1:2], len(LEVELS), axis=-1)
    wide[..., LEVELS.index(0.1)], wide[..., LEVELS.index(0.9)] = q[..., 0], q[..., 2]
    return errors(tail, wide)


def errors(tail: Tail, q: Array) -> Errors:
    """Return the errors of quantiles (n, h, Q)."""
    median, y = q[..., MEDIAN], tail.future
    scale = np.nanmean(np.abs(tail.past[:, tail.m :] - tail.past[:, : -tail.m]), axis=1)
    inside = (q[..., LEVELS.index(0.1)] <= y) & (y <= q[..., LEVELS.index(0.9)])
    mase = (np.abs(median - y).mean(axis=1) / scale)[scale > 0]
    return Errors(float(metrics.smape(y, median)), float(mase.mean()), float(inside.mean()))


def tail_table(network: Network, weights: Weights, tails: list[Tail], reference: dict[str, Errors]) -> list[str]:
    """Return the lines of the held-out table."""
    lines = ["tails                     n     sMAPE    MASE   in 80 %   DOT: sMAPE   MASE"]
    for tail in tails:
        e, d = measure(network, weights, tail), reference[tail.name]
        lines.append(
            f"{tail.name:22s} {len(tail.past):5d}  {e.smape:8.3f} {e.mase:7.3f} {100 * e.coverage:9.1f}"
            f"   {d.smape:10.3f} {d.mase:6.3f}"
        )
    single = [tail for tail in tails if tail.name.startswith("classics")]
    if single:
        ratios = [measure(network, weights, tail).mase / reference[tail.name].mase for tail in single]
        lines.append(f"classics: MASE / that of DOT, geometric mean {np.exp(np.mean(np.log(ratios))):.3f}")
    return lines


def _read(path: Path) -> dict[str, Array]:
    """Return the training parts of a file's series by name."""
    import duckdb

    query = f"select unique_id, y from read_parquet('{path}') where split = 'train' order by unique_id, ds"
    columns = duckdb.connect().execute(query).fetchnumpy()
    names, y = np.asarray(columns["unique_id"]).astype(str), np.asarray(columns["y"], np.float64)
    unique, first = np.unique(names, return_index=True)
    return dict(zip(unique.tolist(), np.split(y, np.sort(first)[1:]), strict=True))


def _classics(path: Path) -> list[Tail]:
    """Return the tails of single series whose seasons are short enough."""
    import csv

    with (path.parent / "index.csv").open() as file:
        index = {row["name"]: (int(row["h"]), int(row["m"])) for row in csv.DictReader(file)}
    tails: list[Tail] = []
    for name, y in _read(path).items():
        h, m = index.get(name, (0, 0))
        if 1 <= m <= MAX_SEASON and h:
            tails += _cut(f"classics {name}", [y], min(h, 48), m)
    return tails


def _cut(name: str, series: list[Array], h: int, m: int) -> list[Tail]:
    """Return the series cut before their tails; those that are too short are left out."""
    enough = [y[-MAX_VALUES - h :] for y in series if len(y) > h + max(m, 4)]
    if not enough:
        return []
    past = np.full((len(enough), max(map(len, enough)) - h), np.nan)
    for row, y in zip(past, enough, strict=True):
        row[len(row) - len(y) + h :] = y[:-h]
    return [Tail(name, past, np.array([y[-h:] for y in enough]), m)]
