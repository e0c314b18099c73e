"""Exponential smoothing of many series at once: its equations, and exact gradients."""

import numpy as np
import pytest

from gatecast.forecasting.es_rnn import smoothing

EPS = 1e-6


def numeric(f, x):
    """Gradient of a function of an array, from both sides."""
    out = np.zeros_like(x)
    for k in np.ndindex(x.shape):
        old = x[k]
        x[k] = old + EPS
        up = f()
        x[k] = old - EPS
        out[k] = (up - f()) / (2 * EPS)
        x[k] = old
    return out


@pytest.mark.parametrize("m", [1, 3])
def test_the_gradients_of_smoothing_are_those_of_finite_differences(m):
    rng = np.random.default_rng(0)
    z, seen = rng.normal(size=(9, 4)), rng.random((9, 4)) < 0.8
    seen[:3, 0] = False
    seen[:, 3] = False
    a, g, start = rng.uniform(0.1, 0.9, 4), rng.uniform(0.1, 0.9, 4), rng.normal(size=(m, 4))
    dl, ds = rng.normal(size=(9, 4)), rng.normal(size=(9 + m, 4))

    def loss():
        found = smoothing.smooth(z, seen, a, g, start)
        return (found.level * dl).sum() + (found.season * ds).sum()

    found = smoothing.smooth(z, seen, a, g, start)
    for said, array in zip(smoothing.smooth_backward(z, seen, g, found, dl, ds), (a, g, start), strict=True):
        np.testing.assert_allclose(said, numeric(loss, array), atol=1e-8)


def test_the_gradient_of_roughness_is_that_of_finite_differences():
    rng = np.random.default_rng(1)
    level, counts = rng.normal(size=(7, 3)), (rng.random((7, 3)) < 0.7).astype(float)
    said = smoothing.roughness(level, counts)[1]
    np.testing.assert_allclose(said, numeric(lambda: smoothing.roughness(level, counts)[0], level), atol=1e-8)
    assert smoothing.roughness(level[:2], counts[:2])[0] == 0.0


def test_smoothing_is_what_its_equations_say():
    z, a, g = np.array([4.0, 6.0, 5.0, 9.0]), 0.3, 0.2
    seen = np.array([False, True, False, True])
    s, level = [1.0, -1.0], 0.0
    for t in range(4):
        if seen[t]:
            level = z[t] - s[t] if t == 1 else a * (z[t] - s[t]) + (1 - a) * level
        s.append(g * (z[t] - level) + (1 - g) * s[t] if seen[t] else s[t])
    weights = np.array([a]), np.array([g])
    found = smoothing.smooth(z[:, None], seen[:, None], *weights, np.array([[1.0], [-1.0]]))
    assert found.level[-1, 0] == pytest.approx(level)
    assert found.season[:, 0] == pytest.approx(s)
