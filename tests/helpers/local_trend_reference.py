"""Smoothing with a local and a global trend as its module docstring states it, one series and one model at a time."""

from __future__ import annotations

import itertools

import numpy as np

NU, GAMMA_DEVIATION, MIN_LEVEL, MIN_VARIANCE, N_FITS = 5.0, 0.05, 1e-3, 1e-14, 5


def fit_gamma(r, g, w):
    """Return gamma, the variance and the posterior of errors r - gamma g with t errors of squared size 1 / w."""

    def solve(weight, variance):
        return (weight * g * r).sum() / ((weight * g * g).sum() + variance / GAMMA_DEVIATION**2)

    variance = (w * r * r).mean() + MIN_VARIANCE
    gamma = solve(w, variance)
    variance = (w * (r - gamma * g) ** 2).mean() + MIN_VARIANCE
    for _ in range(N_FITS):
        square = w * (r - gamma * g) ** 2
        u = (NU + 1) / (NU + square / variance)
        variance = (u * square).mean() + MIN_VARIANCE
        gamma = solve(u * w, variance)
    square = w * (r - gamma * g) ** 2
    likelihood = -0.5 * (NU + 1) * np.log1p(square / (NU * variance)).sum() + 0.5 * np.log(w).sum()
    return gamma, variance, likelihood - 0.5 * len(r) * np.log(variance) - 0.5 * (gamma / GAMMA_DEVIATION) ** 2


def forecast_model(y, h, alpha, beta, lam, rho, tau, linear):
    """Return the posterior of one model, its forecasts and their variances."""
    level, trend = np.empty(len(y)), np.empty(len(y))
    early = min(5, len(y) - 1)
    level[0], trend[0] = y[0], (y[early] - y[0]) / early / 2
    for t in range(1, len(y)):
        level[t] = alpha * y[t] + (1 - alpha) * level[t - 1]
        trend[t] = beta * (level[t] - level[t - 1]) + (1 - beta) * trend[t - 1]
    base = level[:-1] + lam * trend[:-1]
    g = np.ones_like(base) if linear else np.maximum(level[:-1], MIN_LEVEL) ** rho
    w = np.ones_like(base) if linear else np.maximum(base, MIN_LEVEL) ** (-2 * tau)
    gamma, variance, posterior = fit_gamma(y[1:] - base, g, w)
    rho, tau = (0.0, 0.0) if linear else (rho, tau)
    now, slope, spread = level[-1], trend[-1], 1.0
    points, variances = [], []
    for k in range(h):
        value = now + gamma * max(now, MIN_LEVEL) ** rho + lam * slope
        points.append(value)
        variances.append(variance * max(value, MIN_LEVEL) ** (2 * tau) * spread)
        spread += (alpha * (1 + lam * beta * (k + 1))) ** 2
        following = alpha * value + (1 - alpha) * now
        slope = beta * (following - now) + (1 - beta) * slope
        now = following
    return posterior, np.array(points), np.array(variances)


def forecast(y, h, grid, exponent, linear):
    """Return the posterior mean and variance over a grid of models, [h] each."""
    models = [forecast_model(y, h, *parameters, linear) for parameters in itertools.product(*grid)]
    posterior = exponent * np.array([model[0] for model in models])
    weight = np.exp(posterior - posterior.max())[:, None]
    points, variances = (np.stack([model[k] for model in models]) for k in (1, 2))
    mean = (weight * points).sum(axis=0) / weight.sum()
    between = (weight * points**2).sum(axis=0) / weight.sum() - mean**2
    return mean, (weight * variances).sum(axis=0) / weight.sum() + np.maximum(between, 0)
