"""Running statistics equal a plain computation at every step."""

from __future__ import annotations

import numpy as np
import pytest

from gatecast.forecasting.pretrained.lf.statistics import SLOPES, Observed, damped_steps, statistics_from


def anchors_at(x, t, level, k, m):
    """Return the simple forecasts but the last k steps after step t."""
    slope = (x[t] - x[max(t - 4, 0)]) / max(min(4, t), 1)
    recent = x[max(t + 1 - (2 * m if m > 1 else 8), 0) : t + 1].mean()
    drift = (x[t] - x[0]) / max(t, 1)
    trends = level + k * drift, level + sum(0.9**j for j in range(1, k + 1)) * slope
    line = np.polyval(np.polyfit(np.arange(t + 1), x[: t + 1], 1), t + k) if t >= 3 else level + k * drift
    source = t + k - m * -(-k // m)
    return np.array([level, *trends, recent, x[: t + 1].mean(), line, x[source] if source >= 0 else level])


@pytest.mark.parametrize("m", [1, 4])
def test_statistics_equal_a_plain_computation(m):
    x = np.random.default_rng(m).normal(size=30).cumsum()
    s = statistics_from(x[:, None], Observed.of(np.ones((30, 1), bool)), m, 0.5)
    change, cycle = np.diff(x), m if m > 1 else 4
    for t in (1, 5, 29):
        assert s.unit[t, 0] == pytest.approx((np.abs(change[:t]).sum() + 1.5) / (t + 3))
        assert s.drift[t, 0] == pytest.approx((x[t] - x[0]) / t)
        for slope, k in zip(s.slopes[:, t, 0], SLOPES, strict=True):
            assert slope == pytest.approx((x[t] - x[max(t - k, 0)]) / min(k, t))
        for row, k in enumerate((1, cycle)):
            past = [np.abs(x[i + k] - anchors_at(x, i, s.level[i, 0], k, m)) for i in range(t + 1 - k)]
            assert s.errors[row, :-1, t, 0] == pytest.approx(np.mean(past, axis=0) if past else 0)


def test_statistics_level_is_the_mean_that_erred_least():
    noise = np.random.default_rng(0).normal(size=(200, 1))
    observed = Observed.of(np.ones((200, 1), bool))
    walk = statistics_from(noise.cumsum(axis=0), observed, 1, 1.0)
    white = statistics_from(noise, observed, 1, 1.0)
    assert walk.level[-1] == noise.cumsum(axis=0)[-1]
    assert white.level[-1] == pytest.approx(noise[-3:].mean())


def test_statistics_stay_at_missing_values():
    observed = np.ones((20, 1), bool)
    observed[12:] = False
    x = np.random.default_rng(0).normal(size=(20, 1)).cumsum(axis=0)
    x[12:] = x[11]
    o = Observed.of(observed)
    s = statistics_from(x, o, 4, 1.0)
    assert o.gap()[:, 0].tolist() == [0] * 12 + [*range(1, 9)]
    for values in (s.level, s.unit, s.drift, *s.slopes, s.recent):
        assert (values[12:] == values[11]).all()


def test_statistics_do_not_read_what_stands_at_missing_values():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(30, 4)).cumsum(axis=0)
    observed = rng.random((30, 4)) < 0.7
    observed[0] = True
    o = Observed.of(observed)
    for one, other in zip(statistics_from(o.hold(x), o, 4, 1.0), statistics_from(x, o, 4, 1.0), strict=True):
        assert one.tobytes() == other.tobytes()


def test_damped_steps_sum_the_powers():
    assert damped_steps(np.array([3.0])) == pytest.approx(0.9 + 0.81 + 0.729)
