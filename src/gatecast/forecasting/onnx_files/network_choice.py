"""Which pretrained network forecasts a series, and with which seasons, as operators: `pretrained.choice`.

Shapes: B series, T columns.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from gatecast.forecasting.base import Task
from gatecast.forecasting.onnx_files.series import SeriesInput, count, numbers_along, observed_total
from gatecast.forecasting.own_seasons import MIN_GAIN, N_CYCLES, clock_seasons
from gatecast.forecasting.pretrained.choice import (
    DAYS_PER_WEEK,
    DAYS_PER_YEAR,
    MAX_ERROR,
    MAX_LF_SEASON,
    MIN_CYCLES,
    day_and_week,
    high_seasons,
)
from gatecast.nn.onnx_files import operations as op
from gatecast.nn.onnx_files.builder import Value

__all__ = ["GraphChoice", "choose_networks", "low_seasons", "season_pairs"]


class GraphChoice(NamedTuple):
    """For each series, the network and its seasons, [B] each."""

    is_hf: Value
    season: Value
    long: Value


def season_pairs(task: Task) -> list[tuple[int, int]]:
    """Return all pairs of seasons that the network of high frequency may read; the longer one is 0 for none.

    >>> len(season_pairs(Task(24, 24))), season_pairs(Task(7, 7))
    (41, [(7, 0), (7, 365)])
    """
    high = high_seasons(task)
    if not high:
        return []
    base, longest = day_and_week(high)
    seasons = sorted({base, *high})
    return [
        (m, long)
        for m in sorted({*seasons, *clock_seasons(seasons).tolist()})
        for long in ((longest,) if longest > m else (0, DAYS_PER_YEAR) if m == DAYS_PER_WEEK else (0,))
    ]


def low_seasons(task: Task, *, only_low: bool) -> list[int]:
    """Return all seasons that series of the network of low frequency may have.

    Args:
        task: Its seasons are candidates.
        only_low: Whether all series have this network. Otherwise those do that are shorter than two of the shortest
            seasons of high frequency; and what no series holds twice, none but the first candidate has.

    >>> low_seasons(Task(6, 12), only_low=True), low_seasons(Task(6, 24), only_low=True)[-1]
    ([12], 48)
    >>> low_seasons(Task(6, 24), only_low=False)[-3:]
    [22, 23, 24]
    """
    low = _low_candidates(task)
    seasons = {*low, *clock_seasons(low).tolist()} if max(low) > 1 else {1}
    high = high_seasons(task)
    if high and not only_low:
        base, _ = day_and_week(high)
        seasons = {m for m in seasons if m < base or m == low[0]}
    return sorted({m if m <= MAX_LF_SEASON else 1 for m in seasons})


def _candidates(task: Task) -> tuple[int, ...]:
    """Return the seasons of a task."""
    return task.seasons or (task.season_length,)


def _low_candidates(task: Task) -> list[int]:
    """Return the seasons of a task that the network of low frequency knows."""
    return [m for m in _candidates(task) if m <= MAX_LF_SEASON] or [1]


def choose_networks(series: SeriesInput, task: Task, *, only_low: bool) -> GraphChoice:
    """Choose for each series.

    Args:
        series: The series.
        task: Its seasons are candidates.
        only_low: Whether all have the network of low frequency.
    """
    values = series.values
    low = _own_season(values, _low_candidates(task), 0).season
    low = op.where(low <= MAX_LF_SEASON, low, 1)
    none = 0 * low
    high = high_seasons(task)
    if only_low or not high:
        return GraphChoice(none > 0, low, none)
    base, longest = day_and_week(high)
    chosen = _own_season(values, sorted({base, *high}), MIN_CYCLES * max(base, longest))
    is_better = chosen.error < MAX_ERROR * _season_error(values, base, MIN_CYCLES * max(base, longest))
    is_multiple = values.builder.op("Mod", chosen.season, base).equals(0)
    season = op.where(is_multiple | ~is_better, base, chosen.season)
    length = series.derive("length", lambda: _length(series))
    is_hf = length >= MIN_CYCLES * op.maximum(season, base)
    year = op.where(season.equals(DAYS_PER_WEEK) & (length >= MIN_CYCLES * DAYS_PER_YEAR), none + DAYS_PER_YEAR, none)
    long = op.where(is_hf, op.where(season < longest, none + longest, year), none)
    return GraphChoice(is_hf, op.where(is_hf, season, low), long)


def _length(series: SeriesInput) -> Value:
    """Return the columns from the first value on, [B] int64."""
    steps = op.cast(numbers_along(series.values, 1), np.float64)
    n_steps = op.cast(series.n_steps, np.float64)
    first = op.reduce_min(op.where(op.is_finite(series.values), steps, n_steps), 1)
    return op.cast(n_steps - first, np.int64)


class _OwnSeason(NamedTuple):
    """The season that repeats best, and the mean change over it among the newest values, [B]."""

    season: Value
    error: Value


def _own_season(values: Value, candidates: Sequence[int], n_newest: int) -> _OwnSeason:
    """Return the season of each series, and the mean change over it of its newest changes.

    Args:
        values: [B, T].
        candidates: Seasons of the calendar.
        n_newest: Changes that the error is of; 0: no error is needed.
    """
    builder = values.builder
    first = op.full(values, [], float(candidates[0]), np.float64)
    extra = clock_seasons(candidates)
    seasons = np.array([*candidates, *extra.tolist()], np.int64)
    unknown = op.full(values, [], np.inf, np.float64)
    error = _season_error(values, candidates[0], n_newest) if n_newest else unknown
    if max(candidates) == 1 or len(seasons) == 1:
        return _OwnSeason(op.cast(first, np.int64), error)
    handicaps = np.array([1.0] * len(candidates) + [1 / (1 - MIN_GAIN)] * len(extra))
    n_values = N_CYCLES * max(candidates)
    with builder.body() as body:
        best, chosen, of_chosen = (builder.body_input(np.float64) for _ in range(3))
        m, handicap = (builder.body_input(dtype, batch=False) for dtype in (np.int64, np.float64))
        season = op.expand_dims(m, 0)
        change = op.slice_of(_changes(values, season), 1, -n_values)
        n = count(op.is_finite(change))
        mean = observed_total(op.is_finite(change), change) / op.maximum(n, 1) * handicap
        required = op.cast(op.minimum(season, n_values), np.float64)
        better = (mean < best) & (n >= required)
        builder.body_output(op.where(better, mean, best))
        builder.body_output(op.where(better, op.cast(season, np.float64), chosen))
        newest = _season_error(values, season, n_newest) if n_newest else of_chosen
        builder.body_output(op.where(better, newest, of_chosen))
    _, chosen, error = builder.ops(
        "Scan",
        3,
        unknown,
        first,
        error,
        builder.constant(seasons),
        builder.constant(handicaps),
        dtype=np.float64,
        body=body,
        num_scan_inputs=2,
    )
    return _OwnSeason(op.cast(chosen, np.int64), error)


def _changes(values: Value, m: Value | int) -> Value:
    """Return the absolute changes over a season, [B, T - m]."""
    return op.absolute(op.slice_of(values, 1, m) - op.slice_of(values, 1, 0, -m))


def _season_error(values: Value, m: Value | int, n_newest: int) -> Value:
    """Return the mean of the newest changes over a season, [B]; infinite where there is no column of them."""
    change = op.slice_of(_changes(values, m), 1, -n_newest)
    known = op.is_finite(change)
    mean = observed_total(known, change) / op.maximum(count(known), 1)
    return op.where(op.size_of(values, 1) > m, mean, np.inf)
