"""Results of the tools as objects; their JSON schemas go to the client."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

__all__ = ["BacktestResult", "CompareResult", "ExplainResult", "ForecastResult", "InspectResult", "ReportResult"]

Row = dict[str, Any]


class Result(BaseModel):
    """The result of a tool."""

    model_config = ConfigDict(extra="forbid")

    notes: list[str] = Field(description="What was noticed about the data; the first says how it was read.")
    file: str | None = Field(description="File in the folder that has the whole result; null if none was asked for.")


class InspectResult(Result):
    """What a table is understood to be."""

    time_col: str
    target_col: str
    id_cols: list[str]
    exogenous: dict[str, str] = Field(description="Roles of further columns that are used.")
    freq: str
    season_length: int | None = Field(description="1: none; null if no forecast can be made.")
    horizon: int | None = Field(description="Steps that are forecast by default.")
    scored: bool = Field(description="Whether the series are long enough to be scored on held-back rows.")
    n_series: int
    n_rows: int
    n_missing: int
    n_constant: int
    n_empty: int
    series: list[Row] = Field(description="The first series.")
    problem: str | None = Field(description="Why no forecast can be made as the table is.")


class ForecastResult(Result):
    """A forecast."""

    model: str
    h: int
    freq: str
    n_series: int
    n_rows: int = Field(description="Rows of the whole forecast.")
    forecast: list[Row] = Field(description="The rows that are shown.")
    verdict: str | None = Field(description="How the model did on held-back rows; null if nothing was held back.")
    scores: list[Row] = Field(description="Errors on held-back rows, the model first; coverage is in percent.")


class BacktestResult(Result):
    """Scores of forecasts from past cutoffs."""

    model: str
    n_windows: int
    h: int
    scores: list[Row]


class CompareResult(Result):
    """Models ranked by their errors at past cutoffs."""

    best: str
    recommendation: str
    h: int
    n_windows: int
    season_length: int
    scores: list[Row]


class ExplainResult(Result):
    """What adds to one number of a forecast."""

    id: str
    step: int
    time: str
    quantile: float
    forecast: float
    baseline: float
    sentence: str
    attributions: list[Row] = Field(description="The largest ones.")


class ReportResult(Result):
    """A page that was written."""

    model: str
    h: int
    n_series: int
    n_bytes: int
    verdict: str | None
