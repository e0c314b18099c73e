"""Whether one forecast is better than another or only lucky: a paired test, and a correction for several tests.

Shapes: n pairs, K tests.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from gatecast.errors import DataError

__all__ = ["ALPHA", "MAX_EXACT_PAIRS", "N_DRAWS", "holm", "pairs_needed", "sign_flip"]

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
        signs = 1.0 - 2.0 * (np.arange(2**n)[:, None] >> np.arange(n) & 1)
        return float(np.mean(np.abs(signs @ d) >= threshold))
    rng, n_larger, n_left = np.random.default_rng(seed), 1, N_DRAWS
    while n_left > 0:
        n_draws = min(n_left, max(1, MAX_NUMBERS // n))
        signs = 1.0 - 2.0 * rng.integers(0, 2, (n_draws, n), np.int8)
        n_larger += int((np.abs(signs @ d) >= threshold).sum())
        n_left -= n_draws
    return n_larger / (N_DRAWS + 1)


def holm(p: npt.ArrayLike) -> FloatArray:
    """Correct p-values of several tests, so that any below alpha is wrong with probability alpha over all of them.

    The k-th smallest becomes ``max over j <= k of min(1, (K - j + 1) p[j])``.

    Args:
        p: p-values, [K]; NaN stays NaN and does not count.

    Returns:
        Corrected p-values, [K], none smaller than before.

    Source: Holm 1979.

    Example:
        >>> holm([0.01, 0.04, 0.03]).round(3).tolist()
        [0.03, 0.06, 0.06]
    """
    values = np.array(p, np.float64)
    known = np.flatnonzero(np.isfinite(values))
    order = known[np.argsort(values[known], kind="stable")]
    K = len(order)
    values[order] = np.minimum(1.0, np.maximum.accumulate((K - np.arange(K)) * values[order]))
    return values


def pairs_needed(n_tests: int, alpha: float = ALPHA) -> int:
    """Return the pairs that any difference needs to be significant: the smallest n with ``K 2 / 2^n < alpha``.

    Args:
        n_tests: Number of tests, K.
        alpha: Significance level.

    Example:
        >>> pairs_needed(1), pairs_needed(7)
        (6, 9)
    """
    n = 1
    while n_tests * 2.0 ** (1 - n) >= alpha:
        n += 1
    return n
