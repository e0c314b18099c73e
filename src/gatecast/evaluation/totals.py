"""Sums of forecasts over steps and over series, with intervals.

A quantile of a sum is no sum of quantiles: what is too high in one month or shop may be too low in another. Intervals
of sums are therefore quantiles of the sums of sample paths, whose errors last from step to step, and of which
different series share as much as `error_correlation` says.

Shapes: S series; h steps; P paths; L levels.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from statistics import NormalDist
from typing import NamedTuple

import numpy as np

from gatecast._utils.typing import BoolArray, FloatArray

__all__ = ["Change", "Sum", "Totals", "correlated_draw", "few_errors", "stretch", "sum_paths", "typical", "widen"]

PRIOR_SUMS = 4.0
"""Independent sums of errors that the paths' own width counts for."""

TYPICAL_LEVEL = 80.0
"""Level whose interval tells the deviation of a sum, or the nearest one."""

MAX_SUM = 4.0
"""Deviations at which a sum of past errors is cut off."""

MAX_STRETCH = 3.0
"""How much wider intervals become, at most."""


class Sum(NamedTuple):
    """A sum of forecasts with its intervals.

    Args:
        point: Sums of the point forecasts [...].
        low: Lower bounds [..., L].
        high: Upper bounds [..., L].
    """

    point: FloatArray
    low: FloatArray
    high: FloatArray


class Change(NamedTuple):
    """A sum compared with what was observed a year, or a season, before.

    Args:
        lag: Steps from the values that are compared with.
        n_steps: Steps that are compared.
        n_series: Series of which all values are known there.
        reference: Sum of these values.
        forecast: Sum of the forecasts of the same steps and series.
        by_step: Sums of these values by step; NaN where they are not compared [h].
    """

    lag: int
    n_steps: int
    n_series: int
    reference: float
    forecast: Sum
    by_step: FloatArray


class Totals(NamedTuple):
    """Sums over steps, over series, and over both.

    Args:
        levels: Levels of the intervals, in percent.
        total: Over all steps of all series, of one number.
        by_series: Over the steps of each series [S]; NaN for a series without a forecast.
        by_step: Over all series, [h]; None where they do not end at the same time.
        n_series: Series with a forecast.
        n_paths: Paths that the intervals are read from.
        median: Of the sums over all, where the sum of medians need not be.
        correlation: Of the errors of two series; NaN for a single series, and for a hierarchy, which has one a pair.
        measured: Whether past errors told the correlation.
        change: Compared with the year or season before; None where too little is known.
        stretch: How much wider the intervals are than those of the paths, because sums of past errors were larger.
        shared: How much wider those of the typical level are, besides, because series that move together tell less.
    """

    levels: tuple[float, ...]
    total: Sum
    by_series: Sum
    by_step: Sum | None
    n_series: int
    n_paths: int
    median: float
    correlation: float = float("nan")
    measured: bool = True
    change: Change | None = None
    stretch: float = 1.0
    shared: float = 1.0


def sum_paths(
    point: FloatArray,
    parts: Iterable[tuple[slice, FloatArray]],
    levels: Sequence[float],
    past: FloatArray,
    lag: int | None,
    *,
    aligned: bool = True,
) -> Totals:
    """Sum point forecasts and sample paths.

    Args:
        point: Point forecasts [S, h]; NaN for a series without any.
        parts: Some series after another, with their paths [n, P, h].
        levels: In percent.
        past: The `lag` values before each first step [S, lag]; NaN is missing.
        lag: Steps of a year or season; None: there is none.
        aligned: Whether all series end at the same time.

    Example:
        >>> paths = np.arange(101.0)[None, :, None] * np.ones((2, 1, 3))
        >>> totals = sum_paths(np.full((2, 3), 50.0), [(slice(0, 2), paths)], [80], np.full((2, 4), 40.0), 4)
        >>> totals.total.point, totals.total.low, totals.total.high
        (array(300.), array([60.]), array([540.]))
        >>> totals.change.n_steps, totals.change.reference
        (3, 240.0)
    """
    n_series, h = point.shape
    live: BoolArray = np.asarray(np.isfinite(point).all(axis=1))
    n_compared = 0 if lag is None else min(lag, h)
    reference = past[:, :n_compared]
    compared: BoolArray = np.asarray(live & np.isfinite(reference).all(axis=1))
    if not n_compared:
        compared = np.zeros(n_series, bool)
    bounds = np.full((2, n_series, len(levels)), np.nan)
    by_step, of_compared, n_paths = np.zeros((0, h)), np.zeros(0), 0
    for rows, paths in parts:
        n_paths = paths.shape[1]
        if not len(by_step):
            by_step, of_compared = np.zeros((n_paths, h)), np.zeros(n_paths)
        known = live[rows]
        sums = paths[known].sum(axis=2)
        bounds[:, rows][:, known] = _quantiles(sums, levels, axis=1)
        by_step += paths[known].sum(axis=0)
        of_compared += paths[compared[rows]][:, :, :n_compared].sum(axis=(0, 2))
    filled = np.where(live[:, None], point, 0.0)
    change = None
    if compared.any():
        step_sums = np.full(h, np.nan)
        step_sums[:n_compared] = reference[compared].sum(axis=0)
        point_sum = np.asarray(filled[compared][:, :n_compared].sum())
        forecast = _sum(point_sum, _quantiles(of_compared, levels, axis=0))
        change = Change(
            int(lag or 0), n_compared, int(compared.sum()), float(step_sums[:n_compared].sum()), forecast, step_sums
        )
    return Totals(
        tuple(levels),
        _sum(np.asarray(filled.sum()), _quantiles(by_step.sum(axis=1), levels, axis=0)),
        _sum(np.where(live, filled.sum(axis=1), np.nan), bounds),
        _sum(filled.sum(axis=0), _quantiles(by_step, levels, axis=0)) if aligned else None,
        int(live.sum()),
        n_paths,
        float(np.median(by_step.sum(axis=1))) if len(by_step) else float("nan"),
        change=change,
    )


def correlated_draw(correlation: float, seed: int) -> Callable[[np.random.Generator, tuple[int, int]], FloatArray]:
    """Return what draws standard normal numbers of which any two series have a correlation.

    What series share comes from the seed alone, so that parts of a panel may be drawn one after another. Half of the
    paths are the negatives of the others: quantiles then vary less.

    Example:
        >>> draw = correlated_draw(0.5, 0)
        >>> x = draw(np.random.default_rng(1), (2, 10_000))
        >>> np.corrcoef(x).round(1).tolist()
        [[1.0, 0.5], [0.5, 1.0]]
    """
    shared = np.random.Generator(np.random.Philox(seed))

    def draw(rng: np.random.Generator, shape: tuple[int, int]) -> FloatArray:
        """Draw numbers [n_series, P]."""
        half = -(-shape[1] // 2)
        x = np.sqrt(1 - correlation) * rng.standard_normal((shape[0], half))
        x += np.sqrt(correlation) * shared.standard_normal(half)
        return np.concatenate([x, -x], axis=1)[:, : shape[1]]

    return draw


def stretch(errors: FloatArray, totals: Totals, correlation: float) -> float:
    """Return how much wider than the paths' sums those of past errors are, at least 1.

    Paths forget an error at the rate of neighboring steps, but a wrong level or trend lasts over the whole horizon.
    With z the sums of past errors in units of the deviation of the paths' sums, n independent ones among them, the
    factor is ``sqrt((n mean(z^2) + 4) / (n + 4))``.

    Args:
        errors: Sums of the errors of whole horizons, [n_windows, S]; NaN where unknown.
        totals: Sums of the paths.
        correlation: Of the errors of two series.

    Example:
        >>> ones = np.ones((1, 1))
        >>> sums = Sum(np.zeros(1), -1.2816 * ones, 1.2816 * ones)
        >>> totals = Totals((80,), sums, sums, None, 1, 200, 0.0)
        >>> [round(stretch(size * ones, totals, 0.0), 2) for size in (0.5, 1.0, 3.0)]
        [1.0, 1.0, 1.61]
    """
    if not totals.levels:
        return 1.0
    k = typical(totals.levels)
    width = (totals.by_series.high[:, k] - totals.by_series.low[:, k]) / 2
    deviation = width / NormalDist().inv_cdf(0.5 + totals.levels[k] / 200)
    with np.errstate(invalid="ignore", divide="ignore"):
        z = np.where(deviation > 0, errors / deviation, np.nan)
    known = np.isfinite(z)
    n_series = known.sum(axis=1)
    n = float((n_series / (1 + np.maximum(n_series - 1, 0) * correlation)).sum())
    if not n:
        return 1.0
    # A single series that failed by far does not decide for all.
    mean = float((np.minimum(np.abs(z[known]), MAX_SUM) ** 2).mean())
    return float(np.clip(np.sqrt((n * mean + PRIOR_SUMS) / (n + PRIOR_SUMS)), 1.0, MAX_STRETCH))


def typical(levels: Sequence[float]) -> int:
    """Return the place of the level nearest to 80 %.

    Example:
        >>> typical((50.0, 95.0, 90.0))
        2
    """
    return int(np.argmin(np.abs(np.array(levels) - TYPICAL_LEVEL)))


def few_errors(levels: Sequence[float], n_series: int, n_windows: int, correlation: float) -> FloatArray:
    """Return how much wider intervals have to be because errors of series that move together tell less, [L].

    Margins are as wide as the errors of S series told in W windows, counted as independent. Squares of errors whose
    correlation is r have the correlation r^2, so S of them tell a variance as well as ``S' = S / (1 + (S - 1) r^2)``
    independent ones. With t[n] the quantile of Student's distribution with n degrees of freedom, the factor is
    ``t[W S' + 4] / t[W S + 4]``: 1 for independent series, and for a single one.

    Args:
        levels: In percent.
        n_series: Series, S.
        n_windows: Horizons of past errors, W, at least 1.
        correlation: Of the errors of two series, r, from 0 to 1.

    Example:
        >>> few_errors([80, 95], 20, 1, 0.9).round(2).tolist()
        [1.11, 1.23]
        >>> few_errors([80, 95], 20, 1, 0.0).tolist(), few_errors([80, 95], 1, 1, 0.9).tolist()
        ([1.0, 1.0], [1.0, 1.0])
    """
    effective = n_series / (1 + max(n_series - 1, 0) * correlation**2)
    normal = np.array([NormalDist().inv_cdf(0.5 + level / 200) for level in levels])
    wide, narrow = (_student(normal, n_windows * n + PRIOR_SUMS) for n in (effective, n_series))
    return np.asarray(wide / narrow)


def widen(totals: Totals, factor: float | FloatArray, *, steps: bool = False, non_negative: bool = False) -> Totals:
    """Return totals with intervals that are wider by a factor, around the same sums.

    Args:
        totals: Sums of paths.
        factor: At least 1; for all levels or for each [L].
        steps: Whether the totals of single steps are wider, too.
        non_negative: Whether no value can be negative.
    """

    def wider(part: Sum) -> Sum:
        """Return a sum with a wider interval."""
        point = part.point[..., None]
        low = point - factor * (point - part.low)
        # What paths reach stays: a sum may be negative although its limit is not, by rounding alone.
        low = np.maximum(low, np.minimum(part.low, 0.0)) if non_negative else low
        return Sum(part.point, low, point + factor * (part.high - point))

    change = totals.change and totals.change._replace(forecast=wider(totals.change.forecast))
    by_series, total = wider(totals.by_series), wider(totals.total)
    by_step = wider(totals.by_step) if steps and totals.by_step is not None else totals.by_step
    return totals._replace(total=total, by_series=by_series, by_step=by_step, change=change)


def _student(normal: FloatArray, n: float) -> FloatArray:
    """Return quantiles of Student's distribution from those of the normal one, for n of at least 4.

    Source: Abramowitz and Stegun 1964, Handbook of Mathematical Functions, 26.7.5; below 3 % off up to 99 %.
    """
    z = normal
    first, second = (z**3 + z) / 4, (5 * z**5 + 16 * z**3 + 3 * z) / 96
    third = (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384
    return np.asarray(z + first / n + second / n**2 + third / n**3)


def _quantiles(sums: FloatArray, levels: Sequence[float], axis: int) -> FloatArray:
    """Return the bounds of the intervals of sums, [2, ..., L]."""
    shares = [0.5 + side * level / 200 for side in (-1, 1) for level in levels]
    if not levels or not sums.size:
        shape = [n for k, n in enumerate(sums.shape) if k != axis]
        return np.full((2, *shape, len(levels)), np.nan)
    bounds = np.moveaxis(np.quantile(sums, shares, axis=axis), 0, -1)
    return np.stack([bounds[..., : len(levels)], bounds[..., len(levels) :]])


def _sum(point: FloatArray, bounds: FloatArray) -> Sum:
    """Return sums with intervals that hold them."""
    return Sum(point, np.minimum(bounds[0], point[..., None]), np.maximum(bounds[1], point[..., None]))
