"""Arguments of the tools, which are checked before anything is computed; their JSON schemas go to the model."""

from __future__ import annotations

import json
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, FiniteFloat, StrictBool, StrictStr, ValidationError

from gatecast._utils.suggestions import suggestion
from gatecast.errors import ConfigError, DataError
from gatecast.pipeline.arguments import OTHER_NAMES, WITHOUT_EFFECT

__all__ = ["Backtest", "Compare", "Explain", "Forecast", "Form", "InspectTable", "Report", "Table", "parse"]

MAX_NAME = 200
"""Characters of a name, at most."""
MAX_CELLS = 50_000
"""Cells of a table that is passed as an argument, at most."""


def _refuse_truth_values(value: Any) -> Any:
    """Refuse true and false where a number is meant."""
    if isinstance(value, bool):
        raise ValueError("a number, not a truth value")
    return value


def _as_list(value: Any) -> Any:
    """Return one value as a list of it."""
    return [value] if isinstance(value, str | int | float) and not isinstance(value, bool) else value


Name = Annotated[str, Field(min_length=1, max_length=MAX_NAME)]
Names = Annotated[list[Name], Field(max_length=100), BeforeValidator(_as_list)]
Count = Annotated[int, Field(ge=1), BeforeValidator(_refuse_truth_values)]
Windows = Annotated[int, Field(ge=1, le=50), BeforeValidator(_refuse_truth_values)]
Level = Annotated[float, Field(ge=1, lt=100), BeforeValidator(_refuse_truth_values)]
Cell = StrictBool | int | FiniteFloat | StrictStr | None


class Form(BaseModel):
    """Arguments of a tool; unknown ones are refused, for a misspelt setting must not be passed over."""

    model_config = ConfigDict(extra="forbid")


class Table(Form):
    """Series, and which columns they have."""

    file: str | None = Field(
        None,
        description="Name of a file in the folder: CSV, Parquet, JSON, a spreadsheet (book.xlsx::Sheet1), a DuckDB "
        "file (shop.duckdb::sales), any of these compressed.",
    )
    table: dict[Name, list[Cell]] | None = Field(
        None, description='Instead of file: a small table as columns, {"ds": [...], "y": [...]}; null is missing.'
    )
    id_col: Names | None = Field(None, description="Columns that name the series; inferred by default.")
    time_col: Name | None = Field(None, description="Column of the times; inferred by default.")
    target_col: Names | None = Field(None, description="Column of the values; several: a series each.")
    freq: Name | None = Field(None, description="Frequency: MS, W, D, h, 30min, ...; inferred by default.")
    season_length: Count | None = Field(None, description="Steps in a season; 1 for none; inferred by default.")
    futr_exog: Names = Field([], description="Columns that are known for the steps ahead too, as promotions.")
    hist_exog: Names = Field([], description="Columns that are known for the past only.")
    stat_exog: Names = Field([], description="Columns with one value a series.")


Horizon = Annotated[
    Count | None, Field(description="Steps ahead; by default two seasons, at least 6; a fifth of the rows at most.")
]
Levels = Annotated[
    list[Level], Field(max_length=10, description="Levels of the intervals, in percent."), BeforeValidator(_as_list)
]
NewTable = Annotated[
    str | None, Field(description="Name of a new file in the folder for the whole result: .csv, .parquet or .json.")
]
FutrDf = Annotated[
    str | None,
    Field(description="Name of a file in the folder with the futr_exog columns at the steps ahead, if file has none."),
]


class InspectTable(Table):
    """Say what a table is understood to be: columns, frequency, season, gaps, length, warnings. Start here."""

    h: Horizon = None
    out: NewTable = None


class Forecast(Table):
    """Forecast the steps after the end of each series, with intervals, and score the forecast on held-back rows."""

    h: Horizon = None
    level: Levels = [80, 95]
    model: Name = Field("pretrained", description="pretrained needs no training; auto and lstm train for longer.")
    score: bool = Field(True, description="Whether to measure past errors: takes three times as long.")
    id: Name | None = Field(None, description="Series to show; the first by default. out has all.")
    futr_df: FutrDf = None
    out: NewTable = None


class Backtest(Table):
    """Forecast from past cutoffs, each from nothing later, and score next to the simple forecasts."""

    h: Horizon = None
    level: Levels = [80, 95]
    model: Name = Field("pretrained", description="As for forecast.")
    n_windows: Windows = Field(3, description="Cutoffs.")
    refit: bool = Field(False, description="Whether to train at every cutoff, or at the first alone.")
    out: NewTable = None


class Compare(Table):
    """Compare models at the same past cutoffs, and say which to take, and how sure that is."""

    h: Horizon = None
    models: Annotated[Names, Field(min_length=1, max_length=10)] = Field(
        ["pretrained", "dot", "lgt"],
        description="Names of models; simple forecasts are always included. Networks such as lstm train for longer.",
    )
    n_windows: Windows = Field(3, description="Cutoffs.")
    out: NewTable = None


class Explain(Table):
    """Say how much each past value and each column adds to one number of a forecast by a trained network."""

    h: Horizon = None
    model: Name = Field("lstm", description="A network: lstm, gru, rnn, slstm, segrnn. It is trained first.")
    id: Name | None = Field(None, description="Series; the first by default.")
    step: Count = Field(1, description="Step ahead, from 1.")
    quantile: Annotated[float, Field(gt=0, lt=1)] = 0.5
    method: Literal["integrated", "gradient", "occlusion"] = "integrated"
    futr_df: FutrDf = None
    out: NewTable = None


class Report(Table):
    """Write an HTML page about a forecast: chart, table, scores, and what the model shows of its inside."""

    h: Horizon = None
    level: Levels = [80, 95]
    model: Name = Field("pretrained", description="As for forecast.")
    id: Name | None = Field(None, description="Series to show first.")
    futr_df: FutrDf = None
    out: str | None = Field(None, description="Name of a new .html file in the folder; report.html by default.")


def parse(form: type[Form], arguments: dict[str, Any]) -> Any:
    """Return checked arguments.

    Args:
        form: Of the tool.
        arguments: As the model wrote them. Lists and objects may come as JSON in a text, as some clients send them.

    Raises:
        ConfigError: An unknown argument, or a value that the form does not take.
        DataError: A table that is too large, or has no equally long columns.
    """
    try:
        parsed = form.model_validate({name: _decoded(value) for name, value in arguments.items()})
    except ValidationError as error:
        raise _fault(error, form) from None
    _check_source(parsed)
    return parsed


def _decoded(value: Any) -> Any:
    """Return a text that is JSON as what it says, if that is a list or an object."""
    if isinstance(value, str) and value.lstrip()[:1] in ("[", "{"):
        try:
            return json.loads(value)
        except (ValueError, RecursionError):
            return value
    return value


def _fault(error: ValidationError, form: type[Form]) -> ConfigError:
    """Return the first fault in the words of all errors."""
    faults = error.errors(include_url=False, include_context=False)
    first = faults[0]
    name = str(first["loc"][0]) if first["loc"] else "arguments"
    if first["type"] == "extra_forbidden":
        other = OTHER_NAMES.get(name)
        fix = f"Write {other}." if other in form.model_fields else suggestion(name, form.model_fields)
        return ConfigError("Unknown argument", where=name, fix=WITHOUT_EFFECT.get(name, fix))
    message = str(first["msg"]).removeprefix("Value error, ").removeprefix("Input should be ")
    if name == "table" and len(first["loc"]) > 2:
        # The first of the kinds that a cell may have is not the one that was meant.
        message = "cells that are finite numbers, texts, truth values or null"
    described = form.model_fields[name].description if name in form.model_fields else None
    return ConfigError(
        "The argument has another form",
        where=".".join(map(str, first["loc"][:2])) or name,
        got=repr(first["input"])[:200],
        expected=message[:1].lower() + message[1:],
        fix=f"{name}: {described}" if described else "",
    )


def _check_source(form: Any) -> None:
    """Refuse a call with no table or two, and a table without equal columns.

    Raises:
        ConfigError: Not one of `file` and `table`.
        DataError: Columns of different lengths, or too many cells.
    """
    if (form.file is None) == (form.table is None):
        given = "neither" if form.file is None else "both"
        raise ConfigError("The call needs one table", where="file, table", got=given, expected="file or table")
    if form.table is None:
        return
    lengths = {name: len(cells) for name, cells in form.table.items()}
    if sum(lengths.values()) > MAX_CELLS:
        raise DataError(
            "The table is too large for an argument",
            where="table",
            got=f"{sum(lengths.values()):,} cells",
            expected=f"at most {MAX_CELLS:,}",
            fix="Put it into a file of the folder, and name it with file.",
        )
    if len(set(lengths.values())) != 1 or not next(iter(lengths.values())):
        raise DataError(
            "The columns are not equally long" if len(set(lengths.values())) > 1 else "The table has no rows",
            where="table",
            got=", ".join(f"{name}: {n:,}" for name, n in list(lengths.items())[:5]) or "no columns",
            expected="columns of equal length, with null for what is missing",
        )
