"""Sums and products of a trend, a season and a rest."""

from __future__ import annotations

import numpy as np

from gatecast._utils.typing import FloatArray, IntArray
from gatecast.data.synth.lf.levels import grow, season_sizes, sigmas
from gatecast.data.synth.noise import autoregress, chance, hold, log_uniform
from gatecast.data.synth.shapes import breaking_slopes, random_profiles, tile

__all__ = ["calendar_profiles", "trend_season_rest"]

MONTH_DAYS = np.array([31, 28.25, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31])


def trend_season_rest(rng: np.random.Generator, count: int, length: int, season: IntArray) -> FloatArray:
    """Make series of a trend, a season whose amplitude may change, and an autoregressive rest.

    ``z[t] = trend[t] + a[t] s[t mod m] + r[t]``, ``r[t] = phi r[t-1] + sigma e[t]``. Trend: piecewise linear with
    breaks, logistic, saturating exponential, a random walk, none or a line. Amplitude: constant, growing with the
    trend, or a random walk.

    Source: Harvey 1989, Forecasting, Structural Time Series Models and the Kalman Filter; Kang, Hyndman & Li 2020,
    GRATIS (mixtures of features).
    """
    sigma = np.minimum(sigmas(rng, season), 0.3)
    trend = _trends(rng, length, sigma, season)
    calendar = chance(rng, 0.3, count) & (season == 12)
    profile = random_profiles(rng, season)
    if calendar.any():
        profile[:12, calendar] = calendar_profiles(rng, int(calendar.sum()))
    amplitude = np.minimum(sigma * season_sizes(rng, season), 0.8) * _amplitudes(rng, trend)
    size = sigma * log_uniform(rng, 0.1, 1, count)
    rest = autoregress(size * rng.standard_normal((length, count)), rng.uniform(-0.3, 0.95, count))
    return grow(rng, trend + amplitude * tile(profile, season, length) + rest, season)


def _trends(rng: np.random.Generator, length: int, sigma: FloatArray, season: IntArray) -> FloatArray:
    """One of six kinds of trend for each series; (length, count)."""
    count = len(sigma)
    t = np.arange(length)[:, None]
    breaks, slopes = breaking_slopes(rng, length, log_uniform(rng, 0.005, 0.3, count))
    drift = 0.5 * sigma / np.sqrt(np.maximum(season, 1))
    linear = np.cumsum(hold(breaks, slopes), axis=0) * drift
    size = log_uniform(rng, 0.1, 2.0, count) * rng.choice([-1, 1], count, p=[0.35, 0.65])
    width = log_uniform(rng, 3, 40, count)
    logistic = size / (1 + np.exp(-np.clip((t - rng.uniform(0, length, count)) / width, -40, 40)))
    saturating = size * (1 - np.exp(-t / (width * 2)))
    walk = np.cumsum(sigma * rng.standard_normal((length, count)), axis=0)
    line = t * (slopes[0] * drift)
    kind = rng.choice(6, count, p=[0.25, 0.08, 0.07, 0.15, 0.25, 0.2])
    return np.asarray(np.choose(kind, [linear, logistic, saturating, walk, np.zeros_like(walk), line]))


def _amplitudes(rng: np.random.Generator, trend: FloatArray) -> FloatArray:
    """Factor of the season over time: constant, growing with the level, or a slow random walk; (length, count)."""
    length, count = trend.shape
    grow = np.exp(np.clip(trend - trend[0], -2, 2) * rng.uniform(-0.5, 1, count))
    steps = log_uniform(rng, 0.002, 0.05, count) * rng.standard_normal((length, count))
    walk = np.exp(np.clip(np.cumsum(steps, axis=0), -2, 2))
    return np.asarray(np.choose(rng.choice(3, count, p=[0.4, 0.3, 0.3]), [np.ones_like(trend), grow, walk]))


def calendar_profiles(rng: np.random.Generator, count: int) -> FloatArray:
    """Draw monthly profiles of the calendar: lengths of months, one month that peaks, holidays; (12, count).

    >>> calendar_profiles(np.random.default_rng(0), 2).shape
    (12, 2)
    """
    month = np.arange(12)[:, None]
    days = np.log(MONTH_DAYS / MONTH_DAYS.mean())[:, None] * rng.uniform(0, 10, count) * chance(rng, 0.6, count)
    peak = 2.5 * (month == rng.choice(12, count, p=np.r_[np.full(11, 0.05), 0.45])) * chance(rng, 0.6, count)
    dip = -1.5 * (month == rng.choice([1, 6, 7], count)) * chance(rng, 0.5, count)
    profile = days + peak + dip + 0.2 * rng.standard_normal((12, count))
    profile -= profile.mean(axis=0)
    return np.asarray(profile / profile.std(axis=0))
