"""How clearly series repeat: the autocorrelation at a season's lag, and the limit that chance exceeds in 5 % of series.

Shapes: n_series rows, T columns, m season length.
"""

from __future__ import annotations

import numpy as np

from gatecast._utils.typing import FloatArray

__all__ = ["centered_deviations", "remove_lines", "seasonal_strength"]

CRITICAL_VALUE = 1.645
"""One-sided, for a period that the calendar proposes: the 90 % two-sided test of M4."""

MIN_STRENGTH = 0.1
"""In a long series even a negligible season is significant."""

MAX_DEVIATIONS = 3.0
"""Standard deviations at which deviations are cut: one outlier must not hide a season."""

MIN_VARIANCE = 1e-24
"""Below, in units of the largest value, variation is rounding."""


def seasonal_strength(values: FloatArray, m: int) -> tuple[FloatArray, FloatArray]:
    """Return the autocorrelation at lag m of each series, and the limit above which it shows a season.

    ``r[m] > 1.645 sqrt((1 + 2 sum_{k <= m/4} r[k]^2) / n)``, and at least 0.1, where r is the autocorrelation of the
    values without their line and their moving average over m, cut at three standard deviations. The test of M4 sums to
    m - 1, so a clear season raises the limit against itself and three cycles are never enough; up to a quarter of a
    period, movements other than the season explain the autocorrelation.

    Args:
        values: Series, [n_series, T]; NaN is missing.
        m: Season length, at least 2, below T.

    Returns:
        Autocorrelations and limits, [n_series] each.

    Source: Bartlett 1946; Makridakis, Spiliotis & Assimakopoulos 2020 (M4), with the sum shortened as above.

    Example:
        >>> strength, limit = seasonal_strength(np.tile([1.0, 5.0, 9.0, 5.0], 5)[None], 4)
        >>> bool(strength[0] > limit[0])
        True
    """
    observed = np.isfinite(values)
    n = np.maximum(observed.sum(axis=1), 1)
    x = np.where(observed, centered_deviations(remove_lines(values), m), 0.0)
    deviation = np.sqrt((x * x).sum(axis=1, keepdims=True) / n[:, None])
    x = np.clip(x, -MAX_DEVIATIONS * deviation, MAX_DEVIATIONS * deviation)
    energy = (x * x).sum(axis=1)
    energy = np.where(energy > MIN_VARIANCE * n, energy, np.inf)

    def correlation(lag: int) -> FloatArray:
        """Return the autocorrelation at a lag, as if all pairs were observed."""
        pairs = (observed[:, lag:] & observed[:, :-lag]).sum(axis=1)
        share = pairs / np.maximum(n - lag, 1)
        return np.asarray((x[:, lag:] * x[:, :-lag]).sum(axis=1) / energy / np.where(pairs > 0, share, np.inf))

    short = sum((correlation(lag) ** 2 for lag in range(1, m // 4 + 1)), np.zeros(len(values)))
    return correlation(m), np.maximum(CRITICAL_VALUE * np.sqrt((1 + 2 * short) / n), MIN_STRENGTH)


def remove_lines(values: FloatArray) -> FloatArray:
    """Return series in units of their largest values, without their linear trends, [n_series, T]; NaN stays NaN.

    Example:
        >>> remove_lines(np.array([[1.0, 2.0, 3.0]])).round(9).tolist()
        [[0.0, 0.0, 0.0]]
    """
    observed = np.isfinite(values)
    n = np.maximum(observed.sum(axis=1, keepdims=True), 1)
    size = np.where(observed, np.abs(values), 0.0).max(axis=1, keepdims=True, initial=0.0)
    x = np.where(observed, values / np.where(size > 0, size, 1.0), 0.0)
    t = np.arange(values.shape[1], dtype=np.float64)
    since_mean = np.where(observed, t - np.where(observed, t, 0.0).sum(axis=1, keepdims=True) / n, 0.0)
    x = np.where(observed, x - x.sum(axis=1, keepdims=True) / n, 0.0)
    squares = (since_mean * since_mean).sum(axis=1, keepdims=True)
    slope = (since_mean * x).sum(axis=1, keepdims=True) / np.where(squares > 0, squares, 1.0)
    return np.where(observed, x - slope * since_mean, np.nan)


def centered_deviations(values: FloatArray, m: int) -> FloatArray:
    """Return values less the centered moving averages over a season, [n_series, T]; windows are cut at the ends.

    For an even season the two ends of a window have half the weight. NaN stays NaN.

    Example:
        >>> centered_deviations(np.array([[1.0, 3.0, 1.0, 3.0]]), 2).round(3).tolist()
        [[-0.667, 1.0, -1.0, 0.667]]
    """
    T, observed = values.shape[1], np.isfinite(values)
    # Slices of sums that go on at both ends: to pick columns one by one takes four times as long.
    sums, counts = np.zeros((len(values), T + 2 * m + 1)), np.zeros((len(values), T + 2 * m + 1))
    for padded, steps in ((sums, np.where(observed, values, 0.0)), (counts, observed)):
        np.cumsum(steps, axis=1, out=padded[:, m + 1 : m + 1 + T])
        padded[:, m + 1 + T :] = padded[:, m + T : m + T + 1]
    total, count = np.zeros(values.shape), np.zeros(values.shape)
    for before in {m // 2, (m - 1) // 2}:
        low, high = slice(m - before, m - before + T), slice(2 * m - before, 2 * m - before + T)
        total += sums[:, high] - sums[:, low]
        count += counts[:, high] - counts[:, low]
    return values - total / np.maximum(count, 1)
