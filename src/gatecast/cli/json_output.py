"""JSON documents of `--json`. Their keys are a promise: `schema.json` describes them, and keys are only ever added.

A document holds no NaN and no infinity: a number that is not finite is null. Times are ISO 8601.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from gatecast._utils.formatting import Column, finite_or_none, format_times, time_unit
from gatecast._utils.versions import versions
from gatecast.cli.output import format_verdict
from gatecast.errors import GatecastError

if TYPE_CHECKING:
    from gatecast.cli.forecast_view import ForecastView
    from gatecast.results import Evaluation, Score

__all__ = [
    "SCHEMA_VERSION",
    "error_document",
    "evaluation_facts",
    "forecast_document",
    "reproduction_facts",
    "rows",
    "to_json",
    "versioned",
]

SCHEMA_VERSION = 2
"""Raised when a key is renamed or removed, which no release does lightly."""

ERROR_PARTS = ("what", "where", "got", "expected", "fix")


def versioned(command: str, facts: Mapping[str, Any]) -> dict[str, Any]:
    """Return facts as a document of a command, with null for numbers that are not finite.

    >>> versioned("doctor", {"threads": 2, "difference": float("nan")})
    {'schema_version': 2, 'command': 'doctor', 'threads': 2, 'difference': None}
    """
    return {"schema_version": SCHEMA_VERSION, "command": command, **_finite(facts)}


def _finite(value: Any) -> Any:
    """Return a value with None for numbers that are not finite."""
    if isinstance(value, Mapping):
        return {str(name): _finite(part) for name, part in value.items()}
    if isinstance(value, np.generic):
        value = value.item()
    return [_finite(part) for part in value] if isinstance(value, list | tuple) else finite_or_none(value)


def forecast_document(
    view: ForecastView,
    options: Mapping[str, Any],
    files: Sequence[str],
    with_offsets: Callable[[dict[str, Column]], dict[str, Column]] = dict,
) -> dict[str, Any]:
    """Return the document of `gatecast forecast`.

    Args:
        view: The forecast.
        options: Parsed options, from `ForecasterOptions.values`.
        files: Names of the files written.
        with_offsets: Adds UTC offsets to the times of a table.
    """
    forecast = view.forecast
    ends = with_offsets({forecast.time_col: view.times[[0, -1]]})
    first, last = (row[forecast.time_col] for row in rows(ends, view.time_unit))
    table = view.full_forecast.columns
    if view.n_series == 1:
        table = {**table, view.baseline_col: view.baseline_values}
    facts = {
        "data": {
            "file": view.file,
            "unique_id": view.unique_id if view.n_series == 1 else None,
            "series": view.n_series,
            "time_col": forecast.time_col,
            "target_col": forecast.target_col,
            "id_col": ",".join(forecast.id_col) if isinstance(forecast.id_col, tuple) else forecast.id_col,
            "frequency": view.freq,
            "season": int(view.season_length),
            "rows": len(view.values),
            "missing": view.n_missing,
            "start": first,
            "end": last,
            "findings": list(view.notes),
        },
        "model": {"name": forecast.model, "horizon": len(view.mean), "levels": list(forecast.levels)},
        "evaluation": None
        if view.evaluation is None
        else evaluation_facts(view.evaluation, view.time_unit, with_offsets=with_offsets),
        "learning": view.advice or None,
        "forecast": rows(with_offsets(table), view.time_unit),
        "files": list(files),
        "settings": reproduction_facts(options),
        "seconds": round(view.seconds, 3),
        "findings": list(view.notes),
    }
    return versioned("forecast", facts)


def rows(table: Mapping[str, Column], unit: str = "") -> list[dict[str, Any]]:
    """Return a table as rows of plain values; times as ISO 8601, None for numbers that are not finite.

    Args:
        table: Columns of equal length.
        unit: NumPy unit of the times; see `gatecast._utils.formatting.format_times`.

    >>> rows({"ds": np.array(["2020-01-01"], "datetime64[s]"), "LSTM": np.array([1.5])})
    [{'ds': '2020-01-01', 'LSTM': 1.5}]
    """
    columns = [_plain_column(values, unit) for values in table.values()]
    return [dict(zip(table, row, strict=True)) for row in zip(*columns, strict=True)]


def reproduction_facts(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return what gives the same forecast again, to the bit: seed, options, versions, instruction set and threads."""
    from gatecast.kernels.runtime import get_num_threads, isa

    return {
        "seed": options["seed"],
        "options": {**options, "season": options["season_length"]},
        "versions": versions(),
        "isa": isa(),
        "threads": get_num_threads(),
    }


def error_document(
    error: Exception, kind: str, code: int, message: str, parts: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """Return an error as a document.

    Args:
        error: The error.
        kind: Its name in the document.
        code: The exit code.
        message: The message as printed.
        parts: Texts by name of `ERROR_PARTS`, and `option`; None: those of the error.
    """
    if parts is None:
        parts = {name: str(getattr(error, name)) for name in ERROR_PARTS} if isinstance(error, GatecastError) else {}
    named = {name: text for name, text in parts.items() if text}
    return {
        "schema_version": SCHEMA_VERSION,
        "error": {"kind": kind, "exit_code": code, "message": message, **named},
    }


def to_json(value: Mapping[str, Any]) -> str:
    """Return JSON in ASCII alone, which no encoding of a terminal can spoil.

    >>> to_json({"a": "é"}).isascii()
    True
    """
    return json.dumps(value, indent=2, allow_nan=False)


def _plain_column(values: Column, unit: str) -> list[Any]:
    """Return values that CSV and JSON can write."""
    if values.dtype.kind == "M":
        # Not every reader accepts a time of day without seconds.
        unit = unit or time_unit(values)
        return list(format_times(values, "T", "s" if unit == "m" else unit))
    return [finite_or_none(value) for value in values.tolist()]


def evaluation_facts(
    evaluation: Evaluation,
    unit: str = "",
    command: str = "",
    with_offsets: Callable[[dict[str, Column]], dict[str, Column]] = dict,
) -> dict[str, Any]:
    """Return the scores of a test part.

    Args:
        evaluation: The scores.
        unit: NumPy unit of the times; see `gatecast._utils.formatting.format_times`.
        command: The command whose options its sentence names.
        with_offsets: Adds UTC offsets to the times of a table.
    """
    cutoff = rows(with_offsets({"cutoff": np.array([evaluation.cutoff])}), unit)[0]["cutoff"]
    return {
        "cutoff": cutoff,
        "rows": dict(zip(("training", "validation", "test"), map(int, evaluation.split_sizes), strict=True)),
        "season": int(evaluation.season_length),
        "horizon": int(evaluation.horizon),
        "verdict": format_verdict(evaluation, command),
        "scores": [_score(score) for score in evaluation.scores],
    }


def _score(score: Score) -> dict[str, Any]:
    """Return the errors of one model."""
    numbers = {name: float(getattr(score, name)) for name in ("mae", "rmse", "mase", "skill", "bias")}
    coverage = {f"{level:g}": float(percent) for level, percent in score.coverage.items()}
    counts = {"loses": int(score.n_worse), "missing": int(score.n_missing)}
    return {"model": score.model, "measure": score.measure, **numbers, "coverage": coverage, **counts}
