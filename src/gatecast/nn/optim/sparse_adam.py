"""Adam for a table of parameters of which an update changes some rows."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from gatecast._utils.typing import FloatArray, IntArray

__all__ = ["SparseAdam"]


class SparseAdam:
    """Adam with moments and a step count for each row.

    Args:
        shape: (S, P), rows and parameters per row.

    Source: Kingma & Ba 2015.

    >>> params, adam = np.zeros((3, 1)), SparseAdam((3, 1))
    >>> adam.update(params, np.array([1]), np.ones((1, 1)), 0.1)
    >>> params.ravel().round(6).tolist()
    [0.0, -0.1, 0.0]
    """

    def __init__(self, shape: tuple[int, int]) -> None:
        self.m = np.zeros(shape)
        self.v = np.zeros(shape)
        self.steps = np.zeros((shape[0], 1))

    def update(
        self, params: FloatArray, rows: IntArray, gradient: npt.NDArray[np.floating[Any]], learning_rate: float
    ) -> None:
        """Update rows of the parameters in place.

        Args:
            params: (S, P) parameters.
            rows: (B,) indices of rows. Gradients of a row that occurs several times add up.
            gradient: (B, P) gradients.
            learning_rate: The learning rate of this update.
        """
        rows, position = np.unique(rows, return_inverse=True)
        sums = np.zeros((len(rows), gradient.shape[1]))
        np.add.at(sums, position.ravel(), gradient)
        self.steps[rows] += 1
        self.m[rows] += 0.1 * (sums - self.m[rows])
        self.v[rows] += 0.001 * (sums * sums - self.v[rows])
        mean = self.m[rows] / (1 - 0.9 ** self.steps[rows])
        size = np.sqrt(self.v[rows] / (1 - 0.999 ** self.steps[rows]))
        params[rows] -= learning_rate * mean / (size + 1e-12)
