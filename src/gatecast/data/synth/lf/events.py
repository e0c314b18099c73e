"""Events on top of other series: steps, ramps, pulses, decays, repaired runs and limits."""

from __future__ import annotations

import numpy as np

from gatecast._utils.typing import FloatArray, IntArray
from gatecast.data.synth.lf.base import base_series
from gatecast.data.synth.noise import chance, log_uniform

__all__ = ["add_events", "interventions", "repaired"]


def interventions(rng: np.random.Generator, count: int, length: int, season: IntArray) -> FloatArray:
    """Make series with one to four steps, ramps, pulses or decays.

    ``y[t] = base[t] exp(sum_k a_k shape_k(t - t_k))``, a_k of U(1, 6) usual changes of the series, upward in half.

    Source: Box & Tiao 1975, Intervention analysis; Fox 1972 (kinds of outliers).
    """
    return add_events(rng, base_series(rng, count, length, season))


def add_events(rng: np.random.Generator, y: FloatArray) -> FloatArray:
    """Multiply positive series by one to four events each; (count, length).

    >>> add_events(np.random.default_rng(0), np.ones((2, 9))).shape
    (2, 9)
    """
    count, length = y.shape
    change = np.abs(np.diff(np.log(y), axis=1)).mean(axis=1) if length > 1 else np.zeros(count)
    effect = np.zeros(y.shape)
    wanted = rng.integers(1, 5, count)
    for k in range(4):
        lag = np.arange(length) - rng.integers(0, length, (count, 1))
        width = log_uniform(rng, 1, max(2, length / 4), (count, 1))
        after = lag >= 0
        decay = after * np.exp(-np.maximum(lag, 0) / width)
        shapes = [after, np.clip(lag / width, 0, 1), after & (lag < width / 3 + 1), decay]
        kind = rng.integers(0, 4, (count, 1))
        size = rng.uniform(1, 6, count) * change * rng.choice([-1, 1], count) * (k < wanted)
        effect += np.minimum(np.maximum(size, -1.5), 1.5)[:, None] * np.choose(kind, shapes)
    return y * np.exp(effect)


def repaired(rng: np.random.Generator, count: int, length: int, season: IntArray) -> FloatArray:
    """Make series with runs that somebody filled in or a limit cut off.

    A third each: one to three runs joined by a line, or held at their first value; the top cut off at a quantile
    U(0.7, 0.98).

    Source: van Buuren 2018, Flexible Imputation of Missing Data (last observation carried forward, interpolation);
    Tobin 1958 (censoring).
    """
    y = base_series(rng, count, length, season)
    kind = rng.integers(0, 3, count)
    for k in range(3):
        start = rng.integers(0, length, count)
        end = np.minimum(start + 1 + rng.geometric(0.25, count), length - 1)
        lag = (np.arange(length) - start[:, None]) / np.maximum(end - start, 1)[:, None]
        first, last = (np.take_along_axis(y, i[:, None], axis=1) for i in (start, end))
        line = first + np.clip(lag, 0, 1) * (last - first) * (kind == 0)[:, None]
        inside = (lag >= 0) & (lag < 1) & (kind < 2)[:, None] & chance(rng, 1.0 if k == 0 else 0.4, (count, 1))
        y = np.where(inside, line, y)
    cut = np.flatnonzero(kind == 2)
    if len(cut):
        rank = np.clip((rng.uniform(0.7, 0.98, len(cut)) * length).astype(int), 0, length - 1)
        top = np.take_along_axis(np.sort(y[cut], axis=1), rank[:, None], axis=1)
        y[cut] = np.minimum(y[cut], top)
    return y
