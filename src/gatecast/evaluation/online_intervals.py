"""Intervals of a stream: each new value is judged by the forecasts made before it, and moves the margins.

The newest h forecasts wait for their values. A new value is judged by the newest of them that no event misled, as in
`anomalies`, and then tells for every step ahead whether the interval held it, as in `online_margins`.

Shapes: n series, h steps, Q quantiles.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from gatecast._utils.typing import BoolArray, FloatArray, IntArray
from gatecast.evaluation.anomalies import CALIBRATED, EVENT_LEVEL, MAX_RUN, anomaly_widths
from gatecast.evaluation.calibration import (
    STANDARD_LEVELS,
    ConformalCalibrator,
    margins_of,
    prediction_intervals,
)
from gatecast.evaluation.conformal import half_widths
from gatecast.evaluation.online_margins import track_margins
from gatecast.evaluation.past_forecasts import MIN_PAST, PastForecasts, series_unit

__all__ = ["Judgement", "OnlineIntervals"]


class Judgement(NamedTuple):
    """New values next to what was forecast, [n] each; NaN where there is no value or no forecast.

    Args:
        median: Forecast.
        low: Lower bound.
        high: Upper bound.
        score: Distance of the value from the forecast in half-widths of that side: below -1 or above 1 is an anomaly.
        is_event: Whether the value is so far outside that it misleads what is forecast from it.
    """

    median: FloatArray
    low: FloatArray
    high: FloatArray
    score: FloatArray
    is_event: BoolArray

    @property
    def is_anomaly(self) -> BoolArray:
        """Whether each value is outside its interval."""
        return np.asarray(np.abs(self.score) > 1)


class OnlineIntervals(NamedTuple):
    """The forecasts whose values are still to come, and the margins that follow these values.

    Its arrays are never changed in place.

    Args:
        calibrator: With the margins so far.
        quantiles: Of the newest h forecasts, the newest first, [h, n, h, Q]; NaN where there is none yet.
        unit: Of each series at these origins, [h, n]; NaN where too little preceded it.
        run: Events in a row at the end of each series, [n].
    """

    calibrator: ConformalCalibrator
    quantiles: FloatArray
    unit: FloatArray
    run: IntArray

    @classmethod
    def start(cls, calibrator: ConformalCalibrator, quantiles: FloatArray, values: FloatArray) -> OnlineIntervals:
        """Return the intervals of a first forecast.

        Args:
            calibrator: As it was fitted; one that has measured no error begins with the margins that it assumes.
            quantiles: Of the main model, [n, h, Q].
            values: Past values, [n, T].
        """
        n, h, Q = quantiles.shape
        if not calibrator.measured:
            calibrator = _with_assumed_margins(calibrator, quantiles, values)
        start = cls(calibrator, np.full((h, n, h, Q), np.nan), np.full((h, n), np.nan), np.zeros(n, np.int64))
        return start.push(quantiles, values)

    def push(self, quantiles: FloatArray, values: FloatArray) -> OnlineIntervals:
        """Add the newest forecast; the oldest one is dropped.

        Args:
            quantiles: Of the main model, [n, h, Q].
            values: Past values, [n, T].
        """
        is_long = np.isfinite(values).sum(axis=1) >= MIN_PAST
        unit = np.where(is_long, series_unit(values, self.calibrator.season_length), np.nan)
        return self._replace(
            quantiles=np.concatenate([quantiles[None], self.quantiles[:-1]]),
            unit=np.concatenate([unit[None], self.unit[:-1]]),
        )

    def judge(self, y: FloatArray, values: FloatArray, level: float) -> Judgement:
        """Judge the value after the newest forecast.

        Args:
            y: New values, [n]; NaN is missing.
            values: Past values, [n, T].
            level: Level of the intervals, in percent.
        """
        h, n = self.unit.shape
        rows = np.arange(n)
        # A forecast from an event is misled: the one before it counts, unless there are too many events in a row.
        step = np.where((self.run <= MAX_RUN) & (self.run < h), self.run, 0)
        step = np.where(np.isfinite(self.quantiles[step, rows, step]).all(axis=-1), step, 0)
        quantiles, unit = self.quantiles[step, rows], self.unit[step, rows]
        margins = {each: margins_of(self.calibrator, each, h) for each in sorted({*CALIBRATED, min(level, 90.0)})}
        median, *sides = (
            x[rows, step]
            for each in (level, EVENT_LEVEL)
            for x in (
                quantiles[..., quantiles.shape[-1] // 2],
                *anomaly_widths(quantiles, self.calibrator.quantiles, unit, margins, each),
            )
        )
        below, above, _, event_below, event_above = sides
        distance = y - median
        with np.errstate(divide="ignore", invalid="ignore"):
            score = np.where(distance == 0, 0.0, distance / np.where(distance < 0, below, above))
        bounded = self.calibrator.bounds.apply(
            median[:, None], [(median - below)[:, None], (median + above)[:, None]], values
        )
        is_event = np.abs(distance) > np.where(distance < 0, event_below, event_above)
        forecast, low, high = (side[:, 0] for side in bounded)
        return Judgement(forecast, low, high, score, is_event)

    def track(self, y: FloatArray, judgement: Judgement) -> OnlineIntervals:
        """Return the intervals after new values.

        Args:
            y: New values, [n]; NaN is missing.
            judgement: What `judge` returned of them.
        """
        h, n = self.unit.shape
        steps = np.arange(h)
        # The forecast of k + 1 steps ahead for this value was made k + 1 values ago.
        unit = self.unit.T
        with np.errstate(divide="ignore", invalid="ignore"):
            quantiles = self.quantiles[steps, :, steps].transpose(1, 0, 2) / unit[..., None]
            actual = y[:, None] / unit
        past = PastForecasts(
            {self.calibrator.name: quantiles}, actual, np.arange(n), np.zeros(n, np.int64), np.ones(n), np.ones(n)
        )
        calibrator = track_margins(self.calibrator, past, np.zeros((n, h), np.int64))
        run = np.where(np.isnan(judgement.score), self.run, np.where(judgement.is_event, self.run + 1, 0))
        return self._replace(calibrator=calibrator, run=run)


def _with_assumed_margins(
    calibrator: ConformalCalibrator, quantiles: FloatArray, values: FloatArray
) -> ConformalCalibrator:
    """Return a calibrator whose margins give, for the typical series, the intervals that are assumed without errors."""
    levels = sorted({*STANDARD_LEVELS})
    median, *bounds = prediction_intervals(calibrator._replace(point="median"), quantiles, values, levels)
    unit = series_unit(values, calibrator.season_length)[:, None]
    margins = {}
    for k, level in enumerate(levels):
        assumed = (median - bounds[2 * k], bounds[2 * k + 1] - median)
        sides = half_widths(quantiles, calibrator.quantiles, level)
        with np.errstate(divide="ignore", invalid="ignore"):
            margin = [(a - side) / unit for a, side in zip(assumed, sides, strict=True)]
        margins[level] = np.stack([_median_of_known(each) for each in margin], axis=1)
    return calibrator._replace(margins=margins)


def _median_of_known(x: FloatArray) -> FloatArray:
    """Return the median over the rows with finite values, [h]; 0 without any."""
    known = np.isfinite(x).all(axis=1)
    return np.median(x[known], axis=0) if known.any() else np.zeros(x.shape[1])
