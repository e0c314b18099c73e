"""Tables of a run: losses by family and part of the horizon, errors on tails before test parts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from gatecast import metrics
from gatecast.forecasting.pretrained.batches import PackedBatch
from gatecast.forecasting.pretrained.head import LEVELS, Head
from gatecast.forecasting.theta import dot
from gatecast.kernels.packing import LANES
from pretraining.tails import Tail

Array = npt.NDArray[np.float64]
Forecast = Callable[[Tail], Array]
"""Quantiles of `LEVELS` (n, h, Q) of the tails of series."""

MEDIAN = LEVELS.index(0.5)


class Errors(NamedTuple):
    """Mean errors of forecasts."""

    smape: float
    mase: float
    coverage: float
    """Share within the 80 % band."""


@dataclass
class Losses:
    """Sums of quantile losses by family and group of the horizon's tokens."""

    names: tuple[str, ...]
    groups: int
    total: Array = field(init=False)
    weight: Array = field(init=False)

    def __post_init__(self) -> None:
        self.total, self.weight = (np.zeros((len(self.names), self.groups)) for _ in range(2))

    def add(self, head: Head, batch: PackedBatch, family: npt.NDArray[np.int64]) -> None:
        """Add a batch."""
        loss, weight = lane_losses(head, batch)
        np.add.at(self.total, family[batch.order], loss)
        np.add.at(self.weight, family[batch.order], weight)

    def line(self) -> str:
        """Return means by family and by group."""
        groups = self.total.sum(axis=0) / np.maximum(self.weight.sum(axis=0), 1)
        families = self.total.sum(axis=1) / np.maximum(self.weight.sum(axis=1), 1)
        parts = [f"{name} {loss:.3f}" for name, loss in zip(self.names, families, strict=True) if loss > 0]
        return "horizon " + " ".join(f"{loss:.3f}" for loss in groups) + "; " + ", ".join(parts)


def lane_losses(head: Head, batch: PackedBatch) -> tuple[Array, Array]:
    """Return sums of losses, and of weights, by series in the order of the lanes and group of the horizon."""
    quantiles, slots = head.quantiles, head.shape.slots
    nb, T, _, L = quantiles.shape
    q = quantiles.reshape(nb, T, head.shape.tokens, 1, len(LEVELS), L)
    target = (batch.y - head.center).reshape(nb, T, head.shape.tokens, slots, L)
    loss = np.zeros_like(target)
    for k, level in enumerate(LEVELS):
        error = target - q[:, :, :, :, k]
        loss += np.maximum(level * error, (level - 1) * error)
    weighted = loss.reshape(batch.weight.shape) * batch.weight / len(LEVELS)
    return tuple(_by_lane(x, head)[: len(batch.order)] for x in (weighted, batch.weight))  # type: ignore[return-value]


def anchor_errors(head: Head, batch: PackedBatch) -> Array:
    """Return sums of absolute errors by series: of the median, the mean of the anchors, and each anchor, (n, 2 + A)."""
    nb, T, _, L = batch.y.shape
    of_token = head.quantiles.reshape(nb, T, head.shape.tokens, len(LEVELS), L)[:, :, :, MEDIAN]
    median = head.center + np.repeat(of_token, head.shape.slots, axis=2)
    anchors = [np.zeros_like(median), *batch.anchors.values]
    forecasts = [median, sum(anchors) / len(anchors), *anchors]
    errors = [_by_lane(np.abs(batch.y - f) * batch.weight, head).sum(axis=1)[: len(batch.order)] for f in forecasts]
    return np.stack(errors, axis=1)


def _by_lane(x: npt.NDArray[np.float32], head: Head) -> Array:
    """Return sums over origins and the steps of each group, (nb L, G)."""
    nb, _, K, L = x.shape
    groups = head.shape.groups
    total = x.sum(axis=1, dtype=np.float64).reshape(nb, groups, K // groups, L).sum(axis=2)
    return total.transpose(0, 2, 1).reshape(nb * LANES, groups)


def dot_forecast(tail: Tail) -> Array:
    """Return the quantiles of dynamic optimized theta; levels other than 10, 50 and 90 % are those of the median."""
    q = dot(tail.past, tail.future.shape[1], tail.m, (0.1, 0.5, 0.9))
    wide = np.repeat(q[..., 1:2], len(LEVELS), axis=-1)
    wide[..., LEVELS.index(0.1)], wide[..., LEVELS.index(0.9)] = q[..., 0], q[..., 2]
    return wide


def errors(tail: Tail, q: Array) -> Errors:
    """Return the errors of quantiles (n, h, Q)."""
    median, y = q[..., MEDIAN], tail.future
    scale = np.nanmean(np.abs(tail.past[:, tail.m :] - tail.past[:, : -tail.m]), axis=1)
    inside = (q[..., LEVELS.index(0.1)] <= y) & (y <= q[..., LEVELS.index(0.9)])
    mase = (np.abs(median - y).mean(axis=1) / scale)[scale > 0]
    return Errors(float(metrics.smape(y, median)), float(mase.mean()), float(inside.mean()))


def tail_table(forecast: Forecast, tails: list[Tail], reference: dict[str, Errors], name: str) -> list[str]:
    """Return the lines of the held-out table, and the geometric mean of errors relative to a reference."""
    lines = [f"tails                              n     sMAPE    MASE   in 80 %   {name}: sMAPE   MASE   ratio"]
    ratios: dict[str, float] = {}
    for tail in tails:
        e, d = errors(tail, forecast(tail)), reference[tail.name]
        ratios[tail.name] = e.mase / d.mase
        lines.append(
            f"{tail.name:30s} {len(tail.past):5d}  {e.smape:8.3f} {e.mase:7.3f} {100 * e.coverage:9.1f}"
            f"   {d.smape:10.3f} {d.mase:6.3f} {ratios[tail.name]:7.3f}"
        )
    if ratios:
        mean = np.exp(np.mean(np.log(list(ratios.values()))))
        lines.append(f"MASE / that of {name}, geometric mean of {len(ratios)} sets {mean:.3f}")
    return lines
