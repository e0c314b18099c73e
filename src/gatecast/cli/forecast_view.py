"""All that is said about one forecast, as plain data: what report, chart and document are made of.

Letters: n rows of the history, h horizon.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from gatecast._utils.formatting import time_unit
from gatecast.cli.options import Options
from gatecast.errors import ConfigError
from gatecast.plotting.charts import BASELINES

if TYPE_CHECKING:
    from gatecast.forecaster import Forecaster
    from gatecast.results import Evaluation, Forecast

__all__ = ["Result", "bounds", "collect", "warning"]


@dataclass(frozen=True)
class Result:
    """A forecast with what it was made of and how good its kind has been."""

    file: str
    unique_id: str | None
    """Name of the series that is shown; None if the data had no names."""
    freq: str
    """Name of the frequency: "MS", "30min", or "1" where times are whole numbers."""
    times: npt.NDArray[Any]
    """(n,) of the history."""
    values: npt.NDArray[np.float64]
    """(n,) of the history, in the unit of the file; NaN where one is missing."""
    season: int
    forecast: Forecast
    """Of the series that is shown."""
    evaluation: Evaluation | None
    """Scores over all series; its table is that of the series that is shown."""
    naive: npt.NDArray[np.float64]
    """(h,) The first baseline for the rows of the forecast."""
    findings: tuple[str, ...]
    """Plain sentences; the first says which column is what, how often, how much, from when to when."""
    seed: int
    seconds: float
    """Time taken."""
    learning: str = ""
    """What is to be done about how the networks learnt; "" where there is nothing to do."""
    series: int = 1
    """How many there are."""
    panel: Forecast | None = None
    """Of all series, if there are several."""

    @property
    def whole(self) -> Forecast:
        """Of all series."""
        return self.panel or self.forecast

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
    from gatecast.forecasting.baselines import seasonal_naive

    panel, whole = forecaster.panel_, forecaster.predict(futr_df=options.future)
    known = panel.mask
    shown = next((s for s in range(len(panel)) if known[panel.indptr[s] : panel.indptr[s + 1]].any()), 0)
    forecast, evaluation = whole, forecaster.evaluation_
    if len(panel) > 1:
        h = forecaster.h_
        own = {name: column[shown * h : (shown + 1) * h] for name, column in whole.columns.items()}
        forecast = replace(whole, table=own, columns=own)
        if evaluation is not None and panel.columns.id is not None:
            rows = evaluation.table[panel.columns.id] == panel.ids[shown]
            evaluation = replace(evaluation, table={name: c[rows] for name, c in evaluation.table.items()})
    if not all(np.isfinite(column).all() for column in forecast.columns.values() if column.dtype.kind == "f"):
        raise FloatingPointError("the forecast is not finite")
    values = panel.series(shown)
    return Result(
        file=str(options.file),
        unique_id=None if panel.columns.id is None else str(panel.ids[shown]),
        freq=str(panel.freq),
        times=panel.times(shown),
        values=values,
        season=forecaster.season_length_,
        forecast=forecast,
        evaluation=evaluation,
        learning=warning(forecaster) or "",
        naive=seasonal_naive(values, forecaster.h_, forecaster.season_length_),
        findings=tuple(forecaster.data_notes_),
        seed=options.seed,
        seconds=forecaster.fit_seconds_,
        series=len(panel),
        panel=whole if len(panel) > 1 else None,
    )


def warning(forecaster: Forecaster) -> str | None:
    """What is to be done about a network that learnt too long or too briefly; None where there is nothing to do."""
    try:
        advice = forecaster.learning_curves()
    except ConfigError:
        return None
    return advice.sentence if advice.kind in ("overfits", "underfits") else None
