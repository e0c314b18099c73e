"""Detect seasonal periods: the calendar proposes candidates, autocorrelation decides.

Notation: m is a period and k a lag, both in steps.

Results depend on the values passed alone, so on the training part nothing leaks from the future. The cost is a handful
of fast Fourier transforms.
"""

from __future__ import annotations

from statistics import NormalDist
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from gatecast._utils.arrays import row_medians
from gatecast._utils.typing import BoolArray, FloatArray
from gatecast.data.frequency import Freq
from gatecast.data.seasonal_strength import remove_lines, seasonal_strength

__all__ = [
    "SeasonCandidate",
    "autocorrelation",
    "find_seasons",
    "is_repeating",
    "is_seasonal",
    "moving_average",
    "phase_medians",
    "rows_with_season",
]

# With fewer cycles no season is looked for. From two cycles on the test finds one in 1 % of random walks.
MIN_CYCLES = 2
# Cycles that are needed to see whether indices hold in later seasons, or to search for a period.
MIN_CYCLES_TO_VALIDATE = 3
# Fraction of the variance that seasonal indices must explain in later seasons.
MIN_EXPLAINED_VARIANCE = 0.05
# A period that the calendar does not propose is searched among many lags: 5 % for all of them, and a higher minimum.
CYCLE_SIGNIFICANCE = 0.05
MIN_CYCLE_STRENGTH = 0.2
# Multiples of a period correlate as well as the period: it is the shortest peak of at least this relative height.
PEAK_TOLERANCE = 0.85


class SeasonCandidate(NamedTuple):
    """A seasonal period of a series.

    Args:
        period: Length in steps.
        strength: Autocorrelation at this lag, from 0 to 1, after slower movements and shorter seasons are removed.
        kind: "calendar" where the frequency suggests the period (12 months, 24 hours); "cycle" where only the data
            do (the 10 years of the lynx): its length may drift, so seasonal indices do not fit it.
    """

    period: int
    strength: float
    kind: str


def find_seasons(values: npt.ArrayLike, freq: Freq, *, with_cycle: bool = True) -> tuple[SeasonCandidate, ...]:
    """Find the seasonal periods of a series, strongest first.

    Every period that the calendar suggests is tested, shortest first, after the shorter seasons are removed. If none is
    significant, the highest peak of the autocorrelation counts as a cycle, if that is significant.

    Args:
        values: Training part of the series in time order, shape (n_values,); NaN is missing.
        freq: Frequency of the series.
        with_cycle: Whether to search for a period that the calendar does not suggest, if there is none that it does.

    Returns:
        The seasonal periods; empty if there is none.

    >>> months = np.arange(120)
    >>> [season.period for season in find_seasons(10 + np.sin(months * np.pi / 6), Freq("MS"))]
    [12]
    >>> find_seasons(np.ones(120), Freq("MS"))
    ()
    """
    x = np.asarray(values, np.float64)
    seasons = []
    for m in freq.cycles:
        strength, limit = _strength_and_limit(x, m)
        if strength > limit:
            seasons.append(SeasonCandidate(m, strength, "calendar"))
            x = x - np.resize(phase_medians(x - moving_average(x, m, edges=True), m), len(x))
    if seasons:
        return tuple(sorted(seasons, key=lambda season: -season.strength))
    return _find_cycle(x) if with_cycle else ()


def is_seasonal(values: npt.ArrayLike, m: int) -> bool:
    """Return whether a series has a significant season of period m.

    `seasonal_strength.seasonal_strength` has the test, here of one series.

    Args:
        values: Series, shape (n_values,); NaN is missing. With fewer than two periods the result is False.
        m: Period; with 1 the result is False.

    >>> is_seasonal([1, 5, 9, 5] * 5, 4), is_seasonal([1, 5, 9, 5] * 5, 3)
    (True, False)
    """
    strength, limit = _strength_and_limit(np.asarray(values, np.float64), m)
    return strength > limit


def autocorrelation(values: npt.ArrayLike) -> FloatArray:
    """Compute the autocorrelation at every lag over the observed pairs.

    ``r[k] = sum_t x[t] x[t-k] / sum_t x[t]^2``, where x has mean zero; with missing values, every sum is divided by the
    fraction of its pairs that is observed.

    Args:
        values: Series, shape (n_values,); NaN is missing.

    Returns:
        Autocorrelations from lag 0, shape (n_values,); zeros for a constant series.

    >>> autocorrelation([1.0, 2.0, 3.0]).round(3).tolist()
    [1.0, 0.0, -0.5]
    """
    x = np.asarray(values, np.float64)
    observed = np.isfinite(x)
    n = len(x)
    r = np.zeros(n)
    if not observed.any():
        return r
    largest = float(np.abs(x[observed]).max()) or 1.0
    # In units of the largest value no square overflows; variation below rounding counts as none.
    centered = np.where(observed, x / largest, 0.0)
    centered[observed] -= centered[observed].mean()
    energy = float(centered @ centered)
    if energy <= n * 1e-24:
        return r
    n_pairs = np.rint(_lagged_sums(observed.astype(np.float64)))
    observed_fraction = n_pairs / np.arange(n, 0, -1) * (n / n_pairs[0])
    np.divide(_lagged_sums(centered), energy * observed_fraction, out=r, where=n_pairs > 0)
    return r


def moving_average(values: npt.ArrayLike, m: int, *, edges: bool = False) -> FloatArray:
    """Compute the centered moving average over one period, of the observed values.

    For an even period the two ends of the window have half the weight.

    Args:
        values: Series, shape (n_values,); NaN is missing.
        m: Length of the window.
        edges: Truncate windows that reach beyond an end of the series; otherwise their average is NaN.

    Returns:
        Averages, shape (n_values,); NaN where a window has no observed value.

    >>> moving_average([1.0, 2.0, 3.0, 4.0], 2).tolist()
    [nan, 2.0, 3.0, nan]
    """
    x = np.asarray(values, np.float64)
    n = len(x)
    observed = np.isfinite(x)
    # Sums of differences from a value keep the digits that sums of large numbers lose.
    origin = x[observed][0] if observed.any() else 0.0
    sums = np.concatenate(([0.0], np.cumsum(np.where(observed, x - origin, 0.0))))
    counts = np.concatenate(([0], np.cumsum(observed)))
    t = np.arange(n)
    total, count = np.zeros(n), np.zeros(n)
    for before in {m // 2, (m - 1) // 2}:
        low, high = np.clip(t - before, 0, n), np.clip(t - before + m, 0, n)
        total += sums[high] - sums[low]
        count += counts[high] - counts[low]
    mean = np.full(n, np.nan)
    np.divide(total, count, out=mean, where=count > 0)
    if not edges:
        mean[(t < m // 2) | (t + m // 2 >= n)] = np.nan
    return mean + origin


def phase_medians(values: npt.ArrayLike, m: int) -> FloatArray:
    """Compute the median of every phase of the season, minus the mean of these medians.

    Args:
        values: Series without its trend, shape (n_values,); NaN is missing.
        m: Period.

    Returns:
        Seasonal indices, shape (m,), that sum to 0; 0 for a phase that is never observed.

    >>> phase_medians([1.0, 5.0, 2.0, 6.0, 3.0, 70.0], 2).tolist()
    [-2.0, 2.0]
    """
    x = np.asarray(values, np.float64)
    cycles = np.full((-(-len(x) // m), m), np.nan)
    cycles.flat[: len(x)] = x
    observed = np.isfinite(cycles).any(axis=0)
    medians = np.zeros(m)
    if observed.any():
        medians[observed] = row_medians(cycles[:, observed].T)
        medians[observed] -= medians[observed].mean()
    return medians


def is_repeating(values: npt.ArrayLike, m: int) -> bool:
    """Return whether the seasonal indices of earlier seasons hold in the last third of a series.

    Autocorrelation alone finds a season in one random walk of twenty. Here the indices must also explain a twentieth of
    the variance around the moving average in seasons that they were not estimated from.

    Args:
        values: Series, shape (n_values,); NaN is missing.
        m: Period. With fewer than three periods nothing contradicts a season, and the result is True.

    >>> is_repeating([1, 5, 9, 5] * 5, 4), is_repeating(np.arange(20) ** 2, 4)
    (True, False)
    """
    x = np.asarray(values, np.float64)
    if m < 2 or len(x) < MIN_CYCLES_TO_VALIDATE * m:
        return m > 1
    detrended = x - moving_average(x, m, edges=True)
    split = _repeat_split(len(x), m)
    late = detrended[split:]
    residual = late - np.resize(phase_medians(detrended[:split], m), len(late))
    observed = np.isfinite(late)
    return bool((residual[observed] ** 2).sum() < (1 - MIN_EXPLAINED_VARIANCE) * (late[observed] ** 2).sum())


CLOSE = 1e-9
"""Relative distance from a limit within which the order of a sum may decide."""


def rows_with_season(values: FloatArray, m: int) -> BoolArray:
    """Return for each series what `is_seasonal` and then `is_repeating` say of it, [n_series].

    Many series take little longer than one. Where a number is as good as at its limit, the series is judged alone: sums
    over several rows have other last bits.

    Args:
        values: Series of the same length without missing values, [n_series, T].
        m: Period.

    >>> rows_with_season(np.array([[1.0, 5.0, 9.0, 5.0] * 5, np.arange(20.0) ** 2]), 4).tolist()
    [True, False]
    """
    n, T = values.shape
    if m < 2 or MIN_CYCLES * m > T or not n:
        return np.zeros(n, bool)
    strength, limit = seasonal_strength(values, m)
    explained = _unexplained_and_limit(values, m)
    judged = [(strength, limit)] if explained is None else [(strength, limit), explained[::-1]]
    result, is_close = np.ones(n, bool), np.zeros(n, bool)
    for larger, smaller in judged:
        result &= larger > smaller
        is_close |= ~(np.abs(larger - smaller) > CLOSE * np.maximum(np.abs(larger), np.abs(smaller)))
    for row in np.flatnonzero(is_close):
        result[row] = is_seasonal(values[row], m) and is_repeating(values[row], m)
    return result


def _unexplained_and_limit(values: FloatArray, m: int) -> tuple[FloatArray, FloatArray] | None:
    """Squares that earlier seasonal indices leave in the last third, and the limit below which they repeat.

    None where series have fewer than three periods. The steps are those of `is_repeating`, of many series at once.
    """
    n, T = values.shape
    if MIN_CYCLES_TO_VALIDATE * m > T:
        return None
    origin = values[:, :1]
    sums = np.zeros((n, T + 1))
    np.cumsum(values - origin, axis=1, out=sums[:, 1:])
    t = np.arange(T)
    total, count = np.zeros((n, T)), np.zeros(T)
    for before in {m // 2, (m - 1) // 2}:
        low, high = np.clip(t - before, 0, T), np.clip(t - before + m, 0, T)
        total += sums[:, high] - sums[:, low]
        count += high - low
    detrended = values - (total / count + origin)
    split = _repeat_split(T, m)
    medians = np.median(detrended[:, :split].reshape(n, split // m, m), axis=1)
    late = detrended[:, split:]
    phases = np.arange(T - split) % m
    residual = late - (medians - medians.mean(axis=1, keepdims=True))[:, phases]
    return (residual * residual).sum(axis=1), (1 - MIN_EXPLAINED_VARIANCE) * (late * late).sum(axis=1)


def _repeat_split(n: int, m: int) -> int:
    """Where the last third of a series begins, at the beginning of a cycle."""
    return max(n * 2 // 3, n - n // m // 3 * m) // m * m


def _strength_and_limit(x: FloatArray, m: int) -> tuple[float, float]:
    """Autocorrelation at lag m, and the limit that it must exceed."""
    if m < 2 or np.count_nonzero(np.isfinite(x)) < MIN_CYCLES * m:
        return 0.0, 1.0
    strength, limit = seasonal_strength(x[None], m)
    return float(strength[0]), float(limit[0])


def _find_cycle(x: FloatArray) -> tuple[SeasonCandidate, ...]:
    """The shortest high peak of the autocorrelation after it first falls below 0."""
    r = autocorrelation(remove_lines(x[None])[0])[: len(x) // MIN_CYCLES_TO_VALIDATE + 1]
    below = np.flatnonzero(r < 0)
    if not len(below) or below[0] + 1 >= len(r):
        return ()
    first, last = int(below[0]), len(r) - 1
    min_height = PEAK_TOLERANCE * r[first:].max()
    high = (k for k in range(max(2, first), last) if r[k] >= min_height)
    # A peak is the highest within a quarter of its lag: a ragged flank has bumps that are not peaks.
    peaks = (k for k in high if r[k] == r[k - max(1, k // 4) : k + max(1, k // 4) + 1].max())
    m = next(peaks, 0)
    limit = max(MIN_CYCLE_STRENGTH, _bartlett_limit(r[:first], len(x), CYCLE_SIGNIFICANCE / len(r)))
    return (SeasonCandidate(m, float(r[m]), "cycle"),) if m and r[m] > limit else ()


def _bartlett_limit(r: FloatArray, n: int, probability: float) -> float:
    """Bartlett's one-sided limit for an autocorrelation, from the shorter lags r[0], r[1], ...."""
    z = NormalDist().inv_cdf(1 - probability)
    return z * float(np.sqrt((1 + 2 * (r[1:] ** 2).sum()) / n))


def _lagged_sums(x: FloatArray) -> FloatArray:
    """``sum_t x[t] x[t-k]`` for k = 0 ... N - 1."""
    size = 1 << (2 * len(x) - 1).bit_length()
    spectrum = np.fft.rfft(x, size)
    return np.asarray(np.fft.irfft(spectrum.real**2 + spectrum.imag**2, size)[: len(x)])
