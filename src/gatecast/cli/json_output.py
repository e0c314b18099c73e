"""The JSON document of `--json`: its keys are a promise, changed only together with `SCHEMA_VERSION`.

    schema_version   2
    data             file, unique_id (null without an id column, or with several series), series (how many), time_col,
                     target_col, id_col (or null), frequency, season, findings [sentences], and of the series, or of
                     the first of several, rows, missing, start, end
    model            name, horizon, levels
    evaluation       null, or cutoff, rows {training, validation, test}, season, horizon, verdict and
                     scores [{model, mae, rmse, mase, skill, coverage {level: percent}, loses}], means over
                     series: the model, what it is made of, SeasonalNaive if season is above 1, Naive (the last
                     value), Drift and Mean; loses: on how many series its error is larger than that of the first
                     of these
    forecast         rows: the id column if there is one, the time column, Ensemble, Ensemble-lo-80, ..., and, for a
                     single series, the first baseline by its name in scores: SeasonalNaive, or Naive if season is 1
    files            [names of the files that were written]
    settings         what it takes to get the same again: seed, options, versions, isa, threads
    seconds          time taken
    error            alone with schema_version, if there is no forecast: kind, exit_code, message, and those
                     of its parts that there are: what, where, got, expected, fix

There is no NaN and no infinity in it: what is not a finite number is null. Times are ISO 8601.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from gatecast._utils.formatting import Column, plain, time_texts, time_unit
from gatecast._utils.versions import versions
from gatecast.errors import GatecastError

if TYPE_CHECKING:
    from gatecast.cli.forecast_view import Result
    from gatecast.cli.options import Options
    from gatecast.results import Evaluation, Score

__all__ = ["SCHEMA_VERSION", "document", "error_document", "rows", "to_json"]

SCHEMA_VERSION = 2


def document(result: Result, options: Options, written: Sequence[Path]) -> dict[str, Any]:
    """All of a result as plain values."""
    forecast = result.forecast
    first, last = (row["ds"] for row in rows({"ds": result.times[[0, -1]]}, result.time_unit))
    return {
        "schema_version": SCHEMA_VERSION,
        "data": {
            "file": result.file,
            "unique_id": result.unique_id if result.series == 1 else None,
            "series": result.series,
            "time_col": forecast.time_col,
            "target_col": forecast.target_col,
            "id_col": forecast.id_col,
            "frequency": result.freq,
            "season": int(result.season),
            "rows": len(result.values),
            "missing": result.missing,
            "start": first,
            "end": last,
            "findings": list(result.findings),
        },
        "model": {"name": forecast.model, "horizon": len(result.mean), "levels": list(forecast.levels)},
        "evaluation": None if result.evaluation is None else _evaluation(result.evaluation, result.time_unit),
        "forecast": rows(
            {**forecast.columns, result.naive_col: result.naive} if result.series == 1 else result.whole.columns,
            result.time_unit,
        ),
        "files": [str(path) for path in written],
        "settings": settings(options),
        "seconds": round(result.seconds, 3),
    }


def rows(table: Mapping[str, Column], unit: str = "") -> list[dict[str, Any]]:
    """A table as rows of plain values; times as ISO 8601, None where there is no finite number.

    Args:
        table: Columns of equal length.
        unit: How fine times are written; see `texts.time_texts`.

    >>> import numpy as np
    >>> rows({"ds": np.array(["2020-01-01"], "datetime64[s]"), "LSTM": np.array([1.5])})
    [{'ds': '2020-01-01', 'LSTM': 1.5}]
    """
    columns = [_column(values, unit) for values in table.values()]
    return [dict(zip(table, row, strict=True)) for row in zip(*columns, strict=True)]


def settings(options: Options) -> dict[str, Any]:
    """What it takes to get the same forecast again, to the bit: same seed, machine level and versions."""
    from gatecast.kernels.native import get_threads, isa

    names = ("horizon", "time_col", "id_col", "target_col", "freq", "season")
    asked = {name: getattr(options, name) for name in names}
    return {
        "seed": options.seed,
        "options": {**asked, "level": list(options.levels)},
        "versions": versions(),
        "isa": isa(),
        "threads": get_threads(),
    }


def error_document(error: Exception, kind: str, code: int, message: str) -> dict[str, Any]:
    """An error as plain values; the parts of its message stand beside it."""
    parts = {}
    if isinstance(error, GatecastError):
        names = ("what", "where", "got", "expected", "fix")
        parts = {name: str(getattr(error, name)) for name in names if str(getattr(error, name))}
    return {
        "schema_version": SCHEMA_VERSION,
        "error": {"kind": kind, "exit_code": code, "message": message, **parts},
    }


def to_json(value: dict[str, Any]) -> str:
    """Text that every JSON reader takes: ASCII alone, so that no encoding can spoil it.

    >>> to_json({"a": "é"}).isascii()
    True
    """
    return json.dumps(value, indent=2, allow_nan=False)


def _column(values: Column, unit: str) -> list[Any]:
    """Values that csv and json can write."""
    if values.dtype.kind == "M":
        # Not every reader takes a time of day without seconds.
        unit = unit or time_unit(values)
        return list(time_texts(values, "T", "s" if unit == "m" else unit))
    return [plain(value) for value in values.tolist()]


def _evaluation(evaluation: Evaluation, unit: str) -> dict[str, Any]:
    """How good the model was on the test part."""
    cutoff = rows({"cutoff": np.array([evaluation.cutoff])}, unit)[0]["cutoff"]
    return {
        "cutoff": cutoff,
        "rows": dict(zip(("training", "validation", "test"), map(int, evaluation.split_sizes), strict=True)),
        "season": int(evaluation.season_length),
        "horizon": int(evaluation.horizon),
        "verdict": evaluation.verdict,
        "scores": [_score(score) for score in evaluation.scores],
    }


def _score(score: Score) -> dict[str, Any]:
    """One model's errors."""
    numbers = {name: plain(float(getattr(score, name))) for name in ("mae", "rmse", "mase", "skill")}
    coverage = {f"{level:g}": plain(float(share)) for level, share in score.coverage.items()}
    return {"model": score.model, **numbers, "coverage": coverage, "loses": int(score.n_worse)}
