"""Families of low frequency have the statistics of their processes."""

from __future__ import annotations

import numpy as np
import pytest
from series_statistics import autocorrelation, excess_kurtosis, seasonal_autocorrelation, spectral_slope, tail_index

from gatecast.data.synth import draw, families
from gatecast.data.synth.lf.arma import lagged, polynomials
from gatecast.data.synth.lf.base import base_series
from gatecast.data.synth.lf.components import calendar_profiles
from gatecast.data.synth.lf.demand import demand_steps
from gatecast.data.synth.lf.diffusions import regimes
from gatecast.data.synth.lf.events import add_events
from gatecast.data.synth.lf.gaussian_processes import cholesky, sample_kernels

N, T = 300, 160


def make(name, season, *, count=N, length=T, seed=5):
    """Series of one family, as float64."""
    return draw("lf", count, length, seed, season=season, shares={name: 1}).values.astype(np.float64)


def persistence(y, h=6):
    """Regression of the change over h steps on the mean change of the past, over many origins."""
    z = np.log(y)
    n = np.arange(20, z.shape[1] - h)
    drift = h * (z[:, n] - z[:, :1]) / n
    change = z[:, n + h] - z[:, n]
    unit = np.abs(np.diff(z, axis=1)).mean(axis=1, keepdims=True)
    drift, change = np.clip(drift / unit, -40, 40), np.clip(change / unit, -40, 40)
    return (drift * change).sum() / (drift**2).sum()


POSITIVE = [family.name for family in families("lf") if family.group != "counts"]


@pytest.mark.parametrize("name", POSITIVE)
def test_continuous_families_are_positive_at_any_level(name):
    y = make(name, 4, count=100)
    assert (y > 0).all()
    # Levels are logU(10, 1e5): a standard deviation of 1.15 in decades.
    assert 0.8 < np.log10(y[:, 0]).std() < 1.6


@pytest.mark.parametrize("name", ["exponential smoothing", "trend, season, rest", "switching diffusions"])
def test_seasonal_families_repeat_their_season(name):
    seasonal, none = (seasonal_autocorrelation(np.log(make(name, season)), 12) for season in (12, 1))
    # As in M3: the median of monthly series is near 0.1, the 80 % quantile near 0.4.
    assert np.quantile(seasonal, 0.8) > 0.2
    assert abs(np.median(none)) < 0.1


@pytest.mark.parametrize("name", ["exponential smoothing", "local and global trend"])
def test_yearly_trends_persist_in_part(name):
    assert 0.2 < persistence(make(name, 1)) < 0.95


def test_yearly_series_rise_more_often_than_they_fall():
    y = draw("lf", 600, 40, 3, season=1).values
    assert 0.65 < (y[:, -1] > y[:, 0]).mean() < 0.95


def test_local_and_global_trend_has_heavy_tails():
    changes = np.diff(np.log(make("local and global trend", 1)), axis=1)
    changes /= np.median(np.abs(changes), axis=1, keepdims=True)
    # A normal has a tail index near 7 at this share, Student t(4) near 4.
    assert tail_index(changes) < 5


def test_arma_polynomials_have_roots_inside_the_circle(rng):
    c = polynomials(rng, 2000)
    largest = np.array([np.abs(np.roots([1, *-row])).max(initial=0) for row in c.T])
    assert largest.max() < 1
    # Radii are Beta(5, 1.5), of mean 0.77; a fifth has no root.
    assert 0.7 < largest[largest > 0].mean() < 0.88
    assert abs((largest == 0).mean() - 0.2) < 0.03


def test_seasonal_arima_has_a_red_spectrum():
    # Of 600 series it is -0.65 to -0.99, by the seed; white noise has 0, a random walk -2.
    assert -1.2 < spectral_slope(np.log(make("seasonal arima", 1, count=2400))) < -0.5


def test_lagged_delays_each_column(rng):
    x = rng.standard_normal((10, 2))
    y = lagged(x, np.array([1, 3]))
    assert (y[1:, 0] == x[:-1, 0]).all()
    assert (y[3:, 1] == x[:-3, 1]).all()
    assert (y[:3, 1] == 0).all()


def test_calendar_profiles_peak_in_december_most_often(rng):
    profiles = calendar_profiles(rng, 1000)
    assert np.bincount(profiles.argmax(axis=0), minlength=12).argmax() == 11
    assert np.allclose(profiles.mean(axis=0), 0)


def test_sample_kernels_have_their_covariance(rng):
    lags = np.abs(np.arange(6)[:, None] - np.arange(6))
    kernel = 4 * np.exp(-lags / 3)
    draws = sample_kernels(rng, kernel, 20_000)
    # Standard error of a covariance of 20,000 draws: 0.01; the variance becomes 1.
    assert abs(np.cov(draws) - kernel / 4).max() < 0.05


def test_cholesky_is_that_of_lapack(rng):
    x = rng.standard_normal((30, 40))
    assert np.allclose(cholesky(x @ x.T), np.linalg.cholesky(x @ x.T))


@pytest.mark.slow
def test_kernel_synthesis_repeats_seasons():
    y = np.log(make("kernel synthesis", 12, count=600))
    assert np.quantile(seasonal_autocorrelation(y, 12), 0.85) > 0.3


def test_regimes_last_as_long_as_their_probability_says(rng):
    switches = np.abs(np.diff(regimes(rng, 2000, np.full(50, 0.05)), axis=0)).mean()
    assert abs(switches - 0.05) < 0.005


def test_switching_diffusions_return_to_their_mean():
    y = np.log(make("switching diffusions", 12, count=600, length=200))
    assert np.median(autocorrelation(y, 1)) > 0.5
    trend = np.polynomial.polynomial.polyfit(np.arange(200), y.T, 1)
    assert spectral_slope(y - (trend[0][:, None] + trend[1][:, None] * np.arange(200))) > -2.2


def test_counts_are_integers_with_more_variance_than_poisson():
    y = make("negative binomial", 12)
    assert (y == np.rint(y)).all()
    assert (y >= 0).all()
    assert np.median(y.var(axis=1) / np.maximum(y.mean(axis=1), 1e-9)) > 1.2
    assert 0.05 < (y == 0).mean() < 0.4


def test_intermittent_counts_have_many_zeros():
    y = make("intermittent", 1)
    shares = (y == 0).mean(axis=1)
    assert 0.5 < shares.mean() < 0.8
    assert np.quantile(shares, 0.9) > 0.85
    # A chain: a zero is followed by a zero more often than the share says, where off is slow.
    assert (y == np.rint(y)).all()


def test_add_events_scales_with_the_series():
    y = base_series(np.random.default_rng(1), 50, 80, np.full(50, 4))
    one, two = (add_events(np.random.default_rng(2), scale * y) for scale in (1, 8))
    assert np.allclose(two, 8 * one, rtol=1e-9)


def test_interventions_have_larger_jumps_than_their_base(rng):
    base = base_series(np.random.default_rng(1), N, T, np.ones(N, np.int64))
    events = add_events(np.random.default_rng(2), base)
    assert excess_kurtosis(np.diff(np.log(events), axis=1)) > excess_kurtosis(np.diff(np.log(base), axis=1)) + 0.5


def test_repaired_series_have_lines_and_limits():
    y = make("repaired", 1)
    at_top = (y == y.max(axis=1, keepdims=True)).sum(axis=1)
    assert 0.2 < (at_top > 3).mean() < 0.5
    held = (np.diff(y, axis=1) == 0).sum(axis=1)
    assert (held > 0).mean() > 0.4


def test_stochastic_cycles_have_periods_from_3_to_40():
    y = np.log(make("stochastic cycles", 1, length=400))
    z = np.diff(y, axis=1)
    power = np.abs(np.fft.rfft(z - z.mean(axis=1, keepdims=True), axis=1)) ** 2
    period = 399 / np.maximum(power.argmax(axis=1), 1)
    assert np.quantile(period, 0.1) < 8
    assert np.quantile(period, 0.75) > 10


def test_predators_and_prey_peak_sharply():
    z = np.log(make("predator and prey", 1))
    # Slow growth and fast decline, or the reverse, but never symmetric noise: changes are related.
    assert np.median(autocorrelation(np.diff(z, axis=1), 1)) > 0.2


def test_logistic_maps_turn_at_every_step():
    y = np.log(make("logistic maps", 1, count=600))
    assert np.median(autocorrelation(np.diff(y, axis=1), 1)) < -0.3


def test_limit_cycles_oscillate():
    y = np.log(make("limit cycles", 1))
    z = np.diff(y, axis=1)
    power = np.abs(np.fft.rfft(z - z.mean(axis=1, keepdims=True), axis=1)) ** 2
    # A tenth of the frequencies carry the larger part of the power.
    share = np.sort(power, axis=1)[:, -8:].sum(axis=1) / power.sum(axis=1)
    assert np.median(share) > 0.5


def test_lagged_copies_are_smoother_than_their_source():
    y = np.log(make("lagged copies", 1))
    base = np.log(base_series(np.random.default_rng(5), N, T, np.ones(N, np.int64)))
    assert autocorrelation(np.diff(y, axis=1), 1).mean() != pytest.approx(
        autocorrelation(np.diff(base, axis=1), 1).mean(), abs=1e-3
    )


def demand_statistics(y):
    """Mean interval of demands, and squared coefficient of variation of their sizes, of series with ten at least."""
    y = y[(y > 0).sum(axis=1) >= 10]
    demand = np.where(y > 0, y, np.nan)
    return y.shape[1] / (y > 0).sum(axis=1), (np.nanstd(demand, axis=1) / np.nanmean(demand, axis=1)) ** 2


def test_sporadic_demand_has_its_shares_of_zeros_and_both_categories():
    y = make("sporadic demand", 12, count=2000)
    share = (y > 0).mean(axis=1)
    # Probabilities are logU(0.03, 0.6), of median 0.13; a seventh of the series falls to nothing.
    assert 0.1 < np.median(share) < 0.18
    assert np.quantile(share, 0.9) > 0.35
    interval, variation = demand_statistics(y)
    assert (interval > 1.32).mean() > 0.9
    # Intermittent up to 0.49, lumpy beyond (Syntetos, Boylan & Croston 2005).
    assert 0.2 < (variation > 0.49).mean() < 0.6


def test_sporadic_demand_is_whole_numbers_but_for_amounts():
    y = make("sporadic demand", 1, count=2000)
    whole = (y == np.rint(y)).all(axis=1)
    assert abs(whole.mean() - 0.95) < 0.03
    assert ((y[whole] == 0) | (y[whole] >= 1)).all()
    assert abs((y.max(axis=1) <= 1).mean() - 0.22) < 0.06


def test_demand_steps_are_independent_seasonal_or_regular():
    rng = np.random.default_rng(3)
    steps = demand_steps(rng, 4000, np.full(200, 12)).astype(float)
    lag_12 = np.array([np.corrcoef(x[:-12], x[12:])[0, 1] for x in steps.T if x.std() > 0])
    # Constant probabilities leave no autocorrelation: its standard error is 0.016.
    assert (np.abs(lag_12) < 0.05).mean() > 0.25
    assert np.quantile(lag_12, 0.9) > 0.05
    intervals = [np.diff(np.flatnonzero(x)) for x in steps.T if x.sum() > 50]
    variation = np.array([gaps.std() / gaps.mean() for gaps in intervals])
    # Geometric intervals vary by sqrt(1 - p), those of a renewal process much less.
    assert 0.05 < (variation < 0.5).mean() < 0.25
