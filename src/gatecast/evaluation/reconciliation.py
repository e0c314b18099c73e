"""Reconciliation: forecasts of sums and of their parts, changed as little as their errors allow until they add up.

With y the forecasts of all series, the sums a before the parts b, A the sums (a = A b), C = [I, -A] and W the
covariance of the errors, the reconciled parts are::

    b~ = b - (W C')_b (C W C')^-1 (a - A b),    a~ = A b~

W is ``diag(d) + F F'`` and A is never formed, so that one system of n_totals equations is solved however many parts
there are.

Shapes: n_series = n_totals + n_base series; K columns: steps, or steps of paths; n_errors past errors of a series.

Source: Wickramasuriya, Athanasopoulos & Hyndman 2019 (MinT, with the solution for b above); Schaefer & Strimmer 2005
(the shrinkage); Di Fonzo & Girolimetto 2023 (parts out of their bounds are set to these, and summed).
"""

from __future__ import annotations

from typing import Any, Literal, NamedTuple, get_args

import numpy as np

from gatecast._utils.typing import BoolArray, FloatArray, IntArray
from gatecast.data.panel import Hierarchy
from gatecast.errors import ConfigError

__all__ = [
    "METHODS",
    "ErrorCovariance",
    "Method",
    "Reconciler",
    "add_up",
    "check_reconciliation",
    "error_covariance",
    "reconcile",
    "shrinkage",
    "structural_covariance",
]

Method = Literal["mint", "wls-struct", "bottom-up"]

METHODS: tuple[str, ...] = get_args(Method)

MIN_ERRORS = 4
"""Past errors of a series, at least, to tell its variance."""

VARIANCE_FLOOR = 1e-9
"""Least variance, in shares of the typical one: an exact forecast is kept, and the equations stay solvable."""


def check_reconciliation(method: Any) -> Method:
    """Return a method by its name.

    Raises:
        ConfigError: Another name.

    >>> check_reconciliation("mint")
    'mint'
    """
    if method in METHODS:
        return method  # type: ignore[no-any-return]
    raise ConfigError(
        f"Invalid reconciliation {str(method)[:50]!r}",
        expected=", ".join(map(repr, METHODS)),
        fix="Write reconciliation='mint', or leave it out.",
        argument="reconciliation",
    )


class ErrorCovariance(NamedTuple):
    """Covariance of the errors of all series, ``diag(noise) + factors factors'``.

    Args:
        noise: [n_series].
        factors: [n_series, n_errors]; no column where errors are taken for uncorrelated.
    """

    noise: FloatArray
    factors: FloatArray


class Reconciler(NamedTuple):
    """How forecasts are made to add up.

    Args:
        method: Name of the method.
        errors: Past errors of the fitted series, one row a step from an origin, [n_errors, n_fitted]; NaN is unknown.
    """

    method: Method
    errors: FloatArray

    def covariance(self, hierarchy: Hierarchy, series: IntArray) -> ErrorCovariance:
        """Return the covariance of the errors of some series as far as past errors tell.

        Args:
            hierarchy: The sums of the series.
            series: Their positions among the fitted series, [n_series]; -1 for others.
        """
        return error_covariance(self.at_positions(series).errors, hierarchy)

    def at_positions(self, series: IntArray) -> Reconciler:
        """Return the past errors of series that have moved or joined; of new ones they are unknown.

        Args:
            series: Positions of all series among the fitted ones, [n_series]; -1 for new ones.
        """
        known = series >= 0
        errors = np.full((len(self.errors), len(series)), np.nan)
        errors[:, known] = self.errors[:, series[known]]
        return self._replace(errors=errors)


def structural_covariance(hierarchy: Hierarchy) -> ErrorCovariance:
    """Return the variances of errors that are alike and independent in all parts: the numbers of parts."""
    sizes = np.concatenate([hierarchy.sizes, np.ones(hierarchy.n_base)]).astype(np.float64)
    return ErrorCovariance(sizes, np.empty((len(sizes), 0)))


def shrinkage(x: FloatArray) -> float:
    """Return how far correlations are shrunk to 0: the sum of their variances over that of their squares, at most 1.

    Args:
        x: Errors in units of their standard deviation, [n_errors, n_series]; 0 where unknown.

    Source: Schaefer & Strimmer 2005, target D.

    >>> x = np.random.default_rng(0).standard_normal((50, 30))
    >>> shrinkage(x / x.std(axis=0)) > 0.8, shrinkage(np.repeat(x[:, :1], 30, axis=1)) < 0.1
    (True, True)
    """
    n = len(x)
    if n < 2 or x.shape[1] < 2:
        return 1.0
    square = x**2
    # Sums over all pairs of series, from products of rows: sum_ij (x_i . x_j)^2 is the squared norm of x x'.
    of_products = float(((x @ x.T) ** 2).sum() - (square.sum(axis=0) ** 2).sum())
    of_squares = float((square.sum(axis=1) ** 2).sum() - (square**2).sum())
    if of_products <= 0:
        return 1.0
    variance = n / (n - 1) ** 3 * (of_squares - of_products / n)
    return float(np.clip(variance / (of_products / (n - 1) ** 2), 0.0, 1.0))


def error_covariance(errors: FloatArray, hierarchy: Hierarchy) -> ErrorCovariance:
    """Return the covariance of errors with its correlations shrunk to 0.

    A series of which too few errors are known gets the variance of a sum of as many typical parts, uncorrelated.

    Args:
        errors: [n_errors, n_series]; NaN where unknown.
        hierarchy: The sums.
    """
    known = np.isfinite(errors)
    n = known.sum(axis=0)
    e = np.where(known, errors, 0.0)
    enough = n >= MIN_ERRORS
    structural = structural_covariance(hierarchy).noise
    variance = np.where(enough, (e**2).sum(axis=0) / np.maximum(n, 1), 0.0)
    positive = enough & (variance > 0)
    typical = float(np.median((variance / structural)[positive])) if positive.any() else 1.0
    variance = np.where(enough, np.maximum(variance, VARIANCE_FLOOR * typical * structural), typical * structural)
    x = np.where(enough, e / np.sqrt(variance), 0.0)
    share = 1 - shrinkage(x)
    factors = x.T * np.sqrt(share / max(len(x), 1))
    # What errors that are known in part do not explain of the variance is noise of the series alone.
    noise = variance * np.maximum(1 - (factors**2).sum(axis=1), 0.0)
    return ErrorCovariance(noise, factors * np.sqrt(variance)[:, None])


def reconcile(base: FloatArray, hierarchy: Hierarchy, covariance: ErrorCovariance | None) -> FloatArray:
    """Return forecasts that add up.

    A part without a forecast counts as 0, and a sum without one has no say.

    Args:
        base: Forecasts of sums and parts, [n_series, K]; NaN for a series without a forecast.
        hierarchy: The sums.
        covariance: Of the errors; None: the sums of the parts, as they are.

    Returns:
        [n_series, K]; NaN for a part without a forecast, and for a sum of such parts alone.

    >>> pair = Hierarchy(((),), np.array([[0, 0]]))
    >>> reconcile(np.array([[8.0], [1.0], [3.0]]), pair, structural_covariance(pair)).round(6).tolist()
    [[6.0], [2.0], [4.0]]
    >>> reconcile(np.array([[8.0], [1.0], [3.0]]), pair, None).tolist()
    [[4.0], [1.0], [3.0]]
    """
    n_totals = hierarchy.n_totals
    known = np.asarray(np.isfinite(base).all(axis=1))
    live, parts = known[n_totals:], np.where(known[n_totals:, None], base[n_totals:], 0.0)
    n_live = hierarchy.sum(live.astype(np.float64))
    if covariance is not None:
        rows = np.flatnonzero(known[:n_totals] & (n_live > 0))
        gap = (base[:n_totals] - hierarchy.sum(parts))[rows]
        parts = parts + _corrections(gap, rows, live, hierarchy, covariance)
    return add_up(np.where(live[:, None], parts, np.nan), hierarchy)


def add_up(parts: FloatArray, hierarchy: Hierarchy) -> FloatArray:
    """Return the sums before the parts [n_base, ...]; NaN counts as 0 in a sum of others."""
    known = np.isfinite(parts)
    n = hierarchy.sum(known.astype(np.float64))
    return np.concatenate([np.where(n > 0, hierarchy.sum(np.where(known, parts, 0.0)), np.nan), parts])


def _corrections(
    gap: FloatArray, rows: IntArray, live: BoolArray, hierarchy: Hierarchy, covariance: ErrorCovariance
) -> FloatArray:
    """Return by how much the parts change, ``-(W C')_b (C W C')^-1 gap``, [n_base, K].

    Args:
        gap: Forecasts of sums less the sums of forecasts, [n_rows, K].
        rows: The sums that have a say, [n_rows].
        live: Which parts have a forecast, [n_base].
        hierarchy: The sums.
        covariance: Of the errors.
    """
    n_totals = hierarchy.n_totals
    noise = np.where(live, covariance.noise[n_totals:], 0.0)
    factors = np.where(live[:, None], covariance.factors[n_totals:], 0.0)
    c_factors = (covariance.factors[:n_totals] - hierarchy.sum(factors))[rows]
    system = np.diag(covariance.noise[:n_totals])
    for left in hierarchy.parents:
        for right in hierarchy.parents:
            np.add.at(system, (left, right), noise)
    system = system[np.ix_(rows, rows)] + c_factors @ c_factors.T
    solved = _solve(system, gap)
    multipliers = np.zeros((n_totals, gap.shape[1]))
    multipliers[rows] = solved
    return np.asarray(noise[:, None] * hierarchy.spread(multipliers) - factors @ (c_factors.T @ solved))


def _solve(system: FloatArray, gap: FloatArray) -> FloatArray:
    """Solve symmetric equations, scaled to a unit diagonal; by least squares where some are the same."""
    scale = 1 / np.sqrt(np.diag(system))
    scaled = system * scale[:, None] * scale
    try:
        solved = np.linalg.solve(scaled, gap * scale[:, None])
    except np.linalg.LinAlgError:
        solved = np.linalg.lstsq(scaled, gap * scale[:, None], rcond=None)[0]
    return np.asarray(solved * scale[:, None])
