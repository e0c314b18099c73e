"""Reference of dense layers, activations and Adam; test_equations has the cells.

Shapes: B sequences, K inputs and M outputs.
"""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tolerances import EPS64, close, difference, rounding, step

from gatecast.kernels import reference
from gatecast.kernels.activations import ACTIVATIONS, sigmoid


@given(st.integers(0, 9), st.integers(1, 3), st.integers(1, 3), st.integers(1, 3))
def test_dense_gradients_are_difference_quotients(seed, B, K, M):
    rng = np.random.default_rng(seed)
    arrays = {"W": rng.normal(size=(K, M)), "b": rng.normal(size=M), "x": rng.normal(size=(B, 2, K))}
    dy = rng.normal(size=(B, 2, M))
    dx, grads = reference.dense_backward(arrays, arrays["x"], dy)
    gradients = grads | {"x": dx}
    for name, array in arrays.items():
        direction = rng.normal(size=array.shape)
        above, below = (
            (reference.dense_forward(arrays | {name: moved}, moved if name == "x" else arrays["x"]) * dy).sum()
            for moved in (array + step() * direction, array - step() * direction)
        )
        close((gradients[name] * direction).sum(), (above - below) / (2 * step()), difference(), scale=100.0)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activation_slopes_are_difference_quotients(name):
    value, slope = ACTIVATIONS[name].value, ACTIVATIONS[name].slope
    z = np.linspace(-5, 5, 40)
    close(
        slope(z, value(z)),
        (value(z + step()) - value(z - step())) / (2 * step()),
        difference(),
        scale=float(np.abs(value(z)).max()) + 5.0,
    )


def test_sigmoid_is_exact_at_the_ends_and_symmetric():
    z = np.linspace(-40, 40, 81)
    close(sigmoid(z), 1 / (1 + np.exp(-z)), 4 * EPS64)
    assert sigmoid(np.array([-1e308, 1e308])).tolist() == [0.0, 1.0]
    close(sigmoid(z) + sigmoid(-z), np.ones(81), 4 * EPS64)


def test_adam_with_a_constant_gradient_takes_steps_of_length_one():
    m, v = np.zeros(3), np.zeros(3)
    for k in range(1, 6):
        m, v, direction = reference.adam(m, v, np.array([1e-3, -2.0, 5.0]), 0.9, 0.999, 0.0, k)
        close(direction, [1.0, -1.0, 1.0], rounding(20, EPS64))
