"""What requests hold: forms that are checked before anything is computed, with examples for OpenAPI."""

from __future__ import annotations

from typing import Annotated, Any, Literal, cast

from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, StrictBool, StrictInt, StrictStr

from gatecast.config import ForecasterConfig

__all__ = [
    "Backtest",
    "Columns",
    "Explain",
    "Forecast",
    "Gates",
    "Inspect",
    "ModelForecast",
    "Report",
    "StreamStart",
    "StreamStep",
    "Train",
]

MAX_NAME = 200
"""Characters of a name, at most."""

Cell = StrictBool | StrictInt | FiniteFloat | StrictStr | None
Columns = dict[Annotated[str, Field(max_length=MAX_NAME)], list[Any]]
"""A table as columns of equal length; cells are checked in `tables.check_columns`, which costs less than a form."""
Name = Annotated[str, Field(min_length=1, max_length=MAX_NAME)]
Names = Annotated[list[Name], Field(max_length=100)]
Horizon = Annotated[StrictInt, Field(ge=1)]
Level = Annotated[float, Field(ge=1, lt=100)]
Levels = Annotated[list[Level], Field(max_length=10)]
DEFAULTS = ForecasterConfig()
"""Of `Forecaster`: forms have the same, but that a forecast without training has a model that needs none."""
StoreName = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$")]

MONTHS = [f"{year}-{month:02}" for year in (2023, 2024) for month in range(1, 13)]
SALES = [112, 118, 132, 129, 121, 135, 148, 148, 136, 119, 104, 118] * 2
EXAMPLE_SERIES: Any = {"ds": MONTHS, "y": SALES}


class Form(BaseModel):
    """A body; unknown members are refused, for a misspelt setting must not be passed over."""

    model_config = ConfigDict(extra="forbid")


class Table(Form):
    """Series, and which columns they have."""

    series: Columns | None = Field(
        None, description="Columns of equal length: times, values, ids. null is a missing value."
    )
    id_col: Name | Names | None = None
    time_col: Name | None = None
    target_col: Name | Names | None = None
    freq: Name | None = Field(None, description="Frequency, as MS or D; inferred by default.")
    futr_exog: Names = []
    hist_exog: Names = []
    stat_exog: Names = []
    sheet: Name | None = Field(None, description="Sheet of an .xlsx file; by default the first with a table.")


class Forecast(Table):
    """A forecast without training."""

    model_config = ConfigDict(json_schema_extra={"example": {"series": EXAMPLE_SERIES, "h": 12, "level": [80, 95]}})

    h: Horizon | None = Field(None, description="Steps; default: two seasons, at least 6; a fifth of the rows at most.")
    level: Levels = list(DEFAULTS.level)
    model: Name = Field("pretrained", description="A model that needs no training.")
    season_length: Horizon | None = None
    futr_df: Columns | None = Field(None, description="The columns of futr_exog at the steps ahead.")
    intervals: Literal["auto", "model", "measured"] = Field(
        "auto",
        description="model: those of the network, in one pass; measured: moved by past errors of the series, as "
        "Forecaster.predict does, with scores; auto: measured for days, hours and minutes, where those of the network "
        "are too narrow, else model.",
    )


class Train(Table):
    """A training."""

    model_config = ConfigDict(
        json_schema_extra={"example": {"name": "sales", "series": EXAMPLE_SERIES, "h": 6, "model": "auto"}}
    )

    name: StoreName
    h: Horizon | None = None
    level: Levels = list(DEFAULTS.level)
    model: Name | Annotated[list[Name], Field(min_length=1, max_length=10)] = DEFAULTS.model
    season_length: Horizon | None = None
    point: Literal["median", "mean"] = cast(Any, DEFAULTS.point)
    seed: Annotated[StrictInt, Field(ge=0, lt=2**32)] = DEFAULTS.seed
    max_steps: Annotated[StrictInt, Field(ge=1, le=100_000)] | None = None
    n_members: Annotated[StrictInt, Field(ge=1, le=50)] | None = None
    finetune: StrictBool = False


class ModelForecast(Form):
    """A forecast by a stored model."""

    model_config = ConfigDict(json_schema_extra={"example": {"h": 6, "level": [90]}})

    series: Columns | None = Field(None, description="Series to forecast; by default those of the training.")
    h: Horizon | None = None
    level: Levels | None = None
    futr_df: Columns | None = None


class Backtest(Form):
    """Scores of forecasts from past cutoffs."""

    model_config = ConfigDict(json_schema_extra={"example": {"n_windows": 2}})

    series: Columns | None = Field(None, description="Series; by default those of the training.")
    n_windows: Annotated[StrictInt, Field(ge=1, le=100)] = 3
    step_size: Horizon | None = None
    refit: StrictBool = False


class Explain(Form):
    """What adds to one number of a forecast."""

    model_config = ConfigDict(json_schema_extra={"example": {"step": 1, "quantile": 0.5}})

    series: Columns | None = None
    futr_df: Columns | None = None
    id: StrictStr | StrictInt | None = None
    step: Horizon = 1
    quantile: Annotated[float, Field(gt=0, lt=1)] = 0.5
    method: Literal["integrated", "gradient", "occlusion"] = "integrated"


class Report(Form):
    """An HTML page about a model."""

    model_config = ConfigDict(json_schema_extra={"example": {}})

    series: Columns | None = None
    futr_df: Columns | None = None
    id: StrictStr | StrictInt | None = None
    language: Literal["en", "zh"] = "en"


class Inspect(Table):
    """What a table is understood to be."""

    model_config = ConfigDict(json_schema_extra={"example": {"series": EXAMPLE_SERIES, "rows": 3, "history": 24}})

    h: Horizon | None = None
    season_length: Horizon | None = None
    level: Levels = [80, 95]
    rows: Annotated[StrictInt, Field(ge=0, le=100)] = Field(5, description="First rows of the table to return.")
    history: Annotated[StrictInt, Field(ge=0, le=200_000)] = Field(
        0, description="Newest values of all series together to return, at most."
    )


class Gates(Form):
    """Gates of the first network of a model while it reads a series."""

    model_config = ConfigDict(json_schema_extra={"example": {"steps": 60}})

    series: Columns | None = None
    futr_df: Columns | None = None
    id: StrictStr | StrictInt | None = None
    steps: Annotated[StrictInt, Field(ge=1, le=1000)] = Field(200, description="Newest steps, at most.")


class StreamStart(Table):
    """A stream after a past."""

    model_config = ConfigDict(json_schema_extra={"example": {"series": EXAMPLE_SERIES, "h": 3}})

    h: Horizon | None = None
    level: Levels = list(DEFAULTS.level)
    model: Name = Field("pretrained", description="A model that needs no training; name says a stored one.")
    name: StoreName | None = Field(None, description="A stored model, which then forecasts.")
    season_length: Horizon | None = None
    anomaly_level: Level = Field(99, description="Level of the intervals that tell anomalies, in percent.")


class StreamStep(Form):
    """The next value of a stream."""

    model_config = ConfigDict(json_schema_extra={"example": {"value": 121.0, "step": 1}})

    value: FiniteFloat | dict[Name, FiniteFloat | None] | None = Field(
        description="The next value; of several series a value by id. null is a missing value."
    )
    step: Annotated[StrictInt, Field(ge=1)] | None = Field(
        None, description="Number of this step, from 1: a repeated request is answered as before, and changes nothing."
    )
