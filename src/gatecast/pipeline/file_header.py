"""Settings in the file of a forecaster or a stream, as types: what is there, and in which ranges.

A field that newer versions have written alone may be missing.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypedDict

from gatecast._utils.schema import AnyNumber, Level, Range, Share
from gatecast.data.panel import ColumnNames
from gatecast.evaluation.bounds import Bounds
from gatecast.evaluation.reconciliation import Method
from gatecast.forecasting.base import MAX_SEASON, Task

__all__ = ["MAX_HORIZON", "EnsembleHeader", "Header", "PanelHeader", "StreamHeader"]

MAX_HORIZON = 10**6
"""Steps of a forecast, at most."""

Season = Annotated[int, Range(1, MAX_SEASON)]
Names = Annotated[list[str], Range(0, 10**5)]


class _PanelColumns(TypedDict):
    """Exogenous columns by role."""

    futr_exog: Names
    hist_exog: Names
    stat_exog: Names


class _PanelBase(TypedDict):
    """Fields of a panel that every version has written."""

    ids: list[str | int | float]
    freq: str
    names: ColumnNames
    dated: bool
    clock: Annotated[int, Range(-1440, 1440)] | None
    key_types: dict[str, Any]
    categories: dict[str, list[str]]
    columns: _PanelColumns


class PanelHeader(_PanelBase, total=False):
    """A panel."""

    keys: dict[str, list[str | int | float]]
    known_future: Names
    holidays: dict[str, Names]
    skips_outliers: bool
    keeps_last: bool
    levels: list[list[str]] | None


class _CalibratorBase(TypedDict):
    """Fields of a calibrator that every version has written."""

    name: str
    weights: dict[str, Share]
    levels: Annotated[list[Level], Range(0, 1000)]
    season_length: Season
    bounds: Bounds
    error_autocorrelation: Annotated[float, Range(-1, 1)]


class AssumedHeader(TypedDict):
    """Assumed widths."""

    factor: Annotated[float, Range(0, 1000)]
    random_walk: bool


class CalibratorHeader(_CalibratorBase, total=False):
    """Weights, levels and bounds."""

    point: Literal["median", "mean"]
    mean_factor: Annotated[float, Range(0, 1000)]
    assumed: AssumedHeader


class ScoreHeader(TypedDict):
    """Errors of a model."""

    model: str
    mae: AnyNumber
    rmse: AnyNumber
    mase: AnyNumber
    skill: AnyNumber
    coverage: list[tuple[Level, AnyNumber]]
    n_worse: Annotated[int, Range(0)]
    bias: AnyNumber
    n_missing: Annotated[int, Range(0)]
    measure: str


class EvaluationHeader(TypedDict):
    """Scores and sizes of the parts."""

    sizes: tuple[Annotated[int, Range(0)], Annotated[int, Range(0)], Annotated[int, Range(0)]]
    season: Season
    horizon: Annotated[int, Range(1, MAX_HORIZON)]
    scores: Annotated[list[ScoreHeader], Range(1, 1000)]
    verdict: str
    columns: Names


class ModelHeader(TypedDict):
    """A model of the ensemble."""

    name: str
    column: str
    median: bool
    settings: dict[str, Any]


class EnsembleHeader(TypedDict):
    """The models and what they forecast."""

    task: Task
    models: Annotated[list[ModelHeader], Range(1, 1000)]


class StateHeader(TypedDict):
    """What fitting noted."""

    season_length: Season
    notes: list[str]
    training_history: dict[str, list[AnyNumber]]
    seconds: AnyNumber


class _HeaderBase(TypedDict):
    """Parts that every version has written."""

    config: dict[str, Any]
    table: str
    panel: PanelHeader
    calibrator: CalibratorHeader
    state: StateHeader
    ensemble: EnsembleHeader


class Header(_HeaderBase, total=False):
    """Settings of the file."""

    reconciliation: Method | None
    evaluation: EvaluationHeader
    fitted_by_predict: bool
    stream: dict[str, Any]


class StreamHeader(TypedDict):
    """What a stream adds to its forecaster."""

    n_steps: Annotated[int, Range(0, 10**12)]
    level: Level
    levels: Annotated[list[Level], Range(1, 1000)]
    days: Literal[1, 7] | None
