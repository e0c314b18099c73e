"""Statistics of many series at once, to tell random processes apart: (count, length) in, (count,) out."""

from __future__ import annotations

import numpy as np


def autocorrelation(y, lag):
    """Autocorrelation at a lag."""
    z = y - y.mean(axis=1, keepdims=True)
    return (z[:, lag:] * z[:, :-lag]).sum(axis=1) / np.maximum((z**2).sum(axis=1), 1e-12)


def seasonal_autocorrelation(y, m):
    """Autocorrelation of changes at the season less the mean of those half a season off."""
    changes = np.diff(y, axis=1)
    return autocorrelation(changes, m) - (autocorrelation(changes, m // 2) + autocorrelation(changes, m + m // 2)) / 2


def tail_index(x, share=0.02):
    """Hill's estimate of the tail index of numbers of any shape, of the largest sizes."""
    sizes = np.sort(np.abs(x).ravel())
    top = sizes[-max(10, int(share * len(sizes))) :]
    return 1 / np.log(top[1:] / top[0]).mean()


def spectral_slope(y):
    """Slope of the logarithm of the mean periodogram over the logarithm of the frequency, lower half: one number."""
    z = (y - y.mean(axis=1, keepdims=True)) / y.std(axis=1, keepdims=True)
    power = (np.abs(np.fft.rfft(z * np.hanning(z.shape[1]), axis=1)) ** 2).mean(axis=0)
    k = np.arange(3, len(power) // 2)
    return np.polyfit(np.log(k), np.log(power[k]), 1)[0]


def hurst_exponent(increments):
    """Growth of the standard deviation of sums with their length: 0.5 for independent increments; one number."""
    sizes = np.array([1, 2, 4, 8, 16, 32])
    path = np.cumsum(increments, axis=1)
    spread = [np.median((path[:, n:] - path[:, :-n]).std(axis=1)) for n in sizes]
    return np.polyfit(np.log(sizes), np.log(spread), 1)[0]


def excess_kurtosis(x):
    """Median over series of the kurtosis less 3."""
    z = x - x.mean(axis=1, keepdims=True)
    return np.median((z**4).mean(axis=1) / (z**2).mean(axis=1) ** 2 - 3)
