"""Double-seasonal smoothing: against its equations written out, and what it must know and not know."""

from itertools import product

import numpy as np
import pytest

from gatecast.forecasting.base import Task
from gatecast.forecasting.baselines import seasonal_naive
from gatecast.forecasting.double_seasonal import ALPHAS, DELTAS, GAMMAS, PHIS, POWER, DoubleSeasonal, season_pair

DAY, WEEK = 4, 12


def task(h, quantiles=(0.5,)):
    return Task(h, WEEK, quantiles, seasons=(DAY, WEEK))


def forecast(y, h, quantiles=(0.5,)):
    return DoubleSeasonal().forecast(np.atleast_2d(y), task(h, quantiles))


def series(rng, n_weeks, noise=0.05):
    """A positive series with a day, and a week in which days differ."""
    day, week = np.array([1.0, 3.0, 4.0, 2.0]), np.repeat([1.0, 1.2, 0.6], DAY)
    return np.tile(np.tile(day, 3) * week, n_weeks) * np.exp(noise * rng.normal(size=WEEK * n_weeks))


def by_hand(y, h):
    """The equations for one positive series, a model and a value at a time."""
    z, T = np.log(y), len(y)
    points, errors = [], []
    for (alpha, gamma, delta), phi in product(product(ALPHAS, GAMMAS, DELTAS), PHIS):
        base = z[: 2 * WEEK]
        level, profile = base.mean(), (base - base.mean()).reshape(2, WEEK).mean(axis=0)
        short = profile.reshape(3, DAY).mean(axis=0)
        long, residual, error = profile - np.tile(short, 3), 0.0, 0.0
        for t in range(T):
            if T - t <= 2 * WEEK and (T - t) % DAY == 0:
                for k in range(min(h, T - t)):
                    f = level + short[(t + k) % DAY] + long[(t + k) % WEEK] + phi ** (k + 1) * residual
                    error += abs(z[t + k] - f)
            residual = z[t] - level - short[t % DAY] - long[t % WEEK]
            level += alpha * residual
            short[t % DAY] += gamma * residual
            long[t % WEEK] += delta * residual
        k = np.arange(h)
        points.append(level + short[(T + k) % DAY] + long[(T + k) % WEEK] + phi ** (k + 1) * residual)
        errors.append(error)
    w = (np.array(errors) / min(errors)) ** -POWER
    return np.exp(w @ np.array(points) / w.sum())


def test_forecast_equals_the_equations(rng):
    y = series(rng, 6)
    assert forecast(y, 7)[0, :, 0] == pytest.approx(by_hand(y, 7), rel=1e-10)


def test_forecast_beats_the_week_before_where_weeks_are_noisy(rng):
    rows = np.stack([series(rng, 10, 0.2) for _ in range(30)])
    past, actual = rows[:, : 9 * WEEK], rows[:, 9 * WEEK :]
    error = np.abs(forecast(past, WEEK)[..., 0] - actual).mean()
    assert error < 0.9 * np.abs(seasonal_naive(past, WEEK, WEEK) - actual).mean()


def test_intervals_cover_and_are_wider_where_noise_is(rng):
    rows = np.stack([series(rng, 10, 0.2) for _ in range(100)])
    past, actual = rows[:, : 9 * WEEK], rows[:, 9 * WEEK :]
    q = forecast(past, WEEK, (0.1, 0.5, 0.9))
    assert 0.7 < ((q[..., 0] <= actual) & (actual <= q[..., 2])).mean() < 0.9
    quiet = forecast(series(rng, 9, 0.01), WEEK, (0.1, 0.5, 0.9))
    assert np.diff(quiet, axis=-1).mean() < np.diff(q, axis=-1).mean() / 4


def test_rows_of_different_lengths_do_not_depend_on_each_other(rng):
    y = np.stack([series(rng, 10), series(rng, 10), series(rng, 10)])
    y[1, :31], y[2, :70] = np.nan, np.nan
    alone = [forecast(row[np.isfinite(row)], 5)[0] for row in y]
    assert forecast(y, 5) == pytest.approx(np.array(alone), rel=1e-9)


def test_a_missing_value_changes_little(rng):
    y = series(rng, 8)
    gap = y.copy()
    gap[[5, 50, 90]] = np.nan
    assert forecast(gap, WEEK)[0, :, 0] == pytest.approx(forecast(y, WEEK)[0, :, 0], rel=0.1)


def test_series_that_are_not_positive_have_added_seasons(rng):
    y = series(rng, 8, 0.0) - 3
    assert forecast(y, WEEK)[0, :, 0] == pytest.approx(y[:WEEK], abs=1e-6)


@pytest.mark.parametrize("seasons", [(), (12,), (4, 13)])
def test_without_two_seasons_the_forecast_is_seasonal_naive(rng, seasons):
    y = series(rng, 6)
    q = DoubleSeasonal().forecast(y[None], Task(5, 12, (0.5,), seasons=seasons))
    m = seasons[-1] if len(seasons) > 1 else 12
    expected = [seasonal_naive(y, 5, m), seasonal_naive(y, 5, min(seasons, default=12))]
    assert any(np.array_equal(q[0, :, 0], f) for f in expected)


def test_fewer_than_three_weeks_have_the_seasonal_naive_forecast(rng):
    y = series(rng, 2)
    assert forecast(y, 5)[0, :, 0].tolist() == seasonal_naive(y, 5, WEEK).tolist()


def test_season_pair_is_the_shortest_and_the_next_multiple():
    assert season_pair((168, 24, 8766)) == (24, 168)
    assert season_pair((24, 100, 168)) == (24, 168)
    assert season_pair((1, 7)) is None


def test_intervals_beyond_the_judged_steps_go_on_widening(rng):
    q = forecast(series(rng, 9, 0.2), 4 * WEEK, (0.1, 0.5, 0.9))[0]
    width = np.log(q[:, 2]) - np.log(q[:, 0])
    assert (width > 0).all()
    beyond = width[2 * WEEK :]
    assert (np.diff(beyond) > 0).all()
    assert beyond[-1] == pytest.approx(beyond[0] * np.sqrt(4 * WEEK / (2 * WEEK + 1)), rel=0.05)
