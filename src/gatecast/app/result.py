"""All that is said about one forecast, as plain data: what report, chart and document are made of.

Letters: n rows of the history, h horizon.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from gatecast.app.options import Options
from gatecast.app.texts import time_unit

if TYPE_CHECKING:
    from gatecast.forecast import Evaluation, Forecast
    from gatecast.forecaster import Forecaster

__all__ = ["BASELINES", "Result", "bounds", "collect"]

BASELINES = {"SeasonalNaive": "seasonal naive", "Naive": "last value"}


@dataclass(frozen=True)
class Result:
    """A forecast with what it was made of and how good its kind has been."""

    file: str
    unique_id: str | None
    freq: str
    """Name of the frequency: "MS", "30min", or "1" where times are whole numbers."""
    times: npt.NDArray[Any]
    """(n,) of the history."""
    values: npt.NDArray[np.float64]
    """(n,) of the history, in the unit of the file; NaN where one is missing."""
    season: int
    forecast: Forecast
    evaluation: Evaluation | None
    naive: npt.NDArray[np.float64]
    """(h,) The first baseline for the rows of the forecast."""
    findings: tuple[str, ...]
    """Plain sentences; the first says which column is what, how often, how much, from when to when."""
    seed: int
    seconds: float
    """Time taken."""

    @property
    def ahead(self) -> npt.NDArray[Any]:
        """(h,) Times of the forecast."""
        times: npt.NDArray[Any] = self.forecast.table[self.forecast.time_col]
        return times

    @property
    def mean(self) -> npt.NDArray[np.float64]:
        """(h,) The forecast."""
        values: npt.NDArray[np.float64] = self.forecast.table[self.forecast.model]
        return values

    @property
    def time_unit(self) -> str:
        """How fine times must be written, by NumPy's names."""
        return time_unit(self.times, self.ahead)

    @property
    def baseline(self) -> str:
        """What the first baseline is called by people."""
        return BASELINES.get(self.naive_col, self.naive_col)

    @property
    def naive_col(self) -> str:
        """Name of the first baseline, which is that of its column."""
        if self.evaluation is not None and len(self.evaluation.scores) > 1:
            return self.evaluation.scores[1].model
        return "SeasonalNaive" if self.season > 1 else "Naive"

    @property
    def missing(self) -> int:
        """Values that the history lacks."""
        return int(np.isnan(self.values).sum())


def bounds(table: dict[str, npt.NDArray[Any]], model: str, level: float) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    """The columns with the lower and the upper bound of an interval.

    >>> bounds({"LSTM-lo-80": np.zeros(1), "LSTM-hi-80": np.ones(1)}, "LSTM", 80)
    (array([0.]), array([1.]))
    """
    return table[f"{model}-lo-{level:g}"], table[f"{model}-hi-{level:g}"]


def collect(forecaster: Forecaster, options: Options) -> Result:
    """Predict with a fitted forecaster, and gather what is to be said."""
    from gatecast.baselines import seasonal_naive

    panel, forecast = forecaster.panel_, forecaster.predict()
    if not all(np.isfinite(column).all() for column in forecast.table.values() if column.dtype.kind == "f"):
        raise FloatingPointError("the forecast is not finite")
    values = panel.series(0)
    return Result(
        file=str(options.file),
        unique_id=None if panel.names.id is None else str(panel.ids[0]),
        freq=str(panel.freq),
        times=panel.times(0),
        values=values,
        season=forecaster.season_,
        forecast=forecast,
        evaluation=forecaster.evaluation_,
        naive=seasonal_naive(values, forecaster.h_, forecaster.season_),
        findings=tuple(forecaster.findings_),
        seed=options.seed,
        seconds=forecaster.seconds_,
    )
