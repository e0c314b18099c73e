"""Running statistics equal a plain computation at every step."""

from __future__ import annotations

import autoregression_reference as reference
import numpy as np
import pytest

from gatecast.forecasting.pretrained.lf.autoregression import HORIZONS, MARGIN, RIDGE
from gatecast.forecasting.pretrained.lf.statistics import SLOPES, Observed, damped_steps, statistics_from
from gatecast.kernels.autoregression import autoregression_forecast


def anchors_at(x, t, level, k, m):
    """Return the simple forecasts but the last k steps after step t."""
    slope = (x[t] - x[max(t - 4, 0)]) / max(min(4, t), 1)
    recent = x[max(t + 1 - (2 * m if m > 1 else 8), 0) : t + 1].mean()
    drift = (x[t] - x[0]) / max(t, 1)
    trends = level + k * drift, level + sum(0.9**j for j in range(1, k + 1)) * slope
    line = np.polyval(np.polyfit(np.arange(t + 1), x[: t + 1], 1), t + k) if t >= 3 else level + k * drift
    source = t + k - m * -(-k // m)
    return np.array([level, *trends, recent, x[: t + 1].mean(), line, x[source] if source >= 0 else level])


@pytest.mark.parametrize("m", [1, 4, 12])
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
    ahead = reference.autoregression(x, np.ones(30), s.unit[:, 0], RIDGE, MARGIN, HORIZONS[-1])
    for row, k in enumerate((1, cycle)):
        assert s.errors[row, -1, :, 0] == pytest.approx(reference.past_errors(x, np.ones(30), ahead, k))
    expected = (ahead[:, np.array(HORIZONS) - 1] - s.level) / s.unit
    np.testing.assert_allclose(s.autoregression_points[:, :, 0].T, expected, atol=1e-9)
    every = autoregression_forecast(s.autoregression, HORIZONS[-1])
    np.testing.assert_allclose(every[np.array(HORIZONS) - 1], s.autoregression_points, atol=1e-9)


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


@pytest.mark.parametrize("m", [1, 4])
def test_statistics_of_a_series_that_begins_late_are_those_from_its_first_value(m):
    """What stands before it, such as the season of a new product that has not begun, is no change."""
    x = np.random.default_rng(0).normal(size=(40, 1)).cumsum(axis=0)
    late = np.concatenate([np.full((3, 1), 50.0), x])
    begins = np.arange(43)[:, None] >= 3
    one = statistics_from(x, Observed.of(np.ones((40, 1), bool)), m, 1.0)
    other = statistics_from(late, Observed.of(begins), m, 1.0)
    assert other.unit[3:] == pytest.approx(one.unit)
    assert other.mean[3:] == pytest.approx(one.mean)
    assert other.line[13:] == pytest.approx(one.line[10:])
    widths = [np.diff(s.autoregression[-2:], axis=0) for s in (one, other)]
    assert widths[1][:, 3:] == pytest.approx(widths[0])
