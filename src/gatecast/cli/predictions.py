"""Tables that a forecaster returns, as columns with their roles: the only module that knows what `predict` returns."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy.typing as npt

if TYPE_CHECKING:
    from gatecast.forecaster import Forecaster

__all__ = ["PredictionTable", "cross_validation_table", "prediction_table", "simulation_table"]


@dataclass(frozen=True, eq=False)
class PredictionTable:
    """Columns of a forecast and their roles.

    Args:
        columns: Arrays of equal length, by name.
        id_col: Column with the names of the series; None if the data had none.
        time_col: Column with the times.
        target_col: Column that is forecast.
        model: Column of the forecast; bounds are called `<model>-lo-<level>` and `<model>-hi-<level>`.
        levels: Levels of the intervals, in percent.
        result: What the forecaster returned.
    """

    columns: dict[str, npt.NDArray[Any]]
    id_col: str | None
    time_col: str
    target_col: str
    model: str
    levels: tuple[float, ...]
    result: Any = None

    def plot(self, path: Path) -> None:
        """Draw history and forecast of the first series into a file."""
        self.result.plot(path)


def prediction_table(forecaster: Forecaster, *arguments: Any, **options: Any) -> PredictionTable:
    """Return `forecaster.predict(...)` as columns."""
    return _table(forecaster.predict(*arguments, **options))


def simulation_table(forecaster: Forecaster, *arguments: Any, **options: Any) -> PredictionTable:
    """Return `forecaster.simulate(...)` as columns."""
    return _table(forecaster.simulate(*arguments, **options))


def cross_validation_table(forecaster: Forecaster, *arguments: Any, **options: Any) -> PredictionTable:
    """Return `forecaster.cross_validation(...)` as columns."""
    return _table(forecaster.cross_validation(*arguments, **options))


def _table(forecast: Any) -> PredictionTable:
    """Return what a forecaster returned as columns."""
    return PredictionTable(
        columns=forecast.columns,
        id_col=forecast.id_col,
        time_col=forecast.time_col,
        target_col=forecast.target_col,
        model=forecast.model,
        levels=tuple(forecast.levels),
        result=forecast,
    )
