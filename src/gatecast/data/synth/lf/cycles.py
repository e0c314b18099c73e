"""Cycles that no calendar drives: stochastic cycles, predators and prey, maps, limit cycles."""

from __future__ import annotations

import numpy as np

from gatecast._utils.typing import FloatArray, IntArray
from gatecast.data.synth.lf.levels import grow
from gatecast.data.synth.noise import chance, log_uniform
from gatecast.data.synth.shapes import random_profiles, tile

__all__ = ["limit_cycles", "logistic_maps", "predator_prey", "stochastic_cycles"]


def stochastic_cycles(rng: np.random.Generator, count: int, length: int, season: IntArray) -> FloatArray:
    """Make damped cycles that shocks keep alive, next to a season and a slow random walk.

    ``(c, c*)[t] = rho R(2 pi / p) (c, c*)[t-1] + (k, k*)[t]``, period p U(3, 40), damping rho U(0.9, 0.999).

    Source: Harvey 1989, Forecasting, Structural Time Series Models and the Kalman Filter.
    """
    period, rho = rng.uniform(3, 40, count), rng.uniform(0.9, 0.999, count)
    turn = rho * np.exp(2j * np.pi / period)
    shock = np.sqrt(1 - rho**2) * (rng.standard_normal((length, count)) + 1j * rng.standard_normal((length, count)))
    state = np.exp(2j * np.pi * rng.random(count))
    cycle = np.empty((length, count))
    for t in range(length):
        state = turn * state + shock[t]
        cycle[t] = state.real
    walk = np.cumsum(rng.standard_normal((length, count)), axis=0) * log_uniform(rng, 0.01, 0.2, count)
    noise = rng.standard_normal((length, count)) * log_uniform(rng, 0.02, 0.5, count)
    return grow(rng, (cycle + walk + noise + _season(rng, length, season)) * log_uniform(rng, 0.05, 0.6, count), season)


def predator_prey(rng: np.random.Generator, count: int, length: int, season: IntArray) -> FloatArray:
    """Make the prey of a noisy predator-prey system: sharp peaks, long troughs.

    ``d ln x = (a (1 - x / K) - b y) dt + sigma dW``, ``d ln y = (c x - d) dt + sigma dW``, Euler steps with a time
    scale such that a cycle takes U(5, 20) steps.

    Source: Lotka 1925, Elements of Physical Biology; Volterra 1926; noise in growth rates: May 1973.
    """
    step = 2 * np.pi / rng.uniform(5, 20, count) / 4
    sigma, capacity = log_uniform(rng, 0.03, 0.3, count), log_uniform(rng, 5, 50, count)
    x, y = rng.normal(0, 0.7, (2, count))
    z = np.empty((length, count))
    shock = sigma * np.sqrt(step) * rng.standard_normal((4 * length, 2, count))
    for t in range(4 * length):
        prey, predator = np.exp(np.clip(x, -6, 4)), np.exp(np.clip(y, -6, 4))
        x = x + step * (1 - prey / capacity - predator) + shock[t, 0]
        y = y + step * (prey - 1) * 0.9 + shock[t, 1]
        z[t // 4] = x
    z = np.clip(z, -6, 4) * log_uniform(rng, 0.2, 1.0, count)
    return grow(rng, z + log_uniform(rng, 0.01, 0.1, count) * _season(rng, length, season), season)


def logistic_maps(rng: np.random.Generator, count: int, length: int, season: IntArray) -> FloatArray:
    """Make noisy logistic maps, whose next step is known and whose tenth is not.

    ``x[t+1] = r x[t] (1 - x[t])``, r U(3.3, 4), observed with noise of 0 to 10 %, next to a season and a slow random
    walk.

    Source: May 1976, Simple mathematical models with very complicated dynamics.
    """
    r, x = rng.uniform(3.3, 4.0, count), rng.uniform(0.2, 0.8, count)
    z = np.empty((length, count))
    for t in range(length):
        x = np.clip(r * x * (1 - x), 1e-6, 1 - 1e-6)
        z[t] = x
    z += rng.uniform(0, 0.1, count) * rng.standard_normal((length, count))
    z += np.cumsum(rng.standard_normal((length, count)), axis=0) * log_uniform(rng, 0.005, 0.1, count)
    return grow(rng, (z + 0.3 * _season(rng, length, season)) * log_uniform(rng, 0.1, 1.0, count), season)


def limit_cycles(rng: np.random.Generator, count: int, length: int, season: IntArray) -> FloatArray:
    """Make noisy van der Pol oscillators: from sine waves to relaxation cycles.

    ``dx = y dt``, ``dy = (mu (1 - x^2) y - x) dt + sigma dW``, mu logU(0.1, 4), a cycle in U(4, 30) steps.

    Source: van der Pol 1926, On relaxation-oscillations.
    """
    mu, sigma = log_uniform(rng, 0.1, 4, count), log_uniform(rng, 0.02, 0.5, count)
    # A cycle takes about 2 pi + 0.9 mu units of time.
    step = (2 * np.pi + 0.9 * mu) / rng.uniform(4, 30, count) / 8
    x, y = rng.normal(0, 1, (2, count))
    z = np.empty((length, count))
    shock = sigma * np.sqrt(step) * rng.standard_normal((8 * length, count))
    for t in range(8 * length):
        y = np.clip(y + step * (mu * (1 - x * x) * y - x) + shock[t], -8, 8)
        x = np.clip(x + step * y, -4, 4)
        z[t // 8] = x
    walk = np.cumsum(rng.standard_normal((length, count)), axis=0) * log_uniform(rng, 0.01, 0.1, count)
    return grow(rng, (z + walk + 0.5 * _season(rng, length, season)) * log_uniform(rng, 0.05, 0.5, count), season)


def _season(rng: np.random.Generator, length: int, season: IntArray) -> FloatArray:
    """A season of unit size for half of the series; (length, count)."""
    return tile(random_profiles(rng, season), season, length) * chance(rng, 0.5, len(season))
