"""Regression on exogenous columns: their scales, and the effects of future columns on the level of a series.

A promotion or a temperature moves a value at its own time, by about as much at any time: a straight line learns that
from few values. It removes the promotions before any model reads the series, the theta method too, and restores those
of the forecast steps. What is not a straight line is left to the networks, which read the columns as well.

Shapes: n_series rows, T columns of the past, n steps known beyond the end; F future exogenous columns, G historic ones,
E static ones; horizon steps, Q quantiles.
"""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import numpy as np

from gatecast._utils.typing import BoolArray, FloatArray, IntArray
from gatecast.forecasting.context import PanelContext
from gatecast.forecasting.scaling import SeriesScaler, forward_fill

__all__ = ["ExogenousRegression"]

MAX_DEVIATION = 8.0
"""Standard deviations at which a column is clipped: beyond the values that it was fitted on, a line is a guess."""

UNVARIED = 1e300
"""Standard deviation of a column that never varied: any value of it is 0 standard deviations from its mean."""

MAX_SERIES = 2000
"""Series that effects are estimated from, at most."""

MIN_T_STATISTIC = 2.5
"""Standard errors that a slope has to differ from 0 by; smaller ones are taken for chance."""

AUTOCORRELATIONS = (0.0, 0.5, 0.8, 0.95, 1.0)
"""Autocorrelations of the errors that are tried."""

MIN_DEGREES_OF_FREEDOM = 5

MIN_SERIES_DEGREES = 10
"""Degrees of freedom, at least, of a series whose own slopes count."""

MIN_SERIES_ROWS = 4
"""Rows in which a column varies, at least, for the slope of one series: less is what happened once."""

MIN_HETEROGENEITY = 4.0
"""Standard errors that slopes of single series have to differ by beyond chance; those that do not are one slope."""

VALUES_PER_BLOCK = 2_000_000
"""Values of columns that own slopes are estimated from at a time: these are held in memory a few times more."""


class ExogenousRegression(NamedTuple):
    """Scales of the exogenous columns, and slopes of the future ones.

    Args:
        futr_exog: Mean, standard deviation, and slope on the transformed values for one standard deviation, [3, F].
        hist_exog: Mean and standard deviation, for series that have none of their own, [2, G].
        stat_exog: Mean and standard deviation, [2, E].
        slope_deviations: What the slopes of each series that was fitted have more, [n_fitted, F]; no rows where all
            series have one slope.

    Example:
        >>> x = np.tile([0.0, 0.0, 1.0, 0.0, 1.0], 12)[None, :, None]
        >>> y = np.exp(0.3 * x[..., 0] + 0.01 * np.sin(np.arange(60.0)))
        >>> past = replace(PanelContext.from_values(y), futr_exog=x)
        >>> regression = ExogenousRegression.fit(past, 1)
        >>> round(float(regression.futr_exog[2, 0] / regression.futr_exog[1, 0]), 2)
        0.3
        >>> clean = regression.remove(past)
        >>> bool(clean.values.std() < 0.1 * past.values.std())
        True
    """

    futr_exog: FloatArray
    hist_exog: FloatArray
    stat_exog: FloatArray
    slope_deviations: FloatArray = np.empty((0, 0))

    @classmethod
    def fit(cls, context: PanelContext, m: int) -> ExogenousRegression:
        """Estimate scales, and effects of the future columns, from the past alone.

        ``e[t] = z[t] - x[t] b`` is taken for autoregressive, ``e[t] = r e[t-1] + noise``, around a mean for each phase
        of the season in each series; r is the one that leaves the least noise, b are the slopes of generalized least
        squares. Slopes within 2.5 standard errors of 0 are set to 0.

        Where the slopes of single series clearly differ, each series has its own, drawn towards those of all by how
        little its values say: ``b[s] = b + u[s]``, the u of a column normal around 0.

        Args:
            context: Series with columns.
            m: Season length.

        Source: Cochrane & Orcutt 1949; DerSimonian & Laird 1986 (how much the slopes of series differ); Swamy 1970.
        """
        T = context.values.shape[1]
        past_columns = (context.futr_exog[:, :T], context.hist_exog, context.stat_exog)
        futr_exog, hist_exog, stat_exog = map(_moments, past_columns)
        slopes = np.zeros(futr_exog.shape[1])
        if futr_exog.shape[1]:
            sample = context.take(np.arange(0, len(context), -(-len(context) // MAX_SERIES)))
            z = SeriesScaler.fit(sample.values, 1).transform(sample.values)
            slopes, r = _slopes(z, _standardize(sample.futr_exog[:, :T], futr_exog), m)
        none = np.empty((0, len(slopes)))
        regression = cls(np.concatenate([futr_exog, slopes[None]]), hist_exog, stat_exog, none)
        if not len(slopes) or len(context) == 1:
            return regression
        return regression._replace(slope_deviations=_slope_deviations(context, regression, m, r))

    @property
    def has_effects(self) -> bool:
        """Whether any future column has an effect."""
        return bool(self.futr_exog[2:].any() or self.slope_deviations.any())

    def at_positions(self, series: IntArray) -> ExogenousRegression:
        """Return the regression for a panel whose series had these positions, [n_series]; -1 for new ones."""
        if not len(self.slope_deviations):
            return self
        deviations = np.where(series[:, None] >= 0, self.slope_deviations[series], 0.0)
        return self._replace(slope_deviations=deviations)

    def effects(self, context: PanelContext, futr_exog: FloatArray) -> FloatArray:
        """Return the effects of columns in standard deviations, [n_series, K, F], on transformed values.

        Args:
            context: The series.
            futr_exog: Their columns at K steps.

        Returns:
            [n_series, K].
        """
        if not len(self.slope_deviations):
            return np.asarray(futr_exog @ self.futr_exog[2])
        return np.asarray(np.einsum("skf,sf->sk", futr_exog, self.slopes(context)))

    def slopes(self, context: PanelContext) -> FloatArray:
        """Return the slopes of each series, [n_series, F]."""
        slopes = np.tile(self.futr_exog[2], (len(context), 1))
        if len(self.slope_deviations):
            is_fitted = context.series >= 0
            slopes[is_fitted] += self.slope_deviations[context.series[is_fitted]]
        return slopes

    def remove(self, context: PanelContext) -> PanelContext:
        """Return the context as models read it: without effects, columns in standard deviations, 0 where missing.

        A historic column is in standard deviations of its own series.
        """
        if not (context.futr_exog.shape[2] or context.hist_exog.shape[2] or context.stat_exog.shape[1]):
            return context
        T, values = context.values.shape[1], context.values
        futr_exog = _standardize(context.futr_exog, self.futr_exog)
        if self.has_effects:
            shift = self.effects(context, futr_exog[:, :T])
            values = _shift(values, SeriesScaler.fit(values, 1), -shift)
        return replace(
            context,
            values=values,
            futr_exog=futr_exog,
            stat_exog=_standardize(context.stat_exog, self.stat_exog),
            hist_exog=_standardize_by_series(context.hist_exog, self.hist_exog),
        )

    def restore(self, context: PanelContext, quantiles: FloatArray) -> FloatArray:
        """Return forecasts with the effects of the forecast steps.

        Args:
            context: As it was before `remove`; a step for which no future columns are known has no effect.
            quantiles: Forecasts of the series without effects, [n_series, horizon, Q].
        """
        if not self.has_effects:
            return quantiles
        T, h = context.values.shape[1], quantiles.shape[1]
        futr_exog = _standardize(context.futr_exog[:, T : T + h], self.futr_exog)
        shift = np.zeros((len(context), h))
        shift[:, : futr_exog.shape[1]] = self.effects(context, futr_exog)
        return _shift(quantiles, SeriesScaler.fit(context.values, 1), shift)

    def restore_insample(self, context: PanelContext, medians: FloatArray) -> FloatArray:
        """Return forecasts of past values, [n_series, T], with the effects of their own steps."""
        if not self.has_effects:
            return medians
        futr_exog = _standardize(context.futr_exog[:, : medians.shape[1]], self.futr_exog)
        return _shift(medians, SeriesScaler.fit(context.values, 1), self.effects(context, futr_exog))


def _shift(values: FloatArray, scaler: SeriesScaler, shift: FloatArray) -> FloatArray:
    """Return values whose transform is shifted: a factor where logarithms are taken, else a sum."""
    expand = (...,) + (None,) * (values.ndim - 2)
    by = shift[(...,) + (None,) * (values.ndim - shift.ndim)]
    unit = scaler.unit[:, None][expand]
    with np.errstate(over="ignore", invalid="ignore"):
        return np.asarray(np.where(scaler.positive[:, None][expand], values * np.exp(by), values + unit * by))


def _moments(columns: FloatArray) -> FloatArray:
    """Return mean and standard deviation of each column over all rows and times, [2, n_columns].

    A column without two different values has the deviation `UNVARIED`: nothing is learned of its effect, and it has
    none where it varies later.
    """
    axes = tuple(range(columns.ndim - 1))
    observed = np.isfinite(columns)
    count = np.maximum(observed.sum(axis=axes), 1)
    mean = np.where(observed, columns, 0.0).sum(axis=axes) / count
    deviation = np.sqrt((np.where(observed, columns - mean, 0.0) ** 2).sum(axis=axes) / count)
    low = np.where(observed, columns, np.inf).min(axis=axes, initial=np.inf)
    high = np.where(observed, columns, -np.inf).max(axis=axes, initial=-np.inf)
    # Rounding of the mean gives equal values a deviation.
    return np.stack([mean, np.where((low < high) & (deviation > 0), deviation, UNVARIED)])


def _standardize(columns: FloatArray, moments: FloatArray) -> FloatArray:
    """Return columns in standard deviations, clipped; 0 where missing."""
    return np.asarray(np.clip(np.nan_to_num((columns - moments[0]) / moments[1]), -MAX_DEVIATION, MAX_DEVIATION))


def _standardize_by_series(columns: FloatArray, moments: FloatArray) -> FloatArray:
    """Return columns in standard deviations of each series, [n_series, T, G]; gaps hold the last value before them."""
    if not columns.size:
        return np.zeros(columns.shape)
    standardized = np.empty(columns.shape)
    for g in range(columns.shape[2]):
        column = columns[:, :, g]
        observed = np.isfinite(column)
        count = observed.sum(axis=1, keepdims=True)
        mean = np.where(observed, column, 0.0).sum(axis=1, keepdims=True) / np.maximum(count, 1)
        squares = (np.where(observed, column - mean, 0.0) ** 2).sum(axis=1, keepdims=True)
        deviation = np.sqrt(squares / np.maximum(count, 1))
        mean = np.where(count > 0, mean, moments[0, g])
        varies = (deviation > 0) & (moments[1, g] < UNVARIED)
        deviation = np.where(varies, deviation, moments[1, g])
        standardized[:, :, g] = np.where(count > 0, (forward_fill(column) - mean) / deviation, 0.0)
    return np.clip(standardized, -MAX_DEVIATION, MAX_DEVIATION)


def _slopes(z: FloatArray, x: FloatArray, m: int) -> tuple[FloatArray, float]:
    """Return slopes of transformed values on columns [n_series, T, F], [F], and the best autocorrelation."""
    change = np.nanmean(np.abs(np.diff(forward_fill(z), axis=1)), axis=1) if z.shape[1] > 1 else np.zeros(len(z))
    varies = change > 0
    if not varies.any():
        return np.zeros(x.shape[2]), 0.0
    z, x, change = z[varies], x[varies], change[varies]
    # A series counts by how quiet it is; slopes stay in the unit of z.
    weights = 1.0 / np.maximum(change, 0.1 * np.median(change))
    fits = [_regress(z, x, m, r, weights) for r in AUTOCORRELATIONS]
    best = min(range(len(fits)), key=lambda k: fits[k][1])
    return fits[best][0], AUTOCORRELATIONS[best]


def _regress(z: FloatArray, x: FloatArray, m: int, r: float, weights: FloatArray) -> tuple[FloatArray, float]:
    """Return slopes that are beyond chance, [F], and the variance of the noise, at one autocorrelation."""
    y, X, observed, n_phases = _innovations(z, x, m, r, weights)
    n_free, F = int(observed.sum()) - n_phases * len(z), X.shape[2]
    slopes = np.zeros(F)
    keep = (X**2).sum(axis=(0, 1)) > 1e-6 * observed.sum()
    if n_free - F < MIN_DEGREES_OF_FREEDOM:
        F = max(n_free // 2, 0)
        keep[np.argsort(-_effective_rows(X), kind="stable")[F:]] = False
    degrees = n_free - F
    if degrees < MIN_DEGREES_OF_FREEDOM or not keep.any():
        return slopes, float((y**2).sum() / max(degrees, 1))
    while True:
        A = X[..., keep].reshape(-1, int(keep.sum()))
        inverse = np.linalg.pinv(A.T @ A)
        b = inverse @ (A.T @ y.ravel())
        noise = float(((y.ravel() - A @ b) ** 2).sum() / degrees)
        t_statistic = np.abs(b) / np.sqrt(noise * np.maximum(np.diag(inverse), 1e-300) + 1e-300)
        if t_statistic.min() >= MIN_T_STATISTIC:
            slopes[keep] = b
            return slopes, noise
        # Only the least certain one is dropped before the others are estimated again: two alike would both be dropped.
        keep[np.flatnonzero(keep)[t_statistic.argmin()]] = False
        if not keep.any():
            return slopes, float((y**2).sum() / degrees)


def _innovations(
    z: FloatArray, x: FloatArray, m: int, r: float, weights: FloatArray
) -> tuple[FloatArray, FloatArray, BoolArray, int]:
    """Return what is new in values and columns at each step, less the means of phases and times a weight.

    Returns:
        Values, [n_series, T - 1], and columns, [n_series, T - 1, F], 0 where values are not observed; where they are;
        and the number of phases.
    """
    y = weights[:, None] * (z[:, 1:] - r * z[:, :-1])
    X = weights[:, None, None] * (x[:, 1:] - r * x[:, :-1])
    observed = np.isfinite(y)
    n_phases = m if m > 1 and z.shape[1] > 3 * m else 1
    y = _center(np.where(observed, y, 0.0)[..., None], observed, n_phases)[..., 0]
    return y, _center(X, observed, n_phases), observed, n_phases


def _effective_rows(X: FloatArray) -> FloatArray:
    """Return in how many rows each column varies, [F]: 1 where all of its sum of squares is in one row."""
    squares = X**2
    return np.asarray(squares.sum(axis=(0, 1)) ** 2 / np.maximum((squares**2).sum(axis=(0, 1)), 1e-300))


def _center(x: FloatArray, observed: BoolArray, n_phases: int) -> FloatArray:
    """Return columns [n_series, T, F] less the mean of each phase of each series; 0 where not observed."""
    T = x.shape[1]
    centered = np.zeros(x.shape)
    for phase in range(n_phases):
        steps = slice(T - 1 - phase, None, -n_phases) if n_phases > 1 else slice(None)
        in_phase = observed[:, steps, None]
        count = np.maximum(in_phase.sum(axis=1, keepdims=True), 1)
        mean = np.where(in_phase, x[:, steps], 0.0).sum(axis=1, keepdims=True) / count
        centered[:, steps] = np.where(in_phase, x[:, steps] - mean, 0.0)
    return centered


def _slope_deviations(context: PanelContext, regression: ExogenousRegression, m: int, r: float) -> FloatArray:
    """Return what the slopes of each series have more than those of all, [n_fitted, F]; no rows where they are one.

    Args:
        context: The series.
        regression: The slopes of all series.
        m: Season length.
        r: Autocorrelation of the errors.
    """
    T, F = context.values.shape[1], regression.futr_exog.shape[1]
    if T < MIN_SERIES_DEGREES or context.series.max() < 0:
        return np.empty((0, F))
    blocks = context.batches(max(VALUES_PER_BLOCK // (T * F), 1))
    moments = [_series_moments(*_residuals(block, regression, m, r)) for block in blocks]
    slopes, variances, _ = (np.concatenate(part) for part in zip(*moments, strict=True))
    spread = np.array([_spread(slopes[:, j], variances[:, j]) for j in range(F)])
    differs = np.flatnonzero(spread)
    if not len(differs):
        return np.empty((0, F))
    deviations = np.zeros((int(context.series.max()) + 1, F))
    for block, (_, _, ratios) in zip(blocks, moments, strict=True):
        e, X, degrees = _residuals(block, regression, m, r)
        shrunken = _shrink(e, X[:, :, differs], degrees, ratios[:, differs] / spread[differs])
        is_fitted = block.series >= 0
        deviations[np.ix_(block.series[is_fitted], differs)] = shrunken[is_fitted]
    return deviations


def _residuals(
    context: PanelContext, regression: ExogenousRegression, m: int, r: float
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return what the slopes of all leave of each series, its columns, and its degrees of freedom."""
    T = context.values.shape[1]
    z = SeriesScaler.fit(context.values, 1).transform(context.values)
    x = _standardize(context.futr_exog[:, :T], regression.futr_exog)
    y, X, observed, n_phases = _innovations(z, x, m, r, np.ones(len(context)))
    return y - X @ regression.futr_exog[2], X, observed.sum(axis=1) - n_phases - 1.0


def _series_moments(e: FloatArray, X: FloatArray, degrees: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return what the slope of each column alone has more in each series.

    Args:
        e: What the slopes of all leave, [n_series, T].
        X: Columns, [n_series, T, F].
        degrees: Degrees of freedom, [n_series].

    Returns:
        The slopes, [n_series, F]; their variances, inf where they are unknown; and how many times as large these are
        as they would be if the noise were the same at all times. Promotions move values, and make them less certain.
    """
    squares, products = (X**2).sum(axis=1), np.einsum("stf,st->sf", X, e)
    rows = squares**2 / np.maximum((X**4).sum(axis=1), 1e-300)
    varies = (squares > 1e-6 * X.shape[1]) & (rows >= MIN_SERIES_ROWS)
    known = varies & (degrees >= MIN_SERIES_DEGREES)[:, None]
    squares = np.where(known, squares, 1.0)
    slopes = np.where(known, products / squares, 0.0)
    total = (e**2).sum(axis=1, keepdims=True)
    noise = np.maximum(total - slopes * products, 1e-9 * total + 1e-300) / np.maximum(degrees - 2, 1)[:, None]
    weighted = (X**2 * (e[:, :, None] - X * slopes[:, None]) ** 2).sum(axis=1) / squares
    ratios = np.where(known, np.maximum(weighted * rows / np.maximum(rows - 1, 1) / noise, 1.0), 1.0)
    return slopes, np.where(known, ratios * noise / squares, np.inf), ratios


def _spread(slopes: FloatArray, variances: FloatArray) -> float:
    """Return the mean square of what slopes of series have more; 0 where it is not clearly beyond chance.

    Args:
        slopes: Of the series, [n_series].
        variances: Of their errors; inf is unknown.
    """
    weights = 1.0 / variances
    k = np.count_nonzero(weights) - 1
    if k < 1:
        return 0.0
    mean = (weights * slopes).sum() / weights.sum()
    q = (weights * (slopes - mean) ** 2).sum()
    # Wilson and Hilferty: the cube root of a chi-square is nearly normal.
    z = (np.cbrt(q / k) - (1 - 2 / (9 * k))) / np.sqrt(2 / (9 * k))
    if z < MIN_HETEROGENEITY or q < 2 * k:
        return 0.0
    return float((q - k) / (weights.sum() - (weights**2).sum() / weights.sum()) + mean**2)


def _shrink(e: FloatArray, X: FloatArray, degrees: FloatArray, precision: FloatArray) -> FloatArray:
    """Return the expected slopes of some columns in each series, less those of all, [n_series, K].

    Args:
        e: What the slopes of all leave, [n_series, T].
        X: Columns, [n_series, T, K].
        degrees: Degrees of freedom, [n_series].
        precision: Of the slopes before anything is known, times how uneven the noise is, [n_series, K].
    """
    products, squares = np.einsum("stf,st->sf", X, e), np.einsum("stf,stg->sfg", X, X)
    deviations, rest, used = np.zeros(products.shape), e, np.zeros(len(e))
    smallest = 1e-9 * np.einsum("sff->s", squares) + 1e-300
    # The noise of a series is first taken for what the slopes of all leave, then for what its own leave.
    for _ in range(3):
        noise = (rest**2).sum(axis=1) / np.maximum(degrees - used, np.maximum(degrees / 4, 1))
        penalty = noise[:, None] * precision + smallest[:, None]
        inverse = np.linalg.inv(squares + penalty[:, :, None] * np.eye(X.shape[2]))
        deviations = np.einsum("sfg,sg->sf", inverse, products)
        used = np.einsum("sfg,sgf->s", inverse, squares)
        rest = e - np.einsum("stf,sf->st", X, deviations)
    return np.where((degrees >= MIN_SERIES_DEGREES)[:, None], deviations, 0.0)
