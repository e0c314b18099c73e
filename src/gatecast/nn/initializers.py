"""Initial values of weight matrices."""

from __future__ import annotations

import numpy as np

from gatecast.kernels.packing import Array
from gatecast.nn.random import ZeroGenerator

__all__ = ["glorot_uniform", "orthogonal"]


def glorot_uniform(rng: np.random.Generator, rows: int, columns: int) -> Array:
    """Draw a matrix uniformly within sqrt(6 / (rows + columns)) of zero.

    Args:
        rng: Source of the random numbers.
        rows: Number of inputs.
        columns: Number of outputs.

    Returns:
        A float32 matrix, [rows, columns].

    Example:
        >>> bool(np.abs(glorot_uniform(np.random.default_rng(0), 3, 3)).max() <= 1)
        True

    Source: Glorot & Bengio 2010.
    """
    limit = np.sqrt(6.0 / (rows + columns))
    return rng.uniform(-limit, limit, (rows, columns)).astype(np.float32)


def orthogonal(rng: np.random.Generator, rows: int, columns: int) -> Array:
    """Draw a matrix with orthonormal rows, or orthonormal columns if it has more rows than columns.

    Args:
        rng: Source of the random numbers; a `ZeroGenerator` gives zeros.
        rows: Number of inputs.
        columns: Number of outputs.

    Returns:
        A float32 matrix, [rows, columns].

    Example:
        >>> W = orthogonal(np.random.default_rng(0), 2, 4)
        >>> bool(np.allclose(W @ W.T, np.eye(2), atol=1e-6))
        True

    Source: Saxe, McClelland & Ganguli 2014.
    """
    normal = rng.standard_normal((max(rows, columns), min(rows, columns)))
    if isinstance(rng, ZeroGenerator):
        return np.zeros((rows, columns), np.float32)
    q, r = np.linalg.qr(normal)
    # Without the signs q would not be uniform over the orthogonal matrices (Mezzadri 2007).
    q = q * np.sign(np.diag(r))
    return np.ascontiguousarray(q.T if rows <= columns else q, np.float32)
