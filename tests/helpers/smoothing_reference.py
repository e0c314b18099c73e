"""What the kernels of smoothing compute, in NumPy, one step in time after the other."""

from __future__ import annotations

import numpy as np


def theta_sums(y, n, first, alpha):
    """Sums of products of e, D and P over the steps of one series, [6, n_alphas]."""
    keep, level, line = 1 - alpha, alpha * y[0], np.zeros(2)
    sums = np.zeros((6, len(alpha)))
    for i in range(1, n):
        t = np.arange(i)
        slope = 0.0 if i == 1 else np.polyfit(t, y[:i], 1)[0]
        line = y[:i].mean() - slope * (i + 1) / 2, slope  # at time 0 where the first value is at 1
        e, P = y[i] - level, keep**i
        D = P * line[0] + (1 - keep ** (i + 1)) / alpha * line[1]
        if i >= first:
            sums += np.array([e * e, e * D, e * P, D * D, D * P, P * P])
        level = alpha * y[i] + keep * level
    return sums


def theta_forecast(y, alpha, w, first, h):
    """Points of one series, each with the line through all values before it, [h]."""
    y, level = list(y), alpha * y[0] + (1 - alpha) * first
    n = len(y)
    for i in range(1, n + h):
        if i >= n:
            slope, mean = 0.0 if i == 1 else np.polyfit(np.arange(i), y, 1)[0], np.mean(y)
            line = mean - slope * (i + 1) / 2
            y.append(level + w * ((1 - alpha) ** i * line + (1 - (1 - alpha) ** (i + 1)) / alpha * slope))
        level = alpha * y[i] + (1 - alpha) * level
    return np.array(y[n:])


def seasonal_smoothing(z, observed, alpha, gamma, start):
    """Levels, seasons and gains as `gatecast.forecasting.es_rnn.smoothing` defines them."""
    T, m = len(z), len(start)
    first = observed & (np.cumsum(observed, axis=0) == 1)
    gain = np.where(first, 1.0, alpha * observed)
    level, season = np.empty_like(z), np.empty((T + m, z.shape[1]))
    season[:m] = start
    last = np.zeros_like(alpha)
    for t in range(T):
        adjusted = z[t] - season[t]
        last = last + gain[t] * (adjusted - last)
        level[t] = last
        season[t + m] = season[t] + gamma * observed[t] * (adjusted - last)
    return level, season, gain


def seasonal_smoothing_backward(z, observed, gamma, smoothed, dlevel, dseason):
    """Gradients of alpha, gamma and the first seasons, by the equations backwards in time."""
    level, season, gain = smoothed
    T, m = len(z), len(dseason) - len(z)
    dl, ds = dlevel.copy(), dseason.copy()
    for t in range(T - 1, -1, -1):
        dl[t] -= gamma * observed[t] * ds[t + m]
        if t:
            dl[t - 1] += (1 - gain[t]) * dl[t]
        ds[t] += (1 - gamma * observed[t]) * ds[t + m] - gain[t] * dl[t]
    before = np.concatenate([np.zeros_like(z[:1]), level[:-1]])
    adjusted = z - season[:T]
    later = observed & (np.cumsum(observed, axis=0) > 1)
    dalpha = (later * (adjusted - before) * dl).sum(axis=0)
    dgamma = (observed * (adjusted - level) * ds[m:]).sum(axis=0)
    return dalpha, dgamma, ds[:m]
