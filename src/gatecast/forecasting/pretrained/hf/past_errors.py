"""How simple forecasts have fared: errors of past blocks, the weights they give, the size of errors to expect.

With E[i] the mean absolute error of simple forecast i over the past blocks of a series, a quarter of the block at a
time, its weight before the network adds to it is proportional to ``E[i] ** -TRUST``. The error of a block is known when
the block is over.

Shapes: A simple forecasts, N tokens, J steps of a block, G quarters of it, n series.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from gatecast._utils.typing import BoolArray, Float32Array, FloatArray, IntArray
from gatecast.forecasting.pretrained.hf.clock import TOKENS

__all__ = ["QUARTERS", "BlockErrors", "PastErrors", "past_errors"]

QUARTERS = 4
"""Parts of a block that have weights of their own."""

NEWEST_BLOCKS = 12
"""Origins whose errors are the newest."""

N_ERRORS = TOKENS + NEWEST_BLOCKS - 1
"""Tokens before a token whose errors say what is newest there."""

TRUST, NEWEST_SHARE = 5.0, 0.25
"""Weights fall with this power of past errors; share of the newest ones in them."""

N_COMPARED = 10
"""First simple forecasts, from whose mean errors the inputs count: others were added when networks knew these."""

MIN_ERROR = 0.02
"""Errors are at least so many units before their logarithm is taken."""


class PastErrors(NamedTuple):
    """What past blocks say about the next one."""

    inputs: list[FloatArray]
    """2 A + 2 times (N, n): logarithms of errors less the mean of the first ones, and it; of all, of newest."""
    logits: Float32Array
    """(N, G, A, n): of the simple forecasts."""
    size: FloatArray
    """(N, n): mean absolute error of their mean with these weights; 1 as long as none is known."""
    newest: list[FloatArray]
    """3 times (N, n): newest errors of this mean: of a token ahead, a cycle ahead, of a whole block."""
    blocks: BlockErrors
    """Of the tokens, with those before them."""


class BlockErrors(NamedTuple):
    """Errors of the blocks after tokens, from `N_ERRORS` tokens before the first one on."""

    error: FloatArray
    """(A, G, N_ERRORS + N, n): sums over a quarter."""
    weight: FloatArray
    """(G, N_ERRORS + N, n): values in them."""
    total: FloatArray
    """(A, G, NEWEST_BLOCKS + N, n): sums of errors that are known at a token, from so many tokens before on."""
    n_known: FloatArray
    """(G, NEWEST_BLOCKS + N, n): values in them."""

    @classmethod
    def none(cls, n_anchors: int, n: int) -> BlockErrors:
        """Return what is before the first token of series."""
        shape = n_anchors, QUARTERS, N_ERRORS, n
        start = np.zeros((n_anchors, QUARTERS, NEWEST_BLOCKS, n))
        return cls(np.zeros(shape), np.zeros(shape[1:]), start, start[0])

    def since(self, token: int) -> BlockErrors:
        """Return those from a token on."""
        return BlockErrors(
            self.error[:, :, token:], self.weight[:, token:], self.total[:, :, token:], self.n_known[:, token:]
        )

    def before(self, token: IntArray, lanes: IntArray) -> BlockErrors:
        """Return what is before one token of some series each, (k,)."""
        # Before the first token of a series all is 0, as the oldest is.
        errors, sums = (np.maximum(token + np.arange(k)[:, None], 0) for k in (N_ERRORS, NEWEST_BLOCKS))
        return BlockErrors(
            self.error[:, :, errors, lanes],
            self.weight[:, errors, lanes],
            self.total[:, :, sums, lanes],
            self.n_known[:, sums, lanes],
        )


def past_errors(
    simple: Float32Array, seen: Float32Array, known: BoolArray, before: BlockErrors | None = None
) -> PastErrors:
    """Measure simple forecasts against what followed.

    Args:
        simple: (A, N, J, n): simple forecasts from the ends of tokens, in units.
        seen: (N, J, n): what followed, in the same units.
        known: (N, J, n): whether it was observed.
        before: Errors before the first token; None: there are none. Of signed errors those before are not counted:
            the first cycle of what is returned is not that of a whole series.

    Example:
        >>> simple = np.stack([np.zeros((20, 8, 1)), np.ones((20, 8, 1))]).astype(np.float32)
        >>> past = past_errors(simple, np.full((20, 8, 1), 0.9, np.float32), np.ones((20, 8, 1), bool))
        >>> past.size[[0, 19], 0].round(2).tolist(), (past.logits[19, 0, 1, 0] > past.logits[19, 0, 0, 0]).item()
        ([1.0, 0.12], True)
    """
    A, N, J, n = simple.shape
    by_quarter = (N, QUARTERS, J // QUARTERS, n)
    counted = known.reshape(by_quarter).astype(np.float32)
    miss = np.abs(seen - simple).reshape(A, *by_quarter)
    error = np.einsum("aNGjn,NGjn->aGNn", miss, counted)
    weight = counted.sum(axis=2, dtype=np.float64).transpose(1, 0, 2)
    blocks = _joined(BlockErrors.none(A, n) if before is None else before, error, weight)
    total, count = blocks.total[:, :, NEWEST_BLOCKS:], blocks.n_known[:, NEWEST_BLOCKS:]
    newest, newest_count = total - blocks.total[:, :, :-NEWEST_BLOCKS], count - blocks.n_known[:, :-NEWEST_BLOCKS]
    of_all, of_newest = _log_mean(total, count), _log_mean(newest, newest_count)
    logits = -TRUST * ((1 - NEWEST_SHARE) * of_all + NEWEST_SHARE * of_newest)
    shares = np.exp(logits - logits.max(axis=0))
    shares /= shares.sum(axis=0)
    size = np.exp((shares * ((1 - NEWEST_SHARE) * of_all + NEWEST_SHARE * of_newest)).sum(axis=0)).mean(axis=0)
    logits = (logits - logits.mean(axis=0)).transpose(2, 1, 0, 3).astype(np.float32)
    signed = _signed(simple, seen, known, shares.astype(np.float32))
    return PastErrors([*_relative(of_all), *_relative(of_newest)], logits, np.maximum(size, MIN_ERROR), signed, blocks)


def _joined(before: BlockErrors, error: Float32Array, weight: FloatArray) -> BlockErrors:
    """Return the errors of tokens, (A, G, N, n) and (G, N, n), after those before them."""
    parts = ((before.error, before.total, error), (before.weight, before.n_known, weight))
    (errors, totals), (weights, counts) = (_accumulated(*part) for part in parts)
    return BlockErrors(errors, weights, totals, counts)


def _accumulated(known: FloatArray, total: FloatArray, x: FloatArray | Float32Array) -> tuple[FloatArray, FloatArray]:
    """Return x, (..., N, n), after what is known before it, and its sums a cycle later after those before them."""
    *rest, N, n = x.shape
    values, sums = np.empty((*rest, N_ERRORS + N, n)), np.empty((*rest, NEWEST_BLOCKS + N, n))
    values[..., :N_ERRORS, :], values[..., N_ERRORS:, :] = known, x
    # The error of a block is known a cycle after its token.
    first = N_ERRORS - TOKENS
    sums[..., :NEWEST_BLOCKS, :], sums[..., NEWEST_BLOCKS:, :] = total, values[..., first : first + N, :]
    newest = sums[..., NEWEST_BLOCKS - 1 :, :]
    np.add.accumulate(newest, axis=-2, out=newest)
    return values, sums


def _log_mean(total: FloatArray, count: FloatArray) -> FloatArray:
    """Return the logarithm of means; 0 where nothing is counted."""
    known = count > 0.5
    return np.log(np.maximum(total, 0.0) / np.where(known, count, 1.0) + MIN_ERROR) * known


def _relative(error: FloatArray) -> list[FloatArray]:
    """Return logarithms of errors less their mean over simple forecasts, and this mean, (N, n) each."""
    of_block = error.mean(axis=1)
    centre = of_block[:N_COMPARED].mean(axis=0)
    return [*(of_block - centre), centre]


def _signed(simple: Float32Array, seen: Float32Array, known: BoolArray, shares: Float32Array) -> list[FloatArray]:
    """Return newest errors of the weighted mean of simple forecasts, (N, n) each; 0 where not known."""
    A, N, J, n = simple.shape
    by_quarter = (N, QUARTERS, J // QUARTERS, n)
    mean = np.einsum("aNGjn,aGNn->NGjn", simple.reshape(A, *by_quarter), shares)
    error = ((seen.reshape(by_quarter) - mean) * known.reshape(by_quarter)).reshape(N, TOKENS, J // TOKENS, n)
    of_token = error.mean(axis=2)
    out = np.zeros((3, N, n))
    out[0, 1:] = of_token[:-1, 0]
    out[1, TOKENS:] = of_token[:-TOKENS, -1]
    out[2, TOKENS:] = of_token[:-TOKENS].mean(axis=1)
    return list(out)
