"""Which season a series has: the calendar proposes, autocorrelation decides.

Letters: N values, m period, k lag.

Everything is worked out from the values given, so whoever passes the training part alone learns nothing of
the future. The cost is a handful of fast Fourier transforms.
"""

from __future__ import annotations

from statistics import NormalDist
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from gatecast.data.frequency import Freq

__all__ = [
    "SeasonCandidate",
    "autocorrelation",
    "find_seasons",
    "is_repeating",
    "is_seasonal",
    "moving_average",
    "phase_medians",
]

Array = npt.NDArray[np.float64]

# Fewer cycles tell a season from chance no more: the rule of the M4 organisers.
CYCLES_NEEDED = 3
# One-sided 5 % for a period that the calendar proposes: the 90 % two-sided test of M4.
CALENDAR_LEVEL = 0.05
# A long series shows a season beyond chance that is too small to matter.
CALENDAR_STRENGTH = 0.1
# Share of the variance that indices must explain in seasons that they were not made from.
REPEATED = 0.05
# A period that nothing proposes is sought among many lags: 5 % for all of them together, and no small ones.
CYCLE_LEVEL = 0.05
CYCLE_STRENGTH = 0.2
# Twice a period repeats as well as the period: the shortest peak that is nearly as high is the period.
NEARLY = 0.85


class SeasonCandidate(NamedTuple):
    """A period that a series repeats.

    Args:
        period: m, in steps.
        strength: Autocorrelation at lag m, from 0 to 1, of what slower movement and shorter seasons leave.
        kind: "calendar" where the frequency suggests the period (12 months, 24 hours); "cycle" where only the
            data do (the lynx's 10 years): its length may drift, so seasonal indices do not fit it.
    """

    period: int
    strength: float
    kind: str


def find_seasons(values: npt.ArrayLike, freq: Freq) -> tuple[SeasonCandidate, ...]:
    """The seasons of a series, strongest first; empty if there is none.

    Every period that the calendar suggests is tested, shortest first, on what the shorter ones leave. If none
    is found, the highest peak of the autocorrelation is taken for a cycle, if it is beyond chance.

    Args:
        values: (N,) the training part, in time order; NaN is missing.
        freq: Its frequency.

    Returns:
        The seasons found.

    >>> months = np.arange(120)
    >>> [found.period for found in find_seasons(10 + np.sin(months * np.pi / 6), Freq("MS"))]
    [12]
    >>> find_seasons(np.ones(120), Freq("MS"))
    ()
    """
    x = np.asarray(values, np.float64)
    found = []
    for m in freq.cycles:
        strength, limit = _test(x, m)
        if strength > limit:
            found.append(SeasonCandidate(m, strength, "calendar"))
            x = x - np.resize(phase_medians(x - moving_average(x, m, edges=True), m), len(x))
    if found:
        return tuple(sorted(found, key=lambda one: -one.strength))
    return _cycle(x)


def is_seasonal(values: npt.ArrayLike, m: int) -> bool:
    """Whether a series repeats itself every m steps.

    ``r[m] > 1.645 sqrt((1 + 2 sum_{k <= m/4} r[k]^2) / N)``, and at least 0.1; r is the autocorrelation of
    the values less their straight line and their moving mean over m. M4's test sums to m - 1, so that a clear
    season raises the bar against itself and three cycles are never enough; a quarter of a period is what
    movement other than the season can explain.

    Args:
        values: (N,); NaN is missing. Fewer than three periods are never seasonal.
        m: Period; 1 is never seasonal.

    Source: Bartlett 1946; Makridakis, Spiliotis & Assimakopoulos 2020 (M4), changed as said.

    >>> is_seasonal([1, 5, 9, 5] * 5, 4), is_seasonal([1, 5, 9, 5] * 5, 3)
    (True, False)
    """
    strength, limit = _test(np.asarray(values, np.float64), m)
    return strength > limit


def autocorrelation(values: npt.ArrayLike) -> Array:
    """Autocorrelation at every lag, over the pairs that are observed.

    ``r[k] = sum_t x[t] x[t-k] / sum_t x[t]^2``, x less its mean; with missing values each sum is scaled up by
    the share of its pairs that is observed.

    Args:
        values: (N,); NaN is missing.

    Returns:
        (N,) from lag 0; zeros if the values do not vary.

    >>> autocorrelation([1.0, 2.0, 3.0]).round(3).tolist()
    [1.0, 0.0, -0.5]
    """
    x = np.asarray(values, np.float64)
    seen = np.isfinite(x)
    n = len(x)
    r = np.zeros(n)
    if not seen.any():
        return r
    largest = float(np.abs(x[seen]).max()) or 1.0
    # In units of the largest value no square overflows; below rounding the values are one constant.
    centred = np.where(seen, x / largest, 0.0)
    centred[seen] -= centred[seen].mean()
    energy = float(centred @ centred)
    if energy <= n * 1e-24:
        return r
    pairs = np.rint(_lagged_sums(seen.astype(np.float64)))
    share = pairs / np.arange(n, 0, -1) * (n / pairs[0])
    np.divide(_lagged_sums(centred), energy * share, out=r, where=pairs > 0)
    return r


def moving_average(values: npt.ArrayLike, m: int, *, edges: bool = False) -> Array:
    """Centred moving mean over one period, of what is observed; even periods weigh their two ends by a half.

    Args:
        values: (N,); NaN is missing.
        m: Length of the window.
        edges: Whether the windows that reach beyond an end are cut there; else their mean is NaN.

    Returns:
        (N,), NaN where nothing is observed.

    >>> moving_average([1.0, 2.0, 3.0, 4.0], 2).tolist()
    [nan, 2.0, 3.0, nan]
    """
    x = np.asarray(values, np.float64)
    n = len(x)
    seen = np.isfinite(x)
    # Sums of differences from one value keep the digits that sums of large numbers lose.
    origin = x[seen][0] if seen.any() else 0.0
    sums = np.concatenate(([0.0], np.cumsum(np.where(seen, x - origin, 0.0))))
    counts = np.concatenate(([0], np.cumsum(seen)))
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


def phase_medians(values: npt.ArrayLike, m: int) -> Array:
    """Median of every phase, less the mean of the medians.

    Args:
        values: (N,) values less their trend; NaN is missing.
        m: Period.

    Returns:
        (m,) indices that sum to 0; 0 for a phase that is never observed.

    >>> phase_medians([1.0, 5.0, 2.0, 6.0, 3.0, 70.0], 2).tolist()
    [-2.0, 2.0]
    """
    x = np.asarray(values, np.float64)
    cycles = np.full((-(-len(x) // m), m), np.nan)
    cycles.flat[: len(x)] = x
    seen = np.isfinite(cycles).any(axis=0)
    medians = np.zeros(m)
    if seen.any():
        medians[seen] = np.nanmedian(cycles[:, seen], axis=0)
        medians[seen] -= medians[seen].mean()
    return medians


def is_repeating(values: npt.ArrayLike, m: int) -> bool:
    """Whether the seasonal indices of earlier seasons hold in the last third of a series.

    Autocorrelation alone is fooled by one random walk in twenty; indices must also serve seasons that they were not
    made from: there they are to explain a twentieth of the variance around the moving mean.

    Args:
        values: (N,); NaN is missing.
        m: Period. Fewer than three periods never repeat.

    >>> is_repeating([1, 5, 9, 5] * 5, 4), is_repeating(np.arange(20) ** 2, 4)
    (True, False)
    """
    x = np.asarray(values, np.float64)
    if m < 2 or len(x) < CYCLES_NEEDED * m:
        return False
    around = x - moving_average(x, m, edges=True)
    begin = max(len(x) * 2 // 3, len(x) - len(x) // m // 3 * m) // m * m
    indices = phase_medians(around[:begin], m)
    late = around[begin:]
    left = late - np.resize(indices, len(late))
    known = np.isfinite(late)
    return bool((left[known] ** 2).sum() < (1 - REPEATED) * (late[known] ** 2).sum())


def _test(x: Array, m: int) -> tuple[float, float]:
    """Autocorrelation at lag m, and the limit that chance stays below."""
    if m < 2 or np.count_nonzero(np.isfinite(x)) < CYCLES_NEEDED * m:
        return 0.0, 1.0
    level = _level(x)
    r = autocorrelation(level - moving_average(level, m, edges=True))
    return float(r[m]), max(CALENDAR_STRENGTH, _limit(r[: m // 4 + 1], len(x), CALENDAR_LEVEL))


def _cycle(x: Array) -> tuple[SeasonCandidate, ...]:
    """The shortest high peak of the autocorrelation behind its first descent below 0."""
    r = autocorrelation(_level(x))[: len(x) // CYCLES_NEEDED + 1]
    below = np.flatnonzero(r < 0)
    if not len(below) or below[0] + 1 >= len(r):
        return ()
    first, last = int(below[0]), len(r) - 1
    bar = NEARLY * r[first:].max()
    high = (k for k in range(max(2, first), last) if r[k] >= bar)
    # The highest within a quarter of its lag: a ragged flank has bumps that are no peaks.
    peaks = (k for k in high if r[k] == r[k - max(1, k // 4) : k + max(1, k // 4) + 1].max())
    m = next(peaks, 0)
    limit = max(CYCLE_STRENGTH, _limit(r[:first], len(x), CYCLE_LEVEL / len(r)))
    return (SeasonCandidate(m, float(r[m]), "cycle"),) if m and r[m] > limit else ()


def _level(x: Array) -> Array:
    """Values less the straight line through them."""
    seen = np.isfinite(x)
    if np.count_nonzero(seen) < 3:
        return x
    t = np.arange(len(x)) - np.flatnonzero(seen).mean()
    deviation = x - x[seen].mean()
    slope = (t[seen] @ deviation[seen]) / (t[seen] @ t[seen])
    return np.asarray(deviation - slope * t)


def _limit(r: Array, n: int, probability: float) -> float:
    """Bartlett's limit for an autocorrelation, given the shorter lags r[0], r[1], ..., one-sided."""
    z = NormalDist().inv_cdf(1 - probability)
    return z * float(np.sqrt((1 + 2 * (r[1:] ** 2).sum()) / n))


def _lagged_sums(x: Array) -> Array:
    """``sum_t x[t] x[t-k]`` for k = 0 ... N - 1."""
    size = 1 << (2 * len(x) - 1).bit_length()
    spectrum = np.fft.rfft(x, size)
    return np.asarray(np.fft.irfft(spectrum.real**2 + spectrum.imag**2, size)[: len(x)])
