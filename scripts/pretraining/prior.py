"""What can be learned from made series, compared with public ones: the first gate of a run.

The change over the horizon, in units, is regressed on what the network reads of it: drift, momentum, distance to the recent
mean, and what the season leaves after its indices. Coefficients that differ tell which made series are wrong.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from pretraining.bank import Draw
from pretraining.tables import Array, Tail

from gatecast.forecasting.pretrained.features import anchors, make_features, targets
from gatecast.forecasting.pretrained.predict import align_left
from gatecast.forecasting.pretrained.scaling import SeriesScale

N_MADE = 2000
MIN_VALUES = 8
"""Values before the first origin."""

HEADER = "prior            n   drift  moment. recent  cycle   spread  spread/anchors  unit  autocorr.  season"


class Prior(NamedTuple):
    """What a regression finds, and how large changes are."""

    coefficients: Array
    """(4,): drift, momentum, recent mean, cycle."""
    spread: float
    """Median absolute residual, in units."""
    share: float
    """The same as a share of that of the mean of the anchors."""
    unit: float
    """Median unit at the last origins."""
    autocorrelation: float
    """Median lag-one autocorrelation of the changes."""
    season: float
    """Mean strength of the season."""
    n: int

    def line(self, name: str) -> str:
        """Return a line below `HEADER`."""
        b = " ".join(f"{value:7.2f}" for value in self.coefficients)
        return (
            f"{name:14s} {self.n:5d} {b} {self.spread:8.2f} {self.share:12.3f} {self.unit:10.3f}"
            f" {self.autocorrelation:8.2f} {self.season:8.2f}"
        )


def measure_prior(values: Array, h: int, m: int) -> Prior:
    """Measure series aligned at their ends, (n, T), h steps after up to 24 origins of each."""
    length = np.isfinite(values).any(axis=1) * (values.shape[1] - np.isfinite(values).argmax(axis=1))
    y = align_left(values[length > MIN_VALUES + h], length[length > MIN_VALUES + h])
    series = SeriesScale.of(y).transform(y)
    features = make_features(series, m)
    target, known = targets(series, features, h)
    steps = np.arange(len(y))
    simple = anchors(features, steps, h)[:, :, -1]
    copy = np.zeros_like(features.level)
    back = m * -(-h // m) - h
    if m > 1:
        at = steps[back:]
        adjusted = series.z[: len(y) - back] - features.indices.at(at, at - back)
        copy[back:] = (adjusted - features.level[at]) / features.unit[at]
    known = known[:, -1] & (steps[:, None] >= MIN_VALUES) & (steps[:, None] >= length[length > MIN_VALUES + h] - h - 24)
    columns = np.stack([*simple[1:], copy], axis=-1)[known]
    response = target[:, -1][known].astype(np.float64)
    beta = _robust(columns, response)
    residual = response - columns @ beta
    by_anchors = response - simple.mean(axis=0)[known]
    last = known & (steps[:, None] >= MIN_VALUES)
    return Prior(
        beta,
        float(np.median(np.abs(residual))),
        float(np.abs(residual).mean() / np.abs(by_anchors).mean()),
        float(np.median(features.unit[last])),
        float(np.median(features.inputs[:, AUTOCORRELATION][last])),
        float(features.indices.strength[features.indices.block(steps)][last].mean()),
        y.shape[1],
    )


AUTOCORRELATION = 48


def prior_table(draw: Draw, kind: str, tails: list[Tail]) -> list[str]:
    """Return the lines of the table: each public set, and made series of its season and lengths."""
    lines = [HEADER]
    rng = np.random.default_rng(5)
    for tail in tails:
        n, h = len(tail.past), tail.future.shape[1]
        if n < 100:
            continue
        lines.append(measure_prior(tail.past, h, tail.m).line(tail.name))
        lengths = rng.choice(np.isfinite(tail.past).sum(axis=1), N_MADE)
        made = draw(kind, N_MADE, 208, 17, season=tail.m).values.astype(np.float64)
        made = np.where(np.arange(208)[::-1] < np.minimum(lengths, 208)[:, None], made, np.nan)
        lines.append(measure_prior(made, h, tail.m).line("  made"))
    return lines


def _robust(x: Array, y: Array) -> Array:
    """Return the coefficients of least absolute errors, nearly: weighted least squares, 20 times."""
    w = np.ones(len(y))
    for _ in range(20):
        beta = np.linalg.solve(x.T @ (w[:, None] * x) + 1e-6 * np.eye(x.shape[1]), x.T @ (w * y))
        w = 1 / np.maximum(np.abs(y - x @ beta), 0.1)
    return beta
