"""Whether one forecast is better than another or only lucky: a paired test, and a test of all pairs of several models.

Shapes: n pairs of errors, K models.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from gatecast.errors import DataError

__all__ = ["ALPHA", "MAX_EXACT_PAIRS", "N_DRAWS", "compare_all", "pairs_needed", "sign_flip"]

FloatArray = npt.NDArray[np.float64]

ALPHA = 0.05
"""A difference that chance alone makes less often than this is called significant."""

MAX_EXACT_PAIRS = 14
"""Pairs up to which all choices of signs are enumerated: 16,384 of them."""

N_DRAWS = 9_999
"""Choices of signs that are drawn for more pairs."""

MAX_NUMBERS = 2**22
"""Largest array of signs at a time."""


def sign_flip(differences: npt.ArrayLike, seed: int = 0) -> float:
    """Return how often chance alone makes a mean difference as large as this one, in either direction.

    If neither forecast is better, each difference could equally have the other sign:
    ``p = #{s: |mean(s d)| >= |mean(d)|} / #s`` over all choices of signs s; for more than 14 differences, over 9,999
    random ones and the observed one.

    Args:
        differences: Errors of one forecast less those of the other, pair by pair, [n]; NaN does not count.
        seed: Seed of the random signs.

    Returns:
        The p-value; 1 if all differences are 0, NaN without any.

    Raises:
        DataError: Not one-dimensional.

    Source: Fisher 1935; Phipson & Smyth 2010 (the observed choice counts).

    Example:
        >>> sign_flip([1.0, 2.0, 3.0, 4.0])
        0.125
    """
    d = np.asarray(differences, np.float64)
    if d.ndim != 1:
        raise DataError(f"Invalid differences of shape {d.shape}", expected="one dimension", argument="differences")
    d = d[np.isfinite(d)]
    n = len(d)
    if n == 0:
        return float("nan")
    # What is equal in exact arithmetic must count, whatever the order of the sum.
    threshold = abs(d.sum()) - 1e-12 * np.abs(d).sum()
    if n <= MAX_EXACT_PAIRS:
        return float(np.mean(np.abs(_every_sign(n) @ d) >= threshold))
    n_larger = sum(int((np.abs(signs @ d) >= threshold).sum()) for signs in _draw_signs(n, seed))
    return (n_larger + 1) / (N_DRAWS + 1)


def compare_all(errors: npt.ArrayLike, seed: int = 0) -> FloatArray:
    """Return p-values of all pairs of models, so that any below alpha is wrong with probability alpha over all of them.

    A user who picks the best model looks at all pairs. With d the differences of the errors of two models, the
    statistic of a pair is ``T = |sum d| / sqrt(sum d^2)``. All differences get the same random signs, so the largest T
    over pairs has the distribution that chance gives it, however alike the models are. From the largest T down, the
    p-value of a pair is how often chance makes the largest T of the pairs from there on as large, and never below the
    one before.

    Args:
        errors: Errors of the models, [K, n]; NaN does not count.
        seed: Seed of the random signs.

    Returns:
        p-values, [K, K], symmetric; 1 if all differences are 0, NaN without any, and on the diagonal.

    Raises:
        DataError: Not two-dimensional.

    Source: Westfall & Young 1993 (step-down, the largest statistic); Romano & Wolf 2005.

    Example:
        >>> compare_all([[1.0, 1.1, 1.2, 1.0, 1.1, 1.2], [2.0, 2.1, 2.3, 2.2, 2.4, 2.1]])[0, 1].item()
        0.03125
    """
    e = np.asarray(errors, np.float64)
    if e.ndim != 2:
        raise DataError(f"Invalid errors of shape {e.shape}", expected="two dimensions", argument="errors")
    first, second = np.triu_indices(len(e), 1)
    d = e[first] - e[second]
    known = np.isfinite(d)
    d, tested = np.where(known, d, 0.0), known.any(axis=1)
    size = np.sqrt((d**2).sum(axis=1, keepdims=True))
    d = np.divide(d, size, out=np.zeros_like(d), where=size > 0)
    observed = np.abs(d.sum(axis=1))
    order = np.argsort(-observed, kind="stable")
    # What is equal in exact arithmetic must count, whatever the order of the sum.
    threshold = observed[order] - 1e-9
    n_larger, n_signs = np.zeros(len(d), np.int64), 0
    for signs in _all_signs(e.shape[1], seed):
        from_here = np.maximum.accumulate(np.abs(signs @ d[order].T)[:, ::-1], axis=1)[:, ::-1]
        n_larger += (from_here >= threshold).sum(axis=0)
        n_signs += len(signs)
    p = np.full((len(e), len(e)), np.nan)
    corrected = np.empty(len(d))
    corrected[order] = np.maximum.accumulate(n_larger / n_signs)
    p[first, second] = p[second, first] = np.where(tested, corrected, np.nan)
    return p


def _all_signs(n: int, seed: int) -> Iterator[FloatArray]:
    """Yield all choices of n signs, or those observed and random ones, in parts [n_signs, n]."""
    if n <= MAX_EXACT_PAIRS:
        yield _every_sign(n)
        return
    yield np.ones((1, n))
    yield from _draw_signs(n, seed)


def _every_sign(n: int) -> FloatArray:
    """Return all choices of n signs, [2^n, n]."""
    return 1.0 - 2.0 * (np.arange(2**n)[:, None] >> np.arange(n) & 1).astype(np.float64)


def _draw_signs(n: int, seed: int) -> Iterator[FloatArray]:
    """Yield 9,999 random choices of n signs, in parts [n_signs, n]."""
    rng, n_left = np.random.default_rng(seed), N_DRAWS
    while n_left > 0:
        n_draws = min(n_left, max(1, MAX_NUMBERS // n))
        yield 1.0 - 2.0 * rng.integers(0, 2, (n_draws, n), np.int8)
        n_left -= n_draws


def pairs_needed(alpha: float = ALPHA) -> int:
    """Return the pairs that any difference needs to be significant: the smallest n with ``2 / 2^n < alpha``.

    Args:
        alpha: Significance level.

    Example:
        >>> pairs_needed()
        6
    """
    n = 1
    while 2.0 ** (1 - n) >= alpha:
        n += 1
    return n
