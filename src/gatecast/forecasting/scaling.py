"""Frames: what turns the values of many series into numbers that one network can read, and its answers back.

Letters: S series, T values of the longest series, m season, h horizon, k step ahead.

A panel is a matrix here, (S, T), aligned on the right: the last column is the newest value of every series; NaN is
missing, or before a series began. Everything is worked out from the values given, so whoever passes the past alone
learns nothing of the future.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from gatecast.data.panel import Panel

__all__ = [
    "SeriesScaler",
    "fit_scaler",
    "forward_fill",
    "inverse_transform",
    "seasonal_indices",
    "to_matrix",
    "transform",
]

Floats = npt.NDArray[np.float64]

CYCLES = 3
"""Fewer seasons are no ground for indices."""

DAYS = 7
"""Of a week."""

TEST = 1.645
"""Limit of the autocorrelation test, 90 % two-sided."""


class SeriesScaler(NamedTuple):
    """How the values of each series are transformed: ``z = log(y / s)`` or ``z = asinh((y - s) / unit)``, s the season.

    Args:
        seasonal: (S, m) indices, column j of step j + 1 behind the end; 1 or 0 where there is no season.
        positive: (S,) whether the logarithm is taken, and the season divided by.
        unit: (S,) of the asinh; 1 where the logarithm is taken.
    """

    seasonal: Floats
    positive: npt.NDArray[np.bool_]
    unit: Floats


def to_matrix(panel: Panel, longest: int | None = None) -> Floats:
    """The values of a panel as a matrix, aligned on the right.

    Args:
        panel: Series of any lengths.
        longest: Columns at most: older values are left out.

    Returns:
        (S, T) float64, NaN where missing or before the beginning.

    >>> from gatecast.data.panel_builder import build_panel
    >>> panel, _ = build_panel([1, 2, 3, 1], [5.0, 6.0, 7.0, 9.0], ["a", "a", "a", "b"])
    >>> to_matrix(panel).tolist()
    [[5.0, 6.0, 7.0], [nan, nan, 9.0]]
    """
    T = int(panel.lengths.max(initial=0))
    T = T if longest is None else min(T, longest)
    at = panel.indptr[1:, None] - T + np.arange(T)
    inside = at >= panel.indptr[:-1, None]
    return np.where(inside, panel.values[np.maximum(at, 0)], np.nan)


def forward_fill(values: Floats) -> Floats:
    """Missing values replaced by the last one before them; before the first value, by the first; a row of none by 0.

    >>> forward_fill(np.array([[np.nan, 2.0, np.nan, 3.0]])).tolist()
    [[2.0, 2.0, 2.0, 3.0]]
    """
    seen = np.isfinite(values)
    last = np.maximum.accumulate(np.where(seen, np.arange(values.shape[1]), -1), axis=1)
    last = np.where(last < 0, seen.argmax(axis=1)[:, None], last)
    return np.nan_to_num(np.take_along_axis(values, last, axis=1))


def seasonal_indices(values: Floats, m: int, divide: npt.NDArray[np.bool_]) -> Floats:
    """Classical seasonal indices of each series, where its autocorrelation shows a season.

    ``|r[m]| > 1.645 sqrt((1 + 2 sum_{k < m} r[k]^2) / n)`` decides; indices are the medians over the seasons of
    value / centred moving mean, or value - centred moving mean, scaled to a mean of 1, or shifted to one of 0.

    Args:
        values: (S, T) aligned on the right; NaN is missing and is left out.
        m: Season.
        divide: (S,) True: multiplicative, False: additive.

    Returns:
        (S, m), column j of the phase of step j + 1 behind the end.

    Source: Makridakis, Spiliotis & Assimakopoulos 2020 (M4's Naive2), with medians for means.

    >>> y = np.tile([10.0, 20.0], 12)[None]
    >>> seasonal_indices(y, 2, np.array([True])).round(3).tolist()
    [[0.667, 1.333]]
    """
    T = values.shape[1]
    neutral = np.where(divide, 1.0, 0.0)[:, None]
    indices = np.repeat(neutral, m, axis=1)
    if m == 1 or CYCLES * m > T:
        return indices
    rows = np.flatnonzero(_seasonal(values, m))
    if not len(rows):
        return indices
    y, by = values[rows], divide[rows, None]
    centre = _centred_mean(y, m)
    with np.errstate(all="ignore"):
        left = np.where(by, y / centre, y - centre)
    pad = -T % m
    cycles = np.concatenate([np.full((len(rows), pad), np.nan), left], axis=1).reshape(len(rows), -1, m)
    found = np.isfinite(cycles).any(axis=1)
    cycles[:, 0][~found] = np.broadcast_to(neutral[rows], found.shape)[~found]
    medians = np.nanmedian(cycles, axis=1)
    mean = medians.mean(axis=1, keepdims=True)
    with np.errstate(all="ignore"):
        scaled = np.where(by, medians / mean, medians - mean)
    good = np.isfinite(scaled).all(axis=1) & (~by[:, 0] | (scaled > 0).all(axis=1))
    indices[rows[good]] = scaled[good]
    return indices


def fit_scaler(values: Floats, m: int) -> SeriesScaler:
    """The frame of every series.

    Args:
        values: (S, T) aligned on the right; NaN is missing.
        m: Season whose indices are taken out; 1 for none.

    >>> fit_scaler(np.array([[1.0, 2.0, 4.0]]), 1).positive.tolist()
    [True]
    """
    seen = np.isfinite(values)
    positive = np.asarray(seen.any(axis=1) & (np.where(seen, values, 1.0) > 0).all(axis=1))
    season = seasonal_indices(values, m, positive)
    if m % DAYS == 0 and m > DAYS * DAYS:  # a week of hours: where it does not show, the day may
        flat = (season == season[:, :1]).all(axis=1)
        season[flat] = np.tile(seasonal_indices(values[flat], m // DAYS, positive[flat]), DAYS)
    size = np.where(seen, np.abs(values), 0.0).sum(axis=1) / np.maximum(seen.sum(axis=1), 1)
    unit = np.where(positive | (size == 0), 1.0, size)
    return SeriesScaler(season, positive, unit)


def transform(frame: SeriesScaler, values: Floats) -> Floats:
    """Values as the network reads them.

    Args:
        frame: Of the same series.
        values: (S, T) aligned on the right as those that made the frame; NaN stays NaN.

    >>> transform(SeriesScaler(np.ones((1, 1)), np.array([True]), np.ones(1)), np.array([[1.0, np.e]])).tolist()
    [[0.0, 1.0]]
    """
    T, m = values.shape[1], frame.seasonal.shape[1]
    s = frame.seasonal[:, (np.arange(T) - T) % m]
    yes = frame.positive[:, None]
    with np.errstate(all="ignore"):
        return np.where(yes, np.log(values / s), np.arcsinh((values - s) / frame.unit[:, None]))


def inverse_transform(frame: SeriesScaler, z: Floats) -> Floats:
    """What a network says of the steps ahead, as values.

    Args:
        frame: Of the same series.
        z: (S, h) or (S, h, Q), from the first step behind the end on.

    Returns:
        The shape of z, increasing with it.

    >>> inverse_transform(SeriesScaler(np.array([[1.0, 2.0]]), np.array([True]), np.ones(1)), np.zeros((1, 3))).tolist()
    [[1.0, 2.0, 1.0]]
    """
    wide = (...,) + (None,) * (z.ndim - 2)
    s = frame.seasonal[:, np.arange(z.shape[1]) % frame.seasonal.shape[1]][wide]
    yes = frame.positive[:, None][wide]
    unit = frame.unit[:, None][wide]
    with np.errstate(over="ignore"):
        return np.where(yes, np.exp(np.minimum(z, 700.0)) * s, np.sinh(np.clip(z, -700.0, 700.0)) * unit + s)


def _seasonal(values: Floats, m: int) -> npt.NDArray[np.bool_]:
    """(S,) whether the autocorrelation at lag m is beyond chance."""
    seen = np.isfinite(values)
    n = seen.sum(axis=1)
    x = np.where(seen, values, 0.0)
    size = np.abs(x).max(axis=1, keepdims=True)
    x /= np.where(size > 0, size, 1.0)
    x = np.where(seen, x - (x.sum(axis=1) / np.maximum(n, 1))[:, None], 0.0)
    energy = (x * x).sum(axis=1)
    safe = np.where(energy > 0, energy, 1.0)
    r = np.stack([(x[:, k:] * x[:, :-k]).sum(axis=1) / safe for k in range(1, m + 1)])
    limit = TEST * np.sqrt((1 + 2 * (r[:-1] ** 2).sum(axis=0)) / np.maximum(n, 1))
    return np.asarray((np.abs(r[-1]) > limit) & (n >= CYCLES * m))


def _centred_mean(values: Floats, m: int) -> Floats:
    """Moving mean over a season, both ends weighed by a half if m is even; NaN where a value is missing."""
    T = values.shape[1]
    weights = np.ones(m) if m % 2 else np.concatenate([[0.5], np.ones(m - 1), [0.5]])
    half = len(weights) // 2
    out = np.full(values.shape, np.nan)
    total = np.zeros((len(values), T - 2 * half))
    for k, weight in enumerate(weights):
        total += weight * values[:, k : k + T - 2 * half]
    out[:, half : T - half] = total / m
    return out
