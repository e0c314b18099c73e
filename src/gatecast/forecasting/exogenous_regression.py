"""Columns beside the series: brought to one scale, and what the known ones do to the level taken out by regression.

Letters: R rows, T columns of time, n of them beyond the end, F known, G historic and E static columns, h horizon.

A promotion or a temperature moves a value at its own time, by about as much at any time: a straight line learns that
from few values, and takes the promotions out before any model reads the series, the theta method too, and puts those of
the future back in. What is not a straight line is left to the networks, which read the columns as well.
"""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from gatecast.forecasting.context import PanelContext
from gatecast.forecasting.scaling import SeriesScaler, fit_scaler, forward_fill, transform

__all__ = ["ExogenousRegression", "fit_regression", "remove_effects", "restore_effects", "restore_insample_effects"]

Floats = npt.NDArray[np.float64]

FAR = 8.0
"""Standard deviations beyond which a column is cut off: a straight line is not known to go on."""

MOST = 2000
"""Series that the effects are worked out from."""

SURE = 2.5
"""Standard errors that an effect has to be away from 0; smaller ones are taken for chance."""

MEMORY = (0.0, 0.5, 0.8, 0.95, 1.0)
"""Autocorrelations of the errors that are tried."""


class ExogenousRegression(NamedTuple):
    """Scales of the columns, and slopes of the known ones.

    Args:
        futr_exog: (3, F) mean, standard deviation, and slope on the transformed values for one standard deviation.
        hist_exog: (2, G) mean and standard deviation, for series that have none of their own.
        stat_exog: (2, E) mean and standard deviation.
    """

    futr_exog: Floats
    hist_exog: Floats
    stat_exog: Floats


def fit_regression(history: PanelContext, m: int) -> ExogenousRegression:
    """Scales, and the effects of the known columns, from the past alone.

    ``e[t] = z[t] - x[t] b`` is taken for autoregressive, ``e[t] = r e[t-1] + noise``, around a mean for each phase of
    the season in each series; r is the one that leaves the least noise, b the generalised least squares' slopes.
    Slopes within 2.5 standard errors of 0 are set to 0.

    Args:
        history: Series with columns.
        m: Season.

    Source: Cochrane & Orcutt 1949.

    >>> from gatecast.forecasting.context import PanelContext
    >>> x = np.tile([0.0, 0.0, 1.0, 0.0, 1.0], 12)[None, :, None]
    >>> past = replace(PanelContext.from_values(np.exp(0.3 * x[..., 0] + 0.01 * np.sin(np.arange(60.0)))), futr_exog=x)
    >>> effects = fit_regression(past, 1)
    >>> round(float(effects.futr_exog[2, 0] / effects.futr_exog[1, 0]), 2)
    0.3
    """
    T = history.values.shape[1]
    known, historic, static = (_scale(c) for c in (history.futr_exog[:, :T], history.hist_exog, history.stat_exog))
    slope = np.zeros(known.shape[1])
    if known.shape[1]:
        some = history.take(np.arange(0, len(history), -(-len(history) // MOST)))
        z = transform(fit_scaler(some.values, 1), some.values)
        slope = _slopes(z, _scaled(some.futr_exog[:, :T], known), m)
    return ExogenousRegression(np.concatenate([known, slope[None]]), historic, static)


def remove_effects(effects: ExogenousRegression, history: PanelContext) -> PanelContext:
    """The history as the models read it: without the effects, columns in standard deviations, 0 where missing.

    A historic column is in standard deviations of its own series.
    """
    T = history.values.shape[1]
    known, static = _scaled(history.futr_exog, effects.futr_exog), _scaled(history.stat_exog, effects.stat_exog)
    values = history.values
    if effects.futr_exog[2:].any():
        frame, shift = fit_scaler(values, 1), known[:, :T] @ effects.futr_exog[2]
        values = _shifted(values, frame, -shift)
    return replace(
        history,
        values=values,
        futr_exog=known,
        stat_exog=static,
        hist_exog=_own_scale(history.hist_exog, effects.hist_exog),
    )


def restore_effects(effects: ExogenousRegression, history: PanelContext, said: Floats) -> Floats:
    """Quantiles of series without the effects, with those of the steps ahead.

    Args:
        effects: As worked out.
        history: As it was before `prepare`, with columns known for the steps; a step they do not reach has no effect.
        said: (R, h, Q)
    """
    if not effects.futr_exog[2:].any():
        return said
    T, h = history.values.shape[1], said.shape[1]
    there = _scaled(history.futr_exog[:, T : T + h], effects.futr_exog)
    shift = np.zeros((len(history), h))
    shift[:, : there.shape[1]] = there @ effects.futr_exog[2]
    return _shifted(said, fit_scaler(history.values, 1), shift)


def restore_insample_effects(effects: ExogenousRegression, history: PanelContext, said: Floats) -> Floats:
    """Forecasts (R, T) of past values, made without the effects, with them."""
    if not effects.futr_exog[2:].any():
        return said
    there = _scaled(history.futr_exog[:, : said.shape[1]], effects.futr_exog)
    return _shifted(said, fit_scaler(history.values, 1), there @ effects.futr_exog[2])


def _shifted(values: Floats, frame: SeriesScaler, shift: Floats) -> Floats:
    """Values with `shift` added to what the frame makes of them: a factor where logarithms are taken, else a sum."""
    wide = (...,) + (None,) * (values.ndim - 2)
    by = shift[(...,) + (None,) * (values.ndim - shift.ndim)]
    unit = frame.unit[:, None][wide]
    with np.errstate(over="ignore", invalid="ignore"):
        return np.asarray(np.where(frame.positive[:, None][wide], values * np.exp(by), values + unit * by))


def _scale(columns: Floats) -> Floats:
    """(2, F) mean and standard deviation of each column over all of them."""
    axes = tuple(range(columns.ndim - 1))
    seen = np.isfinite(columns)
    count = np.maximum(seen.sum(axis=axes), 1)
    mean = np.where(seen, columns, 0.0).sum(axis=axes) / count
    size = np.sqrt((np.where(seen, columns - mean, 0.0) ** 2).sum(axis=axes) / count)
    return np.stack([mean, np.where(size > 0, size, 1.0)])


def _scaled(columns: Floats, scale: Floats) -> Floats:
    """Columns in standard deviations, cut off far out; 0 where missing."""
    return np.asarray(np.clip(np.nan_to_num((columns - scale[0]) / scale[1]), -FAR, FAR))


def _own_scale(columns: Floats, scale: Floats) -> Floats:
    """(R, T, G) in standard deviations of each series; gaps hold the last value before them."""
    if not columns.size:
        return np.zeros(columns.shape)
    found = np.empty(columns.shape)
    for g in range(columns.shape[2]):
        column = columns[:, :, g]
        seen = np.isfinite(column)
        count = seen.sum(axis=1, keepdims=True)
        mean = np.where(seen, column, 0.0).sum(axis=1, keepdims=True) / np.maximum(count, 1)
        size = np.sqrt((np.where(seen, column - mean, 0.0) ** 2).sum(axis=1, keepdims=True) / np.maximum(count, 1))
        mean, size = np.where(count > 0, mean, scale[0, g]), np.where(size > 0, size, scale[1, g])
        found[:, :, g] = np.where(count > 0, (forward_fill(column) - mean) / size, 0.0)
    return np.clip(found, -FAR, FAR)


def _slopes(z: Floats, x: Floats, m: int) -> Floats:
    """(F,) slopes on columns (R, T, F)."""
    size = np.nanmean(np.abs(np.diff(forward_fill(z), axis=1)), axis=1) if z.shape[1] > 1 else np.zeros(len(z))
    use = size > 0
    if not use.any():
        return np.zeros(x.shape[2])
    z, x, size = z[use], x[use], size[use]
    # A series counts by how quiet it is; slopes stay in the unit of z.
    fits = [_regress(z, x, m, r, 1.0 / np.maximum(size, 0.1 * np.median(size))) for r in MEMORY]
    return min(fits, key=lambda fit: fit[1])[0]


def _regress(z: Floats, x: Floats, m: int, r: float, weight: Floats) -> tuple[Floats, float]:
    """Slopes that are beyond chance, and the noise that is left, at one autocorrelation."""
    y = weight[:, None] * (z[:, 1:] - r * z[:, :-1])
    X = weight[:, None, None] * (x[:, 1:] - r * x[:, :-1])
    seen = np.isfinite(y)
    phases = m if m > 1 and z.shape[1] > 3 * m else 1
    y, X = _centred(np.where(seen, y, 0.0)[..., None], seen, phases)[..., 0], _centred(X, seen, phases)
    free = int(seen.sum()) - phases * len(z) - X.shape[2]
    slope = np.zeros(X.shape[2])
    keep = (X**2).sum(axis=(0, 1)) > 1e-6 * seen.sum()
    if free < 5 or not keep.any():
        return slope, float((y**2).sum() / max(free, 1))
    while True:
        flat = X[..., keep].reshape(-1, int(keep.sum()))
        inverse = np.linalg.pinv(flat.T @ flat)
        b = inverse @ (flat.T @ y.ravel())
        noise = float(((y.ravel() - flat @ b) ** 2).sum() / free)
        sure = np.abs(b) / np.sqrt(noise * np.maximum(np.diag(inverse), 1e-300) + 1e-300)
        if sure.min() >= SURE:
            slope[keep] = b
            return slope, noise
        # The least sure one goes, and the others are worked out again: two alike would otherwise both go.
        keep[np.flatnonzero(keep)[sure.argmin()]] = False
        if not keep.any():
            return slope, float((y**2).sum() / free)


def _centred(x: Floats, seen: npt.NDArray[np.bool_], phases: int) -> Floats:
    """(R, T, F) less the mean of each phase of each series; 0 where not seen."""
    T = x.shape[1]
    found = np.zeros(x.shape)
    for phase in range(phases):
        at = slice(T - 1 - phase, None, -phases) if phases > 1 else slice(None)
        there = seen[:, at, None]
        count = np.maximum(there.sum(axis=1, keepdims=True), 1)
        mean = np.where(there, x[:, at], 0.0).sum(axis=1, keepdims=True) / count
        found[:, at] = np.where(there, x[:, at] - mean, 0.0)
    return found
