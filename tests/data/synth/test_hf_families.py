"""Families of high frequency have the statistics of their processes."""

from __future__ import annotations

import numpy as np
import pytest
from series_statistics import (
    autocorrelation,
    excess_kurtosis,
    hurst_exponent,
    seasonal_autocorrelation,
    spectral_slope,
    tail_index,
)

from gatecast.data.synth import draw, families
from gatecast.data.synth.hf.gaussian_processes import sample_spectra
from gatecast.data.synth.hf.levels import daily_levels, red_noise
from gatecast.data.synth.hf.machines import lindley
from gatecast.data.synth.hf.profiles import bumps, kinds_of_day
from gatecast.data.synth.hf.waves import wave

N, T, M = 120, 1024, 24


def make(name, *, count=N, length=T, season=M, seed=5):
    """Series of one family with a season of a day in hours, as float64."""
    return draw("hf", count, length, seed, season=season, shares={name: 1}).values.astype(np.float64)


SEASONAL = [
    "daily profiles",
    "working hours",
    "clouded half-sines",
    "spectral synthesis",
    "double seasonal arma",
    "modulated waves",
    "profile counts",
]


@pytest.mark.parametrize("name", SEASONAL)
def test_seasonal_families_repeat_their_season(name):
    assert np.median(seasonal_autocorrelation(make(name), M)) > 0.1


@pytest.mark.parametrize("name", ["random walks", "garch", "fractional noise", "coupled maps"])
def test_families_without_a_season_have_none(name):
    assert abs(np.median(seasonal_autocorrelation(make(name), M))) < 0.1


NOT_NEGATIVE = {"profiles", "counts", "spikes"}


@pytest.mark.parametrize(
    "name", [f.name for f in families("hf") if f.group in NOT_NEGATIVE] + ["queues", "duty cycles"]
)
def test_amounts_are_not_negative(name):
    assert (make(name, count=40) >= 0).all()


def test_double_seasonal_families_repeat_the_longer_season():
    batch = draw("hf", 400, T, 3, season=M, shares={"profiles": 1})
    weekly = batch.long_season == 7 * M
    assert 0.4 < weekly.mean() < 0.6
    y = batch.values[weekly].astype(np.float64)
    assert np.median(autocorrelation(y, 7 * M) - autocorrelation(y, 6 * M)) > 0


def test_kinds_of_day_differ_on_the_last_two_days_of_a_week(rng):
    season = np.full(50, 4)
    kinds = kinds_of_day(rng, 28, season, 7 * season)[::4]
    assert (np.sort(kinds, axis=0)[:5] == 0).all()
    assert ((kinds > 0).sum(axis=0) == 2).all()


def test_bumps_have_mean_0_and_unit_size(rng):
    profile = bumps(rng, np.full(30, 48))
    assert np.allclose(profile.mean(axis=0), 0)
    assert np.allclose(profile.std(axis=0), 1)


def test_red_noise_is_stationary_from_the_start(rng):
    x = red_noise(rng, 200, np.full(4000, 0.95))
    assert abs(x.std(axis=1) - 1).max() < 0.08
    assert abs(autocorrelation(x.T, 1).mean() - 0.95) < 0.03


def test_daily_levels_change_once_a_cycle_or_smoothly(rng):
    levels = daily_levels(rng, 480, np.full(200, 24))
    changed = (np.diff(levels, axis=0) != 0).mean(axis=0)
    assert ((changed < 0.05) | (changed > 0.9)).all()
    assert abs((changed < 0.05).mean() - 0.5) < 0.15


def test_sample_spectra_have_their_density(rng):
    f = np.fft.rfftfreq(4096)
    f[0] = f[1]
    x = sample_spectra(rng, (1 / f**2)[None].repeat(50, axis=0), 2048)
    assert abs(spectral_slope(x.T) + 2) < 0.25


def test_seasonal_diffusions_have_jumps():
    changes = np.diff(make("seasonal diffusions", count=300), axis=1)
    assert np.quantile([excess_kurtosis(row[None]) for row in changes], 0.85) > 3


@pytest.mark.parametrize("kind", range(4))
def test_wave_has_period_1_and_size_1(kind):
    phase = np.linspace(0, 3, 3001)[:, None]
    y = wave(phase, np.array([kind]))
    assert abs(y).max() == pytest.approx(1, abs=2e-3)
    assert np.allclose(y[5:995], y[1005:1995], atol=1e-6)


def test_counts_are_whole_and_overdispersed():
    for name in ("profile counts", "bursts"):
        y = make(name)
        assert (y == np.rint(y)).all()
        assert np.median(y.var(axis=1) / np.maximum(y.mean(axis=1), 1e-9)) > 1.2


def test_profile_counts_are_often_0_at_night():
    y = make("profile counts", season=48, length=960).reshape(N, 20, 48)
    assert ((y == 0).all(axis=1).mean(axis=1) > 0.15).mean() > 0.15


def test_bursts_come_in_clusters():
    y = make("bursts")
    busy = y[y.mean(axis=1) > 0.3]
    # Without a season of the rate, Poisson numbers would have none.
    assert np.median(autocorrelation(busy, 1)) > 0.2


def test_lindley_is_the_recursion_of_a_queue(rng):
    x = rng.standard_normal((200, 3)) - 0.1
    y, state = lindley(x), np.zeros(3)
    for step, value in zip(x, y, strict=True):
        state = np.maximum(0, state + step)
        assert np.allclose(state, value)


def test_thermostats_switch_and_stay_within_bounds():
    y = make("thermostats")
    z = (y - np.median(y, axis=1, keepdims=True)) / y.std(axis=1, keepdims=True)
    assert np.quantile(abs(z).max(axis=1), 0.5) < 6
    assert np.median(autocorrelation(y, 1)) > 0.6


def test_duty_cycles_have_two_levels():
    y = make("duty cycles", count=300)
    low, middle, high = np.quantile(y, [0.1, 0.5, 0.9], axis=1)
    # A machine is on or off: its distribution has a gap rather than a peak in the middle.
    assert np.median(np.minimum(high - middle, middle - low) / (high - low)) < 0.25


def test_sensors_repeat_values():
    y = make("sensors")
    repeated = np.array([1 - len(np.unique(np.round(row, 4))) / T for row in y])
    assert np.quantile(repeated, 0.5) > 0.2


def test_spike_trains_have_heavy_tails():
    y = make("spike trains")
    z = y / np.median(y, axis=1, keepdims=True)
    assert excess_kurtosis(y) > 3
    assert tail_index(z) < 4


def test_garch_returns_cluster():
    y = make("garch", count=200, length=2048)
    returns = y[y.min(axis=1) < 0]
    returns = returns - returns.mean(axis=1, keepdims=True)
    assert abs(np.median(autocorrelation(returns, 1))) < 0.08
    assert np.median(autocorrelation(returns**2, 1)) > 0.05


def test_random_walks_have_independent_steps():
    steps = np.diff(np.log(make("random walks")), axis=1)
    assert abs(np.median(autocorrelation(steps, 1))) < 0.06
    assert abs(hurst_exponent(steps) - 0.5) < 0.06


def test_fractional_noise_spans_hurst_exponents():
    y = make("fractional noise", length=2048)
    y = (y - y.mean(axis=1, keepdims=True)) / y.std(axis=1, keepdims=True)
    hurst = np.array([hurst_exponent(row[None]) for row in y])
    assert np.quantile(hurst, 0.05) < 0.35
    assert np.quantile(hurst, 0.95) > 0.8


def test_coupled_maps_turn_and_chaotic_flows_glide():
    maps, flows = make("coupled maps"), make("chaotic flows")
    assert np.median(autocorrelation(np.diff(maps, axis=1), 1)) < -0.2
    assert np.median(autocorrelation(np.diff(flows, axis=1), 1)) > 0.5


def test_chaotic_flows_stay_on_their_attractors():
    y = make("chaotic flows", count=200, length=3000)
    early, late = y[:, 500:1500].std(axis=1), y[:, 2000:].std(axis=1)
    assert np.quantile(late / early, 0.1) > 0.2
    assert np.quantile(late / early, 0.9) < 5
