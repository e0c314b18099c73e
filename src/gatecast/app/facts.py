"""The words and numbers of a result as grids of texts, which terminal and page only lay out."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from gatecast.app.result import BASELINES, Result, bounds
from gatecast.app.texts import count, number_format, time_texts

if TYPE_CHECKING:
    from gatecast.forecast import Evaluation

__all__ = ["Grid", "facts", "forecast_grid", "score_grid"]


class Grid(NamedTuple):
    """A table of texts; the first column is flush left, the others flush right."""

    header: tuple[str, ...]
    rows: list[tuple[str, ...]]


def facts(result: Result) -> Iterator[tuple[str, str]]:
    """What was understood, as names and facts."""
    about, *notes = result.findings
    yield "data", about
    rows = f"{result.missing:,} of {count(len(result.values), 'row')}"
    if result.series > 1:
        yield "shown", f"series {result.unique_id!r}, the first of {result.series:,}; scores are means over all"
    yield "missing", rows if result.missing else "none"
    yield "season", count(result.season, "row") if result.season > 1 else "none found"
    if result.evaluation is not None:
        train, validation, test = result.evaluation.sizes
        yield "split", f"{train:,} rows to train, {validation:,} to validate, {test:,} to test, in this order"
    for note in notes:
        yield "note", note


def score_grid(evaluation: Evaluation) -> Grid:
    """Errors on the test part, a row a model."""
    scores = evaluation.scores
    levels = sorted({level for score in scores for level in score.coverage})
    columns = [number_format(np.array([getattr(score, name) for score in scores])) for name in ("mae", "rmse")]
    several = any(score.loses > 1 for score in scores)
    header = ("model", "MAE", "RMSE", "MASE", "skill", *(f"in {level:g} %" for level in levels))
    header += ("loses on",) * several
    rows = []
    for score in scores:
        cells = [write(value) for write, value in zip(columns, (score.mae, score.rmse), strict=True)]
        cells += [
            _number(score.mase, "{:.3f}"),
            _number(score.skill, "{:+.1f} %" if score.skill else "{:.0f} %"),
        ]
        cells += [_number(score.coverage.get(level, np.nan), "{:.0f} %") for level in levels]
        cells += [f"{score.loses:,}"] * several
        rows.append((BASELINES.get(score.model, score.model), *cells))
    return Grid(header, rows)


def forecast_grid(result: Result) -> Grid:
    """The forecast with its intervals, a row a step."""
    forecast = result.forecast
    pairs = [bounds(forecast.table, forecast.model, level) for level in forecast.levels]
    write = number_format(np.concatenate([result.mean, *(bound for pair in pairs for bound in pair)]))
    columns = [time_texts(result.ahead, unit=result.time_unit), [write(value) for value in result.mean]]
    for low, high in pairs:
        columns.append([f"{write(a)} to {write(b)}" for a, b in zip(low, high, strict=True)])
    header = (forecast.time_col, forecast.model, *(f"{level:g} %" for level in forecast.levels))
    return Grid(header, list(zip(*columns, strict=True)))


def _number(value: float, form: str) -> str:
    """A number in a form, or a dash."""
    return form.format(value) if np.isfinite(value) else "-"
