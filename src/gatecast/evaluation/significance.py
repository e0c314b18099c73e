"""Whether one forecast is better than another, or was lucky: a paired test, and what many tests at once are worth.

Letters: n pairs, K tests.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from gatecast.errors import DataError

__all__ = ["ALPHA", "DRAWN", "EXACT", "holm", "pairs_needed", "sign_flip"]

Floats = npt.NDArray[np.float64]

ALPHA = 0.05
"""A difference that chance alone makes less often than this is called significant."""

EXACT = 14
"""Pairs up to which every choice of signs is looked at: 16,384 of them."""

DRAWN = 9_999
"""Choices of signs that are drawn where there are more."""

ROOM = 2**22
"""Numbers in memory at once."""


def sign_flip(differences: npt.ArrayLike, seed: int = 0) -> float:
    """How often chance alone makes a mean difference as large as this one, in either direction.

    If neither forecast is better, each difference could as well have had the other sign:
    ``p = #{s: |mean(s d)| >= |mean(d)|} / #s`` over all choices of signs s; of more than 14 differences over 9,999 that
    are drawn, and the one that was seen.

    Args:
        differences: (n,) errors of one forecast less those of the other, pair by pair; NaN is left out.
        seed: Of the signs that are drawn.

    Returns:
        p; 1 if all differences are 0, NaN without any.

    Raises:
        DataError: Not a row of numbers.

    Source: Fisher 1935; Phipson & Smyth 2010 (the one that was seen counts).

    >>> sign_flip([1.0, 2.0, 3.0, 4.0])
    0.125
    """
    d = np.asarray(differences, np.float64)
    if d.ndim != 1:
        raise DataError("differences are one row of numbers", got=f"an array of shape {d.shape}", expected="(n,)")
    d = d[np.isfinite(d)]
    n = len(d)
    if n == 0:
        return float("nan")
    # What is equal in exact arithmetic must count, whatever the order of the sum.
    least = abs(d.sum()) - 1e-12 * np.abs(d).sum()
    if n <= EXACT:
        signs = 1.0 - 2.0 * (np.arange(2**n)[:, None] >> np.arange(n) & 1)
        return float(np.mean(np.abs(signs @ d) >= least))
    rng, count, left = np.random.default_rng(seed), 1, DRAWN
    while left > 0:
        part = min(left, max(1, ROOM // n))
        signs = 1.0 - 2.0 * rng.integers(0, 2, (part, n), np.int8)
        count += int((np.abs(signs @ d) >= least).sum())
        left -= part
    return count / (DRAWN + 1)


def holm(p: npt.ArrayLike) -> Floats:
    """Values p of several tests, made so large that one below alpha is wrong with probability alpha over all of them.

    The k-th smallest becomes ``max over j <= k of min(1, (K - j + 1) p[j])``.

    Args:
        p: (K,) values p; NaN stays NaN and does not count.

    Returns:
        (K,), none smaller than before.

    Source: Holm 1979.

    >>> holm([0.01, 0.04, 0.03]).round(3).tolist()
    [0.03, 0.06, 0.06]
    """
    values = np.array(p, np.float64)
    known = np.flatnonzero(np.isfinite(values))
    order = known[np.argsort(values[known], kind="stable")]
    K = len(order)
    values[order] = np.minimum(1.0, np.maximum.accumulate((K - np.arange(K)) * values[order]))
    return values


def pairs_needed(tests: int, alpha: float = ALPHA) -> int:
    """Pairs below which no difference, however clear, can be significant: the least n with ``K 2 / 2^n < alpha``.

    Args:
        tests: K, how many tests are made at once.
        alpha: Level.

    >>> pairs_needed(1), pairs_needed(7)
    (6, 9)
    """
    n = 1
    while tests * 2.0 ** (1 - n) >= alpha:
        n += 1
    return n
