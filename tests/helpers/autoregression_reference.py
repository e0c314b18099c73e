"""Autoregressions at every step in NumPy, by the equations of `gatecast.forecasting.pretrained.lf.autoregression`."""

from __future__ import annotations

import numpy as np


def autoregression(x, observed, unit, ridge, margin, h):
    """Forecasts of h steps from every step of one series, (T, h)."""
    n_lags, z = len(ridge) - 1, x - x[:1]
    # Row t has the regressors of step t: what precedes the first value is that value.
    rows = np.array([[z[max(t - lag, 0)] for lag in range(1, n_lags + 1)] + [1.0] for t in range(len(z))])
    walk, forecasts, newest = np.eye(1, n_lags + 1)[0], np.empty((len(z), h)), np.zeros(n_lags)
    for t in range(len(z)):
        seen = np.flatnonzero(observed[1 : t + 1]) + 1
        penalty = np.diag(ridge * np.r_[np.full(n_lags, unit[t] ** 2), 1.0])
        products, rest = rows[seen].T @ rows[seen], z[seen] - rows[seen] @ walk
        coefficients = walk + np.linalg.solve(products + penalty, rows[seen].T @ rest)
        if observed[t]:
            newest = np.array([z[max(t - lag, 0)] for lag in range(n_lags)])
        low, high, lags = min(z[: t + 1].min(), 0), max(z[: t + 1].max(), 0), newest
        for j in range(h):
            value = coefficients[:-1] @ lags + coefficients[-1]
            value = np.clip(value, low - margin * (high - low), high + margin * (high - low))
            lags = np.r_[value, lags[:-1]]
            forecasts[t, j] = x[0] + value
    return forecasts


def past_errors(x, observed, forecasts, ahead):
    """Mean absolute errors so far of forecasts so many steps ahead, (T,)."""
    errors = np.zeros(len(x))
    for t in range(ahead, len(x)):
        targets = [s for s in range(ahead, t + 1) if observed[s]]
        misses = [abs(x[s] - forecasts[s - ahead, ahead - 1]) for s in targets]
        errors[t] = np.mean(misses) if misses else 0.0
    return errors
