"""Simple forecasts are those of their equations, and know nothing of the future."""

from __future__ import annotations

import numpy as np
import pytest

from gatecast.forecasting.pretrained.hf.copies import ANCHOR_NAMES, N_CYCLES, copies
from gatecast.forecasting.pretrained.hf.history import read_history


def reference(y, t, j, m, long):
    """Return the simple forecasts of step j from origin t for one series without gaps, by their equations."""

    def level(at):
        return y[max(at - m + 1, 0) : at + 1].mean()

    def cycles(P, near):
        q = -(-j // P)
        steps = [(t + j - (q + c) * P, t - (q + c - near) * P, t - (q + c) * P) for c in range(N_CYCLES)]
        return [(y[step], level(at)) for step, at, start in steps if min(start + 1, start + near * P) >= 0]

    last = y[t]
    day = cycles(m, 1)
    out = [level(t), last, last, last, last]
    if day:
        mean = np.mean([v for v, _ in day])
        out[2:] = [day[0][0], mean, level(t) + np.mean([v - at for v, at in day])]
    week = cycles(long, 0) if long else []
    if week:
        shapes = [v - at for v, at in week]
        out += [np.mean([v for v, _ in week]), level(t) + np.mean(shapes), level(t) + shapes[0]]
    else:
        out += [out[3], out[4], out[4]]
    usual = 0.0
    for P in (m, long):
        steps = [t - c * P for c in range(1, N_CYCLES + 1) if P and t - c * P >= 0]
        usual = np.mean([y[s] - level(s) for s in steps]) if steps else usual
    lag = long or N_CYCLES * m
    drift = (level(t) - level(t - lag)) * m / lag if t - lag + 1 >= m else 0.0
    return np.array([*out, out[6] + y[t] - level(t) - usual, out[4] + -(-j // m) * drift])


@pytest.mark.parametrize(("m", "long"), [(4, 12), (7, 0), (3, 9)])
@pytest.mark.parametrize("t", [1, 5, 13, 30, 69])
def test_copies_equal_their_equations(m, long, t):
    y = np.random.default_rng(0).normal(size=(70, 5)) + 10
    history = read_history(y, m, long)
    simple = copies(history, np.array([t]), 8)[:, 0] + history.level[t] + history.origin
    for k in range(5):
        expected = np.stack([reference(y[:, k], t, j, m, long) for j in range(1, 9)], axis=1)
        np.testing.assert_allclose(simple[:, :, k], expected, atol=1e-5)
    assert len(ANCHOR_NAMES) == len(simple)


def test_copies_do_not_read_later_values():
    y = np.random.default_rng(0).normal(size=(70, 5))
    changed = y.copy()
    changed[41:] = 1e6
    one, two = (copies(read_history(v, 4, 12), np.array([20, 40]), 8) for v in (y, changed))
    assert one.tobytes() == two.tobytes()
