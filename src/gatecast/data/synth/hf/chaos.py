"""Deterministic chaos: the near future is known, the far one is not."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import numpy as np

from gatecast._utils.typing import FloatArray, IntArray
from gatecast.data.synth.hf.levels import any_scale, standardise

__all__ = ["chaotic_flows", "coupled_maps"]

BURN_IN = 60


def chaotic_flows(
    rng: np.random.Generator, count: int, length: int, season: IntArray, long_season: IntArray
) -> FloatArray:
    """Make Lorenz, Roessler and forced Duffing systems, observed with noise of 0 to 5 %.

    Lorenz: ``x' = 10 (y - x)``, ``y' = x (r - z) - y``, ``z' = x y - 8 / 3 z``, r U(26, 40). Roessler: ``x' = -y - z``,
    ``y' = x + a y``, ``z' = 0.2 + z (x - c)``, a U(0.1, 0.25), c U(4, 7). Duffing: ``x'' = x - x^3 - 0.3 x' + g
    cos(1.2 t)``, g U(0.37, 0.6). The first coordinate, from Runge-Kutta steps of second order, slowed down to a speed
    of U(0.3, 1).

    Source: Lorenz 1963; Roessler 1976, An equation for continuous chaos; Duffing 1918, Moon & Holmes 1979.
    """
    del season, long_season
    kind = rng.integers(0, 3, count)
    y = np.empty((length, count))
    for i, flow in enumerate((_lorenz, _roessler, _duffing)):
        columns = np.flatnonzero(kind == i)
        if len(columns):
            y[:, columns] = flow(rng, len(columns), length)
    time = np.arange(length)[:, None] * rng.uniform(0.3, 1, count)
    low = time.astype(np.int64)
    one, two = (np.take_along_axis(y, np.minimum(low + k, length - 1), axis=0) for k in (0, 1))
    y = standardise(one + (time - low) * (two - one))
    return any_scale(rng, y + rng.uniform(0, 0.05, count) * rng.standard_normal((length, count)))


Slope: TypeAlias = Callable[[FloatArray, FloatArray], None]
"""Writes the derivative of a state (dimensions, count) into its second argument."""


def _integrate(state: FloatArray, step: float, slope: Slope, length: int) -> FloatArray:
    """The first coordinate of a flow at every step, after some steps towards the attractor."""
    path = np.empty((length, state.shape[1]))
    change = np.empty_like(state)
    for t in range(-BURN_IN, length):
        slope(state, change)
        slope(state + 0.5 * step * change, change)
        state = state + step * change
        if t >= 0:
            path[t] = state[0]
    return path


def _lorenz(rng: np.random.Generator, count: int, length: int) -> FloatArray:
    """The first coordinate of Lorenz systems."""
    r = rng.uniform(26, 40, count)

    def slope(s: FloatArray, out: FloatArray) -> None:
        x, y, z = s
        np.multiply(10, y - x, out=out[0])
        np.subtract(x * (r - z), y, out=out[1])
        np.subtract(x * y, 8 / 3 * z, out=out[2])

    return _integrate(rng.normal(0, 5, (3, count)) + np.array([[0], [0], [25]]), 0.015, slope, length)


def _roessler(rng: np.random.Generator, count: int, length: int) -> FloatArray:
    """The first coordinate of Roessler systems."""
    a, c = rng.uniform(0.1, 0.25, count), rng.uniform(4, 7, count)

    def slope(s: FloatArray, out: FloatArray) -> None:
        x, y, z = s
        np.subtract(-y, z, out=out[0])
        np.add(x, a * y, out=out[1])
        np.add(0.2, z * (x - c), out=out[2])

    return _integrate(rng.uniform(-2, 2, (3, count)), 0.1, slope, length)


def _duffing(rng: np.random.Generator, count: int, length: int) -> FloatArray:
    """The position of forced Duffing oscillators; the third coordinate is the time."""
    force = rng.uniform(0.37, 0.6, count)

    def slope(s: FloatArray, out: FloatArray) -> None:
        x, speed, time = s
        out[0] = speed
        np.add(x - x * x * x - 0.3 * speed, force * np.cos(1.2 * time), out=out[1])
        out[2] = 1

    return _integrate(rng.normal(0, 0.7, (3, count)), 0.1, slope, length)


def coupled_maps(
    rng: np.random.Generator, count: int, length: int, season: IntArray, long_season: IntArray
) -> FloatArray:
    """Make the mean of a few coupled logistic maps, each of which turns at every step.

    ``x_i[t+1] = (1 - c) f(x_i[t]) + c mean_j f(x_j[t])``, ``f(x) = r x (1 - x)``, r U(3.6, 4), coupling c U(0, 0.4),
    of four maps.

    Source: Kaneko 1984, Period-doubling of kink-antikink patterns (coupled map lattices).
    """
    del season, long_season
    r, coupling = rng.uniform(3.6, 4.0, count), rng.uniform(0, 0.4, count)
    x = rng.uniform(0.1, 0.9, (4, count))
    y = np.empty((length, count))
    for t in range(length):
        f = r * x * (1 - x)
        x = (1 - coupling) * f + coupling * f.mean(axis=0)
        y[t] = x[0]
    return any_scale(rng, standardise(y))
