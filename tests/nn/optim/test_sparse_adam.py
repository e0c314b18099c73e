"""Adam over rows."""

from __future__ import annotations

import numpy as np
from tolerances import EPS64, close, rounding

from gatecast.nn.optim.sparse_adam import SparseAdam


def adam(gradients, learning_rate):
    """Return the result of Adam on one number."""
    m = v = x = 0.0
    for step, g in enumerate(gradients, 1):
        m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g * g
        x -= learning_rate * m / (1 - 0.9**step) / (np.sqrt(v / (1 - 0.999**step)) + 1e-12)
    return x


def test_update_counts_the_steps_of_each_row(rng):
    params, optimizer = np.zeros((3, 2)), SparseAdam((3, 2))
    history = {row: [] for row in range(3)}
    for rows in ([0, 1], [1], [1, 2], [0, 1]):
        gradient = rng.normal(size=(len(rows), 2))
        optimizer.update(params, np.array(rows), gradient, 0.1)
        for row, g in zip(rows, gradient, strict=True):
            history[row].append(g)
    for row, gradients in history.items():
        expected = [adam([g[k] for g in gradients], 0.1) for k in range(2)]
        close(params[row], expected, rounding(100, EPS64))


def test_update_adds_up_the_gradients_of_a_repeated_row():
    once, twice = np.zeros((2, 1)), np.zeros((2, 1))
    SparseAdam((2, 1)).update(once, np.array([1]), np.array([[3.0]]), 0.1)
    SparseAdam((2, 1)).update(twice, np.array([1, 1]), np.array([[1.0], [2.0]]), 0.1)
    np.testing.assert_array_equal(once, twice)
    assert once[0, 0] == 0
