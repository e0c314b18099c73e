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
    out += [out[6] + y[t] - level(t) - usual, out[4] + -(-j // m) * drift]
    return np.array([*out, *of_all_cycles(y, t, j, m, long, level(t))])


def of_all_cycles(y, t, j, m, long, level):
    """Return the simple forecasts that are made from means of all cycles; the last value where there is no cycle."""

    def phase_mean(at, P):
        return y[at % P : at + 1 : P].mean() if at >= 0 else np.nan

    q = -(-j // m)
    back = t + j - m * q
    if t - q * m + 1 < 0:
        return [y[t]] * 6
    newest = range(max(t - m + 1, 0), t + 1)
    phase_level = np.mean([phase_mean(s, m) for s in newest])
    shape = level + phase_mean(back, m) - phase_level
    slope, intercept = np.polyfit(np.arange(t + 1), y[: t + 1], 1) if t + 1 >= 2 * m else (0.0, y[: t + 1].mean())
    on_line = intercept + slope * (t + j) + shape - level - slope * (back - t + (m - 1) / 2)
    far = t + j - long * -(-j // long) if long else -1
    week = phase_mean(far, long) if far >= 0 else phase_mean(back, m)
    distance = np.array([y[s] - phase_mean(s - m, m) for s in range(m, t + 1)])
    squares = (distance**2).sum()
    persistence = np.clip((distance[1:] * distance[:-1]).sum() / squares, 0, 1) if squares else 0.0
    deviation = y[t] - phase_mean(t, long or m)
    with_last = shape + y[t] - level - phase_mean(t, m) + phase_level
    return [phase_mean(back, m), shape, with_last, on_line, week, week + persistence**j * deviation]


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
