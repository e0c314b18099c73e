"""Which steps of a horizon a network is trained on, and the interpolation between them."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

__all__ = ["MAX_DIRECT_STEPS", "direct_steps", "interpolation"]

MAX_DIRECT_STEPS = 48
"""Steps that a network is trained on at most; quantiles of the steps between them are interpolated."""


def direct_steps(horizon: int, n_max: int = MAX_DIRECT_STEPS) -> npt.NDArray[np.int64]:
    """Return the steps that a network is trained on: all of a short horizon, near steps densely of a long one.

    Example:
        >>> direct_steps(4).tolist()
        [1, 2, 3, 4]
        >>> direct_steps(336, n_max=10).tolist()
        [1, 2, 3, 4, 8, 18, 37, 77, 161, 336]
    """
    if horizon <= n_max:
        return np.arange(1, horizon + 1)
    n_dense = n_max // 4 + 1
    sparse = np.geomspace(n_dense + 1, horizon, n_max - n_dense)
    return np.unique(np.concatenate([np.arange(1, n_dense + 1), np.round(sparse).astype(np.int64)]))


def interpolation(horizon: int) -> npt.NDArray[np.float64]:
    """Return the matrix from the trained steps to all steps of the horizon, [horizon, K]."""
    steps = direct_steps(horizon)
    return np.stack([np.interp(np.arange(1, horizon + 1), steps, unit) for unit in np.eye(len(steps))], axis=1)
