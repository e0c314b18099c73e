"""Windows: what a network sees of a series at an origin, and what it is to say about the steps after it.

Letters: n points, L look-back (`input_size`), h horizon, K of its steps that are predicted, F inputs an origin,
T origins in a crop, N crops.

An origin is the index of the last value that may be seen. Its window is the last L values minus the level at the
origin, divided by one scale of the series: so a network learns shapes, wherever the series stands. The level is an
exponential moving average whose weight the training part chooses: the last value itself for a random walk, almost the
mean for noise. Everything an origin's
inputs are made of lies at or before the origin; the statistics in a `Frame` come from the part given to
`fit_frame`, which is the training part.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

__all__ = ["Frame", "Plan", "crop_starts", "fit_frame", "inputs", "look_back", "make_plan", "steps_ahead", "targets"]

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

LEVEL_WEIGHTS = (1.0, 0.7, 0.5, 0.35, 0.2, 0.1, 0.05)
"""Weights of the newest value that are tried for the level, the most responsive first."""

DIRECT_STEPS = 24
"""Steps that are predicted one by one; of a longer horizon as many are chosen, and the others interpolated."""


class Plan(NamedTuple):
    """What does not depend on the data."""

    input_size: int
    """L."""
    horizon: int
    """h."""
    steps: tuple[int, ...]
    """The K steps that the network predicts, from 1 to h."""


class Frame(NamedTuple):
    """Statistics of the training part."""

    scale: float
    """Mean absolute difference of neighbours: the unit of the windows."""
    centre: float
    """Median."""
    spread: float
    """Standard deviation."""
    weight: float
    """Weight of the newest value in the level."""


def look_back(season: int, n: int) -> int:
    """A window length: 12, or a season if that is no longer than 24; at most a third of the points.

    What lies before the window is the business of the network's memory; longer windows did worse on validation tails
    (docs/accuracy.md).

    >>> look_back(season=12, n=144), look_back(season=1, n=30), look_back(season=24, n=9000)
    (12, 10, 24)
    """
    wanted = max(12, season if season <= 24 else 0)
    return max(2, min(wanted, max(8, n // 3), n - 1))


def steps_ahead(horizon: int, count: int = DIRECT_STEPS) -> tuple[int, ...]:
    """The steps that a network predicts: all of a short horizon; of a long one, near steps densely, far ones less.

    >>> steps_ahead(4)
    (1, 2, 3, 4)
    >>> steps_ahead(336, count=10)
    (1, 2, 3, 4, 8, 18, 37, 77, 161, 336)
    """
    if horizon <= count:
        return tuple(range(1, horizon + 1))
    dense = count // 4 + 1
    far = np.geomspace(dense + 1, horizon, count - dense)
    return tuple(int(step) for step in np.unique(np.concatenate([np.arange(1, dense + 1), np.round(far)])))


def make_plan(horizon: int, season: int, n: int, input_size: int | None = None) -> Plan:
    """A plan for a series of n points.

    >>> make_plan(2, season=1, n=100)
    Plan(input_size=12, horizon=2, steps=(1, 2))
    """
    return Plan(input_size or look_back(season, n), horizon, steps_ahead(horizon))


def fit_frame(values: Floats, plan: Plan) -> Frame:
    """Statistics of a training part.

    Args:
        values: (n,), NaN where missing; at least two observed.
        plan: Gives the steps over which the level is to be a good forecast.

    >>> fit_frame(np.array([1.0, 3.0, np.nan, 5.0]), Plan(2, 1, (1,)))
    Frame(scale=2.0, centre=3.0, spread=1.632993161855452, weight=1.0)
    """
    seen = values[np.isfinite(values)]
    scale = float(np.mean(np.abs(np.diff(seen))))
    spread = float(np.std(seen))
    weight = min(LEVEL_WEIGHTS, key=lambda weight: _level_error(values, plan, weight))
    return Frame(scale or 1.0, float(np.median(seen)), spread or 1.0, weight)


def inputs(values: Floats, plan: Plan, frame: Frame, origins: Integers) -> tuple[npt.NDArray[np.float32], Floats]:
    """What a network sees at each origin: L normalised values, and where the level lies in the series' range.

    ``x[j] = (values[origin - L + 1 + j] - level) / scale``, ``x[L] = 2 tanh((level - centre) / (1.5 spread))``

    Args:
        values: (n,). NaN is replaced by the last value before it; what lies before the first by the first.
        plan: Gives L.
        frame: Statistics of the training part.
        origins: (m,) indices into values.

    Returns:
        x (m, L + 1) float32 and the levels (m,).

    >>> x, level = inputs(np.array([1.0, 2.0, 3.0]), Plan(2, 1, (1,)), Frame(1.0, 2.0, 1.0, 0.5), np.array([2]))
    >>> x.astype(float).round(2).tolist(), level.tolist()
    ([[-0.25, 0.75, 0.33]], [2.25])
    """
    filled = _carry_forward(values)
    at = origins[:, None] + np.arange(1 - plan.input_size, 1)
    window = filled[np.maximum(at, 0)]
    level = _levels(filled, frame.weight)[origins]
    place = 2 * np.tanh((level - frame.centre) / (1.5 * frame.spread))
    x = np.concatenate([(window - level[:, None]) / frame.scale, place[:, None]], axis=1)
    return x.astype(np.float32), level


def targets(
    values: Floats, plan: Plan, frame: Frame, origins: Integers, level: Floats, within: tuple[int, int]
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """What a network is to say at each origin, in the unit of its window, and which of it counts.

    Args:
        values: (n,), NaN where missing.
        plan: Gives the K steps.
        frame: Statistics of the training part.
        origins: (m,).
        level: (m,) as given by `inputs`.
        within: Targets count if begin <= index < end: what is outside is never looked at.

    Returns:
        y (m, K) float32, 0 where it does not count, and weights (m, K) of 0 and 1.

    >>> origins, level = np.array([1, 2]), np.zeros(2)
    >>> y, w = targets(np.arange(4.0), Plan(2, 2, (1, 2)), Frame(1, 0, 1, 1), origins, level, (0, 4))
    >>> y.tolist(), w.tolist()
    ([[2.0, 3.0], [3.0, 0.0]], [[1.0, 1.0], [1.0, 0.0]])
    """
    at = origins[:, None] + np.array(plan.steps)
    begin, end = within
    inside = (at >= begin) & (at < end)
    value = values[np.where(inside, at, 0)]
    counts = inside & np.isfinite(value)
    y = np.where(counts, (value - level[:, None]) / frame.scale, 0.0)
    return y.astype(np.float32), counts.astype(np.float32)


def crop_starts(origins: int, length: int, count: int) -> Integers:
    """Starts of `count` crops that cover a run of origins evenly, both ends included.

    >>> crop_starts(origins=10, length=4, count=3).tolist()
    [0, 3, 6]
    """
    return np.round(np.linspace(0, origins - length, count)).astype(np.int64)


def _levels(filled: Floats, weight: float) -> Floats:
    """Exponential moving average, ``level[t] = weight x[t] + (1 - weight) level[t-1]``, from the first value on."""
    if weight == 1:
        return filled
    level, levels = float(filled[0]), []
    for value in filled.tolist():
        level += weight * (value - level)
        levels.append(level)
    return np.array(levels)


def _level_error(values: Floats, plan: Plan, weight: float) -> float:
    """Mean absolute error of the level as a forecast of the steps of the plan."""
    levels = _levels(_carry_forward(values), weight)
    errors = [np.abs(values[step:] - levels[:-step]) for step in plan.steps if step < len(values)]
    return float(np.nanmean(np.concatenate(errors)))


def _carry_forward(values: Floats) -> Floats:
    """NaN replaced by the last value before it; before the first value, by the first."""
    seen = np.isfinite(values)
    last = np.maximum.accumulate(np.where(seen, np.arange(len(values)), -1))
    return values[np.where(last < 0, np.argmax(seen), last)]
