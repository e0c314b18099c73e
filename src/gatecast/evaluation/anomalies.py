"""Anomalies: past values outside the intervals of forecasts that had not seen them.

Every value is forecast from the newest origin before it. After an event, a value far outside, the forecast is that from
before it, a few steps ahead: what follows an event is not judged by a forecast that it misled. All is done twice, the
second time with the events of the first missing from the past.

Intervals are calibrated with the errors of the second forecasts, at levels up to 90 %, which a few anomalies hardly
move; beyond, they grow as fast as from 80 to 90 %, at least as fast as those of a normal distribution. Where the errors
are few, new values are judged by what `fit` measured, and those of `fit` by intervals of 80 % that grow.

Shapes: n_series series, T times, n_origins origins, h steps, Q quantiles.

Source: conformal anomaly detection (Laxhammar & Falkman 2014), with the margins of `conformal`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from statistics import NormalDist
from typing import NamedTuple

import numpy as np

from gatecast._utils.typing import BoolArray, FloatArray, IntArray
from gatecast.evaluation.bounds import hold_constants
from gatecast.evaluation.calibration import ConformalCalibrator, margins_of, with_ensemble
from gatecast.evaluation.conformal import fit_margins, half_widths
from gatecast.evaluation.past_forecasts import MIN_PAST, series_unit
from gatecast.forecasting.context import PanelContext
from gatecast.forecasting.ensemble import FittedEnsemble

__all__ = ["CALIBRATED", "EVENT_LEVEL", "JUDGED", "MAX_RUN", "PastIntervals", "anomaly_widths", "find_anomalies"]

CALIBRATED = (80.0, 90.0)
"""Levels whose margins are fitted; those of higher levels follow from them."""

JUDGED = ("score", "is_anomaly")
"""Columns of what was judged, next to values and intervals."""

POWERS = (1.0, 1.6)
"""Of the growth of half-widths with the normal score of the level, at least and at most."""

EVENT_LEVEL = 99.8
"""Values outside these intervals are events, which do not count as the past of others, whatever level is asked for."""

MAX_RUN = 3
"""Events in a row, at most: more are a new level."""

MAX_VALUES = 20_000_000
"""Past values of all origins together: of large panels and long series not every time is an origin."""

MIN_ROWS = 80
"""Series at origins whose errors say how wide intervals of 90 % are, at least: of fewer, an anomaly widens its own."""

MIN_NARROW_ROWS = 20
"""The same for intervals of 80 %, from which wider ones then grow as those of a normal distribution do."""

BATCH_VALUES = 4_000_000
"""Past values of the origins that are forecast at a time."""


class PastIntervals(NamedTuple):
    """Forecasts of past values with their intervals, [n_series, T] each; NaN where there is no forecast.

    Args:
        median: Forecast.
        low: Lower bound.
        high: Upper bound.
        score: Distance of the value from the forecast in half-widths of that side: below -1 or above 1 is an anomaly.
    """

    median: FloatArray
    low: FloatArray
    high: FloatArray
    score: FloatArray

    @property
    def is_anomaly(self) -> BoolArray:
        """Whether each value is outside its interval."""
        return np.asarray(np.abs(self.score) > 1)


def find_anomalies(
    calibrator: ConformalCalibrator, ensemble: FittedEnsemble, context: PanelContext, level: float, n_newest: int
) -> PastIntervals:
    """Judge the newest values of series.

    Args:
        calibrator: Weights of the models.
        ensemble: Models that have not seen these values, or that are fitted anew wherever they forecast.
        context: The series.
        level: Level of the intervals, in percent.
        n_newest: Values of each series to judge, as far as enough precede them.
    """
    offsets = _origins(context, ensemble.task.horizon, ensemble.task.seasons, n_newest)
    values = context.values
    if not len(offsets):
        return PastIntervals(*np.full((4, *values.shape), np.nan))
    # Values that `fit` has not seen are judged by what it measured; its own would be judged by themselves.
    is_new = calibrator.measured and n_newest < int(np.isfinite(values).sum(axis=1).max(initial=0))
    judge = _Judge(calibrator, ensemble, context, offsets)
    known = judge.known_margins(level) if is_new else judge.fit_margins(values, level)
    first, is_event = judge.judge(values, level, known)
    is_event &= _run_lengths(is_event) <= MAX_RUN
    if not is_event.any():
        return first if not is_new else judge.judge(values, level, judge.fit_margins(values, level, known))[0]
    # What an event was followed by errs more, and is wider, than without it: margins are those of the cleaned past.
    without = np.where(is_event, np.nan, values)
    cleaned = _Judge(calibrator, ensemble, context.with_values(without), offsets)
    return cleaned.judge(values, level, cleaned.fit_margins(without, level, known if is_new else None))[0]


def _origins(context: PanelContext, horizon: int, seasons: tuple[int, ...], n_newest: int) -> IntArray:
    """Return how many values follow each origin, the most first: as many origins as can be afforded."""
    longest = int(np.isfinite(context.values).sum(axis=1).max(initial=0))
    oldest = min(n_newest, longest - max(2 * max(seasons, default=1), MIN_PAST))
    if oldest < 1:
        oldest = min(n_newest, max(longest - MIN_PAST, 0))
    affordable = max(MAX_VALUES // max(context.values.size, 1), 1)
    step = int(np.clip(-(-oldest // affordable), 1, horizon))
    return np.arange(oldest, 0, -step)[-affordable:]


def _run_lengths(is_anomaly: BoolArray) -> IntArray:
    """Return for each value how many anomalies in a row it is one of, [n_series, T]; 0 for others."""
    before, after = np.zeros((2, *is_anomaly.shape), np.int64)
    T = is_anomaly.shape[1]
    for t in range(T):
        before[:, t] = np.where(is_anomaly[:, t], (before[:, t - 1] if t else 0) + 1, 0)
        k = T - 1 - t
        after[:, k] = np.where(is_anomaly[:, k], (after[:, k + 1] if t else 0) + 1, 0)
    return np.asarray(np.maximum(before + after - 1, 0))


class _Judge:
    """Forecasts from past origins, to judge values by.

    Args:
        calibrator: Weights of the models.
        ensemble: The models.
        context: The series, without the values that are known to be anomalies.
        offsets: Values after each origin, [n_origins], the most first.
    """

    def __init__(
        self, calibrator: ConformalCalibrator, ensemble: FittedEnsemble, context: PanelContext, offsets: IntArray
    ) -> None:
        self.calibrator, self.task, self.offsets = calibrator, ensemble.task, offsets
        n_series, T = context.values.shape
        size = max(BATCH_VALUES // max(context.values.size, 1), 1)
        batches = [offsets[k : k + size] for k in range(0, len(offsets), size)]
        parts = [_forecast(calibrator, ensemble, context, batch) for batch in batches]
        shape = (len(offsets), n_series, ensemble.task.horizon, len(ensemble.task.quantiles))
        self.quantiles: FloatArray = np.concatenate([part[0] for part in parts]).reshape(shape)
        self.unit: FloatArray = np.concatenate([part[1] for part in parts]).reshape(shape[:2])
        # The time of the newest value that each origin knows.
        self.newest = T - 1 - offsets

    def judge(
        self, values: FloatArray, level: float, margins: dict[float, FloatArray]
    ) -> tuple[PastIntervals, BoolArray]:
        """Return forecasts and intervals of values [n_series, T], each by the newest origin that no event misled.

        Returns:
            Also which values are events, [n_series, T].
        """
        median, below, above = self._widths(level, margins)
        limits = self._widths(EVENT_LEVEL, margins)[1:]
        is_event = np.zeros(values.shape, bool)
        n_series, T = values.shape
        out = np.full((4, n_series, T), np.nan)
        run, rows = np.zeros(n_series, np.int64), np.arange(n_series)
        for t in range(int(self.newest[0]) + 1, T):
            trusted = np.searchsorted(self.newest, t - 1 - run, side="right") - 1
            latest = int(np.searchsorted(self.newest, t - 1, side="right")) - 1
            step = t - self.newest[np.maximum(trusted, 0)] - 1
            misled = (trusted < 0) | (step >= self.task.horizon) | (run > MAX_RUN)
            origin = np.where(misled, latest, trusted)
            step = t - self.newest[origin] - 1
            forecast, low, high, *limit = (x[origin, rows, step] for x in (median, below, above, *limits))
            distance = values[:, t] - forecast
            with np.errstate(divide="ignore", invalid="ignore"):
                score = np.where(distance == 0, 0.0, distance / np.where(distance < 0, low, high))
            out[:, :, t] = forecast, forecast - low, forecast + high, score
            is_event[:, t] = np.abs(distance) > np.where(distance < 0, *limit)
            run = np.where(np.isnan(score), run, np.where(is_event[:, t], run + 1, 0))
        bounded = self.calibrator.bounds.apply(out[0], [out[1], out[2]], values)
        judged = ~np.isnan(out[3])
        return PastIntervals(*(np.where(judged, x, np.nan) for x in (*bounded, out[3]))), is_event

    def known_margins(self, level: float) -> dict[float, FloatArray]:
        """Return by how much bounds move outward, by level, [h, 2], as `fit` measured it."""
        levels = sorted({*CALIBRATED, min(level, CALIBRATED[-1])})
        return {each: margins_of(self.calibrator, each, self.quantiles.shape[2]) for each in levels}

    def fit_margins(
        self, values: FloatArray, level: float, known: dict[float, FloatArray] | None = None
    ) -> dict[float, FloatArray]:
        """Return by how much bounds move outward, by level, [h, 2], from the errors of these forecasts.

        Where none of them is known, as that of a constant in units of its changes, bounds stay.

        Args:
            values: Those that were forecast, [n_series, T]; NaN does not count.
            level: Level of the intervals.
            known: Margins that hold where there are few errors; None: those of 80 % then tell all.
        """
        n_rows, horizon = self.unit.size, self.quantiles.shape[2]
        if n_rows < MIN_ROWS and known is not None:
            return known
        if n_rows < MIN_NARROW_ROWS and self.calibrator.measured:
            return self.known_margins(level)
        calibrated = CALIBRATED if n_rows >= MIN_ROWS else CALIBRATED[:1]
        levels = sorted({*calibrated, min(level, calibrated[-1])})
        times = self.newest[:, None] + 1 + np.arange(horizon)
        actual = np.where(times < values.shape[1], values[:, np.minimum(times, values.shape[1] - 1)], np.nan)
        actual = actual.transpose(1, 0, 2).reshape(n_rows, horizon)
        quantiles = self.quantiles.reshape(n_rows, horizon, -1)
        margins = fit_margins(quantiles, self.task.quantiles, actual, self.unit.ravel(), np.ones(n_rows), levels)
        return margins or {each: np.zeros((horizon, 2)) for each in levels}

    def _widths(self, level: float, margins: dict[float, FloatArray]) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Return medians and half-widths below and above, [n_origins, n_series, h] each."""
        below, above = anomaly_widths(self.quantiles, self.task.quantiles, self.unit, margins, level)
        return self.quantiles[..., self.quantiles.shape[-1] // 2], below, above


def anomaly_widths(
    quantiles: FloatArray,
    probabilities: Sequence[float],
    unit: FloatArray,
    margins: Mapping[float, FloatArray],
    level: float,
) -> tuple[FloatArray, FloatArray]:
    """Return half-widths below and above of the intervals that values are judged by, [..., h] each.

    Args:
        quantiles: Of forecasts, [..., h, Q].
        probabilities: Of the quantiles.
        unit: Of each forecast, [...].
        margins: By level, [h, 2]; of the levels `CALIBRATED`, or of the first of them.
        level: In percent; above 90 widths follow from those of 80 and 90 %, which a few anomalies hardly move, and
            without those of 90 % from those of 80 % as a normal distribution's do.

    Example:
        >>> margins = {level: np.zeros((1, 2)) for level in CALIBRATED}
        >>> quantiles = np.array([[-1.2816, 0.0, 1.2816]])
        >>> below, above = anomaly_widths(quantiles, (0.1, 0.5, 0.9), np.ones(()), margins, 99)
        >>> below.round(2).tolist(), above.round(2).tolist()
        ([2.58], [2.58])
    """
    scale = np.nan_to_num(unit)[..., None]

    def sides(each: float) -> list[FloatArray]:
        """Return half-widths of a level that was calibrated."""
        widths = half_widths(quantiles, probabilities, each)
        return [np.maximum(widths[k] + margins[each][:, k] * scale, 0) for k in (0, 1)]

    if level in margins:
        below, above = sides(level)
    elif CALIBRATED[-1] not in margins:
        below, above = (side * (_score(level) / _score(CALIBRATED[0])) for side in sides(CALIBRATED[0]))
    else:
        below, above = (_extend(low, high, level) for low, high in zip(*map(sides, CALIBRATED), strict=True))
    return below, above


@cache
def _score(level: float) -> float:
    """Return the normal score of the upper bound of a level."""
    return NormalDist().inv_cdf(0.5 + level / 200)


def _extend(narrow: FloatArray, wide: FloatArray, level: float) -> FloatArray:
    """Return half-widths beyond 90 % from those of 80 and 90 %: a power of the normal score through both.

    >>> _extend(np.array([1.2816]), np.array([1.6449]), 99).round(2).tolist()
    [2.58]
    """
    z = [_score(each) for each in (*CALIBRATED, level)]
    with np.errstate(divide="ignore", invalid="ignore"):
        power = np.log(wide / narrow) / np.log(z[1] / z[0])
    power = np.clip(np.where(np.isfinite(power), power, POWERS[0]), *POWERS)
    return np.asarray(wide * (z[2] / z[1]) ** power)


def _forecast(
    calibrator: ConformalCalibrator, ensemble: FittedEnsemble, context: PanelContext, offsets: IntArray
) -> tuple[FloatArray, FloatArray]:
    """Return the main model's quantiles [n_rows, h, Q] and the units [n_rows] from some origins."""
    past, _ = context.rolling_origins(offsets, ensemble.task.horizon)
    predicted = {name: hold_constants(q, past.values) for name, q in ensemble.predict_quantiles(past).items()}
    unknown = np.full_like(next(iter(predicted.values())), np.nan)
    every = {name: predicted.get(name, unknown) for name in calibrator.weights.shared}
    main = with_ensemble(calibrator, every, past.series)[calibrator.name]
    enough = np.isfinite(past.values).sum(axis=1) >= MIN_PAST
    return np.where(enough[:, None, None], main, np.nan), series_unit(past.values, calibrator.season_length)
