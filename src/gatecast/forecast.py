"""What comes out of forecasting: plain records that know nothing of how they came about.

Letters: h horizon, m season.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["Evaluation", "Forecast", "Score", "column_names"]

Column = npt.NDArray[Any]


def column_names(model: str, levels: tuple[float, ...]) -> list[str]:
    """Names of the columns of a forecast and its intervals, in the field's convention.

    >>> column_names("LSTM", (80, 95))
    ['LSTM', 'LSTM-lo-80', 'LSTM-hi-80', 'LSTM-lo-95', 'LSTM-hi-95']
    """
    return [model, *(f"{model}-{side}-{level:g}" for level in levels for side in ("lo", "hi"))]


@dataclass(frozen=True, eq=False)
class Forecast:
    """Values beyond the ends of series.

    Args:
        table: A table of the kind that came in, h rows a series: id if the data had one, time, then those of
            `column_names`.
        id_col: Name of the id column; None if the data had none.
        time_col: Name of the time column.
        target_col: Name of the column that is forecast.
        model: Name of the model's columns.
        levels: Levels of the intervals, in percent.
        columns: The table as arrays by name; the table itself if it is that already.
    """

    table: Any
    id_col: str | None = None
    time_col: str = "ds"
    target_col: str = "y"
    model: str = "LSTM"
    levels: tuple[float, ...] = (80, 95)
    columns: dict[str, Column] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.columns:
            object.__setattr__(self, "columns", self.table)


@dataclass(frozen=True)
class Score:
    """Errors of one model on the test part.

    Args:
        model: Its name.
        mae: Mean absolute error, in the unit of the target.
        rmse: Root of the mean squared error, in the unit of the target.
        mase: MAE over the in-sample MAE of the seasonal naive one step ahead.
        skill: ``100 (1 - mae / mae of seasonal naive)``, in percent; 0 for seasonal naive itself.
        coverage: For each level, the share of test values inside the interval, in percent; empty without intervals.
        loses: Series on which its MAE is larger than that of seasonal naive.
    """

    model: str
    mae: float
    rmse: float
    mase: float
    skill: float
    coverage: dict[float, float] = field(default_factory=dict)
    loses: int = 0


@dataclass(frozen=True, eq=False)
class Evaluation:
    """How a model did on a part of the series that it had not seen.

    Args:
        cutoff: Last time before the test part.
        sizes: Rows in training, validation and test part.
        season: m of the seasonal naive and of MASE; 1 is the naive forecast.
        horizon: h: the test part is forecast h steps at a time.
        scores: The model's, what it is made of, then the simple forecasts': seasonal
            naive if there is a season, naive, drift, mean.
        table: The test part: time, value, the model's columns, the baselines'.
        verdict: The comparison in a sentence.
    """

    cutoff: np.datetime64 | int
    sizes: tuple[int, int, int]
    season: int
    horizon: int
    scores: tuple[Score, ...]
    table: dict[str, Column]
    verdict: str
